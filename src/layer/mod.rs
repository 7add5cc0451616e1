//! Layers, the building blocks of networks.

#[doc(hidden)]
pub mod __sizes;
mod bias_only;
mod biased;
mod chain;
mod compact;
mod convolution;
mod dense;
mod dropout;
mod embedding;
mod flatten;
mod frozen;
mod fused;
mod joined;
mod layer_norm;
mod macros;
mod net;
mod norm;
mod parallel;
mod pool;
mod prelu;
mod recompute;
mod recurrent;
mod residual;
mod streaming;
mod trace;

pub use bias_only::BiasOnly;
pub use biased::Biased;
pub(crate) use biased::no_bias;
pub use chain::{Chain, Mlp};
pub use compact::{Compact, CompactTrace};
pub use convolution::{Conv1d, Conv2d, DepthwiseConv2d};
pub use dense::Dense;
pub use dropout::Dropout;
pub use embedding::Embedding;
pub use flatten::{Flatten, FlattenChannelsLast, LastStep};
pub use frozen::Frozen;
pub use fused::{Fused, FusedTrace};
pub use joined::{Joined, Split};
pub use layer_norm::LayerNorm;
pub use norm::{BatchNorm, Channels, FoldError, FoldNorm, NormGradient};
pub use parallel::{Beside, Parallel};
pub use pool::{GlobalMax, GlobalMean, MaxPool1d, MaxPool2d, MeanPool1d, MeanPool2d, Pools};
pub(crate) use pool::{layers_without_parameters, trace_all};
pub use prelu::{PRelu, PReluGradient};
pub use recompute::Recompute;
pub(crate) use recurrent::Cell;
pub use recurrent::{
    Begun, Gru, GruCell, LearnedState, Lstm, LstmCell, Masked, Recurrent, Reversed, Rnn, RnnCell,
    Stateful, TooLong, pad_front,
};
pub use residual::{Residual, Shortcut, Skip};
pub use streaming::{Past, Streaming, Streams};
pub use trace::{EndsIn, LayerTrace};

use core::fmt;

use crate::activation::Activation;
use crate::fingerprint::{fingerprint, size};
use crate::format::{Delta, Format};
use crate::gradient::GradientVisitor;
use crate::macros::defmt_shows;
use crate::shape::Shape;
use crate::tensors::{Kind, Tensor, TensorList, Tensors};
use crate::zero::Zero;

/// Type of a parameter of the layer `L`: `f32` for a layer of `f32`.
pub type Weight<L> = <<L as Layer>::Format as Format>::Weight;
/// Type of an input or output value of the layer `L`.
pub type Value<L> = <<L as Layer>::Format as Format>::Value;
/// Type of a loss or a learning rate of the network `L`.
pub type Real<L> = <<L as Layer>::Format as Format>::Real;

/// Derivatives of `K` losses with respect to the inputs of the layer `L`, to be written.
pub type Deltas<'a, L, const K: usize> =
    [&'a mut Delta<<L as Layer>::Format, <L as Layer>::Input>; K];

/// `K` samples in the backward pass through the layer `L`.
pub struct Samples<'a, L: Layer, const K: usize> {
    /// Their inputs.
    pub inputs: [&'a L::Input; K],
    /// Saved by the forward pass: outputs, and derivatives of the losses.
    pub traces: [&'a L::Trace; K],
}

impl<L: Layer, const K: usize> Clone for Samples<'_, L, K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<L: Layer, const K: usize> Copy for Samples<'_, L, K> {}

impl<L: Layer, const K: usize> fmt::Debug for Samples<'_, L, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{K} samples")
    }
}

defmt_shows!(
    [L: Layer, const K: usize] Samples<'_, L, K>: |_, f| defmt::write!(f, "{} samples", K)
);

impl<'a, L: Layer, const K: usize> Samples<'a, L, K> {
    /// Input and trace of each sample.
    #[inline(always)]
    pub fn iter(&self) -> impl Iterator<Item = (&'a L::Input, &'a L::Trace)> {
        self.inputs.into_iter().zip(self.traces)
    }
}

/// A layer of a network: maps an [`Input`](Self::Input) to an [`Output`](Self::Output), and may
/// have trainable parameters. A [`Chain`] of layers is a layer.
///
/// # Custom layers
///
/// A layer defines its logits (its values before the activation), how derivatives are
/// backpropagated through it, and the gradient of its parameters. [`Trainer`](crate::Trainer),
/// every optimizer and [`Chain`] then work with it, and so do files, flash storage and
/// initialisers, which need only the list of its [`tensors!`](crate::tensors). A layer without an
/// activation uses [`Identity`](crate::Identity); a layer without parameters omits the list and
/// `gradient` and has the gradient `()`. So has one with [buffers](Kind::Buffer) only.
///
/// Training processes `K` samples at once: one in a [`Trainer`](crate::Trainer), several in a
/// [`BatchTrainer`](crate::BatchTrainer) with tiles.
///
/// ```
/// use gradlet::prelude::*;
/// use gradlet::{Deltas, GradientVisitor, Kind, LayerTrace, Samples, tensors};
///
/// /// `y_i = s_i x_i`: one learned factor for each input.
/// #[derive(Clone, Debug, PartialEq)]
/// struct Scale<const N: usize> {
///     factors: [f32; N],
/// }
///
/// impl<const N: usize> Zero for Scale<N> {
///     const ZERO: Self = Self { factors: [0.0; N] };
/// }
///
/// impl<const N: usize> Layer for Scale<N> {
///     type Format = f32;
///     type Input = [f32; N];
///     type Output = [f32; N];
///     type Activation = Identity;
///     type Trace = LayerTrace<f32, [f32; N], Identity>;
///     type Gradient = Self;
///     const MACS: usize = N;
///
///     tensors! { factors: Other "factors" [N] }
///
///     fn logits(&self, input: &[f32; N], logits: &mut [f32; N]) {
///         for ((z, x), s) in logits.iter_mut().zip(input).zip(&self.factors) {
///             *z = s * x;
///         }
///     }
///
///     fn input_gradient<const K: usize>(
///         &self,
///         samples: Samples<'_, Self, K>,
///         gradients: Deltas<'_, Self, K>,
///     ) {
///         for ((_, trace), gradient) in samples.iter().zip(gradients) {
///             let pairs = gradient.values.iter_mut().zip(&trace.delta().values);
///             for ((g, d), s) in pairs.zip(&self.factors) {
///                 *g = s * d;
///             }
///         }
///     }
///
///     fn gradient<const P: usize, const S: usize, const K: usize>(
///         mut nets: [&mut Self; P],
///         mut state: [&mut Self; S],
///         samples: Samples<'_, Self, K>,
///         visitor: &mut impl GradientVisitor<f32, P, S>,
///     ) {
///         for (input, trace) in samples.iter() {
///             let mut gradient = trace.delta().values;
///             for (g, x) in gradient.iter_mut().zip(input) {
///                 *g *= x;
///             }
///             visitor.vector(
///                 Kind::Other,
///                 nets.each_mut().map(|n| n.factors.as_mut_slice()),
///                 state.each_mut().map(|s| s.factors.as_mut_slice()),
///                 &gradient,
///                 (),
///             );
///         }
///     }
/// }
///
/// type Net = Chain<Scale<2>, Dense<2, 1, Identity>>;
/// let mut net = Net::new(Scale { factors: [1.0; 2] }, Dense::new([[0.5], [0.5]], [0.0]));
/// let mut trainer = Trainer::<Net, HalfSquaredError, Sgd>::new();
/// for _ in 0..100 {
///     trainer.step(&mut net, &Sgd { learning_rate: 0.1 }, &[1.0, 2.0], &[3.0]);
/// }
/// assert!((net.forward(&[1.0, 2.0])[0] - 3.0).abs() < 1e-5);
/// ```
pub trait Layer: Sized {
    /// The number format: `f32`, `f64`, or a custom one.
    type Format: Format;
    /// Input of the layer: `[T; IN]` for [`Dense`].
    type Input: Shape<Element = Value<Self>>;
    /// Output of the layer: `[T; OUT]` for [`Dense`].
    type Output: Shape<Element = Value<Self>>;
    /// The activation function of the layer.
    type Activation: Activation<Self::Format>;
    /// Saved by the forward pass for the backward pass: a [`LayerTrace`], for most layers.
    type Trace: EndsIn<LayerTrace<Self::Format, Self::Output, Self::Activation>> + Zero + Clone;
    /// One value for each trainable parameter: the gradient, and the state of optimizers. `Self`
    /// for most layers, `()` for one without trainable parameters.
    type Gradient: Tensors<Weight<Self>> + Zero + Clone;

    /// Multiply-accumulates of one forward pass; `usize::MAX` if there are more, as there can be on AVR, whose
    /// `usize` has 16 bits.
    const MACS: usize;

    /// Over how many derivatives by outputs that by an input is a sum, at each position: a fixed-point format leaves
    /// room for them.
    #[doc(hidden)]
    const UNITS: usize = Self::Output::CHANNELS;

    /// Writes the logits, the layer's values before its activation, over whatever was there.
    fn logits(&self, input: &Self::Input, logits: &mut Self::Output);

    /// [`logits`](Self::logits) in a chain, which may overwrite its input and `spare`: memory that
    /// its next layers use if they have values of that type.
    #[doc(hidden)]
    #[inline]
    fn logits_over<S: 'static>(
        &self,
        input: &mut Self::Input,
        spare: &mut S,
        logits: &mut Self::Output,
    ) {
        let _ = spare;
        self.logits(input, logits);
    }

    /// Writes the derivatives of the losses with respect to the inputs, from those with respect to
    /// the logits.
    fn input_gradient<const K: usize>(
        &self,
        samples: Samples<'_, Self, K>,
        gradients: Deltas<'_, Self, K>,
    );

    /// Passes the sum of the gradients of the samples to `visitor`, tensor by tensor, with the same
    /// tensor of `nets` (the network to update, or none) and of `state` (the state of the
    /// optimizer, or a gradient to accumulate into).
    #[inline]
    fn gradient<const P: usize, const S: usize, const K: usize>(
        nets: [&mut Self; P],
        state: [&mut Self::Gradient; S],
        samples: Samples<'_, Self, K>,
        visitor: &mut impl GradientVisitor<Self::Format, P, S>,
    ) {
        let _ = (nets, state, samples, visitor);
    }

    /// [`gradient`](Self::gradient) with the network at hand, which is not to be updated: of a batch.
    /// Override it only in layers that need their parameters for it, as [`Recompute`] and [`Compact`] do, or
    /// that consist of layers.
    #[inline]
    fn gradient_at<const S: usize, const K: usize>(
        &self,
        state: [&mut Self::Gradient; S],
        samples: Samples<'_, Self, K>,
        visitor: &mut impl GradientVisitor<Self::Format, 0, S>,
    ) {
        Self::gradient([], state, samples, visitor);
    }

    /// The tensors that are learned or kept, from input to output. [`tensors!`](crate::tensors)
    /// defines it.
    const TENSORS: TensorList = {
        assert!(
            size_of::<Self::Gradient>() == 0,
            "the layer has a gradient but no list of its tensors, without which it can be neither \
             trained nor saved: write `tensors!` inside of `impl Layer`"
        );
        TensorList::NONE
    };

    /// Walks the tensors of networks, gradients and optimizer states in parallel, in the order of
    /// [`TENSORS`](Self::TENSORS); [buffers](Kind::Buffer) only if there are networks alone, since
    /// gradients have none. [`tensors!`](crate::tensors) defines it.
    #[inline]
    fn walk<const Q: usize, const P: usize, const R: usize, const S: usize>(
        nets: [&Self; Q],
        nets_mut: [&mut Self; P],
        read: [&Self::Gradient; R],
        write: [&mut Self::Gradient; S],
        visit: &mut impl FnMut(
            Kind,
            [&[Weight<Self>]; Q],
            [&mut [Weight<Self>]; P],
            [&[Weight<Self>]; R],
            [&mut [Weight<Self>]; S],
        ),
    ) {
        const {
            assert!(
                Self::TENSORS.len() == 0,
                "the layer has `TENSORS` but no `walk`: write `tensors!`, which defines both"
            );
        }
        let _ = (nets, nets_mut, read, write, visit);
    }

    /// Visits every tensor and its elements, [buffers](Kind::Buffer) too, from input to output.
    ///
    /// ```
    /// use gradlet::{Kind, prelude::*};
    ///
    /// let mut weights = 0;
    /// Mlp::<2, 4, 3>::ZERO.visit(|tensor, values| {
    ///     assert_eq!(values.len(), tensor.len());
    ///     weights += if tensor.kind == Kind::Weight { tensor.len() } else { 0 };
    /// });
    /// assert_eq!(weights, 20);
    /// ```
    #[inline]
    fn visit(&self, mut visit: impl FnMut(Tensor, &[Weight<Self>])) {
        let mut tensors = Self::TENSORS.iter();
        Self::walk([self], [], [], [], &mut |_, [values], [], [], []| {
            if let Some(tensor) = tensors.next() {
                visit(tensor, values);
            }
        });
    }

    /// Visits every tensor and its elements mutably, [buffers](Kind::Buffer) too, from input to
    /// output.
    ///
    /// ```
    /// use gradlet::prelude::*;
    ///
    /// let mut net = Mlp::<2, 4, 3>::ZERO;
    /// net.visit_mut(|_, values| values.fill(0.5));
    /// assert_eq!(net.rest().bias(), &[0.5; 3]);
    /// ```
    #[inline]
    fn visit_mut(&mut self, mut visit: impl FnMut(Tensor, &mut [Weight<Self>])) {
        let mut tensors = Self::TENSORS.iter();
        Self::walk([], [self], [], [], &mut |_, [], [values], [], []| {
            if let Some(tensor) = tensors.next() {
                visit(tensor, values);
            }
        });
    }

    /// Number of parameters, with the [buffers](Kind::Buffer): of all values that are kept in
    /// files, flash and frames. [`TensorList::trainable`] counts those that are learned.
    const PARAMS: usize = Self::TENSORS.parameters();
    /// Size of the layer in memory, in bytes.
    const BYTES: usize = size_of::<Self>();
    /// Hash of the layer's type: sizes, activations, number format. By default, custom layers
    /// differ only by their number of parameters; override it to hash [more](crate::fingerprint).
    const FINGERPRINT: u32 = fingerprint("", &[size(Self::PARAMS), Self::Format::FINGERPRINT]);

    /// Inference: the output for `input`.
    ///
    /// The outputs of hidden layers are on the stack: of successive layers with outputs of the same
    /// shape, no more than two.
    #[inline]
    #[must_use]
    fn forward(&self, input: &Self::Input) -> Self::Output {
        let mut output = Self::Output::ZERO;
        self.logits(input, &mut output);
        Self::Activation::activate(output.as_mut_slice());
        output
    }

    /// Batch inference: the outputs for `K` inputs, with the same bits as one by one, but faster on
    /// a PC for layers with about 16 inputs or more. Batch sizes that are multiples of 8 are best.
    /// Holds `K` outputs of each layer on the stack.
    ///
    /// ```
    /// use gradlet::prelude::*;
    ///
    /// let net = Dense::<1, 1, Identity>::new([[2.0]], [1.0]);
    /// let inputs = [[0.0], [1.0], [2.0]];
    /// assert_eq!(net.forward_all(inputs.each_ref()), [[1.0], [3.0], [5.0]]);
    /// ```
    #[inline]
    #[must_use]
    fn forward_all<const K: usize>(&self, inputs: [&Self::Input; K]) -> [Self::Output; K] {
        inputs.map(|input| self.forward(input))
    }

    /// The forward pass of a training step: writes to the traces the logits, and the outputs of the
    /// layers before. Override it in a layer that saves more than its output.
    ///
    /// Returns for each sample a value that is NaN or infinite if the input has a NaN or infinity,
    /// even where the outputs hide it: the sigmoid of infinity is 1. It is the sum of the first
    /// layer's logits, or one of them if each depends on the whole input.
    #[inline]
    fn forward_trace<const K: usize>(
        &self,
        inputs: [&Self::Input; K],
        traces: [&mut Self::Trace; K],
    ) -> [Real<Self>; K] {
        let mut inputs = inputs.into_iter();
        traces.map(|trace| {
            let logits = trace.last_mut().output_mut();
            if let Some(input) = inputs.next() {
                self.logits(input, logits);
            }
            Self::Format::check_all(logits.as_slice())
        })
    }

    /// The backward pass within the layer: fills in the derivatives, starting from the last.
    /// `WANTED` is whether [`input_gradient`](Self::input_gradient) will be called. Override it
    /// only in layers that consist of layers or of time steps.
    #[inline]
    fn backward<const WANTED: bool, const K: usize>(
        &self,
        inputs: [&Self::Input; K],
        traces: [&mut Self::Trace; K],
    ) {
        let _ = (inputs, traces);
    }

    /// Gives each [`Dropout`] in this layer a seed, or 0 to drop nothing; called by
    /// `init::with_dropout`. Override it only in layers that consist of
    /// layers. A [`Frozen`] layer drops nothing.
    #[inline]
    fn seed_dropout(&mut self, seeds: &mut impl FnMut() -> u64) {
        let _ = seeds;
    }

    /// Whether it is a [`Stateful`] layer, or has one in it. Override it where you override
    /// [`carry`](Self::carry).
    const STATEFUL: bool = false;

    /// Makes the last state of each [`Stateful`] layer in this one its initial state; called by
    /// [`Trainer::carry`](crate::Trainer::carry). Override it only in layers that consist of layers.
    #[inline]
    fn carry(&mut self, trace: &Self::Trace) {
        let _ = trace;
    }
}

impl<L: Layer<Gradient = L>> Tensors<Weight<L>> for L {
    #[inline]
    fn walk<const R: usize, const M: usize>(
        read: [&Self; R],
        write: [&mut Self; M],
        visit: &mut impl FnMut(Kind, [&[Weight<L>]; R], [&mut [Weight<L>]; M]),
    ) {
        L::walk([], [], read, write, &mut |kind, [], [], read, write| visit(kind, read, write));
    }
}

/// Whether all parameters of a network are finite: none is NaN, none is infinite.
///
/// Training that has not diverged leaves such a network; files, frames and the store accept no
/// other.
///
/// ```
/// use gradlet::{is_finite, prelude::*};
///
/// let mut net = Mlp::<2, 4, 2>::ZERO;
/// assert!(is_finite(&net));
/// net.first_mut().bias_mut()[3] = f32::INFINITY;
/// assert!(!is_finite(&net));
/// ```
///
/// A network without parameters does not compile. A reference counts as one, as it is
/// frozen:
///
/// ```compile_fail,E0080
/// # use gradlet::{is_finite, prelude::*};
/// fn check(net: &Mlp<2, 4, 2>) -> bool {
///     is_finite(&net) // for `is_finite(net)`
/// }
/// # check(&Zero::ZERO);
/// ```
#[must_use]
pub fn is_finite<N: Layer>(net: &N) -> bool {
    const { expect_parameters::<N>() };
    parameters_are_finite(net)
}

/// For functions that would otherwise check, save or load nothing, and report success.
pub(crate) const fn expect_parameters<N: Layer>() {
    assert!(
        N::PARAMS > 0,
        "the network has no parameters: pass the network itself, not a reference to a \
         reference, which counts as frozen"
    );
}

/// Empty slices, called by [`tensors!`](crate::tensors).
#[doc(hidden)]
#[must_use]
#[inline(always)]
pub fn __slices<'a, W, const N: usize>() -> [&'a mut [W]; N] {
    core::array::from_fn(|_| Default::default())
}

/// The tensors, without the last one unless it exists, called by [`tensors!`](crate::tensors).
#[doc(hidden)]
#[must_use]
pub const fn __existing(tensors: &'static [Tensor], exist: &[bool]) -> &'static [Tensor] {
    let (mut rest, mut all) = (exist, true);
    while let [first, others @ ..] = rest {
        assert!(all, "in `tensors!`, only the last tensor may have a condition");
        (rest, all) = (others, *first);
    }
    match tensors {
        [others @ .., _] if !all => others,
        tensors => tensors,
    }
}

/// The list of a layer, called by [`tensors!`](crate::tensors).
#[doc(hidden)]
#[must_use]
pub const fn __checked<L: Layer>(list: TensorList) -> TensorList {
    let learned = list.trainable();
    assert!(
        learned == list.parameters()
            || size_of::<L::Gradient>() <= learned.saturating_mul(size_of::<Weight<L>>()),
        "`Gradient` has room for buffers, which have no gradient: make it a type with the other \
         tensors only, or `()`"
    );
    list
}

pub(crate) fn parameters_are_finite<N: Layer>(net: &N) -> bool {
    let mut finite = true;
    net.visit(|_, values| {
        finite = finite && values.iter().all(|&value| N::Format::is_finite(value))
    });
    finite
}

/// Whether all values of a gradient or of an optimizer's state are finite.
pub(crate) fn are_finite<F: Format, S: Tensors<F::Weight>>(tensors: &S) -> bool {
    let mut finite = true;
    S::walk([tensors], [], &mut |_, [values], []| {
        finite = finite && values.iter().all(|&value| F::is_finite(value));
    });
    finite
}

/// A layer of format `F` with input `X`, which can follow a layer with output `X`. Implemented for
/// every such layer.
///
/// ```
/// use gradlet::{Takes, prelude::*};
///
/// /// A head on top of 16 features.
/// fn answer<H: Takes<[f32; 16]>>(head: &H, features: &[f32; 16]) -> H::Output {
///     head.forward(features)
/// }
/// assert_eq!(answer(&Dense::<16, 2>::ZERO, &[1.0; 16]), [0.5, 0.5]);
/// ```
#[diagnostic::on_unimplemented(
    message = "layers do not fit: `{Self}` cannot take `{X}`, the output of the layer before it",
    label = "its input must be `{X}`"
)]
pub trait Takes<X, F = f32>: Layer<Input = X, Format = F> {}

#[diagnostic::do_not_recommend]
impl<X, F, L: Layer<Input = X, Format = F>> Takes<X, F> for L {}
