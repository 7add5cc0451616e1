//! Three names for two layers.
use gradlet::prelude::*;

static NET: Mlp<2, 2, 2> =
    gradlet::load![include_bytes!("../weights/worked.safetensors"); "0", "1", "2"];

fn main() {}
