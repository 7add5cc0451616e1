//! Optimizers around another optimizer, which see the gradient before it does.

use super::{Gradients, HyperParameter, Optimizer};
use crate::gradient::{Affine, GradientVisitor};
use crate::layer::{Layer, Real, Weight};
use crate::scalar::Scalar;
use crate::tensors::Kind;
use crate::zero::Zero;

/// Holds each number of the gradient in `-limit..=limit`, then updates by `optimizer`.
///
/// ```
/// use gradlet::prelude::*;
///
/// let clipped = ClipByValue { optimizer: Sgd { learning_rate: 0.5 }, limit: 1.0 };
/// let mut net = Dense::<1, 1, Identity>::new([[0.0]], [0.0]);
/// let mut trainer = Trainer::<_, HalfSquaredError, _>::new();
/// trainer.step(&mut net, &clipped, &[0.0], &[100.0]); // dE/db = -100
/// assert_eq!(net.bias(), &[0.5]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ClipByValue<O, T = f32> {
    /// What makes the step.
    pub optimizer: O,
    /// Largest absolute value of a derivative, 0 or more; it may be infinite.
    pub limit: T,
}

#[diagnostic::do_not_recommend]
impl<T: Scalar, N: Layer<Format = T>, O: Optimizer<N>> Optimizer<N> for ClipByValue<O, T> {
    type State = O::State;
    const FINGERPRINT: Option<u32> = O::FINGERPRINT;

    #[inline]
    fn check(&self) -> Result<(), HyperParameter> {
        HyperParameter::check_limit(self.limit)?;
        self.optimizer.check()
    }

    #[inline]
    fn update(&self, net: &mut N, state: &mut O::State, gradients: &impl Gradients<N>, scale: T) {
        let limit = self.limit;
        let clip = |_, g: T| {
            let g = scale * g;
            if g > limit {
                limit
            } else if g < -limit {
                -limit
            } else {
                g
            }
        };
        self.optimizer.update(net, state, &Adjusted { gradients, adjust: clip }, T::ONE);
    }
}

/// Adds `rate * p` to the gradient of each parameter `p`, then updates by `optimizer`: the
/// derivative of the penalty `rate / 2 * sum p^2`.
///
/// Weights and biases alike, as PyTorch's `weight_decay` does. For Adam, [`AdamW`](crate::AdamW)
/// is usually better.
///
/// ```
/// use gradlet::prelude::*;
///
/// let decayed = WeightDecay { optimizer: Sgd { learning_rate: 0.5 }, rate: 0.5 };
/// let mut net = Dense::<1, 1, Identity>::new([[2.0]], [0.0]);
/// let mut trainer = Trainer::<_, HalfSquaredError, _>::new();
/// trainer.step(&mut net, &decayed, &[0.0], &[0.0]); // 2 - 0.5 * (0 + 0.5 * 2)
/// assert_eq!(net.weights(), &[[1.5]]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct WeightDecay<O, T = f32> {
    /// What makes the step.
    pub optimizer: O,
    /// Factor of the parameters in the gradient, 0 or more; 1e-4 is usual.
    pub rate: T,
}

#[diagnostic::do_not_recommend]
impl<T: Scalar, N: Layer<Format = T>, O: Optimizer<N>> Optimizer<N> for WeightDecay<O, T> {
    type State = O::State;
    const FINGERPRINT: Option<u32> = O::FINGERPRINT;

    #[inline]
    fn check(&self) -> Result<(), HyperParameter> {
        HyperParameter::WeightDecay.check_rate(self.rate)?;
        self.optimizer.check()
    }

    #[inline]
    fn update(&self, net: &mut N, state: &mut O::State, gradients: &impl Gradients<N>, scale: T) {
        let adjust = |p: Option<T>, g| scale * g + self.rate * p.unwrap_or(T::ZERO);
        self.optimizer.update(net, state, &Adjusted { gradients, adjust }, T::ONE);
    }
}

/// Updates by `optimizer`, then makes every bias 0: trains a network that has none.
///
/// A bias of 0 adds nothing, so a network that starts without biases stays without: as a layer made
/// with `bias=False` in PyTorch does. The biases keep their memory; [`Frozen`](crate::Frozen) layers
/// keep theirs as they are.
///
/// ```
/// use gradlet::prelude::*;
///
/// let mut net = Dense::<1, 1, Identity>::new([[0.5]], [0.0]); // y = w x
/// let mut trainer = Trainer::<_, HalfSquaredError, _>::new();
/// trainer.step(&mut net, &NoBias { optimizer: Sgd { learning_rate: 0.25 } }, &[2.0], &[3.0]);
/// assert_eq!((net.weights(), net.bias()), (&[[1.5]], &[0.0])); // 0.5 - 0.25 * (1 - 3) * 2
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct NoBias<O> {
    /// What makes the step.
    pub optimizer: O,
}

#[diagnostic::do_not_recommend]
impl<N: Layer, O: Optimizer<N>> Optimizer<N> for NoBias<O> {
    type State = O::State;
    const FINGERPRINT: Option<u32> = O::FINGERPRINT;

    #[inline]
    fn check(&self) -> Result<(), HyperParameter> {
        self.optimizer.check()
    }

    #[inline]
    fn update(
        &self,
        net: &mut N,
        state: &mut O::State,
        gradients: &impl Gradients<N>,
        scale: Real<N>,
    ) {
        self.optimizer.update(net, state, gradients, scale);
        N::walk([], [net], [], [], &mut |kind, [], [values], [], []| {
            if kind == Kind::Bias {
                values.fill(Weight::<N>::ZERO);
            }
        });
    }
}

/// Gradients that go through `adjust(parameter, gradient)`, number by number.
struct Adjusted<'a, G, F> {
    gradients: &'a G,
    adjust: F,
}

impl<T, N, G, F> Gradients<N> for Adjusted<'_, G, F>
where
    T: Scalar,
    N: Layer<Format = T>,
    G: Gradients<N>,
    F: Fn(Option<T>, T) -> T,
{
    #[inline]
    fn visit<const P: usize, const S: usize>(
        &self,
        nets: [&mut N; P],
        state: [&mut N::Gradient; S],
        visitor: &mut impl GradientVisitor<T, P, S>,
    ) {
        self.gradients.visit(nets, state, &mut AdjustedVisitor { visitor, adjust: &self.adjust });
    }
}

struct AdjustedVisitor<'a, V, F> {
    visitor: &'a mut V,
    adjust: &'a F,
}

impl<T, V, F, const P: usize, const S: usize> GradientVisitor<T, P, S> for AdjustedVisitor<'_, V, F>
where
    T: Scalar,
    V: GradientVisitor<T, P, S>,
    F: Fn(Option<T>, T) -> T,
{
    #[inline]
    fn vector(
        &mut self,
        mut parameters: [&mut [T]; P],
        mut state: [&mut [T]; S],
        gradient: &[T],
        (): (),
    ) {
        fn one<'a, T>(slice: &'a mut &mut [T], i: usize) -> &'a mut [T] {
            slice.get_mut(i..=i).unwrap_or_default()
        }
        for (i, &g) in gradient.iter().enumerate() {
            let p = parameters.first().and_then(|p| p.get(i)).copied();
            self.visitor.vector(
                parameters.each_mut().map(|p| one(p, i)),
                state.each_mut().map(|s| one(s, i)),
                &[(self.adjust)(p, g)],
                (),
            );
        }
    }
}

/// Shortens the gradient of the whole network to the length `limit` where it is longer, then
/// updates by `optimizer`: `g *= limit / |g|` where `|g| > limit`.
///
/// Pascanu, Mikolov, Bengio, ICML 2013. Needs no memory: for one sample the squared length is
/// `sum over layers of |d|^2 (|x|^2 + 1)`, which may differ in the last digit from that of a batch of
/// one. Where that overflows, in `f32` above a length of 1e19, it
/// is computed anew in units of the largest derivative. Where a derivative itself overflows, there is
/// no direction left: `optimizer` is given a gradient of zeros.
///
/// ```
/// use gradlet::prelude::*;
///
/// let clipped = ClipByNorm { optimizer: Sgd { learning_rate: 1.0 }, limit: 1.0 };
/// let mut net = Dense::<1, 1, Identity>::new([[0.0]], [0.0]);
/// let mut trainer = Trainer::<_, HalfSquaredError, _>::new();
/// // dE/dw = -5 * 0.75 and dE/db = -5: a gradient of length 6.25.
/// trainer.step(&mut net, &clipped, &[0.75], &[5.0]);
/// assert!((net.weights()[0][0] - 0.6).abs() < 1e-6);
/// assert!((net.bias()[0] - 0.8).abs() < 1e-6);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ClipByNorm<O, T = f32> {
    /// What makes the step.
    pub optimizer: O,
    /// Greatest length of the gradient, 0 or more; it may be infinite.
    pub limit: T,
}

#[diagnostic::do_not_recommend]
impl<T: Scalar, N: Layer<Format = T>, O: Optimizer<N>> Optimizer<N> for ClipByNorm<O, T> {
    type State = O::State;
    const FINGERPRINT: Option<u32> = O::FINGERPRINT;

    #[inline]
    fn check(&self) -> Result<(), HyperParameter> {
        HyperParameter::check_limit(self.limit)?;
        self.optimizer.check()
    }

    #[inline]
    fn update(&self, net: &mut N, state: &mut O::State, gradients: &impl Gradients<N>, scale: T) {
        let mut norm = SquaredNorm { sum: T::ZERO };
        gradients.visit([net], [], &mut norm);
        if !norm.sum.is_finite() {
            return self.update_large(net, state, gradients, scale);
        }
        let length = scale * norm.sum.sqrt();
        let scale = if length > self.limit { scale * (self.limit / length) } else { scale };
        self.optimizer.update(net, state, gradients, scale);
    }
}

impl<O, T: Scalar> ClipByNorm<O, T> {
    /// The update where the square of the length overflows.
    #[cold]
    fn update_large<N: Layer<Format = T>>(
        &self,
        net: &mut N,
        state: &mut O::State,
        gradients: &impl Gradients<N>,
        scale: T,
    ) where
        O: Optimizer<N>,
    {
        let mut largest = Fold { value: T::ZERO, f: larger };
        gradients.visit([net], [], &mut largest);
        let unit = largest.value;
        if !unit.is_finite() {
            let gradients = Adjusted { gradients, adjust: |_, _| T::ZERO };
            return self.optimizer.update(net, state, &gradients, T::ONE);
        }
        let mut norm = Fold { value: T::ZERO, f: |sum, g| sum + (g / unit) * (g / unit) };
        gradients.visit([net], [], &mut norm);
        // The length itself may overflow too.
        let ratio = self.limit / (scale * unit) / norm.value.sqrt();
        let scale = if ratio < T::ONE { scale * ratio } else { scale };
        self.optimizer.update(net, state, gradients, scale);
    }
}

/// The larger of a size and of that of a number; infinite for NaN.
fn larger<T: Scalar>(size: T, g: T) -> T {
    if !g.is_finite() {
        T::INFINITY
    } else if g.abs() > size {
        g.abs()
    } else {
        size
    }
}

/// `f(value, g)` for each number of the gradient.
struct Fold<T, F> {
    value: T,
    f: F,
}

impl<T: Scalar, F: Fn(T, T) -> T> GradientVisitor<T, 1, 0> for Fold<T, F> {
    fn vector(&mut self, _: [&mut [T]; 1], _: [&mut [T]; 0], gradient: &[T], (): ()) {
        self.value = gradient.iter().fold(self.value, |value, &g| (self.f)(value, g));
    }
}

/// The parameters are not looked at here, but a [`WeightDecay`] around needs them.
struct SquaredNorm<T> {
    sum: T,
}

fn squared_length<T: Scalar>(vector: &[T]) -> T {
    vector.iter().fold(T::ZERO, |sum, &v| sum + v * v)
}

impl<T: Scalar> GradientVisitor<T, 1, 0> for SquaredNorm<T> {
    #[inline]
    fn affine<const IN: usize, const OUT: usize>(
        &mut self,
        _: [Affine<'_, T, IN, OUT>; 1],
        _: [Affine<'_, T, IN, OUT>; 0],
        x: &[T; IN],
        d: &[T; OUT],
        (): (),
    ) {
        self.sum += squared_length(x) * squared_length(d);
        self.sum += squared_length(d);
    }

    #[inline]
    fn vector(&mut self, _: [&mut [T]; 1], _: [&mut [T]; 0], gradient: &[T], (): ()) {
        self.sum += squared_length(gradient);
    }
}
