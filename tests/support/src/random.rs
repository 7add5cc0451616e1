//! Random numbers, networks and samples that are the same on every run.

use gradlet::{
    Activation, BatchNorm, Beside, BiasOnly, Biased, Chain, Channels, Compact, Conv1d, Conv2d,
    Dense, Dropout, Embedding, Flatten, FlattenChannelsLast, Frozen, Fused, GlobalMax, GlobalMean,
    Hidden, Kind, LastStep, Layer, LayerNorm, MaxPool1d, MaxPool2d, MeanPool1d, MeanPool2d, Number,
    PRelu, Parallel, Recompute, Recurrent, Residual, Scalar, Shape, Shortcut, Skip, Takes, Zero,
};

use super::Bare;

/// `SplitMix64`: Steele, Lea, Flood, OOPSLA 2014.
#[derive(Clone)]
pub struct Rng(pub u64);

impl Rng {
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in `0.0..1.0`.
    pub fn unit(&mut self) -> f64 {
        (self.word() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform in `low..high`.
    pub fn range(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    #[inline(never)]
    pub fn array<T: Scalar, const N: usize>(&mut self, low: f64, high: f64) -> [T; N] {
        core::array::from_fn(|_| T::from_f64(self.range(low, high)))
    }

    /// An array of any number of dimensions.
    #[inline(never)]
    pub fn shape<S: Shape<Element: Scalar>>(&mut self, low: f64, high: f64) -> S {
        let mut shape = S::ZERO;
        let values = shape.as_mut_slice().iter_mut();
        values.for_each(|value| *value = Number::from_f64(self.range(low, high)));
        shape
    }
}

/// Networks with random parameters: weights within `+-2 / sqrt(IN)`, so that sums stay near 1
/// whatever the size, and biases within `-0.5..1`, so that few rectifiers are dead.
pub trait Random {
    fn random(rng: &mut Rng) -> Self;
}

impl<const IN: usize, const OUT: usize, A: Activation<T>, T: Scalar> Random
    for Dense<IN, OUT, A, T>
{
    #[inline(never)]
    fn random(rng: &mut Rng) -> Self {
        let size = 2.0 / (IN as f64).sqrt();
        Self::new(core::array::from_fn(|_| rng.array(-size, size)), rng.array(-0.5, 1.0))
    }
}

impl<const IN: usize, const OUT: usize, A: Activation<T>, T: Scalar> Random
    for Bare<IN, OUT, A, T>
{
    #[inline(never)]
    fn random(rng: &mut Rng) -> Self {
        let size = 2.0 / (IN as f64).sqrt();
        Self::new(core::array::from_fn(|_| rng.array(-size, size)))
    }
}

/// A layer whose outputs see so many inputs.
#[inline(never)]
fn filled<T: Scalar, L: Layer<Format = T> + Zero>(inputs: usize, rng: &mut Rng) -> L {
    let size = 2.0 / (inputs as f64).sqrt();
    let mut layer = L::ZERO;
    layer.visit_mut(|tensor, values| {
        let (low, high) = if tensor.kind == Kind::Weight { (-size, size) } else { (-0.5, 1.0) };
        values.iter_mut().for_each(|value| *value = T::from_f64(rng.range(low, high)));
    });
    layer
}

macro_rules! convolutions {
    ($($Conv:ident [$($size:ident)+] [$($option:ident)+] $inputs:expr;)+) => { $(
        impl<$(const $size: usize,)+ A: Activation<T>, T: Scalar, $(const $option: usize),+> Random
            for $Conv<$($size,)+ A, T, $($option),+>
        {
            fn random(rng: &mut Rng) -> Self {
                filled($inputs, rng)
            }
        }
    )+ };
}
convolutions! {
    Conv1d [L C OUT K M] [STEP PADDING DILATION GROUP] GROUP * K;
    Conv2d [H W C OUT KH KW MH MW] [SH SW PH PW DH DW GROUP] GROUP * KH * KW;
}

impl<K, X, Y, const C: usize, const H: usize, const G: usize, T: Scalar, const R: usize> Random
    for Recurrent<K, X, Y, C, H, G, T, R>
where
    Self: Layer<Format = T> + Zero,
{
    fn random(rng: &mut Rng) -> Self {
        let mut layer: Self = filled(C + H, rng);
        // Also one that is no parameter.
        for value in layer.initial_state_mut().as_flattened_mut() {
            *value = T::from_f64(rng.range(-1.0, 1.0));
        }
        layer
    }
}

/// Layers without parameters.
macro_rules! constant {
    ($([$($generics:tt)*] $Layer:ty;)+) => { $(
        impl<$($generics)*> Random for $Layer {
            fn random(_: &mut Rng) -> Self {
                Self::new()
            }
        }
    )+ };
}
constant! {
    [const L: usize, const C: usize, const K: usize, const M: usize, T, const STEP: usize]
        MaxPool1d<L, C, K, M, T, STEP>;
    [const L: usize, const C: usize, const K: usize, const M: usize, T, const STEP: usize]
        MeanPool1d<L, C, K, M, T, STEP>;
    [const H: usize, const W: usize, const C: usize, const KH: usize, const KW: usize,
        const MH: usize, const MW: usize, T, const SH: usize, const SW: usize]
        MaxPool2d<H, W, C, KH, KW, MH, MW, T, SH, SW>;
    [const H: usize, const W: usize, const C: usize, const KH: usize, const KW: usize,
        const MH: usize, const MW: usize, T, const SH: usize, const SW: usize]
        MeanPool2d<H, W, C, KH, KW, MH, MW, T, SH, SW>;
    [X] GlobalMean<X>;
    [X] GlobalMax<X>;
    [X] LastStep<X>;
    [X, const N: usize] Flatten<X, N>;
    [X, const N: usize] FlattenChannelsLast<X, N>;
}

impl<L: Random> Random for Frozen<L> {
    #[inline(never)]
    fn random(rng: &mut Rng) -> Self {
        Self::new(L::random(rng))
    }
}

impl<L: Random> Random for Recompute<L> {
    #[inline(never)]
    fn random(rng: &mut Rng) -> Self {
        Self::new(L::random(rng))
    }
}

impl<L: Random, const PACKED: usize> Random for Compact<L, PACKED> {
    #[inline(never)]
    fn random(rng: &mut Rng) -> Self {
        Self::new(L::random(rng))
    }
}

impl<C: Random, P: Zero> Random for Fused<C, P> {
    #[inline(never)]
    fn random(rng: &mut Rng) -> Self {
        Self::new(C::random(rng))
    }
}

impl<L: Random + Biased> Random for BiasOnly<L> {
    #[inline(never)]
    fn random(rng: &mut Rng) -> Self {
        Self::new(L::random(rng))
    }
}

impl<F, R> Random for Chain<F, R>
where
    F: Layer<Activation: Hidden> + Random,
    R: Takes<F::Output, F::Format> + Random,
{
    #[inline(never)]
    fn random(rng: &mut Rng) -> Self {
        let first = F::random(rng);
        Self::new(first, R::random(rng))
    }
}

impl Random for Skip {
    fn random(_: &mut Rng) -> Self {
        Self
    }
}

impl<L, P, A> Random for Residual<L, P, A>
where
    L: Layer + Random,
    P: Shortcut<L::Input, L::Output, L::Format> + Random,
    A: Activation<L::Format>,
{
    #[inline(never)]
    fn random(rng: &mut Rng) -> Self {
        let layer = L::random(rng);
        Self::with_projection(layer, P::random(rng))
    }
}

impl<A, B, const N: usize> Random for Parallel<A, B, N>
where
    A: Layer + Random,
    B: Beside<A::Input, A::Format> + Random,
{
    #[inline(never)]
    fn random(rng: &mut Rng) -> Self {
        let first = A::random(rng);
        Self::new(first, B::random(rng))
    }
}

/// With positive variances.
impl<const C: usize, A, T, X, const E: u32> Random for BatchNorm<C, A, X, E>
where
    T: Scalar,
    X: Channels<C, Element = T>,
{
    #[inline(never)]
    fn random(rng: &mut Rng) -> Self {
        let (weight, bias) = (rng.array(-1.5, 1.5), rng.array(-0.5, 1.0));
        Self::new(weight, bias, rng.array(-1.0, 1.0), rng.array(0.25, 2.0))
    }
}

impl<const C: usize, A, T, X, const E: u32> Random for LayerNorm<C, A, X, E>
where
    T: Scalar,
    X: Channels<C, Element = T>,
{
    #[inline(never)]
    fn random(rng: &mut Rng) -> Self {
        Self::new(rng.array(-1.5, 1.5), rng.array(-0.5, 1.0))
    }
}

impl<const L: usize, const N: usize, const D: usize, T: Scalar> Random for Embedding<L, N, D, T> {
    #[inline(never)]
    fn random(rng: &mut Rng) -> Self {
        Self::new(rng.shape(-1.0, 1.0))
    }
}

impl<const N: usize, T: Scalar, X: Shape<Element = T>> Random for PRelu<N, X> {
    #[inline(never)]
    fn random(rng: &mut Rng) -> Self {
        Self::new(rng.array(-0.75, 0.75))
    }
}

impl<X, const N: u32, const D: u32> Random for Dropout<X, N, D> {
    fn random(_: &mut Rng) -> Self {
        Self::new()
    }
}
