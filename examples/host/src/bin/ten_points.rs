//! Linear separability: a script trains a neuron by hand on ten points; what each of its numbers
//! should be, and a small network that can learn what the neuron cannot.
//!
//! ```text
//! cargo run --release -p examples --bin ten_points
//! cargo run --release -p examples --bin ten_points -- --help
//! ```

use std::path::PathBuf;
use std::process::ExitCode;

use examples::ten_points::compute::learning::{self, Classifier, Run};
use examples::ten_points::{compute, pictures, sections, text, training};
use shared::console::Console;
use shared::options;
use shared::options::{path, positive, real, whole};
use shared::output::{Folder, list_files};
use shared::run::{Failure, exit_code};
use shared::thinning::Thinning;

options! {
    "ten_points",
    /// Linear separability: a script trains a neuron by hand on ten points; what each of its
    /// numbers should be, why one neuron cannot learn these points, and a 2-4-1 network that can.
    struct Options {
        /// Number of updates of the neuron and of the network on the cross-entropy
        updates: u32 = whole("N", 5_000, 0..=1_000_000),
        /// Learning rate of these updates; finite and greater than 0
        learning_rate: f64 = real("RATE", 0.5, positive),
        /// Folder for the pictures and tables [default: `ten_points` in Cargo's target folder]
        output: Option<PathBuf> = path("DIR"),
    }
}

fn main() -> ExitCode {
    exit_code(run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Failure> {
    let folder = Folder::create_or_default(options.output.as_deref(), "ten_points")?;
    let mut out = Console::default();
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

/// Trains as the options say; records the states for the loss curve and the tables.
fn train<N: Classifier>(options: &Options, start: N) -> Run<N> {
    let mut thinning = Thinning::default();
    learning::train(start, options.learning_rate, options.updates, |updates| {
        thinning.keeps(updates) || training::is_mark(updates)
    })
}
