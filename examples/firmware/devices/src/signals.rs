//! Classification of signals by a convolutional network that is trained on the device: the ten
//! shapes of MNIST-1D, one signal at a time.
//!
//! MNIST-1D (Greydanus, Kobak, Scaling down deep learning with MNIST-1D, 2024) is a benchmark for
//! convolutions: each signal is one of ten patterns, moved, scaled, sheared and buried in noise, so
//! that a network without convolutions learns it poorly.
//!
//! The host example `signals` uses this file too, so it depends only on the library, a random
//! number generator and `core`.

use gradlet::preprocess::one_hot;
use gradlet::{init, metrics::argmax, prelude::*};
use rand_pcg::Pcg32;
use rand_pcg::rand_core::SeedableRng;

use crate::training::{self, Plan};

/// The network: three convolutions of 25 channels, which leave 18, 9 and 5 steps, and a last one
/// that sees all of these 5. It is a dense layer of 10 units on 125 inputs, without the copy that
/// `Flatten` would make.
pub type Net = net![
    40 x 1 => Conv1d(25, 5, step 2) Relu => Conv1d(25, 3, step 2, padding 1) Relu
    => Conv1d(25, 3, step 2, padding 1) Relu => Conv1d(10, 5) Softmax
];

/// Steps in a signal.
pub const STEPS: usize = 40;
/// Shapes, numbered from 0 to 9.
pub const SHAPES: usize = 10;
/// Bytes of a signal followed by its shape.
pub const LABELLED: usize = STEPS + 1;
/// Signals to train on; those after them are the test set.
pub const TRAINING: usize = 4000;
/// All signals, one after the other.
pub const MNIST_1D: &[u8] = include_bytes!("../../data/mnist1d.bin");

/// Learning rate of the first step.
pub const RATE: f32 = 0.02;
/// Units of a signal in a step of the stored integers.
const SCALE: f32 = 1.0 / 32.0;

/// A signal, in units of 1/32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signal(pub [i8; STEPS]);

impl Signal {
    /// The input of the network. The division is exact.
    #[inline]
    #[must_use]
    pub fn input(&self) -> [[f32; 1]; STEPS] {
        self.0.map(|value| [SCALE * f32::from(value)])
    }
}

/// Labelled signals, as consecutive bytes.
#[derive(Clone, Copy, Debug)]
pub struct Signals<'b>(pub &'b [u8]);

impl Signals<'static> {
    /// The training set and the test set.
    #[inline]
    #[must_use]
    pub const fn all() -> [Self; 2] {
        let (training, test) = MNIST_1D.split_at(TRAINING * LABELLED);
        [Self(training), Self(test)]
    }
}

impl Signals<'_> {
    /// Number of signals.
    #[inline]
    #[must_use]
    pub const fn count(&self) -> usize {
        self.0.len() / LABELLED
    }

    /// The first signals, `count` of them or all.
    #[inline]
    #[must_use]
    pub fn first(&self, count: usize) -> Self {
        Self(self.0.get(..count.saturating_mul(LABELLED)).unwrap_or(self.0))
    }

    /// A signal with its shape.
    #[inline]
    #[must_use]
    pub fn get(&self, number: usize) -> Option<(Signal, u8)> {
        let bytes: &[u8; LABELLED] = self.0.get(number.checked_mul(LABELLED)?..)?.first_chunk()?;
        let [signal @ .., shape] = *bytes;
        Some((Signal(signal.map(|byte| i8::from_le_bytes([byte]))), shape))
    }

    /// Each signal with its shape.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = (Signal, u8)> {
        (0..self.count()).filter_map(|number| self.get(number))
    }

    /// Number of signals that a network classifies correctly.
    #[inline]
    #[must_use]
    pub fn right(&self, learner: &Learner) -> usize {
        self.iter().filter(|(signal, shape)| learner.read(signal) == Some((*shape).into())).count()
    }
}

/// A network that is trained: all that the device has to keep in RAM.
#[derive(Clone, Debug)]
pub struct Learner {
    net: Net,
    trainer: Trainer<Net, CrossEntropy, Sgd>,
}

impl Learner {
    /// RAM in bytes.
    pub const BYTES: usize = size_of::<Self>();
    /// Number of parameters.
    pub const PARAMETERS: usize = <Net as Layer>::PARAMS;
    /// A network of zeros, as `.bss` has it; [`start`](Self::start) comes before training.
    pub const ZERO: Self = Self { net: Net::ZERO, trainer: Trainer::new() };

    /// He initialisation.
    #[inline]
    pub fn start(&mut self, seed: u64) {
        init::he_uniform(&mut self.net, &mut Pcg32::seed_from_u64(seed));
    }

    /// The network.
    #[inline]
    #[must_use]
    pub const fn net(&self) -> &Net {
        &self.net
    }

    /// Hash of all parameters.
    #[inline]
    #[must_use]
    pub fn hash(&self) -> u64 {
        training::hash(&self.net)
    }

    /// Inference: the predicted shape.
    #[inline]
    #[must_use]
    pub fn read(&self, signal: &Signal) -> Option<usize> {
        let [outputs] = self.net.forward(&signal.input());
        argmax(&outputs)
    }

    /// A step of gradient descent on one signal; returns the loss before it.
    #[inline]
    pub fn learn(&mut self, signal: &Signal, shape: u8, learning_rate: f32) -> Option<f32> {
        let target = [one_hot(shape.into())?];
        Some(self.trainer.step(&mut self.net, &Sgd { learning_rate }, &signal.input(), &target))
    }
}

/// What the firmware does, which takes seconds in an emulator.
pub const FIRMWARE: Plan = Plan { epochs: 2, samples: 4000, seed: 1, rate: RATE };
