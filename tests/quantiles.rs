//! `Quantile`: how far it is off, by distribution and number.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    reason = "tests may panic, and exact numbers are meant"
)]

use core::f64::consts::{PI, TAU};

use gradlet::metrics::Quantile;
use proptest::prelude::*;
use rand_pcg::Pcg32;
use rand_pcg::rand_core::{Rng, SeedableRng};

/// In `0..1`, neither end included.
fn uniform(rng: &mut Pcg32) -> f64 {
    (f64::from(rng.next_u32()) + 0.5) / 4_294_967_296.0
}

fn normal(rng: &mut Pcg32) -> f64 {
    (-2.0 * uniform(rng).ln()).sqrt() * (TAU * uniform(rng)).cos()
}

/// The `k`-th of `n` numbers.
type Source = fn(rng: &mut Pcg32, k: f64, n: f64) -> f64;

const SOURCES: [(&str, Source); 15] = [
    ("uniform", |rng, _, _| uniform(rng)),
    ("normal", |rng, _, _| normal(rng)),
    ("exponential", |rng, _, _| -uniform(rng).ln()),
    ("lognormal", |rng, _, _| normal(rng).exp()),
    ("Cauchy", |rng, _, _| (PI * (uniform(rng) - 0.5)).tan()),
    ("two peaks", |rng, _, _| normal(rng) + if uniform(rng) < 0.5 { 0.0 } else { 20.0 }),
    ("integers, ties", |rng, _, _| (10.0 * normal(rng)).floor()),
    ("constant, ties", |rng, _, _| if uniform(rng) < 0.9 { 7.0 } else { uniform(rng) * 10.0 }),
    ("ascending", |_, k, _| k),
    ("descending", |_, k, n| n - k),
    ("1 % of 3e38", |rng, k, _| if k % 100.0 == 7.0 { 3e38 } else { uniform(rng) }),
    ("drift", |rng, k, n| normal(rng) + 10.0 * k / n),
    ("levels", |rng, k, n| normal(rng) + 10.0 * (7.0 * (20.0 * k / n).floor() % 20.0)),
    ("blocks", |rng, k, n| uniform(rng) + 37.0 * (100.0 * k / n).floor() % 101.0),
    ("decaying", |_, k, _| if k % 2.0 == 0.0 { 1.0 } else { -1.0 } / (1.0 + k)),
];

/// How many ranks the answer is off, as a share of those on the smaller side of the quantile.
fn rank_error(numbers: &[f32], value: f32, share: f64) -> f64 {
    let wanted = (share * numbers.len() as f64 - 1e-9).ceil();
    let below = numbers.iter().filter(|&&x| x < value).count() as f64;
    let upto = numbers.iter().filter(|&&x| x <= value).count() as f64;
    assert!(upto > below, "{value} is not one of the numbers");
    let off = if wanted <= below { below + 1.0 - wanted } else { (wanted - upto).max(0.0) };
    off / (share.min(1.0 - share) * numbers.len() as f64)
}

/// Root of the mean square of the errors.
fn error<const NUMERATOR: u32, const DENOMINATOR: u32>(source: Source, n: u32) -> f64 {
    let share = f64::from(NUMERATOR) / f64::from(DENOMINATOR);
    let trials = (100_000 / n).clamp(4, 40);
    let squares = (0..trials).map(|trial| {
        let mut rng = Pcg32::seed_from_u64(trial.into());
        let numbers: Vec<_> = (0..n).map(|k| source(&mut rng, k.into(), n.into()) as f32).collect();
        let mut quantile = Quantile::<NUMERATOR, DENOMINATOR>::new();
        assert!(numbers.iter().all(|&x| quantile.observe(x)));
        rank_error(&numbers, quantile.value().unwrap(), share).powi(2)
    });
    (squares.sum::<f64>() / f64::from(trials)).sqrt()
}

const SIZES: [u32; 5] = [100, 300, 1000, 10_000, 100_000];

#[test]
#[ignore = "prints a table of the documentation"]
fn table_of_errors() {
    println!("/// | 99th percentile of | {} |", SIZES.map(|n| n.to_string()).join(" | "));
    println!("/// |---|{}", "---:|".repeat(SIZES.len()));
    for (name, source) in SOURCES {
        let cells = SIZES.map(|n| format!("{:.1} %", 100.0 * error::<99, 100>(source, n)));
        println!("/// | {name} | {} |", cells.join(" | "));
    }
    for (name, of) in [("median", error::<1, 2> as fn(_, _) -> _), ("5th", error::<1, 20>)] {
        let cells = SIZES.map(|n| format!("{:.1} %", 100.0 * of(SOURCES[1].1, n)));
        println!("/// | normal, {name} | {} |", cells.join(" | "));
    }
}

/// The share of usual numbers above the value after `n`, and that of the exact nearest rank.
fn false_alarms(n: u32) -> [f64; 2] {
    let trials = (1_000_000 / n).clamp(10, 1000);
    let mut shares = [0.0; 2];
    for trial in 0..trials {
        let mut rng = Pcg32::seed_from_u64(trial.into());
        let mut numbers: Vec<_> = (0..n).map(|_| uniform(&mut rng) as f32).collect();
        let mut quantile = Quantile::<99, 100>::new();
        assert!(numbers.iter().all(|&x| quantile.observe(x)));
        numbers.sort_by(f32::total_cmp);
        let exact = numbers[(n * 99).div_ceil(100) as usize - 1];
        for (share, value) in shares.iter_mut().zip([quantile.value().unwrap(), exact]) {
            *share += (1.0 - f64::from(value)) / f64::from(trials);
        }
    }
    shares
}

const NUMBERS: [u32; 7] = [100, 200, 300, 1000, 3000, 10_000, 100_000];

#[test]
#[ignore = "prints a table of the documentation"]
fn table_of_false_alarms() {
    println!("/// | numbers | {} |", NUMBERS.map(|n| n.to_string()).join(" | "));
    println!("/// |---|{}", "---:|".repeat(NUMBERS.len()));
    let shares = NUMBERS.map(false_alarms);
    for (i, name) in ["above the 99th percentile", "the same, exact"].into_iter().enumerate() {
        let cells = shares.map(|shares| format!("{:.2} %", 100.0 * shares[i]));
        println!("/// | {name} | {} |", cells.join(" | "));
    }
}

#[test]
fn errors_are_those_of_the_table() {
    for (name, source) in SOURCES {
        let most = match name {
            "ascending" | "descending" => [0.0, 0.2, 0.15],
            "drift" | "levels" | "blocks" => [0.0, 0.3, 0.3],
            "decaying" => [0.0, 0.2, 1.0],
            _ => [0.0, 0.2, 0.08],
        };
        for (n, most) in [100, 1000, 10_000].into_iter().zip(most) {
            let errors = [error::<99, 100>(source, n), error::<95, 100>(source, n)];
            let low = [error::<1, 20>(source, n), error::<1, 2>(source, n)];
            println!("{name} {n}: {errors:?} {low:?}");
            assert!(errors[0] <= most, "{name} {n}: {errors:?}");
            assert!(errors[1] <= 0.3 && low.iter().all(|&error| error < 0.3), "{name} {n}");
        }
    }
    // The worst that is known, as the documentation says.
    let worst = error::<99, 100>(SOURCES[14].1, 2048);
    assert!((worst - 1.51).abs() < 0.01, "{worst}");
}

#[test]
fn false_alarms_are_those_of_the_table() {
    for n in [100, 200, 1000] {
        let [got, exact] = false_alarms(n);
        assert!((got / exact - 1.0).abs() < 0.05, "{n}: {got} {exact}");
    }
}

#[test]
fn quantile_bits_stay_the_same() {
    // As first computed here; a change is a change of every threshold that follows from them.
    fn sum<const NUMERATOR: u32, const DENOMINATOR: u32>() -> u64 {
        let mut rng = Pcg32::seed_from_u64(6);
        let mut few = Quantile::<NUMERATOR, DENOMINATOR, f32, 8>::new();
        let mut more = Quantile::<NUMERATOR, DENOMINATOR, f32, 20>::with_memory::<500>();
        let values = (0..3000).map(|_| {
            let x = (rng.next_u32() >> 20) as f32;
            assert!(few.observe(x) && more.observe(x));
            few.value().unwrap_or(0.0) as u64 + more.value().unwrap_or(0.0) as u64
        });
        values.sum()
    }
    assert_eq!(
        [sum::<1, 2>(), sum::<9, 10>(), sum::<1, 20>()],
        [12_364_839, 22_330_761, 1_380_047]
    );
}

/// Where P-square gave the median, at the sixth number of all.
#[test]
fn no_value_before_the_minimum() {
    let mut high = Quantile::<99, 100>::new();
    for k in 1..=100_u16 {
        assert_eq!(high.value(), None);
        assert!(high.observe(k.into()));
    }
    assert_eq!(high.value(), Some(99.0));
    assert_eq!((Quantile::<99, 100>::MINIMUM, Quantile::<1, 100>::MINIMUM), (100, 100));
    assert_eq!((Quantile::<1, 2>::MINIMUM, Quantile::<2, 3>::MINIMUM), (2, 3));
    assert_eq!((Quantile::<995, 1000>::MINIMUM, Quantile::<5, 7>::MINIMUM), (200, 4));
    assert_eq!(Quantile::<4_294_967_294, 4_294_967_295>::MINIMUM, u32::MAX);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Nearest rank, whatever the ties, up to as many different numbers as markers.
    #[test]
    fn few_numbers_are_exact(numbers in prop::collection::vec(0_u8..24, 3..300)) {
        let mut third = Quantile::<1, 3>::new();
        let mut fifths = Quantile::<3, 5, f64, 24>::new();
        let mut sorted = vec![];
        for &x in &numbers {
            prop_assert!(third.observe(x.into()) && fifths.observe(x.into()));
            let place = sorted.partition_point(|&y| y < x);
            sorted.insert(place, x);
            if sorted.len() >= 3 {
                let rank = |share: usize, of| sorted[(sorted.len() * share).div_ceil(of) - 1];
                prop_assert_eq!(third.value(), Some(rank(1, 3).into()));
                prop_assert_eq!(fifths.value(), Some(rank(3, 5).into()));
            }
        }
        prop_assert_eq!(third.count() as usize, numbers.len());
    }

    #[test]
    fn value_is_one_of_the_numbers(numbers in prop::collection::vec(-1e6_f32..1e6, 4..400)) {
        let mut quantile = Quantile::<3, 4>::new();
        let mut short = Quantile::<3, 4>::with_memory::<8>();
        for (i, &x) in numbers.iter().enumerate() {
            prop_assert!(quantile.observe(x) && short.observe(x));
            for value in [quantile.value(), short.value()] {
                prop_assert_eq!(value.is_some(), i >= 3);
                prop_assert!(value.is_none_or(|value| numbers[..=i].contains(&value)));
            }
        }
    }
}

#[test]
fn outliers_of_any_size_count_as_one_number_each() {
    let value_with = |outlier: f32| {
        let mut quantile = Quantile::<95, 100>::new();
        let mut rng = Pcg32::seed_from_u64(1);
        for k in 0..20_000 {
            let x = uniform(&mut rng) as f32;
            quantile.observe(if k % 100 == 7 { outlier } else { x });
        }
        quantile.value().unwrap()
    };
    let value = value_with(10.0);
    // 0.95 of all are 0.95 / 0.99 of those that are no outliers.
    assert!((value - 0.9596).abs() < 0.005, "{value}");
    for outlier in [1e4, 1e6, 3e38, f32::MAX] {
        assert_eq!(value_with(outlier), value);
    }
}

#[test]
fn memory_follows_a_change() {
    let mut quantile = Quantile::<9, 10>::with_memory::<1000>();
    let mut all = Quantile::<9, 10>::new();
    let mut rng = Pcg32::seed_from_u64(2);
    for k in 0..100_000 {
        let x = uniform(&mut rng) + f64::from(k / 50_000) * 10.0;
        assert!(quantile.observe(x as f32) && all.observe(x as f32));
        // Plain until the memory is full.
        assert!(k >= 1000 || quantile.value() == all.value());
        // Within five halvings the numbers before are 1 of 33.
        let want = if (2500..50_000).contains(&k) { 0.9 } else { 10.9 };
        if (2500..50_000).contains(&k) || k >= 52_500 {
            let value = f64::from(quantile.value().unwrap());
            assert!((value - want).abs() < 0.06, "{k}: {value}");
        }
    }
    assert!((all.value().unwrap() - 10.8).abs() < 0.02);
}

/// After 2^32 numbers, too; by a memory that is as full as `u32::MAX` would be.
#[test]
fn weights_halve_without_loss() {
    let mut quantile = Quantile::<1, 2>::with_memory::<16>();
    for k in 0..1000_u16 {
        quantile.observe(f32::from(k % 2));
        let want = if k == 0 { None } else { Some(0.0) };
        // An odd number of them may have one more of 1.
        assert!(quantile.value() == want || quantile.value() == Some(1.0) && k > 16, "{k}");
    }
    let mut constant = Quantile::<1, 2>::with_memory::<4>();
    for _ in 0..1000 {
        assert!(constant.observe(3.0));
    }
    assert_eq!((constant.value(), constant.count()), (Some(3.0), 1000));
}
