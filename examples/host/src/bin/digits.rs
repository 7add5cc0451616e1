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

use std::path::PathBuf;
use std::process::ExitCode;

use examples::digits::idx::{self, Data, Digits};
use examples::digits::{
    HIDDEN, Mark, Net, Trained, delta_rule, hidden, judge, likeness, pictures, softmax,
    weight_images,
};
use gradlet::{Elementwise, Layer, Number, Relu, Tanh, init};
use rand_pcg::Pcg32;
use shared::console::Console;
use shared::lesson::{Lesson, Sections, aligned, keys};
use shared::options;
use shared::options::{choice, flag, path, positive, real, sections, whole};
use shared::output::{Folder, Picture};
use shared::plot::{Axis, Chart, Legend, Line};
use shared::progress;
use shared::run::{Failure, exit_code};

const TEXT: &str = include_str!("../../../texts/grokking_notes.toml");

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
        /// Only these sections, by name or number, separated by commas; the others are not trained
        section: Sections = sections(TEXT, "digits"),
        /// Print the formulas before the numbers
        formulas: bool = flag(),
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
            Err(error) if error.is_absence && self.train_images.is_some() => Ok(None),
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
    let mut lesson = Lesson::read(TEXT, "digits")?;
    lesson.block("missing", if small.is_none() { MISSING } else { "" });
    let mut shown = keys(TEXT, "digits");
    let is_shown =
        |key: &str| options.section.has(key) && (small.is_some() || !key.ends_with("8x8"));
    shown.retain(|key| is_shown(key));
    if shown.is_empty() {
        return Err(Failure::because(MISSING.trim()));
    }
    let shown = Sections::listed(&shown.join(","), &shown).map_err(Failure::because)?;
    let lesson = lesson.showing(&shown, options.formulas);
    let chart = Chart::new(
        "Right answers in the test, %",
        Axis::linear("epoch"),
        Axis::linear("right answers, %"),
    );
    let chart = chart.legend(Legend::LowerRight);
    let mut course = Course { options, lesson, pictures: vec![], chart };
    if let Some(small) = &small {
        course.linear(small, "linear-8x8", 0.01, 10, "weights_8x8");
        course.softmax(small, "softmax-8x8", 0.05);
    }
    course.linear(&large, "linear", 0.002, 5, "weights_linear");
    course.softmax(&large, "softmax", 0.01);
    match options.hidden {
        Activation::Relu => course.hidden::<Relu>(&large, "relu", init::he_uniform),
        Activation::Tanh => course.hidden::<Tanh>(&large, "tanh", init::xavier_uniform),
    }
    if !course.chart.lines.is_empty() {
        course.pictures.push(course.chart.picture("accuracy")?);
    }
    let mut out = Console::default();
    course.lesson.tell(&mut out)?;
    folder.write_pictures(&mut out, &course.pictures)
}

const MISSING: &str = "
Sections 1 and 3 are left out: the files of digits of 8 x 8 pixels are missing, which the
repository has in examples/data (see --data).
";

/// The sections, trained one after the other, with their pictures and a chart of their accuracy.
struct Course<'a> {
    options: &'a Options,
    lesson: Lesson,
    pictures: Vec<Picture>,
    chart: Chart,
}

impl Course<'_> {
    /// Trains with a progress bar, unless the section is not shown: loss and accuracy by epoch.
    fn train<const PIXELS: usize, N: Layer>(
        &mut self,
        data: &Data<PIXELS>,
        key: &str,
        rate: f64,
        epochs: u32,
        train: impl FnOnce(u32, &mut dyn FnMut()) -> Trained<N>,
    ) -> Option<Trained<N>> {
        if !self.lesson.has(key) {
            return None;
        }
        let epochs = if self.options.quick { 1 } else { epochs };
        let bar =
            progress::bar(u64::from(epochs).saturating_mul(data.train.count() as u64), "training");
        let result = train(epochs, &mut || bar.inc(1));
        bar.finish_and_clear();
        let (train, test) = (data.train.count(), data.test.count());
        let heading = format!("epoch|mean loss|right, of {train}|in the test, of {test}");
        let rows = result.marks.iter().map(|Mark { epoch, loss, train_correct, test_correct }| {
            format!("{epoch}|{loss:.6}|{train_correct}|{test_correct}")
        });
        let cells = |line: String| line.split('|').map(str::to_owned).collect();
        let lines: Vec<_> = [heading].into_iter().chain(rows).map(cells).collect();
        let mut text = aligned(&lines);
        if result.diverged {
            text += "Training diverged: a loss became infinite. A smaller rate would do.\n";
        }
        self.lesson.block(key, text);
        self.lesson.block(&format!("{key} rate"), format!("{rate:?}"));
        Some(result)
    }

    /// The delta rule, with pictures of the weights.
    fn linear<const PIXELS: usize>(
        &mut self,
        data: &Data<PIXELS>,
        key: &str,
        rate: f64,
        epochs: u32,
        picture: &'static str,
    ) {
        let result = self.train(data, key, rate, epochs, |epochs, learned| {
            delta_rule(data, f32::from_f64(rate), epochs, learned)
        });
        let Some(result) = result else { return };
        let images = weight_images(&result.net);
        let likeness = likeness(&images, &data.train, data.black);
        self.lesson.set([
            (format!("{key} low"), likeness.iter().copied().fold(1.0, f64::min)),
            (format!("{key} high"), likeness.iter().copied().fold(-1.0, f64::max)),
        ]);
        let side = PIXELS.isqrt();
        let title =
            format!("Weights after the delta rule, {side} × {side} pixels: red for, blue against");
        self.pictures.push(pictures::weights(picture, &title, &images));
    }

    /// Softmax; with pictures of the weights and a learning curve if the images are large.
    fn softmax<const PIXELS: usize>(&mut self, data: &Data<PIXELS>, key: &str, rate: f64) {
        let result = self.train(data, key, rate, 5, |epochs, learned| {
            softmax(data, f32::from_f64(rate), epochs, learned)
        });
        if let (Some(result), "softmax") = (result, key) {
            let title = "What a softmax network looks for: red for, blue against";
            let images = weight_images(&result.net);
            self.pictures.push(pictures::weights("weights_softmax", title, &images));
            self.curve("784-10 softmax", &result.marks, data.test.count());
        }
    }

    /// A hidden layer, with the confusion matrix.
    fn hidden<A: Elementwise>(
        &mut self,
        data: &Data<784>,
        name: &str,
        initialise: fn(&mut Net<784, A>, &mut Pcg32),
    ) {
        let Options { learning_rate, epochs, seed, .. } = *self.options;
        let result = self.train(data, "hidden", learning_rate, epochs, |epochs, learned| {
            hidden(data, initialise, seed, learning_rate, epochs, learned)
        });
        let Some(result) = result else { return };
        let matrix = judge(&*result.net, &data.test, data.black);
        let shape = format!("784-{HIDDEN}-10");
        let confusion = match matrix.count() {
            0 => "The network answers nothing but NaN: there is nothing to count.\n".to_owned(),
            _ => matrix.to_string(),
        };
        self.lesson.block("confusion", confusion);
        self.lesson.block("activation", name);
        self.lesson.block("shape", &*shape);
        self.lesson.block("seed", seed.to_string());
        let title = format!("Which digit {shape} took for which");
        self.pictures.push(pictures::confusion("confusion", &title, &matrix));
        self.curve(&format!("{shape} {name}"), &result.marks, data.test.count());
    }

    /// Adds a curve of right answers in the test, in per cent, to the chart.
    #[allow(clippy::cast_precision_loss, reason = "fewer than 2^53 images")]
    fn curve(&mut self, name: &str, marks: &[Mark], images: usize) {
        let share = |mark: &Mark| 100.0 * f64::from(mark.test_correct) / images as f64;
        let points = || marks.iter().map(|mark| (f64::from(mark.epoch), share(mark)));
        let colour = self.chart.lines.len() / 2;
        self.chart.lines.push(Line::solid(colour, points()).named(name));
        self.chart.lines.push(Line::dots(colour, points()));
    }
}
