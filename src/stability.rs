//! Stability: what may change between versions, and what may not.
//!
//! Versions are [semantic](https://semver.org): before 1.0, a new minor version (0.2 to 0.3) may
//! break, a new patch version (0.2.0 to 0.2.1) does not.
//!
//! # What counts as breaking
//!
//! - A public item that is removed, renamed, or has another signature.
//! - **A bit of a result that changes**, on any target, in training, inference, preprocessing,
//!   metrics or initialisation. Golden numbers and pinned hashes are among the tests.
//! - A file, frame or flash page that a newer version no longer reads. Fingerprints
//!   ([`Layer::FINGERPRINT`](crate::Layer::FINGERPRINT)) are part of the format.
//! - A [hyper-parameter](crate::HyperParameter) or default that means something else.
//! - A new variant of an error enum is not breaking: they are `#[non_exhaustive]`.
//! - Text is not part of the interface: messages of errors, compile errors, `Debug` output.
//! - Instruction counts, flash and stack are not either, but tests hold them, so that they do not grow
//!   without a line in the changelog.
//!
//! # The oldest compiler
//!
//! `rust-version` in `Cargo.toml` is the oldest compiler that the core supports; the tests run with
//! it. It may rise in a minor version, to a compiler that is at least a year old. Features whose
//! dependencies need a newer one say so, and follow their dependencies.
//!
//! # Features
//!
//! Features only add items. None changes a result, and none will be on by default.
//!
//! A feature that shows types or traits of another crate whose version is 0.x carries that version
//! in its name, as `embedded-io-v0.7`: when a version 0.8 appears, a feature for it is added beside the
//! old one, which is not breaking. Removing a feature is.
