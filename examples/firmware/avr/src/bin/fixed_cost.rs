//! Counts the cycles and the stack of fixed-point networks.
#![no_std]
#![no_main]

use gradlet::prelude::*;
use gradlet_avr::count::start_counting;
use gradlet_avr::fixed_cost;
use gradlet_avr::serial::{decimal, print};

macro_rules! say {
    ($name:literal $(, $number:expr)+) => {{
        print($name);
        print(":");
        $(
            print(" ");
            decimal($number as u32);
        )+
        print("\n");
    }};
}

#[unsafe(no_mangle)]
extern "C" fn main() -> ! {
    gradlet_avr::serial::start();
    start_counting();
    fixed_cost!(say: "2-2-2", net![Fixed; 2 => 2 Sigmoid => 2 Sigmoid]);
    fixed_cost!(say: "8-4-2", net![Fixed; 8 => 4 Sigmoid => 2 Sigmoid]);
    gradlet_avr::exit()
}
