//! The detector of the example `anomaly`, on all its machines; and whether their vibration is what it
//! says.
#![cfg(feature = "devices")]
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss,
    reason = "tests may panic; for the firmware some of it is a library"
)]

use std::thread;

use devices::detector::{
    Answer, Detector, DetectorOf, Input, Limit, Phase, Reading as _, Settings, Spectra, Statistics,
    Verdict, WINDOW,
};
use devices::vibration::{Fault, INNER_RACE, OUTER_RACE, RESONANCE, SAMPLE_RATE, SPEED, Vibration};
use examples::anomaly::{FIRST, Machine, Plan, area, mean, roc, story, watch};
use gradlet::Fixed;

// Rates

fn machines(limit: Limit) -> Vec<Machine> {
    machines_by(Plan { limit, ..Plan::FULL })
}

fn machines_by(plan: Plan) -> Vec<Machine> {
    let of = |numbers: core::ops::Range<u64>| {
        thread::spawn(move || numbers.map(|number| watch(number, &plan)).collect::<Vec<_>>())
    };
    [of(FIRST..FIRST + 5), of(FIRST + 5..FIRST + 10)]
        .into_iter()
        .flat_map(|half| half.join().unwrap())
        .collect()
}

#[test]
fn detector_finds_faults_that_simple_rules_miss() {
    let machines = machines(Limit::Deviations(4.0));
    let false_alarms: Vec<_> = machines.iter().map(Machine::false_alarms).collect();
    assert!(mean(&false_alarms) < 0.004, "{false_alarms:?}");
    assert!(false_alarms.iter().all(|&share| share < 0.01), "{false_alarms:?}");
    // Flagged windows at severities 0.5 and 1: the detector's at least, the rules' at most.
    let bounds = [
        (Fault::OuterRace, [0.95, 0.98], [0.50, 0.98], [0.05, 0.20]),
        (Fault::InnerRace, [0.95, 0.98], [0.55, 0.985], [0.05, 0.20]),
        (Fault::Imbalance, [0.50, 0.91], [0.05, 0.05], [0.30, 0.60]),
        (Fault::Looseness, [0.25, 0.95], [0.05, 0.05], [0.05, 0.20]),
    ];
    for (kind, (fault, least, z_score, level)) in bounds.into_iter().enumerate() {
        assert_eq!(Fault::ALL[kind], fault);
        for degree in 1..3 {
            let flagged = |method| {
                mean(&machines.iter().map(|m| m.flagged(method, kind, degree)).collect::<Vec<_>>())
            };
            let [detector, by_z_score, by_level] = [0, 1, 2].map(flagged);
            let what = format!("{fault:?} {degree}: {detector} {by_z_score} {by_level}");
            assert!(detector >= least[degree - 1], "{what}");
            assert!(by_z_score <= z_score[degree - 1] && by_level <= level[degree - 1], "{what}");
            assert!(detector > by_z_score && detector > by_level, "{what}");
        }
    }
    let [detector, z_score, level] = [0, 1, 2].map(|method| area(&roc(&machines, method)));
    assert!(detector > 0.983, "{detector}");
    assert!(z_score < 0.88 && level < 0.65, "{z_score} {level}");
}

/// Integers for samples, their sums and the network: the same machines, the same faults.
#[test]
fn detector_in_fixed_point_is_as_good() {
    let machines = machines_by(Plan { fixed: true, ..Plan::FULL });
    let false_alarms: Vec<_> = machines.iter().map(Machine::false_alarms).collect();
    let area = area(&roc(&machines, 0));
    println!("false alarms {}, area {area}", mean(&false_alarms));
    assert!(mean(&false_alarms) < 0.004 && area > 0.983, "{false_alarms:?} {area}");
    for kind in 0..Fault::ALL.len() {
        let flagged: Vec<_> = machines.iter().map(|machine| machine.flagged(0, kind, 2)).collect();
        assert!(mean(&flagged) > 0.94, "{:?} {flagged:?}", Fault::ALL[kind]);
    }
}

#[test]
fn percentile_flags_more_and_is_wrong_more_often() {
    let [far, near] = [Limit::Deviations(4.0), Limit::Percentile].map(machines);
    let alarms = |machines: &[Machine]| {
        mean(&machines.iter().map(Machine::false_alarms).collect::<Vec<_>>())
    };
    let flagged = |machines: &[Machine]| {
        mean(&machines.iter().map(|m| m.flagged(0, 2, 1)).collect::<Vec<_>>())
    };
    assert!(alarms(&far) < alarms(&near) && alarms(&near) < 0.03, "{}", alarms(&near));
    assert!(flagged(&far) < flagged(&near), "{} {}", flagged(&far), flagged(&near));
}

/// Of the band in which a bearing rings they see more than statistics of all frequencies; of what falls
/// between the harmonics of the shaft, nothing.
#[test]
fn spectra_show_small_faults_of_bearings_but_no_looseness() {
    let [with, without] = [true, false].map(|spectra| {
        let machine = watch(FIRST + 3, &Plan { spectra, ..Plan::QUICK });
        assert!(machine.false_alarms() < 0.02, "{}", machine.false_alarms());
        // Outer and inner race at a severity of 0.25, looseness at 1.
        [(0, 0), (1, 0), (3, 2)].map(|(kind, degree)| machine.flagged(0, kind, degree))
    });
    assert!(with[0] > without[0] + 0.2 && with[1] > without[1] + 0.2, "{with:?} {without:?}");
    assert!(with[2] < 0.2 && without[2] > 0.8, "{with:?} {without:?}");
}

#[test]
fn story_ends_in_an_alarm() {
    let story = story(FIRST, &Plan::FULL);
    assert!((story.threshold - 4.0).abs() < 1e-3, "{}", story.threshold);
    let late = &story.broken[20..];
    assert!(late.iter().all(|seen| seen.is_flagged && seen.scores[0] > story.threshold));
    assert!(story.healthy.iter().all(|seen| !seen.is_flagged));
}

// The detector

const SHORT: Settings = Settings {
    scaling: 5,
    learning: 20,
    weighing: 5,
    threshold: 10,
    limit: Limit::Deviations(4.0),
    seed: 1,
};

fn window<I: Input<F>, const F: usize>(
    detector: &mut DetectorOf<I, F>,
    mut sample: impl FnMut() -> [f32; 3],
) -> Verdict {
    let samples = (0..WINDOW).map(|_| sample().map(I::Value::from_f32));
    let verdicts: Vec<_> = samples.filter_map(|sample| detector.push(sample)).collect();
    assert_eq!(verdicts.len(), 1);
    verdicts[0]
}

#[test]
fn phases_follow_one_another() {
    let (mut vibration, mut detector) = (Vibration::new(3), Detector::<f32>::new(SHORT));
    let phases = [
        (Phase::Scaling, 5),
        (Phase::Learning, 20),
        (Phase::Weighing, 5),
        (Phase::Threshold, 10),
        (Phase::Watching, 30),
    ];
    for (phase, windows) in phases {
        for _ in 0..windows {
            assert_eq!(detector.phase(), phase);
            assert_eq!(detector.threshold().is_some(), phase == Phase::Watching);
            let verdict = window(&mut detector, || vibration.sample());
            assert_eq!(verdict.phase, phase);
            let has_error = matches!(phase, Phase::Threshold | Phase::Watching);
            assert_eq!(verdict.error.is_some(), has_error);
            assert_eq!(verdict.answer == Answer::Learning, phase != Phase::Watching);
        }
    }
}

#[test]
fn broken_sensors_are_told_from_broken_machines() {
    let floats = [(f32::NAN, false), (f32::INFINITY, false), (1.0, true)];
    broken_sensors_are_told::<Statistics, _>(&floats);
    broken_sensors_are_told::<Spectra, _>(&floats);
    // Integers have no NaN.
    broken_sensors_are_told::<Statistics<Fixed>, _>(&[(1.0, true)]);
}

fn broken_sensors_are_told<I: Input<F, Net: core::fmt::Debug + PartialEq>, const F: usize>(
    broken: &[(f32, bool)],
) {
    let (mut vibration, mut detector) = (Vibration::new(3), DetectorOf::<I, F>::new(SHORT));
    let mut untouched = DetectorOf::<I, F>::new(SHORT);
    for round in 0..60 {
        let samples: Vec<_> = (0..WINDOW).map(|_| vibration.sample()).collect();
        let (bad, is_stuck) = broken[round % broken.len()];
        let mut number = 0;
        let verdict = window(&mut detector, || {
            number += 1;
            let [x, y, z] = samples[number - 1];
            if is_stuck || number == 100 { [x, bad, z] } else { [x, y, z] }
        });
        assert_eq!((verdict.answer, verdict.error), (Answer::NoSignal, None));
        // It leaves no trace.
        let [with, without] = [&mut detector, &mut untouched].map(|detector| {
            let mut samples = samples.iter();
            window(detector, || *samples.next().unwrap())
        });
        assert_eq!(with, without);
    }
    assert_eq!(detector.net(), untouched.net());
}

// The vibration

/// Power of a signal at a frequency that may change: `|mean of x e^(-2 pi i turns)|^2` over a second,
/// the mean of a minute. `frequency` takes the shaft's speed.
fn power(fault: Option<(Fault, f32)>, frequency: impl Fn(f32) -> f32, square: bool) -> f64 {
    let mut vibration = Vibration::new(1);
    vibration.set_fault(fault);
    let (mut turns, mut before, mut power) = (0.0_f64, 0.0, 0.0);
    for _ in 0..60 {
        let (mut re, mut im) = (0.0_f64, 0.0_f64);
        for _ in 0..1600 {
            let [_, y, _] = vibration.sample().map(f64::from);
            // Differences, squared, are the envelope of what is fast.
            let x = if square { (y - before) * (y - before) } else { y - 1.0 };
            before = y;
            turns += f64::from(frequency(vibration.speed()) / SAMPLE_RATE);
            let (sin, cos) = (core::f64::consts::TAU * turns).sin_cos();
            (re, im) = (re + x * cos / 1600.0, im + x * sin / 1600.0);
        }
        power += (re * re + im * im) / 60.0;
    }
    power
}

fn at_order(fault: Option<(Fault, f32)>, order: f32) -> f64 {
    power(fault, |speed| order * speed, false)
}

#[test]
fn healthy_machines_vibrate_at_multiples_of_their_speed() {
    for order in [1.0, 2.0, 3.0, 5.0] {
        let beside = at_order(None, order + 0.3).max(at_order(None, order - 0.3));
        assert!(at_order(None, order) > 30.0 * beside, "{order}");
    }
    for order in [0.5, 1.5, 2.5, 4.0] {
        assert!(at_order(None, order) < 0.05 * at_order(None, 3.0), "{order}");
    }
}

#[test]
fn balls_pass_as_often_as_tables_of_bearings_say() {
    // Those of the bearing 6205 in the bearing data of Case Western Reserve University.
    assert!((OUTER_RACE - 3.5848).abs() < 5e-4 && (INNER_RACE - 5.4152).abs() < 5e-4);
}

#[test]
fn bearing_faults_beat_at_the_rate_of_the_balls() {
    for (fault, rate) in [(Fault::OuterRace, OUTER_RACE), (Fault::InnerRace, INNER_RACE)] {
        let envelope = |fault, order| power(fault, |speed| order * speed, true);
        let broken = Some((fault, 2.0));
        let beats = envelope(broken, rate);
        for beside in [0.93, 1.07] {
            assert!(beats > 5.0 * envelope(broken, beside * rate), "{fault:?} {beside}");
        }
        assert!(beats > 20.0 * envelope(None, rate), "{fault:?}");
        // The inner race alone turns through the loaded side.
        let sides = envelope(broken, rate + 1.0) + envelope(broken, rate - 1.0);
        assert_eq!(sides > 0.2 * beats, fault == Fault::InnerRace, "{fault:?} {}", sides / beats);
        // What rings is the resonance.
        let ring = |hz: f32| power(broken, move |_| hz, false) / power(None, move |_| hz, false);
        assert!(ring(RESONANCE) > 3.0 * ring(300.0) && ring(RESONANCE) > 3.0, "{fault:?}");
    }
}

#[test]
fn imbalance_and_looseness_show_where_they_should() {
    let imbalance = Some((Fault::Imbalance, 1.0));
    assert!(at_order(imbalance, 1.0) > 2.0 * at_order(None, 1.0));
    assert!((at_order(imbalance, 2.0) / at_order(None, 2.0) - 1.0).abs() < 0.1);
    let looseness = Some((Fault::Looseness, 1.0));
    for order in [0.5, 1.5, 2.5] {
        assert!(at_order(looseness, order) > 30.0 * at_order(None, order), "{order}");
    }
}

#[test]
fn vibration_grows_with_speed() {
    let mut vibration = Vibration::new(2);
    // Sum of squares and number of samples: slow, fast.
    let mut sums = [(0.0_f64, 0.0_f64); 2];
    let mut means = [0.0_f64; 3];
    for _ in 0..400_000 {
        let sample = vibration.sample().map(f64::from);
        assert!(sample.iter().all(|x| x.abs() < 4.0));
        let speed = vibration.speed();
        assert!((SPEED[0]..=SPEED[1]).contains(&speed));
        for (mean, x) in means.iter_mut().zip(sample) {
            *mean += x / 400_000.0;
        }
        if !(22.0..40.0).contains(&speed) {
            let (sum, count) = &mut sums[usize::from(speed >= 40.0)];
            *sum += (sample[1] - 1.0).powi(2);
            *count += 1.0;
        }
    }
    let [slow, fast] = sums.map(|(sum, count)| (sum / count).sqrt());
    assert!(sums.iter().all(|sum| sum.1 > 10_000.0) && fast > 3.0 * slow, "{slow} {fast}");
    assert!(
        means.iter().zip([0.0, 1.0, 0.0]).all(|(mean, g)| (mean - g).abs() < 2e-3),
        "{means:?}"
    );
}

#[test]
fn machines_differ_and_repeat_themselves() {
    let first = |number| {
        let mut vibration = Vibration::new(number);
        [(); 1000].map(|()| vibration.sample())
    };
    assert_eq!(first(1), first(1));
    assert_ne!(first(1), first(2));
    // A fault of no severity is none.
    let mut vibration = Vibration::new(1);
    vibration.set_fault(Some((Fault::Looseness, 0.0)));
    assert_eq!([(); 1000].map(|()| vibration.sample()), first(1));
}
