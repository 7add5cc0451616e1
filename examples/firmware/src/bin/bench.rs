//! Counts the instructions and the stack of one network, beside the same one written by hand.
//!
//! While this is compiled, `NET` names the network. The counts are exact in QEMU with
//! `-icount shift=0`, where an instruction takes a nanosecond and SysTick so counts instructions;
//! how many to a tick is found out with a loop of known length.
#![no_std]
#![no_main]

use core::arch::asm;
use core::hint::black_box;
use core::mem::ManuallyDrop;

use cortex_m::Peripherals;
use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::register::msp;
use cortex_m_rt::STACK_PAINT_VALUE;
use gradlet::{Tensor, prelude::*};
use gradlet_firmware::chosen_network;
use gradlet_firmware::measured::{ByHand, Gradlet, Measured};
use gradlet_firmware::reference::Reference as _;

/// SysTick counts down from here, and around.
const LARGEST: u32 = 0x00FF_FFFF;

/// Ticks that the calls `0..times` take.
#[inline(always)]
fn ticks(times: u32, mut f: impl FnMut(u32)) -> u32 {
    let start = SYST::get_current();
    for time in 0..times {
        f(time);
    }
    start.wrapping_sub(SYST::get_current()) & LARGEST
}

/// Instructions in a thousand ticks, from a loop of a million.
fn instructions_in_a_thousand_ticks() -> u32 {
    let ticks = ticks(1, |_| {
        // SAFETY: counts a register of its own down.
        unsafe { asm!("1: subs {0}, #1", "bne 1b", inout(reg) 500_000_u32 => _) }
    });
    // To the nearest quarter of an instruction to a tick: clocks are of so many MHz.
    (1_000_000_000 / ticks + 125) / 250 * 250
}

/// Bytes of stack that `f` takes, as seen from here.
#[inline(always)]
fn stack(f: impl FnOnce()) -> u32 {
    unsafe extern "C" {
        static mut _stack_end: u32;
    }
    let top = msp::read();
    // Of large memory the last 16 KB will do, less what this function may have below `top`.
    let end = (&raw const _stack_end as u32).max(top.saturating_sub(16 * 1024)).next_multiple_of(4);
    let free = (end..top).step_by(4);
    for address in free.clone() {
        // SAFETY: the memory between the statics and the stack pointer is free.
        unsafe { (address as *mut u32).write_volatile(STACK_PAINT_VALUE) };
    }
    f();
    // SAFETY: as above.
    let is_used =
        |&address: &u32| unsafe { (address as *const u32).read_volatile() } != STACK_PAINT_VALUE;
    free.clone().find(is_used).map_or(0, |lowest| top - lowest)
}

/// Instructions, a mean over many calls, and stack of a function, without those of calling it:
/// `call` gets it and one with the same arguments that does nothing, and the number of the call for
/// an input of its own; with none, the input stays.
#[inline(always)]
fn measure<F: Copy>(name: &str, function: F, nothing: F, mut call: impl FnMut(F, Option<u32>)) {
    let rate = instructions_in_a_thousand_ticks();
    let once = ticks(1, |time| call(function, Some(time))).max(1);
    let times = (LARGEST / 8 / once).clamp(16, 1000);
    let all = ticks(times, |time| call(function, Some(time)))
        - ticks(times, |time| call(nothing, Some(time)));
    let instructions = (u64::from(all) * u64::from(rate) / 1000 + u64::from(times) / 2) as u32;
    let stack = stack(|| call(function, None)) - stack(|| call(nothing, None));
    defmt::println!("{=str} {=u32} {=u32}", name, instructions / times, stack);
}

/// One after the other in the same place: together they would not fit into 16 KB.
union Memory<A, B> {
    gradlet: ManuallyDrop<A>,
    by_hand: ManuallyDrop<B>,
}

/// The weight from an input to a unit, in `-0.5..0.5`: routines for `f32` take longer for some numbers
/// than for others, so these are of all kinds.
fn weight(input: usize, unit: usize) -> f32 {
    let number = (input * 7919 + unit * 104_729 + 12_345) as u32;
    number.wrapping_mul(2_654_435_761) as f32 / 4_294_967_296.0 - 0.5
}

/// Numbers in `-0.5..0.5`, other ones each time.
#[inline(never)]
fn fill(input: &mut [f32], time: Option<u32>) {
    let Some(time) = time else { return };
    for (i, x) in input.iter_mut().enumerate() {
        *x = weight(i, 1000 + time as usize);
    }
}

/// Little enough for hundreds of steps to be alike.
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
            Net::tensors([], [net], [], &mut |tensor, [], [parameters], []| {
                let outputs = match tensor {
                    Tensor::Weights { outputs, .. } => outputs,
                    _ => parameters.len(),
                };
                for (place, parameter) in parameters.iter_mut().enumerate() {
                    *parameter = weight(place / outputs, place % outputs);
                }
            });
            let mut y = <Y as Zero>::ZERO;
            measure(
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
            measure(
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
            measure(
                "inference by hand",
                black_box(infer_by_hand as fn(&Reference, &X, &mut Y)),
                black_box((|_, _, _| ()) as fn(&Reference, &X, &mut Y)),
                |f, time| {
                    fill(x, time);
                    f(net, x, black_box(&mut y));
                },
            );
            measure(
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
    let Some(Peripherals { mut SYST, .. }) = Peripherals::take() else { gradlet_firmware::exit(1) };
    SYST.set_reload(LARGEST);
    SYST.clear_current();
    SYST.set_clock_source(SystClkSource::Core);
    SYST.enable_counter();
    chosen_network!(bench, {
        defmt::error!("no network: compile this with NET=2-2-2, for instance");
        gradlet_firmware::exit(1)
    });
    gradlet_firmware::exit(0)
}
