//! A dense layer after a sequence, without a layer that makes it a vector.
use gradlet::prelude::*;

type Net = net![8 x 2 => Conv1d(4, 3) Relu => 3 Softmax];

fn main() {
    let _ = Net::ZERO;
}
