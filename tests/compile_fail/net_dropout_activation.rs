//! Dropout with an activation.
use gradlet::prelude::*;

type Net = net![8 => 4 Identity => Dropout Relu => 3 Softmax];

static NET: Net = Net::ZERO;

fn main() {
    let _ = NET.forward(&[0.0; 8]);
}
