//! Pinball loss.

use super::{Loss, after_activation, complement, map_errors, sum_of_errors};
use crate::activation::{Activation, ratio};
use crate::kernel::each_sample;
use crate::scalar::Scalar;
use crate::shape::Shape;

/// Pinball loss, for a quantile of the targets instead of their mean:
/// `E = sum max(q (t - y), (1 - q)(y - t))`; `dE/dy = -q` where `y < t`, `1 - q` where `y > t`, 0
/// where they are equal.
///
/// Koenker, Bassett, Regression quantiles, Econometrica 46 (1978). All outputs have the same
/// quantile, the fraction `q = NUMERATOR / DENOMINATOR`. One that is not between 0 and 1 does not
/// compile; for 1/2, the median, the loss is half of [`AbsoluteError`](crate::AbsoluteError).
///
/// ```
/// use gradlet::{Identity, Loss, Pinball};
///
/// type E = Pinball<9, 10>;
/// assert_eq!(<E as Loss<Identity, f64>>::evaluate(&mut [3.0], &[5.0]), 0.9 * 2.0);
/// assert_eq!(<E as Loss<Identity, f64>>::evaluate(&mut [5.0], &[3.0]), 0.1 * 2.0);
/// ```
///
/// In fixed point, a quantile is rounded to 20 fraction bits, and the error of a loss is at most 6e-5 for each
/// output:
///
/// ```
/// use gradlet::{Fixed, Identity, Loss, Pinball, Q12, Q32};
///
/// type E = Pinball<3, 4>;
/// let [y, t] = [[3.0], [5.0]].map(Q12::array);
/// assert_eq!(<E as Loss<Identity, Fixed>>::evaluate(&mut { y }, &t), Q32::new(0.75 * 2.0));
/// assert_eq!(<E as Loss<Identity, Fixed>>::evaluate(&mut { t }, &y), Q32::new(0.25 * 2.0));
/// ```
///
/// ```compile_fail,E0080
/// use gradlet::{Identity, Loss, Pinball};
///
/// <Pinball<10, 10> as Loss<Identity>>::evaluate(&mut [3.0], &[5.0]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Pinball<const NUMERATOR: u32, const DENOMINATOR: u32>;

impl<const NUMERATOR: u32, const DENOMINATOR: u32> Pinball<NUMERATOR, DENOMINATOR> {
    /// The derivative by `y`, of the error `e = y - t`: where it is neither positive nor negative, it
    /// is `e` itself, 0 or NaN.
    #[inline]
    fn slope<T: Scalar>(e: T) -> T {
        if e > T::ZERO {
            complement::<T, NUMERATOR, DENOMINATOR>()
        } else if e < T::ZERO {
            -ratio::<T, NUMERATOR, DENOMINATOR>()
        } else {
            e
        }
    }
}

impl<T: Scalar, A: Activation<T>, const NUMERATOR: u32, const DENOMINATOR: u32> Loss<A, T>
    for Pinball<NUMERATOR, DENOMINATOR>
{
    after_activation!(|y, t| sum_of_errors(y, t, |e| e * Self::slope(e)));

    #[inline]
    fn delta(output: &[T], target: &[T], delta: &mut [T], (): &mut ()) {
        map_errors(output, target, delta, Self::slope);
    }
}
