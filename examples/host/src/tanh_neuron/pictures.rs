//! Pictures and tables of the example.

use super::compute::{Curves, Moment, Run, UPDATES, law_of_loss};
use shared::output::{Folder, Picture};
use shared::plot::{Axis, Chart, Legend, Line, Look, Note, three_digits};
use shared::run::Failure;
use shared::table::Csv;

/// Range of the plotted weighted sums.
const SUMS: (f64, f64) = (0.0, 6.0);

/// Writes all files; returns their paths.
pub fn write(folder: &Folder, curves: &Curves) -> Result<Vec<String>, Failure> {
    let loss = Picture { name: "loss", svg: losses(curves).svg()?, csv: table(curves) };
    let tanh = Picture { name: "tanh", svg: paths(curves).svg()?, csv: tanh_table() };
    Ok([folder.write_picture(&loss)?, folder.write_picture(&tanh)?].concat())
}

fn line(label: &str, look: Look, colour: usize, points: Vec<(f64, f64)>) -> Line {
    Line { label: Some(label.to_owned()), look, colour, points }
}

/// The loss along a run.
fn curve(run: &Run) -> Vec<(f64, f64)> {
    run.moments.iter().map(|moment| (f64::from(moment.updates), moment.loss())).collect()
}

/// The loss curves of the three methods, and the asymptote for many updates.
fn losses(curves: &Curves) -> Chart {
    let Curves { rate, inversion, square, half } = curves;
    let mut lines = vec![
        line(&format!("the text's way, rate {rate}"), Look::Solid, 1, curve(inversion)),
        line(&format!("backpropagation, rate {rate}"), Look::Solid, 0, curve(square)),
        line(&format!("on half the loss, rate {}", 10.0 * rate), Look::Solid, 2, curve(half)),
    ];
    let end = |run: &Run| run.moments.last().copied();
    // The note of the middle curve is along the curve, where there is room.
    let noted = [end(inversion), square.after(1000).copied(), end(half)].into_iter().flatten();
    let note = |moment: Moment| Note {
        at: (f64::from(moment.updates), moment.loss()),
        text: three_digits(moment.loss()),
    };
    let notes = noted.map(note).collect();
    let law = square.moments.iter().filter(|moment| moment.updates >= 100);
    let law = law.map(|moment| (f64::from(moment.updates), law_of_loss(*rate, moment.updates)));
    lines.push(line("1 / (96 rate updates)", Look::Dashed, 4, law.collect()));
    Chart {
        title: "One tanh neuron: the target inverted by hand, and backpropagation".to_owned(),
        x: Axis::log("number of updates"),
        y: with_room(Axis::log("loss (1 − out)²"), &lines),
        lines,
        notes,
        ..Chart::default()
    }
}

/// The axis, with room for the legend below the lines in their usual position.
fn with_room(axis: Axis, lines: &[Line]) -> Axis {
    let mut losses = lines.iter().flat_map(|line| &line.points).map(|&(_, loss)| loss);
    if losses.all(|loss| (1e-9..=1.0).contains(&loss)) { axis.from(1e-12, 1.0) } else { axis }
}

/// `f` and `out` in the first updates of a run: each up to 4, then every eighth.
fn path(label: &str, look: Look, colour: usize, run: &Run) -> Line {
    let is_shown = |moment: &&Moment| {
        let due = moment.updates <= 4 || moment.updates.is_multiple_of(8);
        due && (SUMS.0..=SUMS.1).contains(&moment.sum)
    };
    let first = run.moments.iter().filter(|moment| moment.updates <= UPDATES);
    let end = first.clone().next_back().map_or(f64::NAN, |moment| moment.out);
    let points = first.filter(is_shown).map(|moment| (moment.sum, moment.out)).collect();
    line(&format!("{label}, to out = {end:.4}"), look, colour, points)
}

/// `tanh`, its derivative, and the first 104 updates of two methods.
fn paths(curves: &Curves) -> Chart {
    let Curves { rate, inversion, square, .. } = curves;
    Chart {
        title: format!("Up to {UPDATES} updates on the curve of tanh, learning rate {rate}"),
        x: Axis::linear("f = w1 x1 + w2 x2 + b"),
        y: Axis::linear("out = tanh f").from(0.0, 1.1),
        legend: Legend::MiddleRight,
        lines: vec![
            line("tanh f", Look::Solid, 4, graph(f64::tanh)),
            line("its slope, 1 − tanh² f", Look::Dashed, 3, graph(slope)),
            path("the text's way", Look::Squares, 1, inversion),
            path("backpropagation", Look::Crosses, 0, square),
        ],
        ..Chart::default()
    }
}

/// The states of the three methods, one after the other.
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

/// The derivative of `tanh`.
fn slope(f: f64) -> f64 {
    1.0 - f.tanh() * f.tanh()
}

/// A function over the weighted sums that the two methods pass through.
fn graph(value: fn(f64) -> f64) -> Vec<(f64, f64)> {
    (0..=120).map(|number| f64::from(number) / 20.0).map(|f| (f, value(f))).collect()
}

/// `tanh` and its slope.
fn tanh_table() -> String {
    let mut csv = Csv::new(&["f", "tanh", "slope"]);
    for ((f, out), (_, slope)) in graph(f64::tanh).into_iter().zip(graph(slope)) {
        csv.row(&[f, out, slope]);
    }
    csv.finish()
}
