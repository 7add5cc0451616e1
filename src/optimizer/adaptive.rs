//! Optimizers with an adaptive learning rate for each parameter.

use super::{Gradients, HyperParameter, Optimizer};
use crate::fingerprint::fingerprint;
use crate::gradient::for_each;
use crate::layer::Layer;
use crate::scalar::Scalar;
use crate::tensors::{Kind, Tensors};
use crate::zero::Zero;

/// Implements `Default` with the customary learning rate.
macro_rules! default_rates {
    ($($Optimizer:ident: $rate:literal, $of:literal;)+) => {
        $(
            impl<T: Scalar> Default for $Optimizer<T> {
                #[doc = concat!("With learning rate ", $rate, ", as in ", $of, ".")]
                fn default() -> Self {
                    Self::new(T::from_f64($rate))
                }
            }
        )+
    };
}
default_rates! {
    Adagrad: 0.01, "PyTorch";
    RmsProp: 0.01, "PyTorch";
    Adam: 0.001, "the paper";
    AdamW: 0.001, "PyTorch";
}

/// Adagrad: `s += g^2`, `p -= learning_rate * g / (sqrt(s) + epsilon)`.
///
/// The state is `s`, one number for each parameter. It only grows, so steps only become smaller:
/// for sparse inputs, and for convex losses. Duchi, Hazan, Singer, Adaptive subgradient methods for
/// online learning and stochastic optimization, JMLR 12 (2011); without a decay of the learning
/// rate, which is what a [`schedule`](crate::schedule) is for.
///
/// ```
/// use gradlet::prelude::*;
///
/// let adagrad = Adagrad { learning_rate: 0.5, epsilon: 0.25 };
/// let mut net = Dense::<1, 1, Identity>::new([[0.0]], [0.0]);
/// let mut trainer = Trainer::<_, HalfSquaredError, _>::new();
/// trainer.step(&mut net, &adagrad, &[0.0], &[0.75]); // g = -3/4, s = 9/16, step 3/8 / (3/4 + 1/4)
/// assert_eq!(net.bias(), &[0.375]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Adagrad<T = f32> {
    /// Learning rate, 0 or more; typically 0.01.
    pub learning_rate: T,
    /// Added to the root, against division by zero; more than 0.
    pub epsilon: T,
}

impl<T: Scalar> Adagrad<T> {
    /// With epsilon 1e-10, as in PyTorch.
    #[must_use]
    pub fn new(learning_rate: T) -> Self {
        Self { learning_rate, epsilon: T::from_f64(1e-10) }
    }
}

#[diagnostic::do_not_recommend]
impl<T: Scalar, N: Layer<Format = T>> Optimizer<N> for Adagrad<T> {
    type State = N::Gradient;
    const FINGERPRINT: Option<u32> = Some(fingerprint("Adagrad", &[]));

    #[inline]
    fn check(&self) -> Result<(), HyperParameter> {
        HyperParameter::LearningRate.check_rate(self.learning_rate)?;
        HyperParameter::check_epsilon(self.epsilon)
    }

    #[inline]
    fn update(
        &self,
        net: &mut N,
        square: &mut N::Gradient,
        gradients: &impl Gradients<N>,
        scale: T,
    ) {
        let Self { learning_rate, epsilon } = *self;
        gradients.visit(
            [net],
            [square],
            &mut for_each(|[p], [s], g| {
                let g = scale * g;
                let s = s + g * g;
                ([p - learning_rate * g / (s.sqrt() + epsilon)], [s])
            }),
        );
    }
}

/// `RMSProp`: `s = decay * s + (1 - decay) * g^2`, `p -= learning_rate * g / (sqrt(s) + epsilon)`.
///
/// The state is `s`, one number for each parameter. Tieleman, Hinton, Coursera lecture 6.5 (2012).
///
/// ```
/// use gradlet::prelude::*;
///
/// let rms_prop = RmsProp { learning_rate: 0.5, decay: 0.75, epsilon: 0.5 };
/// let mut net = Dense::<1, 1, Identity>::new([[0.0]], [0.0]);
/// let mut trainer = Trainer::<_, HalfSquaredError, _>::new();
/// trainer.step(&mut net, &rms_prop, &[1.0], &[1.0]); // g = -1, s = 1/4, step 0.5 / (0.5 + 0.5)
/// assert_eq!(net, Dense::new([[0.5]], [0.5]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct RmsProp<T = f32> {
    /// Learning rate, 0 or more.
    pub learning_rate: T,
    /// Decay of the running mean of squares, `0.0..1.0`.
    pub decay: T,
    /// Added to the root, against division by zero; more than 0.
    pub epsilon: T,
}

impl<T: Scalar> RmsProp<T> {
    /// With decay 0.99 and epsilon 1e-8, as in PyTorch.
    #[must_use]
    pub fn new(learning_rate: T) -> Self {
        Self { learning_rate, decay: T::from_f64(0.99), epsilon: T::from_f64(1e-8) }
    }
}

#[diagnostic::do_not_recommend]
impl<T: Scalar, N: Layer<Format = T>> Optimizer<N> for RmsProp<T> {
    type State = N::Gradient;
    const FINGERPRINT: Option<u32> = Some(fingerprint("RmsProp", &[]));

    #[inline]
    fn check(&self) -> Result<(), HyperParameter> {
        HyperParameter::LearningRate.check_rate(self.learning_rate)?;
        HyperParameter::Decay.check_fraction(self.decay)?;
        HyperParameter::check_epsilon(self.epsilon)
    }

    #[inline]
    fn update(
        &self,
        net: &mut N,
        square: &mut N::Gradient,
        gradients: &impl Gradients<N>,
        scale: T,
    ) {
        let Self { learning_rate, decay, epsilon } = *self;
        let gain = T::ONE - decay;
        gradients.visit(
            [net],
            [square],
            &mut for_each(|[p], [s], g| {
                let g = scale * g;
                let s = decay * s + gain * g * g;
                ([p - learning_rate * g / (s.sqrt() + epsilon)], [s])
            }),
        );
    }
}

/// State of [`Adam`] and [`AdamW`]: two numbers for each parameter, and two more.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct AdamState<G, T> {
    mean: G,
    square: G,
    /// `1 - beta^t`, for both betas: starts as zero, where `beta^t` would start as one.
    correction: [T; 2],
}

impl<G: Tensors<T>, T: Scalar> Tensors<T> for AdamState<G, T> {
    fn walk<const R: usize, const M: usize>(
        read: [&Self; R],
        mut write: [&mut Self; M],
        visit: &mut impl FnMut(Kind, [&[T]; R], [&mut [T]; M]),
    ) {
        G::walk(read.map(|r| &r.mean), write.each_mut().map(|w| &mut w.mean), visit);
        G::walk(read.map(|r| &r.square), write.each_mut().map(|w| &mut w.square), visit);
        visit(
            Kind::Other,
            read.map(|r| r.correction.as_slice()),
            write.map(|w| w.correction.as_mut_slice()),
        );
    }
}

impl<G: Zero, T: Zero> Zero for AdamState<G, T> {
    const ZERO: Self = Self { mean: G::ZERO, square: G::ZERO, correction: Zero::ZERO };
}

/// Adam, with bias correction. At step `t`, counted from 1:
/// ```text
/// m = beta_1 m + (1 - beta_1) g
/// v = beta_2 v + (1 - beta_2) g^2
/// p -= learning_rate * (m / (1 - beta_1^t)) / (sqrt(v / (1 - beta_2^t)) + epsilon)
/// ```
/// The state is `m` and `v`. Kingma, Ba, Adam: A method for stochastic optimization, ICLR 2015,
/// algorithm 1.
///
/// ```
/// use gradlet::prelude::*;
///
/// // The first step has the size of the learning rate, whatever the gradient.
/// let mut net = Dense::<1, 1, Identity>::new([[0.0]], [0.0]);
/// let mut trainer = Trainer::<_, HalfSquaredError, _>::new();
/// trainer.step(&mut net, &Adam::new(0.01), &[1.0], &[300.0]);
/// assert!((net.bias()[0] - 0.01).abs() < 1e-8);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Adam<T = f32> {
    /// Learning rate, 0 or more; typically 0.001.
    pub learning_rate: T,
    /// Decay of the running mean of gradients, `0.0..1.0`.
    pub beta_1: T,
    /// Decay of the running mean of squares, `0.0..1.0`.
    pub beta_2: T,
    /// Added to the root, against division by zero; more than 0.
    pub epsilon: T,
}

impl<T: Scalar> Adam<T> {
    /// With betas 0.9 and 0.999 and epsilon 1e-8, as in the paper.
    #[must_use]
    pub fn new(learning_rate: T) -> Self {
        Self {
            learning_rate,
            beta_1: T::from_f64(0.9),
            beta_2: T::from_f64(0.999),
            epsilon: T::from_f64(1e-8),
        }
    }

    /// Adam's update for a parameter that was first multiplied by `keep`.
    #[inline]
    fn update_decayed<N: Layer<Format = T>>(
        &self,
        net: &mut N,
        state: &mut AdamState<N::Gradient, T>,
        gradients: &impl Gradients<N>,
        scale: T,
        keep: T,
    ) {
        let Self { learning_rate, beta_1, beta_2, epsilon } = *self;
        let (gain_1, gain_2) = (T::ONE - beta_1, T::ONE - beta_2);
        let AdamState { mean, square, correction: [c1, c2] } = state;
        *c1 = beta_1 * *c1 + gain_1;
        *c2 = beta_2 * *c2 + gain_2;
        // Both corrections are applied outside the loop: they scale the step and the epsilon.
        let root = c2.sqrt();
        let (step, epsilon) = (learning_rate * root / *c1, epsilon * root);
        gradients.visit(
            [net],
            [mean, square],
            &mut for_each(|[p], [m, v], g| {
                let g = scale * g;
                let m = beta_1 * m + gain_1 * g;
                let v = beta_2 * v + gain_2 * g * g;
                ([keep * p - step * m / (v.sqrt() + epsilon)], [m, v])
            }),
        );
    }
}

#[diagnostic::do_not_recommend]
impl<T: Scalar, N: Layer<Format = T>> Optimizer<N> for Adam<T> {
    type State = AdamState<N::Gradient, T>;
    const FINGERPRINT: Option<u32> = Some(fingerprint("Adam", &[]));

    #[inline]
    fn check(&self) -> Result<(), HyperParameter> {
        HyperParameter::LearningRate.check_rate(self.learning_rate)?;
        HyperParameter::Beta1.check_fraction(self.beta_1)?;
        HyperParameter::Beta2.check_fraction(self.beta_2)?;
        HyperParameter::check_epsilon(self.epsilon)
    }

    #[inline]
    fn update(
        &self,
        net: &mut N,
        state: &mut Self::State,
        gradients: &impl Gradients<N>,
        scale: T,
    ) {
        self.update_decayed(net, state, gradients, scale, T::ONE);
    }
}

/// Adam with decoupled weight decay: each parameter is first multiplied by
/// `1 - learning_rate * weight_decay`, then updated as by [`Adam`].
///
/// Loshchilov, Hutter, Decoupled weight decay regularization, ICLR 2019, algorithm 2. Decays
/// weights and biases alike, as PyTorch does.
///
/// ```
/// use gradlet::prelude::*;
///
/// // With a gradient of 0, only the decay acts.
/// let adam_w = AdamW { adam: Adam::new(0.5), weight_decay: 0.5 };
/// let mut net = Dense::<1, 1, Identity>::new([[2.0]], [0.0]);
/// let mut trainer = Trainer::<_, HalfSquaredError, _>::new();
/// trainer.step(&mut net, &adam_w, &[0.0], &[0.0]);
/// assert_eq!(net.weights(), &[[1.5]]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct AdamW<T = f32> {
    /// The hyper-parameters of Adam.
    pub adam: Adam<T>,
    /// Weight decay per step and unit of learning rate, 0 or more; typically 0.01.
    pub weight_decay: T,
}

impl<T: Scalar> AdamW<T> {
    /// With the betas and epsilon of [`Adam::new`] and weight decay 0.01, as in PyTorch.
    #[must_use]
    pub fn new(learning_rate: T) -> Self {
        Self { adam: Adam::new(learning_rate), weight_decay: T::from_f64(0.01) }
    }
}

#[diagnostic::do_not_recommend]
impl<T: Scalar, N: Layer<Format = T>> Optimizer<N> for AdamW<T> {
    type State = AdamState<N::Gradient, T>;
    const FINGERPRINT: Option<u32> = Some(fingerprint("Adam", &[]));

    #[inline]
    fn check(&self) -> Result<(), HyperParameter> {
        Optimizer::<N>::check(&self.adam)?;
        HyperParameter::WeightDecay.check_rate(self.weight_decay)
    }

    #[inline]
    fn update(
        &self,
        net: &mut N,
        state: &mut Self::State,
        gradients: &impl Gradients<N>,
        scale: T,
    ) {
        let keep = T::ONE - self.adam.learning_rate * self.weight_decay;
        self.adam.update_decayed(net, state, gradients, scale, keep);
    }
}
