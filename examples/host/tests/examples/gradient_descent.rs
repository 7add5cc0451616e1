//! The example `gradient_descent`: its numbers against `CPython`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::float_cmp,
    reason = "tests may panic"
)]

use examples::gradient_descent as compute;
use examples::gradient_descent::{
    Behaviour, Bowl, Descent, Ending, Function, TwoMinima, Visit, bowl, concept, descend, schedule,
    scheduled, single_variable, study, study_at, to_the_bottom, value_at,
};
use gradlet::prelude::*;
use support::{Json, assert_close, tolerance};

fn golden() -> Json<'static> {
    Json::file("002_gradient_descent")
}

#[test]
fn concept_step_leads_from_1_4_to_1_52() {
    let (descent, want) = (concept(1e-6), golden().at("concept"));
    assert_eq!(want.at("x0").number(), compute::CONCEPT_START);
    assert_eq!(want.at("lr").number(), compute::CONCEPT_RATE);
    let marks = want.at("trace").list();
    assert_eq!(descent.updates(), marks.last().unwrap().at("step").count());
    for mark in marks {
        let Visit { place: [x], gradient: [slope], value } =
            descent.visits[mark.at("step").count()];
        assert_close("x", x, mark.at("x").number(), tolerance::F64_STEP);
        assert_close("slope", slope, mark.at("dy_dx").number(), tolerance::F64_STEP);
        assert_close("J", value, mark.at("y").number(), tolerance::F64_STEP);
    }
    assert_close("slope", descent.visits[0].gradient[0], -1.2, tolerance::F64_STEP);
    assert_close("x", descent.visits[1].place[0], 1.52, tolerance::F64_STEP);
}

#[test]
fn single_variable_takes_4_updates_to_a_thousandth_and_3_to_a_hundredth() {
    let (descent, want) = (single_variable(1e-3), golden().at("single_variable"));
    assert_eq!(want.at("x0").number(), compute::SINGLE_START);
    assert_eq!(want.at("lr").number(), compute::SINGLE_RATE);
    let trace = want.at("trace").list();
    assert_eq!((descent.updates(), descent.ending), (4, Ending::Reached));
    assert_eq!(trace.len(), 5);
    for (visit, mark) in descent.visits.iter().zip(trace) {
        assert_close("x", visit.place[0], mark.at("x").number(), tolerance::F64_STEP);
        assert_close("J", visit.value, mark.at("J").number(), tolerance::F64_STEP);
        // The text's "minimum" 2x is the slope.
        assert_close("2x", visit.gradient[0], 2.0 * visit.place[0], tolerance::F64_STEP);
    }
    assert_eq!(single_variable(0.01).updates(), 3);
}

#[test]
fn bowl_takes_16_updates() {
    let want = golden().at("two_variables");
    let (start, rate) = (["x0", "y0"].map(|key| want.at(key).number()), want.at("lr").number());
    assert_eq!((start, rate), (compute::BOWL_START, compute::BOWL_RATE));
    let descent = bowl(start, rate, 1000);
    assert_eq!((descent.updates(), descent.ending), (16, Ending::Reached));
    let trace = want.at("trace").list();
    assert_eq!(descent.visits.len(), trace.len());
    for (visit, mark) in descent.visits.iter().zip(trace) {
        let ([x, y], [gx, gy]) = (visit.place, visit.gradient);
        let all = [("x", x), ("y", y), ("J", visit.value), ("gx", gx), ("gy", gy)];
        for (key, got) in all {
            assert_close(key, got, mark.at(key).number(), tolerance::F64_STEP);
        }
    }
}

fn assert_gradient<F: Function<2, f64>>() {
    for [x, y] in [[3.0, 1.0], [-0.7, 2.5], [0.1, -3.0]] {
        let ((_, [by_x, by_y]), h) = (F::at([x, y], [0.0; 2]), 1e-4);
        let want_x = (value_at::<F>(x + h, y) - value_at::<F>(x - h, y)) / (2.0 * h);
        let want_y = (value_at::<F>(x, y + h) - value_at::<F>(x, y - h)) / (2.0 * h);
        assert_close("dJ/dx", by_x, want_x, tolerance::GRADIENT);
        assert_close("dJ/dy", by_y, want_y, tolerance::GRADIENT);
    }
}

#[test]
fn gradients_match_central_differences() {
    assert_gradient::<Bowl>();
    assert_gradient::<TwoMinima>();
}

#[test]
fn start_decides_which_minimum_of_the_bowl_is_found() {
    let pi = core::f64::consts::PI;
    for (y, end) in [(1.0, 0.0), (1.5, 0.0), (2.0, pi), (-2.0, -pi), (6.0, 2.0 * pi)] {
        let [x, y] = to_the_bottom::<Bowl>([3.0, y]).visits.last().unwrap().place;
        assert!(x.abs() < 1e-11 && (y - end).abs() < 1e-11, "{x} {y}");
    }
    // Above its chord: not convex.
    let half_way = value_at::<Bowl>(0.0, pi / 2.0);
    assert!(half_way > value_at::<Bowl>(0.0, 0.0).midpoint(value_at::<Bowl>(0.0, pi)) + 0.9);
}

#[test]
fn left_minimum_is_local_and_right_one_global() {
    let end = |x| *to_the_bottom::<TwoMinima>([x, 1.5]).visits.last().unwrap();
    let (left, right) = (end(-0.3), end(0.2));
    assert!(left.place[0] < -0.9 && right.place[0] > 1.0);
    assert!(left.value > right.value + 0.4 && right.value > 0.0);
    // Both are minima along x: 12 x^2 - 4 is positive.
    for at in [left, right] {
        assert!(at.gradient.iter().all(|slope| slope.abs() < 1e-12));
        assert!(12.0 * at.place[0].powi(2) > 4.0);
    }
}

#[test]
fn schedule_converges_where_its_first_rate_does_not() {
    let ends = [(0.01, 1.0), (0.1, 1.0), (1.0, 1.0), (1.0, 0.9)].map(|(initial, factor)| {
        let descent = scheduled(schedule(initial, factor));
        (descent.updates(), descent.ending)
    });
    // 1.8 |1 - 2 rate|^n < 0.01, and the rate 1 jumps for ever.
    let reached = Ending::Reached;
    assert_eq!(ends, [(258, reached), (24, reached), (1000, Ending::Limit), (7, reached)]);
    // The product of the factors 1 - 2 * 0.9^n.
    let left: f64 = (0..7).map(|n| 1.0 - 2.0 * 0.9_f64.powi(n)).product();
    let x = scheduled(schedule(1.0, 0.9)).visits[7].place[0];
    assert_close("x", x, 1.0 - 1.8 * left, tolerance::F64_LONG);
}

#[test]
fn learning_rate_study_matches_golden() {
    let want = golden().at("learning_rate_study");
    assert_eq!(want.at("x0").number(), compute::STUDY_START);
    assert_eq!(want.at("points_plotted").count(), compute::STUDY_POINTS as usize);
    let runs = want.at("runs").list();
    assert_eq!(runs.len(), compute::STUDY_RATES.len());
    for (want, rate) in runs.into_iter().zip(compute::STUDY_RATES) {
        assert_eq!(want.at("lr").number(), rate);
        let study = study(compute::STUDY_START, rate);
        assert_close("factor", study.factor, want.at("factor").number(), tolerance::F64_STEP);
        let (x, values) = (want.at("x").numbers(), want.at("J").numbers());
        assert_eq!(study.points.len(), x.len());
        for ((got_x, got_value), (x, value)) in study.points.iter().zip(x.iter().zip(values)) {
            assert_close(&format!("{rate} x"), *got_x, *x, tolerance::F64_STEP);
            assert_close(&format!("{rate} J"), *got_value, value, tolerance::F64_STEP);
            assert_close("curve", study_at(*got_x), value, tolerance::F64_STEP);
        }
    }
}

#[test]
fn study_behaves_as_the_factor_foretells_and_as_the_course_says() {
    let mut said = 0;
    for rate in compute::STUDY_RATES {
        let study = study(compute::STUDY_START, rate);
        assert_eq!(study.observed, Behaviour::of_factor(study.factor), "{rate}");
        if let Some(course) = Behaviour::of_course(rate) {
            assert_eq!(study.observed, course, "{rate}");
            said += 1;
        }
    }
    assert_eq!(said, 7);
    assert_eq!(study(compute::STUDY_START, 0.5).observed, Behaviour::LandsAtOnce);
    assert_eq!(study(compute::STUDY_MINIMUM, 0.3).observed, Behaviour::StandsStill);
}

#[test]
fn study_converges_exactly_below_two_over_the_curvature() {
    let greatest = compute::greatest_rate(compute::STUDY_CURVATURE);
    assert_eq!(greatest, 1.0);
    for (rate, converges) in [(0.999, true), (1.001, false), (0.01, true), (5.0, false)] {
        let points = study(compute::STUDY_START, rate).points;
        let distance = |i: usize| (points[i].0 - compute::STUDY_MINIMUM).abs();
        assert_eq!(distance(9) < distance(0), converges, "{rate}");
    }
}

#[test]
fn descent_stops_where_the_numbers_end() {
    let Descent { visits, ending } = bowl([3.0, 1.0], 1e30, 1000);
    assert_eq!(ending, Ending::Diverged);
    assert!(visits.iter().all(|v| v.value.is_finite() && v.gradient[0].is_finite()));
    assert!(visits.len() > 1 && visits.len() < 20, "{}", visits.len());
    let study = study(compute::STUDY_START, 1e100);
    assert_eq!(study.observed, Behaviour::Diverges);
    let capped = bowl([3.0, 1.0], 1e-9, 10);
    assert_eq!((capped.updates(), capped.ending), (10, Ending::Limit));
}

#[test]
fn descent_is_the_plain_rule() {
    // The same numbers as a loop by hand, bit for bit: the layer adds nothing to the bias.
    let descent =
        descend::<HalfSquaredError, 2, f32>([3.0, -1.0], [0.5, 0.25], |_| 0.3, 20, |_| false);
    let mut place = [3.0_f32, -1.0];
    for visit in &descent.visits {
        assert_eq!(visit.place, place);
        place = [place[0] - 0.3 * (place[0] - 0.5), place[1] - 0.3 * (place[1] - 0.25)];
    }
    assert_eq!(descent.visits.len(), 21);
}
