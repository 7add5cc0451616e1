//! Identification of speakers by a recurrent network, trained one utterance at a time in the memory
//! of a small microcontroller: nine men who say two Japanese vowels.
//!
//! ```text
//! cargo run --release -p examples --features devices --bin vowels
//! cargo run --release -p examples --features devices --bin vowels -- --help
//! ```
//!
//! The network and its training are in `examples/firmware/devices/src/vowels.rs`, which the program
//! `vowels` of that firmware runs on a microcontroller, with bit-identical results. The utterances
//! are in `examples/firmware/data/vowels.bin`.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use devices::training::{Plan, hash};
use devices::vowels::{FRAMES, Identifies, Learner, Net, PLAN, SPEAKERS, Utterance, Utterances};
use examples::learning::{curve, lines, thinned};
use examples::vowels::{self as compute, PERCEPTRON_RATE, Perceptron, Run, Shown, mean, states};
use gradlet::{Streaming, metrics::argmax, prelude::*};
use shared::console::Console;
use shared::options;
use shared::options::{flag, path, whole};
use shared::output::{Folder, Picture};
use shared::plot::{Axis, Chart, DrawError, Heat, Legend, Line, Palette, Panels, matrix};
use shared::progress;
use shared::run::{Failure, exit_code};
use shared::table::Csv;

options! {
    "vowels",
    /// Identification of speakers: a recurrent network learns to tell nine men apart by two vowels,
    /// one utterance at a time, and names the speaker while he speaks.
    struct Options {
        /// Number of passes over the utterances
        epochs: u32 = whole("N", 60, 1..=10_000),
        /// Number of random initialisations, each with an order of the utterances of its own; ten
        /// take about ten seconds
        seeds: u64 = whole("N", 10, 1..=1000),
        /// The first of these seeds
        seed: u64 = whole("NUMBER", 1, 0..=1_000_000),
        /// The utterance of the test set whose states are drawn
        utterance: u32 = whole("NUMBER", 157, 0..=369),
        /// Four epochs and two seeds
        quick: bool = flag(),
        /// Folder for the pictures and tables [default: `vowels` in Cargo's target folder]
        output: Option<PathBuf> = path("DIR"),
    }
}

fn main() -> ExitCode {
    exit_code(run(&Options::parse()))
}

/// The runs of each network, one for each seed.
struct Runs {
    recurrent: Vec<Run<Net>>,
    whole: Vec<Run<Perceptron>>,
    varied: Vec<Run<Perceptron>>,
}

fn run(options: &Options) -> Result<(), Failure> {
    let Options { epochs, seeds, seed, utterance, quick, .. } = *options;
    let (epochs, seeds) = if quick { (4, 2) } else { (epochs, seeds) };
    let plan = Plan { epochs, seed, ..PLAN };
    let folder = Folder::create_or_default(options.output.as_deref(), "vowels")?;
    let bar = progress::bar(seeds.saturating_mul(epochs.into()).saturating_mul(3), "epochs");
    let plans = |rate| (0..seeds).map(move |n| Plan { seed: seed.saturating_add(n), rate, ..plan });
    let perceptrons = |shown| {
        plans(PERCEPTRON_RATE).map(|plan| compute::train(&plan, shown, || bar.inc(1))).collect()
    };
    let runs = Runs {
        recurrent: plans(PLAN.rate)
            .map(|plan| compute::train(&plan, Shown::Varied, || bar.inc(1)))
            .collect(),
        whole: perceptrons(Shown::Whole),
        varied: perceptrons(Shown::Varied),
    };
    bar.finish_and_clear();
    let mut out = Console::default();
    introduce(&mut out, &plan)?;
    tell(&mut out, &runs.recurrent)?;
    compare(&mut out, &runs)?;
    let mut pictures = vec![accuracy(&runs)?, frames(&runs)?];
    if let Some(Run { seed, matrix, learner, .. }) = runs.recurrent.first() {
        write!(out, "\nConfusion matrix of seed {seed}, on the test set:\n\n{matrix}")?;
        pictures.push(confusion(matrix.counts()));
        let [_, test] = Utterances::all();
        if let Some(spoken) = test.iter().nth(utterance as usize) {
            listen(&mut out, utterance, learner, spoken)?;
            pictures.push(drawn(learner, spoken)?);
        }
    }
    folder.write_pictures(&mut out, &pictures)
}

fn introduce(out: &mut impl Write, plan: &Plan) -> io::Result<()> {
    let [training, test] = Utterances::all();
    writeln!(
        out,
        "Japanese vowels: {SPEAKERS} men say /ae/. An utterance has 7 to {FRAMES} frames, one every 6.4 ms, of 12 numbers,
its LPC cepstrum. {} utterances to train on, {} others to test with.

Network: 16 gated recurrent units (GRU), then a softmax of {SPEAKERS} outputs; {} parameters in f32.
Training: {} epochs of {} utterances, one at a time, by gradient descent with the cross-entropy; the
learning rate falls from {} to 0, along half a cosine. Every second utterance ends early, at a
random frame, and noise is added to all.

Memory on a microcontroller: {} bytes of parameters and {} of values that a step keeps for the
backward pass, {} in all. To listen frame by frame: the parameters, and {} bytes of state.
",
        training.iter().count(),
        test.iter().count(),
        Net::PARAMS,
        plan.epochs,
        plan.samples,
        plan.rate,
        size_of::<Net>(),
        Learner::<Net>::BYTES.saturating_sub(size_of::<Net>()),
        Learner::<Net>::BYTES,
        Streaming::<Net>::STATE_BYTES,
    )
}

fn tell(out: &mut impl Write, runs: &[Run<Net>]) -> io::Result<()> {
    writeln!(out, "Accuracy on the test set, in percent, by the number of utterances seen:\n")?;
    writeln!(out, "{:>10}{:>10}{:>10}{:>10}", "seen", "mean", "lowest", "highest")?;
    for (samples, [mean, lowest, highest]) in thinned(&curve(runs.iter().map(|run| &run.curve))) {
        writeln!(out, "{samples:>10}{mean:>10.1}{lowest:>10.1}{highest:>10.1}")?;
    }
    writeln!(
        out,
        "\nAfter training, in percent, and after how many frames the answer stays the same:\n"
    )?;
    writeln!(
        out,
        "{:>10}{:>10}{:>14}{:>10}   hash of the parameters",
        "seed", "test", "training", "frames"
    )?;
    for run in runs {
        let (test, hash) = (run.accuracy(), hash(run.learner.net()));
        let Run { seed, training, decided, .. } = run;
        writeln!(out, "{seed:>10}{test:>10.1}{training:>14.1}{decided:>10.1}   {hash:016x}")?;
    }
    let test = mean(runs.iter().map(Run::accuracy));
    let training = mean(runs.iter().map(|run| run.training));
    let decided = mean(runs.iter().map(|run| run.decided));
    writeln!(out, "{:>10}{test:>10.2}{training:>14.2}{decided:>10.2}", "mean")
}

/// Numbers of frames in the table.
const HEARD: [usize; 6] = [1, 4, 8, 12, 16, FRAMES];

/// The mean accuracy after each number of frames.
fn by_frame<N: Identifies>(runs: &[Run<N>]) -> Vec<f64> {
    let after =
        |frame| mean(runs.iter().filter_map(move |run| run.by_frame.get::<usize>(frame)).copied());
    (0..FRAMES).map(after).collect()
}

fn compare(out: &mut impl Write, runs: &Runs) -> io::Result<()> {
    writeln!(
        out,
        "\nThe same beside a perceptron that sees {FRAMES} frames at once, with a hidden layer of 32 units.
Mean accuracy in percent after the first frames of each utterance:\n"
    )?;
    write!(out, "{:<34}{:>10}", "frames", "parameters")?;
    for frames in HEARD {
        write!(out, "{frames:>8}")?;
    }
    writeln!(out)?;
    let rows = [
        ("GRU", Net::PARAMS, by_frame(&runs.recurrent)),
        ("perceptron, whole utterances", Perceptron::PARAMS, by_frame(&runs.whole)),
        ("perceptron, some end early", Perceptron::PARAMS, by_frame(&runs.varied)),
    ];
    for (name, parameters, accuracies) in &rows {
        write!(out, "{name:<34}{parameters:>10}")?;
        for frames in HEARD {
            write!(out, "{:>8.1}", accuracies.get(frames.saturating_sub(1)).unwrap_or(&0.0))?;
        }
        writeln!(out)?;
    }
    let [gru, perceptron] =
        [&rows[0], &rows[1]].map(|(.., accuracies)| accuracies.last().copied().unwrap_or(0.0));
    let (points, more) =
        ((perceptron - gru).abs(), if perceptron < gru { "fewer" } else { "more" });
    writeln!(
        out,
        "\nOn whole utterances, the perceptron gets {points:.1} % {more} right than the GRU: this data set does not
need a recurrent network. The GRU has a seventh of the parameters, and answers from the first frame
on, for utterances of any length.\n\nPublished for whole utterances: 94.1 (Kudo, Toyama, Shimbo, 1999)."
    )
}

/// What the network answers, frame by frame, whenever it changes its answer.
fn listen(
    out: &mut impl Write,
    number: u32,
    learner: &Learner,
    spoken: Utterance<'_>,
) -> io::Result<()> {
    let speaker = spoken.speaker;
    writeln!(out, "\nUtterance {number} of the test set, by speaker {speaker}, frame by frame:\n")?;
    let mut before = None;
    for ((_, probabilities), frame) in states(learner, spoken).iter().zip(1..) {
        let answer = argmax(probabilities);
        let share = answer.and_then(|answer| probabilities.get(answer));
        if let (Some(answer), Some(share)) = (answer, share)
            && (before != Some(answer) || frame == spoken.count())
        {
            before = Some(answer);
            writeln!(out, "{:>10} {frame:>2}: speaker {answer}, {:.0} %", "frame", 100.0 * share)?;
        }
    }
    Ok(())
}

/// Accuracy while networks learn: the mean over all seeds, with an area from the lowest to the
/// highest.
fn accuracy(runs: &Runs) -> Result<Picture, DrawError> {
    let recurrent = curve(runs.recurrent.iter().map(|run| &run.curve));
    let whole = curve(runs.whole.iter().map(|run| &run.curve));
    let count = runs.recurrent.len();
    Chart::new(
        format!("Accuracy on 370 utterances of the test set: mean and range of {count} seeds"),
        Axis::log("utterances seen"),
        Axis::linear("accuracy, in percent").from(0.0, 100.0),
    )
    .legend(Legend::LowerRight)
    .with_all(lines(1, "perceptron, 11,465 parameters", &whole))
    .with_all(lines(0, "GRU, 1,593 parameters", &recurrent))
    .picture("accuracy")
}

/// Accuracy as utterances go on.
fn frames(runs: &Runs) -> Result<Picture, DrawError> {
    let points = |accuracies: Vec<f64>| (1_u32..).map(f64::from).zip(accuracies);
    Chart::new(
        "Accuracy on the test set while the speaker speaks",
        Axis::linear("frames heard").from(0.0, 30.0),
        Axis::linear("accuracy, in percent").from(0.0, 100.0),
    )
    .legend(Legend::LowerRight)
    .with(Line::solid(0, points(by_frame(&runs.recurrent))).named("GRU"))
    .with(
        Line::solid(1, points(by_frame(&runs.whole)))
            .named("perceptron, trained on whole utterances"),
    )
    .with(
        Line::dashed(2, points(by_frame(&runs.varied)))
            .named("perceptron, some utterances end early"),
    )
    .picture("frames")
}

fn confusion(counts: &[[u32; SPEAKERS]; SPEAKERS]) -> Picture {
    let names: Vec<_> = (0..SPEAKERS).map(|speaker| speaker.to_string()).collect();
    let counts = counts.map(|row| row.to_vec());
    let axes = ["speaker", "speaker that was named"];
    matrix::confusion(
        "confusion",
        "Speakers of the test set, after training",
        axes,
        &names,
        &counts,
    )
}

/// The states of the units, and the probabilities of the speakers, after each frame.
fn drawn(learner: &Learner, spoken: Utterance<'_>) -> Result<Picture, DrawError> {
    let heard = states(learner, spoken);
    let mut csv = Csv::new(&["frame", "of", "number", "value"]);
    for (frame, (state, probabilities)) in (1_u32..).zip(&heard) {
        for (of, values) in [("unit", state), ("speaker", probabilities)] {
            for (number, value) in values.iter().enumerate() {
                csv.words([frame.to_string(), of.into(), number.to_string(), value.to_string()]);
            }
        }
    }
    let end = f64::from(u32::try_from(heard.len()).unwrap_or(u32::MAX)) + 0.5;
    let map = |title: &str, of: &str, palette, columns: Vec<&Vec<f64>>| {
        let count = columns.first().map_or(0, |column| column.len());
        let row =
            |number: usize| columns.iter().filter_map(move |column| column.get(number).copied());
        let values: Vec<Vec<f64>> = (0..count).map(|number| row(number).collect()).collect();
        let top = f64::from(u32::try_from(count).unwrap_or(u32::MAX)) - 0.5;
        let (x, y) = ((0.5, end), (-0.5, top));
        let axes = [Axis::linear("frame").from(x.0, x.1), Axis::linear(of).from(y.0, y.1)];
        let [along, up] = axes;
        Chart { heat: Some(Heat { x, y, values, palette }), ..Chart::new(title, along, up) }
    };
    let (units, speakers) = heard.iter().map(|(state, shares)| (state, shares)).unzip();
    let charts = vec![
        map("State: blue below 0, red above", "unit", Palette::Signed, units),
        map("Probability of each speaker", "speaker", Palette::Blue, speakers),
    ];
    let title = format!("The GRU listens to speaker {}", spoken.speaker);
    let svg = Panels::new(title, 2, charts).svg()?;
    Ok(Picture { name: "states", svg, csv: csv.finish() })
}
