//! Errors of loading and saving weights.

use core::error::Error;
use core::fmt;

use super::Dtype;
use super::json::trim;
use super::text::{Names, Text};
use crate::macros::error_texts;

/// Shape of a tensor in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Shape {
    /// Number of dimensions.
    pub rank: usize,
    /// The first four sizes; 0 beyond the rank.
    pub sizes: [usize; 4],
}

impl Shape {
    /// The known sizes: all up to rank 4, else the first four.
    pub(super) const fn known(&self) -> &[usize] {
        if let Some((known, _)) = self.sizes.split_at_checked(self.rank) {
            known
        } else {
            &self.sizes
        }
    }

    pub(super) const fn is(&self, expected: &[usize]) -> bool {
        let (mut a, mut b) = (self.known(), expected);
        while let ([first, others @ ..], [second, rest @ ..]) = (a, b) {
            if *first != *second {
                return false;
            }
            (a, b) = (others, rest);
        }
        // Sizes beyond the fourth are not known.
        a.is_empty() && b.is_empty() && self.rank == expected.len()
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str({ Text::EMPTY }.shape(self.rank, self.known()).as_str())
    }
}

/// Why a file is not a valid safetensors file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Fault {
    /// It has fewer than 8 bytes.
    TooShort,
    /// It is in another format.
    OtherFormat(Format),
    /// Its header extends beyond the end of the file, or is longer than 100 MB.
    HeaderLength {
        /// Least size of the file according to its first 8 bytes.
        expected: usize,
        /// Bytes of the file.
        found: usize,
    },
    /// Its header is not valid JSON of a safetensors header.
    Json,
    /// Its tensors leave a gap, overlap, or have lengths that do not match their shapes.
    Offsets,
    /// It was truncated, or has trailing bytes.
    Length {
        /// Size of the header and its tensors in bytes.
        expected: usize,
        /// Bytes of the file.
        found: usize,
    },
    /// It has too many tensors for a file that is not sorted, or that has a name twice; see
    /// [`safetensors`](crate::safetensors).
    TooMany {
        /// Tensors in the file.
        found: usize,
        /// Most tensors that such a file may have.
        most: usize,
    },
}

/// Error of loading weights. The network is then unchanged.
///
/// ```
/// use gradlet::prelude::*;
/// use gradlet::safetensors::{self, Fault, LoadError};
///
/// let mut net = Mlp::<2, 4, 2>::ZERO;
/// let error = safetensors::load(&mut net, b"no file", &["0", "2"]).unwrap_err();
/// assert_eq!(error, LoadError::File(Fault::TooShort));
/// assert_eq!(error.to_string(), "not a safetensors file: shorter than 8 bytes");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum LoadError<'n> {
    /// It is not a safetensors file.
    File(Fault),
    /// Wrong number of layer names.
    Names {
        /// Layers of the network that have tensors.
        expected: usize,
        /// Names given, without those that end in `..`.
        found: usize,
    },
    /// A tensor of the network, other than a bias, is not in the file.
    Missing {
        /// Name of the layer.
        layer: &'n str,
        /// Name of the tensor in its layer, `weight` for instance.
        part: &'static str,
        /// Tensors of the file, the most similar names first.
        found: Names,
    },
    /// Tensors of the file belong to no layer of the network, and are not ignored.
    Unexpected {
        /// These tensors, in the order of the file.
        found: Names,
    },
    /// The shape of a tensor differs from that in the network.
    Shape {
        /// Name of the layer.
        layer: &'n str,
        /// Name of the tensor in its layer.
        part: &'static str,
        /// Shape in the network: for a dense layer `[units, inputs]`, or `[units]`.
        expected: &'static [usize],
        /// Shape in the file.
        found: Shape,
    },
    /// A tensor has a dtype that cannot be loaded there.
    Dtype {
        /// Name of the layer.
        layer: &'n str,
        /// Name of the tensor in its layer.
        part: &'static str,
        /// Dtypes that can: F32, F64, F16 and BF16, or of a network in int8 I8 or I32.
        expected: &'static [Dtype],
        /// Dtype in the file.
        found: Dtype,
    },
    /// An element of a tensor is NaN or infinite, or becomes so in the network's scalar type; in fixed point,
    /// it is 32 or more in size.
    NotFinite {
        /// Name of the layer.
        layer: &'n str,
        /// Name of the tensor in its layer.
        part: &'static str,
        /// Its index in the tensor, from 0.
        index: usize,
    },
    /// An element of a tensor is none that a network in int8 may have: a scale that is 0, negative or
    /// subnormal, or a weight of -128.
    OutOfRange {
        /// Name of the layer.
        layer: &'n str,
        /// Name of the tensor in its layer.
        part: &'static str,
        /// Its index in the tensor, from 0.
        index: usize,
    },
    /// The inputs of an int8 layer have another scale or zero point than the outputs of the layer before it;
    /// or its outputs, other ones than those of a softmax.
    Quantization {
        /// Name of the layer.
        layer: &'n str,
        /// Whether its outputs have.
        outputs: bool,
    },
    /// The tensors of a custom layer do not match its [`TENSORS`](crate::Layer::TENSORS).
    Undescribed,
}

impl Error for LoadError<'_> {}

impl fmt::Display for LoadError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text().as_str())
    }
}

impl LoadError<'_> {
    /// The message that [`Display`](fmt::Display) writes, as a `const fn`.
    #[must_use]
    pub const fn text(&self) -> Text {
        let mut text = Text::EMPTY;
        self.add_to(&mut text);
        text
    }

    const fn add_to(self, text: &mut Text) -> &mut Text {
        match self {
            Self::File(fault) => fault.add_to(text),
            Self::Names { expected, found } => text
                .add("the number of names is ")
                .number(found)
                .add(", expected ")
                .number(expected)
                .add(", one for each layer with weights"),
            Self::Missing { layer, part, found } => {
                text.tensor(layer, part).add(" is not in the file, which ");
                if found.is_empty() { text.add("is empty") } else { text.add("has ").names(&found) }
            }
            Self::Unexpected { found } => text
                .add("no layer takes these tensors of the file: ")
                .names(&found)
                .add("; to ignore the tensors of a module, name it with two dots after it"),
            Self::Shape { layer, part, expected, found } => text
                .tensor(layer, part)
                .add(" has the shape ")
                .shape(found.rank, found.known())
                .add(" in the file, but the network needs ")
                .shape(expected.len(), expected),
            Self::Dtype { layer, part, expected, found } => {
                text.tensor(layer, part)
                    .add(" has the dtype ")
                    .add(found.name())
                    .add(", expected ");
                let mut dtypes = expected;
                while let [dtype, others @ ..] = dtypes {
                    text.add(dtype.name()).add(match others {
                        [] => "",
                        [_] => " or ",
                        _ => ", ",
                    });
                    dtypes = others;
                }
                text
            }
            Self::NotFinite { layer, part, index } => text
                .tensor(layer, part)
                .add(" has an element that is NaN, infinite or too large, at index ")
                .number(index),
            Self::OutOfRange { layer, part, index } => text
                .tensor(layer, part)
                .add(" has an element that int8 networks do not have, at index ")
                .number(index),
            Self::Quantization { layer, outputs: false } => text
                .add("layer `")
                .add(layer)
                .add("` has inputs of another scale or zero point than the outputs before it"),
            Self::Quantization { layer, outputs: true } => text
                .add("layer `")
                .add(layer)
                .add("` has outputs of another scale or zero point than those of a softmax"),
            Self::Undescribed => text.add(UNDESCRIBED),
        }
    }
}

const UNDESCRIBED: &str = "the tensors of a layer do not match its `TENSORS`";

impl Fault {
    const fn add_to(self, text: &mut Text) -> &mut Text {
        match self {
            Self::TooShort => text.add("not a safetensors file: shorter than 8 bytes"),
            Self::OtherFormat(format) => text.add("not a safetensors file but ").add(format.text()),
            Self::HeaderLength { expected, found } if expected <= found => {
                text.add("not a safetensors file: by its first 8 bytes, its header exceeds 100 MB")
            }
            Self::HeaderLength { expected, found } => text
                .add("not a safetensors file, or cut short: by its first 8 bytes it takes ")
                .number(expected)
                .add(" or more, but has ")
                .number(found),
            Self::Json => text.add("not a safetensors file: the header is not the JSON of one"),
            Self::Offsets => text.add(
                "not a safetensors file: the tensors do not cover the data one after the other",
            ),
            Self::Length { expected, found } => text
                .add(if found < expected {
                    "the file was cut short: it has "
                } else {
                    "the file has bytes after its end: it has "
                })
                .number(found)
                .add(" bytes, expected ")
                .number(expected),
            Self::TooMany { found, most } => text
                .add("the file has ")
                .number(found)
                .add(" tensors out of order, or a name twice, which only ")
                .number(most)
                .add(" may be; save it again with `safetensors`"),
        }
    }
}

/// Error of saving weights. Nothing is then written.
///
/// ```
/// use gradlet::prelude::*;
/// use gradlet::safetensors::{self, SaveError};
///
/// let net = Mlp::<2, 4, 2>::ZERO;
/// let error = safetensors::save(&net, &["0", "2"], &mut [0; 256]).unwrap_err();
/// assert_eq!(error, SaveError::Buffer { needed: 344, found: 256 });
/// assert_eq!(error.to_string(), "the file takes 344 bytes, but the buffer has 256");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SaveError<'n> {
    /// Wrong number of layer names.
    Names {
        /// Layers of the network that have tensors.
        expected: usize,
        /// Names given, without those that end in `..`.
        found: usize,
    },
    /// A parameter of the network is NaN or infinite.
    NotFinite,
    /// Two layers have the same name, or two tensors have the same full name.
    Duplicate {
        /// The name of the first layer.
        layer: &'n str,
    },
    /// The buffer is too small.
    Buffer {
        /// Bytes of the file.
        needed: usize,
        /// Bytes of the buffer.
        found: usize,
    },
    /// The tensors of a custom layer do not match its [`TENSORS`](crate::Layer::TENSORS).
    Undescribed,
}

error_texts! {
    [] SaveError<'_>:
    Self::Names { expected, found } =>
        "the number of names is {found}, expected {expected}, one for each layer with weights",
    Self::NotFinite => "a parameter of the network is NaN or infinite",
    Self::Duplicate { layer } => "two layers have the name `{layer}`",
    Self::Buffer { needed, found } => "the file takes {needed} bytes, but the buffer has {found}",
    Self::Undescribed => "{UNDESCRIBED}",
}

/// Another file format, recognised by the first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Format {
    /// Zip archive: PyTorch's `.pt`, Keras' `.keras`, arrays in `.npz`.
    Zip,
    /// Python pickle: old `.pt` files of PyTorch, scikit-learn models.
    Pickle,
    /// HDF5: Keras' `.h5`.
    Hdf5,
    /// ONNX model.
    Onnx,
    /// TensorFlow Lite model.
    TfLite,
    /// Git LFS pointer in place of the file.
    GitLfs,
    /// HTML page, sent by a server in place of the file.
    Html,
    /// Gzip-compressed file.
    Gzip,
}

impl Format {
    /// The format of a file that is not a safetensors file.
    pub(super) const fn of(file: &[u8]) -> Option<Self> {
        // The header of a safetensors file is mostly shorter than 64 KB, so the third byte is 0.
        match file {
            [b'P', b'K', 3, 4, ..] => Some(Self::Zip),
            [0x80, 2..=5, 1..=0xff, ..] => Some(Self::Pickle),
            [0x89, b'H', b'D', b'F', ..] => Some(Self::Hdf5),
            // The version of the format, then a string or the graph.
            [8, 3..=31, 0x12 | 0x1a | 0x22 | 0x32 | 0x3a | 0x42, ..] => Some(Self::Onnx),
            [_, _, _, _, b'T', b'F', b'L', b'3', ..] => Some(Self::TfLite),
            [b'v', b'e', b'r', b's', b'i', b'o', b'n', b' ', ..] => Some(Self::GitLfs),
            [0x1f, 0x8b, 8, ..] => Some(Self::Gzip),
            _ => match trim(file) {
                [b'<', b'!', b'D' | b'd', b'O' | b'o', ..]
                | [b'<', b'H' | b'h', b'T' | b't', b'M' | b'm', ..]
                | [b'<', b'?', b'x', b'm', ..] => Some(Self::Html),
                _ => None,
            },
        }
    }

    /// What it is, and what to do.
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Zip => {
                "a zip archive (PyTorch .pt, .keras, .npz): save with `safetensors` instead"
            }
            Self::Pickle => "a Python pickle (old PyTorch .pt): save with `safetensors` instead",
            Self::Hdf5 => "HDF5 (Keras .h5): save with `safetensors` instead",
            Self::Onnx => "an ONNX model: save with `safetensors` instead",
            Self::TfLite => "a TensorFlow Lite model: save with `safetensors` before converting",
            Self::GitLfs => "a Git LFS pointer: run `git lfs pull`",
            Self::Html => "an HTML page: download the file itself",
            Self::Gzip => "compressed by gzip: unpack it",
        }
    }
}
