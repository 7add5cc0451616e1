//! Other formats that files of weights are taken for safetensors in.

use super::json::trim;

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
