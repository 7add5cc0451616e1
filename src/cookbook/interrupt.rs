//! Train on a stream from an interrupt: queue length, and how long a step may take.
//!
//! [`stream`](crate::stream) shows how interrupt and main loop are connected. This is about load.
//!
//! # Question
//!
//! A training step takes longer than the time between samples. How long must the queue be, and what
//! happens when it is full?
//!
//! # Rule
//!
//! - **Train in the main loop only.** The interrupt reads, numbers and enqueues, and is done in
//!   microseconds. It does not touch the network, so half-written weights are never used.
//! - **Room**: the queue must hold the samples that arrive during the longest pause of the main
//!   loop: a step, or the erasure of a flash page (tens to hundreds of milliseconds; see the data
//!   sheet). A `heapless` queue of `N` holds `N - 1`.
//! - **Time**: on average, inference and training must take less time than samples take to arrive:
//!   no queue helps against a load above 1. Training can be skipped. So run inference on each
//!   window, and **train only if the queue has room for all samples that arrive meanwhile.** Then
//!   none is ever lost, whatever the load.
//! - **Gaps**: number the samples. The reader then detects a missing one, and
//!   [clears](crate::stream::Window::clear) the window: a window with a gap is not a signal.
//!
//! # Example
//!
//! A training step on each window of 16 samples takes the time of 20, a load of 1.25:
//!
//! ```
//! use gradlet::{prelude::*, stream::Window};
//! use heapless::spsc::Queue;
//!
//! type Net = Mlp<5, 2, 5, Tanh, Identity>;
//! const SAMPLES_PER_STEP: usize = 20; // duration of a step in samples, rounded up
//! const QUEUE: usize = 32;
//! const _: () = assert!(QUEUE - 1 >= SAMPLES_PER_STEP, "a step is longer than the queue");
//!
//! #[derive(Debug, Default)]
//! struct Counts {
//!     lost: u32,
//!     gaps: u32,
//!     windows: u32,
//!     learned: u32,
//! }
//!
//! fn run(careful: bool) -> Counts {
//!     let mut queue = Queue::<(u8, f32), QUEUE>::new();
//!     let (mut producer, mut consumer) = queue.split();
//!     let (mut time, mut counts) = (0_u32, Counts::default());
//!     let mut interrupt = || {
//!         let sample = (time as u8, (time as f32 * 0.4).sin()); // its number wraps around at 256
//!         time += 1;
//!         u32::from(producer.enqueue(sample).is_err())
//!     };
//!     let (mut window, mut expected) = (Window::<1, 16>::new(), 0_u8);
//!     let mut net = Net::ZERO;
//!     let mut trainer = Trainer::<_, MeanSquaredError>::new();
//!     while counts.windows < 1000 {
//!         let Some((number, sample)) = consumer.dequeue() else {
//!             counts.lost += interrupt(); // nothing to do until it comes
//!             continue;
//!         };
//!         if number != expected {
//!             window.clear();
//!             counts.gaps += 1;
//!         }
//!         expected = number.wrapping_add(1);
//!         let Some(full) = window.push([sample]) else { continue };
//!         let x = full.features().to_array();
//!         let _answer = net.forward(&x); // always
//!         counts.windows += 1;
//!         if !careful || consumer.len() + SAMPLES_PER_STEP < QUEUE {
//!             trainer.step(&mut net, &Sgd { learning_rate: 0.01 }, &x, &x);
//!             counts.learned += 1;
//!             counts.lost += (0..SAMPLES_PER_STEP).map(|_| interrupt()).sum::<u32>();
//!         }
//!     }
//!     counts
//! }
//!
//! let careful = run(true);
//! assert!(careful.lost == 0 && careful.gaps == 0, "{careful:?}");
//! assert!(careful.learned < careful.windows && careful.learned > careful.windows / 2);
//! let greedy = run(false); // trains on each window: the queue fills up
//! assert!(greedy.lost > 500 && greedy.gaps > 100, "{greedy:?}");
//! ```
//!
//! # What goes wrong
//!
//! - Dropping the *oldest* sample looks better, but then both sides move the same end of the queue,
//!   which needs a lock. The reader can skip a window that is too old.
//! - A counter of lost samples that both sides write is a race. Numbered samples need no counter;
//!   256 lost in a row go unnoticed, so use a `u16` for a long pause.
//! - The interrupt must be able to fire during a step: no critical section around it.
//! - Overlapping windows (`HOP` below `LEN`) multiply the load.
