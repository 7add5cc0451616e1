//! Training in the factory, and what devices make of it.

use gradlet::metrics::ConfusionMatrix;
use gradlet::{init, prelude::*, preprocess::one_hot};
use rand_pcg::Pcg32;
use rand_pcg::rand_core::SeedableRng;

use crate::digits::idx::{self, Digits, ReadError};
use devices::personal::{DIGITS, Device, Factory, IMAGE, Image, PIXELS, SHOWN, UPRIGHT};

/// An image and its digit.
pub type Labelled = (Image, u8);

/// Images of the factory, of which the first are kept on the device as well.
const FACTORY: usize = 1000;

/// One world: the digits in an order of its own, and the network of its factory.
pub struct World {
    pub factory: Factory,
    /// Bytes of images.
    pub upright: Vec<u8>,
    /// Turned, to learn from.
    pub shown: Vec<Labelled>,
    /// Held out, upright and turned.
    pub old: Vec<Labelled>,
    pub new: Vec<Labelled>,
}

/// All digits: 8 x 8 pixels from 0 to 16, of which black shall be 15.
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

/// The image after a quarter turn to the left: what the right column was is the top row.
pub fn turned(image: &Image) -> Image {
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
    /// Number `seed` of the worlds that these digits can make.
    pub fn new(digits: &[Labelled], seed: u64) -> Self {
        let mut rng = Pcg32::seed_from_u64(seed);
        let mut digits = digits.to_vec();
        init::shuffle(&mut digits, &mut rng);
        let held_out = digits.split_off(FACTORY.min(digits.len()));
        let upright = digits.iter().take(UPRIGHT).flat_map(|(image, _)| image.0).collect();
        let factory = pretrain(&mut digits, &mut rng);
        let turn = |&(image, digit): &Labelled| (turned(&image), digit);
        let (shown, old) = held_out.split_at(SHOWN.min(held_out.len()));
        let (shown, new) = (shown.iter().map(turn).collect(), old.iter().map(turn).collect());
        Self { factory, upright, shown, old: old.to_vec(), new }
    }
}

/// 40 epochs, the last 10 at a tenth of the rate.
fn pretrain(digits: &mut [Labelled], rng: &mut Pcg32) -> Factory {
    let mut net = Factory::ZERO;
    init::he_uniform(&mut net, rng);
    let mut trainer = Trainer::<Factory, CrossEntropy>::new();
    for epoch in 0..40 {
        init::shuffle(digits, rng);
        let sgd = Sgd { learning_rate: if epoch < 30 { 0.05 } else { 0.005 } };
        for (image, digit) in &*digits {
            if let Some(target) = one_hot(usize::from(*digit)) {
                trainer.step(&mut net, &sgd, &image.input(), &target);
            }
        }
    }
    net
}

/// What a device, or the factory, makes of images.
pub fn judge(
    images: &[Labelled],
    answer: impl Fn(&Image) -> Option<usize>,
) -> ConfusionMatrix<DIGITS> {
    let mut matrix = ConfusionMatrix::new();
    for (image, digit) in images {
        // Numbers that are no digits would be NaN, which the network does not answer with.
        let _ = answer(image).map(|answer| matrix.record(answer, usize::from(*digit)));
    }
    matrix
}

/// Right answers in percent.
pub fn percent(matrix: &ConfusionMatrix<DIGITS>) -> f64 {
    100.0 * f64::from(matrix.accuracy().unwrap_or(0.0))
}

/// What one world says.
pub struct Run {
    /// The factory's network on old and new images.
    pub before: [ConfusionMatrix<DIGITS>; 2],
    /// The device after all labelled images.
    pub after: [ConfusionMatrix<DIGITS>; 2],
    /// The same without upright images.
    pub forgetful: [ConfusionMatrix<DIGITS>; 2],
    /// Percent of old and of new images after so many labelled ones.
    pub curve: Vec<(u32, [f64; 2])>,
}

/// Lets two devices learn, with upright images and without.
pub fn run(world: &World) -> Run {
    let both = |device: &Device<'_>| {
        [&world.old, &world.new].map(|images| judge(images, |image| device.read(image)))
    };
    let mut device = Device::new(&world.factory);
    let before = both(&device);
    let mut curve = vec![(0, before.each_ref().map(percent))];
    for (number, (image, digit)) in (1_u32..).zip(&world.shown) {
        device.learn(image, *digit, &world.upright);
        if number % 5 == 0 {
            curve.push((number, both(&device).each_ref().map(percent)));
        }
    }
    let mut other = Device::new(&world.factory);
    for (image, digit) in &world.shown {
        other.learn(image, *digit, &[]);
    }
    Run { before, after: both(&device), forgetful: both(&other), curve }
}

/// Names of the layers in the file of weights.
pub const NAMES: [&str; 2] = ["0", "2"];
/// How many held-out images of each kind are in the firmware, to be tested with.
const TESTED: usize = 100;

/// The files of the firmware: the network of the factory; the upright images, then the labelled ones,
/// then held-out upright and turned ones.
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
