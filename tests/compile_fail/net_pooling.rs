//! A pooling that does not divide its input.
use gradlet::prelude::*;

type Net = net![8 x 2 => Conv1d(4, 2) Relu => MaxPool(2) => GlobalMean => 3 Softmax];

static NET: Net = Net::ZERO;

fn main() {
    let _ = NET.forward(&[[0.0; 2]; 8]);
}
