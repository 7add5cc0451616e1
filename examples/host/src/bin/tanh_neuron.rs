//! Saturation of a tanh neuron: trained on one sample by a text that inverts the target by hand,
//! and by backpropagation. Every number of the text, both loss curves, and why they differ.
//!
//! ```text
//! cargo run --release -p examples --bin tanh_neuron
//! cargo run --release -p examples --bin tanh_neuron -- --help
//! ```

use std::path::PathBuf;
use std::process::ExitCode;

use examples::tanh_neuron::compute::Curves;
use examples::tanh_neuron::{compute, pictures, sections, text};
use shared::console::Console;
use shared::options;
use shared::options::{path, positive, real, whole};
use shared::output::{Folder, list_files};
use shared::run::{Failure, exit_code};
use shared::thinning::Thinning;

options! {
    "tanh_neuron",
    /// Saturation of a tanh neuron: trained on one sample by a text that inverts the target by
    /// hand, and by backpropagation. Every number of the text, both loss curves, and why they
    /// differ.
    struct Options {
        /// Number of updates in the loss curves
        updates: u32 = whole("N", 10_000, 1..=1_000_000),
        /// Learning rate of the loss curves; finite and greater than 0. The numbers of the text are
        /// computed with the text's rate, 0.01
        learning_rate: f64 = real("RATE", compute::RATE, positive),
        /// Folder for the pictures and tables [default: `tanh_neuron` in Cargo's target folder]
        output: Option<PathBuf> = path("DIR"),
    }
}

fn main() -> ExitCode {
    exit_code(run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Failure> {
    let folder = Folder::create_or_default(options.output.as_deref(), "tanh_neuron")?;
    let mut out = Console::default();
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
