//! Activations with learned slopes.

use gradlet::prelude::*;
use gradlet::{Kind, Streaming, flat};
use support::{Random, Rng, flat as parameters};

use crate::check::{any, check, classes};

#[test]
fn slopes_have_the_right_gradient_first_in_the_middle_and_last() {
    check::<PRelu<3, [f64; 3]>, HalfSquaredError>(any);
    check::<PRelu<1, [[[f64; 3]; 2]; 2]>, HalfSquaredError>(any);
    type Net = net![
        f64; 8 x 2 => Conv1d(3, 3) Identity => PRelu => GlobalMean => 4 Identity => PRelu(1) => 3 Softmax
    ];
    check::<Net, CrossEntropy>(classes);
    check::<net![f64; 3 => PRelu(1) => 4 Tanh => PRelu], MeanSquaredError>(any);
    check::<net![f64; 4 x 4 x 2 => PRelu => Conv2d(3, 2 x 2) Identity => PRelu], HalfSquaredError>(
        any,
    );
}

#[test]
fn slopes_are_those_of_negative_inputs_in_their_channel() {
    let layer = PRelu::<2, [[f32; 2]; 3]>::new([0.5, -2.0]);
    let y = layer.forward(&[[-1.0, -1.0], [4.0, 8.0], [-0.5, 3.0]]);
    assert_eq!(y, [[-0.5, 2.0], [4.0, 8.0], [-0.25, 3.0]]);
    let layer = PRelu::<1, [[f32; 2]; 3]>::new([0.25]);
    let y = layer.forward(&[[-1.0, -2.0], [4.0, -8.0], [0.0, f32::INFINITY]]);
    assert_eq!(y, [[-0.25, -0.5], [4.0, -2.0], [0.0, f32::INFINITY]]);
    assert!(PRelu::<2>::ZERO.forward(&[f32::NAN, 1.0])[0].is_nan());
    // As PyTorch before training.
    assert_eq!(PRelu::<2>::ZERO, PRelu::new([0.25; 2]));
}

/// At 0 the derivative by the input is the slope, and by the slope 0.
#[test]
fn at_0_the_slope_decides() {
    type Net = net![f64; 1 => 1 Identity => PRelu];
    let mut net = Net::new(Dense::new([[0.0]], [0.0]), PRelu::new([0.5]));
    let mut trainer = Trainer::<Net, HalfSquaredError, _>::new();
    trainer.step(&mut net, &Sgd { learning_rate: 1.0 }, &[1.0], &[3.0]);
    assert_eq!(parameters(&net), [1.5, 1.5, 0.5]);
}

#[test]
fn slopes_are_kept_frozen_and_told_apart() {
    type Layer3<T> = PRelu<3, [[T; 3]; 2]>;
    let layer = Layer3::<f32>::new([0.5, -1.0, 2.0]);
    let mut frame = [0; flat::frame_bytes::<Layer3<f32>>()];
    flat::write_frame(&layer, &mut frame).unwrap();
    let mut other = Layer3::<f32>::ZERO;
    flat::load_frame(&mut other, &frame).unwrap();
    assert_eq!(other, layer);
    let prints = [
        Layer3::<f32>::FINGERPRINT,
        Layer3::<f64>::FINGERPRINT,
        PRelu::<1, [[f32; 3]; 2]>::FINGERPRINT,
        PRelu::<3, [f32; 3]>::FINGERPRINT,
    ];
    for (i, print) in prints.iter().enumerate() {
        assert!(!prints[..i].contains(print));
    }
    // Initialisers leave them alone, and weight decay of all but biases takes them.
    assert_eq!(Layer3::<f32>::TENSORS.get(0).unwrap().kind, Kind::Other);
    type Net = Chain<Frozen<PRelu<2, [f64; 2]>>, Dense<2, 1, Identity, f64>>;
    let mut net = Net::random(&mut Rng(2));
    let before = net.clone();
    let sgd = Sgd { learning_rate: 0.1 };
    Trainer::<_, HalfSquaredError, _>::new().step(&mut net, &sgd, &[-1.0, -2.0], &[3.0]);
    assert_eq!(net.first(), before.first());
    assert_ne!(net.rest(), before.rest());
}

#[test]
fn slopes_answer_step_by_step() {
    type Net = net![f64; 6 x 2 => Gru(3, all) => PRelu => Conv1d(2, 1) Identity => PRelu(1)];
    let net = Net::random(&mut Rng(3));
    let x: [[f64; 2]; 6] = Rng(4).shape(-1.0, 1.0);
    let mut stream = Streaming::new(&net);
    for (x, y) in x.iter().zip(net.forward(&x)) {
        assert_eq!(stream.step(x), y);
    }
}

#[test]
fn a_source_has_the_slopes() {
    let layer = PRelu::<2>::new([0.5, -0.0]);
    let text: String = layer.to_source().to_string().split_whitespace().collect();
    assert_eq!(text, "PRelu::new([0.5,-0.0],)");
}
