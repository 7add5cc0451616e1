pub mod chain;
pub mod compute;
pub mod pictures;
pub mod tell;
