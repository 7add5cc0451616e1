//! Regression metrics.

use super::is_nan;
use crate::mean::{DoubleWord, Moments};
use crate::scalar::Scalar;
use crate::shape::Shape;

/// The mean of `|y - t|`, over all outputs of all answers, in the unit of the outputs.
///
/// A number that is NaN or infinite makes it NaN, and so does a `y - t` that overflows.
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
    mean: DoubleWord<T>,
    count: u32,
}

impl<T: Scalar> MeanAbsoluteError<T> {
    /// Nothing observed yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { mean: DoubleWord::ZERO, count: 0 }
    }

    /// Counts each output of one answer.
    pub fn observe<Y: Shape<Element = T>>(&mut self, output: &Y, target: &Y) {
        for (&y, &t) in output.as_slice().iter().zip(target.as_slice()) {
            self.count = self.count.saturating_add(1);
            self.mean.observe((y - t).abs(), T::from_u32(self.count));
        }
    }

    /// The mean so far.
    #[must_use]
    pub fn mean(&self) -> Option<T> {
        (self.count > 0).then(|| self.mean.value())
    }
}

/// How much of the variation of the targets the outputs explain, for each of `N` outputs:
/// `R^2 = 1 - sum (t - y)^2 / sum (t - mean t)^2`.
///
/// 1 for perfect answers, 0 for answers no better than the mean of the targets, less than 0 for
/// worse ones. The mean is not known beforehand: the second sum is that of Welford, Technometrics 4
/// (1962), which loses no digits to a large mean.
///
/// `None` for an output whose targets never vary, which includes one example and none. A number
/// that is NaN or infinite makes it NaN, and so does a difference whose square overflows. Differences
/// below 1e-19 (`f32`) lose digits, as in [`Standardize`](crate::preprocess::Standardize).
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
    outputs: [Explained<T>; N],
}

#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
struct Explained<T> {
    targets: Moments<T>,
    /// Mean of `(t - y)^2`.
    residual: DoubleWord<T>,
}

impl<T: Scalar> Explained<T> {
    const ZERO: Self = Self { targets: Moments::ZERO, residual: DoubleWord::ZERO };

    fn r_squared(&self) -> Option<T> {
        let variance = self.targets.variance.value();
        (variance != T::ZERO).then(|| T::ONE - self.residual.value() / variance)
    }
}

impl<const N: usize, T: Scalar> RSquared<N, T> {
    /// Nothing observed yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { count: 0, outputs: [Explained::ZERO; N] }
    }

    /// Adds one answer.
    pub fn observe(&mut self, output: &[T; N], target: &[T; N]) {
        self.count = self.count.saturating_add(1);
        let count = T::from_u32(self.count);
        for ((explained, &y), &t) in self.outputs.iter_mut().zip(output).zip(target) {
            explained.residual.observe((t - y) * (t - y), count);
            explained.targets.observe(t, count);
        }
    }

    /// One value for each output.
    #[must_use]
    pub fn each(&self) -> [Option<T>; N] {
        self.outputs.each_ref().map(Explained::r_squared)
    }

    /// The mean over the outputs, if each has a value.
    #[must_use]
    pub fn mean(&self) -> Option<T> {
        let (mut mean, mut count) = (DoubleWord::ZERO, T::ZERO);
        for value in self.each() {
            count += T::ONE;
            mean.observe(value?, count);
        }
        (N > 0).then(|| mean.value())
    }
}

impl<const N: usize, T: Scalar> Default for RSquared<N, T> {
    fn default() -> Self {
        Self::new()
    }
}

/// Mean, last and lowest of the losses that it is given.
///
/// The mean is right to 1e-5 of itself for 2^32 losses, also of those near the largest number that
/// there is; from then on older losses count for less. A NaN or an infinite loss makes the mean
/// NaN; NaN is never the lowest.
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
    mean: DoubleWord<T>,
    last: T,
    min: Option<T>,
    count: u32,
}

impl<T: Scalar> LossMeter<T> {
    /// Nothing observed yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { mean: DoubleWord::ZERO, last: T::ZERO, min: None, count: 0 }
    }

    /// Takes in one loss.
    pub fn observe(&mut self, loss: T) {
        self.count = self.count.saturating_add(1);
        self.mean.observe(loss, T::from_u32(self.count));
        self.last = loss;
        if self.min.map_or(!is_nan(loss), |min| loss < min) {
            self.min = Some(loss);
        }
    }

    /// The mean of all losses.
    #[must_use]
    pub fn mean(&self) -> Option<T> {
        (self.count > 0).then(|| self.mean.value())
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
