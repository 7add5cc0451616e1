//! Statistics of sensors that are watched for years, and the thresholds that follow from them:
//! running means and deviations, with and without forgetting, at the limits of the numbers.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "tests may panic, and exact numbers are meant"
)]

use gradlet::metrics::{ErrorStatistics, LossMeter, MeanAbsoluteError, Quantile, RSquared};
use gradlet::prelude::*;
use gradlet::preprocess::{MinMax, Scaling, Standardize};
use proptest::prelude::*;

/// Numbers in `0..1` without a pattern: xorshift.
struct Uniform(u64);

impl Uniform {
    fn next(&mut self) -> f32 {
        for (left, by) in [(true, 13), (false, 7), (true, 17)] {
            self.0 ^= if left { self.0 << by } else { self.0 >> by };
        }
        (self.0 >> 40) as f32 / 16_777_216.0
    }
}

// Long streams

/// Compares the statistics of `count` readings in 19..21 with sums in `f64`.
fn check_long_stream(count: u64) {
    let (mut usual, mut meter) = (ErrorStatistics::<f32>::new(), LossMeter::<f32>::new());
    let (mut sum, mut squares) = (0.0_f64, 0.0_f64);
    let mut uniform = Uniform(1);
    for _ in 0..count {
        let x = 19.0 + 2.0 * uniform.next();
        usual.observe(x);
        meter.observe(x);
        let distance = f64::from(x) - 20.0;
        (sum, squares) = (sum + distance, squares + distance * distance);
    }
    let mean = sum / count as f64;
    let deviation = (squares / count as f64 - mean * mean).sqrt();
    let mean = 20.0 + mean;
    let errors = [
        (usual.mean(), mean),
        (meter.mean(), mean),
        (usual.standard_deviation(), deviation),
        (usual.threshold(3.0), mean + 3.0 * deviation),
    ]
    .map(|(got, want)| f64::from(got.unwrap()) / want - 1.0);
    println!("{count}: mean {mean}, deviation {deviation}, relative errors {errors:?}");
    assert!(errors.iter().all(|error| error.abs() < 1e-5), "{count}: {errors:?}");
}

#[test]
fn statistics_do_not_stall() {
    check_long_stream(20_000_000);
}

/// 2^32 readings are 50 days at 1,000 in a second. The largest relative error of all four is 5e-8
/// after 2^28 and 2.4e-8 after 2^32; 3 to 4 minutes.
#[test]
#[ignore = "minutes: cargo test --release --test optimised thresholds:: -- --ignored --nocapture"]
fn statistics_do_not_stall_for_days() {
    check_long_stream(1 << 28);
    check_long_stream(1 << 32);
}

#[test]
fn means_of_equal_numbers_are_that_number() {
    let (mut usual, mut meter) = (ErrorStatistics::<f32>::new(), LossMeter::<f32>::new());
    let mut error = MeanAbsoluteError::<f32>::new();
    for _ in 0..20_000_000 {
        usual.observe(0.1);
        meter.observe(0.1);
        error.observe(&[0.1], &[0.0]);
    }
    assert_eq!((usual.mean(), usual.standard_deviation()), (Some(0.1), Some(0.0)));
    assert_eq!((meter.mean(), error.mean()), (Some(0.1), Some(0.1)));
}

#[test]
fn r_squared_does_not_stall() {
    let (mut fit, mut uniform) = (RSquared::<1>::new(), Uniform(3));
    for _ in 0..20_000_000 {
        let t = 19.0 + 2.0 * uniform.next();
        fit.observe(&[t + 0.1], &[t]);
    }
    // 1 - 0.1^2 / (2^2 / 12); 20.1 - 20 has four digits.
    assert!((fit.mean().unwrap() - 0.97).abs() < 2e-5, "{fit:?}");
}

// Large numbers

#[test]
fn means_of_the_largest_numbers_are_right() {
    for (losses, want) in [
        (&[3e38, 3e38][..], 3e38),
        (&[3e38, -3e38], 0.0),
        (&[f32::MAX, -f32::MAX, f32::MAX, -f32::MAX], 0.0),
        (&[f32::MAX; 5], f32::MAX),
        (&[-3e38, 3e38, 3e38], 1e38),
    ] {
        let mut meter = LossMeter::<f32>::new();
        losses.iter().for_each(|&loss| meter.observe(loss));
        let mean = meter.mean().unwrap();
        assert!((mean / 1e38 - want / 1e38).abs() < 1e-6, "{losses:?}: {mean}");
    }
    let mut error = MeanAbsoluteError::<f32>::new();
    error.observe(&[3e38, -3e38], &[0.0, 0.0]);
    assert_eq!(error.mean(), Some(3e38));
}

#[test]
fn losses_that_are_not_finite_show() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for losses in [&[bad][..], &[1.0, bad], &[bad, 1.0], &[1.0, bad, bad, 1.0]] {
            let (mut meter, mut error) = (LossMeter::new(), MeanAbsoluteError::<f32>::new());
            let mut fit = RSquared::<1>::new();
            for &loss in losses {
                meter.observe(loss);
                error.observe(&[loss], &[0.0]);
                fit.observe(&[loss], &[1.0]);
            }
            fit.observe(&[0.0], &[0.0]);
            assert!(meter.mean().unwrap().is_nan() && error.mean().unwrap().is_nan(), "{losses:?}");
            assert!(fit.mean().unwrap().is_nan(), "{losses:?}");
        }
    }
}

/// The largest number that statistics take in, and the next, 2^63.
const LIMIT: [f32; 2] = [f32::from_bits(0x5eff_ffff), f32::from_bits(0x5f00_0000)];

#[test]
fn what_has_no_finite_square_is_left_out() {
    let [largest, too_large] = LIMIT;
    for bad in [f32::NAN, f32::INFINITY, f32::MAX, 3e38, too_large] {
        for bad in [bad, -bad] {
            let (mut usual, mut range) = (ErrorStatistics::new(), MinMax::<2>::new());
            let mut features = Standardize::<2>::new();
            assert!(!usual.observe(bad) && !range.observe(&[1.0, bad]));
            assert!(!features.observe(&[bad, 1.0]));
            assert_eq!(usual, ErrorStatistics::new());
            assert_eq!((range, features), (MinMax::new(), Standardize::new()));
        }
    }
    let (mut usual, mut range) = (ErrorStatistics::new(), MinMax::<1>::new());
    for i in 0..100 {
        let x = if i % 2 == 0 { largest } else { -largest };
        assert!(usual.observe(x) && range.observe(&[x]));
    }
    let deviation = usual.standard_deviation().unwrap();
    assert!((deviation / largest - 1.0).abs() < 1e-5 && usual.mean().unwrap().abs() < 1e12);
    assert_eq!((range.transform(&[0.0]), range.inverse(&[1.0])), ([0.5], [largest]));
    // Which leaves the threshold of the others as it is.
    let mut usual = ErrorStatistics::<f32>::new();
    let mut with_outliers = usual.clone();
    for x in [1.0, 2.0, 3.0] {
        assert!(usual.observe(x) && with_outliers.observe(x) && !with_outliers.observe(3e38));
    }
    assert_eq!(usual, with_outliers);
}

#[test]
fn what_is_not_finite_is_left_out() {
    let mut quantile = Quantile::<1, 2>::new();
    let mut statistics = ErrorStatistics::new();
    assert_eq!((statistics.mean(), statistics.standard_deviation()), (None, None));
    for error in [1.0, f32::NAN, 3.0, f32::INFINITY, f32::NEG_INFINITY, 2.0] {
        assert_eq!(quantile.observe(error), error.is_finite());
        assert_eq!(statistics.observe(error), error.is_finite());
    }
    assert_eq!((quantile.value(), quantile.count()), (Some(2.0), 3));
    assert_eq!((statistics.mean(), statistics.count()), (Some(2.0), 3));
    let deviation = statistics.standard_deviation().unwrap();
    assert!((deviation - (2.0_f32 / 3.0).sqrt()).abs() < 1e-6, "{deviation}");
    assert_eq!(statistics.threshold(0.0), Some(2.0));
    assert_eq!(statistics.threshold(3.0), Some(2.0 + 3.0 * deviation));
}

#[test]
fn deviations_need_two_errors() {
    let mut usual = ErrorStatistics::<f32>::new();
    for (error, mean, deviation) in [(1.0, Some(1.0), None), (3.0, Some(2.0), Some(1.0))] {
        assert_eq!((usual.threshold(3.0), usual.standard_deviation()), (None, None));
        assert!(usual.observe(error));
        assert_eq!((usual.mean(), usual.standard_deviation()), (mean, deviation));
    }
    assert_eq!(usual.threshold(3.0), Some(5.0));
}

// Forgetting

/// The limits are those of the documentation.
#[test]
fn deviations_without_squares_are_lost() {
    for (size, most) in [(1e-18, 1e-5), (1e-19, 1e-5), (1e-22, 1.0), (1e-23, 1.0)] {
        let mut usual = ErrorStatistics::<f32>::new();
        (0..1000_u16).for_each(|k| assert!(usual.observe(if k % 2 == 0 { size } else { -size })));
        let deviation = usual.standard_deviation().unwrap();
        println!("{size}: {deviation}");
        assert!((deviation / size - 1.0).abs() <= most, "{size}: {deviation}");
        assert_eq!(deviation == 0.0, size <= 1e-23, "{size}: {deviation}");
    }
}

#[test]
fn variances_are_not_negative() {
    let (mut usual, mut uniform) = (Standardize::<1>::with_memory::<2>(), Uniform(7));
    for k in 0..200_000 {
        let size = [1e-30, 1.0, 1e9][k % 3];
        assert!(usual.observe(&[1.0 + size * (uniform.next() - 0.5)]));
        assert!(usual.variance()[0] >= 0.0, "{usual:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Plain until the memory is full, then exponentially weighted.
    #[test]
    fn memory_weighs_exponentially(xs in prop::collection::vec(-10.0_f64..10.0, 1..60)) {
        let mut usual = ErrorStatistics::<f64>::with_memory::<20>();
        let mut all = ErrorStatistics::<f64>::new();
        let mut weights: Vec<f64> = vec![];
        for (i, &x) in xs.iter().enumerate() {
            prop_assert!(usual.observe(x) && all.observe(x));
            let newest = 1.0 / (i + 1).min(20) as f64;
            weights.iter_mut().for_each(|weight| *weight *= 1.0 - newest);
            weights.push(newest);
            let mean: f64 = weights.iter().zip(&xs).map(|(w, x)| w * x).sum();
            let squares = weights.iter().zip(&xs).map(|(w, x)| w * (x - mean) * (x - mean));
            let deviation = squares.sum::<f64>().sqrt();
            prop_assert!((usual.mean().unwrap() - mean).abs() < 1e-12);
            prop_assert_eq!(usual.standard_deviation().is_some(), i > 0);
            prop_assert!((usual.standard_deviation().unwrap_or(0.0) - deviation).abs() < 1e-7);
            prop_assert_eq!(usual.count() as usize, i + 1);
            if i < 20 {
                prop_assert_eq!(usual.mean(), all.mean());
                prop_assert_eq!(usual.standard_deviation(), all.standard_deviation());
            }
        }
    }
}

#[test]
fn memory_follows_a_sensor_for_years() {
    // A year at 2 s: 16 million readings that rise by 10, with a deviation of 1 / sqrt(3).
    let mut usual = ErrorStatistics::<f32>::with_memory::<10_000>();
    let (mut uniform, count) = (Uniform(5), 16_000_000_u32);
    for i in 0..count {
        usual.observe(10.0 * (i as f32 / count as f32) + 2.0 * uniform.next() - 1.0);
    }
    let (mean, deviation) = (usual.mean().unwrap(), usual.standard_deviation().unwrap());
    assert!((mean - 10.0).abs() < 0.03 && (deviation - 0.577_35).abs() < 0.01, "{usual:?}");
}

// Features that hardly vary

#[test]
fn rounding_is_no_variation() {
    // A constant, but for its last digit.
    let constant = 1013.25_f32;
    let next = f32::from_bits(constant.to_bits() + 1);
    let (mut features, mut range) = (Standardize::<2>::new(), MinMax::<2>::new());
    for i in 0..1000 {
        let x = if i % 2 == 0 { constant } else { next };
        // In the second feature there is little variation, but some.
        let y = constant + if i % 2 == 0 { 0.01 } else { 0.0 };
        assert!(features.observe(&[x, y]) && range.observe(&[x, y]));
    }
    assert!(features.variance()[0] > 0.0);
    for scaling in [features.scaling(), range.scaling()] {
        assert_eq!(scaling.scale()[0], 0.0);
        assert!(scaling.scale()[1] > 0.004);
        let [z, _] = scaling.transform(&[1023.25, constant]);
        assert!((z - 10.0).abs() < 1e-3, "{z}");
    }
    assert!(features.transform(&[constant; 2])[1].abs() < 1.1);
    assert_eq!(range.transform(&[constant, constant])[1], 0.0);
}

#[test]
fn rounding_is_measured_by_the_larger_end() {
    for (min, max, is_constant) in [
        (-1000.0, -999.999_94, true),
        (-999.0, -998.99, false),
        (999.999_94, 1000.0, true),
        (-1e-9, 1000.0, false),
        (0.0, 1e-30, false),
        (-1e-30, 0.0, false),
        // 8 epsilons of the larger end, and one more.
        (1.0 - 8.0 * f32::EPSILON, 1.0, true),
        (1.0 - 9.0 * f32::EPSILON, 1.0, false),
        (-1.0, -1.0 + 8.0 * f32::EPSILON, true),
        (-1.0, -1.0 + 9.0 * f32::EPSILON, false),
    ] {
        let mut range = MinMax::<1>::new();
        assert!(range.observe(&[min]) && range.observe(&[max]));
        assert_eq!(range.scaling().scale()[0] == 0.0, is_constant, "{min} {max}");
    }
}

#[test]
fn floor_is_the_least_scale() {
    let scaling = Scaling::new([1.0; 5], [0.0, 0.5, 2.0, -0.5, -2.0]);
    assert_eq!(scaling.clone().with_floor(&[1.0; 5]).scale(), &[1.0, 1.0, 2.0, 1.0, -2.0]);
    // What is as large as the floor stays, with its sign.
    assert_eq!(scaling.clone().with_floor(&[2.0; 5]).scale(), &[2.0, 2.0, 2.0, 2.0, -2.0]);
    assert_eq!(scaling.clone().with_floor(&[0.0; 5]), scaling);
}

#[test]
fn floor_that_is_no_size_shows() {
    let scaling = Scaling::new([1.0; 3], [0.0, 0.5, -2.0]);
    for bad in [-1.0, f32::NAN, f32::NEG_INFINITY] {
        let with_floor = scaling.clone().with_floor(&[bad; 3]);
        assert!(with_floor.scale().iter().all(|scale| scale.is_nan()), "{bad}: {with_floor:?}");
        assert!(with_floor.transform(&[1.0; 3]).iter().all(|z| z.is_nan()), "{bad}");
    }
}

/// One over a subnormal number overflows, or nearly so.
#[test]
fn scales_too_small_to_divide_by_are_taken_as_1() {
    let mut range = MinMax::<1>::new();
    assert!(range.observe(&[0.0]) && range.observe(&[1e-40]));
    assert_eq!((range.transform(&[5.0]), range.inverse(&[5.0])), ([5.0], [5.0]));
    for scale in [0.0, 1e-45, 1e-39, -1e-39, f32::MIN_POSITIVE, -f32::MIN_POSITIVE, 1e-30] {
        let scaling = Scaling::new([0.0], [scale]);
        let divisor = if scale.abs() < f32::MIN_POSITIVE { 1.0 } else { scale };
        assert_eq!(scaling.transform(&[1.0]), [1.0 / divisor], "{scale}");
        assert_eq!(scaling.inverse(&[1.0]), [divisor], "{scale}");
        let mut net = Dense::<1, 1, Identity>::new([[0.5]], [0.25]);
        scaling.fold_into(&mut net);
        assert_eq!((net.weights(), net.bias()), (&[[0.5 / divisor]], &[0.25]), "{scale}");
        assert!(gradlet::is_finite(&net), "{scale}");
        scaling.fold_into_output(&mut net);
        assert_eq!(net.bias(), &[0.25 * divisor], "{scale}");
    }
    // What is wrong still shows.
    assert!(Scaling::new([0.0], [f32::NAN]).transform(&[1.0])[0].is_nan());
}
