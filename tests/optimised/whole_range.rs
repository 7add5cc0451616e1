//! Activations and losses over all of `f32`, against the same equations in `f64`.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::suboptimal_flops,
    reason = "tests may panic, and round"
)]

use gradlet::fast::{Sigmoid as FastSigmoid, Softmax as FastSoftmax, Tanh as FastTanh};
use gradlet::prelude::*;

/// A function of one number, with what it should be.
struct Case {
    name: &'static str,
    f: fn(f32) -> f32,
    exact: fn(f64) -> f64,
    /// Largest error, in units in the last place of the right value ..
    ulps: f64,
    /// .. or of this number, which depends on `z`, if it is larger: where a difference is near 0.
    floor: fn(f64) -> f64,
    /// Whether it should never fall. It may by a few units, by rounding.
    rises: bool,
}

/// From here on down, `e^-z` overflows.
const OVERFLOW: f64 = -88.722_84;

const fn case(
    name: &'static str,
    f: fn(f32) -> f32,
    exact: fn(f64) -> f64,
    ulps: f64,
    floor: fn(f64) -> f64,
    rises: bool,
) -> Case {
    Case { name, f, exact, ulps, floor, rises }
}

/// The unit in the last place of a number of that size; of subnormal numbers, the smallest.
fn unit(size: f64) -> f64 {
    let exponent = ((size as f32).to_bits() >> 23 & 0xff) as i32;
    2_f64.powi(exponent.max(1) - 150)
}

/// Compares for one number in `step` of all that are finite, in their order.
fn check(case: &Case, step: usize) {
    let (mut worst, mut at, mut before) = (0.0, 0.0, f64::NEG_INFINITY);
    let last = f32::MAX.to_bits();
    let negative = (0..=last).rev().step_by(step).map(|bits| -f32::from_bits(bits));
    for z in negative.chain((0..=last).step_by(step).map(f32::from_bits)) {
        let (got, want) = (f64::from((case.f)(z)), (case.exact)(z.into()));
        let unit = unit(want.abs().max((case.floor)(z.into())));
        let ulps = (got - want).abs() / unit;
        assert!(ulps <= case.ulps, "{}({z:e}) = {got:e}, not {want:e}: {ulps} units", case.name);
        if ulps > worst {
            (worst, at) = (ulps, z);
        }
        assert!(!case.rises || got >= before - 4.0 * unit, "{} falls at {z:e}", case.name);
        before = got;
    }
    println!("{}: {worst:.2} units in the last place at {at:e}", case.name);
}

fn value<A: Activation>(z: f32) -> f32 {
    let mut values = [z];
    A::activate(&mut values);
    values[0]
}

fn slope<A: Activation<Kept<[f32; 1]> = [f32; 1]>>(z: f32) -> f32 {
    let mut delta = [1.0];
    A::backpropagate(&[value::<A>(z)], &[z], &mut delta, &mut ());
    delta[0]
}

/// The loss of two classes, which is a function of the difference of their logits.
fn classes<A: Activation>(z: f32, t: f32) -> f32
where
    CrossEntropy: Loss<A>,
{
    <CrossEntropy as Loss<A>>::evaluate(&mut [z, 0.0], &[t, 1.0 - t])
}

fn yes_no<A: Activation>(z: f32, t: f32) -> f32
where
    BinaryCrossEntropy: Loss<A>,
{
    <BinaryCrossEntropy as Loss<A>>::evaluate(&mut [z], &[t])
}

fn logistic(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

fn softplus(z: f64) -> f64 {
    z.max(0.0) + (-z.abs()).exp().ln_1p()
}

/// Up to where it overflows.
fn selu(z: f64) -> f64 {
    let y = if z > 0.0 { z.min(3e38) } else { 1.673_263_242_354_377_3 * z.exp_m1() };
    1.050_700_987_355_480_5 * y
}

fn hard_gate(z: f64) -> f64 {
    (z + 3.0).clamp(0.0, 6.0) / 6.0
}

/// Hard swish's derivative.
fn hard_slope(z: f64) -> f64 {
    if z.abs() < 3.0 { z / 3.0 + 0.5 } else { hard_gate(z) }
}

fn normal(z: f64) -> f64 {
    0.5 * libm::erfc(-z * core::f64::consts::FRAC_1_SQRT_2)
}

/// Gelu's derivative.
fn normal_slope(z: f64) -> f64 {
    let density = (-0.5 * z * z).exp() / (2.0 * core::f64::consts::PI).sqrt();
    if density > 0.0 { normal(z) + z * density } else { normal(z) }
}

/// Silu's derivative.
fn logistic_slope(z: f64) -> f64 {
    let s = logistic(z);
    if s > 0.0 { s * (1.0 + z * (1.0 - s)) } else { 0.0 }
}

/// No difference.
fn exactly(_: f64) -> f64 {
    0.0
}

/// A difference near -3.
fn near_half(_: f64) -> f64 {
    0.5
}

/// A difference near a root between -2 and 0; `P(z)` is subnormal below -13.
fn near_root(z: f64) -> f64 {
    if z > -2.0 { 0.1 } else { 5e-38 }
}

/// Errors as measured for one number in 101, rounded up.
const CASES: [Case; 28] = [
    // 0 where `e^-z` overflows, and not a subnormal number.
    case(
        "sigmoid",
        value::<Sigmoid>,
        |z| if z > OVERFLOW { logistic(z) } else { 0.0 },
        2.5,
        exactly,
        true,
    ),
    case("fast::sigmoid", value::<FastSigmoid>, logistic, 2.5, exactly, true),
    case("tanh", value::<Tanh>, f64::tanh, 2.5, exactly, true),
    case("fast::tanh", value::<FastTanh>, f64::tanh, 2.0, exactly, true),
    case("relu", value::<Relu>, |z| z.max(0.0), 0.0, exactly, true),
    case("leaky relu", value::<LeakyRelu>, |z| z.max(z / 100.0), 1.5, exactly, true),
    case("relu6", value::<Relu6>, |z| z.clamp(0.0, 6.0), 0.0, exactly, true),
    case("hard tanh", value::<HardTanh>, |z| z.clamp(-1.0, 1.0), 0.0, exactly, true),
    case("softsign", value::<Softsign>, |z| z / (1.0 + z.abs()), 2.0, exactly, true),
    case("selu", |z| value::<Selu>(z.min(3e38)), selu, 2.5, exactly, true),
    case("hard swish", value::<HardSwish>, |z| z * hard_gate(z), 2.5, exactly, false),
    case("hard swish's derivative", slope::<HardSwish>, hard_slope, 2.5, near_half, false),
    case("elu", value::<Elu>, |z| if z > 0.0 { z } else { z.exp_m1() }, 1.0, exactly, true),
    case("softplus", value::<Softplus>, softplus, 2.0, exactly, true),
    case(
        "hard sigmoid",
        value::<HardSigmoid>,
        |z| (z / 6.0 + 0.5).clamp(0.0, 1.0),
        1.0,
        near_half,
        true,
    ),
    case("gelu", value::<Gelu>, |z| z * normal(z), 6.0, near_root, false),
    case("silu", value::<Silu>, |z| z * logistic(z), 3.0, exactly, false),
    case("gelu's derivative", slope::<Gelu>, normal_slope, 8.0, near_root, false),
    case("silu's derivative", slope::<Silu>, logistic_slope, 10.0, near_root, false),
    case(
        "yes/no, target 0",
        |z| yes_no::<Sigmoid>(z, 0.0),
        |z| if z > OVERFLOW { softplus(z) } else { 0.0 },
        2.5,
        exactly,
        true,
    ),
    case("yes/no, target 1", |z| yes_no::<Sigmoid>(z, 1.0), |z| softplus(-z), 2.5, exactly, false),
    case(
        "yes/no, target 1/4",
        |z| yes_no::<Sigmoid>(z, 0.25),
        |z| softplus(z) - 0.25 * z,
        2.5,
        exactly,
        false,
    ),
    case("fast yes/no, target 0", |z| yes_no::<FastSigmoid>(z, 0.0), softplus, 2.5, exactly, true),
    case(
        "fast yes/no, target 1",
        |z| yes_no::<FastSigmoid>(z, 1.0),
        |z| softplus(-z),
        2.5,
        exactly,
        false,
    ),
    case("classes, target 0", |z| classes::<Softmax>(z, 0.0), softplus, 3.0, exactly, true),
    case(
        "classes, target 1",
        |z| classes::<Softmax>(z, 1.0),
        |z| softplus(-z),
        3.0,
        exactly,
        false,
    ),
    case(
        "fast classes, target 0",
        |z| classes::<FastSoftmax>(z, 0.0),
        softplus,
        3.0,
        exactly,
        true,
    ),
    case(
        "fast classes, target 1",
        |z| classes::<FastSoftmax>(z, 1.0),
        |z| softplus(-z),
        3.0,
        exactly,
        false,
    ),
];

#[test]
fn activations_and_losses_are_right_over_the_whole_range() {
    CASES.iter().for_each(|case| check(case, 100_003));
}

#[test]
#[ignore = "takes some minutes when optimised"]
fn activations_and_losses_are_right_for_one_number_in_101() {
    CASES.iter().for_each(|case| check(case, 101));
}
