//! Heads that are not in parentheses.
use gradlet::prelude::*;

type Net = net![8 => 4 Relu => Parallel(3 Softmax, 2 Identity)];

static NET: Net = Net::ZERO;

fn main() {
    let _ = NET.forward(&[0.0; 8]);
}
