//! Training by the correct rules, with gradlet.

use gradlet::Layer;
use gradlet::metrics::Accuracy;
use gradlet::prelude::*;

use super::{COUNT, Neuron, POINTS, neuron};

/// A binary classifier of points.
pub trait Classifier:
    Layer<Format = f64, Input = [f64; 2], Output = [f64; 1], Activation = Sigmoid> + Clone
{
}

impl<N> Classifier for N where
    N: Layer<Format = f64, Input = [f64; 2], Output = [f64; 1], Activation = Sigmoid> + Clone
{
}

/// One step of the neuron on one point.
#[derive(Clone, Debug)]
pub struct SampleStep {
    /// The output before the update.
    pub answer: f64,
    /// `1/2 (a - t)^2` before the update.
    pub loss: f64,
    /// Derivatives of the loss with respect to `w1`, `w2`, `b`.
    pub gradient: [f64; 3],
    /// The neuron after the update.
    pub after: Neuron,
}

/// `w1`, `w2`, `b` of a neuron, or of its gradient.
pub const fn list(neuron: &Neuron) -> [f64; 3] {
    let ([[w1], [w2]], [b]) = (neuron.weights(), neuron.bias());
    [*w1, *w2, *b]
}

/// One epoch: a step on the half squared error of each point.
pub fn pass_over_samples(learning_rate: f64) -> Vec<SampleStep> {
    let mut net = neuron();
    let mut trainer = Trainer::<Neuron, HalfSquaredError, Sgd<f64>>::new();
    let step = |(x, t)| {
        let mut single = BatchTrainer::<Neuron, HalfSquaredError, Sgd<f64>>::new();
        single.accumulate(&net, x, t);
        let gradient = list(single.gradient());
        let loss = trainer.step(&mut net, &Sgd { learning_rate }, x, t);
        let [answer] = *trainer.output();
        SampleStep { answer, loss, gradient, after: net.clone() }
    };
    POINTS.iter().map(|(x, t)| (x, t)).map(step).collect()
}

/// `1/2 sum (a - t)^2` over the points.
pub fn half_squared_error(net: &Neuron) -> f64 {
    let mut judge = Trainer::<Neuron, HalfSquaredError, Sgd<f64>>::new();
    POINTS.iter().map(|(x, t)| judge.evaluate(net, x, t)).sum()
}

/// Mean cross-entropy over the points.
pub fn cross_entropy<N: Classifier>(net: &N) -> f64 {
    let mut judge = Trainer::<N, BinaryCrossEntropy, Sgd<f64>>::new();
    judge.mean_loss(net, &POINTS).unwrap_or(f64::NAN)
}

/// Number of correct predictions.
pub fn correct<N: Classifier>(net: &N) -> u32 {
    let mut accuracy = Accuracy::new();
    POINTS.iter().for_each(|(x, t)| accuracy.observe(&net.forward(x), t));
    accuracy.correct()
}

/// A network after a number of updates.
#[derive(Clone, Debug)]
pub struct Moment<N> {
    pub updates: u32,
    /// Mean cross-entropy over the points.
    pub loss: f64,
    /// Number of correct predictions.
    pub correct: u32,
    pub net: N,
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
pub struct Run<N> {
    /// The requested states, and the last one.
    pub moments: Vec<Moment<N>>,
    pub ending: Ending,
}

impl<N> Run<N> {
    /// The state after a number of updates, if it was recorded.
    pub fn after(&self, updates: u32) -> Option<&Moment<N>> {
        self.moments.iter().find(|moment| moment.updates == updates)
    }

    /// The last state with a finite loss.
    pub fn last(&self) -> Option<&Moment<N>> {
        self.moments.last()
    }
}

/// Minimises the mean cross-entropy, by full-batch updates.
pub fn train<N: Classifier>(
    start: N,
    learning_rate: f64,
    updates: u32,
    mut keeps: impl FnMut(u32) -> bool,
) -> Run<N> {
    let (mut net, mut moments) = (start, vec![]);
    let mut trainer = BatchTrainer::<N, BinaryCrossEntropy, Sgd<f64>>::new();
    for done in 0..=updates {
        let mut accuracy = Accuracy::new();
        let mut loss = 0.0;
        for (x, t) in &POINTS {
            loss += trainer.accumulate(&net, x, t) / COUNT;
            accuracy.observe(trainer.output(), t);
        }
        if !loss.is_finite() {
            return Run { moments, ending: Ending::NotFinite(done) };
        }
        if keeps(done) || done == updates {
            let (correct, net) = (accuracy.correct(), net.clone());
            moments.push(Moment { updates: done, loss, correct, net });
        }
        trainer.apply(&mut net, &Sgd { learning_rate });
    }
    Run { moments, ending: Ending::Complete }
}

/// Distance of the decision boundary, where the neuron's output is 1/2, from the origin.
pub fn distance_of_line(neuron: &Neuron) -> f64 {
    let [w1, w2, b] = list(neuron);
    b.abs() / w1.hypot(w2)
}
