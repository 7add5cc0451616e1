//! Trains several networks and prints a hash of the bits of each, which is the same on every core.
#![no_std]
#![no_main]

use defmt::println;
use gradlet_firmware::models::RUNS;

#[gradlet_firmware::entry]
fn main() -> ! {
    gradlet_firmware::start();
    for run in RUNS {
        println!("{=u64:016x} {=str}", (run.train)(run.steps).hash.0, run.name);
    }
    gradlet_firmware::exit(0)
}
