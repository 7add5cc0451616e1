//! Streaming inference: one step at a time, with the bits of the whole window.

use core::fmt;

use super::{
    BatchNorm, Chain, Conv1d, Dense, Dropout, Frozen, LastStep, Layer, LayerNorm, PRelu, Recompute,
    Residual, Shortcut, Skip, Takes, Value,
};
use crate::activation::{Activation, Hidden, Identity};
use crate::format::{Format, FormatValue};
use crate::kernel::geometry::{Axis, Windows};
use crate::macros::defmt_shows;
use crate::scalar::Scalar;
use crate::shape::{Element, Shape};
use crate::tensors::Pair;
use crate::zero::Zero;

/// A layer that can answer step by step: its output at a step depends on this step and on earlier
/// ones only, of which it keeps what it needs in a [`State`](Self::State).
///
/// The answers from a zero state on are, bit for bit, the outputs of the layer for a window that
/// begins there, whatever the length of the window in the type; there may be more steps than that.
/// [`Streaming`] holds a network and its state.
///
/// | layer | its state |
/// |-------|-----------|
/// | [`Conv1d`] with causal padding and `STEP = 1` | [`Past`]: the last `(K - 1) DILATION` steps |
/// | [`Rnn`](crate::Rnn), [`Gru`](crate::Gru), with the last state or all as output | the state: `[T; H]` |
/// | [`Lstm`](crate::Lstm) | state and memory: `[[T; H]; 2]` |
/// | those that are masked, or have an initial state | [`Begun`](crate::Begun): the same, and whether the stream has begun |
/// | [`LastStep`], [`BatchNorm`], [`LayerNorm`], [`PRelu`](crate::PRelu), [`Dropout`], [`Scaling`](crate::preprocess::Scaling) | none: each step is on its own |
/// | [`Embedding`](crate::Embedding) | none: a step is one index, `[T; 1]` |
/// | [`Dense`], after `LastStep` or for vectors | none |
/// | [`Chain`], [`Residual`] | that of its layers |
/// | [`Frozen`], [`Recompute`], a reference | that of the layer |
///
/// Other padding does not compile, as the answer to a step would depend on later ones:
///
/// ```compile_fail,E0080
/// use gradlet::{Streaming, prelude::*};
///
/// type Net = net![8 x 1 => Conv1d(2, 3, padding same) Relu];
/// let mut stream = Streaming::new(Net::ZERO);
/// stream.step(&[1.0]);
/// ```
///
/// # Custom layers
///
/// A layer that treats each step on its own has the state `()`:
///
/// ```
/// use gradlet::prelude::*;
/// use gradlet::{Deltas, LayerTrace, Samples, Streaming, Streams};
///
/// /// `y = -x`.
/// struct Negative;
///
/// impl Layer for Negative {
///     type Format = f32;
///     type Input = [[f32; 1]; 4];
///     type Output = [[f32; 1]; 4];
///     type Activation = Identity;
///     type Trace = LayerTrace<f32, [[f32; 1]; 4], Identity>;
///     type Gradient = ();
///     const MACS: usize = 0;
///
///     fn logits(&self, input: &[[f32; 1]; 4], logits: &mut [[f32; 1]; 4]) {
///         *logits = input.map(|[x]| [-x]);
///     }
///
///     fn input_gradient<const K: usize>(
///         &self,
///         samples: Samples<'_, Self, K>,
///         gradients: Deltas<'_, Self, K>,
///     ) {
///         for ((_, trace), gradient) in samples.iter().zip(gradients) {
///             gradient.values = trace.delta().values.map(|[d]| [-d]);
///         }
///     }
/// }
///
/// impl Streams for Negative {
///     type Step = [f32; 1];
///     type Answer = [f32; 1];
///     type State = ();
///     const PAST: usize = 0;
///
///     fn step(&self, (): &mut (), [x]: &[f32; 1]) -> [f32; 1] {
///         [-x]
///     }
/// }
/// assert_eq!(Streaming::new(Negative).step(&[2.0]), [-2.0]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot answer step by step",
    label = "its output needs the whole sequence",
    note = "convolutions with causal padding and layers that see one step alone can, and `LastStep` \
            takes the place of `GlobalMean` or `Flatten`"
)]
pub trait Streams: Layer {
    /// One step of the input: `[T; C]` for a sequence `[[T; C]; L]`.
    type Step: Shape<Element = Value<Self>>;
    /// The output at one step.
    type Answer: Shape<Element = Value<Self>>;
    /// What is kept from one step to the next. Zero is the beginning of a stream.
    type State: Zero + Clone;

    /// How many earlier steps an answer depends on; `usize::MAX` for all. If it is less than the length of the window in
    /// the type, each answer is also the last output for the window that ends there.
    const PAST: usize;

    /// The output at the next step.
    fn step(&self, state: &mut Self::State, input: &Self::Step) -> Self::Answer;
}

/// The last `N` steps that a causal convolution has seen, `C` channels each: a ring of `N C` numbers
/// and a position.
///
/// ```
/// use gradlet::{Past, Streams, prelude::*};
///
/// // 3 steps of the window, 4 apart: 8 steps are kept.
/// type Layer2 = net![100 x 2 => Conv1d(16, 3, padding causal, dilation 4) Relu];
/// type State = <Layer2 as Streams>::State;
/// const _: () = assert!(size_of::<State>() == 8 * 2 * 4 + size_of::<usize>());
/// # let _: State = Past::<f32, 2, 8>::ZERO;
/// ```
#[derive(Clone, PartialEq)]
pub struct Past<T, const C: usize, const N: usize> {
    steps: [[T; C]; N],
    /// Number of steps seen, less `N` whenever it reaches `2 N`: the position of the next one, and
    /// while it is below `N`, how many there are.
    seen: usize,
}

impl<T: Element, const C: usize, const N: usize> Zero for Past<T, C, N> {
    const ZERO: Self = Self { steps: Zero::ZERO, seen: 0 };
}

impl<T, const C: usize, const N: usize> fmt::Debug for Past<T, C, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Past({} of {N} steps)", self.len())
    }
}

defmt_shows!(
    [T, const C: usize, const N: usize] Past<T, C, N>:
    |past, f| defmt::write!(f, "Past({} of {} steps)", past.len(), N)
);

impl<T, const C: usize, const N: usize> Past<T, C, N> {
    /// Number of steps that are kept: up to `N`.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "nobody asks whether it is empty")]
    pub const fn len(&self) -> usize {
        if self.seen < N { self.seen } else { N }
    }
}

impl<T: Copy, const C: usize, const N: usize> Past<T, C, N> {
    /// The step `ago` steps before the next one, which is `1..=len()`.
    #[inline]
    fn get(&self, ago: usize) -> Option<&[T; C]> {
        // Below 2 N, as `seen` is.
        let place = self.seen.checked_sub(ago)?;
        self.steps.get(place).or_else(|| self.steps.get(place.wrapping_sub(N)))
    }

    /// Keeps a step, in place of the oldest.
    #[inline]
    fn push(&mut self, step: &[T; C]) {
        let place = if self.seen < N { self.seen } else { self.seen.wrapping_sub(N) };
        if let Some(slot) = self.steps.get_mut(place) {
            *slot = *step;
            // From 2 N - 1 back to N.
            self.seen = if place.wrapping_add(1) == N { N } else { self.seen.wrapping_add(1) };
        }
    }
}

impl<
    const L: usize,
    const C: usize,
    const OUT: usize,
    const K: usize,
    const M: usize,
    A: Activation<F> + Hidden,
    F: Format,
    const STEP: usize,
    const PADDING: usize,
    const DILATION: usize,
    const GROUP: usize,
> Streams for Conv1d<L, C, OUT, K, M, A, F, STEP, PADDING, DILATION, GROUP>
{
    type Step = [F::Value; C];
    type Answer = [F::Value; OUT];
    type State = Past<F::Value, C, PADDING>;
    const PAST: usize = {
        assert!(
            STEP == 1 && PADDING == K.saturating_sub(1).saturating_mul(DILATION),
            "a convolution can answer step by step only with `padding causal` and step 1: its output \
             must not depend on later steps"
        );
        // The sizes fit.
        let _ = <Self as Layer>::MACS;
        PADDING
    };

    fn step(&self, state: &mut Self::State, input: &[F::Value; C]) -> [F::Value; OUT] {
        let _ = const { Self::PAST };
        // What the window sees, without what is before the beginning.
        let mut window = [[F::Value::ZERO; C]; K];
        let (mut ago, mut missing) = (PADDING, 0_usize);
        for tap in &mut window {
            if ago == 0 {
                *tap = *input;
            } else if let Some(step) = if ago > state.len() { None } else { state.get(ago) } {
                *tap = *step;
            } else {
                missing = missing.wrapping_add(1);
            }
            ago = ago.saturating_sub(DILATION);
        }
        state.push(input);

        let seen = K.saturating_sub(missing);
        let columns = Axis { input: seen, kernel: K, padding: missing, ..Axis::ONE };
        let windows = Windows { rows: Axis::ONE, columns, channels: C, group: GROUP };
        let x = window.get(missing..).unwrap_or_default().as_flattened();
        let mut output = [F::Value::ZERO; OUT];
        let y = core::slice::from_mut(&mut output);
        F::affine_of_windows(windows, self.weights().as_flattened(), self.bias(), x, y);
        A::activate(&mut output);
        output
    }
}

/// A vector is one step.
impl<const IN: usize, const OUT: usize, A: Activation<F>, F: Format> Streams
    for Dense<IN, OUT, A, F>
{
    type Step = [F::Value; IN];
    type Answer = [F::Value; OUT];
    type State = ();
    const PAST: usize = 0;

    #[inline]
    fn step(&self, (): &mut (), input: &Self::Step) -> Self::Answer {
        self.forward(input)
    }
}

/// Each step is the last one so far.
impl<T: FormatValue, const C: usize, const L: usize> Streams for LastStep<[[T; C]; L]>
where
    Identity: Activation<T::Format>,
{
    type Step = [T; C];
    type Answer = [T; C];
    type State = ();
    const PAST: usize = 0;

    #[inline]
    fn step(&self, (): &mut (), input: &[T; C]) -> [T; C] {
        *input
    }
}

/// Layers for sequences that treat each step on its own, and the same layers for one step.
macro_rules! each_step {
    ($(
        [$($generics:tt)*] $of_sequence:ty, $of_step:ty $(where $A:ident: Hidden)?,
        $layer:ident => $copy:expr;
    )+) => { $(
        impl<const C: usize, const L: usize, T: FormatValue, $($generics)*> Streams for $of_sequence
        where
            $($A: Activation<T::Format> + Hidden,)?
            Self: Layer<Format = T::Format>,
            $of_step: Layer<Format = T::Format, Input = [T; C], Output = [T; C]>,
        {
            type Step = [T; C];
            type Answer = [T; C];
            type State = ();
            const PAST: usize = 0;

            #[inline]
            fn step(&self, (): &mut (), input: &[T; C]) -> [T; C] {
                let $layer = self;
                let of_step: $of_step = $copy;
                of_step.forward(input)
            }
        }

        impl<const C: usize, T: FormatValue, $($generics)*> Streams for $of_step
        where
            Self: Layer<Format = T::Format, Input = [T; C], Output = [T; C]>,
        {
            type Step = [T; C];
            type Answer = [T; C];
            type State = ();
            const PAST: usize = 0;

            #[inline]
            fn step(&self, (): &mut (), input: &[T; C]) -> [T; C] {
                self.forward(input)
            }
        }
    )+ };
}
each_step! {
    [A, const E: u32] BatchNorm<C, A, [[T; C]; L], E>, BatchNorm<C, A, [T; C], E> where A: Hidden,
        norm => BatchNorm::new(*norm.weight(), *norm.bias(), *norm.mean(), *norm.variance());
    [A, const E: u32] LayerNorm<C, A, [[T; C]; L], E>, LayerNorm<C, A, [T; C], E> where A: Hidden,
        norm => LayerNorm::new(*norm.weight(), *norm.bias());
    [const N: usize] PRelu<N, [[T; C]; L]>, PRelu<N, [T; C]>, layer => PRelu::new(*layer.slopes());
    [const N: u32, const D: u32] Dropout<[[T; C]; L], N, D>, Dropout<[T; C], N, D>,
        _layer => Dropout::new();
}

impl<First, Rest> Streams for Chain<First, Rest>
where
    First: Streams<Activation: Hidden>,
    Rest: Takes<First::Output, First::Format> + Streams<Step = First::Answer>,
{
    type Step = First::Step;
    type Answer = Rest::Answer;
    type State = Pair<First::State, Rest::State>;
    const PAST: usize = First::PAST.saturating_add(Rest::PAST);

    #[inline]
    fn step(&self, state: &mut Self::State, input: &Self::Step) -> Self::Answer {
        let hidden = self.first().step(&mut state.first, input);
        self.rest().step(&mut state.rest, &hidden)
    }
}

/// Adds a step to an answer, and applies the activation of the sum.
#[inline]
fn add<T: Scalar, A: Activation<T>, Y: Shape<Element = T>>(mut answer: Y, other: &Y) -> Y {
    for (y, &x) in answer.as_mut_slice().iter_mut().zip(other.as_slice()) {
        *y += x;
    }
    A::activate(answer.as_mut_slice());
    answer
}

impl<T, L, A> Streams for Residual<L, Skip, A>
where
    T: Scalar,
    L: Streams<Format = T> + Layer<Format = T>,
    L: Streams<Answer = <L as Streams>::Step>,
    Skip: Shortcut<L::Input, L::Output, T>,
    A: Activation<T> + Hidden,
{
    type Step = L::Step;
    type Answer = L::Answer;
    type State = L::State;
    const PAST: usize = L::PAST;

    #[inline]
    fn step(&self, state: &mut Self::State, input: &Self::Step) -> Self::Answer {
        add::<T, A, _>(self.layer().step(state, input), input)
    }
}

impl<T, L, P, A> Streams for Residual<L, P, A>
where
    T: Scalar,
    L: Streams<Format = T>,
    P: Streams<Format = T, Step = L::Step, Answer = L::Answer>
        + Layer<Input = L::Input, Output = L::Output>,
    A: Activation<T> + Hidden,
{
    type Step = L::Step;
    type Answer = L::Answer;
    type State = Pair<L::State, P::State>;
    const PAST: usize = if L::PAST > P::PAST { L::PAST } else { P::PAST };

    #[inline]
    fn step(&self, state: &mut Self::State, input: &Self::Step) -> Self::Answer {
        let answer = self.layer().step(&mut state.first, input);
        add::<T, A, _>(answer, &self.projection().step(&mut state.rest, input))
    }
}

macro_rules! streams_as_its_layer {
    ($type:ty, $this:ident => $layer:expr) => {
        impl<L: Streams> Streams for $type {
            type Step = L::Step;
            type Answer = L::Answer;
            type State = L::State;
            const PAST: usize = L::PAST;

            #[inline]
            fn step(&self, state: &mut L::State, input: &L::Step) -> L::Answer {
                let $this = self;
                $layer.step(state, input)
            }
        }
    };
}
streams_as_its_layer!(Frozen<L>, this => this.layer());
streams_as_its_layer!(Recompute<L>, this => this.layer());
streams_as_its_layer!(&L, this => **this);

/// A network that answers step by step, with its state: streaming inference.
///
/// A window is needed neither in RAM nor computed again for each step. The answers are, bit for bit,
/// those of the whole window: see [`Streams`]. The network is one that was trained on windows, owned
/// or borrowed.
///
/// ```
/// use gradlet::{Streaming, prelude::*};
///
/// type Net = net![
///     16 x 1 => Conv1d(4, 3, padding causal) Relu
///     => Conv1d(4, 3, padding causal, dilation 2) Relu => LastStep => 2 Softmax
/// ];
/// # static NET: Net = Chain::new(
/// #     Conv1d::new([[[0.5, -0.5, 0.25, 1.0]]; 3], [0.1; 4]),
/// #     Chain::new(
/// #         Conv1d::new([[[0.5, -0.5, 0.25, 1.0]; 4]; 3], [0.1; 4]),
/// #         Chain::new(LastStep::new(), Dense::new([[0.3, -0.1]; 4], [0.0; 2])),
/// #     ),
/// # );
/// let signal: [[f32; 1]; 16] = core::array::from_fn(|i| [(i as f32 * 0.4).sin()]);
///
/// let mut stream = Streaming::new(&NET);
/// let mut answer = [0.0; 2];
/// for sample in &signal {
///     answer = stream.step(sample);
/// }
/// assert_eq!(answer, NET.forward(&signal)); // not only close
///
/// // 2 steps of 1 channel, 4 steps of 4 channels, and two positions: not 16 steps of each layer.
/// const _: () = assert!(Streaming::<&Net>::STATE_BYTES == 4 * (2 + 16) + 2 * size_of::<usize>());
/// ```
#[derive(Clone)]
pub struct Streaming<N: Streams> {
    net: N,
    state: N::State,
}

impl<N: Streams> Streaming<N> {
    /// Size of the state, in bytes.
    pub const STATE_BYTES: usize = size_of::<N::State>();

    /// The beginning of a stream.
    #[must_use]
    pub const fn new(net: N) -> Self {
        Self { net, state: N::State::ZERO }
    }

    /// The network's answer to the next step.
    #[inline]
    pub fn step(&mut self, input: &N::Step) -> N::Answer {
        self.net.step(&mut self.state, input)
    }

    /// Forgets all steps: the next one is the first.
    #[inline]
    pub fn reset(&mut self) {
        self.state = N::State::ZERO;
    }

    /// What is kept of the steps so far, to be copied.
    #[must_use]
    pub const fn state(&self) -> &N::State {
        &self.state
    }

    /// The same, mutable: a copy put back continues its stream.
    ///
    /// ```
    /// use gradlet::{Streaming, prelude::*};
    ///
    /// let sum = Conv1d::<9, 1, 1, 2, 9, Identity, f32, 1, 1>::new([[[1.0]]; 2], [0.0]);
    /// let mut stream = Streaming::new(&sum);
    /// assert_eq!(stream.step(&[5.0]), [5.0]);
    /// let before = stream.state().clone();
    /// assert_eq!(stream.step(&[1.0]), [6.0]);
    /// *stream.state_mut() = before;
    /// assert_eq!(stream.step(&[2.0]), [7.0]);
    /// stream.reset();
    /// assert_eq!(stream.step(&[3.0]), [3.0]);
    /// ```
    #[must_use]
    pub const fn state_mut(&mut self) -> &mut N::State {
        &mut self.state
    }

    /// The network.
    #[must_use]
    pub const fn net(&self) -> &N {
        &self.net
    }

    /// The network, without the state.
    #[must_use]
    pub fn into_net(self) -> N {
        self.net
    }
}

impl<N: Streams + Zero> Zero for Streaming<N> {
    const ZERO: Self = Self::new(N::ZERO);
}

impl<N: Streams + fmt::Debug> fmt::Debug for Streaming<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streaming").field("net", &self.net).finish_non_exhaustive()
    }
}

defmt_shows!([N: Streams] Streaming<N>: |_, f| defmt::write!(f, "Streaming(..)"));
