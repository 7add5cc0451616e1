//! One tanh neuron on one sample: by inverting the target, and by backpropagation.

use gradlet::prelude::*;
use gradlet::{Layer, Loss};

/// The only input of the text.
pub const INPUT: [f64; 2] = [1.0, 2.0];
/// Its target.
pub const TARGET: f64 = 1.0;
/// The text's target of the weighted sum `f = w1 x1 + w2 x2 + b`: `atanh 0.9999`, rounded.
pub const TARGET_OF_SUM: f64 = 4.9517;
/// The learning rate of the text.
pub const RATE: f64 = 0.01;
/// Number of updates in the text: four by hand, then a hundred in a loop.
pub const UPDATES: u32 = 104;

/// A neuron with two inputs. That of the text has the activation [`Tanh`]; what the text really
/// trains has [`Identity`].
type OneNeuron<A> = Dense<2, 1, A, f64>;

/// `w1`, `w2`, `b`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameters {
    pub w1: f64,
    pub w2: f64,
    pub b: f64,
}

/// The initial parameters of all runs.
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

    /// The logit `f`, the weighted sum, for any input.
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

/// A neuron after a number of updates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    pub updates: u32,
    pub parameters: Parameters,
    /// The logit `f`, the weighted sum.
    pub sum: f64,
    /// `tanh f`.
    pub out: f64,
}

impl Moment {
    fn new(updates: u32, parameters: Parameters) -> Self {
        let (sum, out) = (parameters.sum_at(INPUT), parameters.out_at(INPUT));
        Self { updates, parameters, sum, out }
    }

    /// `(1 - out)^2`, the loss that the text states.
    pub fn loss(&self) -> f64 {
        (TARGET - self.out) * (TARGET - self.out)
    }

    /// `f - 4.9517`, what the text prints as its loss.
    pub fn residual(&self) -> f64 {
        self.sum - TARGET_OF_SUM
    }

    /// `1 - out^2`, the derivative of `tanh` here.
    pub fn slope(&self) -> f64 {
        1.0 - self.out * self.out
    }

    /// `dE/df = (out - 1) (1 - out^2)` for `E = 1/2 (out - 1)^2`.
    pub fn delta_of_half(&self) -> f64 {
        (self.out - TARGET) * self.slope()
    }

    /// `dE/df = 2 (out - 1) (1 - out^2)` for the loss that the text states.
    pub fn delta(&self) -> f64 {
        2.0 * self.delta_of_half()
    }
}

/// How training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Complete,
    /// The loss is NaN or infinite after this many updates.
    NotFinite(u32),
}

/// A training run.
#[derive(Clone, Debug)]
pub struct Run {
    /// The requested states, and the last one.
    pub moments: Vec<Moment>,
    pub ending: Ending,
}

impl Run {
    /// The state after a number of updates, if it was recorded.
    pub fn after(&self, updates: u32) -> Option<&Moment> {
        self.moments.iter().find(|moment| moment.updates == updates)
    }
}

/// Trains on the one sample, with any activation and loss.
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

/// The method of the text: it inverts `tanh` of the target by hand, and fits the weighted sum `f`
/// to that. This is a neuron without activation, trained on `1/2 (f - 4.9517)^2`.
pub fn by_inversion(rate: f64, updates: u32, keeps: impl FnMut(u32) -> bool) -> Run {
    train::<Identity, HalfSquaredError>(TARGET_OF_SUM, rate, updates, keeps)
}

/// Backpropagation through `tanh` on `1/2 (out - 1)^2`.
pub fn on_half(rate: f64, updates: u32, keeps: impl FnMut(u32) -> bool) -> Run {
    train::<Tanh, HalfSquaredError>(TARGET, rate, updates, keeps)
}

/// Backpropagation through `tanh` on `(1 - out)^2`, the loss that the text states.
pub fn on_square(rate: f64, updates: u32, keeps: impl FnMut(u32) -> bool) -> Run {
    train::<Tanh, MeanSquaredError>(TARGET, rate, updates, keeps)
}

/// The three methods, from the same initial parameters.
#[derive(Clone, Debug)]
pub struct Curves {
    /// The learning rate of the first two.
    pub rate: f64,
    pub inversion: Run,
    pub square: Run,
    /// The third, with ten times the rate.
    pub half: Run,
}

impl Curves {
    /// Trains by the three methods; `keeps` chooses the states that each records.
    pub fn train<F: FnMut(u32) -> bool>(rate: f64, updates: u32, keeps: impl Fn() -> F) -> Self {
        Self {
            rate,
            inversion: by_inversion(rate, updates, keeps()),
            square: on_square(rate, updates, keeps()),
            half: on_half(10.0 * rate, updates, keeps()),
        }
    }

    /// The three with a word for each.
    pub const fn named(&self) -> [(&'static str, &Run); 3] {
        [("text", &self.inversion), ("square", &self.square), ("half", &self.half)]
    }
}

/// `dL/dout` of `L = (1 - out)^2`, the loss that the text states, at an answer.
pub fn loss_slope(out: f64) -> f64 {
    let mut slope = [0.0];
    // Under `Identity` a loss takes its values as they are.
    <MeanSquaredError as Loss<Identity, f64>>::delta(&[out], &[TARGET], &mut slope, &mut ());
    let [slope] = slope;
    slope
}

/// `x1^2 + x2^2 + 1`: change of the weighted sum per unit of its derivative.
pub fn gain() -> f64 {
    let [x1, x2] = INPUT;
    x1 * x1 + x2 * x2 + 1.0
}

/// Factor of the residual in one step of the text: `1 - rate (x1^2 + x2^2 + 1)`.
pub fn contraction(rate: f64) -> f64 {
    1.0 - rate * gain()
}

/// The residual of the text after a number of updates, in closed form.
pub fn residual_after(rate: f64, updates: u32) -> f64 {
    let start = START.sum_at(INPUT) - TARGET_OF_SUM;
    start * contraction(rate).powf(f64::from(updates))
}

/// The asymptotic loss `(1 - out)^2` after many updates by backpropagation on the same loss.
///
/// Near saturation `1 - out^2` is `2 e` with `e = 1 - out`, so one update lowers `e` by
/// `8 rate gain e^3`: then `e^2` is `1 / (16 rate gain updates)`.
pub fn law_of_loss(rate: f64, updates: u32) -> f64 {
    1.0 / (16.0 * rate * gain() * f64::from(updates))
}
