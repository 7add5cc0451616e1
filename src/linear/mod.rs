//! Linear layers by linear algebra (feature `nalgebra`): least squares, all at once or example by
//! example, and weights as [`nalgebra`] matrices.
//!
//! A linear layer, [`Dense`](crate::Dense) with [`Identity`](crate::Identity), needs no gradient
//! descent: the weights with the least squared error are the answer of an equation.
//!
//! | to do | use |
//! |---|---|
//! | find the best weights for examples that come once | [`LeastSquares`] |
//! | keep a layer best as examples come, or as the world changes | [`RecursiveLeastSquares`] |
//! | compute with the weights of a layer | [`Dense::weights_view`](crate::Dense::weights_view), [`Dense::from_matrix`](crate::Dense::from_matrix) .. |
//!
//! Either fits the last layer of a network too, behind features that stay as they are:
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
//! # The same bits everywhere
//!
//! [`LeastSquares`] and [`RecursiveLeastSquares`] give the same bits on every target, as all of this
//! crate: they add, multiply, divide and take square roots, each correctly rounded, in one order.
//! [`LeastSquares::minimum_norm`] leaves its sums to `nalgebra`, which uses the same operations, in
//! an order that depends on the version of `nalgebra` only. What you compute with the views and
//! matrices has the bits that `nalgebra` gives it; its transcendental functions come from the
//! platform where a program turns on its feature `std`.
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

error_texts! {
    [] LeastSquaresError:
    Self::NotFinite => "a number is not finite",
    Self::TooFewExamples { expected, found } =>
        "too few examples: {found}, needed are {expected}",
    Self::TooManyExamples => "too many examples: no more than 4294967295 can be counted",
    Self::Dependent { input } =>
        "input {input} is a linear combination of those before it and of constants",
}

/// What is wrong with the parameters of [`RecursiveLeastSquares`].
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

error_texts! {
    [] RecursiveLeastSquaresError:
    Self::Regularisation => "the regularisation is not a positive number of usual size",
    Self::Forgetting => "the forgetting factor is not above 0 and at most 1",
}
