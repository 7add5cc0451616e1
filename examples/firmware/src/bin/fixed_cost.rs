//! Counts the instructions and the stack of fixed-point networks.
#![no_std]
#![no_main]

use core::hint::black_box;

use gradlet::{Nearest, Q10, Shape, prelude::*};
use gradlet_firmware::count::{count, start_counting};

/// From -0.5 to 0.5, varied.
fn number(place: usize) -> Q32 {
    let number = (place * 7919 + 12_345) as u32;
    Q32::from_bits(((number.wrapping_mul(2_654_435_761) ^ 1 << 31) as i32).into())
}

fn fill(input: &mut impl Shape<Element = Q12>, time: Option<u32>) {
    let Some(time) = time else { return };
    for (i, x) in input.as_mut_slice().iter_mut().enumerate() {
        *x = <Fixed>::value(number(1000 + i + 131 * time as usize));
    }
}

macro_rules! cost {
    ($name:literal, $net:ty) => {
        cost!($name, $net, Sgd<Q32>, Sgd::new)
    };
    ($name:literal, $net:ty, $Optimizer:ty, $optimizer:expr) => {{
        type Net = $net;
        type X = <Net as Layer>::Input;
        type Y = <Net as Layer>::Output;
        type Learns = Trainer<Net, HalfSquaredError, $Optimizer>;
        #[inline(never)]
        fn infer(net: &Net, x: &X, y: &mut Y) {
            *y = net.forward(x);
        }
        #[inline(never)]
        fn step(net: &mut Net, trainer: &mut Learns, rate: Q32, x: &X, t: &Y) -> Q32 {
            trainer.step(net, &$optimizer(rate), x, t)
        }

        // One network after the other: on the stack.
        #[inline(never)]
        fn measure() {
            let mut memory: (Net, Learns, X, Y) =
                (Zero::ZERO, Trainer::new(), Zero::ZERO, Zero::ZERO);
            let (net, trainer, x, t) = black_box(&mut memory);
            let rate = Q32::new(1.0 / 64.0);
            Shape::as_mut_slice(t).fill(Q12::new(0.1));
            let mut place = 0;
            net.visit_mut(|_, weights| {
                for weight in weights {
                    *weight = <Net as Layer>::Format::nearest(number(place));
                    place += 1;
                }
            });
            let mut y = <Y as Zero>::ZERO;
            let (inference, inference_stack) = count(
                black_box(infer as fn(&Net, &X, &mut Y)),
                black_box((|_, _, _| ()) as fn(&Net, &X, &mut Y)),
                |f, time| {
                    fill(x, time);
                    f(net, x, black_box(&mut y));
                },
            );
            let (step, step_stack) = count(
                black_box(step as fn(&mut Net, &mut Learns, Q32, &X, &Y) -> Q32),
                black_box(
                    (|_, _, rate, _, _| rate) as fn(&mut Net, &mut Learns, Q32, &X, &Y) -> Q32,
                ),
                |f, time| {
                    fill(x, time);
                    black_box(f(net, trainer, rate, x, t));
                },
            );
            let bytes = size_of::<(Net, Learns)>();
            defmt::println!(
                "{=str}: {=u32} {=u32} instructions, {=u32} {=u32} bytes of stack, {=usize} bytes",
                $name,
                inference,
                step,
                inference_stack,
                step_stack,
                bytes
            );
        }
        measure();
    }};
}

#[gradlet_firmware::entry]
fn main() -> ! {
    gradlet_firmware::start();
    start_counting();
    cost!("2-2-2", net![Fixed; 2 => 2 Sigmoid => 2 Sigmoid]);
    cost!("16-16-4", net![Fixed; 16 => 16 Sigmoid => 4 Sigmoid]);
    cost!("64-32-10", net![Fixed; 64 => 32 Sigmoid => 10 Sigmoid]);
    cost!("64-32-10, 16-bit weights", net![Fixed<Q10>; 64 => 32 Sigmoid => 10 Sigmoid]);
    type Small = net![Fixed; 8 => 8 Sigmoid => 4 Sigmoid];
    cost!("8-8-4", Small);
    cost!("8-8-4, Momentum", Small, Momentum<Q32>, |rate| Momentum::new(rate, Q32::new(0.9)));
    cost!("8-8-4, RmsProp", Small, RmsProp<Q32>, RmsProp::new);
    cost!("8-8-4, Adam", Small, Adam<Q32>, Adam::new);
    cost!(
        "activity",
        net![
            Fixed; 128 x 6 => Conv1d(16, 5, step 2) Relu => MaxPool(2) => Conv1d(32, 3) Relu => GlobalMean
            => 6 Sigmoid
        ]
    );
    gradlet_firmware::exit(0)
}
