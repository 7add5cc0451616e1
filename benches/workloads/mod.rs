//! What the benchmarks have gradlet do: four networks, trained by plain gradient descent in `f32`, with
//! the activations of `libm` (type parameters `Sigmoid`, `Tanh`, `Softmax`) or those of `gradlet::fast`.

use core::hint::black_box;

use gradlet::prelude::*;
use gradlet::{Activation, Hidden};

#[allow(dead_code, reason = "the benchmarks use the points only, and that as `f32`")]
#[path = "../../examples/host/src/moons/data.rs"]
mod data;

/// Inputs and targets.
pub type Examples<const IN: usize, const OUT: usize> = Vec<([f32; IN], [f32; OUT])>;

/// Training that goes over the same examples again and again.
pub trait Work {
    /// The number of examples.
    fn len(&self) -> usize;
    /// Trains on each example once.
    fn epoch(&mut self);
    /// Computes the output for each example.
    fn inferences(&self);
}

/// An update after each example.
pub struct OneByOne<N: Layer<Format = f32>, L: Loss<N::Activation, N::Format>> {
    /// The network.
    pub net: N,
    trainer: Trainer<N, L, Sgd>,
    /// The learning rate.
    pub sgd: Sgd,
    /// Inputs and targets.
    pub examples: Vec<(N::Input, N::Output)>,
}

impl<N: Layer<Format = f32>, L: Loss<N::Activation, N::Format>> Work for OneByOne<N, L> {
    fn len(&self) -> usize {
        self.examples.len()
    }

    fn epoch(&mut self) {
        for (input, target) in &self.examples {
            black_box(self.trainer.step(&mut self.net, &self.sgd, input, target));
        }
    }

    fn inferences(&self) {
        infer_each(&self.net, &self.examples);
    }
}

/// An update by the mean gradient of `BATCH` examples, of which `TILE` go through the network at once.
pub struct Batches<
    N: Layer<Format = f32>,
    L: Loss<N::Activation, N::Format>,
    const BATCH: usize,
    const TILE: usize,
> {
    /// The network.
    pub net: N,
    trainer: BatchTrainer<N, L, Sgd, TILE>,
    /// The learning rate.
    pub sgd: Sgd,
    /// Inputs and targets.
    pub examples: Vec<(N::Input, N::Output)>,
}

impl<N, L, const BATCH: usize, const TILE: usize> Work for Batches<N, L, BATCH, TILE>
where
    N: Layer<Format = f32>,
    L: Loss<N::Activation, N::Format>,
{
    fn len(&self) -> usize {
        self.examples.len()
    }

    fn epoch(&mut self) {
        let Self { net, trainer, .. } = self;
        for batch in self.examples.chunks_exact(BATCH) {
            black_box(trainer.accumulate_all(net, batch));
            trainer.apply(net, &self.sgd);
        }
    }

    fn inferences(&self) {
        let mut rest = self.examples.as_slice();
        while let Some((tile, others)) = rest.split_first_chunk::<TILE>().filter(|_| TILE > 0) {
            black_box(self.net.forward_all(black_box(tile.each_ref().map(|(input, _)| input))));
            rest = others;
        }
        infer_each(&self.net, rest);
    }
}

fn infer_each<N: Layer>(net: &N, examples: &[(N::Input, N::Output)]) {
    for (input, _) in examples {
        black_box(net.forward(black_box(input)));
    }
}

/// The network of the front page, with its one example.
pub fn worked<S: Hidden + Activation>() -> OneByOne<Mlp<2, 2, 2, S, S>, HalfSquaredError> {
    OneByOne {
        net: Chain::new(
            Dense::from_rows([[0.1, 0.2], [0.3, 0.4]], [0.55, 0.56]),
            Dense::from_rows([[0.5, 0.6], [0.7, 0.8]], [0.66, 0.67]),
        ),
        trainer: Trainer::new(),
        sgd: Sgd { learning_rate: 0.5 },
        examples: vec![([0.1, 0.2], [0.01, 0.99])],
    }
}

/// A network for the sixty points of the example `moons`, which has them in `f64`. They are one batch.
/// With two inputs, a tile would cost more than it saves.
pub fn moons<const HIDDEN: usize, T: Hidden + Activation, S: Activation>()
-> Batches<Mlp<2, HIDDEN, 2, T, S>, BinaryCrossEntropy, 60, 0>
where
    BinaryCrossEntropy: Loss<S>,
{
    let target = |class| if class == 0 { [1.0, 0.0] } else { [0.0, 1.0] };
    Batches {
        net: network(),
        trainer: BatchTrainer::new(),
        sgd: Sgd { learning_rate: 0.1 },
        examples: data::POINTS.iter().map(|&(x, y, c)| ([x as f32, y as f32], target(c))).collect(),
    }
}

/// For digits of 8 x 8 pixels, with an update after each example.
pub fn digits<S: Hidden + Activation>() -> OneByOne<Mlp<64, 32, 10, S, S>, HalfSquaredError> {
    let (net, sgd) = (network(), Sgd { learning_rate: 0.1 });
    OneByOne { net, trainer: Trainer::new(), sgd, examples: examples() }
}

/// The same in batches of 32.
pub fn digits_in_batches<S: Hidden + Activation>()
-> Batches<Mlp<64, 32, 10, S, S>, HalfSquaredError, 32, 32> {
    let (net, sgd) = (network(), Sgd { learning_rate: 0.1 });
    Batches { net, trainer: BatchTrainer::new(), sgd, examples: examples() }
}

/// For digits of 28 x 28 pixels, with an update after each example.
pub fn images<S: Activation>() -> Box<OneByOne<Mlp<784, 128, 10, Relu, S>, CrossEntropy>>
where
    CrossEntropy: Loss<S>,
{
    let (net, sgd) = (network(), Sgd { learning_rate: 0.001 });
    Box::new(OneByOne { net, trainer: Trainer::new(), sgd, examples: examples() })
}

/// The same in batches of 32.
pub fn images_in_batches<S: Activation>()
-> Box<Batches<Mlp<784, 128, 10, Relu, S>, CrossEntropy, 32, 32>>
where
    CrossEntropy: Loss<S>,
{
    let (net, sgd) = (network(), Sgd { learning_rate: 0.001 });
    Box::new(Batches { net, trainer: BatchTrainer::new(), sgd, examples: examples() })
}

/// 256 examples: the inputs spread over 0 .. 1, and a class each, in turn.
fn examples<const IN: usize, const OUT: usize>() -> Examples<IN, OUT> {
    let mut numbers = numbers();
    let mut input = || core::array::from_fn(|_| numbers.next().unwrap_or_default());
    let target = |example| core::array::from_fn(|o| if o == example % OUT { 1.0 } else { 0.0 });
    (0..256).map(|example| (input(), target(example))).collect()
}

/// Weights spread over -1 .. 1, divided by the square root of the number of inputs; biases of 0.
fn network<
    const IN: usize,
    const HIDDEN: usize,
    const OUT: usize,
    A: Hidden + Activation,
    B: Activation,
>() -> Mlp<IN, HIDDEN, OUT, A, B> {
    let mut numbers = numbers();
    let mut weight =
        |inputs: usize| (2.0 * numbers.next().unwrap_or_default() - 1.0) / (inputs as f32).sqrt();
    let first = core::array::from_fn(|_| core::array::from_fn(|_| weight(IN)));
    let second = core::array::from_fn(|_| core::array::from_fn(|_| weight(HIDDEN)));
    Chain::new(Dense::new(first, [0.0; HIDDEN]), Dense::new(second, [0.0; OUT]))
}

/// Numbers of 24 bits in 0 .. 1. The generator is PCG-RXS-M-XS-32 of O'Neill, 2014.
fn numbers() -> impl Iterator<Item = f32> {
    let mut state = 1_u32;
    core::iter::from_fn(move || {
        state = state.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
        let word = ((state >> ((state >> 28) + 4)) ^ state).wrapping_mul(277_803_737);
        Some((((word >> 22) ^ word) >> 8) as f32 / 16_777_216.0)
    })
}
