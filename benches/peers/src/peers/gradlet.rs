//! gradlet.

use gradlet::{
    Activation, BinaryCrossEntropy, CrossEntropy, Hidden, Layer, Loss, Sigmoid, Softmax, Tanh, fast,
};

use super::Peer;
use crate::task::{Task, parameters};
use crate::workloads::{self, Batches, OneByOne, Work};

pub fn new(task: &Task) -> Box<dyn Peer> {
    with_activations::<Tanh, Sigmoid, Softmax>(task)
}

pub fn new_fast(task: &Task) -> Box<dyn Peer> {
    with_activations::<fast::Tanh, fast::Sigmoid, fast::Softmax>(task)
}

fn with_activations<T, S, C>(task: &Task) -> Box<dyn Peer>
where
    T: Hidden + Activation,
    S: Hidden + Activation,
    C: Activation + 'static,
    BinaryCrossEntropy: Loss<S>,
    CrossEntropy: Loss<C>,
{
    match (task.sizes, task.batch) {
        ([2, 2, 2], 1) => Box::new(workloads::worked::<S>()),
        ([2, 1, 2], _) => Box::new(workloads::moons::<1, T, S>()),
        ([2, 2, 2], _) => Box::new(workloads::moons::<2, T, S>()),
        ([2, 4, 2], _) => Box::new(workloads::moons::<4, T, S>()),
        ([2, 10, 2], _) => Box::new(workloads::moons::<10, T, S>()),
        ([2, 20, 2], _) => Box::new(workloads::moons::<20, T, S>()),
        ([2, 50, 2], _) => Box::new(workloads::moons::<50, T, S>()),
        ([64, ..], 1) => Box::new(workloads::digits::<S>()),
        ([64, ..], _) => Box::new(workloads::digits_in_batches::<S>()),
        ([784, ..], 1) => workloads::images::<C>(),
        ([784, ..], _) => workloads::images_in_batches::<C>(),
        _ => panic!("no task has these sizes"),
    }
}

macro_rules! peer {
    ($type:ident $(const $size:ident)*) => {
        impl<N: Layer<Format = f32>, L: Loss<N::Activation, N::Format> $(, const $size: usize)*> Peer
            for $type<N, L $(, $size)*>
        {
            fn train(&mut self, epochs: usize) {
                (0..epochs).for_each(|_| self.epoch());
            }
            fn infer(&mut self, epochs: usize) {
                (0..epochs).for_each(|_| self.inferences());
            }
            fn weights(&self) -> Vec<f32> {
                parameters(&self.net)
            }
        }
    };
}
peer!(OneByOne);
peer!(Batches const BATCH const TILE);
