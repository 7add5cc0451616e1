//! Confusion matrix.

use core::fmt::Write;

use crate::output::Picture;
use crate::table::Csv;

/// Side of a cell, where the first one is, and the room around all.
const SIDE: u32 = 44;
const CORNER: u32 = 76;
const MARGIN: u32 = 20;
/// How far the names of rows and columns are from the cells, and the names of the axes from the top
/// and the left.
const NAMES: u32 = 13;
const AXES: [u32; 2] = [44, 22];
/// Width of a character, about.
const LETTER: u32 = 8;
/// Most characters of a name.
const LONGEST: usize = 16;

/// Fill and font of a text.
pub const TEXT: &str = "font-family=\"sans-serif\" fill=\"#222\"";

/// Where the cells are.
struct Grid {
    width: u32,
    left: u32,
}

impl Grid {
    /// The middle of a cell.
    const fn place(&self, row: u32, column: u32) -> (u32, u32) {
        let x = self.width.saturating_mul(column).saturating_add(self.width / 2);
        let y = SIDE.saturating_mul(row).saturating_add(SIDE / 2);
        (x.saturating_add(self.left), y.saturating_add(CORNER))
    }

    /// A count: green on the diagonal, red elsewhere, the more the darker.
    fn cell(&self, [row, column]: [u32; 2], count: u32, most_mistakes: u32) -> String {
        let right = row == column;
        let share = if right { 0.45 } else { f64::from(count) / f64::from(most_mistakes) };
        let full = if right { [0, 158, 115] } else { [190, 40, 30] };
        let (x, y) = self.place(row, column);
        let text = if count == 0 { String::new() } else { count.to_string() };
        format!(
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{SIDE}\" fill=\"{}\" stroke=\"#ccc\"/>{}",
            x.saturating_sub(self.width / 2),
            y.saturating_sub(SIDE / 2),
            self.width,
            mixed(full, share),
            words(x, y, &text, if share > 0.6 { "#fff" } else { "#222" })
        )
    }
}

/// A confusion matrix and its counts, in files of this name; the axes as in [`picture`].
pub fn confusion(
    name: &'static str,
    title: &str,
    axes: [&str; 2],
    names: &[String],
    counts: &[Vec<u32>],
) -> Picture {
    let mut csv = Csv::new(&["target", "output", "count"]);
    for (target, row) in (0_u32..).zip(counts) {
        for (output, &count) in (0_u32..).zip(row) {
            csv.row(&[target.into(), output.into(), count.into()]);
        }
    }
    Picture { name, svg: picture(title, axes, names, counts), csv: csv.finish() }
}

/// `counts[target][output]` as SVG text: correct predictions on the diagonal. The axes are the name
/// of the targets and that of the outputs.
pub fn picture(
    title: &str,
    [targets, outputs]: [&str; 2],
    names: &[String],
    counts: &[Vec<u32>],
) -> String {
    let names: Vec<_> = names.iter().map(|name| shortened(name)).collect();
    let longest = names.iter().map(|name| length(name)).max().unwrap_or(1);
    let room = LETTER.saturating_mul(longest.saturating_sub(1));
    let grid = Grid { width: SIDE.max(room.saturating_add(24)), left: CORNER.saturating_add(room) };
    let classes = u32::try_from(names.len()).unwrap_or(u32::MAX);
    let (right, bottom) = (grid.width.saturating_mul(classes), SIDE.saturating_mul(classes));
    let right = right.saturating_add(grid.left);
    let bottom = bottom.saturating_add(CORNER);
    let width = right.max(length(title).saturating_mul(LETTER.saturating_add(1)));
    let mut svg = start(width.saturating_add(MARGIN), bottom.saturating_add(MARGIN), title);
    let [top, left] = AXES;
    let middle = (right.saturating_add(grid.left) / 2, bottom.saturating_add(CORNER) / 2);
    svg += &words(middle.0, top, outputs, "#222");
    let turned = words(0, 0, targets, "#222");
    let _ =
        writeln!(svg, "<g transform=\"translate({left} {}) rotate(-90)\">{turned}</g>", middle.1);
    let cells = || {
        (0_u32..).zip(counts).flat_map(|(row, counts)| {
            (0_u32..).zip(counts).map(move |(column, &count)| ([row, column], count))
        })
    };
    let mistakes = cells().filter(|([row, column], _)| row != column).map(|(_, count)| count);
    let most = mistakes.max().unwrap_or(0).max(1);
    for (place, count) in cells() {
        svg += &grid.cell(place, count, most);
    }
    for (number, name) in (0_u32..).zip(&names) {
        let (x, y) = grid.place(number, number);
        svg += &words(x, CORNER.saturating_sub(NAMES), &escaped(name), "#222");
        let beside = NAMES.saturating_add(room / 2);
        svg += &words(grid.left.saturating_sub(beside), y, &escaped(name), "#222");
    }
    svg + "</svg>\n"
}

fn length(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}

fn shortened(name: &str) -> String {
    let mut start: String = name.chars().take(LONGEST).collect();
    if start.len() < name.len() {
        start.pop();
        start.push('…');
    }
    start
}

/// Without what XML takes for its own.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A text in the middle of a place.
fn words(x: u32, y: u32, text: &str, fill: &str) -> String {
    format!(
        "<text x=\"{x}\" y=\"{}\" font-size=\"14\" text-anchor=\"middle\" \
         font-family=\"sans-serif\" fill=\"{fill}\">{text}</text>\n",
        y.saturating_add(5)
    )
}

/// White with a share of a colour.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 255")]
pub fn mixed(full: [u8; 3], share: f64) -> String {
    let [red, green, blue] =
        full.map(|full| (255.0 + (f64::from(full) - 255.0) * share).round() as u8);
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// A white picture with a title; the title has no characters that XML would take for its own.
pub fn start(width: u32, height: u32, title: &str) -> String {
    let middle = width / 2;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"{middle}\" y=\"28\" font-size=\"17\" text-anchor=\"middle\" {TEXT}>{title}</text>\n"
    )
}
