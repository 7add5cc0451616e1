//! Calls every function of the library with `f32` and in fixed point: the program does not link if one can panic.
#![no_std]
#![no_main]

#[path = "../everything.rs"]
mod everything;

#[gradlet_firmware::entry]
fn main() -> ! {
    everything::call_everything::<f32, 96, 3>();
    everything::fixed_point();
    gradlet_firmware::exit(0)
}
