//! A trainer that does not fit the memory that was set aside for it.
use gradlet::prelude::*;

type Net = net![64 => 32 Relu => 10 Softmax];

const _: () = assert!(
    Net::BYTES + BatchTrainer::<Net, CrossEntropy, Adam>::BYTES <= 32 * 1024,
    "the network and its trainer do not fit in 32 KB"
);

fn main() {}
