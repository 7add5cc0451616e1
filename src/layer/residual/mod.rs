//! Residual connections: what goes into a layer is added to what comes out.

mod shortcut;

pub(super) use shortcut::add_input_gradient;
pub use shortcut::{Shortcut, Skip};

use core::fmt;
use core::marker::PhantomData;

use shortcut::{backward, forward_trace};

use super::macros::both_layers;
use super::{Deltas, EndsIn, Layer, LayerTrace, Samples, Weight};
use crate::activation::{Activation, Identity};
use crate::fingerprint::fingerprint;
use crate::gradient::GradientVisitor;
use crate::kernel::each_sample;
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::tensors::{Kind, Pair, TensorList, reborrow};
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
    const MACS: usize = L::MACS.saturating_add(P::MACS);
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
    both_layers!(carry L layer, P projection: trace => trace.first);
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
