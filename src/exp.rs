//! The exponential function of `f32`, and the sigmoid built on it.
//!
//! Gives the bits of `libm::expf` for every argument, in fewer instructions. The method and its
//! constants are those of FreeBSD's `e_expf.c` (Ian Lance Taylor, Cygnus Support, 1993), from which
//! `libm` has them too: `x = k ln 2 + r`, `e^x = 2^k e^r` and `e^r = 1 + r + r c / (2 - c)` with
//! `c = r - r^2 (P1 + r^2 P2)`, the relative error of which is below 2^-27.74.

use crate::target::{NARROW, SOFT};

/// `1 / ln 2`.
const INV_LN2: f32 = f32::from_bits(0x3fb8_aa3b);
/// `ln 2` in two parts; products of the first with whole numbers up to 2^9 are exact.
const LN2_HI: f32 = f32::from_bits(0x3f31_7200);
const LN2_LO: f32 = f32::from_bits(0x35bf_be8e);
const P1: f32 = f32::from_bits(0x3e2a_aa8f);
const P2: f32 = f32::from_bits(0xbb35_5215);

/// Half of `ln 2`, and three halves.
const HALF_LN2: f32 = f32::from_bits(0x3eb1_7218);
const THREE_HALVES_LN2: f32 = f32::from_bits(0x3f85_1592);

/// From here on `e^x` overflows: 88.72284.
const OVERFLOW: f32 = f32::from_bits(0x42b1_7218);
/// From here on down `e^x` is subnormal: -87.33655.
const SUBNORMAL: f32 = f32::from_bits(0xc2ae_ac50);
/// Below, `e^x` is 0: -103.97208.
const UNDERFLOW: f32 = f32::from_bits(0xc2cf_f1b4);
/// The exponent, as it is stored, of 2^-13; below, `e^x` is `1 + x`.
const NEAR: u32 = 127 - 13;
/// The one of 2^5; below, neither `e^x` nor `e^-x` leaves the normal numbers.
const FAR: u32 = 127 + 5;

/// The exponent of `x` as it is stored, which is quick to compare.
#[inline]
fn exponent(x: f32) -> u32 {
    (x.to_bits() >> 23) & 0xff
}

/// Whether `x >= limit`, for a positive limit and no NaN: whole numbers compare in an instruction.
#[inline]
fn at_least(x: f32, limit: f32) -> bool {
    x.to_bits() as i32 >= limit.to_bits() as i32
}

/// `e^x`.
pub(crate) fn exp(x: f32) -> f32 {
    exp_by::<SOFT>(x)
}

#[inline(always)]
fn exp_by<const SOFT: bool>(x: f32) -> f32 {
    if exponent(x) < NEAR {
        return 1.0 + x;
    }
    if exponent(x) >= FAR {
        if x.is_nan() {
            return x;
        }
        if at_least(x, OVERFLOW) {
            return f32::INFINITY;
        }
        if at_least(-x, -SUBNORMAL) {
            return if at_least(-UNDERFLOW, -x) { subnormal::<SOFT>(x) } else { 0.0 };
        }
    }
    let (y, k) = reduced::<SOFT>(x);
    f32::from_bits(y.to_bits().wrapping_add_signed(k << 23))
}

/// `(k, hi, lo)` with `x = k ln 2 + hi - lo`.
#[inline(always)]
fn split<const SOFT: bool>(x: f32) -> (i32, f32, f32) {
    // As whole numbers, the bits are in the order of the sizes.
    let size = x.abs().to_bits();
    if SOFT && size <= HALF_LN2.to_bits() {
        (0, x, 0.0)
    } else if SOFT && size <= THREE_HALVES_LN2.to_bits() {
        if x.is_sign_negative() { (-1, x + LN2_HI, -LN2_LO) } else { (1, x - LN2_HI, LN2_LO) }
    } else {
        let (k, whole) = truncated::<SOFT>(INV_LN2 * x + 0.5_f32.copysign(x));
        (k, x - whole * LN2_HI, whole * LN2_LO)
    }
}

/// `x` without what is behind the point, as both types; `x` is `1..2^24` or `-2^24..-1`.
#[inline(always)]
#[allow(clippy::cast_possible_truncation, reason = "rounding is what is wanted")]
#[allow(clippy::cast_precision_loss, reason = "there are no more than 24 bits")]
fn truncated<const SOFT: bool>(x: f32) -> (i32, f32) {
    if !SOFT {
        return (x as i32, x as i32 as f32);
    }
    // The conversions are subroutines, and Rust's checks more of them.
    let fraction = (127 + 23_u32).wrapping_sub(exponent(x));
    let bits = x.to_bits().wrapping_shr(fraction);
    let size = (x.to_bits() & 0x7f_ffff | 0x80_0000).wrapping_shr(fraction) as i32;
    let k = if x.is_sign_negative() { size.wrapping_neg() } else { size };
    (k, f32::from_bits(bits.wrapping_shl(fraction)))
}

/// `(y, k)` with `e^x = y 2^k` and `y` near 1.
#[inline(always)]
fn reduced<const SOFT: bool>(x: f32) -> (f32, i32) {
    let (k, hi, lo) = split::<SOFT>(x);
    let r = hi - lo;
    let rr = r * r;
    let c = r - rr * (P1 + rr * P2);
    (1.0 + (r * c / (2.0 - c) - lo + hi), k)
}

/// `e^x` by two factors: the first product is exact, the second rounds.
#[cold]
#[inline(never)]
fn subnormal<const SOFT: bool>(x: f32) -> f32 {
    let (y, k) = reduced::<SOFT>(x);
    f32::from_bits(y.to_bits().wrapping_add_signed(k.wrapping_add(100) << 23))
        * f32::from_bits((127 - 100) << 23)
}

/// So many values go through vector registers together.
const LANES: usize = 8;

/// Replaces each value `z` by `1 / (1 + e^-z)`.
///
/// Not marked for inlining, so that a program that is optimised for size has one copy.
pub(crate) fn sigmoid(values: &mut [f32]) {
    if NARROW {
        sigmoid_by::<SOFT>(values);
    } else {
        wide_sigmoid(values);
    }
}

#[inline(always)]
fn wide_sigmoid(values: &mut [f32]) {
    let mut chunks = values.chunks_exact_mut(LANES);
    for chunk in chunks.by_ref() {
        if chunk.iter().fold(true, |all, &z| all & is_usual(z)) {
            for value in chunk {
                *value = usual_sigmoid::<false>(*value);
            }
        } else {
            sigmoid_by::<false>(chunk);
        }
    }
    sigmoid_by::<false>(chunks.into_remainder());
}

/// Whether `e^-z` is neither too near to 1 nor too far from it for [`usual_sigmoid`].
#[inline(always)]
fn is_usual(z: f32) -> bool {
    exponent(z).wrapping_sub(NEAR) < FAR - NEAR
}

#[inline(always)]
fn sigmoid_by<const SOFT: bool>(values: &mut [f32]) {
    for value in values {
        let z = *value;
        if !is_usual(z) {
            unlikely();
            if exponent(z) < NEAR {
                *value = 1.0 / (1.0 + (1.0 - z));
                continue;
            }
            if z.is_nan() {
                continue;
            }
            if !z.is_sign_negative() {
                *value = 1.0;
                continue;
            }
            if at_least(-z, OVERFLOW) {
                *value = 0.0;
                continue;
            }
        }
        *value = usual_sigmoid::<SOFT>(z);
    }
}

#[inline(always)]
fn usual_sigmoid<const SOFT: bool>(z: f32) -> f32 {
    // As in `reduced`, but for `e^-r`, with `r` and `c` negated: `-z` takes an instruction.
    let (k, hi, lo) = split::<SOFT>(z);
    let r = hi - lo;
    let rr = r * r;
    let c = r + rr * (P1 + rr * P2);
    let y = 1.0 + (r * c / (2.0 + c) + lo - hi);
    let power = f32::from_bits(y.to_bits().wrapping_add_signed(k.wrapping_neg() << 23));
    1.0 / (1.0 + power)
}

/// Tells the compiler that it is seldom here.
#[cold]
#[inline]
fn unlikely() {}

#[cfg(test)]
mod tests {
    use super::*;

    /// One number whichever NaN it is.
    fn bits(x: f32) -> u32 {
        if x.is_nan() { f32::NAN.to_bits() } else { x.to_bits() }
    }

    fn check(x: f32) {
        let want = libm::expf(x);
        for y in [exp_by::<false>(x), exp_by::<true>(x)] {
            assert_eq!(bits(y), bits(want), "exp({x:e}), bits {:x}", x.to_bits());
        }
        let (mut hard, mut soft) = ([x], [x]);
        sigmoid_by::<false>(&mut hard);
        sigmoid_by::<true>(&mut soft);
        let want = 1.0 / (1.0 + libm::expf(-x));
        // Alone among usual values, and with values like it.
        let (mut mixed, mut wide) = ([0.5, -2.0, 1.0, x, 3.0, -9.0, 20.0, 0.1, x], [x; LANES + 1]);
        wide_sigmoid(&mut mixed);
        wide_sigmoid(&mut wide);
        for y in [hard[0], soft[0], mixed[3], mixed[8], wide[0], wide[7], wide[8]] {
            assert_eq!(bits(y), bits(want), "sigmoid({x:e}), bits {:x}", x.to_bits());
        }
    }

    #[test]
    fn bits_are_those_of_libm_at_the_seams() {
        let seams = [
            0.0,
            f32::MIN_POSITIVE,
            f32::from_bits(NEAR << 23),
            f32::from_bits(FAR << 23),
            HALF_LN2,
            THREE_HALVES_LN2,
            OVERFLOW,
            -SUBNORMAL,
            -UNDERFLOW,
            f32::INFINITY,
        ];
        for seam in seams.map(f32::to_bits) {
            for distance in 0..2_000 {
                for bits in [seam.saturating_sub(distance), seam.wrapping_add(distance)] {
                    check(f32::from_bits(bits));
                    check(f32::from_bits(bits | 1 << 31));
                }
            }
        }
    }

    #[test]
    fn bits_are_those_of_libm_for_one_number_in_4099() {
        (0..u32::MAX).step_by(4099).for_each(|bits| check(f32::from_bits(bits)));
    }

    #[test]
    #[ignore = "takes a minute when optimised, and an hour when not"]
    fn bits_are_those_of_libm_for_all_numbers() {
        (0..=u32::MAX).for_each(|bits| check(f32::from_bits(bits)));
    }
}
