//! Networks in int8: requantisation, calibration, layers against plain loops, and what goes wrong.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "tests may panic, and compare exactly"
)]

use gradlet::prelude::*;
use gradlet::quantized::{
    Calibration, Exact, Finish, Granularity, Int8Activation, Int8Layer, LayerRanges, Multiplier,
    Quantization, Quantize, QuantizeError, Quantized, Range, Rounding, Softmax8, Table,
    TwoProducts,
};
use gradlet::{GlobalMax, MaxPool1d, Shape};
use support::{Random, Rng};

// Requantisation

/// `x` as a fraction of 53 bits and an exponent: `fraction 2^exponent`.
fn parts(x: f64) -> (i128, i32) {
    let bits = x.to_bits();
    (i128::from(bits & ((1 << 52) - 1) | 1 << 52), (bits >> 52) as i32 - 1075)
}

/// `floor(numerator / 2^shift + 1/2)`.
fn rounded(numerator: i128, shift: i32) -> i128 {
    if shift <= 0 { numerator << -shift } else { ((numerator >> (shift - 1)) + 1) >> 1 }
}

/// The factor of so many bits and its exponent, as the definition has them.
fn factor(real: f64, bits: i32) -> (i128, i32) {
    let (fraction, exponent) = parts(real);
    // In 2^52..2^53, that is 0.5..1 by 2^53.
    let (mut factor, mut exponent) = (rounded(fraction, 53 - bits), exponent + 53);
    if factor == 1 << bits {
        (factor, exponent) = (factor >> 1, exponent + 1);
    }
    match exponent {
        ..-31 => (0, 0),
        31.. => ((1 << bits) - 1, 30),
        _ => (factor, exponent),
    }
}

fn int8_of(y: i128) -> i128 {
    y.clamp(-128, 127)
}

#[test]
fn requantisation_is_exact_for_many_multipliers() {
    let mut rng = Rng(1);
    let (mut upper, mut full) = (0, 0);
    for _ in 0..60_000 {
        let real = 2.0_f64.powf(rng.range(-36.0, 33.0));
        let (factor, exponent) = factor(real, 31);
        let by = Multiplier::new(real, Exact::BITS);
        // Sums whose products are near the range of int8, and any others.
        let sum = match rng.word() % 3 {
            0 => rng.word() as i32,
            1 => (rng.range(-300.0, 300.0) / real).clamp(-2e9, 2e9) as i32,
            _ => [i32::MIN, i32::MAX, 0, 1, -1, 1 << 30][rng.word() as usize % 6],
        };
        let want = rounded(i128::from(sum) * factor, 31 - exponent);
        let got = Exact::multiply(sum, by);
        assert_eq!(int8_of(got.into()), int8_of(want), "{sum} {real:e}");
        if exponent < -1 {
            assert_eq!(i128::from(got), want);
            upper += 1;
        } else {
            full += 1;
        }
    }
    assert!(upper > 10_000 && full > 10_000);
}

/// In a convolution, the upper 32 bits are rounded first, and then the bits that count; halves away from 0.
#[test]
fn requantisation_in_a_convolution_rounds_twice() {
    let mut rng = Rng(9);
    let mut differ = 0;
    for _ in 0..60_000 {
        let real = 2.0_f64.powf(rng.range(-30.0, 20.0));
        let (factor, exponent) = factor(real, 31);
        let by = Multiplier::new(real, Exact::BITS);
        let sum = (rng.range(-300.0, 300.0) / real).clamp(-2e9, 2e9) as i32;
        let (up, down) = (exponent.max(0), (-exponent).max(0));
        let upper = rounded((i128::from(sum) << up) * factor, 31);
        let want = upper.signum() * rounded(upper.abs(), down);
        let got = Exact::multiply_convolved(sum, by);
        assert_eq!(int8_of(got.into()), int8_of(want), "{sum} {real:e}");
        differ += u32::from(got != Exact::multiply(sum, by));
        assert_eq!(
            TwoProducts::multiply_convolved(sum, Multiplier::new(real, TwoProducts::BITS)),
            TwoProducts::multiply(sum, Multiplier::new(real, TwoProducts::BITS))
        );
    }
    assert!(differ > 10, "{differ}");
}

/// Halves are rounded up.
#[test]
fn requantisation_of_halves() {
    for (exponent, real) in (1..20).map(|e| (e, 0.5_f64.powi(e))) {
        let by = Multiplier::new(real, Exact::BITS);
        let half = 1 << (exponent - 1);
        assert_eq!((Exact::multiply(half, by), Exact::multiply(half - 1, by)), (1, 0), "{real}");
        assert_eq!(Exact::multiply(-half, by), 0, "{real}");
        assert_eq!(Exact::multiply(-half - 1, by), -1, "{real}");
        let by = Multiplier::new(real, TwoProducts::BITS);
        assert_eq!((TwoProducts::multiply(half, by), TwoProducts::multiply(-half, by)), (1, 0));
    }
}

#[test]
fn requantisation_by_two_products_is_as_documented() {
    let mut rng = Rng(2);
    for _ in 0..60_000 {
        let real = 2.0_f64.powf(rng.range(-36.0, 33.0));
        let (factor, exponent) = factor(real, 15);
        let by = Multiplier::new(real, TwoProducts::BITS);
        let sum = match rng.word() % 2 {
            0 => rng.word() as i32,
            _ => (rng.range(-300.0, 300.0) / real).clamp(-2e9, 2e9) as i32,
        };
        let (up, shift) = if exponent < -1 { (0, -1 - exponent) } else { (exponent + 2, 1) };
        let want = rounded(((i128::from(sum) << up) * factor) >> 16, shift);
        let got = TwoProducts::multiply(sum, by);
        assert_eq!(int8_of(got.into()), int8_of(want), "{sum} {real:e}");
        // Near the exact one.
        let exact = i128::from(Exact::multiply(sum, Multiplier::new(real, Exact::BITS)));
        let error = (int8_of(got.into()) - int8_of(exact)).abs();
        assert!(error <= 1, "{sum} {real:e}: {got} {exact}");
    }
}

#[test]
fn multipliers_of_what_is_no_factor_are_0() {
    for real in [0.0, -1.0, f64::NAN, f64::MIN_POSITIVE / 2.0, f64::NEG_INFINITY, 1e-30] {
        for sum in [i32::MIN, -1, 0, i32::MAX] {
            assert_eq!(Exact::multiply(sum, Multiplier::new(real, Exact::BITS)), 0);
            assert_eq!(TwoProducts::multiply(sum, Multiplier::new(real, TwoProducts::BITS)), 0);
        }
    }
    let most = Multiplier::new(f64::INFINITY, 31);
    assert!(Exact::multiply(1, most) > 1000 && Exact::multiply(-1, most) < -1000);
}

// Quantisation

#[test]
fn quantisation_of_ranges() {
    let of = |min, max| {
        let q = Quantization::of(Range { min, max }).unwrap();
        (q.scale(), q.zero_point())
    };
    assert_eq!(of(0.0, 255.0), (1.0, -128));
    assert_eq!(of(-255.0, 0.0), (1.0, 127));
    // A range without 0 is widened to include it.
    assert_eq!(of(51.0, 255.0), (1.0, -128));
    assert_eq!(of(-255.0, -51.0), (1.0, 127));
    // 127 - 127.49999 in `f32`.
    assert_eq!(of(-1.0, 1.0), (2.0 / 255.0, 0));
    assert_eq!(of(-128.0, 127.0), (1.0, 0));
    let error = |min, max| Quantization::of(Range { min, max }).unwrap_err();
    assert_eq!(error(0.0, 0.0), QuantizeError::ZeroRange { layer: 0 });
    assert_eq!(error(0.0, 1e-37), QuantizeError::ZeroRange { layer: 0 });
    assert_eq!(error(f32::NAN, 1.0), QuantizeError::NotFinite { layer: 0 });
    assert_eq!(error(0.0, f32::INFINITY), QuantizeError::NotFinite { layer: 0 });
    assert_eq!(error(f32::MIN, f32::MAX), QuantizeError::NotFinite { layer: 0 });
    let empty = Range::EMPTY;
    assert_eq!(error(empty.min, empty.max), QuantizeError::NotFinite { layer: 0 });
}

#[test]
fn numbers_are_quantised_to_the_nearest_and_clipped() {
    let q = Quantization::new(0.5, 10).unwrap();
    for (x, want) in [
        (0.0, 10),
        (0.24, 10),
        (0.25, 11),
        (-0.25, 9),
        (-0.24, 10),
        (58.5, 127),
        (1e30, 127),
        (-69.0, -128),
        (f32::NEG_INFINITY, -128),
        (f32::NAN, 10),
    ] {
        assert_eq!(q.quantize(x), want, "{x}");
    }
    for int8 in i8::MIN..=i8::MAX {
        assert_eq!(q.quantize(q.dequantize(int8)), int8);
    }
    for scale in [0.0, -1.0, f32::NAN, f32::INFINITY, 1e-40] {
        assert_eq!(Quantization::new(scale, 0), None);
    }
}

// Calibration

/// `x0 - x1`, then a half of what is positive, then less 1.
fn small() -> net![2 => 1 Relu => 1 Identity] {
    Chain::new(Dense::from_rows([[1.0, -1.0]], [0.0]), Dense::from_rows([[0.5]], [-1.0]))
}

#[test]
fn calibration_observes_every_range() {
    let mut calibration = Calibration::new();
    calibration.observe(&small(), &[2.0, 0.0]);
    calibration.observe(&small(), &[0.0, 3.0]);
    let range = |min, max| Range { min, max };
    let ranges = |logits, outputs| LayerRanges { logits, outputs };
    assert_eq!(calibration.input(), range(0.0, 3.0));
    assert_eq!(
        *calibration.ranges(),
        (ranges(range(-3.0, 2.0), range(0.0, 2.0)), ranges(range(-1.0, 0.0), range(-1.0, 0.0)))
    );
    let int8 = calibration.quantize::<Exact>(&small(), Granularity::PerTensor).unwrap();
    assert_eq!((int8.input().scale(), int8.input().zero_point()), (3.0 / 255.0, -128));
    assert_eq!((int8.output().scale(), int8.output().zero_point()), (1.0 / 255.0, 127));
    // 2 is 170 steps of the input above its zero point; 1 less 1 is 0.
    assert_eq!(int8.quantize(&[2.0, 0.0]), [42, -128]);
    assert_eq!(int8.run(&[42, -128]), [127]);
    assert_eq!(int8.forward(&[2.0, 0.0]), [0.0]);
    assert_eq!(int8.forward(&[0.0, 3.0]), [-1.0]);
    // What is beyond the range is clipped.
    assert_eq!(int8.forward(&[-100.0, 100.0]), int8.forward(&[0.0, 3.0]));
    assert_eq!(Quantized::calibrate(&small(), &[[2.0, 0.0], [0.0, 3.0]]).as_ref(), Ok(&int8));
}

#[test]
fn what_cannot_be_calibrated_is_an_error() {
    let calibrate =
        |inputs: &[[f32; 2]]| Quantized::<_, Exact>::calibrate(&small(), inputs).map(|_| ());
    assert_eq!(calibrate(&[]), Err(QuantizeError::NoInputs));
    assert_eq!(
        calibrate(&[[f32::NAN, 1.0], [1.0, 0.0]]),
        Err(QuantizeError::NotFinite { layer: 0 })
    );
    assert_eq!(
        calibrate(&[[1.0, 0.0], [f32::INFINITY, 1.0]]),
        Err(QuantizeError::NotFinite { layer: 0 })
    );
    assert_eq!(calibrate(&[[0.0, 0.0]]), Err(QuantizeError::ZeroRange { layer: 0 }));
    // The rectifier is dead for all inputs.
    assert_eq!(calibrate(&[[0.0, 1.0]]), Err(QuantizeError::ZeroRange { layer: 1 }));
    // Too large a product is beyond f32.
    assert_eq!(calibrate(&[[f32::MAX, f32::MIN]]), Err(QuantizeError::NotFinite { layer: 0 }));
    let mut net = small();
    let mut calibration = Calibration::new();
    calibration.observe(&net, &[2.0, 0.0]);
    calibration.observe(&net, &[0.0, 3.0]);
    net.rest_mut().bias_mut()[0] = f32::NAN;
    let error = calibration.quantize::<Exact>(&net, Granularity::PerChannel).unwrap_err();
    assert_eq!(error, QuantizeError::NotFinite { layer: 2 });
    net.first_mut().weights_mut()[0][0] = f32::INFINITY;
    let error = calibration.quantize::<TwoProducts>(&net, Granularity::PerTensor).unwrap_err();
    assert_eq!(error, QuantizeError::NotFinite { layer: 1 });
    assert_eq!(error.to_string(), "weights or values of layer 1 are not finite (0 is the input)");
}

/// A unit without weights, and one whose bias is too large for its weights.
#[test]
fn extreme_rows_are_quantised() {
    let net =
        Dense::<2, 3, Identity>::from_rows([[1.0, 0.5], [0.0, 0.0], [1e-12, 0.0]], [0.0, 0.3, 0.9]);
    for granularity in [Granularity::PerChannel, Granularity::PerTensor] {
        let mut calibration = Calibration::new();
        calibration.observe(&net, &[1.0, -1.0]);
        calibration.observe(&net, &[-1.0, 1.0]);
        let int8 = calibration.quantize::<Exact>(&net, granularity).unwrap();
        for x in [[0.5, 0.5], [1.0, -0.3]] {
            for (y, want) in int8.forward(&x).iter().zip(net.forward(&x)) {
                assert!((y - want).abs() < 0.008, "{granularity:?} {y} {want}");
            }
        }
    }
}

// Layers

/// Quantises a layer, and compares it with sums of 64 bits for random inputs: `sees` calls with the output
/// channel, the weight's place in a row and the value of each tap, or none where it is padding.
fn check<L, R: Rounding>(rng: &mut Rng, name: &str)
where
    L: Quantize + Random + Layer<Activation: Int8Activation>,
{
    let net = L::random(rng);
    let inputs: Vec<L::Input> = (0..8).map(|_| rng.shape(-1.0, 1.5)).collect();
    let int8 = Quantized::<L, R>::calibrate(&net, &inputs).unwrap();
    let (mut worst, step) = (0.0_f32, int8.output().scale());
    for x in &inputs {
        // What the layer sees is rounded to int8 before both.
        let q = int8.quantize(x);
        let mut seen = L::Input::ZERO;
        for (x, &q) in seen.as_mut_slice().iter_mut().zip(q.as_slice()) {
            *x = int8.input().dequantize(q);
        }
        let (got, want) = (int8.forward(x), net.forward(&seen));
        for (y, want) in got.as_slice().iter().zip(want.as_slice()) {
            worst = worst.max((y - want).abs() / step);
        }
        assert_eq!(int8.dequantize(&int8.run(&q)).as_slice(), got.as_slice());
    }
    println!("{name}: {worst:.2} steps");
    // Half a step of rounding, and that of the weights: 1/254 of the largest, of some inputs of up to 1.5.
    assert!(worst < 2.5, "{name}: {worst}");
    assert!(worst > 0.2, "{name}: compares nothing");
}

#[test]
fn layers_are_near_those_of_f32() {
    let rng = &mut Rng(3);
    macro_rules! check {
        ($($L:ty;)+) => { $(
            check::<$L, Exact>(rng, stringify!($L));
            check::<$L, TwoProducts>(rng, stringify!($L));
        )+ };
    }
    check! {
        Dense<5, 1, Identity>;
        Dense<7, 4, Relu>;
        Dense<16, 9, Relu6>;
        Dense<33, 10, Identity>;
        net![16 x 3 => Conv1d(8, 5, step 2) Relu];
        net![16 x 3 => Conv1d(7, 3, padding same) Identity];
        net![16 x 3 => Conv1d(4, 3, padding causal, dilation 2) Relu];
        net![16 x 4 => Conv1d(8, 3, groups 2) Identity];
        net![16 x 4 => Depthwise(3, padding same) Relu];
        net![9 x 8 x 2 => Conv2d(5, 3 x 2) Relu];
        net![9 x 8 x 2 => Conv2d(8, 3 x 3, step 2, padding same) Identity];
        net![9 x 8 x 4 => Conv2d(4, 1 x 1) Relu];
        net![9 x 8 x 4 => Conv2d(6, 1 x 1, step 2) Identity];
        net![9 x 8 x 4 => Conv2d(8, 1 x 2, step 2) Identity];
        net![9 x 8 x 4 => Conv2d(8, 3 x 3, groups 2, padding same) Identity];
        net![9 x 8 x 4 => Depthwise(3 x 3, step 2, padding same) Relu];
    }
}

/// Max pooling, flattening and the last step give the very numbers; means round them.
#[test]
fn layers_without_weights_keep_the_quantisation() {
    let rng = &mut Rng(4);
    let mut next = || rng.word() as i8;
    fn run<L: Int8Layer>(layer: &L, x: &L::Input) -> L::Output {
        let mut y = L::Output::ZERO;
        layer.run(x, &mut y);
        y
    }
    for _ in 0..50 {
        let x: [[i8; 3]; 6] = core::array::from_fn(|_| core::array::from_fn(|_| next()));
        let real = x.map(|step| step.map(f32::from));
        fn same(y: &impl Shape<Element = i8>, want: &impl Shape<Element = f32>) {
            let y: Vec<_> = y.as_slice().iter().map(|&y| f32::from(y)).collect();
            assert_eq!(y, want.as_slice());
        }
        fn round<X: Shape<Element = f32>>(mut x: X) -> X {
            x.as_mut_slice().iter_mut().for_each(|x| *x = x.round());
            x
        }
        let max = MaxPool1d::<6, 3, 2, 3>::new();
        same(&run(&max, &x), &max.forward(&real));
        let all = GlobalMax::<[[f32; 3]; 6]>::new();
        same(&run(&all, &x), &all.forward(&real));
        let last = LastStep::<[[f32; 3]; 6]>::new();
        same(&run(&last, &x), &last.forward(&real));
        let flat = Flatten::<[[f32; 3]; 6], 18>::new();
        same(&run(&flat, &x), &flat.forward(&real));
        let flat = FlattenChannelsLast::<[[f32; 3]; 6], 18>::new();
        same(&run(&flat, &x), &flat.forward(&real));
        let mean = MeanPool1d::<6, 3, 2, 3>::new();
        same(&run(&mean, &x), &round(mean.forward(&real)));
        let x: [[[i8; 1]; 4]; 4] =
            core::array::from_fn(|_| core::array::from_fn(|_| core::array::from_fn(|_| next())));
        let real = x.map(|row| row.map(|pixel| pixel.map(f32::from)));
        let mean = MeanPool2d::<4, 4, 1, 2, 2, 2, 2>::new();
        same(&run(&mean, &x), &round(mean.forward(&real)));
        let max = MaxPool2d::<4, 4, 1, 2, 2, 2, 2>::new();
        same(&run(&max, &x), &max.forward(&real));
    }
}

/// The mean of every count of numbers, of every sum: as `TFLite`'s reference kernel divides.
#[test]
fn means_are_exact_for_every_sum() {
    fn check<const L: usize>() {
        for sum in -128 * L as i32..=127 * L as i32 {
            // Numbers with this sum.
            let (each, rest) = (sum.div_euclid(L as i32), sum.rem_euclid(L as i32) as usize);
            let x: [[i8; 1]; L] = core::array::from_fn(|i| [(each + i32::from(i < rest)) as i8]);
            let half = L as i32 / 2;
            let want = if sum > 0 { (sum + half) / L as i32 } else { (sum - half) / L as i32 };
            let mut y = [0];
            GlobalMean::<[[f32; 1]; L]>::new().run(&x, &mut y);
            assert_eq!(i32::from(y[0]), want, "{sum} / {L}");
        }
    }
    macro_rules! check {
        ($($l:literal)+) => { $(check::<$l>();)+ };
    }
    check!(1 2 3 4 5 7 8 13 29 32 64 100 125 127 128 200 255 256 300);
}

// Activations

#[test]
fn tables_have_the_function_at_every_number() {
    fn check<A: Int8Activation<Finish = Table>>(range: Range) {
        let logits = Quantization::of(Range { min: -6.0, max: 5.0 }).unwrap();
        let (table, outputs) = A::finish(logits, range).unwrap();
        for q in i8::MIN..=i8::MAX {
            let (mut y, mut want) = ([q], [logits.dequantize(q)]);
            table.apply(&mut y);
            A::activate(&mut want);
            let error = (outputs.dequantize(y[0]) - want[0]).abs() / outputs.scale();
            // 1 is beyond the last number.
            assert!(error < 0.501 || y[0] == 127 && error < 1.001, "{q}: {error}");
        }
    }
    let any = Range { min: -2.0, max: 6.0 };
    check::<Sigmoid>(any);
    check::<Tanh>(any);
    check::<HardSigmoid>(any);
    check::<HardTanh>(any);
    check::<Softsign>(any);
    check::<Elu>(any);
    check::<Selu>(any);
    check::<Softplus>(any);
    check::<Gelu>(any);
    check::<Silu>(any);
    check::<HardSwish>(any);
    check::<LeakyRelu>(any);
}

#[test]
fn layers_with_tables_are_near_those_of_f32() {
    fn check<A: Int8Activation>(rng: &mut Rng, bound: f32) {
        let net = Dense::<8, 5, A>::random(rng);
        let inputs: Vec<[f32; 8]> = (0..20).map(|_| rng.array(-1.0, 1.0)).collect();
        let int8 = Quantized::<_, Exact>::calibrate(&net, &inputs).unwrap();
        for x in &inputs {
            for (y, want) in int8.forward(x).iter().zip(net.forward(x)) {
                assert!((y - want).abs() < bound, "{y} {want}");
            }
        }
    }
    let rng = &mut Rng(5);
    check::<Sigmoid>(rng, 0.02);
    check::<Tanh>(rng, 0.04);
    check::<Softmax>(rng, 0.02);
    check::<LeakyRelu>(rng, 0.04);
    check::<Gelu>(rng, 0.04);
    check::<Relu6>(rng, 0.04);
}

/// Against the softmax of `f64`: within half a step of 1/256, and the errors of fixed point.
#[test]
fn softmax_is_near_that_of_floats() {
    let rng = &mut Rng(6);
    for _ in 0..2000 {
        let scale = rng.range(0.01, 1.0) as f32;
        let softmax = Softmax8::new(Quantization::new(scale, 0).unwrap());
        let x: [i8; 10] = core::array::from_fn(|_| rng.word() as i8);
        let mut y = x;
        softmax.apply(&mut y);
        let max = *x.iter().max().unwrap();
        let exp = |q: i8| (f64::from(scale) * (f64::from(q) - f64::from(max))).exp();
        let sum: f64 = x.iter().map(|&q| exp(q)).sum();
        for (&y, &q) in y.iter().zip(&x) {
            let want = (exp(q) / sum * 256.0 - 128.0).min(127.0);
            assert!((f64::from(y) - want).abs() < 0.51, "{y} {want}");
        }
    }
}

#[test]
fn softmax_of_equal_numbers() {
    let softmax = Softmax8::new(Quantization::new(0.1, 3).unwrap());
    for q in i8::MIN..=i8::MAX {
        let mut y = [q; 4];
        softmax.apply(&mut y);
        assert_eq!(y, [-64; 4]);
    }
    let mut none: [i8; 0] = [];
    softmax.apply(&mut none);
}

// Networks

#[test]
fn a_network_of_all_layers_is_near_that_of_f32() {
    type Net = net![
        16 x 3 => Conv1d(8, 5, padding same) Relu | MaxPool(2) => Conv1d(6, 3) Relu | GlobalMean
        => 5 Tanh => 3 Softmax
    ];
    let rng = &mut Rng(7);
    let net = Net::random(rng);
    let inputs: Vec<[[f32; 3]; 16]> = (0..50).map(|_| rng.shape(-1.0, 1.0)).collect();
    let int8 = Quantized::<Net>::calibrate(&net, &inputs).unwrap();
    let two = Quantized::<Net, TwoProducts>::calibrate(&net, &inputs).unwrap();
    for x in &inputs {
        let want = net.forward(x);
        for net in [int8.forward(x), two.forward(x)] {
            for (y, want) in net.iter().zip(want) {
                assert!((y - want).abs() < 0.03, "{y} {want}");
            }
        }
    }
    assert_eq!(int8.clone(), int8);
    assert_ne!(<Quantized<Net>>::FINGERPRINT, <Quantized<Net, TwoProducts>>::FINGERPRINT);
    assert_eq!(<Quantized<Net>>::MACS, Net::MACS);
    assert_eq!(<Quantized<Net>>::PARAMS, 0);
}

/// A body in int8, and a head in `f32` that learns.
#[test]
fn a_head_learns_behind_a_quantised_body() {
    type Body = net![2 => 8 Tanh];
    let rng = &mut Rng(8);
    let body = Body::random(rng);
    let inputs = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
    let int8 = Quantized::<Body>::calibrate(&body, &inputs).unwrap();
    type Net<'a> = Chain<Frozen<&'a Quantized<Body>>, Dense<8, 1, Sigmoid>>;
    let mut net = Net::new(Frozen::new(&int8), Zero::ZERO);
    assert_eq!(Net::PARAMS, 9);
    let mut trainer = Trainer::<Net<'_>, BinaryCrossEntropy>::new();
    let examples = inputs.map(|x| (x, [f32::from(x[0] != x[1])]));
    let sgd = Sgd { learning_rate: 1.0 };
    for _ in 0..2000 {
        for (x, t) in &examples {
            trainer.step(&mut net, &sgd, x, t);
        }
    }
    for (x, t) in &examples {
        assert!((net.forward(x)[0] - t[0]).abs() < 0.2, "{x:?}");
    }
    // NaN changes nothing, though int8 has none.
    let before = net.rest().clone();
    let loss = trainer.step(&mut net, &sgd, &[f32::NAN, 1.0], &[1.0]);
    assert!(!loss.is_finite());
    assert_eq!(*net.rest(), before);
}
