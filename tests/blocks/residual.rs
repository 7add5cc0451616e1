//! Residual connections.

use gradlet::prelude::*;
use support::{Random, Rng};

use crate::check::{any, check, classes};

type Block<A> = Residual<Dense<3, 3, A, f64>>;
type Wider<A, B, C = Identity> = Residual<Dense<3, 4, A, f64>, Dense<3, 4, B, f64>, C>;

/// Each activation inside of a residual, at the end and between layers, and behind its sum.
macro_rules! residuals {
    ($($name:ident: $inner:ty, $by:ty, $sum:ty;)+) => { $(
        #[test]
        fn $name() {
            type Inner = Chain<Dense<3, 5, $by, f64>, Dense<5, 3, $inner, f64>>;
            type Deep = Residual<Inner, Skip, $sum>;
            check::<Chain<Deep, Wider<$inner, $by, $sum>>, HalfSquaredError>(any);
        }
    )+ };
}
residuals! {
    residuals_of_tanh_have_the_right_gradient: Tanh, Identity, Identity;
    residuals_of_relu_have_the_right_gradient: Relu, Silu, Tanh;
    residuals_of_softmax_have_the_right_gradient: Softmax, Gelu, Silu;
}

#[test]
fn residuals_within_residuals_and_before_classes_have_the_right_gradient() {
    type Last = Dense<3, 4, Gelu, f64>;
    type Nested = Residual<Chain<Block<Tanh>, Last>, Dense<3, 4, Identity, f64>>;
    check::<Nested, MeanSquaredError>(any);
    type Tail = Chain<Wider<Tanh, Relu>, Dense<4, 2, Softmax, f64>>;
    check::<Chain<Dense<2, 3, Silu, f64>, Tail>, CrossEntropy>(classes);
    check::<Wider<Tanh, Identity, Softmax>, CrossEntropy>(classes);
    // As He, Zhang, Ren and Sun have it.
    type First = net![f64; 3 => 6 Tanh => Residual(6 Relu => 6 Identity) Relu => 2 Identity];
    check::<First, HalfSquaredError>(any);
}

/// Convolutions that keep the length, with a skip and with a projection that shortens it.
#[test]
fn residuals_of_sequences_have_the_right_gradient() {
    type Net = net![
        f64; 6 x 2
        => Residual(Conv1d(3, 3, padding same) Tanh => Conv1d(2, 3, padding same) Silu) Tanh
        => Residual(Conv1d(3, 3, padding same, step 2) Tanh) + (Conv1d(3, 1, step 2) Identity) Gelu
        => Residual(Conv1d(3, 1) Tanh)
    ];
    check::<Net, HalfSquaredError>(any);
}

#[test]
fn frozen_branches_are_passed_but_not_learned() {
    type Inner = Dense<3, 3, Tanh, f64>;
    type Net<L, P> =
        Chain<Dense<2, 3, Tanh, f64>, Chain<Residual<L, P>, Dense<3, 1, Identity, f64>>>;
    check::<Net<Frozen<Inner>, Inner>, HalfSquaredError>(any);
    check::<Net<Inner, Frozen<Inner>>, HalfSquaredError>(any);
    check::<Chain<Frozen<Residual<Inner>>, Dense<3, 2, Tanh, f64>>, HalfSquaredError>(any);
    assert_eq!(Net::<Frozen<Inner>, Inner>::PARAMS, 9 + 12 + 4);
}

#[test]
fn residual_adds_both_branches_and_names_their_tensors_in_order() {
    type Block = Residual<Dense<2, 3, Tanh>, Dense<2, 3, Identity>>;
    let layer = Dense::<2, 3, Tanh>::new([[0.1, -0.2, 0.3], [0.4, 0.5, -0.6]], [0.7, 0.0, -0.1]);
    let projection = Dense::<2, 3, Identity>::new([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [0.5; 3]);
    let block = Block::with_projection(layer.clone(), projection.clone());
    let x = [0.25, -0.75];
    let (a, b) = (layer.forward(&x), projection.forward(&x));
    assert_eq!(block.forward(&x), core::array::from_fn(|i| a[i] + b[i]));
    let mut flat = vec![];
    block.visit(|_, values| flat.extend_from_slice(values));
    assert_eq!((flat.len(), flat[0], flat[9]), (18, 0.1, 1.0));
    assert_eq!((Block::MACS, Block::TENSORS.layers()), (12, 2));
    assert_eq!(block.into_parts(), (layer, projection));
    let fingerprints = [
        Residual::<Dense<2, 2>>::FINGERPRINT,
        Residual::<Dense<2, 2>, Dense<2, 2>>::FINGERPRINT,
        Residual::<Dense<2, 2, Tanh>>::FINGERPRINT,
        Residual::<Dense<2, 2>, Skip, Relu>::FINGERPRINT,
        Residual::<Dense<2, 2>, Skip, Tanh>::FINGERPRINT,
        Residual::<Dense<2, 2>, Dense<2, 2>, Relu>::FINGERPRINT,
        Dense::<2, 2>::FINGERPRINT,
    ];
    assert!((1..7).all(|i| !fingerprints[..i].contains(&fingerprints[i])));
    // That of files and flash from before there was an activation.
    assert_eq!(fingerprints[0], 0xb251_204d);
    // Two numbers for each unit of the layer and of the sum; the skip needs nothing.
    assert_eq!(size_of::<<Residual<Dense<2, 2>> as Layer>::Trace>(), 4 * 2 * (2 + 2));
}

#[test]
fn an_activation_follows_the_sum() {
    type Net = net![2 => Residual(2 Tanh) Relu => Residual(3 Tanh) + (3 Identity) Sigmoid];
    type Same = Chain<
        Residual<Dense<2, 2, Tanh>, Skip, Relu>,
        Residual<Dense<2, 3, Tanh>, Dense<2, 3, Identity>, Sigmoid>,
    >;
    let net: Same = Net::random(&mut Rng(1));
    let x = [1.5, -1.5];
    let inner = net.first().layer().forward(&x);
    let hidden: [f32; 2] = core::array::from_fn(|i| (x[i] + inner[i]).max(0.0));
    assert!(hidden[0] > 0.0 && hidden[1] == 0.0, "{hidden:?}");
    let last = net.rest();
    let (inner, by) = (last.layer().forward(&hidden), last.projection().forward(&hidden));
    let mut want: [f32; 3] = core::array::from_fn(|i| inner[i] + by[i]);
    <Sigmoid as Activation>::activate(&mut want);
    assert_eq!(net.forward(&x), want);
    assert_eq!(format!("{net:?}").matches("activation").count(), 0);
    assert_eq!((net.clone(), Net::default()), (net, Net::ZERO));
}

#[test]
fn residual_is_printed_as_source() {
    let net: Residual<_> = Residual::new(Dense::<1, 1, Identity>::new([[0.5]], [0.25]));
    let text = net.to_source().to_string();
    let want = "Residual::with_projection(\n    Dense::new(\n        [\n            [0.5],\n        ],\n        \
                [0.25],\n    ),\n    Skip,\n)";
    assert_eq!(text, want);
}

#[test]
fn training_refuses_what_is_not_finite_in_either_branch() {
    type Net = Chain<Residual<Dense<2, 2, Tanh>, Dense<2, 2, Identity>>, Dense<2, 1, Sigmoid>>;
    let mut trainer = Trainer::<Net, BinaryCrossEntropy>::new();
    let sgd = Sgd { learning_rate: 0.1 };
    for value in [f32::NAN, f32::INFINITY] {
        let mut net = Net::ZERO;
        assert!(!trainer.step(&mut net, &sgd, &[value, 0.0], &[1.0]).is_finite());
        assert_eq!(net, Net::ZERO);
    }
    let mut net = Net::ZERO;
    net.first_mut().projection_mut().bias_mut()[1] = f32::NAN;
    assert!(trainer.step(&mut net, &sgd, &[0.0, 0.0], &[1.0]).is_nan());
}
