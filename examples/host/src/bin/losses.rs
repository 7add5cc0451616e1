//! Loss functions: absolute and squared error, cross-entropy, and the loss of a line as a surface
//! over its slope and offset, compared with the numbers of a text.
//!
//! ```text
//! cargo run --release -p examples --bin losses
//! cargo run --release -p examples --bin losses -- --help
//! ```

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use examples::losses::compute::points::points;
use examples::losses::compute::surface::{Shape, Surface};
use examples::losses::compute::{binary, information, step_above};
use examples::losses::{pictures, text};
use shared::console::Console;
use shared::options;
use shared::options::{path, whole};
use shared::output::{Folder, list_files};
use shared::rows::Rows;
use shared::run::{Failure, exit_code};

options! {
    "losses",
    /// Loss functions with every number, compared with those of a text, and the loss surface of a
    /// line.
    struct Options {
        /// Cells of the grid for the contours, in each direction
        cells: u32 = whole("N", 80, 4..=200),
        /// Folder for the pictures (SVG) and their data (CSV) [default: `losses` in Cargo's target
        /// folder]
        output: Option<PathBuf> = path("DIR"),
    }
}

fn main() -> ExitCode {
    exit_code(run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Failure> {
    let folder = Folder::create_or_default(options.output.as_deref(), "losses")?;
    let mut out = Console::default();
    let surface = Surface::over(&points());
    introduce(&mut out)?;
    let sections = text::sections(&surface);
    for (section, number) in sections.iter().zip(1_u32..) {
        Rows::new(&mut out, "here").heading(&format!("{number}. {}", section.title))?;
        for line in section.idea.lines() {
            writeln!(out, "  {line}")?;
        }
        let mut rows = Rows::new(&mut out, "here");
        for row in &section.rows {
            rows.line(row)?;
        }
        for line in section.note.lines() {
            writeln!(out, "  {line}")?;
        }
    }
    explain(&mut out, &surface, sections.len())?;
    let mut paths = vec![];
    for picture in [
        pictures::cross_entropy()?,
        pictures::four_lines(&surface)?,
        pictures::all_lines(&surface)?,
        pictures::slices(&surface)?,
        pictures::bowl(&surface)?,
        pictures::by_hand(&surface)?,
        pictures::contour_lines(&surface, options.cells)?,
    ] {
        paths.extend(folder.write_picture(&picture)?);
    }
    list_files(&mut out, &paths)?;
    Ok(())
}

fn introduce(out: &mut impl Write) -> io::Result<()> {
    write!(
        out,
        "What a mistake costs: the losses that networks are trained on, one number at a time.

y is what is right (or t, for several), a the answer, z the weighted sum before the activation,
m the number of samples. All is computed in f64, the losses and derivatives by gradlet.
\"agrees\": rounds to the digits of the text. \"differs\" gives the reason in a word, which the last
section explains. \"-\": not in the text.
"
    )
}

/// The reasons that the verdicts name, and statements of the text that are no numbers.
fn explain(out: &mut impl Write, surface: &Surface, sections: usize) -> io::Result<()> {
    let news = information([0.7, 0.2, 0.1]);
    let ratio = Shape::of(surface.hessian()).ratio();
    let (difference, after) = step_above(1.0, 1.5);
    let slope = binary(0.0, 0.99);
    writeln!(out, "\n{}. Where the text differs", sections.saturating_add(1))?;
    write!(
        out,
        "  rounded  The text adds up terms of two decimals: {:.3}. The entropy is {:.10}.
  circle   The text expects circles where the target line has w = b = 1, so that both \"count the
           same\". But the second derivatives of J are the means of x^2, of x and of 1: the target
           is not in them. For x from 0 to 1 all targets have one ellipse, {ratio:.2} : 1. It is
           tilted because the mean of x is not 0: more w is made up for by less b. It becomes a
           circle when x has mean 0 and variance 1, as gradlet::preprocess::Standardize makes it.

  Three of its statements that are not about numbers:
  a - y > 0   means that the line is above the point, not below. a - y = {difference}, and the step
              brought a down from 1.5 to {after}.
  sigmoid     Squared error behind a sigmoid can reach the optimum, but slowly: its derivative has
              the factor a (1 - a), {:.4} at a = 0.99, and almost no slope where the answer is sure
              and wrong. The cross-entropy has {:.2} there.
  w           are weights, and x are features; the text once calls w feature values.
",
        news.of_rounded,
        news.entropy,
        0.99 * (1.0 - 0.99),
        slope.by_logit,
    )
}
