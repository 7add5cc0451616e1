//! A layer that begins at the end of a window has no state to begin the next one with.
use gradlet::prelude::*;

type Net = net![29 x 12 => Gru(16, bidirectional, stateful) => 9 Softmax];

static NET: Net = Net::ZERO;

fn main() {}
