//! Gradient descent on functions of one and two variables, and the effect of the learning rate.
//!
//! ```text
//! cargo run --release -p examples --bin gradient_descent
//! cargo run --release -p examples --bin gradient_descent -- --help
//! ```

use std::path::PathBuf;
use std::process::ExitCode;

use examples::gradient_descent::compute::{
    BOWL_RATE, BOWL_START, Results, STUDY_RATES, STUDY_START,
};
use examples::gradient_descent::descent::{Descent, Ending};
use examples::gradient_descent::{compute, pictures, tell};
use shared::console::Console;
use shared::options;
use shared::options::{list, path, positive, read, real, whole};
use shared::output::{Folder, list_files};
use shared::run::{Failure, exit_code};

options! {
    "gradient_descent",
    /// Gradient descent, from a first step to a study of learning rates: numbers compared with
    /// those of a text, and pictures of every path.
    struct Options {
        /// Initial x of the descent on x^2 + sin^2 y, from -10 to 10
        x: f64 = real("X", BOWL_START[0], place),
        /// Initial y of that descent, from -10 to 10
        y: f64 = real("Y", BOWL_START[1], place),
        /// Its learning rate; finite and greater than 0
        learning_rate: f64 = real("RATE", BOWL_RATE, positive),
        /// Its maximum number of updates; it ends earlier when J < 0.01
        limit: u32 = whole("N", 1000, 0..=100_000),
        /// Initial value of each run in the study of learning rates, from -10 to 10
        study_start: f64 = real("X", STUDY_START, place),
        /// Learning rates of the study, 1 to 12, separated by commas
        rates: Vec<f64> = read("LIST", rates).with(|arg| arg.default_value(STUDY_RATES.map(|rate| rate.to_string()).join(","))),
        /// Folder for the pictures and tables [default: `gradient_descent` in Cargo's target folder]
        output: Option<PathBuf> = path("DIR"),
    }
}

/// Parses learning rates.
fn rates(text: &str) -> Result<Vec<f64>, String> {
    let rates = list(text, positive).map_err(|what| format!("each rate: {what}"))?;
    if rates.len() <= 12 { Ok(rates) } else { Err("at most 12 rates".to_owned()) }
}

/// Parses a coordinate.
fn place(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (-10.0..=10.0).contains(&value) { Ok(value) } else { Err("must be -10 to 10".to_owned()) }
}

fn main() -> ExitCode {
    exit_code(run(Options::parse()))
}

fn run(options: Options) -> Result<(), Failure> {
    let start = options.study_start;
    let results = Results {
        concept: compute::concept(1e-6),
        single: compute::single_variable(1e-3),
        bowl: compute::bowl([options.x, options.y], options.learning_rate, options.limit),
        bowl_rate: options.learning_rate,
        studies: options.rates.iter().map(|&rate| compute::study(start, rate)).collect(),
    };
    let folder = Folder::create_or_default(options.output.as_deref(), "gradient_descent")?;
    let mut out = Console::default();
    tell::all(&mut out, &results)?;
    list_files(&mut out, &pictures::write(&folder, &results)?)?;
    diverged(&results.bowl, results.bowl_rate)
}

/// A descent that overflowed is a failure.
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
