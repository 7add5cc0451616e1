//! Every gradient against difference quotients of the loss: each activation with each loss that
//! compiles, alone, in chains and beside frozen layers, in shapes that take every kernel path.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss,
    reason = "tests may panic"
)]

use core::cell::Cell;

use gradlet::prelude::*;
use gradlet::{Delta, EndsIn, Samples, Shape, fast};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use support::{
    Bare, Random, Rng, Scale, assert_all_close, flat, flat_gradient, parameter, set_parameter,
    tolerance,
};

const CASES: u32 = if cfg!(debug_assertions) { 4 } else { 16 };

/// The derivative of `f` at 0, or `None` at a kink.
fn derivative(f: &mut dyn FnMut(f64) -> f64) -> Option<f64> {
    let middle = f(0.0);
    // The difference quotient of order 4, and how far the slopes on both sides differ.
    let mut quotient = |h: f64| {
        let (near, far) = ([f(-h), f(h)], [f(-2.0 * h), f(2.0 * h)]);
        let slope = (8.0 * (near[1] - near[0]) - (far[1] - far[0])) / (12.0 * h);
        (slope, (near[1] - 2.0 * middle + near[0]).abs() / h)
    };
    let ((wide, wide_bend), (narrow, narrow_bend)) = (quotient(1e-4), quotient(5e-5));
    let scale = wide.abs().max(narrow.abs()).max(1e-3 * middle.abs());
    // Where `f` is smooth, half the step bends half as much.
    let bent = narrow_bend > 0.75 * wide_bend && wide_bend > 1e-6 * scale;
    let kink = bent || (wide - narrow).abs() > tolerance::KINK * scale;
    (!kink).then_some(narrow)
}

/// What difference quotients say of a network on one sample.
struct Numeric {
    slopes: Vec<Option<f64>>,
}

impl Numeric {
    fn new(count: usize, f: &mut dyn FnMut(usize, f64) -> f64) -> Self {
        Self { slopes: (0..count).map(|i| derivative(&mut |step| f(i, step))).collect() }
    }

    fn largest(&self) -> f64 {
        self.slopes.iter().flatten().fold(0.0, |max, slope| slope.abs().max(max))
    }

    fn skipped(&self) -> usize {
        self.slopes.iter().filter(|slope| slope.is_none()).count()
    }

    /// Whether `gradient` is the same to within the tolerance. All zeros are never right: there is
    /// no [`Numeric`] without a slope.
    fn compare(&self, what: &str, gradient: &[f64]) -> Result<(), TestCaseError> {
        let fail = |text: String| Err(TestCaseError::fail(format!("{what}: {text}")));
        if gradient.len() != self.slopes.len() {
            return fail(format!("{} numbers, not {}", gradient.len(), self.slopes.len()));
        }
        if gradient.iter().all(|&g| g == 0.0) {
            return fail("all zeros".into());
        }
        let floor = tolerance::GRADIENT_FLOOR * self.largest();
        for (i, (&got, want)) in gradient.iter().zip(&self.slopes).enumerate() {
            let Some(want) = *want else { continue };
            let allowed = tolerance::GRADIENT * got.abs().max(want.abs()).max(floor);
            // Not `>`, which a NaN would pass.
            let close = (got - want).abs() <= allowed;
            if !close {
                return fail(format!("[{i}]: got {got:e}, want {want:e}"));
            }
        }
        Ok(())
    }
}

/// Which targets fit a loss.
#[derive(Clone, Copy)]
pub(crate) enum Targets {
    /// Numbers within `-1..1`.
    Any,
    /// Numbers within `0..1`.
    Unit,
    /// Numbers within `0..1` that add up to 1.
    Classes,
}

impl Targets {
    fn draw<Y: Shape<Element = f64>>(self, rng: &mut Rng) -> Y {
        let low = if matches!(self, Self::Any) { -1.0 } else { 0.0 };
        let mut t = rng.shape::<Y>(low, 1.0);
        if matches!(self, Self::Classes) {
            let sum: f64 = t.as_slice().iter().sum();
            t.as_mut_slice().iter_mut().for_each(|t| *t /= sum);
        }
        t
    }
}

/// The gradient by the input, through the public parts of a training step.
fn input_gradient<N: Layer<Format = f64>, L: Loss<N::Activation, f64>>(
    net: &N,
    x: &N::Input,
    t: &N::Output,
) -> Vec<f64> {
    let mut trace = N::Trace::ZERO;
    net.forward_trace([x], [&mut trace]);
    let mut output = trace.last().output().clone();
    let logits = output.clone();
    L::evaluate(output.as_mut_slice(), t.as_slice());
    let (delta, scale) = trace.last_mut().parts().1.parts();
    L::delta(output.as_slice(), t.as_slice(), delta, scale);
    if !L::FUSED {
        <N::Activation as Activation<f64>>::backpropagate(
            output.as_slice(),
            logits.as_slice(),
            delta,
            scale,
        );
    }
    net.backward::<true, 1>([x], [&mut trace]);
    let mut gradient = Delta::ZERO;
    let sample = Samples { inputs: [x], traces: [&trace] };
    net.input_gradient(sample, [&mut gradient]);
    gradient.values.as_slice().to_vec()
}

/// Loss of a network on a sample; not inlined, because it is called in many places of many types.
#[inline(never)]
fn loss<N: Layer<Format = f64>, L: Loss<N::Activation, N::Format>>(
    net: &N,
    x: &N::Input,
    t: &N::Output,
) -> f64 {
    Trainer::<N, L, Sgd<f64>>::new().evaluate(net, x, t)
}

/// Checks a network of random parameters on a random sample; says how many derivatives there were
/// and how many were skipped.
fn check<N, L>(seed: u64, scale: f64, targets: Targets) -> Result<(usize, usize), TestCaseError>
where
    N: Layer<Format = f64> + Random,
    L: Loss<N::Activation, N::Format>,
{
    let mut rng = Rng(seed);
    // Rectifiers may all be off: then the gradient is zero, and there is nothing to compare.
    for _ in 0..50 {
        let mut net = N::random(&mut rng);
        let mut x: N::Input = rng.shape(-scale, scale);
        let t = targets.draw(&mut rng);

        let parameters = flat(&net);
        let numeric = Numeric::new(N::PARAMS, &mut |i, step| {
            set_parameter(&mut net, i, parameters[i] + step);
            let loss = loss::<N, L>(&net, &x, &t);
            set_parameter(&mut net, i, parameters[i]);
            loss
        });
        if numeric.largest() < 1e-6 {
            continue;
        }
        let inputs = x.clone();
        let by_input = Numeric::new(N::Input::LEN, &mut |i, step| {
            x.as_mut_slice()[i] = inputs.as_slice()[i] + step;
            let loss = loss::<N, L>(&net, &x, &t);
            x.as_mut_slice()[i] = inputs.as_slice()[i];
            loss
        });
        if by_input.largest() >= 1e-6 {
            by_input.compare("by input", &input_gradient::<N, L>(&net, &x, &t))?;
        }

        let mut batch = BatchTrainer::<N, L, Sgd<f64>>::new();
        let sum = batch.accumulate(&net, &x, &t);
        if sum.to_bits() != loss::<N, L>(&net, &x, &t).to_bits() {
            return Err(TestCaseError::fail("accumulate and evaluate give different losses"));
        }
        numeric.compare("accumulate", &flat_gradient::<N>(batch.gradient()))?;

        // A power of two: dividing by it is exact.
        let learning_rate = 1.0 / 128.0;
        Trainer::<N, L, _>::new().step(&mut net, &Sgd { learning_rate }, &x, &t);
        let moves = parameters.iter().zip(flat(&net));
        let moves: Vec<_> = moves.map(|(before, after)| (before - after) / learning_rate).collect();
        numeric.compare("step", &moves)?;
        return Ok((N::PARAMS + N::Input::LEN, numeric.skipped() + by_input.skipped()));
    }
    Err(TestCaseError::fail("50 networks without a gradient"))
}

/// What [`check`] says of a seed and a size of the inputs.
type Checked<'a> = &'a dyn Fn(u64, f64) -> Result<(usize, usize), TestCaseError>;

/// Checks some random values, the same on every run. Without kinks, no derivative may be skipped.
fn check_values(name: &str, kinks: bool, check: Checked<'_>) {
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let counts = Cell::new((0, 0));
    let values = (proptest::num::u64::ANY, 0.25..2.0);
    let result = TestRunner::new_with_rng(config, rng).run(&values, |(seed, scale)| {
        let (all, skipped) = check(seed, scale)?;
        let counted = counts.get();
        counts.set((counted.0 + all, counted.1 + skipped));
        Ok(())
    });
    if let Err(error) = result {
        panic!("{name}: {error}");
    }
    let (all, skipped) = counts.get();
    let limit = if kinks { tolerance::KINKS_SKIPPED * all as f64 } else { 0.0 };
    assert!(skipped as f64 <= limit, "{name}: skipped {skipped} of {all}");
}

/// Checks a network type.
pub(crate) fn check_all<N, L>(targets: Targets, kinks: bool)
where
    N: Layer<Format = f64> + Random,
    L: Loss<N::Activation, N::Format>,
{
    let name = core::any::type_name::<(N, L)>().replace("gradlet::", "");
    check_values(&name, kinks, &|seed, scale| check::<N, L>(seed, scale, targets));
}

/// One activation and one loss: a layer alone, a chain of three with hidden activation `$hidden`,
/// with the first layer frozen, and with the middle one frozen.
macro_rules! pair {
    ($activation:ty, $loss:ty, $hidden:ty, $targets:ident, $kinks:expr) => {{
        type Last = Dense<5, 3, $activation, f64>;
        type First = Dense<3, 4, $hidden, f64>;
        type Middle = Dense<4, 5, $hidden, f64>;
        let (targets, kinks) = (Targets::$targets, $kinks);
        check_all::<Last, $loss>(targets, kinks);
        check_all::<Chain<First, Chain<Middle, Last>>, $loss>(targets, kinks);
        check_all::<Chain<Frozen<First>, Chain<Middle, Last>>, $loss>(targets, kinks);
        check_all::<Chain<First, Chain<Frozen<Middle>, Last>>, $loss>(targets, kinks);
    }};
}

macro_rules! activations {
    ($($name:ident: $activation:ty, $hidden:ty, $kinks:literal;)+) => {
        $(
            #[test]
            fn $name() {
                pair!($activation, HalfSquaredError, $hidden, Any, $kinks);
                pair!($activation, MeanSquaredError, $hidden, Any, $kinks);
                pair!($activation, AbsoluteError, $hidden, Any, true);
                pair!($activation, Huber, $hidden, Any, true);
            }
        )+
    };
}
activations! {
    identity_gradients_match_central_differences: Identity, Identity, false;
    sigmoid_gradients_match_central_differences: Sigmoid, Sigmoid, false;
    tanh_gradients_match_central_differences: Tanh, Tanh, false;
    relu_gradients_match_central_differences: Relu, Relu, true;
    leaky_relu_gradients_match_central_differences: LeakyRelu, LeakyRelu<1, 4>, true;
    relu6_gradients_match_central_differences: Relu6, Relu6, true;
    elu_gradients_match_central_differences: Elu, Elu, true;
    selu_gradients_match_central_differences: Selu, Selu, true;
    softplus_gradients_match_central_differences: Softplus, Softplus, false;
    hard_sigmoid_gradients_match_central_differences: HardSigmoid, HardSigmoid, true;
    hard_tanh_gradients_match_central_differences: HardTanh, HardTanh, true;
    softsign_gradients_match_central_differences: Softsign, Softsign, true;
    gelu_gradients_match_central_differences: Gelu, Gelu, false;
    silu_gradients_match_central_differences: Silu, Silu, false;
    hard_swish_gradients_match_central_differences: HardSwish, HardSwish, true;
    softmax_gradients_match_central_differences: Softmax, Tanh, false;
    fast_sigmoid_gradients_match_central_differences: fast::Sigmoid, fast::Sigmoid, false;
    fast_tanh_gradients_match_central_differences: fast::Tanh, fast::Tanh, false;
    fast_softmax_gradients_match_central_differences: fast::Softmax, fast::Tanh, false;
}

#[test]
fn log_cosh_gradients_match_central_differences() {
    pair!(Identity, LogCosh, Tanh, Any, false);
    pair!(HardSwish, LogCosh, Selu, Any, true);
}

#[test]
fn pinball_gradients_match_central_differences() {
    type Upper = Pinball<9, 10>;
    pair!(Identity, Upper, Tanh, Any, true);
    pair!(Gelu, Upper, Relu6, Any, true);
}

#[test]
fn focal_gradients_match_central_differences() {
    type Half = Focal<1, 2, 1, 2>;
    pair!(Sigmoid, Focal, Tanh, Unit, false);
    pair!(Sigmoid, Half, Silu, Unit, false);
    pair!(fast::Sigmoid, Focal, Tanh, Unit, false);
    pair!(Softmax, Focal, Tanh, Classes, false);
    pair!(Softmax, Half, Silu, Classes, false);
    pair!(fast::Softmax, Focal, Tanh, Classes, false);
}

#[test]
fn binary_cross_entropy_gradients_match_central_differences() {
    pair!(Sigmoid, BinaryCrossEntropy, Tanh, Unit, false);
    pair!(Sigmoid, BinaryCrossEntropy, Relu, Unit, true);
    pair!(Sigmoid, BinaryCrossEntropy, Gelu, Unit, false);
    pair!(fast::Sigmoid, BinaryCrossEntropy, fast::Tanh, Unit, false);
}

#[test]
fn cross_entropy_gradients_match_central_differences() {
    pair!(Softmax, CrossEntropy, Sigmoid, Classes, false);
    pair!(Softmax, CrossEntropy, LeakyRelu, Classes, true);
    pair!(Softmax, CrossEntropy, Silu, Classes, false);
    pair!(fast::Softmax, CrossEntropy, fast::Sigmoid, Classes, false);
}

/// With more outputs than are computed at once, and some left over.
#[test]
fn fast_gradients_match_central_differences_for_many_outputs() {
    type Yes<const OUT: usize> = net![f64; 2 => 9 fast::Tanh => OUT fast::Sigmoid];
    check_all::<Yes<8>, BinaryCrossEntropy>(Targets::Unit, false);
    check_all::<Yes<19>, BinaryCrossEntropy>(Targets::Unit, false);
    type Class<const OUT: usize> = net![f64; 2 => 9 fast::Sigmoid => OUT fast::Softmax];
    check_all::<Class<8>, CrossEntropy>(Targets::Classes, false);
    check_all::<Class<19>, CrossEntropy>(Targets::Classes, false);
}

/// Shapes that take every path of the kernels: four rows at a time and one, two or three rows left
/// over, sums in order below 32 outputs and in 8 lanes from there on, with and without a remainder.
macro_rules! shapes {
    ($($input:literal $first:literal $second:literal $output:literal)+) => {{
        $({
            check_all::<
                net![f64; $input => $first Tanh => $second Sigmoid => $output Identity],
                HalfSquaredError,
            >(Targets::Any, false);
            check_all::<
                net![f64; $input => $first Silu => $second Relu => $output Sigmoid],
                BinaryCrossEntropy,
            >(Targets::Unit, true);
        })+
    }};
}

#[test]
fn gradients_match_central_differences_in_small_shapes() {
    shapes! {
        1 1 1 1
        3 4 5 8
        4 8 3 1
        8 5 1 4
        5 3 8 3
        2 7 6 9
    }
}

#[test]
fn gradients_match_central_differences_in_wide_shapes() {
    shapes! {
        1 33 1 33
        3 4 33 5
        5 33 8 32
        33 5 40 1
        4 31 33 4
    }
}

#[test]
fn a_chain_first_in_a_chain_has_the_right_gradient() {
    type Head = Chain<Dense<3, 4, Tanh, f64>, Dense<4, 33, Silu, f64>>;
    type Tail = Chain<Dense<33, 5, Gelu, f64>, Dense<5, 3, Softmax, f64>>;
    check_all::<Chain<Head, Tail>, CrossEntropy>(Targets::Classes, false);
    check_all::<Chain<Frozen<Head>, Tail>, CrossEntropy>(Targets::Classes, false);
    check_all::<Chain<Head, Frozen<Tail>>, CrossEntropy>(Targets::Classes, false);
}

#[test]
fn the_gradient_of_a_batch_is_the_sum_over_its_samples() {
    type Net = net![f64; 4 => 33 Tanh => 5 Softplus => 2 Sigmoid];
    let mut rng = Rng(4);
    let net = Net::random(&mut rng);
    let mut batch = BatchTrainer::<Net, BinaryCrossEntropy, Sgd<f64>>::new();
    let mut sum = vec![0.0; Net::PARAMS];
    for _ in 0..7 {
        let (x, t) = (rng.array(-1.0, 1.0), rng.array(0.0, 1.0));
        batch.accumulate(&net, &x, &t);
        let mut one = BatchTrainer::<Net, BinaryCrossEntropy, Sgd<f64>>::new();
        one.accumulate(&net, &x, &t);
        let one = flat_gradient::<Net>(one.gradient());
        sum.iter_mut().zip(one).for_each(|(sum, g)| *sum += g);
    }
    assert_eq!(batch.count(), 7);
    let gradient = flat_gradient::<Net>(batch.gradient());
    assert_all_close("sum", &gradient, &sum, tolerance::F64_PASS);
    assert!(gradient.iter().all(|&g| g != 0.0));
}

#[test]
fn the_check_rejects_wrong_gradients() {
    let mut rng = Rng(1);
    let net = Dense::<3, 2, Tanh, f64>::random(&mut rng);
    let (x, t) = ([0.5, -0.25, 1.0], [0.5, 0.0]);
    let mut trainer = BatchTrainer::<_, HalfSquaredError, Sgd<f64>>::new();
    let numeric = Numeric::new(8, &mut |i, step| {
        let mut net = net.clone();
        let p = parameter(&net, i);
        set_parameter(&mut net, i, p + step);
        trainer.evaluate(&net, &x, &t)
    });
    trainer.accumulate(&net, &x, &t);
    let right = flat_gradient::<Dense<3, 2, Tanh, f64>>(trainer.gradient());
    assert!(numeric.compare("right", &right).is_ok());
    assert!(numeric.compare("zero", &[0.0; 8]).is_err());
    assert!(numeric.compare("short", &right[1..]).is_err());
    for i in 0..8 {
        for wrong in [0.0, right[i] * (1.0 + 1e-5), -right[i], f64::NAN] {
            let mut gradient = right.clone();
            gradient[i] = wrong;
            assert!(numeric.compare("wrong", &gradient).is_err(), "[{i}] = {wrong}");
        }
    }
}

#[test]
fn kinks_are_seen_and_smooth_functions_are_not_taken_for_kinks() {
    assert!(derivative(&mut |x| x.abs()).is_none());
    assert!(derivative(&mut |x| (x - 3e-5).abs()).is_none());
    assert!(derivative(&mut |x| (x + 1.5e-4).max(0.0)).is_none());
    assert_eq!(derivative(&mut |_| 0.25), Some(0.0));
    for (f, want) in [
        ((|x| (1.0 + x).powi(3)) as fn(f64) -> f64, 3.0),
        (|x| (x - 3e-3).abs() + x * x, -1.0),
        (|x| x.sin().exp(), 1.0),
        (|x| (x - 1.0) * (x - 1.0), -2.0),
    ] {
        let slope = derivative(&mut |x| f(x)).unwrap();
        assert!((slope - want).abs() < tolerance::GRADIENT * 1e-3, "{slope} {want}");
    }
}

// Layers of a user's own

#[test]
fn a_layer_without_biases_has_the_right_gradient() {
    type First = Bare<3, 5, Tanh>;
    type Last = Bare<5, 3, Softmax>;
    check_all::<Bare<4, 3, Gelu>, Huber>(Targets::Any, true);
    check_all::<Chain<First, Last>, CrossEntropy>(Targets::Classes, false);
    check_all::<Chain<Frozen<First>, Last>, CrossEntropy>(Targets::Classes, false);
}

#[test]
fn a_layer_of_factors_has_the_right_gradient_in_every_place() {
    type Alone = Scale<4, f64>;
    type First = Chain<Scale<3, f64>, Dense<3, 2, Tanh, f64>>;
    type Middle = Chain<Dense<2, 4, Sigmoid, f64>, Chain<Scale<4, f64>, Dense<4, 2, Tanh, f64>>>;
    type Last = Chain<Dense<2, 4, Tanh, f64>, Scale<4, f64>>;
    check_all::<Alone, HalfSquaredError>(Targets::Any, false);
    check_all::<First, HalfSquaredError>(Targets::Any, false);
    check_all::<Middle, MeanSquaredError>(Targets::Any, false);
    check_all::<Last, HalfSquaredError>(Targets::Any, false);
}

#[test]
fn a_layer_of_factors_learns_with_every_kind_of_optimizer() {
    type Net = Chain<Scale<2, f64>, Dense<2, 1, Identity, f64>>;
    fn train<O: Optimizer<Net>>(optimizer: &O) -> f64 {
        let mut net = Net::new(Scale { factors: [1.0; 2] }, Dense::new([[0.5], [0.5]], [0.0]));
        let start = net.first().clone();
        let mut trainer = Trainer::<Net, HalfSquaredError, O>::new();
        for _ in 0..500 {
            trainer.step(&mut net, optimizer, &[1.0, 2.0], &[3.0]);
        }
        assert_ne!(net.first(), &start);
        trainer.evaluate(&net, &[1.0, 2.0], &[3.0])
    }
    let sgd = Sgd { learning_rate: 0.05 };
    assert!(train(&sgd) < 1e-10);
    assert!(train(&Momentum { learning_rate: 0.01, momentum: 0.9 }) < 1e-10);
    assert!(train(&Adam::new(0.01)) < 1e-10);
    assert!(train(&ClipByNorm { optimizer: sgd, limit: 1.0 }) < 1e-10);
    assert!(train(&ClipByValue { optimizer: sgd, limit: 1.0 }) < 1e-10);
}
