//! Numbers and files that were computed elsewhere.

mod golden;
mod int8_files;
mod layers;
mod load;
mod mlperf;
mod moons;
mod quantized;
mod safetensors;
mod tflite;
