//! Recognises an activity in int8, without a float: a network in flash, with numbers that stand for weights.
#![no_std]
#![no_main]

#[path = "../int8.rs"]
mod int8;

use core::hint::black_box;

#[gradlet_firmware::entry]
fn main() -> ! {
    gradlet_firmware::start();
    let mut window = [[0_i8; 6]; 128];
    for (i, x) in window.as_flattened_mut().iter_mut().enumerate() {
        *x = int8::weight(1000, i);
    }
    defmt::println!("{=[?]}", int8::ACTIVITY.run(black_box(&window)).as_slice());
    gradlet_firmware::exit(0)
}
