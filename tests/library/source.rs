//! Networks printed as Rust source have the same bits.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

use gradlet::prelude::*;

type Features = Dense<2, 3, Tanh>;
type Net = Chain<Frozen<&'static Features>, net![3 => 2 Relu => 4 Softmax]>;
type Wide = Chain<Frozen<Dense<1, 2, Tanh, f64>>, Dense<2, 1, Identity, f64>>;

static FEATURES: Features = Dense::new(
    [[0.1, -0.0, 1.0], [f32::MAX, 1e-45, 16_777_216.0]],
    [f32::NAN, f32::from_bits(0xffa0_0001), f32::INFINITY],
);
const NET: Net = Chain::new(
    Frozen::new(&FEATURES),
    Chain::new(
        Dense::new(
            [[1.0 / 3.0, 1e10], [1e-10, -0.7], [f32::EPSILON, 0.0]],
            [f32::NEG_INFINITY, -f32::NAN],
        ),
        Dense::new([[1.0, 2.0, 3.0, 4.0], [0.5; 4]], [f32::MIN_POSITIVE, 123_456.79, 1e16, 1e-5]),
    ),
);
const WIDE: Wide = Chain::new(
    Frozen::new(Dense::new([[0.1, f64::MAX]], [5e-324, f64::NAN])),
    Dense::new([[1.0 / 3.0], [-f64::NAN]], [f64::NEG_INFINITY]),
);

/// What was printed, compiled.
const READ: Net = include!("../weights/source_f32.rs");
const WIDE_READ: Wide = include!("../weights/source_f64.rs");

#[test]
fn printed_sources_are_those_that_were_compiled() {
    assert_eq!(format!("{}\n", NET.to_source()), include_str!("../weights/source_f32.rs"));
    assert_eq!(format!("{}\n", WIDE.to_source()), include_str!("../weights/source_f64.rs"));
}

#[test]
fn compiled_sources_have_the_same_bits() {
    // NaN too, which no file takes.
    fn bits<T: Scalar, N: Layer<Format = T>>(net: &N) -> Vec<u64> {
        let mut all = vec![];
        net.visit(|_, values| all.extend(values.iter().map(|value| value.to_f64().to_bits())));
        all
    }
    assert_eq!(bits(*NET.first().layer()), bits(*READ.first().layer()));
    assert_eq!(bits(NET.rest()), bits(READ.rest()));
    assert_eq!(bits(WIDE.first().layer()), bits(WIDE_READ.first().layer()));
    assert_eq!(bits(WIDE.rest()), bits(WIDE_READ.rest()));
}
