//! Losses of single predictions and their derivatives.

pub mod points;
pub mod surface;

use gradlet::prelude::*;

/// Losses of three predictions against three targets, aggregated in four ways.
#[derive(Clone, Copy, Debug)]
pub struct Errors {
    /// `sum |a - t|`.
    pub absolute: f64,
    /// `sum (a - t)^2`.
    pub squared: f64,
    /// `sum (a - t)^2 / (2 m)`, the mean squared error of the text.
    pub half_mean: f64,
    /// `sum (a - t)^2 / m`, the same without the 1/2.
    pub mean: f64,
}

/// The errors of predictions `a` with targets `t`.
pub fn errors(t: [f64; 3], a: [f64; 3]) -> Errors {
    let half = loss::<HalfSquaredError, Identity, 3>(a, t);
    Errors {
        absolute: loss::<AbsoluteError, Identity, 3>(a, t),
        squared: 2.0 * half,
        half_mean: half / 3.0,
        mean: loss::<MeanSquaredError, Identity, 3>(a, t),
    }
}

/// A binary prediction: its loss, and the derivatives with respect to probability and logit.
#[derive(Clone, Copy, Debug)]
pub struct Binary {
    /// `-(y ln a + (1 - y) ln(1 - a))`.
    pub loss: f64,
    /// `dL/da = (a - y) / (a (1 - a))`.
    pub by_answer: f64,
    /// `dL/dz = a - y`, where `a = 1 / (1 + e^-z)`.
    pub by_logit: f64,
}

/// The binary cross-entropy of the predicted probability `a` with label `y`.
pub fn binary(y: f64, a: f64) -> Binary {
    let mut delta = [0.0];
    <BinaryCrossEntropy as Loss<Sigmoid, f64>>::delta(&[a], &[y], &mut delta, &mut ());
    let [by_logit] = delta;
    Binary {
        loss: loss::<BinaryCrossEntropy, Sigmoid, 1>([logit(a)], [y]),
        by_answer: by_logit / (a * (1.0 - a)),
        by_logit,
    }
}

/// A prediction of one class out of three.
#[derive(Clone, Copy, Debug)]
pub struct Multiclass {
    /// `-sum y ln a`.
    pub loss: f64,
    /// `dL/dz = a - y`, where `a = softmax(z)`.
    pub by_logit: [f64; 3],
}

/// The cross-entropy of the predicted probabilities `a` with the one-hot label `y`.
pub fn multiclass(y: [f64; 3], a: [f64; 3]) -> Multiclass {
    let mut by_logit = [0.0; 3];
    <CrossEntropy as Loss<Softmax, f64>>::delta(&a, &y, &mut by_logit, &mut ());
    Multiclass { loss: cross_entropy(y, a), by_logit }
}

/// Information in nats: that of each event, and its mean, the entropy.
#[derive(Clone, Copy, Debug)]
pub struct Information {
    /// `I = -ln p` of each event.
    pub each: [f64; 3],
    /// `H = sum p I`.
    pub entropy: f64,
    /// The same sum, of terms first rounded to two decimals, as in the text.
    pub of_rounded: f64,
}

/// The information of three events with these probabilities.
pub fn information(p: [f64; 3]) -> Information {
    let each = p.map(|p| -p.ln());
    let rounded = each.map(|i| (i * 100.0).round() / 100.0);
    let of_rounded = p.iter().zip(rounded).map(|(p, i)| p * i).sum();
    Information { each, entropy: cross_entropy(p, p), of_rounded }
}

/// Cross-entropy `-sum p ln q` of a prediction `q` with true probabilities `p`.
pub fn cross_entropy(p: [f64; 3], q: [f64; 3]) -> f64 {
    // The softmax of log-probabilities is the probabilities themselves.
    loss::<CrossEntropy, Softmax, 3>(q.map(f64::ln), p)
}

/// Kullback-Leibler divergence `KL(p, q) = sum p ln(p / q)`: the part of the cross-entropy that a
/// better `q` would save.
pub fn divergence(p: [f64; 3], q: [f64; 3]) -> f64 {
    cross_entropy(p, q) - cross_entropy(p, p)
}

/// The two curves of the binary cross-entropy at 50 predictions from 0.01 to 0.99: `(a, loss if y
/// is 0, loss if y is 1)`.
pub fn curves() -> Vec<(f64, f64, f64)> {
    let answers = (0..50).map(|k| 0.01 + 0.98 * f64::from(k) / 49.0);
    answers.map(|a| (a, binary(0.0, a).loss, binary(1.0, a).loss)).collect()
}

/// How fast a sigmoid neuron recovers from a wrong prediction, with some loss.
#[derive(Clone, Copy, Debug)]
pub struct Recovery {
    /// `dL/dz` at the start.
    pub slope: f64,
    /// Updates until the prediction is above 0.9; `None` if there were too many.
    pub updates: Option<u32>,
}

/// Maximum number of updates of a [`Recovery`].
const PATIENCE: u32 = 100_000;

/// Trains a sigmoid neuron that predicts 0.01 towards a target of 1, at a learning rate of 1.
pub fn recovery<L: Loss<Sigmoid, f64>>() -> Recovery {
    type Neuron = Dense<1, 1, Sigmoid, f64>;
    // With an input of 0, the logit is the bias.
    let mut net = Neuron::new([[0.0]], [logit(0.01)]);
    let mut batch = BatchTrainer::<Neuron, L>::new();
    batch.accumulate(&net, &[0.0], &[1.0]);
    let [slope] = *batch.gradient().bias();
    let mut trainer = Trainer::<Neuron, L>::new();
    let mut updates = None;
    for update in 1..=PATIENCE {
        trainer.step(&mut net, &Sgd { learning_rate: 1.0 }, &[0.0], &[1.0]);
        let [a] = net.forward(&[0.0]);
        if a > 0.9 {
            updates = Some(update);
            break;
        }
    }
    Recovery { slope, updates }
}

/// The prediction of a line above a point, before and after one step of gradient descent.
pub fn step_above(y: f64, a: f64) -> (f64, f64) {
    let mut net = Dense::<1, 1, Identity, f64>::new([[0.0]], [a]);
    let mut trainer = Trainer::<_, HalfSquaredError>::new();
    trainer.step(&mut net, &Sgd { learning_rate: 0.5 }, &[0.0], &[y]);
    let [after] = net.forward(&[0.0]);
    (a - y, after)
}

/// The loss of logits.
fn loss<L: Loss<A, f64>, A: Activation<f64>, const N: usize>(
    mut logits: [f64; N],
    t: [f64; N],
) -> f64 {
    L::evaluate(&mut logits, &t)
}

/// The logit `z` of a probability: the sigmoid of `z` is `a`.
fn logit(a: f64) -> f64 {
    (a / (1.0 - a)).ln()
}
