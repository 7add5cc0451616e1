//! Counts the instructions and the stack of inference in int8, of networks in flash.
#![no_std]
#![no_main]
#![allow(long_running_const_eval, reason = "25,120 weights")]

use core::hint::black_box;

#[path = "../int8.rs"]
mod int8;

use gradlet::prelude::*;
use gradlet::quantized::{Quantized, Sequence};
use gradlet_firmware::count::{count, start_counting};
use int8::{Activity, Rounding, STEPS, dense, weight};

macro_rules! measure {
    ($name:literal $Net:ty, $net:expr) => {{
        type Net = Quantized<$Net, Rounding>;
        type X = <<$Net as Layer>::Input as gradlet::Shape>::With<i8>;
        type Y = <<$Net as Layer>::Output as gradlet::Shape>::With<i8>;
        static NET: &Net = $net;

        #[inline(never)]
        fn infer(net: &Net, x: &X, y: &mut Y) {
            *y = net.run(x);
        }

        let (mut x, mut y) = (X::ZERO, Y::ZERO);
        for (i, x) in gradlet::Shape::as_mut_slice(&mut x).iter_mut().enumerate() {
            *x = weight(1000, i);
        }
        let (instructions, stack) = count(
            black_box(infer as fn(&Net, &X, &mut Y)),
            black_box((|_, _, _| ()) as fn(&Net, &X, &mut Y)),
            |f, _| f(black_box(NET), black_box(&x), black_box(&mut y)),
        );
        defmt::println!(
            "{=str} {=u32} instructions, stack {=u32}, flash {=usize}: {=[?]}",
            $name,
            instructions,
            stack,
            size_of::<Net>(),
            y.as_slice()
        );
    }};
}

#[gradlet_firmware::entry]
fn main() -> ! {
    gradlet_firmware::start();
    start_counting();
    measure!(
        "2-2-2" net![2 => 2 Relu => 2 Identity],
        &Quantized::from_parts(
            STEPS,
            Sequence::new(dense!(2 => 2 Relu), dense!(2 => 2 Identity)),
            STEPS,
        )
    );
    measure!(
        "16-16-4" net![16 => 16 Relu => 4 Identity],
        &Quantized::from_parts(
            STEPS,
            Sequence::new(dense!(16 => 16 Relu), dense!(16 => 4 Identity)),
            STEPS,
        )
    );
    measure!(
        "64-32-10" net![64 => 32 Relu => 10 Identity],
        &Quantized::from_parts(
            STEPS,
            Sequence::new(dense!(64 => 32 Relu), dense!(32 => 10 Identity)),
            STEPS,
        )
    );
    measure!(
        "784-32-10" net![784 => 32 Relu => 10 Identity],
        &Quantized::from_parts(
            STEPS,
            Sequence::new(dense!(784 => 32 Relu), dense!(32 => 10 Identity)),
            STEPS,
        )
    );
    measure!("activity" Activity, &int8::ACTIVITY);
    gradlet_firmware::exit(0)
}
