//! Sequences of layers.

use core::any::Any;

use super::macros::both_layers;
use super::{Deltas, Dense, Layer, LayerTrace, Real, Samples, Takes, Weight};
use crate::activation::{Activation, Hidden, Sigmoid};
use crate::fingerprint::fingerprint;
use crate::format::Format;
use crate::gradient::GradientVisitor;
use crate::kernel::each_sample;
use crate::layer::EndsIn;
use crate::shape::Shape;
use crate::tensors::{Kind, Pair, TensorList, reborrow};
use crate::zero::Zero;

/// A layer followed by another; either may be a chain, so chains have any length.
///
/// The output of the first must match the input of the rest, in size and in number format, or the
/// type does not compile. [`net!`](crate::net) expands to the type of a longer chain.
///
/// ```
/// use gradlet::prelude::*;
///
/// type Net = net![1 => 2 Relu => 2 Relu => 1 Identity];
/// const NET: Net = Chain::new(
///     Dense::from_rows([[1.0], [-1.0]], [0.0, 0.0]),
///     Chain::new(
///         Dense::from_rows([[1.0, 1.0], [0.0, 0.0]], [0.0, 0.0]),
///         Dense::from_rows([[2.0, 0.0]], [0.0]),
///     ),
/// );
/// assert_eq!(NET.forward(&[-3.0]), [6.0]); // 2 |x|
/// assert_eq!(NET.rest().rest().bias(), &[0.0]);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Chain<First: Layer<Activation: Hidden>, Rest: Takes<First::Output, First::Format>> {
    first: First,
    rest: Rest,
}

/// Multilayer perceptron with one hidden layer: `Mlp<2, 4, 2>` has 2 inputs, 4 hidden units and 2
/// outputs.
///
/// `HA` is the activation of the hidden layer, `OA` of the output layer; both are [`Sigmoid`]
/// unless given.
pub type Mlp<const IN: usize, const HID: usize, const OUT: usize, HA = Sigmoid, OA = HA, F = f32> =
    Chain<Dense<IN, HID, HA, F>, Dense<HID, OUT, OA, F>>;

impl<First, Rest> Chain<First, Rest>
where
    First: Layer<Activation: Hidden>,
    Rest: Takes<First::Output, First::Format>,
{
    /// A chain of `first`, then `rest`.
    #[must_use]
    pub const fn new(first: First, rest: Rest) -> Self {
        Self { first, rest }
    }

    /// The first layer, and the layers after it.
    ///
    /// ```
    /// use gradlet::prelude::*;
    ///
    /// let (features, head) = Mlp::<2, 4, 1>::ZERO.into_parts(); // to replace the head
    /// let net = Chain::new(features, Dense::<4, 3, Softmax>::ZERO);
    /// assert_eq!((head, net.rest().bias()), (Dense::ZERO, &[0.0; 3]));
    /// ```
    #[must_use]
    pub fn into_parts(self) -> (First, Rest) {
        (self.first, self.rest)
    }

    /// The first layer.
    #[must_use]
    pub const fn first(&self) -> &First {
        &self.first
    }

    /// The first layer, mutable.
    #[must_use]
    pub const fn first_mut(&mut self) -> &mut First {
        &mut self.first
    }

    /// The layers after the first.
    #[must_use]
    pub const fn rest(&self) -> &Rest {
        &self.rest
    }

    /// The layers after the first, mutable.
    #[must_use]
    pub const fn rest_mut(&mut self) -> &mut Rest {
        &mut self.rest
    }
}

impl<First, Rest> Zero for Chain<First, Rest>
where
    First: Layer<Activation: Hidden> + Zero,
    Rest: Takes<First::Output, First::Format> + Zero,
{
    const ZERO: Self = Self { first: First::ZERO, rest: Rest::ZERO };
}

impl<First, Rest> Layer for Chain<First, Rest>
where
    First: Layer<Activation: Hidden>,
    Rest: Takes<First::Output, First::Format>,
{
    type Format = First::Format;
    type Input = First::Input;
    type Output = Rest::Output;
    type Activation = Rest::Activation;
    type Trace = Pair<First::Trace, Rest::Trace>;
    type Gradient = Pair<First::Gradient, Rest::Gradient>;
    const MACS: usize = First::MACS.saturating_add(Rest::MACS);
    const UNITS: usize = Rest::UNITS;
    const TENSORS: TensorList = TensorList::pair(&First::TENSORS, &Rest::TENSORS);
    const FINGERPRINT: u32 = fingerprint("Chain", &[First::FINGERPRINT, Rest::FINGERPRINT]);

    #[inline]
    fn logits(&self, input: &Self::Input, logits: &mut Self::Output) {
        // Not from `forward`, which would have it on the stack too.
        let mut hidden = First::Output::ZERO;
        self.first.logits(input, &mut hidden);
        First::Activation::activate(hidden.as_mut_slice());
        self.rest.logits_over(&mut hidden, &mut (), logits);
    }

    /// So that of successive layers with outputs of one type, no more than two outputs are on the stack.
    #[inline]
    fn logits_over<S: 'static>(
        &self,
        input: &mut Self::Input,
        spare: &mut S,
        logits: &mut Self::Output,
    ) {
        let mut own;
        let hidden = match (spare as &mut dyn Any).downcast_mut() {
            Some(hidden) => hidden,
            None => {
                own = First::Output::ZERO;
                &mut own
            }
        };
        self.first.logits(input, hidden);
        First::Activation::activate(hidden.as_mut_slice());
        self.rest.logits_over(hidden, input, logits);
    }

    #[inline]
    fn forward_all<const K: usize>(&self, inputs: [&Self::Input; K]) -> [Self::Output; K] {
        self.rest.forward_all(self.first.forward_all(inputs).each_ref())
    }

    #[inline]
    fn forward_trace<const K: usize>(
        &self,
        inputs: [&Self::Input; K],
        mut traces: [&mut Self::Trace; K],
    ) -> [Real<Self>; K] {
        let sums = self.first.forward_trace(inputs, traces.each_mut().map(|t| &mut t.first));
        let hidden = traces.each_mut().map(|t| t.first.last_mut());
        LayerTrace::activate_by(hidden, First::Activation::activate_each);
        // The rest reads the outputs of this layer while it writes its own: both are borrowed at
        // once.
        let mut rests = traces.map(|Pair { first, rest }| (first.last().output(), rest));
        let hidden = rests.each_ref().map(|(hidden, _)| *hidden);
        let mut rest =
            self.rest.forward_trace(hidden, rests.each_mut().map(|(_, rest)| &mut **rest));
        for (rest, sum) in rest.iter_mut().zip(sums) {
            *rest = First::Format::worse(sum, *rest);
        }
        rest
    }

    #[inline]
    fn backward<const WANTED: bool, const K: usize>(
        &self,
        inputs: [&Self::Input; K],
        mut traces: [&mut Self::Trace; K],
    ) {
        let mut rests = traces.each_mut().map(|t| (t.first.last().output(), &mut t.rest));
        let hidden = rests.each_ref().map(|(hidden, _)| *hidden);
        let rests = rests.each_mut().map(|(_, rest)| &mut **rest);
        // No derivatives are needed below a first layer that is not trained.
        if const { !WANTED && First::TENSORS.trainable() == 0 } {
            return self.rest.backward::<false, K>(hidden, rests);
        }
        self.rest.backward::<true, K>(hidden, rests);

        // From the logits of the next layers to the outputs of this one, before any weight changes.
        let parts = traces.each_mut().map(|t| (t.first.last_mut().parts(), &t.rest));
        let samples = Samples {
            inputs: parts.each_ref().map(|((hidden, _), _)| *hidden),
            traces: parts.each_ref().map(|(_, rest)| *rest),
        };
        self.rest.input_gradient(samples, parts.map(|((_, delta), _)| delta));
        // From the outputs to the logits.
        let hidden = traces.each_mut().map(|trace| trace.first.last_mut());
        each_sample::<K, _>(hidden.into_iter(), |trace| trace.backward::<false>(First::UNITS));
        self.first.backward::<WANTED, K>(inputs, traces.map(|t| &mut t.first));
    }

    #[inline]
    fn input_gradient<const K: usize>(
        &self,
        samples: Samples<'_, Self, K>,
        gradients: Deltas<'_, Self, K>,
    ) {
        self.first.input_gradient(samples.first(), gradients);
    }

    both_layers!(gradient First first, Rest rest);
    both_layers!(walk First first first_mut, Rest rest rest_mut);
    both_layers!(carry First first, Rest rest: trace => trace);
}

impl<'a, First, Rest, const K: usize> Samples<'a, Chain<First, Rest>, K>
where
    First: Layer<Activation: Hidden>,
    Rest: Takes<First::Output, First::Format>,
{
    /// The part of the first layer.
    #[inline(always)]
    fn first(self) -> Samples<'a, First, K> {
        Samples { inputs: self.inputs, traces: self.traces.map(|t| &t.first) }
    }

    /// The part of the layers after it.
    #[inline(always)]
    fn rest(self) -> Samples<'a, Rest, K> {
        Samples {
            inputs: self.traces.map(|t| t.first.last().output()),
            traces: self.traces.map(|t| &t.rest),
        }
    }
}
