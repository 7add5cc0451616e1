//! Gradient descent, plain and with momentum.

use super::{Gradients, HyperParameter, Optimizer};
use crate::fingerprint::fingerprint;
use crate::format::{Arithmetic, Format};
use crate::gradient::{Affine, GradientVisitor, for_each};
use crate::kernel::{each_of_few, each_of_many};
use crate::layer::Layer;
use crate::number::Number;
use crate::tensors::Kind;

/// Stochastic gradient descent: `p -= learning_rate * g`. It has no state.
///
/// A step of a [`Trainer`](crate::Trainer) computes `w + x (-(learning_rate) d)`, a batch of one
/// sample `w + -(learning_rate) (x d)`: they may differ in the last digit.
///
/// Rumelhart, Hinton, Williams, Nature 323 (1986), equation 8.
///
/// ```
/// use gradlet::prelude::*;
///
/// let mut net = Dense::<1, 1, Identity>::new([[1.0]], [0.0]);
/// let mut trainer = Trainer::<_, HalfSquaredError, Sgd>::new();
/// // y = 2, t = 1, so dE/dw = (y - t) x = 2 and dE/db = 1.
/// trainer.step(&mut net, &Sgd { learning_rate: 0.25 }, &[2.0], &[1.0]);
/// assert_eq!(net, Dense::new([[0.5]], [-0.25]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Sgd<T = f32> {
    /// Learning rate, 0 or more; with one sample at a time, stable below `2 / |x|^2` for a linear
    /// unit.
    pub learning_rate: T,
}

impl<T> Sgd<T> {
    /// With the learning rate.
    #[must_use]
    pub const fn new(learning_rate: T) -> Self {
        Self { learning_rate }
    }
}

struct Descend<'a, F: Format> {
    rate: F::Real,
    memory: &'a mut F::Descent,
}

impl<F: Format> GradientVisitor<F, 1, 0> for Descend<'_, F> {
    const IN_ANY_ORDER: bool = true;

    #[inline]
    fn affine<const IN: usize, const OUT: usize>(
        &mut self,
        [(weights, bias)]: [Affine<'_, F::Weight, IN, OUT>; 1],
        _: [Affine<'_, F::Weight, IN, OUT>; 0],
        x: &[F::Value; IN],
        d: &[F::Sum; OUT],
        scale: F::Scale,
    ) {
        F::update(weights, bias, x, d, scale, self.rate, self.memory);
    }

    #[inline(always)]
    fn few<const N: usize>(
        &mut self,
        _: Kind,
        [p]: [&mut [F::Weight]; 1],
        _: [&mut [F::Weight]; 0],
        gradient: [F::Sum; N],
        scale: F::Scale,
    ) {
        let step = F::step(self.rate, scale);
        let memory = &mut *self.memory;
        each_of_few(p, gradient, |p, g| *p = F::descend(*p, g, step, memory));
    }

    #[inline]
    fn vector(
        &mut self,
        _: Kind,
        [p]: [&mut [F::Weight]; 1],
        _: [&mut [F::Weight]; 0],
        gradient: &[F::Sum],
        scale: F::Scale,
    ) {
        let step = F::step(self.rate, scale);
        let memory = &mut *self.memory;
        each_of_many(p, gradient, |p, &g| *p = F::descend(*p, g, step, memory));
    }
}

#[diagnostic::do_not_recommend]
impl<R: Number, F: Format<Real = R>, N: Layer<Format = F>> Optimizer<N> for Sgd<R> {
    type State = F::Descent;
    const FINGERPRINT: Option<u32> =
        if size_of::<F::Descent>() == 0 { None } else { Some(fingerprint("Sgd", &[])) };
    #[inline]
    fn check(&self) -> Result<(), HyperParameter> {
        HyperParameter::LearningRate.check_rate(self.learning_rate)
    }

    #[inline]
    #[allow(clippy::arithmetic_side_effects, reason = "a product of floats, or one that saturates")]
    fn update(
        &self,
        net: &mut N,
        memory: &mut F::Descent,
        gradients: &impl Gradients<N>,
        scale: R,
    ) {
        let rate = scale * self.learning_rate;
        gradients.visit([&mut *net], [], &mut Descend { rate, memory: &mut *memory });
        F::settle(memory, |visit| N::walk([net], [], [], [], &mut |_, [w], [], [], []| visit(w)));
    }
}

/// Gradient descent with momentum: `v = momentum * v + g`, `p -= learning_rate * v`.
///
/// The state is `v`, one number for each parameter. Polyak 1964, in the form of Sutskever and
/// others, ICML 2013, and of PyTorch (the learning rate is outside `v`).
///
/// ```
/// use gradlet::prelude::*;
///
/// let momentum = Momentum { learning_rate: 0.5, momentum: 0.5 };
/// let mut net = Dense::<1, 1, Identity>::new([[0.0]], [0.0]);
/// let mut trainer = Trainer::<_, HalfSquaredError, _>::new();
/// trainer.step(&mut net, &momentum, &[0.0], &[1.0]); // g = -1, v = -1
/// trainer.step(&mut net, &momentum, &[0.0], &[1.0]); // g = -0.5, v = -1
/// assert_eq!(net.bias(), &[1.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Momentum<T = f32> {
    /// Learning rate, 0 or more.
    pub learning_rate: T,
    /// Fraction of the last step that is kept, `0.0..1.0`; typically 0.9.
    pub momentum: T,
}

impl<T> Momentum<T> {
    /// With the learning rate and the fraction of the last step that is kept.
    #[must_use]
    pub const fn new(learning_rate: T, momentum: T) -> Self {
        Self { learning_rate, momentum }
    }
}

#[diagnostic::do_not_recommend]
impl<R: Number, F: Arithmetic<Real = R>, N: Layer<Format = F>> Optimizer<N> for Momentum<R> {
    type State = N::Gradient;
    const FINGERPRINT: Option<u32> = Some(fingerprint("Momentum", &[]));

    #[inline]
    fn check(&self) -> Result<(), HyperParameter> {
        HyperParameter::LearningRate.check_rate(self.learning_rate)?;
        HyperParameter::Momentum.check_fraction(self.momentum)
    }

    #[inline]
    fn update(
        &self,
        net: &mut N,
        velocity: &mut N::Gradient,
        gradients: &impl Gradients<N>,
        scale: R,
    ) {
        let [rate, momentum, scale] = [self.learning_rate, self.momentum, scale].map(F::factor);
        gradients.visit(
            [net],
            [velocity],
            &mut for_each(|[p], [v], g: F::Weight| {
                let v = F::sum(F::times(v, momentum), F::times(g, scale));
                ([F::difference(p, F::times(v, rate))], [v])
            }),
        );
    }
}

/// Nesterov's momentum: `v = momentum * v + g`, `p -= learning_rate * (g + momentum * v)`.
///
/// The state is `v`, one number for each parameter. Nesterov 1983, in the form of Sutskever and
/// others, ICML 2013, and of PyTorch.
///
/// ```
/// use gradlet::prelude::*;
///
/// let nesterov = Nesterov { learning_rate: 0.5, momentum: 0.5 };
/// let mut net = Dense::<1, 1, Identity>::new([[0.0]], [0.0]);
/// let mut trainer = Trainer::<_, HalfSquaredError, _>::new();
/// trainer.step(&mut net, &nesterov, &[0.0], &[1.0]); // g = -1, v = -1, step 0.75
/// assert_eq!(net.bias(), &[0.75]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Nesterov<T = f32> {
    /// Learning rate, 0 or more.
    pub learning_rate: T,
    /// Fraction of the last step that is kept, `0.0..1.0`; typically 0.9.
    pub momentum: T,
}

impl<T> Nesterov<T> {
    /// With the learning rate and the fraction of the last step that is kept.
    #[must_use]
    pub const fn new(learning_rate: T, momentum: T) -> Self {
        Self { learning_rate, momentum }
    }
}

#[diagnostic::do_not_recommend]
impl<R: Number, F: Arithmetic<Real = R>, N: Layer<Format = F>> Optimizer<N> for Nesterov<R> {
    type State = N::Gradient;
    const FINGERPRINT: Option<u32> = Some(fingerprint("Nesterov", &[]));

    #[inline]
    fn check(&self) -> Result<(), HyperParameter> {
        HyperParameter::LearningRate.check_rate(self.learning_rate)?;
        HyperParameter::Momentum.check_fraction(self.momentum)
    }

    #[inline]
    fn update(
        &self,
        net: &mut N,
        velocity: &mut N::Gradient,
        gradients: &impl Gradients<N>,
        scale: R,
    ) {
        let [rate, momentum, scale] = [self.learning_rate, self.momentum, scale].map(F::factor);
        gradients.visit(
            [net],
            [velocity],
            &mut for_each(|[p], [v], g: F::Weight| {
                let g = F::times(g, scale);
                let v = F::sum(F::times(v, momentum), g);
                let step = F::times(F::sum(g, F::times(v, momentum)), rate);
                ([F::difference(p, step)], [v])
            }),
        );
    }
}
