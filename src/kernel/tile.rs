//! The loops over several samples at once, for cores with vector registers.
//!
//! Blocks of 4 rows by [`WIDTH`] columns of sums stay in registers while the products are added to them,
//! so that a number that is loaded serves several products. Each sum runs in the same order as for one
//! sample alone. Where a matrix does not end with a block, the last block overlaps the one before.

#![allow(clippy::arithmetic_side_effects, reason = "places are counted up to the sizes only")]

use core::ops::Range;

use super::LANES_FROM;
use crate::scalar::Scalar;
use crate::target::{NARROW, SOFT};

/// The most columns of a block, in numbers of 4 bytes: two registers.
const WIDTH: usize = if cfg!(target_feature = "avx") { 16 } else { 8 };

/// So many rows of weights at a time: a block of them stays in the first cache for all samples, also where
/// its rows, with a power of 2 between them, share few places there.
const INPUTS: usize = 64;

/// Columns of the blocks of a matrix that has so many: a power of 2 up to `WIDTH`, or fewer than 4.
const fn width<T>(columns: usize) -> usize {
    let most = WIDTH * 4 / size_of::<T>();
    let mut width = most;
    while width > columns && width > 2 {
        width /= 2;
    }
    width
}

/// The `N` numbers from `at` on.
#[inline(always)]
fn part<T, const N: usize>(all: &[T], at: usize) -> Option<&[T; N]> {
    all.get(at..)?.first_chunk()
}

#[inline(always)]
fn part_mut<T, const N: usize>(all: &mut [T], at: usize) -> Option<&mut [T; N]> {
    all.get_mut(at..)?.first_chunk_mut()
}

/// `sums + w x`, for each of the sums.
#[inline(always)]
fn add<T: Scalar, const W: usize>(sums: [T; W], w: &[T; W], x: T) -> [T; W] {
    let mut sums = sums;
    for (sum, &w) in sums.iter_mut().zip(w) {
        *sum += w * x;
    }
    sums
}

/// Calls `f` with the place of each block of `W` columns out of `columns`, and with how many columns at
/// its beginning the block before has had too.
#[inline(always)]
fn blocks<const W: usize>(columns: usize, mut f: impl FnMut(usize, usize)) {
    let mut at = 0;
    while at + W <= columns {
        f(at, 0);
        at += W;
    }
    if at < columns && W <= columns {
        f(columns - W, at + W - columns);
    }
}

/// A function that adds the products of all steps, a factor for each row and a number for each column,
/// to a block of sums. The rows are written out, with names: the compiler keeps them in registers.
macro_rules! products {
    ($name:ident, $n:literal: $($sums:ident $factor:ident),+) => {
        #[inline(always)]
        fn $name<'a, T: Scalar, const W: usize>(
            [$(mut $sums),+]: [[T; W]; $n],
            steps: impl Iterator<Item = Option<([T; $n], &'a [T; W])>>,
        ) -> [[T; W]; $n] {
            for step in steps {
                if let Some(([$($factor),+], w)) = step {
                    $($sums = add($sums, w, $factor);)+
                }
            }
            [$($sums),+]
        }
    };
}

products!(products_of_4, 4: s0 x0, s1 x1, s2 x2, s3 x3);
products!(products_of_1, 1: s0 x0);

macro_rules! rows {
    ($n:literal $name:ident $products:ident) => {
        /// The loops for this many rows.
        mod $name {
            use super::{$products as products, *};

            /// `y = W x + b` for samples, as far as these inputs go.
            #[inline(always)]
            pub(super) fn affine<T: Scalar, const W: usize, const IN: usize, const OUT: usize>(
                weights: &[[T; OUT]; IN],
                bias: &[T; OUT],
                x: [&[T; IN]; $n],
                y: &mut [&mut [T; OUT]; $n],
                inputs: Range<usize>,
            ) {
                blocks::<W>(OUT, |at, done| {
                    let steps = inputs.clone();
                    let steps = steps.map(|i| Some((at_place(x, i)?, part(weights.get(i)?, at)?)));
                    let before = y.each_ref().map(|y| part(*y, at).copied());
                    let before = before.map(|sums| sums.filter(|_| inputs.start > 0));
                    let sums = products(before.map(|sums| sums.unwrap_or([-T::ZERO; W])), steps);
                    for (y, sums) in y.iter_mut().zip(sums) {
                        let Some(b) = part(bias, at).filter(|_| inputs.end == IN) else {
                            store(*y, &sums, at, done);
                            continue;
                        };
                        store(*y, &add(sums, b, T::ONE), at, done);
                    }
                });
            }

            /// `dx = W^T d` for samples, in the order of the outputs; `columns` are those of a block of
            /// inputs.
            #[inline(always)]
            pub(super) fn input_gradient<
                T: Scalar,
                const W: usize,
                const IN: usize,
                const OUT: usize,
            >(
                columns: &[[T; W]; OUT],
                delta: [&[T; OUT]; $n],
                gradient: &mut [&mut [T; IN]; $n],
                at: usize,
            ) {
                let steps = (0..OUT).map(|o| Some((at_place(delta, o)?, columns.get(o)?)));
                let sums = products([[-T::ZERO; W]; $n], steps);
                for (dx, sums) in gradient.iter_mut().zip(sums) {
                    if let Some(dx) = part_mut(*dx, at) {
                        *dx = sums;
                    }
                }
            }

            /// Adds the products of all samples to the rows of a gradient from the input `i` on.
            #[inline(always)]
            pub(super) fn update<
                T: Scalar,
                const W: usize,
                const IN: usize,
                const OUT: usize,
                const K: usize,
            >(
                rows: &mut [[T; OUT]; $n],
                x: [&[T; IN]; K],
                delta: [&[T; OUT]; K],
                i: usize,
            ) {
                blocks::<W>(OUT, |at, done| {
                    let steps =
                        x.iter().zip(delta).map(|(x, d)| Some((*part(*x, i)?, part(d, at)?)));
                    let before = rows.each_ref().map(|row| part(row, at).copied());
                    let sums = products(before.map(|row| row.unwrap_or([T::ZERO; W])), steps);
                    for (row, sums) in rows.iter_mut().zip(sums) {
                        store(row, &sums, at, done);
                    }
                });
            }
        }
    };
}

rows!(4 four products_of_4);
rows!(1 one products_of_1);

/// Writes a block into a row from `at` on, without its first `done` columns.
#[inline(always)]
fn store<T: Scalar, const W: usize>(row: &mut [T], sums: &[T; W], at: usize, done: usize) {
    if done == 0 {
        if let Some(row) = part_mut(row, at) {
            *row = *sums;
        }
    } else {
        let row = row.iter_mut().skip(at).zip(sums);
        row.skip(done).for_each(|(old, &new)| *old = new);
    }
}

/// The number of each row at one place.
#[inline(always)]
fn at_place<T: Scalar, const N: usize, const R: usize>(
    rows: [&[T; N]; R],
    at: usize,
) -> Option<[T; R]> {
    // One comparison for all, which the compiler knows to be true.
    (at < N).then(|| rows.map(|row| row.get(at).copied().unwrap_or(T::ZERO)))
}

/// Calls `$f::<W>(..)` for the width of blocks that fits so many columns, or evaluates `$narrow`.
macro_rules! by_width {
    ($columns:expr, $f:ident($($argument:expr),+), $narrow:expr) => {
        match width::<T>($columns) {
            16 => $f::<T, 16, IN, OUT, K>($($argument),+),
            8 => $f::<T, 8, IN, OUT, K>($($argument),+),
            4 => $f::<T, 4, IN, OUT, K>($($argument),+),
            _ => $narrow,
        }
    };
}

/// As [`affine`](super::affine), for several samples.
#[inline(always)]
pub(crate) fn affine<T: Scalar, const IN: usize, const OUT: usize, const K: usize>(
    weights: &[[T; OUT]; IN],
    bias: &[T; OUT],
    x: [&[T; IN]; K],
    y: [&mut [T; OUT]; K],
) {
    if NARROW || SOFT {
        x.iter().zip(y).for_each(|(x, y)| super::affine(weights, bias, x, y));
        return;
    }
    by_width!(OUT, affine_by(weights, bias, x, y), affine_narrow(weights, bias, x, y));
}

#[inline(always)]
fn affine_by<T: Scalar, const W: usize, const IN: usize, const OUT: usize, const K: usize>(
    weights: &[[T; OUT]; IN],
    bias: &[T; OUT],
    x: [&[T; IN]; K],
    mut y: [&mut [T; OUT]; K],
) {
    let mut at = 0;
    while at < IN {
        let inputs = at..if IN - at > INPUTS { at + INPUTS } else { IN };
        let (mut fours, mut outputs) = (x.chunks_exact(4), y.chunks_exact_mut(4));
        for (x, y) in fours.by_ref().zip(outputs.by_ref()) {
            if let (Some(x), Some(y)) = (x.first_chunk(), y.first_chunk_mut()) {
                four::affine::<T, W, IN, OUT>(weights, bias, *x, y, inputs.clone());
            }
        }
        for (x, y) in fours.remainder().iter().zip(outputs.into_remainder()) {
            one::affine::<T, W, IN, OUT>(weights, bias, [*x], &mut [y], inputs.clone());
        }
        at = inputs.end;
    }
}

/// For few outputs: 4 samples are the columns of a block.
#[inline(always)]
fn affine_narrow<T: Scalar, const IN: usize, const OUT: usize, const K: usize>(
    weights: &[[T; OUT]; IN],
    bias: &[T; OUT],
    x: [&[T; IN]; K],
    mut y: [&mut [T; OUT]; K],
) {
    let (mut inputs, mut outputs) = (x.chunks_exact(4), y.chunks_exact_mut(4));
    for (x, y) in inputs.by_ref().zip(outputs.by_ref()) {
        let Some(&x) = x.first_chunk::<4>() else { return };
        let mut sums = [[-T::ZERO; 4]; OUT];
        for (i, w) in weights.iter().enumerate() {
            let Some(x) = at_place(x, i) else { return };
            for (sums, &w) in sums.iter_mut().zip(w) {
                *sums = add(*sums, &x, w);
            }
        }
        for (o, (sums, &b)) in sums.iter().zip(bias).enumerate() {
            for (y, &sum) in y.iter_mut().zip(sums) {
                if let Some(y) = y.get_mut(o) {
                    *y = sum + b;
                }
            }
        }
    }
    for (x, y) in inputs.remainder().iter().zip(outputs.into_remainder()) {
        super::affine(weights, bias, x, y);
    }
}

/// As [`input_gradient`](super::input_gradient), for several samples.
#[inline(always)]
pub(crate) fn input_gradient<T: Scalar, const IN: usize, const OUT: usize, const K: usize>(
    weights: &[[T; OUT]; IN],
    delta: [&[T; OUT]; K],
    gradient: [&mut [T; IN]; K],
) {
    if NARROW || SOFT || OUT >= LANES_FROM {
        input_gradient_one_by_one(weights, delta, gradient);
    } else {
        by_width!(
            IN,
            input_gradient_by(weights, delta, gradient),
            input_gradient_one_by_one(weights, delta, gradient)
        );
    }
}

#[inline(always)]
fn input_gradient_one_by_one<T: Scalar, const IN: usize, const OUT: usize, const K: usize>(
    weights: &[[T; OUT]; IN],
    delta: [&[T; OUT]; K],
    gradient: [&mut [T; IN]; K],
) {
    for (d, dx) in delta.iter().zip(gradient) {
        super::input_gradient(weights, d, dx);
    }
}

#[inline(always)]
fn input_gradient_by<
    T: Scalar,
    const W: usize,
    const IN: usize,
    const OUT: usize,
    const K: usize,
>(
    weights: &[[T; OUT]; IN],
    delta: [&[T; OUT]; K],
    mut gradient: [&mut [T; IN]; K],
) {
    blocks::<W>(IN, |at, _| {
        let Some(rows) = part::<_, W>(weights, at) else { return };
        let mut columns = [[T::ZERO; W]; OUT];
        for (o, column) in columns.iter_mut().enumerate() {
            *column = rows.each_ref().map(|row| row.get(o).copied().unwrap_or(T::ZERO));
        }
        let (mut deltas, mut gradients) = (delta.chunks_exact(4), gradient.chunks_exact_mut(4));
        for (d, dx) in deltas.by_ref().zip(gradients.by_ref()) {
            if let (Some(d), Some(dx)) = (d.first_chunk(), dx.first_chunk_mut()) {
                four::input_gradient::<T, W, IN, OUT>(&columns, *d, dx, at);
            }
        }
        for (d, dx) in deltas.remainder().iter().zip(gradients.into_remainder()) {
            one::input_gradient::<T, W, IN, OUT>(&columns, [*d], &mut [dx], at);
        }
    });
}

/// Adds the gradients of all samples, in their order: `W += x d^T`, `b += d` for each.
#[inline(always)]
pub(crate) fn update<T: Scalar, const IN: usize, const OUT: usize, const K: usize>(
    weights: &mut [[T; OUT]; IN],
    bias: &mut [T; OUT],
    x: [&[T; IN]; K],
    delta: [&[T; OUT]; K],
) {
    if NARROW || SOFT {
        update_one_by_one(weights, bias, x, delta);
    } else {
        by_width!(
            OUT,
            update_by(weights, bias, x, delta),
            by_width!(
                IN,
                update_narrow(weights, bias, x, delta),
                update_one_by_one(weights, bias, x, delta)
            )
        );
    }
}

#[inline(always)]
fn update_one_by_one<T: Scalar, const IN: usize, const OUT: usize, const K: usize>(
    weights: &mut [[T; OUT]; IN],
    bias: &mut [T; OUT],
    x: [&[T; IN]; K],
    delta: [&[T; OUT]; K],
) {
    for (x, d) in x.iter().zip(delta) {
        super::update(weights, bias, x, d, T::ONE);
    }
}

#[inline(always)]
fn update_by<T: Scalar, const W: usize, const IN: usize, const OUT: usize, const K: usize>(
    weights: &mut [[T; OUT]; IN],
    bias: &mut [T; OUT],
    x: [&[T; IN]; K],
    delta: [&[T; OUT]; K],
) {
    let mut i = 0;
    let mut rows = weights.chunks_exact_mut(4);
    for rows in rows.by_ref() {
        if let Some(rows) = rows.first_chunk_mut() {
            four::update::<T, W, IN, OUT, K>(rows, x, delta, i);
        }
        i += 4;
    }
    for row in rows.into_remainder() {
        one::update::<T, W, IN, OUT, K>(core::array::from_mut(row), x, delta, i);
        i += 1;
    }
    one::update::<T, W, 1, OUT, K>(core::array::from_mut(bias), [&[T::ONE]; K], delta, 0);
}

/// For few outputs: inputs are the columns of a block.
#[inline(always)]
fn update_narrow<T: Scalar, const W: usize, const IN: usize, const OUT: usize, const K: usize>(
    weights: &mut [[T; OUT]; IN],
    bias: &mut [T; OUT],
    x: [&[T; IN]; K],
    delta: [&[T; OUT]; K],
) {
    blocks::<W>(IN, |at, done| {
        let Some(rows) = part_mut::<_, W>(weights, at) else { return };
        let mut sums = [[T::ZERO; W]; OUT];
        for (o, sums) in sums.iter_mut().enumerate() {
            *sums = rows.each_ref().map(|row| row.get(o).copied().unwrap_or(T::ZERO));
        }
        for (x, d) in x.iter().zip(delta) {
            let Some(x) = part(*x, at) else { return };
            for (sums, &d) in sums.iter_mut().zip(d) {
                *sums = add(*sums, x, d);
            }
        }
        for (o, sums) in sums.iter().enumerate() {
            for (row, &sum) in rows.iter_mut().zip(sums).skip(done) {
                if let Some(w) = row.get_mut(o) {
                    *w = sum;
                }
            }
        }
    });
    for d in delta {
        bias.iter_mut().zip(d).for_each(|(b, &d)| *b += d);
    }
}
