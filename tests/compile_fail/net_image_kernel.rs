//! The convolution of a sequence for an image.
use gradlet::prelude::*;

type Net = net![8 x 8 x 1 => Conv1d(4, 3) Relu => Flatten => 3 Softmax];

fn main() {
    let _ = Net::ZERO;
}
