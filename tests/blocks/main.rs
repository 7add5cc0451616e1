//! Layers that consist of layers, normalise or drop.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "tests may panic, and compare exactly"
)]

mod check;
mod dropout;
mod embedding;
mod initial_state;
mod norm;
mod parallel;
mod prelu;
mod recurrent;
mod residual;
mod streaming;
