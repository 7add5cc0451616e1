//! What the examples share: options, console, progress bar, rows with verdicts, files, pictures.

pub mod console;
pub mod options;
pub mod output;
pub mod plot;
pub mod progress;
pub mod rows;
pub mod run;
pub mod table;
pub mod thinning;
