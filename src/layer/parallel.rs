//! Two layers over the same input, such as the heads of a network with two tasks.

use super::joined::Joined;
use super::macros::both_layers;
use super::residual::add_input_gradient;
use super::{Deltas, EndsIn, Layer, LayerTrace, Samples, Weight};
use crate::fingerprint::fingerprint;
use crate::gradient::GradientVisitor;
use crate::kernel::{Both, chunks, chunks_mut, each_sample};
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::tensors::{Kind, Pair, TensorList, reborrow};
use crate::zero::Zero;

/// Two layers over the same input: `y = (A(x), B(x))`, their outputs one after the other; of sequences and
/// images, their channels at each position.
///
/// | name   | shape         | meaning                                              |
/// |--------|---------------|------------------------------------------------------|
/// | `x`    | input of both | input                                                |
/// | `A(x)` | any           | output of a layer or a [`Chain`](crate::Chain), with its activation |
/// | `B(x)` | any           | the same for the other                               |
/// | `y`    | `[N]`, `[L][N]` or `[H][W][N]` | output: `N` is the number of outputs of both, at each position, or the type does not compile |
///
/// Each has its own activation, [`Softmax`](crate::Softmax) too, and both together are the activation
/// [`Joined`]. A loss for any activation applies to the joined output; [`Split`](crate::Split) applies one loss to
/// each part. For three, one of them is again a `Parallel`. The input gradient is the sum of both.
///
/// ```
/// use gradlet::prelude::*;
///
/// // One of 3 classes, and 2 coordinates.
/// type Heads = Parallel<Dense<8, 3, Softmax>, Dense<8, 2, Identity>, 5>;
/// type Net = Chain<Dense<4, 8, Tanh>, Heads>;
/// type Both = Split<CrossEntropy, HalfSquaredError>;
///
/// let mut net = Net::ZERO;
/// let mut trainer = Trainer::<Net, Both>::new();
/// let target = [1.0, 0.0, 0.0, 0.5, -0.5];
/// for _ in 0..100 {
///     trainer.step(&mut net, &Sgd { learning_rate: 0.5 }, &[0.1, 0.2, 0.3, 0.4], &target);
/// }
/// let [class, _, _, x, y] = net.forward(&[0.1, 0.2, 0.3, 0.4]);
/// assert!(class > 0.9 && (x - 0.5).abs() < 1e-3 && (y + 0.5).abs() < 1e-3);
/// ```
///
/// In front of other layers, it joins features:
///
/// ```
/// use gradlet::prelude::*;
///
/// type Features = Parallel<Dense<2, 3, Relu>, Dense<2, 1, Tanh>, 4>;
/// let net = Chain::<Features, Dense<4, 1, Identity>>::ZERO;
/// assert_eq!(net.forward(&[1.0, 2.0]), [0.0]);
/// ```
///
/// ```compile_fail,E0080
/// use gradlet::prelude::*;
///
/// static HEADS: Parallel<Dense<8, 3>, Dense<8, 2>, 6> = Zero::ZERO; // 3 and 2 are 5
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Parallel<A: Layer, B: Beside<A::Input, A::Format>, const N: usize> {
    first: A,
    second: B,
}

/// A layer of format `F` with input `X`, which can be beside another in a [`Parallel`]. Implemented
/// for every such layer.
///
/// ```
/// use gradlet::{Beside, prelude::*};
///
/// fn fits<B: Beside<[f32; 2], f32>>() {}
/// fits::<Dense<2, 3, Identity>>();
/// ```
#[diagnostic::on_unimplemented(
    message = "layers do not fit: `{Self}` cannot take `{X}`, the input of the layer beside it",
    label = "its input must be `{X}`"
)]
pub trait Beside<X, F>: Layer<Input = X, Format = F> {}

#[diagnostic::do_not_recommend]
impl<X, F, L: Layer<Input = X, Format = F>> Beside<X, F> for L {}

impl<A: Layer, B: Beside<A::Input, A::Format>, const N: usize> Parallel<A, B, N> {
    /// Two layers over the same input.
    #[must_use]
    pub const fn new(first: A, second: B) -> Self {
        const { Self::CHECKED };
        Self { first, second }
    }

    const CHECKED: () = {
        let (mut first, mut second) = (A::Output::POSITIONS, B::Output::POSITIONS);
        while let ([n, first_others @ ..], [m, second_others @ ..]) = (first, second) {
            if *n != *m {
                break;
            }
            (first, second) = (first_others, second_others);
        }
        assert!(
            first.is_empty() && second.is_empty(),
            "outputs do not fit: both layers of a `Parallel` must have outputs of as many steps, or of the \
             same height and width"
        );
        assert!(
            A::Output::CHANNELS + B::Output::CHANNELS == N,
            "wrong number of outputs: the last parameter of `Parallel` must be the number of outputs of \
             both layers together, at each position"
        );
    };

    /// The layers.
    #[must_use]
    pub fn into_parts(self) -> (A, B) {
        (self.first, self.second)
    }

    /// The first layer.
    #[must_use]
    pub const fn first(&self) -> &A {
        &self.first
    }

    /// The first layer, mutable.
    #[must_use]
    pub const fn first_mut(&mut self) -> &mut A {
        &mut self.first
    }

    /// The second layer.
    #[must_use]
    pub const fn second(&self) -> &B {
        &self.second
    }

    /// The second layer, mutable.
    #[must_use]
    pub const fn second_mut(&mut self) -> &mut B {
        &mut self.second
    }
}

impl<A, B, const N: usize> Zero for Parallel<A, B, N>
where
    A: Layer + Zero,
    B: Beside<A::Input, A::Format> + Zero,
{
    const ZERO: Self = Self::new(A::ZERO, B::ZERO);
}

/// Zeros.
impl<A, B, const N: usize> Default for Parallel<A, B, N>
where
    A: Layer + Default,
    B: Beside<A::Input, A::Format> + Default,
{
    fn default() -> Self {
        Self::new(A::default(), B::default())
    }
}

/// Copies two arrays into one, at each position one after the other.
#[inline]
fn join<A: Shape, B: Shape<Element = A::Element>>(
    joined: &mut [A::Element],
    first: &A,
    second: &B,
) {
    let mut second = second.as_slice();
    let to = chunks_mut(joined, A::CHANNELS.saturating_add(B::CHANNELS));
    for (to, first) in Both(to, chunks(first.as_slice(), A::CHANNELS)) {
        let Some((left, right)) = to.split_at_mut_checked(A::CHANNELS) else { return };
        left.iter_mut().zip(first).for_each(|(to, &from)| *to = from);
        let Some((from, others)) = second.split_at_checked(B::CHANNELS) else { return };
        right.iter_mut().zip(from).for_each(|(to, &from)| *to = from);
        second = others;
    }
}

/// Copies a part of what [`join`] joined: `width` elements at each position, of which those from `at` on.
#[inline]
fn part<P: Shape>(joined: &[P::Element], width: usize, at: usize, part: &mut P) {
    let part = chunks_mut(part.as_mut_slice(), P::CHANNELS);
    for (part, from) in Both(part, chunks(joined, width)) {
        let from = from.get(at..).unwrap_or(&[]);
        part.iter_mut().zip(from).for_each(|(to, &from)| *to = from);
    }
}

impl<T, A, B, const N: usize> Layer for Parallel<A, B, N>
where
    T: Scalar,
    A: Layer<Format = T>,
    B: Beside<A::Input, T>,
{
    type Format = T;
    type Input = A::Input;
    type Output = <A::Output as Shape>::WithChannels<N>;
    type Activation = Joined<A::Output, A::Activation, B::Activation>;
    type Trace = Pair<Pair<A::Trace, B::Trace>, LayerTrace<T, Self::Output, Self::Activation>>;
    type Gradient = Pair<A::Gradient, B::Gradient>;
    const MACS: usize = A::MACS.saturating_add(B::MACS);
    const TENSORS: TensorList = {
        let () = Self::CHECKED;
        TensorList::pair(&A::TENSORS, &B::TENSORS)
    };
    const FINGERPRINT: u32 = fingerprint("Parallel", &[A::FINGERPRINT, B::FINGERPRINT]);

    #[inline]
    fn logits(&self, input: &A::Input, logits: &mut Self::Output) {
        const { Self::CHECKED };
        let (mut first, mut second) = (A::Output::ZERO, B::Output::ZERO);
        self.first.logits(input, &mut first);
        self.second.logits(input, &mut second);
        join(logits.as_mut_slice(), &first, &second);
    }

    #[inline]
    fn forward_all<const K: usize>(&self, inputs: [&A::Input; K]) -> [Self::Output; K] {
        const { Self::CHECKED };
        let (first, second) = (self.first.forward_all(inputs), self.second.forward_all(inputs));
        let mut outputs: [Self::Output; K] = Zero::ZERO;
        each_sample::<K, _>(
            outputs.iter_mut().zip(first.iter().zip(&second)),
            |(output, (a, b))| {
                join(output.as_mut_slice(), a, b);
            },
        );
        outputs
    }

    #[inline]
    fn forward_trace<const K: usize>(
        &self,
        inputs: [&A::Input; K],
        mut traces: [&mut Self::Trace; K],
    ) -> [T; K] {
        const { Self::CHECKED };
        let own = traces.each_mut().map(|trace| &mut trace.first.first);
        let sums = self.first.forward_trace(inputs, own);
        let own = traces.each_mut().map(|trace| &mut trace.first.rest);
        self.second.forward_trace(inputs, own);
        each_sample::<K, _>(traces.into_iter(), |Pair { first, rest }| {
            let (a, b) = (first.first.last().output(), first.rest.last().output());
            join(rest.output_mut().as_mut_slice(), a, b);
        });
        sums
    }

    #[inline]
    fn backward<const WANTED: bool, const K: usize>(
        &self,
        inputs: [&A::Input; K],
        mut traces: [&mut Self::Trace; K],
    ) {
        // The parts get their outputs too, which held logits, and the derivatives.
        each_sample::<K, _>(traces.iter_mut(), |Pair { first, rest }| {
            let (output, delta) = (rest.output().as_slice(), rest.delta().values.as_slice());
            let a = first.first.last_mut();
            part(output, N, 0, a.output_mut());
            part(delta, N, 0, &mut a.parts().1.values);
            let b = first.rest.last_mut();
            part(output, N, A::Output::CHANNELS, b.output_mut());
            part(delta, N, A::Output::CHANNELS, &mut b.parts().1.values);
        });
        let own = traces.each_mut().map(|trace| &mut trace.first.first);
        self.first.backward::<WANTED, K>(inputs, own);
        self.second.backward::<WANTED, K>(inputs, traces.map(|trace| &mut trace.first.rest));
    }

    #[inline]
    fn input_gradient<const K: usize>(
        &self,
        samples: Samples<'_, Self, K>,
        mut gradients: Deltas<'_, Self, K>,
    ) {
        let own = gradients.each_mut().map(|gradient| &mut **gradient);
        self.first.input_gradient(samples.first(), own);
        add_input_gradient(&self.second, samples.second(), gradients);
    }

    both_layers!(gradient A first, B second);
    both_layers!(walk A first first_mut, B second second_mut);
    both_layers!(carry A first, B second: trace => trace.first);
}

impl<'a, T, A, B, const N: usize, const K: usize> Samples<'a, Parallel<A, B, N>, K>
where
    T: Scalar,
    A: Layer<Format = T>,
    B: Beside<A::Input, T>,
{
    /// The part of the first layer.
    #[inline(always)]
    fn first(self) -> Samples<'a, A, K> {
        Samples { inputs: self.inputs, traces: self.traces.map(|trace| &trace.first.first) }
    }

    /// The part of the second layer.
    #[inline(always)]
    fn second(self) -> Samples<'a, B, K> {
        Samples { inputs: self.inputs, traces: self.traces.map(|trace| &trace.first.rest) }
    }
}
