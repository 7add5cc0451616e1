//! Loss functions: absolute and squared error, cross-entropy, and the loss of a line as a surface
//! over its slope and offset, compared with the numbers of a text.
//!
//! ```text
//! cargo run --release -p examples --bin losses
//! cargo run --release -p examples --bin losses -- --help
//! ```

use std::path::PathBuf;
use std::process::ExitCode;

use examples::losses::{
    Line, Shape, Surface, binary, cross_entropy, curves, entropy_of_rounded, errors, information,
    multiclass, points, recovery, spread, step_above,
};
use gradlet::prelude::*;
use shared::console::Console;
use shared::lesson::{Lesson, Sections};
use shared::options;
use shared::options::{flag, path, sections, whole};
use shared::output::{Folder, Picture};
use shared::plot::{
    Axis, Chart, DrawError, Legend, Line as Curve, Panels, Surface as Bowl, contours, three_digits,
};
use shared::run::{Failure, exit_code};
use shared::table::Csv;

const TEXT: &str = include_str!("../../../texts/lecture_notes.toml");

/// The lines whose losses the text compares: one slope, four offsets.
const LINES: [Line; 4] =
    [Line::new(3.0, 0.0), Line::new(3.0, 0.5), Line::new(3.0, 1.0), Line::new(3.0, 1.5)];
/// The part of the plane over which the bowl is plotted.
const W: (f64, f64) = (1.0, 5.0);
const B: (f64, f64) = (-1.0, 3.0);
/// Heights of the contours above the minimum: equal steps of the square root, so that similar
/// ellipses have equal distances.
const RISES: [f64; 8] = [0.01, 0.04, 0.09, 0.16, 0.36, 0.64, 1.0, 1.44];

options! {
    "losses",
    /// Loss functions with every number, compared with those of a text, and the loss surface of a
    /// line.
    struct Options {
        /// Cells of the grid for the contours, in each direction
        cells: u32 = whole("N", 80, 4..=200),
        /// Only these sections, by name or number, separated by commas
        section: Sections = sections(TEXT, "losses"),
        /// Print the formulas before the numbers
        formulas: bool = flag(),
        /// Folder for the pictures (SVG) and their data (CSV) [default: `losses` in Cargo's target
        /// folder]
        output: Option<PathBuf> = path("DIR"),
    }
}

fn main() -> ExitCode {
    exit_code(run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Failure> {
    let folder = Folder::create_or_default(options.output.as_deref(), "losses")?;
    let mut lesson = Lesson::read(TEXT, "losses")?.showing(&options.section, options.formulas);
    let surface = Surface::over(&points());
    of_answers(&mut lesson);
    of_lines(&mut lesson, &surface);
    let mut out = Console::default();
    lesson.tell(&mut out)?;
    let all = Curve::dots(4, points());
    let pictures = lesson.shown([
        ("binary", entropies()?),
        ("line", four_lines(&surface, &all)?),
        ("line", all_lines(&surface, all)?),
        ("bowl", slices(&surface)?),
        ("bowl", bowl(&surface)?),
        ("bowl", by_hand(&surface)?),
        ("bowl", contour_lines(&surface, options.cells)?),
    ]);
    folder.write_pictures(&mut out, &pictures)
}

/// Losses of single answers.
fn of_answers(lesson: &mut Lesson) {
    let (near, far) = (errors([1.0; 3], [1.0, 2.0, 3.0]), errors([1.0; 3], [1.0, 3.0, 3.0]));
    lesson.list("near", near);
    lesson.list("far", far);
    lesson.list("growth", far.iter().zip(near).map(|(far, near)| far / near));
    lesson.list(
        "error",
        [1.0, 2.0, 3.0].map(|a| {
            let [_, squared, ..] = errors([1.0; 3], [a, 1.0, 1.0]);
            squared / 2.0
        }),
    );
    let (difference, after) = step_above(1.0, 1.5);
    lesson.list("step", [difference, after, after - 1.5]);
    let cases = [(1.0, 0.6), (1.0, 0.7), (0.0, 0.1), (0.0, 0.6), (0.0, 0.99)];
    lesson.table("binary", 1, cases.map(|(y, a)| binary(y, a)));
    for (number, a) in [(1, [0.2, 0.5, 0.3]), (2, [0.2, 0.2, 0.6])] {
        let (loss, [by_1, by_2, by_3]) = multiclass([0.0, 0.0, 1.0], a);
        lesson.table("class", number, [[loss, by_1, by_2, by_3]]);
    }
    let (p, q) = ([0.7, 0.2, 0.1], [0.5, 0.3, 0.2]);
    let (entropy, crossed) = (cross_entropy(p, p), cross_entropy(p, q));
    lesson.list("I", information(p));
    lesson.set([
        ("H", entropy),
        ("H (rounded)", entropy_of_rounded(p)),
        ("H(p, q)", crossed),
        ("KL", crossed - entropy),
    ]);
    let learns = [recovery::<HalfSquaredError>(), recovery::<BinaryCrossEntropy>()];
    lesson.table("recovery", 0, learns.map(|(slope, updates)| [slope, f64::from(updates)]));
    lesson.set([("flat", 0.99 * (1.0 - 0.99))]);
}

/// The loss of a line, and its shape.
fn of_lines(lesson: &mut Lesson, surface: &Surface) {
    let minimum = surface.minimum();
    lesson.list("J", LINES.map(|line| surface.loss(line)));
    lesson.list("least", [minimum.w, minimum.b, surface.loss(minimum)]);
    let hessian @ [[ww, wb], [_, bb]] = surface.hessian();
    let shape = Shape::of(hessian);
    // The same noise about y = x + 1.
    let moved: Vec<_> = points().into_iter().map(|(x, y)| (x, y - 2.0 * x)).collect();
    let ([mean], [deviation]) = (*surface.scaling().offset(), *surface.scaling().scale());
    lesson.set([
        ("ww", ww),
        ("wb", wb),
        ("bb", bb),
        ("steep", shape.steep),
        ("shallow", shape.shallow),
        ("valley", -1.0 / shape.angle.tan()),
        ("ratio", shape.ratio()),
        ("ratio, moved", ratio(&Surface::over(&moved))),
        ("mean", mean),
        ("deviation", deviation),
        ("ratio, standardised", ratio(&surface.standardised())),
    ]);
}

fn ratio(surface: &Surface) -> f64 {
    Shape::of(surface.hessian()).ratio()
}

/// The two curves of the binary cross-entropy.
fn entropies() -> Result<Picture, DrawError> {
    let curve = |wanted: f64| {
        curves().into_iter().map(move |(a, [no, yes])| (a, if wanted > 0.0 { yes } else { no }))
    };
    let x = Axis::linear("answer a, the probability of yes");
    Chart::new("Binary cross-entropy: sure and wrong costs most", x, Axis::linear("loss"))
        .with(Curve::solid(0, curve(1.0)))
        .with(Curve::dashed(1, curve(0.0)))
        .note((0.05, 3.0), "yes is right (y = 1): -ln a")
        .note((0.95, 3.0), "no is right (y = 0): -ln(1 - a)")
        .picture("cross_entropy")
}

/// A chart of the points' plane.
fn plane(title: String, lines: impl IntoIterator<Item = Curve>) -> Chart {
    let (x, y) = (Axis::linear("x").from(0.0, 1.0), Axis::linear("y").from(0.0, 5.0));
    Chart::new(title, x, y).with_all(lines)
}

/// The four lines over the points, each with its equation and its loss.
fn drawn(surface: &Surface) -> impl Iterator<Item = (Curve, String, String)> {
    (0..).zip(LINES).map(|(colour, line @ Line { w, b })| {
        let name = if b > 0.0 { format!("z = {w}x + {b}") } else { format!("z = {w}x") };
        let ends = [0.0, 1.0].map(|x| (x, line.at(x)));
        (Curve::solid(colour, ends), name, three_digits(surface.loss(line)))
    })
}

/// Each of the four lines with the points, side by side.
fn four_lines(surface: &Surface, all: &Curve) -> Result<Picture, DrawError> {
    let charts = drawn(surface)
        .map(|(line, name, loss)| plane(format!("{name}, loss {loss}"), [all.clone(), line]));
    Panels::new("Four lines through 50 points, and their losses", 2, charts.collect())
        .picture("four_lines")
}

/// The four lines and the points in one chart.
fn all_lines(surface: &Surface, all: Curve) -> Result<Picture, DrawError> {
    let lines = drawn(surface).map(|(line, name, loss)| line.named(format!("{name}: loss {loss}")));
    plane("The same four lines together".to_owned(), [all].into_iter().chain(lines))
        .legend(Legend::LowerRight)
        .picture("all_lines")
}

/// The loss along `b` and along `w`: two sections of the bowl, each a parabola.
fn slices(surface: &Surface) -> Result<Picture, DrawError> {
    let chart = |title: &str, name, along: (f64, f64), line: fn(f64) -> Line| {
        let points = spread(along, 40).map(|place| (place, surface.loss(line(place))));
        Chart::new(title, Axis::linear(name), Axis::linear("loss").from(0.0, 0.7))
            .with(Curve::solid(0, points))
    };
    let four = LINES.map(|line| (line.b, surface.loss(line)));
    let along_b =
        chart("w = 3; the dots are the four lines", "b", (0.0, 2.0), |b| Line::new(3.0, b))
            .with(Curve::dots(1, four));
    let along_w = chart("b = 1", "w", (2.0, 4.0), |w| Line::new(w, 1.0));
    Panels::new("The loss when one of two parameters moves", 2, vec![along_b, along_w])
        .picture("slices")
}

/// The axes of `w` and `b`.
fn axes((w, to_w): (f64, f64), (b, to_b): (f64, f64)) -> (Axis, Axis) {
    (Axis::linear("w").from(w, to_w), Axis::linear("b").from(b, to_b))
}

/// The loss over both parameters as a surface in 3D.
fn bowl(surface: &Surface) -> Result<Picture, DrawError> {
    let values = surface.grid(W, B, 24);
    let mut csv = Csv::new(&["w", "b", "loss"]);
    for (b, row) in spread(B, 24).zip(&values) {
        for (w, loss) in spread(W, 24).zip(row) {
            csv.row(&[w, b, *loss]);
        }
    }
    let (x, y) = axes(W, B);
    let title = "The loss of z = w x + b: a narrow bowl".to_owned();
    let bowl = Bowl { title, x, y, z: Axis::linear("loss"), values, ..Bowl::default() };
    Ok(Picture { name: "bowl", svg: bowl.svg()?, csv: csv.finish() })
}

/// Contours in the simplest way: every grid point whose loss is about that of a level.
fn by_hand(surface: &Surface) -> Result<Picture, DrawError> {
    let (x, y) = axes(W, B);
    let mut chart = Chart::new("Contours by hand: places within 2 % of a loss", x, y);
    for (colour, level) in (0..).zip([0.1, 0.3, 0.6, 1.0, 1.5]) {
        let places = surface.near(W, B, 100, level);
        // The highest point near the middle is labelled with the level.
        let middle = places.iter().filter(|(w, _)| (w - 3.0).abs() < 0.1);
        if let Some(&at) = middle.max_by(|(_, one), (_, other)| one.total_cmp(other)) {
            chart = chart.note(at, level.to_string());
        }
        chart = chart.with(Curve::dots(colour, places));
    }
    chart.picture("contours_by_hand")
}

/// The contours for raw `x` and for standardised `x`, with the axes of an ellipse.
fn contour_lines(surface: &Surface, steps: u32) -> Result<Picture, DrawError> {
    let panel = |surface: &Surface, title: &str| {
        let minimum = surface.minimum();
        // A panel is 1.28 times as wide as high; so a circle is drawn as a circle.
        let around = |value: f64, reach| (value - reach, value + reach);
        let (w, b) = (around(minimum.w, 2.56), around(minimum.b, 2.0));
        let (values, lowest) = (surface.grid(w, b, steps), surface.loss(minimum));
        let rings = RISES.into_iter().flat_map(|rise| contours(w, b, &values, lowest + rise));
        let [short, long] = Shape::of(surface.hessian()).axes(minimum, 0.36);
        let (x, y) = axes(w, b);
        Chart::new(format!("{title}: axes {:.2} : 1", ratio(surface)), x, y)
            .with_all(rings.map(|points| Curve::solid(0, points)))
            .with(Curve::dashed(1, long))
            .with(Curve::dashed(2, short))
            .with(Curve::crosses(1, [(minimum.w, minimum.b)]))
    };
    let charts =
        vec![panel(surface, "x as it is"), panel(&surface.standardised(), "x standardised")];
    Panels::new("Contours of the loss: a tilted ellipse becomes a circle", 2, charts)
        .picture("contours")
}
