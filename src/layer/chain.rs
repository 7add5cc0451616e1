//! Layers in a row.

use super::{
    ChainTrace, Deltas, DeltasMut, Dense, Layer, LayerTrace, Takes, Tensor, Trace, Vector,
};
use crate::activation::{Activation, Hidden, Sigmoid};
use crate::fingerprint::fingerprint;
use crate::kernel::begin_sums;
use crate::optimizer::GradientVisitor;
use crate::safetensors::WeightShapes;
use crate::scalar::Zero;

/// Two layers in a row; either may be a chain, so a chain of any length is a chain.
///
/// The output of the first must be the input of the rest, in size and in number type, or the type
/// does not compile. [`net!`](crate::net) writes the type of a longer chain.
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
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Chain<First: Layer<Activation: Hidden>, Rest: Takes<First::Output>> {
    first: First,
    rest: Rest,
}

/// A network with one hidden layer: `Mlp<2, 4, 2>` has 2 inputs, 4 hidden units and 2 outputs.
///
/// `HA` is the activation of the hidden layer, `OA` of the output layer; both are [`Sigmoid`]
/// unless given.
pub type Mlp<const IN: usize, const HID: usize, const OUT: usize, HA = Sigmoid, OA = HA, T = f32> =
    Chain<Dense<IN, HID, HA, T>, Dense<HID, OUT, OA, T>>;

impl<First: Layer<Activation: Hidden>, Rest: Takes<First::Output>> Chain<First, Rest> {
    /// `first`, then `rest`.
    #[must_use]
    pub const fn new(first: First, rest: Rest) -> Self {
        Self { first, rest }
    }

    /// The first layer.
    #[must_use]
    pub const fn first(&self) -> &First {
        &self.first
    }

    /// The first layer, to be changed.
    #[must_use]
    pub const fn first_mut(&mut self) -> &mut First {
        &mut self.first
    }

    /// What follows the first layer.
    #[must_use]
    pub const fn rest(&self) -> &Rest {
        &self.rest
    }

    /// What follows the first layer, to be changed.
    #[must_use]
    pub const fn rest_mut(&mut self) -> &mut Rest {
        &mut self.rest
    }
}

impl<First, Rest> Zero for Chain<First, Rest>
where
    First: Layer<Activation: Hidden> + Zero,
    Rest: Takes<First::Output> + Zero,
{
    const ZERO: Self = Self { first: First::ZERO, rest: Rest::ZERO };
}

/// One number for each parameter of a [`Chain`].
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ChainGradient<F, R> {
    first: F,
    rest: R,
}

impl<F, R> ChainGradient<F, R> {
    /// For the first layer.
    #[must_use]
    pub const fn first(&self) -> &F {
        &self.first
    }

    /// For what follows it.
    #[must_use]
    pub const fn rest(&self) -> &R {
        &self.rest
    }
}

impl<F: Zero, R: Zero> Zero for ChainGradient<F, R> {
    const ZERO: Self = Self { first: F::ZERO, rest: R::ZERO };
}

impl<First, Rest> Layer for Chain<First, Rest>
where
    First: Layer<Activation: Hidden>,
    Rest: Takes<First::Output>,
{
    type Scalar = First::Scalar;
    type Input = First::Input;
    type Output = Rest::Output;
    type Activation = Rest::Activation;
    type Trace = ChainTrace<First::Trace, Rest::Trace>;
    type Gradient = ChainGradient<First::Gradient, Rest::Gradient>;
    const PARAMS: usize = First::PARAMS + Rest::PARAMS;
    const MACS: usize = First::MACS + Rest::MACS;
    const FINGERPRINT: u32 = fingerprint("Chain", &[First::FINGERPRINT, Rest::FINGERPRINT]);
    const WEIGHTS: WeightShapes = WeightShapes::both(&First::WEIGHTS, &Rest::WEIGHTS);

    #[inline]
    fn logits(&self, input: &Self::Input, logits: &mut Self::Output) {
        self.rest.logits(&self.first.forward(input), logits);
    }

    #[inline]
    fn forward_trace(&self, input: &Self::Input, trace: &mut Self::Trace) -> Self::Scalar {
        let sum = self.first.forward_trace(input, &mut trace.first);
        trace.first.last_mut().activate();
        self.rest.forward_trace(trace.first.last().output(), &mut trace.rest);
        sum
    }

    #[inline]
    fn backward<const WANTED: bool>(
        &self,
        input: &Self::Input,
        trace: &Self::Trace,
        deltas: &mut DeltasMut<'_, Self>,
    ) {
        let hidden = trace.first.last();
        if First::PARAMS == 0 && !WANTED {
            self.rest.backward::<false>(hidden.output(), &trace.rest, &mut deltas.1);
            return;
        }
        self.rest.backward::<true>(hidden.output(), &trace.rest, &mut deltas.1);
        let delta = First::Trace::last_delta_mut(&mut deltas.0);
        self.rest.input_gradient(
            hidden.output(),
            &trace.rest,
            Rest::Trace::filled(&deltas.1),
            delta,
        );
        hidden.backward(delta);
        self.first.backward::<WANTED>(input, &trace.first, &mut deltas.0);
    }

    #[inline]
    fn input_gradient(
        &self,
        input: &Self::Input,
        trace: &Self::Trace,
        deltas: Deltas<'_, Self>,
        gradient: &mut Self::Input,
    ) {
        self.first.input_gradient(input, &trace.first, deltas.0, gradient);
    }

    #[inline]
    fn gradient<const P: usize, const S: usize>(
        mut nets: [&mut Self; P],
        mut state: [&mut Self::Gradient; S],
        input: &Self::Input,
        trace: &Self::Trace,
        deltas: Deltas<'_, Self>,
        visitor: &mut impl GradientVisitor<Self::Scalar, P, S>,
    ) {
        First::gradient(
            nets.each_mut().map(|n| &mut n.first),
            state.each_mut().map(|s| &mut s.first),
            input,
            &trace.first,
            deltas.0,
            visitor,
        );
        Rest::gradient(
            nets.map(|n| &mut n.rest),
            state.map(|s| &mut s.rest),
            trace.first.last().output(),
            &trace.rest,
            deltas.1,
            visitor,
        );
    }

    #[inline]
    fn parameters<const S: usize>(
        &self,
        mut state: [&mut Self::Gradient; S],
        visit: &mut impl FnMut(Tensor, &[Self::Scalar], [&mut [Self::Scalar]; S]),
    ) {
        self.first.parameters(state.each_mut().map(|s| &mut s.first), visit);
        self.rest.parameters(state.map(|s| &mut s.rest), visit);
    }

    #[inline]
    fn tensors<const G: usize, const P: usize, const S: usize>(
        gradients: [&Self::Gradient; G],
        mut nets: [&mut Self; P],
        mut state: [&mut Self::Gradient; S],
        visit: &mut impl FnMut(
            Tensor,
            [&[Self::Scalar]; G],
            [&mut [Self::Scalar]; P],
            [&mut [Self::Scalar]; S],
        ),
    ) {
        First::tensors(
            gradients.map(|g| &g.first),
            nets.each_mut().map(|n| &mut n.first),
            state.each_mut().map(|s| &mut s.first),
            visit,
        );
        Rest::tensors(
            gradients.map(|g| &g.rest),
            nets.map(|n| &mut n.rest),
            state.map(|s| &mut s.rest),
            visit,
        );
    }

    #[inline]
    fn forward_each<const K: usize>(
        &self,
        mut samples: [(&Self::Input, &mut Self::Trace); K],
    ) -> [Self::Scalar; K] {
        let first = samples.each_mut().map(|(input, trace)| (*input, &mut trace.first));
        let sums = self.first.forward_each(first);
        let hidden = samples.each_mut().map(|(_, trace)| trace.first.last_mut());
        LayerTrace::activate_each_by(hidden, First::Activation::apply_each);
        self.rest.forward_each(samples.map(|(_, ChainTrace { first, rest })| {
            let input: &First::Output = first.last().output();
            (input, rest)
        }));
        sums
    }

    #[inline]
    fn backward_each<const WANTED: bool, const K: usize>(
        &self,
        samples: [(&Self::Input, &Self::Trace); K],
        mut deltas: [&mut Self::Trace; K],
    ) {
        let rest = samples.map(|(_, trace)| (trace.first.last().output(), &trace.rest));
        let rest_deltas = deltas.each_mut().map(|deltas| &mut deltas.rest);
        if First::PARAMS == 0 && !WANTED {
            self.rest.backward_each::<false, K>(rest, rest_deltas);
            return;
        }
        self.rest.backward_each::<true, K>(rest, rest_deltas);
        let gradients = deltas.each_mut().map(|ChainTrace { first, rest }| {
            let gradient = first.last_mut().output_mut();
            begin_sums(gradient.as_mut_slice());
            (&*rest, gradient)
        });
        self.rest.input_gradient_each(rest, gradients);
        for ((_, trace), deltas) in samples.iter().zip(&mut deltas) {
            trace.first.last().backward(deltas.first.last_mut().output_mut());
        }
        let first = samples.map(|(input, trace)| (input, &trace.first));
        self.first.backward_each::<WANTED, K>(first, deltas.map(|deltas| &mut deltas.first));
    }

    #[inline]
    fn input_gradient_each<const K: usize>(
        &self,
        samples: [(&Self::Input, &Self::Trace); K],
        deltas: [(&Self::Trace, &mut Self::Input); K],
    ) {
        let samples = samples.map(|(input, trace)| (input, &trace.first));
        let deltas = deltas.map(|(deltas, gradient)| (&deltas.first, gradient));
        self.first.input_gradient_each(samples, deltas);
    }

    #[inline]
    fn gradient_each<const K: usize>(
        gradient: &mut Self::Gradient,
        samples: [(&Self::Input, &Self::Trace); K],
        deltas: [&Self::Trace; K],
    ) {
        let first = samples.map(|(input, trace)| (input, &trace.first));
        First::gradient_each(&mut gradient.first, first, deltas.map(|deltas| &deltas.first));
        let rest = samples.map(|(_, trace)| (trace.first.last().output(), &trace.rest));
        Rest::gradient_each(&mut gradient.rest, rest, deltas.map(|deltas| &deltas.rest));
    }
}
