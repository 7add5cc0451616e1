//! SIMD activations for PCs: tanh, sigmoid and softmax of several units at once.
//!
//! [`libm`]'s functions branch on their arguments, so a compiler cannot vectorise them. The
//! functions here are branch-free: a loop over them becomes SIMD instructions, for 4, 8 or 16 units
//! each, more with `-C target-cpu=native`. Layers of four or more units gain; a single output gains
//! little, and so do microcontrollers without SIMD.
//!
//! Their results differ in the last bits from those of [`crate::Tanh`], [`crate::Sigmoid`] and
//! [`crate::Softmax`], but they too are the same on every target: they only add, multiply, divide,
//! compare and move bits. They are used in a network's type like all others:
//!
//! ```
//! use gradlet::{fast, prelude::*};
//!
//! let mut net = Mlp::<2, 3, 1, fast::Tanh, fast::Sigmoid>::new(
//!     Dense::from_rows([[0.5, -0.3], [-0.6, 0.8], [0.2, 0.9]], [0.0; 3]),
//!     Dense::from_rows([[0.6, -0.5, 0.3]], [0.0]),
//! );
//! let mut trainer = Trainer::<_, BinaryCrossEntropy, Sgd>::new();
//! let before = trainer.step(&mut net, &Sgd { learning_rate: 0.5 }, &[1.0, -1.0], &[0.0]);
//! assert!(trainer.evaluate(&net, &[1.0, -1.0], &[0.0]) < before);
//! ```
//!
//! # Accuracy
//!
//! Largest errors in units in the last place, for every `f32` and for 10 million `f64`:
//!
//! | | `f32` | `f64` |
//! |---|---:|---:|
//! | [`Tanh`] | 1.60 | 1.62 |
//! | [`Sigmoid`] | 2.41 | 2.35 |
//! | `e^x` for `x <= 0`, in [`Softmax`] | 1.00 | 1.02 |
//! | `ln(1 + x)` for `0 <= x <= 1`, in [`BinaryCrossEntropy`] | 1.32 | 1.69 |
//!
//! `cargo test --release --lib fast -- --include-ignored --nocapture` measures them, in some
//! minutes. Because of rounding, [`Tanh`] and [`Sigmoid`] are not quite monotonic: in some
//! places they fall by a unit in the last place.
//!
//! # Method
//!
//! `x = k ln 2 + r` with an integer `k` and `|r| <= ln 2 / 2`; then `e^x = 2^k e^r`, where `2^k` is
//! constructed from bits (Cody, Waite, Software Manual for the Elementary Functions, 1980). Tanh
//! uses `x = k ln 2 / 2 + r` and `h = tanh r`; then `e^2x = 2^k (1 + h) / (1 - h)`.
//! `e^r = 1 + r + r^2 q(r)`, `tanh r = r + r^3 p(r^2)` and `2 artanh s = 2 s + s^3 l(s^2)`, for the
//! logarithm, have minimax polynomials of least relative error, found by the Remez exchange
//! algorithm.
//!
//! Sums have eight interleaved partial sums: of the outputs 0, 8, 16 .., of 1, 9, 17 .., and so on;
//! these eight are added in pairs, and the remaining outputs last.

mod lanes;
#[cfg(test)]
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::arithmetic_side_effects,
    clippy::float_cmp,
    clippy::indexing_slicing,
    reason = "tests round and compare exactly"
)]
mod tests;

use lanes::{LANES, add, apply_lanes, join, max, sum, sum_of_products};

use crate::activation::{self, Activation, Elementwise, activation};
use crate::fingerprint::fingerprint;
use crate::loss::{BinaryCrossEntropy, CrossEntropy, Loss, cross_entropy, focal};
use crate::scalar::Scalar;
use crate::shape::Shape;

activation! {
    /// Logistic function `y = 1 / (1 + e^-z)`, range `0..=1`, `dy/dz = y (1 - y)`.
    ///
    /// Use it with [`BinaryCrossEntropy`], like [`crate::Sigmoid`].
    ///
    /// ```
    /// use gradlet::{Elementwise, fast::Sigmoid};
    ///
    /// assert_eq!((Sigmoid::apply(0.0), Sigmoid::derivative(0.5)), (0.5, 0.25));
    /// assert_eq!((Sigmoid::apply(-1000.0), Sigmoid::apply(1000.0)), (0.0, 1.0));
    /// ```
    Sigmoid
}
impl Elementwise for Sigmoid {
    const FINGERPRINT: u32 = fingerprint("fast::Sigmoid", &[]);

    #[inline(always)]
    fn apply<T: Scalar>(z: T) -> T {
        logistic(z, (-z.abs()).fast_exp())
    }
    #[inline(always)]
    fn apply_all<T: Scalar>(values: &mut [T]) {
        apply_lanes::<Self, T>(values);
    }
    #[inline(always)]
    fn derivative<T: Scalar>(y: T) -> T {
        y * (T::ONE - y)
    }
}

/// `1 / (1 + e^-z)`, given `power = e^-|z|`, which does not overflow.
#[inline(always)]
fn logistic<T: Scalar>(z: T, power: T) -> T {
    (if z < T::ZERO { power } else { T::ONE }) / (T::ONE + power)
}

impl<T: Scalar> Loss<Sigmoid, T> for BinaryCrossEntropy {
    const FUSED: bool = true;

    #[inline]
    fn accepts(target: &[T]) -> bool {
        <Self as Loss<activation::Sigmoid, T>>::accepts(target)
    }
    #[inline(always)]
    fn evaluate(values: &mut [T], target: &[T]) -> T {
        let all_targets = target;
        let (mut lanes, mut terms) = ([-T::ZERO; LANES], [-T::ZERO; LANES]);
        let (mut values, mut target) = (values.chunks_exact_mut(LANES), target.chunks_exact(LANES));
        for (values, target) in values.by_ref().zip(target.by_ref()) {
            logistic_terms(values, target, &mut terms);
            for (lane, &term) in lanes.iter_mut().zip(&terms) {
                *lane += term;
            }
        }
        let rest = values.into_remainder();
        logistic_terms(rest, target.remainder(), &mut terms);
        let loss = join(lanes, terms.iter().take(rest.len()).copied(), add);
        if <Self as Loss<Sigmoid, T>>::accepts(all_targets) { loss } else { T::NAN }
    }
    #[inline]
    fn evaluate_each<Y: Shape<Element = T>, const K: usize>(
        values: [&mut Y; K],
        targets: [&Y; K],
    ) -> [T; K] {
        let mut losses = [T::ZERO; K];
        if Y::ZERO.as_slice().len() >= LANES {
            for ((loss, values), target) in losses.iter_mut().zip(values).zip(targets) {
                *loss =
                    <Self as Loss<Sigmoid, T>>::evaluate(values.as_mut_slice(), target.as_slice());
            }
            return losses;
        }
        // For few outputs, those of many samples at once.
        let mut all = values.each_ref().map(|values| (**values).clone());
        let (mut all_targets, mut terms) = (targets.map(Y::clone), [Y::ZERO; K]);
        logistic_terms(Y::flatten(&mut all), Y::flatten(&mut all_targets), Y::flatten(&mut terms));
        for ((loss, terms), (copy, values)) in
            losses.iter_mut().zip(&terms).zip(all.iter().zip(values))
        {
            values.clone_from(copy);
            *loss = terms.as_slice().iter().fold(-T::ZERO, |sum, &term| sum + term);
        }
        for (loss, target) in losses.iter_mut().zip(targets) {
            if !<Self as Loss<Sigmoid, T>>::accepts(target.as_slice()) {
                *loss = T::NAN;
            }
        }
        losses
    }
    #[inline]
    fn delta(output: &[T], target: &[T], delta: &mut [T], scale: &mut ()) {
        <Self as Loss<activation::Sigmoid, T>>::delta(output, target, delta, scale);
    }
}

/// Turns logits into outputs, and writes the term of each in the [`BinaryCrossEntropy`].
#[inline(always)]
fn logistic_terms<T: Scalar>(values: &mut [T], target: &[T], terms: &mut [T]) {
    for ((value, &t), term) in values.iter_mut().zip(target).zip(terms) {
        let z = *value;
        let power = (-z.abs()).fast_exp();
        *value = logistic(z, power);
        *term = (if z < T::ZERO { T::ZERO } else { z }) - t * z + power.fast_ln_1p();
    }
}

activation! {
    /// Hyperbolic tangent, range `-1..=1`, `dy/dz = 1 - y^2`.
    ///
    /// ```
    /// use gradlet::{Elementwise, fast::Tanh};
    ///
    /// assert_eq!((Tanh::apply(0.0), Tanh::derivative(0.5)), (0.0, 0.75));
    /// assert_eq!(Tanh::apply(-1000.0), -1.0);
    /// ```
    Tanh
}
impl Elementwise for Tanh {
    const FINGERPRINT: u32 = fingerprint("fast::Tanh", &[]);

    #[inline(always)]
    fn apply<T: Scalar>(z: T) -> T {
        z.fast_tanh()
    }
    #[inline(always)]
    fn apply_all<T: Scalar>(values: &mut [T]) {
        apply_lanes::<Self, T>(values);
    }
    #[inline(always)]
    fn derivative<T: Scalar>(y: T) -> T {
        T::ONE - y * y
    }
}

activation! {
    /// Class probabilities `y_i = e^(z_i - m) / sum_j e^(z_j - m)` with `m = max z`, for the last
    /// layer; `dL/dz_i = y_i (dL/dy_i - sum_j y_j dL/dy_j)`.
    ///
    /// Use it with [`CrossEntropy`], like [`crate::Softmax`].
    ///
    /// ```
    /// use gradlet::{Activation, fast::Softmax};
    ///
    /// let mut values = [1000.0, 1000.0, -1000.0];
    /// <Softmax as Activation>::activate(&mut values);
    /// assert_eq!(values, [0.5, 0.5, 0.0]);
    /// ```
    Softmax
}
impl<T: Scalar> Activation<T> for Softmax {
    const FINGERPRINT: u32 = fingerprint("fast::Softmax", &[]);
    const MIN_OUTPUTS: usize = 2;
    type Kept<Y: Shape<Element = T>> = ();

    #[inline]
    fn activate(values: &mut [T]) {
        let max = max(values);
        for value in &mut *values {
            *value -= max;
        }
        apply_lanes::<Exp, T>(values);
        divide_by_sum(values);
    }
    #[inline]
    fn backpropagate(output: &[T], logits: &[T], delta: &mut [T], scale: &mut ()) {
        <activation::Softmax as Activation<T>>::backpropagate(output, logits, delta, scale);
    }
}

impl<T: Scalar> Loss<Softmax, T> for CrossEntropy {
    const FUSED: bool = true;

    #[inline]
    fn accepts(target: &[T]) -> bool {
        <Self as Loss<activation::Softmax, T>>::accepts(target)
    }
    #[inline(always)]
    fn evaluate(values: &mut [T], target: &[T]) -> T {
        let max = max(values);
        for value in &mut *values {
            *value -= max;
        }
        let expected = sum_of_products(values, target);
        apply_lanes::<Exp, T>(values);
        cross_entropy(divide_by_sum(values), expected, values, target)
    }
    #[inline]
    fn delta(output: &[T], target: &[T], delta: &mut [T], scale: &mut ()) {
        <Self as Loss<activation::Softmax, T>>::delta(output, target, delta, scale);
    }
}

/// Divides the values by their sum, and returns the sum.
#[inline(always)]
fn divide_by_sum<T: Scalar>(values: &mut [T]) -> T {
    let sum = sum(values);
    for value in values {
        *value /= sum;
    }
    sum
}

/// `y = e^z` for `z` of 0 or less, `dy/dz = y`.
struct Exp;

impl Elementwise for Exp {
    #[inline(always)]
    fn apply<T: Scalar>(z: T) -> T {
        z.fast_exp()
    }
    #[inline(always)]
    fn derivative<T: Scalar>(y: T) -> T {
        y
    }
}

focal! {
    Sigmoid: BinaryCrossEntropy, of_labels, delta_of_labels;
    Softmax: CrossEntropy, of_classes, delta_of_classes;
}
