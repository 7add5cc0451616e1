//! The model, as a program uses it.
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "tests may panic")]

use gesture::{Example, Features, Gesture, accuracy, example, load, predict, save, train};
use gradlet::Outcome;
use rand_pcg::Pcg32;
use rand_pcg::rand_core::{Rng, SeedableRng};

const GESTURES: [Gesture; 3] = [Gesture::Rest, Gesture::Shake, Gesture::Tilt];

/// Features of a window: gravity along one axis, and how much each moves.
fn features(gesture: Gesture, rng: &mut Pcg32) -> Features {
    let mut noise = || f64::from(rng.next_u32()) / f64::from(u32::MAX) - 0.5;
    let (tilt, shake) = match gesture {
        Gesture::Rest => (0.0, 0.04),
        Gesture::Shake => (0.1, 0.08),
        Gesture::Tilt => (0.4, 0.05),
    };
    let mean = [tilt, 0.0, 1.0 - tilt * tilt / 2.0].map(|at| at + 0.3 * noise());
    let deviation = [shake, shake / 2.0, shake].map(|by| by * (1.0 + noise()));
    let [x, y, z] = mean;
    let [dx, dy, dz] = deviation;
    #[allow(clippy::cast_possible_truncation, reason = "to the nearest")]
    [x, y, z, dx, dy, dz].map(|value| value as f32)
}

fn examples(count: usize, rng: &mut Pcg32) -> Vec<Example> {
    let kinds = GESTURES.into_iter().cycle().take(count);
    kinds.map(|gesture| example(features(gesture, rng), gesture).unwrap()).collect()
}

#[test]
fn a_model_is_trained_saved_loaded_and_used() {
    let mut rng = Pcg32::seed_from_u64(1);
    let mut training = examples(120, &mut rng);
    let held_out = examples(60, &mut rng);
    let (model, report) = train(&mut training, &held_out, &mut rng);
    assert_eq!(report.outcome, Outcome::Stopped, "{report:?}");
    assert!(report.epochs < 200, "{report:?}");
    assert!(accuracy(&model, &examples(300, &mut rng)).unwrap() > 0.85);

    let again = load(&save(&model).unwrap()).unwrap();
    assert_eq!(again, model);
    let shown = features(Gesture::Shake, &mut rng);
    assert_eq!(predict(&again, &shown), Some(Gesture::Shake));
}

#[test]
fn another_file_is_refused_in_words() {
    let error = load(&[0; 16]).unwrap_err();
    assert!(error.to_string().contains("header"), "{error}");
    assert_eq!(accuracy(&gesture::Model::default(), &[]), None);
}
