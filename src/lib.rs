//! Small neural networks whose shape is their type, trained and run on microcontrollers and PCs.
//!
//! [`Mlp<2, 4, 2>`](Mlp) is a network with 2 inputs, 4 hidden units and 2 outputs. A wrong
//! shape, or a loss that does not fit, is a compile error. The crate is `no_std`, never allocates,
//! and trains by backpropagation on a microcontroller as on a PC, with bit-identical results.
//!
//! ```
//! use gradlet::prelude::*;
//!
//! // XOR is not linearly separable: it needs a hidden layer.
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
//! // All the memory it takes: 17 parameters, 5 unit outputs and their derivatives, 4 bytes each.
//! const _: () = assert!(Net::BYTES + Trainer::<Net, BinaryCrossEntropy, Sgd>::BYTES == 108);
//! ```
//!
//! # What it offers
//!
//! | task | use |
//! |---|---|
//! | describe a network | [`Dense`], [`Mlp`], [`net!`], [`Chain`], [`Frozen`], or a custom [`Layer`] |
//! | branch: residual connections, several heads | [`Residual`], [`Parallel`] with [`Split`] losses |
//! | learn from sequences, step by step | [`Gru`], [`Lstm`], [`Rnn`], in both directions with [`Reversed`], of different length with [`Masked`] |
//! | learn from a stream, window by window | [`Stateful`] layers and [`Trainer::carry`] |
//! | learn a vector for each symbol | [`Embedding`] |
//! | use batch normalisation from PyTorch or Keras, fold it away | [`BatchNorm`]; [`LayerNorm`] stays |
//! | choose activations | [`Sigmoid`], [`Tanh`], [`Relu`], [`Softmax`] .. or a custom [`Elementwise`]; [`PRelu`] with learned slopes; [`fast`] on PCs, [`rational`] on cores with an FPU |
//! | compute in integers, on a core without an FPU | [`Fixed`]: `net![Fixed; 64 => 32 Tanh => 10 Softmax]` |
//! | take a trained network to fixed point and back, compare the outputs | [`mod@convert`] |
//! | choose a loss | [`HalfSquaredError`], [`BinaryCrossEntropy`], [`CrossEntropy`] .. or a custom [`Loss`] |
//! | train | [`Trainer`], one sample at a time, or [`BatchTrainer`] for mini-batches; `fit` for whole epochs |
//! | choose an optimizer | [`Sgd`], [`Momentum`], [`Adam`] .. or a custom [`Optimizer`] |
//! | use gradient clipping or weight decay, drop biases, sum gradients | [`ClipByNorm`], [`ClipByValue`], [`WeightDecay`], [`NoBias`], [`Summed`] around any optimizer |
//! | shuffle examples, weight examples or classes | [`fit_with`](Trainer::fit_with), [`Example::weight`] |
//! | fit a linear layer by least squares | [`linear`] (feature `nalgebra-v0.35`) |
//! | stop early | [`Stop`], [`EarlyStopping`], a callback |
//! | change the learning rate | [`schedule`] |
//! | initialise weights | [`init`], with any random number generator (feature `rand_core-v0.10`) |
//! | scale features, before the network or as its first layer; one-hot labels | [`preprocess`] |
//! | regularise with dropout, on a PC | [`Dropout`] (feature `rand_core-v0.10`) |
//! | evaluate | [`metrics`] |
//! | run a trained network in int8, in a quarter of the flash | [`quantized`] |
//! | exchange weights with Python | [`load!`], [`safetensors`]; [`ToSource`] for Rust source |
//! | save a network in flash | [`store`] (feature `embedded-storage-v0.3`) |
//! | send parameters, average networks | [`flat`] |
//! | train on a sensor's signal | [`stream`] (feature `stream`) |
//! | extract features from frequencies | [`spectrum`] (feature `microfft-v0.6`) |
//! | detect anomalies | [`metrics::ErrorStatistics`], [`metrics::Quantile`] |
//!
//! How to choose among them, from the sensor to a network that is stored and updated: [`cookbook`].
//!
//! # Memory and cost are constants
//!
//! [`Layer::PARAMS`], [`Layer::MACS`] and [`Layer::BYTES`] of a network, [`Trainer::BYTES`] and
//! [`BatchTrainer::BYTES`] are known at compile time, so a budget can be an assertion in a `const`.
//! With `P` trainable parameters and `U` units in all layers together, in `f32` values of 4 bytes:
//!
//! | | `Sgd` | `Momentum`, `RmsProp`, `Adagrad` | `Adam` |
//! |---|---|---|---|
//! | network | `P` | `P` | `P` |
//! | [`Trainer`] | `2 U` | `2 U + P` | `2 U + 2 P + 2` |
//! | [`BatchTrainer`] | `2 U + P + 2` | `2 U + 2 P + 2` | `2 U + 3 P + 4` |
//!
//! `BatchTrainer<N, L, O, S>` runs `S` samples through the network at once, which is faster
//! on a PC, and needs `2 S U` more. Outputs and derivatives of the units are in the trainer, so a
//! step needs little stack. Networks and trainers are plain values: put them in a `static`, where a
//! trainer takes no flash because it is zero-initialised.
//!
//! In a debug build at opt-level 0, nothing is inlined, and a small firmware has hundreds of kilobytes.
//! In its `Cargo.toml`, `[profile.dev]` should say `opt-level = "s"`.
//!
//! # Bit-identical results everywhere
//!
//! Every sum is evaluated in one fixed order, with or without SIMD, products are rounded before
//! they are added, and the transcendental functions are those of [`libm`] or of [`fast`]. So
//! training on a PC and on the device gives the same parameters, bit for bit, at every optimisation
//! level.
//!
//! This holds wherever `f32` and `f64` follow IEEE 754, rounding to nearest: x86-64 (AVX2 too),
//! i686, 64-bit Arm, Armv7-A (VFP, NEON), RISC-V, WebAssembly (SIMD too), Cortex-M and AVR. It does
//! not hold:
//!
//! - On x86 without SSE2 (i586), whose x87 unit rounds twice. There this crate does not compile:
//!   build for i686 or, where other bits will do, with `RUSTFLAGS="--cfg gradlet_other_bits"`.
//! - Where subnormal numbers are flushed to zero: by the bits FTZ or DAZ of MXCSR, or FZ of FPCR or
//!   FPSCR. Rust never sets them, but some audio libraries do, and so does loading C code that GCC
//!   before 13 linked with `-ffast-math`. Leave them off in threads that train.
//! - With the float routines of the RP2040's ROM, for the same reason: disable them with the
//!   feature `disable-intrinsics` of `rp2040-hal`.
//!
//! A program can check:
//!
//! ```
//! use core::hint::black_box;
//!
//! // Half of the smallest normal number.
//! assert_ne!(black_box(f32::MIN_POSITIVE) * black_box(0.5), 0.0, "subnormal numbers become zero");
//! ```
//!
//! The sign and payload of a resulting NaN are not specified; nothing is computed from one.
//!
//! # Nothing panics
//!
//! Shapes are checked by the compiler; values are checked at run time. A step on NaN or infinity,
//! on a target outside the domain of the loss, or with a weight or a hyper-parameter out of range
//! changes nothing and says so ([`Trainer::step`], [`Outcome`]).
//!
//! # Features
//!
//! None is on by default, and none changes a result.
//!
//! | feature | what it adds |
//! |---|---|
//! | `defmt` | `defmt::Format` on every public type |
//! | `embedded-io-v0.7` | [`safetensors::write`]: weights to any `embedded_io` 0.7 `Write` |
//! | `microfft-v0.6` | [`spectrum`]: power spectra, mel bands and logarithms of windows of up to 512 samples |
//! | `microfft-v0.6-size-4096` | [`spectrum`] of up to 4,096 samples, with a table of 4 KB in place of 0.5 KB |
//! | `stream` | [`stream`]: windows over a signal, experience replay, learning curves (needs Rust 1.87) |
//! | `nalgebra-v0.35` | [`linear`]: least squares, and weights as `nalgebra` 0.35 matrices (needs Rust 1.89) |
//! | `embedded-storage-v0.3` | [`store`]: power-fail-safe storage of networks in flash (needs Rust 1.87) |
//! | `embedded-storage-async-v0.4` | the same for `async` flash drivers |
//! | `rand_core-v0.10` | [`init`]: initialisers and shuffling from any `rand_core` 0.10 generator |
//!
//! What may change between versions: [`stability`].
//!
//! # What it does not offer
//!
//! Attention, automatic differentiation of arbitrary code, training in int8 and int8 recurrent layers,
//! multithreading. Shapes that are not known at compile time.
//!
// Items of a disabled feature link to the table of features.
#![cfg_attr(not(feature = "stream"), doc = "[`stream`]: #features")]
#![cfg_attr(not(feature = "microfft-v0.6"), doc = "[`spectrum`]: #features")]
#![cfg_attr(not(feature = "nalgebra-v0.35"), doc = "[`linear`]: #features")]
#![cfg_attr(not(feature = "rand_core-v0.10"), doc = "[`init`]: #features")]
#![cfg_attr(not(feature = "embedded-storage-v0.3"), doc = "[`store`]: #features")]
#![cfg_attr(not(feature = "embedded-io-v0.7"), doc = "[`safetensors::write`]: #features")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![no_std]
#![forbid(unsafe_code)]

mod activation;
mod batch;
mod content;
pub mod convert;
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
#[cfg(feature = "rand_core-v0.10")]
pub mod init;
pub mod kernel;
mod layer;
#[cfg(feature = "nalgebra-v0.35")]
pub mod linear;
mod loss;
mod macros;
mod math;
mod mean;
pub mod metrics;
mod number;
mod optimizer;
pub mod prelude;
pub mod preprocess;
pub mod quantized;
pub mod rational;
pub mod safetensors;
mod scalar;
pub mod schedule;
mod shape;
mod source;
#[cfg(feature = "microfft-v0.6")]
pub mod spectrum;
#[cfg(any(doc, doctest))]
pub mod stability;
#[cfg(feature = "embedded-storage-v0.3")]
pub mod store;
#[cfg(feature = "stream")]
pub mod stream;
mod target;
mod tensors;
mod trainer;
mod weight;
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
pub use number::*;
pub use optimizer::*;
pub use quantized::Quantized;
pub use scalar::*;
pub use shape::*;
pub use source::*;
pub use tensors::*;
pub use trainer::*;
pub use zero::*;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
