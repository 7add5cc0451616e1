//! Streaming writer of safetensors files.

use core::error::Error;
use core::fmt;

use embedded_io::Write;

use super::error::SaveError;
use super::number::FileFormat;
use super::save::{OfLayer, Source, check, put};
use crate::layer::Layer;

/// Error of writing weights.
///
/// ```
/// use gradlet::prelude::*;
/// use gradlet::safetensors::{self, WriteError};
///
/// let (net, mut too_short) = (Mlp::<2, 4, 2>::ZERO, [0; 100]);
/// let error = safetensors::write(&net, &["0", "2"], &mut too_short.as_mut_slice());
/// assert_eq!(error, Err(WriteError::Write(embedded_io::SliceWriteError::Full)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum WriteError<'n, E> {
    /// The network cannot be saved; nothing was written.
    Save(SaveError<'n>),
    /// The writer returned an error; a part of the file may be written.
    Write(E),
    /// The writer returned success, but wrote no bytes or more than it was given.
    Stuck,
}

impl<E: Error + 'static> Error for WriteError<'_, E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Write(error) => Some(error),
            _ => None,
        }
    }
}

impl<E: fmt::Display> fmt::Display for WriteError<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Save(error) => error.fmt(f),
            Self::Write(error) => write!(f, "the file could not be written: {error}"),
            Self::Stuck => f.write_str("the file could not be written: the writer is stuck"),
        }
    }
}

/// Bytes per write: writing single elements would be slow for most writers.
const AT_ONCE: usize = 64;

/// Writes the weights as a `safetensors` file, 64 bytes at a time: [`save`](super::save) without a
/// buffer for the whole file. Does not flush.
///
/// Needs the feature `embedded-io-v0.7`.
///
/// ```
/// use gradlet::{prelude::*, safetensors};
///
/// let net = Mlp::<2, 2, 2>::ZERO;
/// let mut file = Vec::new();
/// safetensors::write(&net, &["0", "2"], &mut file)?;
/// assert_eq!(file, safetensors::save(&net, &["0", "2"], &mut [0; 400])?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`WriteError::Save`] where `save` returns a [`SaveError`], before anything is written; others if
/// the writer fails.
pub fn write<'n, N: Layer<Format: FileFormat>, W: Write + ?Sized>(
    net: &N,
    names: &[&'n str],
    writer: &mut W,
) -> Result<(), WriteError<'n, W::Error>> {
    write_source(&OfLayer(net), names, writer)
}

/// [`write`] of any source.
pub(super) fn write_source<'n, S: Source, W: Write + ?Sized>(
    source: &S,
    names: &[&'n str],
    writer: &mut W,
) -> Result<(), WriteError<'n, W::Error>> {
    let lengths = check(source, names).map_err(WriteError::Save)?;
    let (mut buffer, mut filled) = ([0; AT_ONCE], 0_usize);
    put(source, names, lengths, &mut |bytes| {
        for byte in bytes {
            if filled == AT_ONCE {
                write_all(writer, &buffer)?;
                filled = 0;
            }
            if let Some(place) = buffer.get_mut(filled) {
                *place = *byte;
            }
            filled = filled.wrapping_add(1);
        }
        Ok(())
    })?;
    write_all(writer, buffer.get(..filled).unwrap_or_default())
}

/// [`Write::write_all`] without its panic if the writer is stuck.
fn write_all<'n, W: Write + ?Sized>(
    writer: &mut W,
    mut bytes: &[u8],
) -> Result<(), WriteError<'n, W::Error>> {
    while !bytes.is_empty() {
        let written = writer.write(bytes).map_err(WriteError::Write)?;
        bytes = match bytes.get(written..) {
            Some(rest) if written != 0 => rest,
            _ => return Err(WriteError::Stuck),
        };
    }
    Ok(())
}
