//! Training loops: epochs, stopping criteria, reports.

mod epoch;

pub use epoch::{Learned, NextEpoch};

use core::ops::ControlFlow;

use epoch::NextOptimizer;

use crate::batch::BatchTrainer;
use crate::example::Example;
use crate::layer::{Layer, Real, are_finite, parameters_are_finite};
use crate::loss::Loss;
use crate::number::Number;
use crate::optimizer::{HyperParameter, Optimizer};
use crate::trainer::Trainer;
use crate::weight::MeanLoss;

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

impl<T: Number> Stop<T> {
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
    /// Mean loss over the examples of this epoch, each evaluated before its own update; weighted,
    /// if examples have a [weight](Example::weight).
    pub loss: Real<N>,
    /// The network after this epoch, which the callback may change.
    pub net: &'a mut N,
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
    /// The [weight](Example::weight) of an example is negative, NaN or above 1e28. The network is as
    /// it was before that example.
    Weight {
        /// Index of the example in its epoch, from 0.
        example: u32,
    },
    /// A hyper-parameter of the optimizer is out of range, perhaps because of a schedule. The
    /// network is as it was before that update.
    Optimizer(HyperParameter),
    /// After a complete epoch of finite losses, or before the first, a parameter of the network or
    /// of the optimizer's state is NaN or infinite: the learning rate is too high. The network is
    /// useless; [`EarlyStopping::restore`](crate::EarlyStopping::restore) restores the best one
    /// before. The callback was not called for that epoch, unless it did that itself.
    Diverged,
    /// An epoch had no examples, or none of a weight other than 0, or the batch size is 0.
    NoExamples,
}

/// Why training ends after an epoch, or before the first; `None` if it goes on.
fn ended<N: Layer>(
    report: &Report<Real<N>>,
    net: &mut N,
    stop: Stop<Real<N>>,
    callback: &mut impl FnMut(Epoch<'_, N>) -> ControlFlow<()>,
) -> Option<Outcome> {
    if let Some(loss) = report.loss {
        if callback(Epoch { number: report.epochs, loss, net }).is_break() {
            return Some(Outcome::Stopped);
        }
        // The callback may have changed it.
        if !parameters_are_finite(net) {
            return Some(Outcome::Diverged);
        }
        if stop.loss.is_some_and(|limit| loss <= limit) {
            return Some(Outcome::LossReached);
        }
    }
    (report.epochs >= stop.epochs).then_some(Outcome::EpochsDone)
}

fn run<N, L, O, B, F>(
    trainer: &mut Trainer<N, L, O, B>,
    net: &mut N,
    (mut optimizer, size): (F, u32),
    mut examples: impl FnMut(&mut NextEpoch<'_, N, Trainer<N, L, O, B>, F>) -> Learned,
    stop: Stop<Real<N>>,
    mut callback: impl FnMut(Epoch<'_, N>) -> ControlFlow<()>,
) -> Report<Real<N>>
where
    N: Layer,
    L: Loss<N::Activation, N::Format>,
    O: Optimizer<N>,
{
    let mut report = Report { outcome: Outcome::EpochsDone, epochs: 0, loss: None };
    let mut updates = 0_u32;
    loop {
        // Also before the first epoch, and before the callback could save such a network.
        if !(parameters_are_finite(net) && are_finite::<N::Format, _>(&trainer.state)) {
            return Report { outcome: Outcome::Diverged, ..report };
        }
        if let Some(outcome) = ended(&report, net, stop, &mut callback) {
            return Report { outcome, ..report };
        }
        let mut epoch = NextEpoch {
            completed: report.epochs,
            net,
            trainer,
            size,
            optimizer: NextOptimizer { optimizer: &mut optimizer, updates: &mut updates },
            losses: MeanLoss::ZERO,
            result: Ok(()),
        };
        let _: Learned = examples(&mut epoch);
        let NextEpoch { losses, result, .. } = epoch;
        if let Err(outcome) = result {
            return Report { outcome, ..report };
        }
        // Epochs without examples would go on forever without training.
        let Some(loss) = losses.value() else {
            return Report { outcome: Outcome::NoExamples, ..report };
        };
        (report.loss, report.epochs) = (Some(loss), report.epochs.saturating_add(1));
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
            |epoch| epoch.learn(examples.clone()),
            stop,
            |_| ControlFlow::Continue(()),
        )
    }

    /// Trains with a schedule, shuffled or new examples in each epoch, and a callback.
    ///
    /// `optimizer` is called before each update, with the number of updates so far: the place for a
    /// [`schedule`](crate::schedule). `examples` is called before each epoch, and passes its
    /// examples to [`NextEpoch::learn`]: the place for shuffling. `callback` is called after each
    /// epoch with the network, which it may change, and may end training:
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
    ///     |epoch| epoch.learn((0..10).map(|k| ([k as f32 / 10.0], [k as f32 / 5.0 + 1.0]))),
    ///     Stop::after(500),
    ///     |epoch| if epoch.loss < 1e-6 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) },
    /// );
    /// assert_eq!(report.outcome, Outcome::Stopped);
    /// ```
    ///
    /// # Shuffling
    ///
    /// The examples need to last only as long as `learn`, so the closure may own or borrow mutably
    /// what it shuffles: the data itself, or only an order.
    #[cfg_attr(
        feature = "rand_core-v0.10",
        doc = "
```
use core::ops::ControlFlow;
use gradlet::{init, prelude::*};
use rand_pcg::{Pcg32, rand_core::SeedableRng};

let mut data = [([0.0], [1.0]), ([1.0], [3.0]), ([2.0], [5.0])]; // y = 2 x + 1
let mut rng = Pcg32::seed_from_u64(7);
let mut net = Dense::<1, 1, Identity>::ZERO;
let mut trainer = Trainer::<_, HalfSquaredError, Sgd>::new();
trainer.fit_with(
    &mut net,
    |_| Sgd::new(0.1),
    |epoch| {
        init::shuffle(&mut data, &mut rng);
        epoch.learn(&data)
    },
    Stop::after(100),
    |_| ControlFlow::Continue(()),
);

let mut order = [0, 1, 2];
let report = trainer.fit_with(
    &mut net,
    |_| Sgd::new(0.1),
    |epoch| {
        init::shuffle(&mut order, &mut rng);
        epoch.learn(order.iter().map(|&i| &data[i]))
    },
    Stop::after(100),
    |_| ControlFlow::Continue(()),
);
assert!(report.loss.unwrap() < 1e-6);
```"
    )]
    ///
    /// An epoch that is not trained does not compile:
    ///
    /// ```compile_fail,E0308
    /// # use core::ops::ControlFlow;
    /// # use gradlet::prelude::*;
    /// # let mut net = Dense::<1, 1, Identity>::ZERO;
    /// # let mut trainer = Trainer::<_, HalfSquaredError, Sgd>::new();
    /// # let (stop, go_on) = (Stop::after(9), |_: gradlet::Epoch<'_, _>| ControlFlow::Continue(()));
    /// trainer.fit_with(&mut net, |_| Sgd::new(0.1), |_epoch| (), stop, go_on);
    /// ```
    pub fn fit_with<F: FnMut(u32) -> O>(
        &mut self,
        net: &mut N,
        optimizer: F,
        examples: impl FnMut(&mut NextEpoch<'_, N, Self, F>) -> Learned,
        stop: Stop<Real<N>>,
        callback: impl FnMut(Epoch<'_, N>) -> ControlFlow<()>,
    ) -> Report<Real<N>> {
        run(self, net, (optimizer, 1), examples, stop, callback)
    }
}

impl<N, L, O, const TILE: usize> BatchTrainer<N, L, O, TILE>
where
    N: Layer,
    L: Loss<N::Activation, N::Format>,
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
            |epoch| epoch.learn(examples.clone()),
            stop,
            |_| ControlFlow::Continue(()),
        )
    }

    /// Trains with a schedule, shuffled or new examples in each epoch, and a callback: see
    /// [`Trainer::fit_with`]. If an example or an optimizer is refused, the batch so far is
    /// discarded.
    pub fn fit_with<F: FnMut(u32) -> O>(
        &mut self,
        net: &mut N,
        optimizer: F,
        size: u32,
        examples: impl FnMut(&mut NextEpoch<'_, N, Self, F>) -> Learned,
        stop: Stop<Real<N>>,
        callback: impl FnMut(Epoch<'_, N>) -> ControlFlow<()>,
    ) -> Report<Real<N>> {
        // Samples from the user's earlier `accumulate` do not go into the first batch.
        self.clear();
        let report = run(self, net, (optimizer, size), examples, stop, callback);
        self.clear();
        report
    }
}
