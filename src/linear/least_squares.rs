//! Least squares over examples that come one at a time and are not kept.

use super::error::LeastSquaresError;
use crate::activation::Identity;
use crate::layer::Dense;
use crate::mean::Mean;
use crate::scalar::Scalar;

/// The linear layer with the least squared error on all examples, which come one at a time and are
/// not kept.
///
/// ```text
/// minimise  sum |t - (W x + b)|^2  over all examples (x, t)
/// ```
///
/// | name    | shape         | meaning                                                    |
/// |---------|---------------|------------------------------------------------------------|
/// | `mean`  | `[IN]`, `[OUT]` | means of `x` and of `t`                                  |
/// | `R`     | `[IN][IN]`    | triangular, `R^T R = sum (x - mean)(x - mean)^T`           |
/// | `Q^T t` | `[IN][OUT]`   | `R W^T = Q^T t`                                            |
/// | error   | `[OUT]`       | what no weights can do away with                           |
///
/// Each example is a row more for the QR decomposition of the centred examples, and is rotated into
/// it (Givens; Golub and Van Loan, Matrix Computations, section 6.5). Nothing but the error is ever
/// squared: that would lose half of the digits, as normal equations do. The means are those of
/// Welford, Technometrics 4 (1962), so a bias takes no column.
///
/// An example costs `IN + 1` square roots, `3 IN + OUT + 1` divisions and about
/// `2 IN (IN + 2) + 4 IN OUT` multiplications. Memory is `IN (IN + OUT + 1) + 3 OUT` numbers and a
/// count, however many examples come; zero at first, so in a `static` it takes no flash. An example
/// among `n` counts for `1 / n`, so after half of one over epsilon (4,194,304 in `f32`) no more are
/// taken in.
///
/// ```
/// use gradlet::{linear::LeastSquares, prelude::*};
///
/// // Degrees Celsius to degrees Fahrenheit and to kelvins.
/// let mut fit = LeastSquares::<1, 2>::new();
/// for celsius in [-40.0, 0.0, 25.0, 100.0] {
///     fit.observe(&[celsius], &[1.8 * celsius + 32.0, celsius + 273.15])?;
/// }
/// let layer: Dense<1, 2, Identity> = fit.solve()?;
/// let [fahrenheit, kelvins] = layer.forward(&[37.0]);
/// assert!((fahrenheit - 98.6).abs() < 1e-3 && (kelvins - 310.15).abs() < 1e-3);
/// assert!(fit.mean_squared_error().iter().all(|&error| error < 1e-6));
/// # Ok::<(), gradlet::linear::LeastSquaresError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct LeastSquares<const IN: usize, const OUT: usize, T = f32> {
    count: u32,
    pub(super) means: ([T; IN], [T; OUT]),
    /// `R` by rows, zeros below the diagonal.
    pub(super) factor: [[T; IN]; IN],
    /// `Q^T t` by rows.
    pub(super) targets: [[T; OUT]; IN],
    squared_error: [Mean<T>; OUT],
}

impl<const IN: usize, const OUT: usize, T: Scalar> LeastSquares<IN, OUT, T> {
    /// Nothing observed yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            count: 0,
            means: ([T::ZERO; IN], [T::ZERO; OUT]),
            factor: [[T::ZERO; IN]; IN],
            targets: [[T::ZERO; OUT]; IN],
            squared_error: [Mean::ZERO; OUT],
        }
    }

    /// Takes in one example.
    ///
    /// # Errors
    ///
    /// - [`LeastSquaresError::NotFinite`] if a number is NaN or infinite, or so far from the mean
    ///   that the difference overflows.
    /// - [`LeastSquaresError::TooManyExamples`]: one more would be lost in rounding.
    ///
    /// Then nothing has changed.
    pub fn observe(&mut self, x: &[T; IN], t: &[T; OUT]) -> Result<(), LeastSquaresError> {
        if T::from_u32(self.count) * T::EPSILON >= T::HALF {
            return Err(LeastSquaresError::TooManyExamples);
        }
        let (mut x, mut t) = (*x, *t);
        subtract(&mut x, &self.means.0)?;
        subtract(&mut t, &self.means.1)?;
        self.count = self.count.saturating_add(1);
        let count = T::from_u32(self.count);
        add_share(&mut self.means.0, &x, count);
        add_share(&mut self.means.1, &t, count);
        // Centring the examples before by the new mean too adds a row of this weight.
        let weight = ((count - T::ONE) / count).sqrt();
        x.iter_mut().chain(&mut t).for_each(|value| *value *= weight);

        for (i, (row, targets)) in self.factor.iter_mut().zip(&mut self.targets).enumerate() {
            let (row, x) = (row.get_mut(i..), x.get_mut(i..));
            let (row, x) = (row.unwrap_or_default(), x.unwrap_or_default());
            if let Some(rotation) = Rotation::of(row, x) {
                rotation.apply(row, x);
                rotation.apply(targets, &mut t);
            }
        }
        for (mean, t) in self.squared_error.iter_mut().zip(t) {
            mean.observe(t * t, count);
        }
        Ok(())
    }

    /// Number of examples.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// The mean of `(t - y)^2` over the examples, for each output of the layer that
    /// [`solve`](Self::solve) finds; zeros before the first example.
    ///
    /// Where `solve` finds none because of an input that depends on others, it is too small.
    #[must_use]
    pub fn mean_squared_error(&self) -> [T; OUT] {
        self.squared_error.each_ref().map(Mean::value)
    }

    /// The layer with the least squared error. `IN (IN - 1) OUT / 2` multiplications.
    ///
    /// # Errors
    ///
    /// - [`LeastSquaresError::TooFewExamples`]: fewer than `IN + 1`.
    /// - [`LeastSquaresError::Dependent`]: what is left of an input, after all that follows from
    ///   those before it and from constants, is no more than rounding leaves: `16 sqrt(count)`
    ///   epsilons of the input's size (the largest number in its column of `R`, or its mean times
    ///   `sqrt(count)`). Then [`minimum_norm`](Self::minimum_norm) has an answer.
    /// - [`LeastSquaresError::NotFinite`]: a number overflowed.
    pub fn solve(&self) -> Result<Dense<IN, OUT, Identity, T>, LeastSquaresError> {
        let expected = u32::try_from(IN).unwrap_or(u32::MAX).saturating_add(1);
        self.expect_examples(expected)?;
        if let Some(input) = (0..IN).find(|&input| self.is_dependent(input)) {
            return Err(LeastSquaresError::Dependent { input });
        }
        let mut weights = [[T::ZERO; OUT]; IN];
        // Back substitution.
        for (i, (row, &targets)) in self.factor.iter().zip(&self.targets).enumerate().rev() {
            let mut sum = targets;
            let mut diagonal = T::ONE;
            for (j, (&r, known)) in row.iter().zip(&weights).enumerate().skip(i) {
                if i == j {
                    diagonal = r;
                } else {
                    sum.iter_mut().zip(known).for_each(|(sum, &weight)| *sum -= r * weight);
                }
            }
            if let Some(unknown) = weights.get_mut(i) {
                *unknown = sum.map(|sum| sum / diagonal);
            }
        }
        self.with_bias(weights)
    }

    /// The layer of these weights whose outputs have the mean of the targets.
    pub(super) fn with_bias(
        &self,
        weights: [[T; OUT]; IN],
    ) -> Result<Dense<IN, OUT, Identity, T>, LeastSquaresError> {
        let (inputs, mut bias) = self.means;
        for (weights, mean) in weights.iter().zip(inputs) {
            bias.iter_mut().zip(weights).for_each(|(bias, &weight)| *bias -= weight * mean);
        }
        if weights.as_flattened().iter().chain(&bias).all(|value| value.is_finite()) {
            Ok(Dense::new(weights, bias))
        } else {
            Err(LeastSquaresError::NotFinite)
        }
    }

    pub(super) const fn expect_examples(&self, expected: u32) -> Result<(), LeastSquaresError> {
        if self.count < expected {
            Err(LeastSquaresError::TooFewExamples { expected, found: self.count })
        } else {
            Ok(())
        }
    }

    /// What rounding can make of 0, relative to the numbers that it is computed from.
    ///
    /// Measured for sums of up to 31 inputs with means up to 100 times their deviations: up to 2
    /// `sqrt(count)` epsilons for 100,000 examples, and 12 for a million in `f32`.
    pub(super) fn rounding(&self) -> T {
        T::from_u32(16) * T::from_u32(self.count).sqrt() * T::EPSILON
    }

    /// By what rounding the mean of an input changes `R`, in units of [`rounding`](Self::rounding).
    pub(super) fn size_of_mean(&self, mean: T) -> T {
        mean.abs() * T::from_u32(self.count).sqrt()
    }

    fn is_dependent(&self, input: usize) -> bool {
        let mut diagonal = T::ZERO;
        let mut size = self.means.0.get(input).map_or(T::ZERO, |&mean| self.size_of_mean(mean));
        for row in self.factor.iter().take(input.saturating_add(1)) {
            diagonal = row.get(input).map_or(T::ZERO, |r| r.abs());
            size = larger(size, diagonal);
        }
        diagonal <= self.rounding() * size
    }
}

impl<const IN: usize, const OUT: usize, T: Scalar> Default for LeastSquares<IN, OUT, T> {
    fn default() -> Self {
        Self::new()
    }
}

pub(super) fn larger<T: Scalar>(a: T, b: T) -> T {
    if a < b { b } else { a }
}

/// `x - mean`, if all of it is finite.
fn subtract<T: Scalar>(x: &mut [T], mean: &[T]) -> Result<(), LeastSquaresError> {
    x.iter_mut().zip(mean).for_each(|(x, &mean)| *x -= mean);
    let finite = x.iter().all(|x| x.is_finite());
    if finite { Ok(()) } else { Err(LeastSquaresError::NotFinite) }
}

/// `mean + difference / count`.
fn add_share<T: Scalar>(mean: &mut [T], difference: &[T], count: T) {
    mean.iter_mut().zip(difference).for_each(|(mean, &x)| *mean += x / count);
}

/// A rotation in the plane of two rows.
struct Rotation<T> {
    cosine: T,
    sine: T,
}

impl<T: Scalar> Rotation<T> {
    /// The one that makes the first number of the second row zero, if it is not.
    ///
    /// Only a ratio of at most 1 is squared, so nothing overflows.
    fn of(row: &[T], other: &[T]) -> Option<Self> {
        let (a, b) = (*row.first()?, *other.first()?);
        if b == T::ZERO {
            None
        } else if b.abs() < a.abs() {
            let tangent = b / a;
            let cosine = T::ONE / (T::ONE + tangent * tangent).sqrt();
            Some(Self { cosine, sine: tangent * cosine })
        } else {
            let cotangent = a / b;
            let sine = T::ONE / (T::ONE + cotangent * cotangent).sqrt();
            Some(Self { cosine: cotangent * sine, sine })
        }
    }

    fn apply(&self, row: &mut [T], other: &mut [T]) {
        for (a, b) in row.iter_mut().zip(other) {
            let old = *a;
            *a = self.cosine * old + self.sine * *b;
            *b = self.cosine * *b - self.sine * old;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_that_would_be_lost_are_refused() {
        let mut fit = LeastSquares::<1, 1>::new();
        assert_eq!(fit.observe(&[1.0], &[1.0]), Ok(()));
        fit.count = (1 << 22) - 1;
        assert_eq!(fit.observe(&[2.0], &[1.0]), Ok(()));
        let before = fit.clone();
        assert_eq!(fit.observe(&[2.0], &[1.0]), Err(LeastSquaresError::TooManyExamples));
        assert_eq!((fit.count(), &fit), (1 << 22, &before));

        let mut fit = LeastSquares::<1, 1, f64> { count: u32::MAX, ..LeastSquares::new() };
        assert_eq!(fit.observe(&[2.0], &[1.0]), Ok(()));
    }

    #[test]
    fn mean_squared_error_of_millions_is_right() {
        // A constant has an error of 0.1 at each target.
        let mut fit = LeastSquares::<0, 1>::new();
        for k in 0..1 << 22 {
            assert_eq!(fit.observe(&[], &[if k % 2 == 0 { 20.1 } else { 19.9 }]), Ok(()));
        }
        let [error] = fit.mean_squared_error();
        assert!((error - 0.01).abs() < 1e-6, "{error}");
    }
}
