pub mod compute;
pub mod pictures;
pub mod text;
