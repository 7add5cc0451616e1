//! Plots of weights, confusion matrix and accuracy, with their data.

use gradlet::metrics::ConfusionMatrix;

use super::compute::Mark;
use super::drawing::{self, Pixels};
use super::idx::CLASSES;
use shared::output::{Folder, Picture};
use shared::plot::{Axis, Chart, Legend, Line, Look};
use shared::run::Failure;
use shared::table::Csv;

/// Accuracy by epoch.
#[derive(Clone, Debug)]
pub struct Curve {
    name: String,
    points: Vec<(f64, f64)>,
}

impl Curve {
    #[allow(clippy::cast_precision_loss, reason = "fewer than 2^53 images")]
    pub fn new(name: &str, marks: &[Mark], images: usize) -> Self {
        let share = |mark: &Mark| {
            (f64::from(mark.epoch), 100.0 * f64::from(mark.test_correct) / images as f64)
        };
        Self { name: name.to_owned(), points: marks.iter().map(share).collect() }
    }
}

/// The weights of the ten digits as images, each with its own scale.
pub fn weights(
    folder: &Folder,
    name: &'static str,
    title: &str,
    digits: &[Vec<f64>],
) -> Result<[String; 2], Failure> {
    let picture = |(digit, weights): (u32, &Vec<f64>)| {
        let largest = weights.iter().fold(0.0, |largest: f64, w| largest.max(w.abs()));
        // A few weights are much larger than the others; they may be as dark as the next largest.
        let full = if largest > 0.0 { 0.8 * largest } else { 1.0 };
        Pixels {
            caption: digit.to_string(),
            width: weights.len().isqrt(),
            values: weights.iter().map(|w| w / full).collect(),
        }
    };
    let svg = drawing::pictures(title, &(0..).zip(digits).map(picture).collect::<Vec<_>>());
    let mut csv = Csv::new(&["digit", "row", "column", "weight"]);
    for (digit, weights) in (0_u32..).zip(digits) {
        for (row, weights) in (0_u32..).zip(weights.chunks(weights.len().isqrt().max(1))) {
            for (column, weight) in (0_u32..).zip(weights) {
                csv.row(&[digit.into(), row.into(), column.into(), *weight]);
            }
        }
    }
    Ok(folder.write_picture(&Picture { name, svg, csv: csv.finish() })?)
}

/// The confusion matrix.
pub fn confusion(
    folder: &Folder,
    shape: &str,
    matrix: &ConfusionMatrix<CLASSES>,
) -> Result<[String; 2], Failure> {
    let mut csv = Csv::new(&["target", "output", "count"]);
    for (target, row) in (0_u32..).zip(matrix.counts()) {
        for (output, &count) in (0_u32..).zip(row) {
            csv.row(&[target.into(), output.into(), count.into()]);
        }
    }
    let title = format!("Which digit {shape} took for which");
    let svg = drawing::table(&title, matrix.counts());
    Ok(folder.write_picture(&Picture { name: "confusion", svg, csv: csv.finish() })?)
}

/// Accuracy on the test set by number of epochs.
pub fn accuracy(folder: &Folder, curves: &[Curve]) -> Result<[String; 2], Failure> {
    let mut csv = Csv::new(&["network", "epoch", "percent"]);
    let mut lines = vec![];
    for (colour, Curve { name, points }) in curves.iter().enumerate() {
        for (epoch, percent) in points {
            csv.words([name.clone(), epoch.to_string(), percent.to_string()]);
        }
        let (label, points) = (Some(name.clone()), points.clone());
        lines.push(Line { label, look: Look::Solid, colour, points: points.clone() });
        lines.push(Line { label: None, look: Look::Dots, colour, points });
    }
    let chart = Chart {
        title: "Right answers in the test, %".to_owned(),
        x: Axis::linear("epoch"),
        y: Axis::linear("right answers, %"),
        lines,
        legend: Legend::LowerRight,
        ..Chart::default()
    };
    let svg = chart.svg()?;
    Ok(folder.write_picture(&Picture { name: "accuracy", svg, csv: csv.finish() })?)
}
