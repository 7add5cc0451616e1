//! Sizes alone: each layer needs an activation.
use gradlet::prelude::*;

static NET: net![6 => 12 => 3] = Zero::ZERO;

fn main() {
    let _ = &NET;
}
