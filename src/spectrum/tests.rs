//! Spectra and mel bands, against numpy and against their definitions in `f64`.

extern crate std;

use core::f64::consts::TAU;
use std::vec::Vec;

use super::*;
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::zero::Zero;

/// Pseudo-random numbers in `-1.0..1.0`: multiples of 2^-23.
fn noise<const N: usize>() -> [f32; N] {
    let mut state = 7_u32;
    [(); N].map(|()| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    })
}

/// A cosine of amplitude 2 and phase 1, with `k` periods.
fn cosine<const N: usize>(k: usize) -> [f32; N] {
    core::array::from_fn(|n| 2.0 * libm::cos(TAU * (k * n) as f64 / N as f64 + 1.0) as f32)
}

fn assert_near(found: impl IntoIterator<Item = f32>, wanted: &[f64], tolerance: f64) {
    let found: Vec<_> = found.into_iter().collect();
    assert_eq!(found.len(), wanted.len());
    for (k, (found, wanted)) in found.into_iter().zip(wanted).enumerate() {
        assert!((f64::from(found) - wanted).abs() < tolerance, "{k}: {found} {wanted}");
    }
}

#[test]
fn spectra_are_those_of_numpy() {
    const X: [f32; 16] = [
        0.5, -1.25, 2.0, 3.5, -0.75, 0.0, 1.5, -2.5, 0.25, 1.0, -3.0, 2.25, 0.125, -0.5, 1.75, -1.0,
    ];
    // By `numpy.fft.rfft(x)`, and of `x * (0.5 - 0.5 * cos(2 * pi * arange(16) / 16))`.
    const PLAIN: [f64; 18] = [
        3.875,
        0.0,
        3.556_413_526,
        -2.665_483_521,
        -4.988_961_031,
        -2.467_514_421,
        -4.442_232_825,
        -0.099_512_957,
        -2.125,
        3.0,
        -2.482_388_378,
        8.368_001_464,
        7.738_961_031,
        -10.967_514_421,
        4.368_207_676,
        2.302_030_9,
        0.875,
        0.0,
    ];
    const HANN: [f64; 18] = [
        0.159_293_237,
        0.0,
        2.056_697_021,
        -0.715_863_155,
        -2.273_025_691,
        -0.542_508_091,
        -0.442_626_155,
        -0.182_877_873,
        0.668_655_301,
        -0.567_122_127,
        -2.644_684_446,
        6.175_879_337,
        3.398_025_691,
        -8.151_265_302,
        0.030_613_58,
        3.892_894_055,
        -1.746_603_838,
        0.0,
    ];
    let spectrum = Spectrum::new(X);
    assert_near(spectrum.bins().flatten(), &PLAIN, 4e-6);
    let squares = |numbers: [f64; 18]| -> Vec<_> {
        numbers.chunks(2).map(|pair| pair[0] * pair[0] + pair[1] * pair[1]).collect()
    };
    assert_near(spectrum.power(), &squares(PLAIN), 1e-4);
    let roots: Vec<_> = squares(PLAIN).into_iter().map(libm::sqrt).collect();
    assert_near(spectrum.magnitude(), &roots, 4e-6);
    let hann = spectrum.with_hann();
    assert_near(hann.bins().flatten(), &HANN, 4e-6);
    assert_near(hann.power(), &squares(HANN), 1e-4);
}

/// The transform by its definition, in `f64`, with or without the Hann window.
fn by_definition<const N: usize>(x: &[f32; N], is_hann: bool) -> Vec<f64> {
    let cosines: Vec<_> = (0..N).map(|n| libm::cos(TAU * n as f64 / N as f64)).collect();
    let x: Vec<_> = x
        .iter()
        .zip(&cosines)
        .map(|(x, cosine)| f64::from(*x) * if is_hann { 0.5 - 0.5 * cosine } else { 1.0 })
        .collect();
    // `sin a` is `cos(a - tau / 4)`, and `-sin a` is `cos(a + tau / 4)`.
    let part = |k: usize, turn: usize| -> f64 {
        x.iter().enumerate().map(|(n, x)| x * cosines[(k * n + turn) % N]).sum()
    };
    // Of the long ones, few: each takes `N` products.
    let step = if N > 256 { N / 32 } else { 1 };
    (0..=N / 2).step_by(step).flat_map(|k| [part(k, 0), part(k, N / 4)]).collect()
}

fn assert_is_by_definition<const N: usize>()
where
    [f32; N]: Transform,
{
    let x = noise::<N>();
    let step = if N > 256 { N / 32 } else { 1 };
    let spectrum = Spectrum::new(x);
    assert_eq!(spectrum.bins().count(), N / 2 + 1);
    assert_eq!(<Bins<N> as Shape>::LEN, N / 2 + 1);
    // Errors grow with the root of the number of samples.
    let tolerance = 4e-7 * libm::sqrt(N as f64);
    let few =
        |spectrum: &Spectrum<N>| -> Vec<_> { spectrum.bins().step_by(step).flatten().collect() };
    assert_near(few(&spectrum), &by_definition(&x, false), tolerance);
    let hann = spectrum.with_hann();
    assert_near(few(&hann), &by_definition(&x, true), tolerance);
}

#[test]
fn spectra_of_all_sizes_are_those_of_the_definition() {
    assert_is_by_definition::<8>();
    assert_is_by_definition::<16>();
    assert_is_by_definition::<32>();
    assert_is_by_definition::<64>();
    assert_is_by_definition::<128>();
    assert_is_by_definition::<256>();
    assert_is_by_definition::<512>();
    #[cfg(feature = "microfft-v0.6-size-4096")]
    {
        assert_is_by_definition::<1024>();
        assert_is_by_definition::<2048>();
        assert_is_by_definition::<4096>();
    }
}

#[test]
fn sines_are_in_one_bin() {
    const N: usize = 64;
    for k in 0..=N / 2 {
        let spectrum = Spectrum::new(cosine::<N>(k));
        // At both ends, what counts is the cosine of the phase.
        let wanted = if k % (N / 2) == 0 { 2.0 * libm::cosf(1.0) * 64.0 } else { 64.0 };
        for (bin, found) in spectrum.magnitude().into_iter().enumerate() {
            let wanted = if bin == k { wanted } else { 0.0 };
            assert!((found - wanted).abs() < 2e-5, "{k} {bin}: {found}");
        }
        // Half, and a quarter beside it.
        let hann = spectrum.with_hann().magnitude();
        for (bin, found) in hann.into_iter().enumerate().filter(|(bin, _)| bin.abs_diff(k) > 1) {
            assert!(found < 2e-5, "{k} {bin}: {found}");
        }
        let is_inside = (2..N / 2 - 1).contains(&k);
        assert!((hann[k] - wanted / 2.0).abs() < 2e-5 || !is_inside, "{k}: {}", hann[k]);
    }
}

#[test]
fn power_is_that_of_the_samples() {
    let x = noise::<512>();
    let powers = Spectrum::new(x).power().map(f64::from);
    let energy: f64 = x.iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
    let sum = 2.0 * powers.iter().sum::<f64>() - powers[0] - powers[256];
    assert!((sum / 512.0 / energy - 1.0).abs() < 1e-6, "{sum} {energy}");
}

#[test]
fn zeros_have_no_power() {
    let spectrum = Spectrum::new([0.0; 32]);
    assert_eq!(spectrum.power(), [0.0; 17]);
    assert_eq!(spectrum.with_hann().magnitude(), [0.0; 17]);
}

#[test]
fn nan_and_infinity_go_through() {
    for bad in [f32::NAN, f32::INFINITY] {
        let mut x = noise::<32>();
        x[5] = bad;
        let spectrum = Spectrum::new(x);
        assert!(spectrum.power().iter().all(|power| !power.is_finite()), "{spectrum:?}");
        assert!(spectrum.with_hann().magnitude().iter().all(|value| !value.is_finite()));
    }
}

/// The filters of `librosa.filters.mel(sr=rate, n_fft=N, n_mels=BANDS, fmin=start, fmax=end, htk=True,
/// norm=None)`, from its documentation.
fn filters<const N: usize>(bands: usize, rate: f64, [start, end]: [f64; 2]) -> Vec<Vec<f64>> {
    let mel = |f: f64| 2595.0 * libm::log10(1.0 + f / 700.0);
    let hertz = |mel: f64| 700.0 * (libm::pow(10.0, mel / 2595.0) - 1.0);
    let edge =
        |i: usize| hertz(mel(start) + (mel(end) - mel(start)) * i as f64 / (bands + 1) as f64);
    let filter = |band: usize| {
        let [begin, centre, end] = [band, band + 1, band + 2].map(edge);
        let weight = |k: usize| {
            let f = k as f64 * rate / N as f64;
            ((f - begin) / (centre - begin)).min((end - f) / (end - centre)).max(0.0)
        };
        (0..=N / 2).map(weight).collect()
    };
    (0..bands).map(filter).collect()
}

fn assert_filters<const N: usize, const BANDS: usize>(rate: f32, range: [f32; 2])
where
    [f32; N]: Transform,
{
    let mel = MelBands::<N, BANDS>::new(rate, range[0]..range[1]).unwrap();
    let filters = filters::<N>(BANDS, f64::from(rate), range.map(f64::from));
    for k in 0..=N / 2 {
        let mut power = <Bins<N> as Zero>::ZERO;
        power.as_mut_slice()[k] = 3.0;
        let wanted: Vec<_> = filters.iter().map(|filter| 3.0 * filter[k]).collect();
        assert_near(mel.apply(&power), &wanted, 3e-4);
    }
}

#[test]
fn mel_bands_are_those_of_librosa() {
    assert_filters::<64, 1>(8000.0, [0.0, 4000.0]);
    assert_filters::<64, 6>(8000.0, [100.0, 4000.0]);
    assert_filters::<256, 20>(16_000.0, [0.0, 8000.0]);
    assert_filters::<512, 26>(22_050.0, [133.3, 6855.0]);
    assert_filters::<256, 7>(1.0, [0.0, 0.5]);
    // With whole numbers as centres and ends: `1 + f / 700` is 2, 4, 8, 16.
    assert_filters::<128, 2>(16.0 * 1400.0, [700.0, 15.0 * 700.0]);
}

/// By numpy, `filters @ power`, with the filters as above.
#[test]
fn mel_bands_are_those_of_numpy() {
    let power = core::array::from_fn(|k| (k % 5 + 1) as f32 / 4.0);
    let mel = MelBands::<64, 6>::new(8000.0, 100.0..4000.0).unwrap();
    let wanted =
        [1.928_026_488, 1.738_869_003, 2.836_073_474, 3.319_330_486, 4.320_301_556, 5.642_920_645];
    assert_near(mel.apply(&power), &wanted, 1e-5);
}

#[test]
fn nan_is_in_the_bands_that_it_belongs_to() {
    let mel = MelBands::<64, 6>::new(8000.0, 100.0..4000.0).unwrap();
    let filters = filters::<64>(6, 8000.0, [100.0, 4000.0]);
    for k in 0..=32 {
        let mut power = [1.0; 33];
        power[k] = f32::NAN;
        for (band, filter) in mel.apply(&power).iter().zip(&filters) {
            assert_eq!(band.is_nan(), filter[k] > 0.0, "{k}: {band}");
        }
    }
}

#[test]
fn mel_bands_refuse_what_makes_no_sense() {
    let new = |rate: f32, range| MelBands::<64, 4>::new(rate, range).map(|_| ());
    for rate in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        assert_eq!(new(rate, 0.0..1.0), Err(MelError::SampleRate), "{rate}");
    }
    let ranges = [
        -1.0..4000.0,
        0.0..4000.5,
        2000.0..2000.0,
        3000.0..2000.0,
        f32::NAN..4000.0,
        0.0..f32::NAN,
        f32::NEG_INFINITY..f32::INFINITY,
    ];
    for range in ranges {
        assert_eq!(new(8000.0, range.clone()), Err(MelError::Range), "{range:?}");
    }
    assert_eq!(new(8000.0, 0.0..4000.0), Ok(()));
    // Frequencies are 125 Hz apart.
    assert_eq!(new(8000.0, 130.0..240.0), Err(MelError::EmptyBand { band: 0 }));
    assert_eq!(new(8000.0, 124.0..324.0), Err(MelError::EmptyBand { band: 1 }));
    // So small that the distance of two frequencies is 0.
    let tiny = f32::from_bits(4);
    assert_eq!(new(tiny, 0.0..tiny / 2.0), Err(MelError::EmptyBand { band: 0 }));
}

#[test]
fn empty_bands_are_those_without_a_weight() {
    fn first_empty<const BANDS: usize>() -> Option<usize> {
        let empty = |filter: &Vec<f64>| filter.iter().all(|&weight| weight == 0.0);
        filters::<64>(BANDS, 8000.0, [20.0, 3900.0]).iter().position(empty)
    }
    fn assert_same<const BANDS: usize>() -> bool {
        let error = MelBands::<64, BANDS>::new(8000.0, 20.0..3900.0).err();
        assert_eq!(error, first_empty::<BANDS>().map(|band| MelError::EmptyBand { band }));
        error.is_some()
    }
    let are_empty = [
        assert_same::<16>(),
        assert_same::<20>(),
        assert_same::<24>(),
        assert_same::<28>(),
        assert_same::<32>(),
        assert_same::<40>(),
    ];
    assert_eq!((are_empty[0], are_empty[5]), (false, true));
}

#[test]
fn logarithms_have_a_floor() {
    let [above, at, below, zero, negative] = log(&[2.0, 1e-6, 1e-7, 0.0, -1.0], 1e-6);
    assert_eq!(above, core::f32::consts::LN_2);
    assert_eq!([at, below, zero, negative], [Scalar::ln(1e-6_f32); 4]);
    assert!(log(&[f32::NAN], 1e-6)[0].is_nan() && log(&[1.0], f32::NAN) == [0.0]);
    assert_eq!(log(&[0.0, f32::INFINITY], 0.0), [f32::NEG_INFINITY, f32::INFINITY]);
}
