//! Optimizers: how a gradient changes the parameters.
//!
//! An optimizer is a small value that holds its hyper-parameters and is passed to each step, so
//! that a schedule is just another value next time. What it must remember, its
//! [`State`](Optimizer::State), lives in the trainer: nothing, or one or two numbers for each
//! parameter, all zero at first. Parameters are updated in place, tensor by tensor; for a single
//! sample no array ever holds the gradient.
//!
//! Below, `p` is a parameter and `g` the derivative of the loss by it.

mod adaptive;
mod adjust;
mod descent;
mod hyper;

pub use adaptive::{Adam, AdamState, AdamW, RmsProp};
pub use adjust::{ClipByNorm, ClipByValue, NoBias, WeightDecay};
pub use descent::{Momentum, Nesterov, Sgd};
pub use hyper::HyperParameter;

use crate::kernel;
use crate::layer::{Deltas, Layer};
use crate::scalar::{Scalar, Zero};

/// A rule that changes the parameters of `N` by a gradient.
///
/// ```
/// use gradlet::prelude::*;
/// use gradlet::{Gradients, for_each};
///
/// /// Steps of one size against the sign of the gradient: `p -= step` where `g > 0`, `p += step`
/// /// where `g < 0`.
/// struct SignDescent {
///     step: f32,
/// }
///
/// impl<N: Layer<Scalar = f32>> Optimizer<N> for SignDescent {
///     type State = ();
///
///     fn update(&self, net: &mut N, _: &mut (), gradients: &impl Gradients<N>, _scale: f32) {
///         gradients.visit([net], [], &mut for_each(|[p], [], g: f32| {
///             let step = if g > 0.0 { -self.step } else if g < 0.0 { self.step } else { 0.0 };
///             ([p + step], [])
///         }));
///     }
/// }
///
/// let mut net = Dense::<1, 1, Identity>::new([[0.5]], [0.0]);
/// let mut trainer = Trainer::<_, HalfSquaredError, SignDescent>::new();
/// trainer.step(&mut net, &SignDescent { step: 0.25 }, &[2.0], &[3.0]);
/// assert_eq!(net, Dense::new([[0.75]], [0.25]));
/// ```
#[diagnostic::on_unimplemented(
    message = "the optimizer `{Self}` cannot train `{N}`",
    label = "the number types differ, or this is not an optimizer",
    note = "an `f64` network takes `Sgd<f64>`, an `f32` network takes `Sgd<f32>`, which is `Sgd`"
)]
pub trait Optimizer<N: Layer> {
    /// What is remembered from step to step; zero at first.
    type State: Zero;

    /// Stands for what is remembered, so that no other optimizer takes it over: 0, unless an optimizer
    /// of your own says [what](crate::fingerprint).
    const FINGERPRINT: u32 = 0;

    /// Shows all that is remembered, in the same order each time, to whoever keeps it (one `kept`) or
    /// brings it back (one `state`). An optimizer of your own that remembers something needs it for
    /// that.
    fn remembered<const G: usize, const S: usize>(
        kept: [&Self::State; G],
        state: [&mut Self::State; S],
        visit: &mut impl FnMut([&[N::Scalar]; G], [&mut [N::Scalar]; S]),
    ) {
        let _ = (kept, state, visit);
    }

    /// Whether every hyper-parameter is in its range; without it, a custom optimizer is always in
    /// order.
    ///
    /// Training checks before each update, and makes none where the answer is an error:
    /// [`Trainer::step`](crate::Trainer::step) then gives NaN,
    /// [`BatchTrainer::apply`](crate::BatchTrainer::apply) gives 0 and `fit` ends with
    /// [`Outcome::Optimizer`](crate::Outcome::Optimizer).
    ///
    /// # Errors
    ///
    /// [`HyperParameter`] says which one is out of its range.
    #[inline]
    fn check(&self) -> Result<(), HyperParameter> {
        Ok(())
    }

    /// Changes the parameters of `net` by `scale` times the gradient.
    fn update(
        &self,
        net: &mut N,
        state: &mut Self::State,
        gradients: &impl Gradients<N>,
        scale: N::Scalar,
    );
}

/// Where an optimizer gets the gradient from: one sample, or the sum over a batch. [`Optimizer`]
/// has an example.
pub trait Gradients<N: Layer> {
    /// Shows the gradient of every tensor to `visitor`, with the same tensor of `nets` and of
    /// `state`.
    fn visit<const P: usize, const S: usize>(
        &self,
        nets: [&mut N; P],
        state: [&mut N::Gradient; S],
        visitor: &mut impl GradientVisitor<N::Scalar, P, S>,
    );
}

/// Receives the gradient of a network, tensor by tensor, together with the same tensor of `P`
/// networks and `S` states. [`for_each`] makes one from a function of single numbers.
///
/// ```
/// use gradlet::GradientVisitor;
///
/// /// The largest derivative.
/// struct Largest(f32);
///
/// impl GradientVisitor<f32, 0, 0> for Largest {
///     fn vector(&mut self, _: [&mut [f32]; 0], _: [&mut [f32]; 0], gradient: &[f32]) {
///         self.0 = gradient.iter().fold(self.0, |largest, g| largest.max(g.abs()));
///     }
/// }
/// let mut largest = Largest(0.0);
/// largest.outer([], [], &[1.0, -3.0], &[2.0, 0.5]);
/// assert_eq!(largest.0, 6.0);
/// ```
pub trait GradientVisitor<T: Scalar, const P: usize, const S: usize> {
    /// The gradient of a weight matrix is `input[i] * delta[o]`.
    fn outer<const IN: usize, const OUT: usize>(
        &mut self,
        parameters: [&mut [[T; OUT]; IN]; P],
        state: [&mut [[T; OUT]; IN]; S],
        input: &[T; IN],
        delta: &[T; OUT],
    ) {
        rows(parameters, state, input, delta, |p, s, g| self.vector(p, s, g));
    }

    /// The gradient of a weight matrix, as in [`outer`](Self::outer), and of its biases, `delta`.
    #[inline]
    fn affine<const IN: usize, const OUT: usize>(
        &mut self,
        mut parameters: [(&mut [[T; OUT]; IN], &mut [T; OUT]); P],
        mut state: [(&mut [[T; OUT]; IN], &mut [T; OUT]); S],
        input: &[T; IN],
        delta: &[T; OUT],
    ) {
        self.outer(
            parameters.each_mut().map(|p| &mut *p.0),
            state.each_mut().map(|s| &mut *s.0),
            input,
            delta,
        );
        self.vector(
            parameters.map(|p| p.1.as_mut_slice()),
            state.map(|s| s.1.as_mut_slice()),
            delta,
        );
    }

    /// The gradient of a tensor, number by number; all slices have its length.
    fn vector(&mut self, parameters: [&mut [T]; P], state: [&mut [T]; S], gradient: &[T]);
}

/// Calls `f` with the gradient of each row of a weight matrix.
#[inline]
fn rows<T: Scalar, const P: usize, const S: usize, const IN: usize, const OUT: usize>(
    mut parameters: [&mut [[T; OUT]; IN]; P],
    mut state: [&mut [[T; OUT]; IN]; S],
    input: &[T; IN],
    delta: &[T; OUT],
    mut f: impl FnMut([&mut [T]; P], [&mut [T]; S], &[T]),
) {
    fn row<T, const OUT: usize>(rows: &mut [[T; OUT]], i: usize) -> &mut [T] {
        rows.get_mut(i).map_or(&mut [], |row| row.as_mut_slice())
    }
    for (i, &x) in input.iter().enumerate() {
        f(
            parameters.each_mut().map(|p| row(*p, i)),
            state.each_mut().map(|s| row(*s, i)),
            &delta.map(|d| x * d),
        );
    }
}

/// A [`GradientVisitor`] that computes each parameter, and what is remembered for it, from their
/// old values and the gradient: `f(parameters, state, gradient) -> (parameters, state)`.
///
/// [`Optimizer`] has an example.
pub fn for_each<T, F, const P: usize, const S: usize>(f: F) -> ForEach<F>
where
    F: FnMut([T; P], [T; S], T) -> ([T; P], [T; S]),
{
    ForEach { f }
}

/// Made by [`for_each`].
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ForEach<F> {
    f: F,
}

impl<T: Scalar, F, const P: usize, const S: usize> GradientVisitor<T, P, S> for ForEach<F>
where
    F: FnMut([T; P], [T; S], T) -> ([T; P], [T; S]),
{
    #[inline]
    fn vector(&mut self, mut parameters: [&mut [T]; P], mut state: [&mut [T]; S], gradient: &[T]) {
        fn load<T: Scalar, const K: usize>(slices: &mut [&mut [T]; K], i: usize) -> [T; K] {
            slices.each_ref().map(|s| s.get(i).copied().unwrap_or(T::ZERO))
        }
        fn store<T, const K: usize>(slices: &mut [&mut [T]; K], i: usize, values: [T; K]) {
            for (slice, value) in slices.iter_mut().zip(values) {
                if let Some(slot) = slice.get_mut(i) {
                    *slot = value;
                }
            }
        }
        for (i, &g) in gradient.iter().enumerate() {
            let (p, s) = (self.f)(load(&mut parameters, i), load(&mut state, i), g);
            store(&mut parameters, i, p);
            store(&mut state, i, s);
        }
    }
}

/// The gradient of one sample, which is never stored: its deltas and its inputs are enough.
pub(crate) struct Sample<'a, N: Layer> {
    pub(crate) input: &'a N::Input,
    pub(crate) trace: &'a N::Trace,
    pub(crate) deltas: Deltas<'a, N>,
}

impl<N: Layer> Gradients<N> for Sample<'_, N> {
    #[inline]
    fn visit<const P: usize, const S: usize>(
        &self,
        nets: [&mut N; P],
        state: [&mut N::Gradient; S],
        visitor: &mut impl GradientVisitor<N::Scalar, P, S>,
    ) {
        N::gradient(nets, state, self.input, self.trace, self.deltas, visitor);
    }
}

/// A gradient that is stored.
pub(crate) struct Stored<'a, N: Layer>(pub(crate) &'a N::Gradient);

impl<N: Layer> Gradients<N> for Stored<'_, N> {
    #[inline]
    fn visit<const P: usize, const S: usize>(
        &self,
        nets: [&mut N; P],
        state: [&mut N::Gradient; S],
        visitor: &mut impl GradientVisitor<N::Scalar, P, S>,
    ) {
        N::tensors([self.0], nets, state, &mut |_, [g], p, s| visitor.vector(p, s, g));
    }
}

/// Adds the gradient to one state.
pub(crate) struct Accumulate;

impl<T: Scalar> GradientVisitor<T, 0, 1> for Accumulate {
    #[inline]
    fn affine<const IN: usize, const OUT: usize>(
        &mut self,
        _: [(&mut [[T; OUT]; IN], &mut [T; OUT]); 0],
        [(weights, bias)]: [(&mut [[T; OUT]; IN], &mut [T; OUT]); 1],
        input: &[T; IN],
        delta: &[T; OUT],
    ) {
        kernel::update(weights, bias, input, delta, T::ONE);
    }

    #[inline]
    fn vector(&mut self, _: [&mut [T]; 0], [sum]: [&mut [T]; 1], gradient: &[T]) {
        for (s, &g) in sum.iter_mut().zip(gradient) {
            *s += g;
        }
    }
}
