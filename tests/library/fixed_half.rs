//! Fixed-point networks in half the memory.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::float_cmp,
    reason = "tests may panic"
)]

use gradlet::convert::convert;
use gradlet::{Q10, prelude::*};

type Net<W> = net![Fixed<W>; 2 => 2 Sigmoid => 2 Sigmoid];

/// The worked 2-2-2 network.
fn worked_net() -> Net<Q10> {
    Net::new(
        Dense::from_rows(
            [Q10::array([0.1, 0.2]), Q10::array([0.3, 0.4])],
            Q10::array([0.55, 0.56]),
        ),
        Dense::from_rows(
            [Q10::array([0.5, 0.6]), Q10::array([0.7, 0.8])],
            Q10::array([0.66, 0.67]),
        ),
    )
}

const X: [Q12; 2] = Q12::array([0.1, 0.2]);
const T: [Q12; 2] = Q12::array([0.01, 0.99]);

#[test]
fn it_takes_half_the_memory() {
    type Digits<W> = net![Fixed<W>; 64 => 32 Sigmoid => 10 Sigmoid];
    type Learns<W> = Trainer<Digits<W>, HalfSquaredError>;
    assert_eq!(Digits::<Q10>::BYTES * 2, Digits::<Q26>::BYTES);
    let bytes = Digits::<Q10>::BYTES + size_of::<Learns<Q10>>();
    println!("{bytes} bytes");
    assert!(bytes <= 5224);
}

#[test]
fn inference_has_the_bits_of_the_upper_halves() {
    let half = worked_net();
    let mut whole = Net::<Q26>::ZERO;
    assert_eq!(convert(&half, &mut whole).unwrap().largest_error, 0.0);
    for bits in [-262_144, -4096, -1, 0, 1, 409, 819, 4096, 262_144] {
        let x = [Q12::from_bits(bits), Q12::from_bits(bits / 3 + 7)];
        assert_eq!(half.forward(&x), whole.forward(&x));
    }
}

#[test]
fn the_worked_network_is_learned() {
    let (mut net, mut trainer) = (worked_net(), Trainer::<Net<Q10>, HalfSquaredError>::new());
    for _ in 0..10_000 {
        trainer.step(&mut net, &Sgd::new(Q32::new(0.5)), &X, &T);
    }
    let loss = trainer.evaluate(&net, &X, &T);
    // In `f32` 2.2e-6.
    println!("{loss}");
    assert!(loss < Q32::new(5e-6), "{loss}");
}

#[test]
fn small_steps_count() {
    type Line = net![Fixed<Q10>; 1 => 1 Identity];
    // Each step is a tenth of a unit of 1/1024.
    let (rate, error) = (0.1 / 1024.0, 1.0);
    let mut total = 0.0;
    for start in 0..20_u8 {
        let mut net = Line::ZERO;
        let mut trainer = Trainer::<Line, HalfSquaredError>::new();
        let x = [Q12::ZERO];
        for _ in 0..start {
            trainer.step(&mut net, &Sgd::new(Q32::ZERO), &x, &x);
        }
        for _ in 0..100 {
            trainer.step(&mut net, &Sgd::new(Q32::new(rate)), &x, &[Q12::new(error)]);
        }
        total += f64::from(net.bias()[0].to_f32()) * 1024.0;
        assert_eq!(net.weights()[0][0], Q10::ZERO);
    }
    // Ten units each.
    assert!((total - 200.0).abs() < 10.0, "{total}");
}

#[test]
fn weights_stop_at_the_limit() {
    type Line = net![Fixed<Q10>; 1 => 1 Identity];
    for (start, target) in [(31.9, 60.0), (-31.9, -60.0)] {
        let mut net = Line::new([[Q10::new(start)]], [Q10::ZERO]);
        let mut trainer = Trainer::<Line, HalfSquaredError>::new();
        let (x, t) = ([Q12::new(1.0)], [Q12::new(target)]);
        for _ in 0..200 {
            trainer.step(&mut net, &Sgd::new(Q32::new(0.01)), &x, &t);
            assert_eq!(net.weights()[0][0] > Q10::ZERO, start > 0.0, "{net:?}");
        }
        assert!(!gradlet::is_finite(&net));
    }
    for rate in [1.0, 100.0, 1e6, 1e9] {
        let mut net = worked_net();
        let mut trainer = Trainer::<Net<Q10>, HalfSquaredError>::new();
        for _ in 0..3 {
            trainer.step(&mut net, &Sgd::new(Q32::new(rate)), &X, &T);
        }
        let bias = net.rest().bias();
        assert!(bias[0] < Q10::new(0.66) && bias[1] > Q10::new(0.67), "{rate}: {net:?}");
    }
}

#[test]
fn other_weights_do_not_wrap() {
    type Line = net![Fixed<Q10>; 1 => 1 Identity];
    let mut trainer = Trainer::<Line, HalfSquaredError>::new();
    let sgd = Sgd::new(Q32::new(1.0));
    let mut net = Line::ZERO;
    for _ in 0..3 {
        trainer.step(&mut net, &sgd, &[Q12::new(0.5)], &[Q12::new(0.5)]);
    }
    net = Line::new([[Q10::new(31.5)]], [Q10::ZERO]);
    trainer.step(&mut net, &sgd, &[Q12::new(1.0)], &[Q12::new(60.0)]);
    assert!(net.weights()[0][0] > Q10::new(31.9), "{net:?}");
}
