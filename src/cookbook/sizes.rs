//! Choose layer sizes that fit in RAM, flash and time.
//!
//! # Question
//!
//! My Cortex-M4F has 16 KB of RAM to spare, and 2 ms between two windows. How many hidden units?
//!
//! # Rule
//!
//! - **Units**: start with one hidden layer. Double its units until the loss on held-out examples
//!   no longer falls much; go one size further if training sometimes gets stuck.
//! - **Examples**: for an error rate `e`, about `PARAMS / e` of them (Baum, Haussler, What size net
//!   gives valid generalization?, Neural Computation 1, 1989): 10 for each parameter at an error
//!   rate of 1 in 10. With fewer, use fewer units, or [freeze](crate::Frozen) layers.
//! - **RAM**: [`Layer::BYTES`](crate::Layer::BYTES) and [`Trainer::BYTES`](crate::Trainer::BYTES),
//!   and some hundred bytes of stack. Nothing else. Inference without a trainer has the outputs of
//!   hidden layers on the stack, of successive layers with the same shape only two.
//! - **Time**: instructions per multiply-accumulate ([`Layer::MACS`](crate::Layer::MACS)) of
//!   networks from 16-16-4 on, by the README's table:
//!
//!   | at `opt-level = "s"` | inference | a step of gradient descent |
//!   |---|---:|---:|
//!   | Cortex-M4F | 4 to 6 | 7 to 12 |
//!   | Cortex-M0, which has no floating point | 220 to 350 | 400 to 650 |
//!
//!   Smaller ones take more, since their activations weigh more. Measure your own with
//!   `cargo bench --bench firmware`.
//!
//! # Example
//!
//! The budget is checked by the compiler, and the number of units by a run on the PC:
//!
//! ```
//! use gradlet::prelude::*;
//!
//! // A network with 64 inputs and 10 classes, on a Cortex-M4F at 64 MHz.
//! type Net = net![64 => 32 Relu => 10 Softmax];
//! type Learner = Trainer<Net, CrossEntropy, Sgd>;
//! const INSTRUCTIONS: usize = 12 * Net::MACS; // of a step
//! const _: () = assert!(Net::BYTES + Learner::BYTES <= 10 * 1024, "does not fit in 10 KB");
//! const _: () = assert!(INSTRUCTIONS <= 64_000_000 / 1000 * 2, "takes longer than 2 ms");
//! // Adam's state is two numbers for each parameter: then 10 KB are not enough.
//! assert!(Net::BYTES + Trainer::<Net, CrossEntropy, Adam>::BYTES > 28 * 1024);
//!
//! /// The loss between the training points after fitting a curve with `HID` hidden units.
//! fn unseen_loss<const HID: usize>() -> f32 {
//!     let curve = |x: f32| ([x], [(4.0 * x).sin()]);
//!     // Spread by the golden ratio, so that this needs no random numbers; see `gradlet::init`.
//!     let spread = |k: usize| (k as f32 * 0.618_034).fract() * 2.0 - 1.0;
//!     let mut net = Mlp::<1, HID, 1, Tanh, Identity>::new(
//!         Dense::new(
//!             [core::array::from_fn(|k| 4.0 * spread(k + 1))],
//!             core::array::from_fn(|k| 2.0 * spread(3 * k + 2)),
//!         ),
//!         Dense::ZERO,
//!     );
//!     let mut trainer = Trainer::<_, HalfSquaredError>::new();
//!     let examples = (-10..=10).map(|i| curve(i as f32 / 10.0));
//!     trainer.fit(&mut net, &Sgd { learning_rate: 0.05 }, examples, Stop::after(600));
//!     let between = (-10..10).map(|i| curve((i as f32 + 0.5) / 10.0));
//!     trainer.mean_loss(&net, between).unwrap()
//! }
//! let losses = [unseen_loss::<1>(), unseen_loss::<2>(), unseen_loss::<4>(), unseen_loss::<8>()];
//! assert!(losses[0] > 0.05, "{losses:?}"); // 1 unit: a step, not a wave
//! assert!(losses[2] < losses[0] / 10.0, "{losses:?}"); // 4 units are enough ..
//! assert!(losses[3] > losses[2] / 10.0, "{losses:?}"); // .. and 8 not worth their memory
//! ```
//!
//! # What goes wrong
//!
//! - Underfitting, too few units: the training loss stays high too. The README's table for XOR
//!   counts how often training gets stuck with few units.
//! - Overfitting, too many units: the training loss falls while the held-out loss rises.
//!   [`EarlyStopping`](crate::EarlyStopping) stops there; [`WeightDecay`](crate::WeightDecay)
//!   helps.
//! - A network that is built in a function and then moved is on the stack for a while. Start with a
//!   `static` that is [`Zero::ZERO`](crate::Zero::ZERO), and write the weights into it.
