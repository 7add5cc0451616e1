//! Pictures of pixels and of the confusion matrix as SVG text, a few kilobytes each.

use core::fmt::Write;

use shared::plot::matrix::{self, TEXT, mixed, start};

/// A picture of weights: from -1, blue, by 0, white, to 1, red.
#[derive(Clone, Debug)]
pub struct Pixels {
    pub caption: String,
    pub width: usize,
    /// From left to right, the top row first.
    pub values: Vec<f64>,
}

/// Side of a picture, and of a picture with the room around it.
const SIDE: u32 = 112;
const CELL: (u32, u32) = (126, 146);
/// Pictures in a row.
const COLUMNS: u32 = 5;
/// Shades of blue and of red.
const SHADES: i8 = 4;

/// The pictures, five in a row.
pub fn pictures(title: &str, pictures: &[Pixels]) -> String {
    let rows = u32::try_from(pictures.len()).unwrap_or(u32::MAX).div_ceil(COLUMNS);
    let width = COLUMNS.saturating_mul(CELL.0).saturating_add(14);
    let height = rows.saturating_mul(CELL.1).saturating_add(48);
    let mut svg = start(width, height, title);
    for (number, picture) in (0_u32..).zip(pictures) {
        let (row, column) = (number / COLUMNS, number % COLUMNS);
        let x = column.saturating_mul(CELL.0).saturating_add(14);
        let y = row.saturating_mul(CELL.1).saturating_add(44);
        svg += &picture.group(x, y);
    }
    svg + "</svg>\n"
}

impl Pixels {
    /// One path for each shade: a stroke for each run of equal pixels in a row.
    fn group(&self, x: u32, y: u32) -> String {
        let width = self.width.max(1);
        let scale = f64::from(SIDE) / f64::from(u32::try_from(width).unwrap_or(u32::MAX));
        let middle = SIDE / 2;
        let mut group = format!(
            "<g transform=\"translate({x} {y})\"><text x=\"{middle}\" y=\"{}\" font-size=\"13\" \
             text-anchor=\"middle\" {TEXT}>{}</text>\n<g transform=\"scale({scale})\" \
             shape-rendering=\"crispEdges\">\n",
            SIDE.saturating_add(15),
            self.caption
        );
        for shade in (-SHADES..=SHADES).filter(|&shade| shade != 0) {
            let mut path = String::new();
            for (row, values) in (0_u32..).zip(self.values.chunks(width)) {
                let mut column = 0_u32;
                for run in values.chunk_by(|a, b| shade_of(*a) == shade_of(*b)) {
                    let length = u32::try_from(run.len()).unwrap_or(0);
                    if run.first().is_some_and(|value| shade_of(*value) == shade) {
                        // Writing to a string does not fail.
                        let _ = write!(path, "M{column} {row}h{length}");
                    }
                    column = column.saturating_add(length);
                }
            }
            if !path.is_empty() {
                let colour = colour(shade);
                let _ = writeln!(
                    group,
                    "<path stroke=\"{colour}\" transform=\"translate(0 .5)\" d=\"{path}\"/>"
                );
            }
        }
        let _ = writeln!(
            group,
            "</g><path fill=\"none\" stroke=\"#aaa\" d=\"M0 0h{SIDE}v{SIDE}h-{SIDE}z\"/></g>"
        );
        group
    }
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

/// The confusion matrix of digits.
pub fn table<const N: usize>(title: &str, counts: &[[u32; N]; N]) -> String {
    let names: Vec<_> = (0..N).map(|digit| digit.to_string()).collect();
    let counts = counts.map(|row| row.to_vec());
    matrix::picture(title, ["digit shown", "digit answered"], &names, &counts)
}
