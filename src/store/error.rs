//! Errors of the store.

use core::fmt::Debug;

use crate::macros::error_texts;

/// Why a range of flash cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum RangeError {
    /// It does not begin and end at page boundaries.
    NotPages,
    /// It has fewer than two pages.
    TooShort,
    /// It ends before it begins.
    Reversed,
    /// It ends after the end of the flash.
    Outside {
        /// Bytes of the flash.
        end: u32,
    },
}

/// Error of saving or loading; `E` is the error of the flash driver.
///
/// ```
/// use gradlet::store::StoreError;
///
/// let error = StoreError::<()>::Version { expected: 2, found: 7 };
/// assert_eq!(error.to_string(), "the save has format version 7, expected version 2");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum StoreError<E> {
    /// The flash driver returned an error.
    Flash(E),
    /// The range of flash cannot be used.
    Range(RangeError),
    /// Nothing has been saved yet.
    Empty,
    /// The range has no room for two saves.
    Full,
    /// There is no intact save.
    Damaged,
    /// Saved in another version of the format.
    Version {
        /// What this program writes and reads.
        expected: u16,
        /// What is in the flash.
        found: u16,
    },
    /// Saved by a different network type. Erase the store to save this one.
    OtherNetwork {
        /// [`Layer::FINGERPRINT`](crate::Layer::FINGERPRINT) of the network.
        expected: u32,
        /// What is in the flash.
        found: u32,
    },
    /// Saved with a different optimizer.
    OtherOptimizer {
        /// [`Optimizer::FINGERPRINT`](crate::Optimizer::FINGERPRINT) of the trainer's optimizer.
        expected: Option<u32>,
        /// What is in the flash; `None` if only the parameters were saved.
        found: Option<u32>,
    },
    /// The length of the data differs, although the fingerprints match.
    Length {
        /// Bytes to be loaded.
        expected: u32,
        /// What is in the flash.
        found: u32,
    },
    /// [`Tensors::walk`](crate::Tensors::walk) leaves out a part of the optimizer's state, or
    /// [`Layer::walk`](crate::Layer::walk) of the network.
    NotShown,
    /// A parameter of the network or a value of the optimizer's state is NaN or infinite.
    NotFinite,
    /// The flash is worn out: no page retains what is written to it.
    Worn,
}

error_texts! {
    [E: Debug] StoreError<E>:
    Self::Flash(error) => "the flash failed: {error:?}",
    Self::Range(RangeError::NotPages) =>
        "the range does not begin and end at page boundaries of the flash",
    Self::Range(RangeError::TooShort) => "the range has fewer than two pages",
    Self::Range(RangeError::Reversed) => "the range ends before it begins",
    Self::Range(RangeError::Outside { end }) =>
        "the range is not within the flash, which has {end} bytes",
    Self::Empty => "nothing has been saved yet",
    Self::Full => "the range has no room for two saves",
    Self::Damaged => "there is no intact save, only a damaged one",
    Self::Version { expected, found } =>
        "the save has format version {found}, expected version {expected}",
    Self::OtherNetwork { expected, found } =>
        "saved by a different network type: fingerprint {found:08x}, expected {expected:08x}",
    Self::OtherOptimizer { expected: Some(expected), found: Some(found) } =>
        "saved with a different optimizer: fingerprint {found:08x}, expected {expected:08x}",
    Self::OtherOptimizer { expected: Some(expected), .. } =>
        "saved without optimizer state, expected that of fingerprint {expected:08x}",
    Self::OtherOptimizer { .. } =>
        "saved with optimizer state, expected only the parameters",
    Self::Length { expected, found } => "the save has {found} bytes of data, expected {expected}",
    Self::NotShown => "`walk` leaves out a part of the optimizer's state or of the network",
    Self::NotFinite => "a parameter or a value of the optimizer's state is NaN or infinite",
    Self::Worn => "the flash is worn out: no page retains what is written to it",
}
