//! `ErrorStatistics` and `Quantile`: what they find out about errors as they come.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "tests may panic"
)]

use gradlet::metrics::{ErrorStatistics, Quantile};
use proptest::prelude::*;
use rand_pcg::Pcg32;
use rand_pcg::rand_core::{Rng, SeedableRng};

/// The example of Jain and Chlamtac's paper, table I: the estimate of the median is 4.44.
#[test]
fn quantile_matches_the_paper() {
    const OBSERVATIONS: [f64; 20] = [
        0.02, 0.15, 0.74, 3.39, 0.83, 22.37, 10.15, 15.43, 38.62, 15.92, 34.60, 10.28, 1.47, 0.40,
        0.05, 11.39, 0.27, 0.42, 0.09, 11.37,
    ];
    let mut median = Quantile::<1, 2, f64>::new();
    for x in OBSERVATIONS {
        assert!(median.observe(x));
    }
    assert!((median.value().unwrap() - 4.44).abs() < 0.005, "{median:?}");
    assert_eq!(median.count(), 20);
}

#[test]
fn quantile_of_few_is_one_of_them() {
    let mut high = Quantile::<9, 10>::new();
    let mut low = Quantile::<1, 5>::new();
    let want =
        [(3.0, 3.0, 3.0), (1.0, 3.0, 1.0), (2.0, 3.0, 1.0), (5.0, 5.0, 1.0), (4.0, 5.0, 1.0)];
    for (error, highest, lowest) in want {
        high.observe(error);
        low.observe(error);
        assert_eq!((high.value(), low.value()), (Some(highest), Some(lowest)));
    }
}

/// Normal, uniform and exponential errors: within a few standard errors of the true quantile.
#[test]
fn quantiles_of_known_distributions_are_found() {
    let mut rng = Pcg32::seed_from_u64(1);
    let mut uniform = move || f64::from(rng.next_u32() >> 8) / f64::from(1_u32 << 24);
    let (mut p50, mut p90) = (Quantile::<1, 2, f64>::new(), Quantile::<9, 10, f64>::new());
    let mut exponential = Quantile::<99, 100, f64>::new();
    for _ in 0..20_000 {
        p50.observe(uniform());
        p90.observe(uniform());
        exponential.observe(-(1.0 - uniform()).ln());
    }
    assert!((p50.value().unwrap() - 0.5).abs() < 0.015, "{p50:?}");
    assert!((p90.value().unwrap() - 0.9).abs() < 0.01, "{p90:?}");
    assert!((exponential.value().unwrap() - 100_f64.ln()).abs() < 0.2, "{exponential:?}");
}

#[test]
fn what_is_not_finite_is_left_out() {
    let mut quantile = Quantile::<1, 2>::new();
    let mut statistics = ErrorStatistics::new();
    for error in [1.0, f32::NAN, 3.0, f32::INFINITY, f32::NEG_INFINITY, 2.0] {
        assert_eq!(quantile.observe(error), error.is_finite());
        assert_eq!(statistics.observe(error), error.is_finite());
    }
    assert_eq!((quantile.value(), quantile.count()), (Some(2.0), 3));
    assert_eq!((statistics.mean(), statistics.count()), (Some(2.0), 3));
    assert_eq!(statistics.threshold(0.0), Some(2.0));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn quantile_is_between_the_least_and_the_greatest(
        errors in prop::collection::vec(-1e6_f32..1e6, 1..200),
    ) {
        let mut quantile = Quantile::<3, 4>::new();
        for &error in &errors {
            quantile.observe(error);
            let value = quantile.value().unwrap();
            let seen = &errors[..quantile.count() as usize];
            prop_assert!(seen.iter().any(|&e| e <= value) && seen.iter().any(|&e| e >= value));
        }
    }
}
