//! Layers as the author of another crate would write them.

pub(crate) mod norm;

use core::array;
use core::marker::PhantomData;

use gradlet::prelude::*;
use gradlet::{Deltas, EndsIn, GradientVisitor, LayerTrace, Samples, kernel, tensors};

/// `y[t] = W x[t S ..][.. K] + b`: PyTorch's `Conv1d` of `O` filters, over a sequence of `L` steps with
/// `C` channels. `M` steps come out, and `R = K C`; the stride `S` follows from them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Conv1d<
    const C: usize,
    const O: usize,
    const L: usize,
    const M: usize,
    const R: usize,
    T = f32,
> {
    pub(crate) weights: [[T; O]; R],
    pub(crate) bias: [T; O],
}

/// What goes into the output of step `t` of `M`.
fn window<const M: usize, const C: usize, const L: usize, const R: usize, T>(
    input: &[[T; C]; L],
    t: usize,
) -> &[T; R] {
    input.as_flattened()[t * ((L - R / C) / (M - 1)) * C..].first_chunk().unwrap()
}

impl<const C: usize, const O: usize, const L: usize, const M: usize, const R: usize, T: Scalar> Zero
    for Conv1d<C, O, L, M, R, T>
{
    const ZERO: Self = Self { weights: Zero::ZERO, bias: Zero::ZERO };
}

impl<const C: usize, const O: usize, const L: usize, const M: usize, const R: usize, T: Scalar>
    Layer for Conv1d<C, O, L, M, R, T>
{
    type Format = T;
    type Input = [[T; C]; L];
    type Output = [[T; O]; M];
    type Activation = Identity;
    type Trace = LayerTrace<T, [[T; O]; M], Identity>;
    type Gradient = Self;
    const MACS: usize = M * R * O;

    tensors! { weights: Weight "weight" [O, C, R / C], bias: Bias "bias" [O] }

    fn logits(&self, input: &[[T; C]; L], logits: &mut [[T; O]; M]) {
        for (t, z) in logits.iter_mut().enumerate() {
            kernel::affine(&self.weights, &self.bias, [window::<M, C, L, R, T>(input, t)], [z]);
        }
    }

    fn input_gradient<const N: usize>(&self, batch: Samples<'_, Self, N>, dx: Deltas<'_, Self, N>) {
        for ((_, trace), gradient) in batch.iter().zip(dx) {
            gradient.values = Zero::ZERO;
            for (t, d) in trace.delta().values.iter().enumerate() {
                let mut dx = [T::ZERO; R];
                kernel::input_gradient(&self.weights, [d], [&mut dx]);
                let at = t * ((L - R / C) / (M - 1)) * C;
                let sums = gradient.values.as_flattened_mut()[at..].iter_mut();
                sums.zip(dx).for_each(|(sum, dx)| *sum += dx);
            }
        }
    }

    fn gradient<const P: usize, const S: usize, const N: usize>(
        mut nets: [&mut Self; P],
        mut state: [&mut Self; S],
        samples: Samples<'_, Self, N>,
        visitor: &mut impl GradientVisitor<T, P, S>,
    ) {
        for (input, trace) in samples.iter() {
            let nets = nets.each_mut().map(|n| (&mut n.weights, &mut n.bias));
            let state = state.each_mut().map(|s| (&mut s.weights, &mut s.bias));
            let windows = (0..M).map(|t| window::<M, C, L, R, T>(input, t));
            visitor.affine_sum(nets, state, windows.zip(&trace.delta().values), ());
        }
    }
}

/// The largest of each `L / M` steps, for each channel.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MaxPool<const C: usize, const L: usize, const M: usize, T>(PhantomData<T>);

impl<const C: usize, const L: usize, const M: usize, T> Zero for MaxPool<C, L, M, T> {
    const ZERO: Self = Self(PhantomData);
}

impl<const C: usize, const L: usize, const M: usize, T: Scalar> Layer for MaxPool<C, L, M, T> {
    type Format = T;
    type Input = [[T; C]; L];
    type Output = [[T; C]; M];
    type Activation = Identity;
    type Trace = LayerTrace<T, [[T; C]; M], Identity>;
    type Gradient = ();
    const MACS: usize = 0;

    fn logits(&self, input: &[[T; C]; L], logits: &mut [[T; C]; M]) {
        *logits =
            array::from_fn(|m| array::from_fn(|c| input[largest(input, m * L / M, c, L / M)][c]));
    }

    fn input_gradient<const N: usize>(&self, batch: Samples<'_, Self, N>, dx: Deltas<'_, Self, N>) {
        for ((x, trace), gradient) in batch.iter().zip(dx) {
            gradient.values = Zero::ZERO;
            for (i, &d) in trace.delta().values.as_flattened().iter().enumerate() {
                gradient.values[largest(x, i / C * L / M, i % C, L / M)][i % C] = d;
            }
        }
    }
}

/// The first of the largest of `k` steps.
fn largest<const C: usize, T: Scalar>(x: &[[T; C]], from: usize, c: usize, k: usize) -> usize {
    (from..from + k).reduce(|a, b| if x[b][c] > x[a][c] { b } else { a }).unwrap()
}

/// A gated recurrent unit over a whole sequence, PyTorch's `GRU`: gives the states of all steps. `G` is
/// `3 * H`: gates r and z, and the candidate n.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Gru<
    const C: usize,
    const H: usize,
    const L: usize,
    const G: usize,
    T: Scalar = f32,
> {
    inner: [[T; G]; C],
    outer: [[T; G]; H],
    inner_bias: [T; G],
    outer_bias: [T; G],
}

/// Of each step: gates and candidate, and in the last third of `outer` what the candidate is made of. The
/// backward pass writes the derivatives by both sums in their place.
#[derive(Clone)]
pub(crate) struct GruTrace<const H: usize, const L: usize, const G: usize, T: Scalar> {
    states: LayerTrace<T, [[T; H]; L], Identity>,
    inner: [[T; G]; L],
    outer: [[T; G]; L],
}

impl<const H: usize, const L: usize, const G: usize, T: Scalar> Zero for GruTrace<H, L, G, T> {
    const ZERO: Self = Self { states: Zero::ZERO, inner: Zero::ZERO, outer: Zero::ZERO };
}

impl<const H: usize, const L: usize, const G: usize, T: Scalar>
    EndsIn<LayerTrace<T, [[T; H]; L], Identity>> for GruTrace<H, L, G, T>
{
    fn last(&self) -> &LayerTrace<T, [[T; H]; L], Identity> {
        &self.states
    }
    fn last_mut(&mut self) -> &mut LayerTrace<T, [[T; H]; L], Identity> {
        &mut self.states
    }
}

impl<const C: usize, const H: usize, const L: usize, const G: usize, T: Scalar> Zero
    for Gru<C, H, L, G, T>
{
    const ZERO: Self = {
        assert!(G == 3 * H, "G must be 3 * H");
        let (inner_bias, outer_bias) = ([T::ZERO; G], [T::ZERO; G]);
        Self { inner: Zero::ZERO, outer: Zero::ZERO, inner_bias, outer_bias }
    };
}

impl<const C: usize, const H: usize, const L: usize, const G: usize, T: Scalar> Gru<C, H, L, G, T> {
    /// The state after one step; gates, candidate and its second part go into `inner` and `outer`.
    fn step(&self, x: &[T; C], h: &[T; H], inner: &mut [T; G], outer: &mut [T; G]) -> [T; H] {
        kernel::affine::<T, C, G, 1>(&self.inner, &self.inner_bias, [x], [inner]);
        kernel::affine::<T, H, G, 1>(&self.outer, &self.outer_bias, [h], [outer]);
        array::from_fn(|i| {
            let sigmoid = |z: T| T::ONE / (T::ONE + (-z).exp());
            let r = sigmoid(inner[i] + outer[i]);
            let z = sigmoid(inner[H + i] + outer[H + i]);
            let n = (inner[2 * H + i] + r * outer[2 * H + i]).tanh();
            (inner[i], inner[H + i], inner[2 * H + i]) = (r, z, n);
            (T::ONE - z) * n + z * h[i]
        })
    }
}

impl<const C: usize, const H: usize, const L: usize, const G: usize, T: Scalar> Layer
    for Gru<C, H, L, G, T>
{
    type Format = T;
    type Input = [[T; C]; L];
    type Output = [[T; H]; L];
    type Activation = Identity;
    type Trace = GruTrace<H, L, G, T>;
    type Gradient = Self;
    const MACS: usize = L * G * (C + H);

    tensors! {
        inner: Weight "weight_ih_l0" [G, C],
        outer: Weight "weight_hh_l0" [G, H],
        inner_bias: Bias "bias_ih_l0" [G],
        outer_bias: Bias "bias_hh_l0" [G],
    }

    fn logits(&self, input: &[[T; C]; L], states: &mut [[T; H]; L]) {
        let mut h = [T::ZERO; H];
        for (x, state) in input.iter().zip(states) {
            h = self.step(x, &h, &mut [T::ZERO; G], &mut [T::ZERO; G]);
            *state = h;
        }
    }

    fn forward_trace<const N: usize>(
        &self,
        inputs: [&[[T; C]; L]; N],
        traces: [&mut Self::Trace; N],
    ) -> [T; N] {
        let mut inputs = inputs.into_iter();
        traces.map(|GruTrace { states, inner, outer }| {
            let (mut h, mut sum) = ([T::ZERO; H], T::ZERO);
            let steps = inputs.next().into_iter().flatten().zip(states.output_mut());
            for ((x, state), (inner, outer)) in steps.zip(inner.iter_mut().zip(outer)) {
                h = self.step(x, &h, inner, outer);
                *state = h;
                sum += x.iter().copied().sum();
            }
            sum
        })
    }

    fn backward<const WANTED: bool, const N: usize>(
        &self,
        _: [&[[T; C]; L]; N],
        traces: [&mut Self::Trace; N],
    ) {
        for GruTrace { states, inner, outer } in traces {
            let mut later = [T::ZERO; H];
            for t in (0..L).rev() {
                let h = if t == 0 { [T::ZERO; H] } else { states.output()[t - 1] };
                let (inner, outer) = (&mut inner[t], &mut outer[t]);
                let mut kept = [T::ZERO; H];
                for i in 0..H {
                    let (r, z, n) = (inner[i], inner[H + i], inner[2 * H + i]);
                    let d = states.delta().values[t][i] + later[i];
                    let dn = d * (T::ONE - z) * (T::ONE - n * n);
                    let dr = dn * outer[2 * H + i] * r * (T::ONE - r);
                    let dz = d * (h[i] - n) * z * (T::ONE - z);
                    (inner[i], inner[H + i], inner[2 * H + i]) = (dr, dz, dn);
                    (outer[i], outer[H + i], outer[2 * H + i]) = (dr, dz, dn * r);
                    kept[i] = d * z;
                }
                kernel::input_gradient::<T, H, G, 1>(&self.outer, [outer], [&mut later]);
                later.iter_mut().zip(kept).for_each(|(later, kept)| *later += kept);
            }
        }
    }

    fn input_gradient<const N: usize>(&self, batch: Samples<'_, Self, N>, dx: Deltas<'_, Self, N>) {
        for ((_, trace), gradient) in batch.iter().zip(dx) {
            for (d, dx) in trace.inner.iter().zip(&mut gradient.values) {
                kernel::input_gradient::<T, C, G, 1>(&self.inner, [d], [dx]);
            }
        }
    }

    fn gradient<const P: usize, const S: usize, const N: usize>(
        mut nets: [&mut Self; P],
        mut state: [&mut Self; S],
        samples: Samples<'_, Self, N>,
        visitor: &mut impl GradientVisitor<T, P, S>,
    ) {
        for (input, trace) in samples.iter() {
            let inner = nets.each_mut().map(|n| (&mut n.inner, &mut n.inner_bias));
            let kept = state.each_mut().map(|s| (&mut s.inner, &mut s.inner_bias));
            visitor.affine_sum(inner, kept, input.iter().zip(&trace.inner), ());
            let outer = nets.each_mut().map(|n| (&mut n.outer, &mut n.outer_bias));
            let kept = state.each_mut().map(|s| (&mut s.outer, &mut s.outer_bias));
            let start = [T::ZERO; H];
            let before = core::iter::once(&start).chain(trace.states.output());
            visitor.affine_sum(outer, kept, before.zip(&trace.outer), ());
        }
    }
}
