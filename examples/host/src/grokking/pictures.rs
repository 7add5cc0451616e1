//! Pictures of the sections, with their data.

use super::compute::one_weight::{
    self, LARGE_INPUT, SMALL_ALPHA, SMALL_INPUT, error, from_zero, until_learned,
};
use super::compute::run::{Run, never};
use super::compute::several;
use super::text::Section;
use shared::output::{Folder, Picture};
use shared::plot::{Axis, Chart, Legend, Line, Look, Note, three_digits};
use shared::run::Failure;
use shared::table::Csv;

/// Number of updates in the picture of the errors, and the range of its errors.
const SHOWN: u32 = 60;
const HIGHEST: f64 = 1e24;
const LOWEST: f64 = 1e-31;

type Points = Vec<(f64, f64)>;

/// Writes the pictures of a section; returns the paths.
pub fn write(
    folder: &Folder,
    section: Section,
    alpha: Option<f64>,
) -> Result<Vec<String>, Failure> {
    let pictures = match section {
        Section::ErrorBased => vec![("hot_cold", hot_cold())],
        Section::Alpha => vec![("errors", errors(alpha)), ("bowl", bowl())],
        Section::Inputs => vec![("weight_paths", weight_paths())],
        Section::Forward | Section::Vectors | Section::HotCold | Section::Outputs => vec![],
    };
    let mut files = vec![];
    for (name, chart) in pictures {
        let picture = Picture { name, svg: chart.svg()?, csv: table(&chart) };
        files.extend(folder.write_picture(&picture)?);
    }
    Ok(files)
}

/// The points of every line in the legend.
fn table(chart: &Chart) -> String {
    let mut csv = Csv::new(&["line", "x", "y"]);
    for line in &chart.lines {
        for (x, y) in &line.points {
            // Labels have no commas: see `named`.
            if let Some(label) = &line.label {
                csv.words([label.clone(), x.to_string(), y.to_string()]);
            }
        }
    }
    csv.finish()
}

fn named(label: &str, look: Look, colour: usize, points: Points) -> Line {
    Line { label: Some(label.replace(',', ";")), look, colour, points }
}

/// Errors by number of updates.
fn numbered(errors: Vec<f64>) -> impl Iterator<Item = (f64, f64)> {
    (0_u32..).map(f64::from).zip(errors)
}

/// Errors of one weight with steps that are too large, right and too small.
fn errors(alpha: Option<f64>) -> Chart {
    let limit = from_zero(LARGE_INPUT, 1.0).alpha_limit();
    let line = |label: &str, colour, input, alpha| {
        let errors = until_learned(&from_zero(input, alpha), SHOWN).errors();
        let shown = |&(_, error): &(f64, f64)| (LOWEST..HIGHEST).contains(&error);
        named(label, Look::Solid, colour, numbered(errors).filter(shown).collect())
    };
    let mut lines = vec![
        line("x = 6.6, alpha = 1: diverges", 1, LARGE_INPUT, 1.0),
        line("x = 6.6, alpha 2 % above 2/x²: diverges", 3, LARGE_INPUT, 1.02 * limit),
        line("x = 6.6, alpha 2 % below: learns slowly", 4, LARGE_INPUT, 0.98 * limit),
        line("x = 6.6, alpha = 0.01: learns", 0, LARGE_INPUT, SMALL_ALPHA),
        line("x = 1.1, alpha = 1: learns", 2, SMALL_INPUT, 1.0),
    ];
    if let Some(alpha) = alpha {
        let label = format!("x = 6.6, alpha = {alpha}: yours");
        lines.push(Line { look: Look::Dashed, ..line(&label, 5, LARGE_INPUT, alpha) });
    }
    Chart {
        title: "One weight: what the step size alpha does to the error".to_owned(),
        x: Axis::linear("number of updates"),
        y: Axis::log("error (prediction − goal)²").from(LOWEST, HIGHEST),
        lines,
        legend: Legend::UpperRight,
        ..Chart::default()
    }
}

/// The parabola of the error, with steps of three sizes.
fn bowl() -> Chart {
    let curve = (0_u32..=120).map(|k| {
        let weight = f64::from(k) / 400.0 - 0.05;
        (weight, error(weight, LARGE_INPUT, 0.8))
    });
    let mut lines = vec![Line {
        label: Some("error".to_owned()),
        look: Look::Solid,
        colour: 5,
        points: curve.collect(),
    }];
    for (colour, alpha) in [(0, SMALL_ALPHA), (2, 0.02), (1, 0.04)] {
        let run = from_zero(LARGE_INPUT, alpha).learn(8, never);
        let points: Points = run
            .moments
            .iter()
            .map(|moment| {
                let [[weight]] = moment.weights;
                (weight, moment.error())
            })
            .collect();
        let label = format!("alpha = {alpha}");
        lines.push(Line { label: None, look: Look::Solid, colour, points: points.clone() });
        lines.push(named(&label, Look::Dots, colour, points));
    }
    Chart {
        title: "The error is a parabola in the weight; learning walks down (x = 6.6)".to_owned(),
        x: Axis::linear("weight w"),
        y: Axis::linear("error (x w − 0.8)²"),
        lines,
        ..Chart::default()
    }
}

/// Hot and cold learning compared with the error-based rule.
fn hot_cold() -> Chart {
    let points = |run: &Run<1, 1>| -> Points {
        // A logarithmic axis has no 0.
        numbered(run.errors()).map(|(updates, error)| (updates + 1.0, error)).collect()
    };
    let (cold, by_error) = (one_weight::hot_and_cold(), one_weight::error_based());
    let notes = [&cold, &by_error].into_iter().filter_map(|run| {
        let at = points(run).last().copied()?;
        Some(Note { at, text: three_digits(at.1) })
    });
    Chart {
        title: "Hot and cold takes 1100 fixed steps, the error-based rule 78 of its own".to_owned(),
        x: Axis::log("iteration"),
        y: Axis::log("error (prediction − goal)²"),
        notes: notes.collect(),
        lines: vec![
            named("hot and cold, steps of 0.001", Look::Solid, 1, points(&cold)),
            named("error-based, until below 1e-20", Look::Solid, 0, points(&by_error)),
        ],
        ..Chart::default()
    }
}

/// Paths of the first two weights, by the correct rule and by the text's.
fn weight_paths() -> Chart {
    let task = several::THREE_TO_ONE;
    let path = |run: &Run<3, 1>| -> Points {
        let place = |moment: &super::compute::run::Moment<3, 1>| {
            let [[first, second, _]] = moment.weights;
            (first, second)
        };
        run.moments.iter().map(place).collect()
    };
    let right = path(&several::right_rule(&task, 1000));
    let wrong = path(&several::wrong_rule(&task, 1000));
    let [[_, _, third]] = task.weights;
    let ([x_1, x_2, x_3], [goal]) = (task.input, task.goal);
    let solved = |second: f64| ((goal - third * x_3 - second * x_2) / x_1, second);
    let first = right.first().copied().unwrap_or_default();
    Chart {
        title: "Weights by delta · input, and by the text's delta · weight".to_owned(),
        x: Axis::linear("w₁ (toes)"),
        y: Axis::linear("w₂ (win record)"),
        lines: vec![
            named(
                "prediction = goal, at the first w₃",
                Look::Dashed,
                2,
                vec![solved(0.188), solved(0.202)],
            ),
            named("delta · weight: 143 updates towards 0", Look::Solid, 1, wrong.clone()),
            Line { label: None, look: Look::Crosses, colour: 1, points: every(&wrong, 13) },
            named("delta · input: 5 updates", Look::Solid, 0, right.clone()),
            Line { label: None, look: Look::Dots, colour: 0, points: right },
        ],
        notes: vec![Note { at: first, text: "start".to_owned() }],
        ..Chart::default()
    }
}

fn every(points: &[(f64, f64)], step: usize) -> Points {
    points.iter().copied().step_by(step).collect()
}
