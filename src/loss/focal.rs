//! Focal loss.

use super::{BinaryCrossEntropy, CrossEntropy, Loss, complement};
use crate::activation::{Activation, Sigmoid, Softmax, ratio};
use crate::kernel::each;
use crate::scalar::Scalar;

/// Focal loss, a cross-entropy in which confident right predictions count less: for outputs of
/// [`Sigmoid`] and targets in `0..=1`,
/// `E = -sum (a t (1 - y)^g ln y + (1 - a)(1 - t) y^g ln(1 - y))`; for [`Softmax`] and targets that
/// sum to 1, `E = -a sum t (1 - y)^g ln y`.
///
/// Lin, Goyal, Girshick, He, Dollár, Focal loss for dense object detection, ICCV 2017, for detection
/// and other tasks where most examples are easy. The exponent is the fraction
/// `g = GAMMA / GAMMA_DENOMINATOR`, 2 by default; of 0, it is the cross-entropy times `a`. The factor
/// is the fraction `a = ALPHA / ALPHA_DENOMINATOR`, 1/4 by default: the weight of the label 1, while
/// `1 - a` is that of 0. After a softmax, all classes have it: `Focal<2, 1, 1, 1>` leaves it out, and
/// classes get their weights by [`Example::weight`](crate::Example::weight).
///
/// ```text
/// s(y) = (1 - y)^g (1 - g y ln y / (1 - y))
/// dE/dz = (1 - a)(1 - t) y s(1 - y) - a t (1 - y) s(y)      after a sigmoid
/// dE/dz_i = a y_i sum_j t_j s(y_j) - a t_i s(y_i)           after a softmax
/// ```
///
/// Computed from the logits, as [`BinaryCrossEntropy`] and [`CrossEntropy`], and NaN for the same
/// targets.
///
/// ```
/// use core::f64::consts::LN_2;
/// use gradlet::{Focal, Loss, Sigmoid, Softmax};
///
/// // A probability of 1/2 that the label is 1: both labels, each with its weight.
/// let yes = <Focal as Loss<Sigmoid, f64>>::evaluate(&mut [0.0], &[1.0]);
/// let no = <Focal as Loss<Sigmoid, f64>>::evaluate(&mut [0.0], &[0.0]);
/// assert_eq!(yes, 0.25 * 0.25 * LN_2);
/// assert_eq!(no, 0.75 * 0.25 * LN_2);
///
/// // Confident and wrong: as the cross-entropy.
/// type Classes = Focal<2, 1, 1, 1>;
/// assert_eq!(<Classes as Loss<Softmax>>::evaluate(&mut [1000.0, 0.0], &[0.0, 1.0]), 1000.0);
/// ```
///
/// In fixed point, the exponent is below 16, with 11 significant bits, and the factor at most 4095, with 20
/// fraction bits, 15 in the derivatives of labels. Up to an exponent of 2, the error of a loss is at most 2e-4 `a`,
/// or 2e-4 of a loss above `a`, and that of a derivative, given the outputs, 4e-4 `a`. Larger exponents have larger
/// errors: at 15, six times as large.
///
/// ```
/// use core::f64::consts::LN_2;
/// use gradlet::{Fixed, Focal, Loss, Number, Q12, Sigmoid};
///
/// let yes = <Focal as Loss<Sigmoid, Fixed>>::evaluate(&mut Q12::array([0.0]), &[Q12::ONE]);
/// assert!((yes.to_f64() - 0.25 * 0.25 * LN_2).abs() < 5e-5);
/// ```
/// ```compile_fail,E0080
/// use gradlet::{Fixed, Focal, Loss, Q12, Sigmoid};
///
/// <Focal<16> as Loss<Sigmoid, Fixed>>::evaluate(&mut [Q12::ONE], &[Q12::ONE]);
/// ```
///
/// A factor of 0 does not compile, nor one of 1 or more after a sigmoid, where it leaves no positive
/// weight for the label 0:
///
/// ```compile_fail,E0080
/// use gradlet::{Focal, Loss, Sigmoid};
///
/// <Focal<2, 1, 1, 1> as Loss<Sigmoid>>::evaluate(&mut [0.0], &[1.0]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Focal<
    const GAMMA: u32 = 2,
    const GAMMA_DENOMINATOR: u32 = 1,
    const ALPHA: u32 = 1,
    const ALPHA_DENOMINATOR: u32 = 4,
>;

impl<const GAMMA: u32, const GAMMA_DENOMINATOR: u32, const ALPHA: u32, const ALPHA_DENOMINATOR: u32>
    Focal<GAMMA, GAMMA_DENOMINATOR, ALPHA, ALPHA_DENOMINATOR>
{
    /// `a`.
    #[inline]
    fn alpha<T: Scalar>() -> T {
        const { assert!(ALPHA > 0, "a factor of 0 makes losses 0: ALPHA must not be 0") };
        ratio::<T, ALPHA, ALPHA_DENOMINATOR>()
    }

    /// `rest^g`.
    #[inline]
    fn power<T: Scalar>(rest: T) -> T {
        if const { GAMMA_DENOMINATOR != 1 } {
            return rest.powf(ratio::<T, GAMMA, GAMMA_DENOMINATOR>());
        }
        // By squaring, in a few multiplications, and without the code of `powf`.
        let (mut power, mut square, mut exponent) = (T::ONE, rest, GAMMA);
        while exponent > 0 {
            if exponent % 2 == 1 {
                power *= square;
            }
            square *= square;
            exponent /= 2;
        }
        power
    }

    /// `s(y)`, the derivative of `(1 - y)^g ln y` by `ln y`, given `rest = 1 - y`.
    #[inline]
    fn slope<T: Scalar>(y: T, rest: T) -> T {
        let ln = if y > T::HALF { (-rest).ln_1p() } else { y.ln() };
        // The limits, where it is 0/0 or 0 times infinity.
        let bend = if y > T::ZERO && rest > T::ZERO { y * ln / rest } else { -y };
        Self::power(rest) * (T::ONE - ratio::<T, GAMMA, GAMMA_DENOMINATOR>() * bend)
    }

    /// The loss for the logits of independent labels.
    #[inline]
    pub(crate) fn of_labels<T: Scalar>(logits: &[T], target: &[T]) -> T {
        let (yes, no) = (Self::alpha::<T>(), complement::<T, ALPHA, ALPHA_DENOMINATOR>());
        let mut loss = T::ZERO;
        for (&z, &t) in logits.iter().zip(target) {
            let power = (-z.abs()).exp();
            // The probabilities of the likely label and of the other one, minus their logarithms.
            let likely = T::ONE / (T::ONE + power);
            let (unlikely, tail) = (power * likely, power.ln_1p());
            let (likely, unlikely) = (Self::power(likely), Self::power(unlikely));
            let (of_yes, of_no) = if z < T::ZERO {
                (likely * (tail - z), unlikely * tail)
            } else {
                (unlikely * tail, likely * (tail + z))
            };
            loss += yes * t * of_yes + no * (T::ONE - t) * of_no;
        }
        loss
    }

    #[inline]
    pub(crate) fn delta_of_labels<T: Scalar>(output: &[T], target: &[T], delta: &mut [T]) {
        let (yes, no) = (Self::alpha::<T>(), complement::<T, ALPHA, ALPHA_DENOMINATOR>());
        for ((d, &y), &t) in delta.iter_mut().zip(output).zip(target) {
            let rest = T::ONE - y;
            *d = no * (T::ONE - t) * y * Self::slope(rest, y)
                - yes * t * rest * Self::slope(y, rest);
        }
    }

    /// The loss for the logits of one of several classes.
    #[inline]
    pub(crate) fn of_classes<T: Scalar>(logits: &[T], target: &[T]) -> T {
        let max = Softmax::max(logits);
        // `sum e^(z - max)` without the first of the largest, which is 1: few digits of the others
        // would remain.
        let (mut others, mut found) = (T::ZERO, false);
        for &z in logits {
            if z == max && !found {
                found = true;
            } else {
                others += (z - max).exp();
            }
        }
        let (sum, ln_sum) = (T::ONE + others, others.ln_1p());
        let mut loss = T::ZERO;
        for (&z, &t) in logits.iter().zip(target) {
            // The difference may be infinite, and 0 times infinity is NaN.
            if t != T::ZERO {
                let rest = if z == max { others / sum } else { T::ONE - (z - max).exp() / sum };
                loss += t * Self::power(rest) * (ln_sum - (z - max));
            }
        }
        Self::alpha::<T>() * loss
    }

    #[inline]
    pub(crate) fn delta_of_classes<T: Scalar>(output: &[T], target: &[T], delta: &mut [T]) {
        let (alpha, mut sum) = (Self::alpha::<T>(), T::ZERO);
        for ((d, &y), &t) in delta.iter_mut().zip(output).zip(target) {
            *d = alpha * t * Self::slope(y, T::ONE - y);
            sum += *d;
        }
        each(delta.len(), delta, output, |d, &y| *d = y * sum - *d);
    }
}

/// Each activation, with the loss of the same targets, and the functions for the value and the
/// derivative.
macro_rules! focal {
    ($($activation:ty: $entropy:ty, $evaluate:ident, $delta:ident;)+) => { $(
        impl<
            T: Scalar,
            const GAMMA: u32,
            const GAMMA_DENOMINATOR: u32,
            const ALPHA: u32,
            const ALPHA_DENOMINATOR: u32,
        > Loss<$activation, T> for $crate::Focal<GAMMA, GAMMA_DENOMINATOR, ALPHA, ALPHA_DENOMINATOR>
        {
            const FUSED: bool = true;

            #[inline]
            fn accepts(target: &[T]) -> bool {
                <$entropy as Loss<$activation, T>>::accepts(target)
            }
            #[inline]
            fn evaluate(values: &mut [T], target: &[T]) -> T {
                let loss = Self::$evaluate(values, target);
                <$activation as Activation<T>>::activate(values);
                if <Self as Loss<$activation, T>>::accepts(target) { loss } else { T::NAN }
            }
            #[inline]
            fn delta(output: &[T], target: &[T], delta: &mut [T], (): &mut ()) {
                Self::$delta(output, target, delta);
            }
        }
    )+ };
}
pub(crate) use focal;

focal! {
    Sigmoid: BinaryCrossEntropy, of_labels, delta_of_labels;
    Softmax: CrossEntropy, of_classes, delta_of_classes;
}
