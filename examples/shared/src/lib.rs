//! Shared code of the examples: command-line options, console, progress bar, rows with verdicts,
//! files, charts.

pub mod console;
pub mod lesson;
pub mod options;
pub mod output;
pub mod plot;
pub mod progress;
pub mod run;
pub mod table;
pub mod thinning;
