//! Samples with NaN or infinity in them: reported, and without a trace in what is learned.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "tests may panic, and compare exactly"
)]

use gradlet::prelude::*;
use support::{Random, Rng, assert_same_bits, flat};

const SGD: Sgd<f64> = Sgd { learning_rate: 0.125 };

type Net<T> = Mlp<2, 3, 2, Tanh, Sigmoid, T>;

/// A step on a bad sample, between good ones, must be as if it had not been: for the network and
/// for what the optimizer remembers.
fn check_bad<N, L, O>(optimizer: &O, x: [f64; 2], t: [f64; 2])
where
    N: Layer<Format = f64, Input = [f64; 2], Output = [f64; 2]> + Random + Clone,
    L: Loss<N::Activation, f64>,
    O: Optimizer<N>,
{
    let what = format!("{}, {x:?}, {t:?}", core::any::type_name::<(N, L, O)>());
    let (good, aim) = ([0.5, -0.25], [0.75, 0.25]);
    let mut net = N::random(&mut Rng(20));
    let mut same = net.clone();
    let (mut trainer, mut twin) = (Trainer::<N, L, O>::new(), Trainer::<N, L, O>::new());
    for _ in 0..3 {
        trainer.step(&mut net, optimizer, &good, &aim);
        twin.step(&mut same, optimizer, &good, &aim);
        let before = flat(&net);
        let loss = trainer.step(&mut net, optimizer, &x, &t);
        assert_same_bits(&what, &flat(&net), &before);
        assert!(!loss.is_finite(), "{what}: a loss of {loss}");
    }
    trainer.step(&mut net, optimizer, &good, &aim);
    twin.step(&mut same, optimizer, &good, &aim);
    assert_same_bits(&what, &flat(&net), &flat(&same));

    let (mut batch, mut twin) = (BatchTrainer::<N, L, O>::new(), BatchTrainer::<N, L, O>::new());
    for _ in 0..3 {
        batch.accumulate(&net, &good, &aim);
        twin.accumulate(&same, &good, &aim);
        assert!(!batch.accumulate(&net, &x, &t).is_finite(), "{what}");
        assert_eq!(batch.count(), 1);
        batch.apply(&mut net, optimizer);
        twin.apply(&mut same, optimizer);
        assert_same_bits(&what, &flat(&net), &flat(&same));
    }
}

#[test]
fn nan_leaves_network_and_optimizer_as_they_were() {
    fn check<O>(optimizer: &O)
    where
        O: Optimizer<Net<f64>> + Optimizer<Relus> + Optimizer<Classes>,
    {
        let good = [0.5, 0.5];
        for bad in [[f64::NAN, 0.5], [0.5, f64::NAN]] {
            for (x, t) in [(bad, good), (good, bad)] {
                check_bad::<Net<f64>, HalfSquaredError, O>(optimizer, x, t);
                check_bad::<Net<f64>, MeanSquaredError, O>(optimizer, x, t);
                check_bad::<Net<f64>, AbsoluteError, O>(optimizer, x, t);
                check_bad::<Net<f64>, Huber, O>(optimizer, x, t);
                check_bad::<Net<f64>, LogCosh, O>(optimizer, x, t);
                check_bad::<Net<f64>, Pinball<9, 10>, O>(optimizer, x, t);
                check_bad::<Net<f64>, BinaryCrossEntropy, O>(optimizer, x, t);
                check_bad::<Net<f64>, Focal, O>(optimizer, x, t);
                check_bad::<Relus, HalfSquaredError, O>(optimizer, x, t);
                check_bad::<Classes, CrossEntropy, O>(optimizer, x, t);
                check_bad::<Classes, Focal, O>(optimizer, x, t);
            }
        }
    }
    type Relus = Mlp<2, 3, 2, Relu, HardSigmoid, f64>;
    type Classes = Mlp<2, 3, 2, LeakyRelu, Softmax, f64>;
    check(&SGD);
    check(&Momentum { learning_rate: 0.125, momentum: 0.5 });
    check(&Adam::new(0.125));
    check(&ClipByNorm { optimizer: Adam::new(0.125), limit: 0.1 });
    check(&WeightDecay::new(RmsProp::new(0.125), 0.1));
}

#[test]
fn an_infinite_target_leaves_network_and_optimizer_as_they_were() {
    for bad in [f64::INFINITY, -f64::INFINITY] {
        let (x, t) = ([0.5, -0.5], [0.5, bad]);
        check_bad::<Net<f64>, HalfSquaredError, _>(&SGD, x, t);
        check_bad::<Net<f64>, MeanSquaredError, _>(&SGD, x, t);
        check_bad::<Net<f64>, AbsoluteError, _>(&SGD, x, t);
        check_bad::<Net<f64>, Huber, _>(&Adam::new(0.125), x, t);
        check_bad::<Net<f64>, LogCosh, _>(&SGD, x, t);
        check_bad::<Net<f64>, Pinball<9, 10>, _>(&SGD, x, t);
        check_bad::<Net<f64>, BinaryCrossEntropy, _>(&Adam::new(0.125), x, t);
        check_bad::<Net<f64>, Focal, _>(&SGD, x, t);
        check_bad::<Mlp<2, 3, 2, Tanh, Softmax, f64>, CrossEntropy, _>(&SGD, x, t);
    }
}

#[test]
fn an_infinite_input_of_a_linear_layer_leaves_network_and_optimizer_as_they_were() {
    for bad in [f64::INFINITY, -f64::INFINITY] {
        let (x, t) = ([0.5, bad], [0.5, 0.25]);
        check_bad::<Dense<2, 2, Identity, f64>, HalfSquaredError, _>(&SGD, x, t);
        check_bad::<Mlp<2, 3, 2, Identity, Identity, f64>, Huber, _>(&Adam::new(0.125), x, t);
    }
}

// An activation that saturates turns an infinite input into a finite output: the loss alone is
// finite, though the gradient of the first weights would be 0 * infinity = NaN.

#[test]
fn an_infinite_input_of_a_saturating_layer_leaves_network_and_optimizer_as_they_were() {
    for bad in [f64::INFINITY, -f64::INFINITY] {
        let (x, t) = ([0.5, bad], [0.5, 0.25]);
        check_bad::<Dense<2, 2, Sigmoid, f64>, HalfSquaredError, _>(&SGD, x, t);
    }
}

#[test]
fn an_infinite_input_of_a_hidden_layer_leaves_network_and_optimizer_as_they_were() {
    for bad in [f64::INFINITY, -f64::INFINITY] {
        let (x, t) = ([0.5, bad], [0.5, 0.25]);
        check_bad::<Net<f64>, HalfSquaredError, _>(&SGD, x, t);
        check_bad::<Mlp<2, 3, 2, Relu, Identity, f64>, HalfSquaredError, _>(&Adam::new(0.1), x, t);
    }
}
