//! Early stopping.

use core::ops::ControlFlow;

use crate::layer::{Layer, Real, parameters_are_finite};
use crate::macros::default_is_new;
use crate::number::Number;
use crate::zero::Zero;

/// Early stopping against overfitting: ends training when a loss has not improved for some epochs,
/// and keeps the best parameters.
///
/// Pass it the loss on held-out examples (the validation loss). Holds a copy of the parameters,
/// without [buffers](crate::Kind::Buffer), which training does not change.
///
/// ```
/// use gradlet::prelude::*;
///
/// let (examples, unseen) = ([([0.0], [1.0]), ([1.0], [3.0])], ([2.0], [5.5]));
/// let mut net = Dense::<1, 1, Identity>::ZERO;
/// let mut trainer = Trainer::<_, HalfSquaredError, Sgd>::new();
/// let mut judge = Trainer::<_, HalfSquaredError, Sgd>::new();
/// let mut early = EarlyStopping::new();
/// let report = trainer.fit_with(
///     &mut net,
///     |_| Sgd { learning_rate: 0.1 },
///     |epoch| epoch.learn(&examples),
///     Stop::after(10_000),
///     |epoch| {
///         let loss = judge.evaluate(epoch.net, &unseen.0, &unseen.1);
///         early.observe(epoch.net, loss, 10)
///     },
/// );
/// assert_eq!(report.outcome, Outcome::Stopped);
/// assert!(early.restore(&mut net));
/// assert_eq!(Some(judge.evaluate(&net, &unseen.0, &unseen.1)), early.best_loss());
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct EarlyStopping<N: Layer> {
    best: N::Gradient,
    best_loss: Real<N>,
    found: bool,
    waited: u32,
}

impl<N: Layer> EarlyStopping<N> {
    /// No losses yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { best: N::Gradient::ZERO, best_loss: Real::<N>::ZERO, found: false, waited: 0 }
    }

    /// Keeps the parameters if `loss` is the lowest so far; returns `Break` after `patience` losses
    /// in a row that were not. A loss that is NaN or infinite is never the lowest, nor is that of a
    /// network with such a parameter.
    pub fn observe(&mut self, net: &N, loss: Real<N>, patience: u32) -> ControlFlow<()> {
        let lowest = !self.found || loss < self.best_loss;
        let better = lowest && loss.is_finite() && parameters_are_finite(net);
        if better {
            N::walk([net], [], [], [&mut self.best], &mut |_, [now], [], [], [best]| {
                for (best, &now) in best.iter_mut().zip(now) {
                    *best = now;
                }
            });
            self.best_loss = loss;
            self.found = true;
            self.waited = 0;
        } else {
            self.waited = self.waited.saturating_add(1);
        }
        if self.waited < patience || better {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    }

    /// The lowest loss so far.
    #[must_use]
    pub fn best_loss(&self) -> Option<Real<N>> {
        self.found.then_some(self.best_loss)
    }

    /// Restores the best parameters into `net`; if none were kept, leaves `net` unchanged and
    /// returns `false`.
    #[must_use = "`false` means that there was nothing to restore"]
    pub fn restore(&self, net: &mut N) -> bool {
        if self.found {
            N::walk([], [net], [&self.best], [], &mut |_, [], [now], [best], []| {
                for (now, &best) in now.iter_mut().zip(best) {
                    *now = best;
                }
            });
        }
        self.found
    }
}

default_is_new!([N: Layer] EarlyStopping<N>);
