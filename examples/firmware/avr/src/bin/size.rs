//! Minimal firmware that trains one network, to measure the flash that a network adds.
//!
//! The environment variable `NET` chooses the network at compile time; `BY_HAND=yes` chooses the
//! version written by hand.
#![no_std]
#![no_main]

use core::hint::black_box;

use gradlet_avr::{chosen_network, learn};

#[unsafe(no_mangle)]
extern "C" fn main() -> ! {
    #[cfg(feature = "panic-on-purpose")]
    black_box(black_box(&[0; 4])[black_box(4_usize)]);
    chosen_network!(
        learn,
        loop {
            black_box(());
        }
    )
}
