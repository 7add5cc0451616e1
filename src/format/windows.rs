//! Convolutions in any number format, from its elementary operations. Those of floats are in
//! [`kernel::windows`](crate::kernel::windows).

#![allow(clippy::arithmetic_side_effects, reason = "sizes and indices are those of arrays")]

use core::hint::black_box;

use crate::format::Format;
use crate::kernel::fixed::{COLUMNS, FEW_REGISTERS, in_fours, up_to_four};
use crate::kernel::geometry::{Sizes, least};
use crate::kernel::windows::Gradient;
use crate::kernel::{Both, chunks, columns, columns_mut, fit, run, stay_rolled};
use crate::zero::Zero;

/// Evaluates `$body` for all of `OUT` columns, with `$N` columns from `$at` on.
macro_rules! in_columns {
    (|$at:ident, $N:ident| $body:expr) => {
        let mut $at = 0;
        while $at + COLUMNS <= OUT {
            const $N: usize = COLUMNS;
            stay_rolled();
            $body;
            $at += COLUMNS;
        }
        in_columns!(1 $N $body);
        in_columns!(2 $N $body);
        in_columns!(3 $N $body);
    };
    ($n:literal $N:ident $body:expr) => {
        if const { OUT % COLUMNS == $n } {
            const $N: usize = $n;
            $body;
        }
    };
}

/// Keeps loads from moving ahead, where there are no registers for them.
#[inline(always)]
fn one_by_one() {
    if FEW_REGISTERS {
        black_box(());
    }
}

/// `y = W x + b` at each position.
#[inline(always)]
pub(super) fn affine<F: Format, const OUT: usize>(
    sizes: impl Sizes,
    weights: &[[F::Weight; OUT]],
    bias: &[F::Weight; OUT],
    x: &[F::Value],
    y: &mut [[F::Value; OUT]],
) {
    let windows = sizes.windows();
    let mut outputs = y.iter_mut();
    for row in 0..windows.rows.output {
        for column in 0..windows.columns.output {
            let Some(y) = outputs.next() else { return };
            if windows.sees_all() {
                affine_at::<F, _, OUT>(sizes, (row, column), weights, bias, x, y);
            } else {
                affine_in_groups::<F, _, OUT>(sizes, (row, column), weights, bias, x, y);
            }
        }
    }
}

/// `y = W x + b` at a position.
#[inline(never)]
fn affine_at<F: Format, S: Sizes, const OUT: usize>(
    sizes: S,
    (row, column): (usize, usize),
    weights: &[[F::Weight; OUT]],
    bias: &[F::Weight; OUT],
    x: &[F::Value],
    y: &mut [F::Value; OUT],
) {
    let runs = sizes.windows().runs::<false>(row, column);
    in_columns!(|at, N| {
        let mut sums = [F::empty(); N];
        let is_inside = runs.each(|first, row| {
            let (x, weights) = (run(x, first, runs.len)?, run(weights, row, runs.len)?);
            add_products::<F, N, OUT>(&mut sums, weights, x, at);
            Some(())
        });
        let (bias, y) = (columns::<_, N>(bias, at), columns_mut::<_, N>(y, at));
        if let (Some(()), Some(bias), Some(y)) = (is_inside, bias, y) {
            for ((y, &sum), &b) in y.iter_mut().zip(&sums).zip(bias) {
                *y = F::add_bias(sum, b);
            }
        }
    });
}

/// Adds the products of a run in `N` columns from `at` on.
///
/// Not inlined at opt-level 3 where registers are few, so that it has all of them.
#[cfg_attr(all(integers = "short", not(optimized_for_size)), inline(never))]
#[cfg_attr(not(all(integers = "short", not(optimized_for_size))), inline(always))]
fn add_products<F: Format, const N: usize, const OUT: usize>(
    sums: &mut [F::Sum; N],
    weights: &[[F::Weight; OUT]],
    x: &[F::Value],
    at: usize,
) {
    let (true, Some(x)) = (fit::<N, OUT>(at), x.get(..weights.len())) else { return };
    let mut all = *sums;
    for (w, &x) in Both(weights.iter(), x.iter()) {
        if let Some(w) = columns::<_, N>(w, at) {
            up_to_four(&mut all, w, |sum, &w| *sum = F::add_product(*sum, w, x));
        }
        stay_rolled();
    }
    *sums = all;
}

/// As [`affine_at`], where an output sees the channels of its group.
#[inline(never)]
fn affine_in_groups<F: Format, S: Sizes, const OUT: usize>(
    sizes: S,
    (row, column): (usize, usize),
    weights: &[[F::Weight; OUT]],
    bias: &[F::Weight; OUT],
    x: &[F::Value],
    y: &mut [F::Value; OUT],
) {
    let windows = sizes.windows();
    for (o, (y, &b)) in y.iter_mut().zip(bias).enumerate() {
        let mut sum = F::empty();
        windows.taps_at(row, column, |pixel, tap| {
            let x = run(x, pixel + windows.first_channel(o, OUT), windows.group);
            let weights = run(weights, tap, windows.group);
            for (w, &x) in weights.into_iter().flatten().zip(x.into_iter().flatten()) {
                if let Some(&w) = w.get(o) {
                    sum = F::add_product(sum, w, x);
                }
            }
        });
        *y = F::add_bias(sum, b);
    }
}

/// `dx`, the sum of `W^T d` over all windows that see a place: over the outputs of a position as in a dense layer,
/// then over the positions, which [`Format::add`] does.
#[inline(always)]
pub(super) fn input_gradient<F: Format, const OUT: usize>(
    sizes: impl Sizes,
    weights: &[[F::Weight; OUT]],
    d: &[[F::Sum; OUT]],
    dx: &mut [F::Sum],
) {
    let windows = sizes.windows();
    dx.fill(F::empty());
    for row in 0..windows.rows.input {
        for column in 0..windows.columns.input {
            let Some(dx) = run_mut(dx, windows.pixel(row, column), windows.channels) else {
                return;
            };
            let is_inside = windows.sources(row, column, |position, tap| {
                let (weights, d) = (run(weights, tap, windows.group)?, d.get(position)?);
                if windows.sees_all() {
                    add_input_gradient::<F, OUT>(weights, d, dx);
                } else {
                    add_in_groups::<F, _, OUT>(sizes, weights, d, dx);
                }
                Some(())
            });
            if is_inside.is_none() {
                return;
            }
        }
    }
}

/// `len` elements from `at` on.
#[inline(always)]
fn run_mut<X>(all: &mut [X], at: usize, len: usize) -> Option<&mut [X]> {
    all.get_mut(at..)?.get_mut(..len)
}

/// `dx += W^T d`.
#[inline(never)]
fn add_input_gradient<F: Format, const OUT: usize>(
    weights: &[[F::Weight; OUT]],
    d: &[F::Sum; OUT],
    dx: &mut [F::Sum],
) {
    for (w, dx) in Both(weights.iter(), dx.iter_mut()) {
        let mut sum = F::empty();
        in_fours(w, d, |&w, &d| {
            sum = F::add_back(sum, w, d);
            one_by_one();
        });
        *dx = F::add(*dx, sum);
    }
}

/// As [`add_input_gradient`], where an output sees the channels of its group.
#[inline(never)]
fn add_in_groups<F: Format, S: Sizes, const OUT: usize>(
    sizes: S,
    weights: &[[F::Weight; OUT]],
    d: &[F::Sum; OUT],
    dx: &mut [F::Sum],
) {
    for (o, &d) in d.iter().enumerate() {
        let dx = run_mut(dx, sizes.windows().first_channel(o, OUT), weights.len());
        for (w, dx) in weights.iter().zip(dx.into_iter().flatten()) {
            if let Some(&w) = w.get(o) {
                *dx = F::add(*dx, F::add_back(F::empty(), w, d));
            }
        }
    }
}

/// Gives `to` the gradient of all weights, the sums of `x d` over the positions; returns that of the bias.
#[inline(always)]
pub(super) fn gradient<F: Format, const OUT: usize>(
    sizes: impl Sizes,
    x: &[F::Value],
    d: &[[F::Sum; OUT]],
    to: &mut impl Gradient<F::Sum, OUT>,
) -> [F::Sum; OUT] {
    let windows = sizes.windows();
    let mut gradient = [F::empty(); OUT];
    windows.taps(|row_tap, column_tap| {
        let tap = (row_tap, column_tap);
        for channel in 0..windows.group {
            if windows.sees_all() {
                in_columns!(|at, N| {
                    if let Some(gradient) = columns_mut::<_, N>(&mut gradient, at) {
                        *gradient = products::<F, _, N, OUT>(sizes, tap, channel, at, x, d);
                    }
                });
            } else {
                for (o, gradient) in gradient.iter_mut().enumerate() {
                    let channel = windows.first_channel(o, OUT) + channel;
                    [*gradient] = products::<F, _, 1, OUT>(sizes, tap, channel, o, x, d);
                }
            }
            let row = windows.weights(row_tap, column_tap) + channel;
            to.rows(row, core::slice::from_ref(&gradient));
        }
    });
    gradient.fill(F::empty());
    for d in d {
        for (sum, &d) in gradient.iter_mut().zip(d) {
            *sum = F::add(*sum, d);
        }
    }
    gradient
}

/// So many products are summed up by [`Format::add_outer`].
const TERMS: usize = 64;

/// The gradient of `N` outputs from `at` on, by the weights of a tap and a channel.
#[inline(never)]
fn products<F: Format, S: Sizes, const N: usize, const OUT: usize>(
    sizes: S,
    (row_tap, column_tap): (usize, usize),
    channel: usize,
    at: usize,
    x: &[F::Value],
    d: &[[F::Sum; OUT]],
) -> [F::Sum; N] {
    let windows = sizes.windows();
    let apart = windows.columns.step * windows.channels;
    let positions = windows.columns.positions(column_tap);
    let place = windows.columns.place(positions.start, column_tap);
    let mut all = [F::empty(); N];
    for row in windows.rows.positions(row_tap) {
        let first = windows.pixel(windows.rows.place(row, row_tap), place) + channel;
        let position = row * windows.columns.output + positions.start;
        let count = positions.end - positions.start;
        let mut done = 0;
        while done < count {
            // The last one is by itself: chunks from one to the next need no checks.
            let before = least(count - done, TERMS) - 1;
            let (first, position) = (first + done * apart, (position + done) * OUT + at);
            let (all_x, all_d) =
                (run(x, first, before * apart), run(d.as_flattened(), position, before * OUT));
            let last =
                (x.get(first + before * apart), columns(d.as_flattened(), position + before * OUT));
            let (Some(x), Some(d), (Some(last_x), Some(last_d))) = (all_x, all_d, last) else {
                break;
            };
            let mut sums = [F::Sum::ZERO; N];
            let mut add = |&x, d: &[_; N]| {
                up_to_four(&mut sums, d, |sum, &d| {
                    *sum = F::add_outer(*sum, x, d);
                    one_by_one();
                });
            };
            for (d, x) in Both(chunks(d, OUT), chunks(x, apart)) {
                if let (Some(x), Some(d)) = (x.first(), d.first_chunk()) {
                    add(x, d);
                }
                stay_rolled();
            }
            add(last_x, last_d);
            up_to_four(&mut all, &sums, |all, &sum| *all = F::add(*all, sum));
            done += TERMS;
        }
    }
    all
}
