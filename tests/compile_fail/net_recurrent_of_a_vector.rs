//! A recurrent layer takes a sequence.
use gradlet::prelude::*;

type Net = net![12 => Gru(16) => 9 Softmax];

static NET: Net = Net::ZERO;

fn main() {}
