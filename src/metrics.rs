//! How good the answers of a network are, counted as they come.
//!
//! Each metric is a small value that starts at zero, can stand in a `static`, and observes one
//! answer at a time with its target. Without data it has no value: `None`. Counts stop at
//! `u32::MAX`.
//!
//! ```
//! use gradlet::{metrics::Accuracy, prelude::*};
//!
//! let net = Dense::<1, 2, Softmax>::new([[-1.0, 1.0]], [0.0, 0.0]);
//! let examples = [([-2.0], [1.0, 0.0]), ([3.0], [0.0, 1.0]), ([0.5], [1.0, 0.0])];
//! let mut accuracy = Accuracy::new();
//! for (x, t) in &examples {
//!     accuracy.observe(&net.forward(x), t);
//! }
//! assert_eq!((accuracy.correct(), accuracy.count()), (2, 3));
//! ```

use core::fmt;

use crate::layer::Vector;
use crate::scalar::Scalar;

/// The place of the largest number, the first of them if there are several.
///
/// NaN is never the largest. `None` if there is no number, or nothing but NaN.
///
/// ```
/// use gradlet::metrics::argmax;
///
/// assert_eq!(argmax(&[0.1, 0.7, 0.2]), Some(1));
/// assert_eq!(argmax(&[f32::NAN, 0.5, 0.5]), Some(1));
/// assert_eq!(argmax::<f32>(&[]), None);
/// ```
#[must_use]
pub fn argmax<T: Scalar>(values: &[T]) -> Option<usize> {
    let mut best = None;
    for (i, &value) in values.iter().enumerate() {
        if best.map_or(!is_nan(value), |(_, largest)| value > largest) {
            best = Some((i, value));
        }
    }
    best.map(|(i, _)| i)
}

fn is_nan<T: Scalar>(value: T) -> bool {
    value.partial_cmp(&value).is_none()
}

/// `Some(true)` above 1/2, `None` for NaN.
fn is_yes<T: Scalar>(value: T) -> Option<bool> {
    (!is_nan(value)).then_some(value > T::HALF)
}

/// `part / whole`, if there is a whole.
fn ratio(part: u32, whole: u32) -> Option<f32> {
    (whole > 0).then(|| f32::from_u32(part) / f32::from_u32(whole))
}

/// The share of right answers.
///
/// ```
/// use gradlet::metrics::Accuracy;
///
/// let mut accuracy = Accuracy::new();
/// assert_eq!(accuracy.ratio(), None);
/// accuracy.observe(&[0.1, 0.7, 0.2], &[0.0, 1.0, 0.0]); // class 1, right
/// accuracy.observe(&[0.4], &[1.0]); // no, but it should be yes
/// assert_eq!(accuracy.ratio(), Some(0.5));
/// accuracy.observe_each(&[0.9, 0.2], &[1.0, 0.0]); // two right answers
/// assert_eq!(accuracy.ratio(), Some(0.75));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accuracy {
    correct: u32,
    count: u32,
}

impl Accuracy {
    /// Nothing observed yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { correct: 0, count: 0 }
    }

    /// Counts one answer: right if `output` and `target` are of the same class, the one with the
    /// largest number ([`argmax`]).
    ///
    /// A single output is a yes or a no, see [`observe_each`](Self::observe_each). An output of
    /// nothing but NaN is wrong.
    pub fn observe<Y: Vector>(&mut self, output: &Y, target: &Y) {
        if let ([_], [_]) = (output.as_slice(), target.as_slice()) {
            self.observe_each(output, target);
        } else {
            self.record(same(argmax(output.as_slice()), argmax(target.as_slice())));
        }
    }

    /// Counts one answer for each output: yes above 1/2, else no. NaN is wrong.
    pub fn observe_each<Y: Vector>(&mut self, output: &Y, target: &Y) {
        for (&y, &t) in output.as_slice().iter().zip(target.as_slice()) {
            self.record(same(is_yes(y), is_yes(t)));
        }
    }

    /// Counts one answer that was judged elsewhere.
    pub const fn record(&mut self, correct: bool) {
        if correct {
            self.correct = self.correct.saturating_add(1);
        }
        self.count = self.count.saturating_add(1);
    }

    /// Number of right answers.
    #[must_use]
    pub const fn correct(&self) -> u32 {
        self.correct
    }

    /// Number of answers.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// Right answers by answers, `0.0..=1.0`.
    #[must_use]
    pub fn ratio(&self) -> Option<f32> {
        ratio(self.correct, self.count)
    }
}

fn same<X: PartialEq>(output: Option<X>, target: Option<X>) -> bool {
    output.is_some() && output == target
}

/// How often each class was taken for each other.
///
/// ```
/// use gradlet::metrics::ConfusionMatrix;
///
/// let mut matrix = ConfusionMatrix::<2>::new();
/// matrix.observe(&[0.9, 0.1], &[1.0, 0.0])?; // class 0, right
/// matrix.observe(&[0.8, 0.2], &[0.0, 1.0])?; // class 1 taken for class 0
/// matrix.record(1, 1)?;
/// assert_eq!(matrix.counts(), &[[1, 0], [1, 1]]);
/// assert_eq!(matrix.recall(), [Some(1.0), Some(0.5)]);
/// assert_eq!(matrix.precision(), [Some(0.5), Some(1.0)]);
/// assert_eq!(
///     matrix.to_string(),
///     "\
/// target \\ output      0      1 recall
/// 0                    1      0  1.000
/// 1                    1      1  0.500
/// precision        0.500  1.000  0.667
/// "
/// );
/// # Ok::<(), gradlet::metrics::ClassError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfusionMatrix<const CLASSES: usize> {
    /// `counts[target][output]`.
    counts: [[u32; CLASSES]; CLASSES],
}

impl<const CLASSES: usize> ConfusionMatrix<CLASSES> {
    /// Nothing observed yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { counts: [[0; CLASSES]; CLASSES] }
    }

    /// Counts one answer; the class is the one with the largest number ([`argmax`]).
    ///
    /// # Errors
    ///
    /// [`ClassError::NoClass`] if `output` or `target` is nothing but NaN; nothing is counted then.
    pub fn observe<T: Scalar>(
        &mut self,
        output: &[T; CLASSES],
        target: &[T; CLASSES],
    ) -> Result<(), ClassError> {
        let output = argmax(output).ok_or(ClassError::NoClass)?;
        self.record(output, argmax(target).ok_or(ClassError::NoClass)?)
    }

    /// Counts one answer by the numbers of the classes, from 0.
    ///
    /// # Errors
    ///
    /// [`ClassError::OutOfRange`] if there is no such class; nothing is counted then.
    pub fn record(&mut self, output: usize, target: usize) -> Result<(), ClassError> {
        let out_of_range = |class| ClassError::OutOfRange { class, classes: CLASSES };
        let row = self.counts.get_mut(target).ok_or(out_of_range(target))?;
        let count = row.get_mut(output).ok_or(out_of_range(output))?;
        *count = count.saturating_add(1);
        Ok(())
    }

    /// How often each class was answered: `counts()[target][output]`.
    #[must_use]
    pub const fn counts(&self) -> &[[u32; CLASSES]; CLASSES] {
        &self.counts
    }

    /// Number of answers.
    #[must_use]
    pub fn count(&self) -> u32 {
        total(self.counts.as_flattened())
    }

    /// Right answers by answers, `0.0..=1.0`.
    #[must_use]
    pub fn accuracy(&self) -> Option<f32> {
        ratio(total(&self.correct()), self.count())
    }

    /// Of the answers that name a class, the share that is right; `None` for a class that was never
    /// answered.
    #[must_use]
    pub fn precision(&self) -> [Option<f32>; CLASSES] {
        let mut answered = [0_u32; CLASSES];
        for row in &self.counts {
            for (sum, &count) in answered.iter_mut().zip(row) {
                *sum = sum.saturating_add(count);
            }
        }
        ratios(self.correct(), answered)
    }

    /// Of the examples of a class, the share that is recognised; `None` for a class without
    /// examples.
    #[must_use]
    pub fn recall(&self) -> [Option<f32>; CLASSES] {
        ratios(self.correct(), self.counts.each_ref().map(|row| total(row)))
    }

    /// The diagonal.
    fn correct(&self) -> [u32; CLASSES] {
        let mut correct = [0; CLASSES];
        for (i, (correct, row)) in correct.iter_mut().zip(&self.counts).enumerate() {
            *correct = row.get(i).copied().unwrap_or(0);
        }
        correct
    }
}

impl ConfusionMatrix<2> {
    /// Counts one answer of a network with a single output: class 1 above 1/2, else class 0.
    ///
    /// # Errors
    ///
    /// [`ClassError::NoClass`] for NaN; nothing is counted then.
    ///
    /// ```
    /// use gradlet::metrics::ConfusionMatrix;
    ///
    /// let mut matrix = ConfusionMatrix::new();
    /// matrix.observe_binary(&[0.7], &[0.0])?;
    /// assert_eq!(matrix.counts(), &[[0, 1], [0, 0]]);
    /// # Ok::<(), gradlet::metrics::ClassError>(())
    /// ```
    pub fn observe_binary<T: Scalar>(
        &mut self,
        &[output]: &[T; 1],
        &[target]: &[T; 1],
    ) -> Result<(), ClassError> {
        let output = is_yes(output).ok_or(ClassError::NoClass)?;
        self.record(output.into(), is_yes(target).ok_or(ClassError::NoClass)?.into())
    }
}

fn total(counts: &[u32]) -> u32 {
    counts.iter().fold(0, |sum, &count| sum.saturating_add(count))
}

fn ratios<const N: usize>(parts: [u32; N], wholes: [u32; N]) -> [Option<f32>; N] {
    let mut ratios = [None; N];
    for ((slot, part), whole) in ratios.iter_mut().zip(parts).zip(wholes) {
        *slot = ratio(part, whole);
    }
    ratios
}

impl<const CLASSES: usize> Default for ConfusionMatrix<CLASSES> {
    fn default() -> Self {
        Self::new()
    }
}

/// A table with one row for each target and one column for each output, the share of right answers
/// at the margins and the accuracy in the corner; `-` where there is none.
impl<const CLASSES: usize> fmt::Display for ConfusionMatrix<CLASSES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("target \\ output")?;
        for class in 0..CLASSES {
            write!(f, " {class:>6}")?;
        }
        f.write_str(" recall\n")?;
        for (class, (row, recall)) in self.counts.iter().zip(self.recall()).enumerate() {
            write!(f, "{class:<15}")?;
            for count in row {
                write!(f, " {count:>6}")?;
            }
            write_share(f, recall)?;
            f.write_str("\n")?;
        }
        write!(f, "{:<15}", "precision")?;
        for precision in self.precision() {
            write_share(f, precision)?;
        }
        write_share(f, self.accuracy())?;
        f.write_str("\n")
    }
}

fn write_share(f: &mut fmt::Formatter<'_>, share: Option<f32>) -> fmt::Result {
    match share {
        Some(share) => write!(f, " {share:>6.3}"),
        None => write!(f, " {:>6}", "-"),
    }
}

/// Why an answer was not counted.
///
/// ```
/// use gradlet::metrics::{ClassError, ConfusionMatrix};
///
/// let error = ConfusionMatrix::<3>::new().record(0, 3);
/// assert_eq!(error, Err(ClassError::OutOfRange { class: 3, classes: 3 }));
/// assert_eq!(ClassError::NoClass.to_string(), "no class: all numbers are NaN");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClassError {
    /// There are fewer classes.
    OutOfRange {
        /// The class, counted from 0.
        class: usize,
        /// How many there are.
        classes: usize,
    },
    /// All numbers are NaN, or there are none.
    NoClass,
}

impl fmt::Display for ClassError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfRange { class, classes } => {
                write!(f, "class {class} is not one of {classes}, counted from 0")
            }
            Self::NoClass => f.write_str("no class: all numbers are NaN"),
        }
    }
}

impl core::error::Error for ClassError {}

/// A sum that keeps what rounding loses (Kahan, Communications of the ACM 8, 1965), so that its
/// error does not grow with the number of terms.
#[derive(Clone, Debug, Default, PartialEq)]
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
pub struct RSquared<const N: usize = 1, T = f32> {
    count: u32,
    outputs: [Variation<T>; N],
}

#[derive(Clone, Debug, PartialEq)]
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
