//! The example `tanh_neuron`: its numbers against `CPython`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "tests may panic"
)]

use examples::tanh_neuron::{
    self as compute, Ending, INPUT, Moment, Parameters, RATE, START, TARGET_OF_SUM, UPDATES,
};
use support::{Json, assert_all_close, assert_close, tolerance};

const STEP: f64 = tolerance::F64_STEP;

fn golden() -> Json<'static> {
    Json::file("003_tanh_neuron")
}

fn list(Parameters { w1, w2, b }: Parameters) -> [f64; 3] {
    [w1, w2, b]
}

/// `w1`, `w2`, `b` of a golden row.
fn golden_list(row: Json<'_>) -> [f64; 3] {
    ["w1", "w2", "b"].map(|name| row.at(name).number())
}

#[test]
fn start_is_that_of_golden() {
    assert_all_close("start", &list(START), &golden_list(golden().at("init")), 0.0);
}

// The way of the text

fn assert_info(what: &str, moment: &Moment, info: Json<'_>) {
    let bound = tolerance::after(moment.updates as usize);
    assert_all_close(what, &list(moment.parameters), &golden_list(info), bound);
    assert_close(what, moment.sum, info.at("f").number(), bound);
    assert_close(what, moment.out, info.at("out").number(), bound);
    assert_close(what, moment.loss(), info.at("loss").number(), bound);
}

#[test]
fn inversion_matches_golden_at_every_print() {
    let golden = golden().at("as_written");
    assert_close("rate", RATE, golden.at("lr").number(), 0.0);
    assert_close("target", TARGET_OF_SUM, golden.at("f_target").number(), 0.0);
    assert_close("atanh", 0.9999_f64.atanh(), golden.at("atanh_0.9999").number(), STEP);
    let run = compute::by_inversion(RATE, UPDATES, |_| true);
    assert_eq!((run.moments.len(), run.ending), (105, Ending::Complete));
    let residuals: Vec<_> = run.moments.iter().take(5).map(Moment::residual).collect();
    assert_all_close("residual", &residuals, &golden.at("lossTmp").numbers(), STEP);
    let rows = golden.at("after_each").list();
    assert_eq!(rows.len(), 4);
    for (moment, row) in run.moments.iter().skip(1).zip(rows) {
        assert_all_close("after", &list(moment.parameters), &golden_list(row), STEP);
    }
    for (updates, name) in [(0, "info_before"), (4, "info_after_4"), (104, "info_after_104")] {
        assert_info(name, run.after(updates).unwrap(), golden.at(name));
    }
}

#[test]
fn inversion_lowers_the_residual_by_one_factor_each_step() {
    let golden = golden().at("as_written");
    assert_close("factor", compute::contraction(RATE), golden.at("contraction").number(), STEP);
    let run = compute::by_inversion(RATE, UPDATES, |_| true);
    for moment in &run.moments {
        let want = compute::residual_after(RATE, moment.updates);
        assert_close("residual", moment.residual(), want, tolerance::F64_LONG);
    }
    let want = golden.at("residual_after_104_closed").number();
    assert_close("104", compute::residual_after(RATE, 104), want, tolerance::F64_LONG);
}

#[test]
fn inversion_finds_one_of_many_planes_and_knows_nothing_of_other_inputs() {
    let run = compute::by_inversion(RATE, 10_000, |_| false);
    let end = run.moments[0].parameters;
    assert_close("f", end.sum_at(INPUT), TARGET_OF_SUM, STEP);
    // All of these answer the same to the one input.
    for other in [
        Parameters { w1: TARGET_OF_SUM, w2: 0.0, b: 0.0 },
        Parameters { w1: 0.0, w2: TARGET_OF_SUM / 2.0, b: 0.0 },
        Parameters { w1: 0.0, w2: 0.0, b: TARGET_OF_SUM },
    ] {
        assert_close("out", other.out_at(INPUT), end.out_at(INPUT), STEP);
        assert!((other.out_at([0.0, 0.0]) - end.out_at([0.0, 0.0])).abs() > 0.3);
    }
}

// Backpropagation

#[test]
fn backpropagation_on_half_the_square_matches_golden() {
    let golden = golden().at("corrected");
    let run = compute::on_half(golden.at("lr").number(), 10_000, |_| true);
    assert_eq!(run.ending, Ending::Complete);
    let rows = golden.at("trace").list();
    let updates: Vec<_> = rows.iter().map(|row| row.at("step").count()).collect();
    assert_eq!(updates, [0, 1, 2, 3, 4, 5, 10, 104, 1000, 10_000]);
    for row in rows {
        let updates = row.at("step").count() as u32;
        let (moment, bound) = (run.after(updates).unwrap(), tolerance::after(updates as usize));
        let want = [row.at("w").numbers(), row.at("b").numbers()].concat();
        assert_all_close("parameters", &list(moment.parameters), &want, bound);
        assert_close("z", moment.sum, row.at("z").number(), bound);
        assert_close("out", moment.out, row.at("out").number(), bound);
        assert_close("half", moment.loss() / 2.0, row.at("loss_half").number(), bound);
        assert_close("loss", moment.loss(), row.at("loss_seed").number(), bound);
        let delta = moment.delta_of_half();
        let gradient = [row.at("grad_w").numbers(), row.at("grad_b").numbers()].concat();
        assert_all_close("gradient", &[delta, 2.0 * delta, delta], &gradient, bound);
    }
}

#[test]
fn backpropagation_on_the_square_matches_golden() {
    let golden = golden().at("corrected_seed_loss_lr0.01");
    let run = compute::on_square(RATE, UPDATES, |_| true);
    assert_eq!(run.ending, Ending::Complete);
    let rows = golden.at("trace").list();
    let updates: Vec<_> = rows.iter().map(|row| row.at("step").count()).collect();
    assert_eq!(updates, [0, 1, 2, 3, 4, 104]);
    for row in rows {
        let updates = row.at("step").count() as u32;
        let (moment, bound) = (run.after(updates).unwrap(), tolerance::after(updates as usize));
        assert_all_close("parameters", &list(moment.parameters), &golden_list(row), bound);
        assert_close("z", moment.sum, row.at("z").number(), bound);
        assert_close("out", moment.out, row.at("out").number(), bound);
        assert_close("loss", moment.loss(), row.at("loss").number(), bound);
        assert_close("delta", moment.delta(), row.at("delta").number(), bound);
    }
}

#[test]
fn saturated_loss_falls_as_one_by_the_updates() {
    let run = compute::on_square(RATE, 1_000_000, |updates| updates % 100_000 == 0);
    for moment in run.moments.iter().skip(1) {
        let law = compute::law_of_loss(RATE, moment.updates);
        let ratio = moment.loss() / law;
        assert!((0.99..=1.01).contains(&ratio), "{} updates: {ratio}", moment.updates);
    }
}

#[test]
fn training_ends_when_the_loss_is_not_finite() {
    let run = compute::by_inversion(1e100, 100, |_| true);
    assert_eq!(run.ending, Ending::NotFinite(run.moments.len() as u32));
    assert!(run.moments.iter().all(|moment| moment.sum.is_finite()));
}
