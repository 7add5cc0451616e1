//! Calls much of the library: the program does not link if one of these functions can panic. It is too large
//! for the chip, and does not run.
#![no_std]
#![no_main]

#[allow(dead_code, reason = "the other cores call all of it")]
#[path = "../../../src/everything.rs"]
mod everything;

#[unsafe(no_mangle)]
extern "C" fn main() -> ! {
    everything::call_everything::<f32, 96, 3>();
    gradlet_avr::exit()
}
