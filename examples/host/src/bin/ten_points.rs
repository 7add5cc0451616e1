//! Linear separability: a script trains a neuron by hand on ten points; what each of its numbers
//! should be, and a small network that can learn what the neuron cannot.
//!
//! ```text
//! cargo run --release -p examples --bin ten_points
//! cargo run --release -p examples --bin ten_points -- --help
//! ```

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use examples::ten_points::learning::{
    Classifier, Ending, Moment, Run, correct, cross_entropy, distance_of_line, half_squared_error,
    list, pass_over_samples, train,
};
use examples::ten_points::lines::{NINE, SHARES, search};
use examples::ten_points::script::{
    self, Parameters, START, absolute, linear, losses_of_passes, pass, sum_over_points,
};
use examples::ten_points::{self as compute, Net, Neuron, POINTS, sigmoid_slope};
use gradlet::Layer;
use shared::console::Console;
use shared::lesson::{Lesson, Sections, aligned, tabulated};
use shared::options;
use shared::options::{flag, path, positive, real, sections, whole};
use shared::output::{Folder, Picture, list_files};
use shared::plot::{
    Axis, Chart, DrawError, Heat, Line, Palette, Points, Size, contours, three_digits,
};
use shared::run::{Failure, exit_code};
use shared::table::Csv;
use shared::thinning::Thinning;

const TEXT: &str = include_str!("../../../texts/ten_points_script.toml");

options! {
    "ten_points",
    /// Linear separability: a script trains a neuron by hand on ten points; what each of its
    /// numbers should be, why one neuron cannot learn these points, and a 2-4-1 network that can.
    struct Options {
        /// Number of updates of the neuron and of the network on the cross-entropy
        updates: u32 = whole("N", 5_000, 0..=1_000_000),
        /// Learning rate of these updates; finite and greater than 0
        learning_rate: f64 = real("RATE", 0.5, positive),
        /// Only these sections, by name or number, separated by commas
        section: Sections = sections(TEXT, "ten_points"),
        /// Print the formulas before the numbers
        formulas: bool = flag(),
        /// Folder for the pictures and tables [default: `ten_points` in Cargo's target folder]
        output: Option<PathBuf> = path("DIR"),
    }
}

fn main() -> ExitCode {
    exit_code(run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Failure> {
    let folder = Folder::create_or_default(options.output.as_deref(), "ten_points")?;
    let mut lesson = Lesson::read(TEXT, "ten_points")?.showing(&options.section, options.formulas);
    let (neuron, net) = (learn(options, compute::neuron()), learn(options, compute::net()));
    numbers_of_script(&mut lesson);
    linear_function(&mut lesson);
    separations(&mut lesson);
    lesson.named("rate", [options.learning_rate]);
    let samples = samples(&mut lesson);
    lesson.block("samples", samples);
    lesson.named("ln 4", [4.0_f64.ln()]);
    let best = Neuron::from_rows([[0.0, 0.0]], [4.0_f64.ln()]);
    lesson.named("loss of ln 4", [cross_entropy(&best)]);
    lesson.block("neuron", table_of_neuron(&neuron));
    lesson.block("what became of it", what_became_of(&neuron));
    lesson.block("network", table_of_net(&net));
    let mut out = Console::default();
    lesson.tell(&mut out)?;
    let mut files = vec![];
    if lesson.has("neuron") || lesson.has("hidden-layer") {
        files.extend(folder.write_picture(&losses(&neuron, &net)?)?);
    }
    if let Some(last) = net.last().filter(|_| lesson.has("hidden-layer")) {
        files.extend(folder.write_picture(&plane(&last.net, last.correct)?)?);
        files.push(folder.write("region.csv", &region(&last.net))?);
    }
    Ok(list_files(&mut out, &files)?)
}

/// Trains as the options say; records the states for the loss curve and the tables.
fn learn<N: Classifier>(options: &Options, start: N) -> Run<N> {
    let mut thinning = Thinning::default();
    train(start, options.learning_rate, options.updates, |updates| {
        thinning.keeps(updates) || is_mark(updates)
    })
}

/// What the script prints, and what the numbers should be.
fn numbers_of_script(lesson: &mut Lesson) {
    let visits = pass(START);
    for (visit, n) in visits.iter().zip(1_u32..) {
        let Parameters { w1, w2, b1 } = visit.after;
        let [_, _, added] = visit.deltas;
        lesson.list(&format!("v {n}"), [visit.v_before, visit.v_after]);
        lesson.list(&format!("delta {n}"), visit.deltas);
        lesson.list(&format!("after {n}"), [w1, w2, b1]);
        let own = visit.v_with_own_label();
        for (name, value, slip, retraced) in [
            ("distance", visit.distance(), "label", visit.v_before),
            ("distance", visit.distance(), "label, fifth", visit.v_before),
            ("own v", own, "fifth", visit.v_before),
            ("slope", visit.own_slope(), "slope", script::slope()),
            ("added", visit.right_delta(), "sign", added),
            ("added", visit.right_delta(), "size", added),
        ] {
            let name = format!("{name} {n}");
            lesson.set([(format!("{name} ({slip})"), retraced), (name, value)]);
        }
    }
    let losses = losses_of_passes(1000);
    let first = train(compute::neuron(), 0.5, 1, |_| true);
    let [w, _, b] = first.after(1).map_or([f64::NAN; 3], |moment| list(&moment.net));
    lesson.set([
        ("step", script::STEP),
        ("slope of the script", script::slope()),
        ("slope at 1", sigmoid_slope(1.0)),
        ("half squared error", half_squared_error(&compute::neuron())),
        ("cross-entropy", cross_entropy(&compute::neuron())),
        ("after 1000 passes", losses.last().copied().unwrap_or(f64::NAN)),
        ("right w", w),
        ("right b", b),
        ("fall of b", 10.0 * script::STEP * script::slope()),
    ]);
}

/// The linear function of the text.
fn linear_function(lesson: &mut Lesson) {
    let zero = Parameters { w1: 0.0, w2: 0.0, b1: 10.0 };
    let no = Parameters { w1: -2.0 / 3.0, b1: 0.0, ..zero };
    let beyond = Parameters { b1: 1000.0, ..zero };
    let yes = |parameters: Parameters| -> f64 {
        POINTS.iter().map(|&(x, _)| f64::from(u8::from(parameters.sum(x) > 0.0))).sum()
    };
    let [s1, s2, count, constant] = sum_over_points();
    lesson.set([
        ("absolute", absolute(START)),
        ("linear", linear(START)),
        ("absolute of yes", absolute(zero)),
        ("yes of yes", yes(zero)),
        ("cross-entropy of yes", cross_entropy(&zero.neuron())),
        ("absolute of no", absolute(no)),
        ("yes of no", yes(no)),
        ("absolute beyond", absolute(beyond)),
        ("linear beyond", linear(beyond)),
        ("sum of x1", s1),
        ("sum of x2", s2),
        ("points", count),
        ("labels", -constant),
    ]);
}

/// The search over all lines.
fn separations(lesson: &mut Lesson) {
    let (found, [w1, w2, b]) = (search(), NINE);
    let z = |[x1, x2]: [f64; 2]| w1 * x1 + w2 * x2 + b;
    let [_, _, _, _, (between, _), _, _, _, (one, _), (other, _)] = POINTS;
    let counts = found.by_correct();
    let numbers = (0..counts.len()).map(|right| right.to_string());
    let ways = counts.iter().map(ToString::to_string);
    lesson.block(
        "counts",
        aligned(&[
            ["right".to_owned()].into_iter().chain(numbers).collect(),
            ["ways".to_owned()].into_iter().chain(ways).collect(),
        ]),
    );
    let [lines, ways, best] =
        [found.lines, found.splits.len(), found.best()].map(|number| number.to_string());
    for (name, number) in [("lines", lines), ("ways", ways), ("best", best)] {
        lesson.block(name, number);
    }
    lesson.list("nine", NINE);
    lesson.named("nine right", [correct(&Neuron::from_rows([[w1, w2]], [b])).into()]);
    lesson.named("share, rest", SHARES);
    lesson.named("z one, z other, z between", [one, other, between].map(z));
}

/// The neuron, trained on the half squared error, sample by sample.
fn samples(lesson: &mut Lesson) -> String {
    let mut lines = "point\ta\tloss\tdelta\tw1\tw2\tb".to_owned();
    let steps = pass_over_samples(script::STEP);
    for (step, number) in steps.iter().zip(1_u32..) {
        let ([_, _, delta], [w1, w2, b]) = (step.gradient, list(&step.after));
        lines += &format!("\n{number}\t{:.10}\t{:.10}\t{delta:.10}", step.answer, step.loss);
        lines += &format!("\t{w1:.10}\t{w2:.10}\t{b:.10}");
    }
    let after = steps.last().map_or(f64::NAN, |step| half_squared_error(&step.after));
    lesson.named("after samples", [after]);
    tabulated(&lines)
}

/// Whether the tables have a line for this number of updates.
fn is_mark(updates: u32) -> bool {
    let unit = 10_u32.pow(updates.checked_ilog10().unwrap_or(0));
    [0, 1, 2, 5].iter().any(|factor| unit.saturating_mul(*factor) == updates)
}

/// The states for a table.
fn marks<N: Classifier>(run: &Run<N>) -> impl Iterator<Item = &Moment<N>> {
    let last = run.last().map(|moment| moment.updates);
    run.moments.iter().filter(move |m| is_mark(m.updates) || Some(m.updates) == last)
}

/// A table, with a line on training that ended early.
fn ended(lines: &str, ending: Ending) -> String {
    let table = tabulated(lines);
    match ending {
        Ending::Complete => table,
        Ending::NotFinite(updates) => format!(
            "{table}Training diverged: the loss after update {updates} is NaN or infinite. Try a \
             smaller --learning-rate.\n"
        ),
    }
}

fn table_of_neuron(run: &Run<Neuron>) -> String {
    let mut lines = "updates\tloss\tw1\tw2\tb\tdistance\tright".to_owned();
    for moment in marks(run) {
        let numbers = list(&moment.net).map(ten).join("\t");
        let distance = distance_of_line(&moment.net);
        let distance =
            if distance < 1e4 { format!("{distance:.3}") } else { format!("{distance:.0e}") };
        let Moment { updates, loss, correct, .. } = moment;
        lines += &format!("\n{updates}\t{}\t{numbers}\t{distance}\t{correct} of 10", ten(*loss));
    }
    ended(&lines, run.ending)
}

/// Where the line of the neuron ended, and what it had right on its way.
fn what_became_of(run: &Run<Neuron>) -> String {
    let far = |last: &Moment<Neuron>| distance_of_line(&last.net) > 2.0 && last.correct == 8;
    let mut text = String::new();
    if run.last().is_some_and(far) {
        text += "The line has left the points behind, and the neuron says yes to all of them.\n";
    }
    if run.moments.iter().any(|moment| moment.correct == 9) {
        text += "On its way it had nine right for a while: the lowest cross-entropy and the most right\n\
                 answers are different goals.\n";
    }
    text
}

/// The small network.
fn table_of_net(run: &Run<Net>) -> String {
    let mut lines = "updates\tloss\tright".to_owned();
    for Moment { updates, loss, correct, .. } in marks(run) {
        lines += &format!("\n{updates}\t{}\t{correct} of 10", ten(*loss));
    }
    let mut text = ended(&lines, run.ending);
    if let Some(last) = run.last() {
        let answers = POINTS.iter().flat_map(|(x, _)| last.net.forward(x));
        let answers: Vec<_> = answers.map(|answer| format!("{answer:.4}")).collect();
        text += &format!("Its answers: {}", answers.join(" "));
    }
    text
}

/// Ten decimals, while that is not too long.
fn ten(value: f64) -> String {
    if value.abs() < 100.0 { format!("{value:.10}") } else { format!("{value:.6e}") }
}

/// Ends of the plotted plane, with room for the legend below, and its cells in each direction.
const X: (f64, f64) = (-2.1, 2.1);
const Y: (f64, f64) = (-2.6, 1.6);
const CELLS: u32 = 84;

/// The coordinate of a cell between two ends.
fn along((low, high): (f64, f64), cells: f64) -> f64 {
    low + (high - low) * cells / f64::from(CELLS)
}

/// The outputs of the network, `shift` cells from the lower left corner of each cell, row by row
/// from below.
fn grid(net: &Net, cells: u32, shift: f64) -> Vec<Vec<f64>> {
    let place = |ends, cell| along(ends, f64::from(cell) + shift);
    let answer = |row, column| {
        let [answer] = net.forward(&[place(X, column), place(Y, row)]);
        answer
    };
    (0..cells).map(|row| (0..cells).map(|column| answer(row, column)).collect()).collect()
}

/// The outputs at the corners of the cells.
fn corners(net: &Net) -> Vec<Vec<f64>> {
    grid(net, CELLS.saturating_add(1), 0.0)
}

/// The outputs of the network at every second corner of the cells.
fn region(net: &Net) -> String {
    let mut csv = Csv::new(&["x1", "x2", "network"]);
    for (row, answers) in (0_u32..).zip(corners(net)).step_by(2) {
        for (column, answer) in (0_u32..).zip(answers).step_by(2) {
            let (x1, x2) = (along(X, column.into()), along(Y, row.into()));
            csv.words([format!("{x1:.1}"), format!("{x2:.1}"), answer.to_string()]);
        }
    }
    csv.finish()
}

/// The points with this label.
fn points_with(label: f64) -> impl Iterator<Item = (f64, f64)> {
    let those = POINTS.iter().filter(move |(_, [own])| (own - label).abs() < 0.5);
    those.map(|&([x1, x2], _)| (x1, x2))
}

/// The points, the best line and the outputs of the network; the table has the outputs at the points.
fn plane(net: &Net, correct: u32) -> Result<Picture, DrawError> {
    let [w1, w2, b] = NINE;
    let at = |x1: f64| (x1, -(w1 * x1 + b) / w2);
    let half = contours(X, Y, &corners(net), 0.5).into_iter().enumerate();
    let half = half.map(|(number, points)| Line {
        label: (number == 0).then(|| "the network answers 1/2".to_owned()),
        ..Line::solid(2, points)
    });
    let title = format!("A line gets 9 of 10 points, a 2-4-1 network {correct}");
    let (x, y) = (Axis::linear("x1").from(X.0, X.1), Axis::linear("x2").from(Y.0, Y.1));
    let chart = Chart::new(title, x, y)
        .with_all(half)
        .with(Line::dashed(3, [at(-0.1), at(X.1)]).named("the best line"))
        .with(Line::dots(0, points_with(1.0)).named("label 1"))
        .with(Line::crosses(1, points_with(0.0)).named("label 0"));
    let heat = Heat { x: X, y: Y, values: grid(net, CELLS, 0.5), palette: Palette::Classes };
    let svg = Chart { heat: Some(heat), size: Size::SQUARE, ..chart }.svg()?;
    let line = Neuron::from_rows([[w1, w2]], [b]);
    let mut csv = Csv::new(&["x1", "x2", "label", "best_line", "network"]);
    for (x, [label]) in &POINTS {
        let ([x1, x2], [of_line], [of_net]) = (x, line.forward(x), net.forward(x));
        csv.row(&[*x1, *x2, *label, of_line, of_net]);
    }
    Ok(Picture { name: "ten_points", svg, csv: csv.finish() })
}

/// The loss of the neuron that the script trains, by epoch, at the updates of the run. By the last
/// of them, its loss has grown tenfold.
fn script_losses(neuron: &Run<Neuron>) -> Points {
    let updates = |moment: &Moment<Neuron>| moment.updates;
    let last = neuron.last().map_or(0, updates).min(2_000);
    let wanted: BTreeSet<u32> = neuron.moments.iter().map(updates).collect();
    let losses = (0..=last).zip(losses_of_passes(last));
    losses.filter(|(pass, _)| wanted.contains(pass)).map(|(pass, l)| (f64::from(pass), l)).collect()
}

/// The curve of a run.
fn curve<N>(run: &Run<N>) -> impl Iterator<Item = (f64, f64)> {
    run.moments.iter().map(|moment| (f64::from(moment.updates), moment.loss))
}

/// The losses of the script, the neuron and the network.
fn losses(neuron: &Run<Neuron>, net: &Run<Net>) -> Result<Picture, DrawError> {
    let mut chart = Chart::new(
        "Ten points: the script, one neuron, and a hidden layer",
        Axis::log("number of updates"),
        Axis::log("mean cross-entropy of the ten points"),
    )
    .with(Line::dashed(1, script_losses(neuron)).named("the script, pass by pass"))
    .with(Line::solid(0, curve(neuron)).named("one neuron, on the cross-entropy"))
    .with(Line::solid(2, curve(net)).named("2-4-1 network, on the cross-entropy"));
    for (x, loss) in
        chart.lines.iter().filter_map(|line| line.points.last().copied()).collect::<Vec<_>>()
    {
        chart = chart.note((x, loss), three_digits(loss));
    }
    chart.picture("loss")
}
