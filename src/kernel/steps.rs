//! Kernels for steps of a sequence: what recurrent layers compute at each step, and over all steps.
//!
//! Sums run in the same orders as those of windows with a kernel of one step.

use core::mem::take;
use core::ops::Range;
use core::slice;

use super::super::tile::Tile;
use super::{
    Gradient, ROWS, TILED, affine as affine_of_windows, each_at, fits, fives,
    input_gradient as input_gradient_of_windows, least, row,
};
use crate::kernel::geometry::{Axis, Sizes, Windows};
use crate::kernel::{
    self, Both, batch, chunks, chunks_mut, columns, columns_mut, each_sample, run,
};
use crate::scalar::Scalar;
use crate::target::{HARDWARE, Hardware, SMALL};

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
    let (mut x, mut y) = (x, y);
    while let (true, Some((four, rest))) = (TILED, x.split_first_chunk::<ROWS>()) {
        let Some((to, others)) = take(&mut y).split_first_chunk_mut::<ROWS>() else { return };
        affine_of_windows(Steps::<ROWS, C>, weights, bias, four.as_flattened(), to);
        (x, y) = (rest, others);
    }
    for (x, y) in Both(x.iter(), y.iter_mut()) {
        affine_of_windows(Steps::<1, C>, weights, bias, x, slice::from_mut(y));
    }
}

/// Whether products with a state run by [`row`], at opt-level `s` too: there is one at each step.
const STATE_IN_BLOCKS: bool = matches!(HARDWARE, Hardware::Vldm);

/// `y = W x + b` at a step, for each of `K` samples.
#[inline(always)]
pub(crate) fn affine_of_states<T: Scalar, const H: usize, const OUT: usize, const K: usize>(
    weights: &[[T; OUT]; H],
    bias: &[T; OUT],
    x: [&[T; H]; K],
    y: [&mut [T; OUT]; K],
) {
    if const { STATE_IN_BLOCKS && SMALL } {
        each_sample::<K, _>(x.into_iter().zip(y), |(x, y)| row::affine(weights, bias, x, y));
    } else {
        kernel::affine(weights, bias, x, y);
    }
}

/// `dx = W^T d` at each step; `dx` has `C` numbers for each.
#[inline(always)]
pub(crate) fn input_gradient<T: Scalar, const C: usize, const OUT: usize>(
    weights: &[[T; OUT]; C],
    d: &[[T; OUT]],
    dx: &mut [T],
) {
    let (mut d, mut dx) = (d, dx);
    while let (true, Some((four, rest))) = (TILED, d.split_first_chunk::<ROWS>()) {
        let Some((to, others)) = take(&mut dx).split_at_mut_checked(ROWS * C) else { return };
        input_gradient_of_windows(Steps::<ROWS, C>, weights, four, to);
        (d, dx) = (rest, others);
    }
    for (d, dx) in Both(d.iter(), chunks_mut(dx, C)) {
        input_gradient_of_windows(Steps::<1, C>, weights, slice::from_ref(d), dx);
    }
}

/// `dx += W^T d` for each of `K` samples, in the order of the outputs.
#[inline(always)]
pub(crate) fn add_input_gradients<T: Scalar, const C: usize, const OUT: usize, const K: usize>(
    weights: &[[T; OUT]; C],
    d: [&[T; OUT]; K],
    dx: [&mut [T; C]; K],
) {
    if const { K > 1 && matches!(HARDWARE, Hardware::Simd) && batch::takes::<T>(C) } {
        batch::add_input_gradient(weights, d, dx);
    } else {
        let samples = d.into_iter().zip(dx);
        each_sample::<K, _>(samples, |(d, dx)| add_input_gradient(weights, d, dx));
    }
}

/// As [`add_input_gradients`], for one.
#[inline(never)]
fn add_input_gradient<T: Scalar, const C: usize, const OUT: usize>(
    weights: &[[T; OUT]; C],
    d: &[T; OUT],
    dx: &mut [T; C],
) {
    if const { STATE_IN_BLOCKS } {
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

/// Derivatives at each step: of the first outputs in `first`, of the others in `others`.
#[derive(Clone, Copy)]
pub(crate) struct ByStep<'a, T, const OUT: usize, const D: usize> {
    /// Of the first outputs, and numbers that are not used.
    pub(crate) first: &'a [[T; OUT]],
    /// Of the others; none of them are used if there are no others.
    pub(crate) others: &'a [[T; D]],
    /// How many are in `first`.
    pub(crate) split: usize,
}

impl<T, const OUT: usize, const D: usize> ByStep<'_, T, OUT, D> {
    /// Those of the first step, which is the last in memory if they are `reversed`, and those of all others.
    #[inline(always)]
    pub(crate) fn split_first(self, reversed: bool) -> (Self, Self) {
        #[inline(always)]
        fn split_first<V>(steps: &[V], reversed: bool) -> (&[V], &[V]) {
            let split = if reversed { steps.split_last() } else { steps.split_first() };
            split.map_or((&[], &[]), |(first, others)| (slice::from_ref(first), others))
        }
        let split = self.split;
        let (first, others) = split_first(self.first, reversed);
        let (first_others, other_others) = split_first(self.others, reversed);
        (
            Self { first, others: first_others, split },
            Self { first: others, others: other_others, split },
        )
    }
}

/// Gives `to` the gradient of all weights, the sums of `x d^T` over the steps, as many of both.
#[inline(always)]
pub(crate) fn gradient<T: Scalar, const C: usize, const OUT: usize, const D: usize>(
    x: &[[T; C]],
    d: ByStep<'_, T, OUT, D>,
    to: &mut impl Gradient<T, OUT>,
) {
    gradient_from::<_, _, C, OUT, D, 0>([], x, d, to);
}

/// As [`gradient`], with `x` and `d` of `N` steps, 0 or 1, before these.
#[inline(always)]
pub(crate) fn gradient_from<
    T,
    G,
    const C: usize,
    const OUT: usize,
    const D: usize,
    const N: usize,
>(
    before: [(&[T; C], ByStep<'_, T, OUT, D>); N],
    x: &[[T; C]],
    d: ByStep<'_, T, OUT, D>,
    to: &mut G,
) where
    T: Scalar,
    G: Gradient<T, OUT>,
{
    if x.is_empty() {
        return match before.first() {
            Some((x, d)) if !d.first.is_empty() => gradient(slice::from_ref(*x), *d, to),
            _ => (0..C).for_each(|row| to.rows(row, &[[-T::ZERO; OUT]])),
        };
    }
    let mut rows = [[T::ZERO; OUT]; ROWS];
    let mut at = 0;
    while at < C {
        let count = if TILED { least(C - at, ROWS) } else { 1 };
        match count {
            4 => gradient_of_four(before, x, d, at, &mut rows, to),
            3 => gradient_of_three(before, x, d, at, &mut rows, to),
            2 => gradient_of_two(before, x, d, at, &mut rows, to),
            _ => gradient_of_one(before, x, d, at, &mut rows, to),
        }
        at += count;
    }
}

/// Defines the loops for `$r` rows of weights.
macro_rules! gradient_rows {
    ($name:ident $r:literal: $($x:ident $k:literal),+) => {
        /// Gives `to` the gradient of the rows of weights from `at` on.
        #[inline(always)]
        fn $name<T, G, const C: usize, const OUT: usize, const D: usize, const N: usize>(
            before: [(&[T; C], ByStep<'_, T, OUT, D>); N],
            x: &[[T; C]],
            d: ByStep<'_, T, OUT, D>,
            at: usize,
            rows: &mut [[T; OUT]; ROWS],
            to: &mut G,
        ) where
            T: Scalar,
            G: Gradient<T, OUT>,
        {
            #[inline(never)]
            fn part<T, G, const C: usize, const OUT: usize, const D: usize, const N: usize>(
                earlier: [(&[T; C], &[[T; D]]); N],
                x: &[[T; C]],
                d: &[[T; D]],
                at: usize,
                outputs: Range<usize>,
                rows: &mut [[T; OUT]; $r],
                to: &mut G,
            ) where
                T: Scalar,
                G: Gradient<T, OUT>,
            {
                // Chunks from one step to the next need no checks; there is none behind the last step.
                let (Some(last_x), Some((last_d, before))) = (x.last(), d.split_last()) else {
                    return;
                };
                let Some(x) = run(x.as_flattened(), at, before.len() * C) else { return };
                in_columns!(T, outputs.end - outputs.start, |column, M| {
                    let Some(d) = run(d.as_flattened(), column, before.len() * D) else { return };
                    let mut sums = <[[T; M]; $r]>::empty();
                    for (x, d) in earlier {
                        sums.add(d.len(), |_| Some((*columns(x, at)?, *columns(d.first()?, column)?)));
                    }
                    let steps = Both(chunks(x, C), chunks(d, D));
                    sums.add_all(steps.map(|(x, d)| Some((*x.first_chunk()?, *d.first_chunk()?))));
                    sums.add(1, |_| Some((*columns(last_x, at)?, *columns(last_d, column)?)));
                    let column = outputs.start + column;
                    if const { G::IN_PARTS } {
                        let [$($x),+] = sums;
                        $(to.part(at + $k, column, $x);)+
                    } else {
                        sums.write(rows, column);
                    }
                });
            }

            let Some(rows) = rows.first_chunk_mut::<$r>() else { return };
            let ByStep { first, others, split } = d;
            part(before.map(|(x, d)| (x, d.first)), x, first, at, 0..split, rows, to);
            if split < OUT {
                part(before.map(|(x, d)| (x, d.others)), x, others, at, split..OUT, rows, to);
            }
            if const { !G::IN_PARTS } {
                to.rows(at, rows);
            }
        }
    };
}

gradient_rows!(gradient_of_four 4: x0 0, x1 1, x2 2, x3 3);
gradient_rows!(gradient_of_three 3: x0 0, x1 1, x2 2);
gradient_rows!(gradient_of_two 2: x0 0, x1 1);
gradient_rows!(gradient_of_one 1: x0 0);

/// The gradient of the biases, the sums of `d` over the steps.
#[inline(always)]
pub(crate) fn bias_gradient<T: Scalar, const OUT: usize, const D: usize>(
    d: ByStep<'_, T, OUT, D>,
) -> [T; OUT] {
    let mut bias = [[-T::ZERO; OUT]];
    bias_of(d.first, 0..d.split, &mut bias);
    bias_of(d.others, d.split..OUT, &mut bias);
    let [bias] = bias;
    bias
}

/// The sums of `d` over the steps for these outputs, the first of which is the first of a step.
#[inline(always)]
fn bias_of<T: Scalar, const OUT: usize, const D: usize>(
    d: &[[T; D]],
    outputs: Range<usize>,
    bias: &mut [[T; OUT]; 1],
) {
    in_columns!(T, outputs.end - outputs.start, |column, N| {
        let mut sums = <[[T; N]; 1]>::empty();
        sums.add_all(d.iter().map(|d| Some(([T::ONE], *columns(d, column)?))));
        sums.write(bias, outputs.start + column);
    });
}
