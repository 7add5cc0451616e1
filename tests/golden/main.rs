//! Numbers and files that were computed elsewhere.

mod golden;
mod moons;
mod safetensors;
