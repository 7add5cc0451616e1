//! A network that reads digits gets used to a device that is mounted on its side.
//!
//! ```text
//! cargo run --release --features heapless --example personalise
//! cargo run --release --features heapless --example personalise -- --help
//! ```
//!
//! The device is `examples/firmware/src/personal.rs`, which the program `personalise` of that firmware
//! runs on a microcontroller, to the same bits. The digits are in `examples/data` of the repository,
//! and not in the package on crates.io.

#[path = "../common/mod.rs"]
mod common;
mod compute;
#[allow(dead_code, reason = "the example `digits` draws more")]
#[path = "../digits/drawing.rs"]
mod drawing;
#[allow(dead_code, reason = "the example `digits` reads more")]
#[path = "../digits/idx.rs"]
mod idx;
#[allow(
    dead_code,
    unreachable_pub,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::must_use_candidate,
    missing_debug_implementations,
    reason = "for the firmware it is a library, with lints of its own"
)]
#[path = "../firmware/src/personal.rs"]
mod personal;
mod pictures;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use common::console::Console;
use common::output::{Folder, list_files};
use common::progress;
use common::run::{Failure, exit_code};
use compute::{Run, World, percent};
use personal::{Device, SHOWN, UPRIGHT};

/// Lets a network that was trained with upright digits learn turned ones, from a few that have labels.
#[derive(Debug, Parser)]
#[command(name = "personalise")]
struct Options {
    /// Folder with the files of digits of the repository [default: examples/data where this program
    /// was built]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// In how many worlds: each has the digits in an order of its own, and its own factory
    #[arg(long, value_name = "N", default_value_t = 10,
        value_parser = clap::value_parser!(u64).range(1..=1000), allow_negative_numbers = true)]
    worlds: u64,
    /// Two worlds
    #[arg(long)]
    quick: bool,
    /// Write what the firmware needs of the first world into this folder, and end
    #[arg(long, value_name = "DIR")]
    write_firmware: Option<PathBuf>,
    /// Folder for the pictures and tables [default: `personalise` in Cargo's target folder]
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

fn main() -> ExitCode {
    exit_code(run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Failure> {
    let digits = compute::digits(&options.data.clone().unwrap_or_else(idx::own_data))?;
    if let Some(folder) = &options.write_firmware {
        return write_firmware(folder, &World::new(&digits, 1));
    }
    let folder = Folder::create_or_default(options.output.as_deref(), "personalise")?;
    let worlds = if options.quick { 2 } else { options.worlds };
    let bar = progress::bar(worlds, "worlds");
    let runs: Vec<Run> = (1..=worlds)
        .map(|seed| {
            let run = compute::run(&World::new(&digits, seed));
            bar.inc(1);
            run
        })
        .collect();
    bar.finish_and_clear();
    let mut out = Console::new();
    tell(&mut out, &runs)?;
    list_files(&mut out, &pictures::write(&folder, &runs)?)?;
    Ok(())
}

/// The network of the factory, the upright images, the labelled ones, and 100 of those held out of each
/// kind.
fn write_firmware(folder: &Path, world: &World) -> Result<(), Failure> {
    let (weights, digits) = compute::for_firmware(world)?;
    fs::create_dir_all(folder)?;
    fs::write(folder.join("factory.safetensors"), weights)?;
    fs::write(folder.join("digits.bin"), digits)?;
    Ok(())
}

fn mean(values: &[f64]) -> f64 {
    let count = u32::try_from(values.len()).unwrap_or(u32::MAX);
    values.iter().sum::<f64>() / f64::from(count)
}

fn tell(out: &mut impl Write, runs: &[Run]) -> io::Result<()> {
    writeln!(
        out,
        "A 64-64-10 network learns 1,000 upright digits in the factory. On the device, digits come\n\
         turned by 90 degrees: its last layer learns {SHOWN} labelled ones, each in 20 steps of 8 images,\n\
         6 of which are upright, from {UPRIGHT} in flash without labels. Device: {} bytes of RAM.\n\n\
         Right answers on held-out digits, in percent:\n",
        Device::BYTES
    )?;
    writeln!(out, "{:>15}{:>30}{:>30}{:>24}", "", "upright", "turned", "without upright images")?;
    writeln!(
        out,
        "{:>15}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}{:>12}{:>12}",
        "world", "before", "after", "falls by", "before", "after", "rises by", "upright", "turned"
    )?;
    let rows: Vec<[f64; 8]> = runs
        .iter()
        .map(|Run { before, after, forgetful, .. }| {
            let [old, new] = before.each_ref().map(percent);
            let [old_after, new_after] = after.each_ref().map(percent);
            let [forgot, learned] = forgetful.each_ref().map(percent);
            [old, old_after, old - old_after, new, new_after, new_after - new, forgot, learned]
        })
        .collect();
    for (world, row) in (1_u32..).zip(&rows) {
        write_row(out, &world.to_string(), row)?;
    }
    let column = |number: usize| -> Vec<f64> {
        rows.iter().filter_map(|row| row.get(number).copied()).collect()
    };
    let of_all = |pick: &dyn Fn(usize) -> f64| core::array::from_fn::<f64, 8, _>(pick);
    write_row(out, "mean", &of_all(&|number| mean(&column(number))))?;
    let worst = |number: usize| {
        let fold = if number == 2 { f64::max } else { f64::min };
        column(number).into_iter().reduce(fold).unwrap_or_default()
    };
    write_row(out, "worst", &of_all(&worst))
}

fn write_row(out: &mut impl Write, name: &str, row: &[f64; 8]) -> io::Result<()> {
    let [a, b, c, d, e, f, g, h] = row;
    writeln!(
        out,
        "{name:>15}{a:>10.1}{b:>10.1}{c:>10.1}{d:>10.1}{e:>10.1}{f:>10.1}{g:>12.1}{h:>12.1}"
    )
}
