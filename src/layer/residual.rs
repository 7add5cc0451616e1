//! Residual connections: what goes into a layer is added to what comes out.

use core::fmt;
use core::marker::PhantomData;

use super::macros::both_layers;
use super::{Deltas, EndsIn, Layer, LayerTrace, Real, Samples, Weight};
use crate::activation::{Activation, Identity};
use crate::fingerprint::fingerprint;
use crate::format::{Delta, Format};
use crate::gradient::GradientVisitor;
use crate::kernel::each_sample;
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::tensors::{Kind, Pair, TensorList, Tensors, reborrow};
use crate::zero::Zero;

/// Residual connection: `y = A(P(x) + L(x))`, the sum of the outputs of two layers and an
/// [activation](crate::Activation) behind it; by default `y = x + L(x)`, without a projection `P` and
/// with the activation [`Identity`].
///
/// | name   | shape             | meaning                                              |
/// |--------|-------------------|------------------------------------------------------|
/// | `x`    | input of `L`      | input                                                |
/// | `L(x)` | output of `L`     | a layer or a [`Chain`](crate::Chain), with its activation |
/// | `P(x)` | output of `L`     | [`Skip`], or a layer that takes `x` to the output of `L` |
/// | `y`    | output of `L`     | output                                               |
///
/// He, Zhang, Ren, Sun, CVPR 2016, where `A` is [`Relu`](crate::Relu). Without a projection the input
/// of `L` must have the shape of its output; otherwise the type does not compile. For any shape, `f32`
/// or `f64`. The input gradient is the sum of those of both: `dx = dL/dx + dP/dx`. Of the tensors,
/// those of `L` come first. A trainer holds the output and its derivative besides what `L` and `P`
/// need. In [`net!`](crate::net), an activation is written behind:
/// `Residual(8 Relu => 4 Identity) Relu`.
///
/// ```
/// use gradlet::prelude::*;
///
/// type Block = Residual<Dense<2, 2, Relu>>;
/// let block = Block::new(Dense::new([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]));
/// assert_eq!(block.forward(&[3.0, -1.0]), [6.0, -1.0]);
///
/// // The same with an activation of the sum.
/// let (layer, skip) = block.clone().into_parts();
/// let active: Residual<_, Skip, Relu> = Residual::with_projection(layer, skip);
/// assert_eq!(active.forward(&[3.0, -1.0]), [6.0, 0.0]);
///
/// // From 2 to 3 values: a projection without an activation.
/// type Wider = Residual<Chain<Dense<2, 4, Relu>, Dense<4, 3, Tanh>>, Dense<2, 3, Identity>>;
/// type Net = Chain<Block, Chain<Wider, Dense<3, 2, Softmax>>>;
/// assert_eq!(Wider::PARAMS, (2 * 4 + 4) + (4 * 3 + 3) + (2 * 3 + 3));
///
/// let net = Net::new(block, Chain::new(Residual::with_projection(Zero::ZERO, Zero::ZERO), Zero::ZERO));
/// assert_eq!(net.forward(&[3.0, -1.0]), [0.5, 0.5]);
/// ```
///
/// ```compile_fail,E0277
/// use gradlet::prelude::*;
///
/// static BLOCK: Residual<Dense<2, 3>> = Zero::ZERO; // 2 inputs cannot be added to 3 outputs
/// ```
pub struct Residual<L: Layer, P: Shortcut<L::Input, L::Output, L::Format> = Skip, A = Identity> {
    layer: L,
    projection: P,
    activation: PhantomData<A>,
}

/// No projection in a [`Residual`]: the input itself is added.
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

impl<L: Layer, A: Activation<L::Format>> Residual<L, Skip, A>
where
    Skip: Shortcut<L::Input, L::Output, L::Format>,
{
    /// `y = A(x + L(x))`.
    #[must_use]
    pub const fn new(layer: L) -> Self {
        Self::with_projection(layer, Skip)
    }
}

impl<L, P, A> Residual<L, P, A>
where
    L: Layer,
    P: Shortcut<L::Input, L::Output, L::Format>,
    A: Activation<L::Format>,
{
    /// `y = A(P(x) + L(x))`.
    #[must_use]
    pub const fn with_projection(layer: L, projection: P) -> Self {
        const {
            assert!(
                <L::Output as Shape>::LEN >= A::MIN_OUTPUTS,
                "too few outputs: `Softmax` needs 2, others 1"
            );
        }
        Self { layer, projection, activation: PhantomData }
    }
}

impl<L: Layer, P: Shortcut<L::Input, L::Output, L::Format>, A> Residual<L, P, A> {
    /// The layer, and the projection.
    #[must_use]
    pub fn into_parts(self) -> (L, P) {
        (self.layer, self.projection)
    }

    /// The layer `L`.
    #[must_use]
    pub const fn layer(&self) -> &L {
        &self.layer
    }

    /// The layer `L`, mutable.
    #[must_use]
    pub const fn layer_mut(&mut self) -> &mut L {
        &mut self.layer
    }

    /// The projection `P`.
    #[must_use]
    pub const fn projection(&self) -> &P {
        &self.projection
    }

    /// The projection `P`, mutable.
    #[must_use]
    pub const fn projection_mut(&mut self) -> &mut P {
        &mut self.projection
    }
}

impl Zero for Skip {
    const ZERO: Self = Self;
}

impl<L, P, A> Clone for Residual<L, P, A>
where
    L: Layer + Clone,
    P: Shortcut<L::Input, L::Output, L::Format> + Clone,
{
    fn clone(&self) -> Self {
        let Self { layer, projection, .. } = self;
        Self { layer: layer.clone(), projection: projection.clone(), activation: PhantomData }
    }
}

impl<L, P, A> PartialEq for Residual<L, P, A>
where
    L: Layer + PartialEq,
    P: Shortcut<L::Input, L::Output, L::Format> + PartialEq,
{
    fn eq(&self, other: &Self) -> bool {
        self.layer == other.layer && self.projection == other.projection
    }
}

impl<L, P, A> fmt::Debug for Residual<L, P, A>
where
    L: Layer + fmt::Debug,
    P: Shortcut<L::Input, L::Output, L::Format> + fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { layer, projection, .. } = self;
        f.debug_struct("Residual").field("layer", layer).field("projection", projection).finish()
    }
}

#[cfg(feature = "defmt")]
impl<L, P, A> defmt::Format for Residual<L, P, A>
where
    L: Layer + defmt::Format,
    P: Shortcut<L::Input, L::Output, L::Format> + defmt::Format,
{
    fn format(&self, f: defmt::Formatter<'_>) {
        let Self { layer, projection, .. } = self;
        defmt::write!(f, "Residual {{ layer: {}, projection: {} }}", layer, projection);
    }
}

impl<L, P, A> Zero for Residual<L, P, A>
where
    L: Layer + Zero,
    P: Shortcut<L::Input, L::Output, L::Format> + Zero,
    A: Activation<L::Format>,
{
    const ZERO: Self = Self::with_projection(L::ZERO, P::ZERO);
}

/// The defaults of both layers.
impl<L, P, A> Default for Residual<L, P, A>
where
    L: Layer + Default,
    P: Shortcut<L::Input, L::Output, L::Format> + Default,
    A: Activation<L::Format>,
{
    fn default() -> Self {
        Self::with_projection(L::default(), P::default())
    }
}

/// What a [`Residual`] adds to the output `Y` of a layer with input `X`: [`Skip`] if both have the
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
}

/// `sum += x`, for each element.
#[inline]
pub(super) fn add<T: Scalar>(sums: &mut [T], x: &[T]) {
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
}

/// The forward pass through a branch, with its activation.
#[inline]
fn forward_trace<L: Layer, const K: usize>(
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
fn backward<L: Layer, const WANTED: bool, const K: usize>(
    layer: &L,
    inputs: [&L::Input; K],
    mut traces: [&mut L::Trace; K],
    deltas: [&Delta<L::Format, L::Output>; K],
) {
    each_sample::<K, _>(traces.iter_mut().zip(deltas), |(trace, delta)| {
        let last = trace.last_mut();
        last.parts().1.clone_from(delta);
        last.backward::<false>();
    });
    layer.backward::<WANTED, K>(inputs, traces);
}

/// Adds the derivatives with respect to the inputs of another branch.
#[inline]
pub(super) fn add_input_gradient<T: Scalar, L: Layer<Format = T>, const K: usize>(
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

impl<T, L, P, A> Layer for Residual<L, P, A>
where
    T: Scalar,
    L: Layer<Format = T>,
    P: Shortcut<L::Input, L::Output, T>,
    A: Activation<T>,
{
    type Format = T;
    type Input = L::Input;
    type Output = L::Output;
    type Activation = A;
    type Trace = Pair<Pair<L::Trace, P::Trace>, LayerTrace<T, L::Output, A>>;
    type Gradient = Pair<L::Gradient, P::Gradient>;
    const MACS: usize = L::MACS + P::MACS;
    const TENSORS: TensorList = TensorList::pair(&L::TENSORS, &P::TENSORS);
    /// With [`Identity`] that of the two layers alone.
    const FINGERPRINT: u32 = fingerprint("Residual", &[L::FINGERPRINT, P::FINGERPRINT])
        ^ A::FINGERPRINT
        ^ <Identity as Activation<T>>::FINGERPRINT;

    #[inline]
    fn logits(&self, input: &L::Input, logits: &mut L::Output) {
        self.layer.logits(input, logits);
        L::Activation::activate(logits.as_mut_slice());
        self.projection.add([input], [logits]);
    }

    #[inline]
    fn forward_all<const K: usize>(&self, inputs: [&L::Input; K]) -> [L::Output; K] {
        let mut outputs = self.layer.forward_all(inputs);
        self.projection.add(inputs, outputs.each_mut());
        A::activate_each(outputs.each_mut());
        outputs
    }

    #[inline]
    fn forward_trace<const K: usize>(
        &self,
        inputs: [&L::Input; K],
        mut traces: [&mut Self::Trace; K],
    ) -> [T; K] {
        let own = traces.each_mut().map(|trace| &mut trace.first.first);
        let sums = forward_trace(&self.layer, inputs, own);
        each_sample::<K, _>(traces.iter_mut(), |Pair { first, rest }| {
            rest.output_mut().clone_from(first.first.last().output());
        });
        let parts = traces.map(|Pair { first, rest }| (&mut first.rest, rest.output_mut()));
        self.projection.add_trace(inputs, parts);
        sums
    }

    #[inline]
    fn backward<const WANTED: bool, const K: usize>(
        &self,
        inputs: [&L::Input; K],
        mut traces: [&mut Self::Trace; K],
    ) {
        let mut parts =
            traces.each_mut().map(|Pair { first, rest }| (&mut first.first, rest.delta()));
        let deltas = parts.each_ref().map(|(_, delta)| *delta);
        let own = parts.each_mut().map(|(own, _)| &mut **own);
        backward::<L, WANTED, K>(&self.layer, inputs, own, deltas);

        let mut parts = traces.map(|Pair { first, rest }| (&mut first.rest, rest.delta()));
        let deltas = parts.each_ref().map(|(_, delta)| *delta);
        let by = parts.each_mut().map(|(by, _)| &mut **by);
        self.projection.backward::<WANTED, K>(inputs, by, deltas);
    }

    #[inline]
    fn input_gradient<const K: usize>(
        &self,
        samples: Samples<'_, Self, K>,
        mut gradients: Deltas<'_, Self, K>,
    ) {
        let own = gradients.each_mut().map(|gradient| &mut **gradient);
        self.layer.input_gradient(samples.layer(), own);
        let by = samples.traces.map(|trace| &trace.first.rest);
        let deltas = samples.traces.map(|trace| trace.rest.delta());
        self.projection.add_input_gradient(samples.inputs, by, deltas, gradients);
    }

    #[inline]
    fn gradient<const M: usize, const S: usize, const K: usize>(
        mut nets: [&mut Self; M],
        mut state: [&mut Self::Gradient; S],
        samples: Samples<'_, Self, K>,
        visitor: &mut impl GradientVisitor<T, M, S>,
    ) {
        L::gradient(
            nets.each_mut().map(|n| &mut n.layer),
            state.each_mut().map(|s| &mut s.first),
            samples.layer(),
            visitor,
        );
        P::gradient(
            nets.map(|n| &mut n.projection),
            state.map(|s| &mut s.rest),
            samples.inputs,
            samples.traces.map(|trace| &trace.first.rest),
            visitor,
        );
    }

    #[inline]
    fn gradient_at<const S: usize, const K: usize>(
        &self,
        mut state: [&mut Self::Gradient; S],
        samples: Samples<'_, Self, K>,
        visitor: &mut impl GradientVisitor<T, 0, S>,
    ) {
        let own = state.each_mut().map(|s| &mut s.first);
        self.layer.gradient_at(own, samples.layer(), visitor);
        self.projection.gradient_at(
            state.map(|s| &mut s.rest),
            samples.inputs,
            samples.traces.map(|trace| &trace.first.rest),
            visitor,
        );
    }

    both_layers!(walk L layer layer_mut, P projection projection_mut);
}

impl<'a, T, L, P, A, const K: usize> Samples<'a, Residual<L, P, A>, K>
where
    T: Scalar,
    L: Layer<Format = T>,
    P: Shortcut<L::Input, L::Output, T>,
    A: Activation<T>,
{
    /// The part of the layer `L`.
    #[inline(always)]
    fn layer(self) -> Samples<'a, L, K> {
        Samples { inputs: self.inputs, traces: self.traces.map(|trace| &trace.first.first) }
    }
}
