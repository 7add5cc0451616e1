//! Each target gets the loops of its hardware.

#[allow(dead_code, reason = "a build script runs its `main`")]
#[path = "../build.rs"]
mod build;

#[test]
fn each_target_has_the_loops_of_its_hardware() {
    for (target, arch, abi, hardware) in [
        ("thumbv6m-none-eabi", "arm", "eabi", "soft_float"),
        ("thumbv7em-none-eabihf", "arm", "eabihf", "vldm"),
        ("riscv32imac-unknown-none-elf", "riscv32", "", "soft_float"),
        ("riscv32imafc-unknown-none-elf", "riscv32", "", "fpu"),
        ("riscv32gc-unknown-linux-gnu", "riscv32", "", "fpu"),
        ("xtensa-esp32-none-elf", "xtensa", "", "fpu"),
        ("avr-none", "avr", "", "soft_float"),
        ("x86_64-unknown-linux-gnu", "x86_64", "", "simd"),
        ("riscv64gc-unknown-none-elf", "riscv64", "", "simd"),
    ] {
        assert_eq!(build::hardware(target, arch, abi), hardware, "{target}");
    }
}
