//! One network that learns, or none.
#![no_std]
#![no_main]

use core::hint::black_box;

use gradlet::prelude::*;
use gradlet_firmware::reference::Reference;

macro_rules! net {
    ($in:literal, $hid:literal, $out:literal, $loss:ty) => {{
        static mut NET: Mlp<$in, $hid, $out> = Zero::ZERO;
        static mut TRAINER: Trainer<Mlp<$in, $hid, $out>, $loss, Sgd> = Trainer::new();
        let (net, trainer) = unsafe { (&mut *&raw mut NET, &mut *&raw mut TRAINER) };
        let sgd = Sgd { learning_rate: black_box(0.5) };
        for _ in 0..1000 {
            black_box(trainer.step(net, &sgd, black_box(&[0.1; $in]), black_box(&[0.9; $out])));
        }
    }};
}
macro_rules! plain {
    ($in:literal, $hid:literal, $out:literal) => {{
        static mut NET: Reference<$in, $hid, $out> = Reference::ZERO;
        let net = unsafe { &mut *&raw mut NET };
        let rate = black_box(0.5);
        for _ in 0..1000 {
            black_box(net.step(black_box(&[0.1; $in]), black_box(&[0.9; $out]), rate));
        }
    }};
}

#[gradlet_firmware::entry]
fn main() -> ! {
    match option_env!("NET").unwrap_or("") {
        "2-2-2" => net!(2, 2, 2, HalfSquaredError),
        "2-4-2" => net!(2, 4, 2, HalfSquaredError),
        "2-3-1" => net!(2, 3, 1, MeanSquaredError),
        "16-16-4" => net!(16, 16, 4, HalfSquaredError),
        "64-32-10" => net!(64, 32, 10, HalfSquaredError),
        "p2-2-2" => plain!(2, 2, 2),
        "p2-4-2" => plain!(2, 4, 2),
        "p2-3-1" => plain!(2, 3, 1),
        "p16-16-4" => plain!(16, 16, 4),
        "p64-32-10" => plain!(64, 32, 10),
        _ => {}
    }
    loop {}
}
