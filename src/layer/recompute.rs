//! Layers that are computed again in the backward pass, to keep less.

use super::{Deltas, EndsIn, Layer, LayerTrace, Real, Samples, Weight};
use crate::fingerprint::fingerprint;
use crate::gradient::GradientVisitor;
use crate::tensors::{Kind, TensorList};
use crate::zero::Zero;

/// A part of a network whose inner values are not kept from the forward to the backward pass, but
/// computed again: less RAM for more time (gradient checkpointing).
///
/// Chen, Xu, Zhang, Guestrin, Training Deep Nets with Sublinear Memory Cost, 2016. Trained with the
/// bits of `L` itself, also in batches.
///
/// | | `L` | `Recompute<L>` |
/// |---|---|---|
/// | kept in the trainer | `size_of::<L::Trace>()` | [`KEPT_BYTES`](Self::KEPT_BYTES): output and derivatives of its last layer |
/// | on the stack for a while | | [`STACK_BYTES`](Self::STACK_BYTES), once for each sample of a tile |
/// | forward passes of a step | 1 | 2, or 3 behind a layer that is trained |
///
/// Only one part is on the stack at a time. So cut a network into parts: it then needs what is kept
/// at the cuts, and the stack of the largest part. A single part over all of it saves nothing.
///
/// ```
/// use gradlet::{Recompute, prelude::*};
///
/// type First = net![64 x 2 => Conv1d(8, 5, padding same) Relu => MaxPool(4)];
/// type Second = net![16 x 8 => Conv1d(16, 3, padding same) Relu => GlobalMean];
/// type Head = Dense<16, 4, Softmax>;
/// type Whole = Chain<First, Chain<Second, Head>>;
/// type Parts = Chain<Recompute<First>, Chain<Recompute<Second>, Head>>;
///
/// const WHOLE: usize = size_of::<Trainer<Whole, CrossEntropy>>();
/// const PARTS: usize = size_of::<Trainer<Parts, CrossEntropy>>();
/// const STACK: usize = Recompute::<First>::STACK_BYTES; // of the largest part
/// const _: () = assert!(WHOLE == 7328 && PARTS == 1184 && STACK == 5120);
/// ```
///
/// For two convolutions with `Relu` and pooling, [`Compact`](crate::Compact) needs less.
///
/// The gradient of a sample can be had only with the network, to be updated
/// ([`Layer::gradient`]) or not ([`Layer::gradient_at`]). The states of [`Stateful`](crate::Stateful) layers
/// are not kept either, so [`Trainer::carry`](crate::Trainer::carry) does not compile:
///
/// ```compile_fail,E0080
/// # use gradlet::{Recompute, prelude::*};
/// let mut net = Recompute::new(<net![8 x 2 => Gru(4, stateful)]>::ZERO);
/// Trainer::<_, HalfSquaredError>::new().carry(&mut net);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Recompute<L> {
    layer: L,
}

impl<L> Recompute<L> {
    /// Computes `layer` again when it is needed.
    #[must_use]
    pub const fn new(layer: L) -> Self {
        Self { layer }
    }

    /// The layer.
    #[must_use]
    pub const fn layer(&self) -> &L {
        &self.layer
    }

    /// The layer, mutable.
    #[must_use]
    pub const fn layer_mut(&mut self) -> &mut L {
        &mut self.layer
    }

    /// The layer itself, which keeps everything.
    ///
    /// ```
    /// use gradlet::{Recompute, prelude::*};
    ///
    /// let layer = Recompute::new(Dense::<1, 1, Identity>::new([[2.0]], [1.0]));
    /// assert_eq!(layer.forward(&[3.0]), [7.0]);
    /// assert_eq!(layer.into_inner().forward(&[3.0]), [7.0]);
    /// ```
    #[must_use]
    pub fn into_inner(self) -> L {
        self.layer
    }
}

impl<L: Layer> Recompute<L> {
    /// What a trainer keeps of one sample, in bytes.
    pub const KEPT_BYTES: usize = size_of::<<Self as Layer>::Trace>();

    /// What is on the stack for each sample while this part is computed, in bytes.
    pub const STACK_BYTES: usize = size_of::<L::Trace>();

    /// Computes the traces of the layer after its backward pass, in place: a function that returned
    /// them would have them on the stack twice.
    #[inline(never)]
    fn again<const WANTED: bool, const K: usize>(
        &self,
        samples: Samples<'_, Self, K>,
        traces: &mut [L::Trace; K],
    ) {
        self.layer.forward_trace(samples.inputs, traces.each_mut());
        for (trace, kept) in traces.iter_mut().zip(samples.traces) {
            trace.last_mut().copy_from(kept);
        }
        self.layer.backward::<WANTED, K>(samples.inputs, traces.each_mut());
    }
}

impl<L: Zero> Zero for Recompute<L> {
    const ZERO: Self = Self { layer: L::ZERO };
}

impl<L: Layer> Layer for Recompute<L> {
    type Format = L::Format;
    type Input = L::Input;
    type Output = L::Output;
    type Activation = L::Activation;
    type Trace = LayerTrace<L::Format, L::Output, L::Activation>;
    type Gradient = L::Gradient;
    const MACS: usize = L::MACS;
    const TENSORS: TensorList = L::TENSORS;
    const STATEFUL: bool = L::STATEFUL;
    const FINGERPRINT: u32 = fingerprint("Recompute", &[L::FINGERPRINT]);

    #[inline]
    fn logits(&self, input: &L::Input, logits: &mut L::Output) {
        self.layer.logits(input, logits);
    }

    #[inline]
    fn forward_all<const K: usize>(&self, inputs: [&L::Input; K]) -> [L::Output; K] {
        self.layer.forward_all(inputs)
    }

    #[inline(never)]
    fn forward_trace<const K: usize>(
        &self,
        inputs: [&L::Input; K],
        traces: [&mut Self::Trace; K],
    ) -> [Real<L>; K] {
        // Not `logits`: in training, layers may do something else, and report what is not finite.
        let mut inner = [const { L::Trace::ZERO }; K];
        let sums = self.layer.forward_trace(inputs, inner.each_mut());
        for (trace, inner) in traces.into_iter().zip(&inner) {
            trace.output_mut().clone_from(inner.last().output());
        }
        sums
    }

    // Not inlined, as the traces are on the stack as long as the function that has them.
    #[inline(never)]
    fn input_gradient<const K: usize>(
        &self,
        samples: Samples<'_, Self, K>,
        gradients: Deltas<'_, Self, K>,
    ) {
        let mut traces = [const { L::Trace::ZERO }; K];
        self.again::<true, K>(samples, &mut traces);
        let samples = Samples { inputs: samples.inputs, traces: traces.each_ref() };
        self.layer.input_gradient(samples, gradients);
    }

    #[inline(never)]
    fn gradient<const P: usize, const S: usize, const K: usize>(
        nets: [&mut Self; P],
        state: [&mut L::Gradient; S],
        samples: Samples<'_, Self, K>,
        visitor: &mut impl GradientVisitor<L::Format, P, S>,
    ) {
        const {
            assert!(
                P > 0 || L::TENSORS.trainable() == 0,
                "the gradient of a `Recompute` needs the network: call `gradient_at` instead of \
                 `gradient` without a network"
            );
        }
        if const { L::TENSORS.trainable() == 0 } {
            return;
        }
        let Some(net) = nets.first() else { return };
        let mut traces = [const { L::Trace::ZERO }; K];
        net.again::<false, K>(samples, &mut traces);
        let samples = Samples { inputs: samples.inputs, traces: traces.each_ref() };
        L::gradient(nets.map(|n| &mut n.layer), state, samples, visitor);
    }

    #[inline(never)]
    fn gradient_at<const S: usize, const K: usize>(
        &self,
        state: [&mut L::Gradient; S],
        samples: Samples<'_, Self, K>,
        visitor: &mut impl GradientVisitor<L::Format, 0, S>,
    ) {
        if const { L::TENSORS.trainable() == 0 } {
            return;
        }
        let mut traces = [const { L::Trace::ZERO }; K];
        self.again::<false, K>(samples, &mut traces);
        let samples = Samples { inputs: samples.inputs, traces: traces.each_ref() };
        self.layer.gradient_at(state, samples, visitor);
    }

    #[inline]
    fn walk<const Q: usize, const P: usize, const R: usize, const S: usize>(
        nets: [&Self; Q],
        nets_mut: [&mut Self; P],
        read: [&L::Gradient; R],
        write: [&mut L::Gradient; S],
        visit: &mut impl FnMut(
            Kind,
            [&[Weight<L>]; Q],
            [&mut [Weight<L>]; P],
            [&[Weight<L>]; R],
            [&mut [Weight<L>]; S],
        ),
    ) {
        L::walk(nets.map(|n| &n.layer), nets_mut.map(|n| &mut n.layer), read, write, visit);
    }

    #[inline]
    fn seed_dropout(&mut self, seeds: &mut impl FnMut() -> u64) {
        self.layer.seed_dropout(seeds);
    }

    #[inline]
    fn carry(&mut self, _: &Self::Trace) {
        const {
            assert!(
                !L::STATEFUL,
                "a `Recompute` has no states that could be carried on: a stateful layer is not part of it"
            );
        }
    }
}
