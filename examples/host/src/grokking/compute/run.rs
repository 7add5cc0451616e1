//! Training on one sample, with all intermediate states.

use gradlet::{Dense, HalfSquaredError, Identity, Layer, NoBias, Scalar, Sgd, Trainer};

/// A linear layer, whose biases stay 0.
pub type Linear<const IN: usize, const OUT: usize, T = f64> = Dense<IN, OUT, Identity, T>;

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
    /// `(prediction - goal)^2` of each unit.
    pub errors: [f64; OUT],
}

impl<const IN: usize, const OUT: usize> Moment<IN, OUT> {
    /// The sum of the errors.
    pub fn error(&self) -> f64 {
        self.errors.iter().sum()
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
    pub fn updates(&self) -> usize {
        self.moments.len().saturating_sub(1)
    }

    /// The state after a number of updates, or the last one.
    pub fn after(&self, updates: usize) -> Moment<IN, OUT> {
        self.moments.get(updates).copied().unwrap_or(self.last)
    }

    /// The total error after each update.
    pub fn errors(&self) -> Vec<f64> {
        self.moments.iter().map(Moment::error).collect()
    }
}

impl<const IN: usize, const OUT: usize> Task<IN, OUT> {
    /// `x . x` of the input.
    pub fn square_of_input(&self) -> f64 {
        self.input.iter().map(|x| x * x).sum()
    }

    /// Factor of `prediction - goal` in an update: `1 - alpha x . x`.
    pub fn factor(&self) -> f64 {
        1.0 - self.alpha * self.square_of_input()
    }

    /// Training converges below this `alpha`: `2 / (x . x)`.
    pub fn alpha_limit(&self) -> f64 {
        2.0 / self.square_of_input()
    }

    fn moment(&self, weights: [[f64; IN]; OUT], predictions: [f64; OUT]) -> Moment<IN, OUT> {
        let mut errors = predictions;
        for (error, goal) in errors.iter_mut().zip(self.goal) {
            *error = square(*error - goal);
        }
        Moment { weights, predictions, errors }
    }

    /// Gradient descent on the half squared error, in `f64`, for at most `steps` updates.
    pub fn learn(&self, steps: u32, low: impl Fn(&Moment<IN, OUT>) -> bool) -> Run<IN, OUT> {
        let mut net = Linear::<IN, OUT>::from_rows(self.weights, [0.0; OUT]);
        let mut trainer = Trainer::<_, HalfSquaredError, _>::new();
        let sgd = NoBias { optimizer: Sgd { learning_rate: self.alpha } };
        self.record(steps, low, net.forward(&self.input), |predictions| {
            let loss = trainer.step(&mut net, &sgd, &self.input, &self.goal);
            *predictions = net.forward(&self.input);
            loss.is_finite().then(|| net.rows())
        })
    }

    /// The states by any rule: `step` is given the predictions, updates them, and returns the
    /// weights, or `None` at an overflow.
    pub fn record(
        &self,
        steps: u32,
        low: impl Fn(&Moment<IN, OUT>) -> bool,
        mut predictions: [f64; OUT],
        mut step: impl FnMut(&mut [f64; OUT]) -> Option<[[f64; IN]; OUT]>,
    ) -> Run<IN, OUT> {
        let mut last = self.moment(self.weights, predictions);
        let mut run = Run { moments: vec![last], last, ending: Ending::StepsDone };
        for _ in 0..steps {
            if low(&last) {
                run.ending = Ending::Learned;
                break;
            }
            let weights = step(&mut predictions).filter(|_| last.error().is_finite());
            let Some(weights) = weights else {
                run.ending = Ending::Overflow;
                break;
            };
            last = self.moment(weights, predictions);
            run.moments.push(last);
        }
        run.last = last;
        run
    }
}

pub fn square<T: Scalar>(value: T) -> T {
    value * value
}

/// No limit of the error: all steps are made.
pub fn never<const IN: usize, const OUT: usize>(_: &Moment<IN, OUT>) -> bool {
    false
}
