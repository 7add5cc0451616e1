//! Digits: a linear network whose ten weight pictures look like what it recognises, by the delta
//! rule and by softmax, and a network with a hidden layer.
//!
//! ```text
//! cargo run --release --features rand_core --example digits
//! cargo run --release --features rand_core --example digits -- --help
//! ```
//!
//! The digits that it learns from are in `examples/data`: a small part of MNIST, 28 x 28 pixels,
//! and 1797 digits of 8 x 8 pixels. The whole of MNIST can be given by four options.

#[path = "../common/mod.rs"]
mod common;
mod compute;
mod drawing;
mod hidden;
mod idx;
mod pictures;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use common::console::Console;
use common::options::positive;
use common::output::{Folder, list_files};
use common::progress;
use common::run::{Failure, exit_code};
use compute::{Data, Mark, Trained, judge, likeness, weight_images};
use gradlet::{Layer, Relu, Scalar, Tanh};
use hidden::HIDDEN;
use idx::Digits;
use pictures::Curve;

/// Learns handwritten digits by a linear network, by softmax and with a hidden layer, and draws the
/// weights.
#[derive(Debug, Parser)]
#[command(name = "digits")]
struct Options {
    /// Images of MNIST to learn from, an IDX file, compressed by gzip or not [default: 1000 images
    /// in examples/data]
    #[arg(long, value_name = "FILE", requires_all = ["train_labels", "test_images", "test_labels"])]
    train_images: Option<PathBuf>,
    /// Their labels
    #[arg(long, value_name = "FILE", requires_all = ["train_images", "test_images", "test_labels"])]
    train_labels: Option<PathBuf>,
    /// Images of MNIST for the test [default: 500 images in examples/data]
    #[arg(long, value_name = "FILE", requires_all = ["train_images", "train_labels", "test_labels"])]
    test_images: Option<PathBuf>,
    /// Their labels
    #[arg(long, value_name = "FILE", requires_all = ["train_images", "train_labels", "test_images"])]
    test_labels: Option<PathBuf>,
    /// Activation of the hidden units
    #[arg(long, value_enum, default_value_t = Activation::Relu)]
    hidden: Activation,
    /// Passes over the images with the hidden layer, at most 1000
    #[arg(long, value_name = "N", default_value_t = 20,
        value_parser = clap::value_parser!(u32).range(1..=1000), allow_negative_numbers = true)]
    epochs: u32,
    /// Learning rate with the hidden layer; finite and greater than 0, in f32 too
    #[arg(long, value_name = "RATE", default_value_t = 0.02, value_parser = rate,
        allow_negative_numbers = true)]
    learning_rate: f64,
    /// Number that the random weights start from
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Fewer images and epochs
    #[arg(long)]
    quick: bool,
    /// Folder for the pictures and tables [default: `digits` in Cargo's target folder]
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Activation {
    /// max(z, 0)
    Relu,
    /// Hyperbolic tangent
    Tanh,
}

/// A learning rate that is finite and above zero as an `f32` too.
fn rate(text: &str) -> Result<f64, String> {
    let value = positive(text)?;
    let nearest = f32::from_f64(value);
    if nearest.is_finite() && nearest > 0.0 {
        Ok(value)
    } else {
        Err(format!("{value:e} is {nearest:?} in f32"))
    }
}

/// Images that a quick run learns from.
const QUICK: usize = 200;

impl Options {
    /// The images of 28 x 28 pixels.
    fn mnist(&self) -> Result<Data<784>, Failure> {
        let paths = (&self.train_images, &self.train_labels, &self.test_images, &self.test_labels);
        Ok(match paths {
            (Some(train), Some(train_labels), Some(test), Some(test_labels)) => Data {
                train: Digits::read(train, train_labels)?,
                test: Digits::read(test, test_labels)?,
                black: 255,
            },
            _ => idx::mnist_subset()?,
        })
    }

    /// So many epochs, or one in a quick run.
    fn epochs(&self, epochs: u32) -> u32 {
        if self.quick { 1 } else { epochs }
    }
}

fn main() -> ExitCode {
    exit_code(run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Failure> {
    let (mut small, mut large) = (idx::digits8x8()?, options.mnist()?);
    if options.quick {
        small.train.truncate(QUICK);
        large.train.truncate(QUICK);
    }
    let folder = Folder::create_or_default(options.output.as_deref(), "digits")?;
    let mut out = Console::new();
    let mut files = vec![];
    files.extend(linear(&mut out, options, &folder, &small, &large)?);
    let soft = by_softmax(&mut out, options, &folder, &small, &large)?;
    files.extend(soft.files);
    files.extend(match options.hidden {
        Activation::Relu => with_hidden::<Relu>(&mut out, options, &folder, &large, &soft.curve)?,
        Activation::Tanh => with_hidden::<Tanh>(&mut out, options, &folder, &large, &soft.curve)?,
    });
    list_files(&mut out, &files)?;
    Ok(())
}

/// Trains with a progress bar; prints the marks.
fn trained<const PIXELS: usize, N: Layer>(
    out: &mut impl Write,
    data: &Data<PIXELS>,
    title: &str,
    epochs: u32,
    train: impl FnOnce(u32, &mut dyn FnMut()) -> Trained<N>,
) -> Result<Trained<N>, Failure> {
    let steps = u64::from(epochs).saturating_mul(data.train.len() as u64);
    let bar = progress::bar(steps, "training");
    let result = train(epochs, &mut || bar.inc(1));
    bar.finish_and_clear();
    writeln!(out, "\n{title}")?;
    writeln!(
        out,
        "{:>7}{:>14}{:>22}{:>22}",
        "epoch",
        "mean loss",
        format!("right, of {}", data.train.len()),
        format!("in the test, of {}", data.test.len())
    )?;
    for Mark { epoch, loss, train_correct, test_correct } in &result.marks {
        writeln!(out, "{epoch:>7}{loss:>14.6}{train_correct:>22}{test_correct:>22}")?;
    }
    if result.diverged {
        writeln!(out, "  Training diverged: a loss became infinite. A smaller rate would do.")?;
    }
    Ok(result)
}

/// The delta rule on both sizes, with the weight pictures.
fn linear(
    out: &mut impl Write,
    options: &Options,
    folder: &Folder,
    small: &Data<64>,
    large: &Data<784>,
) -> Result<Vec<String>, Failure> {
    writeln!(
        out,
        "A linear network has one weight for each pixel and digit; its score of a digit is how well\n\
         the image agrees with the ten weight pictures. No bias, delta rule, f32, all weights 0 at first."
    )?;
    let title = "1. 64-10 linear, 8 x 8 pixels, alpha 0.01";
    let first = trained(out, small, title, options.epochs(10), |epochs, learned| {
        compute::delta_rule(small, 0.01_f32, epochs, learned)
    })?;
    let title = "2. 784-10 linear, 28 x 28 pixels, alpha 0.002";
    let second = trained(out, large, title, options.epochs(5), |epochs, learned| {
        compute::delta_rule(large, 0.002_f32, epochs, learned)
    })?;
    let (first, second) = (weight_images(&first.net), weight_images(&second.net));
    tell_likeness(out, &likeness(&first, &small.train, small.black))?;
    let mut files = pictures::weights(
        folder,
        "weights_8x8",
        "Weights after the delta rule, 8 × 8 pixels: red for, blue against",
        &first,
    )?;
    files.extend(pictures::weights(
        folder,
        "weights_linear",
        "Weights after the delta rule, 28 × 28 pixels: red for, blue against",
        &second,
    )?);
    Ok(files)
}

fn tell_likeness(out: &mut impl Write, likeness: &[f64]) -> io::Result<()> {
    let (low, high) = likeness
        .iter()
        .fold((1.0_f64, -1.0_f64), |(low, high), &value| (low.min(value), high.max(value)));
    writeln!(
        out,
        "\n  How like its digit is a weight picture? With 8 x 8 pixels its correlation with the mean\n  \
         image of the digit, less the mean of all, is {low:.2} to {high:.2}: too little to be read.\n  \
         With 28 x 28 pixels some digits can be seen, and more of them after softmax."
    )
}

/// What is left of the softmax network.
struct Soft {
    files: Vec<String>,
    curve: Curve,
}

/// Softmax on both sizes, with the weight pictures.
fn by_softmax(
    out: &mut impl Write,
    options: &Options,
    folder: &Folder,
    small: &Data<64>,
    large: &Data<784>,
) -> Result<Soft, Failure> {
    writeln!(
        out,
        "\nSoftmax turns the scores into probabilities, and cross-entropy asks for the right one only.\n\
         With biases; all parameters 0 at first."
    )?;
    let title = "3. 64-10 softmax, 8 x 8 pixels, learning rate 0.05";
    trained(out, small, title, options.epochs(5), |epochs, learned| {
        compute::softmax(small, 0.05_f32, epochs, learned)
    })?;
    let title = "4. 784-10 softmax, 28 x 28 pixels, learning rate 0.01";
    let result = trained(out, large, title, options.epochs(5), |epochs, learned| {
        compute::softmax(large, 0.01_f32, epochs, learned)
    })?;
    let files = pictures::weights(
        folder,
        "weights_softmax",
        "What a softmax network looks for: red for, blue against",
        &weight_images(&result.net),
    )?;
    Ok(Soft { files, curve: Curve::new("784-10 softmax", &result.marks, large.test.len()) })
}

/// A hidden layer, with the confusion matrix and both curves.
fn with_hidden<A: hidden::Start>(
    out: &mut impl Write,
    options: &Options,
    folder: &Folder,
    data: &Data<784>,
    soft: &Curve,
) -> Result<Vec<String>, Failure> {
    let name = if options.hidden == Activation::Relu { "relu" } else { "tanh" };
    let shape = format!("784-{HIDDEN}-10");
    let title = format!(
        "5. {shape}, {name} and softmax, learning rate {:?}, random start {}",
        options.learning_rate, options.seed
    );
    let result = trained(out, data, &title, options.epochs(options.epochs), |epochs, learned| {
        hidden::hidden::<784, A>(data, options.seed, options.learning_rate, epochs, learned)
    })?;
    let matrix = judge(&*result.net, &data.test, data.black);
    if matrix.count() > 0 {
        writeln!(out, "\n{matrix}")?;
        writeln!(out, "  Rows: the digit that it is. Columns: the digit that it was taken for.")?;
    } else {
        writeln!(out, "  The network answers nothing but NaN: there is nothing to count.")?;
    }
    let mut files = pictures::confusion(folder, &shape, &matrix)?;
    let curve = Curve::new(&format!("{shape} {name}"), &result.marks, data.test.len());
    files.extend(pictures::accuracy(folder, &[soft.clone(), curve])?);
    Ok(files)
}
