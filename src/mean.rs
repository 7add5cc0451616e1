//! Running means and variances that stay accurate over billions of samples.
//!
//! A running mean moves by `(x - mean) / count`. After some ten million samples that is less than
//! half a unit in the last place of the mean, and a single float no longer changes. So each mean
//! here is a double-word number, the unevaluated sum of two floats of the same type (Dekker,
//! Numerische Mathematik 18, 1971), with about twice the digits: over 2^32 samples its relative
//! error is at most `2^-17`. There is no sum that could overflow where the mean does not.
//!
//! Sums of fixed-point numbers have no such error, but their means are rounded: there the second number is what is
//! left of the sum, so that the mean is exact.
//!
//! Every operation is one of `T`, in a fixed order, so the bits are the same on every target.

use core::num::NonZeroU32;

use crate::number::Number;

/// A double-word number, with about twice the digits of `T`, for sums and means of many numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) struct DoubleWord<T> {
    /// The value, rounded to `T`.
    high: T,
    /// The rounding error, at most half a unit in the last place of `high`; of a mean of fixed-point numbers
    /// `count` times as much.
    low: T,
}

impl<T: Number> DoubleWord<T> {
    pub(crate) const ZERO: Self = Self { high: T::ZERO, low: T::ZERO };

    /// The value, rounded to `T`; NaN once it was NaN or infinite.
    pub(crate) fn value(&self) -> T {
        // Changes nothing but an infinity, whose `low` is NaN.
        self.high + self.error()
    }

    /// The rounding error, below the precision of fixed point.
    #[inline(always)]
    const fn error(&self) -> T {
        if T::IS_INTEGER { T::ZERO } else { self.low }
    }

    /// Adds `step`.
    #[inline]
    pub(crate) fn add(&mut self, step: T) {
        let step = step + self.low;
        let high = self.high + step;
        self.low = step - (high - self.high);
        self.high = high;
    }

    /// For a mean: adds the number that makes them `count`, and returns its difference from the
    /// previous mean.
    ///
    /// Where `count` no longer grows, the weights of older numbers decay exponentially.
    pub(crate) fn observe(&mut self, x: T, count: T) -> T {
        if !T::IS_INTEGER {
            return self.observe_weighted(x, T::ONE, count);
        }
        let distance = x - self.high;
        let (step, rest) = (distance + self.low).divided(count);
        (self.high, self.low) = (self.high + step, rest);
        distance
    }

    /// For a weighted mean: adds the number whose weight makes the sum of the weights `sum`, and
    /// returns its difference from the previous mean.
    #[inline(always)]
    pub(crate) fn observe_weighted(&mut self, x: T, weight: T, sum: T) -> T {
        let distance = self.distance(x);
        let product = weight * distance;
        self.add(if product.is_finite() {
            product / sum
        } else {
            // The difference of finite numbers may overflow, its part of the mean does not.
            weight * (x / sum - self.high / sum)
        });
        distance
    }

    #[cfg(all(test, feature = "nalgebra-v0.35"))]
    pub(crate) fn scale(&mut self, power_of_two: T) {
        (self.high, self.low) = (self.high * power_of_two, self.low * power_of_two);
    }

    /// `x` minus this number.
    pub(crate) fn distance(&self, x: T) -> T {
        (x - self.high) - self.error()
    }
}

/// A running mean and variance.
///
/// Welford's update (Technometrics 4, 1962), in the form of West (Communications of the ACM 22,
/// 1979) and Finch (Incremental calculation of weighted mean and variance, 2009), which holds for
/// exponential weights too:
/// ```text
/// mean'     = mean + (x - mean) / count
/// variance' = variance + ((x - mean) (x - mean') - variance) / count
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) struct Moments<T> {
    pub(crate) mean: DoubleWord<T>,
    pub(crate) variance: DoubleWord<T>,
}

impl<T: Number> Moments<T> {
    pub(crate) const ZERO: Self = Self { mean: DoubleWord::ZERO, variance: DoubleWord::ZERO };

    /// Whether the squared difference between `x` and any other such number is finite.
    pub(crate) fn is_in_range(x: T) -> bool {
        let double = x + x;
        (double * double).is_finite()
    }

    /// Adds the number that makes them `count`.
    pub(crate) fn observe(&mut self, x: T, count: T) {
        let from_old = self.mean.observe(x, count);
        self.variance.observe(from_old * self.mean.distance(x), count);
    }
}

/// The number of samples, and how many of them are remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) struct Count {
    samples: u32,
    /// How many are remembered; `None` for all.
    memory: Option<NonZeroU32>,
}

impl Count {
    pub(crate) const ZERO: Self = Self { samples: 0, memory: None };

    /// Of which the last `MEMORY` are remembered.
    pub(crate) const fn with_memory<const MEMORY: u32>() -> Self {
        const { assert!(MEMORY >= 2, "memory too short for a variance: MEMORY must be 2 or more") };
        Self { samples: 0, memory: NonZeroU32::new(MEMORY) }
    }

    /// Counts one more; returns the number to divide by.
    pub(crate) fn next<T: Number>(&mut self) -> T {
        self.add();
        T::from_u32(self.samples.min(self.memory()))
    }

    /// Counts one more.
    pub(crate) const fn add(&mut self) {
        self.samples = self.samples.saturating_add(1);
    }

    /// The maximum number that is remembered.
    pub(crate) const fn memory(&self) -> u32 {
        match self.memory {
            Some(memory) => memory.get(),
            None => u32::MAX,
        }
    }

    pub(crate) const fn samples(&self) -> u32 {
        self.samples
    }
}

#[cfg(test)]
#[allow(clippy::cast_precision_loss, clippy::arithmetic_side_effects, reason = "tests may panic")]
mod tests {
    use super::*;

    /// A statistic after a long time: `samples` of this mean and variance.
    fn after(samples: u32, mean: f32, variance: f32) -> (Count, Moments<f32>) {
        let settled = |high| DoubleWord { high, low: 0.0 };
        let moments = Moments { mean: settled(mean), variance: settled(variance) };
        (Count { samples, ..Count::ZERO }, moments)
    }

    /// Uniform in `mean - 1..mean + 1`: 2^24 numbers, each once, out of order.
    fn numbers(mean: f32) -> impl Iterator<Item = f32> {
        let disorder = |k: u32| (k.wrapping_mul(0x009e_3779) ^ (k >> 7)) & 0x00ff_ffff;
        (0..1 << 24).map(move |k| mean - 1.0 + 2.0 * (disorder(k) as f32 / 16_777_216.0))
    }

    #[test]
    fn a_change_after_billions_of_samples_is_seen() {
        // A mean of 0 and a deviation of nearly none so far, then 2^24 samples.
        for (samples, mean) in
            [(1_u32 << 28, 1e4_f32), (1 << 31, 0.0), (u32::MAX - (1 << 24), 20.0)]
        {
            let (mut count, mut moments) = after(samples, mean, 0.0);
            let (mut sum, mut squares) = (0.0_f64, 0.0_f64);
            for x in numbers(mean) {
                moments.observe(x, count.next());
                let distance = f64::from(x) - f64::from(mean);
                (sum, squares) = (sum + distance, squares + distance * distance);
            }
            let n = f64::from(count.samples());
            let shift = sum / n;
            let (mean, variance) = (f64::from(mean) + shift, squares / n - shift * shift);
            let got = f64::from(moments.variance.value());
            assert!((got / variance - 1.0).abs() < 1e-5, "{samples} {mean}: {got} {variance}");
            let got = f64::from(moments.mean.high) + f64::from(moments.mean.low);
            assert!((got - mean).abs() <= 1e-5 * mean.abs() + 1e-7, "{samples}: {got} {mean}");
        }
    }

    #[test]
    fn counts_end_and_means_follow() {
        // One more than can be counted: from then on the oldest count for less.
        let (mut count, mut moments) = after(u32::MAX, 1.0, 0.0);
        for _ in 0..1 << 24 {
            moments.observe(2.0, count.next());
        }
        assert_eq!(count.samples(), u32::MAX);
        // 1 - e^-(1/256)
        let moved = f64::from(moments.mean.high) + f64::from(moments.mean.low) - 1.0;
        assert!((moved - 0.003_898_6).abs() < 1e-6, "{moved}");
    }
}
