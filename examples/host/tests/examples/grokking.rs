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

use examples::grokking::compute::forward::{self, predictions};
use examples::grokking::compute::one_weight::{
    self, LARGE_INPUT, SMALL_ALPHA, SMALL_INPUT, from_zero, until_learned,
};
use examples::grokking::compute::run::{Ending, Run, Task, never};
use examples::grokking::compute::several;
use examples::grokking::text;
use shared::rows::Verdict;
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
        close("error", &now.errors, row.at("error"), i);
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
fn predictions_print_as_in_the_text() {
    let got = predictions();
    let cases: [(&str, &[f64]); 5] = [
        ("single_input", &[got.one_weight]),
        ("three_inputs", &[got.weighted_sum]),
        ("one_in_three_out", &got.one_to_three),
        ("three_in_three_out", &got.three_to_three),
        ("stacked_3_3_3_linear_no_bias", &got.stacked),
    ];
    let golden = Json::file("001_forward").at("cases").list();
    assert_eq!(golden.len(), cases.len());
    for ((name, got), case) in cases.into_iter().zip(golden) {
        assert_eq!(case.at("name").text(), name);
        assert_all_close(name, got, &case.at("out").numbers(), tolerance::F64_PASS);
        for (got, printed) in got.iter().zip(case.at("printed").list()) {
            let printed = printed.text();
            let decimals = printed.len() - 2;
            assert_eq!(format!("{got:.decimals$}"), printed, "{name}");
        }
        if let Some(hidden) = case.get("hidden") {
            let got = predictions().hidden;
            assert_all_close("hidden", &got, &hidden.numbers(), tolerance::F64_PASS);
        }
    }
}

#[test]
fn two_linear_layers_are_one() {
    let got = predictions();
    assert_all_close("stacked", &got.as_one_layer, &got.stacked, tolerance::F64_PASS);
}

#[test]
fn vector_operations_match_golden() {
    let golden = Json::file("001_forward").at("vector_ops");
    let of = |name: &str| golden.at(name).list().iter().map(|v| v.numbers()).collect::<Vec<_>>();
    let [a, b, want] = &of("mul")[..] else { panic!() };
    assert_eq!(&forward::multiply(a, b), want);
    let [a, b, want] = &of("add")[..] else { panic!() };
    assert_eq!(&forward::add(a, b), want);
    let [a, want] = &of("sum")[..] else { panic!() };
    assert_eq!(forward::sum(a), want[0]);
    let [a, want] = &of("mean")[..] else { panic!() };
    assert_eq!(forward::mean(a), want[0]);
    let [factor, a, want] = &of("scale")[..] else { panic!() };
    assert_eq!(&forward::scale(factor[0], a), want);
}

#[test]
fn vector_by_matrix_needs_rows_of_the_input_s_length() {
    let rows = |count: usize, length: usize| vec![vec![1.0; length]; count];
    let input = [1.0, 2.0, 3.0];
    assert_eq!(forward::vector_by_matrix(&input, &rows(2, 3)), Some(vec![6.0; 2]));
    assert_eq!(forward::vector_by_matrix(&input, &rows(3, 3)), Some(vec![6.0; 3]));
    assert_eq!(forward::vector_by_matrix(&input, &rows(3, 2)), None);
    assert_eq!(forward::vector_by_matrix_of_text(&input, &rows(2, 3)), None);
    assert_eq!(forward::vector_by_matrix_of_text(&input, &rows(3, 3)), Some(vec![6.0; 3]));
}

// One weight

#[test]
fn errors_and_probe_match_golden() {
    let golden = learning("error_example");
    let of = |key: &str| golden.at(key).number();
    let error = one_weight::error(of("weight"), of("input"), of("goal"));
    assert_eq!(error, of("error"));
    let golden = learning("probe");
    let probe = one_weight::probe();
    assert_eq!(probe.error, golden.at("error").number());
    assert_eq!(probe.up, golden.at("error_up").number());
    assert_eq!(probe.down, golden.at("error_dn").number());
    assert_close("weight", probe.weight, golden.at("next_weight").number(), tolerance::F64_PASS);
}

#[test]
fn probe_goes_to_the_better_side_or_stays() {
    let weight = |weight| one_weight::Probe::new(weight, 0.25, 1.0, 1.0).weight;
    assert_eq!([weight(0.5), weight(1.5), weight(1.0), weight(1.0625)], [0.75, 1.25, 1.0, 1.0625]);
}

#[test]
fn hot_and_cold_stops_where_golden_says() {
    let (golden, run) = (learning("hot_cold"), one_weight::hot_and_cold());
    assert_trace(&run, &golden.at("trace").list(), 1);
    assert_eq!(run.ending, Ending::Learned);
    assert_eq!(run.updates(), golden.at("moves").count());
    assert_eq!(run.updates() + 1, golden.at("stops_in_iteration").count());
    assert_eq!(run.last.weights[0][0], golden.at("final_weight").number());
    assert_eq!(run.last.predictions[0], golden.at("final_pred").number());
    assert_eq!(run.last.error(), golden.at("final_error").number());
}

#[test]
fn one_weight_runs_stop_where_golden_says() {
    let cases = [
        ("error_based", one_weight::error_based(), 1, "stops_in_iteration"),
        ("recap_1p1", until_learned(&from_zero(SMALL_INPUT, 1.0), 100), 0, "stops_at_i"),
        ("alpha_0p01", until_learned(&from_zero(LARGE_INPUT, SMALL_ALPHA), 100), 0, "stops_at_i"),
    ];
    for (name, run, base, key) in cases {
        let golden = learning(name);
        assert_trace(&run, &golden.at("trace").list(), base);
        assert_eq!(run.ending, Ending::Learned, "{name}");
        assert_eq!(run.updates() + base, golden.at(key).count(), "{name}");
        let want = golden.at("final_weight").number();
        assert_close(name, run.last.weights[0][0], want, tolerance::F64_STEP);
    }
}

#[test]
fn factors_match_golden() {
    let close = |name: &str, key: &str, got: f64| {
        assert_close(name, got, learning(name).at(key).number(), tolerance::F64_STEP);
    };
    close("error_based", "contraction", one_weight::WARM_UP.factor());
    close("recap_1p1", "contraction", from_zero(SMALL_INPUT, 1.0).factor());
    close("diverge_6p6", "growth", from_zero(LARGE_INPUT, 1.0).factor());
    close("alpha_0p01", "contraction", from_zero(LARGE_INPUT, SMALL_ALPHA).factor());
    close("multi_input_corrected", "contraction", several::THREE_TO_ONE.factor());
    close("single_in_multi_out", "contraction", several::ONE_TO_THREE.factor());
    close("multi_in_multi_out", "contraction", several::THREE_TO_THREE.factor());
}

#[test]
fn alpha_limit_parts_learning_from_divergence() {
    let limit = from_zero(LARGE_INPUT, 1.0).alpha_limit();
    assert_close("limit", limit, 0.045_913_682_277_3, tolerance::F64_STEP);
    for input in [SMALL_INPUT, LARGE_INPUT, 0.5] {
        assert_eq!(one_weight::around_the_limit(input), [true, false], "{input}");
    }
}

#[test]
fn weight_delta_is_half_the_slope() {
    let (slope, delta) = one_weight::slope_and_weight_delta();
    assert_close("slope", slope, 2.0 * delta, tolerance::LOSS_SLOPE);
    assert_eq!(delta, -0.275);
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
    let of_f64 = one_weight::overflow::<f64>();
    assert_eq!(of_f64.infinite as usize, golden.at("overflow_at_i").count());
    for (got, key) in [(of_f64, "f64_ieee"), (one_weight::overflow::<f32>(), "f32")] {
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
    let task = several::THREE_TO_ONE;
    let cases = [
        ("multi_input_seed", several::wrong_rule(&task, 1000), 1),
        ("multi_input_corrected", several::right_rule(&task, 1000), 0),
    ];
    for (name, run, row) in cases {
        let golden = learning(name);
        let trace = golden.at("trace").list();
        assert_trace(&run, &trace, 0);
        let want = trace[0].at("weight_deltas").numbers();
        let rule = several::first_deltas(&task)[row];
        assert_all_close(name, &rule, &want, tolerance::F64_STEP);
        assert_eq!(run.ending, Ending::Learned, "{name}");
        assert_eq!(run.updates(), golden.at("stops_at_i").count(), "{name}");
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
    for moment in several::wrong_rule(&several::THREE_TO_ONE, 1000).moments {
        let [[first, second, third]] = moment.weights;
        assert_close("ratio", second / first, 2.0, tolerance::F64_STEP);
        assert_close("ratio", third / first, -1.0, tolerance::F64_STEP);
    }
    let from_zero = several::wrong_rule(&several::WITH_A_ZERO, 1000);
    assert!(from_zero.moments.iter().all(|moment| moment.weights[0][0] == 0.0));
    assert!(several::right_rule(&several::WITH_A_ZERO, 1000).last.weights[0][0] > 0.05);
    let away = several::wrong_rule(&several::OTHER_SIGN, 1000);
    assert_eq!(away.ending, Ending::Overflow);
    assert!(away.moments.windows(2).all(|pair| pair[1].error() > pair[0].error()));
    assert_eq!(several::right_rule(&several::OTHER_SIGN, 1000).ending, Ending::Learned);
}

#[test]
fn win_record_of_the_other_cells_gives_another_prediction() {
    let prediction = |task: &Task<3, 1>| task.learn(0, never).last.predictions[0];
    assert_close("0.65", prediction(&several::OTHER_RECORD), 0.86, tolerance::F64_PASS);
    assert_close("1.65", prediction(&several::THREE_TO_ONE), 1.06, tolerance::F64_PASS);
}

#[test]
fn one_to_three_matches_golden() {
    let (golden, run) = (learning("single_in_multi_out"), several::one_to_three());
    assert_trace(&run, &golden.at("trace").list(), 0);
    assert_eq!(run.updates(), golden.at("iterations").count());
    let want = golden.at("final_weights").numbers();
    assert_all_close("weights", run.last.weights.as_flattened(), &want, tolerance::F64_STEP);
}

#[test]
fn three_to_three_matches_golden() {
    let (golden, run) = (learning("multi_in_multi_out"), several::three_to_three());
    assert_trace(&run, &golden.at("trace").list(), 0);
    assert_eq!(run.updates(), golden.at("iterations").count());
    let want = golden.at("final_weights").numbers();
    assert_all_close("weights", run.last.weights.as_flattened(), &want, tolerance::F64_STEP);
}

#[test]
fn stale_weights_of_the_text_come_from_the_index_of_the_output() {
    let run = several::wrong_index();
    assert_eq!((run.ending, run.updates()), (Ending::StepsDone, 52));
    let printed = [-0.043961352657, 0.001880692475, -0.083490325514];
    for (row, want) in several::moved(&run).into_iter().zip(printed) {
        for got in row {
            assert!((got - want).abs() <= 1e-12, "{got} is not {want}");
        }
    }
}

// Verdicts

/// How many rows of a section have each verdict: agrees, and differs with each word.
fn verdicts(section: text::Section) -> (usize, Vec<&'static str>) {
    let (mut agree, mut words) = (0, vec![]);
    for row in section.rows() {
        match row.verdict() {
            Verdict::NotPrinted => (),
            Verdict::Agrees => agree += 1,
            Verdict::Differs(word) => words.push(word),
            Verdict::Cut | Verdict::LastDigit => {}
            Verdict::Unexplained => panic!("{row:?} of {section:?} is not explained"),
        }
    }
    (agree, words)
}

#[test]
fn every_difference_is_explained() {
    use text::Section;
    let differences = |count: usize, word: &'static str| vec![word; count];
    let mut inputs = differences(1, "record");
    inputs.extend(differences(5, "rule"));
    let wanted = [
        (Section::Forward, 11, vec![]),
        (Section::Vectors, 11, vec![]),
        (Section::HotCold, 9, vec![]),
        (Section::ErrorBased, 2, vec![]),
        (Section::Alpha, 11, vec![]),
        (Section::Inputs, 1, inputs),
        (Section::Outputs, 4, differences(9, "index")),
    ];
    assert_eq!(wanted.len(), Section::ALL.len());
    for (section, agree, words) in wanted {
        assert_eq!(verdicts(section), (agree, words), "{section:?}");
    }
}

#[test]
fn ideas_have_the_numbers_of_the_runs() {
    let alpha = text::Section::Alpha.idea();
    for number in ["95", "191", "12", "26", "it learns", "\ndiverges"] {
        assert!(alpha.contains(number), "{number}: {alpha}");
    }
    assert!(text::Section::HotCold.idea().contains("1100 moves"));
    assert!(text::Section::Vectors.idea().contains("gives 2 outputs"));
    assert!(text::Section::Vectors.idea().contains("is refused"));
}
