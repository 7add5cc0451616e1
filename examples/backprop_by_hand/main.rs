//! Backpropagation on paper: two chains of a text, brought to a target by dividing by derivatives,
//! and gradient descent, which multiplies by them, beside it.
//!
//! ```text
//! cargo run --release --example backprop_by_hand
//! cargo run --release --example backprop_by_hand -- --help
//! ```

#[path = "../common/mod.rs"]
mod common;
mod compute;
mod pictures;
mod tell;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use common::console::Console;
use common::options::positive;
use common::output::{Folder, list_files};
use common::run::{Failure, exit_code};
use compute::{Plan, chain};

/// Derivatives by hand, forward and backward: z = (2 w + 3 b) (2 b + 1) from 162 to 150, and
/// c = sqrt(ln x^2) to 2.14, by Newton's method and by gradient descent.
#[derive(Debug, Parser)]
#[command(name = "backprop_by_hand")]
struct Options {
    /// What z should become, from -1000 to 10000
    #[arg(long, value_name = "Z", default_value_t = compute::TARGET, value_parser = z,
        allow_negative_numbers = true)]
    target: f64,
    /// What c should become, greater than 0 and at most 6
    #[arg(long, value_name = "C", default_value_t = chain::TARGET, value_parser = c,
        allow_negative_numbers = true)]
    chain_target: f64,
    /// Where x starts, greater than 1 and at most 100
    #[arg(long, value_name = "X", default_value_t = chain::START, value_parser = x,
        allow_negative_numbers = true)]
    chain_start: f64,
    /// Updates of Newton's method at most
    #[arg(long, value_name = "N", default_value_t = compute::LIMIT,
        value_parser = clap::value_parser!(u32).range(1..=1000), allow_negative_numbers = true)]
    limit: u32,
    /// Folder for the pictures and tables [default: `backprop_by_hand` in Cargo's target folder]
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

/// Reads a target of z.
fn z(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (-1e3..=1e4).contains(&value) { Ok(value) } else { Err("must be -1000 to 10000".to_owned()) }
}

/// Reads a target of c.
fn c(text: &str) -> Result<f64, String> {
    positive(text).and_then(|value| match value {
        value if value <= 6.0 => Ok(value),
        _ => Err("must be at most 6".to_owned()),
    })
}

/// Reads a start of x.
fn x(text: &str) -> Result<f64, String> {
    positive(text).and_then(|value| match value {
        value if value > 1.0 && value <= 100.0 => Ok(value),
        _ => Err("must be greater than 1 and at most 100".to_owned()),
    })
}

fn main() -> ExitCode {
    exit_code(run(Options::parse()))
}

fn run(options: Options) -> Result<(), Failure> {
    let Options { target, chain_target, chain_start, limit, output } = options;
    let plan = Plan { target, chain_target, chain_start, limit };
    let folder = Folder::create_or_default(output.as_deref(), "backprop_by_hand")?;
    let mut out = Console::new();
    tell::all(&mut out, &plan)?;
    list_files(&mut out, &pictures::write(&folder, &plan)?)?;
    Ok(())
}
