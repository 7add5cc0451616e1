//! Layers: what a network is made of.

mod chain;
mod dense;
mod frozen;
mod trace;

pub use chain::{Chain, ChainGradient, Mlp};
pub use dense::Dense;
pub use frozen::Frozen;
pub(crate) use trace::zip;
pub use trace::{ChainTrace, Kept, LayerTrace, Trace, Vector};

use crate::activation::Activation;
use crate::fingerprint::{fingerprint, size};
use crate::optimizer::{Accumulate, GradientVisitor};
use crate::safetensors::{self, LoadError, Safetensors, SaveError, WeightShapes};
use crate::scalar::{Scalar, Zero};

/// One array for each layer of `N`: the derivative of the loss by the layer's logits.
///
/// ```
/// use gradlet::{Deltas, prelude::*};
///
/// let _: Deltas<'_, Mlp<2, 4, 3>> = (&[0.0; 4], &[0.0; 3]);
/// ```
pub type Deltas<'a, N> = <<N as Layer>::Trace as Trace>::Deltas<'a>;

/// The arrays of [`Deltas`], to be filled by [`Layer::backward`].
///
/// ```
/// use gradlet::{DeltasMut, prelude::*};
///
/// let _: DeltasMut<'_, Mlp<2, 4, 3>> = (&mut [0.0; 4], &mut [0.0; 3]);
/// ```
pub type DeltasMut<'a, N> = <<N as Layer>::Trace as Trace>::DeltasMut<'a>;

/// Which parameters a slice holds: [`Layer::parameters`] says it for each.
///
/// ```
/// use gradlet::{Tensor, prelude::*};
///
/// let mut weights = 0;
/// Mlp::<2, 4, 2>::ZERO.parameters([], &mut |tensor, values, []| {
///     if let Tensor::Weights { inputs, outputs } = tensor {
///         assert_eq!(values.len(), inputs * outputs);
///         weights += values.len();
///     }
/// });
/// assert_eq!(weights, 16);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Tensor {
    /// Weights, stored `[input][output]`.
    Weights {
        /// Number of inputs of each unit.
        inputs: usize,
        /// Number of units.
        outputs: usize,
    },
    /// Biases, one for each unit.
    Bias,
    /// Anything else that is learned.
    Other,
}

/// A piece of a network: takes an [`Input`](Self::Input), gives an [`Output`](Self::Output), and
/// may have parameters that are learned. A [`Chain`] of layers is a layer.
///
/// # Implement your own
///
/// A layer says what its logits are (its values before the activation), how a derivative passes
/// back through it, and what the gradient of its parameters is; [`Trainer`](crate::Trainer), every
/// optimizer and [`Chain`] then work with it. A layer that has no activation of its own names
/// [`Identity`](crate::Identity).
///
/// ```
/// use gradlet::prelude::*;
/// use gradlet::{GradientVisitor, LayerTrace, Tensor};
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
///     type Scalar = f32;
///     type Input = [f32; N];
///     type Output = [f32; N];
///     type Activation = Identity;
///     type Trace = LayerTrace<[f32; N], Identity>;
///     type Gradient = Self;
///     const PARAMS: usize = N;
///     const MACS: usize = N;
///
///     fn logits(&self, input: &[f32; N], logits: &mut [f32; N]) {
///         for ((z, x), s) in logits.iter_mut().zip(input).zip(&self.factors) {
///             *z = s * x;
///         }
///     }
///
///     fn input_gradient(
///         &self,
///         _input: &[f32; N],
///         _trace: &Self::Trace,
///         delta: &[f32; N],
///         gradient: &mut [f32; N],
///     ) {
///         for ((g, d), s) in gradient.iter_mut().zip(delta).zip(&self.factors) {
///             *g = s * d;
///         }
///     }
///
///     fn gradient<const P: usize, const S: usize>(
///         nets: [&mut Self; P],
///         state: [&mut Self; S],
///         input: &[f32; N],
///         _trace: &Self::Trace,
///         delta: &[f32; N],
///         visitor: &mut impl GradientVisitor<f32, P, S>,
///     ) {
///         let mut gradient = *delta;
///         for (g, x) in gradient.iter_mut().zip(input) {
///             *g *= x;
///         }
///         visitor.vector(
///             nets.map(|n| n.factors.as_mut_slice()),
///             state.map(|s| s.factors.as_mut_slice()),
///             &gradient,
///         );
///     }
///
///     fn parameters<const S: usize>(
///         &self,
///         state: [&mut Self; S],
///         visit: &mut impl FnMut(Tensor, &[f32], [&mut [f32]; S]),
///     ) {
///         let state = state.map(|s| s.factors.as_mut_slice());
///         visit(Tensor::Other, &self.factors, state);
///     }
///
///     fn tensors<const G: usize, const P: usize, const S: usize>(
///         gradients: [&Self; G],
///         nets: [&mut Self; P],
///         state: [&mut Self; S],
///         visit: &mut impl FnMut(Tensor, [&[f32]; G], [&mut [f32]; P], [&mut [f32]; S]),
///     ) {
///         visit(
///             Tensor::Other,
///             gradients.map(|g| g.factors.as_slice()),
///             nets.map(|n| n.factors.as_mut_slice()),
///             state.map(|s| s.factors.as_mut_slice()),
///         );
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
    /// The type of number: `f32` or `f64`.
    type Scalar: Scalar;
    /// What the layer takes, `[T; IN]` for [`Dense`].
    type Input;
    /// What the layer gives, `[T; OUT]`.
    type Output: Vector<Scalar = Self::Scalar>;
    /// The function that the layer ends in.
    type Activation: Activation;
    /// What a training step keeps: [`LayerTrace<Self::Output, Self::Activation>`](LayerTrace).
    type Trace: Trace<Output = Self::Output, Activation = Self::Activation>;
    /// One number for each parameter: the gradient, and what optimizers keep. `Self` for most
    /// layers, `()` for one that learns nothing.
    type Gradient: Zero;

    /// Number of parameters that are learned.
    const PARAMS: usize;
    /// Multiply-accumulates of one forward pass.
    const MACS: usize;
    /// Bytes of memory that the layer takes.
    const BYTES: usize = size_of::<Self>();
    /// Stands for the type: sizes, activations and number type, as far as they are told of. A layer of
    /// your own is known by its number of parameters, unless it says [more](crate::fingerprint).
    const FINGERPRINT: u32 =
        fingerprint("", &[size(Self::PARAMS), size(size_of::<Self::Scalar>())]);
    /// The weights and biases that [`parameters`](Self::parameters) shows, for the size of a file. A
    /// layer that leaves this out can be saved only if it shows none.
    const WEIGHTS: WeightShapes = WeightShapes::NONE;

    /// Writes the layer's values before its activation.
    fn logits(&self, input: &Self::Input, logits: &mut Self::Output);

    /// Writes the derivative of the loss by `input`, from the one by the logits.
    ///
    /// `gradient` comes filled with negative zeros, so it may be added to as well.
    fn input_gradient(
        &self,
        input: &Self::Input,
        trace: &Self::Trace,
        deltas: Deltas<'_, Self>,
        gradient: &mut Self::Input,
    );

    /// Hands the gradient of one sample to `visitor`, tensor by tensor, with the same tensor of
    /// `nets` (the network to be updated, or none) and of `state` (what the optimizer keeps, or a
    /// gradient to add to).
    fn gradient<const P: usize, const S: usize>(
        nets: [&mut Self; P],
        state: [&mut Self::Gradient; S],
        input: &Self::Input,
        trace: &Self::Trace,
        deltas: Deltas<'_, Self>,
        visitor: &mut impl GradientVisitor<Self::Scalar, P, S>,
    );

    /// Shows every tensor of parameters with the same tensor of `state`, in the same order each
    /// time: from the input to the output, weights before biases.
    fn parameters<const S: usize>(
        &self,
        state: [&mut Self::Gradient; S],
        visit: &mut impl FnMut(Tensor, &[Self::Scalar], [&mut [Self::Scalar]; S]),
    );

    /// Walks the tensors of gradients, networks and optimizer states in step, in the order of
    /// [`parameters`](Self::parameters).
    fn tensors<const G: usize, const P: usize, const S: usize>(
        gradients: [&Self::Gradient; G],
        nets: [&mut Self; P],
        state: [&mut Self::Gradient; S],
        visit: &mut impl FnMut(
            Tensor,
            [&[Self::Scalar]; G],
            [&mut [Self::Scalar]; P],
            [&mut [Self::Scalar]; S],
        ),
    );

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
    /// good numbers. Holds `K` times the outputs of all layers on the stack.
    ///
    /// ```
    /// use gradlet::prelude::*;
    ///
    /// let net = Dense::<1, 1, Identity>::new([[2.0]], [1.0]);
    /// let inputs = [[0.0], [1.0], [2.0]];
    /// assert_eq!(net.forward_all(inputs.each_ref()), [[1.0], [3.0], [5.0]]);
    /// ```
    #[must_use]
    fn forward_all<const K: usize>(&self, inputs: [&Self::Input; K]) -> [Self::Output; K] {
        let mut traces = <[Self::Trace; K]>::ZERO;
        if let Some(&first) = inputs.first() {
            self.forward_each(zip(first, inputs, traces.each_mut()));
            let last = traces.each_mut().map(Trace::last_mut);
            LayerTrace::activate_each_by(last, Self::Activation::apply_each);
        }
        traces.map(|trace| trace.last().output().clone())
    }

    /// A network with the weights of a `safetensors` file; see [`safetensors`](crate::safetensors).
    ///
    /// As [`load_safetensors`](Self::load_safetensors), which is for networks that are too large for
    /// the stack.
    ///
    /// # Errors
    ///
    /// As there.
    fn from_safetensors<'n>(file: &[u8], names: &[&'n str]) -> Result<Self, LoadError<'n>>
    where
        Self: Zero,
    {
        let mut net = Self::ZERO;
        net.load_safetensors(file, names)?;
        Ok(net)
    }

    /// Loads the weights of a `safetensors` file, in place.
    ///
    /// `names` has the name of each layer with weights. A tensor that belongs to none of them is an
    /// error, unless a name that ends in `..` says to
    /// [ignore](crate::safetensors#tensors-of-no-layer) it.
    ///
    /// Parameters that a layer of your own calls [`Tensor::Other`] stay as they are.
    ///
    /// ```
    /// use gradlet::prelude::*;
    ///
    /// let file = include_bytes!("../../tests/weights/worked.safetensors");
    /// let mut net = Mlp::<2, 2, 2>::ZERO;
    /// net.load_safetensors(file, &["0", "2"])?;
    ///
    /// let error = net.load_safetensors(file, &["0", "1"]).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "tensor `1.weight` is not in the file, which has 0.weight, 2.weight, 2.bias, and 1 more"
    /// );
    /// # Ok::<(), gradlet::safetensors::LoadError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`LoadError`] if `file` is not a safetensors file, does not fit the network, has tensors of
    /// other layers, or has a number that is NaN or infinite. The network is then as it was.
    fn load_safetensors<'n>(&mut self, file: &[u8], names: &[&'n str]) -> Result<(), LoadError<'n>>
    where
        Self: Sized,
    {
        Safetensors::new(file)?.load_into(self, names)
    }

    /// Writes the weights into a buffer, as a `safetensors` file: the bytes that the Python library
    /// writes for the same tensors. See [`safetensors`].
    ///
    /// `names` has the name of each layer with weights;
    /// [`file_size`](safetensors::file_size) says how long the buffer must be. Returns the file, the
    /// beginning of the buffer.
    ///
    /// Parameters that a layer of your own calls [`Tensor::Other`] are not written.
    ///
    /// ```
    /// use gradlet::prelude::*;
    ///
    /// let net = Mlp::<1, 2, 1>::new(
    ///     Dense::new([[1.0, 2.0]], [3.0, 4.0]),
    ///     Dense::new([[5.0], [6.0]], [7.0]),
    /// );
    /// let mut buffer = [0; 512];
    /// let file = net.to_safetensors(&["0", "2"], &mut buffer)?;
    /// assert_eq!(Mlp::from_safetensors(file, &["0", "2"]).as_ref(), Ok(&net));
    /// # Ok::<(), gradlet::safetensors::SaveError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`SaveError`] if the names are too few, too many or not all different, if a parameter of the
    /// network is NaN or infinite, if the buffer is too small, or if a layer of your own has other
    /// weights than [`WEIGHTS`](Self::WEIGHTS) say. The buffer is then as it was.
    fn to_safetensors<'n, 'b>(
        &self,
        names: &[&'n str],
        buffer: &'b mut [u8],
    ) -> Result<&'b [u8], SaveError<'n>> {
        safetensors::save(self, names, buffer)
    }

    /// Writes the weights as a `safetensors` file, 64 bytes at a time: what
    /// [`to_safetensors`](Self::to_safetensors) does, without a buffer for the whole file. Does not
    /// flush the writer.
    ///
    /// ```
    /// use gradlet::prelude::*;
    ///
    /// let net = Mlp::<2, 4, 2>::ZERO;
    /// let mut file = Vec::new(); // or a serial port, a card, flash
    /// net.write_safetensors(&["0", "2"], &mut file)?;
    /// assert_eq!(file, net.to_safetensors(&["0", "2"], &mut [0; 400])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`WriteError::Save`](safetensors::WriteError::Save) where `to_safetensors` gives a
    /// [`SaveError`], otherwise what the writer gives.
    #[cfg(feature = "embedded-io")]
    fn write_safetensors<'n, W: embedded_io::Write + ?Sized>(
        &self,
        names: &[&'n str],
        writer: &mut W,
    ) -> Result<(), safetensors::WriteError<'n, W::Error>> {
        safetensors::write_to(self, names, writer)
    }

    /// The forward pass of a training step: writes the logits into the trace, and the outputs of
    /// the layers before it. Only a layer made of layers needs its own.
    ///
    /// Returns a number that is NaN or infinite if one in the input is, even where the outputs hide
    /// it: the sigmoid of infinity is 1. It is the sum of the first layer's logits, or one of them
    /// if each depends on the whole input.
    #[inline]
    fn forward_trace(&self, input: &Self::Input, trace: &mut Self::Trace) -> Self::Scalar {
        let logits = trace.last_mut().output_mut();
        self.logits(input, logits);
        logits.as_slice().iter().copied().sum()
    }

    /// The backward pass: fills the deltas of all layers from the last. `WANTED` says whether
    /// [`input_gradient`](Self::input_gradient) will be called. Only a layer made of layers needs
    /// its own.
    #[inline]
    fn backward<const WANTED: bool>(
        &self,
        _input: &Self::Input,
        _trace: &Self::Trace,
        _deltas: &mut DeltasMut<'_, Self>,
    ) {
    }

    /// [`forward_trace`](Self::forward_trace) for each of several samples, with the same bits. Like
    /// the three below, it is only for speed, in a [`BatchTrainer`](crate::BatchTrainer) that takes
    /// several samples at once.
    #[inline]
    fn forward_each<const K: usize>(
        &self,
        samples: [(&Self::Input, &mut Self::Trace); K],
    ) -> [Self::Scalar; K] {
        samples.map(|(input, trace)| self.forward_trace(input, trace))
    }

    /// [`backward`](Self::backward) for each of several samples. The deltas are the
    /// [outputs](LayerTrace::output) in traces that are made for them.
    #[inline]
    fn backward_each<const WANTED: bool, const K: usize>(
        &self,
        samples: [(&Self::Input, &Self::Trace); K],
        deltas: [&mut Self::Trace; K],
    ) {
        for ((input, trace), deltas) in samples.into_iter().zip(deltas) {
            self.backward::<WANTED>(input, trace, &mut deltas.as_deltas_mut());
        }
    }

    /// [`input_gradient`](Self::input_gradient) for each of several samples, into arrays that come
    /// filled with negative zeros there too.
    #[inline]
    fn input_gradient_each<const K: usize>(
        &self,
        samples: [(&Self::Input, &Self::Trace); K],
        deltas: [(&Self::Trace, &mut Self::Input); K],
    ) {
        for ((input, trace), (deltas, gradient)) in samples.into_iter().zip(deltas) {
            self.input_gradient(input, trace, deltas.as_deltas(), gradient);
        }
    }

    /// Adds the gradients of several samples to `gradient`, in their order.
    #[inline]
    fn gradient_each<const K: usize>(
        gradient: &mut Self::Gradient,
        samples: [(&Self::Input, &Self::Trace); K],
        deltas: [&Self::Trace; K],
    ) {
        for ((input, trace), deltas) in samples.into_iter().zip(deltas) {
            let deltas = deltas.as_deltas();
            Self::gradient([], [gradient], input, trace, deltas, &mut Accumulate);
        }
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
    net.parameters([], &mut |_, values, []| {
        finite = finite && values.iter().all(|value| value.is_finite());
    });
    finite
}

/// A layer whose input is `X`, of the same number type: what may follow a layer with output `X`.
/// Every layer that can be is one.
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
pub trait Takes<X: Vector>: Layer<Input = X, Scalar = X::Scalar> {}

#[diagnostic::do_not_recommend]
impl<X: Vector, L: Layer<Input = X, Scalar = X::Scalar>> Takes<X> for L {}

/// A network type of any depth: each size is written once, so sizes cannot disagree.
///
/// `net![IN => OUT Activation => OUT Activation ..]`, or with the number type in front
/// `net![f64; IN => ..]` (`f32` otherwise). A size is a literal, a constant, or `{ an expression }`.
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
    (@chain $scalar:ty; $input:tt => $output:tt $activation:ty) => {
        $crate::Dense<$input, $output, $activation, $scalar>
    };
    (@chain $scalar:ty; $input:tt => $output:tt $activation:ty => $($rest:tt)+) => {
        $crate::Chain<
            $crate::Dense<$input, $output, $activation, $scalar>,
            $crate::net!(@chain $scalar; $output => $($rest)+)
        >
    };
    ($scalar:ty; $input:tt => $($layers:tt)+) => {
        $crate::net!(@chain $scalar; $input => $($layers)+)
    };
}
