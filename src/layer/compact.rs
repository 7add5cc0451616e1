//! Two convolutions that are trained with the least memory.

use super::fused::{MaxPooled, MeanPooled};
use super::{Chain, Deltas, EndsIn, Layer, LayerTrace, Samples, Weight};
use crate::activation::Identity;
use crate::fingerprint::fingerprint;
use crate::gradient::GradientVisitor;
use crate::kernel::{begin_sums, each_sample};
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::tensors::{Kind, Pair, TensorList};
use crate::zero::Zero;

/// Two convolutions behind each other, trained with the least memory: no derivatives by the values
/// between them are kept. A step takes about half as long again.
///
/// `L` is the [`Chain`] of two [`Fused`](crate::Fused) layers, each a [`Conv1d`](crate::Conv1d) or
/// [`Conv2d`](crate::Conv2d) with [`Relu`](crate::Relu): the first with a max pooling, the second with a
/// mean, of windows or of everything. [`net!`](crate::net) writes it as
/// `Compact(Conv1d(16, 5) Relu | MaxPool(2) => Conv1d(32, 3) Relu | GlobalMean)`, and works out `PACKED`,
/// [`PACKED_BYTES`](Self::PACKED_BYTES) of these layers.
///
/// | kept of a sample | bytes |
/// |---|---|
/// | outputs of the first layer | 4 or 8 for each |
/// | which place of a window of its max pooling was the largest | 1, 2, 4 or 8 bits for windows of up to 2, 4, 16 or 256 places |
/// | whether an output of the second convolution was positive | 1 bit for each |
/// | outputs of the second layer and derivatives by them | 8 or 16 for each |
///
/// The derivatives by one channel of the outputs of the first layer are computed when its weights are
/// updated, with the old weights of the second layer; they are on the stack, with
/// [`STACK_BYTES`](Self::STACK_BYTES). Then comes the next channel.
///
/// Trained with the bits of `L`, but for the sign of zeros. What depends on the order of channels is
/// rounded differently: the derivatives by the input, which layers before this one are trained by, and
/// the norm of the gradient in [`ClipByNorm`](crate::ClipByNorm).
///
/// ```
/// use gradlet::prelude::*;
///
/// type Fast = net![
///     128 x 6 => Conv1d(16, 5, step 2) Relu | MaxPool(2) => Conv1d(32, 3) Relu | GlobalMean
///     => 6 Softmax
/// ];
/// type Small = net![
///     128 x 6 => Compact(Conv1d(16, 5, step 2) Relu | MaxPool(2) => Conv1d(32, 3) Relu | GlobalMean)
///     => 6 Softmax
/// ];
/// assert_eq!(Trainer::<Fast, CrossEntropy>::BYTES, 8480);
/// assert_eq!(Trainer::<Small, CrossEntropy>::BYTES, 2480);
/// ```
///
/// The gradient of a sample can be had only with the network, to be updated
/// ([`Layer::gradient`]) or not ([`Layer::gradient_at`]).
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Compact<L, const PACKED: usize> {
    layers: L,
}

impl<L, const PACKED: usize> Compact<L, PACKED> {
    /// Trains these layers with less memory.
    #[must_use]
    pub const fn new(layers: L) -> Self {
        Self { layers }
    }

    /// The layers.
    #[must_use]
    pub const fn layers(&self) -> &L {
        &self.layers
    }

    /// The layers, mutable.
    #[must_use]
    pub const fn layers_mut(&mut self) -> &mut L {
        &mut self.layers
    }

    /// The layers themselves.
    ///
    /// ```
    /// use gradlet::prelude::*;
    ///
    /// type Small = net![
    ///     9 x 1 => Compact(Conv1d(2, 2) Relu | MaxPool(2) => Conv1d(3, 2) Relu | GlobalMean)
    /// ];
    /// let layers = Small::ZERO.into_inner();
    /// assert_eq!(layers.forward(&[[1.0]; 9]), [0.0; 3]);
    /// ```
    #[must_use]
    pub fn into_inner(self) -> L {
        self.layers
    }
}

/// Two layers of which a [`Compact`] can consist.
pub trait Packed {
    /// Number of bytes of their taps and bits.
    const BYTES: usize;
}

impl<A, B, T> Packed for Chain<A, B>
where
    T: Scalar,
    A: MaxPooled<T> + Layer<Format = T, Activation = Identity>,
    B: MeanPooled<T> + Layer<Input = A::Output>,
{
    const BYTES: usize = A::PACKED + B::PACKED;
}

impl<A, B, T, const PACKED: usize> Compact<Chain<A, B>, PACKED>
where
    T: Scalar,
    A: MaxPooled<T> + Layer<Format = T, Activation = Identity>,
    B: MeanPooled<T> + Layer<Input = A::Output>,
{
    /// Number of bytes that the taps and bits of both layers take.
    pub const PACKED_BYTES: usize = <Chain<A, B> as Packed>::BYTES;

    /// The derivatives by one channel of the outputs of the first layer, in bytes.
    pub const STACK_BYTES: usize = size_of::<B::Channel>();

    const CHECK: () = assert!(
        PACKED == Self::PACKED_BYTES,
        "the bytes `PACKED` of a `Compact<L, PACKED>` must be `Compact::<L, 0>::PACKED_BYTES`, as \
         `net!` has it"
    );

    /// Writes the derivatives by one channel of the outputs of the first layer.
    #[inline]
    fn by_channel(&self, channel: usize, trace: &<Self as Layer>::Trace, d: &mut B::Channel) {
        let active = trace.second(A::PACKED);
        let by_outputs = trace.last.delta().values.as_slice();
        self.layers.rest().input_gradient_by(channel, active, by_outputs, d);
    }

    /// Visits the gradient of the network `own`, or that of `nets`.
    #[inline]
    fn visit_gradient<const P: usize, const S: usize, const K: usize>(
        own: Option<&Self>,
        mut nets: [&mut Self; P],
        mut state: [&mut <Self as Layer>::Gradient; S],
        samples: Samples<'_, Self, K>,
        visitor: &mut impl GradientVisitor<T, P, S>,
    ) {
        each_sample::<K, _>(samples.iter(), |(input, trace)| {
            for channel in 0..A::CHANNELS {
                let mut d = B::Channel::ZERO;
                match (own, nets.first()) {
                    (Some(net), _) => net.by_channel(channel, trace, &mut d),
                    (None, Some(net)) => net.by_channel(channel, trace, &mut d),
                    (None, None) => return,
                }
                A::gradient_of(
                    nets.each_mut().map(|n| n.layers.first_mut()),
                    state.each_mut().map(|s| s.first_mut()),
                    channel,
                    input,
                    trace.first(A::PACKED),
                    d.as_slice(),
                    visitor,
                );
            }
        });
        each_sample::<K, _>(samples.traces.into_iter(), |trace| {
            for channel in 0..B::CHANNELS {
                B::gradient_of(
                    nets.each_mut().map(|n| n.layers.rest_mut()),
                    state.each_mut().map(|s| s.rest_mut()),
                    channel,
                    &trace.hidden,
                    trace.second(A::PACKED),
                    trace.last.delta().values.as_slice(),
                    visitor,
                );
            }
        });
    }
}

impl<L: Zero, const PACKED: usize> Zero for Compact<L, PACKED> {
    const ZERO: Self = Self { layers: L::ZERO };
}

/// What the forward pass of a [`Compact`] layer saves: the outputs of its first layer, packed taps and
/// bits, and the outputs and derivatives of its second layer.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct CompactTrace<Y, L, const PACKED: usize> {
    hidden: Y,
    last: L,
    packed: [u8; PACKED],
}

impl<Y, L, const PACKED: usize> CompactTrace<Y, L, PACKED> {
    /// What is kept of the first layer, whose taps take so many bytes.
    #[inline(always)]
    fn first(&self, bytes: usize) -> (&[u8], &Y) {
        (self.packed.get(..bytes).unwrap_or_default(), &self.hidden)
    }

    /// The bits of the second layer.
    #[inline(always)]
    fn second(&self, bytes: usize) -> &[u8] {
        self.packed.get(bytes..).unwrap_or_default()
    }
}

impl<Y: Zero, L: Zero, const PACKED: usize> Zero for CompactTrace<Y, L, PACKED> {
    const ZERO: Self = Self { hidden: Y::ZERO, last: L::ZERO, packed: [0; PACKED] };
}

impl<Y, L, const PACKED: usize> EndsIn<L> for CompactTrace<Y, L, PACKED> {
    #[inline(always)]
    fn last(&self) -> &L {
        &self.last
    }
    #[inline(always)]
    fn last_mut(&mut self) -> &mut L {
        &mut self.last
    }
}

impl<A, B, T, const PACKED: usize> Layer for Compact<Chain<A, B>, PACKED>
where
    T: Scalar,
    A: MaxPooled<T> + Layer<Format = T, Activation = Identity>,
    B: MeanPooled<T> + Layer<Input = A::Output>,
{
    type Format = T;
    type Input = A::Input;
    type Output = B::Output;
    type Activation = Identity;
    type Trace = CompactTrace<A::Output, LayerTrace<T, B::Output, Identity>, PACKED>;
    type Gradient = Pair<A::Gradient, B::Gradient>;
    const MACS: usize = A::MACS.saturating_add(B::MACS);
    const TENSORS: TensorList = {
        let () = Self::CHECK;
        Chain::<A, B>::TENSORS
    };
    const FINGERPRINT: u32 = fingerprint("Compact", &[Chain::<A, B>::FINGERPRINT]);

    #[inline]
    fn logits(&self, input: &A::Input, logits: &mut B::Output) {
        self.layers.logits(input, logits);
    }

    #[inline]
    fn logits_over<S: 'static>(&self, input: &mut A::Input, spare: &mut S, logits: &mut B::Output) {
        self.layers.logits_over(input, spare, logits);
    }

    #[inline]
    fn forward_all<const K: usize>(&self, inputs: [&A::Input; K]) -> [B::Output; K] {
        self.layers.forward_all(inputs)
    }

    #[inline]
    fn forward_trace<const K: usize>(
        &self,
        inputs: [&A::Input; K],
        traces: [&mut Self::Trace; K],
    ) -> [T; K] {
        const { Self::CHECK };
        let mut inputs = inputs.into_iter();
        traces.map(|trace| {
            let CompactTrace { hidden, packed, last } = trace;
            let parts = packed.split_at_mut_checked(A::PACKED);
            let (Some(input), Some((taps, active))) = (inputs.next(), parts) else {
                return T::ZERO;
            };
            let sum = self.layers.first().forward_packed(input, hidden, taps);
            self.layers.rest().forward_packed(hidden, last.output_mut(), active);
            sum
        })
    }

    #[inline]
    fn input_gradient<const K: usize>(
        &self,
        samples: Samples<'_, Self, K>,
        gradients: Deltas<'_, Self, K>,
    ) {
        each_sample::<K, _>(gradients.into_iter().zip(samples.traces), |(dx, trace)| {
            let dx = dx.values.as_mut_slice();
            begin_sums(dx);
            for channel in 0..A::CHANNELS {
                let mut d = B::Channel::ZERO;
                self.by_channel(channel, trace, &mut d);
                let kept = trace.first(A::PACKED);
                self.layers.first().add_input_gradient_of(channel, kept, d.as_slice(), dx);
            }
        });
    }

    #[inline]
    fn gradient<const P: usize, const S: usize, const K: usize>(
        nets: [&mut Self; P],
        state: [&mut Self::Gradient; S],
        samples: Samples<'_, Self, K>,
        visitor: &mut impl GradientVisitor<T, P, S>,
    ) {
        const {
            assert!(
                P > 0,
                "the gradient of a `Compact` needs the network: call `gradient_at` instead of \
                 `gradient` without a network"
            );
        }
        Self::visit_gradient(None, nets, state, samples, visitor);
    }

    #[inline]
    fn gradient_at<const S: usize, const K: usize>(
        &self,
        state: [&mut Self::Gradient; S],
        samples: Samples<'_, Self, K>,
        visitor: &mut impl GradientVisitor<T, 0, S>,
    ) {
        Self::visit_gradient(Some(self), [], state, samples, visitor);
    }

    #[inline]
    fn walk<const Q: usize, const P: usize, const R: usize, const S: usize>(
        nets: [&Self; Q],
        nets_mut: [&mut Self; P],
        read: [&Self::Gradient; R],
        write: [&mut Self::Gradient; S],
        visit: &mut impl FnMut(
            Kind,
            [&[Weight<Self>]; Q],
            [&mut [Weight<Self>]; P],
            [&[Weight<Self>]; R],
            [&mut [Weight<Self>]; S],
        ),
    ) {
        Chain::walk(nets.map(|n| &n.layers), nets_mut.map(|n| &mut n.layers), read, write, visit);
    }
}
