//! Training of the network of `devices::signals`, and its evaluation.

pub mod pictures;

use devices::signals::{Learner, Plan, SHAPES, Signals};
use gradlet::metrics::ConfusionMatrix;

/// The first number of samples, after none, at which a network is tested; then twice as many, and
/// so on up to an epoch, and then after each epoch.
const FIRST: u32 = 125;

/// A trained network.
#[derive(Debug)]
pub struct Run {
    pub seed: u64,
    pub learner: Box<Learner>,
    /// Number of samples seen, and accuracy in percent on the test set.
    pub curve: Vec<(u32, f64)>,
    /// On the test set, after training.
    pub matrix: ConfusionMatrix<SHAPES>,
    /// Accuracy in percent on the signals it was trained on, after training.
    pub training: f64,
}

impl Run {
    /// Accuracy in percent on the test set, after training.
    pub fn accuracy(&self) -> f64 {
        self.curve.last().map_or(0.0, |mark| mark.1)
    }
}

/// Whether a network is tested after this number of samples.
fn is_tested(samples: u32, plan: &Plan) -> bool {
    let is_doubled = samples.is_multiple_of(FIRST) && (samples / FIRST).is_power_of_two();
    let is_epoch = samples.is_multiple_of(plan.signals);
    is_epoch || (is_doubled && samples < plan.signals)
}

/// Trains and tests; `learned` is called after each epoch.
pub fn train(plan: &Plan, mut learned: impl FnMut()) -> Run {
    let [training, test] = Signals::all();
    let mut learner = Box::new(Learner::ZERO);
    learner.start(plan.seed);
    let mut curve = vec![(0, percent(&judge(&learner, test)))];
    for ((number, rate), samples) in plan.steps().zip(1..) {
        if let Some((signal, shape)) = training.get(number) {
            learner.learn(&signal, shape, rate);
        }
        if is_tested(samples, plan) {
            curve.push((samples, percent(&judge(&learner, test))));
        }
        if samples.is_multiple_of(plan.signals) {
            learned();
        }
    }
    let seen = training.first(plan.signals as usize);
    let (matrix, training) = (judge(&learner, test), percent(&judge(&learner, seen)));
    Run { seed: plan.seed, learner, curve, matrix, training }
}

/// The confusion matrix on some signals.
pub fn judge(learner: &Learner, signals: Signals<'_>) -> ConfusionMatrix<SHAPES> {
    let mut matrix = ConfusionMatrix::new();
    for (signal, shape) in signals.iter() {
        // There is a prediction unless an output is NaN, which does not happen.
        let _ = learner.read(&signal).map(|read| matrix.record(read, usize::from(shape)));
    }
    matrix
}

/// Accuracy in percent.
fn percent(matrix: &ConfusionMatrix<SHAPES>) -> f64 {
    100.0 * f64::from(matrix.accuracy().unwrap_or(0.0))
}

/// Mean, minimum and maximum.
pub fn summary(values: &[f64]) -> [f64; 3] {
    let count = u32::try_from(values.len()).unwrap_or(u32::MAX).max(1);
    let mean = values.iter().sum::<f64>() / f64::from(count);
    let fold = |start, pick: fn(f64, f64) -> f64| values.iter().copied().fold(start, pick);
    [mean, fold(f64::INFINITY, f64::min), fold(f64::NEG_INFINITY, f64::max)]
}

/// Number of samples, then mean, minimum and maximum of the accuracies of all runs.
pub fn curve(runs: &[Run]) -> Vec<(u32, [f64; 3])> {
    let marks = runs.first().map_or(&[][..], |run| &run.curve).iter().enumerate();
    let at = |mark: usize| {
        runs.iter().filter_map(|run| Some(run.curve.get(mark)?.1)).collect::<Vec<_>>()
    };
    marks.map(|(mark, (samples, _))| (*samples, summary(&at(mark)))).collect()
}
