//! Batch normalisation that was not folded into the layer before it.
use gradlet::prelude::*;

type Net = net![4 => 4 Identity => BatchNorm Relu => 3 Softmax];

fn answer(_: &Quantized<Net>) {}

fn main() {}
