//! Requantisation: from a sum of 32 bits to an int8.

use super::activation::Clamp;
use super::quantization::round_wide;

/// A positive real factor as an integer and a shift.
///
/// `R::BITS` of the [`Rounding`] say how many bits the integer has.
///
/// ```
/// use gradlet::quantized::{Exact, Multiplier, Rounding};
///
/// const HALF: Multiplier = Multiplier::new(0.5, Exact::BITS);
/// assert_eq!(Exact::multiply(5, HALF), 3); // 2.5
/// assert_eq!(Exact::multiply(-5, HALF), -2); // -2.5
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Multiplier {
    /// In `2^(BITS - 1)..2^BITS`, or 0.
    factor: i32,
    /// The real factor is `factor / 2^BITS / 2^(shift + 2)`.
    shift: i32,
}

/// The bits of an `f64`'s fraction.
const FRACTION: u64 = (1 << 52) - 1;

impl Multiplier {
    /// The nearest one of so many bits, as `TFLite`'s `QuantizeMultiplier`: below `2^-32` it is 0, from
    /// `2^30` on it is the largest. NaN and negative numbers are 0.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "the values are those of the fields")]
    pub const fn new(real: f64, bits: u32) -> Self {
        let biased = (real.to_bits() >> 52) as i32;
        // Negative or NaN; 0 or subnormal.
        if real.is_nan() || real < 0.0 || biased & 0x7ff == 0 {
            return Self { factor: 0, shift: 0 };
        }
        let one = 1_i64.wrapping_shl(bits);
        // In 0.5..1.
        let fraction = f64::from_bits(real.to_bits() & FRACTION | 1022 << 52);
        let mut exponent = biased.wrapping_sub(1022);
        #[allow(clippy::cast_precision_loss, reason = "a power of two")]
        let mut factor = round_wide(fraction * one as f64);
        if factor == one {
            factor = one.wrapping_shr(1);
            exponent = exponent.wrapping_add(1);
        }
        if exponent < -31 {
            (factor, exponent) = (0, 0);
        }
        if exponent > 30 {
            (factor, exponent) = (one.wrapping_sub(1), 30);
        }
        Self { factor: factor as i32, shift: (-2_i32).wrapping_sub(exponent) }
    }

    /// The real factor, to so many bits; the largest, which stands for all that are larger, is infinite.
    #[allow(clippy::cast_precision_loss, reason = "31 bits")]
    pub(super) const fn real(self, bits: u32) -> f64 {
        let (factor, exponent) = self.parts();
        if exponent == 30 && factor as i64 == 1_i64.wrapping_shl(bits).wrapping_sub(1) {
            return f64::INFINITY;
        }
        let biased = 1023_i32.wrapping_add(exponent).wrapping_sub(bits as i32);
        factor as f64 * f64::from_bits((biased as u64) << 52)
    }

    /// The factor and the exponent.
    pub(super) const fn parts(self) -> (i32, i32) {
        (self.factor, (-2_i32).wrapping_sub(self.shift))
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Exact {}
    impl Sealed for super::TwoProducts {}
}

/// How a sum of 32 bits is multiplied by a [`Multiplier`] and rounded: [`Exact`] or [`TwoProducts`].
///
/// ```
/// use gradlet::quantized::{Exact, Multiplier, Rounding, TwoProducts};
///
/// fn third<R: Rounding>(sum: i32) -> i32 {
///     R::multiply(sum, Multiplier::new(1.0 / 3.0, R::BITS))
/// }
/// assert_eq!((third::<Exact>(300), third::<TwoProducts>(300)), (100, 100));
/// ```
pub trait Rounding: sealed::Sealed + 'static {
    /// Bits of the factor of a [`Multiplier`].
    const BITS: u32;
    /// Identifies it.
    #[doc(hidden)]
    const FINGERPRINT: u32;
    /// The sum of a dense layer times the factor, rounded; where it is beyond -2^28..2^28, one that is too.
    #[must_use]
    fn multiply(sum: i32, by: Multiplier) -> i32;
    /// The same for the sum of a convolution.
    #[must_use]
    fn multiply_convolved(sum: i32, by: Multiplier) -> i32 {
        Self::multiply(sum, by)
    }
}

/// Requantisation with the bits of `TFLite`'s reference kernels: a factor of 31 bits and a product of 64 bits.
/// In a dense layer it is rounded once, in a convolution twice:
///
/// ```text
/// y = (sum factor + 2^(30 - exponent)) >> (31 - exponent)    dense layer
/// y = (z + 2^(s - 1) - (1 if z < 0)) >> s                    convolution, with s = -exponent
///     where z = (sum factor + 2^30) >> 31
/// ```
///
/// In a convolution, a factor of 1 and more is rounded once, and the sum is multiplied by `2^exponent` first.
/// Other kernels of `TFLite` differ by 1 in about one of a thousand outputs: those of XNNPACK, its default on
/// PCs and phones, round once in convolutions too.
///
/// Where a core has no 64-bit product, as a Cortex-M0, each is a call of a subroutine: see [`TwoProducts`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Exact;

impl Rounding for Exact {
    const BITS: u32 = 31;
    const FINGERPRINT: u32 = 0;

    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, reason = "checked, or the upper half of a product")]
    fn multiply(sum: i32, Multiplier { factor, shift }: Multiplier) -> i32 {
        let product = i64::from(sum).wrapping_mul(i64::from(factor));
        // Of a factor below 1/4, the upper half of the product is enough.
        if shift >= 0 {
            return half_up((product >> 32) as i32, shift as u32);
        }
        whole(product, shift)
    }

    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, reason = "the upper half of a product")]
    fn multiply_convolved(sum: i32, Multiplier { factor, shift }: Multiplier) -> i32 {
        let product = |sum: i32| {
            let product = i64::from(sum).wrapping_mul(i64::from(factor));
            (product.wrapping_add(1 << 30) >> 31) as i32
        };
        if shift < -1 {
            return product(shifted(sum, (-2_i32).wrapping_sub(shift) as u32));
        }
        let z = product(sum);
        half_up(z.wrapping_add(z >> 31), shift.wrapping_add(1) as u32)
    }
}

/// All of a product by `2^(33 + shift)`, from 2 to `2^32`: rounded, halves up.
#[cold]
#[inline(never)]
#[allow(clippy::cast_possible_truncation, reason = "clamped")]
fn whole(product: i64, shift: i32) -> i32 {
    let shift = 33_i32.wrapping_add(shift) as u32;
    let half = 1_i64.wrapping_shl(shift.wrapping_sub(1));
    product.wrapping_add(half).wrapping_shr(shift).clamp(-(1 << 30), 1 << 30) as i32
}

/// `z / 2^(shift + 1)`, rounded, halves up.
#[inline(always)]
fn half_up(z: i32, shift: u32) -> i32 {
    (z.wrapping_shr(shift)).wrapping_add(1) >> 1
}

/// A sum to the left, saturating: what does not fit is beyond the range of int8 anyway.
#[cold]
#[inline(never)]
fn shifted(sum: i32, up: u32) -> i32 {
    let up = if up > 31 { 31 } else { up };
    let most = i32::MAX.wrapping_shr(up);
    if sum > most {
        i32::MAX
    } else if sum < !most {
        i32::MIN
    } else {
        sum.wrapping_shl(up)
    }
}

/// Requantisation for cores without a 64-bit product: a factor of 15 bits, two products of 32 bits.
///
/// ```text
/// y = ((sum factor >> 16) + 2^(s - 1)) >> s    with s = -1 - exponent
/// ```
///
/// For factors of 1/4 and more, `s` is 1 and the sum is shifted to the left first. Results differ from those
/// of [`Exact`] by at most 1 in `2^-15` of their size and 1 in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TwoProducts;

impl Rounding for TwoProducts {
    const BITS: u32 = 15;
    const FINGERPRINT: u32 = 1;

    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, reason = "checked")]
    fn multiply(sum: i32, Multiplier { factor, shift }: Multiplier) -> i32 {
        let (sum, shift) = if shift >= 0 {
            (sum, shift as u32)
        } else {
            (shifted(sum, 0_i32.wrapping_sub(shift) as u32), 0)
        };
        let upper = (sum >> 16).wrapping_mul(factor);
        let lower = (sum & 0xffff).wrapping_mul(factor) as u32 >> 16;
        half_up(upper.wrapping_add(lower as i32), shift)
    }
}

/// The zero point of an output, and the bounds that an activation has in int8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) struct Bounds {
    pub(super) zero_point: i8,
    pub(super) min: i8,
    pub(super) max: i8,
}

impl Bounds {
    /// The same, with constants where the activation has them: fewer instructions.
    #[inline(always)]
    pub(super) const fn known(self, clamp: Clamp) -> Self {
        let Self { zero_point, .. } = self;
        match clamp {
            Clamp::None => Self { zero_point, min: -128, max: 127 },
            Clamp::FromZero => Self { zero_point, min: zero_point, max: 127 },
            Clamp::FromZeroTo(_) => self,
        }
    }

    /// The int8 of a sum.
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, reason = "the bounds are int8")]
    pub(super) fn requantize<R: Rounding>(self, sum: i32, by: Multiplier, convolved: bool) -> i8 {
        let y = if convolved { R::multiply_convolved(sum, by) } else { R::multiply(sum, by) };
        let y = y.wrapping_add(i32::from(self.zero_point));
        let (min, max) = (i32::from(self.min), i32::from(self.max));
        (if y < min {
            min
        } else if y > max {
            max
        } else {
            y
        }) as i8
    }
}
