//! The example `line_fit`: every number of it against numpy.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::float_cmp,
    reason = "tests may panic"
)]

use examples::line_fit::compute;
use examples::line_fit::compute::least_squares::LeastSquares;
use examples::line_fit::compute::training::{
    self, Batch, Plan, one_pass, one_pass_of_batches, train,
};
use examples::line_fit::compute::{Line, equations, loss, rooms, samples};
use examples::line_fit::text;
use gradlet::prelude::*;
use shared::rows::Verdict;
use support::{Json, assert_all_close, assert_close, tolerance};

fn golden() -> Json<'static> {
    Json::file("002_linear_regression")
}

fn plan(batch: Batch, run: Json<'_>, passes: u32) -> Plan {
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
    let (exact, samples) = (golden().at("least_squares"), samples());
    let fit = LeastSquares::of(&samples);
    let ways = [
        ("w_formula13", fit.w_by_sums),
        ("w_formula15", fit.w_by_mean_x),
        ("w_formula16", fit.w_by_mean_y),
        ("b_formula14", fit.b_by_sum),
        ("b_formula9", fit.b_by_means),
        ("loss", loss(&samples, fit.line())),
        ("predict_346", fit.line().at(golden().at("query_x").number())),
    ];
    for (name, got) in ways {
        assert_close(name, got, exact.at(name).number(), tolerance::F64_STEP);
    }
    assert_close("m b", fit.m_times_b, 100.0 * fit.b_by_sum, tolerance::F64_STEP);
}

#[test]
fn one_pass_by_sample_matches_golden() {
    let (run, samples) = (golden().at("sgd_one_pass"), samples());
    let lines = one_pass(&samples, run.at("lr").number());
    assert_eq!(lines.len(), 101);
    for row in run.at("trace").list() {
        let seen = row.at("samples_seen").count();
        assert_line(&format!("after {seen}"), lines[seen], row);
    }
    let long = tolerance::F64_LONG;
    assert_line("end", lines[100], run);
    assert_close("loss", loss(&samples, lines[100]), run.at("loss").number(), long);
    let answer = lines[100].at(golden().at("query_x").number());
    assert_close("346", answer, run.at("predict_346").number(), long);
}

#[test]
fn pass_of_sample_steps_ends_where_training_by_sample_does() {
    let (run, samples) = (golden().at("sgd_one_pass"), samples());
    let trained = train(&samples, plan(Batch::One, run, 1));
    let stepwise = one_pass(&samples, run.at("lr").number());
    assert_eq!(trained.last().unwrap().line, *stepwise.last().unwrap());
}

#[test]
fn full_batches_match_golden_and_reach_least_squares() {
    let (run, samples) = (golden().at("full_batch"), samples());
    let moments = train(&samples, plan(Batch::All, run, 5000)).moments;
    assert_eq!(moments.len(), 5001);
    for row in run.at("trace").list() {
        let step = row.at("step").count();
        assert_line(&format!("step {step}"), moments[step].line, row);
        let want = row.at("loss").number();
        assert_close("loss", moments[step].loss, want, tolerance::F64_LONG);
    }
    let (end, exact) = (moments[5000].line, LeastSquares::of(&samples).line());
    assert_all_close("end", &[end.w, end.b], &[exact.w, exact.b], tolerance::F64_STEP);
}

#[test]
fn mini_batches_match_golden() {
    let (run, samples) = (golden().at("mini_batch_10"), samples());
    let moments = train(&samples, plan(Batch::Of(10), run, 50)).moments;
    for row in run.at("trace").list() {
        let epoch = row.at("epoch").count();
        assert_line(&format!("epoch {epoch}"), moments[epoch].line, row);
        let want = row.at("loss").number();
        assert_close("loss", moments[epoch].loss, want, tolerance::F64_LONG);
    }
    let path = one_pass_of_batches(&samples, run.at("lr").number(), 10);
    assert_eq!((path.len(), path[10]), (11, moments[1].line));
}

#[test]
fn full_batches_stop_by_loss_where_golden_says() {
    let (run, samples) = (golden().at("stop_by_loss"), samples());
    let enough = loss(&samples, LeastSquares::of(&samples).line()) + 1e-3;
    let plan = Plan { batch: Batch::All, learning_rate: 0.5, passes: 100_000, enough };
    let stopped = train(&samples, plan);
    assert_eq!(stopped.outcome, Outcome::Stopped);
    let last = stopped.last().unwrap();
    assert_eq!(last.pass as usize, run.at("iterations").count());
    assert_line("end", last.line, run);
    assert_close("loss", last.loss, run.at("loss").number(), tolerance::F64_LONG);
}

#[test]
fn standardised_inputs_match_golden_and_map_back() {
    let (run, samples) = (golden().at("standardised"), samples());
    let scaling = training::scaling(&samples);
    let found = [scaling.offset()[0], scaling.scale()[0]];
    let want = [run.at("mean").number(), run.at("std_population").number()];
    assert_all_close("mean, deviation", &found, &want, tolerance::F64_STEP);
    let moments = training::train_standardised(&samples, plan(Batch::All, run, 100)).moments;
    for row in run.at("trace").list() {
        let moment = &moments[row.at("step").count()];
        let got = [moment.trained.w, moment.trained.b, moment.line.w, moment.line.b, moment.loss];
        let keys = ["w_std", "b_std", "w_raw", "b_raw", "loss"];
        let want = keys.map(|key| row.at(key).number());
        assert_all_close(&format!("step {}", moment.pass), &got, &want, tolerance::F64_LONG);
        // The mapped line has the same loss on raw inputs.
        let raw = loss(&samples, moment.line);
        assert_close("raw loss", raw, moment.loss, tolerance::F64_LONG);
    }
}

#[test]
fn standardised_inputs_halve_the_distance_in_each_step() {
    let (run, samples) = (golden().at("standardised"), samples());
    let moments = training::train_standardised(&samples, plan(Batch::All, run, 100)).moments;
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
    assert_eq!([compute::QUOTED_FIT.w, compute::QUOTED_FIT.b].as_slice(), fit);
    assert_eq!([compute::QUOTED_SGD.w, compute::QUOTED_SGD.b].as_slice(), sgd);
    let x = golden().at("query_x").number();
    let check = quoted.at("arithmetic_check");
    let want = check.at("2.056827*0.346+2.965434").number();
    assert_close("fit", compute::QUOTED_FIT.at(x), want, tolerance::F64_STEP);
    let want = check.at("1.71629006*0.346+3.19684087").number();
    assert_close("sgd", compute::QUOTED_SGD.at(x), want, tolerance::F64_STEP);
}

#[test]
fn too_large_learning_rates_are_seen_to_diverge() {
    let samples = samples();
    for batch in [Batch::One, Batch::Of(10), Batch::All] {
        let plan = Plan { batch, learning_rate: 50.0, passes: 5000, enough: -1.0 };
        let run = train(&samples, plan);
        assert!(run.diverged(), "{batch:?}");
        assert!(run.moments.iter().all(|moment| moment.loss.is_finite()), "{batch:?}");
    }
    let lines = one_pass(&samples, 1e200);
    assert!(lines.len() < 101 && lines.iter().all(|line| line.w.is_finite()));
}

#[test]
fn four_equations_match_golden_and_backpropagation() {
    let (file, pass) = (Json::file("002_four_equations"), equations::pass());
    let tight = tolerance::F64_PASS;
    let close = |what: &str, got: &[f64], want: Json<'_>| {
        assert_all_close(what, got, &want.numbers(), tight);
    };
    close("z1", &pass.z1, file.at("z").nth(0));
    close("z2", &pass.z2, file.at("z").nth(1));
    close("a1", &pass.a1, file.at("a").nth(1));
    close("a2", &pass.a2, file.at("a").nth(2));
    close("C", &[pass.cost], file.at("loss"));
    close("delta1", &pass.delta1, file.at("delta").nth(0));
    close("delta2", &pass.delta2, file.at("delta").nth(1));
    close("dC/db1", &pass.by_bias1, file.at("grad_b").nth(0));
    close("dC/db2", &pass.by_bias2, file.at("grad_b").nth(1));
    close("dC/dW1", pass.by_weight1.as_flattened(), file.at("grad_w").nth(0));
    close("dC/dW2", pass.by_weight2.as_flattened(), file.at("grad_w").nth(1));
    let twice = pass.delta2.map(|delta| 2.0 * delta);
    assert_all_close("without 1/2", &pass.delta2_without_half, &twice, tight);
    assert!(pass.off > 0.0 && pass.off < 1e-9, "central differences are off by {:e}", pass.off);
}

#[test]
fn quoted_answer_agrees_with_its_digits_but_not_with_its_sentence() {
    let rows = text::quoted();
    let verdicts: Vec<_> =
        rows.iter().map(|row| row.verdict()).filter(|v| *v != Verdict::NotPrinted).collect();
    assert_eq!(verdicts, [Verdict::Agrees, Verdict::Unexplained]);
}
