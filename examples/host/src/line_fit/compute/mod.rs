//! Linear regression on 100 measurements: in closed form, and by a network of one neuron.

pub mod equations;
pub mod least_squares;
pub mod rooms;
pub mod training;

use gradlet::prelude::*;

/// The line `z = w x + b` as a network: one neuron without an activation.
pub type Neuron = Dense<1, 1, Identity, f64>;
/// An input and its target.
pub type Sample = ([f64; 1], [f64; 1]);

/// The line `z = w x + b`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    pub w: f64,
    pub b: f64,
}

impl Line {
    pub const ZERO: Self = Self { w: 0.0, b: 0.0 };

    /// The line of a neuron.
    pub const fn of(net: &Neuron) -> Self {
        let ([[w]], [b]) = (*net.weights(), *net.bias());
        Self { w, b }
    }

    pub const fn neuron(self) -> Neuron {
        Neuron::new([[self.w]], [self.b])
    }

    pub fn at(self, x: f64) -> f64 {
        self.w * x + self.b
    }
}

/// The measurements as training samples.
pub fn samples() -> Vec<Sample> {
    rooms::ROOMS.iter().map(|&(x, y)| ([x], [y])).collect()
}

/// `J = sum (z - y)^2 / (2 m)`, the mean half squared error of a line.
pub fn loss(samples: &[Sample], line: Line) -> f64 {
    let mut judge = Trainer::<Neuron, HalfSquaredError>::new();
    judge.mean_loss(&line.neuron(), samples).unwrap_or(f64::NAN)
}

/// The best line of the course that the text follows, on measurements that it does not print.
pub const QUOTED_FIT: Line = Line { w: 2.056827, b: 2.965434 };
/// Its line after one epoch on single samples at a learning rate of 0.1.
pub const QUOTED_SGD: Line = Line { w: 1.71629006, b: 3.19684087 };
