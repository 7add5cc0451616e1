//! Optimizers with an adaptive learning rate for each parameter.

use super::{Gradients, HyperParameter, Optimizer};
use crate::fingerprint::fingerprint;
use crate::format::Arithmetic;
use crate::gradient::for_each;
use crate::layer::Layer;
use crate::number::Number;
use crate::tensors::{Kind, Tensors};
use crate::zero::Zero;

/// Implements `Default` with the customary learning rate.
macro_rules! default_rates {
    ($($Optimizer:ident: $rate:literal, $of:literal;)+) => {
        $(
            impl<T: Number> Default for $Optimizer<T> {
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

/// The nearest number that is more than 0.
fn epsilon<T: Number>(value: f64) -> T {
    let nearest = T::from_f64(value);
    if nearest > T::ZERO { nearest } else { T::MIN_POSITIVE }
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

impl<T: Number> Adagrad<T> {
    /// With epsilon 1e-10, as in PyTorch.
    #[must_use]
    pub fn new(learning_rate: T) -> Self {
        Self { learning_rate, epsilon: epsilon(1e-10) }
    }
}

#[diagnostic::do_not_recommend]
impl<R: Number, F: Arithmetic<Real = R>, N: Layer<Format = F>> Optimizer<N> for Adagrad<R> {
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
        scale: R,
    ) {
        let [rate, epsilon, scale] = [self.learning_rate, self.epsilon, scale].map(F::factor);
        gradients.visit(
            [net],
            [square],
            &mut for_each(|[p], [s], g: F::Weight| {
                let g = F::times(g, scale);
                let s = F::add_square(s, g);
                ([F::difference(p, F::over_root(rate, g, s, epsilon))], [s])
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

impl<T: Number> RmsProp<T> {
    /// With decay 0.99 and epsilon 1e-8, as in PyTorch.
    #[must_use]
    pub fn new(learning_rate: T) -> Self {
        Self { learning_rate, decay: T::from_f64(0.99), epsilon: epsilon(1e-8) }
    }
}

#[diagnostic::do_not_recommend]
impl<R: Number, F: Arithmetic<Real = R>, N: Layer<Format = F>> Optimizer<N> for RmsProp<R> {
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
        scale: R,
    ) {
        let [rate, epsilon, scale] = [self.learning_rate, self.epsilon, scale].map(F::factor);
        let decay = F::decay(self.decay);
        gradients.visit(
            [net],
            [square],
            &mut for_each(|[p], [s], g: F::Weight| {
                let g = F::times(g, scale);
                let s = F::mean_square(s, decay, g);
                ([F::difference(p, F::over_root(rate, g, s, epsilon))], [s])
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

impl<G: Tensors<T>, T> Tensors<T> for AdamState<G, T> {
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

impl<T: Number> Adam<T> {
    /// With betas 0.9 and 0.999 and epsilon 1e-8, as in the paper.
    #[must_use]
    pub fn new(learning_rate: T) -> Self {
        Self {
            learning_rate,
            beta_1: T::from_f64(0.9),
            beta_2: T::from_f64(0.999),
            epsilon: epsilon(1e-8),
        }
    }

    /// Adam's update for parameters that first lose this part of themselves.
    #[inline]
    #[allow(clippy::arithmetic_side_effects, reason = "of floats, or it saturates")]
    fn update_decayed<F: Arithmetic<Real = T>, N: Layer<Format = F>>(
        &self,
        net: &mut N,
        state: &mut AdamState<N::Gradient, F::Weight>,
        gradients: &impl Gradients<N>,
        scale: T,
        decayed: T,
    ) {
        let (beta_1, beta_2) = (F::decay(self.beta_1), F::decay(self.beta_2));
        let AdamState { mean, square, correction: [c1, c2] } = state;
        let one = F::nearest(T::ONE);
        *c1 = F::running_mean(*c1, beta_1, one);
        *c2 = F::running_mean(*c2, beta_2, one);
        // Both corrections are applied outside the loop: they scale the step and the epsilon.
        let root = F::number(*c2).sqrt();
        let step = self.learning_rate * root / F::number(*c1);
        let [step, epsilon, scale, decayed] =
            [step, self.epsilon * root, scale, decayed].map(F::factor);
        gradients.visit(
            [net],
            [mean, square],
            &mut for_each(|[p], [m, v], g: F::Weight| {
                let g = F::times(g, scale);
                let m = F::running_mean(m, beta_1, g);
                let v = F::mean_square(v, beta_2, g);
                let step = F::over_root(step, m, v, epsilon);
                ([F::difference(F::without(p, decayed), step)], [m, v])
            }),
        );
    }
}

#[diagnostic::do_not_recommend]
impl<R: Number, F: Arithmetic<Real = R>, N: Layer<Format = F>> Optimizer<N> for Adam<R> {
    type State = AdamState<N::Gradient, F::Weight>;
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
        scale: R,
    ) {
        self.update_decayed(net, state, gradients, scale, R::ZERO);
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

impl<T: Number> AdamW<T> {
    /// With the betas and epsilon of [`Adam::new`] and weight decay 0.01, as in PyTorch.
    #[must_use]
    pub fn new(learning_rate: T) -> Self {
        Self { adam: Adam::new(learning_rate), weight_decay: T::from_f64(0.01) }
    }
}

#[diagnostic::do_not_recommend]
impl<R: Number, F: Arithmetic<Real = R>, N: Layer<Format = F>> Optimizer<N> for AdamW<R> {
    type State = AdamState<N::Gradient, F::Weight>;
    const FINGERPRINT: Option<u32> = Some(fingerprint("Adam", &[]));

    #[inline]
    fn check(&self) -> Result<(), HyperParameter> {
        Optimizer::<N>::check(&self.adam)?;
        HyperParameter::WeightDecay.check_rate(self.weight_decay)
    }

    #[inline]
    #[allow(clippy::arithmetic_side_effects, reason = "of floats, or it saturates")]
    fn update(
        &self,
        net: &mut N,
        state: &mut Self::State,
        gradients: &impl Gradients<N>,
        scale: R,
    ) {
        let decayed = self.adam.learning_rate * self.weight_decay;
        self.adam.update_decayed(net, state, gradients, scale, decayed);
    }
}
