//! Loading and saving of weights in `safetensors` files, the format of PyTorch models and others.
//!
//! | to | use |
//! |---|---|
//! | load at compile time, into a constant | [`load!`](crate::load); for custom layers [`Load`] |
//! | load at run time | [`from_bytes`], [`load`] in place |
//! | list the tensors of a file | [`Safetensors::tensors`] |
//! | load and write a network in int8 | the same, and [what it has of its own](#networks-in-int8) |
//! | write to a buffer | [`save`], with the number of bytes that [`file_size`] returns |
//! | write to a serial port, SD card or flash | `write`, with the feature `embedded-io-v0.7` |
//!
//! Each layer has the tensors that [`Layer::TENSORS`] lists, named by the layer's name, a dot and
//! their own. A dense layer called `NAME` has these:
//!
//! | tensor | shape | read | written |
//! |---|---|---|---|
//! | `NAME.weight` | `[units, inputs]` | F32, F64, F16, BF16 | F32 for `f32`, F64 for `f64` and [`Fixed`](crate::Fixed) |
//! | `NAME.bias` | `[units]` | the same; 0 if missing | the same |
//!
//! A [`Conv1d`](crate::Conv1d) has `NAME.weight` of the shape `[outputs, group, kernel]`, a
//! [`Conv2d`](crate::Conv2d) `[outputs, group, height, width]`, both with a bias. A
//! recurrent layer, as [`Gru`](crate::Gru), has `NAME.weight_ih_l0`, `NAME.weight_hh_l0`,
//! `NAME.bias_ih_l0` and `NAME.bias_hh_l0`, as PyTorch's first layer. An
//! [`Embedding`](crate::Embedding) has `NAME.weight` of the shape `[indices, numbers]`, a
//! [`PRelu`](crate::PRelu) of `[slopes]`. A
//! [`Scaling`](crate::preprocess::Scaling) has `NAME.offset` and `NAME.scale`, of the shape
//! `[features]`. PyTorch's `NAME.num_batches_tracked` beside a `NAME.running_mean` is ignored. A
//! custom layer may have any number of tensors, of any [`Kind`] and shape; those of
//! more than four dimensions are written, but not read. Elements of another dtype are rounded to
//! the nearest value of the network's number format. NaN and infinity are neither read nor written, nor in fixed
//! point a number of 32 or more in size.
//! Layers in [`Frozen`](crate::Frozen) are left out, except by [`load!`](crate::load): a constant
//! has no earlier weights that they could keep. Metadata is ignored, and not written.
//!
//! For a network of two layers on a Cortex-M4F at opt-level `s`, [`load`] takes 14 KB of flash and
//! 2 KB of stack, [`save`] 6 KB and 1 KB, and [`load!`](crate::load) nothing but the weights
//! (measured by `parts` of `examples/firmware`).
//!
//! # Networks in int8
//!
//! A [`Quantized`](crate::Quantized) network is loaded by [`load!`](crate::load) or
//! [`Quantized::from_safetensors`](crate::Quantized::from_safetensors), and written by
//! [`Quantized::save`](crate::Quantized::save): with the same names, as it has no tensors to train, by
//! functions of its own. A layer called `NAME` has these tensors, with the names of PyTorch's
//! `compressed-tensors`; an int8 number `q` of scale `s` and zero point `z` stands for `s (q - z)`:
//!
//! | tensor | dtype | shape | |
//! |---|---|---|---|
//! | `NAME.weight` | I8 | as in `f32` | -127 to 127, with a zero point of 0 |
//! | `NAME.bias` | I32 | `[units]` | in units of the input's scale times the weights'; 0 if missing |
//! | `NAME.weight_scale` | F32 | `[units]` | the same for all units if the layer has one |
//! | `NAME.input_scale`, `NAME.input_zero_point` | F32, I8 | `[1]` | |
//! | `NAME.output_scale`, `NAME.output_zero_point` | F32, I8 | `[1]` | of the outputs: those of the next layer's input |
//! | `NAME.logits_scale`, `NAME.logits_zero_point` | F32, I8 | `[1]` | of what a table or softmax turns into outputs |
//! | `NAME.table` | I8 | `[256]` | the outputs for logits of -128 to 127, but with `Identity`, `Relu`, `Relu6`, `Softmax` |
//!
//! # Names that end otherwise
//!
//! In a layer's name with a `*`, the name of the tensor takes the place of the `*`, without the `_l0` of
//! recurrent layers: so PyTorch numbers stacked layers, and tells the two directions apart.
//!
//! | name | tensors of a recurrent layer |
//! |---|---|
//! | `"gru"` | `gru.weight_ih_l0`, `gru.weight_hh_l0`, .. |
//! | `"gru.*_l1"` | `gru.weight_ih_l1`, `gru.weight_hh_l1`, .. |
//! | `"gru.*_l0_reverse"` | `gru.weight_ih_l0_reverse`, `gru.weight_hh_l0_reverse`, .. |
//!
//! # Tensors of no layer
//!
//! A file must not have any other tensors: with a normalisation between two layers, an additional
//! layer, or a bias of another name it would be a different network. To load a part of a file, name
//! what to ignore, followed by two dots:
//!
//! | name | ignores |
//! |---|---|
//! | `"head.."` | `head`, and all tensors whose names begin with `head.` |
//! | `".."` | all tensors that no layer takes |
//!
//! Such a name may appear anywhere among those of the layers; it has no effect when a file is
//! written. [`Safetensors::tensors`] lists the tensors of a file.
//!
//! ```standalone_crate
//! use gradlet::prelude::*;
//! use gradlet::safetensors::{self, LoadError};
//!
//! let file = include_bytes!("../../tests/weights/worked.safetensors"); // layers 0 and 2
//! let error = safetensors::from_bytes::<Dense<2, 2>>(file, &["0"]).unwrap_err();
//! assert!(matches!(error, LoadError::Unexpected { found } if found.as_str() == "2.bias, 2.weight"));
//! let first = safetensors::from_bytes::<Dense<2, 2>>(file, &["0", "2.."])?;
//! # Ok::<(), LoadError>(())
//! ```
//!
//! # Format
//!
//! The format is that of <https://github.com/huggingface/safetensors>, version 0.8. A file is
//! accepted if and only if the Python library accepts it, except for the limits below; files are
//! written byte for byte as it would write them.
//!
//! # Time and limits
//!
//! Parsing is linear in the length of the header if the tensors are sorted, by name and by the
//! offset of their data. In any other order, as with mixed dtypes, a file may have 1,024 tensors,
//! and 64 if a name occurs twice; otherwise the error is [`Fault::TooMany`]. Memory use does not
//! depend on the file.
//!
//! So a hostile file costs a bounded number of instructions per byte of its header, on x86-64 about
//! 160 if sorted and at most 2,500 otherwise:
//!
//! ```text
//! cargo test --release --test safetensors_cost -- --nocapture
//! ```
//!
//! After that, each tensor of the network costs four passes over the header, at about 35
//! instructions per byte.

mod compile_time;
mod constants;
mod error;
mod header;
mod int8;
mod json;
mod layers;
mod load;
mod names;
mod number;
mod plan;
mod save;
#[cfg(feature = "embedded-io-v0.7")]
mod stream;
mod text;
mod tile;

pub use compile_time::{__load, After, File, Load, Loaded, Reader};
pub use error::{Fault, Format, LoadError, SaveError, Shape};
use header::{Entries, Entry};
pub use int8::{LoadInt8, ReadInt8};
pub use load::{from_bytes, load};
pub use number::FileFormat;
pub use save::{file_size, save};
#[cfg(feature = "embedded-io-v0.7")]
pub use stream::{WriteError, write};
pub use text::{Names, Text};

use core::fmt;

use json::Quoted;
use names::{FullName, pieces};

use crate::layer::Layer;
use crate::macros::defmt_shows;
use crate::tensors::{Kind, Tensor};

/// A number of bits, an offset or half of a hash: an address, or more where addresses have 16 bits.
#[cfg(not(target_pointer_width = "16"))]
type Wide = usize;
#[cfg(target_pointer_width = "16")]
type Wide = u32;

/// Defines [`Dtype`].
macro_rules! dtypes {
    ($($(#[$doc:meta])* $name:ident $text:literal $bits:literal,)+) => {
        /// Element type of a tensor in a file.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        #[non_exhaustive]
        #[allow(missing_docs, reason = "the names are those of the format")]
        pub enum Dtype {
            $($name,)+
        }

        impl Dtype {
            const ALL: [Self; [$($bits),+].len()] = [$(Self::$name),+];

            /// Its name in a file.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }

            /// Those of floats that are read.
            const FLOATS: &'static [Self] = &[Self::F32, Self::F64, Self::F16, Self::Bf16];

            const fn is_one_of(self, mut dtypes: &[Self]) -> bool {
                while let [dtype, others @ ..] = dtypes {
                    if *dtype as u8 == self as u8 {
                        return true;
                    }
                    dtypes = others;
                }
                false
            }

            /// Bits of an element.
            const fn bits(self) -> usize {
                match self {
                    $(Self::$name => $bits,)+
                }
            }
        }
    };
}

dtypes! {
    F32 "F32" 32,
    F64 "F64" 64,
    F16 "F16" 16,
    Bf16 "BF16" 16,
    Bool "BOOL" 8,
    U8 "U8" 8,
    I8 "I8" 8,
    U16 "U16" 16,
    I16 "I16" 16,
    U32 "U32" 32,
    I32 "I32" 32,
    U64 "U64" 64,
    I64 "I64" 64,
    C64 "C64" 64,
    F8E4M3 "F8_E4M3" 8,
    F8E5M2 "F8_E5M2" 8,
    F8E8M0 "F8_E8M0" 8,
    F8E4M3Fnuz "F8_E4M3FNUZ" 8,
    F8E5M2Fnuz "F8_E5M2FNUZ" 8,
    F6E2M3 "F6_E2M3" 6,
    F6E3M2 "F6_E3M2" 6,
    F4 "F4" 4,
}

/// A `safetensors` file in memory, validated.
///
/// ```
/// use gradlet::safetensors::Safetensors;
///
/// let file = b"\x3f\0\0\0\0\0\0\0{\"0.weight\":{\"dtype\":\"F16\",\"shape\":[1,2],\"data_offsets\":[0,4]}}\0\x3c\0\x40";
/// let file = Safetensors::new(file)?;
/// let layer = gradlet::Dense::<2, 1>::from_safetensors(&file, "0")?;
/// assert_eq!(layer.rows(), [[1.0, 2.0]]);
/// # Ok::<(), gradlet::safetensors::LoadError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Safetensors<'a> {
    entries: Entries<'a>,
    data: &'a [u8],
}

impl<'a> Safetensors<'a> {
    /// Parses and validates a file.
    ///
    /// # Errors
    ///
    /// [`LoadError::File`] if it is not a safetensors file.
    pub const fn new(file: &'a [u8]) -> Result<Self, LoadError<'static>> {
        match Entries::of(file) {
            Ok((entries, data)) => Ok(Self { entries, data }),
            Err(fault) => Err(LoadError::File(fault)),
        }
    }

    /// The tensors of the file, in header order. Of several with the same name the last counts.
    ///
    /// ```standalone_crate
    /// use gradlet::safetensors::Safetensors;
    ///
    /// let file = include_bytes!("../../tests/weights/worked.safetensors");
    /// let list: Vec<String> =
    ///     Safetensors::new(file)?.tensors().map(|tensor| tensor.to_string()).collect();
    /// assert_eq!(list, ["0.bias F32 [2]", "0.weight F32 [2, 2]", "2.bias F32 [2]", "2.weight F32 [2, 2]"]);
    /// # Ok::<(), gradlet::safetensors::LoadError>(())
    /// ```
    pub fn tensors(&self) -> impl Iterator<Item = TensorInfo<'a>> + Clone + use<'a> {
        let mut rest = self.entries;
        core::iter::from_fn(move || {
            let Entry { name, dtype, shape, .. } = rest.next_entry()?;
            Some(TensorInfo { name: TensorName(name), dtype, shape })
        })
    }

    /// Checks that each tensor belongs to a layer of the network with these layer names, or is
    /// ignored by a name that ends in `..`: the check of [`load!`](crate::load), for layers that
    /// are loaded one by one.
    ///
    /// ```standalone_crate
    /// use gradlet::{prelude::*, safetensors::Safetensors};
    ///
    /// let file = Safetensors::new(include_bytes!("../../tests/weights/worked.safetensors"))?;
    /// assert!(file.expect_only::<Mlp<2, 2, 2>>(&["0", "2"]).is_ok());
    /// assert!(file.expect_only::<Dense<2, 2>>(&["0"]).is_err());
    /// assert!(file.expect_only::<Dense<2, 2>>(&["0", ".."]).is_ok());
    /// # Ok::<(), gradlet::safetensors::LoadError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`LoadError::Unexpected`] if there are other tensors.
    pub const fn expect_only<N: Layer>(&self, names: &[&str]) -> Result<(), LoadError<'static>> {
        let found = names::unexpected(self.entries, N::TENSORS, names);
        if found.is_empty() { Ok(()) } else { Err(LoadError::Unexpected { found }) }
    }

    /// Loads the weights of the file into a network, in place: [`load`] for a file that is already
    /// parsed.
    ///
    /// ```standalone_crate
    /// use gradlet::prelude::*;
    /// use gradlet::safetensors::Safetensors;
    ///
    /// let file = include_bytes!("../../tests/weights/worked.safetensors");
    /// let mut net = Mlp::<2, 2, 2>::ZERO;
    /// Safetensors::new(file)?.load_into(&mut net, &["0", "2"])?;
    /// assert_eq!(net.first().bias(), &[0.55, 0.56]);
    /// # Ok::<(), gradlet::safetensors::LoadError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`LoadError`] if the file does not fit the network, which is then unchanged.
    pub fn load_into<'n, N: Layer<Format: FileFormat>>(
        &self,
        net: &mut N,
        names: &[&'n str],
    ) -> Result<(), LoadError<'n>> {
        load::load_checked(net, self, names)
    }

    /// The bytes and the dtype of a tensor of one of these dtypes; no bytes, which read as zeros, for a
    /// missing bias.
    const fn find<'n>(
        &self,
        layer: &'n str,
        tensor: Tensor,
        dtypes: &'static [Dtype],
    ) -> Result<(&'a [u8], Dtype), LoadError<'n>> {
        let (part, expected) = (tensor.name, tensor.shape);
        let Some(Entry { dtype, shape, start, end, .. }) = self.entries.find(pieces(layer, part))
        else {
            if matches!(tensor.kind, Kind::Bias) {
                return Ok((&[], Dtype::F32));
            }
            let found = names::nearest(self.entries, FullName::of(layer, part));
            return Err(LoadError::Missing { layer, part, found });
        };
        if !shape.is(expected) {
            return Err(LoadError::Shape { layer, part, expected, found: shape });
        }
        if !dtype.is_one_of(dtypes) {
            return Err(LoadError::Dtype { layer, part, expected: dtypes, found: dtype });
        }
        let Some((bytes, _)) = self.data.split_at_checked(end) else { return Ok((&[], dtype)) };
        let Some((_, bytes)) = bytes.split_at_checked(start) else { return Ok((&[], dtype)) };
        Ok((bytes, dtype))
    }
}

/// Whether a network's tensors match its `TENSORS`.
fn is_described<N: Layer>(net: &N) -> bool {
    let (mut place, mut fits) = (0_usize, const { N::TENSORS.are_ordered() });
    N::walk([net], [], [], [], &mut |_, [values], [], [], []| {
        let is_next = N::TENSORS.get(place).is_some_and(|tensor| tensor.len() == values.len());
        fits = fits && is_next;
        place = place.wrapping_add(1);
    });
    fits && place == N::TENSORS.len()
}

/// Name, dtype and shape of a tensor in a file. It prints as `0.weight F32 [4, 2]`.
///
/// ```standalone_crate
/// use gradlet::safetensors::{Dtype, Safetensors};
///
/// let file = include_bytes!("../../tests/weights/mixed.safetensors");
/// let file = Safetensors::new(file)?;
/// let halves = file.tensors().filter(|tensor| tensor.dtype == Dtype::F16);
/// let first = file.tensors().find(|tensor| tensor.name == "0.weight").unwrap();
/// assert_eq!((first.shape.rank, first.shape.sizes), (2, [2, 2, 0, 0]));
/// # assert_eq!(halves.count(), 2);
/// # Ok::<(), gradlet::safetensors::LoadError>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct TensorInfo<'a> {
    /// Its name.
    pub name: TensorName<'a>,
    /// Element type.
    pub dtype: Dtype,
    /// Its shape.
    pub shape: Shape,
}

impl fmt::Display for TensorInfo<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.name, self.dtype.name(), self.shape)
    }
}

/// The name of a tensor in a file. It can be printed, and compared with a string.
///
/// ```standalone_crate
/// use gradlet::safetensors::Safetensors;
///
/// let file = Safetensors::new(include_bytes!("../../tests/weights/worked.safetensors"))?;
/// let name = file.tensors().next().unwrap().name;
/// assert!(name == "0.bias" && name.to_string() == "0.bias");
/// # Ok::<(), gradlet::safetensors::LoadError>(())
/// ```
#[derive(Clone, Copy)]
pub struct TensorName<'a>(Quoted<'a>);

impl PartialEq<str> for TensorName<'_> {
    fn eq(&self, other: &str) -> bool {
        self.0.is(other)
    }
}

impl PartialEq<&str> for TensorName<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.0.is(other)
    }
}

impl fmt::Display for TensorName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut name, mut bytes, mut length) = (self.0, [0; 4], 0_usize);
        while let Ok(Some(byte)) = name.next() {
            if let Some(place) = bytes.get_mut(length) {
                *place = byte;
            }
            length = length.saturating_add(1);
            if let Some(Ok(character)) = bytes.get(..length).map(core::str::from_utf8) {
                f.write_str(character)?;
                length = 0;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for TensorName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{self}`")
    }
}

defmt_shows!([] TensorName<'_>: |name, f| {
    let mut names = Names::NONE;
    names.add(name.0);
    names.format(f)
});

defmt_shows!(
    [] Safetensors<'_>:
    |file, f| defmt::write!(f, "Safetensors {{ {} bytes of data, .. }}", file.data.len())
);
