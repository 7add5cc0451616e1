//! Fixed-point networks: every activation over all its inputs, and learning as well as in floats.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests may panic"
)]

use std::io::Read as _;

use flate2::read::GzDecoder;
use gradlet::prelude::*;
use gradlet::{Activation, Exponent, Format, Loss, Q10};

/// Largest error of an activation over all logits of ±64, in units of 1/4096, against `f64`.
fn error<A: Activation<Fixed> + Activation<f64>>() -> f64 {
    let mut worst = 0.0_f64;
    for bits in -(64 << 12)..=64 << 12 {
        let mut y = [Q12::from_bits(bits)];
        let mut exact = [f64::from(bits) / 4096.0];
        <A as Activation<f64>>::activate(&mut exact);
        let exact = exact[0].clamp(-64.0, 64.0);
        <A as Activation<Fixed>>::activate(&mut y);
        worst = worst.max((f64::from(y[0].to_bits()) - exact * 4096.0).abs());
    }
    worst
}

#[test]
fn activations_are_as_precise_as_documented() {
    // To nearest would be 0.5.
    let errors = [
        ("Identity", error::<Identity>(), 0.0),
        ("Relu", error::<Relu>(), 0.0),
        ("Relu6", error::<Relu6>(), 0.0),
        ("HardTanh", error::<HardTanh>(), 0.0),
        ("HardSigmoid", error::<HardSigmoid>(), 1.0),
        ("LeakyRelu", error::<LeakyRelu>(), 1.5),
        ("Sigmoid", error::<Sigmoid>(), 1.0),
        ("Tanh", error::<Tanh>(), 1.5),
        ("Softsign", error::<Softsign>(), 1.0),
        ("Elu", error::<Elu>(), 1.0),
        ("Selu", error::<Selu>(), 26.0),
        ("Softplus", error::<Softplus>(), 1.0),
        ("Gelu", error::<Gelu>(), 1.0),
        ("Silu", error::<Silu>(), 1.5),
        ("HardSwish", error::<HardSwish>(), 1.0),
    ];
    for (name, error, bound) in errors {
        println!("{name} {error}");
        assert!(error <= bound, "{name}: {error} units, {bound} documented");
    }
}

#[test]
fn derivatives_are_those_of_floats() {
    fn check<A: Activation<Fixed> + Activation<f64>>(name: &str) {
        for bits in (-(16 << 12)..16 << 12).step_by(7) {
            let z = [Q12::from_bits(bits)];
            let mut y = z;
            <A as Activation<Fixed>>::activate(&mut y);
            let (mut d, mut scale) = ([1000_i32], Exponent(10));
            <A as Activation<Fixed>>::backpropagate(&y, &z, &mut d, &mut scale);
            let got = f64::from(d[0]) / f64::from(scale.0).exp2();
            let mut exact = [1000.0 / 1024.0];
            let values = [y, z].map(|value| [f64::from(value[0].to_f32())]);
            <A as Activation<f64>>::backpropagate(&values[0], &values[1], &mut exact, &mut ());
            let exact = exact[0];
            assert!((got - exact).abs() < 1e-3, "{name} {bits}: {got} {exact}");
        }
    }
    check::<Identity>("Identity");
    check::<Relu>("Relu");
    check::<Relu6>("Relu6");
    check::<HardTanh>("HardTanh");
    check::<HardSigmoid>("HardSigmoid");
    check::<LeakyRelu>("LeakyRelu");
    check::<Sigmoid>("Sigmoid");
    check::<Tanh>("Tanh");
    check::<Softsign>("Softsign");
    check::<Elu>("Elu");
    check::<Selu>("Selu");
    check::<Softplus>("Softplus");
    check::<Gelu>("Gelu");
    check::<Silu>("Silu");
    check::<HardSwish>("HardSwish");
}

#[test]
fn softmax_and_cross_entropy_are_those_of_floats() {
    let mut state = 1_u32;
    let mut random = |range: f32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (f32::from(u16::try_from(state >> 16).unwrap()) / 32_768.0 - 1.0) * range
    };
    for round in 0..20_000_u16 {
        let range = [0.1, 1.0, 8.0, 60.0][usize::from(round % 4)];
        let mut values = [0.0; 5].map(|_| Q12::new(random(range)));
        let mut exact = values.map(|z| f64::from(z.to_f32()));
        let mut target = [0.0; 5];
        target[usize::from(round % 5)] = 1.0;
        let loss =
            <CrossEntropy as Loss<Softmax, Fixed>>::evaluate(&mut values, &target.map(Q12::new));
        let of_floats =
            <CrossEntropy as Loss<Softmax, f64>>::evaluate(&mut exact, &target.map(f64::from));
        // A logit counts as 64 below the largest at most.
        let bound = 3e-4 + (of_floats - 64.0).max(0.0);
        assert!((loss.to_f64() - of_floats).abs() < bound, "{loss} {of_floats} {exact:?}");
        for (y, exact) in values.iter().zip(exact) {
            assert!((f64::from(y.to_f32()) - exact).abs() < 1.1 / 4096.0, "{y} {exact}");
        }
    }
}

#[test]
fn losses_are_those_of_floats() {
    fn check<L: Loss<Tanh, Fixed> + Loss<Tanh, f64>>(name: &str) {
        for bits in (-(40 << 12)..40 << 12).step_by(37) {
            let t = [Q12::from_bits(bits), Q12::from_bits(-bits / 3)];
            let mut values = [Q12::from_bits(bits / 20), Q12::from_bits(100 - bits / 50)];
            <Tanh as Activation<Fixed>>::activate(&mut values);
            // The same outputs: the activation has its own test.
            let y = values.map(|y| f64::from(y.to_f32()));
            let mut logits = y.map(f64::atanh);
            let exact =
                <L as Loss<Tanh, f64>>::evaluate(&mut logits, &t.map(|t| f64::from(t.to_f32())));
            let mut logits = [Q12::from_bits(bits / 20), Q12::from_bits(100 - bits / 50)];
            let got = <L as Loss<Tanh, Fixed>>::evaluate(&mut logits, &t).to_f64();
            assert!((got - exact).abs() < 3e-4 + exact * 1e-4, "{name} {bits}: {got} {exact}");
            let (mut d, mut scale) = ([0; 2], Exponent(0));
            <L as Loss<Tanh, Fixed>>::delta(&values, &t, &mut d, &mut scale);
            let mut exact = [0.0; 2];
            <L as Loss<Tanh, f64>>::delta(
                &y,
                &t.map(|t| f64::from(t.to_f32())),
                &mut exact,
                &mut (),
            );
            for (d, exact) in d.iter().zip(exact) {
                let got = f64::from(*d) / f64::from(scale.0).exp2();
                assert!(
                    (got - exact).abs() < 1e-3 + exact.abs() * 1e-3,
                    "{name} {bits}: {got} {exact}"
                );
            }
        }
    }
    check::<HalfSquaredError>("HalfSquaredError");
    check::<MeanSquaredError>("MeanSquaredError");
    check::<AbsoluteError>("AbsoluteError");
    check::<Huber>("Huber");
    check::<Huber<1, 4>>("Huber<1, 4>");
    check::<LogCosh>("LogCosh");
}

/// The pixels of a digit, and which it is.
type Digit = ([f32; 64], usize);

/// The 1797 digits of 8 x 8 pixels, with values of 0 to 1.
fn digits() -> Vec<Digit> {
    let read = |name: &str| {
        let path = format!("{}/examples/data/{name}.gz", env!("CARGO_MANIFEST_DIR"));
        let mut bytes = Vec::new();
        GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_end(&mut bytes).unwrap();
        bytes
    };
    let (images, labels) =
        (read("digits8x8-images-idx3-ubyte"), read("digits8x8-labels-idx1-ubyte"));
    let images = images[16..].chunks_exact(64);
    images
        .zip(&labels[8..])
        .map(|(x, &y)| (core::array::from_fn(|i| f32::from(x[i]) / 16.0), y.into()))
        .collect()
}

/// A number format that the digits are learned in.
trait Numbers: Format {
    fn weight(value: f32) -> Self::Weight;
    fn value(value: f32) -> Self::Value;
}

impl Numbers for f32 {
    fn weight(value: Self) -> Self {
        value
    }
    fn value(value: Self) -> Self {
        value
    }
}

impl Numbers for f64 {
    fn weight(value: f32) -> Self {
        value.into()
    }
    fn value(value: f32) -> Self {
        value.into()
    }
}

impl Numbers for Fixed {
    fn weight(value: f32) -> Q26 {
        Q26::new(value)
    }
    fn value(value: f32) -> Q12 {
        Q12::new(value)
    }
}

impl Numbers for Fixed<Q10> {
    fn weight(value: f32) -> Q10 {
        Q10::new(value)
    }
    fn value(value: f32) -> Q12 {
        Q12::new(value)
    }
}

/// Random numbers of 24 bits.
fn random(seed: u64) -> impl FnMut() -> u32 {
    let mut state = seed;
    move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(state >> 40).unwrap()
    }
}

fn shuffle(order: &mut [usize], random: &mut impl FnMut() -> u32) {
    for k in (1..order.len()).rev() {
        order.swap(k, random() as usize % (k + 1));
    }
}

/// Percent of 450 digits that are read right after some epochs with the others, over some seeds.
fn accuracy<F, N, L, O>(digits: &[Digit], seeds: u64, epochs: u32, optimizer: &O) -> f64
where
    O: Optimizer<N>,
    F: Numbers<Value: PartialOrd>,
    N: Layer<Format = F, Input = [F::Value; 64], Output = [F::Value; 10]> + Zero,
    L: Loss<N::Activation, F>,
{
    let examples = digits.iter().map(|&(x, label)| {
        let target = core::array::from_fn(|k| F::value(if k == label { 1.0 } else { 0.0 }));
        (x.map(F::value), target, label)
    });
    let examples: Vec<_> = examples.collect();
    let mut right = 0_u32;
    for seed in 0..seeds {
        let mut random = random(12_345 + seed * 777);
        let mut order: Vec<usize> = (0..examples.len()).collect();
        shuffle(&mut order, &mut random);
        let mut net = N::ZERO;
        net.visit_mut(|tensor, weights| {
            let (inputs, outputs) = tensor.fans();
            #[allow(clippy::cast_precision_loss, reason = "small numbers, and 24 bits")]
            if tensor.kind == gradlet::Kind::Weight {
                let limit = (6.0 / (inputs + outputs) as f32).sqrt();
                weights.fill_with(|| F::weight((random() as f32 / 8_388_608.0 - 1.0) * limit));
            }
        });
        let mut trainer = Trainer::<N, L, O>::new();
        let (training, test) = order.split_at_mut(1347);
        for _ in 0..epochs {
            shuffle(training, &mut random);
            for &mut place in &mut *training {
                let (x, t, _) = &examples[place];
                trainer.step(&mut net, optimizer, x, t);
            }
        }
        for &mut place in test {
            let (x, _, label) = &examples[place];
            let y = net.forward(x);
            let best = (1..10).fold(0, |best, k| if y[k] > y[best] { k } else { best });
            right += u32::from(best == *label);
        }
    }
    f64::from(right) / 4.5 / f64::from(u32::try_from(seeds).unwrap())
}

/// Within 0.2 points of floats at every rate.
#[test]
fn digits_are_learned_as_in_floats() {
    let digits = digits();
    for rate in [0.5, 0.05, 0.01] {
        let fixed = accuracy::<_, net![Fixed; 64 => 32 Sigmoid => 10 Sigmoid], HalfSquaredError, _>(
            &digits,
            5,
            30,
            &Sgd::new(Q32::new(rate)),
        );
        let floats = accuracy::<_, net![f64; 64 => 32 Sigmoid => 10 Sigmoid], HalfSquaredError, _>(
            &digits,
            5,
            30,
            &Sgd::new(rate),
        );
        println!("{rate}: {fixed:.2} % in fixed point, {floats:.2} % in floats");
        assert!(fixed >= floats - 0.2, "{rate}: {fixed} {floats}");
    }
    type Classifier<F> = net![F; 64 => 32 Relu => 10 Softmax];
    let sgd = Sgd::new(Q32::new(0.05));
    let fixed = accuracy::<_, Classifier<Fixed>, CrossEntropy, _>(&digits, 5, 30, &sgd);
    let sgd = Sgd::new(0.05);
    let floats = accuracy::<_, Classifier<f32>, CrossEntropy, _>(&digits, 5, 30, &sgd);
    println!("softmax: {fixed:.2} % in fixed point, {floats:.2} % in floats");
    assert!(fixed >= floats - 0.2, "{fixed} {floats}");
}

/// Softmax and cross-entropy, with one optimizer in both.
macro_rules! learned {
    ($digits:ident: $($name:literal |$n:ident| $optimizer:expr;)+) => { $(
        {
            type Classifier<F> = net![F; 64 => 32 Relu => 10 Softmax];
            let $n = Q32::new;
            let fixed = accuracy::<_, Classifier<Fixed>, CrossEntropy, _>(&$digits, 2, 10, &$optimizer);
            let $n = |n: f64| n;
            let floats = accuracy::<_, Classifier<f64>, CrossEntropy, _>(&$digits, 2, 10, &$optimizer);
            println!("{}: {fixed:.2} % in fixed point, {floats:.2} % in floats", $name);
            assert!(fixed >= floats - 1.0, "{}: {fixed} {floats}", $name);
        }
    )+ };
}

#[test]
fn digits_are_learned_with_momentum_and_with_adaptive_rates() {
    let digits = digits();
    learned! { digits:
        "Momentum" |n| Momentum::new(n(0.005), n(0.9));
        "RmsProp" |n| RmsProp::new(n(0.001));
        "Adam" |n| Adam::new(n(0.001));
    }
}

/// The signals of MNIST-1D: 40 steps, and the shape.
fn signals() -> Vec<([f32; 40], usize)> {
    let path = format!("{}/examples/firmware/data/mnist1d.bin", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(path).unwrap();
    let signals = bytes.chunks_exact(41);
    let value = |byte| f32::from(i8::from_le_bytes([byte])) / 32.0;
    signals.map(|s| (core::array::from_fn(|i| value(s[i])), s[40].into())).collect()
}

/// Percent of the 1,000 test signals that are told right after 4 epochs with 4,000 others, over 3 seeds.
fn accuracy_of_signals<F, N>(signals: &[([f32; 40], usize)]) -> f64
where
    F: Numbers<Value: PartialOrd>,
    N: Layer<Format = F, Input = [[F::Value; 1]; 40], Output = [F::Value; 10]> + Zero,
    CrossEntropy: Loss<N::Activation, F>,
{
    let examples = signals.iter().map(|&(x, label)| {
        let target = core::array::from_fn(|k| F::value(if k == label { 1.0 } else { 0.0 }));
        (x.map(|x| [F::value(x)]), target)
    });
    let examples: Vec<_> = examples.collect();
    let mut right = 0_u32;
    for seed in 0..3 {
        let mut random = random(12_345 + seed * 777);
        let mut net = N::ZERO;
        net.visit_mut(|tensor, weights| {
            #[allow(clippy::cast_precision_loss, reason = "small numbers, and 24 bits")]
            if tensor.kind == gradlet::Kind::Weight {
                let limit = (6.0 / tensor.fans().0 as f32).sqrt();
                weights.fill_with(|| F::weight((random() as f32 / 8_388_608.0 - 1.0) * limit));
            }
        });
        let mut trainer = Trainer::<N, CrossEntropy>::new();
        let mut order: Vec<usize> = (0..4000).collect();
        for epoch in 0..4 {
            shuffle(&mut order, &mut random);
            let sgd = Sgd::new(F::Real::from_f64(0.02 - 0.0045 * f64::from(epoch)));
            for &place in &order {
                trainer.step(&mut net, &sgd, &examples[place].0, &examples[place].1);
            }
        }
        for ((x, _), (_, label)) in examples.iter().zip(signals).skip(4000) {
            let y = net.forward(x);
            let best = (1..10).fold(0, |best, k| if y[k] > y[best] { k } else { best });
            right += u32::from(best == *label);
        }
    }
    f64::from(right) / 30.0
}

/// Convolutions and poolings, within 0.5 points of floats.
#[test]
fn signals_are_learned_as_in_floats() {
    let signals = signals();
    macro_rules! check {
        ($($layers:tt)+) => {
            let fixed = accuracy_of_signals::<_, net![Fixed; 40 x 1 => $($layers)+ => 10 Softmax]>(&signals);
            let floats = accuracy_of_signals::<_, net![f64; 40 x 1 => $($layers)+ => 10 Softmax]>(&signals);
            println!("{}: {fixed:.2} % in fixed point, {floats:.2} % in floats", stringify!($($layers)+));
            assert!(fixed >= floats - 0.5, "{fixed} {floats}");
        };
    }
    check!(Conv1d(16, 5) Relu => MaxPool(2) => Conv1d(32, 3) Relu => GlobalMean);
    check!(Conv1d(16, 5) Relu => Depthwise(5, padding same) Tanh => Conv1d(32, 1) Relu
        => MeanPool(6) => Flatten);
}

type Sigmoids<F> = net![F; 64 => 32 Sigmoid => 10 Sigmoid];

/// Within half a point of floats, though a weight has 16 bits.
#[test]
fn digits_are_learned_in_half_the_memory() {
    let digits = digits();
    for rate in [0.5, 0.05, 0.01] {
        let half = accuracy::<_, Sigmoids<Fixed<Q10>>, HalfSquaredError, _>(
            &digits,
            5,
            30,
            &Sgd::new(Q32::new(rate)),
        );
        let floats =
            accuracy::<_, Sigmoids<f64>, HalfSquaredError, _>(&digits, 5, 30, &Sgd::new(rate));
        println!("{rate}: {half:.2} % in half the memory, {floats:.2} % in floats");
        assert!(half >= floats - 0.5, "{rate}: {half} {floats}");
    }
}

/// Fixed point with one fault, to show what it costs.
struct Faulty<const FAULT: u8>;

/// Weights wrap around at ±4.
const NARROW: u8 = 0;
/// Weights are rounded to the nearest of 16 bits after each step.
const NO_MASTER: u8 = 1;
/// Derivatives have 8 fraction bits, whatever their size: steps at a rate of 0.005 have 16.
const ONE_SCALE: u8 = 2;

impl<const FAULT: u8> Format for Faulty<FAULT> {
    type Weight = Q26;
    type Value = Q12;
    type Sum = i32;
    type Scale = Exponent;
    type Real = Q32;
    type Step = <Fixed as Format>::Step;
    type Descent = ();

    const FINGERPRINT: u32 = FAULT as u32;
    const BIAS_INPUT: Q12 = Q12::ONE;
    const STORED: Exponent = <Fixed as Format>::STORED;

    fn empty() -> i32 {
        0
    }
    fn add_product(sum: i32, w: Q26, x: Q12) -> i32 {
        <Fixed>::add_product(sum, w, x)
    }
    fn add_bias(sum: i32, bias: Q26) -> Q12 {
        <Fixed>::add_bias(sum, bias)
    }
    fn add_back(sum: i32, w: Q26, d: i32) -> i32 {
        <Fixed>::add_back(sum, w, d)
    }
    fn product(x: Q12, d: i32) -> i32 {
        <Fixed>::product(x, d)
    }
    fn product_scale(scale: Exponent) -> Exponent {
        <Fixed>::product_scale(scale)
    }
    fn add(a: i32, b: i32) -> i32 {
        <Fixed as Format>::add(a, b)
    }
    fn back_scale(scale: Exponent) -> Exponent {
        <Fixed>::back_scale(scale)
    }
    fn align(deltas: &mut [i32], units: usize, scale: &mut Exponent) {
        if FAULT == ONE_SCALE {
            for d in deltas {
                let value = f64::from(*d) * f64::from(8 - scale.0).exp2();
                #[allow(clippy::cast_possible_truncation, reason = "of a small derivative")]
                let bits = value.round() as i32;
                *d = bits;
            }
            *scale = Exponent(8);
        } else {
            <Fixed>::align(deltas, units, scale);
        }
    }
    fn step(rate: Q32, scale: Exponent) -> Self::Step {
        <Fixed>::step(rate, scale)
    }
    fn scaled(d: i32, step: Self::Step) -> i32 {
        <Fixed>::scaled(d, step)
    }
    fn learn(w: Q26, g: i32, x: Q12, step: Self::Step) -> Q26 {
        let w = <Fixed>::learn(w, g, x, step);
        match FAULT {
            NARROW => Q26::from_bits(w.to_bits() << 3 >> 3),
            // With 12 fraction bits.
            NO_MASTER => Q26::from_bits(w.to_bits().saturating_add(1 << 13) >> 14 << 14),
            _ => w,
        }
    }
    fn descend(w: Q26, _: i32, _: Self::Step, (): &mut ()) -> Q26 {
        w
    }
    fn real(value: Q12) -> Q32 {
        <Fixed>::real(value)
    }
    fn errors(outputs: &[Q12], targets: &[Q12], deltas: &mut [i32], scale: &mut Exponent) {
        <Fixed>::errors(outputs, targets, deltas, scale);
    }
    fn half_squared_error(outputs: &[Q12], targets: &[Q12]) -> Q32 {
        <Fixed>::half_squared_error(outputs, targets)
    }
    fn weigh(deltas: &mut [i32], scale: &mut Exponent, weight: Q32) {
        <Fixed>::weigh(deltas, scale, weight);
    }
    fn add_gradient(sum: Q26, g: i32, scale: Exponent) -> Q26 {
        <Fixed>::add_gradient(sum, g, scale)
    }
    fn stored_one(gradient: Q26) -> i32 {
        <Fixed>::stored_one(gradient)
    }
}

impl<const FAULT: u8> Numbers for Faulty<FAULT> {
    fn weight(value: f32) -> Q26 {
        Q26::new(value)
    }
    fn value(value: f32) -> Q12 {
        Q12::new(value)
    }
}

/// [`Sigmoid`], of any fixed point.
struct Logistic;

impl gradlet::Hidden for Logistic {}

impl<const FAULT: u8> Activation<Faulty<FAULT>> for Logistic {
    type Kept<Y: gradlet::Shape<Element = Q12>> = ();

    fn activate(values: &mut [Q12]) {
        <Sigmoid as Activation<Fixed>>::activate(values);
    }
    fn backpropagate(output: &[Q12], logits: &[Q12], delta: &mut [i32], scale: &mut Exponent) {
        <Sigmoid as Activation<Fixed>>::backpropagate(output, logits, delta, scale);
    }
}

/// Percent of the digits that are read right in spite of the fault.
fn in_spite_of<const FAULT: u8>(digits: &[Digit], rate: f64) -> f64 {
    type Net<const FAULT: u8> =
        Chain<Dense<64, 32, Logistic, Faulty<FAULT>>, Dense<32, 10, Logistic, Faulty<FAULT>>>;
    accuracy::<_, Net<FAULT>, HalfSquaredError, _>(digits, 3, 30, &Sgd::new(Q32::new(rate)))
}

/// What the format has is needed: a range of ±32, 32 bits of each weight, and a scale for each layer.
#[test]
fn what_breaks_learning() {
    let digits = digits();
    let of = |name, rate, faulty: fn(&[Digit], f64) -> f64| {
        let sgd = Sgd::new(Q32::new(rate));
        let fixed = accuracy::<_, Sigmoids<Fixed>, HalfSquaredError, _>(&digits, 3, 30, &sgd);
        let faulty = faulty(&digits, rate);
        println!("{name}: {faulty:.2} % in place of {fixed:.2}");
        fixed - faulty
    };
    assert!(of("±4", 1.0, in_spite_of::<NARROW>) > 20.0);
    assert!(of("16 bits, to nearest", 0.01, in_spite_of::<NO_MASTER>) > 20.0);
    assert!(of("one scale", 0.005, in_spite_of::<ONE_SCALE>) > 3.0);
}
