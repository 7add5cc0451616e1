//! There is a slope for each channel, or one for all.
use gradlet::prelude::*;

type Net = net![4 => 3 Identity => PRelu(2) => 1 Sigmoid];

static NET: Net = Net::ZERO;

fn main() {}
