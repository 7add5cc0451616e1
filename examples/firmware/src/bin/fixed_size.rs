//! Minimal firmware that trains one fixed-point network, to measure the flash that it adds.
//!
//! The environment variable `NET` chooses the network at compile time.
#![no_std]
#![no_main]

use core::hint::black_box;

use gradlet::{Q10, prelude::*};

macro_rules! learn {
    ($net:ty) => {{
        type Net = $net;
        type Memory =
            (Net, Trainer<Net, HalfSquaredError>, <Net as Layer>::Input, <Net as Layer>::Output);
        static mut MEMORY: Memory = (Zero::ZERO, Trainer::new(), Zero::ZERO, Zero::ZERO);
        // SAFETY: the only reference to this static.
        let (net, trainer, x, t) = unsafe { &mut *black_box(&raw mut MEMORY) };
        let sgd = Sgd::new(black_box(Q32::HALF));
        loop {
            black_box(trainer.step(net, &sgd, x, t));
        }
    }};
}

#[gradlet_firmware::entry]
fn main() -> ! {
    match option_env!("NET") {
        Some("2-2-2") => learn!(net![Fixed; 2 => 2 Sigmoid => 2 Sigmoid]),
        Some("64-32-10") => learn!(net![Fixed; 64 => 32 Sigmoid => 10 Sigmoid]),
        Some("64-32-10, 16-bit weights") => {
            learn!(net![Fixed<Q10>; 64 => 32 Sigmoid => 10 Sigmoid])
        }
        _ => loop {
            black_box(());
        },
    }
}
