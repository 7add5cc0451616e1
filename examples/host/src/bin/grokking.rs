//! Linear neurons, after a notebook on Andrew W. Trask's *Grokking Deep Learning*: predictions, hot
//! and cold learning, gradient descent, alpha, several inputs and outputs; every number that
//! the notebook prints is computed and compared.
//!
//! ```text
//! cargo run --release -p examples --bin grokking
//! cargo run --release -p examples --bin grokking -- --section alpha --alpha 0.045
//! ```

use std::path::PathBuf;
use std::process::ExitCode;

use examples::grokking::{
    Ending, GAME, LARGE_INPUT, Moment, ONE_TO_THREE, OTHER_RECORD, OTHER_SIGN, Probe, Run,
    SMALL_ALPHA, SMALL_INPUT, THREE_ROWS, THREE_TO_ONE, THREE_TO_THREE, WARM_UP, WITH_A_ZERO,
    around_the_limit, elementwise, error, error_based, from_zero, hot_and_cold, linear, mean,
    moved, never, one_to_three, overflow, predictions, probe, right_rule, slope, sum,
    three_to_three, until_learned, vector_by_matrix, vector_by_matrix_of_text, wrong_deltas,
    wrong_index, wrong_rule,
};
use gradlet::{Layer, Zero};
use shared::console::Console;
use shared::lesson::{Lesson, Sections, aligned, shortest};
use shared::options;
use shared::options::{flag, path, positive, read, sections};
use shared::output::{Folder, Picture};
use shared::plot::{Axis, Chart, DrawError, Legend, Line, Look, Points, three_digits};
use shared::run::{Failure, exit_code};

const TEXT: &str = include_str!("../../../texts/grokking_notes.toml");

options! {
    "grokking",
    /// Linear neurons learn by hot and cold learning, from the error, with alpha, with several
    /// inputs and outputs: every number that a notebook on Grokking Deep Learning prints is computed
    /// and compared.
    struct Options {
        /// Only these sections, with their pictures, by name or number, separated by commas
        section: Sections = sections(TEXT, "grokking"),
        /// Print the formulas before the numbers
        formulas: bool = flag(),
        /// Another alpha (learning rate) for the section on alpha; finite and greater than 0
        alpha: Option<f64> = read("RATE", |text| positive(text).map(Some)),
        /// Folder for the pictures and tables [default: `grokking` in Cargo's target folder]
        output: Option<PathBuf> = path("DIR"),
    }
}

fn main() -> ExitCode {
    exit_code(run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Failure> {
    let folder = Folder::create_or_default(options.output.as_deref(), "grokking")?;
    let mut lesson = Lesson::read(TEXT, "grokking")?.showing(&options.section, options.formulas);
    forward(&mut lesson);
    one_weight(&mut lesson, options.alpha);
    several_inputs(&mut lesson);
    several_outputs(&mut lesson);
    let mut pictures = vec![];
    if lesson.has("error-based") {
        pictures.push(hot_cold_chart()?);
    }
    if lesson.has("error-based") || lesson.has("alpha") {
        pictures.push(bowl()?);
    }
    if lesson.has("alpha") {
        pictures.push(errors(options.alpha)?);
    }
    if lesson.has("inputs") {
        pictures.push(weight_paths()?);
    }
    let mut out = Console::default();
    lesson.tell(&mut out)?;
    folder.write_pictures(&mut out, &pictures)
}

/// Lines of cells in columns, under a heading.
fn lines(heading: &[&str], lines: impl IntoIterator<Item = Vec<String>>) -> String {
    let heading = heading.iter().map(ToString::to_string).collect();
    aligned(&[heading].into_iter().chain(lines).collect::<Vec<Vec<_>>>())
}

fn forward(lesson: &mut Lesson) {
    for (name, numbers) in predictions() {
        lesson.list(name, numbers);
    }
    // The text's matrix has a column for each output, as the weights of a layer have here.
    let layer = linear(THREE_ROWS);
    let row = |name: &str, row: [f64; 3]| {
        [name.to_owned()].into_iter().chain(row.map(|w| w.to_string())).collect()
    };
    let rows = ["toes", "wins", "fans"].into_iter().zip(*layer.weights());
    let rows = rows.map(|(name, weights)| row(name, weights));
    let product = row("(8.5, 0.65, 1.2) times the column", layer.forward(&GAME));
    lesson.block("matrix", lines(&["", "hurt", "win", "sad"], rows.chain([product])));
    let neurons = linear([[0.5, 0.5], [1.0, -1.0], [1.0, 1.0]]);
    let inputs = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
    let logic = inputs.map(|x| {
        let scores = neurons
            .forward(&x)
            .map(|score| format!("{score:>4}{}", if score >= 1.0 { "  yes" } else { "" }));
        x.map(|x| x.to_string()).into_iter().chain(scores).collect()
    });
    let names = ["x1", "x2", "0.5 x1 + 0.5 x2: and", "x1 - x2: and not", "x1 + x2: or"];
    lesson.block("logic", lines(&names, logic));

    let (a, b) = ([1.0, 2.0, 3.0], [10.0, 20.0, 30.0]);
    lesson.list("product", elementwise(&a, &b, |a, b| a * b));
    lesson.list("sum", elementwise(&a, &b, |a, b| a + b));
    lesson.list("scaled", [0.3, 0.2, 0.9].map(|x| 0.65 * x));
    lesson.set([("total", sum(&b)), ("mean", mean(&[10.0, 20.0, 60.0]))]);
    let [three_inputs] = linear([[8.5, 0.65, 1.2]]).forward(&[0.1, 0.2, 0.0]);
    lesson.set([("weighted sum", three_inputs)]);
    let zeros: [[[f64; 4]; 3]; 2] = Zero::ZERO;
    lesson.table("zeros", 1, zeros.concat());
    let two_rows: Vec<_> = THREE_ROWS.iter().take(2).map(|row| row.to_vec()).collect();
    let outputs = |result: Option<Vec<f64>>| match result {
        Some(outputs) => format!("gives {} outputs", outputs.len()),
        None => "is refused".to_owned(),
    };
    lesson.block("two rows", outputs(vector_by_matrix(&GAME, &two_rows)));
    lesson.block("two rows by the text", outputs(vector_by_matrix_of_text(&GAME, &two_rows)));
}

/// The iterations of one weight: `NAME w`, `NAME error` with the prediction, `NAME delta` with the
/// weight delta; and the last weight.
fn iterations(lesson: &mut Lesson, name: &str, run: &Run<1, 1>, input: f64) {
    let moments = || run.moments.iter();
    let weights = moments().map(|moment| [moment.weight()]);
    lesson.table(&format!("{name} w"), 0, weights);
    let errors = moments().map(|moment| [moment.error()].into_iter().chain(moment.predictions));
    lesson.table(&format!("{name} error"), 0, errors);
    let deltas = moments().map(|moment| moment.deltas.into_iter().flat_map(|d| [d, d * input]));
    lesson.table(&format!("{name} delta"), 0, deltas);
    lesson.set([
        (format!("{name} last w"), run.last.weight()),
        (format!("{name} updates"), run.updates().into()),
    ]);
}

fn one_weight(lesson: &mut Lesson, alpha: Option<f64>) {
    let tried = Probe::new(0.1, 0.01, 8.5, 1.0);
    lesson.list("probe", [tried.error, tried.up, tried.down, tried.weight]);
    let (cold, by_error) = (hot_and_cold(), error_based());
    let tries = cold.steps().map(|(now, next)| {
        let Probe { error, up, down, .. } = probe(now.weight());
        [error, down, up].into_iter().chain(now.predictions).chain([next.weight()])
    });
    lesson.table("hot and cold", 1, tries);
    lesson.list("last prediction", cold.last.predictions);
    let steps = by_error.steps();
    let steps = steps
        .map(|(now, next)| [now.error()].into_iter().chain(now.predictions).chain([next.weight()]));
    lesson.table("by error", 1, steps);
    let within = by_error.moments.iter().take_while(|moment| moment.error() >= 1e-6).count();
    lesson.block("within", within.to_string());
    let weight_delta = WARM_UP.at(WARM_UP.weights).deltas.map(|delta| 0.5 * delta);
    lesson.list("weight delta", weight_delta);
    let (small, large) = (from_zero(SMALL_INPUT, 1.0), from_zero(LARGE_INPUT, 1.0));
    let mended = from_zero(LARGE_INPUT, SMALL_ALPHA);
    iterations(lesson, "1.1", &until_learned(&small, 1000), SMALL_INPUT);
    iterations(lesson, "6.6", &large.learn(7, never), LARGE_INPUT);
    iterations(lesson, "alpha", &mended.as_written(14), LARGE_INPUT);
    let by_gradlet = until_learned(&mended, 1000);
    let (double, single) = (overflow::<f64>(), overflow::<f32>());
    for (name, overflow) in [("f64", double), ("f32", single)] {
        lesson.list(name, [overflow.infinite, overflow.nan, overflow.refused].map(f64::from));
    }
    lesson.set([
        ("error", error(0.5, 0.5, 0.8)),
        ("moves", cold.updates().into()),
        ("hot and cold w", cold.last.weight()),
        ("last error", cold.last.error()),
        ("stops", f64::from(by_error.updates()) + 1.0),
        ("by error w", by_error.last.weight()),
        ("slope", slope()),
        ("factor", WARM_UP.factor()),
        ("factor 1.1", small.factor()),
        ("factor 6.6", large.factor()),
        ("limit", large.alpha_limit()),
        ("factor 0.1", from_zero(LARGE_INPUT, 0.1).factor()),
        ("factor 0.01", mended.factor()),
        ("alpha updates", by_gradlet.updates().into()),
        ("alpha last w", by_gradlet.last.weight()),
        ("best 1.1", 0.8 / SMALL_INPUT),
        ("best 6.6", 0.8 / LARGE_INPUT),
    ]);
    let [below, above] = around_the_limit(LARGE_INPUT);
    let word = |learns: bool| if learns { "learns" } else { "diverges" };
    lesson.block("below", word(below));
    lesson.block("above", word(above));
    let rates = [10.0, 1.0, 0.1, 0.01, 0.001, 0.0001];
    let tried = rates.map(|alpha| {
        let task = from_zero(LARGE_INPUT, alpha);
        let run = task.learn(10_000, |moment| moment.error() < 1e-6);
        let end = if run.ending == Ending::Learned { "below 1e-6" } else { "infinite" };
        vec![
            alpha.to_string(),
            format!("{:.6}", task.factor()),
            format!("{end} after {} updates", run.updates()),
        ]
    });
    lesson.block("rates", lines(&["alpha", "factor of delta", "error"], tried));
    lesson.block("own alpha", alpha.map_or_else(String::new, own_alpha));
}

/// Outcome of training with this alpha.
fn own_alpha(alpha: f64) -> String {
    const MOST: u32 = 100_000;
    let task = from_zero(LARGE_INPUT, alpha);
    // Close to the limit, rounding prevents the error from becoming as small as in other runs.
    let run = task.learn(MOST, |moment| moment.error() < 1e-24);
    let (updates, weight) = (run.updates(), shortest(run.last.weight()));
    let end = match run.ending {
        Ending::Learned => format!("learned after {updates} updates, w = {weight}."),
        Ending::StepsDone => {
            let error = three_digits(run.last.error());
            format!("after {MOST} updates the error is {error}, w = {weight}.")
        }
        Ending::Overflow => {
            format!("it diverges: after {updates} updates the error is infinite.")
        }
    };
    let (alpha, factor) = (shortest(alpha), three_digits(task.factor()));
    format!("\nalpha = {alpha}: the factor is {factor}; {end}")
}

fn several_inputs(lesson: &mut Lesson) {
    let task = THREE_TO_ONE;
    let (right, wrong) = (right_rule(&task), wrong_rule(&task));
    let (first, after) = (right.after(0), right.after(1));
    let [delta] = first.deltas;
    lesson.list("d", task.input.map(|x| delta * x));
    lesson.list("w", after.weights.concat());
    let by_rule = [("d", wrong_deltas(&first).to_vec()), ("w", wrong.after(1).weights.concat())];
    for (name, numbers) in by_rule {
        lesson.set((0_u32..).zip(numbers).map(|(at, n)| (format!("{name} {at} (rule)"), n)));
    }
    lesson.table("rule w", 0, wrong.moments.iter().skip(1).map(|moment| moment.weights.concat()));
    lesson.table("rule delta", 0, wrong.moments.iter().map(wrong_deltas));
    lesson.table("rule error", 0, wrong.moments.iter().map(|moment| [moment.error()]));
    lesson.list("last w", right.last.weights.concat());
    lesson.list("last w by rule", wrong.last.weights.concat());
    lesson.list("other record", OTHER_RECORD.at(task.weights).predictions);
    lesson.set([("other record 0 (record)", sum(&first.predictions))]);
    let (right_away, wrong_away) = (right_rule(&OTHER_SIGN), wrong_rule(&OTHER_SIGN));
    lesson.set([
        ("error of three", first.error()),
        ("error after", after.error()),
        ("error after (rule)", wrong.after(1).error()),
        ("updates", right.updates().into()),
        ("updates (rule)", wrong.updates().into()),
        ("factor of three", task.factor()),
        ("from zero", right_rule(&WITH_A_ZERO).last.weight()),
        ("from zero by rule", wrong_rule(&WITH_A_ZERO).last.weight()),
        ("other sign", right_away.updates().into()),
        ("other sign by rule", wrong_away.updates().into()),
    ]);
}

fn several_outputs(lesson: &mut Lesson) {
    let (by_gradlet, run) = (one_to_three(), ONE_TO_THREE.as_written(105));
    lesson.table("one error", 0, run.moments.iter().map(Moment::errors));
    lesson.table("one w", 0, run.moments.iter().skip(1).map(|moment| moment.weights.concat()));
    lesson.table("one prediction", 0, run.moments.iter().map(|moment| moment.predictions));
    lesson.list("last one w", by_gradlet.last.weights.concat());
    lesson.list("last one prediction", by_gradlet.last.predictions);
    let pairs = by_gradlet.moments.iter().zip(&run.moments);
    let apart = pairs.flat_map(|(a, b)| {
        elementwise(&a.weights.concat(), &b.weights.concat(), |a, b| (a - b).abs())
    });
    lesson.set([("apart", apart.fold(0.0, f64::max))]);
    let (run, stale) = (three_to_three(), wrong_index());
    for (moment, at) in run.moments.iter().zip(0_u32..) {
        for (row, unit) in moment.weights.iter().zip(1_u32..) {
            lesson.list(&format!("three w_{unit} {at}"), *row);
        }
    }
    lesson.table("three error", 0, run.moments.iter().map(Moment::errors));
    lesson.table("three prediction", 0, run.moments.iter().map(|moment| moment.predictions));
    lesson.list("last three w", run.last.weights.concat());
    let stale_weights = stale.last.weights.concat();
    lesson
        .set((0_u32..).zip(stale_weights).map(|(at, w)| (format!("last three w {at} (index)"), w)));
    let (right, wrong) = (moved(&run), moved(&stale));
    let rows = right.chunks(3).zip(wrong.chunks(3)).zip(["hurt", "win", "sad"]);
    let rows = rows.map(|((right, wrong), name)| {
        let cells = right.iter().chain(wrong.iter().take(1)).map(|w| format!("{w:.12}"));
        [name.to_owned()].into_iter().chain(cells).collect()
    });
    lesson.block(
        "moved",
        lines(&["weights of", "toes", "wins", "fans", "in In[132], all three"], rows),
    );
    lesson.set([
        ("factor of outputs", ONE_TO_THREE.factor()),
        ("factor of both", THREE_TO_THREE.factor()),
        ("three updates", run.updates().into()),
        ("stale updates", stale.updates().into()),
    ]);
}

/// Errors by number of updates.
fn numbered<const IN: usize>(run: &Run<IN, 1>) -> impl Iterator<Item = (f64, f64)> {
    (0_u32..).map(f64::from).zip(run.moments.iter().map(Moment::error))
}

/// Errors of one weight with steps that are too large, right and too small.
fn errors(alpha: Option<f64>) -> Result<Picture, DrawError> {
    const SHOWN: u32 = 60;
    const RANGE: core::ops::Range<f64> = 1e-31..1e24;
    let limit = from_zero(LARGE_INPUT, 1.0).alpha_limit();
    let line = |label: &str, look, colour, input, alpha| {
        let run = until_learned(&from_zero(input, alpha), SHOWN);
        let shown = numbered(&run).filter(|(_, error)| RANGE.contains(error));
        Line::new(look, colour, shown).named(label)
    };
    let own = alpha.map(|alpha| {
        line(
            &format!("x = 6.6; alpha = {}: yours", shortest(alpha)),
            Look::Dashed,
            5,
            LARGE_INPUT,
            alpha,
        )
    });
    let solid = |label, colour, input, alpha| line(label, Look::Solid, colour, input, alpha);
    Chart::new(
        "One weight: what the step size alpha does to the error",
        Axis::linear("number of updates"),
        Axis::log("error (prediction − goal)²").from(RANGE.start, RANGE.end),
    )
    .legend(Legend::UpperRight)
    .with(solid("x = 6.6; alpha = 1: diverges", 1, LARGE_INPUT, 1.0))
    .with(solid("x = 6.6; alpha 2 % above 2/x²: diverges", 3, LARGE_INPUT, 1.02 * limit))
    .with(solid("x = 6.6; alpha 2 % below: learns slowly", 4, LARGE_INPUT, 0.98 * limit))
    .with(solid("x = 6.6; alpha = 0.01: learns", 0, LARGE_INPUT, SMALL_ALPHA))
    .with(solid("x = 1.1; alpha = 1: learns", 2, SMALL_INPUT, 1.0))
    .with_all(own)
    .picture("errors")
}

/// The parabola of the error, with steps of three sizes.
fn bowl() -> Result<Picture, DrawError> {
    let weights = (0_u32..=120).map(|k| f64::from(k) / 400.0 - 0.05);
    let curve = weights.map(|weight| (weight, error(weight, LARGE_INPUT, 0.8)));
    let mut chart = Chart::new(
        "The error is a parabola in the weight; learning walks down (x = 6.6)",
        Axis::linear("weight w"),
        Axis::linear("error (x w − 0.8)²"),
    )
    .with(Line::solid(5, curve).named("error"));
    for (colour, alpha) in [(0, SMALL_ALPHA), (2, 0.02), (1, 0.04)] {
        let run = from_zero(LARGE_INPUT, alpha).learn(8, never);
        let points = || run.moments.iter().map(|moment| (moment.weight(), moment.error()));
        chart = chart
            .with(Line::solid(colour, points()))
            .with(Line::dots(colour, points()).named(format!("alpha = {alpha}")));
    }
    chart.picture("bowl")
}

/// Hot and cold learning compared with the error-based rule.
fn hot_cold_chart() -> Result<Picture, DrawError> {
    let mut chart = Chart::new(
        "Hot and cold takes 1100 fixed steps, the error-based rule 78 of its own",
        Axis::log("iteration"),
        Axis::log("error (prediction − goal)²"),
    );
    for (label, colour, run) in [
        ("hot and cold; steps of 0.001", 1, hot_and_cold()),
        ("error-based; until below 1e-20", 0, error_based()),
    ] {
        // A logarithmic axis has no 0.
        let points: Points = numbered(&run).map(|(at, error)| (at + 1.0, error)).collect();
        let end = points.last().copied().unwrap_or_default();
        chart = chart.note(end, three_digits(end.1)).with(Line::solid(colour, points).named(label));
    }
    chart.picture("hot_cold")
}

/// Paths of the first two weights, by the correct rule and by the text's.
fn weight_paths() -> Result<Picture, DrawError> {
    let task = THREE_TO_ONE;
    let path = |run: Run<3, 1>| -> Points {
        run.moments
            .iter()
            .map(|Moment { weights: [[first, second, _]], .. }| (*first, *second))
            .collect()
    };
    let (right, wrong) = (path(right_rule(&task)), path(wrong_rule(&task)));
    let ([[_, _, third]], [x_1, x_2, x_3], [goal]) = (task.weights, task.input, task.goal);
    let solved = |second: f64| ((goal - third * x_3 - second * x_2) / x_1, second);
    let start = right.first().copied().unwrap_or_default();
    let few = wrong.iter().copied().step_by(13);
    Chart::new(
        "Weights by delta · input, and by the text's delta · weight",
        Axis::linear("w₁ (toes)"),
        Axis::linear("w₂ (win record)"),
    )
    .with(Line::dashed(2, [0.188, 0.202].map(solved)).named("prediction = goal; at the first w₃"))
    .with(Line::solid(1, wrong.clone()).named("delta · weight: 143 updates towards 0"))
    .with(Line::crosses(1, few))
    .with(Line::solid(0, right.clone()).named("delta · input: 5 updates"))
    .with(Line::dots(0, right))
    .note(start, "start")
    .picture("weight_paths")
}
