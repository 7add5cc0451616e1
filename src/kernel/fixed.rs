//! Loops for fixed-point numbers: 16-bit weights, the upper halves of [`Q26`](crate::Q26) or all of [`Q10`](crate::Q10), times 32-bit values.
//!
//! Sums wrap around, so their order does not matter, and what wraps on the way to a sum within the
//! range does no harm.

use core::array::from_mut;
use core::hint::black_box;

use super::{Both, columns, columns_mut, each, fit, rolled, stay_rolled};
use crate::number::{FixedWeight, Q12};
use crate::target::{INTEGERS, Integers, SMALL};

/// `sum + w x` of the upper half of the weight.
#[inline(always)]
pub(crate) fn add_product<W: FixedWeight>(sum: i32, w: W, x: i32) -> i32 {
    sum.wrapping_add(w.upper().wrapping_mul(x))
}

/// `w - g x 2^-shift`, which must not leave the range.
#[inline(always)]
pub(crate) fn learn<W: FixedWeight>(w: W, g: i32, x: i32, shift: u32, dither: &mut W::Dither) -> W {
    W::narrow(w.wide().wrapping_sub(g.wrapping_mul(x).wrapping_shr(shift)), dither)
}

/// Whether most instructions can only use eight registers, as on a Cortex-M0.
pub(crate) const FEW_REGISTERS: bool = matches!(INTEGERS, Integers::Short);

/// How many columns of weights have their sums in registers at once. Their weights come from one pointer.
pub(crate) const COLUMNS: usize = if FEW_REGISTERS { 2 } else { 4 };

/// `y = W x + b`.
///
/// Not inlined where registers are few, so that it has all of them.
#[cfg_attr(integers = "short", inline(never))]
#[cfg_attr(not(integers = "short"), inline(always))]
pub(crate) fn affine<W: FixedWeight, const IN: usize, const OUT: usize>(
    weights: &[[W; OUT]; IN],
    bias: &[W; OUT],
    x: &[Q12; IN],
    y: &mut [Q12; OUT],
) {
    let mut at = 0_usize;
    while at.wrapping_add(COLUMNS) <= OUT {
        stay_rolled();
        columns_from::<W, COLUMNS, IN, OUT>(weights, bias, x, y, at);
        at = at.wrapping_add(COLUMNS);
    }
    match OUT % COLUMNS {
        1 => columns_from::<W, 1, IN, OUT>(weights, bias, x, y, at),
        2 => columns_from::<W, 2, IN, OUT>(weights, bias, x, y, at),
        3 => columns_from::<W, 3, IN, OUT>(weights, bias, x, y, at),
        _ => {}
    }
}

/// `N` of the outputs, from `at` on.
#[inline(always)]
fn columns_from<W: FixedWeight, const N: usize, const IN: usize, const OUT: usize>(
    weights: &[[W; OUT]; IN],
    bias: &[W; OUT],
    x: &[Q12; IN],
    y: &mut [Q12; OUT],
    at: usize,
) {
    let mut sums = sums::<W, N, IN, OUT>(weights, x, at);
    if let (Some(bias), Some(y)) = (columns::<_, N>(bias, at), columns_mut::<_, N>(y, at)) {
        // From 22 fraction bits to 12.
        up_to_four(&mut sums, bias, |sum, b| *sum = sum.wrapping_add(b.wide() >> 4) >> 10);
        up_to_four(y, &sums, |y, &sum| *y = Q12::raw(sum));
    }
}

/// The sums of the products in `N` columns from `at` on.
#[inline(always)]
fn sums<W: FixedWeight, const N: usize, const IN: usize, const OUT: usize>(
    weights: &[[W; OUT]; IN],
    x: &[Q12; IN],
    at: usize,
) -> [i32; N] {
    let mut sums = [0; N];
    if fit::<N, OUT>(at) {
        for (w, x) in Both(weights.iter(), x.iter()) {
            if let Some(w) = columns::<_, N>(w, at) {
                up_to_four(&mut sums, w, |sum, &w| *sum = add_product(*sum, w, x.to_bits()));
            }
            stay_rolled();
        }
    }
    sums
}

/// `dx = W^T d`.
#[inline(always)]
pub(crate) fn input_gradient<W: FixedWeight, const IN: usize, const OUT: usize>(
    weights: &[[W; OUT]; IN],
    d: &[i32; OUT],
    dx: &mut [i32; IN],
) {
    each(IN, weights.iter(), dx.iter_mut(), |w, dx| {
        let mut sum = 0;
        in_fours(w, d, |&w, &d| sum = add_product(sum, w, d));
        *dx = sum;
    });
}

/// `W -= x g^T 2^-shift`, `b -= g 2^-shift` with an input of 1, where nothing leaves the range.
#[inline(always)]
pub(crate) fn update<W: FixedWeight, const IN: usize, const OUT: usize>(
    weights: &mut [[W; OUT]; IN],
    bias: &mut [W; OUT],
    x: &[Q12; IN],
    g: &[i32; OUT],
    shift: u32,
    dither: &mut W::Dither,
) {
    update_rows(weights, x, g, shift, dither);
    update_rows(from_mut(bias), &[Q12::ONE], g, shift, dither);
}

#[inline(always)]
fn update_rows<W: FixedWeight, const OUT: usize>(
    weights: &mut [[W; OUT]],
    x: &[Q12],
    g: &[i32; OUT],
    shift: u32,
    dither: &mut W::Dither,
) {
    rolled(weights.iter_mut().zip(x), |(w, &x)| {
        *dither = learn_row(w, g, x.to_bits(), shift, *dither);
    });
}

/// Not inlined, as [`sums`].
#[cfg_attr(integers = "short", inline(never))]
#[cfg_attr(not(integers = "short"), inline(always))]
fn learn_row<W: FixedWeight, const OUT: usize>(
    w: &mut [W; OUT],
    g: &[i32; OUT],
    x: i32,
    shift: u32,
    mut dither: W::Dither,
) -> W::Dither {
    let dither_of_loop = &mut dither;
    if const { !SMALL && OUT <= LARGEST_ROW } {
        for (w, &g) in Both(w.iter_mut(), g.iter()) {
            *w = learn(*w, g, x, shift, dither_of_loop);
            black_box(());
        }
    } else if const { FEW_REGISTERS } {
        for (w, &g) in Both(w.iter_mut(), g.iter()) {
            *w = learn(*w, g, x, shift, dither_of_loop);
            stay_rolled();
        }
    } else {
        let (mut w, mut g) = (w.chunks_exact_mut(4), g.chunks_exact(4));
        for (w, g) in Both(w.by_ref(), g.by_ref()) {
            if let (Some(w), Some(g)) = (w.first_chunk_mut::<4>(), g.first_chunk()) {
                up_to_four(w, g, |w, &g| *w = learn(*w, g, x, shift, dither_of_loop));
            }
            stay_rolled();
        }
        each(OUT % 4, w.into_remainder(), g.remainder(), |w, &g| {
            *w = learn(*w, g, x, shift, dither_of_loop);
        });
    }
    dither
}

/// Calls `f` with each of up to four pairs, written out: the compiler does not unroll when it optimises for
/// size.
#[inline(always)]
pub(crate) fn up_to_four<A, B, const N: usize>(
    a: &mut [A; N],
    b: &[B; N],
    mut f: impl FnMut(&mut A, &B),
) {
    match (a.as_mut_slice(), b.as_slice()) {
        ([a0], [b0]) => f(a0, b0),
        ([a0, a1], [b0, b1]) => {
            f(a0, b0);
            f(a1, b1);
        }
        ([a0, a1, a2], [b0, b1, b2]) => {
            f(a0, b0);
            f(a1, b1);
            f(a2, b2);
        }
        ([a0, a1, a2, a3], [b0, b1, b2, b3]) => {
            f(a0, b0);
            f(a1, b1);
            f(a2, b2);
            f(a3, b3);
        }
        _ => {}
    }
}

/// Rows of up to so many weights are updated without a loop.
const LARGEST_ROW: usize = 32;

/// Calls `f` with each pair of elements, four at a time.
#[inline(always)]
pub(crate) fn in_fours<A, B, const N: usize>(a: &[A; N], b: &[B; N], mut f: impl FnMut(&A, &B)) {
    let (a_fours, b_fours) = (a.chunks_exact(4), b.chunks_exact(4));
    let (a_rest, b_rest) = (a_fours.remainder(), b_fours.remainder());
    let mut four = |a: &[A], b: &[B]| {
        if let ([a0, a1, a2, a3], [b0, b1, b2, b3]) = (a, b) {
            f(a0, b0);
            f(a1, b1);
            f(a2, b2);
            f(a3, b3);
        }
    };
    if const { SMALL } {
        // `zip` is not always inlined, and divides then by the size of the chunks.
        Both(a_fours, b_fours).for_each(|(a, b)| four(a, b));
    } else {
        rolled(a_fours.zip(b_fours), |(a, b)| four(a, b));
    }
    each(N % 4, a_rest, b_rest, f);
}
