//! C, as the build script compiled it.

use std::hint::black_box;

use super::Peer;
use crate::task::{Kind, Task};

type Epoch =
    unsafe extern "C" fn(*mut f32, *mut f32, *const f32, *const f32, usize, usize, f32) -> f32;
type Inferences = unsafe extern "C" fn(*const f32, *const f32, usize) -> f32;

include!(concat!(env!("OUT_DIR"), "/functions.rs"));

/// The functions of Rust's libm, for sums of the same bits.
macro_rules! export {
    ($($name:ident $function:ident),+) => { $(
        #[unsafe(no_mangle)]
        extern "C" fn $name(x: f32) -> f32 {
            libm::$function(x)
        }
    )+ };
}
export!(peers_expf expf, peers_tanhf tanhf, peers_log1pf log1pf, peers_logf logf);

struct C {
    task: Task,
    weights: Vec<f32>,
    gradient: Vec<f32>,
    epoch: Epoch,
    inferences: Inferences,
}

pub fn new_same_bits(task: &Task) -> Box<dyn Peer> {
    new(task, true)
}

pub fn new_usual(task: &Task) -> Box<dyn Peer> {
    new(task, false)
}

fn new(task: &Task, same_bits: bool) -> Box<dyn Peer> {
    let kind = match task.kind {
        Kind::Sigmoid => 0,
        Kind::TanhSigmoid => 1,
        Kind::ReluSoftmax => 2,
    };
    let (epoch, inferences) = functions(task.sizes, kind, same_bits);
    let weights = task.start.clone();
    Box::new(C { task: task.clone(), gradient: weights.clone(), weights, epoch, inferences })
}

impl Peer for C {
    fn train(&mut self, epochs: usize) {
        let Task { inputs, targets, batch, learning_rate, .. } = &self.task;
        for _ in 0..epochs {
            // SAFETY: the function was compiled for the sizes of the task, by which these slices are
            // as long as it takes them to be.
            black_box(unsafe {
                (self.epoch)(
                    self.weights.as_mut_ptr(),
                    self.gradient.as_mut_ptr(),
                    inputs.as_ptr(),
                    targets.as_ptr(),
                    self.task.len(),
                    *batch,
                    *learning_rate,
                )
            });
        }
    }

    fn infer(&mut self, epochs: usize) {
        let inputs = &self.task.inputs;
        for _ in 0..epochs {
            // SAFETY: as above.
            black_box(unsafe {
                (self.inferences)(self.weights.as_ptr(), inputs.as_ptr(), self.task.len())
            });
        }
    }

    fn weights(&self) -> Vec<f32> {
        self.weights.clone()
    }
}
