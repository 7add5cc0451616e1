//! A network of one hidden layer, trained on a CSV file.

pub mod compute;
pub mod export;
pub mod table;
