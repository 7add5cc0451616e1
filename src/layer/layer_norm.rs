//! Layer normalisation.

use core::fmt;
use core::marker::PhantomData;

use super::norm::norm_of_vectors;
use super::{Channels, Deltas, Layer, LayerTrace, NormGradient, Samples};
use crate::activation::{Activation, Identity};
use crate::fingerprint::{fingerprint, size};
use crate::format::Format;
use crate::gradient::GradientVisitor;
use crate::kernel::{Both, chunks, chunks_mut};
use crate::scalar::{Scalar, reciprocal};
use crate::shape::Shape;
use crate::tensors;
use crate::tensors::Kind;
use crate::zero::Zero;

/// Layer normalisation: `y = A((x - mean) / sqrt(variance + epsilon) * weight + bias)`, with the mean and
/// the variance of the channels at each position, as `torch.nn.LayerNorm` over the last dimension.
///
/// | name       | shape  | meaning                                                     |
/// |------------|--------|-------------------------------------------------------------|
/// | `x`, `y`   | `X`    | input and output: `[T; C]`, `[[T; C]; L]` or `[[[T; C]; W]; H]` |
/// | `weight`, `bias` | `[C]` | learned; PyTorch's names in files                      |
///
/// Ba, Kiros, Hinton, Layer Normalization, 2016. The variance is the mean of squares, without the
/// correction for its bias. Epsilon is `1 / E`, 1e-5 as in PyTorch by default; Keras has `E = 1000`. Nothing
/// but the output is kept for training: the statistics are computed again.
///
/// A large input whose squares are infinite gives zeros, as in PyTorch; NaN or infinity give NaN.
///
/// ```
/// use gradlet::prelude::*;
///
/// let norm = LayerNorm::<2>::new([1.0, 10.0], [0.0, 0.5]);
/// let [a, b] = norm.forward(&[3.0, 7.0]); // mean 5, deviation 2
/// assert!((a + 1.0).abs() < 1e-5 && (b - 10.5).abs() < 1e-4);
///
/// type Net = net![29 x 12 => Gru(16, all) => LayerNorm Tanh => Gru(8) => 9 Softmax];
/// assert_eq!(Net::TENSORS.parameters(), 1440 + 2 * 16 + 624 + 81);
/// ```
///
/// An array whose last dimension is not `C` does not compile:
///
/// ```compile_fail,E0277
/// use gradlet::prelude::*;
///
/// static NORM: LayerNorm<3, Relu, [[f32; 2]; 3]> = Zero::ZERO;
/// ```
pub struct LayerNorm<const C: usize, A = Identity, X = [f32; C], const E: u32 = 100_000>
where
    X: Channels<C>,
{
    weight: [X::Element; C],
    bias: [X::Element; C],
    activation: PhantomData<A>,
}

impl<const C: usize, A, X: Channels<C>, const E: u32> LayerNorm<C, A, X, E> {
    /// From weights and biases.
    #[must_use]
    pub const fn new(weight: [X::Element; C], bias: [X::Element; C]) -> Self {
        const {
            assert!(C > 0, "a layer normalisation needs channels: C must not be 0");
            assert!(E > 0, "epsilon is 1 / E: E must not be 0");
        }
        Self { weight, bias, activation: PhantomData }
    }

    /// The factors of the normalised values.
    #[must_use]
    pub const fn weight(&self) -> &[X::Element; C] {
        &self.weight
    }

    /// The biases.
    #[must_use]
    pub const fn bias(&self) -> &[X::Element; C] {
        &self.bias
    }
}

norm_of_vectors!(LayerNorm "LayerNorm {{ weight: {}, bias: {} }}": weight ONE, bias ZERO);

/// `(x - mean) / sqrt(variance + 1 / epsilon)`, and the factor `1 / sqrt(variance + 1 / epsilon)`.
#[inline]
fn normalised<T: Scalar, const C: usize>(x: &[T; C], epsilon: u32) -> ([T; C], T) {
    let mean_of = |values: &[T; C]| {
        let sum: T = values.iter().copied().sum();
        sum * reciprocal(C)
    };
    let mean = mean_of(x);
    let mut centred = x.map(|x| x - mean);
    let variance = mean_of(&centred.map(|x| x * x));
    let scale = T::ONE / (variance + T::ONE / T::from_u32(epsilon)).sqrt();
    centred.iter_mut().for_each(|x| *x *= scale);
    (centred, scale)
}

impl<const C: usize, A, T, X, const E: u32> Layer for LayerNorm<C, A, X, E>
where
    A: Activation<T>,
    T: Scalar,
    X: Channels<C, Element = T>,
{
    type Format = T;
    type Input = X;
    type Output = X;
    type Activation = A;
    type Trace = LayerTrace<T, X, A>;
    type Gradient = NormGradient<C, T>;
    const MACS: usize = 3 * X::LEN;
    const FINGERPRINT: u32 = fingerprint(
        "LayerNorm",
        &[size(C), size(X::LEN), E, A::FINGERPRINT, <T as Format>::FINGERPRINT],
    );

    tensors! {
        weight: Other "weight" [C],
        bias: Bias "bias" [C],
    }

    #[inline]
    fn logits(&self, input: &X, logits: &mut X) {
        for (z, x) in Both(logits.positions_mut().iter_mut(), input.positions().iter()) {
            let channels = Both(self.weight.iter(), self.bias.iter());
            *z = normalised(x, E).0;
            for (z, (&weight, &bias)) in Both(z.iter_mut(), channels) {
                *z = *z * weight + bias;
            }
        }
    }

    #[inline]
    fn input_gradient<const K: usize>(
        &self,
        samples: Samples<'_, Self, K>,
        gradients: Deltas<'_, Self, K>,
    ) {
        for ((input, trace), gradient) in samples.iter().zip(gradients) {
            let deltas = chunks(trace.delta().values.as_slice(), C);
            let all = chunks_mut(gradient.values.as_mut_slice(), C);
            for (dx, (d, x)) in Both(all, Both(deltas, input.positions().iter())) {
                let (x, scale) = normalised(x, E);
                let (mut sum, mut product) = (T::ZERO, T::ZERO);
                for (dx, ((&d, &weight), &x)) in
                    Both(dx.iter_mut(), Both(Both(d.iter(), self.weight.iter()), x.iter()))
                {
                    *dx = d * weight;
                    sum += *dx;
                    product += *dx * x;
                }
                let (mean, slope) = (sum * reciprocal(C), product * reciprocal(C));
                for (dx, &x) in Both(dx.iter_mut(), x.iter()) {
                    *dx = (*dx - mean - x * slope) * scale;
                }
            }
        }
    }

    #[inline]
    fn gradient<const P: usize, const S: usize, const K: usize>(
        mut nets: [&mut Self; P],
        mut state: [&mut Self::Gradient; S],
        samples: Samples<'_, Self, K>,
        visitor: &mut impl GradientVisitor<T, P, S>,
    ) {
        for (input, trace) in samples.iter() {
            let (mut weights, mut biases) = ([T::ZERO; C], [T::ZERO; C]);
            let deltas = chunks(trace.delta().values.as_slice(), C);
            for (d, x) in Both(deltas, input.positions().iter()) {
                let sums = Both(weights.iter_mut(), biases.iter_mut());
                let (x, _) = normalised(x, E);
                for ((weight, bias), (&d, &x)) in Both(sums, Both(d.iter(), x.iter())) {
                    *weight += d * x;
                    *bias += d;
                }
            }
            visitor.vector(
                Kind::Other,
                nets.each_mut().map(|n| n.weight.as_mut_slice()),
                state.each_mut().map(|s| s.weight.as_mut_slice()),
                &weights,
                (),
            );
            visitor.vector(
                Kind::Bias,
                nets.each_mut().map(|n| n.bias.as_mut_slice()),
                state.each_mut().map(|s| s.bias.as_mut_slice()),
                &biases,
                (),
            );
        }
    }
}
