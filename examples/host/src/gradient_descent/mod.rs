pub mod compute;
pub mod descent;
pub mod pictures;
pub mod tell;
