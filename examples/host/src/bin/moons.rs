//! Decision boundaries and overfitting: networks of 1 to 50 hidden units on sixty noisy points of
//! two moons, and their accuracy on held-out points.
//!
//! ```text
//! cargo run --release -p examples --bin moons
//! cargo run --release -p examples --bin moons -- --help
//! ```

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use examples::moons::compute::{Ending, Plan, Run, SIZES};
use examples::moons::{compute, pictures};
use shared::console::Console;
use shared::options;
use shared::options::{flag, list, path, positive, read, real, whole};
use shared::output::{Folder, list_files};
use shared::progress;
use shared::run::{Failure, exit_code};
use shared::thinning::Thinning;

options! {
    "moons",
    /// Two noisy moons, classified with 1 to 50 hidden units: decision boundaries, loss curves, and
    /// overfitting, by the accuracy on held-out points.
    struct Options {
        /// Number of full-batch updates, by the mean gradient of all sixty points
        iterations: u32 = whole("N", 30_000, 0..=1_000_000),
        /// Learning rate; finite and greater than 0
        learning_rate: f64 = real("RATE", 0.1, positive),
        /// Numbers of hidden units, separated by commas: 1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30 or 50
        hidden: Vec<u32> = read("LIST", |text| list(text, size)).with(|arg| arg.default_value("1,2,4,10,20,50")),
        /// At most 1,000 updates, and 2,000 held-out points instead of 20,000
        quick: bool = flag(),
        /// Folder for the pictures and tables [default: `moons` in Cargo's target folder]
        output: Option<PathBuf> = path("DIR"),
    }
}

/// Parses a number of hidden units.
fn size(text: &str) -> Result<u32, String> {
    let size = text.parse().map_err(|_| "not a whole number".to_owned())?;
    if SIZES.contains(&size) {
        return Ok(size);
    }
    let sizes: Vec<_> = SIZES.iter().map(ToString::to_string).collect();
    Err(format!("must be one of {}", sizes.join(", ")))
}

/// Ends of the maps: half a unit beyond the points.
const X: (f64, f64) = (-3.33, 3.27);
const Y: (f64, f64) = (-3.21, 2.64);
/// Seed of the held-out points.
const GENERATOR: u64 = 2020;
/// Standard deviation of the noise, as in the text.
const NOISE: f64 = 1.0;

fn main() -> ExitCode {
    exit_code(run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Failure> {
    let folder = Folder::create_or_default(options.output.as_deref(), "moons")?;
    let fresh = compute::moons(if options.quick { 2_000 } else { 20_000 }, NOISE, GENERATOR);
    let best = compute::best_share(&fresh, NOISE);
    let most = if options.quick { 1_000 } else { u32::MAX };
    let plan = Plan {
        iterations: options.iterations.min(most),
        learning_rate: options.learning_rate,
        fresh: &fresh,
        x: X,
        y: Y,
        nodes: 61,
    };
    let mut out = Console::default();
    introduce(&mut out, &plan)?;
    out.flush()?;
    let runs = train(options, &plan);
    results(&mut out, &runs)?;
    judge(&mut out, &runs, best)?;
    of_the_text(&mut out, &runs)?;
    list_files(&mut out, &pictures::write(&folder, &plan, &runs, best)?)?;
    Ok(())
}

/// Trains each chosen network once.
fn train(options: &Options, plan: &Plan<'_>) -> Vec<Run> {
    let sizes: BTreeSet<_> = options.hidden.iter().copied().collect();
    let steps =
        u64::from(plan.iterations).saturating_mul(sizes.iter().copied().map(u64::from).sum());
    let bar = progress::bar(steps, "training");
    let mut runs = vec![];
    for hidden in sizes {
        let (mut thinning, start) = (Thinning::default(), bar.position());
        let mut keeps = |updates| {
            let keeps = thinning.keeps(updates);
            if keeps {
                let here = u64::from(updates).saturating_mul(hidden.into());
                bar.set_position(start.saturating_add(here));
            }
            keeps
        };
        runs.extend(compute::train_with(hidden, plan, &mut keeps));
    }
    bar.finish_and_clear();
    runs
}

fn introduce(out: &mut impl Write, plan: &Plan<'_>) -> io::Result<()> {
    write!(
        out,
        "Sixty points on two half circles that reach into each other (\"moons\"), with so much noise that
they overlap. A network of two inputs, one hidden layer of tanh units and one sigmoid output for
each class learns them; the greater output is its answer. The points and the initial weights are
those of the text, to the last bit.

  cost    cross-entropy -sum_O [t ln y + (1 - t) ln(1 - y)], the mean over the points
  update  p = p - {} dcost/dp, {} times, by the mean gradient of all sixty points

Fresh points come by the same recipe from this program's own generator: {} points, half of them
on the upper half circle, half on the lower, with normal noise of standard deviation 1 on both
coordinates.
",
        plan.learning_rate,
        plan.iterations,
        plan.fresh.len()
    )
}

/// One line for each network.
fn results(out: &mut impl Write, runs: &[Run]) -> io::Result<()> {
    writeln!(out, "\n1. What the networks learned")?;
    writeln!(
        out,
        "  {:>6}  {:>10}  {:>14}  {:>14}  {:>15}  {:>15}",
        "hidden",
        "parameters",
        "cost at first",
        "cost at last",
        "right of the 60",
        "of fresh points"
    )?;
    for run in runs {
        write!(out, "  {:>6}  {:>10}", run.hidden, run.parameters)?;
        if let Ending::Diverged(updates) = run.ending {
            writeln!(out, "  diverged: the cost after update {updates} is NaN or infinite")?;
            continue;
        }
        if let (Some(first), Some(last)) = (run.curve.first(), run.curve.last()) {
            write!(out, "  {:>14.10}  {:>14.10}  {:>15}", first.cost, last.cost, last.right)?;
        }
        writeln!(out, "  {:>13.1} %", 100.0 * run.fresh.unwrap_or_default())?;
    }
    Ok(())
}

/// Whether more hidden units are better.
fn judge(out: &mut impl Write, runs: &[Run], best: f64) -> io::Result<()> {
    writeln!(out, "\n2. Are more hidden units better?")?;
    let complete: Vec<_> = runs.iter().filter(|run| run.fresh.is_some()).collect();
    let (Some(small), Some(large)) = (complete.first(), complete.last()) else {
        return writeln!(out, "  No network was trained to the end.");
    };
    if small.hidden == large.hidden {
        return writeln!(out, "  There is but one network: try --hidden 1,2,4,10,20,50.");
    }
    let right = |run: &Run| run.curve.last().map_or(0, |mark| mark.right);
    let share = |run: &Run| 100.0 * run.fresh.unwrap_or_default();
    writeln!(
        out,
        "  From {} to {} hidden units, right answers on the 60 points go from {} to {}, and on fresh
  points from {:.1} % to {:.1} %.",
        small.hidden,
        large.hidden,
        right(small),
        right(large),
        share(small),
        share(large)
    )?;
    if right(large) > right(small) && share(large) < share(small) - 2.0 {
        writeln!(
            out,
            "  The text looks at the 60 points only, and says that more are better. They are overfitted:
  the large network draws islands around single points, which the noise has put there."
        )?;
    } else {
        writeln!(out, "  In this run, the networks are not overfitted: see the full one.")?;
    }
    writeln!(
        out,
        "  The best rule there is knows the half circles and the noise, and picks for each point the
  class that is more likely there: {:.1} % of these points. In the long run nothing beats it; on so
  many points as here, chance can, by a little.",
        100.0 * best
    )
}

/// Differences to the text's program.
fn of_the_text(out: &mut impl Write, runs: &[Run]) -> io::Result<()> {
    writeln!(
        out,
        "\n3. Where the text differs
  nan     The text computes the cost from the outputs, by ln y and ln(1 - y), and divides by y and
          1 - y on the way back. An output that rounds to 1 makes that 0 * ln 0 and 0 / 0: NaN, and
          all parameters are lost. gradlet computes the same cost from the logit z, the number that
          enters the sigmoid: max(z, 0) - z t + ln(1 + e^-|z|), whose derivative is y - t."
    )?;
    let lost = runs.iter().filter(|run| run.ending == Ending::Complete);
    let lost: Vec<_> =
        lost.filter_map(|run| run.exactly_one.map(|updates| (run.hidden, updates))).collect();
    for (hidden, updates) in &lost {
        writeln!(out, "          Hidden {hidden}: an output is exactly 1 after update {updates}.")?;
    }
    if lost.is_empty() {
        writeln!(out, "          In this run, no output was exactly 1.")?;
    }
    let x: f64 = 0.6;
    writeln!(
        out,
        "  slope   A comment of its program gives the derivative of tanh(x) as 1 - x^2: {:.2} at x = {x}.
          It is 1 - tanh(x)^2 = {:.10}. What it computes is right: there, x is the output.",
        1.0 - x * x,
        1.0 - x.tanh().powi(2)
    )
}
