//! Learning from a stream of samples (feature `heapless`): windows over a sensor's signal, examples
//! to learn again, the history of the loss.
//!
//! All have a size that is known at compile time, start as zeros (so in a `static` they take no
//! flash), and never allocate.
//!
//! | to do | use |
//! |---|---|
//! | cut a signal into windows, and describe each by a few numbers | [`Window`], [`Features`] |
//! | learn something new without forgetting the old | [`ReplayBuffer`] |
//! | keep a learning curve | [`LossHistory`] |
//!
//! # Samples from an interrupt
//!
//! A timer's interrupt reads the sensor, and the main loop learns, which takes longer than the time
//! between two samples. Between them goes a queue for one producer and one consumer: that of the
//! crate `heapless` needs no lock and turns no interrupt off, also on cores that can only load and
//! store (Cortex-M0). The interrupt owns the [`Producer`](::heapless::spsc::Producer), main the
//! [`Consumer`](::heapless::spsc::Consumer), so the network itself is never shared.
//!
//! ```
//! use gradlet::{prelude::*, stream::Window};
//! use heapless::spsc::{Producer, Queue};
//!
//! type Sample = [f32; 3]; // acceleration along three axes, in g
//! const QUEUE: usize = 32; // holds 31: as many as come in while a window is learned
//!
//! /// The body of the interrupt: a sample that finds the queue full is dropped, and counted.
//! fn on_timer(samples: &mut Producer<'_, Sample>, sensor: Sample, dropped: &mut u32) {
//!     if samples.enqueue(sensor).is_err() {
//!         *dropped += 1;
//!     }
//! }
//!
//! let mut queue = Queue::<Sample, QUEUE>::new();
//! let (mut producer, mut consumer) = queue.split();
//! let mut window = Window::<3, 16>::new();
//! let mut net = Mlp::<15, 4, 15, Tanh, Identity>::ZERO;
//! let mut trainer = Trainer::<_, MeanSquaredError>::new();
//! let (mut dropped, mut learned) = (0, 0);
//! for time in 0..64_u8 {
//!     on_timer(&mut producer, [f32::from(time % 4), 0.0, 1.0], &mut dropped);
//!     // The main loop, when it gets around to it:
//!     while let Some(sample) = consumer.dequeue() {
//!         if let Some(full) = window.push(sample) {
//!             let x = full.features().to_array();
//!             trainer.step(&mut net, &Sgd { learning_rate: 0.01 }, &x, &x);
//!             learned += 1;
//!         }
//!     }
//! }
//! assert_eq!((dropped, learned), (0, 4));
//! ```
//!
//! The program `interrupt` of `examples/firmware` is this on an emulated core, with a timer's interrupt.

mod history;
mod replay;
mod ring;
mod window;

pub use history::LossHistory;
pub use replay::ReplayBuffer;
pub use window::{Features, FullWindow, Window};
