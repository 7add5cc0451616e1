//! Weights from `safetensors` files, as PyTorch and others write them, and into them.
//!
//! | to | use |
//! |---|---|
//! | read while compiling, into a constant | [`load!`](crate::load), or [`Dense::from_safetensors`](Dense) in a `const` of your own |
//! | read while the program runs | [`Layer::from_safetensors`], [`Layer::load_safetensors`] in place |
//! | look at a file before, or refuse NaN | [`Safetensors`] |
//! | write into a buffer | [`Layer::to_safetensors`], with as many bytes as [`file_size`] says |
//! | write to a port, a card, flash | `Layer::write_safetensors`, with the feature `embedded-io` |
//!
//! A layer called `NAME` has these tensors:
//!
//! | tensor | shape | read | written |
//! |---|---|---|---|
//! | `NAME.weight` | `[units, inputs]` | F32, F64, F16, BF16 | F32 for `f32`, F64 for `f64` |
//! | `NAME.bias` | `[units]` | the same; 0 if it is not there | the same |
//! | others | any | left alone | none |
//!
//! Numbers of another type than the network's are rounded to the nearest. What a layer of your own
//! calls [`Tensor::Other`] is neither read nor written, and so are the layers in
//! [`Frozen`](crate::Frozen). Metadata is left alone, and not written.
//!
//! The format is that of <https://github.com/huggingface/safetensors>, version 0.8. A file is accepted
//! if and only if the Python library accepts it, and what is written has the bytes that it would write.
//!
//! The time that reading takes goes with the length of the header where the tensors follow one another,
//! by name and in the data. In any other order it goes with the square of the number of tensors, so do
//! not take files of thousands of tensors from strangers. Memory does not depend on the file.

mod digits;
mod error;
mod header;
mod json;
mod number;
mod plan;
mod save;
mod shapes;
#[cfg(feature = "embedded-io")]
mod stream;
mod tile;

pub use error::{Fault, LoadError, SaveError, Shape, Text};
use header::{Entries, Entry};
pub(crate) use number::{take_f32, take_f64};
pub use save::file_size;
pub(crate) use save::save;
pub use shapes::WeightShapes;
#[cfg(feature = "embedded-io")]
pub use stream::WriteError;
#[cfg(feature = "embedded-io")]
pub(crate) use stream::write_to;

use crate::activation::Activation;
use crate::layer::{Dense, Layer, Tensor};
use crate::scalar::Scalar;
use crate::scalar::sealed::Sealed;

/// A type of numbers in a file.
macro_rules! dtypes {
    ($($(#[$doc:meta])* $name:ident $text:literal $bits:literal,)+) => {
        /// The type of a tensor's numbers, as the file names it.
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

            /// Bits of a number.
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

/// A `safetensors` file in memory, known to be well-formed.
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
    finite: bool,
}

impl<'a> Safetensors<'a> {
    /// Takes a file.
    ///
    /// # Errors
    ///
    /// [`LoadError::File`] if it is not a safetensors file.
    pub const fn new(file: &'a [u8]) -> Result<Self, LoadError<'static>> {
        match Entries::of(file) {
            Ok((entries, data)) => Ok(Self { entries, data, finite: false }),
            Err(fault) => Err(LoadError::File(fault)),
        }
    }

    /// The same file; weights that are NaN or infinite will be refused.
    #[must_use]
    pub const fn finite(self) -> Self {
        Self { finite: true, ..self }
    }

    /// Puts the weights of the file into a network, in place: what
    /// [`Layer::load_safetensors`] does, for a file that was looked at before.
    ///
    /// ```
    /// use gradlet::prelude::*;
    /// use gradlet::safetensors::Safetensors;
    ///
    /// let file = include_bytes!("../../tests/weights/worked.safetensors");
    /// let mut net = Mlp::<2, 2, 2>::ZERO;
    /// Safetensors::new(file)?.finite().load_into(&mut net, &["0", "2"])?;
    /// assert_eq!(net.first().bias(), &[0.55, 0.56]);
    /// # Ok::<(), gradlet::safetensors::LoadError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`LoadError`] if the file does not fit the network, which is then as it was.
    pub fn load_into<'n, N: Layer>(
        &self,
        net: &mut N,
        names: &[&'n str],
    ) -> Result<(), LoadError<'n>> {
        load(net, self, names)
    }

    /// The bytes and the type of a tensor's numbers, if it is there.
    const fn find<'n>(
        &self,
        layer: &'n str,
        part: &'static str,
        expected: Shape,
    ) -> Result<Option<(&'a [u8], Dtype)>, LoadError<'n>> {
        let Some(Entry { dtype, shape, start, end, .. }) = self.entries.find(layer, ".", part)
        else {
            return Ok(None);
        };
        if !shape.equals(expected) {
            return Err(LoadError::Shape { layer, part, expected, found: shape });
        }
        if !matches!(dtype, Dtype::F32 | Dtype::F64 | Dtype::F16 | Dtype::Bf16) {
            return Err(LoadError::Dtype { layer, part, found: dtype });
        }
        let Some((bytes, _)) = self.data.split_at_checked(end) else { return Ok(None) };
        match bytes.split_at_checked(start) {
            Some((_, bytes)) => Ok(Some((bytes, dtype))),
            None => Ok(None),
        }
    }

    /// As [`find`](Self::find), of a tensor that must be there.
    const fn weights<'n>(
        &self,
        layer: &'n str,
        outputs: usize,
        inputs: usize,
    ) -> Result<(&'a [u8], Dtype), LoadError<'n>> {
        let shape = Shape { rank: 2, sizes: [outputs, inputs] };
        match self.find(layer, "weight", shape) {
            Ok(Some(found)) => Ok(found),
            Ok(None) => Err(LoadError::Missing { layer }),
            Err(error) => Err(error),
        }
    }

    const fn bias<'n>(
        &self,
        layer: &'n str,
        outputs: usize,
    ) -> Result<Option<(&'a [u8], Dtype)>, LoadError<'n>> {
        self.find(layer, "bias", Shape { rank: 1, sizes: [outputs, 0] })
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Safetensors<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Safetensors {{ {} bytes of data, .. }}", self.data.len());
    }
}

impl Shape {
    const fn equals(self, other: Self) -> bool {
        let ([a, b], [c, d]) = (self.sizes, other.sizes);
        self.rank == other.rank && a == c && b == d
    }
}

macro_rules! dense {
    ($float:ident, $take:ident) => {
        impl<const IN: usize, const OUT: usize, A: Activation> Dense<IN, OUT, A, $float> {
            /// The layer of that name in a file; also in constants.
            ///
            /// # Errors
            ///
            /// [`LoadError`] if a tensor is missing, or has another shape or type of numbers.
            #[allow(
                clippy::indexing_slicing,
                clippy::arithmetic_side_effects,
                reason = "a const fn has no iterators; the bounds are in the type"
            )]
            #[allow(
                clippy::eq_op,
                clippy::float_cmp,
                reason = "`is_finite` is some calls, of which the compiler makes only so many for one \
                          constant; the difference is 0, or NaN for what is not finite"
            )]
            pub const fn from_safetensors<'n>(
                file: &Safetensors<'_>,
                layer: &'n str,
            ) -> Result<Self, LoadError<'n>> {
                let (mut weights, mut bias) = ([[0.0; OUT]; IN], [0.0; OUT]);
                let (mut bytes, dtype) = match file.weights(layer, OUT, IN) {
                    Ok(found) => found,
                    Err(error) => return Err(error),
                };
                let mut o = 0;
                while o < OUT {
                    let mut i = 0;
                    while i < IN {
                        let (number, rest) = $take(dtype, bytes);
                        if file.finite && number - number != 0.0 {
                            let index = o * IN + i;
                            return Err(LoadError::NotFinite { layer, part: "weight", index });
                        }
                        weights[i][o] = number;
                        bytes = rest;
                        i += 1;
                    }
                    o += 1;
                }
                let (mut bytes, dtype) = match file.bias(layer, OUT) {
                    Ok(Some(found)) => found,
                    Ok(None) => return Ok(Self::new(weights, bias)),
                    Err(error) => return Err(error),
                };
                let mut o = 0;
                while o < OUT {
                    let (number, rest) = $take(dtype, bytes);
                    if file.finite && number - number != 0.0 {
                        return Err(LoadError::NotFinite { layer, part: "bias", index: o });
                    }
                    bias[o] = number;
                    bytes = rest;
                    o += 1;
                }
                Ok(Self::new(weights, bias))
            }
        }
    };
}
dense!(f32, take_f32);
dense!(f64, take_f64);

/// What [`load!`](crate::load) calls: up to Rust 1.88, the sizes in `Dense::<_, _, _, f32>` cannot
/// be left to the compiler.
#[doc(hidden)]
pub mod __load {
    use super::{Activation, Dense, LoadError, Safetensors};

    // The compiler shows the name of one of these where the type of the network is another.

    pub const fn f32_network_with_one_name_for_each_layer<N>(network: N) -> N {
        network
    }

    pub const fn f64_network_with_one_name_for_each_layer<N>(network: N) -> N {
        network
    }

    pub const fn f32<'n, const IN: usize, const OUT: usize, A: Activation>(
        file: &Safetensors<'_>,
        layer: &'n str,
    ) -> Result<Dense<IN, OUT, A, f32>, LoadError<'n>> {
        Dense::<IN, OUT, A, f32>::from_safetensors(file, layer)
    }

    pub const fn f64<'n, const IN: usize, const OUT: usize, A: Activation>(
        file: &Safetensors<'_>,
        layer: &'n str,
    ) -> Result<Dense<IN, OUT, A, f64>, LoadError<'n>> {
        Dense::<IN, OUT, A, f64>::from_safetensors(file, layer)
    }
}

/// Goes through a file as one goes through a network, tensor by tensor.
struct Loader<'f, 'n, 'l> {
    file: &'f Safetensors<'f>,
    names: &'l [&'n str],
    /// Layers that had weights.
    layers: usize,
}

/// Layer and part, with its numbers and their type.
type Found<'n, 's> = (&'n str, &'static str, &'s [u8], Dtype);

impl<'n> Loader<'_, 'n, '_> {
    /// The numbers of the next tensor of the network, and which they are.
    fn next<'s>(
        &'s mut self,
        tensor: Tensor,
        length: usize,
    ) -> Result<Option<Found<'n, 's>>, LoadError<'n>> {
        match tensor {
            Tensor::Weights { inputs, outputs } => {
                let layer = self.names.get(self.layers).copied();
                self.layers = self.layers.saturating_add(1);
                // Too few names are told of at the end, when it is known how many are wanted.
                let Some(layer) = layer else { return Ok(None) };
                let (bytes, dtype) = self.file.weights(layer, outputs, inputs)?;
                Ok(Some((layer, "weight", bytes, dtype)))
            }
            Tensor::Bias => {
                let Some(layer) = self.layers.checked_sub(1).and_then(|at| self.names.get(at))
                else {
                    return Ok(None);
                };
                let (bytes, dtype) = self.file.bias(layer, length)?.unwrap_or((&[], Dtype::F32));
                Ok(Some((layer, "bias", bytes, dtype)))
            }
            Tensor::Other => Ok(None),
        }
    }
}

/// [`Safetensors::load_into`].
fn load<'n, N: Layer>(
    net: &mut N,
    file: &Safetensors<'_>,
    names: &[&'n str],
) -> Result<(), LoadError<'n>> {
    check(net, file, names)?;
    let mut loader = Loader { file, names, layers: 0 };
    N::tensors([], [net], [], &mut |tensor, [], [parameters], []| {
        let Ok(Some((_, _, mut bytes, dtype))) = loader.next(tensor, parameters.len()) else {
            return;
        };
        let (inputs, outputs) = match tensor {
            Tensor::Weights { inputs, outputs } => (inputs, outputs),
            _ => (1, parameters.len()),
        };
        // In the file a row for each unit, here a column.
        for unit in 0..outputs {
            for parameter in parameters.iter_mut().skip(unit).step_by(outputs.max(1)).take(inputs) {
                let (number, rest) = N::Scalar::take(dtype, bytes);
                *parameter = number;
                bytes = rest;
            }
        }
    });
    Ok(())
}

/// Whether [`load`] will succeed.
fn check<'n, N: Layer>(
    net: &N,
    file: &Safetensors<'_>,
    names: &[&'n str],
) -> Result<(), LoadError<'n>> {
    let mut loader = Loader { file, names, layers: 0 };
    let mut result = Ok(());
    net.parameters([], &mut |tensor, parameters, []| {
        if result.is_ok() {
            result = match loader.next(tensor, parameters.len()) {
                Ok(Some((layer, part, bytes, dtype))) if file.finite => {
                    match first_not_finite::<N::Scalar>(bytes, dtype) {
                        Some(index) => Err(LoadError::NotFinite { layer, part, index }),
                        None => Ok(()),
                    }
                }
                Ok(_) => Ok(()),
                Err(error) => Err(error),
            };
        } else if let Tensor::Weights { .. } = tensor {
            loader.layers = loader.layers.saturating_add(1);
        }
    });
    if loader.layers != names.len() {
        return Err(LoadError::Names { expected: loader.layers, found: names.len() });
    }
    result
}

/// Place of the first number that is not finite.
fn first_not_finite<T: Scalar>(mut bytes: &[u8], dtype: Dtype) -> Option<usize> {
    let mut index = 0_usize;
    while !bytes.is_empty() {
        let (number, rest) = T::take(dtype, bytes);
        if !number.is_finite() {
            return Some(index);
        }
        bytes = rest;
        index = index.saturating_add(1);
    }
    None
}

/// A network with the weights of a `safetensors` file, in a constant: the compiler reads the file, and
/// a wrong one does not compile.
///
/// `load![FILE; NAME, NAME, ..]` takes the bytes of a file and the name of each layer, as PyTorch's
/// `state_dict` has them in front of `.weight`: `"0"`, `"encoder.0"`. The sizes and activations are
/// those of the type. Weights that are NaN or infinite are refused. For `f64` it is
/// `load![f64; FILE; ..]`. The file itself does not become part of the program.
///
/// 100,000 weights take the compiler two or three seconds; from about 500,000 on it asks for
/// `#[allow(long_running_const_eval)]` on the constant.
///
/// ```
/// use gradlet::prelude::*;
///
/// static NET: Mlp<2, 2, 2> =
///     gradlet::load![include_bytes!("../../tests/weights/worked.safetensors"); "0", "2"];
/// assert_eq!(NET.first().bias(), &[0.55, 0.56]);
/// ```
///
/// is, but for the text of the errors,
///
/// ```text
/// static NET: Mlp<2, 2, 2> = const {
///     let file = Safetensors::new(include_bytes!("..")).unwrap().finite();
///     Chain::new(
///         Dense::<2, 2, Sigmoid, f32>::from_safetensors(&file, "0").unwrap(),
///         Dense::<2, 2, Sigmoid, f32>::from_safetensors(&file, "2").unwrap(),
///     )
/// };
/// ```
#[macro_export]
macro_rules! load {
    (f64; $file:expr; $($name:expr),+ $(,)?) => {
        $crate::__load!(f64 f64_network_with_one_name_for_each_layer; $file; $($name),+)
    };
    ($file:expr; $($name:expr),+ $(,)?) => {
        $crate::__load!(f32 f32_network_with_one_name_for_each_layer; $file; $($name),+)
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __load {
    ($float:ident $check:ident; $file:expr; $($name:expr),+) => {
        const {
            // Not a constant, which would come before one of that name in the arguments.
            let file = match $crate::safetensors::Safetensors::new($file) {
                Ok(file) => file.finite(),
                Err(error) => ::core::panic!("{}", error.text().as_str()),
            };
            let network = $crate::__load!(@ $float file $($name),+);
            $crate::safetensors::__load::$check(network)
        }
    };
    (@ $float:ident $file:ident $name:expr) => {
        match $crate::safetensors::__load::$float(&$file, $name) {
            Ok(layer) => layer,
            Err(error) => ::core::panic!("{}", error.text().as_str()),
        }
    };
    (@ $float:ident $file:ident $name:expr, $($names:expr),+) => {
        $crate::Chain::new(
            $crate::__load!(@ $float $file $name),
            $crate::__load!(@ $float $file $($names),+),
        )
    };
}
