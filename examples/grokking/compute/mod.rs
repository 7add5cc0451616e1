//! What the example `grokking` computes; it prints nothing.

pub(crate) mod forward;
pub(crate) mod one_weight;
pub(crate) mod run;
pub(crate) mod several;
