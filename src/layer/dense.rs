//! Fully connected layer.

use core::fmt;
use core::marker::PhantomData;

use super::{Deltas, Layer, LayerTrace, Real, Samples};
use crate::activation::{Activation, Sigmoid};
use crate::fingerprint::{fingerprint, size};
use crate::format::Format;
use crate::gradient::GradientVisitor;
use crate::kernel::each_sample;
use crate::tensors;
use crate::zero::Zero;

/// Fully connected layer (dense, linear): `y = A(W x + b)`.
///
/// | name | shape         | meaning                                               |
/// |------|---------------|-------------------------------------------------------|
/// | `x`  | `[IN]`        | input                                                 |
/// | `W`  | `[IN][OUT]`   | weights; [`from_rows`](Self::from_rows) takes `[OUT][IN]` |
/// | `b`  | `[OUT]`       | biases                                                |
/// | `y`  | `[OUT]`       | output                                                |
///
/// The sum of a unit runs over the inputs in order, with the bias last. Memory is `(IN + 1) * OUT`
/// scalars. A layer without outputs, or a [`Softmax`](crate::Softmax) of one output, does not
/// compile; without inputs, `y = A(b)`.
///
/// ```
/// use gradlet::prelude::*;
///
/// static LAYER: Dense<2, 1, Identity> = Dense::from_rows([[3.0, 4.0]], [5.0]);
/// assert_eq!(LAYER.forward(&[1.0, 2.0]), [16.0]);
/// ```
pub struct Dense<const IN: usize, const OUT: usize, A = Sigmoid, F: Format = f32> {
    weights: [[F::Weight; OUT]; IN],
    bias: [F::Weight; OUT],
    activation: PhantomData<A>,
}

impl<const IN: usize, const OUT: usize, A: Activation<F>, F: Format> Dense<IN, OUT, A, F> {
    /// A layer from weights in memory order: `weights[i][o]` connects input `i` to unit `o`.
    ///
    /// [`from_rows`](Self::from_rows) takes them in the order of PyTorch and of textbooks.
    #[must_use]
    pub const fn new(weights: [[F::Weight; OUT]; IN], bias: [F::Weight; OUT]) -> Self {
        const { assert!(OUT >= A::MIN_OUTPUTS, "too few outputs: `Softmax` needs 2, others 1") };
        Self { weights, bias, activation: PhantomData }
    }

    /// A layer from one row of weights for each unit: `rows[o][i]` connects input `i` to unit `o`,
    /// as in PyTorch's `Linear.weight`.
    #[must_use]
    #[allow(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        reason = "a const fn has no iterators; the bounds are in the type"
    )]
    pub const fn from_rows(rows: [[F::Weight; IN]; OUT], bias: [F::Weight; OUT]) -> Self {
        let mut weights = [[F::Weight::ZERO; OUT]; IN];
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

impl<const IN: usize, const OUT: usize, A, F: Format> Dense<IN, OUT, A, F> {
    /// One row of weights for each unit, as in PyTorch's `Linear.weight`.
    #[must_use]
    #[allow(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        reason = "a const fn has no iterators; the bounds are in the type"
    )]
    pub const fn rows(&self) -> [[F::Weight; IN]; OUT] {
        let mut rows = [[F::Weight::ZERO; IN]; OUT];
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

    /// The weights: `weights[i][o]` connects input `i` to unit `o`.
    #[must_use]
    pub const fn weights(&self) -> &[[F::Weight; OUT]; IN] {
        &self.weights
    }

    /// The weights, mutable.
    #[must_use]
    pub const fn weights_mut(&mut self) -> &mut [[F::Weight; OUT]; IN] {
        &mut self.weights
    }

    /// The biases, one for each unit.
    #[must_use]
    pub const fn bias(&self) -> &[F::Weight; OUT] {
        &self.bias
    }

    /// The biases, mutable.
    #[must_use]
    pub const fn bias_mut(&mut self) -> &mut [F::Weight; OUT] {
        &mut self.bias
    }
}

impl<const IN: usize, const OUT: usize, A: Activation<F>, F: Format> Clone
    for Dense<IN, OUT, A, F>
{
    fn clone(&self) -> Self {
        Self::new(self.weights, self.bias)
    }
}

impl<const IN: usize, const OUT: usize, A, F> PartialEq for Dense<IN, OUT, A, F>
where
    F: Format<Weight: PartialEq>,
{
    fn eq(&self, other: &Self) -> bool {
        self.weights == other.weights && self.bias == other.bias
    }
}

impl<const IN: usize, const OUT: usize, A, F> fmt::Debug for Dense<IN, OUT, A, F>
where
    F: Format<Weight: fmt::Debug>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { weights, bias, .. } = self;
        f.debug_struct("Dense").field("weights", weights).field("bias", bias).finish()
    }
}

#[cfg(feature = "defmt")]
impl<const IN: usize, const OUT: usize, A, F> defmt::Format for Dense<IN, OUT, A, F>
where
    F: Format<Weight: defmt::Format>,
{
    fn format(&self, f: defmt::Formatter<'_>) {
        let Self { weights, bias, .. } = self;
        defmt::write!(f, "Dense {{ weights: {}, bias: {} }}", weights, bias);
    }
}

impl<const IN: usize, const OUT: usize, A: Activation<F>, F: Format> Zero for Dense<IN, OUT, A, F> {
    const ZERO: Self = Self::new(Zero::ZERO, Zero::ZERO);
}

/// Zeros: a network with hidden layers needs random weights before training, as those of `init`.
impl<const IN: usize, const OUT: usize, A: Activation<F>, F: Format> Default
    for Dense<IN, OUT, A, F>
{
    fn default() -> Self {
        Self::ZERO
    }
}

impl<const IN: usize, const OUT: usize, A: Activation<F>, F: Format> Layer
    for Dense<IN, OUT, A, F>
{
    type Format = F;
    type Input = [F::Value; IN];
    type Output = [F::Value; OUT];
    type Activation = A;
    type Trace = LayerTrace<F, [F::Value; OUT], A>;
    type Gradient = Self;
    const MACS: usize = IN * OUT;
    const FINGERPRINT: u32 =
        fingerprint("Dense", &[size(IN), size(OUT), A::FINGERPRINT, F::FINGERPRINT]);

    tensors! {
        weights: Weight "weight" [OUT, IN],
        bias: Bias "bias" [OUT],
    }

    #[inline]
    fn logits(&self, input: &[F::Value; IN], logits: &mut [F::Value; OUT]) {
        F::affine(&self.weights, &self.bias, [input], [logits]);
    }

    #[inline]
    fn forward_all<const K: usize>(&self, inputs: [&Self::Input; K]) -> [Self::Output; K] {
        let mut outputs = <[Self::Output; K]>::ZERO;
        F::affine(&self.weights, &self.bias, inputs, outputs.each_mut());
        A::activate_each(outputs.each_mut());
        outputs
    }

    #[cfg_attr(not(calls_layers), inline)]
    fn forward_trace<const K: usize>(
        &self,
        inputs: [&[F::Value; IN]; K],
        mut traces: [&mut Self::Trace; K],
    ) -> [Real<Self>; K] {
        let logits = traces.each_mut().map(|trace| trace.output_mut());
        F::affine(&self.weights, &self.bias, inputs, logits);
        let mut inputs = inputs.into_iter();
        traces.map(|trace| match inputs.next() {
            Some(x) => F::check(&self.weights, &self.bias, x, trace.output()),
            None => Zero::ZERO,
        })
    }

    #[inline]
    fn input_gradient<const K: usize>(
        &self,
        samples: Samples<'_, Self, K>,
        mut gradients: Deltas<'_, Self, K>,
    ) {
        each_sample::<K, _>(gradients.iter_mut().zip(samples.traces), |(gradient, trace)| {
            gradient.scale = F::back_scale(trace.delta().scale);
        });
        let deltas = samples.traces.map(|trace| &trace.delta().values);
        F::input_gradient(&self.weights, deltas, gradients.map(|gradient| &mut gradient.values));
    }

    #[cfg_attr(not(calls_layers), inline)]
    fn gradient<const P: usize, const S: usize, const K: usize>(
        mut nets: [&mut Self; P],
        mut state: [&mut Self; S],
        samples: Samples<'_, Self, K>,
        visitor: &mut impl GradientVisitor<F, P, S>,
    ) {
        let mut nets = nets.each_mut().map(|n| (&mut n.weights, &mut n.bias));
        let mut state = state.each_mut().map(|s| (&mut s.weights, &mut s.bias));
        // Derivatives with different scales cannot be added.
        if const { K > 1 && size_of::<F::Scale>() == 0 } {
            // By reference: the sum clones this iterator for each block of weights.
            let pairs = samples.inputs.iter().zip(&samples.traces);
            let pairs = pairs.map(|(&x, trace)| (x, &trace.delta().values));
            visitor.affine_sum(nets, state, pairs, Zero::ZERO);
            return;
        }
        let pairs = samples.inputs.into_iter().zip(samples.traces.map(LayerTrace::delta));
        each_sample::<K, _>(pairs, |(x, delta)| {
            visitor.affine(
                nets.each_mut().map(|(w, b)| (&mut **w, &mut **b)),
                state.each_mut().map(|(w, b)| (&mut **w, &mut **b)),
                x,
                &delta.values,
                delta.scale,
            );
        });
    }
}
