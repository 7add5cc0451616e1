//! A layer with a buffer whose gradient has room for it.
use gradlet::prelude::*;
use gradlet::{Deltas, LayerTrace, Samples, flat, tensors};

#[derive(Clone)]
struct Centre {
    learned: [f32; 2],
    mean: [f32; 2],
}

impl Zero for Centre {
    const ZERO: Self = Self { learned: [0.0; 2], mean: [0.0; 2] };
}

impl Layer for Centre {
    type Format = f32;
    type Input = [f32; 2];
    type Output = [f32; 2];
    type Activation = Identity;
    type Trace = LayerTrace<f32, [f32; 2], Identity>;
    type Gradient = Self;
    const MACS: usize = 2;

    tensors! {
        learned: Bias "bias" [2],
        mean: Buffer "mean" [2],
    }

    fn logits(&self, _: &[f32; 2], _: &mut [f32; 2]) {}
    fn input_gradient<const K: usize>(&self, _: Samples<'_, Self, K>, _: Deltas<'_, Self, K>) {}
}

const FRAME: usize = flat::frame_bytes::<Centre>();

fn main() {
    let _ = FRAME;
}
