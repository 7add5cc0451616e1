//! Gradient descent on functions of one and two variables, and the effect of the learning rate.
//! Prints nothing.
//!
//! The point is the bias of a linear layer with a zero input: its output is then the point, and its
//! training on a loss `J` is the descent `point -= rate * gradient of J`.

use core::marker::PhantomData;

use gradlet::prelude::*;
use gradlet::schedule::exponential;

/// A function of `N` variables and a target.
pub trait Function<const N: usize, T> {
    /// Its value and its derivatives.
    fn at(place: [T; N], target: [T; N]) -> (T, [T; N]);
}

/// A function as the loss of a layer with `N` outputs.
#[derive(Debug)]
pub struct Of<F, const N: usize>(PhantomData<F>);

impl<F, A, T, const N: usize> Loss<A, T> for Of<F, N>
where
    F: Function<N, T>,
    A: Activation<T>,
    T: Scalar,
{
    fn evaluate(values: &mut [T], target: &[T]) -> T {
        A::activate(values);
        match (values.first_chunk(), target.first_chunk()) {
            (Some(place), Some(target)) => F::at(*place, *target).0,
            _ => T::ZERO,
        }
    }

    fn delta(output: &[T], target: &[T], delta: &mut [T], (): &mut ()) {
        let chunks = (output.first_chunk(), target.first_chunk(), delta.first_chunk_mut());
        if let (Some(place), Some(target), Some(delta)) = chunks {
            (_, *delta) = F::at(*place, *target);
        }
    }
}

/// A point of a descent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Visit<const N: usize, T = f64> {
    pub place: [T; N],
    /// The derivatives of `J` there.
    pub gradient: [T; N],
    /// `J` there.
    pub value: T,
}

/// How a descent ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It reached the requested value.
    Reached,
    /// It made the maximum number of updates.
    Limit,
    /// It overflowed: the learning rate is too large.
    Diverged,
}

/// A whole descent.
#[derive(Clone, Debug, PartialEq)]
pub struct Descent<const N: usize, T = f64> {
    /// The start, then the point after each update; all numbers are finite.
    pub visits: Vec<Visit<N, T>>,
    pub ending: Ending,
}

impl<const N: usize, T> Descent<N, T> {
    /// Number of updates.
    pub fn updates(&self) -> usize {
        self.visits.len().saturating_sub(1)
    }
}

/// Descends on `L` from `start`, until a visit `is_enough` or `limit` updates are made.
///
/// `target` is the target of the loss; `rate` gives the learning rate of each update, from 0.
pub fn descend<L: Loss<Identity, T>, const N: usize, T: Scalar>(
    start: [T; N],
    target: [T; N],
    rate: impl Fn(u32) -> T,
    limit: u32,
    is_enough: impl Fn(&Visit<N, T>) -> bool,
) -> Descent<N, T> {
    type Place<const N: usize, T> = Dense<1, N, Identity, T>;
    let (mut net, input) = (Place::new([[T::ZERO; N]], start), [T::ZERO]);
    let mut trainer = Trainer::<Place<N, T>, L, Sgd<T>>::new();
    let (mut visits, mut ending) = (vec![], Ending::Limit);
    for update in 0..=limit {
        // Loss and output are those before the update.
        let sgd = Sgd { learning_rate: rate(update) };
        let value = trainer.step(&mut net, &sgd, &input, &target);
        let place = *trainer.output();
        let mut gradient = [T::ZERO; N];
        L::delta(&place, &target, &mut gradient, &mut ());
        let all = place.iter().chain(&gradient).chain([&value]);
        if !all.copied().all(T::is_finite) {
            ending = Ending::Diverged;
            break;
        }
        let visit = Visit { place, gradient, value };
        visits.push(visit);
        if is_enough(&visit) {
            ending = Ending::Reached;
            break;
        }
    }
    Descent { visits, ending }
}

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
    descend::<Square, 1, f64>(start, minimum, |_| CONCEPT_RATE, 1000, |v| v.value < enough)
}

/// Descends on `x^2`, until `J` is at most `enough`.
pub fn single_variable(enough: f64) -> Descent<1> {
    descend::<Square, 1, f64>([SINGLE_START], [0.0], |_| SINGLE_RATE, 1000, |v| v.value <= enough)
}

/// `J = x^2 + sin^2 y`; there is no target.
#[derive(Debug)]
pub struct Bowl;

impl<T: Scalar> Function<2, T> for Bowl {
    fn at([x, y]: [T; 2], _: [T; 2]) -> (T, [T; 2]) {
        // A `Scalar` has no sine.
        let sine = |angle: T| T::from_f64(libm::sin(angle.to_f64()));
        let two = T::from_u32(2);
        // 2 sin y cos y = sin 2y
        (x * x + sine(y) * sine(y), [two * x, sine(two * y)])
    }
}

/// Descends on the bowl, until `J` is below [`BOWL_ENOUGH`].
pub fn bowl(start: [f64; 2], rate: f64, limit: u32) -> Descent<2> {
    let is_enough = |visit: &Visit<2>| visit.value < BOWL_ENOUGH;
    descend::<Of<Bowl, 2>, 2, f64>(start, [0.0; 2], |_| rate, limit, is_enough)
}

/// `J = (x^2 - 1)^2 + (1.2 - x) / 4 + y^2`: a local minimum on the left, the global one on the right.
#[derive(Debug)]
pub struct TwoMinima;

impl Function<2, f64> for TwoMinima {
    fn at([x, y]: [f64; 2], _: [f64; 2]) -> (f64, [f64; 2]) {
        let depth = x * x - 1.0;
        (depth * depth + (1.2 - x) / 4.0 + y * y, [4.0 * x * depth - 0.25, 2.0 * y])
    }
}

/// `J` of a function without a target.
pub fn value_at<F: Function<2, f64>>(x: f64, y: f64) -> f64 {
    F::at([x, y], [0.0; 2]).0
}

/// Descends with the rate [`BOWL_RATE`] to where the function is flat.
pub fn to_the_bottom<F: Function<2, f64>>(start: [f64; 2]) -> Descent<2> {
    let is_flat = |visit: &Visit<2>| visit.gradient.iter().all(|slope| slope.abs() < 1e-12);
    descend::<Of<F, 2>, 2, f64>(start, [0.0; 2], |_| BOWL_RATE, 1000, is_flat)
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
            Self::ConvergesWithJumps => "jumps nearer",
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

    /// Observed, from the visited points only: by the mean factor of the distance.
    fn of_places(places: &[f64]) -> Self {
        let distances: Vec<_> = places.iter().map(|x| x - STUDY_MINIMUM).collect();
        let (&[start, second, ..], Some(end)) = (&distances[..], distances.last()) else {
            return Self::Diverges;
        };
        if start == 0.0 {
            return Self::StandsStill;
        }
        let size = (end / start).abs().powf(1.0 / f64::from(STUDY_POINTS.saturating_sub(1)));
        Self::of_factor(if second.abs() < 1e-12 { 0.0 } else { size.copysign(second / start) })
    }

    /// What the course says about a learning rate.
    pub fn of_course(rate: f64) -> Option<Self> {
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
    let descent = descend::<Square, 1, f64>([start], [STUDY_MINIMUM], |_| rate, updates, never);
    let point = |&Visit { place: [x], value, .. }: &Visit<1>| (x, value + STUDY_LEAST);
    let points: Vec<_> = descent.visits.iter().map(point).collect();
    let places: Vec<_> = points.iter().map(|&(x, _)| x).collect();
    let observed = Behaviour::of_places(&places);
    Study { rate, factor: 1.0 - rate * STUDY_CURVATURE, points, observed }
}

/// The largest stable learning rate for a second derivative: below it, a descent converges, as the
/// factor `1 - rate * curvature` is between -1 and 1.
pub fn greatest_rate(curvature: f64) -> f64 {
    2.0 / curvature
}

/// The rate of an update that starts at `initial` and is multiplied by `factor` after each.
pub fn schedule(initial: f64, factor: f64) -> impl Fn(u32) -> f64 {
    move |update| exponential(initial, factor, update)
}

/// Descends on the function of the study until x is within 0.01 of the minimum.
pub fn scheduled(rate: impl Fn(u32) -> f64) -> Descent<1> {
    descend::<Square, 1, f64>([STUDY_START], [STUDY_MINIMUM], rate, 1000, |v| v.value < 1e-4)
}
