//! Counts the instructions and the stack of a network, and of the same network written by hand.
//!
//! The environment variable `NET` chooses the network at compile time.
#![no_std]
#![no_main]

use gradlet_firmware::count::start_counting;
use gradlet_firmware::{bench, chosen_network};

macro_rules! say {
    ("bytes", $first:expr, $second:expr) => {
        defmt::println!("bytes {=usize} {=usize}", $first, $second)
    };
    ("loss", $first:expr, $last:expr) => {
        defmt::println!("loss {=f32} {=f32}", $first, $last)
    };
    ($name:literal, $first:expr, $second:expr) => {
        defmt::println!("{=str} {=u32} {=u32}", $name, $first, $second)
    };
}
macro_rules! say_all {
    ($measured:ty) => {
        bench!($measured, say)
    };
}

#[gradlet_firmware::entry]
fn main() -> ! {
    gradlet_firmware::start();
    start_counting();
    chosen_network!(say_all, {
        defmt::error!("no network: compile this with NET=2-2-2, for instance");
        gradlet_firmware::exit(1)
    });
    gradlet_firmware::exit(0)
}
