//! The mean loss of an epoch of millions of examples.
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "tests may panic")]

use core::ops::ControlFlow;

use gradlet::prelude::*;

#[test]
fn a_mean_loss_is_that_of_all_examples() {
    // So many that a plain sum in `f32` would be 12 % off.
    let mut net = Dense::<1, 1, Identity>::ZERO;
    let mut trainer = Trainer::<_, AbsoluteError, Sgd>::new();
    let report = trainer.fit_with(
        &mut net,
        |_| Sgd { learning_rate: 0.0 },
        |epoch| epoch.learn((0..20_000_000).map(|_| ([0.0], [0.1]))),
        Stop::after(9).or_at_loss(0.08),
        |_| ControlFlow::Break(()),
    );
    let loss = report.loss.unwrap();
    assert!((loss - 0.1).abs() < 1e-6, "{loss}");
}
