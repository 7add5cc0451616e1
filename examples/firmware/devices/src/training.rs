//! Training on the device, one sample at a time: the order of the samples, the learning rate, and a
//! hash of what was learned.

use gradlet::{prelude::*, schedule};
use rand_pcg::Pcg32;
use rand_pcg::rand_core::Rng;

/// A training from random weights.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Passes over the samples.
    pub epochs: u32,
    /// Number of samples, the first of the training set.
    pub samples: u32,
    /// Of the weights and of the order of the samples.
    pub seed: u64,
    /// Learning rate of the first step.
    pub rate: f32,
}

impl Plan {
    /// The steps of this training.
    #[inline]
    #[must_use]
    pub fn steps(&self) -> Steps {
        let Self { epochs, samples, seed, rate } = *self;
        let (rng, all) = (Pcg32::new(seed, 1), epochs.saturating_mul(samples));
        Steps { rng, samples, rate, all, done: 0, next: 0, stride: 1 }
    }
}

/// The steps of a training: numbers of samples, and learning rates along half a cosine from that of
/// the plan to 0.
///
/// Each epoch visits all samples in an order of its own, which takes no memory: from a random start
/// in strides of a random length, which has no divisor in common with the number of samples.
#[derive(Clone, Debug)]
pub struct Steps {
    rng: Pcg32,
    samples: u32,
    rate: f32,
    all: u32,
    done: u32,
    next: u32,
    stride: u32,
}

impl Steps {
    /// A random number less than that of the samples, uniform to within one part in a million.
    #[inline]
    fn draw(&mut self) -> u32 {
        let product = u64::from(self.rng.next_u32()) * u64::from(self.samples);
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
        if self.done.checked_rem(self.samples)? == 0 {
            self.next = self.draw();
            self.stride = self.draw();
            while common_divisor(self.stride, self.samples) != 1 {
                self.stride = self.draw();
            }
        }
        let (number, rate) = (self.next, schedule::cosine(self.rate, 0.0, self.all, self.done));
        self.done += 1;
        self.next = self.next.wrapping_add(self.stride).checked_rem(self.samples)?;
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

/// 64-bit FNV-1a hash (RFC 9923) of the bits of all parameters.
#[inline]
#[must_use]
pub fn hash(net: &impl Layer<Format = f32>) -> u64 {
    let mut hash = 0xCBF2_9CE4_8422_2325_u64;
    net.visit(|_, values| {
        for byte in values.iter().flat_map(|value| value.to_le_bytes()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
    });
    hash
}
