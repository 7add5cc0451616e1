//! Firmware: the bits are those of the PC, nothing panics, and it runs as its page says.
#![cfg(all(feature = "stream", feature = "microfft-v0.6", feature = "nalgebra-v0.35"))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "tests may panic"
)]

#[allow(dead_code, unreachable_pub, reason = "for the firmware it is a library")]
#[path = "../examples/firmware/src/course.rs"]
mod course;
#[allow(dead_code, unreachable_pub, clippy::cast_precision_loss, reason = "as above")]
#[allow(clippy::cast_possible_truncation, reason = "a window has 256 samples")]
#[path = "../examples/firmware/devices/src/detector.rs"]
mod detector;
#[allow(dead_code, reason = "the benchmark uses more of it")]
#[path = "support/figures.rs"]
mod figures;
#[path = "support/firmware.rs"]
mod firmware;
#[allow(dead_code, unreachable_pub, reason = "for the firmware it is a library")]
#[path = "../examples/firmware/src/models.rs"]
mod models;
#[allow(dead_code, unreachable_pub, clippy::cast_possible_truncation, reason = "as above")]
#[path = "../examples/firmware/devices/src/motions.rs"]
mod motions;
#[allow(dead_code, unreachable_pub, missing_debug_implementations, reason = "as above")]
#[allow(clippy::cast_possible_truncation, clippy::must_use_candidate, reason = "as above")]
#[path = "../examples/firmware/devices/src/personal.rs"]
mod personal;
#[allow(dead_code, unreachable_pub, missing_debug_implementations, reason = "as above")]
#[path = "../examples/firmware/devices/src/signals.rs"]
mod signals;
#[allow(dead_code, unreachable_pub, missing_debug_implementations, reason = "as above")]
#[path = "../examples/firmware/src/small.rs"]
mod small;
#[allow(dead_code, unreachable_pub, missing_debug_implementations, reason = "as above")]
#[allow(clippy::cast_possible_truncation, clippy::doc_markdown, reason = "it has other lints")]
#[path = "../examples/firmware/devices/src/toycar.rs"]
mod toycar;
#[allow(dead_code, unreachable_pub, clippy::cast_possible_truncation, reason = "as above")]
#[path = "../examples/firmware/devices/src/training.rs"]
mod training;
#[allow(dead_code, unreachable_pub, reason = "as above")]
#[path = "../examples/firmware/devices/src/vibration.rs"]
mod vibration;
#[allow(dead_code, unreachable_pub, missing_debug_implementations, reason = "as above")]
#[path = "../examples/firmware/devices/src/vowels.rs"]
mod vowels;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use figures::Pair;
use firmware::{
    AVR, AVR_WITH_64_KB, Build, Core, Elf, M0, M0_WITH_4_MB, M3, M4F, M7, M33, RV32, cargo, circle,
    explain, folder, output, run, run_counting,
};
use gradlet::{net, prelude::*, safetensors};
use models::RUNS;
use small::{
    Bits, FIXED_NET, Hash, LEARNED, WORKED_INPUT, WORKED_NET, WORKED_SGD, WORKED_STEPS,
    WORKED_TARGET,
};

// On the host: the runs are worth comparing

#[test]
fn runs_learn() {
    let is_learned = |name| LEARNED.iter().any(|run| run.name == name);
    for run in RUNS.into_iter().chain([FIXED_NET]).chain(LEARNED) {
        let (before, after) = ((run.train)(0), (run.train)(run.steps));
        println!("{}: {} -> {}", run.name, before.loss, after.loss);
        assert!(after.loss < 0.6 * before.loss, "{}: {before:?} {after:?}", run.name);
        assert!(after.loss < 0.1 || !is_learned(run.name), "{after:?}");
        assert_ne!(before.hash, after.hash, "{}", run.name);
        assert_eq!(after.hash, (run.train)(run.steps).hash, "{}", run.name);
    }
}

#[test]
fn runs_have_hashes_of_their_own() {
    let mut hashes: Vec<_> =
        RUNS.iter().flat_map(|run| [0, 1, run.steps].map(|s| (run.train)(s).hash.0)).collect();
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), 3 * RUNS.len());
}

#[test]
fn hash_sees_every_bit() {
    let mut net = WORKED_NET;
    let before = Hash::of(&net);
    net.rest_mut().bias_mut()[1] = f32::from_bits(net.rest().bias()[1].to_bits() ^ 1);
    assert_ne!(Hash::of(&net), before);
}

/// Names of the functions in the list of the public API.
fn public_functions() -> BTreeSet<String> {
    let name = |line: &'static str| {
        let line = line.strip_prefix("pub ")?;
        let function = line.strip_prefix("const ").unwrap_or(line).strip_prefix("fn ")?;
        let mut depth = 0_u32;
        let mut path = String::new();
        for letter in function.chars().take_while(|&letter| letter != '(') {
            match letter {
                '<' => depth = depth.saturating_add(1),
                '>' => depth = depth.saturating_sub(1),
                _ if depth == 0 => path.push(letter),
                _ => {}
            }
        }
        // What is left of a tuple's function, `(X, Y)::input`, is no name.
        let name = path.rsplit("::").next()?;
        name.starts_with(|c: char| c.is_alphabetic()).then(|| name.to_owned())
    };
    include_str!("public_api.txt").lines().filter_map(name).collect()
}

#[test]
fn no_panic_names_every_public_function() {
    // See there.
    let elsewhere = [
        "array_f64",
        "fmt",
        "format",
        "from_f64",
        "tensor_f64",
        "to_f64",
        "to_source",
        "write_source",
    ];
    // `nalgebra` asserts sizes, which are right here, but not every compiler sees that.
    let of_nalgebra =
        ["bias_view", "bias_view_mut", "minimum_norm", "weights_view", "weights_view_mut"];
    let code = include_str!("../examples/firmware/src/everything.rs");
    let words: BTreeSet<_> = code.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let functions = public_functions();
    assert!(functions.len() > 80 && functions.contains("fold_into_output"), "{functions:?}");
    for function in &functions {
        let name = function.as_str();
        let known = [&elsewhere[..], &of_nalgebra].concat().contains(&name);
        assert!(known || words.contains(name), "{name} is missing in everything.rs");
    }
}

/// Lines of documentation that only a device can run are those of a program that is built.
#[test]
fn statics_of_the_documentation_are_those_of_the_program() {
    let program = include_str!("../examples/firmware/src/bin/statics.rs");
    let lines: BTreeSet<_> = program.lines().map(str::trim).collect();
    let quoted = include_str!("../src/trainer.rs").split("/// ```ignore\n").skip(1);
    let quoted: Vec<_> = quoted.map(|text| text.split("/// ```").next().unwrap()).collect();
    assert_eq!(quoted.len(), 3);
    for line in quoted.iter().flat_map(|text| text.lines()) {
        let line = line.trim_start_matches("///").trim();
        assert!(line.is_empty() || lines.contains(line), "{line}");
    }
}

// In QEMU

/// What `same_bits` prints.
fn host_lines() -> Vec<String> {
    RUNS.iter().map(|run| format!("{:016x} {}", (run.train)(run.steps).hash.0, run.name)).collect()
}

fn assert_same_bits(cores: &[Core], profiles: &[&str]) {
    let want = host_lines();
    for profile in profiles {
        let program = Build::new(cores[0], profile, "same_bits").build();
        for &core in cores {
            let (status, log) = run(core, &program);
            assert!(status.success(), "{status}\n{log}");
            assert_eq!(log.lines().collect::<Vec<_>>(), want, "{} {profile}", core.target);
        }
    }
}

#[test]
#[ignore = "needs QEMU and cross targets: tests/all.sh firmware"]
fn cortex_m0_trains_to_the_bits_of_the_host() {
    assert_same_bits(&[M0], &["release"]);
    // At level 3, all runs together take more than the 256 KB of flash of QEMU's M0.
    assert_same_bits(&[M0_WITH_4_MB], &["fast"]);
}

#[test]
#[ignore = "needs QEMU and cross targets: tests/all.sh firmware"]
fn cortex_m3_trains_to_the_bits_of_the_host() {
    // The loops of the M0, which is tested at both levels.
    assert_same_bits(&[M3], &["release"]);
}

#[test]
#[ignore = "needs QEMU and cross targets: tests/all.sh firmware"]
fn cortex_m4f_and_m7_train_to_the_bits_of_the_host() {
    assert_same_bits(&[M4F, M7], &["release", "fast"]);
}

#[test]
#[ignore = "needs QEMU and cross targets: tests/all.sh firmware"]
fn cortex_m33_trains_to_the_bits_of_the_host() {
    // The loops of the M4F.
    assert_same_bits(&[M33], &["release"]);
}

#[test]
#[ignore = "needs QEMU and cross targets: tests/all.sh firmware"]
fn rv32imac_trains_to_the_bits_of_the_host() {
    // The loops of the M0.
    assert_same_bits(&[RV32], &["release"]);
}

#[test]
#[ignore = "needs QEMU and cross targets: tests/all.sh firmware"]
fn statics_train_alike() {
    let (status, log) =
        run(M4F, &Build::new(M4F, "release", "statics").features("statics").build());
    assert!(status.success(), "{status}\n{log}");
    assert_eq!(log.matches("loss 0.6931472").count(), 3, "{log}");
}

#[test]
#[ignore = "needs QEMU and cross targets: tests/all.sh firmware"]
fn worked_net_runs_by_the_command_of_its_page() {
    let command = cargo(M4F.target, &["run", "--locked", "--release"]);
    let (_, _alone) = folder(M4F.target);
    let ran = output(command, "bash", "it is needed for tests/cargo.sh");
    assert!(ran.status.success(), "{}", explain(M4F.target, &ran));
    let log = String::from_utf8(ran.stdout).unwrap();
    let page = include_str!("../examples/firmware/README.md");
    for line in log.lines() {
        assert!(page.contains(line), "not in the page: {line}\n{log}");
    }
    let worked = RUNS[0];
    let hash = (worked.train)(worked.steps).hash.0;
    let ending = format!("hash of all parameters {hash:016x}\n");
    assert!(log.contains("\n0 0.32261243 #") && log.contains("\n10000 0.000002"), "{log}");
    assert!(log.ends_with(&ending), "{ending}\n{log}");
}

#[test]
#[ignore = "needs QEMU and cross targets: tests/all.sh firmware"]
fn resets_do_not_interrupt_training() {
    let mut net = WORKED_NET;
    let mut trainer = Trainer::<_, HalfSquaredError, Adam>::new();
    for _ in 0..WORKED_STEPS {
        trainer.step(&mut net, &Adam::new(0.01), &WORKED_INPUT, &WORKED_TARGET);
    }
    let hash = Hash::of(&net).0;
    for core in [M0, M3, M4F, M33, RV32] {
        let (status, log) = run(core, &Build::new(core, "release", "resume").build());
        assert!(status.success(), "{status}\n{log}");
        assert_eq!(log.matches(": reset\n").count(), 3, "{log}");
        let ending = format!(
            "hash of all parameters      {hash:016x}\nthe same without any reset  {hash:016x}\n"
        );
        assert!(log.ends_with(&ending), "{ending}\n{log}");
    }
}

#[test]
#[ignore = "needs QEMU and cross targets: tests/all.sh firmware"]
fn gestures_are_learned_and_survive_a_reset_with_their_scaling() {
    let [log, other] = [M4F, M0].map(|core| {
        let (status, log) = run(core, &Build::new(core, "release", "gesture").build());
        assert!(status.success(), "{status}\n{log}");
        log
    });
    assert_eq!(log, other);
    let line = |start| log.lines().find_map(|line| line.strip_prefix(start)).unwrap();
    let trained = line("after training: ");
    assert_eq!(trained, line("after a reset: "));
    let (right, _) = trained.split_once(" of 60 right").unwrap();
    assert!(right.parse::<u32>().unwrap() >= 57, "{log}");
    assert!(log.contains("\nScaling { offset: ["), "{log}");
    // Its page shows it.
    assert!(include_str!("../examples/firmware/README.md").contains(trained), "{log}");
}

// In simavr

#[test]
#[ignore = "needs simavr and cross targets: tests/all.sh firmware"]
fn atmega328p_trains_to_the_bits_of_the_host_in_its_memory() {
    let page = include_str!("../examples/firmware/README.md");
    let page = &page[page.find("| of `same_bits` |").unwrap()..];
    for run in small::RUNS {
        let is_large = run.name.contains("clipped");
        let (core, limit) = if is_large { (AVR_WITH_64_KB, 64) } else { (AVR, 32) };
        let variables = [("RUN", run.name)];
        let program = Build::new(core, "release", "same_bits").variables(&variables).build();
        let elf = Elf::read(program.clone());
        let (flash, data) = (elf.loaded_bytes(), elf.bytes_of(".data") + elf.bytes_of(".bss"));
        assert!(flash <= limit * 1024, "{}: {flash} bytes of flash", run.name);
        let has_floats = elf.functions().iter().any(|name| is_soft_float(name));
        assert_eq!(has_floats, !run.name.contains("fixed point"), "{}", run.name);
        let (status, log) = firmware::run(core, &program);
        assert!(status.success(), "{status}\n{log}");
        let (hash, ram) = log.trim().split_once(' ').unwrap();
        println!("{}: {flash} bytes of flash, {data} of statics, {ram} of stack", run.name);
        assert_eq!(hash, format!("{:016x}", (run.train)(run.steps).hash.0), "{}", run.name);
        if !is_large {
            let row = numbers_of(page, &format!("{} |", run.name));
            let measured = [flash, data, ram.parse().unwrap()];
            assert_near(run.name, &row[row.len() - 3..], &measured);
        }
        // Of network, trainer and stack.
        let budget = match run.name {
            name if name.starts_with("XOR") => 512,
            name if name.starts_with("gestures") => 1024,
            _ => 2048 - data,
        };
        assert!(ram.parse::<u32>().unwrap() < budget, "{}: {ram} bytes", run.name);
    }
}

#[test]
#[ignore = "needs simavr and cross targets: tests/all.sh firmware"]
fn worked_net_runs_on_the_atmega328p_as_on_its_page() {
    let log = Build::new(AVR, "release", "worked_net").run_by_cargo();
    assert!(
        include_str!("../examples/firmware/README.md").contains(&log),
        "not in the page:\n{log}"
    );
    let mut net = WORKED_NET;
    let mut trainer = Trainer::<_, HalfSquaredError, Sgd>::new();
    let mut losses = Vec::new();
    for _ in 0..=WORKED_STEPS {
        losses.push(trainer.evaluate(&net, &WORKED_INPUT, &WORKED_TARGET));
        trainer.step(&mut net, &WORKED_SGD, &WORKED_INPUT, &WORKED_TARGET);
    }
    let lines: Vec<_> = log.lines().collect();
    let [_, curve @ .., _, hash] = &lines[..] else { panic!("{log}") };
    assert_eq!(curve.len(), 14);
    for line in curve {
        let (step, loss) = line.split_once(' ').unwrap();
        let (step, loss): (usize, f32) = (step.parse().unwrap(), loss.parse().unwrap());
        assert!((losses[step] - loss).abs() < 1.1e-6, "{line}: {}", losses[step]);
    }
    let worked = RUNS[0];
    assert_eq!(
        *hash,
        format!("hash of all parameters {:016x}", (worked.train)(worked.steps).hash.0)
    );
}

#[test]
#[ignore = "needs simavr and cross targets: tests/all.sh firmware"]
fn sizes_and_indices_are_right_where_addresses_have_16_bits() {
    // What the compiler refuses, or accepts, it has when this is built.
    let (status, log) = run(AVR, &Build::new(AVR, "release", "sixteen_bits").build());
    assert!(status.success(), "{status}\n{log}");
    let hash = |bytes: &[u8]| {
        let mut hash = Hash::EMPTY;
        hash.add_bytes(bytes.iter().copied());
        hash.0
    };
    type Activity = net![
        128 x 6 => Conv1d(16, 5, step 2) Relu | MaxPool(2) => Conv1d(32, 3) Relu | GlobalMean
            => 6 Softmax
    ];
    let frame = gradlet::flat::to_frame::<_, 56>(&WORKED_NET).unwrap();
    let mut file = [0; 400];
    let file = safetensors::save(&WORKED_NET, &["0", "2"], &mut file).unwrap();
    let want = [
        (u64::from(2.0_f32.to_bits()), "embedding".to_owned()),
        (u64::from(f32::NAN.to_bits()), "embedding".to_owned()),
        (u64::from(f32::NAN.to_bits()), "embedding".to_owned()),
        (small::Xor::<f32>::FINGERPRINT.into(), "XOR".to_owned()),
        (small::Gestures::<f32>::FINGERPRINT.into(), "gestures".to_owned()),
        (Activity::FINGERPRINT.into(), "activity".to_owned()),
        (hash(&frame), "frame".to_owned()),
        (hash(file), format!("file of {} bytes", file.len())),
    ];
    let want: Vec<_> = want.iter().map(|(number, name)| format!("{number:016x} {name}")).collect();
    assert_eq!(log.lines().collect::<Vec<_>>(), want);
}

/// What `personalise` prints, but for its RAM.
fn personalised<F>(factory: &personal::Factory<F>) -> String
where
    F: personal::NumberFormat<Weight: Bits>,
{
    let images = include_bytes!("../examples/firmware/data/digits.bin");
    let (upright, rest) = images.split_at(personal::UPRIGHT * personal::IMAGE);
    let (shown, rest) = rest.split_at(personal::SHOWN * personal::LABELLED);
    let (old, new) = rest.split_at(rest.len() / 2);
    let mut device = personal::Device::new(factory);
    let right = |device: &personal::Device<'_, F>| {
        let [old, new] = [old, new].map(|images| personal::Labelled(images).right(device));
        format!("right of 100 upright {old}, rotated {new}")
    };
    let before = right(&device);
    for (image, digit) in personal::Labelled(shown).iter() {
        device.learn(&image, digit, upright);
    }
    let (after, hash) = (right(&device), Hash::of(device.net()).0);
    format!(
        "from the factory: {before}\nafter learning: {after}\nsaved: reset\nafter a reset: {after}\n\
         hash of the parameters {hash:016x}\n"
    )
}

/// In `f32` and, from the same file, in fixed point.
fn both_personalised() -> [String; 2] {
    let floats = gradlet::load![
        include_bytes!("../examples/firmware/data/factory.safetensors"); "0", "2"
    ];
    let fixed = gradlet::load![
        include_bytes!("../examples/firmware/data/factory.safetensors"); "0", "2"
    ];
    [personalised::<f32>(&floats), personalised::<Fixed>(&fixed)]
}

/// The digits that are right after learning, of 100 upright and of 100 rotated ones.
#[test]
fn digits_are_learned_in_fixed_point_as_in_floats() {
    let [floats, fixed] =
        both_personalised().map(|log| numbers_of(&log, "after learning")[1..].to_vec());
    println!("upright and rotated: {floats:?} in floats, {fixed:?} in fixed point");
    assert!(floats.iter().zip(&fixed).all(|(a, b)| a.abs_diff(*b) <= 1), "{floats:?} {fixed:?}");
    assert!(fixed[0] >= 95 && fixed[1] >= 69, "{fixed:?}");
}

#[test]
#[ignore = "needs QEMU and cross targets: tests/all.sh firmware"]
fn devices_learn_rotated_digits_to_the_bits_of_the_host() {
    let [floats, fixed] = both_personalised();
    // In `f32`, the cores that compute it by subroutines take a minute each. The M0 of the micro:bit has no room
    // for the device and the flash, which is simulated in RAM.
    for (core, features, want) in [
        (M4F, "", &floats),
        (M33, "", &floats),
        (M0_WITH_4_MB, "fixed", &fixed),
        (RV32, "fixed", &fixed),
    ] {
        let build = Build::new(core, "release", "personalise").features(features);
        let (status, log) = run(core, &build.build());
        assert!(status.success(), "{status}\n{log}");
        // Its page shows it.
        let page = include_str!("../examples/firmware/README.md");
        assert!(page.contains(&log), "not in the page:\n{log}");
        let (_, log) = log.split_once('\n').unwrap();
        assert_eq!(log, want, "{}", core.target);
    }
}

const TOYCAR: &[u8] = include_bytes!("../examples/firmware/data/toycar.safetensors");
const TOYCAR_WINDOWS: toycar::Recording<'_> =
    toycar::Recording(include_bytes!("../examples/firmware/data/toycar_windows.bin"));
const TOYCAR_OUTPUTS: &[u8] = include_bytes!("../examples/firmware/data/toycar_outputs.bin");

/// Runs with a stack for networks of a megabyte.
fn with_large_stack<T: Send + 'static>(run: fn() -> T) -> T {
    std::thread::Builder::new().stack_size(64 << 20).spawn(run).unwrap().join().unwrap()
}

/// What `toycar` prints.
fn adapted() -> String {
    let layers = ["0", "1", "2", "3", "4", "5", "6", "7", ".."];
    let body = safetensors::from_bytes(TOYCAR, &layers).unwrap();
    let head = safetensors::from_bytes(TOYCAR, &["8", "9", ".."]).unwrap();
    let mut device = toycar::Device::new(&body, head);
    let error = toycar::largest_error(
        |window| device.net().forward(window),
        TOYCAR_WINDOWS.windows(),
        TOYCAR_OUTPUTS,
    );
    let (shown, others) = TOYCAR_WINDOWS.halves();
    let scores = |device: &mut toycar::Device<'_>| {
        let known = device.mean_score(others.windows());
        let new = device.mean_score(others.windows().map(toycar::of_new_car));
        format!("score of the known car {known:?}, of the new one {new:?}")
    };
    let before = scores(&mut device);
    device.adapt(shown.windows().map(toycar::of_new_car));
    let (after, hash) = (scores(&mut device), Hash::of(device.net()).0);
    format!(
        "largest error in {} windows {:?} dB\nfrom the factory: {before}\nafter learning: {after}\n\
         hash of the parameters {hash:016x}\n",
        toycar::WINDOWS,
        error,
    )
}

/// The outputs that the firmware's are compared with.
#[test]
fn outputs_of_toycar_are_those_in_f64() {
    type Net = net![
        f64; 640 => 128 Relu => 128 Relu => 128 Relu => 128 Relu => 8 Relu => 128 Relu => 128 Relu
            => 128 Relu => 128 Relu => 640 Identity
    ];
    assert_eq!(Net::PARAMS, 265_864);
    let (windows, worst) = with_large_stack(|| {
        let layers = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
        let net: Net = safetensors::from_bytes(TOYCAR, &layers).unwrap();
        let outputs = TOYCAR_OUTPUTS.chunks_exact(8 * toycar::INPUTS);
        let errors = TOYCAR_WINDOWS.windows().zip(outputs).map(|(window, outputs)| {
            let wanted = outputs.chunks_exact(8).map(|y| f64::from_le_bytes(y.try_into().unwrap()));
            let found = net.forward(&window.map(f64::from));
            found.into_iter().zip(wanted).map(|(y, wanted)| (y - wanted).abs()).fold(0.0, f64::max)
        });
        let errors: Vec<_> = errors.collect();
        (errors.len(), errors.into_iter().fold(0.0, f64::max))
    });
    assert_eq!(windows, toycar::WINDOWS);
    // Sums in another order; the outputs are up to 62.
    assert!(worst < 1e-10, "{worst}");
}

#[test]
fn toycar_adapts_to_a_new_car() {
    let log = with_large_stack(adapted);
    assert!(log.starts_with("largest error in 20 windows "), "{log}");
    let numbers: Vec<f32> = log.split([' ', ',', '\n']).filter_map(|w| w.parse().ok()).collect();
    let [_, error, known, new, known_after, new_after, ..] = numbers[..] else {
        panic!("{log}");
    };
    assert!(error < 1e-2, "{log}");
    assert!(known < 10.0 && new > 15.0, "{log}");
    assert!(new_after < 10.5 && known_after < 11.0, "{log}");
}

#[test]
#[ignore = "needs QEMU and cross targets: tests/all.sh firmware"]
fn toycar_adapts_to_the_bits_of_the_host() {
    let want = with_large_stack(adapted);
    // The same features as those of `toycar_cost`, so that the network is loaded once.
    for (core, features) in [(M7, "large,measure"), (M33, "large")] {
        let program = Build::new(core, "release", "toycar").features(features).build();
        let (status, log) = run(core, &program);
        assert!(status.success(), "{status}\n{log}");
        // Each weight is in flash once.
        let flash = Elf::read(program).loaded_bytes();
        println!("{flash} bytes of flash");
        assert!((1_063_456..1_260_000).contains(&flash), "{flash}");
        // Its page shows it.
        let page = include_str!("../examples/firmware/README.md");
        assert!(page.contains(&log), "not in the page:\n{log}");
        let is_known = |line: &&str| !line.starts_with("RAM of the device");
        let lines: Vec<_> = log.lines().filter(is_known).collect();
        assert_eq!(lines, want.lines().collect::<Vec<_>>(), "{}", core.target);
    }
}

#[test]
#[ignore = "needs QEMU and cross targets: tests/all.sh firmware"]
fn toycar_takes_what_its_page_says() {
    let page = include_str!("../examples/firmware/README.md");
    let page = &page[page.find("| of `toycar` |").unwrap()..];
    let build = Build::new(M7, "release", "toycar_cost").features("large,measure");
    let log = run_counting(M7, &build.build());
    for name in ["inference", "score", "step"] {
        let (written, measured) = (numbers_of(page, name), numbers_of(&log, name));
        assert_near(name, &written, &measured);
        assert_eq!((written.len(), measured.len()), (2, 2), "{name}");
    }
}

/// A test of golden numbers compares the outputs on the page with those of the host, and the host's
/// with PyTorch's.
#[test]
#[ignore = "needs QEMU and cross targets: tests/all.sh firmware"]
fn mlperf_computes_and_takes_what_its_page_says() {
    let page = include_str!("../examples/firmware/README.md");
    let build = Build::new(M7, "release", "mlperf").features("large,measure");
    let log = run_counting(M7, &build.build());
    let table = &page[page.find("| of `mlperf` |").unwrap()..];
    for name in ["keywords", "images"] {
        let line = |what: &str| {
            let start = format!("{name} {what} ");
            log.lines().find(|line| line.starts_with(&start)).unwrap()
        };
        assert!(page.contains(line("outputs")), "not in the page:\n{log}");
        let written = numbers_of(table, name);
        let (network, inference) =
            (numbers_of(line("network"), name), numbers_of(line("inference"), name));
        assert_eq!(written[..3], network[..3], "{name}");
        assert_near(name, &written[3..], &inference);
        assert_eq!((written.len(), inference.len()), (5, 2), "{name}");
    }
}

/// What `signals` prints.
fn signals_learned() -> String {
    use signals::{FIRMWARE, Learner, Signals};
    let [training, test] = Signals::all();
    let mut learner = Learner::ZERO;
    learner.start(FIRMWARE.seed);
    let before = test.right(&learner);
    for (number, rate) in FIRMWARE.steps() {
        let (signal, shape) = training.get(number).unwrap();
        assert!(learner.learn(&signal, shape, rate).unwrap().is_finite());
    }
    assert_eq!(Hash::of(learner.net()).0, learner.hash());
    format!(
        "a learner of {} bytes with {} parameters\nafter 0 steps: right of 1000 {before}\n\
         after 8000 steps: right of 1000 {}\nhash of the parameters {:016x}\n",
        Learner::BYTES,
        Learner::PARAMETERS,
        test.right(&learner),
        learner.hash()
    )
}

#[test]
#[ignore = "needs QEMU and cross targets: tests/all.sh firmware"]
fn signals_are_learned_to_the_bits_of_the_host() {
    let want = signals_learned();
    // Its page shows it.
    assert!(include_str!("../examples/firmware/README.md").contains(&want), "{want}");
    // The cores that compute `f32` by subroutines take minutes each.
    for core in [M4F, M33] {
        let (status, log) = run(core, &Build::new(core, "release", "signals").build());
        assert!(status.success(), "{status}\n{log}");
        assert_eq!(log, want, "{}", core.target);
    }
}

/// What `motions` prints, but for its RAM.
fn motions_learned() -> String {
    use motions::{Factory, Learner, ON_DEVICE, Window};
    static FACTORY: Factory = gradlet::load![include_bytes!("../examples/firmware/data/motions.safetensors"); "gru", "head"];
    let mut device = Learner::of(&FACTORY);
    let right = |device: &Learner<_>| device.right(Window::tested(1));
    let before = right(&device);
    for (number, rate) in ON_DEVICE.steps() {
        device.learn(Window::shown(1, number).unwrap(), rate).unwrap();
    }
    format!(
        "from the factory: right of 70 {before}\nafter learning: right of 70 {}\n\
         hash of the last layer {:016x}\n",
        right(&device),
        Hash::of(device.net().rest()).0
    )
}

#[test]
#[ignore = "needs QEMU and cross targets: tests/all.sh firmware"]
fn motions_are_learned_to_the_bits_of_the_host() {
    let want = motions_learned();
    let page = include_str!("../examples/firmware/README.md");
    for core in [M4F, M33] {
        let (status, log) = run(core, &Build::new(core, "release", "motions").build());
        assert!(status.success(), "{status}\n{log}");
        // Its page shows it.
        assert!(page.contains(&log), "not in the page:\n{log}");
        let (_, log) = log.split_once('\n').unwrap();
        assert_eq!(log, want, "{}", core.target);
    }
}

/// What `vowels` prints.
fn vowels_learned() -> String {
    use core::fmt::Write;
    use vowels::{FRAMES, Learner, Net, PLAN, Utterances};
    let [training, test] = Utterances::all();
    let mut learner = Learner::<Net>::ZERO;
    let mut log =
        format!("a learner of {} bytes with {} parameters\n", Learner::<Net>::BYTES, Net::PARAMS);
    let mut tell = |steps: u32, learner: &Learner| {
        let (count, right) = (test.iter().count(), learner.right(test));
        writeln!(log, "after {steps} utterances: right of {count} {right}").unwrap();
    };
    let mut rng = learner.start(PLAN.seed);
    tell(0, &learner);
    for ((number, rate), steps) in PLAN.steps().zip(1..) {
        let utterance = training.iter().nth(number).unwrap();
        let input = utterance.varied(&mut rng).unwrap();
        assert!(learner.learn(&input, utterance.speaker, rate).unwrap().is_finite());
        if [1, 2, 4, 8, 16, 32, 60].contains(&(steps / 270)) && steps % 270 == 0 {
            tell(steps, &learner);
        }
    }
    assert_eq!(Hash::of(learner.net()).0, training::hash(learner.net()));
    let spoken = test.iter().nth(157).unwrap();
    write!(
        log,
        "hash of the parameters {:016x}\n\
         frame by frame, with a state of {} bytes: the same bits for {}\nspeaker {} speaks\n",
        training::hash(learner.net()),
        gradlet::Streaming::<Net>::STATE_BYTES,
        test.iter().count(),
        spoken.speaker
    )
    .unwrap();
    let mut before = None;
    for count in 1..=spoken.count().min(FRAMES) {
        let shares = learner.net().forward(&spoken.input(count).unwrap());
        let answer = gradlet::metrics::argmax(&shares);
        if answer != before {
            let (speaker, share) = (answer.unwrap(), 100.0 * shares[answer.unwrap()]);
            writeln!(log, "frame {count}: speaker {speaker}, {} %", share.floor()).unwrap();
        }
        before = answer;
    }
    log
}

#[test]
#[ignore = "needs QEMU and cross targets: tests/all.sh firmware"]
fn vowels_are_learned_to_the_bits_of_the_host() {
    let want = vowels_learned();
    // Its page shows it.
    let page = include_str!("../examples/firmware/README.md");
    assert!(page.contains(&want), "{want}");
    let flash = numbers_of(page, "The program takes")[0];
    for core in [M4F, M33] {
        let program = Build::new(core, "release", "vowels").build();
        let (status, log) = run(core, &program);
        assert!(status.success(), "{status}\n{log}");
        assert_eq!(log, want, "{}", core.target);
        // Without the utterances.
        let code = Elf::read(program).loaded_bytes()
            - u32::try_from(vowels::JAPANESE_VOWELS.len()).unwrap();
        println!("{code} bytes of flash");
        assert!(code <= flash + flash / 8, "{code}");
    }
}

/// RV32IMAC reads the sensor without an interrupt, and learns the same.
#[test]
#[ignore = "needs QEMU and cross targets: tests/all.sh firmware"]
fn samples_of_an_interrupt_are_learned_like_others() {
    let log = |core| {
        let (status, log) = run(core, &Build::new(core, "release", "interrupt").build());
        assert!(status.success(), "{status}\n{log}");
        log
    };
    let want = log(RV32);
    assert!(want.starts_with("64 windows learned, last loss 0.000"), "{want}");
    for core in [M0, M4F] {
        assert_eq!(log(core), format!("{want}0 samples dropped\n"), "{}", core.target);
    }
}

/// Runs the course with the feature `fixed`, or without it.
fn run_course(features: &str, report: impl FnMut(course::Stretch)) -> f32 {
    match features {
        "fixed" => course::run::<Fixed>(report),
        _ => course::run::<f32>(report),
    }
}

/// What `anomaly` prints after its first line.
fn course_on_the_host(features: &str) -> Vec<String> {
    let mut lines = vec![];
    let threshold = run_course(features, |stretch| lines.push(stretch.to_string()));
    lines.push(format!("threshold {threshold:?}"));
    lines
}

#[test]
fn course_ends_in_alarms() {
    for features in ["", "fixed"] {
        let mut flagged = BTreeMap::new();
        run_course(features, |stretch| {
            *flagged.entry(stretch.name).or_insert(0) += stretch.flagged;
        });
        assert_eq!((flagged["scaling"], flagged["learning"], flagged["watching"]), (0, 0, 0));
        for fault in vibration::Fault::ALL {
            assert!(flagged[fault.name()] > 30, "{features} {flagged:?}");
        }
    }
}

fn assert_same_alarms(core: Core, features: &str) {
    let build = Build::new(core, "release", "anomaly").features(features);
    let (status, log) = run(core, &build.build());
    assert!(status.success(), "{status}\n{log}");
    let lines: Vec<_> = log.lines().skip(1).collect();
    assert_eq!(lines, course_on_the_host(features), "{}", core.target);
    // Its page shows them.
    let page = include_str!("../examples/firmware/README.md");
    assert!(log.lines().all(|line| page.contains(line)), "not in the page:\n{log}");
}

#[test]
#[ignore = "needs QEMU and cross targets: tests/all.sh firmware"]
fn cortex_m0_finds_the_faults_that_the_host_finds() {
    assert_same_alarms(M0, "");
    assert_same_alarms(M0, "fixed");
}

#[test]
#[ignore = "needs QEMU and cross targets: tests/all.sh firmware"]
fn other_cores_find_the_faults_that_the_host_finds() {
    for core in [M3, M4F, M33, RV32] {
        assert_same_alarms(core, "");
    }
    assert_same_alarms(RV32, "fixed");
}

/// The rows of a page's table whose first cell is one of the names, as numbers.
fn numbers_of<'a>(text: &'a str, name: &str) -> Vec<u32> {
    let line = |line: &&'a str| line.trim_start_matches(['|', ' ']).starts_with(name);
    let line = text.lines().find(line).unwrap_or_else(|| panic!("no {name} in:\n{text}"));
    let numbers = line.replace(',', "");
    numbers.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse().ok()).collect()
}

/// Whether the figures of a program are those of its page, up to an eighth: another compiler makes other code, of
/// about the same quality.
fn assert_near(name: &str, written: &[u32], measured: &[u32]) {
    assert_eq!(written.len(), measured.len(), "{name}: {written:?} {measured:?}");
    let is_near = |(written, measured): (&u32, &u32)| *measured <= written + written.max(&256) / 8;
    assert!(written.iter().zip(measured).all(is_near), "{name}: {measured:?}, was {written:?}");
}

/// What `anomaly_cost` and `personalise_cost` count, in `f32` and in fixed point; on the M3's machine, which runs
/// the code of the M0 too.
#[test]
#[ignore = "needs QEMU and cross targets: tests/all.sh firmware"]
fn detector_and_personalisation_take_what_their_page_says() {
    let page = include_str!("../examples/firmware/README.md");
    for (bin, head, names) in [
        (
            "anomaly_cost",
            "| phase | core | numbers |",
            &["scaling", "learning", "weighing", "threshold", "watching"][..],
        ),
        ("personalise_cost", "| digits | core | numbers |", &["reading", "learning"]),
    ] {
        let page = &page[page.find(head).unwrap()..];
        for (core, machine, label, numbers) in [
            (M4F, M4F, "M4F", "`f32`"),
            (M0_WITH_4_MB, M4F, "M0", "`f32`"),
            (M0_WITH_4_MB, M4F, "M0", "`Fixed`"),
        ] {
            let features = if numbers == "`Fixed`" { "fixed,measure" } else { "measure" };
            let program = Build::new(core, "release", bin).features(features).build();
            let log = run_counting(machine, &program);
            for name in names {
                let row = format!("{name} | {label} | {numbers} |");
                // What the row begins with has numbers too.
                let written = numbers_of(page, &row);
                let measured = numbers_of(&log, name);
                let written = &written[written.len() - measured.len()..];
                assert_near(&row, written, &measured);
            }
        }
    }
}

#[test]
#[ignore = "needs QEMU and cross targets: tests/all.sh firmware"]
fn recurrent_learners_take_what_their_page_says() {
    for (program, names) in [
        ("vowels", &["identifying", "learning", "listening"][..]),
        ("motions", &["recognising", "learning"]),
    ] {
        let page = include_str!("../examples/firmware/README.md");
        let page = &page[page.find(&format!("| `{program}` | instructions |")).unwrap()..];
        let bin = format!("{program}_cost");
        let log = run_counting(M4F, &Build::new(M4F, "release", &bin).features("measure").build());
        for name in names {
            let (written, measured) = (numbers_of(page, name), numbers_of(&log, name));
            assert_near(name, &written, &measured);
            assert_eq!((written.len(), measured.len()), (2, 2), "{name}");
        }
    }
}

#[test]
#[ignore = "needs QEMU and cross targets: tests/all.sh firmware"]
fn layers_take_what_their_page_says() {
    let page = include_str!("../examples/firmware/README.md");
    let page = &page[page.find("| network | level | inference |").unwrap()..];
    for (profile, level) in [("release", "s"), ("fast", "3")] {
        let program = Build::new(M4F, profile, "layers_cost").features("measure").build();
        let log = run_counting(M4F, &program);
        for name in ["activity", "compact", "signal", "gru", "gru rational"] {
            // The level 3 is no figure.
            let written = numbers_of(page, &format!("{name} | {level} |"));
            let written = &written[written.len() - 6..];
            let [inference, step, network] = ["inference", "step", "network"]
                .map(|what| numbers_of(&log, &format!("{name} {what}")));
            let measured = [inference[0], step[0], inference[1], network[0], network[1], step[1]];
            assert_near(&format!("{name} {level}"), written, &measured);
            // 28 KB are enough to train.
            let ram: u32 = measured[3..].iter().sum();
            assert!(name != "signal" || ram <= 28 * 1024, "{ram} bytes");
        }
    }
}

/// As [`is_soft_double`], for `f32`.
fn is_soft_float(name: &str) -> bool {
    let arm = name.strip_prefix("__aeabi_");
    let arm = arm.map(|rest| rest.trim_start_matches(['i', 'u', 'l', 'c', '2']));
    arm.is_some_and(|rest| rest.starts_with('f'))
        || name.strip_prefix("__").is_some_and(|rest| rest.contains("sf"))
}

/// Whether a function computes with floats, or multiplies or divides 64-bit integers.
fn is_slow_without_fpu(name: &str) -> bool {
    let wide = ["__aeabi_lmul", "__aeabi_ldivmod", "__aeabi_uldivmod"];
    is_soft_double(name) || is_soft_float(name) || wide.contains(&name)
}

#[test]
#[ignore = "needs QEMU and cross targets: tests/all.sh firmware"]
fn fixed_point_takes_what_its_page_says() {
    let page = include_str!("../examples/firmware/README.md");
    let page = &page[page.find("## Networks in fixed point").unwrap()..];
    let (s, three) = (("release", "s"), ("fast", "3"));
    for (core, label, profiles) in
        [(M0_WITH_4_MB, "M0", &[s, three][..]), (M3, "M3", &[s, three]), (AVR, "ATmega328P", &[s])]
    {
        for (profile, level) in profiles {
            let program = Build::new(core, profile, "fixed_cost").features("measure").build();
            for line in run_counting(core, &program).lines() {
                let (name, figures) = line.split_once(": ").unwrap();
                let row = format!("{name} | {label} | {level} |");
                let (written, measured) = (numbers_of(page, &row), numbers_of(figures, ""));
                println!("| {row} {measured:?}");
                assert_near(&row, &written[written.len() - 5..], &measured);
            }
        }
    }
}

#[test]
#[ignore = "needs QEMU and cross targets: tests/all.sh firmware"]
fn fixed_point_takes_the_flash_of_its_page_and_links_no_floats() {
    let page = include_str!("../examples/firmware/README.md");
    let page = &page[page.find("| network | flash, s |").unwrap()..];
    let elf = |profile, net| {
        let build = Build::new(M0, profile, "fixed_size").features("panic-never");
        Elf::read(build.variables(&[("NET", net)]).build())
    };
    let empty = ["release", "fast"].map(|profile| elf(profile, "none").loaded_bytes());
    for net in ["2-2-2", "64-32-10", "64-32-10, 16-bit weights"] {
        let written = numbers_of(page, &format!("{net} |"));
        let measured = [("release", empty[0]), ("fast", empty[1])].map(|(profile, empty)| {
            let elf = elf(profile, net);
            let slow = elf.functions().into_iter().filter(|name| is_slow_without_fpu(name));
            assert_eq!(slow.collect::<Vec<_>>(), [""; 0], "{profile} {net}");
            elf.loaded_bytes() - empty
        });
        println!("{net}: {measured:?}");
        assert_near(net, &written[written.len() - 2..], &measured);
    }
}

#[test]
#[ignore = "needs QEMU and cross targets: tests/all.sh firmware"]
fn int8_takes_what_its_page_says() {
    let page = include_str!("../examples/firmware/README.md");
    let page = &page[page.find("| network | core | level | inference | stack |").unwrap()..];
    let names = ["2-2-2", "16-16-4", "64-32-10", "784-32-10", "activity"];
    let mut outputs = BTreeSet::new();
    for (core, machine, label) in [(M0_WITH_4_MB, M4F, "M0"), (M4F, M4F, "M4F")] {
        for (profile, level) in [("release", "s"), ("fast", "3")] {
            let program = Build::new(core, profile, "quantized_cost").features("measure").build();
            let log = run_counting(machine, &program);
            for name in names {
                let row = format!("{name} | {label} | {level} |");
                let written = numbers_of(page, &row);
                let written = &written[written.len() - 3..];
                let line = log.lines().find(|line| line.starts_with(name)).unwrap();
                let (figures, numbers) = line[name.len()..].split_once(": ").unwrap();
                let figures = figures.split(|c: char| !c.is_ascii_digit());
                let measured: Vec<u32> = figures.filter_map(|word| word.parse().ok()).collect();
                assert_near(&row, written, &measured);
                outputs.insert(format!("{name}: {numbers}"));
            }
        }
    }
    // On all cores and levels: here, both roundings give the same.
    assert_eq!(outputs.len(), names.len(), "{outputs:?}");
    let program = Build::new(M0_WITH_4_MB, "release", "quantized").build();
    let (status, log) = run(M0_WITH_4_MB, &program);
    assert!(status.success() && outputs.contains(&format!("activity: {}", log.trim())), "{log}");
    let functions = Elf::read(program).functions();
    assert_eq!(
        functions.iter().filter(|name| is_slow_without_fpu(name)).count(),
        0,
        "{functions:?}"
    );
}

#[test]
#[ignore = "needs QEMU and cross targets: tests/all.sh firmware"]
fn signals_in_int8_are_as_accurate_as_their_page_says() {
    let page = include_str!("../examples/firmware/README.md");
    let page = &page[page.find("### Signals in int8").unwrap()..];
    for (core, label, right) in [(M0_WITH_4_MB, "M0", 50), (M4F, "M4F", 1000)] {
        let program = Build::new(core, "release", "signals_int8").features("measure").build();
        let log = run_counting(M4F, &program);
        for (name, row) in [("f32", "`f32`"), ("int8", "int8")] {
            let written = numbers_of(page, &format!("{row} | {label} | s |"));
            let [.., inference, stack, flash, all_right] = written[..] else { panic!("{page}") };
            let measured = numbers_of(&log, &format!("{name} "));
            let [.., measured_inference, measured_stack, measured_flash] = measured[..] else {
                panic!("{log}");
            };
            assert!(measured_inference <= inference + inference / 8, "{log}");
            assert!(measured_stack <= stack + stack / 8, "{log}");
            assert_eq!(measured_flash, flash);
            let count = if name == "f32" { right } else { 1000 };
            if count == 1000 {
                assert!(log.contains(&format!("{name} right of 1000 {all_right}")), "{log}");
            }
        }
        // The same bits as on the page; most signals are classified alike.
        let last = numbers_of(&log, "f32 right of");
        assert!(last[last.len() - 1] * 100 >= right * 99, "{log}");
    }
}

#[test]
#[ignore = "needs QEMU and cross targets: tests/all.sh firmware"]
fn transfer_takes_what_its_page_says() {
    let page = include_str!("../examples/firmware/README.md");
    let page = &page[page.find("| trained | network | trainer |").unwrap()..];
    let program = Build::new(M4F, "release", "memory_cost").features("measure").build();
    let log = run_counting(M4F, &program);
    let ways = ["everything", "second block and head", "biases and head", "head"];
    let [kept, recomputed] = ["", ", recomputed"].map(|how| {
        ways.map(|way| {
            let name = format!("{way}{how} |");
            let written = &numbers_of(page, &name)[..6];
            let [network, trainer, stack, adam, step] = numbers_of(&log, &name)[..] else {
                panic!("{log}");
            };
            let ram = network + trainer + stack;
            let measured = [network, trainer, stack, ram, adam, step];
            assert_near(&name, written, &measured);
            measured
        })
    });
    for (kept, recomputed) in kept.iter().zip(&recomputed) {
        assert!(recomputed[3] < kept[3] * 9 / 10, "{kept:?} {recomputed:?}");
    }
}

#[test]
#[ignore = "needs QEMU and cross targets: tests/all.sh firmware"]
fn stores_take_what_their_page_says() {
    let page = include_str!("../examples/firmware/README.md");
    let page = &page[page.find("| | instructions | stack |").unwrap()..];
    let log =
        run_counting(M4F, &Build::new(M4F, "release", "store_cost").features("measure").build());
    for state in ["", " with state"] {
        for name in ["saving", "loading"] {
            let name = format!("{name}{state}");
            // The longer name begins as the shorter one does.
            let [written, measured] =
                [page, &log].map(|text| numbers_of(text, &format!("{name} ")));
            assert_near(&name, &written, &measured);
            assert_eq!(written.len(), measured.len(), "{name}");
            assert!(measured[1] < 600, "{name}: {measured:?}");
        }
    }
}

#[test]
#[ignore = "needs QEMU and cross targets: tests/all.sh firmware"]
fn parts_take_no_more_than_on_the_page() {
    let page = include_str!("../examples/firmware/README.md");
    let table = figures::written(page, "parts");
    let exact = table.contains(&format!("\nBuilt by {}.\n", figures::compiler()));
    let parts = figures::measure_parts();
    println!("{}", figures::table_of_parts(&parts));
    for (name, measured) in parts {
        let written = numbers_of(table, &format!("{name} |"));
        // Functions are in the order of a hash, and padding follows it.
        let slack = if exact { 16 } else { written[0] / 8 + 32 };
        assert!(measured[0] <= written[0] + slack, "{name}: {measured:?}");
        assert!(measured[1] <= written[1] + if exact { 0 } else { slack }, "{name}: {measured:?}");
    }
}

// Without running: what the linker says, and what is in the file

fn assert_nothing_panics(core: Core, programs: &[(&str, &str)]) {
    for (profile, bin) in programs {
        let program = Build::new(core, profile, bin).features("panic-never").build();
        // It gets to its end too: every function returns.
        let (status, _) = run(core, &program);
        assert!(status.success(), "{profile} {bin}: {status}");
    }
}

#[test]
#[ignore = "needs QEMU and cross targets: tests/all.sh firmware"]
fn no_function_can_panic_on_cortex_m0() {
    // At level 3, all functions together take more than the 256 KB of flash of QEMU's M0. Each build takes a
    // minute, so both cores have two of the three profiles.
    assert_nothing_panics(M0_WITH_4_MB, &[("smallest", "no_panic"), ("fast", "no_panic")]);
}

#[test]
#[ignore = "needs QEMU and cross targets: tests/all.sh firmware"]
fn no_function_can_panic_on_cortex_m4f() {
    assert_nothing_panics(M4F, &[("release", "no_panic"), ("fast", "no_panic")]);
    // The same code, so at one level of one core: it takes a minute to compile.
    assert_nothing_panics(M4F, &[("release", "no_panic_f64")]);
}

#[test]
#[ignore = "needs QEMU and cross targets: tests/all.sh firmware"]
fn index_out_of_bounds_does_not_link() {
    let build = Build::new(M3, "release", "size").features("panic-never,panic-on-purpose");
    let output = build.try_build();
    let text = explain(build.target, &output);
    assert!(!output.status.success(), "{text}");
    assert!(text.contains("your program contains at least one panicking branch"), "{text}");
}

/// No program for AVR links if it can panic.
#[test]
#[ignore = "needs simavr and cross targets: tests/all.sh firmware"]
fn functions_of_training_cannot_panic_on_the_atmega328p() {
    Build::new(AVR, "release", "no_panic").build();
    let output = Build::new(AVR, "release", "size").features("panic-on-purpose").try_build();
    let text = explain(AVR.target, &output);
    assert!(!output.status.success(), "{text}");
    assert!(text.contains("your program contains at least one panicking branch"), "{text}");
}

/// The run-time functions for `f64` arithmetic and conversion, by the names of the Arm run-time
/// interface and of GCC.
fn is_soft_double(name: &str) -> bool {
    let arm = name.strip_prefix("__aeabi_").is_some_and(|rest| {
        let to_double = ["f2d", "i2d", "ui2d", "l2d", "ul2d"];
        rest.starts_with('d') || rest.starts_with("cd") || to_double.contains(&rest)
    });
    let gcc = name.strip_prefix("__").is_some_and(|rest| {
        rest.contains("df") && rest.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    });
    arm || gcc
}

fn soft_doubles(build: Build<'_>) -> Vec<String> {
    let mut names = Elf::read(build.build()).functions();
    assert!(names.iter().any(|name| name == "main"));
    names.retain(|name| is_soft_double(name));
    names
}

#[test]
#[ignore = "needs QEMU and cross targets: tests/all.sh firmware"]
fn f32_firmware_has_no_f64_routines() {
    for (core, profile) in [(M0_WITH_4_MB, "smallest"), (M4F, "release")] {
        let programs = [
            Build::new(core, profile, "worked_net"),
            Build::new(core, profile, "no_panic").features("panic-never"),
        ];
        for build in programs {
            assert_eq!(soft_doubles(build), [""; 0], "{} {}", build.target, build.bin);
        }
    }
    for bin in ["same_bits", "worked_net"] {
        assert_eq!(soft_doubles(Build::new(AVR, "release", bin)), [""; 0], "AVR {bin}");
    }
    let f64s = soft_doubles(Build::new(M4F, "release", "no_panic_f64").features("panic-never"));
    assert!(f64s.iter().any(|name| name.contains("mul")), "{f64s:?}");
    assert!(f64s.len() > 9, "{f64s:?}");
}

#[test]
fn soft_routines_are_known_by_name() {
    for name in ["__aeabi_dadd", "__aeabi_f2d", "__aeabi_cdcmple", "__adddf3", "__extendsfdf2"] {
        assert!(is_soft_double(name), "{name}");
    }
    for name in ["__aeabi_fadd", "__aeabi_ui2f", "__aeabi_cfcmple", "__addsf3", "__floatsisf"] {
        assert!(is_soft_float(name) && !is_soft_double(name), "{name}");
    }
    for name in ["__aeabi_uidivmod", "__aeabi_lasr", "main", "__udivsi3", "__muldi3"] {
        assert!(!is_soft_double(name) && !is_slow_without_fpu(name), "{name}");
    }
}

#[test]
#[ignore = "needs QEMU and cross targets: tests/all.sh firmware"]
fn no_function_calls_itself() {
    let build = Build::new(M4F, "release", "no_panic").features("panic-never");
    let mut calls = Elf::read(build.build()).calls();
    for function in ["Trainer", "libm", "memclr"] {
        let mut called = calls.values().flatten();
        assert!(called.any(|name| name.contains(function)), "nothing calls {function}: {calls:?}");
    }
    assert_eq!(circle(&calls), None);
    // Were there one, it would be found.
    let (caller, callee) = calls.iter().map(|(a, b)| (a.clone(), b[0].clone())).next().unwrap();
    calls.entry(callee).or_default().push(caller);
    assert!(circle(&calls).is_some());
}

#[test]
fn circles_are_found() {
    let graph = |edges: &[(&str, &str)]| {
        let mut calls = BTreeMap::<String, Vec<String>>::new();
        for &(caller, callee) in edges {
            calls.entry(caller.to_owned()).or_default().push(callee.to_owned());
        }
        calls
    };
    assert_eq!(circle(&graph(&[("a", "b"), ("a", "c"), ("b", "c"), ("c", "d")])), None);
    let found = circle(&graph(&[("a", "b"), ("b", "c"), ("c", "d"), ("d", "b")])).unwrap();
    assert_eq!(found, ["b", "c", "d"]);
}

// Figures

/// Whether gradlet takes no more than the network by hand; at level 3, a tenth more of flash may be.
/// RAM and stack do not compare: by hand, the outputs are on the stack.
fn is_ahead(level: &str, column: &str, Pair { gradlet, by_hand }: Pair) -> bool {
    match column {
        "inference" | "step" => gradlet <= by_hand,
        "flash" if level == "3" => gradlet <= by_hand + by_hand / 10,
        "flash" => gradlet <= by_hand,
        _ => true,
    }
}

#[test]
#[ignore = "needs QEMU and cross targets: tests/all.sh firmware"]
fn figures_are_no_higher_than_on_the_page() {
    let table = figures::written(include_str!("../examples/firmware/README.md"), "networks");
    let exact = table.contains(&format!("\nBuilt by {}.\n", figures::compiler()));
    let budgets = figures::rows(table);
    // The networks by hand change with the compiler only, and with what they are compared with.
    let measured = figures::measure_all(if exact { &budgets } else { &[] });
    println!("{}", figures::table("networks", &measured));
    assert_eq!(budgets.len(), measured.len());
    for (budget, row) in budgets.iter().zip(&measured) {
        assert_eq!(budget.name, row.name);
        for (place, column) in figures::COLUMNS.into_iter().enumerate() {
            let (old, new) = (budget.figures[place], row.figures[place]);
            let most = match column {
                // Another compiler makes other code, of about the same quality.
                _ if !exact => old.gradlet + old.gradlet / 8 + 32,
                // Functions are in the order of a hash, of the folder too, and padding follows it.
                "flash" => old.gradlet + 16,
                _ => old.gradlet,
            };
            assert!(new.gradlet <= most, "{:?} {column}: {new:?}, was {old:?}", row.name);
            let ahead = is_ahead(&row.name[2], column, new);
            assert!(ahead || !exact, "{:?} {column}: {new:?}", row.name);
        }
    }
}

#[test]
fn tables_are_read_as_they_are_written() {
    let page = include_str!("../examples/firmware/README.md");
    let rows = figures::rows(figures::written(page, "networks"));
    assert_eq!(figures::rows(&figures::table("networks", &rows)), rows);
    assert!(rows.len() > 20, "{rows:?}");
    let readme = figures::rows(figures::written(include_str!("../README.md"), "short"));
    let short: Vec<_> = rows.into_iter().filter(|row| figures::is_in_short(&row.name)).collect();
    assert_eq!((short.len(), &readme), (3, &short));
}

// A project of one's own

/// Copies a folder but for what was built.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.ends_with("target") {
            continue;
        }
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(path, target).unwrap();
        }
    }
}

#[test]
#[ignore = "needs QEMU and cross targets: tests/all.sh firmware"]
fn a_copy_of_the_folder_builds_outside_of_the_repository() {
    let repository = env!("CARGO_MANIFEST_DIR");
    let project = std::env::temp_dir().join(format!("gradlet-project-{}", std::process::id()));
    copy(&firmware::package(), &project);
    let manifest = project.join("Cargo.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    let line = "gradlet = { path = \"../..\" }";
    assert_eq!(text.matches(line).count(), 1);
    // There is no published version to try it with.
    fs::write(&manifest, text.replace(line, &format!("gradlet = {{ path = '{repository}' }}")))
        .unwrap();
    let (folder, _alone) = folder(M4F.target);
    let mut command = cargo(M4F.target, &["build", "--release", "--locked"]);
    command.args(["--bin", "worked_net", "--target-dir"]).arg(firmware::package().join(folder));
    command.current_dir(&project);
    let output = output(command, "bash", "it is needed for tests/cargo.sh");
    fs::remove_dir_all(&project).unwrap();
    assert!(output.status.success(), "{}", explain(M4F.target, &output));
}

// Boards

/// The boards with the least flash, of the two with an FPU and of the others.
#[test]
#[ignore = "needs QEMU and cross targets: tests/all.sh firmware"]
fn programs_fit_on_boards() {
    for (core, board) in [(M4F, "microbit-v2"), (M0, "pico")] {
        for bin in ["anomaly", "gesture", "interrupt", "personalise", "resume", "signals"] {
            Build::new(core, "release", bin).features(board).build();
        }
    }
}

#[test]
#[ignore = "needs QEMU and cross targets: tests/all.sh firmware"]
fn board_programs_begin_with_what_the_rom_looks_for() {
    let board =
        |core, board| Elf::read(Build::new(core, "release", "worked_net").features(board).build());
    for (core, name, start) in [(M4F, "microbit-v2", 0), (M4F, "nucleo-f446re", 0x0800_0000)] {
        let (address, vectors) = board(core, name).section(".vector_table");
        assert_eq!(address, start, "{name}");
        let stack = u32::from_le_bytes(vectors[..4].try_into().unwrap());
        assert_eq!(stack, 0x2000_0000 + 128 * 1024, "{name}: the stack begins at the end of RAM");
    }

    // RP2040: 252 bytes and their sum.
    let pico = board(M0, "pico");
    let (address, boot) = pico.section(".boot2");
    assert_eq!((address, boot.len()), (0x1000_0000, 256));
    assert_eq!(crc32(&boot[..252]).to_le_bytes(), boot[252..]);
    assert_eq!(pico.section(".vector_table").0, 0x1000_0100);

    // RP2350: a block between two marks in the first 4 KB; the type is a program for Arm, secure.
    let (address, block) = board(M33, "pico2").section(".start_block");
    assert!((0x1000_0000..0x1000_1000 - block.len() as u64).contains(&address));
    assert_eq!(block[..4], 0xFFFF_DED3_u32.to_le_bytes());
    assert_eq!(block[4..8], 0x1021_0142_u32.to_le_bytes());
    assert_eq!(block[block.len() - 4..], 0xAB12_3579_u32.to_le_bytes());
}

/// As the RP2040's data sheet has it, section 2.8.1.3.1: polynomial 0x04c11db7, nothing reflected.
fn crc32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |sum, &byte| {
        (0..8).fold(sum ^ u32::from(byte) << 24, |sum, _| {
            (sum << 1) ^ if sum >> 31 == 1 { 0x04C1_1DB7 } else { 0 }
        })
    })
}

/// The build script alone: cargo runs it when it has compiled everything else.
#[test]
fn wrong_boards_are_refused_in_words() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let script = folder.join("build");
    let mut rustc = Command::new("rustc");
    rustc.args(["--edition", "2024", "examples/firmware/build.rs", "-o"]).arg(&script);
    assert!(rustc.status().unwrap().success());
    let said = |boards: &[&str]| {
        let mut command = Command::new(&script);
        command.env("TARGET", M4F.target).env("OUT_DIR", folder);
        command.current_dir("examples/firmware");
        for board in boards {
            command.env(format!("CARGO_FEATURE_{board}"), "1");
        }
        String::from_utf8(output(command, "build.rs", "rustc has built it").stdout).unwrap()
    };
    let error = "cargo::error=the board `pico` needs `--target thumbv6m-none-eabi`";
    assert!(said(&["PICO"]).contains(error));
    assert!(said(&["MICROBIT_V2", "NUCLEO_F446RE"]).contains("cargo::error=one board at a time"));
    assert!(!said(&["MICROBIT_V2"]).contains("cargo::error"));
}
