//! A layer as a user would write it.

use core::marker::PhantomData;

use gradlet::{Activation, GradientVisitor, Identity, Layer, LayerTrace, Scalar, Tensor, Zero};

/// `y = A(W x)`: a layer without biases, as in the first chapters of textbooks.
#[derive(Debug, PartialEq)]
pub(crate) struct Bare<const IN: usize, const OUT: usize, A = Identity, T = f64> {
    weights: [[T; OUT]; IN],
    activation: PhantomData<A>,
}

impl<const IN: usize, const OUT: usize, A, T: Copy> Clone for Bare<IN, OUT, A, T> {
    fn clone(&self) -> Self {
        Self::new(self.weights)
    }
}

impl<const IN: usize, const OUT: usize, A, T> Bare<IN, OUT, A, T> {
    pub(crate) const fn new(weights: [[T; OUT]; IN]) -> Self {
        Self { weights, activation: PhantomData }
    }

    /// From `rows[unit][input]`.
    pub(crate) fn from_rows(rows: [[T; IN]; OUT]) -> Self
    where
        T: Copy,
    {
        Self::new(core::array::from_fn(|i| core::array::from_fn(|o| rows[o][i])))
    }

    /// As `rows[unit][input]`, in one list.
    pub(crate) fn rows(&self) -> Vec<T>
    where
        T: Copy,
    {
        (0..OUT).flat_map(|o| self.weights.iter().map(move |w| w[o])).collect()
    }
}

impl<const IN: usize, const OUT: usize, A, T: Zero> Zero for Bare<IN, OUT, A, T> {
    const ZERO: Self = Self::new(Zero::ZERO);
}

impl<const IN: usize, const OUT: usize, A: Activation, T: Scalar> Layer for Bare<IN, OUT, A, T> {
    type Scalar = T;
    type Input = [T; IN];
    type Output = [T; OUT];
    type Activation = A;
    type Trace = LayerTrace<[T; OUT], A>;
    type Gradient = Self;
    const PARAMS: usize = IN * OUT;
    const MACS: usize = IN * OUT;

    fn logits(&self, input: &[T; IN], logits: &mut [T; OUT]) {
        *logits = Zero::ZERO;
        for (w, &x) in self.weights.iter().zip(input) {
            for (z, &w) in logits.iter_mut().zip(w) {
                *z += w * x;
            }
        }
    }

    fn input_gradient(
        &self,
        _input: &[T; IN],
        _trace: &Self::Trace,
        delta: &[T; OUT],
        gradient: &mut [T; IN],
    ) {
        for (g, w) in gradient.iter_mut().zip(&self.weights) {
            *g = w.iter().zip(delta).map(|(&w, &d)| w * d).sum();
        }
    }

    fn gradient<const P: usize, const S: usize>(
        nets: [&mut Self; P],
        state: [&mut Self; S],
        input: &[T; IN],
        _trace: &Self::Trace,
        delta: &[T; OUT],
        visitor: &mut impl GradientVisitor<T, P, S>,
    ) {
        let nets = nets.map(|n| &mut n.weights);
        visitor.outer(nets, state.map(|s| &mut s.weights), input, delta);
    }

    fn parameters<const S: usize>(
        &self,
        state: [&mut Self; S],
        visit: &mut impl FnMut(Tensor, &[T], [&mut [T]; S]),
    ) {
        visit(
            Tensor::Weights { inputs: IN, outputs: OUT },
            self.weights.as_flattened(),
            state.map(|s| s.weights.as_flattened_mut()),
        );
    }

    fn tensors<const G: usize, const P: usize, const S: usize>(
        gradients: [&Self; G],
        nets: [&mut Self; P],
        state: [&mut Self; S],
        visit: &mut impl FnMut(Tensor, [&[T]; G], [&mut [T]; P], [&mut [T]; S]),
    ) {
        visit(
            Tensor::Weights { inputs: IN, outputs: OUT },
            gradients.map(|g| g.weights.as_flattened()),
            nets.map(|n| n.weights.as_flattened_mut()),
            state.map(|s| s.weights.as_flattened_mut()),
        );
    }
}
