//! Counts the instructions and the stack of a network, and of the same network written by hand.
//!
//! The environment variable `NET` chooses the network at compile time.
#![no_std]
#![no_main]

use core::hint::black_box;
use core::mem::ManuallyDrop;

use gradlet::prelude::*;
use gradlet_firmware::chosen_network;
use gradlet_firmware::count::{count, fill, start_counting, weight};
use gradlet_firmware::measured::{ByHand, Gradlet, Measured};
use gradlet_firmware::reference::Reference as _;

/// They share memory, one after the other: together they would not fit into 16 KB.
union Memory<A, B> {
    gradlet: ManuallyDrop<A>,
    by_hand: ManuallyDrop<B>,
}

/// Logs the instructions and the stack of a function, as counted by [`count`].
#[inline(always)]
fn report<F: Copy>(name: &str, function: F, nothing: F, call: impl FnMut(F, Option<u32>)) {
    let (instructions, stack) = count(function, nothing, call);
    defmt::println!("{=str} {=u32} {=u32}", name, instructions, stack);
}

/// So small that hundreds of steps are alike.
const RATE: f32 = 1.0 / 1024.0;

macro_rules! bench {
    ($measured:ty) => {{
        type M = $measured;
        type Net = <M as Measured>::Net;
        type X = <M as Measured>::Input;
        type Y = <M as Measured>::Output;
        type Learns = Trainer<Net, <M as Measured>::Loss, Sgd>;
        type Step = fn(&mut Net, &mut Learns, f32, &X, &Y) -> f32;
        type Reference = <M as Measured>::Reference;
        static mut MEMORY: Memory<Gradlet<M>, ByHand<M>> =
            Memory { gradlet: ManuallyDrop::new(M::GRADLET) };

        #[inline(never)]
        fn infer(net: &Net, x: &X, y: &mut Y) {
            *y = net.forward(x);
        }
        #[inline(never)]
        fn step(net: &mut Net, trainer: &mut Learns, rate: f32, x: &X, t: &Y) -> f32 {
            trainer.step(net, &Sgd { learning_rate: rate }, x, t)
        }
        #[inline(never)]
        fn infer_by_hand(net: &Reference, x: &X, y: &mut Y) {
            *y = net.forward(x);
        }
        #[inline(never)]
        fn step_by_hand(net: &mut Reference, rate: f32, x: &X, t: &Y) -> f32 {
            net.step(x, t, rate, M::FACTOR)
        }

        let bytes = size_of::<(Net, Learns)>();
        defmt::println!("bytes {=usize} {=usize}", bytes, size_of::<Reference>());
        // SAFETY: the only references to the static, one after the other; every field is of `f32`s,
        // for which any bits will do.
        let memory = unsafe { &mut *black_box(&raw mut MEMORY) };
        {
            // SAFETY: as above.
            let Gradlet { net, trainer, x, t } = unsafe { &mut *memory.gradlet };
            t.fill(0.1);
            net.visit_mut(|tensor, parameters| {
                let (_, outputs) = tensor.fans();
                for (place, parameter) in parameters.iter_mut().enumerate() {
                    *parameter = weight(place / outputs, place % outputs);
                }
            });
            let mut y = <Y as Zero>::ZERO;
            report(
                "inference",
                black_box(infer as fn(&Net, &X, &mut Y)),
                black_box((|_, _, _| ()) as fn(&Net, &X, &mut Y)),
                |f, time| {
                    fill(x, time);
                    f(net, x, black_box(&mut y));
                },
            );
            fill(x, Some(0));
            let first_loss = black_box(step as Step)(net, trainer, RATE, x, t);
            report(
                "step",
                black_box(step as Step),
                black_box((|_, _, rate, _, _| rate) as Step),
                |f, time| {
                    fill(x, time);
                    black_box(f(net, trainer, RATE, x, t));
                },
            );
            fill(x, Some(0));
            let last_loss = black_box(step as Step)(net, trainer, RATE, x, t);
            defmt::println!("loss {=f32} {=f32}", first_loss, last_loss);
        }
        {
            // SAFETY: as above.
            let ByHand { net, x, t } = unsafe { &mut *memory.by_hand };
            t.fill(0.1);
            net.fill(&weight);
            let mut y = <Y as Zero>::ZERO;
            report(
                "inference by hand",
                black_box(infer_by_hand as fn(&Reference, &X, &mut Y)),
                black_box((|_, _, _| ()) as fn(&Reference, &X, &mut Y)),
                |f, time| {
                    fill(x, time);
                    f(net, x, black_box(&mut y));
                },
            );
            report(
                "step by hand",
                black_box(step_by_hand as fn(&mut Reference, f32, &X, &Y) -> f32),
                black_box((|_, rate, _, _| rate) as fn(&mut Reference, f32, &X, &Y) -> f32),
                |f, time| {
                    fill(x, time);
                    black_box(f(net, RATE, x, t));
                },
            );
        }
    }};
}

#[gradlet_firmware::entry]
fn main() -> ! {
    gradlet_firmware::start();
    start_counting();
    chosen_network!(bench, {
        defmt::error!("no network: compile this with NET=2-2-2, for instance");
        gradlet_firmware::exit(1)
    });
    gradlet_firmware::exit(0)
}
