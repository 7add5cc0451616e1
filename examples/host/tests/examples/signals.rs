//! The example `signals`: its data, its network, what it learns, and its program.
#![cfg(feature = "devices")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::float_cmp,
    reason = "tests may panic"
)]

use std::collections::BTreeSet;

use devices::signals::{FIRMWARE, LABELLED, Learner, RATE, SHAPES, Signal, Signals};
use devices::training::Plan;
use examples::learning::summary;
use examples::signals::{Run, judge, pictures, train};
use gradlet::prelude::*;
use support::files::fault_of_csv;
use support::program::{Program, assert_fits, assert_whole_svg, text_of};

const PROGRAM: Program =
    Program { path: env!("CARGO_BIN_EXE_signals"), scratch: env!("CARGO_TARGET_TMPDIR") };

// Data

#[test]
fn data_of_the_repository_are_whole() {
    let [training, test] = Signals::all();
    assert_eq!((training.count(), test.count()), (4000, 1000));
    let counts = |signals: Signals<'_>| {
        let mut counts = [0; SHAPES];
        signals.iter().for_each(|(_, shape)| counts[usize::from(shape)] += 1);
        counts
    };
    // As the package makes them.
    assert_eq!(counts(training), [398, 396, 411, 394, 394, 402, 401, 404, 402, 398]);
    assert_eq!(counts(test), [102, 104, 89, 106, 106, 98, 99, 96, 98, 102]);
    let all: BTreeSet<_> = training.iter().chain(test.iter()).map(|(signal, _)| signal.0).collect();
    assert_eq!(all.len(), 5000, "no signal is there twice, or both trained on and tested with");
    let values = || training.iter().flat_map(|(signal, _)| signal.input()).map(|[x]| f64::from(x));
    let (sum, squares) = values().fold((0.0, 0.0), |(sum, squares), x| (sum + x, squares + x * x));
    assert!((sum / 160_000.0_f64).abs() < 0.01, "{sum}");
    assert!((squares / 160_000.0 - 1.0_f64).abs() < 0.01, "{squares}");
}

#[test]
fn signals_are_read_from_bytes() {
    let mut bytes = vec![0; 2 * LABELLED + 7];
    (bytes[0], bytes[39], bytes[40], bytes[LABELLED]) = (0x80, 16, 7, 127);
    let signals = Signals(&bytes);
    assert_eq!((signals.count(), signals.first(1).count(), signals.first(9).count()), (2, 1, 2));
    let (signal, shape) = signals.get(0).unwrap();
    assert_eq!((signal.0[0], signal.0[39], shape), (-128, 16, 7));
    assert_eq!((signal.input()[0], signal.input()[39]), ([-4.0], [0.5]));
    assert_eq!(signals.get(1).unwrap().0.input()[0], [3.96875]);
    assert_eq!((signals.get(2), signals.get(usize::MAX)), (None, None));
}

// Network and training

#[test]
fn network_has_the_size_that_the_pages_say() {
    assert_eq!(Learner::PARAMETERS, 5210);
    assert_eq!(Learner::BYTES, 27_320);
}

/// The last convolution is a dense layer on all its inputs.
#[test]
fn last_layer_is_dense() {
    let mut learner = Learner::ZERO;
    learner.start(1);
    let last = learner.net().rest().rest().rest();
    let mut values = vec![];
    last.visit(|_, tensor| values.extend_from_slice(tensor));
    assert_eq!(values.len(), 1260);
    let mut dense = <net![5 x 25 => FlattenChannelsLast => 10 Softmax]>::ZERO;
    let mut values = values.into_iter();
    dense.visit_mut(|_, tensor| tensor.iter_mut().zip(&mut values).for_each(|(to, x)| *to = x));
    let mut x = [[0.0; 25]; 5];
    let numbers = (0_u8..).map(|n| f32::from(n.wrapping_mul(37)) / 256.0);
    x.as_flattened_mut().iter_mut().zip(numbers).for_each(|(x, number)| *x = number);
    assert_eq!(last.forward(&x), [dense.forward(&x)]);
}

#[test]
fn each_epoch_visits_each_signal_in_an_order_of_its_own() {
    for signals in [1, 2, 12, 1000, 4000] {
        let plan = Plan { epochs: 3, samples: signals, seed: 5, rate: RATE };
        let steps: Vec<_> = plan.steps().collect();
        assert_eq!(steps.len(), 3 * signals as usize);
        let numbers = |epoch: &[(usize, f32)]| epoch.iter().map(|step| step.0).collect::<Vec<_>>();
        let epochs: Vec<_> = steps.chunks(signals as usize).map(numbers).collect();
        for epoch in &epochs {
            let mut sorted = epoch.clone();
            sorted.sort_unstable();
            assert!(sorted.iter().copied().eq(0..signals as usize), "{epoch:?}");
        }
        assert!(signals < 12 || (epochs[0] != epochs[1] && epochs[1] != epochs[2]));
    }
    let rates: Vec<_> = FIRMWARE.steps().map(|step| step.1).collect();
    assert_eq!(rates[0], 0.02);
    assert!(
        (rates[4000] - 0.01).abs() < 1e-6
            && rates[7999] < 1e-8
            && rates.is_sorted_by(|a, b| a >= b)
    );
    assert_eq!(Plan { epochs: 3, samples: 0, ..FIRMWARE }.steps().count(), 0);
    assert_eq!(Plan { epochs: 0, samples: 9, ..FIRMWARE }.steps().count(), 0);
}

#[test]
fn learner_bears_what_is_no_shape() {
    let mut learner = Learner::ZERO;
    learner.start(3);
    let before = learner.net().clone();
    assert_eq!(learner.learn(&Signal([1; 40]), 10, 0.02), None);
    assert_eq!(learner.net(), &before);
    let loss = learner.learn(&Signal([1; 40]), 9, 0.02).unwrap();
    assert!(loss > 0.5 && loss < 10.0, "{loss}");
    assert_ne!(learner.net(), &before);
}

/// The firmware's test compares its page with an emulated device.
#[test]
fn firmware_page_shows_the_hash_of_this_machine() {
    let mut epochs = 0;
    let run = train(&FIRMWARE, || epochs += 1);
    assert_eq!(epochs, 2);
    let [_, test] = Signals::all();
    let matrix = judge(&run.learner, test);
    assert_eq!((matrix.count(), &matrix), (1000, &run.matrix));
    // More than a multilayer perceptron of any training.
    assert!(run.accuracy() > 68.0 && run.training > 68.0, "{run:?}");
    let samples: Vec<_> = run.curve.iter().map(|mark| mark.0).collect();
    assert_eq!(samples, [0, 125, 250, 500, 1000, 2000, 4000, 8000]);
    assert!(run.curve[0].1 < 20.0);
    let right: u32 = (0..SHAPES).map(|shape| matrix.counts()[shape][shape]).sum();
    let page = include_str!("../../../firmware/README.md");
    let line = format!(
        "after 8000 steps: right of 1000 {right}\nhash of the parameters {:016x}\n",
        run.learner.hash()
    );
    assert!(page.contains(&line), "{line}");
}

#[test]
#[ignore = "takes minutes"]
fn ten_networks_have_the_accuracy_that_the_page_says() {
    let run = |seed| train(&Plan { epochs: 100, seed, ..FIRMWARE }, || ()).accuracy();
    let [mean, lowest, _] = summary(&(1..=10).map(run).collect::<Vec<_>>());
    assert!(mean >= 95.0 && lowest > 94.0, "{mean} {lowest}");
}

// Pictures and program

#[test]
fn pictures_are_whole() {
    let Run { learner, .. } = train(&Plan { epochs: 1, samples: 10, ..FIRMWARE }, || ());
    for picture in [pictures::signals(), pictures::filters(&learner)] {
        assert_whole_svg(&picture.svg);
        assert_eq!(fault_of_csv(&picture.csv), None, "{}", picture.name);
    }
    let filters = pictures::filters(&learner);
    assert_eq!(filters.csv.lines().count(), 1 + 125);
    assert_eq!(
        filters.svg.matches("fill=\"#145aaa\"").count()
            + filters.svg.matches("fill=\"#be281e\"").count(),
        125
    );
    assert_eq!(pictures::signals().csv.lines().count(), 1 + 10 * 3 * 40);
}

#[test]
fn program_tells_and_draws() {
    let text = PROGRAM.quick(&["accuracy", "confusion", "filters", "signals"]);
    assert!(text.contains("5210\nparameters") && text.contains("27320 in all"), "{text}");
    assert!(text.contains("Training: 2 epochs of 4000 signals"), "{text}");
    assert!(text.contains("\ntarget \\ output"), "{text}");
}

#[test]
fn program_tells_of_recurrent_networks() {
    let options = ["--recurrent", "--epochs", "1", "--signals", "100", "--seeds", "2"];
    let output = PROGRAM.run(&options);
    assert!(output.status.success(), "{output:?}");
    let text = text_of(&output.stdout);
    assert_fits(&text, "no path");
    assert!(text.contains("after 1 epochs of\n100 signals"), "{text}");
    for (name, parameters) in ROWS {
        let numbers = numbers_of(&text, name);
        assert_eq!((numbers.len(), numbers[0]), (4, parameters), "{text}");
        assert!(numbers[2] <= numbers[1] && numbers[1] <= numbers[3] && numbers[3] < 60.0);
    }
}

/// Rows of the table of recurrent networks.
const ROWS: [(&str, f64); 3] = [
    ("both directions, as published", 5134.0),
    ("one direction, maxima", 2194.0),
    ("both directions, maxima", 2154.0),
];

/// The numbers in the line that begins with a name.
fn numbers_of(text: &str, name: &str) -> Vec<f64> {
    let line = text.lines().find_map(|line| line.trim_start_matches("| ").strip_prefix(name));
    let words = line.unwrap().replace(',', "");
    words.split([' ', '|']).filter_map(|word| word.parse().ok()).collect()
}

#[test]
#[ignore = "takes minutes"]
fn recurrent_networks_have_the_accuracy_that_the_page_says() {
    let output = PROGRAM.run(&["--recurrent", "--epochs", "30", "--seeds", "5"]);
    let (text, page) = (text_of(&output.stdout), include_str!("../../../README.md"));
    for (name, _) in ROWS {
        let numbers = numbers_of(&text, name);
        assert_eq!(numbers, numbers_of(page, name), "{name}");
        assert!(numbers[1] >= 91.0, "{name}");
    }
}

#[test]
fn options_are_explained_and_checked() {
    let folder = PROGRAM.folder("options");
    PROGRAM.refuses(&[(["--signals", "4001"], "1..=4000"), (["--epochs", "0"], "1..=10000")]);
    let small = ["--epochs", "3", "--signals", "30", "--seeds", "1", "--seed", "1000000"];
    let output = PROGRAM.run(&[&small[..], &["--output", &folder]].concat());
    let text = text_of(&output.stdout);
    assert_fits(&text, &folder);
    assert!(text.contains("\n        90") && text.contains("\n   1000000"), "{text}");
}
