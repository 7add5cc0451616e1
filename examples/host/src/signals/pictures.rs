//! Pictures of signals and filters as SVG text, a few kilobytes each, with their data.

use core::fmt::Write;

use devices::signals::{Learner, SHAPES, Signals};
use shared::output::Picture;
use shared::plot::matrix::{TEXT, start};
use shared::table::Csv;

/// Room for a title above the cells, and around them.
const TITLE: u32 = 44;
const MARGIN: u32 = 14;
/// Signals of each shape in the picture, and their colours: the last is drawn on top.
const COLOURS: [&str; 3] = ["#9ecae1", "#e69f00", "#0072b2"];

/// The picture of drawings in rows of `columns`; `width` and `height` have the room around a
/// drawing too.
fn rows(title: &str, drawings: &[String], columns: usize, [width, height]: [u32; 2]) -> String {
    let times =
        |length: u32, count: usize| length.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX));
    let rows = drawings.chunks(columns);
    let whole = times(height, rows.len()).saturating_add(TITLE);
    let mut svg = start(times(width, columns).saturating_add(MARGIN), whole, title);
    for (row, drawings) in rows.enumerate() {
        for (column, drawing) in drawings.iter().enumerate() {
            let x = times(width, column).saturating_add(MARGIN);
            let y = times(height, row).saturating_add(TITLE);
            // Writing to a string does not fail.
            let _ = writeln!(svg, "<g transform=\"translate({x} {y})\">\n{drawing}</g>");
        }
    }
    svg + "</svg>\n"
}

/// A frame with a line at half its height, for zero, and a name below.
fn frame(width: u32, height: u32, name: &str) -> String {
    let (middle, zero, below) = (width / 2, height / 2, height.saturating_add(15));
    format!(
        "<path fill=\"none\" stroke=\"#bbb\" d=\"M0 0h{width}v{height}h-{width}zM0 {zero}h{width}\"/>\
         <text x=\"{middle}\" y=\"{below}\" font-size=\"13\" text-anchor=\"middle\" {TEXT}>{name}\
         </text>\n"
    )
}

/// The first three signals of each shape in the training set.
pub fn signals() -> Picture {
    // Four units for a step.
    const WIDTH: u32 = 156;
    const HEIGHT: u32 = 96;
    let [training, _] = Signals::all();
    let mut csv = Csv::new(&["shape", "signal", "step", "value"]);
    let mut drawings = vec![];
    for shape in 0..u8::try_from(SHAPES).unwrap_or(0) {
        let of_shape = training.iter().filter(|(_, other)| *other == shape);
        let mut drawing = frame(WIDTH, HEIGHT, &format!("shape {shape}"));
        for ((number, (signal, _)), colour) in (0_u32..).zip(of_shape).zip(COLOURS) {
            let mut points = String::new();
            for (step, [value]) in (0_u32..).zip(signal.input()) {
                let value = f64::from(value);
                csv.row(&[shape.into(), number.into(), step.into(), value]);
                // From -4 to 4, upwards.
                let y = f64::from(HEIGHT) * (0.5 - value / 8.0);
                let x = f64::from(step.saturating_mul(4));
                let _ = write!(points, "{x},{y:.1} ");
            }
            let _ = writeln!(
                drawing,
                "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.6\" points=\"{}\"/>",
                points.trim_end()
            );
        }
        drawings.push(drawing);
    }
    let title = "MNIST-1D: three signals of each shape, 40 steps, from -4 to 4";
    let svg = rows(title, &drawings, 5, [WIDTH + MARGIN, HEIGHT + 30]);
    Picture { name: "signals", svg, csv: csv.finish() }
}

/// The filters of the first layer: a bar for each of their weights, red above 0 and blue below.
pub fn filters(learner: &Learner) -> Picture {
    const BAR: u32 = 20;
    const HEIGHT: u32 = 80;
    let filters = learner.net().first().filters();
    let sizes = filters.iter().flatten().flatten().map(|weight| f64::from(weight.abs()));
    let largest = sizes.fold(f64::MIN_POSITIVE, f64::max);
    let mut csv = Csv::new(&["filter", "step", "weight"]);
    let mut drawings = vec![];
    let mut width = BAR;
    for (number, [filter]) in (0_u32..).zip(&filters) {
        let mut bars = String::new();
        width = 0;
        for (step, weight) in (0_u32..).zip(filter) {
            let weight = f64::from(*weight);
            csv.row(&[number.into(), step.into(), weight]);
            let zero = f64::from(HEIGHT) / 2.0;
            let height = (0.95 * zero * weight / largest).abs();
            let (y, colour) =
                if weight < 0.0 { (zero, "#145aaa") } else { (zero - height, "#be281e") };
            let _ = writeln!(
                bars,
                "<rect x=\"{}\" y=\"{y:.1}\" width=\"{}\" height=\"{height:.1}\" fill=\"{colour}\"/>",
                width.saturating_add(2),
                BAR - 4
            );
            width = width.saturating_add(BAR);
        }
        drawings.push(bars + &frame(width, HEIGHT, &number.to_string()));
    }
    let title = "The 25 filters of the first layer: red above 0, blue below";
    let svg = rows(title, &drawings, 5, [width.saturating_add(MARGIN), HEIGHT + 30]);
    Picture { name: "filters", svg, csv: csv.finish() }
}
