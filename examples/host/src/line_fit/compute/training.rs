//! The same line by gradient descent: on single samples, mini-batches and full batches.

use core::ops::ControlFlow;

use gradlet::Epoch;
use gradlet::prelude::*;
use gradlet::preprocess::{Scaling, Standardize};

use super::{Line, Neuron, Sample, loss};

/// The state after a number of epochs.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Number of epochs; 0 at the start.
    pub pass: u32,
    /// The line for raw inputs.
    pub line: Line,
    /// The line for the inputs of the training: a different one if they were standardised.
    pub trained: Line,
    /// Mean half squared error over all samples.
    pub loss: f64,
}

/// Batch size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batch {
    One,
    Of(u32),
    All,
}

/// Settings of a run.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub batch: Batch,
    pub learning_rate: f64,
    /// Maximum number of epochs.
    pub passes: u32,
    /// Ends the run if the loss is below this, which never happens for a negative number.
    pub enough: f64,
}

/// Result of a run: its states, the first of which is the start.
#[derive(Clone, Debug)]
pub struct Run {
    pub moments: Vec<Moment>,
    pub outcome: Outcome,
}

impl Run {
    /// The state after the last epoch with a finite loss.
    pub fn last(&self) -> Option<&Moment> {
        self.moments.last()
    }

    /// Whether training diverged.
    pub const fn diverged(&self) -> bool {
        matches!(self.outcome, Outcome::NotFinite { .. } | Outcome::Diverged)
    }
}

/// Trains from (0, 0) on raw inputs.
pub fn train(samples: &[Sample], plan: Plan) -> Run {
    train_scaled(samples, &Scaling::new([0.0], [1.0]), plan)
}

/// Trains from (0, 0) on standardised inputs (mean 0, variance 1); each line is mapped back to raw
/// inputs.
pub fn train_standardised(samples: &[Sample], plan: Plan) -> Run {
    train_scaled(samples, &scaling(samples), plan)
}

/// Standardisation of the inputs.
pub fn scaling(samples: &[Sample]) -> Scaling<1, f64> {
    let mut statistics = Standardize::<1, f64>::new();
    for (x, _) in samples {
        statistics.observe(x);
    }
    statistics.scaling()
}

fn train_scaled(samples: &[Sample], scaling: &Scaling<1, f64>, plan: Plan) -> Run {
    let scaled: Vec<Sample> = samples.iter().map(|(x, t)| (scaling.transform(x), *t)).collect();
    let moment = |pass, net: &Neuron| {
        let (trained, mut raw) = (Line::of(net), net.clone());
        scaling.fold_into(&mut raw);
        Moment { pass, line: Line::of(&raw), trained, loss: loss(&scaled, trained) }
    };
    let mut net = Neuron::ZERO;
    let mut moments = vec![moment(0, &net)];
    let outcome = fit(&mut net, &scaled, plan, |epoch| {
        let moment = moment(epoch.number, epoch.net);
        if moment.loss.is_finite() {
            moments.push(moment);
        }
        if moment.loss >= plan.enough { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    // A loss that is not finite may show only when all samples are evaluated.
    let too_large = !loss(&scaled, Line::of(&net)).is_finite();
    let outcome = if too_large { Outcome::NotFinite { example: 0 } } else { outcome };
    Run { moments, outcome }
}

/// Trains; calls `callback` after each epoch.
fn fit(
    net: &mut Neuron,
    samples: &[Sample],
    plan: Plan,
    callback: impl FnMut(Epoch<'_, Neuron>) -> ControlFlow<()>,
) -> Outcome {
    let sgd = |_| Sgd { learning_rate: plan.learning_rate };
    let stop = Stop::after(plan.passes);
    let size = match plan.batch {
        Batch::One => {
            let mut trainer = Trainer::<Neuron, HalfSquaredError>::new();
            return trainer
                .fit_with(net, sgd, |epoch| epoch.learn(samples), stop, callback)
                .outcome;
        }
        Batch::Of(size) => size,
        Batch::All => FULL_BATCH,
    };
    let mut trainer = BatchTrainer::<Neuron, HalfSquaredError>::new();
    trainer.fit_with(net, sgd, size, |epoch| epoch.learn(samples), stop, callback).outcome
}

/// The line after each sample of one epoch, one update each, from (0, 0); the start comes first.
///
/// Ends early if a loss is not finite.
pub fn one_pass(samples: &[Sample], learning_rate: f64) -> Vec<Line> {
    let mut net = Neuron::ZERO;
    let mut trainer = Trainer::<Neuron, HalfSquaredError>::new();
    let mut lines = vec![Line::of(&net)];
    for (x, t) in samples {
        if !trainer.step(&mut net, &Sgd { learning_rate }, x, t).is_finite() {
            break;
        }
        lines.push(Line::of(&net));
    }
    lines
}

/// The same for batches of `size`.
pub fn one_pass_of_batches(samples: &[Sample], learning_rate: f64, size: usize) -> Vec<Line> {
    let mut net = Neuron::ZERO;
    let mut trainer = BatchTrainer::<Neuron, HalfSquaredError>::new();
    let mut lines = vec![Line::of(&net)];
    for batch in samples.chunks(size.max(1)) {
        for (x, t) in batch {
            trainer.accumulate(&net, x, t);
        }
        trainer.apply(&mut net, &Sgd { learning_rate });
        lines.push(Line::of(&net));
    }
    lines
}
