//! Dropout, a regularisation for training.

use core::fmt;
use core::marker::PhantomData;

use super::{Deltas, Layer, LayerTrace, Real, Samples};
use crate::activation::{Activation, Identity};
use crate::fingerprint::{fingerprint, size};
use crate::format::{Format, FormatValue, SlopeFormat};
use crate::number::Number;
use crate::shape::{Element, Shape};
use crate::zero::Zero;

/// Dropout against overfitting: in training within `init::with_dropout`, each
/// value of an array `X` becomes 0 with the probability `p = NUMERATOR / DENOMINATOR`, and the others
/// are multiplied by `1 / (1 - p)` (inverted scaling). Everywhere else it changes nothing: `y = x`.
///
/// | name     | shape | meaning                                                           |
/// |----------|-------|-------------------------------------------------------------------|
/// | `x`, `y` | `X`   | input and output, of any shape                                    |
/// | `p`      |       | 1/2 by default; a fraction of 1 or more does not compile          |
///
/// Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, JMLR 15 (2014). Has no parameters, and
/// no activation: it stands after a layer, and drops its outputs.
///
/// Which values are dropped is a function of a seed and of the input, the same in the forward and the
/// backward pass of a step; so each sample of a batch has values of its own, the same with and without
/// tiles. The seed is in the layer, 8 bytes, and it is 0, for none, except inside of `with_dropout`.
/// [`forward`](Layer::forward) and [`forward_all`](Layer::forward_all) never drop a value.
///
/// In fixed point, `1 / (1 - p)` has 10 fraction bits and is below 32, and a value ends at ±64.
///
/// ```
/// use gradlet::prelude::*;
///
/// type Net = Chain<Dense<4, 16, Relu>, Chain<Dropout<[f32; 16], 1, 5>, Dense<16, 3, Softmax>>>;
/// assert_eq!(Net::PARAMS, (4 * 16 + 16) + (16 * 3 + 3));
/// assert_eq!(Dropout::<[f32; 2]>::new().forward(&[1.0, 2.0]), [1.0, 2.0]);
/// ```
///
/// ```compile_fail,E0080
/// use gradlet::prelude::*;
///
/// static ALL: Dropout<[f32; 2], 2, 2> = Dropout::new(); // would drop everything
/// ```
pub struct Dropout<X, const NUMERATOR: u32 = 1, const DENOMINATOR: u32 = 2> {
    /// 0: drops nothing.
    seed: u64,
    shape: PhantomData<X>,
}

impl<X, const NUMERATOR: u32, const DENOMINATOR: u32> Dropout<X, NUMERATOR, DENOMINATOR> {
    /// A layer that drops nothing until `init::with_dropout`.
    #[must_use]
    pub const fn new() -> Self {
        const { assert!(NUMERATOR < DENOMINATOR, "the share that is dropped must be below 1") };
        Self { seed: 0, shape: PhantomData }
    }
}

/// `SplitMix64` (Steele, Lea, Flood, OOPSLA 2014): the next number.
#[inline]
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl<X: Shape, const NUMERATOR: u32, const DENOMINATOR: u32> Dropout<X, NUMERATOR, DENOMINATOR> {
    /// Copies values; drops those that the seed and the `input` of the layer say, and scales the
    /// others.
    fn drop_some<T: Element>(
        &self,
        input: &X,
        from: &[T],
        to: &mut [T],
        copy: impl Fn(T) -> T,
        scale: impl Fn(T) -> T,
    ) {
        if self.seed == 0 {
            to.iter_mut().zip(from).for_each(|(to, &from)| *to = copy(from));
            return;
        }
        // FNV-1a, of the bytes of all values.
        let mut hash = 0xcbf2_9ce4_8422_2325;
        for value in input.as_slice() {
            for &byte in Element::to_le_bytes(*value).as_ref() {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
        }
        let mut state = self.seed ^ next(&mut hash);
        for (to, &from) in to.iter_mut().zip(from) {
            // Uniform in 0..DENOMINATOR, but for 2^-32.
            let product = (next(&mut state) >> 32).wrapping_mul(u64::from(DENOMINATOR));
            *to = if product >> 32 < u64::from(NUMERATOR) { T::ZERO } else { scale(from) };
        }
    }

    /// The factor of what is kept.
    fn kept<F: SlopeFormat>() -> F::Weight {
        F::ratio(DENOMINATOR, DENOMINATOR.wrapping_sub(NUMERATOR))
    }
}

impl<X, const NUMERATOR: u32, const DENOMINATOR: u32> Zero for Dropout<X, NUMERATOR, DENOMINATOR> {
    const ZERO: Self = Self::new();
}

impl<X, const NUMERATOR: u32, const DENOMINATOR: u32> Default
    for Dropout<X, NUMERATOR, DENOMINATOR>
{
    fn default() -> Self {
        Self::new()
    }
}

/// A copy drops nothing, also if it is made inside of `init::with_dropout`.
impl<X, const NUMERATOR: u32, const DENOMINATOR: u32> Clone for Dropout<X, NUMERATOR, DENOMINATOR> {
    fn clone(&self) -> Self {
        Self::new()
    }
}

/// All are equal: the seed is not compared.
impl<X, const NUMERATOR: u32, const DENOMINATOR: u32> PartialEq
    for Dropout<X, NUMERATOR, DENOMINATOR>
{
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<X, const NUMERATOR: u32, const DENOMINATOR: u32> fmt::Debug
    for Dropout<X, NUMERATOR, DENOMINATOR>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dropout({NUMERATOR} / {DENOMINATOR})")
    }
}

#[cfg(feature = "defmt")]
impl<X, const NUMERATOR: u32, const DENOMINATOR: u32> defmt::Format
    for Dropout<X, NUMERATOR, DENOMINATOR>
{
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Dropout({} / {})", NUMERATOR, DENOMINATOR);
    }
}

impl<V, X, const NUMERATOR: u32, const DENOMINATOR: u32> Layer
    for Dropout<X, NUMERATOR, DENOMINATOR>
where
    V: FormatValue<Format: SlopeFormat>,
    X: Shape<Element = V>,
    Identity: Activation<V::Format>,
{
    type Format = V::Format;
    type Input = X;
    type Output = X;
    type Activation = Identity;
    type Trace = LayerTrace<V::Format, X, Identity>;
    type Gradient = ();
    const MACS: usize = 0;
    const UNITS: usize = 1;
    const FINGERPRINT: u32 =
        fingerprint("Dropout", &[size(X::LEN), NUMERATOR, DENOMINATOR, V::Format::FINGERPRINT]);

    /// Drops nothing.
    #[inline]
    fn logits(&self, input: &X, logits: &mut X) {
        logits.clone_from(input);
    }

    fn forward_trace<const K: usize>(
        &self,
        inputs: [&X; K],
        traces: [&mut Self::Trace; K],
    ) -> [Real<Self>; K] {
        let mut inputs = inputs.into_iter();
        traces.map(|trace| {
            let Some(input) = inputs.next() else { return Number::NAN };
            let from = input.as_slice();
            let (to, kept) = (trace.output_mut().as_mut_slice(), Self::kept::<V::Format>());
            self.drop_some(input, from, to, |x| x, |x| V::Format::slope(kept, x));
            // Of the input: what is dropped may be NaN.
            V::Format::check_all(from)
        })
    }

    fn input_gradient<const K: usize>(
        &self,
        samples: Samples<'_, Self, K>,
        gradients: Deltas<'_, Self, K>,
    ) {
        for ((input, trace), gradient) in samples.iter().zip(gradients) {
            gradient.scale = V::Format::back_scale(trace.delta().scale);
            let (from, to) = (trace.delta().values.as_slice(), gradient.values.as_mut_slice());
            let kept = Self::kept::<V::Format>();
            self.drop_some(input, from, to, V::Format::unchanged, |d| {
                V::Format::add_back(V::Format::empty(), kept, d)
            });
        }
    }

    fn seed_dropout(&mut self, seeds: &mut impl FnMut() -> u64) {
        self.seed = seeds();
    }
}
