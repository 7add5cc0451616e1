//! On-device anomaly detection: an autoencoder learns the vibration of a healthy machine.
//!
//! The host example `anomaly` uses this file too, so it depends only on the library, a random
//! number generator, libm and `core`.
//!
//! Each window of samples becomes 15 features ([`Statistics`]) or 24 ([`Spectra`]), and the
//! autoencoder learns to reconstruct those of the healthy machine from a bottleneck of a few units.
//! What it reconstructs badly was not in the training data. The reconstruction error is weighted,
//! feature by feature, by the inverse of its variance on healthy windows; the threshold for a fault
//! follows from the errors on further healthy windows. So installing the sensor requires neither
//! examples of faults nor limits set by hand.

use core::marker::PhantomData;

use gradlet::metrics::{ErrorStatistics, Quantile};
use gradlet::prelude::*;
use gradlet::preprocess::{Scaling, Standardize};
use gradlet::spectrum::{self, MelBands, MelError, Spectrum};
use gradlet::stream::{Features, FullWindow, ReplayBuffer, Window};
use gradlet::{Arithmetic, FormatValue, init};
use rand_pcg::Pcg32;
use rand_pcg::rand_core::SeedableRng;

/// Acceleration along three axes, in g; in `f32`, in any unit.
pub type Sample<T = f32> = [T; 3];
/// Samples per window: 0.16 s.
pub const WINDOW: usize = 256;
/// Samples per second.
const SAMPLE_RATE: f32 = 1600.0;
/// The detector of [`Statistics`]; in fixed point, `Detector<Fixed>`.
pub type Detector<F = f32> = DetectorOf<Statistics<F>, 15>;
/// The detector of [`Spectra`].
pub type SpectraDetector = DetectorOf<Spectra, 24>;

/// What a detector sees of a window: a number of features.
pub trait Input<const FEATURES: usize>: Default {
    /// What a sensor reads along an axis, and the number type of the autoencoder.
    type Value: Reading;
    /// The autoencoder. Its bottleneck has room for what makes healthy windows differ: speed, load
    /// and a little more.
    type Net: Layer<
            Format = <Self::Value as FormatValue>::Format,
            Input = [Self::Value; FEATURES],
            Output = [Self::Value; FEATURES],
        > + Zero;
    /// The loss: [`MeanSquaredError`].
    type Loss: Loss<<Self::Net as Layer>::Activation, <Self::Value as FormatValue>::Format>;
    /// The optimizer.
    type Optimizer: Optimizer<Self::Net>;

    /// The optimizer at `rate` times its initial learning rate.
    fn optimizer(rate: f32) -> Self::Optimizer;

    /// The features; not all are finite if an axis is NaN, infinite or constant.
    fn features(&self, window: &FullWindow<'_, 3, WINDOW, Self::Value>) -> [f32; FEATURES];
}

/// The acceleration along an axis: an `f32`, or an integer, a multiple of 1/4096 g.
///
/// What is computed once for a window, as the logarithms of features, is `f32` in either case.
pub trait Reading: FormatValue<Format: Arithmetic> {
    /// The nearest number.
    fn from_f32(value: f32) -> Self;
    /// The same number.
    fn to_f32(self) -> f32;
}

impl Reading for f32 {
    #[inline]
    fn from_f32(value: f32) -> Self {
        value
    }
    #[inline]
    fn to_f32(self) -> f32 {
        self
    }
}

impl Reading for Q12 {
    #[inline]
    fn from_f32(value: f32) -> Self {
        Self::new(value)
    }
    #[inline]
    fn to_f32(self) -> f32 {
        self.to_f32()
    }
}

/// Windows in the replay buffer.
const REPLAY: usize = 48;
/// Training steps per window: one with the window, the others with older ones.
const STEPS: u32 = 8;
/// Initial learning rate of Adam; it falls linearly to a twentieth.
const LEARNING_RATE: f32 = 0.005;
/// Initial learning rate of momentum, in fixed point; it falls likewise.
const MOMENTUM_RATE: f32 = 0.02;
/// Weight of a new window in the running mean of the error: about eight windows count.
pub const SMOOTHING: f32 = 0.125;

const _: () = assert!(Detector::<f32>::BYTES < 16 * 1024, "a detector shall fit into 16 KB");

/// Phase of the detector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Measures mean and standard deviation of the features.
    Scaling,
    /// Trains the autoencoder.
    Learning,
    /// Measures the variance of the reconstruction error of each feature.
    Weighing,
    /// Determines the threshold from the errors of healthy windows.
    Threshold,
    /// Watches for faults.
    Watching,
}

/// Threshold: the error above which there is a fault.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// This many standard deviations above the mean: a few windows suffice.
    Deviations(f32),
    /// The 99.5th percentile: for any distribution, but it needs a thousand windows or more.
    Percentile,
}

/// Configuration: length of each phase in windows, threshold, seed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Windows in [`Phase::Scaling`].
    pub scaling: u32,
    /// Windows in [`Phase::Learning`].
    pub learning: u32,
    /// Windows in [`Phase::Weighing`].
    pub weighing: u32,
    /// Windows in [`Phase::Threshold`].
    pub threshold: u32,
    /// Threshold: the error above which there is a fault.
    pub limit: Limit,
    /// Seed of the initial weights and of the order of replay.
    pub seed: u64,
}

/// Result for a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// The phase in which the window was processed.
    pub phase: Phase,
    /// Running mean of the logarithm of the squared error, from [`Phase::Threshold`] on.
    pub error: Option<f32>,
    /// The verdict.
    pub answer: Answer,
}

/// Verdict on a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// None yet: the detector is still being trained.
    Learning,
    /// Normal vibration.
    Usual,
    /// An anomaly: the error is above the threshold.
    Fault,
    /// An axis is NaN, infinite or constant: the sensor is broken. Nothing was learned.
    NoSignal,
}

/// A detector.
#[derive(Debug)]
pub struct DetectorOf<I: Input<FEATURES>, const FEATURES: usize> {
    input: I,
    settings: Settings,
    phase: Phase,
    /// Windows in this phase.
    windows: u32,
    window: Window<3, WINDOW, WINDOW, I::Value>,
    statistics: Standardize<FEATURES>,
    scaling: Scaling<FEATURES>,
    net: I::Net,
    trainer: Trainer<I::Net, I::Loss, I::Optimizer>,
    replay: ReplayBuffer<[I::Value; FEATURES], (), REPLAY>,
    rng: Pcg32,
    residuals: Standardize<FEATURES>,
    /// Reciprocal of the variance of the residual of each feature.
    weights: [f32; FEATURES],
    /// Running mean of the errors.
    error: Option<f32>,
    errors: ErrorStatistics,
    percentile: Quantile<995, 1000>,
    threshold: Option<f32>,
}

impl<I: Input<FEATURES>, const FEATURES: usize> DetectorOf<I, FEATURES> {
    /// Features per window.
    pub const FEATURES: usize = FEATURES;
    /// Parameters of the autoencoder.
    pub const PARAMETERS: usize = I::Net::PARAMS;
    /// Size in bytes: window, network, trainer, replay buffer and statistics.
    pub const BYTES: usize = size_of::<Self>();

    /// An untrained detector.
    #[must_use]
    #[inline]
    pub fn new(settings: Settings) -> Self {
        Self {
            input: I::default(),
            settings,
            phase: Phase::Scaling,
            windows: 0,
            window: Window::new(),
            statistics: Standardize::new(),
            scaling: Scaling::new([0.0; FEATURES], [1.0; FEATURES]),
            net: I::Net::ZERO,
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

    /// Adds a sample; returns a report at the end of each window.
    #[inline]
    pub fn push(&mut self, sample: Sample<I::Value>) -> Option<Verdict> {
        let x = self.input.features(&self.window.push(sample)?);
        let phase = self.phase;
        if !x.iter().all(|x| x.is_finite()) {
            return Some(Verdict { phase, error: None, answer: Answer::NoSignal });
        }
        let mut answer = Answer::Learning;
        match phase {
            Phase::Scaling => {
                self.statistics.observe(&x);
            }
            Phase::Learning => self.learn(self.scaling.transform(&x).map(I::Value::from_f32)),
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

    /// Ends the phase after its number of windows.
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
                // A feature that is reconstructed almost exactly would outweigh all others.
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

    /// Trains on this window and, by experience replay, on some older ones.
    #[inline]
    fn learn(&mut self, z: [I::Value; FEATURES]) {
        let Self { settings, windows, net, trainer, replay, rng, .. } = self;
        let done = f32::from_u32(*windows) / f32::from_u32(settings.learning);
        let optimizer = I::optimizer(1.0 - 0.95 * done);
        trainer.step(net, &optimizer, &z, &z);
        for (old, ()) in replay.draw(STEPS - 1, rng) {
            trainer.step(net, &optimizer, old, old);
        }
        replay.push_reservoir((z, ()), rng);
    }

    /// Residual of each feature: standardised input minus reconstruction.
    #[inline]
    fn residuals_of(&self, x: &[f32; FEATURES]) -> [f32; FEATURES] {
        let mut z = self.scaling.transform(x);
        let y = self.net.forward(&z.map(I::Value::from_f32));
        for (z, y) in z.iter_mut().zip(y) {
            *z -= y.to_f32();
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

    /// Current phase.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// The threshold, an error above which there is a fault; from [`Phase::Watching`] on.
    #[must_use]
    pub const fn threshold(&self) -> Option<f32> {
        self.threshold
    }

    /// The network.
    #[must_use]
    pub const fn net(&self) -> &I::Net {
        &self.net
    }
}

/// For each axis: the logarithms of the standard deviation, of the standard deviation of the
/// differences between samples (large for high frequencies), and of the distances of the minimum and
/// of the maximum from the mean; and the rate of mean crossings.
///
/// Amplitudes are mostly powers of speed and load, so their logarithms are linear in those of speed
/// and load. The mean itself is left out: it depends on how the sensor is mounted.
#[derive(Clone, Copy, Debug)]
pub struct Statistics<F = f32>(PhantomData<F>);

impl<F> Default for Statistics<F> {
    #[inline]
    fn default() -> Self {
        Self(PhantomData)
    }
}

/// The autoencoder of [`Statistics`].
type Autoencoder<F> = net![F; 15 => 8 Tanh => 4 Identity => 8 Tanh => 15 Identity];

impl Input<15> for Statistics {
    type Value = f32;
    type Net = Autoencoder<f32>;
    type Loss = MeanSquaredError;
    type Optimizer = Adam;

    #[inline]
    fn optimizer(rate: f32) -> Adam {
        Adam::new(LEARNING_RATE * rate)
    }

    #[inline]
    fn features(&self, window: &FullWindow<'_, 3, WINDOW>) -> [f32; 15] {
        let Features { mean, standard_deviation, minimum, maximum, zero_crossings } =
            window.features();
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
        join([
            standard_deviation.map(libm::logf),
            squares.map(|sum| 0.5 * libm::logf(sum / (WINDOW - 1) as f32)),
            distance(mean, minimum),
            distance(maximum, mean),
            zero_crossings,
        ])
    }
}

impl Input<15> for Statistics<Fixed> {
    type Value = Q12;
    type Net = Autoencoder<Fixed>;
    type Loss = MeanSquaredError;
    type Optimizer = Momentum<Q32>;

    #[inline]
    fn optimizer(rate: f32) -> Momentum<Q32> {
        Momentum::new(Q32::new((MOMENTUM_RATE * rate).into()), Q32::new(0.9))
    }

    /// Sums are integers; floats begin with their logarithms.
    #[inline]
    fn features(&self, window: &FullWindow<'_, 3, WINDOW, Q12>) -> [f32; 15] {
        // Samples are multiples of 2^-12 g, their squares of 2^-24 g^2.
        let root_mean = |squares: u64, count: usize| {
            0.5 * libm::logf(squares as f32 / (count as f32 * 16_777_216.0))
        };
        let axes = window.map_channels(|samples| {
            let sum: i32 = samples.iter().map(|x| x.to_bits()).sum();
            let mean = sum / WINDOW as i32;
            let (mut squares, mut steps, mut crossings) = (0, 0, 0_u32);
            let (mut least, mut greatest) = (0, 0);
            let (mut before, mut side) = (None, 0);
            for x in &samples {
                let distance = x.to_bits() - mean;
                squares += square(distance);
                (least, greatest) = (distance.min(least), distance.max(greatest));
                if let Some(before) = before.replace(distance) {
                    steps += square(distance - before);
                }
                if distance != 0 {
                    crossings += u32::from(side * distance.signum() < 0);
                    side = distance.signum();
                }
            }
            let extreme = |distance: i32| libm::logf(distance as f32 / 4096.0);
            [
                root_mean(squares, WINDOW),
                root_mean(steps, WINDOW - 1),
                extreme(-least),
                extreme(greatest),
                crossings as f32,
            ]
        });
        let [x, y, z] = axes;
        let mut kinds = [[0.0; 3]; 5];
        for (kind, ((x, y), z)) in kinds.iter_mut().zip(x.into_iter().zip(y).zip(z)) {
            *kind = [x, y, z];
        }
        join(kinds)
    }
}

/// The square, at most that of 16 g.
#[inline]
fn square(distance: i32) -> u64 {
    let size = distance.unsigned_abs().min(0xffff);
    u64::from(size * size)
}

/// Each kind of feature, of three axes, in one array.
#[inline]
fn join(kinds: [[f32; 3]; 5]) -> [f32; 15] {
    let mut array = [0.0; 15];
    for (place, feature) in array.iter_mut().zip(kinds.into_iter().flatten()) {
        *place = feature;
    }
    array
}

/// Bands of the spectrum.
const BANDS: usize = 8;

/// For each axis, the logarithms of the magnitude in 8 bands of its spectrum.
#[derive(Clone, Debug)]
pub struct Spectra {
    mel: Result<MelBands<WINDOW, BANDS>, MelError>,
}

impl Default for Spectra {
    #[inline]
    fn default() -> Self {
        Self { mel: MelBands::new(SAMPLE_RATE, 10.0..0.5 * SAMPLE_RATE) }
    }
}

impl Input<24> for Spectra {
    type Value = f32;
    type Net = net![24 => 12 Tanh => 5 Identity => 12 Tanh => 24 Identity];
    type Loss = MeanSquaredError;
    type Optimizer = Adam;

    #[inline]
    fn optimizer(rate: f32) -> Adam {
        Adam::new(LEARNING_RATE * rate)
    }

    #[inline]
    fn features(&self, window: &FullWindow<'_, 3, WINDOW>) -> [f32; 24] {
        let axes = window.map_channels(|x| match &self.mel {
            Ok(mel) => spectrum::log(&mel.apply(&Spectrum::new(x).with_hann().power()), 0.0),
            Err(_) => [f32::NAN; BANDS],
        });
        let mut array = [0.0; 24];
        for (place, &feature) in array.iter_mut().zip(axes.as_flattened()) {
            *place = feature;
        }
        array
    }
}
