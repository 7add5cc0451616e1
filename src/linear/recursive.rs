//! Online linear regression: recursive least squares (RLS).

use core::mem;

use super::RecursiveLeastSquaresError;
use super::least_squares::larger;
use crate::activation::Identity;
use crate::layer::{Dense, Layer};
use crate::scalar::Scalar;

/// Recursive least squares (RLS): online training of a linear layer; after each step it has the
/// least squared error on all examples so far.
///
/// With the input and a 1 for the bias, `phi = [x; 1]`, a step computes
///
/// ```text
/// k = P phi / (forgetting + phi^T P phi)
/// W = W + (t - W phi) k^T
/// P = (P - k phi^T P) / forgetting         P = I / regularisation at first
/// ```
///
/// (Haykin, Adaptive Filter Theory, chapter on the RLS algorithm). After `n` steps from a layer
/// with the weights `W_0`, including the biases, `W` minimises, up to rounding,
///
/// ```text
/// sum forgetting^(n - i) |t_i - W phi_i|^2  +  forgetting^n regularisation |W - W_0|^2
/// ```
///
/// So with a forgetting factor of 1 and a layer that starts at zero it is ridge regression, which
/// penalises the bias too; from a pretrained layer, a larger regularisation makes the weights move
/// away more slowly. Its unit is that of a squared input. With a factor below 1 the layer adapts to
/// data that drifts: it averages over about `1 / (1 - forgetting)` examples.
///
/// # How it is computed
///
/// `P` is stored as `U D U^T`, with ones on the diagonal of the upper triangular `U` and a diagonal
/// `D`, and these are updated (Bierman, Factorization Methods for Discrete Sequential Estimation,
/// 1977, chapter V). So `P` is symmetric and positive definite whatever the rounding.
///
/// Memory is `IN (IN + 1) + 3` scalars, and `2 IN` of stack. A step costs `IN + 2` divisions and
/// about `3/2 (IN + 1)^2 + 2 (IN + 1) OUT` multiplications.
///
/// # Covariance wind-up
///
/// If inputs do not vary for a long time, plain RLS with forgetting winds up: `P` grows by
/// `1 / forgetting` each step, until the next example throws the weights far off and finally the
/// values overflow. Here no element of `D` grows above `256 / regularisation`, 256 times its
/// initial value, as if an example had confirmed the current weight, so the elements of `P` stay
/// bounded. Directions in which the inputs do vary are forgotten as usual: however long the inputs
/// stood still, the layer then follows new examples as in the formula above.
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
    /// `U` by columns, with `D` in place of the ones on its diagonal and zeros below.
    inputs: [[T; IN]; IN],
    /// The last column of `U`, that of the bias, and its element of `D`.
    bias: ([T; IN], T),
    forgetting: T,
    /// The upper bound of `D`.
    limit: T,
}

impl<const IN: usize, T: Scalar> RecursiveLeastSquares<IN, T> {
    /// The upper bound of `D`, in units of its initial value.
    const GROWTH: u32 = 256;

    /// Creates the initial state, before any example.
    ///
    /// # Errors
    ///
    /// [`RecursiveLeastSquaresError`] unless `regularisation` is positive and finite (and not so
    /// small that values derived from it overflow), and `forgetting` is greater than 0 and at most
    /// 1.
    pub fn new(regularisation: T, forgetting: T) -> Result<Self, RecursiveLeastSquaresError> {
        let limit = T::from_u32(Self::GROWTH) / regularisation;
        let largest = limit / (T::EPSILON * T::EPSILON);
        if !(regularisation > T::ZERO && regularisation.is_finite() && largest.is_finite()) {
            return Err(RecursiveLeastSquaresError::Regularisation);
        }
        if !(forgetting > T::ZERO && forgetting <= T::ONE) {
            return Err(RecursiveLeastSquaresError::Forgetting);
        }
        let variance = T::ONE / regularisation;
        let mut inputs = [[T::ZERO; IN]; IN];
        for (i, column) in inputs.iter_mut().enumerate() {
            column.iter_mut().skip(i).take(1).for_each(|diagonal| *diagonal = variance);
        }
        Ok(Self { inputs, bias: ([T::ZERO; IN], variance), forgetting, limit })
    }

    /// One step; returns the loss before it, `1/2 sum (y - t)^2`, as a [`Trainer`](crate::Trainer)
    /// with [`HalfSquaredError`](crate::HalfSquaredError) does.
    ///
    /// Use the same `layer` in all steps. If a value in `x`, in `t` or in the layer is NaN or
    /// infinite, or its square overflows, the result is NaN, and nothing has changed. If a new
    /// weight would overflow, it stays as it is, and the result is infinite.
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
        let (f, f_of_bias) = self.projection(x);
        if !(loss.is_finite() && f_of_bias.alpha.is_finite()) {
            return T::NAN;
        }
        let mut products = [T::ZERO; IN];
        let mut sweep = Sweep::new(self.forgetting, self.limit);
        for (i, (column, f)) in self.inputs.iter_mut().zip(f).enumerate() {
            let column = column.get_mut(..=i).and_then(<[T]>::split_last_mut);
            let (before, here) = products.split_at_mut_checked(i).unwrap_or_default();
            if let (Some((variance, column)), Some(product)) = (column, here.first_mut()) {
                *product = sweep.update(column, variance, f, before);
            }
        }
        let (column, variance) = &mut self.bias;
        let product = sweep.update(column, variance, f_of_bias, &mut products);
        let weights = layer.weights_mut().iter_mut().zip(products);
        let finite = weights.fold(true, |finite, (weights, product)| {
            learn(weights, product * sweep.inverse, &errors) && finite
        });
        if learn(layer.bias_mut(), product * sweep.inverse, &errors) && finite {
            loss
        } else {
            T::INFINITY
        }
    }

    /// `f = U^T phi`, for the inputs and for the bias.
    fn projection(&self, x: &[T; IN]) -> ([Projection<T>; IN], Projection<T>) {
        let mut alpha = self.forgetting;
        let mut project = |own: T, column: &[T], variance: T| {
            let f = column.iter().zip(x).fold(own, |f, (&u, &x)| f + u * x);
            alpha += variance * f * f;
            Projection { f, alpha }
        };
        let mut inputs = x.map(|f| Projection { f, alpha: T::ZERO });
        for (i, (input, column)) in inputs.iter_mut().zip(&self.inputs).enumerate() {
            if let Some((&variance, column)) = column.get(..=i).and_then(<[T]>::split_last) {
                *input = project(input.f, column, variance);
            }
        }
        let (column, variance) = &self.bias;
        (inputs, project(T::ONE, column, *variance))
    }
}

/// The projection of an input onto a column of `U`.
struct Projection<T> {
    f: T,
    /// The sum of `forgetting` and of `D f^2` of the columns up to this one.
    alpha: T,
}

/// `weights + gain * errors`, where it is finite; returns whether all of it is.
fn learn<T: Scalar, const OUT: usize>(weights: &mut [T; OUT], gain: T, errors: &[T; OUT]) -> bool {
    let mut finite = true;
    for (weight, &error) in weights.iter_mut().zip(errors) {
        let new = *weight + gain * error;
        if new.is_finite() {
            *weight = new;
        } else {
            finite = false;
        }
    }
    finite
}

/// The state of a pass over the columns of `U`.
struct Sweep<T> {
    /// `alpha` of the column before.
    alpha: T,
    /// `1 / alpha`.
    inverse: T,
    /// `1 / forgetting`.
    growth: T,
    limit: T,
}

impl<T: Scalar> Sweep<T> {
    fn new(forgetting: T, limit: T) -> Self {
        let growth = T::ONE / forgetting;
        Self { alpha: forgetting, inverse: growth, growth, limit }
    }

    /// Updates a column of `U`, its element of `D`, and the sum `P phi` over the columns so far;
    /// returns the first term of this column.
    fn update(
        &mut self,
        column: &mut [T],
        variance: &mut T,
        Projection { f, alpha }: Projection<T>,
        products: &mut [T],
    ) -> T {
        let (product, ratio) = (*variance * f, f * self.inverse);
        let before = mem::replace(&mut self.alpha, alpha);
        self.inverse = T::ONE / alpha;
        let grown = *variance * (before * self.inverse) * self.growth;
        let bounded = if grown < self.limit { grown } else { self.limit };
        *variance = larger(bounded, T::MIN_POSITIVE);
        let mut size = T::ZERO;
        for (u, known) in column.iter_mut().zip(products) {
            let old = *u;
            *u -= ratio * *known;
            *known += product * old;
            size += u.abs();
        }
        // Otherwise one input is lost in the rounding of another. `P` is positive definite with any
        // column.
        let sensible = size * T::EPSILON < T::ONE;
        if !sensible {
            column.fill(T::ZERO);
        }
        product
    }
}
