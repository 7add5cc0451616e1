//! Every activation against values of 60 digits, and at the ends of its range.
#![allow(clippy::float_cmp, clippy::cast_possible_truncation, reason = "tests compare exactly")]

use gradlet::fast::{Sigmoid as FastSigmoid, Softmax as FastSoftmax, Tanh as FastTanh};
use gradlet::prelude::*;
use support::{Json, tolerance, ulps_f32, ulps_f64};

/// `E = sum y`, so that `dE/dz` is the derivative of the activation.
struct Sum;

impl<T: Scalar, A: Activation<T>> Loss<A, T> for Sum {
    fn evaluate(values: &mut [T], _target: &[T]) -> T {
        A::activate(values);
        values.iter().copied().sum()
    }
    fn delta(_output: &[T], _target: &[T], delta: &mut [T], (): &mut ()) {
        delta.fill(T::ONE);
    }
}

/// A layer that hands its input to the activation, bit for bit: negative zero changes no number.
fn unit<A: Activation<T>, T: Scalar>() -> Dense<1, 1, A, T> {
    Dense::new([[T::ONE]], [-T::ZERO])
}

/// `f(z)`, by a forward pass.
pub(crate) fn value<A: Activation<T>, T: Scalar>(z: T) -> T {
    let [y] = unit::<A, T>().forward(&[z]);
    y
}

/// `f'(z)`, by a backward pass: the gradient of the bias.
pub(crate) fn slope<A: Activation<T>, T: Scalar>(z: T) -> T {
    let mut trainer = BatchTrainer::<Dense<1, 1, A, T>, Sum, Sgd<T>>::new();
    trainer.accumulate(&unit(), &[z], &[T::ZERO]);
    let [slope] = *trainer.gradient().bias();
    slope
}

#[track_caller]
fn assert_ulps_f64(what: &str, z: f64, got: f64, want: f64) {
    let ulps = ulps_f64(got, want);
    let limit = tolerance::ACTIVATION_F64_ULP;
    assert!(ulps <= limit, "{what}({z}): got {got:e}, want {want:e}, {ulps} ulp");
}

#[track_caller]
fn assert_ulps_f32(what: &str, z: f32, got: f32, want: f32) {
    let ulps = ulps_f32(got, want);
    let limit = tolerance::ACTIVATION_F32_ULP;
    assert!(ulps <= limit, "{what}({z}) in f32: got {got:e}, want {want:e}, {ulps} ulp");
}

#[track_caller]
fn assert_within(what: &str, z: f64, got: f64, want: f64, allowed: f64) {
    assert!((got - want).abs() <= allowed, "{what}({z}): got {got:e}, want {want:e}");
}

/// A derivative: `got` was computed in a type with this epsilon.
#[track_caller]
fn assert_slope(what: &str, z: f64, got: f64, want: f64, epsilon: f64) {
    let relative = tolerance::DERIVATIVE_RELATIVE_EPSILONS * epsilon * want.abs();
    let absolute = tolerance::DERIVATIVE_EPSILONS * epsilon;
    assert_within(&format!("derivative of {what}"), z, got, want, absolute + relative);
}

#[test]
fn activations_match_golden_in_f64() {
    let table = Json::file("activations").at("table").list();
    assert_eq!(table.len(), 32);
    for row in table {
        let z = row.at("z").number();
        let ulps = |what, got, key| assert_ulps_f64(what, z, got, row.at(key).number());
        ulps("sigmoid", value::<Sigmoid, _>(z), "sigmoid");
        ulps("1 - sigmoid", value::<Sigmoid, _>(-z), "one_minus_sigmoid");
        ulps("tanh", value::<Tanh, _>(z), "tanh");
        ulps("fast sigmoid", value::<FastSigmoid, _>(z), "sigmoid");
        ulps("1 - fast sigmoid", value::<FastSigmoid, _>(-z), "one_minus_sigmoid");
        ulps("fast tanh", value::<FastTanh, _>(z), "tanh");
        ulps("relu", value::<Relu, _>(z), "relu");
        ulps("leaky relu", value::<LeakyRelu, _>(z), "leaky_relu_0.01");
        ulps("softplus", value::<Softplus, _>(z), "softplus");
        assert_eq!(value::<Identity, _>(z), z);

        let slopes =
            |what, got, key| assert_slope(what, z, got, row.at(key).number(), f64::EPSILON);
        slopes("sigmoid", slope::<Sigmoid, _>(z), "dsigmoid");
        slopes("tanh", slope::<Tanh, _>(z), "dtanh");
        slopes("fast sigmoid", slope::<FastSigmoid, _>(z), "dsigmoid");
        slopes("fast tanh", slope::<FastTanh, _>(z), "dtanh");
        slopes("softplus", slope::<Softplus, _>(z), "sigmoid");
        assert_eq!(slope::<Relu, _>(z), row.at("drelu").number());
        assert_eq!(slope::<LeakyRelu, _>(z), if z > 0.0 { 1.0 } else { 0.01 });
        assert_eq!(slope::<Identity, _>(z), 1.0);
    }
    let at_zero = Json::file("activations").at("relu_derivative_at_0").number();
    assert_eq!([slope::<Relu, _>(0.0), slope::<Relu, _>(-0.0)], [at_zero; 2]);
}

#[test]
fn activations_match_golden_in_f32() {
    for row in Json::file("activations").at("table").list() {
        let z = row.at("z_f32").f32();
        let want = row.at("sigmoid_f32").f32();
        let got = value::<Sigmoid, _>(z);
        // Below -87 `e^-z` is infinite, and the subnormal result is lost: the file says to accept 0.
        if !(z < -87.0 && got == 0.0) {
            assert_ulps_f32("sigmoid", z, got, want);
        }
        assert_ulps_f32("fast sigmoid", z, value::<FastSigmoid, _>(z), want);
        assert_ulps_f32("tanh", z, value::<Tanh, _>(z), row.at("tanh_f32").f32());
        assert_ulps_f32("fast tanh", z, value::<FastTanh, _>(z), row.at("tanh_f32").f32());
        assert_eq!(value::<Relu, _>(z), z.max(0.0));
        assert_eq!(value::<Identity, _>(z), z);

        // The derivatives of the file belong to `z` in `f64`; so do these, where both are one.
        if f64::from(z) == row.at("z").number() {
            let epsilon = f32::EPSILON.into();
            let slopes = |what, got: f32, key| {
                assert_slope(what, z.into(), got.into(), row.at(key).number(), epsilon);
            };
            slopes("sigmoid", slope::<Sigmoid, _>(z), "dsigmoid");
            slopes("tanh", slope::<Tanh, _>(z), "dtanh");
            slopes("softplus", slope::<Softplus, _>(z), "sigmoid");
            assert_eq!(f64::from(slope::<Relu, _>(z)), row.at("drelu").number());
            let softplus = row.at("softplus").number() as f32;
            assert_ulps_f32("softplus", z, value::<Softplus, _>(z), softplus);
            let leaky = row.at("leaky_relu_0.01").number() as f32;
            assert_ulps_f32("leaky relu", z, value::<LeakyRelu, _>(z), leaky);
        }
    }
}

fn assert_softmax<A: Activation<T>, T: Scalar, const N: usize>(
    z: [f64; N],
    want: [f64; N],
    epsilon: f64,
) {
    let zero = [-T::ZERO; N];
    let identity =
        core::array::from_fn(|i| core::array::from_fn(|o| if i == o { T::ONE } else { T::ZERO }));
    let net = Dense::<N, N, A, T>::new(identity, zero);
    let got = net.forward(&z.map(T::from_f64));
    for ((got, want), z) in got.into_iter().zip(want).zip(z) {
        let allowed = tolerance::SOFTMAX_EPSILONS * epsilon * want;
        assert_within("softmax", z, got.to_f64(), want, allowed);
    }
    let sum = got.into_iter().sum::<T>().to_f64();
    assert_within("sum of softmax", 0.0, sum, 1.0, tolerance::SOFTMAX_EPSILONS * epsilon);
}

#[test]
fn softmax_matches_golden() {
    fn check<A: Activation + Activation<f64>>() {
        let cases = Json::file("activations").at("softmax").list();
        assert_eq!(cases.len(), 6);
        for case in cases {
            let (z, want) = (case.at("z").array::<f64, 3>(), case.at("softmax").array::<f64, 3>());
            assert_softmax::<A, f64, 3>(z, want, f64::EPSILON);
            // 0.2 is another number in `f32`, but `z - m` differs by less than an epsilon.
            assert_softmax::<A, f32, 3>(z, want, f32::EPSILON.into());
        }
    }
    check::<Softmax>();
    check::<FastSoftmax>();
}

#[test]
fn softmax_is_right_for_logits_at_the_ends_of_the_range() {
    fn check<A: Activation + Activation<f64>>() {
        for size in [1e4, 1e30, f64::from(f32::MAX)] {
            assert_softmax::<A, f64, 2>([size, -size], [1.0, 0.0], f64::EPSILON);
            assert_softmax::<A, f32, 2>([-size, size], [0.0, 1.0], f32::EPSILON.into());
            assert_softmax::<A, f32, 4>([-size; 4], [0.25; 4], f32::EPSILON.into());
            assert_softmax::<A, f32, 16>([-size; 16], [0.0625; 16], f32::EPSILON.into());
        }
        assert_softmax::<A, f64, 2>([f64::MAX, -f64::MAX], [1.0, 0.0], f64::EPSILON);
    }
    check::<Softmax>();
    check::<FastSoftmax>();
}

#[test]
fn softmax_of_nan_is_nan() {
    fn check<A: Activation + Activation<f64>>() {
        let mut some = [1.0, f32::NAN, 2.0];
        <A as Activation>::activate(&mut some);
        assert!(some.iter().all(|y| y.is_nan()), "{some:?}");
        let mut all = [f64::NAN; 11];
        <A as Activation<f64>>::activate(&mut all);
        assert!(all.iter().all(|y| y.is_nan()), "{all:?}");
    }
    check::<Softmax>();
    check::<FastSoftmax>();
}

/// Finite for every finite number, with a finite derivative; NaN for NaN.
macro_rules! ends {
    ($($name:ident: $activation:ty;)+) => {
        $(
            #[test]
            fn $name() {
                fn check<T: Scalar>(max: f64, nan: T) {
                    let small = T::MIN_POSITIVE.to_f64();
                    for size in [max, 1e4, 1000.0, 100.0, 1.0, small, 0.0] {
                        for z in [T::from_f64(size), -T::from_f64(size)] {
                            let (y, slope) = (value::<$activation, T>(z), slope::<$activation, T>(z));
                            assert!(y.is_finite(), "f({z:?}) = {y:?}");
                            assert!(slope.is_finite(), "f'({z:?}) = {slope:?}");
                        }
                    }
                    assert!(value::<$activation, T>(nan).to_f64().is_nan());
                }
                check(f32::MAX.into(), f32::NAN);
                check(f64::MAX, f64::NAN);
            }
        )+
    };
}
ends! {
    identity_is_finite_for_finite_input_and_nan_for_nan: Identity;
    sigmoid_is_finite_for_finite_input_and_nan_for_nan: Sigmoid;
    tanh_is_finite_for_finite_input_and_nan_for_nan: Tanh;
    relu_is_finite_for_finite_input_and_nan_for_nan: Relu;
    leaky_relu_is_finite_for_finite_input_and_nan_for_nan: LeakyRelu;
    elu_is_finite_for_finite_input_and_nan_for_nan: Elu;
    softplus_is_finite_for_finite_input_and_nan_for_nan: Softplus;
    hard_sigmoid_is_finite_for_finite_input_and_nan_for_nan: HardSigmoid;
    gelu_is_finite_for_finite_input_and_nan_for_nan: Gelu;
    silu_is_finite_for_finite_input_and_nan_for_nan: Silu;
    relu6_is_finite_for_finite_input_and_nan_for_nan: Relu6;
    hard_tanh_is_finite_for_finite_input_and_nan_for_nan: HardTanh;
    hard_swish_is_finite_for_finite_input_and_nan_for_nan: HardSwish;
    softsign_is_finite_for_finite_input_and_nan_for_nan: Softsign;
    fast_sigmoid_is_finite_for_finite_input_and_nan_for_nan: FastSigmoid;
    fast_tanh_is_finite_for_finite_input_and_nan_for_nan: FastTanh;
}

#[test]
fn activations_that_hold_zero_hold_both_zeros() {
    fn check<A: Activation + Activation<f64>>() {
        for zero in [0.0_f32, -0.0] {
            assert_eq!(value::<A, f32>(zero), 0.0);
            assert_eq!(value::<A, f64>(f64::from(zero)), 0.0);
        }
    }
    check::<Identity>();
    check::<Tanh>();
    check::<FastTanh>();
    check::<Relu>();
    check::<LeakyRelu>();
    check::<Elu>();
    check::<Gelu>();
    check::<Silu>();
    check::<Relu6>();
    check::<HardTanh>();
    check::<HardSwish>();
    check::<Softsign>();
    check::<Selu>();
}

#[test]
fn leaky_relu_takes_its_slope_from_the_type() {
    assert_eq!(value::<LeakyRelu<1, 4>, f32>(-8.0), -2.0);
    assert_eq!(slope::<LeakyRelu<1, 4>, f32>(-8.0), 0.25);
    assert_eq!(value::<LeakyRelu<0, 1>, f64>(-8.0), 0.0);
    assert_eq!(slope::<LeakyRelu<0, 1>, f64>(-8.0), 0.0);
    assert_eq!(value::<LeakyRelu<3, 2>, f64>(-8.0), -12.0);
}

// PyTorch's formulas, by mpmath 1.4.1 with 60 digits, rounded once to `f64`. Every `z` is an `f32`.
// P(z) = erfc(-z / sqrt(2)) / 2, s(z) = 1 / (1 + exp(-z)):
// gelu = z P(z), its derivative P(z) + z exp(-z^2 / 2) / sqrt(2 pi);
// silu = z s(z), its derivative s(z) (1 + z (1 - s(z)));
// elu = z if z > 0 else expm1(z), its derivative 1 or exp(z);
// softplus = max(z, 0) + log1p(exp(-|z|)), its derivative s(z);
// hardsigmoid = min(max(z / 6 + 1/2, 0), 1), its derivative 1/6 if |z| < 3 else 0;
// leaky_relu = z if z > 0 else z / 100, its derivative 1 or 1/100.

/// `z`, `f(z)` and `f'(z)`.
pub(crate) type Known = [(f64, f64, f64); 16];

/// Compares with a table; `allowed` says by how much a value may be off, for `z`, the value and the
/// epsilon of the type.
pub(crate) fn check_known<A: Activation + Activation<f64>>(
    what: &str,
    table: &Known,
    allowed: fn(f64, f64, f64) -> f64,
) {
    for &(z, want, want_slope) in table {
        let epsilon = f64::EPSILON;
        assert_within(what, z, value::<A, f64>(z), want, allowed(z, want, epsilon));
        assert_slope(what, z, slope::<A, f64>(z), want_slope, epsilon);

        let epsilon = f32::EPSILON.into();
        let small = z as f32;
        // Below the smallest normal number, an `f32` has fewer digits.
        let allowed = allowed(z, want, epsilon).max(f32::MIN_POSITIVE.into());
        assert_within(what, z, value::<A, f32>(small).into(), want, allowed);
        assert_slope(what, z, slope::<A, f32>(small).into(), want_slope, epsilon);
    }
}

/// As many units in the last place as for the golden numbers, at least.
pub(crate) fn ulps(_z: f64, want: f64, epsilon: f64) -> f64 {
    tolerance::KNOWN_EPSILONS * epsilon * want.abs()
}

#[test]
fn gelu_matches_known_values() {
    check_known::<Gelu>("gelu", &GELU, |_, want, epsilon| {
        tolerance::GELU_EPSILONS * epsilon * want.abs()
    });
}

#[test]
fn silu_matches_known_values() {
    check_known::<Silu>("silu", &SILU, ulps);
}

#[test]
fn elu_matches_known_values() {
    check_known::<Elu>("elu", &ELU, ulps);
}

#[test]
fn softplus_matches_known_values() {
    check_known::<Softplus>("softplus", &SOFTPLUS, ulps);
}

#[test]
fn hard_sigmoid_matches_known_values() {
    check_known::<HardSigmoid>("hard sigmoid", &HARD_SIGMOID, |_, _, epsilon| {
        tolerance::HARD_SIGMOID_EPSILONS * epsilon
    });
}

#[test]
fn leaky_relu_matches_known_values() {
    check_known::<LeakyRelu>("leaky relu", &LEAKY_RELU, ulps);
}

const GELU: Known = [
    (-40.0, 0.0, 0.0),
    (-20.0, -5.507248237212468e-88, -1.1014360483133464e-86),
    (-8.0, -4.976768459417427e-15, -3.979607261086796e-14),
    (-3.0, -0.0040496940948902835, -0.011945647204183927),
    (-2.5, -0.015524163314440337, -0.03761108590814521),
    (-1.0, -0.15865525393145705, -0.0833154705876863),
    (-0.5, -0.15426876936299344, 0.13250487534383715),
    (-0.0078125, -0.0038819007432746673, 0.49376665368732153),
    (0.0078125, 0.003930599256725333, 0.5062333463126785),
    (0.5, 0.34573123063700656, 0.8674951246561629),
    (1.0, 0.8413447460685429, 1.0833154705876864),
    (2.5, 2.4844758366855597, 1.037611085908145),
    (3.0, 2.99595030590511, 1.011945647204184),
    (8.0, 7.999999999999995, 1.0000000000000397),
    (20.0, 20.0, 1.0),
    (40.0, 40.0, 1.0),
];

const SILU: Known = [
    (-40.0, -1.6993417021166355e-16, -1.6568581595637197e-16),
    (-20.0, -4.122307236380407e-08, -3.9161918660646786e-08),
    (-8.0, -0.002682801043731825, -0.0023465512355853157),
    (-3.0, -0.14227761953270035, -0.08810410601516962),
    (-2.5, -0.18964545005310887, -0.09940111134152683),
    (-1.0, -0.2689414213699951, 0.07232948812851327),
    (-0.5, -0.18877033439907273, 0.2600388126973482),
    (-0.0078125, -0.0038909912885472407, 0.49609378973606605),
    (0.0078125, 0.003921508711452759, 0.5039062102639339),
    (0.5, 0.3112296656009273, 0.7399611873026518),
    (1.0, 0.7310585786300049, 0.9276705118714867),
    (2.5, 2.310354549946891, 1.0994011113415267),
    (3.0, 2.8577223804672998, 1.0881041060151697),
    (8.0, 7.997317198956268, 1.0023465512355854),
    (20.0, 19.99999995877693, 1.0000000391619186),
    (40.0, 40.0, 1.0000000000000002),
];

const ELU: Known = [
    (-40.0, -1.0, 4.248354255291589e-18),
    (-20.0, -0.9999999979388464, 2.061153622438558e-09),
    (-8.0, -0.9996645373720975, 0.00033546262790251185),
    (-3.0, -0.950212931632136, 0.049787068367863944),
    (-2.5, -0.9179150013761012, 0.0820849986238988),
    (-1.0, -0.6321205588285577, 0.36787944117144233),
    (-0.5, -0.3934693402873666, 0.6065306597126334),
    (-0.0078125, -0.007782061739756488, 0.9922179382602435),
    (0.0078125, 0.0078125, 1.0),
    (0.5, 0.5, 1.0),
    (1.0, 1.0, 1.0),
    (2.5, 2.5, 1.0),
    (3.0, 3.0, 1.0),
    (8.0, 8.0, 1.0),
    (20.0, 20.0, 1.0),
    (40.0, 40.0, 1.0),
];

const SOFTPLUS: Known = [
    (-40.0, 4.248354255291589e-18, 4.248354255291589e-18),
    (-20.0, 2.061153620314381e-09, 2.0611536181902037e-09),
    (-8.0, 0.00033540637289576885, 0.0003353501304664781),
    (-3.0, 0.04858735157374206, 0.04742587317756678),
    (-2.5, 0.07888973429254963, 0.07585818002124355),
    (-1.0, 0.3132616875182228, 0.2689414213699951),
    (-0.5, 0.4740769841801067, 0.37754066879814546),
    (-0.0078125, 0.6892485599350741, 0.4980468849340468),
    (0.0078125, 0.6970610599350741, 0.5019531150659532),
    (0.5, 0.9740769841801067, 0.6224593312018546),
    (1.0, 1.3132616875182228, 0.7310585786300049),
    (2.5, 2.5788897342925496, 0.9241418199787564),
    (3.0, 3.048587351573742, 0.9525741268224333),
    (8.0, 8.000335406372896, 0.9996646498695335),
    (20.0, 20.000000002061153, 0.9999999979388464),
    (40.0, 40.0, 1.0),
];

const HARD_SIGMOID: Known = [
    (-40.0, 0.0, 0.0),
    (-20.0, 0.0, 0.0),
    (-8.0, 0.0, 0.0),
    (-3.0, 0.0, 0.0),
    (-2.5, 0.08333333333333333, 0.16666666666666666),
    (-1.0, 0.3333333333333333, 0.16666666666666666),
    (-0.5, 0.4166666666666667, 0.16666666666666666),
    (-0.0078125, 0.4986979166666667, 0.16666666666666666),
    (0.0078125, 0.5013020833333334, 0.16666666666666666),
    (0.5, 0.5833333333333334, 0.16666666666666666),
    (1.0, 0.6666666666666666, 0.16666666666666666),
    (2.5, 0.9166666666666666, 0.16666666666666666),
    (3.0, 1.0, 0.0),
    (8.0, 1.0, 0.0),
    (20.0, 1.0, 0.0),
    (40.0, 1.0, 0.0),
];

const LEAKY_RELU: Known = [
    (-40.0, -0.4, 0.01),
    (-20.0, -0.2, 0.01),
    (-8.0, -0.08, 0.01),
    (-3.0, -0.03, 0.01),
    (-2.5, -0.025, 0.01),
    (-1.0, -0.01, 0.01),
    (-0.5, -0.005, 0.01),
    (-0.0078125, -7.8125e-05, 0.01),
    (0.0078125, 0.0078125, 1.0),
    (0.5, 0.5, 1.0),
    (1.0, 1.0, 1.0),
    (2.5, 2.5, 1.0),
    (3.0, 3.0, 1.0),
    (8.0, 8.0, 1.0),
    (20.0, 20.0, 1.0),
    (40.0, 40.0, 1.0),
];

/// What `Elementwise::CLAMPS` promises.
#[test]
fn activations_that_clamp_may_follow_a_maximum() {
    fn check<A: Elementwise>() {
        assert!(A::CLAMPS);
        let numbers =
            [f64::NEG_INFINITY, -2.0, -1e-300, 0.0, 1e-300, 0.5, 1.0, 3.0, 6.0, 9.0, f64::INFINITY];
        for a in numbers {
            assert_eq!(A::apply(A::apply(a)), A::apply(a));
            for b in numbers {
                assert_eq!(A::apply(a.max(b)), A::apply(a).max(A::apply(b)), "{a} {b}");
            }
        }
        assert!(A::apply(f64::NAN).is_nan());
    }
    check::<Relu>();
    check::<Identity>();
    check::<Relu6>();
    check::<HardTanh>();
    // To the bit, in any order: a maximum may take -0 for 0.
    let zeros = [-1.0, -0.0_f64, 0.0].map(Relu6::apply);
    assert_eq!(zeros.map(f64::to_bits), [0; 3]);
}
