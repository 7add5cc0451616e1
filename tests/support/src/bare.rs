//! A layer as a user would write it.

use core::marker::PhantomData;

use gradlet::tensors;
use gradlet::{
    Activation, Deltas, GradientVisitor, Identity, Kind, Layer, LayerTrace, Samples, Scalar, Zero,
};

/// `y = A(W x)`: a layer without biases, as in the first chapters of textbooks.
#[derive(Debug, PartialEq)]
pub struct Bare<const IN: usize, const OUT: usize, A = Identity, T = f64> {
    weights: [[T; OUT]; IN],
    activation: PhantomData<A>,
}

impl<const IN: usize, const OUT: usize, A, T: Copy> Clone for Bare<IN, OUT, A, T> {
    fn clone(&self) -> Self {
        Self::new(self.weights)
    }
}

impl<const IN: usize, const OUT: usize, A, T> Bare<IN, OUT, A, T> {
    pub const fn new(weights: [[T; OUT]; IN]) -> Self {
        Self { weights, activation: PhantomData }
    }

    /// From `rows[unit][input]`.
    pub fn from_rows(rows: [[T; IN]; OUT]) -> Self
    where
        T: Copy,
    {
        Self::new(core::array::from_fn(|i| core::array::from_fn(|o| rows[o][i])))
    }

    /// As `rows[unit][input]`, in one list.
    pub fn rows(&self) -> Vec<T>
    where
        T: Copy,
    {
        (0..OUT).flat_map(|o| self.weights.iter().map(move |w| w[o])).collect()
    }
}

impl<const IN: usize, const OUT: usize, A, T: Zero> Zero for Bare<IN, OUT, A, T> {
    const ZERO: Self = Self::new(Zero::ZERO);
}

impl<const IN: usize, const OUT: usize, A: Activation<T>, T: Scalar> Layer for Bare<IN, OUT, A, T> {
    type Format = T;
    type Input = [T; IN];
    type Output = [T; OUT];
    type Activation = A;
    type Trace = LayerTrace<T, [T; OUT], A>;
    type Gradient = Self;
    const MACS: usize = IN * OUT;

    tensors! { weights: Weight "weight" [OUT, IN] }

    fn logits(&self, input: &[T; IN], logits: &mut [T; OUT]) {
        *logits = Zero::ZERO;
        for (w, &x) in self.weights.iter().zip(input) {
            for (z, &w) in logits.iter_mut().zip(w) {
                *z += w * x;
            }
        }
    }

    fn input_gradient<const K: usize>(
        &self,
        samples: Samples<'_, Self, K>,
        gradients: Deltas<'_, Self, K>,
    ) {
        for ((_, trace), gradient) in samples.iter().zip(gradients) {
            for (g, w) in gradient.values.iter_mut().zip(&self.weights) {
                *g = w.iter().zip(&trace.delta().values).map(|(&w, &d)| w * d).sum();
            }
        }
    }

    fn gradient<const P: usize, const S: usize, const K: usize>(
        mut nets: [&mut Self; P],
        mut state: [&mut Self; S],
        samples: Samples<'_, Self, K>,
        visitor: &mut impl GradientVisitor<T, P, S>,
    ) {
        for (input, trace) in samples.iter() {
            for (i, &x) in input.iter().enumerate() {
                visitor.vector(
                    Kind::Weight,
                    nets.each_mut().map(|n| n.weights[i].as_mut_slice()),
                    state.each_mut().map(|s| s.weights[i].as_mut_slice()),
                    &trace.delta().values.map(|d| x * d),
                    (),
                );
            }
        }
    }
}
