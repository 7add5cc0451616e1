//! From one neuron to a model that is used: the whole pipeline, several inputs and outputs, a curve,
//! and a classification.

use gradlet::metrics::Accuracy;
use gradlet::prelude::*;
use gradlet::safetensors::{self, SaveError};
use gradlet::{Report, init, net};
use rand_pcg::Pcg32;

use super::rooms::ROOMS;
use super::surface;
use crate::losses::{Sample, Surface};

/// Three inputs for [`two_neurons`].
pub const INPUTS: [f64; 3] = [1.0, 2.0, 3.0];
/// Their weights, one row per neuron.
pub const WEIGHTS: [[f64; 3]; 2] = [[0.5, -0.2, 0.1], [-0.3, 0.4, 0.2]];
/// The sum from which each neuron fires.
pub const THRESHOLDS: [f64; 2] = [0.5, 0.7];

/// Two neurons with any activation, on three inputs. The bias is the negative threshold.
pub fn two_neurons<A: Activation<f64>>(thresholds: [f64; 2]) -> [f64; 2] {
    Dense::<3, 2, A, f64>::from_rows(WEIGHTS, thresholds.map(|t| -t)).forward(&INPUTS)
}

/// The sigmoid.
pub fn sigmoid(z: f64) -> f64 {
    let mut values = [z];
    <Sigmoid as Activation<f64>>::activate(&mut values);
    let [a] = values;
    a
}

/// A line for servers, not thousands of them: the scaling is a layer of the network, so that a saved
/// model has it.
pub type Model = net![f64; 1 => Scaling => 1 Identity];
/// The names of its layers in a file.
pub const NAMES: [&str; 2] = ["scaling", "line"];

/// The measurements with `x` in servers.
pub fn servers() -> Vec<Sample> {
    ROOMS.iter().map(|&(x, y)| ([1000.0 * x], [y])).collect()
}

/// A model trained sample by sample, at a learning rate of 0.01.
pub fn model(stop: Stop<f64>) -> (Model, Report<f64>) {
    let samples = servers();
    let scaling = Surface { samples: samples.clone() }.scaling();
    let mut net = Model::new(scaling, Dense::ZERO);
    let mut trainer = Trainer::<Model, HalfSquaredError>::new();
    let report = trainer.fit(&mut net, &Sgd { learning_rate: 0.01 }, &samples, stop);
    (net, report)
}

/// The model as a file.
pub fn saved(net: &Model) -> Result<Vec<u8>, SaveError<'static>> {
    let mut buffer = vec![0; 1024];
    let length = safetensors::save(net, &NAMES, &mut buffer)?.len();
    buffer.truncate(length);
    Ok(buffer)
}

/// A curve: 21 points of `sin(pi x)`, from -1 to 1.
pub fn curve() -> Vec<Sample> {
    let x = (-10..=10).map(|k| f64::from(k) / 10.0);
    x.map(|x| ([x], [(core::f64::consts::PI * x).sin()])).collect()
}

/// Fits [`curve`] with three hidden units of any activation; returns the network's answers at points
/// from -1 to 1, and its mean half squared error.
pub fn curve_fit<A: Activation<f64> + gradlet::Hidden>() -> (Vec<(f64, f64)>, f64) {
    let samples = curve();
    let mut net = <net![f64; 1 => 3 A => 1 Identity]>::ZERO;
    init::xavier_uniform(&mut net, &mut Pcg32::new(1, 1));
    let mut trainer = BatchTrainer::<_, HalfSquaredError, _>::new();
    let report = trainer.fit(&mut net, &Adam::new(0.02), FULL_BATCH, &samples, Stop::after(2000));
    let answer = |x: f64| {
        let [y] = net.forward(&[x]);
        (x, y)
    };
    let answers = (-20..=20).map(|k| answer(f64::from(k) / 20.0)).collect();
    (answers, report.loss.unwrap_or(f64::NAN))
}

/// Five samples with two features each, one sample per row: thousands of servers, and people.
pub const ROWS: [[f64; 2]; 5] = [[0.1, 4.0], [0.3, 1.0], [0.5, 3.0], [0.8, 0.0], [0.9, 2.0]];
/// The weights behind their targets, kilowatts of cooling and of light: a row per output.
pub const TRUE_WEIGHTS: [[f64; 2]; 2] = [[2.0, 0.1], [0.4, 0.05]];
pub const TRUE_BIAS: [f64; 2] = [3.0, 0.2];

/// Regression with several inputs and outputs: the targets follow a linear rule, which is learnt.
pub fn several() -> Dense<2, 2, Identity, f64> {
    let rule = Dense::<2, 2, Identity, f64>::from_rows(TRUE_WEIGHTS, TRUE_BIAS);
    let samples = ROWS.map(|x| (x, rule.forward(&x)));
    let mut net = Dense::ZERO;
    let mut trainer = BatchTrainer::<_, HalfSquaredError>::new();
    trainer.fit(&mut net, &Sgd { learning_rate: 0.2 }, FULL_BATCH, &samples, Stop::after(5000));
    net
}

/// A classification: whether a room needs more than 4 kW. The mean loss and the accuracy over all
/// rooms after these numbers of epochs, sample by sample, at a learning rate of 0.1.
pub fn classified<const N: usize>(epochs: [u32; N]) -> [[f64; 2]; N] {
    let yes = |kilowatts: f64| if kilowatts > 4.0 { 1.0 } else { 0.0 };
    let samples: Vec<_> = ROOMS.iter().map(|&(x, y)| ([x], [yes(y)])).collect();
    epochs.map(|epochs| {
        let mut net = <net![f64; 1 => Scaling => 1 Sigmoid]>::new(surface().scaling(), Dense::ZERO);
        let mut trainer = Trainer::<_, BinaryCrossEntropy>::new();
        trainer.fit(&mut net, &Sgd { learning_rate: 0.1 }, &samples, Stop::after(epochs));
        let mut accuracy = Accuracy::new();
        for (x, t) in &samples {
            accuracy.observe(&net.forward(x), t);
        }
        let loss = trainer.mean_loss(&net, &samples).unwrap_or(f64::NAN);
        [loss, f64::from(accuracy.correct()) / f64::from(accuracy.count())]
    })
}
