//! The examples: what each computes, prints and plots.

#[cfg(feature = "devices")]
pub mod anomaly;
pub mod backprop_by_hand;
pub mod digits;
pub mod gradient_descent;
pub mod grokking;
#[cfg(feature = "devices")]
pub mod learning;
pub mod line_fit;
pub mod losses;
pub mod moons;
#[cfg(feature = "devices")]
pub mod motions;
#[cfg(feature = "devices")]
pub mod personalise;
#[cfg(feature = "devices")]
pub mod signals;
pub mod tanh_neuron;
pub mod ten_points;
pub mod train;
#[cfg(feature = "devices")]
pub mod transfer;
#[cfg(feature = "devices")]
pub mod vowels;
