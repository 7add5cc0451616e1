//! Reads elements of any dtype from a file.
//!
//! It links no `f64` arithmetic into programs with `f32` networks: on a core without an `f64` FPU
//! that would cost kilobytes.

use super::Dtype;
use crate::format::{Fixed, Format};
use crate::number::{FixedWeight, Q26};
use crate::scalar::Scalar;

/// The first element, and the remaining bytes. 0 if there are none: the length was checked before.
#[inline]
pub(super) const fn take_f32(dtype: Dtype, bytes: &[u8]) -> (f32, &[u8]) {
    match (dtype, bytes) {
        (Dtype::F32, [a, b, c, d, rest @ ..]) => {
            // `from_le_bytes` would need more calls, and the compiler limits their number in the
            // evaluation of a constant.
            let bits = *a as u32 | (*b as u32) << 8 | (*c as u32) << 16 | (*d as u32) << 24;
            (f32::from_bits(bits), rest)
        }
        (Dtype::F64, [a, b, c, d, e, f, g, h, rest @ ..]) => {
            (nearest(u64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, *h])), rest)
        }
        (Dtype::F16, [a, b, rest @ ..]) => (half(u16::from_le_bytes([*a, *b])), rest),
        // The upper half of an `f32`.
        (Dtype::Bf16, [a, b, rest @ ..]) => (f32::from_le_bytes([0, 0, *a, *b]), rest),
        _ => (0.0, &[]),
    }
}

/// As [`take_f32`].
#[inline]
pub(super) const fn take_f64(dtype: Dtype, bytes: &[u8]) -> (f64, &[u8]) {
    if let (Dtype::F64, [a, b, c, d, e, f, g, h, rest @ ..]) = (dtype, bytes) {
        (f64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, *h]), rest)
    } else {
        let (number, rest) = take_f32(dtype, bytes);
        (number as f64, rest)
    }
}

/// As [`take_f32`]; at the limit if it is beyond the range.
#[inline]
pub(super) const fn take_q26(dtype: Dtype, bytes: &[u8]) -> (Q26, &[u8]) {
    if let (Dtype::F64, [a, b, c, d, e, f, g, h, rest @ ..]) = (dtype, bytes) {
        (Q26::of_f64(f64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, *h])), rest)
    } else {
        let (number, rest) = take_f32(dtype, bytes);
        (Q26::of_f32(number), rest)
    }
}

/// A number format whose parameters are loaded from files and saved: `f32`, `f64`, and [`Fixed`], which is saved as
/// `F64`, so that nothing is lost. Sealed by hidden items.
///
/// ```
/// use gradlet::{prelude::*, safetensors};
///
/// /// The same file, in any of them.
/// fn load<N: Layer<Format: safetensors::FileFormat>>(net: &mut N) {
///     let file = include_bytes!("../../tests/weights/worked.safetensors");
///     safetensors::load(net, file, &["0", "2"]).expect("it fits");
/// }
/// let mut net = <net![Fixed; 2 => 2 Sigmoid => 2 Sigmoid]>::ZERO;
/// load(&mut net);
/// assert_eq!(net.rest().bias(), &Q26::array([0.66, 0.67]));
/// ```
pub trait FileFormat: Format {
    /// What it is saved as.
    #[doc(hidden)]
    const DTYPE: Dtype;
    /// The first element, and the remaining bytes. It is not [finite](Format::is_finite) if it is NaN, infinite or
    /// beyond the range.
    #[doc(hidden)]
    fn take(dtype: Dtype, bytes: &[u8]) -> (Self::Weight, &[u8]);
    /// An element of this dtype.
    #[doc(hidden)]
    fn to_file(weight: Self::Weight) -> impl AsRef<[u8]>;
}

impl<T: Scalar> FileFormat for T {
    const DTYPE: Dtype = if size_of::<T>() == size_of::<f32>() { Dtype::F32 } else { Dtype::F64 };

    #[inline]
    fn take(dtype: Dtype, bytes: &[u8]) -> (T, &[u8]) {
        if const { size_of::<T>() == size_of::<f32>() } {
            let (number, rest) = take_f32(dtype, bytes);
            (T::from_f32(number), rest)
        } else {
            let (number, rest) = take_f64(dtype, bytes);
            (T::from_f64(number), rest)
        }
    }
    #[inline]
    fn to_file(weight: T) -> impl AsRef<[u8]> {
        weight.to_le_bytes()
    }
}

impl<W: FixedWeight> FileFormat for Fixed<W> {
    const DTYPE: Dtype = Dtype::F64;

    #[inline]
    fn take(dtype: Dtype, bytes: &[u8]) -> (W, &[u8]) {
        if let (Dtype::F64, [a, b, c, d, e, f, g, h, rest @ ..]) = (dtype, bytes) {
            (W::of_f64(f64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, *h])), rest)
        } else {
            let (number, rest) = take_f32(dtype, bytes);
            (W::of_f32(number), rest)
        }
    }
    #[inline]
    fn to_file(weight: W) -> impl AsRef<[u8]> {
        weight.to_f64().to_le_bytes()
    }
}

/// The value of an IEEE 754 binary16: a sign bit, 5 bits of exponent, 10 of fraction.
const fn half(bits: u16) -> f32 {
    let (exponent, fraction) = (bits >> 10 & 31, bits & 0x3ff);
    let (wide_exponent, wide_fraction) = (exponent as u32, (fraction as u32) << 13);
    let size = match exponent {
        // Subnormal: a multiple of 2^-24.
        0 => fraction as f32 * f32::from_bits((127 - 24) << 23),
        31 => f32::from_bits(0xff << 23 | wide_fraction),
        _ => f32::from_bits(wide_exponent.wrapping_add(127 - 15) << 23 | wide_fraction),
    };
    if bits >> 15 == 1 { -size } else { size }
}

/// The `f32` nearest to the `f64` with these bits, ties to even: the same as `as f32`.
#[allow(clippy::cast_possible_truncation, reason = "the bits cut off are saved before, or rounded")]
const fn nearest(bits: u64) -> f32 {
    /// Additional bits in the fraction of an `f64`.
    const MORE: u32 = 52 - 23;
    let (exponent, fraction) = ((bits >> 52 & 0x7ff) as u32, bits & ((1 << 52) - 1));
    // Rebiased for `f32`, 127 instead of 1023: subnormal from 896 down.
    let (exponent, cut) = match exponent {
        0x7ff if fraction != 0 => return f32::NAN,
        0..=896 => (0, MORE.wrapping_add(897).wrapping_sub(exponent)),
        _ => (exponent.wrapping_sub(897), MORE),
    };
    let size = if exponent >= 254 {
        f32::INFINITY
    } else if cut > 53 {
        0.0
    } else {
        let whole = fraction | 1 << 52;
        let (kept, rest) = (whole >> cut, whole << 1_u32.wrapping_sub(cut).wrapping_add(63));
        let up = rest > 1 << 63 || rest == 1 << 63 && kept & 1 == 1;
        // The implicit leading bit of `kept` adds 1 to the exponent.
        f32::from_bits((exponent << 23).wrapping_add(kept as u32).wrapping_add(up as u32))
    };
    if bits >> 63 == 1 { -size } else { size }
}

#[cfg(test)]
#[allow(clippy::cast_possible_truncation, reason = "what the compiler rounds to is compared with")]
mod tests {
    use super::nearest;

    #[test]
    fn conversions_are_those_of_the_compiler() {
        let mut bits = 0x0123_4567_89ab_cdef_u64;
        for _ in 0..1_000_000 {
            // Marsaglia, Xorshift RNGs, 2003.
            bits ^= bits << 13;
            bits ^= bits >> 7;
            bits ^= bits << 17;
            // Exponents in and around the range of f32, and fractions halfway between two of f32.
            let exponent = 860 + (bits >> 52) % 300;
            let fraction = bits & ((1 << 52) - 1);
            for fraction in [fraction, fraction & !0 << 28, fraction & !0 << 28 | 1, fraction & 7] {
                for bits in [exponent << 52 | fraction, (exponent | 1 << 11) << 52 | fraction] {
                    let value = f64::from_bits(bits);
                    let want = value as f32;
                    assert_eq!(nearest(bits).to_bits(), want.to_bits(), "{value:e} {bits:x}");
                }
            }
        }
        for value in [0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE, f64::MAX] {
            assert_eq!(nearest(value.to_bits()).to_bits(), (value as f32).to_bits(), "{value}");
        }
        assert!(nearest(f64::NAN.to_bits()).is_nan());
    }
}
