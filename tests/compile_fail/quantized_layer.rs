//! A recurrent layer in a network that is quantised.
use gradlet::prelude::*;

type Net = net![9 x 2 => Gru(4) => 3 Softmax];

fn answer(_: &Quantized<Net>) {}

fn main() {}
