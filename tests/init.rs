//! Initialisers and shuffling: distributions, exact draws, and what they leave alone.
//!
//! Numbers "by Python" were computed in `f64` with its `math` and `fractions` modules.
#![cfg(feature = "rand_core-v0.10")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "tests may panic, and exact numbers are meant"
)]

use core::convert::Infallible;

use gradlet::{init, prelude::*};
use proptest::prelude::*;
use rand_core::{TryRng, utils};
use support::Scale;

#[track_caller]
fn assert_close(got: f64, want: f64, allowed: f64) {
    assert!((got - want).abs() <= allowed, "got {got:e}, want {want:e}");
}

/// `SplitMix64` (Steele, Lea, Flood, OOPSLA 2014), which counts its draws.
struct SplitMix {
    state: u64,
    draws: u32,
}

impl SplitMix {
    fn new(seed: u64) -> Self {
        Self { state: seed, draws: 0 }
    }
}

impl TryRng for SplitMix {
    type Error = Infallible;

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.draws += 1;
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        Ok(z ^ (z >> 31))
    }
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.try_next_u64().map(|word| (word >> 32) as u32)
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        utils::fill_bytes_via_next_word(bytes, || self.try_next_u64())
    }
}

/// Gives the words of a list, then its last word for ever.
struct Words<'a> {
    words: &'a [u64],
    draws: usize,
}

impl<'a> Words<'a> {
    fn new(words: &'a [u64]) -> Self {
        Self { words, draws: 0 }
    }
}

impl TryRng for Words<'_> {
    type Error = Infallible;

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let word = self.words[self.draws.min(self.words.len() - 1)];
        self.draws += 1;
        Ok(word)
    }
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.try_next_u64().map(|word| word as u32)
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        utils::fill_bytes_via_next_word(bytes, || self.try_next_u64())
    }
}

#[test]
fn uniform_weights_are_odd_multiples_of_the_last_bit() {
    // The least, the one below 0, the one above 0 and the greatest: by hand.
    let mut single = Dense::<4, 1>::ZERO;
    let words = [0x8000_0000, 0x7FFF_FFFF, 0, 0xFFFF_FFFF];
    init::uniform(&mut single, 1.0, &mut Words::new(&words));
    let last = 1.0 / 16_777_216.0;
    let [above, below_minus, least, greatest] = single.weights().map(|[w]| w);
    assert_eq!([above, least], [last, -last]);
    assert_eq!([below_minus, greatest], [-1.0 + last, 1.0 - last]);

    let mut double = Dense::<4, 1, Sigmoid, f64>::ZERO;
    let words = [1 << 63, u64::MAX >> 1, 0, u64::MAX];
    init::uniform(&mut double, 1.0, &mut Words::new(&words));
    let last = 1.0 / 9_007_199_254_740_992.0;
    assert_eq!(double.weights(), &[[last], [-1.0 + last], [-last], [1.0 - last]]);
}

#[test]
fn uniform_bits_agree_with_python() {
    let mut single = Dense::<3, 2>::ZERO;
    init::he_uniform(&mut single, &mut SplitMix::new(1));
    let bits = single.weights().as_flattened().iter().map(|w| w.to_bits());
    let want = [0x3e40c868, 0x3f31f70a, 0x3faa856d, 0xbfa0e00e, 0xbfa0d74b, 0x3f3e5b19_u32];
    assert!(bits.eq(want));

    let mut double = Dense::<3, 2, Sigmoid, f64>::ZERO;
    init::he_uniform(&mut double, &mut SplitMix::new(1));
    let bits = double.weights().as_flattened().iter().map(|w| w.to_bits());
    let want = [
        0x3fc8190da227a25f,
        0x3fe63ee14bd88d6a,
        0x3ff550adc388864b,
        0xbff41c01cf178299,
        0xbff41ae97da201cd,
        0x3fe7cb634fd6a53f_u64,
    ];
    assert!(bits.eq(want));
}

#[test]
fn normal_weights_agree_with_python() {
    let mut net = Dense::<4, 1, Sigmoid, f64>::ZERO;
    init::lecun_normal(&mut net, &mut SplitMix::new(1));
    let want = [0.21472610269200348, 0.7928862667869961, 0.5277619520584297, 0.032261884812772826];
    for ([got], want) in net.weights().iter().zip(want) {
        assert_close(*got, want, 1e-15);
    }
}

#[test]
fn normal_bits_stay_the_same() {
    // As first computed here; a change is a change of every network that starts from them.
    let mut net = Dense::<4, 1>::ZERO;
    init::lecun_normal(&mut net, &mut SplitMix::new(1));
    assert_eq!(
        net.weights().map(|[w]| w.to_bits()),
        [0x3e5be125, 0x3f4afa99, 0x3f071b68, 0x3d042513]
    );
}

type Net<T> = Chain<Dense<30, 20, Tanh, T>, Dense<20, 10, Identity, T>>;

/// Second and fourth moments and the greatest size of the weights of both layers, from 400
/// networks.
fn moments<T: Scalar>(fill: impl Fn(&mut Net<T>, &mut SplitMix)) -> [[f64; 3]; 2] {
    let mut sums = [[0.0; 3]; 2];
    let mut rng = SplitMix::new(2026);
    for _ in 0..400 {
        let mut net = Net::<T>::new(
            Dense::new([[T::ONE; 20]; 30], [T::ONE; 20]),
            Dense::new([[T::ONE; 10]; 20], [T::ONE; 10]),
        );
        fill(&mut net, &mut rng);
        assert_eq!(net.first().bias(), &[T::ZERO; 20]);
        assert_eq!(net.rest().bias(), &[T::ZERO; 10]);
        let layers = [net.first().weights().as_flattened(), net.rest().weights().as_flattened()];
        for (sums, weights) in sums.iter_mut().zip(layers) {
            for w in weights.iter().map(|w| w.to_f64()) {
                sums[0] += w * w / (weights.len() as f64 * 400.0);
                sums[1] += w * w * w * w / (weights.len() as f64 * 400.0);
                sums[2] = sums[2].max(w.abs());
            }
        }
    }
    sums
}

/// The variances of the two layers are as wanted to 1.5 %, five standard errors of the smaller
/// layer.
fn check<T: Scalar>(fill: impl Fn(&mut Net<T>, &mut SplitMix), variances: [f64; 2], kurtosis: f64) {
    for ([second, fourth, greatest], want) in moments(fill).into_iter().zip(variances) {
        assert!((second / want - 1.0).abs() < 0.015, "variance {second}, want {want}");
        let got = fourth / (second * second);
        assert!((got / kurtosis - 1.0).abs() < 0.05, "kurtosis {got}, want {kurtosis}");
        if kurtosis < 2.0 {
            let limit = (3.0 * want).sqrt();
            assert!(greatest <= limit * (1.0 + 1e-7) && greatest > 0.999 * limit);
        }
    }
}

#[test]
fn initialisers_have_the_variance_and_shape_of_their_paper() {
    fn both<T: Scalar>() {
        let [xavier, he, lecun] =
            [[2.0 / 50.0, 2.0 / 30.0], [2.0 / 30.0, 2.0 / 20.0], [1.0 / 30.0, 1.0 / 20.0]];
        // E w^4 / (E w^2)^2 is 9/5 for uniform and 3 for normal numbers.
        check::<T>(init::xavier_uniform, xavier, 1.8);
        check::<T>(init::he_uniform, he, 1.8);
        check::<T>(init::lecun_uniform, lecun, 1.8);
        check::<T>(|net, rng| init::uniform(net, T::ONE, rng), [1.0 / 3.0; 2], 1.8);
        check::<T>(init::xavier_normal, xavier, 3.0);
        check::<T>(init::he_normal, he, 3.0);
        check::<T>(init::lecun_normal, lecun, 3.0);
        check::<T>(|net, rng| init::normal(net, T::HALF, rng), [0.25; 2], 3.0);
    }
    both::<f32>();
    both::<f64>();
}

#[test]
fn convolutions_have_the_fans_of_their_filters() {
    /// The largest of 320 weights.
    fn largest(fill: impl Fn(&mut Filters, &mut SplitMix)) -> f64 {
        let mut layer = Filters::ZERO;
        fill(&mut layer, &mut SplitMix::new(8));
        assert_eq!(layer.bias(), &[0.0; 16]);
        let weights = layer.weights().as_flattened().as_flattened();
        weights.iter().fold(0.0, |largest, weight| weight.abs().max(largest))
    }
    // Two groups of 4 channels: PyTorch's weights are [16, 4, 5].
    type Filters = Conv1d<8, 8, 16, 5, 4, Relu, f64, 1, 0, 1, 4>;
    let fan_in = (6.0_f64 / 20.0).sqrt();
    let he = largest(init::he_uniform);
    assert!(he <= fan_in && he > 0.97 * fan_in, "{he} of {fan_in}");
    let both = (6.0_f64 / (20.0 + 80.0)).sqrt();
    let xavier = largest(init::xavier_uniform);
    assert!(xavier <= both && xavier > 0.97 * both, "{xavier} of {both}");
}

#[test]
fn initialisers_draw_as_often_as_they_say() {
    let (mut net, mut rng) = (Net::<f32>::ZERO, SplitMix::new(3));
    init::he_uniform(&mut net, &mut rng);
    assert_eq!(rng.draws, 30 * 20 + 20 * 10);
    let mut rng = SplitMix::new(3);
    for _ in 0..100 {
        init::he_normal(&mut net, &mut rng);
    }
    let each = f64::from(rng.draws) / 80_000.0;
    assert_close(each, 4.0 / core::f64::consts::PI, 0.01);
}

#[test]
fn a_generator_that_is_stuck_does_not_hang() {
    let mut net = Dense::<3, 3>::ZERO;
    let mut rng = Words::new(&[u64::MAX]);
    init::normal(&mut net, 1.0, &mut rng);
    assert_eq!((net, rng.draws), (Dense::ZERO, 5 * 2 * 64));
    let mut items = [0, 1, 2];
    init::shuffle(&mut items, &mut Words::new(&[0]));
    assert_eq!(items, [1, 2, 0]);
}

#[test]
fn sizes_that_are_not_finite_show() {
    for bad in [f32::NAN, f32::INFINITY] {
        let mut nets = [Dense::<3, 3>::ZERO, Dense::ZERO];
        init::uniform(&mut nets[0], bad, &mut SplitMix::new(1));
        init::normal(&mut nets[1], bad, &mut SplitMix::new(1));
        for net in nets {
            let weights = net.weights().as_flattened();
            assert!(weights.iter().all(|w| !w.is_finite()), "{bad}: {net:?}");
            assert!(!gradlet::is_finite(&net), "{bad}");
        }
    }
}

#[test]
fn initialisers_leave_other_and_frozen_tensors_as_they_are() {
    let old = Dense::<2, 2>::new([[0.5; 2]; 2], [0.25; 2]);
    let first = Chain::new(Scale { factors: [2.0, 3.0] }, Frozen::new(old.clone()));
    let mut net = Chain::new(first.clone(), old);
    init::he_normal(&mut net, &mut SplitMix::new(5));
    assert_eq!(net.first(), &first);
    assert_eq!(net.rest().bias(), &[0.0; 2]);
    assert!(net.rest().weights().as_flattened().iter().all(|w| *w != 0.5));
    init::zeros(&mut net);
    assert_eq!((net.first(), net.rest()), (&first, &Dense::ZERO));
}

#[test]
fn shuffle_agrees_with_python() {
    let mut items = [0, 1, 2, 3, 4, 5, 6, 7];
    init::shuffle(&mut items, &mut SplitMix::new(1));
    assert_eq!(items, [0, 3, 7, 1, 2, 6, 5, 4]);
}

#[test]
fn shuffle_makes_each_order_equally_often() {
    let mut counts = [0_u32; 256];
    let mut rng = SplitMix::new(7);
    for _ in 0..24_000 {
        let mut items = [0, 1, 2, 3];
        init::shuffle(&mut items, &mut rng);
        counts[items.iter().fold(0, |code, item| 4 * code + item)] += 1;
    }
    let counts: Vec<u32> = counts.into_iter().filter(|&count| count > 0).collect();
    assert_eq!(counts.len(), 24);
    // Chi squared with 23 degrees of freedom is above 49.7 once in a thousand.
    let squares = counts.iter().map(|&count| (f64::from(count) - 1000.0).powi(2) / 1000.0);
    let chi_squared: f64 = squares.sum();
    assert!(chi_squared < 49.7, "{chi_squared}");
}

#[test]
fn shuffle_refuses_the_draws_that_would_favour_a_choice() {
    // 2^32 is 1 modulo 3, so of three choices the draw 0 is one too many. Of two none is.
    let (mut items, mut rng) = ([0, 1, 2], Words::new(&[0, 0xFFFF_FFFF, 0]));
    init::shuffle(&mut items, &mut rng);
    assert_eq!((items, rng.draws), ([1, 0, 2], 3));
}

proptest! {
    #[test]
    fn shuffle_is_a_permutation(seed: u64, length in 0_usize..200) {
        let mut items: Vec<usize> = (0..length).collect();
        let mut rng = SplitMix::new(seed);
        init::shuffle(&mut items, &mut rng);
        prop_assert!(rng.draws as usize <= length.saturating_sub(1) + 1);
        prop_assert!(rng.draws as usize >= length.saturating_sub(1));
        items.sort_unstable();
        prop_assert!(items.into_iter().eq(0..length));
    }
}

/// The wrapper of the documentation.
struct FromWords<F>(F);

impl<F: FnMut() -> u32> TryRng for FromWords<F> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.0)())
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        utils::next_u64_via_u32(self)
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        utils::fill_bytes_via_next_word(bytes, || self.try_next_u32())
    }
}

/// Apart from `proptest`, which brings the traits of one version.
mod older {
    use super::{SplitMix, TryRng};

    /// A generator as a HAL has it, of `rand_core` 0.6 and of 0.9.
    pub(crate) struct Oscillator(pub(crate) SplitMix);

    impl rand_core_06::RngCore for Oscillator {
        fn next_u32(&mut self) -> u32 {
            self.0.try_next_u32().unwrap()
        }
        fn next_u64(&mut self) -> u64 {
            rand_core_06::impls::next_u64_via_u32(self)
        }
        fn fill_bytes(&mut self, bytes: &mut [u8]) {
            rand_core_06::impls::fill_bytes_via_next(self, bytes);
        }
        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core_06::Error> {
            rand_core_06::RngCore::fill_bytes(self, bytes);
            Ok(())
        }
    }

    impl rand_core_09::RngCore for Oscillator {
        fn next_u32(&mut self) -> u32 {
            self.0.try_next_u32().unwrap()
        }
        fn next_u64(&mut self) -> u64 {
            rand_core_09::impls::next_u64_via_u32(self)
        }
        fn fill_bytes(&mut self, bytes: &mut [u8]) {
            rand_core_09::impls::fill_bytes_via_next(self, bytes);
        }
    }

    pub(crate) fn word_06(rng: &mut impl rand_core_06::RngCore) -> u32 {
        rng.next_u32()
    }

    pub(crate) fn word_09(rng: &mut impl rand_core_09::RngCore) -> u32 {
        rng.next_u32()
    }
}

/// Weights and an order from a generator.
fn drawn(rng: &mut impl init::Generator) -> (Mlp<2, 4, 1>, Dense<3, 2, Tanh, f64>, [u8; 9]) {
    let (mut net, mut wide, mut order) = (Mlp::ZERO, Dense::ZERO, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    init::xavier_uniform(&mut net, rng);
    init::he_normal(&mut wide, rng);
    init::shuffle(&mut order, rng);
    (net, wide, order)
}

#[test]
fn generators_of_older_versions_draw_their_own_words() {
    let mut words = SplitMix::new(7);
    let want = drawn(&mut FromWords(|| words.try_next_u32().unwrap()));
    let mut old = older::Oscillator(SplitMix::new(7));
    assert_eq!(drawn(&mut FromWords(|| older::word_06(&mut old))), want);
    assert_eq!(old.0.draws, words.draws);
    let mut old = older::Oscillator(SplitMix::new(7));
    assert_eq!(drawn(&mut FromWords(|| older::word_09(&mut old))), want);
    assert_ne!(want.0, Mlp::ZERO);
}

#[test]
fn fixed_point_weights_are_those_of_floats() {
    type Of<F> = net![F; 20 => 30 Tanh => 10 Sigmoid];
    let (mut net, mut floats) = (Of::<Fixed>::ZERO, Of::<f32>::ZERO);
    let largest_difference = |net: &Of<Fixed>, floats: &Of<f32>| {
        let (mut of_fixed, mut of_floats) = (Vec::new(), Vec::new());
        net.visit(|_, weights| of_fixed.extend(weights.iter().map(|w| w.to_f32())));
        floats.visit(|_, weights| of_floats.extend_from_slice(weights));
        let differences = of_fixed.iter().zip(&of_floats).map(|(a, b)| (a - b).abs());
        assert!(of_floats.iter().any(|w| *w != 0.0));
        differences.fold(0.0, f32::max)
    };
    init::xavier_uniform(&mut net, &mut SplitMix::new(7));
    init::xavier_uniform(&mut floats, &mut SplitMix::new(7));
    assert!(largest_difference(&net, &floats) < 5e-8);
    init::he_normal(&mut net, &mut SplitMix::new(7));
    init::he_normal(&mut floats, &mut SplitMix::new(7));
    assert!(largest_difference(&net, &floats) < 1e-3);
    init::uniform(&mut net, Q32::new(0.5), &mut SplitMix::new(7));
    init::uniform(&mut floats, 0.5, &mut SplitMix::new(7));
    assert!(largest_difference(&net, &floats) < 5e-8);
    init::zeros(&mut net);
    assert_eq!(net, Of::ZERO);
}
