//! Schedules, initialisers, metrics and preprocessing against known numbers and their definitions.
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
    assert_eq!(bits, [0x3bdb8342, 0x3ebadc7f, 0x3daf1b90, 0x3e2f8afa]);
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
        "class 2 is not one of 2, counted from 0"
    );
}

#[test]
fn regression_metrics_agree_with_scikit_learn() {
    // The examples of `mean_absolute_error` and `r2_score`; more digits by Python.
    let (mut error, mut fit) = (MeanAbsoluteError::<f64>::new(), RSquared::<1, f64>::new());
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
    assert_eq!((statistics.mean(), statistics.variance()), (&[10010.0], [22.5]));
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

// Initialisers.

#[cfg(feature = "rand_core")]
mod init {
    use core::convert::Infallible;

    use gradlet::{Deltas, GradientVisitor, LayerTrace, Tensor, init, prelude::*};
    use proptest::prelude::*;
    use rand_core::{TryRng, utils};

    /// `SplitMix64` (Steele, Lea, Flood, OOPSLA 2014), which counts its draws.
    struct SplitMix {
        state: u64,
        draws: u32,
    }

    impl SplitMix {
        fn new(seed: u64) -> Self {
            Self { state: seed, draws: 0 }
        }
    }

    impl TryRng for SplitMix {
        type Error = Infallible;

        fn try_next_u64(&mut self) -> Result<u64, Infallible> {
            self.draws += 1;
            self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = self.state;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            Ok(z ^ (z >> 31))
        }
        fn try_next_u32(&mut self) -> Result<u32, Infallible> {
            self.try_next_u64().map(|word| (word >> 32) as u32)
        }
        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
            utils::fill_bytes_via_next_word(bytes, || self.try_next_u64())
        }
    }

    /// Gives the words of a list, then its last word for ever.
    struct Words<'a> {
        words: &'a [u64],
        draws: usize,
    }

    impl<'a> Words<'a> {
        fn new(words: &'a [u64]) -> Self {
            Self { words, draws: 0 }
        }
    }

    impl TryRng for Words<'_> {
        type Error = Infallible;

        fn try_next_u64(&mut self) -> Result<u64, Infallible> {
            let word = self.words[self.draws.min(self.words.len() - 1)];
            self.draws += 1;
            Ok(word)
        }
        fn try_next_u32(&mut self) -> Result<u32, Infallible> {
            self.try_next_u64().map(|word| word as u32)
        }
        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
            utils::fill_bytes_via_next_word(bytes, || self.try_next_u64())
        }
    }

    #[test]
    fn uniform_weights_are_odd_multiples_of_the_last_bit() {
        // The least, the one below 0, the one above 0 and the greatest: by hand.
        let mut single = Dense::<4, 1>::ZERO;
        let words = [0x8000_0000, 0x7FFF_FFFF, 0, 0xFFFF_FFFF];
        init::uniform(&mut single, 1.0, &mut Words::new(&words));
        let last = 1.0 / 16_777_216.0;
        let [above, below_minus, least, greatest] = single.weights().map(|[w]| w);
        assert_eq!([above, least], [last, -last]);
        assert_eq!([below_minus, greatest], [-1.0 + last, 1.0 - last]);

        let mut double = Dense::<4, 1, Sigmoid, f64>::ZERO;
        let words = [1 << 63, u64::MAX >> 1, 0, u64::MAX];
        init::uniform(&mut double, 1.0, &mut Words::new(&words));
        let last = 1.0 / 9_007_199_254_740_992.0;
        assert_eq!(double.weights(), &[[last], [-1.0 + last], [-last], [1.0 - last]]);
    }

    #[test]
    fn uniform_bits_agree_with_python() {
        let mut single = Dense::<3, 2>::ZERO;
        init::he_uniform(&mut single, &mut SplitMix::new(1));
        let bits = single.weights().as_flattened().iter().map(|w| w.to_bits());
        let want = [0x3e40c868, 0x3f31f70a, 0x3faa856d, 0xbfa0e00e, 0xbfa0d74b, 0x3f3e5b19_u32];
        assert!(bits.eq(want));

        let mut double = Dense::<3, 2, Sigmoid, f64>::ZERO;
        init::he_uniform(&mut double, &mut SplitMix::new(1));
        let bits = double.weights().as_flattened().iter().map(|w| w.to_bits());
        let want = [
            0x3fc8190da227a25f,
            0x3fe63ee14bd88d6a,
            0x3ff550adc388864b,
            0xbff41c01cf178299,
            0xbff41ae97da201cd,
            0x3fe7cb634fd6a53f_u64,
        ];
        assert!(bits.eq(want));
    }

    #[test]
    fn normal_weights_agree_with_python() {
        let mut net = Dense::<4, 1, Sigmoid, f64>::ZERO;
        init::lecun_normal(&mut net, &mut SplitMix::new(1));
        let want =
            [0.21472610269200348, 0.7928862667869961, 0.5277619520584297, 0.032261884812772826];
        for ([got], want) in net.weights().iter().zip(want) {
            super::assert_close(*got, want, 1e-15);
        }
    }

    #[test]
    fn normal_bits_stay_the_same() {
        // As first computed here; a change is a change of every network that starts from them.
        let mut net = Dense::<4, 1>::ZERO;
        init::lecun_normal(&mut net, &mut SplitMix::new(1));
        assert_eq!(
            net.weights().map(|[w]| w.to_bits()),
            [0x3e5be125, 0x3f4afa99, 0x3f071b68, 0x3d042513]
        );
    }

    type Net<T> = Chain<Dense<30, 20, Tanh, T>, Dense<20, 10, Identity, T>>;

    /// Second and fourth moments and the greatest size of the weights of both layers, from 400
    /// networks.
    fn moments<T: Scalar>(fill: impl Fn(&mut Net<T>, &mut SplitMix)) -> [[f64; 3]; 2] {
        let mut sums = [[0.0; 3]; 2];
        let mut rng = SplitMix::new(2026);
        for _ in 0..400 {
            let mut net = Net::<T>::new(
                Dense::new([[T::ONE; 20]; 30], [T::ONE; 20]),
                Dense::new([[T::ONE; 10]; 20], [T::ONE; 10]),
            );
            fill(&mut net, &mut rng);
            assert_eq!(net.first().bias(), &[T::ZERO; 20]);
            assert_eq!(net.rest().bias(), &[T::ZERO; 10]);
            let layers =
                [net.first().weights().as_flattened(), net.rest().weights().as_flattened()];
            for (sums, weights) in sums.iter_mut().zip(layers) {
                for w in weights.iter().map(|w| w.to_f64()) {
                    sums[0] += w * w / (weights.len() as f64 * 400.0);
                    sums[1] += w * w * w * w / (weights.len() as f64 * 400.0);
                    sums[2] = sums[2].max(w.abs());
                }
            }
        }
        sums
    }

    /// The variances of the two layers are as wanted to 1.5 %, five standard errors of the smaller
    /// layer.
    fn check<T: Scalar>(
        fill: impl Fn(&mut Net<T>, &mut SplitMix),
        variances: [f64; 2],
        kurtosis: f64,
    ) {
        for ([second, fourth, greatest], want) in moments(fill).into_iter().zip(variances) {
            assert!((second / want - 1.0).abs() < 0.015, "variance {second}, want {want}");
            let got = fourth / (second * second);
            assert!((got / kurtosis - 1.0).abs() < 0.05, "kurtosis {got}, want {kurtosis}");
            if kurtosis < 2.0 {
                let limit = (3.0 * want).sqrt();
                assert!(greatest <= limit * (1.0 + 1e-7) && greatest > 0.999 * limit);
            }
        }
    }

    #[test]
    fn initialisers_have_the_variance_and_shape_of_their_paper() {
        fn both<T: Scalar>() {
            let [xavier, he, lecun] =
                [[2.0 / 50.0, 2.0 / 30.0], [2.0 / 30.0, 2.0 / 20.0], [1.0 / 30.0, 1.0 / 20.0]];
            // E w^4 / (E w^2)^2 is 9/5 for uniform and 3 for normal numbers.
            check::<T>(init::xavier_uniform, xavier, 1.8);
            check::<T>(init::he_uniform, he, 1.8);
            check::<T>(init::lecun_uniform, lecun, 1.8);
            check::<T>(|net, rng| init::uniform(net, T::ONE, rng), [1.0 / 3.0; 2], 1.8);
            check::<T>(init::xavier_normal, xavier, 3.0);
            check::<T>(init::he_normal, he, 3.0);
            check::<T>(init::lecun_normal, lecun, 3.0);
            check::<T>(|net, rng| init::normal(net, T::HALF, rng), [0.25; 2], 3.0);
        }
        both::<f32>();
        both::<f64>();
    }

    #[test]
    fn initialisers_draw_as_often_as_they_say() {
        let (mut net, mut rng) = (Net::<f32>::ZERO, SplitMix::new(3));
        init::he_uniform(&mut net, &mut rng);
        assert_eq!(rng.draws, 30 * 20 + 20 * 10);
        let mut rng = SplitMix::new(3);
        for _ in 0..100 {
            init::he_normal(&mut net, &mut rng);
        }
        let each = f64::from(rng.draws) / 80_000.0;
        super::assert_close(each, 4.0 / core::f64::consts::PI, 0.01);
    }

    #[test]
    fn a_generator_that_is_stuck_does_not_hang() {
        let mut net = Dense::<3, 3>::ZERO;
        let mut rng = Words::new(&[u64::MAX]);
        init::normal(&mut net, 1.0, &mut rng);
        assert_eq!((net, rng.draws), (Dense::ZERO, 5 * 2 * 64));
        let mut items = [0, 1, 2];
        init::shuffle(&mut items, &mut Words::new(&[0]));
        assert_eq!(items, [1, 2, 0]);
    }

    /// `y_i = s_i x_i`, with the factors as another tensor.
    #[derive(Clone, Debug, PartialEq)]
    struct Scale {
        factors: [f32; 2],
    }

    impl Zero for Scale {
        const ZERO: Self = Self { factors: [0.0; 2] };
    }

    impl Layer for Scale {
        type Scalar = f32;
        type Input = [f32; 2];
        type Output = [f32; 2];
        type Activation = Identity;
        type Trace = LayerTrace<[f32; 2], Identity>;
        type Gradient = Self;
        const PARAMS: usize = 2;
        const MACS: usize = 2;

        fn logits(&self, _: &[f32; 2], _: &mut [f32; 2]) {}
        fn input_gradient(
            &self,
            _: &[f32; 2],
            _: &Self::Trace,
            _: &Deltas<Self>,
            _: &mut [f32; 2],
        ) {
        }
        fn gradient<const P: usize, const S: usize>(
            _: [&mut Self; P],
            _: [&mut Self; S],
            _: &[f32; 2],
            _: &Self::Trace,
            _: &Deltas<Self>,
            _: &mut impl GradientVisitor<f32, P, S>,
        ) {
        }
        fn parameters<const S: usize>(
            &self,
            state: [&mut Self; S],
            visit: &mut impl FnMut(Tensor, &[f32], [&mut [f32]; S]),
        ) {
            visit(Tensor::Other, &self.factors, state.map(|s| s.factors.as_mut_slice()));
        }
        fn tensors<const G: usize, const P: usize, const S: usize>(
            gradients: [&Self; G],
            nets: [&mut Self; P],
            state: [&mut Self; S],
            visit: &mut impl FnMut(Tensor, [&[f32]; G], [&mut [f32]; P], [&mut [f32]; S]),
        ) {
            visit(
                Tensor::Other,
                gradients.map(|g| g.factors.as_slice()),
                nets.map(|n| n.factors.as_mut_slice()),
                state.map(|s| s.factors.as_mut_slice()),
            );
        }
    }

    #[test]
    fn initialisers_leave_other_and_frozen_tensors_as_they_are() {
        let old = Dense::<2, 2>::new([[0.5; 2]; 2], [0.25; 2]);
        let first = Chain::new(Scale { factors: [2.0, 3.0] }, Frozen::new(old.clone()));
        let mut net = Chain::new(first.clone(), old);
        init::he_normal(&mut net, &mut SplitMix::new(5));
        assert_eq!(net.first(), &first);
        assert_eq!(net.rest().bias(), &[0.0; 2]);
        assert!(net.rest().weights().as_flattened().iter().all(|w| *w != 0.5));
        init::zeros(&mut net);
        assert_eq!((net.first(), net.rest()), (&first, &Dense::ZERO));
    }

    #[test]
    fn shuffle_agrees_with_python() {
        let mut items = [0, 1, 2, 3, 4, 5, 6, 7];
        init::shuffle(&mut items, &mut SplitMix::new(1));
        assert_eq!(items, [0, 3, 7, 1, 2, 6, 5, 4]);
    }

    #[test]
    fn shuffle_makes_each_order_equally_often() {
        let mut counts = [0_u32; 256];
        let mut rng = SplitMix::new(7);
        for _ in 0..24_000 {
            let mut items = [0, 1, 2, 3];
            init::shuffle(&mut items, &mut rng);
            counts[items.iter().fold(0, |code, item| 4 * code + item)] += 1;
        }
        let counts: Vec<u32> = counts.into_iter().filter(|&count| count > 0).collect();
        assert_eq!(counts.len(), 24);
        // Chi squared with 23 degrees of freedom is above 49.7 once in a thousand.
        let squares = counts.iter().map(|&count| (f64::from(count) - 1000.0).powi(2) / 1000.0);
        let chi_squared: f64 = squares.sum();
        assert!(chi_squared < 49.7, "{chi_squared}");
    }

    #[test]
    fn shuffle_refuses_the_draws_that_would_favour_a_choice() {
        // 2^32 is 1 modulo 3, so of three choices the draw 0 is one too many. Of two none is.
        let (mut items, mut rng) = ([0, 1, 2], Words::new(&[0, 0xFFFF_FFFF, 0]));
        init::shuffle(&mut items, &mut rng);
        assert_eq!((items, rng.draws), ([1, 0, 2], 3));
    }

    proptest! {
        #[test]
        fn shuffle_is_a_permutation(seed: u64, length in 0_usize..200) {
            let mut items: Vec<usize> = (0..length).collect();
            let mut rng = SplitMix::new(seed);
            init::shuffle(&mut items, &mut rng);
            prop_assert!(rng.draws as usize <= length.saturating_sub(1) + 1);
            prop_assert!(rng.draws as usize >= length.saturating_sub(1));
            items.sort_unstable();
            prop_assert!(items.into_iter().eq(0..length));
        }
    }
}
