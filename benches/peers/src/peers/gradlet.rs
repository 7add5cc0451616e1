//! gradlet.

use gradlet::{Layer, Loss};

use super::Peer;
use crate::task::{Task, parameters};
use crate::workloads::{self, Batches, OneByOne, Work};

pub fn new(task: &Task) -> Box<dyn Peer> {
    match (task.sizes, task.batch) {
        ([2, 2, 2], 1) => Box::new(workloads::worked()),
        ([2, 1, 2], _) => Box::new(workloads::moons::<1>()),
        ([2, 2, 2], _) => Box::new(workloads::moons::<2>()),
        ([2, 4, 2], _) => Box::new(workloads::moons::<4>()),
        ([2, 10, 2], _) => Box::new(workloads::moons::<10>()),
        ([2, 20, 2], _) => Box::new(workloads::moons::<20>()),
        ([2, 50, 2], _) => Box::new(workloads::moons::<50>()),
        ([64, ..], 1) => Box::new(workloads::digits()),
        ([64, ..], _) => Box::new(workloads::digits_in_batches()),
        ([784, ..], 1) => workloads::images(),
        ([784, ..], _) => workloads::images_in_batches(),
        _ => panic!("no task has these sizes"),
    }
}

macro_rules! peer {
    ($type:ident $(const $batch:ident)?) => {
        impl<N: Layer<Scalar = f32>, L: Loss<N::Activation> $(, const $batch: usize)?> Peer
            for $type<N, L $(, $batch)?>
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
peer!(Batches const BATCH);
