//! Each target gets the loops of its hardware.

#[allow(dead_code, reason = "a build script runs its `main`")]
#[path = "../build.rs"]
mod build;

#[test]
fn each_target_has_the_loops_of_its_hardware() {
    for (target, arch, abi, hardware, integers) in [
        ("thumbv6m-none-eabi", "arm", "eabi", "soft_float", "short"),
        ("thumbv7m-none-eabi", "arm", "eabi", "soft_float", "long"),
        ("thumbv8m.base-none-eabi", "arm", "eabi", "soft_float", "short"),
        ("thumbv8m.main-none-eabihf", "arm", "eabihf", "vldm", "long"),
        ("thumbv7em-none-eabihf", "arm", "eabihf", "vldm", "long"),
        ("riscv32imac-unknown-none-elf", "riscv32", "", "soft_float", "plain"),
        ("riscv32imafc-unknown-none-elf", "riscv32", "", "fpu", "plain"),
        ("riscv32gc-unknown-linux-gnu", "riscv32", "", "fpu", "plain"),
        ("xtensa-esp32-none-elf", "xtensa", "", "fpu", "plain"),
        ("avr-none", "avr", "", "soft_float", "plain"),
        ("x86_64-unknown-linux-gnu", "x86_64", "", "simd", "simd"),
        ("riscv64gc-unknown-none-elf", "riscv64", "", "simd", "simd"),
    ] {
        assert_eq!(build::hardware(target, arch, abi), hardware, "{target}");
        assert_eq!(build::integers(target, hardware), integers, "{target}");
    }
}
