//! Why something could not be kept or brought back.

use core::fmt::Debug;

use crate::macros::error_texts;

/// What is wrong with a range of flash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum RangeError {
    /// It does not begin and end where pages do.
    NotPages,
    /// It has fewer than two pages.
    TooShort,
    /// It ends before it begins, or after the end of the flash.
    Outside {
        /// Bytes of the flash.
        end: u32,
    },
}

/// Why something could not be kept or brought back; `E` is the error of the flash.
///
/// ```
/// use gradlet::store::StoreError;
///
/// let error = StoreError::<()>::Version { expected: 2, found: 7 };
/// assert_eq!(error.to_string(), "the format has version 7, this program writes and reads version 2");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum StoreError<E> {
    /// The flash failed.
    Flash(E),
    /// The range of flash cannot be used.
    Range(RangeError),
    /// Nothing is kept yet.
    Empty,
    /// There is no room for two saves.
    Full,
    /// What is there is not a complete save.
    Damaged,
    /// It was written by a program with another format.
    Version {
        /// What this program writes and reads.
        expected: u16,
        /// What is in the flash.
        found: u16,
    },
    /// It is of another type of network. Erase the store to keep another one.
    OtherNetwork {
        /// [`Layer::FINGERPRINT`](crate::Layer::FINGERPRINT) of the network.
        expected: u32,
        /// What is in the flash.
        found: u32,
    },
    /// It is of another optimizer.
    OtherOptimizer {
        /// [`Optimizer::FINGERPRINT`](crate::Optimizer::FINGERPRINT) of the trainer's.
        expected: Option<u32>,
        /// What is in the flash; `None` if the parameters were saved alone.
        found: Option<u32>,
    },
    /// It has another number of bytes, though the fingerprints say that it is of this type.
    Length {
        /// Bytes of the numbers that are to be loaded.
        expected: u32,
        /// What is in the flash.
        found: u32,
    },
    /// The walk through the optimizer's state, or through the network, leaves something out:
    /// [`Tensors::walk`](crate::Tensors::walk).
    NotShown,
    /// A number of the network or of the optimizer's state is NaN or infinite.
    NotFinite,
    /// No page keeps what is written there.
    Worn,
}

error_texts! {
    [E: Debug] StoreError<E>:
    Self::Flash(error) => "the flash failed: {error:?}",
    Self::Range(RangeError::NotPages) =>
        "the range does not begin and end where pages of the flash do",
    Self::Range(RangeError::TooShort) => "the range has fewer than two pages",
    Self::Range(RangeError::Outside { end }) =>
        "the range is not within the flash, which has {end} bytes",
    Self::Empty => "nothing is kept yet",
    Self::Full => "there is no room for two saves",
    Self::Damaged => "a save is there, but is damaged",
    Self::Version { expected, found } =>
        "the format has version {found}, this program writes and reads version {expected}",
    Self::OtherNetwork { expected, found } =>
        "it is of another type of network: fingerprint {found:08x}, expected {expected:08x}",
    Self::OtherOptimizer { expected: Some(expected), found: Some(found) } =>
        "it is of another optimizer: fingerprint {found:08x}, expected {expected:08x}",
    Self::OtherOptimizer { expected: Some(expected), .. } =>
        "it was saved without what an optimizer remembers, expected that of {expected:08x}",
    Self::OtherOptimizer { .. } =>
        "it was saved with what an optimizer remembers, expected the parameters alone",
    Self::Length { expected, found } => "it has {found} bytes of numbers, expected {expected}",
    Self::NotShown => "the optimizer does not show all that it remembers",
    Self::NotFinite => "a number is NaN or infinite",
    Self::Worn => "no page of the flash keeps what is written there",
}
