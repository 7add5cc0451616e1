//! Spectra of windows of a signal (feature `microfft-v0.6`): power, magnitude, mel bands.
//!
//! Machines and voices differ in their frequencies more than in their samples, so the spectrum of a
//! window is often a better input of a network than the window. All is `f32`, as in `microfft`.
//!
//! | task | use |
//! |---|---|
//! | transform a window of samples | [`Spectrum::new`] |
//! | reduce leakage | [`Spectrum::with_hann`] |
//! | power or magnitude of each frequency | [`Spectrum::power`], [`Spectrum::magnitude`] |
//! | sum up the frequencies in fewer bands | [`MelBands`] |
//! | compress the range of values | [`log`] |
//!
//! From samples, one at a time, to log-mel features, with a [`Window`] of the feature `stream`:
//!
#![cfg_attr(feature = "stream", doc = "```")]
#![cfg_attr(not(feature = "stream"), doc = "```ignore")]
//! use gradlet::spectrum::{self, MelBands, Spectrum};
//! use gradlet::stream::Window;
//!
//! // 3,200 samples per second of a vibration, 8 bands from 50 to 1,600 Hz.
//! let mel = MelBands::<128, 8>::new(3200.0, 50.0..1600.0)?;
//! let mut window = Window::<1, 128, 64>::new();
//! let mut features = [[0.0; 8]; 1];
//! for time in 0..256_u16 {
//!     let sample = (0.9 * f32::from(time)).sin(); // 458 Hz
//!     if let Some(full) = window.push([sample]) {
//!         features = full.map_channels(|x| {
//!             let power = Spectrum::new(x).with_hann().power();
//!             spectrum::log(&mel.apply(&power), 1e-6)
//!         });
//!     }
//! }
//! assert_eq!(gradlet::metrics::argmax(&features[0]), Some(2));
//! # Ok::<(), spectrum::MelError>(())
//! ```
//!
//! # Sizes
//!
//! A window has a power of two samples, from 8 to 512, or to 4,096 with the feature
//! `microfft-v0.6-size-4096`; others do not compile. `microfft` has one table of sines in flash, for
//! the longest transform that is enabled: 508 bytes, and 4,092 bytes with that feature. Another crate
//! in the same program that enables longer ones makes it longer, and changes no result.
//!
//! On a Cortex-M4F at opt-level `s`, mel bands of 256 samples take 5,788 bytes of flash, with the table
//! and all else that they need, and 2,928 bytes of stack (measured by `parts` of `examples/firmware`).
//!
//! # Nothing panics
//!
//! `microfft` takes arrays, and its indices are in range for each size that is enabled. At the
//! opt-levels `s` and 3 the compiler proves it and drops the checks; at `z` it leaves some of them, so
//! there a program with spectra has code to panic that is never reached.
//!
//! # Bit-identical results everywhere
//!
//! `microfft` only adds and multiplies, in an order that depends on the number of samples alone, so
//! a spectrum has the same bits on every target, like all of this crate, and with every feature of
//! `microfft`. Mel bands and logarithms use the functions of [`libm`].
//!
#![cfg_attr(feature = "stream", doc = "[`Window`]: super::stream::Window")]
#![cfg_attr(not(feature = "stream"), doc = "[`Window`]: crate#features")]

mod mel;
#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::float_cmp,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "tests round, compare exactly, and may panic"
)]
mod tests;
mod transform;

pub use mel::{MelBands, MelError};
pub use transform::{Bins, Spectrum, Transform};

use crate::scalar::Scalar;

/// `ln(max(x, floor))` of each value `x`.
///
/// A `floor` above 0 gives silence a finite logarithm; take it from the noise of the sensor. With a
/// `floor` of 0, the logarithm of 0 is negative infinity. NaN stays NaN. Decibels are `10 / ln(10)`,
/// or 4.343, times the logarithm of a power; networks need no such factor, as their inputs are
/// [scaled](crate::preprocess) anyway.
///
/// ```
/// let logarithms = gradlet::spectrum::log(&[1.0, 0.0, -2.0], 0.5);
/// assert_eq!(logarithms, [0.0, -core::f32::consts::LN_2, -core::f32::consts::LN_2]);
/// ```
#[must_use]
pub fn log<const K: usize>(values: &[f32; K], floor: f32) -> [f32; K] {
    // Not `f32::max`, which takes the floor for NaN.
    values.map(|x| Scalar::ln(if x < floor { floor } else { x }))
}
