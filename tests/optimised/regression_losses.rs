//! Log-cosh and pinball losses: known values and closed forms.
#![allow(clippy::float_cmp, reason = "tests compare exactly")]

use gradlet::prelude::*;
use support::{Rng, assert_close, tolerance};

use crate::losses::{delta, loss};

#[test]
fn log_cosh_losses_match_known_values() {
    fn check<T: Scalar>(epsilon: f64) {
        for (e, want, slope) in LOG_COSH {
            let (z, t) = ([T::from_f64(e)], [T::ZERO]);
            let got = loss::<LogCosh, Identity, T, 1>(z, t).to_f64();
            let allowed = tolerance::LOSS_EPSILONS * epsilon * want;
            assert!((got - want).abs() <= allowed, "{e}: got {got:e}, want {want:e}");
            let [got] = delta::<LogCosh, Identity, T, 1>(z, t).map(T::to_f64);
            let allowed = tolerance::LOSS_EPSILONS * epsilon * slope.abs();
            assert!((got - slope).abs() <= allowed, "{e}: got {got:e}, want {slope:e}");
        }
    }
    check::<f64>(f64::EPSILON);
    check::<f32>(f32::EPSILON.into());
}

#[test]
fn log_cosh_losses_are_finite_for_the_largest_error_and_sums_over_the_outputs() {
    assert_eq!(loss::<LogCosh, Identity, f32, 1>([f32::MAX], [0.0]), f32::MAX);
    assert_eq!(delta::<LogCosh, Identity, f32, 1>([-f32::MAX], [0.0]), [-1.0]);
    let [a, b] = [1.5, -0.25].map(|e| loss::<LogCosh, Identity, f64, 1>([e], [0.0]));
    assert_eq!(loss::<LogCosh, Identity, f64, 2>([2.5, 0.75], [1.0, 1.0]), a + b);
}

#[test]
fn pinball_losses_are_the_quantile_times_the_error() {
    type Upper = Pinball<3, 4>;
    let (z, t) = ([5.0, 1.0, 2.0_f32], [1.0, 5.0, 2.0]);
    assert_eq!(loss::<Upper, Identity, f32, 3>(z, t), 0.25 * 4.0 + 0.75 * 4.0);
    // At the kink, where they are equal, it is 0.
    assert_eq!(delta::<Upper, Identity, f32, 3>(z, t), [0.25, -0.75, 0.0]);
    // What is left of the quantile is not a difference.
    let [above] = delta::<Pinball<999_999, 1_000_000>, Identity, f32, 1>([1.0], [0.0]);
    assert_eq!(above, 1e-6);
    let mut rng = Rng(9);
    for _ in 0..100 {
        let (z, t) = (rng.array::<f64, 3>(-2.0, 2.0), rng.array::<f64, 3>(-2.0, 2.0));
        let upper = loss::<Upper, Identity, f64, 3>(z, t);
        let lower = loss::<Pinball<1, 4>, Identity, f64, 3>(z, t);
        let size = loss::<AbsoluteError, Identity, f64, 3>(z, t);
        // Each error counts as a whole in both together; for the median, as a half.
        assert_close("both", upper + lower, size, tolerance::F64_PASS);
        let median = loss::<Pinball<1, 2>, Identity, f64, 3>(z, t);
        assert_close("median", median, 0.5 * size, tolerance::F64_PASS);
    }
}

// By mpmath 1.3.0 with 60 digits, rounded once to `f64`. PyTorch 2.15.0 gives the same for
// `log(cosh(e))` of errors from 0.5 to 20; it is infinite above 710, and has fewer digits near 0.

/// The error, its loss and the derivative.
const LOG_COSH: [(f64, f64, f64); 11] = [
    (-1000.0, 999.3068528194401, -1.0),
    (-20.0, 19.306852819440056, -1.0),
    (-1.5, 0.8554401710137968, -0.9051482536448664),
    (-1.0, 0.4337808304830272, -0.7615941559557649),
    (-0.984375, 0.4219325964442052, -0.7549535749636817),
    (-0.0078125, 3.051726768919445e-05, -0.007812341058161014),
    (0.0, 0.0, 0.0),
    (9.094947017729282e-13, 4.1359030627651384e-25, 9.094947017729282e-13),
    (0.5, 0.12011450695827752, 0.46211715726000974),
    (1.015625, 0.4457316004075233, 0.7680785634920665),
    (700.0, 699.3068528194401, 1.0),
];
