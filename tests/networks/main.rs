//! Tests of many networks: these take longer to optimise than to run as they are.

mod gradients;
mod not_finite;
mod optimizers;
#[path = "../support/mod.rs"]
mod support;
mod training;
