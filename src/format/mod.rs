//! Number formats: floating-point, or custom fixed-point.

mod arithmetic;
mod fixed;
mod float;
mod plain;
mod windows;

pub use arithmetic::{Arithmetic, Nearest};
pub(crate) use fixed::align_to;
pub use fixed::{Exponent, Fixed, FixedFactor, FixedStep, Headroom};

use core::fmt;

use crate::kernel::geometry::Sizes;
use crate::kernel::windows::Gradient;
use crate::number::Number;
use crate::shape::{Element, Shape};
use crate::tensors::Tensors;
use crate::zero::Zero;

/// A number format: the types of weights, values and derivatives, and the arithmetic of a training
/// step.
///
/// `f32` and `f64` are their own formats: all their types are the same, and there is no scale. An
/// integer (fixed-point) format has separate types for weights, values and sums, and the
/// derivatives of a layer share a [`Scale`](Self::Scale), so that small gradients neither vanish
/// nor overflow.
///
/// Implement it for a custom type to train [`Dense`](crate::Dense), [`Conv1d`](crate::Conv1d),
/// [`Conv2d`](crate::Conv2d) and [`Chain`](crate::Chain) in it, with [`Trainer`](crate::Trainer) and
/// [`Sgd`](crate::Sgd); the activations and losses used must be implemented for it too. With
/// [`PoolFormat`] and [`FormatValue`] there are poolings and [`Flatten`](crate::Flatten) as well, with
/// [`SlopeFormat`] [`PRelu`](crate::PRelu) and [`Dropout`](crate::Dropout).
pub trait Format: Sized + 'static {
    /// Type of parameters, and of the optimizer's state.
    type Weight: Element;
    /// Type of inputs, outputs and targets.
    type Value: Element;
    /// Type of accumulators and derivatives.
    type Sum: Element;
    /// The scale shared by the derivatives of a layer; `()` for floats.
    type Scale: Copy + Zero + 'static;
    /// Type of learning rates and losses.
    type Real: Number;
    /// A learning rate and the scale of a layer's derivatives, prepared for many weights.
    type Step: Copy;
    /// What gradient descent remembers from step to step: `()` for floats.
    type Descent: Tensors<Self::Weight> + Zero + Clone;

    /// Identifies the format; must be unique.
    const FINGERPRINT: u32;
    /// 1, the input of a bias.
    const BIAS_INPUT: Self::Value;
    /// The scale of the gradient of a batch.
    const STORED: Self::Scale;

    /// The additive identity, the start of a sum: zero, for floats -0.0.
    fn empty() -> Self::Sum;
    /// `sum + w x`.
    fn add_product(sum: Self::Sum, w: Self::Weight, x: Self::Value) -> Self::Sum;
    /// `sum + bias`, converted to a value.
    fn add_bias(sum: Self::Sum, bias: Self::Weight) -> Self::Value;
    /// `sum + w d`, in the backward pass.
    fn add_back(sum: Self::Sum, w: Self::Weight, d: Self::Sum) -> Self::Sum;
    /// `x d`, a derivative of [this scale](Self::product_scale).
    fn product(x: Self::Value, d: Self::Sum) -> Self::Sum;
    /// The scale of a [`product`](Self::product), for derivatives of this scale.
    fn product_scale(scale: Self::Scale) -> Self::Scale;
    /// `sum + x d`, a sum of up to 64 products.
    #[inline(always)]
    fn add_outer(sum: Self::Sum, x: Self::Value, d: Self::Sum) -> Self::Sum {
        Self::add(sum, Self::product(x, d))
    }
    /// The sum of two derivatives of the same scale.
    fn add(a: Self::Sum, b: Self::Sum) -> Self::Sum;
    /// The scale of the sums of [`add_back`](Self::add_back), for derivatives of this scale.
    fn back_scale(scale: Self::Scale) -> Self::Scale;
    /// Rescales the derivatives of a layer to the range of the next operations, which sum over so many units:
    /// all outputs of a dense layer, those of one position of a convolution.
    fn align(deltas: &mut [Self::Sum], units: usize, scale: &mut Self::Scale);
    /// Prepares `rate` for derivatives of this scale.
    fn step(rate: Self::Real, scale: Self::Scale) -> Self::Step;
    /// A derivative times the rate.
    fn scaled(d: Self::Sum, step: Self::Step) -> Self::Sum;
    /// `w - g x`, where `g` is the result of [`scaled`](Self::scaled).
    fn learn(w: Self::Weight, g: Self::Sum, x: Self::Value, step: Self::Step) -> Self::Weight;
    /// `w - rate g`, for a derivative `g` of any size.
    fn descend(
        w: Self::Weight,
        g: Self::Sum,
        step: Self::Step,
        memory: &mut Self::Descent,
    ) -> Self::Weight;
    /// The value as a loss: NaN or infinite if it is.
    fn real(value: Self::Value) -> Self::Real;
    /// A number that is NaN or infinite if the logits `W x + b` of a dense layer are invalid: if one of its inputs
    /// is NaN or infinite, or a sum has left the range.
    #[inline]
    fn check<const IN: usize, const OUT: usize>(
        weights: &[[Self::Weight; OUT]; IN],
        bias: &[Self::Weight; OUT],
        x: &[Self::Value; IN],
        logits: &[Self::Value; OUT],
    ) -> Self::Real {
        let _ = (weights, bias, x, logits);
        Self::Real::ZERO
    }
    /// As [`check`](Self::check), of a layer without weights whose logits depend on a part of the inputs each: for
    /// floats their sum.
    #[inline]
    fn check_all(logits: &[Self::Value]) -> Self::Real {
        logits.iter().map(|&logit| Self::real(logit)).sum()
    }
    /// The [`check`](Self::check) of a layer and of those behind it: NaN or infinite if one of them is.
    #[inline]
    fn worse(first: Self::Real, rest: Self::Real) -> Self::Real {
        let _ = rest;
        first
    }
    /// Whether a parameter is finite, or for integers, not at the limit of the range.
    #[inline]
    fn is_finite(weight: Self::Weight) -> bool {
        let _ = weight;
        true
    }
    /// `deltas = outputs - targets`.
    fn errors(
        outputs: &[Self::Value],
        targets: &[Self::Value],
        deltas: &mut [Self::Sum],
        scale: &mut Self::Scale,
    );
    /// `1/2 sum (outputs - targets)^2`.
    fn half_squared_error(outputs: &[Self::Value], targets: &[Self::Value]) -> Self::Real;

    /// `y = W x + b` for each of `K` samples; see [`kernel::affine`](crate::kernel::affine).
    #[inline(always)]
    fn affine<const IN: usize, const OUT: usize, const K: usize>(
        weights: &[[Self::Weight; OUT]; IN],
        bias: &[Self::Weight; OUT],
        x: [&[Self::Value; IN]; K],
        y: [&mut [Self::Value; OUT]; K],
    ) {
        plain::affine::<Self, IN, OUT, K>(weights, bias, x, y);
    }

    /// `dx = W^T d` for each of `K` samples; see
    /// [`kernel::input_gradient`](crate::kernel::input_gradient).
    #[inline(always)]
    fn input_gradient<const IN: usize, const OUT: usize, const K: usize>(
        weights: &[[Self::Weight; OUT]; IN],
        d: [&[Self::Sum; OUT]; K],
        dx: [&mut [Self::Sum; IN]; K],
    ) {
        plain::input_gradient::<Self, IN, OUT, K>(weights, d, dx);
    }

    /// `W -= rate x d^T`, `b -= rate d`; see [`kernel::update`](crate::kernel::update).
    #[inline(always)]
    fn update<const IN: usize, const OUT: usize>(
        weights: &mut [[Self::Weight; OUT]; IN],
        bias: &mut [Self::Weight; OUT],
        x: &[Self::Value; IN],
        d: &[Self::Sum; OUT],
        scale: Self::Scale,
        rate: Self::Real,
        memory: &mut Self::Descent,
    ) {
        let _ = memory;
        plain::update::<Self, IN, OUT>(weights, bias, x, d, scale, rate);
    }

    /// Multiplies derivatives by the weight of their sample.
    fn weigh(deltas: &mut [Self::Sum], scale: &mut Self::Scale, weight: Self::Real);
    /// The sum of a batch's gradient, `sum`, plus a derivative of this scale.
    fn add_gradient(sum: Self::Weight, g: Self::Sum, scale: Self::Scale) -> Self::Weight;
    /// The gradient of a batch as derivatives of the scale [`STORED`](Self::STORED), if they are of one type.
    fn stored(gradient: &[Self::Weight]) -> Option<&[Self::Sum]> {
        let _ = gradient;
        None
    }
    /// A number of the gradient of a batch as a derivative of the scale [`STORED`](Self::STORED).
    fn stored_one(gradient: Self::Weight) -> Self::Sum;

    /// Adds the gradient of one sample: `W += x d^T`, `b += d`.
    #[inline(always)]
    fn accumulate<const IN: usize, const OUT: usize>(
        weights: &mut [[Self::Weight; OUT]; IN],
        bias: &mut [Self::Weight; OUT],
        x: &[Self::Value; IN],
        d: &[Self::Sum; OUT],
        scale: Self::Scale,
    ) {
        plain::accumulate::<Self, IN, OUT>(weights, bias, x, d, scale);
    }

    /// Adds the gradients of several samples, in their order.
    #[inline(always)]
    fn accumulate_sum<'a, const IN: usize, const OUT: usize>(
        weights: &mut [[Self::Weight; OUT]; IN],
        bias: &mut [Self::Weight; OUT],
        pairs: impl Iterator<Item = (&'a [Self::Value; IN], &'a [Self::Sum; OUT])> + Clone,
        scale: Self::Scale,
    ) {
        pairs.for_each(|(x, d)| Self::accumulate(weights, bias, x, d, scale));
    }

    /// `y = W x + b` at each position of the windows.
    #[doc(hidden)]
    #[inline(always)]
    fn affine_of_windows<const OUT: usize>(
        sizes: impl Sizes,
        weights: &[[Self::Weight; OUT]],
        bias: &[Self::Weight; OUT],
        x: &[Self::Value],
        y: &mut [[Self::Value; OUT]],
    ) {
        windows::affine::<Self, OUT>(sizes, weights, bias, x, y);
    }

    /// As [`check`](Self::check), of a convolution.
    #[doc(hidden)]
    #[inline]
    fn check_windows<const OUT: usize>(
        weights: &[[Self::Weight; OUT]],
        x: &[Self::Value],
        logits: &[Self::Value],
    ) -> Self::Real {
        let _ = (weights, x);
        Self::check_all(logits)
    }

    /// `dx`, the sum of `W^T d` over all windows that see a place.
    #[doc(hidden)]
    #[inline(always)]
    fn input_gradient_of_windows<const OUT: usize>(
        sizes: impl Sizes,
        weights: &[[Self::Weight; OUT]],
        d: &[[Self::Sum; OUT]],
        dx: &mut [Self::Sum],
    ) {
        windows::input_gradient::<Self, OUT>(sizes, weights, d, dx);
    }

    /// Gives `to` the gradient of all weights, sums of products; returns that of the bias.
    #[doc(hidden)]
    #[inline(always)]
    fn gradient_of_windows<const OUT: usize>(
        sizes: impl Sizes,
        x: &[Self::Value],
        d: &[[Self::Sum; OUT]],
        to: &mut impl Gradient<Self::Sum, OUT>,
    ) -> [Self::Sum; OUT] {
        windows::gradient::<Self, OUT>(sizes, x, d, to)
    }

    /// Called after each step of gradient descent; `visit` shows all tensors of weights.
    #[inline]
    fn settle(memory: &mut Self::Descent, visit: impl FnOnce(&mut dyn FnMut(&[Self::Weight]))) {
        let _ = (memory, visit);
    }
}

/// What poolings need of a number format.
pub trait PoolFormat: Format<Value: PartialOrd> {
    /// Less than all other values, where a maximum begins.
    fn lowest() -> Self::Value;
    /// The larger of two values; NaN if one of them is.
    fn larger(a: Self::Value, b: Self::Value) -> Self::Value;
    /// A sum of values, plus another.
    fn plus(sum: Self::Value, x: Self::Value) -> Self::Value;
    /// The mean of `count` values, from their sum by [`plus`](Self::plus).
    fn mean(sum: Self::Value, count: u32) -> Self::Value;
    /// `d / count`, a derivative of [this scale](Self::share_scale).
    fn share(d: Self::Sum, count: u32) -> Self::Sum;
    /// The scale of a [`share`](Self::share), for derivatives of this scale.
    fn share_scale(scale: Self::Scale, count: u32) -> Self::Scale;
}

/// What [`PRelu`](crate::PRelu) and [`Dropout`](crate::Dropout) need of a number format.
///
/// ```
/// use gradlet::{Fixed, Q12, Q26, SlopeFormat};
///
/// assert_eq!((f32::INITIAL_SLOPE, <Fixed>::INITIAL_SLOPE), (0.25, Q26::new(0.25)));
/// assert_eq!(<Fixed>::slope(Q26::new(0.5), Q12::new(-3.0)), Q12::new(-1.5));
/// ```
pub trait SlopeFormat: Format<Value: PartialOrd> {
    /// 1/4, a slope before training.
    const INITIAL_SLOPE: Self::Weight;
    /// A fraction, the factor of what a [`Dropout`](crate::Dropout) keeps.
    fn ratio(numerator: u32, denominator: u32) -> Self::Weight;
    /// `a x`.
    fn slope(a: Self::Weight, x: Self::Value) -> Self::Value;
    /// A derivative in the scale of [`back_scale`](Format::back_scale).
    fn unchanged(d: Self::Sum) -> Self::Sum;
}

/// A type of values that belongs to one number format: `f32` and `f64` to themselves,
/// [`Q12`](crate::Q12) to [`Fixed`].
///
/// Layers whose types say only the shape of their inputs, as [`GlobalMean`](crate::GlobalMean), know their
/// format by it.
///
/// ```
/// use gradlet::prelude::*;
///
/// let layer = GlobalMean::<[[Q12; 1]; 2]>::new();
/// assert_eq!(layer.forward(&[Q12::array([1.0]), Q12::array([2.0])]), Q12::array([1.5]));
/// ```
pub trait FormatValue: Element {
    /// The format.
    type Format: Format<Value = Self>;
}

/// Derivatives of a loss with respect to an array of shape `Y`: the logits, outputs or inputs of a
/// layer.
///
/// ```
/// use gradlet::{Delta, Zero};
///
/// let delta = Delta::<f32, [[f32; 2]; 3]>::ZERO;
/// assert_eq!(delta.values, [[0.0; 2]; 3]);
/// assert_eq!(size_of_val(&delta), 24); // the scale of floats takes no memory
/// ```
pub struct Delta<F: Format, Y: Shape> {
    /// One for each element of `Y`.
    pub values: Y::With<F::Sum>,
    /// Their common scale.
    pub scale: F::Scale,
}

impl<F: Format, Y: Shape> Delta<F, Y> {
    /// The derivatives and their scale, mutable.
    #[inline(always)]
    pub fn parts(&mut self) -> (&mut [F::Sum], &mut F::Scale) {
        (self.values.as_mut_slice(), &mut self.scale)
    }
}

impl<F: Format, Y: Shape> Zero for Delta<F, Y> {
    const ZERO: Self = Self { values: Zero::ZERO, scale: Zero::ZERO };
}

impl<F: Format, Y: Shape> Clone for Delta<F, Y> {
    fn clone(&self) -> Self {
        Self { values: self.values.clone(), scale: self.scale }
    }
}

impl<F: Format<Sum: fmt::Debug>, Y: Shape> fmt::Debug for Delta<F, Y> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delta").field("values", &self.values.as_slice()).finish_non_exhaustive()
    }
}

#[cfg(feature = "defmt")]
impl<F: Format<Sum: defmt::Format>, Y: Shape> defmt::Format for Delta<F, Y> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Delta {{ values: {=[?]}, .. }}", self.values.as_slice());
    }
}
