//! Puts the memory map of the board, or of the machine that QEMU plays, where the linker looks.

use std::{env, error::Error, fs, path::PathBuf};

/// Feature, memory map and target of each board.
const BOARDS: [(&str, &str); 4] = [
    ("microbit-v2", "thumbv7em-none-eabihf"),
    ("nucleo-f446re", "thumbv7em-none-eabihf"),
    ("pico", "thumbv6m-none-eabi"),
    ("pico2", "thumbv8m.main-none-eabihf"),
];

/// Target and memory map of each emulated core.
const CORES: [(&str, &str); 5] = [
    ("thumbv6m-none-eabi", "microbit"),
    ("thumbv7m-none-eabi", "mps2"),
    ("thumbv7em-none-eabihf", "mps2"),
    ("thumbv8m.main-none-eabihf", "mps2-an505"),
    ("riscv32imac-unknown-none-elf", "virt"),
];

/// With the feature `large`, instead of that of the same name.
const LARGE: (&str, &str) = ("mps2-an505", "mps2-an505-large");

/// The memory map for a target, with the features that are on.
fn memory_map(target: &str, is_on: impl Fn(&str) -> bool) -> Result<&'static str, String> {
    let boards: Vec<_> = BOARDS.into_iter().filter(|(board, _)| is_on(board)).collect();
    match boards[..] {
        [] => CORES
            .into_iter()
            .find_map(|(core, map)| (core == target).then_some(map))
            .map(|map| if map == LARGE.0 && is_on("large") { LARGE.1 } else { map })
            .ok_or_else(|| format!("no memory map for the target {target}")),
        [(board, wanted)] if wanted == target => Ok(board),
        [(board, wanted)] => Err(format!(
            "the board `{board}` needs `--target {wanted}`, not {target}; \
             `--config boards/{board}.toml` sees to it"
        )),
        [(a, _), (b, _), ..] => Err(format!("one board at a time: `{a}` and `{b}` are both on")),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let target = env::var("TARGET")?;
    let is_on = |feature: &str| {
        let variable = feature.to_uppercase().replace('-', "_");
        env::var_os(format!("CARGO_FEATURE_{variable}")).is_some()
    };
    println!("cargo::rerun-if-env-changed=MEMORY_MAP");
    let map = match memory_map(&target, is_on) {
        // For the code of one core on the machine of another.
        Ok(map) => format!("memory/{}.x", env::var("MEMORY_MAP").as_deref().unwrap_or(map)),
        Err(message) => {
            println!("cargo::error={message}");
            return Ok(());
        }
    };
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::copy(&map, out.join("memory.x"))?;
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={map}");
    println!("cargo::rustc-link-search={}", out.display());
    if target.starts_with("riscv") {
        println!("cargo::rustc-link-arg-bins=-Tmemory.x");
    }
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    println!("cargo::rustc-link-arg-bins=-Tdefmt.x");
    // No gap in the file between the headers and a flash that begins at 0.
    println!("cargo::rustc-link-arg-bins=--nmagic");
    // The smallest code has checks that other levels prove to be needless.
    println!("cargo::rustc-check-cfg=cfg(checks_stay)");
    if env::var("OPT_LEVEL").as_deref() == Ok("z") {
        println!("cargo::rustc-cfg=checks_stay");
    }
    // Cores whose products have 32 bits compute int8 networks by two of 15 bits.
    println!("cargo::rustc-check-cfg=cfg(multiplies_32_bits)");
    if target == "thumbv6m-none-eabi" {
        println!("cargo::rustc-cfg=multiplies_32_bits");
    }
    // A test reads from the file which function calls which. What is loaded stays the same.
    println!("cargo::rustc-link-arg-bin=no_panic=--emit-relocs");
    Ok(())
}
