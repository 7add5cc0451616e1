//! Writes safetensors files.

use core::convert::Infallible;

use super::digits::Digits;
use super::error::SaveError;
use super::names::{count_layers, ignored};
use super::plan::{Escape, Piece, Plan, Planned, escape};
use super::shapes::WeightShapes;
use crate::layer::{Layer, Tensor, parameters_are_finite};
use crate::scalar::sealed::Sealed;

/// Bytes of the file that [`Layer::to_safetensors`] writes, at compile time. `None` if there are too
/// few or too many names, or one twice: it then writes none.
///
/// ```
/// use gradlet::prelude::*;
/// use gradlet::safetensors;
///
/// type Net = Mlp<2, 4, 2>;
/// const NAMES: [&str; 2] = ["0", "2"];
/// const SIZE: usize = safetensors::file_size::<Net>(&NAMES).unwrap();
/// const _: () = assert!(SIZE == 344); // of which 88 for the weights
///
/// let mut buffer = [0; SIZE];
/// let file = Net::ZERO.to_safetensors(&NAMES, &mut buffer)?;
/// assert_eq!(file.len(), SIZE);
/// # Ok::<(), safetensors::SaveError>(())
/// ```
#[must_use]
pub const fn file_size<N: Layer>(names: &[&str]) -> Option<usize> {
    match check_names(&N::WEIGHTS, names) {
        Ok(()) => Some(Lengths::of(plan::<N>(names)).file()),
        Err(_) => None,
    }
}

const fn plan<'n, 'l, N: Layer>(names: &'l [&'n str]) -> Plan<'n, 'l> {
    Plan::new(N::WEIGHTS, names, <N::Scalar as Sealed>::DTYPE)
}

/// Whether there is a name for each layer, and none twice.
const fn check_names<'n>(shapes: &WeightShapes, names: &[&'n str]) -> Result<(), SaveError<'n>> {
    let (expected, found) = (shapes.count(), count_layers(names));
    if expected != found {
        return Err(SaveError::Names { expected, found });
    }
    let mut names = names;
    while let [layer, others @ ..] = names {
        let mut rest = others;
        while let [other, others @ ..] = rest {
            if is_same(layer.as_bytes(), other.as_bytes()) && ignored(layer).is_none() {
                return Err(SaveError::Duplicate { layer });
            }
            rest = others;
        }
        names = others;
    }
    Ok(())
}

/// `==`, which const functions do not have.
const fn is_same(mut a: &[u8], mut b: &[u8]) -> bool {
    while let ([first, others @ ..], [second, rest @ ..]) = (a, b) {
        if *first != *second {
            return false;
        }
        a = others;
        b = rest;
    }
    a.is_empty() && b.is_empty()
}

/// In bytes.
#[derive(Clone, Copy)]
struct Lengths {
    /// Text of the header.
    text: usize,
    /// Header: spaces fill it up to a multiple of 8.
    header: usize,
    data: usize,
}

impl Lengths {
    const fn of(plan: Plan<'_, '_>) -> Self {
        let (text, data) = plan.lengths();
        Self { text, header: text.saturating_add(7) & !7, data }
    }

    const fn file(self) -> usize {
        8_usize.saturating_add(self.header).saturating_add(self.data)
    }
}

/// [`Layer::to_safetensors`].
pub(crate) fn save<'n, 'b, N: Layer>(
    net: &N,
    names: &[&'n str],
    buffer: &'b mut [u8],
) -> Result<&'b [u8], SaveError<'n>> {
    check(net, names)?;
    let (needed, found) = (Lengths::of(plan::<N>(names)).file(), buffer.len());
    let Some((file, _)) = buffer.split_at_mut_checked(needed) else {
        return Err(SaveError::Buffer { needed, found });
    };
    let mut places = file.iter_mut();
    let Ok(()) = write(net, names, &mut |bytes| {
        for (byte, place) in bytes.iter().zip(places.by_ref()) {
            *place = *byte;
        }
        Ok::<(), Infallible>(())
    });
    Ok(file)
}

/// Whether [`write()`] will write what it should.
pub(super) fn check<'n, N: Layer>(net: &N, names: &[&'n str]) -> Result<(), SaveError<'n>> {
    check_names(&N::WEIGHTS, names)?;
    if !parameters_are_finite(net) {
        return Err(SaveError::NotFinite);
    }
    let (mut layers, mut is_described, mut has_bias) = (0_usize, true, true);
    net.parameters([], &mut |tensor, values, []| match tensor {
        Tensor::Weights { inputs, outputs } => {
            let fits = N::WEIGHTS.get(layers).is_some_and(|weights| {
                let bias_is_next = weights.bias;
                let had_bias = core::mem::replace(&mut has_bias, !bias_is_next);
                had_bias
                    && (weights.inputs, weights.outputs) == (inputs, outputs)
                    && inputs.checked_mul(outputs) == Some(values.len())
            });
            is_described = is_described && fits;
            layers = layers.saturating_add(1);
        }
        Tensor::Bias => {
            let weights = layers.checked_sub(1).and_then(|last| N::WEIGHTS.get(last));
            let fits = weights.is_some_and(|weights| weights.outputs == values.len());
            is_described = is_described && fits && !has_bias;
            has_bias = true;
        }
        Tensor::Other => {}
    });
    if is_described && has_bias && layers == N::WEIGHTS.count() {
        Ok(())
    } else {
        Err(SaveError::Undescribed)
    }
}

/// Hands a file to `put`, piece by piece.
pub(super) fn write<N: Layer, E>(
    net: &N,
    names: &[&str],
    put: &mut impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let lengths = Lengths::of(plan::<N>(names));
    put(&(lengths.header as u64).to_le_bytes())?;
    put(b"{")?;
    let mut plan = plan::<N>(names);
    while let Some((tensor, rest)) = plan.next() {
        for piece in tensor.entry(<N::Scalar as Sealed>::DTYPE, plan.is_first()) {
            put_piece(piece, put)?;
        }
        plan = rest;
    }
    put(b"}")?;
    for _ in lengths.text..lengths.header {
        put(b" ")?;
    }
    let mut plan = self::plan::<N>(names);
    while let Some((tensor, rest)) = plan.next() {
        put_numbers(net, &tensor, put)?;
        plan = rest;
    }
    Ok(())
}

fn put_piece<E>(piece: Piece<'_>, put: &mut impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    let name = match piece {
        Piece::Text(text) => return put(text.as_bytes()),
        Piece::Number(number) => return put(Digits::of(number).as_str().as_bytes()),
        Piece::Name(name) => name,
    };
    for byte in name.bytes() {
        match escape(byte) {
            Escape::None => put(&[byte])?,
            Escape::Letter(letter) => put(&[b'\\', letter])?,
            Escape::Code => {
                let digit = match byte & 15 {
                    low @ 0..=9 => b'0' | low,
                    low => low.wrapping_add(b'a' - 10),
                };
                put(&[b'\\', b'u', b'0', b'0', b'0' | byte >> 4, digit])?;
            }
        }
    }
    Ok(())
}

fn put_numbers<N: Layer, E>(
    net: &N,
    tensor: &Planned<'_>,
    put: &mut impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    // Layers that had weights.
    let (mut layers, mut result) = (0_usize, Ok(()));
    net.parameters([], &mut |kind, values, []| {
        let is_bias = match kind {
            Tensor::Weights { .. } => {
                layers = layers.saturating_add(1);
                false
            }
            Tensor::Bias => true,
            Tensor::Other => return,
        };
        if layers.checked_sub(1) != Some(tensor.place) || is_bias != tensor.is_bias() {
            return;
        }
        // In the file a row for each unit, here a column.
        for unit in 0..tensor.outputs {
            for input in 0..tensor.inputs {
                let place = input.wrapping_mul(tensor.outputs).wrapping_add(unit);
                if let (Ok(()), Some(value)) = (&result, values.get(place)) {
                    result = put(value.bytes().as_ref());
                }
            }
        }
    });
    result
}
