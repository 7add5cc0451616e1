//! The chain `c = sqrt(ln(x^2))` and methods that bring it to a target. Prints nothing.

use gradlet::prelude::*;

use crate::gradient_descent::{Descent, Function, Of, descend};

/// Initial x.
pub const START: f64 = 2.0;
/// Target of c in the text, and in the course that the text follows.
pub const TARGET: f64 = 2.14;
pub const TARGET_OF_COURSE: f64 = 2.13;
/// Tolerance of c around the target, and maximum number of updates.
pub const THRESHOLD: f64 = 1e-3;
pub const LIMIT: u32 = 20;
/// Learning rate of the gradient descent on `(c - target)^2 / 2`.
pub const RATE: f64 = 5.0;

/// The values of the forward pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forward<T = f64> {
    /// x^2.
    pub a: T,
    /// ln a.
    pub b: T,
    /// sqrt b.
    pub c: T,
}

/// Forward pass, from x to c; NaN if x is between -1 and 1.
pub fn forward<T: Scalar>(x: T) -> Forward<T> {
    let a = x * x;
    let b = a.ln();
    Forward { a, b, c: b.sqrt() }
}

/// dc/dx = 1 / (x sqrt(ln x^2)).
pub fn slope<T: Scalar>(x: T) -> T {
    T::ONE / (x * forward(x).c)
}

/// The changes, from c back to x: each divides by one more derivative.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Deltas<T = f64> {
    /// c - target.
    pub c: T,
    /// Divided by dc/db = 1 / (2 sqrt b).
    pub b: T,
    /// Divided by db/da = 1 / a.
    pub a: T,
    /// Divided by da/dx = 2 x.
    pub x: T,
}

/// A state of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct State<T = f64> {
    pub x: T,
    pub forward: Forward<T>,
    pub deltas: Deltas<T>,
    /// Whether the update led below 1, where c is undefined, and x became 1.1 instead.
    pub guarded: bool,
}

/// A whole run: the start, then the state after each update.
#[derive(Clone, Debug, PartialEq)]
pub struct Run<T = f64> {
    pub states: Vec<State<T>>,
    /// Whether c is close enough.
    pub reached: bool,
}

impl<T: Scalar> Run<T> {
    pub fn updates(&self) -> usize {
        self.states.len().saturating_sub(1)
    }
}

fn state<T: Scalar>(x: T, target: T, guarded: bool) -> State<T> {
    let two = T::from_u32(2);
    let forward = forward(x);
    let delta_c = forward.c - target;
    let delta_b = delta_c * two * forward.b.sqrt();
    let delta_a = delta_b * forward.a;
    let delta_x = delta_a / two / x;
    State { x, forward, deltas: Deltas { c: delta_c, b: delta_b, a: delta_a, x: delta_x }, guarded }
}

/// Changes x until c is close to the target, for at most `limit` updates.
pub fn run<T: Scalar>(start: T, target: T, threshold: T, limit: u32) -> Run<T> {
    let mut states = vec![state(start, target, false)];
    let mut last = state(start, target, false);
    for _ in 0..limit {
        if last.deltas.c.abs() < threshold {
            break;
        }
        let x = last.x - last.deltas.x;
        if !x.is_finite() {
            break;
        }
        let guarded = x <= T::ONE;
        let x = if guarded { T::from_f64(1.1) } else { x };
        last = state(x, target, guarded);
        states.push(last);
    }
    Run { states, reached: last.deltas.c.abs() < threshold }
}

/// The x with c at the target: `exp(target^2 / 2)`.
pub fn root(target: f64) -> f64 {
    libm::exp(target * target / 2.0)
}

/// `(c - target)^2 / 2`, a function of x.
#[derive(Debug)]
struct HalfSquaredErrorOfC;

impl<T: Scalar> Function<1, T> for HalfSquaredErrorOfC {
    fn at([x]: [T; 1], [target]: [T; 1]) -> (T, [T; 1]) {
        let error = forward(x).c - target;
        (T::HALF * error * error, [error * slope(x)])
    }
}

/// Gradient descent on `(c - target)^2 / 2`: it multiplies by the derivative.
pub fn gradient_descent(start: f64, target: f64, rate: f64, limit: u32) -> Descent<1> {
    let rate = |_| rate;
    descend::<Of<HalfSquaredErrorOfC, 1>, 1, f64>([start], [target], rate, limit, |_| false)
}

/// Points of the curves in the text's plot, from 1.2 to 10.
pub fn curve() -> Vec<f64> {
    (0..50_u8).map(|i| 1.2 + f64::from(i) * (10.0 - 1.2) / 49.0).collect()
}
