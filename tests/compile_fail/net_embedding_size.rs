//! An embedding of no vectors.
use gradlet::prelude::*;

type Net = net![12 => Embedding(0, 8) => Gru(16) => 9 Softmax];

static NET: Net = Net::ZERO;

fn main() {}
