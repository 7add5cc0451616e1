//! Counts the instructions and the stack of an inference of `toycar`, of an anomaly score and of a
//! training step.
#![no_std]
#![no_main]

use core::hint::black_box;

use gradlet::prelude::*;
use gradlet_firmware::count::{count, start_counting};
use gradlet_firmware::toycar::{
    Body, DEVICE, Device, Head, INPUTS, InFlash, RECORDING, Window, in_flash,
};

type Infer = fn(&InFlash<'_>, &Window, &mut Window);
type OnDevice = fn(&mut Device<'_>, &Window) -> f32;

#[inline(never)]
fn infer(net: &InFlash<'_>, window: &Window, output: &mut Window) {
    *output = net.forward(window);
}

#[inline(never)]
fn score(device: &mut Device<'_>, window: &Window) -> f32 {
    device.score(window)
}

#[inline(never)]
fn learn(device: &mut Device<'_>, window: &Window) -> f32 {
    device.learn(window)
}

#[gradlet_firmware::entry]
fn main() -> ! {
    gradlet_firmware::start();
    start_counting();
    let window = RECORDING.windows().next().unwrap_or([0.0; INPUTS]);
    let (net, mut output) = (in_flash(), [0.0; INPUTS]);
    let (instructions, bytes) =
        count(black_box(infer as Infer), black_box((|_, _, _| ()) as Infer), |f, _| {
            f(black_box(&net), black_box(&window), black_box(&mut output));
        });
    defmt::println!("inference {=u32} instructions, stack {=u32}", instructions, bytes);

    let device = DEVICE.take();
    for (name, function) in [("score", score as OnDevice), ("step", learn as OnDevice)] {
        let (instructions, bytes) =
            count(black_box(function), black_box((|_, _| 0.0) as OnDevice), |f, _| {
                black_box(f(black_box(device), black_box(&window)));
            });
        defmt::println!("{=str} {=u32} instructions, stack {=u32}", name, instructions, bytes);
    }
    defmt::println!(
        "parameters {=usize} of {=usize} trainable, device {=usize} bytes",
        Head::PARAMS,
        Body::PARAMS + Head::PARAMS,
        Device::BYTES
    );
    gradlet_firmware::exit(0)
}
