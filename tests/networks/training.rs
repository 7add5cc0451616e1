//! Training loops: how they end, what they call, what they leave alone, and their bits.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "tests may panic, and compare exactly"
)]

use core::cell::{Cell, RefCell};
use core::ops::ControlFlow;

use gradlet::NextEpoch;
use gradlet::prelude::*;
use support::line::{Example, Line, POINTS};
use support::{
    Random, Rng, argmax, assert_all_close, assert_close, assert_same_bits, flat, tolerance,
};

type Single = Trainer<Line, HalfSquaredError, Sgd<f64>>;
type Batch = BatchTrainer<Line, HalfSquaredError, Sgd<f64>>;

const SGD: Sgd<f64> = Sgd { learning_rate: 0.125 };

/// The line `y = 0`.
fn zero() -> Line {
    Line::ZERO
}

fn go_on<N: Layer>(_: gradlet::Epoch<'_, N>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

// How training ends

#[test]
fn fit_ends_when_all_epochs_are_done() {
    let mut net = Line::ZERO;
    let report = Single::new().fit(&mut net, &SGD, &POINTS, Stop::after(3));
    assert_eq!((report.outcome, report.epochs), (Outcome::EpochsDone, 3));
    // The same by hand: the mean loss is that of the last epoch, each before its own update.
    let (mut same, mut trainer, mut mean) = (Line::ZERO, Single::new(), 0.0);
    for _ in 0..3 {
        mean = POINTS.iter().map(|(x, t)| trainer.step(&mut same, &SGD, x, t)).sum::<f64>() / 7.0;
    }
    assert_same_bits("net", &flat(&net), &flat(&same));
    assert_close("loss", report.loss.unwrap(), mean, tolerance::F64_STEP);
}

#[test]
fn fit_does_nothing_when_no_epochs_are_asked_for() {
    let mut net = Line::new([[0.5]], [0.25]);
    let report = Single::new().fit_with(
        &mut net,
        |_| -> Sgd<f64> { panic!("no update") },
        |_| panic!("no examples"),
        Stop::after(0),
        |_| panic!("no epoch"),
    );
    assert_eq!((report.outcome, report.epochs, report.loss), (Outcome::EpochsDone, 0, None));
    assert_eq!(net, Line::new([[0.5]], [0.25]));
}

#[test]
fn fit_ends_when_the_loss_is_reached() {
    let losses = RefCell::new(Vec::new());
    let stop = Stop::after(1000).or_at_loss(0.03);
    let report = Single::new().fit_with(
        &mut zero(),
        |_| SGD,
        |epoch| epoch.learn(POINTS),
        stop,
        |epoch| {
            losses.borrow_mut().push(epoch.loss);
            ControlFlow::Continue(())
        },
    );
    let losses = losses.into_inner();
    assert_eq!(report.outcome, Outcome::LossReached);
    // The first that is low enough is the last.
    assert_eq!(losses.iter().position(|&loss| loss <= 0.03), Some(losses.len() - 1));
    assert_eq!((report.epochs as usize, report.loss), (losses.len(), losses.last().copied()));
    assert!(report.epochs > 1);
}

#[test]
fn fit_reaches_a_loss_of_exactly_zero() {
    // Zero is reached at zero; a plain `Stop::after` goes on.
    let data = [([1.0], [0.0])];
    let at_zero = Stop::after(9).or_at_loss(0.0);
    let report = Single::new().fit(&mut zero(), &SGD, &data, at_zero);
    assert_eq!((report.outcome, report.epochs), (Outcome::LossReached, 1));
    let report = Single::new().fit(&mut zero(), &SGD, &data, Stop::after(9));
    assert_eq!((report.outcome, report.epochs), (Outcome::EpochsDone, 9));
}

#[test]
fn fit_ends_when_the_callback_says_so() {
    let stop = Stop::after(1000).or_at_loss(1e9);
    let mut calls = 0;
    let report = Single::new().fit_with(
        &mut zero(),
        |_| SGD,
        |epoch| epoch.learn(POINTS),
        stop.or_at_loss(-1.0),
        |epoch| {
            calls += 1;
            assert_eq!(epoch.number, calls);
            if calls == 4 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        },
    );
    assert_eq!((report.outcome, report.epochs, calls), (Outcome::Stopped, 4, 4));
    // Its word counts before the loss.
    let brake = |_: gradlet::Epoch<'_, Line>| ControlFlow::Break(());
    let report =
        Single::new().fit_with(&mut zero(), |_| SGD, |epoch| epoch.learn(POINTS), stop, brake);
    assert_eq!((report.outcome, report.epochs), (Outcome::Stopped, 1));
}

#[test]
fn fit_ends_without_examples() {
    let none: [Example; 0] = [];
    let report = Single::new().fit(&mut zero(), &SGD, none, Stop::after(5));
    assert_eq!((report.outcome, report.epochs, report.loss), (Outcome::NoExamples, 0, None));
    let report = Batch::new().fit(&mut zero(), &SGD, FULL_BATCH, none, Stop::after(5));
    assert_eq!((report.outcome, report.epochs), (Outcome::NoExamples, 0));
    // Batches of none.
    let report = Batch::new().fit(&mut zero(), &SGD, 0, &POINTS, Stop::after(5));
    assert_eq!((report.outcome, report.epochs, report.loss), (Outcome::NoExamples, 0, None));
    // Later, too: two full epochs, then nothing.
    let report = Single::new().fit_with(
        &mut zero(),
        |_| SGD,
        |epoch| {
            let few = if epoch.completed < 2 { 7 } else { 0 };
            epoch.learn(&POINTS[..few])
        },
        Stop::after(5),
        go_on,
    );
    assert_eq!((report.outcome, report.epochs), (Outcome::NoExamples, 2));
    assert!(report.loss.unwrap() > 0.0);
}

#[test]
fn fit_ends_at_the_first_example_that_is_not_finite() {
    for bad in [f64::NAN, f64::INFINITY, -f64::INFINITY] {
        for place in [0, 3, 6] {
            let mut data = POINTS;
            data[place].0 = [bad];
            let mut net = Line::ZERO;
            let report = Single::new().fit(&mut net, &SGD, &data, Stop::after(5));
            let outcome = Outcome::NotFinite { example: u32::try_from(place).unwrap() };
            assert_eq!((report.outcome, report.epochs, report.loss), (outcome, 0, None));
            // What came before has been learned.
            let (mut same, mut trainer) = (Line::ZERO, Single::new());
            POINTS[..place].iter().for_each(|(x, t)| _ = trainer.step(&mut same, &SGD, x, t));
            assert_same_bits("net", &flat(&net), &flat(&same));

            // In batches of two: whole batches have been learned, the one begun is dropped.
            let (mut net, mut trainer) = (Line::ZERO, Batch::new());
            let report = trainer.fit(&mut net, &SGD, 2, &data, Stop::after(5));
            assert_eq!(report.outcome, outcome);
            assert_eq!(trainer.count(), 0);
            let (mut same, mut trainer) = (Line::ZERO, Batch::new());
            if place >= 2 {
                trainer.fit(&mut same, &SGD, 2, &POINTS[..place / 2 * 2], Stop::after(1));
            }
            assert_same_bits("net", &flat(&net), &flat(&same));
        }
    }
}

#[test]
fn fit_ends_when_learning_diverges() {
    let wild = Sgd { learning_rate: 1e3 };
    let mut net = Line::ZERO;
    let report = Single::new().fit(&mut net, &wild, &POINTS, Stop::after(10_000));
    assert!(matches!(report.outcome, Outcome::NotFinite { .. }), "{report:?}");
    assert!(flat(&net).iter().all(|p| p.is_finite()));
}

#[test]
fn fit_takes_no_network_that_is_not_finite() {
    for epochs in [0, 1] {
        let mut net = Line::new([[f64::NAN]], [0.0]);
        let report = Single::new().fit(&mut net, &SGD, &POINTS, Stop::after(epochs));
        assert_eq!((report.outcome, report.epochs), (Outcome::Diverged, 0));
        let report = Batch::new().fit(&mut net, &SGD, 2, &POINTS, Stop::after(epochs));
        assert_eq!((report.outcome, report.epochs), (Outcome::Diverged, 0));
    }
}

/// `E = sum (y - t)^2 - 3`: a loss that may be negative, as likelihoods are.
struct Negative;

impl<T: Scalar, A: Activation<T>> Loss<A, T> for Negative {
    fn evaluate(values: &mut [T], target: &[T]) -> T {
        A::activate(values);
        let errors = values.iter().zip(target).map(|(&y, &t)| (y - t) * (y - t));
        errors.sum::<T>() - T::from_u32(3)
    }
    fn delta(output: &[T], target: &[T], delta: &mut [T], (): &mut ()) {
        for ((d, &y), &t) in delta.iter_mut().zip(output).zip(target) {
            *d = y - t + (y - t);
        }
    }
}

#[test]
fn only_a_limit_ends_a_fit_by_its_loss_also_below_zero() {
    let mut trainer = Trainer::<Line, Negative, Sgd<f64>>::new();
    let report = trainer.fit(&mut zero(), &SGD, &POINTS, Stop::after(50));
    assert_eq!((report.outcome, report.epochs), (Outcome::EpochsDone, 50));
    let last = report.loss.unwrap();
    assert!(last < -2.9, "{last}");
    let report = trainer.fit(&mut zero(), &SGD, &POINTS, Stop::after(50).or_at_loss(-2.5));
    assert_eq!(report.outcome, Outcome::LossReached);
    assert!(report.epochs > 1 && report.epochs < 50);
    // No loss is NaN or less.
    let report = trainer.fit(&mut zero(), &SGD, &POINTS, Stop::after(2).or_at_loss(f64::NAN));
    assert_eq!(report.outcome, Outcome::EpochsDone);
}

/// Trains one by one and in batches, where the second of three targets is bad.
fn check_targets<L, A, const OUT: usize>(good: [f64; OUT], bad: &[[f64; OUT]])
where
    L: Loss<A, f64>,
    A: Activation<f64> + Clone + PartialEq + core::fmt::Debug,
{
    type Net<const OUT: usize, A> = Dense<1, OUT, A, f64>;
    for &bad in bad {
        let data = [([1.0], good), ([1.0], bad), ([1.0], good)];
        let stop = Stop::after(200).or_at_loss(0.01);
        let mut net = Net::<OUT, A>::ZERO;
        let mut trainer = Trainer::<_, L, Sgd<f64>>::new();
        let report = trainer.fit(&mut net, &SGD, &data, stop);
        assert_eq!((report.outcome, report.epochs), (Outcome::Target { example: 1 }, 0));
        // What came before has been learned, and nothing else.
        let mut same = Net::<OUT, A>::ZERO;
        trainer.step(&mut same, &SGD, &[1.0], &good);
        assert_eq!(net, same);
        assert!(!trainer.step(&mut net, &SGD, &[1.0], &bad).is_finite(), "{bad:?}");
        assert!(!trainer.evaluate(&net, &[1.0], &bad).is_finite(), "{bad:?}");
        assert!(trainer.mean_loss(&net, &data).unwrap().is_nan(), "{bad:?}");
        assert_eq!(net, same);

        let mut batch = BatchTrainer::<_, L, Sgd<f64>, 4>::new();
        let report = batch.fit(&mut net, &SGD, 2, &data, stop);
        assert_eq!((report.outcome, report.epochs), (Outcome::Target { example: 1 }, 0));
        assert_eq!((&net, batch.count()), (&same, 0));
        assert!(!batch.accumulate(&net, &[1.0], &bad).is_finite());
        assert!(batch.accumulate_all(&net, [data[1]; 5]).unwrap().is_nan());
        assert_eq!(batch.count(), 0);
    }
}

#[test]
fn fit_refuses_targets_outside_the_domain_of_the_loss() {
    use gradlet::fast::{Sigmoid as FastSigmoid, Softmax as FastSoftmax};
    const NAN: f64 = f64::NAN;
    const INFINITY: f64 = f64::INFINITY;
    let yes_no = [
        [-1.0, 0.0],
        [0.0, 2.0],
        [1.0 + f64::EPSILON, 0.0],
        [0.5, -1e-300],
        [NAN, 0.0],
        [0.0, INFINITY],
    ];
    check_targets::<BinaryCrossEntropy, Sigmoid, 2>([0.0, 1.0], &yes_no);
    check_targets::<BinaryCrossEntropy, FastSigmoid, 2>([-0.0, 0.5], &yes_no);
    let classes = [
        [0.0, 3.0, 0.0],
        [0.0; 3],
        [0.5, 0.5, 0.5],
        [0.98, 0.01, 0.0],
        [1.5, -0.5, 0.0],
        [NAN, 0.0, 1.0],
        [INFINITY, 0.0, 0.0],
        [INFINITY, -INFINITY, 1.0],
    ];
    check_targets::<CrossEntropy, Softmax, 3>([0.0, 1.0, 0.0], &classes);
    check_targets::<CrossEntropy, FastSoftmax, 3>([0.333, 0.333, 0.333], &classes);
    // The others take every number, and nothing else.
    let none = [[NAN], [INFINITY], [-INFINITY]];
    check_targets::<MeanSquaredError, Identity, 1>([-7.0], &none);
}

// After the last update

/// One epoch of one example, which leaves NaN or infinity behind.
fn diverges<T, N, L, O>(mut net: N, optimizer: &O, x: N::Input, t: N::Output)
where
    T: Scalar,
    N: Layer<Format = T> + Clone + PartialEq + core::fmt::Debug,
    L: Loss<N::Activation, T>,
    O: Optimizer<N> + Clone,
{
    let mut early = EarlyStopping::new();
    assert!(early.observe(&net, T::ONE, 9).is_continue());
    let start = net.clone();
    let optimizer = |_| optimizer.clone();
    let told = |epoch: gradlet::Epoch<'_, N>| panic!("told of {:?}", epoch.net);
    for size in [None, Some(1), Some(FULL_BATCH)] {
        let stop = Stop::after(1);
        let report = match size {
            None => Trainer::<_, L, O>::new().fit_with(
                &mut net,
                optimizer,
                |epoch| epoch.learn([(&x, &t)]),
                stop,
                told,
            ),
            Some(size) => BatchTrainer::<_, L, O>::new().fit_with(
                &mut net,
                optimizer,
                size,
                |epoch| epoch.learn([(&x, &t)]),
                stop,
                told,
            ),
        };
        let what = core::any::type_name::<O>();
        assert_eq!((report.outcome, report.epochs), (Outcome::Diverged, 1), "{what} {size:?}");
        assert!(report.loss.unwrap().is_finite());
        // It is not the best, however low its loss.
        if !gradlet::is_finite(&net) {
            assert!(early.observe(&net, T::ZERO, 9).is_continue());
        }
        assert!(early.restore(&mut net));
        assert_eq!(net, start);
    }
}

#[test]
fn fit_looks_at_the_parameters_after_the_last_update() {
    type One = Dense<1, 1, Identity>;
    diverges::<_, One, AbsoluteError, _>(One::ZERO, &Sgd { learning_rate: 3e38 }, [10.0], [1.0]);
    // The sigmoid hides it from the next loss.
    let net = Mlp::<1, 2, 1, Sigmoid, Identity>::new(
        Dense::new([[0.5, -0.5]], [0.0; 2]),
        Dense::new([[1.0], [1.0]], [0.0]),
    );
    diverges::<_, _, HalfSquaredError, _>(net, &Sgd { learning_rate: 3e38 }, [100.0], [1e3]);
    // The square of the gradient is infinite: no step would ever move the weight again.
    diverges::<_, One, AbsoluteError, _>(One::ZERO, &Adam::new(0.1), [3e21], [1.0]);
}

// Batches

/// One epoch in batches, by hand.
fn batches_by_hand(net: &mut Line, size: usize) {
    let mut trainer = Batch::new();
    for batch in POINTS.chunks(size) {
        batch.iter().for_each(|(x, t)| _ = trainer.accumulate(net, x, t));
        assert_eq!(trainer.apply(net, &SGD) as usize, batch.len());
    }
}

#[test]
fn the_last_batch_of_an_epoch_may_be_smaller() {
    for size in 1..=8 {
        let updates = Cell::new(0);
        let optimizer = |step| {
            assert_eq!(step, updates.get());
            updates.set(step + 1);
            SGD
        };
        let mut net = Line::ZERO;
        let learn = |epoch: &mut NextEpoch<'_, _, Batch, _>| epoch.learn(POINTS);
        Batch::new().fit_with(&mut net, optimizer, size, learn, Stop::after(3), go_on);
        assert_eq!(updates.get(), 3 * 7_u32.div_ceil(size), "batches of {size}");
        let mut same = Line::ZERO;
        (0..3).for_each(|_| batches_by_hand(&mut same, size as usize));
        assert_same_bits("net", &flat(&net), &flat(&same));
    }
}

#[test]
fn a_full_batch_is_one_update_for_each_epoch() {
    let (mut net, mut same) = (Line::ZERO, Line::ZERO);
    Batch::new().fit(&mut net, &SGD, FULL_BATCH, &POINTS, Stop::after(3));
    (0..3).for_each(|_| batches_by_hand(&mut same, 7));
    assert_same_bits("net", &flat(&net), &flat(&same));
    assert_ne!(net, Line::ZERO);
}

#[test]
fn fit_drops_a_batch_that_was_begun_before() {
    let (mut net, mut same) = (Line::ZERO, Line::ZERO);
    let mut trainer = Batch::new();
    trainer.accumulate(&net, &[100.0], &[-100.0]);
    trainer.fit(&mut net, &SGD, FULL_BATCH, &POINTS, Stop::after(1));
    assert_eq!(trainer.count(), 0);
    batches_by_hand(&mut same, 7);
    assert_same_bits("net", &flat(&net), &flat(&same));
}

#[test]
fn applying_an_empty_batch_changes_nothing() {
    let mut net = Line::new([[0.5]], [0.25]);
    let mut trainer = BatchTrainer::<Line, HalfSquaredError, _>::new();
    let optimizer = WeightDecay::new(Adam::new(0.1), 0.1);
    assert_eq!(trainer.apply(&mut net, &optimizer), 0);
    assert_eq!(trainer.count(), 0);
    trainer.accumulate(&net, &[1.0], &[f64::NAN]);
    assert_eq!(trainer.apply(&mut net, &optimizer), 0);
    trainer.accumulate(&net, &[1.0], &[3.0]);
    trainer.clear();
    assert_eq!(trainer.apply(&mut net, &optimizer), 0);
    assert_eq!(net, Line::new([[0.5]], [0.25]));
}

// What is called, and when

#[test]
fn fit_calls_in_order_with_the_right_numbers() {
    let log = RefCell::new(Vec::new());
    let say = |text: String| log.borrow_mut().push(text);
    let examples = |epoch: u32| {
        say(format!("examples {epoch}"));
        (0..3).map(|k| {
            say(format!("make {k}"));
            ([f64::from(k)], [1.0])
        })
    };
    let optimizer = |step: u32| {
        say(format!("update {step}"));
        SGD
    };
    let mut net = Line::ZERO;
    let learn = |epoch: &mut NextEpoch<'_, _, Batch, _>| epoch.learn(examples(epoch.completed));
    Batch::new().fit_with(&mut net, optimizer, 2, learn, Stop::after(2), |epoch| {
        say(format!("epoch {}", epoch.number));
        ControlFlow::Continue(())
    });
    let want = "examples 0, make 0, make 1, update 0, make 2, update 1, epoch 1, \
                examples 1, make 0, make 1, update 2, make 2, update 3, epoch 2";
    assert_eq!(log.borrow().join(", "), want);
    log.borrow_mut().clear();

    let learn = |epoch: &mut NextEpoch<'_, _, Single, _>| epoch.learn(examples(epoch.completed));
    Single::new().fit_with(&mut net, optimizer, learn, Stop::after(2), |epoch| {
        say(format!("epoch {}", epoch.number));
        ControlFlow::Continue(())
    });
    let want = "examples 0, make 0, update 0, make 1, update 1, make 2, update 2, epoch 1, \
                examples 1, make 0, update 3, make 1, update 4, make 2, update 5, epoch 2";
    assert_eq!(log.borrow().join(", "), want);
}

#[test]
fn the_callback_sees_the_network_after_the_epoch_and_the_loss_during_it() {
    let (mut same, mut trainer) = (Line::ZERO, Single::new());
    Single::new().fit_with(
        &mut zero(),
        |_| SGD,
        |epoch| epoch.learn(POINTS),
        Stop::after(5),
        |epoch| {
            let sum: f64 = POINTS.iter().map(|(x, t)| trainer.step(&mut same, &SGD, x, t)).sum();
            assert_close("loss", epoch.loss, sum / 7.0, tolerance::F64_STEP);
            assert_same_bits("net", &flat(epoch.net), &flat(&same));
            ControlFlow::Continue(())
        },
    );
}

#[test]
fn a_schedule_sees_every_update_once() {
    // The learning rate of each update can be read from the move that it makes.
    let rate = |step: u32| 0.5 / f64::from(step + 1);
    let mut net = Line::ZERO;
    let data = [([0.0], [1.0])];
    let mut before = 0.0;
    let schedule = |step| Sgd { learning_rate: rate(step) };
    Single::new().fit_with(
        &mut net,
        schedule,
        |epoch| epoch.learn(data),
        Stop::after(6),
        |epoch| {
            let [b] = *epoch.net.bias();
            let got = (b - before) / (1.0 - before);
            assert_all_close("rate", &[got], &[rate(epoch.number - 1)], tolerance::F64_STEP);
            before = b;
            ControlFlow::Continue(())
        },
    );
    assert!(before > 0.5);
}

#[test]
fn examples_may_be_pairs_references_or_made_on_the_fly() {
    let (x, t): (Vec<_>, Vec<_>) = POINTS.into_iter().unzip();
    let mut want = Line::ZERO;
    Single::new().fit(&mut want, &SGD, POINTS, Stop::after(2));
    let check = |train: &dyn Fn(&mut Line)| {
        let mut net = Line::ZERO;
        train(&mut net);
        assert_same_bits("net", &flat(&net), &flat(&want));
    };
    check(&|net| _ = Single::new().fit(net, &SGD, &POINTS, Stop::after(2)));
    check(&|net| _ = Single::new().fit(net, &SGD, POINTS.iter(), Stop::after(2)));
    check(&|net| _ = Single::new().fit(net, &SGD, x.iter().zip(&t), Stop::after(2)));
    check(&|net| _ = Single::new().fit(net, &SGD, POINTS.iter().copied(), Stop::after(2)));
    check(&|net| {
        // Read one by one, as from a sensor.
        let sensor = |epoch: &mut NextEpoch<'_, _, Single, _>| {
            let mut k = 0;
            epoch.learn(core::iter::from_fn(|| {
                k += 1;
                POINTS.get(k - 1).copied()
            }))
        };
        Single::new().fit_with(net, |_| SGD, sensor, Stop::after(2), go_on);
    });
}

#[test]
fn examples_may_be_shuffled_in_place_or_by_an_order() {
    let mut want = Line::ZERO;
    let mut trainer = Single::new();
    let orders: Vec<_> = (0..3).map(|k| POINTS.iter().cycle().skip(k).take(7)).collect();
    orders.into_iter().flatten().for_each(|(x, t)| _ = trainer.step(&mut want, &SGD, x, t));

    // The closure changes what it captured, and lends it.
    let mut data = POINTS.to_vec();
    data.rotate_right(1);
    let mut net = Line::ZERO;
    Single::new().fit_with(
        &mut net,
        |_| SGD,
        |epoch| {
            data.rotate_left(1);
            epoch.learn(&data)
        },
        Stop::after(3),
        go_on,
    );
    assert_same_bits("in place", &flat(&net), &flat(&want));

    let mut order = [6, 0, 1, 2, 3, 4, 5];
    let (mut net, mut batched) = (Line::ZERO, Line::ZERO);
    Single::new().fit_with(
        &mut net,
        |_| SGD,
        |epoch| {
            order.rotate_left(1);
            epoch.learn(order.iter().map(|&i| &POINTS[i]))
        },
        Stop::after(3),
        go_on,
    );
    assert_same_bits("by an order", &flat(&net), &flat(&want));
    Batch::new().fit_with(
        &mut batched,
        |_| SGD,
        3,
        |epoch| {
            order.rotate_left(1);
            epoch.learn(order.iter().map(|&i| &POINTS[i]))
        },
        Stop::after(3),
        go_on,
    );
    assert_ne!(batched, Line::ZERO);
}

#[test]
fn an_epoch_may_learn_in_parts() {
    let (mut net, mut same) = (Line::ZERO, Line::ZERO);
    let report = Single::new().fit_with(
        &mut net,
        |_| SGD,
        |epoch| {
            epoch.learn(&POINTS[..2]);
            epoch.learn(&POINTS[2..])
        },
        Stop::after(3),
        go_on,
    );
    let want = Single::new().fit(&mut same, &SGD, &POINTS, Stop::after(3));
    assert_eq!((report, net), (want, same));

    // A part that is refused ends the epoch, whatever comes after it.
    let bad = [([1.0], [1.0]), ([f64::NAN], [1.0])];
    let (mut net, mut batched) = (Line::ZERO, Line::ZERO);
    let report = Single::new().fit_with(
        &mut net,
        |_| SGD,
        |epoch| {
            epoch.learn(bad);
            epoch.learn(POINTS)
        },
        Stop::after(3),
        go_on,
    );
    assert_eq!((report.outcome, report.epochs), (Outcome::NotFinite { example: 1 }, 0));
    let mut same = Line::ZERO;
    Single::new().step(&mut same, &SGD, &[1.0], &[1.0]);
    assert_eq!(net, same);
    let report = Batch::new().fit_with(
        &mut batched,
        |_| SGD,
        2,
        |epoch| {
            epoch.learn(bad);
            epoch.learn(POINTS)
        },
        Stop::after(3),
        go_on,
    );
    assert_eq!((report.outcome, batched), (Outcome::NotFinite { example: 1 }, Line::ZERO));
}

#[test]
fn the_callback_may_change_the_network() {
    let mut net = Line::ZERO;
    let report = Single::new().fit_with(
        &mut net,
        |_| SGD,
        |epoch| epoch.learn(POINTS),
        Stop::after(5),
        |epoch| {
            epoch.net.bias_mut()[0] = 0.25;
            ControlFlow::Continue(())
        },
    );
    assert_eq!((report.outcome, net.bias()), (Outcome::EpochsDone, &[0.25]));
    // What it ruins is not called done.
    for (epochs, loss) in [(1, None), (9, None), (9, Some(1e9))] {
        let report = Single::new().fit_with(
            &mut net,
            |_| SGD,
            |epoch| epoch.learn(POINTS),
            Stop { epochs, loss },
            |epoch| {
                epoch.net.bias_mut()[0] = f64::NAN;
                ControlFlow::Continue(())
            },
        );
        assert_eq!((report.outcome, report.epochs), (Outcome::Diverged, 1));
        net = Line::ZERO;
    }
}

// Bits

type Net<T> = Mlp<2, 3, 2, Tanh, Sigmoid, T>;

/// Trains per sample and in batches of one, with plain gradient descent.
fn both_ways<T: Scalar>(rate: f64) -> (Vec<f64>, Vec<f64>) {
    type Deep<T> =
        Chain<Dense<2, 5, Tanh, T>, Chain<Dense<5, 33, Silu, T>, Dense<33, 2, Sigmoid, T>>>;
    let sgd = Sgd { learning_rate: T::from_f64(rate) };
    let mut rng = Rng(30);
    let mut net = Deep::<T>::random(&mut rng);
    let mut same = net.clone();
    let start = flat(&net);
    let mut single = Trainer::<Deep<T>, BinaryCrossEntropy, _>::new();
    let mut batch = BatchTrainer::<Deep<T>, BinaryCrossEntropy, _>::new();
    for _ in 0..200 {
        let (x, t) = (rng.array(-1.0, 1.0), rng.array(0.0, 1.0));
        single.step(&mut net, &sgd, &x, &t);
        batch.accumulate(&same, &x, &t);
        batch.apply(&mut same, &sgd);
    }
    assert_ne!(flat(&net), start);
    (flat(&net), flat(&same))
}

#[test]
fn batches_of_one_train_to_the_same_bits_when_the_rate_is_a_power_of_two() {
    // Multiplying by a power of two does not round: `x (-r d)` is `-r (x d)`.
    let (single, batch) = both_ways::<f32>(0.125);
    assert_same_bits("f32", &single, &batch);
    let (single, batch) = both_ways::<f64>(0.125);
    assert_same_bits("f64", &single, &batch);
}

#[test]
fn batches_of_one_train_to_the_same_numbers_but_for_rounding() {
    let (single, batch) = both_ways::<f64>(0.1);
    assert_all_close("f64", &single, &batch, tolerance::ORDER_F64);
}

#[test]
fn training_twice_gives_the_same_bits() {
    assert_eq!(both_ways::<f32>(0.1), both_ways::<f32>(0.1));
}

#[test]
fn frozen_weights_keep_their_bits_whatever_the_optimizer() {
    type First = Dense<2, 5, Tanh>;
    type Middle = Dense<5, 4, Gelu>;
    type Last = Dense<4, 2, Sigmoid>;
    fn check<O: Optimizer<A> + Optimizer<B> + Optimizer<C> + Clone>(optimizer: &O) {
        let mut rng = Rng(40);
        let data: [([f32; 2], [f32; 2]); 5] =
            core::array::from_fn(|_| (rng.array(-1.0, 1.0), rng.array(0.0, 1.0)));
        let stop = Stop::after(20);
        let bits =
            |parameters: Vec<f64>| parameters.into_iter().map(f64::to_bits).collect::<Vec<_>>();

        let mut net = A::random(&mut rng);
        let (frozen, learned) = (bits(flat(net.first().layer())), bits(flat(&net)));
        Trainer::<_, BinaryCrossEntropy, O>::new().fit(&mut net, optimizer, &data, stop);
        assert_eq!(bits(flat(net.first().layer())), frozen);
        assert!(bits(flat(&net)).iter().zip(learned).all(|(&now, then)| now != then));

        let mut net = B::random(&mut rng);
        let frozen = bits(flat(net.rest().first().layer()));
        let (first, last) = (bits(flat(net.first())), bits(flat(net.rest().rest())));
        BatchTrainer::<_, BinaryCrossEntropy, O>::new().fit(&mut net, optimizer, 2, &data, stop);
        assert_eq!(bits(flat(net.rest().first().layer())), frozen);
        assert_ne!(bits(flat(net.first())), first);
        assert_ne!(bits(flat(net.rest().rest())), last);

        let mut net = C::random(&mut rng);
        let frozen = net.clone();
        Trainer::<_, BinaryCrossEntropy, O>::new().fit(&mut net, optimizer, &data, stop);
        assert_eq!(bits(flat(net.layer())), bits(flat(frozen.layer())));
    }
    type A = Chain<Frozen<First>, Chain<Middle, Last>>;
    type B = Chain<First, Chain<Frozen<Middle>, Last>>;
    type C = Frozen<Chain<First, Chain<Middle, Last>>>;
    check(&Sgd { learning_rate: 0.1 });
    check(&Momentum { learning_rate: 0.1, momentum: 0.9 });
    check(&Adam::new(0.01));
    check(&AdamW { adam: Adam::new(0.01), weight_decay: 0.1 });
    check(&WeightDecay::new(Adam::new(0.01), 0.1));
    check(&WeightDecay::new(Sgd { learning_rate: 0.1 }, 0.1));
    check(&ClipByNorm { optimizer: Sgd { learning_rate: 0.1 }, limit: 0.01 });
}

#[test]
fn borrowed_frozen_layers_train_like_owned_ones() {
    static FIRST: Dense<2, 3, Tanh> = Dense::new([[0.5, -1.0, 0.25], [1.0, 0.5, -0.75]], [0.1; 3]);
    const LAST: Dense<3, 1, Sigmoid> = Dense::new([[0.5], [-0.25], [1.0]], [0.0]);
    let mut borrowed = Chain::new(Frozen::new(&FIRST), LAST);
    let mut owned = Chain::new(Frozen::new(FIRST.clone()), LAST);
    let data = [([0.5, 1.0], [1.0]), ([-1.0, 0.25], [0.0])];
    let stop = Stop::after(50);
    let adam = Adam::new(0.05);
    let a = Trainer::<_, BinaryCrossEntropy, _>::new().fit(&mut borrowed, &adam, &data, stop);
    let b = Trainer::<_, BinaryCrossEntropy, _>::new().fit(&mut owned, &adam, &data, stop);
    assert_eq!(a, b);
    assert_same_bits("head", &flat(&borrowed), &flat(&owned));
    assert!(a.loss.unwrap() < 0.2, "{a:?}");
}

#[test]
fn exclusive_or_is_learned_in_both_number_types() {
    fn learn<T: Scalar>() -> Vec<f64> {
        let n = T::from_f64;
        let data = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
            .map(|x: [f64; 2]| (x.map(n), [n(f64::from(x[0] != x[1]))]));
        let mut net = Mlp::<2, 4, 1, Tanh, Sigmoid, T>::random(&mut Rng(50));
        let mut trainer = BatchTrainer::<_, BinaryCrossEntropy, _>::new();
        let stop = Stop::after(2000).or_at_loss(n(0.01));
        let report = trainer.fit(&mut net, &Adam::new(n(0.02)), FULL_BATCH, &data, stop);
        assert_eq!(report.outcome, Outcome::LossReached, "{report:?}");
        for (x, t) in &data {
            let [y] = net.forward(x);
            assert_eq!(y.to_f64() > 0.5, t[0].to_f64() > 0.5);
        }
        flat(&net)
    }
    let (narrow, wide) = (learn::<f32>(), learn::<f64>());
    // Two number types, not one under two names.
    assert!(narrow.iter().zip(&wide).any(|(a, b)| a != b));
    assert!(wide.iter().any(|&p| f64::from_f64(f32::from_f64(p).to_f64()) != p));
}

#[test]
fn step_returns_the_loss_before_the_update_and_keeps_the_output() {
    let mut net = Net::<f32>::random(&mut Rng(60));
    let (x, t) = ([0.5, -0.25], [1.0, 0.0]);
    let mut trainer = Trainer::<Net<f32>, BinaryCrossEntropy, Sgd>::new();
    assert_eq!(trainer.output(), &[0.0; 2]);
    for _ in 0..20 {
        let (y, before) = (net.forward(&x), trainer.evaluate(&net, &x, &t));
        let loss = trainer.step(&mut net, &Sgd { learning_rate: 0.5 }, &x, &t);
        assert_eq!(loss.to_bits(), before.to_bits());
        assert_eq!(trainer.output().map(f32::to_bits), y.map(f32::to_bits));
        assert!(trainer.evaluate(&net, &x, &t) < loss);
    }
    assert_eq!(argmax(&net.forward(&x).map(f64::from)), 0);
}
