//! Backpropagation with every number: one step of a 2-2-2 network, compared with a text that
//! computes it by hand; then training of the same network, with its loss curve.
//!
//! ```text
//! cargo run --release -p worked_net
//! cargo run --release -p worked_net -- --numbers examples/worked_net/own.toml
//! cargo run --release -p worked_net -- --help
//! ```

use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use gradlet::Scalar;
use shared::console::Console;
use shared::lesson::{Lesson, Sections, aligned};
use shared::options;
use shared::options::{choice, flag, path, positive, read, sections, whole};
use shared::output::{Folder, Picture};
use shared::plot::{Axis, Chart, DrawError, Line, three_digits};
use shared::progress;
use shared::run::{Failure, exit_code};
use shared::thinning::{Thinning, is_power_of_ten};
use worked_net::{Biases, Ending, Moment, Numbers, RATE, RATE_OF_W1, own};

const TEXT: &str = include_str!("../../texts/backprop_article.toml");

options! {
    "worked_net",
    /// Backpropagation with every number: one step of a 2-2-2 network, compared with a text that
    /// computes it by hand, then training and its loss curve.
    struct Options {
        /// Number of training steps, at most 10 million (about a second)
        steps: u32 = whole("N", 10_000, 0..=10_000_000),
        /// How far each update goes; finite and greater than 0 [default: that of --numbers, or 0.5]
        learning_rate: Option<f64> = read("RATE", |text| positive(text).map(Some)),
        /// TOML file with inputs, targets, weights, biases and learning rate of your own; a sample is
        /// examples/worked_net/own.toml
        numbers: Option<PathBuf> = path("FILE").with(|arg| arg.conflicts_with("biases")),
        /// Biases to start with
        biases: Biases = choice("BIASES", [
            (Biases::Declared, "declared", "0.55, 0.56, 0.66, 0.67: the ones that the text lists"),
            (Biases::Printed, "printed", "0.55, 0.55, 0.66, 0.66: the ones that the text computes with"),
        ]),
        /// Number format for training; the derivation is always in f64
        scalar: Precision = choice("SCALAR", [
            (Precision::F32, "f32", "4 bytes, about 7 digits, as on a microcontroller"),
            (Precision::F64, "f64", "8 bytes, about 16 digits"),
        ]),
        /// Only these sections, by name or number, separated by commas
        section: Sections = sections(TEXT, "worked_net"),
        /// Print the formulas before the numbers
        formulas: bool = flag(),
        /// Folder for loss.svg and loss.csv [default: `worked_net` in Cargo's target folder]
        output: Option<PathBuf> = path("DIR"),
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Precision {
    #[default]
    F32,
    F64,
}

/// A number type of [`Precision`].
trait Number: Scalar {
    const NAME: &'static str;
    /// The bits, in hexadecimal.
    fn bits(self) -> String;
}

impl Number for f32 {
    const NAME: &'static str = "f32";
    fn bits(self) -> String {
        format!("{:08x}", self.to_bits())
    }
}

impl Number for f64 {
    const NAME: &'static str = "f64";
    fn bits(self) -> String {
        format!("{:016x}", self.to_bits())
    }
}

/// What is computed.
struct Plan {
    numbers: Numbers,
    /// The text to compare with, by its biases; none for numbers of the user's own.
    text: Option<Biases>,
    rate: f64,
    steps: u32,
}

impl Plan {
    fn new(options: &Options) -> Result<Self, Failure> {
        let text = options.numbers.is_none().then_some(options.biases);
        let (numbers, rate) = match &options.numbers {
            Some(path) => own::read(path)?,
            None => (Numbers::of_text(options.biases), None),
        };
        let rate = options.learning_rate.or(rate).unwrap_or(RATE);
        Ok(Self { numbers, text, rate, steps: options.steps })
    }
}

fn main() -> ExitCode {
    let options = Options::parse();
    exit_code(match options.scalar {
        Precision::F32 => run::<f32>(&options),
        Precision::F64 => run::<f64>(&options),
    })
}

fn run<T: Number>(options: &Options) -> Result<(), Failure> {
    let plan = Plan::new(options)?;
    let rate = rate_as::<T>(plan.rate);
    let folder = Folder::create_or_default(options.output.as_deref(), "worked_net")?;
    let mut lesson = Lesson::read(TEXT, "worked_net")?.showing(&options.section, options.formulas);
    lesson = match plan.text {
        None => lesson.without_text(),
        Some(Biases::Printed) => lesson.excluding("bias"),
        Some(Biases::Declared) => lesson,
    };
    for (rate, word) in [(RATE, "your rate"), (RATE_OF_W1, "rate")] {
        if plan.rate.to_bits() == rate.to_bits() {
            lesson = lesson.excluding(word);
        }
    }
    derive(&mut lesson, &plan);
    let (curve, ending) = train(&plan, rate);
    lesson.block("scalar", T::NAME);
    lesson.block("training", training::<T>(&plan, &curve, ending));
    let mut out = Console::default();
    lesson.tell(&mut out)?;
    let pictures = lesson.shown([("training", picture::<T>(&plan, &curve)?)]);
    folder.write_pictures(&mut out, &pictures)?;
    succeeded(ending)
}

/// Training that ended early is a failure.
fn succeeded(ending: Ending) -> Result<(), Failure> {
    Err(Failure::because(match ending {
        Ending::Complete => return Ok(()),
        Ending::NotFinite(updates) => format!(
            "training diverged: the loss after update {updates} is NaN or infinite; try a smaller \
             --learning-rate"
        ),
        Ending::Saturated(updates) => format!(
            "training is stuck: after update {updates} the sigmoids are saturated and every \
             derivative is exactly 0, so nothing more can be learned; try a smaller --learning-rate"
        ),
    }))
}

/// The learning rate as a `T`; ends the program if there it is not finite or not above zero.
fn rate_as<T: Number>(rate: f64) -> T {
    let nearest = T::from_f64(rate);
    if nearest.is_finite() && nearest > T::ZERO {
        return nearest;
    }
    let message = format!(
        "the learning rate {rate:e} is {nearest:?} as {}; --scalar f64 has a wider range",
        T::NAME
    );
    Options::command().error(ErrorKind::ValueValidation, message).exit()
}

/// The numbers of the derivation.
fn derive(lesson: &mut Lesson, plan: &Plan) {
    let Plan { numbers, rate, .. } = plan;
    let net = numbers.network::<f64>();
    lesson.set(worked_net::step(&net, numbers, *rate).named());
    lesson.set(worked_net::retraced());
    let of_text = Numbers::of_text(Biases::Printed);
    let of_text = worked_net::step(&of_text.network::<f64>(), &of_text, RATE).named();
    lesson.set(of_text.into_iter().map(|(name, value)| (format!("{name} of text"), value)));
    let entropy = worked_net::cross_entropy(&net, numbers);
    let [[out_o1, out_o2], [in_o1, in_o2]] = worked_net::cross_entropy_derivatives(&net, numbers);
    let ([i1, _], [o1, _]) = (numbers.inputs, numbers.targets);
    lesson.set([
        ("entropy", entropy),
        ("-entropy", -entropy),
        ("entropy by out_o1", out_o1),
        ("entropy by out_o2", out_o2),
        ("entropy by in_o1", in_o1),
        ("entropy by in_o2", in_o2),
        ("i1", i1),
        ("o1", o1),
    ]);
    lesson.block("rate", short(*rate));
    lesson.block("network", network(numbers));
    let whose = if plan.text.is_some() { "the network of the text" } else { "your own network" };
    lesson.block("whose", whose);
}

/// A number in few characters: `0.5`, `1e30`.
fn short(value: f64) -> String {
    if (1e-4..1e6).contains(&value) { value.to_string() } else { format!("{value:e}") }
}

/// The network as a table.
fn network(numbers: &Numbers) -> String {
    let ([i1, i2], [o1, o2], [b1, b2, b3, b4]) = (numbers.inputs, numbers.targets, numbers.biases);
    let [[w1, w2], [w3, w4], [w5, w6], [w7, w8]] = numbers.weights;
    let is = |name: &str, value: f64| format!("{name} = {value}");
    let lines = [
        ["", "to h1", "to h2", "", "to o1", "to o2"].map(str::to_owned),
        [is("i1", i1), is("w1", w1), is("w3", w3), "from h1".into(), is("w5", w5), is("w7", w7)],
        [is("i2", i2), is("w2", w2), is("w4", w4), "from h2".into(), is("w6", w6), is("w8", w8)],
        ["bias".into(), is("b1", b1), is("b2", b2), "bias".into(), is("b3", b3), is("b4", b4)],
        ["".into(), "".into(), "".into(), "target".into(), is("o1", o1), is("o2", o2)],
    ];
    let indented = |line: &str| format!("  {line}\n");
    aligned(&lines.map(|line| line.to_vec())).trim_end().lines().map(indented).collect()
}

/// Trains; returns the points of the curve.
fn train<T: Number>(plan: &Plan, rate: T) -> (Vec<Moment<T>>, Ending) {
    let Plan { numbers, steps, .. } = plan;
    let bar = progress::bar((*steps).into(), "training");
    let (mut curve, mut thinning) = (vec![], Thinning::default());
    let ending = worked_net::train(&mut numbers.network::<T>(), numbers, rate, *steps, |moment| {
        if thinning.keeps(moment.updates) || moment.updates == *steps {
            bar.set_position(moment.updates.into());
            curve.push(moment);
        }
    });
    bar.finish_and_clear();
    (curve, ending)
}

/// The loss after 0, 1, 10, 100 .. updates and at the end.
fn training<T: Number>(plan: &Plan, curve: &[Moment<T>], ending: Ending) -> String {
    let mut lines =
        vec![["updates", "E", "bits of E", "out_o1", "out_o2"].map(str::to_owned).to_vec()];
    let last = curve.last().map_or(0, |moment| moment.updates);
    for Moment { updates, loss, outputs: [o1, o2] } in curve {
        if *updates == 0 || *updates == last || is_power_of_ten(*updates) {
            let outputs = [format!("{o1:?}"), format!("{o2:?}")];
            let loss = [updates.to_string(), format!("{loss:?}"), loss.bits()];
            lines.push([&loss[..], &outputs].concat());
        }
    }
    let [o1, o2] = plan.numbers.targets;
    lines.push(vec!["target".into(), "0".into(), String::new(), o1.to_string(), o2.to_string()]);
    let end = match ending {
        Ending::Complete => {
            "gradlet computes these bits on every machine, from a PC to a microcontroller."
        }
        Ending::NotFinite(_) | Ending::Saturated(_) => "Stopped early.",
    };
    format!(
        "{}{end}\nThe loss curve has {} points, as many as stand apart on logarithmic axes.",
        aligned(&lines),
        curve.len()
    )
}

/// The loss curve.
fn picture<T: Number>(plan: &Plan, curve: &[Moment<T>]) -> Result<Picture, DrawError> {
    let point = |moment: &Moment<T>| (f64::from(moment.updates), moment.loss.to_f64());
    let points: Vec<_> = curve.iter().map(point).collect();
    let marks: Vec<_> =
        curve.iter().filter(|moment| is_power_of_ten(moment.updates)).map(point).collect();
    let start = points.first().map_or(0.0, |&(_, loss)| loss);
    let end = points.last().map_or(1.0, |&(updates, _)| updates.max(10.0));
    let whose = if plan.text.is_some() { "the worked" } else { "your" };
    let mut chart = Chart::new(
        format!(
            "Backpropagation trains {whose} 2-2-2 network ({}, learning rate {})",
            T::NAME,
            short(plan.rate)
        ),
        Axis::log("number of updates"),
        Axis::log("loss E = ½ Σ (output − target)²"),
    )
    .with(Line::solid(0, points).named("after so many updates"))
    .with(Line::dots(0, marks.clone()))
    .with(
        Line::dashed(1, [(1.0, start), (end, start)])
            .named(format!("before the first update: {}", three_digits(start))),
    );
    for at in marks {
        chart = chart.note(at, three_digits(at.1));
    }
    // With the digits of its scalar type.
    let rows = curve.iter().map(|moment| format!("{},{:?}\n", moment.updates, moment.loss));
    let csv = ["step,loss\n".to_owned()].into_iter().chain(rows).collect();
    Ok(Picture { name: "loss", svg: chart.svg()?, csv })
}
