//! The tables, in Markdown.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;

use crate::peak::Peak;
use crate::task::Task;
use crate::worker::Action;
use crate::{Entry, Source, instructions};

const BEGIN: &str = "<!-- Written by `cargo run --release`. -->\n";
const END: &str = "<!-- End of what is written. -->\n";

/// Tasks without the smaller networks for the moons: those count together, as a job.
pub fn columns(tasks: &[Task]) -> impl Iterator<Item = (usize, &Task)> {
    tasks.iter().enumerate().filter(|(_, task)| task.batch != 60 || task.sizes[1] == 50)
}

/// Times of all peers, and the share of the core's peak that gradlet reaches.
pub fn times(tasks: &[Task], sources: &[Source], entries: &[Entry], peak: Option<Peak>) -> String {
    let mut text = String::new();
    for (target, name) in [("x86-64", "any x86-64"), ("native", "this processor")] {
        for action in [Action::Train, Action::Infer] {
            let what = match action {
                Action::Train => "Nanoseconds per training example",
                Action::Infer => "Nanoseconds per inference",
            };
            let _ = writeln!(text, "{what}, compiled for {name} (times gradlet's):\n");
            text += &one(tasks, sources, entries, target, action);
        }
    }
    if let Some(peak) = peak {
        text += &shares(tasks, sources, entries, peak);
    }
    let missing: Vec<_> = sources.iter().flat_map(|source| &source.worker.missing).collect();
    for sentence in missing {
        let _ = writeln!(text, "{sentence}\n");
    }
    text
}

fn one(
    tasks: &[Task],
    sources: &[Source],
    entries: &[Entry],
    target: &str,
    action: Action,
) -> String {
    let is_training = action == Action::Train;
    let mut text = String::from("| |");
    for (_, task) in columns(tasks) {
        let _ = write!(text, " {} |", task.name);
        if is_training && task.batch == 60 {
            text += " moons, s |";
        }
    }
    let count = text.matches('|').count() - 2;
    let _ = writeln!(text, "\n|---|{}", "---:|".repeat(count));
    let of = |entry: &Entry| sources[entry.source].target;
    // What there is once only stands in all tables.
    let is_here = |entry: &&Entry| {
        let is_other = |other: &Entry| other.peer == entry.peer && of(other) == Some(target);
        of(entry) == Some(target) || !entries.iter().any(is_other)
    };
    let gradlet = entries.iter().filter(is_here).find(|entry| entry.peer == "gradlet");
    for entry in entries.iter().filter(is_here) {
        let _ = write!(text, "| {} |", entry.peer);
        let mut cell = |value: Option<f64>, unit: Option<f64>| {
            text += &match (value, unit) {
                (Some(value), Some(unit)) => {
                    format!(" {} ({}) |", digits(value), digits(value / unit))
                }
                _ => " |".to_owned(),
            };
        };
        for (at, task) in columns(tasks) {
            let time = |entry: &Entry| entry.times[at][action as usize];
            cell(time(entry), gradlet.and_then(time));
            if is_training && task.batch == 60 {
                cell(entry.job, gradlet.and_then(|gradlet| gradlet.job));
            }
        }
        text += "\n";
    }
    text + "\n"
}

fn shares(tasks: &[Task], sources: &[Source], entries: &[Entry], peak: Peak) -> String {
    let Peak { separate, fused, lanes } = peak;
    let mut text = format!(
        "In registers, one core computes {separate:.0} GFLOP/s with separate multiplications and additions"
    );
    if let Some(fused) = fused {
        let _ = write!(text, ", {fused:.0} with fused ones");
    }
    let _ = writeln!(text, ", in vectors of {lanes}. Share of the former in gradlet's training:\n");
    let _ = writeln!(
        text,
        "| compiled for |{}\n|---|{}",
        columns(tasks).map(|(_, task)| format!(" {} |", task.name)).collect::<String>(),
        "---:|".repeat(columns(tasks).count())
    );
    for entry in entries.iter().filter(|entry| entry.peer == "gradlet") {
        let _ = write!(text, "| {} |", sources[entry.source].target.unwrap_or_default());
        for (at, task) in columns(tasks) {
            let time = entry.times[at][Action::Train as usize];
            let share = time.map_or(0.0, |time| task.operations() / time / separate);
            let _ = write!(text, " {:.1} % |", 100.0 * share);
        }
        text += "\n";
    }
    text + "\n"
}

/// Instructions, in the order of [`instructions::PEERS`].
pub fn instructions(counts: &[(&str, Action, &str, Vec<f64>)]) -> String {
    let mut text =
        String::from("Instructions per example (gradlet's by those of this peer):\n\n| | |");
    for peer in instructions::PEERS {
        let _ = write!(text, " {peer} |");
    }
    let _ = writeln!(text, "\n|---|---|{}", "---:|".repeat(instructions::PEERS.len()));
    for (task, action, target, counts) in counts {
        let _ = write!(text, "| {task}, {} | {target} |", action.name());
        for count in counts {
            let _ = write!(text, " {} ({:.2}) |", digits(*count), counts[0] / count);
        }
        text += "\n";
    }
    text + "\n"
}

/// Three digits, or all before the point.
fn digits(value: f64) -> String {
    match value {
        ..9.995 => format!("{value:.2}"),
        ..99.95 => format!("{value:.1}"),
        _ => {
            let digits = format!("{value:.0}");
            let mut text = String::new();
            for (at, digit) in digits.chars().enumerate() {
                if at > 0 && (digits.len() - at) % 3 == 0 {
                    text.push(',');
                }
                text.push(digit);
            }
            text
        }
    }
}

/// Puts the tables into the README.
pub fn write(text: &str) -> Result<(), Box<dyn Error>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = fs::read_to_string(path)?;
    let (before, rest) = readme.split_once(BEGIN).ok_or("README.md has no place for the tables")?;
    let (_, after) = rest.split_once(END).ok_or("README.md has no end of the tables")?;
    fs::write(path, format!("{before}{BEGIN}\n{text}{END}{after}"))?;
    Ok(())
}
