//! How far off the numbers are.

use super::is_nan;
use crate::layer::Vector;
use crate::scalar::Scalar;

/// A sum that keeps what rounding loses (Kahan, Communications of the ACM 8, 1965), so that its
/// error does not grow with the number of terms.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
struct Sum<T> {
    sum: T,
    lost: T,
}

impl<T: Scalar> Sum<T> {
    const ZERO: Self = Self { sum: T::ZERO, lost: T::ZERO };

    fn add(&mut self, term: T) {
        let term = term - self.lost;
        let sum = self.sum + term;
        self.lost = (sum - self.sum) - term;
        self.sum = sum;
    }

    fn mean(&self, count: u32) -> Option<T> {
        (count > 0).then(|| self.sum / T::from_u32(count))
    }
}

/// The mean of `|y - t|`, over all outputs of all answers, in the unit of the outputs.
///
/// A NaN or an infinite number makes it NaN.
///
/// ```
/// use gradlet::metrics::MeanAbsoluteError;
///
/// let mut error = MeanAbsoluteError::<f32>::new();
/// assert_eq!(error.mean(), None);
/// error.observe(&[1.0, 5.0], &[2.0, 2.0]);
/// error.observe(&[0.0, 0.0], &[0.0, 0.0]);
/// assert_eq!(error.mean(), Some(1.0));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct MeanAbsoluteError<T = f32> {
    sum: Sum<T>,
    count: u32,
}

impl<T: Scalar> MeanAbsoluteError<T> {
    /// Nothing observed yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { sum: Sum::ZERO, count: 0 }
    }

    /// Counts each output of one answer.
    pub fn observe<Y: Vector<Scalar = T>>(&mut self, output: &Y, target: &Y) {
        for (&y, &t) in output.as_slice().iter().zip(target.as_slice()) {
            self.sum.add((y - t).abs());
            self.count = self.count.saturating_add(1);
        }
    }

    /// The mean so far.
    #[must_use]
    pub fn mean(&self) -> Option<T> {
        self.sum.mean(self.count)
    }
}

/// How much of the variation of the targets the outputs explain, for each of `N` outputs:
/// `R^2 = 1 - sum (t - y)^2 / sum (t - mean t)^2`.
///
/// 1 for perfect answers, 0 for answers no better than the mean of the targets, less than 0 for
/// worse ones. The mean is not known beforehand: the second sum is that of Welford, Technometrics 4
/// (1962), which loses no digits to a large mean.
///
/// `None` for an output whose targets never vary, which includes one example and none. A NaN or an
/// infinite number makes it NaN.
///
/// ```
/// use gradlet::metrics::RSquared;
///
/// let mut fit = RSquared::<1>::new();
/// assert_eq!(fit.mean(), None);
/// for (y, t) in [([2.0], [1.0]), ([2.0], [2.0]), ([4.0], [3.0]), ([4.0], [4.0])] {
///     fit.observe(&y, &t);
/// }
/// assert_eq!(fit.mean(), Some(0.6)); // 1 - 2 / 5
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct RSquared<const N: usize = 1, T = f32> {
    count: u32,
    outputs: [Variation<T>; N],
}

#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
struct Variation<T> {
    /// Mean of the targets.
    mean: T,
    /// `sum (t - mean)^2`.
    total: T,
    /// `sum (t - y)^2`.
    residual: Sum<T>,
}

impl<T: Scalar> Variation<T> {
    const ZERO: Self = Self { mean: T::ZERO, total: T::ZERO, residual: Sum::ZERO };

    fn r_squared(&self) -> Option<T> {
        (self.total != T::ZERO).then(|| T::ONE - self.residual.sum / self.total)
    }
}

impl<const N: usize, T: Scalar> RSquared<N, T> {
    /// Nothing observed yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { count: 0, outputs: [Variation::ZERO; N] }
    }

    /// Adds one answer.
    pub fn observe(&mut self, output: &[T; N], target: &[T; N]) {
        self.count = self.count.saturating_add(1);
        let count = T::from_u32(self.count);
        for ((sums, &y), &t) in self.outputs.iter_mut().zip(output).zip(target) {
            sums.residual.add((t - y) * (t - y));
            let from_old = t - sums.mean;
            sums.mean += from_old / count;
            sums.total += from_old * (t - sums.mean);
        }
    }

    /// One value for each output.
    #[must_use]
    pub fn each(&self) -> [Option<T>; N] {
        self.outputs.each_ref().map(Variation::r_squared)
    }

    /// The mean over the outputs, if each has a value.
    #[must_use]
    pub fn mean(&self) -> Option<T> {
        let mut sum = Sum::ZERO;
        let mut count = 0_u32;
        for value in self.each() {
            sum.add(value?);
            count = count.saturating_add(1);
        }
        sum.mean(count)
    }
}

impl<const N: usize, T: Scalar> Default for RSquared<N, T> {
    fn default() -> Self {
        Self::new()
    }
}

/// Mean, last and lowest of the losses that it is given.
///
/// A NaN or an infinite loss makes the mean NaN; NaN is never the lowest.
///
/// ```
/// use gradlet::metrics::LossMeter;
///
/// let mut meter = LossMeter::<f32>::new();
/// assert_eq!(meter.mean(), None);
/// for loss in [3.0, 1.0, 2.0] {
///     meter.observe(loss);
/// }
/// assert_eq!(meter.mean(), Some(2.0));
/// assert_eq!((meter.last(), meter.min(), meter.count()), (Some(2.0), Some(1.0), 3));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct LossMeter<T = f32> {
    sum: Sum<T>,
    last: T,
    min: Option<T>,
    count: u32,
}

impl<T: Scalar> LossMeter<T> {
    /// Nothing observed yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { sum: Sum::ZERO, last: T::ZERO, min: None, count: 0 }
    }

    /// Takes in one loss.
    pub fn observe(&mut self, loss: T) {
        self.sum.add(loss);
        self.last = loss;
        if self.min.map_or(!is_nan(loss), |min| loss < min) {
            self.min = Some(loss);
        }
        self.count = self.count.saturating_add(1);
    }

    /// The mean of all losses.
    #[must_use]
    pub fn mean(&self) -> Option<T> {
        self.sum.mean(self.count)
    }

    /// The last loss.
    #[must_use]
    pub fn last(&self) -> Option<T> {
        (self.count > 0).then_some(self.last)
    }

    /// The lowest loss.
    #[must_use]
    pub const fn min(&self) -> Option<T> {
        self.min
    }

    /// Number of losses.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }
}
