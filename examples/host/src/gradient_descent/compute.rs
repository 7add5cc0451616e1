//! The descents of the text, and the effect of the learning rate. Prints nothing.

use super::descent;
use crate::gradient_descent::descent::{Descent, Visit, descend};
use gradlet::prelude::*;

/// `J = (x - 2)^2`, whose first step explains the idea: initial x and learning rate.
pub const CONCEPT_START: f64 = 1.4;
pub const CONCEPT_RATE: f64 = 0.1;
const CONCEPT_MINIMUM: f64 = 2.0;

/// `J = x^2`, the function of one variable.
pub const SINGLE_START: f64 = 1.2;
pub const SINGLE_RATE: f64 = 0.3;

/// `J = x^2 + sin^2 y`, the function of two variables.
pub const BOWL_START: [f64; 2] = [3.0, 1.0];
pub const BOWL_RATE: f64 = 0.1;
/// The descent ends below this `J`.
pub const BOWL_ENOUGH: f64 = 0.01;

/// `J = (x - 1)^2 + 0.1`, the function of the study.
pub const STUDY_START: f64 = -0.8;
pub const STUDY_MINIMUM: f64 = 1.0;
const STUDY_LEAST: f64 = 0.1;
/// Its second derivative, everywhere.
pub const STUDY_CURVATURE: f64 = 2.0;
/// Points of each run, including the start.
pub const STUDY_POINTS: u32 = 10;
pub const STUDY_RATES: [f64; 8] = [1.1, 1.0, 0.8, 0.6, 0.5, 0.4, 0.2, 0.1];

/// The squared distance from the minimum: for one output, the mean is the square itself.
type Square = MeanSquaredError;

/// Descends on `(x - 2)^2`, until `J` is below `enough`.
pub fn concept(enough: f64) -> Descent<1> {
    let (start, minimum) = ([CONCEPT_START], [CONCEPT_MINIMUM]);
    descend::<Square, 1, f64>(start, minimum, CONCEPT_RATE, 1000, |v| v.value < enough)
}

/// Descends on `x^2`, until `J` is at most `enough`.
pub fn single_variable(enough: f64) -> Descent<1> {
    descend::<Square, 1, f64>([SINGLE_START], [0.0], SINGLE_RATE, 1000, |v| v.value <= enough)
}

/// `J = x^2 + sin^2 y`; there is no target.
#[derive(Debug)]
struct Bowl;

impl<T: Scalar, A: Activation<T>> Loss<A, T> for Bowl {
    fn evaluate(values: &mut [T], _target: &[T]) -> T {
        A::activate(values);
        if let &mut [x, y] = values { x * x + sine(y) * sine(y) } else { T::ZERO }
    }

    fn delta(output: &[T], _target: &[T], delta: &mut [T], (): &mut ()) {
        if let (&[x, y], [by_x, by_y]) = (output, delta) {
            let two = T::from_u32(2);
            *by_x = two * x;
            // 2 sin y cos y
            *by_y = sine(two * y);
        }
    }
}

/// The sine; a [`Scalar`] has none.
fn sine<T: Scalar>(angle: T) -> T {
    T::from_f64(libm::sin(angle.to_f64()))
}

/// `J` of the bowl.
pub fn bowl_at(x: f64, y: f64) -> f64 {
    <Bowl as Loss<Identity, f64>>::evaluate(&mut [x, y], &[])
}

/// Descends on the bowl, until `J` is below [`BOWL_ENOUGH`].
pub fn bowl(start: [f64; 2], rate: f64, limit: u32) -> Descent<2> {
    descend::<Bowl, 2, f64>(start, [0.0; 2], rate, limit, |v| v.value < BOWL_ENOUGH)
}

/// `J` of the study.
pub fn study_at(x: f64) -> f64 {
    (x - STUDY_MINIMUM) * (x - STUDY_MINIMUM) + STUDY_LEAST
}

/// The behaviour of a descent with some learning rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// It diverges: every update leads farther away.
    Diverges,
    /// It oscillates at the same distance.
    JumpsForEver,
    /// It oscillates and converges.
    ConvergesWithJumps,
    /// The first update reaches the minimum.
    LandsAtOnce,
    /// It converges from the side of the start.
    OneSided,
    /// It starts at the minimum, or the updates are too small to see.
    StandsStill,
}

impl Behaviour {
    pub const fn words(self) -> &'static str {
        match self {
            Self::Diverges => "diverges",
            Self::JumpsForEver => "jumps for ever",
            Self::ConvergesWithJumps => "converges with jumps",
            Self::LandsAtOnce => "lands at once",
            Self::OneSided => "one-sided",
            Self::StandsStill => "stands still",
        }
    }

    /// Predicted: an update multiplies the distance by `factor`.
    pub fn of_factor(factor: f64) -> Self {
        const ROUNDING: f64 = 1e-12;
        match factor {
            f if f.abs() < ROUNDING => Self::LandsAtOnce,
            f if (f + 1.0).abs() < ROUNDING => Self::JumpsForEver,
            f if (f - 1.0).abs() < ROUNDING => Self::StandsStill,
            f if f.abs() > 1.0 => Self::Diverges,
            f if f < 0.0 => Self::ConvergesWithJumps,
            _ => Self::OneSided,
        }
    }

    /// Observed, from the visited points only.
    fn of_places(places: &[f64]) -> Self {
        const ROUNDING: f64 = 1e-12;
        let distance = |x: &f64| x - STUDY_MINIMUM;
        let (Some(first), Some(second), Some(last)) = (
            places.first().map(distance),
            places.get(1).map(distance),
            places.last().map(distance),
        ) else {
            return Self::StandsStill;
        };
        let (start, end) = (first.abs(), last.abs());
        if start < ROUNDING || (second - first).abs() < ROUNDING * start {
            return Self::StandsStill;
        }
        if second.abs() < ROUNDING * start {
            return Self::LandsAtOnce;
        }
        let change = end / start - 1.0;
        match (change, second * first < 0.0) {
            (change, true) if change.abs() < ROUNDING * 100.0 => Self::JumpsForEver,
            (change, _) if change > 0.0 => Self::Diverges,
            (_, true) => Self::ConvergesWithJumps,
            (_, false) => Self::OneSided,
        }
    }

    /// What the text says about a learning rate.
    pub fn of_text(rate: f64) -> Option<Self> {
        let said = [
            (1.1, Self::Diverges),
            (1.0, Self::JumpsForEver),
            (0.8, Self::ConvergesWithJumps),
            (0.6, Self::ConvergesWithJumps),
            (0.4, Self::OneSided),
            (0.2, Self::OneSided),
            (0.1, Self::OneSided),
        ];
        said.into_iter().find(|(of, _)| (of - rate).abs() < 1e-12).map(|(_, behaviour)| behaviour)
    }
}

/// A run of the study.
#[derive(Clone, Debug, PartialEq)]
pub struct Study {
    pub rate: f64,
    /// Factor of the distance from the minimum in every update: `1 - rate * J''`.
    pub factor: f64,
    /// `(x, J)` of the start and after each update.
    pub points: Vec<(f64, f64)>,
    /// The observed behaviour.
    pub observed: Behaviour,
}

/// Ten points of a descent with this learning rate.
pub fn study(start: f64, rate: f64) -> Study {
    let updates = STUDY_POINTS.saturating_sub(1);
    let never = |_: &Visit<1>| false;
    let descent = descend::<Square, 1, f64>([start], [STUDY_MINIMUM], rate, updates, never);
    let point = |&Visit { place: [x], value, .. }: &Visit<1>| (x, value + STUDY_LEAST);
    let points: Vec<_> = descent.visits.iter().map(point).collect();
    let places: Vec<_> = points.iter().map(|&(x, _)| x).collect();
    let observed = match descent.ending {
        descent::Ending::Diverged => Behaviour::Diverges,
        _ => Behaviour::of_places(&places),
    };
    Study { rate, factor: 1.0 - rate * STUDY_CURVATURE, points, observed }
}

/// The largest stable learning rate for a second derivative: below it, a descent converges, as the
/// factor `1 - rate * curvature` is between -1 and 1.
pub fn greatest_rate(curvature: f64) -> f64 {
    2.0 / curvature
}

/// Everything that is printed and plotted.
#[derive(Debug)]
pub struct Results {
    pub concept: Descent<1>,
    pub single: Descent<1>,
    pub bowl: Descent<2>,
    /// Its learning rate.
    pub bowl_rate: f64,
    pub studies: Vec<Study>,
}
