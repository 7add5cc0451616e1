//! Evaluation metrics, computed as predictions come.
//!
//! Each metric is a small value that starts at zero, can be put in a `static`, and observes one
//! prediction at a time with its target. Without data its value is `None`. Counts saturate at
//! `u32::MAX`.
//!
//! ```
//! use gradlet::{metrics::Accuracy, prelude::*};
//!
//! let net = Dense::<1, 2, Softmax>::new([[-1.0, 1.0]], [0.0, 0.0]);
//! let examples = [([-2.0], [1.0, 0.0]), ([3.0], [0.0, 1.0]), ([0.5], [1.0, 0.0])];
//! let mut accuracy = Accuracy::new();
//! for (x, t) in &examples {
//!     accuracy.observe(&net.forward(x), t);
//! }
//! assert_eq!((accuracy.correct(), accuracy.count()), (2, 3));
//! ```

mod confusion;
mod numbers;
mod quantile;

pub use confusion::{ClassError, ConfusionMatrix};
pub use numbers::{ErrorStatistics, LossMeter, MeanAbsoluteError, RSquared};
pub use quantile::Quantile;

use crate::format::{Format as _, FormatValue};
use crate::number::Number;
use crate::shape::{Element, Shape};

/// Index of the largest number, the first one on a tie.
///
/// NaN is never the largest. `None` if the slice is empty or all NaN.
///
/// ```
/// use gradlet::metrics::argmax;
///
/// assert_eq!(argmax(&[0.1, 0.7, 0.2]), Some(1));
/// assert_eq!(argmax(&[f32::NAN, 0.5, 0.5]), Some(1));
/// assert_eq!(argmax::<f32>(&[]), None);
/// ```
#[must_use]
pub fn argmax<T: Element + PartialOrd>(values: &[T]) -> Option<usize> {
    let mut best = None;
    for (i, &value) in values.iter().enumerate() {
        if best.map_or(!is_nan(value), |(_, largest)| value > largest) {
            best = Some((i, value));
        }
    }
    best.map(|(i, _)| i)
}

fn is_nan<T: PartialOrd>(value: T) -> bool {
    value.partial_cmp(&value).is_none()
}

/// `Some(true)` above 1/2, `None` for NaN.
fn is_yes<T: FormatValue>(value: T) -> Option<bool> {
    let value = T::Format::real(value);
    (!is_nan(value)).then_some(value > Number::HALF)
}

/// `part / whole`, unless `whole` is 0.
fn ratio(part: u32, whole: u32) -> Option<f32> {
    (whole > 0).then(|| f32::from_u32(part) / f32::from_u32(whole))
}

/// Accuracy: the share of correct predictions.
///
/// ```
/// use gradlet::metrics::Accuracy;
///
/// let mut accuracy = Accuracy::new();
/// assert_eq!(accuracy.ratio(), None);
/// accuracy.observe(&[0.1, 0.7, 0.2], &[0.0, 1.0, 0.0]); // class 1, correct
/// accuracy.observe(&[0.4], &[1.0]); // no, but it should be yes
/// assert_eq!(accuracy.ratio(), Some(0.5));
/// accuracy.observe_each(&[0.9, 0.2], &[1.0, 0.0]); // two correct predictions
/// assert_eq!(accuracy.ratio(), Some(0.75));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Accuracy {
    correct: u32,
    count: u32,
}

impl Accuracy {
    /// No predictions yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { correct: 0, count: 0 }
    }

    /// Counts one prediction: correct if `output` and `target` are of the same class, the index of
    /// the largest number ([`argmax`]).
    ///
    /// A single output is a yes/no prediction, see [`observe_each`](Self::observe_each). An output
    /// that is all NaN is wrong.
    pub fn observe<T: FormatValue + PartialOrd, Y: Shape<Element = T>>(
        &mut self,
        output: &Y,
        target: &Y,
    ) {
        if let ([_], [_]) = (output.as_slice(), target.as_slice()) {
            self.observe_each(output, target);
        } else {
            self.record(same(argmax(output.as_slice()), argmax(target.as_slice())));
        }
    }

    /// Counts one prediction for each output: yes above 1/2, else no. NaN is wrong.
    pub fn observe_each<T: FormatValue, Y: Shape<Element = T>>(&mut self, output: &Y, target: &Y) {
        for (&y, &t) in output.as_slice().iter().zip(target.as_slice()) {
            self.record(same(is_yes(y), is_yes(t)));
        }
    }

    /// Counts one prediction that was evaluated elsewhere.
    pub const fn record(&mut self, correct: bool) {
        if correct {
            self.correct = self.correct.saturating_add(1);
        }
        self.count = self.count.saturating_add(1);
    }

    /// Number of correct predictions.
    #[must_use]
    pub const fn correct(&self) -> u32 {
        self.correct
    }

    /// Number of predictions.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// Share of correct predictions, `0.0..=1.0`.
    #[must_use]
    pub fn ratio(&self) -> Option<f32> {
        ratio(self.correct, self.count)
    }
}

fn same<X: PartialEq>(output: Option<X>, target: Option<X>) -> bool {
    output.is_some() && output == target
}
