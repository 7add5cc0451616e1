//! One network that learns, or none.
#![no_std]
#![no_main]

use core::hint::black_box;

use gradlet::prelude::*;
use gradlet_firmware::reference::Reference;

struct Learner<N, T, X, Y> {
    net: N,
    trainer: T,
    x: X,
    t: Y,
}

macro_rules! net {
    ($in:literal, $hid:literal, $out:literal, $loss:ty) => {{
        type Net = Mlp<$in, $hid, $out>;
        static mut LEARNER: Learner<Net, Trainer<Net, $loss, Sgd>, [f32; $in], [f32; $out]> =
            Learner { net: Zero::ZERO, trainer: Trainer::new(), x: [0.0; $in], t: [0.0; $out] };
        let l = unsafe { &mut *black_box(&raw mut LEARNER) };
        let sgd = Sgd { learning_rate: black_box(0.5) };
        loop {
            black_box(l.trainer.step(&mut l.net, &sgd, &l.x, &l.t));
        }
    }};
}
macro_rules! plain {
    ($in:literal, $hid:literal, $out:literal) => {{
        type Net = Reference<$in, $hid, $out>;
        static mut LEARNER: Learner<Net, (), [f32; $in], [f32; $out]> =
            Learner { net: Net::ZERO, trainer: (), x: [0.0; $in], t: [0.0; $out] };
        let l = unsafe { &mut *black_box(&raw mut LEARNER) };
        let () = l.trainer;
        let rate = black_box(0.5);
        loop {
            black_box(l.net.step(&l.x, &l.t, rate));
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
        _ => loop {},
    }
}
