//! Numbers and files that were computed elsewhere.

mod golden;
mod layers;
mod load;
mod moons;
mod safetensors;
