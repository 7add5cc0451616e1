//! Values that are computed again.

#[cfg(feature = "rand_core-v0.10")]
use gradlet::init::with_dropout;
use gradlet::{Recompute, Shape, prelude::*};
#[cfg(feature = "rand_core-v0.10")]
use rand_pcg::{Pcg32, rand_core::SeedableRng};
use support::{Random, Rng, flat_gradient};

use crate::check::{any, check, classes, random};

type First = net![f64; 12 x 2 => Conv1d(4, 3, padding same) Gelu => MaxPool(3)];
type Second = net![f64; 4 x 4 => Conv1d(5, 3) Tanh => Flatten => 6 Silu];
type Head = Dense<6, 3, Softmax, f64>;
type Whole = Chain<First, Chain<Second, Head>>;
type Parts = Chain<Recompute<First>, Chain<Recompute<Second>, Head>>;
type Nested = Recompute<Chain<Recompute<First>, Recompute<Chain<Second, Recompute<Head>>>>>;

#[test]
fn recomputed_layers_have_the_right_gradient() {
    check::<Recompute<Dense<3, 2, Sigmoid, f64>>, BinaryCrossEntropy>(any);
    check::<Parts, CrossEntropy>(classes);
    check::<Nested, CrossEntropy>(classes);
    type Block<L> = Residual<L, Dense<3, 3, Identity, f64>>;
    type Inner = Chain<Dense<3, 4, Tanh, f64>, Dense<4, 3, Elu, f64>>;
    check::<Block<Recompute<Inner>>, HalfSquaredError>(any);
    check::<Residual<Dense<3, 3, Tanh, f64>, Recompute<Inner>>, HalfSquaredError>(any);
    check::<Parallel<Recompute<Inner>, Recompute<Dense<3, 2, Gelu, f64>>, 5>, HalfSquaredError>(
        any,
    );
    check::<Recompute<Chain<Frozen<Inner>, Dense<3, 2, Tanh, f64>>>, HalfSquaredError>(any);
    check::<Chain<Recompute<Frozen<Inner>>, Dense<3, 2, Tanh, f64>>, HalfSquaredError>(any);
}

/// The parameters of a network, in bits.
fn parameters<N: Layer<Format = f64>>(net: &N) -> Vec<u64> {
    let mut list = vec![];
    net.visit(|_, values| list.extend(values.iter().map(|value| value.to_bits())));
    list
}

type Sample = ([[f64; 2]; 12], [f64; 3]);

fn samples(rng: &mut Rng) -> [Sample; 7] {
    core::array::from_fn(|i| {
        (random(rng, -1.0, 1.0), core::array::from_fn(|k| f64::from(u8::from(i % 3 == k))))
    })
}

/// Trains both networks and compares all bits.
fn train_alike<N, O>(optimizer: &O)
where
    N: Layer<Format = f64, Input = [[f64; 2]; 12], Output = [f64; 3], Activation = Softmax>
        + Random,
    O: Optimizer<Whole> + Optimizer<N>,
{
    let mut whole = Whole::random(&mut Rng(4));
    let mut parts = N::random(&mut Rng(4));
    let before = parameters(&whole);
    assert_eq!(parameters(&parts), before);
    let samples = samples(&mut Rng(9));
    let mut a = Trainer::<Whole, CrossEntropy, O>::new();
    let mut b = Trainer::<N, CrossEntropy, O>::new();
    for (x, t) in samples.iter().chain(&samples) {
        let losses = [a.step(&mut whole, optimizer, x, t), b.step(&mut parts, optimizer, x, t)];
        assert_eq!(losses[0].to_bits(), losses[1].to_bits());
        assert_eq!(parameters(&whole), parameters(&parts));
    }
    let mut a = BatchTrainer::<Whole, CrossEntropy, O, 4>::new();
    let mut b = BatchTrainer::<N, CrossEntropy, O, 4>::new();
    for _ in 0..5 {
        let losses = [a.accumulate_all(&whole, samples), b.accumulate_all(&parts, samples)];
        assert_eq!(losses[0], losses[1]);
        assert_eq!(flat_gradient::<Whole>(a.gradient()), flat_gradient::<N>(b.gradient()));
        a.apply(&mut whole, optimizer);
        b.apply(&mut parts, optimizer);
    }
    assert_eq!(parameters(&whole), parameters(&parts));
    assert_ne!(parameters(&whole), before);
    for (x, _) in &samples {
        assert_eq!(whole.forward(x), parts.forward(x));
    }
}

#[test]
fn recomputed_networks_train_with_the_same_bits() {
    train_alike::<Parts, _>(&Sgd { learning_rate: 0.1 });
    train_alike::<Parts, _>(&Adam::new(0.01));
    train_alike::<Parts, _>(&ClipByNorm { limit: 0.05, optimizer: Sgd { learning_rate: 0.5 } });
    train_alike::<Nested, _>(&Momentum { learning_rate: 0.05, momentum: 0.9 });
}

/// The same values are dropped when they are computed again.
#[cfg(feature = "rand_core-v0.10")]
#[test]
fn dropout_is_the_same_when_it_is_computed_again() {
    type Inner = Chain<Dense<2, 16, Tanh, f64>, Chain<Dropout<[f64; 16]>, Dense<16, 4, Tanh, f64>>>;
    type Net<L> = Chain<L, Dense<4, 1, Identity, f64>>;
    fn train<L>() -> (f64, Vec<u64>)
    where
        L: Layer<Format = f64, Input = [f64; 2], Output = [f64; 4], Activation = Tanh> + Random,
    {
        let mut net = Net::<L>::random(&mut Rng(3));
        let mut trainer = Trainer::<Net<L>, HalfSquaredError, Sgd<f64>>::new();
        let mut rng = Pcg32::seed_from_u64(1);
        let mut loss = 0.0;
        for step in 0..20 {
            let x = [f64::from(step) / 20.0, 0.5];
            loss += with_dropout(&mut net, &mut rng, |net| {
                trainer.step(net, &Sgd { learning_rate: 0.1 }, &x, &[x[0]])
            });
        }
        (loss, parameters(&net))
    }
    assert_eq!(train::<Inner>(), train::<Recompute<Inner>>());
}

#[test]
fn sizes_are_those_that_are_documented() {
    type Last<L> = <L as Layer>::Output;
    let output = 8 * <Last<First> as Shape>::LEN;
    assert_eq!(Recompute::<First>::KEPT_BYTES, 2 * output);
    assert_eq!(Recompute::<First>::STACK_BYTES, 2 * (output + 8 * 12 * 4) + 8 * 12 * 4);
    let saved = size_of::<<Whole as Layer>::Trace>() - size_of::<<Parts as Layer>::Trace>();
    assert!(saved > 1200, "{saved}");
    assert_eq!(Parts::PARAMS, Whole::PARAMS);
    assert_ne!(Parts::FINGERPRINT, Whole::FINGERPRINT);
}

#[test]
fn recomputed_layers_report_what_is_not_finite() {
    let mut net = Parts::random(&mut Rng(1));
    let before = net.clone();
    let mut trainer = Trainer::<Parts, CrossEntropy, Sgd<f64>>::new();
    for (place, value) in [(0, f64::NAN), (11, f64::INFINITY)] {
        let mut x = [[0.1; 2]; 12];
        x[place][1] = value;
        let loss = trainer.step(&mut net, &Sgd { learning_rate: 0.1 }, &x, &[1.0, 0.0, 0.0]);
        assert!(!loss.is_finite());
        assert_eq!(net, before);
    }
}

#[test]
fn recomputed_layers_are_printed_as_source() {
    let net = Recompute::new(Dense::<1, 1, Identity>::ZERO);
    assert!(net.to_source().to_string().starts_with("Recompute::new(Dense::new("));
    assert_eq!(net.into_inner(), Dense::ZERO);
}
