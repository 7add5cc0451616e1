//! An `f32` optimizer for an `f64` network.
use gradlet::prelude::*;

type Net = net![f64; 2 => 4 Tanh => 2 Sigmoid];

static TRAINER: Trainer<Net, HalfSquaredError, Sgd> = Trainer::new();

fn main() {}
