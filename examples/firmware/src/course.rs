//! The scenario of the program `anomaly`: a detector learns the vibration of a machine and watches
//! it; then the machine gets faults and is repaired.
//!
//! The host tests compile this file too, and compare its reports.

use core::fmt;

use gradlet::{Format, Layer};

use crate::detector::{Answer, Detector, Input, Limit, Phase, Reading as _, Settings, Statistics};
use crate::small::{Bits, Hash};
use crate::vibration::{Fault, Vibration};

/// Short, as an emulated core without an FPU would otherwise take minutes: 700 windows, 112 s.
const SETTINGS: Settings = Settings {
    scaling: 60,
    learning: 400,
    weighing: 80,
    threshold: 160,
    limit: Limit::Deviations(4.0),
    seed: 1,
};
/// Windows for each fault, and as many after its repair.
const WINDOWS: u32 = 40;

/// What the detector takes in a number format.
type Value<F> = <Statistics<F> as Input<15>>::Value;

/// Report on a number of windows.
#[derive(Clone, Copy, Debug)]
pub struct Stretch {
    /// The phase of the detector, or what was done to the machine.
    pub name: &'static str,
    /// Number of windows.
    pub windows: u32,
    /// Number of flagged windows.
    pub flagged: u32,
    /// The last error; 0 before there is one.
    pub error: f32,
    /// Hash of all errors so far and of all parameters of the network.
    pub hash: Hash,
}

impl fmt::Display for Stretch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, windows, flagged, error, hash } = self;
        write!(f, "{:016x} {windows} windows, {flagged} flagged, error {error:?}: {name}", hash.0)
    }
}

/// Runs the whole scenario in a number format, `f32` or `Fixed`; returns the detector's threshold.
pub fn run<F>(mut report: impl FnMut(Stretch)) -> f32
where
    Statistics<F>: Input<15, Net: Layer<Format: Format<Weight: Bits>>>,
{
    let mut vibration = Vibration::new(1);
    let mut detector = Detector::<F>::new(SETTINGS);
    let mut errors = Hash::EMPTY;
    let mut stretch = |name, windows, fault, detector: &mut Detector<F>| {
        vibration.set_fault(fault);
        let (mut flagged, mut last) = (0, 0.0);
        for _ in 0..windows {
            let verdict = loop {
                if let Some(verdict) = detector.push(vibration.sample().map(Value::<F>::from_f32)) {
                    break verdict;
                }
            };
            last = verdict.error.unwrap_or(0.0);
            errors.add_all(&[last]);
            flagged += u32::from(verdict.answer == Answer::Fault);
        }
        let mut hash = errors;
        detector.net().visit(|_, values| hash.add_all(values));
        report(Stretch { name, windows, flagged, error: last, hash });
    };
    let Settings { scaling, learning, weighing, threshold, .. } = SETTINGS;
    for (name, windows) in [
        ("scaling", scaling),
        ("learning", learning),
        ("weighing", weighing),
        ("finding the threshold", threshold),
        ("watching", WINDOWS),
    ] {
        stretch(name, windows, None, &mut detector);
    }
    for fault in Fault::ALL {
        stretch(fault.name(), WINDOWS, Some((fault, 1.0)), &mut detector);
        stretch("repaired", WINDOWS, None, &mut detector);
    }
    debug_assert_eq!(detector.phase(), Phase::Watching);
    detector.threshold().unwrap_or(f32::NAN)
}
