//! Measuring processes: this program once more, in each of its builds, and `peers.py`. They are asked for
//! something by a line, and answer by a line, so that their turns can alternate.

use std::error::Error;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::peers::{self, PEERS};
use crate::task::Task;

/// What a peer is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Train,
    Infer,
}

impl Action {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Infer => "infer",
        }
    }
}

/// Another process that does tasks.
#[derive(Debug)]
pub struct Worker {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// Its peers.
    pub peers: Vec<String>,
    /// Sentences on those that it has not.
    pub missing: Vec<String>,
}

impl Worker {
    pub fn start(command: &mut Command) -> Result<Self, Box<dyn Error>> {
        for variable in ["RAYON_NUM_THREADS", "OMP_NUM_THREADS"] {
            command.env(variable, "1");
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = child.stdin.take().ok_or("no standard input")?;
        let output = BufReader::new(child.stdout.take().ok_or("no standard output")?);
        let mut worker = Self { child, input, output, peers: vec![], missing: vec![] };
        let list: Value = serde_json::from_str(&worker.line()?)?;
        let texts = |key: &str| serde_json::from_value::<Vec<String>>(list[key].clone());
        (worker.peers, worker.missing) = (texts("peers")?, texts("missing")?);
        Ok(worker)
    }

    fn line(&mut self) -> Result<String, Box<dyn Error>> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        if line.is_empty() {
            return Err(format!("a measuring process ended: {:?}", self.child.wait()?).into());
        }
        Ok(line.trim_end().to_owned())
    }

    fn ask(
        &mut self,
        task: &str,
        peer: &str,
        what: &str,
        epochs: usize,
    ) -> Result<String, Box<dyn Error>> {
        writeln!(self.input, "{task}\t{peer}\t{what}\t{epochs}")?;
        self.line()
    }

    /// The seconds that so many epochs take, or nothing if the peer cannot do the task.
    pub fn seconds(
        &mut self,
        task: &str,
        peer: &str,
        action: Action,
        epochs: usize,
    ) -> Result<Option<f64>, Box<dyn Error>> {
        let answer = self.ask(task, peer, action.name(), epochs)?;
        Ok(if answer == "-" { None } else { Some(answer.parse()?) })
    }

    /// Has the peer begin anew.
    pub fn restart(&mut self, task: &str, peer: &str) -> Result<(), Box<dyn Error>> {
        self.ask(task, peer, "restart", 0).map(|_| ())
    }

    /// The weights, or nothing if the peer cannot do the task.
    pub fn weights(&mut self, task: &str, peer: &str) -> Result<Option<Vec<f32>>, Box<dyn Error>> {
        let answer = self.ask(task, peer, "weights", 0)?;
        Ok(if answer == "-" { None } else { Some(serde_json::from_str(&answer)?) })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Answers until there are no more questions.
pub fn work() -> Result<(), Box<dyn Error>> {
    let names: Vec<_> = PEERS.iter().map(|(name, ..)| name).collect();
    println!("{}", json!({ "peers": names, "missing": [] }));
    let mut running = vec![];
    for line in io::stdin().lines() {
        let line = line?;
        let [task, name, what, epochs] = line.split('\t').collect::<Vec<_>>()[..] else {
            return Err("four fields are needed".into());
        };
        let key = (task.to_owned(), name.to_owned());
        if what == "restart" {
            running.retain(|(other, _)| *other != key);
        }
        let at = running.iter().position(|(other, _)| *other == key).unwrap_or_else(|| {
            running.push((key, peers::new(name, &Task::named(task))));
            running.len() - 1
        });
        let peer = &mut running[at].1;
        let epochs = epochs.parse()?;
        let start = processor_seconds();
        match what {
            "train" => peer.train(epochs),
            "infer" => peer.infer(epochs),
            "weights" => {
                println!("{}", json!(peer.weights()));
                continue;
            }
            _ => {}
        }
        println!("{}", processor_seconds() - start);
    }
    Ok(())
}

/// The time that this process has computed. Other processes do not change it, as they do the time of day.
pub fn processor_seconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes the one value that it is given.
    let status = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    assert_eq!(status, 0, "this system does not tell the time that a process has computed");
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}
