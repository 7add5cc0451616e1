//! Weight initialisation and shuffling, with any `rand_core` generator.
//!
//! Hidden units with equal initial weights stay equal, so a network with hidden layers needs random
//! weights. Their variance keeps the signal from growing or vanishing from layer to layer:
//!
//! | activation of the layer | initialiser |
//! |---|---|
//! | [`Sigmoid`], [`Tanh`], [`HardTanh`], [`Softsign`], [`Softmax`], [`Identity`] | [`xavier_uniform`], [`xavier_normal`]; [`lecun_uniform`], [`lecun_normal`] |
//! | [`Relu`], [`Relu6`], [`LeakyRelu`], [`Elu`], [`Gelu`], [`Silu`], [`HardSwish`], [`Softplus`] | [`he_uniform`], [`he_normal`] |
//! | [`Selu`] | [`lecun_normal`] |
//!
//! Success also depends on the seed. Of 1,000 random initialisations with [`xavier_uniform`], a
//! 2-2-1 network with tanh hidden units learned XOR from 48.7 %, a 2-4-1 network from 98.8 %; with
//! [`he_uniform`] it was 41.9 % and 98.7 %.
//! `cargo run --release -p examples --bin xor` counts them.
//!
//! Each initialises all weights of a network in place and sets its biases to zero. Tensors that a
//! layer declares as [`Kind::Other`] or [`Kind::Buffer`], and [`Frozen`] layers, are unchanged.
//!
//! The weights depend only on the generator: the same seed gives the same bits on every target.
//! They are drawn in the order of [`Layer::TENSORS`]: layer by layer from the input on,
//! `[input][output]` within a layer. An `f32` network uses 24 random bits of `next_u32` for each
//! number, an `f64` network 53 bits of `next_u64`, and neither computes in the other's type. So the
//! same seed gives them different weights. A [`Fixed`] network draws as one of `f32`: from a uniform
//! distribution it gets the same weights, rounded.
//!
//! ```
//! use gradlet::{init, prelude::*};
//! use rand_pcg::{Pcg32, rand_core::SeedableRng};
//!
//! let mut net = Mlp::<2, 4, 1, Tanh, Sigmoid>::ZERO;
//! init::xavier_uniform(&mut net, &mut Pcg32::seed_from_u64(1));
//! assert_eq!(net.first().bias(), &[0.0; 4]);
//! assert!(net.first().weights().as_flattened().iter().all(|w| *w != 0.0 && w.abs() < 1.0));
//! ```
//!
//! # Generators of another `rand_core`
//!
//! [`Generator`] is `Rng` of `rand_core` 0.10, which `rand` 0.10 uses. The generators of `rand` 0.9
//! implement `rand_core` 0.9, and those of `rand` 0.8 and of many HALs 0.6: other traits to the
//! compiler. A wrapper makes a generator of any function that returns 32 random bits:
//!
//! ```
//! use core::convert::Infallible;
//! use gradlet::{init, prelude::*};
//! use rand_core::{TryRng, utils}; // rand_core = { version = "0.10", default-features = false }
//!
//! /// A generator from a function that returns 32 random bits.
//! struct FromWords<F>(F);
//!
//! impl<F: FnMut() -> u32> TryRng for FromWords<F> {
//!     type Error = Infallible;
//!
//!     fn try_next_u32(&mut self) -> Result<u32, Infallible> {
//!         Ok((self.0)())
//!     }
//!     fn try_next_u64(&mut self) -> Result<u64, Infallible> {
//!         utils::next_u64_via_u32(self)
//!     }
//!     fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
//!         utils::fill_bytes_via_next_word(bytes, || self.try_next_u32())
//!     }
//! }
//!
//! # use rand_core_06::Error;
//! # struct Hal(u32);
//! # impl RngCore for Hal {
//! #     fn next_u32(&mut self) -> u32 {
//! #         self.0 = self.0.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
//! #         self.0
//! #     }
//! #     fn next_u64(&mut self) -> u64 {
//! #         rand_core_06::impls::next_u64_via_u32(self)
//! #     }
//! #     fn fill_bytes(&mut self, bytes: &mut [u8]) {
//! #         rand_core_06::impls::fill_bytes_via_next(self, bytes)
//! #     }
//! #     fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
//! #         Ok(self.fill_bytes(bytes))
//! #     }
//! # }
//! // The trait of `rand_core` 0.6 or 0.9, or of `rand` 0.8 or 0.9: `use rand::RngCore`.
//! use rand_core_06::RngCore;
//!
//! # let mut hal = Hal(1);
//! let mut net = Mlp::<2, 4, 1>::ZERO;
//! init::xavier_uniform(&mut net, &mut FromWords(|| hal.next_u32()));
//! assert_ne!(net, Mlp::ZERO);
//! ```
//!
//! [`Sigmoid`]: crate::Sigmoid
//! [`Tanh`]: crate::Tanh
//! [`HardTanh`]: crate::HardTanh
//! [`Softsign`]: crate::Softsign
//! [`Softmax`]: crate::Softmax
//! [`Identity`]: crate::Identity
//! [`Relu`]: crate::Relu
//! [`Relu6`]: crate::Relu6
//! [`LeakyRelu`]: crate::LeakyRelu
//! [`Elu`]: crate::Elu
//! [`Gelu`]: crate::Gelu
//! [`Silu`]: crate::Silu
//! [`HardSwish`]: crate::HardSwish
//! [`Softplus`]: crate::Softplus
//! [`Selu`]: crate::Selu
//! [`Frozen`]: crate::Frozen
//! [`Fixed`]: crate::Fixed

use core::mem;

use rand_core::Rng;

use crate::format::Nearest;
use crate::layer::Layer;
use crate::number::Number;
use crate::tensors::Kind;
use crate::zero::Zero;

/// Maximum number of tries of a rejection method, so that a stuck generator cannot hang the
/// program. By chance it is reached with a probability below 2^-64.
const TRIES: u32 = 64;

/// A random number generator: every [`Rng`] of `rand_core` 0.10, and nothing else.
///
/// Implemented for all of them; custom bounds can name either. For a generator that implements
/// another version of `rand_core`, see the [module](self#generators-of-another-rand_core).
///
/// ```
/// use gradlet::init::{self, Generator};
/// use rand_pcg::{Pcg32, rand_core::SeedableRng};
///
/// fn dice(rng: &mut (impl Generator + ?Sized)) -> u8 {
///     let mut faces = [1, 2, 3, 4, 5, 6];
///     init::shuffle(&mut faces, rng);
///     faces[0]
/// }
/// assert!((1..=6).contains(&dice(&mut Pcg32::seed_from_u64(7))));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a random number generator of `rand_core` 0.10",
    label = "does not implement `rand_core` 0.10",
    note = "if it implements another version, as the generators of `rand` 0.9 and of many HALs do, \
            wrap it in `FromWords` of the documentation of `gradlet::init`"
)]
pub trait Generator: Rng {}

#[diagnostic::do_not_recommend]
impl<R: Rng + ?Sized> Generator for R {}

macro_rules! initialiser {
    ($(#[$doc:meta])* $name:ident: $fill:ident, $numerator:literal / $fan:expr) => {
        $(#[$doc])*
        ///
        /// ```
        /// use gradlet::{init, prelude::*};
        /// use rand_pcg::{Pcg32, rand_core::SeedableRng};
        ///
        /// let mut net = Mlp::<8, 16, 4>::ZERO;
        #[doc = concat!("init::", stringify!($name), "(&mut net, &mut Pcg32::seed_from_u64(7));")]
        /// assert_ne!(net, Mlp::ZERO);
        /// ```
        pub fn $name<F: Nearest, N: Layer<Format = F>>(net: &mut N, rng: &mut (impl Generator + ?Sized)) {
            $fill(net, |inputs, outputs| size($numerator, $fan(inputs, outputs)), rng);
        }
    };
}

initialiser! {
    /// Xavier (Glorot) initialisation: uniform in `-a..=a` with `a = sqrt(6 / (inputs + outputs))`.
    ///
    /// Glorot, Bengio, AISTATS 2010, equation 16. One draw for each weight.
    xavier_uniform: fill_uniform, 6 / both
}
initialiser! {
    /// Xavier (Glorot) initialisation: normal with mean 0 and variance `2 / (inputs + outputs)`.
    ///
    /// The variance of Glorot, Bengio, AISTATS 2010, equation 12. Draws as [`normal`] does.
    xavier_normal: fill_normal, 2 / both
}
initialiser! {
    /// He (Kaiming) initialisation: uniform in `-a..=a` with `a = sqrt(6 / inputs)`.
    ///
    /// The variance of He, Zhang, Ren, Sun, ICCV 2015, equation 10. One draw for each weight.
    he_uniform: fill_uniform, 6 / inputs
}
initialiser! {
    /// He (Kaiming) initialisation: normal with mean 0 and variance `2 / inputs`.
    ///
    /// He, Zhang, Ren, Sun, ICCV 2015, equation 10. Draws as [`normal`] does.
    he_normal: fill_normal, 2 / inputs
}
initialiser! {
    /// LeCun initialisation: uniform in `-a..=a` with `a = sqrt(3 / inputs)`.
    ///
    /// The variance of LeCun, Bottou, Orr, Müller, Efficient BackProp (1998), equation 16. One draw
    /// for each weight.
    lecun_uniform: fill_uniform, 3 / inputs
}
initialiser! {
    /// LeCun initialisation: normal with mean 0 and variance `1 / inputs`.
    ///
    /// LeCun, Bottou, Orr, Müller, Efficient BackProp (1998), equation 16. Draws as
    /// [`normal`] does.
    lecun_normal: fill_normal, 1 / inputs
}

/// Weights uniform in `-limit..=limit`, never exactly 0 unless `limit` is; biases zero.
///
/// `limit` is finite and 0 or more; NaN or infinity makes all weights NaN or infinite, which
/// [`is_finite`](crate::is_finite) detects. One draw for each weight.
///
/// ```
/// use gradlet::{init, prelude::*};
/// use rand_pcg::{Pcg32, rand_core::SeedableRng};
///
/// let mut net = Dense::<3, 2>::ZERO;
/// init::uniform(&mut net, 0.5, &mut Pcg32::seed_from_u64(7));
/// assert!(net.weights().as_flattened().iter().all(|w| w.abs() <= 0.5));
/// ```
pub fn uniform<F: Nearest, N: Layer<Format = F>>(
    net: &mut N,
    limit: F::Real,
    rng: &mut (impl Generator + ?Sized),
) {
    fill_uniform(net, |_, _| limit, rng);
}

/// Weights normal with mean 0 and the given standard deviation, not truncated; biases zero.
///
/// `deviation` has the range of `limit` in [`uniform`]. Uses the polar method of Marsaglia, Bray,
/// SIAM Review 6 (1964): one logarithm and one square root for two weights, and no sine. It draws
/// pairs of numbers until they are the coordinates of a point in the unit circle: 1.27 draws for
/// each weight on average.
///
/// ```
/// use gradlet::{init, prelude::*};
/// use rand_pcg::{Pcg32, rand_core::SeedableRng};
///
/// let mut net = Dense::<3, 2>::ZERO;
/// init::normal(&mut net, 0.01, &mut Pcg32::seed_from_u64(7));
/// assert!(net.weights().as_flattened().iter().all(|w| w.abs() < 0.1));
/// ```
pub fn normal<F: Nearest, N: Layer<Format = F>>(
    net: &mut N,
    deviation: F::Real,
    rng: &mut (impl Generator + ?Sized),
) {
    fill_normal(net, |_, _| deviation, rng);
}

/// Sets weights and biases to zero, in place; all else is unchanged. Draws nothing.
///
/// For a network of one layer, or to restart. A network with hidden layers cannot be trained from
/// zeros.
///
/// ```
/// use gradlet::{init, prelude::*};
///
/// let mut net = Dense::<1, 1>::new([[0.5]], [0.5]);
/// init::zeros(&mut net);
/// assert_eq!(net, Dense::ZERO);
/// ```
pub fn zeros<F: Nearest, N: Layer<Format = F>>(net: &mut N) {
    fill(net, |_, _| (), |()| Zero::ZERO);
}

/// Shuffles `items` uniformly: each order is equally likely.
///
/// The Fisher-Yates shuffle, as by Durstenfeld, Communications of the ACM 7 (1964), with the
/// unbiased choice of Lemire, ACM Transactions on Modeling and Computer Simulation 29 (2019). Draws
/// one number for each item but the first, and another with a probability of less than
/// `items.len() / 2^32` each time. More than 2^32 items are shuffled too, but not uniformly.
///
/// Shuffle the indices of the examples rather than the examples, if those are large or in flash.
///
/// ```
/// use gradlet::init;
/// use rand_pcg::{Pcg32, rand_core::SeedableRng};
///
/// let mut order = [0, 1, 2, 3, 4];
/// init::shuffle(&mut order, &mut Pcg32::seed_from_u64(7));
/// assert_ne!(order, [0, 1, 2, 3, 4]);
/// order.sort();
/// assert_eq!(order, [0, 1, 2, 3, 4]);
/// ```
pub fn shuffle<X>(items: &mut [X], rng: &mut (impl Generator + ?Sized)) {
    let mut rest = items;
    while let Some((last, before)) = mem::take(&mut rest).split_last_mut() {
        let choices = u32::try_from(before.len().saturating_add(1)).unwrap_or(u32::MAX);
        // The choice after all of `before` is `last` itself, which then stays.
        let chosen = usize::try_from(below(choices, rng)).unwrap_or(usize::MAX);
        if let Some(item) = before.get_mut(chosen) {
            mem::swap(item, last);
        }
        rest = before;
    }
}

/// Trains a network with [`Dropout`]: draws a seed for each such layer, passes the network to `train`,
/// and returns what that returns; after it nothing is dropped.
///
/// Call it for each step or for each epoch. Within one call, an input of a `Dropout` that comes again
/// with the same bits loses the same values: behind a layer that learns, or with other examples, it
/// never does. Evaluate and validate outside of it: [`Trainer::evaluate`](crate::Trainer::evaluate)
/// inside of it drops values too, [`forward`](Layer::forward) never does. Copies made inside of it drop
/// nothing.
///
/// ```
/// use gradlet::{init, prelude::*};
/// use rand_pcg::{Pcg32, rand_core::SeedableRng};
///
/// type Net = Chain<Dense<2, 8, Tanh>, Chain<Dropout<[f32; 8], 1, 4>, Dense<8, 1, Sigmoid>>>;
/// let mut rng = Pcg32::seed_from_u64(1);
/// let mut net = Net::ZERO;
/// init::xavier_uniform(&mut net, &mut rng);
/// let mut trainer = Trainer::<Net, BinaryCrossEntropy>::new();
/// let sgd = Sgd { learning_rate: 0.1 };
/// let examples = [([0.0, 1.0], [1.0]), ([1.0, 0.0], [0.0])];
/// for _ in 0..200 {
///     init::with_dropout(&mut net, &mut rng, |net| {
///         for (x, t) in &examples {
///             trainer.step(net, &sgd, x, t);
///         }
///     });
/// }
/// assert!(net.forward(&[0.0, 1.0])[0] > 0.8 && net.forward(&[1.0, 0.0])[0] < 0.2);
/// ```
///
/// [`Dropout`]: crate::Dropout
pub fn with_dropout<N: Layer, R>(
    net: &mut N,
    rng: &mut (impl Generator + ?Sized),
    train: impl FnOnce(&mut N) -> R,
) -> R {
    /// Clears the seeds when it is dropped, also if `train` panics.
    struct Seeded<'a, N: Layer>(&'a mut N);

    impl<N: Layer> Drop for Seeded<'_, N> {
        fn drop(&mut self) {
            self.0.seed_dropout(&mut || 0);
        }
    }

    let seeded = Seeded(net);
    // Never 0.
    seeded.0.seed_dropout(&mut || rng.next_u64() | 1);
    train(seeded.0)
}

/// A uniform number in `0..bound`; draws nothing if `bound` is 0 or 1.
pub(crate) fn below(bound: u32, rng: &mut (impl Rng + ?Sized)) -> u32 {
    if bound <= 1 {
        return 0;
    }
    // The upper half of the product is the choice. The first 2^32 % bound lower halves are
    // rejected, which leaves each choice the same number of them.
    let refused = bound.wrapping_neg().checked_rem(bound).unwrap_or(0);
    let mut choice = 0;
    for _ in 0..TRIES {
        let product = u64::from(rng.next_u32()).wrapping_mul(u64::from(bound));
        choice = lower(product >> 32);
        if lower(product) >= refused {
            break;
        }
    }
    choice
}

fn lower(number: u64) -> u32 {
    let [a, b, c, d, ..] = number.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

fn inputs(inputs: usize, _outputs: usize) -> usize {
    inputs
}

fn both(inputs: usize, outputs: usize) -> usize {
    inputs.saturating_add(outputs)
}

/// `sqrt(numerator / fan)`.
fn size<T: Number>(numerator: u32, fan: usize) -> T {
    (T::from_u32(numerator) / T::from_u32(u32::try_from(fan).unwrap_or(u32::MAX))).sqrt()
}

/// Sets each weight to `draw(size(inputs, outputs))`, each bias to zero.
fn fill<F: Nearest, N: Layer<Format = F>, S: Copy>(
    net: &mut N,
    size: impl Fn(usize, usize) -> S,
    mut draw: impl FnMut(S) -> F::Weight,
) {
    net.visit_mut(|tensor, values| match tensor.kind {
        Kind::Weight => {
            let (inputs, outputs) = tensor.fans();
            let size = size(inputs, outputs);
            values.fill_with(|| draw(size));
        }
        Kind::Bias => values.fill(Zero::ZERO),
        Kind::Other | Kind::Buffer => {}
    });
}

#[allow(clippy::arithmetic_side_effects, reason = "of floats, or it saturates")]
fn fill_uniform<F: Nearest, N: Layer<Format = F>>(
    net: &mut N,
    limit: impl Fn(usize, usize) -> F::Real,
    rng: &mut (impl Rng + ?Sized),
) {
    fill(net, limit, |limit| F::nearest(limit * symmetric(rng)));
}

#[allow(clippy::arithmetic_side_effects, reason = "of floats, or it saturates")]
fn fill_normal<F: Nearest, N: Layer<Format = F>>(
    net: &mut N,
    deviation: impl Fn(usize, usize) -> F::Real,
    rng: &mut (impl Rng + ?Sized),
) {
    // The second number of each pair.
    let mut other = None;
    fill(net, deviation, |deviation| {
        let number = other.take().unwrap_or_else(|| {
            let (first, second) = normal_pair(rng);
            other = Some(second);
            first
        });
        F::nearest(deviation * number)
    });
}

/// Two independent standard normal numbers.
fn normal_pair<T: Number>(rng: &mut (impl Rng + ?Sized)) -> (T, T) {
    for _ in 0..TRIES {
        let (u, v) = (symmetric::<T>(rng), symmetric::<T>(rng));
        let square = u * u + v * v;
        if square < T::ONE {
            // Neither u nor v is ever 0, so the logarithm is finite.
            let log = square.logarithm();
            let factor = (-(log + log) / square).sqrt();
            return (u * factor, v * factor);
        }
    }
    (T::ZERO, T::ZERO)
}

/// A number in `-1..1`, both ends excluded: an odd multiple of 2^-24, or 2^-53 (`f64`), so
/// exact, symmetric and never 0. One draw: its first bit is the sign.
fn symmetric<T: Number>(rng: &mut (impl Rng + ?Sized)) -> T {
    let (positive, size) = if const { !T::IS_DOUBLE } {
        let bits = rng.next_u32() >> 8;
        let odd = ((bits << 1) & 0x00FF_FFFF) | 1;
        (bits >> 23 == 1, T::from_u32(odd) * T::from_f64(1.0 / 16_777_216.0))
    } else {
        let bits = rng.next_u64() >> 11;
        let odd = ((bits << 1) & 0x001F_FFFF_FFFF_FFFF) | 1;
        let (high, low) = (T::from_u32(lower(odd >> 32)), T::from_u32(lower(odd)));
        let half_word = T::from_u32(1 << 16);
        (bits >> 52 == 1, (high + low / half_word / half_word) / T::from_u32(1 << 21))
    };
    if positive { size } else { -size }
}
