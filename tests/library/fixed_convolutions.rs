//! Convolutions and poolings in fixed point: gradients, the ends of the range, fit, frames and flash.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::unwrap_used,
    reason = "tests may panic"
)]

use gradlet::{Format, PoolFormat, Shape, Tensors, flat, prelude::*};

/// Random numbers from -1 to 1.
fn random(seed: u64) -> impl FnMut() -> f32 {
    let mut state = seed;
    move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / 8_388_608.0 - 1.0
    }
}

/// An array of values, and the same of floats.
fn values<X: Shape<Element = Q12>>(mut number: impl FnMut() -> f32) -> (X, X::With<f64>) {
    let (mut x, mut floats) = (X::ZERO, X::With::<f64>::ZERO);
    for (x, float) in x.as_mut_slice().iter_mut().zip(floats.as_mut_slice()) {
        *x = Q12::new(number());
        *float = x.to_f32().into();
    }
    (x, floats)
}

/// Compares outputs and gradients of networks with the same weights; returns the largest difference of an output,
/// and of a derivative as a share of the largest of its tensor.
fn differences<N, M>(seed: u64) -> [f64; 2]
where
    N: Layer<Format = Fixed> + Zero,
    M: Layer<
            Format = f64,
            Input = <N::Input as Shape>::With<f64>,
            Output = <N::Output as Shape>::With<f64>,
        > + Zero,
    HalfSquaredError: Loss<N::Activation, Fixed> + Loss<M::Activation, f64>,
{
    let mut number = random(seed);
    let (mut net, mut floats) = (N::ZERO, M::ZERO);
    let mut all = Vec::new();
    net.visit_mut(|tensor, weights| {
        let size = (3.0 / tensor.fans().0 as f32).sqrt();
        for w in weights {
            // What products take, so that only sums are rounded.
            *w = Q26::new((number() * size * 1024.0).round() / 1024.0);
            all.push(f64::from(w.to_f32()));
        }
    });
    let mut all = all.into_iter();
    floats.visit_mut(|_, weights| weights.iter_mut().for_each(|w| *w = all.next().unwrap()));
    let (x, float_x) = values::<N::Input>(|| 2.0 * number());
    let (t, float_t) = values::<N::Output>(|| 2.0 * number());

    let (y, float_y) = (net.forward(&x), floats.forward(&float_x));
    let outputs = y.as_slice().iter().zip(float_y.as_slice());
    let output =
        outputs.map(|(y, float)| (f64::from(y.to_f32()) - float).abs()).fold(0.0, f64::max);

    let mut trainer = BatchTrainer::<N, HalfSquaredError>::new();
    let mut exact = BatchTrainer::<M, HalfSquaredError>::new();
    assert!(trainer.accumulate(&net, &x, &t).is_finite());
    exact.accumulate(&floats, &float_x, &float_t);
    let mut got = Vec::new();
    N::Gradient::walk([trainer.gradient()], [], &mut |_, [g], []| {
        got.push(g.iter().map(|g| f64::from(g.to_f32())).collect::<Vec<_>>());
    });
    let (mut got, mut gradient) = (got.into_iter(), 0.0_f64);
    M::Gradient::walk([exact.gradient()], [], &mut |_, [g], []| {
        let largest = g.iter().fold(1e-9_f64, |largest, g| largest.max(g.abs()));
        for (got, g) in got.next().unwrap().iter().zip(g) {
            gradient = gradient.max((got - g).abs() / largest);
        }
    });
    [output, gradient]
}

macro_rules! compare {
    ($($net:tt)+) => {
        for seed in 0..5 {
            let [output, gradient] =
                differences::<net![Fixed; $($net)+], net![f64; $($net)+]>(seed);
            println!("{} {seed}: {output:.5} {gradient:.5}", stringify!($($net)+));
            assert!(output < 0.01 && gradient < 0.02, "{seed}: {output} {gradient}");
        }
    };
}

#[test]
fn gradients_are_those_of_floats_for_all_options() {
    compare!(5 x 1 => Conv1d(1, 5) Tanh => Flatten => 1 Identity);
    compare!(1 x 3 => Conv1d(2, 1) Tanh => LastStep => 2 Identity);
    compare!(9 x 3 => Conv1d(5, 4, step 3, padding 2) Tanh => Flatten => 2 Identity);
    compare!(11 x 2 => Conv1d(3, 3, dilation 2, padding causal) Sigmoid => Conv1d(7, 2) Tanh
        => LastStep => 2 Identity);
    compare!(10 x 4 => Conv1d(6, 3, groups 2, padding same) Tanh => Depthwise(3) Softsign
        => FlattenChannelsLast => 3 Tanh);
    compare!(200 x 2 => Conv1d(5, 3) Tanh => GlobalMean => 2 Identity);
    compare!(6 x 7 x 2 => Conv2d(5, 3 x 2, padding same) Tanh => MeanPool(2 x 7) => Flatten => 2 Identity);
    compare!(7 x 5 x 3 => Conv2d(6, 3 x 3, step 2 x 1, groups 3) Tanh => Depthwise(1 x 3, dilation 1 x 1) Tanh
        => Flatten => 2 Identity);
    compare!(9 x 2 => Conv1d(4, 2) Tanh => Conv1d(3, 8) Identity);
}

#[test]
fn gradients_are_those_of_floats_through_poolings() {
    compare!(13 x 2 => Conv1d(3, 2) Tanh => MaxPool(3) => Conv1d(5, 2) Tanh => Flatten => 2 Identity);
    compare!(13 x 2 => Conv1d(3, 2) Tanh => MaxPool(4, step 2) => Conv1d(5, 2) Tanh => GlobalMax => 2 Identity);
    compare!(13 x 2 => Conv1d(3, 2) Tanh => MeanPool(3) => Conv1d(5, 2) Tanh => GlobalMean => 2 Identity);
    compare!(12 x 2 => Conv1d(3, 2) Tanh => MeanPool(5, step 2) => Flatten => 2 Identity);
    compare!(5 x 5 x 2 => Conv2d(3, 2 x 2) Tanh => MaxPool(2 x 2) => GlobalMean => 2 Identity);
    compare!(5 x 5 x 2 => Conv2d(3, 2 x 2) Tanh => MeanPool(2 x 4, step 1 x 1) => GlobalMax => 2 Identity);
}

#[test]
fn gradients_are_those_of_floats_for_learned_slopes() {
    compare!(3 => 4 Identity => PRelu => 2 Identity => PRelu(1));
    compare!(100 => PRelu(1) => 3 Identity => PRelu => 2 Identity);
    compare!(8 x 2 => Conv1d(4, 3) Identity => PRelu => Conv1d(4, 2) Tanh => PRelu(1) => Flatten => 2 Identity);
    compare!(5 x 5 x 2 => Conv2d(3, 2 x 2) Identity => PRelu => MaxPool(2 x 2) => GlobalMean => 2 Identity);
    // Two sums of 100 derivatives.
    compare!(100 x 2 => PRelu => Flatten => 2 Identity);
}

#[test]
fn streams_have_the_bits_of_windows() {
    type Net = net![
        Fixed; 12 x 2 => Conv1d(5, 3, padding causal, dilation 2) Identity => PRelu
        => Conv1d(3, 4, padding causal) Tanh => LastStep => 2 Softmax
    ];
    let (mut net, mut number) = (Net::ZERO, random(7));
    net.visit_mut(|_, weights| weights.fill_with(|| Q26::new(number())));
    let signal: Vec<_> = (0..40).map(|_| [number(), number()].map(Q12::new)).collect();
    let mut stream = gradlet::Streaming::new(&net);
    let answers: Vec<_> = signal.iter().map(|step| stream.step(step)).collect();
    for (window, answer) in signal.windows(12).zip(&answers[11..]) {
        assert_eq!(&net.forward(window.try_into().unwrap()), answer);
    }
}

#[test]
fn gradients_are_those_of_floats_without_dropout() {
    compare!(3 => 4 Tanh => Dropout(1 / 4) => 2 Identity);
}

/// What is kept is scaled, forward and backward.
#[cfg(feature = "rand_core-v0.10")]
#[test]
fn dropout_keeps_the_mean() {
    use rand_pcg::{Pcg32, rand_core::SeedableRng as _};

    type Net = net![Fixed; 400 => PRelu => Dropout(1 / 5)];
    let (mut net, x) = (Net::ZERO, [Q12::ONE; 400]);
    assert_eq!(net.forward(&x), x);
    let mut trainer = BatchTrainer::<Net, AbsoluteError>::new();
    gradlet::init::with_dropout(&mut net, &mut Pcg32::seed_from_u64(1), |net| {
        // |1.25 - 0| for each that is kept.
        let loss = trainer.accumulate(net, &x, &[Q12::ZERO; 400]).to_f64();
        assert!((loss - 400.0).abs() < 40.0, "{loss}");
    });
    // Negative, so that slopes have derivatives: `x / (1 - p)` of what is kept.
    let x = [Q12::new(-1.0); 400];
    gradlet::init::with_dropout(&mut net, &mut Pcg32::seed_from_u64(2), |net| {
        trainer.clear();
        trainer.accumulate(net, &x, &[Q12::MIN; 400]);
    });
    let mut kept = 0;
    <<Net as Layer>::Gradient as Tensors<Q26>>::walk(
        [trainer.gradient()],
        [],
        &mut |_, [g], []| {
            for g in g {
                assert!([0.0, -1.25].contains(&g.to_f32()), "{g}");
                kept += i32::from(*g != Q26::ZERO);
            }
        },
    );
    assert!((290..350).contains(&kept), "{kept}");
}

#[test]
fn slopes_are_learned() {
    type Net = net![Fixed; 2 => PRelu];
    let mut net = Net::ZERO;
    assert_eq!(net.slopes(), &Q26::array([0.25; 2]));
    let mut trainer = Trainer::<Net, HalfSquaredError>::new();
    let mut number = random(1);
    for _ in 0..4000 {
        let x = [2.0 * number(), 2.0 * number()];
        let t = [x[0].max(0.7 * x[0]), x[1].max(-1.5 * x[1])];
        trainer.step(&mut net, &Sgd::new(Q32::new(0.05)), &x.map(Q12::new), &t.map(Q12::new));
    }
    let [a, b] = net.slopes().map(Q26::to_f32);
    assert!((a - 0.7).abs() < 2e-3 && (b + 1.5).abs() < 2e-3, "{a} {b}");
}

#[test]
fn slopes_beyond_the_range_are_noticed() {
    type Net = net![Fixed; 1 => PRelu];
    for (slope, y, is_finite) in
        [(3.0, -60.0, true), (-12.0, 64.0, true), (-13.0, 64.0, false), (31.9, -64.0, false)]
    {
        let net = Net::new([Q26::new(slope)]);
        let x = Q12::array([-20.0]);
        assert_eq!(net.forward(&x), Q12::array([y]), "{slope}");
        let loss = Trainer::<Net, HalfSquaredError>::new().evaluate(&net, &x, &[Q12::ZERO]);
        assert_eq!(loss.is_finite(), is_finite, "{slope}");
    }
    // The sum of a product beyond 32 bits.
    let net = Net::new([Q26::MAX]);
    assert_eq!(net.forward(&[Q12::MIN]), [Q12::MIN]);
}

#[test]
fn slopes_are_converted_and_kept_in_files() {
    type Of<F> = net![F; 3 => 2 Identity => PRelu];
    let floats = Of::<f32>::new(
        Dense::from_rows([[0.5; 3], [-0.5; 3]], [0.0; 2]),
        PRelu::new([0.125, -3.0]),
    );
    let mut net = Of::<Fixed>::ZERO;
    gradlet::convert::convert(&floats, &mut net).unwrap();
    assert_eq!(net.rest().slopes(), &Q26::array([0.125, -3.0]));
    let mut file = [0; 400];
    let length = gradlet::safetensors::save(&net, &["0", "1"], &mut file).unwrap().len();
    let mut loaded = Of::<Fixed>::ZERO;
    gradlet::safetensors::load(&mut loaded, &file[..length], &["0", "1"]).unwrap();
    assert_eq!(loaded, net);
}

#[test]
fn gradients_are_those_of_floats_for_all_activations() {
    macro_rules! activations {
        ($($a:ident)+) => {
            $(compare!(8 x 2 => Conv1d(4, 3) $a => Conv1d(4, 2) $a => Flatten => 2 Identity);)+
        };
    }
    activations!(
        Identity Relu Relu6 LeakyRelu HardTanh HardSigmoid Sigmoid Tanh Softsign Elu Selu Softplus
    );
}

#[test]
fn means_are_the_nearest() {
    for count in 1..300_u32 {
        for sum in [0, 1, -1, 7, -7, 262_144, -262_144, 1_000_003, -1_000_003] {
            let mut all = Q12::ZERO;
            // A sum beyond the range of a value.
            let mut left = sum;
            while left != 0 {
                let part = Q12::from_bits(left);
                all = <Fixed>::plus(all, part);
                left -= part.to_bits();
            }
            // What is beyond the range of a value is cut off by the activation.
            let count = count as i32;
            let mean = (sum + count / 2).div_euclid(count);
            assert!(<Fixed>::mean(all, count as u32).to_bits() == mean, "{sum} {count}");
        }
        let scale = <Fixed>::share_scale(gradlet::Exponent(0), count);
        let share = f64::from(<Fixed>::share(4096, count)) / f64::from(scale.0).exp2();
        let exact = 4096.0 / f64::from(count);
        assert!((share - exact).abs() < exact * 5e-5, "{count}: {share} {exact}");
    }
}

/// The sum over the positions stays within 32 bits, and goes the right way, for the largest of all numbers.
#[test]
fn gradients_do_not_wrap() {
    type Net = net![Fixed; 300 x 1 => Conv1d(2, 1) Identity];
    for (x, t, sign) in [(64.0, 64.0, 1), (-64.0, 64.0, -1), (64.0, -64.0, -1), (-64.0, -64.0, 1)] {
        for rate in [1e-9, 1e-3, 1.0, 1e6] {
            let (mut net, mut trainer) = (Net::ZERO, Trainer::<Net, HalfSquaredError>::new());
            let (x, t) = ([[Q12::new(x)]; 300], [[Q12::new(t)]; 300]);
            let t = t.map(|[t]| [t, t]);
            assert!(trainer.step(&mut net, &Sgd::new(Q32::new(rate)), &x, &t).is_finite());
            let weights = net.weights().as_flattened().as_flattened();
            for w in weights {
                assert_eq!(
                    w.to_bits().signum(),
                    if rate > 1e-8 { sign } else { 0 },
                    "{rate} {net:?}"
                );
            }
            let bias = net.bias()[0].to_bits();
            assert_eq!(bias.signum(), if rate > 1e-8 { t[0][0].to_bits().signum() } else { 0 });
        }
    }
}

#[test]
fn a_sum_beyond_the_range_is_no_step() {
    type Net = net![Fixed; 6 x 1 => Conv1d(2, 2) Relu => MaxPool(5) => Flatten => 1 Identity];
    let mut net = Net::ZERO;
    net.first_mut().weights_mut()[1][0] = [Q26::new(-20.0), Q26::ZERO];
    let mut trainer = Trainer::<Net, HalfSquaredError>::new();
    // At the last position only, and hidden by the rectifier.
    let mut x = [[Q12::ZERO]; 6];
    x[5] = [Q12::new(13.0)];
    let (before, sgd) = (net.clone(), Sgd::new(Q32::new(0.1)));
    assert!(!trainer.step(&mut net, &sgd, &x, &[Q12::ONE]).is_finite());
    assert_eq!(net, before);
    x[5] = [Q12::new(12.0)];
    assert!(trainer.step(&mut net, &sgd, &x, &[Q12::ONE]).is_finite());
    assert_ne!(net, before);
}

/// Weights that are updated at many positions stop at the limit, and those of a dense layer behind them.
#[test]
fn weights_stop_at_the_limit() {
    type Net = net![Fixed; 50 x 1 => Conv1d(1, 1) Identity => GlobalMean => 1 Identity];
    let mut net = Net::ZERO;
    net.first_mut().weights_mut()[0][0] = [Q26::new(0.5)];
    net.rest_mut().rest_mut().weights_mut()[0] = [Q26::new(0.5)];
    let mut trainer = Trainer::<Net, HalfSquaredError>::new();
    let sgd = Sgd::new(Q32::new(0.02));
    let (x, t) = ([[Q12::new(0.125)]; 50], [Q12::new(60.0)]);
    let weights = |net: &Net| {
        let dense = net.rest().rest();
        let convolution = net.first();
        [
            convolution.weights()[0][0][0],
            convolution.bias()[0],
            dense.weights()[0][0],
            dense.bias()[0],
        ]
    };
    // The limit is far, then near: other weights were loaded. Only the convolution has them.
    trainer.step(&mut net, &Sgd::new(Q32::new(1e-4)), &x, &t);
    net.first_mut().weights_mut()[0][0] = [Q26::new(31.99)];
    while net.forward(&x) < t {
        let before = weights(&net);
        assert!(trainer.step(&mut net, &sgd, &x, &t).is_finite());
        for (w, before) in weights(&net).iter().zip(before) {
            assert!(*w >= before, "{before} {w}");
        }
    }
    assert_eq!(net.first().weights()[0][0][0], Q26::MAX);
    assert!(!gradlet::is_finite(&net));
    let report = trainer.fit(&mut net, &sgd, &[(x, t)], Stop::after(1));
    assert_eq!(report.outcome, Outcome::Diverged);
}

/// Every size at the ends of the range, without a panic, which the tests' arithmetic would have.
#[test]
fn the_largest_numbers_do_not_panic() {
    fn run<N>()
    where
        N: Layer<Format = Fixed> + Zero,
        HalfSquaredError: Loss<N::Activation, Fixed>,
    {
        for (size, rate) in [(64.0, 1.0), (1.0, 1e9), (1e-3, 1e9), (64.0, 1e-9)] {
            let mut number = random(7);
            let mut net = N::ZERO;
            net.visit_mut(|_, w| {
                w.fill_with(|| Q26::new(if number() > 0.0 { 40.0 } else { -40.0 }))
            });
            let mut trainer = Trainer::<N, HalfSquaredError>::new();
            let mut batches = BatchTrainer::<N, HalfSquaredError>::new();
            for _ in 0..3 {
                let (x, _) = values::<N::Input>(|| size * number().signum());
                let (t, _) = values::<N::Output>(|| size * number().signum());
                let _ = net.forward(&x);
                trainer.step(&mut net, &Sgd::new(Q32::new(rate)), &x, &t);
                batches.accumulate(&net, &x, &t);
                batches.apply(&mut net, &Sgd::new(Q32::new(rate)));
            }
        }
    }
    run::<
        net![Fixed; 90 x 2 => Conv1d(3, 2) Relu => MaxPool(3, step 2) => Conv1d(5, 2) Selu => GlobalMean => 2 Identity],
    >();
    run::<
        net![Fixed; 13 x 2 => Conv1d(4, 2, groups 2) LeakyRelu => MeanPool(3) => Depthwise(2) Tanh => Flatten => 2 Softplus],
    >();
    run::<
        net![Fixed; 5 x 5 x 2 => Conv2d(3, 2 x 2) Elu => MeanPool(2 x 2, step 1 x 1) => MaxPool(3 x 3) => GlobalMax => 2 Identity],
    >();
}

type Net = net![Fixed; 8 x 1 => Conv1d(3, 3) Tanh => MaxPool(2) => Flatten => 2 Softmax];

/// Rising and falling lines.
fn lines() -> Vec<([[Q12; 1]; 8], [Q12; 2])> {
    let mut number = random(3);
    let line = |k: usize| {
        let slope = if k % 2 == 0 { 0.3 } else { -0.3 };
        let x = core::array::from_fn(|i| [Q12::new(slope * (i as f32 - 3.5) + 0.2 * number())]);
        (x, Q12::array(if k % 2 == 0 { [1.0, 0.0] } else { [0.0, 1.0] }))
    };
    (0..40).map(line).collect()
}

fn new_net() -> Net {
    let (mut net, mut number) = (Net::ZERO, random(1));
    net.visit_mut(|_, weights| weights.fill_with(|| Q26::new(0.5 * number())));
    net
}

#[test]
fn networks_are_fitted_frozen_and_sent() {
    let examples = lines();
    let (mut net, mut trainer) = (new_net(), Trainer::<Net, CrossEntropy>::new());
    let report = trainer.fit(
        &mut net,
        &Sgd::new(Q32::new(0.1)),
        &examples,
        Stop::after(200).or_at_loss(Q32::new(0.02)),
    );
    assert_eq!(report.outcome, Outcome::LossReached, "{report:?}");
    let mut batches = BatchTrainer::<Net, CrossEntropy>::new();
    batches.accumulate_all(&net, &examples);
    batches.apply(&mut net, &Sgd::new(Q32::new(0.1)));

    let frame: [u8; flat::frame_bytes::<Net>()] = flat::to_frame(&net).unwrap();
    let mut received = Net::ZERO;
    flat::load_frame(&mut received, &frame).unwrap();
    assert_eq!(received, net);

    // The head alone is trained; derivatives pass through a frozen convolution.
    let (convolution, rest) = net.into_parts();
    type Head = net![Fixed; 8 x 1 => Conv1d(1, 1) Identity];
    let mut head = Head::new([[[Q26::new(0.1)]]], [Q26::ZERO]);
    head.bias_mut()[0] = Q26::new(0.3);
    let mut whole = Chain::new(head, Chain::new(Frozen::new(&convolution), Frozen::new(&rest)));
    let mut trainer = Trainer::<_, CrossEntropy>::new();
    let before = trainer.mean_loss(&whole, &examples).unwrap();
    let report = trainer.fit(&mut whole, &Sgd::new(Q32::new(0.1)), &examples, Stop::after(30));
    assert_eq!(report.outcome, Outcome::EpochsDone);
    assert!(trainer.mean_loss(&whole, &examples).unwrap() < before / Q32::new(4.0));
}

#[cfg(feature = "embedded-storage-v0.3")]
#[test]
fn networks_are_kept() {
    use gradlet::store::Store;

    let net = new_net();
    let mut trainer = Trainer::<Net, CrossEntropy>::new();
    let mut store = Store::new(crate::flash::Flash::<2, 512, 4>::new(), 0..1024).unwrap();
    store.save_training(&net, &trainer).unwrap();
    let mut loaded = Net::ZERO;
    assert_eq!(store.load_training(&mut loaded, &mut trainer).unwrap().number, 1);
    assert_eq!(loaded, net);
}

/// Derivatives are brought to as many bits as the outputs of one position leave room for, not those of all.
#[test]
fn derivatives_have_as_many_bits_as_there_is_room_for() {
    let align = |mut deltas: [i32; 64], units| {
        let mut scale = gradlet::Exponent(12);
        <Fixed>::align(&mut deltas, units, &mut scale);
        (deltas, scale.0)
    };
    let mut deltas = [0; 64];
    (deltas[0], deltas[40]) = (3, -1);
    let (few, scale) = align(deltas, 64);
    assert_eq!((few[0], few[40], scale), (3072, -1024, 22));
    assert_eq!(align([4095; 64], 1), ([4095; 64], 12));
    assert_eq!(align([4095; 64], 16), ([4095; 64], 12));
    assert_eq!(align([4095; 64], 32), ([1024; 64], 10));
    assert_eq!(align([4095; 64], 64), ([512; 64], 9));
}
