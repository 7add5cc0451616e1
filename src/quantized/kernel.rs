//! The loops of int8 layers.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "sizes and indices are those of arrays, and sums have their bits"
)]

use super::multiplier::{Bounds, Multiplier, Rounding};
use crate::kernel::geometry::Windows;
use crate::kernel::{chunks_mut, run, stay_rolled};
use crate::shape::Shape;
use crate::target::{INTEGERS, Integers, SMALL};

/// How the weights of a layer are in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Output by output.
    Rows,
    /// The same, and two of them are computed together.
    Pairs,
    /// Four outputs together, input by input.
    Fours,
    /// The same with four outputs, as words of two numbers each for products of 64 bits.
    Words,
    /// Input by input.
    Columns,
    /// The same, of a depthwise convolution.
    Taps,
}

impl Order {
    /// That of a layer with these windows.
    pub(super) const fn of(windows: Windows, outputs: usize) -> Self {
        if windows.is_depthwise(outputs) && !windows.sees_all() {
            Self::Taps
        } else if windows.sees_all() {
            match INTEGERS {
                Integers::Simd => Self::Columns,
                Integers::Short => Self::Pairs,
                Integers::Long => Self::Words,
                Integers::Plain => Self::Fours,
            }
        } else {
            Self::Rows
        }
    }

    /// How many outputs are together in the block of an output, and the first of them.
    const fn block(self, outputs: usize, output: usize) -> (usize, usize) {
        let size = match self {
            Self::Rows | Self::Pairs | Self::Columns | Self::Taps => 1,
            Self::Fours | Self::Words => 4,
        };
        if output < outputs / size * size { (size, output / size * size) } else { (1, output) }
    }

    /// The place of a weight.
    pub(super) const fn place(
        self,
        (outputs, inputs): (usize, usize),
        output: usize,
        input: usize,
    ) -> usize {
        if matches!(self, Self::Columns | Self::Taps) {
            return input * outputs + output;
        }
        let (size, first) = self.block(outputs, output);
        first * inputs + input * size + (output - first)
    }

    /// What is in the place of a weight.
    pub(super) const fn encode(self, outputs: usize, output: usize, weight: i8) -> u8 {
        let (size, first) = self.block(outputs, output);
        match self {
            // Every second is 128 more, without a sign.
            Self::Words if size > 1 && (output - first) % 2 == 0 => weight as u8 ^ 128,
            _ => weight as u8,
        }
    }
}

/// An output of a layer, or a channel of outputs: what its sum of products becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit {
    /// With the share of the input's zero point.
    pub(super) bias: i32,
    pub(super) by: Multiplier,
}

/// Weights in words of memory.
#[derive(Clone, Debug, PartialEq)]
#[repr(align(4))]
pub(super) struct Aligned<W>(pub(super) W);

/// Weights as bytes.
pub(super) trait Bytes {
    fn bytes(&self) -> &[u8];
}

impl<W: Shape<Element = u8>> Bytes for W {
    #[inline(always)]
    fn bytes(&self) -> &[u8] {
        self.as_slice()
    }
}

/// What a layer consists of.
pub(super) struct Parts<'a, W> {
    pub(super) weights: &'a Aligned<W>,
    pub(super) units: &'a [Unit],
    pub(super) bounds: Bounds,
    /// Of the input: what is outside of it.
    pub(super) zero_point: i8,
    /// Whether it is a convolution.
    pub(super) convolves: bool,
}

impl<W: Bytes> Parts<'_, W> {
    /// The outputs of all positions. `window` and `sums` have room for the inputs that an output sees,
    /// and for one number for each output.
    #[inline(always)]
    pub(super) fn run<R: Rounding>(
        &self,
        order: Order,
        windows: Windows,
        x: &[i8],
        y: &mut [i8],
        window: &mut [i8],
        sums: &mut [i32],
    ) {
        let inside = windows.is_run() && windows.columns.whole_len() == windows.columns.output;
        let (step, length) = (windows.columns.step * windows.channels, window.len());
        let mut outputs = chunks_mut(y, self.units.len());
        if !matches!(order, Order::Taps) && inside {
            // The windows are in the input as they are. Its rows have one window each, or there is one row.
            let apart = windows.pixel(windows.rows.step, 0);
            for row in 0..windows.rows.output {
                let mut at = row * apart;
                for _ in 0..windows.columns.output {
                    let (Some(y), Some(x)) = (outputs.next(), run(x, at, length)) else { return };
                    self.affine::<R>(order, x, y);
                    at += step;
                }
            }
            return;
        }
        for row in 0..windows.rows.output {
            for column in 0..windows.columns.output {
                let Some(y) = outputs.next() else { return };
                if order == Order::Taps {
                    self.depthwise::<R>(windows, (row, column), x, y, sums);
                } else if windows.sees_all() {
                    window.fill(self.zero_point);
                    gather(windows, (row, column), 0, x, window);
                    self.affine::<R>(order, window, y);
                } else {
                    self.groups::<R>(windows, (row, column), x, y, window);
                }
            }
        }
    }

    /// Each output sees all of `x`.
    #[inline(always)]
    fn affine<R: Rounding>(&self, order: Order, x: &[i8], y: &mut [i8]) {
        let mut rest = Rest { parts: self, inputs: x.len(), units: self.units, y };
        match order {
            // Of few inputs, a call takes longer than the sums.
            Order::Pairs if x.len() > FEW => {
                while rest.units.len() >= 2 {
                    rest.put::<R, 2>(dot_two(rest.weights(2), x).into());
                }
            }
            Order::Fours => {
                while rest.units.len() >= 4 {
                    rest.put::<R, 4>(dot_four(rest.weights(4), x));
                }
            }
            Order::Words if rest.units.len() >= 4 => {
                // The weights of every second output are 128 more.
                let more = x.iter().fold(0_i32, |sum, &x| sum.wrapping_add(i32::from(x))) << 7;
                while rest.units.len() >= 4 {
                    rest.put::<R, 4>(dot_words(rest.weights(4), x, more));
                }
            }
            Order::Columns => {
                // 16 sums are in registers.
                while rest.units.len() >= 16 {
                    rest.put::<R, 16>(dot_columns(rest.columns(), self.units.len(), x));
                }
                while rest.units.len() >= 4 {
                    rest.put::<R, 4>(dot_columns(rest.columns(), self.units.len(), x));
                }
                while !rest.units.is_empty() {
                    rest.put::<R, 1>(dot_columns(rest.columns(), self.units.len(), x));
                }
            }
            Order::Words | Order::Pairs | Order::Rows | Order::Taps => {}
        }
        while !rest.units.is_empty() {
            rest.put::<R, 1>([dot(rest.weights(1), x)]);
        }
    }

    /// The output of a sum of products.
    #[inline(always)]
    fn output<R: Rounding>(&self, unit: Unit, sum: i32) -> i8 {
        self.bounds.requantize::<R>(sum.wrapping_add(unit.bias), unit.by, self.convolves)
    }

    /// Each output sees one channel, its own.
    #[inline(always)]
    fn depthwise<R: Rounding>(
        &self,
        windows: Windows,
        (row, column): (usize, usize),
        x: &[i8],
        y: &mut [i8],
        sums: &mut [i32],
    ) {
        let outputs = self.units.len();
        sums.fill(0);
        let mut taps = self.weights.0.bytes();
        for row_tap in 0..windows.rows.kernel {
            for column_tap in 0..windows.columns.kernel {
                let Some((weights, rest)) = taps.split_at_checked(outputs) else { return };
                taps = rest;
                match windows.tap_at((row, column), (row_tap, column_tap)) {
                    Some(at) => {
                        let x = x.get(at..).unwrap_or_default();
                        for ((sum, &w), &x) in sums.iter_mut().zip(weights).zip(x) {
                            *sum = add_product(*sum, w, x);
                        }
                    }
                    None => {
                        for (sum, &w) in sums.iter_mut().zip(weights) {
                            *sum = add_product(*sum, w, self.zero_point);
                        }
                    }
                }
            }
        }
        for ((y, &sum), &unit) in y.iter_mut().zip(&*sums).zip(self.units) {
            *y = self.output::<R>(unit, sum);
        }
    }

    /// Each output sees the channels of its group.
    #[inline(always)]
    fn groups<R: Rounding>(
        &self,
        windows: Windows,
        at: (usize, usize),
        x: &[i8],
        y: &mut [i8],
        window: &mut [i8],
    ) {
        let (mut weights, mut last) = (self.weights.0.bytes(), None);
        let outputs = self.units.len();
        for (o, (y, &unit)) in y.iter_mut().zip(self.units).enumerate() {
            let channel = windows.first_channel(o, outputs);
            if last != Some(channel) {
                window.fill(self.zero_point);
                gather(windows, at, channel, x, window);
                last = Some(channel);
            }
            let Some((row, rest)) = weights.split_at_checked(window.len()) else { return };
            *y = self.output::<R>(unit, dot(row, window));
            weights = rest;
        }
    }
}

/// With so many inputs, the loops are unrolled.
const FEW: usize = 4;

/// The outputs that are still to be computed.
struct Rest<'a, 'y, W> {
    parts: &'a Parts<'a, W>,
    inputs: usize,
    units: &'a [Unit],
    y: &'y mut [i8],
}

impl<'a, W: Bytes> Rest<'a, '_, W> {
    /// The number of the next output.
    #[inline(always)]
    fn next(&self) -> usize {
        self.parts.units.len() - self.units.len()
    }

    /// The weights of the next outputs.
    #[inline(always)]
    fn weights(&self, outputs: usize) -> &'a [u8] {
        run(self.parts.weights.0.bytes(), self.next() * self.inputs, outputs * self.inputs)
            .unwrap_or_default()
    }

    /// All weights from the first of the next output on, where they are input by input.
    #[inline(always)]
    fn columns(&self) -> &'a [u8] {
        self.parts.weights.0.bytes().get(self.next()..).unwrap_or_default()
    }

    /// Writes the next outputs, from sums of products.
    #[inline(always)]
    fn put<R: Rounding, const N: usize>(&mut self, sums: [i32; N]) {
        let outputs = core::mem::take(&mut self.y).split_first_chunk_mut::<N>();
        let (Some((units, rest)), Some((y, others))) =
            (self.units.split_first_chunk::<N>(), outputs)
        else {
            self.units = &[];
            return;
        };
        for ((y, &sum), &unit) in y.iter_mut().zip(&sums).zip(units) {
            *y = self.parts.output::<R>(unit, sum);
        }
        (self.units, self.y) = (rest, others);
    }
}

/// Copies what is inside of the input at a position, from this channel on.
#[inline(always)]
fn gather(windows: Windows, at: (usize, usize), channel: usize, x: &[i8], window: &mut [i8]) {
    let mut places = chunks_mut(window, windows.group);
    for row_tap in 0..windows.rows.kernel {
        for column_tap in 0..windows.columns.kernel {
            let Some(place) = places.next() else { return };
            let inside = windows.tap_at(at, (row_tap, column_tap));
            if let Some(x) = inside.and_then(|pixel| run(x, pixel + channel, windows.group)) {
                place.iter_mut().zip(x).for_each(|(place, &x)| *place = x);
            }
        }
    }
}

/// `sum + w x`.
#[inline(always)]
fn add_product(sum: i32, w: u8, x: i8) -> i32 {
    sum.wrapping_add(i32::from(w as i8).wrapping_mul(i32::from(x)))
}

/// The sum of products.
#[inline(always)]
fn dot(w: &[u8], x: &[i8]) -> i32 {
    w.iter().zip(x).fold(0, |sum, (&w, &x)| add_product(sum, w, x))
}

/// The same of some outputs, whose weights are input by input, `apart` from each other.
#[inline(always)]
fn dot_columns<const N: usize>(w: &[u8], apart: usize, x: &[i8]) -> [i32; N] {
    let mut sums = [0; N];
    let (mut w, mut pairs) = (w, x.chunks_exact(2));
    for x in pairs.by_ref() {
        let (Some(first), Some(second)) = (w.first_chunk::<N>(), run(w, apart, N)) else { break };
        let &[x0, x1] = x else { break };
        let (x0, x1) = (i16::from(x0), i16::from(x1));
        // Two products fit in 16 bits.
        for ((sum, &a), &b) in sums.iter_mut().zip(first).zip(second) {
            let two = i16::from(a as i8) * x0 + i16::from(b as i8) * x1;
            *sum = i32::wrapping_add(*sum, i32::from(two));
        }
        w = w.get(2 * apart..).unwrap_or_default();
    }
    if let (Some(w), &[x]) = (w.first_chunk::<N>(), pairs.remainder()) {
        for (sum, &w) in sums.iter_mut().zip(w) {
            *sum = add_product(*sum, w, x);
        }
    }
    sums
}

/// The same of four outputs, whose weights are interleaved.
#[inline(always)]
fn dot_four(w: &[u8], x: &[i8]) -> [i32; 4] {
    let [mut a, mut b, mut c, mut d] = [0; 4];
    for (w, &x) in w.chunks_exact(4).zip(x) {
        if let &[wa, wb, wc, wd] = w {
            a = add_product(a, wa, x);
            b = add_product(b, wb, x);
            c = add_product(c, wc, x);
            d = add_product(d, wd, x);
        }
    }
    [a, b, c, d]
}

/// The same of two outputs. A function of its own has enough registers; a pair is returned in two of them.
#[inline(never)]
fn dot_two(w: &[u8], x: &[i8]) -> (i32, i32) {
    let (mut first, mut second) = (0, 0);
    let Some((a, b)) = w.split_at_checked(x.len()) else { return (0, 0) };
    // From the end, so that one number counts and is the index.
    for ((&a, &b), &x) in a.iter().zip(b).zip(x).rev() {
        stay_rolled();
        (first, second) = (add_product(first, a, x), add_product(second, b, x));
    }
    (first, second)
}

/// Of so many products of weights without a sign, a sum has less than 24 bits.
const WORD_CHUNK: usize = 256;

/// Two sums, the second of them times `2^24`.
#[derive(Clone, Copy)]
struct TwoSums(i64);

impl TwoSums {
    /// Adds the products of `x` and of two weights: the lowest byte, without a sign, and the highest.
    #[inline(always)]
    fn add(&mut self, word: u32, x: i8) {
        let weights = i64::from((word & 0xff00_00ff) as i32);
        self.0 = self.0.wrapping_add(weights.wrapping_mul(i64::from(x)));
    }

    /// Both sums.
    #[inline(always)]
    fn split(self) -> [i32; 2] {
        let low = (self.0 as i32) << 8 >> 8;
        [low, (self.0.wrapping_sub(i64::from(low)) >> 24) as i32]
    }
}

/// The same of four outputs, whose weights are words; those of the first and the third are `more` in all.
#[inline(always)]
fn dot_words(w: &[u8], x: &[i8], more: i32) -> [i32; 4] {
    let (first, rest) = x.split_at_checked(WORD_CHUNK).unwrap_or((x, &[]));
    let (weights, mut w) = w.split_at_checked(4 * first.len()).unwrap_or((w, &[]));
    let mut sums = add_words(weights, first);
    for x in rest.chunks(WORD_CHUNK) {
        let (weights, others) = w.split_at_checked(4 * x.len()).unwrap_or((w, &[]));
        let more = add_words(weights, x);
        w = others;
        for (sum, more) in sums.iter_mut().zip(more) {
            *sum = sum.wrapping_add(more);
        }
    }
    let [p, q, r, s] = sums;
    [p.wrapping_sub(more), q, r.wrapping_sub(more), s]
}

/// Adds the products of two inputs.
#[inline(always)]
fn add_pair(a: &mut TwoSums, b: &mut TwoSums, w: &[u8], x: &[i8]) {
    if let (Some((w0, w1)), &[x0, x1]) = (w.split_first_chunk::<4>(), x) {
        let Some(w1) = w1.first_chunk::<4>() else { return };
        let (first, second) = (u32::from_le_bytes(*w0), u32::from_le_bytes(*w1));
        a.add(first, x0);
        a.add(second, x1);
        b.add(first.rotate_right(16), x0);
        b.add(second.rotate_right(16), x1);
    }
}

/// The sums of products of up to [`WORD_CHUNK`] inputs. A function of its own has enough registers.
#[inline(never)]
fn add_words(w: &[u8], x: &[i8]) -> [i32; 4] {
    let (mut a, mut b) = (TwoSums(0), TwoSums(0));
    let pairs = w.chunks_exact(8).zip(x.chunks_exact(2));
    // From the end, one number counts and is the index, which is fewer instructions at level s only.
    if SMALL {
        for (w, x) in pairs.rev() {
            add_pair(&mut a, &mut b, w, x);
        }
    } else {
        for (w, x) in pairs {
            stay_rolled();
            add_pair(&mut a, &mut b, w, x);
        }
    }
    if let ([x], Some(&w)) = (x.chunks_exact(2).remainder(), w.last_chunk::<4>()) {
        a.add(u32::from_le_bytes(w), *x);
        b.add(u32::from_le_bytes(w).rotate_right(16), *x);
    }
    let ([first, fourth], [third, second]) = (a.split(), b.split());
    [first, second, third, fourth]
}
