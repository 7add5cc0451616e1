//! Training in the factory and on devices, and its evaluation.

use gradlet::convert::{ConvertError, convert};
use gradlet::metrics::ConfusionMatrix;
use gradlet::{init, prelude::*, preprocess::one_hot};
use rand_pcg::Pcg32;
use rand_pcg::rand_core::SeedableRng;

use crate::digits::idx::{self, Digits, ReadError};
use devices::personal::{
    DIGITS, Device, Factory, IMAGE, Image, NumberFormat, PIXELS, SHOWN, UPRIGHT,
};

/// An image and its label.
pub type Labelled = (Image, u8);

/// Number of the factory's images, the first of which are also stored on the device.
const FACTORY: usize = 1000;

/// A random split of the digits, with the factory's network.
pub struct World {
    pub factory: Factory,
    /// Upright images, as bytes.
    pub upright: Vec<u8>,
    /// Rotated images, for training.
    pub shown: Vec<Labelled>,
    /// Held-out images, upright and rotated.
    pub old: Vec<Labelled>,
    pub new: Vec<Labelled>,
}

/// All digits: 8 x 8 pixels; their values of 0 to 16 are limited to 15.
pub fn digits(folder: &std::path::Path) -> Result<Vec<Labelled>, ReadError> {
    let idx::Data { train, test, .. } = idx::digits8x8(folder)?;
    let labelled = |Digits { images, labels }| images.into_iter().zip(labels);
    let all = labelled(train).chain(labelled(test));
    Ok(all.map(|(image, digit)| (packed(&image.map(|pixel: u8| pixel.min(15))), digit)).collect())
}

fn packed(pixels: &[u8; PIXELS]) -> Image {
    let mut bytes = [0; IMAGE];
    for (byte, pair) in bytes.iter_mut().zip(pixels.chunks_exact(2)) {
        *byte = pair.iter().rev().fold(0, |byte, pixel| byte << 4 | pixel);
    }
    Image(bytes)
}

/// The pixels of an image, row by row.
pub fn pixels(image: &Image) -> [u8; PIXELS] {
    let mut pixels = [0; PIXELS];
    for (pair, byte) in pixels.chunks_exact_mut(2).zip(image.0) {
        pair.copy_from_slice(&[byte & 15, byte >> 4]);
    }
    pixels
}

/// The image, rotated anticlockwise by 90 degrees: the right column becomes the top row.
pub fn rotated(image: &Image) -> Image {
    const SIDE: usize = PIXELS.isqrt();
    let old = pixels(image);
    let mut new = [0; PIXELS];
    for (row, pixels) in new.chunks_exact_mut(SIDE).enumerate() {
        let column = SIDE.saturating_sub(row.saturating_add(1));
        for (pixel, old) in pixels.iter_mut().zip(old.chunks_exact(SIDE)) {
            *pixel = old.get(column).copied().unwrap_or(0);
        }
    }
    packed(&new)
}

impl World {
    /// The split of these digits that follows from `seed`.
    pub fn new(digits: &[Labelled], seed: u64) -> Self {
        let mut rng = Pcg32::seed_from_u64(seed);
        let mut digits = digits.to_vec();
        init::shuffle(&mut digits, &mut rng);
        let held_out = digits.split_off(FACTORY.min(digits.len()));
        let upright = digits.iter().take(UPRIGHT).flat_map(|(image, _)| image.0).collect();
        let factory = pretrain(&mut digits, &mut rng);
        let rotate = |&(image, digit): &Labelled| (rotated(&image), digit);
        let (shown, old) = held_out.split_at(SHOWN.min(held_out.len()));
        let (shown, new) = (shown.iter().map(rotate).collect(), old.iter().map(rotate).collect());
        Self { factory, upright, shown, old: old.to_vec(), new }
    }
}

/// Trains for 40 epochs, the last 10 at a tenth of the learning rate.
fn pretrain(digits: &mut [Labelled], rng: &mut Pcg32) -> Factory {
    let mut net = Factory::ZERO;
    init::he_uniform(&mut net, rng);
    let mut trainer = Trainer::<Factory, CrossEntropy>::new();
    for epoch in 0..40 {
        init::shuffle(digits, rng);
        let sgd = Sgd { learning_rate: if epoch < 30 { 0.05 } else { 0.005 } };
        for (image, digit) in &*digits {
            if let Some(target) = one_hot(usize::from(*digit)) {
                trainer.step(&mut net, &sgd, &image.input::<f32>(), &target);
            }
        }
    }
    net
}

/// Confusion matrix of a device, or of the factory's network.
pub fn judge(
    images: &[Labelled],
    answer: impl Fn(&Image) -> Option<usize>,
) -> ConfusionMatrix<DIGITS> {
    let mut matrix = ConfusionMatrix::new();
    for (image, digit) in images {
        // There is a prediction unless an output is NaN, which does not happen.
        let _ = answer(image).map(|answer| matrix.record(answer, usize::from(*digit)));
    }
    matrix
}

/// Accuracy in percent.
pub fn percent(matrix: &ConfusionMatrix<DIGITS>) -> f64 {
    100.0 * f64::from(matrix.accuracy().unwrap_or(0.0))
}

/// Results of one split.
pub struct Run {
    /// The factory's network, on upright and rotated images.
    pub before: [ConfusionMatrix<DIGITS>; 2],
    /// The device after training on all labelled images.
    pub after: [ConfusionMatrix<DIGITS>; 2],
    /// The same, trained without upright images.
    pub forgetful: [ConfusionMatrix<DIGITS>; 2],
    /// Accuracy in percent on upright and on rotated images, by the number of labelled images.
    pub curve: Vec<(u32, [f64; 2])>,
}

/// Trains two devices, with upright images and without, that compute in `F`.
pub fn run<F: NumberFormat>(world: &World) -> Result<Run, ConvertError> {
    let mut factory = Factory::<F>::ZERO;
    convert(&world.factory, &mut factory)?;
    let both = |device: &Device<'_, F>| {
        [&world.old, &world.new].map(|images| judge(images, |image| device.read(image)))
    };
    let mut device = Device::new(&factory);
    let before = both(&device);
    let mut curve = vec![(0, before.each_ref().map(percent))];
    for (number, (image, digit)) in (1_u32..).zip(&world.shown) {
        device.learn(image, *digit, &world.upright);
        if number % 5 == 0 {
            curve.push((number, both(&device).each_ref().map(percent)));
        }
    }
    let mut other = Device::new(&factory);
    for (image, digit) in &world.shown {
        other.learn(image, *digit, &[]);
    }
    Ok(Run { before, after: both(&device), forgetful: both(&other), curve })
}

/// Names of the layers in the `safetensors` file.
pub const NAMES: [&str; 2] = ["0", "2"];
/// Number of held-out images of each kind in the firmware, for its test.
const TESTED: usize = 100;

/// The files of the firmware: the factory's network; the upright images, the labelled ones, and
/// held-out upright and rotated ones.
pub fn for_firmware(
    world: &World,
) -> Result<(Vec<u8>, Vec<u8>), gradlet::safetensors::SaveError<'static>> {
    const SIZE: usize = gradlet::safetensors::file_size::<Factory>(&NAMES).unwrap();
    let mut buffer = vec![0; SIZE];
    let length = gradlet::safetensors::save(&world.factory, &NAMES, &mut buffer)?.len();
    buffer.truncate(length);
    let mut digits = world.upright.clone();
    let tested = |images: &[Labelled]| images.iter().take(TESTED).copied().collect::<Vec<_>>();
    for (image, digit) in
        [world.shown.clone(), tested(&world.old), tested(&world.new)].into_iter().flatten()
    {
        digits.extend(image.0);
        digits.push(digit);
    }
    Ok((buffer, digits))
}
