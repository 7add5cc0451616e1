//! What the compiler says to a user who connects or feeds a network wrongly.
//!
//! Each `.rs` file in `tests/compile_fail` is one mistake, the `.stderr` beside it the whole
//! message. The texts are rustc's as well as ours and change with its version, so they are compared
//! with one version only; `TRYBUILD=overwrite cargo test --test compile_fail` writes them anew.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::process::Command;

const COMPILER: &str = "rustc 1.95.";

#[test]
fn mistakes_have_short_errors() {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("--version").output().unwrap().stdout;
    let version = String::from_utf8(version).unwrap();
    if version.starts_with(COMPILER) {
        let cases = trybuild::TestCases::new();
        cases.compile_fail("tests/compile_fail/*.rs");
        // More sizes would be in the message.
        #[cfg(all(feature = "microfft-v0.6", not(feature = "microfft-v0.6-size-4096")))]
        cases.compile_fail("tests/compile_fail/microfft/*.rs");
        #[cfg(feature = "rand_core-v0.10")]
        cases.compile_fail("tests/compile_fail/rand_core/*.rs");
    } else {
        println!("skipped: the messages are those of {COMPILER}x, this is {version}");
    }
}
