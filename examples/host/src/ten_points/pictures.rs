//! Pictures and tables of the example.

use std::collections::BTreeSet;

use super::compute::learning::{Moment, Run};
use super::compute::lines::NINE;
use super::compute::script::{Parameters, START, losses_of_passes, pass};
use super::compute::{Net, Neuron, POINTS};
use gradlet::Layer;
use shared::output::Folder;
use shared::plot::{Axis, Chart, Heat, Line, Look, Note, Palette, Size, contours, three_digits};
use shared::run::Failure;
use shared::table::Csv;

/// Ends of the plotted plane, with room for the legend below.
const X: (f64, f64) = (-2.1, 2.1);
/// Ends of the plotted plane.
const Y: (f64, f64) = (-2.6, 1.6);
/// Cells of the plane in each direction.
const CELLS: u32 = 84;

/// Maximum number of epochs of the script in the loss curve; by then its loss has grown tenfold.
const PASSES: u32 = 2_000;

/// Writes all files; returns their paths.
pub fn write(
    folder: &Folder,
    neuron: &Run<Neuron>,
    net: &Run<Net>,
) -> Result<Vec<String>, Failure> {
    let mut paths = vec![];
    if let Some(last) = net.last() {
        paths.push(folder.write("ten_points.svg", &plane(&last.net, last.correct).svg()?)?);
        paths.push(folder.write("ten_points.csv", &answers(&last.net))?);
        paths.push(folder.write("region.csv", &region(&last.net))?);
    }
    let curves = curves(neuron, net);
    paths.push(folder.write("loss.csv", &loss_table(&curves))?);
    paths.push(folder.write("loss.svg", &losses(curves).svg()?)?);
    paths.push(folder.write("script.csv", &script_table())?);
    Ok(paths)
}

fn line(label: &str, look: Look, colour: usize, points: Vec<(f64, f64)>) -> Line {
    Line { label: Some(label.to_owned()), look, colour, points }
}

/// The coordinate of a cell between two ends.
fn along((low, high): (f64, f64), cells: f64) -> f64 {
    low + (high - low) * cells / f64::from(CELLS)
}

/// The outputs of the network, `shift` cells from the lower left corner of each cell, row by row
/// from below.
fn grid(net: &Net, cells: u32, shift: f64) -> Vec<Vec<f64>> {
    let place = |ends, cell| along(ends, f64::from(cell) + shift);
    let answer = |row, column| {
        let [answer] = net.forward(&[place(X, column), place(Y, row)]);
        answer
    };
    (0..cells).map(|row| (0..cells).map(|column| answer(row, column)).collect()).collect()
}

/// The outputs at the corners of the cells.
fn corners(net: &Net) -> Vec<Vec<f64>> {
    grid(net, CELLS.saturating_add(1), 0.0)
}

/// The points with this label.
fn points_with(label: f64) -> Vec<(f64, f64)> {
    let those = POINTS.iter().filter(|(_, [own])| (own - label).abs() < 0.5);
    those.map(|&([x1, x2], _)| (x1, x2)).collect()
}

/// The points, the best line and the outputs of the network.
fn plane(net: &Net, correct: u32) -> Chart {
    let [w1, w2, b] = NINE;
    let at = |x1: f64| (x1, -(w1 * x1 + b) / w2);
    let mut lines = vec![];
    for (number, points) in contours(X, Y, &corners(net), 0.5).into_iter().enumerate() {
        let label = (number == 0).then(|| "the network answers 1/2".to_owned());
        lines.push(Line { label, look: Look::Solid, colour: 2, points });
    }
    lines.extend([
        line("the best line", Look::Dashed, 3, vec![at(-0.1), at(X.1)]),
        line("label 1", Look::Dots, 0, points_with(1.0)),
        line("label 0", Look::Crosses, 1, points_with(0.0)),
    ]);
    let values = grid(net, CELLS, 0.5);
    Chart {
        title: format!("A line gets 9 of 10 points, a 2-4-1 network {correct}"),
        x: Axis::linear("x1").from(X.0, X.1),
        y: Axis::linear("x2").from(Y.0, Y.1),
        heat: Some(Heat { x: X, y: Y, values, palette: Palette::Classes }),
        lines,
        size: Size::SQUARE,
        ..Chart::default()
    }
}

/// The loss of the neuron that the script trains, by epoch, at the updates of the run.
fn script_losses(neuron: &Run<Neuron>) -> Vec<(f64, f64)> {
    let updates = |moment: &Moment<Neuron>| moment.updates;
    let last = neuron.last().map_or(0, updates).min(PASSES);
    let wanted: BTreeSet<u32> = neuron.moments.iter().map(updates).collect();
    let losses = (0..=last).zip(losses_of_passes(last));
    losses.filter(|(pass, _)| wanted.contains(pass)).map(|(pass, l)| (f64::from(pass), l)).collect()
}

/// The curve of a run.
fn curve<N>(run: &Run<N>) -> Vec<(f64, f64)> {
    run.moments.iter().map(|moment| (f64::from(moment.updates), moment.loss)).collect()
}

/// The three loss curves.
fn curves(neuron: &Run<Neuron>, net: &Run<Net>) -> Vec<Line> {
    vec![
        line("the script, pass by pass", Look::Dashed, 1, script_losses(neuron)),
        line("one neuron, on the cross-entropy", Look::Solid, 0, curve(neuron)),
        line("2-4-1 network, on the cross-entropy", Look::Solid, 2, curve(net)),
    ]
}

/// The losses of the script, the neuron and the network.
fn losses(lines: Vec<Line>) -> Chart {
    let ends = lines.iter().filter_map(|line| line.points.last());
    let notes = ends.map(|&at| Note { at, text: three_digits(at.1) }).collect();
    Chart {
        title: "Ten points: the script, one neuron, and a hidden layer".to_owned(),
        x: Axis::log("number of updates"),
        y: Axis::log("mean cross-entropy of the ten points"),
        lines,
        notes,
        ..Chart::default()
    }
}

/// The points with their labels and two outputs.
fn answers(net: &Net) -> String {
    let [w1, w2, b] = NINE;
    let line = Neuron::from_rows([[w1, w2]], [b]);
    let mut csv = Csv::new(&["x1", "x2", "label", "best_line", "network"]);
    for (x, [label]) in &POINTS {
        let ([x1, x2], [of_line], [of_net]) = (x, line.forward(x), net.forward(x));
        csv.row(&[*x1, *x2, *label, of_line, of_net]);
    }
    csv.finish()
}

/// The outputs of the network at every second corner of the cells.
fn region(net: &Net) -> String {
    let mut csv = Csv::new(&["x1", "x2", "network"]);
    for (row, answers) in (0_u32..).zip(corners(net)).step_by(2) {
        for (column, answer) in (0_u32..).zip(answers).step_by(2) {
            let (x1, x2) = (along(X, column.into()), along(Y, row.into()));
            csv.words([format!("{x1:.1}"), format!("{x2:.1}"), answer.to_string()]);
        }
    }
    csv.finish()
}

/// The points of the three loss curves, one after the other.
fn loss_table(curves: &[Line]) -> String {
    let mut csv = Csv::new(&["curve", "updates", "loss"]);
    for (curve, name) in curves.iter().zip(["script", "neuron", "network"]) {
        for (updates, loss) in &curve.points {
            csv.words([name.to_owned(), updates.to_string(), loss.to_string()]);
        }
    }
    csv.finish()
}

/// The updates of the script, point by point.
fn script_table() -> String {
    let mut csv = Csv::new(&[
        "point",
        "x1",
        "x2",
        "label",
        "label_used",
        "v_before",
        "partial_w1",
        "partial_w2",
        "partial_b1",
        "delta_w1",
        "delta_w2",
        "delta_b1",
        "w1",
        "w2",
        "b1",
        "v_after",
    ]);
    for (visit, number) in pass(START).iter().zip(1_u32..) {
        let ([x1, x2], [label]) = visit.point;
        let ([p1, p2, p3], [d1, d2, d3]) = (visit.partials, visit.deltas);
        let Parameters { w1, w2, b1 } = visit.after;
        csv.row(&[
            f64::from(number),
            x1,
            x2,
            label,
            visit.label,
            visit.v_before,
            p1,
            p2,
            p3,
            d1,
            d2,
            d3,
            w1,
            w2,
            b1,
            visit.v_after,
        ]);
    }
    csv.finish()
}
