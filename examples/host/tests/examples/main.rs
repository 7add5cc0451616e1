//! What the examples compute, print and draw.

mod anomaly;
mod backprop_by_hand;
mod digits;
mod gradient_descent;
mod grokking;
mod line_fit;
mod losses;
mod moons;
mod motions;
mod personalise;
mod pictures;
mod programs;
mod quantized;
mod quotes;
mod signals;
mod tanh_neuron;
mod ten_points;
mod train;
mod transfer;
mod vowels;
