//! What a file will hold, and how long it will be: in const functions.

use core::cmp::Ordering;

use super::Dtype;
use super::digits::Digits;
use super::names::{FullName, Named, NamedTensors};

/// A tensor of the file.
#[derive(Clone, Copy)]
pub(super) struct Planned<'n> {
    pub(super) named: Named<'n>,
    dtype: Dtype,
    is_first: bool,
    /// First byte, and the one after the last.
    start: usize,
    end: usize,
}

/// The tensors from here on, in the order of the file: by name.
#[derive(Clone, Copy)]
pub(super) struct Plan<'n, 'l> {
    tensors: NamedTensors<'n, 'l>,
    dtype: Dtype,
    previous: Option<FullName<'n>>,
    /// First byte of the next tensor.
    start: usize,
}

impl<'n, 'l> Plan<'n, 'l> {
    pub(super) const fn new(tensors: NamedTensors<'n, 'l>, dtype: Dtype) -> Self {
        Self { tensors, dtype, previous: None, start: 0 }
    }

    /// The next tensor, and what follows it. Of several with one name only the first is one.
    pub(super) const fn next(self) -> Option<(Planned<'n>, Self)> {
        let (mut next, mut others): (Option<Named<'n>>, _) = (None, self.tensors);
        while let Some((named, rest)) = others.next() {
            let is_left = match self.previous {
                Some(previous) => is_less(previous, named.name()),
                None => true,
            };
            let is_less = match next {
                Some(next) => is_less(named.name(), next.name()),
                None => true,
            };
            if is_left && is_less {
                next = Some(named);
            }
            others = rest;
        }
        let Some(named) = next else { return None };
        let Self { dtype, previous, start, .. } = self;
        let end = start.saturating_add(named.tensor.len().saturating_mul(dtype.bits() / 8));
        let tensor = Planned { named, dtype, is_first: previous.is_none(), start, end };
        Some((tensor, Self { previous: Some(named.name()), start: end, ..self }))
    }

    /// Number of tensors, bytes of the header's text and of the data.
    pub(super) const fn lengths(self) -> (usize, usize, usize) {
        let (mut count, mut header, mut plan) = (0_usize, "{}".len(), self);
        while let Some((tensor, rest)) = plan.next() {
            let entry = tensor.entry();
            let mut pieces: &[Piece<'_>] = &entry;
            while let [piece, others @ ..] = pieces {
                header = header.saturating_add(piece.len());
                pieces = others;
            }
            count = count.saturating_add(1);
            plan = rest;
        }
        (count, header, plan.start)
    }
}

const fn is_less(a: FullName<'_>, b: FullName<'_>) -> bool {
    matches!(a.compare(b), Ordering::Less)
}

/// A piece of the header.
#[derive(Clone, Copy)]
pub(super) enum Piece<'n> {
    Text(&'n str),
    /// To be escaped.
    Name(&'n str),
    Number(usize),
    /// Separated by commas.
    Numbers(&'static [usize]),
}

impl<'n> Planned<'n> {
    /// What the header has on it.
    pub(super) const fn entry(&self) -> [Piece<'n>; 13] {
        use Piece::{Name, Number, Numbers, Text};
        let Named { layer, tensor, .. } = self.named;
        [
            Text(if self.is_first { "\"" } else { ",\"" }),
            Name(layer),
            Text("."),
            Name(tensor.name),
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
            Self::Number(number) => length = Digits::of(number).len(),
            Self::Numbers(mut numbers) => {
                while let [number, others @ ..] = numbers {
                    let comma = !others.is_empty() as usize;
                    length = length.saturating_add(Digits::of(*number).len()).saturating_add(comma);
                    numbers = others;
                }
            }
            Self::Name(name) => {
                let mut name = name.as_bytes();
                while let [byte, rest @ ..] = name {
                    length = length.saturating_add(match escape(*byte) {
                        Escape::None => 1,
                        Escape::Letter(_) => 2,
                        Escape::Code => 6,
                    });
                    name = rest;
                }
            }
        }
        length
    }
}

/// How JSON writes a byte of UTF-8.
pub(super) enum Escape {
    /// As it is.
    None,
    /// `\` and this.
    Letter(u8),
    /// `\u` and four digits.
    Code,
}

/// Only what must be is escaped, as by the Python library.
pub(super) const fn escape(byte: u8) -> Escape {
    match byte {
        b'"' | b'\\' => Escape::Letter(byte),
        8 => Escape::Letter(b'b'),
        12 => Escape::Letter(b'f'),
        b'\n' => Escape::Letter(b'n'),
        b'\r' => Escape::Letter(b'r'),
        b'\t' => Escape::Letter(b't'),
        0..=0x1f => Escape::Code,
        _ => Escape::None,
    }
}
