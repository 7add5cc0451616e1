//! The first chapters of a well-known text on deep learning: predictions of linear neurons, hot and
//! cold, the error-based rule, alpha, several inputs and outputs; every number beside the text's.
//!
//! ```text
//! cargo run --release --example grokking
//! cargo run --release --example grokking -- --section alpha --alpha 0.045
//! ```

#[path = "../common/mod.rs"]
mod common;
mod compute;
mod explain;
mod ideas;
mod pictures;
mod text;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use common::console::Console;
use common::options::positive;
use common::output::{Folder, list_files};
use common::rows::Rows;
use common::run::{Failure, exit_code};
use text::Section;

/// Linear neurons learn by hot and cold, by error, with alpha, with several inputs and outputs:
/// every number beside the one in a well-known text.
#[derive(Debug, Parser)]
#[command(name = "grokking")]
struct Options {
    /// Only this section, with its pictures; may be given several times [default: all]
    #[arg(long, value_enum, value_name = "NAME")]
    section: Vec<Section>,
    /// An alpha of your own for the section on alpha; finite and greater than 0
    #[arg(long, value_name = "RATE", value_parser = positive, allow_negative_numbers = true)]
    alpha: Option<f64>,
    /// Folder for the pictures and tables [default: `grokking` in Cargo's target folder]
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

fn main() -> ExitCode {
    exit_code(run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Failure> {
    let folder = Folder::create_or_default(options.output.as_deref(), "grokking")?;
    let mut out = Console::new();
    write!(
        out,
        "Linear neurons without biases, in f64. \"agrees\": rounds to the digits of the text. \"-\": not in\n\
         the text. \"differs\" gives the reason in a word, explained under \"Where the text differs\".\n"
    )?;
    let all = Section::value_variants();
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
