//! Learning curves.

use ::heapless::Vec;

use crate::macros::default_is_new;
use crate::mean::DoubleWord;
use crate::scalar::Scalar;

/// The learning curve of a training run of any length, in at most `N` numbers.
///
/// Each number is the mean of [`stride`](Self::stride) consecutive losses: of one at first, and of
/// twice as many each time the curve is full. So `N / 2` to `N` numbers always span the whole run.
///
/// ```
/// use gradlet::stream::LossHistory;
///
/// let mut history = LossHistory::<4>::new();
/// for loss in [8.0, 6.0, 5.0, 3.0] {
///     history.observe(loss);
/// }
/// assert_eq!((history.means(), history.stride()), (&[8.0, 6.0, 5.0, 3.0][..], 1));
/// history.observe(2.0);
/// history.observe(1.0);
/// assert_eq!((history.means(), history.stride()), (&[7.0, 4.0, 1.5][..], 2));
/// ```
///
/// NaN and infinite losses make the mean that they are part of NaN or infinite. Room for fewer than
/// two numbers does not compile:
///
/// ```compile_fail,E0080
/// gradlet::stream::LossHistory::<1>::new();
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct LossHistory<const N: usize, T = f32> {
    means: Vec<T, N>,
    /// The stride is 2 to this power.
    doublings: u32,
    /// Mean of the losses that are in no number of the curve yet.
    mean: DoubleWord<T>,
    count: u32,
}

/// A number is the mean of up to 2^31 losses.
const MOST_DOUBLINGS: u32 = 31;

impl<const N: usize, T: Scalar> LossHistory<N, T> {
    /// No losses yet.
    #[must_use]
    pub const fn new() -> Self {
        const { assert!(N > 1, "a history needs room for two numbers: N must be 2 or more") };
        Self { means: Vec::new(), doublings: 0, mean: DoubleWord::ZERO, count: 0 }
    }

    /// Adds one loss, unless the curve is full: after `N` means of 2^31 losses each. Returns
    /// whether it was added.
    pub fn observe(&mut self, loss: T) -> bool {
        if self.means.is_full() && !self.halve() {
            return false;
        }
        self.count = self.count.saturating_add(1);
        self.mean.observe(loss, T::from_u32(self.count));
        if self.count >= self.stride() {
            // There is room, or `halve` has made some.
            let _ = self.means.push(self.mean.value());
            (self.mean, self.count) = (DoubleWord::ZERO, 0);
        }
        true
    }

    /// Replaces each pair of numbers by its mean; an odd last one becomes the start of the next
    /// mean. Returns `false`, and does nothing, at the longest stride.
    fn halve(&mut self) -> bool {
        if self.doublings == MOST_DOUBLINGS {
            return false;
        }
        let mut pairs = 0;
        for first in (0..N).step_by(2) {
            match (self.means.get(first), self.means.get(first.saturating_add(1))) {
                (Some(&a), Some(&b)) => {
                    if let Some(place) = self.means.get_mut(pairs) {
                        *place = a * T::HALF + b * T::HALF;
                    }
                    pairs = pairs.saturating_add(1);
                }
                (Some(&last), None) => {
                    self.mean.observe(last, T::ONE);
                    self.count = self.stride();
                }
                _ => {}
            }
        }
        self.means.truncate(pairs);
        self.doublings = self.doublings.saturating_add(1);
        true
    }

    /// The curve so far, without the last losses, up to `stride() - 1` of them.
    #[must_use]
    pub fn means(&self) -> &[T] {
        &self.means
    }

    /// How many losses each number is the mean of: a power of two, at most 2^31.
    #[must_use]
    pub const fn stride(&self) -> u32 {
        1_u32.wrapping_shl(self.doublings)
    }
}

default_is_new!([const N: usize, T: Scalar] LossHistory<N, T>);

#[cfg(test)]
#[allow(clippy::panic, reason = "tests may panic")]
mod tests {
    use super::*;

    /// A history of `N` means of this many losses each, two to the power of `doublings`.
    fn full<const N: usize>(doublings: u32, mean: f32) -> LossHistory<N> {
        let means = core::iter::repeat_n(mean, N).collect();
        LossHistory { means, doublings, ..LossHistory::new() }
    }

    #[test]
    fn histories_end_at_the_longest_stride() {
        let mut history = full::<3>(MOST_DOUBLINGS - 1, 1.0);
        assert_eq!(history.stride(), 1 << 30);
        // There is room once more.
        assert!(history.observe(1.0));
        assert_eq!(
            (history.means(), history.stride(), history.count),
            (&[1.0][..], 1 << 31, (1 << 30) + 1)
        );

        let mut history = full::<2>(MOST_DOUBLINGS, 1.0);
        assert!(!history.observe(2.0));
        assert_eq!((history.means(), history.stride()), (&[1.0, 1.0][..], 1 << 31));
    }

    #[test]
    fn long_strides_lose_no_digits() {
        // 2^24 losses of 0.1 are in a mean, then as many of 0.2: a plain sum would
        // give 0.25.
        let mut history = full::<3>(24, 0.1);
        for _ in 0..1 << 24 {
            assert!(history.observe(0.2));
        }
        let [first, second] = history.means() else { panic!("{history:?}") };
        assert!((first - 0.1).abs() < 1e-7 && (second - 0.15).abs() < 1e-6, "{history:?}");
    }

    #[test]
    fn means_of_the_largest_losses_are_right() {
        let mut history = LossHistory::<2>::new();
        for k in 0..16 {
            assert!(history.observe(if k < 8 { 3e38 } else { -3e38 }));
        }
        assert_eq!(history.means(), &[3e38, -3e38]);
    }
}
