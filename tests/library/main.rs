//! What the library reads and writes, and its smaller parts.
// For `deep`: the oldest supported compiler needs it, newer ones only from about 100 layers on.
#![recursion_limit = "256"]

mod conversion;
mod convolutions;
mod deep;
mod early_stopping;
mod exports;
#[cfg(feature = "embedded-storage-v0.3")]
mod flash {
    #![allow(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        clippy::unwrap_used,
        reason = "tests may panic"
    )]
    #![allow(unreachable_pub, reason = "the documentation includes the same file")]
    #![allow(dead_code, clippy::cast_possible_truncation, reason = "for tests of flash")]
    include!("../simulated/flash.rs");
}
mod fixed;
mod fixed_convolutions;
mod fixed_half;
mod fixed_metrics;
mod fixed_optimizers;
mod fixed_range;
mod flat;
mod formats;
mod modules;
mod outside_files;
#[allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "tests may panic"
)]
#[path = "../support/outside/mod.rs"]
mod outside_layers;
mod recurrent;
mod round_trip;
mod scaling;
mod sizes;
mod source;
