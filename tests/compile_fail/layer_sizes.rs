//! The second layer takes 5 numbers, the first gives 4.
use gradlet::prelude::*;

static NET: Chain<Dense<2, 4>, Dense<5, 2>> = Zero::ZERO;

fn main() {
    NET.forward(&[0.1, 0.2]);
}
