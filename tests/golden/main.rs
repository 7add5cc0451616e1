//! Numbers and files that were computed elsewhere.

mod golden;
mod layers;
mod moons;
mod safetensors;
