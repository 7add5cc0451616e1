//! Pictures of the example, and tables with their data.

use super::compute::{self, Results, Study};
use super::descent::{Descent, Visit};
use super::tell::short;
use shared::output::{FileError, Folder};
use shared::plot::{Axis, Chart, Line, Look, Note, Panels, Size, Surface, contours};
use shared::run::Failure;
use shared::table::Csv;

/// Writes all files; returns the paths.
pub fn write(folder: &Folder, results: &Results) -> Result<Vec<String>, Failure> {
    let edge = edge(&results.bowl);
    let bowl = contour_lines(&results.bowl, edge, results.bowl_rate);
    Ok(vec![
        folder.write("one_variable.svg", &one_variable(&results.single).svg()?)?,
        write_single(folder, &results.single)?,
        folder.write("bowl_contours.svg", &bowl.svg()?)?,
        folder.write("bowl.svg", &surface(&results.bowl, edge, View::Along).svg()?)?,
        folder.write("bowl_across.svg", &surface(&results.bowl, edge, View::Across).svg()?)?,
        write_bowl(folder, &results.bowl)?,
        folder.write("learning_rates.svg", &panels(&results.studies).svg()?)?,
        write_studies(folder, &results.studies)?,
    ])
}

/// Evenly spaced numbers from `low` to `high`, both included.
fn steps(low: f64, high: f64, count: u32) -> Vec<f64> {
    let last = f64::from(count.saturating_sub(1).max(1));
    (0..count).map(|i| low + (high - low) * f64::from(i) / last).collect()
}

fn line(label: Option<&str>, look: Look, colour: usize, points: Vec<(f64, f64)>) -> Line {
    Line { label: label.map(str::to_owned), look, colour, points }
}

/// The path on x^2.
fn one_variable(descent: &Descent<1>) -> Chart {
    let curve = steps(-1.4, 1.4, 57).into_iter().map(|x| (x, x * x)).collect();
    let point = |&Visit { place: [x], value, .. }: &Visit<1>| (x, value);
    let points: Vec<_> = descent.visits.iter().map(point).collect();
    let note = |(&at, updates): (&(f64, f64), u32)| Note { at, text: updates.to_string() };
    Chart {
        title: format!("Down J = x²: {} updates with learning rate 0.3", descent.updates()),
        x: Axis::linear("x"),
        y: Axis::linear("J"),
        // The last ones are too close to each other for numbers.
        notes: points.iter().zip(0..).take(4).map(note).collect(),
        lines: vec![
            line(None, Look::Solid, 4, curve),
            line(None, Look::Dashed, 1, points.clone()),
            line(None, Look::Crosses, 1, points),
        ],
        ..Chart::default()
    }
}

fn write_single(folder: &Folder, descent: &Descent<1>) -> Result<String, FileError> {
    let mut csv = Csv::new(&["updates", "x", "J", "dJ/dx"]);
    for (Visit { place: [x], gradient: [slope], value }, updates) in descent.visits.iter().zip(0..)
    {
        csv.row(&[f64::from(updates), *x, *value, *slope]);
    }
    folder.write("one_variable.csv", &csv.finish())
}

/// Half the side of the plotted square, which contains the start.
fn edge(descent: &Descent<2>) -> f64 {
    let start = descent.visits.first().map_or([0.0; 2], |visit| visit.place);
    start.into_iter().fold(3.0, |edge, value| value.abs().max(edge))
}

/// The points, up to the first one outside of the square.
fn inside(descent: &Descent<2>, edge: f64) -> impl Iterator<Item = &Visit<2>> {
    let is_inside = move |place: &[f64; 2]| place.iter().all(|value| value.abs() <= edge);
    descent.visits.iter().take_while(move |visit| is_inside(&visit.place))
}

/// `J` at the nodes of a grid over the square.
fn grid(edge: f64, nodes: u32) -> Vec<Vec<f64>> {
    let nodes = steps(-edge, edge, nodes);
    let row = |&y: &f64| nodes.iter().map(|&x| compute::bowl_at(x, y)).collect();
    nodes.iter().map(row).collect()
}

/// The bowl from above.
fn contour_lines(descent: &Descent<2>, edge: f64, rate: f64) -> Chart {
    let (values, ends) = (grid(edge, 49), (-edge, edge));
    let levels = [0.1, 0.4, 0.8, 1.5, 3.0, 5.0, 7.0].map(|level| level * (edge / 3.0).powi(2));
    let mut lines = vec![];
    for level in levels {
        for points in contours(ends, ends, &values, level) {
            lines.push(line(None, Look::Solid, 4, points));
        }
    }
    if let Some(first) = lines.first_mut() {
        first.label = Some("equal J".to_owned());
    }
    let path: Vec<_> = inside(descent, edge).map(|visit| visit.place.into()).collect();
    lines.push(line(None, Look::Solid, 1, path.clone()));
    lines.push(line(Some("after each update"), Look::Dots, 1, path));
    let note = |level: f64| Note { at: (-level.sqrt(), 0.0), text: short(level) };
    let notes = levels.map(|level| (level * 100.0).round() / 100.0).map(note);
    Chart {
        title: format!("Down J = x² + sin² y with learning rate {}", short(rate)),
        x: Axis::linear("x").from(-edge, edge),
        y: Axis::linear("y").from(-edge, edge),
        lines,
        notes: notes.into(),
        size: Size::SQUARE,
        ..Chart::default()
    }
}

/// View of the bowl.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum View {
    /// Along the valley, which runs in y.
    Along,
    /// Across it.
    Across,
}

/// The bowl in 3D.
fn surface(descent: &Descent<2>, edge: f64, view: View) -> Surface {
    // The axis to the right, and the axis to the front.
    let (right, front, yaw) = match view {
        View::Along => ("x", "y", -0.35),
        View::Across => ("y", "−x", -1.2),
    };
    let point = |&Visit { place: [x, y], value, .. }: &Visit<2>| (x, y, value);
    Surface {
        title: "Down J = x² + sin² y".to_owned(),
        x: Axis::linear(right).from(-edge, edge),
        y: Axis::linear(front).from(-edge, edge),
        z: Axis::linear("J"),
        values: grid(edge, 25),
        path: inside(descent, edge).map(point).collect(),
        yaw,
        pitch: 0.4,
    }
}

fn write_bowl(folder: &Folder, descent: &Descent<2>) -> Result<String, FileError> {
    let mut csv = Csv::new(&["updates", "x", "y", "J", "dJ/dx", "dJ/dy"]);
    for (visit, updates) in descent.visits.iter().zip(0_u32..) {
        let Visit { place: [x, y], gradient: [by_x, by_y], value } = *visit;
        csv.row(&[updates.into(), x, y, value, by_x, by_y]);
    }
    folder.write("bowl.csv", &csv.finish())
}

/// One panel per learning rate.
fn panels(studies: &[Study]) -> Panels {
    let panel = |study: &Study| {
        let (low, high) = study
            .points
            .iter()
            .fold((-1.0_f64, 3.0_f64), |(low, high), &(x, _)| (low.min(x), high.max(x)));
        let curve = steps(low, high, 60).into_iter().map(|x| (x, compute::study_at(x))).collect();
        Chart {
            title: format!("η = {}: {}", short(study.rate), study.observed.words()),
            x: Axis::linear("x"),
            y: Axis::linear("J"),
            lines: vec![
                line(None, Look::Solid, 4, curve),
                line(None, Look::Solid, 1, study.points.clone()),
                line(None, Look::Crosses, 1, study.points.clone()),
            ],
            ..Chart::default()
        }
    };
    Panels {
        title: "Ten points on J = (x − 1)² + 0.1, with several learning rates η".to_owned(),
        charts: studies.iter().map(panel).collect(),
        columns: studies.len().clamp(1, 3),
    }
}

fn write_studies(folder: &Folder, studies: &[Study]) -> Result<String, FileError> {
    let mut csv = Csv::new(&["learning_rate", "updates", "x", "J"]);
    for study in studies {
        for (&(x, value), updates) in study.points.iter().zip(0_u32..) {
            csv.row(&[study.rate, updates.into(), x, value]);
        }
    }
    folder.write("learning_rates.csv", &csv.finish())
}
