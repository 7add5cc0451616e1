//! The numbers of the example in sections, compared with those of the text.

use gradlet::prelude::*;

use super::compute::points::points;
use super::compute::surface::{Line, Shape, Surface};
use super::compute::{
    binary, cross_entropy, divergence, errors, information, multiclass, recovery, step_above,
};
use shared::rows::Row;

/// The lines whose losses the text compares: one slope, four offsets.
pub const LINES: [Line; 4] =
    [Line::new(3.0, 0.0), Line::new(3.0, 0.5), Line::new(3.0, 1.0), Line::new(3.0, 1.5)];

/// A section of the table.
pub struct Section {
    pub title: &'static str,
    /// Title.
    pub idea: &'static str,
    pub rows: Vec<Row<'static>>,
    /// Explanation below the rows; may be empty.
    pub note: String,
}

/// All sections, in the order of the text.
pub fn sections(surface: &Surface) -> Vec<Section> {
    vec![
        distances(),
        direction(),
        yes_or_no(),
        one_of_many(),
        surprise(),
        behind_a_sigmoid(),
        four_lines(surface),
        shape(surface),
    ]
}

fn distances() -> Section {
    let (near, far) = (errors([1.0; 3], [1.0, 2.0, 3.0]), errors([1.0; 3], [1.0, 3.0, 3.0]));
    Section {
        title: "Absolute and squared error",
        idea: "The targets t are 1 1 1. One answer more is off by 2: squares mind that more.",
        rows: vec![
            Row::new("sum |a - t|, a = 1 2 3", near.absolute).printed("3"),
            Row::new("sum |a - t|, a = 1 3 3", far.absolute).printed("4"),
            Row::new("  grows by the factor", far.absolute / near.absolute).printed("1.33"),
            Row::new("sum (a - t)^2, a = 1 2 3", near.squared).printed("5"),
            Row::new("sum (a - t)^2, a = 1 3 3", far.squared).printed("8"),
            Row::new("  grows by the factor", far.squared / near.squared).printed("1.6"),
            Row::new("half mean: sum (a - t)^2 / (2 m), a = 1 2 3", near.half_mean),
            Row::new("half mean: sum (a - t)^2 / (2 m), a = 1 3 3", far.half_mean),
            Row::new("without the 1/2, a = 1 2 3", near.mean),
            Row::new("without the 1/2, a = 1 3 3", far.mean),
        ],
        note: String::new(),
    }
}

fn direction() -> Section {
    let (difference, after) = step_above(1.0, 1.5);
    Section {
        title: "Which way to move",
        idea: "A line answers a = 1.5 where y = 1 was right; a step of gradient descent, rate 0.5.",
        rows: vec![
            Row::new("a - y = dL/da", difference),
            Row::new("a after the step", after),
            Row::new("the line moves by", after - 1.5),
        ],
        note: String::new(),
    }
}

fn yes_or_no() -> Section {
    let printed = [Some("0.51"), Some("0.36"), None, None, None];
    let cases = [(1.0, 0.6), (1.0, 0.7), (0.0, 0.1), (0.0, 0.6), (0.0, 0.99)];
    let mut rows = vec![];
    for ((y, a), printed) in cases.into_iter().zip(printed) {
        let answer = binary(y, a);
        let row = Row::new(format!("L, y = {y}, a = {a}"), answer.loss);
        rows.push(match printed {
            Some(digits) => row.printed(digits),
            None => row,
        });
        rows.push(Row::new("  dL/da = (a - y) / (a (1 - a))", answer.by_answer));
        rows.push(Row::new("  dL/dz = a - y", answer.by_logit));
    }
    Section {
        title: "Binary cross-entropy",
        idea: "L = -(y ln a + (1 - y) ln(1 - a)), with a = 1 / (1 + e^-z).\n\
               Sure and wrong costs most. By z, the derivative is a plain difference.",
        rows,
        note: String::new(),
    }
}

fn one_of_many() -> Section {
    let truth = [0.0, 0.0, 1.0];
    let mut rows = vec![];
    for (a, digits) in [([0.2, 0.5, 0.3], "1.2"), ([0.2, 0.2, 0.6], "0.51")] {
        let ([a1, a2, a3], answer) = (a, multiclass(truth, a));
        rows.push(Row::new(format!("L, a = {a1} {a2} {a3}"), answer.loss).printed(digits));
        for (number, slope) in (1..).zip(answer.by_logit) {
            rows.push(Row::new(format!("  dL/dz{number} = a{number} - y{number}"), slope));
        }
    }
    Section {
        title: "Cross-entropy of three classes",
        idea: "L = -sum y ln a, with a = softmax(z). The third class is right: y = 0 0 1.",
        rows,
        note: String::new(),
    }
}

fn surprise() -> Section {
    let (p, q) = ([0.7, 0.2, 0.1], [0.5, 0.3, 0.2]);
    let news = information(p);
    let [first, second, third] = news.each;
    Section {
        title: "Information, entropy, divergence",
        idea: "The information I = -ln p, in nats: the rarer, the more. The entropy H is its mean; the\n\
               divergence KL is what it costs to expect q where p is true. Here q = 0.5 0.3 0.2.",
        rows: vec![
            Row::new("I, p = 0.7", first).printed("0.36"),
            Row::new("I, p = 0.2", second).printed("1.61"),
            Row::new("I, p = 0.1", third).printed("2.30"),
            Row::new("H(p) = sum p I", news.entropy)
                .printed("0.804")
                .slip("rounded", news.of_rounded),
            Row::new("H(p, q) = -sum p ln q", cross_entropy(p, q)),
            Row::new("KL(p, q) = H(p, q) - H(p)", divergence(p, q)),
        ],
        note: String::new(),
    }
}

fn behind_a_sigmoid() -> Section {
    let squares = recovery::<HalfSquaredError>();
    let entropy = recovery::<BinaryCrossEntropy>();
    let count =
        |updates: Option<u32>| updates.map_or("too many".to_owned(), |count| count.to_string());
    Section {
        title: "Squared error behind a sigmoid",
        idea: "A sigmoid neuron answers 0.01, and 1 would be right; rate 1.",
        rows: vec![
            Row::new("dL/dz of the squared error", squares.slope),
            Row::new("dL/dz of the cross-entropy", entropy.slope),
        ],
        note: format!(
            "Updates until it answers more than 0.9: {} with the squared error, {} with the\n\
             cross-entropy.",
            count(squares.updates),
            count(entropy.updates)
        ),
    }
}

fn four_lines(surface: &Surface) -> Section {
    let minimum = surface.minimum();
    let mut rows: Vec<_> = LINES
        .into_iter()
        .map(|line| Row::new(format!("J of z = {}", name_of(line)), surface.loss(line)))
        .collect();
    rows.push(Row::new("w at the minimum", minimum.w));
    rows.push(Row::new("b at the minimum", minimum.b));
    rows.push(Row::new("J at the minimum", surface.loss(minimum)));
    Section {
        title: "The loss of a line",
        idea: "50 points of y = 3x + 1 with noise up to 0.5; J = sum (w x + b - y)^2 / (2 m).\n\
               The noise moves the minimum away from w = 3, b = 1.",
        rows,
        note: String::new(),
    }
}

fn shape(surface: &Surface) -> Section {
    let hessian @ [[ww, wb], [_, bb]] = surface.hessian();
    let shape = Shape::of(hessian);
    // The same noise about another line.
    let (line, other) = (Line::new(3.0, 1.0), Line::new(1.0, 1.0));
    let moved: Vec<_> =
        points().into_iter().map(|(x, y)| (x, y - line.at(x) + other.at(x))).collect();
    let of_moved = Shape::of(Surface::over(&moved).hessian());
    let (standardised, mean, deviation) = surface.standardised();
    Section {
        title: "The shape of the bowl",
        idea: "Contours of J are ellipses. Its second derivatives tell their shape.",
        rows: vec![
            Row::new("d2J/dw2 = mean of x^2", ww),
            Row::new("d2J/dw db = mean of x", wb),
            Row::new("d2J/db2", bb),
            Row::new("curvature across the valley", shape.steep),
            Row::new("curvature along the valley", shape.shallow),
            Row::new("slope db/dw of the valley", -1.0 / shape.angle.tan()),
            Row::new("long axis : short axis, y = 3x + 1", shape.ratio()),
            // The text mistakes the ratio of the coefficients for that of the axes.
            Row::new("long axis : short axis, y = x + 1", of_moved.ratio()),
            Row::new("  the text expects a circle", of_moved.ratio())
                .printed("1")
                .slip("circle", other.w / other.b),
            Row::new("mean of x", mean),
            Row::new("deviation of x", deviation),
            Row::new(
                "long axis : short axis, x standardised",
                Shape::of(standardised.hessian()).ratio(),
            ),
        ],
        note: String::new(),
    }
}

/// `3x + 0.5`, without a term of 0.
pub fn name_of(line: Line) -> String {
    let Line { w, b } = line;
    if b > 0.0 { format!("{w}x + {b}") } else { format!("{w}x") }
}
