//! Compact convolutions with another activation than `Relu`.
use gradlet::prelude::*;

type Net = net![32 x 3 => Compact(Conv1d(8, 3) Tanh | MaxPool(2) => Conv1d(8, 3) Relu | GlobalMean)];

static NET: Net = Net::ZERO;

fn main() {
    let _ = NET.forward(&[[0.0; 3]; 32]);
}
