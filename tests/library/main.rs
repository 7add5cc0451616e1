//! What the library computes, reads and writes.
// For `deep`: the oldest supported compiler needs it, newer ones only from about 100 layers on.
#![recursion_limit = "256"]

mod activations;
#[path = "../../examples/common/mod.rs"]
mod common;
mod deep;
mod early_stopping;
mod exports;
mod flat;
mod formats;
mod golden;
mod losses;
mod modules;
mod moons;
mod outside_files;
#[allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "tests may panic"
)]
#[path = "../support/outside/mod.rs"]
mod outside_layers;
mod round_trip;
mod safetensors;
mod safetensors_properties;
mod sizes;
mod source;
mod store_power;
#[path = "../support/mod.rs"]
mod support;
mod thresholds;
mod tiles;
mod whole_range;
mod worked_net;
