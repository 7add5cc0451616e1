//! Activation functions.
//!
//! Each is a type without fields, chosen as a type parameter, so the linker drops those that a
//! program does not use. All are finite and accurate for every finite input, but for [`Selu`] of
//! inputs whose multiple is beyond the range of the type.

mod bounded;
mod exponential;
mod fixed;
mod gated;

pub use bounded::{HardTanh, Relu6, Softsign};
pub use exponential::{Elu, Selu};
pub use gated::{Gelu, HardSwish, Silu};

use crate::fingerprint::fingerprint;
use crate::format::Format;
use crate::kernel::{each_of_many, each_sample};
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::zero::Zero;

/// The activation function of a layer: `y = f(z)`.
///
/// Every layer names one, so the linker drops those that no layer names. Most are [`Elementwise`],
/// a simpler trait, which implements this one. Implement this one for a function of the whole
/// layer, for one whose derivative needs `z`, or for a custom scalar type.
///
/// ```
/// use gradlet::{Activation, Tanh};
///
/// let mut values = [0.0, 1000.0];
/// <Tanh as Activation<f32>>::activate(&mut values);
/// let mut delta = [2.0, 2.0];
/// <Tanh as Activation<f32>>::backpropagate(&values, &[], &mut delta, &mut ());
/// assert_eq!((values, delta), ([0.0, 1.0], [2.0, 0.0]));
/// ```
#[diagnostic::on_unimplemented(
    message = "the activation `{Self}` is not implemented for the number format `{F}`"
)]
pub trait Activation<F: Format = f32>: 'static {
    /// Identifies this function in [`Layer::FINGERPRINT`](crate::Layer::FINGERPRINT): 0 by default;
    /// for a custom activation, use [a fingerprint](crate::fingerprint).
    const FINGERPRINT: u32 = 0;

    /// Minimum number of outputs of its layer: 2 for [`Softmax`], 1 for all others.
    const MIN_OUTPUTS: usize = 1;

    /// What backpropagation needs besides the outputs `Y`: nothing, `()`, or the logits, `Y`.
    type Kept<Y: Shape<Element = F::Value>>: Kept<Y>;

    /// Turns the logits `z` into the outputs `y = f(z)`, in place.
    fn activate(values: &mut [F::Value]);

    /// [`activate`](Self::activate) for each of several samples, with the same bits. Override it only
    /// where that is faster than one by one.
    fn activate_each<Y: Shape<Element = F::Value>, const K: usize>(values: [&mut Y; K]) {
        each_sample::<K, _>(values.into_iter(), |values| Self::activate(values.as_mut_slice()));
    }

    /// Turns `delta = dL/dy` into `dL/dz`, in place.
    ///
    /// `logits` is empty unless [`Kept`](Self::Kept) stores them.
    fn backpropagate(
        output: &[F::Value],
        logits: &[F::Value],
        delta: &mut [F::Sum],
        scale: &mut F::Scale,
    );
}

/// What an activation keeps for its derivative besides the outputs: nothing, or the logits.
///
/// Implemented for `()` and for every array, and nothing else: an activation chooses one of the
/// two, so that only those that need the logits take memory for them.
///
/// ```
/// use gradlet::{Activation, Gelu, Kept, Zero};
///
/// let mut kept = <Gelu as Activation<f32>>::Kept::<[f32; 2]>::ZERO;
/// kept.keep(&[1.0, 2.0]);
/// assert_eq!(Kept::<[f32; 2]>::logits(&kept), &[1.0, 2.0]);
/// ```
pub trait Kept<Y: Shape>: Zero + Clone {
    /// Copies the logits, if needed.
    fn keep(&mut self, logits: &Y);
    /// The logits, or an empty slice.
    fn logits(&self) -> &[Y::Element];
}

impl<Y: Shape> Kept<Y> for () {
    #[inline]
    fn keep(&mut self, _: &Y) {}
    #[inline]
    fn logits(&self) -> &[Y::Element] {
        &[]
    }
}

impl<Y: Shape> Kept<Y> for Y {
    #[inline]
    fn keep(&mut self, logits: &Y) {
        self.clone_from(logits);
    }
    #[inline]
    fn logits(&self) -> &[Y::Element] {
        self.as_slice()
    }
}

/// An elementwise activation, whose derivative is a function of its output.
///
/// The derivative is taken from `y = f(z)` because backpropagation has `y` at hand and need not
/// keep `z`. For a custom activation, implement these two functions of one number, for `f32` and
/// `f64` alike; it then is an [`Activation`].
///
/// ```
/// use gradlet::prelude::*;
///
/// /// `y = 2 max(z, 0)`.
/// #[derive(Clone, Debug, PartialEq)]
/// struct Double;
///
/// impl Elementwise for Double {
///     fn apply<T: Scalar>(z: T) -> T {
///         if z < T::ZERO { T::ZERO } else { z + z }
///     }
///     fn derivative<T: Scalar>(y: T) -> T {
///         if y > T::ZERO { T::ONE + T::ONE } else { T::ZERO }
///     }
/// }
/// assert_eq!((Double::apply(3.0), Double::derivative(6.0)), (6.0, 2.0));
/// let layer = Dense::<1, 1, Double>::new([[3.0]], [1.0]);
/// assert_eq!(layer.forward(&[2.0]), [14.0]);
/// ```
pub trait Elementwise: 'static {
    /// As [`Activation::FINGERPRINT`].
    const FINGERPRINT: u32 = 0;

    /// Whether `f` clamps, `f(z) = min(max(z, a), b)` for some bounds, where NaN stays NaN. A max pooling
    /// fused with a convolution then clamps only the largest of its logits.
    ///
    /// ```
    /// use gradlet::{Elementwise, Relu, Tanh};
    ///
    /// assert!(Relu::CLAMPS && !Tanh::CLAMPS);
    /// ```
    const CLAMPS: bool = false;

    /// `f(z)`.
    fn apply<T: Scalar>(z: T) -> T;
    /// `f'(z)`, expressed through `y = f(z)`.
    fn derivative<T: Scalar>(y: T) -> T;

    /// `d f'(z)`, expressed through `y = f(z)`. Override it where no product is needed.
    ///
    /// ```
    /// use gradlet::{Elementwise, Relu, Tanh};
    ///
    /// assert_eq!((Relu::times_derivative(4.0, 2.0), Relu::times_derivative(4.0, 0.0)), (4.0, 0.0));
    /// assert_eq!(Tanh::times_derivative(4.0, 0.5), 4.0 * 0.75);
    /// ```
    #[inline(always)]
    fn times_derivative<T: Scalar>(d: T, y: T) -> T {
        d * Self::derivative(y)
    }

    /// Replaces each `z` by `f(z)`. Override it to vectorise.
    #[inline]
    fn apply_all<T: Scalar>(values: &mut [T]) {
        for value in values {
            *value = Self::apply(*value);
        }
    }
}

/// Largest output that is copied to be processed with others, in bytes: 64 numbers of 4 bytes.
const COPIED_BYTES: usize = 256;

impl<A: Elementwise, T: Scalar> Activation<T> for A {
    const FINGERPRINT: u32 = <A as Elementwise>::FINGERPRINT;
    type Kept<Y: Shape<Element = T>> = ();

    #[inline]
    fn activate(values: &mut [T]) {
        A::apply_all(values);
    }

    #[inline]
    fn activate_each<Y: Shape<Element = T>, const K: usize>(values: [&mut Y; K]) {
        if const { K == 1 || size_of::<Y>() > COPIED_BYTES } {
            each_sample::<K, _>(values.into_iter(), |values| A::apply_all(values.as_mut_slice()));
            return;
        }
        // Together, so that all but the last few fill SIMD registers: 5 % of the instructions of a batch
        // of 2-4-2 with the activations of `fast` on a PC.
        let mut all = values.each_ref().map(|values| (**values).clone());
        A::apply_all(Y::flatten(&mut all));
        for (copy, values) in all.iter().zip(values) {
            values.clone_from(copy);
        }
    }

    #[inline(always)]
    fn backpropagate(output: &[T], _: &[T], delta: &mut [T], (): &mut ()) {
        each_of_many(delta, output, |d, &y| *d = A::times_derivative(*d, y));
    }
}

/// An activation that may be between two layers: every one but [`Softmax`]. Implement it for a
/// custom [`Activation`] that is not [`Elementwise`]. It exists so that a softmax in a hidden layer
/// does not compile.
///
/// ```
/// fn may_be_hidden<A: gradlet::Hidden>() {}
/// may_be_hidden::<gradlet::Gelu>();
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can only be the activation of the last layer",
    label = "a layer that ends in `{Self}` cannot be followed by another layer",
    note = "choose `Relu`, `Tanh` or another elementwise activation for the hidden layers"
)]
pub trait Hidden: 'static {}

#[diagnostic::do_not_recommend]
impl<A: Elementwise> Hidden for A {}
#[diagnostic::do_not_recommend]
impl Hidden for Gelu {}
#[diagnostic::do_not_recommend]
impl Hidden for HardSwish {}
#[diagnostic::do_not_recommend]
impl Hidden for Silu {}

macro_rules! activation {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub struct $name;
    };
}
pub(crate) use activation;

activation! {
    /// No activation: `y = z`, `dy/dz = 1`. For regression outputs.
    ///
    /// ```
    /// use gradlet::{Elementwise, Identity};
    ///
    /// assert_eq!((Identity::apply(-3.0), Identity::derivative(-3.0)), (-3.0, 1.0));
    /// ```
    Identity
}
impl Elementwise for Identity {
    const FINGERPRINT: u32 = fingerprint("Identity", &[]);
    const CLAMPS: bool = true;

    #[inline]
    fn apply<T: Scalar>(z: T) -> T {
        z
    }
    #[inline]
    fn derivative<T: Scalar>(_: T) -> T {
        T::ONE
    }
}

activation! {
    /// Sigmoid, the logistic function: `y = 1 / (1 + e^-z)`, range `0..=1`, `dy/dz = y (1 - y)`.
    ///
    /// ```
    /// use gradlet::{Elementwise, Sigmoid};
    ///
    /// assert_eq!((Sigmoid::apply(0.0), Sigmoid::derivative(0.5)), (0.5, 0.25));
    /// assert_eq!((Sigmoid::apply(-1000.0), Sigmoid::apply(1000.0)), (0.0, 1.0));
    /// ```
    Sigmoid
}
impl Elementwise for Sigmoid {
    const FINGERPRINT: u32 = fingerprint("Sigmoid", &[]);

    #[inline]
    fn apply<T: Scalar>(z: T) -> T {
        T::ONE / (T::ONE + (-z).exp())
    }
    #[inline]
    fn apply_all<T: Scalar>(values: &mut [T]) {
        T::sigmoid(values);
    }
    #[inline]
    fn derivative<T: Scalar>(y: T) -> T {
        y * (T::ONE - y)
    }
}

activation! {
    /// Hyperbolic tangent, range `-1..=1`, `dy/dz = 1 - y^2`.
    ///
    /// ```
    /// use gradlet::{Elementwise, Tanh};
    ///
    /// assert_eq!((Tanh::apply(0.0), Tanh::derivative(0.5)), (0.0, 0.75));
    /// assert_eq!(Tanh::apply(1000.0), 1.0);
    /// ```
    Tanh
}
impl Elementwise for Tanh {
    const FINGERPRINT: u32 = fingerprint("Tanh", &[]);

    #[inline]
    fn apply<T: Scalar>(z: T) -> T {
        z.tanh()
    }
    #[inline]
    fn derivative<T: Scalar>(y: T) -> T {
        T::ONE - y * y
    }
}

activation! {
    /// Rectified linear unit: `y = max(z, 0)`, `dy/dz = 1` where `z > 0`, else 0 (also at 0). NaN
    /// stays NaN.
    ///
    /// ```
    /// use gradlet::{Elementwise, Relu};
    ///
    /// assert_eq!((Relu::apply(-3.0), Relu::apply(3.0)), (0.0, 3.0));
    /// assert_eq!((Relu::derivative(0.0), Relu::derivative(3.0)), (0.0, 1.0));
    /// ```
    Relu
}
impl Elementwise for Relu {
    const FINGERPRINT: u32 = fingerprint("Relu", &[]);
    const CLAMPS: bool = true;

    #[inline]
    fn apply<T: Scalar>(z: T) -> T {
        if z < T::ZERO { T::ZERO } else { z }
    }
    #[inline]
    fn derivative<T: Scalar>(y: T) -> T {
        if y > T::ZERO { T::ONE } else { T::ZERO }
    }
    #[inline(always)]
    fn times_derivative<T: Scalar>(d: T, y: T) -> T {
        if y > T::ZERO { d } else { T::ZERO }
    }
}

/// Leaky rectified linear unit: `y = z` where `z > 0`, else `y = s z`; `dy/dz` is 1 or `s`.
///
/// The slope is the fraction `s = NUMERATOR / DENOMINATOR`, 1/100 by default. A denominator of 0
/// does not compile.
///
/// ```
/// use gradlet::{Dense, Layer, LeakyRelu};
///
/// let layer = Dense::<1, 1, LeakyRelu<1, 4>>::new([[1.0]], [0.0]);
/// assert_eq!(layer.forward(&[-8.0]), [-2.0]);
/// ```
/// ```compile_fail
/// use gradlet::{Dense, Layer, LeakyRelu};
///
/// let layer = Dense::<1, 1, LeakyRelu<1, 0>>::new([[1.0]], [0.0]);
/// layer.forward(&[-8.0]); // evaluation panicked: the denominator must not be 0
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct LeakyRelu<const NUMERATOR: u32 = 1, const DENOMINATOR: u32 = 100>;

impl<const NUMERATOR: u32, const DENOMINATOR: u32> Elementwise
    for LeakyRelu<NUMERATOR, DENOMINATOR>
{
    const FINGERPRINT: u32 = fingerprint("LeakyRelu", &[NUMERATOR, DENOMINATOR]);

    #[inline]
    fn apply<T: Scalar>(z: T) -> T {
        if z < T::ZERO { z * ratio::<T, NUMERATOR, DENOMINATOR>() } else { z }
    }
    #[inline]
    fn derivative<T: Scalar>(y: T) -> T {
        if y > T::ZERO { T::ONE } else { ratio::<T, NUMERATOR, DENOMINATOR>() }
    }
}

/// `NUMERATOR / DENOMINATOR`: a fraction as type parameters.
#[inline]
pub(crate) fn ratio<T: Scalar, const NUMERATOR: u32, const DENOMINATOR: u32>() -> T {
    const { assert!(DENOMINATOR > 0, "the denominator must not be 0") };
    T::from_u32(NUMERATOR) / T::from_u32(DENOMINATOR)
}

activation! {
    /// Softplus: `y = ln(1 + e^z)`, computed as `max(z, 0) + ln(1 + e^-|z|)`; `dy/dz = 1 - e^-y`.
    ///
    /// ```
    /// use gradlet::{Elementwise, Softplus};
    ///
    /// assert_eq!(Softplus::apply(0.0), core::f64::consts::LN_2);
    /// assert_eq!((Softplus::apply(-1000.0), Softplus::apply(1000.0)), (0.0, 1000.0));
    /// ```
    Softplus
}
impl Elementwise for Softplus {
    const FINGERPRINT: u32 = fingerprint("Softplus", &[]);

    #[inline]
    fn apply<T: Scalar>(z: T) -> T {
        let tail = (-z.abs()).exp().ln_1p();
        if z < T::ZERO { tail } else { z + tail }
    }
    #[inline]
    fn derivative<T: Scalar>(y: T) -> T {
        -(-y).exp_m1()
    }
}

activation! {
    /// Piecewise linear sigmoid: `y = z/6 + 1/2`, clipped to `0..=1`; `dy/dz` is 1/6
    /// inside and 0 outside.
    ///
    /// ```
    /// use gradlet::{Elementwise, HardSigmoid};
    ///
    /// assert_eq!(HardSigmoid::apply(0.0), 0.5);
    /// assert_eq!((HardSigmoid::apply(-4.0), HardSigmoid::apply(4.0)), (0.0, 1.0));
    /// ```
    HardSigmoid
}
impl Elementwise for HardSigmoid {
    const FINGERPRINT: u32 = fingerprint("HardSigmoid", &[]);

    #[inline]
    fn apply<T: Scalar>(z: T) -> T {
        let y = z * ratio::<T, 1, 6>() + T::HALF;
        if y < T::ZERO {
            T::ZERO
        } else if y > T::ONE {
            T::ONE
        } else {
            y
        }
    }
    #[inline]
    fn derivative<T: Scalar>(y: T) -> T {
        if y > T::ZERO && y < T::ONE { ratio::<T, 1, 6>() } else { T::ZERO }
    }
}

activation! {
    /// Softmax, class probabilities for the last layer: `y_i = e^(z_i - m) / sum_j e^(z_j - m)`
    /// with `m = max z`; `dL/dz_i = y_i (dL/dy_i - sum_j y_j dL/dy_j)`.
    ///
    /// Use it with [`CrossEntropy`](crate::CrossEntropy). Needs two outputs or more, as the softmax
    /// of one number is always 1: for one yes/no output, use [`Sigmoid`] with
    /// [`BinaryCrossEntropy`](crate::BinaryCrossEntropy).
    ///
    /// ```
    /// use gradlet::{Activation, Softmax};
    ///
    /// let mut values = [1000.0, 1000.0, -1000.0];
    /// <Softmax as Activation>::activate(&mut values);
    /// assert_eq!(values, [0.5, 0.5, 0.0]);
    /// ```
    Softmax
}
impl Softmax {
    #[inline]
    pub(crate) fn max<T: Scalar>(logits: &[T]) -> T {
        logits.iter().fold(-T::INFINITY, |max, &z| if z > max { z } else { max })
    }

    /// Turns the logits into probabilities, given their maximum; returns `sum e^(z - max)`.
    #[inline]
    pub(crate) fn apply_below<T: Scalar>(max: T, values: &mut [T]) -> T {
        let mut sum = T::ZERO;
        for value in &mut *values {
            *value = (*value - max).exp();
            sum += *value;
        }
        for value in values {
            *value /= sum;
        }
        sum
    }
}
impl<T: Scalar> Activation<T> for Softmax {
    const FINGERPRINT: u32 = fingerprint("Softmax", &[]);
    const MIN_OUTPUTS: usize = 2;
    type Kept<Y: Shape<Element = T>> = ();

    #[inline]
    fn activate(values: &mut [T]) {
        Self::apply_below(Self::max(values), values);
    }

    #[inline]
    fn backpropagate(output: &[T], _: &[T], delta: &mut [T], (): &mut ()) {
        let mean = output.iter().zip(&*delta).fold(T::ZERO, |sum, (&y, &d)| sum + y * d);
        for (d, &y) in delta.iter_mut().zip(output) {
            *d = y * (*d - mean);
        }
    }
}
