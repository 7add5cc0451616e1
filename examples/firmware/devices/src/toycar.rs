//! The anomaly detector of MLPerf Tiny on a device: an autoencoder of 265,864 parameters for the
//! sound of toy cars, which adapts to a new car.
//!
//! A window is 5 frames of 128 log-mel bands in dB; the mean squared error of its reconstruction is
//! the anomaly score. The weights stay in flash. For a new car, the last two layers are in RAM and
//! are trained.
//!
//! The new car is synthetic: its windows are those of the known one, with a filter's gain added to
//! each band, as if another body radiated the sound.
//!
//! The host tests compile this file too, so it depends only on the library and `core`.

use gradlet::{net, prelude::*};

/// Frames per window, and bands per frame.
pub const FRAMES: usize = 5;
pub const BANDS: usize = 128;
/// Inputs and outputs.
pub const INPUTS: usize = FRAMES * BANDS;
/// Number of windows in `data/toycar_windows.bin`. The first half is to learn from, the second
/// half to evaluate with.
pub const WINDOWS: usize = 20;
/// Passes over the windows to learn from.
pub const EPOCHS: u32 = 5;

/// Log-mel bands in dB, frame by frame.
pub type Window = [f32; INPUTS];
/// Layers 0 to 7, frozen.
pub type Body = net![
    640 => 128 Relu => 128 Relu => 128 Relu => 128 Relu => 8 Relu => 128 Relu => 128 Relu
        => 128 Relu
];
/// Layers 8 and 9, trained on the device.
pub type Head = net![128 => 128 Relu => 640 Identity];
/// The network of a device that does not adapt: all of it is in flash.
pub type InFlash<'a> = Chain<Frozen<&'a Body>, Frozen<&'a Head>>;
/// The network of a device, with 99,072 trainable parameters.
pub type Net<'a> = Chain<Frozen<&'a Body>, Head>;

/// Twice this rate diverges for some filters.
const SGD: Sgd = Sgd { learning_rate: 0.001 };

/// A device: its network and trainer.
pub struct Device<'a> {
    net: Net<'a>,
    trainer: Trainer<Net<'a>, MeanSquaredError>,
}

impl<'a> Device<'a> {
    /// RAM in bytes.
    pub const BYTES: usize = size_of::<Self>();

    /// A device as it leaves the factory.
    #[inline]
    pub const fn new(body: &'a Body, head: Head) -> Self {
        Self { net: Net::new(Frozen::new(body), head), trainer: Trainer::new() }
    }

    /// The network.
    #[inline]
    pub fn net(&self) -> &Net<'a> {
        &self.net
    }

    /// The anomaly score: mean squared error of the reconstruction.
    #[inline]
    pub fn score(&mut self, window: &Window) -> f32 {
        self.trainer.evaluate(&self.net, window, window)
    }

    /// One step of gradient descent; returns the anomaly score before it.
    #[inline]
    pub fn learn(&mut self, window: &Window) -> f32 {
        self.trainer.step(&mut self.net, &SGD, window, window)
    }

    /// Trains on windows for some epochs.
    #[inline]
    pub fn adapt(&mut self, windows: impl Iterator<Item = Window> + Clone) {
        for _ in 0..EPOCHS {
            for window in windows.clone() {
                self.learn(&window);
            }
        }
    }

    /// Mean anomaly score.
    #[inline]
    pub fn mean_score(&mut self, windows: impl Iterator<Item = Window>) -> f32 {
        let (mut sum, mut count) = (0.0, 0_u16);
        for window in windows {
            sum += self.score(&window);
            count += 1;
        }
        sum / f32::from(count)
    }
}

/// Windows, as consecutive bytes.
#[derive(Clone, Copy, Debug)]
pub struct Recording<'b>(pub &'b [u8]);

impl<'b> Recording<'b> {
    /// Each window.
    #[inline]
    pub fn windows(self) -> impl Iterator<Item = Window> + Clone + 'b {
        self.0.chunks_exact(size_of::<Window>()).map(|bytes| {
            let mut window = [0.0; INPUTS];
            for (value, bytes) in window.iter_mut().zip(bytes.chunks_exact(size_of::<f32>())) {
                *value = f32::from_le_bytes(first(bytes));
            }
            window
        })
    }

    /// The windows to learn from, and those to evaluate with.
    #[inline]
    pub fn halves(self) -> (Self, Self) {
        let (first, second) = self.0.split_at(self.0.len() / 2);
        (Self(first), Self(second))
    }
}

/// A window as the new car would give it.
#[inline]
pub fn of_new_car(mut window: Window) -> Window {
    for frame in window.chunks_exact_mut(BANDS) {
        for (band, value) in (0_u8..).zip(frame) {
            *value += gain(band);
        }
    }
    window
}

/// Gain of the filter in dB: -4 to 4 from the lowest band to the highest, and a resonance of 12 dB
/// at band 80.
#[inline]
fn gain(band: u8) -> f32 {
    let distance = f32::from(band.abs_diff(80));
    f32::from(band) / 16.0 - 4.0 + (12.0 - distance).max(0.0)
}

/// Largest absolute error of the network's outputs, in dB, compared with outputs computed in `f64`,
/// which are consecutive bytes.
#[inline]
pub fn largest_error(
    forward: impl Fn(&Window) -> Window,
    windows: impl Iterator<Item = Window>,
    outputs: &[u8],
) -> f32 {
    let mut largest = 0.0;
    for (window, outputs) in windows.zip(outputs.chunks_exact(INPUTS * size_of::<f64>())) {
        for (y, bytes) in forward(&window).into_iter().zip(outputs.chunks_exact(size_of::<f64>())) {
            let error = (f64::from(y) - f64::from_le_bytes(first(bytes))).abs();
            // NaN stays.
            if error.is_nan() || error > largest {
                largest = error;
            }
        }
    }
    largest as f32
}

/// The first bytes, of which there are enough.
#[inline]
fn first<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.first_chunk().copied().unwrap_or([0; N])
}
