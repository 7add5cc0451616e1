//! The pictures of the example, and the same numbers as tables.

use crate::common::plot::{
    Axis, Chart, DrawError, Line as Curve, Look, Panels, Scale, Size, contours,
};
use crate::common::table::Csv;
use crate::common::thinning::Thinning;
use crate::compute::training::{Moment, one_pass, one_pass_of_batches, scaling};
use crate::compute::{Line, Sample, loss};
use crate::runs::Way;

/// A picture and its numbers: the name of the files, the SVG, the CSV.
pub(crate) struct Picture {
    pub(crate) name: &'static str,
    pub(crate) svg: String,
    pub(crate) csv: String,
}

fn axis(label: &str, scale: Scale, range: Option<(f64, f64)>) -> Axis {
    Axis { label: label.to_owned(), scale, range }
}

fn curve(label: Option<&str>, look: Look, colour: usize, points: Vec<(f64, f64)>) -> Curve {
    Curve { label: label.map(str::to_owned), look, colour, points }
}

/// The measurements, the best line, and the line after one pass by sample.
pub(crate) fn fit(samples: &[Sample], best: Line, first: Line) -> Result<Picture, DrawError> {
    let ends = |line: Line| [0.0, 1.0].map(|x| (x, line.at(x))).to_vec();
    let dots = samples.iter().map(|([x], [y])| (*x, *y)).collect();
    let chart = Chart {
        title: "Air conditioning for servers: a line through 100 measurements".to_owned(),
        x: axis("thousands of servers", Scale::Linear, Some((0.0, 1.0))),
        y: axis("kilowatts", Scale::Linear, None),
        lines: vec![
            curve(Some("measured"), Look::Dots, 4, dots),
            curve(Some("least squares"), Look::Solid, 0, ends(best)),
            curve(Some("one neuron after one pass"), Look::Dashed, 1, ends(first)),
        ],
        ..Chart::default()
    };
    let mut csv = Csv::new(&["x", "y", "least_squares", "after_one_pass"]);
    for ([x], [y]) in samples {
        csv.row(&[*x, *y, best.at(*x), first.at(*x)]);
    }
    Ok(Picture { name: "fit", svg: chart.svg()?, csv: csv.finish() })
}

/// How far each way is above the lowest loss, pass after pass.
pub(crate) fn loss_curves(ways: &[Way; 4], lowest: f64) -> Result<Picture, DrawError> {
    let mut csv = Csv::new(&["way", "pass", "loss", "above_lowest"]);
    let mut lines = vec![];
    for (number, way) in (0..).zip(ways) {
        let mut thinning = Thinning::default();
        let kept = way.run.moments.iter().filter(|moment| thinning.keeps(moment.pass));
        let mut points = vec![];
        for &Moment { pass, loss, .. } in kept {
            csv.row(&[f64::from(number), f64::from(pass), loss, loss - lowest]);
            // Below this there is only rounding.
            if pass > 0 && loss - lowest > 1e-15 {
                points.push((f64::from(pass), loss - lowest));
            }
        }
        let colour = usize::try_from(number).unwrap_or(0);
        lines.push(curve(Some(way.name), Look::Solid, colour, points));
    }
    let chart = Chart {
        title: "How fast the neuron learns the line".to_owned(),
        x: axis("passes over all 100 measurements", Scale::Log, None),
        y: axis("loss above the least there is", Scale::Log, None),
        lines,
        ..Chart::default()
    };
    Ok(Picture { name: "loss_curves", svg: chart.svg()?, csv: csv.finish() })
}

/// Part of the plane of `w` and `b`.
type Window = ((f64, f64), (f64, f64));

/// Windows around the least loss, as wide as high, so that a circle is drawn as one.
const RAW: Window = ((-0.6, 3.4), (-0.4, 3.6));
const STANDARDISED: Window = ((-2.0, 3.0), (-0.5, 4.5));
/// Cells of a window in each direction.
const CELLS: u32 = 60;
/// Passes that a path shows.
const SHOWN: u32 = 60;

/// The paths of `(w, b)` over the contours of the loss, for raw and for standardised inputs.
pub(crate) fn paths(samples: &[Sample], ways: &[Way; 4], size: u32) -> Result<Picture, DrawError> {
    let [by_sample, mini, full, standardised] = ways;
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let scaled: Vec<Sample> = {
        let scaling = scaling(samples);
        samples.iter().map(|(x, y)| (scaling.transform(x), *y)).collect()
    };
    let raw = [
        (by_sample.name, one_pass(samples, by_sample.plan.learning_rate)),
        (mini.name, one_pass_of_batches(samples, mini.plan.learning_rate, size)),
        (full.name, lines_of(full, |moment| moment.line)),
    ];
    let round = [(standardised.name, lines_of(standardised, |moment| moment.trained))];
    let mut csv = Csv::new(&["way", "step", "w", "b"]);
    for (way, (_, path)) in (0_u32..).zip(raw.iter().chain(&round)) {
        for (step, line) in (0_u32..).zip(path) {
            csv.row(&[f64::from(way), f64::from(step), line.w, line.b]);
        }
    }
    let panels = Panels {
        title: "Ways to the least loss, over its contours".to_owned(),
        charts: vec![
            panel("x as it is: a narrow valley", samples, RAW, &raw, 0),
            panel("x standardised: straight down", &scaled, STANDARDISED, &round, 3),
        ],
        columns: 2,
    };
    Ok(Picture { name: "paths", svg: panels.svg()?, csv: csv.finish() })
}

fn lines_of(way: &Way, line: impl Fn(&Moment) -> Line) -> Vec<Line> {
    way.run.moments.iter().filter(|moment| moment.pass <= SHOWN).map(line).collect()
}

/// Contours in one window, with paths as far as they stay inside.
fn panel(
    title: &str,
    samples: &[Sample],
    window: Window,
    paths: &[(&str, Vec<Line>)],
    colour: usize,
) -> Chart {
    let (w, b) = window;
    let place =
        |(low, high): (f64, f64), cell| low + (high - low) * f64::from(cell) / f64::from(CELLS);
    let row = |j| (0..=CELLS).map(move |i| loss(samples, Line { w: place(w, i), b: place(b, j) }));
    let values: Vec<Vec<f64>> = (0..=CELLS).map(|j| row(j).collect()).collect();
    let mut lines = vec![];
    for k in 0..16 {
        // Equal steps of the square root: ellipses at equal distances.
        let level = 0.0234 + 0.04 * f64::from(k) * f64::from(k);
        lines.extend(
            contours(w, b, &values, level).into_iter().map(|c| curve(None, Look::Solid, 9, c)),
        );
    }
    let inside = |line: &&Line| (w.0..=w.1).contains(&line.w) && (b.0..=b.1).contains(&line.b);
    for (colour, (name, path)) in (colour..).zip(paths) {
        let points: Vec<_> = path.iter().take_while(inside).map(|line| (line.w, line.b)).collect();
        lines.push(curve(Some(name), Look::Solid, colour, points));
    }
    Chart {
        title: title.to_owned(),
        x: axis("w", Scale::Linear, Some(w)),
        y: axis("b", Scale::Linear, Some(b)),
        lines,
        size: Size::SQUARE,
        ..Chart::default()
    }
}
