//! Regression metrics.

use super::is_nan;
use crate::format::{Format, FormatValue};
use crate::macros::default_is_new;
use crate::mean::{DoubleWord, Moments};
use crate::number::Number;
use crate::preprocess::Standardize;
use crate::shape::Shape;

/// The type of losses of the number format that values `T` belong to: `T` itself for floats.
type Real<T> = <<T as FormatValue>::Format as Format>::Real;

/// `|y - t|`.
#[inline]
fn distance<T: Number>(y: T, t: T) -> T {
    (y - t).abs()
}

/// The mean; `None` unless all have a value.
fn mean<T: Number, const N: usize>(values: [Option<T>; N]) -> Option<T> {
    let (mut mean, mut count) = (DoubleWord::ZERO, T::ZERO);
    for value in values {
        count += T::ONE;
        mean.observe(value?, count);
    }
    (N > 0).then(|| mean.value())
}

/// The value as a loss.
#[inline]
fn real<T: FormatValue>(value: T) -> Real<T> {
    <T::Format as Format>::real(value)
}

/// Mean absolute error: the mean of `|y - t|` over all outputs of all predictions, in their unit.
///
/// NaN once a number is NaN or infinite, or a difference `y - t` overflows.
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
///
/// In fixed point, the mean is exact for 2^31 outputs, and rounded down to [`Q32`](crate::Q32).
///
/// ```
/// use gradlet::{Q12, Q32, metrics::MeanAbsoluteError};
///
/// let mut error = MeanAbsoluteError::<Q12>::new();
/// error.observe(&Q12::array([1.0, 5.0]), &Q12::array([2.0, 2.5]));
/// assert_eq!(error.mean(), Some(Q32::new(1.75)));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MeanAbsoluteError<T: FormatValue = f32> {
    mean: DoubleWord<Real<T>>,
    count: u32,
}

#[cfg(feature = "defmt")]
impl<T: FormatValue<Format: Format<Real: defmt::Format>>> defmt::Format for MeanAbsoluteError<T> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "MeanAbsoluteError {{ mean: {}, count: {} }}", self.mean, self.count);
    }
}

impl<T: FormatValue> MeanAbsoluteError<T> {
    /// No predictions yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { mean: DoubleWord::ZERO, count: 0 }
    }

    /// Adds each output of one prediction.
    pub fn observe<Y: Shape<Element = T>>(&mut self, output: &Y, target: &Y) {
        for (&y, &t) in output.as_slice().iter().zip(target.as_slice()) {
            self.count = self.count.saturating_add(1);
            self.mean.observe(distance(real(y), real(t)), Number::from_u32(self.count));
        }
    }

    /// The mean so far.
    #[must_use]
    pub fn mean(&self) -> Option<Real<T>> {
        (self.count > 0).then(|| self.mean.value())
    }
}

/// Coefficient of determination, for each of `N` outputs:
/// `R^2 = 1 - sum (t - y)^2 / sum (t - mean t)^2`.
///
/// 1 for perfect predictions, 0 for predictions no better than the mean of the targets, negative
/// for worse ones. The second sum is computed by Welford's method, Technometrics 4 (1962): one
/// pass, and no loss of precision where the mean is large.
///
/// `None` for an output whose targets do not vary, so also for fewer than two examples. NaN once a
/// number is NaN or infinite, or the square of a difference overflows. Differences below 1e-19
/// (`f32`) lose precision, as in [`Standardize`](crate::preprocess::Standardize).
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
///
/// In fixed point, both means of squares are within 2^-31, and a variance below that may be 0.
///
/// ```
/// use gradlet::{Q12, Q32, metrics::RSquared};
///
/// let mut fit = RSquared::<1, Q12>::new();
/// for (y, t) in [(2.0, 1.0), (2.0, 2.0), (4.0, 3.0), (4.0, 4.0)] {
///     fit.observe(&Q12::array([y]), &Q12::array([t]));
/// }
/// assert_eq!(fit.mean(), Some(Q32::new(0.6)));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RSquared<const N: usize = 1, T: FormatValue = f32> {
    count: u32,
    outputs: [Explained<Real<T>>; N],
}

#[cfg(feature = "defmt")]
impl<const N: usize, T> defmt::Format for RSquared<N, T>
where
    T: FormatValue<Format: Format<Real: defmt::Format>>,
{
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "RSquared {{ count: {}, outputs: {} }}", self.count, self.outputs);
    }
}

#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
struct Explained<T> {
    targets: Moments<T>,
    /// Mean of `(t - y)^2`.
    residual: DoubleWord<T>,
}

impl<T: Number> Explained<T> {
    const ZERO: Self = Self { targets: Moments::ZERO, residual: DoubleWord::ZERO };

    fn observe(&mut self, y: T, t: T, count: T) {
        self.residual.observe((t - y) * (t - y), count);
        self.targets.observe(t, count);
    }

    fn r_squared(&self) -> Option<T> {
        let variance = self.targets.variance.value();
        (variance != T::ZERO).then(|| T::ONE - self.residual.value() / variance)
    }
}

impl<const N: usize, T: FormatValue> RSquared<N, T> {
    /// No predictions yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { count: 0, outputs: [Explained::ZERO; N] }
    }

    /// Adds one prediction.
    pub fn observe(&mut self, output: &[T; N], target: &[T; N]) {
        self.count = self.count.saturating_add(1);
        let count = Number::from_u32(self.count);
        for ((explained, &y), &t) in self.outputs.iter_mut().zip(output).zip(target) {
            explained.observe(real(y), real(t), count);
        }
    }

    /// One value for each output.
    #[must_use]
    pub fn each(&self) -> [Option<Real<T>>; N] {
        self.outputs.each_ref().map(Explained::r_squared)
    }

    /// The mean over the outputs; `None` unless each of them has a value.
    #[must_use]
    pub fn mean(&self) -> Option<Real<T>> {
        mean(self.each())
    }
}

default_is_new!([const N: usize, T: FormatValue] RSquared<N, T>);

/// Mean, last and lowest of the observed losses.
///
/// The relative error of the mean is at most 1e-5 for 2^32 losses, also for losses near the largest
/// finite number; from then on older losses count for less. In fixed point, it is exact for 2^31 losses. A NaN or infinite loss makes the mean
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

impl<T: Number> LossMeter<T> {
    /// No losses yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { mean: DoubleWord::ZERO, last: T::ZERO, min: None, count: 0 }
    }

    /// Adds one loss.
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

/// Mean and standard deviation of errors, for a threshold of `mean + k * deviation`.
///
/// If the errors were normally distributed, 0.13 % of the normal data would exceed
/// `mean + 3 deviations`. Squared errors are not: they have a longer tail. Observe their logarithms,
/// or use a [`Quantile`](super::Quantile), where the false alarm rate matters.
///
/// The relative error of mean and deviation is at most 1e-5 for 2^32 errors, 49 days at 1,000 per
/// second; not for a deviation below 1e-19, as in [`Standardize`].
///
/// ```
/// use gradlet::metrics::ErrorStatistics;
///
/// let mut usual = ErrorStatistics::<f32>::new();
/// assert_eq!(usual.threshold(3.0), None);
/// for error in [1.0, 3.0, 1.0, 3.0] {
///     usual.observe(error);
/// }
/// assert_eq!((usual.mean(), usual.standard_deviation()), (Some(2.0), Some(1.0)));
/// assert_eq!(usual.threshold(3.0), Some(5.0));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ErrorStatistics<T = f32> {
    statistics: Standardize<1, T>,
}

impl<T: Number> ErrorStatistics<T> {
    /// No errors yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { statistics: Standardize::new() }
    }

    /// For a machine that changes over the years: an exponential window over about the last
    /// `MEMORY` errors, as in [`Standardize::with_memory`].
    ///
    /// ```
    /// use gradlet::metrics::ErrorStatistics;
    ///
    /// let mut usual = ErrorStatistics::<f32>::with_memory::<1000>();
    /// for i in 0..20_000_u16 {
    ///     usual.observe(if i < 10_000 { 1.0 } else { f32::from(5 + i % 2 * 2) }); // later 5 or 7
    /// }
    /// assert!((usual.threshold(3.0).unwrap() - 9.0).abs() < 0.01);
    /// ```
    ///
    /// A `MEMORY` below 2 does not compile:
    ///
    /// ```compile_fail,E0080
    /// gradlet::metrics::ErrorStatistics::<f32>::with_memory::<1>();
    /// ```
    #[must_use]
    pub const fn with_memory<const MEMORY: u32>() -> Self {
        Self { statistics: Standardize::with_memory::<MEMORY>() }
    }

    /// Adds one error, unless it is NaN, infinite or too large, as in [`Standardize::observe`];
    /// returns whether it was added.
    pub fn observe(&mut self, error: T) -> bool {
        self.statistics.observe(&[error])
    }

    /// Number of errors; it stops at `u32::MAX`.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.statistics.count()
    }

    /// The mean of all errors; `None` before the first.
    #[must_use]
    pub fn mean(&self) -> Option<T> {
        let [mean] = self.statistics.mean();
        (self.count() > 0).then_some(mean)
    }

    /// `sqrt(sum (error - mean)^2 / count)`; `None` below two errors, as one has no deviation.
    #[must_use]
    pub fn standard_deviation(&self) -> Option<T> {
        let [variance] = self.statistics.variance();
        (self.count() > 1).then(|| variance.sqrt())
    }

    /// `mean + deviations * standard_deviation`; `None` below two errors.
    #[must_use]
    pub fn threshold(&self, deviations: T) -> Option<T> {
        Some(self.mean()? + deviations * self.standard_deviation()?)
    }
}

default_is_new!([T: Number] ErrorStatistics<T>);
