//! A file with one layer more than the network.
use gradlet::prelude::*;

static LAYER: Dense<2, 2> =
    gradlet::load![include_bytes!("../weights/worked.safetensors"); "0"];

fn main() {}
