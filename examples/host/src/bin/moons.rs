//! Decision boundaries and overfitting: networks of 1 to 50 hidden units on sixty noisy points of
//! two moons, and their accuracy on held-out points; activations, depth, and what a hidden layer does
//! to the plane.
//!
//! ```text
//! cargo run --release -p examples --bin moons
//! cargo run --release -p examples --bin moons -- --layers 2,4,3,1 --activation relu
//! cargo run --release -p examples --bin moons -- --help
//! ```

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use examples::moons::{
    Bend, DEEP, Ending, Mark, Net, Plan, Run, SIZES, beside_the_boundary, best_share,
    between_clouds, moons, network, nodes, points, preference, train, train_with, within_a_ring,
};
use gradlet::prelude::*;
use shared::console::Console;
use shared::lesson::{Lesson, Sections, tabulated};
use shared::options;
use shared::options::{choice, flag, list, path, positive, read, real, sections, whole};
use shared::output::{Folder, Picture};
use shared::plot::{
    Axis, Chart, DrawError, Heat, Legend, Line, Look, Palette, Panels, Points, contours,
};
use shared::progress;
use shared::run::{Failure, exit_code};
use shared::table::Csv;
use shared::thinning::Thinning;

const TEXT: &str = include_str!("../../../texts/backprop_article.toml");

options! {
    "moons",
    /// Two noisy moons, classified with 1 to 50 hidden units: decision boundaries, loss curves, and
    /// overfitting, by the accuracy on held-out points.
    struct Options {
        /// Number of full-batch updates, by the mean gradient of all sixty points
        iterations: u32 = whole("N", 30_000, 0..=1_000_000),
        /// Learning rate; finite and greater than 0
        learning_rate: f64 = real("RATE", 0.1, positive),
        /// Numbers of hidden units, separated by commas: 1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30 or 50
        hidden: Vec<u32> = read("LIST", |text| list(text, size)).with(|arg| arg.default_value("1,2,4,10,20,50")),
        /// One network instead, by its inputs, hidden units and outputs: 2,N,2 with N as for --hidden, or
        /// 2,4,3,1, 2,4,3,2, 2,10,10,2, 2,6,6,6,2
        layers: Vec<u32> = read("LIST", layers).with(|arg| arg.conflicts_with("hidden")),
        /// Activation of the hidden units
        activation: Bend = choice("ACTIVATION", [
            (Bend::Tanh, "tanh", "as in the text"),
            (Bend::Sigmoid, "sigmoid", "the logistic function"),
            (Bend::Relu, "relu", "rectified linear unit, max(0, z)"),
        ]),
        /// At most 1,000 updates, and 2,000 held-out points instead of 20,000
        quick: bool = flag(),
        /// Only these sections, by name or number, separated by commas
        section: Sections = sections(TEXT, "moons"),
        /// Print the formulas before the numbers
        formulas: bool = flag(),
        /// Folder for the pictures and tables [default: `moons` in Cargo's target folder]
        output: Option<PathBuf> = path("DIR"),
    }
}

/// Parses a number of hidden units.
fn size(text: &str) -> Result<u32, String> {
    let size = text.parse().map_err(|_| "not a whole number".to_owned())?;
    if SIZES.contains(&size) {
        return Ok(size);
    }
    let sizes: Vec<_> = SIZES.iter().map(ToString::to_string).collect();
    Err(format!("must be one of {}", sizes.join(", ")))
}

/// Parses the layers of a network.
fn layers(text: &str) -> Result<Vec<u32>, String> {
    let layers = list(text, |word| word.parse().map_err(|_| "not whole numbers".to_owned()))?;
    match layers[..] {
        [2, hidden, 2] if SIZES.contains(&hidden) => Ok(layers),
        _ if DEEP.contains(&&layers[..]) => Ok(layers),
        _ => {
            let deep: Vec<_> = DEEP.iter().map(|layers| named(layers)).collect();
            Err(format!("must be 2,N,2 with N as for --hidden, or one of {}", deep.join(" ")))
        }
    }
}

/// `2,4,3,1`.
fn named(layers: &[u32]) -> String {
    layers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// Ends of the maps: half a unit beyond the points.
const X: (f64, f64) = (-3.33, 3.27);
const Y: (f64, f64) = (-3.21, 2.64);
/// Seed of the held-out points.
const GENERATOR: u64 = 2020;
/// Standard deviation of the noise, as in the text.
const NOISE: f64 = 1.0;
/// The colours of the classes.
const CLASSES: [usize; 2] = [1, 0];

fn main() -> ExitCode {
    exit_code(run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Failure> {
    let folder = Folder::create_or_default(options.output.as_deref(), "moons")?;
    let fresh = moons(if options.quick { 2_000 } else { 20_000 }, NOISE, GENERATOR);
    let best = best_share(&fresh, NOISE);
    let most = if options.quick { 1_000 } else { u32::MAX };
    let (iterations, learning_rate) = (options.iterations.min(most), options.learning_rate);
    let plan = Plan { iterations, learning_rate, fresh: &fresh, x: X, y: Y, nodes: 61 };
    let mut lesson = Lesson::read(TEXT, "moons")?.showing(&options.section, options.formulas);
    lesson.named("rate, best", [learning_rate, 100.0 * best]);
    lesson.block("iterations", iterations.to_string());
    lesson.block("fresh", fresh.len().to_string());
    let mut pictures = vec![];
    pictures.extend(lesson.has("neuron").then(|| clouds(&mut lesson)).transpose()?);
    pictures.extend(lesson.has("sigmoid").then(|| sigmoid(&mut lesson)).transpose()?);
    lesson.block("properties", properties());
    let chosen = ["networks", "more", "cost"].iter().any(|key| lesson.has(key));
    let runs = if chosen { train_all(options, &plan) } else { vec![] };
    lesson.block("results", results(&runs));
    lesson.block("judgement", judge(&runs));
    lesson.block("lost", lost(&runs));
    lesson.block("by thousand", by_thousand(&runs));
    if chosen {
        pictures.extend([boundaries(&plan, &runs)?, costs(&runs)?]);
        pictures.extend(accuracy(&plan, &runs, best)?);
    }
    let of_deep = if lesson.has("deep") { deep(&plan, best) } else { Default::default() };
    for (name, block) in ["deep", "noise", "lost deep"].into_iter().zip(of_deep) {
        lesson.block(name, block);
    }
    pictures.extend(lesson.has("coordinates").then(|| coordinates(&mut lesson)).transpose()?);
    let start = network::<Net<4>>().first().rows();
    lesson.list("w1", start.concat());
    let x: f64 = 0.6;
    lesson.named("1 - x^2, slope of tanh", [1.0 - x * x, 1.0 - x.tanh().powi(2)]);
    let mut out = Console::default();
    lesson.tell(&mut out)?;
    folder.write_pictures(&mut out, &pictures)
}

/// Trains each chosen network once.
fn train_all(options: &Options, plan: &Plan<'_>) -> Vec<Run> {
    let sizes: BTreeSet<_> = options.hidden.iter().copied().collect();
    let all = match &options.layers[..] {
        [] => sizes.into_iter().map(|hidden| vec![2, hidden, 2]).collect(),
        layers => vec![layers.to_vec()],
    };
    let units = |layers: &[u32]| u64::from(layers.iter().skip(1).sum::<u32>());
    let all_units = all.iter().map(|layers| units(layers)).sum::<u64>();
    let bar = progress::bar(u64::from(plan.iterations).saturating_mul(all_units), "training");
    let mut runs = vec![];
    for layers in all {
        let (mut thinning, start) = (Thinning::default(), bar.position());
        let mut keeps = |updates| {
            // The text prints the cost after each thousand.
            let keeps = thinning.keeps(updates) || updates % 1000 == 0;
            if keeps {
                let here = u64::from(updates).saturating_mul(units(&layers));
                bar.set_position(start.saturating_add(here));
            }
            keeps
        };
        runs.extend(train_with(&layers, options.activation, plan, &mut keeps));
    }
    bar.finish_and_clear();
    runs
}

/// Cells of a run: first cost, last cost, right of the 60, share of the fresh points.
fn cells(run: &Run) -> String {
    match (run.ending, run.curve.first(), run.curve.last()) {
        (Ending::Diverged(updates), ..) => {
            format!("diverged, update {updates}")
        }
        (_, Some(first), Some(last)) => {
            let share = 100.0 * run.fresh.unwrap_or_default();
            let [first, cost] = [first, last].map(|mark| digits(mark.cost, 10));
            format!("{first}\t{cost}\t{}\t{share:.1} %", last.right)
        }
        _ => String::new(),
    }
}

/// A cost with so many decimals, or as many digits if it is large.
fn digits(cost: f64, count: usize) -> String {
    if cost < 1e3 { format!("{cost:.count$}") } else { format!("{cost:.count$e}") }
}

/// One line for each network.
fn results(runs: &[Run]) -> String {
    let mut lines =
        "layers\tparameters\tcost at first\tcost at last\tright of the 60\tof fresh points"
            .to_owned();
    for run in runs {
        lines += &format!("\n{}\t{}\t{}", named(&run.layers), run.parameters, cells(run));
    }
    tabulated(&lines)
}

/// The cost after each thousand updates, as the text's program prints it, of the largest network.
fn by_thousand(runs: &[Run]) -> String {
    let Some(run) = runs.last() else { return String::new() };
    let marks = run.curve.iter().filter(|mark| mark.updates % 1000 == 0 && mark.updates <= 5000);
    let line =
        |mark: &Mark| format!("Cost after iteration {}: {}\n", mark.updates, digits(mark.cost, 6));
    marks.map(line).collect()
}

/// Whether more hidden units are better.
fn judge(runs: &[Run]) -> String {
    let complete: Vec<_> = runs.iter().filter(|run| run.fresh.is_some()).collect();
    let (Some(small), Some(large)) = (complete.first(), complete.last()) else {
        return "No network was trained to the end.".to_owned();
    };
    if small.layers == large.layers {
        return "There is only one network: try --hidden 1,2,4,10,20,50.".to_owned();
    }
    let right = |run: &Run| run.curve.last().map_or(0, |mark| mark.right);
    let share = |run: &Run| 100.0 * run.fresh.unwrap_or_default();
    let numbers = format!(
        "From {} to {} hidden units, right answers on the 60 points go from {} to {}, and on fresh\n\
         points from {:.1} % to {:.1} %.\n",
        small.hidden(),
        large.hidden(),
        right(small),
        right(large),
        share(small),
        share(large)
    );
    let overfitted = right(large) > right(small) && share(large) < share(small) - 2.0;
    numbers
        + if overfitted {
            "The text looks at the 60 points only. The large network overfits them: it draws islands around\n\
             single points, which the noise has put there."
        } else {
            "In this run, the networks are not overfitted: see the full one."
        }
}

/// Which networks the text's formulas would have lost.
fn lost(runs: &[Run]) -> String {
    let complete = runs.iter().filter(|run| run.ending == Ending::Complete);
    let lost: String = complete
        .filter_map(|run| Some((&run.layers, run.exactly_one?)))
        .map(|(layers, updates)| {
            format!("{}: an output is exactly 1 after update {updates}.\n", named(layers))
        })
        .collect();
    if lost.is_empty() { "In this run, no output was exactly 1.".to_owned() } else { lost }
}

/// Other activations, another loss, other depths; what they say about noise; which of them the text's
/// formulas would have lost.
fn deep(plan: &Plan<'_>, best: f64) -> [String; 3] {
    let never = &mut |updates: u32| updates == 0;
    let flat: &[u32] = &[2, 10, 2];
    let mut runs = vec![];
    for (bend, name) in [(Bend::Tanh, "tanh"), (Bend::Sigmoid, "sigmoid"), (Bend::Relu, "relu")] {
        runs.push((name.to_owned(), train_with(flat, bend, plan, never)));
    }
    let (_, squares) = train::<Net<10>, HalfSquaredError, 2>(plan, never);
    let squares = Run { layers: flat.to_vec(), ..squares };
    runs.push(("tanh, squared error".to_owned(), Some(squares)));
    for layers in DEEP {
        runs.push(("tanh".to_owned(), train_with(layers, Bend::Tanh, plan, never)));
    }
    let of_class = Plan { iterations: plan.iterations.min(2000), learning_rate: 0.0618, ..*plan };
    let name = format!("tanh, rate 0.0618, {} updates", of_class.iterations);
    runs.push((name, train_with(flat, Bend::Tanh, &of_class, never)));
    let mut lines =
        "layers\thidden units\tparameters\tcost at first\tcost at last\tof 60\tof fresh".to_owned();
    let (mut low, mut high, mut lost) = (f64::INFINITY, 0.0_f64, String::new());
    for (name, run) in runs.iter().filter_map(|(name, run)| Some((name, run.as_ref()?))) {
        lines += &format!("\n{}\t{name}\t{}\t{}", named(&run.layers), run.parameters, cells(run));
        let right = run.curve.last().map_or(0, |mark| mark.right);
        if let (57.., Some(fresh)) = (right, run.fresh) {
            (low, high) = (low.min(100.0 * fresh), high.max(100.0 * fresh));
        }
        if let (Ending::Complete, Some(updates)) = (run.ending, run.exactly_one) {
            lost += &format!(
                "\n{}, {name}: an output is exactly 1 after update {updates}; the text's program has NaN.",
                named(&run.layers)
            );
        }
    }
    let noise = format!(
        "Depth is no cure for noise: the networks that fit 57 points or more, flat or deep, have {low:.1}\n\
         to {high:.1} % of the fresh points, and the best possible rule {:.1} %.",
        100.0 * best
    );
    [tabulated(&lines), if high > 0.0 { noise } else { String::new() }, lost]
}

/// A neuron between two clouds, and the colours of its outputs.
fn clouds(lesson: &mut Lesson) -> Result<Picture, DrawError> {
    let (net, outputs) = between_clouds();
    let ([[w1], [w2]], [b]) = (net.weights(), net.bias());
    let count = |is_it: &dyn Fn(f64, usize) -> bool| -> f64 {
        let those = outputs.iter().filter(|(point, y)| is_it(*y, point.class));
        those.map(|_| 1.0).sum()
    };
    lesson.named("neuron w1, neuron w2, neuron b", [*w1, *w2, *b]);
    lesson.named("k, offset", [-w1 / w2, (0.5 - b) / w2]);
    lesson.named("clouds", [count(&|_, _| true)]);
    lesson.named(
        "red, blue, neither",
        [count(&|y, _| y <= 0.0), count(&|y, _| y > 1.0), count(&|y, _| y > 0.0 && y <= 1.0)],
    );
    lesson.named("right by 0.5", [count(&|y, class| (y > 0.5) == (class == 1))]);
    let cloud = |class: usize| {
        let those = outputs.iter().filter(move |(point, _)| point.class == class);
        those.map(|(point, _)| point.at.into())
    };
    let line = [3.0, -3.0].map(|y: f64| ((0.5 - b - w2 * y) / w1, y));
    Chart::new(
        "One neuron separates two clouds by a line",
        Axis::linear("x1").from(-3.5, 3.5),
        Axis::linear("x2").from(-3.0, 3.0),
    )
    .with(Line::solid(usize::MAX, line).named("w1 x1 + w2 x2 + b = 1/2"))
    .with(Line::dots(CLASSES[0], cloud(0)).named("0, red"))
    .with(Line::new(Look::Squares, CLASSES[1], cloud(1)).named("1, blue"))
    .legend(Legend::UpperRight)
    .picture("clouds")
}

/// The sigmoid, its derivative and the step function.
fn sigmoid(lesson: &mut Lesson) -> Result<Picture, DrawError> {
    let value = |x: f64| {
        let [y] = Dense::<1, 1, Sigmoid, f64>::new([[1.0]], [0.0]).forward(&[x]);
        y
    };
    let slope = |x: f64| Sigmoid::derivative(value(x));
    let difference = |x: f64| (value(x + 1e-6) - value(x - 1e-6)) / 2e-6;
    for (at, x) in [0.0, 1.0, 2.0, 5.0].into_iter().enumerate() {
        lesson.list(&format!("sigmoid {at}"), [value(x), slope(x), difference(x)]);
    }
    let curve = |y: &dyn Fn(f64) -> f64| -> Points {
        (-48..=48).map(|step| f64::from(step) / 6.0).map(|x| (x, y(x))).collect()
    };
    let step = [(-8.0, 0.0), (0.0, 0.0), (0.0, 1.0), (8.0, 1.0)];
    Chart::new(
        "Sigmoid, its derivative, and the step function",
        Axis::linear("x"),
        Axis::linear("y").from(-0.1, 1.1),
    )
    .legend(Legend::MiddleRight)
    .with(Line::solid(0, curve(&value)).named("y = 1 / (1 + e^-x)"))
    .with(Line::dashed(1, curve(&slope)).named("its derivative, y (1 − y)"))
    .with(Line::solid(4, step).named("step function"))
    .picture("sigmoid")
}

/// What activations do far from 0.
fn properties() -> String {
    fn row<A: Elementwise>(name: &str, range: &str) -> String {
        let neuron = Dense::<1, 1, A, f64>::new([[1.0]], [0.0]);
        let slope = |x: f64| {
            let [y] = neuron.forward(&[x]);
            A::derivative(y)
        };
        let slopes = [-10.0, -2.0, 0.0, 2.0, 10.0].map(|x| format!("{:.2e}", slope(x)));
        format!("\n{name}\t{range}\t{}", slopes.join("\t"))
    }
    let heading = "activation\trange\tslope at -10\t-2\t0\t2\t10".to_owned();
    let lines = heading
        + "\nstep\t0, 1\t0\t0\tnone\t0\t0"
        + &row::<Sigmoid>("sigmoid", "0 to 1")
        + &row::<Tanh>("tanh", "-1 to 1")
        + &row::<Relu>("ReLU", "0 to infinity");
    tabulated(&lines)
}

/// What a hidden layer makes of a ring and its middle.
fn coordinates(lesson: &mut Lesson) -> Result<Picture, DrawError> {
    let (net, points) = within_a_ring();
    let is_right = |at, class| (preference(&net, at) > 0.0) == (class == 1);
    let right = points.iter().filter(|point| is_right(point.at, point.class)).count();
    lesson.block("right of ring", format!("{right} of {}", points.len()));
    let with_points = |chart: Chart, place: &dyn Fn([f64; 2]) -> [f64; 2]| {
        let of_class = |class: usize| -> Points {
            let those = points.iter().filter(|point| point.class == class);
            those.map(|point| place(point.at).into()).collect()
        };
        chart.with(Line::dots(CLASSES[0], of_class(0))).with(Line::new(
            Look::Squares,
            CLASSES[1],
            of_class(1),
        ))
    };
    let ends = (-2.4, 2.4);
    let row = |y| nodes(ends, 41).map(|x| preference(&net, [x, y])).collect();
    let map: Vec<Vec<_>> = nodes(ends, 41).map(row).collect();
    let border = |points: Points| Line::solid(usize::MAX, points);
    let plane = Chart::new(
        "The plane: a closed boundary",
        Axis::linear("x1").from(ends.0, ends.1),
        Axis::linear("x2").from(ends.0, ends.1),
    )
    .with_all(contours(ends, ends, &map, 0.0).into_iter().map(border));
    let hidden = Chart::new(
        "Three hidden units, from the side: a straight one",
        Axis::linear("beyond the boundary"),
        Axis::linear("along it").from(-1.6, 1.6),
    )
    .with(border(vec![(0.0, -1.6), (0.0, 1.6)]));
    let charts = vec![
        with_points(plane, &|at| at),
        with_points(hidden, &|at| beside_the_boundary(&net, at)),
    ];
    Panels::new("A hidden layer changes the coordinates", 2, charts).picture("coordinates")
}

/// The decision regions of all networks.
fn boundaries(plan: &Plan<'_>, runs: &[Run]) -> Result<Picture, DrawError> {
    let title = "Decision boundaries; dots: upper moon, squares: lower moon";
    let panels =
        Panels::new(title, runs.len().clamp(1, 3), runs.iter().map(|run| map(plan, run)).collect());
    let mut csv = Csv::new(&["layers", "x1", "x2", "logit_2_minus_logit_1"]);
    for run in runs {
        for (y, row) in nodes(plan.y, plan.nodes).zip(&run.map).step_by(3) {
            for (x, difference) in nodes(plan.x, plan.nodes).zip(row).step_by(3) {
                let numbers = [x, y, *difference].map(|number| number.to_string());
                let layers = named(&run.layers).replace(',', "-");
                csv.words([layers].into_iter().chain(numbers));
            }
        }
    }
    Ok(Picture { name: "boundaries", svg: slim(&panels.svg()?), csv: csv.finish() })
}

/// The same picture without redundant attributes.
fn slim(svg: &str) -> String {
    [
        " opacity=\"1\"",
        " stroke=\"none\" stroke-width=\"1\"",
        " stroke=\"none\" stroke-width=\"16\"",
    ]
    .iter()
    .fold(svg.to_owned(), |svg, attributes| svg.replace(attributes, ""))
}

/// What a network is called in a picture.
fn title_of(run: &Run) -> String {
    match run.layers[..] {
        [2, hidden, 2] => format!("{hidden} hidden"),
        _ => named(&run.layers),
    }
}

/// The decision regions, with the sixty points.
fn map(plan: &Plan<'_>, run: &Run) -> Chart {
    let all_upper =
        Heat { x: plan.x, y: plan.y, values: vec![vec![0.0]], palette: Palette::Classes };
    let boundary = contours(plan.x, plan.y, &run.map, 0.0);
    let name = title_of(run);
    let title = match (run.curve.last(), run.fresh) {
        (Some(last), Some(_)) => {
            format!("{name}, cost {:.4}, {} of 60 right", last.cost, last.right)
        }
        _ => format!("{name}, diverged"),
    };
    let (x, y) = (Axis::linear("x1").from(plan.x.0, plan.x.1), Axis::linear("x2"));
    let of_class = |class| {
        let those = points().into_iter().filter(move |point| point.class == class);
        those.map(|point| point.at.into())
    };
    let chart = Chart::new(title, x, y.from(plan.y.0, plan.y.1))
        .with_all(areas(plan, run))
        .with_all(boundary.into_iter().map(|points| Line::solid(usize::MAX, points)))
        .with(Line::dots(CLASSES[0], of_class(0)))
        .with(Line::new(Look::Squares, CLASSES[1], of_class(1)));
    Chart { heat: Some(all_upper), ..chart }
}

/// The decision regions of each class, the outer ones first.
fn areas(plan: &Plan<'_>, run: &Run) -> Vec<Line> {
    // A frame of the upper moon's class around the map closes all lines.
    let width = run.map.len().saturating_add(2);
    let frame = || vec![-1.0; width];
    let rows = run.map.iter().map(|row| [&[-1.0], &row[..], &[-1.0]].concat());
    let framed: Vec<_> = [frame()].into_iter().chain(rows).chain([frame()]).collect();
    let wider = |(low, high): (f64, f64)| {
        let step = (high - low) / f64::from(plan.nodes.saturating_sub(1).max(1));
        (low - step, high + step)
    };
    let inside = |value: f64, (low, high): (f64, f64)| value.clamp(low, high);
    let mut rings: Vec<Vec<_>> = contours(wider(plan.x), wider(plan.y), &framed, 0.0)
        .into_iter()
        .map(|ring| ring.iter().map(|&(x, y)| (inside(x, plan.x), inside(y, plan.y))).collect())
        .collect();
    rings.sort_by(|a, b| extent(b).total_cmp(&extent(a)));
    let depth = |number: usize, ring: &[(f64, f64)]| {
        let outer = rings.iter().take(number);
        ring.first().map_or(0, |&point| outer.filter(|outer| surrounds(outer, point)).count())
    };
    let colour = |depth: usize| if depth.is_multiple_of(2) { CLASSES[1] } else { CLASSES[0] };
    let colours: Vec<_> =
        rings.iter().enumerate().map(|(number, ring)| colour(depth(number, ring))).collect();
    rings.into_iter().zip(colours).map(|(ring, c)| Line::new(Look::Area, c, ring)).collect()
}

/// The area within a closed line.
fn extent(ring: &[(f64, f64)]) -> f64 {
    let pieces = ring.iter().zip(ring.iter().skip(1));
    pieces.map(|(a, b)| (a.0 * b.1 - b.0 * a.1) / 2.0).sum::<f64>().abs()
}

/// Whether a point is within a closed line: a ray from it crosses the line an odd number of times.
fn surrounds(ring: &[(f64, f64)], (x, y): (f64, f64)) -> bool {
    let crosses = |a: (f64, f64), b: (f64, f64)| {
        (a.1 > y) != (b.1 > y) && x < a.0 + (b.0 - a.0) * (y - a.1) / (b.1 - a.1)
    };
    let pieces = ring.iter().zip(ring.iter().skip(1));
    pieces.filter(|&(&a, &b)| crosses(a, b)).count() % 2 == 1
}

/// The loss curve of each network.
fn costs(runs: &[Run]) -> Result<Picture, DrawError> {
    let last = runs.iter().filter_map(|run| run.curve.last()).map(|mark| mark.updates).max();
    let mut thinning = Thinning::default();
    let kept: BTreeSet<_> = (0..=last.unwrap_or(0)).filter(|&n| thinning.keeps(n)).collect();
    let line = |(number, run): (usize, &Run)| {
        let look = if number < 5 { Look::Solid } else { Look::Dashed };
        let end = run.curve.last().map(|mark| mark.updates);
        let is_shown = |n: u32| kept.contains(&n) || Some(n) == end;
        let marks = run.curve.iter().filter(|mark| is_shown(mark.updates));
        let points = marks.map(|mark| (mark.updates.into(), mark.cost));
        Line::new(look, number, points).named(title_of(run))
    };
    let (x, y) = (Axis::log("number of updates"), Axis::log("cost"));
    let chart = Chart::new("The cost of the sixty points during training", x, y)
        .with_all(runs.iter().enumerate().map(line));
    let picture = chart.picture("cost")?;
    Ok(Picture { svg: slim(&picture.svg), ..picture })
}

/// Accuracy on the sixty points and on held-out ones, of networks with one hidden layer.
fn accuracy(plan: &Plan<'_>, runs: &[Run], best: f64) -> Result<Option<Picture>, DrawError> {
    let complete: Vec<_> =
        runs.iter().filter(|run| run.fresh.is_some() && run.layers.len() == 3).collect();
    let (Some(first), Some(last)) = (complete.first(), complete.last()) else { return Ok(None) };
    let lines = |label: String, colour: usize, share: &dyn Fn(&Run) -> f64| {
        let points: Points =
            complete.iter().map(|run| (run.hidden().into(), 100.0 * share(run))).collect();
        [Line::solid(colour, points.clone()).named(label), Line::dots(colour, points)]
    };
    let known = |run: &Run| run.curve.last().map_or(0.0, |mark| f64::from(mark.right) / 60.0);
    let new = |run: &Run| run.fresh.unwrap_or_default();
    let fresh = format!("{} fresh points", plan.fresh.len());
    let ends = [first, last].map(|run| (run.hidden().into(), 100.0 * best));
    let picture = Chart::new(
        "Right answers of networks on points that they know, and on fresh points",
        Axis::log("number of hidden units"),
        Axis::linear("right answers, in percent").from(50.0, 100.0),
    )
    .with_all(lines("the 60 points that they learned from".to_owned(), 0, &known))
    .with_all(lines(fresh, 1, &new))
    .with(Line::dashed(2, ends).named("the best rule there is, on fresh points"))
    .picture("accuracy")?;
    Ok(Some(Picture { svg: slim(&picture.svg), ..picture }))
}
