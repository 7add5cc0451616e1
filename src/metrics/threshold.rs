//! What is usual: from which error on an answer is an alarm.

use crate::preprocess::Standardize;
use crate::scalar::Scalar;

/// Mean and standard deviation of errors, for a threshold of so many standard deviations.
///
/// If the errors were normally distributed, 0.13 % of the usual ones would be above
/// `mean + 3 deviations`. Squared errors are not: they have a longer tail. Observe their logarithms,
/// or take a [`Quantile`], where the rate of false alarms matters.
///
/// ```
/// use gradlet::metrics::ErrorStatistics;
///
/// let mut usual = ErrorStatistics::<f32>::new();
/// assert_eq!(usual.threshold(3.0), None);
/// for error in [1.0, 3.0, 1.0, 3.0] {
///     usual.observe(error);
/// }
/// assert_eq!((usual.mean(), usual.standard_deviation()), (Some(2.0), Some(1.0)));
/// assert_eq!(usual.threshold(3.0), Some(5.0));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ErrorStatistics<T = f32> {
    statistics: Standardize<1, T>,
}

impl<T: Scalar> ErrorStatistics<T> {
    /// Nothing observed yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { statistics: Standardize::new() }
    }

    /// Takes in one error, unless it is NaN or infinite; says whether it did.
    pub fn observe(&mut self, error: T) -> bool {
        self.statistics.observe(&[error])
    }

    /// Number of errors.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.statistics.count()
    }

    /// The mean of all errors.
    #[must_use]
    pub fn mean(&self) -> Option<T> {
        let [mean] = *self.statistics.mean();
        (self.count() > 0).then_some(mean)
    }

    /// `sqrt(sum (error - mean)^2 / count)`.
    #[must_use]
    pub fn standard_deviation(&self) -> Option<T> {
        let [variance] = self.statistics.variance();
        (self.count() > 0).then(|| variance.sqrt())
    }

    /// `mean + deviations * standard_deviation`.
    #[must_use]
    pub fn threshold(&self, deviations: T) -> Option<T> {
        Some(self.mean()? + deviations * self.standard_deviation()?)
    }
}

impl<T: Scalar> Default for ErrorStatistics<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// The number below which the share `NUMERATOR / DENOMINATOR` of all errors is, without keeping them:
/// `Quantile<99, 100>` is the 99th percentile.
///
/// The P-square algorithm (Jain, Chlamtac, Communications of the ACM 28, 1985) moves five markers
/// along the errors as they come, so this is an estimate. Of the first five errors it is exact, by the
/// nearest rank. Takes 5 numbers and 6 words of 32 bits of memory.
///
/// ```
/// use gradlet::metrics::Quantile;
///
/// let mut usual = Quantile::<9, 10>::new();
/// assert_eq!(usual.value(), None);
/// for i in 0..1000_u16 {
///     usual.observe(f32::from(i * 7 % 1000)); // 0 to 999 in disorder
/// }
/// assert!((usual.value().unwrap() - 900.0).abs() < 10.0);
/// ```
///
/// A share that is not between 0 and 1 does not compile:
///
/// ```compile_fail,E0080
/// gradlet::metrics::Quantile::<100, 100>::new();
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Quantile<const NUMERATOR: u32, const DENOMINATOR: u32, T = f32> {
    count: u32,
    /// The heights of the markers: the least error, three between, the greatest.
    heights: [T; MARKERS],
    /// How many errors are below each marker.
    ranks: [u32; MARKERS],
}

const MARKERS: usize = 5;

impl<const NUMERATOR: u32, const DENOMINATOR: u32, T: Scalar> Quantile<NUMERATOR, DENOMINATOR, T> {
    /// Nothing observed yet.
    #[must_use]
    pub const fn new() -> Self {
        const {
            assert!(
                0 < NUMERATOR && NUMERATOR < DENOMINATOR,
                "a quantile is a share between 0 and 1: NUMERATOR must be more than 0 and less than \
                 DENOMINATOR"
            );
        };
        Self { count: 0, heights: [T::ZERO; MARKERS], ranks: [0; MARKERS] }
    }

    /// The share.
    fn share() -> T {
        T::from_u32(NUMERATOR) / T::from_u32(DENOMINATOR)
    }

    /// Takes in one error, unless it is NaN or infinite; says whether it did.
    pub fn observe(&mut self, error: T) -> bool {
        let is_finite = error.is_finite();
        if is_finite {
            match self.first_free() {
                Some(place) => self.insert(place, error),
                None => self.move_markers(error),
            }
            self.count = self.count.saturating_add(1);
        }
        is_finite
    }

    /// The place of the next error, while there is a marker for each.
    fn first_free(&self) -> Option<usize> {
        usize::try_from(self.count).ok().filter(|&count| count < MARKERS)
    }

    /// Puts one of the first errors into its place in their order.
    fn insert(&mut self, count: usize, error: T) {
        self.ranks = [0, 1, 2, 3, 4];
        let mut moving = error;
        for (place, height) in self.heights.iter_mut().enumerate() {
            if place == count || (place < count && moving < *height) {
                core::mem::swap(height, &mut moving);
            }
        }
    }

    /// Takes in an error that has no marker of its own.
    fn move_markers(&mut self, error: T) {
        let [least, .., greatest] = &mut self.heights;
        if error < *least {
            *least = error;
        }
        if error > *greatest {
            *greatest = error;
        }
        let last = MARKERS.saturating_sub(1);
        for (place, (height, rank)) in self.heights.iter().zip(&mut self.ranks).enumerate() {
            if place == last || (place > 0 && error < *height) {
                *rank = rank.saturating_add(1);
            }
        }
        // Where the three between should be.
        let (share, count) = (Self::share(), T::from_u32(self.count));
        for (place, part) in [share * T::HALF, share, (T::ONE + share) * T::HALF].iter().enumerate()
        {
            self.adjust(place, count * *part);
        }
    }

    /// Moves the middle one of three markers by one rank, if it is off by that and there is room.
    fn adjust(&mut self, place: usize, wanted: T) {
        let range = place..place.saturating_add(3);
        let (Some([below, height, above]), Some([rank_below, rank, rank_above])) =
            (self.heights.get_mut(range.clone()), self.ranks.get_mut(range))
        else {
            return;
        };
        let (to_below, to_above) =
            (rank.saturating_sub(*rank_below), rank_above.saturating_sub(*rank));
        let off = wanted - T::from_u32(*rank);
        let (up, down) = (off >= T::ONE && to_above > 1, off <= -T::ONE && to_below > 1);
        if !(up || down) {
            return;
        }
        let (d, down_steps, up_steps) =
            (if up { T::ONE } else { -T::ONE }, T::from_u32(to_below), T::from_u32(to_above));
        let (down_slope, up_slope) =
            ((*height - *below) / down_steps, (*above - *height) / up_steps);
        // A parabola through the three, or a line where that would leave their order.
        let parabola = *height
            + d / (down_steps + up_steps)
                * ((down_steps + d) * up_slope + (up_steps - d) * down_slope);
        *height = if *below < parabola && parabola < *above {
            parabola
        } else if up {
            *height + up_slope
        } else {
            *height - down_slope
        };
        *rank = if up { rank.saturating_add(1) } else { rank.saturating_sub(1) };
    }

    /// Number of errors.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// The quantile of the errors so far.
    #[must_use]
    pub fn value(&self) -> Option<T> {
        let nearest = u64::from(NUMERATOR).saturating_mul(u64::from(self.count));
        let place = match self.count {
            0 => return None,
            1..=5 => nearest.div_ceil(u64::from(DENOMINATOR).max(1)).saturating_sub(1),
            _ => 2,
        };
        usize::try_from(place).ok().and_then(|place| self.heights.get(place).copied())
    }
}

impl<const NUMERATOR: u32, const DENOMINATOR: u32, T: Scalar> Default
    for Quantile<NUMERATOR, DENOMINATOR, T>
{
    fn default() -> Self {
        Self::new()
    }
}
