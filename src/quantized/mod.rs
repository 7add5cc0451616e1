//! Networks in int8, for inference: a quarter to a third of the flash, and fast on cores without an FPU.
//!
//! [`Quantized<Net>`](Quantized) is made from a trained network of `f32` and a few typical inputs, on a PC, in
//! firmware, or in a `const`. It is `TFLite`'s scheme: weights of 8 bits with a scale for each output
//! ([`Granularity`]), inputs and outputs of 8 bits with a scale and a zero point ([`Quantization`]), sums of
//! 32 bits, and results with the bits of `TFLite`'s reference kernels.
//!
//! ```
//! use gradlet::prelude::*;
//! use gradlet::quantized::Quantized;
//!
//! type Net = net![2 => 2 Relu => 1 Identity];
//! // |x0 - x1|
//! let net = Net::new(
//!     Dense::from_rows([[1.0, -1.0], [-1.0, 1.0]], [0.0; 2]),
//!     Dense::from_rows([[1.0, 1.0]], [0.0]),
//! );
//! let typical = [[0.0, 1.0], [1.0, 0.0], [0.25, 0.75]];
//! let int8 = Quantized::<Net>::calibrate(&net, &typical).unwrap();
//!
//! // In f32 outside, in int8 inside.
//! assert!((int8.forward(&[0.2, 0.9])[0] - 0.7).abs() < 0.01);
//! // In int8 throughout: without a float.
//! let x = int8.quantize(&[0.2, 0.9]);
//! let y = int8.run(&x);
//! assert_eq!(int8.dequantize(&y), int8.forward(&[0.2, 0.9]));
//! ```
//!
//! # In front of a head that learns
//!
//! A quantised network is a [`Layer`] without parameters, so it may be the body of a network whose head is
//! trained on the device, and `&'static Quantized<..>` leaves it in flash.
//!
//! ```
//! use gradlet::prelude::*;
//! use gradlet::quantized::Quantized;
//!
//! type Body = net![2 => 2 Relu];
//! let body = Body::from_rows([[1.0, -1.0], [-1.0, 1.0]], [0.0; 2]);
//! let body = Quantized::<Body>::calibrate(&body, &[[0.0, 1.0], [1.0, 0.0]]).unwrap();
//!
//! type Net<'a> = Chain<Frozen<&'a Quantized<Body>>, Dense<2, 1, Identity>>;
//! let mut net = Net::new(Frozen::new(&body), Zero::ZERO);
//! let mut trainer = Trainer::<Net, HalfSquaredError>::new();
//! for _ in 0..100 {
//!     trainer.step(&mut net, &Sgd { learning_rate: 0.5 }, &[0.2, 0.9], &[0.7]);
//!     trainer.step(&mut net, &Sgd { learning_rate: 0.5 }, &[0.9, 0.1], &[0.8]);
//! }
//! assert!((net.forward(&[0.2, 0.9])[0] - 0.7).abs() < 0.01);
//! ```
//!
//! # In a file
//!
//! [`Quantized::save`] writes a network to a `safetensors` file, [`Quantized::from_safetensors`] loads it, and
//! [`load!`](crate::load) makes a constant of it, tables of activations and all, which takes neither time
//! nor stack where it runs. [Its tensors](crate::safetensors#networks-in-int8) may come from Python:
//! `examples/python/export_tflite.py` writes those of a `.tflite` file.
//!
//! ```standalone_crate
//! use gradlet::prelude::*;
//!
//! static NET: Quantized<net![8 x 2 => Conv1d(3, 3) Tanh | MaxPool(2) => FlattenChannelsLast => 4 Relu => 2 Softmax]> =
//!     gradlet::load![include_bytes!("../../tests/weights/int8.safetensors"); "conv", "hidden", "output"];
//! let [a, b] = NET.forward(&[[0.5, -1.0]; 8]);
//! assert!((a + b - 1.0).abs() < 0.01);
//! ```
//!
//! # In a constant
//!
//! [`Int8::from_layer`](Int8) is a `const fn`, so a network of `f32` whose weights the compiler reads from a file
//! can be quantised by the compiler too, with ranges that were observed before. Weights of `f32` are then nowhere in
//! flash. Functions by [`Table`] are the exception: tables are computed at run time, or written as constants.
//!
//! ```
//! use gradlet::prelude::*;
//! use gradlet::quantized::{Granularity::PerChannel, Int8, Quantization, Range, Sequence};
//!
//! type Net = net![2 => 2 Relu => 1 Identity];
//! const NET: Net = Net::new( // or `load!`
//!     Dense::from_rows([[1.0, -1.0], [-1.0, 1.0]], [0.0; 2]),
//!     Dense::from_rows([[1.0, 1.0]], [0.0]),
//! );
//! /// Of inputs, hidden values and outputs alike.
//! const UNIT: Quantization = match Quantization::of(Range { min: 0.0, max: 1.0 }) {
//!     Ok(quantization) => quantization,
//!     Err(_) => panic!(),
//! };
//! type Layer1 = Int8<Dense<2, 2, Relu>>;
//! type Layer2 = Int8<Dense<2, 1, Identity>>;
//! static INT8: Quantized<Net> = match (
//!     Layer1::from_layer(NET.first(), UNIT, UNIT, (), PerChannel),
//!     Layer2::from_layer(NET.rest(), UNIT, UNIT, (), PerChannel),
//! ) {
//!     (Ok(first), Ok(rest)) => Quantized::from_parts(UNIT, Sequence::new(first, rest), UNIT),
//!     _ => panic!(),
//! };
//! assert!((INT8.forward(&[0.2, 0.9])[0] - 0.7).abs() < 0.01);
//! ```
//!
//! # Layers
//!
//! [`Dense`](crate::Dense), [`Conv1d`](crate::Conv1d) and [`Conv2d`](crate::Conv2d), depthwise and in groups
//! too; all poolings, alone or [`Fused`](crate::Fused); [`Flatten`](crate::Flatten),
//! [`FlattenChannelsLast`](crate::FlattenChannelsLast) and [`LastStep`](crate::LastStep); a
//! [`Chain`](crate::Chain) of them. Fold a [`BatchNorm`](crate::BatchNorm) into the layer before it first. Any
//! other layer does not compile.
//!
//! # Without a 64-bit product
//!
//! On a Cortex-M0, choose [`TwoProducts`], whose results differ by rounding:
//!
//! ```
//! use gradlet::prelude::*;
//! use gradlet::quantized::{Quantized, TwoProducts};
//!
//! let net = Dense::<2, 1, Relu>::new([[1.0], [-1.0]], [0.0]);
//! let int8 = Quantized::<_, TwoProducts>::calibrate(&net, &[[1.0, 0.0], [0.0, 0.5]]).unwrap();
//! assert!((int8.forward(&[0.75, 0.25])[0] - 0.5).abs() < 0.01);
//! ```

mod activation;
mod calibration;
mod error;
mod kernel;
mod layer;
mod multiplier;
mod pool;
mod quantization;
mod sequence;
mod softmax;

pub use activation::{Clamp, Finish, Int8Activation, Table};
pub use calibration::{Calibration, Granularity, LayerRanges};
pub use error::QuantizeError;
pub use layer::{Int8, Weighted};
pub use multiplier::{Exact, Multiplier, Rounding, TwoProducts};
pub use quantization::{Quantization, Range};
pub use sequence::Sequence;
pub use softmax::Softmax8;

use core::fmt;

use crate::activation::Identity;
use crate::fingerprint::fingerprint;
use crate::kernel::each_sample;
use crate::layer::{Deltas, Layer, LayerTrace, Samples};
use crate::shape::Shape;
use crate::zero::Zero;

/// A layer of int8 numbers.
///
/// ```
/// use gradlet::prelude::*;
/// use gradlet::quantized::Int8Layer;
///
/// let mut y = [[0]; 2];
/// MaxPool1d::<4, 1, 2, 2>::new().run(&[[1], [3], [-2], [-5]], &mut y);
/// assert_eq!(y, [[3], [-2]]);
/// ```
pub trait Int8Layer {
    /// Its input: an array of `i8`.
    type Input: Shape<Element = i8>;
    /// Its output: an array of `i8`.
    type Output: Shape<Element = i8>;

    /// Writes the output for `input` over whatever was there.
    fn run(&self, input: &Self::Input, output: &mut Self::Output);

    /// [`run`](Self::run) in a sequence, which may overwrite its input and `spare`.
    #[doc(hidden)]
    #[inline]
    fn run_over<S: 'static>(
        &self,
        input: &mut Self::Input,
        spare: &mut S,
        output: &mut Self::Output,
    ) {
        let _ = spare;
        self.run(input, output);
    }
}

/// A layer of `f32` that has an int8 form.
///
/// ```
/// use gradlet::prelude::*;
/// use gradlet::quantized::{Calibration, Exact, Granularity, Quantize};
///
/// fn bytes<N: Quantize>() -> usize {
///     size_of::<N::Int8<Exact>>()
/// }
/// // 96 weights of 1 byte, 12 biases of 4, 12 multipliers of 8, and 2 times 12 of bounds, zero points and scales.
/// assert_eq!(bytes::<net![8 => 8 Relu => 4 Identity]>(), 96 + 48 + 96 + 24);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no int8 form",
    label = "this layer cannot be quantised",
    note = "int8 has dense layers, convolutions, poolings and flattening, in `f32`; fold `BatchNorm` into the \
            layer before it, and quantise the layers in front of others as a network of their own"
)]
pub trait Quantize: Layer<Format = f32> {
    /// The ranges of its values: see [`Calibration::ranges`].
    type Ranges: Zero + Clone + PartialEq + fmt::Debug;
    /// Its int8 form.
    type Int8<R: Rounding>: Int8Layer<
            Input = <Self::Input as Shape>::With<i8>,
            Output = <Self::Output as Shape>::With<i8>,
        > + Clone
        + PartialEq
        + fmt::Debug;

    /// The output for `input`; widens the ranges to the values in the layer.
    fn observe(&self, input: &Self::Input, ranges: &mut Self::Ranges) -> Self::Output;

    /// Its int8 form for these ranges and inputs of this quantisation, and that of its outputs. `layer` is
    /// the number of layers with weights before it, and behind it afterwards.
    ///
    /// # Errors
    ///
    /// [`QuantizeError`] if a range or the weights of a layer cannot be quantised.
    fn quantize<R: Rounding>(
        &self,
        ranges: &Self::Ranges,
        input: Quantization,
        granularity: Granularity,
        layer: &mut usize,
    ) -> Result<(Self::Int8<R>, Quantization), QuantizeError>;
}

/// The network `N` in int8, for inference. See the [module](self).
///
/// `R` is the rounding of results: [`Exact`] has the bits of `TFLite`, [`TwoProducts`] is for cores without a
/// 64-bit product.
///
/// As a [`Layer`] it has inputs and outputs of `f32`, which it converts, no parameters and the activation
/// [`Identity`]. It has no derivative, so layers in front of it do not learn. Int8 has no NaN: in an input of
/// [`forward`](Layer::forward) it counts as 0. A trainer still sees it, and learns nothing from that input.
///
/// The hidden outputs, a byte each, are on the stack: of successive layers with outputs of the same shape, no
/// more than two.
pub struct Quantized<N: Quantize, R: Rounding = Exact> {
    input: Quantization,
    layers: N::Int8<R>,
    output: Quantization,
}

/// The int8 numbers of the shape `X`.
type Bytes<X> = <X as Shape>::With<i8>;

impl<N: Quantize, R: Rounding> Quantized<N, R> {
    /// From layers in int8, and the quantisations of their input and output: of a file, in a `const`.
    ///
    /// ```
    /// use gradlet::prelude::*;
    /// use gradlet::quantized::{Int8, Quantization, Quantized, Sequence, Softmax8};
    ///
    /// type Net = net![2 => 2 Relu => 2 Softmax];
    /// const INPUT: Quantization = Quantization::new(1.0 / 64.0, 0).unwrap();
    /// const HIDDEN: Quantization = Quantization::new(1.0 / 64.0, -128).unwrap();
    /// const LOGITS: Quantization = Quantization::new(1.0 / 16.0, 0).unwrap();
    /// const OUTPUT: Quantization = Quantization::new(1.0 / 256.0, -128).unwrap();
    ///
    /// static NET: Quantized<Net> = Quantized::from_parts(
    ///     INPUT,
    ///     Sequence::new(
    ///         Int8::<Dense<2, 2, Relu>>::from_rows(
    ///             &[[127, -127], [-127, 127]],
    ///             &[0; 2],
    ///             &[1.0 / 127.0; 2],
    ///             INPUT,
    ///             HIDDEN,
    ///             (),
    ///         )
    ///         .unwrap(),
    ///         Int8::<Dense<2, 2, Softmax>>::from_rows(
    ///             &[[127, 0], [0, 127]],
    ///             &[0; 2],
    ///             &[4.0 / 127.0; 2],
    ///             HIDDEN,
    ///             LOGITS,
    ///             Softmax8::new(LOGITS),
    ///         )
    ///         .unwrap(),
    ///     ),
    ///     OUTPUT,
    /// );
    /// assert_eq!(NET.run(&[64, 64]), [0, 0]);
    /// assert!(NET.forward(&[1.0, 0.0])[0] > 0.97);
    /// ```
    #[must_use]
    pub const fn from_parts(input: Quantization, layers: N::Int8<R>, output: Quantization) -> Self {
        Self { input, layers, output }
    }

    /// The network in int8, calibrated with these inputs, with scales for each output of a layer. For more
    /// than an array of inputs, or other scales: [`Calibration`].
    ///
    /// # Errors
    ///
    /// [`QuantizeError`] if there are no inputs, or a range or the weights of a layer cannot be quantised.
    pub fn calibrate<'a>(
        net: &N,
        inputs: impl IntoIterator<Item = &'a N::Input>,
    ) -> Result<Self, QuantizeError> {
        let mut calibration = Calibration::new();
        inputs.into_iter().for_each(|input| calibration.observe(net, input));
        calibration.quantize(net, Granularity::PerChannel)
    }

    /// The quantisation of the input.
    #[must_use]
    pub const fn input(&self) -> Quantization {
        self.input
    }

    /// The quantisation of the output.
    #[must_use]
    pub const fn output(&self) -> Quantization {
        self.output
    }

    /// The layers.
    #[must_use]
    pub const fn layers(&self) -> &N::Int8<R> {
        &self.layers
    }

    /// Inference in int8: without floats.
    #[inline]
    #[must_use]
    pub fn run(&self, input: &Bytes<N::Input>) -> Bytes<N::Output> {
        let mut output = Bytes::<N::Output>::ZERO;
        self.layers.run(input, &mut output);
        output
    }

    /// An input in int8: what is beyond the range is clipped.
    #[inline]
    #[must_use]
    pub fn quantize(&self, input: &N::Input) -> Bytes<N::Input> {
        let mut int8 = Bytes::<N::Input>::ZERO;
        for (q, &x) in int8.as_mut_slice().iter_mut().zip(input.as_slice()) {
            *q = self.input.quantize(x);
        }
        int8
    }

    /// An output in `f32`.
    #[inline]
    #[must_use]
    pub fn dequantize(&self, output: &Bytes<N::Output>) -> N::Output {
        let mut real = N::Output::ZERO;
        self.write_real(output, &mut real);
        real
    }

    fn write_real(&self, output: &Bytes<N::Output>, real: &mut N::Output) {
        for (y, &q) in real.as_mut_slice().iter_mut().zip(output.as_slice()) {
            *y = self.output.dequantize(q);
        }
    }
}

impl<N: Quantize, R: Rounding> Clone for Quantized<N, R> {
    fn clone(&self) -> Self {
        Self { input: self.input, layers: self.layers.clone(), output: self.output }
    }
}

impl<N: Quantize, R: Rounding> PartialEq for Quantized<N, R> {
    fn eq(&self, other: &Self) -> bool {
        self.input == other.input && self.layers == other.layers && self.output == other.output
    }
}

impl<N: Quantize, R: Rounding> fmt::Debug for Quantized<N, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Quantized")
            .field("input", &self.input)
            .field("layers", &self.layers)
            .field("output", &self.output)
            .finish()
    }
}

crate::macros::defmt_shows!(
    [N: Quantize, R: Rounding] Quantized<N, R>:
    |net, f| defmt::write!(f, "Quantized {{ input: {}, output: {}, .. }}", net.input, net.output)
);

impl<N: Quantize, R: Rounding> Layer for Quantized<N, R> {
    type Format = f32;
    type Input = N::Input;
    type Output = N::Output;
    type Activation = Identity;
    type Trace = LayerTrace<f32, N::Output, Identity>;
    type Gradient = ();
    const MACS: usize = N::MACS;
    const FINGERPRINT: u32 = fingerprint("Quantized", &[N::FINGERPRINT, R::FINGERPRINT]);

    #[inline]
    fn logits(&self, input: &N::Input, logits: &mut N::Output) {
        self.write_real(&self.run(&self.quantize(input)), logits);
    }

    /// The sum of the inputs: int8 numbers hide NaN.
    #[inline]
    fn forward_trace<const K: usize>(
        &self,
        inputs: [&N::Input; K],
        traces: [&mut Self::Trace; K],
    ) -> [f32; K] {
        crate::layer::trace_all(self, inputs, traces)
    }

    #[inline]
    fn input_gradient<const K: usize>(
        &self,
        _: Samples<'_, Self, K>,
        gradients: Deltas<'_, Self, K>,
    ) {
        each_sample::<K, _>(gradients.into_iter(), |gradient| {
            gradient.values.as_mut_slice().fill(0.0)
        });
    }
}

#[cfg(test)]
#[allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "tests may panic"
)]
mod tests;
