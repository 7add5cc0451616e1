//! Backpropagation with every number: one step of a 2-2-2 network, compared with a text that
//! computes it by hand; then training of the same network, with its loss curve.
//!
//! ```text
//! cargo run --release -p worked_net
//! cargo run --release -p worked_net -- --numbers examples/worked_net/own.toml
//! cargo run --release -p worked_net -- --help
//! ```

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use gradlet::Scalar;
use shared::console::Console;
use shared::options;
use shared::options::{choice, path, positive, read, whole};
use shared::output::{Folder, Picture, list_files};
use shared::plot::{Axis, Chart, Line, Look, Note, three_digits};
use shared::progress;
use shared::run::{Failure, exit_code};
use shared::thinning::{Thinning, is_power_of_ten};
use worked_net::text::{self, Row, Verdict, short};
use worked_net::{Biases, Ending, Moment, Numbers, Step, own};

options! {
    "worked_net",
    /// Backpropagation with every number: one step of a 2-2-2 network, compared with what a
    /// well-known text printed, then training and its loss curve.
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
        let rate = options.learning_rate.or(rate).unwrap_or(text::RATE);
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
    let mut out = Console::default();
    let step = worked_net::step(&plan.numbers.network::<f64>(), &plan.numbers, plan.rate);
    introduce(&mut out, &plan)?;
    derive(&mut out, &plan, &step)?;
    if let Some(biases) = plan.text {
        explain(&mut out, biases, plan.rate)?;
    }
    out.flush()?;
    let (curve, ending) = train(&plan, rate);
    tell::<T>(&mut out, &plan, &curve, ending)?;
    let svg = chart::<T>(&plan, &curve).svg()?;
    let paths = folder.write_picture(&Picture { name: "loss", svg, csv: table(&curve) })?;
    writeln!(
        out,
        "\nThe loss curve has {} points, as many as stand apart on logarithmic axes.",
        curve.len()
    )?;
    list_files(&mut out, &paths)?;
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

/// The network and how to read what follows.
fn introduce(out: &mut impl Write, plan: &Plan) -> io::Result<()> {
    let Numbers { inputs, targets, weights, biases } = plan.numbers;
    let width = |numbers: &[f64]| numbers.iter().map(|n| n.to_string().len()).max().unwrap_or(0);
    let left = width(&inputs).max(3).saturating_add(11);
    let cell = width(&[weights.as_flattened(), &targets, &biases].concat()).saturating_add(9);
    let ([i1, i2], [o1, o2], [b1, b2, b3, b4]) = (inputs, targets, biases);
    let [[w1, w2], [w3, w4], [w5, w6], [w7, w8]] = weights;
    let is = |name: &str, value: f64| format!("{name} = {value}");
    match plan.text {
        Some(_) => writeln!(
            out,
            "One step of backpropagation with every number, next to a well-known worked text (2-2-2 net).\n"
        )?,
        None => writeln!(
            out,
            "One step of backpropagation with every number, for a 2-2-2 net of your own numbers.\n"
        )?,
    }
    for (side, [a, b], middle, [c, d]) in [
        (
            String::new(),
            ["to h1", "to h2"].map(String::from),
            "",
            [" to o1", " to o2"].map(String::from),
        ),
        (is("  i1", i1), [is("w1", w1), is("w3", w3)], "from h1", [is("w5", w5), is("w7", w7)]),
        (is("  i2", i2), [is("w2", w2), is("w4", w4)], "from h2", [is("w6", w6), is("w8", w8)]),
        ("  bias".to_owned(), [is("b1", b1), is("b2", b2)], "bias", [is("b3", b3), is("b4", b4)]),
        (String::new(), ["", ""].map(String::from), "target", [is("o1", o1), is("o2", o2)]),
    ] {
        let line = format!("{side:<left$}{a:<cell$}{b:<cell$} {middle:<11}{c:<cell$}{d}");
        writeln!(out, "{}", line.trim_end())?;
    }
    write!(
        out,
        "
Two inputs (i), two hidden units (h), two outputs with their targets (o); every unit is a sigmoid.
Sections 1 to 6 are computed in f64."
    )?;
    match plan.text {
        Some(_) => writeln!(
            out,
            " \"agrees\": the ten decimals of the text, the last give or take
one. \"differs\" gives the reason in a word, which section 7 explains. \"-\": not in the text."
        ),
        None => writeln!(out),
    }
}

/// The rows of the derivation.
fn derive(out: &mut impl Write, plan: &Plan, step: &Step<f64>) -> io::Result<()> {
    for (section, number) in text::derivation(step, plan.rate).iter().zip(1_u32..) {
        let title = format!("{number}. {}", section.title);
        match plan.text {
            Some(_) => writeln!(out, "\n{title:<43}{:<15}{:<14}verdict", "here", "in the text")?,
            None => writeln!(out, "\n{title}")?,
        }
        for line in section.idea.lines() {
            writeln!(out, "  {line}")?;
        }
        for row in &section.rows {
            let verdict = plan.text.map(|biases| match row.verdict(biases, plan.rate) {
                Verdict::NotPrinted => String::new(),
                Verdict::Agrees => "agrees".to_owned(),
                Verdict::Differs(slips) => {
                    let words: Vec<_> = slips.iter().map(|slip| slip.word()).collect();
                    format!("differs: {}", words.join(", "))
                }
                Verdict::Unexplained => "differs".to_owned(),
            });
            writeln!(out, "{}", line_of(row, verdict).trim_end())?;
        }
    }
    Ok(())
}

/// With a verdict comes the number of the text.
fn line_of(row: &Row, verdict: Option<String>) -> String {
    let value = if row.value.abs() < 100.0 {
        format!("{:.10}", row.value)
    } else {
        format!("{:.6e}", row.value)
    };
    // Room for a sign keeps the decimal points in line.
    let signed = |text: &str| match text {
        text if text.starts_with('-') && text.len() > 1 => text.to_owned(),
        text => format!(" {text}"),
    };
    let digits = row.printed.map_or("-", |printed| printed.digits);
    let text = verdict.map(|verdict| format!("{:<15}{verdict}", signed(digits)));
    format!("  {:<40}{:<15}{}", row.formula, signed(&value), text.unwrap_or_default())
}

/// The reasons that the verdicts name.
fn explain(out: &mut impl Write, biases: Biases, rate: f64) -> io::Result<()> {
    let [of_text, declared, numbers] =
        [Biases::Printed, Biases::Declared, biases].map(Numbers::of_text);
    let entropy = worked_net::cross_entropy(&numbers.network::<f64>(), &numbers);
    let [of_text, declared] =
        [of_text, declared].map(|n| worked_net::step(&n.network::<f64>(), &n, text::RATE));
    let ([_, text_in_h2], [_, text_out_h2]) = (of_text.in_h, of_text.out_h);
    let ([_, in_h2], [_, out_h2]) = (declared.in_h, declared.out_h);
    let ([out_o1, _], [e_o1, _], [delta_o1, _]) = (of_text.out_o, of_text.errors, of_text.delta_o);
    let [o1, _] = numbers.targets;
    writeln!(out, "\n7. Where the text differs")?;
    if biases == Biases::Declared {
        write!(
            out,
            "  bias     The text lists b1 .. b4 as 0.55, 0.56, 0.66, 0.67, but computes with b1 in place of b2
           and with b3 in place of b4: its out_h2 is sigmoid({text_in_h2}) = {text_out_h2:.10}; with b2 it is
           sigmoid({in_h2}) = {out_h2:.10}. All that follows inherits this. With its own biases,
           --biases printed, this reason goes away.
"
        )?;
    }
    write!(
        out,
        "  swapped  E_o1 and E_o2 of the text stand in each other's place: ({o1} - {out_o1:.10})^2 / 2 is
           {e_o1:.10}, the error of o1. The sum is right all the same.
  target   Its dE/dw5 comes from the right delta_o1, (out_o1 - o1) * out_o1 * (1 - out_o1), with its
           biases {delta_o1:.10}. On the way to h1 it has out_o1 in place of out_o1 - o1, which
           makes delta_o1 too large. dE/dout_h1, dE/dw1 and w1+ inherit this.
  rate     It announces the learning rate {} and updates w5 with it, but w1 with {}. One step has
           one rate; here it is {}.

  It also shows the cross-entropy as o ln(out) + (1 - o) ln(1 - out) without a minus in front. For
  this network that is {:.10}: the worse the answer, the lower. It must be {entropy:+.10}.
",
        text::RATE,
        text::RATE_OF_W1,
        short(rate),
        -entropy,
    )
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

/// Prints the loss after 0, 1, 10, 100 .. updates and at the end.
fn tell<T: Number>(
    out: &mut impl Write,
    plan: &Plan,
    curve: &[Moment<T>],
    ending: Ending,
) -> io::Result<()> {
    let (number, rate) = (if plan.text.is_some() { 8 } else { 7 }, short(plan.rate));
    writeln!(
        out,
        "\n{number}. Training: the same step again and again, in {}, learning rate {rate}",
        T::NAME
    )?;
    let width = T::from_f64(1.0 / 3.0).bits().len();
    writeln!(
        out,
        "{:>10}  {:<24}{:<width$}  {:<22}out_o2",
        "updates",
        "E",
        "bits of E",
        "out_o1",
        width = width.max(10)
    )?;
    let last = curve.last().map_or(0, |moment| moment.updates);
    for Moment { updates, loss, outputs: [o1, o2] } in curve {
        if *updates == 0 || *updates == last || is_power_of_ten(*updates) {
            writeln!(
                out,
                "{updates:>10}  {:<24}{:<width$}  {:<22}{o2:?}",
                format!("{loss:?}"),
                loss.bits(),
                format!("{o1:?}"),
                width = width.max(10)
            )?;
        }
    }
    let [o1, o2] = plan.numbers.targets;
    writeln!(
        out,
        "{:>10}  {:<24}{:<width$}  {o1:<22}{o2}",
        "target",
        0,
        "",
        width = width.max(10)
    )?;
    match ending {
        Ending::Complete => {
            writeln!(
                out,
                "  gradlet computes these bits on every machine, from a PC to a microcontroller."
            )
        }
        Ending::NotFinite(_) | Ending::Saturated(_) => writeln!(out, "  Stopped early."),
    }
}

/// The loss curve as a picture.
fn chart<T: Number>(plan: &Plan, curve: &[Moment<T>]) -> Chart {
    let points: Vec<_> = curve.iter().map(|m| (f64::from(m.updates), m.loss.to_f64())).collect();
    let marks: Vec<_> = curve
        .iter()
        .zip(&points)
        .filter(|(moment, _)| is_power_of_ten(moment.updates))
        .map(|(_, &point)| point)
        .collect();
    let mut lines = vec![];
    let start = points.first().map_or(0.0, |&(_, loss)| loss);
    let end = points.last().map_or(1.0, |&(updates, _)| updates.max(10.0));
    lines.push(Line {
        label: Some("after so many updates".to_owned()),
        look: Look::Solid,
        colour: 0,
        points,
    });
    lines.push(Line { label: None, look: Look::Dots, colour: 0, points: marks.clone() });
    lines.push(Line {
        label: Some(format!("before the first update: {}", three_digits(start))),
        look: Look::Dashed,
        colour: 1,
        points: vec![(1.0, start), (end, start)],
    });
    Chart {
        title: format!(
            "Backpropagation trains {} 2-2-2 network ({}, learning rate {})",
            if plan.text.is_some() { "the worked" } else { "your" },
            T::NAME,
            short(plan.rate)
        ),
        x: Axis::log("number of updates"),
        y: Axis::log("loss E = ½ Σ (output − target)²"),
        lines,
        notes: marks.iter().map(|&at| Note { at, text: three_digits(at.1) }).collect(),
        ..Chart::default()
    }
}

/// The loss curve as CSV.
fn table<T: Number>(curve: &[Moment<T>]) -> String {
    let rows = curve.iter().map(|moment| format!("{},{:?}\n", moment.updates, moment.loss));
    [String::from("step,loss\n")].into_iter().chain(rows).collect()
}
