pub mod compute;
pub mod pictures;
