//! Linear neurons without biases, on one sample: predictions, hot and cold learning, gradient
//! descent, and two rules of a text that are not gradient descent.

use gradlet::{
    Chain, Dense, HalfSquaredError, Identity, Layer, NoBias, Scalar, Sgd, Trainer, Zero,
};

/// A linear layer, whose biases stay 0.
pub type Linear<const IN: usize, const OUT: usize, T = f64> = Dense<IN, OUT, Identity, T>;

/// Toes, win record, fans: the first game of the text's season.
pub const GAME: [f64; 3] = [8.5, 0.65, 1.2];
/// Weights of the three outputs, one row each.
pub const THREE_ROWS: [[f64; 3]; 3] = [[0.1, 0.1, -0.3], [0.1, 0.2, 0.0], [0.0, 1.3, 0.1]];
/// Weights of the hidden units of the stacked network.
const HIDDEN_ROWS: [[f64; 3]; 3] = [[0.1, 0.2, -0.1], [-0.1, 0.1, 0.9], [0.1, 0.4, 0.1]];
/// Weights of its outputs.
const OUTPUT_ROWS: [[f64; 3]; 3] = [[0.3, 1.1, -0.3], [0.1, 0.2, 0.0], [0.0, 1.3, 0.1]];

/// The layer with these weights, one row for each output.
pub const fn linear<const IN: usize, const OUT: usize>(rows: [[f64; IN]; OUT]) -> Linear<IN, OUT> {
    Dense::from_rows(rows, [0.0; OUT])
}

/// The predictions of the text, by name. The last is that of the stacked network again, by one
/// layer, whose weights are the product of both matrices.
pub fn predictions() -> [(&'static str, Vec<f64>); 7] {
    let [toes, wins, _] = GAME;
    let (hidden, outputs) = (linear(HIDDEN_ROWS), linear(OUTPUT_ROWS));
    let transposed = linear(*hidden.weights());
    let product = linear(OUTPUT_ROWS.map(|row| transposed.forward(&row)));
    [
        ("single_input", linear([[0.1]]).forward(&[toes]).to_vec()),
        ("three_inputs", linear([[0.1, 0.2, 0.0]]).forward(&GAME).to_vec()),
        ("one_in_three_out", linear([[0.3], [0.2], [0.9]]).forward(&[wins]).to_vec()),
        ("three_in_three_out", linear(THREE_ROWS).forward(&GAME).to_vec()),
        ("hidden", hidden.forward(&GAME).to_vec()),
        ("stacked_3_3_3_linear_no_bias", Chain::new(hidden, outputs).forward(&GAME).to_vec()),
        ("as one layer", product.forward(&GAME).to_vec()),
    ]
}

/// `f(a_i, b_i)` for each `i`.
pub fn elementwise(a: &[f64], b: &[f64], f: fn(f64, f64) -> f64) -> Vec<f64> {
    a.iter().zip(b).map(|(&a, &b)| f(a, b)).collect()
}

/// The sum of all elements.
pub fn sum(a: &[f64]) -> f64 {
    a.iter().sum()
}

/// The sum divided by the number of elements.
#[allow(clippy::cast_precision_loss, reason = "few elements")]
pub fn mean(a: &[f64]) -> f64 {
    sum(a) / a.len() as f64
}

/// One weighted sum per row; `None` unless each row has the length of the input.
pub fn vector_by_matrix(input: &[f64], rows: &[Vec<f64>]) -> Option<Vec<f64>> {
    let weighted = |row: &Vec<f64>| sum(&elementwise(input, row, |x, w| x * w));
    let fits = rows.iter().all(|row| row.len() == input.len());
    fits.then(|| rows.iter().map(weighted).collect())
}

/// The text's version, which compares the number of inputs with the number of rows.
pub fn vector_by_matrix_of_text(input: &[f64], rows: &[Vec<f64>]) -> Option<Vec<f64>> {
    if input.len() == rows.len() { vector_by_matrix(input, rows) } else { None }
}

/// A task: the prediction for `input` should be `goal`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Task<const IN: usize, const OUT: usize> {
    /// The initial `weights[unit][input]`.
    pub weights: [[f64; IN]; OUT],
    pub input: [f64; IN],
    pub goal: [f64; OUT],
    pub alpha: f64,
}

/// A state: weights and predictions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment<const IN: usize, const OUT: usize> {
    /// `weights[unit][input]`.
    pub weights: [[f64; IN]; OUT],
    pub predictions: [f64; OUT],
    /// `prediction - goal` of each unit.
    pub deltas: [f64; OUT],
}

impl<const IN: usize, const OUT: usize> Moment<IN, OUT> {
    /// `(prediction - goal)^2` of each unit.
    pub fn errors(&self) -> [f64; OUT] {
        self.deltas.map(square)
    }

    /// The sum of the errors.
    pub fn error(&self) -> f64 {
        sum(&self.errors())
    }

    /// The first weight.
    pub fn weight(&self) -> f64 {
        self.weights.as_flattened().first().copied().unwrap_or(f64::NAN)
    }
}

/// Why training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The error is as low as requested.
    Learned,
    /// All steps were made.
    StepsDone,
    /// An error grew until it overflowed.
    Overflow,
}

/// The states after 0, 1, 2 .. updates.
#[derive(Clone, Debug, PartialEq)]
pub struct Run<const IN: usize, const OUT: usize> {
    pub moments: Vec<Moment<IN, OUT>>,
    pub last: Moment<IN, OUT>,
    pub ending: Ending,
}

impl<const IN: usize, const OUT: usize> Run<IN, OUT> {
    /// Number of updates.
    pub fn updates(&self) -> u32 {
        u32::try_from(self.moments.len().saturating_sub(1)).unwrap_or(u32::MAX)
    }

    /// The state after a number of updates, or the last one.
    pub fn after(&self, updates: usize) -> Moment<IN, OUT> {
        self.moments.get(updates).copied().unwrap_or(self.last)
    }

    /// Each state with the next one.
    pub fn steps(&self) -> impl Iterator<Item = (&Moment<IN, OUT>, &Moment<IN, OUT>)> {
        self.moments.iter().zip(self.moments.iter().skip(1))
    }
}

impl<const IN: usize, const OUT: usize> Task<IN, OUT> {
    /// Factor of `prediction - goal` in an update: `1 - alpha x . x`.
    pub fn factor(&self) -> f64 {
        1.0 - 2.0 * self.alpha / self.alpha_limit()
    }

    /// Training converges below this `alpha`: `2 / (x . x)`.
    pub fn alpha_limit(&self) -> f64 {
        2.0 / sum(&self.input.map(square))
    }

    /// The state with these weights.
    pub fn at(&self, weights: [[f64; IN]; OUT]) -> Moment<IN, OUT> {
        let predictions = linear(weights).forward(&self.input);
        let mut deltas = predictions;
        deltas.iter_mut().zip(self.goal).for_each(|(delta, goal)| *delta -= goal);
        Moment { weights, predictions, deltas }
    }

    /// Gradient descent on the half squared error, in `f64`, for at most `steps` updates.
    pub fn learn(&self, steps: u32, low: impl Fn(&Moment<IN, OUT>) -> bool) -> Run<IN, OUT> {
        let mut net = linear(self.weights);
        let mut trainer = Trainer::<_, HalfSquaredError, _>::new();
        let sgd = NoBias { optimizer: Sgd { learning_rate: self.alpha } };
        self.record(steps, low, |_| {
            trainer.step(&mut net, &sgd, &self.input, &self.goal);
            net.rows()
        })
    }

    /// The same by hand, in the text's order of operations: gradlet multiplies `(alpha delta) x`.
    pub fn as_written(&self, steps: u32) -> Run<IN, OUT> {
        self.record(steps, never, |moment| {
            let mut rows = moment.weights;
            for (row, delta) in rows.iter_mut().zip(moment.deltas) {
                for (weight, x) in row.iter_mut().zip(self.input) {
                    *weight -= self.alpha * (delta * x);
                }
            }
            rows
        })
    }

    /// The states by any rule: `next` returns the next weights.
    pub fn record(
        &self,
        steps: u32,
        low: impl Fn(&Moment<IN, OUT>) -> bool,
        mut next: impl FnMut(&Moment<IN, OUT>) -> [[f64; IN]; OUT],
    ) -> Run<IN, OUT> {
        let mut last = self.at(self.weights);
        let (mut moments, mut ending) = (vec![last], Ending::StepsDone);
        for _ in 0..steps {
            if low(&last) {
                ending = Ending::Learned;
                break;
            }
            if !last.error().is_finite() {
                ending = Ending::Overflow;
                break;
            }
            last = self.at(next(&last));
            moments.push(last);
        }
        Run { moments, last, ending }
    }
}

fn square<T: Scalar>(value: T) -> T {
    value * value
}

/// No limit of the error: all steps are made.
pub fn never<const IN: usize, const OUT: usize>(_: &Moment<IN, OUT>) -> bool {
    false
}

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
        let [now, up, down] =
            [weight, weight + step, weight - step].map(|weight| error(weight, input, goal));
        let stays = now < up && now < down;
        let step = if down < up { -step } else { step };
        Self { error: now, up, down, weight: if stays { weight } else { weight + step } }
    }
}

/// The text's task for hot and cold and for the error-based rule.
pub const WARM_UP: Task<1, 1> = Task { weights: [[0.5]], input: [0.5], goal: [0.8], alpha: 1.0 };

/// A probe in that task, with the text's step.
pub fn probe(weight: f64) -> Probe {
    let Task { input: [input], goal: [goal], .. } = WARM_UP;
    Probe::new(weight, 0.001, input, goal)
}

/// Hot and cold learning: a fixed step to the better side, until neither side is better.
pub fn hot_and_cold() -> Run<1, 1> {
    let better = |moment: &Moment<1, 1>| probe(moment.weight()).weight;
    let stays = |moment: &Moment<1, 1>| better(moment).to_bits() == moment.weight().to_bits();
    WARM_UP.record(2000, stays, |moment| [[better(moment)]])
}

/// The error-based rule on the same task, until the error is below 1e-20.
pub fn error_based() -> Run<1, 1> {
    WARM_UP.learn(1000, |moment| moment.error() < 1e-20)
}

/// Numerical derivative of the error at the start of [`WARM_UP`]. The error is a parabola, for
/// which the quotient is exact except for rounding.
pub fn slope() -> f64 {
    let Task { weights: [[weight]], input: [input], goal: [goal], .. } = WARM_UP;
    let [up, down] = [weight + 1e-3, weight - 1e-3].map(|weight| error(weight, input, goal));
    (up - down) / 2e-3
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
    let (input, goal) = (T::from_f64(LARGE_INPUT), T::from_f64(0.8));
    let mut weight = T::ZERO;
    let errors = (0..MOST).map(|_| {
        let delta = input * weight - goal;
        weight -= delta * input;
        square(delta).to_f64()
    });
    let errors: Vec<f64> = errors.collect();
    let first = |is_it: fn(f64) -> bool| {
        errors.iter().zip(0..).find(|(error, _)| is_it(**error)).map_or(MOST, |(_, at)| at)
    };
    let mut net = Linear::<1, 1, T>::ZERO;
    let mut trainer = Trainer::<_, HalfSquaredError, _>::new();
    let sgd = NoBias { optimizer: Sgd { learning_rate: T::ONE } };
    let mut step = || trainer.step(&mut net, &sgd, &[input], &[goal]).is_finite();
    let refused = (0..MOST).find(|_| !step()).unwrap_or(MOST);
    // One more step, to see that the weight does not change.
    step();
    let [[kept]] = net.rows();
    let (infinite, nan) = (first(f64::is_infinite), first(f64::is_nan));
    Overflow { infinite, nan, refused, kept: kept.to_f64() }
}

/// Whether training converges with `alpha` just below and just above the limit: `[true, false]`.
pub fn around_the_limit(input: f64) -> [bool; 2] {
    let limit = from_zero(input, 1.0).alpha_limit();
    [0.999, 1.001].map(|share| {
        let run = from_zero(input, share * limit).learn(1000, never);
        run.last.error() < run.after(0).error()
    })
}

/// The three inputs of the text: the win record is 1.65 here, and 0.65 everywhere else.
pub const THREE_TO_ONE: Task<3, 1> =
    Task { weights: [[0.1, 0.2, -0.1]], input: [8.5, 1.65, 1.2], goal: [1.0], alpha: 0.02 };
/// The same inputs, with the win record of the other cells.
pub const OTHER_RECORD: Task<3, 1> = Task { input: GAME, ..THREE_TO_ONE };
/// Initial weights with which the text's rule cannot learn: one is 0.
pub const WITH_A_ZERO: Task<3, 1> = Task { weights: [[0.0, 0.2, -0.1]], ..THREE_TO_ONE };
/// Initial weights with which it diverges: the prediction has the opposite sign of the goal.
pub const OTHER_SIGN: Task<3, 1> = Task { weights: [[-0.1, -0.2, 0.1]], ..THREE_TO_ONE };

fn low_enough(moment: &Moment<3, 1>) -> bool {
    moment.error() < 1e-5
}

/// `weight delta = delta * input`.
pub fn right_rule(task: &Task<3, 1>) -> Run<3, 1> {
    task.learn(1000, low_enough)
}

/// The weight deltas of the text: `delta * weight`.
pub fn wrong_deltas(moment: &Moment<3, 1>) -> [f64; 3] {
    let ([weights], [delta]) = (moment.weights, moment.deltas);
    weights.map(|weight| delta * weight)
}

/// `weight delta = delta * weight`, as in the text.
pub fn wrong_rule(task: &Task<3, 1>) -> Run<3, 1> {
    task.record(1000, low_enough, |moment| {
        let [delta] = moment.deltas;
        moment.weights.map(|row| row.map(|weight| weight - task.alpha * (delta * weight)))
    })
}

/// One input, three outputs.
pub const ONE_TO_THREE: Task<1, 3> =
    Task { weights: [[0.3], [0.2], [0.9]], input: [0.65], goal: [0.1, 1.0, 0.1], alpha: 0.1 };
/// Three inputs, three outputs.
pub const THREE_TO_THREE: Task<3, 3> =
    Task { weights: THREE_ROWS, input: GAME, goal: [0.1, 1.0, 0.1], alpha: 0.01 };

/// The text's 105 iterations.
pub fn one_to_three() -> Run<1, 3> {
    ONE_TO_THREE.learn(105, never)
}

/// Until every error is at most 1e-6; the update of that iteration is still made.
fn until_low(run: impl Fn(u32, fn(&Moment<3, 3>) -> bool) -> Run<3, 3>) -> Run<3, 3> {
    let low = run(1000, |moment| moment.errors().iter().all(|&error| error <= 1e-6));
    run(low.updates().saturating_add(1), never)
}

pub fn three_to_three() -> Run<3, 3> {
    until_low(|steps, low| THREE_TO_THREE.learn(steps, low))
}

/// The same by `weight[output][input] -= alpha * delta[output] * input[output]`: the index of the
/// input is that of the output.
pub fn wrong_index() -> Run<3, 3> {
    let task = THREE_TO_THREE;
    let next = |moment: &Moment<3, 3>| {
        let mut rows = moment.weights;
        for ((row, delta), x) in rows.iter_mut().zip(moment.deltas).zip(task.input) {
            *row = row.map(|weight| weight - task.alpha * (delta * x));
        }
        rows
    };
    until_low(|steps, low| task.record(steps, low, next))
}

/// How far each weight has moved.
pub fn moved(run: &Run<3, 3>) -> Vec<f64> {
    let (end, start) = (run.last.weights, run.after(0).weights);
    elementwise(end.as_flattened(), start.as_flattened(), |end, start| end - start)
}
