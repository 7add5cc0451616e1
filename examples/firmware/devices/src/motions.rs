//! Recognition of exercises by a smart watch that gets to know its wearer: a recurrent network that
//! was trained on nine people in the factory adapts to a tenth.
//!
//! The recurrent layer stays in flash; only the last layer is in RAM and is trained (transfer
//! learning), on a few labelled windows of its wearer.
//!
//! The data are of ten people who did seven shoulder exercises with each arm, 20 times (Burns,
//! Leung, Hardisty, Whyne, Henry, McLachlin, Shoulder physiotherapy exercise recognition: machine
//! learning the inertial signals from a smartwatch, 2018). The host example `motions` uses this file
//! too, so it depends only on the library, a random number generator and `core`.

use gradlet::preprocess::one_hot;
use gradlet::{metrics::argmax, prelude::*};

use crate::training::Plan;

/// Where the largest value of each of 24 units, in all steps, says what was seen.
pub type Body = net![32 x 6 => Gru(24, all) => GlobalMax];
/// The last layer, trained on the device.
pub type Head = Dense<24, EXERCISES, Softmax>;
/// The network that the factory trains.
pub type Factory = Chain<Body, Head>;
/// The network of a device, with 175 trainable parameters.
pub type Personal<'b> = Chain<Frozen<&'b Body>, Head>;

/// Steps of a window: 2.56 seconds.
pub const STEPS: usize = 32;
/// Acceleration and angular velocity along three axes.
pub const CHANNELS: usize = 6;
/// Exercises, numbered from 0 to 6.
pub const EXERCISES: usize = 7;
/// Their names.
pub const NAMES: [&str; EXERCISES] = [
    "pendulum",
    "abduction",
    "forward elevation",
    "internal rotation",
    "external rotation",
    "trapezius extension",
    "upright row",
];
/// People, numbered from 0 to 9.
pub const PEOPLE: usize = 10;
/// Recordings of a person: each exercise with the left arm, then with the right one.
pub const RECORDINGS: usize = 2 * EXERCISES;
/// Windows of a recording, one after the other.
pub const WINDOWS: usize = 7;
/// Windows at the beginning of each recording that the device is shown with their exercise.
pub const SHOWN: usize = 2;
/// Bytes of a window.
const BYTES: usize = STEPS * CHANNELS;
/// All windows, person by person.
pub const MOTIONS: &[u8] = include_bytes!("../../data/motions.bin");

/// What the factory does, with the nine others.
pub const AT_FACTORY: Plan =
    Plan { epochs: 20, samples: (9 * RECORDINGS * WINDOWS) as u32, seed: 1, rate: 0.1 };
/// What the device does.
pub const ON_DEVICE: Plan =
    Plan { epochs: 50, samples: (RECORDINGS * SHOWN) as u32, seed: 1, rate: 0.2 };

/// 32 steps of an exercise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Number of the exercise.
    pub exercise: usize,
    bytes: &'static [u8; BYTES],
}

impl Window {
    /// A window of a recording of a person.
    #[inline]
    #[must_use]
    pub fn get(person: usize, recording: usize, number: usize) -> Option<Self> {
        let index = (person * RECORDINGS + recording) * WINDOWS + number;
        let bytes = MOTIONS.get(index.checked_mul(BYTES)?..)?.first_chunk()?;
        Some(Self { exercise: recording / 2, bytes })
    }

    /// A window of all people but one, for the factory.
    #[inline]
    #[must_use]
    pub fn of_others(person: usize, number: usize) -> Option<Self> {
        let (other, number) = (number / (RECORDINGS * WINDOWS), number % (RECORDINGS * WINDOWS));
        let other = if other < person { other } else { other + 1 };
        Self::get(other, number / WINDOWS, number % WINDOWS)
    }

    /// A window of the wearer that the device is shown.
    #[inline]
    #[must_use]
    pub fn shown(person: usize, number: usize) -> Option<Self> {
        Self::get(person, number / SHOWN, number % SHOWN)
    }

    /// The windows of the wearer that it is not shown.
    #[inline]
    pub fn tested(person: usize) -> impl Iterator<Item = Self> {
        let windows = move |recording| {
            (SHOWN..WINDOWS).filter_map(move |number| Self::get(person, recording, number))
        };
        (0..RECORDINGS).flat_map(windows)
    }

    /// The input of the network: accelerations in units of g, angular velocities in units of 2
    /// radians per second.
    #[inline]
    #[must_use]
    pub fn input(&self) -> [[f32; CHANNELS]; STEPS] {
        let mut input = [[0.0; CHANNELS]; STEPS];
        let values = input.iter_mut().flatten().zip(self.bytes);
        values.for_each(|(to, byte)| *to = f32::from(i8::from_le_bytes([*byte])) * (1.0 / 32.0));
        input
    }
}

/// A network that recognises exercises.
pub trait Recognises:
    Layer<
        Format = f32,
        Input = [[f32; CHANNELS]; STEPS],
        Output = [f32; EXERCISES],
        Activation = Softmax,
    >
{
}

impl<N> Recognises for N where
    N: Layer<
            Format = f32,
            Input = [[f32; CHANNELS]; STEPS],
            Output = [f32; EXERCISES],
            Activation = Softmax,
        >
{
}

/// A network that is trained: all that the device has to keep in RAM.
#[derive(Clone, Debug)]
pub struct Learner<N: Recognises> {
    net: N,
    trainer: Trainer<N, CrossEntropy, Sgd>,
}

impl<N: Recognises> Learner<N> {
    /// RAM in bytes.
    pub const BYTES: usize = size_of::<Self>();

    /// A network, and room to train it.
    #[inline]
    #[must_use]
    pub const fn new(net: N) -> Self {
        Self { net, trainer: Trainer::new() }
    }

    /// The network.
    #[inline]
    #[must_use]
    pub const fn net(&self) -> &N {
        &self.net
    }

    /// A step of gradient descent on one window; returns the loss before it.
    #[inline]
    pub fn learn(&mut self, window: Window, learning_rate: f32) -> Option<f32> {
        let target = one_hot(window.exercise)?;
        Some(self.trainer.step(&mut self.net, &Sgd { learning_rate }, &window.input(), &target))
    }

    /// Inference: the exercise.
    #[inline]
    #[must_use]
    pub fn read(&self, window: Window) -> Option<usize> {
        argmax(&self.net.forward(&window.input()))
    }

    /// Number of windows whose exercise the network recognises.
    #[inline]
    #[must_use]
    pub fn right(&self, windows: impl Iterator<Item = Window>) -> usize {
        windows.filter(|window| self.read(*window) == Some(window.exercise)).count()
    }
}

impl<'b> Learner<Personal<'b>> {
    /// A device as it leaves the factory.
    #[inline]
    #[must_use]
    pub fn of(factory: &'b Factory) -> Self {
        Self::new(Personal::new(Frozen::new(factory.first()), factory.rest().clone()))
    }
}
