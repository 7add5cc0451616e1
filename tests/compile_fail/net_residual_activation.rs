//! The activation before the projection, not behind the sum.
use gradlet::prelude::*;

type Net = net![8 => Residual(4 Relu => 6 Tanh) Relu + (6 Identity) => 3 Softmax];

static NET: Net = Net::ZERO;

fn main() {
    let _ = NET.forward(&[0.0; 8]);
}
