//! Pictures of weights and of the confusion matrix as SVG text, a few kilobytes each, with their
//! data.

use core::fmt::Write;

use gradlet::metrics::ConfusionMatrix;
use shared::output::Picture;
use shared::plot::matrix::{self, TEXT, mixed, start};
use shared::table::Csv;

use super::idx::CLASSES;

/// Side of a picture, and of a picture with the room around it.
const SIDE: u32 = 112;
const CELL: [u32; 2] = [126, 146];
/// Pictures in a row.
const COLUMNS: u32 = 5;
/// Shades of blue and of red.
const SHADES: i8 = 4;

/// The weights of the ten digits as images, each with its own scale: blue below 0, red above.
pub fn weights(name: &'static str, title: &str, digits: &[Vec<f64>]) -> Picture {
    let [width, height] = CELL;
    let rows = u32::try_from(digits.len()).unwrap_or(u32::MAX).div_ceil(COLUMNS);
    let whole = COLUMNS.saturating_mul(width).saturating_add(14);
    let mut svg = start(whole, rows.saturating_mul(height).saturating_add(48), title);
    let mut csv = Csv::new(&["digit", "row", "column", "weight"]);
    for (digit, weights) in (0_u32..).zip(digits) {
        let x = (digit % COLUMNS).saturating_mul(width).saturating_add(14);
        let y = (digit / COLUMNS).saturating_mul(height).saturating_add(44);
        svg += &image(digit, weights, x, y);
        for (row, weights) in (0_u32..).zip(weights.chunks(weights.len().isqrt().max(1))) {
            for (column, weight) in (0_u32..).zip(weights) {
                csv.row(&[digit.into(), row.into(), column.into(), *weight]);
            }
        }
    }
    Picture { name, svg: svg + "</svg>\n", csv: csv.finish() }
}

/// One path for each shade: a stroke for each run of equal pixels in a row.
fn image(digit: u32, weights: &[f64], x: u32, y: u32) -> String {
    let width = weights.len().isqrt().max(1);
    let scale = f64::from(SIDE) / f64::from(u32::try_from(width).unwrap_or(u32::MAX));
    // A few weights are much larger than the others; they may be as dark as the next largest.
    let largest = weights.iter().fold(0.0, |largest: f64, w| largest.max(w.abs()));
    let full = if largest > 0.0 { 0.8 * largest } else { 1.0 };
    let shades: Vec<_> = weights.iter().map(|weight| shade_of(weight / full)).collect();
    let (middle, below) = (SIDE / 2, SIDE.saturating_add(15));
    let mut group = format!(
        "<g transform=\"translate({x} {y})\"><text x=\"{middle}\" y=\"{below}\" font-size=\"13\" \
         text-anchor=\"middle\" {TEXT}>{digit}</text>\n<g transform=\"scale({scale})\" \
         shape-rendering=\"crispEdges\">\n"
    );
    for shade in (-SHADES..=SHADES).filter(|&shade| shade != 0) {
        let mut path = String::new();
        for (row, shades) in (0_u32..).zip(shades.chunks(width)) {
            let mut column = 0_usize;
            for run in shades.chunk_by(|a, b| a == b) {
                if run.first() == Some(&shade) {
                    // Writing to a string does not fail.
                    _ = write!(path, "M{column} {row}h{}", run.len());
                }
                column = column.saturating_add(run.len());
            }
        }
        if !path.is_empty() {
            let colour = colour(shade);
            _ = writeln!(
                group,
                "<path stroke=\"{colour}\" transform=\"translate(0 .5)\" d=\"{path}\"/>"
            );
        }
    }
    let frame = format!("M0 0h{SIDE}v{SIDE}h-{SIDE}z");
    group + &format!("</g><path fill=\"none\" stroke=\"#aaa\" d=\"{frame}\"/></g>\n")
}

/// The number of the shade, below 0 for blue.
#[allow(clippy::cast_possible_truncation, reason = "at most SHADES")]
fn shade_of(value: f64) -> i8 {
    (value.clamp(-1.0, 1.0) * f64::from(SHADES)).round() as i8
}

fn colour(shade: i8) -> String {
    let full = if shade < 0 { [20, 90, 170] } else { [190, 40, 30] };
    mixed(full, f64::from(shade.unsigned_abs()) / f64::from(SHADES))
}

/// The confusion matrix.
pub fn confusion(name: &'static str, title: &str, matrix: &ConfusionMatrix<CLASSES>) -> Picture {
    let names: Vec<_> = (0..CLASSES).map(|digit| digit.to_string()).collect();
    let counts = matrix.counts().map(|row| row.to_vec());
    matrix::confusion(name, title, ["digit shown", "digit answered"], &names, &counts)
}
