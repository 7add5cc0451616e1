//! What a residual connection adds to the output of its layer.

use super::super::{Deltas, EndsIn, Layer, LayerTrace, Real, Samples};
use crate::activation::Activation;
use crate::fingerprint::fingerprint;
use crate::format::{Delta, Format};
use crate::gradient::GradientVisitor;
use crate::kernel::each_sample;
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::tensors::{Kind, TensorList, Tensors};
use crate::zero::Zero;

/// No projection in a [`Residual`](crate::Residual): the input itself is added.
///
/// ```
/// use gradlet::prelude::*;
///
/// let layer = Dense::<1, 1, Identity>::new([[2.0]], [0.0]);
/// let block: Residual<_> = Residual::with_projection(layer, Skip);
/// assert_eq!(block.forward(&[1.0]), [3.0]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Skip;

impl Zero for Skip {
    const ZERO: Self = Self;
}

/// What a [`Residual`](crate::Residual) adds to the output `Y` of a layer with input `X`: [`Skip`] if both have the
/// same shape, or any layer from `X` to `Y`. Implemented for these only.
///
/// ```
/// use gradlet::{Shortcut, prelude::*};
///
/// fn fits<P: Shortcut<[f32; 2], [f32; 3], f32>>() {}
/// fits::<Dense<2, 3, Identity>>();
/// ```
#[diagnostic::on_unimplemented(
    message = "`Residual` cannot add `{Self}` of an input `{X}` to an output `{Y}`",
    label = "both must have the same shape and number format",
    note = "where they differ, give a projection from one to the other: \
            `Residual<L, Dense<IN, OUT, Identity>>`"
)]
pub trait Shortcut<X: Shape, Y: Shape, F: Format> {
    /// Saved by the forward pass.
    #[doc(hidden)]
    type Trace: Zero + Clone;
    /// One value for each trainable parameter.
    #[doc(hidden)]
    type Gradient: Tensors<F::Weight> + Zero + Clone;
    #[doc(hidden)]
    const MACS: usize;
    #[doc(hidden)]
    const FINGERPRINT: u32;
    #[doc(hidden)]
    const TENSORS: TensorList;

    /// Adds what goes by the layer to its output, for inference.
    #[doc(hidden)]
    fn add<const K: usize>(&self, inputs: [&X; K], outputs: [&mut Y; K]);

    /// As `add`, in training; takes its trace and the output of each sample.
    #[doc(hidden)]
    fn add_trace<const K: usize>(&self, inputs: [&X; K], parts: [(&mut Self::Trace, &mut Y); K]);

    /// The backward pass within, from the derivatives with respect to the sum.
    #[doc(hidden)]
    fn backward<const WANTED: bool, const K: usize>(
        &self,
        inputs: [&X; K],
        traces: [&mut Self::Trace; K],
        deltas: [&Delta<F, Y>; K],
    );

    /// Adds to the derivatives with respect to the inputs.
    #[doc(hidden)]
    fn add_input_gradient<const K: usize>(
        &self,
        inputs: [&X; K],
        traces: [&Self::Trace; K],
        deltas: [&Delta<F, Y>; K],
        gradients: [&mut Delta<F, X>; K],
    );

    /// As `Layer::gradient`.
    #[doc(hidden)]
    fn gradient<const M: usize, const S: usize, const K: usize>(
        nets: [&mut Self; M],
        state: [&mut Self::Gradient; S],
        inputs: [&X; K],
        traces: [&Self::Trace; K],
        visitor: &mut impl GradientVisitor<F, M, S>,
    );

    /// As `Layer::gradient_at`.
    #[doc(hidden)]
    fn gradient_at<const S: usize, const K: usize>(
        &self,
        state: [&mut Self::Gradient; S],
        inputs: [&X; K],
        traces: [&Self::Trace; K],
        visitor: &mut impl GradientVisitor<F, 0, S>,
    );

    /// As `Layer::walk`.
    #[doc(hidden)]
    fn walk<const Q: usize, const M: usize, const R: usize, const S: usize>(
        nets: [&Self; Q],
        nets_mut: [&mut Self; M],
        read: [&Self::Gradient; R],
        write: [&mut Self::Gradient; S],
        visit: &mut impl FnMut(
            Kind,
            [&[F::Weight]; Q],
            [&mut [F::Weight]; M],
            [&[F::Weight]; R],
            [&mut [F::Weight]; S],
        ),
    );

    /// As `Layer::seed_dropout`.
    #[doc(hidden)]
    fn seed_dropout(&mut self, seeds: &mut impl FnMut() -> u64);

    /// As `Layer::STATEFUL`.
    #[doc(hidden)]
    const STATEFUL: bool;

    /// As `Layer::carry`.
    #[doc(hidden)]
    fn carry(&mut self, trace: &Self::Trace);
}

/// `sum += x`, for each element.
#[inline]
fn add<T: Scalar>(sums: &mut [T], x: &[T]) {
    for (sum, &x) in sums.iter_mut().zip(x) {
        *sum += x;
    }
}

#[diagnostic::do_not_recommend]
impl<T: Scalar, X: Shape<Element = T>> Shortcut<X, X, T> for Skip {
    type Trace = ();
    type Gradient = ();
    const MACS: usize = 0;
    const FINGERPRINT: u32 = fingerprint("Skip", &[]);
    const TENSORS: TensorList = TensorList::NONE;

    #[inline]
    fn add<const K: usize>(&self, inputs: [&X; K], outputs: [&mut X; K]) {
        each_sample::<K, _>(outputs.into_iter().zip(inputs), |(output, input)| {
            add(output.as_mut_slice(), input.as_slice());
        });
    }

    #[inline]
    fn add_trace<const K: usize>(&self, inputs: [&X; K], parts: [(&mut (), &mut X); K]) {
        Self::add(self, inputs, parts.map(|(_, output)| output));
    }

    #[inline]
    fn backward<const WANTED: bool, const K: usize>(
        &self,
        _: [&X; K],
        _: [&mut (); K],
        _: [&Delta<T, X>; K],
    ) {
    }

    #[inline]
    fn add_input_gradient<const K: usize>(
        &self,
        _: [&X; K],
        _: [&(); K],
        deltas: [&Delta<T, X>; K],
        gradients: [&mut Delta<T, X>; K],
    ) {
        each_sample::<K, _>(gradients.into_iter().zip(deltas), |(gradient, delta)| {
            add(gradient.values.as_mut_slice(), delta.values.as_slice());
        });
    }

    #[inline]
    fn gradient<const M: usize, const S: usize, const K: usize>(
        _: [&mut Self; M],
        _: [&mut (); S],
        _: [&X; K],
        _: [&(); K],
        _: &mut impl GradientVisitor<T, M, S>,
    ) {
    }

    #[inline]
    fn gradient_at<const S: usize, const K: usize>(
        &self,
        _: [&mut (); S],
        _: [&X; K],
        _: [&(); K],
        _: &mut impl GradientVisitor<T, 0, S>,
    ) {
    }

    #[inline]
    fn walk<const Q: usize, const M: usize, const R: usize, const S: usize>(
        _: [&Self; Q],
        _: [&mut Self; M],
        _: [&(); R],
        _: [&mut (); S],
        _: &mut impl FnMut(Kind, [&[T]; Q], [&mut [T]; M], [&[T]; R], [&mut [T]; S]),
    ) {
    }
    #[inline]
    fn seed_dropout(&mut self, _: &mut impl FnMut() -> u64) {}
    const STATEFUL: bool = false;
    #[inline]
    fn carry(&mut self, (): &()) {}
}

#[diagnostic::do_not_recommend]
impl<T: Scalar, X, Y, L> Shortcut<X, Y, T> for L
where
    X: Shape<Element = T>,
    Y: Shape<Element = T>,
    L: Layer<Format = T, Input = X, Output = Y>,
{
    type Trace = L::Trace;
    type Gradient = L::Gradient;
    const MACS: usize = L::MACS;
    const FINGERPRINT: u32 = L::FINGERPRINT;
    const TENSORS: TensorList = L::TENSORS;

    #[inline]
    fn add<const K: usize>(&self, inputs: [&X; K], outputs: [&mut Y; K]) {
        let own = self.forward_all(inputs);
        each_sample::<K, _>(outputs.into_iter().zip(&own), |(output, own)| {
            add(output.as_mut_slice(), own.as_slice());
        });
    }

    #[inline]
    fn add_trace<const K: usize>(&self, inputs: [&X; K], mut parts: [(&mut L::Trace, &mut Y); K]) {
        forward_trace(self, inputs, parts.each_mut().map(|(trace, _)| &mut **trace));
        each_sample::<K, _>(parts.into_iter(), |(trace, output)| {
            add(output.as_mut_slice(), trace.last().output().as_slice());
        });
    }

    #[inline]
    fn backward<const WANTED: bool, const K: usize>(
        &self,
        inputs: [&X; K],
        traces: [&mut L::Trace; K],
        deltas: [&Delta<T, Y>; K],
    ) {
        backward::<L, WANTED, K>(self, inputs, traces, deltas);
    }

    #[inline]
    fn add_input_gradient<const K: usize>(
        &self,
        inputs: [&X; K],
        traces: [&L::Trace; K],
        _: [&Delta<T, Y>; K],
        gradients: [&mut Delta<T, X>; K],
    ) {
        add_input_gradient(self, Samples { inputs, traces }, gradients);
    }

    #[inline]
    fn gradient<const M: usize, const S: usize, const K: usize>(
        nets: [&mut Self; M],
        state: [&mut L::Gradient; S],
        inputs: [&X; K],
        traces: [&L::Trace; K],
        visitor: &mut impl GradientVisitor<T, M, S>,
    ) {
        L::gradient(nets, state, Samples { inputs, traces }, visitor);
    }

    #[inline]
    fn gradient_at<const S: usize, const K: usize>(
        &self,
        state: [&mut L::Gradient; S],
        inputs: [&X; K],
        traces: [&L::Trace; K],
        visitor: &mut impl GradientVisitor<T, 0, S>,
    ) {
        Layer::gradient_at(self, state, Samples { inputs, traces }, visitor);
    }

    #[inline]
    fn walk<const Q: usize, const M: usize, const R: usize, const S: usize>(
        nets: [&Self; Q],
        nets_mut: [&mut Self; M],
        read: [&L::Gradient; R],
        write: [&mut L::Gradient; S],
        visit: &mut impl FnMut(Kind, [&[T]; Q], [&mut [T]; M], [&[T]; R], [&mut [T]; S]),
    ) {
        L::walk(nets, nets_mut, read, write, visit);
    }
    #[inline]
    fn seed_dropout(&mut self, seeds: &mut impl FnMut() -> u64) {
        L::seed_dropout(self, seeds);
    }
    const STATEFUL: bool = L::STATEFUL;
    #[inline]
    fn carry(&mut self, trace: &L::Trace) {
        L::carry(self, trace);
    }
}

/// The forward pass through a branch, with its activation.
#[inline]
pub(super) fn forward_trace<L: Layer, const K: usize>(
    layer: &L,
    inputs: [&L::Input; K],
    mut traces: [&mut L::Trace; K],
) -> [Real<L>; K] {
    let sums = layer.forward_trace(inputs, traces.each_mut().map(|trace| &mut **trace));
    let last = traces.map(EndsIn::last_mut);
    LayerTrace::activate_by(last, L::Activation::activate_each);
    sums
}

/// The backward pass through a branch, from the derivatives with respect to its outputs.
#[inline]
pub(super) fn backward<L: Layer, const WANTED: bool, const K: usize>(
    layer: &L,
    inputs: [&L::Input; K],
    mut traces: [&mut L::Trace; K],
    deltas: [&Delta<L::Format, L::Output>; K],
) {
    each_sample::<K, _>(traces.iter_mut().zip(deltas), |(trace, delta)| {
        let last = trace.last_mut();
        last.parts().1.clone_from(delta);
        last.backward::<false>(L::UNITS);
    });
    layer.backward::<WANTED, K>(inputs, traces);
}

/// Adds the derivatives with respect to the inputs of another branch.
#[inline]
pub(crate) fn add_input_gradient<T: Scalar, L: Layer<Format = T>, const K: usize>(
    layer: &L,
    samples: Samples<'_, L, K>,
    gradients: Deltas<'_, L, K>,
) where
    L::Input: Shape<Element = T>,
{
    let mut own = [const { Delta::<T, L::Input>::ZERO }; K];
    layer.input_gradient(samples, own.each_mut());
    each_sample::<K, _>(gradients.into_iter().zip(&own), |(gradient, own)| {
        add(gradient.values.as_mut_slice(), own.values.as_slice());
    });
}
