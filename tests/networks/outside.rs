//! Layers of other crates: sequences through convolution, pooling and a recurrent unit.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::float_cmp,
    clippy::cast_precision_loss,
    reason = "tests may panic"
)]

use crate::outside_layers as outside;
use gradlet::prelude::*;
use gradlet::{Deltas, GradientVisitor, Kind, LayerTrace, Samples, Shape, tensors};
use outside::norm::BatchNorm;
use outside::{Conv1d, Gru, MaxPool};

/// One factor for each number of the input, so that gradients by inputs show in parameters.
#[derive(Clone, Debug, PartialEq)]
struct Scale<Y: Shape> {
    factors: Y,
}

impl<Y: Shape> Zero for Scale<Y> {
    const ZERO: Self = Self { factors: Y::ZERO };
}

impl<T: Scalar, Y: Shape<Element = T>> Layer for Scale<Y> {
    type Format = T;
    type Input = Y;
    type Output = Y;
    type Activation = Identity;
    type Trace = LayerTrace<T, Y, Identity>;
    type Gradient = Self;
    const MACS: usize = Y::LEN;

    tensors! { factors: Other "factors" [Y::LEN] }

    fn logits(&self, input: &Y, logits: &mut Y) {
        let factors = self.factors.as_slice().iter().zip(input.as_slice());
        for (z, (&s, &x)) in logits.as_mut_slice().iter_mut().zip(factors) {
            *z = s * x;
        }
    }

    fn input_gradient<const K: usize>(
        &self,
        samples: Samples<'_, Self, K>,
        gradients: Deltas<'_, Self, K>,
    ) {
        for ((_, trace), gradient) in samples.iter().zip(gradients) {
            let factors = self.factors.as_slice().iter().zip(trace.delta().values.as_slice());
            for (g, (&s, &d)) in gradient.values.as_mut_slice().iter_mut().zip(factors) {
                *g = s * d;
            }
        }
    }

    fn gradient<const P: usize, const S: usize, const K: usize>(
        mut nets: [&mut Self; P],
        mut state: [&mut Self; S],
        samples: Samples<'_, Self, K>,
        visitor: &mut impl GradientVisitor<T, P, S>,
    ) {
        for (input, trace) in samples.iter() {
            let mut gradient = trace.delta().values.clone();
            for (g, &x) in gradient.as_mut_slice().iter_mut().zip(input.as_slice()) {
                *g *= x;
            }
            visitor.vector(
                Kind::Other,
                nets.each_mut().map(|n| n.factors.as_mut_slice()),
                state.each_mut().map(|s| s.factors.as_mut_slice()),
                gradient.as_slice(),
                (),
            );
        }
    }
}

/// From a sequence to a row.
#[derive(Clone, Debug, PartialEq)]
struct Flatten<const C: usize, const L: usize, const N: usize, T>(core::marker::PhantomData<T>);

impl<const C: usize, const L: usize, const N: usize, T> Zero for Flatten<C, L, N, T> {
    const ZERO: Self = Self(core::marker::PhantomData);
}

impl<const C: usize, const L: usize, const N: usize, T: Scalar> Layer for Flatten<C, L, N, T> {
    type Format = T;
    type Input = [[T; C]; L];
    type Output = [T; N];
    type Activation = Identity;
    type Trace = LayerTrace<T, [T; N], Identity>;
    type Gradient = ();
    const MACS: usize = 0;

    fn logits(&self, input: &[[T; C]; L], logits: &mut [T; N]) {
        logits.copy_from_slice(input.as_flattened());
    }

    fn input_gradient<const K: usize>(
        &self,
        samples: Samples<'_, Self, K>,
        gradients: Deltas<'_, Self, K>,
    ) {
        for ((_, trace), gradient) in samples.iter().zip(gradients) {
            gradient.values.as_flattened_mut().copy_from_slice(&trace.delta().values);
        }
    }
}

/// A sequence of 9 steps with 2 channels; convolution, pooling, gates over 3 steps, and 2 classes.
type Net<T> = Chain<
    Scale<[[T; 2]; 9]>,
    Chain<
        Conv1d<2, 3, 9, 6, 8, T>,
        Chain<
            MaxPool<3, 6, 3, T>,
            Chain<Gru<3, 4, 3, 12, T>, Chain<Flatten<4, 3, 12, T>, Dense<12, 2, Softmax, T>>>,
        >,
    >,
>;

/// A start with different numbers everywhere.
fn net<T: Scalar>() -> Net<T> {
    let (mut net, mut k) = (Net::<T>::ZERO, 1_u32);
    net.visit_mut(|_, values| {
        for value in values {
            k = k.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *value = T::from_f64(f64::from(k >> 8) / 16_777_216.0 * 1.6 - 0.8);
        }
    });
    net
}

type Example<T> = ([[T; 2]; 9], [T; 2]);

fn example<T: Scalar>(k: usize) -> Example<T> {
    let number = |t, c| T::from_f64(((k * 7 + t * 5 + c * 3) % 17) as f64 / 9.0 - 0.8);
    let x = core::array::from_fn(|t| core::array::from_fn(|c| number(t, c)));
    (x, if k % 2 == 0 { [T::ONE, T::ZERO] } else { [T::ZERO, T::ONE] })
}

fn parameters<N: Layer<Format = T>, T: Scalar>(net: &N) -> Vec<T> {
    let mut all = vec![];
    net.visit(|_, values| all.extend_from_slice(values));
    all
}

/// Compares the gradient with differences of the loss; returns how many are not 0.
fn assert_gradients<N, L>(net: &mut N, (x, t): &(N::Input, N::Output)) -> usize
where
    N: Layer<Format = f64>,
    L: Loss<N::Activation, f64>,
{
    let mut trainer = BatchTrainer::<N, L, Sgd<f64>>::new();
    trainer.accumulate(net, x, t);
    let mut gradient = vec![];
    N::walk([], [], [trainer.gradient()], [], &mut |_, [], [], [g], []| {
        gradient.extend_from_slice(g);
    });
    assert_eq!(gradient.len(), N::TENSORS.trainable());
    let mut seen = 0;
    for (place, &got) in gradient.iter().enumerate() {
        let mut loss_at = |by: f64| {
            let mut at = 0;
            net.visit_mut(|tensor, values| {
                if tensor.kind == Kind::Buffer {
                    return;
                }
                if let Some(value) = place.checked_sub(at).and_then(|i| values.get_mut(i)) {
                    *value += by;
                }
                at += values.len();
            });
            trainer.evaluate(net, x, t)
        };
        const STEP: f64 = 1e-5;
        let want = (loss_at(STEP) - loss_at(-2.0 * STEP)) / (2.0 * STEP);
        loss_at(STEP);
        assert!((got - want).abs() < 1e-7, "{place}: {got} {want}");
        seen += usize::from(got.abs() > 1e-6);
    }
    seen
}

#[test]
fn gradients_are_those_of_differences() {
    let seen = assert_gradients::<_, CrossEntropy>(&mut net::<f64>(), &example(0));
    assert!(seen > Net::<f64>::PARAMS * 3 / 4, "{seen}");
}

/// A hidden layer, normalised by statistics that are kept, but not learned.
type Normed<T> = Chain<Dense<2, 3, Tanh, T>, Chain<BatchNorm<3, T>, Dense<3, 1, Identity, T>>>;

fn normed<T: Scalar>() -> Normed<T> {
    let number = T::from_f64;
    let mut norm = BatchNorm::ZERO;
    (norm.weight, norm.bias) = ([0.5, 1.0, -2.0].map(number), [0.1, -0.1, 0.0].map(number));
    (norm.mean, norm.variance) = ([0.1, 0.2, 0.3].map(number), [0.25, 1.0, 4.0].map(number));
    let weights = [[0.3, -0.6, 0.9], [-0.2, 0.4, 0.7]].map(|row| row.map(number));
    let first = Dense::new(weights, [0.1, 0.0, -0.1].map(number));
    Chain::new(
        first,
        Chain::new(norm, Dense::new([[0.5], [-0.4], [0.3]].map(|w| w.map(number)), [T::ZERO])),
    )
}

#[test]
fn buffers_have_no_gradient_and_are_not_learned() {
    assert_eq!((Normed::<f64>::PARAMS, Normed::<f64>::TENSORS.trainable()), (25, 19));
    let (x, t) = ([0.3, -0.7], [1.0]);
    assert_eq!(assert_gradients::<_, HalfSquaredError>(&mut normed(), &(x, t)), 19);

    let mut net = normed::<f64>();
    let before = net.rest().first().clone();
    let mut trainer = Trainer::<_, HalfSquaredError, AdamW<f64>>::new();
    let adam = AdamW { adam: Adam::new(0.01), weight_decay: 0.1 };
    let first = trainer.step(&mut net, &adam, &x, &t);
    (0..50).for_each(|_| assert!(trainer.step(&mut net, &adam, &x, &t).is_finite()));
    assert!(trainer.evaluate(&net, &x, &t) < first / 10.0);
    let mut tiles = BatchTrainer::<_, HalfSquaredError, AdamW<f64>, 4>::new();
    tiles.fit(&mut net, &adam, 4, [(x, t); 9], Stop::after(2));
    let after = net.rest().first();
    assert_eq!((after.mean, after.variance), (before.mean, before.variance));
    assert!(after.weight != before.weight && after.bias != before.bias);
}

#[test]
fn tiles_have_the_bits_of_one_after_the_other() {
    let net = net::<f32>();
    let examples: [_; 13] = core::array::from_fn(example);
    let mut one = BatchTrainer::<Net<f32>, CrossEntropy>::new();
    let mut tiles = BatchTrainer::<Net<f32>, CrossEntropy, Sgd, 8>::new();
    assert_eq!(one.accumulate_all(&net, examples), tiles.accumulate_all(&net, examples));
    assert_eq!(one.gradient(), tiles.gradient());
}

/// The mean loss over some examples, after some epochs one example at a time.
fn learn<O: Optimizer<Net<f32>> + Clone>(optimizer: O) -> f32 {
    let mut net = net();
    let examples: [_; 6] = core::array::from_fn(example);
    let mut trainer = Trainer::<Net<f32>, CrossEntropy, O>::new();
    // One evaluation for all optimizers, as each would be compiled.
    let mut evaluator = Trainer::<Net<f32>, CrossEntropy>::new();
    let before = evaluator.mean_loss(&net, examples).unwrap();
    for _ in 0..60 {
        for (x, t) in &examples {
            trainer.step(&mut net, &optimizer, x, t);
        }
    }
    evaluator.mean_loss(&net, examples).unwrap() / before
}

#[test]
fn every_optimizer_learns() {
    let sgd = Sgd { learning_rate: 0.05 };
    let momentum = Momentum { learning_rate: 0.02, momentum: 0.9 };
    let nesterov = Nesterov { learning_rate: 0.02, momentum: 0.9 };
    for (name, share) in [
        ("Sgd", learn(sgd)),
        ("Momentum", learn(momentum)),
        ("Nesterov", learn(nesterov)),
        ("RmsProp", learn(RmsProp::new(0.003))),
        ("Adam", learn(Adam::new(0.01))),
        ("AdamW", learn(AdamW { adam: Adam::new(0.01), weight_decay: 0.01 })),
        ("ClipByNorm", learn(ClipByNorm { optimizer: sgd, limit: 1.0 })),
        ("ClipByValue", learn(ClipByValue { optimizer: sgd, limit: 0.1 })),
        ("WeightDecay", learn(WeightDecay::new(sgd, 1e-3))),
        ("NoBias", learn(NoBias { optimizer: sgd })),
    ] {
        assert!(share < 0.5, "{name}: {share}");
    }
}

#[test]
fn single_steps_are_batches_of_one_but_for_rounding() {
    let (mut one, mut batch) = (net::<f64>(), net::<f64>());
    let sgd = Sgd { learning_rate: 0.1 };
    let mut single = Trainer::<Net<f64>, CrossEntropy, Sgd<f64>>::new();
    let mut batches = BatchTrainer::<Net<f64>, CrossEntropy, Sgd<f64>>::new();
    for k in 0..20 {
        let (x, t) = example(k);
        single.step(&mut one, &sgd, &x, &t);
        batches.accumulate(&batch, &x, &t);
        batches.apply(&mut batch, &sgd);
    }
    for (one, batch) in parameters(&one).into_iter().zip(parameters(&batch)) {
        assert!((one - batch).abs() < 1e-12, "{one} {batch}");
    }
}

#[test]
fn frozen_layers_stay_as_they_are() {
    type Body = Conv1d<2, 3, 9, 6, 8>;
    type Head = Chain<Flatten<3, 6, 18, f32>, Dense<18, 2, Softmax>>;
    type Frost = Chain<Frozen<Body>, Head>;
    let body = net::<f32>().rest().first().clone();
    assert_eq!(Frost::PARAMS, 38);
    let mut net = Frost::new(Frozen::new(body.clone()), Zero::ZERO);
    let mut trainer = Trainer::<Frost, CrossEntropy>::new();
    let (x, t) = example(3);
    let first = trainer.step(&mut net, &Sgd { learning_rate: 0.1 }, &x, &t);
    let second = trainer.step(&mut net, &Sgd { learning_rate: 0.1 }, &x, &t);
    assert!(second < first);
    assert_eq!(net.first().layer(), &body);
}

/// Lines of code between two marks in the source of these layers, without comments.
fn lines_between(from: &str, to: &str) -> usize {
    let source = include_str!("../support/outside/mod.rs");
    let part = source.split_once(from).unwrap().1.split(to).next().unwrap();
    part.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}

#[test]
fn layers_of_ones_own_are_short() {
    assert!(lines_between("`Conv1d`", "/// The largest") <= 70);
    assert!(lines_between("/// The largest", "/// A gated recurrent unit") <= 30);
    assert!(lines_between("/// A gated recurrent unit", "\0") <= 150);
}
