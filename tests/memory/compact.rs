//! Two convolutions that are trained with the least memory.

use gradlet::{Scalar, Shape, prelude::*, safetensors};
use support::{Random, Rng, flat_gradient};

use crate::check::{any, check, classes};

/// A network with two fused convolutions, and the same with compact ones.
macro_rules! alike {
    ($Chain:ident $Compact:ident: $($input:tt)x+ => [$($first:tt)+] => [$($second:tt)+] $($rest:tt)*) => {
        type $Chain<T> = net![T; $($input)x+ => $($first)+ => $($second)+ $($rest)*];
        type $Compact<T> = net![T; $($input)x+ => Compact($($first)+ => $($second)+) $($rest)*];
    };
}
// The maximum of 2 is packed in 1 bit, that of 3 in 2, that of 6 in 4, that of 17 in 8.
alike!(Activity ActivityCompact: 21 x 3 => [Conv1d(4, 4, step 2) Relu | MaxPool(3)]
    => [Conv1d(5, 2) Relu | GlobalMean] => 3 Softmax);
alike!(Long LongCompact: 70 x 2 => [Conv1d(3, 3) Relu | MaxPool(17)]
    => [Conv1d(4, 2, padding same) Relu | MeanPool(2)] => Flatten => 3 Softmax);
alike!(Padded PaddedCompact: 36 x 2 => [Conv1d(6, 3, padding same, dilation 2) Relu | MaxPool(2)]
    => [Conv1d(4, 3, padding same, step 2, groups 2) Relu | GlobalMean] => 3 Softmax);
alike!(Wide WideCompact: 74 x 1 => [Conv1d(3, 3) Relu | MaxPool(2)]
    => [Conv1d(4, 3, dilation 9) Relu | GlobalMean] => 3 Softmax);
alike!(Image ImageCompact: 9 x 8 x 2 => [Conv2d(4, 4 x 3) Relu | MaxPool(3 x 2)]
    => [Conv2d(5, 2 x 2, padding 1) Relu | GlobalMean] => 3 Softmax);
alike!(Tiles TilesCompact: 6 x 8 x 1 => [Conv2d(3, 3 x 3, padding same) Relu | MaxPool(2 x 2)]
    => [Depthwise(3 x 3, padding same) Relu | MeanPool(1 x 2)] => Flatten => 3 Softmax);

#[test]
fn compact_layers_have_the_right_gradient() {
    check::<ActivityCompact<f64>, CrossEntropy>(classes);
    check::<LongCompact<f64>, CrossEntropy>(classes);
    check::<PaddedCompact<f64>, CrossEntropy>(classes);
    check::<WideCompact<f64>, CrossEntropy>(classes);
    check::<ImageCompact<f64>, CrossEntropy>(classes);
    check::<TilesCompact<f64>, CrossEntropy>(classes);
    // Behind another layer, and as the last one.
    type Deep = net![
        f64; 10 x 2 => Conv1d(3, 3, padding same) Tanh
        => Compact(Conv1d(4, 3, groups 1) Relu | MaxPool(2) => Conv1d(3, 2) Relu | GlobalMean)
    ];
    check::<Deep, HalfSquaredError>(any);
}

/// The parameters of a network, but for the signs of zeros.
fn parameters<T: Scalar, N: Layer<Format = T>>(net: &N) -> Vec<T> {
    let mut list = vec![];
    net.visit(|_, values| list.extend_from_slice(values));
    list
}

/// Trains both networks, and compares them.
fn train_alike<T, N, C, O>(optimizer: &O)
where
    T: Scalar,
    N: Layer<Format = T, Output = [T; 3], Activation = Softmax> + Random,
    C: Layer<Format = T, Input = N::Input, Output = [T; 3], Activation = Softmax> + Random,
    O: Optimizer<N> + Optimizer<C>,
{
    let (mut chain, mut compact) = (N::random(&mut Rng(4)), C::random(&mut Rng(4)));
    let before = parameters(&chain);
    let mut rng = Rng(9);
    let samples: [_; 7] = core::array::from_fn(|i| {
        let mut x = N::Input::ZERO;
        x.as_mut_slice().iter_mut().for_each(|x| *x = T::from_f64(rng.range(-1.0, 1.0)));
        let t: [T; 3] = core::array::from_fn(|k| if i % 3 == k { T::ONE } else { T::ZERO });
        (x, t)
    });
    let mut a = Trainer::<N, CrossEntropy, O>::new();
    let mut b = Trainer::<C, CrossEntropy, O>::new();
    assert!(size_of_val(&a) > size_of_val(&b));
    for (x, t) in samples.iter().cycle().take(50) {
        let losses = [a.step(&mut chain, optimizer, x, t), b.step(&mut compact, optimizer, x, t)];
        assert_eq!(losses[0], losses[1]);
        assert_eq!(parameters(&chain), parameters(&compact));
    }
    let mut a = BatchTrainer::<N, CrossEntropy, O, 4>::new();
    let mut b = BatchTrainer::<C, CrossEntropy, O, 4>::new();
    for _ in 0..5 {
        let losses = [a.accumulate_all(&chain, &samples), b.accumulate_all(&compact, &samples)];
        assert_eq!(losses[0], losses[1]);
        assert_eq!(flat_gradient::<N>(a.gradient()), flat_gradient::<C>(b.gradient()));
        a.apply(&mut chain, optimizer);
        b.apply(&mut compact, optimizer);
    }
    assert_eq!(parameters(&chain), parameters(&compact));
    assert_ne!(parameters(&chain), before);
    assert!(
        before.iter().zip(parameters(&chain)).filter(|(a, b)| **a != *b).count() > before.len() / 2
    );
    for (x, _) in &samples {
        assert_eq!(chain.forward(x), compact.forward(x));
    }
}

#[test]
fn compact_networks_train_with_the_bits_of_their_chain() {
    fn all<T: Scalar>() {
        let rate = T::from_f64(0.05);
        let (sgd, adam) = (Sgd { learning_rate: rate }, Adam::new(T::from_f64(0.01)));
        let momentum = Momentum { learning_rate: rate, momentum: T::from_f64(0.9) };
        train_alike::<T, Activity<T>, ActivityCompact<T>, _>(&sgd);
        train_alike::<T, Long<T>, LongCompact<T>, _>(&adam);
        train_alike::<T, Padded<T>, PaddedCompact<T>, _>(&momentum);
        train_alike::<T, Wide<T>, WideCompact<T>, _>(&sgd);
        train_alike::<T, Image<T>, ImageCompact<T>, _>(&momentum);
        train_alike::<T, Tiles<T>, TilesCompact<T>, _>(&adam);
    }
    all::<f32>();
    all::<f64>();
}

/// The network for activities, for whose training in C 2,696 bytes besides the weights are enough.
type Recognises = net![
    128 x 6 => Compact(Conv1d(16, 5, step 2) Relu | MaxPool(2) => Conv1d(32, 3) Relu | GlobalMean)
    => 6 Softmax
];
type Layers<N> = <N as Parts>::First;

/// The first layer of a chain.
trait Parts {
    type First;
}

impl<F: Layer<Activation = Identity>, R: gradlet::Takes<F::Output, F::Format>> Parts
    for Chain<F, R>
{
    type First = F;
}

#[test]
fn sizes_are_those_that_are_documented() {
    assert_eq!(Trainer::<Recognises, CrossEntropy>::BYTES, 2480);
    assert_eq!(Layers::<Recognises>::STACK_BYTES, 4 * 31);
    const { assert!(Trainer::<Recognises, CrossEntropy>::BYTES + 4 * 31 <= 2696) };
    // 31 positions by 16 channels and 29 by 32, in 4 bytes each.
    assert_eq!(Layers::<Recognises>::PACKED_BYTES, 4 * 16 + 4 * 32);
    // 3 positions in 1 byte, 2 bits each; 2 positions.
    assert_eq!(Layers::<ActivityCompact<f32>>::PACKED_BYTES, 4 + 5);
    // 8 bits for each of 4 positions; 4 positions.
    assert_eq!(Layers::<LongCompact<f64>>::PACKED_BYTES, 4 * 3 + 4);
    // 4 bits for each of 2 by 3 positions; 3 by 4 positions.
    assert_eq!(Layers::<ImageCompact<f32>>::PACKED_BYTES, 3 * 4 + 2 * 5);
    assert_eq!(Layers::<ImageCompact<f32>>::STACK_BYTES, 4 * 2 * 3);
    assert_eq!(Recognises::MACS, 74_496);
    assert_eq!(ActivityCompact::<f32>::PARAMS, Activity::<f32>::PARAMS);
    assert_eq!(ActivityCompact::<f32>::TENSORS.layers(), 3);
    assert_ne!(ActivityCompact::<f32>::FINGERPRINT, Activity::<f32>::FINGERPRINT);
}

#[test]
fn compact_layers_are_saved_and_printed_as_their_chain() {
    const NAMES: [&str; 3] = ["0", "3", "7"];
    let chain = Activity::<f32>::random(&mut Rng(3));
    let mut file = vec![0; safetensors::file_size::<Activity<f32>>(&NAMES).unwrap()];
    let file = safetensors::save(&chain, &NAMES, &mut file).unwrap();
    let compact: ActivityCompact<f32> = safetensors::from_bytes(file, &NAMES).unwrap();
    assert_eq!(parameters(&compact), parameters(&chain));
    let mut again = vec![0; file.len()];
    assert_eq!(safetensors::save(&compact, &NAMES, &mut again).unwrap(), file);
    let source = compact.to_source().to_string();
    assert!(source.contains("Compact::new(Chain::new("), "{source}");
    let mut layers = compact.into_parts().0;
    layers.layers_mut().first_mut().convolution_mut().bias_mut()[0] = 1.5;
    assert_eq!(layers.layers().first().convolution().bias()[0], 1.5);
    assert_eq!(layers.into_inner().rest(), chain.rest().first());
}

#[test]
fn compact_layers_report_what_is_not_finite() {
    let mut net = ActivityCompact::<f32>::random(&mut Rng(1));
    let before = net.clone();
    let mut trainer = Trainer::<ActivityCompact<f32>, CrossEntropy>::new();
    for (place, value) in [(0, f32::NAN), (11, f32::INFINITY)] {
        let mut x = [[0.1; 3]; 21];
        x[place][1] = value;
        let loss = trainer.step(&mut net, &Sgd { learning_rate: 0.1 }, &x, &[1.0, 0.0, 0.0]);
        assert!(!loss.is_finite());
        assert_eq!(net, before);
    }
}
