//! Only the biases are trained.

use gradlet::flat::{load_frame, to_frame};
use gradlet::{BiasOnly, Biased, Kind, Recompute, prelude::*};
use support::{Random, Rng, flat_gradient};

use crate::check::{any, check, classes, random};

type Filters = Conv1d<8, 2, 4, 3, 8, Tanh, f64, 1, 1>;
type Body = net![
    f64; 8 x 2 => Conv1d(4, 3, padding same) Tanh => MaxPool(2) => Conv1d(6, 3, groups 2) Gelu
    => GlobalMean
];
type Image = net![
    f64; 4 x 6 x 2 => Conv2d(4, 3 x 3, padding same) Relu => Depthwise(2 x 2, step 2) Silu => Flatten
    => 3 Tanh
];

#[test]
fn biases_have_the_right_gradient() {
    check::<BiasOnly<Dense<3, 2, Softmax, f64>>, CrossEntropy>(classes);
    check::<BiasOnly<Filters>, HalfSquaredError>(any);
    check::<BiasOnly<Conv2d<3, 3, 2, 4, 2, 2, 2, 2, Silu, f64>>, MeanSquaredError>(any);
    check::<BiasOnly<Image>, HalfSquaredError>(any);
    check::<Chain<BiasOnly<Body>, Dense<6, 2, Softmax, f64>>, CrossEntropy>(classes);
}

#[test]
fn derivatives_pass_through_to_layers_before() {
    type Net<L> = Chain<Dense<3, 3, Tanh, f64>, Chain<L, Dense<3, 2, Softmax, f64>>>;
    type Middle = Chain<Dense<3, 4, Relu, f64>, Dense<4, 3, Tanh, f64>>;
    check::<Net<BiasOnly<Middle>>, CrossEntropy>(classes);
    check::<
        Net<BiasOnly<Chain<Frozen<Dense<3, 4, Elu, f64>>, Dense<4, 3, Tanh, f64>>>>,
        CrossEntropy,
    >(classes);
    check::<Net<Recompute<BiasOnly<Middle>>>, CrossEntropy>(classes);
}

/// The biases of a gradient of the whole network.
fn bias_gradient<N: Layer<Format = f64>>(gradient: &N::Gradient) -> Vec<f64> {
    let mut biases = vec![];
    N::walk([], [], [gradient], [], &mut |kind, [], [], [values], []| {
        if kind == Kind::Bias {
            biases.extend_from_slice(values);
        }
    });
    biases
}

/// Compares the gradient with that of the whole network, in bits.
fn same_as_whole<N>()
where
    N: Biased + Layer<Format = f64> + Random + Clone,
    HalfSquaredError: Loss<N::Activation, f64>,
{
    let mut rng = Rng(5);
    let whole = N::random(&mut rng);
    let only = BiasOnly::new(whole.clone());
    let samples: [_; 6] = core::array::from_fn(|_| {
        (random::<N::Input>(&mut rng, -1.0, 1.0), random::<N::Output>(&mut rng, 0.0, 1.0))
    });
    let mut a = BatchTrainer::<N, HalfSquaredError, Sgd<f64>, 4>::new();
    let mut b = BatchTrainer::<BiasOnly<N>, HalfSquaredError, Sgd<f64>, 4>::new();
    let mut c = BatchTrainer::<BiasOnly<N>, HalfSquaredError, Sgd<f64>>::new();
    let losses = a.accumulate_all(&whole, &samples);
    assert_eq!(losses, b.accumulate_all(&only, &samples));
    assert_eq!(losses, c.accumulate_all(&only, &samples));
    let want = bias_gradient::<N>(a.gradient());
    assert!(want.iter().any(|&g| g != 0.0));
    assert_eq!(flat_gradient::<BiasOnly<N>>(b.gradient()), want);
    assert_eq!(flat_gradient::<BiasOnly<N>>(c.gradient()), want);
    let (x, _) = &samples[0];
    assert_eq!(only.forward(x).as_ref_bits(), whole.forward(x).as_ref_bits());
}

/// The numbers of an output.
trait Bits {
    fn as_ref_bits(&self) -> Vec<u64>;
}

impl<Y: gradlet::Shape<Element = f64>> Bits for Y {
    fn as_ref_bits(&self) -> Vec<u64> {
        self.as_slice().iter().map(|y| y.to_bits()).collect()
    }
}

#[test]
fn gradients_are_those_of_the_biases_of_the_whole_network() {
    same_as_whole::<Dense<3, 5, Gelu, f64>>();
    same_as_whole::<Filters>();
    same_as_whole::<Body>();
    same_as_whole::<Image>();
}

/// Weights in flash: a step moves the copies of the biases alone.
#[test]
fn borrowed_layers_keep_their_weights_and_biases() {
    static BODY: Mlp<2, 3, 2, Tanh, Tanh> = Chain::new(
        Dense::new([[0.5, -0.25, 1.0], [0.75, 0.5, -1.0]], [0.1, 0.2, 0.3]),
        Dense::new([[0.5, -0.5], [1.0, 0.25], [-0.75, 0.5]], [0.0, -0.1]),
    );
    type Body = Mlp<2, 3, 2, Tanh, Tanh>;
    type Net<L> = Chain<BiasOnly<L>, Dense<2, 1, Identity>>;
    let head = Dense::new([[1.0], [-1.0]], [0.0]);
    let mut borrowed = Net::<&'static Body>::new(BiasOnly::new(&BODY), head.clone());
    let mut owned = Net::<Body>::new(BiasOnly::new(BODY.clone()), head);
    let mut trainers =
        (Trainer::<_, HalfSquaredError>::new(), Trainer::<_, HalfSquaredError>::new());
    for step in 0..50 {
        let x = [(step % 5) as f32 / 5.0, (step % 3) as f32 / 3.0];
        let sgd = Sgd::new(0.1);
        let losses = (
            trainers.0.step(&mut borrowed, &sgd, &x, &[x[0]]),
            trainers.1.step(&mut owned, &sgd, &x, &[x[0]]),
        );
        assert_eq!(losses.0.to_bits(), losses.1.to_bits());
    }
    assert_eq!(borrowed.first().biases(), owned.first().biases());
    assert_ne!(borrowed.first().biases().first(), BODY.first().bias());
    let body = owned.into_parts().0.into_inner();
    assert_eq!(body.first().weights(), BODY.first().weights());
    assert_eq!(body.rest().bias(), borrowed.first().biases().rest());
    // A pointer, 5 biases, and a head of 3 parameters.
    assert!(size_of_val(&borrowed) <= size_of::<&Body>() + 4 * (5 + 3) + 8);
}

#[test]
fn frames_and_sizes_are_of_the_biases_alone() {
    type Net = BiasOnly<Body>;
    assert_eq!((Net::PARAMS, Net::TENSORS.layers()), (10, 2));
    assert_eq!(size_of::<<Net as Layer>::Gradient>(), 8 * 10);
    assert_eq!(size_of::<<Adam<f64> as Optimizer<Net>>::State>(), 2 * 8 * 10 + 2 * 8);
    assert_ne!(Net::FINGERPRINT, Body::FINGERPRINT);
    let mut names = vec![];
    let mut rng = Rng(1);
    let net = Net::random(&mut rng);
    net.visit(|tensor, values| names.push((tensor.kind, tensor.name, values.len())));
    assert_eq!(names, [(Kind::Bias, "bias", 4), (Kind::Bias, "bias", 6)]);

    let frame: [u8; gradlet::flat::frame_bytes::<Net>()] = to_frame(&net).unwrap();
    let mut other = net.clone();
    other.visit_mut(|_, values| values.fill(0.0));
    assert_ne!(other, net);
    load_frame(&mut other, &frame).unwrap();
    assert_eq!(other, net);
    let mut whole = Body::random(&mut rng);
    assert!(load_frame(&mut whole, &frame).is_err());
}
