//! Regression metrics and statistics of errors in fixed point, against those of `f64`.
#![allow(clippy::arithmetic_side_effects, clippy::unwrap_used, reason = "tests may panic")]

use gradlet::metrics::{ErrorStatistics, LossMeter, MeanAbsoluteError, Quantile, RSquared};
use gradlet::prelude::*;

/// Random values within a range, in units of 1/4096.
fn random(seed: u32) -> impl FnMut(i32) -> Q12 {
    let mut state = seed;
    move |range| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Q12::from_bits(i32::try_from(state >> 8).unwrap() % (2 * range + 1) - range)
    }
}

fn exact(value: Q12) -> f64 {
    f64::from(value.to_bits()) / 4096.0
}

#[test]
fn mean_absolute_error_is_exact() {
    for range in [1, 300, 64 << 12] {
        let mut random = random(1);
        let mut error = MeanAbsoluteError::<Q12>::new();
        assert_eq!(error.mean(), None);
        let mut sum = 0_i64;
        for count in 1..50_000_i64 {
            let (y, t) = (random(range), random(range));
            error.observe(&[y], &[t]);
            sum += i64::from(y.to_bits().abs_diff(t.to_bits()));
            // 32 fraction bits in place of 12.
            assert_eq!(error.mean(), Some(Q32::from_bits((sum << 20) / count)));
        }
    }
}

#[test]
fn r_squared_is_that_of_floats() {
    // Targets within so many units, and errors; around another mean.
    for (range, error, mean) in
        [(64 << 12, 64 << 12, 0), (4096, 40, 0), (4096, 400, 63 << 12), (4096, 9000, -(63 << 12))]
    {
        let mut random = random(2);
        let (mut fit, mut of_floats) = (RSquared::<2, Q12>::new(), RSquared::<2, f64>::new());
        assert_eq!(fit.each(), [None; 2]);
        for _ in 0..20_000 {
            let t = [random(range), random(range)]
                .map(|t| Q12::from_bits((t.to_bits() + mean).clamp(-(64 << 12), 64 << 12)));
            let y = t.map(|t| Q12::from_bits(t.to_bits() + random(error).to_bits()));
            fit.observe(&y, &t);
            of_floats.observe(&y.map(exact), &t.map(exact));
        }
        let (fit, of_floats) = (fit.mean().unwrap().to_f64(), of_floats.mean().unwrap());
        println!("{fit} {of_floats}");
        assert!((fit - of_floats).abs() < 1e-8 * (1.0 + of_floats.abs()), "{fit} {of_floats}");
    }
}

#[test]
fn targets_that_do_not_vary_have_no_r_squared() {
    let mut fit = RSquared::<1, Q12>::new();
    for y in [1.0, 2.0, 3.0] {
        fit.observe(&Q12::array([y]), &Q12::array([5.0]));
    }
    assert_eq!(fit.mean(), None);
}

#[test]
fn mean_of_many_losses_is_exact() {
    let mut meter = LossMeter::<Q32>::new();
    let mut sum = 0_i64;
    for count in 1..=300_000_i64 {
        // So small that its share of the mean is less than a unit.
        let loss = 40_000 + count % 1000;
        meter.observe(Q32::from_bits(loss));
        sum += loss;
        assert_eq!(meter.mean(), Some(Q32::from_bits(sum / count)), "{count}");
    }
    meter.observe(Q32::NAN);
    meter.observe(Q32::ONE);
    assert!(!meter.mean().unwrap().is_finite());
}

#[test]
fn statistics_of_errors_are_those_of_floats() {
    let mut random = random(3);
    let (mut usual, mut of_floats) = (ErrorStatistics::<Q32>::new(), ErrorStatistics::<f64>::new());
    let mut last = ErrorStatistics::<Q32>::with_memory::<100>();
    let mut quantile = Quantile::<9, 10, Q32>::new();
    let mut quantile_of_floats = Quantile::<9, 10, f64>::new();
    for _ in 0..20_000 {
        let error = Q32::from_bits(i64::from(random(4096).to_bits() + 8192) << 16);
        assert!(usual.observe(error) && last.observe(error) && quantile.observe(error));
        of_floats.observe(error.to_f64());
        quantile_of_floats.observe(error.to_f64());
    }
    assert!(!usual.observe(Q32::NAN) && !quantile.observe(Q32::INFINITY));
    let (threshold, expected) = (usual.threshold(Q32::new(3.0)), of_floats.threshold(3.0));
    assert!((threshold.unwrap().to_f64() - expected.unwrap()).abs() < 1e-8);
    assert!((last.mean().unwrap().to_f64() - 0.125).abs() < 0.02);
    assert_eq!(quantile.value().map(Q32::to_f64), quantile_of_floats.value());
}
