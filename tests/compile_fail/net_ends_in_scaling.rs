//! Scaling and nothing to scale for.
use gradlet::prelude::*;

static NET: net![6 => Scaling] = Zero::ZERO;

fn main() {
    let _ = &NET;
}
