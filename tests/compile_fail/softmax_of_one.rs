//! One yes/no output that ends in softmax, which is 1 whatever the weights are.
use gradlet::prelude::*;

static NET: Dense<2, 1, Softmax> = Dense::ZERO;

fn main() {
    let _ = NET.forward(&[0.0, 1.0]);
}
