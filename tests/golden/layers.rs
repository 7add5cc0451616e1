//! Networks trained by PyTorch in `f64`: plain SGD with rate 0.1, one of five samples after the other.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests may panic"
)]

use core::fmt::Debug;

use gradlet::prelude::*;
use gradlet::safetensors::{self, Safetensors};
use gradlet::{EndsIn, LayerTrace, Shape};
use safetensors_oracle::SafeTensors;
use serde_json::Value;
use support::{assert_all_close, flat, tolerance};

/// The `f64` numbers of a tensor.
fn numbers(file: &SafeTensors<'_>, name: &str) -> Vec<f64> {
    let tensor = file.tensor(name).unwrap();
    tensor.data().chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect()
}

/// The rows of a tensor, as arrays of a shape.
fn rows<Y: Shape<Element = f64>>(file: &SafeTensors<'_>, name: &str) -> Vec<Y> {
    let rows = numbers(file, name);
    assert_eq!(rows.len() % Y::LEN, 0);
    let row = |row: &[f64]| {
        let mut array = Y::ZERO;
        array.as_mut_slice().copy_from_slice(row);
        array
    };
    rows.chunks_exact(Y::LEN).map(row).collect()
}

/// A network whose parameters are those of the file under a prefix; the modules have these names.
fn network<N: Layer<Format = f64> + Zero>(bytes: &[u8], prefix: &str, modules: &[&str]) -> N {
    let names: Vec<_> = modules.iter().map(|module| format!("{prefix}.{module}")).collect();
    let mut names: Vec<_> = names.iter().map(String::as_str).collect();
    names.push("..");
    let mut net = N::ZERO;
    safetensors::load(&mut net, bytes, &names).unwrap();
    assert!(Safetensors::new(bytes).is_ok());
    net
}

/// Trains a network as PyTorch did, and compares all that the file has.
fn follow<N>(bytes: &[u8], json: &str, modules: &[&str])
where
    N: Layer<Format = f64, Activation = Softmax> + Zero + Clone + Debug,
{
    let file = SafeTensors::deserialize(bytes).unwrap();
    let json: Value = serde_json::from_str(json).unwrap();
    let (x, t) = (rows::<N::Input>(&file, "x"), rows::<N::Output>(&file, "target"));
    let mut net = network::<N>(bytes, "start", modules);
    let mut trainer = Trainer::<N, CrossEntropy, Sgd<f64>>::new();
    let mut compared = 0;
    for step in 0..=100 {
        let (x, t) = (&x[step % 5], &t[step % 5]);
        if let Some(loss) = json["losses"].get(step.to_string()) {
            let close = |what: &str, got: &[f64], want: &[f64]| {
                assert_all_close(&format!("{step} {what}"), got, want, tolerance::F64_LONG);
            };
            close("loss", &[trainer.evaluate(&net, x, t)], &[loss.as_f64().unwrap()]);
            let mut trace = N::Trace::ZERO;
            net.forward_trace([x], [&mut trace]);
            let last: &LayerTrace<_, _, _> = trace.last();
            close("logits", last.output().as_slice(), &numbers(&file, &format!("{step}.logits")));
            let at_mark = network::<N>(bytes, &format!("{step}.param"), modules);
            close("parameters", &flat(&net), &flat(&at_mark));
            if step < 2 {
                let mut batch = BatchTrainer::<N, CrossEntropy, Sgd<f64>>::new();
                batch.accumulate(&net, x, t);
                let gradient = network::<N>(bytes, &format!("{step}.grad"), modules);
                let got = support::flat_gradient::<N>(batch.gradient());
                close("gradient", &got, &flat(&gradient));
            }
            compared += 1;
        }
        trainer.step(&mut net, &Sgd { learning_rate: 0.1 }, x, t);
    }
    assert_eq!(compared, 6);
}

/// `y = d(x + tanh(a(x)))`.
#[test]
fn residual_follows_pytorch() {
    type Net = Chain<Residual<Dense<5, 5, Tanh, f64>>, Dense<5, 3, Softmax, f64>>;
    follow::<Net>(
        include_bytes!("layers/residual.safetensors"),
        include_str!("layers/residual.json"),
        &["m.a", "m.d"],
    );
}

/// `Linear`, `BatchNorm1d`, `ReLU`, `Linear` in evaluation mode, and folded into the first.
#[test]
fn batch_norm_gives_what_pytorch_does_also_when_folded() {
    type Last = Dense<6, 3, Identity, f64>;
    type Norm = BatchNorm<6, Relu, [f64; 6]>;
    type Net = Chain<Dense<4, 6, Identity, f64>, Chain<Norm, Last>>;
    let bytes = include_bytes!("layers/batch_norm.safetensors");
    let file = SafeTensors::deserialize(bytes).unwrap();
    let net = network::<Net>(bytes, "state", &["0", "1", "3"]);
    let norm = net.rest().first();
    assert_eq!(norm.variance().as_slice(), numbers(&file, "state.1.running_var"));
    let (first, rest) = net.clone().into_parts();
    let (norm, last) = rest.into_parts();
    let folded: Mlp<4, 6, 3, Relu, Identity, f64> =
        Chain::new(norm.fold_into_previous(&first).unwrap(), last);
    let samples = rows::<[f64; 4]>(&file, "x").into_iter().zip(rows::<[f64; 3]>(&file, "y"));
    assert_eq!(samples.len(), 8);
    for (x, y) in samples {
        assert_all_close("y", &net.forward(&x), &y, tolerance::F64_STEP);
        assert_all_close("folded", &folded.forward(&x), &y, tolerance::F64_STEP);
    }
}
