//! Layers over the same input, with an activation and a loss of their own.

use gradlet::Joined;
use gradlet::prelude::*;

use crate::check::{any, check, classes};

/// The first three values sum to 1.
fn three_classes<const N: usize>(target: &mut [f64; N]) {
    let (first, _) = target.split_first_chunk_mut::<3>().unwrap();
    classes(first);
}

type Head<const OUT: usize, A> = Dense<4, OUT, A, f64>;
type Body<Heads> = Chain<Dense<2, 4, Tanh, f64>, Heads>;

#[test]
fn one_loss_over_both_heads_has_the_right_gradient() {
    check::<Parallel<Head<3, Tanh>, Head<2, Sigmoid>, 5>, HalfSquaredError>(any);
    check::<Body<Parallel<Head<3, Softmax>, Head<2, Gelu>, 5>>, MeanSquaredError>(any);
}

#[test]
fn a_loss_for_each_head_has_the_right_gradient() {
    type Heads<A, B> = Body<Parallel<Head<3, A>, Head<2, B>, 5>>;
    check::<Heads<Softmax, Identity>, Split<CrossEntropy, HalfSquaredError>>(three_classes);
    check::<Heads<Softplus, Sigmoid>, Split<MeanSquaredError, BinaryCrossEntropy>>(any);
}

#[test]
fn three_heads_have_the_right_gradient() {
    type Two = Parallel<Head<1, Sigmoid>, Chain<Dense<4, 3, Elu, f64>, Dense<3, 2, Tanh, f64>>, 3>;
    type Net = Body<Parallel<Head<3, Softmax>, Two, 6>>;
    check::<Net, Split<CrossEntropy, Split<BinaryCrossEntropy, HalfSquaredError>>>(three_classes);
}

#[test]
fn joined_features_have_the_right_gradient() {
    type Features = Parallel<Dense<2, 3, Tanh, f64>, Dense<2, 2, Gelu, f64>, 5>;
    type Frost = Parallel<Frozen<Dense<2, 3, Tanh, f64>>, Dense<2, 2, Silu, f64>, 5>;
    type Last = Dense<5, 2, Softmax, f64>;
    check::<Chain<Dense<3, 2, Tanh, f64>, Chain<Frost, Last>>, CrossEntropy>(classes);
    check::<Chain<Dense<3, 2, Tanh, f64>, Chain<Frozen<Features>, Last>>, CrossEntropy>(classes);
    type Kept = Residual<Parallel<Dense<5, 3, Tanh, f64>, Dense<5, 2, Relu, f64>, 5>>;
    check::<Kept, HalfSquaredError>(any);
}

/// At each position one after the other.
#[test]
fn channels_of_sequences_and_images_are_joined() {
    type One<const OUT: usize, A> = Conv1d<4, 2, OUT, 1, 4, A, f64>;
    check::<Parallel<One<3, Softplus>, One<2, Gelu>, 5>, HalfSquaredError>(any);
    check::<Parallel<One<1, Silu>, One<2, Tanh>, 3>, Split<MeanSquaredError, HalfSquaredError>>(
        any,
    );
    type Pixels<const OUT: usize> = Conv2d<3, 2, 2, OUT, 1, 1, 3, 2, Tanh, f64>;
    check::<Parallel<Pixels<1>, Pixels<3>, 4>, HalfSquaredError>(any);

    let net = Parallel::<Conv1d<2, 1, 1, 1, 2, Identity>, Conv1d<2, 1, 2, 1, 2, Relu>, 3>::new(
        Conv1d::new([[[2.0]]], [0.0]),
        Conv1d::new([[[3.0, -1.0]]], [0.0; 2]),
    );
    assert_eq!(net.forward(&[[1.0], [-1.0]]), [[2.0, 3.0, 0.0], [-2.0, 0.0, 1.0]]);
}

#[test]
fn outputs_are_those_of_both_layers() {
    let first = Dense::<2, 2, Softmax>::new([[0.1, -0.2], [0.4, 0.5]], [0.7, 0.0]);
    let second = Dense::<2, 1, Tanh>::new([[0.3], [-0.6]], [0.25]);
    let net = Parallel::<_, _, 3>::new(first.clone(), second.clone());
    let x = [0.5, -1.5];
    let ([a, b], [c]) = (first.forward(&x), second.forward(&x));
    assert_eq!(net.forward(&x), [a, b, c]);
    let mut names = vec![];
    net.visit(|tensor, values| names.push((tensor.name, values.len())));
    assert_eq!(names, [("weight", 4), ("bias", 2), ("weight", 2), ("bias", 1)]);
    assert_eq!(net.clone().into_parts(), (first, second));
    type Net = Parallel<Dense<2, 2, Softmax>, Dense<2, 1, Tanh>, 3>;
    type Other = Parallel<Dense<2, 2, Softmax>, Dense<2, 1, Sigmoid>, 3>;
    assert_ne!(Net::FINGERPRINT, Other::FINGERPRINT);
    let source = net.to_source().to_string();
    assert!(source.starts_with("Parallel::new(\n    Dense::new(\n"), "{source}");
}

/// What each head alone would learn, both learn together.
#[test]
fn heads_learn_as_they_would_alone() {
    type Class = Dense<2, 3, Softmax, f64>;
    type Value = Dense<2, 1, Identity, f64>;
    let (mut class, mut value) = (Class::ZERO, Value::ZERO);
    let mut both = Parallel::<Class, Value, 4>::ZERO;
    let mut one = Trainer::<_, CrossEntropy, Sgd<f64>>::new();
    let mut other = Trainer::<_, HalfSquaredError, Sgd<f64>>::new();
    let mut trainer = Trainer::<_, Split<CrossEntropy, HalfSquaredError>, Sgd<f64>>::new();
    let sgd = Sgd { learning_rate: 0.1 };
    for step in 0..50 {
        let x = [f64::from(step % 7) / 7.0, f64::from(step % 3) / 3.0];
        let t = core::array::from_fn(|i| f64::from(u8::from(step as usize % 3 == i)));
        let y = x[0] - 2.0 * x[1];
        let losses = [one.step(&mut class, &sgd, &x, &t), other.step(&mut value, &sgd, &x, &[y])];
        let loss = trainer.step(&mut both, &sgd, &x, &[t[0], t[1], t[2], y]);
        assert_eq!(loss, losses[0] + losses[1]);
    }
    assert_eq!(both.into_parts(), (class, value));
}

#[test]
fn targets_outside_the_domain_of_either_loss_are_refused() {
    type Net = Parallel<Dense<1, 2, Softmax>, Dense<1, 1, Sigmoid>, 3>;
    type Both = Split<CrossEntropy, BinaryCrossEntropy>;
    type Activations = Joined<[f32; 2], Softmax, Sigmoid>;
    let mut trainer = Trainer::<Net, Both>::new();
    let mut net = Net::ZERO;
    for (target, fits) in [
        ([1.0, 0.0, 1.0], true),
        ([1.0, 1.0, 1.0], false),
        ([1.0, 0.0, 2.0], false),
        ([0.5, 0.5, f32::NAN], false),
    ] {
        let before = net.clone();
        let loss = trainer.step(&mut net, &Sgd { learning_rate: 0.1 }, &[1.0], &target);
        assert_eq!((loss.is_finite(), before != net), (fits, fits), "{target:?}");
        assert_eq!(<Both as Loss<Activations>>::accepts(&target), fits);
    }
}
