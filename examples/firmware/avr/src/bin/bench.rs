//! Counts the cycles and the stack of a network, and of the same network written by hand.
//!
//! The environment variable `NET` chooses the network at compile time.
#![no_std]
#![no_main]

use gradlet_avr::count::start_counting;
use gradlet_avr::serial::{decimal, fraction, print};
use gradlet_avr::{bench, chosen_network};

/// A line with a name and two numbers.
fn say<T>(print_number: fn(T), name: &str, first: T, second: T) {
    print(name);
    print(" ");
    print_number(first);
    print(" ");
    print_number(second);
    print("\n");
}

macro_rules! say {
    ("loss", $first:expr, $last:expr) => {
        say(fraction, "loss", $first, $last)
    };
    ($name:literal, $first:expr, $second:expr) => {
        say(decimal, $name, $first as u32, $second as u32)
    };
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
