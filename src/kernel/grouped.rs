//! Convolutions in groups: an output sees the channels of its group only. In a depthwise
//! convolution, output and channel are one, so several of them are processed together; otherwise one
//! after the other.

#![allow(clippy::arithmetic_side_effects, reason = "sizes and indices are those of arrays")]
#![allow(clippy::int_plus_one, reason = "in a macro, for several widths")]

use super::{Scalar, Sink, Windows, begin_sums, columns, columns_mut, fits, fives, run};

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
        // Written out, as the compiler does not unroll when it optimises for size.
        match (&mut sums[..], &a[..], &b[..]) {
            ([s0, s1, s2, s3], &[a0, a1, a2, a3], &[b0, b1, b2, b3]) => {
                *s0 += a0 * b0;
                *s1 += a1 * b1;
                *s2 += a2 * b2;
                *s3 += a3 * b3;
            }
            (sums, a, b) => {
                for ((sum, &a), &b) in sums.iter_mut().zip(a).zip(b) {
                    *sum += a * b;
                }
            }
        }
    }
}

/// The logits at one position.
#[inline(always)]
pub(super) fn affine<T: Scalar, S: Sink<T>, const OUT: usize>(
    windows: Windows,
    (row, column): (usize, usize),
    weights: &[[T; OUT]],
    bias: &[T; OUT],
    x: &[T],
    y: &mut [T],
    state: &mut S::State,
) {
    let Some(y) = S::part::<OUT>(windows, (row, column), 1, y) else { return };
    in_outputs!(T, windows, |at, N| {
        let mut sums = [-T::ZERO; N];
        windows.taps_at(row, column, |pixel, tap| {
            let first = pixel + windows.first_channel(at, OUT);
            add(&mut sums, windows.group, |i| {
                Some((*columns(weights.get(tap + i)?, at)?, *columns(x, first + i)?))
            });
        });
        add(&mut sums, 1, |_| Some(([T::ONE; N], *columns(bias, at)?)));
        let mut tile = S::begin::<N>((row, column), at, y);
        S::take::<N, OUT>(&mut tile, (row, column), 0, at, sums, y, state);
        S::end::<N>(tile, y, state);
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
