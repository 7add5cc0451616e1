//! The pictures and tables of numbers that the program writes.

use super::common::output::Folder;
use super::common::plot::{Axis, Chart, Line, Look, Note, Scale, three_digits};
use super::common::run::Failure;
use super::common::table::Csv;
use super::compute::{Curves, Run, UPDATES, law_of_loss};

/// Writes all files; returns their paths.
pub(crate) fn write(folder: &Folder, curves: &Curves) -> Result<Vec<String>, Failure> {
    Ok(vec![
        folder.write("loss.svg", &losses(curves).svg()?)?,
        folder.write("loss.csv", &table(curves))?,
        folder.write("tanh.svg", &paths(curves).svg()?)?,
        folder.write("tanh.csv", &tanh_table())?,
    ])
}

fn line(label: &str, look: Look, colour: usize, points: Vec<(f64, f64)>) -> Line {
    Line { label: Some(label.to_owned()), look, colour, points }
}

fn axis(label: &str, scale: Scale) -> Axis {
    Axis { label: label.to_owned(), scale }
}

/// The loss along a run.
fn curve(run: &Run) -> Vec<(f64, f64)> {
    run.moments.iter().map(|moment| (f64::from(moment.updates), moment.loss())).collect()
}

/// The loss along the three ways, and the law for large numbers of updates.
fn losses(curves: &Curves) -> Chart {
    let Curves { rate, inversion, square, half } = curves;
    let mut lines = vec![
        line(&format!("the text's way, rate {rate}"), Look::Solid, 1, curve(inversion)),
        line(&format!("backpropagation, rate {rate}"), Look::Solid, 0, curve(square)),
        line(&format!("on half the loss, rate {}", 10.0 * rate), Look::Solid, 2, curve(half)),
    ];
    let ends = lines.iter().filter_map(|line| line.points.last());
    let notes = ends.map(|&at| Note { at, text: three_digits(at.1) }).collect();
    let law = square.moments.iter().filter(|moment| moment.updates >= 100);
    let law = law.map(|moment| (f64::from(moment.updates), law_of_loss(*rate, moment.updates)));
    lines.push(line("1 / (96 rate updates)", Look::Dashed, 4, law.collect()));
    Chart {
        title: "The text inverts tanh by hand; backpropagation meets its flat end".to_owned(),
        x: axis("number of updates", Scale::Log),
        y: axis("loss (1 − out)²", Scale::Log),
        lines,
        notes,
    }
}

/// `f` and `out` along a run, at updates that stand apart.
fn path(run: &Run) -> Vec<(f64, f64)> {
    let marks = run.moments.iter().filter(|moment| {
        moment.updates <= UPDATES && (moment.updates % 8 == 0 || moment.updates < 8)
    });
    marks.map(|moment| (moment.sum, moment.out)).collect()
}

/// `tanh`, its slope, and how far the first 104 updates of two ways come.
fn paths(curves: &Curves) -> Chart {
    let Curves { rate, inversion, square, .. } = curves;
    let (text, backpropagation) = (path(inversion), path(square));
    let last = |points: &[(f64, f64)], name: &str| {
        points.last().map(|&at| Note { at, text: format!("{name}: {:.4}", at.1) })
    };
    let notes = [last(&text, "text"), last(&backpropagation, "backpropagation")];
    Chart {
        title: format!(
            "Where 104 updates lead (rate {rate}): the flatter tanh, the shorter the step"
        ),
        x: axis("f = w1 x1 + w2 x2 + b", Scale::Linear),
        y: axis("out = tanh f", Scale::Linear),
        notes: notes.into_iter().flatten().collect(),
        lines: vec![
            line("tanh f", Look::Solid, 4, graph(f64::tanh)),
            line("its slope 1 − tanh² f", Look::Dashed, 3, graph(slope)),
            line("the text's way", Look::Dots, 1, text),
            line("backpropagation", Look::Dots, 0, backpropagation),
        ],
    }
}

/// The moments of the three ways, one below the other.
fn table(curves: &Curves) -> String {
    let mut csv = Csv::new(&["way", "updates", "f", "out", "loss"]);
    let Curves { inversion, square, half, .. } = curves;
    for (name, run) in [("text", inversion), ("square", square), ("half", half)] {
        for moment in &run.moments {
            let numbers = [f64::from(moment.updates), moment.sum, moment.out, moment.loss()];
            csv.words(
                [name.to_owned()].into_iter().chain(numbers.map(|number| number.to_string())),
            );
        }
    }
    csv.finish()
}

/// The slope of `tanh`.
fn slope(f: f64) -> f64 {
    1.0 - f.tanh() * f.tanh()
}

/// A function over the sums that the two ways go through.
fn graph(value: fn(f64) -> f64) -> Vec<(f64, f64)> {
    (-20..=120).map(|number| f64::from(number) / 20.0).map(|f| (f, value(f))).collect()
}

/// `tanh` and its slope.
fn tanh_table() -> String {
    let mut csv = Csv::new(&["f", "tanh", "slope"]);
    for ((f, out), (_, slope)) in graph(f64::tanh).into_iter().zip(graph(slope)) {
        csv.row(&[f, out, slope]);
    }
    csv.finish()
}
