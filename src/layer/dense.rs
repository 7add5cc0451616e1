//! The fully connected layer.

use core::marker::PhantomData;

use super::{Layer, LayerTrace, Tensor};
use crate::activation::{Activation, Sigmoid};
use crate::fingerprint::{fingerprint, size};
use crate::kernel;
use crate::optimizer::GradientVisitor;
use crate::safetensors::WeightShapes;
use crate::scalar::{Scalar, Zero};

/// A fully connected layer: `y = A(W x + b)`.
///
/// | name | shape         | meaning                                               |
/// |------|---------------|-------------------------------------------------------|
/// | `x`  | `[IN]`        | input                                                 |
/// | `W`  | `[IN][OUT]`   | weights; [`from_rows`](Self::from_rows) takes `[OUT][IN]` |
/// | `b`  | `[OUT]`       | biases                                                |
/// | `y`  | `[OUT]`       | output                                                |
///
/// The sum of a unit runs over the inputs in order, and the bias comes last. Takes
/// `(IN + 1) * OUT` numbers of memory. Without outputs, or with one output that ends in
/// [`Softmax`](crate::Softmax), it does not compile; without inputs, `y = A(b)`.
///
/// ```
/// use gradlet::prelude::*;
///
/// static LAYER: Dense<2, 1, Identity> = Dense::from_rows([[3.0, 4.0]], [5.0]);
/// assert_eq!(LAYER.forward(&[1.0, 2.0]), [16.0]);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Dense<const IN: usize, const OUT: usize, A = Sigmoid, T = f32> {
    weights: [[T; OUT]; IN],
    bias: [T; OUT],
    activation: PhantomData<A>,
}

impl<const IN: usize, const OUT: usize, A: Activation, T> Dense<IN, OUT, A, T> {
    /// A layer from weights as they are stored: `weights[i][o]` goes from input `i` to unit `o`.
    ///
    /// [`from_rows`](Self::from_rows) takes the order of PyTorch and of textbooks.
    #[must_use]
    pub const fn new(weights: [[T; OUT]; IN], bias: [T; OUT]) -> Self {
        const { assert!(OUT >= A::MIN_OUTPUTS, "too few outputs: `Softmax` needs 2, others 1") };
        Self { weights, bias, activation: PhantomData }
    }

    /// A layer from one row of weights for each unit: `rows[o][i]` goes from input `i` to unit `o`,
    /// as in PyTorch's `Linear.weight`.
    #[must_use]
    #[allow(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        reason = "a const fn has no iterators; the bounds are in the type"
    )]
    pub const fn from_rows(rows: [[T; IN]; OUT], bias: [T; OUT]) -> Self
    where
        T: Scalar,
    {
        let mut weights = [[T::ZERO; OUT]; IN];
        let mut o = 0;
        while o < OUT {
            let mut i = 0;
            while i < IN {
                weights[i][o] = rows[o][i];
                i += 1;
            }
            o += 1;
        }
        Self::new(weights, bias)
    }
}

impl<const IN: usize, const OUT: usize, A, T> Dense<IN, OUT, A, T> {
    /// One row of weights for each unit, as in PyTorch's `Linear.weight`.
    #[must_use]
    #[allow(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        reason = "a const fn has no iterators; the bounds are in the type"
    )]
    pub const fn rows(&self) -> [[T; IN]; OUT]
    where
        T: Scalar,
    {
        let mut rows = [[T::ZERO; IN]; OUT];
        let mut i = 0;
        while i < IN {
            let mut o = 0;
            while o < OUT {
                rows[o][i] = self.weights[i][o];
                o += 1;
            }
            i += 1;
        }
        rows
    }

    /// The weights: `weights[i][o]` goes from input `i` to unit `o`.
    #[must_use]
    pub const fn weights(&self) -> &[[T; OUT]; IN] {
        &self.weights
    }

    /// The weights, to be changed.
    #[must_use]
    pub const fn weights_mut(&mut self) -> &mut [[T; OUT]; IN] {
        &mut self.weights
    }

    /// The biases, one for each unit.
    #[must_use]
    pub const fn bias(&self) -> &[T; OUT] {
        &self.bias
    }

    /// The biases, to be changed.
    #[must_use]
    pub const fn bias_mut(&mut self) -> &mut [T; OUT] {
        &mut self.bias
    }
}

impl<const IN: usize, const OUT: usize, A: Activation, T: Zero> Zero for Dense<IN, OUT, A, T> {
    const ZERO: Self = Self::new(Zero::ZERO, Zero::ZERO);
}

impl<const IN: usize, const OUT: usize, A: Activation, T: Scalar> Layer for Dense<IN, OUT, A, T> {
    type Scalar = T;
    type Input = [T; IN];
    type Output = [T; OUT];
    type Activation = A;
    type Trace = LayerTrace<[T; OUT], A>;
    type Gradient = Self;
    const PARAMS: usize = (IN + 1) * OUT;
    const MACS: usize = IN * OUT;
    const FINGERPRINT: u32 =
        fingerprint("Dense", &[size(IN), size(OUT), A::FINGERPRINT, size(size_of::<T>())]);
    const WEIGHTS: WeightShapes = WeightShapes::with_bias(IN, OUT);

    #[inline]
    fn logits(&self, input: &[T; IN], logits: &mut [T; OUT]) {
        kernel::affine(&self.weights, &self.bias, input, logits);
    }

    #[inline]
    fn forward_trace(&self, input: &[T; IN], trace: &mut Self::Trace) -> T {
        let logits = trace.output_mut();
        kernel::affine(&self.weights, &self.bias, input, logits);
        // Every logit has a part in every input.
        logits.first().copied().unwrap_or(T::ZERO)
    }

    #[inline]
    fn input_gradient(
        &self,
        _input: &[T; IN],
        _trace: &Self::Trace,
        delta: &[T; OUT],
        gradient: &mut [T; IN],
    ) {
        kernel::input_gradient(&self.weights, delta, gradient);
    }

    #[inline]
    fn gradient<const P: usize, const S: usize>(
        mut nets: [&mut Self; P],
        mut state: [&mut Self; S],
        input: &[T; IN],
        _trace: &Self::Trace,
        delta: &[T; OUT],
        visitor: &mut impl GradientVisitor<T, P, S>,
    ) {
        visitor.affine(
            nets.each_mut().map(|n| (&mut n.weights, &mut n.bias)),
            state.each_mut().map(|s| (&mut s.weights, &mut s.bias)),
            input,
            delta,
        );
    }

    #[inline]
    fn parameters<const S: usize>(
        &self,
        mut state: [&mut Self; S],
        visit: &mut impl FnMut(Tensor, &[T], [&mut [T]; S]),
    ) {
        visit(
            Tensor::Weights { inputs: IN, outputs: OUT },
            self.weights.as_flattened(),
            state.each_mut().map(|s| s.weights.as_flattened_mut()),
        );
        visit(Tensor::Bias, &self.bias, state.map(|s| s.bias.as_mut_slice()));
    }

    #[inline]
    fn tensors<const G: usize, const P: usize, const S: usize>(
        gradients: [&Self; G],
        mut nets: [&mut Self; P],
        mut state: [&mut Self; S],
        visit: &mut impl FnMut(Tensor, [&[T]; G], [&mut [T]; P], [&mut [T]; S]),
    ) {
        visit(
            Tensor::Weights { inputs: IN, outputs: OUT },
            gradients.map(|g| g.weights.as_flattened()),
            nets.each_mut().map(|n| n.weights.as_flattened_mut()),
            state.each_mut().map(|s| s.weights.as_flattened_mut()),
        );
        visit(
            Tensor::Bias,
            gradients.map(|g| g.bias.as_slice()),
            nets.map(|n| n.bias.as_mut_slice()),
            state.map(|s| s.bias.as_mut_slice()),
        );
    }

    #[inline]
    fn forward_each<const K: usize>(&self, samples: [(&[T; IN], &mut Self::Trace); K]) -> [T; K] {
        let inputs = samples.each_ref().map(|sample| sample.0);
        let mut outputs = samples.map(|sample| sample.1.output_mut());
        let logits = outputs.each_mut().map(|output| &mut **output);
        kernel::tile::affine(&self.weights, &self.bias, inputs, logits);
        outputs.map(|output| output.first().copied().unwrap_or(T::ZERO))
    }

    #[inline]
    fn input_gradient_each<const K: usize>(
        &self,
        _samples: [(&[T; IN], &Self::Trace); K],
        deltas: [(&Self::Trace, &mut [T; IN]); K],
    ) {
        let delta = deltas.each_ref().map(|delta| delta.0.output());
        kernel::tile::input_gradient(&self.weights, delta, deltas.map(|delta| delta.1));
    }

    #[inline]
    fn gradient_each<const K: usize>(
        gradient: &mut Self,
        samples: [(&[T; IN], &Self::Trace); K],
        deltas: [&Self::Trace; K],
    ) {
        let (weights, bias) = (&mut gradient.weights, &mut gradient.bias);
        let inputs = samples.map(|sample| sample.0);
        kernel::tile::update(weights, bias, inputs, deltas.map(LayerTrace::output));
    }
}
