//! Activations against PyTorch: its formulas with 60 digits, and what it gives at kinks and infinities.
#![allow(clippy::float_cmp, reason = "tests compare exactly")]

use gradlet::prelude::*;
use support::tolerance;

use crate::activations::{Known, check_known, slope, ulps, value};

// PyTorch's formulas, by mpmath 1.3.0 with 60 digits, rounded once to `f64`. PyTorch 2.15.0 gives the
// same in `f64` to a unit in the last place; its derivative of softsign is less accurate, by up to 17.
// relu6 = min(max(z, 0), 6), its derivative 1 if 0 < z < 6 else 0;
// hardtanh = min(max(z, -1), 1), its derivative 1 if -1 < z < 1 else 0;
// hardswish = z min(max(z + 3, 0), 6) / 6, its derivative 0 if z <= -3, 1 if z >= 3, else z / 3 + 1/2;
// softsign = z / (1 + |z|), its derivative 1 / (1 + |z|)^2;
// selu = s z if z > 0 else s a expm1(z), its derivative s or s a exp(z), with
// s = 1.0507009873554804934193349852946 and a = 1.6732632423543772848170429916717.

fn exactly(_z: f64, _want: f64, _epsilon: f64) -> f64 {
    tolerance::EXACT
}

#[test]
fn relu6_matches_known_values() {
    check_known::<Relu6>("relu6", &RELU6, exactly);
}

#[test]
fn hard_tanh_matches_known_values() {
    check_known::<HardTanh>("hard tanh", &HARD_TANH, exactly);
}

#[test]
fn hard_swish_matches_known_values() {
    check_known::<HardSwish>("hard swish", &HARD_SWISH, ulps);
}

#[test]
fn softsign_matches_known_values() {
    check_known::<Softsign>("softsign", &SOFTSIGN, ulps);
}

#[test]
fn selu_matches_known_values() {
    check_known::<Selu>("selu", &SELU, ulps);
}

/// Numbers of PyTorch 2.15.0.
#[test]
fn derivatives_at_kinks_are_those_of_pytorch() {
    fn check<A: Activation + Activation<f64>>(points: &[(f32, f32)]) {
        for &(z, want) in points {
            let what = core::any::type_name::<A>();
            assert_eq!(slope::<A, f32>(z), want, "{what} at {z}");
            let near = slope::<A, f64>(z.into()) - f64::from(want);
            assert!(near.abs() <= f64::from(f32::EPSILON), "{what} at {z} in f64");
        }
    }
    check::<Relu6>(&[(-0.0, 0.0), (0.0, 0.0), (6.0, 0.0)]);
    check::<HardTanh>(&[(-1.0, 0.0), (-0.0, 1.0), (1.0, 0.0)]);
    check::<HardSwish>(&[(-3.0, 0.0), (-0.0, 0.5), (3.0, 1.0)]);
    check::<Softsign>(&[(-0.0, 1.0), (0.0, 1.0)]);
    check::<Selu>(&[(-0.0, 1.758_099_3), (0.0, 1.758_099_3)]);
}

/// Numbers of PyTorch 2.15.0.
#[test]
fn values_of_infinities_are_those_of_pytorch() {
    fn check<A: Activation + Activation<f64>>(want: [f32; 2]) {
        let infinities = [f32::NEG_INFINITY, f32::INFINITY];
        for (z, want) in infinities.into_iter().zip(want) {
            let (single, double) = (value::<A, f32>(z), value::<A, f64>(z.into()));
            let what = core::any::type_name::<A>();
            assert_eq!(single.is_nan(), want.is_nan(), "{what} of {z}");
            assert_eq!(double.is_nan(), want.is_nan(), "{what} of {z} in f64");
            if !want.is_nan() {
                #[allow(clippy::cast_possible_truncation, reason = "it is rounded")]
                let double = double as f32;
                assert_eq!([single, double], [want; 2], "{what} of {z}");
            }
        }
    }
    check::<Relu6>([0.0, 6.0]);
    check::<HardTanh>([-1.0, 1.0]);
    check::<HardSwish>([f32::NAN, f32::INFINITY]);
    check::<Softsign>([f32::NAN; 2]);
    check::<Selu>([-1.758_099_3, f32::INFINITY]);
}

/// A multiple of the largest number is infinite, as in PyTorch.
#[test]
fn selu_is_finite_up_to_the_largest_number_and_nan_for_nan() {
    for z in [-f32::MAX, -1e4, -1.0, -0.0, 0.0, f32::MIN_POSITIVE, 1.0, 1e4, 0.95 * f32::MAX] {
        assert!(value::<Selu, f32>(z).is_finite() && slope::<Selu, f32>(z).is_finite(), "{z}");
    }
    assert_eq!(value::<Selu, f32>(f32::MAX), f32::INFINITY);
    assert_eq!(value::<Selu, f64>(f64::MAX), f64::INFINITY);
    assert!(value::<Selu, f32>(f32::NAN).is_nan() && value::<Selu, f64>(f64::NAN).is_nan());
}

const RELU6: Known = [
    (-40.0, 0.0, 0.0),
    (-20.0, 0.0, 0.0),
    (-8.0, 0.0, 0.0),
    (-3.0, 0.0, 0.0),
    (-2.5, 0.0, 0.0),
    (-1.0, 0.0, 0.0),
    (-0.5, 0.0, 0.0),
    (-0.0078125, 0.0, 0.0),
    (0.0078125, 0.0078125, 1.0),
    (0.5, 0.5, 1.0),
    (1.0, 1.0, 1.0),
    (2.5, 2.5, 1.0),
    (3.0, 3.0, 1.0),
    (8.0, 6.0, 0.0),
    (20.0, 6.0, 0.0),
    (40.0, 6.0, 0.0),
];

const HARD_TANH: Known = [
    (-40.0, -1.0, 0.0),
    (-20.0, -1.0, 0.0),
    (-8.0, -1.0, 0.0),
    (-3.0, -1.0, 0.0),
    (-2.5, -1.0, 0.0),
    (-1.0, -1.0, 0.0),
    (-0.5, -0.5, 1.0),
    (-0.0078125, -0.0078125, 1.0),
    (0.0078125, 0.0078125, 1.0),
    (0.5, 0.5, 1.0),
    (1.0, 1.0, 0.0),
    (2.5, 1.0, 0.0),
    (3.0, 1.0, 0.0),
    (8.0, 1.0, 0.0),
    (20.0, 1.0, 0.0),
    (40.0, 1.0, 0.0),
];

const HARD_SWISH: Known = [
    (-40.0, 0.0, 0.0),
    (-20.0, 0.0, 0.0),
    (-8.0, 0.0, 0.0),
    (-3.0, 0.0, 0.0),
    (-2.5, -0.20833333333333334, -0.3333333333333333),
    (-1.0, -0.3333333333333333, 0.16666666666666666),
    (-0.5, -0.20833333333333334, 0.3333333333333333),
    (-0.0078125, -0.0038960774739583335, 0.4973958333333333),
    (0.0078125, 0.003916422526041667, 0.5026041666666666),
    (0.5, 0.2916666666666667, 0.6666666666666666),
    (1.0, 0.6666666666666666, 0.8333333333333334),
    (2.5, 2.2916666666666665, 1.3333333333333333),
    (3.0, 3.0, 1.0),
    (8.0, 8.0, 1.0),
    (20.0, 20.0, 1.0),
    (40.0, 40.0, 1.0),
];

const SOFTSIGN: Known = [
    (-40.0, -0.975609756097561, 0.000594883997620464),
    (-20.0, -0.9523809523809523, 0.0022675736961451248),
    (-8.0, -0.8888888888888888, 0.012345679012345678),
    (-3.0, -0.75, 0.0625),
    (-2.5, -0.7142857142857143, 0.08163265306122448),
    (-1.0, -0.5, 0.25),
    (-0.5, -0.3333333333333333, 0.4444444444444444),
    (-0.0078125, -0.007751937984496124, 0.9845562165735232),
    (0.0078125, 0.007751937984496124, 0.9845562165735232),
    (0.5, 0.3333333333333333, 0.4444444444444444),
    (1.0, 0.5, 0.25),
    (2.5, 0.7142857142857143, 0.08163265306122448),
    (3.0, 0.75, 0.0625),
    (8.0, 0.8888888888888888, 0.012345679012345678),
    (20.0, 0.9523809523809523, 0.0022675736961451248),
    (40.0, 0.975609756097561, 0.000594883997620464),
];

const SELU: Known = [
    (-40.0, -1.7580993408473768, 7.469028815914292e-18),
    (-20.0, -1.758099337223664, 3.6237128249944117e-09),
    (-8.0, -1.7575095642223826, 0.0005897766249943349),
    (-3.0, -1.670568728767112, 0.08753061208026489),
    (-2.5, -1.6137857588732425, 0.1443135819741343),
    (-1.0, -1.1113307378125628, 0.6467686030348141),
    (-0.5, -0.6917581878028713, 1.0663411530445055),
    (-0.0078125, -0.013681637615099471, 1.7444177032322774),
    (0.0078125, 0.008208601463714691, 1.0507009873554805),
    (0.5, 0.5253504936777402, 1.0507009873554805),
    (1.0, 1.0507009873554805, 1.0507009873554805),
    (2.5, 2.6267524683887014, 1.0507009873554805),
    (3.0, 3.1521029620664414, 1.0507009873554805),
    (8.0, 8.405607898843844, 1.0507009873554805),
    (20.0, 21.01401974710961, 1.0507009873554805),
    (40.0, 42.02803949421922, 1.0507009873554805),
];
