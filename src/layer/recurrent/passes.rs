//! How recurrent layers go through a sequence, and back.

use core::mem::take;
use core::slice::{self, IterMut};

use super::cell::{Carried, Cell, Forwards, Step};
use super::sequence::{Answers, At, Sequence};
use super::{Recurrent, Rows};
use crate::activation::Identity;
use crate::fingerprint::{fingerprint, size};
use crate::format::Format;
use crate::gradient::GradientVisitor;
use crate::kernel::windows::steps::{self, ByStep};
use crate::kernel::{Both, each_sample};
use crate::layer::convolution::ToVisitor;
use crate::layer::{Deltas, EndsIn, Layer, LayerTrace, Samples, Streams};
use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::tensors;
use crate::tensors::Kind;
use crate::zero::Zero;

/// What the forward pass of a recurrent layer saves: gates `A`, what the cell keeps `B`, the states unless
/// they are the output, the derivatives by the initial state, and the output and its derivatives.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct RecurrentTrace<A, B, S, D, L> {
    gates: A,
    kept: B,
    states: S,
    by_initial: D,
    last: L,
}

impl<A: Zero, B: Zero, S: Zero, D: Zero, L: Zero> Zero for RecurrentTrace<A, B, S, D, L> {
    const ZERO: Self =
        Self { gates: A::ZERO, kept: B::ZERO, states: S::ZERO, by_initial: D::ZERO, last: L::ZERO };
}

impl<A, B, S, D, L> EndsIn<L> for RecurrentTrace<A, B, S, D, L> {
    #[inline(always)]
    fn last(&self) -> &L {
        &self.last
    }
    #[inline(always)]
    fn last_mut(&mut self) -> &mut L {
        &mut self.last
    }
}

/// In the order in which the layer goes through the steps.
impl<K, X, Y, const C: usize, const H: usize, const G: usize, T: Scalar, const R: usize>
    Recurrent<K, X, Y, C, H, G, T, R>
where
    K: Cell<T, H, G>,
{
    /// Number of steps at the beginning of a sequence that are left out.
    #[inline(always)]
    fn left_out<S: Sequence<T, C>>(input: &S) -> usize {
        if const { K::MASKED } {
            input.rows().iter().take_while(|step| is_padding(step)).count()
        } else {
            0
        }
    }

    /// The step after so many, behind those that are left out.
    #[inline(always)]
    fn at<S: Sequence<T, C>>(left_out: usize, steps: usize) -> At {
        let last = S::STEPS.wrapping_sub(1);
        let behind = left_out.wrapping_add(steps);
        let index = if const { K::REVERSED } { last.wrapping_sub(steps) } else { behind };
        At { index, is_last: behind == last }
    }

    /// The next of all steps.
    #[inline(always)]
    fn next<I: DoubleEndedIterator>(steps: &mut I) -> Option<I::Item> {
        if const { K::REVERSED } { steps.next_back() } else { steps.next() }
    }

    /// The next steps, up to so many, as they lie in memory.
    #[inline(always)]
    fn take<'a, V>(steps: &mut &'a [V], count: usize) -> &'a [V] {
        let count = count.min(steps.len());
        let middle = if const { K::REVERSED } { steps.len().wrapping_sub(count) } else { count };
        let Some((first, second)) = steps.split_at_checked(middle) else { return &[] };
        let taken;
        (taken, *steps) = if const { K::REVERSED } { (second, first) } else { (first, second) };
        taken
    }

    /// The last step, and those before it.
    #[inline(always)]
    fn split_last<V>(steps: &[V]) -> Option<(&V, &[V])> {
        if const { K::REVERSED } { steps.split_first() } else { steps.split_last() }
    }

    /// As [`Self::split_last`], mutable.
    #[inline(always)]
    fn split_last_mut<V>(steps: &mut [V]) -> Option<(&mut V, &mut [V])> {
        if const { K::REVERSED } { steps.split_first_mut() } else { steps.split_last_mut() }
    }
}

/// Whether a step may be one that a masked layer leaves out.
#[inline(always)]
fn is_padding<T: Scalar, const C: usize>(step: &[T; C]) -> bool {
    step.iter().all(|&x| x == T::ZERO)
}

/// The steps from one on.
#[inline(always)]
fn from<V>(steps: &[V], at: usize) -> &[V] {
    steps.get(at..).unwrap_or_default()
}

/// As [`from`], mutable.
#[inline(always)]
fn from_mut<V, const N: usize>(steps: &mut impl Rows<V, N>, at: usize) -> &mut [[V; N]] {
    steps.rows_mut().get_mut(at..).unwrap_or_default()
}

/// Steps whose gates are computed together in inference.
const TOGETHER: usize = 4;

impl<K, X, Y, const C: usize, const H: usize, const G: usize, T: Scalar, const R: usize>
    Recurrent<K, X, Y, C, H, G, T, R>
where
    K: Cell<T, H, G>,
{
    /// State and memory before the first step.
    #[inline(always)]
    fn begin(&self) -> [[T; H]; 2] {
        let mut rows = self.initial_state.iter().copied();
        [(); 2].map(|()| rows.next().unwrap_or([T::ZERO; H]))
    }

    /// Goes on by a step: from `W x + b`, in `gates`, to the gates; `more` is what is kept.
    #[inline(always)]
    fn go_on(&self, gates: &mut [T; G], state: &mut [T; H], more: &mut [T; H]) {
        let mut u = [T::ZERO; G];
        steps::affine_of_states(&self.state_weights, &self.state_bias, [state], [&mut u]);
        K::forward(gates, &u, state, more);
    }

    /// Goes back by a step, from the derivatives `d` by its state; returns those by `u`.
    #[inline(always)]
    fn go_back<'w: 'r, 'r>(
        way: &mut WayBack<'w, T, H, G>,
        [begin, begin_memory]: &[[T; H]; 2],
        d: &mut [T; H],
        (none, room): (&mut [T; H], &'r mut [T; G]),
    ) -> &'r [T; G] {
        let (Some((gates, earlier)), Some((_, before))) =
            (Self::split_last_mut(take(&mut way.gates)), Self::split_last(way.states))
        else {
            return room;
        };
        (way.gates, way.states) = (earlier, before);
        let (kept, earlier) = Self::split_last_mut(take(&mut way.kept)).unwrap_or((none, &mut []));
        way.kept = earlier;
        let step = Step {
            gates: &mut *gates,
            kept: &mut *kept,
            kept_before: Self::split_last(way.kept).map_or(begin_memory, |(kept, _)| kept),
            before: Self::split_last(way.states).map_or(begin, |(state, _)| state),
        };
        K::backward(step, d, &mut way.more);
        K::by_state(gates, kept, room)
    }
}

/// Where the forward pass of a sample is: steps to come, and what comes from the steps before.
struct Way<'a, T, const H: usize, const G: usize> {
    gates: IterMut<'a, [T; G]>,
    kept: IterMut<'a, [T; H]>,
    states: IterMut<'a, [T; H]>,
    state: [T; H],
    more: [T; H],
}

/// Where the backward pass of a sample is: steps to come, and what comes from the steps after them.
struct WayBack<'a, T, const H: usize, const G: usize> {
    gates: &'a mut [[T; G]],
    kept: &'a mut [[T; H]],
    states: &'a [[T; H]],
    by_output: &'a [T],
    more: [T; H],
}

impl<K, X, Y, const C: usize, const H: usize, const G: usize, T: Scalar, const R: usize> Layer
    for Recurrent<K, X, Y, C, H, G, T, R>
where
    K: Cell<T, H, G>,
    X: Sequence<T, C>,
    Y: Answers<T, X, H>,
{
    type Format = T;
    type Input = X;
    type Output = Y;
    type Activation = Identity;
    type Trace = RecurrentTrace<
        X::Of<G>,
        K::Kept<X::Of<H>>,
        Y::States,
        [[T; H]; R],
        LayerTrace<T, Y, Identity>,
    >;
    type Gradient = Self;
    const MACS: usize = (G * (C + H)).saturating_mul(X::STEPS);
    const STATEFUL: bool = K::AFTER > 0;
    const FINGERPRINT: u32 = fingerprint(
        "Recurrent",
        &[
            K::FINGERPRINT,
            size(X::STEPS),
            size(C),
            size(H),
            size(Y::LEN),
            <T as Format>::FINGERPRINT,
        ],
    );

    tensors! {
        input_weights: Weight "weight_ih_l0" [G, C],
        state_weights: Weight "weight_hh_l0" [G, H],
        input_bias: Bias "bias_ih_l0" [G],
        state_bias: Bias "bias_hh_l0" [G],
        initial_state: Other "initial_state" [R, H] in [0, 1] if K::LEARNED,
    }

    #[inline]
    fn logits(&self, input: &X, output: &mut Y) {
        const { assert!(X::STEPS > 0, "a sequence without steps has no last state") };
        let mut gates = [[T::ZERO; G]; TOGETHER];
        let [mut state, mut more] = self.begin();
        let left_out = Self::left_out(input);
        if left_out > 0 {
            *output = Y::ZERO;
        }
        let mut step = 0_usize;
        let mut rest = from(input.rows(), left_out);
        while !rest.is_empty() {
            let x = Self::take(&mut rest, TOGETHER);
            steps::affine(&self.input_weights, &self.input_bias, x, &mut gates);
            let mut gates = gates.iter_mut().take(x.len());
            while let Some(gates) = Self::next(&mut gates) {
                self.go_on(gates, &mut state, &mut more);
                output.answer(Self::at::<X>(left_out, step), &state);
                step = step.wrapping_add(1);
            }
        }
    }

    #[inline]
    fn forward_trace<const N: usize>(
        &self,
        inputs: [&X; N],
        traces: [&mut Self::Trace; N],
    ) -> [T; N] {
        if const { !K::MASKED } {
            return self.forward_together(inputs, traces);
        }
        // Each sample leaves out steps of its own.
        let mut inputs = inputs.into_iter();
        traces.map(|trace| {
            let Some(input) = inputs.next() else { return T::ZERO };
            let [sum] = self.forward_together([input], [trace]);
            sum
        })
    }

    #[inline]
    fn backward<const WANTED: bool, const N: usize>(
        &self,
        inputs: [&X; N],
        traces: [&mut Self::Trace; N],
    ) {
        if const { !K::MASKED } {
            return self.backward_together(inputs, traces);
        }
        each_sample::<N, _>(traces.into_iter().zip(inputs), |(trace, input)| {
            self.backward_together([input], [trace]);
        });
    }

    #[inline]
    fn input_gradient<const N: usize>(
        &self,
        samples: Samples<'_, Self, N>,
        gradients: Deltas<'_, Self, N>,
    ) {
        each_sample::<N, _>(gradients.into_iter().zip(samples.iter()), |(dx, (input, trace))| {
            let left_out = Self::left_out(input);
            let dx = Shape::as_mut_slice(&mut dx.values);
            let (none, dx) = dx.split_at_mut_checked(left_out.wrapping_mul(C)).unwrap_or_default();
            none.fill(T::ZERO);
            steps::input_gradient(&self.input_weights, from(trace.gates.rows(), left_out), dx);
        });
    }

    #[inline]
    fn gradient<const P: usize, const S: usize, const N: usize>(
        nets: [&mut Self; P],
        state: [&mut Self; S],
        samples: Samples<'_, Self, N>,
        visitor: &mut impl GradientVisitor<T, P, S>,
    ) {
        const {
            assert!(
                P > 0 || R == 0,
                "the gradient of a layer with an initial state needs the network: call `gradient_at` \
                 instead of `gradient` without a network"
            );
        }
        let begin = nets.first().map_or([T::ZERO; H], |net| net.begin()[0]);
        Self::gradient_from(&begin, nets, state, samples, visitor);
    }

    #[inline]
    fn gradient_at<const S: usize, const N: usize>(
        &self,
        state: [&mut Self; S],
        samples: Samples<'_, Self, N>,
        visitor: &mut impl GradientVisitor<T, 0, S>,
    ) {
        Self::gradient_from(&self.begin()[0], [], state, samples, visitor);
    }

    #[inline]
    fn carry(&mut self, trace: &Self::Trace) {
        const {
            assert!(
                K::AFTER <= X::STEPS || K::AFTER == usize::MAX,
                "the state after so many steps is kept, but the sequence has not as many"
            );
        }
        let after = const { if K::AFTER < X::STEPS { K::AFTER } else { X::STEPS } };
        let Some(last) = after.checked_sub(1) else { return };
        let states = Y::states(&trace.states, trace.last.output());
        let now = [states.get(last), trace.kept.rows().get(last)].into_iter().flatten().take(R);
        if now.clone().flatten().all(|x| x.is_finite()) {
            self.initial_state.iter_mut().zip(now).for_each(|(to, row)| *to = *row);
        }
    }
}

impl<K, X, Y, const C: usize, const H: usize, const G: usize, T: Scalar, const R: usize>
    Recurrent<K, X, Y, C, H, G, T, R>
where
    K: Cell<T, H, G>,
    X: Sequence<T, C>,
    Y: Answers<T, X, H>,
{
    /// The forward pass of samples that leave out the same number of steps.
    #[inline(always)]
    fn forward_together<const N: usize>(
        &self,
        inputs: [&X; N],
        mut traces: [&mut <Self as Layer>::Trace; N],
    ) -> [T; N] {
        let left_out = inputs.first().map_or(0, |input| Self::left_out(*input));
        let mut sums = [T::ZERO; N];
        each_sample::<N, _>(
            traces.iter_mut().zip(inputs).zip(&mut sums),
            |((trace, input), sum)| {
                if left_out > 0 {
                    (trace.states, *trace.last.output_mut()) = (Zero::ZERO, Zero::ZERO);
                }
                let gates = from_mut(&mut trace.gates, left_out);
                let x = from(input.rows(), left_out);
                steps::affine(&self.input_weights, &self.input_bias, x, gates);
                // Every number depends on the whole step.
                *sum = gates.iter().filter_map(|gates| gates.first()).copied().sum();
            },
        );
        let mut ways = traces.each_mut().map(|trace| {
            let [state, more] = self.begin();
            let states = Y::states_mut(&mut trace.states, trace.last.output_mut());
            Way {
                gates: from_mut(&mut trace.gates, left_out).iter_mut(),
                kept: from_mut(&mut trace.kept, left_out).iter_mut(),
                states: states.get_mut(left_out..).unwrap_or_default().iter_mut(),
                state,
                more,
            }
        });
        for _ in left_out..X::STEPS {
            let mut u = [[T::ZERO; G]; N];
            let states = ways.each_ref().map(|way| &way.state);
            steps::affine_of_states(&self.state_weights, &self.state_bias, states, u.each_mut());
            each_sample::<N, _>(Both(ways.iter_mut(), u.iter()), |(way, u)| {
                let (Some(gates), Some(to)) =
                    (Self::next(&mut way.gates), Self::next(&mut way.states))
                else {
                    return;
                };
                K::forward(gates, u, &mut way.state, &mut way.more);
                *to = way.state;
                if let Some(kept) = Self::next(&mut way.kept) {
                    *kept = way.more;
                }
            });
        }
        let states = ways.map(|way| way.state);
        if let Some(last) = X::STEPS.wrapping_sub(left_out).checked_sub(1) {
            each_sample::<N, _>(traces.into_iter().zip(&states), |(trace, state)| {
                trace.last.output_mut().answer(Self::at::<X>(left_out, last), state);
            });
        }
        sums
    }

    /// The backward pass of samples that leave out the same number of steps.
    #[inline(always)]
    fn backward_together<const N: usize>(
        &self,
        inputs: [&X; N],
        mut traces: [&mut <Self as Layer>::Trace; N],
    ) {
        let left_out = inputs.first().map_or(0, |input| Self::left_out(*input));
        let begin = self.begin();
        let mut ways = traces.each_mut().map(|trace| {
            let (output, by_output) = trace.last.parts();
            WayBack {
                gates: from_mut(&mut trace.gates, left_out),
                kept: from_mut(&mut trace.kept, left_out),
                states: from(Y::states(&trace.states, output), left_out),
                by_output: Shape::as_slice(&by_output.values),
                more: [T::ZERO; H],
            }
        });
        let (mut d, mut rooms) = ([[T::ZERO; H]; N], [[T::ZERO; G]; N]);
        // What is not kept, and no sample.
        let (mut none, nothing) = ([T::ZERO; H], [T::ZERO; G]);
        for before in (0..X::STEPS.wrapping_sub(left_out)).rev() {
            let at = Self::at::<X>(left_out, before);
            let mut samples = Both(d.iter_mut(), rooms.iter_mut());
            let by_state = ways.each_mut().map(|way| {
                let Some((d, room)) = samples.next() else { return &nothing };
                Y::add_to(way.by_output, at, d);
                Self::go_back(way, &begin, d, (&mut none, room))
            });
            if K::LEARNED || before > 0 {
                steps::add_input_gradients(&self.state_weights, by_state, d.each_mut());
            }
        }
        let more = ways.map(|way| way.more);
        each_sample::<N, _>(
            traces.into_iter().zip(d.into_iter().zip(more)),
            |(trace, (d, more))| {
                trace.by_initial.iter_mut().zip([d, more]).for_each(|(to, by)| *to = by);
            },
        );
    }

    /// The gradient, with the state before the first step.
    #[inline(always)]
    fn gradient_from<const P: usize, const S: usize, const N: usize>(
        begin: &[T; H],
        mut nets: [&mut Self; P],
        mut state: [&mut Self; S],
        samples: Samples<'_, Self, N>,
        visitor: &mut impl GradientVisitor<T, P, S>,
    ) {
        each_sample::<N, _>(samples.iter(), |(input, trace)| {
            let left_out = Self::left_out(input);
            let (gates, kept) = (from(trace.gates.rows(), left_out), trace.kept.rows());
            let kept = from(kept, left_out);
            let by_input = ByStep { first: gates, others: &[[T::ZERO; 0]; 0], split: G };
            let by_state = ByStep { first: gates, others: kept, split: K::SHARED };
            let mut weights = ToVisitor {
                nets: nets.each_mut().map(|n| &mut n.input_weights),
                state: state.each_mut().map(|s| &mut s.input_weights),
                visitor: &mut *visitor,
                scale: (),
            };
            steps::gradient(from(input.rows(), left_out), by_input, &mut weights);

            let states = from(Y::states(&trace.states, trace.last.output()), left_out);
            let states = Self::split_last(states).map_or(states, |(_, before)| before);
            let mut weights = ToVisitor {
                nets: nets.each_mut().map(|n| &mut n.state_weights),
                state: state.each_mut().map(|s| &mut s.state_weights),
                visitor: &mut *visitor,
                scale: (),
            };
            let (first, later) = by_state.split_first(K::REVERSED);
            if const { R > 0 } {
                steps::gradient_from([(begin, first)], states, later, &mut weights);
            } else {
                steps::gradient(states, later, &mut weights);
            }

            visitor.vector(
                Kind::Bias,
                nets.each_mut().map(|n| n.input_bias.as_mut_slice()),
                state.each_mut().map(|s| s.input_bias.as_mut_slice()),
                &steps::bias_gradient(by_input),
                (),
            );
            visitor.vector(
                Kind::Bias,
                nets.each_mut().map(|n| n.state_bias.as_mut_slice()),
                state.each_mut().map(|s| s.state_bias.as_mut_slice()),
                &steps::bias_gradient(by_state),
                (),
            );
            if const { K::LEARNED } {
                visitor.vector(
                    Kind::Other,
                    nets.each_mut().map(|n| n.initial_state.as_flattened_mut()),
                    state.each_mut().map(|s| s.initial_state.as_flattened_mut()),
                    trace.by_initial.as_flattened(),
                    (),
                );
            }
        });
    }
}

/// Each step's answer is the state after it.
impl<
    K,
    Y,
    const L: usize,
    const C: usize,
    const H: usize,
    const G: usize,
    T: Scalar,
    const R: usize,
> Streams for Recurrent<K, [[T; C]; L], Y, C, H, G, T, R>
where
    K: Cell<T, H, G> + Forwards,
    Y: Answers<T, [[T; C]; L], H>,
{
    type Step = [T; C];
    type Answer = [T; H];
    type State = K::Stream;
    /// All of them.
    const PAST: usize = usize::MAX;

    #[inline]
    fn step(&self, stream: &mut K::Stream, input: &[T; C]) -> [T; H] {
        if K::MASKED && !stream.has_begun() && is_padding(input) {
            return [T::ZERO; H];
        }
        let mut gates = [[T::ZERO; G]];
        steps::affine(&self.input_weights, &self.input_bias, slice::from_ref(input), &mut gates);
        let (state, memory) = stream.begin(&self.initial_state).parts();
        let [gates] = &mut gates;
        match memory {
            Some(memory) => self.go_on(gates, state, memory),
            None => self.go_on(gates, state, &mut [T::ZERO; H]),
        }
        *state
    }
}
