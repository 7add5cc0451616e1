//! Training on a stream of samples (feature `stream`): windows over a sensor's signal, experience
//! replay, learning curves.
//!
//! The size of each is known at compile time. They start as zeros (so in a `static` they take no
//! flash), and never allocate. On a Cortex-M4F at opt-level `s`, a window with its features takes
//! 1,104 bytes of flash, a replay buffer 280, and both less than 60 bytes of stack (measured by
//! `parts` of `examples/firmware`).
//!
//! | task | use |
//! |---|---|
//! | split a signal into windows, and extract features | [`Window`], [`Features`] |
//! | extract features from its frequencies | [`FullWindow::map_channels`], [`spectrum`] (feature `microfft-v0.6`) |
//! | learn from windows with a state that goes on | [`FullWindow::to_array`], [`Stateful`](crate::Stateful) layers |
//! | learn new data without catastrophic forgetting | [`ReplayBuffer`] |
//! | record a learning curve | [`LossHistory`] |
//!
//! # Learning from a sequence without an end
//!
//! A recurrent network learns what comes next from windows that overlap: its state goes on from one to the next,
//! and derivatives go back to the beginning of a window (truncated backpropagation through time). Here windows
//! of 8 steps begin every 4 steps, so each begins with the state after 4 steps of the one before.
//!
//! ```
//! use gradlet::{Streaming, prelude::*, stream::Window};
//!
//! type Net = net![8 x 1 => Gru(6, stateful 4) => 1 Identity];
//! let mut net = Net::ZERO;
//! # // Random numbers as in PyTorch.
//! # let mut random = 1_u32;
//! # net.visit_mut(|_, values| {
//! #     for value in values {
//! #         random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
//! #         *value = (random >> 8) as f32 / 2.0_f32.powi(23) * 0.4 - 0.4;
//! #     }
//! # });
//! let mut trainer = Trainer::<Net, HalfSquaredError, Momentum>::new();
//! let momentum = Momentum { learning_rate: 0.02, momentum: 0.9 };
//! let signal = |time: u16| [(f32::from(time) / 5.0).sin()];
//!
//! let mut window = Window::<1, 9, 4>::new(); // and what comes next
//! for time in 0..20_000 {
//!     if let Some(full) = window.push(signal(time)) {
//!         let [x @ .., next] = full.to_array();
//!         trainer.step(&mut net, &momentum, &x, &next);
//!         trainer.carry(&mut net);
//!     }
//! }
//!
//! // Where there are steps of its own, it goes on step by step.
//! let mut stream = Streaming::new(&net);
//! let start = 20_000;
//! let errors = (0..100).map(|time| {
//!     let [next] = signal(start + time + 1);
//!     (stream.step(&signal(start + time))[0] - next).abs()
//! });
//! let largest = errors.skip(20).fold(0.0, f32::max);
//! assert!(largest < 0.05, "{largest}");
//! ```
//!
//! # Samples from an interrupt
//!
//! A timer interrupt reads the sensor, and the main loop trains, which takes longer than the time
//! between two samples. A single-producer single-consumer queue connects them: the one of the crate
//! `heapless` needs no lock and never disables interrupts, even on cores that have only loads and
//! stores (Cortex-M0). The interrupt owns the [`Producer`](::heapless::spsc::Producer), main the
//! [`Consumer`](::heapless::spsc::Consumer), so the network itself is never shared.
//!
//! ```
//! use gradlet::{prelude::*, stream::Window};
//! use heapless::spsc::{Producer, Queue};
//!
//! type Sample = [f32; 3]; // acceleration along three axes, in g
//! const QUEUE: usize = 32; // holds 31: as many as arrive during a training step
//!
//! /// The interrupt handler's body: if the queue is full, the sample is dropped and counted.
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
//! The program `interrupt` of `examples/firmware` does this on an emulated core, with a timer
//! interrupt.
//!
#![cfg_attr(feature = "microfft-v0.6", doc = "[`spectrum`]: super::spectrum")]
#![cfg_attr(not(feature = "microfft-v0.6"), doc = "[`spectrum`]: crate#features")]

mod history;
mod replay;
mod ring;
mod window;

pub use history::LossHistory;
pub use replay::ReplayBuffer;
pub use window::{Features, FullWindow, Window};
