//! 3 and 2 outputs are 5.
use gradlet::prelude::*;

static HEADS: Parallel<Dense<8, 3>, Dense<8, 2>, 6> = Zero::ZERO;

fn main() {
    let _ = HEADS.forward(&[0.0; 8]);
}
