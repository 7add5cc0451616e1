//! What the examples share: options, console, progress bar, output files and pictures.
#![allow(dead_code, reason = "each example uses its own part")]

pub(crate) mod console;
pub(crate) mod options;
pub(crate) mod output;
pub(crate) mod plot;
pub(crate) mod progress;
pub(crate) mod rows;
pub(crate) mod run;
pub(crate) mod table;
pub(crate) mod thinning;
