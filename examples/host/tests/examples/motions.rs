//! The example `motions`: its data, what watches learn, and its program.
#![cfg(feature = "devices")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests may panic"
)]

use std::collections::BTreeSet;

use devices::motions::{
    AT_FACTORY, Factory, Head, Learner, MOTIONS, ON_DEVICE, PEOPLE, Personal, RECORDINGS, WINDOWS,
    Window,
};
use devices::training::{Plan, hash};
use examples::learning::percent;
use examples::motions::{Run, WEARER, factory, for_firmware, run};
use gradlet::prelude::*;
use support::program::{Program, text_of};

const PROGRAM: Program =
    Program { path: env!("CARGO_BIN_EXE_motions"), scratch: env!("CARGO_TARGET_TMPDIR") };

/// The place of a window in the file, as a window is where its bytes are.
fn place(window: Window) -> usize {
    let all = (0..PEOPLE * RECORDINGS * WINDOWS).map(|index| {
        let (recording, number) = (index / WINDOWS, index % WINDOWS);
        Window::get(recording / RECORDINGS, recording % RECORDINGS, number).unwrap()
    });
    all.into_iter().position(|other| other == window).unwrap()
}

#[test]
fn windows_are_all_there_and_none_is_trained_on_and_tested_with() {
    assert_eq!(MOTIONS.len(), 10 * 14 * 7 * 32 * 6);
    assert_eq!(Window::get(9, 13, 7), None);
    assert_eq!(Window::get(0, 13, 0).unwrap().exercise, 6);
    for person in [0, 4, 9] {
        let of = 98 * person..98 * (person + 1);
        let others: BTreeSet<_> = (0..AT_FACTORY.samples as usize)
            .map(|number| place(Window::of_others(person, number).unwrap()))
            .collect();
        assert_eq!(others.len(), 882);
        assert!(others.iter().all(|place| !of.contains(place)));
        let shown: BTreeSet<_> = (0..ON_DEVICE.samples as usize)
            .map(|number| place(Window::shown(person, number).unwrap()))
            .collect();
        let tested: BTreeSet<_> = Window::tested(person).map(place).collect();
        assert_eq!((shown.len(), tested.len()), (28, 70));
        assert!(shown.is_disjoint(&tested));
        assert!(shown.union(&tested).copied().eq(of));
    }
}

/// At rest, the acceleration is that of gravity.
#[test]
fn inputs_are_in_their_units() {
    let lengths: Vec<f32> = (0..98)
        .flat_map(|number| Window::of_others(9, number).unwrap().input())
        .map(|[x, y, z, ..]| (x * x + y * y + z * z).sqrt())
        .collect();
    let mean = lengths.iter().sum::<f32>() / 3136.0;
    assert!((0.9..1.3).contains(&mean), "{mean}");
}

#[test]
fn networks_have_the_sizes_that_the_pages_say() {
    assert_eq!((Factory::PARAMS, Head::PARAMS), (2479, 175));
    let pointer = size_of::<usize>();
    assert_eq!(Learner::<Personal<'_>>::BYTES.next_multiple_of(8), 19_384 + pointer);
}

/// The firmware's test compares its page with an emulated device.
#[test]
fn firmware_has_the_network_of_this_machine() {
    let factory = factory(WEARER, &AT_FACTORY);
    let hint = "cargo run -p examples --features devices --bin motions -- --write-firmware \
                examples/firmware/data";
    let written = include_bytes!("../../../firmware/data/motions.safetensors");
    assert!(for_firmware(&factory).unwrap() == written, "{hint}");
    let Run { before, after, others, everything, .. } = run(WEARER, &factory);
    let right = |matrix: &gradlet::metrics::ConfusionMatrix<7>| -> u32 {
        (0..7).map(|exercise| matrix.counts()[exercise][exercise]).sum()
    };
    let mut device = Learner::of(&factory);
    let body = hash(device.net().first());
    for (number, rate) in ON_DEVICE.steps() {
        device.learn(Window::shown(WEARER, number).unwrap(), rate);
    }
    assert_eq!(hash(device.net().first()), body, "it is frozen");
    let page = include_str!("../../../firmware/README.md");
    let lines = format!(
        "from the factory: right of 70 {}\nafter learning: right of 70 {}\n\
         hash of the last layer {:016x}\n",
        right(&before),
        right(&after),
        hash(device.net().rest())
    );
    assert!(page.contains(&lines), "{lines}");
    assert!(percent(&after) > percent(&before) + 10.0 && everything[0] > 85.0 && others > 70.0);
}

#[test]
fn program_tells_and_draws() {
    let text = PROGRAM.quick(&["confusion", "people"]);
    assert!(text.contains("882 windows, 1 epochs") && text.contains("\n      mean"), "{text}");
}

#[test]
#[ignore = "takes half a minute"]
fn ten_watches_have_the_accuracy_that_the_page_says() {
    let folder = PROGRAM.folder("page");
    let text = text_of(&PROGRAM.run(&["--output", &folder]).stdout);
    let numbers = |line: &str| -> Vec<f64> {
        let words = line.split([' ', '|']).filter_map(|word| word.parse().ok());
        words.collect()
    };
    let lines = text.lines().skip_while(|line| !line.trim_start().starts_with("wearer"));
    let rows: Vec<_> = lines.skip(1).take(10).map(numbers).collect();
    let mean =
        text.lines().find(|line| line.trim_start().starts_with("mean")).map(numbers).unwrap();
    let lowest = |column: usize| rows.iter().map(|row| row[column]).fold(100.0, f64::min);
    let page = include_str!("../../../README.md");
    let written = |name: &str| {
        numbers(page.lines().find(|line| line.starts_with(&format!("| {name} |"))).unwrap())
    };
    assert_eq!(written("wearer, mean of ten"), [mean[1], mean[2], mean[4]]);
    assert_eq!(written("wearer, lowest of ten"), [lowest(2), lowest(3), lowest(5)]);
    assert_eq!(written("the nine others"), [mean[0], mean[3], mean[5]]);
}

#[test]
fn options_are_explained_and_checked() {
    PROGRAM.refuses(&[(["--people", "11"], "1..=10")]);
}

/// So that the page tells of all of the plan.
#[test]
fn plans_are_those_of_the_pages() {
    let Plan { epochs, samples, .. } = AT_FACTORY;
    assert_eq!((epochs, samples), (20, 882));
    assert_eq!((ON_DEVICE.epochs, ON_DEVICE.samples), (50, 28));
}
