//! A layer that keeps more than it learns.

use gradlet::prelude::*;
use gradlet::{Deltas, EndsIn, GradientVisitor, Kind, LayerTrace, Samples, Tensors, tensors};

/// PyTorch's `BatchNorm1d`, as it is in inference: `y = w (x - mean) / sqrt(variance + 1e-5) + b`.
/// It learns `w` and `b`; mean and variance are buffers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BatchNorm<const N: usize, T = f32> {
    pub(crate) weight: [T; N],
    pub(crate) bias: [T; N],
    pub(crate) mean: [T; N],
    pub(crate) variance: [T; N],
}

/// What has a gradient, under the same names.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BatchNormGradient<const N: usize, T = f32> {
    weight: [T; N],
    bias: [T; N],
}

impl<const N: usize, T: Scalar> Zero for BatchNorm<N, T> {
    const ZERO: Self =
        Self { weight: Zero::ZERO, bias: Zero::ZERO, mean: Zero::ZERO, variance: Zero::ZERO };
}

impl<const N: usize, T: Scalar> Zero for BatchNormGradient<N, T> {
    const ZERO: Self = Self { weight: Zero::ZERO, bias: Zero::ZERO };
}

impl<const N: usize, T: Scalar> Tensors<T> for BatchNormGradient<N, T> {
    fn walk<const R: usize, const M: usize>(
        read: [&Self; R],
        mut write: [&mut Self; M],
        visit: &mut impl FnMut(Kind, [&[T]; R], [&mut [T]; M]),
    ) {
        let weights = write.each_mut().map(|w| w.weight.as_mut_slice());
        visit(Kind::Weight, read.map(|r| r.weight.as_slice()), weights);
        let biases = write.each_mut().map(|w| w.bias.as_mut_slice());
        visit(Kind::Bias, read.map(|r| r.bias.as_slice()), biases);
    }
}

impl<const N: usize, T: Scalar> BatchNorm<N, T> {
    /// `(x - mean) / sqrt(variance + 1e-5)`.
    fn normalised(&self, x: &[T; N]) -> [T; N] {
        core::array::from_fn(|i| (x[i] - self.mean[i]) / self.deviation(i))
    }

    fn deviation(&self, i: usize) -> T {
        (self.variance[i] + T::from_f64(1e-5)).sqrt()
    }
}

/// The output, and what the gradient needs of the input.
#[derive(Clone)]
pub(crate) struct BatchNormTrace<const N: usize, T: Scalar> {
    normalised: [T; N],
    output: LayerTrace<T, [T; N], Identity>,
}

impl<const N: usize, T: Scalar> Zero for BatchNormTrace<N, T> {
    const ZERO: Self = Self { normalised: Zero::ZERO, output: Zero::ZERO };
}

impl<const N: usize, T: Scalar> EndsIn<LayerTrace<T, [T; N], Identity>> for BatchNormTrace<N, T> {
    fn last(&self) -> &LayerTrace<T, [T; N], Identity> {
        &self.output
    }
    fn last_mut(&mut self) -> &mut LayerTrace<T, [T; N], Identity> {
        &mut self.output
    }
}

impl<const N: usize, T: Scalar> Layer for BatchNorm<N, T> {
    type Format = T;
    type Input = [T; N];
    type Output = [T; N];
    type Activation = Identity;
    type Trace = BatchNormTrace<N, T>;
    type Gradient = BatchNormGradient<N, T>;
    const MACS: usize = 2 * N;

    tensors! {
        weight: Weight "weight" [N],
        bias: Bias "bias" [N],
        mean: Buffer "running_mean" [N],
        variance: Buffer "running_var" [N],
    }

    fn logits(&self, input: &[T; N], logits: &mut [T; N]) {
        let normalised = self.normalised(input);
        *logits = core::array::from_fn(|i| self.weight[i] * normalised[i] + self.bias[i]);
    }

    fn forward_trace<const K: usize>(
        &self,
        inputs: [&[T; N]; K],
        traces: [&mut Self::Trace; K],
    ) -> [T; K] {
        let mut inputs = inputs.into_iter();
        traces.map(|trace| {
            let input = inputs.next().unwrap();
            trace.normalised = self.normalised(input);
            self.logits(input, trace.output.output_mut());
            trace.output.output().iter().copied().sum()
        })
    }

    fn input_gradient<const K: usize>(&self, batch: Samples<'_, Self, K>, dx: Deltas<'_, Self, K>) {
        for ((_, trace), gradient) in batch.iter().zip(dx) {
            let d = trace.output.delta().values;
            gradient.values = core::array::from_fn(|i| d[i] * self.weight[i] / self.deviation(i));
        }
    }

    fn gradient<const P: usize, const S: usize, const K: usize>(
        mut nets: [&mut Self; P],
        mut state: [&mut Self::Gradient; S],
        samples: Samples<'_, Self, K>,
        visitor: &mut impl GradientVisitor<T, P, S>,
    ) {
        for (_, trace) in samples.iter() {
            let d = trace.output.delta().values;
            let weights = nets.each_mut().map(|n| n.weight.as_mut_slice());
            let kept = state.each_mut().map(|s| s.weight.as_mut_slice());
            let by_weight: [T; N] = core::array::from_fn(|i| d[i] * trace.normalised[i]);
            visitor.vector(Kind::Weight, weights, kept, &by_weight, ());
            let biases = nets.each_mut().map(|n| n.bias.as_mut_slice());
            let kept = state.each_mut().map(|s| s.bias.as_mut_slice());
            visitor.vector(Kind::Bias, biases, kept, &d, ());
        }
    }
}
