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
use gradlet::{init, metrics::argmax, prelude::*, schedule};
use rand_pcg::Pcg32;
use rand_pcg::rand_core::{Rng, SeedableRng};

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
const RATE: f32 = 0.02;
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

    /// 64-bit FNV-1a hash (RFC 9923) of the bits of all parameters.
    #[inline]
    #[must_use]
    pub fn hash(&self) -> u64 {
        let mut hash = 0xCBF2_9CE4_8422_2325_u64;
        self.net.visit(|_, values| {
            for byte in values.iter().flat_map(|value| value.to_le_bytes()) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
            }
        });
        hash
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

/// A training from random weights.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Passes over the signals.
    pub epochs: u32,
    /// Number of signals, the first of the training set.
    pub signals: u32,
    /// Of the weights and of the order of the signals.
    pub seed: u64,
}

impl Plan {
    /// What the firmware does, which takes seconds in an emulator.
    pub const FIRMWARE: Self = Self { epochs: 2, signals: 4000, seed: 1 };

    /// The steps of this training.
    #[inline]
    #[must_use]
    pub fn steps(&self) -> Steps {
        let Self { epochs, signals, seed } = *self;
        let (rng, all) = (Pcg32::new(seed, 1), epochs.saturating_mul(signals));
        Steps { rng, signals, all, done: 0, next: 0, stride: 1 }
    }
}

/// The steps of a training: numbers of signals, and learning rates along half a cosine from 0.02
/// to 0.
///
/// Each epoch visits all signals in an order of its own, which takes no memory: from a random start
/// in strides of a random length, which has no divisor in common with the number of signals.
#[derive(Clone, Debug)]
pub struct Steps {
    rng: Pcg32,
    signals: u32,
    all: u32,
    done: u32,
    next: u32,
    stride: u32,
}

impl Steps {
    /// A random number less than that of the signals, uniform to within one part in a million.
    #[inline]
    fn draw(&mut self) -> u32 {
        let product = u64::from(self.rng.next_u32()) * u64::from(self.signals);
        (product >> 32) as u32
    }
}

impl Iterator for Steps {
    type Item = (usize, f32);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.done >= self.all {
            return None;
        }
        if self.done.checked_rem(self.signals)? == 0 {
            self.next = self.draw();
            self.stride = self.draw();
            while common_divisor(self.stride, self.signals) != 1 {
                self.stride = self.draw();
            }
        }
        let (number, rate) = (self.next, schedule::cosine(RATE, 0.0, self.all, self.done));
        self.done += 1;
        self.next = self.next.wrapping_add(self.stride).checked_rem(self.signals)?;
        Some((number as usize, rate))
    }
}

/// The greatest common divisor, by Euclid's algorithm.
#[inline]
fn common_divisor(a: u32, b: u32) -> u32 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
