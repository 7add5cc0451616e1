//! Dropout: in training only, with the same values dropped in both passes of a step.

use gradlet::prelude::*;
use gradlet::{EndsIn, LayerTrace};
use support::{Random, Rng, assert_all_close, flat_gradient, tolerance};

use crate::check::random;

/// A layer with this seed.
fn seeded<N: Layer + Zero>(seed: u64) -> N {
    let mut layer = N::ZERO;
    layer.seed_dropout(&mut || seed);
    layer
}

/// What a layer gives in training.
fn in_training<N: Layer>(layer: &N, input: &N::Input) -> N::Output {
    let mut trace = N::Trace::ZERO;
    layer.forward_trace([input], [&mut trace]);
    let last: &LayerTrace<N::Format, N::Output, N::Activation> = trace.last();
    last.output().clone()
}

#[test]
fn inference_drops_nothing_whatever_the_seed() {
    let layer = seeded::<Dropout<[f64; 6], 3, 4>>(7);
    let x = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    let mut logits = [0.0; 6];
    layer.logits(&x, &mut logits);
    assert_eq!((layer.forward(&x), layer.forward_all([&x; 2]), logits), (x, [x; 2], x));
    assert_ne!(in_training(&layer, &x), x);
    // Without a seed, and in a copy, training drops nothing either.
    assert_eq!(in_training(&Dropout::<[f64; 6], 3, 4>::ZERO, &x), x);
    assert_eq!(in_training(&layer.clone(), &x), x);
    assert_eq!(layer, Dropout::new());
    type Net = Chain<Dropout<[f64; 6]>, Dropout<[f64; 6]>>;
    assert_eq!(in_training(&seeded::<Net>(7).clone(), &x), x);
    assert_eq!(Net::PARAMS, 0);
}

/// The definition: FNV-1a of the input, and `SplitMix64`.
#[test]
fn values_are_dropped_by_seed_and_input() {
    let mut rng = Rng(1);
    for seed in 1..200 {
        let x = random::<[[f64; 3]; 2]>(&mut rng, -1.0, 1.0);
        let bytes = x.as_flattened().iter().flat_map(|x| x.to_le_bytes());
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let mut words = Rng(seed ^ Rng(hash).word());
        let want = x.map(|row| {
            row.map(|x| if ((words.word() >> 32) * 10) >> 32 < 3 { 0.0 } else { x * (10.0 / 7.0) })
        });
        assert_eq!(in_training(&seeded::<Dropout<[[f64; 3]; 2], 3, 10>>(seed), &x), want);
    }
}

#[test]
fn the_share_is_dropped_in_each_place_and_the_mean_is_kept() {
    fn share<const N: u32, const D: u32>() {
        const SAMPLES: u32 = 10_000;
        let layer = seeded::<Dropout<[f64; 8], N, D>>(42);
        let (mut rng, mut dropped, mut sum) = (Rng(3), [0_u32; 8], 0.0);
        let (mut both, p) = (0_u32, f64::from(N) / f64::from(D));
        for _ in 0..SAMPLES {
            let x = random::<[f64; 8]>(&mut rng, 0.5, 1.5);
            let y = in_training(&layer, &x);
            dropped.iter_mut().zip(&y).for_each(|(count, &y)| *count += u32::from(y == 0.0));
            both += u32::from(y[0] == 0.0 && y[1] == 0.0);
            sum += y.iter().sum::<f64>();
        }
        // Five standard errors.
        let close = |count: u32, p: f64| {
            let error = 5.0 * (p * (1.0 - p) * f64::from(SAMPLES)).sqrt();
            assert!((f64::from(count) - p * f64::from(SAMPLES)).abs() <= error, "{count} {p}");
        };
        dropped.iter().for_each(|&count| close(count, p));
        close(both, p * p);
        assert!((sum / 8.0 / f64::from(SAMPLES) - 1.0).abs() < 0.05);
    }
    share::<1, 2>();
    share::<1, 5>();
    share::<9, 10>();
    share::<0, 1>();
}

type Hidden = Dense<3, 8, Tanh, f64>;
type Last = Dense<8, 2, Softmax, f64>;
type Net = Chain<Hidden, Chain<Dropout<[f64; 8], 2, 5>, Last>>;
/// The same with factors of 0 or `1 / (1 - p)`.
type Masked = Chain<Hidden, Chain<Frozen<BatchNorm<8, Identity, [f64; 8]>>, Last>>;

/// The gradient is that of a network with the same values multiplied by 0: the backward pass drops what
/// the forward pass did.
#[test]
fn gradients_are_those_of_a_network_without_the_dropped_values() {
    let mut rng = Rng(5);
    let (mut masks, mut zeros) = (std::collections::HashSet::new(), 0);
    for seed in 1..40 {
        let (hidden, last) = (Hidden::random(&mut rng), Last::random(&mut rng));
        let mut net = Net::new(hidden.clone(), Chain::new(Dropout::new(), last.clone()));
        net.seed_dropout(&mut || seed);
        let (x, t) = (random(&mut rng, -1.0, 1.0), [0.25, 0.75]);
        let values = hidden.forward(&x);
        let dropped = in_training(net.rest().first(), &values);
        let factors: [f64; 8] = core::array::from_fn(|i| dropped[i] / values[i]);
        masks.insert(factors.map(|factor| factor == 0.0));
        zeros += factors.iter().filter(|&&factor| factor == 0.0).count();
        let norm = BatchNorm::new(factors, [0.0; 8], [0.0; 8], [1.0 - 1e-5; 8]);
        let same = Masked::new(hidden, Chain::new(Frozen::new(norm), last));

        let mut one = BatchTrainer::<Net, CrossEntropy, Sgd<f64>>::new();
        let mut other = BatchTrainer::<Masked, CrossEntropy, Sgd<f64>>::new();
        let losses = [one.accumulate(&net, &x, &t), other.accumulate(&same, &x, &t)];
        assert_all_close("loss", &losses[..1], &losses[1..], tolerance::F64_STEP);
        let got = flat_gradient::<Net>(one.gradient());
        let want = flat_gradient::<Masked>(other.gradient());
        assert_all_close("gradient", &got, &want, tolerance::F64_STEP);
    }
    assert!(masks.len() > 20 && zeros > 80 && zeros < 160, "{} {zeros}", masks.len());
}

#[test]
fn tiles_drop_what_single_samples_do() {
    let mut rng = Rng(6);
    let mut net = Net::random(&mut rng);
    net.seed_dropout(&mut || 11);
    let samples: [_; 11] =
        core::array::from_fn(|_| (random::<[f64; 3]>(&mut rng, -1.0, 1.0), [0.5, 0.5]));
    let mut one = BatchTrainer::<Net, CrossEntropy, Sgd<f64>>::new();
    let mut tiles = BatchTrainer::<Net, CrossEntropy, Sgd<f64>, 4>::new();
    assert_eq!(one.accumulate_all(&net, samples), tiles.accumulate_all(&net, samples));
    assert_eq!(one.gradient(), tiles.gradient());
}

#[test]
fn what_is_dropped_is_checked_too() {
    type First = Chain<Dropout<[f64; 2], 9, 10>, Dense<2, 1, Sigmoid, f64>>;
    let mut trainer = Trainer::<First, BinaryCrossEntropy, Sgd<f64>>::new();
    for seed in 1..50 {
        let mut net = seeded::<First>(seed);
        let loss = trainer.step(&mut net, &Sgd { learning_rate: 0.1 }, &[f64::NAN, 1.0], &[1.0]);
        assert!(loss.is_nan());
    }
}

#[test]
fn dropout_is_printed_as_source() {
    assert_eq!(Dropout::<[f32; 3]>::new().to_source().to_string(), "Dropout::new()");
    assert_eq!(format!("{:?}", Dropout::<[f32; 3], 1, 4>::new()), "Dropout(1 / 4)");
    let fingerprints = [Dropout::<[f32; 3]>::FINGERPRINT, Dropout::<[f32; 3], 1, 4>::FINGERPRINT];
    assert_ne!(fingerprints[0], fingerprints[1]);
}

#[cfg(feature = "rand_core-v0.10")]
mod with_a_generator {
    use gradlet::init::with_dropout;
    use rand_pcg::Pcg32;

    use super::*;

    /// Dropout in every layer that consists of layers.
    type Drop2 = Dropout<[f64; 2]>;
    type Deep = Chain<
        Residual<Chain<Dense<2, 2, Tanh, f64>, Drop2>, Drop2>,
        Parallel<Drop2, Chain<Drop2, Drop2>, 4>,
    >;

    #[test]
    fn every_dropout_gets_a_seed_of_its_own_and_none_afterwards() {
        let seeds = |net: &mut Deep| {
            let mut count = 0;
            net.seed_dropout(&mut || {
                count += 1;
                0
            });
            count
        };
        let mut net = Deep::ZERO;
        assert_eq!(seeds(&mut net), 5);
        let x = [0.5, -0.25];
        let plain = net.forward(&x);
        let mut rng = Pcg32::new(1, 2);
        let mut changed = 0;
        for _ in 0..20 {
            with_dropout(&mut net, &mut rng, |net| {
                changed += u32::from(in_training(net.rest().first(), &x) != x);
                assert_eq!(net.forward(&x), plain);
            });
            assert_eq!(in_training(net.first(), &x), net.first().forward(&x));
        }
        assert!(changed > 5);
    }

    #[test]
    fn nothing_is_dropped_after_a_panic() {
        let mut net = Drop2::ZERO;
        let result = std::panic::catch_unwind(core::panic::AssertUnwindSafe(|| {
            with_dropout(&mut net, &mut Pcg32::new(1, 2), |_| panic!("in training"))
        }));
        let () = result.unwrap_or(());
        for i in 0..20 {
            let x = [1.0 + f64::from(i), 2.0];
            assert_eq!(in_training(&net, &x), x);
        }
    }

    #[test]
    fn training_depends_on_the_generator_only() {
        let train = |seed| {
            let mut net = Net::random(&mut Rng(1));
            let mut trainer = Trainer::<Net, CrossEntropy, Sgd<f64>>::new();
            let (mut rng, mut samples) = (Pcg32::new(seed, 0), Rng(2));
            let sgd = Sgd { learning_rate: 0.1 };
            for _ in 0..100 {
                let x = random::<[f64; 3]>(&mut samples, -1.0, 1.0);
                let t = if x[0] > 0.0 { [1.0, 0.0] } else { [0.0, 1.0] };
                with_dropout(&mut net, &mut rng, |net| trainer.step(net, &sgd, &x, &t));
            }
            net
        };
        assert_eq!(train(1), train(1));
        assert_ne!(train(1), train(2));
    }
}
