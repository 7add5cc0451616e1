Chain::new(
    Frozen::new(Dense::new(
        [
            [0.1, 1.7976931348623157e308],
        ],
        [5e-324, f64::NAN],
    )),
    Dense::new(
        [
            [0.3333333333333333],
            [f64::from_bits(0xfff8000000000000)],
        ],
        [f64::NEG_INFINITY],
    ),
)
