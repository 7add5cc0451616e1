//! Two networks of MLPerf Tiny with random weights: what they compute, and the instructions and the
//! stack of an inference.
#![no_std]
#![no_main]

use core::hint::black_box;

use gradlet::{Shape, prelude::*};
use gradlet_firmware::count::{count_by, start_counting};
use gradlet_firmware::mlperf::{Images, Keywords, Numbers};
use static_cell::ConstStaticCell;

type Infer<N> = fn(&N, &<N as Layer>::Input, &mut <N as Layer>::Output);

#[inline(never)]
fn infer<N: Layer>(net: &N, input: &N::Input, output: &mut N::Output) {
    *output = net.forward(input);
}

#[inline(never)]
fn measure<N: Layer<Format = f32, Activation = Softmax>>(
    name: &str,
    net: &mut N,
    input: &mut N::Input,
) {
    let mut numbers = Numbers(1);
    numbers.fill_net(net);
    numbers.fill_input(input);
    let mut output = N::Output::ZERO;
    let (instructions, bytes) = count_by(
        1,
        black_box(infer::<N> as Infer<N>),
        black_box((|_, _, _| ()) as Infer<N>),
        |f, _| f(black_box(net), black_box(input), black_box(&mut output)),
    );
    defmt::println!("{=str} outputs {=[?]}", name, output.as_slice());
    defmt::println!(
        "{=str} inference {=u32} instructions, stack {=u32}",
        name,
        instructions,
        bytes
    );
    defmt::println!(
        "{=str} network {=usize} parameters, {=usize} bytes, {=usize} multiply-accumulates, trainer \
         {=usize} bytes",
        name,
        N::PARAMS,
        N::BYTES,
        N::MACS,
        Trainer::<N, CrossEntropy>::BYTES
    );
}

#[gradlet_firmware::entry]
fn main() -> ! {
    static KEYWORDS: ConstStaticCell<(Keywords, <Keywords as Layer>::Input)> =
        ConstStaticCell::new((Zero::ZERO, Zero::ZERO));
    static IMAGES: ConstStaticCell<(Images, <Images as Layer>::Input)> =
        ConstStaticCell::new((Zero::ZERO, Zero::ZERO));
    gradlet_firmware::start();
    start_counting();
    let (net, input) = KEYWORDS.take();
    measure("keywords", net, input);
    let (net, input) = IMAGES.take();
    measure("images", net, input);
    gradlet_firmware::exit(0)
}
