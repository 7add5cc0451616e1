//! Why something could not be kept or brought back.

use core::error::Error;
use core::fmt;

use sequential_storage::map::MapConfigError;

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
    /// The flash has too small pages, or words of more than 32 bytes.
    Flash,
}

impl From<MapConfigError> for RangeError {
    fn from(error: MapConfigError) -> Self {
        match error {
            MapConfigError::StartRangeNotAtPageBoundary
            | MapConfigError::EndRangeNotAtPageBoundary => Self::NotPages,
            MapConfigError::RangeTooSmall => Self::TooShort,
            MapConfigError::PagesTooSmall | MapConfigError::WordSizeTooLarge => Self::Flash,
        }
    }
}

/// Why something could not be kept or brought back; `E` is the error of the flash.
///
/// ```
/// use gradlet::store::StoreError;
///
/// let error = StoreError::<()>::Version { expected: 1, found: 7 };
/// assert_eq!(error.to_string(), "the format has version 7, this program writes and reads version 1");
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
        expected: u32,
        /// What is in the flash; 0 if the parameters were saved alone.
        found: u32,
    },
    /// It was written with a buffer of another size. Erase the store to use this one.
    Buffer {
        /// Bytes of numbers in a piece, with this buffer; 0 if it cannot be told.
        expected: u16,
        /// What is in the flash.
        found: u16,
    },
    /// The optimizer does not show all that it remembers:
    /// [`Optimizer::remembered`](crate::Optimizer::remembered).
    NotShown,
}

impl<E> From<sequential_storage::Error<E>> for StoreError<E> {
    fn from(error: sequential_storage::Error<E>) -> Self {
        use sequential_storage::Error as Other;
        match error {
            Other::Storage { value, .. } => Self::Flash(value),
            Other::FullStorage | Other::ItemTooBig => Self::Full,
            Other::BufferTooBig => Self::Buffer { expected: 0, found: 0 },
            Other::BufferTooSmall(needed) => {
                Self::Buffer { expected: 0, found: u16::try_from(needed).unwrap_or(u16::MAX) }
            }
            _ => Self::Damaged,
        }
    }
}

impl<E: fmt::Debug> Error for StoreError<E> {}

impl<E: fmt::Debug> fmt::Display for StoreError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flash(error) => write!(f, "the flash failed: {error:?}"),
            Self::Range(RangeError::NotPages) => {
                f.write_str("the range does not begin and end where pages of the flash do")
            }
            Self::Range(RangeError::TooShort) => f.write_str("the range has fewer than two pages"),
            Self::Range(RangeError::Outside { end }) => {
                write!(f, "the range is not within the flash, which has {end} bytes")
            }
            Self::Range(RangeError::Flash) => {
                f.write_str("the pages of the flash are too small, or its words too large")
            }
            Self::Empty => f.write_str("nothing is kept yet"),
            Self::Full => f.write_str("there is no room for two saves"),
            Self::Damaged => f.write_str("what is there is not a complete save"),
            Self::Version { expected, found } => write!(
                f,
                "the format has version {found}, this program writes and reads version {expected}"
            ),
            Self::OtherNetwork { expected, found } => write!(
                f,
                "it is of another type of network: fingerprint {found:08x}, expected {expected:08x}"
            ),
            Self::OtherOptimizer { expected, found: 0 } => write!(
                f,
                "it was saved without what an optimizer remembers, expected that of {expected:08x}"
            ),
            Self::OtherOptimizer { expected, found } => write!(
                f,
                "it is of another optimizer: fingerprint {found:08x}, expected {expected:08x}"
            ),
            Self::Buffer { expected: 0, found } => {
                write!(f, "it was written with a larger buffer: {found} bytes or more")
            }
            Self::Buffer { expected, found } => write!(
                f,
                "it was written with another buffer, in pieces of {found} bytes, not of {expected}"
            ),
            Self::NotShown => f.write_str("the optimizer does not show all that it remembers"),
        }
    }
}
