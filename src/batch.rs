//! Mini-batch training: the mean gradient of several samples, weighted or not.

use core::array::from_mut;
use core::convert::Infallible;

use crate::example::Example;
use crate::format::Format;
use crate::gradient::Accumulate;
use crate::layer::{EndsIn, Layer, Real, Samples, Weight};
use crate::loss::Loss;
use crate::number::Number;
use crate::number::sealed::Sealed as _;
use crate::optimizer::{Optimizer, Sgd, Stored};
use crate::trainer::{Trainer, forward, last_deltas};
use crate::weight::{MeanLoss, Weights, has_effect, is_valid};
use crate::zero::Zero;

/// Trains a network in mini-batches, by the mean gradient of each.
///
/// A batch is never stored: [`accumulate`](Self::accumulate) adds the gradient of a sample to the
/// sum, [`apply`](Self::apply) makes the step. Any batch size takes the same memory: in addition to
/// what a [`Trainer`] holds, that sum, one number for each parameter, a count, and the sum of the
/// weights. With [`Summed`](crate::Summed) the step is by the sum instead of the mean.
///
/// # Several samples at once
///
/// On a PC, `BatchTrainer<Net, Loss, Sgd, 16>` runs tiles of 16 samples through the network
/// together, in [`accumulate_all`](Self::accumulate_all) and [`fit`](Self::fit), so that each
/// loaded weight is used for all of them. Results are bit-identical. The trainer then holds 32 more
/// numbers for each unit, two for each sample. Use multiples of 8; layers of fewer than about 16
/// inputs gain nothing. Recurrent layers go through each step with all samples of a tile, unless they
/// are masked. The remainder of a batch is processed in fours, then one by one.
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
    sums: Sums<N::Gradient, Real<N>>,
}

/// The sums of a batch so far.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
struct Sums<G, T> {
    /// Of the gradients, each multiplied by the weight of its sample.
    gradient: G,
    weights: Weights<T>,
}

impl<N: Layer, const TILE: usize> Zero for Batch<N, TILE> {
    const ZERO: Self =
        Self { traces: Zero::ZERO, sums: Sums { gradient: Zero::ZERO, weights: Weights::ZERO } };
}

impl<G, T> Sums<G, T> {
    /// The backward pass of samples after their forward pass: adds their weighted gradients.
    #[inline]
    fn add<N, L, const K: usize>(
        &mut self,
        net: &N,
        traces: &mut [N::Trace; K],
        inputs: [&N::Input; K],
        targets: [&N::Output; K],
        weights: [T; K],
    ) where
        N: Layer<Format: Format<Real = T>, Gradient = G>,
        L: Loss<N::Activation, N::Format>,
        T: Number,
    {
        last_deltas::<N, L, K>(traces, targets);
        // All derivatives before are linear in these.
        for (trace, weight) in traces.iter_mut().zip(weights) {
            let (deltas, scale) = trace.last_mut().parts().1.parts();
            N::Format::weigh(deltas, scale, weight);
            self.weights.add(weight);
        }
        net.backward::<false, K>(inputs, traces.each_mut());
        let samples = Samples { inputs, traces: traces.each_ref() };
        // The sums add the samples in order: the same bits as one by one.
        net.gradient_at([&mut self.gradient], samples, &mut Accumulate);
    }
}

impl<N, L, O, const TILE: usize> Trainer<N, L, O, Batch<N, TILE>>
where
    N: Layer,
    L: Loss<N::Activation, N::Format>,
    O: Optimizer<N>,
{
    /// Adds the gradient of one sample to the batch. Returns the sample's loss.
    ///
    /// If that is NaN or infinite, the sample is left out of the batch: a value of `input` is, a
    /// parameter is NaN, or the target is outside the domain of the loss ([`Loss::accepts`]).
    #[inline]
    pub fn accumulate(&mut self, net: &N, input: &N::Input, target: &N::Output) -> Real<N> {
        self.accumulate_weighted(net, input, target, Real::<N>::ONE)
    }

    /// Adds `weight` times the gradient of one sample to the batch. Returns the sample's loss, not
    /// multiplied. [`apply`](Self::apply) then divides by the sum of the weights.
    ///
    /// With weight 1 the same as [`accumulate`](Self::accumulate). The sample is left out if the
    /// weight is 0, and also, with the result NaN, if it is negative, NaN or above 1e28.
    ///
    /// ```
    /// use gradlet::prelude::*;
    ///
    /// let mut net = Dense::<1, 1, Identity>::ZERO;
    /// let mut trainer = BatchTrainer::<_, HalfSquaredError>::new();
    /// trainer.accumulate_weighted(&net, &[0.0], &[1.0], 3.0);
    /// trainer.accumulate_weighted(&net, &[0.0], &[5.0], 1.0);
    /// trainer.apply(&mut net, &Sgd::new(1.0));
    /// assert_eq!(net.bias(), &[2.0]); // (3 * 1 + 1 * 5) / (3 + 1)
    /// ```
    #[inline]
    pub fn accumulate_weighted(
        &mut self,
        net: &N,
        input: &N::Input,
        target: &N::Output,
        weight: Real<N>,
    ) -> Real<N> {
        let Self { trace, batch, .. } = self;
        let [forward] = forward::<N, L, 1>(net, from_mut(trace), [input], [target]);
        if forward.sum.is_finite() && has_effect(weight) {
            batch.sums.add::<N, L, 1>(net, from_mut(trace), [input], [target], [weight]);
        }
        forward.answer().or_nan(is_valid(weight))
    }

    /// Adds the gradients of `examples` to the batch, as [`accumulate`](Self::accumulate) does for
    /// each, or [`accumulate_weighted`](Self::accumulate_weighted) if they have a
    /// [weight](Example::weight). Returns their mean loss: `None` if there are none, NaN if a loss
    /// is NaN or infinite.
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
    pub fn accumulate_all<S>(&mut self, net: &N, examples: S) -> Option<Real<N>>
    where
        S: IntoIterator<Item: Example<N::Input, N::Output>>,
    {
        let mut losses = MeanLoss::ZERO;
        let mut examples = examples.into_iter().fuse();
        let Ok(_) =
            self.accumulate_each::<_, Infallible>(net, &mut examples, u32::MAX, |loss, example| {
                losses.observe(loss, example.weight());
                Ok(())
            });
        losses.value()
    }

    /// Consumes up to `most` of the examples, and returns whether there were any; `observe` is
    /// called with each example and its loss, and stops it by returning an error.
    pub(crate) fn accumulate_each<E: Example<N::Input, N::Output>, R>(
        &mut self,
        net: &N,
        examples: &mut impl Iterator<Item = E>,
        most: u32,
        mut observe: impl FnMut(Real<N>, &E) -> Result<(), R>,
    ) -> Result<bool, R> {
        let mut any = false;
        let mut examples = (0..most).zip(examples).map(|(_, example)| {
            any = true;
            example
        });
        loop {
            if const { TILE == 0 } {
                break;
            }
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
                losses.into_iter().try_for_each(|(loss, example)| observe(loss, example))?;
            }
            if const { TILE > 4 } {
                while let Some(losses) = self.accumulate_tile::<4, E>(net, &mut tile) {
                    losses.into_iter().try_for_each(|(loss, example)| observe(loss, example))?;
                }
            }
            for example in tile.iter().flatten() {
                observe(self.accumulate_example(net, example), example)?;
            }
        }
        // All of them, if tiles have size 0.
        examples
            .try_for_each(|example| observe(self.accumulate_example(net, &example), &example))?;
        Ok(any)
    }

    #[inline]
    fn accumulate_example(
        &mut self,
        net: &N,
        example: &impl Example<N::Input, N::Output>,
    ) -> Real<N> {
        self.accumulate_weighted(net, example.input(), example.target(), example.weight())
    }

    /// Runs the first `K` of the examples through the network together, and removes them from
    /// `examples`; `None` if there are fewer. If not all is finite, or a weight is 0, they are
    /// processed one by one.
    fn accumulate_tile<'e, const K: usize, E: Example<N::Input, N::Output>>(
        &mut self,
        net: &N,
        examples: &mut &'e [Option<E>],
    ) -> Option<[(Real<N>, &'e E); K]> {
        let (tile, rest) = examples.split_first_chunk::<K>()?;
        let mut losses = [(Real::<N>::ZERO, tile.first()?.as_ref()?); K];
        for ((_, place), example) in losses.iter_mut().zip(tile.iter().flatten()) {
            *place = example;
        }
        let Batch { traces, sums } = &mut self.batch;
        let traces = traces.first_chunk_mut::<K>()?;
        *examples = rest;

        let inputs = losses.map(|(_, example)| example.input());
        let targets = losses.map(|(_, example)| example.target());
        let weights = losses.map(|(_, example)| example.weight());
        let forward = forward::<N, L, K>(net, traces, inputs, targets);
        let finite = forward.iter().all(|sample| sample.sum.is_finite());
        if finite && weights.into_iter().all(has_effect) {
            for ((loss, _), sample) in losses.iter_mut().zip(forward) {
                *loss = sample.loss;
            }
            sums.add::<N, L, K>(net, traces, inputs, targets, weights);
        } else {
            for (loss, example) in &mut losses {
                *loss = self.accumulate_example(net, *example);
            }
        }
        Some(losses)
    }

    /// Updates the network by the mean gradient of the batch, and starts a new batch. The sum of
    /// the weighted gradients is divided by the sum of the weights.
    ///
    /// A batch of one sample gives the bits of [`Trainer::step`], except for the last digit of a
    /// weight with [`Sgd`] or [`ClipByNorm`](crate::ClipByNorm): see [the order](crate::Optimizer)
    /// of the operations.
    ///
    /// Returns the number of samples in the batch. It is 0, and nothing changes, if there are none,
    /// or if a hyper-parameter is out of range ([`Optimizer::check`]): the batch is then kept.
    #[inline]
    #[allow(clippy::arithmetic_side_effects, reason = "a quotient of numbers that saturate")]
    pub fn apply(&mut self, net: &mut N, optimizer: &O) -> u32 {
        let count = if optimizer.check().is_ok() { self.count() } else { 0 };
        if count > 0 {
            let gradient = Stored(&self.batch.sums.gradient);
            let scale = if O::SUMMED {
                Real::<N>::ONE
            } else {
                Real::<N>::ONE / self.batch.sums.weights.sum()
            };
            optimizer.update(net, &mut self.state, &gradient, scale);
            self.clear();
        }
        count
    }

    /// Discards the batch so far. The optimizer's state is kept.
    #[inline]
    pub fn clear(&mut self) {
        let gradient = &mut self.batch.sums.gradient;
        N::walk([], [], [], [gradient], &mut |_, [], [], [], [g]| g.fill(Weight::<N>::ZERO));
        self.batch.sums.weights = Weights::ZERO;
    }

    /// Number of samples in the batch so far, without those of weight 0.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.batch.sums.weights.count()
    }

    /// The sum of the gradients of the batch so far, each multiplied by its weight; with one sample,
    /// every gradient and delta of a [step](Trainer#every-number-of-a-step).
    #[must_use]
    pub const fn gradient(&self) -> &N::Gradient {
        &self.batch.sums.gradient
    }
}
