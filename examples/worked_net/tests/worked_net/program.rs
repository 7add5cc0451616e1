//! The program from end to end: options, output, files and failures.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests may panic"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use support::program::{Program, assert_fits, assert_whole_svg, text_of};

const PROGRAM: Program =
    Program { path: env!("CARGO_BIN_EXE_worked_net"), scratch: env!("CARGO_TARGET_TMPDIR") };

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

#[test]
fn prints_the_derivation_and_the_training() {
    let folder = PROGRAM.folder("default");
    let output = PROGRAM.run(&["--output", &folder]);
    assert!(output.status.success());
    assert_eq!(text_of(&output.stderr), "");
    let text = text_of(&output.stdout);
    assert!(!text.contains('\x1b'));
    assert_fits(&text, &folder);
    assert_fits(&text_of(&PROGRAM.run(&["--help"]).stdout), &folder);
    let lines = [
        "out_h2 = 1 / (1 + e^-in_h2)   0.6615031592   0.6592603884  differs: bias\n",
        "  0.0011232067    0.0011362635   differs: bias, target\n",
        "w5+ = w5 - 0.5 * dE/dw5     0.45908834249   0.45906664745  differs: bias, rounded\n",
        "  10000    2.206759e-6    361417d5",
    ];
    for line in lines {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn explains_every_difference() {
    let verdicts = |more: &[&str]| {
        let folder = PROGRAM.folder("verdicts");
        let output = PROGRAM.run(&[&["--output", &folder, "--steps", "1"], more].concat());
        let text = text_of(&output.stdout);
        let count = |end: &str| text.lines().filter(|line| line.ends_with(end)).count();
        // With a rate of one's own, every number is still explained.
        assert_eq!(count("  differs"), 0, "{text}");
        let endings = ["  agrees", "  agrees but for the last digit", "  agrees, cut off"];
        let words = ["bias", "bias, swapped", "bias, target", "swapped", "target"];
        (endings.map(count), words.map(|words| count(&format!("  differs: {words}"))))
    };
    assert_eq!(verdicts(&[]), ([6, 0, 0], [9, 2, 2, 0, 0]));
    assert_eq!(verdicts(&["--biases", "printed"]), ([12, 1, 2], [0, 0, 0, 2, 2]));
    for rate in ["0.1", "0.3", "2", "1e-9"] {
        verdicts(&["--learning-rate", rate]);
        verdicts(&["--learning-rate", rate, "--biases", "printed"]);
    }
}

#[test]
fn shows_the_sections_and_formulas_that_are_asked_for() {
    let folder = PROGRAM.folder("sections");
    let output = PROGRAM.run(&["--section", "update, 1", "--formulas", "--output", &folder]);
    let text = text_of(&output.stdout);
    let headings = text.lines().filter(|line| line.contains(". ") && line.ends_with(')'));
    assert_eq!(headings.filter(|line| line.starts_with(char::is_numeric)).count(), 2, "{text}");
    for line in ["1. Forward: the hidden units", "7. The update", "(5.1)\n", "(5.34)\n"] {
        assert!(text.contains(line), "{line}: {text}");
    }
}

#[test]
fn writes_the_loss_curve() {
    for (scalar, last) in [("f32", "2.206759e-6"), ("f64", "2.2067545195399035e-6")] {
        let folder = PROGRAM.folder(&format!("curve_{scalar}"));
        let output = PROGRAM.run(&["--output", &folder, "--scalar", scalar]);
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
            let [loss, last]: [f64; 2] = [loss, last].map(|digits| digits.parse().unwrap());
            assert!((loss - last).abs() <= 1e-12 * last, "{loss}");
        }
        assert!(text_of(&output.stdout).contains(&format!("{} points", rows.len())));
        let svg = fs::read_to_string(Path::new(&folder).join("loss.svg")).unwrap();
        assert_whole_svg(&svg);
        assert!((2_000..60_000).contains(&svg.len()), "{} bytes", svg.len());
        for text in ["number of updates", "loss E", "2.21×10⁻⁶", &format!("({scalar},")] {
            assert!(svg.contains(text), "{text}");
        }
    }
}

#[test]
fn takes_its_options() {
    let folder = PROGRAM.folder("options");
    let arguments =
        ["--output", &folder, "--biases", "printed", "--learning-rate", "0.1", "--steps", "7"];
    let output = PROGRAM.run(&arguments);
    assert!(output.status.success());
    let text = text_of(&output.stdout);
    assert!(text.contains("b2 = 0.55") && text.contains("learning rate 0.1"), "{text}");
    assert!(text.contains("w1+ = w1 - 0.1 * dE/dw1     0.0998882126"), "{text}");
    assert_eq!(rows(&folder).iter().map(|row| row.0).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn takes_numbers_of_your_own() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/own.toml");
    let folder = PROGRAM.folder("own");
    let run =
        |more: &[&str]| PROGRAM.run(&[&["--numbers", file, "--output", &folder], more].concat());
    let output = run(&[]);
    assert!(output.status.success());
    let text = text_of(&output.stdout);
    for line in [
        "  i1 = 0.05  w1 = 0.15  w3 = 0.25   from h1  w5 = 0.4    w7 = 0.5\n",
        "  in_h1 = w1*i1 + w2*i2 + b1    0.3375000000\n",
        "  w5+ = w5 - 0.8 * dE/dw5     0.3519825557\n",
        "8. Training: the same step again and again, in f32, learning rate 0.8\n",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!text.contains("in the text") && !text.contains("differs"), "{text}");
    assert!(text_of(&run(&["--learning-rate", "0.1"]).stdout).contains("w5 - 0.1 * dE/dw5"));
    assert_eq!(run(&["--biases", "printed"]).status.code(), Some(2));
    let missing = PROGRAM.run(&["--numbers", "missing.toml", "--output", &folder]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(text_of(&missing.stderr).starts_with("error: missing.toml: "), "{missing:?}");
}

#[test]
fn without_updates_writes_the_start() {
    let folder = PROGRAM.folder("none");
    assert!(PROGRAM.run(&["--output", &folder, "--steps", "0"]).status.success());
    assert_eq!(rows(&folder), [(0, "0.32261243".to_owned())]);
    assert_whole_svg(&fs::read_to_string(Path::new(&folder).join("loss.svg")).unwrap());
}

#[test]
fn writes_into_the_target_folder_by_default() {
    // A copy, so that the test leaves the target folder alone.
    let target = PROGRAM.folder("target");
    let target = Path::new(&target);
    let copy = target.join("release").join(Path::new(PROGRAM.path).file_name().unwrap());
    fs::create_dir_all(copy.parent().unwrap()).unwrap();
    fs::write(target.join("CACHEDIR.TAG"), "").unwrap();
    fs::copy(PROGRAM.path, &copy).unwrap();
    assert!(Command::new(copy).stdout(Stdio::null()).status().unwrap().success());
    let written = target.join("worked_net");
    assert!(written.join("loss.svg").is_file() && written.join("loss.csv").is_file());
}

#[test]
fn refuses_bad_options() {
    let cases: [(&[&str], &str); 10] = [
        (&["--section", "10"], "no section `10`; the sections are hidden-forward, "),
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
        let output = PROGRAM.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(text_of(&output.stdout), "");
        let stderr = text_of(&output.stderr);
        assert!(stderr.starts_with("error: ") && stderr.contains(message), "{stderr}");
        assert!(!stderr.contains("panicked"), "{stderr}");
    }
}

#[test]
fn names_a_folder_that_it_cannot_write() {
    let folder = PROGRAM.folder("blocked");
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
        let result = PROGRAM.run(&["--output", output]);
        assert_eq!(result.status.code(), Some(1));
        let stderr = text_of(&result.stderr);
        let [line] = stderr.lines().collect::<Vec<_>>()[..] else { panic!("{stderr}") };
        assert!(line.starts_with("error: cannot ") && line.contains(&path), "{line}");
    }
}

#[test]
fn stops_when_saturated_and_keeps_the_curve() {
    let folder = PROGRAM.folder("saturated");
    let output = PROGRAM.run(&["--output", &folder, "--learning-rate", "1e30"]);
    assert_eq!(output.status.code(), Some(1));
    let stderr = text_of(&output.stderr);
    assert!(stderr.starts_with("error: training is stuck: after update 1 "), "{stderr}");
    assert_eq!(rows(&folder).len(), 2);
    assert_whole_svg(&fs::read_to_string(Path::new(&folder).join("loss.svg")).unwrap());
}

#[test]
fn goes_on_when_its_reader_is_gone() {
    let folder = PROGRAM.folder("pipe");
    let mut child = Command::new(PROGRAM.path)
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
#[cfg(target_os = "linux")]
fn says_that_it_cannot_print() {
    // A device without room.
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let folder = PROGRAM.folder("full");
    let mut program = Command::new(PROGRAM.path);
    let output = program.args(["--output", &folder]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = text_of(&output.stderr);
    assert!(stderr.starts_with("error: cannot write to standard output: "), "{stderr}");
}

#[test]
fn explains_every_option() {
    let output = PROGRAM.run(&["--help"]);
    assert!(output.status.success());
    let help = text_of(&output.stdout);
    for option in [
        "--steps",
        "--learning-rate",
        "--numbers",
        "--biases",
        "--scalar",
        "--section",
        "--formulas",
        "--output",
    ] {
        assert!(help.contains(option), "{option}");
    }
}
