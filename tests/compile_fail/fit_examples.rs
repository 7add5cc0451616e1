//! Examples whose targets have the wrong size.
use gradlet::prelude::*;

fn learn(net: &mut Mlp<2, 4, 1>) {
    let examples = [([0.0, 1.0], [1.0, 0.0]), ([1.0, 0.0], [0.0, 1.0])];
    let mut trainer = Trainer::<Mlp<2, 4, 1>, HalfSquaredError, Sgd>::new();
    trainer.fit(net, &Sgd { learning_rate: 0.5 }, &examples, Stop::after(100));
}

fn main() {}
