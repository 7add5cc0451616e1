//! The chain `z = x y` with `x = 2 w + 3 b` and `y = 2 b + 1`, and methods that bring it to a
//! target. Prints nothing.

pub mod chain;

use gradlet::prelude::*;

use crate::gradient_descent::{Descent, Function, Of, descend};

/// The initial values of the text, and its target of z.
pub const W: f64 = 3.0;
pub const B: f64 = 4.0;
pub const TARGET: f64 = 150.0;
/// Tolerances around the target: both are in the text.
pub const THRESHOLDS: [f64; 2] = [1e-4, 1e-5];
/// Maximum number of updates.
pub const LIMIT: u32 = 20;
/// Learning rate of the gradient descent on `(z - target)^2 / 2`.
pub const RATE: f64 = 1e-4;

/// The values of the forward pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forward<T = f64> {
    pub x: T,
    pub y: T,
    pub z: T,
}

/// Forward pass, from w and b to z.
pub fn forward<T: Scalar>(w: T, b: T) -> Forward<T> {
    let (two, three) = (T::from_u32(2), T::from_u32(3));
    let (x, y) = (two * w + three * b, two * b + T::ONE);
    Forward { x, y, z: x * y }
}

/// The derivatives of z.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Partials<T = f64> {
    /// dz/dw = dz/dx dx/dw = 2 y.
    pub by_w: T,
    /// dz/db = dz/dx dx/db + dz/dy dy/db = 3 y + 2 x.
    pub by_b: T,
}

impl<T: Scalar> Forward<T> {
    /// Backward pass, from z to w and b.
    pub fn partials(&self) -> Partials<T> {
        let (two, three) = (T::from_u32(2), T::from_u32(3));
        Partials { by_w: two * self.y, by_b: two * self.x + three * self.y }
    }
}

/// The variables that an update changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    W,
    B,
    /// Both; each removes half of the error.
    Both,
}

/// The derivatives by which an update divides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Factors {
    /// Always those of the initial values: "not new".
    Frozen,
    /// Those of the current values: "new".
    Recomputed,
}

/// A method to bring z to a target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Task<T = f64> {
    pub change: Change,
    pub factors: Factors,
    pub target: T,
    /// Tolerance of z around the target.
    pub threshold: T,
    /// Maximum number of updates.
    pub limit: u32,
}

/// A state of a run, and the update from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct State<T = f64> {
    pub w: T,
    pub b: T,
    pub forward: Forward<T>,
    /// z - target.
    pub delta_z: T,
    /// The derivatives by which the update divides.
    pub partials: Partials<T>,
    /// The changes subtracted from w and b; 0 for a variable that is not changed.
    pub delta_w: T,
    pub delta_b: T,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// z is close enough to the target.
    Reached,
    /// w and b are the same as this many updates ago: an endless cycle.
    Cycle(usize),
    /// The maximum number of updates was made.
    Limit,
    /// A number is infinite or NaN.
    NotFinite,
}

/// A whole run.
#[derive(Clone, Debug, PartialEq)]
pub struct Run<T = f64> {
    /// The initial state, then the state after each update; all numbers but the last deltas are
    /// finite.
    pub states: Vec<State<T>>,
    pub ending: Ending,
}

impl<T: Scalar> Run<T> {
    pub fn updates(&self) -> usize {
        self.states.len().saturating_sub(1)
    }

    /// |z - target| initially and after each update.
    pub fn distances(&self) -> Vec<f64> {
        self.states.iter().map(|state| state.delta_z.abs().to_f64()).collect()
    }
}

impl<T: Scalar> Task<T> {
    fn state(&self, w: T, b: T, frozen: Option<Partials<T>>) -> State<T> {
        let forward = forward(w, b);
        let delta_z = forward.z - self.target;
        let partials = frozen.unwrap_or_else(|| forward.partials());
        let (by_w, by_b) = (delta_z / partials.by_w, delta_z / partials.by_b);
        let (delta_w, delta_b) = match self.change {
            Change::W => (by_w, T::ZERO),
            Change::B => (T::ZERO, by_b),
            Change::Both => (T::HALF * by_w, T::HALF * by_b),
        };
        State { w, b, forward, delta_z, partials, delta_w, delta_b }
    }

    /// Runs the method from the initial values of the text.
    pub fn run(&self) -> Run<T> {
        let (mut w, mut b) = (T::from_f64(W), T::from_f64(B));
        let frozen = (self.factors == Factors::Frozen).then(|| forward(w, b).partials());
        let mut states: Vec<State<T>> = vec![];
        let ending = loop {
            let state = self.state(w, b, frozen);
            if ![w, b, state.delta_z].into_iter().all(T::is_finite) {
                break Ending::NotFinite;
            }
            // The next update depends on w and b only.
            let before = states.iter().rev().position(|old| old.w == w && old.b == b);
            states.push(state);
            if state.delta_z.abs() < self.threshold {
                break Ending::Reached;
            }
            if let Some(ago) = before {
                break Ending::Cycle(ago.saturating_add(1));
            }
            if states.len() > self.limit as usize {
                break Ending::Limit;
            }
            (w, b) = (w - state.delta_w, b - state.delta_b);
        };
        Run { states, ending }
    }
}

/// The variables that are changed, with names.
pub const CHANGES: [(Change, &str); 3] =
    [(Change::W, "w"), (Change::B, "b"), (Change::Both, "w and b")];
/// The derivatives that are used, with names.
pub const FACTORS: [(Factors, &str); 2] =
    [(Factors::Frozen, "frozen"), (Factors::Recomputed, "recomputed")];

/// The b with z at the target and w unchanged: the greater root of
/// `6 b^2 + (4 w + 3) b + 2 w = target`.
pub fn root_b(target: f64) -> Option<f64> {
    let (p, q) = (4.0 * W + 3.0, 2.0 * W - target);
    let discriminant = p * p - 24.0 * q;
    (discriminant >= 0.0).then(|| (discriminant.sqrt() - p) / 12.0)
}

/// `(z - target)^2 / 2`, a function of (w, b). The target is the first of the two.
#[derive(Debug)]
struct HalfSquaredErrorOfZ;

impl<T: Scalar> Function<2, T> for HalfSquaredErrorOfZ {
    fn at([w, b]: [T; 2], [target, _]: [T; 2]) -> (T, [T; 2]) {
        let forward = forward(w, b);
        let (error, partials) = (forward.z - target, forward.partials());
        (T::HALF * error * error, [error * partials.by_w, error * partials.by_b])
    }
}

/// Gradient descent on `(z - target)^2 / 2`: it multiplies by the derivatives.
pub fn gradient_descent(target: f64, rate: f64, limit: u32) -> Descent<2> {
    let target = [target, 0.0];
    descend::<Of<HalfSquaredErrorOfZ, 2>, 2, f64>([W, B], target, |_| rate, limit, |_| false)
}

/// The targets of [`endless`]: 100, 100.5 .. 200.
pub fn targets() -> impl Iterator<Item = f32> {
    (200_u16..=400).map(|halves| f32::from(halves) / 2.0)
}

/// The targets that a loop in `f32` without a cap never reaches, because it cycles.
pub fn endless(change: Change, factors: Factors, threshold: f32) -> Vec<f32> {
    let never = |&target: &f32| {
        let task = Task { change, factors, target, threshold, limit: 1000 };
        matches!(task.run().ending, Ending::Cycle(_))
    };
    targets().filter(never).collect()
}

/// The distance from a positive `f32` to the next one (unit in the last place).
pub fn ulp(value: f32) -> f32 {
    f32::from_bits(value.to_bits().saturating_add(1)) - value
}
