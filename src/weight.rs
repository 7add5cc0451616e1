//! Weights of samples: which are valid, their sum, and the weighted mean loss.

use crate::mean::DoubleWord;
use crate::number::Number;

/// The largest valid weight: 2^32 of them have a finite sum in `f32`.
const LARGEST: f64 = 1e28;

/// Whether a sample of this weight has an effect: whether it is valid, and not 0.
#[inline(always)]
pub(crate) fn has_effect<T: Number>(weight: T) -> bool {
    // The reciprocal of a subnormal number may be infinite.
    weight >= T::MIN_POSITIVE && weight <= T::from_f64(LARGEST)
}

/// Whether a weight is 0, or too small to have an effect.
#[inline(always)]
pub(crate) fn is_zero<T: Number>(weight: T) -> bool {
    weight.lies_below(T::MIN_POSITIVE)
}

/// Whether a weight is 0 or more, and not too large.
#[inline(always)]
pub(crate) fn is_valid<T: Number>(weight: T) -> bool {
    has_effect(weight) || is_zero(weight)
}

/// The number of samples that have an effect, and the sum of their weights.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) struct Weights<T> {
    count: u32,
    /// 0 while each weight is 1, so that samples without weights take no more than a count, which
    /// is exact. Other sums round as those of the gradients do.
    sum: T,
}

impl<T: Number> Weights<T> {
    pub(crate) const ZERO: Self = Self { count: 0, sum: T::ZERO };

    /// Adds the weight of a sample that has an effect.
    #[inline(always)]
    pub(crate) fn add(&mut self, weight: T) {
        if weight != T::ONE || self.sum > T::ZERO {
            self.sum = self.sum() + weight;
        }
        self.count = self.count.saturating_add(1);
    }

    pub(crate) const fn count(&self) -> u32 {
        self.count
    }

    /// The sum of the weights.
    #[inline(always)]
    pub(crate) fn sum(&self) -> T {
        if self.sum > T::ZERO { self.sum } else { T::from_u32(self.count) }
    }
}

/// The weighted mean of the losses of examples: `sum w L / sum w`.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) struct MeanLoss<T> {
    mean: DoubleWord<T>,
    weights: Weights<T>,
    examples: u32,
}

impl<T: Number> MeanLoss<T> {
    pub(crate) const ZERO: Self =
        Self { mean: DoubleWord::ZERO, weights: Weights::ZERO, examples: 0 };

    /// Adds the loss of an example, unless its weight is 0.
    #[inline]
    pub(crate) fn observe(&mut self, loss: T, weight: T) {
        self.examples = self.examples.saturating_add(1);
        if !is_zero(weight) {
            self.weights.add(weight);
            self.mean.observe_weighted(loss, weight, self.weights.sum());
        }
    }

    /// Number of examples, those of weight 0 included.
    pub(crate) const fn examples(&self) -> u32 {
        self.examples
    }

    /// The mean; `None` if no example had an effect.
    pub(crate) fn value(&self) -> Option<T> {
        (self.weights.count() > 0).then(|| self.mean.value())
    }
}
