//! Networks in another number format.
#![allow(clippy::unwrap_used, clippy::float_cmp, reason = "tests may panic")]

use gradlet::convert::{ConvertError, compare, convert};
use gradlet::prelude::*;

type Of<F> = net![F; 2 => 3 Tanh => 2 Sigmoid];

/// Weights of all sizes.
fn floats() -> Of<f64> {
    let (mut net, mut number) = (Of::ZERO, 0.013_f64);
    net.visit_mut(|_, values| {
        for value in values {
            number = -number * 1.4;
            *value = number;
        }
    });
    net
}

#[test]
fn weights_go_there_and_back() {
    let net = floats();
    let mut fixed = Of::<Fixed>::ZERO;
    let conversion = convert(&net, &mut fixed).unwrap();
    assert_eq!((conversion.tensor, conversion.largest), (3, net.rest().bias()[1].abs()));
    assert!(conversion.largest_error > 0.0 && conversion.largest_error < 0.6 / 67_108_864.0);
    let mut back = Of::<f64>::ZERO;
    let exact = convert(&fixed, &mut back).unwrap();
    assert_eq!(exact.largest_error, 0.0);
    let mut again = Of::<Fixed>::ZERO;
    convert(&back, &mut again).unwrap();
    assert_eq!(again, fixed);
    // Order and names are those of the source.
    assert!((back.first().weights()[1][2] - net.first().weights()[1][2]).abs() < 1e-7);
    let mut singles = Of::<f32>::ZERO;
    assert!(convert(&fixed, &mut singles).unwrap().largest_error < 1e-6);
}

#[test]
fn what_is_beyond_the_range_is_refused() {
    for value in [32.0, -32.0, 1e9, f64::NAN, f64::NEG_INFINITY] {
        let mut net = floats();
        net.rest_mut().weights_mut()[2][1] = value;
        let mut fixed = Of::<Fixed>::ZERO;
        let error = convert(&net, &mut fixed).unwrap_err();
        assert_eq!((error.tensor, error.index), (2, 5), "{error}");
        assert!(error.value == value || value.is_nan());
        assert_eq!(fixed, Of::ZERO);
    }
    let error = ConvertError { value: 40.0, tensor: 2, index: 5 };
    assert_eq!(
        error.to_string(),
        "parameter 5 of tensor 2 is 40, beyond the range of the other number format"
    );
}

#[test]
fn outputs_are_compared() {
    let net = floats();
    let mut fixed = Of::<Fixed>::ZERO;
    convert(&net, &mut fixed).unwrap();
    let inputs = [[0.5, -0.25], [63.9, 0.0], [64.5, 0.0], [f64::NAN, 0.0], [-1.0, 1.0]];
    let found = compare(&net, &fixed, &inputs);
    assert_eq!((found.count, found.out_of_range, found.other_class), (5, 2, 0));
    assert!(found.largest_error < 2e-3 && found.mean_error <= found.largest_error, "{found:?}");
    // A sum beyond the range: 15.5 * 40.
    type Line<F> = net![F; 1 => 1 Identity];
    let steep = Line::<f32>::new([[15.5]], [0.0]);
    let mut fixed = Line::<Fixed>::ZERO;
    convert(&steep, &mut fixed).unwrap();
    assert_eq!(compare(&steep, &fixed, &[[1.0], [40.0]]).out_of_range, 1);
}
