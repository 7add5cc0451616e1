//! PyTorch's `Sequential` counts the activations too: the second layer is `2`.
use gradlet::prelude::*;

static NET: Mlp<2, 2, 2> =
    gradlet::load![include_bytes!("../weights/worked.safetensors"); "0", "1"];

fn main() {}
