//! Training, one step at a time.
//!
//! # Anatomy of a training step
//!
//! [`Trainer::step`] runs one sample through four passes.
//!
//! 1. *Forward.* [`Layer::forward_trace`] runs from the first layer to the last. Each layer writes
//!    its logits `z = W x + b` into its part of the trace ([`kernel`](crate::kernel): affine), and
//!    [`Chain`](crate::Chain) applies the layer's activation to them before the next layer reads
//!    them. The last layer keeps its logits.
//! 2. *Loss.* [`Loss::evaluate`] turns those into outputs and returns the loss, in one function
//!    because a cross-entropy needs the logits. If the loss or the first logits are not finite, the
//!    step ends here.
//! 3. *Backward.* [`Loss::delta`] writes the derivatives with respect to the last outputs, the
//!    activation turns them into derivatives with respect to the logits. From the last layer to the
//!    second, [`Layer::input_gradient`] propagates them to the outputs of the layer before (kernel:
//!    input gradient), whose activation does the same. The derivatives of all layers are in the
//!    trace now; no weight has changed yet.
//! 4. *Update.* [`Optimizer::update`] sends a visitor through the layers. Each layer passes it its
//!    weights with `x` and `d` of the outer product that is their gradient, and the visitor updates
//!    the weights in place (kernel: update). The gradient itself is never stored.
//!
//! A [`BatchTrainer`](crate::BatchTrainer) does 1 to 3 for one sample or for a tile of them, and
//! then sends a visitor that adds the outer products to a stored gradient; its
//! [`apply`](crate::BatchTrainer::apply) is pass 4 with that gradient.

use core::array::from_mut;
use core::fmt;
use core::marker::PhantomData;

use crate::example::Example;
use crate::kernel::each_sample;
use crate::layer::{EndsIn, Layer, LayerTrace, Real, Samples};
use crate::loss::Loss;
use crate::macros::{default_is_new, defmt_shows};
use crate::number::Number;
use crate::number::sealed::Sealed as _;
use crate::optimizer::{Optimizer, Sgd};
use crate::shape::Shape;
use crate::weight::{MeanLoss, is_valid, is_zero};
use crate::zero::Zero;

/// The forward pass of a training step: for each sample the loss, and a number that is finite if
/// the input, the target and the network are.
#[inline]
pub(crate) fn forward<N: Layer, L: Loss<N::Activation, N::Format>, const K: usize>(
    net: &N,
    traces: &mut [N::Trace; K],
    inputs: [&N::Input; K],
    targets: [&N::Output; K],
) -> [Forward<Real<N>>; K] {
    let sums = net.forward_trace(inputs, traces.each_mut());
    // The loss turns the last logits into outputs itself: a cross-entropy needs both.
    let last = traces.each_mut().map(EndsIn::last_mut);
    let losses = LayerTrace::activate_by(last, |values| L::evaluate_each(values, targets));
    let mut forward = [Forward { loss: Number::INFINITY, sum: Number::INFINITY }; K];
    let samples = forward.iter_mut().zip(sums).zip(losses);
    each_sample::<K, _>(samples, |((forward, logits), loss)| *forward = Forward::new(loss, logits));
    forward
}

/// Result of the forward pass of a sample.
#[derive(Clone, Copy)]
pub(crate) struct Forward<T> {
    pub(crate) loss: T,
    /// Finite if the input, the target and the network are: the sum of the loss and the first
    /// logits.
    pub(crate) sum: T,
}

impl<T: Number> Forward<T> {
    #[inline]
    fn new(loss: T, logits: T) -> Self {
        Self { loss, sum: logits + loss }
    }

    /// The loss, or the sum if that is not finite.
    #[inline]
    pub(crate) fn answer(self) -> T {
        if self.sum.is_finite() { self.loss } else { self.sum }
    }
}

/// The start of the backward pass, after [`forward`]: the derivatives with respect to the logits of
/// the last layer.
#[inline]
pub(crate) fn last_deltas<N: Layer, L: Loss<N::Activation, N::Format>, const K: usize>(
    traces: &mut [N::Trace; K],
    targets: [&N::Output; K],
) {
    let last = traces.each_mut().map(EndsIn::last_mut);
    each_sample::<K, _>(last.into_iter().zip(targets), |(last, target)| {
        let (output, delta) = last.parts();
        let (values, scale) = delta.parts();
        L::delta(output.as_slice(), target.as_slice(), values, scale);
        // A cross-entropy gives the derivatives for the logits, where its activation cancels out.
        if L::FUSED {
            last.backward::<true>(N::UNITS);
        } else {
            last.backward::<false>(N::UNITS);
        }
    });
}

/// Trains a network one sample at a time (batch size 1), in place: the gradient is never stored.
///
/// Holds the outputs of every layer, the derivatives of the loss with respect to them, and the
/// optimizer's state: nothing for [`Sgd`]. All of it is zero at first, so a trainer in a `static`
/// takes no flash. `B` is the state of a batch; see [`BatchTrainer`](crate::BatchTrainer).
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
/// assert_eq!(size_of_val(&trainer), 32); // an output and a derivative for each of the four units
/// ```
///
/// # Every number of a step
///
/// To follow backpropagation by hand: five lines print each weighted sum `z`, delta and gradient of
/// a network. A delta, `dE/dz`, is the gradient of the unit's bias; that of `weights[i][o]` is the
/// delta of unit `o` times its input `i`.
///
/// ```
/// use gradlet::prelude::*;
///
/// # type Net = Mlp<2, 2, 2>;
/// # let net = Net::new(
/// #     Dense::from_rows([[0.1, 0.2], [0.3, 0.4]], [0.55, 0.56]),
/// #     Dense::from_rows([[0.5, 0.6], [0.7, 0.8]], [0.66, 0.67]),
/// # );
/// # let (x, t) = ([0.1, 0.2], [0.01, 0.99]);
/// let mut trainer = BatchTrainer::<Net, HalfSquaredError>::new();
///
/// let (mut z1, mut z2) = ([0.0; 2], [0.0; 2]);
/// net.first().logits(&x, &mut z1);
/// net.rest().logits(&net.first().forward(&x), &mut z2);
/// trainer.accumulate(&net, &x, &t);
/// println!("z {z1:?} {z2:?}, gradient {:#?}", trainer.gradient());
/// # let close = |a: f32, b: f32| (a - b).abs() < 1e-6;
/// # assert!(close(z1[0], 0.6) && close(z1[1], 0.67) && close(z2[0], 1.3797301));
/// # let (first, rest) = (trainer.gradient().first(), trainer.gradient().rest());
/// # assert!(close(rest.bias()[0], 0.1267289) && close(rest.bias()[1], -0.0203855));
/// # assert!(close(first.bias()[0], 0.011232067) && close(first.bias()[1], 0.0133743));
/// # assert!(close(first.weights()[1][0], 0.0022464134) && close(rest.rows()[0][1], 0.0838316));
/// ```
///
/// # In constants and statics
///
/// [`new`](Self::new) is a `const fn`, so networks and trainers can be in a `static`. A `const` is
/// a value without a place: each use of its name makes a copy, so train a variable that it
/// initialises.
///
/// ```
/// use gradlet::prelude::*;
///
/// struct Model {
///     net: Mlp<2, 4, 1>,
///     trainer: Trainer<Mlp<2, 4, 1>, BinaryCrossEntropy>,
/// }
///
/// impl Model {
///     const fn new() -> Self {
///         Self { net: Zero::ZERO, trainer: Trainer::new() }
///     }
///
///     fn step(&mut self, x: &[f32; 2], t: &[f32; 1]) -> f32 {
///         self.trainer.step(&mut self.net, &Sgd { learning_rate: 0.5 }, x, t)
///     }
/// }
///
/// const START: Model = Model::new();
/// let mut model = START; // a copy
/// assert!(model.step(&[0.0, 1.0], &[1.0]) > 0.0);
/// assert!(START.net == Zero::ZERO && model.net != Zero::ZERO);
/// ```
///
/// Firmware gets `&mut` of a static without `unsafe` in three ways. In the function that `entry` of
/// `cortex-m-rt` marks, a `static mut` is a `&'static mut`:
///
/// ```ignore
/// #[entry]
/// fn main() -> ! {
///     static mut MODEL: Model = Model::new();
///     let loss = MODEL.step(&[0.0, 1.0], &[1.0]);
/// }
/// ```
///
/// Elsewhere, as in an `async` task, a cell of the crate `static_cell` gives it away once, without
/// a copy on the stack:
///
/// ```ignore
/// static CELL: ConstStaticCell<Model> = ConstStaticCell::new(Model::new());
///
/// let model: &'static mut Model = CELL.take();
/// ```
///
/// Between interrupts and `main`, a `Mutex` of the crate `critical-section`. It keeps interrupts
/// off during the step; to share the samples instead, in a queue, is often better:
///
/// ```ignore
/// static SHARED: Mutex<RefCell<Model>> = Mutex::new(RefCell::new(Model::new()));
///
/// let shared = critical_section::with(|cs| SHARED.borrow_ref_mut(cs).step(&[0.0, 1.0], &[1.0]));
/// ```
pub struct Trainer<N, L, O = Sgd<Real<N>>, B = ()>
where
    N: Layer,
    L: Loss<N::Activation, N::Format>,
    O: Optimizer<N>,
{
    pub(crate) trace: N::Trace,
    pub(crate) state: O::State,
    pub(crate) batch: B,
    loss: PhantomData<L>,
}

impl<N: Layer, L: Loss<N::Activation, N::Format>, O: Optimizer<N>, B: Zero> Trainer<N, L, O, B> {
    /// Size of a trainer in bytes.
    pub const BYTES: usize = size_of::<Self>();

    /// A trainer whose optimizer state is zero.
    #[must_use]
    pub const fn new() -> Self {
        Self { trace: N::Trace::ZERO, state: O::State::ZERO, batch: B::ZERO, loss: PhantomData }
    }
}

impl<N: Layer, L: Loss<N::Activation, N::Format>, O: Optimizer<N>, B> Trainer<N, L, O, B> {
    /// The loss of `net` on a sample, without training; NaN or infinite if a value of `input` is,
    /// if a parameter is NaN, or if the target is outside the domain of the loss.
    #[inline]
    pub fn evaluate(&mut self, net: &N, input: &N::Input, target: &N::Output) -> Real<N> {
        let [forward] = forward::<N, L, 1>(net, from_mut(&mut self.trace), [input], [target]);
        forward.answer()
    }

    /// The mean loss of `net` on `examples`, without training: `None` if there are none, NaN if a
    /// loss is NaN or infinite. Weighted, if examples have a [weight](Example::weight).
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
    pub fn mean_loss<S>(&mut self, net: &N, examples: S) -> Option<Real<N>>
    where
        S: IntoIterator<Item: Example<N::Input, N::Output>>,
    {
        let mut losses = MeanLoss::ZERO;
        for example in examples {
            let loss = self.evaluate(net, example.input(), example.target());
            let weight = example.weight();
            losses.observe(loss.or_nan(is_valid(weight)), weight);
        }
        losses.value()
    }

    /// The network's output in the last step, [`accumulate`](crate::BatchTrainer::accumulate) or
    /// [`evaluate`](Self::evaluate); zeros before the first.
    #[must_use]
    pub fn output(&self) -> &N::Output {
        self.trace.last().output()
    }

    /// The optimizer's state.
    #[must_use]
    pub const fn state(&self) -> &O::State {
        &self.state
    }

    /// The optimizer's state, mutable.
    #[must_use]
    pub const fn state_mut(&mut self) -> &mut O::State {
        &mut self.state
    }
}

impl<N: Layer, L: Loss<N::Activation, N::Format>, O: Optimizer<N>> Trainer<N, L, O> {
    /// Makes the state that each [`Stateful`](crate::Stateful) layer reached in the last step or
    /// [`evaluate`](Self::evaluate) its initial state: between windows of one sequence. A state that is NaN or
    /// infinite is not taken over.
    ///
    /// ```
    /// use gradlet::prelude::*;
    ///
    /// // Windows of 8 steps with 3 channels. What comes next?
    /// type Net = net![8 x 3 => Gru(4, all, stateful) => Gru(4, stateful) => 3 Identity];
    /// let (mut net, mut trainer) = (Net::ZERO, Trainer::<Net, HalfSquaredError, Sgd>::new());
    /// let sgd = Sgd { learning_rate: 0.1 };
    /// let sequence = [[0.5; 3]; 25];
    /// for window in sequence.windows(9).step_by(8) {
    ///     let Some((&next, Ok(before))) = window.split_last().map(|(next, b)| (next, b.try_into())) else {
    ///         continue;
    ///     };
    ///     trainer.step(&mut net, &sgd, before, &next);
    ///     trainer.carry(&mut net);
    /// }
    /// ```
    ///
    /// A network without such a layer does not compile:
    ///
    /// ```compile_fail,E0080
    /// # use gradlet::prelude::*;
    /// let mut net = <net![8 x 3 => Gru(4) => 3 Softmax]>::ZERO;
    /// Trainer::<_, CrossEntropy>::new().carry(&mut net);
    /// ```
    ///
    /// To begin another sequence, make a copy of the network before the first, or set
    /// [`initial_state_mut`](crate::Recurrent::initial_state_mut) to zeros.
    pub fn carry(&self, net: &mut N) {
        const {
            assert!(
                N::STATEFUL,
                "the network has no stateful layer, so no state to carry on: `Gru(16, stateful)` is one"
            );
        }
        net.carry(&self.trace);
    }
}

impl<N: Layer, L: Loss<N::Activation, N::Format>, O: Optimizer<N>> Trainer<N, L, O> {
    /// One training step: forward, backward, update. Returns the loss before the update.
    ///
    /// If the result is NaN or infinite, the network and the optimizer's state are unchanged: a
    /// value of `input` is NaN or infinite, the target is outside the domain of the loss
    /// ([`Loss::accepts`]), a parameter is NaN, or a hyper-parameter is out of range
    /// ([`Optimizer::check`]).
    ///
    /// A step that is too large can make parameters NaN or infinite, and still returns the loss
    /// before it. A NaN shows up in the next result, an infinite parameter only where no activation
    /// saturates. [`is_finite`](crate::is_finite) checks all of them, as [`fit`](Self::fit) does
    /// after each epoch.
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
    ) -> Real<N> {
        self.step_weighted(net, optimizer, input, target, Real::<N>::ONE)
    }

    /// A training step whose gradient is multiplied by `weight`: more for a sample that matters
    /// more, for example one of a rare class. Returns the sample's loss before the update, not
    /// multiplied.
    ///
    /// With weight 1 the same as [`step`](Self::step). With weight 0 nothing changes, not even a
    /// momentum. With a weight that is negative, NaN or above 1e28 nothing changes and the result is
    /// NaN. For optimizers that divide by the size of the gradient, as [`Adam`](crate::Adam) does,
    /// only the ratios of the weights matter.
    ///
    /// ```
    /// use gradlet::prelude::*;
    ///
    /// let mut net = Dense::<1, 1, Identity>::ZERO;
    /// let mut trainer = Trainer::<_, HalfSquaredError, Sgd>::new();
    /// let loss = trainer.step_weighted(&mut net, &Sgd::new(0.125), &[0.0], &[1.0], 4.0);
    /// assert_eq!((loss, net.bias()), (0.5, &[0.5])); // 4 times the step of 0.125
    /// ```
    #[inline]
    pub fn step_weighted(
        &mut self,
        net: &mut N,
        optimizer: &O,
        input: &N::Input,
        target: &N::Output,
        weight: Real<N>,
    ) -> Real<N> {
        // A NaN anywhere makes the sum NaN, so one comparison checks input, target, network and
        // optimizer.
        let [Forward { loss, sum }] =
            forward::<N, L, 1>(net, from_mut(&mut self.trace), [input], [target]);
        let sum = sum.or_nan(is_valid(weight) && optimizer.check().is_ok());
        if !sum.is_finite() {
            return sum;
        }
        if is_zero(weight) {
            return loss;
        }
        last_deltas::<N, L, 1>(from_mut(&mut self.trace), [target]);
        // The gradient of the network's input is not needed.
        net.backward::<false, 1>([input], [&mut self.trace]);
        let sample = Samples { inputs: [input], traces: [&self.trace] };
        optimizer.update(net, &mut self.state, &sample, weight);
        loss
    }
}

impl<N: Layer, L: Loss<N::Activation, N::Format>, O: Optimizer<N>, B: Clone> Clone
    for Trainer<N, L, O, B>
{
    fn clone(&self) -> Self {
        Self {
            trace: self.trace.clone(),
            state: self.state.clone(),
            batch: self.batch.clone(),
            loss: PhantomData,
        }
    }
}

impl<N: Layer, L: Loss<N::Activation, N::Format>, O: Optimizer<N>, B> fmt::Debug
    for Trainer<N, L, O, B>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trainer").finish_non_exhaustive()
    }
}

defmt_shows!(
    [N: Layer, L: Loss<N::Activation, N::Format>, O: Optimizer<N>, B] Trainer<N, L, O, B>:
    |_, f| defmt::write!(f, "Trainer {{ .. }}")
);

default_is_new!(
    [N: Layer, L: Loss<N::Activation, N::Format>, O: Optimizer<N>, B: Zero] Trainer<N, L, O, B>
);
