//! Prints a hash of the bits of each run: the same on every target.
//!
//! `tests/all.sh bits` builds it for this machine and for others, which QEMU or Node.js play, and
//! compares. Where there is no `std` to be counted on, it does without: see `bare.rs`.
#![cfg_attr(bare, no_std, no_main)]

#[cfg(bare)]
mod bare;
#[allow(dead_code, unreachable_pub, reason = "for the firmware it is a library")]
#[path = "../../../examples/firmware/src/models.rs"]
mod models;
mod runs;
#[allow(dead_code, unreachable_pub, reason = "as above")]
#[path = "../../../examples/firmware/src/small.rs"]
mod small;

use core::fmt;

/// Prints what every target must print.
fn print_all(out: &mut impl fmt::Write) -> fmt::Result {
    for run in models::RUNS {
        writeln!(out, "{:016x} {}", (run.train)(run.steps).hash.0, run.name)?;
    }
    for (name, run) in runs::RUNS {
        writeln!(out, "{:016x} {name}", run().0)?;
    }
    Ok(())
}

#[cfg(not(bare))]
fn main() {
    let mut text = String::new();
    let printed = print_all(&mut text);
    assert!(printed.is_ok(), "strings take everything");
    print!("{text}");
}
