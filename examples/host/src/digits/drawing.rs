//! Pictures of pixels and of the confusion matrix as SVG text, a few kilobytes each.

use core::fmt::Write;

/// A picture of weights: from -1, blue, by 0, white, to 1, red.
#[derive(Clone, Debug)]
pub struct Pixels {
    pub caption: String,
    pub width: usize,
    /// From left to right, the top row first.
    pub values: Vec<f64>,
}

const TEXT: &str = "font-family=\"sans-serif\" fill=\"#222\"";
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

/// White with a share of a colour.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 255")]
fn mixed(full: [u8; 3], share: f64) -> String {
    let [red, green, blue] =
        full.map(|full| (255.0 + (f64::from(full) - 255.0) * share).round() as u8);
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// Side of a cell of the table, where its first cell is, and the room that it has in all.
const TABLE: u32 = 44;
const CORNER: u32 = 76;
const ROOM: u32 = CORNER + 20;
/// Where the numbers of its rows and columns stand, and what the numbers are.
const NUMBERS: u32 = 63;
const NAMES: u32 = 44;

/// A table of counts: right answers on the diagonal in green, mistakes in red, the more the darker.
pub fn table<const N: usize>(title: &str, counts: &[[u32; N]; N]) -> String {
    let side = TABLE.saturating_mul(u32::try_from(N).unwrap_or(u32::MAX));
    let size = side.saturating_add(ROOM);
    let mut svg = start(size, size, title);
    let middle = (side / 2).saturating_add(CORNER);
    svg += &words(middle, NAMES, "digit answered", "#222");
    let turned = words(0, 0, "digit shown", "#222");
    let _ = writeln!(svg, "<g transform=\"translate(22 {middle}) rotate(-90)\">{turned}</g>");
    let cells = || {
        (0_u32..).zip(counts).flat_map(|(row, counts)| {
            (0_u32..).zip(counts).map(move |(column, &count)| Cell { row, column, count })
        })
    };
    let mistakes = cells().filter(|cell| cell.row != cell.column).map(|cell| cell.count);
    let most = mistakes.max().unwrap_or(0).max(1);
    for cell in cells() {
        svg += &cell.svg(most);
    }
    for (number, _) in (0_u32..).zip(counts) {
        svg += &words(place(number), NUMBERS, &number.to_string(), "#222");
        svg += &words(NUMBERS, place(number), &number.to_string(), "#222");
    }
    svg + "</svg>\n"
}

/// The middle of a row or column.
const fn place(number: u32) -> u32 {
    TABLE.saturating_mul(number).saturating_add(CORNER).saturating_add(TABLE / 2)
}

/// A text in the middle of a place.
fn words(x: u32, y: u32, text: &str, fill: &str) -> String {
    format!(
        "<text x=\"{x}\" y=\"{}\" font-size=\"14\" text-anchor=\"middle\" \
         font-family=\"sans-serif\" fill=\"{fill}\">{text}</text>\n",
        y.saturating_add(5)
    )
}

/// A count in its place.
#[derive(Clone, Copy)]
struct Cell {
    row: u32,
    column: u32,
    count: u32,
}

impl Cell {
    fn svg(self, most_mistakes: u32) -> String {
        let right = self.row == self.column;
        let share = if right { 0.45 } else { f64::from(self.count) / f64::from(most_mistakes) };
        let full = if right { [0, 158, 115] } else { [190, 40, 30] };
        let (x, y) = (place(self.column), place(self.row));
        let text = if self.count == 0 { String::new() } else { self.count.to_string() };
        format!(
            "<rect x=\"{}\" y=\"{}\" width=\"{TABLE}\" height=\"{TABLE}\" fill=\"{}\" \
             stroke=\"#ccc\"/>{}",
            x.saturating_sub(TABLE / 2),
            y.saturating_sub(TABLE / 2),
            mixed(full, share),
            words(x, y, &text, if share > 0.6 { "#fff" } else { "#222" })
        )
    }
}

/// A white picture with a title; the title has no characters that XML would take for its own.
fn start(width: u32, height: u32, title: &str) -> String {
    let middle = width / 2;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"{middle}\" y=\"28\" font-size=\"17\" text-anchor=\"middle\" {TEXT}>{title}</text>\n"
    )
}
