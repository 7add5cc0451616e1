//! Ten points: the script of a text, and training by the right rules.

pub mod learning;
pub mod lines;
pub mod script;

use gradlet::prelude::*;

/// `x1`, `x2` and the label of a point.
pub type Point = ([f64; 2], [f64; 1]);

/// The points of the text, in its order.
pub const POINTS: [Point; 10] = [
    ([1.0, 0.0], [1.0]),
    ([0.0, 1.0], [1.0]),
    ([-1.0, 0.0], [1.0]),
    ([0.0, -1.0], [1.0]),
    ([0.5, 0.5], [1.0]),
    ([-0.5, 0.5], [1.0]),
    ([-0.5, -0.5], [1.0]),
    ([0.5, -0.5], [1.0]),
    ([1.0, 1.0], [0.0]),
    ([-1.0, -1.0], [0.0]),
];

/// Number of points.
pub const COUNT: f64 = 10.0;

/// One neuron: `a = sigmoid(w1 x1 + w2 x2 + b)`.
pub type Neuron = Dense<2, 1, Sigmoid, f64>;

/// Two inputs, four hidden units, one output.
pub type Net = net![f64; 2 => 4 Tanh => 1 Sigmoid];

/// The neuron before training: `w1 = w2 = b = 1`.
pub const fn neuron() -> Neuron {
    Dense::from_rows([[1.0, 1.0]], [1.0])
}

/// The small network before training: random weights, stored so that every run is the same.
pub const fn net() -> Net {
    Net::new(
        Dense::from_rows(
            [
                [-0.095241, 0.119545],
                [0.848421, -0.0687],
                [0.015683, 0.17477],
                [-0.630679, 0.023817],
            ],
            [0.129883, 0.292977, -0.405877, -0.196599],
        ),
        Dense::from_rows([[-0.818659, 0.619289, 0.386877, -0.916239]], [0.482193]),
    )
}

/// `1 / (1 + e^-z)`.
pub fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

/// The derivative of [`sigmoid`].
pub fn sigmoid_slope(z: f64) -> f64 {
    sigmoid(z) * (1.0 - sigmoid(z))
}
