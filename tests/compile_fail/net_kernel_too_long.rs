//! A kernel that is longer than its sequence.
use gradlet::prelude::*;

type Net = net![8 x 2 => Conv1d(4, 5) Relu => Conv1d(4, 5) Relu => GlobalMean => 3 Softmax];

static NET: Net = Net::ZERO;

fn main() {
    let _ = NET.forward(&[[0.0; 2]; 8]);
}
