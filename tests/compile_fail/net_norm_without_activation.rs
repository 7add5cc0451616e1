//! A batch normalisation without its activation.
use gradlet::prelude::*;

type Net = net![8 x 2 => Conv1d(4, 3) Identity => BatchNorm => GlobalMean => 3 Softmax];

static NET: Net = Net::ZERO;

fn main() {
    let _ = NET.forward(&[[0.0; 2]; 8]);
}
