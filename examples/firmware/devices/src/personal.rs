//! A network that reads digits, trained in the factory, gets used to a device that is mounted on its
//! side: it learns turned digits from a few labelled ones, and does not forget the upright ones.
//!
//! The weights of the factory stay in flash; only the last layer is in memory and learns. Against
//! forgetting, upright images go into each step too. They have no labels: their target is what the
//! network of the factory answers (Li, Hoiem, Learning without forgetting, 2016).
//!
//! The host example `personalise` compiles this file too, so it uses nothing but the library, a
//! generator of random numbers and `core`.

use gradlet::preprocess::one_hot;
use gradlet::stream::ReplayBuffer;
use gradlet::{metrics::argmax, prelude::*};
use rand_pcg::Pcg32;
use rand_pcg::rand_core::{Rng, SeedableRng};

/// What the factory trains.
pub type Factory = Chain<Features, Head>;
/// Stays as it is.
pub type Features = Dense<PIXELS, 64, Relu>;
/// Learns on the device.
pub type Head = Dense<64, DIGITS, Softmax>;
/// The network of a device: 650 parameters of its own.
pub type Net<'a> = Chain<Frozen<&'a Features>, Head>;

/// Of an image, 8 x 8.
pub const PIXELS: usize = 64;
/// 0 to 9.
pub const DIGITS: usize = 10;
/// How many labelled images a device is shown, and keeps.
pub const SHOWN: usize = 100;
/// How many upright images, without labels, are in its flash.
pub const UPRIGHT: usize = 500;
/// Bytes of an image, and of one with its digit behind it.
pub const IMAGE: usize = PIXELS / 2;
pub const LABELLED: usize = IMAGE + 1;

/// Steps for each labelled image that comes.
const STEPS: u32 = 20;
/// Upright images of a step, beside the new one and one of those seen before.
const OF_UPRIGHT: u32 = 6;
const SGD: Sgd = Sgd { learning_rate: 0.2 };

/// Pixels of 4 bits, from 0 (paper) to 15 (ink), two in a byte, the left one in the lower half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Image(pub [u8; IMAGE]);

impl Image {
    /// What the network takes: 0 to 1.
    #[inline]
    pub fn input(&self) -> [f32; PIXELS] {
        let mut input = [0.0; PIXELS];
        for (pair, byte) in input.chunks_exact_mut(2).zip(self.0) {
            pair[0] = f32::from(byte & 15) / 15.0;
            pair[1] = f32::from(byte >> 4) / 15.0;
        }
        input
    }
}

/// A device and what it knows.
pub struct Device<'a> {
    factory: &'a Factory,
    net: Net<'a>,
    trainer: BatchTrainer<Net<'a>, CrossEntropy>,
    seen: ReplayBuffer<Image, u8, SHOWN>,
    rng: Pcg32,
}

impl<'a> Device<'a> {
    /// Bytes of memory.
    pub const BYTES: usize = size_of::<Self>();

    /// As it leaves the factory.
    #[inline]
    pub fn new(factory: &'a Factory) -> Self {
        Self {
            factory,
            net: Net::new(Frozen::new(factory.first()), factory.rest().clone()),
            trainer: BatchTrainer::new(),
            seen: ReplayBuffer::new(),
            rng: Pcg32::seed_from_u64(1),
        }
    }

    /// Its network, to be kept in flash.
    #[inline]
    pub fn net(&self) -> &Net<'a> {
        &self.net
    }

    /// Its network, to be taken from flash.
    #[inline]
    pub fn net_mut(&mut self) -> &mut Net<'a> {
        &mut self.net
    }

    /// The digit that it reads.
    #[inline]
    pub fn read(&self, image: &Image) -> Option<usize> {
        argmax(&self.net.forward(&image.input()))
    }

    /// Learns a labelled image, together with some of those seen before, and of upright ones: their
    /// bytes, one after the other.
    #[inline]
    pub fn learn(&mut self, image: &Image, digit: u8, upright: &[u8]) {
        self.seen.push_reservoir((*image, digit), &mut self.rng);
        for _ in 0..STEPS {
            self.accumulate(image, digit);
            let drawn = self.seen.draw(1, &mut self.rng).next().copied();
            if let Some((image, digit)) = drawn {
                self.accumulate(&image, digit);
            }
            for _ in 0..OF_UPRIGHT {
                let Some(image) = chosen(upright, &mut self.rng) else { break };
                let input = image.input();
                self.trainer.accumulate(&self.net, &input, &self.factory.forward(&input));
            }
            self.trainer.apply(&mut self.net, &SGD);
        }
    }

    #[inline]
    fn accumulate(&mut self, image: &Image, digit: u8) {
        if let Some(target) = one_hot(digit.into()) {
            self.trainer.accumulate(&self.net, &image.input(), &target);
        }
    }
}

/// One of the images, all equally likely but for one part in 2^32.
#[inline]
fn chosen(images: &[u8], rng: &mut Pcg32) -> Option<Image> {
    let product = u64::from(rng.next_u32()) * (images.len() / IMAGE) as u64;
    let start = (product >> 32) as usize * IMAGE;
    Some(Image(*images.get(start..)?.first_chunk()?))
}

/// Labelled images, one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Labelled<'b>(pub &'b [u8]);

impl<'b> Labelled<'b> {
    /// Each image with its digit.
    #[inline]
    pub fn iter(self) -> impl Iterator<Item = (Image, u8)> + 'b {
        self.0.chunks_exact(LABELLED).filter_map(|bytes| {
            let (digit, image) = bytes.split_last()?;
            Some((Image(image.try_into().ok()?), *digit))
        })
    }

    /// How many of them a device reads right.
    #[inline]
    pub fn right(self, device: &Device<'_>) -> usize {
        self.iter().filter(|(image, digit)| device.read(image) == Some((*digit).into())).count()
    }
}
