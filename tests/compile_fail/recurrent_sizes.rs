//! The gates of a recurrent layer do not have the size that they need.
use gradlet::prelude::*;

// A GRU has three gates, so 48 numbers.
static NET: Gru<32, 3, 16, 64> = Gru::ZERO;

fn main() {}
