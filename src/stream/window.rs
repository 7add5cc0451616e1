//! Sliding windows over a signal.

use core::array;
use core::cmp::Ordering;

use super::ring::Ring;
use crate::macros::default_is_new;
use crate::mean::DoubleWord;
use crate::scalar::Scalar;
use crate::shape::Element;
use crate::zero::Zero;

/// Sliding window: the last `LEN` samples of `CHANNELS` values each, returned every `HOP` samples.
///
/// The first window is full after `LEN` samples, each further one `HOP` samples later. `HOP` is
/// `LEN` by default, so windows follow one another; with a smaller one they overlap, with a larger
/// one samples between them are skipped. Takes `LEN * CHANNELS` numbers of memory and four words.
///
/// ```
/// use gradlet::stream::Window;
///
/// let mut window = Window::<1, 4, 2>::new();
/// let mut means = Vec::new();
/// for sample in 0..8_u8 {
///     if let Some(full) = window.push([f32::from(sample)]) {
///         means.push(full.features().mean[0]);
///     }
/// }
/// assert_eq!(means, [1.5, 3.5, 5.5]); // of 0 to 3, 2 to 5, 4 to 7
/// ```
///
/// The samples are floats, or integers of a sensor, or [`Q12`](crate::Q12) for a network in fixed point:
///
/// ```
/// use gradlet::{prelude::*, stream::Window};
///
/// let net = <net![Fixed; 2 x 1 => Flatten => 1 Sigmoid]>::ZERO;
/// let mut window = Window::<1, 2, 2, Q12>::new();
/// window.push([Q12::from_bits(1024)]);
/// let x = window.push([Q12::from_bits(-512)]).unwrap().to_array();
/// assert_eq!(net.forward(&x), Q12::array([0.5]));
/// ```
///
/// A window of no samples, and a hop of 0, do not compile:
///
/// ```compile_fail,E0080
/// gradlet::stream::Window::<1, 0>::new();
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Window<const CHANNELS: usize, const LEN: usize, const HOP: usize = LEN, T = f32> {
    samples: Ring<[T; CHANNELS], LEN>,
    /// Whether there has been a full window.
    begun: bool,
    /// Samples since the last full window, or since the beginning.
    waited: usize,
}

impl<const CHANNELS: usize, const LEN: usize, const HOP: usize, T: Element>
    Window<CHANNELS, LEN, HOP, T>
{
    /// An empty window.
    #[must_use]
    pub const fn new() -> Self {
        const {
            assert!(LEN > 0, "a window has at least one sample: LEN must not be 0");
            assert!(HOP > 0, "a window moves by at least one sample: HOP must not be 0");
        }
        Self { samples: Ring::new(), begun: false, waited: 0 }
    }

    /// Adds one sample. Returns the window if it is full and due.
    ///
    /// NaN and infinite values are added too: the features of their channel are then not finite, so
    /// a [`Trainer`](crate::Trainer) does not learn from them.
    pub fn push(&mut self, sample: [T; CHANNELS]) -> Option<FullWindow<'_, CHANNELS, LEN, T>> {
        self.samples.push(sample);
        self.waited = self.waited.saturating_add(1);
        if self.waited < if self.begun { HOP } else { LEN } {
            return None;
        }
        (self.begun, self.waited) = (true, 0);
        Some(FullWindow { parts: self.samples.parts() })
    }

    /// Discards all samples, as needed after a gap in the signal.
    pub fn clear(&mut self) {
        self.samples.clear();
        (self.begun, self.waited) = (false, 0);
    }
}

default_is_new!(
    [const CHANNELS: usize, const LEN: usize, const HOP: usize, T: Element]
    Window<CHANNELS, LEN, HOP, T>
);

/// A full window: see [`Window::push`].
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FullWindow<'a, const CHANNELS: usize, const LEN: usize, T = f32> {
    /// Older samples, newer ones.
    parts: (&'a [[T; CHANNELS]], &'a [[T; CHANNELS]]),
}

impl<'a, const CHANNELS: usize, const LEN: usize, T: Element> FullWindow<'a, CHANNELS, LEN, T> {
    /// The samples, the oldest first.
    ///
    /// ```
    /// use gradlet::stream::Window;
    ///
    /// let mut window = Window::<2, 3, 1>::new();
    /// for sample in [[9.0, 9.0], [1.0, 2.0], [3.0, 4.0]] {
    ///     window.push(sample);
    /// }
    /// let full = window.push([5.0, 6.0]).unwrap();
    /// assert!(full.samples().eq(&[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]));
    /// ```
    pub fn samples(&self) -> impl Iterator<Item = &'a [T; CHANNELS]> + Clone {
        self.parts.0.iter().chain(self.parts.1)
    }

    /// The samples, the oldest first, as the input of a convolution or of a recurrent layer.
    ///
    /// ```
    /// use gradlet::{prelude::*, stream::Window};
    ///
    /// let net = <net![3 x 2 => Gru(4) => 1 Sigmoid]>::ZERO;
    /// let mut window = Window::<2, 3>::new();
    /// window.push([1.0, 2.0]);
    /// window.push([3.0, 4.0]);
    /// let x = window.push([5.0, 6.0]).unwrap().to_array();
    /// assert_eq!(x, [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
    /// assert_eq!(net.forward(&x), [0.5]);
    /// ```
    #[must_use]
    pub fn to_array(&self) -> [[T; CHANNELS]; LEN] {
        let mut array = Zero::ZERO;
        let steps: &mut [_; LEN] = &mut array;
        steps.iter_mut().zip(self.samples()).for_each(|(to, sample)| *to = *sample);
        array
    }

    /// Calls `f` with the samples of each channel, the oldest first, and returns its results.
    ///
    /// Only one channel at a time is copied, so it takes `LEN` numbers of stack.
    ///
    /// ```
    /// use gradlet::stream::Window;
    ///
    /// let mut window = Window::<2, 3, 1>::new();
    /// for sample in [[9.0, 9.0], [1.0, 2.0], [3.0, 4.0]] {
    ///     window.push(sample);
    /// }
    /// let full = window.push([5.0, 6.0]).unwrap();
    /// assert_eq!(full.map_channels(|x| x), [[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]]);
    /// ```
    pub fn map_channels<R>(&self, mut f: impl FnMut([T; LEN]) -> R) -> [R; CHANNELS] {
        array::from_fn(|channel| {
            let mut numbers = [T::ZERO; LEN];
            for (place, sample) in numbers.iter_mut().zip(self.samples()) {
                *place = sample.get(channel).copied().unwrap_or(T::ZERO);
            }
            f(numbers)
        })
    }
}

impl<const CHANNELS: usize, const LEN: usize, T: Scalar> FullWindow<'_, CHANNELS, LEN, T> {
    /// Computes the features of the signal, in two passes over the samples of each channel.
    ///
    /// Sums are accumulated with about twice the precision of `T`, so the features of long windows
    /// are as accurate as those of short ones. A standard deviation is NaN if its sum of squares
    /// overflows: in `f32`, where samples differ by more than `1e19 / sqrt(LEN)`.
    #[must_use]
    pub fn features(&self) -> Features<CHANNELS, T> {
        let mut features = Features::ZERO;
        let Features { mean, standard_deviation, minimum, maximum, zero_crossings } = &mut features;
        let places = mean.iter_mut().zip(standard_deviation).zip(minimum).zip(maximum);
        for (channel, ((((mean, deviation), min), max), crossings)) in
            places.zip(zero_crossings).enumerate()
        {
            let numbers = self.samples().filter_map(|sample| sample.get(channel).copied());
            let ([first, distance], least, greatest) = mean_and_range(numbers.clone());
            (*mean, *min, *max) = (first + distance, least, greatest);
            (*deviation, *crossings) = deviation_and_crossings([first, distance], numbers);
        }
        features
    }
}

/// Mean, as the first value and the distance from it, minimum and maximum.
fn mean_and_range<T: Scalar>(numbers: impl Iterator<Item = T> + Clone) -> ([T; 2], T, T) {
    let first = numbers.clone().next().unwrap_or_default();
    let (mut sum, mut count, mut min, mut max) = (DoubleWord::ZERO, T::ZERO, first, first);
    for x in numbers {
        sum.add(x - first);
        count += T::ONE;
        min = if x < min { x } else { min };
        max = if x > max { x } else { max };
    }
    ([first, sum.value() / count], min, max)
}

/// Standard deviation, and how often the values cross their mean.
fn deviation_and_crossings<T: Scalar>(
    [first, mean]: [T; 2],
    numbers: impl Iterator<Item = T>,
) -> (T, T) {
    let (mut squares, mut count, mut crossings) = (DoubleWord::ZERO, T::ZERO, T::ZERO);
    let mut was_above = None;
    for x in numbers {
        // Not from the sum: its rounding error may exceed a small signal on a large constant.
        let distance = (x - first) - mean;
        squares.add(distance * distance);
        count += T::ONE;
        let is_above = match distance.partial_cmp(&T::ZERO) {
            Some(Ordering::Less) => false,
            Some(Ordering::Greater) => true,
            _ => continue,
        };
        if was_above.replace(is_above).is_some_and(|was_above| was_above != is_above) {
            crossings += T::ONE;
        }
    }
    ((squares.value() / count).sqrt(), crossings)
}

/// Features of each channel of a window, in the unit of the samples.
///
/// ```
/// use gradlet::stream::Window;
///
/// let mut window = Window::<1, 4>::new();
/// for sample in [9.0, 11.0, 8.0] {
///     window.push([sample]);
/// }
/// let features = window.push([12.0]).unwrap().features();
/// assert_eq!((features.mean, features.standard_deviation), ([10.0], [2.5_f32.sqrt()]));
/// assert_eq!((features.minimum, features.maximum), ([8.0], [12.0]));
/// assert_eq!(features.zero_crossings, [3.0]);
/// let [mean, ..]: [f32; 5] = features.to_array();
/// assert_eq!(mean, 10.0);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Features<const CHANNELS: usize, T = f32> {
    /// `sum x / LEN`.
    pub mean: [T; CHANNELS],
    /// `sqrt(sum (x - mean)^2 / LEN)`.
    pub standard_deviation: [T; CHANNELS],
    /// The minimum.
    pub minimum: [T; CHANNELS],
    /// The maximum.
    pub maximum: [T; CHANNELS],
    /// Zero crossings: how often `x - mean` changes sign, twice the number of oscillations.
    /// Subtracting the mean removes a constant such as gravity.
    pub zero_crossings: [T; CHANNELS],
}

impl<const CHANNELS: usize, T: Zero> Zero for Features<CHANNELS, T> {
    const ZERO: Self = Self {
        mean: Zero::ZERO,
        standard_deviation: Zero::ZERO,
        minimum: Zero::ZERO,
        maximum: Zero::ZERO,
        zero_crossings: Zero::ZERO,
    };
}

impl<const CHANNELS: usize, T: Scalar> Features<CHANNELS, T> {
    /// Of each channel.
    const KINDS: usize = 5;

    /// All in one array, as input of a network: the means of all channels, then their standard
    /// deviations, minima, maxima and zero crossings.
    ///
    /// `N` must be `5 * CHANNELS`, or it does not compile:
    ///
    /// ```compile_fail,E0080
    /// use gradlet::{Zero, stream::Features};
    ///
    /// let _: [f32; 14] = Features::<3>::ZERO.to_array();
    /// ```
    #[must_use]
    pub fn to_array<const N: usize>(&self) -> [T; N] {
        const {
            assert!(
                N == Self::KINDS * CHANNELS,
                "there are 5 features for each channel: N must be 5 * CHANNELS"
            );
        };
        let mut array = [T::ZERO; N];
        let Self { mean, standard_deviation, minimum, maximum, zero_crossings } = self;
        let kinds = [mean, standard_deviation, minimum, maximum, zero_crossings];
        for (place, &feature) in array.iter_mut().zip(kinds.into_iter().flatten()) {
            *place = feature;
        }
        array
    }
}
