//! Recurrent layers whose state is not 0 at first.

use gradlet::prelude::*;
use gradlet::{Shape, Streaming};
use support::{Random, Rng, flat};

use crate::check::{any, check, classes, random};

#[test]
fn learned_states_have_the_right_gradient() {
    check::<net![f64; 6 x 2 => Lstm(3, all, learned state, reversed)], HalfSquaredError>(any);
    check::<net![f64; 1 x 1 => Gru(1, learned state)], HalfSquaredError>(any);
    check::<net![f64; 1 x 2 => Lstm(3, learned state)], HalfSquaredError>(any);
    check::<net![f64; 6 x 2 => Gru(3, learned state, masked)], HalfSquaredError>(any);
    type Both = net![
        f64; 7 x 2 => Gru(3, bidirectional, learned state, all) => Lstm(2, all, learned state)
        => Rnn(5, learned state) => 3 Softmax
    ];
    check::<Both, CrossEntropy>(classes);
}

/// As that of the window alone, whose first state is given.
#[test]
fn stateful_layers_have_the_right_gradient() {
    check::<net![f64; 6 x 2 => Gru(5, all, stateful)], HalfSquaredError>(any);
    check::<net![f64; 5 x 3 => Lstm(4, stateful 2)], HalfSquaredError>(any);
    check::<net![f64; 1 x 2 => Gru(3, stateful)], HalfSquaredError>(any);
    type Stack = net![f64; 7 x 2 => Gru(3, all, stateful) => Lstm(2, stateful) => 3 Softmax];
    check::<Stack, CrossEntropy>(classes);
}

const STEPS: usize = 12;

/// The outputs of a network for windows of `L` steps that begin `every` steps after each other, from
/// training steps that change nothing.
fn of_windows<N, Y, const L: usize, const C: usize>(net: &mut N, every: usize) -> Vec<Y>
where
    N: Layer<Format = f64, Input = [[f64; C]; L], Output = Y>,
    HalfSquaredError: Loss<N::Activation, f64>,
    Y: Clone + Shape<Element = f64>,
{
    let sequence: [[f64; C]; STEPS] = random(&mut Rng(7), -1.0, 1.0);
    let mut trainer = Trainer::<N, HalfSquaredError, Sgd<f64>>::new();
    let sgd = Sgd { learning_rate: 1e-300 };
    let mut outputs = vec![];
    for window in sequence.windows(L).step_by(every) {
        let x = window.try_into().unwrap();
        trainer.step(net, &sgd, x, &Y::ZERO);
        outputs.push(trainer.output().clone());
        trainer.carry(net);
    }
    outputs
}

/// States of the whole sequence, with `$whole`, and of its windows.
macro_rules! same_as_whole {
    ($($cell:ident)+) => { $({
        type Whole = net![f64; 12 x 2 => $cell(3, all)];
        let states = Whole::random(&mut Rng(4)).forward(&random(&mut Rng(7), -1.0, 1.0));

        type Window = net![f64; 4 x 2 => $cell(3, all, stateful)];
        let mut net = Window::random(&mut Rng(4));
        net.initial_state_mut().fill([0.0; 3]);
        assert_eq!(of_windows(&mut net, 4).concat(), states);

        // The last states of windows of 4 that begin at steps 0, 2, 4, ..
        type Overlapping = net![f64; 4 x 2 => $cell(3, stateful 2)];
        let mut net = Overlapping::random(&mut Rng(4));
        net.initial_state_mut().fill([0.0; 3]);
        assert_eq!(of_windows(&mut net, 2), [states[3], states[5], states[7], states[9], states[11]]);
    })+ };
}

#[test]
fn windows_go_on_where_the_ones_before_ended() {
    same_as_whole!(Rnn Gru Lstm);
}

/// Also in layers around layers, and in one that is not trained.
#[test]
fn all_layers_of_a_network_go_on() {
    type Whole = net![
        f64; 12 x 2 => Residual(Gru(2, all)) => Parallel((Gru(3)), (Rnn(2, all) => Lstm(2)))
    ];
    type Window = net![
        f64; 3 x 2 => Residual(Gru(2, all, stateful))
        => Parallel((Gru(3, stateful)), (Rnn(2, all, stateful) => Lstm(2, stateful)))
    ];
    let whole = Whole::random(&mut Rng(4));
    let last = whole.forward(&random(&mut Rng(7), -1.0, 1.0));

    let mut net = Window::ZERO;
    let mut values = flat(&whole).into_iter();
    net.visit_mut(|_, all| all.iter_mut().for_each(|to| *to = values.next().unwrap()));
    let mut frozen = Frozen::new(net.clone());
    assert_eq!(of_windows(&mut net, 3).last(), Some(&last));
    assert_eq!(of_windows(&mut frozen, 3).last(), Some(&last));
}

#[test]
fn states_that_are_not_finite_are_not_taken_over() {
    type Net = net![2 x 1 => Lstm(3, stateful)];
    let mut net = Net::ZERO.with_initial_state([[0.5; 3]; 2]);
    let mut trainer = Trainer::<Net, HalfSquaredError>::new();
    assert!(trainer.evaluate(&net, &[[1.0], [f32::NAN]], &[0.0; 3]).is_nan());
    trainer.carry(&mut net);
    assert_eq!(net.initial_state(), &[[0.5; 3]; 2]);
    trainer.evaluate(&net, &[[1.0], [1.0]], &[0.0; 3]);
    trainer.carry(&mut net);
    assert_ne!(net.initial_state(), &[[0.5; 3]; 2]);
}

#[test]
fn streams_begin_with_the_initial_state() {
    type Net = net![f64; 6 x 2 => Gru(3, all, learned state) => Lstm(4, all, stateful)];
    let net = Net::random(&mut Rng(5));
    let x: [[f64; 2]; 6] = random(&mut Rng(6), -1.0, 1.0);
    let mut stream = Streaming::new(&net);
    assert_eq!(x.map(|step| stream.step(&step)), net.forward(&x));
    stream.reset();
    assert_eq!(x.map(|step| stream.step(&step)), net.forward(&x));
}

/// Until there is something else, zeros are left out.
#[test]
fn streams_of_masked_layers_begin_behind_zeros() {
    type Net = net![f64; 6 x 2 => Gru(3, all, masked) => Lstm(4, all, masked, learned state)];
    let net = Net::random(&mut Rng(5));
    let mut x: [[f64; 2]; 6] = random(&mut Rng(6), -1.0, 1.0);
    for place in [0, 1, 4] {
        x[place] = [0.0; 2];
    }
    let mut stream = Streaming::new(&net);
    let answers = x.map(|step| stream.step(&step));
    assert_eq!(answers, net.forward(&x));
    assert_eq!(answers[..2], [[0.0; 4]; 2]);
    assert_ne!(answers[4], [0.0; 4]);
}

/// The state is no parameter.
#[test]
fn steps_leave_a_kept_state_as_it_is() {
    type Net = net![f64; 3 x 2 => Gru(3, stateful) => 2 Softmax];
    let mut net = Net::random(&mut Rng(8));
    let before = (*net.first().initial_state(), flat(&net));
    let mut trainer = Trainer::<Net, CrossEntropy, Adam<f64>>::new();
    trainer.step(&mut net, &Adam::new(0.1), &[[1.0, -1.0]; 3], &[1.0, 0.0]);
    assert_eq!(net.first().initial_state(), &before.0);
    assert_ne!(flat(&net), before.1);
    assert_eq!(Net::PARAMS, <net![f64; 3 x 2 => Gru(3) => 2 Softmax]>::PARAMS);
}
