//! Builds the firmware, runs it in QEMU or simavr and looks into its ELF files.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "tests may panic"
)]

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use object::{
    Object, ObjectSection, ObjectSegment, ObjectSymbol, RelocationFlags, RelocationTarget,
    SectionKind, SymbolKind,
};

/// A run takes a second or two; on a busy machine more.
const TIME_LIMIT: Duration = Duration::from_secs(180);

/// A core that QEMU or simavr plays.
#[derive(Clone, Copy)]
pub(crate) struct Core {
    pub(crate) target: &'static str,
    emulator: &'static str,
    arguments: &'static [&'static str],
    /// If it is not that of the target.
    memory_map: Option<&'static str>,
}

const fn arm(target: &'static str, arguments: &'static [&'static str]) -> Core {
    Core { target, emulator: "qemu-system-arm", arguments, memory_map: None }
}

pub(crate) const M0: Core = arm("thumbv6m-none-eabi", &["-machine", "microbit"]);
/// The programs of the M0 with the 4 MB of the M3, which runs them too.
pub(crate) const M0_WITH_4_MB: Core =
    Core { memory_map: Some("mps2"), ..arm(M0.target, M3.arguments) };
pub(crate) const M3: Core = arm("thumbv7m-none-eabi", &["-machine", "mps2-an385"]);
pub(crate) const M4F: Core = arm("thumbv7em-none-eabihf", &["-machine", "mps2-an386"]);
/// Runs the programs of the M4F.
pub(crate) const M7: Core = arm(M4F.target, &["-machine", "mps2-an500"]);
pub(crate) const M33: Core = arm("thumbv8m.main-none-eabihf", &["-machine", "mps2-an505"]);
pub(crate) const RV32: Core = Core {
    target: "riscv32imac-unknown-none-elf",
    emulator: "qemu-system-riscv32",
    arguments: &["-machine", "virt", "-bios", "none"],
    memory_map: None,
};

/// The chip of the Arduino Uno, at 16 MHz.
pub(crate) const AVR: Core = Core {
    target: "avr-none",
    emulator: "simavr",
    arguments: &["-m", "atmega328p", "-f", "16000000"],
    memory_map: None,
};

/// The same core with more flash, for programs that do not fit.
pub(crate) const AVR_WITH_64_KB: Core = Core {
    arguments: &["-m", "atmega1284p", "-f", "16000000"],
    memory_map: Some("atmega1284p"),
    ..AVR
};

/// How a program is built.
#[derive(Clone, Copy)]
pub(crate) struct Build<'a> {
    pub(crate) target: &'a str,
    memory_map: Option<&'a str>,
    pub(crate) profile: &'a str,
    pub(crate) features: &'a str,
    /// Set while the program is compiled.
    variables: &'a [(&'a str, &'a str)],
    /// All, if it is empty.
    pub(crate) bin: &'a str,
}

impl<'a> Build<'a> {
    pub(crate) fn new(core: Core, profile: &'a str, bin: &'a str) -> Self {
        let Core { target, memory_map, .. } = core;
        Self { target, memory_map, profile, features: "", variables: &[], bin }
    }

    pub(crate) fn features(self, features: &'a str) -> Self {
        Self { features, ..self }
    }

    pub(crate) fn variables(self, variables: &'a [(&'a str, &'a str)]) -> Self {
        Self { variables, ..self }
    }

    /// Cargo with this action: `build`, or `run`.
    fn cargo(self, action: &str, folder: &str) -> Output {
        let Self { target, memory_map, profile, features, variables, bin } = self;
        // One profile for all levels: only the packages whose code is in the programs have the level, so all
        // others, such as macros and build scripts, are compiled once, and not optimised. Debug information
        // would take an eighth of the time, and is not loaded.
        let level = level(profile);
        let mut command = cargo(target, &[action, "--locked", "--release"]);
        command.args(["--config", "profile.release.debug=false"]);
        let package = if target == AVR.target { "gradlet-avr" } else { "gradlet-firmware" };
        command.args(["--package", package]);
        for package in [package, "gradlet", "libm", "devices"] {
            let level = format!("profile.release.package.{package}.opt-level={level}");
            command.args(["--config", &level]);
        }
        command.envs(memory_map.map(|map| ("MEMORY_MAP", map)));
        command.envs(variables.iter().copied());
        if bin.is_empty() {
            command.arg("--bins");
        } else {
            command.args(["--bin", bin]);
        }
        command.args(["--features", features, "--target-dir", folder]);
        output(command, "bash", "it is needed for tests/cargo.sh")
    }

    /// Runs cargo, whether or not it succeeds.
    pub(crate) fn try_build(self) -> Output {
        let (folder, _alone) = folder(self.target);
        self.cargo("build", folder)
    }

    /// What the program prints by the runner of the package.
    pub(crate) fn run_by_cargo(self) -> String {
        let (folder, _alone) = folder(self.target);
        let output = self.cargo("run", folder);
        assert!(output.status.success(), "{}", explain(self.target, &output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Path of the program: of a copy, as cargo writes the next one, with other features, over it. Each
    /// is built once.
    pub(crate) fn build(self) -> PathBuf {
        static BUILT: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
        let Self { target, memory_map, profile, features, variables, bin } = self;
        let (folder, _alone) = folder(target);
        let mut name = format!("{bin} {profile} {features} {}", memory_map.unwrap_or_default());
        for (_, value) in variables {
            name = format!("{name} {value}");
        }
        let mut built = package().join(folder).join(target).join("release").join(bin);
        if target == AVR.target {
            built.set_extension("elf");
        }
        let path = built.with_file_name(format!("{}.elf", name.trim_end().replace(' ', "-")));
        let known = || BUILT.lock().unwrap_or_else(PoisonError::into_inner);
        if !known().contains(&path) {
            let output = self.cargo("build", folder);
            assert!(output.status.success(), "{}", explain(target, &output));
            fs::copy(built, &path).unwrap();
            known().insert(path.clone());
        }
        path
    }
}

/// The optimisation level of a profile of the firmware, as its manifest has it.
fn level(profile: &str) -> &'static str {
    let manifest = include_str!("../../examples/firmware/Cargo.toml");
    let (_, settings) = manifest.split_once(&format!("[profile.{profile}]")).unwrap();
    settings.split_once("opt-level = ").unwrap().1.lines().next().unwrap()
}

/// Where cargo builds for a target, and the right to do so.
///
/// In one folder cargo does one thing at a time, and optimising a whole program takes one core; in two
/// folders it takes both. The M4F is about half of the work.
pub(crate) fn folder(target: &str) -> (&'static str, MutexGuard<'static, ()>) {
    static M4F_ALONE: Mutex<()> = Mutex::new(());
    static OTHERS_ALONE: Mutex<()> = Mutex::new(());
    let (folder, alone) = if target == M4F.target {
        ("target", &M4F_ALONE)
    } else {
        ("target/others", &OTHERS_ALONE)
    };
    // A test that fails with the lock is no reason for the others to.
    (folder, alone.lock().unwrap_or_else(PoisonError::into_inner))
}

/// The folder of the firmware.
pub(crate) fn package() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples/firmware")
}

/// `tests/cargo.sh TARGET ..` in the package of the firmware.
pub(crate) fn cargo(target: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("bash");
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cargo.sh")).arg(target);
    command.args(arguments).current_dir(package());
    // What is set for the tests of the library would change the firmware.
    for variable in
        ["CARGO_TARGET_DIR", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "NET", "BY_HAND", "MEMORY_MAP"]
    {
        command.env_remove(variable);
    }
    command
}

/// What a command printed, for a failed test.
pub(crate) fn explain(target: &str, output: &Output) -> String {
    let hint = match output.status.code() {
        Some(77) if target == AVR.target => {
            "install the source of core: rustup component add rust-src\n".to_owned()
        }
        Some(77) => format!("install the target: rustup target add {target}\n"),
        _ => String::new(),
    };
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    format!("{}\n{hint}{}{}", output.status, text(&output.stdout), text(&output.stderr))
}

fn spawn(mut command: Command, program: &str, install: &str) -> Child {
    command.spawn().unwrap_or_else(|error| match error.kind() {
        ErrorKind::NotFound => panic!("{program} is missing: {install}"),
        _ => panic!("{program}: {error}"),
    })
}

/// Runs a command to its end.
pub(crate) fn output(mut command: Command, program: &str, install: &str) -> Output {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    spawn(command, program, install).wait_with_output().unwrap()
}

/// Runs a program on an emulated core; gives its exit code and what it logged.
pub(crate) fn run(core: Core, program: &PathBuf) -> (ExitStatus, String) {
    run_with(core, &[], program)
}

/// Runs a program with an instruction to the nanosecond; gives what it logged.
pub(crate) fn run_counting(core: Core, program: &PathBuf) -> String {
    let (status, log) = run_with(core, &["-icount", "shift=0"], program);
    assert!(status.success(), "{status}\n{log}");
    log
}

fn run_with(core: Core, arguments: &[&str], program: &PathBuf) -> (ExitStatus, String) {
    let mut command = Command::new(core.emulator);
    command.args(core.arguments);
    let is_avr = core.target == AVR.target;
    if !is_avr {
        command.args(arguments).args(["-nographic", "-monitor", "none", "-serial", "none"]);
        command.args(["-semihosting-config", "enable=on,target=native", "-kernel"]);
    }
    command.arg(program).stdin(Stdio::null()).stdout(Stdio::piped());
    // Version 1.6 of simavr prints here.
    command.stderr(if is_avr { Stdio::piped() } else { Stdio::inherit() });
    let install = "apt-get install qemu-system-arm qemu-system-misc simavr";
    let mut emulator = spawn(command, core.emulator, install);
    let (mut pipe, errors) = (emulator.stdout.take().unwrap(), emulator.stderr.take());
    let frames = thread::spawn(move || {
        let mut frames = Vec::new();
        pipe.read_to_end(&mut frames).unwrap();
        errors.map(|mut errors| errors.read_to_end(&mut frames).unwrap());
        frames
    });
    let status = wait(&mut emulator);
    let frames = frames.join().unwrap();
    let log = if is_avr { serial(&frames) } else { decode(program, frames) };
    match status {
        Some(status) => (status, log),
        None => panic!("{} does not end; so far:\n{log}", program.display()),
    }
}

/// Ends it by force when the time is up.
fn wait(child: &mut Child) -> Option<ExitStatus> {
    let start = Instant::now();
    while start.elapsed() < TIME_LIMIT {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    None
}

/// The lines from the serial port, each of which simavr prints in green, with a point for its end.
fn serial(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    let lines = text.lines().filter_map(|line| line.split_once("\x1b[32m")?.1.strip_suffix('.'));
    lines.map(|line| format!("{line}\n")).collect()
}

/// The text of defmt's frames.
fn decode(program: &PathBuf, frames: Vec<u8>) -> String {
    if frames.is_empty() {
        return String::new();
    }
    let mut command = Command::new("defmt-print");
    command.arg("-e").arg(program);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = spawn(command, "defmt-print", "cargo install --locked defmt-print");
    let mut pipe = child.stdin.take().unwrap();
    let writer = thread::spawn(move || pipe.write_all(&frames));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "{}", explain("", &output));
    String::from_utf8(output.stdout).unwrap()
}

/// An ELF file in memory.
pub(crate) struct Elf {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Elf {
    pub(crate) fn read(path: PathBuf) -> Self {
        let bytes = fs::read(&path).unwrap();
        Self { path, bytes }
    }

    fn parse(&self) -> object::File<'_> {
        object::File::parse(&*self.bytes).unwrap()
    }

    /// The bytes of a section and where they are loaded.
    pub(crate) fn section(&self, name: &str) -> (u64, Vec<u8>) {
        let file = self.parse();
        let section = file.section_by_name(name);
        let section = section.unwrap_or_else(|| panic!("{}: no {name}", self.path.display()));
        (section.address(), section.data().unwrap().to_vec())
    }

    /// Bytes of all that is loaded, which a device has in flash.
    pub(crate) fn loaded_bytes(&self) -> u32 {
        let file = self.parse();
        let loaded = file.segments().map(|segment| segment.data().unwrap().len());
        loaded.sum::<usize>().try_into().unwrap()
    }

    /// Bytes of a section; 0 if there is none.
    pub(crate) fn bytes_of(&self, name: &str) -> u32 {
        let size = self.parse().section_by_name(name).map_or(0, |section| section.size());
        size.try_into().unwrap()
    }

    /// Names of all functions.
    pub(crate) fn functions(&self) -> Vec<String> {
        let file = self.parse();
        let functions = file.symbols().filter(|symbol| symbol.kind() == SymbolKind::Text);
        functions.map(|symbol| symbol.name().unwrap().to_owned()).collect()
    }

    /// Which function names which, by what `--emit-relocs` leaves in the file of an Arm program.
    ///
    /// A function whose address is only taken counts as called. What a table in memory names could
    /// be called by anyone; the program has none but the vectors of the start, or this panics.
    pub(crate) fn calls(&self) -> BTreeMap<String, Vec<String>> {
        let file = self.parse();
        let code = |section: &object::Section<'_, '_>| section.kind() == SectionKind::Text;
        // Start, end and name. Several names of one function become the first.
        let mut functions = BTreeMap::new();
        for symbol in file.symbols().filter(|s| s.kind() == SymbolKind::Text && s.size() > 0) {
            let start = symbol.address() & !1; // the lowest bit says Thumb
            let name = symbol.name().unwrap().to_owned();
            functions.entry(start).or_insert((start + symbol.size(), name));
        }
        let function_at = |address: u64| {
            let (_, (end, name)) = functions.range(..=address & !1).next_back()?;
            (address < *end).then_some(name)
        };
        let mut calls = BTreeMap::<_, Vec<_>>::new();
        let mut found = 0;
        for section in file.sections() {
            let debug = section.address() == 0 && !code(&section);
            if debug || section.name() == Ok(".vector_table") {
                continue;
            }
            for (place, relocation) in section.relocations() {
                let RelocationTarget::Symbol(index) = relocation.target() else { continue };
                let target = file.symbol_by_index(index).unwrap();
                // An address without a type, for the linker: R_ARM_NONE.
                if relocation.flags() == (RelocationFlags::Elf { r_type: 0 }) {
                    continue;
                }
                let Some(callee) = function_at(target.address()) else { continue };
                let is_code = target.section_index().is_some_and(|index| {
                    file.section_by_index(index).is_ok_and(|section| code(&section))
                });
                if !is_code {
                    continue;
                }
                let name = section.name().unwrap();
                assert!(code(&section), "{name} holds the address of {callee}");
                let Some(caller) = function_at(place) else {
                    panic!("a call outside of all functions, to {callee}");
                };
                found += 1;
                // A jump within a function is a loop.
                if caller != callee {
                    calls.entry(caller.clone()).or_default().push(callee.clone());
                }
            }
        }
        // The compiler leaves nothing to the linker where a function calls itself.
        for section in file.sections().filter(code) {
            for (place, target) in thumb_calls(section.address(), section.data().unwrap()) {
                if let (Some(caller), Some((_, callee))) =
                    (function_at(place), functions.get(&target))
                {
                    calls.entry(caller.clone()).or_default().push(callee.clone());
                }
            }
        }
        assert!(found > 100, "only {found} calls: has the file been linked with --emit-relocs?");
        calls
    }
}

/// All that can be read as the instruction BL, and where it goes: encoding T1 of the Armv7-M manual,
/// A7.7.18. Instructions begin at any even address, so none is missed.
fn thumb_calls(start: u64, code: &[u8]) -> impl Iterator<Item = (u64, u64)> {
    let halves: Vec<_> = code.chunks_exact(2).map(|h| u16::from_le_bytes([h[0], h[1]])).collect();
    let read = move |index: usize| {
        let (first, second) = (*halves.get(index)?, *halves.get(index + 1)?);
        if first >> 11 != 0b11110 || second & 0xD000 != 0xD000 {
            return None;
        }
        let bit = |half: u16, number: u32| i64::from(half >> number & 1);
        let sign = bit(first, 10);
        let high = 1 - (bit(second, 13) ^ sign);
        let low = 1 - (bit(second, 11) ^ sign);
        let rest = i64::from(first & 0x3FF) << 12 | i64::from(second & 0x7FF) << 1;
        let offset = rest | low << 22 | high << 23 | -sign << 24;
        let place = start + 2 * index as u64;
        Some((place, (place + 4).checked_add_signed(offset)?))
    };
    (0..code.len() / 2).filter_map(read)
}

/// Functions that call each other in a circle, if there are any.
pub(crate) fn circle(calls: &BTreeMap<String, Vec<String>>) -> Option<Vec<String>> {
    let mut done = Vec::new();
    calls.keys().find_map(|start| walk(start, calls, &mut Vec::new(), &mut done))
}

fn walk<'a>(
    function: &'a String,
    calls: &'a BTreeMap<String, Vec<String>>,
    path: &mut Vec<&'a String>,
    done: &mut Vec<&'a String>,
) -> Option<Vec<String>> {
    if let Some(start) = path.iter().position(|&other| other == function) {
        return Some(path.iter().skip(start).copied().cloned().collect());
    }
    if done.contains(&function) {
        return None;
    }
    path.push(function);
    let mut callees = calls.get(function).into_iter().flatten();
    let found = callees.find_map(|callee| walk(callee, calls, path, done));
    path.pop();
    done.push(function);
    found
}
