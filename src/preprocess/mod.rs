//! Feature scaling (standardisation, min-max) and its inverse.
//!
//! [`Standardize`] and [`MinMax`] observe the examples one by one and compute an offset and a scale
//! for each feature; [`Scaling`] applies them. Weights trained with one scaling are wrong with
//! another, so the scaling must be kept with them:
//!
//! - as the first layer of a network that goes on training, `net![3 => Scaling => 8 Tanh => ..]`:
//!   it is saved and loaded with the weights, but not learned;
//! - folded into the weights of a finished network, which then takes raw readings, predicts in real
//!   units, and needs no preprocessing on the device.
//!
//! ```
//! use gradlet::{prelude::*, preprocess::Standardize};
//!
//! // Degrees Celsius to degrees Fahrenheit.
//! let examples = [([10.0], [50.0]), ([20.0], [68.0]), ([30.0], [86.0])];
//! let (mut inputs, mut targets) = (Standardize::new(), Standardize::new());
//! for (x, t) in &examples {
//!     inputs.observe(x);
//!     targets.observe(t);
//! }
//! let (inputs, targets) = (inputs.scaling(), targets.scaling());
//!
//! type Net = Dense<1, 1, Identity>;
//! let mut net = Net::ZERO;
//! let mut trainer = Trainer::<Net, HalfSquaredError, Sgd>::new();
//! for (x, t) in examples.iter().cycle().take(100) {
//!     let sgd = Sgd { learning_rate: 0.2 };
//!     trainer.step(&mut net, &sgd, &inputs.transform(x), &targets.transform(t));
//! }
//! inputs.fold_into(&mut net);
//! targets.fold_into_output(&mut net);
//! assert!((net.forward(&[100.0])[0] - 212.0).abs() < 1e-3);
//! assert!((net.weights()[0][0] - 1.8).abs() < 1e-4);
//! assert!((net.bias()[0] - 32.0).abs() < 1e-3);
//! ```

mod scaling;

pub use scaling::Scaling;

use crate::activation::{Activation, Identity};
use crate::format::{Format, FormatValue};
use crate::layer::Dense;
use crate::macros::default_is_new;
use crate::mean::{Count, Moments};
use crate::number::Number;
use crate::scalar::Scalar;

/// The spread of a feature, or 0 if it is within the rounding error of a constant of this
/// magnitude.
fn without_rounding<T: Scalar>(spread: T, size: T) -> T {
    let rounding = T::from_u32(8) * T::EPSILON * size.abs();
    if spread > rounding { spread } else { T::ZERO }
}

/// Standardisation to mean 0 and variance 1: `z = (x - mean) / sqrt(variance)`, with the mean and
/// variance of each of `N` features computed one example at a time.
///
/// Welford's method, Technometrics 4 (1962), which needs one pass and does not lose precision where
/// the mean is large. Accumulated in double-word arithmetic: the relative error of both is at most
/// 1e-5 for 2^32 examples. The variance is that of the examples (divided by their number, as in
/// scikit-learn). Before the first example values are unchanged.
///
/// Squares underflow: in `f32`, a deviation below 1e-19 loses digits, and one below 1e-23 is 0.
/// Scale such values by a power of two first.
///
/// A feature with a deviation of up to 8 epsilons of its mean (1e-6 of it in `f32`) counts as
/// constant, and becomes its distance from the mean; [`Scaling::with_floor`] sets a limit for each.
///
/// [`transform`](Self::transform) takes `N` square roots in each call, [`scaling`](Self::scaling)
/// takes them once.
///
/// ```
/// use gradlet::preprocess::Standardize;
///
/// let mut statistics = Standardize::<2>::new();
/// for x in [[1.0, 7.0], [3.0, 7.0], [5.0, 7.0], [7.0, 7.0]] {
///     statistics.observe(&x);
/// }
/// assert_eq!(statistics.mean(), [4.0, 7.0]);
/// assert_eq!(statistics.variance(), [5.0, 0.0]);
/// let z = statistics.transform(&[9.0, 8.0]);
/// assert_eq!(z, [5.0 / 5.0_f32.sqrt(), 1.0]);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Standardize<const N: usize, T = f32> {
    count: Count,
    features: [Moments<T>; N],
}

impl<const N: usize, T: Number> Standardize<N, T> {
    /// No examples yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { count: Count::ZERO, features: [Moments::ZERO; N] }
    }

    /// For a signal that changes over the years: only about the last `MEMORY` examples count.
    ///
    /// Up to `MEMORY` examples, the statistics are those of [`new`](Self::new). Then they are
    /// exponentially weighted, with a time constant of `MEMORY` examples (Finch, Incremental
    /// calculation of weighted mean and variance, 2009, equations 124 and 143):
    /// ```text
    /// mean'     = mean + (x - mean) / MEMORY
    /// variance' = (1 - 1 / MEMORY) (variance + (x - mean)^2 / MEMORY)
    /// ```
    ///
    /// ```
    /// use gradlet::preprocess::Standardize;
    ///
    /// let (mut all, mut last) = (Standardize::<1>::new(), Standardize::with_memory::<100>());
    /// for i in 0..1000_u16 {
    ///     let x = [if i < 500 { 10.0 } else { 20.0 }];
    ///     all.observe(&x);
    ///     last.observe(&x);
    /// }
    /// assert_eq!(all.mean(), [15.0]);
    /// assert!((last.mean()[0] - 19.93).abs() < 0.01); // 20 - 10 (1 - 1 / 100)^500
    /// ```
    ///
    /// One example has no variance, so a `MEMORY` below 2 does not compile:
    ///
    /// ```compile_fail,E0080
    /// gradlet::preprocess::Standardize::<1>::with_memory::<1>();
    /// ```
    #[must_use]
    pub const fn with_memory<const MEMORY: u32>() -> Self {
        Self { count: Count::with_memory::<MEMORY>(), features: [Moments::ZERO; N] }
    }

    /// Adds one example, unless one of its values is NaN or infinite, or so large that a squared
    /// difference would overflow (9.2e18 in `f32`); returns whether it was added.
    pub fn observe(&mut self, x: &[T; N]) -> bool {
        let in_range = x.iter().copied().all(Moments::is_in_range);
        if in_range {
            let count = self.count.next();
            for (&x, moments) in x.iter().zip(&mut self.features) {
                moments.observe(x, count);
            }
        }
        in_range
    }

    /// Number of examples; it stops at `u32::MAX`, and from then on older ones count for less.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count.samples()
    }

    /// The mean of each feature; zeros before the first example.
    #[must_use]
    pub fn mean(&self) -> [T; N] {
        self.features.each_ref().map(|moments| moments.mean.value())
    }

    /// The variance of each feature, in its unit squared; zeros before the first example.
    #[must_use]
    pub fn variance(&self) -> [T; N] {
        self.features.each_ref().map(|moments| moments.variance.value())
    }
}

impl<const N: usize, T: Scalar> Standardize<N, T> {
    /// The current scaling: mean and standard deviation.
    #[must_use]
    pub fn scaling(&self) -> Scaling<N, T> {
        let mean = self.mean();
        let mut deviation = self.variance().map(T::sqrt);
        for (deviation, &mean) in deviation.iter_mut().zip(&mean) {
            *deviation = without_rounding(*deviation, mean);
        }
        Scaling::new(mean, deviation)
    }

    /// `z = (x - mean) / sqrt(variance)`.
    #[must_use]
    pub fn transform(&self, x: &[T; N]) -> [T; N] {
        self.scaling().transform(x)
    }

    /// `x = z * sqrt(variance) + mean`.
    #[must_use]
    pub fn inverse(&self, z: &[T; N]) -> [T; N] {
        self.scaling().inverse(z)
    }

    /// Folds the scaling into a layer's input side: [`Scaling::fold_into`].
    pub fn fold_into<const OUT: usize, A: Activation>(&self, layer: &mut Dense<N, OUT, A, T>) {
        self.scaling().fold_into(layer);
    }

    /// Folds the scaling into a layer's output side: [`Scaling::fold_into_output`].
    pub fn fold_into_output<const IN: usize>(&self, layer: &mut Dense<IN, N, Identity, T>) {
        self.scaling().fold_into_output(layer);
    }
}

default_is_new!([const N: usize, T: Number] Standardize<N, T>);

/// Min-max scaling to the range `0..=1`: `z = (x - min) / (max - min)`, with the minimum and
/// maximum of each of `N` features found one example at a time.
///
/// For targets, this is the range of a [`Sigmoid`](crate::Sigmoid). Values beyond those observed
/// fall outside the range. Before the first example values are unchanged.
///
/// A feature with a range of up to 8 epsilons of its values (1e-6 of them in `f32`) counts as
/// constant, and becomes its distance from the minimum; [`Scaling::with_floor`] sets a limit for
/// each.
///
/// ```
/// use gradlet::preprocess::MinMax;
///
/// let mut range = MinMax::<2>::new();
/// for x in [[1.0, 7.0], [3.0, 7.0], [5.0, 7.0]] {
///     range.observe(&x);
/// }
/// assert_eq!((range.min(), range.max()), (&[1.0, 7.0], &[5.0, 7.0]));
/// assert_eq!(range.transform(&[4.0, 7.0]), [0.75, 0.0]);
/// assert_eq!(range.inverse(&[0.75, 0.0]), [4.0, 7.0]);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct MinMax<const N: usize, T = f32> {
    count: u32,
    min: [T; N],
    max: [T; N],
}

impl<const N: usize, T: Scalar> MinMax<N, T> {
    /// No examples yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { count: 0, min: [T::ZERO; N], max: [T::ZERO; N] }
    }

    /// Adds one example, unless one of its values is NaN or infinite, or too large, as in
    /// [`Standardize::observe`]; returns whether it was added.
    pub fn observe(&mut self, x: &[T; N]) -> bool {
        let in_range = x.iter().copied().all(Moments::is_in_range);
        if in_range {
            for ((&x, min), max) in x.iter().zip(&mut self.min).zip(&mut self.max) {
                if self.count == 0 || x < *min {
                    *min = x;
                }
                if self.count == 0 || x > *max {
                    *max = x;
                }
            }
            self.count = self.count.saturating_add(1);
        }
        in_range
    }

    /// Number of examples; it stops at `u32::MAX`.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// The minimum of each feature; zeros before the first example.
    #[must_use]
    pub const fn min(&self) -> &[T; N] {
        &self.min
    }

    /// The maximum of each feature; zeros before the first example.
    #[must_use]
    pub const fn max(&self) -> &[T; N] {
        &self.max
    }

    /// The current scaling: the minimum and the width of the range.
    #[must_use]
    pub fn scaling(&self) -> Scaling<N, T> {
        let mut width = self.max;
        for (width, &min) in width.iter_mut().zip(&self.min) {
            let range = without_rounding(*width - min, min);
            *width = without_rounding(range, *width);
        }
        Scaling::new(self.min, width)
    }

    /// `z = (x - min) / (max - min)`.
    #[must_use]
    pub fn transform(&self, x: &[T; N]) -> [T; N] {
        self.scaling().transform(x)
    }

    /// `x = z * (max - min) + min`.
    #[must_use]
    pub fn inverse(&self, z: &[T; N]) -> [T; N] {
        self.scaling().inverse(z)
    }

    /// Folds the scaling into a layer's input side: [`Scaling::fold_into`].
    pub fn fold_into<const OUT: usize, A: Activation>(&self, layer: &mut Dense<N, OUT, A, T>) {
        self.scaling().fold_into(layer);
    }

    /// Folds the scaling into a layer's output side: [`Scaling::fold_into_output`].
    pub fn fold_into_output<const IN: usize>(&self, layer: &mut Dense<IN, N, Identity, T>) {
        self.scaling().fold_into_output(layer);
    }
}

default_is_new!([const N: usize, T: Scalar] MinMax<N, T>);

/// One-hot label of a class: 1 at its index, 0 elsewhere; `None` if there is no such class.
///
/// ```
/// use gradlet::preprocess::one_hot;
///
/// assert_eq!(one_hot::<3, f32>(1), Some([0.0, 1.0, 0.0]));
/// assert_eq!(one_hot::<3, f32>(3), None);
/// assert_eq!(one_hot(0), Some(gradlet::Q12::array([1.0, 0.0]))); // in fixed point
/// ```
#[must_use]
pub fn one_hot<const N: usize, T: FormatValue>(class: usize) -> Option<[T; N]> {
    let mut target = [T::ZERO; N];
    *target.get_mut(class)? = T::Format::BIAS_INPUT;
    Some(target)
}
