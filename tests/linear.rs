//! Linear layers by least squares, against `numpy.linalg.lstsq`; `tests/python/linear.py` made the
//! numbers.
#![cfg(feature = "nalgebra-v0.35")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "tests may panic"
)]

use core::iter;
use std::fs;
use std::io::Read;

use flate2::read::GzDecoder;
use gradlet::linear::{
    LeastSquares, LeastSquaresError, RecursiveLeastSquares, RecursiveLeastSquaresError,
};
use gradlet::prelude::*;
use gradlet::preprocess::one_hot;
use nalgebra::{Const, DimMin, RealField};
use proptest::prelude::*;
use support::{Json, assert_all_close, dense, flat, tolerance};

type Linear<const IN: usize, const OUT: usize, T = f64> = Dense<IN, OUT, Identity, T>;
type Examples<const IN: usize, const OUT: usize> = Vec<([f64; IN], [f64; OUT])>;

fn golden(name: &str) -> Json<'static> {
    Json::file("linear").at(name)
}

fn examples<const IN: usize, const OUT: usize>(case: Json<'_>) -> Examples<IN, OUT> {
    let (x, t) = (case.at("x").list(), case.at("t").list());
    x.iter().zip(t).map(|(x, t)| (x.array(), t.array())).collect()
}

fn observed<const IN: usize, const OUT: usize, T: Scalar>(
    examples: &Examples<IN, OUT>,
) -> LeastSquares<IN, OUT, T> {
    let mut fit = LeastSquares::new();
    for (x, t) in examples {
        fit.observe(&x.map(T::from_f64), &t.map(T::from_f64)).unwrap();
    }
    assert_eq!(fit.count() as usize, examples.len());
    fit
}

/// Asserts the golden weights, absolutely by the largest of them.
#[track_caller]
fn assert_layer<const IN: usize, const OUT: usize, T: Scalar>(
    got: &Linear<IN, OUT, T>,
    case: Json<'_>,
    relative: f64,
) {
    let want = flat::<_, Linear<IN, OUT>>(&dense(case.at("w"), case.at("b")));
    assert_flat(&flat(got), &want, relative);
}

#[track_caller]
fn assert_flat(got: &[f64], want: &[f64], relative: f64) {
    let allowed = relative * want.iter().fold(0.0_f64, |most, w| most.max(w.abs()));
    for (got, want) in got.iter().zip(want) {
        assert!((got - want).abs() <= allowed, "{got} {want}: off by {:e}", (got - want).abs());
    }
}

// All at once

fn full_rank<const IN: usize, const OUT: usize>(case: Json<'_>)
where
    Const<IN>: DimMin<Const<IN>, Output = Const<IN>>,
{
    let examples = examples::<IN, OUT>(case);
    let fit = observed::<IN, OUT, f64>(&examples);
    assert_layer(&fit.solve().unwrap(), case, tolerance::LEAST_SQUARES_F64);
    assert_layer(&fit.minimum_norm().unwrap(), case, tolerance::LEAST_SQUARES_F64);
    let errors = case.at("error").numbers();
    assert_all_close("error", &fit.mean_squared_error(), &errors, tolerance::LEAST_SQUARES_F64);
    let single = observed::<IN, OUT, f32>(&examples);
    assert_layer(&single.solve().unwrap(), case, tolerance::LEAST_SQUARES_F32);
    assert_layer(&single.minimum_norm().unwrap(), case, tolerance::LEAST_SQUARES_F32);
}

#[test]
fn solve_matches_numpy() {
    full_rank::<4, 1>(golden("full_rank").at("one_output"));
    full_rank::<3, 4>(golden("full_rank").at("several_outputs"));
}

#[test]
fn solve_keeps_the_digits_that_normal_equations_lose() {
    let case = golden("polynomial");
    let fit = observed::<8, 1, f64>(&examples(case));
    assert_layer(&fit.solve().unwrap(), case, tolerance::POLYNOMIAL_F64);
    assert_layer(&fit.minimum_norm().unwrap(), case, tolerance::POLYNOMIAL_F64);
    assert!(case.at("normal_equations_are_off_by").number() > 1000.0 * tolerance::POLYNOMIAL_F64);
}

fn minimum_norm<const IN: usize>(name: &str, refused: LeastSquaresError)
where
    Const<IN>: DimMin<Const<IN>, Output = Const<IN>>,
{
    let case = golden("minimum_norm").at(name);
    let examples = examples::<IN, 2>(case);
    let fit = observed::<IN, 2, f64>(&examples);
    assert_eq!(fit.solve(), Err(refused), "{name}");
    assert_layer(&fit.minimum_norm().unwrap(), case, tolerance::LEAST_SQUARES_F64);
    let single = observed::<IN, 2, f32>(&examples);
    assert_eq!(single.solve(), Err(refused), "{name}");
    assert_layer(&single.minimum_norm().unwrap(), case, tolerance::LEAST_SQUARES_F32);
}

#[test]
fn minimum_norm_matches_numpy_where_solve_names_the_input() {
    minimum_norm::<4>("duplicate", LeastSquaresError::Dependent { input: 2 });
    minimum_norm::<4>("constant", LeastSquaresError::Dependent { input: 1 });
    minimum_norm::<4>("sum", LeastSquaresError::Dependent { input: 3 });
    minimum_norm::<7>("few_examples", LeastSquaresError::TooFewExamples { expected: 8, found: 4 });
    minimum_norm::<3>("one_example", LeastSquaresError::TooFewExamples { expected: 4, found: 1 });
}

#[test]
fn sums_of_inputs_are_found_among_many_examples() {
    // However many rows are rotated in, there is no more rounding.
    let mut rng = support::Rng(5);
    let mut fit = LeastSquares::<4, 1>::new();
    for n in 1..=1 << 17 {
        let [a, b] = rng.array(-1.0, 1.0);
        fit.observe(&[a, b + 3.0, 0.5 * a - 2.0 * b, a], &[a]).unwrap();
        if n >= 8 && i32::count_ones(n) == 1 {
            assert_eq!(fit.solve(), Err(LeastSquaresError::Dependent { input: 2 }), "{n}");
            let layer = fit.minimum_norm().unwrap();
            let [[w, _, sum, other]] = layer.rows();
            let slope = f64::from(w + 0.5 * sum + other);
            assert_flat(&[slope], &[1.0], tolerance::LEAST_SQUARES_F32);
            assert_flat(&[w.into()], &[other.into()], tolerance::LEAST_SQUARES_F32);
        }
    }
}

/// What is left of one input must be more than 17 epsilons of its size, of the second of two 18.
#[test]
fn inputs_count_as_dependent_up_to_the_rounding_that_is_promised() {
    fn dependent<T: Scalar + RealField + From<f32>>(epsilons: f32) -> [bool; 3] {
        let little = T::from(epsilons) * T::EPSILON;
        let mut by_another = LeastSquares::<2, 1, T>::new();
        let mut by_the_mean = LeastSquares::<1, 1, T>::new();
        for (a, b) in [(1.0, 1.0), (-1.0, 1.0), (1.0, -1.0), (-1.0, -1.0)] {
            let (a, b) = (T::from(a), T::from(b));
            by_another.observe(&[a, a + b * little], &[b]).unwrap();
            by_the_mean.observe(&[T::ONE + a * little], &[a]).unwrap();
        }
        // The other direction has a weight of `1 / little`, if it has one.
        let largest = by_another.minimum_norm().unwrap().weights()[0][0];
        [
            by_another.solve() == Err(LeastSquaresError::Dependent { input: 1 }),
            by_the_mean.solve() == Err(LeastSquaresError::Dependent { input: 0 }),
            Number::abs(largest) < T::ONE,
        ]
    }
    for within in [10.0, 15.0] {
        assert_eq!((dependent::<f32>(within), dependent::<f64>(within)), ([true; 3], [true; 3]));
    }
    for above in [20.0, 30.0] {
        assert_eq!((dependent::<f32>(above), dependent::<f64>(above)), ([false; 3], [false; 3]));
    }
}

fn gunzip(name: &str, header: usize) -> Vec<u8> {
    let path = format!("{}/examples/data/digits8x8-{name}-ubyte.gz", env!("CARGO_MANIFEST_DIR"));
    let mut bytes = Vec::new();
    GzDecoder::new(fs::File::open(path).unwrap()).read_to_end(&mut bytes).unwrap();
    bytes.split_off(header)
}

#[test]
fn digits_match_numpy() {
    let case = golden("digits");
    let (images, labels) = (gunzip("images-idx3", 16), gunzip("labels-idx1", 8));
    let pictures = images.as_chunks::<64>().0.iter().map(|pixels| pixels.map(f64::from));
    let targets = labels.iter().map(|&label| one_hot::<10, f64>(label.into()).unwrap());
    let examples: Examples<64, 10> = pictures.zip(targets).collect();
    let fit = observed::<64, 10, f64>(&examples);
    // The first pixel is never lit.
    assert_eq!(fit.solve(), Err(LeastSquaresError::Dependent { input: 0 }));
    let layer = fit.minimum_norm().unwrap();
    assert_layer(&layer, case, tolerance::LEAST_SQUARES_F64);
    let mut accuracy = gradlet::metrics::Accuracy::new();
    examples.iter().for_each(|(x, t)| accuracy.observe(&layer.forward(x), t));
    assert_eq!(accuracy.correct() as usize, case.at("right").count());

    let single = observed::<64, 10, f32>(&examples).minimum_norm().unwrap();
    assert_layer(&single, case, tolerance::LEAST_SQUARES_F32);
}

#[test]
fn observe_changes_nothing_when_a_number_is_not_finite() {
    let mut fit = LeastSquares::<2, 1>::new();
    fit.observe(&[-1e38, 2.0], &[3.0]).unwrap();
    let before = fit.clone();
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 3e38] {
        for x in [[bad, 1.0], [1.0, bad]] {
            if bad == 3e38 && x[1] == bad {
                continue; // 3e38 - 2.0 is finite.
            }
            assert_eq!(fit.observe(&x, &[1.0]), Err(LeastSquaresError::NotFinite));
        }
        if bad != 3e38 {
            assert_eq!(fit.observe(&[1.0, 1.0], &[bad]), Err(LeastSquaresError::NotFinite));
        }
        assert_eq!(fit, before);
    }
}

#[test]
fn numbers_may_be_tiny_or_huge() {
    for scale in [1e-30_f32, 1e-20, 1.0, 1e20, 1e30] {
        let mut fit = LeastSquares::<2, 1>::new();
        for [a, b] in [[1.0, 2.0], [2.0, -1.0], [0.0, 3.0], [4.0, 1.0]] {
            fit.observe(&[scale * a, scale * b], &[2.0 * a - b + 5.0]).unwrap();
        }
        for layer in [fit.solve().unwrap(), fit.minimum_norm().unwrap()] {
            let got =
                [layer.weights()[0][0] * scale, layer.weights()[1][0] * scale, layer.bias()[0]];
            assert_flat(&got.map(f64::from), &[2.0, -1.0, 5.0], tolerance::LEAST_SQUARES_F32);
        }
    }
}

#[test]
fn overflow_is_told() {
    let mut fit = LeastSquares::<1, 1>::new();
    for x in [0.0, 3e-38, 6e-38_f32] {
        fit.observe(&[x], &[x * 1e38 * 1e35]).unwrap();
    }
    assert_eq!(fit.solve(), Err(LeastSquaresError::NotFinite));
    assert_eq!(fit.minimum_norm(), Err(LeastSquaresError::NotFinite));
}

#[test]
fn errors_without_squares_are_nan() {
    let mut fit = LeastSquares::<1, 1>::new();
    for (x, t) in [(0.0, 0.0), (1.0, 1e25), (2.0, 0.0)] {
        fit.observe(&[x], &[t]).unwrap();
    }
    let layer = fit.solve().unwrap();
    assert!((layer.bias()[0] / 1e25 * 3.0 - 1.0).abs() < 1e-5, "{layer:?}");
    assert!(fit.mean_squared_error()[0].is_nan());
}

#[test]
fn nothing_observed_is_too_few() {
    let fit = LeastSquares::<2, 1>::default();
    let error = |expected| Err(LeastSquaresError::TooFewExamples { expected, found: 0 });
    assert_eq!((fit.solve(), fit.minimum_norm()), (error(3), error(1)));
    assert_eq!(fit.mean_squared_error(), [0.0]);
}

#[test]
fn without_inputs_the_bias_is_the_mean() {
    let mut fit = LeastSquares::<0, 1, f64>::new();
    fit.observe(&[], &[1.0]).unwrap();
    fit.observe(&[], &[4.0]).unwrap();
    assert_eq!(fit.solve().unwrap().bias(), &[2.5]);
    assert_eq!(fit.minimum_norm().unwrap().bias(), &[2.5]);
    assert_all_close("error", &fit.mean_squared_error(), &[2.25], tolerance::LEAST_SQUARES_F64);
}

// Example by example

fn recursive<T: Scalar>(case: Json<'_>) -> Linear<3, 4, T> {
    let number = |key: &str| T::from_f64(case.at(key).number());
    let (w, b) = (case.at("start").at("w"), case.at("start").at("b"));
    let mut layer = dense::<3, 4, Identity, T>(w, b);
    let mut trainer =
        RecursiveLeastSquares::new(number("regularisation"), number("forgetting")).unwrap();
    let mut judge = Trainer::<_, HalfSquaredError, Sgd<T>>::new();
    for (x, t) in examples::<3, 4>(case) {
        let (x, t) = (x.map(T::from_f64), t.map(T::from_f64));
        let loss = judge.evaluate(&layer, &x, &t);
        assert_eq!(trainer.step(&mut layer, &x, &t), loss);
    }
    layer
}

#[test]
fn recursive_least_squares_matches_numpy() {
    for name in ["ridge", "from_a_layer", "forgetting"] {
        let case = golden("recursive").at(name);
        assert_layer(&recursive::<f64>(case), case, tolerance::LEAST_SQUARES_F64);
        assert_layer(&recursive::<f32>(case), case, tolerance::LEAST_SQUARES_F32);
    }
}

#[test]
fn step_changes_nothing_when_a_number_is_not_finite() {
    let mut layer = Linear::<2, 1, f32>::new([[0.0], [1.0]], [0.5]);
    let mut trainer = RecursiveLeastSquares::new(0.1, 0.9).unwrap();
    trainer.step(&mut layer, &[1.0, 2.0], &[3.0]);
    let before = (layer.clone(), trainer.clone());
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e38] {
        for (x, t) in [([bad, 1.0], [1.0]), ([1.0, bad], [1.0]), ([1.0, 1.0], [bad])] {
            assert!(!trainer.step(&mut layer, &x, &t).is_finite());
            assert_eq!((&layer, &trainer), (&before.0, &before.1));
        }
    }
    let mut broken = Linear::<2, 1, f32>::new([[f32::NAN], [1.0]], [0.5]);
    assert!(trainer.step(&mut broken, &[1.0, 1.0], &[1.0]).is_nan());
    assert_eq!((broken.bias(), &trainer), (&[0.5], &before.1));
}

#[test]
fn layer_learns_after_a_long_time_without_news() {
    let truth = |[a, b]: [f32; 2]| [2.0 * a - b + 0.5];
    let mut layer = Linear::<2, 1, f32>::ZERO;
    let mut trainer = RecursiveLeastSquares::new(0.01, 0.9).unwrap();
    let mut rng = support::Rng(3);
    let mut varied = || [(); 2].map(|()| rng.range(-1.0, 1.0) as f32);
    let early: Vec<_> = iter::repeat_with(&mut varied).take(50).collect();
    let late: Vec<_> = iter::repeat_with(&mut varied).take(50).collect();
    // Without a limit, 0.9^-20000 would be 10^915.
    let nothing = iter::repeat_n([0.0, 0.0], 20_000);
    for x in early.into_iter().chain(nothing).chain(late) {
        let loss = trainer.step(&mut layer, &x, &truth(x));
        assert!(loss < 10.0, "{loss}");
    }
    assert_flat(&flat(&layer), &[2.0, -1.0, 0.5], tolerance::LEAST_SQUARES_F32);
}

/// A sensor stands still, then varies, in another world; gives the error where it stood.
fn error_after_standing_still<T: Scalar>(still: u32) -> f64 {
    let mut layer = Linear::<2, 1, T>::ZERO;
    let number = T::from_f64;
    let mut trainer = RecursiveLeastSquares::new(number(1e-3), number(0.999)).unwrap();
    let place = [20.0, 1013.0].map(number);
    for _ in 0..still {
        trainer.step(&mut layer, &place, &[number(5.0)]);
    }
    for k in 0..2000 {
        let [a, b] = [20.0 + (f64::from(k) * 0.7).sin(), 1013.0 + (f64::from(k) * 0.31).cos()];
        let t = 0.5 * a - 0.01 * b + 3.0;
        trainer.step(&mut layer, &[number(a), number(b)], &[number(t)]);
    }
    layer.forward(&place)[0].to_f64() - 2.87
}

#[test]
fn what_stood_still_is_forgotten_however_long_it_stood() {
    // `numpy.linalg.lstsq` of examples weighted by the forgetting factor, from 10,000 on.
    for still in [10_000, 1_000_000] {
        let single = error_after_standing_still::<f32>(still);
        let double = error_after_standing_still::<f64>(still);
        assert!(
            (single - 0.288).abs() < 0.003 && (double - 0.288).abs() < 0.0005,
            "{still}: {single} {double}"
        );
    }
}

#[test]
fn a_million_steps_without_news_leave_all_finite() {
    fn learns<T: Scalar>(still: [f64; 2], steps: u32) {
        let still = still.map(T::from_f64);
        let mut layer = Linear::<2, 1, T>::ZERO;
        let mut trainer = RecursiveLeastSquares::new(T::from_f64(1e-3), T::from_f64(0.9)).unwrap();
        for k in 0..steps {
            let noise = T::from_u32(k % 7) / T::from_u32(7);
            let loss = trainer.step(&mut layer, &still, &[noise]);
            assert!(loss.is_finite(), "{still:?} {k} {loss:?}");
        }
        for k in 0..1000_u32 {
            let x = [T::from_u32(k % 7), T::from_u32(k % 5)];
            trainer.step(&mut layer, &x, &[x[0] + x[0] - x[1]]);
        }
        let got: Vec<f64> = flat(&layer);
        assert_flat(&got, &[2.0, -1.0, 0.0], tolerance::LEAST_SQUARES_F32);
    }
    learns::<f32>([20.0, 1013.0], 1_000_000);
    for still in [[0.0, 0.0], [1e-20, 1.0], [3.0, 3.0], [1e15, 1e-15]] {
        learns::<f32>(still, 100_000);
        learns::<f64>(still, 100_000);
    }
}

/// One input of 10^30 leaves so little of `P` that it is 0 in an `f32`, from which nothing grows.
#[test]
fn layer_learns_after_an_input_that_is_far_too_large() {
    let mut layer = Linear::<1, 1, f32>::ZERO;
    let mut trainer = RecursiveLeastSquares::new(1e35, 0.5).unwrap();
    assert!(trainer.step(&mut layer, &[1e30], &[0.0]).is_finite());
    for k in 0..200_u16 {
        let t = f32::from(k % 5) - 2.0;
        trainer.step(&mut layer, &[1e18 * t], &[t]);
    }
    assert_flat(&flat(&layer), &[1e-18, 0.0], tolerance::LEAST_SQUARES_F32);
}

/// Where one input is lost in the rounding of another, no column of `U` may grow without end.
#[test]
fn layer_learns_after_inputs_that_are_lost_in_each_other() {
    let mut layer = Linear::<2, 1, f32>::ZERO;
    let mut trainer = RecursiveLeastSquares::new(1e-6, 0.5).unwrap();
    for _ in 0..175 {
        trainer.step(&mut layer, &[0.003, 9e13], &[0.8]);
    }
    for k in 0..67_u16 {
        let x = 0.002 * f32::from(k % 5);
        let loss = trainer.step(&mut layer, &[x, 9e13], &[100.0 * x + 0.5]);
        assert!(k < 50 || loss < 1e-4, "{k} {loss}");
    }
}

/// No number is too large in itself, but its square is.
#[test]
fn an_input_whose_square_overflows_changes_nothing() {
    let mut layer = Linear::<2, 1, f32>::ZERO;
    let mut trainer = RecursiveLeastSquares::new(1.0, 0.9).unwrap();
    let before = trainer.clone();
    for x in [[1e30, 0.0], [0.0, -1e30]] {
        assert!(trainer.step(&mut layer, &x, &[0.0]).is_nan());
        assert_eq!((&layer, &trainer), (&Linear::ZERO, &before));
    }
}

#[test]
fn errors_say_what_is_wrong() {
    for (error, want) in [
        (LeastSquaresError::NotFinite, "a value is NaN or infinite, or overflowed"),
        (
            LeastSquaresError::TooFewExamples { expected: 4, found: 1 },
            "too few examples: 1, expected at least 4",
        ),
        (
            LeastSquaresError::TooManyExamples,
            "too many examples: at most 4294967295 can be counted",
        ),
    ] {
        assert_eq!(error.to_string(), want);
    }
    assert_eq!(
        RecursiveLeastSquaresError::Forgetting.to_string(),
        "the forgetting factor is not greater than 0 and at most 1"
    );
}

#[test]
fn parameters_that_cannot_be_are_refused() {
    let new = |regularisation, forgetting| {
        RecursiveLeastSquares::<2>::new(regularisation, forgetting).map(|_| ())
    };
    for bad in [0.0, -1.0, f32::NAN, f32::INFINITY, 1e-38, 1e-23] {
        assert_eq!(new(bad, 1.0), Err(RecursiveLeastSquaresError::Regularisation));
    }
    for bad in [0.0, -0.5, 1.001, f32::NAN, f32::INFINITY] {
        assert_eq!(new(1.0, bad), Err(RecursiveLeastSquaresError::Forgetting));
    }
    for good in [1e-22, 1.0, 1e38] {
        assert_eq!(new(good, 1.0), Ok(()));
    }
    assert_eq!(new(1.0, f32::MIN_POSITIVE), Ok(()));
}

// Whatever the examples

/// Up to 40 examples with 3 inputs and 2 outputs, whose inputs have offsets.
fn any_examples() -> impl Strategy<Value = Examples<3, 2>> {
    let number = || -1.0..1.0_f64;
    let row = || prop::array::uniform3(number());
    let target = || prop::array::uniform2(number());
    (row(), prop::collection::vec((row(), target()), 1..40)).prop_map(|(offset, mut rows)| {
        for (x, _) in &mut rows {
            x.iter_mut().zip(offset).for_each(|(x, offset)| *x += 10.0 * offset);
        }
        rows
    })
}

/// Numbers of any size that an `f32` can have.
fn extreme() -> impl Strategy<Value = f32> {
    prop_oneof![any::<f32>(), -1.0..1.0_f32, Just(0.0), Just(1e38)]
        .prop_filter("finite", |number| number.is_finite())
}

/// `sum (t - y) [x; 1]^T`, which is 0 where the squared error is least.
fn slope(layer: &Linear<3, 2>, examples: &Examples<3, 2>) -> f64 {
    let mut sums = [[0.0; 2]; 4];
    for (x, t) in examples {
        let y = layer.forward(x);
        for (sums, x) in sums.iter_mut().zip(x.iter().chain([&1.0])) {
            (0..2).for_each(|o| sums[o] += (t[o] - y[o]) * x);
        }
    }
    sums.as_flattened().iter().fold(0.0, |most: f64, sum| most.max(sum.abs()))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn answers_have_the_least_error(examples in any_examples()) {
        let fit = observed::<3, 2, f64>(&examples);
        let least = fit.minimum_norm().unwrap();
        prop_assert!(slope(&least, &examples) < tolerance::SLOPE_F64, "{least:?}");
        if let Ok(layer) = fit.solve() {
            // Weights of near-dependent inputs are large, and so are the roundings of the outputs.
            let size = flat(&layer).iter().fold(1.0, |most: f64, w| most.max(w.abs()));
            let slope = slope(&layer, &examples);
            prop_assert!(slope < size * tolerance::SLOPE_F64, "{layer:?} {slope:e}");
        } else {
            prop_assert!(examples.len() < 4);
        }
    }

    #[test]
    fn order_of_examples_does_not_matter(examples in any_examples()) {
        let mut reversed = examples.clone();
        reversed.reverse();
        let [one, other] = [&examples, &reversed]
            .map(|examples| observed::<3, 2, f64>(examples).minimum_norm().unwrap());
        prop_assert!((slope(&one, &examples) - slope(&other, &examples)).abs() < tolerance::SLOPE_F64);
    }

    #[test]
    fn no_example_makes_a_layer_not_finite(
        examples in prop::collection::vec((prop::array::uniform3(extreme()), extreme()), 1..60),
        regularisation in extreme(),
        forgetting in prop::sample::select(vec![f32::MIN_POSITIVE, 1e-3, 0.5, 0.99, 1.0]),
    ) {
        let trainer = RecursiveLeastSquares::new(regularisation.abs(), forgetting);
        prop_assume!(trainer.is_ok());
        let (mut trainer, mut layer) = (trainer.unwrap(), Linear::<3, 1, f32>::ZERO);
        for (x, t) in &examples {
            let loss = trainer.step(&mut layer, x, &[*t]);
            prop_assert!(!loss.is_finite() || loss >= 0.0, "{loss}");
            prop_assert!(gradlet::is_finite(&layer), "{layer:?}");
        }
        // Nothing but the bias is asked for, so a trainer that is not finite would show.
        layer = Zero::ZERO;
        let loss = trainer.step(&mut layer, &[0.0; 3], &[1.0]);
        prop_assert_eq!(loss, 0.5);
    }

    #[test]
    fn recursive_and_all_at_once_agree(examples in any_examples()) {
        prop_assume!(examples.len() > 10);
        let mut layer = Linear::<3, 2>::ZERO;
        let mut trainer = RecursiveLeastSquares::new(1e-9, 1.0).unwrap();
        for (x, t) in &examples {
            prop_assert!(trainer.step(&mut layer, x, t).is_finite());
        }
        let want = observed::<3, 2, f64>(&examples).solve().unwrap();
        assert_flat(&flat(&layer), &flat(&want), tolerance::BARELY_REGULARISED);
    }
}

// Weights as matrices

#[test]
fn views_are_the_weights() {
    let mut layer = Linear::<2, 3, f32>::from_rows([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], [7.0; 3]);
    assert_eq!(layer.weights_view().as_ptr(), &raw const layer.weights()[0][0]);
    assert_eq!(layer.bias_view().as_ptr(), &raw const layer.bias()[0]);
    layer.weights_view_mut()[(2, 0)] = -5.0;
    layer.bias_view_mut()[1] = -7.0;
    assert_eq!(layer.rows(), [[1.0, 2.0], [3.0, 4.0], [-5.0, 6.0]]);
    assert_eq!(layer.bias(), &[7.0, -7.0, 7.0]);
    let (weights, bias) = layer.to_matrix();
    assert_eq!(weights, layer.weights_view());
    assert_eq!(Linear::from_matrix(weights, bias), layer);
}
