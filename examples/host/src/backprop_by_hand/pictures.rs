//! Pictures of the example, and tables with their data.

use super::chain;
use super::compute::{
    self, CHANGES, Change, Ending, FACTORS, Factors, Plan, Run, THRESHOLDS, Task, endless,
};
use shared::output::{FileError, Folder};
use shared::plot::{Axis, Chart, Legend, Line, Look, Note};
use shared::run::Failure;
use shared::table::Csv;

/// Number of updates in the picture of the distances.
const UPDATES: usize = 30;
/// Tolerance at which the runs of that picture end.
const NEAR: f64 = 1e-11;

/// Writes all files; returns the paths.
pub fn write(folder: &Folder, plan: &Plan) -> Result<Vec<String>, Failure> {
    let (distances, rounding) = (distances(plan), rounding());
    Ok(vec![
        folder.write("distances.svg", &distances_chart(plan, &distances).svg()?)?,
        write_series(folder, "distances.csv", &distances)?,
        write_runs(folder, plan)?,
        folder.write("endless_in_f32.svg", &rounding_chart(&rounding).svg()?)?,
        write_series(folder, "endless_in_f32.csv", &rounding)?,
        folder.write("chain.svg", &chain_chart(plan).svg()?)?,
        folder.write("chain_slope.svg", &slope_chart(plan).svg()?)?,
        write_curve(folder)?,
        write_visits(folder, plan)?,
    ])
}

/// The distances after 0, 1, 2 .. updates of a run.
type Series = (String, Vec<f64>);

fn line(label: Option<&str>, look: Look, colour: usize, points: Vec<(f64, f64)>) -> Line {
    Line { label: label.map(str::to_owned), look, colour, points }
}

/// (updates, distance), without distances of 0, which a logarithmic axis cannot show.
fn points(series: &[f64]) -> Vec<(f64, f64)> {
    let numbers = (0_u32..).map(f64::from);
    numbers.zip(series.iter().copied()).filter(|&(_, distance)| distance > 0.0).collect()
}

/// The distances of the four runs that change b, and of gradient descent.
fn distances(plan: &Plan) -> Vec<Series> {
    let mut series = vec![];
    for (change, name) in CHANGES.into_iter().filter(|(change, _)| *change != Change::W) {
        for (factors, factors_name) in FACTORS {
            let run: Run = plan.run(change, factors, NEAR);
            let mut distances = run.distances();
            distances.truncate(UPDATES.saturating_add(1));
            series.push((format!("{name}, {factors_name}"), distances));
        }
    }
    let descent = compute::gradient_descent(plan.target, compute::RATE, 1000);
    let distances = descent.visits.iter().map(|visit| (2.0 * visit.value).sqrt());
    let distances = distances.take(UPDATES.saturating_add(1)).collect();
    series.push((format!("gradient descent, rate {}", compute::RATE), distances));
    series
}

fn distances_chart(plan: &Plan, series: &[Series]) -> Chart {
    let (mut lines, mut notes) = (vec![], vec![]);
    // The runs for b, and for w and b, are close to each other: they share a label.
    let names = ["frozen", "recomputed", "", ""];
    for ((name, distances), colour) in series.iter().zip(0_usize..) {
        let look = if name.ends_with("frozen") { Look::Dashed } else { Look::Solid };
        let points = points(distances);
        let at = points.iter().take(19).next_back().copied();
        let text = names.get(colour).map_or(name.as_str(), |name| *name).to_owned();
        notes.extend(at.map(|at| Note { at, text }));
        lines.push(line(None, look, colour, points.clone()));
        lines.push(line(None, Look::Dots, colour, points));
    }
    let end = series.iter().map(|(_, d)| d.len()).max().unwrap_or(2).saturating_sub(1).max(1);
    let end = u32::try_from(end).map_or(1.0, f64::from);
    for threshold in THRESHOLDS {
        lines.push(line(None, Look::Dashed, 9, vec![(0.0, threshold), (end, threshold)]));
        notes.push(Note { at: (end * 0.3, threshold), text: format!("threshold {threshold:e}") });
    }
    Chart {
        title: format!("From z = 162 to {}: Newton's method and gradient descent", plan.target),
        x: Axis::linear("number of updates (blue and red: of b; green and pink: of w and b)"),
        y: Axis::log(&format!("|z − {}|", plan.target)),
        lines,
        notes,
        ..Chart::default()
    }
}

/// Columns of different lengths, one row per number of updates.
fn write_series(folder: &Folder, file: &str, series: &[Series]) -> Result<String, FileError> {
    let names: Vec<_> = series.iter().map(|(name, _)| name.replace(',', "")).collect();
    let columns: Vec<_> = ["updates"].into_iter().chain(names.iter().map(String::as_str)).collect();
    let mut csv = Csv::new(&columns);
    for update in 0..series.iter().map(|(_, distances)| distances.len()).max().unwrap_or(0) {
        let distance = |(_, distances): &Series| {
            distances.get(update).map_or_else(String::new, ToString::to_string)
        };
        csv.words([update.to_string()].into_iter().chain(series.iter().map(distance)));
    }
    folder.write(file, &csv.finish())
}

/// Every state of every run.
fn write_runs(folder: &Folder, plan: &Plan) -> Result<String, FileError> {
    let columns = [
        "changed",
        "derivatives",
        "threshold",
        "updates",
        "w",
        "b",
        "x",
        "y",
        "z",
        "delta_z",
        "dz/dw",
        "dz/db",
        "delta_w",
        "delta_b",
    ];
    let mut csv = Csv::new(&columns);
    for (change, name) in CHANGES {
        for (factors, factors_name) in FACTORS {
            for threshold in THRESHOLDS {
                let run: Run = plan.run(change, factors, threshold);
                for (s, updates) in run.states.iter().zip(0_u32..) {
                    let numbers = [
                        threshold,
                        updates.into(),
                        s.w,
                        s.b,
                        s.forward.x,
                        s.forward.y,
                        s.forward.z,
                        s.delta_z,
                        s.partials.by_w,
                        s.partials.by_b,
                        s.delta_w,
                        s.delta_b,
                    ];
                    let numbers = numbers.iter().map(ToString::to_string);
                    csv.words([name, factors_name].map(str::to_owned).into_iter().chain(numbers));
                }
            }
        }
    }
    folder.write("runs.csv", &csv.finish())
}

/// A run that never ends in f32, with the cap of the text, and the same in f64.
fn rounding() -> Vec<Series> {
    let (change, factors) = (Change::B, Factors::Frozen);
    let Some(&target) = endless(change, factors, 1e-5).first() else { return vec![] };
    let task = Task { change, factors, target, threshold: 1e-5, limit: compute::LIMIT };
    let run = task.run();
    let mut narrow = run.distances();
    if let Ending::Cycle(length) = run.ending {
        // It cycles up to the cap of the text.
        let round: Vec<_> = narrow.iter().rev().take(length).rev().copied().collect();
        narrow.extend(round.into_iter().cycle().take(21_usize.saturating_sub(narrow.len())));
    }
    let wide = Task { change, factors, target: f64::from(target), threshold: NEAR, limit: 20 };
    vec![
        (format!("f32, to {target}"), narrow),
        (format!("f64, to {target}"), wide.run().distances()),
    ]
}

fn rounding_chart(series: &[Series]) -> Chart {
    let mut lines = vec![];
    for ((name, distances), colour) in series.iter().zip([1, 0]) {
        lines.push(line(Some(name), Look::Solid, colour, points(distances)));
        lines.push(line(None, Look::Dots, colour, points(distances)));
    }
    lines.push(line(Some("threshold 1e-5"), Look::Dashed, 9, vec![(0.0, 1e-5), (20.0, 1e-5)]));
    lines.push(line(Some("threshold 1e-4"), Look::Dashed, 2, vec![(0.0, 1e-4), (20.0, 1e-4)]));
    Chart {
        title: "A loop that never ends: in f32 the threshold is below the ulp".to_owned(),
        x: Axis::linear("number of updates"),
        y: Axis::log("|z − target|"),
        lines,
        ..Chart::default()
    }
}

/// The points that the run visits, with `y` of each.
fn visited(plan: &Plan, y: fn(f64) -> f64) -> Vec<(f64, f64)> {
    plan.chain::<f64>().states.iter().map(|state| (state.x, y(state.x))).collect()
}

fn curve(y: fn(f64) -> f64) -> Vec<(f64, f64)> {
    chain::curve().into_iter().map(|x| (x, y(x))).collect()
}

fn c(x: f64) -> f64 {
    chain::forward(x).c
}

fn chain_chart(plan: &Plan) -> Chart {
    let (crosses, target) = (visited(plan, c), plan.chain_target);
    let end = crosses.iter().fold(10.0, |end: f64, &(x, _)| end.max(x));
    Chart {
        title: format!("c = √(ln x²), and the way from x = {} to c = {target}", plan.chain_start),
        x: Axis::linear("x"),
        y: Axis::linear("c"),
        lines: vec![
            line(Some("c(x)"), Look::Solid, 0, curve(c)),
            line(Some("Newton's method"), Look::Crosses, 1, crosses),
            line(Some("target"), Look::Dashed, 2, vec![(1.2, target), (end, target)]),
        ],
        legend: Legend::LowerRight,
        ..Chart::default()
    }
}

fn slope_chart(plan: &Plan) -> Chart {
    Chart {
        title: "dc/dx = 1 / (x √(ln x²)): the flatter, the longer Newton's step".to_owned(),
        x: Axis::linear("x"),
        y: Axis::linear("dc/dx"),
        lines: vec![
            line(None, Look::Solid, 0, curve(chain::slope)),
            line(None, Look::Crosses, 1, visited(plan, chain::slope)),
        ],
        ..Chart::default()
    }
}

fn write_curve(folder: &Folder) -> Result<String, FileError> {
    let mut csv = Csv::new(&["x", "c", "dc/dx"]);
    for x in chain::curve() {
        csv.row(&[x, c(x), chain::slope(x)]);
    }
    folder.write("chain_curves.csv", &csv.finish())
}

fn write_visits(folder: &Folder, plan: &Plan) -> Result<String, FileError> {
    let columns = ["updates", "x", "a", "b", "c", "delta_c", "delta_b", "delta_a", "delta_x"];
    let mut csv = Csv::new(&columns);
    for (s, updates) in plan.chain::<f64>().states.iter().zip(0_u32..) {
        let (f, d) = (s.forward, s.deltas);
        csv.row(&[updates.into(), s.x, f.a, f.b, f.c, d.c, d.b, d.a, d.x]);
    }
    folder.write("chain_updates.csv", &csv.finish())
}
