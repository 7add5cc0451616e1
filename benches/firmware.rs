//! Measures the networks of the benchmark on emulated microcontrollers, beside the same networks
//! written by hand, and writes the table of the README.
//!
//! `cargo bench --bench firmware`; needs what `tests/all.sh firmware` installs.

#[allow(dead_code, reason = "tests use more of it")]
#[path = "../tests/support/figures.rs"]
mod figures;
#[allow(dead_code, reason = "tests use more of it")]
#[path = "../tests/support/firmware.rs"]
mod firmware;

use core::error::Error;
use std::fs;

fn main() -> Result<(), Box<dyn Error>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = fs::read_to_string(path)?;
    let table = figures::table(&figures::measure_all());
    print!("{table}");
    fs::write(path, readme.replace(figures::written(&readme), &table))?;
    Ok(())
}
