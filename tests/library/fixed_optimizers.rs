//! Optimizers of fixed-point networks: their arithmetic, and their steps beside those of floats.
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "tests may panic")]

use gradlet::{Arithmetic, Exponent, prelude::*};

/// Numbers of 0 to 1.
fn random() -> impl FnMut() -> f64 {
    let mut state = 1_u64;
    move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(state >> 32).unwrap_or(0)) / 4_294_967_296.0
    }
}

/// A weight of any size, and its value.
fn weight(random: &mut impl FnMut() -> f64) -> (Q26, f64) {
    let size = (random() - 1.0) * 26.0 + 5.0;
    #[allow(clippy::cast_possible_truncation, reason = "rounded")]
    let weight = Q26::new(((random() - 0.5) * size.exp2() * 2.0) as f32);
    (weight, f64::from(weight.to_bits()) / f64::from(1 << 26))
}

const UNIT: f64 = 1.0 / 67_108_864.0;

#[test]
fn products_are_rounded() {
    let mut random = random();
    for _ in 0..100_000 {
        let (a, exact) = weight(&mut random);
        let factor = (random() * 40.0 - 30.0).exp2();
        let product = f64::from(<Fixed>::times(a, <Fixed>::factor(Q32::new(factor))).to_f32());
        let expected = (exact * Q32::new(factor).to_f64()).clamp(-32.0, 32.0);
        let bound = (2.0 * UNIT).max(expected.abs() * 3e-5).max(2.0 * UNIT * factor);
        assert!((product - expected).abs() < bound, "{exact} {factor}: {product} {expected}");
    }
    for a in [Q26::MIN, Q26::MAX, Q26::ZERO, Q26::new(1.0), Q26::from_bits(-1)] {
        assert_eq!(<Fixed>::times(a, <Fixed>::factor(Q32::ONE)), a);
        assert_eq!(<Fixed>::times(a, <Fixed>::factor(Q32::ZERO)), Q26::ZERO);
        assert_eq!(<Fixed>::without(a, <Fixed>::factor(Q32::ZERO)), a);
    }
}

#[test]
fn squares_and_quotients_are_those_of_floats() {
    let mut random = random();
    for _ in 0..20_000 {
        let (kept, rate) = (1.0 - random() * 0.2, random() * 0.1 + 1e-4);
        let (decay, factor) = (<Fixed>::decay(Q32::new(kept)), <Fixed>::factor(Q32::new(rate)));
        let epsilon = [1e-8, 1e-4, 0.5][usize::from(random() > 0.3) + usize::from(random() > 0.7)];
        let (mut mean, mut exact_mean) = (Q26::ZERO, 0.0);
        let (mut sum, mut exact_sum) = (Q26::ZERO, 0.0);
        let mut last = (Q26::ZERO, 0.0);
        let largest = (random() * 16.0 - 20.0).exp2();
        for _ in 0..5 {
            #[allow(clippy::cast_possible_truncation, reason = "rounded")]
            let g = Q26::new(((random() - 0.5) * largest) as f32);
            let exact = f64::from(g.to_bits()) * UNIT;
            mean = <Fixed>::mean_square(mean, decay, g);
            exact_mean = kept * exact_mean + (1.0 - kept) * exact * exact;
            sum = <Fixed>::add_square(sum, g);
            exact_sum += exact * exact;
            last = (g, exact);
        }
        for (square, exact) in [(mean, exact_mean), (sum, exact_sum)] {
            // Beyond, squares are too small.
            if exact < 1e-11 {
                continue;
            }
            let step =
                <Fixed>::over_root(factor, last.0, square, <Fixed>::factor(Q32::new(epsilon)));
            let expected = rate * last.1 / (exact.sqrt() + Q32::new(epsilon).to_f64());
            let got = f64::from(step.to_bits()) * UNIT;
            let error = (got - expected).abs();
            assert!(
                error < UNIT + 1e-3 * expected.abs(),
                "{got} {expected}: {last:?} {exact} {rate} {kept} {epsilon}"
            );
        }
    }
}

#[test]
fn quotients_of_anything_are_defined() {
    let weights = [Q26::ZERO, Q26::from_bits(1), Q26::from_bits(-1), Q26::MAX, Q26::MIN];
    let numbers = [0.0, 2e-10, 1e-5, 0.9, 1.0, 1e9].map(Q32::new);
    for a in weights {
        // All bits of a square, as they may be loaded.
        for square in weights {
            for rate in numbers {
                for epsilon in numbers {
                    let (rate, epsilon) = (<Fixed>::factor(rate), <Fixed>::factor(epsilon));
                    let step = <Fixed>::over_root(rate, a, square, epsilon);
                    assert!(
                        a == Q26::ZERO
                            || step == Q26::ZERO
                            || (step < Q26::ZERO) == (a < Q26::ZERO)
                    );
                    let _ = <Fixed>::mean_square(square, rate, a);
                    let _ = <Fixed>::add_square(square, a);
                }
            }
        }
    }
}

#[test]
fn norms_are_those_of_floats() {
    for (gradient, exponent) in
        [([3, -4, 0], 0), ([300, -400, 0], 20), ([3 << 28, -(1 << 30), 0], 29), ([1, 0, 0], -10)]
    {
        let exact: f64 =
            gradient.iter().map(|&g| (f64::from(g) / f64::from(exponent).exp2()).powi(2)).sum();
        let got = <Fixed>::add_squares(Q32::ZERO, &gradient, Exponent(exponent)).to_f64();
        assert!((got - exact).abs() < 1e-9 + exact * 1e-4, "{got} {exact}");
    }
    let beyond = <Fixed>::add_squares(Q32::ZERO, &[1 << 20], Exponent(0));
    assert!(!beyond.is_finite());
    assert_eq!(<Fixed>::squared_length(&Q12::array([3.0, -4.0])), Q32::new(25.0));
    assert_eq!(Q32::new(2.0).sqrt().to_bits(), 6_074_000_999);
    assert_eq!([4.0, 0.0, 0.25].map(|n| Q32::new(n).sqrt()), [2.0, 0.0, 0.5].map(Q32::new));
    assert!(![-1.0, f64::NAN].map(|n| Q32::new(n).sqrt().is_finite()).contains(&true));
    assert_eq!(Q32::INFINITY.sqrt(), Q32::INFINITY);
}

type Net = net![Fixed; 2 => 4 Tanh => 2 Sigmoid];
type Floats = net![f64; 2 => 4 Tanh => 2 Sigmoid];

/// Trains both for so many steps, the fixed-point one from the same weights, and compares them.
fn compare<O, P>(fixed: &O, floats: &P, single: bool)
where
    O: Optimizer<Net>,
    P: Optimizer<Floats>,
{
    let mut random = random();
    let (mut net, mut exact) = (Net::ZERO, Floats::ZERO);
    let mut values = Vec::new();
    net.visit_mut(|_, weights| {
        for w in weights {
            #[allow(clippy::cast_possible_truncation, reason = "rounded")]
            let value = (random() * 2.0 - 1.0) as f32;
            *w = Q26::new(value);
            values.push(f64::from(w.to_f32()));
        }
    });
    let mut values = values.into_iter();
    exact
        .visit_mut(|_, weights| weights.iter_mut().for_each(|w| *w = values.next().unwrap_or(0.0)));
    let examples = [
        ([0.0, 0.0], [0.0, 1.0]),
        ([0.0, 1.0], [1.0, 0.0]),
        ([1.0, 0.0], [1.0, 0.0]),
        ([1.0, 1.0], [0.0, 1.0]),
    ];
    let numbers = |x: [f64; 2]| x.map(|x| Q12::new(if x > 0.5 { 1.0 } else { 0.0 }));
    if single {
        let mut trainer = Trainer::<Net, HalfSquaredError, O>::new();
        let mut of_floats = Trainer::<Floats, HalfSquaredError, P>::new();
        for (x, t) in examples.iter().cycle().take(200) {
            trainer.step(&mut net, fixed, &numbers(*x), &numbers(*t));
            of_floats.step(&mut exact, floats, x, t);
        }
    } else {
        let mut trainer = BatchTrainer::<Net, HalfSquaredError, O>::new();
        let mut of_floats = BatchTrainer::<Floats, HalfSquaredError, P>::new();
        for _ in 0..100 {
            for (x, t) in examples {
                trainer.accumulate(&net, &numbers(x), &numbers(t));
                of_floats.accumulate(&exact, &x, &t);
            }
            trainer.apply(&mut net, fixed);
            of_floats.apply(&mut exact, floats);
        }
    }
    let (mut got, mut expected) = (Vec::new(), Vec::new());
    net.visit(|_, weights| got.extend(weights.iter().map(|w| f64::from(w.to_f32()))));
    exact.visit(|_, weights| expected.extend_from_slice(weights));
    let errors = got.iter().zip(&expected).map(|(got, expected)| (got - expected).abs());
    let worst = errors.fold(0.0, f64::max);
    println!("{}: {worst}", core::any::type_name::<O>());
    assert!(worst < 0.02, "{worst} {got:?} {expected:?}");
}

/// Each optimizer with both types of numbers.
macro_rules! compare {
    ($($name:ident |$n:ident| $optimizer:expr;)+) => {
        $(
            #[test]
            fn $name() {
                fn fixed($n: impl Fn(f64) -> Q32) -> impl Optimizer<Net> {
                    $optimizer
                }
                fn floats($n: impl Fn(f64) -> f64) -> impl Optimizer<Floats> {
                    $optimizer
                }
                for single in [true, false] {
                    compare(&fixed(Q32::new), &floats(|n| n), single);
                }
            }
        )+
    };
}

compare! {
    sgd |n| Sgd::new(n(0.5));
    momentum |n| Momentum::new(n(0.1), n(0.9));
    nesterov |n| Nesterov::new(n(0.1), n(0.9));
    adagrad |n| Adagrad::new(n(0.05));
    rms_prop |n| RmsProp::new(n(0.01));
    adam |n| Adam::new(n(0.01));
    adam_w |n| AdamW { adam: Adam::new(n(0.01)), weight_decay: n(0.5) };
    clip_by_value |n| ClipByValue::new(Sgd::new(n(0.5)), n(0.01));
    clip_by_norm |n| ClipByNorm::new(Momentum::new(n(0.1), n(0.5)), n(0.05));
    weight_decay |n| WeightDecay::new(Sgd::new(n(0.25)), n(0.01));
    weight_decay_but_biases |n|
        WeightDecay { biases: false, ..WeightDecay::new(Adam::new(n(0.01)), n(0.01)) };
    sum_without_biases |n| Summed::new(NoBias::new(Sgd::new(n(0.1))));
}
