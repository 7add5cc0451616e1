//! The two layers take inputs of different sizes.
use gradlet::prelude::*;

static HEADS: Parallel<Dense<8, 3>, Dense<7, 2>, 5> = Zero::ZERO;

fn main() {
    let _ = HEADS.forward(&[0.0; 8]);
}
