//! Schedules, metrics and preprocessing against known numbers and their definitions.
//!
//! Numbers "by Python" were computed in `f64` with its `math` and `fractions` modules.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "tests may panic, and exact numbers are meant"
)]

use gradlet::metrics::{
    Accuracy, ClassError, ConfusionMatrix, LossMeter, MeanAbsoluteError, RSquared, argmax,
};
use gradlet::prelude::*;
use gradlet::preprocess::{MinMax, Scaling, Standardize, one_hot};
use gradlet::schedule;
use proptest::prelude::*;

#[track_caller]
fn assert_close(got: f64, want: f64, allowed: f64) {
    assert!((got - want).abs() <= allowed, "got {got:e}, want {want:e}");
}

// Schedules.

#[test]
fn schedules_agree_with_python() {
    assert_close(schedule::step_decay(0.1, 0.1, 30, 65), 0.1 * 0.01, 1e-18);
    assert_close(schedule::exponential(0.05, 0.99, 200), 0.006698983742898086, 1e-17);
    assert_close(schedule::inverse_time(0.5, 0.01, 37), 0.36496350364963503, 1e-16);
    assert_close(schedule::cosine(0.1, 0.001, 100, 25), 0.0855017856687341, 1e-16);
    assert_close(schedule::warm_up(0.3, 6, 3), 0.2, 1e-16);
}

#[test]
fn schedules_of_length_zero_are_defined() {
    for step in [0, 1, u32::MAX] {
        assert_eq!(schedule::step_decay(0.1, 0.5, 0, step), 0.1);
        assert_eq!(schedule::cosine(0.1, 0.02, 0, step), 0.02);
        assert_eq!(schedule::warm_up(0.1, 0, step), 0.1);
    }
}

#[test]
fn schedules_are_defined_at_the_last_step_number() {
    assert_eq!(schedule::step_decay(1.0_f32, 0.5, 1, u32::MAX), 0.0);
    assert_eq!(schedule::exponential(1.0_f32, 0.5, u32::MAX), 0.0);
    assert_eq!(schedule::exponential(1.0_f32, 1.0, u32::MAX), 1.0);
    assert_close(schedule::inverse_time(1.0, 1.0, u32::MAX), 1.0 / 4294967296.0, 0.0);
    assert_eq!(schedule::cosine(0.1_f32, 0.02, u32::MAX, u32::MAX), 0.02);
    assert_eq!(schedule::warm_up(0.1_f32, u32::MAX, u32::MAX), 0.1);
}

#[test]
fn schedule_bits_stay_the_same() {
    // As first computed here; a change is a change of every training run that uses them.
    let bits = [
        schedule::exponential(0.05_f32, 0.99, 200),
        schedule::inverse_time(0.5, 0.01, 37),
        schedule::cosine(0.1, 0.001, 100, 25),
        schedule::warm_up(0.3, 7, 3),
    ]
    .map(f32::to_bits);
    assert_eq!(bits, [0x3bdb8342, 0x3ebadc7f, 0x3daf1b8f, 0x3e2f8afa]);
}

proptest! {
    #[test]
    fn cosine_falls_from_initial_to_last(steps in 1_u32..500, last in 0.0..0.09_f64) {
        let rates: Vec<f64> = (0..=steps).map(|k| schedule::cosine(0.1, last, steps, k)).collect();
        prop_assert_eq!((rates[0], rates[rates.len() - 1]), (0.1, last));
        prop_assert!(rates.windows(2).all(|pair| pair[1] < pair[0]));
        // Symmetric about the middle.
        for (early, late) in rates.iter().zip(rates.iter().rev()) {
            prop_assert!((early + late - (0.1 + last)).abs() < 1e-15);
        }
    }

    #[test]
    fn warm_up_rises_in_equal_parts_and_ends_at_the_rate(steps in 1_u32..500, step in 0_u32..1000) {
        let rate = schedule::warm_up(0.8_f64, steps, step);
        let want = 0.8 * f64::from((step + 1).min(steps)) / f64::from(steps);
        prop_assert!((rate - want).abs() < 1e-15);
        prop_assert!(rate > 0.0 && rate <= 0.8);
    }
}

// Metrics.

#[test]
fn argmax_takes_the_first_of_the_largest_and_never_nan() {
    const NAN: f32 = f32::NAN;
    let low = f32::NEG_INFINITY;
    assert_eq!(argmax(&[1.0, 3.0, 3.0, 2.0]), Some(1));
    assert_eq!(argmax(&[NAN, -2.0, NAN, -1.0, NAN]), Some(3));
    assert_eq!(argmax(&[low, low]), Some(0));
    assert_eq!(argmax(&[NAN, low]), Some(1));
    assert_eq!(argmax(&[NAN, NAN]), None);
    assert_eq!(argmax::<f64>(&[]), None);
}

#[test]
fn accuracy_counts_nan_as_wrong() {
    let mut accuracy = Accuracy::new();
    accuracy.observe(&[f32::NAN; 2], &[f32::NAN; 2]);
    accuracy.observe(&[f32::NAN], &[f32::NAN]);
    accuracy.observe_each(&[f32::NAN, 0.9], &[0.0, 1.0]);
    assert_eq!((accuracy.correct(), accuracy.count()), (1, 4));
}

#[test]
fn accuracy_of_a_single_output_is_by_threshold() {
    let mut accuracy = Accuracy::new();
    for (y, t) in [(0.5, 0.0), (0.50001, 1.0), (0.9, 0.0), (0.1, 1.0)] {
        accuracy.observe(&[y], &[t]);
    }
    assert_eq!((accuracy.correct(), accuracy.count(), accuracy.ratio()), (2, 4, Some(0.5)));
}

/// The example of scikit-learn's `confusion_matrix`.
fn confusion() -> ConfusionMatrix<3> {
    let mut matrix = ConfusionMatrix::new();
    for (target, output) in [(2, 0), (0, 0), (2, 2), (2, 2), (0, 0), (1, 2)] {
        let (y, t) = (one_hot::<3, f32>(output).unwrap(), one_hot::<3, f32>(target).unwrap());
        matrix.observe(&y, &t).unwrap();
    }
    matrix
}

#[test]
fn confusion_matrix_agrees_with_scikit_learn() {
    let matrix = confusion();
    assert_eq!(matrix.counts(), &[[2, 0, 0], [0, 0, 1], [1, 0, 2]]);
    assert_eq!(matrix.precision(), [Some(2.0 / 3.0), None, Some(2.0 / 3.0)]);
    assert_eq!(matrix.recall(), [Some(1.0), Some(0.0), Some(2.0 / 3.0)]);
    assert_eq!((matrix.count(), matrix.accuracy()), (6, Some(4.0 / 6.0)));
    let empty = ConfusionMatrix::<3>::new();
    assert_eq!((empty.recall(), empty.precision(), empty.accuracy()), ([None; 3], [None; 3], None));
}

#[test]
fn confusion_matrix_prints_a_table() {
    let table = "\
target \\ output      0      1      2 recall
0                    2      0      0  1.000
1                    0      0      1  0.000
2                    1      0      2  0.667
precision        0.667      -  0.667  0.667
";
    assert_eq!(confusion().to_string(), table);
}

#[test]
fn confusion_matrix_refuses_what_is_no_class_and_counts_nothing() {
    let mut matrix = ConfusionMatrix::<2>::new();
    let out_of_range = |class| Err(ClassError::OutOfRange { class, classes: 2 });
    assert_eq!(matrix.record(2, 0), out_of_range(2));
    assert_eq!(matrix.record(0, usize::MAX), out_of_range(usize::MAX));
    assert_eq!(matrix.observe(&[f32::NAN; 2], &[0.0, 1.0]), Err(ClassError::NoClass));
    assert_eq!(matrix.observe(&[0.0, 1.0], &[f32::NAN; 2]), Err(ClassError::NoClass));
    assert_eq!(matrix.observe_binary(&[f32::NAN], &[1.0]), Err(ClassError::NoClass));
    assert_eq!(matrix, ConfusionMatrix::new());
    assert_eq!(
        matrix.record(2, 0).unwrap_err().to_string(),
        "class 2 is out of range: there are 2 classes, counted from 0"
    );
}

#[test]
fn regression_metrics_agree_with_scikit_learn() {
    // The examples of `mean_absolute_error` and `r2_score`; more digits by Python.
    let (mut error, mut fit) = (MeanAbsoluteError::<f64>::new(), RSquared::<1, f64>::new());
    assert_eq!((error.mean(), fit.mean()), (None, None));
    for (y, t) in [(2.5, 3.0), (0.0, -0.5), (2.0, 2.0), (8.0, 7.0)] {
        error.observe(&[y], &[t]);
        fit.observe(&[y], &[t]);
    }
    assert_eq!(error.mean(), Some(0.5));
    assert_close(fit.mean().unwrap(), 0.9486081370449678, 1e-15);

    let (mut error, mut fit) = (MeanAbsoluteError::<f64>::new(), RSquared::<2, f64>::new());
    for (y, t) in [([0.0, 2.0], [0.5, 1.0]), ([-1.0, 2.0], [-1.0, 1.0]), ([8.0, -5.0], [7.0, -6.0])]
    {
        error.observe(&y, &t);
        fit.observe(&y, &t);
    }
    assert_eq!(error.mean(), Some(0.75));
    let [first, second] = fit.each().map(Option::unwrap);
    assert_close(first, 0.9654377880184332, 1e-15);
    assert_close(second, 0.9081632653061225, 1e-15);
    assert_close(fit.mean().unwrap(), 0.9368005266622779, 1e-15);
}

#[test]
fn r_squared_of_constant_targets_is_none() {
    let mut fit = RSquared::<2>::new();
    assert_eq!(fit.each(), [None, None]);
    for t in [0.1, 0.2, 0.3] {
        fit.observe(&[t, 0.5], &[t, 0.7]);
    }
    assert_eq!((fit.each(), fit.mean()), ([Some(1.0), None], None));
    // Nor is there one of no outputs at all.
    let mut fit = RSquared::<0>::new();
    fit.observe(&[], &[]);
    assert_eq!(fit.mean(), None);
}

#[test]
fn means_of_many_small_numbers_lose_no_digits() {
    // A plain sum of a million times 0.1 in f32 is 100958.34.
    let (mut meter, mut error) = (LossMeter::<f32>::new(), MeanAbsoluteError::<f32>::new());
    for _ in 0..1_000_000 {
        meter.observe(0.1);
        error.observe(&[0.2], &[0.3]);
    }
    assert_eq!(meter.mean(), Some(0.1));
    assert_close(error.mean().unwrap().into(), 0.1, 2e-8);
}

#[test]
fn loss_meter_never_has_nan_as_its_lowest() {
    let mut meter = LossMeter::<f64>::new();
    assert_eq!((meter.mean(), meter.last(), meter.min(), meter.count()), (None, None, None, 0));
    meter.observe(f64::NAN);
    assert_eq!((meter.min(), meter.count()), (None, 1));
    meter.observe(2.0);
    meter.observe(f64::NAN);
    meter.observe(3.0);
    assert_eq!((meter.last(), meter.min(), meter.count()), (Some(3.0), Some(2.0), 4));
    assert!(meter.mean().unwrap().is_nan());
    meter.observe(1.0);
    assert_eq!((meter.last(), meter.min(), meter.count()), (Some(1.0), Some(1.0), 5));
}

proptest! {
    #[test]
    fn r_squared_equals_two_passes(
        pairs in prop::collection::vec((-1.0..1.0_f64, -1.0..1.0_f64), 2..60),
        mean in -1e6..1e6_f64,
    ) {
        let pairs: Vec<_> = pairs.into_iter().map(|(y, t)| (mean + y, mean + t)).collect();
        let mut fit = RSquared::<1, f64>::new();
        for &(y, t) in &pairs {
            fit.observe(&[y], &[t]);
        }
        let mean = pairs.iter().map(|(_, t)| t).sum::<f64>() / pairs.len() as f64;
        let total: f64 = pairs.iter().map(|(_, t)| (t - mean) * (t - mean)).sum();
        let residual: f64 = pairs.iter().map(|(y, t)| (t - y) * (t - y)).sum();
        prop_assume!(total > 1e-3);
        let (got, want) = (fit.mean().unwrap(), 1.0 - residual / total);
        prop_assert!((got - want).abs() <= 1e-6 * (1.0 + want.abs()), "{} {}", got, want);
    }
}

// Preprocessing.

/// Examples of three features: one around 0, one on a constant of up to 10^4, one constant.
fn examples() -> impl Strategy<Value = Vec<[f64; 3]>> {
    let rows = prop::collection::vec((-2.0..2.0_f64, -0.5..0.5_f64), 2..40);
    (rows, -1e4..1e4_f64)
        .prop_map(|(rows, mean)| rows.into_iter().map(|(a, b)| [a, mean + b, mean]).collect())
}

proptest! {
    #[test]
    fn standardize_equals_two_passes(rows in examples()) {
        let mut statistics = Standardize::<3, f64>::new();
        for row in &rows {
            prop_assert!(statistics.observe(row));
        }
        let n = rows.len() as f64;
        for i in 0..3 {
            let mean = rows.iter().map(|r| r[i]).sum::<f64>() / n;
            let variance = rows.iter().map(|r| (r[i] - mean) * (r[i] - mean)).sum::<f64>() / n;
            prop_assert!((statistics.mean()[i] - mean).abs() <= 1e-11);
            prop_assert!((statistics.variance()[i] - variance).abs() <= 1e-9);
        }
        prop_assert_eq!(statistics.variance()[2], 0.0);
    }

    #[test]
    fn standardized_examples_have_mean_0_and_variance_1(rows in examples()) {
        let (mut before, mut after) = (Standardize::<3, f64>::new(), Standardize::<3, f64>::new());
        rows.iter().for_each(|row| assert!(before.observe(row)));
        prop_assume!(before.variance()[0] > 1e-2 && before.variance()[1] > 1e-2);
        rows.iter().for_each(|row| assert!(after.observe(&before.transform(row))));
        for (got, want) in after.variance().iter().zip([1.0, 1.0, 0.0]) {
            prop_assert!((got - want).abs() < 1e-8);
        }
        prop_assert!(after.mean().iter().all(|mean| mean.abs() < 1e-8));
    }

    #[test]
    fn min_max_brings_all_examples_to_0_to_1(rows in examples()) {
        let mut range = MinMax::<3, f64>::new();
        rows.iter().for_each(|row| assert!(range.observe(row)));
        prop_assert_eq!(range.count() as usize, rows.len());
        let scaled: Vec<_> = rows.iter().map(|row| range.transform(row)).collect();
        for i in 0..2 {
            let column = || scaled.iter().map(|row| row[i]);
            prop_assert_eq!(column().fold(f64::INFINITY, f64::min), 0.0);
            prop_assert_eq!(column().fold(f64::NEG_INFINITY, f64::max), 1.0);
        }
        prop_assert!(scaled.iter().all(|row| row[2] == 0.0));
    }

    #[test]
    fn transform_then_inverse_is_the_identity(rows in examples()) {
        let (mut statistics, mut range) = (Standardize::<3, f64>::new(), MinMax::<3, f64>::new());
        rows.iter().for_each(|row| assert!(statistics.observe(row) && range.observe(row)));
        for row in &rows {
            let back = [
                statistics.inverse(&statistics.transform(row)),
                range.inverse(&range.transform(row)),
            ];
            for (x, back) in back.iter().flat_map(|back| row.iter().zip(back)) {
                prop_assert!((x - back).abs() <= 1e-11, "{} {}", x, back);
            }
        }
    }

    #[test]
    fn folding_equals_preprocessing(
        rows in examples(),
        weights in prop::array::uniform3(prop::array::uniform2(-1.0..1.0_f64)),
        last in prop::array::uniform2(prop::array::uniform2(-1.0..1.0_f64)),
        bias in prop::array::uniform2(-1.0..1.0_f64),
    ) {
        let (mut inputs, mut range) = (Standardize::<3, f64>::new(), MinMax::<3, f64>::new());
        let mut targets = Standardize::<2, f64>::new();
        for row in &rows {
            assert!(inputs.observe(row) && range.observe(row));
            assert!(targets.observe(&[row[1], 100.0 * row[0]]));
        }
        prop_assume!(inputs.variance()[0] > 1e-4 && inputs.variance()[1] > 1e-4);
        let net: Mlp<3, 2, 2, Tanh, Identity, f64> =
            Chain::new(Dense::new(weights, bias), Dense::new(last, bias));
        let (mut standardized, mut ranged) = (net.clone(), net.clone());
        inputs.fold_into(standardized.first_mut());
        targets.fold_into_output(standardized.rest_mut());
        range.fold_into(ranged.first_mut());
        range_of(&targets).fold_into_output(ranged.rest_mut());
        for x in &rows {
            let want = targets.inverse(&net.forward(&inputs.transform(x)));
            for (got, want) in standardized.forward(x).iter().zip(want) {
                prop_assert!((got - want).abs() <= 1e-6 * (1.0 + want.abs()), "{} {}", got, want);
            }
            let want = range_of(&targets).inverse(&net.forward(&range.transform(x)));
            for (got, want) in ranged.forward(x).iter().zip(want) {
                prop_assert!((got - want).abs() <= 1e-6 * (1.0 + want.abs()), "{} {}", got, want);
            }
        }
    }

    #[test]
    fn one_hot_is_the_inverse_of_argmax(class in 0_usize..7) {
        let target = one_hot::<5, f64>(class);
        prop_assert_eq!(target.and_then(|t| argmax(&t)), (class < 5).then_some(class));
        prop_assert_eq!(target.map(|t| t.iter().sum::<f64>()), (class < 5).then_some(1.0));
    }
}

/// A range of one deviation on both sides of the mean.
fn range_of(statistics: &Standardize<2, f64>) -> MinMax<2, f64> {
    let mut range = MinMax::new();
    assert!(range.observe(&statistics.inverse(&[-1.0, -1.0])));
    assert!(range.observe(&statistics.inverse(&[1.0, 1.0])));
    range
}

#[test]
fn standardize_keeps_its_digits_on_a_large_mean() {
    // 10000 + {4, 7, 13, 16}: the textbook formula E(x^2) - E(x)^2 has no digit left in f32.
    let mut statistics = Standardize::<1>::new();
    for x in [10004.0, 10007.0, 10013.0, 10016.0] {
        assert!(statistics.observe(&[x]));
    }
    assert_eq!((statistics.mean(), statistics.variance()), ([10010.0], [22.5]));
}

#[test]
fn scaling_without_variation_changes_nothing_but_the_offset() {
    let (mut statistics, mut range) = (Standardize::<1>::new(), MinMax::<1>::new());
    assert_eq!((statistics.transform(&[3.0]), range.transform(&[3.0])), ([3.0], [3.0]));
    for _ in 0..1000 {
        assert!(statistics.observe(&[0.1]) && range.observe(&[0.1]));
    }
    assert_eq!((statistics.transform(&[0.1]), range.transform(&[0.1])), ([0.0], [0.0]));
    assert_eq!((statistics.inverse(&[0.0]), range.inverse(&[0.0])), ([0.1], [0.1]));
    let mut layer = Dense::<1, 1, Identity>::new([[2.0]], [1.0]);
    statistics.fold_into(&mut layer);
    assert_eq!(layer.forward(&[0.1]), [1.0]);
}

#[test]
fn examples_that_are_not_finite_are_left_out() {
    let (mut statistics, mut range) = (Standardize::<2>::new(), MinMax::<2>::new());
    assert!(statistics.observe(&[-1.0, -2.0]) && range.observe(&[-1.0, -2.0]));
    let (statistics_before, range_before) = (statistics.clone(), range.clone());
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert!(!statistics.observe(&[0.0, bad]) && !range.observe(&[bad, 0.0]));
    }
    assert_eq!((&statistics, &range), (&statistics_before, &range_before));
    assert_eq!((statistics.count(), range.count()), (1, 1));
    assert_eq!((range.min(), range.max()), (&[-1.0, -2.0], &[-1.0, -2.0]));
}

#[test]
fn scaling_agrees_with_numbers_by_hand() {
    let scaling = Scaling::new([10.0, -4.0], [2.0, 0.5]);
    assert_eq!(scaling.transform(&[13.0, -5.0]), [1.5, -2.0]);
    let mut layer = Dense::<2, 1, Identity>::new([[4.0], [3.0]], [1.0]);
    scaling.fold_into(&mut layer);
    // w = 4 / 2, 3 / 0.5; b = 1 - 2 * 10 + 6 * 4
    assert_eq!(layer, Dense::new([[2.0], [6.0]], [5.0]));
    let mut layer = Dense::<1, 2, Identity>::new([[4.0, 3.0]], [1.0, 2.0]);
    scaling.fold_into_output(&mut layer);
    // w = 4 * 2, 3 * 0.5; b = 1 * 2 + 10, 2 * 0.5 - 4
    assert_eq!(layer, Dense::new([[8.0, 1.5]], [12.0, -3.0]));
}
