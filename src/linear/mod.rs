//! Linear regression (feature `nalgebra-v0.35`): least squares in one pass, recursive least squares, and
//! weights as [`nalgebra`] matrices.
//!
//! A linear layer, [`Dense`](crate::Dense) with [`Identity`](crate::Identity), needs no gradient
//! descent: the weights with the least squared error are the solution of a linear system.
//!
//! | to do | use |
//! |---|---|
//! | fit a layer in one pass over the examples | [`LeastSquares`] |
//! | update a layer with each example, also if the data drifts | [`RecursiveLeastSquares`] |
//! | compute with the weights of a layer | [`Dense::weights_view`](crate::Dense::weights_view), [`Dense::from_matrix`](crate::Dense::from_matrix) .. |
//!
//! Both can also fit the last layer of a network, on top of a frozen feature extractor:
//!
//! ```
//! use gradlet::{linear::LeastSquares, prelude::*};
//!
//! static FEATURES: Dense<1, 3, Tanh> = Dense::new([[1.0, 2.0, -0.5]], [0.0, -1.0, 0.5]);
//! type Net = Chain<Frozen<&'static Dense<1, 3, Tanh>>, Dense<3, 1, Identity>>;
//! let mut net = Net::new(Frozen::new(&FEATURES), Zero::ZERO);
//!
//! let parabola = |i: i32| ([i as f32 / 8.0], [(i * i) as f32 / 64.0]);
//! let mut fit = LeastSquares::new();
//! for (x, t) in (0..=8).map(parabola) {
//!     fit.observe(&net.first().forward(&x), &t)?;
//! }
//! *net.rest_mut() = fit.solve()?;
//! assert!((net.forward(&[0.5])[0] - 0.25).abs() < 0.005);
//! # Ok::<(), gradlet::linear::LeastSquaresError>(())
//! ```
//!
//! # Bit-identical results everywhere
//!
//! [`LeastSquares`] and [`RecursiveLeastSquares`] give the same bits on every target, like all of
//! this crate: they add, multiply, divide and take square roots, each correctly rounded, in a fixed
//! order. [`LeastSquares::minimum_norm`] leaves its sums to `nalgebra`, which uses the same
//! operations, in an order that depends only on the version of `nalgebra`. Your own computations
//! with the views and matrices have the bits of `nalgebra`, whose transcendental functions are
//! those of the platform if its feature `std` is enabled.
//!
//! # Rust version
//!
//! `nalgebra` 0.35 needs Rust 1.89, and so does this feature.

mod least_squares;
mod recursive;
mod views;

pub use least_squares::LeastSquares;
pub use recursive::RecursiveLeastSquares;

use crate::macros::error_texts;

/// Error of [`LeastSquares`].
///
/// ```
/// use gradlet::linear::LeastSquaresError;
///
/// let error = LeastSquaresError::Dependent { input: 2 };
/// assert_eq!(error.to_string(), "input 2 is a linear combination of earlier inputs and a constant");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum LeastSquaresError {
    /// A value is NaN or infinite, or an intermediate result overflowed.
    NotFinite,
    /// There are fewer examples than unknowns per output: one weight for each input, and the bias.
    TooFewExamples {
        /// Least number needed.
        expected: u32,
        /// Number of examples.
        found: u32,
    },
    /// There are already 2^32 - 1 examples, the most that can be counted.
    TooManyExamples,
    /// Up to rounding, an input is a linear combination of the inputs before it and a constant
    /// (collinear inputs), so the solution is not unique.
    Dependent {
        /// The first such input, counted from 0.
        input: usize,
    },
}

error_texts! {
    [] LeastSquaresError:
    Self::NotFinite => "a value is NaN or infinite, or overflowed",
    Self::TooFewExamples { expected, found } =>
        "too few examples: {found}, expected at least {expected}",
    Self::TooManyExamples => "too many examples: at most 4294967295 can be counted",
    Self::Dependent { input } =>
        "input {input} is a linear combination of earlier inputs and a constant",
}

/// Error of [`RecursiveLeastSquares::new`]: a parameter is out of range.
///
/// ```
/// use gradlet::linear::{RecursiveLeastSquares, RecursiveLeastSquaresError};
///
/// let error = RecursiveLeastSquares::<2>::new(0.0, 1.0).unwrap_err();
/// assert_eq!(error, RecursiveLeastSquaresError::Regularisation);
/// assert_eq!(error.to_string(), "the regularisation is not positive and finite, or is too small");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum RecursiveLeastSquaresError {
    /// The regularisation is not positive and finite, or so small that its inverse overflows.
    Regularisation,
    /// The forgetting factor is not greater than 0 and at most 1.
    Forgetting,
}

error_texts! {
    [] RecursiveLeastSquaresError:
    Self::Regularisation => "the regularisation is not positive and finite, or is too small",
    Self::Forgetting => "the forgetting factor is not greater than 0 and at most 1",
}
