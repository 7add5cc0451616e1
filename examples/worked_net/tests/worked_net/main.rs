//! The example `worked_net`.

mod numbers;
mod program;
