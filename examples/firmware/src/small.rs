//! Training runs that fit on a microcontroller with 2 KB of RAM, and what all runs have in common.
//!
//! The host tests and the firmware for AVR compile this file too, so it depends only on the library, a
//! random number generator and `core`.

use core::array;

use gradlet::{Arithmetic, Format, Number, Q10, fast, init, prelude::*, schedule};
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

/// The runs of the firmware for AVR: [`SMALL`] with fewer steps, as floats are slow there, and [`LEARNED`]. Its
/// test compares the hash and the memory of each.
pub const RUNS: [Run; 10] = {
    let [worked_net, frozen, smooth, fast_moons, clipped] = SMALL;
    let [xor, gestures, fixed_xor, fixed_gestures] = LEARNED;
    [
        Run { steps: 100, ..worked_net },
        Run { steps: 100, ..frozen },
        Run { steps: 100, ..smooth },
        Run { steps: 100, ..fast_moons },
        Run { steps: 10, ..clipped },
        FIXED_NET,
        xor,
        gestures,
        fixed_xor,
        fixed_gestures,
    ]
};

/// The worked network in fixed point.
pub const FIXED_NET: Run = Run { name: "worked net, fixed point", steps: 100, train: fixed_net };

/// Runs that learn from random weights, in less than 512 bytes of RAM and in less than 1,024.
pub const LEARNED: [Run; 4] = [
    Run { name: "XOR, 2-4-1", steps: 800, train: xor::<f32> },
    Run { name: "gestures, 8-4-2", steps: 300, train: gestures::<f32> },
    Run { name: "XOR, 2-4-1, fixed point", steps: 800, train: xor::<Fixed> },
    Run { name: "gestures, 8-4-2, fixed point", steps: 300, train: gestures::<Fixed> },
];

/// The network of XOR.
pub type Xor<F> = net![F; 2 => 4 Tanh => 1 Sigmoid];
/// Its trainer.
pub type XorTrainer<F> = Trainer<Xor<F>, BinaryCrossEntropy, Momentum<<F as Format>::Real>>;

/// The network of gestures.
pub type Gestures<F> = net![F; 8 => 4 Tanh => 2 Softmax];
/// Its trainer.
pub type GesturesTrainer<F> = Trainer<Gestures<F>, CrossEntropy, Momentum<<F as Format>::Real>>;

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

/// Numbers whose bits can be hashed, as bytes in little-endian order.
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

impl Bits for Q10 {
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

/// The worked network in fixed point, on its one sample.
#[inline]
fn fixed_net(steps: u32) -> Trained {
    type Net = net![Fixed; 2 => 2 Sigmoid => 2 Sigmoid];
    const NET: Net = Chain::new(
        Dense::from_rows(
            [Q26::array([0.1, 0.2]), Q26::array([0.3, 0.4])],
            Q26::array([0.55, 0.56]),
        ),
        Dense::from_rows(
            [Q26::array([0.5, 0.6]), Q26::array([0.7, 0.8])],
            Q26::array([0.66, 0.67]),
        ),
    );
    const EXAMPLE: ([Q12; 2], [Q12; 2]) = (Q12::array(WORKED_INPUT), Q12::array(WORKED_TARGET));
    let mut net = NET;
    let mut trainer = Trainer::<_, HalfSquaredError, Sgd<Q32>>::new();
    learn(&mut net, &mut trainer, |_| Sgd::new(Q32::HALF), || EXAMPLE, steps)
}

/// The four examples of XOR, over and over.
#[inline]
fn xor<F>(steps: u32) -> Trained
where
    F: Arithmetic<Weight: Bits, Real: Real>,
    Tanh: Activation<F>,
    Sigmoid: Activation<F>,
    BinaryCrossEntropy: Loss<Sigmoid, F>,
{
    let mut net = Xor::<F>::ZERO;
    let mut points = Points::new(14);
    init::xavier_uniform(&mut net, &mut points.rng);
    let mut trainer = XorTrainer::<F>::new();
    let momentum = Momentum::new(F::Real::from_f64(0.1), F::Real::from_f64(0.9));
    let mut inputs = (false, false);
    let example = || {
        let (a, b) = inputs;
        inputs = (!a, a != b);
        let value = |yes| F::value(if yes { Number::ONE } else { Zero::ZERO });
        ([value(a), value(b)], [value(a != b)])
    };
    learn(&mut net, &mut trainer, |_| momentum, example, steps)
}

/// Acceleration along one axis, which begins when the hand begins to move: to one side and back, or to
/// both sides twice as fast; a left hand or a right hand, with more or less force.
#[inline]
fn gestures<F>(steps: u32) -> Trained
where
    F: Arithmetic<Weight: Bits, Real: Real>,
    Tanh: Activation<F>,
    Softmax: Activation<F>,
    CrossEntropy: Loss<Softmax, F>,
{
    let mut net = Gestures::<F>::ZERO;
    let mut points = Points::new(15);
    init::xavier_uniform(&mut net, &mut points.rng);
    let mut trainer = GesturesTrainer::<F>::new();
    let [rate, momentum, noisy] = [0.02, 0.9, 0.3].map(F::Real::from_f64);
    let momentum = Momentum::new(rate, momentum);
    let example = || {
        let ([force, side], [.., n]) = points.draw::<F::Real, 2>();
        let shaken = n & 1 == 1;
        let force = F::Real::ONE + F::Real::HALF * force;
        let force = if side < Zero::ZERO { -force } else { force };
        let x = array::from_fn(|time| {
            let back = time & if shaken { 2 } else { 4 } != 0;
            let ([noise], _) = points.draw::<F::Real, 1>();
            F::value(noise * noisy + if back { -force } else { force })
        });
        let truth = [shaken, !shaken].map(|yes| if yes { Number::ONE } else { Zero::ZERO });
        (x, truth.map(F::value))
    };
    learn(&mut net, &mut trainer, |_| momentum, example, steps)
}

/// Trains on one example at a time.
#[inline(always)]
pub fn learn<F, N: Layer<Format = F>, L: Loss<N::Activation, F>, O: Optimizer<N>>(
    net: &mut N,
    trainer: &mut Trainer<N, L, O>,
    optimizer: impl Fn(u32) -> O,
    mut example: impl FnMut() -> (N::Input, N::Output),
    steps: u32,
) -> Trained
where
    F: Format<Weight: Bits, Real: Real>,
{
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
    pub fn draw<T: Number, const N: usize>(&mut self) -> ([T; N], [u32; N]) {
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

/// A type of losses.
pub trait Real: Number {
    /// The nearest `f32`.
    fn single(self) -> f32;
}

impl Real for f32 {
    fn single(self) -> f32 {
        self
    }
}

impl Real for f64 {
    fn single(self) -> f32 {
        f32::from_f64(self)
    }
}

impl Real for Q32 {
    fn single(self) -> f32 {
        self.to_f32()
    }
}

/// Mean of 64 losses.
pub fn mean_loss<T: Real>(mut loss: impl FnMut() -> T) -> f32 {
    let mut sum = T::ZERO;
    for _ in 0..64 {
        sum += loss();
    }
    (sum / T::from_u32(64)).single()
}
