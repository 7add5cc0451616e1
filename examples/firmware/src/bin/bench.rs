//! Counts the instructions and the stack of a network, and of the same network written by hand.
//!
//! The environment variable `NET` chooses the network at compile time.
#![no_std]
#![no_main]

use gradlet_firmware::count::start_counting;
use gradlet_firmware::{bench, chosen_network};

macro_rules! print {
    ($measured:ty) => {
        bench!($measured, |name: &str, first: u32, second: u32| {
            defmt::println!("{=str} {=u32} {=u32}", name, first, second)
        })
    };
}

#[gradlet_firmware::entry]
fn main() -> ! {
    gradlet_firmware::start();
    start_counting();
    chosen_network!(print, {
        defmt::error!("no network: compile this with NET=2-2-2, for instance");
        gradlet_firmware::exit(1)
    });
    gradlet_firmware::exit(0)
}
