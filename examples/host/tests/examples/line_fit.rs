//! The example `line_fit`: every number of it against numpy.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::float_cmp,
    reason = "tests may panic"
)]

use examples::line_fit::{
    LeastSquares, Plan, QUOTED_FIT, QUOTED_SGD, equations, least_squares, one_pass, rooms, surface,
    train, uses,
};
use examples::losses::Line;
use gradlet::prelude::*;
use gradlet::preprocess::Scaling;
use gradlet::safetensors;
use support::{Json, assert_all_close, assert_close, tolerance};

fn golden() -> Json<'static> {
    Json::file("002_linear_regression")
}

fn plan(batch: u32, run: Json<'_>, passes: u32) -> Plan {
    Plan { batch, learning_rate: run.at("lr").number(), passes, enough: -1.0 }
}

#[track_caller]
fn assert_line(what: &str, line: Line, row: Json<'_>) {
    let want = [row.at("w").number(), row.at("b").number()];
    assert_all_close(what, &[line.w, line.b], &want, tolerance::F64_LONG);
}

#[test]
fn rooms_are_those_of_golden() {
    let data = golden().at("data");
    let (x, y): (Vec<_>, Vec<_>) = rooms::ROOMS.into_iter().unzip();
    assert_eq!((x, y), (data.at("x").numbers(), data.at("y").numbers()));
}

#[test]
fn least_squares_agree_in_every_form() {
    let exact = golden().at("least_squares");
    let LeastSquares { w, b, m_times_b, line } = least_squares(&rooms::ROOMS);
    let ways = [
        ("w_formula13", w[0]),
        ("w_formula15", w[1]),
        ("w_formula16", w[2]),
        ("b_formula14", b[0]),
        ("b_formula9", b[1]),
        ("loss", surface().loss(line)),
        ("predict_346", line.at(golden().at("query_x").number())),
    ];
    for (name, got) in ways {
        assert_close(name, got, exact.at(name).number(), tolerance::F64_STEP);
    }
    assert_close("m b", m_times_b, 100.0 * line.b, tolerance::F64_STEP);
}

#[test]
fn one_pass_by_sample_matches_golden() {
    let (run, surface) = (golden().at("sgd_one_pass"), surface());
    let lines = one_pass(&surface.samples, run.at("lr").number(), 1);
    assert_eq!(lines.len(), 101);
    for row in run.at("trace").list() {
        let seen = row.at("samples_seen").count();
        assert_line(&format!("after {seen}"), lines[seen], row);
    }
    let long = tolerance::F64_LONG;
    assert_line("end", lines[100], run);
    assert_close("loss", surface.loss(lines[100]), run.at("loss").number(), long);
    let answer = lines[100].at(golden().at("query_x").number());
    assert_close("346", answer, run.at("predict_346").number(), long);
}

#[test]
fn pass_of_sample_steps_ends_where_training_by_sample_does() {
    let (run, surface) = (golden().at("sgd_one_pass"), surface());
    let trained = train(&surface, &Scaling::default(), plan(1, run, 1));
    let stepwise = one_pass(&surface.samples, run.at("lr").number(), 1);
    assert_eq!(trained.moments.last().unwrap().line, *stepwise.last().unwrap());
}

#[test]
fn full_batches_match_golden_and_reach_least_squares() {
    let (run, surface) = (golden().at("full_batch"), surface());
    let moments = train(&surface, &Scaling::default(), plan(FULL_BATCH, run, 5000)).moments;
    assert_eq!(moments.len(), 5001);
    for row in run.at("trace").list() {
        let step = row.at("step").count();
        assert_line(&format!("step {step}"), moments[step].line, row);
        let want = row.at("loss").number();
        assert_close("loss", moments[step].loss, want, tolerance::F64_LONG);
    }
    let (end, exact) = (moments[5000].line, least_squares(&rooms::ROOMS).line);
    assert_all_close("end", &[end.w, end.b], &[exact.w, exact.b], tolerance::F64_STEP);
}

#[test]
fn mini_batches_match_golden() {
    let (run, surface) = (golden().at("mini_batch_10"), surface());
    let moments = train(&surface, &Scaling::default(), plan(10, run, 50)).moments;
    for row in run.at("trace").list() {
        let epoch = row.at("epoch").count();
        assert_line(&format!("epoch {epoch}"), moments[epoch].line, row);
        let want = row.at("loss").number();
        assert_close("loss", moments[epoch].loss, want, tolerance::F64_LONG);
    }
    let path = one_pass(&surface.samples, run.at("lr").number(), 10);
    assert_eq!((path.len(), path[10]), (11, moments[1].line));
}

#[test]
fn full_batches_stop_by_loss_where_golden_says() {
    let (run, surface) = (golden().at("stop_by_loss"), surface());
    let enough = surface.loss(least_squares(&rooms::ROOMS).line) + 1e-3;
    let plan = Plan { batch: FULL_BATCH, learning_rate: 0.5, passes: 100_000, enough };
    let stopped = train(&surface, &Scaling::default(), plan);
    let last = stopped.moments.last().unwrap();
    assert_eq!(last.pass as usize, run.at("iterations").count());
    assert_line("end", last.line, run);
    assert_close("loss", last.loss, run.at("loss").number(), tolerance::F64_LONG);
}

#[test]
fn standardised_inputs_match_golden_and_map_back() {
    let (run, surface) = (golden().at("standardised"), surface());
    let scaling = surface.scaling();
    let found = [scaling.offset()[0], scaling.scale()[0]];
    let want = [run.at("mean").number(), run.at("std_population").number()];
    assert_all_close("mean, deviation", &found, &want, tolerance::F64_STEP);
    let moments = train(&surface, &surface.scaling(), plan(FULL_BATCH, run, 100)).moments;
    for row in run.at("trace").list() {
        let moment = &moments[row.at("step").count()];
        let got = [moment.trained.w, moment.trained.b, moment.line.w, moment.line.b, moment.loss];
        let keys = ["w_std", "b_std", "w_raw", "b_raw", "loss"];
        let want = keys.map(|key| row.at(key).number());
        assert_all_close(&format!("step {}", moment.pass), &got, &want, tolerance::F64_LONG);
        // The mapped line has the same loss on raw inputs.
        let raw = surface.loss(moment.line);
        assert_close("raw loss", raw, moment.loss, tolerance::F64_LONG);
    }
}

#[test]
fn standardised_inputs_halve_the_distance_in_each_step() {
    let (run, surface) = (golden().at("standardised"), surface());
    let moments = train(&surface, &surface.scaling(), plan(FULL_BATCH, run, 100)).moments;
    let end = moments[100].trained;
    for pair in moments[..20].windows(2) {
        let [before, after] = [pair[0].trained, pair[1].trained];
        let (was, is) = ([end.w - before.w, end.b - before.b], [end.w - after.w, end.b - after.b]);
        assert_all_close("half", &is, &was.map(|d| d / 2.0), tolerance::F64_LONG);
    }
}

#[test]
fn quoted_numbers_of_the_course_fit_together_as_golden_says() {
    let quoted = golden().at("course_numbers");
    let (fit, sgd) = (quoted.at("least_squares").numbers(), quoted.at("sgd").numbers());
    assert_eq!([QUOTED_FIT.w, QUOTED_FIT.b].as_slice(), fit);
    assert_eq!([QUOTED_SGD.w, QUOTED_SGD.b].as_slice(), sgd);
    let x = golden().at("query_x").number();
    let check = quoted.at("arithmetic_check");
    let want = check.at("2.056827*0.346+2.965434").number();
    assert_close("fit", QUOTED_FIT.at(x), want, tolerance::F64_STEP);
    let want = check.at("1.71629006*0.346+3.19684087").number();
    assert_close("sgd", QUOTED_SGD.at(x), want, tolerance::F64_STEP);
}

#[test]
fn too_large_learning_rates_are_seen_to_diverge() {
    let surface = surface();
    for batch in [1, 10, FULL_BATCH] {
        let plan = Plan { batch, learning_rate: 50.0, passes: 5000, enough: -1.0 };
        let run = train(&surface, &Scaling::default(), plan);
        assert!(run.diverged, "{batch:?}");
        assert!(run.moments.iter().all(|moment| moment.loss.is_finite()), "{batch:?}");
    }
    let lines = one_pass(&surface.samples, 1e200, 1);
    assert!(lines.len() < 101 && lines.iter().all(|line| line.w.is_finite()));
}

#[test]
fn four_equations_match_golden_and_backpropagation() {
    let (file, pass) = (Json::file("002_four_equations"), equations::pass());
    let get = |name| &pass.iter().find(|(known, _)| *known == name).unwrap().1;
    for (name, want) in [
        ("z1", file.at("z").nth(0)),
        ("z2", file.at("z").nth(1)),
        ("a1", file.at("a").nth(1)),
        ("a2", file.at("a").nth(2)),
        ("C", file.at("loss")),
        ("delta1", file.at("delta").nth(0)),
        ("delta2", file.at("delta").nth(1)),
        ("db1", file.at("grad_b").nth(0)),
        ("db2", file.at("grad_b").nth(1)),
        ("dW1", file.at("grad_w").nth(0)),
        ("dW2", file.at("grad_w").nth(1)),
    ] {
        assert_all_close(name, get(name), &want.numbers(), tolerance::F64_PASS);
    }
    let twice: Vec<_> = get("delta2").iter().map(|delta| 2.0 * delta).collect();
    assert_all_close("without 1/2", get("without half"), &twice, tolerance::F64_PASS);
    assert!((1e-15..1e-9).contains(&get("off")[0]), "{:e}", get("off")[0]);
}

// Neurons, models and their uses

#[test]
fn neuron_fires_where_its_sum_reaches_the_threshold() {
    let sums = uses::two_neurons::<Identity>([0.0; 2]);
    let by_hand = uses::WEIGHTS.map(|row| row.iter().zip(uses::INPUTS).map(|(w, x)| w * x).sum());
    assert_all_close("sums", &sums, &by_hand, tolerance::F64_PASS);
    let outputs = uses::two_neurons::<Sigmoid>(uses::THRESHOLDS);
    for ((sum, t), a) in sums.iter().zip(uses::THRESHOLDS).zip(outputs) {
        assert_close("a", a, 1.0 / (1.0 + (t - sum).exp()), tolerance::F64_PASS);
        assert_eq!(*sum >= t, a >= 0.5);
    }
    assert_eq!(outputs.map(|a| a >= 0.5), [false, true]);
    assert_eq!(uses::sigmoid(0.0), 0.5);
}

#[test]
fn model_survives_its_file_and_answers_as_least_squares() {
    let (net, report) = uses::model(Stop::after(1000).or_at_loss(0.025));
    assert_eq!(report.outcome, Outcome::LossReached);
    let mut file = uses::saved(&net).unwrap();
    let loaded = safetensors::from_bytes::<uses::Model>(&file, &uses::NAMES).unwrap();
    assert_eq!(loaded, net);
    let best = least_squares(&rooms::ROOMS).line;
    assert!((loaded.forward(&[346.0])[0] - best.at(0.346)).abs() < 0.05);
    assert_eq!(uses::model(Stop::after(3)).1.epochs, 3);
    file.pop();
    assert!(safetensors::from_bytes::<uses::Model>(&file, &uses::NAMES).is_err());
}

#[test]
fn only_an_activation_fits_the_curve() {
    let points: Vec<_> = uses::curve().iter().map(|([x], [y])| (*x, *y)).collect();
    let line = examples::losses::Surface::over(&points).loss(least_squares(&points).line);
    let ((bent, of_bent), (straight, of_straight)) =
        (uses::curve_fit::<Tanh>(), uses::curve_fit::<Identity>());
    // Without an activation the best line, and nothing below it.
    assert!(of_straight >= line - 1e-12 && of_straight < 1.001 * line, "{of_straight} {line}");
    assert!(of_bent < 0.02 * line, "{of_bent} {line}");
    let steps = |answers: &[(f64, f64)]| -> Vec<f64> {
        answers.windows(2).map(|pair| pair[1].1 - pair[0].1).collect()
    };
    assert!(steps(&straight).windows(2).all(|pair| (pair[1] - pair[0]).abs() < 1e-12));
    assert!(steps(&bent).iter().any(|step| *step < 0.0));
}

#[test]
fn several_inputs_and_outputs_are_learnt() {
    let net = uses::several();
    let (got, want) = (net.rows(), uses::TRUE_WEIGHTS);
    assert_all_close("W", got.as_flattened(), want.as_flattened(), tolerance::F64_LONG);
    assert_all_close("b", net.bias(), &uses::TRUE_BIAS, tolerance::F64_LONG);
}

#[test]
fn loss_goes_on_falling_where_accuracy_does_not() {
    let [start, early, late] = uses::classified([0, 10, 100]);
    assert_close("untrained", start[0], 2_f64.ln(), tolerance::F64_PASS);
    assert!(late[0] < early[0] && early[0] < start[0], "{start:?} {early:?} {late:?}");
    assert_eq!([early[1], late[1]], [0.86; 2]);
}
