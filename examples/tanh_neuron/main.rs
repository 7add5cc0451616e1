//! One tanh neuron, taught one answer in two ways: by a text that inverts the target by hand, and by
//! backpropagation. Every number of the text, both curves, and why they differ: saturation.
//!
//! ```text
//! cargo run --release --example tanh_neuron
//! cargo run --release --example tanh_neuron -- --help
//! ```

#[path = "../common/mod.rs"]
mod common;
mod compute;
mod pictures;
mod sections;
mod text;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use common::console::Console;
use common::options::positive;
use common::output::{Folder, list_files};
use common::run::{Failure, exit_code};
use common::thinning::Thinning;
use compute::Curves;

/// One tanh neuron, taught one answer in two ways: by a text that inverts the target by hand, and by
/// backpropagation. Every number of the text, both loss curves, and why they differ.
#[derive(Debug, Parser)]
#[command(name = "tanh_neuron")]
struct Options {
    /// Number of updates of the loss curves
    #[arg(long, value_name = "N", default_value_t = 10_000,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000), allow_negative_numbers = true)]
    updates: u32,
    /// How far each update of the loss curves goes; finite and greater than 0. The numbers of the
    /// text are computed with the rate of the text, 0.01
    #[arg(long, value_name = "RATE", default_value_t = compute::RATE, value_parser = positive,
        allow_negative_numbers = true)]
    learning_rate: f64,
    /// Folder for the pictures and tables [default: `tanh_neuron` in Cargo's target folder]
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

fn main() -> ExitCode {
    exit_code(run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Failure> {
    let folder = Folder::create_or_default(options.output.as_deref(), "tanh_neuron")?;
    let mut out = Console::new();
    sections::introduce(&mut out)?;
    sections::prints(&mut out)?;
    sections::first_step(&mut out)?;
    let curves = Curves::train(options.learning_rate, options.updates, || {
        let mut thinning = Thinning::default();
        move |updates| thinning.keeps(updates) || sections::is_mark(updates)
    });
    sections::curves(&mut out, &curves)?;
    sections::saturation(&mut out, &curves)?;
    sections::other_inputs(&mut out)?;
    text::explain(&mut out)?;
    list_files(&mut out, &pictures::write(&folder, &curves)?)?;
    Ok(())
}
