//! Kernels for convolutions behind a pooling with a maximum, where most derivatives by the logits are
//! zero: `taps` says, for each position of the pooling and each output, which tap was the largest, and
//! `d` has its derivative.
//!
//! A derivative of 0, as behind half of all `Relu`, adds nothing: not a product with it.
//!
//! - An input gradient adds its products in the order of the taps of the convolution, and for each tap
//!   of the outputs.
//! - The gradient of a weight adds its products in the order of the positions of the pooling.

#![allow(clippy::arithmetic_side_effects, reason = "sizes and indices are those of arrays")]
#![allow(clippy::int_plus_one, reason = "in a macro, for several numbers")]
#![allow(clippy::too_many_arguments, reason = "they stay in registers")]

use super::geometry::Sizes;
use super::tile::Tile;
use super::{begin_sums, chunks, columns};
use crate::scalar::Scalar;

/// Calls `f` with each derivative of an output that is not 0, and with the row and the column of the
/// convolution that it belongs to.
#[inline(always)]
fn each_chosen<T: Scalar, const OUT: usize>(
    pool: impl Sizes,
    output: usize,
    taps: &[u8],
    d: &[T],
    mut f: impl FnMut(usize, usize, T),
) {
    let pool = pool.windows();
    let numbers = pool.rows.output * pool.columns.output * OUT;
    let (Some(taps), Some(d)) = (taps.get(output..numbers), d.get(output..numbers)) else { return };
    for row in 0..pool.rows.output {
        for column in 0..pool.columns.output {
            let place = (row * pool.columns.output + column) * OUT;
            let (Some(&tap), Some(&d)) = (taps.get(place), d.get(place)) else { return };
            if d == T::ZERO {
                continue;
            }
            let (row_tap, column_tap) = pool.tap(tap.into());
            let row = row * pool.rows.kernel + row_tap;
            f(row, column * pool.columns.kernel + column_tap, d);
        }
    }
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

/// As [`super::windows::gradient`].
#[inline(always)]
pub(crate) fn gradient<T: Scalar, const OUT: usize>(
    sizes: impl Sizes,
    pool: impl Sizes,
    x: &[T],
    taps: &[u8],
    d: &[T],
    mut emit: impl FnMut(usize, &[[T; OUT]]),
) -> [T; OUT] {
    let windows = sizes.windows();
    windows.runs_of_weights(|tap, len| {
        let first = windows.weights(tap.0, tap.1);
        let mut at = 0;
        in_chunks!(at, len, 15, 10, 4, 1, |N| {
            let mut rows = [[T::ZERO; OUT]; N];
            for output in 0..OUT {
                column(sizes, pool, tap, at, output, x, taps, d, &mut rows);
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

/// Writes one output of the rows of weights from `at` on, in a run that begins with this tap.
#[inline(never)]
fn column<T: Scalar, const N: usize, const OUT: usize>(
    sizes: impl Sizes,
    pool: impl Sizes,
    tap: (usize, usize),
    at: usize,
    output: usize,
    x: &[T],
    taps: &[u8],
    d: &[T],
    rows: &mut [[T; OUT]; N],
) where
    [[T; 1]; N]: Tile<T, N, 1>,
{
    let windows = sizes.windows();
    let run = windows.run_at(tap.0, tap.1);
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

/// As [`super::windows::input_gradient`].
#[inline(never)]
pub(crate) fn input_gradient<T: Scalar, const OUT: usize>(
    sizes: impl Sizes,
    pool: impl Sizes,
    weights: &[[T; OUT]],
    taps: &[u8],
    d: &[T],
    dx: &mut [T],
) {
    let windows = sizes.windows();
    begin_sums(dx);
    windows.taps(|row_tap, column_tap| {
        let run = windows.run_at(row_tap, column_tap);
        let tap = windows.weights(row_tap, column_tap);
        let Some(weights) = weights.get(tap..tap + windows.group) else { return };
        for output in 0..OUT {
            let channel = windows.first_channel(output, OUT);
            each_chosen::<T, OUT>(pool, output, taps, d, |row, column, d| {
                let Some(run) = run(row, column) else { return };
                let dx = dx.get_mut(run + channel..).unwrap_or_default();
                for (dx, w) in dx.iter_mut().zip(weights) {
                    if let Some(&w) = w.get(output) {
                        *dx += w * d;
                    }
                }
            });
        }
    });
}
