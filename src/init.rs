//! Random weights to start from, and shuffling, from any `rand_core` generator.
//!
//! Hidden units that start equal stay equal, so a network with hidden layers needs random weights.
//! Their size keeps the signal from growing or fading on its way through the layers:
//!
//! | activation of the layer | initialiser |
//! |---|---|
//! | [`Sigmoid`], [`Tanh`], [`Softmax`], [`Identity`] | [`xavier_uniform`], [`xavier_normal`]; [`lecun_uniform`], [`lecun_normal`] |
//! | [`Relu`], [`LeakyRelu`], [`Elu`], [`Gelu`], [`Silu`], [`Softplus`] | [`he_uniform`], [`he_normal`] |
//!
//! A start is a matter of luck too. Of 1,000 starts with [`xavier_uniform`], a 2-2-1 network with
//! tanh hidden units learned XOR from 48.7 %, a 2-4-1 network from 98.8 %; with [`he_uniform`] it
//! was 41.9 % and 98.7 %. `cargo run --release --features rand_core --example xor` counts them.
//!
//! Each fills all weights of a network in place and sets its biases to zero. What a layer of your
//! own calls [`Kind::Other`] stays as it is, and so does what is [`Frozen`].
//!
//! The weights depend on the generator's numbers alone: the same seed gives the same bits on every
//! target. They are drawn in the order in which [`Layer::TENSORS`] shows them: layer by layer
//! from the input on, `[input][output]` within a layer. An `f32` network takes numbers of 24 random
//! bits from `next_u32`, an `f64` network numbers of 53 bits from `next_u64`, and neither computes
//! in the other's type. So one seed does not give both the same weights.
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
//! [`Generator`] is `Rng` of `rand_core` 0.10, which `rand` 0.10 has. The generators of `rand` 0.9 and
//! of many HALs implement an older version, which is another trait to the compiler. A wrapper makes
//! a generator of any function that returns 32 random bits:
//!
//! ```
//! use core::convert::Infallible;
//! use gradlet::{init, prelude::*};
//! use rand_core::{TryRng, utils}; // rand_core = { version = "0.10", default-features = false }
//!
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
//! # struct Hal(u32);
//! # impl Hal {
//! #     fn next_u32(&mut self) -> u32 {
//! #         self.0 = self.0.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
//! #         self.0
//! #     }
//! # }
//! # let mut hal = Hal(1);
//! let mut net = Mlp::<2, 4, 1>::ZERO;
//! init::xavier_uniform(&mut net, &mut FromWords(|| hal.next_u32()));
//! assert_ne!(net, Mlp::ZERO);
//! ```
//!
//! [`Sigmoid`]: crate::Sigmoid
//! [`Tanh`]: crate::Tanh
//! [`Softmax`]: crate::Softmax
//! [`Identity`]: crate::Identity
//! [`Relu`]: crate::Relu
//! [`LeakyRelu`]: crate::LeakyRelu
//! [`Elu`]: crate::Elu
//! [`Gelu`]: crate::Gelu
//! [`Silu`]: crate::Silu
//! [`Softplus`]: crate::Softplus
//! [`Frozen`]: crate::Frozen

use core::mem;

use rand_core::Rng;

use crate::layer::Layer;
use crate::scalar::Scalar;
use crate::tensors::Kind;

/// A random choice that fails is tried again this often at most, so that a generator that is stuck
/// cannot hang the program. By chance it happens with a probability below 2^-64.
const TRIES: u32 = 64;

/// A generator of random numbers: every [`Rng`] of `rand_core` 0.10, and nothing else.
///
/// Implemented for all of them, so there is nothing to do. Bounds of your own can name either. For
/// a generator that implements another version of `rand_core`, see the
/// [module](self#generators-of-another-rand_core).
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
    message = "`{Self}` is no random number generator of `rand_core` 0.10",
    label = "does not implement `rand_core` 0.10",
    note = "if it implements another version, as `rand` 0.9 and many HALs do, wrap it: \
            see the documentation of `gradlet::init`"
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
        pub fn $name<T: Scalar, N: Layer<Format = T>>(net: &mut N, rng: &mut (impl Generator + ?Sized)) {
            $fill(net, |inputs, outputs| size($numerator, $fan(inputs, outputs)), rng);
        }
    };
}

initialiser! {
    /// Weights uniform in `-a..=a` with `a = sqrt(6 / (inputs + outputs))`.
    ///
    /// Glorot, Bengio, AISTATS 2010, equation 16. One draw for each weight.
    xavier_uniform: fill_uniform, 6 / both
}
initialiser! {
    /// Weights normal with mean 0 and variance `2 / (inputs + outputs)`.
    ///
    /// The variance of Glorot, Bengio, AISTATS 2010, equation 12. Draws as [`normal`] does.
    xavier_normal: fill_normal, 2 / both
}
initialiser! {
    /// Weights uniform in `-a..=a` with `a = sqrt(6 / inputs)`.
    ///
    /// The variance of He, Zhang, Ren, Sun, ICCV 2015, equation 10. One draw for each weight.
    he_uniform: fill_uniform, 6 / inputs
}
initialiser! {
    /// Weights normal with mean 0 and variance `2 / inputs`.
    ///
    /// He, Zhang, Ren, Sun, ICCV 2015, equation 10. Draws as [`normal`] does.
    he_normal: fill_normal, 2 / inputs
}
initialiser! {
    /// Weights uniform in `-a..=a` with `a = sqrt(3 / inputs)`.
    ///
    /// The variance of LeCun, Bottou, Orr, Müller, Efficient BackProp (1998), equation 16. One draw
    /// for each weight.
    lecun_uniform: fill_uniform, 3 / inputs
}
initialiser! {
    /// Weights normal with mean 0 and variance `1 / inputs`.
    ///
    /// LeCun, Bottou, Orr, Müller, Efficient BackProp (1998), equation 16. Draws as [`normal`] does.
    lecun_normal: fill_normal, 1 / inputs
}

/// Weights uniform in `-limit..=limit`, never exactly 0 unless `limit` is; biases zero.
///
/// `limit` is finite and 0 or more; NaN or infinity makes all weights NaN or infinite, which
/// [`is_finite`](crate::is_finite) tells. One draw for each weight.
///
/// ```
/// use gradlet::{init, prelude::*};
/// use rand_pcg::{Pcg32, rand_core::SeedableRng};
///
/// let mut net = Dense::<3, 2>::ZERO;
/// init::uniform(&mut net, 0.5, &mut Pcg32::seed_from_u64(7));
/// assert!(net.weights().as_flattened().iter().all(|w| w.abs() <= 0.5));
/// ```
pub fn uniform<T: Scalar, N: Layer<Format = T>>(
    net: &mut N,
    limit: T,
    rng: &mut (impl Generator + ?Sized),
) {
    fill_uniform(net, |_, _| limit, rng);
}

/// Weights normal with mean 0 and the given standard deviation, not truncated; biases zero.
///
/// `deviation` is as `limit` in [`uniform`]. By the polar method of Marsaglia, Bray, SIAM Review 6
/// (1964), which needs a logarithm and a square root for two weights, and no sine. It draws two
/// numbers at a time until they are the coordinates of a point in the unit circle: 1.27 draws for
/// each weight in the mean.
///
/// ```
/// use gradlet::{init, prelude::*};
/// use rand_pcg::{Pcg32, rand_core::SeedableRng};
///
/// let mut net = Dense::<3, 2>::ZERO;
/// init::normal(&mut net, 0.01, &mut Pcg32::seed_from_u64(7));
/// assert!(net.weights().as_flattened().iter().all(|w| w.abs() < 0.1));
/// ```
pub fn normal<T: Scalar, N: Layer<Format = T>>(
    net: &mut N,
    deviation: T,
    rng: &mut (impl Generator + ?Sized),
) {
    fill_normal(net, |_, _| deviation, rng);
}

/// Weights and biases zero, in place; [`Kind::Other`] stays as it is. Draws nothing.
///
/// For a network of one layer, or to begin again. A network with hidden layers does not learn from
/// here.
///
/// ```
/// use gradlet::{init, prelude::*};
///
/// let mut net = Dense::<1, 1>::new([[0.5]], [0.5]);
/// init::zeros(&mut net);
/// assert_eq!(net, Dense::ZERO);
/// ```
pub fn zeros<T: Scalar, N: Layer<Format = T>>(net: &mut N) {
    fill(net, |_, _| (), |()| T::ZERO);
}

/// Puts `items` in random order, each order as likely as any other.
///
/// The algorithm of Fisher and Yates, as Durstenfeld has it, Communications of the ACM 7 (1964),
/// with the unbiased choice of Lemire, ACM Transactions on Modeling and Computer Simulation 29
/// (2019). Draws one number for each item but the first, and again with a probability of less than
/// `items.len() / 2^32` each time. More than 2^32 items are shuffled too, but not evenly.
///
/// Shuffle the numbers of the examples rather than the examples, if those are large or in flash.
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

/// A number in `0..bound`, all equally likely; draws nothing if `bound` is 0 or 1.
pub(crate) fn below(bound: u32, rng: &mut (impl Rng + ?Sized)) -> u32 {
    if bound <= 1 {
        return 0;
    }
    // The upper half of the product is the choice. Of the lower halves the first 2^32 % bound are
    // refused, which leaves the same number of them to each choice.
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
fn size<T: Scalar>(numerator: u32, fan: usize) -> T {
    (T::from_u32(numerator) / T::from_u32(u32::try_from(fan).unwrap_or(u32::MAX))).sqrt()
}

/// Sets each weight to `draw(size(inputs, outputs))`, each bias to zero.
fn fill<T: Scalar, N: Layer<Format = T>, S: Copy>(
    net: &mut N,
    size: impl Fn(usize, usize) -> S,
    mut draw: impl FnMut(S) -> T,
) {
    net.visit_mut(|tensor, values| match tensor.kind {
        Kind::Weight => {
            let (inputs, outputs) = tensor.fans();
            let size = size(inputs, outputs);
            values.fill_with(|| draw(size));
        }
        Kind::Bias => values.fill(T::ZERO),
        Kind::Other => {}
    });
}

fn fill_uniform<T: Scalar, N: Layer<Format = T>>(
    net: &mut N,
    limit: impl Fn(usize, usize) -> T,
    rng: &mut (impl Rng + ?Sized),
) {
    fill(net, limit, |limit| limit * symmetric(rng));
}

fn fill_normal<T: Scalar, N: Layer<Format = T>>(
    net: &mut N,
    deviation: impl Fn(usize, usize) -> T,
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
        deviation * number
    });
}

/// Two independent normal numbers of mean 0 and variance 1.
fn normal_pair<T: Scalar>(rng: &mut (impl Rng + ?Sized)) -> (T, T) {
    for _ in 0..TRIES {
        let (u, v) = (symmetric::<T>(rng), symmetric::<T>(rng));
        let square = u * u + v * v;
        if square < T::ONE {
            // Neither u nor v is ever 0, so the logarithm is finite.
            let log = square.ln();
            let factor = (-(log + log) / square).sqrt();
            return (u * factor, v * factor);
        }
    }
    (T::ZERO, T::ZERO)
}

/// A number in `-1..1`, both ends excluded: an odd multiple of 2^-24 (`f32`) or 2^-53 (`f64`), so
/// exact, symmetric and never 0. One draw: its first bit is the sign.
fn symmetric<T: Scalar>(rng: &mut (impl Rng + ?Sized)) -> T {
    let (positive, size) = if const { size_of::<T>() <= size_of::<f32>() } {
        let bits = rng.next_u32() >> 8;
        let odd = ((bits << 1) & 0x00FF_FFFF) | 1;
        (bits >> 23 == 1, T::from_u32(odd) / T::from_u32(1 << 24))
    } else {
        let bits = rng.next_u64() >> 11;
        let odd = ((bits << 1) & 0x001F_FFFF_FFFF_FFFF) | 1;
        let (high, low) = (T::from_u32(lower(odd >> 32)), T::from_u32(lower(odd)));
        let half_word = T::from_u32(1 << 16);
        (bits >> 52 == 1, (high + low / half_word / half_word) / T::from_u32(1 << 21))
    };
    if positive { size } else { -size }
}
