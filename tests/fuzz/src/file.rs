//! Any bytes as a file.
#![no_main]

#[path = "../../support/oracle.rs"]
mod oracle;

libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    oracle::compare(file);
});
