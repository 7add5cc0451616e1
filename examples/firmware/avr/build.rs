//! Gives the linker more flash than the ATmega328P has, for programs that do not fit.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=MEMORY_MAP");
    // With 64 KB, the reach of the start-up code, these run on an ATmega1284P, which has the same core.
    if std::env::var("MEMORY_MAP").is_ok_and(|map| map == "atmega1284p") {
        println!("cargo::rustc-link-arg-bins=-Wl,--defsym=__TEXT_REGION_LENGTH__=65536");
    }
    // This one only needs to link.
    for region in ["TEXT", "DATA"] {
        println!(
            "cargo::rustc-link-arg-bin=no_panic=-Wl,--defsym=__{region}_REGION_LENGTH__=1048576"
        );
    }
}
