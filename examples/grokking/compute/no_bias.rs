//! Networks without biases.

use gradlet::{Gradients, Layer, Optimizer, Tensor, Zero};

/// The step of another optimizer, after which every bias is 0 again, as it was before.
///
/// A bias of 0 adds nothing, so a network that starts with such biases has none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoBias<O>(pub(crate) O);

impl<N: Layer, O: Optimizer<N>> Optimizer<N> for NoBias<O> {
    type State = O::State;

    fn update(
        &self,
        net: &mut N,
        state: &mut O::State,
        gradients: &impl Gradients<N>,
        scale: N::Scalar,
    ) {
        self.0.update(net, state, gradients, scale);
        N::tensors([], [net], [], &mut |tensor, [], [values], []| {
            if tensor == Tensor::Bias {
                values.fill(N::Scalar::ZERO);
            }
        });
    }
}
