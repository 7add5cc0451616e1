//! Counts instructions and stack.
#![no_std]
#![no_main]

use core::hint::black_box;

use cortex_m::peripheral::SYST;
use cortex_m_rt::STACK_PAINT_VALUE;
use gradlet::prelude::*;
use gradlet_firmware::reference::Reference;

const TIMES: u32 = 200;

#[inline(always)]
fn count(f: impl FnOnce() + Copy) -> u32 {
    let start = SYST::get_current();
    for _ in 0..TIMES {
        f();
    }
    let end = SYST::get_current();
    (start.wrapping_sub(end) & 0xFF_FFFF) * 40
}

#[inline(always)]
fn stack(f: impl FnOnce()) -> u32 {
    let top = cortex_m::register::msp::read();
    let bottom = top - 8192;
    let mut p = bottom;
    while p < top {
        unsafe { (p as *mut u32).write_volatile(STACK_PAINT_VALUE) };
        p += 4;
    }
    f();
    let mut p = bottom;
    while unsafe { (p as *const u32).read_volatile() } == STACK_PAINT_VALUE {
        p += 4;
    }
    top - p
}

macro_rules! measure {
    ($name:literal, $f:ident: $t:ty, $empty:expr, |$g:ident| $call:expr) => {{
        let empty = black_box($empty as $t);
        let full = black_box($f as $t);
        let nothing = count_ptr(empty, |$g| { black_box($call); });
        let all = count_ptr(full, |$g| { black_box($call); });
        let top = stack(|| { let $g = full; black_box($call); });
        let base = stack(|| { let $g = empty; black_box($call); });
        defmt::println!("{=str} {=u32} stack {=u32}", $name, (all - nothing + TIMES / 2) / TIMES, top - base);
    }};
}

#[inline(always)]
fn count_ptr<F: Copy>(f: F, mut call: impl FnMut(F)) -> u32 {
    let start = SYST::get_current();
    for _ in 0..TIMES {
        call(f);
    }
    let end = SYST::get_current();
    (start.wrapping_sub(end) & 0xFF_FFFF) * 40
}

macro_rules! net {
    ($name:literal, $in:literal, $hid:literal, $out:literal, $loss:ty) => {{
        type Net = Mlp<$in, $hid, $out>;
        type Train = Trainer<Net, $loss, Sgd>;
        type Plain = Reference<$in, $hid, $out>;
        static mut NET: Net = Zero::ZERO;
        static mut TRAINER: Train = Train::new();
        static mut PLAIN: Plain = Plain::ZERO;
        type X = [f32; $in];
        type Y = [f32; $out];
        #[inline(never)]
        fn forward(net: &Net, x: &X, y: &mut Y) {
            *y = net.forward(x)
        }
        #[inline(never)]
        fn step(net: &mut Net, tr: &mut Train, r: f32, x: &X, t: &Y) -> f32 {
            tr.step(net, &Sgd { learning_rate: r }, x, t)
        }
        #[inline(never)]
        fn plain_forward(net: &Plain, x: &X, y: &mut Y) {
            *y = net.forward(x)
        }
        #[inline(never)]
        fn plain_step(net: &mut Plain, r: f32, x: &X, t: &Y) -> f32 {
            net.step(x, t, r)
        }
        let net = unsafe { &mut *black_box(&raw mut NET) };
        let trainer = unsafe { &mut *black_box(&raw mut TRAINER) };
        let plain = unsafe { &mut *black_box(&raw mut PLAIN) };
        let mut k = 0.1f32;
        for row in net.first_mut().weights_mut() { for w in row { *w = k; k = -k * 0.99; } }
        for row in net.rest_mut().weights_mut() { for w in row { *w = k; k = -k * 0.99; } }
        plain.w1 = net.first().rows();
        plain.w2 = net.rest().rows();
        let (x, t) = black_box((&[0.3; $in], &[0.1; $out]));
        let mut y = [0.0; $out];
        let y = black_box(&mut y);
        defmt::println!("{=str} RAM {=usize}", $name, size_of::<(Net, Train)>());
        measure!("  forward", forward: fn(&Net, &X, &mut Y), |_, _, _| (), |f| f(net, x, y));
        measure!("  step", step: fn(&mut Net, &mut Train, f32, &X, &Y) -> f32, |_, _, r, _, _| r, |f| f(net, trainer, 0.5, x, t));
        measure!("  plain forward", plain_forward: fn(&Plain, &X, &mut Y), |_, _, _| (), |f| f(plain, x, y));
        measure!("  plain step", plain_step: fn(&mut Plain, f32, &X, &Y) -> f32, |_, r, _, _| r, |f| f(plain, 0.5, x, t));
    }};
}

#[gradlet_firmware::entry]
fn main() -> ! {
    let p = unsafe { cortex_m::Peripherals::steal() };
    let mut syst = p.SYST;
    syst.set_reload(0xFF_FFFF);
    syst.clear_current();
    syst.set_clock_source(cortex_m::peripheral::syst::SystClkSource::Core);
    syst.enable_counter();
    let loops = count(|| unsafe {
        core::arch::asm!("1: subs {0}, #1", "bne 1b", inout(reg) 500u32 => _)
    });
    defmt::println!("loop of 1,000: {=u32}", loops / TIMES);
    net!("2-2-2", 2, 2, 2, HalfSquaredError);
    net!("2-4-2", 2, 4, 2, HalfSquaredError);
    net!("2-3-1", 2, 3, 1, MeanSquaredError);
    net!("16-16-4", 16, 16, 4, HalfSquaredError);
    net!("64-32-10", 64, 32, 10, HalfSquaredError);
    gradlet_firmware::exit(0)
}
