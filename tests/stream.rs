//! Windows over a signal, the replay buffer, the history of the loss.
#![cfg(feature = "stream")]
#![allow(
    clippy::unwrap_used,
    clippy::float_cmp,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "tests may panic"
)]

use gradlet::prelude::*;
use gradlet::stream::{Features, LossHistory, ReplayBuffer, Window};
use proptest::prelude::*;
use rand_pcg::Pcg32;
use rand_pcg::rand_core::SeedableRng;

/// Full windows of a signal that counts: their first and last sample.
fn ends<const LEN: usize, const HOP: usize>(samples: u8) -> Vec<(u8, u8)> {
    let mut window = Window::<1, LEN, HOP>::new();
    let mut ends = vec![];
    for sample in 0..samples {
        if let Some(full) = window.push([f32::from(sample)]) {
            let all: Vec<u8> = full.samples().map(|&[x]| x as u8).collect();
            assert_eq!(all.len(), LEN);
            assert!(all.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{all:?}");
            ends.push((all[0], all[LEN - 1]));
        }
    }
    ends
}

#[test]
fn windows_come_every_hop() {
    assert_eq!(ends::<3, 3>(10), [(0, 2), (3, 5), (6, 8)]);
    assert_eq!(ends::<3, 1>(5), [(0, 2), (1, 3), (2, 4)]);
    assert_eq!(ends::<2, 5>(12), [(0, 1), (5, 6), (10, 11)]);
    assert_eq!(ends::<1, 1>(2), [(0, 0), (1, 1)]);
    assert_eq!(ends::<4, 4>(3), []);
}

/// After any number of samples before the window is cleared: none, a part, and more than it holds.
#[test]
fn cleared_windows_begin_anew() {
    fn begins_anew<const HOP: usize>() {
        for before in 0..8 {
            let mut window = Window::<1, 3, HOP>::new();
            for _ in 0..before {
                window.push([9.0]);
            }
            window.clear();
            assert!(window.push([1.0]).is_none() && window.push([2.0]).is_none(), "{before}");
            let full = window.push([3.0]).unwrap();
            assert!(full.samples().eq(&[[1.0], [2.0], [3.0]]), "{before}");
        }
    }
    begins_anew::<1>();
    begins_anew::<2>();
    begins_anew::<5>();
}

/// Of 8 samples of two channels, by numpy: `mean`, `std`, `min`, `max`,
/// `count_nonzero(diff(sign(x - x.mean())))`.
#[test]
fn features_are_those_of_numpy() {
    const SIGNAL: [[f64; 2]; 8] = [
        [0.5, 100.0],
        [-1.25, 101.5],
        [2.0, 99.0],
        [3.5, 100.25],
        [-0.75, 98.0],
        [0.0, 102.0],
        [1.5, 100.5],
        [-2.5, 99.75],
    ];
    let mut window = Window::<2, 8, 8, f64>::new();
    let features = SIGNAL.iter().find_map(|x| window.push(*x).map(|full| full.features())).unwrap();
    assert_eq!(features.mean, [0.375, 100.125]);
    let deviation = [1.802_775_637_731_994_6, 1.198_957_880_828_179_8];
    for (got, want) in features.standard_deviation.iter().zip(deviation) {
        assert!((got - want).abs() < 1e-14, "{got} {want}");
    }
    assert_eq!((features.minimum, features.maximum), ([-2.5, 98.0], [3.5, 102.0]));
    assert_eq!(features.zero_crossings, [5.0, 6.0]);
    let array: [f64; 10] = features.to_array();
    assert_eq!(array[..2], features.mean);
    assert_eq!(array[2..4], features.standard_deviation);
    assert_eq!(array[4..], [-2.5, 98.0, 3.5, 102.0, 5.0, 6.0]);
}

#[test]
fn constant_signals_cross_nothing() {
    let mut window = Window::<1, 4>::new();
    for _ in 0..3 {
        window.push([1.0]);
    }
    let features = window.push([1.0]).unwrap().features();
    let want = Features { mean: [1.0], minimum: [1.0], maximum: [1.0], ..Features::ZERO };
    assert_eq!(features, want);
}

/// The features of `LEN` samples.
fn features_of<const LEN: usize>(signal: impl Fn(usize) -> f32) -> Features<1> {
    let mut window = Window::<1, LEN>::new();
    (0..LEN).find_map(|k| window.push([signal(k)]).map(|full| full.features())).unwrap()
}

/// Where the mean of the samples is rounded, as it is here, `sum x^2 - N mean^2` would be far off.
#[test]
fn deviations_are_right_far_from_zero() {
    let features = features_of::<3>(|k| if k == 0 { 1e6 } else { 1_000_001.0 });
    let [deviation] = features.standard_deviation;
    assert!((deviation - (2.0_f32 / 9.0).sqrt()).abs() < 1e-6, "{deviation}");
}

/// Whose plain sums are wrong by hundreds of roundings: by more than this signal varies.
#[test]
fn features_of_long_windows_are_right() {
    const LEN: usize = 20_000;
    const G: f32 = 9.81;
    let next_up = |x: f32| f32::from_bits(x.to_bits() + 1);
    // In turns, also by the last digit alone, so that the mean is no `f32`.
    for (low, high) in [(G - 0.001, G + 0.001), (G, next_up(G)), (-0.001, 0.001), (0.0, 1e6)] {
        let features = features_of::<LEN>(|k| if k % 2 == 0 { low } else { high });
        let half = f64::midpoint(f64::from(high), -f64::from(low));
        let deviation = f64::from(features.standard_deviation[0]);
        assert!((deviation / half - 1.0).abs() < 1e-6, "{low} {high}: {features:?}");
        let mean = f64::from(features.mean[0]) - f64::midpoint(f64::from(low), f64::from(high));
        assert!(mean.abs() <= f64::from(next_up(high) - high) / 2.0, "{low} {high}: {features:?}");
        assert_eq!(features.zero_crossings, [19_999.0], "{low} {high}");
    }
    // An outlier, wherever it is, is all that there is to see.
    for place in [0, 1, LEN / 2, LEN - 1] {
        let features = features_of::<LEN>(|k| if k == place { 1e6 } else { G });
        let deviation = (1e6 - f64::from(G)) * (19_999.0_f64).sqrt() / 20_000.0;
        assert!((f64::from(features.standard_deviation[0]) / deviation - 1.0).abs() < 1e-6);
        let mean = f64::from(G) + (1e6 - f64::from(G)) / 20_000.0;
        assert!((f64::from(features.mean[0]) - mean).abs() < 0.1, "{place}: {features:?}");
        let crossings = if place % (LEN - 1) == 0 { 1.0 } else { 2.0 };
        assert_eq!(features.zero_crossings, [crossings], "{place}");
    }
    // Constants up to the largest number.
    for constant in [0.0, G, 0.1, -1e-39, 3e38, f32::MAX, f32::MIN] {
        let features = features_of::<LEN>(|_| constant);
        let want = [constant, 0.0, constant, constant, 0.0];
        assert_eq!(features.to_array(), want, "{constant}");
    }
    // Squares that overflow show, and there is a mean all the same.
    let features = features_of::<4>(|k| if k % 2 == 0 { 1e20 } else { 3e20 });
    assert!(features.standard_deviation[0].is_nan(), "{features:?}");
    assert_eq!(features.mean, [2e20]);
}

#[test]
fn reservoirs_draw_nothing_until_they_are_full() {
    let mut rng = Pcg32::seed_from_u64(5);
    let mut buffer = ReplayBuffer::<u8, (), 3>::new();
    for i in 0..3 {
        assert_eq!(buffer.push_reservoir((i, ()), &mut rng), None);
        assert!(!buffer.is_empty());
    }
    assert_eq!(rng, Pcg32::seed_from_u64(5));
    buffer.push_reservoir((3, ()), &mut rng);
    assert_ne!(rng, Pcg32::seed_from_u64(5));
}

/// A sample at the mean, which is 10 in all of these, is on neither side.
#[test]
fn touching_the_mean_is_no_crossing() {
    for (signal, crossings) in [
        ([9.0, 10.0, 9.0, 12.0], 1.0),
        ([11.0, 10.0, 11.0, 8.0], 1.0),
        ([9.0, 10.0, 11.0, 10.0], 1.0),
        ([10.0, 11.0, 10.0, 9.0], 1.0),
        ([9.0, 11.0, 10.0, 10.0], 1.0),
    ] {
        let mut window = Window::<1, 4>::new();
        let full = signal.iter().find_map(|&x| window.push([x]).map(|full| full.features()));
        assert_eq!(full.unwrap().zero_crossings, [crossings], "{signal:?}");
    }
}

#[test]
fn damaged_samples_are_never_learned() {
    let mut window = Window::<2, 2>::new();
    window.push([1.0, f32::NAN]);
    let x: [f32; 10] = window.push([2.0, 5.0]).unwrap().features().to_array();
    assert!(x[0].is_finite() && x[1].is_nan());
    let mut net = Mlp::<10, 2, 10, Tanh, Identity>::ZERO;
    let mut trainer = Trainer::<_, MeanSquaredError>::new();
    assert!(trainer.step(&mut net, &Sgd { learning_rate: 0.1 }, &x, &x).is_nan());
    assert_eq!(net, Mlp::ZERO);
}

#[test]
fn rings_hold_the_last_examples() {
    let mut buffer = ReplayBuffer::<u8, u8, 3>::new();
    for i in 0..8 {
        let out = buffer.push((i, 10 * i));
        assert_eq!(out, i.checked_sub(3).map(|i| (i, 10 * i)));
        let mut held: Vec<u8> = buffer.as_slice().iter().map(|&(x, _)| x).collect();
        held.sort_unstable();
        assert_eq!(held, (i.saturating_sub(2)..=i).collect::<Vec<_>>());
    }
    buffer.clear();
    assert!(buffer.is_empty() && buffer.seen() == 0);
    assert_eq!(buffer.draw(5, &mut Pcg32::seed_from_u64(1)).count(), 0);
}

/// Each of 40 examples is among 10 with a probability of 1/4, wherever it came: over 4,000 trials 1,000
/// times, with a standard deviation of 27.
#[test]
fn reservoirs_hold_each_example_with_the_same_probability() {
    let mut rng = Pcg32::seed_from_u64(2);
    let mut held = [0; 40];
    for _ in 0..4000 {
        let mut buffer = ReplayBuffer::<usize, (), 10>::new();
        for i in 0..40 {
            let out = buffer.push_reservoir((i, ()), &mut rng);
            assert_eq!(out.is_some(), i >= 10);
        }
        assert_eq!((buffer.len(), buffer.seen()), (10, 40));
        for &(i, ()) in buffer.as_slice() {
            held[i] += 1;
        }
    }
    assert!(held.iter().all(|&count| (880..1120).contains(&count)), "{held:?}");
}

#[test]
fn every_example_is_drawn_alike() {
    let mut buffer = ReplayBuffer::<usize, (), 8>::new();
    for i in 0..5 {
        buffer.push((i, ()));
    }
    let mut drawn = [0; 5];
    for &(i, ()) in buffer.draw(10_000, &mut Pcg32::seed_from_u64(3)) {
        drawn[i] += 1;
    }
    // Standard deviation 40.
    assert!(drawn.iter().all(|&count| (1840..2160).contains(&count)), "{drawn:?}");
}

/// Two tasks, one after the other: without the buffer the first is forgotten.
#[test]
fn replay_keeps_what_was_learned() {
    fn error_on_old(replayed: u32) -> f32 {
        let mut rng = Pcg32::seed_from_u64(4);
        let mut net = Mlp::<1, 12, 1, Tanh, Identity>::ZERO;
        gradlet::init::xavier_uniform(&mut net, &mut rng);
        let mut trainer = BatchTrainer::<_, HalfSquaredError>::new();
        let mut buffer = ReplayBuffer::<_, _, 16>::new();
        let sgd = Sgd { learning_rate: 0.05 };
        let old = |k: u32| ([(k % 50) as f32 / 25.0 - 2.0], [1.0]);
        let new = |k: u32| ([(k % 50) as f32 / 25.0], [-1.0]);
        for k in 0..8000 {
            let example = if k < 4000 { old(k) } else { new(k) };
            trainer.accumulate(&net, &example.0, &example.1);
            trainer.accumulate_all(&net, buffer.draw(replayed, &mut rng));
            trainer.apply(&mut net, &sgd);
            buffer.push_reservoir(example, &mut rng);
        }
        trainer.mean_loss(&net, (0..50).map(old)).unwrap()
    }
    let (without, with) = (error_on_old(0), error_on_old(3));
    assert!(with < without / 4.0, "{with} {without}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn histories_span_all_losses(losses in prop::collection::vec(0.0_f64..1.0, 0..300)) {
        check_history::<2>(&losses);
        check_history::<7>(&losses);
        check_history::<16>(&losses);
    }
}

/// Each number is the mean of as many losses as the stride says, all in order.
fn check_history<const N: usize>(losses: &[f64]) {
    let mut history = LossHistory::<N, f64>::new();
    losses.iter().for_each(|&loss| assert!(history.observe(loss)));
    let stride = history.stride() as usize;
    let means = history.means();
    assert_eq!(means.len(), losses.len() / stride, "{N}: {stride}");
    assert!(stride == 1 || means.len() >= N / 2, "{N}: {stride} {}", means.len());
    for (mean, losses) in means.iter().zip(losses.chunks_exact(stride)) {
        assert!((mean - losses.iter().sum::<f64>() / stride as f64).abs() < 1e-12, "{N}");
    }
}

#[test]
fn statics_take_no_flash() {
    // What starts as zeros is in no file; by its bytes, as far as they are initialised.
    static WINDOW: std::sync::Mutex<Window<3, 8>> = std::sync::Mutex::new(Window::new());
    static BUFFER: std::sync::Mutex<ReplayBuffer<[f32; 2], [f32; 1], 4>> =
        std::sync::Mutex::new(ReplayBuffer::new());
    assert!(WINDOW.lock().unwrap().push([0.0; 3]).is_none());
    assert!(BUFFER.lock().unwrap().is_empty());
    assert_eq!(size_of::<ReplayBuffer<[f32; 2], [f32; 1], 4>>(), 4 * 12 + 24);
    assert_eq!(size_of::<Window<3, 8>>(), 8 * 12 + 32);
}

/// Of a sine that arrives one sample at a time, wherever the ring buffer begins.
#[cfg(feature = "microfft-v0.6")]
#[test]
fn spectra_of_windows_are_those_of_their_samples() {
    use gradlet::spectrum::Spectrum;

    let sample = |time: u16| {
        let angle = core::f32::consts::TAU * f32::from(time) / 32.0;
        [(3.0 * angle).sin(), 2.0 * (7.0 * angle).cos()]
    };
    let mut window = Window::<2, 32, 5>::new();
    let mut windows = 0;
    for time in 0..200 {
        let Some(full) = window.push(sample(time)) else { continue };
        let magnitudes = full.map_channels(|x| Spectrum::new(x).magnitude());
        for (channel, (bin, size)) in [(3, 16.0), (7, 32.0)].into_iter().enumerate() {
            for (k, &found) in magnitudes[channel].iter().enumerate() {
                let wanted = if k == bin { size } else { 0.0 };
                assert!((found - wanted).abs() < 3e-4, "{time} {channel} {k}: {found}");
            }
            let x = core::array::from_fn(|n| sample(time - 31 + n as u16)[channel]);
            assert_eq!(magnitudes[channel], Spectrum::<32>::new(x).magnitude());
        }
        windows += 1;
    }
    assert_eq!(windows, 34);
}
