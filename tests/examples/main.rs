//! What the examples compute, print and draw.
#![allow(clippy::duplicate_mod, reason = "two examples share a file")]

mod anomaly;
mod backprop_by_hand;
#[path = "../../examples/common/mod.rs"]
mod common;
mod digits;
mod example_losses;
mod example_programs;
mod examples;
#[allow(clippy::arithmetic_side_effects, reason = "tests may panic")]
#[path = "../support/files.rs"]
mod files;
mod gradient_descent;
mod grokking;
#[allow(dead_code, reason = "the programs use all of it")]
#[path = "../../examples/digits/idx.rs"]
mod idx;
mod line_fit;
mod moons_example;
mod personalise;
#[path = "../support/mod.rs"]
mod support;
mod tanh_neuron;
mod ten_points;
