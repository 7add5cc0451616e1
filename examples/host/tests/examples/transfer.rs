//! The example `transfer`: how well networks adapt, and its program.
#![cfg(feature = "devices")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests may panic"
)]

use devices::signals::RATE;
use devices::training::Plan;
use devices::transfer::{Biases, Blocks, Classifies, Recomputed, Shift};
use examples::transfer::{TRAINED, WAYS, accuracy, adapt, factory, train};
use gradlet::{BiasOnly, Recompute, prelude::*};
use support::program::{Program, assert_fits, text_of};

const PROGRAM: Program =
    Program { path: env!("CARGO_BIN_EXE_transfer"), scratch: env!("CARGO_TARGET_TMPDIR") };

#[test]
fn shifts_are_what_they_are_called() {
    let mut signal = [[0.0; 1]; 40];
    (signal[0], signal[39]) = ([1.0], [-1.0]);
    assert_eq!(Shift::None.apply(signal), signal);
    let [first, rest @ .., last] = Shift::Mirrored.apply(signal);
    assert_eq!((first, rest, last), ([-1.0], [[0.0]; 38], [1.0]));
    let [[first], [second], .., [last]] = Shift::Sensor.apply(signal);
    assert!((first - 1.2).abs() < 1e-6 && (second - 0.8).abs() < 1e-6 && (last - 0.4).abs() < 1e-6);
}

/// Each way where it should work, and where it cannot.
#[test]
fn networks_adapt_by_what_is_trained() {
    assert_eq!(TRAINED, [3406, 2890, 322, 250]);
    let net = factory(&Plan { epochs: 3, samples: 4000, seed: 1, rate: RATE });
    assert!(accuracy(&*net, Shift::None) > 85.0);
    let plan = Plan { epochs: 10, samples: 300, seed: 1, rate: RATE };
    let [all, upper, biases, head] = adapt(&net, Shift::Sensor, &plan);
    println!("{all} {upper} {biases} {head}");
    assert!(all > 80.0 && biases > all - 10.0 && head < 60.0 && upper < biases);
    let before = accuracy(&*net, Shift::Mirrored);
    let after = adapt(&net, Shift::Mirrored, &plan);
    println!("{before} {after:?}");
    assert!(after.iter().all(|&after| after > before + 15.0));
}

/// What both learn in 300 steps, in bits.
fn assert_same<A: Classifies, B: Classifies>(mut kept: A, mut recomputed: B) {
    fn parameters<N: Classifies>(net: &mut N) -> Vec<u32> {
        train(net, Shift::Sensor, &Plan { epochs: 1, samples: 300, seed: 3, rate: RATE });
        let mut bits = vec![];
        net.visit(|_, values| bits.extend(values.iter().map(|value| value.to_bits())));
        bits
    }
    assert_eq!(parameters(&mut kept), parameters(&mut recomputed));
}

/// So that the page has one accuracy for both.
#[test]
fn recomputed_networks_learn_the_same() {
    let net = factory(&Plan { epochs: 1, samples: 300, seed: 2, rate: RATE });
    let (first, second, head) = (net.first(), net.rest().first(), net.rest().rest());
    let recomputed: Recomputed<_, _> = Blocks::new(
        Recompute::new(first.clone()),
        Chain::new(Recompute::new(second.clone()), head.clone()),
    );
    assert_same(*net.clone(), recomputed);
    let biases: Biases<'_> =
        Blocks::new(BiasOnly::new(first), Chain::new(BiasOnly::new(second), head.clone()));
    let recomputed: Recomputed<_, _> = Blocks::new(
        Recompute::new(BiasOnly::new(first)),
        Chain::new(Recompute::new(BiasOnly::new(second)), head.clone()),
    );
    assert_same(biases, recomputed);
}

#[test]
#[ignore = "takes a minute"]
fn five_networks_have_the_accuracy_that_the_page_says() {
    let text = text_of(&PROGRAM.run(&[]).stdout);
    let page = include_str!("../../../firmware/README.md");
    // Before the range in brackets.
    let means = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap();
        let words: Vec<_> = line[name.len()..].split_whitespace().collect();
        let means = words.windows(2).filter(|pair| pair[1].starts_with('('));
        means.map(|pair| pair[0].to_owned()).collect::<Vec<_>>()
    };
    for way in WAYS {
        for name in [way.to_owned(), format!("{way}, recomputed")] {
            let row = page.lines().find(|line| line.starts_with(&format!("| {name} |"))).unwrap();
            let end = format!("| {} |", means(way).join(" | "));
            assert!(row.ends_with(&end), "{row} {end}");
        }
    }
    let [sensor, mirrored] = &means("nothing")[..] else { unreachable!() };
    let known = text.split("accuracy there ").nth(1).unwrap().split(' ').next().unwrap();
    let before = format!("{known} % of the signals as in the factory");
    let after = format!("{sensor} % with the other sensor and {mirrored} % mirrored");
    let page = page.replace('\n', " ");
    assert!(page.contains(&before) && page.contains(&after), "{before}, {after}");
}

// Program

#[test]
fn program_tells() {
    let output = PROGRAM.run(&["--quick"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(text_of(&output.stderr), "");
    let text = text_of(&output.stdout);
    assert_fits(&text, "no path");
    assert!(text.contains("mean of 2 networks") && text.contains("2 passes over 300"), "{text}");
    for (way, trained) in WAYS.iter().zip(TRAINED) {
        assert!(text.contains(&format!("\n{way:<24}{trained:>10}")), "{text}");
    }
}

#[test]
fn options_are_explained_and_checked() {
    PROGRAM.refuses(&[(["--shown", "4001"], "1..=4000")]);
}
