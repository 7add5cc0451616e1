//! The losses of fixed-point networks, in integers.

use super::{
    AbsoluteError, BinaryCrossEntropy, CrossEntropy, HalfSquaredError, Huber, LogCosh, Loss,
    MeanSquaredError, Pinball,
};
use crate::activation::{Activation, Sigmoid, Softmax};
use crate::format::{Exponent, Fixed, Format, align_to};
use crate::math::integer::{exp, ln, sigmoid, tanh};
use crate::number::sealed::Sealed as _;
use crate::number::{FixedWeight, Q12, Q32};

/// 1, as a value.
pub(super) const ONE: i32 = Q12::ONE.to_bits();

/// ln 2, with 15 fraction bits.
pub(super) const LN_2: u32 = 22_713;

/// A sum with so many fraction bits, at most 32.
#[inline]
const fn with_fraction(sum: u64, bits: u32) -> Q32 {
    Q32::from_bits(sum.wrapping_shl(32_u32.wrapping_sub(bits)) as i64)
}

/// `sum f(|y - t|)`.
#[inline]
fn sum_of_errors(outputs: &[Q12], targets: &[Q12], f: impl Fn(u32) -> u64) -> u64 {
    let errors = outputs.iter().zip(targets).map(|(y, t)| y.to_bits().wrapping_sub(t.to_bits()));
    errors.fold(0, |sum, error| sum.wrapping_add(f(error.unsigned_abs())))
}

/// `delta = f(y - t)`, with 12 fraction bits.
#[inline]
fn map_errors(
    outputs: &[Q12],
    targets: &[Q12],
    deltas: &mut [i32],
    scale: &mut Exponent,
    f: impl Fn(i32) -> i32,
) {
    for ((d, y), t) in deltas.iter_mut().zip(outputs).zip(targets) {
        *d = f(y.to_bits().wrapping_sub(t.to_bits()));
    }
    *scale = Exponent(12);
}

impl<W: FixedWeight, A: Activation<Fixed<W>>> Loss<A, Fixed<W>> for MeanSquaredError {
    #[inline]
    fn evaluate(values: &mut [Q12], target: &[Q12]) -> Q32 {
        let half = <HalfSquaredError as Loss<A, Fixed<W>>>::evaluate(values, target).to_bits();
        let count = i64::try_from(values.len()).unwrap_or(i64::MAX);
        Q32::from_bits(half.wrapping_mul(2).checked_div(count).unwrap_or(0))
    }

    #[inline]
    fn delta(output: &[Q12], target: &[Q12], delta: &mut [i32], scale: &mut Exponent) {
        Fixed::<W>::errors(output, target, delta, scale);
        align_to(15, delta, scale);
        let count = i32::try_from(output.len()).unwrap_or(i32::MAX);
        let factor = (2_i32 << 14).checked_div(count).unwrap_or(0);
        delta.iter_mut().for_each(|d| *d = d.wrapping_mul(factor));
        scale.0 = scale.0.wrapping_add(14);
    }
}

impl<W: FixedWeight, A: Activation<Fixed<W>>> Loss<A, Fixed<W>> for AbsoluteError {
    #[inline]
    fn evaluate(values: &mut [Q12], target: &[Q12]) -> Q32 {
        A::activate(values);
        with_fraction(sum_of_errors(values, target, u64::from), 12)
    }

    #[inline]
    fn delta(output: &[Q12], target: &[Q12], delta: &mut [i32], scale: &mut Exponent) {
        map_errors(output, target, delta, scale, |e| e.signum().wrapping_mul(ONE));
    }
}

impl<W: FixedWeight, A: Activation<Fixed<W>>, const N: u32, const D: u32> Loss<A, Fixed<W>>
    for Pinball<N, D>
{
    #[inline]
    fn evaluate(values: &mut [Q12], target: &[Q12]) -> Q32 {
        A::activate(values);
        let (mut above, mut below) = (0_u64, 0_u64);
        for (y, t) in values.iter().zip(target) {
            let error = y.to_bits().wrapping_sub(t.to_bits());
            let sum = if error > 0 { &mut above } else { &mut below };
            *sum = sum.wrapping_add(error.unsigned_abs().into());
        }
        let [of_above, of_below] = Self::slopes().map(|slope| slope.unsigned_abs().into());
        with_fraction(above.wrapping_mul(of_above).wrapping_add(below.wrapping_mul(of_below)), 32)
    }

    #[inline]
    fn delta(output: &[Q12], target: &[Q12], delta: &mut [i32], scale: &mut Exponent) {
        let [above, below] = Self::slopes();
        map_errors(output, target, delta, scale, |e| match e.signum() {
            1 => above,
            0 => 0,
            _ => below,
        });
        *scale = Exponent(20);
    }
}

impl<const N: u32, const D: u32> Pinball<N, D> {
    /// The derivatives above the target and below it, `1 - q` and `-q`, with 20 fraction bits.
    const fn slopes() -> [i32; 2] {
        const {
            assert!(N > 0 && N < D, "the fraction must be above 0 and below 1");
            let q = (((N as u64) << 20) + (D / 2) as u64) / D as u64;
            assert!(
                q > 0 && q < 1 << 20,
                "in fixed point, a quantile is 2^-20 from 0 and 1 at least"
            );
            #[allow(clippy::cast_possible_truncation, reason = "below 2^20")]
            let q = q as i32;
            [(1 << 20) - q, -q]
        }
    }
}

impl<W: FixedWeight, A: Activation<Fixed<W>>, const N: u32, const D: u32> Loss<A, Fixed<W>>
    for Huber<N, D>
{
    #[inline]
    fn evaluate(values: &mut [Q12], target: &[Q12]) -> Q32 {
        A::activate(values);
        let limit = Self::bits();
        // Twice the loss, with 24 fraction bits.
        let sum = sum_of_errors(values, target, |e| {
            // The smaller of both times what is left: `e e`, or `l (2 e - l)`.
            let (small, rest) = (e.min(limit), e.saturating_sub(limit));
            u64::from(small)
                .wrapping_mul(u64::from(small).wrapping_add(u64::from(rest).wrapping_mul(2)))
        });
        with_fraction(sum, 25)
    }

    #[inline]
    fn delta(output: &[Q12], target: &[Q12], delta: &mut [i32], scale: &mut Exponent) {
        let limit = Self::bits() as i32;
        map_errors(output, target, delta, scale, |e| e.clamp(limit.wrapping_neg(), limit));
    }
}

impl<const N: u32, const D: u32> Huber<N, D> {
    /// The threshold, with 12 fraction bits: at most 128, more than any error.
    const fn bits() -> u32 {
        const {
            assert!(N > 0, "a threshold of 0 makes every loss 0: NUMERATOR must not be 0");
            assert!(D > 0, "the denominator must not be 0");
            let limit = ((N as u64) << 12) / D as u64;
            assert!(limit > 0, "in fixed point, a threshold is 1/4096 at least");
            #[allow(clippy::cast_possible_truncation, reason = "2^19 at most")]
            let limit = if limit > 128 << 12 { 128 << 12 } else { limit as u32 };
            limit
        }
    }
}

impl<W: FixedWeight, A: Activation<Fixed<W>>> Loss<A, Fixed<W>> for LogCosh {
    #[inline]
    fn evaluate(values: &mut [Q12], target: &[Q12]) -> Q32 {
        A::activate(values);
        let sum = sum_of_errors(values, target, |e| {
            let tail = exp((e.wrapping_mul(2) as i32).wrapping_neg()) as u32;
            let tail = ln(tail.wrapping_add(1 << 15));
            e.wrapping_shl(3).wrapping_add(tail).saturating_sub(LN_2).into()
        });
        with_fraction(sum, 15)
    }

    #[inline]
    fn delta(output: &[Q12], target: &[Q12], delta: &mut [i32], scale: &mut Exponent) {
        map_errors(output, target, delta, scale, tanh);
    }
}

impl<W: FixedWeight> Loss<Sigmoid, Fixed<W>> for BinaryCrossEntropy {
    const FUSED: bool = true;

    #[inline]
    fn accepts(target: &[Q12]) -> bool {
        target.iter().all(|t| (0..=ONE).contains(&t.to_bits()))
    }
    #[inline]
    fn evaluate(values: &mut [Q12], target: &[Q12]) -> Q32 {
        let mut sum = 0_i64;
        for (value, t) in values.iter_mut().zip(target) {
            let z = value.to_bits().clamp(Q12::MIN.to_bits(), Q12::MAX.to_bits());
            let tail = ln((exp(z.abs().wrapping_neg()) as u32).wrapping_add(1 << 15));
            // max(z, 0) - t z, with 24 fraction bits.
            let line = z.max(0).wrapping_shl(12).wrapping_sub(z.wrapping_mul(t.to_bits()));
            sum = sum.wrapping_add(line.into()).wrapping_add(i64::from(tail.wrapping_shl(9)));
            *value = Q12::raw(sigmoid(z));
        }
        Q32::from_bits(sum.wrapping_shl(8))
            .or_nan(<Self as Loss<Sigmoid, Fixed<W>>>::accepts(target))
    }
    #[inline]
    fn delta(output: &[Q12], target: &[Q12], delta: &mut [i32], scale: &mut Exponent) {
        Fixed::<W>::errors(output, target, delta, scale);
    }
}

impl<W: FixedWeight> Loss<Softmax, Fixed<W>> for CrossEntropy {
    const FUSED: bool = true;

    #[inline]
    fn accepts(target: &[Q12]) -> bool {
        let sum = target.iter().fold(0_i32, |sum, t| sum.saturating_add(t.to_bits()));
        target.iter().all(|t| t.to_bits() >= 0) && sum.wrapping_sub(ONE).abs() <= ONE / 256
    }
    #[inline]
    fn evaluate(values: &mut [Q12], target: &[Q12]) -> Q32 {
        let max = Softmax::max_fixed(values);
        // sum t (m - z), with 24 fraction bits; a logit counts as 64 below the largest at most.
        let distances =
            values.iter().map(|z| max.saturating_sub(z.to_bits()).min(Q12::MAX.to_bits()));
        let sum = distances
            .zip(target)
            .fold(0_i32, |sum, (distance, t)| sum.wrapping_add(distance.wrapping_mul(t.to_bits())));
        let log = ln(Softmax::apply_fixed(max, values));
        let loss = i64::from(sum).wrapping_shl(8).wrapping_add(i64::from(log).wrapping_shl(17));
        Q32::from_bits(loss).or_nan(<Self as Loss<Softmax, Fixed<W>>>::accepts(target))
    }
    #[inline]
    fn delta(output: &[Q12], target: &[Q12], delta: &mut [i32], scale: &mut Exponent) {
        Fixed::<W>::errors(output, target, delta, scale);
    }
}
