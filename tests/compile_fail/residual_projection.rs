//! The projection gives 4 numbers, the layer 3.
use gradlet::prelude::*;

static BLOCK: Residual<Dense<2, 3>, Dense<2, 4, Identity>> = Zero::ZERO;

fn main() {
    let _ = BLOCK.forward(&[0.1, 0.2]);
}
