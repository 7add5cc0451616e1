//! The discrete Fourier transform of real samples.

use crate::number::Number;
use crate::shape::Shape;
use crate::zero::Zero;

mod sealed {
    pub trait Sealed: Sized {
        /// The transform `X`: the real numbers `X_0` and `X_(N/2)`, then real and imaginary part of
        /// each of `X_1` to `X_(N/2 - 1)`.
        fn transform(self) -> Self;
    }
}

/// Arrays of samples that have a [`Spectrum`]: `[f32; N]`, where `N` is a power of two from 8 to 512,
/// or to 4,096 with the feature `microfft-v0.6-size-4096`. Sealed.
#[diagnostic::on_unimplemented(
    message = "there is no spectrum of `{Self}`",
    label = "needs a power of two samples, from 8 to 512",
    note = "with the feature `microfft-v0.6-size-4096`, up to 4096 samples"
)]
pub trait Transform: sealed::Sealed {
    /// A number for each frequency: `[f32; N / 2 + 1]`.
    type Bins: Shape<Element = f32> + Copy;
}

/// One row for each size: the number of samples, of frequencies, the function.
macro_rules! transforms {
    ($($(#[$feature:meta])? $n:literal $bins:literal $rfft:ident)+) => { $(
        $(#[$feature])?
        impl sealed::Sealed for [f32; $n] {
            #[inline]
            fn transform(mut self) -> Self {
                // In place: what it returns are these numbers, in pairs.
                let _ = microfft::real::$rfft(&mut self);
                self
            }
        }

        $(#[$feature])?
        impl Transform for [f32; $n] {
            type Bins = [f32; $bins];
        }
    )+ };
}

// The function for a number of samples needs the feature of that number: with the one of half of it,
// which has the function too, it panics.
transforms! {
    8 5 rfft_8
    16 9 rfft_16
    32 17 rfft_32
    64 33 rfft_64
    128 65 rfft_128
    256 129 rfft_256
    512 257 rfft_512
    #[cfg(feature = "microfft-v0.6-size-4096")]
    1024 513 rfft_1024
    #[cfg(feature = "microfft-v0.6-size-4096")]
    2048 1025 rfft_2048
    #[cfg(feature = "microfft-v0.6-size-4096")]
    4096 2049 rfft_4096
}

/// A number for each frequency of a window of `N` samples: `[f32; N / 2 + 1]`.
pub type Bins<const N: usize> = <[f32; N] as Transform>::Bins;

/// The discrete Fourier transform of `N` real samples, at the frequencies 0, 1, .. `N / 2` per window.
///
/// ```text
/// X_k = sum over n of x_n e^(-2 pi i k n / N)
/// ```
///
/// as `numpy.fft.rfft(x)`. At `r` samples per second, `X_k` is at `k r / N` Hz, and the last one,
/// `X_(N/2)`, at half of the sample rate, the Nyquist frequency. Takes `N` numbers of memory.
///
/// ```
/// use gradlet::spectrum::Spectrum;
///
/// let spectrum = Spectrum::new([1.0, 0.0, -1.0, 0.0, 1.0, 0.0, -1.0, 0.0]); // a cosine, twice
/// assert_eq!(spectrum.power(), [0.0, 0.0, 16.0, 0.0, 0.0]);
/// assert_eq!(spectrum.magnitude(), [0.0, 0.0, 4.0, 0.0, 0.0]);
///
/// // What does not repeat with the window leaks into all frequencies, but little of it after Hann.
/// let ramp = Spectrum::new([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
/// assert_eq!(ramp.power().map(f32::round), [784.0, 109.0, 32.0, 19.0, 16.0]);
/// assert_eq!(ramp.with_hann().power().map(f32::round), [256.0, 79.0, 1.0, 0.0, 0.0]);
/// ```
///
/// A window of another size does not compile:
///
/// ```compile_fail,E0277
/// gradlet::spectrum::Spectrum::new([0.0; 100]);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Spectrum<const N: usize> {
    /// As of [`sealed::Sealed::transform`].
    packed: [f32; N],
}

impl<const N: usize> Spectrum<N>
where
    [f32; N]: Transform,
{
    /// Transforms a window of samples, which it takes as they are: with a rectangular window.
    ///
    /// NaN and infinite samples make all frequencies NaN or infinite. Takes about `N log2(N)`
    /// multiplications and `3/2 N log2(N)` additions.
    #[must_use]
    #[inline]
    pub fn new(samples: [f32; N]) -> Self {
        Self { packed: sealed::Sealed::transform(samples) }
    }

    /// The transform of the same samples, each multiplied by the Hann window, against leakage.
    ///
    /// ```text
    /// w_n = 1/2 - 1/2 cos(2 pi n / N)
    /// ```
    ///
    /// This is the periodic window, `scipy.signal.windows.hann(N, sym=False)`. It is applied to the
    /// transform, which takes neither a table nor a cosine:
    ///
    /// ```text
    /// X_k / 2 - (X_(k-1) + X_(k+1)) / 4
    /// ```
    ///
    /// Harris, Proceedings of the IEEE 66 (1978), section V.C.
    #[must_use]
    pub fn with_hann(mut self) -> Self {
        let [zero, nyquist, others @ ..] = self.packed.as_mut_slice() else { return self };
        let hann = |before: f32, x: f32, after: f32| 0.5 * x - 0.25 * (before + after);
        let (mut before, last) = ([*zero, 0.0], [*nyquist, 0.0]);
        let mut pairs = others.chunks_exact_mut(2).peekable();
        // The spectrum is symmetric: beside the first and the last frequency is the same one twice.
        if let Some([re, ..]) = pairs.peek() {
            *zero = hann(*re, *zero, *re);
        }
        while let Some([re, im]) = pairs.next() {
            let x = [*re, *im];
            let after = if let Some([re, im]) = pairs.peek() { [*re, *im] } else { last };
            *re = hann(before[0], x[0], after[0]);
            *im = hann(before[1], x[1], after[1]);
            before = x;
        }
        *nyquist = hann(before[0], *nyquist, before[0]);
        self
    }

    /// Real and imaginary part of `X_0` to `X_(N/2)`; these two are real.
    ///
    /// ```
    /// use gradlet::spectrum::Spectrum;
    ///
    /// let spectrum = Spectrum::new([0.0, 1.0, 0.0, -1.0, 0.0, 1.0, 0.0, -1.0]); // a sine, twice
    /// let bins: Vec<_> = spectrum.bins().collect();
    /// assert_eq!(bins, [[0.0, 0.0], [0.0, 0.0], [0.0, -4.0], [0.0, 0.0], [0.0, 0.0]]);
    /// ```
    pub fn bins(&self) -> impl Iterator<Item = [f32; 2]> {
        let (ends, others) = self.packed.split_at_checked(2).unwrap_or_default();
        let mut ends = ends.iter().map(|&x| [x, 0.0]);
        let first = ends.next();
        let others = others.chunks_exact(2).filter_map(|pair| pair.try_into().ok());
        first.into_iter().chain(others).chain(ends)
    }

    /// Power `|X_k|^2` of each frequency, not divided by anything.
    ///
    /// It overflows to infinity where a magnitude exceeds 1.8e19, and vanishes below 2.6e-23.
    ///
    /// Energy is preserved: `x_0^2 + .. x_(N-1)^2` is the sum of all, counting those between the first
    /// and the last twice, divided by `N` (Parseval's theorem).
    #[must_use]
    pub fn power(&self) -> Bins<N> {
        let mut powers = <Bins<N> as Zero>::ZERO;
        for (place, [re, im]) in powers.as_mut_slice().iter_mut().zip(self.bins()) {
            *place = re * re + im * im;
        }
        powers
    }

    /// Magnitude `|X_k|` of each frequency, the square root of its power.
    ///
    /// A sine of amplitude `a` with a whole number of periods, but neither 0 nor `N / 2`, has the
    /// magnitude `a N / 2`; with the Hann window, `a N / 4`.
    #[must_use]
    pub fn magnitude(&self) -> Bins<N> {
        let mut magnitudes = self.power();
        for value in magnitudes.as_mut_slice() {
            *value = Number::sqrt(*value);
        }
        magnitudes
    }
}
