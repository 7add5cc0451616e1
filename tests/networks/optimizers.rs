//! Every optimizer against a plain implementation of its published rule.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::float_cmp,
    reason = "tests may panic, and compare exactly"
)]

use gradlet::HyperParameter;
use gradlet::prelude::*;
use support::{
    Bare, Random, Rng, Scale, assert_all_close, assert_close, assert_same_bits, flat,
    flat_gradient, set_flat, tolerance,
};

// The published rules, on lists

/// Changes parameters by a gradient, and remembers what it must.
type Rule = Box<dyn FnMut(&mut [f64], &[f64])>;

fn sgd(rate: f64) -> Rule {
    Box::new(move |p, g| (0..p.len()).for_each(|i| p[i] -= rate * g[i]))
}

fn momentum(rate: f64, mu: f64) -> Rule {
    let mut v = vec![0.0; 64];
    Box::new(move |p, g| {
        for i in 0..p.len() {
            v[i] = mu * v[i] + g[i];
            p[i] -= rate * v[i];
        }
    })
}

fn nesterov(rate: f64, mu: f64) -> Rule {
    let mut v = vec![0.0; 64];
    Box::new(move |p, g| {
        for i in 0..p.len() {
            v[i] = mu * v[i] + g[i];
            p[i] -= rate * (g[i] + mu * v[i]);
        }
    })
}

/// As PyTorch's, whose accumulator starts at 0.
fn adagrad(rate: f64, epsilon: f64) -> Rule {
    let mut s = vec![0.0; 64];
    Box::new(move |p, g| {
        for i in 0..p.len() {
            s[i] += g[i] * g[i];
            p[i] -= rate * g[i] / (s[i].sqrt() + epsilon);
        }
    })
}

fn rms_prop(rate: f64, decay: f64, epsilon: f64) -> Rule {
    let mut s = vec![0.0; 64];
    Box::new(move |p, g| {
        for i in 0..p.len() {
            s[i] = decay * s[i] + (1.0 - decay) * g[i] * g[i];
            p[i] -= rate * g[i] / (s[i].sqrt() + epsilon);
        }
    })
}

/// Kingma, Ba, algorithm 1; with a decay, Loshchilov, Hutter, algorithm 2.
fn adam(rate: f64, beta_1: f64, beta_2: f64, epsilon: f64, decay: f64) -> Rule {
    let (mut m, mut v, mut step) = (vec![0.0; 64], vec![0.0; 64], 0);
    Box::new(move |p, g| {
        step += 1;
        for i in 0..p.len() {
            m[i] = beta_1 * m[i] + (1.0 - beta_1) * g[i];
            v[i] = beta_2 * v[i] + (1.0 - beta_2) * g[i] * g[i];
            let mean = m[i] / (1.0 - beta_1.powi(step));
            let square: f64 = v[i] / (1.0 - beta_2.powi(step));
            p[i] -= rate * decay * p[i];
            p[i] -= rate * mean / (square.sqrt() + epsilon);
        }
    })
}

fn clip_by_value(limit: f64, mut rule: Rule) -> Rule {
    Box::new(move |p, g| {
        let g: Vec<_> = g.iter().map(|g| g.clamp(-limit, limit)).collect();
        rule(p, &g);
    })
}

fn norm(g: &[f64]) -> f64 {
    g.iter().map(|g| g * g).sum::<f64>().sqrt()
}

fn clip_by_norm(limit: f64, mut rule: Rule) -> Rule {
    Box::new(move |p, g| {
        let factor = (limit / norm(g)).min(1.0);
        let g: Vec<_> = g.iter().map(|g| factor * g).collect();
        rule(p, &g);
    })
}

fn weight_decay(rate: f64, mut rule: Rule) -> Rule {
    Box::new(move |p, g| {
        let g: Vec<_> = p.iter().zip(g).map(|(p, g)| g + rate * p).collect();
        rule(p, &g);
    })
}

// Where they are compared

/// `E = sum t y`, whose derivative by `y` is `t`: so a target can be any gradient.
struct Dot;

impl<T: Scalar, A: Activation<T>> Loss<A, T> for Dot {
    fn evaluate(values: &mut [T], target: &[T]) -> T {
        A::activate(values);
        values.iter().zip(target).map(|(&y, &t)| y * t).sum()
    }
    fn delta(_output: &[T], target: &[T], delta: &mut [T], (): &mut ()) {
        delta.copy_from_slice(target);
    }
}

/// Two parameters, whose gradient is the target where the input is 1.
type Two<T> = Bare<1, 2, Identity, T>;
const START: [f64; 2] = [1.0, -2.0];
const GRADIENTS: [[f64; 2]; 5] =
    [[1.0, -0.5], [0.25, -2.0], [-0.75, 0.125], [3.0, 0.5], [-1.5, 1.0]];

/// 26 parameters.
type Net<T> = Mlp<3, 4, 2, Tanh, Sigmoid, T>;

/// Five steps on two parameters; the parameters after each.
fn trace_two<T: Scalar, O: Optimizer<Two<T>>>(optimizer: &O) -> Vec<[f64; 2]> {
    let mut net = Two::<T>::new([START.map(T::from_f64)]);
    let mut trainer = Trainer::<Two<T>, Dot, O>::new();
    let step = |g: &[f64; 2]| {
        trainer.step(&mut net, optimizer, &[T::ONE], &g.map(T::from_f64));
        [0, 1].map(|i| net.rows()[i].to_f64())
    };
    GRADIENTS.iter().map(step).collect()
}

/// The same with the gradient as the mean of a batch of three.
fn trace_two_batched<T: Scalar, O: Optimizer<Two<T>>>(optimizer: &O) -> Vec<[f64; 2]> {
    let mut net = Two::<T>::new([START.map(T::from_f64)]);
    let mut trainer = BatchTrainer::<Two<T>, Dot, O>::new();
    let step = |g: &[f64; 2]| {
        for share in [0.25, 2.0, 0.75] {
            let g = g.map(|g| T::from_f64(share * g));
            trainer.accumulate(&net, &[T::ONE], &g);
        }
        assert_eq!(trainer.apply(&mut net, optimizer), 3);
        [0, 1].map(|i| net.rows()[i].to_f64())
    };
    GRADIENTS.iter().map(step).collect()
}

/// The mean gradient of some samples, which `gradients.rs` has checked.
fn mean_gradient<T: Scalar>(net: &Net<T>, samples: &[([T; 3], [T; 2])]) -> Vec<f64> {
    let mut batch = BatchTrainer::<Net<T>, BinaryCrossEntropy, Sgd<T>>::new();
    samples.iter().for_each(|(x, t)| _ = batch.accumulate(net, x, t));
    let count = f64::from(batch.count());
    flat_gradient::<Net<T>>(batch.gradient()).into_iter().map(|g| g / count).collect()
}

fn check<T: Scalar, O>(optimizer: &O, rule: &dyn Fn() -> Rule, relative: f64)
where
    O: Optimizer<Two<T>> + Optimizer<Net<T>>,
{
    let what = core::any::type_name::<O>();
    let (mut wanted, mut p) = (rule(), START);
    let trace = trace_two::<T, O>(optimizer);
    let batched = trace_two_batched::<T, O>(optimizer);
    for ((g, one), three) in GRADIENTS.iter().zip(trace).zip(batched) {
        let before = p;
        wanted(&mut p, g);
        assert_ne!(p, before, "the rule must do something");
        assert_near(what, &one, &p, relative);
        assert_near(&format!("{what}, batches of 3"), &three, &p, relative);
    }

    for size in [1, 3] {
        let mut rng = Rng(8);
        let mut sample = || (rng.array(-1.0, 1.0), rng.array(0.0, 1.0));
        let mut net = Net::<T>::random(&mut Rng(7));
        let (mut wanted, mut p) = (rule(), flat(&net));
        let mut single = Trainer::<Net<T>, BinaryCrossEntropy, O>::new();
        let mut batch = BatchTrainer::<Net<T>, BinaryCrossEntropy, O>::new();
        let mut batch_net = net.clone();
        for _ in 0..5 {
            let samples: Vec<([T; 3], [T; 2])> = (0..size).map(|_| sample()).collect();
            let mut at = net.clone();
            set_flat(&mut at, &p);
            wanted(&mut p, &mean_gradient(&at, &samples));
            samples.iter().for_each(|(x, t)| _ = batch.accumulate(&batch_net, x, t));
            batch.apply(&mut batch_net, optimizer);
            assert_near(&format!("{what}, net, {size}"), &flat(&batch_net), &p, relative);
            if let [(x, t)] = &samples[..] {
                single.step(&mut net, optimizer, x, t);
                assert_near(&format!("{what}, net"), &flat(&net), &p, relative);
            }
        }
    }
}

/// Parameters are near 1, and so is the rounding of their updates, also where one is near 0.
#[track_caller]
fn assert_near(what: &str, got: &[f64], want: &[f64], relative: f64) {
    assert_eq!(got.len(), want.len());
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        let allowed = relative * want.abs().max(1.0);
        assert!((got - want).abs() <= allowed, "{what} [{i}]: got {got:e}, want {want:e}");
    }
}

/// Compares an optimizer in both number types with a rule.
macro_rules! rules {
    ($($name:ident: $optimizer:expr, $rule:expr;)+) => {
        $(
            #[test]
            fn $name() {
                fn both<T: Scalar>(relative: f64) {
                    let optimizer = $optimizer(T::from_f64);
                    check::<T, _>(&optimizer, &|| $rule, relative);
                }
                both::<f64>(tolerance::OPTIMIZER_F64);
                both::<f32>(tolerance::OPTIMIZER_F32);
            }
        )+
    };
}
rules! {
    sgd_follows_its_rule:
        |n: fn(f64) -> T| Sgd { learning_rate: n(0.1) },
        sgd(0.1);
    momentum_follows_its_rule:
        |n: fn(f64) -> T| Momentum { learning_rate: n(0.1), momentum: n(0.9) },
        momentum(0.1, 0.9);
    nesterov_follows_its_rule:
        |n: fn(f64) -> T| Nesterov { learning_rate: n(0.1), momentum: n(0.9) },
        nesterov(0.1, 0.9);
    adagrad_follows_its_rule:
        |n: fn(f64) -> T| Adagrad { learning_rate: n(0.1), epsilon: n(1e-3) },
        adagrad(0.1, 1e-3);
    adagrad_has_the_numbers_of_pytorch_unless_told_otherwise:
        |_: fn(f64) -> T| Adagrad::<T>::default(),
        adagrad(0.01, 1e-10);
    rms_prop_follows_its_rule:
        |n: fn(f64) -> T| RmsProp { learning_rate: n(0.1), decay: n(0.75), epsilon: n(1e-3) },
        rms_prop(0.1, 0.75, 1e-3);
    rms_prop_has_the_numbers_of_pytorch_unless_told_otherwise:
        |n: fn(f64) -> T| RmsProp::new(n(0.1)),
        rms_prop(0.1, 0.99, 1e-8);
    adam_follows_its_rule:
        |n: fn(f64) -> T| Adam {
            learning_rate: n(0.1), beta_1: n(0.8), beta_2: n(0.95), epsilon: n(1e-2),
        },
        adam(0.1, 0.8, 0.95, 1e-2, 0.0);
    adam_w_follows_its_rule:
        |n: fn(f64) -> T| AdamW {
            adam: Adam { learning_rate: n(0.1), beta_1: n(0.8), beta_2: n(0.95), epsilon: n(1e-2) },
            weight_decay: n(0.25),
        },
        adam(0.1, 0.8, 0.95, 1e-2, 0.25);
    clip_by_value_follows_its_rule:
        |n: fn(f64) -> T| ClipByValue { optimizer: Sgd { learning_rate: n(0.1) }, limit: n(0.75) },
        clip_by_value(0.75, sgd(0.1));
    clip_by_value_of_a_net_follows_its_rule:
        |n: fn(f64) -> T| ClipByValue {
            optimizer: Momentum { learning_rate: n(0.1), momentum: n(0.9) }, limit: n(0.03125),
        },
        clip_by_value(0.03125, momentum(0.1, 0.9));
    clip_by_norm_follows_its_rule:
        |n: fn(f64) -> T| ClipByNorm { optimizer: Sgd { learning_rate: n(0.1) }, limit: n(1.0) },
        clip_by_norm(1.0, sgd(0.1));
    clip_by_norm_of_adam_follows_its_rule:
        |n: fn(f64) -> T| ClipByNorm {
            optimizer: Adam {
                learning_rate: n(0.1), beta_1: n(0.8), beta_2: n(0.95), epsilon: n(1e-2),
            },
            limit: n(0.5),
        },
        clip_by_norm(0.5, adam(0.1, 0.8, 0.95, 1e-2, 0.0));
    weight_decay_follows_its_rule:
        |n: fn(f64) -> T| WeightDecay::new(Sgd { learning_rate: n(0.1) }, n(0.25)),
        weight_decay(0.25, sgd(0.1));
    weight_decay_of_momentum_follows_its_rule:
        |n: fn(f64) -> T| WeightDecay::new(Momentum { learning_rate: n(0.1), momentum: n(0.9) }, n(0.25)),
        weight_decay(0.25, momentum(0.1, 0.9));
    clip_then_decay_sees_the_gradient_before_the_decay:
        |n: fn(f64) -> T| ClipByNorm {
            optimizer: WeightDecay::new(Sgd { learning_rate: n(0.1) }, n(0.25)),
            limit: n(0.5),
        },
        clip_by_norm(0.5, weight_decay(0.25, sgd(0.1)));
    decay_then_clip_by_value_sees_the_gradient_after_the_decay:
        |n: fn(f64) -> T| WeightDecay::new(ClipByValue { optimizer: Sgd { learning_rate: n(0.1) }, limit: n(0.5) }, n(0.25)),
        weight_decay(0.25, clip_by_value(0.5, sgd(0.1)));
    // The norm includes the decay.
    decay_then_clip_by_norm_sees_the_gradient_after_the_decay:
        |n: fn(f64) -> T| WeightDecay::new(ClipByNorm { optimizer: Sgd { learning_rate: n(0.1) }, limit: n(0.5) }, n(0.25)),
        weight_decay(0.25, clip_by_norm(0.5, sgd(0.1)));
}

// Numbers that were computed with 40 digits, by Python's decimal from PyTorch's rule.
const ADAGRAD: [[f64; 2]; 5] = [
    [0.90000000001, -1.90000000002],
    [0.8757464375087196, -1.8029857500101727],
    [0.9345812780455595, -1.8090380253365677],
    [0.8425454793866985, -1.8325674371001663],
    [0.8843494602430305, -1.8751471407313411],
];

#[test]
fn adagrad_matches_numbers_of_40_digits() {
    for (got, want) in trace_two::<f64, _>(&Adagrad::new(0.1)).iter().zip(ADAGRAD) {
        assert_all_close("Adagrad", got, &want, tolerance::OPTIMIZER_F64);
    }
    for (got, want) in trace_two::<f32, _>(&Adagrad::new(0.1)).iter().zip(ADAGRAD) {
        assert_all_close("Adagrad in f32", got, &want, tolerance::OPTIMIZER_F32);
    }
}

#[test]
fn customary_hyper_parameters_are_those_of_the_papers_and_of_pytorch() {
    let adam = Adam { learning_rate: 0.001, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-8 };
    assert_eq!(Adam::default(), adam);
    assert_eq!(AdamW::default(), AdamW { adam, weight_decay: 0.01 });
    let rms_prop = RmsProp { learning_rate: 0.01, decay: 0.99, epsilon: 1e-8 };
    assert_eq!(RmsProp::default(), rms_prop);
    assert_eq!(Adagrad::default(), Adagrad { learning_rate: 0.01, epsilon: 1e-10 });
}

#[test]
fn constructors_are_constant_and_take_the_fields_in_order() {
    const SGD: Sgd = Sgd::new(0.5);
    const MOMENTUM: ClipByNorm<Momentum> = ClipByNorm::new(Momentum::new(0.1, 0.9), 2.0);
    assert_eq!(SGD, Sgd { learning_rate: 0.5 });
    let momentum = Momentum { learning_rate: 0.1, momentum: 0.9 };
    assert_eq!(MOMENTUM, ClipByNorm { optimizer: momentum, limit: 2.0 });
    let nesterov = Nesterov { learning_rate: 0.1, momentum: 0.9 };
    assert_eq!(Nesterov::new(0.1, 0.9), nesterov);
    assert_eq!(ClipByValue::new(SGD, 2.0), ClipByValue { optimizer: SGD, limit: 2.0 });
    let decay = WeightDecay { optimizer: SGD, rate: 0.25, biases: true };
    assert_eq!(WeightDecay::new(SGD, 0.25), decay);
    assert_eq!(NoBias::new(SGD), NoBias { optimizer: SGD });
    assert_eq!(Summed::new(SGD), Summed { optimizer: SGD });
}

#[test]
fn weight_decay_leaves_biases_alone_if_told_so() {
    // Layers of every kind of tensor; the gradient of all of them is 0.
    type Mixed = Chain<Scale<2, f64>, Chain<Bare<2, 3, Identity>, Dense<3, 1, Identity, f64>>>;
    let start = Mixed::random(&mut Rng(14));
    let y = start.forward(&[0.5, -0.25]);
    fn check<O: Optimizer<Mixed>>(optimizer: &O, start: &Mixed, y: &[f64; 1], biases: bool) {
        let (mut stepped, mut batched) = (start.clone(), start.clone());
        let mut trainer = Trainer::<Mixed, HalfSquaredError, O>::new();
        trainer.step(&mut stepped, optimizer, &[0.5, -0.25], y);
        let mut batch = BatchTrainer::<Mixed, HalfSquaredError, O>::new();
        batch.accumulate(start, &[0.5, -0.25], y);
        batch.apply(&mut batched, optimizer);
        let mut kinds = vec![];
        start.visit(|tensor, p| kinds.extend(p.iter().map(|_| tensor.kind)));
        for net in [stepped, batched] {
            for ((now, was), kind) in flat(&net).iter().zip(flat(start)).zip(&kinds) {
                let kept = !biases && *kind == gradlet::Kind::Bias;
                let want = if kept { was } else { 0.875 * was };
                assert_close("parameter", *now, want, tolerance::OPTIMIZER_F64);
                assert!(!kept || *now == was);
            }
        }
    }
    let all = WeightDecay::new(Sgd::new(0.5), 0.25);
    check(&all, &start, &y, true);
    check(&WeightDecay { biases: false, ..all }, &start, &y, false);
    let inside = |biases| WeightDecay { biases, ..WeightDecay::new(Momentum::new(0.5, 0.5), 0.25) };
    check(&ClipByNorm::new(inside(false), 9.0), &start, &y, false);
    check(&ClipByNorm::new(inside(true), 9.0), &start, &y, true);
}

#[test]
fn summed_gradients_are_summed_within_every_wrapper() {
    fn moved<O: Optimizer<Line>>(optimizer: &O) -> f32 {
        let mut net = Line::ZERO;
        let mut batch = BatchTrainer::<Line, HalfSquaredError, O>::new();
        batch.accumulate_all(&net, [([0.0], [1.0]), ([0.0], [2.0]), ([0.0], [3.0])]);
        batch.apply(&mut net, optimizer);
        net.bias()[0]
    }
    let summed = Summed::new(Sgd::new(0.5));
    assert_eq!((moved(&Sgd::new(0.5)), moved(&summed)), (1.0, 3.0));
    assert_eq!(moved(&ClipByNorm::new(summed, 100.0)), 3.0);
    assert_eq!(moved(&ClipByValue::new(summed, 100.0)), 3.0);
    assert_eq!(moved(&WeightDecay::new(summed, 0.5)), 3.0);
    // What is clipped is the sum.
    assert_eq!(moved(&Summed::new(ClipByValue::new(Sgd::new(0.5), 2.0))), 1.0);
    let sum_of = |optimizer| moved(&NoBias::new(optimizer));
    assert_eq!(sum_of(summed), 0.0);
}

// Numbers that were computed by mpmath 1.4.1 with 40 digits from the rules of the papers, for
// `START` and `GRADIENTS`, learning rate 0.1, betas 0.9 and 0.999, epsilon 1e-8, decay 0.01.

const ADAM: [[f64; 2]; 5] = [
    [0.900000001, -1.9000000019999999],
    [0.816940248772272, -1.8115623535489438],
    [0.8026490725090889, -1.7471935651700365],
    [0.7445814565731256, -1.7096367335835279],
    [0.7228169866259629, -1.7041765167167422],
];

const ADAM_W: [[f64; 2]; 5] = [
    [0.899000001, -1.8980000019999999],
    [0.815041248771272, -1.8076643535469439],
    [0.7999350312593176, -1.7414879008144895],
    [0.741067480292095, -1.7021895813271664],
    [0.7185619428646404, -1.6950271748790537],
];

#[test]
fn adam_matches_numbers_of_40_digits() {
    for (got, want) in trace_two::<f64, _>(&Adam::new(0.1)).iter().zip(ADAM) {
        assert_all_close("Adam", got, &want, tolerance::OPTIMIZER_F64);
    }
    for (got, want) in trace_two::<f32, _>(&Adam::new(0.1)).iter().zip(ADAM) {
        assert_all_close("Adam in f32", got, &want, tolerance::OPTIMIZER_F32);
    }
    let adam_w = AdamW { adam: Adam::new(0.1), weight_decay: 0.01 };
    for (got, want) in trace_two::<f64, _>(&adam_w).iter().zip(ADAM_W) {
        assert_all_close("AdamW", got, &want, tolerance::OPTIMIZER_F64);
    }
}

#[test]
fn momentum_matches_numbers_by_hand() {
    // v = 1, 1/2 + 1/4, 3/8 - 3/4, -3/16 + 3, 45/32 - 3/2 for the first parameter.
    let momentum = Momentum { learning_rate: 0.5, momentum: 0.5 };
    let trace = trace_two::<f64, _>(&momentum);
    let first: Vec<_> = trace.iter().map(|p| p[0]).collect();
    assert_eq!(first, [0.5, 0.125, 0.3125, -1.09375, -1.046875]);
    // The step is g + v / 2: 3/2, 5/8, -15/16, 141/32 ...
    let nesterov = Nesterov { learning_rate: 0.5, momentum: 0.5 };
    let trace = trace_two::<f64, _>(&nesterov);
    assert_eq!([trace[0][0], trace[1][0], trace[2][0]], [0.25, -0.0625, 0.40625]);
}

#[test]
fn without_biases_a_network_learns_like_one_that_has_none() {
    type Biased<A> = Dense<2, 2, A, f64>;
    type Net = Chain<Frozen<Biased<Tanh>>, Chain<Biased<Tanh>, Biased<Identity>>>;
    type BareNet = Chain<Frozen<Biased<Tanh>>, Chain<Bare<2, 2, Tanh>, Bare<2, 2>>>;
    let frozen = || Frozen::new(Biased::<Tanh>::new([[0.5, -0.3], [-0.6, 0.8]], [0.1, -0.2]));
    let (first, second) = ([[0.2, 0.9], [-0.7, 0.4]], [[0.6, -0.5], [0.3, 0.8]]);
    let mut net =
        Net::new(frozen(), Chain::new(Dense::new(first, [0.0; 2]), Dense::new(second, [0.0; 2])));
    let mut bare = BareNet::new(frozen(), Chain::new(Bare::new(first), Bare::new(second)));
    let adam = Adam::new(0.1);
    let without = NoBias { optimizer: adam };
    let mut trainer = Trainer::<Net, HalfSquaredError, _>::new();
    let mut bare_trainer = Trainer::<BareNet, HalfSquaredError, _>::new();
    for (x, t) in [([0.3, -0.5], [1.0, 0.2]), ([0.9, 0.4], [-0.4, 0.7]), ([-0.2, 0.8], [0.1, 0.5])]
    {
        trainer.step(&mut net, &without, &x, &t);
        bare_trainer.step(&mut bare, &adam, &x, &t);
    }
    assert_eq!(net.first().layer().bias(), &[0.1, -0.2]);
    let rest = net.rest();
    assert_eq!((rest.first().bias(), rest.rest().bias()), (&[0.0; 2], &[0.0; 2]));
    assert_eq!(rest.first().rows().as_flattened(), bare.rest().first().rows());
    assert_eq!(rest.rest().rows().as_flattened(), bare.rest().rest().rows());
}

#[test]
fn clip_by_norm_takes_the_length_of_the_whole_gradient() {
    // Layers of every kind; the frozen one has no part in it.
    type Mixed = Chain<Bare<3, 5, Tanh>, Chain<Frozen<Dense<5, 33, Silu, f64>>, Net33>>;
    type Net33 = Chain<Dense<33, 4, Relu, f64>, Dense<4, 2, Sigmoid, f64>>;
    let mut rng = Rng(9);
    for _ in 0..20 {
        let net = Mixed::random(&mut rng);
        let (x, t) = (rng.array(-1.0, 1.0), rng.array(0.0, 1.0));
        let mut batch = BatchTrainer::<Mixed, BinaryCrossEntropy, _>::new();
        let loss = batch.accumulate(&net, &x, &t);
        assert!(loss.is_finite());
        let gradient = flat_gradient::<Mixed>(batch.gradient());
        let length = norm(&gradient);
        assert!(length > 0.0);
        let sgd = Sgd { learning_rate: 1.0 };
        let step = |limit: f64| {
            let mut stepped = net.clone();
            let mut trainer = Trainer::<Mixed, BinaryCrossEntropy, _>::new();
            trainer.step(&mut stepped, &ClipByNorm { optimizer: sgd, limit }, &x, &t);
            flat(&stepped)
        };
        // Just longer than the gradient: as without it. Just shorter: not.
        let mut plain = net.clone();
        Trainer::<Mixed, BinaryCrossEntropy, _>::new().step(&mut plain, &sgd, &x, &t);
        assert_same_bits("not clipped", &step(length * (1.0 + 1e-12)), &flat(&plain));
        assert_ne!(step(length * (1.0 - 1e-3)), flat(&plain));
        // A tenth: the move has that length, and the direction of the gradient.
        let limit = 0.1 * length;
        let moves = flat(&net).into_iter().zip(step(limit)).map(|(a, b)| a - b).collect::<Vec<_>>();
        assert_close("length", norm(&moves), limit, tolerance::OPTIMIZER_F64);
        let want: Vec<_> = gradient.iter().map(|g| 0.1 * g).collect();
        assert_all_close("move", &moves, &want, tolerance::OPTIMIZER_F64);
        // The same from a batch.
        let mut stepped = net.clone();
        batch.apply(&mut stepped, &ClipByNorm { optimizer: sgd, limit });
        assert_all_close("batch", &flat(&stepped), &step(limit), tolerance::OPTIMIZER_F64);
    }
}

#[test]
fn clipping_a_zero_gradient_changes_nothing() {
    let sgd = Sgd { learning_rate: 0.5 };
    let mut net = Two::<f64>::new([START]);
    let clipped = ClipByNorm { optimizer: sgd, limit: 0.0 };
    Trainer::<_, Dot, _>::new().step(&mut net, &clipped, &[1.0], &[0.0, 0.0]);
    assert_eq!(net.rows(), START);
    // A limit of zero allows no step at all.
    Trainer::<_, Dot, _>::new().step(&mut net, &clipped, &[1.0], &[3.0, 4.0]);
    assert_eq!(net.rows(), START);
    let clipped = ClipByValue { optimizer: sgd, limit: 0.0 };
    Trainer::<_, Dot, _>::new().step(&mut net, &clipped, &[1.0], &[3.0, 4.0]);
    assert_eq!(net.rows(), START);
}

#[test]
fn states_are_all_zeros_at_first() {
    fn check<O: Optimizer<Net<f32>, State: core::fmt::Debug>>(numbers: usize) {
        let state = format!("{:?}", O::State::ZERO);
        // Every number is written as `0.0`: no digit but 0, and no sign.
        assert!(!state.contains(|c: char| c.is_ascii_digit() && c != '0' || c == '-'), "{state}");
        assert_eq!(state.matches("0.0").count(), numbers, "{state}");
        assert_eq!(size_of::<O::State>(), numbers * size_of::<f32>());
    }
    assert_eq!(Net::<f32>::PARAMS, 26);
    check::<Sgd>(0);
    check::<Momentum>(26);
    check::<Nesterov>(26);
    check::<RmsProp>(26);
    check::<Adagrad>(26);
    check::<Summed<Momentum>>(26);
    check::<Adam>(2 * 26 + 2);
    check::<AdamW>(2 * 26 + 2);
    check::<ClipByNorm<Adam>>(2 * 26 + 2);
    check::<ClipByValue<Sgd>>(0);
    check::<WeightDecay<Momentum>>(26);
}

#[test]
fn every_optimizer_learns() {
    fn check<O: Optimizer<Net<f64>>>(optimizer: &O) {
        let what = core::any::type_name::<O>();
        let mut rng = Rng(10);
        let mut net = Net::<f64>::random(&mut rng);
        let samples: [([f64; 3], [f64; 2]); 4] =
            core::array::from_fn(|k| (rng.array(-1.0, 1.0), [[0.0, 1.0], [1.0, 0.0]][k % 2]));
        let mut trainer = Trainer::<Net<f64>, BinaryCrossEntropy, O>::new();
        let mut sum = |net: &mut Net<f64>, learn: bool| -> f64 {
            let step = |(x, t): &_| {
                if learn { trainer.step(net, optimizer, x, t) } else { trainer.evaluate(net, x, t) }
            };
            samples.iter().map(step).sum()
        };
        let before = sum(&mut net, false);
        (0..400).for_each(|_| _ = sum(&mut net, true));
        let after = sum(&mut net, false);
        assert!(after < 0.1 * before, "{what}: {before} to {after}");
    }
    let sgd = Sgd { learning_rate: 0.5 };
    check(&sgd);
    check(&Momentum { learning_rate: 0.1, momentum: 0.9 });
    check(&Nesterov { learning_rate: 0.1, momentum: 0.9 });
    check(&RmsProp::new(0.02));
    check(&Adagrad::new(0.2));
    check(&Adam::new(0.05));
    check(&AdamW { adam: Adam::new(0.05), weight_decay: 0.01 });
    check(&ClipByNorm { optimizer: sgd, limit: 0.5 });
    check(&ClipByValue { optimizer: sgd, limit: 0.1 });
    check(&WeightDecay::new(sgd, 1e-4));
}

/// A step, a batch and a fit with a hyper-parameter out of its range change nothing and say so.
fn refuses<O: Optimizer<Net<f32>, State: core::fmt::Debug> + Clone>(
    optimizer: O,
    error: HyperParameter,
) {
    let what = format!("{}: {error}", core::any::type_name::<O>());
    assert_eq!(optimizer.check(), Err(error), "{what}");
    let start = Net::<f32>::random(&mut Rng(11));
    let (x, t) = ([0.5, -0.25, 1.0], [0.0, 1.0]);
    let mut net = start.clone();
    let mut trainer = Trainer::<Net<f32>, BinaryCrossEntropy, O>::new();
    assert!(trainer.step(&mut net, &optimizer, &x, &t).is_nan(), "{what}");
    let report = trainer.fit(&mut net, &optimizer, &[(x, t)], Stop::after(1));
    assert_eq!((report.outcome, report.epochs), (Outcome::Optimizer(error), 0), "{what}");
    let mut batch = BatchTrainer::<Net<f32>, BinaryCrossEntropy, O>::new();
    assert!(batch.accumulate(&net, &x, &t).is_finite());
    assert_eq!((batch.apply(&mut net, &optimizer), batch.count()), (0, 1), "{what}");
    let report = batch.fit(&mut net, &optimizer, 2, &[(x, t)], Stop::after(1));
    assert_eq!((report.outcome, report.epochs), (Outcome::Optimizer(error), 0), "{what}");
    assert_eq!(net, start, "{what}");
}

#[test]
fn hyper_parameters_out_of_their_ranges_are_refused() {
    use HyperParameter::{
        Beta1, Beta2, ClipLimit, Decay, Epsilon, LearningRate, WeightDecay as Rate,
    };
    const NAN: f32 = f32::NAN;
    let sgd = Sgd { learning_rate: 0.5 };
    for bad in [NAN, -NAN, f32::INFINITY, -f32::INFINITY, -0.1, -1e-45, -0.0] {
        refuses(Sgd { learning_rate: bad }, LearningRate);
        refuses(Momentum { learning_rate: bad, momentum: 0.5 }, LearningRate);
        refuses(Nesterov { learning_rate: bad, momentum: 0.5 }, LearningRate);
        refuses(RmsProp::new(bad), LearningRate);
        refuses(Adagrad::new(bad), LearningRate);
        refuses(Summed::new(Sgd::new(bad)), LearningRate);
        refuses(Adam::new(bad), LearningRate);
        refuses(NoBias { optimizer: Sgd { learning_rate: bad } }, LearningRate);
        refuses(ClipByNorm { optimizer: Adam::new(bad), limit: 1.0 }, LearningRate);
        refuses(AdamW { adam: Adam::new(0.1), weight_decay: bad }, Rate);
        refuses(WeightDecay::new(sgd, bad), Rate);
    }
    for bad in [NAN, f32::INFINITY, -0.1, -0.0, 1.0, 1.5] {
        refuses(Momentum { learning_rate: 0.1, momentum: bad }, HyperParameter::Momentum);
        refuses(Nesterov { learning_rate: 0.1, momentum: bad }, HyperParameter::Momentum);
        refuses(RmsProp { decay: bad, ..RmsProp::new(0.1) }, Decay);
        refuses(Adam { beta_1: bad, ..Adam::new(0.1) }, Beta1);
        refuses(Adam { beta_2: bad, ..Adam::new(0.1) }, Beta2);
    }
    for bad in [NAN, f32::INFINITY, -1e-8, 0.0, -0.0] {
        refuses(RmsProp { epsilon: bad, ..RmsProp::new(0.1) }, Epsilon);
        refuses(Adagrad { epsilon: bad, ..Adagrad::new(0.1) }, Epsilon);
        refuses(Adam { epsilon: bad, ..Adam::new(0.1) }, Epsilon);
    }
    for bad in [NAN, -1.0, -f32::INFINITY] {
        refuses(ClipByNorm { optimizer: sgd, limit: bad }, ClipLimit);
        refuses(ClipByValue { optimizer: sgd, limit: bad }, ClipLimit);
    }
}

#[test]
fn hyper_parameters_at_the_ends_of_their_ranges_are_taken() {
    fn takes<O: Optimizer<Net<f32>>>(optimizer: O) {
        assert_eq!(optimizer.check(), Ok(()), "{}", core::any::type_name::<O>());
    }
    for rate in [0.0, 1e-45, f32::MAX] {
        takes(Sgd { learning_rate: rate });
        takes(WeightDecay::new(Sgd { learning_rate: rate }, rate));
    }
    let below = 1.0 - f32::EPSILON / 2.0;
    for share in [0.0, below] {
        takes(Momentum { learning_rate: 0.1, momentum: share });
        takes(RmsProp { decay: share, ..RmsProp::new(0.1) });
        takes(Adam { beta_1: share, beta_2: share, epsilon: 1e-45, learning_rate: 0.1 });
    }
    for limit in [0.0, -0.0, f32::INFINITY] {
        takes(ClipByNorm { optimizer: Sgd { learning_rate: 0.1 }, limit });
        takes(ClipByValue { optimizer: Sgd { learning_rate: 0.1 }, limit });
    }
}

#[test]
fn a_schedule_that_leaves_the_range_ends_a_fit_before_that_update() {
    let mut net = Net::<f32>::random(&mut Rng(12));
    let (x, t) = ([0.5, -0.25, 1.0], [0.0, 1.0]);
    let mut same = net.clone();
    let rate = |step| Sgd { learning_rate: if step < 5 { 0.25 } else { f32::NAN } };
    let mut trainer = Trainer::<Net<f32>, BinaryCrossEntropy>::new();
    let report = trainer.fit_with(
        &mut net,
        rate,
        |epoch| epoch.learn([(x, t), (x, t)]),
        Stop::after(9),
        |_| core::ops::ControlFlow::Continue(()),
    );
    let outcome = Outcome::Optimizer(HyperParameter::LearningRate);
    assert_eq!((report.outcome, report.epochs), (outcome, 2));
    (0..5).for_each(|_| _ = trainer.step(&mut same, &rate(0), &x, &t));
    assert_eq!(net, same);
}

#[test]
fn clip_by_norm_is_right_where_the_square_of_the_length_overflows() {
    fn step<O: Optimizer<Two<f32>>>(optimizer: O, gradient: [f32; 2]) -> [f64; 2] {
        let mut net = Two::<f32>::new([[0.0; 2]]);
        Trainer::<_, Dot, O>::new().step(&mut net, &optimizer, &[1.0], &gradient);
        [0, 1].map(|i| net.rows()[i].into())
    }
    fn check(gradient: [f32; 2], limit: f32) {
        let g = gradient.map(f64::from);
        let length = (g[0] * g[0] + g[1] * g[1]).sqrt();
        let share = (f64::from(limit) / length).min(1.0);
        let want = g.map(|g| -share * g);
        let sgd = Sgd { learning_rate: 1.0 };
        let momentum = Momentum { learning_rate: 1.0, momentum: 0.5 };
        let got = [
            step(ClipByNorm { optimizer: sgd, limit }, gradient),
            step(ClipByNorm { optimizer: momentum, limit }, gradient),
        ];
        for got in got {
            assert_all_close(&format!("{gradient:?}"), &got, &want, tolerance::OPTIMIZER_F32);
        }
    }
    check([3e18, -4e18], 1.0);
    check([3e19, -4e19], 1.0);
    check([1e20, 1.0], 0.5);
    check([3e38, 3e38], 10.0); // The length overflows as well.
    check([3e19, 4e19], 1e20); // It is longer than any square, but not too long.
}

#[test]
fn clip_by_norm_makes_no_step_where_a_derivative_overflows() {
    fn check<O: Optimizer<Dense<1, 1, Identity>> + Clone>(optimizer: O) {
        let clipped = ClipByNorm { optimizer, limit: 1.0 };
        let start = Dense::<1, 1, Identity>::new([[0.0]], [0.5]);
        let mut net = start.clone();
        // dE/dw = -1e19 * 1e20.
        let mut trainer = Trainer::<_, HalfSquaredError, _>::new();
        let loss = trainer.step(&mut net, &clipped, &[1e20], &[1e19]);
        assert!(loss.is_finite());
        assert_eq!(net, start);
        // The sum over a batch, and the difference of two that are infinite.
        for signs in [[1.0, 1.0], [1.0, -1.0]] {
            let mut batch = BatchTrainer::<_, AbsoluteError, _>::new();
            let examples = signs.map(|sign| ([3e38], [sign * 9.0]));
            let data = [examples[0], examples[0], examples[1], examples[1]];
            let report = batch.fit(&mut net, &clipped, 4, &data, Stop::after(1));
            assert_eq!(report.outcome, Outcome::EpochsDone);
            assert!(gradlet::is_finite(&net), "{net:?}");
        }
        // And then it goes on.
        trainer.step(&mut net, &clipped, &[0.0], &[9.0]);
        assert!(net.bias()[0] > 0.5 && gradlet::is_finite(&net));
    }
    check(Sgd { learning_rate: 0.1 });
    check(Momentum { learning_rate: 0.1, momentum: 0.9 });
    check(Nesterov { learning_rate: 0.1, momentum: 0.9 });
    check(Adam::new(0.1));
}

// The order of the operations, as the documentation lists it.

type Line = Dense<1, 1, Identity>;

/// What is done once in each step, and then for the weight and for the bias.
struct Order<'a> {
    begin: &'a dyn Fn(&mut [f32; 2]),
    rule: &'a Operations,
}

/// `(p, state, g, s, what is done once) -> (p, state)`.
type Operations = dyn Fn(f32, [f32; 2], f32, f32, [f32; 2]) -> (f32, [f32; 2]);

/// Weight and bias after each batch, by the listed operations.
fn by_the_list(order: &Order<'_>, batches: &[&[(f32, f32)]]) -> Vec<[u32; 2]> {
    let (mut p, mut state, mut c) = ([0.5_f32, -0.25], [[0.0; 2]; 2], [0.0; 2]);
    let mut bits = Vec::new();
    for batch in batches {
        let mut g = [0.0; 2];
        for (x, t) in *batch {
            let d = (p[0] * x + p[1]) - t;
            (g[0], g[1]) = (g[0] + x * d, g[1] + d);
        }
        (order.begin)(&mut c);
        for i in 0..2 {
            let s = if batch.len() == 1 { 1.0 } else { 1.0 / 3.0 };
            (p[i], state[i]) = (order.rule)(p[i], state[i], g[i], s, c);
        }
        bits.push(p.map(f32::to_bits));
    }
    bits
}

fn bits_of(net: &Line) -> [u32; 2] {
    [net.weights()[0][0].to_bits(), net.bias()[0].to_bits()]
}

fn start() -> Line {
    Line::new([[0.5]], [-0.25])
}

fn by_batches<O: Optimizer<Line>>(optimizer: &O, batches: &[&[(f32, f32)]]) -> Vec<[u32; 2]> {
    let (mut net, mut trainer) = (start(), BatchTrainer::<Line, HalfSquaredError, O>::new());
    let step = |batch: &&[(f32, f32)]| {
        for &(x, t) in *batch {
            trainer.accumulate(&net, &[x], &[t]);
        }
        trainer.apply(&mut net, optimizer);
        bits_of(&net)
    };
    batches.iter().map(step).collect()
}

fn by_steps<O: Optimizer<Line>>(optimizer: &O, samples: &[(f32, f32)]) -> Vec<[u32; 2]> {
    let (mut net, mut trainer) = (start(), Trainer::<Line, HalfSquaredError, O>::new());
    let step = |&(x, t): &(f32, f32)| {
        trainer.step(&mut net, optimizer, &[x], &[t]);
        bits_of(&net)
    };
    samples.iter().map(step).collect()
}

fn samples() -> Vec<(f32, f32)> {
    let mut random = Rng(7);
    let pairs = (0..300).map(|_| random.array(-2.0, 2.0));
    pairs.map(|[x, t]: [f32; 2]| (x / 2.0, t)).collect()
}

#[track_caller]
fn check_order<O: Optimizer<Line>>(optimizer: &O, order: &Order<'_>) {
    let samples = samples();
    for size in [1, 3] {
        let batches: Vec<_> = samples.chunks(size).collect();
        assert_eq!(by_batches(optimizer, &batches), by_the_list(order, &batches), "{size}");
    }
}

#[test]
fn optimizers_compute_in_the_order_of_the_list() {
    let nothing = |_: &mut [f32; 2]| {};
    let momentum = Momentum { learning_rate: 0.1, momentum: 0.8 };
    let nesterov = Nesterov { learning_rate: 0.1, momentum: 0.8 };
    let rms_prop = RmsProp { learning_rate: 0.01, decay: 0.9, epsilon: 1e-6 };
    let adagrad = Adagrad { learning_rate: 0.01, epsilon: 1e-6 };
    let adam = Adam { learning_rate: 0.01, beta_1: 0.8, beta_2: 0.95, epsilon: 1e-6 };
    let adam_w = AdamW { adam, weight_decay: 0.3 };
    let corrections = |c: &mut [f32; 2]| {
        *c = [0.8 * c[0] + (1.0 - 0.8), 0.95 * c[1] + (1.0 - 0.95)];
    };
    let adams = |keep: f32| {
        move |p: f32, [m, v]: [f32; 2], g: f32, s: f32, [c1, c2]: [f32; 2]| {
            let (g, r) = (s * g, c2.sqrt());
            let m = 0.8 * m + (1.0 - 0.8) * g;
            let v = 0.95 * v + (1.0 - 0.95) * g * g;
            (keep * p - (0.01 * r / c1) * m / (v.sqrt() + 1e-6 * r), [m, v])
        }
    };

    check_order(
        &Sgd { learning_rate: 0.1 },
        &Order { begin: &nothing, rule: &|p, v, g, s, _| (p + -(s * 0.1) * g, v) },
    );
    check_order(
        &momentum,
        &Order {
            begin: &nothing,
            rule: &|p, [v, _], g, s, _| {
                let v = 0.8 * v + s * g;
                (p - 0.1 * v, [v, 0.0])
            },
        },
    );
    check_order(
        &nesterov,
        &Order {
            begin: &nothing,
            rule: &|p, [v, _], g, s, _| {
                let g = s * g;
                let v = 0.8 * v + g;
                (p - 0.1 * (g + 0.8 * v), [v, 0.0])
            },
        },
    );
    check_order(
        &adagrad,
        &Order {
            begin: &nothing,
            rule: &|p, [v, _], g, s, _| {
                let g = s * g;
                let v = v + g * g;
                (p - 0.01 * g / (v.sqrt() + 1e-6), [v, 0.0])
            },
        },
    );
    check_order(
        &rms_prop,
        &Order {
            begin: &nothing,
            rule: &|p, [v, _], g, s, _| {
                let g = s * g;
                let v = 0.9 * v + (1.0 - 0.9) * g * g;
                (p - 0.01 * g / (v.sqrt() + 1e-6), [v, 0.0])
            },
        },
    );
    check_order(&adam, &Order { begin: &corrections, rule: &adams(1.0) });
    check_order(&adam_w, &Order { begin: &corrections, rule: &adams(1.0 - 0.01 * 0.3) });
}

#[test]
fn steps_are_batches_of_one_to_the_bit_but_for_two() {
    fn check<O: Optimizer<Line>>(optimizer: &O) -> bool {
        let samples = samples();
        by_steps(optimizer, &samples)
            == by_batches(optimizer, &samples.chunks(1).collect::<Vec<_>>())
    }
    let (adam, learning_rate) = (Adam::new(0.01), 0.1);
    assert!(check(&Momentum { learning_rate, momentum: 0.8 }));
    assert!(check(&Nesterov { learning_rate, momentum: 0.8 }));
    assert!(check(&RmsProp::new(0.01)) && check(&Adagrad::new(0.01)) && check(&adam));
    assert!(check(&AdamW { adam, weight_decay: 0.3 }));
    assert!(check(&ClipByValue { optimizer: Sgd { learning_rate }, limit: 0.5 }));
    assert!(check(&WeightDecay::new(Sgd { learning_rate }, 0.5)));

    let sgd = Sgd { learning_rate };
    assert!(!check(&sgd) && !check(&ClipByNorm { optimizer: adam, limit: 0.5 }));
    // `w + x (-(rate) d)`; of a bias, the same as in a batch.
    let (mut w, mut b) = (0.5_f32, -0.25);
    let steps = samples().into_iter().map(|(x, t)| {
        let d = (w * x + b) - t;
        (w, b) = (w + x * (-learning_rate * d), b + -learning_rate * d);
        [w, b].map(f32::to_bits)
    });
    assert_eq!(by_steps(&sgd, &samples()), steps.collect::<Vec<_>>());
}
