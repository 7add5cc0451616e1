//! Linear regression: least squares in closed form, and a network of one neuron, trained by
//! gradient descent on single samples, mini-batches and full batches; and what a text says of
//! neurons, activations and models, computed.
//!
//! ```text
//! cargo run --release -p examples --bin line_fit
//! cargo run --release -p examples --bin line_fit -- --help
//! ```

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use examples::line_fit::uses::{
    INPUTS, Model, NAMES, ROWS, THRESHOLDS, classified, curve, curve_fit, model, saved, servers,
    several, sigmoid, two_neurons,
};
use examples::line_fit::{
    LeastSquares, Moment, Plan, QUOTED_FIT, QUOTED_SGD, Run, equations, least_squares, one_pass,
    rooms, surface, train,
};
use examples::losses::{Line, Surface, spread};
use gradlet::prelude::*;
use gradlet::preprocess::Scaling;
use gradlet::safetensors;
use shared::console::Console;
use shared::lesson::{Lesson, Sections, aligned};
use shared::options;
use shared::options::{flag, path, positive, real, sections, whole};
use shared::output::{Folder, Picture};
use shared::plot::{Axis, Chart, DrawError, Legend, Line as Curve, Panels, contours};
use shared::run::{Failure, exit_code};
use shared::table::Csv;
use shared::thinning::Thinning;

const TEXT: &str = include_str!("../../../texts/lecture_notes.toml");

options! {
    "line_fit",
    /// Linear regression on 100 measurements of servers and their air conditioning: least squares,
    /// and one neuron that learns the same line by gradient descent. Then from one neuron to a model
    /// that is saved and used, a curve, and several inputs and outputs.
    struct Options {
        /// Number of epochs, for each way of training
        passes: u32 = whole("N", 5000, 1..=100_000),
        /// Batch size of mini-batches
        batch: u32 = whole("N", 10, 1..=100),
        /// Learning rate for single samples; finite and greater than 0
        sample_rate: f64 = real("RATE", 0.1, positive),
        /// Learning rate for mini-batches; finite and greater than 0
        mini_rate: f64 = real("RATE", 0.3, positive),
        /// Learning rate for full batches; finite and greater than 0
        full_rate: f64 = real("RATE", 0.5, positive),
        /// Learning rate for full batches with standardised inputs; finite and greater than 0
        standardised_rate: f64 = real("RATE", 0.5, positive),
        /// Number of servers for which to predict the kilowatts
        servers: u32 = whole("N", 346, ..=1_000_000),
        /// Only these sections, by name or number, separated by commas
        section: Sections = sections(TEXT, "line_fit"),
        /// Print the formulas before the numbers
        formulas: bool = flag(),
        /// Folder for the model (safetensors), the pictures (SVG) and their data (CSV) [default:
        /// `line_fit` in Cargo's target folder]
        output: Option<PathBuf> = path("DIR"),
    }
}

/// A way of training: its names in the text's file and in the picture, its plan and its run.
struct Way {
    key: &'static str,
    name: &'static str,
    plan: Plan,
    run: Run,
}

fn main() -> ExitCode {
    exit_code(run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Failure> {
    let folder = Folder::create_or_default(options.output.as_deref(), "line_fit")?;
    let mut lesson = Lesson::read(TEXT, "line_fit")?.showing(&options.section, options.formulas);
    let (surface, best) = (surface(), least_squares(&rooms::ROOMS));
    let query = f64::from(options.servers) / 1000.0;
    let lowest = surface.loss(best.line);
    let ways = ways(&surface, options);
    let first = one_pass(&surface.samples, options.sample_rate, 1);
    neurons(&mut lesson);
    pipeline(&mut lesson, &folder)?;
    closed_form(&mut lesson, &best, query);
    lesson.set([("lowest", lowest), ("batch", f64::from(options.batch)), ("query", query)]);
    lesson.block("first", table_of_first(&first));
    for Way { key, plan, run, .. } in &ways {
        lesson.block(key, table_of(run, lowest, query));
        lesson.block(&format!("{key} rate"), format!("{:?}", plan.learning_rate));
    }
    lesson.block("stop", stop(&surface, options.full_rate, lowest));
    lesson.list("course", [QUOTED_FIT, QUOTED_SGD].map(|line| line.at(0.346)));
    for (name, numbers) in equations::pass() {
        lesson.list(name, numbers);
    }
    let fits = (curve_fit::<Tanh>(), curve_fit::<Identity>());
    lesson.list("curve", [fits.0.1, fits.1.1]);
    let mut out = Console::default();
    lesson.tell(&mut out)?;
    let after_one_pass = first.last().copied().unwrap_or(best.line);
    let pictures = lesson.shown([
        ("first-pass", fit(&surface, best.line, after_one_pass)?),
        ("full-batches", loss_curves(&ways, lowest)?),
        ("full-batches", paths(&surface, &ways, options.batch)?),
        ("activation", activation(fits.0.0, fits.1.0)?),
    ]);
    folder.write_pictures(&mut out, &pictures)
}

/// Runs all four ways.
fn ways(surface: &Surface, options: &Options) -> [Way; 4] {
    let way = |key, name, batch, learning_rate, scaling: &Scaling<1, f64>| {
        let plan = Plan { batch, learning_rate, passes: options.passes, enough: -1.0 };
        Way { key, name, plan, run: train(surface, scaling, plan) }
    };
    let (raw, scaled) = (Scaling::default(), surface.scaling());
    let rate = options.standardised_rate;
    [
        way("samples", "sample by sample", 1, options.sample_rate, &raw),
        way("mini", "mini-batches", options.batch, options.mini_rate, &raw),
        way("full", "full batches", FULL_BATCH, options.full_rate, &raw),
        way("scaled", "full batches, x standardised", FULL_BATCH, rate, &scaled),
    ]
}

/// Two neurons, several inputs and outputs, and a classification.
fn neurons(lesson: &mut Lesson) {
    lesson.list("x", INPUTS);
    lesson.list("t", THRESHOLDS);
    lesson.list("sum", two_neurons::<Identity>([0.0; 2]));
    lesson.list("Z", two_neurons::<Identity>(THRESHOLDS));
    lesson.list("A", two_neurons::<Sigmoid>(THRESHOLDS));
    let net = several();
    lesson.table("W", 1, net.rows());
    lesson.list("B", *net.bias());
    let new = [0.346, 2.0];
    lesson.list("new", net.forward(&new));
    // One output, and its weights as a column for a row of features.
    let ([[w_1, w_2], _], [b, _]) = (net.rows(), *net.bias());
    let layouts = [Dense::from_rows([[w_1, w_2]], [b]), Dense::new([[w_1], [w_2]], [b])];
    lesson.table("layout", 0, layouts.map(|net: Dense<2, 1, Identity, f64>| net.forward(&new)));
    let features = ROWS.first().map_or(0, |row| row.len());
    lesson.list("shape", [ROWS.len(), features].map(whole_number));
    lesson.table("class", 0, classified([1, 10, 100]));
}

fn whole_number(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::NAN, f64::from)
}

/// Trains a model, saves it, loads the file, and predicts with what was loaded.
fn pipeline(lesson: &mut Lesson, folder: &Folder) -> Result<(), Failure> {
    let (counted, _) = model(Stop::after(3));
    let (net, report) = model(Stop::after(1000).or_at_loss(0.025));
    let ([mean], [deviation]) = (*net.first().offset(), *net.first().scale());
    let Line { w, b } = Line::of(net.rest());
    let file = saved(&net).map_err(|error| Failure::because(error.to_string()))?;
    let path = folder.write("line.safetensors", &file)?;
    let read = fs::read(&path).map_err(|error| Failure::because(format!("{path}: {error}")))?;
    let loaded = safetensors::from_bytes::<Model>(&read, &NAMES)
        .map_err(|error| Failure::because(error.to_string()))?;
    let mut judge = Trainer::<Model, HalfSquaredError>::new();
    let all = judge.mean_loss(&net, servers()).unwrap_or(f64::NAN);
    let ([by_count], [trained], [answer]) =
        (counted.forward(&[346.0]), net.forward(&[346.0]), loaded.forward(&[346.0]));
    lesson.block("file", path);
    lesson.set([
        ("mean", mean),
        ("deviation", deviation),
        ("epochs", f64::from(report.epochs)),
        ("loss at end", report.loss.unwrap_or(f64::NAN)),
        ("loss of model", all),
        ("w", w),
        ("b", b),
        ("bytes", whole_number(file.len())),
        ("by count", by_count),
        ("answer", answer),
        ("lost", answer - trained),
    ]);
    Ok(())
}

fn closed_form(lesson: &mut Lesson, best: &LeastSquares, query: f64) {
    lesson.list("best w", best.w);
    lesson.list("best b", best.b);
    lesson.set([
        ("m b", best.m_times_b),
        ("at query", best.line.at(query)),
        ("at 346", best.line.at(346.0)),
    ]);
}

/// The line after some samples of the first epoch.
fn table_of_first(lines: &[Line]) -> String {
    let shown = |&(seen, _): &(usize, &Line)| seen <= 5 || [10, 50, 100].contains(&seen);
    let mut rows = vec![["samples", "w", "b"].map(String::from).to_vec()];
    rows.extend(
        lines
            .iter()
            .enumerate()
            .filter(shown)
            .map(|(seen, line)| vec![seen.to_string(), number(line.w), number(line.b)]),
    );
    if lines.len() < 101 {
        rows.push(vec![lines.len().to_string(), "diverged: w or b is no number any more".into()]);
    }
    aligned(&rows)
}

/// The state after 0, 1, 2, 3, 5, 10, 50, 100, .. epochs and at the end.
fn table_of(run: &Run, lowest: f64, query: f64) -> String {
    let heading = ["epochs", "w", "b", "J", "above least", "kW"];
    let mut rows = vec![heading.map(String::from).to_vec()];
    let last = run.moments.len().saturating_sub(1);
    for (at, &Moment { pass, line, loss, .. }) in run.moments.iter().enumerate() {
        let unit = 10_u32.saturating_pow(pass.checked_ilog10().unwrap_or(0));
        if pass <= 3 || pass == unit || pass == unit.saturating_mul(5) || at == last {
            // Below about 1e-16 of the loss there are only rounding errors.
            let above = if (loss - lowest).abs() < 1e-15 { 0.0 } else { loss - lowest };
            let numbers = [line.w, line.b, loss].map(number);
            let mut row = vec![pass.to_string()];
            row.extend(numbers);
            row.extend([format!("{above:.2e}"), number(line.at(query))]);
            rows.push(row);
        }
    }
    let text = aligned(&rows);
    if run.diverged {
        text + "diverged: the loss is no number any more\n"
    } else if let [start, .., end] = &run.moments[..]
        && end.loss > start.loss
    {
        text + "diverging: the loss is larger than at the start\n"
    } else {
        text
    }
}

fn number(value: f64) -> String {
    if value.abs() < 1e3 { format!("{value:.10}") } else { format!("{value:.6e}") }
}

/// Training that ends when it is good enough.
fn stop(surface: &Surface, learning_rate: f64, lowest: f64) -> String {
    let enough = lowest + 1e-3;
    let plan = Plan { batch: FULL_BATCH, learning_rate, passes: 100_000, enough };
    match train(surface, &Scaling::default(), plan).moments.last() {
        Some(&Moment { pass, line: Line { w, b }, loss, .. }) if loss < enough => {
            format!("enough after {pass} updates: w = {w:.10}, b = {b:.10}, J = {loss:.10}")
        }
        _ => format!("not reached: it diverged, or {} updates were not enough", plan.passes),
    }
}

/// The measurements, the best line, and the line after one epoch on single samples.
fn fit(surface: &Surface, best: Line, first: Line) -> Result<Picture, DrawError> {
    let ends = |line: Line| [0.0, 1.0].map(|x| (x, line.at(x)));
    let dots = surface.samples.iter().map(|([x], [y])| (*x, *y));
    Chart::new(
        "Air conditioning for servers: a line through 100 measurements",
        Axis::linear("thousands of servers").from(0.0, 1.0),
        Axis::linear("kilowatts").from(2.4, 5.4),
    )
    .legend(Legend::LowerRight)
    .with(Curve::dots(4, dots).named("measured"))
    .with(Curve::solid(0, ends(best)).named("least squares"))
    .with(Curve::dashed(1, ends(first)).named("one neuron after one pass"))
    .picture("fit")
}

/// The loss of each way above the minimum, by epoch.
fn loss_curves(ways: &[Way; 4], lowest: f64) -> Result<Picture, DrawError> {
    let mut csv = Csv::new(&["way", "pass", "loss", "above_lowest"]);
    let mut chart = Chart::new(
        "How fast the neuron learns the line",
        Axis::log("passes over all 100 measurements"),
        Axis::log("loss above the least there is").from(1e-11, 100.0),
    )
    .legend(Legend::UpperRight);
    for (colour, Way { name, run, .. }) in (0..).zip(ways) {
        let mut thinning = Thinning::default();
        let mut points = vec![];
        for &Moment { pass, loss, .. } in run.moments.iter().filter(|m| thinning.keeps(m.pass)) {
            let (pass, above) = (f64::from(pass), loss - lowest);
            let numbers = [pass, loss, above].map(|number| number.to_string());
            csv.words([name.replace(',', ";")].into_iter().chain(numbers));
            // Lower ones are dominated by rounding errors.
            if pass > 0.0 && above > 1e-11 {
                points.push((pass, above));
            }
        }
        chart = chart.with(Curve::solid(colour, points).named(*name));
    }
    Ok(Picture { name: "loss_curves", svg: chart.svg()?, csv: csv.finish() })
}

/// Part of the plane of `w` and `b`.
type Window = ((f64, f64), (f64, f64));

/// Windows around the start and the minimum; a panel is 1.28 times as wide as high, so a circle is
/// drawn as a circle.
const RAW: Window = ((-1.1, 4.02), (-0.4, 3.6));
const STANDARDISED: Window = ((-2.6, 3.8), (-0.4, 4.6));
/// Number of epochs in the path of full batches.
const SHOWN: u32 = 60;

/// The paths of `(w, b)` over the contours of the loss, one panel per way of training.
fn paths(surface: &Surface, ways: &[Way; 4], size: u32) -> Result<Picture, DrawError> {
    let [by_sample, mini, full, scaled] = ways;
    let shown = SHOWN.min(full.plan.passes);
    let of_run = |way: &Way, line: fn(&Moment) -> Line| {
        way.run.moments.iter().filter(|m| m.pass <= SHOWN).map(line).collect()
    };
    let pass = |way: &Way, batch: u32| {
        let batch = usize::try_from(batch).unwrap_or(usize::MAX);
        one_pass(&surface.samples, way.plan.learning_rate, batch)
    };
    let charts = vec![
        chart("Sample by sample, one pass".to_owned(), surface, RAW, pass(by_sample, 1)),
        chart(format!("Mini-batches of {size}, one pass"), surface, RAW, pass(mini, size)),
        chart(format!("Full batches, {shown} passes"), surface, RAW, of_run(full, |m| m.line)),
        chart(
            format!("The same, x standardised, {shown} passes"),
            &surface.standardised(),
            STANDARDISED,
            of_run(scaled, |m| m.trained),
        ),
    ];
    Panels::new("Ways to the least loss, over its contours", 2, charts).picture("paths")
}

/// Contours in one window, with the part of a path that is inside.
fn chart(title: String, surface: &Surface, (w, b): Window, path: Vec<Line>) -> Chart {
    let values = surface.grid(w, b, 60);
    let points: Vec<_> = surface.samples.iter().map(|([x], [y])| (*x, *y)).collect();
    let best = least_squares(&points).line;
    // Equal steps of the square root give ellipses at equal distances.
    let levels = (1..16).map(|k| surface.loss(best) + 0.04 * f64::from(k) * f64::from(k));
    let rings = levels.flat_map(|level| contours(w, b, &values, level));
    let inside = |line: &Line| (w.0..=w.1).contains(&line.w) && (b.0..=b.1).contains(&line.b);
    let path = path.into_iter().take_while(inside).map(|line| (line.w, line.b));
    Chart::new(title, Axis::linear("w").from(w.0, w.1), Axis::linear("b").from(b.0, b.1))
        .with_all(rings.map(|points| Curve::solid(4, points)))
        .with(Curve::solid(1, path))
        .with(Curve::crosses(9, [(best.w, best.b)]))
}

/// The sigmoid, and a curve fitted with and without an activation.
fn activation(with: Vec<(f64, f64)>, without: Vec<(f64, f64)>) -> Result<Picture, DrawError> {
    let z = || spread((-6.0, 6.0), 48);
    let sigmoid = Chart::new(
        "The classic activation: the sigmoid",
        Axis::linear("z"),
        Axis::linear("a").from(0.0, 1.0),
    )
    .with(Curve::solid(0, z().map(|z| (z, sigmoid(z)))));
    let points = curve().into_iter().map(|([x], [y])| (x, y));
    let fits = Chart::new(
        "A curve, fitted by three hidden units",
        Axis::linear("x").from(-1.0, 1.0),
        Axis::linear("y").from(-2.0, 1.5),
    )
    .legend(Legend::LowerRight)
    .with(Curve::dots(4, points).named("points"))
    .with(Curve::solid(0, with).named("tanh"))
    .with(Curve::dashed(1, without).named("no activation"));
    Panels::new("What an activation is for", 2, vec![sigmoid, fits]).picture("activation")
}
