//! Groups that do not divide the channels.
use gradlet::prelude::*;

type Net = net![8 x 6 => Conv1d(8, 3, groups 4) Relu => GlobalMean => 3 Softmax];

static NET: Net = Net::ZERO;

fn main() {
    let _ = NET.forward(&[[0.0; 6]; 8]);
}
