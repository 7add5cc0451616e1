//! Tests of many networks: these take longer to optimise than to run as they are.

mod convolutions;
mod gradients;
mod not_finite;
mod optimizers;
mod outside;
#[allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "tests may panic"
)]
#[path = "../support/outside/mod.rs"]
mod outside_layers;
mod training;
mod weights;
