//! A file of a convolution over windows of four steps, for one over three.
use gradlet::prelude::*;

static NET: Conv1d<6, 2, 3, 3, 4, Relu> =
    gradlet::load![include_bytes!("../weights/sequence.safetensors"); "conv"; ".."];

fn main() {}
