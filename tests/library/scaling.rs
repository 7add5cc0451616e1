//! Scaling as a layer, and other layers with buffers: kept with the network, but not learned.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::float_cmp,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "tests may panic, and compare exactly"
)]

use gradlet::flat::{self, FrameError, frame_bytes};
use gradlet::prelude::*;
use gradlet::preprocess::{MinMax, Scaling, Standardize};
use gradlet::safetensors::{self, LoadError, SaveError};
use gradlet::{Kind, Tensors, is_finite};

use crate::outside_layers::norm::BatchNorm;
use support::Rng;

/// Takes readings as they come from the sensors.
type Outer<T> = net![T; 3 => Scaling => 6 Tanh => 2 Softmax];
type Net = Outer<f32>;
/// Takes scaled ones.
type Inner<T> = net![T; 3 => 6 Tanh => 2 Softmax];
type Bare = Inner<f32>;

const NAMES: [&str; 3] = ["scaling", "hidden", "output"];

/// Pressure in hPa, temperature in degrees Celsius, acceleration in g; and whether two of them deviate
/// to the same side.
fn readings<T: Scalar>() -> Vec<([T; 3], [T; 2])> {
    let mut rng = Rng(15);
    let mut reading = |k: u32| {
        let (up, warm) = (k % 2 == 0, k / 2 % 2 == 0);
        let side = |yes, rng: &mut Rng| (if yes { 1.0 } else { -1.0 }) * rng.range(0.5, 1.5);
        let (p, c, g) = (side(up, &mut rng), side(warm, &mut rng), rng.range(-1.0, 1.0));
        let x = [1000.0 + 10.0 * p, 20.0 + 3.0 * c, 0.02 * g].map(T::from_f64);
        (x, if up == warm { [T::ONE, T::ZERO] } else { [T::ZERO, T::ONE] })
    };
    (0..80).map(&mut reading).collect()
}

fn measured<T: Scalar>() -> Scaling<3, T> {
    let mut statistics = Standardize::new();
    for (x, _) in readings() {
        assert!(statistics.observe(&x));
    }
    statistics.scaling()
}

/// Random weights; the same for both networks, which have the same parameters after the scaling.
fn start<T: Scalar, N: Layer<Format = T> + Zero>() -> N {
    let (mut net, mut rng) = (N::ZERO, Rng(1));
    net.visit_mut(|tensor, values| {
        if tensor.kind == Kind::Weight {
            values.fill_with(|| T::from_f64(rng.range(-0.8, 0.8)));
        }
    });
    net
}

fn with_scaling<T: Scalar>(scaling: Scaling<3, T>) -> Outer<T> {
    Chain::new(scaling, start())
}

/// Before it learns.
fn new() -> Net {
    with_scaling(measured())
}

fn epochs<O: Optimizer<Net> + Clone>(
    net: &mut Net,
    trainer: &mut Trainer<Net, CrossEntropy, O>,
    optimizer: &O,
    count: u32,
) {
    trainer.fit(net, optimizer, &readings(), Stop::after(count));
}

/// A device in the field: it measures its scaling, trains, saves, and loses power.
#[cfg(feature = "embedded-storage-v0.3")]
mod reboot {
    use super::*;
    use crate::flash::Flash;
    use gradlet::store::{Store, StoreError};

    type Chip = Flash<4, 1024, 8>;
    const RANGE: core::ops::Range<u32> = 0..4096;

    fn accuracy(net: &Net) -> f32 {
        let mut accuracy = gradlet::metrics::Accuracy::new();
        for (x, t) in readings() {
            accuracy.observe(&net.forward(&x), &t);
        }
        accuracy.ratio().unwrap()
    }

    #[test]
    fn device_predicts_the_same_bits_after_a_reboot() {
        let mut store = Store::new(Chip::new(), RANGE).unwrap();
        let mut net: Net = start();
        assert!(matches!(store.load(&mut net), Err(StoreError::Empty)));
        *net.first_mut() = measured();
        epochs(&mut net, &mut Trainer::new(), &Sgd { learning_rate: 0.1 }, 60);
        assert_eq!(accuracy(&net), 1.0);
        store.save(&net).unwrap();
        let outputs: Vec<_> = readings().iter().map(|(x, _)| net.forward(x)).collect();

        // All but the flash is lost.
        let flash = store.release();
        let mut net = Net::ZERO;
        assert_eq!(Store::new(flash, RANGE).unwrap().load(&mut net).unwrap().number, 1);
        assert_eq!(net.first(), &measured());
        let again: Vec<_> = readings().iter().map(|(x, _)| net.forward(x)).collect();
        assert_eq!(again, outputs);
        assert_eq!(accuracy(&net), 1.0);
    }

    /// What the layer prevents: weights that come back without their scaling.
    #[test]
    fn scaling_outside_of_the_network_is_lost() {
        let scaling = measured();
        let mut store = Store::new(Chip::new(), RANGE).unwrap();
        let mut net: Bare = start();
        let scaled: Vec<_> = readings().iter().map(|(x, t)| (scaling.transform(x), *t)).collect();
        let mut trainer = Trainer::<_, CrossEntropy>::new();
        trainer.fit(&mut net, &Sgd { learning_rate: 0.1 }, &scaled, Stop::after(60));
        store.save(&net).unwrap();
        let mut net = Bare::ZERO;
        let _ = store.load(&mut net).unwrap();
        assert_eq!(accuracy(&Net::new(scaling, net.clone())), 1.0);
        // The statistics of the first minutes after the reboot.
        let mut first = Standardize::new();
        readings().iter().step_by(4).take(6).for_each(|(x, _)| assert!(first.observe(x)));
        let after = accuracy(&Net::new(first.scaling(), net));
        println!("accuracy with another scaling: {after}");
        assert!(after <= 0.75, "{after}");
    }

    #[test]
    fn training_goes_on_after_a_reboot_as_without() {
        let momentum = Momentum { learning_rate: 0.05, momentum: 0.9 };
        let mut whole = new();
        epochs(&mut whole, &mut Trainer::new(), &momentum, 8);

        let (mut net, mut trainer) = (new(), Trainer::new());
        epochs(&mut net, &mut trainer, &momentum, 4);
        let mut store = Store::new(Chip::new(), RANGE).unwrap();
        store.save_training(&net, &trainer).unwrap();
        let mut store = Store::new(store.release(), RANGE).unwrap();
        let (mut net, mut trainer) = (Net::ZERO, Trainer::new());
        let _ = store.load_training(&mut net, &mut trainer).unwrap();
        epochs(&mut net, &mut trainer, &momentum, 4);
        assert_eq!(net, whole);
    }

    #[test]
    fn network_without_scaling_is_another() {
        let mut store = Store::new(Chip::new(), RANGE).unwrap();
        store.save(&start::<f32, Bare>()).unwrap();
        let mut net = Net::ZERO;
        assert!(matches!(store.load(&mut net), Err(StoreError::OtherNetwork { .. })));
        net.first_mut().visit_mut(|_, values| values[1] = f32::INFINITY);
        store.erase().unwrap();
        assert!(matches!(store.save(&net), Err(StoreError::NotFinite)));
    }
}

/// Trains a network that scales, and one that is given scaled inputs; both by the same optimizer.
fn assert_same_bits<T, O, I>(what: &str, optimizer: &O, inner: &I)
where
    T: Scalar,
    O: Optimizer<Outer<T>> + Clone,
    I: Optimizer<Inner<T>> + Clone,
{
    let scaling = measured::<T>();
    let scaled: Vec<_> = readings().iter().map(|(x, t)| (scaling.transform(x), *t)).collect();
    let stop = Stop::after(3);

    let (mut net, mut bare) = (with_scaling(scaling.clone()), start::<T, Inner<T>>());
    let trainer = &mut Trainer::<_, CrossEntropy, O>::new();
    let report = trainer.fit(&mut net, optimizer, &readings(), stop);
    let trainer = &mut Trainer::<_, CrossEntropy, I>::new();
    assert_eq!(report, trainer.fit(&mut bare, inner, &scaled, stop), "{what}");
    assert_eq!(net.rest(), &bare, "{what}");

    let trainer = &mut BatchTrainer::<_, CrossEntropy, O, 8>::new();
    let report = trainer.fit(&mut net, optimizer, 10, &readings(), stop);
    let trainer = &mut BatchTrainer::<_, CrossEntropy, I, 8>::new();
    assert_eq!(report, trainer.fit(&mut bare, inner, 10, &scaled, stop), "{what}");
    assert_eq!(net.into_parts(), (scaling, bare), "{what}");
}

fn every_optimizer_leaves_scaling_alone<T: Scalar>() {
    macro_rules! check {
        ($($optimizer:expr),+ $(,)?) => {
            $(assert_same_bits::<T, _, _>(stringify!($optimizer), &$optimizer, &$optimizer);)+
        };
    }
    let (learning_rate, momentum, limit) = (T::from_f64(0.05), T::from_f64(0.9), T::HALF);
    let sgd = Sgd { learning_rate };
    check![
        sgd,
        Momentum { learning_rate, momentum },
        Nesterov { learning_rate, momentum },
        RmsProp::new(learning_rate),
        Adam::new(learning_rate),
        AdamW { adam: Adam::new(learning_rate), weight_decay: limit },
        WeightDecay::new(sgd, limit),
        ClipByNorm { optimizer: sgd, limit },
        ClipByValue { optimizer: sgd, limit },
        NoBias { optimizer: sgd },
    ];
}

#[test]
fn training_has_the_bits_of_scaled_inputs() {
    every_optimizer_leaves_scaling_alone::<f32>();
    every_optimizer_leaves_scaling_alone::<f64>();
}

#[test]
fn scaling_costs_no_state_and_no_gradient() {
    type State<N> = <Momentum as Optimizer<N>>::State;
    assert_eq!(size_of::<State<Net>>(), size_of::<State<Bare>>());
    assert_eq!(Net::PARAMS, Bare::PARAMS + 6);
    assert_eq!(Net::TENSORS.trainable(), Bare::PARAMS);
    assert_eq!(Scaling::<3>::TENSORS.trainable(), 0);
}

/// `y` in the middle of a network, where derivatives must pass.
#[test]
fn derivatives_pass_through() {
    type Middle = net![f64; 2 => 3 Tanh => Scaling => 1 Identity];
    let mut net: Middle = start();
    *net.rest_mut().first_mut() = Scaling::new([0.1, -0.2, 0.3], [0.5, 2.0, 0.0]);
    let (x, t) = ([0.3, -0.7], [1.0]);
    let mut trainer = BatchTrainer::<Middle, HalfSquaredError, Sgd<f64>>::new();
    trainer.accumulate(&net, &x, &t);
    let mut gradient = vec![];
    Tensors::walk([trainer.gradient()], [], &mut |_, [values], []: [&mut [f64]; 0]| {
        gradient.extend_from_slice(values);
    });
    assert_eq!(gradient.len(), Middle::TENSORS.trainable());
    let mut loss_by = |place: usize, step: f64| {
        let (mut moved, mut at) = (net.clone(), 0);
        moved.visit_mut(|tensor, values| {
            for value in values.iter_mut().filter(|_| tensor.kind != Kind::Buffer) {
                *value += if at == place { step } else { 0.0 };
                at += 1;
            }
        });
        trainer.evaluate(&moved, &x, &t)
    };
    for (place, got) in gradient.into_iter().enumerate() {
        let want = (loss_by(place, 1e-5) - loss_by(place, -1e-5)) / 2e-5;
        assert!((got - want).abs() < 1e-8 && got != 0.0, "{place}: {got} {want}");
    }
}

#[test]
fn frames_and_arrays_hold_the_scaling() {
    const PARAMS: usize = Net::PARAMS;
    let net = new();
    let array = flat::to_array::<_, PARAMS>(&net);
    assert_eq!(array[..3], net.first().offset()[..]);
    assert_eq!(array[3..6], net.first().scale()[..]);
    let mut loaded = Net::ZERO;
    flat::load_array(&mut loaded, &array);
    assert_eq!(loaded, net);

    let frame: [u8; frame_bytes::<Net>()] = flat::to_frame(&net).unwrap();
    let mut loaded = Net::ZERO;
    flat::load_frame(&mut loaded, &frame).unwrap();
    assert_eq!(loaded, net);

    // Of another type: with as many numbers, but without a scaling.
    type Other = Chain<Dense<3, 6, Tanh>, Chain<Scaling<6>, Dense<6, 2, Softmax>>>;
    type Same = Chain<Frozen<Scaling<3>>, Bare>;
    assert_eq!(Other::PARAMS, PARAMS + 6);
    assert_ne!(Net::FINGERPRINT, Bare::FINGERPRINT);
    assert_ne!(Net::FINGERPRINT, Same::FINGERPRINT);
    assert_ne!(Net::FINGERPRINT, Outer::<f64>::FINGERPRINT);

    let mut broken = net.clone();
    *broken.first_mut() = broken.first().clone().with_floor(&[0.0, 0.0, -1.0]);
    assert!(is_finite(&net) && !is_finite(&broken));
    let error = flat::to_frame::<_, 512>(&broken).unwrap_err();
    assert_eq!(error, FrameError::NotFinite { index: 5 });
}

#[test]
fn files_name_offset_and_scale() {
    const SIZE: usize = safetensors::file_size::<Net>(&NAMES).unwrap();
    let net = new();
    let mut buffer = [0; SIZE];
    let file = safetensors::save(&net, &NAMES, &mut buffer).unwrap();
    let names: Vec<_> = safetensors::Safetensors::new(file)
        .unwrap()
        .tensors()
        .map(|tensor| tensor.to_string())
        .filter(|line| line.starts_with("scaling"))
        .collect();
    assert_eq!(names, ["scaling.offset F32 [3]", "scaling.scale F32 [3]"]);
    assert_eq!(safetensors::from_bytes::<Net>(file, &NAMES).as_ref(), Ok(&net));

    // A scaling that is missing is not taken for one that changes nothing.
    let mut inner = [0; 1024];
    let length = safetensors::file_size::<Bare>(&NAMES[1..]).unwrap();
    let inner = safetensors::save(net.rest(), &NAMES[1..], &mut inner[..length]).unwrap();
    let error = safetensors::from_bytes::<Net>(inner, &NAMES).unwrap_err();
    assert!(matches!(error, LoadError::Missing { layer: "scaling", part: "offset", .. }));

    let mut broken = net;
    *broken.first_mut() = Scaling::new([0.0; 3], [1.0, f32::NAN, 1.0]);
    let error = safetensors::save(&broken, &NAMES, &mut buffer).unwrap_err();
    assert_eq!(error, SaveError::NotFinite);
}

/// `[2 => Scaling => 1 Identity]` with the offsets 1 and 2, the scales 4 and 8, the weights 16 and 32,
/// and the bias 64.
const FILE: &[u8] = b"\xf5\0\0\0\0\0\0\0{\
\"o.bias\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\
\"o.weight\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[4,12]},\
\"s.offset\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[12,20]},\
\"s.scale\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[20,28]}}\
\0\0\x80\x42\0\0\x80\x41\0\0\0\x42\0\0\x80\x3f\0\0\0\x40\0\0\x80\x40\0\0\0\x41";

#[test]
fn constants_have_their_scaling() {
    type Small<T> = net![T; 2 => Scaling => 1 Identity];
    static SINGLE: Small<f32> = gradlet::load![FILE; "s", "o"];
    static DOUBLE: Small<f64> = gradlet::load![FILE; "s", "o"; "more.."];
    static SCALING: Scaling<2> = {
        match safetensors::Safetensors::new(FILE) {
            Ok(file) => match Scaling::<2>::from_safetensors(&file, "s") {
                Ok(scaling) => scaling,
                Err(_) => panic!(),
            },
            Err(_) => panic!(),
        }
    };
    assert_eq!(SINGLE.first(), &SCALING);
    assert_eq!(SINGLE.forward(&[5.0, 10.0]), [64.0 + 16.0 + 32.0]);
    assert_eq!(DOUBLE.forward(&[5.0, 10.0]), [64.0 + 16.0 + 32.0]);
    let text = "Chain::new(
    Scaling::new(
        [1.0, 2.0],
        [4.0, 8.0],
    ),
    Dense::new(
        [
            [16.0],
            [32.0],
        ],
        [64.0],
    ),
)";
    assert_eq!(SINGLE.to_source().to_string(), text);
}

#[test]
fn early_stopping_restores_what_is_learned() {
    let mut net = new();
    let mut early = EarlyStopping::new();
    let _ = early.observe(&net, 1.0, 1);
    let best = net.clone();
    epochs(&mut net, &mut Trainer::new(), &Sgd { learning_rate: 0.1 }, 1);
    assert_ne!(net, best);
    assert!(early.restore(&mut net));
    assert_eq!(net, best);
    assert_eq!(size_of_val(&early), size_of::<EarlyStopping<Bare>>());
}

#[cfg(feature = "rand_core-v0.10")]
#[test]
fn initialisers_leave_scaling_alone() {
    use rand_pcg::{Pcg32, rand_core::SeedableRng};

    let mut net = new();
    gradlet::init::he_normal(&mut net, &mut Pcg32::seed_from_u64(1));
    let mut inner = Bare::ZERO;
    gradlet::init::he_normal(&mut inner, &mut Pcg32::seed_from_u64(1));
    assert_eq!(net.clone().into_parts(), (measured(), inner));
    gradlet::init::zeros(&mut net);
    assert_eq!(net.into_parts(), (measured(), Bare::ZERO));
}

#[test]
fn folded_networks_predict_the_same() {
    let mut range = MinMax::new();
    readings().iter().for_each(|(x, _)| assert!(range.observe(x)));
    for scaling in [measured(), range.scaling()] {
        let net = with_scaling::<f64>(scaling);
        let (scaling, mut folded) = net.clone().into_parts();
        scaling.fold_into(folded.first_mut());
        for (x, _) in readings() {
            let (want, got) = (net.forward(&x), folded.forward(&x));
            assert!((want[0] - got[0]).abs() < 1e-12, "{want:?} {got:?}");
        }
    }
}

#[test]
fn scaling_that_is_not_yet_measured_changes_nothing() {
    for neutral in [Scaling::ZERO, Scaling::default()] {
        assert_eq!(neutral.forward(&[1.5, -2.0]), [1.5, -2.0]);
    }
    assert_eq!(Net::default().first().scale(), &[1.0; 3]);
}

/// A layer of another crate that learns some tensors, and keeps others.
#[test]
fn layers_of_other_crates_keep_buffers() {
    type Normed = Chain<Dense<2, 3, Tanh>, Chain<BatchNorm<3>, Dense<3, 1, Identity>>>;
    let mut net: Normed = start();
    let norm = net.rest_mut().first_mut();
    (norm.mean, norm.variance) = ([0.1, 0.2, 0.3], [0.25, 1.0, 4.0]);
    let frame: [u8; frame_bytes::<Normed>()] = flat::to_frame(&net).unwrap();
    let mut loaded = Normed::ZERO;
    flat::load_frame(&mut loaded, &frame).unwrap();
    assert_eq!(loaded, net);

    let names = ["0", "1", "2"];
    let mut buffer = vec![0; safetensors::file_size::<Normed>(&names).unwrap()];
    let file = safetensors::save(&net, &names, &mut buffer).unwrap();
    assert!(file.windows(16).any(|name| name == b"1.running_mean\":"));
    assert_eq!(safetensors::from_bytes::<Normed>(file, &names).as_ref(), Ok(&net));
}

/// The state of an optimizer has no buffers, and is found in flash behind those of the network.
#[cfg(feature = "embedded-storage-v0.3")]
#[test]
fn state_follows_the_buffers() {
    use gradlet::store::Store;

    type Normed = Chain<Dense<2, 3, Tanh>, Chain<BatchNorm<3>, Dense<3, 1, Identity>>>;
    let (mut net, mut trainer) =
        (start::<f32, Normed>(), Trainer::<_, HalfSquaredError, Adam>::new());
    net.rest_mut().first_mut().variance = [0.25, 1.0, 4.0];
    let step = |net: &mut Normed, trainer: &mut Trainer<_, HalfSquaredError, Adam>| {
        trainer.step(net, &Adam::new(0.01), &[0.3, -0.7], &[1.0])
    };
    assert!(step(&mut net, &mut trainer).is_finite());
    let flash = crate::flash::Flash::<4, 1024, 8>::new();
    let mut store = Store::new(flash, 0..4096).unwrap();
    store.save_training(&net, &trainer).unwrap();
    let (mut loaded, mut resumed) = (Normed::ZERO, Trainer::new());
    let _ = store.load_training(&mut loaded, &mut resumed).unwrap();
    assert_eq!(step(&mut loaded, &mut resumed), step(&mut net, &mut trainer));
    assert_eq!(loaded, net);
}
