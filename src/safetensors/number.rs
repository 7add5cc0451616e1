//! The numbers of a file.

use super::Dtype;

/// The first number of a tensor, and the others. 0 where there is none: the length was checked before.
#[inline]
pub(super) const fn take(dtype: Dtype, bytes: &[u8]) -> (f64, &[u8]) {
    match (dtype, bytes) {
        (Dtype::F32, [a, b, c, d, rest @ ..]) => {
            (f32::from_le_bytes([*a, *b, *c, *d]) as f64, rest)
        }
        (Dtype::F64, [a, b, c, d, e, f, g, h, rest @ ..]) => {
            (f64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, *h]), rest)
        }
        (Dtype::F16, [a, b, rest @ ..]) => (half(u16::from_le_bytes([*a, *b])), rest),
        // The upper half of an `f32`.
        (Dtype::Bf16, [a, b, rest @ ..]) => (f32::from_le_bytes([0, 0, *a, *b]) as f64, rest),
        _ => (0.0, &[]),
    }
}

/// The value of a binary16 of IEEE 754: a sign, 5 bits of exponent, 10 of fraction.
const fn half(bits: u16) -> f64 {
    let (exponent, fraction) = ((bits >> 10 & 31) as u64, (bits & 0x3ff) as u64);
    let size = match exponent {
        // 2^-24 is the least.
        0 => fraction as f64 * f64::from_bits((1023 - 24) << 52),
        31 => f64::from_bits(0x7ff << 52 | fraction << 42),
        _ => f64::from_bits((exponent.wrapping_add(1023 - 15)) << 52 | fraction << 42),
    };
    if bits >> 15 == 1 { -size } else { size }
}
