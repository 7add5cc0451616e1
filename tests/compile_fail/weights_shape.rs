//! Rows of three weights for a layer with two inputs.
use gradlet::prelude::*;

static LAYER: Dense<2, 3> = Dense::from_rows([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]], [0.0; 3]);

fn main() {}
