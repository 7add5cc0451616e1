//! Classifies the signals of MNIST-1D in int8, beside the same network in `f32`: how many are right, and what
//! an inference takes. The compiler reads both networks from files; in int8 no float is needed.
#![no_std]
#![no_main]

use core::hint::black_box;

#[allow(dead_code, unused_macros, reason = "its networks are those of another program")]
#[path = "../int8.rs"]
mod int8;

use defmt::println;
use gradlet::metrics::argmax;
use gradlet::prelude::*;
use gradlet_firmware::count::{count, start_counting};
use gradlet_firmware::signals::{Net, Signal, Signals};

static REAL: Net =
    gradlet::load![include_bytes!("../../data/signals.safetensors"); "0", "1", "2", "3"];
static INT8: Quantized<Net, int8::Rounding> =
    gradlet::load![include_bytes!("../../data/signals_int8.safetensors"); "0", "1", "2", "3"];

/// Signals that both classify: in `f32`, a Cortex-M0 takes long.
const BOTH: usize = if cfg!(multiplies_32_bits) { 50 } else { 1000 };

#[inline(never)]
fn real(signal: &Signal) -> [f32; 10] {
    let [y] = black_box(&REAL).forward(&signal.input());
    y
}

/// The sensor's numbers become those of the network: with its scale, which is not the sensor's.
#[inline(never)]
fn int8(input: &[[i8; 1]; 40]) -> [i8; 10] {
    let [y] = black_box(&INT8).run(input);
    y
}

fn quantized(signal: &Signal) -> [[i8; 1]; 40] {
    INT8.quantize(&signal.input())
}

/// The largest of the outputs.
fn shape(outputs: &[i8; 10]) -> Option<usize> {
    argmax(&outputs.map(f32::from))
}

#[gradlet_firmware::entry]
fn main() -> ! {
    gradlet_firmware::start();
    start_counting();
    let [_, test] = Signals::all();
    let first = test.get(0).map_or(Signal([0; 40]), |(signal, _)| signal);
    let x = quantized(&first);
    let (instructions, stack) = count(
        black_box(real as fn(&Signal) -> [f32; 10]),
        black_box((|_| [0.0; 10]) as fn(&Signal) -> [f32; 10]),
        |f, _| {
            black_box(f(black_box(&first)));
        },
    );
    println!(
        "f32 {=u32} instructions, stack {=u32}, flash {=usize}",
        instructions,
        stack,
        size_of::<Net>()
    );
    let (instructions, stack) = count(
        black_box(int8 as fn(&[[i8; 1]; 40]) -> [i8; 10]),
        black_box((|_| [0; 10]) as fn(&[[i8; 1]; 40]) -> [i8; 10]),
        |f, _| {
            black_box(f(black_box(&x)));
        },
    );
    println!(
        "int8 {=u32} instructions, stack {=u32}, flash {=usize}",
        instructions,
        stack,
        size_of_val(&INT8)
    );
    let (mut right, mut right_in_f32, mut same) = (0, 0, 0);
    for (number, (signal, wanted)) in test.iter().enumerate() {
        let found = shape(&int8(&quantized(&signal)));
        right += u32::from(found == Some(wanted.into()));
        if number < BOTH {
            let found_in_f32 = argmax(&real(&signal));
            right_in_f32 += u32::from(found_in_f32 == Some(wanted.into()));
            same += u32::from(found == found_in_f32);
        }
    }
    println!("int8 right of {=usize} {=u32}", test.count(), right);
    println!("f32 right of {=usize} {=u32}, alike {=u32}", BOTH, right_in_f32, same);
    gradlet_firmware::exit(0)
}
