//! Training: many epochs, until it is enough.

use core::ops::ControlFlow;

use crate::layer::Layer;
use crate::loss::Loss;
use crate::optimizer::Optimizer;
use crate::scalar::{Scalar, Zero};
use crate::trainer::{BatchTrainer, Trainer};

/// An input `X` with its target `Y`: a pair, a reference to a pair, or a pair of references.
///
/// ```
/// use gradlet::Example;
///
/// let pair = ([0.1, 0.2], [1.0]);
/// assert_eq!(Example::<[f64; 2], [f64; 1]>::target(&pair), &[1.0]);
/// assert_eq!(Example::<[f64; 2], [f64; 1]>::input(&&pair), &[0.1, 0.2]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an example for a network with input `{X}` and target `{Y}`",
    label = "each example must be a pair `({X}, {Y})`, by value or by reference"
)]
pub trait Example<X, Y> {
    /// The input.
    fn input(&self) -> &X;
    /// What the network should answer.
    fn target(&self) -> &Y;
}

#[diagnostic::do_not_recommend]
impl<X, Y> Example<X, Y> for (X, Y) {
    fn input(&self) -> &X {
        &self.0
    }
    fn target(&self) -> &Y {
        &self.1
    }
}

#[diagnostic::do_not_recommend]
impl<X, Y> Example<X, Y> for &(X, Y) {
    fn input(&self) -> &X {
        &self.0
    }
    fn target(&self) -> &Y {
        &self.1
    }
}

#[diagnostic::do_not_recommend]
impl<X, Y> Example<X, Y> for (&X, &Y) {
    fn input(&self) -> &X {
        self.0
    }
    fn target(&self) -> &Y {
        self.1
    }
}

/// When training ends.
///
/// ```
/// use gradlet::Stop;
///
/// assert_eq!(Stop::after(100).or_at_loss(0.01), Stop { epochs: 100, loss: 0.01 });
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Stop<T = f32> {
    /// Most epochs, that is passes over all examples.
    pub epochs: u32,
    /// Ends after an epoch whose mean loss is this or less. Losses are not negative, so a negative
    /// number never ends it.
    pub loss: T,
}

impl<T: Scalar> Stop<T> {
    /// After so many epochs.
    #[must_use]
    pub fn after(epochs: u32) -> Self {
        Self { epochs, loss: -T::ONE }
    }

    /// Also when the mean loss of an epoch is `loss` or less.
    #[must_use]
    pub fn or_at_loss(self, loss: T) -> Self {
        Self { loss, ..self }
    }
}

/// What a callback is told after each epoch: see [`Trainer::fit_with`].
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Epoch<'a, N: Layer> {
    /// Epochs done, this one included: 1 after the first.
    pub number: u32,
    /// Mean loss over the examples of this epoch, each taken before its own update.
    pub loss: N::Scalar,
    /// The network as it is now.
    pub net: &'a N,
}

/// How training ended.
///
/// ```
/// use gradlet::prelude::*;
///
/// let mut net = Dense::<1, 1, Identity>::ZERO;
/// let mut trainer = Trainer::<_, HalfSquaredError>::new();
/// let examples = [([1.0], [1.0]), ([f32::NAN], [1.0])];
/// let report = trainer.fit(&mut net, &Sgd { learning_rate: 0.5 }, &examples, Stop::after(9));
/// assert_eq!((report.outcome, report.epochs), (Outcome::NotFinite { example: 1 }, 0));
/// assert_eq!(net.bias(), &[0.5]); // learned from the first example, unharmed by the second
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Report<T = f32> {
    /// Why it ended.
    pub outcome: Outcome,
    /// Complete epochs.
    pub epochs: u32,
    /// Mean loss of the last complete epoch; zero if there was none.
    pub loss: T,
}

/// Why training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Outcome {
    /// All epochs are done.
    EpochsDone,
    /// The mean loss of an epoch is as low as was asked for.
    LossReached,
    /// The callback said so.
    Stopped,
    /// The loss of an example was NaN or infinite. The network is as it was before that example;
    /// if it had grown useless in earlier steps, [`EarlyStopping::restore`] gives the best one.
    NotFinite {
        /// Number of the example in its epoch, counted from 0.
        example: u32,
    },
    /// The first epoch had no examples.
    NoExamples,
}

/// Learns from examples, whatever the size of a batch.
trait Learn<N: Layer, O> {
    /// Learns the examples of an epoch. `optimizer` is asked for once for each update; `observe` is
    /// told each loss, and says whether to go on.
    fn epoch<E: Example<N::Input, N::Output>>(
        &mut self,
        net: &mut N,
        optimizer: impl FnMut() -> O,
        examples: impl Iterator<Item = E>,
        observe: impl FnMut(N::Scalar) -> bool,
    );
}

fn run<T: Scalar, N: Layer<Scalar = T>, O, S: IntoIterator<Item: Example<N::Input, N::Output>>>(
    learner: &mut impl Learn<N, O>,
    net: &mut N,
    mut optimizer: impl FnMut(u32) -> O,
    mut examples: impl FnMut(u32) -> S,
    stop: Stop<T>,
    mut callback: impl FnMut(Epoch<'_, N>) -> ControlFlow<()>,
) -> Report<T> {
    let mut report = Report { outcome: Outcome::EpochsDone, epochs: 0, loss: T::ZERO };
    let mut updates = 0_u32;
    let mut next_optimizer = || {
        let optimizer = optimizer(updates);
        updates = updates.saturating_add(1);
        optimizer
    };
    while report.epochs < stop.epochs {
        let mut sum = T::ZERO;
        let mut count = 0_u32;
        let mut all_finite = true;
        learner.epoch(net, &mut next_optimizer, examples(report.epochs).into_iter(), |loss| {
            all_finite = loss.is_finite();
            if all_finite {
                sum += loss;
                count = count.saturating_add(1);
            }
            all_finite
        });
        if !all_finite {
            report.outcome = Outcome::NotFinite { example: count };
            return report;
        }
        if count == 0 {
            report.outcome = Outcome::NoExamples;
            return report;
        }
        report.epochs = report.epochs.saturating_add(1);
        report.loss = sum / T::from_u32(count);
        if callback(Epoch { number: report.epochs, loss: report.loss, net }).is_break() {
            report.outcome = Outcome::Stopped;
            return report;
        }
        if report.loss <= stop.loss {
            report.outcome = Outcome::LossReached;
            return report;
        }
    }
    report
}

impl<N: Layer, L: Loss<N::Activation>, O: Optimizer<N>> Learn<N, O> for Trainer<N, L, O> {
    fn epoch<E: Example<N::Input, N::Output>>(
        &mut self,
        net: &mut N,
        mut optimizer: impl FnMut() -> O,
        mut examples: impl Iterator<Item = E>,
        mut observe: impl FnMut(N::Scalar) -> bool,
    ) {
        examples.all(|example| {
            observe(self.step(net, &optimizer(), example.input(), example.target()))
        });
    }
}

struct InBatches<'a, B> {
    trainer: &'a mut B,
    size: u32,
}

impl<N: Layer, L: Loss<N::Activation>, O: Optimizer<N>, const TILE: usize> Learn<N, O>
    for InBatches<'_, BatchTrainer<N, L, O, TILE>>
{
    fn epoch<E: Example<N::Input, N::Output>>(
        &mut self,
        net: &mut N,
        mut optimizer: impl FnMut() -> O,
        examples: impl Iterator<Item = E>,
        mut observe: impl FnMut(N::Scalar) -> bool,
    ) {
        let size = if self.size == 0 { u32::MAX } else { self.size };
        let mut examples = examples.fuse();
        let mut go_on = true;
        loop {
            self.trainer.accumulate_each(net, &mut examples, size, |loss| {
                go_on = observe(loss);
                go_on
            });
            if !go_on || self.trainer.count() == 0 {
                return;
            }
            self.trainer.apply(net, &optimizer());
        }
    }
}

impl<N: Layer, L: Loss<N::Activation>, O: Optimizer<N>> Trainer<N, L, O> {
    /// Trains over all `examples`, in their order, epoch after epoch.
    ///
    /// ```
    /// use gradlet::prelude::*;
    ///
    /// let examples = [([0.0], [1.0]), ([1.0], [3.0]), ([2.0], [5.0])]; // y = 2 x + 1
    /// let mut net = Dense::<1, 1, Identity>::ZERO;
    /// let mut trainer = Trainer::<_, HalfSquaredError, Sgd>::new();
    /// let sgd = Sgd { learning_rate: 0.2 };
    /// let report = trainer.fit(&mut net, &sgd, &examples, Stop::after(1000).or_at_loss(1e-9));
    /// assert_eq!(report.outcome, Outcome::LossReached);
    /// assert!((net.forward(&[10.0])[0] - 21.0).abs() < 1e-2);
    /// ```
    pub fn fit<S>(
        &mut self,
        net: &mut N,
        optimizer: &O,
        examples: S,
        stop: Stop<N::Scalar>,
    ) -> Report<N::Scalar>
    where
        O: Clone,
        S: IntoIterator<Item: Example<N::Input, N::Output>> + Clone,
    {
        self.fit_with(
            net,
            |_| optimizer.clone(),
            |_| examples.clone(),
            stop,
            |_| ControlFlow::Continue(()),
        )
    }

    /// Trains with a schedule, with other examples in each epoch, and with a callback.
    ///
    /// `optimizer` is given the number of updates done, `examples` the number of epochs done, both
    /// counted from 0: the place for a [`schedule`](crate::schedule) and for shuffling.
    /// `callback` is called after each epoch and may end the training;
    /// [`EarlyStopping`] is made for it.
    ///
    /// ```
    /// use core::ops::ControlFlow;
    /// use gradlet::{prelude::*, schedule};
    ///
    /// let mut net = Dense::<1, 1, Identity>::ZERO;
    /// let mut trainer = Trainer::<_, HalfSquaredError, Sgd>::new();
    /// let report = trainer.fit_with(
    ///     &mut net,
    ///     |step| Sgd { learning_rate: schedule::exponential(0.2, 0.999, step) },
    ///     // Nothing is stored: the examples are made as they are needed.
    ///     |_epoch| (0..10).map(|k| ([k as f32 / 10.0], [k as f32 / 5.0 + 1.0])),
    ///     Stop::after(500),
    ///     |epoch| if epoch.loss < 1e-6 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) },
    /// );
    /// assert_eq!(report.outcome, Outcome::Stopped);
    /// ```
    pub fn fit_with<S>(
        &mut self,
        net: &mut N,
        optimizer: impl FnMut(u32) -> O,
        examples: impl FnMut(u32) -> S,
        stop: Stop<N::Scalar>,
        callback: impl FnMut(Epoch<'_, N>) -> ControlFlow<()>,
    ) -> Report<N::Scalar>
    where
        S: IntoIterator<Item: Example<N::Input, N::Output>>,
    {
        run(self, net, optimizer, examples, stop, callback)
    }
}

impl<N: Layer, L: Loss<N::Activation>, O: Optimizer<N>, const TILE: usize>
    BatchTrainer<N, L, O, TILE>
{
    /// Trains over all `examples` in batches of `size`; the last batch of an epoch may be smaller.
    /// With a size of 0 each epoch is one batch.
    ///
    /// ```
    /// use gradlet::prelude::*;
    ///
    /// let examples = [([0.0], [1.0]), ([1.0], [3.0]), ([2.0], [5.0])]; // y = 2 x + 1
    /// let mut net = Dense::<1, 1, Identity>::ZERO;
    /// let mut trainer = BatchTrainer::<_, MeanSquaredError, _>::new();
    /// let report = trainer.fit(&mut net, &Adam::new(0.1), 0, &examples, Stop::after(1000));
    /// assert_eq!((report.outcome, report.epochs), (Outcome::EpochsDone, 1000));
    /// assert!(report.loss < 1e-6);
    /// ```
    pub fn fit<S>(
        &mut self,
        net: &mut N,
        optimizer: &O,
        size: u32,
        examples: S,
        stop: Stop<N::Scalar>,
    ) -> Report<N::Scalar>
    where
        O: Clone,
        S: IntoIterator<Item: Example<N::Input, N::Output>> + Clone,
    {
        self.fit_with(
            net,
            |_| optimizer.clone(),
            size,
            |_| examples.clone(),
            stop,
            |_| ControlFlow::Continue(()),
        )
    }

    /// Trains with a schedule, with other examples in each epoch, and with a callback: see
    /// [`Trainer::fit_with`]. If a loss is NaN or infinite, the batch so far is dropped.
    pub fn fit_with<S>(
        &mut self,
        net: &mut N,
        optimizer: impl FnMut(u32) -> O,
        size: u32,
        examples: impl FnMut(u32) -> S,
        stop: Stop<N::Scalar>,
        callback: impl FnMut(Epoch<'_, N>) -> ControlFlow<()>,
    ) -> Report<N::Scalar>
    where
        S: IntoIterator<Item: Example<N::Input, N::Output>>,
    {
        self.clear();
        let report =
            run(&mut InBatches { trainer: self, size }, net, optimizer, examples, stop, callback);
        self.clear();
        report
    }
}

/// Ends training when a loss has not become better for some epochs, and keeps the best parameters.
///
/// Give it the loss on examples that are not trained on. Holds one number for each parameter.
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
///     |_| &examples,
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
    best_loss: N::Scalar,
    found: bool,
    waited: u32,
}

impl<N: Layer> EarlyStopping<N> {
    /// Has seen nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { best: N::Gradient::ZERO, best_loss: N::Scalar::ZERO, found: false, waited: 0 }
    }

    /// Keeps the parameters if `loss` is the lowest so far; says stop after `patience` losses in a
    /// row that were not. NaN is never the lowest.
    pub fn observe(&mut self, net: &N, loss: N::Scalar, patience: u32) -> ControlFlow<()> {
        let better = if self.found { loss < self.best_loss } else { loss.is_finite() };
        if better {
            net.parameters([&mut self.best], &mut |_, now, [best]| {
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
    pub fn best_loss(&self) -> Option<N::Scalar> {
        self.found.then_some(self.best_loss)
    }

    /// Gives the best parameters back to `net`; if none were kept, `net` stays as it is and the
    /// answer is `false`.
    #[must_use = "`false` says that there was nothing to restore"]
    pub fn restore(&self, net: &mut N) -> bool {
        if self.found {
            N::tensors([&self.best], [net], [], &mut |_, [best], [now], []| {
                for (now, &best) in now.iter_mut().zip(best) {
                    *now = best;
                }
            });
        }
        self.found
    }
}

impl<N: Layer> Default for EarlyStopping<N> {
    fn default() -> Self {
        Self::new()
    }
}
