//! Gradient descent on functions of one and two variables, and the effect of the learning rate.
//!
//! ```text
//! cargo run --release -p examples --bin gradient_descent
//! cargo run --release -p examples --bin gradient_descent -- --help
//! ```

use std::f64::consts::{FRAC_PI_2, PI};
use std::path::PathBuf;
use std::process::ExitCode;

use examples::gradient_descent::{
    BOWL_ENOUGH, BOWL_RATE, BOWL_START, Behaviour, Bowl, CONCEPT_RATE, Descent, Ending, Function,
    STUDY_CURVATURE, STUDY_RATES, STUDY_START, Study, TwoMinima, Visit, bowl, concept,
    greatest_rate, schedule, scheduled, single_variable, study, study_at, to_the_bottom, value_at,
};
use shared::console::Console;
use shared::lesson::{Lesson, Sections, tabulated};
use shared::options;
use shared::options::{flag, list, path, positive, read, real, sections, whole};
use shared::output::{Folder, Picture, list_files};
use shared::plot::{Axis, Chart, DrawError, Line, Panels, Size, Surface, contours};
use shared::run::{Failure, exit_code};
use shared::table::Csv;

const TEXT: &str = include_str!("../../../texts/lecture_notes.toml");

options! {
    "gradient_descent",
    /// Gradient descent, from a first step to local minima and a study of learning rates: numbers
    /// compared with those of a text, and pictures of every path.
    struct Options {
        /// Initial x of the descent on x^2 + sin^2 y, from -10 to 10
        x: f64 = real("X", BOWL_START[0], place),
        /// Initial y of that descent, from -10 to 10
        y: f64 = real("Y", BOWL_START[1], place),
        /// Its learning rate; finite and greater than 0
        learning_rate: f64 = real("RATE", BOWL_RATE, positive),
        /// Its maximum number of updates; it ends earlier when J < 0.01
        limit: u32 = whole("N", 1000, 0..=100_000),
        /// Initial value of each run in the study of learning rates, from -10 to 10
        study_start: f64 = real("X", STUDY_START, place),
        /// Learning rates of the study, 1 to 12, separated by commas
        rates: Vec<f64> = read("LIST", rates).with(|arg| arg.default_value(STUDY_RATES.map(|rate| rate.to_string()).join(","))),
        /// Only these sections, by name or number, separated by commas
        section: Sections = sections(TEXT, "gradient_descent"),
        /// Print the formulas before the numbers
        formulas: bool = flag(),
        /// Folder for the pictures and tables [default: `gradient_descent` in Cargo's target folder]
        output: Option<PathBuf> = path("DIR"),
    }
}

/// Parses learning rates.
fn rates(text: &str) -> Result<Vec<f64>, String> {
    let rates = list(text, positive).map_err(|what| format!("each rate: {what}"))?;
    if rates.len() <= 12 { Ok(rates) } else { Err("at most 12 rates".to_owned()) }
}

/// Parses a coordinate.
fn place(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (-10.0..=10.0).contains(&value) { Ok(value) } else { Err("must be -10 to 10".to_owned()) }
}

fn main() -> ExitCode {
    exit_code(run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Failure> {
    let folder = Folder::create_or_default(options.output.as_deref(), "gradient_descent")?;
    let mut lesson =
        Lesson::read(TEXT, "gradient_descent")?.showing(&options.section, options.formulas);
    let rate = options.learning_rate;
    let bowl = bowl([options.x, options.y], rate, options.limit);
    let studies: Vec<_> = options.rates.iter().map(|&r| study(options.study_start, r)).collect();
    one_variable(&mut lesson);
    minima(&mut lesson);
    let greatest = greatest_rate(STUDY_CURVATURE);
    lesson.block("bowl rate", short(rate));
    lesson.named("curvature, greatest, at once", [STUDY_CURVATURE, greatest, greatest / 2.0]);
    lesson.named("hill", [2.0 * libm::cos(2.0 * BOWL_START[1])]);
    lesson.block("bowl", table_of(&bowl));
    lesson.block("study", table_of_studies(&studies));
    lesson.block("schedules", schedules());
    let mut out = Console::default();
    lesson.tell(&mut out)?;
    let edge = bowl.visits.first().map_or([0.0; 2], |visit| visit.place);
    let edge = edge.into_iter().fold(3.0, |edge, value| value.abs().max(edge));
    let along = surface(&bowl, edge, ("x", "y", -0.35)).svg()?;
    let across = surface(&bowl, edge, ("y", "−x", -1.2)).svg()?;
    let csv = csv_of(&["updates", "x", "y", "J", "dJ/dx", "dJ/dy"], &bowl);
    let mut files = vec![];
    if lesson.has("two-variables") {
        files.push(folder.write("bowl_across.svg", &across)?);
    }
    for picture in lesson.shown([
        ("one-variable", path_picture(&single_variable(1e-3))?),
        ("two-variables", contour_picture(&bowl, edge, rate).picture("bowl_contours")?),
        ("two-variables", Picture { name: "bowl", svg: along, csv }),
        ("minima", minima_picture()?),
        ("rates", panels(&studies).picture("learning_rates")?),
    ]) {
        files.extend(folder.write_picture(&picture)?);
    }
    list_files(&mut out, &files)?;
    if bowl.ending == Ending::Diverged {
        return Err(Failure::because(format!(
            "the descent on x^2 + sin^2 y diverged: J is infinite after {} updates with the \
             learning rate {}; try a smaller --learning-rate",
            bowl.visits.len(),
            short(rate)
        )));
    }
    Ok(())
}

/// A count.
fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::INFINITY, f64::from)
}

/// The functions of one variable.
fn one_variable(lesson: &mut Lesson) {
    let (first, single, near) = (concept(1e-6), single_variable(1e-3), single_variable(1e-40));
    for (name, visit) in [
        ("concept", first.visits.first()),
        ("concept+", first.visits.get(1)),
        ("concept end", first.visits.last()),
        ("single", single.visits.first()),
        ("near", near.visits.last()),
    ] {
        let Some(Visit { place: [x], gradient: [slope], value }) = visit else { continue };
        lesson.list(name, [*x, *slope, *value]);
    }
    lesson.list("x", single.visits.iter().map(|visit| visit.place[0]));
    let [strict, loose] = [single.updates(), single_variable(0.01).updates()].map(count);
    lesson.named("strict, loose", [strict, loose]);
    lesson.named("eta, concept updates", [CONCEPT_RATE, count(first.updates())]);
}

/// The starts of the two walks on x^2 + sin^2 y, and on the surface with two minima.
const BOWL_STARTS: [[f64; 2]; 2] = [BOWL_START, [3.0, 2.0]];
const TWO_STARTS: [[f64; 2]; 2] = [[-0.3, 1.5], [0.2, 1.5]];

/// Where walks end.
fn minima(lesson: &mut Lesson) {
    let bowls = BOWL_STARTS.map(to_the_bottom::<Bowl>);
    let two = TWO_STARTS.map(to_the_bottom::<TwoMinima>);
    let names = ["bowl 1", "bowl 2", "left", "right"];
    for (name, descent) in names.into_iter().zip(bowls.iter().chain(&two)) {
        let Some(&Visit { place: [x, y], value, .. }) = descent.visits.last() else { continue };
        lesson.list(name, [x, y, value]);
    }
    let [[from, _], [to, _]] = TWO_STARTS;
    let [left, right] = two.map(|walk| walk.visits.last().map_or(f64::NAN, |end| end.place[0]));
    lesson.named("apart, end apart", [to - from, right - left]);
    let starts = (-8..=8).map(|halves| to_the_bottom::<Bowl>([3.0, f64::from(halves) / 2.0]));
    let ends = starts.filter_map(|walk| walk.visits.last().map(|end| end.place[1]));
    let mut ends: Vec<_> = ends.collect();
    ends.dedup_by(|a, b| (*a - *b).abs() < 1e-6);
    let [first, half_way, second] = [0.0, FRAC_PI_2, PI].map(|y| value_at::<Bowl>(0.0, y));
    lesson.named("between, chord", [half_way, (first + second) / 2.0]);
    lesson.named("minima, minima (convex)", [count(ends.len()), 1.0]);
    let (_, [_, slope]) = Bowl::at([0.0, FRAC_PI_2], [0.0; 2]);
    lesson.named("saddle slope", [slope]);
}

/// The descent on x^2 + sin^2 y, and how it ended.
fn table_of(descent: &Descent<2>) -> String {
    let mut lines = "updates\tx\ty\tJ\tdJ/dx\tdJ/dy\n".to_owned();
    let (last, many) = (descent.updates(), descent.updates() > 40);
    for (visit, updates) in descent.visits.iter().zip(0_usize..) {
        if many && updates > 10 && updates != last && !updates.is_power_of_two() {
            continue;
        }
        let Visit { place: [x, y], gradient: [by_x, by_y], value } = *visit;
        let numbers = [x, y, value, by_x, by_y].map(fixed);
        lines += &format!("{updates}\t{}\n", numbers.join("\t"));
    }
    let end = match descent.ending {
        Ending::Reached => format!(
            "J < {BOWL_ENOUGH} after {last} updates: {} places with the start.",
            descent.visits.len()
        ),
        Ending::Limit => format!("J is not below {BOWL_ENOUGH} after {last} updates."),
        Ending::Diverged => "After that J is infinite: it diverged.".to_owned(),
    };
    let turns = descent.visits.last().map_or(0.0, |v| (v.place[1] / PI).round());
    let elsewhere = match turns {
        _ if descent.ending != Ending::Reached => String::new(),
        0.0 => " The minimum that it approaches is at x = y = 0.".to_owned(),
        turns => format!(" The minimum near it is at x = 0, y = {turns} pi."),
    };
    tabulated(&lines) + &end + &elsewhere
}

/// Ten digits.
fn fixed(value: f64) -> String {
    let (small, large) = (format!("{value:.10}"), format!("{value:.6e}"));
    if value == 0.0 || (1e-4..100.0).contains(&value.abs()) { small } else { large }
}

fn table_of_studies(studies: &[Study]) -> String {
    let mut lines =
        "eta\tfactor\tx after 0, 1, 2 and 9 updates\tpredicted\tobserved\tin the course\tverdict"
            .to_owned();
    for Study { rate, factor, points, observed } in studies {
        let at = |index: usize| points.get(index).map_or_else(|| "-".to_owned(), |p| three(p.0));
        let of_course = |&(x, _): &(f64, f64)| (x - STUDY_START).abs() < 1e-12;
        let course = points.first().filter(|at| of_course(at)).and(Behaviour::of_course(*rate));
        let verdict = match course {
            Some(course) if course == *observed => "agrees",
            Some(_) => "differs",
            None => "",
        };
        let places = [0, 1, 2, 9].map(at).map(|place| format!("{place:>7}")).concat();
        let foretold = Behaviour::of_factor(*factor).words();
        lines += &format!("\n{}\t{}\t{places}\t{foretold}", short(*rate), three(*factor));
        let course = course.map_or("-", Behaviour::words);
        lines += &format!("\t{}\t{course}\t{verdict}", observed.words());
    }
    tabulated(&lines)
}

/// Three decimals at most.
fn three(value: f64) -> String {
    if value.abs() < 1e3 {
        // Rounding may leave -0.
        ((value * 1e3).round() / 1e3 + 0.0).to_string()
    } else {
        format!("{value:.0e}")
    }
}

/// A number in few characters: `0.5`, `1e30`.
fn short(value: f64) -> String {
    if value == 0.0 || (1e-4..1e6).contains(&value.abs()) {
        value.to_string()
    } else {
        format!("{value:e}")
    }
}

/// Updates that constant rates and a schedule need.
fn schedules() -> String {
    let mut lines = "eta\tat update 0\t10\t20\tupdates until |x - 1| < 0.01\n".to_owned();
    for (initial, factor, name) in [
        (0.01, 1.0, "constant"),
        (0.1, 1.0, "constant"),
        (1.0, 1.0, "constant"),
        (1.0, 0.9, "times 0.9 after each update"),
    ] {
        let (rate, descent) = (schedule(initial, factor), scheduled(schedule(initial, factor)));
        let until = if descent.ending == Ending::Reached { "" } else { "not within " };
        let rates = [0, 10, 20].map(|update| three(rate(update))).join("\t");
        lines += &format!("{name}\t{rates}\t{until}{}\n", descent.updates());
    }
    tabulated(&lines)
}

/// Evenly spaced numbers from `low` to `high`, both included.
fn steps(low: f64, high: f64, count: u32) -> Vec<f64> {
    let last = f64::from(count.saturating_sub(1).max(1));
    (0..count).map(|i| low + (high - low) * f64::from(i) / last).collect()
}

/// The path on x^2.
fn path_picture(descent: &Descent<1>) -> Result<Picture, DrawError> {
    let curve = steps(-1.4, 1.4, 57).into_iter().map(|x| (x, x * x));
    let points: Vec<_> = descent.visits.iter().map(|v| (v.place[0], v.value)).collect();
    let title = format!("Down J = x²: {} updates with learning rate 0.3", descent.updates());
    let mut chart = Chart::new(title, Axis::linear("x"), Axis::linear("J"))
        .with(Line::solid(4, curve))
        .with(Line::dashed(1, points.clone()))
        .with(Line::crosses(1, points.clone()));
    // The last ones are too close to each other for numbers.
    for (&at, updates) in points.iter().zip(0..4) {
        chart = chart.note(at, updates.to_string());
    }
    let csv = csv_of(&["updates", "x", "J", "dJ/dx"], descent);
    Ok(Picture { name: "one_variable", svg: chart.svg()?, csv })
}

type Ends = (f64, f64);

/// `J` at the nodes of a grid.
fn grid<F: Function<2, f64>>(x: Ends, y: Ends, nodes: u32) -> Vec<Vec<f64>> {
    let columns = steps(x.0, x.1, nodes);
    let row = |y: f64| columns.iter().map(|&x| value_at::<F>(x, y)).collect();
    steps(y.0, y.1, nodes).into_iter().map(row).collect()
}

/// Lines of equal `J`.
fn level_lines<F: Function<2, f64>>(x: Ends, y: Ends, nodes: u32, levels: &[f64]) -> Vec<Line> {
    let values = grid::<F>(x, y, nodes);
    let of_level = |&level: &f64| contours(x, y, &values, level);
    levels.iter().flat_map(of_level).map(|points| Line::solid(4, points)).collect()
}

/// Two surfaces with several minima, with two walks on each.
fn minima_picture() -> Result<Picture, DrawError> {
    fn panel<F: Function<2, f64>>(
        title: &str,
        (x, y): (Ends, Ends),
        levels: &[f64],
        starts: [[f64; 2]; 2],
    ) -> Chart {
        let mut chart =
            Chart::new(title, Axis::linear("x").from(x.0, x.1), Axis::linear("y").from(y.0, y.1))
                .with_all(level_lines::<F>(x, y, 25, levels));
        for (start, colour) in starts.into_iter().zip([1, 2]) {
            let places = to_the_bottom::<F>(start).visits;
            // Below the end of the path.
            let end = places.last().filter(|end| end.value > 0.01);
            if let Some(&Visit { place: [x, y], value, .. }) = end {
                chart = chart.note((x - 0.25, y - 0.7), format!("J = {value:.2}"));
            }
            let points: Vec<_> = places.iter().take(20).map(|visit| visit.place.into()).collect();
            chart =
                chart.with(Line::solid(colour, points.clone())).with(Line::dots(colour, points));
        }
        chart
    }
    let two = panel::<TwoMinima>(
        "Local minimum left, global one right",
        ((-1.6, 1.6), (-1.0, 2.0)),
        &[0.2, 0.6, 0.9, 1.25, 2.0, 3.0],
        TWO_STARTS,
    );
    let bowl = panel::<Bowl>(
        "x² + sin² y: J = 0 at every y = k π",
        ((-3.2, 3.2), (-1.0, 4.2)),
        &[0.3, 1.0, 2.0, 4.0, 7.0],
        BOWL_STARTS,
    );
    Panels::new("Which minimum is found depends on the start", 2, vec![two, bowl]).picture("minima")
}

/// The points, up to the first one outside of the square.
fn inside(descent: &Descent<2>, edge: f64) -> impl Iterator<Item = &Visit<2>> {
    let is_inside = move |place: &[f64; 2]| place.iter().all(|value| value.abs() <= edge);
    descent.visits.iter().take_while(move |visit| is_inside(&visit.place))
}

/// The bowl from above.
fn contour_picture(descent: &Descent<2>, edge: f64, rate: f64) -> Chart {
    let ends = (-edge, edge);
    let levels = [0.1, 0.4, 0.8, 1.5, 3.0, 5.0, 7.0].map(|level| level * (edge / 3.0).powi(2));
    let mut lines = level_lines::<Bowl>(ends, ends, 49, &levels);
    if let Some(first) = lines.first_mut() {
        first.label = Some("equal J".to_owned());
    }
    let path: Vec<_> = inside(descent, edge).map(|visit| visit.place.into()).collect();
    let mut chart = Chart::new(
        format!("Down J = x² + sin² y with learning rate {}", short(rate)),
        Axis::linear("x").from(-edge, edge),
        Axis::linear("y").from(-edge, edge),
    )
    .with_all(lines)
    .with(Line::solid(1, path.clone()))
    .with(Line::dots(1, path).named("after each update"));
    for level in levels.map(|level| (level * 100.0).round() / 100.0) {
        chart = chart.note((-level.sqrt(), 0.0), short(level));
    }
    Chart { size: Size::SQUARE, ..chart }
}

/// The bowl in 3D: with the names of the axes to the right and to the front, and the yaw.
fn surface(descent: &Descent<2>, edge: f64, (right, front, yaw): (&str, &str, f64)) -> Surface {
    let point = |&Visit { place: [x, y], value, .. }: &Visit<2>| (x, y, value);
    Surface {
        title: "Down J = x² + sin² y".to_owned(),
        x: Axis::linear(right).from(-edge, edge),
        y: Axis::linear(front).from(-edge, edge),
        z: Axis::linear("J"),
        values: grid::<Bowl>((-edge, edge), (-edge, edge), 25),
        path: inside(descent, edge).map(point).collect(),
        yaw,
        pitch: 0.4,
    }
}

/// Every place of a descent.
fn csv_of<const N: usize>(columns: &[&str], descent: &Descent<N>) -> String {
    let mut csv = Csv::new(columns);
    for (visit, updates) in descent.visits.iter().zip(0..) {
        csv.row(
            &[&[f64::from(updates)], &visit.place[..], &[visit.value], &visit.gradient].concat(),
        );
    }
    csv.finish()
}

/// One panel per learning rate.
fn panels(studies: &[Study]) -> Panels {
    let panel = |study: &Study| {
        let widen = |(low, high): Ends, &(x, _): &(f64, f64)| (low.min(x), high.max(x));
        let (low, high) = study.points.iter().fold((-1.0, 3.0), widen);
        let curve = steps(low, high, 60).into_iter().map(|x| (x, study_at(x)));
        let title = format!("η = {}: {}", short(study.rate), study.observed.words());
        Chart::new(title, Axis::linear("x"), Axis::linear("J"))
            .with(Line::solid(4, curve))
            .with(Line::solid(1, study.points.clone()))
            .with(Line::crosses(1, study.points.clone()).named("after each update"))
    };
    let title = "Ten points on J = (x − 1)² + 0.1, with several learning rates η";
    Panels::new(title, studies.len().clamp(1, 3), studies.iter().map(panel).collect())
}
