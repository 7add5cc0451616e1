//! Measures gradlet beside other libraries, C, and loops written by hand, and writes the tables of
//! `README.md`.

mod instructions;
mod peak;
mod peers;
mod table;
mod task;
mod worker;
#[allow(dead_code, reason = "the benchmarks of the library use more of it")]
#[path = "../../workloads/mod.rs"]
mod workloads;

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::Parser;
use serde_json::json;

use task::Task;
use worker::{Action, Worker};

/// Measures gradlet beside other libraries, C, and loops written by hand, on one core. Writes the
/// tables of README.md.
#[derive(Debug, Parser)]
struct Options {
    /// A tenth of the measurements, without counting instructions; prints, and writes nothing
    #[arg(long)]
    quick: bool,
    /// How often each time is measured, of which the median counts
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..))]
    repetitions: u32,
    /// Python with the libraries to be measured [default: a new environment in the target folder]
    #[arg(long, value_name = "PROGRAM")]
    python: Option<PathBuf>,
    /// Print the tables only
    #[arg(long)]
    keep_readme: bool,
    #[arg(long, hide = true)]
    worker: bool,
    #[arg(long, hide = true, num_args = 4)]
    only: Option<Vec<String>>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let result = match &options.only {
        _ if options.worker => worker::work(),
        Some(only) => instructions::run([&only[0], &only[1], &only[2], &only[3]]),
        None => compare(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A build of this program, or Python.
#[derive(Debug)]
struct Source {
    /// The processor that it was compiled for; none for Python.
    target: Option<&'static str>,
    worker: Worker,
}

/// The times of one peer.
#[derive(Debug)]
struct Entry {
    source: usize,
    peer: String,
    /// For each task: nanoseconds per example of training and of inference.
    times: Vec<[Option<f64>; 2]>,
    /// Seconds for the whole job of the moons.
    job: Option<f64>,
}

fn compare(options: &Options) -> Result<(), Box<dyn Error>> {
    let program = env::current_exe()?;
    let target = program.ancestors().nth(2).ok_or("the program is not in a target folder")?;
    let tasks = Task::all();

    eprintln!("building for this processor");
    let native = build(target, "native")?;
    let mut sources = vec![
        Source {
            target: Some("x86-64"),
            worker: Worker::start(Command::new(&program).arg("--worker"))?,
        },
        Source {
            target: Some("native"),
            worker: Worker::start(Command::new(&native).arg("--worker"))?,
        },
    ];
    match python(options, target) {
        Ok(python) => {
            let file = target.join("tasks.json");
            fs::write(&file, tasks_as_json(&tasks))?;
            let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers.py");
            let worker = Worker::start(Command::new(python).arg(script).arg(file))?;
            sources.push(Source { target: None, worker });
        }
        Err(error) => eprintln!("without Python: {error}"),
    }
    sources.iter().flat_map(|source| &source.worker.missing).for_each(|text| eprintln!("{text}"));

    let mut entries: Vec<_> = sources
        .iter()
        .enumerate()
        .flat_map(|(source, Source { worker, .. })| {
            let entry =
                move |peer: &String| Entry { source, peer: peer.clone(), times: vec![], job: None };
            worker.peers.iter().map(entry)
        })
        .collect();
    eprintln!("comparing weights");
    compare_weights(&tasks, &mut sources, &entries)?;
    measure(options, &tasks, &mut sources, &mut entries)?;
    let peak = peak::measure();

    let mut text = table::times(&tasks, &sources, &entries, peak);
    if !options.quick {
        let v3 = build(target, "x86-64-v3")?;
        let mut counts = vec![];
        for (_, task) in table::columns(&tasks) {
            for action in [Action::Train, Action::Infer] {
                for (target, program) in [("x86-64", &program), ("x86-64-v3", &v3)] {
                    eprintln!("counting instructions: {}, {}, {target}", task.name, action.name());
                    let counted = instructions::PEERS
                        .map(|peer| instructions::count(program, task, peer, action));
                    let counted = counted.into_iter().collect::<Result<Vec<_>, _>>()?;
                    counts.push((task.name, action, target, counted));
                }
            }
        }
        text += &table::instructions(&counts);
    }
    print!("{text}");
    if !options.quick && !options.keep_readme {
        table::write(&text)?;
    }
    Ok(())
}

/// Builds this package for another processor, without what takes long; returns the program.
fn build(target: &Path, cpu: &str) -> Result<PathBuf, Box<dyn Error>> {
    let folder = target.join(cpu);
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let status = cargo
        .args(["build", "--release", "--locked", "--no-default-features"])
        .args(["--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")])
        .arg("--target-dir")
        .arg(&folder)
        .env("RUSTFLAGS", format!("-Ctarget-cpu={cpu}"))
        .status()?;
    if !status.success() {
        return Err(format!("it does not compile for {cpu}").into());
    }
    Ok(folder.join("release").join(env!("CARGO_PKG_NAME")))
}

/// The Python to use: the one that was asked for, or one of an environment in the target folder.
fn python(options: &Options, target: &Path) -> Result<PathBuf, Box<dyn Error>> {
    if let Some(python) = &options.python {
        return Ok(python.clone());
    }
    let run = |command: &mut Command| -> Result<(), Box<dyn Error>> {
        let status = command.status()?;
        if status.success() { Ok(()) } else { Err(format!("{command:?} failed").into()) }
    };
    let folder = target.join("venv");
    let python = folder.join("bin/python");
    if !python.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    }
    let requirements = concat!(env!("CARGO_MANIFEST_DIR"), "/requirements.txt");
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "-r", requirements]))?;
    Ok(python)
}

fn tasks_as_json(tasks: &[Task]) -> String {
    let values = |task: &Task| {
        json!({
            "sizes": task.sizes,
            "kind": format!("{:?}", task.kind),
            "batch": task.batch,
            "learning_rate": task.learning_rate,
            "inputs": task.inputs,
            "targets": task.targets,
            "start": task.start,
        })
    };
    let tasks = tasks.iter().map(|task| (task.name.to_owned(), values(task)));
    serde_json::Value::Object(tasks.collect()).to_string()
}

/// Sees to it that all do the same: after some epochs, weights must be those of gradlet, to the bit or
/// nearly.
fn compare_weights(
    tasks: &[Task],
    sources: &mut [Source],
    entries: &[Entry],
) -> Result<(), Box<dyn Error>> {
    for task in tasks {
        let mut expected: Option<Vec<f32>> = None;
        for Entry { source, peer, .. } in entries {
            let worker = &mut sources[*source].worker;
            if worker.seconds(task.name, peer, Action::Train, task.epochs_to_compare)?.is_none() {
                continue;
            }
            let weights = worker.weights(task.name, peer)?.ok_or("a peer without weights")?;
            let expected = expected.get_or_insert_with(|| weights.clone());
            let same_bits =
                peers::PEERS.iter().any(|(name, same_bits, _)| name == peer && *same_bits);
            let is_right = |(&weight, &expected): (&f32, &f32)| {
                if same_bits {
                    weight.to_bits() == expected.to_bits()
                } else {
                    (weight - expected).abs() < 1e-3
                }
            };
            if weights.len() != expected.len() || !weights.iter().zip(&*expected).all(is_right) {
                return Err(format!("{peer} has other weights than gradlet: {}", task.name).into());
            }
        }
    }
    Ok(())
}

/// Measures all, in turns, so that a change of the clock's rate meets everyone.
fn measure(
    options: &Options,
    tasks: &[Task],
    sources: &mut [Source],
    entries: &mut [Entry],
) -> Result<(), Box<dyn Error>> {
    let (seconds, repetitions, job_repetitions, job_epochs) = if options.quick {
        (0.02, options.repetitions.min(3), 1, 300)
    } else {
        (0.05, options.repetitions, options.repetitions.min(3), 3_000)
    };
    // Epochs that take long enough, and the times for each example: by entry, task and action.
    let mut samples = vec![];
    for (at, entry) in entries.iter().enumerate() {
        for (task_at, task) in tasks.iter().enumerate() {
            for action in [Action::Train, Action::Infer] {
                let worker = &mut sources[entry.source].worker;
                worker.seconds(task.name, &entry.peer, action, 1)?;
                let mut epochs = 1;
                while let Some(time) = worker.seconds(task.name, &entry.peer, action, epochs)? {
                    if time > seconds / 4.0 {
                        epochs = (epochs as f64 * seconds / time).ceil() as usize;
                        samples.push((at, task_at, action, epochs.max(1), vec![]));
                        break;
                    }
                    epochs *= 2;
                }
            }
        }
    }
    for repetition in 1..=repetitions {
        eprintln!("measuring: {repetition} of {repetitions}");
        for (at, task_at, action, epochs, times) in &mut samples {
            let (entry, task) = (&entries[*at], &tasks[*task_at]);
            let worker = &mut sources[entry.source].worker;
            let time = worker.seconds(task.name, &entry.peer, *action, *epochs)?;
            times.push(time.ok_or("no time")? * 1e9 / (*epochs * task.len()) as f64);
        }
    }
    for entry in &mut *entries {
        entry.times = vec![[None; 2]; tasks.len()];
    }
    for (at, task_at, action, _, times) in samples {
        entries[at].times[task_at][action as usize] = Some(median(times));
    }

    let moons: Vec<_> = tasks.iter().filter(|task| task.batch == 60).collect();
    let mut jobs = vec![vec![]; entries.len()];
    for repetition in 1..=job_repetitions {
        eprintln!("training all networks for the moons: {repetition} of {job_repetitions}");
        for (entry, times) in entries.iter().zip(&mut jobs) {
            let worker = &mut sources[entry.source].worker;
            let mut sum = 0.0;
            for task in &moons {
                worker.restart(task.name, &entry.peer)?;
                let time = worker.seconds(task.name, &entry.peer, Action::Train, job_epochs)?;
                sum += time.ok_or("no time")?;
            }
            times.push(sum * 30_000.0 / job_epochs as f64);
        }
    }
    for (entry, times) in entries.iter_mut().zip(jobs) {
        entry.job = Some(median(times));
    }
    Ok(())
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    let middle = times.len() / 2;
    if times.len() % 2 == 1 { times[middle] } else { 0.5 * (times[middle - 1] + times[middle]) }
}
