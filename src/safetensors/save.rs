//! Writer of safetensors files.

use core::convert::Infallible;

use super::error::SaveError;
use super::is_described;
use super::names::{NamedTensors, count_layers};
use super::number::FileFormat;
use super::plan::{Dtypes, Piece, Plan, Planned, escape};
use super::text::Digits;
use crate::layer::{Layer, parameters_are_finite};
use crate::tensors::{Tensor, TensorList};

/// Size in bytes of the file that [`save`] writes, as a `const fn`. `None` if there are too few or
/// too many names, or one twice: [`save`] then returns an error.
///
/// ```
/// use gradlet::{prelude::*, safetensors};
///
/// type Net = Mlp<2, 4, 2>;
/// const NAMES: [&str; 2] = ["0", "2"];
/// const SIZE: usize = safetensors::file_size::<Net>(&NAMES).unwrap();
/// const _: () = assert!(SIZE == 344); // of which 88 for the weights
///
/// let mut buffer = [0; SIZE];
/// let file = safetensors::save(&Net::ZERO, &NAMES, &mut buffer)?;
/// assert_eq!(file.len(), SIZE);
/// # Ok::<(), safetensors::SaveError>(())
/// ```
#[must_use]
pub const fn file_size<N: Layer<Format: FileFormat>>(names: &[&str]) -> Option<usize> {
    size_of_file::<OfLayer<'_, N>>(names)
}

/// [`file_size`] of any source.
pub(super) const fn size_of_file<S: Source>(names: &[&str]) -> Option<usize> {
    if let Ok(lengths) = Lengths::of::<S>(names) { Some(lengths.file()) } else { None }
}

/// What a file is written from.
pub(super) trait Source {
    const TENSORS: TensorList;
    const DTYPES: Dtypes;

    /// Why it cannot be saved.
    fn check(&self) -> Result<(), SaveError<'static>>;

    /// Passes the elements of the tensor at an index to `put`.
    fn put_tensor<E>(
        &self,
        place: usize,
        put: &mut impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E>;
}

/// A layer or network.
pub(super) struct OfLayer<'a, N>(pub(super) &'a N);

impl<F: FileFormat, N: Layer<Format = F>> Source for OfLayer<'_, N> {
    const TENSORS: TensorList = N::TENSORS;
    const DTYPES: Dtypes = Dtypes::Of(F::DTYPE);

    #[inline]
    fn check(&self) -> Result<(), SaveError<'static>> {
        if !parameters_are_finite(self.0) {
            return Err(SaveError::NotFinite);
        }
        if is_described(self.0) { Ok(()) } else { Err(SaveError::Undescribed) }
    }

    #[inline]
    fn put_tensor<E>(
        &self,
        wanted: usize,
        put: &mut impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let (mut place, mut result) = (0_usize, Ok(()));
        self.0.visit(|tensor, values| {
            if place == wanted {
                result = put_all::<F, _>(tensor, values, put);
            }
            place = place.wrapping_add(1);
        });
        result
    }
}

/// Lengths in bytes.
#[derive(Clone, Copy)]
pub(super) struct Lengths {
    /// Text of the header.
    text: usize,
    /// Header, padded with spaces to a multiple of 8.
    header: usize,
    data: usize,
}

impl Lengths {
    /// For a file, if there is a name for each layer, and none twice.
    const fn of<'n, S: Source>(names: &[&'n str]) -> Result<Self, SaveError<'n>> {
        let (expected, found) = (S::TENSORS.layers(), count_layers(names));
        if expected != found {
            return Err(SaveError::Names { expected, found });
        }
        let (count, text, data) = plan::<S>(names).lengths();
        // The plan leaves out what is there twice, but for other dtypes.
        if count < S::TENSORS.len() || matches!(S::DTYPES, Dtypes::Int8) {
            if let Some(layer) = duplicate(S::TENSORS, names) {
                return Err(SaveError::Duplicate { layer });
            }
        }
        Ok(Self { text, header: text.saturating_add(7) & !7, data })
    }

    const fn file(self) -> usize {
        8_usize.saturating_add(self.header).saturating_add(self.data)
    }
}

const fn plan<'n, 'l, S: Source>(names: &'l [&'n str]) -> Plan<'n, 'l> {
    Plan::new(NamedTensors::of(S::TENSORS, names), S::DTYPES)
}

/// The layer of the first tensor whose name is not unique.
const fn duplicate<'n>(all: TensorList, names: &[&'n str]) -> Option<&'n str> {
    let mut tensors = NamedTensors::of(all, names);
    while let Some(first) = tensors.next() {
        let mut others = tensors;
        while let Some(second) = others.next() {
            let (a, b) = (first.name(), second.name());
            if !a.is_less(b) && !b.is_less(a) {
                return Some(first.layer);
            }
        }
    }
    None
}

/// Writes the weights to a buffer, as a `safetensors` file: byte for byte the file that the Python
/// library writes for the same tensors. Returns the file, the beginning of the buffer.
///
/// `names` has a name for each layer that has tensors, as for [`load`](super::load). [`file_size`]
/// returns how long the buffer must be.
///
/// ```
/// use gradlet::{prelude::*, safetensors};
///
/// type Net = Mlp<2, 2, 2>;
/// let mut net = Net::ZERO;
/// net.first_mut().bias_mut()[0] = 1.5;
/// let mut buffer = [0; 400];
/// let file = safetensors::save(&net, &["0", "2"], &mut buffer)?;
/// assert_eq!(safetensors::from_bytes::<Net>(file, &["0", "2"]).as_ref(), Ok(&net));
/// # Ok::<(), safetensors::SaveError>(())
/// ```
///
/// # Errors
///
/// [`SaveError`] if the buffer is too small, if a parameter is NaN or infinite, or if there are too
/// few or too many names, or one twice. The buffer is then unchanged.
pub fn save<'n, 'b, N: Layer<Format: FileFormat>>(
    net: &N,
    names: &[&'n str],
    buffer: &'b mut [u8],
) -> Result<&'b [u8], SaveError<'n>> {
    save_source(&OfLayer(net), names, buffer)
}

/// [`save`] of any source.
pub(super) fn save_source<'n, 'b, S: Source>(
    source: &S,
    names: &[&'n str],
    buffer: &'b mut [u8],
) -> Result<&'b [u8], SaveError<'n>> {
    let lengths = check(source, names)?;
    let (needed, found) = (lengths.file(), buffer.len());
    let Some((file, _)) = buffer.split_at_mut_checked(needed) else {
        return Err(SaveError::Buffer { needed, found });
    };
    let mut places = file.iter_mut();
    let Ok(()) = put(source, names, lengths, &mut |bytes| {
        for (byte, place) in bytes.iter().zip(places.by_ref()) {
            *place = *byte;
        }
        Ok::<(), Infallible>(())
    });
    Ok(file)
}

/// Checks that it can be saved; returns the lengths for [`put`].
pub(super) fn check<'n, S: Source>(
    source: &S,
    names: &[&'n str],
) -> Result<Lengths, SaveError<'n>> {
    let lengths = Lengths::of::<S>(names)?;
    source.check()?;
    Ok(lengths)
}

/// Passes a file to `put`, piece by piece, after [`check`].
pub(super) fn put<S: Source, E>(
    source: &S,
    names: &[&str],
    lengths: Lengths,
    put: &mut impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    put(&(lengths.header as u64).to_le_bytes())?;
    put(b"{")?;
    let mut tensors = plan::<S>(names);
    while let Some(tensor) = tensors.next() {
        for piece in tensor.entry() {
            put_piece(piece, put)?;
        }
    }
    put(b"}")?;
    for _ in lengths.text..lengths.header {
        put(b" ")?;
    }
    let mut tensors = plan::<S>(names);
    while let Some(Planned { named, .. }) = tensors.next() {
        source.put_tensor(named.place, put)?;
    }
    Ok(())
}

fn put_piece<E>(piece: Piece<'_>, put: &mut impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    match piece {
        Piece::Text(text) => put(text.as_bytes()),
        Piece::Number(number) => put(Digits::of(number).as_str().as_bytes()),
        Piece::Numbers(numbers) => numbers.iter().enumerate().try_for_each(|(place, &number)| {
            put(if place == 0 { b"" } else { b"," })?;
            put(Digits::of(number).as_str().as_bytes())
        }),
        Piece::Name(name) => name.iter().try_for_each(|&byte| {
            let (bytes, length) = escape(byte);
            put(bytes.get(..length).unwrap_or_default())
        }),
    }
}

/// Not inlined: at opt-level 3 each tensor of a network would get a copy of the loop.
#[inline(never)]
fn put_all<F: FileFormat, E>(
    tensor: Tensor,
    values: &[F::Weight],
    put: &mut impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    tensor.places().try_for_each(|place| match values.get(place) {
        Some(&value) => put(F::to_file(value).as_ref()),
        None => Ok(()),
    })
}
