//! Evaluation of the anomaly detector on simulated machines, and two baselines without a network.

use gradlet::Fixed;
use gradlet::metrics::ErrorStatistics;
use gradlet::preprocess::Standardize;
use gradlet::stream::{FullWindow, Window};

use devices::detector::{
    Answer, DetectorOf, Input, Limit, Phase, Reading as _, SMOOTHING, Settings, Spectra,
    Statistics, WINDOW,
};
use devices::vibration::{Fault, Vibration};

/// The methods that are compared: the detector; the largest z-score of a feature; the vibration
/// level, the root mean square along all axes.
pub const METHODS: [&str; 3] = ["autoencoder", "largest z-score", "vibration level"];
/// The first machine of the evaluation: network, features and threshold were chosen on machines 0
/// to 9.
pub const FIRST: u64 = 100;
/// Severities of the faults.
pub const SEVERITIES: [f32; 3] = [0.25, 0.5, 1.0];
/// The severity of the ROC curves.
pub const MIDDLE: usize = 1;
/// Number of windows after a repair that are ignored, until the running means have forgotten the
/// fault.
const REPAIRED: u32 = 60;

/// Number of windows for which a machine is watched.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub limit: Limit,
    /// Whether the features are those of the spectra.
    pub spectra: bool,
    /// Whether the detector computes in fixed point, if its features are not those of the spectra.
    pub fixed: bool,
    /// Without a fault.
    pub healthy: u32,
    /// With each fault at each severity.
    pub broken: u32,
}

impl Plan {
    pub const FULL: Self = Self {
        limit: Limit::Deviations(4.0),
        spectra: false,
        fixed: false,
        healthy: 2000,
        broken: 200,
    };
    pub const QUICK: Self = Self { healthy: 500, broken: 50, ..Self::FULL };

    pub fn settings(&self, seed: u64) -> Settings {
        let Self { limit, .. } = *self;
        Settings { scaling: 200, learning: 2000, weighing: 300, threshold: 1000, limit, seed }
    }
}

/// Scores of a window by each method, its error in standard deviations above the mean of healthy
/// windows; and whether the detector flags it.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    pub scores: [f64; 3],
    pub is_flagged: bool,
}

/// Scores of all windows of a machine.
#[derive(Clone, Debug)]
pub struct Machine {
    pub healthy: Vec<Seen>,
    /// By type of fault, then by severity.
    pub broken: Vec<Vec<Vec<Seen>>>,
}

/// A machine with its detector and the two baselines.
struct Watch<I: Input<FEATURES>, const FEATURES: usize> {
    vibration: Vibration,
    detector: DetectorOf<I, FEATURES>,
    input: I,
    /// What the detector sees.
    window: Window<3, WINDOW, WINDOW, I::Value>,
    /// What the vibration level is computed from.
    floats: Window<3, WINDOW>,
    /// Statistics of the features, from all windows before the threshold phase.
    usual: Standardize<FEATURES>,
    /// Running means of the baselines.
    smooth: [Option<f32>; 2],
    /// Statistics of the errors in the threshold phase.
    errors: [ErrorStatistics; 3],
}

impl<I: Input<FEATURES>, const FEATURES: usize> Watch<I, FEATURES> {
    fn new(number: u64, plan: &Plan) -> Self {
        Self {
            vibration: Vibration::new(number),
            detector: DetectorOf::new(plan.settings(number)),
            input: I::default(),
            window: Window::new(),
            floats: Window::new(),
            usual: Standardize::new(),
            smooth: [None; 2],
            errors: [const { ErrorStatistics::new() }; 3],
        }
    }

    /// The next window; `None` before the threshold phase.
    fn next(&mut self) -> Option<Seen> {
        loop {
            let sample = self.vibration.sample();
            let level = self.floats.push(sample).as_ref().map(level);
            let sample = sample.map(I::Value::from_f32);
            let verdict = self.detector.push(sample);
            if let (Some(verdict), Some(full), Some(level)) =
                (verdict, self.window.push(sample), level)
            {
                let x = self.input.features(&full);
                if matches!(verdict.phase, Phase::Scaling | Phase::Learning | Phase::Weighing) {
                    self.usual.observe(&x);
                    return None;
                }
                let errors = self.errors_of(&x, level, verdict.error?);
                if verdict.phase == Phase::Threshold {
                    for (statistics, error) in self.errors.iter_mut().zip(errors) {
                        statistics.observe(error);
                    }
                }
                let mut scores = [0.0; 3];
                for ((score, error), usual) in scores.iter_mut().zip(errors).zip(&self.errors) {
                    let (mean, deviation) = (usual.mean()?, usual.standard_deviation()?);
                    *score = f64::from((error - mean) / deviation);
                }
                return Some(Seen { scores, is_flagged: verdict.answer == Answer::Fault });
            }
        }
    }

    /// The detector's error, and the errors of the baselines.
    fn errors_of(&mut self, x: &[f32; FEATURES], level: f32, detector: f32) -> [f32; 3] {
        let largest = self.usual.transform(x).iter().fold(0.0_f32, |most, z| most.max(z.abs()));
        let [largest_mean, level_mean] = &mut self.smooth;
        let smoothed = |mean: &mut Option<f32>, error: f32| {
            let before = mean.unwrap_or(error);
            *mean.insert(before + SMOOTHING * (error - before))
        };
        [detector, smoothed(largest_mean, largest.ln()), smoothed(level_mean, level.ln())]
    }

    /// Watches a number of windows.
    fn windows(&mut self, count: u32) -> Vec<Seen> {
        (0..count).filter_map(|_| self.next()).collect()
    }

    /// Runs the training phases of the detector.
    fn learn(&mut self) -> Vec<Seen> {
        let mut seen = vec![];
        while self.detector.phase() != Phase::Watching {
            seen.extend(self.next());
        }
        seen
    }
}

/// Root mean square along all axes, without the mean.
fn level(window: &FullWindow<'_, 3, WINDOW>) -> f32 {
    let [a, b, c] = window.features().standard_deviation;
    (a * a + b * b + c * c).sqrt()
}

/// Runs a machine, with each fault at each severity and repairs in between.
pub fn watch(number: u64, plan: &Plan) -> Machine {
    if plan.spectra {
        watched(Watch::<Spectra, _>::new(number, plan), plan)
    } else if plan.fixed {
        watched(Watch::<Statistics<Fixed>, _>::new(number, plan), plan)
    } else {
        watched(Watch::<Statistics, _>::new(number, plan), plan)
    }
}

fn watched<I: Input<F>, const F: usize>(mut watch: Watch<I, F>, plan: &Plan) -> Machine {
    watch.learn();
    let healthy = watch.windows(plan.healthy);
    let mut with_fault = |fault, severity| {
        watch.vibration.set_fault(Some((fault, severity)));
        let seen = watch.windows(plan.broken);
        watch.vibration.set_fault(None);
        watch.windows(REPAIRED);
        seen
    };
    let broken = Fault::ALL
        .map(|fault| SEVERITIES.map(|severity| with_fault(fault, severity)).to_vec())
        .to_vec();
    Machine { healthy, broken }
}

/// The fraction of windows that satisfy `holds`.
fn share(seen: &[Seen], holds: impl Fn(&Seen) -> bool) -> f64 {
    mean(&seen.iter().map(|seen| if holds(seen) { 1.0 } else { 0.0 }).collect::<Vec<_>>())
}

impl Machine {
    /// False alarm rate of the detector: the fraction of healthy windows that are flagged.
    pub fn false_alarms(&self) -> f64 {
        share(&self.healthy, |seen| seen.is_flagged)
    }

    /// Detection rate of a method: the fraction of windows with a fault that are flagged. The
    /// threshold of a baseline gives it as many false alarms as the detector.
    pub fn flagged(&self, method: usize, kind: usize, degree: usize) -> f64 {
        let seen = self.broken.get(kind).and_then(|kind| kind.get(degree));
        let seen = seen.map_or(&[][..], Vec::as_slice);
        if method == 0 {
            return share(seen, |seen| seen.is_flagged);
        }
        let mut healthy: Vec<_> = self.healthy.iter().map(|seen| score(seen, method)).collect();
        healthy.sort_by(|a, b| b.total_cmp(a));
        let alarms = self.healthy.iter().filter(|seen| seen.is_flagged).count();
        let threshold = healthy.get(alarms).copied().unwrap_or(f64::NEG_INFINITY);
        share(seen, |seen| score(seen, method) > threshold)
    }
}

fn score(seen: &Seen, method: usize) -> f64 {
    seen.scores.get(method).copied().unwrap_or(f64::NAN)
}

/// ROC curve, for thresholds from high to low: the false alarm rate of all machines, and the
/// detection rate for faults of the middle severity.
pub fn roc(machines: &[Machine], method: usize) -> Vec<(f64, f64)> {
    let (mut scores, mut counts) = (vec![], [0.0, 0.0]);
    for machine in machines {
        let broken = machine.broken.iter().filter_map(|kind| kind.get(MIDDLE));
        let all = machine.healthy.iter().map(|seen| (seen, 0));
        for (seen, class) in all.chain(broken.flatten().map(|seen| (seen, 1))) {
            scores.push((score(seen, method), class));
        }
    }
    scores.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut curve = vec![(0.0, 0.0)];
    for (_, class) in scores {
        if let Some(count) = counts.get_mut(class) {
            *count += 1.0;
        }
        let [healthy, broken] = counts;
        curve.push((healthy, broken));
    }
    let [healthy, broken] = counts;
    curve.iter().map(|(x, y)| (x / healthy, y / broken)).collect()
}

/// Area under an ROC curve: the probability that a window with a fault has a higher error than
/// one without.
pub fn area(curve: &[(f64, f64)]) -> f64 {
    let pairs = curve.iter().zip(curve.iter().skip(1));
    pairs.map(|((x, y), (next_x, next_y))| (next_x - x) * (y + next_y) / 2.0).sum()
}

/// The mean, or 0 of none.
pub fn mean(values: &[f64]) -> f64 {
    let count = u32::try_from(values.len()).unwrap_or(u32::MAX).max(1);
    values.iter().sum::<f64>() / f64::from(count)
}

/// A period of time: the last windows of training, healthy ones, or ones with a fault.
#[derive(Clone, Debug)]
pub struct Story {
    pub fault: (Fault, f32),
    pub learning: Vec<Seen>,
    pub healthy: Vec<Seen>,
    pub broken: Vec<Seen>,
    /// The threshold, in standard deviations above the mean, as the scores.
    pub threshold: f64,
}

/// A small fault of the outer race of a machine.
pub fn story(number: u64, plan: &Plan) -> Story {
    if plan.spectra {
        told(Watch::<Spectra, _>::new(number, plan))
    } else if plan.fixed {
        told(Watch::<Statistics<Fixed>, _>::new(number, plan))
    } else {
        told(Watch::<Statistics, _>::new(number, plan))
    }
}

fn told<I: Input<F>, const F: usize>(mut watch: Watch<I, F>) -> Story {
    let fault = (Fault::OuterRace, 0.5);
    let learning = watch.learn();
    let recent = learning.len().saturating_sub(250);
    let healthy = watch.windows(375);
    watch.vibration.set_fault(Some(fault));
    let [usual, ..] = &watch.errors;
    let threshold = watch.detector.threshold().zip(usual.mean()).zip(usual.standard_deviation());
    let threshold =
        threshold.map(|((limit, mean), deviation)| f64::from((limit - mean) / deviation));
    Story {
        fault,
        learning: learning.into_iter().skip(recent).collect(),
        healthy,
        broken: watch.windows(375),
        threshold: threshold.unwrap_or(f64::NAN),
    }
}
