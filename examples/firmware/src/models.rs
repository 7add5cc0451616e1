//! Nets.
use gradlet::prelude::*;

/// The worked 2-2-2 network with the weights that it starts from.
pub const WORKED_NET: Mlp<2, 2, 2> = Mlp::new(
    Dense::from_rows([[0.1, 0.2], [0.3, 0.4]], [0.55, 0.56]),
    Dense::from_rows([[0.5, 0.6], [0.7, 0.8]], [0.66, 0.67]),
);
