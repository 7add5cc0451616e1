//! Thresholds for anomaly detection, from errors on normal data.

use crate::preprocess::Standardize;
use crate::scalar::Scalar;

/// Mean and standard deviation of errors, for a threshold of so many standard deviations.
///
/// If the errors were normally distributed, 0.13 % of the usual ones would be above
/// `mean + 3 deviations`. Squared errors are not: they have a longer tail. Observe their
/// logarithms, or take a [`Quantile`](super::Quantile), where the rate of false alarms matters.
///
/// Mean and deviation are right to 1e-5 of themselves for 2^32 errors, 49 days at 1,000 in a
/// second; a deviation below 1e-19 is not, as in [`Standardize`].
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

impl<T: Scalar> ErrorStatistics<T> {
    /// Nothing observed yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { statistics: Standardize::new() }
    }

    /// For a machine that changes over the years: about the last `MEMORY` errors count, as in
    /// [`Standardize::with_memory`].
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

    /// Takes in one error, unless it is NaN, infinite or too large, as in [`Standardize::observe`];
    /// says whether it did.
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

    /// `sqrt(sum (error - mean)^2 / count)`; `None` below two errors, of which one says nothing about
    /// how much they differ.
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

impl<T: Scalar> Default for ErrorStatistics<T> {
    fn default() -> Self {
        Self::new()
    }
}
