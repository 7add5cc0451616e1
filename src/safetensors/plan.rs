//! Layout of a file to be written: its header entries and its length, in const functions.

use super::Dtype;
use super::names::{FullName, Named, NamedTensors, pieces};
use super::text::Digits;
use crate::tensors::{Kind, Tensor};

/// The dtypes of tensors in a file.
#[derive(Clone, Copy)]
pub(super) enum Dtypes {
    /// All have this one.
    Of(Dtype),
    /// Those of a network in int8, by their kind.
    Int8,
}

impl Dtypes {
    /// The dtype of a tensor.
    pub(super) const fn of(self, tensor: Tensor) -> Dtype {
        match (self, tensor.kind) {
            (Self::Of(dtype), _) => dtype,
            (Self::Int8, Kind::Weight | Kind::Buffer) => Dtype::I8,
            (Self::Int8, Kind::Bias) => Dtype::I32,
            (Self::Int8, Kind::Other) => Dtype::F32,
        }
    }
}

/// What the tensors are sorted by, as in the Python library: larger dtypes first, floats before integers.
#[derive(Clone, Copy)]
struct Key<'n> {
    dtype: u8,
    name: FullName<'n>,
}

impl Key<'_> {
    const fn is_less(self, other: Self) -> bool {
        self.dtype < other.dtype || self.dtype == other.dtype && self.name.is_less(other.name)
    }
}

/// A tensor of the file.
#[derive(Clone, Copy)]
pub(super) struct Planned<'n> {
    pub(super) named: Named<'n>,
    dtype: Dtype,
    is_first: bool,
    /// Offset of its first byte, and of the one after the last.
    start: usize,
    end: usize,
}

/// Iterator over the tensors in file order: sorted by dtype and name.
#[derive(Clone, Copy)]
pub(super) struct Plan<'n, 'l> {
    tensors: NamedTensors<'n, 'l>,
    dtypes: Dtypes,
    previous: Option<Key<'n>>,
    /// Offset of the next tensor.
    start: usize,
}

impl<'n, 'l> Plan<'n, 'l> {
    pub(super) const fn new(tensors: NamedTensors<'n, 'l>, dtypes: Dtypes) -> Self {
        Self { tensors, dtypes, previous: None, start: 0 }
    }

    const fn key(&self, named: Named<'n>) -> Key<'n> {
        let dtype = match self.dtypes.of(named.tensor) {
            Dtype::I8 => 2,
            Dtype::I32 => 1,
            _ => 0,
        };
        Key { dtype, name: named.name() }
    }

    /// The next tensor. Of several with the same name only the first is returned.
    pub(super) const fn next(&mut self) -> Option<Planned<'n>> {
        let (mut next, mut others): (Option<Named<'n>>, _) = (None, self.tensors);
        while let Some(named) = others.next() {
            match (self.previous, next) {
                (Some(previous), _) if !previous.is_less(self.key(named)) => {}
                (_, Some(next)) if !self.key(named).is_less(self.key(next)) => {}
                _ => next = Some(named),
            }
        }
        let Some(named) = next else { return None };
        let (dtype, start) = (self.dtypes.of(named.tensor), self.start);
        let end = start.saturating_add(named.tensor.len().saturating_mul(dtype.bits() / 8));
        let is_first = self.previous.replace(self.key(named)).is_none();
        self.start = end;
        Some(Planned { named, dtype, is_first, start, end })
    }

    /// Number of tensors, length of the header's text and of the data in bytes.
    pub(super) const fn lengths(mut self) -> (usize, usize, usize) {
        let (mut count, mut header) = (0_usize, "{}".len());
        while let Some(tensor) = self.next() {
            let entry = tensor.entry();
            let mut pieces: &[Piece<'_>] = &entry;
            while let [piece, others @ ..] = pieces {
                header = header.saturating_add(piece.len());
                pieces = others;
            }
            count = count.saturating_add(1);
        }
        (count, header, self.start)
    }
}

/// A piece of the header.
#[derive(Clone, Copy)]
pub(super) enum Piece<'n> {
    Text(&'n str),
    /// Part of a string to be escaped.
    Name(&'n [u8]),
    Number(usize),
    /// Separated by commas.
    Numbers(&'static [usize]),
}

impl<'n> Planned<'n> {
    /// Its entry in the header.
    pub(super) const fn entry(&self) -> [Piece<'n>; 13] {
        use Piece::{Name, Number, Numbers, Text};
        let Named { layer, tensor, .. } = self.named;
        let [a, b, c] = pieces(layer, tensor.name);
        [
            Text(if self.is_first { "\"" } else { ",\"" }),
            Name(a),
            Name(b),
            Name(c),
            Text("\":{\"dtype\":\""),
            Text(self.dtype.name()),
            Text("\",\"shape\":["),
            Numbers(tensor.shape),
            Text("],\"data_offsets\":["),
            Number(self.start),
            Text(","),
            Number(self.end),
            Text("]}"),
        ]
    }
}

impl Piece<'_> {
    const fn len(self) -> usize {
        let mut length = 0_usize;
        match self {
            Self::Text(text) => length = text.len(),
            Self::Number(number) => length = Digits::of(number).length,
            Self::Numbers(mut numbers) => {
                while let [number, others @ ..] = numbers {
                    let comma = !others.is_empty() as usize;
                    length =
                        length.saturating_add(Digits::of(*number).length).saturating_add(comma);
                    numbers = others;
                }
            }
            Self::Name(mut name) => {
                while let [byte, rest @ ..] = name {
                    length = length.saturating_add(escape(*byte).1);
                    name = rest;
                }
            }
        }
        length
    }
}

/// A byte of UTF-8 as escaped in JSON, with the number of bytes used. Only what must be is escaped,
/// as in the Python library.
pub(super) const fn escape(byte: u8) -> ([u8; 6], usize) {
    let letter = match byte {
        b'"' | b'\\' => byte,
        8 => b'b',
        12 => b'f',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0..=0x1f => {
            let low = byte & 15;
            let digit = if low < 10 { b'0' | low } else { low.wrapping_add(b'a' - 10) };
            return ([b'\\', b'u', b'0', b'0', b'0' | byte >> 4, digit], 6);
        }
        _ => return ([byte, 0, 0, 0, 0, 0], 1),
    };
    ([b'\\', letter, 0, 0, 0, 0], 2)
}
