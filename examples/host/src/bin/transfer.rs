//! Transfer learning in little memory: a convolutional network, trained on MNIST-1D, adapts to a
//! device with another sensor, or one that is mounted the other way round. Four ways differ in which
//! parameters are trained.
//!
//! ```text
//! cargo run --release -p examples --features devices --bin transfer
//! cargo run --release -p examples --features devices --bin transfer -- --help
//! ```
//!
//! The networks are in `examples/firmware/devices/src/transfer.rs`. What each takes on a
//! microcontroller is counted by the program `memory_cost` of that firmware, whose page has both.

use std::io::Write;
use std::process::ExitCode;

use devices::signals::RATE;
use devices::training::Plan;
use devices::transfer::Shift;
use examples::learning::summary;
use examples::transfer::{self as compute, TRAINED, WAYS};
use shared::console::Console;
use shared::options;
use shared::options::{flag, whole};
use shared::progress;
use shared::run::{Failure, exit_code};

options! {
    "transfer",
    /// Transfer learning in little memory: four ways to adapt a network to a device, which differ in
    /// which parameters are trained.
    struct Options {
        /// Number of networks from random weights, each with an order of the signals of its own
        seeds: u64 = whole("N", 5, 1..=1000),
        /// Number of passes over all signals in the factory
        epochs: u32 = whole("N", 10, 1..=10_000),
        /// Number of labelled signals that the device is shown
        shown: u32 = whole("N", 300, 1..=4000),
        /// Number of passes over them
        passes: u32 = whole("N", 20, 1..=10_000),
        /// Two seeds, one epoch and two passes
        quick: bool = flag(),
    }
}

fn main() -> ExitCode {
    exit_code(run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Failure> {
    let &Options { seeds, epochs, shown, passes, quick } = options;
    let (seeds, epochs, passes) = if quick { (2, 1, 2) } else { (seeds, epochs, passes) };
    let shifts = [Shift::Sensor, Shift::Mirrored];
    let bar = progress::bar(seeds, "networks");
    let mut known = vec![];
    let mut before = [vec![], vec![]];
    let mut after = [const { [const { vec![] }; WAYS.len()] }; 2];
    for seed in 1..=seeds {
        let factory = compute::factory(&Plan { epochs, samples: 4000, seed, rate: RATE });
        known.push(compute::accuracy(&*factory, Shift::None));
        for ((shift, before), after) in shifts.iter().zip(&mut before).zip(&mut after) {
            before.push(compute::accuracy(&*factory, *shift));
            let plan = Plan { epochs: passes, samples: shown, seed, rate: RATE };
            let accuracies = compute::adapt(&factory, *shift, &plan);
            after.iter_mut().zip(accuracies).for_each(|(all, accuracy)| all.push(accuracy));
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    let cell = |values: &[f64]| {
        let [mean, lowest, highest] = summary(values);
        format!("{mean:.1} ({lowest:.1} to {highest:.1})")
    };
    let mut out = Console::default();
    writeln!(
        out,
        "Accuracy in percent on 1,000 signals of the device: mean of {seeds} networks, lowest and highest.
In the factory: {epochs} epochs of 4,000 signals; accuracy there {}.
On the device: {passes} passes over {shown} labelled signals, one at a time.

{:<24}{:>10}{:>24}{:>24}",
        cell(&known),
        "trained",
        "parameters",
        "other sensor",
        "mirrored"
    )?;
    let [sensor, mirrored] = &before;
    writeln!(out, "{:<24}{:>10}{:>24}{:>24}", "nothing", 0, cell(sensor), cell(mirrored))?;
    let [sensor, mirrored] = &after;
    for (((way, trained), sensor), mirrored) in WAYS.iter().zip(TRAINED).zip(sensor).zip(mirrored) {
        writeln!(out, "{way:<24}{trained:>10}{:>24}{:>24}", cell(sensor), cell(mirrored))?;
    }
    Ok(())
}
