//! The last dimension has 2 channels.
use gradlet::prelude::*;

static NORM: BatchNorm<3, Relu, [[f32; 2]; 3]> = Zero::ZERO;

fn main() {
    let _ = NORM.forward(&[[0.0; 2]; 3]);
}
