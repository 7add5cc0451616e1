//! The losses are in the order of the heads.
use gradlet::prelude::*;

type Net = Parallel<Dense<8, 3, Softmax>, Dense<8, 2, Identity>, 5>;

fn main() {
    let _ = Trainer::<Net, Split<HalfSquaredError, CrossEntropy>>::new();
}
