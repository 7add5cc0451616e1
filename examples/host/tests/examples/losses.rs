//! The example `losses`: every number of it against numpy.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::float_cmp,
    reason = "tests may panic"
)]

use examples::losses::{self, Line, Shape, Surface, points};
use gradlet::prelude::*;
use support::{Json, assert_all_close, assert_close, tolerance};

/// The golden file of the surface asks for 1e-11: sums of 50 terms in another order.
const SURFACE: f64 = tolerance::F64_STEP;

#[test]
fn errors_match_golden() {
    let rows = Json::file("002_losses").at("abs_vs_square").list();
    assert_eq!(rows.len(), 2);
    for row in rows {
        let got = losses::errors(row.at("t").array(), row.at("a").array());
        let keys = ["abs_sum", "sq_sum", "mse_half_mean", "mse_mean"];
        let want = keys.map(|key| row.at(key).number());
        assert_all_close("errors", &got, &want, tolerance::F64_PASS);
    }
}

#[test]
fn binary_cross_entropy_and_its_derivatives_match_golden() {
    let rows = Json::file("002_losses").at("binary_ce").list();
    assert_eq!(rows.len(), 5);
    for row in rows {
        let got = losses::binary(row.at("y").number(), row.at("a").number());
        let want = ["loss", "dloss_da", "dloss_dz_if_sigmoid"].map(|key| row.at(key).number());
        assert_all_close("binary", &got, &want, tolerance::F64_PASS);
    }
}

#[test]
fn multiclass_cross_entropy_and_its_derivative_match_golden() {
    let rows = Json::file("002_losses").at("multiclass_ce").list();
    assert_eq!(rows.len(), 2);
    for row in rows {
        let (loss, by_logit) = losses::multiclass(row.at("y").array(), row.at("a").array());
        assert_close("loss", loss, row.at("loss").number(), tolerance::F64_PASS);
        let want = row.at("dloss_dz_if_softmax").numbers();
        assert_all_close("by logit", &by_logit, &want, tolerance::F64_PASS);
    }
}

#[test]
fn information_entropy_and_divergence_match_golden() {
    let file = Json::file("002_losses");
    let row = file.at("information");
    let p = row.at("p").array();
    let (each, entropy) = (losses::information(p), losses::cross_entropy(p, p));
    assert_all_close("I", &each, &row.at("I").numbers(), tolerance::F64_PASS);
    assert_close("H", entropy, row.at("entropy").number(), tolerance::F64_PASS);
    let printed = row.at("course_prints").numbers();
    let rounded = each.map(|i| (i * 100.0).round() / 100.0);
    assert_eq!(rounded.as_slice(), &printed[..3]);
    assert_close(
        "H of rounded terms",
        losses::entropy_of_rounded(p),
        printed[3],
        tolerance::F64_PASS,
    );

    let row = file.at("kl");
    let (p, q) = (row.at("p").array(), row.at("q").array());
    let want = [row.at("cross_entropy").number(), row.at("kl").number()];
    let got = [losses::cross_entropy(p, q), losses::divergence(p, q)];
    assert_all_close("cross-entropy, divergence", &got, &want, tolerance::F64_PASS);
}

#[test]
fn curves_match_golden() {
    let curves = Json::file("002_losses").at("bce_curves");
    let got = losses::curves();
    let list = |f: fn(&(f64, [f64; 2])) -> f64| got.iter().map(f).collect::<Vec<_>>();
    let tight = tolerance::F64_PASS;
    assert_all_close("a", &list(|point| point.0), &curves.at("a").numbers(), tight);
    // Near 1 the loss of 1 - a has the rounding of a, some 100 times as large.
    let loose = tolerance::F64_STEP;
    assert_all_close("y = 0", &list(|point| point.1[0]), &curves.at("loss_y0").numbers(), loose);
    assert_all_close("y = 1", &list(|point| point.1[1]), &curves.at("loss_y1").numbers(), loose);
}

#[test]
fn squared_error_behind_a_sigmoid_is_slow_but_arrives() {
    let (squares, entropy) =
        (losses::recovery::<HalfSquaredError>(), losses::recovery::<BinaryCrossEntropy>());
    // (a - y) a (1 - a) and a - y, at a = 0.01 and y = 1.
    assert_close("squares", squares.0, -0.99 * 0.01 * 0.99, tolerance::F64_PASS);
    assert_close("entropy", entropy.0, -0.99, tolerance::F64_PASS);
    assert_eq!((squares.1, entropy.1), (187, 15));
}

#[test]
fn step_from_above_goes_down() {
    assert_eq!(losses::step_above(1.0, 1.5), (0.5, 1.25));
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
    let (surface, scaling) = (surface().standardised(), surface().scaling());
    assert_close("mean", scaling.offset()[0], want.at("mean").number(), SURFACE);
    assert_close("deviation", scaling.scale()[0], want.at("std_population").number(), SURFACE);
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
