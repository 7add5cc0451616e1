//! Bands of frequencies that are equally wide on the mel scale.

use core::iter;
use core::ops::Range;

use super::transform::{Bins, Transform};
use crate::macros::error_texts;
use crate::scalar::{Scalar, reciprocal};
use crate::shape::Shape;

/// The frequency, in Hz, up to which the mel scale is about linear.
const CORNER: f32 = 700.0;

/// Mel bands: the powers of a window of `N` samples, summed up in `BANDS` triangular filters.
///
/// The mel scale is that of HTK,
///
/// ```text
/// mel(f) = 2595 log10(1 + f / 700)
/// ```
///
/// on which the filters are equally wide: each begins at the centre of the one before, is 1 at its own
/// centre, and ends at the centre of the next, linear in Hz. So they are those of
/// `torchaudio.functional.melscale_fbanks(.., norm=None, mel_scale="htk")` and
/// `librosa.filters.mel(.., htk=True, norm=None)`. Takes `BANDS + 2` numbers of memory.
///
/// ```
/// use gradlet::spectrum::{MelBands, MelError};
///
/// let mel = MelBands::<256, 20>::new(16_000.0, 0.0..8000.0)?;
/// let bands: [f32; 20] = mel.apply(&[1.0; 129]);
/// assert!((bands[0] - 1.369).abs() < 0.001 && (bands[19] - 14.845).abs() < 0.001);
///
/// // At low frequencies, filters are narrow.
/// let error = MelBands::<256, 80>::new(16_000.0, 0.0..8000.0).unwrap_err();
/// assert_eq!(error, MelError::EmptyBand { band: 0 });
/// # Ok::<(), MelError>(())
/// ```
///
/// No bands do not compile:
///
/// ```compile_fail,E0080
/// let _ = gradlet::spectrum::MelBands::<256, 0>::new(16_000.0, 0.0..8000.0);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct MelBands<const N: usize, const BANDS: usize> {
    /// Where the first filter begins, the centres of the filters, and where the last one ends: in
    /// frequencies of the spectrum, of which most lie between two whole numbers.
    begin: f32,
    centres: [f32; BANDS],
    end: f32,
}

impl<const N: usize, const BANDS: usize> MelBands<N, BANDS>
where
    [f32; N]: Transform,
{
    /// Filters for `sample_rate` samples per second, of which the first begins at `range.start` and
    /// the last ends at `range.end`, in Hz.
    ///
    /// # Errors
    ///
    /// [`MelError::SampleRate`] unless the rate is positive and finite; [`MelError::Range`] unless
    /// `0 <= start < end <= sample_rate / 2`; [`MelError::EmptyBand`] if there is no frequency of
    /// the spectrum in one of the filters: take fewer bands, longer windows or a higher `start`.
    pub fn new(sample_rate: f32, range: Range<f32>) -> Result<Self, MelError> {
        const { assert!(BANDS > 0, "there is at least one band: BANDS must not be 0") };
        if !(sample_rate > 0.0 && sample_rate.is_finite()) {
            return Err(MelError::SampleRate);
        }
        let Range { start, end } = range;
        if !(0.0 <= start && start < end && end <= 0.5 * sample_rate) {
            return Err(MelError::Range);
        }
        // Without the factor of the mel scale, which cancels out.
        let [low, high] = [start, end].map(|f| Scalar::ln_1p(f / CORNER));
        let hertz: f32 = sample_rate * reciprocal::<f32>(N);
        let step = (high - low) * reciprocal::<f32>(BANDS.saturating_add(1));
        let (mut centres, mut count) = ([0.0; BANDS], 0.0);
        for centre in &mut centres {
            count += 1.0;
            *centre = CORNER * Scalar::exp_m1(low + count * step) / hertz;
        }
        let bands = Self { begin: start / hertz, centres, end: end / hertz };
        bands.first_empty().map_or(Ok(bands), |band| Err(MelError::EmptyBand { band }))
    }

    /// Where filters end: each at the centre of the next.
    fn ends(&self) -> impl Iterator<Item = f32> {
        self.centres.iter().copied().skip(1).chain([self.end])
    }

    /// The first filter in which there is no frequency of the spectrum.
    fn first_empty(&self) -> Option<usize> {
        let begins = iter::once(self.begin).chain(self.centres);
        let mut has_one = begins.zip(self.ends()).map(|(begin, end)| {
            let next = libm::floorf(begin) + 1.0;
            next < end
        });
        has_one.position(|has_one| !has_one)
    }

    /// Sums up what [`power`](super::Spectrum::power), or another value of each frequency, has in
    /// each filter.
    ///
    /// NaN and infinite values are NaN or infinite in their bands. Sums are in order of frequency.
    #[must_use]
    pub fn apply(&self, power: &Bins<N>) -> [f32; BANDS] {
        let numbers = iter::successors(Some(0.0_f32), |k| Some(k + 1.0));
        let bins = power.as_slice().iter().zip(numbers);
        let mut bins = bins.skip_while(|(_, k)| *k < self.begin).peekable();
        let (mut begin, mut rising) = (self.begin, 0.0);
        // From one centre to the next, one filter falls and the next one rises.
        let mut sums = self.centres.iter().chain([&self.end]).map(|&end| {
            let (mut falling, mut next) = (rising, 0.0);
            while let Some((power, k)) = bins.next_if(|(_, k)| *k < end) {
                let share = (k - begin) / (end - begin);
                falling += (1.0 - share) * power;
                next += share * power;
            }
            (begin, rising) = (end, next);
            falling
        });
        // Before the first centre, no filter falls.
        let _ = sums.next();
        let mut bands = [0.0; BANDS];
        for (place, sum) in bands.iter_mut().zip(sums) {
            *place = sum;
        }
        bands
    }
}

/// Error of [`MelBands::new`].
///
/// ```
/// use gradlet::spectrum::MelError;
///
/// let error = MelError::EmptyBand { band: 3 };
/// assert_eq!(error.to_string(), "no frequency of the spectrum is in band 3");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum MelError {
    /// The sample rate is not positive, or not finite.
    SampleRate,
    /// The range does not begin at 0 or above, end above its beginning, and end at half of the sample
    /// rate or below.
    Range,
    /// No frequency of the spectrum is in a filter.
    EmptyBand {
        /// The first such filter, counted from 0.
        band: usize,
    },
}

error_texts! {
    [] MelError:
    Self::SampleRate => "the sample rate is not positive and finite",
    Self::Range => "the range is not within 0 and half of the sample rate, in this order",
    Self::EmptyBand { band } => "no frequency of the spectrum is in band {band}",
}
