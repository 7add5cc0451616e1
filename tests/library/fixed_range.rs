//! Fixed-point sums that leave their range: none wraps around unseen.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::float_cmp,
    clippy::cast_possible_truncation,
    reason = "tests may panic"
)]

use core::array;

use gradlet::{BiasOnly, Exponent, Format as _, prelude::*};
use rand_pcg::Pcg32;
use rand_pcg::rand_core::{Rng, SeedableRng};

const SGD: Sgd<Q32> = Sgd { learning_rate: Q32::from_bits(1 << 20) };

/// Whether a step is made; if not, nothing may change.
fn is_step<N>(net: &mut N, x: &N::Input, t: &N::Output) -> bool
where
    N: Layer<Format = Fixed, Gradient: Sized> + Clone + PartialEq,
    N::Output: Clone,
    HalfSquaredError: Loss<N::Activation, Fixed>,
{
    let before = net.clone();
    let loss = Trainer::<N, HalfSquaredError>::new().step(net, &SGD, x, t);
    assert!(loss.is_finite() || *net == before);
    loss.is_finite()
}

/// A sum of 1,024 is 0 in 32 bits.
#[test]
fn a_sum_that_wraps_around_to_nothing_is_no_step() {
    type Net = net![Fixed; 2 => 1 Identity];
    let x = [Q12::new(32.0); 2];
    let mut net = Net::new([[Q26::new(16.0)]; 2], [Q26::new(0.0)]);
    assert_eq!(net.forward(&x), [Q12::ZERO]);
    assert!(!is_step(&mut net, &x, &[Q12::ZERO]));
    // Nor in a hidden layer that hides it, nor with biases of its own.
    type Deep = net![Fixed; 2 => 1 Sigmoid => 1 Identity];
    let mut deep = Deep::new(Dense::new([[Q26::new(16.0)]; 2], [Q26::ZERO]), Zero::ZERO);
    assert!(!is_step(&mut deep, &x, &[Q12::ZERO]));
    type Adapted = BiasOnly<Net>;
    let mut adapted = Adapted::new(net.clone());
    assert!(!is_step(&mut adapted, &x, &[Q12::ZERO]));
    // These are 0 too, and nothing wraps.
    let mut net = Net::new([[Q26::new(16.0)], [Q26::new(-16.0)]], [Q26::new(0.0)]);
    assert!(is_step(&mut net, &x, &[Q12::ZERO]));
}

#[test]
fn a_sum_that_wraps_around_is_found_in_a_convolution() {
    type Net = net![Fixed; 3 x 1 => Conv1d(1, 2) Identity => GlobalMean => 1 Identity];
    let mut net = Net::ZERO;
    net.first_mut().weights_mut().as_flattened_mut().fill([Q26::new(16.0)]);
    assert!(!is_step(&mut net, &[[Q12::new(32.0)]; 3], &[Q12::ZERO]));
    assert!(is_step(&mut net, &[[Q12::new(7.0)]; 3], &[Q12::ZERO]));
}

/// More terms than a product of their number with an input has room for.
#[test]
fn a_convolution_of_many_channels_learns() {
    type Net = net![Fixed; 1 x 5000 => Conv1d(1, 1) Identity => GlobalMean => 1 Identity];
    let mut net = Net::ZERO;
    assert!(is_step(&mut net, &[[Q12::ONE; 5000]], &[Q12::ONE]));
    net.first_mut().weights_mut().as_flattened_mut().fill([Q26::new(1.0)]);
    assert!(!is_step(&mut net, &[[Q12::ONE; 5000]], &[Q12::ONE]));
}

/// A step is made if, and only if, all sums are below 256.
#[test]
fn sums_are_judged_by_their_true_size() {
    type Net = net![Fixed; 40 => 3 Identity];
    let mut random = Pcg32::seed_from_u64(5);
    let (mut refused, mut wrapped) = (0, 0);
    for case in 0..3000 {
        let mut number = |shift| random.next_u32() as i32 >> shift;
        // From small to the ends of the range.
        let (w_shift, x_shift) = (case % 7, 13 + case / 7 % 12);
        let mut net = Net::ZERO;
        net.visit_mut(|_, weights| weights.fill_with(|| Q26::from_bits(number(w_shift))));
        let x: [Q12; 40] = array::from_fn(|_| Q12::from_bits(number(x_shift)));
        let sums: [i64; 3] = array::from_fn(|o| {
            let products = net.weights().iter().zip(&x);
            let product = |(w, x): (&[Q26; 3], &Q12)| {
                i64::from(w[o].to_bits() >> 16) * i64::from(x.to_bits())
            };
            products.map(product).sum::<i64>() + i64::from(net.bias()[o].to_bits() >> 4)
        });
        let fits = sums.iter().all(|sum| sum.abs() < 256 << 22);
        let seems_to_fit = sums.iter().all(|&sum| (sum as i32).unsigned_abs() < 256 << 22);
        assert_eq!(is_step(&mut net, &x, &[Q12::ZERO; 3]), fits, "{case}: {sums:?}");
        refused += u32::from(!fits);
        wrapped += u32::from(!fits && seems_to_fit);
    }
    assert!(refused > 300 && refused < 2500 && wrapped > 30, "{refused} {wrapped}");
}

/// The derivatives of many units, all of which are large, and the largest weights: their sum is as in floats.
#[test]
fn derivatives_do_not_wrap_around() {
    type Net<F> = net![F; 1 => 1 Identity => 200 Identity];
    let mut net = Net::<Fixed>::ZERO;
    net.rest_mut().weights_mut()[0].fill(Q26::new(31.0));
    let mut floats = Net::<f64>::ZERO;
    floats.rest_mut().weights_mut()[0].fill(31.0);
    let mut trainer = Trainer::<Net<f64>, HalfSquaredError>::new();
    for d in [1.0, 0.7, 3.0] {
        let (mut net, mut floats) = (net.clone(), floats.clone());
        let sgd = Sgd::new(1.0 / 4096.0);
        trainer.step(&mut floats, &sgd, &[1.0], &[d; 200]);
        assert!(is_step(&mut net, &[Q12::ONE], &[Q12::new(d as f32); 200]));
        let (w, want) = (net.first().weights()[0][0].to_f64(), floats.first().weights()[0][0]);
        assert!(
            (w - want).abs() < 0.02 * want && w == net.first().bias()[0].to_f64(),
            "{w} {want}"
        );
    }
}

/// Sixteen derivatives of the largest size, times the smallest weight, are 2^31.
#[test]
fn derivatives_of_sixteen_units_keep_their_sign() {
    type Net = net![Fixed; 1 => 1 Identity => 16 Identity];
    let mut net = Net::ZERO;
    net.rest_mut().weights_mut()[0].fill(Q26::new(-31.999_99));
    assert!(is_step(&mut net, &[Q12::ONE], &[Q12::ONE; 16]));
    let w = net.first().weights()[0][0].to_f64();
    assert!((w + 0.125).abs() < 0.001, "{w}");
}

/// In layers so wide that one bit of each derivative is left, the sum of their sizes has 16.
#[test]
fn derivatives_of_very_wide_layers_leave_room() {
    for units in [1000, 26_000, 30_000, 65_535] {
        for d in [4095, -4096] {
            let (mut deltas, mut scale) = (vec![d; units], Exponent(12));
            <Fixed>::align(&mut deltas, units, &mut scale);
            let sum: i64 = deltas.iter().map(|&d| i64::from(d).abs()).sum();
            assert!((1..1 << 16).contains(&sum), "{units}: {sum}");
            let size = f64::from(deltas[0]) * f64::from(-scale.0).exp2();
            assert!((size - f64::from(d) / 4096.0).abs() < 0.26, "{units}: {size}");
        }
    }
}
