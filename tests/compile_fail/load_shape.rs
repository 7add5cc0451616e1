//! A file of a network with two hidden units, for one with three.
use gradlet::prelude::*;

static NET: Mlp<2, 3, 2> =
    gradlet::load![include_bytes!("../weights/worked.safetensors"); "0", "2"];

fn main() {}
