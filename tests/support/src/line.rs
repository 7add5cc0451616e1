//! A line through seven points, the smallest task there is.

use gradlet::prelude::*;

pub type Line = Dense<1, 1, Identity, f64>;
pub type Example = ([f64; 1], [f64; 1]);

/// Seven points near `y = 2 x + 1`.
pub const POINTS: [Example; 7] = [
    ([-1.0], [-0.75]),
    ([-0.5], [0.25]),
    ([0.0], [1.0]),
    ([0.25], [1.25]),
    ([0.5], [2.25]),
    ([0.75], [2.5]),
    ([1.0], [3.0]),
];
