//! A convolution without an activation.
use gradlet::prelude::*;

type Net = net![16 x 2 => Conv1d(4, 3) => GlobalMean => 3 Softmax];

fn main() {
    let _ = Net::ZERO;
}
