//! Small neural networks whose shape is their type.
#![no_std]
#![forbid(unsafe_code)]

mod activation;
mod fit;
#[cfg(feature = "rand_core")]
pub mod init;
mod kernel;
mod layer;
mod loss;
pub mod metrics;
mod optimizer;
pub mod prelude;
pub mod preprocess;
mod scalar;
pub mod schedule;
mod trainer;

pub use activation::*;
pub use fit::*;
pub use layer::*;
pub use loss::*;
pub use optimizer::*;
pub use scalar::*;
pub use trainer::*;
