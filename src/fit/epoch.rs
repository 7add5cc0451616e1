//! One epoch: its examples, its updates, its loss.

use super::Outcome;
use crate::batch::BatchTrainer;
use crate::example::Example;
use crate::layer::{Layer, Real};
use crate::loss::Loss;
use crate::number::Number;
use crate::optimizer::Optimizer;
use crate::shape::Shape;
use crate::trainer::Trainer;
use crate::weight::{MeanLoss, is_valid, is_zero};
use crate::zero::Zero as _;

/// An epoch that is about to begin, with all that its training needs: see [`Trainer::fit_with`].
///
/// `T` is the trainer and `F` returns the optimizer of each update.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct NextEpoch<'a, N: Layer, T, F> {
    /// Epochs completed before this one: 0 in the first.
    pub completed: u32,
    pub(super) net: &'a mut N,
    pub(super) trainer: &'a mut T,
    /// Of the mini-batches.
    pub(super) size: u32,
    pub(super) optimizer: NextOptimizer<'a, F>,
    pub(super) losses: MeanLoss<Real<N>>,
    /// What was wrong with an example or an optimizer.
    pub(super) result: Result<(), Outcome>,
}

/// Counts the updates, and checks the optimizer of each.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) struct NextOptimizer<'a, F> {
    pub(super) optimizer: &'a mut F,
    pub(super) updates: &'a mut u32,
}

impl<F> NextOptimizer<'_, F> {
    fn get<N: Layer, O: Optimizer<N>>(&mut self) -> Result<O, Outcome>
    where
        F: FnMut(u32) -> O,
    {
        let optimizer = (self.optimizer)(*self.updates);
        *self.updates = self.updates.saturating_add(1);
        optimizer.check().map_err(Outcome::Optimizer)?;
        Ok(optimizer)
    }
}

/// Proof that an epoch has been trained, for [`Trainer::fit_with`]: the result of
/// [`NextEpoch::learn`] and of nothing else.
#[derive(Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Learned(());

impl<N, L, O, F> NextEpoch<'_, N, Trainer<N, L, O>, F>
where
    N: Layer,
    L: Loss<N::Activation, N::Format>,
    O: Optimizer<N>,
    F: FnMut(u32) -> O,
{
    /// Trains on `examples`, one at a time. Borrows them no longer than that, so they may be
    /// shuffled before in the same closure. If it is called again, the epoch goes on.
    pub fn learn<S>(&mut self, examples: S) -> Learned
    where
        S: IntoIterator<Item: Example<N::Input, N::Output>>,
    {
        let Self { net, trainer, optimizer, losses, result, .. } = self;
        let mut examples = examples.into_iter();
        *result = result.and_then(|()| {
            examples.try_for_each(|example| {
                let (x, t, weight) = (example.input(), example.target(), example.weight());
                let mut loss = Real::<N>::ZERO;
                if !is_zero(weight) {
                    loss = trainer.step_weighted(net, &optimizer.get()?, x, t, weight);
                }
                record::<N, L>(losses, loss, &example)
            })
        });
        Learned(())
    }
}

impl<N, L, O, F, const TILE: usize> NextEpoch<'_, N, BatchTrainer<N, L, O, TILE>, F>
where
    N: Layer,
    L: Loss<N::Activation, N::Format>,
    O: Optimizer<N>,
    F: FnMut(u32) -> O,
{
    /// Trains on `examples` in mini-batches; the last may be smaller. Borrows them no longer than
    /// that, so they may be shuffled before in the same closure. If it is called again, the epoch
    /// goes on.
    pub fn learn<S>(&mut self, examples: S) -> Learned
    where
        S: IntoIterator<Item: Example<N::Input, N::Output>>,
    {
        let mut examples = examples.into_iter().fuse();
        while self.result.is_ok() {
            match self.batch(&mut examples) {
                Ok(true) => {}
                Ok(false) => break,
                Err(outcome) => self.result = Err(outcome),
            }
        }
        Learned(())
    }

    /// Trains on the next mini-batch; returns whether there was one.
    fn batch<E: Example<N::Input, N::Output>>(
        &mut self,
        examples: &mut impl Iterator<Item = E>,
    ) -> Result<bool, Outcome> {
        let Self { net, trainer, size, optimizer, losses, .. } = self;
        // Losses are recorded one by one, so that the report can name the invalid example.
        let any = trainer.accumulate_each(net, examples, *size, |loss, example| {
            record::<N, L>(losses, loss, example)
        })?;
        if trainer.count() > 0 {
            trainer.apply(net, &optimizer.get()?);
        }
        Ok(any)
    }
}

/// Records the loss of an example; or returns what was wrong with it, unless its weight is 0.
fn record<N: Layer, L: Loss<N::Activation, N::Format>>(
    losses: &mut MeanLoss<Real<N>>,
    loss: Real<N>,
    example: &impl Example<N::Input, N::Output>,
) -> Result<(), Outcome> {
    let (place, weight) = (losses.examples(), example.weight());
    if loss.is_finite() || is_zero(weight) {
        losses.observe(loss, weight);
        Ok(())
    } else if !is_valid(weight) {
        Err(Outcome::Weight { example: place })
    } else if L::accepts(example.target().as_slice()) {
        Err(Outcome::NotFinite { example: place })
    } else {
        Err(Outcome::Target { example: place })
    }
}
