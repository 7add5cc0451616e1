//! Fixed-point numbers as a number format.

mod arithmetic;
mod descent;
mod range;

pub use arithmetic::FixedFactor;
pub use descent::{FixedStep, Headroom};

use descent::saturating_shift;

use super::{Format, FormatValue, PoolFormat, SlopeFormat};
use core::marker::PhantomData;

use crate::fingerprint::fingerprint;
use crate::kernel::{chunks, fixed as kernel, stay_rolled};
use crate::number::sealed::Sealed as _;
use crate::number::{FixedWeight, Number as _, Q12, Q26, Q32};
use crate::zero::Zero;

/// 32-bit fixed point: a network of integers, for cores without an FPU. On a Cortex-M0, a training step of
/// 64-32-10 takes a twenty-sixth of the instructions of `f32` at opt-level `s`, one of 2-2-2 a ninth (the page of the firmware
/// examples has the figures and the command that counts them).
///
/// `net![Fixed; ..]` is such a network. Inputs, outputs and targets are [`Q12`], from -64 to 64; weights are
/// [`Q26`], below 32 in size; losses and learning rates are [`Q32`]. Nothing is a float, and no floating-point
/// subroutine is linked.
///
/// ```
/// use gradlet::prelude::*;
///
/// type Net = net![Fixed; 2 => 2 Sigmoid => 2 Sigmoid];
/// let mut net = Net::new(
///     Dense::from_rows([Q26::array([0.1, 0.2]), Q26::array([0.3, 0.4])], Q26::array([0.55, 0.56])),
///     Dense::from_rows([Q26::array([0.5, 0.6]), Q26::array([0.7, 0.8])], Q26::array([0.66, 0.67])),
/// );
/// let mut trainer = Trainer::<Net, HalfSquaredError>::new();
/// let (x, t) = (Q12::array([0.1, 0.2]), Q12::array([0.01, 0.99]));
/// for _ in 0..1000 {
///     trainer.step(&mut net, &Sgd::new(Q32::new(0.5)), &x, &t);
/// }
/// assert!(trainer.evaluate(&net, &x, &t) < Q32::new(0.001));
/// ```
///
/// # What there is
///
/// Dense layers, convolutions ([`Conv1d`](crate::Conv1d), [`Conv2d`](crate::Conv2d)) with all options, all poolings,
/// [`Flatten`](crate::Flatten), [`FlattenChannelsLast`](crate::FlattenChannelsLast),
/// [`LastStep`](crate::LastStep), [`PRelu`](crate::PRelu) and [`Dropout`](crate::Dropout); the activations [`Identity`](crate::Identity), [`Relu`](crate::Relu), [`Relu6`](crate::Relu6),
/// [`LeakyRelu`](crate::LeakyRelu), [`HardTanh`](crate::HardTanh), [`HardSigmoid`](crate::HardSigmoid),
/// [`Sigmoid`](crate::Sigmoid), [`Tanh`](crate::Tanh), [`Softsign`](crate::Softsign), [`Elu`](crate::Elu),
/// [`Selu`](crate::Selu), [`Softplus`](crate::Softplus), [`Gelu`](crate::Gelu), [`Silu`](crate::Silu),
/// [`HardSwish`](crate::HardSwish) and [`Softmax`](crate::Softmax); the losses
/// [`HalfSquaredError`](crate::HalfSquaredError), [`MeanSquaredError`](crate::MeanSquaredError),
/// [`AbsoluteError`](crate::AbsoluteError), [`Huber`](crate::Huber), [`LogCosh`](crate::LogCosh),
/// [`Pinball`](crate::Pinball), [`BinaryCrossEntropy`](crate::BinaryCrossEntropy),
/// [`CrossEntropy`](crate::CrossEntropy) and [`Focal`](crate::Focal); every optimizer, one sample at a time or in
/// batches; [`Frozen`](crate::Frozen), [`Streaming`](crate::Streaming), `fit`, early stopping, metrics, flash, frames,
/// files and schedules. Other layers, activations and losses do not compile with it, nor does `|`, which fuses a
/// convolution with a pooling. [`convert`](mod@crate::convert) has networks of floats in fixed point, and back.
///
/// # Arithmetic
///
/// A product takes the upper 16 bits of a weight, with 10 fraction bits; the lower 16 are there so that small
/// steps add up. Sums have 22 fraction bits in 32 bits. The derivatives of a layer are integers of up to 12 bits
/// with one common exponent, so small ones do not vanish and large ones do not overflow. The derivative by a weight
/// of a convolution is one sum over all positions, which stops at its limit, and the weight is updated once; so is that
/// by a slope of [`PRelu`](crate::PRelu). A mean is rounded to nearest. A learning rate is cut off to 8 significant
/// bits, so it is up to 0.8 % smaller; below 6e-8 it is 0, and 255 at most.
///
/// Optimizers but [`Sgd`](crate::Sgd) see derivatives and keep their state as [`Q26`]: those beyond ±32 end there.
/// The means of squares have 26 significant bits and an exponent of their own, from 2^-51 to 4096; steps of
/// [`Adagrad`](crate::Adagrad), [`RmsProp`](crate::RmsProp), [`Adam`](crate::Adam) and [`AdamW`](crate::AdamW) are
/// within 0.1 % of those of floats. On a core without an FPU they take many times the instructions of `Sgd`:
/// [`Momentum`](crate::Momentum) about 150 for each weight, [`Adam`](crate::Adam) about 1,000.
///
/// The largest errors of activations, over all inputs, in units of an output, 1/4096 (the nearest number would
/// be within 0.5): [`Sigmoid`](crate::Sigmoid), [`HardSigmoid`](crate::HardSigmoid), [`Elu`](crate::Elu),
/// [`Softsign`](crate::Softsign), [`Softplus`](crate::Softplus), [`Gelu`](crate::Gelu) and
/// [`HardSwish`](crate::HardSwish) 1, [`Tanh`](crate::Tanh), [`LeakyRelu`](crate::LeakyRelu) and
/// [`Silu`](crate::Silu) 1.5, [`Selu`](crate::Selu), whose factors are rounded, 26 at the end of the range.
/// Cross-entropies are within 3e-4, and at most 64 and the logarithm of the number of classes;
/// [`Focal`](crate::Focal) and [`Pinball`](crate::Pinball) say how exact they are.
///
/// # Range
///
/// A weight stops at ±32. There it counts as not finite: [`fit`](crate::Trainer::fit) ends with
/// [`Outcome::Diverged`](crate::Outcome::Diverged), and it is not saved. A trainer notices by the first weight of the
/// last layer that others were loaded: if only others were changed, take a new trainer. A step with a sum `W x + b`
/// beyond ±256 changes nothing and returns NaN; `fit` ends with
/// [`Outcome::NotFinite`](crate::Outcome::NotFinite).
///
/// Sums wrap around at ±512, but none goes unnoticed in a step or in [`evaluate`](crate::Trainer::evaluate). While
/// the sizes of a layer's inputs sum to less than 23, none can wrap, and looking takes 2 % of a step; if they do not,
/// the largest weight decides, which takes up to a quarter more, and then the sums in 64 bits. A
/// convolution is refused, too, where the largest input times the sizes of the weights of an output is 736 or more.
/// Sums of derivatives cannot wrap around: these have fewer bits where there are many (up to 65,535 units). A mean of more than 8,191 values
/// is cut off where their sum leaves 32 bits. Inference alone, by [`forward`](crate::Layer::forward), does not look.
///
/// # In half the memory
///
/// `net![Fixed<Q10>; ..]` keeps 16 bits of each weight ([`Q10`](crate::Q10)). A step adds an evenly spread sequence to
/// what it rounds, so that small steps count: it takes up to 1.7 times the instructions. Inference has the bits of [`Q26`]
/// with the same upper halves. There is [`Sgd`](crate::Sgd) with one sample at a time; a
/// [`BatchTrainer`](crate::BatchTrainer) or another optimizer does not compile, as 16 bits have no room for sums.
/// [`GlobalMean`](crate::GlobalMean), [`GlobalMax`](crate::GlobalMax), [`Flatten`](crate::Flatten),
/// [`LastStep`](crate::LastStep), [`PRelu`](crate::PRelu) and [`Dropout`](crate::Dropout) are for `Q26` alone.
///
/// ```
/// use gradlet::{Q10, prelude::*};
///
/// type Net = net![Fixed<Q10>; 64 => 32 Sigmoid => 10 Sigmoid];
/// assert!(Net::BYTES + Trainer::<Net, HalfSquaredError>::BYTES <= 5224); // in place of 9996
/// ```
///
/// ```compile_fail,E0080
/// # use gradlet::{Q10, prelude::*};
/// # type Net = net![Fixed<Q10>; 1 => 1 Identity];
/// let mut batch = BatchTrainer::<Net, HalfSquaredError>::new();
/// batch.accumulate(&Net::ZERO, &[Q12::ONE], &[Q12::ONE]); // 16 bits have no room for its gradient
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Fixed<W = Q26>(PhantomData<W>);

/// The scale of a layer's derivatives in fixed point: they are integers times `2^-exponent`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Exponent(pub i32);

impl Zero for Exponent {
    const ZERO: Self = Self(0);
}

/// A number of 0 or more as an integer of so many bits, and how many fraction bits that has: with 24
/// fraction bits, and up to 256.
#[inline]
fn factor<const BITS: u32>(number: Q32) -> (i32, i32) {
    let bits = u32::try_from(number.to_bits() >> 8).unwrap_or(u32::MAX);
    let zeros = bits.leading_zeros();
    let down = 32_u32.wrapping_sub(BITS);
    let fraction = zeros.wrapping_add(24).wrapping_sub(down);
    (((bits.wrapping_shl(zeros).wrapping_shr(down)) as i32), (fraction as i32))
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
    (number ^ (number >> 31)) as u32
}

/// Brings the largest of the derivatives to so many bits; less is rounded to nearest, so it may become the power
/// of two that has one bit more.
#[inline(never)]
pub(crate) fn align_to(bits: u32, deltas: &mut [i32], exponent: &mut Exponent) {
    // The size of -1 has no bits.
    let size = sizes(deltas, |d| d) | 1;
    let right = 32_u32.wrapping_sub(size.leading_zeros()).wrapping_sub(bits) as i32;
    exponent.0 = exponent.0.wrapping_sub(right);
    if right > 0 {
        let before = right.wrapping_sub(1) as u32;
        for d in deltas {
            *d = d.wrapping_shr(before).wrapping_add(1) >> 1;
            stay_rolled();
        }
    } else {
        for d in deltas {
            *d = d.wrapping_shl(right.unsigned_abs());
            stay_rolled();
        }
    }
}

/// Gives derivatives fewer bits where the sum of the sizes of those of a position, with `units` each, is 2^16 or
/// more: times a weight, and summed up, they might leave 32 bits. At last they are 1 at most, which is few enough for
/// 65,535 units.
#[inline(never)]
fn leave_room(units: usize, deltas: &mut [i32], exponent: &mut Exponent) {
    let sum = |d: &[i32]| {
        d.iter().fold(0_u32, |sum, d| {
            stay_rolled();
            sum.wrapping_add(d.unsigned_abs())
        })
    };
    let most = chunks(deltas, units).map(sum).max().unwrap_or(0);
    let rounded_up = u32::try_from(units / 2).unwrap_or(u32::MAX);
    let fits = |right: &u32| (most >> right).saturating_add(rounded_up) < 1 << 16;
    let right = (0..DELTA_BITS).find(fits).unwrap_or(DELTA_BITS);
    if right > 0 {
        align_to(DELTA_BITS.wrapping_sub(right), deltas, exponent);
    }
}

/// Bits of the largest derivative of a layer.
const DELTA_BITS: u32 = 12;

impl<W: FixedWeight> Format for Fixed<W> {
    type Weight = W;
    type Value = Q12;
    type Sum = i32;
    type Scale = Exponent;
    type Real = Q32;
    type Step = FixedStep;
    type Descent = Headroom<W>;

    const FINGERPRINT: u32 = fingerprint("Fixed", W::SIZES);
    const BIAS_INPUT: Q12 = Q12::ONE;
    const STORED: Exponent = Exponent(26);

    #[inline(always)]
    fn empty() -> i32 {
        0
    }
    #[inline(always)]
    fn add_product(sum: i32, w: W, x: Q12) -> i32 {
        kernel::add_product(sum, w, x.to_bits())
    }
    #[inline(always)]
    fn add_bias(sum: i32, bias: W) -> Q12 {
        Q12::raw(sum.wrapping_add(bias.wide() >> 4) >> 10)
    }
    #[inline(always)]
    fn add_back(sum: i32, w: W, d: i32) -> i32 {
        kernel::add_product(sum, w, d)
    }
    #[inline(always)]
    fn product(x: Q12, d: i32) -> i32 {
        x.to_bits().wrapping_mul(d) >> 6
    }
    /// A product has 24 bits.
    #[inline(always)]
    fn add_outer(sum: i32, x: Q12, d: i32) -> i32 {
        sum.wrapping_add(Self::product(x, d))
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
    fn align(deltas: &mut [i32], units: usize, scale: &mut Exponent) {
        align_to(DELTA_BITS, deltas, scale);
        if units > 15 {
            leave_room(units, deltas, scale);
        }
    }
    #[inline(never)]
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
    fn learn(w: W, g: i32, x: Q12, step: FixedStep) -> W {
        let mut dither = Zero::ZERO;
        step.learn(w, g, x.to_bits(), &mut dither)
    }
    #[inline(always)]
    fn descend(w: W, g: i32, step: FixedStep, memory: &mut Headroom<W>) -> W {
        // The factor has 8 bits, a product 32. It has 5 fraction bits more than that of a derivative and a
        // value of 1 that `learn` takes.
        let shift = step.shift.wrapping_sub(5);
        let (g, shift) =
            if (g ^ (g >> 31)) >> 23 == 0 { (g, shift) } else { (g >> 8, shift.wrapping_sub(8)) };
        FixedStep { shift, ..step }.learn(w, g, step.factor, &mut memory.dither)
    }
    #[inline]
    fn real(value: Q12) -> Q32 {
        Q32::from_bits(i64::from(value.to_bits()) << 20)
    }
    #[inline]
    fn check<const IN: usize, const OUT: usize>(
        weights: &[[W; OUT]; IN],
        bias: &[W; OUT],
        x: &[Q12; IN],
        logits: &[Q12; OUT],
    ) -> Q32 {
        let weights = weights.as_flattened();
        let fits =
            range::cannot_wrap(weights, range::sum_of_sizes(x)) || range::fit(weights, bias, x);
        Self::check_all(logits).or_nan(fits)
    }
    #[inline]
    fn check_windows<const OUT: usize>(weights: &[[W; OUT]], x: &[Q12], logits: &[Q12]) -> Q32 {
        Self::check_all(logits).or_nan(range::fit_windows(weights.as_flattened(), OUT, x))
    }
    #[inline]
    fn check_all(logits: &[Q12]) -> Q32 {
        Q32::ZERO.or_nan(sizes(logits, Q12::to_bits) >> 20 == 0)
    }
    #[inline]
    fn worse(a: Q32, b: Q32) -> Q32 {
        a.or_nan(b.is_finite())
    }
    #[inline]
    fn is_finite(weight: W) -> bool {
        !weight.is_at_limit()
    }
    #[inline]
    fn errors(outputs: &[Q12], targets: &[Q12], deltas: &mut [i32], scale: &mut Exponent) {
        for ((d, y), t) in deltas.iter_mut().zip(outputs).zip(targets) {
            *d = y.to_bits().wrapping_sub(t.to_bits());
        }
        *scale = Exponent(12);
    }
    #[inline(never)]
    fn half_squared_error(outputs: &[Q12], targets: &[Q12]) -> Q32 {
        let mut sum = 0_u64;
        for (y, t) in outputs.iter().zip(targets) {
            let error = y.to_bits().wrapping_sub(t.to_bits()).unsigned_abs();
            sum = sum.wrapping_add(square(error));
            stay_rolled();
        }
        // With 24 fraction bits, and half of it.
        Q32::from_bits((sum << 7) as i64)
    }

    #[inline(always)]
    fn affine<const IN: usize, const OUT: usize, const K: usize>(
        weights: &[[W; OUT]; IN],
        bias: &[W; OUT],
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
        weights: &[[W; OUT]; IN],
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
        weights: &mut [[W; OUT]; IN],
        bias: &mut [W; OUT],
        x: &[Q12; IN],
        d: &[i32; OUT],
        scale: Exponent,
        rate: Q32,
        headroom: &mut Headroom<W>,
    ) {
        headroom.update(weights, bias, x, d, Self::step(rate, scale));
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
    fn add_gradient(sum: W, g: i32, Exponent(exponent): Exponent) -> W {
        const {
            assert!(
                W::HOLDS_GRADIENTS,
                "16 bits have no room for the gradient of a batch: use `Trainer`, or `Fixed` with `Q26`"
            );
        }
        let g = saturating_shift(g, exponent.wrapping_sub(26));
        let mut dither = Zero::ZERO;
        W::narrow_any(sum.wide().saturating_add(g), &mut dither)
    }
    #[inline(always)]
    fn stored_one(gradient: W) -> i32 {
        gradient.wide()
    }

    #[inline]
    fn settle(headroom: &mut Headroom<W>, visit: impl FnOnce(&mut dyn FnMut(&[W]))) {
        headroom.settle(visit);
    }
}

/// Of 1/`count`: an integer of 15 bits, and how many fraction bits it has.
#[inline(always)]
#[allow(clippy::cast_possible_truncation, reason = "at most 2^15")]
const fn share(count: u32) -> (i32, u32) {
    let fraction = 46_u32.wrapping_sub(count.saturating_sub(1).leading_zeros());
    let half = (count / 2) as u64;
    match 1_u64.wrapping_shl(fraction).wrapping_add(half).checked_div(count as u64) {
        Some(share) => (share as i32, fraction),
        None => (0, 0),
    }
}

impl<W: FixedWeight> PoolFormat for Fixed<W> {
    #[inline(always)]
    fn lowest() -> Q12 {
        Q12::MIN
    }
    #[inline(always)]
    fn larger(a: Q12, b: Q12) -> Q12 {
        a.max(b)
    }
    #[inline(always)]
    fn plus(sum: Q12, x: Q12) -> Q12 {
        Q12::raw(sum.to_bits().saturating_add(x.to_bits()))
    }
    /// Rounded to nearest, up if it is in the middle.
    #[inline(always)]
    fn mean(sum: Q12, count: u32) -> Q12 {
        let count = count as i32;
        let sum = sum.to_bits().saturating_add(count >> 1);
        // `checked_div_euclid` has a branch that panics, at level z.
        let quotient = sum.checked_div(count).unwrap_or(0);
        let is_below = sum.checked_rem(count).is_some_and(i32::is_negative);
        Q12::raw(quotient.wrapping_sub(is_below.into()))
    }
    #[inline(always)]
    fn share(d: i32, count: u32) -> i32 {
        d.wrapping_mul(share(count).0)
    }
    #[inline(always)]
    fn share_scale(Exponent(exponent): Exponent, count: u32) -> Exponent {
        Exponent(exponent.wrapping_add(share(count).1 as i32))
    }
}

impl SlopeFormat for Fixed {
    const INITIAL_SLOPE: Q26 = Q26::new(0.25);
    fn ratio(numerator: u32, denominator: u32) -> Q26 {
        let bits = u64::from(numerator).wrapping_shl(26).checked_div(denominator.into());
        Q26::from_bits(i32::try_from(bits.unwrap_or(0)).unwrap_or(i32::MAX))
    }
    #[inline(always)]
    fn slope(a: Q26, x: Q12) -> Q12 {
        // In two products, as one leaves 32 bits.
        let (a, x) = (a.to_bits() >> 16, x.to_bits());
        let upper = a.wrapping_mul(x >> 9);
        let lower = a.wrapping_mul(x & 0x1ff);
        Q12::raw(upper.wrapping_add(lower >> 9) >> 1)
    }
    #[inline(always)]
    fn unchanged(d: i32) -> i32 {
        d.wrapping_shl(10)
    }
}

impl FormatValue for Q12 {
    type Format = Fixed;
}

/// The square of a number of 20 bits at most, in products of 32 bits.
#[inline]
fn square(size: u32) -> u64 {
    if size >> 16 == 0 {
        return size.wrapping_mul(size).into();
    }
    let (upper, lower) = (size >> 10, size & 0x3ff);
    let twice = upper.wrapping_mul(lower).wrapping_mul(2);
    (u64::from(upper.wrapping_mul(upper)) << 20)
        .wrapping_add(u64::from(twice) << 10)
        .wrapping_add(lower.wrapping_mul(lower).into())
}
