//! One of the layers beside each other ends in a sequence.
use gradlet::prelude::*;

type Net = net![20 x 3 => Parallel((Conv1d(4, 3) Relu), (Gru(4))) => 2 Softmax];

static NET: Net = Net::ZERO;

fn main() {}
