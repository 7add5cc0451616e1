//! Files of networks in int8: of the Python library, and of `MLPerf`'s keyword spotting.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "tests may panic, and compare exactly"
)]

use std::collections::BTreeMap;

use gradlet::Shape;
use gradlet::prelude::*;
use gradlet::quantized::{Exact, Quantize, TwoProducts};
use gradlet::safetensors::{Dtype, LoadError, ReadInt8, Safetensors, SaveError};
use safetensors_oracle::tensor::TensorView;
use safetensors_oracle::{Dtype as Theirs, SafeTensors, serialize};
use support::Rng;

use super::quantized::{KEYWORDS, Scales, int8, keywords, shaped, with_large_stack};

type Net = net![
    8 x 2 => Conv1d(3, 3) Tanh | MaxPool(2) => FlattenChannelsLast => 4 Relu => 2 Softmax
];

/// Of `tests/python/files.py`.
const FILE: &[u8] = include_bytes!("../weights/int8.safetensors");
const NAMES: [&str; 3] = ["conv", "hidden", "output"];

static NET: Quantized<Net> = gradlet::load![FILE; "conv", "hidden", "output"];
static TWO_PRODUCTS: Quantized<Net, TwoProducts> = gradlet::load![FILE; "conv", "hidden", "output"];

fn parsed(file: &[u8]) -> Safetensors<'_> {
    Safetensors::new(file).unwrap()
}

/// Saved, loaded and saved again.
#[track_caller]
fn check_round_trip<N: Quantize<Int8<R>: ReadInt8>, R: gradlet::quantized::Rounding>(
    net: &Quantized<N, R>,
    names: &[&str],
) -> Vec<u8> {
    let mut buffer = vec![0; Quantized::<N, R>::file_size(names).unwrap()];
    let file = net.save(names, &mut buffer).unwrap().to_vec();
    assert_eq!(file.len(), buffer.len());
    SafeTensors::deserialize(&file).unwrap();
    let again = Quantized::<N, R>::from_safetensors(&parsed(&file), names).unwrap();
    assert_eq!(again, *net);
    assert_eq!(again.save(names, &mut buffer).unwrap(), file);
    file
}

/// Loaded at run time and by the compiler, it has the bits of the definition; saved, the bytes of Python.
#[test]
fn a_file_of_python_is_loaded_and_saved_again() {
    let net = Quantized::<Net>::from_safetensors(&parsed(FILE), &NAMES).unwrap();
    assert_eq!(net, NET);
    assert!(check_round_trip(&NET, &NAMES) == FILE);
    assert_eq!((NET.input().scale(), NET.input().zero_point()), (1.0 / 64.0, 3));
    assert_eq!((NET.output().scale(), NET.output().zero_point()), (1.0 / 256.0, -128));

    // The network in real numbers, from the numbers of the file.
    let oracle = SafeTensors::deserialize(FILE).unwrap();
    let float = |name: &str| {
        let tensor = oracle.tensor(name).unwrap();
        let words = tensor.data().chunks_exact(4).map(|word| word.try_into().unwrap());
        words.map(f32::from_le_bytes).collect::<Vec<_>>()
    };
    let layer = |name: &str| {
        let (scales, input) =
            (float(&format!("{name}.weight_scale")), float(&format!("{name}.input_scale")));
        let weights = int8(FILE, &format!("{name}.weight"));
        let of_each = weights.len() / scales.len();
        let tensor = oracle.tensor(&format!("{name}.bias")).unwrap();
        let biases = tensor.data().chunks_exact(4).map(|word| word.try_into().unwrap());
        let biases: Vec<_> = biases.map(i32::from_le_bytes).collect();
        let weight = |i: usize| f32::from(weights[i]) * scales[i / of_each];
        let weights: Vec<_> = (0..weights.len()).map(weight).collect();
        let bias = |o: usize| biases[o] as f32 * scales[o] * input[0];
        let bias: Vec<_> = (0..scales.len()).map(bias).collect();
        (weights, bias)
    };
    let mut real = Net::ZERO;
    let mut buffer = vec![0; gradlet::safetensors::file_size::<Net>(&NAMES).unwrap()];
    let file = gradlet::safetensors::save(&real, &NAMES, &mut buffer).unwrap();
    let shapes = SafeTensors::deserialize(file).unwrap();
    let mut tensors = BTreeMap::new();
    for name in NAMES {
        let (weights, bias) = layer(name);
        for (part, numbers) in [("weight", weights), ("bias", bias)] {
            let name = format!("{name}.{part}");
            let shape = shapes.tensor(&name).unwrap().shape().to_vec();
            let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
            tensors.insert(name, (shape, bytes));
        }
    }
    let views = tensors.iter().map(|(name, (shape, bytes))| {
        (name, TensorView::new(Theirs::F32, shape.clone(), bytes).unwrap())
    });
    let file = serialize(views, None).unwrap();
    gradlet::safetensors::load(&mut real, &file, &NAMES).unwrap();
    let mut rng = Rng(4);
    let mut differ = 0;
    for _ in 0..200 {
        let x = [[(); 2]; 8].map(|step| step.map(|()| rng.range(-2.0, 1.9) as f32));
        let (y, z) = (NET.forward(&x)[0], real.forward(&x)[0]);
        assert!((y - z).abs() < 0.2, "{y} {z}");
        differ += u32::from(y.to_bits() != TWO_PRODUCTS.forward(&x)[0].to_bits());
    }
    assert!(differ < 100);
}

/// The scales of a file are found again from factors of 31 and of 15 bits.
#[test]
fn keyword_spotting_survives_a_file() {
    with_large_stack(|| {
        let names = ["conv0", "dw1", "pw1", "dw2", "pw2", "dw3", "pw3", "dw4", "pw4", "dense"];
        let net = keywords::<Exact>();
        let file = check_round_trip(&net, &names);
        for name in names {
            let want = Scales::of("keywords").weights::<64>(name);
            let oracle = SafeTensors::deserialize(&file).unwrap();
            let found = oracle.tensor(&format!("{name}.weight_scale")).unwrap().data().to_vec();
            let want: Vec<u8> = want.iter().flat_map(|scale| scale.to_le_bytes()).collect();
            assert_eq!(found[..], want[..found.len()], "{name}");
        }
        let _ = check_round_trip(&keywords::<TwoProducts>(), &names);
        let again = Quantized::<super::mlperf::networks::Keywords>::from_safetensors(
            &parsed(&file),
            &names,
        )
        .unwrap();
        let (inputs, softmax) = (int8(KEYWORDS, "input"), int8(KEYWORDS, "softmax"));
        for (x, want) in inputs.chunks_exact(490).zip(softmax.chunks_exact(12)) {
            assert_eq!(again.run(&shaped(x)), *want);
        }
    });
}

/// Networks with all kinds of layers, calibrated with inputs of any size.
#[test]
fn any_network_survives_a_file() {
    fn check<N>(names: &[&str])
    where
        N: Quantize + Zero,
        N::Int8<Exact>: ReadInt8,
        N::Int8<TwoProducts>: ReadInt8,
    {
        let (mut rng, mut count) = (Rng(5), 0);
        for size in [1e-20, 1e-3, 1.0, 1e3, 1e15] {
            let mut net = N::ZERO;
            net.visit_mut(|_, values| values.fill_with(|| rng.range(-size, size) as f32));
            let inputs = [(); 4].map(|()| {
                let mut x = N::Input::ZERO;
                x.as_mut_slice().fill_with(|| rng.range(-1.0, 1.0) as f32);
                x
            });
            // All outputs of a ReLU may be 0.
            let Ok(exact) = Quantized::<N>::calibrate(&net, &inputs) else { continue };
            count += 1;
            let _ = check_round_trip(&exact, names);
            let two_products = Quantized::<N, TwoProducts>::calibrate(&net, &inputs).unwrap();
            let _ = check_round_trip(&two_products, names);
        }
        assert!(count > 2, "{count}");
    }
    check::<net![5 => 7 Elu => 3 Identity]>(&["a", "b"]);
    check::<net![8 x 4 => Conv1d(5, 3, padding same) Relu6 => GlobalMean => 3 Softplus]>(&[
        "a", "b",
    ]);
    check::<net![6 x 6 x 2 => Conv2d(4, 3 x 3) Sigmoid | MaxPool(2 x 2) => Flatten => 3 Relu]>(&[
        "0", "3.*_x",
    ]);
    check::<net![5 => 2 Sigmoid]>(&["é\"\n"]);
}

#[test]
fn names_are_checked() {
    let mut buffer = [0; 3000];
    let error = NET.save(&["a", "b"], &mut buffer);
    assert_eq!(error, Err(SaveError::Names { expected: 3, found: 2 }));
    let error = NET.save(&["a", "b", "a"], &mut buffer);
    assert_eq!(error, Err(SaveError::Duplicate { layer: "a" }));
    // A weight and a scale, whose dtypes differ, with one name.
    let error = NET.save(&["a.*_scale", "a", "b"], &mut buffer);
    assert_eq!(error, Err(SaveError::Duplicate { layer: "a.*_scale" }));
    assert_eq!(Quantized::<Net>::file_size(&["a.*_scale", "a", "b"]), None);
    assert_eq!(buffer, [0; 3000]);
    let needed = FILE.len();
    let error = NET.save(&NAMES, &mut buffer[..needed - 1]);
    assert_eq!(error, Err(SaveError::Buffer { needed, found: needed - 1 }));
    let error = Quantized::<Net>::from_safetensors(&parsed(FILE), &["conv", "output"]);
    assert_eq!(error, Err(LoadError::Names { expected: 3, found: 2 }));
}

/// The file with some of its tensors changed.
fn changed(change: impl Fn(&str, &mut Theirs, &mut Vec<usize>, &mut Vec<u8>) -> bool) -> Vec<u8> {
    let file = SafeTensors::deserialize(FILE).unwrap();
    let mut tensors = Vec::new();
    for (name, tensor) in file.tensors() {
        let (mut dtype, mut shape) = (tensor.dtype(), tensor.shape().to_vec());
        let mut data = tensor.data().to_vec();
        if change(&name, &mut dtype, &mut shape, &mut data) {
            tensors.push((name, dtype, shape, data));
        }
    }
    let views = tensors.iter().map(|(name, dtype, shape, data)| {
        (name, TensorView::new(*dtype, shape.clone(), data).unwrap())
    });
    serialize(views, None).unwrap()
}

/// The error for a file without a tensor, or with these bytes in it.
fn with_bytes(tensor: &str, bytes: Option<&[u8]>) -> Option<LoadError<'static>> {
    let file = changed(|name, _, _, data| {
        if name == tensor {
            let Some(bytes) = bytes else { return false };
            data[..bytes.len()].copy_from_slice(bytes);
        }
        true
    });
    Quantized::<Net>::from_safetensors(&parsed(&file), &NAMES).err()
}

#[test]
fn missing_tensors_are_errors_but_for_biases() {
    for (name, _) in SafeTensors::deserialize(FILE).unwrap().tensors() {
        let error = with_bytes(&name, None);
        let (layer, part) = name.split_once('.').unwrap();
        match error {
            None => assert_eq!(part, "bias"),
            Some(LoadError::Missing { layer: found_layer, part: found_part, .. }) => {
                assert_eq!((found_layer, found_part), (layer, part));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn other_dtypes_and_shapes_are_errors() {
    for (name, tensor) in SafeTensors::deserialize(FILE).unwrap().tensors() {
        // All numbers have 4 bytes in place of 1 or the other way round.
        let is_wide = matches!(tensor.dtype(), Theirs::F32 | Theirs::I32);
        let file = changed(|other, dtype, _, data| {
            if other == name {
                (*dtype, *data) = if is_wide {
                    (Theirs::I8, vec![1; data.len() / 4])
                } else {
                    (Theirs::F32, vec![0; data.len() * 4])
                };
            }
            true
        });
        let error = Quantized::<Net>::from_safetensors(&parsed(&file), &NAMES).unwrap_err();
        let LoadError::Dtype { layer, part, found, expected } = error else { panic!("{error:?}") };
        assert_eq!(format!("{layer}.{part}"), name);
        assert_eq!(found, if is_wide { Dtype::I8 } else { Dtype::F32 });
        let text = match expected {
            [Dtype::I8] => "I8",
            [Dtype::I32] => "I32",
            _ => "F32, F64, F16 or BF16",
        };
        assert!(error.to_string().ends_with(&format!(", expected {text}")), "{error}");

        let file = changed(|other, _, shape, _| {
            if other == name {
                shape.push(1);
            }
            true
        });
        let error = Quantized::<Net>::from_safetensors(&parsed(&file), &NAMES).unwrap_err();
        let LoadError::Shape { layer, part, .. } = error else { panic!("{error:?}") };
        assert_eq!(format!("{layer}.{part}"), name);
    }
}

#[test]
fn scales_and_weights_out_of_range_are_errors() {
    for part in ["input_scale", "logits_scale", "output_scale", "weight_scale"] {
        let name = format!("conv.{part}");
        for scale in [0.0, -1.0, 1e-40] {
            let error = with_bytes(&name, Some(&f32::to_le_bytes(scale)));
            assert_eq!(error, Some(LoadError::OutOfRange { layer: "conv", part, index: 0 }));
        }
        for scale in [f32::NAN, f32::INFINITY] {
            let error = with_bytes(&name, Some(&scale.to_le_bytes()));
            assert_eq!(error, Some(LoadError::NotFinite { layer: "conv", part, index: 0 }));
        }
    }
    let error = with_bytes("hidden.weight", Some(&[1, 2, 0x80]));
    let want = LoadError::OutOfRange { layer: "hidden", part: "weight", index: 2 };
    assert_eq!(error, Some(want));
    assert_eq!(
        want.to_string(),
        "tensor `hidden.weight` has an element that int8 networks do not have, at index 2"
    );
    // A table may have any.
    assert_eq!(with_bytes("conv.table", Some(&[0x80])), None);
}

/// What one layer puts out, the next takes in.
#[test]
fn layers_with_other_scales_do_not_fit() {
    let two = f32::to_le_bytes(2.0);
    let error = |outputs: bool, layer| Some(LoadError::Quantization { layer, outputs });
    for (tensor, bytes, layer) in [
        ("conv.output_scale", &two[..], "hidden"),
        ("hidden.input_zero_point", &[7], "hidden"),
        ("hidden.output_zero_point", &[7], "output"),
        ("output.input_scale", &two, "output"),
    ] {
        assert_eq!(with_bytes(tensor, Some(bytes)), error(false, layer), "{tensor}");
    }
    assert_eq!(with_bytes("output.output_zero_point", Some(&[0])), error(true, "output"));
    assert_eq!(with_bytes("output.output_scale", Some(&two)), error(true, "output"));
    assert_eq!(with_bytes("conv.input_scale", Some(&two)), None);
    let text = error(false, "hidden").unwrap().to_string();
    assert_eq!(
        text,
        "layer `hidden` has inputs of another scale or zero point than the outputs before it"
    );
}

#[test]
fn other_tensors_are_errors_unless_ignored() {
    type First = net![8 x 2 => Conv1d(3, 3) Tanh | MaxPool(2)];
    let error = Quantized::<First>::from_safetensors(&parsed(FILE), &["conv"]);
    assert!(matches!(error, Err(LoadError::Unexpected { .. })), "{error:?}");
    let first =
        Quantized::<First>::from_safetensors(&parsed(FILE), &["output..", "conv", "hidden.."]);
    let first = first.unwrap();
    assert_eq!(first.layers(), NET.layers().first());
    const FIRST: Quantized<First> = gradlet::load![FILE; "conv"; ".."];
    assert_eq!(FIRST, first);
    assert_eq!(first.output().scale(), 1.0 / 128.0);
}

/// A head of `f32` behind a body in int8, from one file.
#[test]
fn a_body_is_loaded_with_its_head() {
    type Body = net![8 x 2 => Conv1d(3, 3) Tanh | MaxPool(2) => FlattenChannelsLast => 4 Relu];
    type Whole = Chain<Frozen<Quantized<Body>>, Dense<4, 2, Softmax>>;
    const HEAD: &[u8] = b"\x48\0\0\0\0\0\0\0{\"head.weight\":{\"dtype\":\"F16\",\"shape\":[2,4],\"data_offsets\":[0,16]}}     ................";
    let head = gradlet::safetensors::from_bytes::<Dense<4, 2, Softmax>>(HEAD, &["head"]);
    assert!(head.is_ok());
    const BODY: Quantized<Body> = gradlet::load![FILE; "conv", "hidden"; "output.."];
    let mut whole = Whole::new(Frozen::new(BODY), head.unwrap());
    let before = whole.clone();
    gradlet::safetensors::load(&mut whole, HEAD, &["head"]).unwrap();
    assert_eq!(whole, before);
}
