//! Those that do the tasks.

mod c;
mod gradlet;
mod nalgebra;
mod rust;

#[cfg(feature = "burn")]
mod burn;
#[cfg(feature = "candle")]
mod candle;
#[cfg(feature = "dfdx")]
mod dfdx;

use crate::task::Task;

/// A network that learns by one of the libraries, or by hand.
pub trait Peer {
    /// Trains on all examples, so many times.
    fn train(&mut self, epochs: usize);
    /// Computes the outputs for all examples, so many times: as many at once as are in a batch, if
    /// that is quicker.
    fn infer(&mut self, epochs: usize);
    /// The weights, laid out like [`Task::start`].
    fn weights(&self) -> Vec<f32>;
}

type New = fn(&Task) -> Box<dyn Peer>;

/// Names, and whether the weights must be gradlet's to the bit.
pub const PEERS: &[(&str, bool, New)] = &[
    ("gradlet", true, gradlet::new),
    ("gradlet, fast activations", false, gradlet::new_fast),
    ("Rust by hand, same order", true, rust::new),
    ("C, same order", true, c::new_same_bits),
    ("C", false, c::new_usual),
    ("nalgebra by hand", false, nalgebra::new),
    #[cfg(feature = "dfdx")]
    ("dfdx", false, dfdx::new),
    #[cfg(feature = "candle")]
    ("candle", false, candle::new),
    #[cfg(feature = "burn")]
    ("burn", false, burn::new),
];

/// A peer at the beginning of a task.
pub fn new(name: &str, task: &Task) -> Box<dyn Peer> {
    let peer = PEERS.iter().find(|(peer, ..)| *peer == name).expect("there is such a peer");
    peer.2(task)
}

/// Calls a function whose const parameters are the numbers of inputs, hidden units, outputs and
/// examples in a batch.
macro_rules! by_sizes {
    ($task:expr, $function:ident) => {
        match ($task.sizes, $task.batch) {
            ([2, 2, 2], 1) => $function::<2, 2, 2, 1>($task),
            ([2, 1, 2], 60) => $function::<2, 1, 2, 60>($task),
            ([2, 2, 2], 60) => $function::<2, 2, 2, 60>($task),
            ([2, 4, 2], 60) => $function::<2, 4, 2, 60>($task),
            ([2, 10, 2], 60) => $function::<2, 10, 2, 60>($task),
            ([2, 20, 2], 60) => $function::<2, 20, 2, 60>($task),
            ([2, 50, 2], 60) => $function::<2, 50, 2, 60>($task),
            ([64, 32, 10], 1) => $function::<64, 32, 10, 1>($task),
            ([64, 32, 10], 32) => $function::<64, 32, 10, 32>($task),
            ([784, 128, 10], 1) => $function::<784, 128, 10, 1>($task),
            ([784, 128, 10], 32) => $function::<784, 128, 10, 32>($task),
            _ => panic!("no task has these sizes"),
        }
    };
}
use by_sizes;

/// Slices of `count` numbers as arrays.
fn rows<const N: usize>(values: &[f32]) -> Vec<[f32; N]> {
    values.chunks_exact(N).map(|row| row.try_into().expect("exact chunks")).collect()
}
