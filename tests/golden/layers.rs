//! Layers trained for 100 steps, against `PyTorch` 2.15 in `f64`: logits, losses,
//! gradients and parameters. Each network starts from the `start.*` tensors of its file.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests may panic"
)]

use gradlet::prelude::*;
use gradlet::{GruCell, LstmCell, Recurrent, Shape, safetensors};
use safetensors_oracle::SafeTensors;
use support::{Json, assert_all_close, assert_close, flat, flat_gradient, tolerance};

/// The elements of a tensor of a file.
fn numbers(file: &SafeTensors<'_>, name: &str) -> Vec<f64> {
    let bytes = file.tensor(name).unwrap().data();
    assert_eq!(bytes.len() % 8, 0);
    bytes.chunks_exact(8).map(|bytes| f64::from_le_bytes(bytes.try_into().unwrap())).collect()
}

/// Trains a network as PyTorch did; the file and its layers have these names.
fn check<N>(name: &str, layers: &[&str])
where
    N: Layer<Format = f64, Activation = Softmax> + Zero + Clone,
{
    let path = format!("{}/tests/golden/layers/{name}.safetensors", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let json = Json::file(&format!("layers/{name}"));
    // The parameters, or their gradient, that have this prefix in the file.
    let load = |prefix: &str| {
        let mut net = N::ZERO;
        let mut names: Vec<_> = layers.iter().map(|layer| format!("{prefix}.m.{layer}")).collect();
        names.push("..".to_owned());
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        safetensors::load(&mut net, &bytes, &names).unwrap();
        net
    };
    let (x, t) = (numbers(&file, "x"), numbers(&file, "target"));
    let examples = x.chunks_exact(N::Input::LEN).zip(t.chunks_exact(N::Output::LEN));
    let examples: Vec<_> = examples
        .map(|(x, t)| {
            let mut example = (N::Input::ZERO, N::Output::ZERO);
            example.0.as_mut_slice().copy_from_slice(x);
            example.1.as_mut_slice().copy_from_slice(t);
            example
        })
        .collect();
    assert_eq!(examples.len(), 5);

    let sgd = Sgd { learning_rate: json.at("lr").number() };
    let mut trainer = Trainer::<N, CrossEntropy, Sgd<f64>>::new();
    let mut batch = BatchTrainer::<N, CrossEntropy, Sgd<f64>>::new();
    let mut net = load("start");
    let mut step = 0;
    for mark in json.at("marks").list() {
        while step < mark.count() {
            let (x, t) = &examples[step % 5];
            trainer.step(&mut net, &sgd, x, t);
            step += 1;
        }
        let (x, t) = &examples[step % 5];
        let what = |of: &str| format!("{name}: {of} at {step}");
        let mut logits = N::Output::ZERO;
        net.logits(x, &mut logits);
        let want = numbers(&file, &format!("{step}.logits"));
        assert_all_close(&what("logits"), logits.as_slice(), &want, tolerance::F64_LONG);
        let want = flat(&load(&format!("{step}.param")));
        assert_all_close(&what("parameters"), &flat(&net), &want, tolerance::F64_LONG);
        let loss = json.at("losses").at(&step.to_string()).number();
        assert_close(&what("loss"), trainer.evaluate(&net, x, t), loss, tolerance::F64_LONG);
        if step < 2 {
            batch.clear();
            batch.accumulate(&net, x, t);
            let want = flat(&load(&format!("{step}.grad")));
            let gradient = flat_gradient::<N>(batch.gradient());
            assert_all_close(&what("gradient"), &gradient, &want, tolerance::F64_LONG);
        }
    }
    assert_eq!(step, 100);
}

type Classes<const IN: usize, const OUT: usize> = Dense<IN, OUT, Softmax, f64>;

#[test]
fn two_convolutions_and_max_pooling_match_golden() {
    type Second = Conv1d<5, 4, 5, 3, 3, Relu, f64>;
    type Tail = Chain<Second, Chain<GlobalMean<[[f64; 5]; 3]>, Classes<5, 3>>>;
    type First = Conv1d<24, 3, 4, 5, 10, Relu, f64, 2>;
    type Net = Chain<First, Chain<MaxPool1d<10, 4, 2, 5, f64>, Tail>>;
    check::<Net>("conv1d_pool_mean", &["c1", "c2", "d"]);
}

#[test]
fn a_padded_dilated_convolution_in_groups_matches_golden() {
    type First = Conv1d<10, 4, 6, 3, 10, Tanh, f64, 1, 2, 2, 2>;
    type Net = Chain<First, Chain<FlattenChannelsLast<[[f64; 6]; 10], 60>, Classes<60, 3>>>;
    check::<Net>("conv1d_same_dilated_groups", &["c1", "d"]);
}

#[test]
fn a_causal_convolution_and_mean_pooling_match_golden() {
    type First = Conv1d<12, 2, 4, 3, 12, Relu, f64, 1, 2>;
    type Tail = Chain<MeanPool1d<12, 4, 2, 6, f64>, Chain<GlobalMax<[[f64; 4]; 6]>, Classes<4, 2>>>;
    check::<Chain<First, Tail>>("conv1d_causal", &["c1", "d"]);
}

#[test]
fn a_depthwise_convolution_of_images_matches_golden() {
    // PyTorch's pooling leaves out the last of 5 columns, so it is not computed.
    type First = Conv2d<8, 7, 2, 3, 3, 3, 6, 4, Relu, f64>;
    type Depthwise = DepthwiseConv2d<3, 2, 3, 3, 3, 3, 3, 2, Relu, f64, 1, 1, 1, 1>;
    type Pointwise = Conv2d<3, 2, 3, 4, 1, 1, 3, 2, Relu, f64>;
    type Tail = Chain<Pointwise, Chain<GlobalMean<[[[f64; 4]; 2]; 3]>, Classes<4, 3>>>;
    type Net = Chain<First, Chain<MaxPool2d<6, 4, 3, 2, 2, 3, 2, f64>, Chain<Depthwise, Tail>>>;
    check::<Net>("conv2d_depthwise", &["c1", "dw", "pw", "d"]);
}

/// `y = d(x + tanh(a(x)))`.
#[test]
fn a_residual_connection_matches_golden() {
    type Net = Chain<Residual<Dense<5, 5, Tanh, f64>>, Classes<5, 3>>;
    check::<Net>("residual", &["a", "d"]);
}

/// The last state of a recurrent layer, or all of them, time-major.
#[test]
fn recurrent_layers_match_golden() {
    type Flat<const H: usize, const N: usize> = FlattenChannelsLast<[[f64; H]; 5], N>;
    type All<K, const G: usize> = Recurrent<K, [[f64; 2]; 5], [[f64; 3]; 5], 2, 3, G, f64>;
    check::<Chain<Rnn<8, 2, 5, f64>, Classes<5, 2>>>("rnn_tanh", &["r", "d"]);
    check::<Chain<Gru<7, 3, 4, 12, f64>, Classes<4, 3>>>("gru_last", &["r", "d"]);
    check::<Chain<All<GruCell, 9>, Chain<Flat<3, 15>, Classes<15, 2>>>>("gru_all", &["r", "d"]);
    check::<Chain<Lstm<7, 3, 4, 16, f64>, Classes<4, 3>>>("lstm_last", &["r", "d"]);
    check::<Chain<All<LstmCell, 12>, Chain<Flat<3, 15>, Classes<15, 2>>>>("lstm_all", &["r", "d"]);
}

/// `Linear`, `LayerNorm`, tanh, `Linear`.
#[test]
fn layer_normalisation_matches_golden() {
    type Net = net![f64; 4 => 6 Identity => LayerNorm Tanh => 3 Softmax];
    check::<Net>("layer_norm", &["d1", "n", "d2"]);
}

/// `Embedding`, `GRU`, `Linear`.
#[test]
fn embeddings_match_golden() {
    check::<net![f64; 7 => Embedding(6, 3) => Gru(4) => 3 Softmax]>("embedding", &["e", "r", "d"]);
}

/// `Conv1d`, `PReLU(4)`, a mean, `Linear`, `PReLU()`, `Linear`.
#[test]
fn learned_slopes_match_golden() {
    type Net = net![
        f64; 8 x 2 => Conv1d(4, 3) Identity => PRelu => GlobalMean => 5 Identity => PRelu(1) => 3 Softmax
    ];
    check::<Net>("prelu", &["c", "a", "d1", "b", "d2"]);
}

#[test]
fn stacked_recurrent_layers_match_golden() {
    type Net = net![f64; 6 x 2 => Gru(3, all) => Gru(3) => 2 Softmax];
    check::<Net>("gru_two_layers", &["r", "r.*_l1", "d"]);
}

#[test]
fn recurrent_layers_of_both_directions_match_golden() {
    type Net = net![f64; 6 x 2 => Gru(3, all, bidirectional) => FlattenChannelsLast => 2 Softmax];
    check::<Net>("gru_both_directions", &["r", "r.*_l0_reverse", "d"]);
}

/// `Linear`, `BatchNorm1d`, `ReLU`, `Linear` in evaluation mode, and folded into the first.
#[test]
fn batch_normalisation_matches_golden_also_when_folded() {
    type Last = Dense<6, 3, Identity, f64>;
    type Norm = BatchNorm<6, Relu, [f64; 6]>;
    type Net = Chain<Dense<4, 6, Identity, f64>, Chain<Norm, Last>>;
    let bytes = include_bytes!("layers/batch_norm.safetensors");
    let file = SafeTensors::deserialize(bytes).unwrap();
    let names = ["state.0", "state.1", "state.3", ".."];
    let net = safetensors::from_bytes::<Net>(bytes, &names).unwrap();
    let norm = net.rest().first();
    assert_eq!(norm.variance().as_slice(), numbers(&file, "state.1.running_var"));
    let (first, rest) = net.clone().into_parts();
    let (norm, last) = rest.into_parts();
    let folded: Mlp<4, 6, 3, Relu, Identity, f64> =
        Chain::new(norm.fold_into_previous(&first).unwrap(), last);
    let (x, y) = (numbers(&file, "x"), numbers(&file, "y"));
    let samples: Vec<_> = x.chunks_exact(4).zip(y.chunks_exact(3)).collect();
    assert_eq!(samples.len(), 8);
    for (x, y) in samples {
        let x = x.try_into().unwrap();
        assert_all_close("y", &net.forward(x), y, tolerance::F64_STEP);
        assert_all_close("folded", &folded.forward(x), y, tolerance::F64_STEP);
    }
}
