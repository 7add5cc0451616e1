//! A layer of a user's own, without a matrix of weights.

use gradlet::{
    Deltas, GradientVisitor, Kind, Layer, LayerTrace, Samples, Scalar, Silu, Zero, tensors,
};

use super::{Random, Rng};

/// `y_i = A(s_i x_i)`: one learned factor for each input, as in the documentation of `Layer`.
#[derive(Clone, Debug, PartialEq)]
pub struct Scale<const N: usize, T> {
    pub factors: [T; N],
}

impl<const N: usize, T: Scalar> Zero for Scale<N, T> {
    const ZERO: Self = Self { factors: [T::ZERO; N] };
}

impl<const N: usize, T: Scalar> Random for Scale<N, T> {
    fn random(rng: &mut Rng) -> Self {
        Self { factors: rng.array(0.5, 1.5) }
    }
}

impl<const N: usize, T: Scalar> Layer for Scale<N, T> {
    type Format = T;
    type Input = [T; N];
    type Output = [T; N];
    type Activation = Silu;
    type Trace = LayerTrace<T, [T; N], Silu>;
    type Gradient = Self;
    const MACS: usize = N;

    tensors! { factors: Other "factors" [N] }

    fn logits(&self, input: &[T; N], logits: &mut [T; N]) {
        *logits = core::array::from_fn(|i| self.factors[i] * input[i]);
    }

    fn input_gradient<const K: usize>(
        &self,
        samples: Samples<'_, Self, K>,
        gradients: Deltas<'_, Self, K>,
    ) {
        for ((_, trace), gradient) in samples.iter().zip(gradients) {
            gradient.values = core::array::from_fn(|i| self.factors[i] * trace.delta().values[i]);
        }
    }

    fn gradient<const P: usize, const S: usize, const K: usize>(
        mut nets: [&mut Self; P],
        mut state: [&mut Self; S],
        samples: Samples<'_, Self, K>,
        visitor: &mut impl GradientVisitor<T, P, S>,
    ) {
        for (input, trace) in samples.iter() {
            visitor.vector(
                Kind::Other,
                nets.each_mut().map(|n| n.factors.as_mut_slice()),
                state.each_mut().map(|s| s.factors.as_mut_slice()),
                &core::array::from_fn::<T, N, _>(|i| trace.delta().values[i] * input[i]),
                (),
            );
        }
    }
}
