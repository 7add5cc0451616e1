//! Training runs that fit on a microcontroller with 2 KB of RAM, and what all runs have in common.
//!
//! The host tests and the firmware for AVR compile this file too, so it depends only on the library, a
//! random number generator and `core`.

use core::array;

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
    pub loss: f32,
}

/// The runs of the other firmware that need no more than 2 KB of RAM.
pub const SMALL: [Run; 5] = [
    Run { name: "worked net", steps: WORKED_STEPS, train: worked_net },
    Run { name: "frozen first layer, AdamW", steps: 1000, train: frozen },
    Run { name: "GELU, SiLU, clipped Nesterov", steps: 1000, train: smooth },
    Run { name: "fast tanh and sigmoid", steps: 1000, train: fast_moons },
    Run { name: "clipped convolution", steps: 100, train: clipped },
];

/// The runs of the firmware for AVR: [`SMALL`] with fewer steps, as floats are slow there, and two that learn in
/// less than 512 and 1,024 bytes of RAM. Its test compares the hash and the memory of each.
pub const RUNS: [Run; 7] = {
    let [worked_net, frozen, smooth, fast_moons, clipped] = SMALL;
    [
        Run { steps: 100, ..worked_net },
        Run { steps: 100, ..frozen },
        Run { steps: 100, ..smooth },
        Run { steps: 100, ..fast_moons },
        Run { steps: 10, ..clipped },
        XOR,
        GESTURES,
    ]
};

/// XOR from random weights.
pub const XOR: Run = Run { name: "XOR, 2-4-1", steps: 800, train: xor };
/// The network of [`XOR`].
pub type Xor = net![2 => 4 Tanh => 1 Sigmoid];
/// Its trainer.
pub type XorTrainer = Trainer<Xor, BinaryCrossEntropy, Momentum>;

/// Gestures from random weights.
pub const GESTURES: Run = Run { name: "gestures, 8-4-2", steps: 300, train: gestures };
/// The network of [`GESTURES`].
pub type Gestures = net![8 => 4 Tanh => 2 Softmax];
/// Its trainer.
pub type GesturesTrainer = Trainer<Gestures, CrossEntropy, Momentum>;

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
    Trained { hash: Hash::of(&net), loss }
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
        let (x, n) = points.draw::<f32, 2>();
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
    let mut trainer = Trainer::<Net, Huber, ClipByNorm<Nesterov>>::new();
    let optimizer = |step| ClipByNorm {
        optimizer: Nesterov {
            learning_rate: schedule::cosine(0.05, 0.001, steps, step),
            momentum: 0.8,
        },
        limit: 0.5,
    };
    // Two products.
    let example = |points: &mut Points| {
        let (x, _) = points.draw::<f32, 4>();
        (x, [x[0] * x[1], x[2] * x[3]])
    };
    learn(&mut net, &mut trainer, optimizer, || example(&mut points), steps)
}

/// Activations that only add, multiply and divide, in more units than a PC computes at once.
#[inline]
fn fast_moons(steps: u32) -> Trained {
    type Net = net![2 => 10 fast::Tanh => 9 fast::Sigmoid];
    let mut net = Net::ZERO;
    let mut points = Points::new(7);
    init::xavier_uniform(&mut net, &mut points.rng);
    let mut trainer = Trainer::<Net, BinaryCrossEntropy, Sgd>::new();
    let sgd = Sgd { learning_rate: 0.2 };
    // Above a parabola, and how far right.
    let example = |points: &mut Points| {
        let (x, n) = points.draw::<f32, 2>();
        let above = truth(x[1] > 2.0 * x[0] * x[0] - 0.7);
        let right = |part| truth(fifth(n[0]) > part);
        (x, [above, right(0), right(1), right(2), right(3), above, right(0), right(1), right(2)])
    };
    learn(&mut net, &mut trainer, |_| sgd, || example(&mut points), steps)
}

/// The norm of the gradient is a sum over all of it, which must come in the same order everywhere.
#[inline]
fn clipped(steps: u32) -> Trained {
    type Net = net![7 x 3 => Conv1d(6, 3) Relu => GlobalMean => 2 Softmax];
    let mut net = Net::ZERO;
    let mut points = Points::new(12);
    init::he_uniform(&mut net, &mut points.rng);
    let mut trainer = Trainer::<Net, CrossEntropy, ClipByNorm<Sgd>>::new();
    let optimizer = ClipByNorm { optimizer: Sgd { learning_rate: 0.1 }, limit: 0.25 };
    // The first channel is higher, or lower.
    let example = |points: &mut Points| {
        let (numbers, n) = points.draw::<f32, 21>();
        let mut x = [[0.0; 3]; 7];
        x.as_flattened_mut().copy_from_slice(&numbers);
        let first = n[0] < 1 << 23;
        x.iter_mut().for_each(|[x, ..]| *x += if first { 1.0 } else { -1.0 });
        (x, [truth(first), truth(!first)])
    };
    learn(&mut net, &mut trainer, |_| optimizer, || example(&mut points), steps)
}

/// The four examples of XOR, over and over.
#[inline]
fn xor(steps: u32) -> Trained {
    let mut net = Xor::ZERO;
    let mut points = Points::new(14);
    init::xavier_uniform(&mut net, &mut points.rng);
    let mut trainer = XorTrainer::new();
    let momentum = Momentum { learning_rate: 0.1, momentum: 0.9 };
    let mut inputs = (false, false);
    let example = || {
        let (a, b) = inputs;
        inputs = (!a, a != b);
        ([truth(a), truth(b)], [truth(a != b)])
    };
    learn(&mut net, &mut trainer, |_| momentum, example, steps)
}

/// Acceleration along one axis, which begins when the hand begins to move: to one side and back, or to
/// both sides twice as fast; a left hand or a right hand, with more or less force.
#[inline]
fn gestures(steps: u32) -> Trained {
    let mut net = Gestures::ZERO;
    let mut points = Points::new(15);
    init::xavier_uniform(&mut net, &mut points.rng);
    let mut trainer = GesturesTrainer::new();
    let momentum = Momentum { learning_rate: 0.02, momentum: 0.9 };
    let example = || {
        let ([noise @ .., force, side], [.., n]) = points.draw::<f32, 10>();
        let shaken = n & 1 == 1;
        let force = if side < 0.0 { -1.0 - 0.5 * force } else { 1.0 + 0.5 * force };
        let mut x = noise.map(|noise: f32| 0.3 * noise);
        for (time, x) in (0_u8..).zip(&mut x) {
            let back = if shaken { time & 2 != 0 } else { time & 4 != 0 };
            *x += if back { -force } else { force };
        }
        (x, [truth(shaken), truth(!shaken)])
    };
    learn(&mut net, &mut trainer, |_| momentum, example, steps)
}

/// Trains on one example at a time.
#[inline(always)]
pub fn learn<T: Scalar + Bits, N: Layer<Format = T>, L: Loss<N::Activation, T>, O: Optimizer<N>>(
    net: &mut N,
    trainer: &mut Trainer<N, L, O>,
    optimizer: impl Fn(u32) -> O,
    mut example: impl FnMut() -> (N::Input, N::Output),
    steps: u32,
) -> Trained {
    for step in 0..steps {
        let (x, t) = example();
        trainer.step(net, &optimizer(step), &x, &t);
    }
    let loss = mean_loss(|| {
        let (x, t) = example();
        trainer.evaluate(net, &x, &t)
    });
    Trained { hash: Hash::of(net), loss }
}

/// An endless stream of random points in the cube `-1..1`.
pub struct Points {
    /// Its source.
    pub rng: Pcg32,
}

impl Points {
    /// With a seed.
    pub fn new(seed: u64) -> Self {
        Self { rng: Pcg32::seed_from_u64(seed) }
    }

    /// A point, and its coordinates as 24-bit integers, which an `f32` holds without rounding.
    pub fn draw<T: Scalar, const N: usize>(&mut self) -> ([T; N], [u32; N]) {
        let numbers = array::from_fn(|_| self.rng.next_u32() >> 8);
        (numbers.map(|n| T::from_u32(n) / T::from_u32(1 << 23) - T::ONE), numbers)
    }
}

/// In which fifth of the 24-bit range a number is.
pub fn fifth(number: u32) -> usize {
    const ENDS: [u32; 4] = [3_355_443, 6_710_886, 10_066_329, 13_421_772];
    ENDS.into_iter().filter(|&end| number >= end).count()
}

/// 1 for yes, 0 for no.
pub fn truth(yes: bool) -> f32 {
    if yes { 1.0 } else { 0.0 }
}

/// Mean of 64 losses.
pub fn mean_loss<T: Scalar>(mut loss: impl FnMut() -> T) -> f32 {
    let mut sum = T::ZERO;
    for _ in 0..64 {
        sum += loss();
    }
    f32::from_f64((sum / T::from_u32(64)).to_f64())
}
