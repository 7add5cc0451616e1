//! Confusion matrix.

use core::fmt;

use super::{argmax, is_yes, ratio};
use crate::format::FormatValue;
use crate::macros::{default_is_new, defmt_shows, error_texts};
use crate::shape::Element;

/// Confusion matrix: how often each class was predicted for each class.
///
/// ```
/// use gradlet::metrics::ConfusionMatrix;
///
/// let mut matrix = ConfusionMatrix::<2>::new();
/// matrix.observe(&[0.9, 0.1], &[1.0, 0.0])?; // class 0, correct
/// matrix.observe(&[0.8, 0.2], &[0.0, 1.0])?; // class 1 predicted as class 0
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
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ConfusionMatrix<const CLASSES: usize> {
    /// `counts[target][output]`.
    counts: [[u32; CLASSES]; CLASSES],
}

impl<const CLASSES: usize> ConfusionMatrix<CLASSES> {
    /// An empty matrix.
    #[must_use]
    pub const fn new() -> Self {
        Self { counts: [[0; CLASSES]; CLASSES] }
    }

    /// Counts one prediction; the class is the index of the largest output ([`argmax`]).
    ///
    /// # Errors
    ///
    /// [`ClassError::NoClass`] if all of `output` or of `target` is NaN; nothing is counted then.
    pub fn observe<T: Element + PartialOrd>(
        &mut self,
        output: &[T; CLASSES],
        target: &[T; CLASSES],
    ) -> Result<(), ClassError> {
        let output = argmax(output).ok_or(ClassError::NoClass)?;
        self.record(output, argmax(target).ok_or(ClassError::NoClass)?)
    }

    /// Counts one prediction, given the two class indices, from 0.
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

    /// The counts: `counts()[target][output]`.
    #[must_use]
    pub const fn counts(&self) -> &[[u32; CLASSES]; CLASSES] {
        &self.counts
    }

    /// Number of predictions.
    #[must_use]
    pub fn count(&self) -> u32 {
        total(self.counts.as_flattened())
    }

    /// Share of correct predictions, `0.0..=1.0`.
    #[must_use]
    pub fn accuracy(&self) -> Option<f32> {
        ratio(total(&self.correct()), self.count())
    }

    /// Of the predictions of a class, the share that is correct; `None` for a class that was never
    /// predicted.
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

    /// Correct predictions of each class: the diagonal.
    ///
    /// ```
    /// use gradlet::metrics::ConfusionMatrix;
    ///
    /// let mut matrix = ConfusionMatrix::<3>::new();
    /// matrix.record(2, 2)?;
    /// matrix.record(0, 1)?;
    /// assert_eq!(matrix.correct(), [0, 0, 1]);
    /// # Ok::<(), gradlet::metrics::ClassError>(())
    /// ```
    #[must_use]
    pub fn correct(&self) -> [u32; CLASSES] {
        let mut correct = [0; CLASSES];
        for (i, (correct, row)) in correct.iter_mut().zip(&self.counts).enumerate() {
            *correct = row.get(i).copied().unwrap_or(0);
        }
        correct
    }
}

impl ConfusionMatrix<2> {
    /// Counts one prediction of a network with a single output: class 1 above 1/2, else class 0.
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
    pub fn observe_binary<T: FormatValue>(
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
    let mut wholes = wholes.into_iter();
    parts.map(|part| ratio(part, wholes.next()?))
}

default_is_new!([const CLASSES: usize] ConfusionMatrix<CLASSES>);

/// A table with one row for each target and one column for each output, recall and precision at the
/// margins and the accuracy in the corner; `-` where undefined.
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

/// Why a prediction was not counted.
///
/// ```
/// use gradlet::metrics::{ClassError, ConfusionMatrix};
///
/// let error = ConfusionMatrix::<3>::new().record(0, 3);
/// assert_eq!(error, Err(ClassError::OutOfRange { class: 3, classes: 3 }));
/// assert_eq!(ClassError::NoClass.to_string(), "no class: all values are NaN");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClassError {
    /// The class index is out of range.
    OutOfRange {
        /// The class index, from 0.
        class: usize,
        /// Number of classes.
        classes: usize,
    },
    /// All values are NaN, or there are none.
    NoClass,
}

error_texts! {
    [] ClassError:
    Self::OutOfRange { class, classes } =>
        "class {class} is out of range: there are {classes} classes, counted from 0",
    Self::NoClass => "no class: all values are NaN",
}

defmt_shows!([] ClassError: |error, f| match error {
    Self::OutOfRange { class, classes } => {
        defmt::write!(
            f,
            "class {} is out of range: there are {} classes, counted from 0",
            class,
            classes
        )
    }
    Self::NoClass => defmt::write!(f, "no class: all values are NaN"),
});
