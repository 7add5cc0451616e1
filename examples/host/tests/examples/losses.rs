//! The example `losses`: every number of it against numpy.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::float_cmp,
    reason = "tests may panic"
)]

use examples::losses::compute;
use examples::losses::compute::points::points;
use examples::losses::compute::surface::{Line, Shape, Surface};
use examples::losses::text;
use gradlet::prelude::*;
use shared::rows::Verdict;
use support::{Json, assert_all_close, assert_close, tolerance};

/// The golden file of the surface asks for 1e-11: sums of 50 terms in another order.
const SURFACE: f64 = tolerance::F64_STEP;

#[test]
fn errors_match_golden() {
    let rows = Json::file("002_losses").at("abs_vs_square").list();
    assert_eq!(rows.len(), 2);
    for row in rows {
        let got = compute::errors(row.at("t").array(), row.at("a").array());
        let got = [got.absolute, got.squared, got.half_mean, got.mean];
        let keys = ["abs_sum", "sq_sum", "mse_half_mean", "mse_mean"];
        let want = keys.map(|key| row.at(key).number());
        assert_all_close("errors", &got, &want, tolerance::F64_PASS);
    }
}

#[test]
fn squares_grow_faster_than_absolute_errors_as_the_text_says() {
    let [small, large] = [[1.0, 2.0, 3.0], [1.0, 3.0, 3.0]].map(|a| compute::errors([1.0; 3], a));
    assert_eq!((small.absolute, large.absolute), (3.0, 4.0));
    assert_eq!((small.squared, large.squared), (5.0, 8.0));
    assert_eq!(format!("{:.2}", large.absolute / small.absolute), "1.33");
    assert_eq!(format!("{:.1}", large.squared / small.squared), "1.6");
}

#[test]
fn binary_cross_entropy_and_its_derivatives_match_golden() {
    let rows = Json::file("002_losses").at("binary_ce").list();
    assert_eq!(rows.len(), 5);
    for row in rows {
        let got = compute::binary(row.at("y").number(), row.at("a").number());
        let got = [got.loss, got.by_answer, got.by_logit];
        let want = ["loss", "dloss_da", "dloss_dz_if_sigmoid"].map(|key| row.at(key).number());
        assert_all_close("binary", &got, &want, tolerance::F64_PASS);
    }
}

#[test]
fn multiclass_cross_entropy_and_its_derivative_match_golden() {
    let rows = Json::file("002_losses").at("multiclass_ce").list();
    assert_eq!(rows.len(), 2);
    for row in rows {
        let got = compute::multiclass(row.at("y").array(), row.at("a").array());
        assert_close("loss", got.loss, row.at("loss").number(), tolerance::F64_PASS);
        let want = row.at("dloss_dz_if_softmax").numbers();
        assert_all_close("by logit", &got.by_logit, &want, tolerance::F64_PASS);
    }
}

#[test]
fn information_entropy_and_divergence_match_golden() {
    let file = Json::file("002_losses");
    let row = file.at("information");
    let got = compute::information(row.at("p").array());
    assert_all_close("I", &got.each, &row.at("I").numbers(), tolerance::F64_PASS);
    assert_close("H", got.entropy, row.at("entropy").number(), tolerance::F64_PASS);
    let printed = row.at("course_prints").numbers();
    let rounded = got.each.map(|i| (i * 100.0).round() / 100.0);
    assert_eq!(rounded.as_slice(), &printed[..3]);
    assert_close("H of rounded terms", got.of_rounded, printed[3], tolerance::F64_PASS);

    let row = file.at("kl");
    let (p, q) = (row.at("p").array(), row.at("q").array());
    let want = [row.at("cross_entropy").number(), row.at("kl").number()];
    let got = [compute::cross_entropy(p, q), compute::divergence(p, q)];
    assert_all_close("cross-entropy, divergence", &got, &want, tolerance::F64_PASS);
}

#[test]
fn curves_match_golden() {
    let curves = Json::file("002_losses").at("bce_curves");
    let got = compute::curves();
    let list = |f: fn(&(f64, f64, f64)) -> f64| got.iter().map(f).collect::<Vec<_>>();
    let tight = tolerance::F64_PASS;
    assert_all_close("a", &list(|point| point.0), &curves.at("a").numbers(), tight);
    // Near 1 the loss of 1 - a has the rounding of a, some 100 times as large.
    let loose = tolerance::F64_STEP;
    assert_all_close("y = 0", &list(|point| point.1), &curves.at("loss_y0").numbers(), loose);
    assert_all_close("y = 1", &list(|point| point.2), &curves.at("loss_y1").numbers(), loose);
}

#[test]
fn squared_error_behind_a_sigmoid_is_slow_but_arrives() {
    let (squares, entropy) =
        (compute::recovery::<HalfSquaredError>(), compute::recovery::<BinaryCrossEntropy>());
    // (a - y) a (1 - a) and a - y, at a = 0.01 and y = 1.
    assert_close("squares", squares.slope, -0.99 * 0.01 * 0.99, tolerance::F64_PASS);
    assert_close("entropy", entropy.slope, -0.99, tolerance::F64_PASS);
    let (squares, entropy) = (squares.updates.unwrap(), entropy.updates.unwrap());
    assert!(squares > 5 * entropy, "{squares} {entropy}");
}

#[test]
fn step_from_above_goes_down() {
    assert_eq!(compute::step_above(1.0, 1.5), (0.5, 1.25));
}

// The surface

fn golden() -> Json<'static> {
    Json::file("002_loss_surface")
}

fn surface() -> Surface {
    Surface::over(&points())
}

#[test]
fn points_are_those_of_golden() {
    let (x, y): (Vec<_>, Vec<_>) = points().into_iter().unzip();
    let data = golden().at("data");
    assert_all_close("x", &x, &data.at("x").numbers(), tolerance::F64_PASS);
    assert_eq!(y, data.at("y").numbers());
}

#[test]
fn losses_of_lines_match_golden() {
    let (file, surface) = (golden(), surface());
    for row in file.at("four_lines").list() {
        let line = Line::new(row.at("w").number(), row.at("b").number());
        assert_close("line", surface.loss(line), row.at("loss").number(), SURFACE);
    }
    for row in file.at("loss_vs_b_at_w3").list() {
        let loss = surface.loss(Line::new(3.0, row.at("b").number()));
        assert_close("along b", loss, row.at("loss").number(), SURFACE);
    }
    for row in file.at("loss_vs_w_at_b1").list() {
        let loss = surface.loss(Line::new(row.at("w").number(), 1.0));
        assert_close("along w", loss, row.at("loss").number(), SURFACE);
    }
}

#[test]
fn grid_matches_golden() {
    let want = golden().at("grid");
    let got = surface().grid((1.0, 5.0), (-1.0, 3.0), 20);
    // The golden rows are those of w, the grid's those of b.
    for (i, row) in want.at("loss_rows_w").list().iter().enumerate() {
        let got: Vec<_> = got.iter().map(|row| row[i]).collect();
        assert_all_close("grid", &got, &row.numbers(), SURFACE);
    }
}

#[test]
fn minimum_matches_golden_and_has_no_slope() {
    let (surface, want) = (surface(), golden().at("minimum"));
    let minimum = surface.minimum();
    let got = [minimum.w, minimum.b, surface.loss(minimum)];
    let want = ["w", "b", "loss"].map(|key| want.at(key).number());
    assert_all_close("minimum", &got, &want, SURFACE);
    assert_all_close("slope", &surface.gradient(minimum), &[0.0; 2], SURFACE);
}

#[test]
fn hessian_and_shape_match_golden() {
    let (file, hessian) = (golden(), surface().hessian());
    assert_all_close("H", hessian.as_flattened(), &file.at("hessian").numbers(), SURFACE);
    let shape = Shape::of(hessian);
    let want = file.at("eigenvalues").numbers();
    assert_all_close("curvatures", &[shape.steep, shape.shallow], &want, SURFACE);
    assert_close("ratio", shape.ratio(), file.at("axis_ratio").number(), SURFACE);
    // The golden file gives the axis of the larger curvature; the ellipse is short there.
    let want = file.at("major_axis_angle_deg_from_w_axis").number();
    assert_close("angle", shape.angle.to_degrees(), want, SURFACE);
}

#[test]
fn axes_end_on_one_contour_and_stand_in_their_ratio() {
    let surface = surface();
    let (minimum, shape) = (surface.minimum(), Shape::of(surface.hessian()));
    let axes = shape.axes(minimum, 0.25);
    for (w, b) in axes.as_flattened() {
        let rise = surface.loss(Line::new(*w, *b)) - surface.loss(minimum);
        assert_close("rise", rise, 0.25, SURFACE);
    }
    let [short, long] = axes.map(|[from, to]| (to.0 - from.0).hypot(to.1 - from.1));
    assert_close("ratio", long / short, shape.ratio(), SURFACE);
    let [_, [from, to]] = axes;
    assert!((to.0 - from.0) * (to.1 - from.1) < 0.0, "more w, less b along the valley");
}

#[test]
fn places_near_a_level_surround_the_minimum_at_that_loss() {
    let (surface, level) = (surface(), 0.5);
    let minimum = surface.minimum();
    let places = surface.near((1.0, 5.0), (-1.0, 3.0), 100, level);
    for (w, b) in &places {
        let off = (surface.loss(Line::new(*w, *b)) - level).abs();
        assert!(off <= 0.02 * level + 0.005, "{w} {b} is off by {off}");
    }
    for side in [[true, true], [true, false], [false, true], [false, false]] {
        assert!(places.iter().any(|(w, b)| [*w > minimum.w, *b > minimum.b] == side), "{side:?}");
    }
}

#[test]
fn standardised_inputs_make_circles_as_in_golden() {
    let want = golden().at("circle_after_standardising_x");
    let (surface, mean, deviation) = surface().standardised();
    assert_close("mean", mean, want.at("mean").number(), SURFACE);
    assert_close("deviation", deviation, want.at("std_population").number(), SURFACE);
    let hessian = surface.hessian();
    assert_all_close("H", hessian.as_flattened(), &want.at("hessian").numbers(), SURFACE);
    assert_close("ratio", Shape::of(hessian).ratio(), 1.0, SURFACE);
}

#[test]
fn shape_does_not_depend_on_the_target_line() {
    // Slope 1 and offset 1, which the text takes for a circle.
    let other: Vec<_> = points().into_iter().map(|(x, y)| (x, y - 2.0 * x)).collect();
    let ratio = Shape::of(Surface::over(&other).hessian()).ratio();
    assert_close("ratio", ratio, golden().at("axis_ratio").number(), SURFACE);
}

// The text

#[test]
fn verdicts_on_the_text_are_agreement_but_for_two_slips() {
    let sections = text::sections(&surface());
    let verdicts: Vec<_> =
        sections.iter().flat_map(|section| &section.rows).map(|row| row.verdict()).collect();
    let count = |verdict| verdicts.iter().filter(|v| **v == verdict).count();
    assert_eq!(count(Verdict::Agrees), 13);
    assert_eq!(count(Verdict::Differs("rounded")), 1);
    assert_eq!(count(Verdict::Differs("circle")), 1);
    assert_eq!(count(Verdict::Unexplained), 0);
}
