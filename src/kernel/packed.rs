//! Small numbers and bits, several in a byte: one for each position and each of `OUT` outputs.
//!
//! Bytes are `[position / numbers in a byte][OUT]`, so that those of one position are adjacent.

#![allow(clippy::arithmetic_side_effects, reason = "sizes and indices are those of arrays")]

/// How many bits a number below `count` takes, so that no number is in two bytes.
#[inline(always)]
pub(crate) const fn width(count: u32) -> u32 {
    match count {
        0..=2 => 1,
        3..=4 => 2,
        5..=16 => 4,
        _ => 8,
    }
}

/// How many bytes these positions take.
pub(crate) const fn bytes(width: u32, positions: usize, outputs: usize) -> usize {
    positions.saturating_mul(width as usize).div_ceil(8).saturating_mul(outputs)
}

/// The bytes of a position, and where its numbers are in them.
#[inline(always)]
pub(crate) const fn at(width: u32, position: usize, outputs: usize) -> (usize, usize) {
    let bit = position * width as usize;
    (bit / 8 * outputs, bit % 8)
}

/// The number of a position and an output.
#[inline(always)]
pub(crate) fn get<const OUT: usize>(
    bytes: &[u8],
    width: u32,
    position: usize,
    output: usize,
) -> u8 {
    let (first, shift) = at(width, position, OUT);
    let byte = bytes.get(first + output).copied().unwrap_or(0);
    byte >> shift & (u8::MAX >> (8 - width))
}

/// Writes the number of a position to its byte.
#[inline(always)]
#[allow(clippy::cast_possible_truncation, reason = "numbers fit in a byte")]
pub(crate) fn put(byte: &mut u8, width: u32, position: usize, number: usize) {
    let (_, shift) = at(width, position, 1);
    *byte = *byte & !(u8::MAX >> (8 - width) << shift) | (number << shift) as u8;
}

/// Calls `f` with each position whose bit is set, for one output.
#[inline(always)]
pub(crate) fn each_set<const OUT: usize>(bytes: &[u8], output: usize, mut f: impl FnMut(usize)) {
    let bytes = bytes.get(output..).unwrap_or_default();
    let mut first = 0;
    for &byte in bytes.iter().step_by(OUT) {
        let mut bits = u32::from(byte);
        while bits != 0 {
            f(first + bits.trailing_zeros() as usize);
            bits &= bits - 1;
        }
        first += 8;
    }
}

/// The bits of up to 16 positions in a row.
#[derive(Clone, Copy)]
pub(crate) struct Bits {
    byte: usize,
    shift: usize,
    mask: u32,
}

impl Bits {
    /// Those of so many positions from this one on.
    #[inline(always)]
    pub(crate) const fn new(position: usize, count: usize) -> Self {
        Self { byte: position / 8, shift: position % 8, mask: (1 << count) - 1 }
    }

    /// The bits of one output, that of the first position lowest.
    #[inline(always)]
    pub(crate) fn of<const OUT: usize>(self, bytes: &[u8], output: usize) -> u32 {
        let bytes = bytes.get(self.byte * OUT + output..).unwrap_or_default();
        let at = |i: usize| u32::from(bytes.get(i * OUT).copied().unwrap_or(0));
        (at(0) | at(1) << 8 | at(2) << 16) >> self.shift & self.mask
    }
}
