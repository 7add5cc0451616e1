//! A line through 100 measurements: in closed form, and learned by a network of one neuron.

pub(crate) mod equations;
pub(crate) mod least_squares;
pub(crate) mod rooms;
pub(crate) mod training;

use gradlet::prelude::*;

/// The line `z = w x + b` as a network: one neuron without an activation.
pub(crate) type Neuron = Dense<1, 1, Identity, f64>;
/// An input and its target.
pub(crate) type Sample = ([f64; 1], [f64; 1]);

/// The line `z = w x + b`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Line {
    pub(crate) w: f64,
    pub(crate) b: f64,
}

impl Line {
    pub(crate) const ZERO: Self = Self { w: 0.0, b: 0.0 };

    /// The line that a neuron draws.
    pub(crate) const fn of(net: &Neuron) -> Self {
        let ([[w]], [b]) = (*net.weights(), *net.bias());
        Self { w, b }
    }

    pub(crate) const fn neuron(self) -> Neuron {
        Neuron::new([[self.w]], [self.b])
    }

    pub(crate) fn at(self, x: f64) -> f64 {
        self.w * x + self.b
    }
}

/// The measurements as training samples.
pub(crate) fn samples() -> Vec<Sample> {
    rooms::ROOMS.iter().map(|&(x, y)| ([x], [y])).collect()
}

/// `J = sum (z - y)^2 / (2 m)`, the mean half squared error of a line.
pub(crate) fn loss(samples: &[Sample], line: Line) -> f64 {
    let mut judge = Trainer::<Neuron, HalfSquaredError>::new();
    judge.mean_loss(&line.neuron(), samples).unwrap_or(f64::NAN)
}

/// The best line of the course that the text follows, on measurements that it does not print.
pub(crate) const QUOTED_FIT: Line = Line { w: 2.056827, b: 2.965434 };
/// Its line after one pass by sample at a learning rate of 0.1.
pub(crate) const QUOTED_SGD: Line = Line { w: 1.71629006, b: 3.19684087 };
