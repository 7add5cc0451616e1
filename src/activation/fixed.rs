//! The activations of fixed-point networks, in integers.
//!
//! Values have 12 fraction bits. A derivative is an integer whose scale the layer's derivatives share: where
//! they are multiplied, they are first brought to as many bits as the product has room for.

#![allow(clippy::arithmetic_side_effects, reason = "values are within ±64")]

use super::{
    Activation, Elementwise, Elu, Gelu, HardSigmoid, HardSwish, HardTanh, Identity, LeakyRelu,
    Relu, Relu6, Selu, Sigmoid, Silu, Softmax, Softplus, Softsign, Tanh,
};
use crate::format::{Exponent, Fixed, align_to};
use crate::kernel::stay_rolled;
use crate::math::integer::{exp, ln, normal_density, normal_tail, sigmoid, sigmoid_tail, tanh};
use crate::number::{FixedWeight, Q12};
use crate::shape::Shape;

/// 1, as a value.
const ONE: i32 = Q12::ONE.to_bits();

/// An elementwise activation in integers.
trait Integers: Elementwise {
    /// To how many bits derivatives are brought before they are multiplied, so that the product has 30 at most; and
    /// how many fraction bits it has more. `None` where nothing is multiplied.
    const PRODUCT: Option<(u32, i32)>;
    /// `f(z)`, not beyond ±64.
    fn apply(z: i32) -> i32;
    /// `d f'(z)`, expressed through `y = f(z)`.
    fn times_derivative(d: i32, y: i32) -> i32;
}

/// `values`, each replaced by `f(z)`.
#[inline(never)]
fn apply_all<A: Integers>(values: &mut [Q12]) {
    for value in values {
        *value = Q12::raw(<A as Integers>::apply(value.to_bits()));
        stay_rolled();
    }
}

#[inline(never)]
fn backpropagate<A: Integers>(output: &[Q12], delta: &mut [i32], scale: &mut Exponent) {
    if let Some((bits, fraction)) = A::PRODUCT {
        align_to(bits, delta, scale);
        scale.0 = scale.0.wrapping_add(fraction);
    }
    for (d, y) in delta.iter_mut().zip(output) {
        *d = <A as Integers>::times_derivative(*d, y.to_bits());
        stay_rolled();
    }
}

macro_rules! elementwise {
    ($([$($generics:tt)*] $name:ty: $product_bits:expr, |$z:pat_param| $y:expr, |$d:ident, $of:pat_param| $product:expr;)+) => { $(
        impl<$($generics)*> Integers for $name {
            const PRODUCT: Option<(u32, i32)> = $product_bits;
            #[inline(always)]
            fn apply($z: i32) -> i32 {
                $y
            }
            #[inline(always)]
            fn times_derivative($d: i32, $of: i32) -> i32 {
                $product
            }
        }

        impl<W: FixedWeight, $($generics)*> Activation<Fixed<W>> for $name {
            const FINGERPRINT: u32 = <Self as Elementwise>::FINGERPRINT;
            type Kept<Y: Shape<Element = Q12>> = ();

            #[inline]
            fn activate(values: &mut [Q12]) {
                apply_all::<Self>(values);
            }
            #[inline]
            fn backpropagate(output: &[Q12], _: &[Q12], delta: &mut [i32], scale: &mut Exponent) {
                backpropagate::<Self>(output, delta, scale);
            }
        }
    )+ };
}

elementwise! {
    [] Identity: None, |z| clip(z), |d, _| d;
    [] Relu: None, |z| clip(z).max(0), |d, y| if y > 0 { d } else { 0 };
    [] Relu6: None, |z| z.clamp(0, 6 * ONE), |d, y| if y > 0 && y < 6 * ONE { d } else { 0 };
    [] HardTanh: None, |z| z.clamp(-ONE, ONE), |d, y| if y > -ONE && y < ONE { d } else { 0 };
    // z / 6 + 1/2
    [] HardSigmoid: Some((16, 14)),
        |z| (clip(z).wrapping_mul(2731).wrapping_add(1 << 13) >> 14).wrapping_add(ONE / 2).clamp(0, ONE),
        |d, y| if y > 0 && y < ONE { d.wrapping_mul(2731) } else { 0 };
    [const N: u32, const D: u32] LeakyRelu<N, D>: Some((18, 12)),
        |z| if z < 0 { slope::<N, D>(clip(z), 0) } else { clip(z) },
        |d, y| if y > 0 { d.wrapping_shl(12) } else { slope::<N, D>(d, 12) };
    [] Sigmoid: Some((15, 15)), |z| sigmoid(z), |d, y| d.wrapping_mul(y.wrapping_mul(ONE - y) >> 9);
    [] Tanh: Some((17, 13)), |z| tanh(z), |d, y| d.wrapping_mul((1_i32 << 24).wrapping_sub(y.wrapping_mul(y)) >> 11);
    [] Softsign: Some((16, 14)),
        |z| { let z = clip(z); z.wrapping_shl(12).wrapping_div(z.abs().wrapping_add(ONE)) },
        |d, y| { let rest = ONE - y.abs(); d.wrapping_mul(rest.wrapping_mul(rest) >> 10) };
    [] Elu: Some((18, 12)),
        |z| if z > 0 { clip(z) } else { below_zero(z) },
        |d, y| d.wrapping_mul(if y > 0 { ONE } else { ONE + y });
    // With the factors 1.0507 and 1.7581.
    [] Selu: Some((17, 12)),
        |z| clip(if z > 0 { clip(z).wrapping_mul(4304) >> 12 } else { below_zero(z).wrapping_mul(7201) >> 12 }),
        |d, y| d.wrapping_mul(if y > 0 { 4304 } else { 7201 + y });
    [] Softplus: Some((15, 15)),
        |z| { let tail = rounded(ln((exp(z.abs().wrapping_neg()) as u32).wrapping_add(1 << 15)) as i32); clip(z).max(0).wrapping_add(tail).min(64 * ONE) },
        |d, y| d.wrapping_mul((1_i32 << 15).wrapping_sub(exp(y.wrapping_neg())));
}

/// An activation whose derivative is a function of the logit.
trait OfLogits {
    /// `f(z)` for logits of ±64 and more, not beyond ±64.
    fn apply(z: i32) -> i32;
    /// `f'(z)` with 12 fraction bits, below 2 in size.
    fn derivative(z: i32) -> i32;
}

#[inline(never)]
fn activate_all<A: OfLogits>(values: &mut [Q12]) {
    for value in values {
        *value = Q12::raw(A::apply(value.to_bits()));
        stay_rolled();
    }
}

#[inline(never)]
fn backpropagate_logits<A: OfLogits>(logits: &[Q12], delta: &mut [i32], scale: &mut Exponent) {
    align_to(17, delta, scale);
    scale.0 = scale.0.wrapping_add(12);
    for (d, z) in delta.iter_mut().zip(logits) {
        *d = d.wrapping_mul(A::derivative(z.to_bits()));
        stay_rolled();
    }
}

macro_rules! of_logits {
    ($($name:ident)+) => { $(
        impl<W: FixedWeight> Activation<Fixed<W>> for $name {
            const FINGERPRINT: u32 = <Self as Activation<f32>>::FINGERPRINT;
            type Kept<Y: Shape<Element = Q12>> = Y;

            #[inline]
            fn activate(values: &mut [Q12]) {
                activate_all::<Self>(values);
            }
            #[inline]
            fn backpropagate(_: &[Q12], logits: &[Q12], delta: &mut [i32], scale: &mut Exponent) {
                backpropagate_logits::<Self>(logits, delta, scale);
            }
        }
    )+ };
}
of_logits!(Gelu Silu HardSwish);

/// `z P(z)`, given the size of `z` and `P(-|z|)` with 16 fraction bits: the part of a positive one that is
/// missing, and all of a negative one.
#[inline(always)]
fn gated(z: i32, size: u32, tail: u32) -> i32 {
    let part = size.wrapping_mul(tail).wrapping_add(1 << 15) >> 16;
    z.max(0).wrapping_sub(part as i32)
}

/// A derivative of `z P(z)`, given that at `-|z|`: both have the sum 1.
#[inline(always)]
const fn mirrored(z: i32, below: i32) -> i32 {
    if z > 0 { ONE.wrapping_sub(below) } else { below }
}

impl OfLogits for Gelu {
    #[inline(always)]
    fn apply(z: i32) -> i32 {
        let z = clip(z);
        let size = z.unsigned_abs();
        gated(z, size, normal_tail(size))
    }
    #[inline(always)]
    fn derivative(z: i32) -> i32 {
        // P(z) + z p(z)
        let size = z.unsigned_abs().min(8 << 12);
        let product = size.wrapping_mul(normal_density(size)) >> 15;
        mirrored(z, ((normal_tail(size) >> 4) as i32).wrapping_sub(product as i32))
    }
}

impl OfLogits for Silu {
    #[inline(always)]
    fn apply(z: i32) -> i32 {
        let z = clip(z);
        let size = z.unsigned_abs();
        gated(z, size, sigmoid_tail(size))
    }
    #[inline(always)]
    fn derivative(z: i32) -> i32 {
        // s + z s (1 - s)
        let size = z.unsigned_abs().min(64 << 12);
        let tail = sigmoid_tail(size);
        let product = size.wrapping_mul(tail) >> 16;
        let tail = (tail >> 4) as i32;
        mirrored(z, tail.wrapping_sub((product as i32).wrapping_mul(ONE - tail) >> 12))
    }
}

impl OfLogits for HardSwish {
    #[inline(always)]
    fn apply(z: i32) -> i32 {
        if z <= -3 * ONE {
            0
        } else if z >= 3 * ONE {
            clip(z)
        } else {
            // z (z + 3) / 6: the product has 29 bits, 16 of them times a sixth with 18 fraction bits.
            let product = z.wrapping_mul(z + 3 * ONE).wrapping_add(1 << 12) >> 13;
            product.wrapping_mul(43_691).wrapping_add(1 << 16) >> 17
        }
    }
    #[inline(always)]
    fn derivative(z: i32) -> i32 {
        if z <= -3 * ONE {
            0
        } else if z >= 3 * ONE {
            ONE
        } else {
            // z / 3 + 1/2
            (z.wrapping_mul(5461) >> 14).wrapping_add(ONE / 2)
        }
    }
}

/// A value within ±64.
#[inline(always)]
fn clip(z: i32) -> i32 {
    z.clamp(Q12::MIN.to_bits(), Q12::MAX.to_bits())
}

/// From 15 fraction bits to 12.
#[inline(always)]
fn rounded(value: i32) -> i32 {
    value.wrapping_add(4) >> 3
}

/// `e^z - 1` for `z` of 0 or less.
#[inline]
fn below_zero(z: i32) -> i32 {
    rounded(exp(z)).wrapping_sub(ONE)
}

/// A number times the slope of a [`LeakyRelu`], for numbers of up to 19 bits; with so many fraction bits more.
#[inline(always)]
const fn slope<const N: u32, const D: u32>(value: i32, fraction: u32) -> i32 {
    // The slope as 4096 or less, with as many fraction bits as that takes, 28 at most.
    let (factor, bits) = const {
        assert!(D > 0, "the denominator must not be 0");
        assert!(N <= D, "in fixed point, the slope of a `LeakyRelu` is 1 at most");
        let mut bits = 12_u32;
        while bits < 28 && ((N as u64) << (bits + 1)) / D as u64 <= 1 << 12 {
            bits += 1;
        }
        #[allow(clippy::cast_possible_truncation, reason = "4096 at most")]
        let factor = (((N as u64) << bits) / D as u64) as i32;
        (factor, bits)
    };
    value.wrapping_mul(factor).wrapping_shr(bits.wrapping_sub(fraction))
}

impl<W: FixedWeight> Activation<Fixed<W>> for Softmax {
    const FINGERPRINT: u32 = <Self as Activation<f32>>::FINGERPRINT;
    const MIN_OUTPUTS: usize = 2;
    type Kept<Y: Shape<Element = Q12>> = ();

    #[inline]
    fn activate(values: &mut [Q12]) {
        Self::apply_fixed(Self::max_fixed(values), values);
    }

    #[inline]
    fn backpropagate(output: &[Q12], _: &[Q12], delta: &mut [i32], scale: &mut Exponent) {
        // `sum y d` is a mean, so it has as many bits as `d`.
        align_to(17, delta, scale);
        let mean = output
            .iter()
            .zip(&*delta)
            .fold(0_i32, |sum, (y, &d)| sum.wrapping_add(y.to_bits().wrapping_mul(d)))
            >> 12;
        for (d, y) in delta.iter_mut().zip(output) {
            *d = d.wrapping_sub(mean).wrapping_mul(y.to_bits());
        }
        scale.0 = scale.0.wrapping_add(12);
    }
}

impl Softmax {
    /// The largest logit.
    #[inline]
    pub(crate) fn max_fixed(logits: &[Q12]) -> i32 {
        logits.iter().fold(i32::MIN, |max, z| max.max(z.to_bits()))
    }

    /// Turns logits into probabilities, given the largest; returns `sum e^(z - max)` with 15 fraction bits.
    #[inline]
    pub(crate) fn apply_fixed(max: i32, values: &mut [Q12]) -> u32 {
        let mut sum = 0_u32;
        for value in &mut *values {
            let power = exp(value.to_bits().wrapping_sub(max));
            sum = sum.wrapping_add(power as u32);
            *value = Q12::raw(power);
        }
        // One division for all.
        let shift = sum.leading_zeros();
        let reciprocal = (1_u32 << 31).checked_div(sum.wrapping_shl(shift) >> 15).unwrap_or(0);
        for value in values {
            // Both have 16 bits at most.
            let y = (value.to_bits() as u32).wrapping_mul(reciprocal);
            *value = Q12::raw(round_shift(y, 34_u32.wrapping_sub(shift)) as i32);
        }
        sum
    }
}

/// `value * 2^-right`, rounded to nearest.
#[inline]
fn round_shift(value: u32, right: u32) -> u32 {
    (value.wrapping_shr(right.wrapping_sub(1)).wrapping_add(1)) >> 1
}
