//! The four ways of training, and their results.

use std::io::{self, Write};

use crate::line_fit::compute::training::{Batch, Moment, Plan, Run, train, train_standardised};
use crate::line_fit::compute::{Line, Sample};

/// One way of training: its name, its settings, and its run.
pub struct Way {
    pub name: &'static str,
    pub plan: Plan,
    pub standardised: bool,
    pub run: Run,
}

/// Learning rates of the four ways.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    pub sample: f64,
    pub mini: f64,
    pub full: f64,
    pub standardised: f64,
}

/// Runs all four ways.
pub fn ways(samples: &[Sample], rates: Rates, size: u32, passes: u32) -> [Way; 4] {
    let plan = |batch, learning_rate| Plan { batch, learning_rate, passes, enough: -1.0 };
    let raw = |name, plan| Way { name, plan, standardised: false, run: train(samples, plan) };
    let scaled = plan(Batch::All, rates.standardised);
    [
        raw("sample by sample", plan(Batch::One, rates.sample)),
        raw("mini-batches", plan(Batch::Of(size), rates.mini)),
        raw("full batches", plan(Batch::All, rates.full)),
        Way {
            name: "full batches, x standardised",
            plan: scaled,
            standardised: true,
            run: train_standardised(samples, scaled),
        },
    ]
}

/// The state after 0, 1, 2, 3, 5, 10, 50, 100, .. epochs and at the end.
pub fn write_table(out: &mut impl Write, way: &Way, lowest: f64, query: f64) -> io::Result<()> {
    write!(out, "  {:>8}{:>16}{:>16}{:>16}{:>12}", "passes", "w", "b", "J", "above least")?;
    writeln!(out, "{:>12}", "kW")?;
    let last = way.run.last().map_or(0, |moment| moment.pass);
    for moment in &way.run.moments {
        if is_shown(moment.pass) || moment.pass == last {
            write_moment(out, moment, lowest, query)?;
        }
    }
    if way.run.diverged() {
        writeln!(out, "  {:>8}  diverged: the loss is no number any more", last.saturating_add(1))?;
    } else if grew(&way.run) {
        writeln!(out, "  {:>8}  diverging: the loss is larger than at the start", last)?;
    }
    Ok(())
}

/// Whether a run ended above its start.
pub fn grew(run: &Run) -> bool {
    let loss = |moment: Option<&Moment>| moment.map_or(0.0, |moment| moment.loss);
    loss(run.last()) > loss(run.moments.first())
}

fn write_moment(out: &mut impl Write, moment: &Moment, lowest: f64, query: f64) -> io::Result<()> {
    let Moment { pass, line: Line { w, b }, loss, .. } = *moment;
    write!(out, "  {pass:>8}{}{}{}", number(w), number(b), number(loss))?;
    // Below about 1e-16 of the loss there are only rounding errors.
    let above = if (loss - lowest).abs() < 1e-15 { 0.0 } else { loss - lowest };
    let kilowatts = moment.line.at(query);
    if kilowatts.abs() < 1e4 {
        writeln!(out, "{above:>12.2e}{kilowatts:>12.6}")
    } else {
        writeln!(out, "{above:>12.2e}{kilowatts:>12.2e}")
    }
}

/// A number, 16 characters wide.
pub fn number(value: f64) -> String {
    if value.abs() < 1e3 { format!("{value:>16.10}") } else { format!("{value:>16.6e}") }
}

/// 0, 1, 2, 3, 5, 10, 50, 100, 500 ..
fn is_shown(pass: u32) -> bool {
    let unit = 10_u32.saturating_pow(pass.checked_ilog10().unwrap_or(0));
    pass <= 3 || pass == unit || pass == unit.saturating_mul(5)
}
