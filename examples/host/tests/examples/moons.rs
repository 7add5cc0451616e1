//! What the example `moons` computes, against the golden numbers of the text's program.
//!
//! All 30,000 iterations run in a release build only; a debug build stops at 1,000.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "tests may panic"
)]

use examples::moons::{
    Bend, DEEP, Ending, Net, Plan, Point, Run, SIZES, beside_the_boundary, best_share,
    between_clouds, moons, network, points, preference, train, train_with, within_a_ring,
};
use gradlet::prelude::*;
use support::{Json, assert_all_close, assert_close, flat, tolerance};

const LAST: u32 = if cfg!(debug_assertions) { 1000 } else { 30_000 };

/// Share of right answers among 20,000 fresh points, by number of hidden units, as numpy has it.
const FRESH: [(u32, f64); 6] =
    [(1, 0.7108), (2, 0.6891), (4, 0.6774), (10, 0.6589), (20, 0.6601), (50, 0.6603)];

fn run_of(hidden: u32) -> Json<'static> {
    let runs = Json::file("004_moons").at("runs").list();
    runs.into_iter().find(|r| r.at("sizes").nth(1).count() == hidden as usize).unwrap()
}

fn plan(fresh: &[Point]) -> Plan<'_> {
    let (x, y) = ((-3.0, 3.0), (-3.0, 3.0));
    Plan { iterations: LAST, learning_rate: 0.1, fresh, x, y, nodes: 5 }
}

#[test]
fn points_are_those_of_the_text() {
    let file = Json::file("004_moons");
    let points = points();
    assert_eq!(points.len(), 60);
    let classes = file.at("data").at("class").list();
    for ((point, x), class) in points.iter().zip(file.at("data").at("x").list()).zip(classes) {
        assert_all_close("point", &point.at, &x.numbers(), tolerance::EXACT);
        assert_eq!(point.class, class.count());
        assert_eq!(point.target::<2>().map(|t| t > 0.5), [point.class == 0, point.class == 1]);
        assert_eq!(point.target::<1>().map(|t| t > 0.5), [point.class == 1]);
    }
}

macro_rules! starts {
    ($($hidden:literal)+) => {$({
        let run = run_of($hidden);
        let net = network::<Net<$hidden>>();
        let want = [run.at("w_init").nth(0), run.at("b_init").nth(0),
            run.at("w_init").nth(1), run.at("b_init").nth(1)];
        let rows = [net.first().rows().as_flattened().to_vec(), net.first().bias().to_vec(),
            net.rest().rows().as_flattened().to_vec(), net.rest().bias().to_vec()];
        for (got, want) in rows.iter().zip(want) {
            assert_all_close("weights", got, &want.numbers(), tolerance::EXACT);
        }
        assert_eq!(flat(&net).len(), 5 * $hidden + 2);
    })+};
}

#[test]
fn networks_start_as_those_of_the_text() {
    starts!(1 2 4 10 20 50);
}

/// Trains with all that the example shows of the six networks.
#[test]
fn networks_learn_as_those_of_the_text() {
    let fresh = moons(20_000, 1.0, 2020);
    let mut shares = vec![];
    for (hidden, share) in FRESH {
        let run = run_of(hidden);
        let trace = run.at("trace").list();
        let marks: Vec<_> = trace.iter().map(|m| m.at("updates").count() as u32).collect();
        let got: Run =
            train_with(&[2, hidden, 2], Bend::Tanh, &plan(&fresh), &mut |n| marks.contains(&n))
                .unwrap();
        assert_eq!(got.ending, Ending::Complete);
        assert_eq!((got.hidden(), got.parameters), (hidden, 5 * hidden as usize + 2));
        for (mark, want) in got.curve.iter().zip(&trace) {
            let what = format!("{hidden} hidden, {} updates", mark.updates);
            assert_eq!(mark.updates as usize, want.at("updates").count());
            assert_close(&what, mark.cost, want.at("cost").number(), tolerance::F64_LONG);
            assert_eq!(mark.right as usize, want.at("correct_of_60").count(), "{what}");
        }
        assert_eq!(got.curve.last().unwrap().updates, LAST);
        if LAST == 30_000 {
            let exactly_one = if hidden == 50 { Some(15_157) } else { None };
            assert_eq!(got.exactly_one, exactly_one, "{hidden} hidden");
            let got = got.fresh.unwrap();
            assert!((got - share).abs() < tolerance::MOONS_FRESH, "{hidden} hidden: {got}");
            shares.push(got);
        }
    }
    let best = best_share(&fresh, 1.0);
    assert!((0.6..0.8).contains(&best), "{best}");
    // Nothing beats it but by luck.
    assert!(shares.iter().all(|&share| share < best + tolerance::MOONS_FRESH), "{best}");
    // The networks that fit all sixty points do worse on fresh ones.
    if let [one, two, _, ten, twenty, fifty] = shares[..] {
        assert!([ten, twenty, fifty].iter().all(|&large| large + 0.02 < two && two < one));
    }
}

/// The text's own program, with "relu" for "tanh", has NaN there in numpy.
#[test]
fn relu_network_has_an_output_of_exactly_one() {
    let plan = Plan { iterations: 5200, ..plan(&[]) };
    let run = train_with(&[2, 10, 2], Bend::Relu, &plan, &mut |_| false).unwrap();
    assert_eq!((run.ending, run.exactly_one), (Ending::Complete, Some(5170)));
}

#[test]
fn map_and_answers_agree() {
    let plan = Plan { iterations: 300, ..plan(&[]) };
    let (_, run) = train::<Net<4>, BinaryCrossEntropy, 2>(&plan, &mut |_| false);
    assert_eq!((run.curve.len(), run.fresh), (1, None));
    assert!(run.map.len() == 5 && run.map.iter().all(|row| row.len() == 5));
    // The lower moon's class at the lower right, the upper one's at the upper left.
    assert!(run.map[0][4] > 0.0 && run.map[4][0] < 0.0);
}

#[test]
fn training_that_diverges_says_so() {
    let plan = Plan { learning_rate: 1e308, ..plan(&[]) };
    let (_, run) = train::<Net<2>, BinaryCrossEntropy, 2>(&plan, &mut |_| true);
    let Ending::Diverged(updates) = run.ending else { panic!("{:?}", run.ending) };
    assert!((1..10).contains(&updates) && run.curve.len() == updates as usize);
    assert!(run.curve.iter().all(|mark| mark.cost.is_finite()));
    assert_eq!(run.fresh, None);
}

#[test]
fn every_network_is_trained_with_every_activation() {
    let plan = Plan { iterations: 0, ..plan(&[]) };
    let flat_ones = SIZES.iter().map(|&hidden| vec![2, hidden, 2]);
    for layers in flat_ones.chain(DEEP.iter().map(|layers| layers.to_vec())) {
        for bend in [Bend::Tanh, Bend::Sigmoid, Bend::Relu] {
            let run = train_with(&layers, bend, &plan, &mut |_| true).unwrap();
            let parameters: u32 = layers.windows(2).map(|pair| (pair[0] + 1) * pair[1]).sum();
            assert_eq!((&run.layers, run.parameters), (&layers, parameters as usize));
            assert_eq!(run.hidden(), layers[1..layers.len() - 1].iter().sum::<u32>());
        }
    }
    for layers in [&[2, 7, 2][..], &[2, 4, 3], &[]] {
        assert!(train_with(layers, Bend::Tanh, &plan, &mut |_| true).is_none());
    }
}

#[test]
fn deep_networks_learn_the_sixty_points() {
    let plan = Plan { iterations: 3000, learning_rate: 0.3, ..plan(&[]) };
    for layers in DEEP {
        let run = train_with(layers, Bend::Tanh, &plan, &mut |n| n == 0).unwrap();
        let [first, last] = run.curve[..] else { panic!("{:?}", run.curve) };
        assert!(last.cost < 0.6 * first.cost && last.right > 50, "{layers:?} {last:?}");
    }
}

#[test]
fn weights_of_deep_networks_start_row_by_row() {
    let net = network::<net![f64; 2 => 4 Tanh => 3 Tanh => 1 Sigmoid]>();
    let deviates = &examples::moons::DEVIATES;
    let rows = net.first().rows();
    assert_all_close(
        "first",
        rows.as_flattened(),
        &deviates[..8].iter().map(|z| z / 2_f64.sqrt()).collect::<Vec<_>>(),
        tolerance::F64_STEP,
    );
    let rows = net.rest().first().rows();
    assert_all_close(
        "second",
        rows.as_flattened(),
        &deviates[8..20].iter().map(|z| z / 2.0).collect::<Vec<_>>(),
        tolerance::F64_STEP,
    );
    assert_eq!((net.first().bias(), net.rest().first().bias()), (&[0.0; 4], &[0.0; 3]));
}

#[test]
fn one_neuron_separates_two_clouds() {
    let (net, outputs) = between_clouds();
    assert_eq!(outputs.len(), 40);
    for (point, y) in &outputs {
        assert_eq!(*y > 0.5, point.class == 1, "{point:?}");
        assert_close("output", *y, net.forward(&point.at)[0], tolerance::EXACT);
    }
    // The rule of the text has no colour for many of them.
    assert!(outputs.iter().any(|(_, y)| (0.0..=1.0).contains(y)));
}

#[test]
fn boundary_is_flat_in_the_coordinates_of_the_hidden_units() {
    let (net, points) = within_a_ring();
    let mut ratios = vec![];
    for point in &points {
        assert_eq!(preference(&net, point.at) > 0.0, point.class == 1, "{point:?}");
        let [beyond, _] = beside_the_boundary(&net, point.at);
        ratios.push(preference(&net, point.at) / beyond);
    }
    // The distance is the difference of the logits but for one factor.
    assert!(ratios.iter().all(|ratio| *ratio > 0.0 && (ratio / ratios[0] - 1.0).abs() < 1e-9));
}

#[test]
fn fresh_points_are_two_half_circles_with_noise() {
    let points = moons(1001, 0.0, 1);
    assert_eq!(points.iter().filter(|p| p.class == 1).count(), 501);
    for point in &points {
        let [x, y] = point.at;
        let (x, y) = if point.class == 0 { (x, y) } else { (1.0 - x, 0.5 - y) };
        assert!((x.hypot(y) - 1.0).abs() < 1e-12 && y > -1e-12);
    }
    let (with, again) = (moons(1001, 0.5, 1), moons(1001, 0.5, 1));
    assert_eq!(with, again);
    assert_ne!(with, moons(1001, 0.5, 2));
    let noise: Vec<_> = with
        .iter()
        .zip(&points)
        .flat_map(|(a, b)| [a.at[0] - b.at[0], a.at[1] - b.at[1]])
        .collect();
    let mean = noise.iter().sum::<f64>() / 2002.0;
    let variance = noise.iter().map(|n| (n - mean).powi(2)).sum::<f64>() / 2001.0;
    // Four standard errors.
    assert!(mean.abs() < 4.0 * 0.5 / 2002_f64.sqrt(), "{mean}");
    assert!((variance.sqrt() - 0.5).abs() < 4.0 * 0.5 / 4004_f64.sqrt(), "{variance}");
}

#[test]
fn best_rule_is_right_without_noise_and_helpless_in_noise() {
    assert!(best_share(&moons(1000, 0.1, 1), 0.1) > 0.999);
    let helpless = best_share(&moons(10_000, 100.0, 1), 100.0);
    assert!((0.48..0.53).contains(&helpless), "{helpless}");
}
