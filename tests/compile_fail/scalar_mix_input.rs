//! `f64` inputs for an `f32` network.
use gradlet::prelude::*;

fn answer(net: &Mlp<2, 4, 2>, input: &[f64; 2]) -> [f32; 2] {
    net.forward(input)
}

fn main() {}
