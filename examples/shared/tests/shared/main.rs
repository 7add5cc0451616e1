//! What the examples share: charts, lessons, tables.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::float_cmp,
    reason = "tests may panic"
)]

mod lesson;

use std::fs;
use std::path::Path;

use shared::plot::{
    Axis, Chart, Heat, Line, Look, Note, Palette, Panels, Scale, Surface, contours, matrix,
    three_digits,
};
use shared::table::Csv;
use shared::thinning::Thinning;
use support::assert_close;
use support::files::{fault_of_csv, fault_of_svg};

// What the examples share

#[test]
fn thinning_keeps_first_points_and_powers_of_ten() {
    let mut thinning = Thinning::default();
    let kept: Vec<_> = (0..=1_000_000).filter(|&number| thinning.keeps(number)).collect();
    assert!((0..80).all(|number| kept.contains(&number)));
    assert!((0..7).all(|exponent| kept.contains(&10_u32.pow(exponent))));
    assert!(kept.len() < 600, "{}", kept.len());
    assert!(kept.windows(2).all(|w| w[0] < 80 || f64::from(w[1]) <= 1.03 * f64::from(w[0])));
}

#[test]
fn three_digits_are_three() {
    let cases = [
        (1.0, "1.00"),
        (0.3068, "0.307"),
        (0.14029, "0.140"),
        (0.0053779, "0.00538"),
        (2.2067e-6, "2.21×10⁻⁶"),
        (12345.0, "1.23×10⁴"),
        (0.0, "0.00"),
    ];
    for (value, want) in cases {
        assert_eq!(three_digits(value), want);
    }
}

const LOOKS: [Look; 6] =
    [Look::Solid, Look::Dashed, Look::Dots, Look::Crosses, Look::Squares, Look::Area];

#[test]
fn charts_are_drawn_whatever_the_points() {
    let many = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 0.0, 1e-300, 3.0, 1e300];
    for scale in [Scale::Linear, Scale::Log] {
        for count in 0..=many.len() {
            for look in LOOKS {
                let axis = || Axis { label: "a < b & c".to_owned(), scale, range: None };
                let values = if scale == Scale::Linear { &many[3..] } else { &many[..] };
                let points: Vec<_> = values.iter().take(count).map(|&v| (v, v)).collect();
                let note = |&at: &(f64, f64)| Note { at, text: "\"<&>\"".to_owned() };
                let notes = points.iter().map(note).collect();
                let line = |points| Line { label: Some("<x>".to_owned()), look, colour: 9, points };
                let lines = vec![line(points), line(vec![])];
                let (title, x, y) = ("<&>".to_owned(), axis(), axis());
                let chart = Chart { title, x, y, lines, notes, ..Chart::default() };
                assert_well_formed(&chart.svg().unwrap());
            }
        }
    }
}

#[test]
fn linear_axes_have_round_ticks() {
    let points = vec![(-0.3, 100.0), (0.9, 700.0)];
    let lines = vec![Line { label: None, look: Look::Solid, colour: 0, points }];
    let chart = Chart { lines, ..Chart::default() };
    let svg = chart.svg().unwrap();
    for tick in ["-0.4", "-0.2", "0", "0.2", "0.4", "0.6", "0.8", "1", "100", "400", "700"] {
        assert!(svg.contains(&format!(">\n{tick}\n</text>")), "no tick {tick}");
    }
}

#[test]
fn axes_end_where_they_should() {
    let x = Axis::linear("x").from(0.25, 0.95);
    let line = Line { label: None, look: Look::Solid, colour: 0, points: vec![(-3.0, 1.0)] };
    let svg = Chart { x, lines: vec![line], ..Chart::default() }.svg().unwrap();
    for (tick, is_there) in [("0.2", false), ("0.3", true), ("0.9", true), ("1.0", false)] {
        assert_eq!(svg.contains(&format!(">\n{tick}\n</text>")), is_there, "{tick}");
    }
}

/// The values of a function at the nodes of a grid over the square from -1 to 1.
fn square(nodes: u32, f: impl Fn(f64, f64) -> f64) -> Vec<Vec<f64>> {
    let at = |number| f64::from(number) / f64::from(nodes - 1) * 2.0 - 1.0;
    (0..nodes).map(|row| (0..nodes).map(|column| f(at(column), at(row))).collect()).collect()
}

const SQUARE: (f64, f64) = (-1.0, 1.0);

#[test]
fn contours_of_a_plane_are_straight_lines() {
    let lines = contours(SQUARE, SQUARE, &square(9, |x, y| x + 2.0 * y), 0.5);
    let [line] = &lines[..] else { panic!("{lines:?}") };
    assert!(line.len() >= 9);
    for (x, y) in line {
        assert_close("height", x + 2.0 * y, 0.5, 1e-12);
    }
    let (first, last) = (line[0], line[line.len() - 1]);
    let ends = [first.0.min(last.0), first.0.max(last.0)];
    assert_close("left end", ends[0], -1.0, 1e-12);
    assert_close("right end", ends[1], 1.0, 1e-12);
}

#[test]
fn contours_of_a_bowl_are_closed() {
    let lines = contours(SQUARE, SQUARE, &square(41, |x, y| x * x + y * y), 0.49);
    let [line] = &lines[..] else { panic!("{} lines", lines.len()) };
    assert_eq!(line[0], line[line.len() - 1]);
    for (x, y) in line {
        assert_close("radius", x.hypot(*y), 0.7, 2e-3);
    }
}

#[test]
fn contours_of_a_saddle_do_not_cross() {
    assert_eq!(contours(SQUARE, SQUARE, &[vec![1.0, 0.0], vec![0.0, 1.0]], 0.5).len(), 2);
    assert_eq!(contours(SQUARE, SQUARE, &[vec![0.0, 1.0], vec![1.0, 0.0]], 0.5).len(), 2);
    for level in [-1.5, 2.0, f64::NAN] {
        assert!(contours(SQUARE, SQUARE, &square(3, |x, y| x * y), level).is_empty());
    }
    assert!(contours(SQUARE, SQUARE, &[], 0.0).is_empty());
}

/// Panels with colours and a contour, and a surface with a path. To look at them, set `PICTURES` to
/// a folder.
#[test]
fn pictures_of_all_kinds_are_drawn() {
    let bowl = |x: f64, y: f64| x * x + 0.3 * y * y;
    let contour = |level| {
        contours(SQUARE, SQUARE, &square(31, bowl), level).into_iter().map(move |points| Line {
            label: None,
            look: Look::Solid,
            colour: 0,
            points,
        })
    };
    let heat = |palette| Heat { x: SQUARE, y: SQUARE, values: square(30, bowl), palette };
    let chart = |palette| Chart {
        title: "x² + 0.3 y²".to_owned(),
        x: Axis::linear("x").from(-1.0, 1.0),
        y: Axis::linear("y").from(-1.0, 1.0),
        heat: Some(heat(palette)),
        lines: [0.1, 0.5].into_iter().flat_map(contour).collect(),
        ..Chart::default()
    };
    let charts = vec![chart(Palette::Blue), chart(Palette::Classes), Chart::default()];
    let panels = Panels { title: "Three panels".to_owned(), charts, columns: 2 };
    let surface = Surface {
        title: "A bowl".to_owned(),
        x: Axis::linear("x").from(-1.0, 1.0),
        y: Axis::linear("y").from(-1.0, 1.0),
        z: Axis::linear("x² + 0.3 y²"),
        values: square(21, bowl),
        path: [0.9, 0.5, 0.2].map(|x| (x, -x, bowl(x, -x))).to_vec(),
        ..Surface::default()
    };
    let svgs = [panels.svg(), surface.svg()].map(Result::unwrap);
    for (number, svg) in svgs.iter().enumerate() {
        assert_well_formed(svg);
        if let Some(folder) = std::env::var_os("PICTURES") {
            fs::write(Path::new(&folder).join(format!("{number}.svg")), svg).unwrap();
        }
    }
    for empty in [
        Panels { title: String::new(), charts: vec![], columns: 0 }.svg(),
        Surface::default().svg(),
    ] {
        assert_well_formed(&empty.unwrap());
    }
}

// Rows and tables

#[test]
fn confusion_matrices_have_room_for_names_of_any_length() {
    let names = ["a < b & c", "short", "a name that is much too long"].map(String::from);
    let counts = vec![vec![5, 1, 0], vec![0, 3, 2], vec![0, 0, 4]];
    let svg = matrix::picture("Labels", ["label", "predicted"], &names, &counts);
    assert_eq!(fault_of_svg(&svg), None, "{svg}");
    for (text, times) in [("a &lt; b &amp; c", 2), ("a name that is …", 2), ("too long", 0)] {
        assert_eq!(svg.matches(&format!("{text}</text>")).count(), times, "{text}");
    }
    let cells = svg.matches("height=\"44\"").count();
    assert_eq!((cells, svg.matches("fill=\"#be281e\"").count()), (9, 1));
}

#[test]
fn tables_can_be_read_back() {
    let mut csv = Csv::new(&["a", "b"]);
    csv.row(&[0.1, 1e300]);
    csv.row(&[f64::MIN_POSITIVE, -0.0]);
    let text = csv.finish();
    assert_eq!(fault_of_csv(&text), None);
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("a,b"));
    let read = |line: &str| line.split(',').map(|word| word.parse().unwrap()).collect::<Vec<f64>>();
    assert_eq!(lines.map(read).collect::<Vec<_>>(), [[0.1, 1e300], [f64::MIN_POSITIVE, -0.0]]);
}

#[track_caller]
fn assert_well_formed(svg: &str) {
    assert_eq!(fault_of_svg(svg), None, "{svg}");
}
