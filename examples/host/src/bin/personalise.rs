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
use examples::anomaly::mean;
use examples::digits::pictures::confusion;
use examples::personalise::{self as compute, Run, World, percent};
use gradlet::Fixed;
use shared::console::Console;
use shared::options;
use shared::options::{flag, path, whole};
use shared::output::{Folder, Picture};
use shared::plot::{Axis, Chart, DrawError, Legend, Line, Look};
use shared::progress;
use shared::run::{Failure, exit_code};
use shared::table::Csv;

options! {
    "personalise",
    /// On-device personalisation: a classifier trained on upright digits learns rotated ones from a
    /// few labelled images, without forgetting the upright ones.
    struct Options {
        /// Folder with the repository's data files [default: examples/data of the repository in
        /// which this program was built]
        data: Option<PathBuf> = path("DIR"),
        /// Number of random splits of the digits, each with its own factory and device
        splits: u64 = whole("N", 10, 1..=1000),
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
    let splits = if options.quick { 2 } else { options.splits };
    let bar = progress::bar(splits, "splits");
    let (mut runs, mut fixed) = (vec![], vec![]);
    for seed in 1..=splits {
        let world = World::new(&digits, seed);
        runs.push(compute::run::<f32>(&world)?);
        fixed.push(compute::run::<Fixed>(&world)?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    let mut out = Console::default();
    tell(&mut out, &runs, &fixed)?;
    let mut pictures = vec![curves(&runs)?];
    if let Some(Run { before: [_, before], after: [_, after], .. }) = runs.first() {
        for (name, title, matrix) in [
            ("confusion_before", "Rotated digits, read by the factory's network", before),
            ("confusion_after", "Rotated digits, read after learning", after),
        ] {
            pictures.push(confusion(name, title, matrix));
        }
    }
    folder.write_pictures(&mut out, &pictures)
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

fn tell(out: &mut impl Write, runs: &[Run], fixed: &[Run]) -> io::Result<()> {
    writeln!(
        out,
        "A 64-64-10 network learns 1,000 upright digits in the factory. On the device, digits come\n\
         rotated by 90 degrees: its last layer learns {SHOWN} labelled ones, each in 20 steps of 8 images,\n\
         6 of which are upright, from {UPRIGHT} in flash without labels. Device: {} bytes of RAM.\n\n\
         Accuracy on held-out digits, in percent; the last two rows in fixed point, as on a core without an FPU:\n",
        Device::<f32>::BYTES
    )?;
    writeln!(out, "{:>15}{:>30}{:>30}{:>24}", "", "upright", "rotated", "without upright images")?;
    writeln!(
        out,
        "{:>15}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}{:>12}{:>12}",
        "split", "before", "after", "falls by", "before", "after", "rises by", "upright", "rotated"
    )?;
    let rows = rows(runs);
    for (split, row) in (1_u32..).zip(&rows) {
        write_row(out, &split.to_string(), row)?;
    }
    summarise(out, "", &rows)?;
    summarise(out, ", fixed", &self::rows(fixed))
}

fn rows(runs: &[Run]) -> Vec<[f64; 8]> {
    let row = |Run { before, after, forgetful, .. }: &Run| {
        let [old, new] = before.each_ref().map(percent);
        let [old_after, new_after] = after.each_ref().map(percent);
        let [forgot, learned] = forgetful.each_ref().map(percent);
        [old, old_after, old - old_after, new, new_after, new_after - new, forgot, learned]
    };
    runs.iter().map(row).collect()
}

/// The means and the worst of all rows.
fn summarise(out: &mut impl Write, kind: &str, rows: &[[f64; 8]]) -> io::Result<()> {
    let column = |number: usize| -> Vec<f64> {
        rows.iter().filter_map(|row| row.get(number).copied()).collect()
    };
    let of_all = |pick: &dyn Fn(usize) -> f64| core::array::from_fn::<f64, 8, _>(pick);
    write_row(out, &format!("mean{kind}"), &of_all(&|number| mean(&column(number))))?;
    let worst = |number: usize| {
        let fold = if number == 2 { f64::max } else { f64::min };
        column(number).into_iter().reduce(fold).unwrap_or_default()
    };
    write_row(out, &format!("worst{kind}"), &of_all(&worst))
}

fn write_row(out: &mut impl Write, name: &str, row: &[f64; 8]) -> io::Result<()> {
    let [a, b, c, d, e, f, g, h] = row;
    writeln!(
        out,
        "{name:>15}{a:>10.1}{b:>10.1}{c:>10.1}{d:>10.1}{e:>10.1}{f:>10.1}{g:>12.1}{h:>12.1}"
    )
}

/// Accuracy while a device learns: the means over all splits, with an area from the worst to the
/// best.
fn curves(runs: &[Run]) -> Result<Picture, DrawError> {
    let mut chart = Chart::new(
        format!("Accuracy on held-out digits: means and ranges of {} splits", runs.len()),
        Axis::linear("labelled rotated digits learned").from(0.0, 105.0),
        Axis::linear("accuracy, in percent").from(0.0, 100.0),
    )
    .legend(Legend::LowerRight);
    let first = runs.first().map_or(&[][..], |run| &run.curve);
    let labels = ["upright digits, as in the factory", "rotated digits, as now"];
    for (kind, label) in labels.into_iter().enumerate() {
        let points = |pick: &dyn Fn(&[f64]) -> f64| -> Vec<(f64, f64)> {
            let at = |number: usize| {
                let of_run = |run: &Run| run.curve.get(number)?.1.get(kind).copied();
                pick(&runs.iter().filter_map(of_run).collect::<Vec<_>>())
            };
            (0..).zip(first).map(|(number, mark)| (mark.0.into(), at(number))).collect()
        };
        let lowest = points(&|values| values.iter().copied().fold(100.0, f64::min));
        let highest = points(&|values| values.iter().copied().fold(0.0, f64::max));
        let area = lowest.into_iter().chain(highest.into_iter().rev());
        chart = chart
            .with(Line::new(Look::Area, kind, area))
            .with(Line::solid(kind, points(&mean)).named(label));
    }
    let end = first.last().map_or(0.0, |mark| mark.0.into());
    for (kind, label) in [(0, Some("the same without upright images in each step")), (1, None)] {
        let forgetful = runs.iter().filter_map(|run| run.forgetful.get(kind)).map(percent);
        let cross = Line::crosses(kind, [(end, mean(&forgetful.collect::<Vec<_>>()))]);
        chart = chart.with(Line { label: label.map(str::to_owned), ..cross });
    }
    let mut csv = Csv::new(&["split", "labelled", "upright_percent", "rotated_percent"]);
    for (split, run) in (1_u32..).zip(runs) {
        for (labelled, [old, new]) in &run.curve {
            csv.row(&[split.into(), (*labelled).into(), *old, *new]);
        }
    }
    Ok(Picture { name: "accuracy", svg: chart.svg()?, csv: csv.finish() })
}
