//! A digit classifier with a hidden layer, from random initial weights.

use gradlet::{CrossEntropy, Elementwise, Mlp, Relu, Scalar, Sgd, Softmax, Tanh, Zero, init};
use rand_pcg::Pcg32;
use rand_pcg::rand_core::SeedableRng;

use super::compute::{Trained, train};
use super::idx::CLASSES;
use super::idx::Data;

/// Number of hidden units.
pub const HIDDEN: usize = 32;

/// 784-32-10 for MNIST.
pub type Net<const PIXELS: usize, A> = Mlp<PIXELS, HIDDEN, CLASSES, A, Softmax>;

/// An activation of the hidden units, with a suitable weight initialiser.
pub trait Start: Elementwise {
    fn start<const PIXELS: usize>(net: &mut Net<PIXELS, Self>, rng: &mut Pcg32)
    where
        Self: Sized;
}

impl Start for Relu {
    fn start<const PIXELS: usize>(net: &mut Net<PIXELS, Self>, rng: &mut Pcg32) {
        init::he_uniform(net, rng);
    }
}

impl Start for Tanh {
    fn start<const PIXELS: usize>(net: &mut Net<PIXELS, Self>, rng: &mut Pcg32) {
        init::xavier_uniform(net, rng);
    }
}

/// Trains a network with a hidden layer; the same `seed` gives the same bits.
pub fn hidden<const PIXELS: usize, A: Start>(
    data: &Data<PIXELS>,
    seed: u64,
    learning_rate: f64,
    epochs: u32,
    learned: impl FnMut(),
) -> Trained<Net<PIXELS, A>> {
    let mut net = Box::new(Net::<PIXELS, A>::ZERO);
    A::start(&mut net, &mut Pcg32::seed_from_u64(seed));
    let sgd = Sgd { learning_rate: f32::from_f64(learning_rate) };
    train::<PIXELS, f32, _, CrossEntropy, _>(net, data, &sgd, epochs, learned)
}
