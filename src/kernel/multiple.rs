//! The loops for cores that load and store several numbers by one instruction, `VLDM` and `VSTM`.
//!
//! Those take registers in a row. The compiler hands registers out in another order, but leaves
//! arguments where they come, and those come in a row. So the first weights are arguments, and the
//! loop loads the next ones into the same variables.

#![allow(clippy::arithmetic_side_effects, reason = "columns are counted up to `OUT` only")]
#![allow(clippy::too_many_arguments, reason = "they are what the registers are chosen by")]

use core::hint::black_box;

use super::narrow::{self, columns, columns_mut};
use super::{WRITTEN_OUT, eight, shared, stay_rolled};
use crate::scalar::Scalar;
use crate::target::SMALL;

/// The loops for `$rows` rows and `$columns` columns at once, with a name for each weight, and a
/// name for the sum or the delta of each column.
macro_rules! block {
    (
        $name:ident: $rows:literal $columns:literal $($s:ident $b:ident)+;
        $($x:ident $row:ident $chunk:ident: $($w:ident $t:ident)+;)+
    ) => {
        mod $name {
            use super::{Scalar, black_box, columns, columns_mut, eight, stay_rolled};

            /// Whether the columns from `at` on are there.
            #[inline(always)]
            fn fit<const OUT: usize>(at: usize) -> bool {
                OUT >= $columns && at < OUT - $columns + 1
            }

            #[inline(always)]
            pub(super) fn affine<T: Scalar, const IN: usize, const OUT: usize>(
                weights: &[[T; OUT]; IN],
                bias: &[T; OUT],
                x: &[T; IN],
                y: &mut [T; OUT],
            ) {
                let mut at = 0;
                while fit::<OUT>(at) {
                    stay_rolled();
                    let [$($row),+, rows @ ..] = weights.as_slice() else { return };
                    $(let Some(&[$($w),+]) = columns($row, at) else { return };)+
                    affine_from($($($w),+),+, rows, x, bias, y, at);
                    at += $columns;
                }
            }

            #[inline(never)]
            fn affine_from<T: Scalar, const IN: usize, const OUT: usize>(
                $($(mut $w: T),+),+,
                rows: &[[T; OUT]],
                x: &[T; IN],
                bias: &[T; OUT],
                y: &mut [T; OUT],
                at: usize,
            ) {
                if !fit::<OUT>(at) {
                    return;
                }
                $(let mut $s = -T::ZERO;)+
                let [$($x),+, x @ ..] = x.as_slice() else { return };
                let (mut rows, mut x) = (rows, x);
                $(let mut $x = *$x;)+
                loop {
                    $($($t += $w * $x;)+)+
                    let [$($row),+, more @ ..] = x else { break };
                    x = more;
                    $($x = *$row;)+
                    eight(|| black_box(()));
                    let [$($row),+, more @ ..] = rows else { break };
                    rows = more;
                    $(if let Some(next) = columns($row, at) { [$($w),+] = *next; })+
                }
                if let (Some(&[$($b),+]), Some(y)) = (columns(bias, at), columns_mut(y, at)) {
                    *y = [$($s + $b),+];
                }
            }

            #[inline(always)]
            pub(super) fn input_gradient<T: Scalar, const IN: usize, const OUT: usize>(
                weights: &[[T; OUT]; IN],
                delta: &[T; OUT],
                gradient: &mut [T; IN],
            ) {
                let mut at = 0;
                while fit::<OUT>(at) {
                    stay_rolled();
                    let [$($row),+, rows @ ..] = weights.as_slice() else { return };
                    $(let Some(&[$($w),+]) = columns($row, at) else { return };)+
                    input_gradient_from($($($w),+),+, rows, delta, gradient, at);
                    at += $columns;
                }
            }

            #[inline(never)]
            fn input_gradient_from<T: Scalar, const IN: usize, const OUT: usize>(
                $($(mut $w: T),+),+,
                rows: &[[T; OUT]],
                delta: &[T; OUT],
                gradient: &mut [T; IN],
                at: usize,
            ) {
                if !fit::<OUT>(at) {
                    return;
                }
                let Some(&[$($s),+]) = columns(delta, at) else { return };
                let (mut rows, mut gradient) = (rows, gradient.as_mut_slice());
                loop {
                    let [$($x),+, more @ ..] = gradient else { break };
                    gradient = more;
                    $(
                        let sum = if OUT > $columns { *$x } else { -T::ZERO };
                        *$x = sum $(+ $w * $t)+;
                    )+
                    eight(|| black_box(()));
                    let [$($row),+, more @ ..] = rows else { break };
                    rows = more;
                    $(if let Some(next) = columns($row, at) { [$($w),+] = *next; })+
                }
            }

            #[inline(always)]
            pub(super) fn update<T: Scalar, const IN: usize, const OUT: usize>(
                weights: &mut [[T; OUT]; IN],
                bias: &mut [T; OUT],
                x: &[T; IN],
                delta: &[T; OUT],
                s: T,
            ) {
                let mut at = 0;
                while fit::<OUT>(at) {
                    stay_rolled();
                    let [$($row),+, ..] = weights.as_slice() else { return };
                    $(let Some(&[$($w),+]) = columns($row, at) else { return };)+
                    update_from($($($w),+),+, weights, x, bias, delta, s, at);
                    at += $columns;
                }
            }

            #[inline(never)]
            fn update_from<T: Scalar, const IN: usize, const OUT: usize>(
                $($(mut $w: T),+),+,
                weights: &mut [[T; OUT]; IN],
                x: &[T; IN],
                bias: &mut [T; OUT],
                delta: &[T; OUT],
                s: T,
                at: usize,
            ) {
                if !fit::<OUT>(at) {
                    return;
                }
                let Some(&[$($s),+]) = columns(delta, at) else { return };
                $(let $s = s * $s;)+
                if let Some([$($b),+]) = columns_mut(bias, at) {
                    $(*$b += $s;)+
                }
                let ([$($row),+, rows @ ..], [$($x),+, x @ ..]) =
                    (weights.as_mut_slice(), x.as_slice())
                else {
                    return;
                };
                let (mut rows, mut x) = (rows, x);
                $(let Some(mut $chunk) = columns_mut($row, at) else { return };)+
                $(let mut $x = *$x;)+
                loop {
                    $($($w += $t * $x;)+)+
                    $(
                        *$chunk = [$($w),+];
                        black_box(());
                    )+
                    let [$($row),+, more @ ..] = x else { break };
                    x = more;
                    $($x = *$row;)+
                    eight(|| black_box(()));
                    let [$($row),+, more @ ..] = rows else { break };
                    rows = more;
                    $(if let Some(next) = columns_mut($row, at) {
                        $chunk = next;
                        [$($w),+] = *$chunk;
                    })+
                }
            }
        }
    };
}

block! {
    one_by_twelve: 1 12 s0 b0 s1 b1 s2 b2 s3 b3 s4 b4 s5 b5 s6 b6 s7 b7 s8 b8 s9 b9 s10 b10 s11 b11;
    x0 r0 c0: w0 s0 w1 s1 w2 s2 w3 s3 w4 s4 w5 s5 w6 s6 w7 s7 w8 s8 w9 s9 w10 s10 w11 s11;
}
block! {
    one_by_ten: 1 10 s0 b0 s1 b1 s2 b2 s3 b3 s4 b4 s5 b5 s6 b6 s7 b7 s8 b8 s9 b9;
    x0 r0 c0: w0 s0 w1 s1 w2 s2 w3 s3 w4 s4 w5 s5 w6 s6 w7 s7 w8 s8 w9 s9;
}
block! {
    two_by_eight: 2 8 s0 b0 s1 b1 s2 b2 s3 b3 s4 b4 s5 b5 s6 b6 s7 b7;
    x0 r0 c0: v0 s0 v1 s1 v2 s2 v3 s3 v4 s4 v5 s5 v6 s6 v7 s7;
    x1 r1 c1: w0 s0 w1 s1 w2 s2 w3 s3 w4 s4 w5 s5 w6 s6 w7 s7;
}
block! {
    one_by_eight: 1 8 s0 b0 s1 b1 s2 b2 s3 b3 s4 b4 s5 b5 s6 b6 s7 b7;
    x0 r0 c0: v0 s0 v1 s1 v2 s2 v3 s3 v4 s4 v5 s5 v6 s6 v7 s7;
}
block! {
    two_by_six: 2 6 s0 b0 s1 b1 s2 b2 s3 b3 s4 b4 s5 b5;
    x0 r0 c0: v0 s0 v1 s1 v2 s2 v3 s3 v4 s4 v5 s5;
    x1 r1 c1: w0 s0 w1 s1 w2 s2 w3 s3 w4 s4 w5 s5;
}
block! {
    four_by_four: 4 4 s0 b0 s1 b1 s2 b2 s3 b3;
    x0 r0 c0: t0 s0 t1 s1 t2 s2 t3 s3;
    x1 r1 c1: u0 s0 u1 s1 u2 s2 u3 s3;
    x2 r2 c2: v0 s0 v1 s1 v2 s2 v3 s3;
    x3 r3 c3: w0 s0 w1 s1 w2 s2 w3 s3;
}
/// Calls a function of the first block that the columns and the rows are a multiple of.
macro_rules! in_blocks {
    ($function:ident($($argument:ident),+)) => {
        if const { SMALL || IN <= WRITTEN_OUT } {
            narrow::$function($($argument),+);
        } else if const { OUT % 12 == 0 } {
            one_by_twelve::$function($($argument),+);
        } else if const { OUT % 10 == 0 } {
            one_by_ten::$function($($argument),+);
        } else if const { OUT % 8 == 0 && IN % 2 == 0 } {
            two_by_eight::$function($($argument),+);
        } else if const { OUT % 8 == 0 } {
            one_by_eight::$function($($argument),+);
        } else if const { OUT % 6 == 0 && IN % 2 == 0 } {
            two_by_six::$function($($argument),+);
        } else if const { OUT == 4 && IN % 4 == 0 } {
            four_by_four::$function($($argument),+);
        } else {
            narrow::$function($($argument),+);
        }
    };
}

/// Whether one function for all layers takes less flash than loops of their own.
const fn are_shared(inputs: usize, outputs: usize) -> bool {
    SMALL && inputs > WRITTEN_OUT && outputs % 4 == 0
}

#[inline(always)]
pub(super) fn affine<T: Scalar, const IN: usize, const OUT: usize>(
    weights: &[[T; OUT]; IN],
    bias: &[T; OUT],
    x: &[T; IN],
    y: &mut [T; OUT],
) {
    if const { are_shared(IN, OUT) && OUT < 32 } {
        shared::affine(weights, bias, x, y);
    } else {
        in_blocks!(affine(weights, bias, x, y));
    }
}

#[inline(always)]
pub(super) fn input_gradient<T: Scalar, const IN: usize, const OUT: usize>(
    weights: &[[T; OUT]; IN],
    delta: &[T; OUT],
    gradient: &mut [T; IN],
) {
    in_blocks!(input_gradient(weights, delta, gradient));
}

#[inline(always)]
pub(super) fn update<T: Scalar, const IN: usize, const OUT: usize>(
    weights: &mut [[T; OUT]; IN],
    bias: &mut [T; OUT],
    x: &[T; IN],
    delta: &[T; OUT],
    s: T,
) {
    if const { are_shared(IN, OUT) } {
        shared::update(weights, bias, x, delta, s);
    } else {
        in_blocks!(update(weights, bias, x, delta, s));
    }
}
