//! The example `ten_points`: its numbers against `CPython`, and its search against another one.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "tests may panic"
)]

use std::collections::BTreeSet;

use examples::ten_points as compute;
use examples::ten_points::learning::{self, Classifier, Ending, Run, list};
use examples::ten_points::lines::{self, NINE, SHARES, Split};
use examples::ten_points::script::{self, Parameters, START};
use examples::ten_points::{Neuron, POINTS, net, neuron, sigmoid, sigmoid_slope};
use gradlet::prelude::*;
use support::{Json, assert_all_close, assert_close, tolerance};

const STEP: f64 = tolerance::F64_STEP;

fn golden() -> Json<'static> {
    Json::file("000_ten_point")
}

#[test]
fn points_are_those_of_golden() {
    let data = golden().at("data");
    let x: Vec<f64> = POINTS.iter().flat_map(|(x, _)| *x).collect();
    let t: Vec<f64> = POINTS.iter().flat_map(|(_, t)| *t).collect();
    assert_all_close("x", &x, &data.at("x").numbers(), 0.0);
    assert_all_close("t", &t, &data.at("t").numbers(), 0.0);
}

// The script as it is written

#[test]
fn script_matches_golden_at_every_point() {
    let run = golden().at("as_written");
    assert_close("g", script::slope(), run.at("g").number(), STEP);
    assert_close("eps", script::STEP, run.at("eps").number(), 0.0);
    let (visits, rows) = (script::pass(START), run.at("trace").list());
    assert_eq!((visits.len(), rows.len()), (10, 10));
    for (visit, row) in visits.iter().zip(rows) {
        let what = format!("point {}", row.at("point").count());
        let (x, [truth]) = visit.point;
        assert_all_close(&what, &x, &row.at("x").numbers(), 0.0);
        assert_close(&what, truth, row.at("truth_listed").number(), 0.0);
        assert_close(&what, visit.label, row.at("truth_used_by_seed").number(), 0.0);
        assert_close(&what, visit.v_before, row.at("v_before").number(), STEP);
        assert_all_close(&what, &visit.partials, &row.at("partials").numbers(), STEP);
        assert_all_close(&what, &visit.deltas, &row.at("deltas").numbers(), STEP);
        let Parameters { w1, w2, b1 } = visit.after;
        let want = ["w1", "w2", "b1"].map(|name| row.at(name).number());
        assert_all_close(&what, &[w1, w2, b1], &want, STEP);
        assert_close(&what, visit.v_after, row.at("v_after").number(), STEP);
    }
}

#[test]
fn script_uses_the_slope_at_two_instead_of_its_own() {
    assert_close("g", script::slope(), sigmoid_slope(2.0), STEP);
    let own: Vec<_> = script::pass(START).iter().map(script::Visit::own_slope).collect();
    // Ten decimals, computed by CPython.
    let want = [
        0.1966119332,
        0.1966596258,
        0.1965642310,
        0.1965165190,
        0.1968026448,
        0.2499995694,
        0.1963494508,
        0.2499992723,
        0.1053297498,
        0.1047000037,
    ];
    for (own, want) in own.iter().zip(want) {
        assert!((own - want).abs() <= tolerance::TEN_DECIMALS, "{own} {want}");
    }
}

#[test]
fn script_reads_a_wrong_label_at_the_last_two_points_alone() {
    let visits = script::pass(START);
    for (number, visit) in visits.iter().enumerate() {
        let differs = (visit.v_with_own_label() - visit.v_before).abs() > 1e-3;
        assert_eq!(differs, number >= 8, "point {}", number + 1);
    }
    assert_close("v of point 9", visits[8].v_with_own_label(), 0.9523840354167411, STEP);
}

#[test]
fn script_lowers_v_at_every_point_and_moves_away_from_label_one() {
    for visit in script::pass(START) {
        assert!(visit.v_after < visit.v_before);
        let (x, _) = visit.point;
        assert!(sigmoid(visit.after.sum(x)) < sigmoid(visit.before.sum(x)));
    }
}

#[test]
fn passes_of_the_script_lower_the_bias_alone_and_end_in_a_loss_without_bound() {
    let mut parameters = START;
    for passes in 1..=100 {
        parameters = script::pass(parameters).last().unwrap().after;
        let bias = 1.0 - f64::from(passes) * 10.0 * script::STEP * script::slope();
        let Parameters { w1, w2, b1 } = parameters;
        assert_all_close("parameters", &[w1, w2, b1], &[1.0, 1.0, bias], tolerance::F64_LONG);
    }
    let losses = script::losses_of_passes(1000);
    assert_eq!(losses.len(), 1001);
    let start = golden().at("corrected_bce_batch").at("trace").nth(0).at("loss").number();
    assert_close("start", losses[0], start, STEP);
    assert!(losses.windows(2).skip(100).all(|pair| pair[1] > pair[0]));
    assert!(losses[1000] > 3.0, "{}", losses[1000]);
}

#[test]
fn linear_function_falls_below_every_bound_though_its_absolute_value_is_29_at_the_start() {
    assert_close("start", script::absolute(START), 29.0, 0.0);
    assert_close("start", script::linear(START), 29.0, 0.0);
    let zero = Parameters { w1: 0.0, w2: 0.0, b1: 10.0 };
    assert_close("zero", script::absolute(zero), 0.0, 0.0);
    let beyond = Parameters { b1: 1e6, ..zero };
    assert_close("beyond", script::linear(beyond), -999_990.0, 0.0);
    assert_close("beyond", script::absolute(beyond), 999_990.0, 0.0);
    // Its factors are not those of the points.
    assert_all_close("sum", &script::sum_over_points(), &[0.0, 0.0, 10.0, -8.0], 0.0);
}

// One neuron

#[test]
fn one_pass_over_the_samples_matches_golden() {
    let run = golden().at("corrected_sgd_half_sse");
    let steps = learning::pass_over_samples(run.at("lr").number());
    let sum = learning::half_squared_error(&neuron());
    assert_close("before", sum, run.at("loss_sum_before").number(), STEP);
    let rows = run.at("trace").list();
    assert_eq!((steps.len(), rows.len()), (10, 10));
    for (step, row) in steps.iter().zip(rows) {
        assert_close("a", step.answer, row.at("a").number(), STEP);
        assert_close("loss", step.loss, row.at("loss").number(), STEP);
        let want = [row.at("gw").numbers(), row.at("gb").numbers()].concat();
        assert_all_close("gradient", &step.gradient, &want, STEP);
        let want = [row.at("w_after").numbers(), row.at("b_after").numbers()].concat();
        assert_all_close("after", &list(&step.after), &want, STEP);
    }
    let sum = learning::half_squared_error(&steps[9].after);
    assert_close("after", sum, run.at("loss_sum_after").number(), STEP);
}

#[test]
fn right_update_is_that_of_the_first_sample_step() {
    let visit = &script::pass(START)[0];
    let step = &learning::pass_over_samples(script::STEP)[0];
    assert_close("delta b", visit.right_delta(), list(&step.after)[2] - 1.0, STEP);
}

/// Asserts that a run has the losses of golden's trace; `check` compares the rest.
fn assert_run_is<N: Classifier>(run: &Run<N>, trace: Json<'_>, check: impl Fn(&N, u32, Json<'_>)) {
    assert_eq!(run.ending, Ending::Complete);
    for row in trace.list() {
        let updates = row.at("step").count() as u32;
        let moment = run.after(updates).unwrap();
        let bound = tolerance::after(updates as usize);
        assert_close("loss", moment.loss, row.at("loss").number(), bound);
        assert_close("again", learning::cross_entropy(&moment.net), moment.loss, STEP);
        assert_eq!(learning::correct(&moment.net), moment.correct);
        check(&moment.net, moment.correct, row);
    }
}

#[test]
fn neuron_on_cross_entropy_matches_golden_and_ends_at_ln_4() {
    let golden = golden().at("corrected_bce_batch");
    let run = learning::train(neuron(), golden.at("lr").number(), 10_000, |_| true);
    assert_eq!(run.moments.len(), 10_001);
    assert_run_is(&run, golden.at("trace"), |net, _, row| {
        let bound = tolerance::after(row.at("step").count());
        let want = [row.at("w").numbers(), row.at("b").numbers()].concat();
        assert_all_close("parameters", &list(net), &want, bound);
    });
    let (last, best) = (run.last().unwrap(), golden.at("optimum"));
    let [w1, w2, b] = list(&last.net);
    assert_close("loss", last.loss, best.at("loss").number(), STEP);
    assert_close("ln 4", b, best.at("b").number(), STEP);
    assert_close("ln 4", b, 4.0_f64.ln(), STEP);
    assert_all_close("w", &[w1, w2], &best.at("w").numbers(), STEP);
    assert_eq!(last.correct, 8);
}

#[test]
fn line_of_the_neuron_moves_away_from_the_points() {
    let run = learning::train(neuron(), 0.5, 200, |_| true);
    let distances: Vec<_> =
        run.moments.iter().map(|m| learning::distance_of_line(&m.net)).collect();
    assert_close("start", distances[0], 0.5_f64.sqrt(), STEP);
    assert!(distances.windows(2).all(|pair| pair[1] > pair[0]));
    // No point is farther from the origin than the corners.
    assert!(distances[200] > 2.0_f64.sqrt());
}

#[test]
fn training_ends_when_the_loss_is_not_finite() {
    let run = learning::train(net(), f64::MAX, 10, |_| true);
    assert_eq!(run.ending, Ending::NotFinite(run.moments.len() as u32));
    assert!(run.moments.iter().all(|moment| moment.loss.is_finite()));
}

// Lines

/// The splits by lines in many directions: in each, the points up to some place are on one side.
fn splits_by_sweep() -> BTreeSet<Split> {
    let mut splits = BTreeSet::new();
    for angle in 0..3600 {
        let angle = (f64::from(angle) + 0.37) * core::f64::consts::TAU / 3600.0;
        let along = |(x, _): &compute::Point| x[0] * angle.cos() + x[1] * angle.sin();
        let places: Vec<f64> = POINTS.iter().map(along).collect();
        for cut in places.iter().copied().chain([f64::NEG_INFINITY]) {
            splits.insert(places.iter().map(|&place| place <= cut).collect());
        }
    }
    splits
}

#[test]
fn search_finds_every_split_that_a_sweep_finds_and_no_other() {
    assert_eq!(lines::search().splits, splits_by_sweep());
}

#[test]
fn best_line_gets_nine_of_ten() {
    let search = lines::search();
    assert_eq!(search.best(), 9);
    assert_eq!(search.by_correct()[10], 0);
    assert!(search.by_correct()[9] > 0);
    assert_eq!(search.by_correct().iter().sum::<usize>(), search.splits.len());
    let [w1, w2, b] = NINE;
    let neuron = Neuron::from_rows([[w1, w2]], [b]);
    assert_eq!(learning::correct(&neuron), 9);
    let split: Split = POINTS.iter().map(|(x, _)| neuron.forward(x)[0] > 0.5).collect();
    assert!(search.splits.contains(&split));
    assert_eq!(lines::correct(&split), 9);
}

#[test]
fn fifth_point_lies_between_the_two_that_have_the_other_label() {
    let [share_1, share_2] = SHARES;
    assert_close("shares", share_1 + share_2, 1.0, 0.0);
    let ((between, _), (one, _), (other, _)) = (POINTS[4], POINTS[8], POINTS[9]);
    let mixed = [0, 1].map(|i| share_1 * one[i] + share_2 * other[i]);
    assert_all_close("point", &mixed, &between, 0.0);
}

// The small network

#[test]
fn small_network_matches_golden_and_gets_ten_of_ten() {
    let golden = golden().at("corrected_mlp_2_4_1");
    let start = golden.at("init");
    let (w, b) = (start.at("w").numbers(), start.at("b").numbers());
    assert_all_close("start", &parameters(&net()), &[w, b].concat(), 0.0);
    let run = learning::train(net(), golden.at("lr").number(), 5001, |_| true);
    assert_run_is(&run, golden.at("trace"), |_, correct, row| {
        assert_eq!(correct as usize, row.at("correct").count());
    });
    // The file's final weights and outputs belong to one update more than its last row.
    let (last, end) = (run.last().unwrap(), golden.at("final"));
    assert_eq!((last.updates, last.correct), (5001, 10));
    let want = [end.at("w").numbers(), end.at("b").numbers()].concat();
    assert_all_close("final", &parameters(&last.net), &want, tolerance::F64_LONG);
    let outputs: Vec<f64> = POINTS.iter().map(|(x, _)| last.net.forward(x)[0]).collect();
    assert_all_close("outputs", &outputs, &golden.at("outputs").numbers(), tolerance::F64_LONG);
}

/// All weights, then all biases.
fn parameters(net: &compute::Net) -> Vec<f64> {
    let (first, rest) = (net.first(), net.rest());
    let weights = [first.rows().as_flattened(), rest.rows().as_flattened()].concat();
    [weights, first.bias().to_vec(), rest.bias().to_vec()].concat()
}
