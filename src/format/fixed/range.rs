//! Whether a sum of products has left 32 bits, and wrapped around.
//!
//! Sums have 22 fraction bits, so they end at ±512. One within ±256 is right unless it is 768 or more, and wrapped.

use crate::number::{FixedWeight, Q12};

use super::{size, sizes};

/// Sums of products below this, and a bias, are below 768.
const MOST: u32 = 768 - 32;

/// The sum of the sizes of the values, or a little more, with 12 fraction bits.
#[inline(never)]
pub(super) fn sum_of_sizes(x: &[Q12]) -> u32 {
    let sum = |sum: u32, x: &Q12| sum.wrapping_add(size(x.to_bits()));
    match u32::try_from(x.len()) {
        Ok(len @ ..=0x1000) => x.iter().fold(len, sum),
        _ => u32::MAX,
    }
}

/// Whether no sum of products can wrap around: values whose sizes have this sum, with 12 fraction bits, times
/// weights that are below 32, or as large as these.
#[inline]
pub(super) fn cannot_wrap<W: FixedWeight>(weights: &[W], values: u32) -> bool {
    if values < (MOST / 32) << 12 {
        return true;
    }
    // With 6 and 10 fraction bits; neither can be more than 16 bits.
    let values = (values >> 6).wrapping_add(1);
    values < 1 << 16 && {
        let largest = sizes(weights, W::upper).wrapping_add(1);
        values.wrapping_mul(largest) < MOST << 16
    }
}

/// Whether the sums `W x + b` are within ±256, without wrapping around.
#[inline(never)]
pub(super) fn fit<W: FixedWeight, const IN: usize, const OUT: usize>(
    weights: &[[W; OUT]; IN],
    bias: &[W; OUT],
    x: &[Q12; IN],
) -> bool {
    bias.iter().enumerate().all(|(o, bias)| {
        let mut sum = i64::from(bias.wide() >> 4);
        for (w, x) in weights.iter().zip(x) {
            let (w, x) = (w.get(o).map_or(0, |w| w.upper()), x.to_bits());
            // In products of 32 bits.
            let (upper, lower) = (w.wrapping_mul(x >> 9), w.wrapping_mul(x & 0x1ff));
            sum = sum.wrapping_add(i64::from(upper) << 9).wrapping_add(lower.into());
        }
        sum.unsigned_abs() < 256 << 22
    })
}

/// Whether no sum of products with values from `x` can wrap around.
#[inline(never)]
pub(super) fn fit_windows<W: FixedWeight, const OUT: usize>(
    weights: &[[W; OUT]],
    x: &[Q12],
) -> bool {
    let Ok(terms @ ..=0x1000) = u32::try_from(weights.len()) else { return false };
    let largest = sizes(x, Q12::to_bits).wrapping_add(1);
    cannot_wrap(weights.as_flattened(), largest.wrapping_mul(terms)) || {
        let largest = x.iter().fold(1, |largest: u32, x| largest.max(x.to_bits().unsigned_abs()));
        let most = (MOST << 22).checked_div(largest).unwrap_or(0);
        (0..OUT).all(|o| {
            let weights = weights.iter().filter_map(|w| w.get(o));
            let sum = |sum: u32, w: &W| sum.wrapping_add(w.upper().unsigned_abs());
            weights.fold(0, sum) < most
        })
    }
}
