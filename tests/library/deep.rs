//! A network of 64 layers.

use gradlet::prelude::*;

type Deep = net![
    1 => 1 Tanh => 1 Tanh => 1 Tanh => 1 Tanh => 1 Tanh => 1 Tanh => 1 Tanh => 1 Tanh => 1 Tanh
        => 1 Tanh => 1 Tanh => 1 Tanh => 1 Tanh => 1 Tanh => 1 Tanh => 1 Tanh => 1 Tanh => 1 Tanh
        => 1 Tanh => 1 Tanh => 1 Tanh => 1 Tanh => 1 Tanh => 1 Tanh => 1 Tanh => 1 Tanh => 1 Tanh
        => 1 Tanh => 1 Tanh => 1 Tanh => 1 Tanh => 1 Tanh => 1 Tanh => 1 Tanh => 1 Tanh => 1 Tanh
        => 1 Tanh => 1 Tanh => 1 Tanh => 1 Tanh => 1 Tanh => 1 Tanh => 1 Tanh => 1 Tanh => 1 Tanh
        => 1 Tanh => 1 Tanh => 1 Tanh => 1 Tanh => 1 Tanh => 1 Tanh => 1 Tanh => 1 Tanh => 1 Tanh
        => 1 Tanh => 1 Tanh => 1 Tanh => 1 Tanh => 1 Tanh => 1 Tanh => 1 Tanh => 1 Tanh => 1 Tanh
        => 1 Identity
];

#[test]
fn networks_of_64_layers_train() {
    const { assert!(Deep::PARAMS == 2 * 64) };
    let mut net = Deep::ZERO;
    let mut trainer = Trainer::<Deep, HalfSquaredError>::new();
    let sgd = Sgd { learning_rate: 0.5 };
    let before = trainer.step(&mut net, &sgd, &[1.0], &[0.75]);
    for _ in 0..20 {
        trainer.step(&mut net, &sgd, &[1.0], &[0.75]);
    }
    let after = trainer.evaluate(&net, &[1.0], &[0.75]);
    assert!(after < before / 1000.0, "{before} {after}");
}
