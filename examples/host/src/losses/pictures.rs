//! Pictures of the example, and tables with their data.

use crate::losses::compute::curves;
use crate::losses::compute::points::points;
use crate::losses::compute::surface::{Line, Shape, Surface, spread};
use crate::losses::text::{LINES, name_of};
use shared::output::Picture;
use shared::plot::{
    Axis, Chart, DrawError, Legend, Line as Curve, Look, Note, Panels, Scale, Surface as Bowl,
    contours, three_digits,
};
use shared::table::Csv;

/// The part of the plane over which the bowl is plotted.
const W: (f64, f64) = (1.0, 5.0);
const B: (f64, f64) = (-1.0, 3.0);
/// Heights of the contours above the minimum: equal steps of the square root, so that similar
/// ellipses have equal distances.
const RISES: [f64; 8] = [0.01, 0.04, 0.09, 0.16, 0.36, 0.64, 1.0, 1.44];

fn axis(label: &str, range: Option<(f64, f64)>) -> Axis {
    Axis { label: label.to_owned(), scale: Scale::Linear, range }
}

fn curve(label: Option<&str>, look: Look, colour: usize, points: Vec<(f64, f64)>) -> Curve {
    Curve { label: label.map(str::to_owned), look, colour, points }
}

/// The two curves of the binary cross-entropy.
pub fn cross_entropy() -> Result<Picture, DrawError> {
    let points = curves();
    let of_no = points.iter().map(|&(a, no, _)| (a, no)).collect();
    let of_yes = points.iter().map(|&(a, _, yes)| (a, yes)).collect();
    let chart = Chart {
        title: "Binary cross-entropy: sure and wrong costs most".to_owned(),
        x: axis("answer a, the probability of yes", None),
        y: axis("loss", None),
        lines: vec![curve(None, Look::Solid, 0, of_yes), curve(None, Look::Dashed, 1, of_no)],
        notes: vec![
            Note { at: (0.05, 3.0), text: "yes is right (y = 1): -ln a".to_owned() },
            Note { at: (0.95, 3.0), text: "no is right (y = 0): -ln(1 - a)".to_owned() },
        ],
        ..Chart::default()
    };
    let mut csv = Csv::new(&["a", "loss_if_no", "loss_if_yes"]);
    for (a, no, yes) in points {
        csv.row(&[a, no, yes]);
    }
    Ok(Picture { name: "cross_entropy", svg: chart.svg()?, csv: csv.finish() })
}

/// The two ends of a line over the points.
fn ends(line: Line) -> Vec<(f64, f64)> {
    [0.0, 1.0].map(|x| (x, line.at(x))).to_vec()
}

/// Each of the four lines with the points, side by side.
pub fn four_lines(surface: &Surface) -> Result<Picture, DrawError> {
    let chart = |(colour, line): (usize, Line)| Chart {
        title: format!("z = {}, loss {}", name_of(line), three_digits(surface.loss(line))),
        x: axis("x", Some((0.0, 1.0))),
        y: axis("y", Some((0.0, 5.0))),
        lines: vec![
            curve(None, Look::Dots, 4, points()),
            curve(None, Look::Solid, colour, ends(line)),
        ],
        ..Chart::default()
    };
    let panels = Panels {
        title: "Four lines through 50 points, and their losses".to_owned(),
        charts: (0..).zip(LINES).map(chart).collect(),
        columns: 2,
    };
    Ok(Picture { name: "four_lines", svg: panels.svg()?, csv: table_of_lines() })
}

/// The four lines and the points in one chart.
pub fn all_lines(surface: &Surface) -> Result<Picture, DrawError> {
    let mut lines = vec![curve(None, Look::Dots, 4, points())];
    for (colour, line) in (0..).zip(LINES) {
        let loss = three_digits(surface.loss(line));
        let label = format!("z = {}: loss {loss}", name_of(line));
        lines.push(curve(Some(&label), Look::Solid, colour, ends(line)));
    }
    let chart = Chart {
        title: "The same four lines together".to_owned(),
        x: axis("x", Some((0.0, 1.0))),
        y: axis("y", Some((0.0, 5.0))),
        lines,
        legend: Legend::LowerRight,
        ..Chart::default()
    };
    Ok(Picture { name: "all_lines", svg: chart.svg()?, csv: table_of_lines() })
}

fn table_of_lines() -> String {
    let mut csv = Csv::new(&["x", "y", "z1", "z2", "z3", "z4"]);
    for (x, y) in points() {
        let [z1, z2, z3, z4] = LINES.map(|line| line.at(x));
        csv.row(&[x, y, z1, z2, z3, z4]);
    }
    csv.finish()
}

/// The loss along `b` and along `w`: two sections of the bowl, each a parabola.
pub fn slices(surface: &Surface) -> Result<Picture, DrawError> {
    let steps = 40;
    let along_b: Vec<_> =
        spread((0.0, 2.0), steps).map(|b| (b, surface.loss(Line::new(3.0, b)))).collect();
    let along_w: Vec<_> =
        spread((2.0, 4.0), steps).map(|w| (w, surface.loss(Line::new(w, 1.0)))).collect();
    let mut csv = Csv::new(&["b", "loss_at_w_3", "w", "loss_at_b_1"]);
    for ((b, of_b), (w, of_w)) in along_b.iter().zip(&along_w) {
        csv.row(&[*b, *of_b, *w, *of_w]);
    }
    let four = LINES.map(|line| (line.b, surface.loss(line))).to_vec();
    let height = Some((0.0, 0.7));
    let panels = Panels {
        title: "The loss when one of two parameters moves".to_owned(),
        charts: vec![
            Chart {
                title: "w = 3; the dots are the four lines".to_owned(),
                x: axis("b", None),
                y: axis("loss", height),
                lines: vec![curve(None, Look::Solid, 0, along_b), curve(None, Look::Dots, 1, four)],
                ..Chart::default()
            },
            Chart {
                title: "b = 1".to_owned(),
                x: axis("w", None),
                y: axis("loss", height),
                lines: vec![curve(None, Look::Solid, 0, along_w)],
                ..Chart::default()
            },
        ],
        columns: 2,
    };
    Ok(Picture { name: "slices", svg: panels.svg()?, csv: csv.finish() })
}

/// The loss over both parameters as a surface in 3D.
pub fn bowl(surface: &Surface) -> Result<Picture, DrawError> {
    let steps = 24;
    let values = surface.grid(W, B, steps);
    let mut csv = Csv::new(&["w", "b", "loss"]);
    for (b, row) in spread(B, steps).zip(&values) {
        for (w, loss) in spread(W, steps).zip(row) {
            csv.row(&[w, b, *loss]);
        }
    }
    let bowl = Bowl {
        title: "The loss of z = w x + b: a narrow bowl".to_owned(),
        x: axis("w", Some(W)),
        y: axis("b", Some(B)),
        z: axis("loss", None),
        values,
        ..Bowl::default()
    };
    Ok(Picture { name: "bowl", svg: bowl.svg()?, csv: csv.finish() })
}

/// Contours in the simplest way: every grid point whose loss is about that of a level.
pub fn by_hand(surface: &Surface) -> Result<Picture, DrawError> {
    let mut csv = Csv::new(&["level", "w", "b"]);
    let (mut lines, mut notes) = (vec![], vec![]);
    for (colour, level) in (0..).zip([0.1, 0.3, 0.6, 1.0, 1.5]) {
        let places = surface.near(W, B, 100, level);
        for (w, b) in &places {
            csv.row(&[level, *w, *b]);
        }
        // The highest point near the middle is labelled with the level.
        let middle = places.iter().filter(|(w, _)| (w - 3.0).abs() < 0.1);
        if let Some(&at) = middle.max_by(|(_, one), (_, other)| one.total_cmp(other)) {
            notes.push(Note { at, text: level.to_string() });
        }
        lines.push(curve(None, Look::Dots, colour, places));
    }
    let chart = Chart {
        title: "Contours by hand: places within 2 % of a loss".to_owned(),
        x: axis("w", Some(W)),
        y: axis("b", Some(B)),
        lines,
        notes,
        ..Chart::default()
    };
    Ok(Picture { name: "contours_by_hand", svg: chart.svg()?, csv: csv.finish() })
}

/// The contours for raw `x` and for standardised `x`, with the axes of an ellipse.
pub fn contour_lines(surface: &Surface, steps: u32) -> Result<Picture, DrawError> {
    let (standardised, _, _) = surface.standardised();
    // A panel is 1.28 times as wide as high; so a circle is drawn as a circle.
    let around = |value: f64, reach| (value - reach, value + reach);
    let window = |line: Line| (around(line.w, 2.56), around(line.b, 2.0));
    let mut csv = Csv::new(&["standardised", "loss", "w", "b"]);
    let raw = panel(surface, window(surface.minimum()), steps, 0.0, &mut csv);
    let round = panel(&standardised, window(standardised.minimum()), steps, 1.0, &mut csv);
    let titled = |chart, title: String| Chart { title, ..chart };
    let ratio = |surface: &Surface| Shape::of(surface.hessian()).ratio();
    let panels = Panels {
        title: "Contours of the loss: a tilted ellipse becomes a circle".to_owned(),
        charts: vec![
            titled(raw, format!("x as it is: axes {:.2} : 1", ratio(surface))),
            titled(round, format!("x standardised: axes {:.2} : 1", ratio(&standardised))),
        ],
        columns: 2,
    };
    Ok(Picture { name: "contours", svg: panels.svg()?, csv: csv.finish() })
}

/// Contours of one surface; all their points go into the table.
fn panel(
    surface: &Surface,
    (w, b): ((f64, f64), (f64, f64)),
    steps: u32,
    standardised: f64,
    csv: &mut Csv,
) -> Chart {
    let minimum = surface.minimum();
    let lowest = surface.loss(minimum);
    let values = surface.grid(w, b, steps);
    let mut lines = vec![];
    for rise in RISES {
        for points in contours(w, b, &values, lowest + rise) {
            for (w, b) in &points {
                csv.row(&[standardised, lowest + rise, *w, *b]);
            }
            lines.push(curve(None, Look::Solid, 0, points));
        }
    }
    let [short, long] = Shape::of(surface.hessian()).axes(minimum, 0.36);
    lines.push(curve(None, Look::Dashed, 1, long.to_vec()));
    lines.push(curve(None, Look::Dashed, 2, short.to_vec()));
    lines.push(curve(None, Look::Crosses, 1, vec![(minimum.w, minimum.b)]));
    Chart { x: axis("w", Some(w)), y: axis("b", Some(b)), lines, ..Chart::default() }
}
