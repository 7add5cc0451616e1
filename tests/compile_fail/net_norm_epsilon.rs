//! An epsilon that is not written as a fraction.
use gradlet::prelude::*;

type Net = net![8 => 4 Identity => BatchNorm(0.001) Relu => 3 Softmax];

static NET: Net = Net::ZERO;

fn main() {
    let _ = NET.forward(&[0.0; 8]);
}
