//! Fixed-point numbers as a number format.

use super::{Format, plain};
use crate::fingerprint::fingerprint;
use crate::kernel::{fixed as kernel, stay_rolled};
use crate::number::sealed::Sealed as _;
use crate::number::{Number as _, Q12, Q26, Q32};
use crate::tensors::{Kind, Tensors};
use crate::zero::Zero;

/// 32-bit fixed point: a network of integers, for cores without an FPU.
///
/// TODO
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fixed;

/// The scale of a layer's derivatives in fixed point: they are integers times `2^-exponent`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Exponent(pub i32);

impl Zero for Exponent {
    const ZERO: Self = Self(0);
}

/// A learning rate and the scale of a layer's derivatives, for many weights.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FixedStep {
    /// The rate is this, 128 to 255, times a power of 2; or 0.
    factor: i32,
    /// How far a product `g x` is shifted to the right to have 26 fraction bits.
    shift: i32,
}

/// What gradient descent remembers from step to step: how far all weights are from the limit of
/// their range, at least. So it needs to look at them only when that is used up.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Headroom {
    left: u32,
    used: u32,
}

impl Zero for Headroom {
    const ZERO: Self = Self { left: 0, used: 0 };
}

/// None: it is not saved.
impl<W> Tensors<W> for Headroom {
    #[inline]
    fn walk<const R: usize, const M: usize>(
        _: [&Self; R],
        _: [&mut Self; M],
        _: &mut impl FnMut(Kind, [&[W]; R], [&mut [W]; M]),
    ) {
    }
}

/// Bits of the largest derivative of a layer with so many units: as many as leave room for the sums
/// over them.
const fn mantissa(units: usize) -> u32 {
    match units {
        0..=64 => 12,
        65..=128 => 11,
        129..=256 => 10,
        257..=512 => 9,
        _ => 8,
    }
}

/// `value * 2^-right`, rounded down; the limit with its sign where it is beyond 32 bits.
#[inline]
fn saturating_shift(value: i32, right: i32) -> i32 {
    if right >= 0 {
        return value >> right.min(31);
    }
    let left = right.unsigned_abs();
    let shifted = value.checked_shl(left).unwrap_or(0);
    if shifted.checked_shr(left).unwrap_or(0) == value {
        shifted
    } else if value < 0 {
        i32::MIN
    } else {
        i32::MAX
    }
}

/// A number of 0 or more as an integer of so many bits, and how many fraction bits that has: with 24
/// fraction bits, and up to 256.
#[inline]
fn factor<const BITS: u32>(number: Q32) -> (i32, i32) {
    let bits = u32::try_from(number.to_bits() >> 8).unwrap_or(u32::MAX);
    let zeros = bits.leading_zeros();
    let down = 32_u32.wrapping_sub(BITS);
    let fraction = zeros.wrapping_add(24).wrapping_sub(down);
    ((bits.wrapping_shl(zeros).wrapping_shr(down)).cast_signed(), fraction.cast_signed())
}

/// All bits that the sizes of these numbers have: less than twice the largest.
///
/// A function of its own, as those below, so that small cores have registers for its loop.
#[inline(never)]
fn sizes<T: Copy>(numbers: &[T], bits: impl Fn(T) -> i32) -> u32 {
    numbers.iter().fold(0, |all, &number| all | size(bits(number)))
}

/// The size of a number, less one if it is negative.
#[inline(always)]
const fn size(number: i32) -> u32 {
    (number ^ (number >> 31)).cast_unsigned()
}

/// Brings the largest of the derivatives to so many bits; less is rounded to nearest.
#[inline(never)]
pub(crate) fn align_to(bits: u32, deltas: &mut [i32], exponent: &mut Exponent) {
    let size = sizes(deltas, |d| d);
    if size == 0 {
        return;
    }
    let right = 32_u32.wrapping_sub(size.leading_zeros()).wrapping_sub(bits).cast_signed();
    exponent.0 = exponent.0.wrapping_sub(right);
    if right > 0 {
        let half = 1_i32.wrapping_shl(right.wrapping_sub(1).cast_unsigned());
        for d in deltas {
            *d = d.wrapping_add(half).wrapping_shr(right.cast_unsigned());
            stay_rolled();
        }
    } else {
        for d in deltas {
            *d = d.wrapping_shl(right.unsigned_abs());
            stay_rolled();
        }
    }
}

/// The largest size of the weights.
#[inline(never)]
fn largest(weights: &[Q26]) -> u32 {
    weights.iter().fold(0, |largest: u32, w| largest.max(w.to_bits().unsigned_abs()))
}

impl FixedStep {
    /// How far a step moves a weight, at most, for inputs of this size.
    #[inline]
    fn reach(self, x: &[Q12]) -> u32 {
        if self.shift < 0 {
            return u32::MAX;
        }
        // 1 is the input of the biases.
        let x = sizes(x, Q12::to_bits) | Q12::ONE.to_bits().cast_unsigned();
        // The largest derivative has `mantissa` bits: times the factor, less 7 bits.
        let g = self.factor << 5;
        (g.cast_unsigned().wrapping_mul(x) >> (self.shift & 31)).wrapping_add(1)
    }

    /// `w - g x`, where it ends at the limit of the range.
    #[inline]
    fn learn(self, w: Q26, g: i32, x: i32) -> Q26 {
        let change = saturating_shift(g.wrapping_mul(x), self.shift);
        Q26::from_bits(w.to_bits().saturating_sub(change))
    }
}

impl Format for Fixed {
    type Weight = Q26;
    type Value = Q12;
    type Sum = i32;
    type Scale = Exponent;
    type Real = Q32;
    type Step = FixedStep;
    type Descent = Headroom;

    const FINGERPRINT: u32 = fingerprint("Fixed", &[]);
    const BIAS_INPUT: Q12 = Q12::ONE;
    const STORED: Exponent = Exponent(26);

    #[inline(always)]
    fn empty() -> i32 {
        0
    }
    #[inline(always)]
    fn add_product(sum: i32, w: Q26, x: Q12) -> i32 {
        kernel::add_product(sum, w, x.to_bits())
    }
    #[inline(always)]
    fn add_bias(sum: i32, bias: Q26) -> Q12 {
        Q12::raw(sum.wrapping_add(bias.to_bits() >> 4) >> 10)
    }
    #[inline(always)]
    fn add_back(sum: i32, w: Q26, d: i32) -> i32 {
        kernel::add_product(sum, w, d)
    }
    #[inline(always)]
    fn product(x: Q12, d: i32) -> i32 {
        x.to_bits().wrapping_mul(d) >> 6
    }
    #[inline(always)]
    fn product_scale(Exponent(exponent): Exponent) -> Exponent {
        Exponent(exponent.wrapping_add(6))
    }
    #[inline(always)]
    fn add(a: i32, b: i32) -> i32 {
        a.saturating_add(b)
    }
    #[inline(always)]
    fn back_scale(Exponent(exponent): Exponent) -> Exponent {
        Exponent(exponent.wrapping_add(10))
    }
    #[inline]
    fn align(deltas: &mut [i32], scale: &mut Exponent) {
        align_to(mantissa(deltas.len()), deltas, scale);
    }
    #[inline]
    fn step(rate: Q32, Exponent(exponent): Exponent) -> FixedStep {
        let (factor, fraction) = factor::<8>(rate);
        // `scaled` takes 7 bits away; a value has 12, a weight 26.
        let shift = exponent.wrapping_add(fraction).wrapping_sub(7 + 26 - 12);
        if shift > 31 { FixedStep { factor: 0, shift: 0 } } else { FixedStep { factor, shift } }
    }
    #[inline(always)]
    fn scaled(d: i32, step: FixedStep) -> i32 {
        d.wrapping_mul(step.factor) >> 7
    }
    #[inline(always)]
    fn learn(w: Q26, g: i32, x: Q12, step: FixedStep) -> Q26 {
        step.learn(w, g, x.to_bits())
    }
    #[inline(always)]
    fn descend(w: Q26, g: i32, step: FixedStep) -> Q26 {
        // The factor has 8 bits, a product 32. It has 5 fraction bits more than that of a derivative and a
        // value of 1 that `learn` takes.
        let shift = step.shift.wrapping_sub(5);
        let (g, shift) =
            if (g ^ (g >> 31)) >> 23 == 0 { (g, shift) } else { (g >> 8, shift.wrapping_sub(8)) };
        FixedStep { shift, ..step }.learn(w, g, step.factor)
    }
    #[inline]
    fn real(value: Q12) -> Q32 {
        Q32::from_bits(i64::from(value.to_bits()) << 20)
    }
    #[inline]
    fn check(logits: &[Q12]) -> Q32 {
        // Half of the range of sums: those of up to three times as much show.
        Q32::ZERO.or_nan(sizes(logits, Q12::to_bits) >> 20 == 0)
    }
    #[inline]
    fn worse(a: Q32, b: Q32) -> Q32 {
        a.or_nan(b.is_finite())
    }
    #[inline]
    fn is_finite(weight: Q26) -> bool {
        weight > Q26::MIN && weight < Q26::MAX
    }
    #[inline]
    fn errors(outputs: &[Q12], targets: &[Q12], deltas: &mut [i32], scale: &mut Exponent) {
        for ((d, y), t) in deltas.iter_mut().zip(outputs).zip(targets) {
            *d = y.to_bits().wrapping_sub(t.to_bits());
        }
        *scale = Exponent(12);
    }
    #[inline]
    fn half_squared_error(outputs: &[Q12], targets: &[Q12]) -> Q32 {
        let mut sum = 0_u64;
        for (y, t) in outputs.iter().zip(targets) {
            let error = y.to_bits().wrapping_sub(t.to_bits()).unsigned_abs();
            sum = sum.wrapping_add(square(error));
        }
        // With 24 fraction bits, and half of it.
        Q32::from_bits((sum << 7).cast_signed())
    }

    #[inline(always)]
    fn affine<const IN: usize, const OUT: usize, const K: usize>(
        weights: &[[Q26; OUT]; IN],
        bias: &[Q26; OUT],
        x: [&[Q12; IN]; K],
        y: [&mut [Q12; OUT]; K],
    ) {
        for (x, y) in x.into_iter().zip(y) {
            kernel::affine(weights, bias, x, y);
            if K == 1 {
                break;
            }
        }
    }

    #[inline(always)]
    fn input_gradient<const IN: usize, const OUT: usize, const K: usize>(
        weights: &[[Q26; OUT]; IN],
        d: [&[i32; OUT]; K],
        dx: [&mut [i32; IN]; K],
    ) {
        for (d, dx) in d.into_iter().zip(dx) {
            kernel::input_gradient(weights, d, dx);
            if K == 1 {
                break;
            }
        }
    }

    #[inline(always)]
    fn update<const IN: usize, const OUT: usize>(
        weights: &mut [[Q26; OUT]; IN],
        bias: &mut [Q26; OUT],
        x: &[Q12; IN],
        d: &[i32; OUT],
        scale: Exponent,
        rate: Q32,
        headroom: &mut Headroom,
    ) {
        let step = Self::step(rate, scale);
        let reach = step.reach(x);
        headroom.used = headroom.used.max(reach);
        let g = d.map(|d| Self::scaled(d, step));
        if reach <= headroom.left {
            kernel::update(weights, bias, x, &g, step.shift.cast_unsigned());
        } else {
            saturate(weights, bias, x, &g, step);
        }
    }

    fn weigh(deltas: &mut [i32], scale: &mut Exponent, weight: Q32) {
        if weight == Q32::ONE {
            return;
        }
        let (factor, fraction) = factor::<14>(weight);
        align_to(16, deltas, scale);
        deltas.iter_mut().for_each(|d| *d = d.wrapping_mul(factor));
        scale.0 = scale.0.wrapping_add(fraction);
    }
    #[inline]
    fn add_gradient(sum: Q26, g: i32, Exponent(exponent): Exponent) -> Q26 {
        let g = saturating_shift(g, exponent.wrapping_sub(26));
        Q26::from_bits(sum.to_bits().saturating_add(g))
    }
    #[inline(always)]
    fn stored_one(gradient: Q26) -> i32 {
        gradient.to_bits()
    }

    #[inline]
    fn settle(headroom: &mut Headroom, visit: impl FnOnce(&mut dyn FnMut(&[Q26]))) {
        headroom.left = headroom.left.saturating_sub(headroom.used);
        if headroom.left < headroom.used {
            headroom.left = Q26::MAX.to_bits().cast_unsigned();
            visit(&mut |weights| {
                let left = Q26::MAX.to_bits().cast_unsigned().wrapping_sub(largest(weights));
                headroom.left = headroom.left.min(left);
            });
        }
        headroom.used = 0;
    }
}

/// The step of a layer, whose weights may reach the limit.
#[inline(never)]
fn saturate<const IN: usize, const OUT: usize>(
    weights: &mut [[Q26; OUT]; IN],
    bias: &mut [Q26; OUT],
    x: &[Q12; IN],
    g: &[i32; OUT],
    step: FixedStep,
) {
    plain::learn::<Fixed, IN, OUT>(weights, bias, x, g, step);
}

/// The square of a number with 12 fraction bits, with 24; rounded from 16 on, so that no product of 64
/// bits is needed.
#[inline]
fn square(size: u32) -> u64 {
    if size >> 16 == 0 {
        size.wrapping_mul(size).into()
    } else {
        let size = size >> 4;
        u64::from(size.wrapping_mul(size)) << 8
    }
}
