//! Layers that need less memory in training.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "tests may panic, and compare exactly"
)]

mod bias_only;
#[path = "../blocks/check.rs"]
mod check;
mod compact;
mod fused;
mod recompute;
