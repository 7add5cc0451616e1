//! A trainer for 4 hidden units, a network with 5.
use gradlet::prelude::*;

fn learn(net: &mut Mlp<2, 5, 2>) {
    let mut trainer = Trainer::<Mlp<2, 4, 2>, HalfSquaredError, Sgd>::new();
    trainer.step(net, &Sgd { learning_rate: 0.5 }, &[0.1, 0.2], &[0.01, 0.99]);
}

fn main() {}
