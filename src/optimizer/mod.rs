//! Optimizers: how a gradient changes the parameters.
//!
//! An optimizer is a small value that holds its hyper-parameters and is passed to each step, so a
//! schedule only passes another value. Its [`State`](Optimizer::State) is kept in the trainer:
//! nothing, or one or two numbers for each parameter, all zero at first. Parameters are updated in
//! place, tensor by tensor; for a single sample the gradient is never stored.
//!
//! Below, `p` is a parameter and `g` the derivative of the loss with respect to it.

mod adaptive;
mod adjust;
mod descent;
mod hyper;

pub use adaptive::{Adagrad, Adam, AdamState, AdamW, RmsProp};
pub use adjust::{ClipByNorm, ClipByValue, NoBias, Summed, WeightDecay};
pub use descent::{Momentum, Nesterov, Sgd};
pub use hyper::HyperParameter;

use crate::format::Format;
use crate::gradient::GradientVisitor;
use crate::layer::{Layer, Real, Samples, Weight};
use crate::tensors::Tensors;
use crate::zero::Zero;

/// A rule that updates the parameters of `N` by a gradient.
///
/// For most custom optimizers, one closure passed to [`for_each`](crate::for_each) is enough.
///
/// ```
/// use gradlet::prelude::*;
/// use gradlet::{Gradients, for_each};
///
/// /// Steps of constant size against the sign of the gradient: `p -= step` where `g > 0`,
/// /// `p += step` where `g < 0`.
/// struct SignDescent {
///     step: f32,
/// }
///
/// impl<N: Layer<Format = f32>> Optimizer<N> for SignDescent {
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
///
/// # Order of operations
///
/// Each operation rounds, so bit-identical results need a fixed order: from left to right, products
/// before sums. `p` is a parameter and `g = dL/dp`. For a weight that is `g = x d`, its input times
/// the derivative `d` with respect to the logit; for a bias it is `d`. A batch sums these from 0,
/// sample by sample. `s` is `1 / n` for a batch of `n` samples, or 1 over the sum of their weights,
/// or 1 with [`Summed`]; for a [`Trainer`](crate::Trainer) it is the weight of the sample, 1 by
/// default. In a batch, the derivatives with respect to the logits of the last layer are multiplied
/// by the weight of their sample before they are backpropagated.
///
/// ```text
/// Sgd, one sample   p = p + x (-(s rate) d)
/// Sgd, batch        p = p + (-(s rate)) g
/// Momentum          v = momentum v + s g
///                   p = p - rate v
/// Nesterov          g = s g
///                   v = momentum v + g
///                   p = p - rate (g + momentum v)
/// Adagrad           g = s g
///                   v = v + g g
///                   p = p - rate g / (sqrt(v) + epsilon)
/// RmsProp           g = s g
///                   v = decay v + (1 - decay) g g
///                   p = p - rate g / (sqrt(v) + epsilon)
/// Adam, AdamW       c = beta_1 c + (1 - beta_1)        once for each step
///                   e = beta_2 e + (1 - beta_2)
///                   g = s g
///                   m = beta_1 m + (1 - beta_1) g
///                   v = beta_2 v + (1 - beta_2) g g
///                   p = (1 - rate decay) p - (rate sqrt(e) / c) m / (sqrt(v) + epsilon sqrt(e))
/// ClipByValue       g = s g, clipped to the limit; the optimizer inside has s = 1
/// WeightDecay       g = s g + rate p; the optimizer inside has s = 1; rate is 0 where it leaves
///                   biases alone
/// ClipByNorm        q = q + (x_1 x_1 + x_2 x_2 + ..) (d_1 d_1 + d_2 d_2 + ..)
///   , one sample    q = q + (d_1 d_1 + d_2 d_2 + ..)   both for each layer
///   , batch         q = q + (g_1 g_1 + g_2 g_2 + ..)   for each tensor
///                   l = s sqrt(q); where l > limit, the optimizer inside has s (limit / l) for s
/// ```
///
/// So a step of a `Trainer` and a batch of one sample give the same bits, except for the last digit
/// of a weight with [`Sgd`], which computes `-rate d` once for each unit, and with [`ClipByNorm`],
/// which computes the norm of `d` once for each layer. Both save a multiplication for each weight.
#[diagnostic::on_unimplemented(
    message = "the optimizer `{Self}` cannot train `{N}`",
    label = "the number types differ, or this is not an optimizer",
    note = "an `f64` network takes `Sgd<f64>`, an `f32` network takes `Sgd<f32>`, which is `Sgd`"
)]
pub trait Optimizer<N: Layer> {
    /// What is kept from step to step, such as momentum; zero at first.
    type State: Tensors<Weight<N>> + Zero + Clone;

    /// Identifies the layout of `State`, so that saved state is never loaded into another
    /// optimizer: `None` if there is no state. To save the state of a custom optimizer in flash,
    /// define it as `Some(`[`fingerprint("my crate: Own", &[])`](crate::fingerprint)`)`.
    const FINGERPRINT: Option<u32> = None;

    /// Whether the gradients of a batch are summed instead of averaged: `false` for all but
    /// [`Summed`]. An optimizer around another one takes that of the other.
    const SUMMED: bool = false;

    /// Whether every hyper-parameter is in range; by default always `Ok`.
    ///
    /// Called before each update; there is no update if it returns an error:
    /// [`Trainer::step`](crate::Trainer::step) then returns NaN,
    /// [`BatchTrainer::apply`](crate::BatchTrainer::apply) returns 0 and `fit` ends with
    /// [`Outcome::Optimizer`](crate::Outcome::Optimizer).
    ///
    /// # Errors
    ///
    /// [`HyperParameter`] names the one that is out of range.
    #[inline]
    fn check(&self) -> Result<(), HyperParameter> {
        Ok(())
    }

    /// Updates the parameters of `net` by `scale` times the gradient. `scale` is `s` of
    /// [the order](Self#order-of-operations) of the operations.
    fn update(
        &self,
        net: &mut N,
        state: &mut Self::State,
        gradients: &impl Gradients<N>,
        scale: Real<N>,
    );
}

/// Source of the gradient for an optimizer: one sample, or the sum over a batch. [`Optimizer`] has
/// an example.
///
/// Implemented by trainers, and by optimizers that pass an adjusted gradient to another one, so
/// that each rule is written once for both.
pub trait Gradients<N: Layer> {
    /// Passes the gradient of every tensor to `visitor`, with the same tensor of `nets` and of
    /// `state`.
    fn visit<const P: usize, const S: usize>(
        &self,
        nets: [&mut N; P],
        state: [&mut N::Gradient; S],
        visitor: &mut impl GradientVisitor<N::Format, P, S>,
    );
}

/// The gradient of one sample, which is never stored: its deltas and inputs are enough.
impl<N: Layer> Gradients<N> for Samples<'_, N, 1> {
    #[inline]
    fn visit<const P: usize, const S: usize>(
        &self,
        nets: [&mut N; P],
        state: [&mut N::Gradient; S],
        visitor: &mut impl GradientVisitor<N::Format, P, S>,
    ) {
        N::gradient(nets, state, *self, visitor);
    }
}

/// A stored gradient.
pub(crate) struct Stored<'a, N: Layer>(pub(crate) &'a N::Gradient);

/// How many numbers of a stored gradient are converted at a time, where they have to be.
const PART: usize = 16;

impl<F: Format, N: Layer<Format = F>> Gradients<N> for Stored<'_, N> {
    #[inline]
    fn visit<const P: usize, const S: usize>(
        &self,
        nets: [&mut N; P],
        state: [&mut N::Gradient; S],
        visitor: &mut impl GradientVisitor<F, P, S>,
    ) {
        N::walk([], nets, [self.0], state, &mut |kind, [], mut p, [g], mut s| {
            if let Some(g) = F::stored(g) {
                return visitor.vector(kind, p, s, g, F::STORED);
            }
            for g in g.chunks(PART) {
                let mut part = [F::empty(); PART];
                for (part, &g) in part.iter_mut().zip(g) {
                    *part = F::stored_one(g);
                }
                let (p, s) = (
                    p.each_mut().map(|p| take(p, g.len())),
                    s.each_mut().map(|s| take(s, g.len())),
                );
                visitor.vector(kind, p, s, part.get(..g.len()).unwrap_or(&[]), F::STORED);
            }
        });
    }
}

/// Takes the first elements off a slice.
fn take<'a, T>(slice: &mut &'a mut [T], len: usize) -> &'a mut [T] {
    let Some((taken, rest)) = core::mem::take(slice).split_at_mut_checked(len) else {
        return &mut [];
    };
    *slice = rest;
    taken
}
