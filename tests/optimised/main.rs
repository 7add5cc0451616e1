//! Tests that `tests/all.sh` optimises: they compute for long, or what they test is what the optimiser
//! changes most.

mod activations;
mod fixed;
mod fixed_losses;
mod focal_losses;
mod known_activations;
mod losses;
mod mean_loss;
mod regression_losses;
mod safetensors_properties;
mod store_power;
mod thresholds;
mod tiles;
mod whole_range;
