//! Networks from files of PyTorch: `load!` in a constant, and `safetensors::load` at run time.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "tests may panic"
)]

use core::mem::ManuallyDrop;

use gradlet::prelude::*;
use gradlet::safetensors::{self, File, Load, LoadError, Loaded, Reader, Safetensors};
use gradlet::{Deltas, LayerTrace, Samples, tensors};
use safetensors_oracle::SafeTensors;
use support::{assert_all_close, tolerance};

// PyTorch 2.15 on a CPU, in float64: `start.*` is a state_dict, `x` are samples with the channels
// last, `0.logits` are the outputs for the first.
const SEQUENCES: &[u8] = include_bytes!("layers/conv1d_pool_mean.safetensors");
const IMAGES: &[u8] = include_bytes!("layers/conv2d_depthwise.safetensors");
/// `nn.Conv1d` and `nn.BatchNorm1d`: `state.*` is a `state_dict`.
const NORMALISED: &[u8] = include_bytes!("layers/conv_batch_norm.safetensors");
/// A residual connection and a dense layer, `a` and `d`, with several states.
const BRANCHES: &[u8] = include_bytes!("layers/residual.safetensors");

type Sequences<T> = Chain<
    Conv1d<24, 3, 4, 5, 10, Relu, T, 2>,
    Chain<
        MaxPool1d<10, 4, 2, 5, T>,
        Chain<
            Conv1d<5, 4, 5, 3, 3, Relu, T>,
            Chain<GlobalMean<[[T; 5]; 3]>, Dense<5, 3, Identity, T>>,
        >,
    >,
>;

/// Without the pooling that the file's network has.
type Images<T> = Chain<
    Conv2d<8, 7, 2, 3, 3, 3, 6, 5, Relu, T>,
    Chain<
        DepthwiseConv2d<6, 5, 3, 3, 3, 3, 6, 5, Relu, T, 1, 1, 1, 1>,
        Chain<
            Conv2d<6, 5, 3, 4, 1, 1, 6, 5, Relu, T>,
            Chain<GlobalMean<[[[T; 4]; 5]; 6]>, Dense<4, 3, Identity, T>>,
        >,
    >,
>;

const SEQUENCE_NAMES: [&str; 4] = ["start.m.c1", "start.m.c2", "start.m.d", ".."];
const IMAGE_NAMES: [&str; 5] = ["start.m.c1", "start.m.dw", "start.m.pw", "start.m.d", ".."];

/// The numbers of a tensor.
fn numbers(file: &[u8], name: &str) -> Vec<f64> {
    let file = SafeTensors::deserialize(file).unwrap();
    let bytes = file.tensor(name).unwrap().data().chunks_exact(8);
    bytes.map(|bytes| f64::from_le_bytes(bytes.try_into().unwrap())).collect()
}

#[test]
fn constants_are_what_is_loaded_at_run_time() {
    const FIRST: &str = "start.m.c1";
    static SINGLE: Sequences<f32> =
        gradlet::load![SEQUENCES; FIRST, "start.m.c2", "start.m.d"; ".."];
    static DOUBLE: Sequences<f64> =
        gradlet::load![SEQUENCES; FIRST, "start.m.c2", "start.m.d"; ".."];
    assert_eq!(safetensors::from_bytes(SEQUENCES, &SEQUENCE_NAMES).as_ref(), Ok(&SINGLE));
    assert_eq!(safetensors::from_bytes(SEQUENCES, &SEQUENCE_NAMES).as_ref(), Ok(&DOUBLE));
    let x: [[[f64; 3]; 24]; 5] = array(&numbers(SEQUENCES, "x"));
    let wants = numbers(SEQUENCES, "0.logits");
    for (got, want) in DOUBLE.forward(&x[0]).iter().zip(wants) {
        assert!((got - want).abs() < 1e-12, "{got} {want}");
    }

    // The same layers, trained with less memory.
    type Compacts = net![
        f64; 24 x 3
        => Compact(Conv1d(4, 5, step 2) Relu | MaxPool(2) => Conv1d(5, 3) Relu | GlobalMean)
        => 3 Identity
    ];
    static COMPACT: Compacts = gradlet::load![SEQUENCES; FIRST, "start.m.c2", "start.m.d"; ".."];
    assert_eq!(COMPACT.forward(&x[0]).map(f64::to_bits), DOUBLE.forward(&x[0]).map(f64::to_bits));

    static SINGLE_IMAGES: Images<f32> = gradlet::load![
        IMAGES; "start.m.c1", "start.m.dw", "start.m.pw", "start.m.d"; ".."
    ];
    static DOUBLE_IMAGES: Images<f64> = gradlet::load![
        IMAGES; "start.m.c1", "start.m.dw", "start.m.pw", "start.m.d"; ".."
    ];
    assert_eq!(safetensors::from_bytes(IMAGES, &IMAGE_NAMES).as_ref(), Ok(&SINGLE_IMAGES));
    assert_eq!(safetensors::from_bytes(IMAGES, &IMAGE_NAMES).as_ref(), Ok(&DOUBLE_IMAGES));
    let filters = DOUBLE_IMAGES.first().filters();
    let filters = filters.as_flattened().as_flattened().as_flattened();
    assert_eq!(filters, numbers(IMAGES, "start.m.c1.weight"));
}

/// An array of arrays of arrays.
fn array<const A: usize, const B: usize, const C: usize>(numbers: &[f64]) -> [[[f64; A]; B]; C] {
    let mut array = [[[0.0; A]; B]; C];
    array.as_flattened_mut().as_flattened_mut().copy_from_slice(numbers);
    array
}

#[test]
fn layers_of_constants_are_loaded_alone() {
    static LAYER: Conv1d<24, 3, 4, 5, 10, Relu, f64, 2> = {
        match Safetensors::new(SEQUENCES) {
            Ok(file) => match Conv1d::<24, 3, 4, 5, 10, Relu, f64, 2>::from_safetensors(
                &file,
                SEQUENCE_NAMES[0],
            ) {
                Ok(layer) => layer,
                Err(_) => panic!(),
            },
            Err(_) => panic!(),
        }
    };
    let net: Sequences<f64> = safetensors::from_bytes(SEQUENCES, &SEQUENCE_NAMES).unwrap();
    assert_eq!(&LAYER, net.first());
    let file = Safetensors::new(IMAGES).unwrap();
    let layer = Conv2d::<8, 7, 2, 3, 3, 3, 6, 5, Relu>::from_safetensors(&file, IMAGE_NAMES[0]);
    let net: Images<f32> = safetensors::from_bytes(IMAGES, &IMAGE_NAMES).unwrap();
    assert_eq!(layer.as_ref(), Ok(net.first()));
}

/// In a constant, a frozen layer has its weights from the file too.
#[test]
fn frozen_layers_are_loaded_into_constants() {
    type Head<T> = Chain<GlobalMean<[[T; 5]; 3]>, Dense<5, 3, Identity, T>>;
    type Tail<T> = Chain<Conv1d<5, 4, 5, 3, 3, Relu, T>, Head<T>>;
    type Body<T> = Chain<Conv1d<24, 3, 4, 5, 10, Relu, T, 2>, MaxPool1d<10, 4, 2, 5, T>>;
    static NET: Chain<Frozen<Body<f32>>, Tail<f32>> =
        gradlet::load![SEQUENCES; "start.m.c1", "start.m.c2", "start.m.d"; ".."];
    let whole: Sequences<f32> = safetensors::from_bytes(SEQUENCES, &SEQUENCE_NAMES).unwrap();
    assert_eq!(NET.first().layer().first(), whole.first());
    assert_eq!(NET.rest(), whole.rest().rest());
    // At run time it keeps what it has.
    let mut net = NET.clone();
    net.visit_mut(|_, values| values.fill(0.0));
    safetensors::load(&mut net, SEQUENCES, &SEQUENCE_NAMES[1..]).unwrap();
    assert_eq!(net, NET);
}

/// Batch normalisation of another crate, with the tensors of PyTorch's.
#[derive(Clone, Debug, PartialEq)]
struct Norm<const L: usize, const C: usize> {
    weight: [f32; C],
    bias: [f32; C],
    mean: [f32; C],
    variance: [f32; C],
}

impl<const L: usize, const C: usize> Zero for Norm<L, C> {
    const ZERO: Self =
        Self { weight: [0.0; C], bias: [0.0; C], mean: [0.0; C], variance: [0.0; C] };
}

impl<const L: usize, const C: usize> Layer for Norm<L, C> {
    type Format = f32;
    type Input = [[f32; C]; L];
    type Output = [[f32; C]; L];
    type Activation = Identity;
    type Trace = LayerTrace<f32, [[f32; C]; L], Identity>;
    type Gradient = ();
    const MACS: usize = L * C;

    tensors! {
        weight: Buffer "weight" [C],
        bias: Buffer "bias" [C],
        mean: Buffer "running_mean" [C],
        variance: Buffer "running_var" [C],
    }

    fn logits(&self, input: &Self::Input, logits: &mut Self::Output) {
        for (z, x) in logits.as_flattened_mut().chunks_exact_mut(C).zip(input) {
            for (c, (z, x)) in z.iter_mut().zip(x).enumerate() {
                let scaled = (x - self.mean[c]) / (self.variance[c] + 1e-5).sqrt();
                *z = scaled * self.weight[c] + self.bias[c];
            }
        }
    }

    fn input_gradient<const K: usize>(&self, _: Samples<'_, Self, K>, _: Deltas<'_, Self, K>) {}
}

impl<F: File, const L: usize, const C: usize> Load<F> for Norm<L, C> {
    const LOADED: Loaded<Self> = match (
        Reader::<F, Self>::tensor_f32(0),
        Reader::<F, Self>::tensor_f32(1),
        Reader::<F, Self>::tensor_f32(2),
        Reader::<F, Self>::array_f32(3),
    ) {
        (Ok([weight]), Ok([bias]), Ok([mean]), Ok([[[variance]]])) => {
            Ok(ManuallyDrop::new(Self { weight, bias, mean, variance }))
        }
        (Err(error), ..) | (_, Err(error), ..) | (_, _, Err(error), _) | (.., Err(error)) => {
            Err(error)
        }
    };
}

#[test]
fn layers_of_other_crates_are_loaded_into_constants() {
    type Net = Chain<Conv1d<9, 2, 4, 3, 7, Identity>, Norm<7, 4>>;
    static NET: Net = gradlet::load![NORMALISED; "state.0", "state.1"; "x..", "y.."];
    let net = safetensors::from_bytes::<Net>(NORMALISED, &["state.0", "state.1", "x..", "y.."]);
    assert_eq!(net.as_ref(), Ok(&NET));
    let x: [[[f64; 2]; 9]; 3] = array(&numbers(NORMALISED, "x"));
    let y: [[[f64; 4]; 7]; 3] = array(&numbers(NORMALISED, "y"));
    for (x, y) in x.iter().zip(y) {
        let got = NET.forward(&x.map(|step| step.map(|x| x as f32)));
        for (got, want) in got.as_flattened().iter().zip(y.as_flattened()) {
            assert!((f64::from(*got).tanh() - want).abs() < 1e-6, "{got} {want}");
        }
    }
}

/// `Conv1d`, `BatchNorm1d`, `tanh`: in a constant, at run time, and folded.
#[test]
fn normalised_convolutions_are_loaded_and_folded() {
    type Net = net![f64; 9 x 2 => Conv1d(4, 3) Identity => BatchNorm Tanh];
    static NET: Net = gradlet::load![NORMALISED; "state.0", "state.1"; "x..", "y.."];
    let net = safetensors::from_bytes::<Net>(NORMALISED, &["state.0", "state.1", "x..", "y.."]);
    assert_eq!(net.as_ref(), Ok(&NET));
    let norm = NET.rest();
    assert_eq!(norm.weight().as_slice(), numbers(NORMALISED, "state.1.weight"));
    assert_eq!(norm.bias().as_slice(), numbers(NORMALISED, "state.1.bias"));
    assert_eq!(norm.mean().as_slice(), numbers(NORMALISED, "state.1.running_mean"));
    assert_eq!(norm.variance().as_slice(), numbers(NORMALISED, "state.1.running_var"));
    let folded: net![f64; 9 x 2 => Conv1d(4, 3) Tanh] =
        norm.fold_into_previous(NET.first()).unwrap();
    let x: [[[f64; 2]; 9]; 3] = array(&numbers(NORMALISED, "x"));
    let y: [[[f64; 4]; 7]; 3] = array(&numbers(NORMALISED, "y"));
    for (x, y) in x.iter().zip(y) {
        for (what, got) in [("net", NET.forward(x)), ("folded", folded.forward(x))] {
            assert_all_close(what, got.as_flattened(), y.as_flattened(), tolerance::F64_STEP);
        }
    }
    static SINGLE: BatchNorm<4, Tanh, [[[f32; 4]; 3]; 2]> =
        gradlet::load![NORMALISED; "state.1"; ".."];
    let single: BatchNorm<4> = safetensors::from_bytes(NORMALISED, &["state.1", ".."]).unwrap();
    assert_eq!((SINGLE.weight(), SINGLE.variance()), (single.weight(), single.variance()));
}

#[test]
fn a_layer_normalisation_is_loaded_into_a_constant() {
    const FILE: &[u8] = include_bytes!("layers/layer_norm.safetensors");
    type Net = net![f64; 4 => 6 Identity => LayerNorm Tanh => 3 Softmax];
    static NET: Net = gradlet::load![FILE; "start.m.d1", "start.m.n", "start.m.d2"; ".."];
    let names = ["start.m.d1", "start.m.n", "start.m.d2", ".."];
    assert_eq!(NET, safetensors::from_bytes::<Net>(FILE, &names).unwrap());
    assert_eq!(NET.rest().first().weight().as_slice(), numbers(FILE, "start.m.n.weight"));
    static SEQUENCE: LayerNorm<6, Identity, [[f32; 6]; 9]> =
        gradlet::load![FILE; "start.m.n"; ".."];
    assert!(
        SEQUENCE
            .bias()
            .iter()
            .zip(NET.rest().first().bias())
            .all(|(a, b)| (*a as f64 - b).abs() < 1e-6)
    );
}

#[test]
fn an_embedding_is_loaded_into_a_constant() {
    const FILE: &[u8] = include_bytes!("layers/embedding.safetensors");
    type Net<T> = net![T; 7 => Embedding(6, 3) => Gru(4) => 3 Softmax];
    static SINGLE: Net<f32> = gradlet::load![FILE; "start.m.e", "start.m.r", "start.m.d"; ".."];
    static DOUBLE: Net<f64> = gradlet::load![FILE; "start.m.e", "start.m.r", "start.m.d"; ".."];
    let names = ["start.m.e", "start.m.r", "start.m.d", ".."];
    assert_eq!(SINGLE, safetensors::from_bytes::<Net<f32>>(FILE, &names).unwrap());
    assert_eq!(DOUBLE, safetensors::from_bytes::<Net<f64>>(FILE, &names).unwrap());
    assert_eq!(DOUBLE.first().rows().as_flattened(), numbers(FILE, "start.m.e.weight"));
    let mut file = [0; 4000];
    let names = ["e", "r", "d"];
    let file = safetensors::save(&DOUBLE, &names, &mut file).unwrap();
    assert_eq!(safetensors::from_bytes::<Net<f64>>(file, &names).unwrap(), DOUBLE);
    assert_eq!(numbers(file, "e.weight"), numbers(FILE, "start.m.e.weight"));
}

#[test]
fn learned_slopes_are_loaded_into_constants() {
    const FILE: &[u8] = include_bytes!("layers/prelu.safetensors");
    type Net<T> = net![
        T; 8 x 2 => Conv1d(4, 3) Identity => PRelu => GlobalMean => 5 Identity => PRelu(1) => 3 Softmax
    ];
    const NAMES: [&str; 6] =
        ["start.m.c", "start.m.a", "start.m.d1", "start.m.b", "start.m.d2", ".."];
    static SINGLE: Net<f32> = gradlet::load![
        FILE; "start.m.c", "start.m.a", "start.m.d1", "start.m.b", "start.m.d2"; ".."
    ];
    static DOUBLE: Net<f64> = gradlet::load![
        FILE; "start.m.c", "start.m.a", "start.m.d1", "start.m.b", "start.m.d2"; ".."
    ];
    assert_eq!(SINGLE, safetensors::from_bytes::<Net<f32>>(FILE, &NAMES).unwrap());
    assert_eq!(DOUBLE, safetensors::from_bytes::<Net<f64>>(FILE, &NAMES).unwrap());
    assert_eq!(DOUBLE.rest().first().slopes().as_slice(), numbers(FILE, "start.m.a.weight"));
    static IMAGE: PRelu<4, [[[f64; 4]; 3]; 2]> = gradlet::load![FILE; "start.m.a"; ".."];
    static VECTOR: PRelu<4, [f64; 4]> = gradlet::load![FILE; "start.m.a"; ".."];
    assert_eq!((IMAGE.slopes(), VECTOR.slopes()), (&[0.25, -0.5, 0.1, 1.5], IMAGE.slopes()));
}

/// The names of each layer inside of another, in order.
#[test]
fn layers_around_layers_are_loaded_into_constants() {
    type Net = net![5 => Residual(5 Tanh) => Dropout(1 / 4) => 3 Softmax];
    static NET: Net = gradlet::load![BRANCHES; "start.m.a", "start.m.d"; ".."];
    let names = ["start.m.a", "start.m.d", ".."];
    assert_eq!(safetensors::from_bytes(BRANCHES, &names).as_ref(), Ok(&NET));

    type Both =
        net![f64; 5 => Residual(5 Tanh) + (5 Identity) Relu => Parallel((5 Relu), (3 Tanh))];
    static BOTH: Both = gradlet::load![
        BRANCHES; "start.m.a", "5.param.m.a", "20.param.m.a", "100.param.m.d"; ".."
    ];
    let names = ["start.m.a", "5.param.m.a", "20.param.m.a", "100.param.m.d", ".."];
    assert_eq!(safetensors::from_bytes(BRANCHES, &names).as_ref(), Ok(&BOTH));
    let weights = |layer: &Dense<5, 5, Identity, f64>| layer.rows();
    assert_eq!(
        weights(BOTH.first().projection()).as_flattened(),
        numbers(BRANCHES, "5.param.m.a.weight")
    );
    assert_eq!(BOTH.rest().second().bias().as_slice(), numbers(BRANCHES, "100.param.m.d.bias"));

    // A frozen branch has tensors to read, but none to learn.
    static FROZEN: Residual<Frozen<Dense<5, 5, Tanh>>, Dense<5, 5, Identity>, Relu> =
        gradlet::load![BRANCHES; "start.m.a", "5.param.m.a"; ".."];
    assert_eq!(FROZEN.layer().layer(), NET.first().layer());
    let projection = safetensors::from_bytes(BRANCHES, &["5.param.m.a", ".."]);
    assert_eq!(projection.as_ref(), Ok(FROZEN.projection()));
}

/// PyTorch counts batches while it trains; without a running mean the tensor is one too many.
#[test]
fn numbers_of_batches_belong_to_normalisations() {
    let net = safetensors::from_bytes::<Conv1d<9, 2, 4, 3, 7, Identity>>(
        NORMALISED,
        &[
            "state.0",
            "state.1.weight..",
            "state.1.bias..",
            "state.1.running_mean..",
            "state.1.running_var..",
            "x..",
            "y..",
        ],
    );
    let Err(LoadError::Unexpected { found }) = net else { panic!("{net:?}") };
    assert_eq!(found.as_str(), "state.1.num_batches_tracked");
}
