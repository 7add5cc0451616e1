//! Linear neurons, after the first chapters of a well-known text on deep learning: predictions, hot
//! and cold learning, gradient descent, alpha, several inputs and outputs; every number is compared
//! with the text's.
//!
//! ```text
//! cargo run --release -p examples --bin grokking
//! cargo run --release -p examples --bin grokking -- --section alpha --alpha 0.045
//! ```

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use examples::grokking::text::Section;
use examples::grokking::{explain, pictures};
use shared::console::Console;
use shared::options;
use shared::options::{list, path, positive, read};
use shared::output::{Folder, list_files};
use shared::rows::Rows;
use shared::run::{Failure, exit_code};

options! {
    "grokking",
    /// Linear neurons learn by hot and cold learning, from the error, with alpha, with several
    /// inputs and outputs: every number is compared with that of a well-known text.
    struct Options {
        /// Only these sections, with their pictures, separated by commas: forward, vectors, hot-cold,
        /// error-based, alpha, inputs, outputs [default: all]
        section: Vec<Section> = read("LIST", |text| list(text, Section::named)),
        /// Another alpha (learning rate) for the section on alpha; finite and greater than 0
        alpha: Option<f64> = read("RATE", |text| positive(text).map(Some)),
        /// Folder for the pictures and tables [default: `grokking` in Cargo's target folder]
        output: Option<PathBuf> = path("DIR"),
    }
}

fn main() -> ExitCode {
    exit_code(run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Failure> {
    let folder = Folder::create_or_default(options.output.as_deref(), "grokking")?;
    let mut out = Console::default();
    write!(
        out,
        "Linear neurons without biases, in f64. \"agrees\": rounds to the digits of the text. \"-\": not in\n\
         the text. \"differs\" gives the reason in a word, explained under \"Where the text differs\".\n"
    )?;
    let all = Section::ALL.map(|(section, _)| section);
    let chosen =
        |section: &&Section| options.section.is_empty() || options.section.contains(section);
    for (section, number) in all.iter().zip(1_u32..).filter(|(section, _)| chosen(section)) {
        let mut rows = Rows::new(&mut out, "computed");
        rows.heading(&format!("{number}. {}", section.title()))?;
        for row in section.rows() {
            rows.line(&row)?;
        }
        writeln!(out)?;
        for line in section.idea().lines() {
            writeln!(out, "  {line}")?;
        }
        if let (Section::Alpha, Some(alpha)) = (section, options.alpha) {
            explain::own_alpha(&mut out, alpha)?;
        }
    }
    let words = explain::words(all.iter().filter(chosen).copied());
    explain::explain(&mut out, &words)?;
    let mut files = vec![];
    for &section in all.iter().filter(chosen) {
        files.extend(pictures::write(&folder, section, options.alpha)?);
    }
    list_files(&mut out, &files)?;
    Ok(())
}
