//! The arithmetic of optimizers in fixed point.

use super::{Fixed, saturating_shift, square};
use crate::format::{Arithmetic, Exponent, Nearest};
use crate::number::{FixedWeight, Number as _, Q12, Q26, Q32};
use crate::zero::Zero as _;

/// A number of 0 or more, for products with weights: 17 significant bits.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FixedFactor {
    /// 0, or above 2^15 and up to 2^16.
    mantissa: u32,
    /// The number is `mantissa * 2^-(16 + shift)`.
    shift: i32,
}

impl FixedFactor {
    const ZERO: Self = Self { mantissa: 0, shift: 0 };

    fn new(number: Q32) -> Self {
        let Ok(bits @ 1..) = u64::try_from(number.to_bits()) else { return Self::ZERO };
        let zeros = bits.leading_zeros();
        // Rounded up, a mantissa of ones is 2^16, which is as a power of two should be.
        let upper = (bits << zeros) >> 47;
        #[allow(clippy::cast_possible_truncation, reason = "17 bits")]
        let mantissa = (upper.wrapping_add(1) >> 1) as u32;
        // `bits` is `mantissa * 2^(48 - zeros)`, with 32 fraction bits.
        let shift = (zeros as i32).wrapping_sub(32);
        if mantissa == 1 << 15 {
            Self { mantissa: 1 << 16, shift: shift.wrapping_add(1) }
        } else {
            Self { mantissa, shift }
        }
    }

    /// `self x`, rounded to nearest.
    #[inline]
    fn times(self, x: i32) -> i32 {
        // Halves, as small cores have no product of 64 bits.
        let upper = (x >> 16).wrapping_mul(self.mantissa as i32);
        let lower = (x as u32 & 0xffff).wrapping_mul(self.mantissa).wrapping_add(1 << 15) >> 16;
        let product = upper.wrapping_add(lower as i32);
        if self.shift <= 0 {
            return saturating_shift(product, self.shift);
        }
        (product >> self.shift.wrapping_sub(1).min(31)).wrapping_add(1) >> 1
    }
}

/// `mantissa * 2^-exponent`, 0 or more.
#[derive(Clone, Copy)]
struct Float {
    mantissa: u32,
    exponent: i32,
}

/// Significant bits of a stored [`Float`], less the first.
const STORED: u32 = 25;

impl Float {
    /// From the bits of a weight: 6 bits of the exponent, then the mantissa without its first bit.
    #[inline]
    fn unpack(stored: Q26) -> Self {
        let bits = stored.to_bits() as u32;
        if bits == 0 {
            return Self { mantissa: 0, exponent: 0 };
        }
        let exponent = 77_i32.wrapping_sub((bits >> STORED) as i32);
        Self { mantissa: (bits & ((1 << STORED) - 1)) | 1 << STORED, exponent }
    }

    /// Below 2^-51 it becomes 0, above 4096 the largest.
    #[inline]
    fn pack(self) -> Q26 {
        let zeros = self.mantissa.leading_zeros();
        let code = 83_i32.wrapping_sub(self.exponent).wrapping_sub(zeros as i32);
        if self.mantissa == 0 || code <= 0 {
            return Q26::ZERO;
        }
        if code > 63 {
            return Q26::MAX;
        }
        let mantissa = self.mantissa << zeros >> (31 - STORED) & ((1 << STORED) - 1);
        Q26::raw(code.wrapping_shl(STORED) | mantissa as i32)
    }

    /// The square of a number with 26 fraction bits: 30 bits, or 0.
    #[inline]
    fn square(number: Q26) -> Self {
        let Self { mantissa, exponent } = Self::upper_bits(number);
        Self {
            mantissa: mantissa.wrapping_mul(mantissa) >> 2,
            exponent: exponent.wrapping_mul(2).wrapping_sub(2),
        }
    }

    /// The size of a number with 26 fraction bits, in its upper 16 bits.
    #[inline]
    fn upper_bits(number: Q26) -> Self {
        let size = number.to_bits().unsigned_abs();
        let zeros = size.leading_zeros();
        // The zeros of 0 are 32.
        Self { mantissa: size.wrapping_shl(zeros) >> 16, exponent: (zeros as i32).wrapping_add(10) }
    }

    /// Both as integers with the same exponent, that of the larger.
    #[inline]
    fn aligned(self, other: Self) -> (u32, u32, i32) {
        // 0 fits any exponent.
        let exponent = match (self.mantissa, other.mantissa) {
            (0, _) => other.exponent,
            (_, 0) => self.exponent,
            _ => self.exponent.min(other.exponent),
        };
        let shifted = |float: Self| {
            let right = float.exponent.wrapping_sub(exponent).clamp(0, 31);
            float.mantissa >> right
        };
        (shifted(self), shifted(other), exponent)
    }

    /// The square root of a stored number, in 16 bits.
    #[inline]
    fn root(self) -> Self {
        // 31 or 32 bits.
        let odd = self.exponent & 1;
        let mantissa = self.mantissa << (31 - STORED) >> odd;
        let exponent = self.exponent.wrapping_add(6).wrapping_sub(odd) >> 1;
        Self { mantissa: square_root(mantissa), exponent }
    }
}

/// The square root, rounded down. In fewer instructions than the standard library's, where a division takes many.
#[inline]
fn square_root(number: u32) -> u32 {
    let (mut root, mut rest, mut bit) = (0_u32, number, 1_u32 << 30);
    while bit > 0 {
        let trial = root | bit;
        root >>= 1;
        if rest >= trial {
            rest = rest.wrapping_sub(trial);
            root |= bit;
        }
        bit >>= 2;
    }
    root
}

/// `sum` times `2^-exponent`, as a loss.
fn real(sum: u64, exponent: i32) -> Q32 {
    let left = 32_i32.wrapping_sub(exponent);
    if left <= 0 {
        return Q32::from_bits(sum.checked_shr(left.unsigned_abs()).unwrap_or(0) as i64);
    }
    if sum == 0 {
        return Q32::ZERO;
    }
    if sum.leading_zeros() <= left.unsigned_abs() {
        return Q32::INFINITY;
    }
    Q32::from_bits((sum << left) as i64)
}

/// The bits, less so many. Infinity is beyond the range, NaN below it.
#[inline]
fn rounded<const LESS: u32>(number: Q32) -> i32 {
    let bits = (number.to_bits() >> LESS.wrapping_sub(1)).saturating_add(1) >> 1;
    i32::try_from(bits).unwrap_or(if bits < 0 { i32::MIN } else { i32::MAX })
}

impl<W: FixedWeight> Nearest for Fixed<W> {
    #[inline]
    fn nearest(number: Q32) -> W {
        W::nearest(rounded::<6>(number))
    }
    #[inline]
    fn value(number: Q32) -> Q12 {
        Q12::from_bits(rounded::<20>(number))
    }
    #[inline]
    fn number(weight: W) -> Q32 {
        Q32::from_bits(i64::from(weight.wide()) << 6)
    }
}

impl Arithmetic for Fixed {
    type Factor = FixedFactor;
    /// The rest, not kept.
    type Decay = FixedFactor;

    #[inline]
    fn gradient(g: i32, Exponent(exponent): Exponent) -> Q26 {
        Q26::from_bits(saturating_shift(g, exponent.wrapping_sub(26)))
    }
    #[inline(never)]
    fn factor(number: Q32) -> FixedFactor {
        FixedFactor::new(number)
    }
    #[inline]
    #[allow(clippy::arithmetic_side_effects, reason = "it saturates")]
    fn decay(kept: Q32) -> FixedFactor {
        Self::factor(Q32::ONE - kept)
    }
    #[inline(always)]
    fn sum(a: Q26, b: Q26) -> Q26 {
        Q26::from_bits(a.to_bits().saturating_add(b.to_bits()))
    }
    #[inline(always)]
    fn difference(a: Q26, b: Q26) -> Q26 {
        Q26::from_bits(a.to_bits().saturating_sub(b.to_bits()))
    }
    #[inline(always)]
    fn times(a: Q26, factor: FixedFactor) -> Q26 {
        let product = factor.times(a.to_bits());
        // Smaller than `a`, or anything.
        if factor.shift >= 0 { Q26::raw(product) } else { Q26::from_bits(product) }
    }
    #[inline(always)]
    fn without(a: Q26, part: FixedFactor) -> Q26 {
        if part.mantissa == 0 { a } else { Self::difference(a, Self::times(a, part)) }
    }
    #[inline(always)]
    fn running_mean(mean: Q26, rest: FixedFactor, new: Q26) -> Q26 {
        Self::sum(mean, Self::times(Self::difference(new, mean), rest))
    }
    #[inline(always)]
    fn add_square(square: Q26, new: Q26) -> Q26 {
        let (a, b, exponent) = Float::unpack(square).aligned(Float::square(new));
        Float { mantissa: a.wrapping_add(b), exponent }.pack()
    }
    #[inline(always)]
    fn mean_square(square: Q26, rest: FixedFactor, new: Q26) -> Q26 {
        let (old, new, exponent) = Float::unpack(square).aligned(Float::square(new));
        let change = rest.times((new as i32).wrapping_sub(old as i32));
        Float { mantissa: (old as i32).wrapping_add(change) as u32, exponent }.pack()
    }
    #[inline]
    fn over_root(rate: FixedFactor, a: Q26, square: Q26, epsilon: FixedFactor) -> Q26 {
        let epsilon =
            Float { mantissa: epsilon.mantissa, exponent: epsilon.shift.wrapping_add(16) };
        let (root, epsilon, exponent) = Float::unpack(square).root().aligned(epsilon);
        // Up to 17 bits; as 16, or 2^16.
        let sum = root.wrapping_add(epsilon);
        let over = u32::from(sum > 1 << 16);
        let (divisor, exponent) = (sum >> over, exponent.wrapping_sub(over as i32));
        let size = Float::upper_bits(a);
        let quotient = (size.mantissa << 15).checked_div(divisor).unwrap_or(0);
        // Below 2^32. With 26 fraction bits:
        let product = quotient.wrapping_mul(rate.mantissa);
        let right = 15_i32
            .wrapping_add(16 - 26)
            .wrapping_add(size.exponent)
            .wrapping_sub(exponent)
            .wrapping_add(rate.shift);
        let change = saturating_shift((product >> 1) as i32, right.wrapping_sub(1));
        Q26::from_bits(if a < Q26::ZERO { change.wrapping_neg() } else { change })
    }
    #[inline(always)]
    fn clip(a: Q26, limit: Q26) -> Q26 {
        // `clamp` panics where the limit is negative.
        a.max(Q26::raw(limit.to_bits().wrapping_neg())).min(limit)
    }
    fn squared_length(values: &[Q12]) -> Q32 {
        let squares = values.iter().map(|v| square(v.to_bits().unsigned_abs()));
        real(squares.fold(0, u64::wrapping_add), 24)
    }
    #[allow(clippy::arithmetic_side_effects, reason = "it saturates")]
    fn add_squares(sum: Q32, gradient: &[i32], Exponent(exponent): Exponent) -> Q32 {
        // In 16 bits each.
        let size = super::sizes(gradient, |g| g);
        let right = 16_u32.saturating_sub(size.leading_zeros());
        let squares = gradient.iter().fold(0_u64, |sum, g| {
            let size = g.unsigned_abs().wrapping_shr(right).min(0xffff);
            sum.wrapping_add(size.wrapping_mul(size).into())
        });
        sum + real(squares, exponent.wrapping_sub(right as i32).wrapping_mul(2))
    }
}
