//! Recipes: from a sensor and a Cortex-M to a network that is trained, stored and updated there.
//!
//! Each has a question, a rule, a tested example that demonstrates the rule, and common mistakes.
//! They say how to choose; what a function does is in its own documentation. In the order in which
//! a device is developed:
//!
//! | question | recipe |
//! |---|---|
//! | How large may the network be, and does it fit? | [`sizes`] |
//! | Which numbers, for a chip without an FPU? | [`number_types`] |
//! | What do I do with raw readings? | [`normalise`] |
//! | Which loss should it minimise? | [`losses`] |
//! | How large may the learning rate be? | [`learning_rate`] |
//! | How do I notice failing training? | [`watch`] |
//! | How does it detect anomalies? | [`anomalies`] |
#![cfg_attr(
    feature = "rand_core-v0.10",
    doc = "| In which order do examples come, and what if a class is rare? | [`epochs`] |"
)]
#![cfg_attr(
    feature = "stream",
    doc = "| How does it learn while samples come in? | [`interrupt`] |\n\
           | How does it learn something new, and forget nothing? | [`freeze`] |"
)]
#![cfg_attr(
    feature = "nalgebra-v0.35",
    doc = "| How does it learn from twenty examples, without a learning rate? | [`linear_head`] |"
)]
#![cfg_attr(
    feature = "embedded-storage-v0.3",
    doc = "\
| How often may I save, and what if power fails? | [`keep`] |
| How do I send a new network to a device, safely? | [`update`] |"
)]
//!
//! # The whole way
//!
//! 1. Record a few hundred windows of the real sensor, rare cases included, and hold out a fifth
//!    that is never trained on: whole recordings, not single windows, since neighbours are alike.
//!    Make every choice below by the loss on that fifth.
//! 2. On a PC, find [`sizes`], [scaling](normalise), [loss](losses) and
//!    [learning rate](learning_rate). The network there is bit-identical to the one on the device.
//!    Or train it in Python, and [load](crate::load) the file.
//! 3. Put network and trainer into a `static`, with a `const` that asserts the [budget](sizes). The
//!    folder `examples/firmware` of the repository has linker scripts, boards and emulators.
//! 4. Run only inference for a while, without training: compare predictions on the device with
//!    those of the PC for the same samples. They are equal, or the samples are not.
//! 5. Then train, with all checks of [`watch`], and save the result.

pub mod anomalies;
#[cfg(feature = "rand_core-v0.10")]
pub mod epochs;
#[cfg(feature = "stream")]
pub mod freeze;
#[cfg(feature = "stream")]
pub mod interrupt;
#[cfg(feature = "embedded-storage-v0.3")]
pub mod keep;
pub mod learning_rate;
#[cfg(feature = "nalgebra-v0.35")]
pub mod linear_head;
pub mod losses;
pub mod normalise;
pub mod number_types;
pub mod sizes;
#[cfg(feature = "embedded-storage-v0.3")]
pub mod update;
pub mod watch;
