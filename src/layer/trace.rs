//! Values saved by the forward pass for the backward pass.

use core::fmt;

use crate::activation::{Activation, Kept};
use crate::format::{Delta, Format};
use crate::kernel::each_sample;
use crate::shape::Shape;
use crate::tensors::Pair;
use crate::zero::Zero;

/// The values that the forward pass of a network saves, which end in an `X`, the [`LayerTrace`] of
/// the last layer.
///
/// Implemented by [`LayerTrace`], which is enough for most layers, and by the traces of chains. A
/// layer that saves more, such as a recurrent layer, implements it for its own type:
///
/// ```
/// use gradlet::prelude::*;
/// use gradlet::{EndsIn, LayerTrace};
///
/// type Output = LayerTrace<f32, [f32; 4], Identity>;
///
/// struct Recurrent {
///     gates: [[f32; 4]; 3],
///     output: Output,
/// }
///
/// impl EndsIn<Output> for Recurrent {
///     fn last(&self) -> &Output {
///         &self.output
///     }
///     fn last_mut(&mut self) -> &mut Output {
///         &mut self.output
///     }
/// }
/// ```
pub trait EndsIn<X> {
    /// The trace of the last layer.
    fn last(&self) -> &X;
    /// The trace of the last layer, mutable.
    fn last_mut(&mut self) -> &mut X;
}

impl<F: Format, Y: Shape<Element = F::Value>, A: Activation<F>> EndsIn<Self>
    for LayerTrace<F, Y, A>
{
    #[inline(always)]
    fn last(&self) -> &Self {
        self
    }
    #[inline(always)]
    fn last_mut(&mut self) -> &mut Self {
        self
    }
}

impl<X, F, R: EndsIn<X>> EndsIn<X> for Pair<F, R> {
    #[inline(always)]
    fn last(&self) -> &X {
        self.rest.last()
    }
    #[inline(always)]
    fn last_mut(&mut self) -> &mut X {
        self.rest.last_mut()
    }
}

/// The values saved for one layer of format `F` with output `Y` and activation `A`: the output, the
/// derivatives with respect to the logits, and for the activations that need them
/// ([`Gelu`](crate::Gelu), [`Silu`](crate::Silu), [`HardSwish`](crate::HardSwish)) the logits.
pub struct LayerTrace<F: Format, Y: Shape<Element = F::Value>, A: Activation<F>> {
    output: Y,
    kept: A::Kept<Y>,
    delta: Delta<F, Y>,
}

impl<F: Format, Y: Shape<Element = F::Value>, A: Activation<F>> LayerTrace<F, Y, A> {
    /// The layer's output; right after [`Layer::forward_trace`](crate::Layer::forward_trace), its
    /// logits.
    #[inline]
    pub fn output(&self) -> &Y {
        &self.output
    }

    /// The layer's output, mutable: a layer writes its logits here.
    #[inline]
    pub fn output_mut(&mut self) -> &mut Y {
        &mut self.output
    }

    /// The derivatives of the loss with respect to the logits, after the backward pass.
    #[inline]
    pub fn delta(&self) -> &Delta<F, Y> {
        &self.delta
    }

    /// The output, and the derivatives, mutable.
    #[inline]
    pub fn parts(&mut self) -> (&Y, &mut Delta<F, Y>) {
        (&self.output, &mut self.delta)
    }

    /// As `clone_from`, without a copy on the stack.
    #[inline]
    pub(crate) fn copy_from(&mut self, source: &Self) {
        self.output.clone_from(&source.output);
        self.kept.clone_from(&source.kept);
        self.delta.clone_from(&source.delta);
    }

    /// Turns the logits into outputs by `apply`, which applies the activation.
    #[inline]
    pub(crate) fn activate_by<R, const K: usize>(
        mut traces: [&mut Self; K],
        apply: impl FnOnce([&mut Y; K]) -> R,
    ) -> R {
        each_sample::<K, _>(traces.iter_mut(), |trace| trace.kept.keep(&trace.output));
        apply(traces.map(|trace| &mut trace.output))
    }

    /// Turns the derivatives `dL/dy` into `dL/dz`, unless they are `FUSED`, already `dL/dz`; `units` are
    /// [`Layer::UNITS`](super::Layer::UNITS).
    #[cfg_attr(not(calls_layers), inline)]
    pub(crate) fn backward<const FUSED: bool>(&mut self, units: usize) {
        let (values, scale) = self.delta.parts();
        if !FUSED {
            A::backpropagate(self.output.as_slice(), self.kept.logits(), values, scale);
        }
        F::align(values, units, scale);
    }
}

impl<F: Format, Y: Shape<Element = F::Value>, A: Activation<F>> Zero for LayerTrace<F, Y, A> {
    const ZERO: Self = Self { output: Y::ZERO, kept: A::Kept::<Y>::ZERO, delta: Delta::ZERO };
}

impl<F: Format, Y: Shape<Element = F::Value>, A: Activation<F>> Clone for LayerTrace<F, Y, A> {
    fn clone(&self) -> Self {
        Self { output: self.output.clone(), kept: self.kept.clone(), delta: self.delta.clone() }
    }
}

impl<F, Y, A> fmt::Debug for LayerTrace<F, Y, A>
where
    F: Format<Value: fmt::Debug>,
    Y: Shape<Element = F::Value>,
    A: Activation<F>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LayerTrace")
            .field("output", &self.output.as_slice())
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "defmt")]
impl<F, Y, A> defmt::Format for LayerTrace<F, Y, A>
where
    F: Format<Value: defmt::Format>,
    Y: Shape<Element = F::Value>,
    A: Activation<F>,
{
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "LayerTrace {{ output: {=[?]}, .. }}", self.output.as_slice());
    }
}
