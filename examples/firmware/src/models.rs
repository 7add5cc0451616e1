//! Training runs whose results must be bit-identical on every core and on the PC.
//!
//! Each ends with a hash over the bits of all parameters. The host tests compile this file too, so
//! it depends only on the library, a random number generator and `core`.

use core::array;

use gradlet::linear::{LeastSquares, RecursiveLeastSquares};
use gradlet::spectrum::{self, MelBands, Spectrum};
use gradlet::stream::Window;
use gradlet::{Format, fast, init, prelude::*, schedule};
use rand_pcg::Pcg32;
use rand_pcg::rand_core::{Rng, SeedableRng};

/// The worked 2-2-2 network with its initial weights.
pub const WORKED_NET: Mlp<2, 2, 2> = Mlp::new(
    Dense::from_rows([[0.1, 0.2], [0.3, 0.4]], [0.55, 0.56]),
    Dense::from_rows([[0.5, 0.6], [0.7, 0.8]], [0.66, 0.67]),
);
/// Its only input.
pub const WORKED_INPUT: [f32; 2] = [0.1, 0.2];
/// Its target.
pub const WORKED_TARGET: [f32; 2] = [0.01, 0.99];
/// Its learning rate.
pub const WORKED_SGD: Sgd = Sgd { learning_rate: 0.5 };
/// Its number of training steps.
pub const WORKED_STEPS: u32 = 10_000;

/// A training run: network, task and trainer.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// What distinguishes it from the others.
    pub name: &'static str,
    /// Number of training steps.
    pub steps: u32,
    /// Trains from the initial weights for a number of steps.
    pub train: fn(u32) -> Trained,
}

/// Result of a training run.
#[derive(Clone, Copy, Debug)]
pub struct Trained {
    /// Hash of all parameters.
    pub hash: Hash,
    /// Mean loss of the trained network over examples like those of its training.
    pub loss: f64,
}

/// All runs. Their functions are `inline`, so that they are compiled where this table is used and
/// not in every build of the firmware's library, which would take ten times as long.
pub const RUNS: [Run; 15] = [
    Run { name: "worked net", steps: WORKED_STEPS, train: worked_net },
    Run { name: "classes, batches, Adam", steps: 1000, train: classes },
    Run { name: "wide, momentum", steps: 1000, train: wide },
    Run { name: "f64, RMSprop", steps: 1000, train: double },
    Run { name: "frozen first layer, AdamW", steps: 1000, train: frozen },
    Run { name: "GELU, SiLU, clipped Nesterov", steps: 1000, train: smooth },
    Run { name: "fast tanh and sigmoid", steps: 1000, train: fast_moons },
    Run { name: "fast tanh and softmax in f64", steps: 300, train: fast_classes },
    Run { name: "least squares", steps: 100, train: least_squares },
    Run { name: "convolutions of sequences", steps: 100, train: sequences },
    Run { name: "clipped convolution", steps: 100, train: clipped },
    Run { name: "convolutions of images", steps: 100, train: images },
    Run { name: "recurrent layers", steps: 100, train: recurrent },
    Run { name: "spectra", steps: 200, train: spectra },
    Run { name: "fixed point", steps: 1000, train: fixed_point },
];

/// 64-bit FNV-1a hash (Fowler, Noll, Vo; RFC 9923).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hash(pub u64);

impl Hash {
    /// Hash of no bytes.
    pub const EMPTY: Self = Self(0xCBF2_9CE4_8422_2325);

    /// Adds every trainable parameter of a network.
    pub fn of<N: Layer<Format: Format<Weight: Bits>>>(net: &N) -> Self {
        let mut hash = Self::EMPTY;
        net.visit(|_, values| hash.add_all(values));
        hash
    }

    /// Adds numbers.
    pub fn add_all<T: Bits>(&mut self, values: &[T]) {
        for value in values {
            value.add_to(self);
        }
    }

    /// Adds bytes.
    pub fn add_bytes(&mut self, bytes: impl IntoIterator<Item = u8>) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
    }
}

/// Numbers whose bits can be hashed, four or eight bytes in little-endian order.
pub trait Bits: Copy {
    /// Adds the number to a hash.
    fn add_to(self, hash: &mut Hash);
}

impl Bits for f32 {
    fn add_to(self, hash: &mut Hash) {
        hash.add_bytes(self.to_bits().to_le_bytes());
    }
}

impl Bits for f64 {
    fn add_to(self, hash: &mut Hash) {
        hash.add_bytes(self.to_bits().to_le_bytes());
    }
}

impl Bits for Q26 {
    fn add_to(self, hash: &mut Hash) {
        hash.add_bytes(self.to_bits().to_le_bytes());
    }
}

/// The worked network on its one sample, as in the program `worked_net`.
#[inline]
fn worked_net(steps: u32) -> Trained {
    let mut net = WORKED_NET;
    let mut trainer = Trainer::<_, HalfSquaredError, Sgd>::new();
    for _ in 0..steps {
        trainer.step(&mut net, &WORKED_SGD, &WORKED_INPUT, &WORKED_TARGET);
    }
    let loss = trainer.evaluate(&net, &WORKED_INPUT, &WORKED_TARGET);
    Trained { hash: Hash::of(&net), loss: loss.into() }
}

/// Integers: odd sizes in batches, then single samples.
#[inline]
fn fixed_point(steps: u32) -> Trained {
    type Net = net![Fixed; 3 => 9 Tanh => 7 LeakyRelu => 5 Softmax];
    let mut net = Net::ZERO;
    let mut points = Points::new(15);
    net.visit_mut(|_, weights| {
        weights
            .iter_mut()
            .for_each(|weight| *weight = Q26::from_bits(points.rng.next_u32().cast_signed() >> 5));
    });
    let mut batches = BatchTrainer::<Net, CrossEntropy>::new();
    let mut trainer = Trainer::<Net, CrossEntropy>::new();
    let example = |points: &mut Points| {
        let (x, numbers) = points.next::<f32, 3>();
        (x.map(Q12::new), array::from_fn(|class| Q12::new(truth(fifth(numbers[0]) == class))))
    };
    for step in 0..steps {
        if step < steps / 2 {
            batches.accumulate_all(&net, (0..5).map(|_| example(&mut points)));
            batches.apply(&mut net, &Sgd::new(Q32::new(0.25)));
        } else {
            let (x, t) = example(&mut points);
            trainer.step(&mut net, &Sgd::new(Q32::new(0.125)), &x, &t);
        }
    }
    let loss = mean_loss(|| {
        let (x, t) = example(&mut points);
        trainer.evaluate(&net, &x, &t).to_f32()
    });
    Trained { hash: Hash::of(&net), loss }
}

/// Odd sizes, so that every loop over four rows has a remainder.
#[inline]
fn classes(steps: u32) -> Trained {
    type Net = net![3 => 9 Tanh => 7 LeakyRelu => 5 Softmax];
    let mut net = Net::ZERO;
    let mut points = Points::new(2);
    init::xavier_uniform(&mut net, &mut points.rng);
    let mut trainer = BatchTrainer::<Net, CrossEntropy, Adam, 3>::new();
    let adam = Adam::new(0.01);
    // Five classes in layers along the first coordinate.
    let example = |points: &mut Points| {
        let (x, numbers) = points.next::<f32, 3>();
        (x, array::from_fn(|class| truth(fifth(numbers[0]) == class)))
    };
    for _ in 0..steps {
        trainer.accumulate_all(&net, (0..5).map(|_| example(&mut points)));
        trainer.apply(&mut net, &adam);
    }
    let loss = mean_loss(|| {
        let (x, t) = example(&mut points);
        trainer.evaluate(&net, &x, &t)
    });
    Trained { hash: Hash::of(&net), loss }
}

/// 33 units: from 32 on, the input gradient is summed in lanes.
#[inline]
fn wide(steps: u32) -> Trained {
    type Net = net![6 => 8 Relu => 33 Sigmoid => 3 Sigmoid];
    let mut net = Net::ZERO;
    let mut points = Points::new(3);
    init::he_uniform(&mut net, &mut points.rng);
    let trainer = Trainer::<Net, BinaryCrossEntropy, Momentum>::new();
    let momentum = Momentum { learning_rate: 0.02, momentum: 0.9 };
    // Which number of each of three pairs is greater?
    let example = |points: &mut Points| {
        let (x, n) = points.next::<f32, 6>();
        (x, [truth(n[0] > n[1]), truth(n[2] > n[3]), truth(n[4] > n[5])])
    };
    learn(net, trainer, |_| momentum, || example(&mut points), steps)
}

/// Everything in `f64`, which most cores compute in software.
#[inline]
fn double(steps: u32) -> Trained {
    type Net = net![f64; 2 => 6 Tanh => 5 Softplus => 2 Identity];
    let mut net = Net::ZERO;
    let mut points = Points::new(4);
    init::xavier_normal(&mut net, &mut points.rng);
    let trainer = Trainer::<Net, HalfSquaredError, RmsProp<f64>>::new();
    let rms_prop = RmsProp::new(0.003);
    // Product and difference.
    let example = |points: &mut Points| {
        let (x, _) = points.next::<f64, 2>();
        (x, [x[0] * x[1], x[0] - x[1]])
    };
    learn(net, trainer, |_| rms_prop, || example(&mut points), steps)
}

/// A frozen layer in flash before a trainable one. Its weights are not hashed, so the outputs are,
/// which depend on them.
#[inline]
fn frozen(steps: u32) -> Trained {
    type Features = Dense<2, 6, Tanh>;
    static FEATURES: Features = Dense::new(
        [[1.5, -1.2, 0.9, 2.1, -0.6, 0.3], [-0.7, 1.4, 1.1, -1.9, 0.8, -2.2]],
        [0.2, -0.4, 0.6, -0.8, 1.0, -1.2],
    );
    type Net = Chain<Frozen<&'static Features>, Dense<6, 1, Sigmoid>>;
    let mut net = Net::new(Frozen::new(&FEATURES), Zero::ZERO);
    let mut points = Points::new(5);
    init::lecun_normal(&mut net, &mut points.rng);
    let mut trainer = Trainer::<Net, MeanSquaredError, AdamW>::new();
    let adam_w = AdamW { adam: Adam::new(0.02), weight_decay: 0.01 };
    // Left of the diagonal?
    let example = |points: &mut Points| {
        let (x, n) = points.next::<f32, 2>();
        (x, [truth(n[0] < n[1])])
    };
    for _ in 0..steps {
        let (x, t) = example(&mut points);
        trainer.step(&mut net, &adam_w, &x, &t);
    }
    let mut hash = Hash::of(&net);
    let loss = mean_loss(|| {
        let (x, t) = example(&mut points);
        let loss = trainer.evaluate(&net, &x, &t);
        hash.add_all(trainer.output());
        loss
    });
    Trained { hash, loss }
}

/// Activations that store their logits, gradient clipping, a learning-rate schedule.
#[inline]
fn smooth(steps: u32) -> Trained {
    type Net = net![4 => 6 Gelu => 6 Silu => 2 Identity];
    let mut net = Net::ZERO;
    let mut points = Points::new(6);
    init::he_normal(&mut net, &mut points.rng);
    let trainer = Trainer::<Net, Huber, ClipByNorm<Nesterov>>::new();
    let optimizer = |step| ClipByNorm {
        optimizer: Nesterov {
            learning_rate: schedule::cosine(0.05, 0.001, steps, step),
            momentum: 0.8,
        },
        limit: 0.5,
    };
    // Two products.
    let example = |points: &mut Points| {
        let (x, _) = points.next::<f32, 4>();
        (x, [x[0] * x[1], x[2] * x[3]])
    };
    learn(net, trainer, optimizer, || example(&mut points), steps)
}

/// Activations that only add, multiply and divide, in more units than a PC computes at once.
#[inline]
fn fast_moons(steps: u32) -> Trained {
    type Net = net![2 => 10 fast::Tanh => 9 fast::Sigmoid];
    let mut net = Net::ZERO;
    let mut points = Points::new(7);
    init::xavier_uniform(&mut net, &mut points.rng);
    let trainer = Trainer::<Net, BinaryCrossEntropy, Sgd>::new();
    let sgd = Sgd { learning_rate: 0.2 };
    // Above a parabola, and how far right.
    let example = |points: &mut Points| {
        let (x, n) = points.next::<f32, 2>();
        let above = truth(x[1] > 2.0 * x[0] * x[0] - 0.7);
        let right = |part| truth(fifth(n[0]) > part);
        (x, [above, right(0), right(1), right(2), right(3), above, right(0), right(1), right(2)])
    };
    learn(net, trainer, |_| sgd, || example(&mut points), steps)
}

/// The same in `f64`, as a classifier.
#[inline]
fn fast_classes(steps: u32) -> Trained {
    type Net = net![f64; 2 => 9 fast::Tanh => 5 fast::Softmax];
    let mut net = Net::ZERO;
    let mut points = Points::new(8);
    init::xavier_uniform(&mut net, &mut points.rng);
    let trainer = Trainer::<Net, CrossEntropy, Sgd<f64>>::new();
    let sgd = Sgd { learning_rate: 0.2 };
    let example = |points: &mut Points| {
        let (x, n) = points.next::<f64, 2>();
        (x, array::from_fn(|class| truth(fifth(n[0]) == class).into()))
    };
    learn(net, trainer, |_| sgd, || example(&mut points), steps)
}

/// A linear layer by least squares, in three ways; the last input is almost a linear combination of
/// the others.
#[inline]
fn least_squares(steps: u32) -> Trained {
    type Linear = Dense<4, 2, Identity>;
    let mut fit = LeastSquares::<4, 2>::new();
    let (mut recursive, mut layer) = (RecursiveLeastSquares::new(0.1, 0.98), Linear::ZERO);
    let mut points = Points::new(9);
    let example = |points: &mut Points| {
        let ([a, b, c, d], _) = points.next::<f32, 4>();
        ([a, b, c, a - b + 0.001 * d], [2.0 * a - 3.0 * c + 1.0, b + 0.1 * c * c])
    };
    for _ in 0..steps {
        let (x, t) = example(&mut points);
        let _ = fit.observe(&x, &t);
        if let Ok(recursive) = &mut recursive {
            recursive.step(&mut layer, &x, &t);
        }
    }
    let solved = fit.solve().unwrap_or(Zero::ZERO);
    let mut hash = Hash::of(&solved);
    hash.add_all(fit.minimum_norm().unwrap_or(Zero::ZERO).weights().as_flattened());
    hash.add_all(layer.weights().as_flattened());
    let mut judge = Trainer::<_, HalfSquaredError>::new();
    let loss = mean_loss(|| {
        let (x, t) = example(&mut points);
        judge.evaluate(&solved, &x, &t)
    });
    Trained { hash, loss }
}

/// Sequences with convolutions of several kinds, whose sizes leave remainders.
#[inline]
fn sequences(steps: u32) -> Trained {
    type Net = net![
        21 x 2 => Conv1d(9, 5, step 2, padding same) Relu => Conv1d(6, 3, groups 3) Tanh
        => MaxPool(3) => Conv1d(5, 2, padding causal, dilation 2) LeakyRelu => Depthwise(3) Relu
        => Flatten => 2 Softmax
    ];
    let mut net = Net::ZERO;
    let mut points = Points::new(10);
    init::he_uniform(&mut net, &mut points.rng);
    let trainer = Trainer::<Net, CrossEntropy, Momentum>::new();
    let momentum = Momentum { learning_rate: 0.02, momentum: 0.9 };
    // One channel, or the other, is louder in the middle.
    let example = |points: &mut Points| {
        let (numbers, n) = points.next::<f32, 42>();
        let mut x = [[0.0; 2]; 21];
        x.as_flattened_mut().copy_from_slice(&numbers);
        let first = n[0] < 1 << 23;
        for step in &mut x[8..14] {
            step[usize::from(first)] += 1.0;
        }
        (x, [truth(first), truth(!first)])
    };
    learn(net, trainer, |_| momentum, || example(&mut points), steps)
}

/// The norm of the gradient is a sum over all of it, which must come in the same order everywhere.
#[inline]
fn clipped(steps: u32) -> Trained {
    type Net = net![7 x 3 => Conv1d(6, 3) Relu => GlobalMean => 2 Softmax];
    let mut net = Net::ZERO;
    let mut points = Points::new(12);
    init::he_uniform(&mut net, &mut points.rng);
    let trainer = Trainer::<Net, CrossEntropy, ClipByNorm<Sgd>>::new();
    let optimizer = ClipByNorm { optimizer: Sgd { learning_rate: 0.1 }, limit: 0.25 };
    // The first channel is higher, or lower.
    let example = |points: &mut Points| {
        let (numbers, n) = points.next::<f32, 21>();
        let mut x = [[0.0; 3]; 7];
        x.as_flattened_mut().copy_from_slice(&numbers);
        let first = n[0] < 1 << 23;
        x.iter_mut().for_each(|[x, ..]| *x += if first { 1.0 } else { -1.0 });
        (x, [truth(first), truth(!first)])
    };
    learn(net, trainer, |_| optimizer, || example(&mut points), steps)
}

/// Images, in batches.
#[inline]
fn images(steps: u32) -> Trained {
    type Net = net![
        5 x 6 x 1 => Conv2d(3, 3 x 2, padding same) Relu => MaxPool(1 x 2)
        => Depthwise(3 x 3, padding 1) Relu => Conv2d(4, 2 x 2, step 2 x 1, dilation 1 x 2) Relu
        => GlobalMean => 2 Softmax
    ];
    let mut net = Net::ZERO;
    let mut points = Points::new(11);
    init::he_uniform(&mut net, &mut points.rng);
    let mut trainer = BatchTrainer::<Net, CrossEntropy, Adam, 4>::new();
    // A bright row, or a bright column.
    let example = |points: &mut Points| {
        let (numbers, n) = points.next::<f32, 30>();
        let mut x = [[[0.0]; 6]; 5];
        x.as_flattened_mut().as_flattened_mut().copy_from_slice(&numbers);
        let (row, place) = (n[0] < 1 << 23, fifth(n[1]));
        for (i, pixels) in x.iter_mut().enumerate() {
            for (j, [pixel]) in pixels.iter_mut().enumerate() {
                let line = if row { i } else { j };
                *pixel = *pixel * 0.25 + if line == place { 1.0 } else { 0.0 };
            }
        }
        (x, [truth(row), truth(!row)])
    };
    for _ in 0..steps {
        trainer.accumulate_all(&net, (0..5).map(|_| example(&mut points)));
        trainer.apply(&mut net, &Adam::new(0.02));
    }
    let loss = mean_loss(|| {
        let (x, t) = example(&mut points);
        trainer.evaluate(&net, &x, &t)
    });
    Trained { hash: Hash::of(&net), loss }
}

/// A sequence through both directions of a GRU, and an LSTM with rational functions.
#[inline]
fn recurrent(steps: u32) -> Trained {
    type Net = net![5 x 2 => Gru(4, all, bidirectional) => Lstm(4, by rational) => 2 Softmax];
    let mut net = Net::ZERO;
    let mut points = Points::new(13);
    init::xavier_uniform(&mut net, &mut points.rng);
    let trainer = Trainer::<Net, CrossEntropy, Adam>::new();
    let adam = Adam::new(0.06);
    // The louder step is early, or late.
    let example = |points: &mut Points| {
        let (numbers, n) = points.next::<f32, 10>();
        let mut x = [[0.0; 2]; 5];
        x.as_flattened_mut().copy_from_slice(&numbers.map(|number| number * 0.5));
        let early = n[0] < 1 << 23;
        x[if early { 1 } else { 3 }][1] += 3.0;
        (x, [truth(early), truth(!early)])
    };
    learn(net, trainer, |_| adam, || example(&mut points), steps)
}

/// Mel bands of the spectra of windows, one sample at a time.
#[inline]
fn spectra(steps: u32) -> Trained {
    type Net = net![4 => 3 Tanh => 2 Softmax];
    let mut net = Net::ZERO;
    let mut points = Points::new(13);
    init::xavier_uniform(&mut net, &mut points.rng);
    let trainer = Trainer::<Net, CrossEntropy, Momentum>::new();
    let momentum = Momentum { learning_rate: 0.02, momentum: 0.9 };
    let mel = MelBands::<32, 4>::new(1600.0, 50.0..800.0);
    let mut window = Window::<1, 32>::new();
    // Noise whose samples resemble the ones before, or their opposites: of low or high frequencies.
    let mut example = |points: &mut Points| {
        let (_, [n]) = points.next::<f32, 1>();
        let low = n < 1 << 23;
        let mut before = 0.0;
        loop {
            let ([noise], _) = points.next::<f32, 1>();
            before = noise + if low { 0.5 * before } else { -0.5 * before };
            if let (Some(full), Ok(mel)) = (window.push([before]), &mel) {
                let [x] = full.map_channels(|x| {
                    let spectrum = Spectrum::new(x).with_hann();
                    spectrum::log(&mel.apply(&spectrum.magnitude()), 1e-3)
                });
                return (x, [truth(low), truth(!low)]);
            }
        }
    };
    learn(net, trainer, |_| momentum, || example(&mut points), steps)
}

/// Trains on one example at a time.
#[inline(always)]
fn learn<T: Scalar + Bits, N: Layer<Format = T>, L: Loss<N::Activation, T>, O: Optimizer<N>>(
    mut net: N,
    mut trainer: Trainer<N, L, O>,
    optimizer: impl Fn(u32) -> O,
    mut example: impl FnMut() -> (N::Input, N::Output),
    steps: u32,
) -> Trained {
    for step in 0..steps {
        let (x, t) = example();
        trainer.step(&mut net, &optimizer(step), &x, &t);
    }
    let loss = mean_loss(|| {
        let (x, t) = example();
        trainer.evaluate(&net, &x, &t)
    });
    Trained { hash: Hash::of(&net), loss }
}

/// An endless stream of random points in the cube `-1..1`.
struct Points {
    rng: Pcg32,
}

impl Points {
    fn new(seed: u64) -> Self {
        Self { rng: Pcg32::seed_from_u64(seed) }
    }

    /// A point, and its coordinates as 24-bit integers, which an `f32` holds without rounding.
    fn next<T: Scalar, const N: usize>(&mut self) -> ([T; N], [u32; N]) {
        let numbers = array::from_fn(|_| self.rng.next_u32() >> 8);
        (numbers.map(|n| T::from_u32(n) / T::from_u32(1 << 23) - T::ONE), numbers)
    }
}

/// In which fifth of the 24-bit range a number is.
fn fifth(number: u32) -> usize {
    const ENDS: [u32; 4] = [3_355_443, 6_710_886, 10_066_329, 13_421_772];
    ENDS.into_iter().filter(|&end| number >= end).count()
}

fn truth(yes: bool) -> f32 {
    if yes { 1.0 } else { 0.0 }
}

/// Mean of 64 losses.
fn mean_loss<T: Scalar>(mut loss: impl FnMut() -> T) -> f64 {
    let mut sum = T::ZERO;
    for _ in 0..64 {
        sum += loss();
    }
    (sum / T::from_u32(64)).to_f64()
}
