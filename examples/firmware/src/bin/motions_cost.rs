//! Counts the instructions that the device of `motions` takes to recognise an exercise and to learn
//! a window.
#![no_std]
#![no_main]

use core::hint::black_box;

use gradlet_firmware::count::{count, start_counting};
use gradlet_firmware::motions::{Factory, Learner, Personal, Window};

static FACTORY: Factory =
    gradlet::load![include_bytes!("../../data/motions.safetensors"); "gru", "head"];

type Device = Learner<Personal<'static>>;
type Read = fn(&Device, Window) -> Option<usize>;
type Learn = fn(&mut Device, Window) -> Option<f32>;

#[inline(never)]
fn read(device: &Device, window: Window) -> Option<usize> {
    device.read(window)
}

#[inline(never)]
fn learn(device: &mut Device, window: Window) -> Option<f32> {
    device.learn(window, 0.001)
}

#[gradlet_firmware::entry]
fn main() -> ! {
    gradlet_firmware::start();
    start_counting();
    let mut device = Learner::of(&FACTORY);
    let Some(window) = Window::shown(1, 0) else { gradlet_firmware::exit(1) };
    let (instructions, stack) =
        count(black_box(read as Read), black_box((|_, _| None) as Read), |f, _| {
            black_box(f(black_box(&device), black_box(window)));
        });
    defmt::println!("recognising {=u32} instructions, stack {=u32}", instructions, stack);
    let (instructions, stack) =
        count(black_box(learn as Learn), black_box((|_, _| None) as Learn), |f, _| {
            black_box(f(black_box(&mut device), black_box(window)));
        });
    defmt::println!("learning {=u32} instructions, stack {=u32}", instructions, stack);
    gradlet_firmware::exit(0)
}
