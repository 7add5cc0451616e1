//! The programs of the examples from end to end: options, output, files and failures.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests may panic"
)]

use std::fs;
use std::path::Path;

use support::program::{Program, assert_files, assert_fits, text_of};

const SCRATCH: &str = env!("CARGO_TARGET_TMPDIR");
/// A program of the examples.
macro_rules! program {
    ($name:literal) => {
        Program { path: env!(concat!("CARGO_BIN_EXE_", $name)), scratch: SCRATCH }
    };
}

const GROKKING: Program = program!("grokking");
const DIGITS: Program = program!("digits");

/// Every difference is explained, and as many numbers agree or differ as these endings say.
fn assert_verdicts(program: &Program, arguments: &[&str], endings: &[(&str, usize)]) {
    let folder = program.folder("verdicts");
    let output = program.run(&[arguments, &["--output", &folder]].concat());
    let text = text_of(&output.stdout);
    let count = |end: &str| text.lines().filter(|line| line.ends_with(end)).count();
    assert_eq!(count("  differs") + count(": differs"), 0, "{text}");
    for &(end, want) in endings {
        assert_eq!(count(&format!("  {end}")), want, "{end}: {text}");
    }
}

#[test]
fn tanh_neuron_explains_every_difference() {
    let program = program!("tanh_neuron");
    let endings = [("agrees", 24), ("differs: residual", 5), ("differs: inverse", 4)];
    assert_verdicts(&program, &["--updates", "1"], &endings);
}

#[test]
fn backprop_by_hand_explains_every_difference() {
    let reasons = ["path", "delta", "rounded", "e", "product", "order"];
    let mut endings = reasons.map(|word| (format!("differs: {word}"), 1)).to_vec();
    endings.extend([("agrees".to_owned(), 24), ("agrees, cut off".to_owned(), 2)]);
    let endings: Vec<_> = endings.iter().map(|(end, count)| (&**end, *count)).collect();
    assert_verdicts(&program!("backprop_by_hand"), &[], &endings);
}

#[test]
fn gradient_descent_explains_every_difference() {
    let program = program!("gradient_descent");
    // Seven of them on what the course says about learning rates.
    let endings = [("agrees", 11), ("differs: convex", 1)];
    assert_verdicts(&program, &[], &endings);
}

#[test]
fn ten_points_explains_every_difference() {
    let words =
        [("label", 8), ("label, fifth", 2), ("fifth", 2), ("slope", 10), ("sign", 8), ("size", 2)];
    let mut endings = words.map(|(word, count)| (format!("differs: {word}"), count)).to_vec();
    endings.push(("agrees".to_owned(), 30));
    let endings: Vec<_> = endings.iter().map(|(end, count)| (&**end, *count)).collect();
    assert_verdicts(&program!("ten_points"), &["--updates", "1"], &endings);
}

#[test]
fn lines_fit() {
    const RATE: &str = "0.0123456789012345";
    for (program, options) in [
        (program!("ten_points"), &["--learning-rate", RATE, "--updates", "10"][..]),
        (GROKKING, &["--alpha", RATE]),
        (DIGITS, &["--quick", "--learning-rate", RATE, "--seed", "9223372036854775807"]),
        (program!("backprop_by_hand"), &[]),
        (program!("gradient_descent"), &["--learning-rate", RATE]),
        (program!("losses"), &["--cells", "4"]),
        (program!("line_fit"), &["--passes", "10", "--standardised-rate", RATE]),
        (program!("tanh_neuron"), &["--learning-rate", RATE, "--updates", "200"]),
        (program!("moons"), &["--quick", "--learning-rate", RATE]),
    ] {
        let folder = program.folder("lines");
        for options in [options, &["--help"]] {
            let output = program.run(&[options, &["--formulas", "--output", &folder]].concat());
            assert_fits(&text_of(&output.stdout), &folder);
        }
    }
}

#[test]
fn sections_are_chosen_by_name_and_number() {
    let program = program!("gradient_descent");
    let folder = program.folder("sections");
    let output = program.run(&["--section", "schedule, 1", "--formulas", "--output", &folder]);
    let text = text_of(&output.stdout);
    let is_heading = |line: &&str| line.starts_with(|c: char| c.is_ascii_digit());
    let headings: Vec<_> = text.lines().filter(is_heading).map(|line| &line[..2]).collect();
    assert_eq!(headings, ["1.", "7."], "{text}");
    assert!(text.contains("0.9^n") && !text.contains("Where the text differs"), "{text}");
    for wrong in ["0", "8", "other"] {
        let output = program.run(&["--section", wrong]);
        assert_eq!(output.status.code(), Some(2), "{wrong}");
        assert!(text_of(&output.stderr).contains("first-step"), "{output:?}");
    }
}

#[test]
fn grokking_explains_every_difference() {
    let endings =
        [("agrees", 226), ("differs: rule", 8), ("differs: index", 9), ("differs: record", 1)];
    assert_verdicts(&GROKKING, &[], &endings);
}

#[test]
fn losses_explains_every_difference() {
    let endings = [("agrees", 13), ("differs: rounded", 1)];
    assert_verdicts(&program!("losses"), &["--cells", "4"], &endings);
}

#[test]
fn line_fit_agrees_with_the_course() {
    assert_verdicts(&program!("line_fit"), &["--passes", "1"], &[("agrees", 1)]);
}

#[test]
fn moons_takes_layers_and_an_activation() {
    let program = program!("moons");
    let folder = program.folder("layers");
    let arguments =
        ["--layers", "2,4,3,1", "--activation", "relu", "--iterations", "10", "--quick"];
    let output =
        program.run(&[&arguments[..], &["--section", "networks", "--output", &folder]].concat());
    let text = text_of(&output.stdout);
    assert!(output.status.success() && text.contains("  2,4,3,1          31 "), "{text}");
    assert_files(&folder, &["boundaries.csv", "boundaries.svg", "cost.csv", "cost.svg"]);
    for (wrong, message) in [
        (["--layers", "2,4,3,3"], "2,4,3,1 2,4,3,2 2,10,10,2 2,6,6,6,2"),
        (["--layers", "2,x"], "not whole numbers"),
        (["--hidden", "7"], "must be one of 1, 2, 3"),
        (["--activation", "step"], "tanh, sigmoid, relu"),
    ] {
        let output = program.run(&wrong);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
        assert!(text_of(&output.stderr).contains(message), "{output:?}");
    }
}

// grokking

#[test]
fn grokking_shows_the_section_that_is_asked_for() {
    let folder = GROKKING.folder("alpha");
    let output = GROKKING.run(&["--section", "alpha", "--alpha", "0.045", "--output", &folder]);
    assert!(output.status.success());
    assert_eq!(text_of(&output.stderr), "");
    let text = text_of(&output.stdout);
    assert!(text.contains("\n5. Divergence and alpha") && !text.contains("\n6. "), "{text}");
    assert!(text.contains("alpha = 0.045: "), "{text}");
    assert_files(&folder, &["bowl.csv", "bowl.svg", "errors.csv", "errors.svg"]);
    let errors = fs::read_to_string(Path::new(&folder).join("errors.svg")).unwrap();
    assert!(errors.contains("alpha = 0.045: yours"), "{errors}");
}

#[test]
fn grokking_refuses_bad_options() {
    for (arguments, message) in [
        (["--section", "other"], "error-based"),
        (["--alpha", "0"], "must be finite and greater than 0"),
    ] {
        let output = GROKKING.run(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text_of(&output.stderr).contains(message), "{output:?}");
    }
}

// digits

const OWN_FILES: [&str; 8] = [
    "--train-images",
    "/no/such/images",
    "--train-labels",
    "/no/such/labels",
    "--test-images",
    "/no/such/images",
    "--test-labels",
    "/no/such/labels",
];

#[test]
fn digits_writes_its_pictures() {
    let text = DIGITS.quick(&[
        "accuracy",
        "confusion",
        "weights_8x8",
        "weights_linear",
        "weights_softmax",
    ]);
    for heading in ["1. 64-10 ", "2. 784-10 ", "3. 64-10 ", "4. 784-10 ", "5. 784-32-10, "] {
        assert!(text.contains(&format!("\n{heading}")), "{text}");
    }
}

#[test]
fn digits_trains_the_section_that_is_asked_for() {
    let folder = DIGITS.folder("section");
    let output = DIGITS.run(&["--quick", "--section", "1", "--formulas", "--output", &folder]);
    let text = text_of(&output.stdout);
    assert!(text.contains("\n1. 64-10 ") && !text.contains("784-10"), "{text}");
    assert!(text.contains("\n    score_d = "), "{text}");
    assert_files(&folder, &["weights_8x8.csv", "weights_8x8.svg"]);
    let output = DIGITS.run(&["--section", "6"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text_of(&output.stderr).contains("softmax-8x8"), "{output:?}");
}

#[test]
fn digits_of_ones_own_need_no_others() {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/mnist500test-");
    let file = |kind: &str| format!("{data}{kind}-ubyte.gz");
    let (images, labels) = (file("images-idx3"), file("labels-idx1"));
    let own = OWN_FILES.map(|word| match word {
        "/no/such/images" => &images,
        "/no/such/labels" => &labels,
        option => option,
    });
    let folder = DIGITS.folder("own");
    let others = ["--quick", "--data", "/no/such/folder", "--output", &folder];
    let output = DIGITS.run(&[&own[..], &others].concat());
    assert!(output.status.success(), "{output:?}");
    let text = text_of(&output.stdout);
    assert!(text.contains("Sections 1 and 3 are left out") && !text.contains("64-10 "), "{text}");
    assert!(text.contains("\n4. 784-10 ") && !text.contains("weights_8x8"), "{text}");
}

#[test]
fn digits_names_what_is_missing() {
    let output = DIGITS.run(&OWN_FILES);
    assert_eq!(output.status.code(), Some(1));
    let stderr = text_of(&output.stderr);
    assert!(stderr.starts_with("error: cannot read `/no/such/images`: "), "{stderr}");
    let output = DIGITS.run(&OWN_FILES[..2]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text_of(&output.stderr).contains("--test-labels"), "{output:?}");
    let output = DIGITS.run(&["--data", "/no/such/folder"]);
    assert_eq!(output.status.code(), Some(1));
    let stderr = text_of(&output.stderr);
    assert!(stderr.contains("` is missing: ") && stderr.contains("--data"), "{stderr}");
}
