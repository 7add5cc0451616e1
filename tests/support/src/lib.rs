//! What the tests share: tolerances, golden numbers, random numbers, networks as flat lists.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "tests may panic"
)]

mod bare;
pub mod files;
mod flat;
mod golden;
pub mod line;
pub mod program;
mod random;
mod scale;
pub mod tolerance;

pub use bare::Bare;
pub use flat::{flat, flat_gradient, parameter, set_flat, set_parameter};
pub use golden::{Json, dense};
pub use random::{Random, Rng};
pub use scale::Scale;

/// Asserts `|got - want| <= relative * max(FLOOR, |want|)`, the comparison of the golden files.
#[track_caller]
pub fn assert_close(what: &str, got: f64, want: f64, relative: f64) {
    let allowed = relative * want.abs().max(tolerance::FLOOR);
    assert!(
        (got - want).abs() <= allowed,
        "{what}: got {got:e}, want {want:e}, off by {:e}, allowed {allowed:e}",
        (got - want).abs()
    );
}

/// [`assert_close`] for two lists of one length.
#[track_caller]
pub fn assert_all_close(what: &str, got: &[f64], want: &[f64], relative: f64) {
    assert_eq!(got.len(), want.len(), "{what}: number of numbers");
    for (i, (&got, &want)) in got.iter().zip(want).enumerate() {
        assert_close(&format!("{what} [{i}]"), got, want, relative);
    }
}

/// Asserts that two lists have the same bits.
#[track_caller]
pub fn assert_same_bits(what: &str, got: &[f64], want: &[f64]) {
    let bits = |list: &[f64]| list.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(got), bits(want), "{what}: {got:?} is not {want:?} bit for bit");
}

/// Distance of two `f64` in units in the last place; the two zeros are one.
pub fn ulps_f64(a: f64, b: f64) -> u64 {
    let order =
        |v: f64| if v < 0.0 { -(v.abs().to_bits() as i64) } else { v.abs().to_bits() as i64 };
    if a.is_nan() || b.is_nan() { u64::MAX } else { order(a).abs_diff(order(b)) }
}

/// Distance of two `f32` in units in the last place; the two zeros are one.
pub fn ulps_f32(a: f32, b: f32) -> u32 {
    let order =
        |v: f32| if v < 0.0 { -(v.abs().to_bits() as i32) } else { v.abs().to_bits() as i32 };
    if a.is_nan() || b.is_nan() { u32::MAX } else { order(a).abs_diff(order(b)) }
}

/// Index of the largest number.
pub fn argmax(values: &[f64]) -> usize {
    (0..values.len()).fold(0, |best, i| if values[i] > values[best] { i } else { best })
}

/// Asserts what an example printed: so many rows that agree with its text, and these reasons of those
/// that differ, each of which the last section explains.
#[track_caller]
pub fn assert_verdicts(told: &str, agree: usize, reasons: &[&str]) {
    let ending = |verdict: &str| {
        told.lines().filter(|l| l.starts_with("  ") && l.ends_with(verdict)).count()
    };
    assert_eq!(ending(" agrees"), agree);
    assert_eq!(ending(" differs"), 0, "not explained");
    let differing: Vec<_> = told.lines().filter_map(|line| line.split_once("differs: ")).collect();
    assert_eq!(differing.iter().map(|(_, word)| *word).collect::<Vec<_>>(), reasons);
    let (_, explained) = told.split_once("Where the text differs").unwrap();
    for (line, word) in differing {
        assert!(explained.contains(&format!("\n  {word} ")), "{line}");
    }
    assert!(!told.contains("NaN") && !told.contains("inf"), "{told}");
}
