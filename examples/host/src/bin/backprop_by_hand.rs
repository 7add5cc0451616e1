//! Backpropagation by hand, on two chains of functions from a text: a target is reached by dividing
//! by derivatives (Newton's method), and by gradient descent, which multiplies by them.
//!
//! ```text
//! cargo run --release -p examples --bin backprop_by_hand
//! cargo run --release -p examples --bin backprop_by_hand -- --help
//! ```

use std::path::PathBuf;
use std::process::ExitCode;

use examples::backprop_by_hand::compute::Plan;
use examples::backprop_by_hand::{chain, compute, pictures, tell};
use shared::console::Console;
use shared::options;
use shared::options::{path, positive, real, whole};
use shared::output::{Folder, list_files};
use shared::run::{Failure, exit_code};

options! {
    "backprop_by_hand",
    /// Derivatives by hand, forward and backward: z = (2 w + 3 b) (2 b + 1) from 162 to 150, and
    /// c = sqrt(ln x^2) to 2.14, by Newton's method and by gradient descent.
    struct Options {
        /// Target of z, from -1000 to 10000
        target: f64 = real("Z", compute::TARGET, z),
        /// Target of c, greater than 0 and at most 6
        chain_target: f64 = real("C", chain::TARGET, c),
        /// Initial x, greater than 1 and at most 100
        chain_start: f64 = real("X", chain::START, x),
        /// Maximum number of updates of Newton's method
        limit: u32 = whole("N", compute::LIMIT, 1..=1000),
        /// Folder for the pictures and tables [default: `backprop_by_hand` in Cargo's target folder]
        output: Option<PathBuf> = path("DIR"),
    }
}

/// Parses a target of z.
fn z(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (-1e3..=1e4).contains(&value) { Ok(value) } else { Err("must be -1000 to 10000".to_owned()) }
}

/// Parses a target of c.
fn c(text: &str) -> Result<f64, String> {
    positive(text).and_then(|value| match value {
        value if value <= 6.0 => Ok(value),
        _ => Err("must be at most 6".to_owned()),
    })
}

/// Parses an initial x.
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
    let mut out = Console::default();
    tell::all(&mut out, &plan)?;
    list_files(&mut out, &pictures::write(&folder, &plan)?)?;
    Ok(())
}
