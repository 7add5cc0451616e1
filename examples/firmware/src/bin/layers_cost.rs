//! Counts the instructions and the stack of networks with convolutions and with a recurrent layer:
//! inference, and a step of training.
#![no_std]
#![no_main]

use core::hint::black_box;

use gradlet::prelude::*;
use gradlet::preprocess::one_hot;
use gradlet_firmware::count::{count, start_counting};
use gradlet_firmware::signals::{Net as Signal, SHAPES};

/// Recognises activities from 128 steps of 6 sensors.
type Activity = net![
    128 x 6 => Conv1d(16, 5, step 2) Relu | MaxPool(2) => Conv1d(32, 3) Relu | GlobalMean
    => 6 Softmax
];

/// The same with the least memory.
type Compact = net![
    128 x 6 => Compact(Conv1d(16, 5, step 2) Relu | MaxPool(2) => Conv1d(32, 3) Relu | GlobalMean)
    => 6 Softmax
];

/// Tells four movements apart from 32 steps of 3 sensors.
type Movement = net![32 x 3 => Gru(16) => 4 Softmax];

/// The same with other functions of the gates.
type Rational = net![32 x 3 => Gru(16, by rational) => 4 Softmax];

macro_rules! measure {
    ($name:literal $Net:ty, $target:expr) => {{
        type Net = $Net;
        type X = <Net as Layer>::Input;
        type Y = <Net as Layer>::Output;
        type Learns = Trainer<Net, CrossEntropy, Sgd>;
        type Step = fn(&mut Net, &mut Learns, f32, &X, &Y) -> f32;
        static mut NET: Net = Net::ZERO;
        static mut TRAINER: Learns = Learns::new();
        static mut INPUT: X = X::ZERO;

        #[inline(never)]
        fn infer(net: &Net, x: &X, y: &mut Y) {
            *y = net.forward(x);
        }
        #[inline(never)]
        fn step(net: &mut Net, trainer: &mut Learns, rate: f32, x: &X, t: &Y) -> f32 {
            trainer.step(net, &Sgd { learning_rate: rate }, x, t)
        }

        // SAFETY: the only references to the statics.
        let (net, trainer, x) = unsafe {
            (
                &mut *black_box(&raw mut NET),
                &mut *black_box(&raw mut TRAINER),
                &mut *black_box(&raw mut INPUT),
            )
        };
        let mut numbers = 1_u32;
        let mut number = move || {
            numbers = numbers.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (numbers >> 8) as f32 / 16_777_216.0 - 0.5
        };
        net.visit_mut(|tensor, values| {
            let scale = libm::sqrtf(6.0 / tensor.fans().0 as f32) * 2.0;
            values.iter_mut().for_each(|value| *value = number() * scale);
        });
        x.as_flattened_mut().iter_mut().for_each(|x| *x = number() * 2.0);
        let t: Y = $target;
        let mut y = Y::ZERO;
        let (instructions, stack) = count(
            black_box(infer as fn(&Net, &X, &mut Y)),
            black_box((|_, _, _| ()) as fn(&Net, &X, &mut Y)),
            |f, _| f(black_box(net), black_box(x), black_box(&mut y)),
        );
        defmt::println!(
            "{=str} inference {=u32} instructions, stack {=u32}",
            $name,
            instructions,
            stack
        );
        let (instructions, stack) =
            count(black_box(step as Step), black_box((|_, _, _, _, _| 0.0) as Step), |f, _| {
                black_box(f(
                    black_box(net),
                    black_box(trainer),
                    black_box(1.0 / 1024.0),
                    black_box(x),
                    black_box(&t),
                ));
            });
        defmt::println!(
            "{=str} step {=u32} instructions, stack {=u32}",
            $name,
            instructions,
            stack
        );
        defmt::println!(
            "{=str} network {=usize} bytes, trainer {=usize}",
            $name,
            size_of::<Net>(),
            size_of::<Learns>()
        );
    }};
}

#[gradlet_firmware::entry]
fn main() -> ! {
    gradlet_firmware::start();
    start_counting();
    measure!("activity" Activity, one_hot(0).unwrap_or_default());
    measure!("compact" Compact, one_hot(0).unwrap_or_default());
    measure!("signal" Signal, [one_hot::<SHAPES, f32>(0).unwrap_or_default()]);
    measure!("gru" Movement, one_hot(0).unwrap_or_default());
    measure!("gru rational" Rational, one_hot(0).unwrap_or_default());
    gradlet_firmware::exit(0)
}
