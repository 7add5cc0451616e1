//! Trains a network of one hidden layer on a CSV file of your own, and writes it for firmware.
//!
//! ```text
//! cargo run --release -p examples --bin train
//! cargo run --release -p examples --bin train -- --data my.csv --target species --inputs width,length
//! cargo run --release -p examples --bin train -- --help
//! ```

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use examples::digits::idx::own_data;
use examples::train::compute::{self, Plan, Prediction, Trained};
use examples::train::export;
use examples::train::table::{self, Choice, Table};
use gradlet::metrics::{MeanAbsoluteError, RSquared};
use shared::console::Console;
use shared::options;
use shared::options::{flag, list, path, positive, read, real, whole};
use shared::output::{Folder, Picture, list_files};
use shared::plot::{Axis, Chart, DrawError, Legend, Line, Size, matrix, three_digits};
use shared::progress;
use shared::run::{Failure, exit_code};

options! {
    "train",
    /// Trains a network of one hidden layer on a CSV file, and writes it for firmware: labels are learned
    /// by softmax and cross-entropy, numbers by mean squared error (--regression). Takes up to 64 inputs,
    /// 64 hidden tanh units and 16 labels. The inputs are standardised; the network that is written takes
    /// raw readings.
    struct Options {
        /// CSV file: a line of names, then one line for each sample [default: the iris flowers in
        /// examples/data of the repository]
        data: Option<PathBuf> = path("FILE"),
        /// Columns to predict from, by name or number from 1, separated by commas [default: all but the
        /// target]
        inputs: Vec<String> = read("LIST", |text| list(text, |word| Ok(word.to_owned()))),
        /// Column to predict, by name or number from 1 [default: the last]
        target: Option<String> = read("COLUMN", |text| Ok(Some(text.to_owned()))),
        /// The target is a number, not a label
        regression: bool = flag(),
        /// The first line is a sample, not names; the names are then 1, 2, 3, ..
        no_header: bool = flag(),
        /// What stands between two cells: a character, or `tab`
        separator: u8 = read("CHARACTER", separator).with(|arg| arg.default_value(",")),
        /// Number of hidden units, at most 64
        hidden: usize = whole("N", 8, 1..=64),
        /// Share of the samples that is held out as validation set: not trained on, but watched to stop
        /// training in time
        held_out: f64 = real("SHARE", 0.2, share),
        /// Batch size: number of samples in a mini-batch; their order is new in each epoch
        batch_size: u32 = whole("N", 16, 1..=1_000_000),
        /// Number of epochs, that is passes over the samples, at most
        epochs: u32 = whole("N", 500, 1..=100_000),
        /// Early stopping: number of epochs without a better loss on the held-out samples, after which
        /// training ends
        patience: u32 = whole("N", 50, 1..=100_000),
        /// Learning rate of the optimizer, Adam; finite and greater than 0
        learning_rate: f64 = real("RATE", 0.01, rate),
        /// Number that the split, the random weights and the order of the samples start from
        seed: u64 = whole("NUMBER", 1, 0..),
        /// Folder for the network, pictures and tables [default: `train` in Cargo's target folder]
        output: Option<PathBuf> = path("DIR"),
    }
}

/// A learning rate that is finite and above zero as an `f32` too.
#[allow(clippy::cast_possible_truncation, reason = "that is the question")]
fn rate(text: &str) -> Result<f64, String> {
    let value = positive(text)?;
    let nearest = value as f32;
    let is_fit = nearest.is_finite() && nearest > 0.0;
    is_fit.then_some(value).ok_or_else(|| format!("{value:e} is {nearest:?} in f32"))
}

/// A share of all, without none and all.
fn share(text: &str) -> Result<f64, String> {
    let share = positive(text)?;
    if share < 1.0 { Ok(share) } else { Err("must be less than 1".to_owned()) }
}

fn separator(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"tab" => Ok(b'\t'),
        [character] => Ok(*character),
        _ => Err("must be one ASCII character, or `tab`".to_owned()),
    }
}

fn main() -> ExitCode {
    exit_code(run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Failure> {
    let iris = own_data().join("iris.csv");
    let file = options.data.as_deref().unwrap_or(&iris);
    let choice = Choice {
        inputs: options.inputs.clone(),
        target: options.target.clone(),
        regression: options.regression,
        no_header: options.no_header,
        separator: options.separator,
    };
    let table = table::read(file, &choice)?;
    #[allow(clippy::cast_possible_truncation, reason = "a rate")]
    let plan = Plan {
        hidden: options.hidden,
        batch_size: options.batch_size,
        epochs: options.epochs,
        patience: options.patience,
        learning_rate: options.learning_rate as f32,
        held_out: options.held_out,
        seed: options.seed,
    };
    let bar = progress::bar(plan.epochs.into(), "training");
    let trained = compute::train(&table, &plan, |epoch| bar.set_position(epoch as u64));
    bar.finish_and_clear();
    let trained = trained.map_err(|what| Failure::because(format!("{}{what}", file.display())))?;
    let folder = Folder::create_or_default(options.output.as_deref(), "train")?;
    let mut out = Console::default();
    introduce(&mut out, file, &table, &trained)?;
    results(&mut out, &table, &plan, &trained)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let [loss, predictions] = pictures(&table, &trained)?;
    let mut files = [folder.write_picture(&loss)?, folder.write_picture(&predictions)?].concat();
    files.push(folder.write("model.safetensors", &export::safetensors(&trained.layers))?);
    files.push(folder.write("model.rs", &export::rust(&table, &trained.layers, &name))?);
    list_files(&mut out, &files)?;
    Ok(())
}

/// The loss of each epoch, and how good the predictions for the held-out samples are.
fn pictures(table: &Table, trained: &Trained) -> Result<[Picture; 2], DrawError> {
    let points = |part: usize| {
        let losses = trained.curve.iter().filter_map(move |losses| losses.get(part));
        (1_u32..).zip(losses).map(|(epoch, &loss)| (epoch.into(), loss.into()))
    };
    let best = points(1).nth(trained.best.saturating_sub(1)).unwrap_or_default();
    let loss = Chart::new("Mean loss of each epoch", Axis::linear("epoch"), Axis::log("loss"))
        .with(Line::solid(0, points(0)).named("samples to train on"))
        .with(Line::solid(1, points(1)).named("held-out samples"))
        .with(Line::dots(1, [best]).named("the network that is kept"))
        .note(best, three_digits(best.1))
        .legend(Legend::UpperRight)
        .picture("loss")?;
    let [_, held_out] = &trained.predictions;
    if !table.labels.is_empty() {
        let counts = compute::confusion(table.labels.len(), held_out);
        let (title, axes) = ("Labels of the held-out samples", ["label", "predicted"]);
        return Ok([loss, matrix::confusion("confusion", title, axes, &table.labels, &counts)]);
    }
    let points: Vec<_> =
        held_out.iter().map(|p| (f64::from(p.target), f64::from(p.output))).collect();
    let all = || points.iter().flat_map(|&(x, y)| [x, y]);
    let (low, high) = (all().fold(f64::INFINITY, f64::min), all().fold(f64::MIN, f64::max));
    let title = "Predictions for the held-out samples";
    let chart = Chart::new(title, Axis::linear(&table.target), Axis::linear("predicted"))
        .with(Line::dashed(1, [(low, low), (high, high)]).named("exact"))
        .with(Line::dots(0, points).named("a sample"))
        .legend(Legend::LowerRight);
    Ok([loss, Chart { size: Size::SQUARE, ..chart }.picture("predictions")?])
}

fn introduce(
    out: &mut impl Write,
    file: &Path,
    table: &Table,
    trained: &Trained,
) -> io::Result<()> {
    let Table { inputs, target, labels, rows } = table;
    writeln!(out, "{} samples of {}", rows.len(), file.display())?;
    writeln!(out, "  inputs   {}", inputs.join(", "))?;
    match &labels[..] {
        [] => writeln!(out, "  target   {target}, a number")?,
        _ => writeln!(out, "  target   {target}: {}", labels.join(", "))?,
    }
    let ([hidden, _], outputs) = (&trained.layers, labels.len().max(1));
    let parameters = trained.layers.iter().flat_map(|layer| layer.rows.iter().chain([&layer.bias]));
    let kind = if labels.is_empty() { "identity" } else { "softmax" };
    writeln!(
        out,
        "  network  {}-{}-{outputs}, tanh and {kind}, {} parameters",
        inputs.len(),
        hidden.bias.len(),
        parameters.map(Vec::len).sum::<usize>()
    )
}

fn results(out: &mut impl Write, table: &Table, plan: &Plan, trained: &Trained) -> io::Result<()> {
    let (epochs, best) = (trained.curve.len(), trained.best);
    let end = if epochs < plan.epochs as usize { "Training stopped" } else { "Training ended" };
    writeln!(
        out,
        "\n{end} after {epochs} epochs. The network of epoch {best} is kept: it has the lowest loss on the
held-out samples. They chose it, so on new samples expect a little less than they show.\n"
    )?;
    for (part, name) in trained.predictions.iter().zip(["to train on", "held out"]) {
        if table.labels.is_empty() {
            regression(out, table, name, part)?;
        } else {
            let right =
                part.iter().filter(|p| table::class(p.target) == table::class(p.output)).count();
            writeln!(
                out,
                "  {:>6} samples {name:<12} accuracy {:.1} % ({right} right)",
                part.len(),
                percent(right, part.len())
            )?;
        }
    }
    let [_, held_out] = &trained.predictions;
    if !table.labels.is_empty() {
        matrix(out, &table.labels, &compute::confusion(table.labels.len(), held_out))?;
    }
    folded(out, table, trained)
}

fn regression(
    out: &mut impl Write,
    table: &Table,
    name: &str,
    part: &[Prediction],
) -> io::Result<()> {
    let (mut r2, mut error) = (RSquared::<1>::new(), MeanAbsoluteError::new());
    for Prediction { target, output, .. } in part {
        r2.observe(&[*output], &[*target]);
        error.observe(&[*output], &[*target]);
    }
    let r2 = r2.mean().map_or("-".to_owned(), |r2| format!("{r2:.4}"));
    writeln!(
        out,
        "  {:>6} samples {name:<12} R2 {r2}, mean absolute error {:.4} ({})",
        part.len(),
        error.mean().unwrap_or(f32::NAN),
        table.target
    )
}

#[allow(clippy::cast_precision_loss, reason = "counts of samples")]
fn percent(part: usize, all: usize) -> f64 {
    100.0 * part as f64 / all.max(1) as f64
}

/// The confusion matrix, with the recall of each label.
fn matrix(out: &mut impl Write, labels: &[String], counts: &[Vec<u32>]) -> io::Result<()> {
    let longest = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0);
    let (first, width) = (longest.clamp(9, 30), longest.clamp(6, 12));
    writeln!(
        out,
        "\nLabels of the held-out samples; each row is a label, each column a prediction"
    )?;
    write!(out, "  {:<first$}", "")?;
    labels.iter().try_for_each(|label| write!(out, "  {label:>width$.width$}"))?;
    writeln!(out, "  recall")?;
    for (number, (label, row)) in labels.iter().zip(counts).enumerate() {
        write!(out, "  {label:<first$.first$}")?;
        row.iter().try_for_each(|count| write!(out, "  {count:>width$}"))?;
        let (right, all) = (row.get(number).copied().unwrap_or(0), row.iter().sum::<u32>());
        match all {
            0 => writeln!(out, "       -")?,
            _ => writeln!(out, "  {:>6.3}", f64::from(right) / f64::from(all))?,
        }
    }
    Ok(())
}

/// Whether the network that is written predicts the same.
fn folded(out: &mut impl Write, table: &Table, trained: &Trained) -> io::Result<()> {
    writeln!(
        out,
        "\nThe network in model.rs and model.safetensors has the scaling folded into its weights: it takes
raw readings, in the units of the file."
    )?;
    let all = || trained.predictions.iter().flatten();
    if table.labels.is_empty() {
        let off = all().map(|p| (p.output - p.folded).abs()).fold(0.0, f32::max);
        writeln!(out, "Its predictions are the same to within {off:.1e} ({}).", table.target)
    } else {
        let same = all().filter(|p| table::class(p.output) == table::class(p.folded)).count();
        writeln!(
            out,
            "Its predictions are the same for {same} of all {} samples.",
            table.rows.len()
        )
    }
}
