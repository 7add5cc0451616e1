//! On-device anomaly detection: learns the normal vibration of a synthetic machine, then flags its
//! faults. The detector is in `devices/src/detector.rs`. With the feature `fixed`, samples and network are in fixed
//! point.
#![no_std]
#![no_main]

use defmt::println;
use gradlet_firmware::NumberFormat;
use gradlet_firmware::course::{Stretch, run};

type Detector = gradlet_firmware::detector::Detector<NumberFormat>;

#[gradlet_firmware::entry]
fn main() -> ! {
    gradlet_firmware::start();
    println!(
        "a detector of {=usize} bytes with {=usize} parameters",
        Detector::BYTES,
        Detector::PARAMETERS
    );
    let threshold = run::<NumberFormat>(|Stretch { name, windows, flagged, error, hash }| {
        println!(
            "{=u64:016x} {=u32} windows, {=u32} flagged, error {=f32}: {=str}",
            hash.0, windows, flagged, error, name
        );
    });
    println!("threshold {=f32}", threshold);
    gradlet_firmware::exit(0)
}
