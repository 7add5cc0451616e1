//! On-device personalisation of a recurrent network: the last layer of a network that recognises
//! exercises of nine people learns how a tenth does them. The host example `motions` does the same
//! for each of the ten, with bit-identical results.
#![no_std]
#![no_main]

use defmt::println;
use gradlet_firmware::motions::{Factory, Learner, ON_DEVICE, Personal, Window};
use gradlet_firmware::training::hash;

static FACTORY: Factory =
    gradlet::load![include_bytes!("../../data/motions.safetensors"); "gru", "head"];
/// The person who wears the device: the factory's network was trained on the nine others.
const WEARER: usize = 1;

#[gradlet_firmware::entry]
fn main() -> ! {
    gradlet_firmware::start();
    let mut device = Learner::of(&FACTORY);
    println!("RAM of the device: {=usize} bytes", Learner::<Personal<'_>>::BYTES);
    let tell = |when: &str, device: &Learner<_>| {
        let tested = || Window::tested(WEARER);
        let (count, right) = (tested().count(), device.right(tested()));
        println!("{=str}: right of {=usize} {=usize}", when, count, right);
    };
    tell("from the factory", &device);
    for (number, rate) in ON_DEVICE.steps() {
        if let Some(window) = Window::shown(WEARER, number) {
            device.learn(window, rate);
        }
    }
    tell("after learning", &device);
    println!("hash of the last layer {=u64:016x}", hash(device.net().rest()));
    gradlet_firmware::exit(0)
}
