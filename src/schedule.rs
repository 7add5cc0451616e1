//! Learning-rate schedules: plain functions of the step number.
//!
//! `step` counts from 0: it is the number of updates done, as passed to the `optimizer` argument of
//! [`Trainer::fit_with`]. For a schedule by epochs, pass the epoch number instead. Results have the
//! unit of the given rates; lengths are in steps, and a length of 0 is always allowed.
//!
//! In `f32` a step number above 2^24 is rounded to 24 bits. Arguments are not checked: a rate or
//! factor that is NaN gives NaN where the equation uses it. A negative, NaN or infinite rate is
//! refused by the optimizer before its update: [`Optimizer::check`].
//!
//! ```
//! use gradlet::{prelude::*, schedule};
//!
//! // 5 steps of warm-up, then cosine annealing to step 100.
//! let rate = |step| schedule::warm_up(schedule::cosine(0.1, 0.0, 100, step), 5, step);
//! let mut net = Dense::<1, 1, Identity>::ZERO;
//! let mut trainer = Trainer::<_, HalfSquaredError, Sgd>::new();
//! for step in 0..100 {
//!     trainer.step(&mut net, &Sgd { learning_rate: rate(step) }, &[1.0], &[1.0]);
//! }
//! assert!((net.forward(&[1.0])[0] - 1.0).abs() < 1e-3);
//! ```
//!
//! [`Optimizer::check`]: crate::Optimizer::check
//! [`Trainer::fit_with`]: crate::Trainer::fit_with

use crate::number::Number;

/// Step decay: `initial * factor^floor(step / every)`.
///
/// `factor` is in `0.0..=1.0`; `every` is the number of steps between drops, 0 for no drop at all.
/// PyTorch's `StepLR`.
///
/// ```
/// use gradlet::schedule::step_decay;
///
/// assert_eq!(step_decay(0.8, 0.5, 10, 9), 0.8);
/// assert_eq!(step_decay(0.8, 0.5, 10, 10), 0.4);
/// assert_eq!(step_decay(0.8, 0.5, 10, 20), 0.2);
/// assert_eq!(step_decay(0.8, 0.5, 0, 20), 0.8);
/// ```
#[must_use]
pub fn step_decay<T: Number>(initial: T, factor: T, every: u32, step: u32) -> T {
    exponential(initial, factor, step.checked_div(every).unwrap_or(0))
}

/// Exponential decay: `initial * factor^step`.
///
/// `factor` is in `0.0..=1.0`, usually just below 1. PyTorch's `ExponentialLR`.
///
/// ```
/// use gradlet::schedule::exponential;
///
/// assert_eq!(exponential(0.8, 0.5, 0), 0.8);
/// assert_eq!(exponential(0.8, 0.5, 3), 0.1);
/// ```
#[must_use]
pub fn exponential<T: Number>(initial: T, factor: T, step: u32) -> T {
    initial * factor.power(step)
}

/// Inverse time decay: `initial / (1 + decay * step)`.
///
/// `decay` is 0 or more, and after `1 / decay` steps the rate is half of `initial`. The sum of the
/// rates is infinite and that of their squares is finite: the conditions of Robbins, Monro, Annals
/// of Mathematical Statistics 22 (1951), for convergence under noise.
///
/// ```
/// use gradlet::schedule::inverse_time;
///
/// assert_eq!(inverse_time(0.5, 0.25, 0), 0.5);
/// assert_eq!(inverse_time(0.5, 0.25, 4), 0.25);
/// assert_eq!(inverse_time(0.5, 0.25, 12), 0.125);
/// ```
#[must_use]
pub fn inverse_time<T: Number>(initial: T, decay: T, step: u32) -> T {
    initial / (T::ONE + decay * T::from_u32(step))
}

/// Cosine annealing: from `initial` to `last` along half a cosine, then constant at `last`:
/// ```text
/// h = (1 + cos(pi * step / steps)) / 2
/// rate = initial * h + last * (1 - h)
/// ```
/// Exactly `initial` at step 0 and exactly `last` from step `steps` on; with `steps` 0 it is always
/// `last`. Loshchilov, Hutter, ICLR 2017 (SGDR), equation 5.
///
/// ```
/// use gradlet::schedule::cosine;
///
/// assert_eq!(cosine(0.1, 0.02, 100, 0), 0.1);
/// assert!((cosine(0.1_f32, 0.02, 100, 50) - 0.06).abs() < 1e-7);
/// assert_eq!(cosine(0.1, 0.02, 100, 100), 0.02);
/// assert_eq!(cosine(0.1, 0.02, 100, 1000), 0.02);
/// // With warm restarts: back to 0.1 every 100 steps.
/// assert_eq!(cosine(0.1, 0.02, 100, 300 % 100), 0.1);
/// ```
#[must_use]
pub fn cosine<T: Number>(initial: T, last: T, steps: u32, step: u32) -> T {
    if step >= steps {
        return last;
    }
    let h = T::HALF * (T::ONE + cosine_of_half_turn(T::from_u32(step) / T::from_u32(steps)));
    initial * h + last * (T::ONE - h)
}

/// `cos(pi * t)` for `t` in `0.0..=1.0`, by the Taylor series up to the 20th power.
///
/// `libm` computes the cosine of an `f32` in `f64`, which is emulated on most microcontrollers.
fn cosine_of_half_turn<T: Number>(t: T) -> T {
    let first_half = t <= T::HALF;
    let angle = T::PI * if first_half { t } else { T::ONE - t };
    let square = angle * angle;
    let cosine = (1..=10).rev().fold(T::ONE, |sum, k| {
        let n = T::from_u32(k) + T::from_u32(k);
        T::ONE - sum * square / (n * (n - T::ONE))
    });
    if first_half { cosine } else { -cosine }
}

/// Linear warm-up to `rate`, which may itself be a schedule: `rate * (step + 1) / steps`, and
/// `rate` from the last step of the warm-up on.
///
/// The first step has the rate `rate / steps`, not 0, so that it is not wasted. With `steps` 0
/// there is no warm-up. Goyal and others, arXiv 1706.02677, section 2.2.
///
/// ```
/// use gradlet::schedule::warm_up;
///
/// let rates = [0, 1, 2, 3, 4].map(|step| warm_up(0.8, 4, step));
/// assert_eq!(rates, [0.2_f32, 0.4, 0.6, 0.8, 0.8]);
/// assert_eq!(warm_up(0.8, 0, 0), 0.8);
/// ```
#[must_use]
pub fn warm_up<T: Number>(rate: T, steps: u32, step: u32) -> T {
    let done = step.saturating_add(1);
    if done >= steps { rate } else { rate * (T::from_u32(done) / T::from_u32(steps)) }
}
