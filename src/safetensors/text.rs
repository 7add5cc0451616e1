//! Strings of bounded length, built in const functions, for error messages.

use core::fmt;

use super::json::Quoted;
use super::names::pieces;
use crate::macros::defmt_shows;

/// Error message of up to 256 bytes; longer text is truncated.
#[derive(Clone, Copy)]
pub struct Text {
    bytes: [u8; 256],
    length: usize,
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

defmt_shows!([] Text: |text, f| text.as_str().format(f));

impl Text {
    pub(super) const EMPTY: Self = Self { bytes: [0; 256], length: 0 };

    /// The text.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        beginning(&self.bytes, self.length)
    }

    pub(super) const fn add(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    #[inline(never)]
    const fn bytes(&mut self, mut text: &[u8]) -> &mut Self {
        while let [byte, rest @ ..] = text {
            push(&mut self.bytes, self.length, *byte);
            self.length = self.length.saturating_add(1);
            text = rest;
        }
        self
    }

    pub(super) const fn tensor(&mut self, layer: &str, part: &str) -> &mut Self {
        let [a, b, c] = pieces(layer, part);
        self.add("tensor `").bytes(a).bytes(b).bytes(c).add("`")
    }

    #[inline(never)]
    pub(super) const fn number(&mut self, number: usize) -> &mut Self {
        self.add(Digits::of(number).as_str())
    }

    /// A shape of this rank, of which these sizes are known.
    #[inline(never)]
    pub(super) const fn shape(&mut self, rank: usize, mut sizes: &[usize]) -> &mut Self {
        let is_cut = sizes.len() < rank;
        self.add("[");
        while let [size, others @ ..] = sizes {
            self.number(*size).add(if others.is_empty() { "" } else { ", " });
            sizes = others;
        }
        if is_cut { self.add(", ..] of rank ").number(rank) } else { self.add("]") }
    }

    pub(super) const fn names(&mut self, names: &Names) -> &mut Self {
        self.add(names.as_str());
        match names.more {
            0 => self,
            more => self.add(", and ").number(more as usize).add(" more"),
        }
    }
}

/// Names of tensors in a file, for an error: the first few, and the number of the others.
///
/// It prints as `0.weight, 0.bias, and 3 more`. The names are copied, up to 61 bytes, so the error
/// does not borrow the file: a longer name ends in `..`, control characters become `?`.
#[derive(Clone, Copy)]
pub struct Names {
    bytes: [u8; 61],
    length: u8,
    more: u16,
}

impl Names {
    pub(super) const NONE: Self = Self { bytes: [0; 61], length: 0, more: 0 };

    /// The names that fit, separated by commas.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        beginning(&self.bytes, self.length as usize)
    }

    /// Number of the others, at most 65,535.
    #[must_use]
    pub const fn more(&self) -> usize {
        self.more as usize
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Adds a name, or counts it if it does not fit or an earlier name did not.
    pub(super) const fn add(&mut self, mut name: Quoted<'_>) {
        let before = self.length;
        if before > 0 {
            self.push(b',');
            self.push(b' ');
        }
        if name.len() == 0 {
            self.push(b'"');
            self.push(b'"');
        }
        while let Ok(Some(byte)) = name.next() {
            self.push(if byte.is_ascii_control() { b'?' } else { byte });
        }
        let is_full = self.length as usize > self.bytes.len();
        if is_full && before == 0 {
            self.length = 59;
            self.push(b'.');
            self.push(b'.');
        } else if is_full || self.more > 0 {
            self.length = before;
            self.add_others(1);
        }
    }

    /// Counts names that are not listed.
    pub(super) const fn add_others(&mut self, count: usize) {
        let more = count.saturating_add(self.more as usize);
        #[allow(clippy::cast_possible_truncation, reason = "it is no larger")]
        let more = if more > u16::MAX as usize { u16::MAX } else { more as u16 };
        self.more = more;
    }

    const fn push(&mut self, byte: u8) {
        push(&mut self.bytes, self.length as usize, byte);
        self.length = self.length.saturating_add(1);
    }
}

impl PartialEq for Names {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str() && self.more == other.more
    }
}

impl Eq for Names {}

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str({ Text::EMPTY }.names(self).as_str())
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Names({self})")
    }
}

defmt_shows!([] Names: |names, f| { Text::EMPTY }.names(names).format(f));

/// The decimal digits of a number.
#[derive(Clone, Copy)]
pub(super) struct Digits {
    /// From the right; `u64::MAX` has 20 digits.
    bytes: [u8; 20],
    pub(super) length: usize,
}

impl Digits {
    #[allow(clippy::cast_possible_truncation, reason = "digits fit into a byte")]
    pub(super) const fn of(number: usize) -> Self {
        let mut digits = Self { bytes: [0; 20], length: 0 };
        let (mut places, mut rest): (&mut [u8], _) = (&mut digits.bytes, number);
        while let [others @ .., place] = places {
            *place = b'0' | (rest % 10) as u8;
            rest /= 10;
            digits.length = digits.length.wrapping_add(1);
            if rest == 0 {
                break;
            }
            places = others;
        }
        digits
    }

    pub(super) const fn as_str(&self) -> &str {
        let from = self.bytes.len().wrapping_sub(self.length);
        let Some((_, digits)) = self.bytes.split_at_checked(from) else { return "" };
        beginning(digits, self.length)
    }
}

/// Writes a byte, if there is room.
const fn push(bytes: &mut [u8], place: usize, byte: u8) {
    if let Some((_, [free, ..])) = bytes.split_at_mut_checked(place) {
        *free = byte;
    }
}

/// The first bytes of a string, up to the last complete character.
const fn beginning(bytes: &[u8], length: usize) -> &str {
    let bytes = if let Some((bytes, _)) = bytes.split_at_checked(length) { bytes } else { bytes };
    match core::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => beginning(bytes, error.valid_up_to()),
    }
}
