//! An option that recurrent layers do not have.
use gradlet::prelude::*;

type Net = net![29 x 12 => Gru(16, last) => 9 Softmax];

static NET: Net = Net::ZERO;

fn main() {}
