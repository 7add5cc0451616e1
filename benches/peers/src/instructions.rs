//! Counts instructions with Valgrind's callgrind.

use std::error::Error;
use std::path::Path;
use std::process::Command;

use crate::peers;
use crate::task::Task;
use crate::worker::Action;

/// Peers whose instructions are counted.
pub const PEERS: [&str; 5] =
    ["gradlet", "gradlet, fast activations", "Rust by hand, same order", "C, same order", "C"];

/// Instructions for one example, by a program built from this package. What the program needs to start
/// is left out by counting two numbers of epochs.
pub fn count(
    program: &Path,
    task: &Task,
    peer: &str,
    action: Action,
) -> Result<f64, Box<dyn Error>> {
    let epochs = (20_000 / task.start.len() / task.len()).max(1);
    let [few, many] = [1, 1 + epochs].map(|epochs| -> Result<f64, Box<dyn Error>> {
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(program)
            .args(["--only", peer, task.name, action.name(), &epochs.to_string()])
            .output()
            .map_err(|error| format!("valgrind is needed: {error}"))?;
        let text = String::from_utf8_lossy(&output.stderr);
        let collected =
            text.split("Collected :").nth(1).and_then(|text| text.split_whitespace().next());
        Ok(collected.ok_or_else(|| format!("no count from valgrind:\n{text}"))?.parse()?)
    });
    Ok((many? - few?) / (epochs * task.len()) as f64)
}

/// What is counted: `[peer, task, action, epochs]`.
pub fn run([peer, task, action, epochs]: [&str; 4]) -> Result<(), Box<dyn Error>> {
    let (mut peer, epochs) = (peers::new(peer, &Task::named(task)), epochs.parse()?);
    if action == Action::Train.name() {
        peer.train(epochs)
    } else {
        peer.infer(epochs)
    }
    Ok(())
}
