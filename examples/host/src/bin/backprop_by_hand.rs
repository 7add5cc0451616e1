//! Backpropagation by hand, on two chains of functions from a text: a target is reached by dividing
//! by derivatives (Newton's method), and by gradient descent, which multiplies by them.
//!
//! ```text
//! cargo run --release -p examples --bin backprop_by_hand
//! cargo run --release -p examples --bin backprop_by_hand -- --help
//! ```

use std::path::PathBuf;
use std::process::ExitCode;

use examples::backprop_by_hand::{
    B, CHANGES, Change, Ending, FACTORS, Factors, Forward, LIMIT, RATE, Run, State, TARGET,
    THRESHOLDS, Task, W, chain, endless, forward, gradient_descent, root_b, targets, ulp,
};
use examples::gradient_descent::{Ending as DescentEnding, Visit};
use gradlet::{Number, Scalar};
use shared::console::Console;
use shared::lesson::{Lesson, Sections, aligned, tabulated};
use shared::options;
use shared::options::{flag, path, positive, real, sections, whole};
use shared::output::{Folder, list_files};
use shared::plot::{Axis, Chart, Legend, Line, Look};
use shared::run::{Failure, exit_code};
use shared::table::Csv;

const TEXT: &str = include_str!("../../../texts/lecture_notes.toml");
/// Number of updates in the picture of the distances, and the tolerance at which its runs end.
const UPDATES: usize = 30;
const NEAR: f64 = 1e-11;

options! {
    "backprop_by_hand",
    /// Derivatives by hand, forward and backward: z = (2 w + 3 b) (2 b + 1) from 162 to 150, and
    /// c = sqrt(ln x^2) to 2.14, by Newton's method and by gradient descent.
    struct Options {
        /// Target of z, from -1000 to 10000
        target: f64 = real("Z", TARGET, z),
        /// Target of c, greater than 0 and at most 6
        chain_target: f64 = real("C", chain::TARGET, c),
        /// Initial x, greater than 1 and at most 100
        chain_start: f64 = real("X", chain::START, x),
        /// Maximum number of updates of Newton's method
        limit: u32 = whole("N", LIMIT, 1..=1000),
        /// Only these sections, by name or number, separated by commas
        section: Sections = sections(TEXT, "backprop_by_hand"),
        /// Print the formulas before the numbers
        formulas: bool = flag(),
        /// Folder for the pictures and tables [default: `backprop_by_hand` in Cargo's target folder]
        output: Option<PathBuf> = path("DIR"),
    }
}

/// Parses a target of z.
fn z(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (-1e3..=1e4).contains(&value) { Ok(value) } else { Err("must be -1000 to 10000".to_owned()) }
}

/// Parses a target of c.
fn c(text: &str) -> Result<f64, String> {
    let value = positive(text)?;
    if value <= 6.0 { Ok(value) } else { Err("must be at most 6".to_owned()) }
}

/// Parses an initial x.
fn x(text: &str) -> Result<f64, String> {
    let value = positive(text)?;
    let fits = value > 1.0 && value <= 100.0;
    if fits { Ok(value) } else { Err("must be greater than 1 and at most 100".to_owned()) }
}

impl Options {
    /// Newton's method on z.
    fn newton<T: Scalar>(&self, change: Change, factors: Factors, threshold: f64) -> Run<T> {
        let (target, threshold) = (T::from_f64(self.target), T::from_f64(threshold));
        Task { change, factors, target, threshold, limit: self.limit }.run()
    }

    /// Newton's method on c.
    fn chain<T: Scalar>(&self) -> chain::Run<T> {
        let [start, target, threshold] =
            [self.chain_start, self.chain_target, chain::THRESHOLD].map(T::from_f64);
        chain::run(start, target, threshold, self.limit)
    }
}

fn main() -> ExitCode {
    exit_code(run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Failure> {
    let folder = Folder::create_or_default(options.output.as_deref(), "backprop_by_hand")?;
    let mut lesson =
        Lesson::read(TEXT, "backprop_by_hand")?.showing(&options.section, options.formulas);
    numbers_of_text(&mut lesson);
    chains_of_text(&mut lesson);
    lesson.named("target, limit", [options.target, options.limit.into()]);
    let root = chain::root(options.chain_target);
    lesson.named(
        "chain target, closed form, end slope",
        [options.chain_target, root, chain::slope(root)],
    );
    lesson.block("runs", table_of_runs(options));
    lesson.block("distances", table_of_distances(options));
    lesson.block("descent", descent(options));
    lesson.block("endless", endless_loops());
    lesson.block("chain", table_of_chain(options));
    lesson.block("chain descent", chain_descent(options));
    let mut out = Console::default();
    lesson.tell(&mut out)?;
    let (distances, rounding, [curve, slope]) = (distances(options), rounding(), chains(options));
    let mut files = vec![];
    for (file, contents) in lesson.shown([
        ("newton", ("distances.svg", distances_chart(options, &distances).svg()?)),
        ("newton", ("distances.csv", csv_of(&distances))),
        ("newton", ("runs.csv", csv_of_runs(options))),
        ("endless", ("endless_in_f32.svg", rounding_chart(&rounding).svg()?)),
        ("endless", ("endless_in_f32.csv", csv_of(&rounding))),
        ("chain", ("chain.svg", curve.svg()?)),
        ("chain", ("chain_slope.svg", slope.svg()?)),
        ("chain", ("chain_curves.csv", csv_of_curve())),
        ("chain", ("chain_updates.csv", csv_of_chain(options))),
    ]) {
        files.push(folder.write(file, &contents)?);
    }
    Ok(list_files(&mut out, &files)?)
}

/// A count.
fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::INFINITY, f64::from)
}

/// What the sections quote of the chain of z.
fn numbers_of_text(lesson: &mut Lesson) {
    let (start, partials) = (forward(W, B), forward(W, B).partials());
    let delta_b = (start.z - TARGET) / partials.by_b;
    let b = B - delta_b;
    let z_rounded = forward(W, (b * 100.0).round() / 100.0).z;
    let dx_db = forward(W, B + 1.0).x - start.x;
    // The text cuts after three decimals.
    let cut = (z_rounded * 1000.0).floor() / 1000.0;
    let root = root_b(TARGET).unwrap_or(f64::NAN);
    let by_b = forward(W, root).partials().by_b;
    let [root_f32, by_b_f32] = [root, by_b].map(f32::from_f64);
    lesson.named("w, b, x, y, z, wanted", [W, B, start.x, start.y, start.z, TARGET]);
    lesson.named("dx/db, dz/dw, dz/db", [dx_db, partials.by_w, partials.by_b]);
    lesson.named("dz/dw per y, dz/db (path)", [partials.by_w / start.y, dx_db]);
    lesson.named("delta z, delta b, b+", [start.z - TARGET, delta_b, b]);
    lesson.named("63 b+, 63 b+ (delta)", [b, delta_b].map(|b| partials.by_b * b));
    lesson.named("z at 3.81, z at b+, z at b+ (rounded)", [z_rounded, forward(W, b).z, cut]);
    let [threshold, _] = THRESHOLDS;
    lesson.named("exponent, exponent (e)", [libm::log(threshold), libm::log10(threshold)]);
    lesson.named("e^-4, root, rate", [libm::exp(-4.0), root, RATE]);
    let ulps = [ulp(150.0), ulp(root_f32), by_b_f32, by_b_f32 * ulp(root_f32)];
    lesson.named("ulp of z, ulp of b, slope, steps of z", ulps.map(f64::from));
    lesson.named("ulps, targets", [1e-4 / f64::from(ulp(150.0)), count(targets().count())]);
    let times = partials.by_b / partials.by_w;
    lesson.named("times, half", [times, 1.0 / times]);
}

/// What the sections quote of the chain of c.
fn chains_of_text(lesson: &mut Lesson) {
    let [text, course] = [chain::TARGET, chain::TARGET_OF_COURSE]
        .map(|target| chain::run(chain::START, target, chain::THRESHOLD, chain::LIMIT));
    if let [first, second, ..] = &text.states[..] {
        let chain::State { forward, deltas, .. } = first;
        let product = forward.a * (deltas.b * 1e3).round() / 1e3;
        lesson.named("chain x, a, ln a, c", [first.x, forward.a, forward.b, forward.c]);
        lesson.named("delta c, delta ln a, delta a", [deltas.c, deltas.b, deltas.a]);
        lesson.named("delta a (product), delta x, x+", [product, deltas.x, second.x]);
    }
    lesson.list("course", course.states.iter().map(|state| state.x));
    lesson.named("text target, text limit", [chain::TARGET, chain::LIMIT.into()]);
    lesson.named("threshold, chain rate", [chain::THRESHOLD, chain::RATE]);
    let root = chain::root(chain::TARGET_OF_COURSE);
    lesson.named("course root, course root (order)", [root, libm::exp(2.26854)]);
    lesson.named("course updates", [count(course.updates())]);
}

/// How a run ended, in a few words.
fn words(ending: Ending) -> String {
    match ending {
        Ending::Reached => "near enough".to_owned(),
        Ending::Cycle(1) => "stands still, never near enough".to_owned(),
        Ending::Cycle(updates) => format!("repeats every {updates} updates, never near enough"),
        Ending::Limit => "not near enough at the limit".to_owned(),
        Ending::NotFinite => "left the range of the numbers".to_owned(),
    }
}

/// Every run of Newton's method on z, with the names of what changes and of the derivatives.
fn runs(options: &Options) -> Vec<([&'static str; 2], f64, Run, Run<f32>)> {
    let mut runs = vec![];
    for (change, name) in CHANGES {
        for (factors, factors_name) in FACTORS {
            for at in THRESHOLDS {
                let wide = options.newton(change, factors, at);
                let narrow = options.newton(change, factors, at);
                runs.push(([name, factors_name], at, wide, narrow));
            }
        }
    }
    runs
}

fn table_of_runs(options: &Options) -> String {
    let mut lines = "changed\tderivatives\tthreshold\tf64\tf32\tw\tb\tz\tin f64\n".to_owned();
    for ([change, factors], threshold, run, in_f32) in runs(options) {
        let (updates, end) = (run.updates(), words(run.ending));
        let Some(State { w, b, forward: Forward { z, .. }, .. }) = run.states.last() else {
            continue;
        };
        lines += &format!("{change}\t{factors}\t{threshold:e}\t{updates}\t{}", in_f32.updates());
        lines += &format!("\t{w:.10}\t{b:.10}\t{z:.10}\t{end}\n");
    }
    let root = match root_b(options.target) {
        Some(root) => format!("For w = 3 the root is b = {root:.16}."),
        None => "For w = 3 there is no b with this z.".to_owned(),
    };
    tabulated(&lines) + &root
}

/// Distances after 0, 1, 2 .. updates, with a name.
type Series = (String, Vec<f64>);

/// The distances of the four runs that change b, until `near`.
fn newton_distances(options: &Options, near: f64) -> Vec<Series> {
    let mut series = vec![];
    for (change, name) in CHANGES.into_iter().filter(|(change, _)| *change != Change::W) {
        for (factors, factors_name) in FACTORS {
            let distances = options.newton::<f64>(change, factors, near).distances();
            series.push((format!("{name}, {factors_name}"), distances));
        }
    }
    series
}

/// A cell for each: empty where there is none after this many updates.
fn cells(series: &[Series], update: usize, cell: impl Fn(&f64) -> String) -> Vec<String> {
    let cell = |(_, numbers): &Series| numbers.get(update).map_or_else(String::new, &cell);
    [update.to_string()].into_iter().chain(series.iter().map(cell)).collect()
}

/// The largest number of updates in any of them, and one.
fn longest(series: &[Series]) -> usize {
    series.iter().map(|(_, distances)| distances.len()).max().unwrap_or(0)
}

fn table_of_distances(options: &Options) -> String {
    let series = newton_distances(options, 1e-5);
    let names = series.iter().map(|(name, _)| name.clone());
    let heading = [format!("|z - {}|", options.target)].into_iter().chain(names).collect();
    let line = |update| cells(&series, update, |distance| format!("{distance:.3e}"));
    let lines = (0..longest(&series).min(8)).map(line);
    aligned(&[heading].into_iter().chain(lines).collect::<Vec<_>>())
}

/// Gradient descent on z.
fn descent(options: &Options) -> String {
    let descent = gradient_descent(options.target, RATE, 200);
    let mut lines = "updates\tw\tb\tz\tE\n".to_owned();
    for mark in [0, 1, 2, 3, 5, 10, 50, 100, 200] {
        let Some(&Visit { place: [w, b], value, .. }) = descent.visits.get(mark) else { break };
        let z = forward(w, b).z;
        lines += &format!("{mark}\t{w:.16}\t{b:.16}\t{z:.12}\t{value:.3e}\n");
    }
    let near = |v: &Visit<2>| (2.0 * v.value).sqrt() < 1e-5;
    let when = match descent.visits.iter().position(near) {
        _ if descent.ending == DescentEnding::Diverged => format!(
            "E is infinite after {} updates: the rate is too large for this target.",
            descent.updates()
        ),
        Some(updates) => format!("|z - {}| < 0.00001 after {updates} updates.", options.target),
        None => format!("|z - {}| is not < 0.00001 after 200 updates.", options.target),
    };
    tabulated(&lines) + &when
}

/// Targets that f32 never reaches, and the last distances of a run to one.
fn endless_loops() -> String {
    let heading = "changed, derivatives\t1e-5\t2e-5\t3e-5\t5e-5\t1e-4\tthe first ones at 1e-5\n";
    let mut lines = heading.to_owned();
    for (change, name) in CHANGES.into_iter().filter(|(change, _)| *change != Change::W) {
        for (factors, factors_name) in FACTORS {
            lines += &format!("{name}, {factors_name}");
            for threshold in [1e-5, 2e-5, 3e-5, 5e-5, 1e-4] {
                lines += &format!("\t{}", endless(change, factors, threshold).len());
            }
            let first = endless(change, factors, 1e-5).into_iter().take(4);
            let first: Vec<_> = first.map(|target| target.to_string()).collect();
            lines += &format!("\t{} ..\n", first.join(", "));
        }
    }
    let table = tabulated(&lines);
    let Some((target, run)) = endless_run(1000) else { return table };
    let distances: String = run.distances().iter().map(|d| format!(" {d:.2e}")).collect();
    format!(
        "{table}\nFor example b, frozen, to {target}: |z - {target}| after the updates 0, 1, 2 .. \
         is\n {distances}\nand then: {}.",
        words(run.ending)
    )
}

/// The first run of b that never ends in f32, and its target.
fn endless_run(limit: u32) -> Option<(f32, Run<f32>)> {
    let (change, factors) = (Change::B, Factors::Frozen);
    let target = *endless(change, factors, 1e-5).first()?;
    Some((target, Task { change, factors, target, threshold: 1e-5, limit }.run()))
}

fn table_of_chain(options: &Options) -> String {
    let (run, in_f32) = (options.chain::<f64>(), options.chain::<f32>());
    let mut lines = "updates\tx\ta\tb\tc\tdelta x\n".to_owned();
    for (state, updates) in run.states.iter().zip(0..) {
        let chain::State { x, forward: chain::Forward { a, b, c }, deltas, guarded } = state;
        lines += &format!("{updates}\t{x:.8}\t{a:.8}\t{b:.8}\t{c:.8}\t{:.8}", deltas.x);
        lines += if *guarded { "\t(x was set to 1.1)\n" } else { "\n" };
    }
    let table = tabulated(&lines);
    let end = if run.reached { "" } else { "Not near enough at the limit.\n" };
    let x = in_f32.states.last().map_or(f32::NAN, |last| last.x);
    format!("{table}{end}In f32: {} updates, x = {x:?}.", in_f32.updates())
}

/// Gradient descent on c, to two targets.
fn chain_descent(options: &Options) -> String {
    let targets = [options.chain_target, chain::TARGET_OF_COURSE];
    let descents = targets
        .map(|target| chain::gradient_descent(options.chain_start, target, chain::RATE, 2000));
    let [first, second] = targets;
    let mut lines = format!("updates\tx, target {first}\tc\tx, target {second}\tc");
    for mark in [0, 1, 2, 10, 100, 1000, 2000] {
        lines += &format!("\n{mark}");
        for descent in &descents {
            lines += &match descent.visits.get(mark) {
                Some(&Visit { place: [x], .. }) => {
                    format!("\t{x:.12}\t{:.12}", chain::forward(x).c)
                }
                None => "\t-\t".to_owned(),
            };
        }
    }
    let mut text = tabulated(&lines);
    if descents.iter().any(|descent| descent.ending == DescentEnding::Diverged) {
        text += "Where a \"-\" stands, x fell below 1, where c does not exist.\n";
    }
    let [to_first, _] = &descents;
    let near = |visit: &Visit<1>| (2.0 * visit.value).sqrt() < chain::THRESHOLD;
    if let Some(updates) = to_first.visits.iter().position(near) {
        text += &format!("|c - {first}| < {} after {updates} updates.\n", chain::THRESHOLD);
    }
    text
}

/// (updates, distance), without distances of 0, which a logarithmic axis cannot show.
fn points(series: &[f64]) -> Vec<(f64, f64)> {
    let numbers = (0_u32..).map(f64::from);
    numbers.zip(series.iter().copied()).filter(|&(_, distance)| distance > 0.0).collect()
}

/// The distances of the picture: of Newton's method and of gradient descent.
fn distances(options: &Options) -> Vec<Series> {
    let mut series = newton_distances(options, NEAR);
    let descent = gradient_descent(options.target, RATE, 1000);
    let distances = descent.visits.iter().map(|visit| (2.0 * visit.value).sqrt());
    series.push((format!("gradient descent, rate {RATE}"), distances.collect()));
    for (_, distances) in &mut series {
        distances.truncate(UPDATES.saturating_add(1));
    }
    series
}

fn distances_chart(options: &Options, series: &[Series]) -> Chart {
    let mut chart = Chart::new(
        format!("From z = 162 to {}: Newton's method and gradient descent", options.target),
        Axis::linear("number of updates (blue and red: of b; green and pink: of w and b)"),
        Axis::log(&format!("|z − {}|", options.target)),
    );
    // The runs for b, and for w and b, are close to each other: they share a label.
    let names = ["frozen", "recomputed", "", ""];
    for ((name, distances), colour) in series.iter().zip(0_usize..) {
        let look = if name.ends_with("frozen") { Look::Dashed } else { Look::Solid };
        let points = points(distances);
        if let Some(&at) = points.iter().take(19).next_back() {
            chart = chart.note(at, *names.get(colour).unwrap_or(&&**name));
        }
        chart =
            chart.with(Line::new(look, colour, points.clone())).with(Line::dots(colour, points));
    }
    let end = count(longest(series).saturating_sub(1).max(1));
    for threshold in THRESHOLDS {
        chart = chart
            .with(Line::dashed(9, [(0.0, threshold), (end, threshold)]))
            .note((end * 0.3, threshold), format!("threshold {threshold:e}"));
    }
    chart
}

/// Columns of different lengths, one row per number of updates.
fn csv_of(series: &[Series]) -> String {
    let names: Vec<_> = series.iter().map(|(name, _)| name.replace(',', "")).collect();
    let columns: Vec<_> = ["updates"].into_iter().chain(names.iter().map(String::as_str)).collect();
    let mut csv = Csv::new(&columns);
    for update in 0..longest(series) {
        csv.words(cells(series, update, f64::to_string));
    }
    csv.finish()
}

/// Every state of every run.
fn csv_of_runs(options: &Options) -> String {
    let mut csv = Csv::new(&[
        "changed,derivatives,threshold,updates,w,b,x,y,z,delta_z,dz/dw,dz/db,delta_w,delta_b",
    ]);
    for (names, threshold, run, _) in runs(options) {
        for (s, updates) in run.states.iter().zip(0_u32..) {
            let (f, p) = (s.forward, s.partials);
            let place = [threshold, updates.into(), s.w, s.b, f.x, f.y, f.z];
            let update = [s.delta_z, p.by_w, p.by_b, s.delta_w, s.delta_b];
            let numbers = place.iter().chain(&update).map(ToString::to_string);
            csv.words(names.map(str::to_owned).into_iter().chain(numbers));
        }
    }
    csv.finish()
}

/// A run that never ends in f32, with the cap of the text, and the same in f64.
fn rounding() -> Vec<Series> {
    let Some((target, run)) = endless_run(LIMIT) else { return vec![] };
    let mut narrow = run.distances();
    if let Ending::Cycle(length) = run.ending {
        // It cycles up to the cap of the text.
        let round: Vec<_> = narrow.iter().rev().take(length).rev().copied().collect();
        narrow.extend(round.into_iter().cycle().take(21_usize.saturating_sub(narrow.len())));
    }
    let (change, factors, target) = (Change::B, Factors::Frozen, f64::from(target));
    let wide = Task { change, factors, target, threshold: NEAR, limit: 20 }.run();
    vec![(format!("f32, to {target}"), narrow), (format!("f64, to {target}"), wide.distances())]
}

fn rounding_chart(series: &[Series]) -> Chart {
    let mut chart = Chart::new(
        "A loop that never ends: in f32 the threshold is below the ulp",
        Axis::linear("number of updates"),
        Axis::log("|z − target|"),
    );
    for ((name, distances), colour) in series.iter().zip([1, 0]) {
        chart = chart
            .with(Line::solid(colour, points(distances)).named(name))
            .with(Line::dots(colour, points(distances)));
    }
    for (threshold, colour) in [(1e-5, 9), (1e-4, 2)] {
        let ends = [(0.0, threshold), (20.0, threshold)];
        chart = chart.with(Line::dashed(colour, ends).named(format!("threshold {threshold:e}")));
    }
    chart
}

/// c and its slope, with the points that the run visits.
fn chains(options: &Options) -> [Chart; 2] {
    let states = options.chain::<f64>().states;
    let curve = |y: fn(f64) -> f64| chain::curve().into_iter().map(move |x| (x, y(x)));
    let visited = |y: fn(f64) -> f64| states.iter().map(move |state| (state.x, y(state.x)));
    let c = |x| chain::forward(x).c;
    let target = options.chain_target;
    let end = visited(c).fold(10.0, |end: f64, (x, _)| end.max(x));
    let title =
        format!("c = √(ln x²), and the way from x = {} to c = {target}", options.chain_start);
    [
        Chart::new(title, Axis::linear("x"), Axis::linear("c"))
            .legend(Legend::LowerRight)
            .with(Line::solid(0, curve(c)).named("c(x)"))
            .with(Line::crosses(1, visited(c)).named("Newton's method"))
            .with(Line::dashed(2, [(1.2, target), (end, target)]).named("target")),
        Chart::new(
            "dc/dx = 1 / (x √(ln x²)): the flatter, the longer Newton's step",
            Axis::linear("x"),
            Axis::linear("dc/dx"),
        )
        .with(Line::solid(0, curve(chain::slope)))
        .with(Line::crosses(1, visited(chain::slope))),
    ]
}

fn csv_of_curve() -> String {
    let mut csv = Csv::new(&["x", "c", "dc/dx"]);
    for x in chain::curve() {
        csv.row(&[x, chain::forward(x).c, chain::slope(x)]);
    }
    csv.finish()
}

fn csv_of_chain(options: &Options) -> String {
    let mut csv =
        Csv::new(&["updates", "x", "a", "b", "c", "delta_c", "delta_b", "delta_a", "delta_x"]);
    for (s, updates) in options.chain::<f64>().states.iter().zip(0_u32..) {
        let (f, d) = (s.forward, s.deltas);
        csv.row(&[updates.into(), s.x, f.a, f.b, f.c, d.c, d.b, d.a, d.x]);
    }
    csv.finish()
}
