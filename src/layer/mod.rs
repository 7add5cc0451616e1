//! Layers: what a network is made of.

mod chain;
mod dense;
mod frozen;
mod trace;

pub use chain::{Chain, Mlp};
pub use dense::Dense;
pub use frozen::Frozen;
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

/// A parameter of the layer `L`: `f32` for a layer of `f32`.
pub type Weight<L> = <<L as Layer>::Format as Format>::Weight;
/// A number that flows into or out of the layer `L`.
pub type Value<L> = <<L as Layer>::Format as Format>::Value;
/// A loss or a learning rate of the network `L`.
pub type Real<L> = <<L as Layer>::Format as Format>::Real;

/// The derivatives of `K` losses by the inputs of the layer `L`, to be written.
pub type Deltas<'a, L, const K: usize> =
    [&'a mut Delta<<L as Layer>::Format, <L as Layer>::Input>; K];

/// `K` samples on their way back through the layer `L`.
pub struct Samples<'a, L: Layer, const K: usize> {
    /// Their inputs.
    pub inputs: [&'a L::Input; K],
    /// What the layer keeps of them: outputs, and derivatives of their losses.
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

/// A piece of a network: takes an [`Input`](Self::Input), gives an [`Output`](Self::Output), and
/// may have parameters that are learned. A [`Chain`] of layers is a layer.
///
/// # Implement your own
///
/// A layer says what its logits are (its values before the activation), how a derivative passes back
/// through it, and what the gradient of its parameters is. [`Trainer`](crate::Trainer), every optimizer
/// and [`Chain`] then work with it, files, flash and initialisers too: they need no more than the list
/// of its [`tensors!`](crate::tensors). A layer that has no activation of its own names
/// [`Identity`](crate::Identity); one without parameters leaves the list and `gradient` out and has the
/// gradient `()`.
///
/// Training goes through `K` samples at once: one in a [`Trainer`](crate::Trainer), several in a
/// [`BatchTrainer`](crate::BatchTrainer) with tiles.
///
/// ```
/// use gradlet::prelude::*;
/// use gradlet::{Deltas, GradientVisitor, LayerTrace, Samples, tensors};
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
    /// The number format: `f32`, `f64`, or one of your own.
    type Format: Format;
    /// What the layer takes: `[T; IN]` for [`Dense`].
    type Input: Shape<Element = Value<Self>>;
    /// What the layer gives: `[T; OUT]` for [`Dense`].
    type Output: Shape<Element = Value<Self>>;
    /// The function that the layer ends in.
    type Activation: Activation<Self::Format>;
    /// What a training step keeps of a sample: a [`LayerTrace`], for most layers.
    type Trace: EndsIn<LayerTrace<Self::Format, Self::Output, Self::Activation>> + Zero + Clone;
    /// One number for each parameter: the gradient, and what optimizers remember. `Self` for most
    /// layers, `()` for one that learns nothing.
    type Gradient: Tensors<Weight<Self>> + Zero + Clone;

    /// Multiply-accumulates of one forward pass.
    const MACS: usize;

    /// Writes the layer's values before its activation.
    fn logits(&self, input: &Self::Input, logits: &mut Self::Output);

    /// Writes the derivatives of the losses by the inputs, from those by the logits.
    fn input_gradient<const K: usize>(
        &self,
        samples: Samples<'_, Self, K>,
        gradients: Deltas<'_, Self, K>,
    );

    /// Hands the sum of the gradients of the samples to `visitor`, tensor by tensor, with the same
    /// tensor of `nets` (the network to be updated, or none) and of `state` (what the optimizer
    /// remembers, or a gradient to add to).
    #[inline]
    fn gradient<const P: usize, const S: usize, const K: usize>(
        nets: [&mut Self; P],
        state: [&mut Self::Gradient; S],
        samples: Samples<'_, Self, K>,
        visitor: &mut impl GradientVisitor<Self::Format, P, S>,
    ) {
        let _ = (nets, state, samples, visitor);
    }

    /// The learned tensors, from the input to the output. [`tensors!`](crate::tensors) writes it.
    const TENSORS: TensorList = TensorList::NONE;

    /// Walks the learned tensors of networks, gradients and optimizer states in step, in the order of
    /// [`TENSORS`](Self::TENSORS). [`tensors!`](crate::tensors) writes it.
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
        let _ = (nets, nets_mut, read, write, visit);
    }

    /// Shows every learned tensor and its numbers, from the input to the output.
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

    /// Shows every learned tensor and its numbers, to be changed, from the input to the output.
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

    /// Number of parameters that are learned.
    const PARAMS: usize = Self::TENSORS.parameters();
    /// Bytes of memory that the layer takes.
    const BYTES: usize = size_of::<Self>();
    /// Hash of the layer's type: sizes, activations, number format. A layer of your own is known by its
    /// number of parameters, unless it says [more](crate::fingerprint).
    const FINGERPRINT: u32 = fingerprint("", &[size(Self::PARAMS), Self::Format::FINGERPRINT]);

    /// The output for `input`.
    #[inline]
    #[must_use]
    fn forward(&self, input: &Self::Input) -> Self::Output {
        let mut output = Self::Output::ZERO;
        self.logits(input, &mut output);
        Self::Activation::apply(output.as_mut_slice());
        output
    }

    /// The outputs for several inputs, which go through the network together: on a PC, from about 16
    /// inputs of a layer on, faster than one after the other, with the same bits. Multiples of 8 are
    /// good numbers. Holds `K` outputs of each of two layers on the stack.
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

    /// The forward pass of a training step: writes the logits into the traces, and the outputs of the
    /// layers before. A layer that keeps more than its output needs its own.
    ///
    /// Returns for each sample a number that is NaN or infinite if one in the input is, even where the
    /// outputs hide it: the sigmoid of infinity is 1. It is the sum of the first layer's logits, or one
    /// of them if each depends on the whole input.
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
            logits.as_slice().iter().map(|&logit| Self::Format::real(logit)).sum()
        })
    }

    /// The backward pass within the layer: fills the derivatives from the last. `WANTED` says whether
    /// [`input_gradient`](Self::input_gradient) will be called. Only a layer made of layers, or of steps,
    /// needs its own.
    #[inline]
    fn backward<const WANTED: bool, const K: usize>(
        &self,
        inputs: [&Self::Input; K],
        traces: [&mut Self::Trace; K],
    ) {
        let _ = (inputs, traces);
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
/// Training that ends well leaves such a network; files, frames and the store take no other.
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
/// A network that learns nothing does not compile: a reference is one, that to a frozen network.
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

/// Where nothing would be looked at, kept or loaded without it, and all would seem well.
pub(crate) const fn expect_parameters<N: Layer>() {
    assert!(
        N::PARAMS > 0,
        "a network without parameters that are learned: give the network, not a reference to a \
         reference, which counts as frozen"
    );
}

pub(crate) fn parameters_are_finite<N: Layer>(net: &N) -> bool {
    let mut finite = true;
    net.visit(|_, values| {
        finite = finite && values.iter().all(|&value| N::Format::is_finite(value))
    });
    finite
}

/// A layer of format `F` whose input is `X`: what may follow a layer with output `X`. Implemented for
/// every such layer.
///
/// ```
/// use gradlet::{Takes, prelude::*};
///
/// /// A head for a body that gives 16 features.
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

/// A network type of any depth: each size is written once, so sizes cannot disagree.
///
/// `net![IN => OUT Activation => OUT Activation ..]`, or with the number format in
/// front `net![f64; IN => ..]` (`f32` otherwise). A size is a literal, a constant, or `{ an expression }`.
///
/// ```
/// use gradlet::prelude::*;
///
/// type Net = net![784 => 32 Relu => 16 Tanh => 10 Softmax];
/// // stands for
/// type Same = Chain<
///     Dense<784, 32, Relu, f32>,
///     Chain<Dense<32, 16, Tanh, f32>, Dense<16, 10, Softmax, f32>>,
/// >;
/// fn check(net: Net) -> Same {
///     net
/// }
/// assert_eq!(Net::PARAMS, 784 * 32 + 32 + 32 * 16 + 16 + 16 * 10 + 10);
/// ```
///
/// Up to 64 layers compile as they are, with Rust 1.85 fewer. For up to 100, put
/// `#![recursion_limit = "256"]` at the top of the `main.rs` or `lib.rs` that names the network; the
/// compiler says so too.
#[macro_export]
macro_rules! net {
    ($input:tt => $($layers:tt)+) => { $crate::net!(@chain f32; $input => $($layers)+) };
    (@chain $format:ty; $input:tt => $output:tt $activation:ty) => {
        $crate::Dense<$input, $output, $activation, $format>
    };
    (@chain $format:ty; $input:tt => $output:tt $activation:ty => $($rest:tt)+) => {
        $crate::Chain<
            $crate::Dense<$input, $output, $activation, $format>,
            $crate::net!(@chain $format; $output => $($rest)+)
        >
    };
    ($format:ty; $input:tt => $($layers:tt)+) => {
        $crate::net!(@chain $format; $input => $($layers)+)
    };
}
