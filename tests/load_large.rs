//! A constant with 109,386 parameters: the compiler loads it within its own limits, in a second or two.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use gradlet::prelude::*;
use gradlet::safetensors;

/// The source of the program that loads it has the same.
type Net = net![784 => 128 Relu => 64 Relu => 10 Softmax];
const NAMES: [&str; 3] = ["0", "2", "4"];

const MANIFEST: &str = "\
[package]
name = \"large\"
version = \"0.0.0\"
edition = \"2024\"

[dependencies]
gradlet = { path = \"GRADLET\" }

[workspace]
";

const PROGRAM: &str = "
use gradlet::prelude::*;

const FILE: &[u8] = include_bytes!(\"../large.safetensors\");

static NET: net![784 => 128 Relu => 64 Relu => 10 Softmax] = gradlet::load![FILE; \"0\", \"2\", \"4\"];

fn main() {
    let mut buffer = vec![0; FILE.len()];
    assert!(gradlet::safetensors::save(&NET, &[\"0\", \"2\", \"4\"], &mut buffer).unwrap() == FILE);
    println!(\"same bits\");
}
";

/// A file in which every number is another.
fn file() -> Vec<u8> {
    let mut net = Box::new(Net::ZERO);
    let mut bits = 1.0_f32.to_bits();
    net.visit_mut(|_, values| {
        for value in values {
            *value = f32::from_bits(bits);
            bits = bits.wrapping_add(1);
        }
    });
    let mut file = vec![0; safetensors::file_size::<Net>(&NAMES).unwrap()];
    safetensors::save(&*net, &NAMES, &mut file).unwrap();
    file
}

/// Runs cargo in a folder; what it printed.
fn cargo(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .args(["--offline", "--quiet"])
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn large_networks_are_constants() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("load_large");
    let file = file();
    assert!(file.len() > 437_544, "{}", file.len());
    fs::create_dir_all(folder.join("src")).unwrap();
    fs::write(folder.join("large.safetensors"), file).unwrap();
    let manifest = MANIFEST.replace("\"GRADLET\"", &format!("{:?}", root.to_str().unwrap()));
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    fs::write(folder.join("src/main.rs"), "fn main() {}\n").unwrap();
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    cargo(&folder, &["build"]);

    fs::write(folder.join("src/main.rs"), PROGRAM).unwrap();
    let start = Instant::now();
    cargo(&folder, &["build"]);
    let time = start.elapsed();
    println!("compiled in {time:?}");
    assert_eq!(cargo(&folder, &["run"]), "same bits\n");
}
