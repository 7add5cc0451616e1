//! Why a network cannot be quantised.

use crate::macros::error_texts;

/// Why a network cannot be quantised. Layers with weights are counted from 1; 0 is the input of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum QuantizeError {
    /// There were no inputs to calibrate with.
    NoInputs,
    /// A weight, or a value that was calibrated with, is NaN or infinite, or the values are so far apart that
    /// their difference is.
    NotFinite {
        /// The layer whose weights or outputs they are; 0 for the input.
        layer: usize,
    },
    /// All values were 0, for all inputs that were calibrated with.
    ZeroRange {
        /// The layer whose outputs they are; 0 for the input.
        layer: usize,
    },
}

impl QuantizeError {
    /// The same, of this layer.
    pub(super) const fn at(self, layer: usize) -> Self {
        match self {
            Self::NoInputs => Self::NoInputs,
            Self::NotFinite { .. } => Self::NotFinite { layer },
            Self::ZeroRange { .. } => Self::ZeroRange { layer },
        }
    }
}

error_texts!([] QuantizeError:
    Self::NoInputs => "there are no inputs to calibrate with",
    Self::NotFinite { layer } => "weights or values of layer {layer} are not finite (0 is the input)",
    Self::ZeroRange { layer } => "all values of layer {layer} are 0 (0 is the input)",
);
