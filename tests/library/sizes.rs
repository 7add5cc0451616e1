//! Memory: sizes in bytes, exactly, and budgets that the compiler holds.
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "tests may panic")]

use std::sync::Mutex;

use gradlet::prelude::*;
use gradlet::{Kind, Pair, fast};
use support::Bare;

/// 2 * 4 + 4 + 4 * 2 + 2 = 22 parameters, 88 bytes.
type Net = Mlp<2, 4, 2>;
type Wide = Mlp<2, 4, 2, Sigmoid, Sigmoid, f64>;

const NET: usize = 88;
/// The outputs of both layers, and the derivatives by their logits.
const TRACE: usize = 2 * (4 + 2) * 4;

#[test]
fn networks_are_as_large_as_their_parameters() {
    assert_eq!((Net::PARAMS, Net::MACS, Net::BYTES, size_of::<Net>()), (22, 16, NET, NET));
    assert_eq!((Wide::PARAMS, Wide::MACS, Wide::BYTES), (22, 16, 2 * NET));
    type Dense3 = Dense<3, 5, Tanh>;
    assert_eq!((Dense3::PARAMS, Dense3::MACS, Dense3::BYTES), (20, 15, 80));
    type Digits = net![784 => 32 Relu => 16 Tanh => 10 Softmax];
    let params = 784 * 32 + 32 + 32 * 16 + 16 + 16 * 10 + 10;
    assert_eq!(Digits::PARAMS, params);
    assert_eq!(Digits::MACS, 784 * 32 + 32 * 16 + 16 * 10);
    assert_eq!(Digits::BYTES, 4 * params);
    assert_eq!(size_of::<Option<Dense<1, 1>>>(), 12);
    type Own = Chain<Bare<3, 4, Tanh, f32>, Dense<4, 1, Identity>>;
    assert_eq!((Own::PARAMS, Own::MACS, Own::BYTES), (12 + 5, 12 + 4, 17 * 4));
}

#[test]
fn parameters_are_shown_as_many_as_there_are_in_order() {
    let net = Net::ZERO;
    let mut tensors = Vec::new();
    net.visit(|tensor, p| tensors.push((tensor.kind, tensor.name, tensor.shape, p.len())));
    let weights = |shape, len| (Kind::Weight, "weight", shape, len);
    let bias = |shape, len| (Kind::Bias, "bias", shape, len);
    let want =
        [weights(&[4, 2][..], 8), bias(&[4][..], 4), weights(&[2, 4][..], 8), bias(&[2][..], 2)];
    assert_eq!(tensors, want);
    assert_eq!(tensors.iter().map(|(.., len)| len).sum::<usize>(), Net::PARAMS);
}

/// Sizes of a trainer and of a batch trainer, and their `BYTES`.
macro_rules! sizes {
    ($($net:ty, $loss:ty, $optimizer:ty => $single:expr, $batch:expr;)+) => {
        $(
            assert_eq!(size_of::<Trainer<$net, $loss, $optimizer>>(), $single);
            assert_eq!(Trainer::<$net, $loss, $optimizer>::BYTES, $single);
            assert_eq!(size_of::<BatchTrainer<$net, $loss, $optimizer>>(), $batch);
            assert_eq!(BatchTrainer::<$net, $loss, $optimizer>::BYTES, $batch);
        )+
    };
}

/// A count, and the sum of the weights.
const COUNT: usize = 8;
/// A batch trainer holds the gradient and those besides.
const BATCH: usize = NET + COUNT;

#[test]
fn trainers_hold_the_trace_and_what_the_optimizer_remembers() {
    sizes! {
        Net, HalfSquaredError, Sgd => TRACE, TRACE + BATCH;
        Net, BinaryCrossEntropy, Sgd => TRACE, TRACE + BATCH;
        Net, HalfSquaredError, Momentum => TRACE + NET, TRACE + BATCH + NET;
        Net, HalfSquaredError, Nesterov => TRACE + NET, TRACE + BATCH + NET;
        Net, HalfSquaredError, RmsProp => TRACE + NET, TRACE + BATCH + NET;
        Net, HalfSquaredError, Adam => TRACE + 2 * NET + 8, TRACE + BATCH + 2 * NET + 8;
        Net, HalfSquaredError, AdamW => TRACE + 2 * NET + 8, TRACE + BATCH + 2 * NET + 8;
        // Adjusting a gradient takes no memory.
        Net, HalfSquaredError, ClipByNorm<Sgd> => TRACE, TRACE + BATCH;
        Net, HalfSquaredError, ClipByValue<Sgd> => TRACE, TRACE + BATCH;
        Net, HalfSquaredError, WeightDecay<Sgd> => TRACE, TRACE + BATCH;
        Net, HalfSquaredError, WeightDecay<ClipByNorm<Momentum>> => TRACE + NET,
            TRACE + BATCH + NET;
    }
    assert_eq!((TRACE, TRACE + NET), (48, 136));
}

#[test]
fn trainers_in_f64_are_twice_as_large() {
    let batch = 2 * NET + 16; // The count is padded.
    sizes! {
        Wide, HalfSquaredError, Sgd<f64> => 2 * TRACE, 2 * TRACE + batch;
        Wide, HalfSquaredError, Adam<f64> => 2 * TRACE + 4 * NET + 16,
            2 * TRACE + batch + 4 * NET + 16;
    }
}

#[test]
fn gelu_and_silu_keep_their_logits_too() {
    type Hidden<A> = Mlp<2, 4, 2, A, Identity>;
    sizes! {
        Hidden<Tanh>, HalfSquaredError, Sgd => TRACE, TRACE + BATCH;
        Hidden<Gelu>, HalfSquaredError, Sgd => TRACE + 4 * 4, TRACE + 16 + BATCH;
        Hidden<Silu>, HalfSquaredError, Sgd => TRACE + 4 * 4, TRACE + 16 + BATCH;
        Mlp<2, 4, 2, Silu>, HalfSquaredError, Sgd => TRACE + 6 * 4, TRACE + 6 * 4 + BATCH;
    }
    // The network itself is the same.
    assert_eq!(Hidden::<Gelu>::BYTES, NET);
}

#[test]
fn frozen_layers_add_nothing_to_gradients_and_states() {
    type First = Dense<2, 4, Tanh>;
    type Head = Dense<4, 2, Sigmoid>;
    const HEAD: usize = 10 * 4;
    type Inside = Chain<Frozen<First>, Head>;
    type Borrowed = Chain<Frozen<&'static First>, Head>;
    type Last = Chain<First, Frozen<Head>>;
    assert_eq!((Inside::PARAMS, Inside::MACS, Inside::BYTES), (10, 16, NET));
    assert_eq!((Borrowed::PARAMS, Borrowed::MACS), (10, 16));
    // A pointer instead of the weights.
    assert_eq!(Borrowed::BYTES, HEAD + size_of::<usize>());
    assert_eq!(Last::PARAMS, 12);
    assert_eq!(size_of::<<Inside as Layer>::Gradient>(), HEAD);
    sizes! {
        Inside, HalfSquaredError, Sgd => TRACE, TRACE + HEAD + COUNT;
        Inside, HalfSquaredError, Momentum => TRACE + HEAD, TRACE + HEAD + COUNT + HEAD;
        Inside, HalfSquaredError, Adam => TRACE + 2 * HEAD + 8, TRACE + HEAD + COUNT + 2 * HEAD + 8;
        Borrowed, HalfSquaredError, Adam => TRACE + 2 * HEAD + 8, TRACE + HEAD + COUNT + 2 * HEAD + 8;
        Last, HalfSquaredError, Momentum => TRACE + 48, TRACE + 48 + COUNT + 48;
        Frozen<Net>, HalfSquaredError, Momentum => TRACE, TRACE + COUNT;
    }
}

#[test]
fn gradients_and_early_stopping_are_as_large_as_the_network() {
    assert_eq!(size_of::<<Net as Layer>::Gradient>(), NET);
    assert_eq!(size_of::<Pair<Dense<2, 4>, Dense<4, 2>>>(), NET);
    // The best loss, the patience, and whether there is one, padded.
    assert_eq!(size_of::<EarlyStopping<Net>>(), NET + 12);
}

#[test]
fn activations_losses_and_sgd_without_numbers_take_no_memory() {
    assert_eq!(size_of::<(Identity, Sigmoid, Tanh, Relu, LeakyRelu, Elu)>(), 0);
    assert_eq!(size_of::<(Softplus, HardSigmoid, Gelu, Silu, Softmax)>(), 0);
    assert_eq!(size_of::<(Relu6, Selu, Softsign, HardSwish, HardTanh)>(), 0);
    assert_eq!(size_of::<(fast::Sigmoid, fast::Tanh, fast::Softmax)>(), 0);
    assert_eq!(size_of::<(HalfSquaredError, MeanSquaredError, AbsoluteError)>(), 0);
    assert_eq!(size_of::<(Huber, BinaryCrossEntropy, CrossEntropy)>(), 0);
    assert_eq!(size_of::<(LogCosh, Pinball<9, 10>, Focal)>(), 0);
    assert_eq!(size_of::<Sgd>(), 4);
}

// Budgets: these lines do not compile if they do not hold.

type Autoencoder = net![48 => 24 Tanh => 12 Tanh => 6 Tanh => 12 Tanh => 24 Tanh => 48 Identity];
const _: () = assert!(Autoencoder::PARAMS == 3150);
const _: () = assert!(Autoencoder::BYTES == 12_600);
const _: () =
    assert!(Autoencoder::BYTES + Trainer::<Autoencoder, HalfSquaredError>::BYTES <= 13_700);

type Digits = net![64 => 32 Relu => 10 Softmax];
const _: () = assert!(size_of::<Trainer<Digits, CrossEntropy, Sgd>>() <= 336, "over the budget");

type Mnist = net![784 => 32 Relu => 10 Softmax];
const _: () = assert!(Mnist::BYTES + Trainer::<Mnist, CrossEntropy>::BYTES <= 256 * 1024);
const _: () = assert!(BatchTrainer::<Mnist, CrossEntropy>::BYTES <= 256 * 1024);

type Xor = Mlp<2, 3, 1>;
const _: () = assert!(Xor::BYTES + BatchTrainer::<Xor, BinaryCrossEntropy, Adam>::BYTES <= 256);

/// A budget in code that is generic over the network.
struct Device<N: Layer, const RAM: usize>(N);

impl<N: Layer, const RAM: usize> Device<N, RAM> {
    const FREE: usize = {
        let needed = N::BYTES + size_of::<N::Trace>() + size_of::<N::Gradient>();
        assert!(needed <= RAM, "the network does not fit the device");
        RAM - needed
    };

    fn free(&self) -> usize {
        let Self(_) = self;
        const { assert!(N::PARAMS > 0, "nothing to learn") };
        Self::FREE
    }
}

#[test]
fn budgets_hold_in_generic_code() {
    assert_eq!(Device::<Net, 256>(Net::ZERO).free(), 256 - 2 * NET - TRACE);
    assert_eq!(Device::<_, 224>(Net::ZERO).free(), 0);
    assert_eq!(Device::<Wide, 1024>(Wide::ZERO).free(), 1024 - 2 * (2 * NET + TRACE));
}

// Everything can be made by the compiler and live in a `static`.

static SHARED: Mutex<(Net, Trainer<Net, HalfSquaredError, Adam>)> =
    Mutex::new((Net::ZERO, Trainer::new()));
static BATCHED: Mutex<BatchTrainer<Net, HalfSquaredError, WeightDecay<Momentum>>> =
    Mutex::new(BatchTrainer::new());
static BEST: Mutex<EarlyStopping<Net>> = Mutex::new(EarlyStopping::new());
const START: Net = Net::new(
    Dense::from_rows([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6], [0.7, 0.8]], [0.0; 4]),
    Dense::from_rows([[0.5, -0.5, 0.5, -0.5], [0.25; 4]], [0.0; 2]),
);

#[test]
fn static_trainers_learn() {
    let (x, t) = ([0.5, -0.25], [0.75, 0.25]);
    let mut shared = SHARED.lock().unwrap();
    let (net, trainer) = &mut *shared;
    *net = START;
    let first = trainer.step(net, &Adam::new(0.01), &x, &t);
    let second = trainer.step(net, &Adam::new(0.01), &x, &t);
    assert!(second < first);

    let mut batched = BATCHED.lock().unwrap();
    let optimizer = WeightDecay::new(Momentum { learning_rate: 0.1, momentum: 0.5 }, 0.001);
    let mut net = START;
    batched.accumulate(&net, &x, &t);
    assert_eq!(batched.apply(&mut net, &optimizer), 1);
    assert!(batched.evaluate(&net, &x, &t) < first);

    let mut best = BEST.lock().unwrap();
    assert!(best.best_loss().is_none());
    assert!(best.observe(&net, second, 1).is_continue());
    assert_eq!(best.best_loss(), Some(second));
}

/// Bytes of a network, and of its trainers with `Sgd`, `Momentum` and `Adam`.
fn row<N, L>() -> [usize; 4]
where
    N: Layer<Format = f32>,
    L: Loss<N::Activation, N::Format>,
{
    [
        N::BYTES,
        Trainer::<N, L, Sgd>::BYTES,
        Trainer::<N, L, Momentum>::BYTES,
        Trainer::<N, L, Adam>::BYTES,
    ]
}

#[test]
fn memory_is_as_the_readme_says() {
    let readme = include_str!("../../README.md");
    for (name, [net, sgd, momentum, adam]) in [
        ("Mlp<2, 2, 2>", row::<Mlp<2, 2, 2>, HalfSquaredError>()),
        ("Mlp<2, 4, 2>", row::<Mlp<2, 4, 2>, HalfSquaredError>()),
        ("Mlp<16, 16, 4>", row::<Mlp<16, 16, 4>, HalfSquaredError>()),
        ("net![64 => 32 Relu => 10 Softmax]", row::<Digits, CrossEntropy>()),
    ] {
        let line = format!("| `{name}` | {net} | {sgd} | {momentum} | {adam} |");
        assert!(readme.replace(',', "").contains(&line.replace(',', "")), "{line}");
    }
}
