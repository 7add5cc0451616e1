//! The charts that examples draw, and the program `worked_net` from end to end.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::float_cmp,
    reason = "tests may panic"
)]

#[path = "../examples/common/mod.rs"]
mod common;
#[path = "support/files.rs"]
mod files;
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use common::plot::{
    Axis, Chart, Heat, Line, Look, Note, Palette, Panels, Scale, Surface, contours, three_digits,
};
use common::rows::{Row, Rows, Verdict};
use common::table::Csv;
use common::thinning::Thinning;
use files::{fault_of_csv, fault_of_svg};
use support::assert_close;

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
fn verdicts_are_computed() {
    let row = Row::new("x", 0.123_46);
    assert_eq!(row.verdict(), Verdict::NotPrinted);
    for digits in ["0.1235", "0.12346", "0.1", ".12"] {
        assert_eq!(row.clone().printed(digits).verdict(), Verdict::Agrees, "{digits}");
    }
    let wrong = row.printed("0.52");
    assert_eq!(wrong.verdict(), Verdict::Unexplained);
    let explained = wrong.slip("sign", -0.52).slip("rule", 0.519_9);
    assert_eq!(explained.verdict(), Verdict::Differs("rule"));
    assert_eq!(Row::new("x", 2.266e-9).printed("2.27e-9").verdict(), Verdict::Agrees);
    assert_eq!(Row::new("x", f64::NAN).printed("word").verdict(), Verdict::Unexplained);
}

#[test]
fn rows_stand_under_each_other() {
    let mut text = vec![];
    let mut rows = Rows::new(&mut text, "here");
    rows.heading("1. Numbers").unwrap();
    rows.line(&Row::new("z", -0.98).printed("-0.98")).unwrap();
    rows.line(&Row::new("a", 1.0 / 3.0)).unwrap();
    let text = String::from_utf8(text).unwrap();
    let points: Vec<_> = text.lines().skip(2).map(|line| line.find('.').unwrap()).collect();
    assert_eq!(points[0], points[1], "{text}");
    assert!(text.contains("agrees") && text.contains("0.3333333333"), "{text}");
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

// The program

/// The example, built for the profile of these tests.
fn example() -> &'static Path {
    static EXAMPLE: OnceLock<PathBuf> = OnceLock::new();
    EXAMPLE.get_or_init(|| {
        // This test is target/PROFILE/deps/NAME, the example target/PROFILE/examples/NAME.
        let test = std::env::current_exe().unwrap();
        let folder = test.parent().unwrap().parent().unwrap();
        let profile = folder.file_name().unwrap().to_str().unwrap();
        let profile = if profile == "debug" { "dev" } else { profile };
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into());
        let status = Command::new(cargo)
            .args(["build", "--quiet", "--locked", "--example", "worked_net"])
            .args(["--profile", profile, "--target-dir"])
            .arg(folder.parent().unwrap())
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .unwrap();
        assert!(status.success());
        folder.join("examples").join(format!("worked_net{}", std::env::consts::EXE_SUFFIX))
    })
}

fn run(arguments: &[&str]) -> Output {
    Command::new(example()).args(arguments).stdin(Stdio::null()).output().unwrap()
}

/// A folder that does not exist yet.
fn folder(name: &str) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("worked_net").join(name);
    drop(fs::remove_dir_all(&path));
    path.to_str().unwrap().to_owned()
}

fn rows(folder: &str) -> Vec<(u32, String)> {
    let csv = fs::read_to_string(Path::new(folder).join("loss.csv")).unwrap();
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some("step,loss"));
    let split = |line: &str| {
        let (step, loss) = line.split_once(',').unwrap();
        (step.parse().unwrap(), loss.to_owned())
    };
    lines.map(split).collect()
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn program_prints_the_derivation_and_the_training() {
    let folder = folder("default");
    let output = run(&["--output", &folder]);
    assert!(output.status.success());
    assert_eq!(text_of(&output.stderr), "");
    let text = text_of(&output.stdout);
    assert!(!text.contains('\x1b'));
    for line in text.lines() {
        // The last lines are paths.
        let fits = line.chars().count() <= 100 || line.contains("loss.");
        assert!(fits && line.trim_end() == line, "{line}");
    }
    let lines = [
        "out_h2 = 1 / (1 + e^-in_h2)              0.6615031592   0.6592603884  differs: bias\n",
        "dE/dw1 = delta_h1 * i1                   0.0011232067   0.0011362635  differs: bias, target\n",
        "w5+ = w5 - 0.5 * dE/dw5                  0.4590883425   0.45906664745 differs: bias\n",
        "     10000  2.206759e-6             361417d5",
    ];
    for line in lines {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn program_writes_the_loss_curve() {
    for (scalar, last) in [("f32", "2.206759e-6"), ("f64", "2.2067545195399035e-6")] {
        let folder = folder(&format!("curve_{scalar}"));
        let output = run(&["--output", &folder, "--scalar", scalar]);
        assert!(output.status.success());
        let rows = rows(&folder);
        for step in [0, 1, 2, 3, 10, 100, 1000] {
            assert!(rows.iter().any(|row| row.0 == step), "{step}");
        }
        assert!(rows.windows(2).all(|pair| pair[0].0 < pair[1].0));
        let (step, loss) = rows.last().unwrap();
        assert_eq!(*step, 10_000);
        if scalar == "f32" {
            assert_eq!(loss, last);
        } else {
            assert_close("loss", loss.parse().unwrap(), last.parse().unwrap(), 1e-12);
        }
        assert!(text_of(&output.stdout).contains(&format!("{} points", rows.len())));
        let svg = fs::read_to_string(Path::new(&folder).join("loss.svg")).unwrap();
        assert_well_formed(&svg);
        assert!((2_000..60_000).contains(&svg.len()), "{} bytes", svg.len());
        for text in ["number of updates", "loss E", "2.21×10⁻⁶", &format!("({scalar},")] {
            assert!(svg.contains(text), "{text}");
        }
    }
}

#[test]
fn program_takes_its_options() {
    let folder = folder("options");
    let arguments =
        ["--output", &folder, "--biases", "printed", "--learning-rate", "0.1", "--steps", "7"];
    let output = run(&arguments);
    assert!(output.status.success());
    let text = text_of(&output.stdout);
    assert!(text.contains("b2 = 0.55") && text.contains("learning rate 0.1"), "{text}");
    assert!(text.contains("w1+ = w1 - 0.1 * dE/dw1                  0.0998882126"), "{text}");
    assert_eq!(rows(&folder).iter().map(|row| row.0).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn program_without_updates_writes_the_start() {
    let folder = folder("none");
    assert!(run(&["--output", &folder, "--steps", "0"]).status.success());
    assert_eq!(rows(&folder), [(0, "0.32261243".to_owned())]);
    assert_well_formed(&fs::read_to_string(Path::new(&folder).join("loss.svg")).unwrap());
}

#[test]
fn program_writes_into_the_target_folder_by_default() {
    // A copy, so that the test leaves the target folder alone.
    let target = folder("target");
    let target = Path::new(&target);
    let copy = target.join("release/examples").join(example().file_name().unwrap());
    fs::create_dir_all(copy.parent().unwrap()).unwrap();
    fs::copy(example(), &copy).unwrap();
    assert!(Command::new(copy).stdout(Stdio::null()).status().unwrap().success());
    let written = target.join("worked_net");
    assert!(written.join("loss.svg").is_file() && written.join("loss.csv").is_file());
}

#[test]
fn program_refuses_bad_options() {
    let cases: [(&[&str], &str); 9] = [
        (&["--learning-rate", "0"], "must be finite and greater than 0"),
        (&["--learning-rate", "-0.5"], "must be finite and greater than 0"),
        (&["--learning-rate", "NaN"], "must be finite and greater than 0"),
        (&["--learning-rate", "fast"], "not a number"),
        (&["--learning-rate", "1e39"], "1e39 is inf as f32"),
        (&["--learning-rate", "1e-60"], "1e-60 is 0.0 as f32"),
        (&["--steps", "-1"], "--steps"),
        (&["--steps", "10000001"], "10000001 is not in 0..=10000000"),
        (&["--biases", "other"], "declared, printed"),
    ];
    for (arguments, message) in cases {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(text_of(&output.stdout), "");
        let stderr = text_of(&output.stderr);
        assert!(stderr.starts_with("error: ") && stderr.contains(message), "{stderr}");
        assert!(!stderr.contains("panicked"), "{stderr}");
    }
}

#[test]
fn program_names_a_folder_that_it_cannot_write() {
    let folder = folder("blocked");
    fs::create_dir_all(&folder).unwrap();
    let file = Path::new(&folder).join("file");
    fs::write(&file, "").unwrap();
    let below = file.join("below");
    // A folder in the place of a file that is to be written.
    fs::create_dir_all(Path::new(&folder).join("loss.svg")).unwrap();
    let cases = [
        (below.to_str().unwrap(), below.to_str().unwrap().to_owned()),
        (file.to_str().unwrap(), file.to_str().unwrap().to_owned()),
        (&folder, Path::new(&folder).join("loss.svg").to_str().unwrap().to_owned()),
    ];
    for (output, path) in cases {
        let result = run(&["--output", output]);
        assert_eq!(result.status.code(), Some(1));
        let stderr = text_of(&result.stderr);
        let [line] = stderr.lines().collect::<Vec<_>>()[..] else { panic!("{stderr}") };
        assert!(line.starts_with("error: cannot ") && line.contains(&path), "{line}");
    }
}

#[test]
fn program_stops_when_saturated_and_keeps_the_curve() {
    let folder = folder("saturated");
    let output = run(&["--output", &folder, "--learning-rate", "1e30"]);
    assert_eq!(output.status.code(), Some(1));
    let stderr = text_of(&output.stderr);
    assert!(stderr.starts_with("error: training is stuck: after update 1 "), "{stderr}");
    assert_eq!(rows(&folder).len(), 2);
    assert_well_formed(&fs::read_to_string(Path::new(&folder).join("loss.svg")).unwrap());
}

#[test]
fn program_goes_on_when_its_reader_is_gone() {
    let folder = folder("pipe");
    let mut child = Command::new(example())
        .args(["--output", &folder])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(text_of(&output.stderr), "");
    assert_eq!(rows(&folder).last().unwrap().0, 10_000);
}

#[test]
fn program_explains_every_option() {
    let output = run(&["--help"]);
    assert!(output.status.success());
    let help = text_of(&output.stdout);
    for option in ["--steps", "--learning-rate", "--biases", "--scalar", "--output"] {
        assert!(help.contains(option), "{option}");
    }
}
