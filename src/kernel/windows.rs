//! Kernels for windows of sequences and images: convolutions.
//!
//! Steps and pixels are contiguous, so a window is a run of numbers, or a few of them, and a
//! convolution is a dense layer at each position: nothing is copied. Sums of several positions and
//! several outputs stay in registers (`Tile`), so that each loaded number is used in several
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

use core::ops::Range;

use super::fpu::{columns, columns_mut};
use super::geometry::{Axis, Sizes, Windows, ceiling, least};
use super::tile::Tile;
use super::{Both, HARDWARE, Hardware, SMALL, begin_sums, chunks, row, run};
use crate::scalar::Scalar;

/// How many positions are processed together.
const ROWS: usize = 4;

/// Whether several positions are processed together: without an FPU, what counts is the subroutines.
const TILED: bool = !matches!(HARDWARE, Hardware::SoftFloat);

/// Whether the loops for one position are those of [`row`].
const IN_BLOCKS: bool = matches!(HARDWARE, Hardware::Vldm) && !SMALL;

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

/// How many tiles of five columns come before those of four, so that none of one are left.
const fn fives(columns: usize) -> usize {
    if WIDTH != 4 {
        0
    } else if columns % 5 == 0 {
        columns / 5
    } else {
        least(columns % 4, columns / 5)
    }
}

/// Evaluates `$body` for all columns of `0..$all`, with `$N` columns from `$at` on.
macro_rules! in_columns {
    ($T:ty, $all:expr, |$at:ident, $N:ident| $body:expr) => {
        let mut $at = 0;
        in_columns!(@ 16 $all, fits::<$T>(16), $at, $N, $body);
        in_columns!(@ 8 $all, fits::<$T>(8), $at, $N, $body);
        in_columns!(@ 5 5 * fives($all), fits::<$T>(4), $at, $N, $body);
        in_columns!(@ 4 $all, fits::<$T>(4), $at, $N, $body);
        in_columns!(@ 1 $all, true, $at, $N, $body);
    };
    (@ $n:literal $all:expr, $fits:expr, $at:ident, $N:ident, $body:expr) => {
        if const { $fits } {
            const $N: usize = $n;
            while $at + $n <= $all {
                $body;
                $at += $n;
            }
        }
    };
}

/// Calls `f` with all positions of a row: the first of some, and how many are processed together
/// there. Several are only within `inner`; the others are the edges.
#[inline(always)]
fn in_rows(inner: Range<usize>, all: usize, mut f: impl FnMut(usize, usize)) {
    let Range { start, end } = if TILED { inner } else { 0..0 };
    (0..start).for_each(|at| f(at, 1));
    let (tiles, rest) = ((end - start) / ROWS, (end - start) % ROWS);
    (0..tiles).for_each(|tile| f(start + tile * ROWS, ROWS));
    if rest > 0 {
        f(end - rest, rest);
    }
    (end..all).for_each(|at| f(at, 1));
}

/// Calls `$function` of the loops for `$rows` rows.
macro_rules! for_rows {
    ($rows:expr, $function:ident$(::<$($generic:tt),+>)?($($argument:expr),+)) => {
        match $rows {
            4 => four::$function$(::<$($generic),+>)?($($argument),+),
            3 => three::$function$(::<$($generic),+>)?($($argument),+),
            2 => two::$function$(::<$($generic),+>)?($($argument),+),
            _ => one::$function$(::<$($generic),+>)?($($argument),+),
        }
    };
}

/// Defines the loops for `$r` rows: positions, places of the input, or rows of weights.
macro_rules! rows {
    ($name:ident $r:literal: $($x:ident $y:ident $k:literal),+) => {
        mod $name {
            use super::*;

            /// Computes the logits at the positions from this one on.
            #[inline(never)]
            #[allow(clippy::too_many_arguments, reason = "they stay in registers")]
            pub(super) fn affine<W: Sizes, T: Scalar, S: Sink<T>, const OUT: usize>(
                sizes: W,
                (row, column): (usize, usize),
                weights: &[[T; OUT]],
                bias: &[T; OUT],
                x: &[T],
                y: &mut [T],
                state: &mut S::State,
            ) {
                let windows = sizes.windows();
                let Some(y) = S::part::<OUT>(windows, (row, column), $r, y) else { return };
                // The compiler learns which tiles begin with a window of a pooling.
                let row = if windows.rows.output == 1 { 0 } else { row };
                let start = windows.columns.whole().start;
                let column =
                    if $r > 1 { (column - start) / ROWS * ROWS + start } else { column };
                if column > windows.columns.output.saturating_sub($r) {
                    return;
                }
                let runs = windows.runs::<{ $r > 1 }>(row, column);
                in_columns!(T, OUT, |at, N| {
                    let mut sums = <[[T; N]; $r]>::empty();
                    let is_inside = runs.each(|first, row| {
                        // With one check for all rows, the sums are not set up again after each.
                        let x = run(x, first, runs.len + ($r - 1) * runs.apart)?;
                        let rows = run(weights, row, runs.len)?;
                        $(let $x = run(x, $k * runs.apart, runs.len)?;)+
                        sums.add(runs.len, |i| {
                            Some(([$(*$x.get(i)?),+], *columns(rows.get(i)?, at)?))
                        });
                        Some(())
                    });
                    let (Some(()), Some(bias)) = (is_inside, columns(bias, at)) else { return };
                    let [$($x),+] = sums.plus(bias);
                    let mut tile = S::begin::<N>((row, column), at, y);
                    $(S::take::<N, OUT>(&mut tile, (row, column + $k), $k, at, $x, y, state);)+
                    S::end::<N>(tile, y, state);
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
                    let mut sums = <[[T; N]; $r]>::empty();
                    let is_inside = windows.sources(row, column, |position, tap| {
                        let [$($y),+] = d.get(position..)?.first_chunk()?;
                        let w = weights.get(tap + at..)?.first_chunk::<N>()?;
                        sums.add(OUT, |o| Some(([$(*$y.get(o)?),+], each_at(w, o)?)));
                        Some(())
                    });
                    let Some(()) = is_inside else { return };
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
        }
    };
}

rows!(four 4: x0 y0 0, x1 y1 1, x2 y2 2, x3 y3 3);
rows!(three 3: x0 y0 0, x1 y1 1, x2 y2 2);
rows!(two 2: x0 y0 0, x1 y1 1);
rows!(one 1: x0 y0 0);

/// Defines the loop of the gradient for `$r` rows of weights.
macro_rules! gradient_rows {
    ($name:ident $r:literal: $($x:ident $y:ident $k:literal),+) => {
        /// Gives `to` the gradient of the rows of weights from `at` on, in a run that begins with
        /// this tap.
        #[inline(never)]
        fn $name<S: Sizes, T: Scalar, G: Gradient<T, OUT>, const OUT: usize>(
            sizes: S,
            (row_tap, column_tap): (usize, usize),
            at: usize,
            x: &[T],
            d: &[[T; OUT]],
            to: &mut G,
            rows: &mut [[T; OUT]; ROWS],
        ) {
            let windows = sizes.windows();
            let apart = windows.columns.step * windows.channels;
            let positions = windows.columns.positions(column_tap);
            let is_whole = windows.columns.whole_len() == windows.columns.output;
            let first_row = windows.weights(row_tap, column_tap) + at;
            let Some(gradient) = rows.first_chunk_mut::<$r>() else { return };
            let place = windows.columns.place(positions.start, column_tap);
            in_columns!(T, OUT, |column, N| {
                let mut sums = <[[T; N]; $r]>::empty();
                for row in windows.rows.positions(row_tap) {
                    let first = windows.pixel(windows.rows.place(row, row_tap), place) + at;
                    let count = positions.end - positions.start;
                    let x = run(x, first, count.saturating_sub(1) * apart + $r);
                    let d = run(d, row * windows.columns.output + positions.start, count);
                    let (Some(x), Some([first, others @ ..])) = (x, d) else { return };
                    // By itself: products that are not added to anything.
                    sums.add(1, |_| Some((*x.first_chunk()?, *columns(first, column)?)));
                    if is_whole || apart < $r {
                        // The compiler knows how many steps there are, and needs no checks.
                        let x = x.get(apart..).unwrap_or_default();
                        sums.add(count - 1, |i| {
                            Some((*columns(x, i * apart)?, *columns(others.get(i)?, column)?))
                        });
                    } else {
                        // A step is the end of a chunk, which needs none.
                        let x = x.get($r..).unwrap_or_default();
                        let steps = Both(chunks(x, apart), others.iter());
                        sums.add_all(steps.map(|(x, d)| {
                            Some((*x.last_chunk()?, *columns(d, column)?))
                        }));
                    }
                }
                if const { G::IN_PARTS } {
                    let [$($x),+] = sums;
                    $(to.part(first_row + $k, column, $x);)+
                } else {
                    sums.write(gradient, column);
                }
            });
            if const { !G::IN_PARTS } {
                to.rows(first_row, gradient);
            }
        }
    };
}

gradient_rows!(gradient_of_four 4: x0 y0 0, x1 y1 1, x2 y2 2, x3 y3 3);
gradient_rows!(gradient_of_one 1: x0 y0 0);

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
        ([a, b, c, d, e], [v, w, x, y, z]) => {
            (*a, *b, *c, *d) = (*v.get(o)?, *w.get(o)?, *x.get(o)?, *y.get(o)?);
            *e = *z.get(o)?;
        }
        (column, rows) => {
            for (value, row) in column.iter_mut().zip(rows) {
                *value = *row.get(o)?;
            }
        }
    }
    Some(column)
}

/// What becomes of the logits of a convolution, which come some outputs of one position at a time.
pub(crate) trait Sink<T> {
    /// What changes besides `y`.
    type State;
    /// What stays in registers while a tile is taken.
    type Tile<const N: usize>;

    /// The part of `y` for some positions from this one on.
    fn part<const OUT: usize>(
        windows: Windows,
        position: (usize, usize),
        len: usize,
        y: &mut [T],
    ) -> Option<&mut [T]>;

    /// Begins a tile of the outputs from `at` on, at the positions from this one on.
    fn begin<const N: usize>(position: (usize, usize), at: usize, y: &[T]) -> Self::Tile<N>;

    /// Takes the outputs from `at` on, at the position `index` of a part.
    #[allow(clippy::too_many_arguments, reason = "they stay in registers")]
    fn take<const N: usize, const OUT: usize>(
        tile: &mut Self::Tile<N>,
        position: (usize, usize),
        index: usize,
        at: usize,
        logits: [T; N],
        y: &mut [T],
        state: &mut Self::State,
    );

    /// Ends a tile.
    fn end<const N: usize>(tile: Self::Tile<N>, y: &mut [T], state: &mut Self::State);
}

/// They are the output.
struct Logits;

impl<T> Sink<T> for Logits {
    type State = ();
    type Tile<const N: usize> = ();

    #[inline(always)]
    fn part<const OUT: usize>(
        windows: Windows,
        (row, column): (usize, usize),
        len: usize,
        y: &mut [T],
    ) -> Option<&mut [T]> {
        y.get_mut((row * windows.columns.output + column) * OUT..)?.get_mut(..len * OUT)
    }

    #[inline(always)]
    fn begin<const N: usize>(_: (usize, usize), _: usize, _: &[T]) {}

    #[inline(always)]
    fn take<const N: usize, const OUT: usize>(
        (): &mut (),
        _: (usize, usize),
        index: usize,
        at: usize,
        logits: [T; N],
        y: &mut [T],
        (): &mut (),
    ) {
        if let Some(y) = columns_mut(y, index * OUT + at) {
            *y = logits;
        }
    }

    #[inline(always)]
    fn end<const N: usize>((): (), _: &mut [T], (): &mut ()) {}
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
    affine_into::<T, Logits, OUT>(sizes, weights, bias, x, y.as_flattened_mut(), &mut ());
}

/// As [`affine`], into a sink.
#[inline(always)]
pub(crate) fn affine_into<T: Scalar, S: Sink<T>, const OUT: usize>(
    sizes: impl Sizes,
    weights: &[[T; OUT]],
    bias: &[T; OUT],
    x: &[T],
    y: &mut [T],
    state: &mut S::State,
) {
    let windows = sizes.windows();
    for row in 0..windows.rows.output {
        if windows.sees_all() {
            in_rows(windows.columns.whole(), windows.columns.output, |column, rows| {
                let at = (row, column);
                if const { IN_BLOCKS } && rows == 1 && windows.is_run() {
                    return affine_of_run::<_, T, S, OUT>(sizes, at, weights, bias, x, y, state);
                }
                for_rows!(rows, affine::<_, T, S, OUT>(sizes, at, weights, bias, x, y, state));
            });
        } else {
            for column in 0..windows.columns.output {
                grouped::affine::<T, S, OUT>(windows, (row, column), weights, bias, x, y, state);
            }
        }
    }
}

/// As `one::affine`, in blocks, for a window that is one run.
#[inline(never)]
fn affine_of_run<W: Sizes, T: Scalar, S: Sink<T>, const OUT: usize>(
    sizes: W,
    (row, column): (usize, usize),
    weights: &[[T; OUT]],
    bias: &[T; OUT],
    x: &[T],
    y: &mut [T],
    state: &mut S::State,
) {
    let windows = sizes.windows();
    let Some(y) = S::part::<OUT>(windows, (row, column), 1, y) else { return };
    let runs = windows.runs::<false>(row, column);
    let (x, weights) = (run(x, runs.x, runs.len), run(weights, runs.weights, runs.len));
    let (Some(x), Some(weights)) = (x, weights) else { return };
    let mut logits = [T::ZERO; OUT];
    row::affine(weights, bias, x, &mut logits);
    in_columns!(T, OUT, |at, N| {
        let Some(&logits) = columns(&logits, at) else { return };
        let mut tile = S::begin::<N>((row, column), at, y);
        S::take::<N, OUT>(&mut tile, (row, column), 0, at, logits, y, state);
        S::end::<N>(tile, y, state);
    });
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
    if const { matches!(HARDWARE, Hardware::Simd) } {
        return input_gradient_by_tap(windows, weights, d, dx);
    }
    let Axis { input, step, .. } = windows.columns;
    for row in 0..windows.rows.input {
        for phase in 0..least(step, input) {
            // The places of one phase are seen by the same taps.
            let all = ceiling(input - phase, step);
            let inner = windows.columns.inner(phase);
            let end = least(inner.end, all);
            let inner = least(inner.start, end)..end;
            in_rows(inner, all, |at, rows| {
                let place = (row, phase + at * step);
                if const { IN_BLOCKS } && rows == 1 {
                    return input_gradient_of_place(sizes, weights, d, dx, place);
                }
                for_rows!(rows, input_gradient(sizes, weights, d, dx, place));
            });
        }
    }
}

/// As `one::input_gradient`, in blocks.
#[inline(never)]
fn input_gradient_of_place<T: Scalar, const OUT: usize>(
    sizes: impl Sizes,
    weights: &[[T; OUT]],
    d: &[[T; OUT]],
    dx: &mut [T],
    (row, column): (usize, usize),
) {
    let windows = sizes.windows();
    let first = windows.pixel(row, column);
    let Some(dx) = dx.get_mut(first..first + windows.channels) else { return };
    begin_sums(dx);
    windows.sources(row, column, |position, tap| {
        let weights = weights.get(tap..tap + windows.channels)?;
        row::add_input_gradient(weights, d.get(position)?, dx);
        Some(())
    });
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
                while left > 0 {
                    let rows = least(left, ROWS);
                    for_rows!(rows, spread(&w, d, position, dx, place, apart));
                    (position, place, left) = (position + rows, place + rows * apart, left - rows);
                }
            }
        });
    });
}

/// What becomes of the gradient of the weights.
pub trait Gradient<T, const OUT: usize> {
    /// Whether it takes rows part by part, from registers, in an order that depends on the target.
    const IN_PARTS: bool;
    /// Takes the part of a row from this column on.
    fn part<const N: usize>(&mut self, row: usize, column: usize, part: [T; N]);
    /// Takes the rows from this one on; they come in order.
    fn rows(&mut self, first: usize, rows: &[[T; OUT]]);
}

/// Gives `to` the gradient of all weights; returns that of the bias.
#[inline(always)]
pub(crate) fn gradient<T: Scalar, const OUT: usize>(
    sizes: impl Sizes,
    x: &[T],
    d: &[[T; OUT]],
    to: &mut impl Gradient<T, OUT>,
) -> [T; OUT] {
    let windows = sizes.windows();
    if windows.sees_all() {
        let mut rows = [[T::ZERO; OUT]; ROWS];
        windows.runs_of_weights(|tap, len| {
            if windows.columns.positions(tap.1).is_empty() {
                let first = windows.weights(tap.0, tap.1);
                (first..first + len).for_each(|row| to.rows(row, &[[-T::ZERO; OUT]]));
                return;
            }
            let mut at = 0;
            while TILED && at + ROWS <= len {
                gradient_of_four(sizes, tap, at, x, d, to, &mut rows);
                at += ROWS;
            }
            while at < len {
                gradient_of_one(sizes, tap, at, x, d, to, &mut rows);
                at += 1;
            }
        });
    } else {
        windows.taps(|row_tap, column_tap| {
            for channel in 0..windows.group {
                let row = grouped::gradient(windows, (row_tap, column_tap), channel, x, d);
                to.rows(windows.weights(row_tap, column_tap) + channel, &[row]);
            }
        });
    }
    let mut bias = [-T::ZERO; OUT];
    in_columns!(T, OUT, |at, N| {
        let mut sums = <[[T; N]; 1]>::empty();
        sums.add(d.len(), |i| Some(([T::ONE], *columns(d.get(i)?, at)?)));
        let [sums] = sums;
        if let Some(bias) = columns_mut(&mut bias, at) {
            *bias = sums;
        }
    });
    bias
}

// Here, as they use macros of this file, and by a path, as the tests include this file for other hardware.
#[path = "grouped.rs"]
mod grouped;
#[path = "steps.rs"]
pub(crate) mod steps;
