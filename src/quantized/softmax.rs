//! The softmax of int8 numbers, in integers.
//!
//! The operations of `gemmlowp`'s fixed-point numbers that `TFLite`'s reference kernel consists of.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "fixed-point numbers within their range"
)]

use super::activation::{Finish, UNIT};
use super::multiplier::Multiplier;
use super::quantization::{Quantization, saturate};

/// The softmax of logits of some quantisation; an output `q` is the probability `(q + 128) / 256`.
///
/// With the bits of `TFLite`'s reference kernel: `e^(z - max)` in fixed point with 5 and 26 bits, the sum with
/// 12 and 19 bits, its reciprocal by three steps of Newton.
///
/// ```
/// use gradlet::quantized::{Finish, Quantization, Softmax8};
///
/// const TENTHS: Softmax8 = Softmax8::new(Quantization::new(0.1, 0).unwrap());
/// let mut values = [20, 20, -128];
/// TENTHS.apply(&mut values);
/// assert_eq!(values, [0, 0, -128]); // 1/2, 1/2, 0
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Softmax8 {
    /// A step of the logits in units of `2^-26`, as a factor of 31 bits and a shift.
    factor: i32,
    shift: u32,
    /// Differences below this one are as good as minus infinity.
    least: i32,
}

/// Integer bits of `z - max`.
const DIFFERENCE: u32 = 5;
/// Integer bits of the sum.
const SUM: u32 = 12;

impl Softmax8 {
    /// The quantisation of the outputs.
    pub(crate) const OUTPUTS: Quantization = UNIT;

    /// For logits of this quantisation.
    #[must_use]
    pub const fn new(logits: Quantization) -> Self {
        let real = logits.scale() as f64 * (1_u32 << (31 - DIFFERENCE)) as f64;
        let real = if real > 2_147_483_647.0 { 2_147_483_647.0 } else { real };
        let (factor, exponent) = Multiplier::new(real, 31).parts();
        // Below 1 it would be a shift to the right: such logits are all the same.
        let shift = if exponent > 0 { exponent as u32 } else { 0 };
        let most = (((1_i64 << DIFFERENCE) - 1) << (31 - DIFFERENCE)) >> shift;
        let least = if most > 255 { -255 } else { -(most as i32) };
        Self { factor, shift, least }
    }

    /// `e^(z - max)` of a difference, with 31 fraction bits; nothing if it is too small.
    #[inline]
    fn exp(&self, difference: i32) -> Option<i32> {
        (difference >= self.least)
            .then(|| exp(high_product(difference.wrapping_shl(self.shift), self.factor)))
    }
}

impl Finish for Softmax8 {
    fn outputs(&self, _: Quantization) -> Quantization {
        Self::OUTPUTS
    }

    #[inline]
    fn apply(&self, values: &mut [i8]) {
        let max = values.iter().copied().max().map_or(0, i32::from);
        let exps = values.iter().filter_map(|&q| self.exp(i32::from(q) - max));
        let sum = exps.fold(0_i32, |sum, e| sum.wrapping_add(divide_by_power(e, SUM)));
        // Of the sum as a number in 1..2, less 1.
        let headroom = sum.leading_zeros();
        let rest = (sum as u32).wrapping_shl(headroom).wrapping_sub(1 << 31);
        let scale = reciprocal_of_one_plus(rest as i32);
        let shift = SUM.wrapping_sub(headroom).wrapping_add(31 - 8);
        for q in values {
            *q = self.exp(i32::from(*q) - max).map_or(i8::MIN, |e| {
                saturate(divide_by_power(high_product(scale, e), shift).saturating_add(-128))
            });
        }
    }
}

/// `a b / 2^31`, rounded, halves up; in products of 16 bits, as not every core has one of 64.
#[inline]
fn high_product(a: i32, b: i32) -> i32 {
    if a == i32::MIN && b == i32::MIN {
        return i32::MAX;
    }
    let (a_low, b_low) = (a & 0xffff, b & 0xffff);
    let (a_high, b_high) = (a >> 16, b >> 16);
    let low = (a_low as u32).wrapping_mul(b_low as u32);
    // Below 2^31 in size: 16 bits times 15 and a sign.
    let (first, second) = (a_high.wrapping_mul(b_low), a_low.wrapping_mul(b_high));
    let middle = i64::from(first) + i64::from(second) + i64::from(low >> 16);
    // Of 2^32 a_high b_high + 2^16 middle + low's lower half, half a unit added.
    let lower = (middle as u32) << 16 | low & 0xffff;
    let upper = a_high.wrapping_mul(b_high).wrapping_add((middle >> 16) as i32);
    let (sum, carry) = lower.overflowing_add(1 << 30);
    (upper.wrapping_add(i32::from(carry)) << 1) | (sum >> 31) as i32
}

/// `x / 2^shift`, rounded, halves away from 0.
#[inline]
fn divide_by_power(x: i32, shift: u32) -> i32 {
    let mask = 1_i32.wrapping_shl(shift).wrapping_sub(1);
    let threshold = (mask >> 1) + i32::from(x < 0);
    x.wrapping_shr(shift).wrapping_add(i32::from(x & mask > threshold))
}

/// `x 2^shift`, saturating.
#[inline]
fn multiply_by_power(x: i32, shift: u32) -> i32 {
    let most = i32::MAX >> shift;
    if x > most {
        i32::MAX
    } else if x < !most {
        i32::MIN
    } else {
        x << shift
    }
}

/// `e^x` with 31 fraction bits, for `x` of 0 or less with 26.
fn exp(x: i32) -> i32 {
    if x == 0 {
        return i32::MAX;
    }
    const QUARTER: i32 = 1 << 24;
    // In -1/4..0, and what is left: a multiple of 1/4.
    let inner = (x & (QUARTER - 1)) - QUARTER;
    let rest = inner.wrapping_sub(x);
    let mut y = exp_of_quarter(multiply_by_power(inner, 5));
    // e^-1/4, e^-1/2, e^-1 .. e^-16.
    let mut bit = QUARTER;
    for factor in [1_672_461_947, 1_302_514_674, 790_015_084, 290_630_308, 39_332_535, 720_401, 242]
    {
        if rest & bit != 0 {
            y = high_product(y, factor);
        }
        bit = bit.wrapping_shl(1);
    }
    y
}

/// `e^x` for `x` in -1/4..0, by its series at -1/8.
#[inline]
fn exp_of_quarter(x: i32) -> i32 {
    let x = x.wrapping_add(1 << 28);
    let x2 = high_product(x, x);
    let x3 = high_product(x2, x);
    let x4 = high_product(x2, x2);
    let higher = high_product(divide_by_power(x4, 2).wrapping_add(x3), 715_827_883);
    let higher = divide_by_power(higher.wrapping_add(x2), 1);
    const AT: i32 = 1_895_147_668;
    high_product(AT, x.wrapping_add(higher)).wrapping_add(AT)
}

/// `1 / (1 + x)` for `x` in 0..1, by Newton's method.
#[inline]
fn reciprocal_of_one_plus(x: i32) -> i32 {
    // (1 + x) / 2: of x and the largest number, rounded half up.
    let half = ((i64::from(x) + i64::from(i32::MAX) + 1) >> 1) as i32;
    // 48/17 and -32/17 with 29 fraction bits.
    let mut y = 1_515_870_810_i32.wrapping_add(high_product(half, -1_010_580_540));
    for _ in 0..3 {
        let error = (1_i32 << 29).wrapping_sub(high_product(half, y));
        y = y.wrapping_add(multiply_by_power(high_product(y, error), 2));
    }
    multiply_by_power(y, 1)
}
