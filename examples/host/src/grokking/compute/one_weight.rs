//! One weight: measuring the error, hot and cold learning, gradient descent, alpha and divergence.

use gradlet::{HalfSquaredError, NoBias, Scalar, Sgd, Trainer, Zero};

use super::run::{Linear, Run, Task, square};

/// `(input * weight - goal)^2`.
pub fn error(weight: f64, input: f64, goal: f64) -> f64 {
    square(input * weight - goal)
}

/// The better direction, by trying both.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Probe {
    pub error: f64,
    pub up: f64,
    pub down: f64,
    /// The better weight; the old one if neither is better.
    pub weight: f64,
}

impl Probe {
    pub fn new(weight: f64, step: f64, input: f64, goal: f64) -> Self {
        let error_now = error(weight, input, goal);
        let (up, down) = (error(weight + step, input, goal), error(weight - step, input, goal));
        let weight = if error_now < up && error_now < down {
            weight
        } else if down < up {
            weight - step
        } else {
            weight + step
        };
        Self { error: error_now, up, down, weight }
    }
}

/// The text's single probe.
pub fn probe() -> Probe {
    Probe::new(0.1, 0.01, 8.5, 1.0)
}

/// The text's task for hot and cold and for the error-based rule.
pub const WARM_UP: Task<1, 1> = Task { weights: [[0.5]], input: [0.5], goal: [0.8], alpha: 1.0 };
/// Step size of hot and cold learning.
pub const HOT_COLD_STEP: f64 = 0.001;

/// Hot and cold learning: a fixed step to the better side, until neither side is better.
pub fn hot_and_cold() -> Run<1, 1> {
    let Task { weights: [[mut weight]], input: [input], goal: [goal], .. } = WARM_UP;
    let better = |weight| Probe::new(weight, HOT_COLD_STEP, input, goal).weight;
    WARM_UP.record(
        2000,
        |moment| {
            let [[now]] = moment.weights;
            better(now).to_bits() == now.to_bits()
        },
        [input * weight],
        |predictions| {
            weight = better(weight);
            *predictions = [input * weight];
            Some([[weight]])
        },
    )
}

/// The error-based rule on the same task, until the error is below 1e-20.
pub fn error_based() -> Run<1, 1> {
    WARM_UP.learn(1000, |moment| moment.error() < 1e-20)
}

/// Numerical derivative of the error at the start of [`WARM_UP`], and the text's "weight delta"
/// there.
pub fn slope_and_weight_delta() -> (f64, f64) {
    let Task { weights: [[weight]], input: [input], goal: [goal], .. } = WARM_UP;
    let step = 1e-3;
    // The error is a parabola, for which this quotient is exact except for rounding.
    let slope =
        (error(weight + step, input, goal) - error(weight - step, input, goal)) / (2.0 * step);
    (slope, (input * weight - goal) * input)
}

/// Weight 0, goal 0.8, with another input and step size.
pub const fn from_zero(input: f64, alpha: f64) -> Task<1, 1> {
    Task { weights: [[0.0]], input: [input], goal: [0.8], alpha }
}

/// The input of the first of these tasks, and the larger one with which it diverges.
pub const SMALL_INPUT: f64 = 1.1;
pub const LARGE_INPUT: f64 = 6.0 * SMALL_INPUT;
/// The step size with which it converges again.
pub const SMALL_ALPHA: f64 = 0.01;

/// Trains until the error is little more than a rounding error.
pub fn until_learned(task: &Task<1, 1>, steps: u32) -> Run<1, 1> {
    task.learn(steps, |moment| moment.error() < 1e-30)
}

/// Overflow of a number format, with [`LARGE_INPUT`] and `alpha = 1`; iterations count from 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Overflow {
    /// The first iteration with an infinite error, by the plain rule.
    pub infinite: u32,
    /// The first iteration with a NaN error, by the plain rule.
    pub nan: u32,
    /// The iteration in which gradlet refuses to continue.
    pub refused: u32,
    /// The weight at which gradlet stops.
    pub kept: f64,
}

/// Iterations after which a number format that is still finite counts as never overflowing.
const MOST: u32 = 1000;

pub fn overflow<T: Scalar>() -> Overflow {
    let input = T::from_f64(LARGE_INPUT);
    let goal = T::from_f64(0.8);
    let mut weight = T::ZERO;
    let (mut infinite, mut nan) = (MOST, MOST);
    for iteration in 0..MOST {
        let delta = input * weight - goal;
        let error = square(delta).to_f64();
        if error.is_infinite() {
            infinite = infinite.min(iteration);
        }
        if error.is_nan() {
            nan = iteration;
            break;
        }
        weight -= delta * input;
    }
    let (refused, kept) = refusal([input], [goal]);
    Overflow { infinite, nan, refused, kept }
}

/// The same by gradlet, with one more step, to verify that the weight does not change.
fn refusal<T: Scalar>(input: [T; 1], goal: [T; 1]) -> (u32, f64) {
    let mut net = Linear::<1, 1, T>::ZERO;
    let mut trainer = Trainer::<_, HalfSquaredError, _>::new();
    let sgd = NoBias { optimizer: Sgd { learning_rate: T::ONE } };
    let mut step = |net: &mut Linear<1, 1, T>| trainer.step(net, &sgd, &input, &goal).is_finite();
    let refused = (0..MOST).find(|_| !step(&mut net)).unwrap_or(MOST);
    step(&mut net);
    let [[kept]] = net.rows();
    (refused, kept.to_f64())
}

/// Whether training converges with `alpha` just below and just above the limit: `[true, false]`.
pub fn around_the_limit(input: f64) -> [bool; 2] {
    let limit = from_zero(input, 1.0).alpha_limit();
    [0.999, 1.001].map(|share| {
        let run = from_zero(input, share * limit).learn(1000, super::run::never);
        let [[start]] = [run.after(0).errors];
        run.last.error() < start
    })
}
