//! Numbers and files that were computed elsewhere.

#[path = "../../examples/common/mod.rs"]
mod common;
mod golden;
mod moons;
mod safetensors;
#[path = "../support/mod.rs"]
mod support;
mod worked_net;
