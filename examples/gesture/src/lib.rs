//! A model in a crate of its own: gestures, from features of acceleration.
//!
//! Its users need no knowledge of neural networks, and cannot misuse it: [`Model`] is a type, and whoever
//! feeds it other features gets a compile error. The crate is `no_std`, so it runs on a PC and in firmware.
#![no_std]

use core::ops::ControlFlow;

use gradlet::init::{self, Generator};
use gradlet::metrics::{Accuracy, argmax};
use gradlet::preprocess::{Standardize, one_hot};
use gradlet::safetensors::{self, LoadError, SaveError};
use gradlet::{EarlyStopping, prelude::*};

/// Mean and standard deviation of each axis, in g.
pub type Features = [f32; 6];

/// What a window of acceleration shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gesture {
    Rest,
    Shake,
    Tilt,
}

/// The network, with the scaling of its inputs.
pub type Model = net![6 => Scaling => 8 Tanh => 3 Softmax];
/// An example to train on.
pub type Example = (Features, [f32; 3]);

/// Bytes of a saved model.
pub const FILE_SIZE: usize = safetensors::file_size::<Model>(&LAYERS).unwrap();
const LAYERS: [&str; 3] = ["scaling", "hidden", "output"];

/// An example, from the features of a window and its label.
pub fn example(features: Features, gesture: Gesture) -> Option<Example> {
    Some((features, one_hot(gesture as usize)?))
}

/// The most probable gesture.
pub fn predict(model: &Model, features: &Features) -> Option<Gesture> {
    match argmax(&model.forward(features))? {
        0 => Some(Gesture::Rest),
        1 => Some(Gesture::Shake),
        _ => Some(Gesture::Tilt),
    }
}

/// The share of correct predictions; `None` without examples.
pub fn accuracy(model: &Model, examples: &[Example]) -> Option<f32> {
    let mut accuracy = Accuracy::new();
    for (x, t) in examples {
        accuracy.observe(&model.forward(x), t);
    }
    accuracy.ratio()
}

/// Trains a new model: shuffles the examples before each epoch, and ends with the model of the epoch that was
/// best on the held-out ones, after ten epochs without a better one.
pub fn train(
    examples: &mut [Example],
    held_out: &[Example],
    rng: &mut impl Generator,
) -> (Model, Report<f32>) {
    let mut statistics = Standardize::new();
    for (features, _) in examples.iter() {
        statistics.observe(features);
    }
    let mut model = Model::ZERO;
    init::xavier_uniform(&mut model, rng);
    *model.first_mut() = statistics.scaling();

    let mut trainer = Trainer::<Model, CrossEntropy, Momentum>::new();
    let mut evaluator = Trainer::<Model, CrossEntropy>::new();
    let mut best = EarlyStopping::new();
    let report = trainer.fit_with(
        &mut model,
        |_| Momentum::new(0.01, 0.9),
        |epoch| {
            init::shuffle(examples, rng);
            epoch.learn(&*examples)
        },
        Stop::after(200),
        |epoch| match evaluator.mean_loss(epoch.net, held_out) {
            Some(loss) => best.observe(epoch.net, loss, 10),
            None => ControlFlow::Continue(()),
        },
    );
    // Without held-out examples there is none.
    let _ = best.restore(&mut model);
    (model, report)
}

/// The model as a `safetensors` file.
///
/// # Errors
///
/// If a parameter is NaN or infinite.
pub fn save(model: &Model) -> Result<[u8; FILE_SIZE], SaveError<'static>> {
    let mut file = [0; FILE_SIZE];
    safetensors::save(model, &LAYERS, &mut file)?;
    Ok(file)
}

/// A model from a `safetensors` file.
///
/// # Errors
///
/// If the file is not one of such a model.
pub fn load(file: &[u8]) -> Result<Model, LoadError<'static>> {
    safetensors::from_bytes(file, &LAYERS)
}
