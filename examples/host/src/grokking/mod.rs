pub mod compute;
pub mod explain;
pub mod ideas;
pub mod pictures;
pub mod text;
