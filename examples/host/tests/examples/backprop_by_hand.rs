//! The example `backprop_by_hand`: its numbers against `CPython`, in `f64` and in `f32`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::float_cmp,
    reason = "tests may panic"
)]

use examples::backprop_by_hand as compute;
use examples::backprop_by_hand::chain;
use examples::backprop_by_hand::{
    Change, Ending, Factors, Run, THRESHOLDS, Task, endless, forward, root_b,
};
use gradlet::{Number, Scalar};
use support::{Json, assert_all_close, assert_close, tolerance};

const CHANGES: [(Change, &str); 3] = [(Change::W, "w"), (Change::B, "b"), (Change::Both, "wb")];
const FACTORS: [(Factors, &str); 2] = [(Factors::Frozen, "fixed"), (Factors::Recomputed, "new")];

fn linear() -> Json<'static> {
    Json::file("002_linear_backprop")
}

fn nonlinear() -> Json<'static> {
    Json::file("002_nonlinear_chain")
}

fn run<T: Scalar>(change: Change, factors: Factors, threshold: f64) -> Run<T> {
    let (target, threshold) = (T::from_f64(compute::TARGET), T::from_f64(threshold));
    Task { change, factors, target, threshold, limit: compute::LIMIT }.run()
}

/// Every run of the golden file.
fn each_run(mut check: impl FnMut(Change, Factors, f64, Json<'static>, &str)) {
    for (change, change_name) in CHANGES {
        for (factors, factors_name) in FACTORS {
            for (threshold, threshold_name) in THRESHOLDS.into_iter().zip(["0.0001", "1e-05"]) {
                let name = format!("{change_name}_{factors_name}_err{threshold_name}");
                check(change, factors, threshold, linear().at("runs").at(&name), &name);
            }
        }
    }
}

// z = (2 w + 3 b) (2 b + 1)

#[test]
fn start_has_the_golden_values_and_partials() {
    let (start, want) = (forward(compute::W, compute::B), linear().at("partials_at_start"));
    let partials = start.partials();
    let got = [start.x, start.y, start.z, partials.by_w, partials.by_b];
    let want = ["x", "y", "z", "dz_dw", "dz_db"].map(|name| want.at(name).number());
    assert_eq!(got, want);
    assert_eq!(got, [18.0, 9.0, 162.0, 18.0, 63.0]);
}

#[test]
fn partials_match_central_differences() {
    for (w, b) in [(3.0, 4.0), (-1.5, 0.3), (0.2, -2.0)] {
        let (z, h) = (|w, b| forward(w, b).z, 1e-4);
        let partials = forward(w, b).partials();
        let by_w = (z(w + h, b) - z(w - h, b)) / (2.0 * h);
        let by_b = (z(w, b + h) - z(w, b - h)) / (2.0 * h);
        assert_close("dz/dw", partials.by_w, by_w, tolerance::GRADIENT);
        assert_close("dz/db", partials.by_b, by_b, tolerance::GRADIENT);
    }
}

#[test]
fn hand_step_matches_golden() {
    let (run, want) = (run::<f64>(Change::B, Factors::Frozen, 1e-4), linear().at("hand_step_b"));
    let (start, next) = (run.states[0], run.states[1]);
    let b_rounded = (next.b * 100.0).round() / 100.0;
    let pairs = [
        ("delta_b", start.delta_b),
        ("b_exact", next.b),
        ("z_with_exact_b", next.forward.z),
        ("b_rounded", b_rounded),
        ("z_with_rounded_b", forward(compute::W, b_rounded).z),
    ];
    for (name, got) in pairs {
        assert_close(name, got, want.at(name).number(), tolerance::F64_STEP);
    }
}

#[test]
fn root_is_the_golden_one_and_gives_the_target() {
    let b = root_b(compute::TARGET).unwrap();
    assert_close("b", b, linear().at("closed_form_b").number(), tolerance::F64_STEP);
    for target in [-3.0, 0.0, 6.0, 150.0, 1e6] {
        let z = forward(compute::W, root_b(target).unwrap()).z;
        assert_close("z", z, target, tolerance::F64_STEP);
    }
    assert_eq!(root_b(-4.0), None);
}

#[test]
fn f64_runs_match_golden_in_every_state() {
    each_run(|change, factors, threshold, want, name| {
        let run = run::<f64>(change, factors, threshold);
        assert_eq!(run.ending, Ending::Reached, "{name}");
        assert_eq!(run.updates(), want.at("updates").count(), "{name}");
        let trace = want.at("trace").list();
        assert_eq!(run.states.len(), trace.len(), "{name}");
        for (state, want) in run.states.iter().zip(trace) {
            let all = [
                ("w", state.w),
                ("b", state.b),
                ("x", state.forward.x),
                ("y", state.forward.y),
                ("z", state.forward.z),
                ("delta_z", state.delta_z),
                ("factor_w", state.partials.by_w),
                ("factor_b", state.partials.by_b),
                ("delta_w", state.delta_w),
                ("delta_b", state.delta_b),
            ];
            for (key, got) in all {
                // What is not used is not in the file.
                if let Some(want) = want.get(key) {
                    assert_close(&format!("{name} {key}"), got, want.number(), tolerance::F64_STEP);
                }
            }
        }
    });
}

#[test]
fn f32_runs_have_the_golden_counts_and_bits() {
    each_run(|change, factors, threshold, want, name| {
        let run = run::<f32>(change, factors, threshold);
        assert_eq!(run.ending, Ending::Reached, "{name}");
        assert_eq!(run.updates(), want.at("f32_updates").count(), "{name}");
        let (last, want) = (run.states.last().unwrap(), want.at("f32_final"));
        let all = [
            ("w", last.w),
            ("b", last.b),
            ("x", last.forward.x),
            ("y", last.forward.y),
            ("z", last.forward.z),
            ("delta_z", last.delta_z),
        ];
        for (key, got) in all {
            assert_eq!(got, want.at(key).number() as f32, "{name} {key}");
        }
    });
}

#[test]
fn updates_are_those_of_the_table() {
    let counts = |change, factors| {
        THRESHOLDS.map(|t| {
            [run::<f64>(change, factors, t).updates(), run::<f32>(change, factors, t).updates()]
        })
    };
    assert_eq!(counts(Change::B, Factors::Frozen), [[4, 4], [5, 4]]);
    assert_eq!(counts(Change::B, Factors::Recomputed), [[2, 2], [3, 3]]);
    assert_eq!(counts(Change::Both, Factors::Frozen), [[4, 4], [4, 4]]);
    assert_eq!(counts(Change::Both, Factors::Recomputed), [[2, 2], [3, 3]]);
    assert_eq!(counts(Change::W, Factors::Frozen), [[1, 1], [1, 1]]);
}

#[test]
fn recomputed_partials_square_the_error_and_frozen_ones_do_not() {
    let ratio = |factors| {
        let distances = run::<f64>(Change::B, factors, 1e-5).distances();
        let last = distances.len() - 1;
        (distances[last] / distances[last - 1], distances[last - 1] / distances[last - 2])
    };
    let (last, before) = ratio(Factors::Frozen);
    assert!((last / before - 1.0).abs() < 0.1, "linear: {last} after {before}");
    let (last, before) = ratio(Factors::Recomputed);
    assert!((last / before.powi(2) - 1.0).abs() < 0.1, "quadratic: {last} after {before}");
}

#[test]
fn run_ends_at_its_limit_and_says_so() {
    let task = Task {
        change: Change::B,
        factors: Factors::Frozen,
        target: 150.0,
        threshold: 1e-5,
        limit: 2,
    };
    let run: Run = task.run();
    assert_eq!((run.ending, run.updates()), (Ending::Limit, 2));
    let run = Task { target: f64::MAX, threshold: 0.0, ..task }.run();
    assert!(run.states.iter().all(|state| state.delta_z.is_finite()));
    let run = Task { target: f32::INFINITY, threshold: 0.0, limit: 2, ..run_f32_task() }.run();
    assert_eq!((run.ending, run.states.len()), (Ending::NotFinite, 0));
}

fn run_f32_task() -> Task<f32> {
    let (change, factors) = (Change::B, Factors::Frozen);
    Task { change, factors, target: 131.0, threshold: 1e-5, limit: 1000 }
}

#[test]
fn f32_loops_are_endless_for_the_golden_targets() {
    let want = linear().at("f32_endless_loops");
    for (change, change_name) in [(Change::B, "b"), (Change::Both, "wb")] {
        for (factors, factors_name) in FACTORS {
            let name = format!("{change_name}_{factors_name}");
            let got = endless(change, factors, 1e-5);
            assert_eq!(got.len(), want.at("never_stops_of_201").at(&name).count(), "{name}");
            let first: Vec<_> = got.iter().take(6).map(|&t| f64::from(t)).collect();
            assert_eq!(first, want.at("examples").at(&name).numbers(), "{name}");
        }
    }
    assert_eq!(compute::targets().count(), 201);
}

#[test]
fn f32_run_goes_round_in_a_circle_until_the_threshold_is_above_the_ulp() {
    assert!((f64::from(compute::ulp(150.0)) - 1.525_878_906_25e-5).abs() < 1e-20);
    let run = run_f32_task().run();
    assert!(matches!(run.ending, Ending::Cycle(_)), "{:?}", run.ending);
    for (change, _) in CHANGES {
        for (factors, _) in FACTORS {
            assert!(endless(change, factors, 1e-4).is_empty(), "{change:?} {factors:?}");
        }
    }
}

#[test]
fn gradient_descent_on_z_matches_golden() {
    let want = linear().at("true_gradient_descent");
    let descent = compute::gradient_descent(compute::TARGET, want.at("lr").number(), 200);
    assert_eq!(compute::RATE, want.at("lr").number());
    for mark in want.at("trace").list() {
        let visit = descent.visits[mark.at("step").count()];
        let [w, b] = visit.place;
        let bound = tolerance::F64_STEP;
        assert_close("w", w, mark.at("w").number(), bound);
        assert_close("b", b, mark.at("b").number(), bound);
        assert_close("z", forward(w, b).z, mark.at("z").number(), bound);
        assert_close("loss", visit.value, mark.at("loss").number(), bound);
    }
}

// c = sqrt(ln(x^2))

#[test]
fn chain_runs_match_golden_in_every_state() {
    for want in nonlinear().at("runs").list() {
        let (x0, y) = (want.at("x0").number(), want.at("y").number());
        let run = chain::run(x0, y, chain::THRESHOLD, chain::LIMIT);
        assert!(run.reached);
        assert_eq!(run.updates(), want.at("updates").count());
        let root = want.at("closed_form_x").number();
        assert_close("root", chain::root(y), root, tolerance::F64_STEP);
        for (state, want) in run.states.iter().zip(want.at("trace").list()) {
            let all = [
                ("x", state.x),
                ("a", state.forward.a),
                ("b", state.forward.b),
                ("c", state.forward.c),
                ("delta_c", state.deltas.c),
                ("delta_b", state.deltas.b),
                ("delta_a", state.deltas.a),
                ("delta_x", state.deltas.x),
            ];
            for (key, got) in all {
                if let Some(want) = want.get(key) {
                    assert_close(&format!("{y} {key}"), got, want.number(), tolerance::F64_STEP);
                }
            }
        }
    }
}

#[test]
fn chain_runs_in_f32_match_golden() {
    for want in nonlinear().at("runs").list() {
        let (x0, y) = (want.at("x0").number() as f32, want.at("y").number() as f32);
        let run = chain::run(x0, y, chain::THRESHOLD as f32, chain::LIMIT);
        assert_eq!(run.updates(), want.at("f32_updates").count());
        let (last, want) = (run.states.last().unwrap(), want.at("f32_final"));
        let all =
            [("x", last.x), ("a", last.forward.a), ("b", last.forward.b), ("c", last.forward.c)];
        for (key, got) in all {
            let want = want.at(key).number();
            assert_close(key, f64::from(got), want, tolerance::CHAIN_F32);
        }
    }
}

#[test]
fn chain_update_is_one_of_newton() {
    for x in [1.3, 2.0, 9.0] {
        let run = chain::run(x, 2.14, 0.0, 1);
        let newton = (chain::forward(x).c - 2.14) / chain::slope(x);
        assert_close("delta_x", run.states[0].deltas.x, newton, tolerance::F64_STEP);
    }
}

#[test]
fn chain_guard_keeps_x_above_one_and_the_limit_holds() {
    let run = chain::run(10.0, 1.0, 1e-3, 20);
    assert!(run.states[1].guarded && run.states[1].x == 1.1 && !run.states[0].guarded);
    assert!(run.states.iter().all(|state| state.forward.c.is_finite()));
    let run = chain::run(2.0, 2.14, 0.0, 20);
    assert!(run.updates() <= 20);
    let run = chain::run(2.0, 2.14, 1e-3, 3);
    assert!(!run.reached && run.updates() == 3);
}

#[test]
fn curves_match_golden() {
    let (x, want) = (chain::curve(), nonlinear().at("curves"));
    let c: Vec<_> = x.iter().map(|&x| chain::forward(x).c).collect();
    let slope: Vec<_> = x.iter().map(|&x| chain::slope(x)).collect();
    assert_all_close("x", &x, &want.at("x").numbers(), tolerance::F64_STEP);
    assert_all_close("c", &c, &want.at("c").numbers(), tolerance::F64_STEP);
    assert_all_close("dc/dx", &slope, &want.at("dc_dx").numbers(), tolerance::F64_STEP);
}

#[test]
fn gradient_descent_on_the_chain_matches_golden() {
    let want = nonlinear().at("true_gradient_descent");
    let (rate, y) = (want.at("lr").number(), chain::TARGET_OF_COURSE);
    assert_eq!(rate, chain::RATE);
    let descent = chain::gradient_descent(chain::START, y, rate, 2000);
    for mark in want.at("trace").list() {
        let visit = descent.visits[mark.at("step").count()];
        let [x] = visit.place;
        let bound = tolerance::F64_LONG;
        assert_close("x", x, mark.at("x").number(), bound);
        assert_close("c", chain::forward(x).c, mark.at("c").number(), bound);
        assert_close("loss", visit.value, mark.at("loss").number(), bound);
    }
}
