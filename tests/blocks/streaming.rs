//! Streaming inference: the bits of the whole window.

use gradlet::prelude::*;
use gradlet::{Shape, Streaming, Streams};
use support::{Random, Rng};

use crate::check::{any, check, classes, random};

type Sequence<const C: usize, const L: usize, T = f64> = [[T; C]; L];

/// A sequence of random numbers.
fn sequence<const C: usize, const L: usize>(rng: &mut Rng) -> Sequence<C, L> {
    let mut x = random::<Sequence<C, L>>(rng, -1.0, 1.0);
    // Values whose sign a sum with zeros would lose.
    x.as_flattened_mut().iter_mut().step_by(7).for_each(|x| *x = -0.0);
    x
}

/// The bits of numbers.
fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Compares a stream with the whole window, in `f64`: answers are the outputs at each step.
fn same_as_window<N, const C: usize, const OUT: usize, const L: usize>()
where
    N: Layer<Format = f64, Input = Sequence<C, L>, Output = Sequence<OUT, L>> + Random,
    N: Streams<Step = [f64; C], Answer = [f64; OUT]>,
{
    for seed in 0..5 {
        let mut rng = Rng(seed);
        let net = N::random(&mut rng);
        let x = sequence::<C, L>(&mut rng);
        let want = net.forward(&x);
        let mut stream = Streaming::new(&net);
        for (step, (x, want)) in x.iter().zip(&want).enumerate() {
            let answer = stream.step(x);
            assert_eq!(bits(&answer), bits(want), "{} {step}", core::any::type_name::<N>());
        }
        assert!(want.as_flattened().iter().any(|&y| y != 0.0));
    }
}

#[test]
fn streams_have_the_bits_of_the_window() {
    same_as_window::<net![f64; 12 x 1 => Conv1d(1, 1, padding causal) Identity], 1, 1, 12>();
    same_as_window::<net![f64; 12 x 3 => Conv1d(5, 4, padding causal) Tanh], 3, 5, 12>();
    same_as_window::<net![f64; 9 x 2 => Conv1d(4, 3, padding causal, dilation 3) Gelu], 2, 4, 9>();
    // A window that never sees its first tap.
    same_as_window::<net![f64; 4 x 2 => Conv1d(3, 3, padding causal, dilation 2) Silu], 2, 3, 4>();
    same_as_window::<
        net![f64; 20 x 4 => Conv1d(6, 3, padding causal, groups 2, dilation 2) Identity],
        4,
        6,
        20,
    >();
    same_as_window::<net![f64; 20 x 9 => Depthwise(5, padding causal) Relu], 9, 9, 20>();
    same_as_window::<
        net![
            f64; 32 x 3 => Conv1d(16, 3, padding causal) Relu
            => Depthwise(3, padding causal, dilation 2) Tanh
            => Conv1d(18, 2, padding causal, dilation 4) Sigmoid
        ],
        3,
        18,
        32,
    >();
}

#[test]
fn recurrent_layers_have_the_bits_of_the_sequence() {
    same_as_window::<net![f64; 11 x 3 => Rnn(5, all)], 3, 5, 11>();
    same_as_window::<net![f64; 11 x 3 => Gru(5, all)], 3, 5, 11>();
    same_as_window::<net![f64; 13 x 2 => Lstm(6, all)], 2, 6, 13>();
    same_as_window::<
        net![f64; 14 x 2 => Conv1d(4, 3, padding causal) Relu => Gru(4, all) => Lstm(3, all)],
        2,
        3,
        14,
    >();
}

#[test]
fn states_of_recurrent_layers_are_small() {
    const fn state<N: Streams>() -> usize {
        Streaming::<N>::STATE_BYTES
    }
    assert_eq!(state::<Rnn<32, 3, 16>>(), 64);
    assert_eq!(state::<Gru<32, 3, 16, 48>>(), 64);
    assert_eq!(state::<Lstm<32, 3, 16, 64>>(), 128);
}

#[test]
fn residual_blocks_and_norms_have_the_bits_of_the_window() {
    type Causal<const IN: usize, const OUT: usize> = Conv1d<16, IN, OUT, 3, 16, Relu, f64, 1, 4, 2>;
    type Block = Residual<Chain<Causal<3, 5>, Causal<5, 3>>, Skip, Tanh>;
    type Wider = Residual<Causal<3, 4>, Conv1d<16, 3, 4, 1, 16, Identity, f64>, Gelu>;
    type Norm = BatchNorm<4, Tanh, Sequence<4, 16>>;
    type PerStep = LayerNorm<4, Identity, Sequence<4, 16>>;
    type Drop = Dropout<Sequence<4, 16>>;
    same_as_window::<Block, 3, 3, 16>();
    same_as_window::<Wider, 3, 4, 16>();
    same_as_window::<Chain<Block, Chain<Wider, Chain<Norm, Chain<PerStep, Drop>>>>, 3, 4, 16>();
    same_as_window::<Chain<Frozen<Block>, Wider>, 3, 4, 16>();
    assert_eq!(Block::PAST, 8);
    assert_eq!(Chain::<Block, Wider>::PAST, 12);
}

#[test]
fn streams_of_f32_have_the_bits_of_the_window() {
    type Net = net![
        24 x 2 => Conv1d(8, 3, padding causal) Relu => Conv1d(5, 4, padding causal, dilation 2) Tanh
    ];
    let mut net = Net::ZERO;
    let mut rng = Rng(3);
    let mut number = || f32::from_f64(rng.range(-1.0, 1.0));
    net.visit_mut(|_, values| values.fill_with(&mut number));
    let x: [[f32; 2]; 24] = core::array::from_fn(|_| [number(), number()]);
    let want = net.forward(&x);
    let mut stream = Streaming::new(net);
    for (x, want) in x.iter().zip(&want) {
        assert_eq!(stream.step(x).map(f32::to_bits), want.map(f32::to_bits));
    }
    assert_eq!(stream.net().forward(&x), want);
    assert_eq!(stream.into_net().forward(&x), want);
}

type Net = net![
    f64; 16 x 2 => Conv1d(4, 3, padding causal) Relu
    => Conv1d(3, 3, padding causal, dilation 4) Tanh => LastStep => 5 Relu => 3 Softmax
];

/// What one trains on windows answers each step of a longer stream.
#[test]
fn each_answer_is_that_of_the_window_which_ends_there() {
    const { assert!(Net::PAST == 10) };
    let mut rng = Rng(1);
    let net = Net::random(&mut rng);
    let x = sequence::<2, 100>(&mut rng);
    let mut stream = Streaming::new(&net);
    for (step, now) in x.iter().enumerate() {
        let answer = stream.step(now);
        if let Some(window) = x[..=step].last_chunk::<16>() {
            assert_eq!(bits(&answer), bits(&net.forward(window)), "{step}");
        }
    }
}

#[test]
fn state_is_kept_copied_and_reset() {
    let mut rng = Rng(2);
    let net = Net::random(&mut rng);
    let x = sequence::<2, 60>(&mut rng);
    let mut stream = Streaming::new(&net);
    let mut other = stream.clone();
    let want = x.each_ref().map(|x| stream.step(x));
    assert_ne!(stream.step(&x[0]), want[0]);
    stream.reset();
    assert_eq!(x.each_ref().map(|x| stream.step(x)), want);
    // Not touched by the others; copied at each step.
    for (x, want) in x.iter().zip(&want) {
        let state = other.state().clone();
        other.step(&[9.0, -9.0]);
        *other.state_mut() = state;
        assert_eq!(other.step(x), *want);
    }
    assert_eq!(other.state().first(), stream.state().first());
    assert_eq!((stream.state().first().len(), stream.state().rest().first().len()), (2, 8));
}

#[test]
fn states_have_the_size_that_is_documented() {
    let position = size_of::<usize>();
    assert_eq!(Streaming::<Net>::STATE_BYTES, 8 * (2 * 2 + 8 * 4) + 2 * position);
    type Single = net![f64; 16 x 2 => Conv1d(4, 1, padding causal) Relu];
    assert_eq!(Streaming::<&Single>::STATE_BYTES, position);
    assert_eq!(Streaming::<Dense<3, 2>>::STATE_BYTES, 0);
    assert_eq!(size_of_val(&Streaming::<Net>::ZERO), Net::BYTES + Streaming::<Net>::STATE_BYTES);
}

/// A stream of NaN is NaN until the past has left the state.
#[test]
fn values_that_are_not_finite_leave_with_their_step() {
    type Sum = net![8 x 1 => Conv1d(1, 3, padding causal) Identity];
    let mut stream = Streaming::new(Sum::new([[[1.0]]; 3], [0.0]));
    let answers = [1.0, f32::NAN, 2.0, 3.0, 4.0].map(|x| stream.step(&[x])[0]);
    assert_eq!(answers.map(f32::is_nan), [false, true, true, true, false]);
    // Nothing is multiplied by what was not there.
    let mut stream = Streaming::new(Sum::new([[[f32::INFINITY]], [[1.0]], [[1.0]]], [0.0]));
    assert_eq!([1.0, 2.0, 3.0].map(|x| stream.step(&[x])[0]), [1.0, 3.0, f32::INFINITY]);
}

#[test]
fn last_step_has_the_right_gradient() {
    check::<Net, CrossEntropy>(classes);
    check::<LastStep<[[f64; 3]; 4]>, HalfSquaredError>(any);
    check::<Chain<Dropout<Sequence<3, 4>>, LastStep<Sequence<3, 4>>>, HalfSquaredError>(any);
    type Layer1 = LastStep<[[f32; 1]; 3]>;
    assert_ne!(Layer1::FINGERPRINT, LastStep::<[[f32; 1]; 2]>::FINGERPRINT);
    assert_eq!(Layer1::new().to_source().to_string(), "LastStep::new()");
    assert_eq!(<[[f32; 1]; 3] as Shape>::LEN, 3);
    // An infinite step is reported, also if it is not the last.
    let mut trainer = Trainer::<Chain<Layer1, Dense<1, 1, Identity>>, HalfSquaredError>::new();
    let mut net = Zero::ZERO;
    let loss = trainer.step(&mut net, &Sgd::new(0.1), &[[f32::INFINITY], [0.0], [0.0]], &[1.0]);
    assert!(!loss.is_finite());
}
