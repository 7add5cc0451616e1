//! The output has another size than the input, so both cannot be added.
use gradlet::prelude::*;

static BLOCK: Residual<Dense<2, 3>> = Zero::ZERO;

fn main() {
    let _ = BLOCK.forward(&[0.1, 0.2]);
}
