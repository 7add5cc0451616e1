//! What a file will hold, and how long it will be: in const functions.

use super::Dtype;
use super::digits::Digits;
use super::names::ignored;
use super::shapes::WeightShapes;

/// A tensor of the file.
#[derive(Clone, Copy)]
pub(super) struct Planned<'n> {
    name: Name<'n>,
    /// Of the layer among those of the network.
    pub(super) place: usize,
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    /// First byte, and the one after the last.
    start: usize,
    end: usize,
}

/// The name of a tensor.
#[derive(Clone, Copy)]
struct Name<'n> {
    layer: &'n str,
    is_bias: bool,
}

impl<'n> Name<'n> {
    const fn part(self) -> &'static str {
        if self.is_bias { ".bias" } else { ".weight" }
    }

    /// Whether it comes before another, by the bytes of the whole name.
    const fn is_before(self, other: Self) -> bool {
        let (mut a, mut a_part) = (self.layer.as_bytes(), self.part().as_bytes());
        let (mut b, mut b_part) = (other.layer.as_bytes(), other.part().as_bytes());
        loop {
            if a.is_empty() {
                (a, a_part) = (a_part, &[]);
            }
            if b.is_empty() {
                (b, b_part) = (b_part, &[]);
            }
            match (a, b) {
                ([], b) => return !b.is_empty(),
                (_, []) => return false,
                ([first, ..], [second, ..]) if *first != *second => return *first < *second,
                ([_, first @ ..], [_, second @ ..]) => {
                    a = first;
                    b = second;
                }
            }
        }
    }
}

/// The tensors from here on, in the order of the file: by name.
#[derive(Clone, Copy)]
pub(super) struct Plan<'n, 'l> {
    shapes: WeightShapes,
    names: &'l [&'n str],
    dtype: Dtype,
    previous: Option<Name<'n>>,
    /// First byte of the next tensor.
    start: usize,
}

impl<'n, 'l> Plan<'n, 'l> {
    /// Each name must be another, but for those that end in `..`, which are skipped.
    pub(super) const fn new(shapes: WeightShapes, names: &'l [&'n str], dtype: Dtype) -> Self {
        Self { shapes, names, dtype, previous: None, start: 0 }
    }

    /// The next tensor, and what follows it.
    pub(super) const fn next(self) -> Option<(Planned<'n>, Self)> {
        let (mut next, mut place, mut names): (Option<Planned<'n>>, usize, _) =
            (None, 0, self.names);
        while let [layer, others @ ..] = names {
            names = others;
            if ignored(layer).is_some() {
                continue;
            }
            let Some(weights) = self.shapes.get(place) else { return None };
            let mut is_bias = false;
            loop {
                let name = Name { layer, is_bias };
                let is_left = match self.previous {
                    Some(previous) => previous.is_before(name),
                    None => true,
                };
                let is_first = match next {
                    Some(next) => name.is_before(next.name),
                    None => true,
                };
                if is_left && is_first {
                    let inputs = if is_bias { 1 } else { weights.inputs };
                    let bytes = inputs
                        .saturating_mul(weights.outputs)
                        .saturating_mul(self.dtype.bits() / 8);
                    next = Some(Planned {
                        name,
                        place,
                        inputs,
                        outputs: weights.outputs,
                        start: self.start,
                        end: self.start.saturating_add(bytes),
                    });
                }
                if is_bias || !weights.bias {
                    break;
                }
                is_bias = true;
            }
            place = place.wrapping_add(1);
        }
        match next {
            Some(tensor) => {
                let rest = Self { previous: Some(tensor.name), start: tensor.end, ..self };
                Some((tensor, rest))
            }
            None => None,
        }
    }

    /// Bytes of the header's text, and of the data.
    pub(super) const fn lengths(self) -> (usize, usize) {
        let (mut header, mut plan) = ("{}".len(), self);
        while let Some((tensor, rest)) = plan.next() {
            let entry = tensor.entry(self.dtype, plan.previous.is_none());
            let mut pieces: &[Piece<'_>] = &entry;
            while let [piece, others @ ..] = pieces {
                header = header.saturating_add(piece.len());
                pieces = others;
            }
            plan = rest;
        }
        (header, plan.start)
    }

    pub(super) const fn is_first(&self) -> bool {
        self.previous.is_none()
    }
}

/// A piece of the header.
#[derive(Clone, Copy)]
pub(super) enum Piece<'n> {
    Text(&'n str),
    /// To be escaped.
    Name(&'n str),
    Number(usize),
}

impl<'n> Planned<'n> {
    pub(super) const fn is_bias(&self) -> bool {
        self.name.is_bias
    }

    /// What the header has on it.
    pub(super) const fn entry(&self, dtype: Dtype, is_first: bool) -> [Piece<'n>; 14] {
        use Piece::{Name, Number, Text};
        let second =
            if self.name.is_bias { [Text(""), Text("")] } else { [Text(","), Number(self.inputs)] };
        let [comma, inputs] = second;
        [
            Text(if is_first { "\"" } else { ",\"" }),
            Name(self.name.layer),
            Text(self.name.part()),
            Text("\":{\"dtype\":\""),
            Text(dtype.name()),
            Text("\",\"shape\":["),
            Number(self.outputs),
            comma,
            inputs,
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
        match self {
            Self::Text(text) => text.len(),
            Self::Number(number) => Digits::of(number).len(),
            Self::Name(name) => {
                let (mut name, mut length) = (name.as_bytes(), 0_usize);
                while let [byte, rest @ ..] = name {
                    length = length.saturating_add(match escape(*byte) {
                        Escape::None => 1,
                        Escape::Letter(_) => 2,
                        Escape::Code => 6,
                    });
                    name = rest;
                }
                length
            }
        }
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
