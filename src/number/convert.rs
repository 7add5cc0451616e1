//! Conversions between floats and fixed point, by integer operations alone: a core without an FPU
//! needs no floating-point subroutines for them.

use core::fmt;

/// Sign, mantissa and exponent of a float: `value = mantissa * 2^exponent`. `None` for NaN;
/// infinity has the largest mantissa.
pub(super) const fn parts(value: f64) -> Option<(bool, u64, i32)> {
    let bits = value.to_bits();
    #[allow(clippy::cast_possible_truncation, reason = "11 bits")]
    let exponent = (bits >> 52 & 0x7ff) as i32;
    let fraction = bits & ((1 << 52) - 1);
    match exponent {
        0x7ff if fraction > 0 => None,
        0x7ff => Some((value.is_sign_negative(), u64::MAX, 0)),
        0 => Some((value.is_sign_negative(), fraction, -1074)),
        _ => Some((value.is_sign_negative(), fraction | 1 << 52, exponent.wrapping_sub(1075))),
    }
}

/// [`parts`] of an `f32`.
pub(super) const fn single_parts(value: f32) -> Option<(bool, u64, i32)> {
    let bits = value.to_bits();
    let exponent = (bits >> 23 & 0xff) as i32;
    let fraction = (bits & ((1 << 23) - 1)) as u64;
    match exponent {
        0xff if fraction > 0 => None,
        0xff => Some((value.is_sign_negative(), u64::MAX, 0)),
        0 => Some((value.is_sign_negative(), fraction, -149)),
        _ => Some((value.is_sign_negative(), fraction | 1 << 23, exponent.wrapping_sub(150))),
    }
}

/// `mantissa * 2^exponent`, rounded to nearest, halves up; `i64::MAX` if it is larger than that.
pub(super) const fn scale(mantissa: u64, exponent: i32) -> i64 {
    let rounded = if exponent >= 0 {
        if exponent.unsigned_abs() >= mantissa.leading_zeros() {
            return i64::MAX;
        }
        mantissa << exponent
    } else {
        match mantissa.checked_shr(exponent.unsigned_abs().wrapping_sub(1)) {
            Some(twice) => (twice >> 1).wrapping_add(twice & 1),
            None => 0,
        }
    };
    // Above `i64::MAX` only for infinity.
    if rounded > (i64::MAX as u64) { i64::MAX } else { rounded as i64 }
}

/// `bits * 2^-fraction` as `f32`, rounded to nearest, halves to even.
pub(super) const fn to_f32(bits: i64, fraction: u32) -> f32 {
    let size = bits.unsigned_abs();
    if size == 0 {
        return 0.0;
    }
    let zeros = size.leading_zeros();
    // The leading one is bit 63; 24 bits remain.
    let normal = size << zeros;
    let (kept, lost) = (normal >> 40, normal & ((1 << 40) - 1));
    let half = 1 << 39;
    let up = lost > half || lost == half && kept & 1 == 1;
    let exponent = 127_u32.wrapping_add(63).wrapping_sub(zeros).wrapping_sub(fraction);
    #[allow(clippy::cast_possible_truncation, reason = "24 bits")]
    let mantissa = kept as u32 & 0x7f_ffff;
    // Rounded up, a mantissa of ones becomes the next exponent.
    let sign = if bits < 0 { 1 << 31 } else { 0 };
    f32::from_bits(sign | (exponent << 23 | mantissa).wrapping_add(up as u32))
}

/// `bits * 2^-fraction` as `f64`, for sizes below 2^53.
pub(super) const fn to_f64(bits: i64, fraction: u32) -> f64 {
    let size = bits.unsigned_abs();
    if size == 0 {
        return 0.0;
    }
    let zeros = size.leading_zeros();
    let exponent =
        1023_u64.wrapping_add(63).wrapping_sub(zeros as u64).wrapping_sub(fraction as u64);
    // The leading one is bit 63, and is not stored; 52 bits are.
    let mantissa = size << zeros << 1 >> 12;
    let sign = if bits < 0 { 1 << 63 } else { 0 };
    f64::from_bits(sign | exponent << 52 | mantissa)
}

/// Powers of ten.
const TENS: [u32; 10] =
    [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000];

/// Writes `bits * 2^-32` with so many digits after the point, or those that the user asks for.
pub(super) fn write_decimal(f: &mut fmt::Formatter<'_>, bits: i64, digits: usize) -> fmt::Result {
    let digits = f.precision().unwrap_or(digits);
    let known = digits.min(9);
    let tens = TENS.get(known).copied().unwrap_or(1);
    let size = bits.unsigned_abs();
    // The fraction is below 2^32, so the product is below 2^62.
    let fraction = (size & 0xffff_ffff).wrapping_mul(tens.into()).wrapping_add(1 << 31) >> 32;
    let carry = fraction >= tens.into();
    #[allow(clippy::cast_possible_truncation, reason = "below 2^32 and below 10^9")]
    let (whole, fraction) =
        (((size >> 32) as u32).wrapping_add(carry.into()), if carry { 0 } else { fraction as u32 });
    let sign = if bits < 0 { "-" } else { "" };
    if digits == 0 {
        return write!(f, "{sign}{whole}");
    }
    let zeros = digits.saturating_sub(known);
    write!(f, "{sign}{whole}.{fraction:0known$}{:0<zeros$}", "")
}
