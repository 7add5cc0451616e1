pub mod compute;
pub mod pictures;
pub mod sections;
pub mod text;
