//! Several weights: the correct rule and the text's, one input to three outputs, three to three.

use super::forward::{GAME, THREE_ROWS};
use super::run::{Moment, Run, Task, never};

/// The three inputs of the text: the win record is 1.65 here, and 0.65 everywhere else.
pub const THREE_TO_ONE: Task<3, 1> =
    Task { weights: [[0.1, 0.2, -0.1]], input: [8.5, 1.65, 1.2], goal: [1.0], alpha: 0.02 };

/// The same inputs, with the win record of the other cells.
pub const OTHER_RECORD: Task<3, 1> = Task { input: GAME, ..THREE_TO_ONE };

fn low_enough(moment: &Moment<3, 1>) -> bool {
    moment.error() < 1e-5
}

/// `weight delta = delta * input`.
pub fn right_rule(task: &Task<3, 1>, steps: u32) -> Run<3, 1> {
    task.learn(steps, low_enough)
}

/// `weight delta = delta * weight`, as in the text.
pub fn wrong_rule(task: &Task<3, 1>, steps: u32) -> Run<3, 1> {
    let [mut weights] = task.weights;
    let predict =
        |weights: &[f64; 3]| -> f64 { task.input.iter().zip(weights).map(|(x, w)| x * w).sum() };
    let [goal] = task.goal;
    task.record(steps, low_enough, [predict(&weights)], |[prediction]| {
        let delta = *prediction - goal;
        for weight in &mut weights {
            *weight -= task.alpha * (delta * *weight);
        }
        *prediction = predict(&weights);
        Some([weights])
    })
}

/// The three weight deltas of the first update: by the inputs, and by the weights.
pub fn first_deltas(task: &Task<3, 1>) -> [[f64; 3]; 2] {
    let ([weights], [goal]) = (task.weights, task.goal);
    let [prediction] = task.learn(0, never).last.predictions;
    let delta = prediction - goal;
    [task.input.map(|x| delta * x), weights.map(|w| delta * w)]
}

/// Initial weights with which the text's rule cannot learn: one is 0.
pub const WITH_A_ZERO: Task<3, 1> = Task { weights: [[0.0, 0.2, -0.1]], ..THREE_TO_ONE };

/// Initial weights with which it diverges: the prediction has the opposite sign of the goal.
pub const OTHER_SIGN: Task<3, 1> = Task { weights: [[-0.1, -0.2, 0.1]], ..THREE_TO_ONE };

/// One input, three outputs.
pub const ONE_TO_THREE: Task<1, 3> =
    Task { weights: [[0.3], [0.2], [0.9]], input: [0.65], goal: [0.1, 1.0, 0.1], alpha: 0.1 };

/// The text's 105 iterations.
pub fn one_to_three() -> Run<1, 3> {
    ONE_TO_THREE.learn(105, never)
}

/// Three inputs, three outputs.
pub const THREE_TO_THREE: Task<3, 3> =
    Task { weights: THREE_ROWS, input: GAME, goal: [0.1, 1.0, 0.1], alpha: 0.01 };

fn all_low(moment: &Moment<3, 3>) -> bool {
    moment.errors.iter().all(|&error| error <= 1e-6)
}

/// Until every error is at most 1e-6; the update of that iteration is still made.
pub fn three_to_three() -> Run<3, 3> {
    let updates = u32::try_from(THREE_TO_THREE.learn(1000, all_low).updates()).unwrap_or(0);
    THREE_TO_THREE.learn(updates.saturating_add(1), never)
}

/// The same by `weight[output][input] -= alpha * delta[output] * input[output]`: the index of the
/// input is that of the output.
pub fn wrong_index() -> Run<3, 3> {
    let updates = u32::try_from(by_wrong_index(1000, all_low).updates()).unwrap_or(0);
    by_wrong_index(updates.saturating_add(1), never)
}

fn by_wrong_index(steps: u32, low: impl Fn(&Moment<3, 3>) -> bool) -> Run<3, 3> {
    let task = THREE_TO_THREE;
    let mut weights = task.weights;
    let predict = |rows: &[[f64; 3]; 3]| {
        rows.map(|row| row.iter().zip(task.input).map(|(w, x)| w * x).sum::<f64>())
    };
    task.record(steps, low, predict(&weights), |predictions| {
        let answers = predictions.iter().zip(task.goal);
        for ((row, (prediction, goal)), x) in weights.iter_mut().zip(answers).zip(task.input) {
            for weight in row {
                *weight -= task.alpha * (prediction - goal) * x;
            }
        }
        *predictions = predict(&weights);
        Some(weights)
    })
}

/// How far each weight has moved.
pub fn moved(run: &Run<3, 3>) -> [[f64; 3]; 3] {
    let mut rows = run.last.weights;
    for (row, start) in rows.iter_mut().zip(run.after(0).weights) {
        for (weight, start) in row.iter_mut().zip(start) {
            *weight -= start;
        }
    }
    rows
}
