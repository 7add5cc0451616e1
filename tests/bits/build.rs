//! Tells the program, by the cfg `bare`, whether it has to do without `std`.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(bare)");
    if std::env::var("HOST") != std::env::var("TARGET") {
        println!("cargo::rustc-cfg=bare");
    }
}
