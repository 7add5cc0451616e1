//! A smart watch that gets to know its wearer: a recurrent network recognises seven exercises of
//! nine people, and its last layer adapts to a tenth in the memory of a microcontroller.
//!
//! ```text
//! cargo run --release -p examples --features devices --bin motions
//! cargo run --release -p examples --features devices --bin motions -- --help
//! ```
//!
//! The networks and their training are in `examples/firmware/devices/src/motions.rs`, which the
//! program `motions` of that firmware runs on a microcontroller, with bit-identical results. The
//! windows are in `examples/firmware/data/motions.bin`.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use devices::motions::{
    AT_FACTORY, EXERCISES, Factory, Head, Learner, NAMES, ON_DEVICE, PEOPLE, Personal, RECORDINGS,
    SHOWN, WINDOWS,
};
use devices::training::Plan;
use examples::learning::percent;
use examples::motions::{self as compute, Run, WEARER};
use examples::vowels::mean;
use gradlet::prelude::*;
use shared::console::Console;
use shared::options;
use shared::options::{flag, path, whole};
use shared::output::{Folder, Picture};
use shared::plot::{Axis, Chart, DrawError, Legend, Line, Look, matrix};
use shared::progress;
use shared::run::{Failure, exit_code};

options! {
    "motions",
    /// A smart watch that gets to know its wearer: the last layer of a recurrent network, trained on
    /// nine people, learns how a tenth does seven exercises.
    struct Options {
        /// Number of passes over the windows of nine people in the factory
        epochs: u32 = whole("N", 20, 1..=10_000),
        /// Number of people who wear a device, one after the other
        people: u64 = whole("N", 10, 1..=10),
        /// One epoch and two people
        quick: bool = flag(),
        /// Write the network of the firmware's device into this folder, and do nothing else
        write_firmware: Option<PathBuf> = path("DIR"),
        /// Folder for the pictures and tables [default: `motions` in Cargo's target folder]
        output: Option<PathBuf> = path("DIR"),
    }
}

fn main() -> ExitCode {
    exit_code(run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Failure> {
    let Options { epochs, people, quick, .. } = *options;
    if let Some(folder) = &options.write_firmware {
        let factory = compute::factory(WEARER, &AT_FACTORY);
        fs::create_dir_all(folder)?;
        fs::write(folder.join("motions.safetensors"), compute::for_firmware(&factory)?)?;
        return Ok(());
    }
    let (epochs, people) = if quick { (1, 2) } else { (epochs, people) };
    let plan = Plan { epochs, ..AT_FACTORY };
    let folder = Folder::create_or_default(options.output.as_deref(), "motions")?;
    let bar = progress::bar(people, "people");
    let wearers = (0..PEOPLE).zip(0..people).map(|(person, _)| person);
    let runs: Vec<Run> = wearers
        .map(|person| {
            let run = compute::run(person, &compute::factory(person, &plan));
            bar.inc(1);
            run
        })
        .collect();
    bar.finish_and_clear();
    let mut out = Console::default();
    introduce(&mut out, &plan)?;
    tell(&mut out, &runs)?;
    folder.write_pictures(&mut out, &[people_of(&runs)?, confusion(&runs)])
}

fn introduce(out: &mut impl Write, plan: &Plan) -> io::Result<()> {
    writeln!(
        out,
        "A smart watch: {PEOPLE} people did {EXERCISES} shoulder exercises with each arm. A recording has {WINDOWS} windows of 2.56
seconds, 32 steps of acceleration and angular velocity along three axes.

Network: 24 gated recurrent units (GRU), the largest value of each in all steps, a softmax of {EXERCISES}
outputs; {} parameters in f32. In the factory it is trained on nine people, {} windows, {} epochs.
On the device of the tenth, its last layer of {} parameters is trained on the first {SHOWN} windows of
each recording, {} in all, {} times each; it is tested with the others, {}.

Memory on a microcontroller: {} KB, and {} bytes of weights in flash.
",
        Factory::PARAMS,
        plan.samples,
        plan.epochs,
        Head::PARAMS,
        ON_DEVICE.samples,
        ON_DEVICE.epochs,
        RECORDINGS * (WINDOWS - SHOWN),
        Learner::<Personal<'_>>::BYTES.div_ceil(1000),
        size_of::<Factory>(),
    )
}

/// A row of the table: of the factory's network, of the device, and if everything were trained.
fn row(run: &Run) -> [f64; 6] {
    let Run { trained, before, after, others, everything: [own, of_others], .. } = run;
    [*trained, percent(before), percent(after), *others, *own, *of_others]
}

fn tell(out: &mut impl Write, runs: &[Run]) -> io::Result<()> {
    writeln!(out, "Accuracy in percent:\n")?;
    writeln!(
        out,
        "{:>10}{:>20}{:>20}{:>22}",
        "", "factory", "last layer adapts", "everything adapts"
    )?;
    writeln!(
        out,
        "{:>10}{:>10}{:>10}{:>10}{:>10}{:>12}{:>10}",
        "wearer", "others", "wearer", "wearer", "others", "wearer", "others"
    )?;
    let rows: Vec<_> = runs.iter().map(row).collect();
    let mut write = |name: &str, [a, b, c, d, e, f]: [f64; 6]| {
        writeln!(out, "{name:>10}{a:>10.1}{b:>10.1}{c:>10.1}{d:>10.1}{e:>12.1}{f:>10.1}")
    };
    for (person, row) in rows.iter().enumerate() {
        write(&person.to_string(), *row)?;
    }
    let of_all = |column: usize| mean(rows.iter().filter_map(|row| row.get(column).copied()));
    write("mean", core::array::from_fn(of_all))
}

/// The accuracy of each wearer, before and after.
fn people_of(runs: &[Run]) -> Result<Picture, DrawError> {
    let points = |pick: fn(&Run) -> f64| (0_u32..).map(f64::from).zip(runs.iter().map(pick));
    Chart::new(
        "Seven exercises of ten people, before and after a watch adapts to them",
        Axis::linear("wearer").from(-0.5, 9.5),
        Axis::linear("accuracy, in percent").from(50.0, 100.0),
    )
    .legend(Legend::LowerRight)
    .with(Line::new(Look::Crosses, 1, points(|run| percent(&run.before))).named("from the factory"))
    .with(
        Line::new(Look::Dots, 0, points(|run| percent(&run.after)))
            .named("after 28 windows of the wearer"),
    )
    .picture("people")
}

/// Of all wearers together.
fn confusion(runs: &[Run]) -> Picture {
    let sum = |row: usize, column: usize| {
        runs.iter().filter_map(|run| run.after.counts().get(row)?.get(column)).sum()
    };
    let row = |row| (0..EXERCISES).map(|column| sum(row, column)).collect();
    let counts: Vec<Vec<u32>> = (0..EXERCISES).map(row).collect();
    let names = NAMES.map(|name| name.split(' ').next().unwrap_or(name).to_owned());
    let axes = ["exercise", "exercise that was recognised"];
    matrix::confusion(
        "confusion",
        "Exercises of all wearers, after adapting",
        axes,
        &names,
        &counts,
    )
}
