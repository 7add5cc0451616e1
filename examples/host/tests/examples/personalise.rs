//! The example `personalise`: what devices learn and forget, and the files of the firmware.
#![cfg(feature = "devices")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "tests may panic"
)]
#![allow(dead_code, reason = "only the program needs all of it")]

use examples::personalise as compute;
use std::sync::LazyLock;

use devices::personal::{Device, Image, SHOWN};
use examples::digits::idx;
use examples::personalise::{Labelled, Run, World, percent, pixels, rotated};
use gradlet::{Fixed, Q12};

static DIGITS: LazyLock<Vec<Labelled>> =
    LazyLock::new(|| compute::digits(&idx::own_data()).unwrap());

/// Held-out digits of ten splits: the rise on rotated ones, the fall on upright ones.
#[test]
fn devices_learn_rotated_digits_and_keep_upright_ones() {
    let runs: Vec<Run> =
        (1..=10).map(|seed| compute::run::<f32>(&World::new(&DIGITS, seed)).unwrap()).collect();
    let mean = |value: &dyn Fn(&Run) -> f64| runs.iter().map(value).sum::<f64>() / 10.0;
    for Run { before, after, forgetful, .. } in &runs {
        let [fall, rise] = [0, 1].map(|kind| percent(&after[kind]) - percent(&before[kind]));
        assert!(fall > -5.0 && rise > 30.0, "{fall} {rise}");
        // Without upright images it would forget them.
        assert!(percent(&forgetful[0]) < 60.0);
        assert_eq!(after[0].count(), 697);
    }
    let (fall, rise) = (
        mean(&|run| percent(&run.before[0]) - percent(&run.after[0])),
        mean(&|run| percent(&run.after[1]) - percent(&run.before[1])),
    );
    println!("falls by {fall:.2}, rises by {rise:.2}");
    assert!(fall < 3.5 && rise > 50.0, "{fall} {rise}");
}

/// The means over five splits, in fixed point and in `f32`, are within half a point.
#[test]
fn devices_in_fixed_point_learn_as_in_floats() {
    let worlds: Vec<_> = (1..=5).map(|seed| World::new(&DIGITS, seed)).collect();
    let means = |run: &dyn Fn(&World) -> Run| {
        let runs: Vec<_> = worlds.iter().map(run).collect();
        let mean = |kind: &dyn Fn(&Run) -> f64| runs.iter().map(kind).sum::<f64>() / 5.0;
        [mean(&|run| percent(&run.after[0])), mean(&|run| percent(&run.after[1]))]
    };
    let floats = means(&|world| compute::run::<f32>(world).unwrap());
    let fixed = means(&|world| compute::run::<Fixed>(world).unwrap());
    println!("upright and rotated: {floats:?} in floats, {fixed:?} in fixed point");
    for (floats, fixed) in floats.into_iter().zip(fixed) {
        assert!((floats - fixed).abs() < 0.5, "{floats} {fixed}");
    }
}

#[test]
fn no_digit_is_both_learned_and_tested_with() {
    let world = World::new(&DIGITS, 1);
    assert_eq!(world.shown.len(), SHOWN);
    assert_eq!(world.old.len() + SHOWN + 1000, DIGITS.len());
    let differ = |shown: &Labelled| world.new.iter().filter(|new| new.0 == shown.0).count();
    assert_eq!(world.shown.iter().map(differ).sum::<usize>(), 0);
    for ((old, a), (new, b)) in world.old.iter().zip(&world.new) {
        assert_eq!((rotated(old), a), (*new, b));
    }
}

#[test]
fn four_turns_are_none() {
    let (image, _) = DIGITS[0];
    let once = rotated(&image);
    assert_ne!(once, image);
    // The upper right corner comes to the upper left.
    assert_eq!(pixels(&once)[0], pixels(&image)[7]);
    assert_eq!(pixels(&once)[1], pixels(&image)[15]);
    assert_eq!(rotated(&rotated(&rotated(&once))), image);
    let nearest = image.input::<f32>().map(Q12::new);
    assert_eq!(image.input::<Fixed>(), nearest);
    assert_eq!(image.input::<f32>().map(|x| (x * 15.0) as u8), pixels(&image));
}

#[test]
fn files_of_the_firmware_are_those_of_the_first_world() {
    let (weights, digits) = compute::for_firmware(&World::new(&DIGITS, 1)).unwrap();
    let hint = "cargo run -p examples --features devices --bin personalise -- --write-firmware \
                examples/firmware/data";
    assert!(weights == include_bytes!("../../../firmware/data/factory.safetensors"), "{hint}");
    assert!(digits == include_bytes!("../../../firmware/data/digits.bin"), "{hint}");
}

#[test]
fn devices_bear_what_is_no_digit() {
    let world = World::new(&DIGITS, 1);
    let mut device = Device::<f32>::new(&world.factory);
    let before = device.net().rest().clone();
    device.learn(&Image([0; 32]), 10, &[]);
    assert_eq!(device.net().rest(), &before);
    device.learn(&Image([255; 32]), 1, &[1, 2, 3]);
    assert_ne!(device.net().rest(), &before);
}
