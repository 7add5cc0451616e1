//! Ten points and one neuron: a script that trains it by hand, what each of its numbers should be,
//! and a small network that can do what the neuron cannot.
//!
//! ```text
//! cargo run --release --example ten_points
//! cargo run --release --example ten_points -- --help
//! ```

#[path = "../common/mod.rs"]
mod common;
mod compute;
mod pictures;
mod sections;
mod text;
mod training;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use common::console::Console;
use common::options::positive;
use common::output::{Folder, list_files};
use common::run::{Failure, exit_code};
use common::thinning::Thinning;
use compute::learning::{self, Classifier, Run};

/// Ten points and one neuron: a script that trains it by hand, what each of its numbers should be,
/// why one neuron cannot learn these points, and a 2-4-1 network that can.
#[derive(Debug, Parser)]
#[command(name = "ten_points")]
struct Options {
    /// Number of updates by which the neuron and the network are trained on the cross-entropy
    #[arg(long, value_name = "N", default_value_t = 5_000,
        value_parser = clap::value_parser!(u32).range(0..=1_000_000),
        allow_negative_numbers = true)]
    updates: u32,
    /// How far each of these updates goes; finite and greater than 0
    #[arg(long, value_name = "RATE", default_value_t = 0.5, value_parser = positive,
        allow_negative_numbers = true)]
    learning_rate: f64,
    /// Folder for the pictures and tables [default: `ten_points` in Cargo's target folder]
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

fn main() -> ExitCode {
    exit_code(run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Failure> {
    let folder = Folder::create_or_default(options.output.as_deref(), "ten_points")?;
    let mut out = Console::new();
    sections::introduce(&mut out)?;
    sections::script(&mut out)?;
    sections::verdicts(&mut out)?;
    sections::linear_function(&mut out)?;
    training::samples(&mut out)?;
    let neuron = train(options, compute::neuron());
    training::neuron(&mut out, options.learning_rate, &neuron)?;
    training::lines(&mut out)?;
    let net = train(options, compute::net());
    training::net(&mut out, options.learning_rate, &net)?;
    text::explain(&mut out)?;
    list_files(&mut out, &pictures::write(&folder, &neuron, &net)?)?;
    Ok(())
}

/// Trains by the options; keeps the moments of the loss curve and those of the tables.
fn train<N: Classifier>(options: &Options, start: N) -> Run<N> {
    let mut thinning = Thinning::default();
    learning::train(start, options.learning_rate, options.updates, |updates| {
        thinning.keeps(updates) || training::is_mark(updates)
    })
}
