//! Dropout of everything.
use gradlet::prelude::*;

static ALL: Dropout<[f32; 2], 2, 2> = Dropout::new();

fn main() {
    let _ = ALL.forward(&[0.0; 2]);
}
