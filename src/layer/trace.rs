//! What one training step keeps of the forward pass.

use core::fmt;

use crate::activation::Activation;
use crate::kernel::{WRITTEN_OUT, each};
use crate::scalar::{Scalar, Zero};

/// A fixed-size array of numbers, `[T; N]`: the output of a layer.
///
/// ```
/// use gradlet::{Vector, prelude::*};
///
/// /// The sum of the outputs of any network.
/// fn total<N: Layer>(net: &N, input: &N::Input) -> N::Scalar {
///     net.forward(input).as_slice().iter().copied().sum()
/// }
/// assert_eq!(total(&Dense::<2, 4>::ZERO, &[1.0, 2.0]), 2.0);
/// ```
pub trait Vector: Zero + Clone + 'static {
    /// Type of the elements.
    type Scalar: Scalar;
    /// Calls `f` with an array of negative zeros, from which a sum can start without a trace.
    fn with_negative_zeros<R>(f: impl FnOnce(&mut Self) -> R) -> R;
    /// The elements.
    fn as_slice(&self) -> &[Self::Scalar];
    /// The elements.
    fn as_mut_slice(&mut self) -> &mut [Self::Scalar];
    /// The elements of several, one after the other.
    fn flatten(several: &mut [Self]) -> &mut [Self::Scalar];
}

impl<T: Scalar, const N: usize> Vector for [T; N] {
    type Scalar = T;

    #[inline(always)]
    fn with_negative_zeros<R>(f: impl FnOnce(&mut Self) -> R) -> R {
        let mut zeros = [if N > WRITTEN_OUT { -T::ZERO } else { T::ZERO }; N];
        if N <= WRITTEN_OUT {
            each(N, zeros.iter_mut(), |zero| *zero = -T::ZERO);
        }
        f(&mut zeros)
    }
    #[inline]
    fn as_slice(&self) -> &[T] {
        self
    }
    #[inline]
    fn as_mut_slice(&mut self) -> &mut [T] {
        self
    }
    #[inline]
    fn flatten(several: &mut [Self]) -> &mut [T] {
        several.as_flattened_mut()
    }
}

/// What an activation keeps for its derivative besides the outputs: nothing, or the logits.
///
/// ```
/// use gradlet::{Activation, Gelu, Kept, Zero};
///
/// let mut kept = <Gelu as Activation>::Kept::<[f32; 2]>::ZERO;
/// kept.keep(&[1.0, 2.0]);
/// assert_eq!(Kept::<[f32; 2]>::logits(&kept), &[1.0, 2.0]);
/// ```
pub trait Kept<Y: Vector>: Zero {
    /// Copies the logits, if they are needed.
    fn keep(&mut self, logits: &Y);
    /// The logits, or an empty slice.
    fn logits(&self) -> &[Y::Scalar];
}

impl<Y: Vector> Kept<Y> for () {
    #[inline]
    fn keep(&mut self, _: &Y) {}
    #[inline]
    fn logits(&self) -> &[Y::Scalar] {
        &[]
    }
}

impl<Y: Vector> Kept<Y> for Y {
    #[inline]
    fn keep(&mut self, logits: &Y) {
        self.clone_from(logits);
    }
    #[inline]
    fn logits(&self) -> &[Y::Scalar] {
        self.as_slice()
    }
}

/// What a training step keeps of the forward pass: the outputs of every layer.
///
/// Implemented by [`LayerTrace`], for one layer, and [`ChainTrace`].
///
/// ```
/// use gradlet::{Trace, prelude::*};
///
/// let net = Mlp::<2, 4, 3>::ZERO;
/// let mut trace = <Mlp<2, 4, 3> as Layer>::Trace::ZERO;
/// net.forward_trace(&[1.0, 2.0], &mut trace);
/// assert_eq!(trace.last().output(), &[0.0; 3]); // logits
/// ```
pub trait Trace: Zero {
    /// Output of the last layer.
    type Output: Vector;
    /// Activation of the last layer.
    type Activation: Activation;
    /// One array for each layer: the derivative of the loss by the layer's logits.
    type Deltas<'a>: Copy;
    /// The same arrays, to be filled.
    type DeltasMut<'a>;

    /// Calls `f` with an array for each layer, for the backward pass to fill.
    fn with_deltas<R>(f: impl FnOnce(Self::DeltasMut<'_>) -> R) -> R;
    /// The same arrays, borrowed for a shorter time.
    fn shorten<'short, 'long: 'short>(deltas: Self::DeltasMut<'long>) -> Self::DeltasMut<'short>;
    /// The same arrays, to be read.
    fn filled<'a>(deltas: &'a Self::DeltasMut<'_>) -> Self::Deltas<'a>;
    /// The outputs in this trace, which then stand for the derivatives.
    fn as_deltas(&self) -> Self::Deltas<'_>;
    /// The same outputs, to be filled.
    fn as_deltas_mut(&mut self) -> Self::DeltasMut<'_>;
    /// What is kept of the last layer.
    fn last(&self) -> &LayerTrace<Self::Output, Self::Activation>;
    /// What is kept of the last layer.
    fn last_mut(&mut self) -> &mut LayerTrace<Self::Output, Self::Activation>;
    /// The last layer's `dL/dz`.
    fn last_delta_mut<'a>(deltas: &'a mut Self::DeltasMut<'_>) -> &'a mut Self::Output;
}

/// What a training step keeps of one layer with output `Y` and activation `A`: the output, and the
/// logits too for the activations that need them ([`Gelu`](crate::Gelu), [`Silu`](crate::Silu)).
pub struct LayerTrace<Y: Vector, A: Activation> {
    output: Y,
    kept: A::Kept<Y>,
}

impl<Y: Vector, A: Activation> LayerTrace<Y, A> {
    /// The layer's output; right after [`Layer::forward_trace`](crate::Layer::forward_trace), its
    /// logits.
    #[inline]
    pub fn output(&self) -> &Y {
        &self.output
    }

    /// Where a layer writes its logits.
    #[inline]
    pub fn output_mut(&mut self) -> &mut Y {
        &mut self.output
    }

    /// Turns the logits into outputs by `apply`, and keeps what the derivative needs.
    #[inline]
    pub(crate) fn activate_by<R>(&mut self, apply: impl FnOnce(&mut [Y::Scalar]) -> R) -> R {
        self.kept.keep(&self.output);
        apply(self.output.as_mut_slice())
    }

    /// As [`activate_by`](Self::activate_by), for several samples.
    #[inline]
    pub(crate) fn activate_each_by<R, const K: usize>(
        mut traces: [&mut Self; K],
        apply: impl FnOnce([&mut Y; K]) -> R,
    ) -> R {
        for trace in &mut traces {
            trace.kept.keep(&trace.output);
        }
        apply(traces.map(|trace| &mut trace.output))
    }

    /// Turns the logits into outputs.
    #[inline]
    pub(crate) fn activate(&mut self) {
        self.activate_by(A::apply);
    }

    /// Turns `delta = dL/dy` into `dL/dz`.
    #[inline]
    pub(crate) fn backward(&self, delta: &mut Y) {
        A::backward(self.output.as_slice(), self.kept.logits(), delta.as_mut_slice());
    }
}

impl<Y: Vector, A: Activation> Zero for LayerTrace<Y, A> {
    const ZERO: Self = Self { output: Y::ZERO, kept: A::Kept::<Y>::ZERO };
}

impl<Y: Vector, A: Activation> fmt::Debug for LayerTrace<Y, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LayerTrace")
            .field("output", &self.output.as_slice())
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "defmt")]
impl<Y: Vector<Scalar: defmt::Format>, A: Activation> defmt::Format for LayerTrace<Y, A> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "LayerTrace {{ output: {=[?]}, .. }}", self.output.as_slice());
    }
}

impl<Y: Vector, A: Activation> Trace for LayerTrace<Y, A> {
    type Output = Y;
    type Activation = A;
    type Deltas<'a> = &'a Y;
    type DeltasMut<'a> = &'a mut Y;

    #[inline(always)]
    fn with_deltas<R>(f: impl FnOnce(&mut Y) -> R) -> R {
        Y::with_negative_zeros(f)
    }
    #[inline]
    fn shorten<'short, 'long: 'short>(deltas: &'long mut Y) -> &'short mut Y {
        deltas
    }
    #[inline]
    fn filled<'a>(deltas: &'a &mut Y) -> &'a Y {
        deltas
    }
    #[inline]
    fn as_deltas(&self) -> &Y {
        &self.output
    }
    #[inline]
    fn as_deltas_mut(&mut self) -> &mut Y {
        &mut self.output
    }
    #[inline]
    fn last(&self) -> &Self {
        self
    }
    #[inline]
    fn last_mut(&mut self) -> &mut Self {
        self
    }
    #[inline]
    fn last_delta_mut<'a>(deltas: &'a mut &mut Y) -> &'a mut Y {
        deltas
    }
}

/// What a training step keeps of two layers in a row.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ChainTrace<F, R> {
    pub(super) first: F,
    pub(super) rest: R,
}

impl<F: Zero, R: Zero> Zero for ChainTrace<F, R> {
    const ZERO: Self = Self { first: F::ZERO, rest: R::ZERO };
}

impl<F: Trace, R: Trace> Trace for ChainTrace<F, R> {
    type Output = R::Output;
    type Activation = R::Activation;
    type Deltas<'a> = (F::Deltas<'a>, R::Deltas<'a>);
    type DeltasMut<'a> = (F::DeltasMut<'a>, R::DeltasMut<'a>);

    #[inline(always)]
    fn with_deltas<R2>(f: impl FnOnce(Self::DeltasMut<'_>) -> R2) -> R2 {
        F::with_deltas(|first| R::with_deltas(|rest| f((F::shorten(first), R::shorten(rest)))))
    }
    #[inline]
    fn shorten<'short, 'long: 'short>(deltas: Self::DeltasMut<'long>) -> Self::DeltasMut<'short> {
        (F::shorten(deltas.0), R::shorten(deltas.1))
    }
    #[inline]
    fn filled<'a>(deltas: &'a Self::DeltasMut<'_>) -> Self::Deltas<'a> {
        (F::filled(&deltas.0), R::filled(&deltas.1))
    }
    #[inline]
    fn as_deltas(&self) -> Self::Deltas<'_> {
        (self.first.as_deltas(), self.rest.as_deltas())
    }
    #[inline]
    fn as_deltas_mut(&mut self) -> Self::DeltasMut<'_> {
        (self.first.as_deltas_mut(), self.rest.as_deltas_mut())
    }
    #[inline]
    fn last(&self) -> &LayerTrace<R::Output, R::Activation> {
        self.rest.last()
    }
    #[inline]
    fn last_mut(&mut self) -> &mut LayerTrace<R::Output, R::Activation> {
        self.rest.last_mut()
    }
    #[inline]
    fn last_delta_mut<'a>(deltas: &'a mut Self::DeltasMut<'_>) -> &'a mut R::Output {
        R::last_delta_mut(&mut deltas.1)
    }
}

/// Each element of `b` after the one of `a` in its place; `first` is the first of `a`.
#[inline(always)]
pub(crate) fn zip<A: Copy, B, const K: usize>(first: A, a: [A; K], b: [B; K]) -> [(A, B); K] {
    let mut a = a.into_iter();
    b.map(|b| (a.next().unwrap_or(first), b))
}
