//! The loops for cores without vector registers.
//!
//! Each goes down the rows of weights in columns of 4, or what is left of them. The sums, or the
//! deltas, of those columns stay in registers meanwhile, so that a weight costs one load and one
//! multiply-accumulate. The columns are written out, because the compiler does not unroll when it
//! optimises for size.

#![allow(clippy::arithmetic_side_effects, reason = "columns are counted up to `OUT` only")]

use core::hint::black_box;

use super::each;
use crate::scalar::Scalar;

/// The `N` numbers of a row from column `at` on.
#[inline(always)]
fn columns<T, const N: usize>(row: &[T], at: usize) -> Option<&[T; N]> {
    row.get(at..)?.first_chunk()
}

#[inline(always)]
fn columns_mut<T, const N: usize>(row: &mut [T], at: usize) -> Option<&mut [T; N]> {
    row.get_mut(at..)?.first_chunk_mut()
}

/// Calls `f` with each of `len` rows. `unroll` says whether that may take several times the flash.
#[inline(always)]
fn rows<I: Iterator>(len: usize, unroll: bool, rows: I, f: impl FnMut(I::Item)) {
    if unroll && len > 4 { rows.for_each(f) } else { each(len, rows, f) }
}

/// As [`rows`], with rows that change.
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
        ([a0, a1, a2, a3], [b0, b1, b2, b3]) => {
            f(a0, b0);
            f(a1, b1);
            f(a2, b2);
            f(a3, b3);
        }
        _ => rows(a.len(), unroll, a.iter_mut().zip(b), |(a, b)| f(a, b)),
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
                rows(IN, true, weights.iter().zip(x), |(w, &x)| {
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
                rows_mut($n == 4, weights, x, |w, &x| {
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

columns!(4 four: w0 s0, w1 s1, w2 s2, w3 s3);
columns!(3 three: w0 s0, w1 s1, w2 s2);
columns!(2 two: w0 s0, w1 s1);
columns!(1 one: w0 s0);

/// Calls a function of this module for all columns of `0..$out`.
///
/// The compiler must not know where the loops begin, or it writes them out: as many copies as there
/// are steps, each unrolled.
macro_rules! in_columns {
    ($out:ident, $begin:expr, $function:ident($($argument:ident),+)) => {
        if $out > 4 && $out < 16 && $out % 4 == 2 {
            // Columns of 2 alone take less flash than two kinds.
            let mut at = $begin;
            while at <= $out - 2 {
                two::$function($($argument),+, at);
                at += 2;
            }
        } else {
            let rest = $out / 4 * 4;
            if $out > 4 {
                let mut at = black_box(0);
                while at <= $out - 4 {
                    four::$function($($argument),+, at);
                    at += 4;
                }
            }
            match $out % 4 {
                0 if $out == 4 => four::$function($($argument),+, 0),
                1 => one::$function($($argument),+, rest),
                2 => two::$function($($argument),+, rest),
                3 => three::$function($($argument),+, rest),
                _ => {}
            }
        }
    };
}

#[inline(always)]
pub(super) fn affine<T: Scalar, const IN: usize, const OUT: usize>(
    weights: &[[T; OUT]; IN],
    bias: &[T; OUT],
    x: &[T; IN],
    y: &mut [T; OUT],
) {
    in_columns!(OUT, black_box(0), affine(weights, bias, x, y));
}

#[inline(always)]
pub(super) fn input_gradient<T: Scalar, const IN: usize, const OUT: usize>(
    weights: &[[T; OUT]; IN],
    delta: &[T; OUT],
    gradient: &mut [T; IN],
) {
    in_columns!(OUT, 0, input_gradient(weights, delta, gradient));
}

#[inline(always)]
pub(super) fn update<T: Scalar, const IN: usize, const OUT: usize>(
    weights: &mut [[T; OUT]; IN],
    bias: &mut [T; OUT],
    x: &[T; IN],
    delta: &[T; OUT],
    s: T,
) {
    in_columns!(OUT, 0, update(weights, bias, x, delta, s));
}
