//! Saturation of a tanh neuron: trained on one sample by a text that inverts the target by hand,
//! and by backpropagation. The numbers that the text prints, three loss curves, and why they
//! differ.
//!
//! ```text
//! cargo run --release -p examples --bin tanh_neuron
//! cargo run --release -p examples --bin tanh_neuron -- --help
//! ```

use std::path::PathBuf;
use std::process::ExitCode;

use examples::tanh_neuron::{
    Curves, Ending, INPUT, Moment, Parameters, RATE, Run, START, TARGET_OF_SUM, UPDATES,
    by_inversion, contraction, gain, law_of_loss, loss_slope, on_square, residual_after,
};
use shared::console::Console;
use shared::lesson::{Lesson, Sections, aligned};
use shared::options;
use shared::options::{flag, path, positive, real, sections, whole};
use shared::output::{Folder, Picture};
use shared::plot::{Axis, Chart, DrawError, Legend, Line, Look, three_digits};
use shared::run::{Failure, exit_code};
use shared::table::Csv;
use shared::thinning::{Thinning, is_power_of_ten};

const TEXT: &str = include_str!("../../../texts/tanh_script.toml");

options! {
    "tanh_neuron",
    /// Saturation of a tanh neuron: trained on one sample by a text that inverts the target by
    /// hand, and by backpropagation. The numbers that the text prints, three loss curves,
    /// and why they differ.
    struct Options {
        /// Number of updates in the loss curves
        updates: u32 = whole("N", 10_000, 1..=1_000_000),
        /// Learning rate of the loss curves; finite and greater than 0. The numbers of the text are
        /// computed with the text's rate, 0.01
        learning_rate: f64 = real("RATE", RATE, positive),
        /// Only these sections, by name or number, separated by commas
        section: Sections = sections(TEXT, "tanh_neuron"),
        /// Print the formulas before the numbers
        formulas: bool = flag(),
        /// Folder for the pictures and tables [default: `tanh_neuron` in Cargo's target folder]
        output: Option<PathBuf> = path("DIR"),
    }
}

fn main() -> ExitCode {
    exit_code(run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Failure> {
    let folder = Folder::create_or_default(options.output.as_deref(), "tanh_neuron")?;
    let mut lesson = Lesson::read(TEXT, "tanh_neuron")?.showing(&options.section, options.formulas);
    numbers_of_text(&mut lesson);
    let curves = Curves::train(options.learning_rate, options.updates, || {
        let mut thinning = Thinning::default();
        move |updates| thinning.keeps(updates) || is_mark(updates)
    });
    lesson.set([("own rate", options.learning_rate)]);
    lesson.block("curves", table_of(&curves));
    lesson.block("late", late(&curves));
    lesson.block("other inputs", other_inputs());
    let mut out = Console::default();
    lesson.tell(&mut out)?;
    let pictures = lesson.shown([("curves", losses(&curves)?), ("saturation", paths(&curves)?)]);
    folder.write_pictures(&mut out, &pictures)
}

/// What the sections quote, in the names of the text's file.
fn numbers_of_text(lesson: &mut Lesson) {
    let (run, right) = (by_inversion(RATE, UPDATES, |_| true), on_square(RATE, UPDATES, |_| true));
    for moment in &run.moments {
        let Parameters { w1, w2, b } = moment.parameters;
        let numbers = [
            ("w1", w1),
            ("w2", w2),
            ("b", b),
            ("f", moment.sum),
            ("out", moment.out),
            ("out^2", moment.loss()),
            ("residual", moment.residual()),
        ];
        lesson.set(numbers.map(|(name, number)| (format!("{name} {}", moment.updates), number)));
    }
    for moment in run.moments.iter().take(5) {
        let name = format!("L {}", moment.updates);
        lesson.set([(format!("{name} (residual)"), moment.residual()), (name, moment.loss())]);
    }
    lesson.list("L'", [0.0, 1.0, 2.0].map(loss_slope));
    if let ([before, after, ..], [text, ..]) = (&right.moments[..], &run.moments[..]) {
        let (new, [x1, x2]) = (after.parameters, INPUT);
        // In the order of the text.
        let moved = |p: f64, x: f64| p - RATE * x * text.residual();
        for (name, value, retraced) in [
            ("dL/df", before.delta(), text.residual()),
            ("new w1", new.w1, moved(START.w1, x1)),
            ("new w2", new.w2, moved(START.w2, x2)),
            ("new b", new.b, moved(START.b, 1.0)),
        ] {
            lesson.set([(name.to_owned(), value), (format!("{name} (inverse)"), retraced)]);
        }
        lesson.set([
            ("dL/dout", loss_slope(before.out)),
            ("dout/df", before.slope()),
            ("L before", before.loss()),
            ("L after", after.loss()),
            ("too far", text.residual() / before.delta()),
        ]);
    }
    lesson.set([
        ("L''", loss_slope(2.0) - loss_slope(1.0)),
        ("root", loss_slope(0.0) / (loss_slope(0.0) - loss_slope(1.0))),
        ("f*", TARGET_OF_SUM),
        ("atanh", 0.9999_f64.atanh()),
        ("rate", RATE),
        ("gain", gain()),
        ("8 gain", 8.0 * gain()),
        ("16 gain", 16.0 * gain()),
        ("contraction", contraction(RATE)),
        ("closed form", residual_after(RATE, UPDATES)),
        ("end", (1.0 - TARGET_OF_SUM.tanh()).powi(2)),
        ("by backpropagation", right.moments.last().map_or(f64::NAN, Moment::loss)),
    ]);
}

/// Whether the table of the curves has a line for this number of updates.
fn is_mark(updates: u32) -> bool {
    updates <= 4 || [UPDATES, 20, 50].contains(&updates) || is_power_of_ten(updates)
}

/// Output and loss of the three methods, at the marks and at the end of the longest run.
fn table_of(curves: &Curves) -> String {
    let runs = curves.named();
    let longest = runs.iter().map(|(_, run)| run).max_by_key(|run| run.moments.len());
    let moments = longest.map_or(&[][..], |run| &run.moments);
    let last = moments.last().map_or(0, |moment| moment.updates);
    let marks = moments.iter().map(|moment| moment.updates);
    let mut lines = vec![
        ["updates", "text: out", "L", "square: out", "L", "half: out", "L"]
            .map(String::from)
            .to_vec(),
    ];
    for updates in marks.filter(|&updates| is_mark(updates) || updates == last) {
        let mut line = vec![updates.to_string()];
        for (_, run) in &runs {
            line.extend(match run.after(updates) {
                Some(moment) => [format!("{:.8}", moment.out), format!("{:.4e}", moment.loss())],
                None => ["diverged".to_owned(), String::new()],
            });
        }
        lines.push(line);
    }
    let mut text = aligned(&lines);
    for (name, run) in runs {
        if let Ending::NotFinite(updates) = run.ending {
            text += &format!(
                "{name}: diverged, the loss after update {updates} is NaN or infinite. Try a smaller \
                 --learning-rate.\n"
            );
        } else if run.moments.last().is_some_and(|last| last.slope() <= 0.0) {
            text += &format!(
                "{name}: saturated, out is 1 or -1 to the last digit and the slope of tanh exactly 0.\n"
            );
        }
    }
    text
}

/// The slope of tanh and the loss late in training by backpropagation, beside the asymptote.
fn late(curves: &Curves) -> String {
    let law = format!("1 / ({} rate updates)", 16.0 * gain());
    let mut lines = vec![vec!["updates".into(), "slope 1 - out^2".into(), "L".into(), law]];
    for moment in curves.square.moments.iter().filter(|m| m.updates >= 10 && is_mark(m.updates)) {
        let numbers = [moment.slope(), moment.loss(), law_of_loss(curves.rate, moment.updates)];
        let cells = numbers.map(|number| format!("{number:.4e}"));
        lines.push([moment.updates.to_string()].into_iter().chain(cells).collect());
    }
    if lines.len() > 1 { aligned(&lines) } else { String::new() }
}

/// Outputs of the text's neuron for other inputs, compared with two others that fit as well.
fn other_inputs() -> String {
    let mut lines =
        vec![["neuron", "out(1, 2)", "out(0, 0)", "out(-1, -2)"].map(String::from).to_vec()];
    let zero = Parameters { w1: 0.0, w2: 0.0, b: 0.0 };
    let of_text = by_inversion(RATE, UPDATES, |_| false).moments;
    for (name, neuron) in [
        ("the text's", of_text.last().map_or(zero, |moment| moment.parameters)),
        ("w1 = f*, w2 = b = 0", Parameters { w1: TARGET_OF_SUM, ..zero }),
        ("b = f*, w1 = w2 = 0", Parameters { b: TARGET_OF_SUM, ..zero }),
    ] {
        let answers = [INPUT, [0.0, 0.0], [-1.0, -2.0]].map(|input| neuron.out_at(input));
        let cells = answers.map(|answer| format!("{answer:.10}"));
        lines.push([name.to_owned()].into_iter().chain(cells).collect());
    }
    aligned(&lines)
}

/// The loss curves of the three methods, and the asymptote for many updates.
fn losses(curves: &Curves) -> Result<Picture, DrawError> {
    let Curves { rate, inversion, square, half } = curves;
    let point = |moment: &Moment| (f64::from(moment.updates), moment.loss());
    let curve = |run: &Run| run.moments.iter().map(point).collect::<Vec<_>>();
    let law = square.moments.iter().filter(|moment| moment.updates >= 100);
    let law = law.map(|moment| (f64::from(moment.updates), law_of_loss(*rate, moment.updates)));
    let mut chart = Chart::new(
        "One tanh neuron: the target inverted by hand, and backpropagation",
        Axis::log("number of updates"),
        Axis::log("loss (1 − out)²"),
    )
    .with(Line::solid(1, curve(inversion)).named(format!("the text's way, rate {rate}")))
    .with(Line::solid(0, curve(square)).named(format!("backpropagation, rate {rate}")))
    .with(Line::solid(2, curve(half)).named(format!("on half the loss, rate {}", 10.0 * rate)))
    .with(Line::dashed(4, law).named("1 / (96 rate updates)"));
    // The note of the middle curve is along the curve, where there is room.
    let noted = [inversion.moments.last(), square.after(1000), half.moments.last()];
    for moment in noted.into_iter().flatten() {
        chart = chart.note(point(moment), three_digits(moment.loss()));
    }
    // Room for the legend below the lines in their usual position.
    let mut all = chart.lines.iter().flat_map(|line| &line.points);
    if all.all(|(_, loss)| (1e-9..=1.0).contains(loss)) {
        chart.y = chart.y.from(1e-12, 1.0);
    }
    let mut csv = Csv::new(&["way", "updates", "f", "out", "loss"]);
    for (name, run) in curves.named() {
        for moment in &run.moments {
            let numbers = [f64::from(moment.updates), moment.sum, moment.out, moment.loss()];
            csv.words([name.to_owned()].into_iter().chain(numbers.map(|n| n.to_string())));
        }
    }
    Ok(Picture { name: "loss", svg: chart.svg()?, csv: csv.finish() })
}

/// `tanh`, its derivative, and the first 104 updates of two methods: each up to 4, then every
/// eighth.
fn paths(curves: &Curves) -> Result<Picture, DrawError> {
    let graph =
        |value: fn(f64) -> f64| (0..=120).map(|n| f64::from(n) / 20.0).map(move |f| (f, value(f)));
    let path = |label: &str, look, colour, run: &Run| {
        let first = run.moments.iter().filter(|moment| moment.updates <= UPDATES);
        let end = first.clone().next_back().map_or(f64::NAN, |moment| moment.out);
        let is_due = |moment: &&Moment| moment.updates <= 4 || moment.updates.is_multiple_of(8);
        let shown = first.filter(is_due).filter(|moment| (0.0..=6.0).contains(&moment.sum));
        let points = shown.map(|moment| (moment.sum, moment.out));
        Line::new(look, colour, points).named(format!("{label}, to out = {end:.4}"))
    };
    let title =
        format!("Up to {UPDATES} updates on the curve of tanh, learning rate {}", curves.rate);
    Chart::new(
        title,
        Axis::linear("f = w1 x1 + w2 x2 + b"),
        Axis::linear("out = tanh f").from(0.0, 1.1),
    )
    .legend(Legend::MiddleRight)
    .with(Line::solid(4, graph(f64::tanh)).named("tanh f"))
    .with(Line::dashed(3, graph(|f| 1.0 - f.tanh() * f.tanh())).named("its slope, 1 − tanh² f"))
    .with(path("the text's way", Look::Squares, 1, &curves.inversion))
    .with(path("backpropagation", Look::Crosses, 0, &curves.square))
    .picture("tanh")
}
