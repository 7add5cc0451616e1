//! Why weights could not be loaded or saved.

use core::error::Error;
use core::fmt;

use super::Dtype;
use super::digits::Digits;

/// The sizes of a tensor, as far as a network needs them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Shape {
    /// How many sizes there are.
    pub rank: usize,
    /// The first two; 0 where there are fewer.
    pub sizes: [usize; 2],
}

/// What is wrong with a file as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Fault {
    /// It has fewer than 8 bytes.
    TooShort,
    /// Its header is longer than the file, or than 100 MB.
    HeaderLength,
    /// Its header is not the JSON of a safetensors file.
    Json,
    /// Its tensors leave a gap, overlap, end outside of the file, or differ in length from their
    /// shapes.
    Offsets,
}

/// Why weights could not be loaded. The network is then as it was.
///
/// ```
/// use gradlet::prelude::*;
/// use gradlet::safetensors::{Fault, LoadError};
///
/// let mut net = Mlp::<2, 4, 2>::ZERO;
/// let error = net.load_safetensors(b"no file", &["0", "2"]).unwrap_err();
/// assert_eq!(error, LoadError::File(Fault::TooShort));
/// assert_eq!(error.to_string(), "not a safetensors file: shorter than 8 bytes");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum LoadError<'n> {
    /// It is not a safetensors file.
    File(Fault),
    /// There are other than so many names of layers.
    Names {
        /// Layers of the network that have weights.
        expected: usize,
        /// Names given.
        found: usize,
    },
    /// The layer has no weights in the file.
    Missing {
        /// Name of the layer.
        layer: &'n str,
    },
    /// A tensor has another shape than the network's.
    Shape {
        /// Name of the layer.
        layer: &'n str,
        /// `weight` or `bias`.
        part: &'static str,
        /// What the network needs: units and inputs, or units.
        expected: Shape,
        /// What the file has.
        found: Shape,
    },
    /// A tensor holds numbers of a type other than F32, F64, F16 and BF16.
    Dtype {
        /// Name of the layer.
        layer: &'n str,
        /// `weight` or `bias`.
        part: &'static str,
        /// What the file has.
        found: Dtype,
    },
    /// A tensor has a number that is NaN or infinite, or is so in the type of the network.
    NotFinite {
        /// Name of the layer.
        layer: &'n str,
        /// `weight` or `bias`.
        part: &'static str,
        /// Its place in the tensor, from 0 on.
        index: usize,
    },
}

impl Error for LoadError<'_> {}

impl fmt::Display for LoadError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text().as_str())
    }
}

impl LoadError<'_> {
    /// What [`Display`](fmt::Display) writes, for constants.
    #[must_use]
    pub const fn text(&self) -> Text {
        let text = Text::EMPTY;
        match self {
            Self::File(fault) => text.add("not a safetensors file: ").add(match fault {
                Fault::TooShort => "shorter than 8 bytes",
                Fault::HeaderLength => "by its first 8 bytes, the header is longer than the file",
                Fault::Json => "the header is not the JSON of one",
                Fault::Offsets => "the tensors do not cover the data one after the other",
            }),
            Self::Names { expected, found } => text
                .add("the network has ")
                .number(*expected)
                .add(" layers with weights, but there are ")
                .number(*found)
                .add(" names"),
            Self::Missing { layer } => {
                text.add("tensor `").add(layer).add(".weight` is not in the file")
            }
            Self::Shape { layer, part, expected, found } => text
                .tensor(layer, part)
                .add(" has the shape ")
                .shape(found)
                .add(" in the file, but the network needs ")
                .shape(expected),
            Self::Dtype { layer, part, found } => text
                .tensor(layer, part)
                .add(" has numbers of the type ")
                .add(found.name())
                .add(", but a network takes F32, F64, F16 or BF16"),
            Self::NotFinite { layer, part, index } => text
                .tensor(layer, part)
                .add(" has a number that is NaN or infinite, number ")
                .number(*index),
        }
    }
}

/// Why weights could not be saved. Nothing is then written.
///
/// ```
/// use gradlet::prelude::*;
/// use gradlet::safetensors::SaveError;
///
/// let net = Mlp::<2, 4, 2>::ZERO;
/// let error = net.to_safetensors(&["0", "2"], &mut [0; 256]).unwrap_err();
/// assert_eq!(error, SaveError::Buffer { needed: 344, found: 256 });
/// assert_eq!(error.to_string(), "the file takes 344 bytes, but the buffer has 256");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SaveError<'n> {
    /// There are other than so many names of layers.
    Names {
        /// Layers of the network that have weights.
        expected: usize,
        /// Names given.
        found: usize,
    },
    /// Two layers have the same name.
    Duplicate {
        /// The name.
        layer: &'n str,
    },
    /// The buffer is too small.
    Buffer {
        /// Bytes of the file.
        needed: usize,
        /// Bytes of the buffer.
        found: usize,
    },
    /// A layer of your own shows other weights and biases than its
    /// [`WEIGHTS`](crate::Layer::WEIGHTS) say.
    Undescribed,
}

impl Error for SaveError<'_> {}

impl fmt::Display for SaveError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Names { expected, found } => write!(
                f,
                "the network has {expected} layers with weights, but there are {found} names"
            ),
            Self::Duplicate { layer } => write!(f, "two layers have the name `{layer}`"),
            Self::Buffer { needed, found } => {
                write!(f, "the file takes {needed} bytes, but the buffer has {found}")
            }
            Self::Undescribed => {
                f.write_str("a layer has other weights and biases than its `WEIGHTS` say")
            }
        }
    }
}

/// A text of up to 256 bytes; what is longer is cut.
#[derive(Clone, Copy)]
pub struct Text {
    bytes: [u8; 256],
    length: usize,
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Text {
    fn format(&self, f: defmt::Formatter<'_>) {
        self.as_str().format(f);
    }
}

impl Text {
    const EMPTY: Self = Self { bytes: [0; 256], length: 0 };

    /// The text.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        let Some((bytes, _)) = self.bytes.split_at_checked(self.length) else { return "" };
        match core::str::from_utf8(bytes) {
            Ok(text) => text,
            // Cut within a character.
            Err(error) => match bytes.split_at_checked(error.valid_up_to()) {
                Some((bytes, _)) => match core::str::from_utf8(bytes) {
                    Ok(text) => text,
                    Err(_) => "",
                },
                None => "",
            },
        }
    }

    const fn add(mut self, text: &str) -> Self {
        let Some((_, free)) = self.bytes.split_at_mut_checked(self.length) else { return self };
        let (mut free, mut text) = (free, text.as_bytes());
        while let ([place, others @ ..], [byte, rest @ ..]) = (free, text) {
            *place = *byte;
            free = others;
            text = rest;
            self.length = self.length.wrapping_add(1);
        }
        self
    }

    const fn tensor(self, layer: &str, part: &str) -> Self {
        self.add("tensor `").add(layer).add(".").add(part).add("`")
    }

    const fn number(self, number: usize) -> Self {
        self.add(Digits::of(number).as_str())
    }

    const fn shape(self, shape: &Shape) -> Self {
        let [first, second] = shape.sizes;
        match shape.rank {
            0 => self.add("[]"),
            1 => self.add("[").number(first).add("]"),
            2 => self.add("[").number(first).add(", ").number(second).add("]"),
            rank => {
                let text =
                    self.add("[").number(first).add(", ").number(second).add(", ..] of rank ");
                text.number(rank)
            }
        }
    }
}
