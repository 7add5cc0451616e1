//! A progress bar for people, not for pipes.

use std::io::{IsTerminal, stderr, stdout};

use indicatif::{ProgressBar, ProgressStyle};

/// A bar on standard error that counts to `length`; hidden unless standard output and standard
/// error are both a terminal.
pub fn bar(length: u64, what: &'static str) -> ProgressBar {
    if !(stdout().is_terminal() && stderr().is_terminal()) {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{prefix} {bar:40} {human_pos} of {human_len} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length).with_style(style).with_prefix(what)
}
