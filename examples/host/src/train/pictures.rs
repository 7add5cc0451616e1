//! The loss of each epoch, and how good the predictions for the held-out samples are.

use shared::output::{Folder, Picture};
use shared::plot::{Axis, Chart, Legend, Line, Look, Note, Size, matrix, three_digits};
use shared::run::Failure;
use shared::table::Csv;

use super::compute::{Trained, confusion};
use super::table::Table;

/// Writes the pictures and their numbers; returns the paths.
pub fn write(folder: &Folder, table: &Table, trained: &Trained) -> Result<Vec<String>, Failure> {
    let mut csv = Csv::new(&["epoch", "training_loss", "held_out_loss"]);
    for (epoch, losses) in (1_u32..).zip(&trained.curve) {
        let [training, held_out] = losses.map(|loss| loss.to_string());
        csv.words([epoch.to_string(), training, held_out]);
    }
    let svg = curve(trained).svg()?;
    let loss = folder.write_picture(&Picture { name: "loss", svg, csv: csv.finish() })?;
    let [_, held_out] = &trained.predictions;
    let picture = if table.labels.is_empty() {
        let mut csv = Csv::new(&["target", "output"]);
        let points: Vec<_> =
            held_out.iter().map(|p| (f64::from(p.target), f64::from(p.output))).collect();
        held_out.iter().for_each(|p| csv.words([p.target, p.output].map(|v| v.to_string())));
        let svg = scatter(table, points).svg()?;
        Picture { name: "predictions", svg, csv: csv.finish() }
    } else {
        let counts = confusion(table.labels.len(), held_out);
        let mut csv = Csv::new(&["target", "output", "count"]);
        for (target, row) in (0_u32..).zip(&counts) {
            for (output, &count) in (0_u32..).zip(row) {
                csv.row(&[target.into(), output.into(), count.into()]);
            }
        }
        let title = "Labels of the held-out samples";
        let svg = matrix::picture(title, ["label", "predicted"], &table.labels, &counts);
        Picture { name: "confusion", svg, csv: csv.finish() }
    };
    Ok([loss, folder.write_picture(&picture)?].concat())
}

fn curve(trained: &Trained) -> Chart {
    let points = |part: usize| -> Vec<(f64, f64)> {
        let losses = trained.curve.iter().filter_map(|losses| losses.get(part));
        (1_u32..).zip(losses).map(|(epoch, &loss)| (epoch.into(), loss.into())).collect()
    };
    let best = points(1).get(trained.best.saturating_sub(1)).copied().unwrap_or_default();
    let line = |label: &str, look, colour, points| Line {
        label: Some(label.to_owned()),
        look,
        colour,
        points,
    };
    Chart {
        title: "Mean loss of each epoch".to_owned(),
        x: Axis::linear("epoch"),
        y: Axis::log("loss"),
        lines: vec![
            line("samples to train on", Look::Solid, 0, points(0)),
            line("held-out samples", Look::Solid, 1, points(1)),
            line("the network that is kept", Look::Dots, 1, vec![best]),
        ],
        notes: vec![Note { at: best, text: three_digits(best.1) }],
        legend: Legend::UpperRight,
        ..Chart::default()
    }
}

/// What was predicted over what it is.
fn scatter(table: &Table, points: Vec<(f64, f64)>) -> Chart {
    let all = || points.iter().flat_map(|&(x, y)| [x, y]);
    let (low, high) = (all().fold(f64::INFINITY, f64::min), all().fold(f64::MIN, f64::max));
    let (exact, label) = (vec![(low, low), (high, high)], Some("exact".to_owned()));
    Chart {
        title: "Predictions for the held-out samples".to_owned(),
        x: Axis::linear(&table.target),
        y: Axis::linear("predicted"),
        lines: vec![
            Line { label, look: Look::Dashed, colour: 1, points: exact },
            Line { label: Some("a sample".to_owned()), look: Look::Dots, colour: 0, points },
        ],
        size: Size::SQUARE,
        legend: Legend::LowerRight,
        ..Chart::default()
    }
}
