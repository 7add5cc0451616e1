//! Counts the instructions that the device of `personalise` takes for an inference and to learn an
//! image; with the feature `fixed`, in fixed point.
#![no_std]
#![no_main]

use core::hint::black_box;

use gradlet::prelude::*;
use gradlet_firmware::NumberFormat;
use gradlet_firmware::count::{count, count_by, start_counting};
use gradlet_firmware::personal::{self, Factory, Head, Image};

type Device<'a> = personal::Device<'a, NumberFormat>;

static FACTORY: Factory<NumberFormat> =
    gradlet::load![include_bytes!("../../data/factory.safetensors"); "0", "2"];
static IMAGES: &[u8] = include_bytes!("../../data/digits.bin");

type Read = fn(&Device<'_>, &Image) -> Option<usize>;
type Learn = fn(&mut Device<'_>, &Image);

#[inline(never)]
fn read(device: &Device<'_>, image: &Image) -> Option<usize> {
    device.read(image)
}

#[inline(never)]
fn learn(device: &mut Device<'_>, image: &Image) {
    device.learn(image, 3, IMAGES);
}

#[gradlet_firmware::entry]
fn main() -> ! {
    gradlet_firmware::start();
    start_counting();
    let mut device = Device::new(&FACTORY);
    let image = Image(IMAGES.first_chunk().copied().unwrap_or([0; 32]));
    let (instructions, stack) =
        count(black_box(read as Read), black_box((|_, _| None) as Read), |f, _| {
            black_box(f(black_box(&device), black_box(&image)));
        });
    defmt::println!("reading {=u32} instructions, stack {=u32}", instructions, stack);
    // Once is enough: in `f32`, a Cortex-M0 takes long.
    let (instructions, stack) =
        count_by(1, black_box(learn as Learn), black_box((|_, _| ()) as Learn), |f, _| {
            f(black_box(&mut device), black_box(&image));
        });
    defmt::println!("learning {=u32} instructions, stack {=u32}", instructions, stack);
    defmt::println!(
        "device {=usize} bytes of {=usize} parameters",
        Device::BYTES,
        <Head<NumberFormat> as Layer>::PARAMS
    );
    gradlet_firmware::exit(0)
}
