//! What the example `grokking` computes; it prints nothing.

pub mod forward;
pub mod one_weight;
pub mod run;
pub mod several;
