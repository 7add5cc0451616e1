//! On-device personalisation: a digit classifier trained in the factory adapts to a device that is
//! mounted on its side. It learns rotated digits from a few labelled images, without forgetting the
//! upright ones.
//!
//! The factory's weights stay in flash; only the last layer is in RAM and is trained (transfer
//! learning). Against catastrophic forgetting, each batch also has upright images. They have no
//! labels: their targets are the predictions of the factory's network (Li, Hoiem, Learning without
//! forgetting, 2016).
//!
//! The host example `personalise` uses this file too, so it depends only on the library, a random
//! number generator and `core`.

use gradlet::preprocess::one_hot;
use gradlet::stream::ReplayBuffer;
use gradlet::{Arithmetic, FormatValue, Hidden, metrics::argmax, prelude::*};
use rand_pcg::Pcg32;
use rand_pcg::rand_core::{Rng, SeedableRng};

/// The network that the factory trains.
pub type Factory<F = f32> = Chain<Features<F>, Head<F>>;
/// The hidden layer, frozen.
pub type Features<F = f32> = Dense<PIXELS, 64, <F as NumberFormat>::Relu, F>;
/// The last layer, trained on the device.
pub type Head<F = f32> = Dense<64, DIGITS, <F as NumberFormat>::Softmax, F>;
/// The network of a device, with 650 trainable parameters.
pub type Net<'a, F = f32> = Chain<Frozen<&'a Features<F>>, Head<F>>;

/// A number format that a device computes in: `f32`, or [`Fixed`] where there is no FPU.
///
/// The activations and the loss are the same in both. As types of this trait they need no bounds elsewhere.
pub trait NumberFormat: Arithmetic<Value: FormatValue<Format = Self> + PartialOrd> {
    /// The rectifier.
    type Relu: Activation<Self> + Hidden;
    /// Softmax.
    type Softmax: Activation<Self>;
    /// Cross-entropy.
    type CrossEntropy: Loss<Self::Softmax, Self>;
    /// The learning rate.
    const LEARNING_RATE: Self::Real;

    /// A pixel of 0 to 15 as an input from 0 to 1.
    fn input(pixel: u8) -> Self::Value;
}

impl NumberFormat for f32 {
    type Relu = Relu;
    type Softmax = Softmax;
    type CrossEntropy = CrossEntropy;
    const LEARNING_RATE: Self = 0.2;

    #[inline]
    fn input(pixel: u8) -> Self {
        Self::from(pixel) / 15.0
    }
}

impl NumberFormat for Fixed {
    type Relu = Relu;
    type Softmax = Softmax;
    type CrossEntropy = CrossEntropy;
    const LEARNING_RATE: Q32 = Q32::new(0.2);

    /// The nearest number: 4369 is `2^16 / 15`.
    #[inline]
    fn input(pixel: u8) -> Q12 {
        Q12::from_bits((i32::from(pixel) * 4369 + 8) >> 4)
    }
}

/// Pixels per image, 8 x 8.
pub const PIXELS: usize = 64;
/// Classes: 0 to 9.
pub const DIGITS: usize = 10;
/// Number of labelled images that a device is shown, and stores.
pub const SHOWN: usize = 100;
/// Number of upright images, without labels, in its flash.
pub const UPRIGHT: usize = 500;
/// Bytes of an image, and of an image followed by its label.
pub const IMAGE: usize = PIXELS / 2;
pub const LABELLED: usize = IMAGE + 1;

/// Training steps per new labelled image.
const STEPS: u32 = 20;
/// Upright images in each batch, in addition to the new image and one of those seen before.
const OF_UPRIGHT: u32 = 6;

/// 4-bit pixels, from 0 (paper) to 15 (ink), two per byte, the left one in the lower half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Image(pub [u8; IMAGE]);

impl Image {
    /// The input of the network: pixels from 0 to 1.
    #[inline]
    pub fn input<F: NumberFormat>(&self) -> [F::Value; PIXELS] {
        let mut input = [F::Value::ZERO; PIXELS];
        for (pair, byte) in input.chunks_exact_mut(2).zip(self.0) {
            pair[0] = F::input(byte & 15);
            pair[1] = F::input(byte >> 4);
        }
        input
    }
}

/// A device: its network, trainer and stored images.
pub struct Device<'a, F: NumberFormat = f32> {
    factory: &'a Factory<F>,
    net: Net<'a, F>,
    trainer: BatchTrainer<Net<'a, F>, F::CrossEntropy, Sgd<F::Real>>,
    seen: ReplayBuffer<Image, u8, SHOWN>,
    rng: Pcg32,
}

impl<'a, F: NumberFormat> Device<'a, F> {
    /// RAM in bytes.
    pub const BYTES: usize = size_of::<Self>();

    /// A device as it leaves the factory.
    #[inline]
    pub fn new(factory: &'a Factory<F>) -> Self {
        Self {
            factory,
            net: Net::new(Frozen::new(factory.first()), factory.rest().clone()),
            trainer: BatchTrainer::new(),
            seen: ReplayBuffer::new(),
            rng: Pcg32::seed_from_u64(1),
        }
    }

    /// The network, to save it to flash.
    #[inline]
    pub fn net(&self) -> &Net<'a, F> {
        &self.net
    }

    /// The network, to load it from flash.
    #[inline]
    pub fn net_mut(&mut self) -> &mut Net<'a, F> {
        &mut self.net
    }

    /// Inference: the predicted digit.
    #[inline]
    pub fn read(&self, image: &Image) -> Option<usize> {
        argmax(&self.net.forward(&image.input::<F>()))
    }

    /// Trains on a labelled image, mixed with some of those seen before and some upright ones:
    /// `upright` has their bytes, one image after the other.
    #[inline]
    pub fn learn(&mut self, image: &Image, digit: u8, upright: &[u8]) {
        self.seen.push_reservoir((*image, digit), &mut self.rng);
        let sgd = Sgd::new(F::LEARNING_RATE);
        for _ in 0..STEPS {
            self.accumulate(image, digit);
            let drawn = self.seen.draw(1, &mut self.rng).next().copied();
            if let Some((image, digit)) = drawn {
                self.accumulate(&image, digit);
            }
            for _ in 0..OF_UPRIGHT {
                let Some(image) = chosen(upright, &mut self.rng) else { break };
                let input = image.input::<F>();
                self.trainer.accumulate(&self.net, &input, &self.factory.forward(&input));
            }
            self.trainer.apply(&mut self.net, &sgd);
        }
    }

    #[inline]
    fn accumulate(&mut self, image: &Image, digit: u8) {
        if let Some(target) = one_hot(digit.into()) {
            self.trainer.accumulate(&self.net, &image.input::<F>(), &target);
        }
    }
}

/// A random image, uniformly distributed to within one part in 2^32.
#[inline]
fn chosen(images: &[u8], rng: &mut Pcg32) -> Option<Image> {
    let product = u64::from(rng.next_u32()) * (images.len() / IMAGE) as u64;
    let start = (product >> 32) as usize * IMAGE;
    Some(Image(*images.get(start..)?.first_chunk()?))
}

/// Labelled images, as consecutive bytes.
#[derive(Clone, Copy, Debug)]
pub struct Labelled<'b>(pub &'b [u8]);

impl<'b> Labelled<'b> {
    /// Each image with its label.
    #[inline]
    pub fn iter(self) -> impl Iterator<Item = (Image, u8)> + 'b {
        self.0.chunks_exact(LABELLED).filter_map(|bytes| {
            let (digit, image) = bytes.split_last()?;
            Some((Image(image.try_into().ok()?), *digit))
        })
    }

    /// Number of images that a device classifies correctly.
    #[inline]
    pub fn right<F: NumberFormat>(self, device: &Device<'_, F>) -> usize {
        self.iter().filter(|(image, digit)| device.read(image) == Some((*digit).into())).count()
    }
}
