//! Puts the memory map of the board, or of the machine that QEMU plays, where the linker looks.

use std::{env, error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let target = env::var("TARGET")?;
    let map = match target.as_str() {
        "thumbv6m-none-eabi" => "microbit",
        "thumbv8m.main-none-eabihf" => "mps2-an505",
        "riscv32imac-unknown-none-elf" => "virt",
        _ => "mps2",
    };
    let map = format!("memory/{map}.x");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::copy(&map, out.join("memory.x"))?;
    println!("cargo:rerun-if-changed={map}");
    println!("cargo:rustc-link-search={}", out.display());
    if target.starts_with("riscv") {
        println!("cargo:rustc-link-arg-bins=-Tmemory.x");
    }
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
    println!("cargo:rustc-link-arg-bins=-Tdefmt.x");
    // No gap in the file between the headers and a flash that begins at 0.
    println!("cargo:rustc-link-arg-bins=--nmagic");
    Ok(())
}
