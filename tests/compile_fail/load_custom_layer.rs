//! A custom layer that does not say how it is loaded.
use gradlet::prelude::*;
use gradlet::{Deltas, LayerTrace, Samples};

/// `y = x^2`
struct Square;

impl Layer for Square {
    type Format = f32;
    type Input = [f32; 2];
    type Output = [f32; 2];
    type Activation = Identity;
    type Trace = LayerTrace<f32, [f32; 2], Identity>;
    type Gradient = ();
    const MACS: usize = 2;

    fn logits(&self, _: &[f32; 2], _: &mut [f32; 2]) {}
    fn input_gradient<const K: usize>(&self, _: Samples<'_, Self, K>, _: Deltas<'_, Self, K>) {}
}

static NET: Chain<Dense<2, 2>, Chain<Square, Dense<2, 2>>> =
    gradlet::load![include_bytes!("../weights/worked.safetensors"); "0", "2"];

fn main() {}
