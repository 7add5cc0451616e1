//! Training: one step at a time.

use core::convert::Infallible;
use core::fmt;
use core::marker::PhantomData;

use crate::fit::Example;
use crate::layer::{DeltasMut, Layer, LayerTrace, Trace, Vector, zip};
use crate::loss::Loss;
use crate::metrics::LossMeter;
use crate::optimizer::{Accumulate, Optimizer, Sample, Sgd, Stored};
use crate::scalar::sealed::Sealed as _;
use crate::scalar::{Scalar, Zero, reciprocal};

/// The forward pass of a training step: the loss, and a number that is finite if all of the input, the
/// target and the network is.
#[inline]
fn forward<T: Scalar, N: Layer<Scalar = T>, L: Loss<N::Activation>>(
    net: &N,
    trace: &mut N::Trace,
    input: &N::Input,
    target: &N::Output,
) -> (T, T) {
    let sum = net.forward_trace(input, trace);
    let loss = trace.last_mut().activate_by(|values| L::evaluate(values, target.as_slice()));
    (loss, sum + loss)
}

#[inline]
fn is_finite<T: Scalar>(sum: T, loss: T) -> bool {
    (sum + loss).is_finite()
}

/// The loss, or the sum if that is not finite.
#[inline]
fn answer<T: Scalar>((loss, sum): (T, T)) -> T {
    if sum.is_finite() { loss } else { sum }
}

/// The backward pass of a training step, after [`forward`].
#[inline]
fn backward<N: Layer, L: Loss<N::Activation>>(
    net: &N,
    trace: &N::Trace,
    input: &N::Input,
    target: &N::Output,
    deltas: &mut DeltasMut<'_, N>,
) {
    let last = trace.last();
    let delta = N::Trace::last_delta_mut(deltas);
    L::delta(last.output().as_slice(), target.as_slice(), delta.as_mut_slice());
    if !L::FUSED {
        last.backward(delta);
    }
    net.backward::<false>(input, trace, deltas);
}

/// Trains a network one sample at a time, in place: there is no array for the gradient.
///
/// Holds the outputs of every layer (what backpropagation needs) and what the optimizer remembers:
/// nothing for [`Sgd`]. All of it is zero at first, so a trainer in a `static` costs no flash.
///
/// ```
/// use gradlet::prelude::*;
///
/// type Net = Mlp<2, 2, 2>;
/// let mut net = Net::new(
///     Dense::from_rows([[0.1, 0.2], [0.3, 0.4]], [0.55, 0.56]),
///     Dense::from_rows([[0.5, 0.6], [0.7, 0.8]], [0.66, 0.67]),
/// );
/// let mut trainer = Trainer::<Net, HalfSquaredError, Sgd>::new();
/// let sgd = Sgd { learning_rate: 0.5 };
/// let loss = trainer.step(&mut net, &sgd, &[0.1, 0.2], &[0.01, 0.99]);
/// assert_eq!(loss, 0.32261243); // before the update
/// assert_eq!(trainer.evaluate(&net, &[0.1, 0.2], &[0.01, 0.99]), 0.30685428);
/// assert_eq!(size_of_val(&trainer), 16); // two hidden and two last outputs
/// ```
pub struct Trainer<N, L, O = Sgd<<N as Layer>::Scalar>>
where
    N: Layer,
    L: Loss<N::Activation>,
    O: Optimizer<N>,
{
    trace: N::Trace,
    pub(crate) state: O::State,
    loss: PhantomData<L>,
}

impl<N: Layer, L: Loss<N::Activation>, O: Optimizer<N>> Trainer<N, L, O> {
    /// Bytes of memory that a trainer takes.
    pub const BYTES: usize = size_of::<Self>();

    /// A trainer that remembers nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { trace: N::Trace::ZERO, state: O::State::ZERO, loss: PhantomData }
    }

    /// One step: forward, backward, update. Returns the loss before the update.
    ///
    /// If the answer is NaN or infinite, the network and the optimizer's state stay as they were: a
    /// number in `input` is NaN or infinite, the target is outside the domain of the loss
    /// ([`Loss::accepts`]), a parameter is NaN, or a hyper-parameter is out of its range
    /// ([`Optimizer::check`]).
    ///
    /// A step that is too large can make parameters NaN or infinite, and its answer is the loss
    /// before it. A NaN shows up in the next answer, an infinite parameter only where no activation
    /// saturates. [`is_finite`](crate::is_finite) looks at all of them, as
    /// [`fit`](Self::fit) does after each epoch.
    ///
    /// ```
    /// use gradlet::{is_finite, prelude::*};
    ///
    /// let mut net = Dense::<1, 1>::ZERO;
    /// let mut trainer = Trainer::<_, BinaryCrossEntropy>::new();
    /// let sgd = Sgd { learning_rate: 0.5 };
    /// assert!(trainer.step(&mut net, &sgd, &[1.0], &[-1.0]).is_nan()); // classes are 0 and 1
    /// assert!(trainer.step(&mut net, &Sgd { learning_rate: -0.5 }, &[1.0], &[1.0]).is_nan());
    /// assert_eq!(net, Dense::ZERO);
    /// assert!(trainer.step(&mut net, &sgd, &[1.0], &[1.0]).is_finite() && is_finite(&net));
    /// ```
    #[inline]
    pub fn step(
        &mut self,
        net: &mut N,
        optimizer: &O,
        input: &N::Input,
        target: &N::Output,
    ) -> N::Scalar {
        let (loss, sum) = forward::<_, N, L>(net, &mut self.trace, input, target);
        let sum = sum.or_nan(optimizer.check().is_ok());
        if !sum.is_finite() {
            return sum;
        }
        N::Trace::with_deltas(|mut deltas| {
            backward::<N, L>(net, &self.trace, input, target, &mut deltas);
            let sample = Sample { input, trace: &self.trace, deltas: N::Trace::filled(&deltas) };
            optimizer.update(net, &mut self.state, &sample, N::Scalar::ONE);
        });
        loss
    }

    /// The loss of `net` on a sample, without learning; NaN or infinite if a number in `input` is,
    /// if a parameter is NaN, or if the target is outside the domain of the loss.
    #[inline]
    pub fn evaluate(&mut self, net: &N, input: &N::Input, target: &N::Output) -> N::Scalar {
        answer(forward::<_, N, L>(net, &mut self.trace, input, target))
    }

    /// The mean loss of `net` on `examples`, without learning: `None` if there are none, NaN if a
    /// loss is NaN or infinite.
    ///
    /// ```
    /// use gradlet::prelude::*;
    ///
    /// let net = Dense::<1, 1, Identity>::new([[2.0]], [1.0]); // y = 2 x + 1
    /// let mut judge = Trainer::<_, HalfSquaredError>::new();
    /// let examples = [([0.0], [1.0]), ([1.0], [5.0])];
    /// assert_eq!(judge.mean_loss(&net, &examples), Some(1.0)); // 0 and (3 - 5)^2 / 2
    /// assert_eq!(judge.mean_loss(&net, &examples[..0]), None);
    /// ```
    pub fn mean_loss<S>(&mut self, net: &N, examples: S) -> Option<N::Scalar>
    where
        S: IntoIterator<Item: Example<N::Input, N::Output>>,
    {
        let mut losses = LossMeter::new();
        for example in examples {
            losses.observe(self.evaluate(net, example.input(), example.target()));
        }
        losses.mean()
    }

    /// What the network answered in the last [`step`](Self::step) or
    /// [`evaluate`](Self::evaluate); zeros before the first.
    #[must_use]
    pub fn output(&self) -> &N::Output {
        self.trace.last().output()
    }
}

impl<N: Layer, L: Loss<N::Activation>, O: Optimizer<N>> fmt::Debug for Trainer<N, L, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trainer").finish_non_exhaustive()
    }
}

#[cfg(feature = "defmt")]
impl<N: Layer, L: Loss<N::Activation>, O: Optimizer<N>> defmt::Format for Trainer<N, L, O> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Trainer {{ .. }}");
    }
}

impl<N: Layer, L: Loss<N::Activation>, O: Optimizer<N>> Default for Trainer<N, L, O> {
    fn default() -> Self {
        Self::new()
    }
}

/// Trains a network by the mean gradient of batches.
///
/// A batch is never stored: [`accumulate`](Self::accumulate) adds the gradient of a sample to the
/// sum, [`apply`](Self::apply) makes the step. Beside what a [`Trainer`] holds, it holds that sum,
/// one number for each parameter, and a count.
///
/// # Several samples at once
///
/// On a PC, `BatchTrainer<Net, Loss, Sgd, 16>` takes tiles of 16 samples through the network
/// together, in [`accumulate_all`](Self::accumulate_all) and [`fit`](Self::fit), so that a weight that
/// is loaded serves all of them. The bits are the same. The trainer then holds 32 numbers for each unit
/// more, two for each sample. Multiples of 8 are good sizes; layers of fewer than about 16 inputs gain
/// nothing. What is left of a batch goes through in
/// fours, then one by one.
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
pub struct BatchTrainer<N, L, O = Sgd<<N as Layer>::Scalar>, const TILE: usize = 0>
where
    N: Layer,
    L: Loss<N::Activation>,
    O: Optimizer<N>,
{
    trace: N::Trace,
    /// Of the samples of a tile.
    traces: [N::Trace; TILE],
    /// Their derivatives, in the places of the outputs.
    deltas: [N::Trace; TILE],
    gradient: N::Gradient,
    count: u32,
    pub(crate) state: O::State,
    loss: PhantomData<L>,
}

impl<N: Layer, L: Loss<N::Activation>, O: Optimizer<N>, const TILE: usize>
    BatchTrainer<N, L, O, TILE>
{
    /// Bytes of memory that a trainer takes.
    pub const BYTES: usize = size_of::<Self>();

    /// A trainer that remembers nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            trace: N::Trace::ZERO,
            traces: Zero::ZERO,
            deltas: Zero::ZERO,
            gradient: N::Gradient::ZERO,
            count: 0,
            state: O::State::ZERO,
            loss: PhantomData,
        }
    }

    /// Adds the gradient of one sample to the batch. Returns the sample's loss.
    ///
    /// If that is NaN or infinite, the sample is left out of the batch: a number in `input` is, a
    /// parameter is NaN, or the target is outside the domain of the loss ([`Loss::accepts`]).
    #[inline]
    pub fn accumulate(&mut self, net: &N, input: &N::Input, target: &N::Output) -> N::Scalar {
        let forward = forward::<_, N, L>(net, &mut self.trace, input, target);
        if forward.1.is_finite() {
            N::Trace::with_deltas(|mut deltas| {
                backward::<N, L>(net, &self.trace, input, target, &mut deltas);
                let deltas = N::Trace::filled(&deltas);
                N::gradient([], [&mut self.gradient], input, &self.trace, deltas, &mut Accumulate);
            });
            self.count = self.count.saturating_add(1);
        }
        answer(forward)
    }

    /// Adds the gradients of `examples` to the batch, as [`accumulate`](Self::accumulate) does for each.
    /// Returns their mean loss: `None` if there are none, NaN if a loss is NaN or infinite.
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
    pub fn accumulate_all<S>(&mut self, net: &N, examples: S) -> Option<N::Scalar>
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

    /// Takes up to `most` of the examples; `observe` is told each loss with its target, and ends it
    /// by an error.
    pub(crate) fn accumulate_each<E: Example<N::Input, N::Output>, R>(
        &mut self,
        net: &N,
        examples: &mut impl Iterator<Item = E>,
        most: u32,
        mut observe: impl FnMut(N::Scalar, &N::Output) -> Result<(), R>,
    ) -> Result<(), R> {
        let mut examples = (0..most).zip(examples).map(|(_, example)| example);
        loop {
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
        // All of them, if the tile has no place.
        examples.try_for_each(|example| {
            observe(self.accumulate(net, example.input(), example.target()), example.target())
        })
    }

    /// The first `K` examples, together; `None` if there are fewer, or if `K` is 0 or more than
    /// `TILE`.
    fn accumulate_tile<'e, const K: usize, E: Example<N::Input, N::Output>>(
        &mut self,
        net: &N,
        examples: &mut &'e [Option<E>],
    ) -> Option<[(N::Scalar, &'e N::Output); K]> {
        let (tile, rest) = examples.split_first_chunk::<K>()?;
        let first = tile.first()?.as_ref()?;
        let (first, mut targets) = (first.input(), [first.target(); K]);
        let mut inputs = [first; K];
        for ((x, t), example) in inputs.iter_mut().zip(&mut targets).zip(tile.iter().flatten()) {
            (*x, *t) = (example.input(), example.target());
        }
        let traces = self.traces.first_chunk_mut::<K>()?;
        let deltas = self.deltas.first_chunk_mut::<K>()?;
        *examples = rest;

        let sums = net.forward_each(zip(first, inputs, traces.each_mut()));
        let last = traces.each_mut().map(Trace::last_mut);
        let losses = LayerTrace::activate_each_by(last, |values| L::evaluate_each(values, targets));
        if !sums.iter().zip(&losses).all(|(&sum, &loss)| is_finite(sum, loss)) {
            return Some(zip(first, inputs, targets).map(|(x, t)| (self.accumulate(net, x, t), t)));
        }
        for ((trace, deltas), target) in traces.iter().zip(&mut *deltas).zip(targets) {
            let (last, delta) = (trace.last(), deltas.last_mut().output_mut());
            L::delta(last.output().as_slice(), target.as_slice(), delta.as_mut_slice());
            if !L::FUSED {
                last.backward(delta);
            }
        }
        let samples = zip(first, inputs, traces.each_ref());
        net.backward_each::<false, K>(samples, deltas.each_mut());
        N::gradient_each(&mut self.gradient, samples, deltas.each_ref());
        self.count = self.count.saturating_add(u32::try_from(K).unwrap_or(u32::MAX));
        Some(zip(N::Scalar::ZERO, losses, targets))
    }

    /// Updates the network by the mean gradient of the batch, and begins a new batch.
    ///
    /// Returns the number of samples that were learned. It is 0, and nothing changes, if there are
    /// none, or if a hyper-parameter is out of its range ([`Optimizer::check`]): the batch is then
    /// still there.
    #[inline]
    pub fn apply(&mut self, net: &mut N, optimizer: &O) -> u32 {
        let count = if optimizer.check().is_ok() { self.count } else { 0 };
        if count > 0 {
            let gradient = Stored(&self.gradient);
            optimizer.update(net, &mut self.state, &gradient, reciprocal(count));
            self.clear();
        }
        count
    }

    /// Drops the batch so far. What the optimizer remembers stays.
    #[inline]
    pub fn clear(&mut self) {
        N::tensors([], [], [&mut self.gradient], &mut |_, [], [], [g]| g.fill(N::Scalar::ZERO));
        self.count = 0;
    }

    /// Number of samples in the batch so far.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// The loss of `net` on a sample, without learning; NaN or infinite if a number in `input` is,
    /// if a parameter is NaN, or if the target is outside the domain of the loss.
    #[inline]
    pub fn evaluate(&mut self, net: &N, input: &N::Input, target: &N::Output) -> N::Scalar {
        answer(forward::<_, N, L>(net, &mut self.trace, input, target))
    }

    /// The mean loss of `net` on `examples`, without learning: `None` if there are none, NaN if a
    /// loss is NaN or infinite.
    ///
    /// As [`Trainer::mean_loss`], with the example there.
    pub fn mean_loss<S>(&mut self, net: &N, examples: S) -> Option<N::Scalar>
    where
        S: IntoIterator<Item: Example<N::Input, N::Output>>,
    {
        let mut losses = LossMeter::new();
        for example in examples {
            losses.observe(self.evaluate(net, example.input(), example.target()));
        }
        losses.mean()
    }

    /// What the network answered in the last [`accumulate`](Self::accumulate) or
    /// [`evaluate`](Self::evaluate); zeros before the first. After
    /// [`accumulate_all`](Self::accumulate_all) it is the answer of no example in particular.
    #[must_use]
    pub fn output(&self) -> &N::Output {
        self.trace.last().output()
    }

    /// The sum of the gradients of the batch so far.
    #[must_use]
    pub const fn gradient(&self) -> &N::Gradient {
        &self.gradient
    }
}

impl<N: Layer, L: Loss<N::Activation>, O: Optimizer<N>, const TILE: usize> fmt::Debug
    for BatchTrainer<N, L, O, TILE>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchTrainer").finish_non_exhaustive()
    }
}

#[cfg(feature = "defmt")]
impl<N: Layer, L: Loss<N::Activation>, O: Optimizer<N>, const TILE: usize> defmt::Format
    for BatchTrainer<N, L, O, TILE>
{
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "BatchTrainer {{ .. }}");
    }
}

impl<N: Layer, L: Loss<N::Activation>, O: Optimizer<N>, const TILE: usize> Default
    for BatchTrainer<N, L, O, TILE>
{
    fn default() -> Self {
        Self::new()
    }
}
