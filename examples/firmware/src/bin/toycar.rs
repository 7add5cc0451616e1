//! MLPerf Tiny's anomaly detector for toy cars: compares its outputs with those in `f64`, then adapts
//! its last two layers to a new car.
#![no_std]
#![no_main]

use defmt::println;
use gradlet::prelude::*;
use gradlet_firmware::small::Hash;
use gradlet_firmware::toycar::{
    DEVICE, Device, OUTPUTS, RECORDING, WINDOWS, largest_error, of_new_car,
};

/// The largest error that is accepted, in dB.
const LIMIT: f32 = 1e-2;

#[gradlet_firmware::entry]
fn main() -> ! {
    gradlet_firmware::start();
    let device = DEVICE.take();
    let error = largest_error(|window| device.net().forward(window), RECORDING.windows(), OUTPUTS);
    println!("largest error in {=usize} windows {=f32} dB", WINDOWS, error);
    assert!(error <= LIMIT, "the network computes something else");

    println!("RAM of the device: {=usize} bytes", Device::BYTES);
    let (shown, others) = RECORDING.halves();
    let tell = |when: &str, device: &mut Device| {
        let known = device.mean_score(others.windows());
        let new = device.mean_score(others.windows().map(of_new_car));
        println!("{=str}: score of the known car {=f32}, of the new one {=f32}", when, known, new);
    };
    tell("from the factory", device);
    device.adapt(shown.windows().map(of_new_car));
    tell("after learning", device);
    println!("hash of the parameters {=u64:016x}", Hash::of(device.net()).0);
    gradlet_firmware::exit(0)
}
