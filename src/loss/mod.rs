//! Loss functions.
//!
//! Each is a type without fields. The loss is that of one sample; trainers average it over a
//! batch. Below, `y` is the output, `t` the target and `z` the logits of the last layer.
//!
//! A loss is NaN where the target is outside its domain ([`Loss::accepts`]). It is infinite where a
//! step of its computation overflows: in `f32`, an error above `1e19` that is squared. Training
//! rejects both.

mod fixed;
mod focal;
mod focal_fixed;
mod pinball;

pub use focal::Focal;
pub(crate) use focal::focal;
pub use pinball::Pinball;

use core::f64::consts::LN_2;

use crate::activation::{Activation, Sigmoid, Softmax, ratio};
use crate::format::Format;
use crate::kernel::{each, each_sample};
use crate::number::Number as _;
use crate::scalar::{Scalar, reciprocal};
use crate::shape::Shape;
use crate::zero::Zero as _;

/// The function that training minimises, for a network whose last activation is `A`. For a custom
/// loss, implement its value and its derivative.
///
/// An invalid pair of loss and activation does not compile: [`BinaryCrossEntropy`] needs
/// [`Sigmoid`], [`CrossEntropy`] needs [`Softmax`] (or those of [`fast`](crate::fast)), [`Focal`] one
/// of these; the others take any activation.
///
/// ```
/// use gradlet::prelude::*;
///
/// /// `E = sum (y - t)^4`.
/// struct Quartic;
///
/// impl<T: Scalar, A: Activation<T>> Loss<A, T> for Quartic {
///     fn evaluate(values: &mut [T], target: &[T]) -> T {
///         A::activate(values);
///         values.iter().zip(target).map(|(&y, &t)| (y - t) * (y - t) * (y - t) * (y - t)).sum()
///     }
///     fn delta(output: &[T], target: &[T], delta: &mut [T], (): &mut ()) {
///         for ((d, &y), &t) in delta.iter_mut().zip(output).zip(target) {
///             let e = y - t;
///             *d = T::from_u32(4) * e * e * e;
///         }
///     }
/// }
///
/// let mut net = Dense::<1, 1, Tanh>::new([[0.5]], [0.0]);
/// let mut trainer = Trainer::<_, Quartic, Sgd>::new();
/// let before = trainer.step(&mut net, &Sgd { learning_rate: 0.1 }, &[1.0], &[-1.0]);
/// assert!(trainer.evaluate(&net, &[1.0], &[-1.0]) < before);
/// ```
#[diagnostic::on_unimplemented(
    message = "the loss `{Self}` does not fit a network that ends in `{A}`",
    label = "this network ends in `{A}`",
    note = "`BinaryCrossEntropy` needs `Sigmoid`, `CrossEntropy` needs `Softmax`, and `Focal` one of the two in the last layer; the other losses take any activation"
)]
pub trait Loss<A: Activation<F>, F: Format = f32> {
    /// Whether [`delta`](Self::delta) is `dL/dz`; otherwise it is `dL/dy`.
    const FUSED: bool = false;

    /// Whether `target` is in the domain of the loss: by default, whether it is finite.
    ///
    /// [`evaluate`](Self::evaluate) must give a loss that is NaN or infinite where this is false.
    /// It is called only then, so that `fit` can report the reason:
    /// [`Outcome::Target`](crate::Outcome::Target).
    ///
    /// ```
    /// use gradlet::{BinaryCrossEntropy, CrossEntropy, Loss, Sigmoid, Softmax};
    ///
    /// type YesNo = BinaryCrossEntropy;
    /// assert!(<YesNo as Loss<Sigmoid>>::accepts(&[0.0, 0.5, 1.0]));
    /// assert!(!<YesNo as Loss<Sigmoid>>::accepts(&[-1.0, 1.0]));
    /// assert!(<CrossEntropy as Loss<Softmax>>::accepts(&[0.333, 0.333, 0.333]));
    /// assert!(!<CrossEntropy as Loss<Softmax>>::accepts(&[0.0, 3.0, 0.0]));
    /// ```
    #[must_use]
    fn accepts(target: &[F::Value]) -> bool {
        target.iter().all(|&t| F::real(t).is_finite())
    }

    /// Turns the logits into outputs, exactly as `A` does, and returns the loss of the sample.
    fn evaluate(values: &mut [F::Value], target: &[F::Value]) -> F::Real;

    /// [`evaluate`](Self::evaluate) for each of several samples, with the same bits. Override it
    /// only where that is faster than one by one.
    fn evaluate_each<Y: Shape<Element = F::Value>, const K: usize>(
        values: [&mut Y; K],
        targets: [&Y; K],
    ) -> [F::Real; K] {
        let mut losses = [F::Real::ZERO; K];
        let samples = losses.iter_mut().zip(values).zip(targets);
        each_sample::<K, _>(samples, |((loss, values), target)| {
            *loss = Self::evaluate(values.as_mut_slice(), target.as_slice());
        });
        losses
    }

    /// Writes the derivative of the loss with respect to the outputs, or to the logits if
    /// [`FUSED`](Self::FUSED).
    fn delta(output: &[F::Value], target: &[F::Value], delta: &mut [F::Sum], scale: &mut F::Scale);
}

macro_rules! loss {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub struct $name;
    };
}

/// The methods of a loss for any activation, where `$loss` is its value for the outputs `$y` and
/// the target `$t`.
macro_rules! after_activation {
    (|$y:ident, $t:ident| $loss:expr) => {
        #[inline]
        fn evaluate(values: &mut [T], $t: &[T]) -> T {
            A::activate(values);
            let $y = values;
            $loss
        }

        #[inline]
        fn evaluate_each<Y: Shape<Element = T>, const K: usize>(
            mut values: [&mut Y; K],
            targets: [&Y; K],
        ) -> [T; K] {
            A::activate_each(values.each_mut().map(|values| &mut **values));
            let mut losses = [T::ZERO; K];
            each_sample::<K, _>(losses.iter_mut().zip(values).zip(targets), |((loss, y), t)| {
                let ($y, $t) = (y.as_slice(), t.as_slice());
                *loss = $loss;
            });
            losses
        }
    };
}

use after_activation;

/// `sum f(y - t)`.
#[inline(always)]
fn sum_of_errors<T: Scalar>(output: &[T], target: &[T], f: impl Fn(T) -> T) -> T {
    let mut sum = T::ZERO;
    each(output.len(), output.iter(), target.iter(), |&y, &t| sum += f(y - t));
    sum
}

/// `delta = f(y - t)`.
#[inline(always)]
fn map_errors<T: Scalar>(output: &[T], target: &[T], delta: &mut [T], f: impl Fn(T) -> T) {
    each(delta.len(), delta.iter_mut().zip(output), target, |(d, &y), &t| *d = f(y - t));
}

loss! {
    /// Half squared error: `E = 1/2 sum (y - t)^2`; `dE/dy = y - t`.
    ///
    /// The loss of Rumelhart, Hinton, Williams, Nature 323 (1986), and of most worked examples.
    ///
    /// ```
    /// use gradlet::{HalfSquaredError, Identity, Loss};
    ///
    /// type E = HalfSquaredError;
    /// assert_eq!(<E as Loss<Identity>>::evaluate(&mut [3.0, 1.0], &[1.0, 2.0]), 2.5);
    /// ```
    HalfSquaredError
}
/// For every scalar type and activation.
impl<F: Format, A: Activation<F>> Loss<A, F> for HalfSquaredError {
    #[inline]
    fn evaluate(values: &mut [F::Value], target: &[F::Value]) -> F::Real {
        A::activate(values);
        F::half_squared_error(values, target)
    }

    #[inline]
    fn evaluate_each<Y: Shape<Element = F::Value>, const K: usize>(
        mut values: [&mut Y; K],
        targets: [&Y; K],
    ) -> [F::Real; K] {
        A::activate_each(values.each_mut().map(|values| &mut **values));
        let mut losses = [F::Real::ZERO; K];
        each_sample::<K, _>(losses.iter_mut().zip(values).zip(targets), |((loss, y), t)| {
            *loss = F::half_squared_error(y.as_slice(), t.as_slice());
        });
        losses
    }

    #[inline]
    fn delta(output: &[F::Value], target: &[F::Value], delta: &mut [F::Sum], scale: &mut F::Scale) {
        F::errors(output, target, delta, scale);
    }
}

loss! {
    /// Mean squared error: `E = 1/n sum (y - t)^2` over the `n` outputs; `dE/dy = 2/n (y - t)`.
    ///
    /// ```
    /// use gradlet::{Identity, Loss, MeanSquaredError};
    ///
    /// type E = MeanSquaredError;
    /// assert_eq!(<E as Loss<Identity>>::evaluate(&mut [3.0, 1.0], &[1.0, 2.0]), 2.5);
    /// ```
    MeanSquaredError
}
impl<T: Scalar, A: Activation<T>> Loss<A, T> for MeanSquaredError {
    after_activation!(|y, t| reciprocal::<T>(y.len()) * sum_of_errors(y, t, |e| e * e));

    #[inline]
    fn delta(output: &[T], target: &[T], delta: &mut [T], (): &mut ()) {
        let factor = reciprocal::<T>(output.len()) * (T::ONE + T::ONE);
        map_errors(output, target, delta, |e| factor * e);
    }
}

loss! {
    /// Absolute error: `E = sum |y - t|`; `dE/dy` is the sign of `y - t`, 0 where they are equal.
    ///
    /// ```
    /// use gradlet::{AbsoluteError, Identity, Loss};
    ///
    /// type E = AbsoluteError;
    /// assert_eq!(<E as Loss<Identity>>::evaluate(&mut [3.0, 1.0], &[1.0, 2.0]), 3.0);
    /// ```
    AbsoluteError
}
impl<T: Scalar, A: Activation<T>> Loss<A, T> for AbsoluteError {
    after_activation!(|y, t| sum_of_errors(y, t, T::abs));

    #[inline]
    fn delta(output: &[T], target: &[T], delta: &mut [T], (): &mut ()) {
        map_errors(output, target, delta, |e| clamp(e, T::ZERO, T::ONE));
    }
}

/// `size` with the sign of `e`, or `e` itself where `|e| <= limit`.
#[inline]
fn clamp<T: Scalar>(e: T, limit: T, size: T) -> T {
    if e > limit {
        size
    } else if e < -limit {
        -size
    } else {
        e
    }
}

/// Huber loss: `E = sum h(y - t)` with `h(e) = e^2 / 2` where `|e| <= d`, else `d |e| - d^2 / 2`;
/// `dE/dy = y - t`, clipped to `-d..=d`.
///
/// Huber, Annals of Mathematical Statistics 35 (1964). The threshold is the fraction
/// `d = NUMERATOR / DENOMINATOR`, 1 by default; a denominator of 0 does not compile.
///
/// ```
/// use gradlet::{Huber, Identity, Loss};
///
/// type Half = Huber<1, 2>;
/// assert_eq!(<Half as Loss<Identity>>::evaluate(&mut [3.0], &[1.0]), 0.5 * 2.0 - 0.125);
/// ```
///
/// Nor does a threshold of 0, for which every loss is 0:
///
/// ```compile_fail,E0080
/// use gradlet::{Huber, Identity, Loss};
///
/// <Huber<0> as Loss<Identity>>::evaluate(&mut [3.0], &[1.0]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Huber<const NUMERATOR: u32 = 1, const DENOMINATOR: u32 = 1>;

impl<const NUMERATOR: u32, const DENOMINATOR: u32> Huber<NUMERATOR, DENOMINATOR> {
    #[inline]
    fn limit<T: Scalar>() -> T {
        const { assert!(NUMERATOR > 0, "a threshold of 0 makes every loss 0: NUMERATOR must not be 0") };
        ratio::<T, NUMERATOR, DENOMINATOR>()
    }
}

impl<T: Scalar, A: Activation<T>, const NUMERATOR: u32, const DENOMINATOR: u32> Loss<A, T>
    for Huber<NUMERATOR, DENOMINATOR>
{
    after_activation!(|y, t| {
        let limit = Self::limit::<T>();
        sum_of_errors(y, t, |e| {
            let size = e.abs();
            if size > limit { limit * (size - T::HALF * limit) } else { T::HALF * e * e }
        })
    });

    #[inline]
    fn delta(output: &[T], target: &[T], delta: &mut [T], (): &mut ()) {
        let limit = Self::limit::<T>();
        map_errors(output, target, delta, |e| clamp(e, limit, limit));
    }
}

loss! {
    /// Log-cosh: `E = sum ln cosh(y - t)`; `dE/dy = tanh(y - t)`.
    ///
    /// Near `1/2 (y - t)^2` for small errors and `|y - t| - ln 2` for large ones, as [`Huber`], and
    /// smooth between (Saleh, Saleh, arXiv 2208.04564). Computed as `|e| + ln(1 + e^(-2 |e|)) - ln 2`
    /// of the error `e`, which does not overflow, and below 1 in a form that is precise near 0.
    ///
    /// ```
    /// use core::f32::consts::LN_2;
    /// use gradlet::{Identity, LogCosh, Loss};
    ///
    /// type E = LogCosh;
    /// assert_eq!(<E as Loss<Identity>>::evaluate(&mut [1000.0], &[0.0]), 1000.0 - LN_2);
    /// let small = <E as Loss<Identity>>::evaluate(&mut [1e-4], &[0.0]);
    /// assert!((small - 0.5e-8).abs() < 1e-14);
    /// ```
    LogCosh
}
impl<T: Scalar, A: Activation<T>> Loss<A, T> for LogCosh {
    after_activation!(|y, t| sum_of_errors(y, t, ln_cosh));

    #[inline]
    fn delta(output: &[T], target: &[T], delta: &mut [T], (): &mut ()) {
        map_errors(output, target, delta, T::tanh);
    }
}

/// `ln cosh e`.
#[inline]
fn ln_cosh<T: Scalar>(e: T) -> T {
    let size = e.abs();
    if size < T::ONE {
        // cosh e - 1 = (e^|e| - 1)^2 / (2 e^|e|)
        let rise = size.exp_m1();
        (T::HALF * rise * rise / (T::ONE + rise)).ln_1p()
    } else {
        size + ((-(size + size)).exp().ln_1p() - T::from_f64(LN_2))
    }
}

/// `1 - NUMERATOR / DENOMINATOR`, for a fraction between 0 and 1.
#[inline]
fn complement<T: Scalar, const NUMERATOR: u32, const DENOMINATOR: u32>() -> T {
    const {
        assert!(
            NUMERATOR > 0 && NUMERATOR < DENOMINATOR,
            "the fraction must be above 0 and below 1"
        );
    }
    T::from_u32(DENOMINATOR.saturating_sub(NUMERATOR)) / T::from_u32(DENOMINATOR)
}

loss! {
    /// Binary cross-entropy, for independent yes/no outputs with targets in `0..=1`:
    /// `E = -sum (t ln y + (1 - t) ln(1 - y))` with `y = 1 / (1 + e^-z)`; `dE/dz = y - t`.
    ///
    /// NaN if a target is not in `0..=1`: labels are 0 and 1, not -1 and 1.
    ///
    /// Computed from the logits as `sum (max(z, 0) - t z + ln(1 + e^-|z|))`, so it is finite even
    /// where `y` rounds to 0 or 1. A loss below the smallest normal number may be 0.
    ///
    /// ```
    /// use gradlet::{BinaryCrossEntropy, Loss, Sigmoid};
    ///
    /// type E = BinaryCrossEntropy;
    /// // Confident and wrong: the loss is the logit.
    /// let mut values = [1000.0];
    /// assert_eq!(<E as Loss<Sigmoid>>::evaluate(&mut values, &[0.0]), 1000.0);
    /// assert_eq!(values, [1.0]);
    /// ```
    BinaryCrossEntropy
}
impl<T: Scalar> Loss<Sigmoid, T> for BinaryCrossEntropy {
    const FUSED: bool = true;

    #[inline]
    fn accepts(target: &[T]) -> bool {
        // Up to the float after 1, exclusive.
        target.iter().fold(true, |all, t| all & t.lies_below(T::ONE + T::EPSILON))
    }
    #[inline]
    fn evaluate(values: &mut [T], target: &[T]) -> T {
        let mut loss = T::ZERO;
        for (value, &t) in values.iter_mut().zip(target) {
            let z = *value;
            // One exponential is enough: e^-|z| is e^-z or its reciprocal.
            let power = (-z).exp();
            *value = T::ONE / (T::ONE + power);
            loss += if z < T::ZERO {
                (T::ONE / power).ln_1p() - t * z
            } else {
                z - t * z + power.ln_1p()
            };
        }
        if <Self as Loss<Sigmoid, T>>::accepts(target) { loss } else { T::NAN }
    }
    #[inline]
    fn delta(output: &[T], target: &[T], delta: &mut [T], (): &mut ()) {
        map_errors(output, target, delta, |e| e);
    }
}

loss! {
    /// Cross-entropy, for one of several classes, with targets that sum to 1
    /// ([`one_hot`](crate::preprocess::one_hot)):
    /// `E = -sum t ln y` with `y = softmax(z)`; `dE/dz = y - t`.
    ///
    /// Computed from the logits as `ln sum e^(z - m) - sum t (z - m)` with `m = max z`, so it is
    /// finite even where a probability rounds to 0, and precise near 0.
    ///
    /// NaN if a target is negative, or if they sum to more than `1 + 1/256` or less than
    /// `1 - 1/256`: three decimals are enough.
    ///
    /// ```
    /// use gradlet::{CrossEntropy, Loss, Softmax};
    ///
    /// type E = CrossEntropy;
    /// // Confident and wrong: the loss is how far the label's logit is below the largest.
    /// let mut values = [1000.0, 0.0];
    /// assert_eq!(<E as Loss<Softmax>>::evaluate(&mut values, &[0.0, 1.0]), 1000.0);
    /// assert_eq!(values, [1.0, 0.0]);
    /// ```
    CrossEntropy
}
impl<T: Scalar> Loss<Softmax, T> for CrossEntropy {
    const FUSED: bool = true;

    #[inline]
    fn accepts(target: &[T]) -> bool {
        let positive = target.iter().fold(true, |all, t| all & t.lies_below(T::INFINITY));
        let sum = target.iter().fold(T::ZERO, |sum, &t| sum + t);
        positive && (sum - T::ONE).abs() <= reciprocal(256)
    }
    #[inline]
    fn evaluate(values: &mut [T], target: &[T]) -> T {
        let max = Softmax::max(values);
        let expected = values.iter().zip(target).fold(T::ZERO, |sum, (&z, &t)| {
            // The difference may be infinite, and 0 times infinity is NaN.
            if t == T::ZERO { sum } else { sum + t * (z - max) }
        });
        let sum = Softmax::apply_below(max, values);
        cross_entropy(sum, expected, values, target)
    }
    #[inline]
    fn delta(output: &[T], target: &[T], delta: &mut [T], (): &mut ()) {
        map_errors(output, target, delta, |e| e);
    }
}

/// `ln sum - expected`, or NaN for a target outside the domain, where `sum = sum e^(z - max z)`.
#[inline]
pub(crate) fn cross_entropy<T: Scalar>(sum: T, expected: T, output: &[T], target: &[T]) -> T {
    if !<CrossEntropy as Loss<Softmax, T>>::accepts(target) {
        return T::NAN;
    }
    if sum < T::ONE + T::ONE {
        // One output is above 1/2. It is 1 / sum, in which few digits of the others remain.
        let others = output.iter().filter(|&&y| y < T::HALF).fold(T::ZERO, |sum, &y| sum + y);
        -(-others).ln_1p() - expected
    } else {
        sum.ln() - expected
    }
}
