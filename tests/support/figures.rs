//! What the networks of the benchmark cost on a microcontroller: measured in QEMU and simavr, and as the
//! table of the README has it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "tests may panic"
)]

use core::fmt::Write;
use std::path::PathBuf;
use std::process::Command;
use std::thread;

use super::firmware::{AVR, Build, Core, Elf, M0, M0_WITH_4_MB, M4F, M33, run_counting};

const SMALL: [&str; 5] = ["2-3-1", "2-2-2", "2-4-2", "16-16-4", "64-32-10"];
/// With these, the 16 KB of the Cortex-M0 that QEMU plays do not hold the network by hand as well.
const LARGE: [&str; 2] = ["48-24-12-6-12-24-48", "784-32-10"];
/// Where, and which networks.
type Places = &'static [(Core, &'static [&'static str])];
/// Optimisation level and profile.
type Level = (&'static str, &'static str);
const LEVELS: &[Level] = &[("s", "release"), ("3", "fast")];
/// What is measured where, and at which levels. The memory of the M33 is 128 KB, that of the other 2 KB.
const CORES: [(&str, Places, &[Level]); 4] = [
    ("M4F", &[(M4F, &SMALL), (M4F, &LARGE)], LEVELS),
    ("M0", &[(M0, &SMALL), (M0_WITH_4_MB, &LARGE)], LEVELS),
    ("M33", &[(M33, &["784-32-10"])], LEVELS),
    ("ATmega328P", &[(AVR, &["2-2-2", "2-4-1", "8-4-2"])], &[LEVELS[0]]),
];

/// What is measured of a network: of gradlet's, and of the one written by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) gradlet: u32,
    pub(crate) by_hand: u32,
}

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// Network, core and optimisation level.
    pub(crate) name: [String; 3],
    /// In the order of [`COLUMNS`].
    pub(crate) figures: [Pair; 5],
}

pub(crate) const COLUMNS: [&str; 5] = ["inference", "step", "flash", "RAM", "stack"];

/// Bytes of flash of the program `size`, with these variables.
fn flash(core: Core, profile: &str, variables: &[(&str, &str)]) -> u32 {
    let build = Build::new(core, profile, "size").features("panic-never").variables(variables);
    Elf::read(build.build()).loaded_bytes()
}

/// The two words behind a name in what a program logged.
fn words<'a>(log: &'a str, name: &str) -> [&'a str; 2] {
    let line = log.lines().find_map(|line| line.strip_prefix(name));
    let line = line.unwrap_or_else(|| panic!("no `{name}`:\n{log}"));
    line.split(' ').collect::<Vec<_>>().try_into().unwrap()
}

/// With the flash that the network by hand takes, or else measures it.
fn measure(
    core: Core,
    profile: &str,
    network: &str,
    empty: u32,
    flash_by_hand: Option<u32>,
) -> [Pair; 5] {
    let net = ("NET", network);
    let variables = [net];
    let build = Build::new(core, profile, "bench").features("measure").variables(&variables);
    let log = run_counting(core, &build.build());
    let numbers = |name| words(&log, name).map(|word| word.parse().unwrap());
    let [first_loss, last_loss]: [f32; 2] = words(&log, "loss ").map(|word| word.parse().unwrap());
    assert!(last_loss < first_loss, "{network} did not learn: {first_loss}, {last_loss}");
    let [inference, _] = numbers("inference ");
    let [inference_by_hand, _] = numbers("inference by hand ");
    let [step, stack] = numbers("step ");
    let [step_by_hand, stack_by_hand] = numbers("step by hand ");
    let [ram, ram_by_hand] = numbers("bytes ");
    let pair = |gradlet, by_hand| Pair { gradlet, by_hand };
    let flash_by_hand =
        flash_by_hand.unwrap_or_else(|| flash(core, profile, &[net, ("BY_HAND", "yes")]) - empty);
    [
        pair(inference, inference_by_hand),
        pair(step, step_by_hand),
        pair(flash(core, profile, &variables) - empty, flash_by_hand),
        pair(ram, ram_by_hand),
        pair(stack, stack_by_hand),
    ]
}

/// Builds and runs everything; cores at the same time, as far as [`Build`] can. The flash of networks by
/// hand is that of `known` rows: it takes a third of the builds.
pub(crate) fn measure_all(known: &[Row]) -> Vec<Row> {
    thread::scope(|scope| {
        let measure =
            |(name, places, levels)| scope.spawn(move || measure_core(name, places, levels, known));
        let threads = CORES.map(measure);
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

fn measure_core(core_name: &str, places: Places, levels: &[Level], known: &[Row]) -> Vec<Row> {
    let mut rows = Vec::new();
    for &(level, profile) in levels {
        for &(core, networks) in places {
            let empty = flash(core, profile, &[]);
            for network in networks {
                let name = [network, core_name, level].map(str::to_owned);
                let row = known.iter().find(|row| row.name == name);
                let by_hand = row.map(|row| row.figures[2].by_hand);
                rows.push(Row { name, figures: measure(core, profile, network, empty, by_hand) });
            }
        }
    }
    rows
}

/// The compiler, on which the last instruction and byte depend.
pub(crate) fn compiler() -> String {
    if std::env::var_os("GRADLET_FORCE_DISTRO").is_some() {
        return "a distribution's rustc".to_owned();
    }
    let output = Command::new("rustc").arg("--version").output().unwrap();
    let version = String::from_utf8(output.stdout).unwrap();
    version.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

const END: &str = "<!-- End of what is written. -->\n";

/// Where the table of that name begins in a page.
fn begin(name: &str) -> String {
    format!("<!-- Written by `cargo bench --bench firmware`: {name}. -->\n")
}

/// The rows that the README has too.
pub(crate) fn is_in_short([network, core, level]: &[String; 3]) -> bool {
    level == "s"
        && [("16-16-4", "M4F"), ("64-32-10", "M4F"), ("64-32-10", "M0")]
            .contains(&(network.as_str(), core.as_str()))
}

/// `12345` as `12,345`.
fn thousands(number: u32) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A table of that name, with the comments around it.
pub(crate) fn table<'a>(name: &str, rows: impl IntoIterator<Item = &'a Row>) -> String {
    let mut text = format!("{}\n| network | core | level |", begin(name));
    for column in COLUMNS {
        write!(text, " {column} |").unwrap();
    }
    text += "\n|---|---|---|---:|---:|---:|---:|---:|\n";
    for Row { name, figures } in rows {
        write!(text, "| {} |", name.join(" | ")).unwrap();
        for Pair { gradlet, by_hand } in figures {
            write!(text, " {} / {} |", thousands(*gradlet), thousands(*by_hand)).unwrap();
        }
        text.push('\n');
    }
    writeln!(text, "\nBuilt by {}.\n\n{END}", compiler()).unwrap();
    text.pop();
    text
}

/// The instructions of the loops over the weights on the M4F, for each weight, and those of all else
/// in the steps of `rows`; with the comments around it.
pub(crate) fn table_of_loops(rows: &[Row]) -> String {
    let mut text = format!(
        "{}\n| network | level | forward | input gradient | update | all else |",
        begin("loops")
    );
    text += "\n|---|---|---:|---:|---:|---:|\n";
    for Row { name: [network, core, level], figures } in rows {
        if core != "M4F" {
            continue;
        }
        let profile = LEVELS.iter().find(|(name, _)| name == level).unwrap().1;
        let variables = [("NET", network.as_str())];
        let build = Build::new(M4F, profile, "loops").features("measure").variables(&variables);
        let log = run_counting(M4F, &build.build());
        let mut rest = figures[1].gradlet;
        write!(text, "| {network} | {level} |").unwrap();
        for name in ["forward ", "input gradient ", "update "] {
            let [instructions, weights]: [u32; 2] =
                words(&log, name).map(|word| word.parse().unwrap());
            rest -= instructions;
            write!(text, " {:.2} |", f64::from(instructions) / f64::from(weights)).unwrap();
        }
        writeln!(text, " {} |", thousands(rest)).unwrap();
    }
    writeln!(text, "\nBuilt by {}.\n\n{END}", compiler()).unwrap();
    text.pop();
    text
}

/// Modules around a network.
const PARTS: [&str; 9] = [
    "store",
    "store with state",
    "safetensors, saving",
    "safetensors, loading",
    "frames",
    "flat arrays",
    "a window and its features",
    "a spectrum in mel bands",
    "a replay buffer",
];

/// Bytes of flash and of stack of each part, on the M4F at `s`.
pub(crate) fn measure_parts() -> Vec<(String, [u32; 2])> {
    fn build(part: Option<&str>, features: &str) -> PathBuf {
        let variables = part.map(|part| ("PART", part));
        let build = Build::new(M4F, "release", "parts").features(features);
        build.variables(variables.as_slice()).build()
    }
    let flash = |part| Elf::read(build(part, "panic-never")).loaded_bytes();
    let empty = flash(None);
    let measure = |part| {
        let log = run_counting(M4F, &build(Some(part), "measure"));
        let stack = log.trim().strip_prefix("stack ").unwrap().parse().unwrap();
        (part.to_owned(), [flash(Some(part)) - empty, stack])
    };
    PARTS.into_iter().map(measure).collect()
}

/// The table of the parts, with the comments around it.
pub(crate) fn table_of_parts(parts: &[(String, [u32; 2])]) -> String {
    let mut text = format!("{}\n| module | flash | stack |\n|---|---:|---:|\n", begin("parts"));
    for (name, [flash, stack]) in parts {
        writeln!(text, "| {name} | {} | {} |", thousands(*flash), thousands(*stack)).unwrap();
    }
    writeln!(text, "\nBuilt by {}.\n\n{END}", compiler()).unwrap();
    text.pop();
    text
}

/// The table of that name in a page, with the comments around it.
pub(crate) fn written<'a>(page: &'a str, name: &str) -> &'a str {
    let start = page.find(&begin(name)).unwrap_or_else(|| panic!("no place for the table {name}"));
    let end = page[start..].find(END).unwrap_or_else(|| panic!("no {END}")) + END.len();
    &page[start..start + end]
}

/// The rows of a table.
pub(crate) fn rows(table: &str) -> Vec<Row> {
    let row = |line: &str| {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let name = [0, 1, 2].map(|cell| cells[cell].to_owned());
        let figures = [3, 4, 5, 6, 7].map(|cell| {
            let (gradlet, by_hand) = cells[cell].split_once(" / ").unwrap();
            let number = |text: &str| text.replace(',', "").parse().unwrap();
            Pair { gradlet: number(gradlet), by_hand: number(by_hand) }
        });
        Row { name, figures }
    };
    table.lines().filter(|line| line.starts_with('|')).skip(2).map(row).collect()
}
