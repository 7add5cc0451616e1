//! Several samples at once in a `BatchTrainer`: the bits of one after the other.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests may panic"
)]

use core::cell::Cell;
use core::ops::ControlFlow;
use std::sync::Mutex;
use std::thread;

use gradlet::prelude::*;
use gradlet::{Activation, Elu, Gelu, Hidden, LeakyRelu, Shape, Silu, fast};
use support::{Bare, Random, Rng, Scale, assert_same_bits, flat, flat_gradient};

/// A hidden activation of the whole layer, of which samples must not be mixed up: numbers are divided
/// by the largest.
#[derive(Clone, Debug, PartialEq)]
struct Largest;

impl<T: Scalar> Activation<T> for Largest {
    type Kept<Y: Shape<Element = T>> = ();
    fn activate(values: &mut [T]) {
        let largest =
            values.iter().fold(T::ONE, |most, v| if v.abs() > most { v.abs() } else { most });
        values.iter_mut().for_each(|v| *v /= largest);
    }
    fn backpropagate(_: &[T], _: &[T], _: &mut [T], (): &mut ()) {}
}

impl Hidden for Largest {}

/// Trains alike with tiles and without, and compares everything that can be seen.
fn check<T, N, L, const TILE: usize>(inputs: impl Fn(&mut Rng) -> N::Input, seed: u64)
where
    T: Scalar,
    N: Layer<Format = T> + Random,
    L: Loss<N::Activation, T>,
{
    let mut rng = Rng(seed);
    let examples: Vec<(N::Input, N::Output)> = (0..21)
        .map(|k| {
            let mut target = N::Output::ZERO;
            let numbers = target.as_mut_slice();
            let class = k % numbers.len();
            numbers[class] = T::ONE;
            (inputs(&mut rng), target)
        })
        .collect();
    let start = rng.0;
    let what = format!("{} with tiles of {TILE}", core::any::type_name::<N>());

    let net = N::random(&mut Rng(start));
    let inputs: [&N::Input; 13] = core::array::from_fn(|k| &examples[k].0);
    let bits =
        |y: N::Output| -> Vec<_> { y.as_slice().iter().map(|y| y.to_f64().to_bits()).collect() };
    let alone = inputs.map(|x| bits(net.forward(x)));
    assert_eq!(net.forward_all(inputs).map(bits), alone, "{what}");
    assert!(net.forward_all([]).is_empty());

    let mut one_by_one = BatchTrainer::<N, L, Adam<T>>::new();
    let mut together = BatchTrainer::<N, L, Adam<T>, TILE>::new();
    for count in [21, 1, 0, 20] {
        let want = one_by_one.accumulate_all(&net, &examples[..count]);
        let got = together.accumulate_all(&net, &examples[..count]);
        assert_eq!(
            got.map(|loss| loss.to_f64().to_bits()),
            want.map(|loss| loss.to_f64().to_bits())
        );
        assert_eq!(together.count(), one_by_one.count(), "{what}");
        let want = flat_gradient::<N>(one_by_one.gradient());
        assert_same_bits(&what, &flat_gradient::<N>(together.gradient()), &want);
    }

    let adam = Adam::new(T::from_f64(0.01));
    for size in [FULL_BATCH, 1, 6, 16, 100] {
        let (mut net, mut same) = (N::random(&mut Rng(start)), N::random(&mut Rng(start)));
        let want = one_by_one.fit(&mut same, &adam, size, &examples, Stop::after(3));
        let got = together.fit(&mut net, &adam, size, &examples, Stop::after(3));
        assert_eq!(got, want, "{what}, batches of {size}");
        assert_eq!(got.outcome, Outcome::EpochsDone, "{what}");
        assert_same_bits(&what, &flat(&net), &flat(&same));
    }
}

macro_rules! check {
    ($($name:ident: $tile:literal, $net:ty, $loss:ty, $inputs:literal $scalar:ty;)+) => { $(
        #[test]
        fn $name() {
            check::<$scalar, $net, $loss, $tile>(|rng| rng.array::<$scalar, $inputs>(-1.0, 1.0), $tile);
        }
    )+ };
}

check! {
    tiny: 7, Mlp<2, 1, 2, Tanh, Sigmoid>, BinaryCrossEntropy, 2 f32;
    moons: 16, Mlp<2, 50, 2, Tanh, Sigmoid>, BinaryCrossEntropy, 2 f32;
    one_layer: 16, Dense<3, 2, Identity>, MeanSquaredError, 3 f32;
    classes: 7, net![9 => 13 Relu => 10 Softmax], CrossEntropy, 9 f32;
    fast_few_outputs: 7, Mlp<2, 10, 2, fast::Tanh, fast::Sigmoid>, BinaryCrossEntropy, 2 f32;
    fast_many_outputs: 16, Mlp<2, 3, 11, fast::Tanh, fast::Sigmoid>, BinaryCrossEntropy, 2 f32;
    fast_classes: 7, Dense<4, 10, fast::Softmax>, CrossEntropy, 4 f32;
    deep: 7, net![f64; 5 => 35 LeakyRelu => 33 Gelu => 7 Elu => 3 Silu], HalfSquaredError, 5 f64;
    frozen_first: 16, Chain<Frozen<Dense<4, 6, Tanh>>, Mlp<6, 5, 3>>, AbsoluteError, 4 f32;
    frozen_between:
        7, Chain<Dense<4, 6, Tanh>, Chain<Frozen<Mlp<6, 3, 5>>, Dense<5, 2>>>, Huber, 4 f32;
    layers_of_others:
        16, Chain<Bare<4, 4, Tanh, f32>, Chain<Scale<4, f32>, Dense<4, 2>>>, HalfSquaredError, 4 f32;
    activations_of_others: 7, Mlp<3, 6, 2, Largest, Identity>, HalfSquaredError, 3 f32;
}

#[test]
fn examples_that_are_not_finite_are_left_out() {
    type Net = Mlp<2, 5, 2>;
    let mut rng = Rng(9);
    let net = Net::random(&mut rng);
    let mut examples: Vec<_> = (0..16).map(|_| (rng.array(-1.0, 1.0), [0.25, 0.75])).collect();
    examples[5].0[1] = f32::INFINITY;
    examples[11].1[0] = f32::NAN;
    let mut one_by_one = BatchTrainer::<Net, HalfSquaredError>::new();
    let mut together = BatchTrainer::<Net, HalfSquaredError, Sgd, 8>::new();
    assert!(one_by_one.accumulate_all(&net, &examples).unwrap().is_nan());
    assert!(together.accumulate_all(&net, &examples).unwrap().is_nan());
    assert_eq!((one_by_one.count(), together.count()), (14, 14));
    assert_eq!(together.gradient(), one_by_one.gradient());

    let sgd = Sgd { learning_rate: 0.5 };
    let mut trained = net.clone();
    let report = together.fit(&mut trained, &sgd, 16, &examples, Stop::after(1));
    assert_eq!(report.outcome, Outcome::NotFinite { example: 5 });
    assert_eq!((trained, together.count()), (net, 0));
}

#[test]
fn no_example_is_taken_after_one_that_is_not_finite() {
    fn taken<const TILE: usize>() -> u32 {
        let (mut net, taken) = (Dense::<1, 1, Identity>::ZERO, Cell::new(0));
        let report = BatchTrainer::<_, HalfSquaredError, Sgd, TILE>::new().fit_with(
            &mut net,
            |_| Sgd { learning_rate: 0.1 },
            FULL_BATCH,
            |epoch| {
                epoch.learn((0..100).inspect(|_| taken.set(taken.get() + 1)).map(|k: u8| {
                    let x = if k == 5 { f32::NAN } else { 1.0 };
                    ([x], [1.0])
                }))
            },
            Stop::after(2),
            |_| ControlFlow::Continue(()),
        );
        assert_eq!(report.outcome, Outcome::NotFinite { example: 5 });
        taken.get()
    }
    // A tile is taken as a whole.
    assert_eq!((taken::<0>(), taken::<4>(), taken::<16>()), (6, 8, 16));
}

#[test]
fn examples_may_be_made_as_they_are_needed() {
    let mut net = Dense::<1, 1, Identity>::ZERO;
    let mut trainer = BatchTrainer::<_, HalfSquaredError, Sgd, 8>::new();
    let mut made = 0;
    let report = trainer.fit_with(
        &mut net,
        |_| Sgd { learning_rate: 0.1 },
        10,
        |epoch| {
            epoch.learn((0..25).map(|k: u8| {
                made += 1;
                ([f32::from(k) / 25.0], [1.0])
            }))
        },
        Stop::after(2),
        |_| ControlFlow::Continue(()),
    );
    assert_eq!((report.outcome, made), (Outcome::EpochsDone, 50));
}

/// 784-512-10 has 407,050 parameters, 1.6 MB: neither it nor its trainer fits on the stack.
type Large = net![784 => 512 Relu => 10 Softmax];
static LARGE: Mutex<Large> = Mutex::new(Large::ZERO);
static SINGLE: Mutex<Trainer<Large, CrossEntropy, Sgd>> = Mutex::new(Trainer::new());
static BATCHES: Mutex<BatchTrainer<Large, CrossEntropy, Momentum, 16>> =
    Mutex::new(BatchTrainer::new());

#[test]
fn large_networks_train_with_a_small_stack() {
    fn train() {
        let examples: Vec<_> = (0..40)
            .map(|k| {
                let mut target = [0.0; 10];
                target[k % 10] = 1.0;
                ([target[2] + target[4] / 2.0; 784], target)
            })
            .collect();
        let mut net = LARGE.lock().unwrap();
        let mut rng = Rng(1);
        net.visit_mut(|_, numbers| {
            numbers.iter_mut().for_each(|n| *n = f32::from_f64(rng.range(-0.02, 0.02)));
        });
        let sgd = Sgd { learning_rate: 0.001 };
        let report = SINGLE.lock().unwrap().fit(&mut net, &sgd, &examples, Stop::after(1));
        assert_eq!(report.outcome, Outcome::EpochsDone);
        let momentum = Momentum { learning_rate: 0.001, momentum: 0.9 };
        let mut batches = BATCHES.lock().unwrap();
        let next = batches.fit(&mut net, &momentum, 20, &examples, Stop::after(2));
        assert!(next.loss.unwrap() < report.loss.unwrap());
        assert!(batches.mean_loss(&net, &examples).unwrap() < next.loss.unwrap());
    }
    thread::Builder::new().stack_size(64 * 1024).spawn(train).unwrap().join().unwrap();
}

#[test]
fn a_tile_takes_two_numbers_for_each_unit_and_sample() {
    type Net = Mlp<2, 4, 3>;
    let without = size_of::<BatchTrainer<Net, HalfSquaredError>>();
    assert_eq!(
        size_of::<BatchTrainer<Net, HalfSquaredError, Sgd, 16>>(),
        without + 2 * 16 * (4 + 3) * 4
    );
}
