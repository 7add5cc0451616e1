//! Mini-batch training: the mean gradient of several samples.

use core::array::from_mut;
use core::convert::Infallible;

use crate::example::Example;
use crate::gradient::Accumulate;
use crate::layer::{Layer, Real, Samples};
use crate::loss::Loss;
use crate::metrics::LossMeter;
use crate::optimizer::{Optimizer, Sgd, Stored};
use crate::scalar::{Scalar, reciprocal};
use crate::trainer::{Trainer, backward, forward};
use crate::zero::Zero;

/// Trains a network in mini-batches, by the mean gradient of each.
///
/// A batch is never stored: [`accumulate`](Self::accumulate) adds the gradient of a sample to the
/// sum, [`apply`](Self::apply) makes the step. Any batch size takes the same memory: in addition to
/// what a [`Trainer`] holds, that sum, one number for each parameter, and a count.
///
/// # Several samples at once
///
/// On a PC, `BatchTrainer<Net, Loss, Sgd, 16>` runs tiles of 16 samples through the network
/// together, in [`accumulate_all`](Self::accumulate_all) and [`fit`](Self::fit), so that each
/// loaded weight is used for all of them. Results are bit-identical. The trainer then holds 32 more
/// numbers for each unit, two for each sample. Use multiples of 8; layers of fewer than about 16
/// inputs gain nothing. The remainder of a batch is processed in fours, then one by one.
///
/// ```
/// use gradlet::prelude::*;
///
/// let samples = [([0.0], [1.0]), ([1.0], [3.0]), ([2.0], [5.0])]; // y = 2 x + 1
/// let mut net = Dense::<1, 1, Identity>::ZERO;
/// let mut trainer = BatchTrainer::<_, MeanSquaredError, Sgd>::new();
/// for _ in 0..500 {
///     for (x, t) in &samples {
///         trainer.accumulate(&net, x, t);
///     }
///     trainer.apply(&mut net, &Sgd { learning_rate: 0.2 });
/// }
/// assert!((net.weights()[0][0] - 2.0).abs() < 1e-5);
/// assert!((net.bias()[0] - 1.0).abs() < 1e-5);
/// ```
pub type BatchTrainer<N, L, O = Sgd<Real<N>>, const TILE: usize = 0> =
    Trainer<N, L, O, Batch<N, TILE>>;

/// The state of a [`BatchTrainer`]'s batch.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Batch<N: Layer, const TILE: usize> {
    /// One for each sample of a tile.
    traces: [N::Trace; TILE],
    /// The sum of the gradients so far.
    gradient: N::Gradient,
    count: u32,
}

impl<N: Layer, const TILE: usize> Zero for Batch<N, TILE> {
    const ZERO: Self = Self { traces: Zero::ZERO, gradient: Zero::ZERO, count: 0 };
}

impl<T, N, L, O, const TILE: usize> Trainer<N, L, O, Batch<N, TILE>>
where
    T: Scalar,
    N: Layer<Format = T>,
    L: Loss<N::Activation, T>,
    O: Optimizer<N>,
{
    /// Adds the gradient of one sample to the batch. Returns the sample's loss.
    ///
    /// If that is NaN or infinite, the sample is left out of the batch: a value of `input` is, a
    /// parameter is NaN, or the target is outside the domain of the loss ([`Loss::accepts`]).
    #[inline]
    pub fn accumulate(&mut self, net: &N, input: &N::Input, target: &N::Output) -> T {
        let [forward] = forward::<N, L, 1>(net, from_mut(&mut self.trace), [input], [target]);
        if forward.sum.is_finite() {
            backward::<N, L, 1>(net, from_mut(&mut self.trace), [input], [target]);
            let sample = Samples { inputs: [input], traces: [&self.trace] };
            N::gradient([], [&mut self.batch.gradient], sample, &mut Accumulate);
            self.batch.count = self.batch.count.saturating_add(1);
        }
        forward.answer()
    }

    /// Adds the gradients of `examples` to the batch, as [`accumulate`](Self::accumulate) does for
    /// each. Returns their mean loss: `None` if there are none, NaN if a loss is NaN or infinite.
    ///
    /// ```
    /// use gradlet::prelude::*;
    ///
    /// let examples = [([0.0], [1.0]), ([1.0], [3.0]), ([2.0], [5.0])];
    /// let net = Dense::<1, 1, Identity>::ZERO;
    /// let mut one_by_one = BatchTrainer::<_, HalfSquaredError>::new();
    /// let mut together = BatchTrainer::<_, HalfSquaredError, Sgd, 8>::new();
    /// let loss = one_by_one.accumulate_all(&net, &examples);
    /// assert_eq!(together.accumulate_all(&net, &examples), loss);
    /// assert_eq!(together.gradient(), one_by_one.gradient());
    /// ```
    pub fn accumulate_all<S>(&mut self, net: &N, examples: S) -> Option<T>
    where
        S: IntoIterator<Item: Example<N::Input, N::Output>>,
    {
        let mut losses = LossMeter::new();
        let mut examples = examples.into_iter().fuse();
        let Ok(()) =
            self.accumulate_each::<_, Infallible>(net, &mut examples, u32::MAX, |loss, _| {
                losses.observe(loss);
                Ok(())
            });
        losses.mean()
    }

    /// Consumes up to `most` of the examples; `observe` is called with each loss and its target,
    /// and stops it by returning an error.
    pub(crate) fn accumulate_each<E: Example<N::Input, N::Output>, R>(
        &mut self,
        net: &N,
        examples: &mut impl Iterator<Item = E>,
        most: u32,
        mut observe: impl FnMut(T, &N::Output) -> Result<(), R>,
    ) -> Result<(), R> {
        let mut examples = (0..most).zip(examples).map(|(_, example)| example);
        loop {
            // An iterator yields examples one by one; a tile needs them at the same time.
            let mut tile = [const { None }; TILE];
            let mut count = 0_usize;
            for (place, example) in tile.iter_mut().zip(&mut examples) {
                *place = Some(example);
                count = count.saturating_add(1);
            }
            let mut tile = tile.get(..count).unwrap_or(&[]);
            if count == 0 {
                break;
            }
            while let Some(losses) = self.accumulate_tile::<TILE, E>(net, &mut tile) {
                losses.into_iter().try_for_each(|(loss, target)| observe(loss, target))?;
            }
            while let Some(losses) = self.accumulate_tile::<4, E>(net, &mut tile) {
                losses.into_iter().try_for_each(|(loss, target)| observe(loss, target))?;
            }
            for example in tile.iter().flatten() {
                observe(self.accumulate(net, example.input(), example.target()), example.target())?;
            }
        }
        // All of them, if tiles have size 0.
        examples.try_for_each(|example| {
            observe(self.accumulate(net, example.input(), example.target()), example.target())
        })
    }

    /// Runs the first `K` of the examples through the network together, and removes them from
    /// `examples`; `None` if there are fewer. If not all is finite, they are processed one by one.
    fn accumulate_tile<'e, const K: usize, E: Example<N::Input, N::Output>>(
        &mut self,
        net: &N,
        examples: &mut &'e [Option<E>],
    ) -> Option<[(T, &'e N::Output); K]> {
        let (tile, rest) = examples.split_first_chunk::<K>()?;
        let first = tile.first()?.as_ref()?;
        let mut inputs = [first.input(); K];
        let mut targets = [first.target(); K];
        for ((x, t), example) in inputs.iter_mut().zip(&mut targets).zip(tile.iter().flatten()) {
            (*x, *t) = (example.input(), example.target());
        }
        let Batch { traces, gradient, count } = &mut self.batch;
        let traces = traces.first_chunk_mut::<K>()?;
        *examples = rest;

        let forward = forward::<N, L, K>(net, traces, inputs, targets);
        let mut losses = targets.map(|target| (T::ZERO, target));
        if forward.iter().all(|sample| sample.sum.is_finite()) {
            // The gradient sums add the samples in order: the same bits as one by one.
            for ((loss, _), sample) in losses.iter_mut().zip(forward) {
                *loss = sample.loss;
            }
            backward::<N, L, K>(net, traces, inputs, targets);
            let samples = Samples { inputs, traces: traces.each_ref() };
            N::gradient([], [gradient], samples, &mut Accumulate);
            *count = count.saturating_add(u32::try_from(K).unwrap_or(u32::MAX));
        } else {
            for ((loss, target), input) in losses.iter_mut().zip(inputs) {
                *loss = self.accumulate(net, input, target);
            }
        }
        Some(losses)
    }

    /// Updates the network by the mean gradient of the batch, and starts a new batch.
    ///
    /// A batch of one sample gives the bits of [`Trainer::step`], except for the last digit of a
    /// weight with [`Sgd`] or [`ClipByNorm`](crate::ClipByNorm): see [the order](crate::Optimizer)
    /// of the operations.
    ///
    /// Returns the number of samples in the batch. It is 0, and nothing changes, if there are none,
    /// or if a hyper-parameter is out of range ([`Optimizer::check`]): the batch is then kept.
    #[inline]
    pub fn apply(&mut self, net: &mut N, optimizer: &O) -> u32 {
        let count = if optimizer.check().is_ok() { self.batch.count } else { 0 };
        if count > 0 {
            let gradient = Stored(&self.batch.gradient);
            optimizer.update(net, &mut self.state, &gradient, reciprocal(count));
            self.clear();
        }
        count
    }

    /// Discards the batch so far. The optimizer's state is kept.
    #[inline]
    pub fn clear(&mut self) {
        let gradient = &mut self.batch.gradient;
        N::walk([], [], [], [gradient], &mut |_, [], [], [], [g]| g.fill(T::ZERO));
        self.batch.count = 0;
    }

    /// Number of samples in the batch so far.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.batch.count
    }

    /// The sum of the gradients of the batch so far.
    #[must_use]
    pub const fn gradient(&self) -> &N::Gradient {
        &self.batch.gradient
    }
}
