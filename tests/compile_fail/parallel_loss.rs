//! A cross-entropy over both heads, of which only one ends in softmax.
use gradlet::prelude::*;

type Net = Parallel<Dense<8, 3, Softmax>, Dense<8, 2, Identity>, 5>;

fn main() {
    let _ = Trainer::<Net, CrossEntropy>::new();
}
