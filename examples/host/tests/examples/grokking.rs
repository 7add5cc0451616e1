//! The example `grokking`: its numbers against those of `CPython`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::float_cmp,
    reason = "tests may panic"
)]
#![allow(dead_code, reason = "only the program needs all of it")]

use examples::grokking::{
    Ending, LARGE_INPUT, ONE_TO_THREE, OTHER_RECORD, OTHER_SIGN, Probe, Run, SMALL_ALPHA,
    SMALL_INPUT, THREE_TO_ONE, THREE_TO_THREE, Task, WARM_UP, WITH_A_ZERO, around_the_limit,
    elementwise, error, error_based, from_zero, hot_and_cold, mean, moved, never, one_to_three,
    overflow, predictions, right_rule, slope, sum, three_to_three, until_learned, vector_by_matrix,
    vector_by_matrix_of_text, wrong_deltas, wrong_index, wrong_rule,
};
use support::{Json, assert_all_close, assert_close, tolerance};

fn learning(name: &str) -> Json<'static> {
    Json::file("001_learning").at(name)
}

/// Asserts that every listed state of a golden trace is that of the run. `base` is the number of
/// the first iteration.
#[track_caller]
fn assert_trace<const IN: usize, const OUT: usize>(
    run: &Run<IN, OUT>,
    trace: &[Json<'_>],
    base: usize,
) {
    let close = |what: &str, got: &[f64], want: Json<'_>, i: usize| {
        let what = format!("{what} in iteration {i}");
        assert_all_close(&what, got, &want.numbers(), tolerance::F64_STEP);
    };
    for row in trace {
        let i = row.at("i").count();
        assert!(i - base < run.moments.len(), "no iteration {i}");
        let (now, next) = (run.after(i - base), run.after(i - base + 1));
        close("prediction", &now.predictions, row.at("pred"), i);
        close("error", &now.errors(), row.at("error"), i);
        for key in ["weight", "weights_before"] {
            if let Some(want) = row.get(key) {
                close(key, now.weights.as_flattened(), want, i);
            }
        }
        for key in ["weight_after", "weights_after"] {
            if let Some(want) = row.get(key) {
                close(key, next.weights.as_flattened(), want, i);
            }
        }
    }
}

// Forward

#[test]
fn predictions_match_golden() {
    let got = predictions();
    let of = |name: &str| got.iter().find(|(other, _)| *other == name).unwrap().1.clone();
    for case in Json::file("001_forward").at("cases").list() {
        let name = case.at("name").text();
        assert_all_close(name, &of(name), &case.at("out").numbers(), tolerance::F64_PASS);
        if let Some(hidden) = case.get("hidden") {
            assert_all_close("hidden", &of("hidden"), &hidden.numbers(), tolerance::F64_PASS);
            // Two linear layers are one.
            assert_all_close(name, &of("as one layer"), &of(name), tolerance::F64_PASS);
        }
    }
}

#[test]
fn vector_operations_match_golden() {
    let golden = Json::file("001_forward").at("vector_ops");
    let of = |name: &str| golden.at(name).list().iter().map(|v| v.numbers()).collect::<Vec<_>>();
    let [a, b, want] = &of("mul")[..] else { panic!() };
    assert_eq!(&elementwise(a, b, |a, b| a * b), want);
    let [a, b, want] = &of("add")[..] else { panic!() };
    assert_eq!(&elementwise(a, b, |a, b| a + b), want);
    let [a, want] = &of("sum")[..] else { panic!() };
    assert_eq!(sum(a), want[0]);
    let [a, want] = &of("mean")[..] else { panic!() };
    assert_eq!(mean(a), want[0]);
}

#[test]
fn vector_by_matrix_needs_rows_of_the_input_s_length() {
    let rows = |count: usize, length: usize| vec![vec![1.0; length]; count];
    let input = [1.0, 2.0, 3.0];
    assert_eq!(vector_by_matrix(&input, &rows(2, 3)), Some(vec![6.0; 2]));
    assert_eq!(vector_by_matrix(&input, &rows(3, 3)), Some(vec![6.0; 3]));
    assert_eq!(vector_by_matrix(&input, &rows(3, 2)), None);
    assert_eq!(vector_by_matrix_of_text(&input, &rows(2, 3)), None);
    assert_eq!(vector_by_matrix_of_text(&input, &rows(3, 3)), Some(vec![6.0; 3]));
}

// One weight

#[test]
fn errors_and_probe_match_golden() {
    let golden = learning("error_example");
    let of = |key: &str| golden.at(key).number();
    assert_eq!(error(of("weight"), of("input"), of("goal")), of("error"));
    let golden = learning("probe");
    let probe = Probe::new(0.1, 0.01, 8.5, 1.0);
    assert_eq!(probe.error, golden.at("error").number());
    assert_eq!(probe.up, golden.at("error_up").number());
    assert_eq!(probe.down, golden.at("error_dn").number());
    assert_close("weight", probe.weight, golden.at("next_weight").number(), tolerance::F64_PASS);
}

#[test]
fn probe_goes_to_the_better_side_or_stays() {
    let weight = |weight| Probe::new(weight, 0.25, 1.0, 1.0).weight;
    assert_eq!([weight(0.5), weight(1.5), weight(1.0), weight(1.0625)], [0.75, 1.25, 1.0, 1.0625]);
}

#[test]
fn hot_and_cold_stops_where_golden_says() {
    let (golden, run) = (learning("hot_cold"), hot_and_cold());
    assert_trace(&run, &golden.at("trace").list(), 1);
    assert_eq!(run.ending, Ending::Learned);
    assert_eq!(run.updates() as usize, golden.at("moves").count());
    assert_eq!(run.updates() as usize + 1, golden.at("stops_in_iteration").count());
    assert_eq!(run.last.weights[0][0], golden.at("final_weight").number());
    assert_eq!(run.last.predictions[0], golden.at("final_pred").number());
    assert_eq!(run.last.error(), golden.at("final_error").number());
}

#[test]
fn one_weight_runs_stop_where_golden_says() {
    let cases = [
        ("error_based", error_based(), 1, "stops_in_iteration"),
        ("recap_1p1", until_learned(&from_zero(SMALL_INPUT, 1.0), 100), 0, "stops_at_i"),
        ("alpha_0p01", until_learned(&from_zero(LARGE_INPUT, SMALL_ALPHA), 100), 0, "stops_at_i"),
    ];
    for (name, run, base, key) in cases {
        let golden = learning(name);
        assert_trace(&run, &golden.at("trace").list(), base);
        assert_eq!(run.ending, Ending::Learned, "{name}");
        assert_eq!(run.updates() as usize + base, golden.at(key).count(), "{name}");
        let want = golden.at("final_weight").number();
        assert_close(name, run.last.weights[0][0], want, tolerance::F64_STEP);
    }
}

#[test]
fn factors_match_golden() {
    let close = |name: &str, key: &str, got: f64| {
        assert_close(name, got, learning(name).at(key).number(), tolerance::F64_STEP);
    };
    close("error_based", "contraction", WARM_UP.factor());
    close("recap_1p1", "contraction", from_zero(SMALL_INPUT, 1.0).factor());
    close("diverge_6p6", "growth", from_zero(LARGE_INPUT, 1.0).factor());
    close("alpha_0p01", "contraction", from_zero(LARGE_INPUT, SMALL_ALPHA).factor());
    close("multi_input_corrected", "contraction", THREE_TO_ONE.factor());
    close("single_in_multi_out", "contraction", ONE_TO_THREE.factor());
    close("multi_in_multi_out", "contraction", THREE_TO_THREE.factor());
}

#[test]
fn alpha_limit_parts_learning_from_divergence() {
    let limit = from_zero(LARGE_INPUT, 1.0).alpha_limit();
    assert_close("limit", limit, 0.045_913_682_277_3, tolerance::F64_STEP);
    for input in [SMALL_INPUT, LARGE_INPUT, 0.5] {
        assert_eq!(around_the_limit(input), [true, false], "{input}");
    }
}

#[test]
fn weight_delta_is_half_the_slope() {
    let [delta] = WARM_UP.at(WARM_UP.weights).deltas;
    let weight_delta = delta * WARM_UP.input[0];
    assert_close("slope", slope(), 2.0 * weight_delta, tolerance::LOSS_SLOPE);
    assert_eq!(weight_delta, -0.275);
}

#[test]
fn divergence_overflows_where_golden_says() {
    let golden = learning("diverge_6p6");
    let run = from_zero(LARGE_INPUT, 1.0).learn(1000, never);
    assert_trace(&run, &golden.at("trace").list(), 0);
    assert_eq!(run.ending, Ending::Overflow);
    let last = golden.at("last_finite");
    let i = last.at("i").count();
    assert_trace(&run, &[last], 0);
    assert!(run.after(i + 1).error().is_infinite());
    let of_f64 = overflow::<f64>();
    assert_eq!(of_f64.infinite as usize, golden.at("overflow_at_i").count());
    for (got, key) in [(of_f64, "f64_ieee"), (overflow::<f32>(), "f32")] {
        let want = |name: &str| golden.at(key).at(name).count();
        assert_eq!(got.infinite as usize, want("first_i_with_infinite_error"), "{key}");
        assert_eq!(got.nan as usize, want("first_i_with_nan_error"), "{key}");
        assert_eq!(got.refused, got.infinite, "{key}");
        assert!(got.kept.is_finite(), "{key}");
    }
}

// Several weights

#[test]
fn both_rules_match_golden() {
    let task = THREE_TO_ONE;
    let first = task.at(task.weights);
    let cases = [
        ("multi_input_seed", wrong_rule(&task), wrong_deltas(&first)),
        ("multi_input_corrected", right_rule(&task), task.input.map(|x| first.deltas[0] * x)),
    ];
    for (name, run, deltas) in cases {
        let golden = learning(name);
        let trace = golden.at("trace").list();
        assert_trace(&run, &trace, 0);
        let want = trace[0].at("weight_deltas").numbers();
        assert_all_close(name, &deltas, &want, tolerance::F64_STEP);
        assert_eq!(run.ending, Ending::Learned, "{name}");
        assert_eq!(run.updates() as usize, golden.at("stops_at_i").count(), "{name}");
        let want = golden.at("final_weights").numbers();
        assert_all_close(name, &run.last.weights[0], &want, tolerance::F64_STEP);
        let (got, want) = (run.last.predictions[0], golden.at("final_pred").number());
        assert_close(name, got, want, tolerance::F64_STEP);
        let want = golden.at("final_error").number();
        assert_close(name, run.last.error(), want, tolerance::F64_STEP);
    }
}

#[test]
fn wrong_rule_keeps_ratios_and_zeros_and_runs_away_from_the_other_sign() {
    for moment in wrong_rule(&THREE_TO_ONE).moments {
        let [[first, second, third]] = moment.weights;
        assert_close("ratio", second / first, 2.0, tolerance::F64_STEP);
        assert_close("ratio", third / first, -1.0, tolerance::F64_STEP);
    }
    let from_zero = wrong_rule(&WITH_A_ZERO);
    assert!(from_zero.moments.iter().all(|moment| moment.weights[0][0] == 0.0));
    assert!(right_rule(&WITH_A_ZERO).last.weights[0][0] > 0.05);
    let away = wrong_rule(&OTHER_SIGN);
    assert_eq!(away.ending, Ending::Overflow);
    assert!(away.moments.windows(2).all(|pair| pair[1].error() > pair[0].error()));
    assert_eq!(right_rule(&OTHER_SIGN).ending, Ending::Learned);
}

#[test]
fn win_record_of_the_other_cells_gives_another_prediction() {
    let prediction = |task: &Task<3, 1>| task.at(task.weights).predictions[0];
    assert_close("0.65", prediction(&OTHER_RECORD), 0.86, tolerance::F64_PASS);
    assert_close("1.65", prediction(&THREE_TO_ONE), 1.06, tolerance::F64_PASS);
}

#[test]
fn one_to_three_matches_golden() {
    let (golden, run) = (learning("single_in_multi_out"), one_to_three());
    assert_trace(&run, &golden.at("trace").list(), 0);
    assert_eq!(run.updates() as usize, golden.at("iterations").count());
    let want = golden.at("final_weights").numbers();
    assert_all_close("weights", run.last.weights.as_flattened(), &want, tolerance::F64_STEP);
}

#[test]
fn three_to_three_matches_golden() {
    let (golden, run) = (learning("multi_in_multi_out"), three_to_three());
    assert_trace(&run, &golden.at("trace").list(), 0);
    assert_eq!(run.updates() as usize, golden.at("iterations").count());
    let want = golden.at("final_weights").numbers();
    assert_all_close("weights", run.last.weights.as_flattened(), &want, tolerance::F64_STEP);
}

#[test]
fn stale_weights_of_the_text_come_from_the_index_of_the_output() {
    let run = wrong_index();
    assert_eq!((run.ending, run.updates()), (Ending::StepsDone, 52));
    let printed = [-0.043961352657, 0.001880692475, -0.083490325514];
    for (row, want) in moved(&run).chunks(3).zip(printed) {
        for got in row {
            assert!((got - want).abs() <= 1e-12, "{got} is not {want}");
        }
    }
}

#[test]
fn order_of_the_text_changes_the_last_digit_only() {
    let (by_gradlet, as_written) = (one_to_three(), ONE_TO_THREE.as_written(105));
    for (a, b) in by_gradlet.moments.iter().zip(&as_written.moments) {
        let (a, b) = (a.weights.as_flattened(), b.weights.as_flattened());
        assert_all_close("weights", a, b, tolerance::F64_STEP);
    }
    // In[121] after four updates, to the last digit.
    let want = [[0.2716260187725558], [0.45984593334606744], [0.7551433589967326]];
    assert_eq!(as_written.after(5).weights, want);
    assert_eq!(as_written.updates(), 105);
}
