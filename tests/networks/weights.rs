//! Weights of samples: known numbers, difference quotients, what is refused, and bits.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::float_cmp,
    reason = "tests may panic, and compare exactly"
)]

use core::cell::RefCell;
use core::ops::ControlFlow;

use gradlet::prelude::*;
use support::{
    Bare, Random, Rng, Scale, assert_all_close, assert_close, assert_same_bits, flat,
    flat_gradient, set_flat, tolerance,
};

type Line = Dense<1, 1, Identity, f64>;
type Net = Chain<Scale<3, f64>, Chain<Dense<3, 4, Tanh, f64>, Bare<4, 2, Sigmoid>>>;
type Weighted = ([f64; 3], [f64; 2], f64);

/// From `y = 0` the derivatives by the logits are -1, 1 and -4, the losses 1/2, 1/2 and 8.
const KNOWN: [([f64; 1], [f64; 1], f64); 3] =
    [([1.0], [1.0], 3.0), ([2.0], [-1.0], 0.5), ([0.5], [4.0], 0.5)];
/// `sum w x d` and `sum w d`, where the weights add up to 4; and `sum w L`.
const KNOWN_SUMS: [f64; 2] = [-3.0 + 1.0 - 1.0, -3.0 + 0.5 - 2.0];
const KNOWN_LOSS: f64 = 1.5 + 0.25 + 4.0;

const REFUSED: [f64; 7] =
    [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, -1e-300, 1.0001e28, f64::MAX];
/// As good as 0.
const ZEROS: [f64; 3] = [0.0, -0.0, 1e-310];

fn data(weights: impl Fn(usize) -> f64) -> Vec<Weighted> {
    let mut rng = Rng(5);
    (0..9).map(|k| (rng.array(-1.0, 1.0), rng.array(0.0, 1.0), weights(k))).collect()
}

fn some_weight(k: usize) -> f64 {
    [1.0, 0.5, 3.0, 0.125, 1.0, 1e3, 1e-3][k % 7]
}

#[test]
fn a_weighted_batch_is_divided_by_the_sum_of_its_weights() {
    fn check<const TILE: usize>() {
        let sgd = Sgd::new(1.0);
        let mut trainer = BatchTrainer::<Line, HalfSquaredError, _, TILE>::new();
        let mut net = Line::ZERO;
        assert_eq!(trainer.accumulate_all(&net, KNOWN), Some(KNOWN_LOSS / 4.0));
        assert_eq!(flat_gradient::<Line>(trainer.gradient()), KNOWN_SUMS);
        assert_eq!((trainer.count(), trainer.apply(&mut net, &sgd)), (3, 3));
        assert_eq!(flat(&net), KNOWN_SUMS.map(|g| -g / 4.0));

        let mut fitted = Line::ZERO;
        let report = trainer.fit(&mut fitted, &sgd, FULL_BATCH, KNOWN, Stop::after(1));
        assert_eq!((report.loss, &fitted), (Some(KNOWN_LOSS / 4.0), &net));
        let borrowed = KNOWN.each_ref().map(|(x, t, w)| (x, t, *w));
        let mut fitted = Line::ZERO;
        trainer.fit(&mut fitted, &sgd, FULL_BATCH, borrowed, Stop::after(1));
        assert_eq!(fitted, net);

        let mut trainer = BatchTrainer::<Line, HalfSquaredError, _, TILE>::new();
        let mut summed = Line::ZERO;
        let report =
            trainer.fit(&mut summed, &Summed::new(sgd), FULL_BATCH, &KNOWN, Stop::after(1));
        assert_eq!(report.loss, Some(KNOWN_LOSS / 4.0));
        assert_eq!(flat(&summed), KNOWN_SUMS.map(|g| -g));
    }
    check::<0>();
    check::<2>();
    check::<16>();
    assert_eq!(
        Trainer::<Line, HalfSquaredError, Sgd<f64>>::new().mean_loss(&Line::ZERO, KNOWN),
        Some(KNOWN_LOSS / 4.0)
    );
}

#[test]
fn a_weighted_step_is_by_the_weighted_gradient() {
    let (mut net, mut same) = (Line::ZERO, Line::ZERO);
    let mut trainer = Trainer::<Line, HalfSquaredError, _>::new();
    for (x, t, weight) in &KNOWN {
        trainer.step_weighted(&mut net, &Sgd::new(0.125), x, t, *weight);
        let mut faster = Trainer::<Line, HalfSquaredError, _>::new();
        faster.step(&mut same, &Sgd::new(weight * 0.125), x, t);
        assert_eq!(net, same);
    }
    let mut fitted = Line::ZERO;
    trainer.fit(&mut fitted, &Sgd::new(0.125), &KNOWN, Stop::after(1));
    assert_eq!(fitted, net);
    // The state takes the weighted gradient too.
    let mut trainer = Trainer::<Line, HalfSquaredError, _>::new();
    let target = [net.bias()[0] - 1.0];
    trainer.step_weighted(&mut net, &Momentum::new(0.5, 0.5), &[0.0], &target, 3.0);
    assert_eq!(trainer.state().bias(), &[3.0]);
}

#[test]
fn weighted_gradients_match_difference_quotients() {
    let data = data(some_weight);
    let net = Net::random(&mut Rng(6));
    let mut judge = Trainer::<Net, BinaryCrossEntropy, Sgd<f64>>::new();
    let at = flat(&net);
    let h = 1e-5;
    let mut loss = |i: usize, step: f64| {
        let (mut near, mut p) = (net.clone(), at.clone());
        p[i] += step;
        set_flat(&mut near, &p);
        judge.mean_loss(&near, &data).unwrap()
    };
    let slopes: Vec<_> = (0..at.len()).map(|i| (loss(i, h) - loss(i, -h)) / (2.0 * h)).collect();
    assert!(slopes.iter().any(|slope| slope.abs() > 0.01));
    let mut trainer = BatchTrainer::<Net, BinaryCrossEntropy, _, 4>::new();
    trainer.accumulate_all(&net, &data);
    let mut stepped = net.clone();
    trainer.apply(&mut stepped, &Sgd::new(1.0));
    let gradient: Vec<_> = at.iter().zip(flat(&stepped)).map(|(p, q)| p - q).collect();
    for (got, want) in gradient.iter().zip(&slopes) {
        assert!((got - want).abs() < tolerance::GRADIENT * want.abs().max(1e-3), "{got} {want}");
    }
}

#[test]
fn a_whole_weight_is_as_many_samples() {
    let weighted = data(|k| [1.0, 3.0, 2.0][k % 3]);
    let repeated = |(x, t, w): &Weighted| {
        (0..3).filter(|&k| f64::from(k) < *w).map(|_| (*x, *t)).collect::<Vec<_>>()
    };
    let repeated: Vec<_> = weighted.iter().flat_map(repeated).collect();
    assert_eq!(repeated.len(), 18);
    let fit = |net: &mut Net, repeat: bool| {
        let mut trainer = BatchTrainer::<Net, BinaryCrossEntropy, _>::new();
        let (momentum, stop) = (Momentum::new(0.5, 0.5), Stop::after(20));
        let report = if repeat {
            trainer.fit(net, &momentum, FULL_BATCH, &repeated, stop)
        } else {
            trainer.fit(net, &momentum, FULL_BATCH, &weighted, stop)
        };
        report.loss.unwrap()
    };
    let mut net = Net::random(&mut Rng(7));
    let mut same = net.clone();
    let (got, want) = (fit(&mut net, false), fit(&mut same, true));
    assert_close("loss", got, want, tolerance::F64_LONG);
    assert_all_close("net", &flat(&net), &flat(&same), tolerance::F64_LONG);
}

#[test]
fn weights_of_one_change_no_bit() {
    let weighted = data(|_| 1.0);
    let plain: Vec<_> = weighted.iter().map(|(x, t, _)| (*x, *t)).collect();
    let start = Net::random(&mut Rng(8));
    let (mut net, mut same) = (start.clone(), start.clone());
    let adam = Adam::new(0.1);
    let mut trainer = Trainer::<Net, BinaryCrossEntropy, _>::new();
    let got = trainer.fit(&mut net, &adam, &weighted, Stop::after(3));
    let want =
        Trainer::<Net, BinaryCrossEntropy, _>::new().fit(&mut same, &adam, &plain, Stop::after(3));
    assert_eq!(got, want);
    assert_same_bits("one by one", &flat(&net), &flat(&same));
    let (mut net, mut same) = (start.clone(), start);
    let mut trainer = BatchTrainer::<Net, BinaryCrossEntropy, _, 4>::new();
    let got = trainer.fit(&mut net, &adam, 7, &weighted, Stop::after(3));
    let mut trainer = BatchTrainer::<Net, BinaryCrossEntropy, _>::new();
    let want = trainer.fit(&mut same, &adam, 7, &plain, Stop::after(3));
    assert_eq!(got, want);
    assert_same_bits("batches", &flat(&net), &flat(&same));
}

#[test]
fn tiles_of_weighted_samples_have_the_bits_of_one_by_one() {
    // A weight of 0 sends its tile through one by one.
    for zero in [false, true] {
        let data = data(|k| if zero && k == 2 { 0.0 } else { some_weight(k) });
        let net = Net::random(&mut Rng(9));
        let mut one_by_one = BatchTrainer::<Net, BinaryCrossEntropy, Sgd<f64>>::new();
        let mut together = BatchTrainer::<Net, BinaryCrossEntropy, Sgd<f64>, 6>::new();
        let want = one_by_one.accumulate_all(&net, &data);
        assert_eq!(together.accumulate_all(&net, &data), want);
        assert_eq!(together.count(), if zero { 8 } else { 9 });
        let want = flat_gradient::<Net>(one_by_one.gradient());
        assert_same_bits("gradient", &flat_gradient::<Net>(together.gradient()), &want);
    }
}

#[test]
fn weights_out_of_range_are_refused_and_change_nothing() {
    for bad in REFUSED {
        let data = [([1.0], [1.0], 1.0), ([1.0], [2.0], bad), ([1.0], [3.0], 1.0)];
        let (x, t, _) = &data[1];
        let start = Line::new([[0.5]], [0.25]);
        let (mut net, momentum) = (start.clone(), Momentum::new(0.5, 0.5));
        let mut trainer = Trainer::<Line, HalfSquaredError, _>::new();
        assert!(trainer.step_weighted(&mut net, &momentum, x, t, bad).is_nan());
        assert_eq!((&net, trainer.state()), (&start, &Line::ZERO));
        assert!(trainer.mean_loss(&net, data).unwrap().is_nan());
        let report = trainer.fit(&mut net, &momentum, &data, Stop::after(9));
        assert_eq!((report.outcome, report.epochs), (Outcome::Weight { example: 1 }, 0));
        // The example before has been learned, and nothing else.
        let mut same = start.clone();
        Trainer::<Line, HalfSquaredError, _>::new().step(&mut same, &momentum, &[1.0], &[1.0]);
        assert_eq!(net, same);

        let mut net = start.clone();
        let mut batch = BatchTrainer::<Line, HalfSquaredError, _, 2>::new();
        assert!(batch.accumulate_weighted(&net, x, t, bad).is_nan());
        assert_eq!((batch.count(), batch.gradient()), (0, &Line::ZERO));
        assert!(batch.accumulate_all(&net, data).unwrap().is_nan());
        assert_eq!(batch.count(), 2);
        let report = batch.fit(&mut net, &momentum, 3, &data, Stop::after(9));
        assert_eq!((report.outcome, report.epochs), (Outcome::Weight { example: 1 }, 0));
        assert_eq!((&net, batch.count()), (&start, 0));
    }
}

#[test]
fn samples_of_weight_zero_are_as_if_they_were_not_there() {
    for zero in ZEROS {
        let some = data(some_weight);
        let mut more = some.clone();
        // Not even what they hold matters.
        more.insert(0, ([f64::NAN; 3], [2.0; 2], zero));
        more.insert(4, ([1e9; 3], [0.5; 2], zero));
        more.push((some[0].0, some[1].1, zero));
        let start = Net::random(&mut Rng(10));
        let momentum = |_| Momentum::new(0.5, 0.5);
        let go_on = |_: gradlet::Epoch<'_, Net>| ControlFlow::Continue(());
        let fit = |data: &[Weighted]| {
            let (mut net, updates) = (start.clone(), RefCell::new(vec![]));
            let optimizer = |update| {
                updates.borrow_mut().push(update);
                momentum(update)
            };
            let report = Trainer::<Net, BinaryCrossEntropy, _>::new().fit_with(
                &mut net,
                optimizer,
                |epoch| epoch.learn(data),
                Stop::after(3),
                go_on,
            );
            assert_eq!(report.outcome, Outcome::EpochsDone);
            (report, flat(&net), updates.into_inner())
        };
        assert_eq!(fit(&more), fit(&some));
        let fit = |data: &[Weighted]| {
            let mut net = start.clone();
            let mut trainer = BatchTrainer::<Net, BinaryCrossEntropy, _, 4>::new();
            let stop = Stop::after(3);
            (trainer.fit(&mut net, &momentum(0), FULL_BATCH, data, stop), flat(&net))
        };
        assert_eq!(fit(&more), fit(&some));

        let mut net = start.clone();
        let mut trainer = Trainer::<Net, BinaryCrossEntropy, _>::new();
        assert_eq!(trainer.mean_loss(&net, &more), trainer.mean_loss(&net, &some));
        let (x, t, _) = &some[0];
        trainer.step(&mut net, &momentum(0), x, t);
        let before = net.clone();
        let loss = trainer.step_weighted(&mut net, &momentum(0), x, t, zero);
        assert_eq!(loss, trainer.evaluate(&net, x, t));
        assert_eq!(flat(&net), flat(&before));

        // A batch of nothing else makes no update, and does not end the epoch.
        let data = [([9.0], [9.0], zero), ([9.0], [9.0], zero), ([1.0], [1.0], 1.0)];
        let mut net = Line::ZERO;
        let mut batch = BatchTrainer::<Line, HalfSquaredError, _>::new();
        let report = batch.fit(&mut net, &Sgd::new(0.5), 2, &data, Stop::after(1));
        assert_eq!((report.outcome, report.loss), (Outcome::EpochsDone, Some(0.5)));
        assert_eq!(flat(&net), [0.5, 0.5]);
        let report = batch.fit(&mut net, &Sgd::new(0.5), 2, &data[..2], Stop::after(1));
        assert_eq!((report.outcome, report.epochs), (Outcome::NoExamples, 0));
        assert_eq!(batch.mean_loss(&net, &data[..2]), None);
    }
}

#[test]
fn extreme_weights_give_finite_means() {
    type Net = Dense<1, 1, Identity>;
    for weight in [1e28_f32, 1.0, f32::MIN_POSITIVE] {
        // The product of weight and loss overflows.
        let data = [([0.0], [1e15_f32], weight), ([0.0], [0.0], weight)];
        let mut net = Net::ZERO;
        let mut trainer = BatchTrainer::<Net, HalfSquaredError, _>::new();
        let loss = f64::from(trainer.mean_loss(&net, data).unwrap());
        assert_close("loss", loss, 2.5e29, tolerance::OPTIMIZER_F32);
        let data = [([0.0], [1.0], weight), ([0.0], [3.0], weight)];
        trainer.accumulate_all(&net, data);
        trainer.apply(&mut net, &Sgd::new(1.0));
        assert_close("bias", net.bias()[0].into(), 2.0, tolerance::OPTIMIZER_F32);
    }
}
