//! The arithmetic of optimizers.

use super::Format;

/// A number format whose numbers are made of losses and rates, and the other way round, for initialisers and
/// conversions.
///
/// ```
/// use gradlet::{Fixed, Nearest, Q12, Q26, Q32};
///
/// assert_eq!(<Fixed>::nearest(Q32::new(0.5)), Q26::new(0.5));
/// assert_eq!(<Fixed>::value(Q32::new(100.0)), Q12::MAX);
/// ```
pub trait Nearest: Format {
    /// The nearest number of this type.
    fn nearest(number: Self::Real) -> Self::Weight;
    /// The number as a loss or a rate.
    fn number(weight: Self::Weight) -> Self::Real;
    /// The nearest value.
    fn value(number: Self::Real) -> Self::Value;
}

/// The arithmetic of optimizers and of gradient clipping: parameters, their gradient and an optimizer's state
/// as numbers of one type, [`Weight`](Format::Weight).
///
/// For `f32` and `f64` these are the usual operations. In [`Fixed`](crate::Fixed), sums stop at ±32, and
/// everything is a multiple of `2^-26`: products are rounded to nearest, derivatives down, quotients towards 0. But
/// squares have 26 significant bits and an exponent. [`Sgd`](crate::Sgd) needs none of it.
///
/// ```
/// use gradlet::{Arithmetic, Fixed, Q26, Q32};
///
/// let halved = <Fixed>::times(Q26::new(3.0), <Fixed>::factor(Q32::new(0.5)));
/// assert_eq!(halved, Q26::new(1.5));
/// ```
pub trait Arithmetic: Nearest {
    /// A number that many others are multiplied by, prepared; 0 or more.
    type Factor: Copy;
    /// How a running mean decays, prepared.
    type Decay: Copy;

    /// A derivative of this scale.
    fn gradient(g: Self::Sum, scale: Self::Scale) -> Self::Weight;
    /// Prepares a number of 0 or more.
    fn factor(number: Self::Real) -> Self::Factor;
    /// Prepares the fraction, from 0 to 1, of a mean that is kept.
    fn decay(kept: Self::Real) -> Self::Decay;
    /// `a + b`.
    fn sum(a: Self::Weight, b: Self::Weight) -> Self::Weight;
    /// `a - b`.
    fn difference(a: Self::Weight, b: Self::Weight) -> Self::Weight;
    /// `factor a`.
    fn times(a: Self::Weight, factor: Self::Factor) -> Self::Weight;
    /// `a - part a`.
    fn without(a: Self::Weight, part: Self::Factor) -> Self::Weight;
    /// `kept mean + (1 - kept) new`.
    fn running_mean(mean: Self::Weight, decay: Self::Decay, new: Self::Weight) -> Self::Weight;
    /// `square + new^2`. Squares are of their own kind: only [`over_root`](Self::over_root) takes them.
    fn add_square(square: Self::Weight, new: Self::Weight) -> Self::Weight;
    /// `kept square + (1 - kept) new^2`.
    fn mean_square(square: Self::Weight, decay: Self::Decay, new: Self::Weight) -> Self::Weight;
    /// `rate a / (sqrt(square) + epsilon)`.
    fn over_root(
        rate: Self::Factor,
        a: Self::Weight,
        square: Self::Weight,
        epsilon: Self::Factor,
    ) -> Self::Weight;
    /// The number, or the limit with its sign if it is beyond it.
    fn clip(a: Self::Weight, limit: Self::Weight) -> Self::Weight;
    /// `sum v^2`, from the left.
    fn squared_length(values: &[Self::Value]) -> Self::Real;
    /// `sum + sum g^2`, for derivatives of this scale, from the left.
    fn add_squares(sum: Self::Real, gradient: &[Self::Sum], scale: Self::Scale) -> Self::Real;
}
