//! `f32` and `f64` as number formats.

use super::{Arithmetic, Format, FormatValue, Nearest, PoolFormat, SlopeFormat};
use crate::kernel::geometry::Sizes;
use crate::kernel::windows::{self, Gradient};
use crate::kernel::{self, each};
use crate::scalar::Scalar;

impl<T: Scalar> Format for T {
    type Weight = T;
    type Value = T;
    type Sum = T;
    type Scale = ();
    type Real = T;
    type Step = T;
    type Descent = ();

    #[allow(clippy::cast_possible_truncation, reason = "4 or 8")]
    const FINGERPRINT: u32 = size_of::<T>() as u32;
    const BIAS_INPUT: T = T::ONE;
    const STORED: () = ();

    #[inline(always)]
    fn empty() -> T {
        -T::ZERO
    }
    #[inline(always)]
    fn add_product(sum: T, w: T, x: T) -> T {
        sum + w * x
    }
    #[inline(always)]
    fn add_bias(sum: T, bias: T) -> T {
        sum + bias
    }
    #[inline(always)]
    fn add_back(sum: T, w: T, d: T) -> T {
        sum + w * d
    }
    #[inline(always)]
    fn product(x: T, d: T) -> T {
        x * d
    }
    #[inline(always)]
    fn product_scale((): ()) {}
    #[inline(always)]
    fn add(a: T, b: T) -> T {
        a + b
    }
    #[inline(always)]
    fn back_scale((): ()) {}
    #[inline(always)]
    fn align(_: &mut [T], _: usize, (): &mut ()) {}
    #[inline(always)]
    fn step(rate: T, (): ()) -> T {
        -rate
    }
    #[inline(always)]
    fn scaled(d: T, step: T) -> T {
        step * d
    }
    #[inline(always)]
    fn learn(w: T, g: T, x: T, _: T) -> T {
        w + x * g
    }
    #[inline(always)]
    fn descend(w: T, g: T, step: T, (): &mut ()) -> T {
        w + step * g
    }
    #[inline(always)]
    fn real(value: T) -> T {
        value
    }
    /// One of them: every logit of a dense layer depends on every input.
    #[inline(always)]
    fn check<const IN: usize, const OUT: usize>(
        _: &[[T; OUT]; IN],
        _: &[T; OUT],
        _: &[T; IN],
        logits: &[T; OUT],
    ) -> T {
        logits.first().copied().unwrap_or(T::ONE)
    }
    /// NaN passes on from layer to layer.
    #[inline(always)]
    fn worse(a: T, _: T) -> T {
        a
    }
    #[inline(always)]
    fn is_finite(weight: T) -> bool {
        weight.is_finite()
    }
    #[inline(always)]
    fn errors(outputs: &[T], targets: &[T], deltas: &mut [T], (): &mut ()) {
        each(outputs.len(), deltas.iter_mut().zip(outputs), targets, |(d, &y), &t| *d = y - t);
    }
    #[inline(always)]
    fn half_squared_error(outputs: &[T], targets: &[T]) -> T {
        let mut sum = T::ZERO;
        each(outputs.len(), outputs.iter(), targets, |&y, &t| {
            let e = y - t;
            sum += e * e;
        });
        T::HALF * sum
    }

    #[inline(always)]
    fn affine<const IN: usize, const OUT: usize, const K: usize>(
        weights: &[[T; OUT]; IN],
        bias: &[T; OUT],
        x: [&[T; IN]; K],
        y: [&mut [T; OUT]; K],
    ) {
        kernel::affine(weights, bias, x, y);
    }
    #[inline(always)]
    fn input_gradient<const IN: usize, const OUT: usize, const K: usize>(
        weights: &[[T; OUT]; IN],
        d: [&[T; OUT]; K],
        dx: [&mut [T; IN]; K],
    ) {
        kernel::input_gradient(weights, d, dx);
    }
    #[inline(always)]
    fn update<const IN: usize, const OUT: usize>(
        weights: &mut [[T; OUT]; IN],
        bias: &mut [T; OUT],
        x: &[T; IN],
        d: &[T; OUT],
        (): (),
        rate: T,
        (): &mut (),
    ) {
        kernel::update(weights, bias, x, d, rate);
    }

    #[inline(always)]
    fn weigh(deltas: &mut [T], (): &mut (), weight: T) {
        for delta in deltas {
            *delta *= weight;
        }
    }
    #[inline(always)]
    fn add_gradient(sum: T, g: T, (): ()) -> T {
        sum + g
    }
    #[inline(always)]
    fn stored(gradient: &[T]) -> Option<&[T]> {
        Some(gradient)
    }
    #[inline(always)]
    fn stored_one(gradient: T) -> T {
        gradient
    }
    #[inline(always)]
    fn accumulate<const IN: usize, const OUT: usize>(
        weights: &mut [[T; OUT]; IN],
        bias: &mut [T; OUT],
        x: &[T; IN],
        d: &[T; OUT],
        (): (),
    ) {
        kernel::float::update(weights, bias, x, d, T::ONE);
    }
    #[inline(always)]
    fn accumulate_sum<'a, const IN: usize, const OUT: usize>(
        weights: &mut [[T; OUT]; IN],
        bias: &mut [T; OUT],
        pairs: impl Iterator<Item = (&'a [T; IN], &'a [T; OUT])> + Clone,
        (): (),
    ) {
        kernel::float::update_sum(weights, bias, pairs);
    }

    #[inline(always)]
    fn affine_of_windows<const OUT: usize>(
        sizes: impl Sizes,
        weights: &[[T; OUT]],
        bias: &[T; OUT],
        x: &[T],
        y: &mut [[T; OUT]],
    ) {
        windows::affine(sizes, weights, bias, x, y);
    }
    #[inline(always)]
    fn input_gradient_of_windows<const OUT: usize>(
        sizes: impl Sizes,
        weights: &[[T; OUT]],
        d: &[[T; OUT]],
        dx: &mut [T],
    ) {
        windows::input_gradient(sizes, weights, d, dx);
    }
    #[inline(always)]
    fn gradient_of_windows<const OUT: usize>(
        sizes: impl Sizes,
        x: &[T],
        d: &[[T; OUT]],
        to: &mut impl Gradient<T, OUT>,
    ) -> [T; OUT] {
        windows::gradient(sizes, x, d, to)
    }
}

impl<T: Scalar> PoolFormat for T {
    #[inline(always)]
    fn lowest() -> T {
        -T::INFINITY
    }
    #[inline(always)]
    #[allow(clippy::neg_cmp_op_on_partial_ord, reason = "NaN is neither less nor equal")]
    fn larger(a: T, b: T) -> T {
        if !(b <= a) {
            // A sum with NaN is NaN.
            if b > a { b } else { b + a }
        } else {
            a
        }
    }
    #[inline(always)]
    fn plus(sum: T, x: T) -> T {
        sum + x
    }
    #[inline(always)]
    fn mean(sum: T, count: u32) -> T {
        sum * (T::ONE / T::from_u32(count))
    }
    #[inline(always)]
    fn share(d: T, count: u32) -> T {
        d * (T::ONE / T::from_u32(count))
    }
    #[inline(always)]
    fn share_scale((): (), _: u32) {}
}

impl<T: Scalar> SlopeFormat for T {
    const INITIAL_SLOPE: T = T::QUARTER;
    #[inline]
    fn ratio(numerator: u32, denominator: u32) -> T {
        T::from_u32(numerator) / T::from_u32(denominator)
    }
    #[inline(always)]
    fn slope(a: T, x: T) -> T {
        a * x
    }
    #[inline(always)]
    fn unchanged(d: T) -> T {
        d
    }
}

impl<T: Scalar> FormatValue for T {
    type Format = T;
}

impl<T: Scalar> Nearest for T {
    #[inline(always)]
    fn nearest(number: T) -> T {
        number
    }
    #[inline(always)]
    fn number(weight: T) -> T {
        weight
    }
    #[inline(always)]
    fn value(number: T) -> T {
        number
    }
}

impl<T: Scalar> Arithmetic for T {
    type Factor = T;
    /// The fraction that is kept, and the rest.
    type Decay = (T, T);

    #[inline(always)]
    fn gradient(g: T, (): ()) -> T {
        g
    }
    #[inline(always)]
    fn factor(number: T) -> T {
        number
    }
    #[inline(always)]
    fn decay(kept: T) -> (T, T) {
        (kept, T::ONE - kept)
    }
    #[inline(always)]
    fn sum(a: T, b: T) -> T {
        a + b
    }
    #[inline(always)]
    fn difference(a: T, b: T) -> T {
        a - b
    }
    #[inline(always)]
    fn times(a: T, factor: T) -> T {
        factor * a
    }
    #[inline(always)]
    fn without(a: T, part: T) -> T {
        (T::ONE - part) * a
    }
    #[inline(always)]
    fn running_mean(mean: T, (kept, rest): (T, T), new: T) -> T {
        kept * mean + rest * new
    }
    #[inline(always)]
    fn add_square(square: T, new: T) -> T {
        square + new * new
    }
    #[inline(always)]
    fn mean_square(square: T, (kept, rest): (T, T), new: T) -> T {
        kept * square + rest * new * new
    }
    #[inline(always)]
    fn over_root(rate: T, a: T, square: T, epsilon: T) -> T {
        rate * a / (square.sqrt() + epsilon)
    }
    #[inline(always)]
    fn clip(a: T, limit: T) -> T {
        if a > limit {
            limit
        } else if a < -limit {
            -limit
        } else {
            a
        }
    }
    #[inline(always)]
    fn squared_length(values: &[T]) -> T {
        Self::add_squares(T::ZERO, values, ())
    }
    #[inline(always)]
    fn add_squares(sum: T, gradient: &[T], (): ()) -> T {
        // Number by number: how many come at once depends on the target.
        gradient.iter().fold(sum, |sum, &g| sum + g * g)
    }
}
