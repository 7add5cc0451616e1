//! Gradient descent, plain and with momentum.

use super::{GradientVisitor, Gradients, HyperParameter, Optimizer, for_each};
use crate::fingerprint::fingerprint;
use crate::kernel;
use crate::layer::Layer;
use crate::scalar::Scalar;

/// Stochastic gradient descent: `p -= learning_rate * g`. Remembers nothing.
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
    /// Step size, 0 or more; with one sample at a time, stable below `2 / |x|^2` for a linear unit.
    pub learning_rate: T,
}

struct Descend<T> {
    rate: T,
}

impl<T: Scalar> GradientVisitor<T, 1, 0> for Descend<T> {
    #[inline]
    fn affine<const IN: usize, const OUT: usize>(
        &mut self,
        [(weights, bias)]: [(&mut [[T; OUT]; IN], &mut [T; OUT]); 1],
        _: [(&mut [[T; OUT]; IN], &mut [T; OUT]); 0],
        input: &[T; IN],
        delta: &[T; OUT],
    ) {
        kernel::update(weights, bias, input, delta, -self.rate);
    }

    #[inline]
    fn vector(&mut self, [p]: [&mut [T]; 1], _: [&mut [T]; 0], gradient: &[T]) {
        kernel::each(p.len(), p.iter_mut().zip(gradient), |(p, &g)| *p += -self.rate * g);
    }
}

#[diagnostic::do_not_recommend]
impl<T: Scalar, N: Layer<Scalar = T>> Optimizer<N> for Sgd<T> {
    type State = ();

    #[inline]
    fn check(&self) -> Result<(), HyperParameter> {
        HyperParameter::LearningRate.check_rate(self.learning_rate)
    }

    #[inline]
    fn update(&self, net: &mut N, _: &mut (), gradients: &impl Gradients<N>, scale: T) {
        gradients.visit([net], [], &mut Descend { rate: scale * self.learning_rate });
    }
}

/// Gradient descent with momentum: `v = momentum * v + g`, `p -= learning_rate * v`.
///
/// Remembers `v`, one number for each parameter. Polyak 1964, in the form of Sutskever and others,
/// ICML 2013, and of PyTorch (the learning rate stands outside `v`).
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
    /// Step size, 0 or more.
    pub learning_rate: T,
    /// How much of the last step is kept, `0.0..1.0`; 0.9 is usual.
    pub momentum: T,
}

#[diagnostic::do_not_recommend]
impl<T: Scalar, N: Layer<Scalar = T>> Optimizer<N> for Momentum<T> {
    type State = N::Gradient;
    const FINGERPRINT: u32 = fingerprint("Momentum", &[]);

    fn remembered<const G: usize, const S: usize>(
        kept: [&N::Gradient; G],
        state: [&mut N::Gradient; S],
        visit: &mut impl FnMut([&[T]; G], [&mut [T]; S]),
    ) {
        N::tensors(kept, [], state, &mut |_, kept, [], state| visit(kept, state));
    }

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
        scale: T,
    ) {
        let Self { learning_rate, momentum } = *self;
        gradients.visit(
            [net],
            [velocity],
            &mut for_each(|[p], [v], g| {
                let v = momentum * v + scale * g;
                ([p - learning_rate * v], [v])
            }),
        );
    }
}

/// Nesterov's momentum: `v = momentum * v + g`, `p -= learning_rate * (g + momentum * v)`.
///
/// Remembers `v`, one number for each parameter. Nesterov 1983, in the form of Sutskever and
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
    /// Step size, 0 or more.
    pub learning_rate: T,
    /// How much of the last step is kept, `0.0..1.0`; 0.9 is usual.
    pub momentum: T,
}

#[diagnostic::do_not_recommend]
impl<T: Scalar, N: Layer<Scalar = T>> Optimizer<N> for Nesterov<T> {
    type State = N::Gradient;
    const FINGERPRINT: u32 = fingerprint("Nesterov", &[]);

    fn remembered<const G: usize, const S: usize>(
        kept: [&N::Gradient; G],
        state: [&mut N::Gradient; S],
        visit: &mut impl FnMut([&[T]; G], [&mut [T]; S]),
    ) {
        N::tensors(kept, [], state, &mut |_, kept, [], state| visit(kept, state));
    }

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
        scale: T,
    ) {
        let Self { learning_rate, momentum } = *self;
        gradients.visit(
            [net],
            [velocity],
            &mut for_each(|[p], [v], g| {
                let g = scale * g;
                let v = momentum * v + g;
                ([p - learning_rate * (g + momentum * v)], [v])
            }),
        );
    }
}
