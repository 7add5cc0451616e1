//! What is measured of a network, on every core in the same way: programs as macros.

use core::mem::ManuallyDrop;

use gradlet::{Nearest as _, Shape, prelude::*};

/// They share memory, one after the other: together they would not fit into 16 KB.
pub union Memory<A, B> {
    pub gradlet: ManuallyDrop<A>,
    pub by_hand: ManuallyDrop<B>,
}

/// Trains one network for ever, or the one written by hand if the environment variable `BY_HAND` is set at
/// compile time.
// Expanded for each network, as in real firmware: the compiler inlines more than in a generic
// function.
#[macro_export]
macro_rules! learn {
    ($measured:ty) => {{
        use core::hint::black_box;
        use gradlet::prelude::*;
        use $crate::measured::{ByHand, Gradlet, Measured};
        use $crate::reference::Reference;

        let rate = black_box(0.5);
        if option_env!("BY_HAND").is_some() {
            static mut MEMORY: ByHand<$measured> = <$measured>::BY_HAND;
            // SAFETY: the only reference to this static.
            let ByHand { net, x, t } = unsafe { &mut *black_box(&raw mut MEMORY) };
            loop {
                black_box(net.step(x, t, rate, <$measured>::FACTOR));
            }
        } else {
            static mut MEMORY: Gradlet<$measured> = <$measured>::GRADLET;
            // SAFETY: the only reference to this static.
            let Gradlet { net, trainer, x, t } = unsafe { &mut *black_box(&raw mut MEMORY) };
            loop {
                black_box(trainer.step(net, &Sgd { learning_rate: rate }, x, t));
            }
        }
    }};
}

/// Says `$say!(NAME, A, B)` of a network and of the same network written by hand: the bytes of both, the time
/// and the stack of an inference and of a step, as counted by `count`, and the losses before and after.
#[macro_export]
macro_rules! bench {
    ($measured:ty, $say:ident) => {{
        use core::hint::black_box;
        use core::mem::ManuallyDrop;
        use gradlet::prelude::*;
        use $crate::count::count;
        use $crate::measured::{ByHand, Gradlet, Measured, fill, weight};
        use $crate::measuring::Memory;
        use $crate::reference::Reference as _;

        /// So small that hundreds of steps are alike.
        const RATE: f32 = 1.0 / 1024.0;
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

        $say!("bytes", size_of::<(Net, Learns)>(), size_of::<Reference>());
        // SAFETY: the only references to the static, one after the other; every field is of `f32`s,
        // for which any bits will do.
        let memory = unsafe { &mut *black_box(&raw mut MEMORY) };
        {
            // SAFETY: as above.
            let Gradlet { net, trainer, x, t } = unsafe { &mut *memory.gradlet };
            t.fill(0.1);
            net.visit_mut(|tensor, parameters| {
                let (_, outputs) = tensor.fans();
                // For AVR, what divides by zero does not link.
                let outputs = if cfg!(target_arch = "avr") { outputs.max(1) } else { outputs };
                for (place, parameter) in parameters.iter_mut().enumerate() {
                    *parameter = weight(place / outputs, place % outputs);
                }
            });
            let mut y = <Y as Zero>::ZERO;
            let (time, stack) = count(
                black_box(infer as fn(&Net, &X, &mut Y)),
                black_box((|_, _, _| ()) as fn(&Net, &X, &mut Y)),
                |f, time| {
                    fill(x, time);
                    f(net, x, black_box(&mut y));
                },
            );
            $say!("inference", time, stack);
            fill(x, Some(0));
            let first_loss = black_box(step as Step)(net, trainer, RATE, x, t);
            let (time, stack) = count(
                black_box(step as Step),
                black_box((|_, _, rate, _, _| rate) as Step),
                |f, time| {
                    fill(x, time);
                    black_box(f(net, trainer, RATE, x, t));
                },
            );
            $say!("step", time, stack);
            fill(x, Some(0));
            let last_loss = black_box(step as Step)(net, trainer, RATE, x, t);
            $say!("loss", first_loss, last_loss);
        }
        {
            // SAFETY: as above.
            let ByHand { net, x, t } = unsafe { &mut *memory.by_hand };
            t.fill(0.1);
            net.fill(&weight);
            let mut y = <Y as Zero>::ZERO;
            let (time, stack) = count(
                black_box(infer_by_hand as fn(&Reference, &X, &mut Y)),
                black_box((|_, _, _| ()) as fn(&Reference, &X, &mut Y)),
                |f, time| {
                    fill(x, time);
                    f(net, x, black_box(&mut y));
                },
            );
            $say!("inference by hand", time, stack);
            let (time, stack) = count(
                black_box(step_by_hand as fn(&mut Reference, f32, &X, &Y) -> f32),
                black_box((|_, rate, _, _| rate) as fn(&mut Reference, f32, &X, &Y) -> f32),
                |f, time| {
                    fill(x, time);
                    black_box(f(net, RATE, x, t));
                },
            );
            $say!("step by hand", time, stack);
        }
    }};
}

/// From -0.5 to 0.5, varied.
pub fn fixed_number(place: usize) -> Q32 {
    let number = (place * 7919 + 12_345) as u32;
    Q32::from_bits(((number.wrapping_mul(2_654_435_761) ^ 1 << 31) as i32).into())
}

/// Fills an input with numbers that depend on the time; without one, it stays as it is.
pub fn fill_fixed(input: &mut impl Shape<Element = Q12>, time: Option<u32>) {
    let Some(time) = time else { return };
    for (i, x) in input.as_mut_slice().iter_mut().enumerate() {
        *x = <Fixed>::value(fixed_number(1000 + i + 131 * time as usize));
    }
}

/// Says `$say!(NAME, INFERENCE, STEP, ITS_STACK, ITS_STACK, BYTES)` of a network in fixed point: the time and the
/// stack of an inference and of a step, and the bytes of network and trainer. An optimizer other than [`Sgd`] may
/// follow, as a type and as a function of a rate.
#[macro_export]
macro_rules! fixed_cost {
    ($say:ident: $name:literal, $net:ty) => {
        $crate::fixed_cost!($say: $name, $net, Sgd<Q32>, Sgd::new)
    };
    ($say:ident: $name:literal, $net:ty, $Optimizer:ty, $optimizer:expr) => {{
        use core::hint::black_box;
        use gradlet::{Nearest as _, Shape, prelude::*};
        use $crate::count::count;
        use $crate::measuring::{fill_fixed, fixed_number};

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
                    *weight = <Net as Layer>::Format::nearest(fixed_number(place));
                    place += 1;
                }
            });
            let mut y = <Y as Zero>::ZERO;
            let (inference, inference_stack) = count(
                black_box(infer as fn(&Net, &X, &mut Y)),
                black_box((|_, _, _| ()) as fn(&Net, &X, &mut Y)),
                |f, time| {
                    fill_fixed(x, time);
                    f(net, x, black_box(&mut y));
                },
            );
            let (step, step_stack) = count(
                black_box(step as fn(&mut Net, &mut Learns, Q32, &X, &Y) -> Q32),
                black_box(
                    (|_, _, rate, _, _| rate) as fn(&mut Net, &mut Learns, Q32, &X, &Y) -> Q32,
                ),
                |f, time| {
                    fill_fixed(x, time);
                    black_box(f(net, trainer, rate, x, t));
                },
            );
            $say!($name, inference, step, inference_stack, step_stack, size_of::<(Net, Learns)>());
        }
        measure();
    }};
}
