//! Sixty points on two moons, learned with 1 to 50 hidden units, against numbers from numpy.
//!
//! All 30,000 iterations run in a release build only; a debug build stops at 1,000.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "tests may panic"
)]

use gradlet::prelude::*;
use support::{Json, argmax, assert_all_close, assert_close, dense, flat, tolerance};

/// Marks beyond this many updates are left to release builds.
const LAST: usize = if cfg!(debug_assertions) { 1000 } else { 30_000 };

type Moons<const H: usize, T> = Mlp<2, H, 2, Tanh, Sigmoid, T>;

struct Mark {
    updates: usize,
    cost: f64,
    right: usize,
    outputs: Vec<[f64; 2]>,
}

/// Trains from the saved weights; measures before the update at each mark.
fn train_moons<const H: usize, T: Scalar>(run: Json<'_>) -> (Moons<H, T>, Vec<Mark>) {
    let file = Json::file("004_moons");
    let x: Vec<[T; 2]> = file.at("data").at("x").list().iter().map(|x| x.array()).collect();
    let classes: Vec<_> = file.at("data").at("class").list().iter().map(|c| c.count()).collect();
    let targets = [[T::ONE, T::ZERO], [T::ZERO, T::ONE]];
    let (w, b) = (run.at("w_init"), run.at("b_init"));
    let mut net = Moons::<H, T>::new(dense(w.nth(0), b.nth(0)), dense(w.nth(1), b.nth(1)));
    let mut trainer = BatchTrainer::<Moons<H, T>, BinaryCrossEntropy, Sgd<T>>::new();
    let sgd = Sgd { learning_rate: T::from_f64(file.at("lr").number()) };
    let marks: Vec<_> = run.at("trace").list().iter().map(|m| m.at("updates").count()).collect();
    assert_eq!((marks.len(), marks.last()), (15, Some(&file.at("iterations").count())));
    let mut measured = Vec::new();
    for updates in 0..=LAST {
        let marked = marks.contains(&updates);
        let (mut cost, mut right, mut outputs) = (T::ZERO, 0, Vec::new());
        for (x, &class) in x.iter().zip(&classes) {
            cost += trainer.accumulate(&net, x, &targets[class]);
            if marked {
                let output = trainer.output().map(Number::to_f64);
                right += usize::from(argmax(&output) == class);
                outputs.push(output);
            }
        }
        if marked {
            let cost = (cost / T::from_u32(60)).to_f64();
            measured.push(Mark { updates, cost, right, outputs });
        }
        if updates == LAST {
            break;
        }
        assert_eq!(trainer.apply(&mut net, &sgd), 60, "no loss was NaN or infinite");
    }
    (net, measured)
}

fn moons_in_f64<const H: usize>() {
    let file = Json::file("004_moons");
    let run = file.at("runs").list().into_iter().find(|r| r.at("sizes").nth(1).count() == H);
    let run = run.unwrap();
    let (net, marks) = train_moons::<H, f64>(run);
    for (mark, row) in marks.iter().zip(run.at("trace").list()) {
        let what = format!("{H} hidden, {} updates", mark.updates);
        assert_eq!(mark.updates, row.at("updates").count());
        assert_close(&what, mark.cost, row.at("cost").number(), tolerance::F64_LONG);
        assert_eq!(mark.right, row.at("correct_of_60").count(), "{what}");
    }
    let last = marks.last().unwrap();
    assert_eq!(last.updates, LAST);
    if last.updates < file.at("iterations").count() {
        return;
    }
    if H >= 10 {
        assert_eq!(last.right, 60);
    }
    let close = |what: &str, got: &[f64], want: Json<'_>| {
        assert_all_close(what, got, &want.numbers(), tolerance::MOONS_PARAMETERS_F64);
    };
    let (w, b) = (run.at("w_final"), run.at("b_final"));
    close("w1", net.first().rows().as_flattened(), w.nth(0));
    close("w2", net.rest().rows().as_flattened(), w.nth(1));
    close("b1", net.first().bias(), b.nth(0));
    close("b2", net.rest().bias(), b.nth(1));
    close("outputs", last.outputs.as_flattened(), run.at("outputs_final"));
    let grid = run.at("boundary_grid");
    let xs = grid.at("x").numbers();
    let ys = grid.at("y_top_to_bottom").numbers();
    for (&y, row) in ys.iter().zip(grid.at("class_rows").list()) {
        let classes: String = xs
            .iter()
            .map(|&x| if argmax(&net.forward(&[x, y])) == 1 { '1' } else { '0' })
            .collect();
        assert_eq!(classes, row.text(), "{H} hidden, the decisions at y = {y}");
    }
}

fn moons_in_f32<const H: usize>() {
    let runs = Json::file("004_moons").at("runs").list();
    let run = runs.into_iter().find(|r| r.at("sizes").nth(1).count() == H).unwrap();
    let (net, marks) = train_moons::<H, f32>(run);
    for (mark, row) in marks.iter().zip(run.at("trace_f32").list()) {
        let what = format!("{H} hidden, {} updates, f32", mark.updates);
        assert_close(&what, mark.cost, row.at("cost").number(), tolerance::MOONS_COST_F32);
        assert!(mark.right.abs_diff(row.at("correct").count()) <= 1, "{what}: {}", mark.right);
    }
    assert_eq!(marks.last().unwrap().updates, LAST);
    assert!(flat(&net).iter().all(|p| p.is_finite()));
}

macro_rules! moons {
    ($($hidden:literal $f64:ident $f32:ident)+) => {
        $(
            #[test]
            fn $f64() {
                moons_in_f64::<$hidden>();
            }
            #[test]
            fn $f32() {
                moons_in_f32::<$hidden>();
            }
        )+
    };
}
moons! {
    1 moons_with_1_hidden_unit_match_golden moons_with_1_hidden_unit_match_golden_in_f32
    2 moons_with_2_hidden_units_match_golden moons_with_2_hidden_units_match_golden_in_f32
    4 moons_with_4_hidden_units_match_golden moons_with_4_hidden_units_match_golden_in_f32
    10 moons_with_10_hidden_units_match_golden moons_with_10_hidden_units_match_golden_in_f32
    20 moons_with_20_hidden_units_match_golden moons_with_20_hidden_units_match_golden_in_f32
    50 moons_with_50_hidden_units_match_golden moons_with_50_hidden_units_match_golden_in_f32
}
