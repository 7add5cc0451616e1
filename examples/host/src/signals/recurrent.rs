//! Recurrent networks for the signals of `devices::signals`.

use devices::signals::Signals;
use devices::training::Plan;
use devices::transfer::{Classifies, Shift};
use gradlet::preprocess::one_hot;
use gradlet::{Zero, init, prelude::*};
use rand_pcg::Pcg32;
use rand_pcg::rand_core::SeedableRng;

use crate::transfer::accuracy;

/// Six units in each direction, with a weight for each state, as its authors had it for MNIST-1D.
pub type Published = net![
    40 x 1 => Gru(6, all, bidirectional) => FlattenChannelsLast => 10 Softmax
];
/// One direction, and the largest value of each unit.
pub type OneWay = net![40 x 1 => Gru(24, all) => GlobalMax => 10 Softmax];
/// Both directions, and the largest value of each unit.
pub type BothWays = net![40 x 1 => Gru(16, all, bidirectional) => GlobalMax => 10 Softmax];

/// Learning rate of the first step.
pub const RATE: f32 = 0.01;
/// Signals in a mini-batch.
pub const BATCH: u32 = 16;

/// Trains with Adam; `learned` is called after each epoch. Returns the accuracy in percent on the
/// test set.
pub fn train<N: Classifies + Zero>(plan: &Plan, mut learned: impl FnMut()) -> f64 {
    let [training, _] = Signals::all();
    let mut net = Box::new(N::ZERO);
    init::xavier_uniform(&mut *net, &mut Pcg32::seed_from_u64(plan.seed));
    let mut trainer = Box::new(BatchTrainer::<N, CrossEntropy, Adam>::new());
    for ((number, rate), samples) in plan.steps().zip(1_u32..) {
        let Some((signal, shape)) = training.get(number) else { continue };
        let Some(target) = one_hot(shape.into()) else { continue };
        trainer.accumulate(&net, &signal.input(), &target);
        let is_epoch = samples.is_multiple_of(plan.samples);
        if is_epoch || samples.is_multiple_of(BATCH) {
            trainer.apply(&mut net, &Adam::new(rate));
        }
        if is_epoch {
            learned();
        }
    }
    accuracy(&*net, Shift::None)
}
