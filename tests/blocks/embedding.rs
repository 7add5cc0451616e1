//! Embeddings: vectors looked up by index.

use gradlet::prelude::*;
use gradlet::{Streaming, flat};
use support::{Random, Rng, flat_gradient};

use crate::check::{any, classes, compare_sample, random};

type Looked<T = f64> = Embedding<5, 6, 3, T>;

/// Random indices below `n`, of which some occur several times and others never.
fn indices<const L: usize>(rng: &mut Rng, n: u64) -> [f64; L] {
    core::array::from_fn(|_| f64::from_u32(u32::try_from(rng.word() % n).unwrap()))
}

#[test]
fn embeddings_have_the_right_gradient_first_in_the_middle_and_alone() {
    fn check<N, L, const T: usize>(below: u64, fix: fn(&mut N::Output))
    where
        N: Layer<Format = f64, Input = [f64; T]> + Random + Clone,
        L: Loss<N::Activation, f64>,
    {
        for seed in 0..3 {
            let mut rng = Rng(seed);
            let net = N::random(&mut rng);
            let samples: [_; 7] = core::array::from_fn(|_| {
                let (x, mut t) = (indices(&mut rng, below), random(&mut rng, 0.1, 0.9));
                fix(&mut t);
                (x, t)
            });
            compare_sample::<N, L>(&net, &samples[0], T);
            // Tiles, and what is left over, have the bits of one after the other.
            let mut one = BatchTrainer::<N, L, Sgd<f64>>::new();
            let mut tiles = BatchTrainer::<N, L, Sgd<f64>, 4>::new();
            assert_eq!(one.accumulate_all(&net, &samples), tiles.accumulate_all(&net, &samples));
            let gradients = [one.gradient(), tiles.gradient()].map(flat_gradient::<N>);
            assert_eq!(gradients[0], gradients[1]);
        }
    }
    check::<Looked, HalfSquaredError, 5>(6, any);
    check::<net![f64; 1 => Embedding(1, 1) => LastStep], HalfSquaredError, 1>(1, any);
    check::<net![f64; 7 => Embedding(4, 3) => Gru(5) => 3 Softmax], CrossEntropy, 7>(4, classes);
    type Window = net![f64; 6 => Embedding(9, 2) => Conv1d(4, 3) Tanh => Flatten => 2 Sigmoid];
    check::<Window, BinaryCrossEntropy, 6>(9, any);
    // Behind a layer, which learns nothing from it.
    type Middle = net![f64; 5 => 5 Identity => Embedding(6, 2) => GlobalMean => 2 Identity];
    let mut net = Middle::random(&mut Rng(1));
    let ones = core::array::from_fn(|i| core::array::from_fn(|j| f64::from(u8::from(i == j))));
    *net.first_mut() = Dense::new(ones, [0.0; 5]);
    let before = net.clone();
    let sample = (indices(&mut Rng(2), 6), [0.5, -0.5]);
    compare_sample::<_, HalfSquaredError>(net.rest(), &sample, 5);
    let sgd = Sgd { learning_rate: 0.1 };
    Trainer::<_, HalfSquaredError, _>::new().step(&mut net, &sgd, &sample.0, &sample.1);
    assert_eq!(net.first(), before.first());
    assert_ne!(net.rest(), before.rest());
}

/// In place and in a batch, and with an index twice the sum of both.
#[test]
fn only_vectors_that_are_looked_up_move() {
    let net = Looked::<f64>::random(&mut Rng(3));
    let (x, t) = ([4.0, 0.0, 4.0, -0.0, 2.0], [[0.5; 3]; 5]);
    let sgd = Sgd { learning_rate: 0.125 };
    let (mut in_place, mut batch) = (net.clone(), net.clone());
    Trainer::<_, HalfSquaredError, _>::new().step(&mut in_place, &sgd, &x, &t);
    let mut trainer = BatchTrainer::<Looked<f64>, HalfSquaredError, _>::new();
    trainer.accumulate(&batch, &x, &t);
    trainer.apply(&mut batch, &sgd);
    assert_eq!(in_place, batch);
    for (index, times) in [2.0, 0.0, 1.0, 0.0, 2.0, 0.0].into_iter().enumerate() {
        let want = net.rows()[index].map(|w| w - 0.125 * (times * (w - 0.5)));
        assert_eq!(batch.rows()[index], want, "{index}");
    }
}

#[test]
fn what_is_no_index_is_nan_and_nothing_is_learned_from_it() {
    fn check<T: Scalar>() {
        type Net<T> = net![T; 5 => Embedding(6, 3) => Gru(2, masked) => 2 Softmax];
        let mut net = Net::<T>::random(&mut Rng(4));
        let before = net.clone();
        let sgd = Sgd { learning_rate: T::ONE };
        let t = [T::ONE, T::ZERO];
        let bad = [-1.0, -1e-9, 0.5, 5.5, 6.0, 1e9, 4_294_967_296.0, 1e300, f64::NAN];
        for bad in bad.into_iter().chain([f64::INFINITY, f64::NEG_INFINITY]) {
            let bad = T::from_f64(bad);
            let x = [T::ONE, T::ZERO, T::ONE, bad, T::ONE];
            let y = net.first().forward(&x);
            for (l, row) in y.iter().enumerate() {
                assert_eq!(row.iter().all(|y| y.is_finite()), l != 3, "{bad}");
                assert!(l != 3 || row.iter().all(|y| !y.is_finite()), "{bad}");
            }
            assert!(net.forward(&x).iter().all(|y| !y.is_finite()), "{bad}");
            let loss = Trainer::<_, CrossEntropy, _>::new().step(&mut net, &sgd, &x, &t);
            assert!(!loss.is_finite());
            let mut batch = BatchTrainer::<Net<T>, CrossEntropy, Sgd<T>>::new();
            assert!(!batch.accumulate(&net, &x, &t).is_finite());
            let gradient = flat_gradient::<Net<T>>(batch.gradient());
            assert!(gradient.iter().all(|&g| g == 0.0));
        }
        assert_eq!(net, before);
        let largest = [5.0, 0.0, -0.0, 1.0, 5.0].map(T::from_f64);
        assert!(net.forward(&largest).iter().all(|y| y.is_finite()));
    }
    check::<f32>();
    check::<f64>();
}

/// PyTorch's `padding_idx`.
#[test]
fn a_row_of_zeros_is_padding() {
    type Long = net![f64; 7 => Embedding(5, 3) => Lstm(4, masked) => 2 Softmax];
    type Short = net![f64; 4 => Embedding(5, 3) => Lstm(4) => 2 Softmax];
    let (mut long, mut short) = (Long::random(&mut Rng(5)), Short::random(&mut Rng(5)));
    long.first_mut().rows_mut()[0] = [0.0; 3];
    short.first_mut().rows_mut()[0] = [0.0; 3];
    let (x, t) = ([0.0, 0.0, 0.0, 3.0, 1.0, 0.0, 4.0], [1.0, 0.0]);
    let sgd = Sgd { learning_rate: 0.1 };
    let y = Trainer::<_, CrossEntropy, _>::new().step(&mut long, &sgd, &x, &t);
    let short_x = [3.0, 1.0, 0.0, 4.0];
    assert!(y == Trainer::<_, CrossEntropy, _>::new().step(&mut short, &sgd, &short_x, &t));
    assert_eq!(long.first().rows(), short.first().rows());
}

#[test]
fn embeddings_are_kept_frozen_and_told_apart() {
    let net = Looked::<f32>::random(&mut Rng(6));
    // The vectors one after the other, as in files of PyTorch.
    let mut frame = [0; flat::frame_bytes::<Looked<f32>>()];
    flat::write_frame(&net, &mut frame).unwrap();
    let mut other = Looked::<f32>::ZERO;
    flat::load_frame(&mut other, &frame).unwrap();
    assert_eq!(other, net);
    let array: [f32; 18] = flat::to_array(&net);
    assert_eq!(array.as_slice(), net.rows().as_flattened());
    let prints = [
        Looked::<f32>::FINGERPRINT,
        Looked::<f64>::FINGERPRINT,
        Embedding::<4, 6, 3>::FINGERPRINT,
        Embedding::<5, 7, 3>::FINGERPRINT,
        Embedding::<5, 6, 2>::FINGERPRINT,
    ];
    for (i, print) in prints.iter().enumerate() {
        assert!(!prints[..i].contains(print));
    }
    type Net = Chain<Frozen<Looked<f64>>, net![f64; 5 x 3 => GlobalMean => 2 Softmax]>;
    let mut net = Net::new(Frozen::new(Looked::random(&mut Rng(7))), Zero::ZERO);
    let before = net.clone();
    let sgd = Sgd { learning_rate: 0.1 };
    Trainer::<_, CrossEntropy, _>::new().step(&mut net, &sgd, &[1.0; 5], &[1.0, 0.0]);
    assert_eq!(net.first(), before.first());
    assert_ne!(net.rest(), before.rest());
}

#[test]
fn embeddings_answer_index_by_index() {
    type Net = net![f64; 6 => Embedding(5, 3) => Gru(4, all) => Conv1d(2, 1) Tanh];
    let net = Net::random(&mut Rng(8));
    let x: [f64; 6] = indices(&mut Rng(9), 5);
    let mut stream = Streaming::new(&net);
    for (x, y) in x.iter().zip(net.forward(&x)) {
        assert_eq!(stream.step(&[*x]), y);
    }
}

#[test]
fn a_source_has_the_vectors() {
    let net = Embedding::<3, 2, 2>::new([[0.5, -0.0], [1e-45, 2.0]]);
    let text: String = net.to_source().to_string().split_whitespace().collect();
    assert_eq!(text, "Embedding::new([[0.5,-0.0],[1e-45,2.0],],)");
}
