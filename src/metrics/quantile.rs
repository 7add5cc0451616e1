//! Streaming quantiles.

use crate::macros::default_is_new;
use crate::mean::Count;
use crate::number::Number;

/// Streaming quantile `NUMERATOR / DENOMINATOR` in fixed memory: `Quantile<99, 100>` is the 99th
/// percentile.
///
/// [`value`](Self::value) is always one of the observed numbers, by the nearest-rank method: the
/// smallest with at least that share of all numbers at or below it; `None` for fewer than
/// [`MINIMUM`](Self::MINIMUM) numbers. Exact for up to `MARKERS` distinct numbers, then an
/// estimate.
///
/// ```
/// use gradlet::metrics::Quantile;
///
/// let mut usual = Quantile::<9, 10>::new();
/// for i in 0..1000_u16 {
///     usual.observe(f32::from(i * 7 % 1000)); // 0 to 999, out of order
///     assert_eq!(usual.value().is_some(), i >= 9);
/// }
/// assert!((usual.value().unwrap() - 899.0).abs() < 5.0);
/// ```
///
/// # Algorithm
///
/// After Greenwald and Khanna (Space-efficient online computation of quantile summaries, SIGMOD
/// 2001), with the targets of Cormode, Korn, Muthukrishnan and Srivastava (Effective computation of
/// biased quantiles over data streams, ICDE 2005) and a fixed number of markers. A marker is one of
/// the numbers, with how many are equal to it and how many lie between it and the marker below. A
/// number becomes a marker where that gap has grown to more than `16 / MARKERS` of its distance in
/// ranks from the quantile (plus a 16th of the smaller share); its rank is assumed to be in the
/// middle of the gap. To make room, the marker is removed whose removal leaves the smallest gap by
/// that measure.
///
/// Numbers are only compared, never added, so outliers of any magnitude count as one number each,
/// and ties are exact. `observe` visits each marker once or twice. Takes `12 MARKERS + 16` bytes
/// for `f32`.
///
/// The root mean square error of the rank, relative to the number of values above the 99th
/// percentile (10 % is the 98.9th or the 99.1st); the other quantiles likewise, relative to those
/// on the smaller side:
///
/// | 99th percentile of | 100 | 300 | 1,000 | 10,000 | 100,000 |
/// |---|---:|---:|---:|---:|---:|
/// | uniform | 0.0 % | 0.0 % | 3.5 % | 2.3 % | 0.7 % |
/// | normal | 0.0 % | 0.0 % | 4.7 % | 1.5 % | 0.9 % |
/// | exponential | 0.0 % | 0.0 % | 3.5 % | 2.0 % | 1.5 % |
/// | lognormal | 0.0 % | 0.0 % | 4.7 % | 1.5 % | 0.9 % |
/// | Cauchy | 0.0 % | 0.0 % | 3.5 % | 2.3 % | 0.7 % |
/// | two peaks | 0.0 % | 0.0 % | 3.9 % | 2.0 % | 1.9 % |
/// | integers, ties | 0.0 % | 0.0 % | 0.0 % | 0.0 % | 0.0 % |
/// | constant, ties | 0.0 % | 0.0 % | 2.2 % | 2.0 % | 1.1 % |
/// | ascending | 0.0 % | 0.0 % | 10.0 % | 7.0 % | 4.7 % |
/// | descending | 0.0 % | 0.0 % | 10.0 % | 3.0 % | 12.9 % |
/// | 1 % of 3e38 | 0.0 % | 0.0 % | 0.0 % | 0.9 % | 0.1 % |
/// | drift | 0.0 % | 0.0 % | 16.6 % | 12.9 % | 17.9 % |
/// | levels | 0.0 % | 0.0 % | 14.7 % | 12.7 % | 22.7 % |
/// | blocks | 0.0 % | 0.0 % | 10.5 % | 10.2 % | 4.8 % |
/// | decaying | 0.0 % | 0.0 % | 10.0 % | 84.0 % | 2.5 % |
/// | normal, median | 1.3 % | 0.9 % | 0.7 % | 0.5 % | 0.6 % |
/// | normal, 5th | 0.0 % | 4.8 % | 2.7 % | 1.1 % | 1.0 % |
///
/// The drift is that of a mean by 10 deviations from the first number to the last. The levels are
/// 20 means, the blocks 100 ranges, one after the other in random order. The decaying one is an
/// oscillation, `1 / (1 + k)` with alternating sign, and the worst case known: 151 % after 2,048.
/// Errors are large where the quantile itself moves, because the gaps that it moves into were made
/// while it was elsewhere. This table and the one below are printed by
/// `cargo test --release --test quantiles -- --ignored --nocapture`.
///
/// # False alarms
///
/// Where the value is an alarm threshold, few numbers make a poor one even if it is exact, because
/// their largest are not typical of those to come: with the nearest rank `r` of `n`,
/// `(n + 1 - r) / (n + 1)` of those exceed it, on average, whatever their distribution.
///
/// | numbers | 100 | 200 | 300 | 1,000 | 3,000 | 10,000 | 100,000 |
/// |---|---:|---:|---:|---:|---:|---:|---:|
/// | above the 99th percentile | 2.02 % | 1.49 % | 1.30 % | 1.07 % | 0.97 % | 0.97 % | 1.00 % |
/// | the same, exact | 2.02 % | 1.49 % | 1.30 % | 1.08 % | 1.01 % | 0.98 % | 1.00 % |
///
/// # What does not compile
///
/// A quantile that is not between 0 and 1, and fewer than 8 markers:
///
/// ```compile_fail,E0080
/// gradlet::metrics::Quantile::<100, 100>::new();
/// ```
/// ```compile_fail,E0080
/// gradlet::metrics::Quantile::<1, 0>::new();
/// ```
/// ```compile_fail,E0080
/// gradlet::metrics::Quantile::<1, 2, f32, 7>::new();
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Quantile<
    const NUMERATOR: u32,
    const DENOMINATOR: u32,
    T = f32,
    const MARKERS: usize = 32,
> {
    count: Count,
    /// The sum over all markers.
    weight: u32,
    used: usize,
    /// In ascending order. The first is the minimum, the last the maximum.
    markers: [Marker<T>; MARKERS],
}

/// One of the numbers, and its counts.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
struct Marker<T> {
    value: T,
    /// Number of values between the marker below and this one.
    between: u32,
    /// Number of values equal to this one.
    equal: u32,
}

impl<T: Number> Marker<T> {
    const ZERO: Self = Self { value: T::ZERO, between: 0, equal: 0 };

    const fn weight(&self) -> u32 {
        self.between.saturating_add(self.equal)
    }
}

impl<const NUMERATOR: u32, const DENOMINATOR: u32, T: Number, const MARKERS: usize>
    Quantile<NUMERATOR, DENOMINATOR, T, MARKERS>
{
    /// Fewest numbers for a value: as many as put one, on average, on the smaller side of the
    /// quantile; 100 for the 99th percentile.
    pub const MINIMUM: u32 = {
        assert!(
            0 < NUMERATOR && NUMERATOR < DENOMINATOR,
            "a quantile is between 0 and 1: NUMERATOR must be more than 0 and less than \
             DENOMINATOR"
        );
        assert!(MARKERS >= 8, "too few markers for a quantile: MARKERS must be 8 or more");
        let above = DENOMINATOR.saturating_sub(NUMERATOR);
        DENOMINATOR.div_ceil(if NUMERATOR < above { NUMERATOR } else { above })
    };

    /// No numbers yet.
    #[must_use]
    pub const fn new() -> Self {
        Self::counting(Count::ZERO)
    }

    /// For a machine that changes over the years: only about the last `MEMORY` numbers count.
    ///
    /// Up to `MEMORY` numbers, this is [`new`](Self::new). Then, and again after each `MEMORY / 2`
    /// more, all weights are halved: the last `MEMORY / 2` to `MEMORY` numbers have at least the
    /// weight of all older ones together.
    ///
    /// ```
    /// use gradlet::metrics::Quantile;
    ///
    /// let mut all = Quantile::<9, 10>::new();
    /// let mut last = Quantile::<9, 10>::with_memory::<100>();
    /// for i in 0..2000_u16 {
    ///     let x = f32::from(i % 50) + if i < 1500 { 1000.0 } else { 0.0 };
    ///     all.observe(x);
    ///     last.observe(x);
    /// }
    /// assert!(all.value().unwrap() > 1000.0);
    /// assert!((last.value().unwrap() - 44.0).abs() < 3.0);
    /// ```
    ///
    /// Less than twice [`MINIMUM`](Self::MINIMUM) does not compile:
    ///
    /// ```compile_fail,E0080
    /// gradlet::metrics::Quantile::<99, 100>::with_memory::<199>();
    /// ```
    #[must_use]
    pub const fn with_memory<const MEMORY: u32>() -> Self {
        const {
            assert!(
                MEMORY / 2 >= Self::MINIMUM,
                "memory too short for this quantile: MEMORY must be at least twice its MINIMUM"
            );
        };
        Self::counting(Count::with_memory::<MEMORY>())
    }

    const fn counting(count: Count) -> Self {
        const { assert!(Self::MINIMUM > 0) };
        Self { count, weight: 0, used: 0, markers: [Marker::ZERO; MARKERS] }
    }

    /// Adds one number, unless it is NaN or infinite; returns whether it was added.
    pub fn observe(&mut self, x: T) -> bool {
        let is_finite = x.is_finite();
        if is_finite {
            if self.weight >= self.count.memory() {
                self.halve();
            }
            self.count.add();
            self.add(x);
            self.weight = self.weight.saturating_add(1);
        }
        is_finite
    }

    /// Halves all weights. The remainder of each is carried to the next, so that none is lost.
    fn halve(&mut self) {
        let mut rest = 0;
        for Marker { between, equal, .. } in &mut self.markers {
            for weight in [between, equal] {
                let odd = (*weight % 2).saturating_add(rest);
                *weight = (*weight / 2).saturating_add(odd / 2);
                rest = odd % 2;
            }
        }
        self.weight /= 2;
    }

    /// Counts `x` at a marker, in a gap or as a new marker.
    fn add(&mut self, x: T) {
        let (mut place, mut below) = (0_usize, 0_u32);
        for marker in self.markers.iter_mut().take(self.used) {
            if x > marker.value {
                place = place.saturating_add(1);
                below = below.saturating_add(marker.weight());
                continue;
            }
            if x == marker.value {
                marker.equal = marker.equal.saturating_add(1);
                return;
            }
            let room = Self::room(self.weight, below, marker.between);
            // Nothing is below the minimum, which must stay a marker.
            let needed = marker.between.saturating_add(2).saturating_mul(Self::PARTS);
            if self.used >= MARKERS && place > 0 && needed <= room {
                marker.between = marker.between.saturating_add(1);
                return;
            }
            break;
        }
        if self.used >= MARKERS {
            let cheapest = self.cheapest();
            self.remove(cheapest);
            if cheapest < place {
                place = place.saturating_sub(1);
            }
        }
        self.insert(place, x);
    }

    /// Gaps are compared with a `PARTS`th of their room.
    #[allow(clippy::cast_possible_truncation, reason = "no such array fits into a memory")]
    const PARTS: u32 = (MARKERS as u32).div_ceil(16);

    /// Distance of a gap of `between` numbers from the quantile, in ranks, plus a margin.
    fn room(weight: u32, below: u32, between: u32) -> u32 {
        let share = const { (NUMERATOR as u64).wrapping_shl(32) / (DENOMINATOR as u64) };
        let wanted = u32::try_from((u64::from(weight).wrapping_mul(share)) >> 32).unwrap_or(weight);
        let above = below.saturating_add(between);
        let distance = below.saturating_sub(wanted).max(wanted.saturating_sub(above));
        let smaller = wanted.min(weight.saturating_sub(wanted));
        distance.saturating_add(smaller / 16).saturating_add(1)
    }

    /// Makes `x` a marker, in the middle of its gap.
    fn insert(&mut self, place: usize, x: T) {
        let mut moving = Marker { value: x, between: 0, equal: 1 };
        if let Some(above) = self.markers.get_mut(place) {
            moving.between = above.between / 2;
            above.between = above.between.saturating_sub(moving.between);
        }
        self.used = self.used.saturating_add(1);
        for marker in self.markers.iter_mut().take(self.used).skip(place) {
            core::mem::swap(marker, &mut moving);
        }
    }

    /// The inner marker whose removal leaves the smallest gap relative to its room.
    fn cheapest(&self) -> usize {
        let (mut cheapest, mut least, mut room_of_least) = (1, u64::MAX, 1_u64);
        let mut below = 0_u32;
        for (i, three) in self.markers.windows(3).enumerate() {
            let [before, marker, after] = three else { continue };
            below = below.saturating_add(before.weight());
            let gap = marker.weight().saturating_add(after.between);
            let room = u64::from(Self::room(self.weight, below, gap));
            // gap / room < least / room_of_least
            if u64::from(gap).wrapping_mul(room_of_least) < least.saturating_mul(room) {
                (cheapest, least, room_of_least) = (i.saturating_add(1), gap.into(), room);
            }
        }
        cheapest
    }

    /// Merges a marker into the gap below the next.
    fn remove(&mut self, place: usize) {
        let mut moving = Marker::ZERO;
        for marker in self.markers.iter_mut().skip(place).rev() {
            core::mem::swap(marker, &mut moving);
        }
        if let Some(above) = self.markers.get_mut(place) {
            above.between = above.between.saturating_add(moving.weight());
        }
        self.used = self.used.saturating_sub(1);
    }

    /// Number of values; it stops at `u32::MAX`, and from 2^32 on older ones count for less.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count.samples()
    }

    /// The quantile of the numbers so far; `None` below [`MINIMUM`](Self::MINIMUM).
    #[must_use]
    pub fn value(&self) -> Option<T> {
        if self.weight < Self::MINIMUM {
            return None;
        }
        let wanted = u64::from(NUMERATOR).wrapping_mul(self.weight.into());
        let wanted = u32::try_from(wanted.div_ceil(u64::from(DENOMINATOR).max(1))).ok()?;
        let (mut below, mut value) = (0_u32, None);
        for marker in self.markers.iter().take(self.used) {
            let first = below.saturating_add(marker.between).saturating_add(1);
            // In a gap, the closer marker.
            if wanted.saturating_sub(below) < first.saturating_sub(wanted) {
                return value;
            }
            below = below.saturating_add(marker.weight());
            value = Some(marker.value);
            if wanted <= below {
                return value;
            }
        }
        value
    }
}

default_is_new!(
    [const NUMERATOR: u32, const DENOMINATOR: u32, T: Number, const MARKERS: usize]
    Quantile<NUMERATOR, DENOMINATOR, T, MARKERS>
);

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests may panic")]
mod tests {
    use super::*;

    #[test]
    fn markers_are_in_order_and_count_all() {
        let new = Quantile::<9, 10, f32, 8>::new;
        for (mut quantile, memory) in [(new(), u32::MAX), (Quantile::with_memory::<101>(), 101)] {
            let (mut random, mut count) = (1_u32, 0);
            for _ in 1..20_000 {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                assert!(quantile.observe(f32::from_u32(random >> 8)));
                count = if count < memory { count } else { count / 2 } + 1;
                let markers = &quantile.markers[..quantile.used];
                assert!(markers.windows(2).all(|two| two[0].value < two[1].value), "{quantile:?}");
                let weight: u32 = markers.iter().map(Marker::weight).sum();
                assert_eq!((weight, quantile.weight, markers[0].between), (count, count, 0));
            }
        }
    }
}
