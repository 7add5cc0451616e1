//! Linear regression by least squares, in one pass over the examples.

use core::ops::Mul as _;

use nalgebra::{ArrayStorage, ColPivQR, Const, DimMin, QR, RealField, SMatrix};

use super::LeastSquaresError;
use crate::activation::Identity;
use crate::layer::Dense;
use crate::macros::default_is_new;
use crate::mean::DoubleWord;
use crate::scalar::Scalar;

/// Linear regression by least squares: fits a linear layer to examples that are observed one at a
/// time and not stored.
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
/// | error   | `[OUT]`       | residual sum of squares                                    |
///
/// Each example is a new row of the QR decomposition of the centred examples, added by Givens
/// rotations (Golub and Van Loan, Matrix Computations, section 6.5). Nothing but the error is ever
/// squared, which would lose half of the digits, as normal equations do. The means are updated as
/// in Welford, Technometrics 4 (1962), so the bias takes no column.
///
/// After many examples, one more changes a sum by less than its last digit. So each sum is stored
/// as two values, with about twice the digits, and the solution has the accuracy of `T` for up to
/// 2^32 examples.
///
/// An example costs `IN + 1` square roots, `4 IN + 2 OUT + 1` divisions and about
/// `2 IN (IN + 2) + 4 IN OUT` multiplications. Memory is `2 IN (IN + OUT + 1) + 4 OUT` scalars and
/// a count, for any number of examples; it starts as zeros, so in a `static` it takes no flash.
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
    means: ([DoubleWord<T>; IN], [DoubleWord<T>; OUT]),
    /// `R` by rows, zeros below the diagonal.
    factor: [[DoubleWord<T>; IN]; IN],
    /// `Q^T t` by rows.
    targets: [[DoubleWord<T>; OUT]; IN],
    squared_error: [DoubleWord<T>; OUT],
}

impl<const IN: usize, const OUT: usize, T: Scalar> LeastSquares<IN, OUT, T> {
    /// Creates an empty fit, without examples.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            count: 0,
            means: ([DoubleWord::ZERO; IN], [DoubleWord::ZERO; OUT]),
            factor: [[DoubleWord::ZERO; IN]; IN],
            targets: [[DoubleWord::ZERO; OUT]; IN],
            squared_error: [DoubleWord::ZERO; OUT],
        }
    }

    /// Adds one example.
    ///
    /// # Errors
    ///
    /// - [`LeastSquaresError::NotFinite`] if a value is NaN or infinite, or so far from the mean
    ///   that the difference overflows.
    /// - [`LeastSquaresError::TooManyExamples`]: there are already [`u32::MAX`] examples.
    ///
    /// Then nothing has changed.
    pub fn observe(&mut self, x: &[T; IN], t: &[T; OUT]) -> Result<(), LeastSquaresError> {
        let new_count = self.count.checked_add(1).ok_or(LeastSquaresError::TooManyExamples)?;
        let (mut means, count) = (self.means, T::from_u32(new_count));
        let mut x = centred(x, &mut means.0, count)?;
        let mut t = centred(t, &mut means.1, count)?;
        (self.means, self.count) = (means, new_count);
        // Centring the earlier examples by the new mean too adds a row of this weight.
        let weight = ((count - T::ONE) / count).sqrt();
        x.iter_mut().chain(&mut t).for_each(|value| *value *= weight);

        for (i, (row, targets)) in self.factor.iter_mut().zip(&mut self.targets).enumerate() {
            let (row, x) = (row.get_mut(i..), x.get_mut(i..));
            let (row, x) = (row.unwrap_or_default(), x.unwrap_or_default());
            let rotation =
                row.first().zip(x.first()).and_then(|(a, &b)| Rotation::of(a.value(), b));
            if let Some(rotation) = rotation {
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

    /// The mean squared error `(t - y)^2` over the examples, for each output of the layer that
    /// [`solve`](Self::solve) returns; zeros before the first example.
    ///
    /// It is too small if `solve` fails because of a dependent input. It is NaN if the square of an
    /// error overflows, beyond 1.8e19 in `f32`, which does not affect `solve`.
    #[must_use]
    pub fn mean_squared_error(&self) -> [T; OUT] {
        values(&self.squared_error)
    }

    /// The layer with the least squared error. Costs `IN (IN - 1) OUT / 2` multiplications.
    ///
    /// # Errors
    ///
    /// - [`LeastSquaresError::TooFewExamples`]: fewer than `IN + 1`.
    /// - [`LeastSquaresError::Dependent`]: an input is a linear combination of the inputs before it
    ///   and a constant, up to rounding: the remainder is at most `IN + 16` epsilons of the input's
    ///   magnitude (the largest element in its column of `R`, or its mean times `sqrt(count)`).
    ///   [`minimum_norm`](Self::minimum_norm) still has a solution.
    /// - [`LeastSquaresError::NotFinite`]: an intermediate result overflowed.
    pub fn solve(&self) -> Result<Dense<IN, OUT, Identity, T>, LeastSquaresError> {
        let expected = u32::try_from(IN).unwrap_or(u32::MAX).saturating_add(1);
        self.expect_examples(expected)?;
        if let Some(input) = (0..IN).find(|&input| self.is_dependent(input)) {
            return Err(LeastSquaresError::Dependent { input });
        }
        let mut weights = [[T::ZERO; OUT]; IN];
        // Back substitution.
        for (i, (row, targets)) in self.factor.iter().zip(&self.targets).enumerate().rev() {
            let mut sum = values(targets);
            let mut diagonal = T::ONE;
            for (j, (r, known)) in values(row).into_iter().zip(&weights).enumerate().skip(i) {
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

    /// The layer with these weights, and the bias that gives its outputs the mean of the targets.
    fn with_bias(
        &self,
        weights: [[T; OUT]; IN],
    ) -> Result<Dense<IN, OUT, Identity, T>, LeastSquaresError> {
        let (inputs, mut bias) = self.means();
        for (weights, mean) in weights.iter().zip(inputs) {
            bias.iter_mut().zip(weights).for_each(|(bias, &weight)| *bias -= weight * mean);
        }
        if weights.as_flattened().iter().chain(&bias).all(|value| value.is_finite()) {
            Ok(Dense::new(weights, bias))
        } else {
            Err(LeastSquaresError::NotFinite)
        }
    }

    fn means(&self) -> ([T; IN], [T; OUT]) {
        (values(&self.means.0), values(&self.means.1))
    }

    const fn expect_examples(&self, expected: u32) -> Result<(), LeastSquaresError> {
        let too_few = LeastSquaresError::TooFewExamples { expected, found: self.count };
        if self.count < expected { Err(too_few) } else { Ok(()) }
    }

    /// Bound on the rounding error of 0, relative to the values it is computed from.
    ///
    /// Measured for sums of up to 31 inputs with means up to 100 times their deviations: up to 7.5
    /// epsilons for 31 inputs and 2 for two, however many examples there are.
    fn rounding() -> T {
        let inputs = u32::try_from(IN).unwrap_or(u32::MAX);
        T::from_u32(inputs.saturating_add(16)) * T::EPSILON
    }

    /// Effect on `R` of rounding the mean of an input, in units of [`rounding`](Self::rounding).
    fn size_of_mean(&self, mean: T) -> T {
        mean.abs() * T::from_u32(self.count).sqrt()
    }

    fn is_dependent(&self, input: usize) -> bool {
        let mut diagonal = T::ZERO;
        let mean = self.means.0.get(input).map_or(T::ZERO, DoubleWord::value);
        let mut size = self.size_of_mean(mean);
        for row in self.factor.iter().take(input.saturating_add(1)) {
            diagonal = row.get(input).map_or(T::ZERO, |r| r.value().abs());
            size = larger(size, diagonal);
        }
        diagonal <= Self::rounding() * size
    }
}

impl<const IN: usize, const OUT: usize, T: Scalar + RealField> LeastSquares<IN, OUT, T> {
    /// The minimum-norm solution: among the layers with the least squared error, the one with the
    /// least sum of squared weights (without the bias), for dependent inputs or fewer examples than
    /// inputs.
    ///
    /// It is the solution of scikit-learn's `LinearRegression`, and of `numpy.linalg.lstsq` for
    /// centred examples, by a complete orthogonal decomposition as in LAPACK's `gelsy`: a QR
    /// decomposition of `R` with pivoting, truncated where the remainder of every input is at most
    /// `IN + 16` epsilons of the largest element, and a second one of the remaining rows,
    /// transposed. So the number of operations is bounded, of the order of `IN^3`; it takes about
    /// `5 IN^2 + 3 IN OUT` scalars of stack. `nalgebra` supports it for up to 127 inputs.
    ///
    /// ```
    /// use gradlet::{linear::{LeastSquares, LeastSquaresError}, prelude::*};
    ///
    /// // The same input twice, and a constant one.
    /// let mut fit = LeastSquares::<3, 1>::new();
    /// for x in [1.0, 2.0, 4.0, 5.0] {
    ///     fit.observe(&[x, x, 7.0], &[3.0 * x + 1.0])?;
    /// }
    /// assert_eq!(fit.solve(), Err(LeastSquaresError::Dependent { input: 1 }));
    /// let layer = fit.minimum_norm()?;
    /// let [row] = layer.rows();
    /// assert!((row[0] - 1.5).abs() < 1e-5 && (row[1] - 1.5).abs() < 1e-5);
    /// assert_eq!(row[2], 0.0);
    /// assert!((layer.bias()[0] - 1.0).abs() < 1e-5);
    /// # Ok::<(), LeastSquaresError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`LeastSquaresError::TooFewExamples`] before the first example,
    /// [`LeastSquaresError::NotFinite`] if an intermediate result overflowed.
    pub fn minimum_norm(&self) -> Result<Dense<IN, OUT, Identity, T>, LeastSquaresError>
    where
        Const<IN>: DimMin<Const<IN>, Output = Const<IN>>,
    {
        self.expect_examples(1)?;
        let largest = |values: &[T]| {
            values.iter().map(|&v| crate::number::Number::abs(v)).fold(T::ZERO, larger)
        };
        let factor = self.factor.each_ref().map(values);
        let size = largest(factor.as_flattened());
        if size == T::ZERO {
            // All inputs are constant.
            return self.with_bias([[T::ZERO; OUT]; IN]);
        }
        let means = self.size_of_mean(largest(&self.means().0));
        let noise = Self::rounding() * larger(T::ONE, means / size);

        // R P = Q S, scaled to elements up to 1. Row-major here, column-major in `nalgebra`.
        let factor = SMatrix::from_array_storage(ArrayStorage(factor)).transpose();
        let pivoted = ColPivQR::new(factor.unscale(size));
        let targets = self.targets.each_ref().map(values);
        let mut weights = SMatrix::from_array_storage(ArrayStorage(targets)).transpose();
        weights.unscale_mut(size);
        pivoted.q_tr_mul(&mut weights);
        let s = pivoted.r();
        let rank = s.diagonal().iter().take_while(|&&pivot| pivot > noise).count();

        // The rows of S within its rank are U^T Z^T: solve for U^T, rotate by Z.
        let mut kept = s.transpose();
        kept.columns_range_mut(rank..).fill(T::ZERO);
        let turned = QR::new(kept);
        weights.rows_range_mut(rank..).fill(T::ZERO);
        let mut known = weights.rows_range_mut(..rank);
        turned.r().view_range(..rank, ..rank).tr_solve_upper_triangular_mut(&mut known);
        let mut weights = turned.q().mul(weights);
        pivoted.p().inv_permute_rows(&mut weights);
        self.with_bias(weights.transpose().data.0)
    }
}

default_is_new!([const IN: usize, const OUT: usize, T: Scalar] LeastSquares<IN, OUT, T>);

pub(super) fn larger<T: Scalar>(a: T, b: T) -> T {
    if a < b { b } else { a }
}

/// Adds `x` to the means, now of `count` samples; returns its distances from the old means, if
/// finite.
fn centred<T: Scalar, const K: usize>(
    x: &[T; K],
    means: &mut [DoubleWord<T>; K],
    count: T,
) -> Result<[T; K], LeastSquaresError> {
    let mut distances = *x;
    for (x, mean) in distances.iter_mut().zip(means) {
        *x = mean.observe(*x, count);
        if !x.is_finite() {
            return Err(LeastSquaresError::NotFinite);
        }
    }
    Ok(distances)
}

fn values<T: Scalar, const K: usize>(numbers: &[DoubleWord<T>; K]) -> [T; K] {
    numbers.each_ref().map(DoubleWord::value)
}

/// A Givens rotation of two rows, by the sine and the tangent of half of the angle, as in Numerical
/// Recipes, section 11.1.
///
/// Against a row that has grown over many examples the angle is so small that its cosine rounds
/// to 1. The change of the row is still computed to full accuracy.
struct Rotation<T> {
    sine: T,
    half_tangent: T,
}

impl<T: Scalar> Rotation<T> {
    /// The rotation that makes `b` zero, if it is not.
    ///
    /// Only a ratio of at most 1 is squared, so nothing overflows.
    fn of(a: T, b: T) -> Option<Self> {
        if b == T::ZERO {
            return None;
        }
        let (cosine, sine) = if b.abs() < a.abs() {
            let tangent = b / a;
            let cosine = T::ONE / (T::ONE + tangent * tangent).sqrt();
            (cosine, tangent * cosine)
        } else {
            let cotangent = a / b;
            let sine = T::ONE / (T::ONE + cotangent * cotangent).sqrt();
            (cotangent * sine, sine)
        };
        Some(Self { sine, half_tangent: sine / (T::ONE + cosine) })
    }

    fn apply(&self, row: &mut [DoubleWord<T>], other: &mut [T]) {
        let Self { sine, half_tangent } = *self;
        for (a, b) in row.iter_mut().zip(other) {
            let old = a.value();
            a.add(sine * (*b - half_tangent * old));
            *b -= sine * (old + half_tangent * *b);
        }
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "tests may panic")]
mod tests {
    use super::*;

    #[test]
    fn more_examples_than_can_be_counted_are_refused() {
        let mut fit = LeastSquares::<1, 1> { count: u32::MAX - 1, ..LeastSquares::new() };
        assert_eq!(fit.observe(&[2.0], &[1.0]), Ok(()));
        let before = fit.clone();
        assert_eq!(fit.observe(&[2.0], &[1.0]), Err(LeastSquaresError::TooManyExamples));
        assert_eq!((fit.count(), &fit), (u32::MAX, &before));
    }

    /// The layer and its error after `before` examples of one slope, as if they had come 1,024
    /// times over, and then 2^19 of another slope.
    fn after_a_change<T: Scalar>(before: u32, numbers: fn(u16) -> T) -> ([T; 2], [T; 1], [T; 1]) {
        let mut fit = LeastSquares::<2, 1, T>::new();
        let mut state = 1_u64;
        let mut random = || {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            numbers((state >> 48) as u16)
        };
        let mut observe = |fit: &mut LeastSquares<2, 1, T>, slope: T| {
            let (x, z, noise) = (random() + T::from_u32(20), random(), random());
            assert_eq!(fit.observe(&[x, z], &[slope * x - z + T::ONE + noise]), Ok(()));
        };
        for _ in 0..before {
            observe(&mut fit, T::ONE);
        }
        fit.count *= 1024;
        for sum in fit.factor.as_flattened_mut().iter_mut().chain(fit.targets.as_flattened_mut()) {
            sum.scale(T::from_u32(32));
        }
        for _ in 0..1 << 19 {
            observe(&mut fit, T::from_u32(2));
        }
        let layer = fit.solve().unwrap();
        let [[x], [z]] = *layer.weights();
        ([x, z], *layer.bias(), fit.mean_squared_error())
    }

    #[test]
    fn a_change_after_billions_of_examples_is_seen() {
        let single = |bits| f32::from(bits) / 65_536.0 - 0.5;
        let double = |bits| f64::from(bits) / 65_536.0 - 0.5;
        for before in [1 << 18, 1 << 20, (1 << 22) - (1 << 10)] {
            let (weights, bias, error) = after_a_change(before, double);
            let (got_weights, got_bias, got_error) = after_a_change(before, single);
            let want = [weights[0], weights[1], error[0]];
            let got = [got_weights[0], got_weights[1], got_error[0]];
            for (got, want) in got.into_iter().zip(want) {
                assert!((f64::from(got) / want - 1.0).abs() < 1e-5, "{before}: {got} {want}");
            }
            // A mean of 20 times the slope was subtracted.
            assert!(
                (f64::from(got_bias[0]) - bias[0]).abs() < 1e-4,
                "{before}: {got_bias:?} {bias:?}"
            );
        }
    }

    #[test]
    fn mean_squared_error_of_millions_is_right() {
        // A constant fit has an error of 0.1 at each target.
        let mut fit = LeastSquares::<0, 1>::new();
        for k in 0..1 << 22 {
            assert_eq!(fit.observe(&[], &[if k % 2 == 0 { 20.1 } else { 19.9 }]), Ok(()));
        }
        let [error] = fit.mean_squared_error();
        assert!((error - 0.01).abs() < 1e-6, "{error}");
    }
}
