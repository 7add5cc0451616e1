//! The loops for cores without vector registers.
//!
//! Each goes down the rows of weights in columns of 4, or what is left of them. The sums, or the
//! deltas, of those columns stay in registers meanwhile, so that a weight costs one load and one
//! multiply-accumulate. The columns are written out, because the compiler does not unroll when it
//! optimises for size.

#![allow(clippy::arithmetic_side_effects, reason = "columns are counted up to `OUT` only")]

use core::hint::black_box;

use super::{WRITTEN_OUT, dot, each, rolled, stay_rolled};
use crate::scalar::Scalar;
use crate::target::SMALL;

/// The `N` numbers of a row from column `at` on.
#[inline(always)]
pub(super) fn columns<T, const N: usize>(row: &[T], at: usize) -> Option<&[T; N]> {
    row.get(at..)?.first_chunk()
}

#[inline(always)]
pub(super) fn columns_mut<T, const N: usize>(row: &mut [T], at: usize) -> Option<&mut [T; N]> {
    row.get_mut(at..)?.first_chunk_mut()
}

/// Calls `f` with each of `len` rows; many may be unrolled.
#[inline(always)]
fn rows<I: Iterator>(len: usize, rows: I, f: impl FnMut(I::Item)) {
    if len > WRITTEN_OUT { rows.for_each(f) } else { each(len, rows, f) }
}

/// As [`rows`], with rows that change. `unroll` says whether many may be unrolled.
#[inline(always)]
fn rows_mut<A, B>(unroll: bool, a: &mut [A], b: &[B], mut f: impl FnMut(&mut A, &B)) {
    match (&mut *a, b) {
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
        ([a0, a1, a2, a3], [b0, b1, b2, b3]) if !SMALL => {
            f(a0, b0);
            f(a1, b1);
            f(a2, b2);
            f(a3, b3);
        }
        _ if unroll => a.iter_mut().zip(b).for_each(|(a, b)| f(a, b)),
        _ => rolled(a.iter_mut().zip(b), |(a, b)| f(a, b)),
    }
}

/// The three loops for `$n` columns, with a name for each weight and each sum or delta.
macro_rules! columns {
    ($n:literal $name:ident: $($w:ident $s:ident),+) => {
        mod $name {
            use super::{Scalar, columns, columns_mut, rows, rows_mut};

            /// Whether the columns from `at` on are there. The compiler knows it from then on, and
            /// leaves out the checks in the loops.
            #[inline(always)]
            fn fit<const OUT: usize>(at: usize) -> bool {
                OUT >= $n && at < OUT - $n + 1
            }

            #[inline(always)]
            pub(super) fn affine<T: Scalar, const IN: usize, const OUT: usize>(
                weights: &[[T; OUT]; IN],
                bias: &[T; OUT],
                x: &[T; IN],
                y: &mut [T; OUT],
                at: usize,
            ) {
                if !fit::<OUT>(at) {
                    return;
                }
                $(let mut $s = -T::ZERO;)+
                rows(IN, weights.iter().zip(x), |(w, &x)| {
                    if let Some(&[$($w),+]) = columns(w, at) {
                        $($s += $w * x;)+
                    }
                });
                if let (Some(&[$($w),+]), Some(y)) = (columns(bias, at), columns_mut(y, at)) {
                    *y = [$($s + $w),+];
                }
            }

            #[inline(always)]
            pub(super) fn input_gradient<T: Scalar, const IN: usize, const OUT: usize>(
                weights: &[[T; OUT]; IN],
                delta: &[T; OUT],
                gradient: &mut [T; IN],
                at: usize,
            ) {
                if !fit::<OUT>(at) {
                    return;
                }
                let Some(&[$($s),+]) = columns(delta, at) else { return };
                rows_mut(false, gradient, weights, |dx, w| {
                    if let Some(&[$($w),+]) = columns(w, at) {
                        let sum = if OUT <= 4 { -T::ZERO } else { *dx };
                        *dx = sum $(+ $w * $s)+;
                    }
                });
            }

            #[inline(always)]
            pub(super) fn update<T: Scalar, const IN: usize, const OUT: usize>(
                weights: &mut [[T; OUT]; IN],
                bias: &mut [T; OUT],
                x: &[T; IN],
                delta: &[T; OUT],
                s: T,
                at: usize,
            ) {
                if !fit::<OUT>(at) {
                    return;
                }
                let Some(&[$($s),+]) = columns(delta, at) else { return };
                $(let $s = s * $s;)+
                rows_mut($n >= 4, weights, x, |w, &x| {
                    if let Some([$($w),+]) = columns_mut(w, at) {
                        $(*$w += x * $s;)+
                    }
                });
                if let Some([$($w),+]) = columns_mut(bias, at) {
                    $(*$w += $s;)+
                }
            }
        }
    };
}

columns!(5 five: w0 s0, w1 s1, w2 s2, w3 s3, w4 s4);
columns!(4 four: w0 s0, w1 s1, w2 s2, w3 s3);
columns!(3 three: w0 s0, w1 s1, w2 s2);
columns!(2 two: w0 s0, w1 s1);
columns!(1 one: w0 s0);

/// How many columns a loop takes at once, from 5 outputs on.
const fn width(inputs: usize, outputs: usize) -> usize {
    match outputs {
        // Where there is little to do, the shortest loops.
        _ if SMALL && outputs % 2 == 0 && inputs * outputs <= 128 => 2,
        // Two kinds of columns take more flash than one.
        10 | 14 if SMALL => 2,
        6 | 9 => 3,
        5 | 10 | 15 => 5,
        _ => 4,
    }
}

/// Calls a function of this module for all columns of `0..OUT`.
macro_rules! in_columns {
    ($begin:expr, $function:ident($($argument:ident),+)) => {
        let mut rest = OUT;
        if OUT > 4 {
            match width(IN, OUT) {
                2 => in_columns!(2, two, rest, $begin, $function($($argument),+)),
                3 => in_columns!(3, three, rest, $begin, $function($($argument),+)),
                5 => in_columns!(5, five, rest, $begin, $function($($argument),+)),
                _ => in_columns!(4, four, rest, $begin, $function($($argument),+)),
            }
        }
        match rest {
            1 => one::$function($($argument),+, OUT - 1),
            2 => two::$function($($argument),+, OUT - 2),
            3 => three::$function($($argument),+, OUT - 3),
            4 => four::$function($($argument),+, OUT - 4),
            _ => {}
        }
    };
    ($n:literal, $columns:ident, $rest:ident, $begin:expr, $function:ident($($argument:ident),+)) => {{
        let mut at = $begin;
        while at <= OUT - $n {
            stay_rolled();
            $columns::$function($($argument),+, at);
            at += $n;
        }
        $rest %= $n;
    }};
}

#[inline(always)]
pub(super) fn affine<T: Scalar, const IN: usize, const OUT: usize>(
    weights: &[[T; OUT]; IN],
    bias: &[T; OUT],
    x: &[T; IN],
    y: &mut [T; OUT],
) {
    in_columns!(0, affine(weights, bias, x, y));
}

#[inline(always)]
pub(super) fn input_gradient<T: Scalar, const IN: usize, const OUT: usize>(
    weights: &[[T; OUT]; IN],
    delta: &[T; OUT],
    gradient: &mut [T; IN],
) {
    if SMALL && OUT > 4 {
        each(IN, weights.iter().zip(gradient), |(w, dx)| *dx = dot(w, delta));
        return;
    }
    in_columns!(0, input_gradient(weights, delta, gradient));
}

#[inline(always)]
pub(super) fn update<T: Scalar, const IN: usize, const OUT: usize>(
    weights: &mut [[T; OUT]; IN],
    bias: &mut [T; OUT],
    x: &[T; IN],
    delta: &[T; OUT],
    s: T,
) {
    // If the compiler knows where the columns begin, it takes an instruction more for each row.
    let begin = if SMALL && OUT % 4 == 0 && OUT > 4 { black_box(0) } else { 0 };
    in_columns!(begin, update(weights, bias, x, delta, s));
}
