//! Linear regression on 100 measurements: in closed form, and by a network of one neuron.

pub mod equations;
pub mod rooms;
pub mod uses;

use core::ops::ControlFlow;

use gradlet::prelude::*;
use gradlet::preprocess::Scaling;

use crate::losses::{Line, Neuron, Sample, Surface};

/// The best line of the course that the text follows, on measurements that it does not print.
pub const QUOTED_FIT: Line = Line::new(2.056827, 2.965434);
/// Its line after one epoch on single samples at a learning rate of 0.1.
pub const QUOTED_SGD: Line = Line::new(1.71629006, 3.19684087);

/// The loss `J = sum (z - y)^2 / (2 m)` of a line over the measurements.
pub fn surface() -> Surface {
    Surface::over(&rooms::ROOMS)
}

/// The best line by each of the formulas, which are equal except for rounding.
#[derive(Clone, Copy, Debug)]
pub struct LeastSquares {
    /// `(m sum xy - sum x sum y) / (m sum xx - (sum x)^2)`,
    /// `sum y (x - mean x) / (sum xx - (sum x)^2 / m)` and
    /// `sum x (y - mean y) / (sum xx - mean x sum x)`.
    pub w: [f64; 3],
    /// `sum (y - w x) / m` and `mean y - w mean x`.
    pub b: [f64; 2],
    /// `sum y - w sum x`.
    pub m_times_b: f64,
    pub line: Line,
}

/// Least squares, in closed form.
pub fn least_squares(points: &[(f64, f64)]) -> LeastSquares {
    let sum = |f: &dyn Fn(f64, f64) -> f64| -> f64 { points.iter().map(|&(x, y)| f(x, y)).sum() };
    let m = sum(&|_, _| 1.0);
    let (sum_x, sum_y) = (sum(&|x, _| x), sum(&|_, y| y));
    let (sum_xx, sum_xy) = (sum(&|x, _| x * x), sum(&|x, y| x * y));
    let (mean_x, mean_y) = (sum_x / m, sum_y / m);
    let w = sum(&|x, y| y * (x - mean_x)) / (sum_xx - sum_x * sum_x / m);
    let b = sum(&|x, y| y - w * x) / m;
    LeastSquares {
        w: [
            (m * sum_xy - sum_x * sum_y) / (m * sum_xx - sum_x * sum_x),
            w,
            sum(&|x, y| x * (y - mean_y)) / (sum_xx - mean_x * sum_x),
        ],
        b: [b, mean_y - w * mean_x],
        m_times_b: sum_y - w * sum_x,
        line: Line::new(w, b),
    }
}

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

/// Settings of a run.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Batch size; [`FULL_BATCH`] for all.
    pub batch: u32,
    pub learning_rate: f64,
    /// Maximum number of epochs.
    pub passes: u32,
    /// Ends the run if the loss is below this, which never happens for a negative number.
    pub enough: f64,
}

/// Result of a run: its states with a finite loss, the first of which is the start.
#[derive(Clone, Debug)]
pub struct Run {
    pub moments: Vec<Moment>,
    /// Whether the loss became NaN or infinite.
    pub diverged: bool,
}

/// Trains from (0, 0) on inputs that are scaled first; each line is mapped back to raw inputs.
pub fn train(surface: &Surface, scaling: &Scaling<1, f64>, plan: Plan) -> Run {
    let scaled = surface.scaled(scaling);
    let moment = |pass, net: &Neuron| {
        let (trained, mut raw) = (Line::of(net), net.clone());
        scaling.fold_into(&mut raw);
        Moment { pass, line: Line::of(&raw), trained, loss: scaled.loss(trained) }
    };
    let mut net = Neuron::ZERO;
    let mut moments = vec![moment(0, &net)];
    let mut trainer = BatchTrainer::<Neuron, HalfSquaredError>::new();
    trainer.fit_with(
        &mut net,
        |_| Sgd { learning_rate: plan.learning_rate },
        plan.batch,
        |epoch| epoch.learn(&scaled.samples),
        Stop::after(plan.passes),
        |epoch| {
            let moment = moment(epoch.number, epoch.net);
            if moment.loss.is_finite() {
                moments.push(moment);
            }
            let goes_on = moment.loss >= plan.enough;
            if goes_on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        },
    );
    let diverged = !scaled.loss(Line::of(&net)).is_finite();
    Run { moments, diverged }
}

/// The line after each batch of one epoch, one update each, from (0, 0); the start comes first.
///
/// Ends early if a line is not finite.
pub fn one_pass(samples: &[Sample], learning_rate: f64, batch: usize) -> Vec<Line> {
    let mut net = Neuron::ZERO;
    let mut trainer = BatchTrainer::<Neuron, HalfSquaredError>::new();
    let mut lines = vec![Line::of(&net)];
    for batch in samples.chunks(batch.max(1)) {
        for (x, t) in batch {
            trainer.accumulate(&net, x, t);
        }
        trainer.apply(&mut net, &Sgd { learning_rate });
        let line = Line::of(&net);
        if !(line.w * line.b).is_finite() {
            break;
        }
        lines.push(line);
    }
    lines
}
