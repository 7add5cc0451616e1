//! Gradient descent on functions of one and of two variables, and what the learning rate does.
//!
//! ```text
//! cargo run --release --example gradient_descent
//! cargo run --release --example gradient_descent -- --help
//! ```

#[path = "../common/mod.rs"]
mod common;
mod compute;
mod pictures;
mod tell;

use core::str::FromStr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use common::console::Console;
use common::options::positive;
use common::output::{Folder, list_files};
use common::run::{Failure, exit_code};
use compute::descent::{Descent, Ending};
use compute::{BOWL_RATE, BOWL_START, Results, STUDY_RATES, STUDY_START};

/// Gradient descent from a first step to a learning-rate study: numbers beside those of a text, and
/// pictures of every path.
#[derive(Debug, Parser)]
#[command(name = "gradient_descent")]
struct Options {
    /// Where the descent on x^2 + sin^2 y starts: x, from -10 to 10
    #[arg(long, value_name = "X", default_value_t = BOWL_START[0], value_parser = place,
        allow_negative_numbers = true)]
    x: f64,
    /// Where it starts: y, from -10 to 10
    #[arg(long, value_name = "Y", default_value_t = BOWL_START[1], value_parser = place,
        allow_negative_numbers = true)]
    y: f64,
    /// Its learning rate; finite and greater than 0
    #[arg(long, value_name = "RATE", default_value_t = BOWL_RATE, value_parser = positive,
        allow_negative_numbers = true)]
    learning_rate: f64,
    /// Its updates at most; it ends earlier where J < 0.01
    #[arg(long, value_name = "N", default_value_t = 1000,
        value_parser = clap::value_parser!(u32).range(0..=100_000), allow_negative_numbers = true)]
    limit: u32,
    /// Where each run of the study of learning rates starts, from -10 to 10
    #[arg(long, value_name = "X", default_value_t = STUDY_START, value_parser = place,
        allow_negative_numbers = true)]
    study_start: f64,
    /// Learning rates of the study, 1 to 12, separated by commas [default: 1.1,1,.8,.6,.5,.4,.2,.1]
    #[arg(long, value_name = "LIST", allow_negative_numbers = true)]
    rates: Option<Rates>,
    /// Folder for the pictures and tables [default: `gradient_descent` in Cargo's target folder]
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

/// Learning rates.
#[derive(Clone, Debug)]
struct Rates(Vec<f64>);

impl FromStr for Rates {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rates: Result<Vec<_>, _> = text.split(',').map(|rate| positive(rate.trim())).collect();
        let rates = rates.map_err(|what| format!("each rate: {what}"))?;
        if rates.len() <= 12 { Ok(Self(rates)) } else { Err("at most 12 rates".to_owned()) }
    }
}

/// Reads a coordinate.
fn place(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (-10.0..=10.0).contains(&value) { Ok(value) } else { Err("must be -10 to 10".to_owned()) }
}

fn main() -> ExitCode {
    exit_code(run(Options::parse()))
}

fn run(options: Options) -> Result<(), Failure> {
    let rates = options.rates.map_or_else(|| STUDY_RATES.to_vec(), |Rates(rates)| rates);
    let start = options.study_start;
    let results = Results {
        concept: compute::concept(1e-6),
        single: compute::single_variable(1e-3),
        bowl: compute::bowl([options.x, options.y], options.learning_rate, options.limit),
        bowl_rate: options.learning_rate,
        studies: rates.into_iter().map(|rate| compute::study(start, rate)).collect(),
    };
    let folder = Folder::create_or_default(options.output.as_deref(), "gradient_descent")?;
    let mut out = Console::new();
    tell::all(&mut out, &results)?;
    list_files(&mut out, &pictures::write(&folder, &results)?)?;
    diverged(&results.bowl, results.bowl_rate)
}

/// A descent that left the range of the numbers is a failure.
fn diverged(bowl: &Descent<2>, rate: f64) -> Result<(), Failure> {
    if bowl.ending != Ending::Diverged {
        return Ok(());
    }
    Err(Failure::because(format!(
        "the descent on x^2 + sin^2 y diverged: J is infinite after {} updates with the learning \
         rate {}; try a smaller --learning-rate",
        bowl.visits.len(),
        tell::short(rate)
    )))
}
