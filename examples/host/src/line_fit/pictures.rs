//! Pictures of the example, and tables with their data.

use crate::line_fit::compute::least_squares::LeastSquares;
use crate::line_fit::compute::training::{Moment, one_pass, one_pass_of_batches, scaling};
use crate::line_fit::compute::{Line, Sample, loss};
use crate::line_fit::runs::Way;
use shared::output::Picture;
use shared::plot::{Axis, Chart, DrawError, Legend, Line as Curve, Look, Panels, Scale, contours};
use shared::table::Csv;
use shared::thinning::Thinning;

fn axis(label: &str, scale: Scale, range: Option<(f64, f64)>) -> Axis {
    Axis { label: label.to_owned(), scale, range }
}

fn curve(label: Option<&str>, look: Look, colour: usize, points: Vec<(f64, f64)>) -> Curve {
    Curve { label: label.map(str::to_owned), look, colour, points }
}

/// The measurements, the best line, and the line after one epoch on single samples.
pub fn fit(samples: &[Sample], best: Line, first: Line) -> Result<Picture, DrawError> {
    let ends = |line: Line| [0.0, 1.0].map(|x| (x, line.at(x))).to_vec();
    let dots = samples.iter().map(|([x], [y])| (*x, *y)).collect();
    let chart = Chart {
        title: "Air conditioning for servers: a line through 100 measurements".to_owned(),
        x: axis("thousands of servers", Scale::Linear, Some((0.0, 1.0))),
        y: axis("kilowatts", Scale::Linear, Some((2.4, 5.4))),
        legend: Legend::LowerRight,
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

/// The loss of each way above the minimum, by epoch.
pub fn loss_curves(ways: &[Way; 4], lowest: f64) -> Result<Picture, DrawError> {
    let mut csv = Csv::new(&["way", "pass", "loss", "above_lowest"]);
    let mut lines = vec![];
    for (number, way) in (0..).zip(ways) {
        let mut thinning = Thinning::default();
        let kept = way.run.moments.iter().filter(|moment| thinning.keeps(moment.pass));
        let mut points = vec![];
        for &Moment { pass, loss, .. } in kept {
            csv.row(&[f64::from(number), f64::from(pass), loss, loss - lowest]);
            // Lower ones are dominated by rounding errors.
            if pass > 0 && loss - lowest > 1e-11 {
                points.push((f64::from(pass), loss - lowest));
            }
        }
        let colour = usize::try_from(number).unwrap_or(0);
        lines.push(curve(Some(way.name), Look::Solid, colour, points));
    }
    let chart = Chart {
        title: "How fast the neuron learns the line".to_owned(),
        x: axis("passes over all 100 measurements", Scale::Log, None),
        y: axis("loss above the least there is", Scale::Log, Some((1e-11, 100.0))),
        lines,
        legend: Legend::UpperRight,
        ..Chart::default()
    };
    Ok(Picture { name: "loss_curves", svg: chart.svg()?, csv: csv.finish() })
}

/// Part of the plane of `w` and `b`.
type Window = ((f64, f64), (f64, f64));

/// Windows around the start and the minimum; a panel is 1.28 times as wide as high, so a circle is
/// drawn as a circle.
const RAW: Window = ((-1.1, 4.02), (-0.4, 3.6));
const STANDARDISED: Window = ((-2.6, 3.8), (-0.4, 4.6));
/// Cells of a window in each direction.
const CELLS: u32 = 60;
/// Number of epochs in the path of full batches.
const SHOWN: u32 = 60;

/// The paths of `(w, b)` over the contours of the loss, one panel per way of training.
pub fn paths(samples: &[Sample], ways: &[Way; 4], size: u32) -> Result<Picture, DrawError> {
    let [by_sample, mini, full, standardised] = ways;
    let shown = SHOWN.min(full.plan.passes);
    let batch = usize::try_from(size).unwrap_or(usize::MAX);
    let scaling = scaling(samples);
    let scaled: Vec<Sample> = samples.iter().map(|(x, y)| (scaling.transform(x), *y)).collect();
    let panels = [
        (
            "Sample by sample, one pass".to_owned(),
            samples,
            RAW,
            one_pass(samples, by_sample.plan.learning_rate),
        ),
        (
            format!("Mini-batches of {size}, one pass"),
            samples,
            RAW,
            one_pass_of_batches(samples, mini.plan.learning_rate, batch),
        ),
        (
            format!("Full batches, {shown} passes"),
            samples,
            RAW,
            lines_of(full, |moment| moment.line),
        ),
        (
            format!("The same, x standardised, {shown} passes"),
            scaled.as_slice(),
            STANDARDISED,
            lines_of(standardised, |moment| moment.trained),
        ),
    ];
    let mut csv = Csv::new(&["way", "step", "w", "b"]);
    let mut charts = vec![];
    for (way, (title, samples, window, path)) in (0_u32..).zip(panels) {
        for (step, line) in (0_u32..).zip(&path) {
            csv.row(&[f64::from(way), f64::from(step), line.w, line.b]);
        }
        charts.push(panel(title, samples, window, &path));
    }
    let panels = Panels {
        title: "Ways to the least loss, over its contours".to_owned(),
        charts,
        columns: 2,
    };
    Ok(Picture { name: "paths", svg: panels.svg()?, csv: csv.finish() })
}

fn lines_of(way: &Way, line: impl Fn(&Moment) -> Line) -> Vec<Line> {
    way.run.moments.iter().filter(|moment| moment.pass <= SHOWN).map(line).collect()
}

/// Contours in one window, with the part of a path that is inside.
fn panel(title: String, samples: &[Sample], window: Window, path: &[Line]) -> Chart {
    let (w, b) = window;
    let place =
        |(low, high): (f64, f64), cell| low + (high - low) * f64::from(cell) / f64::from(CELLS);
    let row = |j| (0..=CELLS).map(move |i| loss(samples, Line { w: place(w, i), b: place(b, j) }));
    let values: Vec<Vec<f64>> = (0..=CELLS).map(|j| row(j).collect()).collect();
    let best = LeastSquares::of(samples).line();
    let mut lines = vec![];
    for k in 1..16 {
        // Equal steps of the square root give ellipses at equal distances.
        let level = loss(samples, best) + 0.04 * f64::from(k) * f64::from(k);
        let contours = contours(w, b, &values, level);
        lines.extend(contours.into_iter().map(|points| curve(None, Look::Solid, 4, points)));
    }
    let inside = |line: &&Line| (w.0..=w.1).contains(&line.w) && (b.0..=b.1).contains(&line.b);
    let points: Vec<_> = path.iter().take_while(inside).map(|line| (line.w, line.b)).collect();
    lines.push(curve(None, Look::Solid, 1, points));
    lines.push(curve(None, Look::Crosses, 9, vec![(best.w, best.b)]));
    Chart {
        title,
        x: axis("w", Scale::Linear, Some(w)),
        y: axis("b", Scale::Linear, Some(b)),
        lines,
        ..Chart::default()
    }
}
