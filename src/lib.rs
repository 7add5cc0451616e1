//! Small neural networks whose shape is their type, and which train where they run.
//!
//! [`Mlp<2, 4, 2>`](Mlp) is a network with 2 inputs, 4 hidden units and 2 outputs. Connect it, feed
//! it or train it wrongly, and it does not compile. It is `no_std`, never allocates, and learns by
//! backpropagation on a microcontroller as on a PC, with the same bits on both.
//!
//! ```
//! use gradlet::prelude::*;
//!
//! // XOR: not to be had without a hidden layer.
//! let examples =
//!     [([0.0, 0.0], [0.0]), ([0.0, 1.0], [1.0]), ([1.0, 0.0], [1.0]), ([1.0, 1.0], [0.0])];
//!
//! type Net = net![2 => 4 Tanh => 1 Sigmoid];
//! let mut net = Net::new(
//!     Dense::from_rows([[0.5, -0.3], [-0.6, 0.8], [0.2, 0.9], [-0.7, -0.4]], [0.0; 4]),
//!     Dense::from_rows([[0.6, -0.5, 0.3, 0.8]], [0.0]),
//! );
//! let mut trainer = Trainer::<Net, BinaryCrossEntropy, Sgd>::new();
//! let report = trainer.fit(
//!     &mut net,
//!     &Sgd { learning_rate: 0.5 },
//!     &examples,
//!     Stop::after(1000).or_at_loss(0.01),
//! );
//! assert_eq!(report.outcome, Outcome::LossReached);
//! assert!(net.forward(&[0.0, 1.0])[0] > 0.9 && net.forward(&[1.0, 1.0])[0] < 0.1);
//!
//! // All the memory there is: 17 parameters, 5 outputs of units and their derivatives, 4 bytes each.
//! const _: () = assert!(Net::BYTES + Trainer::<Net, BinaryCrossEntropy, Sgd>::BYTES == 108);
//! ```
//!
//! # What there is
//!
//! | to do | use |
//! |---|---|
//! | describe a network | [`Dense`], [`Mlp`], [`net!`], [`Chain`], [`Frozen`], or your own [`Layer`] |
//! | choose activations | [`Sigmoid`], [`Tanh`], [`Relu`], [`Softmax`] .. or your own [`Elementwise`]; [`fast`] on PCs |
//! | choose a loss | [`HalfSquaredError`], [`BinaryCrossEntropy`], [`CrossEntropy`] .. or your own [`Loss`] |
//! | train | [`Trainer`], one sample at a time, or [`BatchTrainer`]; `fit` for whole epochs |
//! | choose an optimizer | [`Sgd`], [`Momentum`], [`Adam`] .. or your own [`Optimizer`] |
//! | clip, decay, go without biases | [`ClipByNorm`], [`ClipByValue`], [`WeightDecay`], [`NoBias`] around any optimizer |
//! | fit a linear layer by least squares | [`linear`] (feature `nalgebra`) |
//! | stop in time | [`Stop`], [`EarlyStopping`], a callback |
//! | change the learning rate | [`schedule`] |
//! | start | [`init`], with any generator of random numbers (feature `rand_core`) |
//! | prepare data | [`preprocess`] |
//! | judge | [`metrics`] |
//! | take weights from Python, or back | [`load!`], [`safetensors`]; [`ToSource`] for Rust source |
//! | keep what was learned | [`store`] (feature `store`) |
//! | send it, average networks | [`flat`] |
//! | learn from a sensor | [`stream`] (feature `heapless`) |
//! | tell the unusual from the usual | [`metrics::ErrorStatistics`], [`metrics::Quantile`] |
//!
//! How to choose among them, from a sensor to a network that is kept and updated: [`cookbook`].
//!
//! # Memory and cost are constants
//!
//! [`Layer::PARAMS`], [`Layer::MACS`] and [`Layer::BYTES`] of a network, [`Trainer::BYTES`] and
//! [`BatchTrainer::BYTES`] are known at compile time, so a budget can be an assertion in a `const`.
//! With `P` parameters and `U` units in all layers together, in numbers of 4 bytes (`f32`):
//!
//! | | `Sgd` | `Momentum`, `RmsProp` | `Adam` |
//! |---|---|---|---|
//! | network | `P` | `P` | `P` |
//! | [`Trainer`] | `2 U` | `2 U + P` | `2 U + 2 P + 2` |
//! | [`BatchTrainer`] | `2 U + P + 1` | `2 U + 2 P + 1` | `2 U + 3 P + 3` |
//!
//! `BatchTrainer<N, L, O, S>` takes `S` samples through the network at once, which is faster on a PC,
//! and holds `2 S U` more. Outputs and derivatives of the units are in the trainer, so a step needs
//! little stack. Networks and trainers are plain values: put them in a `static`, where a trainer takes
//! no flash because it starts as zeros.
//!
//! # The same bits everywhere
//!
//! Every sum runs in one order, products are rounded before they are added, and the transcendental
//! functions are those of [`libm`] or of [`fast`]. So a network that is trained on a PC and one that
//! is trained on the device end in the same parameters, bit for bit, at every optimisation level.
//!
//! That holds wherever `f32` and `f64` are those of IEEE 754, rounded to nearest: x86-64 (AVX2 too),
//! i686, 64-bit Arm, Armv7-A (VFP, NEON), RISC-V, WebAssembly (SIMD too), Cortex-M and AVR. It does not
//! hold:
//!
//! - On x86 without SSE2 (i586), whose x87 unit rounds twice. There this crate does not compile:
//!   build for i686 or, where other bits will do, with `RUSTFLAGS="--cfg gradlet_other_bits"`.
//! - Where subnormal numbers are taken for zero: with the bits FTZ or DAZ of MXCSR, or FZ of FPCR or
//!   FPSCR. Rust never sets them, but some audio libraries do, and so does loading C code that GCC
//!   before 13 linked with `-ffast-math`. Leave them off in threads that train.
//! - In the float routines of the RP2040's ROM, for the same reason: turn them off by the feature
//!   `disable-intrinsics` of `rp2040-hal`.
//!
//! A program can ask:
//!
//! ```
//! use core::hint::black_box;
//!
//! // Half of the smallest normal number.
//! assert_ne!(black_box(f32::MIN_POSITIVE) * black_box(0.5), 0.0, "subnormal numbers become zero");
//! ```
//!
//! Which NaN comes out, its sign and payload, is not promised; nothing is computed from one.
//!
//! # Nothing panics
//!
//! Sizes are checked by the compiler; what is left is numbers. A step on NaN or infinity, on a target
//! outside the domain of the loss, or with a hyper-parameter out of its range changes nothing and
//! says so ([`Trainer::step`], [`Outcome`]).
//!
//! # Features
//!
//! None is on by default, none changes a result.
//!
//! | feature | what it adds |
//! |---|---|
//! | `defmt` | `defmt::Format` on every public type |
//! | `embedded-io` | [`safetensors::write`]: weights to any `embedded_io` 0.7 `Write` |
//! | `heapless` | [`stream`]: windows over a signal, replay, learning curves (needs Rust 1.87) |
//! | `nalgebra` | [`linear`]: least squares, and weights as `nalgebra` 0.35 matrices (needs Rust 1.89) |
//! | `store` | [`store`]: power-fail-safe storage of networks in flash |
//! | `rand_core` | [`init`]: initialisers and shuffling from any `rand_core` 0.10 generator |
//!
//! # What there is not
//!
//! Convolutions, recurrent layers, attention, automatic differentiation of arbitrary code, integer
//! quantisation, more than one thread. Shapes that are not known at compile time.
//!
// What a missing feature would add is a link to the table of features.
#![cfg_attr(not(feature = "heapless"), doc = "[`stream`]: #features")]
#![cfg_attr(not(feature = "nalgebra"), doc = "[`linear`]: #features")]
#![cfg_attr(not(feature = "rand_core"), doc = "[`init`]: #features")]
#![cfg_attr(not(feature = "store"), doc = "[`store`]: #features")]
#![cfg_attr(not(feature = "embedded-io"), doc = "[`safetensors::write`]: #features")]
#![no_std]
#![forbid(unsafe_code)]

mod activation;
mod batch;
mod content;
#[cfg(any(doc, doctest))]
pub mod cookbook;
mod crc;
mod early_stopping;
mod example;
pub mod fast;
mod fingerprint;
mod fit;
pub mod flat;
mod format;
mod gradient;
#[cfg(feature = "rand_core")]
pub mod init;
pub mod kernel;
mod layer;
#[cfg(feature = "nalgebra")]
pub mod linear;
mod loss;
mod macros;
mod math;
mod mean;
pub mod metrics;
mod optimizer;
pub mod prelude;
pub mod preprocess;
pub mod safetensors;
mod scalar;
pub mod schedule;
mod shape;
mod source;
#[cfg(feature = "store")]
pub mod store;
#[cfg(feature = "heapless")]
pub mod stream;
mod target;
mod tensors;
mod trainer;
mod zero;

pub use activation::*;
pub use batch::*;
pub use early_stopping::*;
pub use example::*;
pub use fingerprint::fingerprint;
pub use fit::*;
pub use format::*;
pub use gradient::{Affine, ForEach, GradientVisitor, for_each};
pub use layer::*;
pub use loss::*;
pub use optimizer::*;
pub use scalar::*;
pub use shape::*;
pub use source::*;
pub use tensors::*;
pub use trainer::*;
pub use zero::*;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
