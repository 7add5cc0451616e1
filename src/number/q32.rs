//! The number type of losses and learning rates of fixed-point networks.

use core::cmp::Ordering;
use core::fmt;
use core::iter::Sum;
use core::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use super::Number;
use super::convert::{parts, scale, to_f32, write_decimal};
use super::sealed::Sealed;
use crate::math::integer::ln;
use crate::shape::Element;
use crate::zero::Zero;

/// A loss or a learning rate of a fixed-point network: 32 fraction bits in 64 bits, about ±2e9 in
/// steps of 2.3e-10, with infinity and NaN.
///
/// Sums, products and quotients are rounded to nearest, in integers, so they need no floating-point
/// subroutines. One beyond the range is infinite; one of an infinite number or of NaN is NaN.
///
/// ```
/// use gradlet::{Number, Q32};
///
/// const RATE: Q32 = Q32::new(0.05);
/// assert_eq!((RATE * Q32::new(4.0)).to_string(), "0.200000000");
/// assert!((RATE.to_f64() - 0.05).abs() < 2e-10);
/// assert!(!Q32::new(1e10).is_finite() && Q32::new(f64::NAN) != Q32::new(f64::NAN));
/// ```
#[derive(Clone, Copy, Default)]
pub struct Q32(i64);

impl Q32 {
    /// Number of fraction bits.
    pub const FRACTION_BITS: u32 = 32;

    /// The nearest number: infinite for values beyond the range, NaN for NaN.
    #[must_use]
    pub const fn new(value: f64) -> Self {
        match parts(value) {
            None => Self::NOT_A_NUMBER,
            Some((negative, mantissa, exponent)) => {
                let size = scale(mantissa, exponent.wrapping_add(32));
                Self(if negative { size.wrapping_neg() } else { size })
            }
        }
    }

    /// The number `bits * 2^-32`. `i64::MAX` and `-i64::MAX` are infinite, `i64::MIN` is NaN.
    #[must_use]
    #[inline]
    pub const fn from_bits(bits: i64) -> Self {
        Self(bits)
    }

    /// The number times `2^32`.
    #[must_use]
    #[inline]
    pub const fn to_bits(self) -> i64 {
        self.0
    }

    /// The nearest `f32`.
    #[must_use]
    pub const fn to_f32(self) -> f32 {
        match self.0 {
            i64::MIN => f32::NAN,
            i64::MAX => f32::INFINITY,
            LOWEST => f32::NEG_INFINITY,
            bits => to_f32(bits, 32),
        }
    }

    const NOT_A_NUMBER: Self = Self(i64::MIN);

    /// The operation on finite numbers, or NaN.
    #[inline]
    fn finite(self, other: Self, f: impl FnOnce(i64, i64) -> i64) -> Self {
        if self.is_finite() && other.is_finite() { Self(f(self.0, other.0)) } else { Self::NAN }
    }
}

/// ln 2, with 32 fraction bits.
const LN_2: i64 = 2_977_044_472;

/// Negative infinity.
const LOWEST: i64 = -i64::MAX;

/// With the sign of the product of `a` and `b`.
const fn signed(size: u64, a: i64, b: i64) -> i64 {
    let size = if size > i64::MAX as u64 { i64::MAX } else { size as i64 };
    if (a < 0) == (b < 0) { size } else { size.wrapping_neg() }
}

/// `a * b / 2^32`, rounded to nearest; `u64::MAX` beyond it.
fn product(a: u64, b: u64) -> u64 {
    let halves = |n: u64| (n >> 32, n & 0xffff_ffff);
    let ((a1, a0), (b1, b0)) = (halves(a), halves(b));
    // Below 2^63, both upper halves are below 2^31.
    let upper = a1.wrapping_mul(b1);
    let low = a0.wrapping_mul(b0).wrapping_add(1 << 31) >> 32;
    let sum = a1.wrapping_mul(b0).checked_add(a0.wrapping_mul(b1));
    let sum = sum.and_then(|sum| sum.checked_add(low));
    let upper = if upper >> 31 == 0 { Some(upper << 32) } else { None };
    upper.zip(sum).and_then(|(upper, sum)| upper.checked_add(sum)).unwrap_or(u64::MAX)
}

/// `2^32 a / b`, rounded to nearest; `u64::MAX` beyond it.
fn quotient(a: u64, b: u64) -> u64 {
    // By long division, bit by bit: a division of 96 bits would take kilobytes of flash.
    let (mut quotient, mut rest) = (0_u64, 0_u64);
    for bit in (0..96_u32).rev() {
        let next = if bit < 32 { 0 } else { a >> bit.wrapping_sub(32) & 1 };
        if quotient >> 63 == 1 {
            return u64::MAX;
        }
        // `rest` is below `b`, which is below 2^63.
        rest = rest << 1 | next;
        quotient <<= 1;
        if rest >= b {
            rest = rest.wrapping_sub(b);
            quotient |= 1;
        }
    }
    let up = rest << 1 >= b;
    quotient.saturating_add(up.into())
}

/// The square root of a number, both with 32 fraction bits, rounded down.
fn square_root(number: u64) -> i64 {
    // Bit by bit, as above: the root of `2^32 number`, of which two bits come down at a time.
    let (mut root, mut rest) = (0_u64, 0_u64);
    for bits in (0..48_u32).rev() {
        let next = match bits.checked_sub(16) {
            Some(up) => number >> up.wrapping_mul(2) & 3,
            None => 0,
        };
        rest = rest << 2 | next;
        let trial = root << 2 | 1;
        root <<= 1;
        if rest >= trial {
            rest = rest.wrapping_sub(trial);
            root |= 1;
        }
    }
    root as i64
}

/// Saturates so that the result is not `i64::MIN`, which is NaN.
const fn not_nan(bits: i64) -> i64 {
    if bits == i64::MIN { LOWEST } else { bits }
}

impl Add for Q32 {
    type Output = Self;
    #[inline]
    fn add(self, other: Self) -> Self {
        self.finite(other, |a, b| not_nan(a.saturating_add(b)))
    }
}

impl Sub for Q32 {
    type Output = Self;
    #[inline]
    fn sub(self, other: Self) -> Self {
        self.finite(other, |a, b| not_nan(a.saturating_sub(b)))
    }
}

impl Mul for Q32 {
    type Output = Self;
    #[inline]
    fn mul(self, other: Self) -> Self {
        if self == Self::ONE {
            return other;
        }
        if other == Self::ONE {
            return self;
        }
        self.finite(other, |a, b| signed(product(a.unsigned_abs(), b.unsigned_abs()), a, b))
    }
}

impl Div for Q32 {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        if other.0 == 0 {
            return if self.0 == 0 || !self.is_finite() {
                Self::NAN
            } else {
                Self(signed(u64::MAX, self.0, 0))
            };
        }
        self.finite(other, |a, b| signed(quotient(a.unsigned_abs(), b.unsigned_abs()), a, b))
    }
}

impl Neg for Q32 {
    type Output = Self;
    #[inline]
    fn neg(self) -> Self {
        // NaN stays NaN.
        Self(self.0.wrapping_neg())
    }
}

macro_rules! assign {
    ($($Trait:ident $function:ident $operator:tt)+) => { $(
        impl $Trait for Q32 {
            #[inline]
            #[allow(clippy::arithmetic_side_effects, reason = "it saturates")]
            fn $function(&mut self, other: Self) {
                *self = *self $operator other;
            }
        }
    )+ };
}
assign!(AddAssign add_assign + SubAssign sub_assign - MulAssign mul_assign * DivAssign div_assign /);

impl Sum for Q32 {
    #[allow(clippy::arithmetic_side_effects, reason = "it saturates")]
    fn sum<I: Iterator<Item = Self>>(numbers: I) -> Self {
        numbers.fold(Self(0), |sum, number| sum + number)
    }
}

/// NaN is not equal to itself.
impl PartialEq for Q32 {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0 && self.0 != i64::MIN
    }
}

impl PartialOrd for Q32 {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self.0 != i64::MIN && other.0 != i64::MIN).then(|| self.0.cmp(&other.0))
    }
}

impl Zero for Q32 {
    const ZERO: Self = Self(0);
}

impl Element for Q32 {
    type Bytes = [u8; 8];
    #[inline]
    fn to_le_bytes(self) -> [u8; 8] {
        self.0.to_le_bytes()
    }
    #[inline]
    fn from_le_bytes(bytes: [u8; 8]) -> Self {
        Self(i64::from_le_bytes(bytes))
    }
}

impl Sealed for Q32 {
    const IS_DOUBLE: bool = false;
    /// Within 5e-5.
    fn logarithm(self) -> Self {
        // `m 2^e`, with `m` from 1 to 2.
        let zeros = self.0.leading_zeros();
        let exponent = 31_i64.wrapping_sub(zeros.into());
        #[allow(clippy::cast_possible_truncation, reason = "16 bits")]
        let mantissa = (self.0.wrapping_shl(zeros) as u64 >> 48) as u32;
        let whole = exponent.wrapping_mul(LN_2);
        Self(whole.wrapping_add(i64::from(ln(mantissa)) << 17))
    }
    const IS_INTEGER: bool = true;
    fn divided(self, count: Self) -> (Self, Self) {
        if !self.is_finite() {
            return (Self::NAN, Self(0));
        }
        let count = (count.0 >> 32).max(1);
        let quotient = self.0.checked_div(count).unwrap_or(0);
        let rest = self.0.wrapping_sub(quotient.wrapping_mul(count));
        // `div_euclid` has a branch that panics, at level z.
        if rest < 0 {
            (Self(quotient.wrapping_sub(1)), Self(rest.wrapping_add(count)))
        } else {
            (Self(quotient), Self(rest))
        }
    }
    #[inline]
    fn lies_below(self, end: Self) -> bool {
        self.0 >= 0 && self.0 < end.0
    }
    #[inline]
    fn has_bits_below(self, end: Self) -> bool {
        self.lies_below(end)
    }
    #[inline]
    fn or_nan(self, keep: bool) -> Self {
        if keep { self } else { Self::NAN }
    }
    #[allow(clippy::arithmetic_side_effects, reason = "it saturates")]
    fn power(self, exponent: u32) -> Self {
        let (mut power, mut square, mut rest) = (Self::ONE, self, exponent);
        while rest > 0 {
            if rest & 1 == 1 {
                power *= square;
            }
            rest >>= 1;
            if rest > 0 {
                square *= square;
            }
        }
        power
    }
}

impl Number for Q32 {
    const ONE: Self = Self(1 << 32);
    const HALF: Self = Self(1 << 31);
    const PI: Self = Self::new(core::f64::consts::PI);
    const INFINITY: Self = Self(i64::MAX);
    const NAN: Self = Self::NOT_A_NUMBER;
    const MIN_POSITIVE: Self = Self(1);

    #[inline]
    fn from_f64(value: f64) -> Self {
        Self::new(value)
    }
    #[inline]
    fn from_u32(value: u32) -> Self {
        // As a number with 32 fraction bits it is infinite from 2^31 on.
        Self(i64::from(value.min(1 << 31)).checked_mul(1 << 32).unwrap_or(i64::MAX))
    }
    fn to_f64(self) -> f64 {
        match self.0 {
            i64::MIN => f64::NAN,
            i64::MAX => f64::INFINITY,
            LOWEST => f64::NEG_INFINITY,
            #[allow(clippy::cast_precision_loss, reason = "documented to round")]
            bits => bits as f64 * (1.0 / 4_294_967_296.0),
        }
    }
    #[inline]
    fn abs(self) -> Self {
        // NaN stays NaN.
        Self(self.0.wrapping_abs())
    }
    fn sqrt(self) -> Self {
        if self == Self::INFINITY {
            return self;
        }
        // NaN is below 0 too.
        u64::try_from(self.0).map_or(Self::NAN, |bits| Self(square_root(bits)))
    }
    #[inline]
    fn is_finite(self) -> bool {
        // As unsigned numbers, the infinities and NaN are three in a row.
        (self.0.wrapping_sub(i64::MAX) as u64) > 2
    }
}

/// In decimal, with nine digits after the point.
impl fmt::Display for Q32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            i64::MIN => f.write_str("NaN"),
            i64::MAX => f.write_str("inf"),
            LOWEST => f.write_str("-inf"),
            bits => write_decimal(f, bits, 9),
        }
    }
}

impl fmt::Debug for Q32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Q32 {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{=f32}", self.to_f32());
    }
}
