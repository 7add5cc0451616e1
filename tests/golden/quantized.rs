//! Two int8 models of `MLPerf` Tiny, layer by layer, against `TensorFlow` Lite's reference kernels: to the bit.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "tests may panic"
)]

use gradlet::prelude::*;
use gradlet::quantized::{
    Calibration, Exact, Finish, Granularity, Int8, Int8Activation, Int8Layer, Quantization,
    Quantize, Quantized, Range, Rounding, Sequence, Softmax8, TwoProducts,
};
use gradlet::{Shape, safetensors};
use safetensors_oracle::SafeTensors;
use support::Json;

use super::mlperf::networks::Keywords;

type Anomaly = net![
    640 => 128 Relu => 128 Relu => 128 Relu => 128 Relu => 8 Relu => 128 Relu => 128 Relu
        => 128 Relu => 128 Relu => 640 Identity
];

const WEIGHTS: &[u8] = include_bytes!("int8/keywords.safetensors");
pub(super) const KEYWORDS: &[u8] = include_bytes!("int8/keywords_cases.safetensors");
const ANOMALY: &[u8] = include_bytes!("int8/anomaly_cases.safetensors");
const TOYCAR: &[u8] = include_bytes!("../../examples/firmware/data/toycar.safetensors");

/// Names of the layers in that file.
const NAMES: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/// Runs with a stack for networks of a megabyte.
pub(super) fn with_large_stack(run: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(64 << 20).spawn(run).unwrap().join().unwrap();
}

/// The int8 numbers of a tensor.
pub(super) fn int8(file: &[u8], name: &str) -> Vec<i8> {
    let file = SafeTensors::deserialize(file).unwrap();
    file.tensor(name).unwrap().data().iter().map(|&byte| byte as i8).collect()
}

fn int32<const N: usize>(file: &[u8], name: &str) -> [i32; N] {
    let file = SafeTensors::deserialize(file).unwrap();
    let words = file.tensor(name).unwrap().data().chunks_exact(4);
    let words = words.map(|word| i32::from_le_bytes(word.try_into().unwrap()));
    words.collect::<Vec<_>>().try_into().unwrap()
}

/// The scales of one of the two models.
#[derive(Clone, Copy)]
pub(super) struct Scales(Json<'static>);

impl Scales {
    pub(super) fn of(model: &str) -> Self {
        Self(Json::file("int8/scales").at(model))
    }

    fn quantization(self, name: &str) -> Quantization {
        let at = self.0.at(name);
        let zero_point = at.at("zero_point").number() as i8;
        Quantization::new(at.at("scale").number() as f32, zero_point).unwrap()
    }

    /// Of the weights of each output.
    pub(super) fn weights<const N: usize>(self, name: &str) -> [f32; N] {
        let scales = self.0.at(&format!("{name}.weight")).at("scale").numbers();
        core::array::from_fn(|o| scales[o % scales.len()] as f32)
    }
}

pub(super) fn shaped<X: Shape<Element = i8>>(numbers: &[i8]) -> X {
    let mut x = X::ZERO;
    x.as_mut_slice().copy_from_slice(numbers);
    x
}

/// Checks the outputs of a layer for the two inputs that have them, and returns them.
#[track_caller]
fn check<L: Int8Layer>(layer: &L, inputs: &[L::Input], name: &str) -> Vec<L::Output> {
    let want = int8(KEYWORDS, name);
    let want = want.chunks_exact(L::Output::LEN);
    assert_eq!(want.len(), inputs.len(), "{name}");
    let outputs = inputs.iter().zip(want).map(|(x, want)| {
        let mut y = L::Output::ZERO;
        layer.run(x, &mut y);
        assert!(y.as_slice() == want, "{name}");
        y
    });
    outputs.collect()
}

/// A convolution from `[out][height][width][channel]`, or depthwise from `[height][width][out]`.
macro_rules! convolution {
    ($L:ty, $name:literal, $out:literal x $height:literal x $width:literal x $c:literal, $depthwise:literal) => {{
        let (w, scales) = (int8(WEIGHTS, concat!($name, ".weight")), Scales::of("keywords"));
        let filters = core::array::from_fn::<_, $out, _>(|o| {
            core::array::from_fn::<_, $c, _>(|c| {
                core::array::from_fn::<_, $height, _>(|i| {
                    core::array::from_fn::<_, $width, _>(|j| {
                        let at = i * $width + j;
                        w[if $depthwise {
                            at * $out + o
                        } else {
                            (o * $height * $width + at) * $c + c
                        }]
                    })
                })
            })
        });
        let bias = int32(WEIGHTS, concat!($name, ".bias"));
        move |input: &str| {
            Int8::<$L, _>::from_filters(
                &filters,
                &bias,
                &scales.weights($name),
                scales.quantization(input),
                scales.quantization(concat!($name, ".output")),
                (),
            )
            .unwrap()
        }
    }};
}

type First = Conv2d<49, 10, 1, 64, 10, 4, 25, 5, Relu, f32, 2, 2, 4, 1>;
type Depthwise = DepthwiseConv2d<25, 5, 64, 64, 3, 3, 25, 5, Relu, f32, 1, 1, 1, 1>;
type Pointwise = Conv2d<25, 5, 64, 64, 1, 1, 25, 5, Relu>;

pub(super) fn keywords<R: Rounding>() -> Quantized<Keywords, R> {
    let scales = Scales::of("keywords");
    let w = int8(WEIGHTS, "dense.weight");
    let dense = Int8::<Dense<64, 12, Softmax>, R>::from_rows(
        &core::array::from_fn(|o| core::array::from_fn(|i| w[o * 64 + i])),
        &int32(WEIGHTS, "dense.bias"),
        &scales.weights("dense"),
        scales.quantization("pool.output"),
        scales.quantization("dense.output"),
        Softmax8::new(scales.quantization("dense.output")),
    )
    .unwrap();
    macro_rules! depthwise {
        ($name:literal $before:literal) => {
            convolution!(Depthwise, $name, 64 x 3 x 3 x 1, true)($before)
        };
    }
    macro_rules! pointwise {
        ($name:literal $before:literal) => {
            convolution!(Pointwise, $name, 64 x 1 x 1 x 64, false)($before)
        };
    }
    macro_rules! sequence {
        ($last:expr) => { $last };
        ($first:expr, $($rest:expr),+) => { Sequence::new($first, sequence!($($rest),+)) };
    }
    let layers = sequence!(
        convolution!(First, "conv0", 64 x 10 x 4 x 1, false)("input"),
        depthwise!("dw1" "conv0.output"),
        pointwise!("pw1" "dw1.output"),
        depthwise!("dw2" "pw1.output"),
        pointwise!("pw2" "dw2.output"),
        depthwise!("dw3" "pw2.output"),
        pointwise!("pw3" "dw3.output"),
        depthwise!("dw4" "pw3.output"),
        pointwise!("pw4" "dw4.output"),
        GlobalMean::new(),
        dense
    );
    Quantized::from_parts(
        scales.quantization("input"),
        layers,
        scales.quantization("softmax.output"),
    )
}

#[test]
fn keyword_spotting_has_the_bits_of_every_layer() {
    with_large_stack(|| {
        let net = keywords::<Exact>();
        let all = int8(KEYWORDS, "input");
        let all: Vec<_> = all.chunks_exact(490).collect();
        assert_eq!(all.len(), 12);
        let x: Vec<_> = [5, 8].map(|case: usize| shaped(all[case])).into();
        let layers = net.layers();
        let x = check(layers.first(), &x, "conv0");
        let layers = layers.rest();
        let x = check(layers.first(), &x, "dw1");
        let layers = layers.rest();
        let x = check(layers.first(), &x, "pw1");
        let layers = layers.rest();
        let x = check(layers.first(), &x, "dw2");
        let layers = layers.rest();
        let x = check(layers.first(), &x, "pw2");
        let layers = layers.rest();
        let x = check(layers.first(), &x, "dw3");
        let layers = layers.rest();
        let x = check(layers.first(), &x, "pw3");
        let layers = layers.rest();
        let x = check(layers.first(), &x, "dw4");
        let layers = layers.rest();
        let x = check(layers.first(), &x, "pw4");
        let layers = layers.rest();
        let pooled = int8(KEYWORDS, "pool");
        let pooled: Vec<_> = pooled.chunks_exact(64).collect();
        for (x, case) in x.iter().zip([5, 8]) {
            let mut y = [0; 64];
            layers.first().run(x, &mut y);
            assert_eq!(y, *pooled[case]);
        }
        // All inputs, through all layers.
        let (mut right, softmax) = (0, int8(KEYWORDS, "softmax"));
        for (x, want) in all.iter().zip(softmax.chunks_exact(12)) {
            let y = net.run(&shaped(x));
            assert_eq!(y, *want);
            // Probabilities that are rounded down to 1/256 each.
            let sum: i32 = y.iter().map(|&q| i32::from(q) + 128).sum();
            assert!((250..=262).contains(&sum), "{sum}");
            right += 1;
        }
        assert_eq!(right, 12);
    });
}

/// The logits, which the file has before the softmax.
#[test]
fn keyword_spotting_has_the_bits_of_the_logits() {
    let scales = Scales::of("keywords");
    let w = int8(WEIGHTS, "dense.weight");
    let dense = Int8::<Dense<64, 12, Identity>>::from_rows(
        &core::array::from_fn(|o| core::array::from_fn(|i| w[o * 64 + i])),
        &int32(WEIGHTS, "dense.bias"),
        &scales.weights("dense"),
        scales.quantization("pool.output"),
        scales.quantization("dense.output"),
        (),
    )
    .unwrap();
    let (pooled, logits) = (int8(KEYWORDS, "pool"), int8(KEYWORDS, "dense"));
    for (x, want) in pooled.chunks_exact(64).zip(logits.chunks_exact(12)) {
        let mut y = [0; 12];
        dense.run(&shaped(x), &mut y);
        assert_eq!(y, *want);
    }
}

#[test]
fn keyword_spotting_with_two_products_differs_by_rounding() {
    with_large_stack(|| {
        let net = keywords::<TwoProducts>();
        let (inputs, softmax) = (int8(KEYWORDS, "input"), int8(KEYWORDS, "softmax"));
        for (x, want) in inputs.chunks_exact(490).zip(softmax.chunks_exact(12)) {
            let y = net.run(&shaped(x));
            for (&y, &want) in y.iter().zip(want) {
                assert!((i32::from(y) - i32::from(want)).abs() <= 12, "{y} {want}");
            }
        }
    });
}

/// The weights of `f32`, quantised here, with the file's scales of outputs: its int8 weights follow.
fn anomaly_layer<const IN: usize, const OUT: usize, A: Int8Activation<Finish = ()>>(
    layer: &Dense<IN, OUT, A>,
    number: usize,
) -> Int8<Dense<IN, OUT, A>> {
    let scales = Scales::of("anomaly");
    let before = match number.checked_sub(1) {
        Some(before) => format!("{before}.output"),
        None => "input".to_owned(),
    };
    let [input, output] =
        [&before, &format!("{number}.output")].map(|name| scales.quantization(name));
    Int8::<Dense<IN, OUT, A>>::from_layer(layer, input, output, (), Granularity::PerTensor).unwrap()
}

#[test]
fn anomaly_detection_has_the_bits_of_the_code_and_of_the_output() {
    with_large_stack(|| {
        let mut net = Anomaly::ZERO;
        safetensors::load(&mut net, TOYCAR, &NAMES).unwrap();
        let (inputs, codes) = (int8(ANOMALY, "input_int8"), int8(ANOMALY, "code_int8"));
        let outputs = int8(ANOMALY, "output_int8");
        let cases =
            inputs.chunks_exact(640).zip(codes.chunks_exact(8)).zip(outputs.chunks_exact(640));
        let n0 = net.rest();
        let n1 = n0.rest();
        let n2 = n1.rest();
        let n3 = n2.rest();
        let n4 = n3.rest();
        let n5 = n4.rest();
        let n6 = n5.rest();
        let n7 = n6.rest();
        let encoder = Sequence::new(
            anomaly_layer(net.first(), 0),
            Sequence::new(
                anomaly_layer(n0.first(), 1),
                Sequence::new(
                    anomaly_layer(n1.first(), 2),
                    Sequence::new(anomaly_layer(n2.first(), 3), anomaly_layer(n3.first(), 4)),
                ),
            ),
        );
        let decoder = Sequence::new(
            anomaly_layer(n4.first(), 5),
            Sequence::new(
                anomaly_layer(n5.first(), 6),
                Sequence::new(
                    anomaly_layer(n6.first(), 7),
                    Sequence::new(anomaly_layer(n7.first(), 8), anomaly_layer(n7.rest(), 9)),
                ),
            ),
        );
        let mut count = 0;
        for ((x, code), want) in cases {
            let (mut hidden, mut y) = ([0; 8], [0; 640]);
            encoder.run(&shaped(x), &mut hidden);
            assert_eq!(hidden, *code);
            decoder.run(&hidden, &mut y);
            assert_eq!(y, *want);
            count += 1;
        }
        assert_eq!(count, 40);
    });
}

/// Calibrated here with the file's inputs, the reconstruction is about as good as with the file's scales.
#[test]
fn anomaly_detection_calibrated_here_is_near_f32() {
    with_large_stack(|| {
        let mut net = Box::new(Anomaly::ZERO);
        safetensors::load(&mut *net, TOYCAR, &NAMES).unwrap();
        let inputs = int8(ANOMALY, "input_int8");
        let input = Scales::of("anomaly").quantization("input");
        let windows: Vec<[f32; 640]> = inputs
            .chunks_exact(640)
            .map(|x| core::array::from_fn(|i| input.dequantize(x[i])))
            .collect();
        for (granularity, bound) in [(Granularity::PerChannel, 0.5), (Granularity::PerTensor, 0.9)]
        {
            let mut calibration = Calibration::new();
            windows.iter().for_each(|x| calibration.observe(&*net, x));
            let int8 = calibration.quantize::<Exact>(&net, granularity).unwrap();
            let mut squares = 0.0;
            for x in &windows {
                let (y, want) = (int8.forward(x), net.forward(x));
                squares += y.iter().zip(want).map(|(y, want)| (y - want).powi(2)).sum::<f32>();
            }
            let error = (squares / 25_600.0).sqrt();
            println!("{granularity:?}: {error}");
            assert!(error < bound, "{granularity:?}: {error}");
        }
    });
}

#[test]
fn bytes_of_the_networks() {
    // 8 bits for each of 264,192 weights; 1,672 biases of 4 bytes and multipliers of 8; bounds, zero points and scales.
    let bytes = size_of::<<Anomaly as Quantize>::Int8<Exact>>();
    assert_eq!(bytes, 264_192 + 1672 * 12 + 10 * 12);
    assert_eq!(Anomaly::BYTES, 4 * (264_192 + 1672));
}

/// A layer of the file made by `tests/python/int8.py`.
#[derive(Clone, Copy)]
struct Case(Json<'static>);

impl Case {
    fn of(name: &str) -> Self {
        Self(Json::file("int8/layers").at(name))
    }

    /// The quantisation of its input or output.
    fn quantization(self, name: &str) -> Quantization {
        let at = self.0.at(name);
        Quantization::new(at.nth(0).number() as f32, at.nth(1).number() as i8).unwrap()
    }

    fn weights(self) -> Vec<i8> {
        self.0.at("weights").numbers().into_iter().map(|w| w as i8).collect()
    }

    fn bias<const N: usize>(self) -> [i32; N] {
        let bias = self.0.at("bias").numbers();
        core::array::from_fn(|o| bias[o] as i32)
    }

    fn scales<const N: usize>(self) -> [f32; N] {
        let scales = self.0.at("scales").numbers();
        core::array::from_fn(|o| scales[o % scales.len()] as f32)
    }

    /// Compares a layer with all outputs of the file.
    fn check<L: Int8Layer>(self, layer: &L) {
        let numbers =
            |json: Json<'_>| json.numbers().into_iter().map(|q| q as i8).collect::<Vec<_>>();
        let cases = self.0.at("cases").list();
        assert!(cases.len() >= 4);
        for case in cases {
            let mut y = L::Output::ZERO;
            layer.run(&shaped(&numbers(case.nth(0))), &mut y);
            assert_eq!(y.as_slice(), numbers(case.nth(1)));
        }
    }
}

fn dense_case<A: Int8Activation<Finish = ()>>(name: &str) {
    let case = Case::of(name);
    let w = case.weights();
    let layer = Int8::<Dense<24, 6, A>>::from_rows(
        &core::array::from_fn(|o| core::array::from_fn(|i| w[o * 24 + i])),
        &case.bias(),
        &case.scales(),
        case.quantization("input"),
        case.quantization("output"),
        (),
    );
    case.check(&layer.unwrap());
}

#[test]
fn layers_have_the_bits_of_litert() {
    dense_case::<Identity>("dense");
    dense_case::<Relu>("dense_per_channel");

    let case = Case::of("convolution");
    let w = case.weights();
    let layer = Int8::<Conv2d<6, 5, 3, 4, 3, 2, 3, 5, Identity, f32, 2, 1>>::from_filters(
        &core::array::from_fn(|o| {
            core::array::from_fn(|c| {
                core::array::from_fn(|i| core::array::from_fn(|j| w[((o * 3 + i) * 2 + j) * 3 + c]))
            })
        }),
        &case.bias(),
        &case.scales(),
        case.quantization("input"),
        case.quantization("output"),
        (),
    );
    case.check(&layer.unwrap());

    let case = Case::of("depthwise");
    let w = case.weights();
    let layer =
        Int8::<DepthwiseConv2d<5, 5, 4, 4, 3, 3, 5, 5, Relu6, f32, 1, 1, 1, 1>>::from_filters(
            &core::array::from_fn(|o| {
                [core::array::from_fn(|i| core::array::from_fn(|j| w[(i * 3 + j) * 4 + o]))]
            }),
            &case.bias(),
            &case.scales(),
            case.quantization("input"),
            case.quantization("output"),
            (),
        );
    case.check(&layer.unwrap());

    Case::of("mean").check(&MeanPool2d::<4, 4, 3, 2, 2, 2, 2>::new());
    Case::of("global_mean").check(&GlobalMean::<[[[f32; 3]; 4]; 4]>::new());
    Case::of("max").check(&MaxPool2d::<4, 4, 3, 2, 4, 2, 1>::new());
}

/// What follows the logits, by itself.
#[test]
fn functions_have_the_bits_of_litert() {
    fn check<A: Int8Activation>(name: &str) {
        let case = Case::of(name);
        let any = Range { min: -1.0, max: 1.0 };
        let (function, outputs) = A::finish(case.quantization("input"), any).unwrap();
        assert_eq!(outputs, case.quantization("output"));
        for case in case.0.at("cases").list() {
            let numbers =
                |i| -> Vec<i8> { case.nth(i).numbers().into_iter().map(|q| q as i8).collect() };
            let mut y = numbers(0);
            function.apply(&mut y);
            assert_eq!(y, numbers(1), "{name}");
        }
    }
    check::<Softmax>("softmax");
    check::<Sigmoid>("sigmoid");
    check::<Tanh>("tanh");
}
