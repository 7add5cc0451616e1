//! Weights as `nalgebra` matrices.
//!
//! `[[T; OUT]; IN]` has the memory layout of an `SMatrix<T, OUT, IN>`, which is column-major.

use nalgebra::{
    ArrayStorage, SMatrix, SMatrixView, SMatrixViewMut, SVector, SVectorView, SVectorViewMut,
};

use crate::activation::Activation;
use crate::layer::Dense;
use crate::scalar::Scalar;

/// With feature `nalgebra-v0.35`: zero-copy views, and conversions; see [`linear`](crate::linear).
impl<const IN: usize, const OUT: usize, A: Activation<T>, T: Scalar> Dense<IN, OUT, A, T> {
    /// Zero-copy view of the weights as a matrix, one row for each unit.
    ///
    /// ```
    /// use gradlet::prelude::*;
    /// use nalgebra::Vector2;
    ///
    /// let layer = Dense::<2, 3, Identity>::from_rows([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], [0.5; 3]);
    /// let (w, b) = (layer.weights_view(), layer.bias_view());
    /// assert_eq!((w.shape(), w[(2, 1)]), ((3, 2), 6.0));
    /// let y = w * Vector2::new(10.0, 100.0) + b;
    /// assert_eq!(y.as_slice(), layer.forward(&[10.0, 100.0]));
    /// assert_eq!(w.as_ptr(), layer.weights().as_flattened().as_ptr());
    /// ```
    #[must_use]
    pub fn weights_view(&self) -> SMatrixView<'_, T, OUT, IN> {
        SMatrixView::from_slice(self.weights().as_flattened())
    }

    /// Mutable zero-copy view of the weights as a matrix.
    ///
    /// ```
    /// use gradlet::prelude::*;
    /// use nalgebra::Matrix2;
    ///
    /// // A linear layer composed with another: W := W R.
    /// let mut layer = Dense::<2, 1, Identity>::from_rows([[1.0, 2.0]], [0.0]);
    /// let turned = layer.weights_view() * Matrix2::new(0.0, -1.0, 1.0, 0.0);
    /// layer.weights_view_mut().copy_from(&turned);
    /// assert_eq!(layer.rows(), [[2.0, -1.0]]);
    /// ```
    #[must_use]
    pub fn weights_view_mut(&mut self) -> SMatrixViewMut<'_, T, OUT, IN> {
        SMatrixViewMut::from_slice(self.weights_mut().as_flattened_mut())
    }

    /// Zero-copy view of the biases as a vector.
    #[must_use]
    pub fn bias_view(&self) -> SVectorView<'_, T, OUT> {
        SVectorView::from_slice(self.bias())
    }

    /// Mutable zero-copy view of the biases as a vector.
    #[must_use]
    pub fn bias_view_mut(&mut self) -> SVectorViewMut<'_, T, OUT> {
        SVectorViewMut::from_slice(self.bias_mut())
    }

    /// A layer from a matrix with one row for each unit, and the biases.
    ///
    /// ```
    /// use gradlet::prelude::*;
    /// use nalgebra::{RowVector2, Vector1};
    ///
    /// let (w, b) = (RowVector2::new(3.0, 4.0), Vector1::new(5.0));
    /// let layer = Dense::<2, 1, Identity>::from_matrix(w, b);
    /// assert_eq!(layer.forward(&[1.0, 2.0]), [16.0]);
    /// assert_eq!(layer.to_matrix(), (w, b));
    /// ```
    #[must_use]
    pub fn from_matrix(weights: SMatrix<T, OUT, IN>, bias: SVector<T, OUT>) -> Self {
        let ArrayStorage([bias]) = bias.data;
        Self::new(weights.data.0, bias)
    }

    /// Copies of the weights, as a matrix with one row for each unit, and of the biases.
    #[must_use]
    pub fn to_matrix(&self) -> (SMatrix<T, OUT, IN>, SVector<T, OUT>) {
        let weights = SMatrix::from_array_storage(ArrayStorage(*self.weights()));
        (weights, SVector::from_array_storage(ArrayStorage([*self.bias()])))
    }
}
