//! Counts the instructions and the stack that it takes to save a network of 2-4-2 and to load it.
#![no_std]
#![no_main]

use core::hint::black_box;

use embedded_storage::nor_flash::NorFlash;
use gradlet::prelude::*;
use gradlet::store::Store;
use gradlet_firmware::count::{count, start_counting};
use gradlet_firmware::flash::{BYTES, Flash};

type Net = Mlp<2, 4, 2>;
type Learner = Trainer<Net, HalfSquaredError, Adam>;
type Save = fn(&mut Store<Flash>, &Net, &Learner) -> bool;
type Load = fn(&mut Store<Flash>, &mut Net, &mut Learner) -> bool;

#[inline(never)]
fn save(store: &mut Store<Flash>, net: &Net, _: &Learner) -> bool {
    store.save(net).is_ok()
}

#[inline(never)]
fn save_training(store: &mut Store<Flash>, net: &Net, trainer: &Learner) -> bool {
    store.save_training(net, trainer).is_ok()
}

#[inline(never)]
fn load(store: &mut Store<Flash>, net: &mut Net, _: &mut Learner) -> bool {
    store.load(net).is_ok()
}

#[inline(never)]
fn load_training(store: &mut Store<Flash>, net: &mut Net, trainer: &mut Learner) -> bool {
    store.load_training(net, trainer).is_ok()
}

#[gradlet_firmware::entry]
fn main() -> ! {
    gradlet_firmware::start();
    start_counting();
    let Some(flash) = Flash::take() else { gradlet_firmware::exit(1) };
    let Ok(mut store) = Store::<_>::new(flash, 0..BYTES) else { gradlet_firmware::exit(1) };
    let mut well = store.erase().is_ok();
    // A header in which a bit has changed, in the last page: looking for the bit takes the most stack.
    let mut flash = store.release();
    well &= flash.write(BYTES - 1024, b"gnev").is_ok();
    let Ok(mut store) = Store::new(flash, 0..BYTES) else { gradlet_firmware::exit(1) };
    let (mut net, mut trainer) = (black_box(Net::ZERO), black_box(Learner::new()));
    let nothing: (Save, Load) = black_box((|_, _, _| true, |_, _, _| true));
    let ways: [(_, _, Save, Load); 2] = [
        ("saving", "loading", save, load),
        ("saving with state", "loading with state", save_training, load_training),
    ];
    for (saving, loading, save, load) in ways {
        let (instructions, stack) = count(black_box(save), nothing.0, |f, _| {
            well &= f(black_box(&mut store), black_box(&net), black_box(&trainer));
        });
        defmt::println!("{=str} {=u32} instructions, stack {=u32}", saving, instructions, stack);
        let (instructions, stack) = count(black_box(load), nothing.1, |f, _| {
            well &= f(black_box(&mut store), black_box(&mut net), black_box(&mut trainer));
        });
        defmt::println!("{=str} {=u32} instructions, stack {=u32}", loading, instructions, stack);
    }
    gradlet_firmware::exit(i32::from(!well))
}
