//! A file of `f32` for a network in int8.
use gradlet::prelude::*;

type Net = net![2 => 2 Relu => 2 Softmax];

static NET: Quantized<Net> =
    gradlet::load![include_bytes!("../weights/worked.safetensors"); "0", "2"];

fn main() {}
