//! An `f64` layer after an `f32` layer.
use gradlet::prelude::*;

static NET: Chain<Dense<2, 4>, Dense<4, 2, Sigmoid, f64>> = Zero::ZERO;

fn main() {
    NET.forward(&[0.1, 0.2]);
}
