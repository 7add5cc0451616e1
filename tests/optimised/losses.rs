//! Every loss and its derivative: golden numbers, closed forms, and the ends of the range.
#![allow(
    clippy::indexing_slicing,
    clippy::float_cmp,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::suboptimal_flops,
    clippy::cast_precision_loss,
    reason = "tests may panic, and compare exactly"
)]

use gradlet::fast::{Sigmoid as FastSigmoid, Softmax as FastSoftmax, Tanh as FastTanh};
use gradlet::prelude::*;
use support::{Json, Rng, assert_all_close, assert_close, tolerance};

/// The loss of logits `z`, and the outputs.
pub(crate) fn evaluate<L: Loss<A, T>, A: Activation<T>, T: Scalar, const N: usize>(
    z: [T; N],
    t: [T; N],
) -> (T, [T; N]) {
    let mut values = z;
    let loss = L::evaluate(&mut values, &t);
    (loss, values)
}

pub(crate) fn loss<L: Loss<A, T>, A: Activation<T>, T: Scalar, const N: usize>(
    z: [T; N],
    t: [T; N],
) -> T {
    evaluate::<L, A, T, N>(z, t).0
}

/// What `Loss::delta` says at the outputs of logits `z`.
pub(crate) fn delta<L: Loss<A, T>, A: Activation<T>, T: Scalar, const N: usize>(
    z: [T; N],
    t: [T; N],
) -> [T; N] {
    let (_, y) = evaluate::<L, A, T, N>(z, t);
    let mut delta = z;
    L::delta(&y, &t, &mut delta, &mut ());
    delta
}

/// The logit of a probability: `sigmoid(logit(a))` is `a`.
fn logit(a: f64) -> f64 {
    (a / (1.0 - a)).ln()
}

#[test]
fn squared_and_absolute_errors_match_golden() {
    for row in Json::file("002_losses").at("abs_vs_square").list() {
        let (t, a) = (row.at("t").array::<f64, 3>(), row.at("a").array::<f64, 3>());
        let half = loss::<HalfSquaredError, Identity, _, 3>(a, t);
        assert_eq!(2.0 * half, row.at("sq_sum").number());
        assert_eq!(loss::<AbsoluteError, Identity, _, 3>(a, t), row.at("abs_sum").number());
        let mean = loss::<MeanSquaredError, Identity, _, 3>(a, t);
        assert_close("mean", mean, row.at("mse_mean").number(), tolerance::F64_PASS);
        assert_close("half", half / 3.0, row.at("mse_half_mean").number(), tolerance::F64_PASS);
    }
}

#[test]
fn binary_cross_entropy_matches_golden() {
    check_binary_cross_entropy::<Sigmoid>();
    check_binary_cross_entropy::<FastSigmoid>();
}

fn check_binary_cross_entropy<A: Activation<f64>>()
where
    BinaryCrossEntropy: Loss<A, f64>,
{
    let file = Json::file("002_losses");
    for row in file.at("binary_ce").list() {
        let (z, t) = ([logit(row.at("a").number())], [row.at("y").number()]);
        let got = loss::<BinaryCrossEntropy, A, _, 1>(z, t);
        assert_close("loss", got, row.at("loss").number(), tolerance::F64_PASS);
        let [got] = delta::<BinaryCrossEntropy, A, _, 1>(z, t);
        assert_close("delta", got, row.at("dloss_dz_if_sigmoid").number(), tolerance::F64_PASS);
    }
    let curves = file.at("bce_curves");
    let (y0, y1) = (curves.at("loss_y0").numbers(), curves.at("loss_y1").numbers());
    let all = curves.at("a").numbers();
    assert_eq!(all.len(), 50);
    for ((a, y0), y1) in all.into_iter().zip(y0).zip(y1) {
        let got = [0.0, 1.0].map(|t| loss::<BinaryCrossEntropy, A, _, 1>([logit(a)], [t]));
        assert_all_close(&format!("a = {a}"), &got, &[y0, y1], tolerance::F64_PASS);
    }
    // The logarithm of the sigmoid, and softplus, with 60 digits.
    for row in Json::file("activations").at("table").list() {
        let z = row.at("z").number();
        let want = [-row.at("log_sigmoid").number(), row.at("softplus").number()];
        for (t, want) in [1.0, 0.0].into_iter().zip(want) {
            let got = loss::<BinaryCrossEntropy, A, _, 1>([z], [t]);
            let allowed = tolerance::LOSS_EPSILONS * f64::EPSILON * want + f64::MIN_POSITIVE;
            assert!((got - want).abs() <= allowed, "z = {z}, t = {t}: got {got:e}, want {want:e}");
        }
    }
}

#[test]
fn cross_entropy_matches_golden() {
    check_cross_entropy::<Softmax>();
    check_cross_entropy::<FastSoftmax>();
}

fn check_cross_entropy<A: Activation<f64>>()
where
    CrossEntropy: Loss<A, f64>,
{
    let file = Json::file("002_losses");
    for row in file.at("multiclass_ce").list() {
        let (z, t) = (row.at("a").array::<f64, 3>().map(f64::ln), row.at("y").array());
        let got = loss::<CrossEntropy, A, _, 3>(z, t);
        assert_close("loss", got, row.at("loss").number(), tolerance::F64_PASS);
        let want = row.at("dloss_dz_if_softmax").numbers();
        let got = delta::<CrossEntropy, A, _, 3>(z, t);
        assert_all_close("delta", &got, &want, tolerance::F64_PASS);
    }
    // Against itself, a distribution has its entropy; against another one, that and the divergence.
    let information = file.at("information");
    let p = information.at("p").array::<f64, 3>();
    let got = loss::<CrossEntropy, A, _, 3>(p.map(f64::ln), p);
    assert_close("entropy", got, information.at("entropy").number(), tolerance::F64_PASS);
    let kl = file.at("kl");
    let (p, q) = (kl.at("p").array::<f64, 3>(), kl.at("q").array::<f64, 3>());
    let cross = loss::<CrossEntropy, A, _, 3>(q.map(f64::ln), p);
    assert_close("cross", cross, kl.at("cross_entropy").number(), tolerance::F64_PASS);
    let divergence = cross - loss::<CrossEntropy, A, _, 3>(p.map(f64::ln), p);
    assert_close("kl", divergence, kl.at("kl").number(), tolerance::F64_PASS);

    for case in Json::file("activations").at("softmax").list() {
        let (z, sum) = (case.at("z").array::<f64, 3>(), case.at("logsumexp").number());
        for class in 0..3 {
            let mut t = [0.0; 3];
            t[class] = 1.0;
            let got = loss::<CrossEntropy, A, _, 3>(z, t);
            let allowed = tolerance::LOSS_EPSILONS * f64::EPSILON * sum.abs().max(1.0);
            assert!((got - (sum - z[class])).abs() <= allowed, "{z:?}, class {class}: {got}");
        }
    }
}

/// In both types: a loss with its delta, exactly.
macro_rules! exactly {
    ($($loss:ident $activation:ident $z:expr, $t:expr => $value:expr, $delta:expr;)+) => {
        $({
            const N: usize = $z.len();
            let (z, t) = ($z, $t);
            let what = stringify!($loss $z, $t);
            assert_eq!(loss::<$loss, $activation, f64, N>(z, t), $value, "{what}");
            assert_eq!(delta::<$loss, $activation, f64, N>(z, t), $delta, "{what}, delta");
            let (z, t) = (z.map(|z| z as f32), t.map(|t| t as f32));
            assert_eq!(f64::from(loss::<$loss, $activation, f32, N>(z, t)), $value, "{what}, f32");
            let delta = delta::<$loss, $activation, f32, N>(z, t);
            assert_eq!(delta.map(f64::from), $delta, "{what}, delta in f32");
        })+
    };
}

#[test]
#[allow(clippy::cast_possible_truncation, reason = "the numbers are short")]
fn cross_entropies_are_right_for_logits_of_ten_thousand() {
    exactly! {
        BinaryCrossEntropy Sigmoid [1e4], [0.0] => 1e4, [1.0];
        BinaryCrossEntropy Sigmoid [1e4], [1.0] => 0.0, [0.0];
        BinaryCrossEntropy Sigmoid [-1e4], [1.0] => 1e4, [-1.0];
        BinaryCrossEntropy Sigmoid [-1e4], [0.0] => 0.0, [0.0];
        BinaryCrossEntropy Sigmoid [1e4], [0.25] => 7500.0, [0.75];
        BinaryCrossEntropy Sigmoid [-1e4], [0.25] => 2500.0, [-0.25];
        BinaryCrossEntropy Sigmoid [1e4, -1e4], [0.5, 1.0] => 15_000.0, [0.5, -1.0];
        BinaryCrossEntropy Sigmoid [-1e4, 1e4], [0.0, 1.0] => 0.0, [0.0, 0.0];
        CrossEntropy Softmax [1e4, -1e4], [0.0, 1.0] => 2e4, [1.0, -1.0];
        CrossEntropy Softmax [1e4, -1e4], [1.0, 0.0] => 0.0, [0.0, 0.0];
        CrossEntropy Softmax [1e4, -1e4, -1e4], [0.25, 0.5, 0.25] => 15_000.0, [0.75, -0.5, -0.25];
        CrossEntropy Softmax [0.0, -1e4, -1e4], [0.0, 0.0, 1.0] => 1e4, [1.0, 0.0, -1.0];
        BinaryCrossEntropy FastSigmoid [1e4], [0.0] => 1e4, [1.0];
        BinaryCrossEntropy FastSigmoid [1e4], [1.0] => 0.0, [0.0];
        BinaryCrossEntropy FastSigmoid [-1e4], [1.0] => 1e4, [-1.0];
        BinaryCrossEntropy FastSigmoid [-1e4], [0.0] => 0.0, [0.0];
        BinaryCrossEntropy FastSigmoid [1e4], [0.25] => 7500.0, [0.75];
        BinaryCrossEntropy FastSigmoid [-1e4], [0.25] => 2500.0, [-0.25];
        BinaryCrossEntropy FastSigmoid [1e4, -1e4], [0.5, 1.0] => 15_000.0, [0.5, -1.0];
        BinaryCrossEntropy FastSigmoid [-1e4, 1e4], [0.0, 1.0] => 0.0, [0.0, 0.0];
        CrossEntropy FastSoftmax [1e4, -1e4], [0.0, 1.0] => 2e4, [1.0, -1.0];
        CrossEntropy FastSoftmax [1e4, -1e4], [1.0, 0.0] => 0.0, [0.0, 0.0];
        CrossEntropy FastSoftmax [1e4, -1e4, -1e4], [0.25, 0.5, 0.25] => 15_000.0, [0.75, -0.5, -0.25];
        CrossEntropy FastSoftmax [0.0, -1e4, -1e4], [0.0, 0.0, 1.0] => 1e4, [1.0, 0.0, -1.0];
    }
}

#[test]
fn cross_entropies_are_finite_wherever_a_logit_is() {
    fn check<Yes: Activation<T>, Class: Activation<T>, T: Scalar>(epsilon: f64)
    where
        BinaryCrossEntropy: Loss<Yes, T>,
        CrossEntropy: Loss<Class, T>,
    {
        let sizes = [0.0, 1e-30, 1e-3, 1.0, 20.0, 88.0, 104.0, 709.0, 746.0, 1000.0, 1e4];
        for z in sizes.into_iter().flat_map(|z| [z, -z]) {
            // The number that the type holds.
            let z = T::from_f64(z).to_f64();
            for t in [0.0, 0.125, 0.5, 0.75, 1.0] {
                let want = z.max(0.0) - t * z + (-z.abs()).exp().ln_1p();
                // Between 0 and 1, `t z` is taken away from `z`; at both ends that is exact.
                let size = if t == 0.0 || t == 1.0 { want } else { want.max(z.abs()) };
                let allowed = tolerance::LOSS_EPSILONS * epsilon * size + T::MIN_POSITIVE.to_f64();
                let (z, t) = (T::from_f64(z), T::from_f64(t));
                let got = loss::<BinaryCrossEntropy, Yes, T, 1>([z], [t]).to_f64();
                assert!((got - want).abs() <= allowed, "{z:?}, {t:?}: got {got:e}, want {want:e}");
                // Two classes of which one has the logit 0 are the same loss.
                let got = loss::<CrossEntropy, Class, T, 2>([z, T::ZERO], [t, T::ONE - t]);
                let got = got.to_f64();
                let allowed = allowed.max(tolerance::LOSS_EPSILONS * epsilon);
                assert!((got - want).abs() <= allowed, "{z:?}, {t:?}: got {got:e}, want {want:e}");
            }
        }
    }
    check::<Sigmoid, Softmax, f32>(f32::EPSILON.into());
    check::<Sigmoid, Softmax, f64>(f64::EPSILON);
    check::<FastSigmoid, FastSoftmax, f32>(f32::EPSILON.into());
    check::<FastSigmoid, FastSoftmax, f64>(f64::EPSILON);
}

#[test]
fn losses_leave_the_outputs_that_the_activation_gives() {
    fn check<L, A, T: Scalar, const N: usize>(t: [T; N])
    where
        L: Loss<A, T>,
        A: Activation<T>,
    {
        let mut rng = Rng(5);
        for size in [0.1, 1.0, 10.0, 100.0, 1e4] {
            for _ in 0..50 {
                let z = rng.array::<T, N>(-size, size);
                let mut want = z;
                A::activate(&mut want);
                let (_, got) = evaluate::<L, A, T, N>(z, t);
                let bits = |values: [T; N]| values.map(|y| y.to_f64().to_bits());
                assert_eq!(bits(got), bits(want), "{}", core::any::type_name::<(L, A, T)>());
            }
        }
    }
    check::<BinaryCrossEntropy, Sigmoid, f32, 3>([0.0, 0.5, 1.0]);
    check::<BinaryCrossEntropy, Sigmoid, f64, 3>([0.0, 0.5, 1.0]);
    check::<CrossEntropy, Softmax, f32, 3>([0.25, 0.5, 0.25]);
    check::<CrossEntropy, Softmax, f64, 3>([0.25, 0.5, 0.25]);
    check::<HalfSquaredError, Tanh, f32, 3>([0.25, 0.5, 0.25]);
    check::<HalfSquaredError, Tanh, f64, 3>([0.25, 0.5, 0.25]);
    check::<MeanSquaredError, Gelu, f32, 3>([0.25, 0.5, 0.25]);
    check::<MeanSquaredError, Gelu, f64, 3>([0.25, 0.5, 0.25]);
    check::<AbsoluteError, Softmax, f32, 3>([0.25, 0.5, 0.25]);
    check::<AbsoluteError, Softmax, f64, 3>([0.25, 0.5, 0.25]);
    check::<Huber, Relu, f32, 3>([0.25, 0.5, 0.25]);
    check::<Huber, Relu, f64, 3>([0.25, 0.5, 0.25]);
    check::<LogCosh, Selu, f32, 3>([0.25, 0.5, 0.25]);
    check::<Pinball<1, 10>, HardSwish, f64, 3>([0.25, 0.5, 0.25]);
    check::<Focal, Sigmoid, f32, 3>([0.0, 0.5, 1.0]);
    check::<Focal, FastSigmoid, f64, 19>([0.25; 19]);
    check::<Focal, Softmax, f32, 3>([0.25, 0.5, 0.25]);
    check::<Focal, FastSoftmax, f64, 19>([1.0 / 19.0; 19]);
    check::<BinaryCrossEntropy, FastSigmoid, f32, 1>([0.5]);
    check::<BinaryCrossEntropy, FastSigmoid, f64, 1>([0.5]);
    check::<BinaryCrossEntropy, FastSigmoid, f32, 19>([0.25; 19]);
    check::<BinaryCrossEntropy, FastSigmoid, f64, 19>([0.25; 19]);
    check::<CrossEntropy, FastSoftmax, f32, 2>([0.25, 0.75]);
    check::<CrossEntropy, FastSoftmax, f64, 2>([0.25, 0.75]);
    check::<CrossEntropy, FastSoftmax, f32, 19>([1.0 / 19.0; 19]);
    check::<CrossEntropy, FastSoftmax, f64, 19>([1.0 / 19.0; 19]);
    check::<HalfSquaredError, FastTanh, f32, 19>([0.25; 19]);
    check::<HalfSquaredError, FastTanh, f64, 19>([0.25; 19]);
}

/// With more outputs than are computed at once, and some left over.
#[test]
fn fast_losses_of_many_outputs_are_those_of_the_others() {
    fn check<
        L: Loss<A, f64> + Loss<Fast, f64>,
        A: Activation<f64>,
        Fast: Activation<f64>,
        const N: usize,
    >() {
        let mut rng = Rng(7);
        for _ in 0..50 {
            let z = rng.array::<f64, N>(-10.0, 10.0);
            let t = rng.array::<f64, N>(0.0, 1.0);
            let t = t.map(|share| share / t.iter().sum::<f64>());
            let (want, outputs) = evaluate::<L, A, f64, N>(z, t);
            let (got, fast) = evaluate::<L, Fast, f64, N>(z, t);
            assert_close("loss", got, want, tolerance::F64_PASS);
            assert_all_close("outputs", &fast, &outputs, tolerance::F64_PASS);
        }
    }
    check::<BinaryCrossEntropy, Sigmoid, FastSigmoid, 7>();
    check::<BinaryCrossEntropy, Sigmoid, FastSigmoid, 16>();
    check::<BinaryCrossEntropy, Sigmoid, FastSigmoid, 100>();
    check::<CrossEntropy, Softmax, FastSoftmax, 7>();
    check::<CrossEntropy, Softmax, FastSoftmax, 16>();
    check::<CrossEntropy, Softmax, FastSoftmax, 100>();
}

/// The delta of a loss against difference quotients of order 4 in the outputs or, for a fused one,
/// in the logits: they are the same numbers under `Identity`.
pub(crate) fn check_slopes<L: Loss<A, f64>, A: Activation<f64>>(
    targets: impl Fn(&mut Rng) -> [f64; 3],
) {
    let mut rng = Rng(6);
    let step = 1e-3;
    for _ in 0..100 {
        let z = rng.array::<f64, 3>(-4.0, 4.0);
        let t = targets(&mut rng);
        let got = delta::<L, A, f64, 3>(z, t);
        assert!(got.iter().any(|&d| d != 0.0), "a delta of zeros");
        for i in 0..3 {
            // Away from the kinks, 1 and 1/4 for `Huber`, 0 for the absolute error and `Pinball`.
            let size = (z[i] - t[i]).abs();
            if !L::FUSED && [0.0, 0.25, 1.0].iter().any(|kink| (size - kink).abs() <= 2.0 * step) {
                continue;
            }
            let at = |offset: f64| {
                let mut z = z;
                z[i] += offset;
                loss::<L, A, f64, 3>(z, t)
            };
            let want =
                (8.0 * (at(step) - at(-step)) - (at(2.0 * step) - at(-2.0 * step))) / (12.0 * step);
            let what = core::any::type_name::<L>();
            let allowed = tolerance::LOSS_SLOPE * want.abs().max(tolerance::FLOOR);
            assert!((got[i] - want).abs() <= allowed, "{what} {z:?} {t:?} [{i}]: {got:?} {want}");
        }
    }
}

#[test]
fn deltas_match_central_differences() {
    let any = |rng: &mut Rng| rng.array(-2.0, 2.0);
    check_slopes::<HalfSquaredError, Identity>(any);
    check_slopes::<MeanSquaredError, Identity>(any);
    check_slopes::<AbsoluteError, Identity>(any);
    check_slopes::<Huber, Identity>(any);
    check_slopes::<Huber<1, 4>, Identity>(any);
    check_slopes::<LogCosh, Identity>(any);
    check_slopes::<Pinball<9, 10>, Identity>(any);
    check_slopes::<BinaryCrossEntropy, Sigmoid>(|rng| rng.array(0.0, 1.0));
    let classes = |rng: &mut Rng| {
        let t = rng.array::<f64, 3>(0.0, 1.0);
        t.map(|v| v / t.iter().sum::<f64>())
    };
    check_slopes::<CrossEntropy, Softmax>(classes);
    check_slopes::<BinaryCrossEntropy, FastSigmoid>(|rng| rng.array(0.0, 1.0));
    check_slopes::<CrossEntropy, FastSoftmax>(classes);
    check_slopes::<Focal, Sigmoid>(|rng| rng.array(0.0, 1.0));
    check_slopes::<Focal<1, 2>, FastSigmoid>(|rng| rng.array(0.0, 1.0));
    check_slopes::<Focal<5, 1, 9, 10>, Softmax>(classes);
    check_slopes::<Focal<1, 3>, FastSoftmax>(classes);
}

#[test]
#[allow(clippy::cast_possible_truncation, reason = "the numbers are short")]
fn deltas_at_kinks_are_as_documented() {
    exactly! {
        AbsoluteError Identity [0.5, 2.0, -3.0], [0.5, 0.0, 0.0] => 5.0, [0.0, 1.0, -1.0];
        Huber Identity [1.0, -1.0, 3.0, -0.5], [0.0; 4] => 3.625, [1.0, -1.0, 1.0, -0.5];
        HalfSquaredError Identity [3.0, -1.0], [1.0, 1.0] => 4.0, [2.0, -2.0];
        MeanSquaredError Identity [3.0, -1.0], [1.0, 1.0] => 4.0, [2.0, -2.0];
    }
    // A threshold other than 1.
    type Quarter = Huber<1, 4>;
    exactly! {
        Quarter Identity [1.0, -1.0, 0.25, 0.125], [0.0; 4] => 0.4765625, [0.25, -0.25, 0.25, 0.125];
    }
}

#[test]
fn losses_of_nan_are_nan() {
    fn check<L: Loss<A>, A: Activation>() {
        let what = core::any::type_name::<(L, A)>();
        for i in 0..2 {
            let mut bad = [0.5_f32, 0.5];
            bad[i] = f32::NAN;
            assert!(loss::<L, A, f32, 2>(bad, [0.5; 2]).is_nan(), "{what} of a NaN logit");
            assert!(loss::<L, A, f32, 2>([0.5; 2], bad).is_nan(), "{what} of a NaN target");
        }
    }
    check::<HalfSquaredError, Relu>();
    check::<MeanSquaredError, Tanh>();
    check::<AbsoluteError, HardSigmoid>();
    check::<Huber, Identity>();
    check::<LogCosh, Identity>();
    check::<Pinball<9, 10>, Identity>();
    check::<BinaryCrossEntropy, Sigmoid>();
    check::<CrossEntropy, Softmax>();
    check::<Focal, Sigmoid>();
    check::<Focal, Softmax>();
    check::<HalfSquaredError, FastTanh>();
    check::<BinaryCrossEntropy, FastSigmoid>();
    check::<CrossEntropy, FastSoftmax>();
}

#[test]
fn cross_entropy_keeps_its_digits_near_zero() {
    fn check<A: Activation<T>, T: Scalar>(epsilon: f64)
    where
        CrossEntropy: Loss<A, T>,
    {
        for gap in [0.5, 1.0, 3.0, 10.0, 16.0, 17.0, 20.0, 36.0, 50.0, 80.0] {
            let want = 2.0 * f64::exp(-gap);
            let z = [3.0 + gap, 3.0, 3.0].map(T::from_f64);
            let got = loss::<CrossEntropy, A, T, 3>(z, [T::ONE, T::ZERO, T::ZERO]).to_f64();
            let error = (got - want.ln_1p()).abs() / want.ln_1p();
            assert!(error <= tolerance::LOSS_EPSILONS * epsilon, "{gap}: {got:e}, {error:e}");
        }
    }
    check::<Softmax, f32>(f32::EPSILON.into());
    check::<FastSoftmax, f32>(f32::EPSILON.into());
    check::<Softmax, f64>(f64::EPSILON);
    check::<FastSoftmax, f64>(f64::EPSILON);
}

#[test]
fn cross_entropy_is_right_for_the_largest_logits() {
    fn check<A: Activation>()
    where
        CrossEntropy: Loss<A>,
    {
        const MAX: f32 = f32::MAX;
        let value = |z, t| evaluate::<CrossEntropy, A, f32, 2>(z, t);
        assert_eq!(value([MAX, -MAX], [1.0, 0.0]), (0.0, [1.0, 0.0]));
        assert_eq!(value([-MAX, MAX], [0.0, 1.0]), (0.0, [0.0, 1.0]));
        assert_eq!(value([MAX, 0.0], [0.0, 1.0]), (MAX, [1.0, 0.0]));
        // Twice the largest number is none.
        assert_eq!(value([MAX, -MAX], [0.0, 1.0]), (f32::INFINITY, [1.0, 0.0]));
        // As many as go through together, and one more.
        let mut z = [-MAX; 9];
        z[8] = MAX;
        let mut t = [0.0; 9];
        t[8] = 1.0;
        assert_eq!(loss::<CrossEntropy, A, f32, 9>(z, t), 0.0);
    }
    check::<Softmax>();
    check::<FastSoftmax>();
}
