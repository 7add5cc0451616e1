//! Kernels for windows of sequences and images: convolutions.
//!
//! Steps and pixels are contiguous, so a window is a run of numbers, or a few of them, and a
//! convolution is a dense layer at each position: nothing is copied. Sums of several positions and
//! several outputs stay in registers ([`Tile`]), so that each loaded number is used in several
//! products.
//!
//! The order of each sum is part of the contract. Places outside of the input add nothing.
//!
//! - A logit adds its products in the order of the taps (rows, then columns, then channels), and its
//!   bias last.
//! - An input gradient adds its products in the order of the taps, and for each tap of the outputs.
//! - The gradient of a weight adds its products in the order of the positions.

#![allow(clippy::arithmetic_side_effects, reason = "sizes and indices are those of arrays")]
#![allow(clippy::int_plus_one, reason = "in a macro, for several widths")]

use core::marker::PhantomData;
use core::ops::Range;

use super::fpu::{columns, columns_mut};
use super::{Both, HARDWARE, Hardware, begin_sums, chunks, stay_rolled};
use crate::fingerprint::size;
use crate::scalar::Scalar;

/// One dimension of the windows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Axis {
    /// Number of steps or pixels of the input.
    pub(crate) input: usize,
    /// Number of taps of the kernel.
    pub(crate) kernel: usize,
    /// Number of positions of the window.
    pub(crate) output: usize,
    /// Distance between two positions: the stride.
    pub(crate) step: usize,
    /// Padding before the first step.
    pub(crate) padding: usize,
    /// Distance between two taps.
    pub(crate) dilation: usize,
}

/// `a / b`, rounded up.
const fn ceiling(a: usize, b: usize) -> usize {
    match a.wrapping_add(b).wrapping_sub(1).checked_div(b) {
        Some(quotient) => quotient,
        None => 0,
    }
}

const fn least(a: usize, b: usize) -> usize {
    if a < b { a } else { b }
}

impl Axis {
    /// The dimension that a sequence lacks.
    pub(crate) const ONE: Self =
        Self { input: 1, kernel: 1, output: 1, step: 1, padding: 0, dilation: 1 };

    /// One window over all of the input.
    pub(crate) const fn covered(input: usize) -> Self {
        Self { input, kernel: input, ..Self::ONE }
    }

    /// Whether the windows are inside of the input, and the last one ends with it.
    pub(crate) const fn is_exact(self) -> bool {
        let last = self.output.wrapping_sub(1).saturating_mul(self.step);
        self.is_valid() && last.saturating_add(self.kernel) == self.input
    }

    /// Whether each window is at least partly inside of the input.
    pub(crate) const fn is_valid(self) -> bool {
        let last = self.output.wrapping_sub(1).saturating_mul(self.step);
        let width = self.kernel.wrapping_sub(1).saturating_mul(self.dilation);
        self.input > 0
            && self.kernel > 0
            && self.output > 0
            && self.step > 0
            && self.dilation > 0
            && self.padding <= width
            && last < self.input.saturating_add(self.padding)
    }

    /// The taps that are inside of the input at this position.
    #[inline(always)]
    const fn taps(self, position: usize) -> Range<usize> {
        let start = position * self.step;
        let first = ceiling(self.padding.saturating_sub(start), self.dilation);
        let end = ceiling((self.input + self.padding).saturating_sub(start), self.dilation);
        first..least(end, self.kernel)
    }

    /// The place of a tap that is inside.
    #[inline(always)]
    const fn place(self, position: usize, tap: usize) -> usize {
        (position * self.step + tap * self.dilation).saturating_sub(self.padding)
    }

    /// The positions at which all taps are inside.
    #[inline(always)]
    const fn whole(self) -> Range<usize> {
        let width = (self.kernel - 1) * self.dilation;
        let end = (self.input + self.padding).saturating_sub(width);
        let end = least(ceiling(end, self.step), self.output);
        least(ceiling(self.padding, self.step), end)..end
    }

    /// The positions at which this tap is inside.
    #[inline(always)]
    const fn positions(self, tap: usize) -> Range<usize> {
        let start = tap * self.dilation;
        let first = ceiling(self.padding.saturating_sub(start), self.step);
        let end = ceiling((self.input + self.padding).saturating_sub(start), self.step);
        let end = least(end, self.output);
        least(first, end)..end
    }

    /// The position at which this tap is at this place.
    #[inline(always)]
    fn position(self, place: usize, tap: usize) -> Option<usize> {
        let start = (place + self.padding).checked_sub(tap * self.dilation)?;
        let position = start.checked_div(self.step)?;
        (position * self.step == start && position < self.output).then_some(position)
    }

    /// The places of a phase, counted in steps, at which every tap that is ever at one has a
    /// position.
    #[inline(always)]
    const fn inner(self, phase: usize) -> Range<usize> {
        let width = (self.kernel - 1) * self.dilation;
        let first = width.saturating_sub(self.padding + phase);
        let end = (self.output * self.step).saturating_sub(self.padding + phase);
        let (first, end) = (ceiling(first, self.step), ceiling(end, self.step));
        least(first, end)..end
    }

    /// Number of positions at which all taps are inside.
    #[inline(always)]
    const fn whole_len(self) -> usize {
        let Range { start, end } = self.whole();
        end - start
    }
}

/// The windows of a convolution.
#[derive(Clone, Copy, Debug)]
pub struct Windows {
    /// From top to bottom.
    pub(crate) rows: Axis,
    /// From left to right, or in time.
    pub(crate) columns: Axis,
    /// Number of input channels.
    pub(crate) channels: usize,
    /// Number of input channels that each output sees.
    pub(crate) group: usize,
}

impl Windows {
    /// Multiply-accumulates of a forward pass, without those of the padding.
    pub(crate) const fn macs(self, outputs: usize) -> usize {
        inside(self.rows) * inside(self.columns) * self.group * outputs
    }

    /// Number of taps.
    pub(crate) const fn count(self) -> u32 {
        size(self.rows.kernel.saturating_mul(self.columns.kernel))
    }

    /// Whether no number is in two windows.
    pub(crate) const fn is_apart(self) -> bool {
        self.rows.step == self.rows.kernel && self.columns.step == self.columns.kernel
            || self.rows.output == 1 && self.columns.output == 1
    }

    /// Whether each output sees all channels.
    const fn sees_all(self) -> bool {
        self.group == self.channels
    }

    /// Whether each output sees one channel, its own.
    const fn is_depthwise(self, outputs: usize) -> bool {
        self.group == 1 && self.channels == outputs
    }

    /// The first channel that an output sees.
    #[inline(always)]
    const fn first_channel(self, output: usize, outputs: usize) -> usize {
        if self.is_depthwise(outputs) {
            return output;
        }
        let group = match (output * self.channels).checked_div(outputs * self.group) {
            Some(group) => group,
            None => 0,
        };
        group * self.group
    }

    /// Index of the first number of a pixel.
    #[inline(always)]
    const fn pixel(self, row: usize, column: usize) -> usize {
        (row * self.columns.input + column) * self.channels
    }

    /// Index of the first row of weights of a tap.
    #[inline(always)]
    const fn weights(self, row_tap: usize, column_tap: usize) -> usize {
        (row_tap * self.columns.kernel + column_tap) * self.group
    }

    /// Calls `f` with each tap.
    #[inline(always)]
    fn taps(self, mut f: impl FnMut(usize, usize)) {
        for row_tap in 0..self.rows.kernel {
            for column_tap in 0..self.columns.kernel {
                f(row_tap, column_tap);
            }
        }
    }

    /// Calls `f` with each tap inside of the window at a position: the indices of its pixel and of
    /// its first row of weights.
    #[inline(always)]
    pub(crate) fn taps_at(self, row: usize, column: usize, mut f: impl FnMut(usize, usize)) {
        for row_tap in self.rows.taps(row) {
            let place = self.rows.place(row, row_tap);
            for column_tap in self.columns.taps(column) {
                let pixel = self.pixel(place, self.columns.place(column, column_tap));
                f(pixel, self.weights(row_tap, column_tap));
            }
        }
    }

    /// The runs of the window at a position.
    #[inline(always)]
    const fn runs(self, row: usize, column: usize) -> Runs {
        let (rows, columns) = (self.rows.taps(row), self.columns.taps(column));
        let (taps, dilation) = (columns.end - columns.start, self.columns.dilation);
        let place = self.columns.place(column, columns.start);
        Runs {
            x: self.pixel(self.rows.place(row, rows.start), place),
            weights: self.weights(rows.start, columns.start),
            apart: self.columns.step * self.channels,
            len: if dilation == 1 { taps * self.channels } else { self.channels },
            columns: if dilation == 1 { 1 } else { taps },
            x_column: dilation * self.channels,
            weights_column: self.channels,
            rows: rows.end - rows.start,
            x_row: self.pixel(self.rows.dilation, 0),
            weights_row: self.weights(1, 0),
        }
    }

    /// Calls `f` with the position and the first row of weights of each tap that is at a place.
    #[inline(always)]
    fn sources(self, row: usize, column: usize, mut f: impl FnMut(usize, usize)) {
        for row_tap in 0..self.rows.kernel {
            let Some(y) = self.rows.position(row, row_tap) else { continue };
            for column_tap in 0..self.columns.kernel {
                let Some(x) = self.columns.position(column, column_tap) else { continue };
                f(y * self.columns.output + x, self.weights(row_tap, column_tap));
            }
        }
    }

    /// A function from a position to the index of the first number of a tap there, if it is inside.
    #[inline(always)]
    fn run_at(self, row_tap: usize, column_tap: usize) -> impl Fn(usize, usize) -> Option<usize> {
        let (rows, columns) = (self.rows.positions(row_tap), self.columns.positions(column_tap));
        let all_inside = self.rows.whole_len() == self.rows.output
            && self.columns.whole_len() == self.columns.output;
        move |row, column| {
            let inside = all_inside || rows.contains(&row) && columns.contains(&column);
            let place = self.columns.place(column, column_tap);
            inside.then(|| self.pixel(self.rows.place(row, row_tap), place))
        }
    }

    /// Row and column of a tap.
    #[inline(always)]
    fn tap(self, tap: usize) -> (usize, usize) {
        if self.rows.kernel == 1 {
            return (0, tap);
        }
        let row = tap.checked_div(self.columns.kernel).unwrap_or(0);
        (row, tap - row * self.columns.kernel)
    }

    /// Calls `f` with the first tap and the length of each run of rows of weights whose numbers are
    /// contiguous and inside at the same positions.
    #[inline(always)]
    fn runs_of_weights(self, mut f: impl FnMut((usize, usize), usize)) {
        let columns = self.columns;
        if columns.dilation == 1 && columns.whole_len() == columns.output {
            for row_tap in 0..self.rows.kernel {
                f((row_tap, 0), columns.kernel * self.channels);
            }
        } else {
            self.taps(|row_tap, column_tap| f((row_tap, column_tap), self.channels));
        }
    }
}

/// The windows of a layer. As a type, [`Of`] a layer, each loop is compiled for its sizes; the tests
/// pass [`Windows`] that are known at run time only.
pub trait Sizes: Copy {
    /// The windows.
    fn windows(self) -> Windows;
}

impl Sizes for Windows {
    #[inline(always)]
    fn windows(self) -> Windows {
        self
    }
}

/// A layer with windows.
pub(crate) trait Windowed {
    /// Its windows.
    const WINDOWS: Windows;
}

/// The windows of the layer `L`.
pub(crate) struct Of<L>(pub(crate) PhantomData<L>);

impl<L> Clone for Of<L> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<L> Copy for Of<L> {}

impl<L: Windowed> Sizes for Of<L> {
    #[inline(always)]
    fn windows(self) -> Windows {
        L::WINDOWS
    }
}

/// The numbers that a window sees: runs that are contiguous in memory, in columns and rows.
struct Runs {
    /// Indices of the first number and of the first row of weights.
    x: usize,
    weights: usize,
    /// Distance to the same number at the next position.
    apart: usize,
    /// Length of a run.
    len: usize,
    /// Number of runs in a row, and the distances from one to the next.
    columns: usize,
    x_column: usize,
    weights_column: usize,
    /// Number of rows, and the distances from one to the next.
    rows: usize,
    x_row: usize,
    weights_row: usize,
}

impl Runs {
    /// Calls `f` with the indices of the first number and the first row of weights of each run.
    #[inline(always)]
    fn each(&self, mut f: impl FnMut(usize, usize)) {
        for row in 0..self.rows {
            let (x, weights) = (self.x + row * self.x_row, self.weights + row * self.weights_row);
            for column in 0..self.columns {
                f(x + column * self.x_column, weights + column * self.weights_column);
            }
        }
    }
}

/// Number of pairs of position and tap that are inside.
const fn inside(axis: Axis) -> usize {
    let (mut sum, mut tap) = (0, 0);
    while tap < axis.kernel {
        let Range { start, end } = axis.positions(tap);
        sum += end - start;
        tap += 1;
    }
    sum
}

/// How many positions are processed together.
const ROWS: usize = 4;

/// Whether several positions are processed together: without an FPU, what counts is the subroutines.
const TILED: bool = !matches!(HARDWARE, Hardware::SoftFloat);

/// The most columns of a tile, in elements of 4 bytes.
const WIDTH: usize = match HARDWARE {
    Hardware::SoftFloat => 1,
    Hardware::Fpu | Hardware::Vldm => 4,
    Hardware::Simd if cfg!(target_feature = "avx") => 16,
    Hardware::Simd => 8,
};

/// Whether tiles may have this many columns.
const fn fits<T>(columns: usize) -> bool {
    columns <= if size_of::<T>() > 4 && WIDTH > 4 { WIDTH / 2 } else { WIDTH }
}

/// Evaluates `$body` for all columns of `0..$all`, with `$N` columns from `$at` on.
macro_rules! in_columns {
    ($T:ty, $all:expr, |$at:ident, $N:ident| $body:expr) => {
        let mut $at = 0;
        in_columns!(@ 16 $T, $all, $at, $N, $body);
        in_columns!(@ 8 $T, $all, $at, $N, $body);
        in_columns!(@ 4 $T, $all, $at, $N, $body);
        in_columns!(@ 1 $T, $all, $at, $N, $body);
    };
    (@ $n:literal $T:ty, $all:expr, $at:ident, $N:ident, $body:expr) => {
        if fits::<$T>($n) {
            const $N: usize = $n;
            while $at + $n <= $all {
                $body;
                $at += $n;
            }
        }
    };
}

/// Evaluates `$body` for rows of weights from `$at` to `$all`, with `$N` of these numbers at a time.
macro_rules! in_chunks {
    ($at:ident, $all:ident, $($n:literal),+, |$N:ident| $body:expr) => {
        $(while $at + $n <= $all {
            const $N: usize = $n;
            $body;
            $at += $n;
        })+
    };
}

/// Calls `f` with each position of a row and how many it is to process from there on: 1 or [`ROWS`].
/// `inner` are the positions that can be processed together; where three of them are left, the last
/// tile overlaps the one before.
#[inline(always)]
fn in_rows(inner: Range<usize>, all: usize, mut f: impl FnMut(usize, bool)) {
    let mut at = 0;
    while at < all {
        let left = if at < inner.start { 0 } else { inner.end.saturating_sub(at) };
        let overlaps = left == ROWS - 1 && inner.end - inner.start >= ROWS;
        if TILED && (left >= ROWS || overlaps) {
            at -= usize::from(overlaps);
            f(at, true);
            at += ROWS;
        } else {
            f(at, false);
            at += 1;
        }
    }
}

/// Sums of `R` rows by `N` columns, in registers. They begin with -0.0, the sum of nothing.
trait Tile<T, const R: usize, const N: usize> {
    /// Adds the products `x y` of each of `len` steps, which have an `x` for each row and a `y` for
    /// each column.
    fn add(&mut self, len: usize, step: impl Fn(usize) -> Option<([T; R], [T; N])>);
    /// [`add`](Self::add) for the steps of an iterator.
    fn add_all(&mut self, steps: impl Iterator<Item = Option<([T; R], [T; N])>>);
    /// Adds a number to each column.
    fn plus(self, y: &[T; N]) -> Self;
}

/// Implements it with a variable for each sum: the compiler does not unroll loops over arrays when it
/// optimises for size.
macro_rules! tile {
    ($r:literal by $n:literal: $([$($y:ident),+] $x:ident $(+ $sum:ident)+)+) => {
        impl<T: Scalar> Tile<T, $r, $n> for [[T; $n]; $r] {
            #[inline(always)]
            fn add(&mut self, len: usize, step: impl Fn(usize) -> Option<([T; $r], [T; $n])>) {
                tile!(@add $r $n self, add, $([$($y),+] $x $(+ $sum)+)+ => {
                    let mut i = 0;
                    while i + 1 < len {
                        stay_rolled();
                        add(step(i));
                        add(step(i + 1));
                        i += 2;
                    }
                    if i < len {
                        add(step(i));
                    }
                });
            }
            #[inline(always)]
            fn add_all(&mut self, mut steps: impl Iterator<Item = Option<([T; $r], [T; $n])>>) {
                tile!(@add $r $n self, add, $([$($y),+] $x $(+ $sum)+)+ => {
                    while let Some(step) = steps.next() {
                        stay_rolled();
                        add(step);
                        let Some(step) = steps.next() else { break };
                        add(step);
                    }
                });
            }
            #[inline(always)]
            fn plus(self, y: &[T; $n]) -> Self {
                let [$([$($sum),+]),+] = self;
                [$({
                    let [$($y),+] = *y;
                    [$($sum + $y),+]
                }),+]
            }
        }
    };
    // Evaluates `$body`, in which `$add` adds the products of a step.
    (@add $r:literal $n:literal $self:ident, $add:ident, $([$($y:ident),+] $x:ident $(+ $sum:ident)+)+ => $body:block) => {
        let [$([$(mut $sum),+]),+] = *$self;
        let mut $add = |step: Option<([T; $r], [T; $n])>| {
            let Some(([$($x),+], y)) = step else { return };
            $({
                let [$($y),+] = y;
                $($sum += $y * $x;)+
            })+
        };
        $body
        *$self = [$([$($sum),+]),+];
    };
    ($r:literal by vectors: $($x:ident $sum:ident)+) => {
        tile!(@ $r 8: $($x $sum)+);
        tile!(@ $r 16: $($x $sum)+);
    };
    (@ $r:literal $n:literal: $($x:ident $sum:ident)+) => {
        impl<T: Scalar> Tile<T, $r, $n> for [[T; $n]; $r] {
            #[inline(always)]
            fn add(&mut self, len: usize, step: impl Fn(usize) -> Option<([T; $r], [T; $n])>) {
                self.add_all((0..len).map(step));
            }
            #[inline(always)]
            fn add_all(&mut self, steps: impl Iterator<Item = Option<([T; $r], [T; $n])>>) {
                let [$(mut $sum),+] = *self;
                for step in steps {
                    let Some(([$($x),+], y)) = step else { break };
                    $(for (sum, &y) in $sum.iter_mut().zip(&y) {
                        *sum += y * $x;
                    })+
                }
                *self = [$($sum),+];
            }
            #[inline(always)]
            fn plus(mut self, y: &[T; $n]) -> Self {
                for sums in &mut self {
                    sums.iter_mut().zip(y).for_each(|(sum, &y)| *sum += y);
                }
                self
            }
        }
    };
}

tile!(4 by 4:
    [y0, y1, y2, y3] x0 + a0 + a1 + a2 + a3
    [y0, y1, y2, y3] x1 + b0 + b1 + b2 + b3
    [y0, y1, y2, y3] x2 + c0 + c1 + c2 + c3
    [y0, y1, y2, y3] x3 + d0 + d1 + d2 + d3);
tile!(10 by 1:
    [y0] x0 + a0 [y0] x1 + b0 [y0] x2 + c0 [y0] x3 + d0 [y0] x4 + e0
    [y0] x5 + f0 [y0] x6 + g0 [y0] x7 + h0 [y0] x8 + i0 [y0] x9 + j0);
tile!(4 by 1: [y0] x0 + a0 [y0] x1 + b0 [y0] x2 + c0 [y0] x3 + d0);
tile!(1 by 4: [y0, y1, y2, y3] x0 + a0 + a1 + a2 + a3);
tile!(1 by 1: [y0] x0 + a0);
tile!(4 by vectors: x0 a x1 b x2 c x3 d);
tile!(1 by vectors: x0 a);

/// `len` elements from `at` on.
#[inline(always)]
fn run<X>(all: &[X], at: usize, len: usize) -> Option<&[X]> {
    all.get(at..)?.get(..len)
}

/// Defines the loops for `$r` rows: positions, places of the input, or rows of weights.
macro_rules! rows {
    ($name:ident $r:literal: $($x:ident $y:ident $k:literal),+) => {
        mod $name {
            use super::*;

            /// Writes the logits at the first positions of `y`.
            #[inline(never)]
            pub(super) fn affine<S: Sizes, T: Scalar, const OUT: usize>(
                sizes: S,
                (row, column): (usize, usize),
                weights: &[[T; OUT]],
                bias: &[T; OUT],
                x: &[T],
                y: &mut [[T; OUT]],
            ) {
                let Some([$($y),+]) = y.first_chunk_mut() else { return };
                let runs = sizes.windows().runs(row, column);
                in_columns!(T, OUT, |at, N| {
                    let mut sums = [[-T::ZERO; N]; $r];
                    runs.each(|first, row| {
                        $(let Some($x) = run(x, first + $k * runs.apart, runs.len) else { return };)+
                        let Some(rows) = run(weights, row, runs.len) else { return };
                        sums.add(runs.len, |i| {
                            Some(([$(*$x.get(i)?),+], *columns(rows.get(i)?, at)?))
                        });
                    });
                    if let Some(bias) = columns(bias, at) {
                        let [$($x),+] = sums.plus(bias);
                        $(if let Some(y) = columns_mut($y, at) {
                            *y = $x;
                        })+
                    }
                });
            }

            /// Writes the derivatives by the channels of the places from this one on, a step apart.
            #[inline(never)]
            pub(super) fn input_gradient<S: Sizes, T: Scalar, const OUT: usize>(
                sizes: S,
                weights: &[[T; OUT]],
                d: &[[T; OUT]],
                dx: &mut [T],
                (row, column): (usize, usize),
            ) {
                let windows = sizes.windows();
                let pixel = windows.pixel(row, column);
                let apart = windows.columns.step * windows.channels;
                in_columns!(T, windows.channels, |at, N| {
                    let mut sums = [[-T::ZERO; N]; $r];
                    windows.sources(row, column, |position, tap| {
                        let d = d.get(position..).and_then(|d| d.first_chunk());
                        let w = weights.get(tap + at..).and_then(|w| w.first_chunk::<N>());
                        let (Some([$($y),+]), Some(w)) = (d, w) else { return };
                        sums.add(OUT, |o| Some(([$(*$y.get(o)?),+], each_at(w, o)?)));
                    });
                    let [$($x),+] = sums;
                    $(if let Some(dx) = columns_mut(dx, pixel + $k * apart + at) {
                        *dx = $x;
                    })+
                });
            }

            /// Adds the products of one tap to the derivatives by the places that it is at, for the
            /// positions from `position` on; `w` are its weights for the channels from `at` on.
            #[inline(always)]
            pub(super) fn spread<T: Scalar, const OUT: usize, const N: usize>(
                w: &[[T; N]; OUT],
                d: &[[T; OUT]],
                position: usize,
                dx: &mut [T],
                place: usize,
                apart: usize,
            ) where
                [[T; N]; $r]: Tile<T, $r, N>,
            {
                let d = d.get(position..).and_then(|d| d.first_chunk());
                let Some([$($y),+]) = d else { return };
                $(let Some($x) = columns(dx, place + $k * apart) else { return };)+
                let mut sums = [$(*$x),+];
                sums.add(OUT, |o| Some(([$(*$y.get(o)?),+], *w.get(o)?)));
                let [$($x),+] = sums;
                $(if let Some(dx) = columns_mut(dx, place + $k * apart) {
                    *dx = $x;
                })+
            }

            /// Writes the gradient of the rows of weights from `at` on, in a run that begins with this
            /// tap.
            #[inline(never)]
            pub(super) fn gradient<S: Sizes, T: Scalar, const OUT: usize>(
                sizes: S,
                (row_tap, column_tap): (usize, usize),
                at: usize,
                x: &[T],
                d: &[[T; OUT]],
                gradient: &mut [[T; OUT]; $r],
            ) {
                let windows = sizes.windows();
                let [$($y),+] = gradient;
                let apart = windows.columns.step * windows.channels;
                let positions = windows.columns.positions(column_tap);
                let place = windows.columns.place(positions.start, column_tap);
                in_columns!(T, OUT, |column, N| {
                    let mut sums = [[-T::ZERO; N]; $r];
                    for row in windows.rows.positions(row_tap) {
                        let first = windows.pixel(windows.rows.place(row, row_tap), place) + at;
                        let x = x.get(first..).unwrap_or_default();
                        let first = row * windows.columns.output + positions.start;
                        let d = d.get(first..row * windows.columns.output + positions.end);
                        let d = d.unwrap_or_default();
                        let Some((last, before)) = d.split_last() else { continue };
                        if apart >= $r {
                            // A step is a chunk, which needs no check; the last may be incomplete.
                            let steps = Both(chunks(x, apart), before.iter());
                            sums.add_all(steps.map(|(x, d)| {
                                Some((*x.first_chunk()?, *columns(d, column)?))
                            }));
                        } else {
                            sums.add(before.len(), |i| {
                                Some((*columns(x, i * apart)?, *columns(d.get(i)?, column)?))
                            });
                        }
                        sums.add(1, |_| {
                            Some((*columns(x, before.len() * apart)?, *columns(last, column)?))
                        });
                    }
                    let [$($x),+] = sums;
                    $(if let Some(y) = columns_mut($y, column) {
                        *y = $x;
                    })+
                });
            }
        }
    };
}

rows!(four 4: x0 y0 0, x1 y1 1, x2 y2 2, x3 y3 3);
rows!(one 1: x0 y0 0);

/// The number at `o` of each of `N` rows.
#[inline(always)]
fn each_at<T: Scalar, const OUT: usize, const N: usize>(
    rows: &[[T; OUT]; N],
    o: usize,
) -> Option<[T; N]> {
    let mut column = [T::ZERO; N];
    match (&mut column[..], &rows[..]) {
        ([a, b, c, d], [w, x, y, z]) => {
            (*a, *b, *c, *d) = (*w.get(o)?, *x.get(o)?, *y.get(o)?, *z.get(o)?);
        }
        (column, rows) => {
            for (value, row) in column.iter_mut().zip(rows) {
                *value = *row.get(o)?;
            }
        }
    }
    Some(column)
}

/// `y = W x + b` at each position of the windows.
#[inline(always)]
pub(crate) fn affine<T: Scalar, const OUT: usize>(
    sizes: impl Sizes,
    weights: &[[T; OUT]],
    bias: &[T; OUT],
    x: &[T],
    y: &mut [[T; OUT]],
) {
    let windows = sizes.windows();
    if !windows.sees_all() {
        return grouped::affine(windows, weights, bias, x, y);
    }
    let output = windows.columns.output;
    for row in 0..windows.rows.output {
        in_rows(windows.columns.whole(), output, |column, together| {
            let y = y.get_mut(row * output + column..).unwrap_or_default();
            if together {
                four::affine(sizes, (row, column), weights, bias, x, y);
            } else {
                one::affine(sizes, (row, column), weights, bias, x, y);
            }
        });
    }
}

/// As [`affine`], but calls `emit` with the row, the column, and the logits of some positions from
/// there on.
#[inline(always)]
pub(crate) fn affine_by_tiles<T: Scalar, const OUT: usize>(
    sizes: impl Sizes,
    weights: &[[T; OUT]],
    bias: &[T; OUT],
    x: &[T],
    mut emit: impl FnMut(usize, usize, &mut [[T; OUT]]),
) {
    let windows = sizes.windows();
    let mut tile = [[T::ZERO; OUT]; ROWS];
    for row in 0..windows.rows.output {
        let mut done = 0;
        let whole = if windows.sees_all() { windows.columns.whole() } else { 0..0 };
        in_rows(whole, windows.columns.output, |column, together| {
            let len = if together { ROWS } else { 1 };
            if together {
                four::affine(sizes, (row, column), weights, bias, x, &mut tile);
            } else if windows.sees_all() {
                one::affine(sizes, (row, column), weights, bias, x, &mut tile);
            } else if let Some(y) = tile.first_mut() {
                grouped::affine_at(windows, weights, bias, x, y, row, column);
            }
            // Not twice, where two tiles overlap.
            let new = tile.get_mut(done - column..len).unwrap_or_default();
            emit(row, done, new);
            done = column + len;
        });
    }
}

/// `dx`, the sum of `W^T d` over all windows that see a place.
#[inline(always)]
pub(crate) fn input_gradient<T: Scalar, const OUT: usize>(
    sizes: impl Sizes,
    weights: &[[T; OUT]],
    d: &[[T; OUT]],
    dx: &mut [T],
) {
    let windows = sizes.windows();
    if !windows.sees_all() {
        return grouped::input_gradient(windows, weights, d, dx);
    }
    if matches!(HARDWARE, Hardware::Simd) {
        return input_gradient_by_tap(windows, weights, d, dx);
    }
    let Axis { input, step, .. } = windows.columns;
    for row in 0..windows.rows.input {
        for phase in 0..least(step, input) {
            // The places of one phase are seen by the same taps.
            let all = ceiling(input - phase, step);
            let inner = windows.columns.inner(phase);
            in_rows(inner.start..least(inner.end, all), all, |at, together| {
                let place = (row, phase + at * step);
                if together {
                    four::input_gradient(sizes, weights, d, dx, place);
                } else {
                    one::input_gradient(sizes, weights, d, dx, place);
                }
            });
        }
    }
}

/// With SIMD, tap by tap: the weights are transposed once, so that a vector has several channels.
fn input_gradient_by_tap<T: Scalar, const OUT: usize>(
    windows: Windows,
    weights: &[[T; OUT]],
    d: &[[T; OUT]],
    dx: &mut [T],
) {
    begin_sums(dx);
    let apart = windows.columns.step * windows.channels;
    windows.taps(|row_tap, column_tap| {
        let tap = windows.weights(row_tap, column_tap);
        let columns = windows.columns.positions(column_tap);
        let first = windows.columns.place(columns.start, column_tap);
        in_columns!(T, windows.channels, |at, N| {
            let Some(rows) = weights.get(tap + at..).and_then(|w| w.first_chunk::<N>()) else {
                return;
            };
            let mut w = [[T::ZERO; N]; OUT];
            for (o, w) in w.iter_mut().enumerate() {
                *w = rows.each_ref().map(|row| row.get(o).copied().unwrap_or(T::ZERO));
            }
            for row in windows.rows.positions(row_tap) {
                let mut position = row * windows.columns.output + columns.start;
                let mut place = windows.pixel(windows.rows.place(row, row_tap), first) + at;
                let mut left = columns.end - columns.start;
                while left >= ROWS {
                    four::spread(&w, d, position, dx, place, apart);
                    (position, place, left) = (position + ROWS, place + ROWS * apart, left - ROWS);
                }
                for i in 0..left {
                    one::spread(&w, d, position + i, dx, place + i * apart, apart);
                }
            }
        });
    });
}

/// Calls `weights` with the gradient of some rows of weights, and the index of their first, for all
/// rows; returns that of the bias.
#[inline(always)]
pub(crate) fn gradient<T: Scalar, const OUT: usize>(
    sizes: impl Sizes,
    x: &[T],
    d: &[[T; OUT]],
    mut emit: impl FnMut(usize, &[[T; OUT]]),
) -> [T; OUT] {
    let windows = sizes.windows();
    if windows.sees_all() {
        windows.runs_of_weights(|tap, len| {
            let first = windows.weights(tap.0, tap.1);
            let mut at = 0;
            while TILED && at + ROWS <= len {
                let mut rows = [[T::ZERO; OUT]; ROWS];
                four::gradient(sizes, tap, at, x, d, &mut rows);
                emit(first + at, &rows);
                at += ROWS;
            }
            while at < len {
                let mut rows = [[T::ZERO; OUT]];
                one::gradient(sizes, tap, at, x, d, &mut rows);
                emit(first + at, &rows);
                at += 1;
            }
        });
    } else {
        windows.taps(|row_tap, column_tap| {
            for channel in 0..windows.group {
                let row = grouped::gradient(windows, (row_tap, column_tap), channel, x, d);
                emit(windows.weights(row_tap, column_tap) + channel, &[row]);
            }
        });
    }
    let mut bias = [-T::ZERO; OUT];
    in_columns!(T, OUT, |at, N| {
        let mut sums = [[-T::ZERO; N]];
        sums.add(d.len(), |i| Some(([T::ONE], *columns(d.get(i)?, at)?)));
        let [sums] = sums;
        if let Some(bias) = columns_mut(&mut bias, at) {
            *bias = sums;
        }
    });
    bias
}

/// Calls `f` with each derivative of an output that is not left out by a pooling with a maximum, and
/// with the row and the column of the convolution that it belongs to: `taps` says where the maximum
/// was, for each position of the pooling and each output.
#[inline(always)]
fn each_chosen<T: Scalar, const OUT: usize>(
    pool: Windows,
    output: usize,
    taps: &[u8],
    d: &[T],
    mut f: impl FnMut(usize, usize, T),
) {
    let mut chosen = Both(chunks(taps, OUT), chunks(d, OUT));
    for row in 0..pool.rows.output {
        for column in 0..pool.columns.output {
            let Some((taps, d)) = chosen.next() else { return };
            if let (Some(&tap), Some(&d)) = (taps.get(output), d.get(output)) {
                let (row_tap, column_tap) = pool.tap(tap.into());
                let row = row * pool.rows.kernel + row_tap;
                f(row, column * pool.columns.kernel + column_tap, d);
            }
        }
    }
}

/// As [`gradient`], behind a pooling with a maximum; see [`each_chosen`].
#[inline(always)]
pub(crate) fn sparse_gradient<T: Scalar, const OUT: usize>(
    windows: Windows,
    pool: Windows,
    x: &[T],
    taps: &[u8],
    d: &[T],
    mut emit: impl FnMut(usize, &[[T; OUT]]),
) -> [T; OUT] {
    windows.runs_of_weights(|(row_tap, column_tap), len| {
        let run = windows.run_at(row_tap, column_tap);
        let first = windows.weights(row_tap, column_tap);
        let mut at = 0;
        in_chunks!(at, len, 10, 4, 1, |N| {
            let mut rows = [[T::ZERO; OUT]; N];
            for output in 0..OUT {
                let channel = at + windows.first_channel(output, OUT);
                let mut sums = [[-T::ZERO]; N];
                each_chosen::<T, OUT>(pool, output, taps, d, |row, column, d| {
                    let x = run(row, column).and_then(|run| columns(x, run + channel));
                    sums.add(1, |_| Some((*x?, [d])));
                });
                for (row, [sum]) in rows.iter_mut().zip(sums) {
                    if let Some(slot) = row.get_mut(output) {
                        *slot = sum;
                    }
                }
            }
            emit(first + at, &rows);
        });
    });
    let mut bias = [-T::ZERO; OUT];
    for d in chunks(d, OUT) {
        bias.iter_mut().zip(d).for_each(|(bias, &d)| *bias += d);
    }
    bias
}

/// As [`input_gradient`], behind a pooling with a maximum; see [`each_chosen`].
pub(crate) fn sparse_input_gradient<T: Scalar, const OUT: usize>(
    windows: Windows,
    pool: Windows,
    weights: &[[T; OUT]],
    taps: &[u8],
    d: &[T],
    dx: &mut [T],
) {
    begin_sums(dx);
    // Tap by tap, which is the order of each sum.
    windows.taps(|row_tap, column_tap| {
        let run = windows.run_at(row_tap, column_tap);
        let tap = windows.weights(row_tap, column_tap);
        for output in 0..OUT {
            each_chosen::<T, OUT>(pool, output, taps, d, |row, column, d| {
                let Some(run) = run(row, column) else { return };
                let dx = dx.get_mut(run + windows.first_channel(output, OUT)..).unwrap_or_default();
                let weights = weights.get(tap..).unwrap_or_default();
                for (dx, w) in dx.iter_mut().zip(weights).take(windows.group) {
                    if let Some(&w) = w.get(output) {
                        *dx += w * d;
                    }
                }
            });
        }
    });
}

/// Convolutions in groups: an output sees the channels of its group only. In a depthwise
/// convolution, output and channel are one, so several of them are processed together; otherwise one
/// after the other.
mod grouped {
    use super::*;

    /// Calls `$f::<N>` with all outputs, `N` at a time.
    macro_rules! in_outputs {
        ($T:ty, $windows:ident, |$at:ident, $N:ident| $body:expr) => {
            if $windows.is_depthwise(OUT) {
                in_columns!($T, OUT, |$at, $N| $body);
            } else {
                const $N: usize = 1;
                for $at in 0..OUT {
                    $body;
                }
            }
        };
    }

    /// Adds the products of `len` steps, number by number.
    #[inline(always)]
    fn add<T: Scalar, const N: usize>(
        sums: &mut [T; N],
        len: usize,
        step: impl Fn(usize) -> Option<([T; N], [T; N])>,
    ) {
        for i in 0..len {
            let Some((a, b)) = step(i) else { return };
            for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
                *sum += a * b;
            }
        }
    }

    #[inline(always)]
    pub(super) fn affine<T: Scalar, const OUT: usize>(
        windows: Windows,
        weights: &[[T; OUT]],
        bias: &[T; OUT],
        x: &[T],
        y: &mut [[T; OUT]],
    ) {
        let mut y = y.iter_mut();
        for row in 0..windows.rows.output {
            for (column, y) in (0..windows.columns.output).zip(&mut y) {
                affine_at(windows, weights, bias, x, y, row, column);
            }
        }
    }

    /// The logits at one position.
    #[inline(always)]
    pub(super) fn affine_at<T: Scalar, const OUT: usize>(
        windows: Windows,
        weights: &[[T; OUT]],
        bias: &[T; OUT],
        x: &[T],
        y: &mut [T; OUT],
        row: usize,
        column: usize,
    ) {
        in_outputs!(T, windows, |at, N| {
            let mut sums = [-T::ZERO; N];
            windows.taps_at(row, column, |pixel, tap| {
                let first = pixel + windows.first_channel(at, OUT);
                add(&mut sums, windows.group, |i| {
                    Some((*columns(weights.get(tap + i)?, at)?, *columns(x, first + i)?))
                });
            });
            if let (Some(y), Some(bias)) = (columns_mut::<_, N>(y, at), columns(bias, at)) {
                add(&mut sums, 1, |_| Some(([T::ONE; N], *bias)));
                *y = sums;
            }
        });
    }

    #[inline(always)]
    pub(super) fn input_gradient<T: Scalar, const OUT: usize>(
        windows: Windows,
        weights: &[[T; OUT]],
        d: &[[T; OUT]],
        dx: &mut [T],
    ) {
        begin_sums(dx);
        // Tap by tap, which is the order of each sum.
        windows.taps(|row_tap, column_tap| {
            let tap = windows.weights(row_tap, column_tap);
            for row in windows.rows.positions(row_tap) {
                for column in windows.columns.positions(column_tap) {
                    let place = windows.columns.place(column, column_tap);
                    let pixel = windows.pixel(windows.rows.place(row, row_tap), place);
                    let Some(d) = d.get(row * windows.columns.output + column) else { return };
                    in_outputs!(T, windows, |at, N| {
                        let first = pixel + windows.first_channel(at, OUT);
                        for i in 0..windows.group {
                            let w = weights.get(tap + i).and_then(|w| columns::<_, N>(w, at));
                            let (Some(w), Some(d)) = (w, columns(d, at)) else { return };
                            if let Some(dx) = columns_mut(dx, first + i) {
                                add(dx, 1, |_| Some((*w, *d)));
                            }
                        }
                    });
                }
            }
        });
    }

    /// The gradient of the row of weights of one tap and one channel of each group.
    #[inline(always)]
    pub(super) fn gradient<T: Scalar, const OUT: usize>(
        windows: Windows,
        (row_tap, column_tap): (usize, usize),
        channel: usize,
        x: &[T],
        d: &[[T; OUT]],
    ) -> [T; OUT] {
        let mut gradient = [-T::ZERO; OUT];
        let apart = windows.columns.step * windows.channels;
        let positions = windows.columns.positions(column_tap);
        let place = windows.columns.place(positions.start, column_tap);
        in_outputs!(T, windows, |at, N| {
            let mut sums = [-T::ZERO; N];
            for row in windows.rows.positions(row_tap) {
                let first = windows.pixel(windows.rows.place(row, row_tap), place)
                    + windows.first_channel(at, OUT)
                    + channel;
                let position = row * windows.columns.output + positions.start;
                let d = run(d, position, positions.end - positions.start).unwrap_or_default();
                add(&mut sums, d.len(), |i| {
                    Some((*columns(x, first + i * apart)?, *columns(d.get(i)?, at)?))
                });
            }
            if let Some(gradient) = columns_mut(&mut gradient, at) {
                *gradient = sums;
            }
        });
        gradient
    }
}
