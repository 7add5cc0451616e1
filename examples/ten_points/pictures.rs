//! The pictures and tables of numbers that the program writes.

use std::collections::BTreeSet;

use super::common::output::Folder;
use super::common::plot::{Axis, Chart, Line, Look, Note, Scale, three_digits};
use super::common::run::Failure;
use super::common::table::Csv;
use super::compute::learning::{Moment, Run};
use super::compute::lines::NINE;
use super::compute::script::{Parameters, START, losses_of_passes, pass};
use super::compute::{Net, Neuron, POINTS};
use gradlet::Layer;

/// Half the width of the plane that is shown.
const EDGE: f64 = 1.5;
/// Cells of the shown plane in each direction.
const CELLS: u32 = 30;

/// Most passes of the script in the loss curve; by then its loss is ten times what it was.
const PASSES: u32 = 2_000;

/// Writes all files; returns their paths.
pub(crate) fn write(
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

fn plane_axis(label: &str) -> Axis {
    Axis { label: label.to_owned(), scale: Scale::Linear }
}

/// Where the network says no.
fn no(net: &Net) -> Vec<(f64, f64)> {
    let mut places = vec![];
    for (row, answers) in (0..CELLS).zip(grid(net)) {
        for (cell, answer) in (0..CELLS).zip(answers) {
            if answer < 0.5 {
                places.push((middle(cell), middle(row)));
            }
        }
    }
    places
}

/// The middle of a cell, along either axis.
fn middle(cell: u32) -> f64 {
    (f64::from(cell) + 0.5) * 2.0 * EDGE / f64::from(CELLS) - EDGE
}

/// The answer of the network in the middle of each cell, row by row from below.
fn grid(net: &Net) -> Vec<Vec<f64>> {
    let answer = |x1, x2| {
        let [answer] = net.forward(&[x1, x2]);
        answer
    };
    (0..CELLS)
        .map(|row| (0..CELLS).map(|cell| answer(middle(cell), middle(row))).collect())
        .collect()
}

/// The points with this label.
fn points_with(label: f64) -> Vec<(f64, f64)> {
    let those = POINTS.iter().filter(|(_, [own])| (own - label).abs() < 0.5);
    those.map(|&([x1, x2], _)| (x1, x2)).collect()
}

/// The points, the best line and what the network answers.
fn plane(net: &Net, correct: u32) -> Chart {
    let [w1, w2, b] = NINE;
    let at = |x1: f64| (x1, -(w1 * x1 + b) / w2);
    let lines = vec![
        line("best line: 9 of 10", Look::Dashed, 1, vec![at(0.0), at(EDGE)]),
        line(&format!("2-4-1 network says no ({correct} of 10)"), Look::Dots, 4, no(net)),
        line("label 1", Look::Dots, 0, points_with(1.0)),
        line("label 0", Look::Dots, 1, points_with(0.0)),
    ];
    Chart {
        title: "One neuron parts the points by a line, a small network by curves".to_owned(),
        x: plane_axis("x1"),
        y: plane_axis("x2"),
        lines,
        notes: vec![],
    }
}

/// The loss of the neuron that the script trains, pass by pass, at the updates of the run.
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

fn log(label: &str) -> Axis {
    Axis { label: label.to_owned(), scale: Scale::Log }
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
        title: "The script makes it worse, one neuron stops at 0.5, a hidden layer learns"
            .to_owned(),
        x: log("number of updates"),
        y: log("mean cross-entropy of the ten points"),
        lines,
        notes,
    }
}

/// The points with their labels and two answers.
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

/// The answers of the network in the middle of each cell.
fn region(net: &Net) -> String {
    let mut csv = Csv::new(&["x1", "x2", "network"]);
    for (row, answers) in (0..CELLS).zip(grid(net)) {
        for (cell, answer) in (0..CELLS).zip(answers) {
            csv.row(&[middle(cell), middle(row), answer]);
        }
    }
    csv.finish()
}

/// The points of the three loss curves, one below the other.
fn loss_table(curves: &[Line]) -> String {
    let mut csv = Csv::new(&["curve", "updates", "loss"]);
    for (curve, name) in curves.iter().zip(["script", "neuron", "network"]) {
        for (updates, loss) in &curve.points {
            csv.words([name.to_owned(), updates.to_string(), loss.to_string()]);
        }
    }
    csv.finish()
}

/// What the script does at each point.
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
