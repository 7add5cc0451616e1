//! Gradient clipping, weight decay, sums and training without biases, around another optimizer.

use super::{Gradients, HyperParameter, Optimizer, PART, take};
use crate::format::Arithmetic;
use crate::gradient::{Affine, GradientVisitor, for_each};
use crate::layer::{Layer, Real, Weight};
use crate::number::Number;
use crate::tensors::Kind;
use crate::zero::Zero;

/// Gradient clipping by value: clips each component to `-limit..=limit`, then updates by
/// `optimizer`.
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
    /// The optimizer that makes the step.
    pub optimizer: O,
    /// Largest absolute value of a component, 0 or more; it may be infinite.
    pub limit: T,
}

impl<O, T> ClipByValue<O, T> {
    /// Clips each component to `-limit..=limit`.
    #[must_use]
    pub const fn new(optimizer: O, limit: T) -> Self {
        Self { optimizer, limit }
    }
}

#[diagnostic::do_not_recommend]
impl<R, F, N, O> Optimizer<N> for ClipByValue<O, R>
where
    R: Number,
    F: Arithmetic<Real = R>,
    N: Layer<Format = F>,
    O: Optimizer<N>,
{
    type State = O::State;
    const FINGERPRINT: Option<u32> = O::FINGERPRINT;
    const SUMMED: bool = O::SUMMED;

    #[inline]
    fn check(&self) -> Result<(), HyperParameter> {
        HyperParameter::check_limit(self.limit)?;
        self.optimizer.check()
    }

    #[inline]
    fn update(&self, net: &mut N, state: &mut O::State, gradients: &impl Gradients<N>, scale: R) {
        let (limit, scale) = (F::nearest(self.limit), F::factor(scale));
        let clip = |_, _, g| F::clip(F::times(g, scale), limit);
        self.optimizer.update(net, state, &Adjusted { gradients, adjust: clip }, R::ONE);
    }
}

/// Weight decay (L2 regularisation): adds `rate * p` to the gradient of each parameter `p`, the
/// derivative of the penalty `rate / 2 * sum p^2`, then updates by `optimizer`.
///
/// Applies to weights and biases alike, as PyTorch's `weight_decay` does, or to all but the biases.
/// For Adam, [`AdamW`](crate::AdamW) is usually better.
///
/// ```
/// use gradlet::prelude::*;
///
/// let decayed = WeightDecay::new(Sgd::new(0.5), 0.5);
/// let mut net = Dense::<1, 1, Identity>::new([[2.0]], [2.0]);
/// let mut trainer = Trainer::<_, HalfSquaredError, _>::new();
/// trainer.step(&mut net, &decayed, &[0.0], &[2.0]); // 2 - 0.5 * (0 + 0.5 * 2)
/// assert_eq!(net, Dense::new([[1.5]], [1.5]));
///
/// let but_biases = WeightDecay { biases: false, ..decayed };
/// trainer.step(&mut net, &but_biases, &[0.0], &[1.5]); // 1.5 - 0.5 * (0 + 0.5 * 1.5)
/// assert_eq!(net, Dense::new([[1.125]], [1.5]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct WeightDecay<O, T = f32> {
    /// The optimizer that makes the step.
    pub optimizer: O,
    /// Factor of the parameters in the gradient, 0 or more; typically 1e-4.
    pub rate: T,
    /// Whether biases decay too; if not, tensors of [`Kind::Bias`] are left alone.
    pub biases: bool,
}

impl<O, T> WeightDecay<O, T> {
    /// Decays all parameters at this rate, biases too.
    #[must_use]
    pub const fn new(optimizer: O, rate: T) -> Self {
        Self { optimizer, rate, biases: true }
    }
}

#[diagnostic::do_not_recommend]
impl<R, F, N, O> Optimizer<N> for WeightDecay<O, R>
where
    R: Number,
    F: Arithmetic<Real = R>,
    N: Layer<Format = F>,
    O: Optimizer<N>,
{
    type State = O::State;
    const FINGERPRINT: Option<u32> = O::FINGERPRINT;
    const SUMMED: bool = O::SUMMED;

    #[inline]
    fn check(&self) -> Result<(), HyperParameter> {
        HyperParameter::WeightDecay.check_rate(self.rate)?;
        self.optimizer.check()
    }

    #[inline]
    fn update(&self, net: &mut N, state: &mut O::State, gradients: &impl Gradients<N>, scale: R) {
        let [rate, none, scale] = [self.rate, R::ZERO, scale].map(F::factor);
        let adjust = |kind, p: Option<F::Weight>, g| {
            let rate = if self.biases || kind != Kind::Bias { rate } else { none };
            F::sum(F::times(g, scale), F::times(p.unwrap_or(Zero::ZERO), rate))
        };
        self.optimizer.update(net, state, &Adjusted { gradients, adjust }, R::ONE);
    }
}

/// Updates by `optimizer`, then sets every bias to 0: trains a network without biases.
///
/// A bias of 0 adds nothing, so a network that starts without biases stays without, like a layer
/// with `bias=False` in PyTorch. The biases still take memory; those of [`Frozen`](crate::Frozen)
/// layers are unchanged.
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
    /// The optimizer that makes the step.
    pub optimizer: O,
}

impl<O> NoBias<O> {
    /// Sets biases to 0 after each update by `optimizer`.
    #[must_use]
    pub const fn new(optimizer: O) -> Self {
        Self { optimizer }
    }
}

#[diagnostic::do_not_recommend]
impl<N: Layer, O: Optimizer<N>> Optimizer<N> for NoBias<O> {
    type State = O::State;
    const FINGERPRINT: Option<u32> = O::FINGERPRINT;
    const SUMMED: bool = O::SUMMED;

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

/// Sums the gradients of a batch instead of averaging them, then updates by `optimizer`.
///
/// The same as the mean with a learning rate that is multiplied by the sum of the weights of the
/// samples, their number if each has weight 1. For a [`Trainer`](crate::Trainer), which has one
/// sample at a time, it makes no difference. Losses are averaged as ever.
///
/// ```
/// use gradlet::prelude::*;
///
/// let mut net = Dense::<1, 1, Identity>::ZERO;
/// let mut trainer = BatchTrainer::<_, HalfSquaredError, Summed<Sgd>>::new();
/// trainer.accumulate_all(&net, [([0.0], [1.0]), ([0.0], [2.0]), ([0.0], [5.0])]);
/// trainer.apply(&mut net, &Summed::new(Sgd::new(0.25)));
/// assert_eq!(net.bias(), &[2.0]); // 0.25 * (1 + 2 + 5)
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Summed<O> {
    /// The optimizer that makes the step.
    pub optimizer: O,
}

impl<O> Summed<O> {
    /// Passes the sum of the gradients to `optimizer`.
    #[must_use]
    pub const fn new(optimizer: O) -> Self {
        Self { optimizer }
    }
}

#[diagnostic::do_not_recommend]
impl<N: Layer, O: Optimizer<N>> Optimizer<N> for Summed<O> {
    type State = O::State;
    const FINGERPRINT: Option<u32> = O::FINGERPRINT;
    const SUMMED: bool = true;

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
    }
}

/// Applies `adjust(kind, parameter, gradient)` to each component of the gradient.
struct Adjusted<'a, G, A> {
    gradients: &'a G,
    adjust: A,
}

impl<F, N, G, A> Gradients<N> for Adjusted<'_, G, A>
where
    F: Arithmetic,
    N: Layer<Format = F>,
    G: Gradients<N>,
    A: Fn(Kind, Option<F::Weight>, F::Weight) -> F::Weight,
{
    #[inline]
    fn visit<const P: usize, const S: usize>(
        &self,
        nets: [&mut N; P],
        state: [&mut N::Gradient; S],
        visitor: &mut impl GradientVisitor<F, P, S>,
    ) {
        self.gradients.visit(nets, state, &mut AdjustedVisitor { visitor, adjust: &self.adjust });
    }
}

struct AdjustedVisitor<'a, V, A> {
    visitor: &'a mut V,
    adjust: &'a A,
}

impl<F, V, A, const P: usize, const S: usize> GradientVisitor<F, P, S> for AdjustedVisitor<'_, V, A>
where
    F: Arithmetic,
    V: GradientVisitor<F, P, S>,
    A: Fn(Kind, Option<F::Weight>, F::Weight) -> F::Weight,
{
    #[inline]
    fn vector(
        &mut self,
        kind: Kind,
        mut parameters: [&mut [F::Weight]; P],
        mut state: [&mut [F::Weight]; S],
        gradient: &[F::Sum],
        scale: F::Scale,
    ) {
        for gradient in gradient.chunks(PART) {
            let mut part = [F::empty(); PART];
            for (i, (part, &g)) in part.iter_mut().zip(gradient).enumerate() {
                let p = parameters.first().and_then(|p| p.get(i)).copied();
                *part = F::stored_one((self.adjust)(kind, p, F::gradient(g, scale)));
            }
            let len = gradient.len();
            self.visitor.vector(
                kind,
                parameters.each_mut().map(|p| take(p, len)),
                state.each_mut().map(|s| take(s, len)),
                part.get(..len).unwrap_or(&[]),
                F::STORED,
            );
        }
    }
}

/// Gradient clipping by norm: scales the gradient of the whole network down to the norm `limit`
/// where it exceeds it, then updates by `optimizer`: `g *= limit / |g|` where `|g| > limit`.
///
/// Pascanu, Mikolov, Bengio, On the difficulty of training recurrent neural networks, ICML 2013.
/// Needs no memory: for one sample the squared norm is `sum over layers of |d|^2 (|x|^2 + 1)`,
/// which may differ in the last digit from that of a batch of one. Where that overflows, in `f32`
/// above a norm of 1e19, it is recomputed in units of the largest derivative. Where a derivative
/// itself overflows, the direction is lost: `optimizer` gets a gradient of zeros.
///
/// ```
/// use gradlet::prelude::*;
///
/// let clipped = ClipByNorm { optimizer: Sgd { learning_rate: 1.0 }, limit: 1.0 };
/// let mut net = Dense::<1, 1, Identity>::new([[0.0]], [0.0]);
/// let mut trainer = Trainer::<_, HalfSquaredError, _>::new();
/// // dE/dw = -5 * 0.75 and dE/db = -5: a gradient of norm 6.25.
/// trainer.step(&mut net, &clipped, &[0.75], &[5.0]);
/// assert!((net.weights()[0][0] - 0.6).abs() < 1e-6);
/// assert!((net.bias()[0] - 0.8).abs() < 1e-6);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ClipByNorm<O, T = f32> {
    /// The optimizer that makes the step.
    pub optimizer: O,
    /// Largest norm of the gradient, 0 or more; it may be infinite.
    pub limit: T,
}

impl<O, T> ClipByNorm<O, T> {
    /// Clips the norm to `limit`.
    #[must_use]
    pub const fn new(optimizer: O, limit: T) -> Self {
        Self { optimizer, limit }
    }
}

#[diagnostic::do_not_recommend]
impl<R, F, N, O> Optimizer<N> for ClipByNorm<O, R>
where
    R: Number,
    F: Arithmetic<Real = R>,
    N: Layer<Format = F>,
    O: Optimizer<N>,
{
    type State = O::State;
    const FINGERPRINT: Option<u32> = O::FINGERPRINT;
    const SUMMED: bool = O::SUMMED;

    #[inline]
    fn check(&self) -> Result<(), HyperParameter> {
        HyperParameter::check_limit(self.limit)?;
        self.optimizer.check()
    }

    #[inline]
    #[allow(clippy::arithmetic_side_effects, reason = "of floats, or it saturates")]
    fn update(&self, net: &mut N, state: &mut O::State, gradients: &impl Gradients<N>, scale: R) {
        let mut norm = SquaredNorm { sum: R::ZERO };
        gradients.visit([net], [], &mut norm);
        if !norm.sum.is_finite() {
            return self.update_large(net, state, gradients, scale);
        }
        let length = scale * norm.sum.sqrt();
        let scale = if length > self.limit { scale * (self.limit / length) } else { scale };
        self.optimizer.update(net, state, gradients, scale);
    }
}

impl<O, R: Number> ClipByNorm<O, R> {
    /// The update where the squared norm overflows.
    #[cold]
    #[allow(clippy::arithmetic_side_effects, reason = "of floats, or it saturates")]
    fn update_large<F: Arithmetic<Real = R>, N: Layer<Format = F>>(
        &self,
        net: &mut N,
        state: &mut O::State,
        gradients: &impl Gradients<N>,
        scale: R,
    ) where
        O: Optimizer<N>,
    {
        let mut unit = R::ZERO;
        let mut each = for_each(|[p], [], g: F::Weight| {
            unit = larger(unit, F::number(g));
            ([p], [])
        });
        gradients.visit([net], [], &mut each);
        if !unit.is_finite() {
            let gradients = Adjusted { gradients, adjust: |_, _, _| Zero::ZERO };
            return self.optimizer.update(net, state, &gradients, R::ONE);
        }
        let mut sum = R::ZERO;
        let mut each = for_each(|[p], [], g: F::Weight| {
            let g = F::number(g) / unit;
            sum += g * g;
            ([p], [])
        });
        gradients.visit([net], [], &mut each);
        // The norm itself may overflow too.
        let ratio = self.limit / (scale * unit) / sum.sqrt();
        let scale = if ratio < R::ONE { scale * ratio } else { scale };
        self.optimizer.update(net, state, gradients, scale);
    }
}

/// The larger of `size` and `|g|`; infinite if `g` is NaN.
fn larger<T: Number>(size: T, g: T) -> T {
    if !g.is_finite() {
        T::INFINITY
    } else if g.abs() > size {
        g.abs()
    } else {
        size
    }
}

/// The parameters are unused here, but a [`WeightDecay`] around needs them.
struct SquaredNorm<T> {
    sum: T,
}

impl<F: Arithmetic> GradientVisitor<F, 1, 0> for SquaredNorm<F::Real> {
    #[inline]
    #[allow(clippy::arithmetic_side_effects, reason = "of floats, or it saturates")]
    fn affine<const IN: usize, const OUT: usize>(
        &mut self,
        _: [Affine<'_, F::Weight, IN, OUT>; 1],
        _: [Affine<'_, F::Weight, IN, OUT>; 0],
        x: &[F::Value; IN],
        d: &[F::Sum; OUT],
        scale: F::Scale,
    ) {
        let squares = F::add_squares(F::Real::ZERO, d, scale);
        self.sum += F::squared_length(x) * squares;
        self.sum += squares;
    }

    #[inline]
    fn vector(
        &mut self,
        _: Kind,
        _: [&mut [F::Weight]; 1],
        _: [&mut [F::Weight]; 0],
        gradient: &[F::Sum],
        scale: F::Scale,
    ) {
        self.sum = F::add_squares(self.sum, gradient, scale);
    }
}
