//! Files of networks in int8.

mod tensors;

use core::marker::PhantomData;
use core::mem::ManuallyDrop;

use tensors::{ALWAYS, Ends, INPUT, LOGITS, OUTPUT, Of, same};

use super::compile_time::{File, Load, Loaded, after, first_name};
use super::json::attempt;
use super::names::{count_layers, unexpected};
use super::plan::Dtypes;
use super::save::{Source, save_source, size_of_file};
use super::{LoadError, Safetensors, SaveError};
use crate::layer::{Conv1d, Conv2d, Dense, layers_without_parameters};
use crate::quantized::{
    Finish, Int8, Int8Activation, Int8Layer, Quantize, Quantized, Rounding, Sequence, Softmax8,
    Table, Weighted,
};
use crate::tensors::TensorList;

/// Those of layers and of the layers behind them, the first of which has this name. Layers without weights
/// have none of their own.
const fn join<'n>(
    before: Option<Ends>,
    behind: Option<Ends>,
    layer: &'n str,
) -> Result<Option<Ends>, LoadError<'n>> {
    match (before, behind) {
        (Some((input, hidden)), Some((also_hidden, output))) => {
            if same(hidden, also_hidden) {
                Ok(Some((input, output)))
            } else {
                Err(LoadError::Quantization { layer, outputs: false })
            }
        }
        (ends, None) | (None, ends) => Ok(ends),
    }
}

/// An int8 layer that [`Quantized::from_safetensors`] loads: all those of this crate.
///
/// ```
/// fn loads<L: gradlet::safetensors::ReadInt8>() {}
/// loads::<gradlet::quantized::Int8<gradlet::Dense<2, 4>>>();
/// ```
pub trait ReadInt8: Int8Layer + Sized {
    /// Its tensors.
    #[doc(hidden)]
    const INT8: TensorList;

    /// The layer of the next names, and the quantisations of its input and output.
    #[doc(hidden)]
    fn read<'n>(
        file: &Safetensors<'_>,
        names: &mut &[&'n str],
    ) -> Result<(Self, Option<Ends>), LoadError<'n>>;

    /// Passes the elements of the tensor at an index to `put`.
    #[doc(hidden)]
    fn put<E>(&self, place: usize, put: &mut impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E>;
}

/// An int8 layer that [`load!`](crate::load) loads from the file `F`: all those of this crate.
///
/// ```
/// use gradlet::safetensors::{File, LoadInt8};
///
/// fn loads<F: File, L: LoadInt8<F>>() {}
/// ```
pub trait LoadInt8<F: File>: ReadInt8 {
    /// The layer of the first names, and the quantisations of its input and output.
    #[doc(hidden)]
    const LOADED: Result<(ManuallyDrop<Self>, Option<Ends>), LoadError<'static>>;
}

/// What follows the sums of a layer, from a file at run time.
pub trait ReadFinish: Finish {
    /// Number of its tensors.
    const TENSORS: usize;
    fn read<'n>(file: &Safetensors<'_>, layer: &'n str) -> Result<Self, LoadError<'n>>;
}

/// The same at compile time.
pub trait LoadFinish<F: File>: ReadFinish {
    const LOADED: Result<Self, LoadError<'static>>;
}

macro_rules! finish {
    ($($Finish:ty, $tensors:literal, |$file:ident, $layer:ident| $read:expr;)+) => { $(
        impl ReadFinish for $Finish {
            const TENSORS: usize = $tensors;
            fn read<'n>($file: &Safetensors<'_>, $layer: &'n str) -> Result<Self, LoadError<'n>> {
                $read
            }
        }

        impl<F: File> LoadFinish<F> for $Finish {
            const LOADED: Result<Self, LoadError<'static>> = match F::PARSED {
                Ok($file) => {
                    let $layer = first_name(F::NAMES);
                    $read
                }
                Err(error) => Err(error),
            };
        }
    )+ };
}
finish! {
    (), 0, |_file, _layer| Ok(());
    Softmax8, 2, |file, layer| file.softmax(layer);
    Table, 3, |file, layer| file.table(layer);
}

/// Implements the two traits for layers with weights. `$from` makes it from `$rows`, the weights of a file.
macro_rules! with_weights {
    ([$($generics:tt)*] $Layer:ty, $from:ident($weights:pat => $rows:ident)) => {
        impl<$($generics)*, A: Int8Activation<Finish: ReadFinish>, R: Rounding> Int8<$Layer, R> {
            /// The layer of this name.
            const fn from_file<'n>(
                file: &Safetensors<'_>,
                layer: &'n str,
                finish: A::Finish,
            ) -> Result<Self, LoadError<'n>> {
                let $weights = attempt!(file.int8(layer, Of::<$Layer>::WEIGHT));
                let bias = attempt!(file.int32(layer, Of::<$Layer>::BIAS));
                let scales = attempt!(file.scales(layer, Of::<$Layer>::WEIGHT_SCALE));
                let input = attempt!(file.quantization(layer, INPUT));
                let logits = if <A::Finish as ReadFinish>::TENSORS == 0 { OUTPUT } else { LOGITS };
                let logits = attempt!(file.quantization(layer, logits));
                match Self::$from(&$rows, &bias, &scales, input, logits, finish) {
                    Some(layer) => Ok(layer),
                    None => Err(LoadError::Undescribed),
                }
            }
        }

        impl<$($generics)*, A: Int8Activation<Finish: ReadFinish>, R: Rounding> ReadInt8
            for Int8<$Layer, R>
        {
            const INT8: TensorList = TensorList::of(
                match Of::<$Layer>::ALL.split_at_checked(ALWAYS.wrapping_add(A::Finish::TENSORS)) {
                    Some((tensors, _)) => tensors,
                    None => &[],
                },
            );

            #[inline]
            fn read<'n>(
                file: &Safetensors<'_>,
                names: &mut &[&'n str],
            ) -> Result<(Self, Option<Ends>), LoadError<'n>> {
                let layer = first_name(names);
                *names = after(names, 1);
                let finish = A::Finish::read(file, layer)?;
                Ok((Self::from_file(file, layer, finish)?, Some(file.ends(layer)?)))
            }

            #[inline]
            fn put<E>(
                &self,
                place: usize,
                put: &mut impl FnMut(&[u8]) -> Result<(), E>,
            ) -> Result<(), E> {
                put_layer(self, place, put)
            }
        }

        impl<F: File, $($generics)*, A: Int8Activation<Finish: LoadFinish<F>>, R: Rounding> LoadInt8<F>
            for Int8<$Layer, R>
        {
            const LOADED: Result<(ManuallyDrop<Self>, Option<Ends>), LoadError<'static>> =
                match (F::PARSED, A::Finish::LOADED) {
                    (Ok(file), Ok(finish)) => {
                        let name = first_name(F::NAMES);
                        match (Self::from_file(&file, name, finish), file.ends(name)) {
                            (Ok(layer), Ok(ends)) => Ok((ManuallyDrop::new(layer), Some(ends))),
                            (Err(error), _) | (_, Err(error)) => Err(error),
                        }
                    }
                    (Err(error), _) | (_, Err(error)) => Err(error),
                };
        }
    };
}
with_weights! {
    [const IN: usize, const OUT: usize] Dense<IN, OUT, A>, from_rows([[rows]] => rows)
}
with_weights! {
    [
        const L: usize, const C: usize, const OUT: usize, const K: usize, const M: usize,
        const STEP: usize, const PADDING: usize, const DILATION: usize, const GROUP: usize
    ]
    Conv1d<L, C, OUT, K, M, A, f32, STEP, PADDING, DILATION, GROUP>,
    from_filters([filters] => filters)
}
with_weights! {
    [
        const H: usize, const W: usize, const C: usize, const OUT: usize, const KH: usize,
        const KW: usize, const MH: usize, const MW: usize, const SH: usize, const SW: usize,
        const PH: usize, const PW: usize, const DH: usize, const DW: usize, const GROUP: usize
    ]
    Conv2d<H, W, C, OUT, KH, KW, MH, MW, A, f32, SH, SW, PH, PW, DH, DW, GROUP>,
    from_filters(filters => filters)
}

/// Passes the elements of the tensor at an index of a layer with weights to `put`.
fn put_layer<L: Weighted, R: Rounding, E>(
    layer: &Int8<L, R>,
    place: usize,
    put: &mut impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let outputs = Of::<L>::BIAS.len();
    let logits = layer.logits();
    let output = layer.finish().outputs(logits);
    match place {
        0 => Of::<L>::WEIGHT.places().try_for_each(|place| {
            let (output, input) = (place.checked_rem(outputs), place.checked_div(outputs));
            put(&layer.weight(output.unwrap_or(0), input.unwrap_or(0)).to_le_bytes())
        }),
        1 => layer.units().try_for_each(|(bias, _)| put(&bias.to_le_bytes())),
        2 => layer.units().try_for_each(|(_, scale)| put(&scale.to_le_bytes())),
        3 => put(&layer.input().scale().to_le_bytes()),
        4 => put(&layer.input().zero_point().to_le_bytes()),
        5 => put(&output.scale().to_le_bytes()),
        6 => put(&output.zero_point().to_le_bytes()),
        7 => put(&logits.scale().to_le_bytes()),
        8 => put(&logits.zero_point().to_le_bytes()),
        _ => layer.finish().table().iter().try_for_each(|value| put(&value.to_le_bytes())),
    }
}

impl<First, Rest> ReadInt8 for Sequence<First, Rest>
where
    First: ReadInt8,
    Rest: ReadInt8<Input = First::Output>,
{
    const INT8: TensorList = TensorList::pair(&First::INT8, &Rest::INT8);

    #[inline]
    fn read<'n>(
        file: &Safetensors<'_>,
        names: &mut &[&'n str],
    ) -> Result<(Self, Option<Ends>), LoadError<'n>> {
        let (first, before) = First::read(file, names)?;
        let name = first_name(names);
        let (rest, behind) = Rest::read(file, names)?;
        Ok((Self::new(first, rest), join(before, behind, name)?))
    }

    #[inline]
    fn put<E>(&self, place: usize, put: &mut impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        match place.checked_sub(First::INT8.len()) {
            None => self.first().put(place, put),
            Some(place) => self.rest().put(place, put),
        }
    }
}

/// The file for the layers after `L`.
#[derive(Debug)]
pub struct AfterInt8<F, L>(PhantomData<(F, L)>);

impl<F: File, L: ReadInt8> File for AfterInt8<F, L> {
    const BYTES: &'static [u8] = F::BYTES;
    const NAMES: &'static [&'static str] = after(F::NAMES, L::INT8.layers());
    const PARSED: Result<Safetensors<'static>, LoadError<'static>> = F::PARSED;
}

impl<F, First, Rest> LoadInt8<F> for Sequence<First, Rest>
where
    F: File,
    First: LoadInt8<F>,
    Rest: LoadInt8<AfterInt8<F, First>> + ReadInt8<Input = First::Output>,
{
    const LOADED: Result<(ManuallyDrop<Self>, Option<Ends>), LoadError<'static>> =
        match First::LOADED {
            Ok((first, before)) => match Rest::LOADED {
                Ok((rest, behind)) => {
                    match join(before, behind, first_name(AfterInt8::<F, First>::NAMES)) {
                        Ok(ends) => Ok((
                            ManuallyDrop::new(Self::new(
                                ManuallyDrop::into_inner(first),
                                ManuallyDrop::into_inner(rest),
                            )),
                            ends,
                        )),
                        Err(error) => Err(error),
                    }
                }
                Err(error) => Err(error),
            },
            Err(error) => Err(error),
        };
}

macro_rules! without_weights {
    ([$($generics:tt)*] $Layer:ty, $name:literal) => {
        impl<$($generics)*> ReadInt8 for $Layer
        where
            Self: Int8Layer,
        {
            const INT8: TensorList = TensorList::NONE;
            #[inline]
            fn read<'n>(
                _: &Safetensors<'_>,
                _: &mut &[&'n str],
            ) -> Result<(Self, Option<Ends>), LoadError<'n>> {
                Ok((Self::new(), None))
            }
            #[inline]
            fn put<E>(
                &self,
                _: usize,
                _: &mut impl FnMut(&[u8]) -> Result<(), E>,
            ) -> Result<(), E> {
                Ok(())
            }
        }

        impl<F: File, $($generics)*> LoadInt8<F> for $Layer
        where
            Self: Int8Layer,
        {
            const LOADED: Result<(ManuallyDrop<Self>, Option<Ends>), LoadError<'static>> =
                Ok((ManuallyDrop::new(Self::new()), None));
        }
    };
}
layers_without_parameters!(without_weights);

/// Layers in int8, to be saved.
struct OfInt8<'a, L>(&'a L);

impl<L: ReadInt8> Source for OfInt8<'_, L> {
    const TENSORS: TensorList = L::INT8;
    const DTYPES: Dtypes = Dtypes::Int8;

    #[inline]
    fn check(&self) -> Result<(), SaveError<'static>> {
        const { assert!(L::INT8.layers() > 0, "an int8 network without weights has no file") }
        Ok(())
    }

    #[inline]
    fn put_tensor<E>(
        &self,
        place: usize,
        put: &mut impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.0.put(place, put)
    }
}

/// In [`load!`](crate::load) it takes names as the network itself does.
impl<F: File, N: Quantize<Int8<R>: LoadInt8<F>>, R: Rounding> Load<F> for Quantized<N, R> {
    const READS: TensorList = N::Int8::<R>::INT8;
    const LOADED: Loaded<Self> = match <N::Int8<R> as LoadInt8<F>>::LOADED {
        Ok((layers, Some((input, output)))) => {
            Ok(ManuallyDrop::new(Self::from_parts(input, ManuallyDrop::into_inner(layers), output)))
        }
        Ok((_, None)) => Err(LoadError::Undescribed),
        Err(error) => Err(error),
    };
}

impl<N: Quantize<Int8<R>: ReadInt8>, R: Rounding> Quantized<N, R> {
    /// Loads a network in int8 from a file that [`save`](Self::save), Python or another program wrote; its
    /// tensors are [those of int8](crate::safetensors#networks-in-int8). At compile time:
    /// [`load!`](crate::load).
    ///
    /// `names` has a name for each layer with weights, as [`load`](crate::safetensors::load) takes them.
    ///
    /// ```
    /// use gradlet::prelude::*;
    /// use gradlet::safetensors::Safetensors;
    ///
    /// type Net = net![2 => 2 Relu => 1 Identity];
    /// let net = Net::new(
    ///     Dense::from_rows([[0.5, -0.25], [-1.0, 0.75]], [0.125, 0.0]),
    ///     Dense::from_rows([[1.0, -0.5]], [0.25]),
    /// );
    /// let int8 = Quantized::<Net>::calibrate(&net, &[[0.0, 1.0], [1.0, 0.0]]).unwrap();
    ///
    /// const NAMES: [&str; 2] = ["0", "2"];
    /// let mut buffer = [0; Quantized::<Net>::file_size(&NAMES).unwrap()];
    /// let file = int8.save(&NAMES, &mut buffer).unwrap();
    /// let same = Quantized::<Net>::from_safetensors(&Safetensors::new(file)?, &NAMES)?;
    /// assert_eq!(same, int8);
    /// # Ok::<(), gradlet::safetensors::LoadError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`LoadError`] if the file does not fit the network, or a number is none that it may have.
    pub fn from_safetensors<'n>(
        file: &Safetensors<'_>,
        names: &[&'n str],
    ) -> Result<Self, LoadError<'n>> {
        let tensors = const { N::Int8::<R>::INT8 };
        let (expected, found) = (tensors.layers(), count_layers(names));
        if expected != found {
            return Err(LoadError::Names { expected, found });
        }
        let mut rest = names;
        let (layers, ends) = N::Int8::<R>::read(file, &mut rest)?;
        let found = unexpected(file.entries, tensors, names);
        if !found.is_empty() {
            return Err(LoadError::Unexpected { found });
        }
        let Some((input, output)) = ends else { return Err(LoadError::Undescribed) };
        Ok(Self::from_parts(input, layers, output))
    }

    /// Size in bytes of the file that [`save`](Self::save) writes. `None` if there are too few or too many
    /// names, or one twice.
    ///
    /// ```
    /// use gradlet::prelude::*;
    ///
    /// type Net = net![64 => 32 Relu => 10 Softmax];
    /// // 2,368 weights of 1 byte, 42 biases and scales of 4 each, and 1,153 for names and quantisations.
    /// assert_eq!(Quantized::<Net>::file_size(&["0", "2"]), Some(3857));
    /// ```
    #[must_use]
    pub const fn file_size(names: &[&str]) -> Option<usize> {
        size_of_file::<OfInt8<'_, N::Int8<R>>>(names)
    }

    /// Writes the network to a buffer, as a `safetensors` file, byte for byte that of the Python library.
    /// Returns the file, the beginning of the buffer, which must be [`file_size`](Self::file_size) long. For an
    /// example, see [`from_safetensors`](Self::from_safetensors).
    ///
    /// # Errors
    ///
    /// [`SaveError`] if the buffer is too small, or if there are too few or too many names, or one twice.
    pub fn save<'n, 'b>(
        &self,
        names: &[&'n str],
        buffer: &'b mut [u8],
    ) -> Result<&'b [u8], SaveError<'n>> {
        save_source(&OfInt8(self.layers()), names, buffer)
    }

    /// Writes the network as a `safetensors` file, 64 bytes at a time: [`save`](Self::save) without a buffer.
    ///
    /// Needs the feature `embedded-io-v0.7`.
    ///
    /// ```
    /// use gradlet::prelude::*;
    ///
    /// type Net = net![2 => 1 Relu];
    /// let net = Net::new([[0.5], [-0.25]], [1.0]);
    /// let int8 = Quantized::<Net>::calibrate(&net, &[[0.0, 1.0], [1.0, 0.0]]).unwrap();
    /// let mut file = Vec::new();
    /// int8.write(&["0"], &mut file).unwrap();
    /// assert_eq!(file, int8.save(&["0"], &mut [0; 1000]).unwrap());
    /// ```
    ///
    /// # Errors
    ///
    /// [`WriteError::Save`](super::WriteError::Save) where `save` returns a [`SaveError`], others if the
    /// writer fails.
    #[cfg(feature = "embedded-io-v0.7")]
    pub fn write<'n, W: embedded_io::Write + ?Sized>(
        &self,
        names: &[&'n str],
        writer: &mut W,
    ) -> Result<(), super::WriteError<'n, W::Error>> {
        super::stream::write_source(&OfInt8(self.layers()), names, writer)
    }
}
