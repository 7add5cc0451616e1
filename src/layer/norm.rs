//! Batch normalisation with fixed statistics.

use core::fmt;
use core::marker::PhantomData;

use super::{Deltas, Dense, Layer, LayerTrace, Samples, Weight};
use crate::activation::{Activation, Identity};
use crate::fingerprint::{fingerprint, size};
use crate::format::Format;
use crate::gradient::GradientVisitor;
use crate::kernel::{chunks, chunks_mut};
use crate::macros::error_texts;
use crate::scalar::Scalar;
use crate::shape::{Element, Shape};
use crate::tensors;
use crate::tensors::{Kind, Pair, Tensors};
use crate::zero::Zero;

/// Batch normalisation in evaluation mode: `y = A((x - mean) / sqrt(variance + epsilon) * weight +
/// bias)` in each channel, with fixed statistics. For inference and fine-tuning.
///
/// | name       | shape  | meaning                                                     |
/// |------------|--------|-------------------------------------------------------------|
/// | `x`, `y`   | `X`    | input and output: `[T; C]`, `[[T; C]; L]` or `[[[T; C]; W]; H]` |
/// | `weight`, `bias` | `[C]` | learned; PyTorch's gamma and beta                      |
/// | `mean`, `variance` | `[C]` | of the channel; [buffers](Kind::Buffer), kept but not learned |
///
/// Ioffe, Szegedy, ICML 2015. Files have PyTorch's names: `weight`, `bias`, `running_mean` and
/// `running_var`. Epsilon is `1 / E`, 1e-5 as in PyTorch by default; Keras has `E = 1000`. The layer
/// does not compute statistics of a batch: train with those in Python, then load the network, fold
/// the layer into one of its neighbours, or go on training with the statistics as they are.
///
/// `y` is NaN if the variance is negative, NaN or infinite, so no step is made; folding returns an
/// error.
///
/// ```
/// use gradlet::prelude::*;
///
/// // Linear, BatchNorm1d, ReLU, Linear.
/// type Net = Chain<Dense<4, 6, Identity>, Chain<BatchNorm<6, Relu>, Dense<6, 3, Softmax>>>;
/// assert_eq!(Net::TENSORS.parameters() - Net::TENSORS.trainable(), 2 * 6);
///
/// let norm = BatchNorm::<1>::new([2.0], [0.5], [10.0], [4.0]);
/// assert!((norm.forward(&[14.0])[0] - 4.5).abs() < 1e-4); // (14 - 10) / 2 * 2 + 0.5
///
/// // Sequences of 3 steps with 2 channels, in f64.
/// type Sequence = BatchNorm<2, Tanh, [[f64; 2]; 3]>;
/// assert_eq!(Sequence::ZERO.forward(&[[0.0; 2]; 3]), [[0.0; 2]; 3]);
/// ```
///
/// # Folding
///
/// ```
/// use gradlet::prelude::*;
///
/// type Net = Chain<Dense<2, 2, Identity>, Chain<BatchNorm<2, Relu>, Dense<2, 1, Sigmoid>>>;
/// # let net = Net::new(
/// #     Dense::new([[0.5, -1.0], [0.25, 2.0]], [0.1, 0.2]),
/// #     Chain::new(
/// #         BatchNorm::new([1.5, 0.5], [0.0, -0.5], [0.3, -0.2], [0.7, 2.0]),
/// #         Dense::new([[1.0], [-1.0]], [0.0]),
/// #     ),
/// # );
/// # let before = net.forward(&[0.3, 0.4])[0];
/// let (dense, rest) = net.into_parts();
/// let (norm, head) = rest.into_parts();
/// let folded: Mlp<2, 2, 1, Relu, Sigmoid> = Chain::new(norm.fold_into_previous(&dense)?, head);
/// # assert!((folded.forward(&[0.3, 0.4])[0] - before).abs() < 1e-6);
/// # Ok::<(), gradlet::FoldError>(())
/// ```
///
/// An array whose last dimension is not `C` does not compile:
///
/// ```compile_fail,E0277
/// use gradlet::prelude::*;
///
/// static NORM: BatchNorm<3, Relu, [[f32; 2]; 3]> = Zero::ZERO;
/// ```
pub struct BatchNorm<const C: usize, A = Identity, X = [f32; C], const E: u32 = 100_000>
where
    X: Channels<C>,
{
    weight: [X::Element; C],
    bias: [X::Element; C],
    mean: [X::Element; C],
    variance: [X::Element; C],
    activation: PhantomData<A>,
}

/// The gradient of a [`BatchNorm`] or a [`LayerNorm`](crate::LayerNorm), and the state of optimizers for it: what
/// it learns.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct NormGradient<const C: usize, T = f32> {
    pub(super) weight: [T; C],
    pub(super) bias: [T; C],
}

impl<const C: usize, T> NormGradient<C, T> {
    /// The derivatives with respect to the weights.
    #[must_use]
    pub const fn weight(&self) -> &[T; C] {
        &self.weight
    }

    /// The derivatives with respect to the biases.
    #[must_use]
    pub const fn bias(&self) -> &[T; C] {
        &self.bias
    }
}

impl<const C: usize, T: Element> Zero for NormGradient<C, T> {
    const ZERO: Self = Self { weight: Zero::ZERO, bias: Zero::ZERO };
}

impl<const C: usize, T: Element> Tensors<T> for NormGradient<C, T> {
    #[inline]
    fn walk<const R: usize, const M: usize>(
        read: [&Self; R],
        mut write: [&mut Self; M],
        visit: &mut impl FnMut(Kind, [&[T]; R], [&mut [T]; M]),
    ) {
        let weights = write.each_mut().map(|w| w.weight.as_mut_slice());
        visit(Kind::Other, read.map(|r| r.weight.as_slice()), weights);
        let biases = write.map(|w| w.bias.as_mut_slice());
        visit(Kind::Bias, read.map(|r| r.bias.as_slice()), biases);
    }
}

/// An array whose last dimension is `C` channels: `[E; C]`, `[[E; C]; L]` or `[[[E; C]; W]; H]`.
/// Implemented for these only.
///
/// ```
/// use gradlet::Channels;
///
/// let sequence = [[1, 2], [3, 4], [5, 6]];
/// assert_eq!(sequence.positions().len(), 3);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not have `{C}` channels: they are its last dimension",
    label = "its innermost array must have the length `{C}`"
)]
pub trait Channels<const C: usize>: Shape {
    /// The values of all channels at each position.
    fn positions(&self) -> &[[Self::Element; C]];
    /// The values of all channels at each position, mutable.
    fn positions_mut(&mut self) -> &mut [[Self::Element; C]];
}

#[diagnostic::do_not_recommend]
impl<E: Element, const C: usize> Channels<C> for [E; C] {
    #[inline]
    fn positions(&self) -> &[[E; C]] {
        core::slice::from_ref(self)
    }
    #[inline]
    fn positions_mut(&mut self) -> &mut [[E; C]] {
        core::slice::from_mut(self)
    }
}

#[diagnostic::do_not_recommend]
impl<E: Element, const C: usize, const L: usize> Channels<C> for [[E; C]; L] {
    #[inline]
    fn positions(&self) -> &[[E; C]] {
        self
    }
    #[inline]
    fn positions_mut(&mut self) -> &mut [[E; C]] {
        self
    }
}

#[diagnostic::do_not_recommend]
impl<E: Element, const C: usize, const W: usize, const H: usize> Channels<C> for [[[E; C]; W]; H] {
    #[inline]
    fn positions(&self) -> &[[E; C]] {
        self.as_flattened()
    }
    #[inline]
    fn positions_mut(&mut self) -> &mut [[E; C]] {
        self.as_flattened_mut()
    }
}

/// Why a [`BatchNorm`] cannot be folded into another layer, which is then unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum FoldError {
    /// The variance of a channel is negative, NaN or infinite.
    Variance {
        /// Index of the channel.
        channel: usize,
    },
    /// The mean, weight or bias of a channel is NaN or infinite, or its weight is too large for its
    /// variance.
    NotFinite {
        /// Index of the channel.
        channel: usize,
    },
}

error_texts! { [] FoldError:
    Self::Variance { channel } => "the variance of channel {channel} is negative, NaN or infinite",
    Self::NotFinite { channel } => "a parameter of channel {channel} is NaN or infinite",
}

/// A layer without an activation into which a [`BatchNorm`] with `C` channels and activation `A` can
/// be folded: its logits are sums of products, with a bias for each channel. [`Dense`],
/// [`Conv1d`](crate::Conv1d) and [`Conv2d`](crate::Conv2d) are such layers, with padding too, as the
/// layer stands behind it.
///
/// ```
/// use gradlet::{FoldNorm, prelude::*};
///
/// // z' = (z - mean) * factor + offset
/// let layer = Dense::<1, 2, Identity>::new([[1.0, 1.0]], [0.0, 2.0]);
/// let folded: Dense<1, 2, Relu> = layer.fold_norm(&[0.0, 1.0], &[2.0, 0.5], &[0.0, 3.0]);
/// assert_eq!(folded, Dense::new([[2.0, 0.5]], [0.0, 3.5]));
/// ```
pub trait FoldNorm<const C: usize, A>: Layer<Activation = Identity> {
    /// The same layer with the activation `A`.
    type Folded;

    /// The layer whose logits are `z' = (z - mean) * factor + offset` in each channel.
    #[must_use]
    fn fold_norm(
        &self,
        mean: &[Weight<Self>; C],
        factor: &[Weight<Self>; C],
        offset: &[Weight<Self>; C],
    ) -> Self::Folded;
}

impl<const IN: usize, const OUT: usize, A, T> FoldNorm<OUT, A> for Dense<IN, OUT, Identity, T>
where
    A: Activation<T>,
    T: Scalar,
{
    type Folded = Dense<IN, OUT, A, T>;

    fn fold_norm(&self, mean: &[T; OUT], factor: &[T; OUT], offset: &[T; OUT]) -> Self::Folded {
        let (mut weights, mut bias) = (*self.weights(), *self.bias());
        fold(&mut weights, &mut bias, mean, factor, offset);
        Dense::new(weights, bias)
    }
}

/// Folds into weights whose rows have one for each output channel.
pub(super) fn fold<const OUT: usize, T: Scalar>(
    weights: &mut [[T; OUT]],
    bias: &mut [T; OUT],
    mean: &[T; OUT],
    factor: &[T; OUT],
    offset: &[T; OUT],
) {
    for row in weights {
        row.iter_mut().zip(factor).for_each(|(w, &factor)| *w *= factor);
    }
    for (((b, &mean), &factor), &offset) in bias.iter_mut().zip(mean).zip(factor).zip(offset) {
        *b = (*b - mean) * factor + offset;
    }
}

impl<const C: usize, A, X: Channels<C>, const E: u32> BatchNorm<C, A, X, E> {
    /// From PyTorch's `weight`, `bias`, `running_mean` and `running_var`.
    #[must_use]
    pub const fn new(
        weight: [X::Element; C],
        bias: [X::Element; C],
        mean: [X::Element; C],
        variance: [X::Element; C],
    ) -> Self {
        const {
            assert!(C > 0, "a batch normalisation needs channels: C must not be 0");
            assert!(E > 0, "epsilon is 1 / E: E must not be 0");
        }
        Self { weight, bias, mean, variance, activation: PhantomData }
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

    /// The means.
    #[must_use]
    pub const fn mean(&self) -> &[X::Element; C] {
        &self.mean
    }

    /// The variances.
    #[must_use]
    pub const fn variance(&self) -> &[X::Element; C] {
        &self.variance
    }
}

impl<const C: usize, A, T: Scalar, X: Channels<C, Element = T>, const E: u32>
    BatchNorm<C, A, X, E>
{
    /// `1 / sqrt(variance + epsilon)` of each channel; NaN for a variance that is none.
    #[inline]
    fn scales(&self) -> [T; C] {
        let epsilon = T::ONE / T::from_u32(E);
        self.variance.map(|variance| {
            let valid = variance.is_finite() && variance >= T::ZERO;
            if valid { T::ONE / (variance + epsilon).sqrt() } else { T::NAN }
        })
    }

    /// `weight / sqrt(variance + epsilon)` of each channel.
    #[inline]
    fn factors(&self) -> [T; C] {
        let mut factors = self.scales();
        factors.iter_mut().zip(&self.weight).for_each(|(factor, &weight)| *factor *= weight);
        factors
    }

    /// The factors, if all is finite.
    fn checked(&self) -> Result<[T; C], FoldError> {
        let (scales, factors) = (self.scales(), self.factors());
        let values = self.mean.iter().zip(&self.bias).zip(&factors);
        for (channel, (&scale, ((mean, bias), factor))) in scales.iter().zip(values).enumerate() {
            if !scale.is_finite() {
                return Err(FoldError::Variance { channel });
            }
            if !(mean.is_finite() && bias.is_finite() && factor.is_finite()) {
                return Err(FoldError::NotFinite { channel });
            }
        }
        Ok(factors)
    }

    /// The layer before this one, with this one folded into it: `w' = w f` and
    /// `b' = (b - mean) f + bias`, where `f = weight / sqrt(variance + epsilon)`. It has the outputs
    /// of both, up to rounding.
    ///
    /// ```
    /// use gradlet::prelude::*;
    ///
    /// // 4 steps of 1 channel; a window of 2.
    /// let layer = Conv1d::<4, 1, 1, 2, 3, Identity>::new([[[1.0]], [[-1.0]]], [0.0]);
    /// let norm = BatchNorm::<1, Relu, [[f32; 1]; 3]>::new([2.0], [1.0], [0.0], [4.0]);
    /// let folded: Conv1d<4, 1, 1, 2, 3, Relu> = norm.fold_into_previous(&layer)?;
    /// let [[y], ..] = folded.forward(&[[3.0], [1.0], [0.0], [0.0]]);
    /// assert!((y - 3.0).abs() < 1e-5); // (3 - 1) / 2 * 2 + 1
    /// # Ok::<(), gradlet::FoldError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A variance that is negative, or a value that is NaN or infinite: [`FoldError`].
    pub fn fold_into_previous<L>(&self, layer: &L) -> Result<L::Folded, FoldError>
    where
        L: FoldNorm<C, A, Format = T, Output = X>,
    {
        Ok(layer.fold_norm(&self.mean, &self.checked()?, &self.bias))
    }
}

impl<const C: usize, T: Scalar, const E: u32> BatchNorm<C, Identity, [T; C], E> {
    /// Folds this layer into the one after it: `w' = f w` and `b' = b + sum (bias - mean f) w`, where
    /// `f = weight / sqrt(variance + epsilon)`. Its outputs for the inputs of this layer are those of
    /// both, up to rounding.
    ///
    /// For where the layer before has an activation, so that this one cannot be folded into it.
    ///
    /// ```
    /// use gradlet::prelude::*;
    ///
    /// let norm = BatchNorm::<1>::new([2.0], [0.5], [10.0], [4.0]);
    /// let mut layer = Dense::<1, 1, Identity>::new([[3.0]], [1.0]);
    /// let before = layer.forward(&norm.forward(&[14.0]));
    /// norm.fold_into_next(&mut layer)?;
    /// assert!((layer.forward(&[14.0])[0] - before[0]).abs() < 1e-5);
    /// # Ok::<(), gradlet::FoldError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A variance that is negative, or a value that is NaN or infinite: [`FoldError`]. The layer is
    /// then unchanged.
    pub fn fold_into_next<const OUT: usize, A: Activation<T>>(
        &self,
        layer: &mut Dense<C, OUT, A, T>,
    ) -> Result<(), FoldError> {
        let factors = self.checked()?;
        let mut bias = *layer.bias();
        let channels = factors.iter().zip(&self.mean).zip(&self.bias);
        for (row, ((&factor, &mean), &offset)) in layer.weights_mut().iter_mut().zip(channels) {
            for (w, b) in row.iter_mut().zip(&mut bias) {
                *b += *w * (offset - mean * factor);
                *w *= factor;
            }
        }
        *layer.bias_mut() = bias;
        Ok(())
    }
}

/// Implements what all layers can, for a normalisation with these vectors; each is of this constant at first.
macro_rules! norm_of_vectors {
    ($Norm:ident $shown:literal: $($field:ident $first:ident),+) => {
        impl<const C: usize, A, X: Channels<C>, const E: u32> Clone for $Norm<C, A, X, E> {
            fn clone(&self) -> Self {
                Self::new($(self.$field),+)
            }
        }

        impl<const C: usize, A, X, const E: u32> PartialEq for $Norm<C, A, X, E>
        where
            X: Channels<C, Element: PartialEq>,
        {
            fn eq(&self, other: &Self) -> bool {
                $(self.$field == other.$field)&&+
            }
        }

        impl<const C: usize, A, X, const E: u32> fmt::Debug for $Norm<C, A, X, E>
        where
            X: Channels<C, Element: fmt::Debug>,
        {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($Norm))
                    $(.field(stringify!($field), &self.$field))+
                    .finish()
            }
        }

        #[cfg(feature = "defmt")]
        impl<const C: usize, A, X, const E: u32> defmt::Format for $Norm<C, A, X, E>
        where
            X: Channels<C, Element: defmt::Format>,
        {
            fn format(&self, f: defmt::Formatter<'_>) {
                defmt::write!(f, $shown, $(self.$field),+);
            }
        }

        /// Not all zeros: weights and variances are 1, as in PyTorch before training, so that a network
        /// that starts from zero passes its values on.
        impl<const C: usize, A, T, X, const E: u32> Zero for $Norm<C, A, X, E>
        where
            T: Scalar,
            X: Channels<C, Element = T>,
        {
            const ZERO: Self = Self::new($([T::$first; C]),+);
        }

        /// Weights and variances of 1, means and biases of 0.
        impl<const C: usize, A, T, X, const E: u32> Default for $Norm<C, A, X, E>
        where
            T: Scalar,
            X: Channels<C, Element = T>,
        {
            fn default() -> Self {
                Self::ZERO
            }
        }
    };
}
pub(super) use norm_of_vectors;

norm_of_vectors! {
    BatchNorm "BatchNorm {{ weight: {}, bias: {}, mean: {}, variance: {} }}":
    weight ONE, bias ZERO, mean ZERO, variance ONE
}

impl<const C: usize, A, T, X, const E: u32> Layer for BatchNorm<C, A, X, E>
where
    A: Activation<T>,
    T: Scalar,
    X: Channels<C, Element = T>,
{
    type Format = T;
    type Input = X;
    type Output = X;
    type Activation = A;
    /// The derivatives with respect to the weights, besides the output.
    type Trace = Pair<[T; C], LayerTrace<T, X, A>>;
    type Gradient = NormGradient<C, T>;
    const MACS: usize = X::LEN;
    const FINGERPRINT: u32 = fingerprint(
        "BatchNorm",
        &[size(C), size(X::LEN), E, A::FINGERPRINT, <T as Format>::FINGERPRINT],
    );

    tensors! {
        weight: Other "weight" [C],
        bias: Bias "bias" [C],
        mean: Buffer "running_mean" [C],
        variance: Buffer "running_var" [C],
    }

    #[inline]
    fn logits(&self, input: &X, logits: &mut X) {
        let factors = self.factors();
        for (z, x) in logits.positions_mut().iter_mut().zip(input.positions()) {
            let channels = self.mean.iter().zip(&factors).zip(&self.bias);
            for ((z, &x), ((&mean, &factor), &bias)) in z.iter_mut().zip(x).zip(channels) {
                *z = (x - mean) * factor + bias;
            }
        }
    }

    /// Computes the derivatives with respect to the weights, which need the statistics: they are not
    /// in the gradient.
    #[inline]
    fn backward<const WANTED: bool, const K: usize>(
        &self,
        inputs: [&X; K],
        traces: [&mut Self::Trace; K],
    ) {
        let scales = self.scales();
        for (input, Pair { first: sums, rest }) in inputs.into_iter().zip(traces) {
            *sums = [T::ZERO; C];
            let deltas = chunks(rest.delta().values.as_slice(), C);
            for (x, d) in input.positions().iter().zip(deltas) {
                let channels = sums.iter_mut().zip(&self.mean).zip(&scales);
                for (((sum, &mean), &scale), (&x, &d)) in channels.zip(x.iter().zip(d)) {
                    *sum += d * ((x - mean) * scale);
                }
            }
        }
    }

    #[inline]
    fn input_gradient<const K: usize>(
        &self,
        samples: Samples<'_, Self, K>,
        gradients: Deltas<'_, Self, K>,
    ) {
        let factors = self.factors();
        for ((_, trace), gradient) in samples.iter().zip(gradients) {
            let deltas = chunks(trace.rest.delta().values.as_slice(), C);
            let gradients = chunks_mut(gradient.values.as_mut_slice(), C);
            for (dx, d) in gradients.zip(deltas) {
                for ((dx, &d), &factor) in dx.iter_mut().zip(d).zip(&factors) {
                    *dx = d * factor;
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
        for (_, Pair { first: weights, rest }) in samples.iter() {
            visitor.vector(
                Kind::Other,
                nets.each_mut().map(|n| n.weight.as_mut_slice()),
                state.each_mut().map(|s| s.weight.as_mut_slice()),
                weights,
                (),
            );
            let mut biases = [T::ZERO; C];
            for d in chunks(rest.delta().values.as_slice(), C) {
                biases.iter_mut().zip(d).for_each(|(sum, &d)| *sum += d);
            }
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
