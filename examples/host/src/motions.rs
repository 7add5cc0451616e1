//! Training in the factory and on the devices of `devices::motions`, and its evaluation.

use devices::motions::{AT_FACTORY, EXERCISES, Factory, Learner, ON_DEVICE, Recognises, Window};
use devices::training::Plan;
use gradlet::metrics::ConfusionMatrix;
use gradlet::safetensors::{self, SaveError};
use gradlet::{init, prelude::*};
use rand_pcg::Pcg32;
use rand_pcg::rand_core::SeedableRng;

use crate::learning::percent;

/// A person who wears a device that was trained on the nine others.
#[derive(Debug)]
pub struct Run {
    /// Of the factory's network, on the windows it was trained on.
    pub trained: f64,
    /// Of the factory's network, on windows of the wearer.
    pub before: ConfusionMatrix<EXERCISES>,
    /// Of the device, on the same windows.
    pub after: ConfusionMatrix<EXERCISES>,
    /// Accuracy in percent of the device on the windows of the others.
    pub others: f64,
    /// Accuracy in percent if everything were trained, of the wearer and of the others.
    pub everything: [f64; 2],
}

/// The windows of all people but one.
fn others(person: usize) -> impl Iterator<Item = Window> {
    (0..AT_FACTORY.samples as usize).filter_map(move |number| Window::of_others(person, number))
}

/// The network of the factory for this person.
pub fn factory(person: usize, plan: &Plan) -> Box<Factory> {
    let mut net = Factory::ZERO;
    init::xavier_uniform(&mut net, &mut Pcg32::seed_from_u64(plan.seed));
    let mut learner = Box::new(Learner::new(net));
    for (number, rate) in plan.steps() {
        if let Some(window) = Window::of_others(person, number) {
            learner.learn(window, rate);
        }
    }
    Box::new(learner.net().clone())
}

/// The confusion matrix on some windows.
pub fn judge<N: Recognises>(
    learner: &Learner<N>,
    windows: impl Iterator<Item = Window>,
) -> ConfusionMatrix<EXERCISES> {
    let mut matrix = ConfusionMatrix::new();
    for window in windows {
        // There is a prediction unless an output is NaN, which does not happen.
        let _ = learner.read(window).map(|read| matrix.record(read, window.exercise));
    }
    matrix
}

/// Trains on the windows that the device is shown.
fn adapt<N: Recognises>(learner: &mut Learner<N>, person: usize, plan: &Plan) {
    for (number, rate) in plan.steps() {
        if let Some(window) = Window::shown(person, number) {
            learner.learn(window, rate);
        }
    }
}

/// Adapts the factory's network to a person, by its last layer and, to compare, as a whole.
pub fn run(person: usize, factory: &Factory) -> Run {
    let mut device = Learner::of(factory);
    let trained = percent(&judge(&device, others(person)));
    let before = judge(&device, Window::tested(person));
    adapt(&mut device, person, &ON_DEVICE);
    let after = judge(&device, Window::tested(person));
    let mut whole = Box::new(Learner::new(factory.clone()));
    adapt(&mut whole, person, &Plan { rate: WHOLE_RATE, ..ON_DEVICE });
    let everything =
        [percent(&judge(&whole, Window::tested(person))), percent(&judge(&whole, others(person)))];
    let others = percent(&judge(&device, others(person)));
    Run { trained, before, after, others, everything }
}

/// Learning rate of the first step if everything is trained.
const WHOLE_RATE: f32 = 0.05;

/// Names of the layers in the `safetensors` file.
pub const LAYERS: [&str; 2] = ["gru", "head"];
/// The person who wears the device of the firmware.
pub const WEARER: usize = 1;

/// The file of the firmware: the factory's network.
pub fn for_firmware(factory: &Factory) -> Result<Vec<u8>, SaveError<'static>> {
    const SIZE: usize = safetensors::file_size::<Factory>(&LAYERS).unwrap();
    let mut buffer = vec![0; SIZE];
    safetensors::save(factory, &LAYERS, &mut buffer)?;
    Ok(buffer)
}
