Chain::new(
    Frozen::new(&const { Dense::new(
        [
            [0.1, -0.0, 1.0],
            [3.4028235e38, 1e-45, 16777216.0],
        ],
        [f32::NAN, f32::from_bits(0xffa00001), f32::INFINITY],
    ) }),
    Chain::new(
        Dense::new(
            [
                [0.33333334, 10000000000.0],
                [1e-10, -0.7],
                [1.1920929e-7, 0.0],
            ],
            [f32::NEG_INFINITY, f32::from_bits(0xffc00000)],
        ),
        Dense::new(
            [
                [1.0, 2.0, 3.0, 4.0],
                [0.5, 0.5, 0.5, 0.5],
            ],
            [1.1754944e-38, 123456.79, 1e16, 1e-5],
        ),
    ),
)
