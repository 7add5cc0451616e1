//! Counts the cycles and the stack of a network, and of the same network written by hand.
//!
//! The environment variable `NET` chooses the network at compile time.
#![no_std]
#![no_main]

use gradlet_avr::count::start_counting;
use gradlet_avr::serial::{decimal, print};
use gradlet_avr::{bench, chosen_network};

fn say(name: &str, first: u32, second: u32) {
    print(name);
    print(" ");
    decimal(first);
    print(" ");
    decimal(second);
    print("\n");
}

macro_rules! say_all {
    ($measured:ty) => {
        bench!($measured, say)
    };
}

#[unsafe(no_mangle)]
extern "C" fn main() -> ! {
    gradlet_avr::serial::start();
    start_counting();
    chosen_network!(say_all, print("no network: compile this with NET=2-2-2, for instance\n"));
    gradlet_avr::exit()
}
