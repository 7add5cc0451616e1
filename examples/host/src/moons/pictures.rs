//! Plots of decision boundaries, loss curves, and accuracy by number of hidden units.

use crate::moons::compute::{Plan, Run, nodes, points};
use shared::output::{Folder, Picture};
use shared::plot::{Axis, Chart, Heat, Line, Look, Palette, Panels, contours};
use shared::run::Failure;
use shared::table::Csv;

/// The colours of the classes.
const CLASSES: [usize; 2] = [1, 0];

/// Writes all pictures and their data; returns the paths.
pub fn write(
    folder: &Folder,
    plan: &Plan<'_>,
    runs: &[Run],
    best: f64,
) -> Result<Vec<String>, Failure> {
    let maps = Panels {
        title: "Decision boundaries; dots: upper moon, squares: lower moon".to_owned(),
        charts: runs.iter().map(|run| map(plan, run)).collect(),
        columns: runs.len().min(3),
    };
    let (cost, accuracy) = (curves(runs).svg()?, accuracy(plan, runs, best).svg()?);
    let mut paths = vec![];
    for picture in [
        Picture { name: "boundaries", svg: slim(&maps.svg()?), csv: map_table(plan, runs) },
        Picture { name: "cost", svg: slim(&cost), csv: curve_table(runs) },
        Picture { name: "accuracy", svg: slim(&accuracy), csv: accuracy_table(runs) },
    ] {
        paths.extend(folder.write_picture(&picture)?);
    }
    Ok(paths)
}

/// The same picture without redundant attributes.
fn slim(svg: &str) -> String {
    [
        " opacity=\"1\"",
        " stroke=\"none\" stroke-width=\"1\"",
        " stroke=\"none\" stroke-width=\"16\"",
    ]
    .iter()
    .fold(svg.to_owned(), |svg, attributes| svg.replace(attributes, ""))
}

/// The decision regions, with the sixty points.
fn map(plan: &Plan<'_>, run: &Run) -> Chart {
    let line = |look, colour, points| Line { label: None, look, colour, points };
    let all_upper =
        Heat { x: plan.x, y: plan.y, values: vec![vec![0.0]], palette: Palette::Classes };
    let mut lines = areas(plan, run);
    let boundary = contours(plan.x, plan.y, &run.map, 0.0);
    lines.extend(boundary.into_iter().map(|points| line(Look::Solid, usize::MAX, points)));
    for (class, (look, colour)) in [Look::Dots, Look::Squares].into_iter().zip(CLASSES).enumerate()
    {
        let of_class = points().into_iter().filter(|point| point.class == class);
        lines.push(line(look, colour, of_class.map(|point| point.at.into()).collect()));
    }
    let title = match (run.curve.last(), run.fresh) {
        (Some(last), Some(_)) => {
            format!("{} hidden, cost {:.4}, {} of 60 right", run.hidden, last.cost, last.right)
        }
        _ => format!("{} hidden, diverged", run.hidden),
    };
    Chart {
        title,
        x: Axis::linear("x1").from(plan.x.0, plan.x.1),
        y: Axis::linear("x2").from(plan.y.0, plan.y.1),
        heat: Some(all_upper),
        lines,
        ..Chart::default()
    }
}

/// The decision regions of each class, the outer ones first.
fn areas(plan: &Plan<'_>, run: &Run) -> Vec<Line> {
    // A frame of the upper moon's class around the map closes all lines.
    let width = run.map.len().saturating_add(2);
    let frame = || vec![-1.0; width];
    let rows = run.map.iter().map(|row| [&[-1.0], &row[..], &[-1.0]].concat());
    let framed: Vec<_> = [frame()].into_iter().chain(rows).chain([frame()]).collect();
    let wider = |(low, high): (f64, f64)| {
        let step = (high - low) / f64::from(plan.nodes.saturating_sub(1).max(1));
        (low - step, high + step)
    };
    let inside = |value: f64, (low, high): (f64, f64)| value.clamp(low, high);
    let mut rings: Vec<Vec<_>> = contours(wider(plan.x), wider(plan.y), &framed, 0.0)
        .into_iter()
        .map(|ring| ring.iter().map(|&(x, y)| (inside(x, plan.x), inside(y, plan.y))).collect())
        .collect();
    rings.sort_by(|a, b| extent(b).total_cmp(&extent(a)));
    let depth = |number: usize, ring: &[(f64, f64)]| {
        let outer = rings.iter().take(number);
        ring.first().map_or(0, |&point| outer.filter(|outer| surrounds(outer, point)).count())
    };
    let colour = |depth: usize| if depth.is_multiple_of(2) { CLASSES[1] } else { CLASSES[0] };
    let colours: Vec<_> =
        rings.iter().enumerate().map(|(number, ring)| colour(depth(number, ring))).collect();
    let area = |(points, colour)| Line { label: None, look: Look::Area, colour, points };
    rings.into_iter().zip(colours).map(area).collect()
}

/// The area within a closed line.
fn extent(ring: &[(f64, f64)]) -> f64 {
    let pieces = ring.iter().zip(ring.iter().skip(1));
    pieces.map(|(a, b)| (a.0 * b.1 - b.0 * a.1) / 2.0).sum::<f64>().abs()
}

/// Whether a point is within a closed line: a ray from it crosses the line an odd number of times.
fn surrounds(ring: &[(f64, f64)], (x, y): (f64, f64)) -> bool {
    let crosses = |a: (f64, f64), b: (f64, f64)| {
        (a.1 > y) != (b.1 > y) && x < a.0 + (b.0 - a.0) * (y - a.1) / (b.1 - a.1)
    };
    let pieces = ring.iter().zip(ring.iter().skip(1));
    pieces.filter(|&(&a, &b)| crosses(a, b)).count() % 2 == 1
}

/// The loss curve of each network.
fn curves(runs: &[Run]) -> Chart {
    let line = |(number, run): (usize, &Run)| Line {
        label: Some(format!("{} hidden", run.hidden)),
        look: if number < 5 { Look::Solid } else { Look::Dashed },
        colour: number,
        points: run.curve.iter().map(|mark| (mark.updates.into(), mark.cost)).collect(),
    };
    Chart {
        title: "The cost of the sixty points during training".to_owned(),
        x: Axis::log("number of updates"),
        y: Axis::log("cost"),
        lines: runs.iter().enumerate().map(line).collect(),
        ..Chart::default()
    }
}

/// Accuracy on the sixty points and on held-out ones.
fn accuracy(plan: &Plan<'_>, runs: &[Run], best: f64) -> Chart {
    let complete: Vec<_> = runs.iter().filter(|run| run.fresh.is_some()).collect();
    let lines = |label: &str, colour: usize, share: &dyn Fn(&Run) -> f64| {
        let points: Vec<_> =
            complete.iter().map(|run| (run.hidden.into(), 100.0 * share(run))).collect();
        let marks = Line { label: None, look: Look::Dots, colour, points: points.clone() };
        [Line { label: Some(label.to_owned()), look: Look::Solid, colour, points }, marks]
    };
    let known = lines("the 60 points that they learned from", 0, &|run| {
        run.curve.last().map_or(0.0, |mark| f64::from(mark.right) / 60.0)
    });
    let new = lines(&format!("{} fresh points", plan.fresh.len()), 1, &|run| {
        run.fresh.unwrap_or_default()
    });
    let first = complete.first().map_or(1.0, |run| run.hidden.into());
    let last = complete.last().map_or(1.0, |run| run.hidden.into());
    let bound = Line {
        label: Some("the best rule there is, on fresh points".to_owned()),
        look: Look::Dashed,
        colour: 2,
        points: vec![(first, 100.0 * best), (last, 100.0 * best)],
    };
    Chart {
        title: "Right answers of networks on points that they know, and on fresh points".to_owned(),
        x: Axis::log("number of hidden units"),
        y: Axis::linear("right answers, in percent").from(50.0, 100.0),
        lines: known.into_iter().chain(new).chain([bound]).collect(),
        ..Chart::default()
    }
}

fn map_table(plan: &Plan<'_>, runs: &[Run]) -> String {
    let mut csv = Csv::new(&["hidden", "x1", "x2", "logit_2_minus_logit_1"]);
    for run in runs {
        for (y, row) in nodes(plan.y, plan.nodes).zip(&run.map).step_by(3) {
            for (x, difference) in nodes(plan.x, plan.nodes).zip(row).step_by(3) {
                csv.row(&[run.hidden.into(), x, y, *difference]);
            }
        }
    }
    csv.finish()
}

fn curve_table(runs: &[Run]) -> String {
    let mut csv = Csv::new(&["hidden", "updates", "cost", "right_of_60"]);
    for run in runs {
        for mark in &run.curve {
            csv.row(&[run.hidden.into(), mark.updates.into(), mark.cost, mark.right.into()]);
        }
    }
    csv.finish()
}

fn accuracy_table(runs: &[Run]) -> String {
    let mut csv = Csv::new(&["hidden", "cost", "right_of_60", "share_of_fresh_points_right"]);
    for run in runs {
        if let (Some(last), Some(fresh)) = (run.curve.last(), run.fresh) {
            csv.row(&[run.hidden.into(), last.cost, last.right.into(), fresh]);
        }
    }
    csv.finish()
}
