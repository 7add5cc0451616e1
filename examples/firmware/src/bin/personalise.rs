//! On-device personalisation: a device that is mounted on its side learns to classify rotated
//! digits, saves its last layer to flash, resets, and still classifies them. It is the first split
//! of the host example `personalise`, with bit-identical results. With the feature `fixed`, the same network, from the
//! same file, computes and learns in fixed point.
#![no_std]
#![no_main]

use defmt::println;
use gradlet::store::{Store, StoreError};
use gradlet_firmware::NumberFormat;
use gradlet_firmware::flash::{BYTES, Flash};
use gradlet_firmware::personal::{self, Factory, IMAGE, LABELLED, Labelled, SHOWN, UPRIGHT};
use gradlet_firmware::small::Hash;

type Device<'a> = personal::Device<'a, NumberFormat>;
type Error = StoreError<<Flash as embedded_storage::nor_flash::ErrorType>::Error>;

static FACTORY: Factory<NumberFormat> =
    gradlet::load![include_bytes!("../../data/factory.safetensors"); "0", "2"];
static IMAGES: &[u8] = include_bytes!("../../data/digits.bin");

#[gradlet_firmware::entry]
fn main() -> ! {
    gradlet_firmware::start();
    gradlet_firmware::reset_or_exit(run())
}

/// Runs from one reset to the next; returns whether to reset again.
fn run() -> Result<bool, Error> {
    let Some(flash) = Flash::take() else { return Ok(false) };
    let mut store = Store::<_>::new(flash, 0..BYTES)?;
    let mut device = Device::new(&FACTORY);
    let (upright, rest) = IMAGES.split_at(UPRIGHT * IMAGE);
    let (shown, rest) = rest.split_at(SHOWN * LABELLED);
    let (old, new) = rest.split_at(rest.len() / 2);
    let tell = |when: &str, device: &Device<'_>| {
        let count = old.len() / LABELLED;
        let (old, new) = (Labelled(old).right(device), Labelled(new).right(device));
        println!(
            "{=str}: right of {=usize} upright {=usize}, rotated {=usize}",
            when, count, old, new
        );
    };
    match store.load(device.net_mut()) {
        Ok(_) => {
            tell("after a reset", &device);
            println!("hash of the parameters {=u64:016x}", Hash::of(device.net()).0);
            store.erase()?;
            return Ok(false);
        }
        // The first start, or power was cut during the first save: there is none to load.
        Err(StoreError::Empty | StoreError::Damaged) => {}
        Err(error) => return Err(error),
    }
    println!("RAM of the device: {=usize} bytes", Device::BYTES);
    tell("from the factory", &device);
    for (image, digit) in Labelled(shown).iter() {
        device.learn(&image, digit, upright);
    }
    tell("after learning", &device);
    store.save(device.net())?;
    println!("saved: reset");
    Ok(true)
}
