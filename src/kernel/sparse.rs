//! Kernels for convolutions of which most derivatives by the logits are zero: behind a max pooling,
//! one position of each window has one, and half of all `Relu` have none.
//!
//! A derivative of 0 adds nothing: not a product with it.
//!
//! - An input gradient adds its products in the order of the taps of the convolution, and for each tap
//!   of the outputs.
//! - The gradient of a weight adds its products in the order of the positions of the pooling.

#![allow(clippy::arithmetic_side_effects, reason = "sizes and indices are those of arrays")]
#![allow(clippy::int_plus_one, reason = "in a macro, for several numbers")]
#![allow(clippy::too_many_arguments, reason = "they stay in registers")]

use super::geometry::Sizes;
use super::tile::Tile;
use super::{begin_sums, chunks, columns, packed, run};
use crate::scalar::Scalar;

/// The derivatives by the logits of a convolution that are not 0.
pub(crate) trait Nonzero<T>: Copy {
    /// Calls `f` with each derivative by an output, and with the row and the column of the convolution
    /// that it belongs to.
    fn each(self, output: usize, f: impl FnMut(usize, usize, T));
}

/// Behind a max pooling: `taps` says, for each position of the pooling and each of `OUT` outputs, which
/// tap was the largest, and `d` has its derivative.
#[derive(Clone, Copy)]
pub(crate) struct OfLargest<'a, P, T, const OUT: usize> {
    pub(crate) pool: P,
    pub(crate) taps: &'a [u8],
    pub(crate) d: &'a [T],
}

impl<P: Sizes, T: Scalar, const OUT: usize> Nonzero<T> for OfLargest<'_, P, T, OUT> {
    #[inline(always)]
    fn each(self, output: usize, mut f: impl FnMut(usize, usize, T)) {
        let pool = self.pool.windows();
        // Of a length that the compiler knows, so that it needs no further checks.
        let len = (pool.rows.output * pool.columns.output).saturating_sub(1) * OUT + 1;
        let (taps, d) = (run(self.taps, output, len), run(self.d, output, len));
        let (Some(taps), Some(d)) = (taps, d) else { return };
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
}

/// Behind a max pooling after `Relu`: [packed] taps, the outputs `y`, and the derivatives by one output
/// at all positions of the pooling.
#[derive(Clone, Copy)]
pub(crate) struct OfPositive<'a, P, T, const OUT: usize> {
    pub(crate) pool: P,
    pub(crate) taps: &'a [u8],
    pub(crate) y: &'a [T],
    pub(crate) d: &'a [T],
}

impl<P: Sizes, T: Scalar, const OUT: usize> Nonzero<T> for OfPositive<'_, P, T, OUT> {
    #[inline(always)]
    fn each(self, output: usize, mut f: impl FnMut(usize, usize, T)) {
        let pool = self.pool.windows();
        let width = packed::width(pool.count());
        for row in 0..pool.rows.output {
            for column in 0..pool.columns.output {
                let position = row * pool.columns.output + column;
                let y = self.y.get(position * OUT + output);
                let (Some(&y), Some(&d)) = (y, self.d.get(position)) else { return };
                if y > T::ZERO {
                    let tap = packed::get::<OUT>(self.taps, width, position, output);
                    let (row_tap, column_tap) = pool.tap(tap.into());
                    let row = row * pool.rows.kernel + row_tap;
                    f(row, column * pool.columns.kernel + column_tap, d);
                }
            }
        }
    }
}

/// Evaluates `$body` for rows of weights from `$at` to `$all`, with `$N` of these numbers at a time.
macro_rules! in_chunks {
    ($at:ident, $all:ident, $($n:literal $(if $fits:expr)?),+, |$N:ident| $body:expr) => {
        $(while $at + $n <= $all $(&& $fits)? {
            const $N: usize = $n;
            $body;
            $at += $n;
        })+
    };
}

/// Calls `emit` with the gradient of some rows of weights, and the index of their first, for all rows.
#[inline(always)]
pub(crate) fn gradient<T: Scalar, const OUT: usize>(
    sizes: impl Sizes,
    d: impl Nonzero<T>,
    x: &[T],
    mut emit: impl FnMut(usize, &[[T; OUT]]),
) {
    let windows = sizes.windows();
    windows.runs_of_weights(|tap, len| {
        let first = windows.weights(tap.0, tap.1);
        let mut at = 0;
        in_chunks!(at, len, 15, 10, 4, 1, |N| {
            let mut rows = [[T::ZERO; OUT]; N];
            for output in 0..OUT {
                column(sizes, d, tap, at, output, x, &mut rows);
            }
            emit(first + at, &rows);
        });
    });
}

/// The gradient of the biases, from the derivatives by the outputs of a pooling.
#[inline(always)]
pub(crate) fn bias<T: Scalar, const OUT: usize>(d: &[T]) -> [T; OUT] {
    let mut bias = [-T::ZERO; OUT];
    for d in chunks(d, OUT) {
        bias.iter_mut().zip(d).for_each(|(bias, &d)| *bias += d);
    }
    bias
}

/// As [`gradient`], of one output: single numbers in place of rows. Returns the gradient of its bias.
#[inline(always)]
pub(crate) fn gradient_of<T: Scalar, const OUT: usize>(
    sizes: impl Sizes,
    d: impl Nonzero<T>,
    output: usize,
    x: &[T],
    mut emit: impl FnMut(usize, &[T]),
) -> T {
    let windows = sizes.windows();
    windows.runs_of_weights(|tap, len| {
        let first = windows.weights(tap.0, tap.1);
        let mut at = 0;
        in_chunks!(at, len, 16 if len % 16 == 0, 15, 10, 4, 1, |N| {
            let mut sums = [T::ZERO; N];
            numbers::<T, N, OUT>(sizes, d, tap, at, output, x, &mut sums);
            emit(first + at, &sums);
        });
    });
    let mut bias = -T::ZERO;
    d.each(output, |_, _, d| bias += d);
    bias
}

/// Writes one output of the rows of weights from `at` on, in a run that begins with this tap.
#[inline(never)]
fn column<T: Scalar, const N: usize, const OUT: usize>(
    sizes: impl Sizes,
    d: impl Nonzero<T>,
    tap: (usize, usize),
    at: usize,
    output: usize,
    x: &[T],
    rows: &mut [[T; OUT]; N],
) where
    [[T; 1]; N]: Tile<T, N, 1>,
{
    sums::<T, N, OUT>(sizes, d, tap, at, output, x).write(rows, output);
}

/// As [`column`], without the other outputs.
#[inline(never)]
fn numbers<T: Scalar, const N: usize, const OUT: usize>(
    sizes: impl Sizes,
    d: impl Nonzero<T>,
    tap: (usize, usize),
    at: usize,
    output: usize,
    x: &[T],
    numbers: &mut [T; N],
) where
    [[T; 1]; N]: Tile<T, N, 1>,
{
    *numbers = sums::<T, N, OUT>(sizes, d, tap, at, output, x).map(|[sum]| sum);
}

#[inline(always)]
fn sums<T: Scalar, const N: usize, const OUT: usize>(
    sizes: impl Sizes,
    d: impl Nonzero<T>,
    tap: (usize, usize),
    at: usize,
    output: usize,
    x: &[T],
) -> [[T; 1]; N]
where
    [[T; 1]; N]: Tile<T, N, 1>,
{
    let windows = sizes.windows();
    let run = windows.run_at(tap.0, tap.1);
    let channel = at + windows.first_channel(output, OUT);
    let mut sums = [[-T::ZERO]; N];
    d.each(output, |row, column, d| {
        let x = run(row, column).and_then(|run| columns(x, run + channel));
        sums.add(1, |_| Some((*x?, [d])));
    });
    sums
}

/// As [`super::windows::input_gradient`].
#[inline(never)]
pub(crate) fn input_gradient<T: Scalar, const OUT: usize>(
    sizes: impl Sizes,
    d: impl Nonzero<T>,
    weights: &[[T; OUT]],
    dx: &mut [T],
) {
    begin_sums(dx);
    sizes.windows().taps(|row_tap, column_tap| {
        for output in 0..OUT {
            spread(sizes, d, (row_tap, column_tap), output, weights, dx);
        }
    });
}

/// Adds the products of one output to the derivatives by the input.
#[inline(never)]
pub(crate) fn add_input_gradient_of<T: Scalar, const OUT: usize>(
    sizes: impl Sizes,
    d: impl Nonzero<T>,
    output: usize,
    weights: &[[T; OUT]],
    dx: &mut [T],
) {
    sizes.windows().taps(|row_tap, column_tap| {
        spread(sizes, d, (row_tap, column_tap), output, weights, dx);
    });
}

/// Adds the products of one tap and one output to the derivatives by the input.
#[inline(always)]
fn spread<T: Scalar, const OUT: usize>(
    sizes: impl Sizes,
    d: impl Nonzero<T>,
    (row_tap, column_tap): (usize, usize),
    output: usize,
    weights: &[[T; OUT]],
    dx: &mut [T],
) {
    let windows = sizes.windows();
    let run = windows.run_at(row_tap, column_tap);
    let tap = windows.weights(row_tap, column_tap);
    let Some(weights) = weights.get(tap..tap + windows.group) else { return };
    let channel = windows.first_channel(output, OUT);
    d.each(output, |row, column, d| {
        let Some(run) = run(row, column) else { return };
        let dx = dx.get_mut(run + channel..).unwrap_or_default();
        for (dx, w) in dx.iter_mut().zip(weights) {
            if let Some(&w) = w.get(output) {
                *dx += w * d;
            }
        }
    });
}
