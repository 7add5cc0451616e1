//! A detector of faults that learns, on the device, how a machine vibrates when it is well.
//!
//! The host example `anomaly` compiles this file too, so it uses nothing but the library, a generator of
//! random numbers, libm and `core`.
//!
//! Each window of samples becomes 15 numbers ([`features`]), and a network learns to pass those of the
//! healthy machine through four: an autoencoder. What it cannot reproduce, it has not seen. The error
//! is measured in units of the usual one, feature by feature; above a threshold that follows from the
//! errors of more windows of the healthy machine, there is a fault. So whoever installs the sensor
//! needs no example of a fault and sets no limit.

use gradlet::init;
use gradlet::metrics::{ErrorStatistics, Quantile};
use gradlet::prelude::*;
use gradlet::preprocess::{Scaling, Standardize};
use gradlet::stream::{Features, FullWindow, ReplayBuffer, Window};
use rand_pcg::Pcg32;
use rand_pcg::rand_core::SeedableRng;

/// Acceleration along three axes, in g or any other unit.
pub type Sample = [f32; 3];
/// Samples in a window: 0.16 s of 1,600 in a second.
pub const WINDOW: usize = 256;
/// Numbers that stand for a window.
pub const FEATURES: usize = 15;
/// The autoencoder. In the middle is room for what makes healthy windows differ: speed, load and a little
/// more.
pub type Net = net![15 => 8 Tanh => 4 Identity => 8 Tanh => 15 Identity];

/// Of the autoencoder.
pub const PARAMETERS: usize = Net::PARAMS;

/// Windows to learn again.
const REPLAY: usize = 48;
/// Steps of training for each window: one with the window, the others with older ones.
const STEPS: u32 = 8;
/// At first; it falls linearly to a twentieth.
const LEARNING_RATE: f32 = 0.005;
/// The share of a new window in the error, which is a running mean: about eight windows count.
pub const SMOOTHING: f32 = 0.125;

/// Window, network, trainer, examples and statistics together, in bytes.
pub const BYTES: usize = size_of::<Detector>();
const _: () = assert!(BYTES < 16 * 1024, "a detector shall fit into 16 KB");

/// What the detector is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Finds out how large the features are.
    Scaling,
    /// Trains the network.
    Learning,
    /// Finds out how well the network reproduces each feature.
    Weighing,
    /// Finds out which errors are usual.
    Threshold,
    /// Looks for faults.
    Watching,
}

/// From which error on there is a fault.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// From so many standard deviations above the mean: few windows will do.
    Deviations(f32),
    /// From the 99.5th percentile: whatever the distribution, but it takes a thousand windows or more.
    Percentile,
}

/// How long the phases take, in windows, and where the threshold is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Of [`Phase::Scaling`].
    pub scaling: u32,
    /// Of [`Phase::Learning`].
    pub learning: u32,
    /// Of [`Phase::Weighing`].
    pub weighing: u32,
    /// Of [`Phase::Threshold`].
    pub threshold: u32,
    /// From which error on there is a fault.
    pub limit: Limit,
    /// The network's initial weights and the order of what it learns again follow from this number.
    pub seed: u64,
}

/// About a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// What the detector did with it.
    pub phase: Phase,
    /// Logarithm of the squared error, a running mean; from [`Phase::Threshold`] on.
    pub error: Option<f32>,
    /// What was found.
    pub answer: Answer,
}

/// What was found in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nothing yet.
    Learning,
    /// The machine vibrates as usual.
    Usual,
    /// It does not.
    Fault,
    /// An axis has NaN, an infinite number, or a constant: the sensor is broken. Nothing was learned.
    NoSignal,
}

/// The whole detector.
#[derive(Debug)]
pub struct Detector {
    settings: Settings,
    phase: Phase,
    /// Windows in this phase.
    windows: u32,
    window: Window<3, WINDOW>,
    statistics: Standardize<FEATURES>,
    scaling: Scaling<FEATURES>,
    net: Net,
    trainer: Trainer<Net, MeanSquaredError, Adam>,
    replay: ReplayBuffer<[f32; FEATURES], (), REPLAY>,
    rng: Pcg32,
    residuals: Standardize<FEATURES>,
    /// One over the usual squared residual of each feature.
    weights: [f32; FEATURES],
    /// Running mean.
    error: Option<f32>,
    errors: ErrorStatistics,
    percentile: Quantile<995, 1000>,
    threshold: Option<f32>,
}

impl Detector {
    /// One that knows nothing.
    #[must_use]
    #[inline]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            phase: Phase::Scaling,
            windows: 0,
            window: Window::new(),
            statistics: Standardize::new(),
            scaling: Scaling::new([0.0; FEATURES], [1.0; FEATURES]),
            net: Net::ZERO,
            trainer: Trainer::new(),
            replay: ReplayBuffer::new(),
            rng: Pcg32::seed_from_u64(settings.seed),
            residuals: Standardize::new(),
            weights: [1.0; FEATURES],
            error: None,
            errors: ErrorStatistics::new(),
            percentile: Quantile::new(),
            threshold: None,
        }
    }

    /// Takes in a sample; at the end of each window says what it thinks of it.
    #[inline]
    pub fn push(&mut self, sample: Sample) -> Option<Verdict> {
        let x = features(&self.window.push(sample)?);
        let phase = self.phase;
        if !x.iter().all(|x| x.is_finite()) {
            return Some(Verdict { phase, error: None, answer: Answer::NoSignal });
        }
        let mut answer = Answer::Learning;
        match phase {
            Phase::Scaling => {
                self.statistics.observe(&x);
            }
            Phase::Learning => self.learn(self.scaling.transform(&x)),
            Phase::Weighing => {
                let residuals = self.residuals_of(&x);
                self.residuals.observe(&residuals);
            }
            Phase::Threshold => {
                let error = self.smooth_error_of(&x);
                self.errors.observe(error);
                self.percentile.observe(error);
            }
            Phase::Watching => {
                let error = self.smooth_error_of(&x);
                let is_fault = self.threshold.is_some_and(|threshold| error > threshold);
                answer = if is_fault { Answer::Fault } else { Answer::Usual };
            }
        }
        self.windows = self.windows.saturating_add(1);
        self.go_on();
        Some(Verdict { phase, error: self.error, answer })
    }

    /// Ends the phase if it has had its windows.
    #[inline]
    fn go_on(&mut self) {
        let Settings { scaling, learning, weighing, threshold, limit, .. } = self.settings;
        let (length, next) = match self.phase {
            Phase::Scaling => (scaling, Phase::Learning),
            Phase::Learning => (learning, Phase::Weighing),
            Phase::Weighing => (weighing, Phase::Threshold),
            Phase::Threshold => (threshold, Phase::Watching),
            Phase::Watching => return,
        };
        if self.windows < length {
            return;
        }
        match self.phase {
            Phase::Scaling => {
                self.scaling = self.statistics.scaling();
                init::xavier_uniform(&mut self.net, &mut self.rng);
            }
            Phase::Weighing => {
                // What is reproduced almost exactly would otherwise outweigh all else.
                self.weights = self.residuals.variance().map(|variance| 1.0 / variance.max(1e-4));
            }
            Phase::Threshold => {
                self.threshold = match limit {
                    Limit::Deviations(deviations) => self.errors.threshold(deviations),
                    Limit::Percentile => self.percentile.value(),
                };
            }
            _ => {}
        }
        (self.phase, self.windows) = (next, 0);
    }

    /// A step with this window, and with some of those before.
    #[inline]
    fn learn(&mut self, z: [f32; FEATURES]) {
        let Self { settings, windows, net, trainer, replay, rng, .. } = self;
        let done = f32::from_u32(*windows) / f32::from_u32(settings.learning);
        let adam = Adam::new(LEARNING_RATE * (1.0 - 0.95 * done));
        trainer.step(net, &adam, &z, &z);
        for (old, ()) in replay.draw(STEPS - 1, rng) {
            trainer.step(net, &adam, old, old);
        }
        replay.push_reservoir((z, ()), rng);
    }

    /// What the network makes wrong of each feature.
    #[inline]
    fn residuals_of(&self, x: &[f32; FEATURES]) -> [f32; FEATURES] {
        let mut z = self.scaling.transform(x);
        let y = self.net.forward(&z);
        for (z, y) in z.iter_mut().zip(y) {
            *z -= y;
        }
        z
    }

    /// Logarithm of the weighted squared error of a window's features.
    #[inline]
    fn error_of(&self, x: &[f32; FEATURES]) -> f32 {
        let residuals = self.residuals_of(x);
        let squares = residuals.iter().zip(&self.weights).map(|(r, weight)| r * r * weight);
        libm::logf(squares.sum::<f32>() / FEATURES as f32)
    }

    #[inline]
    fn smooth_error_of(&mut self, x: &[f32; FEATURES]) -> f32 {
        let error = self.error_of(x);
        let mean = self.error.unwrap_or(error);
        *self.error.insert(mean + SMOOTHING * (error - mean))
    }

    /// What the detector is at.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// From [`Phase::Watching`] on, the error above which there is a fault.
    #[must_use]
    pub const fn threshold(&self) -> Option<f32> {
        self.threshold
    }

    /// The network.
    #[must_use]
    pub const fn net(&self) -> &Net {
        &self.net
    }
}

/// What a window looks like: for each axis logarithms of the standard deviation, of that of the
/// differences between samples (which is large where the signal is fast), of the distance of the lowest
/// and of the highest sample from the mean; and how often the signal crosses its mean.
///
/// Amplitudes are mostly powers of speed and load, whose logarithms are straight lines. The mean itself
/// is left out: it says how the sensor is mounted.
#[must_use]
#[inline]
pub fn features(window: &FullWindow<'_, 3>) -> [f32; FEATURES] {
    let Features { mean, standard_deviation, minimum, maximum, zero_crossings } = window.features();
    let mut squares = [0.0; 3];
    for (before, now) in window.samples().zip(window.samples().skip(1)) {
        for ((sum, before), now) in squares.iter_mut().zip(before).zip(now) {
            *sum += (now - before) * (now - before);
        }
    }
    let distance = |a: [f32; 3], b: [f32; 3]| {
        let [[x, y, z], [u, v, w]] = [a, b];
        [x - u, y - v, z - w].map(libm::logf)
    };
    let kinds = [
        standard_deviation.map(libm::logf),
        squares.map(|sum| 0.5 * libm::logf(sum / (WINDOW - 1) as f32)),
        distance(mean, minimum),
        distance(maximum, mean),
        zero_crossings,
    ];
    let mut array = [0.0; FEATURES];
    for (place, feature) in array.iter_mut().zip(kinds.into_iter().flatten()) {
        *place = feature;
    }
    array
}
