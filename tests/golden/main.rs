//! Numbers and files that were computed elsewhere.

mod golden;
mod layers;
mod load;
mod mlperf;
mod moons;
mod quantized;
mod safetensors;
