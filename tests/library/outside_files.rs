//! Layers of other crates in files and as source: of a convolution and a recurrent unit only the list of
//! tensors is known.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::float_cmp,
    reason = "tests may panic, and compare exactly"
)]

use std::fmt;

use crate::outside_layers as outside;
use gradlet::prelude::*;
use gradlet::safetensors::{self, LoadError, Safetensors, SaveError};
use gradlet::{Kind, Weight};
use outside::{Conv1d, Gru, MaxPool};
use safetensors_oracle::SafeTensors;

/// With the names and shapes of PyTorch; see `tests/python/files.py`.
const FILE: &[u8] = include_bytes!("../weights/sequence.safetensors");
const CASES: &[u8] = include_bytes!("../weights/sequence_cases.safetensors");
const NAMES: [&str; 2] = ["conv", "gru"];

type Conv<T = f32> = Conv1d<2, 3, 9, 6, 8, T>;
type Net<T = f32> = Chain<Conv<T>, Gru<3, 4, 6, 12, T>>;

const _: () = assert!(safetensors::file_size::<Net>(&NAMES).unwrap() == FILE.len());

fn net<T: Scalar>() -> Net<T> {
    safetensors::from_bytes(FILE, &NAMES).unwrap()
}

/// A file without the tensors whose names contain a text.
fn without(text: &str) -> Vec<u8> {
    let file = SafeTensors::deserialize(FILE).unwrap();
    let left = file.tensors().into_iter().filter(|(name, _)| !name.contains(text));
    safetensors_oracle::serialize(left, None).unwrap()
}

#[test]
fn loaded_files_are_written_as_they_were() {
    let mut buffer = vec![0xaa; FILE.len()];
    assert_eq!(safetensors::save(&net::<f32>(), &NAMES, &mut buffer), Ok(FILE));
    #[cfg(feature = "embedded-io-v0.7")]
    {
        let mut file = Vec::new();
        safetensors::write(&net::<f32>(), &NAMES, &mut file).unwrap();
        assert_eq!(file, FILE);
    }
    let wide = net::<f64>();
    let mut buffer = vec![0; safetensors::file_size::<Net<f64>>(&NAMES).unwrap()];
    let file = safetensors::save(&wide, &NAMES, &mut buffer).unwrap();
    assert_eq!(safetensors::from_bytes::<Net<f64>>(file, &NAMES).as_ref(), Ok(&wide));
}

#[test]
fn outputs_are_those_of_the_definitions() {
    let x: Dense<2, 9> = safetensors::from_bytes(CASES, &["x", ".."]).unwrap();
    let want: Dense<4, 6> = safetensors::from_bytes(CASES, &["states", ".."]).unwrap();
    let got = net::<f32>().forward(&x.rows());
    for (got, want) in got.as_flattened().iter().zip(want.rows().as_flattened()) {
        assert!((got - want).abs() < 1e-6, "{got} {want}");
    }
}

#[test]
fn errors_name_tensors_of_any_layer() {
    type Short = Chain<Conv1d<2, 3, 9, 7, 6>, Gru<3, 4, 7, 12>>;
    let error = safetensors::from_bytes::<Short>(FILE, &NAMES).unwrap_err();
    assert_eq!(
        error.to_string(),
        "tensor `conv.weight` has the shape [3, 2, 4] in the file, but the network needs [3, 2, 3]"
    );
    let file = without("weight_hh");
    let error = safetensors::from_bytes::<Net>(&file, &NAMES).unwrap_err();
    assert!(matches!(error, LoadError::Missing { layer: "gru", part: "weight_hh_l0", .. }));
    assert!(
        error.to_string().starts_with(
            "tensor `gru.weight_hh_l0` is not in the file, which has gru.weight_ih_l0, "
        ),
        "{error}"
    );
    let error = safetensors::from_bytes::<Conv>(FILE, &["conv"]).unwrap_err();
    let LoadError::Unexpected { found } = error else { panic!("{error}") };
    assert_eq!(found.to_string(), "gru.bias_hh_l0, gru.bias_ih_l0, gru.weight_hh_l0, and 1 more");
    assert!(safetensors::from_bytes::<Conv>(FILE, &["conv", "gru.."]).is_ok());
    let error = safetensors::from_bytes::<Net>(FILE, &["conv"]).unwrap_err();
    assert_eq!(error, LoadError::Names { expected: 2, found: 1 });

    let mut file = FILE.to_vec();
    let last = file.len() - 4;
    file.get_mut(last..).unwrap().copy_from_slice(&f32::NAN.to_le_bytes());
    let (layer, part, index) = ("gru", "weight_ih_l0", 35);
    let mut net = net();
    let before = net.clone();
    let error = safetensors::load(&mut net, &file, &NAMES).unwrap_err();
    assert_eq!(error, LoadError::NotFinite { layer, part, index });
    assert_eq!(net, before);
    net.first_mut().bias[1] = f32::INFINITY;
    let error = safetensors::save(&net, &NAMES, &mut [0; 2000]).unwrap_err();
    assert_eq!(error, SaveError::NotFinite);
}

/// As PyTorch leaves them out with `bias=False`.
#[test]
fn biases_that_are_not_there_are_zero() {
    let (mut net, mut biases) = (net::<f32>(), 0);
    safetensors::load(&mut net, &without("bias"), &NAMES).unwrap();
    net.visit(|tensor, values| {
        let is_bias = tensor.kind == Kind::Bias;
        assert_eq!(values.iter().all(|&value| value == 0.0), is_bias, "{tensor:?}");
        biases += usize::from(is_bias);
    });
    assert_eq!(biases, 3);
}

#[test]
fn tensors_of_any_rank_are_read_in_constants() {
    const fn unwrap<T: Copy>(result: Result<T, LoadError<'_>>) -> T {
        match result {
            Ok(value) => value,
            Err(_) => panic!(),
        }
    }
    static CONV: Conv = {
        let file = unwrap(Safetensors::new(FILE));
        unwrap(file.expect_only::<Net>(&NAMES));
        let (weight, bias) = (Conv::<f32>::TENSORS.get(0), Conv::<f32>::TENSORS.get(1));
        let [bias] = unwrap(file.tensor_f32("conv", bias.unwrap()));
        Conv1d { weights: unwrap(file.tensor_f32("conv", weight.unwrap())), bias }
    };
    static WIDE: [[f64; 3]; 8] = unwrap(
        unwrap(Safetensors::new(FILE)).tensor_f64("conv", Conv::<f64>::TENSORS.get(0).unwrap()),
    );
    assert_eq!(&CONV, net().first());
    assert_eq!(WIDE, net::<f64>().first().weights);
    let file = Safetensors::new(FILE).unwrap();
    let weight = Conv::<f32>::TENSORS.get(0).unwrap();
    assert_eq!(file.tensor_f32::<4, 8>("conv", weight), Err(LoadError::Undescribed));
    assert_eq!(file.array_f32::<3, 2, 4, 2>("conv", weight), Err(LoadError::Undescribed));
    let [array] = file.array_f32("conv", weight).unwrap();
    let array: &[[[f32; 3]; 2]; 4] = &array;
    assert_eq!(array.as_flattened(), net::<f32>().first().weights);
}

impl<const C: usize, const O: usize, const L: usize, const M: usize, const R: usize, T: Scalar>
    ToSource for Conv1d<C, O, L, M, R, T>
{
    fn write_source(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (weights, bias) = (self.weights.to_source(), self.bias.to_source());
        f.debug_struct("Conv1d").field("weights", &weights).field("bias", &bias).finish()
    }
}

impl<const C: usize, const L: usize, const M: usize, T> ToSource for MaxPool<C, L, M, T> {
    fn write_source(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Zero::ZERO")
    }
}

type Features = Chain<Frozen<Conv>, Chain<MaxPool<3, 6, 3, f32>, Conv1d<3, 2, 3, 2, 6>>>;

/// What was printed, compiled.
static READ: Features = include!("../weights/source_sequence.rs");

#[test]
fn printed_layers_are_those_that_were_compiled() {
    let conv = Frozen::new(net().first().clone());
    let mut features = Features::new(conv, Zero::ZERO);
    features.rest_mut().visit_mut(|_, values| values.fill(0.5));
    let text = format!("{}\n", features.to_source());
    assert_eq!(text, include_str!("../weights/source_sequence.rs"));
    assert_eq!(READ, features);
}

/// With nothing written for it.
#[test]
fn tensors_of_any_layer_are_printed() {
    fn text<N: Layer<Format = f32>>(net: &N) -> Vec<String> {
        let mut lines = vec![];
        net.visit(|tensor, values: &[Weight<N>]| {
            lines.push(format!("{} {:?} {}", tensor.name, tensor.shape, values.to_source()));
        });
        lines
    }
    let lines = text(net().rest());
    let starts =
        ["weight_ih_l0 [12, 3] [", "weight_hh_l0 [12, 4] [", "bias_ih_l0 [12] [", "bias_hh_l0"];
    for (line, start) in lines.iter().zip(starts) {
        assert!(line.starts_with(start), "{line}");
    }
    assert_eq!(lines.len(), starts.len());
    // In the order of memory, which is that of the file for vectors.
    let bias = lines.get(2).unwrap().split_once("[12] ").unwrap().1;
    let numbers: Vec<f32> = serde_json::from_str(bias).unwrap();
    let file = SafeTensors::deserialize(FILE).unwrap();
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    assert_eq!(file.tensor("gru.bias_ih_l0").unwrap().data(), bytes);
}
