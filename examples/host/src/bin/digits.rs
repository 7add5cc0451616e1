//! Handwritten digit classification: linear networks, trained by the delta rule and with softmax,
//! whose weights, drawn as images, resemble the digits; and a network with a hidden layer.
//!
//! ```text
//! cargo run --release -p examples --bin digits
//! cargo run --release -p examples --bin digits -- --help
//! ```
//!
//! The data is in `examples/data` of the repository: a small part of MNIST, 28 x 28 pixels, and
//! 1797 digits of 8 x 8 pixels. `--data` names another folder. Four other options name the files
//! of the complete MNIST.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use examples::digits::compute::{Mark, Trained, judge, likeness, weight_images};
use examples::digits::hidden::HIDDEN;
use examples::digits::idx::{Data, Digits};
use examples::digits::pictures::Curve;
use examples::digits::{compute, hidden, idx, pictures};
use gradlet::{Layer, Relu, Scalar, Tanh};
use shared::console::Console;
use shared::options;
use shared::options::{choice, flag, path, positive, real, whole};
use shared::output::{Folder, list_files};
use shared::progress;
use shared::run::{Failure, exit_code};

options! {
    "digits",
    /// Classifies handwritten digits with a linear network, with softmax and with a hidden layer,
    /// and draws the weights.
    struct Options {
        /// Folder with the repository's data files [default: examples/data of the repository in
        /// which this program was built]
        data: Option<PathBuf> = path("DIR"),
        /// Training images of MNIST, an IDX file, compressed with gzip or not [default: 1000 images
        /// of --data]
        train_images: Option<PathBuf> = path("FILE").with(|arg| arg.requires_all(["train_labels", "test_images", "test_labels"])),
        /// Their labels
        train_labels: Option<PathBuf> = path("FILE").with(|arg| arg.requires_all(["train_images", "test_images", "test_labels"])),
        /// Test images of MNIST [default: 500 images of --data]
        test_images: Option<PathBuf> = path("FILE").with(|arg| arg.requires_all(["train_images", "train_labels", "test_labels"])),
        /// Their labels
        test_labels: Option<PathBuf> = path("FILE").with(|arg| arg.requires_all(["train_images", "train_labels", "test_images"])),
        /// Activation of the hidden units
        hidden: Activation = choice("HIDDEN", [
            (Activation::Relu, "relu", "max(z, 0)"),
            (Activation::Tanh, "tanh", "Hyperbolic tangent"),
        ]),
        /// Number of epochs with the hidden layer, at most 1000
        epochs: u32 = whole("N", 20, 1..=1000),
        /// Learning rate with the hidden layer; finite and greater than 0, in f32 too
        learning_rate: f64 = real("RATE", 0.02, rate),
        /// Seed of the initial weights
        seed: u64 = whole("NUMBER", 1, 0..),
        /// Fewer images and epochs
        quick: bool = flag(),
        /// Folder for the pictures and tables [default: `digits` in Cargo's target folder]
        output: Option<PathBuf> = path("DIR"),
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Activation {
    #[default]
    Relu,
    Tanh,
}

/// Parses a learning rate that is finite and greater than 0 as an `f32` too.
fn rate(text: &str) -> Result<f64, String> {
    let value = positive(text)?;
    let nearest = f32::from_f64(value);
    if nearest.is_finite() && nearest > 0.0 {
        Ok(value)
    } else {
        Err(format!("{value:e} is {nearest:?} in f32"))
    }
}

/// Number of training images in a quick run.
const QUICK: usize = 200;

impl Options {
    fn data(&self) -> PathBuf {
        self.data.clone().unwrap_or_else(idx::own_data)
    }

    /// The images of 8 x 8 pixels; `None` if they are missing and the others' paths are given.
    fn small(&self) -> Result<Option<Data<64>>, Failure> {
        match idx::digits8x8(&self.data()) {
            Err(error) if error.is_absence() && self.train_images.is_some() => Ok(None),
            result => Ok(Some(result?)),
        }
    }

    /// The images of 28 x 28 pixels.
    fn mnist(&self) -> Result<Data<784>, Failure> {
        let paths = (&self.train_images, &self.train_labels, &self.test_images, &self.test_labels);
        Ok(match paths {
            (Some(train), Some(train_labels), Some(test), Some(test_labels)) => Data {
                train: Digits::read(train, train_labels)?,
                test: Digits::read(test, test_labels)?,
                black: 255,
            },
            _ => idx::mnist_subset(&self.data())?,
        })
    }

    /// The given number of epochs, or one in a quick run.
    fn epochs(&self, epochs: u32) -> u32 {
        if self.quick { 1 } else { epochs }
    }
}

fn main() -> ExitCode {
    exit_code(run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Failure> {
    let (mut small, mut large) = (options.small()?, options.mnist()?);
    if options.quick {
        small.iter_mut().for_each(|small| small.train.truncate(QUICK));
        large.train.truncate(QUICK);
    }
    let folder = Folder::create_or_default(options.output.as_deref(), "digits")?;
    let mut out = Console::default();
    let mut files = vec![];
    introduce(&mut out, small.is_some())?;
    if let Some(small) = &small {
        files.extend(linear_8x8(&mut out, options, &folder, small)?);
    }
    files.extend(linear_28x28(&mut out, options, &folder, &large)?);
    let soft = by_softmax(&mut out, options, &folder, small.as_ref(), &large)?;
    files.extend(soft.files);
    files.extend(match options.hidden {
        Activation::Relu => with_hidden::<Relu>(&mut out, options, &folder, &large, &soft.curve)?,
        Activation::Tanh => with_hidden::<Tanh>(&mut out, options, &folder, &large, &soft.curve)?,
    });
    list_files(&mut out, &files)?;
    Ok(())
}

fn introduce(out: &mut impl Write, has_small: bool) -> io::Result<()> {
    writeln!(
        out,
        "A linear network has one weight for each pixel and digit; its score of a digit is how well\n\
         the image agrees with the ten weight pictures. No bias, delta rule, f32, all weights 0 at first."
    )?;
    if !has_small {
        writeln!(
            out,
            "\nSections 1 and 3 are left out: the files of digits of 8 x 8 pixels are missing, which the\n\
             repository has in examples/data (see --data)."
        )?;
    }
    Ok(())
}

/// Trains with a progress bar; prints loss and accuracy by epoch.
fn trained<const PIXELS: usize, N: Layer>(
    out: &mut impl Write,
    data: &Data<PIXELS>,
    title: &str,
    epochs: u32,
    train: impl FnOnce(u32, &mut dyn FnMut()) -> Trained<N>,
) -> Result<Trained<N>, Failure> {
    let steps = u64::from(epochs).saturating_mul(data.train.count() as u64);
    let bar = progress::bar(steps, "training");
    let result = train(epochs, &mut || bar.inc(1));
    bar.finish_and_clear();
    writeln!(out, "\n{title}")?;
    writeln!(
        out,
        "{:>7}{:>14}{:>22}{:>22}",
        "epoch",
        "mean loss",
        format!("right, of {}", data.train.count()),
        format!("in the test, of {}", data.test.count())
    )?;
    for Mark { epoch, loss, train_correct, test_correct } in &result.marks {
        writeln!(out, "{epoch:>7}{loss:>14.6}{train_correct:>22}{test_correct:>22}")?;
    }
    if result.diverged {
        writeln!(out, "  Training diverged: a loss became infinite. A smaller rate would do.")?;
    }
    Ok(result)
}

/// The delta rule on small images, with pictures of the weights.
fn linear_8x8(
    out: &mut impl Write,
    options: &Options,
    folder: &Folder,
    data: &Data<64>,
) -> Result<[String; 2], Failure> {
    let title = "1. 64-10 linear, 8 x 8 pixels, learning rate 0.01";
    let result = trained(out, data, title, options.epochs(10), |epochs, learned| {
        compute::delta_rule(data, 0.01_f32, epochs, learned)
    })?;
    let images = weight_images(&result.net);
    tell_likeness(out, &likeness(&images, &data.train, data.black))?;
    let title = "Weights after the delta rule, 8 × 8 pixels: red for, blue against";
    pictures::weights(folder, "weights_8x8", title, &images)
}

fn tell_likeness(out: &mut impl Write, likeness: &[f64]) -> io::Result<()> {
    let (low, high) = likeness
        .iter()
        .fold((1.0_f64, -1.0_f64), |(low, high), &value| (low.min(value), high.max(value)));
    writeln!(
        out,
        "\n  How like its digit is a weight picture? Its correlation with the mean image of the digit,\n  \
         less the mean of all, is {low:.2} to {high:.2}: with 8 x 8 pixels too little to be read."
    )
}

/// The delta rule on large images, with pictures of the weights.
fn linear_28x28(
    out: &mut impl Write,
    options: &Options,
    folder: &Folder,
    data: &Data<784>,
) -> Result<[String; 2], Failure> {
    let title = "2. 784-10 linear, 28 x 28 pixels, learning rate 0.002";
    let result = trained(out, data, title, options.epochs(5), |epochs, learned| {
        compute::delta_rule(data, 0.002_f32, epochs, learned)
    })?;
    writeln!(
        out,
        "\n  In these weight pictures some digits can be seen, and more of them after softmax."
    )?;
    let title = "Weights after the delta rule, 28 × 28 pixels: red for, blue against";
    pictures::weights(folder, "weights_linear", title, &weight_images(&result.net))
}

/// What is stored of the softmax network.
struct Soft {
    files: [String; 2],
    curve: Curve,
}

/// Softmax on both sizes, with pictures of the weights.
fn by_softmax(
    out: &mut impl Write,
    options: &Options,
    folder: &Folder,
    small: Option<&Data<64>>,
    large: &Data<784>,
) -> Result<Soft, Failure> {
    writeln!(
        out,
        "\nSoftmax turns the scores into probabilities, and cross-entropy asks for the right one only.\n\
         With biases; all parameters 0 at first."
    )?;
    if let Some(small) = small {
        let title = "3. 64-10 softmax, 8 x 8 pixels, learning rate 0.05";
        trained(out, small, title, options.epochs(5), |epochs, learned| {
            compute::softmax(small, 0.05_f32, epochs, learned)
        })?;
    }
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
    Ok(Soft { files, curve: Curve::new("784-10 softmax", &result.marks, large.test.count()) })
}

/// A hidden layer, with the confusion matrix and both learning curves.
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
        writeln!(
            out,
            "\n{matrix}\n  Rows: the digit that it is. Columns: the digit that it was taken for. recall: which share of\n  \
             a row is right; precision: which share of a column; in the corner: of all."
        )?;
    } else {
        writeln!(out, "  The network answers nothing but NaN: there is nothing to count.")?;
    }
    let confusion = pictures::confusion(folder, &shape, &matrix)?;
    let curve = Curve::new(&format!("{shape} {name}"), &result.marks, data.test.count());
    Ok([confusion, pictures::accuracy(folder, &[soft.clone(), curve])?].concat())
}
