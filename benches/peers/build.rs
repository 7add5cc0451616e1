//! Compiles the networks in C, for the same processor as the Rust code.

use std::fmt::Write as _;
use std::{env, fs, path::Path};

/// Numbers of inputs, hidden units and outputs, and which activations: see `Kind`.
const NETS: [([usize; 3], usize); 9] = [
    ([2, 2, 2], 0),
    ([2, 1, 2], 1),
    ([2, 2, 2], 1),
    ([2, 4, 2], 1),
    ([2, 10, 2], 1),
    ([2, 20, 2], 1),
    ([2, 50, 2], 1),
    ([64, 32, 10], 0),
    ([784, 128, 10], 2),
];

fn main() {
    println!("cargo::rerun-if-changed=src/net.c");
    println!("cargo::rerun-if-changed=build.rs");
    let target_cpu = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let target_cpu = target_cpu.split('\x1f').find_map(|flag| flag.split_once("target-cpu="));
    let (mut externs, mut arms) = (String::new(), String::new());
    for ([inputs, hidden, outputs], kind) in NETS {
        for same_bits in [true, false] {
            let name = if same_bits { "same_bits" } else { "usual" };
            let prefix = format!("{name}_{inputs}_{hidden}_{outputs}_{kind}");
            let mut build = cc::Build::new();
            build.file("src/net.c").opt_level(3).define("PREFIX", prefix.as_str());
            for (name, value) in
                [("IN", inputs), ("HIDDEN", hidden), ("OUT", outputs), ("KIND", kind)]
            {
                build.define(name, value.to_string().as_str());
            }
            if same_bits {
                build.define("SAME_BITS", None).flag("-ffp-contract=off");
            }
            if let Some((_, target_cpu)) = target_cpu {
                build.flag(format!("-march={target_cpu}"));
            }
            build.compile(&prefix);
            writeln!(externs, "fn {prefix}_epoch(net: *mut f32, gradient: *mut f32, inputs: *const f32, targets: *const f32, count: usize, batch: usize, rate: f32) -> f32;\nfn {prefix}_inferences(net: *const f32, inputs: *const f32, count: usize) -> f32;").unwrap();
            writeln!(arms, "([{inputs}, {hidden}, {outputs}], {kind}, {same_bits}) => ({prefix}_epoch, {prefix}_inferences),").unwrap();
        }
    }
    let text = format!(
        "unsafe extern \"C\" {{ {externs} }}\nfn functions(sizes: [usize; 3], kind: usize, same_bits: bool) -> (Epoch, Inferences) {{ match (sizes, kind, same_bits) {{ {arms} _ => panic!(\"no such network in C\") }} }}"
    );
    fs::write(Path::new(&env::var("OUT_DIR").unwrap()).join("functions.rs"), text).unwrap();
}
