//! A softmax in a hidden layer.
use gradlet::prelude::*;

static NET: net![2 => 4 Softmax => 2 Softmax] = Zero::ZERO;

fn main() {}
