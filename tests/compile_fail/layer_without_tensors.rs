//! A layer that learns, but does not list its tensors: they would not be saved.
use gradlet::flat::frame_bytes;
use gradlet::prelude::*;
use gradlet::{Deltas, GradientVisitor, LayerTrace, Samples};

struct Scale {
    factors: [f32; 2],
}

impl Zero for Scale {
    const ZERO: Self = Self { factors: [0.0; 2] };
}

impl Clone for Scale {
    fn clone(&self) -> Self {
        Self { factors: self.factors }
    }
}

impl Layer for Scale {
    type Format = f32;
    type Input = [f32; 2];
    type Output = [f32; 2];
    type Activation = Identity;
    type Trace = LayerTrace<f32, [f32; 2], Identity>;
    type Gradient = Self;
    const MACS: usize = 2;

    fn logits(&self, _: &[f32; 2], _: &mut [f32; 2]) {}
    fn input_gradient<const K: usize>(&self, _: Samples<'_, Self, K>, _: Deltas<'_, Self, K>) {}
    fn gradient<const P: usize, const S: usize, const K: usize>(
        _: [&mut Self; P],
        _: [&mut Self; S],
        _: Samples<'_, Self, K>,
        _: &mut impl GradientVisitor<f32, P, S>,
    ) {
    }
}

const FRAME: usize = frame_bytes::<Chain<Scale, Dense<2, 1>>>();

fn main() {
    let _ = FRAME;
}
