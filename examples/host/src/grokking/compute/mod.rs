//! The computations of the example, which print nothing.

pub mod forward;
pub mod one_weight;
pub mod run;
pub mod several;
