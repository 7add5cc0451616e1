//! Fixed-point networks: numbers, single steps, the ends of the range.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::unwrap_used,
    clippy::float_cmp,
    reason = "tests may panic"
)]

use gradlet::{flat, prelude::*};

type Net = net![Fixed; 2 => 2 Sigmoid => 2 Sigmoid];

/// The worked 2-2-2 network.
fn worked_net() -> Net {
    Net::new(
        Dense::from_rows(
            [Q26::array([0.1, 0.2]), Q26::array([0.3, 0.4])],
            Q26::array([0.55, 0.56]),
        ),
        Dense::from_rows(
            [Q26::array([0.5, 0.6]), Q26::array([0.7, 0.8])],
            Q26::array([0.66, 0.67]),
        ),
    )
}

const X: [Q12; 2] = Q12::array([0.1, 0.2]);
const T: [Q12; 2] = Q12::array([0.01, 0.99]);

/// Random numbers of all sizes.
fn random() -> impl FnMut() -> u64 {
    let mut state = 12_345_u64;
    move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let bits = state ^ (state >> 33);
        bits >> (state >> 58)
    }
}

#[test]
fn numbers_are_the_nearest() {
    for (value, bits) in [
        (0.0, 0),
        (-0.0, 0),
        (1.0, 4096),
        (0.5 / 4096.0, 1),
        (-0.5 / 4096.0, -1),
        (0.499 / 4096.0, 0),
        (1e-40, 0),
        (63.9999, 262_144),
        (-100.0, -262_144),
        (f32::INFINITY, 262_144),
        (f32::NEG_INFINITY, -262_144),
        (f32::NAN, 0),
    ] {
        assert_eq!(Q12::new(value).to_bits(), bits, "{value}");
    }
    assert_eq!(Q12::checked_new(64.0), Some(Q12::MAX));
    assert_eq!([64.01, f32::NAN, f32::INFINITY].map(Q12::checked_new), [None; 3]);
    assert_eq!((Q26::new(32.0), Q26::new(-32.0)), (Q26::MAX, Q26::MIN));
    let mut random = random();
    for _ in 0..10_000 {
        let value = f32::from_bits(random() as u32);
        let number = Q26::new(value);
        let nearest = (f64::from(value) * f64::from(1 << 26))
            .round()
            .clamp(-2_147_483_647.0, 2_147_483_647.0);
        assert_eq!(
            f64::from(number.to_bits()),
            if value.is_nan() { 0.0 } else { nearest },
            "{value}"
        );
        let bits = random() as i32;
        assert_eq!(
            Q26::from_bits(bits).to_f32(),
            (f64::from(bits.max(-i32::MAX)) / f64::from(1 << 26)) as f32
        );
    }
}

#[test]
fn numbers_are_written_in_decimal() {
    let texts = [Q12::new(-0.75), Q12::from_bits(1), Q12::MAX].map(|number| number.to_string());
    assert_eq!(texts, ["-0.7500", "0.0002", "64.0000"]);
    assert_eq!(
        format!("{:.0} {:.1} {:.12}", Q12::new(1.5), Q12::new(0.96), Q12::new(0.5)),
        "2 1.0 0.500000000000"
    );
    assert_eq!(format!("{:?}", Q26::new(0.1)), "0.10000001");
    assert_eq!(
        [Q32::NAN, -Q32::INFINITY, Q32::new(-1.5)].map(|number| number.to_string()),
        ["NaN", "-inf", "-1.500000000"]
    );
}

#[test]
fn arithmetic_of_rates_is_exact_up_to_rounding() {
    let mut random = random();
    for _ in 0..20_000 {
        let (a, b) = (random() as i64, random() as i64);
        let (x, y) = (Q32::from_bits(a), Q32::from_bits(b));
        if !x.is_finite() || !y.is_finite() {
            continue;
        }
        let sign = |size: u128| {
            let size = i64::try_from(size).unwrap_or(i64::MAX);
            if (a < 0) == (b < 0) { size } else { -size }
        };
        let (wide_a, wide_b) = (u128::from(a.unsigned_abs()), u128::from(b.unsigned_abs()));
        let product = sign((wide_a * wide_b + (1 << 31)) >> 32);
        assert_eq!((x * y).to_bits(), product, "{a} * {b}");
        if b != 0 {
            let quotient = sign(((wide_a << 33) / wide_b).div_ceil(2));
            assert_eq!((x / y).to_bits(), quotient, "{a} / {b}");
        }
        assert_eq!((x + y).to_bits(), a.saturating_add(b).max(-i64::MAX), "{a} + {b}");
    }
    let nan = [Q32::INFINITY - Q32::INFINITY, Q32::NAN * Q32::ONE, Q32::ZERO / Q32::ZERO, Q32::NAN];
    assert!(nan.iter().all(|x| x != x && !x.is_finite() && x.partial_cmp(&Q32::ONE).is_none()));
    assert_eq!((Q32::ONE / Q32::ZERO, -Q32::ONE / Q32::ZERO), (Q32::INFINITY, -Q32::INFINITY));
}

#[test]
fn worked_net_learns_as_in_floats() {
    let mut net = worked_net();
    let mut trainer = Trainer::<Net, HalfSquaredError>::new();
    let sgd = Sgd::new(Q32::new(0.5));
    assert!((trainer.evaluate(&net, &X, &T).to_f64() - 0.322_612).abs() < 1e-3);
    for _ in 0..10_000 {
        assert!(trainer.step(&mut net, &sgd, &X, &T).is_finite());
    }
    let loss = trainer.evaluate(&net, &X, &T);
    // In `f32` 2.207e-6.
    assert!(loss < Q32::new(2.3e-6), "{loss}");
    // For each of the four units an output and a derivative, two scales, and what descent remembers.
    assert_eq!(size_of_val(&trainer), 32 + 8 + 12);
}

#[test]
fn gradient_is_that_of_floats() {
    type Net = net![Fixed; 3 => 8 Tanh => 4 LeakyRelu => 2 Softplus];
    type Floats = net![f64; 3 => 8 Tanh => 4 LeakyRelu => 2 Softplus];
    let mut random = random();
    let mut number = || (random() % 4096) as f32 / 2048.0 - 1.0;
    let mut net = Net::ZERO;
    let mut floats = Floats::ZERO;
    let mut values = Vec::new();
    net.visit_mut(|_, weights| {
        weights.iter_mut().for_each(|w| {
            *w = Q26::new(number());
            values.push(f64::from(w.to_f32()));
        })
    });
    let mut values = values.into_iter();
    floats.visit_mut(|_, weights| weights.iter_mut().for_each(|w| *w = values.next().unwrap()));
    let (x, t) = ([0.5, -1.5, 0.25].map(Q12::new), [0.75, 0.0].map(Q12::new));
    let mut trainer = BatchTrainer::<Net, HalfSquaredError>::new();
    let mut exact = BatchTrainer::<Floats, HalfSquaredError>::new();
    let loss = trainer.accumulate(&net, &x, &t);
    let of_floats =
        exact.accumulate(&floats, &x.map(|x| x.to_f32().into()), &t.map(|t| t.to_f32().into()));
    assert!((loss.to_f64() - of_floats).abs() < 2e-3 * of_floats, "{loss} {of_floats}");
    let (mut got, mut expected) = (Vec::new(), Vec::new());
    let gradients = (trainer.gradient(), exact.gradient());
    <<Net as Layer>::Gradient as gradlet::Tensors<Q26>>::walk(
        [gradients.0],
        [],
        &mut |_, [g], []| got.extend(g.iter().map(|g| f64::from(g.to_f32()))),
    );
    <<Floats as Layer>::Gradient as gradlet::Tensors<f64>>::walk(
        [gradients.1],
        [],
        &mut |_, [g], []| expected.extend_from_slice(g),
    );
    let largest = expected.iter().fold(0.0_f64, |max, g| max.max(g.abs()));
    for (got, expected) in got.iter().zip(&expected) {
        assert!((got - expected).abs() < 4e-3 * largest, "{got} {expected} {largest}");
    }
}

#[test]
fn steps_of_one_sample_and_batches_of_one_agree() {
    let (mut single, mut batch) = (worked_net(), worked_net());
    let mut trainer = Trainer::<Net, HalfSquaredError>::new();
    let mut batches = BatchTrainer::<Net, HalfSquaredError>::new();
    let sgd = Sgd::new(Q32::new(0.5));
    for _ in 0..100 {
        trainer.step(&mut single, &sgd, &X, &T);
        batches.accumulate(&batch, &X, &T);
        assert_eq!(batches.apply(&mut batch, &sgd), 1);
    }
    let (mut one, mut other) = (Vec::new(), Vec::new());
    single.visit(|_, weights| one.extend(weights.iter().map(|w| w.to_f32())));
    batch.visit(|_, weights| other.extend(weights.iter().map(|w| w.to_f32())));
    for (one, other) in one.iter().zip(&other) {
        assert!((one - other).abs() < 2e-4, "{one} {other}");
    }
}

#[test]
fn loops_without_a_limit_have_the_bits_of_those_with_one() {
    let (mut net, mut trainer) = (worked_net(), Trainer::<Net, HalfSquaredError>::new());
    let sgd = Sgd::new(Q32::new(0.5));
    for _ in 0..100 {
        let mut other = net.clone();
        trainer.step(&mut net, &sgd, &X, &T);
        // A new trainer does not know yet how far the limit is.
        Trainer::<Net, HalfSquaredError>::new().step(&mut other, &sgd, &X, &T);
        assert_eq!(other, net);
    }
}

#[test]
fn weights_stop_at_the_limit() {
    type Line = net![Fixed; 1 => 1 Identity];
    let mut net = Line::new([[Q26::new(31.9)]], [Q26::new(0.0)]);
    let mut trainer = Trainer::<Line, HalfSquaredError>::new();
    let (x, t) = ([Q12::new(1.0)], [Q12::new(60.0)]);
    let mut last = net.weights()[0][0];
    for _ in 0..100 {
        assert!(trainer.step(&mut net, &Sgd::new(Q32::new(0.01)), &x, &t).is_finite());
        assert!(net.weights()[0][0] >= last, "{last} {net:?}");
        last = net.weights()[0][0];
    }
    assert_eq!(last, Q26::MAX);
    assert!(!gradlet::is_finite(&net));
    let examples = [(x, t)];
    let report = trainer.fit(&mut net, &Sgd::new(Q32::new(0.01)), &examples, Stop::after(1));
    assert_eq!(report.outcome, Outcome::Diverged);
    assert!(flat::to_frame::<Line, { flat::frame_bytes::<Line>() }>(&net).is_err());
}

#[test]
fn other_weights_do_not_wrap_either() {
    type Line = net![Fixed; 1 => 1 Identity];
    let mut trainer = Trainer::<Line, HalfSquaredError>::new();
    let sgd = Sgd::new(Q32::new(1.0));
    // The limit is far.
    let mut net = Line::ZERO;
    trainer.step(&mut net, &sgd, &[Q12::new(0.5)], &[Q12::new(0.5)]);
    // Other weights are loaded: now it is near.
    net = Line::new([[Q26::new(31.5)]], [Q26::ZERO]);
    trainer.step(&mut net, &sgd, &[Q12::new(1.0)], &[Q12::new(60.0)]);
    assert_eq!(net.weights()[0][0], Q26::MAX);
}

#[test]
fn huge_rates_do_not_wrap() {
    for rate in [1.0, 100.0, 1e6, 1e9] {
        let mut net = worked_net();
        let mut trainer = Trainer::<Net, HalfSquaredError>::new();
        for _ in 0..3 {
            trainer.step(&mut net, &Sgd::new(Q32::new(rate)), &X, &T);
        }
        // Both outputs go the way that the first step takes them.
        let bias = net.rest().bias();
        assert!(bias[0] < Q26::new(0.66) && bias[1] > Q26::new(0.67), "{rate}: {net:?}");
    }
}

#[test]
fn a_sum_beyond_the_range_is_no_step() {
    type Wide = net![Fixed; 4 => 1 Identity];
    let mut net = Wide::new([[Q26::new(30.0)]; 4], [Q26::new(0.0)]);
    let mut trainer = Trainer::<Wide, HalfSquaredError>::new();
    let mut x = [Q12::ZERO; 4];
    // 270 to 750, where the range ends at 512, and wraps to -512.
    for size in [2.25, 4.0, 4.25, 4.5, 6.25] {
        (x, net) = ([Q12::new(size); 4], net.clone());
        let before = net.clone();
        let loss = trainer.step(&mut net, &Sgd::new(Q32::new(0.1)), &x, &[Q12::ZERO]);
        assert!(!loss.is_finite() && net == before, "{size} {loss}");
    }
    let examples = [(x, [Q12::new(0.0)])];
    let report = trainer.fit(&mut net, &Sgd::new(Q32::new(0.1)), &examples, Stop::after(1));
    assert_eq!(report.outcome, Outcome::NotFinite { example: 0 });
}

#[test]
fn wrong_targets_and_rates_are_refused() {
    type Classes = net![Fixed; 2 => 3 Softmax];
    let (mut net, mut trainer) = (Classes::ZERO, Trainer::<Classes, CrossEntropy>::new());
    let sgd = Sgd::new(Q32::new(0.1));
    for target in [[0.0, 3.0, 0.0], [-1.0, 1.0, 1.0], [0.2, 0.2, 0.2]] {
        assert!(!trainer.step(&mut net, &sgd, &X, &Q12::array(target)).is_finite());
    }
    for rate in [Q32::new(-0.1), Q32::NAN, Q32::INFINITY] {
        assert!(
            !trainer.step(&mut net, &Sgd::new(rate), &X, &Q12::array([0.0, 1.0, 0.0])).is_finite()
        );
    }
    assert_eq!(net, Classes::ZERO);
    let loss = trainer.step(&mut net, &sgd, &X, &Q12::array([0.333, 0.333, 0.333]));
    assert!((loss.to_f64() - 3.0_f64.ln()).abs() < 2e-3, "{loss}");
}

#[test]
fn fixed_point_networks_go_into_frames() {
    let frame: [u8; flat::frame_bytes::<Net>()] = flat::to_frame(&worked_net()).unwrap();
    let mut received = Net::ZERO;
    assert_eq!(flat::load_frame(&mut received, &frame), Ok(()));
    assert_eq!(received, worked_net());
}

#[cfg(feature = "embedded-storage-v0.3")]
#[test]
fn fixed_point_networks_are_kept() {
    use gradlet::store::Store;

    let mut trainer = Trainer::<Net, HalfSquaredError>::new();
    let mut store = Store::new(crate::flash::Flash::<2, 512, 4>::new(), 0..1024).unwrap();
    store.save_training(&worked_net(), &trainer).unwrap();
    let mut loaded = Net::ZERO;
    assert_eq!(store.load_training(&mut loaded, &mut trainer).unwrap().number, 1);
    assert_eq!(loaded, worked_net());
}

/// Rounded up, a derivative has one bit more than before: no product may change its sign.
#[test]
fn derivatives_keep_their_sign_at_the_ends_of_the_range() {
    use gradlet::Activation;

    fn check<A: Activation<Fixed>>(y: i32) {
        for d in [i32::MAX, i32::MAX - 2000, 0x7fff_ff00, -i32::MAX, i32::MIN, 1, -1] {
            let (mut deltas, mut scale) = ([d], gradlet::Exponent(12));
            A::backpropagate(&[Q12::from_bits(y)], &[], &mut deltas, &mut scale);
            <Fixed as gradlet::Format>::align(&mut deltas, 2, &mut scale);
            let name = core::any::type_name::<A>();
            assert!(deltas[0].signum() == d.signum(), "{name} {d}: {deltas:?}");
            assert!(deltas[0].abs() >= 1 << 10, "{name} {d}: {deltas:?}");
        }
    }
    check::<Identity>(0);
    check::<Tanh>(0);
    check::<Softsign>(0);
    check::<Sigmoid>(2048);
    check::<HardSigmoid>(2048);
    check::<LeakyRelu>(1);
    check::<LeakyRelu>(-1);
    check::<Elu>(1);
    check::<Selu>(1);
    check::<Softplus>(60 << 12);
}

#[test]
fn metrics_take_values() {
    use gradlet::metrics::{Accuracy, ConfusionMatrix, LossMeter, argmax};

    let (y, t) = (Q12::array([0.1, 0.7, 0.7]), Q12::array([0.0, 1.0, 0.0]));
    assert_eq!(argmax(&y), Some(1));
    let (mut accuracy, mut matrix) = (Accuracy::new(), ConfusionMatrix::<3>::new());
    accuracy.observe(&y, &t);
    accuracy.observe(&Q12::array([0.5]), &Q12::array([1.0]));
    assert_eq!((accuracy.correct(), accuracy.count()), (1, 2));
    matrix.observe(&y, &t).unwrap();
    assert_eq!(matrix.counts()[1][1], 1);
    let mut meter = LossMeter::new();
    for loss in [0.5, 0.25] {
        meter.observe(Q32::new(loss));
    }
    assert_eq!((meter.mean(), meter.min()), (Some(Q32::new(0.375)), Some(Q32::new(0.25))));
}

/// Files.
mod files {
    use gradlet::{prelude::*, safetensors};

    type Net = net![Fixed; 2 => 2 Sigmoid => 2 Sigmoid];
    const FILE: &[u8] = include_bytes!("../weights/worked.safetensors");
    const NAMES: [&str; 2] = ["0", "2"];

    #[test]
    fn weights_of_floats_are_rounded() {
        const LOADED: Net = gradlet::load![FILE; "0", "2"];
        let net: Net = safetensors::from_bytes(FILE, &NAMES).unwrap();
        assert_eq!(net, super::worked_net());
        assert_eq!(LOADED, net);
    }

    #[test]
    fn files_keep_every_bit() {
        let mut net = super::worked_net();
        net.first_mut().weights_mut()[0] = [Q26::from_bits(0x7fff_fffe), Q26::from_bits(-1)];
        let mut buffer = [0; safetensors::file_size::<Net>(&NAMES).unwrap()];
        let file = safetensors::save(&net, &NAMES, &mut buffer).unwrap();
        assert_eq!(safetensors::from_bytes::<Net>(file, &NAMES).as_ref(), Ok(&net));
        // As floats, the same numbers.
        let floats: net![f64; 2 => 2 Sigmoid => 2 Sigmoid] =
            safetensors::from_bytes(file, &NAMES).unwrap();
        assert_eq!(floats.first().weights()[0], net.first().weights()[0].map(Q26::to_f64));
        assert_eq!(floats.first().weights()[0][1], -1.0 / 67_108_864.0);
    }

    #[test]
    fn weights_beyond_the_range_are_refused() {
        for value in [32.0, -40.0, 1e300] {
            let mut floats = Dense::<2, 1, Identity, f64>::ZERO;
            floats.weights_mut()[1] = [value];
            let mut buffer = [0; 400];
            let file = safetensors::save(&floats, &["a"], &mut buffer).unwrap();
            let mut net = <net![Fixed; 2 => 1 Identity]>::ZERO;
            let error = safetensors::load(&mut net, file, &["a"]).unwrap_err();
            assert_eq!(
                error.to_string(),
                "tensor `a.weight` has an element that is NaN, infinite or too large, at index 1"
            );
            assert_eq!(net, Zero::ZERO);
        }
        let mut net = <net![Fixed; 2 => 1 Identity]>::ZERO;
        net.weights_mut()[0] = [Q26::MAX];
        assert!(safetensors::save(&net, &["a"], &mut [0; 400]).is_err());
    }
}
