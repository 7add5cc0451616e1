//! Any bytes as a header, of which the length is right. The first byte is how many bytes of data follow.
#![no_main]

#[path = "../../support/oracle.rs"]
mod oracle;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((data, header)) = bytes.split_first() else { return };
    let length = (header.len() as u64).to_le_bytes();
    // Numbers of all sizes, and some that are not finite.
    let data: Vec<u8> = (0..*data).map(|at| at.wrapping_mul(0x9d) ^ at >> 3).collect();
    oracle::compare(&[&length, header, &data].concat());
});
