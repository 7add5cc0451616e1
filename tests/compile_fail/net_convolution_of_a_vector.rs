//! A convolution of a vector.
use gradlet::prelude::*;

type Net = net![16 => Conv1d(4, 3) Relu => GlobalMean => 3 Softmax];

fn main() {
    let _ = Net::ZERO;
}
