//! A layer of a user's own, without a matrix of weights.

use gradlet::{GradientVisitor, Layer, LayerTrace, Scalar, Silu, Tensor, Zero};

use super::{Random, Rng};

/// `y_i = A(s_i x_i)`: one learned factor for each input, as in the documentation of `Layer`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scale<const N: usize, T> {
    pub(crate) factors: [T; N],
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
    type Scalar = T;
    type Input = [T; N];
    type Output = [T; N];
    type Activation = Silu;
    type Trace = LayerTrace<[T; N], Silu>;
    type Gradient = Self;
    const PARAMS: usize = N;
    const MACS: usize = N;

    fn logits(&self, input: &[T; N], logits: &mut [T; N]) {
        *logits = core::array::from_fn(|i| self.factors[i] * input[i]);
    }

    fn input_gradient(
        &self,
        _input: &[T; N],
        _trace: &Self::Trace,
        delta: &[T; N],
        gradient: &mut [T; N],
    ) {
        *gradient = core::array::from_fn(|i| self.factors[i] * delta[i]);
    }

    fn gradient<const P: usize, const S: usize>(
        nets: [&mut Self; P],
        state: [&mut Self; S],
        input: &[T; N],
        _trace: &Self::Trace,
        delta: &[T; N],
        visitor: &mut impl GradientVisitor<T, P, S>,
    ) {
        let gradient: [T; N] = core::array::from_fn(|i| delta[i] * input[i]);
        visitor.vector(
            nets.map(|n| n.factors.as_mut_slice()),
            state.map(|s| s.factors.as_mut_slice()),
            &gradient,
        );
    }

    fn parameters<const S: usize>(
        &self,
        state: [&mut Self; S],
        visit: &mut impl FnMut(Tensor, &[T], [&mut [T]; S]),
    ) {
        visit(Tensor::Other, &self.factors, state.map(|s| s.factors.as_mut_slice()));
    }

    fn tensors<const G: usize, const P: usize, const S: usize>(
        gradients: [&Self; G],
        nets: [&mut Self; P],
        state: [&mut Self; S],
        visit: &mut impl FnMut(Tensor, [&[T]; G], [&mut [T]; P], [&mut [T]; S]),
    ) {
        visit(
            Tensor::Other,
            gradients.map(|g| g.factors.as_slice()),
            nets.map(|n| n.factors.as_mut_slice()),
            state.map(|s| s.factors.as_mut_slice()),
        );
    }
}
