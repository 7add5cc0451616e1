//! Dropout of everything.
use gradlet::prelude::*;

type Net = net![8 => 4 Relu => Dropout(2 / 2) => 3 Softmax];

static NET: Net = Net::ZERO;

fn main() {
    let _ = NET.forward(&[0.0; 8]);
}
