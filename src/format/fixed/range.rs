//! Whether a sum of products has left 32 bits, and wrapped around.
//!
//! Sums have 22 fraction bits, so they end at ±512. One within ±256 is right unless it is 768 or more, and wrapped.

use crate::kernel::{chunks, stay_rolled};
use crate::number::{FixedWeight, Q12};

use super::{size, sizes};

/// Sums of products below this, and a bias, are below 768.
const MOST: u32 = 768 - 32;

/// The sum of the sizes of the values, or a little more, with 12 fraction bits.
#[inline(never)]
pub(super) fn sum_of_sizes(x: &[Q12]) -> u32 {
    match u32::try_from(x.len()) {
        Ok(len @ ..=0x1000) => x.iter().fold(len, |all, x| {
            stay_rolled();
            all.wrapping_add(size(x.to_bits()))
        }),
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

/// Whether the sums `W x + b` are within ±256, without wrapping around; `weights` has the weights of the first
/// input, then those of the second, ...
#[inline(never)]
pub(super) fn fit<W: FixedWeight>(weights: &[W], bias: &[W], x: &[Q12]) -> bool {
    bias.iter().enumerate().all(|(o, b)| {
        let mut sum = i64::from(b.wide() >> 4);
        for (w, x) in chunks(weights, bias.len()).zip(x) {
            let (w, x) = (w.get(o).map_or(0, |w| w.upper()), x.to_bits());
            // In products of 32 bits.
            let (upper, lower) = (w.wrapping_mul(x >> 9), w.wrapping_mul(x & 0x1ff));
            sum = sum.wrapping_add(i64::from(upper) << 9).wrapping_add(lower.into());
            stay_rolled();
        }
        sum.unsigned_abs() < 256 << 22
    })
}

/// Whether no sum of products with values from `x` can wrap around, for so many outputs; `weights` as in [`fit`].
#[inline(never)]
pub(super) fn fit_windows<W: FixedWeight>(weights: &[W], outputs: usize, x: &[Q12]) -> bool {
    let terms = weights.len().checked_div(outputs).unwrap_or(0);
    let values = match u32::try_from(terms) {
        Ok(terms @ ..=0x1000) => sizes(x, Q12::to_bits).wrapping_add(1).wrapping_mul(terms),
        _ => u32::MAX,
    };
    cannot_wrap(weights, values) || {
        let largest = x.iter().fold(1, |largest: u32, x| largest.max(x.to_bits().unsigned_abs()));
        let most = (MOST << 22).checked_div(largest).unwrap_or(0);
        (0..outputs).all(|o| {
            let sum = |sum: u32, w: &[W]| {
                sum.saturating_add(w.get(o).map_or(0, |w| w.upper().unsigned_abs()))
            };
            chunks(weights, outputs).fold(0, sum) < most
        })
    }
}
