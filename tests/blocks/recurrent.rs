//! Recurrent layers.

use gradlet::prelude::*;
use gradlet::{GradientVisitor, GruCell, Kind, LstmCell, Recurrent, RnnCell, Samples, pad_front};
use proptest::num::u64::ANY;
use proptest::prelude::*;
use support::{Random, Rng, flat, flat_gradient};

use crate::check::{any, check, classes, compare_sample, random};

#[test]
fn recurrent_layers_have_the_right_gradient() {
    check::<net![f64; 5 x 3 => Rnn(4, all) Softplus], HalfSquaredError>(any);
    check::<net![f64; 6 x 2 => Gru(5, all)], HalfSquaredError>(any);
    check::<net![f64; 6 x 2 => Lstm(5, all)], HalfSquaredError>(any);
    // One step, one channel, one unit.
    check::<net![f64; 1 x 1 => Gru(1)], HalfSquaredError>(any);
    check::<net![f64; 1 x 1 => Lstm(1, all)], HalfSquaredError>(any);
    check::<net![f64; 1 x 1 => Rnn(1)], HalfSquaredError>(any);
}

#[test]
fn recurrent_layers_have_the_right_gradient_first_in_the_middle_and_last() {
    type Classes = net![f64; 7 x 2 => Gru(4, all) => Lstm(3, all) => Rnn(4) => 3 Softmax];
    check::<Classes, CrossEntropy>(classes);
    check::<net![f64; 6 x 2 => Gru(3, all) => Conv1d(2, 2) Identity], HalfSquaredError>(any);
}

#[test]
fn reversed_layers_have_the_right_gradient() {
    check::<net![f64; 6 x 2 => Gru(4, reversed, all)], HalfSquaredError>(any);
    check::<net![f64; 6 x 2 => Lstm(3, all, reversed)], HalfSquaredError>(any);
    check::<net![f64; 1 x 1 => Lstm(1, reversed)], HalfSquaredError>(any);
    type Both =
        net![f64; 7 x 2 => Gru(3, bidirectional, all) => Lstm(2, bidirectional) => 3 Softmax];
    check::<Both, CrossEntropy>(classes);
}

/// As a layer over the sequence the other way round.
#[test]
fn reversed_layers_begin_at_the_end() {
    fn check<N, R, const L: usize>()
    where
        N: Layer<Format = f64, Input = [[f64; 2]; L], Output = [[f64; 3]; L]> + Random,
        R: Layer<Format = f64, Input = N::Input, Output = N::Output> + Random,
    {
        let (net, reversed) = (N::random(&mut Rng(4)), R::random(&mut Rng(4)));
        assert_eq!(flat(&net), flat(&reversed));
        let mut x = random(&mut Rng(5), -1.0, 1.0);
        let mut states = net.forward(&x);
        x.reverse();
        states.reverse();
        assert_eq!(states, reversed.forward(&x));
    }
    check::<net![f64; 7 x 2 => Rnn(3, all)], net![f64; 7 x 2 => Rnn(3, all, reversed)], 7>();
    check::<net![f64; 8 x 2 => Gru(3, all)], net![f64; 8 x 2 => Gru(3, all, reversed)], 8>();
    check::<net![f64; 1 x 2 => Lstm(3, all)], net![f64; 1 x 2 => Lstm(3, all, reversed)], 1>();
}

/// Of sequences that begin with zeros: as the shorter sequence in a shorter array.
#[test]
fn masked_layers_leave_zeros_out() {
    fn check<N, S>()
    where
        N: Layer<Format = f64, Input = [[f64; 2]; 9], Output = [f64; 2]> + Random + Clone,
        S: Layer<Format = f64, Input = [[f64; 2]; 5], Output = [f64; 2]> + Random + Clone,
        N: Layer<Activation = Softmax>,
        S: Layer<Activation = Softmax>,
    {
        let (mut net, mut short) = (N::random(&mut Rng(6)), S::random(&mut Rng(6)));
        let mut trainer = Trainer::<N, CrossEntropy, Sgd<f64>>::new();
        let mut batch = BatchTrainer::<N, CrossEntropy, Sgd<f64>, 3>::new();
        let mut of_short = Trainer::<S, CrossEntropy, Sgd<f64>>::new();
        let sgd = Sgd { learning_rate: 0.1 };
        let whole = random(&mut Rng(7), -1.0, 1.0);
        let mut steps: [[f64; 2]; 5] = random(&mut Rng(8), -1.0, 1.0);
        // Zeros behind the first step, or in one channel, are no padding.
        (steps[0][0], steps[2]) = (0.0, [0.0; 2]);
        let x = pad_front(&steps).unwrap();
        let t = [1.0, 0.0];
        // The trace holds numbers of all steps from before.
        trainer.step(&mut net.clone(), &sgd, &whole, &t);
        let loss = trainer.step(&mut net, &sgd, &x, &t);
        assert!(loss == of_short.step(&mut short, &sgd, &steps, &t));
        assert_eq!(flat(&net), flat(&short));
        assert_eq!(net.forward(&x), short.forward(&steps));
        batch.accumulate_all(&net, [(whole, t), (x, t), (x, t)]);
        let mut of_both = BatchTrainer::<N, CrossEntropy, Sgd<f64>, 3>::new();
        of_both.accumulate(&net, &whole, &t);
        of_both.accumulate(&net, &x, &t);
        of_both.accumulate(&net, &x, &t);
        let gradient = |batch: &BatchTrainer<N, _, _, 3>| flat_gradient::<N>(batch.gradient());
        assert_eq!(gradient(&batch), gradient(&of_both));
        // Nothing but padding.
        assert_eq!(net.forward(&[[0.0; 2]; 9]), net.forward(&[[-0.0; 2]; 9]));
    }
    macro_rules! check {
        ($($layers:tt)+) => {
            check::<net![f64; 9 x 2 => $($layers)+], net![f64; 5 x 2 => $($layers)+]>();
        };
    }
    check!(Rnn(3, masked) => 2 Softmax);
    check!(Gru(3, all, masked) => Lstm(4, masked) => 2 Softmax);
    check!(Lstm(3, masked, all, bidirectional) => Gru(2, masked, bidirectional) => 2 Softmax);
}

/// Its bias would learn from what an earlier sequence left there.
#[test]
fn a_layer_before_learns_nothing_from_what_is_left_out() {
    type Net = net![f64; 9 x 2 => Conv1d(3, 1) Identity => Gru(4, masked) => 2 Softmax];
    type Learner = Trainer<Net, CrossEntropy, Sgd<f64>>;
    let sgd = Sgd { learning_rate: 0.1 };
    let mut net = Net::random(&mut Rng(9));
    net.first_mut().bias_mut().fill(0.0);
    let mut other = net.clone();
    let whole = random(&mut Rng(7), -1.0, 1.0);
    let x = pad_front(&random::<[[f64; 2]; 5]>(&mut Rng(8), -1.0, 1.0)).unwrap();
    let (mut used, mut new) = (Learner::new(), Learner::new());
    used.step(&mut net.clone(), &sgd, &whole, &[1.0, 0.0]);
    used.step(&mut net, &sgd, &x, &[1.0, 0.0]);
    new.step(&mut other, &sgd, &x, &[1.0, 0.0]);
    assert_eq!(flat(&net), flat(&other));
}

#[test]
fn masked_layers_have_the_right_gradient() {
    check::<net![f64; 6 x 2 => Gru(3, all, masked)], HalfSquaredError>(any);
    check::<net![f64; 6 x 2 => Conv1d(3, 1) Tanh => Lstm(3, masked, reversed)], HalfSquaredError>(
        any,
    );
}

/// Networks of many sizes with random parameters, and sequences of random contents and, if masked, of random
/// length: gradients against difference quotients.
macro_rules! gradients {
    ($($name:ident: $l:literal x $c:literal => [$($layers:tt)+] $loss:ty, $fix:expr;)+) => {
        proptest! {
            #![proptest_config(ProptestConfig {
                cases: 6, failure_persistence: None, ..ProptestConfig::default()
            })]
            $(
                #[test]
                fn $name(seed in ANY, steps in 1_usize..=$l) {
                    type Net = net![f64; $l x $c => $($layers)+];
                    let masked = stringify!($($layers)+).contains("masked");
                    let left_out = if masked { $l - steps } else { 0 };
                    let mut rng = Rng(seed);
                    let net = Net::random(&mut rng);
                    let mut x: [[f64; $c]; $l] = random(&mut rng, -1.0, 1.0);
                    let mut t = random(&mut rng, 0.1, 0.9);
                    $fix(&mut t);
                    x[..left_out].fill([0.0; $c]);
                    let (_, kinks) = compare_sample::<Net, $loss>(&net, &(x, t), left_out * $c);
                    prop_assert_eq!(kinks, 0);
                }
            )+
        }
    };
}
gradients! {
    gradients_of_a_gru_alone: 9 x 3 => [Gru(7, masked)] HalfSquaredError, any;
    gradients_of_an_lstm_alone: 5 x 1 => [Lstm(9, all, masked, reversed)] HalfSquaredError, any;
    gradients_of_an_rnn_alone: 12 x 4 => [Rnn(5, masked, bidirectional)] HalfSquaredError, any;
    gradients_of_a_gru_in_the_middle: 8 x 2 => [Conv1d(5, 2) Tanh => Gru(3, all) => GlobalMean => 3 Softmax]
        CrossEntropy, classes;
    gradients_of_three_behind_each_other: 6 x 5 =>
        [Lstm(2, all, masked, bidirectional) => Rnn(6, all, masked) => Gru(4, masked) => 2 Sigmoid]
        BinaryCrossEntropy, any;
    gradients_of_an_lstm_last: 7 x 2 => [Conv1d(4, 3, step 2) Tanh => Lstm(3, reversed)]
        HalfSquaredError, any;
}

/// Takes numbers in any order and counts them.
struct Count(usize);

impl GradientVisitor<f64, 1, 0> for Count {
    const IN_ANY_ORDER: bool = true;

    fn vector(&mut self, _: Kind, [p]: [&mut [f64]; 1], _: [&mut [f64]; 0], g: &[f64], (): ()) {
        assert_eq!(p.len(), g.len());
        self.0 += g.len();
    }
}

/// Also those of the state, which a sequence of one step does not use.
#[test]
fn every_parameter_has_a_gradient() {
    fn check<N: Layer<Format = f64> + Random>() {
        let mut net = N::random(&mut Rng(5));
        let (x, mut trace, mut count) = (N::Input::ZERO, N::Trace::ZERO, Count(0));
        net.forward_trace([&x], [&mut trace]);
        net.backward::<true, 1>([&x], [&mut trace]);
        N::gradient([&mut net], [], Samples { inputs: [&x], traces: [&trace] }, &mut count);
        assert_eq!(count.0, N::PARAMS);
    }
    check::<Gru<1, 7, 6, 18, f64>>();
    check::<Lstm<1, 2, 3, 12, f64>>();
    check::<Gru<2, 5, 9, 27, f64>>();
    check::<Rnn<3, 1, 1, f64>>();
}

/// A fault of another library: training moved no gate.
#[test]
fn a_step_moves_every_weight() {
    fn check<N>()
    where
        N: Layer<Format = f64, Input = [[f64; 3]; 6], Output = [f64; 5]> + Random + Clone,
        N: Layer<Activation = Identity>,
    {
        let mut rng = Rng(7);
        let mut net = N::random(&mut rng);
        let before = flat(&net);
        let (x, t) = (random(&mut rng, 0.5, 1.0), random(&mut rng, 2.0, 3.0));
        let sgd = Sgd { learning_rate: 0.1 };
        let mut batch = net.clone();
        Trainer::<N, HalfSquaredError, Sgd<f64>>::new().step(&mut net, &sgd, &x, &t);
        let mut trainer = BatchTrainer::<N, HalfSquaredError, Sgd<f64>>::new();
        trainer.accumulate(&batch, &x, &t);
        trainer.apply(&mut batch, &sgd);
        for after in [flat(&net), flat(&batch)] {
            for (place, (before, after)) in before.iter().zip(after).enumerate() {
                assert!(*before != after, "{place} of {}", core::any::type_name::<N>());
            }
        }
    }
    check::<net![f64; 6 x 3 => Rnn(5)]>();
    check::<net![f64; 6 x 3 => Gru(5)]>();
    check::<net![f64; 6 x 3 => Lstm(5, reversed)]>();
    check::<net![f64; 6 x 3 => Gru(4, all, bidirectional) => Lstm(3, all) => Rnn(5, masked)]>();
}

/// A fault of another library: units saw the new states of the units before them.
#[test]
fn units_see_the_old_states_only() {
    type One<K, const G: usize> = Recurrent<K, [[f64; 1]; 2], [f64; 3], 1, 3, G, f64>;
    fn check<K, const G: usize>(gates: usize)
    where
        One<K, G>: Layer<Format = f64, Input = [[f64; 1]; 2], Output = [f64; 3]> + Random + Clone,
    {
        let net = One::<K, G>::random(&mut Rng(3));
        let mut other = net.clone();
        // The new state of unit 0 alone: all of its gates at the second step differ.
        for gate in 0..gates {
            other.input_weights_mut()[0][3 * gate] += 0.5;
        }
        // It is not seen at the first step, whose input is 0, nor by others at the second.
        let x = [[0.0], [1.0]];
        let (y, z) = (net.forward(&x), other.forward(&x));
        assert!(y[0] != z[0]);
        assert_eq!(y[1..], z[1..]);
    }
    check::<RnnCell, 3>(1);
    check::<GruCell, 9>(3);
    check::<LstmCell, 12>(4);
}
