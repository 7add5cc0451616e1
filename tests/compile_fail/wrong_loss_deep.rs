//! Binary cross-entropy for a network of five layers that ends in a softmax.
use gradlet::prelude::*;

type Net = net![8 => 8 Relu => 8 Relu => 8 Relu => 8 Relu => 3 Softmax];

fn learn(net: &mut Net) {
    let mut trainer = BatchTrainer::<Net, BinaryCrossEntropy, Adam>::new();
    trainer.accumulate(net, &[0.0; 8], &[1.0, 0.0, 0.0]);
}

fn main() {}
