//! Why weights could not be loaded or saved.

use core::error::Error;
use core::fmt;

use super::Dtype;
use super::json::trim;
use super::text::{Names, Text};
use crate::macros::error_texts;

/// The sizes of a tensor in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Shape {
    /// How many sizes there are.
    pub rank: usize,
    /// The first four; 0 where there are fewer.
    pub sizes: [usize; 4],
}

impl Shape {
    /// Those of its sizes that are known: all up to rank 4.
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

/// What is wrong with a file as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Fault {
    /// It has fewer than 8 bytes.
    TooShort,
    /// It is a file of another format.
    OtherFormat(Format),
    /// Its header ends beyond the file, or is longer than 100 MB.
    HeaderLength {
        /// Bytes that the file has at least, by its first 8 bytes.
        expected: usize,
        /// Bytes of the file.
        found: usize,
    },
    /// Its header is not the JSON of a safetensors file.
    Json,
    /// Its tensors leave a gap, overlap, or differ in length from their shapes.
    Offsets,
    /// It was cut short, or has bytes after its end.
    Length {
        /// Bytes that the header and its tensors take.
        expected: usize,
        /// Bytes of the file.
        found: usize,
    },
    /// It has too many tensors that are not in order, or of which two have the same name; see
    /// [`safetensors`](crate::safetensors).
    TooMany {
        /// Tensors in the file.
        found: usize,
        /// Tensors that may be so.
        most: usize,
    },
}

/// Why weights could not be loaded. The network is then as it was.
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
    /// A tensor of the network is not in the file, and is no bias.
    Missing {
        /// Name of the layer.
        layer: &'n str,
        /// Name of the tensor in its layer, `weight` for instance.
        part: &'static str,
        /// Tensors of the file, the most similar names first.
        found: Names,
    },
    /// Tensors of the file belong to no layer of the network, and were not to be ignored.
    Unexpected {
        /// These tensors, in the order of the file.
        found: Names,
    },
    /// A tensor has another shape than the network's.
    Shape {
        /// Name of the layer.
        layer: &'n str,
        /// Name of the tensor in its layer.
        part: &'static str,
        /// What the network needs: units and inputs, or units, for a dense layer.
        expected: &'static [usize],
        /// What the file has.
        found: Shape,
    },
    /// A tensor holds numbers of a type other than F32, F64, F16 and BF16.
    Dtype {
        /// Name of the layer.
        layer: &'n str,
        /// Name of the tensor in its layer.
        part: &'static str,
        /// What the file has.
        found: Dtype,
    },
    /// A tensor has a number that is NaN or infinite, or is so in the type of the network.
    NotFinite {
        /// Name of the layer.
        layer: &'n str,
        /// Name of the tensor in its layer.
        part: &'static str,
        /// Its place in the tensor, from 0 on.
        index: usize,
    },
    /// A layer of your own has other tensors than its [`TENSORS`](crate::Layer::TENSORS) say.
    Undescribed,
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
            Self::Dtype { layer, part, found } => text
                .tensor(layer, part)
                .add(" has numbers of the type ")
                .add(found.name())
                .add(", but a network takes F32, F64, F16 or BF16"),
            Self::NotFinite { layer, part, index } => text
                .tensor(layer, part)
                .add(" has a number that is NaN or infinite, number ")
                .number(index),
            Self::Undescribed => text.add(UNDESCRIBED),
        }
    }
}

const UNDESCRIBED: &str = "a layer has other tensors than its `TENSORS` say";

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

/// Why weights could not be saved. Nothing is then written.
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
    /// Two layers have the same name, or their tensors have with it.
    Duplicate {
        /// The name of the first.
        layer: &'n str,
    },
    /// The buffer is too small.
    Buffer {
        /// Bytes of the file.
        needed: usize,
        /// Bytes of the buffer.
        found: usize,
    },
    /// A layer of your own has other tensors than its [`TENSORS`](crate::Layer::TENSORS) say.
    Undescribed,
}

error_texts! {
    [] SaveError<'_>:
    Self::Names { expected, found } =>
        "the number of names is {found}, expected {expected}, one for each layer with weights",
    Self::NotFinite => "the network has a parameter that is NaN or infinite, and is not saved",
    Self::Duplicate { layer } => "two layers have the name `{layer}`",
    Self::Buffer { needed, found } => "the file takes {needed} bytes, but the buffer has {found}",
    Self::Undescribed => "{UNDESCRIBED}",
}

/// Another format, known by the first bytes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Format {
    /// Zip archive: PyTorch's `.pt`, Keras' `.keras`, arrays in `.npz`.
    Zip,
    /// Python pickle: an old `.pt` of PyTorch, a model of scikit-learn.
    Pickle,
    /// HDF5: Keras' `.h5`.
    Hdf5,
    /// ONNX model.
    Onnx,
    /// TensorFlow Lite model.
    TfLite,
    /// Pointer of Git LFS, in place of the file.
    GitLfs,
    /// HTML page, as a server sends it in place of a file.
    Html,
    /// File compressed by gzip.
    Gzip,
}

impl Format {
    /// The format of a file that is not a safetensors file.
    pub(super) const fn of(file: &[u8]) -> Option<Self> {
        // The header of a safetensors file mostly has less than 64 KB, so that the third byte is 0.
        match file {
            [b'P', b'K', 3, 4, ..] => Some(Self::Zip),
            [0x80, 2..=5, 1..=0xff, ..] => Some(Self::Pickle),
            [0x89, b'H', b'D', b'F', ..] => Some(Self::Hdf5),
            // The version of the format, then a text or the graph.
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
