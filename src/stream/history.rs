//! Learning curves.

use ::heapless::Vec;

use crate::macros::default_is_new;
use crate::mean::DoubleWord;
use crate::scalar::Scalar;

/// The learning curve of a training of any length in at most `N` numbers.
///
/// Each number is the mean of [`stride`](Self::stride) losses in a row: of one at first, and of
/// twice as many whenever there is no more room. So between `N / 2` and `N` numbers always span all
/// of the training.
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
/// NaN and infinite losses show up in the mean that they are part of. Fewer than two numbers do not
/// compile:
///
/// ```compile_fail,E0080
/// gradlet::stream::LossHistory::<1>::new();
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct LossHistory<const N: usize, T = f32> {
    means: Vec<T, N>,
    /// The stride is two to this power.
    doublings: u32,
    /// Of the losses that are in no mean yet.
    mean: DoubleWord<T>,
    count: u32,
}

/// A mean is of up to 2^31 losses.
const MOST_DOUBLINGS: u32 = 31;

impl<const N: usize, T: Scalar> LossHistory<N, T> {
    /// No loss yet.
    #[must_use]
    pub const fn new() -> Self {
        const { assert!(N > 1, "a history has at least two numbers: N must not be 0 or 1") };
        Self { means: Vec::new(), doublings: 0, mean: DoubleWord::ZERO, count: 0 }
    }

    /// Takes in one loss, unless there is no room: after `N` means of 2^31 losses. Says whether it
    /// did.
    pub fn observe(&mut self, loss: T) -> bool {
        if self.means.is_full() && !self.halve() {
            return false;
        }
        self.count = self.count.saturating_add(1);
        self.mean.observe(loss, T::from_u32(self.count));
        if self.count >= self.stride() {
            // There is room, or it would have been made.
            let _ = self.means.push(self.mean.value());
            (self.mean, self.count) = (DoubleWord::ZERO, 0);
        }
        true
    }

    /// Puts the mean of two numbers in the place of each pair; an odd last one becomes the begin of
    /// the next mean. Not beyond the longest stride: says whether it did.
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

    /// The curve so far, without up to `stride() - 1` last losses.
    #[must_use]
    pub fn means(&self) -> &[T] {
        &self.means
    }

    /// How many losses each number is the mean of: a power of two, 2^31 at most.
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
        // 2^24 losses of 0.1 are in a mean, then as many of 0.2: a plain sum would take 0.25 for
        // them.
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
