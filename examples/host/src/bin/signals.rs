//! Classification of signals by a convolutional network, trained one signal at a time in the memory
//! of a small microcontroller: the ten shapes of MNIST-1D.
//!
//! ```text
//! cargo run --release -p examples --features devices --bin signals
//! cargo run --release -p examples --features devices --bin signals -- --help
//! ```
//!
//! The network and its training are in `examples/firmware/devices/src/signals.rs`, which the
//! program `signals` of that firmware runs on a microcontroller, with bit-identical results. The
//! signals are in `examples/firmware/data/mnist1d.bin`.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use devices::signals::{FIRMWARE, Learner, Net, RATE, SHAPES, STEPS, Signals, TRAINING};
use devices::training::Plan;
use devices::transfer::Classifies;
use examples::learning::{curve, lines, summary, thinned};
use examples::signals::recurrent::{self, BothWays, OneWay, Published};
use examples::signals::{self as compute, Run, pictures};
use gradlet::Zero;
use indicatif::ProgressBar;
use shared::console::Console;
use shared::options;
use shared::options::{flag, path, whole};
use shared::output::{Folder, Picture};
use shared::plot::{Axis, Chart, DrawError, Legend, Line, matrix};
use shared::progress;
use shared::run::{Failure, exit_code};

options! {
    "signals",
    /// Classification of signals: a convolutional network learns the ten shapes of MNIST-1D, one
    /// signal at a time.
    struct Options {
        /// Number of passes over the signals; an epoch of all takes about 0.1 seconds, and 100
        /// epochs, for the best accuracy, about 10 seconds for each seed
        epochs: u32 = whole("N", 20, 1..=10_000),
        /// Number of signals to train on, the first of the training set
        signals: u32 = whole("N", 4000, 1..=4000),
        /// Number of random initialisations, each with an order of the signals of its own; the time
        /// grows with it
        seeds: u64 = whole("N", 3, 1..=1000),
        /// The first of these seeds
        seed: u64 = whole("NUMBER", 1, 0..=1_000_000),
        /// Recurrent networks (GRU) in place of the convolutional one, without pictures; an epoch
        /// takes about a second
        recurrent: bool = flag(),
        /// Two epochs, as in the firmware, with two seeds
        quick: bool = flag(),
        /// Write the networks of the firmware's program `signals_int8` into this folder, and do nothing else
        write_firmware: Option<PathBuf> = path("DIR"),
        /// Folder for the pictures and tables [default: `signals` in Cargo's target folder]
        output: Option<PathBuf> = path("DIR"),
    }
}

fn main() -> ExitCode {
    exit_code(run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Failure> {
    let Options { epochs, signals, seeds, seed, recurrent, quick, .. } = *options;
    if let Some(folder) = &options.write_firmware {
        let run = compute::train(&compute::FACTORY, || ());
        let [real, quantised] = compute::for_firmware(run.learner.net())?;
        fs::create_dir_all(folder)?;
        fs::write(folder.join("signals.safetensors"), real)?;
        fs::write(folder.join("signals_int8.safetensors"), quantised)?;
        return Ok(());
    }
    let plan = Plan { epochs, samples: signals, seed, rate: RATE };
    let (plan, seeds) = if quick { (Plan { seed, ..FIRMWARE }, 2) } else { (plan, seeds) };
    let plans = (0..seeds).map(|n| Plan { seed: seed.saturating_add(n), ..plan });
    let epochs = seeds.saturating_mul(plan.epochs.into());
    if recurrent {
        return Ok(tell_recurrent(&plans.collect::<Vec<_>>(), epochs)?);
    }
    let folder = Folder::create_or_default(options.output.as_deref(), "signals")?;
    let bar = progress::bar(epochs, "epochs");
    let runs: Vec<_> = plans.map(|plan| compute::train(&plan, || bar.inc(1))).collect();
    bar.finish_and_clear();
    let mut out = Console::default();
    introduce(&mut out, &plan)?;
    tell(&mut out, &runs)?;
    let mut pictures = vec![pictures::signals(), accuracy(&runs)?];
    if let Some(Run { seed, matrix, learner, .. }) = runs.first() {
        write!(out, "\nConfusion matrix of seed {seed}, on the test set:\n\n{matrix}")?;
        pictures.push(confusion(matrix.counts()));
        pictures.push(pictures::filters(learner));
    }
    folder.write_pictures(&mut out, &pictures)
}

fn introduce(out: &mut impl Write, plan: &Plan) -> io::Result<()> {
    let [_, test] = Signals::all();
    writeln!(
        out,
        "MNIST-1D: signals of {STEPS} steps, each one of {SHAPES} shapes, moved, scaled and noisy; {TRAINING} to train
on, {} others to test with.

Network: convolutions of 25 channels that leave 18, 9 and 5 steps, then a softmax of {SHAPES} outputs; {}
parameters in f32. Training: {} epochs of {} signals, one signal at a time, by gradient descent
with the cross-entropy; the learning rate falls from 0.02 to 0, along half a cosine.

Memory on a microcontroller: {} bytes of parameters and {} of values that a step keeps for the
backward pass, {} in all.
",
        test.count(),
        Learner::PARAMETERS,
        plan.epochs,
        plan.samples,
        size_of::<Net>(),
        Learner::BYTES.saturating_sub(size_of::<Net>()),
        Learner::BYTES,
    )
}

fn tell(out: &mut impl Write, runs: &[Run]) -> io::Result<()> {
    writeln!(out, "Accuracy on the test set, in percent, by the number of signals seen:\n")?;
    writeln!(out, "{:>10}{:>10}{:>10}{:>10}", "seen", "mean", "lowest", "highest")?;
    for (samples, [mean, lowest, highest]) in thinned(&curve(runs.iter().map(|run| &run.curve))) {
        writeln!(out, "{samples:>10}{mean:>10.1}{lowest:>10.1}{highest:>10.1}")?;
    }
    writeln!(out, "\nAfter training, in percent:\n")?;
    writeln!(out, "{:>10}{:>10}{:>14}   hash of the parameters", "seed", "test", "training")?;
    for run in runs {
        let (seed, test, training, hash) =
            (run.seed, run.accuracy(), run.training, run.learner.hash());
        writeln!(out, "{seed:>10}{test:>10.1}{training:>14.1}   {hash:016x}")?;
    }
    let [test, ..] = summary(&runs.iter().map(Run::accuracy).collect::<Vec<_>>());
    let [training, ..] = summary(&runs.iter().map(|run| run.training).collect::<Vec<_>>());
    writeln!(out, "{:>10}{test:>10.2}{training:>14.2}", "mean")?;
    writeln!(
        out,
        "\nPublished for the test set: logistic regression 32, multilayer perceptron 68, convolutional\n\
         network 94, recurrent network (GRU) 91, people 96."
    )
}

/// Trains recurrent networks, and prints the accuracy of each seed.
fn tell_recurrent(plans: &[Plan], epochs: u64) -> io::Result<()> {
    fn row<N: Classifies + Zero>(plans: &[Plan], bar: &ProgressBar) -> (usize, Vec<f64>) {
        let train = |plan: &Plan| {
            recurrent::train::<N>(&Plan { rate: recurrent::RATE, ..*plan }, || bar.inc(1))
        };
        (N::PARAMS, plans.iter().map(train).collect())
    }
    let bar = progress::bar(epochs.saturating_mul(3), "epochs");
    let rows = [
        ("both directions, as published", row::<Published>(plans, &bar)),
        ("one direction, maxima", row::<OneWay>(plans, &bar)),
        ("both directions, maxima", row::<BothWays>(plans, &bar)),
    ];
    bar.finish_and_clear();
    let mut out = Console::default();
    let Some(Plan { epochs, samples, .. }) = plans.first() else { return Ok(()) };
    writeln!(
        out,
        "MNIST-1D with recurrent networks (GRU): accuracy on the test set, in percent, after {epochs} epochs of
{samples} signals, in mini-batches of {}, by Adam; the learning rate falls from {} to 0, along half
a cosine. Mean, lowest and highest of {} seeds:

{:<34}{:>10}{:>10}{:>10}{:>10}",
        recurrent::BATCH,
        recurrent::RATE,
        plans.len(),
        "",
        "parameters",
        "mean",
        "lowest",
        "highest"
    )?;
    for (name, (parameters, accuracies)) in rows {
        let [mean, lowest, highest] = summary(&accuracies);
        writeln!(out, "{name:<34}{parameters:>10}{mean:>10.2}{lowest:>10.1}{highest:>10.1}")?;
    }
    writeln!(
        out,
        "\nPublished for the first: 91. Maxima: the largest value of each unit in all steps."
    )
}

/// Accuracy while a network learns: the mean over all seeds, with an area from the lowest to the
/// highest.
fn accuracy(runs: &[Run]) -> Result<Picture, DrawError> {
    let marks = curve(runs.iter().map(|run| &run.curve));
    let ends = [marks.get(1), marks.last()].into_iter().flatten().map(|mark| f64::from(mark.0));
    let level = |percent: f64| ends.clone().map(move |x| (x, percent));
    let chart = Chart::new(
        format!(
            "Accuracy on 1,000 signals of the test set: mean and range of {} seeds",
            runs.len()
        ),
        Axis::log("signals seen"),
        Axis::linear("accuracy, in percent").from(0.0, 100.0),
    );
    chart
        .legend(Legend::LowerRight)
        .with_all(lines(0, "this network", &marks))
        .with(Line::dashed(1, level(68.0)).named("multilayer perceptron, published: 68"))
        .with(Line::dashed(2, level(94.0)).named("convolutional network, published: 94"))
        .picture("accuracy")
}

fn confusion(counts: &[[u32; SHAPES]; SHAPES]) -> Picture {
    let names: Vec<_> = (0..SHAPES).map(|shape| shape.to_string()).collect();
    let counts = counts.map(|row| row.to_vec());
    let axes = ["shape of the signal", "shape that was read"];
    matrix::confusion("confusion", "Shapes of the test set, after training", axes, &names, &counts)
}
