//! Focal loss of fixed-point networks, in integers.
//!
//! A power is an exponential, `y^g = e^(g ln y)`, so that every exponent `g` has the same code.

use super::fixed::{LN_2, ONE};
use super::{BinaryCrossEntropy, CrossEntropy, Focal, Loss};
use crate::activation::{Activation, Sigmoid, Softmax};
use crate::format::{Exponent, Fixed, align_to};
use crate::math::integer::{exp, exp_minus, ln};
use crate::number::sealed::Sealed as _;
use crate::number::{FixedWeight, Q12, Q32};

/// `-ln 0`: so much that powers of 0 are 0.
const OF_ZERO: u32 = 64 << 15;

/// `-ln y` for `y` of 0 to 1 with 12 fraction bits; the result has 15.
#[inline]
fn minus_ln(y: i32) -> u32 {
    match y {
        1.. => (12 * LN_2).saturating_sub(ln(y.wrapping_shl(15) as u32)),
        _ => OF_ZERO,
    }
}

/// `ln x` for any `x` above 0; both with 15 fraction bits.
#[inline]
fn signed_ln(x: u32) -> i32 {
    // As a number of 1 or more.
    let shift = x.leading_zeros().min(15);
    (ln(x.wrapping_shl(shift)) as i32).wrapping_sub(shift.wrapping_mul(LN_2) as i32)
}

/// `p l` with 24 fraction bits, where `p` is 1 at most and both have 15.
#[inline]
fn product(p: u32, l: u32) -> u32 {
    p.wrapping_mul(l >> 6).wrapping_add(p.wrapping_mul(l & 63) >> 6)
}

/// The sum of `t f`, where `f` has 24 fraction bits; so has the result.
#[inline]
fn weigh(sums: &[u64; 2], [of_first, of_second]: [u32; 2]) -> Q32 {
    let [first, second] = sums.map(|sum| sum >> 12);
    let sum =
        first.wrapping_mul(of_first.into()).wrapping_add(second.wrapping_mul(of_second.into()));
    Q32::from_bits((sum >> 12) as i64)
}

impl<const G: u32, const GD: u32, const A: u32, const AD: u32> Focal<G, GD, A, AD> {
    /// `g x`, where `x` is 2^21 at most.
    #[inline]
    fn times_gamma(x: u32) -> u32 {
        let (factor, shift) = const {
            assert!(GD > 0, "the denominator must not be 0");
            assert!(
                (G as u64) * 128 / (GD as u64) < 0x7ff,
                "in fixed point, the exponent of a `Focal` is below 16"
            );
            // 11 bits.
            let mut shift = 7_u32;
            while shift < 31 && ((G as u64) << (shift + 1)) / (GD as u64) < 0x7ff {
                shift += 1;
            }
            #[allow(clippy::cast_possible_truncation, reason = "11 bits")]
            let factor = ((((G as u64) << shift) + (GD / 2) as u64) / GD as u64) as u32;
            (factor, shift)
        };
        x.wrapping_mul(factor) >> shift
    }

    /// `y^g`, given `-ln y`; both with 15 fraction bits.
    #[inline]
    fn power_of(minus_ln: u32) -> u32 {
        exp_minus(Self::times_gamma(minus_ln.min(OF_ZERO)))
    }

    /// The factor `a`, with 20 fraction bits.
    const fn alpha_bits() -> u64 {
        const {
            assert!(A > 0, "a factor of 0 makes losses 0: ALPHA must not be 0");
            assert!(AD > 0, "the denominator must not be 0");
            let alpha = (((A as u64) << 20) + (AD / 2) as u64) / AD as u64;
            assert!(
                alpha > 0 && alpha < 1 << 32,
                "in fixed point, the factor of a `Focal` is from 2^-20 to 4095"
            );
            alpha
        }
    }

    /// The factors of the labels 1 and 0, with 20 fraction bits.
    const fn alphas() -> [u32; 2] {
        const {
            assert!(A > 0 && A < AD, "the fraction must be above 0 and below 1");
            #[allow(clippy::cast_possible_truncation, reason = "2^20 at most")]
            let alpha = Self::alpha_bits() as u32;
            assert!(alpha < 1 << 20, "in fixed point, a factor is 2^-20 from 1 at least");
            [alpha, (1 << 20) - alpha]
        }
    }

    /// `(1 - y)^g (1 - y - g y ln y)`, with 14 fraction bits.
    #[inline]
    fn slope_of_label(y: i32) -> i32 {
        let rest = ONE.wrapping_sub(y);
        let bend = Self::times_gamma(minus_ln(y).wrapping_mul(y as u32) >> 12);
        let sum = (rest.wrapping_shl(3) as u32).wrapping_add(bend);
        (Self::power_of(minus_ln(rest)).wrapping_mul(sum >> 1) >> 15) as i32
    }

    /// `(1 - y)^g (1 - g y ln y / (1 - y))`, with 15 fraction bits.
    #[inline]
    fn slope_of_class(y: i32) -> i32 {
        let rest = ONE.wrapping_sub(y);
        let product = minus_ln(y).wrapping_mul(y as u32);
        // The limit is 1.
        let bend = product.checked_div(rest as u32).unwrap_or(1 << 15);
        let sum = Self::times_gamma(bend).wrapping_add(1 << 15);
        (Self::power_of(minus_ln(rest)).wrapping_mul(sum >> 3) >> 12) as i32
    }
}

impl<W: FixedWeight, const G: u32, const GD: u32, const A: u32, const AD: u32>
    Loss<Sigmoid, Fixed<W>> for Focal<G, GD, A, AD>
{
    const FUSED: bool = true;

    #[inline]
    fn accepts(target: &[Q12]) -> bool {
        <BinaryCrossEntropy as Loss<Sigmoid, Fixed<W>>>::accepts(target)
    }
    #[inline]
    fn evaluate(values: &mut [Q12], target: &[Q12]) -> Q32 {
        let mut sums = [0_u64; 2];
        for (value, t) in values.iter().zip(target) {
            let z = value.to_bits().clamp(Q12::MIN.to_bits(), Q12::MAX.to_bits());
            // Minus the logarithms of the probabilities of the likely label and of the other one.
            let likely = ln((exp(z.abs().wrapping_neg()) as u32).wrapping_add(1 << 15));
            let unlikely = z.unsigned_abs().wrapping_shl(3).wrapping_add(likely);
            let of_unlikely = product(Self::power_of(likely), unlikely);
            let of_likely = product(Self::power_of(unlikely), likely);
            let losses = if z < 0 { [of_unlikely, of_likely] } else { [of_likely, of_unlikely] };
            let t = t.to_bits().clamp(0, ONE);
            let targets = [t, ONE.wrapping_sub(t)].map(|t| t as u64);
            for (sum, (loss, t)) in sums.iter_mut().zip(losses.into_iter().zip(targets)) {
                *sum = sum.wrapping_add(t.wrapping_mul(loss.into()));
            }
        }
        <Sigmoid as Activation<Fixed<W>>>::activate(values);
        weigh(&sums, Self::alphas()).or_nan(<Self as Loss<Sigmoid, Fixed<W>>>::accepts(target))
    }
    #[inline]
    fn delta(output: &[Q12], target: &[Q12], delta: &mut [i32], scale: &mut Exponent) {
        // With 15 fraction bits.
        let [yes, no] = Self::alphas().map(|alpha| alpha.wrapping_add(1 << 4) >> 5);
        for ((d, y), t) in delta.iter_mut().zip(output).zip(target) {
            let (y, t) = (y.to_bits(), t.to_bits());
            let of_yes = (yes as i32).wrapping_mul(t) >> 12;
            let of_no = (no as i32).wrapping_mul(ONE.wrapping_sub(t)) >> 12;
            let of_no = of_no.wrapping_mul(Self::slope_of_label(ONE.wrapping_sub(y)));
            *d = of_no.wrapping_sub(of_yes.wrapping_mul(Self::slope_of_label(y)));
        }
        *scale = Exponent(29);
    }
}

impl<W: FixedWeight, const G: u32, const GD: u32, const A: u32, const AD: u32>
    Loss<Softmax, Fixed<W>> for Focal<G, GD, A, AD>
{
    const FUSED: bool = true;

    #[inline]
    fn accepts(target: &[Q12]) -> bool {
        <CrossEntropy as Loss<Softmax, Fixed<W>>>::accepts(target)
    }
    #[inline]
    fn evaluate(values: &mut [Q12], target: &[Q12]) -> Q32 {
        let max = Softmax::max_fixed(values);
        let power = |z: &Q12| exp(z.to_bits().wrapping_sub(max)) as u32;
        let sum = values.iter().fold(0_u32, |sum, z| sum.wrapping_add(power(z)));
        let ln_sum = ln(sum);
        let mut loss = 0_u64;
        for (z, t) in values.iter().zip(target).filter(|(_, t)| t.to_bits() > 0) {
            // A logit counts as 64 below the largest at most.
            let distance = max.wrapping_sub(z.to_bits()).min(Q12::MAX.to_bits());
            let minus_ln = (distance.wrapping_shl(3) as u32).wrapping_add(ln_sum);
            let rest = match sum.wrapping_sub(power(z)) {
                0 => OF_ZERO,
                rest => (ln_sum as i32).wrapping_sub(signed_ln(rest)).max(0) as u32,
            };
            let f = product(Self::power_of(rest), minus_ln);
            loss = loss.wrapping_add(u64::from(f).wrapping_mul(t.to_bits() as u64));
        }
        Softmax::apply_fixed(max, values);
        let loss = (loss >> 12).wrapping_mul(Self::alpha_bits()) >> 12;
        Q32::from_bits(loss as i64).or_nan(<Self as Loss<Softmax, Fixed<W>>>::accepts(target))
    }
    #[inline]
    fn delta(output: &[Q12], target: &[Q12], delta: &mut [i32], scale: &mut Exponent) {
        let mut sum = 0_i32;
        for ((d, y), t) in delta.iter_mut().zip(output).zip(target) {
            *d = match t.to_bits() {
                0 => 0,
                t => t.wrapping_mul(Self::slope_of_class(y.to_bits())) >> 12,
            };
            sum = sum.wrapping_add(*d);
        }
        for (d, y) in delta.iter_mut().zip(output) {
            *d = y.to_bits().wrapping_mul(sum).wrapping_sub(d.wrapping_shl(12));
        }
        *scale = Exponent(27);
        align_to(15, delta, scale);
        let (factor, fraction) = const {
            let (mut factor, mut fraction) = (Self::alpha_bits(), 20_i32);
            while factor > 1 << 15 {
                (factor, fraction) = (factor >> 1, fraction - 1);
            }
            #[allow(clippy::cast_possible_truncation, reason = "16 bits")]
            (factor as i32, fraction)
        };
        delta.iter_mut().for_each(|d| *d = d.wrapping_mul(factor));
        scale.0 = scale.0.wrapping_add(fraction);
    }
}
