//! The shapes of two networks of `MLPerf` Tiny, with random weights, against `PyTorch` in `f32`.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss,
    reason = "tests may panic"
)]

use gradlet::preprocess::one_hot;
use gradlet::{Hidden, Shape, Takes, prelude::*};
use support::{Json, tolerance};

#[allow(unreachable_pub, clippy::doc_markdown, reason = "for the firmware it is a library")]
#[path = "../../examples/firmware/devices/src/mlperf.rs"]
pub(super) mod networks;

use networks::{Images, Keywords, Numbers};

/// As it is trained: batch normalisation behind the convolutions, but for those of projections.
type NormalisedImages = net![
    32 x 32 x 3 => Conv2d(16, 3 x 3, padding same) Identity => BatchNorm(1 / 1000) Relu
    => Residual(
        Conv2d(16, 3 x 3, padding same) Identity => BatchNorm(1 / 1000) Relu
        => Conv2d(16, 3 x 3, padding same) Identity => BatchNorm(1 / 1000) Identity
    ) Relu
    => Residual(
        Conv2d(32, 3 x 3, step 2, padding same) Identity => BatchNorm(1 / 1000) Relu
        => Conv2d(32, 3 x 3, padding same) Identity => BatchNorm(1 / 1000) Identity
    ) + (Conv2d(32, 1 x 1, step 2) Identity) Relu
    => Residual(
        Conv2d(64, 3 x 3, step 2, padding same) Identity => BatchNorm(1 / 1000) Relu
        => Conv2d(64, 3 x 3, padding same) Identity => BatchNorm(1 / 1000) Identity
    ) + (Conv2d(64, 1 x 1, step 2) Identity) Relu
    => GlobalMean => 10 Softmax
];

/// Runs with a stack for networks of a megabyte.
fn with_large_stack(run: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(64 << 20).spawn(run).unwrap().join().unwrap();
}

/// The mean of each channel.
fn means<X: Shape<Element = f32>>(x: &X, channels: usize) -> Vec<f32> {
    let positions = x.as_slice().chunks_exact(channels);
    let count = positions.len() as f32;
    (0..channels).map(|c| positions.clone().map(|at| at[c]).sum::<f32>() / count).collect()
}

#[track_caller]
fn assert_near(what: &str, got: &[f32], want: &[f64]) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (i, (&got, want)) in got.iter().zip(want).enumerate() {
        let error = (f64::from(got) - want).abs();
        assert!(error <= tolerance::PYTORCH_F32, "{what} [{i}]: got {got}, want {want}");
    }
}

/// Compares a network of two layers and others with the numbers of that name.
fn check<First, Second, Rest>(mut net: Chain<First, Chain<Second, Rest>>, name: &str)
where
    First: Layer<Format = f32, Activation: Hidden>,
    Second: Takes<First::Output> + Layer<Activation: Hidden>,
    Rest: Takes<Second::Output>,
{
    let golden = Json::file("mlperf").at(name);
    let mut numbers = Numbers(golden.at("seed").count().try_into().unwrap());
    numbers.fill_net(&mut net);
    let mut count = 0;
    net.visit(|_, values| count += values.len());
    assert_eq!(count, golden.at("parameters").count());
    let cases = golden.at("cases").list();
    assert_eq!(cases.len(), 2);
    for case in cases {
        let same = |what: &str, got: &[f32]| {
            assert_near(&format!("{name}: {what}"), got, &case.at(what).numbers());
        };
        let channels = |what: &str| case.at(what).list().len();
        let mut x = First::Input::ZERO;
        numbers.fill_input(&mut x);
        let first = net.first().forward(&x);
        let second = net.rest().first().forward(&first);
        same("first", &means(&first, channels("first")));
        same("second", &means(&second, channels("second")));
        let mut logits = Rest::Output::ZERO;
        net.logits(&x, &mut logits);
        same("logits", logits.as_slice());
        same("outputs", net.forward(&x).as_slice());
    }
}

#[test]
fn keyword_spotting_matches_golden() {
    with_large_stack(|| check(Keywords::ZERO, "keywords"));
}

#[test]
fn image_classification_matches_golden() {
    with_large_stack(|| check(Images::ZERO, "images"));
}

#[test]
fn image_classification_with_batch_normalisation_matches_golden() {
    with_large_stack(|| check(NormalisedImages::ZERO, "normalised_images"));
    // As Keras counts them; means and variances are not trained.
    let trainable = NormalisedImages::TENSORS.trainable();
    assert_eq!((NormalisedImages::PARAMS, trainable), (78_666, 78_186));
}

/// The outputs of networks that are filled with these numbers, for an input that follows: what the
/// firmware `mlperf` prints.
#[test]
fn outputs_are_those_of_the_firmware() {
    fn outputs<N: Layer<Format = f32> + Zero>() -> String {
        let (mut net, mut x, mut numbers) = (N::ZERO, N::Input::ZERO, Numbers(1));
        numbers.fill_net(&mut net);
        numbers.fill_input(&mut x);
        let outputs: Vec<_> = net.forward(&x).as_slice().iter().map(f32::to_string).collect();
        format!("[{}]", outputs.join(", "))
    }
    with_large_stack(|| {
        let page = include_str!("../../examples/firmware/README.md");
        for line in [outputs::<Keywords>(), outputs::<Images>()] {
            assert!(page.contains(&line), "not in the page: {line}");
        }
    });
}

/// The loss falls in each of ten steps on one input.
fn learns<N, const OUT: usize>()
where
    N: Layer<Format = f32, Output = [f32; OUT], Activation = Softmax> + Zero,
{
    let (mut net, mut x, mut numbers) = (N::ZERO, N::Input::ZERO, Numbers(4));
    numbers.fill_net(&mut net);
    numbers.fill_input(&mut x);
    let t = one_hot(7).unwrap();
    let mut trainer = Trainer::<N, CrossEntropy>::new();
    let mut last = f32::INFINITY;
    for _ in 0..10 {
        let loss = trainer.step(&mut net, &Sgd { learning_rate: 0.001 }, &x, &t);
        assert!(loss < last, "{loss} after {last}");
        last = loss;
    }
}

#[test]
fn keyword_spotting_learns() {
    with_large_stack(learns::<Keywords, 12>);
}

#[test]
fn image_classification_learns() {
    with_large_stack(learns::<Images, 10>);
}
