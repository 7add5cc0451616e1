//! Kernels for steps of a sequence: what recurrent layers compute at each step, and over all steps.
//!
//! Sums run in the same orders as those of windows with a kernel of one step.

use core::ops::Range;
use core::slice;

use super::super::tile::Tile;
use super::{
    Gradient, IN_BLOCKS, ROWS, TILED, affine as affine_of_windows, each_at, fits, fives,
    input_gradient as input_gradient_of_windows, row,
};
use crate::kernel::geometry::{Axis, Sizes, Windows};
use crate::kernel::{Both, chunks, chunks_mut, columns, columns_mut};
use crate::scalar::Scalar;

/// Windows of one step, at so many steps of `C` channels.
#[derive(Clone, Copy)]
struct Steps<const L: usize, const C: usize>;

impl<const L: usize, const C: usize> Sizes for Steps<L, C> {
    #[inline(always)]
    fn windows(self) -> Windows {
        let columns = Axis { input: L, output: L, ..Axis::ONE };
        Windows { rows: Axis::ONE, columns, channels: C, group: C }
    }
}

/// `y = W x + b` at each step.
#[inline(always)]
pub(crate) fn affine<T: Scalar, const C: usize, const OUT: usize>(
    weights: &[[T; OUT]; C],
    bias: &[T; OUT],
    x: &[[T; C]],
    y: &mut [[T; OUT]],
) {
    for (x, y) in x.chunks(ROWS).zip(y.chunks_mut(ROWS)) {
        if x.len() == ROWS && TILED {
            affine_of_windows(Steps::<ROWS, C>, weights, bias, x.as_flattened(), y);
        } else {
            for (x, y) in Both(x.iter(), y.iter_mut()) {
                affine_of_windows(Steps::<1, C>, weights, bias, x, slice::from_mut(y));
            }
        }
    }
}

/// `dx = W^T d` at each step; `dx` has `C` numbers for each.
#[inline(always)]
pub(crate) fn input_gradient<T: Scalar, const C: usize, const OUT: usize>(
    weights: &[[T; OUT]; C],
    d: &[[T; OUT]],
    dx: &mut [T],
) {
    for (d, dx) in Both(d.chunks(ROWS), dx.chunks_mut(ROWS * C)) {
        if d.len() == ROWS && TILED {
            input_gradient_of_windows(Steps::<ROWS, C>, weights, d, dx);
        } else {
            for (d, dx) in Both(d.iter(), chunks_mut(dx, C)) {
                input_gradient_of_windows(Steps::<1, C>, weights, slice::from_ref(d), dx);
            }
        }
    }
}

/// `dx += W^T d`, in the order of the outputs.
#[inline(never)]
pub(crate) fn add_input_gradient<T: Scalar, const C: usize, const OUT: usize>(
    weights: &[[T; OUT]; C],
    d: &[T; OUT],
    dx: &mut [T; C],
) {
    if const { IN_BLOCKS } {
        return row::add_input_gradient(weights, d, dx);
    }
    in_columns!(T, C, |at, N| {
        let (Some(w), Some(dx)) = (columns::<_, N>(weights, at), columns_mut::<_, N>(dx, at))
        else {
            return;
        };
        let mut sums = [*dx];
        sums.add(OUT, |o| Some(([*d.get(o)?], each_at(w, o)?)));
        [*dx] = sums;
    });
}

/// Derivatives of some outputs at each step.
pub(crate) struct Part<'a, T> {
    /// Which of the outputs.
    pub(crate) outputs: Range<usize>,
    /// Numbers of all steps, of which the first of each step belong to these outputs.
    pub(crate) d: &'a [T],
    /// How many numbers there are for a step.
    pub(crate) apart: usize,
}

/// Gives `to` the gradient of all weights, the sums of `x d^T` over the steps.
#[inline(always)]
pub(crate) fn gradient<T: Scalar, const C: usize, const OUT: usize>(
    x: &[[T; C]],
    parts: &[Part<'_, T>],
    to: &mut impl Gradient<T, OUT>,
) {
    let mut rows = [[T::ZERO; OUT]; ROWS];
    let mut at = 0;
    while TILED && at + ROWS <= C {
        gradient_of_four(x, at, parts, to, &mut rows);
        at += ROWS;
    }
    while at < C {
        gradient_of_one(x, at, parts, to, &mut rows);
        at += 1;
    }
}

/// The gradient of the biases, the sums of `d` over the steps.
#[inline(always)]
pub(crate) fn bias_gradient<T: Scalar, const OUT: usize>(parts: &[Part<'_, T>]) -> [T; OUT] {
    let mut bias = [[-T::ZERO; OUT]];
    for Part { outputs, d, apart } in parts {
        in_columns!(T, outputs.end - outputs.start, |column, N| {
            let mut sums = <[[T; N]; 1]>::empty();
            sums.add_all(chunks(d, *apart).map(|d| Some(([T::ONE], *columns(d, column)?))));
            sums.write(&mut bias, outputs.start + column);
        });
    }
    let [bias] = bias;
    bias
}

/// Defines the loop for `$r` rows of weights.
macro_rules! gradient_rows {
    ($name:ident $r:literal: $($x:ident $k:literal),+) => {
        /// Gives `to` the gradient of the rows of weights from `at` on.
        #[inline(never)]
        fn $name<T: Scalar, G: Gradient<T, OUT>, const C: usize, const OUT: usize>(
            x: &[[T; C]],
            at: usize,
            parts: &[Part<'_, T>],
            to: &mut G,
            rows: &mut [[T; OUT]; ROWS],
        ) {
            let Some(gradient) = rows.first_chunk_mut::<$r>() else { return };
            for Part { outputs, d, apart } in parts {
                in_columns!(T, outputs.end - outputs.start, |column, N| {
                    let mut sums = <[[T; N]; $r]>::empty();
                    let steps = Both(x.iter(), chunks(d, *apart));
                    sums.add_all(steps.map(|(x, d)| {
                        Some((*columns(x, at)?, *columns(d, column)?))
                    }));
                    let column = outputs.start + column;
                    if const { G::IN_PARTS } {
                        let [$($x),+] = sums;
                        $(to.part(at + $k, column, $x);)+
                    } else {
                        sums.write(gradient, column);
                    }
                });
            }
            if const { !G::IN_PARTS } {
                to.rows(at, gradient);
            }
        }
    };
}

gradient_rows!(gradient_of_four 4: x0 0, x1 1, x2 2, x3 3);
gradient_rows!(gradient_of_one 1: x0 0);
