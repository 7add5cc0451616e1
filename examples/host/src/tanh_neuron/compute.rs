//! Everything that the example computes; nothing here prints.

use gradlet::prelude::*;
use gradlet::{Layer, Loss};

/// The one input of the text.
pub const INPUT: [f64; 2] = [1.0, 2.0];
/// What the neuron should answer to it.
pub const TARGET: f64 = 1.0;
/// What the text fits the sum `f = w1 x1 + w2 x2 + b` to: `atanh 0.9999`, rounded.
pub const TARGET_OF_SUM: f64 = 4.9517;
/// The learning rate of the text.
pub const RATE: f64 = 0.01;
/// Updates that the text makes: four by hand, then a hundred in a loop.
pub const UPDATES: u32 = 104;

/// A neuron with two inputs. The one of the text has the activation [`Tanh`]; what it really trains
/// has [`Identity`].
type OneNeuron<A> = Dense<2, 1, A, f64>;

/// `w1`, `w2`, `b`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameters {
    pub w1: f64,
    pub w2: f64,
    pub b: f64,
}

/// What all ways start from.
pub const START: Parameters = Parameters { w1: 0.2, w2: 0.3, b: 0.1 };

impl Parameters {
    pub const fn of<A>(neuron: &OneNeuron<A>) -> Self {
        let ([[w1], [w2]], [b]) = (neuron.weights(), neuron.bias());
        Self { w1: *w1, w2: *w2, b: *b }
    }

    /// A neuron with these parameters and any activation.
    pub const fn neuron<A: Activation<f64>>(self) -> OneNeuron<A> {
        Dense::from_rows([[self.w1, self.w2]], [self.b])
    }

    /// `f`, the sum before the activation, for any input.
    pub fn sum_at(self, input: [f64; 2]) -> f64 {
        let [sum] = self.neuron::<Identity>().forward(&input);
        sum
    }

    /// `tanh f` for any input.
    pub fn out_at(self, input: [f64; 2]) -> f64 {
        let [out] = self.neuron::<Tanh>().forward(&input);
        out
    }
}

/// A neuron after so many updates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    pub updates: u32,
    pub parameters: Parameters,
    /// `f`, the sum before the activation.
    pub sum: f64,
    /// `tanh f`.
    pub out: f64,
}

impl Moment {
    fn new(updates: u32, parameters: Parameters) -> Self {
        let (sum, out) = (parameters.sum_at(INPUT), parameters.out_at(INPUT));
        Self { updates, parameters, sum, out }
    }

    /// `(1 - out)^2`, the loss that the text announces.
    pub fn loss(&self) -> f64 {
        (TARGET - self.out) * (TARGET - self.out)
    }

    /// `f - 4.9517`, what the text prints as its loss.
    pub fn residual(&self) -> f64 {
        self.sum - TARGET_OF_SUM
    }

    /// `1 - out^2`, the slope of `tanh` here.
    pub fn slope(&self) -> f64 {
        1.0 - self.out * self.out
    }

    /// `dE/df = (out - 1) (1 - out^2)` for `E = 1/2 (out - 1)^2`.
    pub fn delta_of_half(&self) -> f64 {
        (self.out - TARGET) * self.slope()
    }

    /// `dE/df = 2 (out - 1) (1 - out^2)` for the loss that the text announces.
    pub fn delta(&self) -> f64 {
        2.0 * self.delta_of_half()
    }
}

/// How training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Complete,
    /// The loss after so many updates is NaN or infinite.
    NotFinite(u32),
}

/// A training run.
#[derive(Clone, Debug)]
pub struct Run {
    /// The moments that were asked for, and the last one.
    pub moments: Vec<Moment>,
    pub ending: Ending,
}

impl Run {
    /// The moment after so many updates, if it was kept.
    pub fn after(&self, updates: u32) -> Option<&Moment> {
        self.moments.iter().find(|moment| moment.updates == updates)
    }
}

/// Steps on the one sample, with any activation and loss.
fn train<A: Activation<f64>, L: Loss<A, f64>>(
    goal: f64,
    learning_rate: f64,
    updates: u32,
    mut keeps: impl FnMut(u32) -> bool,
) -> Run {
    let mut net = START.neuron::<A>();
    let mut trainer = Trainer::<OneNeuron<A>, L, Sgd<f64>>::new();
    let mut moments = vec![];
    for done in 0..=updates {
        let moment = Moment::new(done, Parameters::of(&net));
        if !trainer.evaluate(&net, &INPUT, &[goal]).is_finite() {
            return Run { moments, ending: Ending::NotFinite(done) };
        }
        if keeps(done) || done == updates {
            moments.push(moment);
        }
        trainer.step(&mut net, &Sgd { learning_rate }, &INPUT, &[goal]);
    }
    Run { moments, ending: Ending::Complete }
}

/// The way of the text: the target is taken through the inverse of `tanh` by hand, and the sum `f`
/// is fitted to that. It is a neuron without activation on `1/2 (f - 4.9517)^2`.
pub fn by_inversion(rate: f64, updates: u32, keeps: impl FnMut(u32) -> bool) -> Run {
    train::<Identity, HalfSquaredError>(TARGET_OF_SUM, rate, updates, keeps)
}

/// Backpropagation through `tanh` on `1/2 (out - 1)^2`.
pub fn on_half(rate: f64, updates: u32, keeps: impl FnMut(u32) -> bool) -> Run {
    train::<Tanh, HalfSquaredError>(TARGET, rate, updates, keeps)
}

/// Backpropagation through `tanh` on `(1 - out)^2`, the loss that the text announces.
pub fn on_square(rate: f64, updates: u32, keeps: impl FnMut(u32) -> bool) -> Run {
    train::<Tanh, MeanSquaredError>(TARGET, rate, updates, keeps)
}

/// The three ways from the one start.
#[derive(Clone, Debug)]
pub struct Curves {
    /// The learning rate of the first two.
    pub rate: f64,
    pub inversion: Run,
    pub square: Run,
    /// With ten times the rate.
    pub half: Run,
}

impl Curves {
    /// Trains in the three ways; `keeps` makes the choice of moments for each.
    pub fn train<F: FnMut(u32) -> bool>(rate: f64, updates: u32, keeps: impl Fn() -> F) -> Self {
        Self {
            rate,
            inversion: by_inversion(rate, updates, keeps()),
            square: on_square(rate, updates, keeps()),
            half: on_half(10.0 * rate, updates, keeps()),
        }
    }
}

/// `x1^2 + x2^2 + 1`: how much the sum moves for each unit that its derivative gives.
pub fn gain() -> f64 {
    let [x1, x2] = INPUT;
    x1 * x1 + x2 * x2 + 1.0
}

/// What one step of the text leaves of the residual: `1 - rate (x1^2 + x2^2 + 1)`.
pub fn contraction(rate: f64) -> f64 {
    1.0 - rate * gain()
}

/// The residual of the text after so many updates, in closed form.
pub fn residual_after(rate: f64, updates: u32) -> f64 {
    let start = START.sum_at(INPUT) - TARGET_OF_SUM;
    start * contraction(rate).powf(f64::from(updates))
}

/// What the loss `(1 - out)^2` comes to after many updates by backpropagation on the same loss.
///
/// Near saturation `1 - out^2` is `2 e` with `e = 1 - out`, so one update lowers `e` by
/// `8 rate gain e^3`: then `e^2` is `1 / (16 rate gain updates)`.
pub fn law_of_loss(rate: f64, updates: u32) -> f64 {
    1.0 / (16.0 * rate * gain() * f64::from(updates))
}
