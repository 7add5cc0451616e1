//! Identification of speakers by a recurrent network that is trained on the device, one utterance at
//! a time: nine men who say two Japanese vowels.
//!
//! An utterance has 7 to 29 frames, one every 6.4 ms, of 12 numbers: the LPC cepstrum of 25.6 ms
//! (Kudo, Toyama, Shimbo, Multidimensional curve classification using passing-through regions,
//! 1999). The network is trained on whole utterances, and can then listen frame by frame: it has an
//! answer while the speaker speaks.
//!
//! The host example `vowels` uses this file too, so it depends only on the library, a random number
//! generator and `core`.

use gradlet::preprocess::one_hot;
use gradlet::{Zero, init, metrics::argmax, pad_front, prelude::*};
use rand_pcg::Pcg32;
use rand_pcg::rand_core::{Rng, SeedableRng};

use crate::training::Plan;

/// The network: 16 gated recurrent units, whose state after the last frame tells the speaker.
/// `masked` leaves out the zeros before an utterance that is shorter than the longest.
pub type Net = net![29 x 12 => Gru(16, masked) => 9 Softmax];

/// Frames of the longest utterance.
pub const FRAMES: usize = 29;
/// Numbers in a frame.
pub const CEPSTRUM: usize = 12;
/// Speakers, numbered from 0 to 8.
pub const SPEAKERS: usize = 9;
/// Utterances to train on, 30 of each speaker; those after them are the test set.
pub const TRAINING: u32 = 270;
/// Bytes of the utterances to train on.
const TRAINING_BYTES: usize = 51_828;
/// All utterances, one after the other: the speaker, the number of frames, the frames.
pub const JAPANESE_VOWELS: &[u8] = include_bytes!("../../data/vowels.bin");

/// A training that takes seconds in an emulator.
pub const PLAN: Plan = Plan { epochs: 60, samples: TRAINING, seed: 1, rate: 0.1 };

/// Units of a number in a step of the stored integers.
const SCALE: f32 = 1.0 / 32.0;

/// 12 numbers of a moment, with a mean of 0 and a standard deviation of 1 in the training set.
pub type Frame = [f32; CEPSTRUM];
/// The input of the network: an utterance behind zeros.
pub type Padded = [Frame; FRAMES];

/// Frames in units of 1/32, and who spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Utterance<'b> {
    /// Number of the speaker.
    pub speaker: usize,
    bytes: &'b [u8],
}

impl Utterance<'_> {
    /// The frames, one by one. The division is exact.
    #[inline]
    pub fn frames(&self) -> impl Iterator<Item = Frame> {
        let frames = self.bytes.chunks_exact(CEPSTRUM);
        frames.filter_map(|bytes| {
            let bytes: &[u8; CEPSTRUM] = bytes.first_chunk()?;
            Some(bytes.map(|byte| SCALE * f32::from(i8::from_le_bytes([byte]))))
        })
    }

    /// Number of frames.
    #[inline]
    #[must_use]
    pub const fn count(&self) -> usize {
        self.bytes.len() / CEPSTRUM
    }

    /// The input of the network: the first frames, `count` of them or all. `None` if these are
    /// more than the network takes.
    #[inline]
    #[must_use]
    pub fn input(&self, count: usize) -> Option<Padded> {
        let mut frames = Padded::ZERO;
        frames.iter_mut().zip(self.frames()).for_each(|(to, frame)| *to = frame);
        pad_front(frames.get(..count.min(self.count()))?).ok()
    }

    /// An input to learn from, another one each time: every second utterance ends early, so that
    /// the network has an answer before the end, and to each number is added one in `-1.0..1.0`, so
    /// that nothing can be learned by heart.
    #[inline]
    #[must_use]
    pub fn varied(&self, rng: &mut impl Rng) -> Option<Padded> {
        let (number, all) = (rng.next_u32(), self.count());
        // Below `all`, as the upper 31 bits are a number in 0.0..1.0 here.
        let early = ((u64::from(number >> 1) * all as u64) >> 31) as usize;
        let count = if number & 1 == 0 { all } else { early + 1 };
        let mut input = self.input(count)?;
        for value in input.iter_mut().rev().take(count).flatten() {
            *value += f32::from((rng.next_u32() >> 16) as u16 as i16) * (1.0 / 32_768.0);
        }
        Some(input)
    }
}

/// Utterances, as consecutive bytes.
#[derive(Clone, Copy, Debug)]
pub struct Utterances<'b>(pub &'b [u8]);

impl Utterances<'static> {
    /// The training set and the test set.
    #[inline]
    #[must_use]
    pub const fn all() -> [Self; 2] {
        let (training, test) = JAPANESE_VOWELS.split_at(TRAINING_BYTES);
        [Self(training), Self(test)]
    }
}

impl<'b> Utterances<'b> {
    /// Each utterance.
    #[inline]
    pub fn iter(self) -> impl Iterator<Item = Utterance<'b>> {
        let mut bytes = self.0;
        core::iter::from_fn(move || {
            let (&[speaker, frames], rest) = bytes.split_first_chunk()?;
            let (frames, rest) = rest.split_at_checked(usize::from(frames) * CEPSTRUM)?;
            bytes = rest;
            Some(Utterance { speaker: speaker.into(), bytes: frames })
        })
    }
}

/// A network that identifies speakers.
pub trait Identifies:
    Layer<Format = f32, Input = Padded, Output = [f32; SPEAKERS], Activation = Softmax> + Zero
{
}

impl<N> Identifies for N where
    N: Layer<Format = f32, Input = Padded, Output = [f32; SPEAKERS], Activation = Softmax> + Zero
{
}

/// A network that is trained: all that the device has to keep in RAM.
#[derive(Clone, Debug)]
pub struct Learner<N: Identifies = Net> {
    net: N,
    trainer: Trainer<N, CrossEntropy, Sgd>,
}

impl<N: Identifies> Learner<N> {
    /// RAM in bytes.
    pub const BYTES: usize = size_of::<Self>();
    /// A network of zeros, as `.bss` has it; [`start`](Self::start) comes before training.
    pub const ZERO: Self = Self { net: N::ZERO, trainer: Trainer::new() };

    /// Xavier initialisation; returns the generator, for [`Utterance::varied`].
    #[inline]
    pub fn start(&mut self, seed: u64) -> Pcg32 {
        let mut rng = Pcg32::seed_from_u64(seed);
        init::xavier_uniform(&mut self.net, &mut rng);
        rng
    }

    /// The network.
    #[inline]
    #[must_use]
    pub const fn net(&self) -> &N {
        &self.net
    }

    /// A step of gradient descent; returns the loss before it.
    #[inline]
    pub fn learn(&mut self, input: &Padded, speaker: usize, learning_rate: f32) -> Option<f32> {
        let target = one_hot(speaker)?;
        Some(self.trainer.step(&mut self.net, &Sgd { learning_rate }, input, &target))
    }

    /// Inference after the first frames, `count` of them or all: the speaker.
    #[inline]
    #[must_use]
    pub fn identify(&self, utterance: Utterance<'_>, count: usize) -> Option<usize> {
        argmax(&self.net.forward(&utterance.input(count)?))
    }

    /// Number of utterances whose speaker the network identifies.
    #[inline]
    #[must_use]
    pub fn right(&self, utterances: Utterances<'_>) -> usize {
        let spoken = utterances.iter();
        spoken.filter(|spoken| self.identify(*spoken, FRAMES) == Some(spoken.speaker)).count()
    }
}
