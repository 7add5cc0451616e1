//! An embedding takes a vector of indices.
use gradlet::prelude::*;

type Net = net![12 x 3 => Embedding(20, 8) => Gru(16) => 9 Softmax];

static NET: Net = Net::ZERO;

fn main() {}
