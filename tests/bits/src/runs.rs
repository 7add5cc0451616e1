//! What the runs of the firmware leave out: every activation, loss and optimizer, in `f32` and `f64`,
//! recurrent layers, files, statistics, spectra, and numbers so small that a processor may take them for
//! zero.

use core::array;
use core::fmt::{Debug, Write};

use gradlet::metrics::{ErrorStatistics, Quantile};
use gradlet::preprocess::{MinMax, Standardize};
use gradlet::spectrum::{self, MelBands, Spectrum, Transform};
use gradlet::stream::Window;
use gradlet::{Shape, fast, init, prelude::*};
use rand_pcg::Pcg32;
use rand_pcg::rand_core::{Rng, SeedableRng};

use crate::small::{Bits, Hash};

/// Computes something, and hashes it.
type Run = fn() -> Hash;

/// Names and runs.
pub const RUNS: [(&str, Run); 9] = [
    ("activations, Adam", activations::<f32>),
    ("activations, Adam in f64", activations::<f64>),
    ("losses", losses),
    ("optimizers", optimizers),
    ("recurrent layers in f64", recurrent),
    ("files", files),
    ("statistics", statistics),
    ("spectra of all sizes", spectra),
    ("subnormal numbers", subnormal),
];

/// Hashes what `Debug` shows, which for every number but NaN is all of it.
struct Shown<'a>(&'a mut Hash);

impl Write for Shown<'_> {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        self.0.add_bytes(text.bytes());
        Ok(())
    }
}

fn show(hash: &mut Hash, value: impl Debug) {
    // It takes everything.
    let _ = write!(Shown(hash), "{value:?}");
}

fn numbers<T: Scalar, const N: usize>(rng: &mut Pcg32) -> [T; N] {
    array::from_fn(|_| T::from_u32(rng.next_u32() >> 8) / T::from_u32(1 << 23) - T::ONE)
}

/// Trains a network, which the compiler makes little of if all layers have one shape; adds its
/// parameters and its losses.
fn train<T, N, L, O>(hash: &mut Hash, optimizer: O)
where
    T: Scalar + Bits,
    N: Layer<Format = T, Input = [T; 4], Output = [T; 4]> + Zero,
    L: Loss<N::Activation, T>,
    O: Optimizer<N>,
{
    let rng = &mut Pcg32::seed_from_u64(11);
    let mut net = N::ZERO;
    init::xavier_uniform(&mut net, rng);
    let mut trainer = Trainer::<N, L, O>::new();
    for _ in 0..300 {
        let x = numbers::<T, 4>(rng);
        let class = if x[0] * x[1] < x[2] { 1 } else { 3 };
        let t = array::from_fn(|i| if i == class { T::ONE } else { T::ZERO });
        hash.add_all(&[trainer.step(&mut net, &optimizer, &x, &t)]);
    }
    net.visit(|_, values| hash.add_all(values));
}

fn activations<T: Scalar + Bits>() -> Hash {
    type One<T> = net![T; 4 => 4 Tanh => 4 Sigmoid => 4 Elu => 4 Softplus => 4 Gelu => 4 Softmax];
    type Two<T> = net![
        T; 4 => 4 LeakyRelu => 4 Silu => 4 HardSigmoid => 4 fast::Tanh => 4 fast::Sigmoid => 4 Relu
            => 4 fast::Softmax
    ];
    type Three<T> = net![
        T; 4 => 4 Relu6 => 4 HardSwish => 4 Selu => 4 Softsign => 4 HardTanh => 4 Softmax
    ];
    let mut hash = Hash::EMPTY;
    let adam = Adam::new(T::from_f64(0.01));
    train::<T, One<T>, CrossEntropy, _>(&mut hash, adam);
    train::<T, Two<T>, CrossEntropy, _>(&mut hash, adam);
    train::<T, Three<T>, CrossEntropy, _>(&mut hash, adam);
    hash
}

fn losses() -> Hash {
    type Linear = Dense<4, 4, Identity>;
    let mut hash = Hash::EMPTY;
    let sgd = Sgd { learning_rate: 0.1 };
    train::<f32, Linear, HalfSquaredError, _>(&mut hash, sgd);
    train::<f32, Linear, MeanSquaredError, _>(&mut hash, sgd);
    train::<f32, Linear, AbsoluteError, _>(&mut hash, sgd);
    train::<f32, Linear, Huber, _>(&mut hash, sgd);
    train::<f32, Dense<4, 4, Sigmoid>, BinaryCrossEntropy, _>(&mut hash, sgd);
    train::<f32, Linear, LogCosh, _>(&mut hash, sgd);
    train::<f32, Linear, Pinball<9, 10>, _>(&mut hash, sgd);
    train::<f32, Dense<4, 4, Sigmoid>, Focal, _>(&mut hash, sgd);
    train::<f32, Dense<4, 4, Softmax>, Focal<1, 2>, _>(&mut hash, sgd);
    hash
}

fn optimizers() -> Hash {
    type Net = Dense<4, 4, Tanh>;
    let mut hash = Hash::EMPTY;
    let (learning_rate, momentum, limit, rate) = (0.05, 0.9, 0.1, 0.01);
    let (sgd, adam) = (Sgd { learning_rate }, Adam::new(learning_rate));
    train::<_, Net, MeanSquaredError, _>(&mut hash, Momentum { learning_rate, momentum });
    train::<_, Net, MeanSquaredError, _>(&mut hash, Nesterov { learning_rate, momentum });
    train::<_, Net, MeanSquaredError, _>(&mut hash, RmsProp::new(rate));
    train::<_, Net, MeanSquaredError, _>(&mut hash, AdamW { adam, weight_decay: rate });
    train::<_, Net, MeanSquaredError, _>(&mut hash, ClipByValue { optimizer: sgd, limit });
    train::<_, Net, MeanSquaredError, _>(&mut hash, ClipByNorm { optimizer: sgd, limit });
    let optimizer = NoBias { optimizer: sgd };
    train::<_, Net, MeanSquaredError, _>(&mut hash, WeightDecay::new(optimizer, rate));
    hash
}

/// Recurrent layers behind each other, trained through time; the runs of the firmware have them in `f32`.
fn recurrent() -> Hash {
    type Net = net![f64; 6 x 3 => Gru(5, all) => PRelu => Lstm(4, all) => Rnn(4) => 2 Softmax];
    let rng = &mut Pcg32::seed_from_u64(15);
    let mut net = Net::ZERO;
    init::xavier_uniform(&mut net, rng);
    let mut trainer = Trainer::<Net, CrossEntropy, Momentum<f64>>::new();
    let momentum = Momentum { learning_rate: 0.05, momentum: 0.9 };
    let mut hash = Hash::EMPTY;
    for _ in 0..100 {
        let x: [_; 6] = array::from_fn(|_| numbers::<f64, 3>(rng));
        let later = x[0][0] < x[3][1];
        let t = if later { [0.0, 1.0] } else { [1.0, 0.0] };
        hash.add_all(&[trainer.step(&mut net, &momentum, &x, &t)]);
    }
    net.visit(|_, values| hash.add_all(values));
    hash
}

/// A network written to a file and read from it.
fn files() -> Hash {
    type Net = Mlp<3, 4, 2, Tanh, Softmax>;
    const NAMES: [&str; 2] = ["0", "2"];
    let mut net = Net::ZERO;
    init::he_normal(&mut net, &mut Pcg32::seed_from_u64(12));
    let mut buffer = [0; gradlet::safetensors::file_size::<Net>(&NAMES).unwrap()];
    let mut hash = Hash::EMPTY;
    if let Ok(file) = gradlet::safetensors::save(&net, &NAMES, &mut buffer) {
        hash.add_bytes(file.iter().copied());
        if let Ok(read) = gradlet::safetensors::from_bytes::<Net>(file, &NAMES) {
            read.visit(|_, values| hash.add_all(values));
        }
    }
    hash
}

fn statistics() -> Hash {
    let rng = &mut Pcg32::seed_from_u64(13);
    let (mut standard, mut range) = (Standardize::<3>::new(), MinMax::<3>::new());
    let (mut usual, mut quantile) = (ErrorStatistics::<f32>::new(), Quantile::<9, 10>::new());
    let mut window = Window::<3, 16, 5>::new();
    let mut hash = Hash::EMPTY;
    for _ in 0..1000 {
        let x = numbers::<f32, 3>(rng);
        standard.observe(&x);
        range.observe(&x);
        usual.observe(x[0] * x[0]);
        quantile.observe(x[1] * x[1]);
        if let Some(full) = window.push(x) {
            hash.add_all(&full.features().to_array::<15>());
        }
    }
    show(&mut hash, (standard.scaling(), range.scaling()));
    show(&mut hash, (usual.mean(), usual.standard_deviation(), quantile.value()));
    hash
}

/// Spectra of all sizes.
fn spectra() -> Hash {
    fn spectrum<const N: usize>(hash: &mut Hash, rng: &mut Pcg32)
    where
        [f32; N]: Transform,
    {
        let spectrum = Spectrum::new(numbers::<f32, N>(rng));
        spectrum.bins().for_each(|bin| hash.add_all(&bin));
        let hann = spectrum.with_hann();
        hash.add_all(hann.magnitude().as_slice());
        if let Ok(mel) = MelBands::<N, 3>::new(8000.0, 0.0..4000.0) {
            hash.add_all(&spectrum::log(&mel.apply(&hann.power()), 1e-6));
        }
    }
    let rng = &mut Pcg32::seed_from_u64(16);
    let mut hash = Hash::EMPTY;
    spectrum::<8>(&mut hash, rng);
    spectrum::<16>(&mut hash, rng);
    spectrum::<32>(&mut hash, rng);
    spectrum::<64>(&mut hash, rng);
    spectrum::<128>(&mut hash, rng);
    spectrum::<256>(&mut hash, rng);
    spectrum::<512>(&mut hash, rng);
    spectrum::<1024>(&mut hash, rng);
    spectrum::<2048>(&mut hash, rng);
    spectrum::<4096>(&mut hash, rng);
    hash
}

/// A processor that takes subnormal numbers for zero gives others.
fn subnormal() -> Hash {
    let mut net = Dense::<3, 2, Identity>::ZERO;
    let mut trainer = Trainer::<_, HalfSquaredError>::new();
    let rng = &mut Pcg32::seed_from_u64(14);
    for _ in 0..100 {
        let (x, t) = (numbers::<f32, 3>(rng), numbers::<f32, 2>(rng));
        trainer.step(&mut net, &Sgd { learning_rate: 1e-39 }, &x, &t);
    }
    Hash::of(&net)
}
