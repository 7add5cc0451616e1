//! Least squares where many weights are equally good.

use core::ops::Mul as _;

use nalgebra::{ArrayStorage, ColPivQR, Const, DimMin, QR, RealField, SMatrix};

use super::error::LeastSquaresError;
use super::least_squares::{LeastSquares, larger};
use crate::activation::Identity;
use crate::layer::Dense;
use crate::scalar::Scalar;

impl<const IN: usize, const OUT: usize, T: Scalar + RealField> LeastSquares<IN, OUT, T> {
    /// Among the layers with the least squared error, the one with the least sum of squared weights,
    /// for inputs that depend on each other or fewer examples than inputs. The bias is no part of the
    /// sum.
    ///
    /// The answer of scikit-learn's `LinearRegression`, and of `numpy.linalg.lstsq` for centred
    /// examples, by a complete orthogonal decomposition as in LAPACK's `gelsy`: a QR decomposition
    /// of `R` with pivots, cut where what is left of every input is no more than `IN + 16`
    /// epsilons of the largest number there was, and a second one of what was kept, transposed. So
    /// it ends after a number of operations that is known, of the order of `IN^3`, and takes about
    /// `5 IN^2 + 3 IN OUT` numbers of stack. `nalgebra` has it for up to 127 inputs.
    ///
    /// ```
    /// use gradlet::{linear::{LeastSquares, LeastSquaresError}, prelude::*};
    ///
    /// // The same number twice, and one that never changes.
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
    /// [`LeastSquaresError::NotFinite`] if a number overflowed.
    pub fn minimum_norm(&self) -> Result<Dense<IN, OUT, Identity, T>, LeastSquaresError>
    where
        Const<IN>: DimMin<Const<IN>, Output = Const<IN>>,
    {
        self.expect_examples(1)?;
        let largest = |values: &[T]| values.iter().map(|&v| Scalar::abs(v)).fold(T::ZERO, larger);
        let factor = self.factor();
        let size = largest(factor.as_flattened());
        if size == T::ZERO {
            // No input ever changed.
            return self.with_bias([[T::ZERO; OUT]; IN]);
        }
        let means = self.size_of_mean(largest(&self.means().0));
        let noise = Self::rounding() * larger(T::ONE, means / size);

        // R P = Q S, of numbers up to 1. Rows here are columns there.
        let factor = SMatrix::from_array_storage(ArrayStorage(factor)).transpose();
        let pivoted = ColPivQR::new(factor.unscale(size));
        let mut weights = SMatrix::from_array_storage(ArrayStorage(self.targets())).transpose();
        weights.unscale_mut(size);
        pivoted.q_tr_mul(&mut weights);
        let s = pivoted.r();
        let rank = s.diagonal().iter().take_while(|&&pivot| pivot > noise).count();

        // The rows of S that count are U^T Z^T: solve for U^T, turn by Z.
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
