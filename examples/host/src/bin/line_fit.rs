//! Linear regression: least squares in closed form, and a network of one neuron, trained by
//! gradient descent on single samples, mini-batches and full batches.
//!
//! ```text
//! cargo run --release -p examples --bin line_fit
//! cargo run --release -p examples --bin line_fit -- --help
//! ```

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use examples::line_fit::compute::least_squares::LeastSquares;
use examples::line_fit::compute::training::{Batch, Plan, Run, one_pass, train};
use examples::line_fit::compute::{Line, QUOTED_FIT, QUOTED_SGD, Sample, equations, loss, samples};
use examples::line_fit::runs::{Rates, Way};
use examples::line_fit::{pictures, runs, text};
use shared::console::Console;
use shared::options;
use shared::options::{path, positive, real, whole};
use shared::output::{Folder, list_files};
use shared::rows::Rows;
use shared::run::{Failure, exit_code};

options! {
    "line_fit",
    /// Linear regression on 100 measurements of servers and their air conditioning: least squares,
    /// and one neuron that learns the same line by gradient descent.
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
        /// Folder for the pictures (SVG) and their data (CSV) [default: `line_fit` in Cargo's
        /// target folder]
        output: Option<PathBuf> = path("DIR"),
    }
}

impl Options {
    /// The number of servers in the unit of the measurements: thousands.
    fn query(&self) -> f64 {
        f64::from(self.servers) / 1000.0
    }

    const fn rates(&self) -> Rates {
        Rates {
            sample: self.sample_rate,
            mini: self.mini_rate,
            full: self.full_rate,
            standardised: self.standardised_rate,
        }
    }
}

fn main() -> ExitCode {
    exit_code(run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Failure> {
    let folder = Folder::create_or_default(options.output.as_deref(), "line_fit")?;
    let mut out = Console::default();
    let samples = samples();
    let best = LeastSquares::of(&samples).line();
    let lowest = loss(&samples, best);
    introduce(&mut out)?;
    let mut rows = Rows::new(&mut out, "here");
    rows.heading("1. Least squares: the best line, in one go")?;
    for row in text::closed_form(&samples, options.query()) {
        rows.line(&row)?;
    }
    out.flush()?;
    let ways = runs::ways(&samples, options.rates(), options.batch, options.passes);
    let first = one_pass(&samples, options.sample_rate);
    tell_first_pass(&mut out, options, &first)?;
    tell_ways(&mut out, options, &ways, lowest)?;
    tell_stop(&mut out, &samples, options, lowest)?;
    tell_text(&mut out)?;
    explain(&mut out, best)?;
    let after_one_pass = first.last().copied().unwrap_or(Line::ZERO);
    let mut paths = vec![];
    for picture in [
        pictures::fit(&samples, best, after_one_pass)?,
        pictures::loss_curves(&ways, lowest)?,
        pictures::paths(&samples, &ways, options.batch)?,
    ] {
        paths.extend(folder.write_picture(&picture)?);
    }
    list_files(&mut out, &paths)?;
    Ok(())
}

fn introduce(out: &mut impl Write) -> io::Result<()> {
    write!(
        out,
        "A line through measurements: least squares, and one neuron that learns it.

x is the number of servers in a room, in thousands, y the power of its air conditioning, in
kilowatts (kW); 100 rooms, made as y = 2 x + 3 with noise. The line is z = w x + b, its loss
J = sum (z - y)^2 / (2 m), over all m rooms. Sx is the sum of all x, Sxy that of all x y, and so on;
mx and my are the means.
The neuron is gradlet's Dense<1, 1, Identity, f64>, trained on HalfSquaredError from w = b = 0.
\"agrees\": rounds to the digits of the text. \"differs\": it does not, see section 10. \"-\": not in it.
"
    )
}

/// The line after some samples of the first epoch.
fn tell_first_pass(out: &mut impl Write, options: &Options, lines: &[Line]) -> io::Result<()> {
    let rate = short(options.sample_rate);
    writeln!(out, "\n2. The first pass, sample by sample, learning rate {rate}")?;
    writeln!(out, "  {:>8}{:>16}{:>16}", "samples", "w", "b")?;
    for (seen, line) in (0_u32..).zip(lines) {
        if seen <= 5 || [10, 50, 100].contains(&seen) {
            writeln!(out, "  {seen:>8}{}{}", runs::number(line.w), runs::number(line.b))?;
        }
    }
    if lines.len() < 101 {
        writeln!(out, "  {:>8}  diverged: the loss is no number any more", lines.len())?;
    }
    Ok(())
}

/// The four ways of training, one table for each.
fn tell_ways(
    out: &mut impl Write,
    options: &Options,
    ways: &[Way; 4],
    lowest: f64,
) -> io::Result<()> {
    for (number, way) in (3_u32..).zip(ways) {
        let rate = short(way.plan.learning_rate);
        writeln!(out, "\n{number}. Training: {}, learning rate {rate}", way.name)?;
        if way.plan.batch == Batch::Of(options.batch) {
            writeln!(out, "  {} samples make an update.", options.batch)?;
        }
        if way.standardised {
            writeln!(out, "  Trained on (x - mean) / deviation; w and b are mapped back.")?;
        }
        runs::write_table(out, way, lowest, options.query())?;
    }
    writeln!(
        out,
        "  If the learning rate is not too large, full batches end in the least squares line. Samples
  and mini-batches pull w and b about for ever, each towards itself: at a constant learning rate
  they end near it, not in it, but they are near it early. With x standardised every step
  multiplies the distance to the best line by 1 - rate, in all directions: no slow valley."
    )
}

/// A learning rate, however large or small.
fn short(rate: f64) -> String {
    if (1e-4..1e6).contains(&rate) { rate.to_string() } else { format!("{rate:e}") }
}

/// Training that ends when it is good enough.
fn tell_stop(
    out: &mut impl Write,
    samples: &[Sample],
    options: &Options,
    lowest: f64,
) -> io::Result<()> {
    let plan = Plan {
        batch: Batch::All,
        learning_rate: options.full_rate,
        passes: 100_000,
        enough: lowest + 1e-3,
    };
    let run = train(samples, plan);
    writeln!(out, "\n7. Full batches until J is within 0.001 of the least")?;
    let Some(last) = run.last() else { return Ok(()) };
    if reached(&run, plan) {
        let Line { w, b } = last.line;
        writeln!(
            out,
            "  enough after {} updates: w = {w:.10}, b = {b:.10}, J = {:.10}",
            last.pass, last.loss
        )
    } else {
        writeln!(out, "  not reached: it diverged, or {} updates were not enough", plan.passes)
    }
}

fn reached(run: &Run, plan: Plan) -> bool {
    run.last().is_some_and(|moment| moment.loss < plan.enough)
}

/// The numbers of the text, and its four equations.
fn tell_text(out: &mut impl Write) -> io::Result<()> {
    let mut rows = Rows::new(out, "here");
    rows.heading("8. Numbers of the text's course, quoted")?;
    let [fit, sgd] = [QUOTED_FIT, QUOTED_SGD].map(|Line { w, b }| format!("w = {w}, b = {b}"));
    writeln!(out, "  Not computed here: by least squares {fit};")?;
    writeln!(out, "  after one pass by sample, learning rate 0.1, {sgd}. From these follow:")?;
    let mut rows = Rows::new(out, "here");
    for row in text::quoted() {
        rows.line(&row)?;
    }
    rows.heading("9. The four equations of backpropagation")?;
    writeln!(out, "  A 2-3-2 network, s the sigmoid, one sample; * multiplies number by number.")?;
    let pass = equations::pass();
    for (title, list) in text::four_equations(&pass) {
        writeln!(out, "  {title}")?;
        let mut rows = Rows::new(out, "here");
        for row in list {
            rows.line(&row)?;
        }
    }
    writeln!(
        out,
        "  Central differences of C are within {:.1e} of all these derivatives.",
        pass.off
    )
}

/// Explanation of the verdicts and of the text's statements.
fn explain(out: &mut impl Write, best: Line) -> io::Result<()> {
    write!(
        out,
        "
10. Notes on the text
  quoted   Its numbers belong to a data file that it does not print, so they cannot be computed
           here; only what follows from them can. No way to the 3.74 kW of its sentence was found.
  unit     346 servers are x = 0.346. With x = 346 the line answers {:.1} kW.
  m b      Summing w x + b over m samples gives m b, not b: b = my - w mx.
  half     The text has C = (a - y)^2 / 2 in one place and C = (a - y)^2 in another. Without the
           1/2 every delta is twice as large: the same as twice the learning rate.
",
        best.at(346.0)
    )
}
