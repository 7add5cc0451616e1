//! Early stopping: what counts as better, when it ends, and what it gives back.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "tests may panic, and compare exactly"
)]

use core::cell::RefCell;

use gradlet::prelude::*;
use support::line::{Line, POINTS};

type Single = Trainer<Line, HalfSquaredError, Sgd<f64>>;

/// Observes losses, with networks that can be told apart; returns how many it took to say stop.
fn observe(early: &mut EarlyStopping<Line>, losses: &[f64], patience: u32) -> Option<usize> {
    losses.iter().enumerate().position(|(k, &loss)| {
        let net = Line::new([[k as f64]], [-(k as f64)]);
        early.observe(&net, loss, patience).is_break()
    })
}

#[test]
fn early_stopping_keeps_and_restores_the_best_parameters() {
    let mut early = EarlyStopping::new();
    assert_eq!(observe(&mut early, &[5.0, 3.0, 4.0, 2.0, 2.0, 2.5], 3), None);
    assert_eq!(early.best_loss(), Some(2.0));
    let mut net = Line::ZERO;
    assert!(early.restore(&mut net));
    // The first of two equal losses.
    assert_eq!(net, Line::new([[3.0]], [-3.0]));
    // It can be restored again, and goes on.
    assert_eq!(observe(&mut early, &[1.0], 3), None);
    assert!(early.restore(&mut net));
    assert_eq!((net, early.best_loss()), (Line::ZERO, Some(1.0)));
}

#[test]
fn infinite_losses_are_never_the_lowest() {
    for infinite in [f64::INFINITY, f64::NEG_INFINITY] {
        for losses in [[infinite, 2.0, 1.0], [2.0, infinite, 1.0]] {
            let mut early = EarlyStopping::new();
            assert_eq!(observe(&mut early, &losses, 2), None, "{losses:?}");
            assert_eq!(early.best_loss(), Some(1.0), "{losses:?}");
        }
    }
}

#[test]
fn early_stopping_counts_losses_in_a_row_that_are_not_better() {
    let worse = [1.0, 2.0, 2.0, 2.0, 2.0, 2.0];
    for patience in 1..=5 {
        let at = observe(&mut EarlyStopping::new(), &worse, patience);
        assert_eq!(at, Some(patience as usize), "patience {patience}");
    }
    assert_eq!(observe(&mut EarlyStopping::new(), &worse, 6), None);
    // A better one begins anew; an equal one is not better.
    let broken = [3.0, 4.0, 2.0, 4.0, 2.0, 1.0];
    assert_eq!(observe(&mut EarlyStopping::new(), &broken, 2), Some(4));
    assert_eq!(observe(&mut EarlyStopping::new(), &broken, 3), None);
    // Without patience, the first that is not better is the last.
    assert_eq!(observe(&mut EarlyStopping::new(), &[3.0, 2.0, 2.0], 0), Some(2));
}

#[test]
fn early_stopping_never_takes_nan_for_the_best() {
    let mut early = EarlyStopping::new();
    assert_eq!(observe(&mut early, &[f64::NAN, f64::INFINITY, f64::NAN], 4), None);
    assert_eq!(early.best_loss(), None);
    let mut net = Line::new([[0.5]], [0.25]);
    assert!(!early.restore(&mut net));
    assert_eq!(net, Line::new([[0.5]], [0.25]));
    // Losses that are not finite count as not better.
    assert_eq!(observe(&mut early, &[f64::NAN], 4), Some(0));

    let mut early = EarlyStopping::new();
    assert_eq!(observe(&mut early, &[1.0, f64::NAN, f64::INFINITY, f64::NAN], 3), Some(3));
    assert_eq!(early.best_loss(), Some(1.0));
}

#[test]
fn early_stopping_ends_a_fit_before_the_net_forgets() {
    // The last example pulls away from the unseen ones.
    let mut early = EarlyStopping::new();
    let mut judge = Single::new();
    let mut net = Line::new([[2.0]], [0.0]);
    let unseen = ([0.5], [1.25]);
    let history = RefCell::new(Vec::new());
    let report = Single::new().fit_with(
        &mut net,
        |_| Sgd { learning_rate: 0.01 },
        |epoch| epoch.learn(POINTS),
        Stop::after(10_000),
        |epoch| {
            let loss = judge.evaluate(epoch.net, &unseen.0, &unseen.1);
            history.borrow_mut().push(loss);
            early.observe(epoch.net, loss, 5)
        },
    );
    let history = history.into_inner();
    assert_eq!(report.outcome, Outcome::Stopped);
    let best = history.iter().copied().fold(f64::INFINITY, f64::min);
    assert_eq!(history.iter().position(|&l| l == best), Some(history.len() - 6));
    assert_eq!(early.best_loss(), Some(best));
    assert!(judge.evaluate(&net, &unseen.0, &unseen.1) > best);
    assert!(early.restore(&mut net));
    assert_eq!(judge.evaluate(&net, &unseen.0, &unseen.1), best);
}
