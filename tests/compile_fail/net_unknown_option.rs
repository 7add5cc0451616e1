//! An option that does not exist.
use gradlet::prelude::*;

type Net = net![16 x 2 => Conv1d(4, 3, stride 2) Relu => GlobalMean => 3 Softmax];

fn main() {
    let _ = Net::ZERO;
}
