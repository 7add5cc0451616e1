pub mod compute;
pub mod pictures;
pub mod runs;
pub mod text;
