//! Every public type can be logged with `defmt`.
//!
//! The compiler is what tests: nothing is logged, which would need a logger to link with.
#![cfg(feature = "defmt")]
#![allow(clippy::unwrap_used, reason = "tests may panic")]

use defmt::Format;
use gradlet::convert::{Comparison, Conversion, ConvertError};
use gradlet::metrics::{
    Accuracy, ClassError, ConfusionMatrix, ErrorStatistics, LossMeter, MeanAbsoluteError, Quantile,
    RSquared,
};
use gradlet::prelude::*;
use gradlet::preprocess::{MinMax, Scaling, Standardize};
use gradlet::quantized::{
    Calibration, Clamp, Exact, Granularity, Int8, LayerRanges, Multiplier, Quantization,
    QuantizeError, Range, Sequence, Softmax8, Table, TwoProducts,
};
use gradlet::safetensors::{
    After, Dtype, Fault, LoadError, Names, Reader, Safetensors, SaveError, Shape, TensorInfo,
    TensorName, Text,
};
use gradlet::{
    AdamState, Batch, Begun, BiasOnly, Compact, CompactTrace, Delta, Epoch, Exponent, FixedFactor,
    FixedStep, FoldError, ForEach, Fused, FusedTrace, GruCell, Headroom, Joined, Kind, LayerTrace,
    LearnedState, LstmCell, Masked, NormGradient, PReluGradient, Pair, Past, Places, Q10,
    Recompute, Recurrent, Report, Reversed, RnnCell, Samples, Source, Stateful, Streaming, Tensor,
    TensorList, TooLong, fast, rational,
};

type Net<T> = Mlp<2, 4, 3, Tanh, Softmax, T>;
type Deep<T> = Chain<Dense<2, 4, Gelu, T>, Chain<Dense<4, 3, Relu, T>, Dense<3, 1, Sigmoid, T>>>;
type OnFeatures<T> = Chain<Frozen<&'static Dense<2, 4, Tanh, T>>, Dense<4, 3, Identity, T>>;

fn is_format<T: Format>() {}

macro_rules! are_format {
    ($($type:ty),+ $(,)?) => { $(is_format::<$type>();)+ };
}

fn activations() {
    are_format![Elu, Gelu, HardSigmoid, HardSwish, HardTanh, Identity, LeakyRelu, LeakyRelu<1, 4>];
    are_format![Relu, Relu6, Selu, Sigmoid, Silu, Softmax, Softplus, Softsign, Tanh];
    are_format![fast::Sigmoid, fast::Softmax, fast::Tanh, rational::Sigmoid, rational::Tanh];
}

fn losses() {
    are_format![AbsoluteError, BinaryCrossEntropy, CrossEntropy, HalfSquaredError];
    are_format![Huber, Huber<1, 2>, MeanSquaredError, LogCosh, Pinball<9, 10>];
    are_format![Focal, Focal<1, 2, 3, 4>];
}

fn int8() {
    type Small = Dense<2, 4, Relu>;
    are_format![
        Calibration<Small>,
        Clamp,
        Exact,
        Granularity,
        Int8<Small>,
        LayerRanges,
        Multiplier
    ];
    are_format![Quantization, QuantizeError, Quantized<Small>, Range, Sequence<u8, u8>, Softmax8];
    are_format![Table, TwoProducts];
}

fn layers<T: Scalar + Format>() {
    are_format![Dense<2, 4, Sigmoid, T>, Frozen<Dense<2, 4, Sigmoid, T>>];
    are_format![Residual<Dense<2, 2, Tanh, T>>, Skip, BatchNorm<2, Relu, [T; 2]>, LayerNorm<2, Relu, [T; 2]>, PRelu<2, [T; 2]>, PReluGradient<2, T>, Dropout<[T; 2]>];
    are_format![Parallel<Dense<2, 4, Tanh, T>, Dense<2, 3, Softmax, T>, 7>, NormGradient<2, T>];
    are_format![Joined<[T; 2], Tanh, Relu>, Split<CrossEntropy, HalfSquaredError>, FoldError];
    type Sequence<T> = Conv1d<6, 2, 3, 3, 4, Relu, T>;
    are_format![Sequence<T>, Conv2d<4, 4, 1, 3, 3, 3, 2, 2, Relu, T>];
    are_format![MaxPool1d<4, 3, 2, 2, T>, MeanPool1d<4, 3, 2, 2, T>];
    are_format![MaxPool2d<4, 4, 3, 2, 2, 2, 2, T>, MeanPool2d<4, 4, 3, 2, 2, 2, 2, T>];
    are_format![GlobalMean<[[T; 3]; 4]>, GlobalMax<[[T; 3]; 4]>, LastStep<[[T; 3]; 4]>];
    are_format![Embedding<4, 5, 3, T>, Flatten<[[T; 3]; 4], 12>, FlattenChannelsLast<[[T; 3]; 4], 12>];
    are_format![Fused<Sequence<T>, MaxPool1d<4, 3, 2, 2, T>>, FusedTrace<[u8; 2], T>];
    are_format![Compact<Sequence<T>, 4>, CompactTrace<[T; 2], T, 4>];
    are_format![Streaming<Sequence<T>>, Past<T, 2, 2>, Recompute<Sequence<T>>];
    are_format![Gru<5, 2, 3, 9, T>, Recurrent<LstmCell, [[T; 2]; 5], [[T; 3]; 5], 2, 3, 12, T>];
    are_format![GruCell, LstmCell, Masked<GruCell>, Reversed<GruCell>, RnnCell, TooLong];
    are_format![LearnedState<GruCell>, Stateful<GruCell>, Begun<[T; 3]>];
    are_format![BiasOnly<Dense<2, 4, Tanh, T>>, After<(), ()>, Reader<(), ()>];
    are_format![Net<T>, Deep<T>, OnFeatures<T>, Kind, Places, Tensor, TensorList];
    are_format![Pair<Dense<2, 4, Tanh, T>, Dense<4, 3, Softmax, T>>];
    are_format![<Deep<T> as Layer>::Gradient, <OnFeatures<T> as Layer>::Gradient];
    are_format![LayerTrace<T, [[T; 4]; 3], Gelu>, Delta<T, [[T; 4]; 3]>];
    are_format![Samples<'static, Net<T>, 1>, Samples<'static, Deep<T>, 4>];
    are_format![<Deep<T> as Layer>::Trace, <OnFeatures<T> as Layer>::Trace];
}

fn optimizers<T: Scalar + Format>() {
    are_format![Adagrad<T>, Adam<T>, AdamW<T>, Momentum<T>, Nesterov<T>, RmsProp<T>, Sgd<T>];
    are_format![ClipByNorm<Sgd<T>, T>, ClipByValue<Adam<T>, T>, WeightDecay<Momentum<T>, T>];
    are_format![NoBias<Sgd<T>>, Summed<Sgd<T>>, gradlet::HyperParameter];
    are_format![AdamState<<Net<T> as Layer>::Gradient, T>];
    are_format![<WeightDecay<AdamW<T>, T> as Optimizer<Deep<T>>>::State];
    // Of what it holds, as for `Debug`, which a closure is not.
    are_format![ForEach<()>];
}

fn fixed_point() {
    are_format![Fixed, Exponent, FixedFactor, FixedStep, Headroom, Q10, Q12, Q26, Q32];
    are_format![Conversion, Comparison, ConvertError];
    are_format![net![Fixed; 2 => PRelu], PReluGradient<2, Q26>];
    are_format![LossMeter<Q32>, MeanAbsoluteError<Q12>, RSquared<2, Q12>];
    are_format![ErrorStatistics<Q32>, Quantile<1, 2, Q32>];
}

fn trainers<T: Scalar + Format>() {
    are_format![Trainer<Net<T>, CrossEntropy, Sgd<T>>];
    are_format![BatchTrainer<Deep<T>, BinaryCrossEntropy, Adam<T>>, Batch<Deep<T>, 8>];
}

fn fits<T: Scalar + Format>() {
    are_format![Stop<T>, Outcome, Report<T>, Epoch<'static, Net<T>>, Epoch<'static, Deep<T>>];
    are_format![gradlet::Learned];
    are_format![gradlet::NextEpoch<'static, Net<T>, Trainer<Net<T>, CrossEntropy>, u8>];
    are_format![EarlyStopping<Net<T>>, EarlyStopping<OnFeatures<T>>];
}

fn metrics<T: Scalar + Format>() {
    are_format![Accuracy, ClassError, ConfusionMatrix<3>];
    are_format![LossMeter<T>, MeanAbsoluteError<T>, RSquared<2, T>];
    are_format![ErrorStatistics<T>, Quantile<1, 2, T>];
}

fn preprocessing<T: Scalar + Format>() {
    are_format![MinMax<2, T>, Scaling<2, T>, Standardize<2, T>];
}

fn files() {
    are_format![Dtype, Fault, LoadError<'static>, Safetensors<'static>, Shape, Text];
    are_format![gradlet::safetensors::Format, Names, TensorInfo<'static>, TensorName<'static>];
    are_format![SaveError<'static>, Source<'static, Net<f32>>];
    #[cfg(feature = "embedded-io-v0.7")]
    are_format![gradlet::safetensors::WriteError<'static, embedded_io::ErrorKind>];
}

#[cfg(feature = "stream")]
fn streams<T: Scalar + Format>() {
    use gradlet::stream::{Features, FullWindow, LossHistory, ReplayBuffer, Window};

    are_format![Features<3, T>, FullWindow<'static, 3, 8, T>, Window<3, 8, 4, T>];
    are_format![LossHistory<8, T>, ReplayBuffer<[T; 2], [T; 1], 4>];
}

#[cfg(feature = "microfft-v0.6")]
fn spectra() {
    use gradlet::spectrum::{MelBands, MelError, Spectrum};

    are_format![MelBands<64, 8>, MelError, Spectrum<64>];
}

#[cfg(feature = "embedded-storage-async-v0.4")]
fn stores() {
    use embedded_storage::nor_flash::NorFlashErrorKind;
    use gradlet::store::{AsyncStore, Loaded, RangeError, Store, StoreError};

    #[allow(dead_code, reason = "that it compiles is the test")]
    fn of<F: embedded_storage::nor_flash::NorFlash>() {
        are_format![Store<F>];
    }
    #[allow(dead_code, reason = "that it compiles is the test")]
    fn of_async<F: embedded_storage_async::nor_flash::NorFlash>() {
        are_format![AsyncStore<F>];
    }
    are_format![Loaded, RangeError, StoreError<NorFlashErrorKind>];
}

fn frames() {
    use gradlet::flat::{Assembler, FrameError, PieceError};

    are_format![Assembler<Net<f32>, 40, 4>, FrameError, PieceError];
}

#[cfg(feature = "nalgebra-v0.35")]
fn linear<T: Scalar + Format>() {
    use gradlet::linear::{
        LeastSquares, LeastSquaresError, RecursiveLeastSquares, RecursiveLeastSquaresError,
    };

    are_format![LeastSquares<2, 3, T>, LeastSquaresError];
    are_format![RecursiveLeastSquares<2, T>, RecursiveLeastSquaresError];
}

fn all<T: Scalar + Format>() {
    activations();
    losses();
    int8();
    layers::<T>();
    optimizers::<T>();
    trainers::<T>();
    fits::<T>();
    metrics::<T>();
    preprocessing::<T>();
    #[cfg(feature = "stream")]
    streams::<T>();
    #[cfg(feature = "nalgebra-v0.35")]
    linear::<T>();
}

#[test]
fn types_of_both_numbers_are_format() {
    files();
    fixed_point();
    #[cfg(feature = "microfft-v0.6")]
    spectra();
    #[cfg(feature = "embedded-storage-async-v0.4")]
    stores();
    frames();
    all::<f32>();
    all::<f64>();
}

/// Bounded by what they hold, so that types of the user's own can be in them.
#[test]
fn types_of_any_layer_are_format_if_the_layer_is() {
    fn any<T: Scalar + Format, N>()
    where
        N: Layer<Format = T, Trace: Format, Gradient: Format> + Format + 'static,
    {
        are_format![Frozen<N>, Epoch<'static, N>, EarlyStopping<N>];
        are_format![AdamState<N::Gradient, T>, LayerTrace<T, N::Output, N::Activation>];
        are_format![Trainer<N, HalfSquaredError, Sgd<T>>, Batch<N, 8>];
        are_format![BatchTrainer<N, HalfSquaredError, Sgd<T>>];
    }
    any::<f32, Net<f32>>();
}

#[test]
fn every_public_type_is_in_the_lists() {
    let words = |text: &'static str| text.split(|c: char| !c.is_alphanumeric() && c != '_');
    let mut types = 0;
    for line in include_str!("public_api.txt").lines() {
        let Some((_, path)) = line.split_once("pub struct ").or(line.split_once("pub enum "))
        else {
            continue;
        };
        let path = path.split(['<', '(', ' ']).next().unwrap();
        let name = path.rsplit("::").next().unwrap();
        let lists = include_str!("defmt.rs").split_once("\ntype Net").unwrap().1;
        assert!(words(lists).any(|word| word == name), "{path} is in none of the lists");
        types += 1;
    }
    assert!(types > 40, "only {types} types in tests/public_api.txt");
}
