//! Parser for the header of a safetensors file: names, dtypes, shapes and offsets.

use super::json::{
    Malformed, Quoted, Read, after, any, attempt, has_items, key, next_item, string, trim, whole,
};
use super::{Dtype, Fault, Format, Shape, Wide};

/// Longest header in bytes.
const LONGEST: u64 = 100_000_000;

/// One tensor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    pub(super) name: Quoted<'a>,
    pub(super) dtype: Dtype,
    pub(super) shape: Shape,
    /// Size in bits, from its shape; `None` on overflow.
    bits: Option<Wide>,
    /// Offset of its first byte, and of the one after the last.
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Iterator over the tensors.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entries<'a> {
    text: &'a [u8],
    pub(super) more: bool,
}

impl<'a> Entries<'a> {
    /// Parses a file into its tensors, validated, and their data.
    pub(super) const fn of(file: &'a [u8]) -> Result<(Self, &'a [u8]), Fault> {
        match (Self::read(file), Format::of(file)) {
            (Err(Fault::TooShort | Fault::HeaderLength { .. } | Fault::Json), Some(format)) => {
                Err(Fault::OtherFormat(format))
            }
            (result, _) => result,
        }
    }

    const fn read(file: &'a [u8]) -> Result<(Self, &'a [u8]), Fault> {
        let Some((length, rest)) = file.split_first_chunk::<8>() else {
            return Err(Fault::TooShort);
        };
        let (length, found) = (u64::from_le_bytes(*length), file.len());
        #[allow(clippy::cast_possible_truncation, reason = "no file is longer")]
        let header = if length < usize::MAX as u64 { length as usize } else { usize::MAX };
        let expected = header.saturating_add(8);
        let (header, data) = match rest.split_at_checked(header) {
            Some(parts) if length <= LONGEST => parts,
            _ => return Err(Fault::HeaderLength { expected, found }),
        };
        if core::str::from_utf8(header).is_err() {
            return Err(Fault::Json);
        }
        let Ok(text) = after(header, b'{') else { return Err(Fault::Json) };
        let (more, text) = has_items(text, b'}');
        let entries = Self { text, more };
        let Ok(count) = entries.count() else { return Err(Fault::Json) };
        match entries.end(count) {
            Ok(end) if end == data.len() => Ok((entries, data)),
            Ok(end) => Err(Fault::Length { expected: expected.saturating_add(end), found }),
            Err(fault) => Err(fault),
        }
    }

    /// Number of tensors, if the header is well-formed to its end.
    const fn count(mut self) -> Result<usize, Malformed> {
        let (mut count, mut has_metadata) = (0_usize, false);
        while self.more {
            match attempt!(self.next()) {
                Some(_) => count = count.saturating_add(1),
                None if has_metadata => return Err(Malformed),
                None => has_metadata = true,
            }
        }
        if trim(self.text).is_empty() { Ok(count) } else { Err(Malformed) }
    }

    /// The next item: a tensor, or the metadata.
    pub(super) const fn next(&mut self) -> Result<Option<Entry<'a>>, Malformed> {
        let (name, text) = attempt!(key(self.text));
        let (entry, text) = if name.is("__metadata__") {
            (None, attempt!(metadata(text)))
        } else {
            let (entry, text) = attempt!(entry(name, text));
            (Some(entry), text)
        };
        (self.more, self.text) = attempt!(next_item(text, b'}'));
        Ok(entry)
    }

    /// The tensor whose name is these three concatenated.
    pub(super) const fn find(mut self, name: [&[u8]; 3]) -> Option<Entry<'a>> {
        let mut found = None;
        while let Some(entry) = self.next_entry() {
            if entry.name.is_joined(name) {
                found = Some(entry);
            }
        }
        found
    }
}

impl Entry<'_> {
    pub(super) const fn is_as_long_as_its_shape(&self) -> bool {
        let Some(length) = self.end.checked_sub(self.start) else { return false };
        let found = (length as Wide).checked_mul(8);
        matches!((self.bits, found), (Some(bits), Some(found)) if bits == found)
    }
}

/// Skips the metadata: `null`, or an object of strings. Returns the rest.
const fn metadata(text: &[u8]) -> Result<&[u8], Malformed> {
    if let Ok(rest) = null(text) {
        return Ok(rest);
    }
    let (mut more, mut text) = has_items(attempt!(after(text, b'{')), b'}');
    while more {
        let (_, rest) = attempt!(string(attempt!(key(text)).1));
        (more, text) = attempt!(next_item(rest, b'}'));
    }
    Ok(text)
}

const fn null(text: &[u8]) -> Result<&[u8], Malformed> {
    if let [b'n', b'u', b'l', b'l', rest @ ..] = trim(text) { Ok(rest) } else { Err(Malformed) }
}

/// The three fields of a tensor.
#[derive(Clone, Copy)]
struct Fields {
    dtype: Option<Dtype>,
    shape: Option<(Shape, Option<usize>)>,
    offsets: Option<(usize, usize)>,
}

const fn entry<'a>(name: Quoted<'a>, text: &'a [u8]) -> Read<'a, Entry<'a>> {
    let mut fields = Fields { dtype: None, shape: None, offsets: None };
    let mut text = trim(text);
    if let [b'[', rest @ ..] = text {
        // An array: the fields without names, in this order.
        text = attempt!(fields.read_dtype(rest));
        text = attempt!(fields.read_shape(attempt!(after(text, b','))));
        text = attempt!(fields.read_offsets(attempt!(after(text, b','))));
        text = attempt!(after(text, b']'));
    } else {
        let (mut more, mut rest) = has_items(attempt!(after(text, b'{')), b'}');
        while more {
            let (field, value) = attempt!(key(rest));
            rest = if field.is("dtype") {
                attempt!(fields.read_dtype(value))
            } else if field.is("shape") {
                attempt!(fields.read_shape(value))
            } else if field.is("data_offsets") {
                attempt!(fields.read_offsets(value))
            } else {
                attempt!(any(value, 2))
            };
            (more, rest) = attempt!(next_item(rest, b'}'));
        }
        text = rest;
    }
    let Fields { dtype: Some(dtype), shape: Some((shape, count)), offsets: Some((start, end)) } =
        fields
    else {
        return Err(Malformed);
    };
    let bits = match count {
        Some(count) => (count as Wide).checked_mul(dtype.bits() as Wide),
        None => None,
    };
    Ok((Entry { name, dtype, shape, bits, start, end }, text))
}

impl Fields {
    /// The name of a dtype. Like the Python library, it accepts `{"F32":null}` for `"F32"`.
    const fn read_dtype<'a>(&mut self, text: &'a [u8]) -> Result<&'a [u8], Malformed> {
        let (name, rest) = match after(text, b'{') {
            Ok(text) => {
                let (name, rest) = attempt!(key(text));
                (name, attempt!(after(attempt!(null(rest)), b'}')))
            }
            Err(Malformed) => attempt!(string(text)),
        };
        let mut dtypes: &[Dtype] = &Dtype::ALL;
        while let [dtype, others @ ..] = dtypes {
            if name.is(dtype.name()) {
                let is_first = self.dtype.replace(*dtype).is_none();
                return if is_first { Ok(rest) } else { Err(Malformed) };
            }
            dtypes = others;
        }
        Err(Malformed)
    }

    const fn read_shape<'a>(&mut self, text: &'a [u8]) -> Result<&'a [u8], Malformed> {
        let (mut more, mut text) = has_items(attempt!(after(text, b'[')), b']');
        let (mut shape, mut count) = (Shape { rank: 0, sizes: [0; 4] }, Some(1_usize));
        while more {
            let (size, rest) = attempt!(whole(text));
            if let Some((_, [place, ..])) = shape.sizes.split_at_mut_checked(shape.rank) {
                *place = size;
            }
            shape.rank = shape.rank.saturating_add(1);
            count = match count {
                Some(count) => count.checked_mul(size),
                None => None,
            };
            (more, text) = attempt!(next_item(rest, b']'));
        }
        if self.shape.replace((shape, count)).is_none() { Ok(text) } else { Err(Malformed) }
    }

    const fn read_offsets<'a>(&mut self, text: &'a [u8]) -> Result<&'a [u8], Malformed> {
        let (start, text) = attempt!(whole(attempt!(after(text, b'['))));
        let (end, text) = attempt!(whole(attempt!(after(text, b','))));
        if self.offsets.replace((start, end)).is_none() {
            after(text, b']')
        } else {
            Err(Malformed)
        }
    }
}
