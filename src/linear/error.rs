//! Why something could not be fitted.

use core::error::Error;
use core::fmt;

/// Why examples were not taken in, or why there is no answer.
///
/// ```
/// use gradlet::linear::LeastSquaresError;
///
/// let error = LeastSquaresError::Dependent { input: 2 };
/// assert_eq!(error.to_string(), "input 2 is a linear combination of those before it and of constants");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum LeastSquaresError {
    /// A number is NaN or infinite, or became so because the numbers are too large.
    NotFinite,
    /// There are fewer examples than unknowns of an output: one for each input, and the bias.
    TooFewExamples {
        /// How many are needed at least.
        expected: u32,
        /// How many there are.
        found: u32,
    },
    /// There are 2^32 - 1, and no more can be counted.
    TooManyExamples,
    /// As far as the numbers can tell, an input is a linear combination of the inputs before it and
    /// of constants, so many weights are equally good.
    Dependent {
        /// The first such input, counted from 0.
        input: usize,
    },
}

impl Error for LeastSquaresError {}

impl fmt::Display for LeastSquaresError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFinite => f.write_str("a number is not finite"),
            Self::TooFewExamples { expected, found } => {
                write!(f, "too few examples: {found}, needed are {expected}")
            }
            Self::TooManyExamples => {
                f.write_str("too many examples: no more than 4294967295 can be counted")
            }
            Self::Dependent { input } => {
                write!(
                    f,
                    "input {input} is a linear combination of those before it and of constants"
                )
            }
        }
    }
}

/// What is wrong with the parameters of [`RecursiveLeastSquares`](super::RecursiveLeastSquares).
///
/// ```
/// use gradlet::linear::{RecursiveLeastSquares, RecursiveLeastSquaresError};
///
/// let error = RecursiveLeastSquares::<2>::new(0.0, 1.0).unwrap_err();
/// assert_eq!(error, RecursiveLeastSquaresError::Regularisation);
/// assert_eq!(error.to_string(), "the regularisation is not a positive number of usual size");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum RecursiveLeastSquaresError {
    /// The regularisation is not positive and finite, or so small that its inverse overflows.
    Regularisation,
    /// The forgetting factor is not above 0 and at most 1.
    Forgetting,
}

impl Error for RecursiveLeastSquaresError {}

impl fmt::Display for RecursiveLeastSquaresError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Regularisation => "the regularisation is not a positive number of usual size",
            Self::Forgetting => "the forgetting factor is not above 0 and at most 1",
        })
    }
}
