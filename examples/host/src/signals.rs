//! Training of the network of `devices::signals`, and its evaluation.

pub mod pictures;
pub mod recurrent;

use devices::signals::{FIRMWARE, Learner, Net, SHAPES, Signals};
use devices::training::Plan;
use gradlet::metrics::ConfusionMatrix;
use gradlet::quantized::{Calibration, Granularity};
use gradlet::{Quantized, safetensors};
use shared::run::Failure;

use crate::learning::{is_tested, percent};

/// The first number of samples, after none, at which a network is tested.
const FIRST: u32 = 125;

/// A trained network.
#[derive(Debug)]
pub struct Run {
    pub seed: u64,
    pub learner: Box<Learner>,
    /// Number of samples seen, and accuracy in percent on the test set.
    pub curve: Vec<(u32, f64)>,
    /// On the test set, after training.
    pub matrix: ConfusionMatrix<SHAPES>,
    /// Accuracy in percent on the signals it was trained on, after training.
    pub training: f64,
}

impl Run {
    /// Accuracy in percent on the test set, after training.
    pub fn accuracy(&self) -> f64 {
        self.curve.last().map_or(0.0, |mark| mark.1)
    }
}

/// Trains and tests; `learned` is called after each epoch.
pub fn train(plan: &Plan, mut learned: impl FnMut()) -> Run {
    let [training, test] = Signals::all();
    let mut learner = Box::new(Learner::ZERO);
    learner.start(plan.seed);
    let mut curve = vec![(0, percent(&judge(&learner, test)))];
    for ((number, rate), samples) in plan.steps().zip(1..) {
        if let Some((signal, shape)) = training.get(number) {
            learner.learn(&signal, shape, rate);
        }
        if is_tested(samples, FIRST, plan) {
            curve.push((samples, percent(&judge(&learner, test))));
        }
        if samples.is_multiple_of(plan.samples) {
            learned();
        }
    }
    let seen = training.first(plan.samples as usize);
    let (matrix, training) = (judge(&learner, test), percent(&judge(&learner, seen)));
    Run { seed: plan.seed, learner, curve, matrix, training }
}

/// Names of the layers in the files for the firmware.
pub const LAYERS: [&str; 4] = ["0", "1", "2", "3"];

/// What [`for_firmware`] trains.
pub const FACTORY: Plan = Plan { epochs: 10, ..FIRMWARE };

/// The files of the program `signals_int8`: a network of `f32`, and the same in int8, calibrated with 200
/// signals of the training set.
///
/// # Errors
///
/// If its weights are not finite, or all outputs of a layer are 0.
pub fn for_firmware(net: &Net) -> Result<[Vec<u8>; 2], Failure> {
    let mut calibration = Calibration::new();
    for (signal, _) in Signals::all()[0].first(200).iter() {
        calibration.observe(net, &signal.input());
    }
    let int8: Quantized<Net> = calibration.quantize(net, Granularity::PerChannel)?;
    const SIZES: [usize; 2] = [
        safetensors::file_size::<Net>(&LAYERS).unwrap(),
        Quantized::<Net>::file_size(&LAYERS).unwrap(),
    ];
    let [mut real, mut quantised] = SIZES.map(|size| vec![0; size]);
    safetensors::save(net, &LAYERS, &mut real)?;
    int8.save(&LAYERS, &mut quantised)?;
    Ok([real, quantised])
}

/// The confusion matrix on some signals.
pub fn judge(learner: &Learner, signals: Signals<'_>) -> ConfusionMatrix<SHAPES> {
    let mut matrix = ConfusionMatrix::new();
    for (signal, shape) in signals.iter() {
        // There is a prediction unless an output is NaN, which does not happen.
        let _ = learner.read(&signal).map(|read| matrix.record(read, usize::from(shape)));
    }
    matrix
}
