//! Whole training runs against numbers that were computed elsewhere: `CPython`, numpy, mpmath.
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

use core::ops::ControlFlow;

use gradlet::prelude::*;
use support::{Bare, Json, assert_all_close, assert_close, dense, flat, flat_gradient, tolerance};

const SGD_005: Sgd<f64> = Sgd { learning_rate: 0.005 };

// 000: ten points

/// Inputs and targets.
type Examples<const IN: usize> = Vec<([f64; IN], [f64; 1])>;

type Neuron = Dense<2, 1, Sigmoid, f64>;

fn ten_points() -> (Json<'static>, Examples<2>) {
    let file = Json::file("000_ten_point");
    let (x, t) = (file.at("data").at("x").list(), file.at("data").at("t").list());
    (file, x.iter().zip(t).map(|(x, t)| (x.array(), t.array())).collect())
}

#[test]
fn ten_points_one_pass_of_sample_steps_matches_golden() {
    let (file, data) = ten_points();
    let run = file.at("corrected_sgd_half_sse");
    let mut net = Neuron::new([[1.0], [1.0]], [1.0]);
    let mut trainer = Trainer::<Neuron, HalfSquaredError, Sgd<f64>>::new();
    let mut batch = BatchTrainer::<Neuron, HalfSquaredError, Sgd<f64>>::new();
    let mut sum = |net: &Neuron| data.iter().map(|(x, t)| batch.evaluate(net, x, t)).sum::<f64>();
    let step = tolerance::F64_STEP;
    assert_close("sum before", sum(&net), run.at("loss_sum_before").number(), step);
    for (row, (x, t)) in run.at("trace").list().into_iter().zip(&data) {
        assert_eq!((row.at("x").numbers(), row.at("t").numbers()), (x.to_vec(), t.to_vec()));
        let mut gradient = BatchTrainer::<Neuron, HalfSquaredError, Sgd<f64>>::new();
        gradient.accumulate(&net, x, t);
        let want: Vec<_> = [row.at("gw").numbers(), row.at("gb").numbers()].concat();
        assert_all_close("gradient", &flat_gradient::<Neuron>(gradient.gradient()), &want, step);

        let loss = trainer.step(&mut net, &SGD_005, x, t);
        assert_close("loss", loss, row.at("loss").number(), step);
        assert_close("a", trainer.output()[0], row.at("a").number(), step);
        let want: Vec<_> = [row.at("w_after").numbers(), row.at("b_after").numbers()].concat();
        assert_all_close("after", &flat(&net), &want, step);
    }
    assert_close("sum after", sum(&net), run.at("loss_sum_after").number(), step);
}

#[test]
fn ten_points_full_batches_reach_the_optimum() {
    let (file, data) = ten_points();
    let run = file.at("corrected_bce_batch");
    let sgd = Sgd { learning_rate: run.at("lr").number() };
    let mut net = Neuron::new([[1.0], [1.0]], [1.0]);
    let mut trainer = BatchTrainer::<Neuron, BinaryCrossEntropy, Sgd<f64>>::new();
    let mut updates = 0;
    let mut loss = 0.0;
    for row in run.at("trace").list() {
        while updates < row.at("step").count() {
            data.iter().for_each(|(x, t)| _ = trainer.accumulate(&net, x, t));
            assert_eq!(trainer.apply(&mut net, &sgd), 10);
            updates += 1;
        }
        loss = data.iter().map(|(x, t)| trainer.evaluate(&net, x, t)).sum::<f64>() / 10.0;
        assert_close("loss", loss, row.at("loss").number(), tolerance::after(updates));
        let want: Vec<_> = [row.at("w").numbers(), row.at("b").numbers()].concat();
        assert_all_close(
            &format!("after {updates}"),
            &flat(&net),
            &want,
            tolerance::after(updates),
        );
    }
    assert_eq!(updates, 10_000);
    let best = run.at("optimum");
    assert_close("best loss", loss, best.at("loss").number(), tolerance::F64_STEP);
    assert_close("ln 4", net.bias()[0], best.at("b").number(), tolerance::F64_STEP);
    assert_all_close("w", net.weights().as_flattened(), &[0.0; 2], tolerance::F64_STEP);
}

#[test]
fn ten_points_with_four_hidden_units_are_all_right() {
    type Net = Mlp<2, 4, 1, Tanh, Sigmoid, f64>;
    let (file, data) = ten_points();
    let run = file.at("corrected_mlp_2_4_1");
    let sgd = Sgd { learning_rate: run.at("lr").number() };
    let (w, b) = (run.at("init").at("w"), run.at("init").at("b"));
    let mut net = Net::new(dense(w.nth(0), b.nth(0)), dense(w.nth(1), b.nth(1)));
    let mut trainer = BatchTrainer::<Net, BinaryCrossEntropy, Sgd<f64>>::new();
    let mut updates = 0;
    for row in run.at("trace").list() {
        while updates < row.at("step").count() {
            data.iter().for_each(|(x, t)| _ = trainer.accumulate(&net, x, t));
            trainer.apply(&mut net, &sgd);
            updates += 1;
        }
        let (mut loss, mut right) = (0.0, 0);
        for (x, t) in &data {
            loss += trainer.evaluate(&net, x, t) / 10.0;
            right += usize::from((trainer.output()[0] > 0.5) == (t[0] > 0.5));
        }
        assert_close("loss", loss, row.at("loss").number(), tolerance::after(updates));
        assert_eq!(right, row.at("correct").count(), "right answers after {updates} updates");
    }
    assert_eq!(updates, 5000);
    // The file's final weights and outputs belong to one update more than its last row.
    data.iter().for_each(|(x, t)| _ = trainer.accumulate(&net, x, t));
    trainer.apply(&mut net, &sgd);
    let (first, rest) = (net.first(), net.rest());
    let end = run.at("final");
    let (w, b) = (end.at("w"), end.at("b"));
    let long = tolerance::F64_LONG;
    assert_all_close("w1", first.rows().as_flattened(), &w.nth(0).numbers(), long);
    assert_all_close("b1", first.bias(), &b.nth(0).numbers(), long);
    assert_all_close("w2", rest.rows().as_flattened(), &w.nth(1).numbers(), long);
    assert_all_close("b2", rest.bias(), &b.nth(1).numbers(), long);
    let outputs: Vec<_> = data.iter().map(|(x, _)| net.forward(x)[0]).collect();
    assert_all_close("outputs", &outputs, &run.at("outputs").numbers(), long);
}

// 001: linear neurons. They have no biases, which `Dense` always has: a layer of the tests' own.

/// Steps until the error `(y - t)^2` is less than `limit`; calls `each` with number, output, error
/// and rows before every step. The error is twice the half squared error.
fn learn<const IN: usize, const OUT: usize>(
    net: &mut Bare<IN, OUT>,
    alpha: f64,
    x: [f64; IN],
    t: [f64; OUT],
    steps: usize,
    mut each: impl FnMut(usize, &[f64; OUT], &Bare<IN, OUT>) -> ControlFlow<()>,
) -> usize {
    let mut trainer = Trainer::<Bare<IN, OUT>, HalfSquaredError, Sgd<f64>>::new();
    for i in 0..steps {
        trainer.evaluate(net, &x, &t);
        if each(i, trainer.output(), net).is_break() {
            return i;
        }
        trainer.step(net, &Sgd { learning_rate: alpha }, &x, &t);
    }
    steps
}

fn square(v: f64) -> f64 {
    v * v
}

#[test]
fn one_weight_runs_stop_where_golden_says() {
    let file = Json::file("001_learning");
    // Cells 75, 81 and 92 of the notebook; "stops in iteration" counts from 1, "stops at" from 0.
    for (name, stop_key, limit) in [
        ("error_based", "stops_in_iteration", 1e-20),
        ("recap_1p1", "stops_at_i", 1e-30),
        ("alpha_0p01", "stops_at_i", 1e-30),
    ] {
        let run = file.at(name);
        let mut net = Bare::<1, 1>::new([[run.at("weight").number()]]);
        let (x, t) = (run.at("input").number(), run.at("goal").number());
        let alpha = run.get("alpha").map_or(1.0, Json::number);
        let trace = run.at("trace").list();
        let base = trace[0].at("i").count();
        let mut seen = 0;
        let stopped = learn(&mut net, alpha, [x], [t], 1000, |i, &[y], net| {
            let error = square(y - t);
            if let Some(row) = trace.iter().find(|row| row.at("i").count() == i + base) {
                // What is left of the residual has the absolute error of `y`, near 1e-16.
                assert_close("y", y, row.at("pred").number(), tolerance::F64_STEP);
                assert_close("error", error, row.at("error").number(), tolerance::F64_STEP);
                if let Some(w) = row.get("weight") {
                    assert_close("w", net.rows()[0], w.number(), tolerance::F64_STEP);
                }
                seen += 1;
            }
            if error < limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert!(seen >= trace.len() - 1, "{name}: {seen} of {} rows", trace.len());
        let want = run.at("final_weight").number();
        assert_close(name, net.rows()[0], want, tolerance::F64_STEP);
        assert_eq!(stopped + base, run.at(stop_key).count(), "{name}");
    }
}

#[test]
fn one_weight_with_too_large_a_step_stops_learning_at_the_first_infinite_error() {
    fn run<T: Scalar>(file: Json<'_>) -> usize {
        let mut net = Bare::<1, 1, Identity, T>::new([[T::ZERO]]);
        let x = [T::from_f64(file.at("input").number())];
        let t = [T::from_f64(file.at("goal").number())];
        let mut trainer = Trainer::<Bare<1, 1, Identity, T>, HalfSquaredError, Sgd<T>>::new();
        let sgd = Sgd { learning_rate: T::ONE };
        for i in 0..200 {
            let before = net.rows()[0].to_f64();
            let loss = trainer.step(&mut net, &sgd, &x, &t);
            if !loss.is_finite() {
                assert_eq!(net.rows()[0].to_f64(), before, "a step that is not finite is none");
                assert!(before.is_finite());
                return i;
            }
        }
        200
    }
    let file = Json::file("001_learning").at("diverge_6p6");
    let at = |key: &str| file.at(key).at("first_i_with_infinite_error").count();
    assert_eq!(run::<f64>(file), at("f64_ieee"));
    assert_eq!(run::<f32>(file), at("f32"));
}

#[test]
fn three_inputs_to_one_output_match_golden() {
    let run = Json::file("001_learning").at("multi_input_corrected");
    let mut net = Bare::<3, 1>::from_rows([run.at("weights").array()]);
    let (x, goal) = (run.at("input").array(), run.at("goal").number());
    let trace = run.at("trace").list();
    let stopped = learn(&mut net, run.at("alpha").number(), x, [goal], 100, |i, &[y], net| {
        if i > 0 {
            let want = trace[i - 1].at("weights_after").numbers();
            assert_all_close("w", &net.rows(), &want, tolerance::F64_STEP);
        }
        if square(y - goal) < 1e-5 {
            assert_close("y", y, run.at("final_pred").number(), tolerance::F64_STEP);
            return ControlFlow::Break(());
        }
        assert_close("y", y, trace[i].at("pred").number(), tolerance::F64_STEP);
        ControlFlow::Continue(())
    });
    assert_eq!(stopped, run.at("stops_at_i").count());
    let want = run.at("final_weights").numbers();
    assert_all_close("final", &net.rows(), &want, tolerance::F64_STEP);
}

#[test]
fn one_input_to_three_outputs_matches_golden() {
    let run = Json::file("001_learning").at("single_in_multi_out");
    let weights = run.at("weights").array::<f64, 3>();
    let mut net = Bare::<1, 3>::from_rows(weights.map(|w| [w]));
    let (x, goal) = ([run.at("input").number()], run.at("goal").array());
    let (trace, mut seen) = (run.at("trace").list(), 0);
    let steps = run.at("iterations").count();
    learn(&mut net, run.at("alpha").number(), x, goal, steps, |i, y, _| {
        if let Some(row) = trace.iter().find(|row| row.at("i").count() == i) {
            assert_all_close("y", y, &row.at("pred").numbers(), tolerance::after(i));
            seen += 1;
        }
        ControlFlow::Continue(())
    });
    assert_eq!(seen, trace.len());
    let want = run.at("final_weights").numbers();
    assert_all_close("final", &net.rows(), &want, tolerance::F64_LONG);
}

#[test]
fn three_inputs_to_three_outputs_match_golden() {
    let run = Json::file("001_learning").at("multi_in_multi_out");
    let mut net = Bare::<3, 3>::from_rows(run.at("weights").matrix());
    let (x, goal) = (run.at("input").array(), run.at("goal").array());
    let trace = run.at("trace").list();
    let steps = run.at("iterations").count();
    learn(&mut net, run.at("alpha").number(), x, goal, steps, |i, y, net| {
        assert_all_close("y", y, &trace[i].at("pred").numbers(), tolerance::F64_STEP);
        let want = trace[i].at("weights_before").numbers();
        assert_all_close("w", &net.rows(), &want, tolerance::F64_STEP);
        let errors = [0, 1, 2].map(|o| square(y[o] - goal[o]));
        // The last iteration is the first with every error at most 1e-6.
        assert_eq!(i + 1 == steps, errors.iter().all(|&e| e <= 1e-6));
        ControlFlow::Continue(())
    });
    let want = run.at("final_weights").numbers();
    assert_all_close("final", &net.rows(), &want, tolerance::F64_STEP);
}

// 002: the four equations, and servers against kilowatts

#[test]
fn four_equations_match_golden_in_every_intermediate() {
    type Net = Mlp<2, 3, 2, Sigmoid, Sigmoid, f64>;
    let file = Json::file("002_four_equations");
    let (w, b) = (file.at("net").at("w"), file.at("net").at("b"));
    let net = Net::new(dense(w.nth(0), b.nth(0)), dense(w.nth(1), b.nth(1)));
    let (x, t) = (file.at("x").array(), file.at("t").array());
    let close = |what, got: &[f64], want: Json<'_>| {
        assert_all_close(what, got, &want.numbers(), tolerance::F64_PASS);
    };
    let (mut z1, mut z2) = ([0.0; 3], [0.0; 2]);
    net.first().logits(&x, &mut z1);
    let a1 = net.first().forward(&x);
    net.logits(&x, &mut z2);
    close("z1", &z1, file.at("z").nth(0));
    close("z2", &z2, file.at("z").nth(1));
    close("a1", &a1, file.at("a").nth(1));
    close("a2", &net.forward(&x), file.at("a").nth(2));

    let mut trainer = BatchTrainer::<Net, HalfSquaredError, Sgd<f64>>::new();
    let loss = trainer.accumulate(&net, &x, &t);
    assert_close("loss", loss, file.at("loss").number(), tolerance::F64_PASS);
    close("output", trainer.output(), file.at("a").nth(2));
    let gradient = trainer.gradient();
    close("dW1", gradient.first().rows().as_flattened(), file.at("grad_w").nth(0));
    close("dW2", gradient.rest().rows().as_flattened(), file.at("grad_w").nth(1));
    close("db1", gradient.first().bias(), file.at("grad_b").nth(0));
    close("db2", gradient.rest().bias(), file.at("grad_b").nth(1));
    // Equation 3: the gradient of the biases is delta.
    close("delta1", gradient.first().bias(), file.at("delta").nth(0));
    close("delta2", gradient.rest().bias(), file.at("delta").nth(1));
}

type Line = Dense<1, 1, Identity, f64>;
type LineTrainer = BatchTrainer<Line, HalfSquaredError, Sgd<f64>>;

fn servers() -> (Json<'static>, Examples<1>) {
    let file = Json::file("002_linear_regression");
    let (x, y) = (file.at("data").at("x").numbers(), file.at("data").at("y").numbers());
    assert_eq!((x.len(), y.len()), (100, 100));
    (file, x.into_iter().zip(y).map(|(x, y)| ([x], [y])).collect())
}

/// Mean half squared error over all examples.
fn mean_loss(net: &Line, data: &[([f64; 1], [f64; 1])]) -> f64 {
    let mut judge = LineTrainer::new();
    data.iter().map(|(x, t)| judge.evaluate(net, x, t)).sum::<f64>() / data.len() as f64
}

/// Compares weight and bias, named `w` and `b` in `row`.
#[track_caller]
fn assert_line(net: &Line, row: Json<'_>) {
    let want = [row.at("w").number(), row.at("b").number()];
    assert_all_close("w, b", &flat(net), &want, tolerance::F64_LONG);
}

#[test]
fn servers_one_pass_of_sample_steps_matches_golden() {
    let (file, data) = servers();
    let run = file.at("sgd_one_pass");
    let sgd = Sgd { learning_rate: run.at("lr").number() };
    let mut net = Line::ZERO;
    let mut trainer = Trainer::<Line, HalfSquaredError, Sgd<f64>>::new();
    let (trace, mut seen) = (run.at("trace").list(), 0);
    for (k, (x, t)) in data.iter().enumerate() {
        trainer.step(&mut net, &sgd, x, t);
        if let Some(row) = trace.iter().find(|row| row.at("samples_seen").count() == k + 1) {
            assert_line(&net, *row);
            seen += 1;
        }
    }
    assert_eq!(seen, trace.len());
    let long = tolerance::F64_LONG;
    assert_close("loss", mean_loss(&net, &data), run.at("loss").number(), long);
    let query = [file.at("query_x").number()];
    assert_close("kW", net.forward(&query)[0], run.at("predict_346").number(), long);
}

#[test]
fn servers_full_batches_reach_least_squares() {
    let (file, data) = servers();
    let run = file.at("full_batch");
    let sgd = Sgd { learning_rate: run.at("lr").number() };
    let (trace, mut seen) = (run.at("trace").list(), 1);
    let mut net = Line::ZERO;
    let report = LineTrainer::new().fit_with(
        &mut net,
        |_| sgd,
        FULL_BATCH,
        |epoch| epoch.learn(&data),
        Stop::after(5000),
        |epoch| {
            if let Some(row) = trace.get(seen) {
                if row.at("step").count() == epoch.number as usize {
                    assert_line(epoch.net, *row);
                    let loss = mean_loss(epoch.net, &data);
                    assert_close("loss", loss, row.at("loss").number(), tolerance::F64_LONG);
                    seen += 1;
                }
            }
            ControlFlow::Continue(())
        },
    );
    assert_eq!((report.outcome, report.epochs, seen), (Outcome::EpochsDone, 5000, trace.len()));
    let exact = file.at("least_squares");
    let want = [exact.at("w_formula15").number(), exact.at("b_formula14").number()];
    assert_all_close("closed form", &flat(&net), &want, tolerance::F64_STEP);
    assert_close("loss", report.loss.unwrap(), exact.at("loss").number(), tolerance::F64_STEP);
}

#[test]
fn servers_mini_batches_match_golden() {
    let (file, data) = servers();
    let run = file.at("mini_batch_10");
    let sgd = Sgd { learning_rate: run.at("lr").number() };
    let (trace, mut seen) = (run.at("trace").list(), 0);
    let mut net = Line::ZERO;
    LineTrainer::new().fit_with(
        &mut net,
        |_| sgd,
        10,
        |epoch| epoch.learn(&data),
        Stop::after(50),
        |epoch| {
            let number = epoch.number as usize;
            if let Some(row) = trace.iter().find(|row| row.at("epoch").count() == number) {
                assert_line(epoch.net, *row);
                let loss = mean_loss(epoch.net, &data);
                assert_close("loss", loss, row.at("loss").number(), tolerance::F64_LONG);
                seen += 1;
            }
            ControlFlow::Continue(())
        },
    );
    assert_eq!(seen, trace.len());
}

#[test]
fn servers_stop_by_loss_where_golden_says() {
    let (file, data) = servers();
    let run = file.at("stop_by_loss");
    let limit = file.at("least_squares").at("loss").number() + 1e-3;
    let sgd = Sgd { learning_rate: 0.5 };
    let stop = Stop::after(100_000);

    // By the loss after each update.
    let mut net = Line::ZERO;
    let report = LineTrainer::new().fit_with(
        &mut net,
        |_| sgd,
        FULL_BATCH,
        |epoch| epoch.learn(&data),
        stop,
        |epoch| {
            let done = mean_loss(epoch.net, &data) < limit;
            if done { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        },
    );
    assert_eq!(report.outcome, Outcome::Stopped);
    assert_eq!(report.epochs as usize, run.at("iterations").count());
    assert_line(&net, run);
    let loss = mean_loss(&net, &data);
    assert_close("loss", loss, run.at("loss").number(), tolerance::F64_LONG);

    // The loss of an epoch is that before its update, so `Stop` sees it one epoch later.
    let mut net = Line::ZERO;
    let report = LineTrainer::new().fit(&mut net, &sgd, FULL_BATCH, &data, stop.or_at_loss(limit));
    assert_eq!(report.outcome, Outcome::LossReached);
    assert_eq!(report.epochs as usize, run.at("iterations").count() + 1);
    assert_close("loss", report.loss.unwrap(), run.at("loss").number(), tolerance::F64_LONG);
}

#[test]
fn servers_standardised_halve_the_error_in_each_step() {
    let (file, data) = servers();
    let run = file.at("standardised");
    let (mean, std) = (run.at("mean").number(), run.at("std_population").number());
    let data: Vec<_> = data.iter().map(|([x], t)| ([(x - mean) / std], *t)).collect();
    let sgd = Sgd { learning_rate: run.at("lr").number() };
    let (trace, mut net, mut updates) = (run.at("trace").list(), Line::ZERO, 0);
    let mut trainer = LineTrainer::new();
    for row in trace {
        while updates < row.at("step").count() {
            trainer.fit(&mut net, &sgd, FULL_BATCH, &data, Stop::after(1));
            updates += 1;
        }
        let ([[w]], [b]) = (*net.weights(), *net.bias());
        let long = tolerance::F64_LONG;
        assert_close("w", w, row.at("w_std").number(), long);
        assert_close("b", b, row.at("b_std").number(), long);
        assert_close("raw w", w / std, row.at("w_raw").number(), long);
        assert_close("raw b", b - w * mean / std, row.at("b_raw").number(), long);
        assert_close("loss", mean_loss(&net, &data), row.at("loss").number(), long);
    }
    assert_eq!(updates, 100);
}

// 003: one tanh neuron

#[test]
fn tanh_neuron_on_half_squared_error_matches_golden() {
    type Net = Dense<2, 1, Tanh, f64>;
    let file = Json::file("003_tanh_neuron");
    let run = file.at("corrected");
    let sgd = Sgd { learning_rate: run.at("lr").number() };
    let (x, t) = ([1.0, 2.0], [1.0]);
    let mut net = Net::from_rows([[0.2, 0.3]], [0.1]);
    let mut trainer = BatchTrainer::<Net, HalfSquaredError, Sgd<f64>>::new();
    let mut stepper = Trainer::<Net, HalfSquaredError, Sgd<f64>>::new();
    let mut updates = 0;
    for row in run.at("trace").list() {
        while updates < row.at("step").count() {
            stepper.step(&mut net, &sgd, &x, &t);
            updates += 1;
        }
        let close = |what, got: f64, key| {
            assert_close(what, got, row.at(key).number(), tolerance::after(updates));
        };
        let mut z = [0.0];
        net.logits(&x, &mut z);
        close("z", z[0], "z");
        trainer.clear();
        let loss = trainer.accumulate(&net, &x, &t);
        close("out", trainer.output()[0], "out");
        close("loss", loss, "loss_half");
        close("loss of the seed", 2.0 * loss, "loss_seed");
        close("b", net.bias()[0], "b");
        close("db", trainer.gradient().bias()[0], "grad_b");
        let w = net.rows();
        assert_all_close("w", &w[0], &row.at("w").numbers(), tolerance::after(updates));
        let dw = trainer.gradient().rows();
        assert_all_close("dw", &dw[0], &row.at("grad_w").numbers(), tolerance::after(updates));
    }
    assert!(updates >= 100);
}

#[test]
fn tanh_neuron_on_squared_error_matches_golden() {
    // With one output, the mean squared error is `(1 - out)^2`, and its factor 2 is in the step.
    type Net = Dense<2, 1, Tanh, f64>;
    let run = Json::file("003_tanh_neuron").at("corrected_seed_loss_lr0.01");
    let sgd = Sgd { learning_rate: 0.01 };
    let (x, t) = ([1.0, 2.0], [1.0]);
    let mut net = Net::from_rows([[0.2, 0.3]], [0.1]);
    let mut trainer = BatchTrainer::<Net, MeanSquaredError, Sgd<f64>>::new();
    let mut stepper = Trainer::<Net, MeanSquaredError, Sgd<f64>>::new();
    let mut updates = 0;
    for row in run.at("trace").list() {
        while updates < row.at("step").count() {
            stepper.step(&mut net, &sgd, &x, &t);
            updates += 1;
        }
        trainer.clear();
        let loss = trainer.accumulate(&net, &x, &t);
        let got = [
            net.weights()[0][0],
            net.weights()[1][0],
            net.bias()[0],
            trainer.output()[0],
            loss,
            trainer.gradient().bias()[0],
        ];
        let want = ["w1", "w2", "b", "out", "loss", "delta"].map(|key| row.at(key).number());
        assert_all_close(&format!("after {updates}"), &got, &want, tolerance::after(updates));
    }
    assert_eq!(updates, 104);
}
