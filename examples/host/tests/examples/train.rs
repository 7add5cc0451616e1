//! The example `train`: what it reads and refuses, and whether what it writes predicts the same.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::float_cmp,
    reason = "tests may panic"
)]

use std::fs;
use std::path::Path;

use examples::train::compute::{Plan, Trained, fit, train};
use examples::train::export;
use examples::train::table::{Choice, Table, class, parse};
use gradlet::metrics::argmax;
use gradlet::prelude::*;
use gradlet::safetensors;
use support::program::{Program, text_of};

const TRAIN: Program =
    Program { path: env!("CARGO_BIN_EXE_train"), scratch: env!("CARGO_TARGET_TMPDIR") };
const IRIS: &str = include_str!("../../../data/iris.csv");

/// What `train` wrote for the iris flowers: Rust source that compiles.
mod written {
    include!("train_model.rs");
}

fn choice() -> Choice {
    Choice { separator: b',', ..Choice::default() }
}

/// The defaults of the program.
fn plan() -> Plan {
    Plan {
        hidden: 8,
        batch_size: 16,
        epochs: 500,
        patience: 50,
        learning_rate: 0.01,
        held_out: 0.2,
        seed: 1,
    }
}

fn iris() -> (Table, Trained) {
    let table = parse(IRIS.as_bytes(), &choice()).unwrap();
    let trained = train(&table, &plan(), |_| ()).unwrap();
    (table, trained)
}

// What it writes

#[test]
fn written_source_has_the_same_bits_and_predicts_the_same_from_raw_readings() {
    let (table, trained) = iris();
    assert_eq!(export::rust(&table, &trained.layers, "iris.csv"), include_str!("train_model.rs"));
    assert_eq!(written::OUTPUTS.to_vec(), table.labels);
    assert_eq!(written::INPUTS.to_vec(), table.inputs);
    let parts = table.split(plan().held_out, plan().seed).unwrap();
    assert_eq!(parts.each_ref().map(Vec::len), [120, 30]);
    for (rows, predictions) in parts.iter().zip(&trained.predictions) {
        for (row, prediction) in rows.iter().zip(predictions) {
            let inputs: &[f32; 4] = row.inputs[..].try_into().unwrap();
            let label = argmax(&written::NET.forward(inputs)).unwrap();
            assert_eq!(label, class(prediction.output), "line {}", row.line);
            assert_eq!(prediction.folded, prediction.output, "line {}", row.line);
        }
    }
}

#[test]
fn written_safetensors_are_those_of_the_library() {
    let file = export::safetensors(&iris().1.layers);
    let net = safetensors::from_bytes::<Mlp<4, 8, 3, Tanh, Softmax>>(&file, &["0", "2"]).unwrap();
    assert_eq!(net, written::NET);
    let mut buffer = [0; 2000];
    assert_eq!(safetensors::save(&net, &["0", "2"], &mut buffer), Ok(&file[..]));
}

#[test]
fn numbers_are_predicted_in_their_unit_from_raw_readings() {
    let inputs = ["1", "2", "3"].map(String::from).to_vec();
    let target = Some("petal_width_cm".to_owned());
    let choice = Choice { inputs, target, regression: true, ..choice() };
    let table = parse(IRIS.as_bytes(), &choice).unwrap();
    let Trained { predictions: [_, held_out], layers, .. } =
        train(&table, &plan(), |_| ()).unwrap();
    let mean = held_out.iter().map(|p| p.target).sum::<f32>() / 30.0;
    let squares = |of: &dyn Fn(usize) -> f32| (0..30).map(|i| of(i).powi(2)).sum::<f32>();
    let residual = squares(&|i| held_out[i].output - held_out[i].target);
    let variance = squares(&|i| held_out[i].target - mean);
    assert!(residual < 0.1 * variance, "{residual} {variance}");
    assert!(held_out.iter().all(|p| (p.output - p.folded).abs() < 1e-5), "{held_out:?}");
    let file = export::safetensors(&layers);
    let net = safetensors::from_bytes::<Mlp<3, 8, 1, Tanh, Identity>>(&file, &["0", "2"]).unwrap();
    let [_, rows] = table.split(0.2, 1).unwrap();
    let [y] = net.forward(rows[0].inputs[..].try_into().unwrap());
    assert_eq!(y, held_out[0].folded);
}

#[test]
fn parts_of_the_network_that_are_not_needed_change_no_bit() {
    let (table, trained) = iris();
    let exact = fit::<4, 8, 3, Softmax, CrossEntropy>(&table, &plan(), |_| ());
    assert_eq!(exact.as_ref(), Ok(&trained));
    assert_eq!(fit::<64, 64, 16, Softmax, CrossEntropy>(&table, &plan(), |_| ()), exact);
}

// What it learns

#[test]
fn iris_flowers_are_told_apart_and_the_best_network_is_kept() {
    let (_, trained) = iris();
    let [_, held_out] = &trained.predictions;
    assert!(held_out.iter().filter(|p| p.target == p.output).count() >= 28);
    let losses: Vec<_> = trained.curve.iter().map(|[_, held_out]| *held_out).collect();
    let least = losses.iter().copied().fold(f32::INFINITY, f32::min);
    assert_eq!(losses[trained.best - 1], least);
    assert_eq!(losses.len(), trained.best + 50);
}

#[test]
fn statistics_are_those_of_the_samples_to_train_on() {
    let (mut table, trained) = iris();
    let lines: Vec<_> = table.split(0.2, 1).unwrap()[1].iter().map(|row| row.line).collect();
    let row = table.rows.iter_mut().find(|row| row.line == lines[0]).unwrap();
    row.inputs[0] = 1e6;
    let again = train(&table, &Plan { epochs: 1, ..plan() }, |_| ()).unwrap();
    assert_eq!(again.curve[0][0], trained.curve[0][0]);
    assert_ne!(again.curve[0][1], trained.curve[0][1]);
}

// What it refuses

/// The error of reading and training, if any.
fn refused(text: &str, choice: &Choice, plan: &Plan) -> String {
    parse(text.as_bytes(), choice).and_then(|table| train(&table, plan, |_| ())).unwrap_err()
}

#[test]
fn bad_files_are_refused_by_line_and_column() {
    let line_5 = "4.6,3.1,1.5,0.2,setosa";
    let at = ":5: column 2 (`sepal_width_cm`): ";
    let hint = "is not a finite number; --inputs chooses columns";
    for (new, error) in [
        ("4.6,x,1.5,0.2,setosa", format!("{at}`x` {hint}")),
        ("4.6,NaN,1.5,0.2,setosa", format!("{at}`NaN` {hint}")),
        ("4.6,1e39,1.5,0.2,setosa", format!("{at}`1e39` {hint}")),
        ("4.6,,1.5,0.2,setosa", format!("{at}the cell is empty")),
        ("4.6,3.1,1.5,0.2,", ":5: column 5 (`species`): the cell is empty".to_owned()),
        ("4.6,1.5,0.2,setosa", ":5: not 5 cells, as in the first line, but 4".to_owned()),
        ("\n\r\n4.6", ":7: not 5 cells, as in the first line, but 1".to_owned()),
    ] {
        assert_eq!(refused(&IRIS.replacen(line_5, new, 1), &choice(), &plan()), error);
    }
}

#[test]
fn files_that_cannot_be_learned_are_refused() {
    let numbers = |to: u32| (1..=to).map(|n| format!("{n},{n}\n")).collect::<String>();
    let lines = |from: usize, to: usize| IRIS.split_inclusive('\n').skip(from).take(to).collect();
    for (text, error) in [
        (String::new(), ": there is nothing in the file"),
        (lines(0, 1), ": there is no sample below the names"),
        (lines(1, 150), ":1: `5.1` is a number, but the first line names the columns"),
        (lines(0, 40), ": all rows have the same label in column `species`"),
        (IRIS.replace(',', ";"), ":1: the only column is `sepal_length_cm;"),
        (format!("a,b\n{}", numbers(17)), ": 17 labels in column `b`, at most 16"),
        ("a,b\n3,x\n3,y\n3,x\n3,y\n3,x\n3,y\n".to_owned(), ": column `a` is constant"),
        (format!("{}b\n{}x\n{1}y\n", "a,".repeat(65), "1,".repeat(65)), ": 65 inputs, at most 64"),
    ] {
        let found = refused(&text, &choice(), &plan());
        assert!(found.starts_with(error), "{found}");
    }
    assert_eq!(parse(b"a,b\n1,x\n2,\xff\n", &choice()), Err(":3: column 2: not UTF-8".to_owned()));
}

#[test]
fn a_label_that_is_only_held_out_is_refused_by_its_line() {
    let text = IRIS.replacen("setosa", "rare", 1);
    let found = refused(&text, &choice(), &Plan { seed: 5, ..plan() });
    assert!(found.starts_with(":2: label `rare` is in no row to train on"), "{found}");
}

#[test]
fn columns_are_chosen_by_name_or_number() {
    let read = |inputs: &[&str], target: &str| {
        let inputs = inputs.iter().map(ToString::to_string).collect();
        let target = Some(target.to_owned());
        parse(IRIS.as_bytes(), &Choice { inputs, target, ..choice() })
    };
    let table = read(&["4", "sepal_length_cm"], "5").unwrap();
    assert_eq!(table.inputs, ["petal_width_cm", "sepal_length_cm"]);
    assert_eq!((&table.rows[0].inputs[..], table.rows[0].line), (&[0.2, 5.1][..], 2));
    for (inputs, target, error) in [
        (&["petal_width"][..], "5", ":1: no column `petal_width`; did you mean `petal_width_cm`? "),
        (&["1", "9"], "5", ":1: no column `9`; "),
        (&["1", "species"], "5", ":1: column `species` cannot be both input and target"),
        (&["1", "sepal_length_cm"], "5", ":1: column `sepal_length_cm` is named twice in --inputs"),
    ] {
        let found = read(inputs, target).unwrap_err();
        assert!(found.starts_with(error), "{found}");
    }
    let twice = IRIS.replacen("sepal_width", "sepal_length", 1);
    let found =
        parse(twice.as_bytes(), &Choice { inputs: vec!["sepal_length_cm".to_owned()], ..choice() });
    let error =
        ":1: more than one column is named `sepal_length_cm`; choose it by its number, from 1";
    assert_eq!(found, Err(error.to_owned()));
    let without = IRIS.split_once('\n').unwrap().1;
    let table = parse(without.as_bytes(), &Choice { no_header: true, ..choice() }).unwrap();
    assert_eq!(
        (table.rows.len(), &table.inputs[..]),
        (150, &["1", "2", "3", "4"].map(String::from)[..])
    );
}

#[test]
fn labels_that_are_numbers_are_in_their_order() {
    let table = parse(b"a,b\n1,10\n2,9\n3,-1\n", &choice()).unwrap();
    assert_eq!(table.labels, ["-1", "9", "10"]);
    let targets: Vec<_> = table.rows.iter().map(|row| row.target).collect();
    assert_eq!(targets, [2.0, 1.0, 0.0]);
}

// The program

#[test]
fn prints_and_writes() {
    let folder = TRAIN.folder("default");
    let output = TRAIN.run(&["--output", &folder]);
    assert!(output.status.success(), "{output:?}");
    let text = text_of(&output.stdout);
    for line in [
        "  network  4-8-3, tanh and softmax, 67 parameters\n",
        "      30 samples held out     accuracy ",
        "  versicolor           0 ",
        "Its predictions are the same for 150 of all 150 samples.\n",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    let pictures = ["confusion.csv", "confusion.svg", "loss.csv", "loss.svg"];
    assert_eq!(files, [&pictures[..], &["model.rs", "model.safetensors"]].concat());
    let model = fs::read_to_string(Path::new(&folder).join("model.rs")).unwrap();
    assert_eq!(model, include_str!("train_model.rs"));
}

#[test]
fn says_what_is_wrong() {
    for (arguments, code, message) in [
        (&["--data", "missing.csv"][..], 1, "error: missing.csv: "),
        (&["--held-out", "1"], 2, "must be less than 1"),
        (&["--held-out", "0.001"], 1, "of 150 rows, 150 are to train on and 0 held out"),
        (&["--hidden", "65"], 2, "65 is not in 1..=64"),
        (&["--separator", "ab"], 2, "must be one ASCII character, or `tab`"),
        (&["--learning-rate", "1e39"], 2, "1e39 is inf in f32"),
        (&["--learning-rate", "1e38"], 1, "training diverged in epoch 1: "),
        (&["--target", "specis"], 1, "did you mean `species`?"),
    ] {
        let output = TRAIN.run(arguments);
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        assert!(text_of(&output.stderr).contains(message), "{output:?}");
    }
}
