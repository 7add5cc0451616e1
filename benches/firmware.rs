//! Measures the networks of the benchmark on emulated microcontrollers, beside the same networks
//! written by hand, and writes the tables of the README and of the page of the firmware.
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
    let rows = figures::measure_all(&[]);
    let short = rows.iter().filter(|row| figures::is_in_short(&row.name));
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    write(readme, "short", &figures::table("short", short))?;
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/firmware/README.md");
    write(page, "networks", &figures::table("networks", &rows))?;
    write(page, "parts", &figures::table_of_parts(&figures::measure_parts()))?;
    write(page, "loops", &figures::table_of_loops(&rows))
}

/// Prints a table, and puts it into a page in place of that of this name.
fn write(path: &str, name: &str, table: &str) -> Result<(), Box<dyn Error>> {
    print!("{table}");
    let page = fs::read_to_string(path)?;
    fs::write(path, page.replace(figures::written(&page, name), table))?;
    Ok(())
}
