//! A network of `f64` without saying so.
use gradlet::prelude::*;

static NET: Mlp<2, 2, 2, Tanh, Softmax, f64> =
    gradlet::load![include_bytes!("../weights/worked.safetensors"); "0", "2"];

fn main() {}
