//! Backpropagation with every number: one step of a 2-2-2 network, compared with a text that
//! computes it by hand; then training of the same network, with its loss curve.
//!
//! ```text
//! cargo run --release -p worked_net
//! cargo run --release -p worked_net -- --help
//! ```

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use gradlet::Scalar;
use shared::console::Console;
use shared::options;
use shared::options::{choice, path, positive, real, whole};
use shared::output::{Folder, Picture, list_files};
use shared::plot::{Axis, Chart, Line, Look, Note, three_digits};
use shared::progress;
use shared::run::{Failure, exit_code};
use shared::thinning::{Thinning, is_power_of_ten};
use worked_net::text::{self, Row, Verdict, short};
use worked_net::{Biases, Ending, INPUTS, Moment, Step, TARGETS, WEIGHTS};

options! {
    "worked_net",
    /// Backpropagation with every number: one step of a 2-2-2 network, compared with what a
    /// well-known text printed, then training and its loss curve.
    struct Options {
        /// Number of training steps, at most 10 million (about a second)
        steps: u32 = whole("N", 10_000, 0..=10_000_000),
        /// How far each update goes; finite and greater than 0
        learning_rate: f64 = real("RATE", text::RATE, positive),
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

fn main() -> ExitCode {
    let options = Options::parse();
    exit_code(match options.scalar {
        Precision::F32 => run::<f32>(&options),
        Precision::F64 => run::<f64>(&options),
    })
}

fn run<T: Number>(options: &Options) -> Result<(), Failure> {
    let rate = rate_as::<T>(options);
    let folder = Folder::create_or_default(options.output.as_deref(), "worked_net")?;
    let mut out = Console::default();
    let step = worked_net::step(&worked_net::network::<f64>(options.biases), options.learning_rate);
    introduce(&mut out, options)?;
    derive(&mut out, options, &step)?;
    explain(&mut out, options)?;
    out.flush()?;
    let (curve, ending) = train(options, rate);
    tell::<T>(&mut out, options, &curve, ending)?;
    let svg = chart::<T>(options, &curve).svg()?;
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
fn rate_as<T: Number>(options: &Options) -> T {
    let rate = T::from_f64(options.learning_rate);
    if rate.is_finite() && rate > T::ZERO {
        return rate;
    }
    let message = format!(
        "--learning-rate {:e} is {rate:?} as {}; --scalar f64 has a wider range",
        options.learning_rate,
        T::NAME
    );
    Options::command().error(ErrorKind::ValueValidation, message).exit()
}

/// The network and how to read what follows.
fn introduce(out: &mut impl Write, options: &Options) -> io::Result<()> {
    let ([i1, i2], [o1, o2]) = (INPUTS, TARGETS);
    let [[w1, w2], [w3, w4], [w5, w6], [w7, w8]] = WEIGHTS;
    let [b1, b2, b3, b4] = options.biases.values();
    write!(
        out,
        "One step of backpropagation with every number, next to a well-known worked text (2-2-2 net).

              to h1        to h2                     to o1        to o2
  i1 = {i1}    w1 = {w1}     w3 = {w3}      from h1    w5 = {w5}     w7 = {w7}
  i2 = {i2}    w2 = {w2}     w4 = {w4}      from h2    w6 = {w6}     w8 = {w8}
  bias        b1 = {b1}    b2 = {b2}     bias       b3 = {b3}    b4 = {b4}
                                         target     o1 = {o1}    o2 = {o2}

Two inputs (i), two hidden units (h), two outputs with their targets (o); every unit is a sigmoid.
Sections 1 to 6 are computed in f64. \"agrees\": the ten decimals of the text, the last give or take
one. \"differs\" gives the reason in a word, which section 7 explains. \"-\": not in the text.
"
    )
}

/// The rows of the derivation.
fn derive(out: &mut impl Write, options: &Options, step: &Step<f64>) -> io::Result<()> {
    let rate = options.learning_rate;
    for (section, number) in text::derivation(step, rate).iter().zip(1_u32..) {
        let title = format!("{number}. {}", section.title);
        writeln!(out, "\n{title:<43}{:<15}{:<14}verdict", "here", "in the text")?;
        for line in section.idea.lines() {
            writeln!(out, "  {line}")?;
        }
        for row in &section.rows {
            let verdict = match row.verdict(options.biases, rate) {
                Verdict::NotPrinted => String::new(),
                Verdict::Agrees => "agrees".to_owned(),
                Verdict::Differs(slips) => {
                    format!(
                        "differs: {}",
                        slips.iter().map(|s| s.word()).collect::<Vec<_>>().join(", ")
                    )
                }
                Verdict::Unexplained => "differs".to_owned(),
            };
            writeln!(out, "{}", line_of(row, &verdict).trim_end())?;
        }
    }
    Ok(())
}

fn line_of(row: &Row, verdict: &str) -> String {
    let value = if row.value.abs() < 100.0 {
        format!("{:.10}", row.value)
    } else {
        format!("{:.6e}", row.value)
    };
    // Room for a sign keeps the decimal points in line.
    let signed =
        |text: &str| if text.starts_with('-') { text.to_owned() } else { format!(" {text}") };
    let digits = row.printed.map_or("-", |printed| printed.digits);
    let digits = if digits == "-" { " -".to_owned() } else { signed(digits) };
    format!("  {:<40}{:<15}{digits:<15}{verdict}", row.formula, signed(&value))
}

/// The reasons that the verdicts name.
fn explain(out: &mut impl Write, options: &Options) -> io::Result<()> {
    let of_text = worked_net::step(&worked_net::network::<f64>(Biases::Printed), text::RATE);
    let declared = worked_net::step(&worked_net::network::<f64>(Biases::Declared), text::RATE);
    let ([_, text_in_h2], [_, text_out_h2]) = (of_text.in_h, of_text.out_h);
    let ([_, in_h2], [_, out_h2]) = (declared.in_h, declared.out_h);
    let ([out_o1, _], [e_o1, _], [delta_o1, _]) = (of_text.out_o, of_text.errors, of_text.delta_o);
    let entropy = worked_net::cross_entropy(&worked_net::network::<f64>(options.biases));
    let [o1, _] = TARGETS;
    writeln!(out, "\n7. Where the text differs")?;
    if options.biases == Biases::Declared {
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
        short(options.learning_rate),
        -entropy,
    )
}

/// Trains; returns the points of the curve.
fn train<T: Number>(options: &Options, rate: T) -> (Vec<Moment<T>>, Ending) {
    let bar = progress::bar(options.steps.into(), "training");
    let (mut curve, mut thinning) = (vec![], Thinning::default());
    let ending = worked_net::train(
        &mut worked_net::network::<T>(options.biases),
        rate,
        options.steps,
        |moment| {
            if thinning.keeps(moment.updates) || moment.updates == options.steps {
                bar.set_position(moment.updates.into());
                curve.push(moment);
            }
        },
    );
    bar.finish_and_clear();
    (curve, ending)
}

/// Prints the loss after 0, 1, 10, 100 .. updates and at the end.
fn tell<T: Number>(
    out: &mut impl Write,
    options: &Options,
    curve: &[Moment<T>],
    ending: Ending,
) -> io::Result<()> {
    let rate = short(options.learning_rate);
    writeln!(
        out,
        "\n8. Training: the same step again and again, in {}, learning rate {rate}",
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
    let [o1, o2] = TARGETS;
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
fn chart<T: Number>(options: &Options, curve: &[Moment<T>]) -> Chart {
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
            "Backpropagation trains the worked 2-2-2 network ({}, learning rate {})",
            T::NAME,
            short(options.learning_rate)
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
