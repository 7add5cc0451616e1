//! On-device personalisation without catastrophic forgetting: a digit classifier adapts to a device
//! that is mounted on its side.
//!
//! ```text
//! cargo run --release -p examples --features devices --bin personalise
//! cargo run --release -p examples --features devices --bin personalise -- --help
//! ```
//!
//! The device is `examples/firmware/devices/src/personal.rs`, which the program `personalise` of
//! that firmware runs on a microcontroller, with bit-identical results. The digits are in
//! `examples/data` of the repository.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use devices::personal::{Device, SHOWN, UPRIGHT};
use examples::anomaly::compute::mean;
use examples::personalise::compute::{Run, World, percent};
use examples::personalise::{compute, pictures};
use shared::console::Console;
use shared::options;
use shared::options::{flag, path, whole};
use shared::output::{Folder, list_files};
use shared::progress;
use shared::run::{Failure, exit_code};

options! {
    "personalise",
    /// On-device personalisation: a classifier trained on upright digits learns rotated ones from a
    /// few labelled images, without forgetting the upright ones.
    struct Options {
        /// Folder with the repository's data files [default: examples/data of the repository in
        /// which this program was built]
        data: Option<PathBuf> = path("DIR"),
        /// Number of random splits of the digits, each with its own factory and device
        worlds: u64 = whole("N", 10, 1..=1000),
        /// Two splits
        quick: bool = flag(),
        /// Write the firmware's files, from the first split, into this folder, and exit
        write_firmware: Option<PathBuf> = path("DIR"),
        /// Folder for the pictures and tables [default: `personalise` in Cargo's target folder]
        output: Option<PathBuf> = path("DIR"),
    }
}

fn main() -> ExitCode {
    exit_code(run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Failure> {
    let digits =
        compute::digits(&options.data.clone().unwrap_or_else(examples::digits::idx::own_data))?;
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
    let mut out = Console::default();
    tell(&mut out, &runs)?;
    list_files(&mut out, &pictures::write(&folder, &runs)?)?;
    Ok(())
}

/// Writes the factory's network, the upright images, the labelled images, and 100 held-out images
/// of each kind.
fn write_firmware(folder: &Path, world: &World) -> Result<(), Failure> {
    let (weights, digits) = compute::for_firmware(world)?;
    fs::create_dir_all(folder)?;
    fs::write(folder.join("factory.safetensors"), weights)?;
    fs::write(folder.join("digits.bin"), digits)?;
    Ok(())
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
