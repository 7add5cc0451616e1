//! Training loops: epochs, stopping criteria, reports.

use core::ops::ControlFlow;

use crate::batch::BatchTrainer;
use crate::example::Example;
use crate::layer::{Layer, Real, parameters_are_finite};
use crate::loss::Loss;
use crate::metrics::LossMeter;
use crate::optimizer::{HyperParameter, Optimizer};
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::tensors::are_finite;
use crate::trainer::Trainer;

/// Stopping criterion.
///
/// ```
/// use gradlet::Stop;
///
/// assert_eq!(Stop::after(100).or_at_loss(0.01), Stop { epochs: 100, loss: Some(0.01) });
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Stop<T = f32> {
    /// Maximum number of epochs, that is passes over all examples.
    pub epochs: u32,
    /// Stops after an epoch whose mean loss is this or less; `None` for no such limit.
    pub loss: Option<T>,
}

impl<T: Scalar> Stop<T> {
    /// Stops after `epochs` epochs, whatever the loss.
    #[must_use]
    pub fn after(epochs: u32) -> Self {
        Self { epochs, loss: None }
    }

    /// Stops also when the mean loss of an epoch is `loss` or less.
    #[must_use]
    pub fn or_at_loss(self, loss: T) -> Self {
        Self { loss: Some(loss), ..self }
    }
}

/// Batch size for full-batch training: each epoch is one batch.
///
/// ```
/// use gradlet::prelude::*;
///
/// let examples = [([0.0], [1.0]), ([1.0], [3.0])];
/// let mut net = Dense::<1, 1, Identity>::ZERO;
/// let mut trainer = BatchTrainer::<_, MeanSquaredError, _>::new();
/// trainer.fit(&mut net, &Sgd { learning_rate: 0.25 }, FULL_BATCH, &examples, Stop::after(1));
/// assert_eq!((net.weights(), net.bias()), (&[[0.75]], &[1.0])); // 0.25 times the mean gradient
/// ```
pub const FULL_BATCH: u32 = u32::MAX;

/// The argument of the callback after each epoch: see [`Trainer::fit_with`].
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Epoch<'a, N: Layer> {
    /// Epochs completed, this one included: 1 after the first.
    pub number: u32,
    /// Mean loss over the examples of this epoch, each evaluated before its own update.
    pub loss: Real<N>,
    /// The network after this epoch.
    pub net: &'a N,
}

/// Result of a training run.
///
/// ```
/// use gradlet::prelude::*;
///
/// let mut net = Dense::<1, 1, Identity>::ZERO;
/// let mut trainer = Trainer::<_, HalfSquaredError>::new();
/// let examples = [([1.0], [1.0]), ([f32::NAN], [1.0])];
/// let report = trainer.fit(&mut net, &Sgd { learning_rate: 0.5 }, &examples, Stop::after(9));
/// assert_eq!((report.outcome, report.epochs), (Outcome::NotFinite { example: 1 }, 0));
/// assert_eq!(net.bias(), &[0.5]); // trained on the first example, unchanged by the second
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Report<T = f32> {
    /// Why training ended.
    pub outcome: Outcome,
    /// Completed epochs.
    pub epochs: u32,
    /// Mean loss of the last completed epoch; `None` if there was none.
    pub loss: Option<T>,
}

/// Why training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Outcome {
    /// All epochs are completed.
    EpochsDone,
    /// The mean loss of an epoch reached the limit.
    LossReached,
    /// The callback ended it.
    Stopped,
    /// The loss of an example was NaN or infinite. The network is as it was before that example; if
    /// earlier steps had ruined it, [`EarlyStopping::restore`] restores the best one.
    ///
    /// [`EarlyStopping::restore`]: crate::EarlyStopping::restore
    NotFinite {
        /// Index of the example in its epoch, from 0.
        example: u32,
    },
    /// A target is outside the domain of the loss ([`Loss::accepts`]): NaN, infinite, -1 or 2 for
    /// [`BinaryCrossEntropy`](crate::BinaryCrossEntropy), a class index instead of a one-hot label
    /// for [`CrossEntropy`](crate::CrossEntropy). The network is as it was before that example.
    Target {
        /// Index of the example in its epoch, from 0.
        example: u32,
    },
    /// A hyper-parameter of the optimizer is out of range, perhaps because of a schedule. The
    /// network is as it was before that update.
    Optimizer(HyperParameter),
    /// After a complete epoch of finite losses, or before the first, a parameter of the network or
    /// of the optimizer's state is NaN or infinite: the learning rate is too high. The network is
    /// useless; [`EarlyStopping::restore`](crate::EarlyStopping::restore) restores the best one
    /// before. The callback was not called for that epoch.
    Diverged,
    /// An epoch had no examples, or the batch size is 0.
    NoExamples,
}

/// Trains on examples, whatever the batch size.
trait Learn<N: Layer, O> {
    /// Trains on the examples of an epoch, and records their losses. `optimizer` is called once for
    /// each update.
    fn epoch<E: Example<N::Input, N::Output>>(
        &mut self,
        net: &mut N,
        optimizer: impl FnMut() -> Result<O, Outcome>,
        examples: impl Iterator<Item = E>,
        losses: &mut LossMeter<Real<N>>,
    ) -> Result<(), Outcome>;

    /// Whether all of the optimizer's state is finite.
    fn state_is_finite(&self) -> bool;
}

/// Records a finite loss; otherwise returns what was wrong with the example.
fn record<N: Layer, L: Loss<N::Activation, N::Format>>(
    losses: &mut LossMeter<Real<N>>,
    loss: Real<N>,
    target: &N::Output,
) -> Result<(), Outcome> {
    let example = losses.count();
    if loss.is_finite() {
        losses.observe(loss);
        Ok(())
    } else if L::accepts(target.as_slice()) {
        Err(Outcome::NotFinite { example })
    } else {
        Err(Outcome::Target { example })
    }
}

/// Why training ends after an epoch, or before the first; `None` if it goes on.
fn ended<N: Layer>(
    report: &Report<Real<N>>,
    net: &N,
    stop: Stop<Real<N>>,
    callback: &mut impl FnMut(Epoch<'_, N>) -> ControlFlow<()>,
) -> Option<Outcome> {
    if let Some(loss) = report.loss {
        if callback(Epoch { number: report.epochs, loss, net }).is_break() {
            return Some(Outcome::Stopped);
        }
        if stop.loss.is_some_and(|limit| loss <= limit) {
            return Some(Outcome::LossReached);
        }
    }
    (report.epochs >= stop.epochs).then_some(Outcome::EpochsDone)
}

fn run<N: Layer, O: Optimizer<N>, S: IntoIterator<Item: Example<N::Input, N::Output>>>(
    learner: &mut impl Learn<N, O>,
    net: &mut N,
    mut optimizer: impl FnMut(u32) -> O,
    mut examples: impl FnMut(u32) -> S,
    stop: Stop<Real<N>>,
    mut callback: impl FnMut(Epoch<'_, N>) -> ControlFlow<()>,
) -> Report<Real<N>> {
    let mut report = Report { outcome: Outcome::EpochsDone, epochs: 0, loss: None };
    let mut updates = 0_u32;
    let mut next_optimizer = || {
        let optimizer = optimizer(updates);
        updates = updates.saturating_add(1);
        optimizer.check().map_err(Outcome::Optimizer)?;
        Ok(optimizer)
    };
    loop {
        // Also before the first epoch, and before the callback could save such a network.
        if !(parameters_are_finite(net) && learner.state_is_finite()) {
            return Report { outcome: Outcome::Diverged, ..report };
        }
        if let Some(outcome) = ended(&report, net, stop, &mut callback) {
            return Report { outcome, ..report };
        }
        let mut losses = LossMeter::new();
        let examples = examples(report.epochs).into_iter();
        if let Err(outcome) = learner.epoch(net, &mut next_optimizer, examples, &mut losses) {
            return Report { outcome, ..report };
        }
        // Epochs without examples would go on forever without training.
        let Some(loss) = losses.mean() else {
            return Report { outcome: Outcome::NoExamples, ..report };
        };
        (report.loss, report.epochs) = (Some(loss), report.epochs.saturating_add(1));
    }
}

impl<N: Layer, L: Loss<N::Activation, N::Format>, O: Optimizer<N>> Learn<N, O>
    for Trainer<N, L, O>
{
    fn epoch<E: Example<N::Input, N::Output>>(
        &mut self,
        net: &mut N,
        mut optimizer: impl FnMut() -> Result<O, Outcome>,
        mut examples: impl Iterator<Item = E>,
        losses: &mut LossMeter<Real<N>>,
    ) -> Result<(), Outcome> {
        examples.try_for_each(|example| {
            let loss = self.step(net, &optimizer()?, example.input(), example.target());
            record::<N, L>(losses, loss, example.target())
        })
    }

    fn state_is_finite(&self) -> bool {
        are_finite::<N::Format, _>(&self.state)
    }
}

struct InBatches<'a, B> {
    trainer: &'a mut B,
    size: u32,
}

impl<T, N, L, O, const TILE: usize> Learn<N, O> for InBatches<'_, BatchTrainer<N, L, O, TILE>>
where
    T: Scalar,
    N: Layer<Format = T>,
    L: Loss<N::Activation, T>,
    O: Optimizer<N>,
{
    fn epoch<E: Example<N::Input, N::Output>>(
        &mut self,
        net: &mut N,
        mut optimizer: impl FnMut() -> Result<O, Outcome>,
        examples: impl Iterator<Item = E>,
        losses: &mut LossMeter<T>,
    ) -> Result<(), Outcome> {
        let mut examples = examples.fuse();
        loop {
            // Losses are recorded one by one, so that the report can name the invalid example.
            self.trainer.accumulate_each(net, &mut examples, self.size, |loss, target| {
                record::<N, L>(losses, loss, target)
            })?;
            if self.trainer.count() == 0 {
                return Ok(());
            }
            self.trainer.apply(net, &optimizer()?);
        }
    }

    fn state_is_finite(&self) -> bool {
        are_finite::<T, _>(&self.trainer.state)
    }
}

impl<N: Layer, L: Loss<N::Activation, N::Format>, O: Optimizer<N>> Trainer<N, L, O> {
    /// Trains on all `examples`, in their order, epoch after epoch.
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
        stop: Stop<Real<N>>,
    ) -> Report<Real<N>>
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

    /// Trains with a schedule, new or shuffled examples in each epoch, and a callback.
    ///
    /// `optimizer` is called with the number of updates so far, `examples` with the number of
    /// epochs so far, both from 0: the place for a [`schedule`](crate::schedule) and for shuffling.
    /// `callback` is called after each epoch and may end training;
    /// [`EarlyStopping`](crate::EarlyStopping) is made for it.
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
        stop: Stop<Real<N>>,
        callback: impl FnMut(Epoch<'_, N>) -> ControlFlow<()>,
    ) -> Report<Real<N>>
    where
        S: IntoIterator<Item: Example<N::Input, N::Output>>,
    {
        run(self, net, optimizer, examples, stop, callback)
    }
}

impl<T, N, L, O, const TILE: usize> BatchTrainer<N, L, O, TILE>
where
    T: Scalar,
    N: Layer<Format = T>,
    L: Loss<N::Activation, T>,
    O: Optimizer<N>,
{
    /// Trains on all `examples` in mini-batches of batch size `size`; the last batch of an epoch
    /// may be smaller. [`FULL_BATCH`] makes each epoch one batch; 0 ends in
    /// [`Outcome::NoExamples`].
    ///
    /// ```
    /// use gradlet::prelude::*;
    ///
    /// let examples = [([0.0], [1.0]), ([1.0], [3.0]), ([2.0], [5.0])]; // y = 2 x + 1
    /// let mut net = Dense::<1, 1, Identity>::ZERO;
    /// let mut trainer = BatchTrainer::<_, MeanSquaredError, _>::new();
    /// let report = trainer.fit(&mut net, &Adam::new(0.1), 3, &examples, Stop::after(1000));
    /// assert_eq!((report.outcome, report.epochs), (Outcome::EpochsDone, 1000));
    /// assert!(report.loss.is_some_and(|loss| loss < 1e-6));
    /// ```
    pub fn fit<S>(
        &mut self,
        net: &mut N,
        optimizer: &O,
        size: u32,
        examples: S,
        stop: Stop<Real<N>>,
    ) -> Report<Real<N>>
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

    /// Trains with a schedule, new or shuffled examples in each epoch, and a callback: see
    /// [`Trainer::fit_with`]. If an example or an optimizer is refused, the batch so far is
    /// discarded.
    pub fn fit_with<S>(
        &mut self,
        net: &mut N,
        optimizer: impl FnMut(u32) -> O,
        size: u32,
        examples: impl FnMut(u32) -> S,
        stop: Stop<Real<N>>,
        callback: impl FnMut(Epoch<'_, N>) -> ControlFlow<()>,
    ) -> Report<Real<N>>
    where
        S: IntoIterator<Item: Example<N::Input, N::Output>>,
    {
        // Samples from the user's earlier `accumulate` do not go into the first batch.
        self.clear();
        let report =
            run(&mut InBatches { trainer: self, size }, net, optimizer, examples, stop, callback);
        self.clear();
        report
    }
}
