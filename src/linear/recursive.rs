//! Least squares of a layer that answers all the time.

use super::error::RecursiveLeastSquaresError;
use crate::activation::Identity;
use crate::layer::{Dense, Layer};
use crate::scalar::Scalar;

/// Trains a linear layer one example at a time, each step to the least squared error on all examples
/// so far: recursive least squares.
///
/// With the input and a 1 for the bias, `phi = [x; 1]`, a step computes
///
/// ```text
/// k = P phi / (forgetting + phi^T P phi)
/// W = W + (t - W phi) k^T
/// P = (P - k phi^T P) / forgetting         P = I / regularisation at first
/// ```
///
/// (Haykin, Adaptive Filter Theory, chapter on the RLS algorithm). After `n` steps, from a layer
/// with the weights `W_0` (biases among them), `W` is up to rounding the one that minimises
///
/// ```text
/// sum forgetting^(n - i) |t_i - W phi_i|^2  +  forgetting^n regularisation |W - W_0|^2
/// ```
///
/// So with a forgetting factor of 1 and a layer that starts at zero it is ridge regression, of the
/// bias too; a layer that was trained elsewhere is left the more slowly, the larger the
/// regularisation is. Its unit is that of a squared input. With a factor below 1 the layer follows a
/// world that changes: it remembers about `1 / (1 - forgetting)` examples.
///
/// # How it is computed
///
/// `P` is kept as `S S^T`, and `S` is what is updated (Potter; Bierman, Factorization Methods for
/// Discrete Sequential Estimation, 1977). So `P` is symmetric and positive semidefinite whatever the
/// rounding.
///
/// Memory is `(IN + 1)^2 + 3` numbers. A step costs two square roots, `IN + 4` divisions and about
/// `4 (IN + 1)^2 + 2 (IN + 1) OUT` multiplications; `(IN + 1)^2` more if it forgets.
///
/// # When nothing new comes
///
/// If inputs do not vary for a long time, a layer that forgets knows less and less about them: `P`
/// grows by `1 / forgetting` each step, until the next example throws the weights anywhere and at
/// last the numbers overflow. Here, nothing is forgotten in a step that begins with a trace of `P`
/// above `(IN + 1) / (regularisation * sqrt(epsilon))`, that is 2,900 (`f32`) or 67 million (`f64`)
/// times as much as at first.
///
/// # The last layer of a network
///
/// ```
/// use gradlet::{linear::RecursiveLeastSquares, prelude::*};
///
/// static FEATURES: Dense<1, 3, Tanh> = Dense::new([[1.0, 2.0, -0.5]], [0.0, -1.0, 0.5]);
/// type Net = Chain<Frozen<&'static Dense<1, 3, Tanh>>, Dense<3, 1, Identity>>;
/// let mut net = Net::new(Frozen::new(&FEATURES), Zero::ZERO);
///
/// let mut trainer = RecursiveLeastSquares::new(1e-6, 1.0)?;
/// for i in 0..=8 {
///     let x = i as f32 / 8.0;
///     let features = net.first().forward(&[x]);
///     let loss = trainer.step(net.rest_mut(), &features, &[x * x]);
///     assert!(loss < 0.1); // before the update
/// }
/// assert!((net.forward(&[0.5])[0] - 0.25).abs() < 0.005);
/// # Ok::<(), gradlet::linear::RecursiveLeastSquaresError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct RecursiveLeastSquares<const IN: usize, T = f32> {
    /// `S`: a row for each input.
    inputs: [Row<IN, T>; IN],
    /// The row of the bias.
    bias: Row<IN, T>,
    forgetting: T,
    /// The trace of `P`.
    trace: T,
    /// Above this trace nothing is forgotten.
    enough: T,
}

/// A number for each input, and one for the bias.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
struct Row<const IN: usize, T> {
    inputs: [T; IN],
    bias: T,
}

impl<const IN: usize, T: Scalar> RecursiveLeastSquares<IN, T> {
    /// Nothing learned yet.
    ///
    /// # Errors
    ///
    /// [`RecursiveLeastSquaresError`] unless `regularisation` is positive and finite (and not so
    /// small that what follows from it overflows), and `forgetting` above 0 and at most 1.
    pub fn new(regularisation: T, forgetting: T) -> Result<Self, RecursiveLeastSquaresError> {
        let numbers = T::from_u32(u32::try_from(IN).unwrap_or(u32::MAX)) + T::ONE;
        let trace = numbers / regularisation;
        let enough = trace / T::EPSILON.sqrt();
        if !(regularisation > T::ZERO && regularisation.is_finite() && enough.is_finite()) {
            return Err(RecursiveLeastSquaresError::Regularisation);
        }
        if !(forgetting > T::ZERO && forgetting <= T::ONE) {
            return Err(RecursiveLeastSquaresError::Forgetting);
        }
        let diagonal = T::ONE / regularisation.sqrt();
        let mut inputs = [Row::ZERO; IN];
        for (i, row) in inputs.iter_mut().enumerate() {
            row.inputs.iter_mut().skip(i).take(1).for_each(|value| *value = diagonal);
        }
        let bias = Row { bias: diagonal, ..Row::ZERO };
        Ok(Self { inputs, bias, forgetting, trace, enough })
    }

    /// One step; returns the loss before it, `1/2 sum (y - t)^2`, as a [`Trainer`](crate::Trainer)
    /// with [`HalfSquaredError`](crate::HalfSquaredError) does.
    ///
    /// `layer` is the same in all steps. If a number in `x`, in `t` or in the layer is NaN or infinite,
    /// or a square of them overflows, the answer is NaN or infinite, and nothing has changed.
    ///
    /// ```
    /// use gradlet::{linear::RecursiveLeastSquares, prelude::*};
    ///
    /// let mut layer = Dense::<1, 1, Identity>::ZERO;
    /// let mut trainer = RecursiveLeastSquares::new(1e-4, 0.9)?;
    /// for (x, slope) in (0..200).map(|i| ((i % 7) as f32, if i < 100 { 2.0 } else { -3.0 })) {
    ///     trainer.step(&mut layer, &[x], &[slope * x]);
    /// }
    /// assert!((layer.weights()[0][0] + 3.0).abs() < 1e-3); // and the 2 is forgotten
    ///
    /// let before = layer.clone();
    /// assert!(trainer.step(&mut layer, &[f32::NAN], &[1.0]).is_nan());
    /// assert_eq!(layer, before);
    /// # Ok::<(), gradlet::linear::RecursiveLeastSquaresError>(())
    /// ```
    pub fn step<const OUT: usize>(
        &mut self,
        layer: &mut Dense<IN, OUT, Identity, T>,
        x: &[T; IN],
        t: &[T; OUT],
    ) -> T {
        let mut errors = *t;
        let mut loss = T::ZERO;
        for (error, y) in errors.iter_mut().zip(layer.forward(x)) {
            *error -= y;
            loss += T::HALF * *error * *error;
        }
        let f = self.projection(x);
        let forgetting = if self.trace > self.enough { T::ONE } else { self.forgetting };
        let scale = forgetting + f.dot(&f);
        if !(loss + scale).is_finite() {
            return loss + scale;
        }
        // I - f f^T / scale is the square of I - shrink f f^T.
        let shrink = T::ONE / (scale * (T::ONE + (forgetting / scale).sqrt()));
        let grow = T::ONE / forgetting.sqrt();
        let step = |row: &mut Row<IN, T>, weights: &mut [T; OUT]| {
            let product = row.dot(&f);
            let gain = product / scale;
            weights.iter_mut().zip(&errors).for_each(|(w, &error)| *w += gain * error);
            row.subtract_and_scale(shrink * product, &f, grow);
        };
        for (row, weights) in self.inputs.iter_mut().zip(layer.weights_mut()) {
            step(row, weights);
        }
        step(&mut self.bias, layer.bias_mut());
        if self.forgetting < T::ONE {
            self.trace = self.inputs.iter().map(|row| row.dot(row)).sum::<T>();
            self.trace += self.bias.dot(&self.bias);
        }
        loss
    }

    /// `f = S^T phi`.
    fn projection(&self, x: &[T; IN]) -> Row<IN, T> {
        let mut f = self.bias;
        for (row, &x) in self.inputs.iter().zip(x) {
            f.inputs.iter_mut().zip(&row.inputs).for_each(|(f, &s)| *f += s * x);
            f.bias += row.bias * x;
        }
        f
    }
}

impl<const IN: usize, T: Scalar> Row<IN, T> {
    const ZERO: Self = Self { inputs: [T::ZERO; IN], bias: T::ZERO };

    fn dot(&self, other: &Self) -> T {
        let mut sum = self.bias * other.bias;
        self.inputs.iter().zip(&other.inputs).for_each(|(&a, &b)| sum += a * b);
        sum
    }

    /// `(self - factor * other) * scale`.
    fn subtract_and_scale(&mut self, factor: T, other: &Self, scale: T) {
        for (a, &b) in self.inputs.iter_mut().zip(&other.inputs) {
            *a = (*a - factor * b) * scale;
        }
        self.bias = (self.bias - factor * other.bias) * scale;
    }
}
