pub mod compute;
pub mod drawing;
pub mod hidden;
pub mod idx;
pub mod pictures;
