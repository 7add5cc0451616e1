//! Classifiers in int8: as accurate as those of `f32` that they are made from.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss,
    reason = "tests may panic"
)]

use examples::digits::idx::{self, Data};
use examples::digits::{Net, hidden, judge, pixels, right};
use gradlet::quantized::{Calibration, Exact, Granularity, Int8Activation, Rounding, TwoProducts};
use gradlet::{Elementwise, Relu, Sigmoid, init};
use rand_pcg::Pcg32;

/// The accuracy in percent of 64-32-10, in `f32` and in int8.
fn accuracies<A: Elementwise + Int8Activation, R: Rounding>(
    data: &Data<64>,
    net: &Net<64, A>,
    granularity: Granularity,
) -> [f64; 2] {
    let mut calibration = Calibration::new();
    for image in data.train.images.iter().take(100) {
        calibration.observe(net, &pixels(image, data.black));
    }
    let int8 = calibration.quantize::<R>(net, granularity).unwrap();
    let of = |right: u32| 100.0 * f64::from(right) / data.test.images.len() as f64;
    [
        of(right(&judge(net, &data.test, data.black))),
        of(right(&judge(&int8, &data.test, data.black))),
    ]
}

fn check<A: Elementwise + Int8Activation>(learning_rate: f64, least: f64) {
    let data = idx::digits8x8(&idx::own_data()).unwrap();
    let mut sums = [0.0; 4];
    for seed in 1..=5 {
        let initialise = |net: &mut Net<64, A>, rng: &mut Pcg32| init::xavier_uniform(net, rng);
        let net = hidden::<64, A>(&data, initialise, seed, learning_rate, 30, || ()).net;
        let all = [
            accuracies::<A, Exact>(&data, &net, Granularity::PerChannel),
            accuracies::<A, Exact>(&data, &net, Granularity::PerTensor),
            accuracies::<A, TwoProducts>(&data, &net, Granularity::PerChannel),
        ];
        let [[f32, exact], [_, tensor], [_, two]] = all;
        for (sum, accuracy) in sums.iter_mut().zip([f32, exact, tensor, two]) {
            *sum += accuracy / 5.0;
        }
    }
    let [f32, int8 @ ..] = sums;
    println!("f32 {f32:.2} %, int8 {int8:.2?}");
    assert!(f32 > least);
    for accuracy in int8 {
        assert!((accuracy - f32).abs() < 0.3, "{accuracy:.2} {f32:.2}");
    }
}

#[test]
fn digits_of_sigmoids_are_as_accurate_in_int8() {
    check::<Sigmoid>(0.05, 90.0);
}

#[test]
fn digits_of_rectifiers_are_as_accurate_in_int8() {
    check::<Relu>(0.02, 90.0);
}

#[cfg(feature = "devices")]
#[test]
fn signals_are_as_accurate_in_int8() {
    use devices::signals::{Net, Signal, Signals};
    use examples::signals::{FACTORY, for_firmware};
    use gradlet::metrics::argmax;
    use gradlet::prelude::*;

    let run = examples::signals::train(&FACTORY, || ());
    let net: &Net = run.learner.net();
    let files = for_firmware(net).unwrap();
    let hint = "run `cargo run --release -p examples --features devices --bin signals -- --write-firmware \
                examples/firmware/data`";
    assert!(files[0] == include_bytes!("../../../firmware/data/signals.safetensors"), "{hint}");
    assert!(
        files[1] == include_bytes!("../../../firmware/data/signals_int8.safetensors"),
        "{hint}"
    );
    let [training, test] = Signals::all();
    let mut calibration = Calibration::new();
    for (signal, _) in training.first(200).iter() {
        calibration.observe(net, &signal.input());
    }
    let int8: Quantized<Net> = calibration.quantize(net, Granularity::PerChannel).unwrap();
    let two: Quantized<Net, TwoProducts> =
        calibration.quantize(net, Granularity::PerChannel).unwrap();
    fn accuracy<N>(net: &N, test: Signals<'_>) -> f64
    where
        N: Layer<Format = f32, Input = [[f32; 1]; 40], Output = [[f32; 10]; 1]>,
    {
        let is_right = |(signal, shape): &(Signal, u8)| {
            let [y] = net.forward(&signal.input());
            argmax(&y) == Some(usize::from(*shape))
        };
        test.iter().filter(is_right).count() as f64 / 10.0
    }
    let all = [accuracy(net, test), accuracy(&int8, test), accuracy(&two, test)];
    println!("f32, int8, two products: {all:?} %");
    let [f32, int8 @ ..] = all;
    assert!(f32 > 80.0);
    for accuracy in int8 {
        assert!((accuracy - f32).abs() < 0.3, "{accuracy} {f32}");
    }
}
