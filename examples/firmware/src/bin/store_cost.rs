//! Counts the instructions and the stack of saving a 2-4-2 network to `store` and loading it.
#![no_std]
#![no_main]

use core::cell::Cell;
use core::hint::black_box;

use embedded_storage::nor_flash::NorFlash;
use gradlet::prelude::*;
use gradlet::store::Store;
use gradlet_firmware::count::{count, stack, start_counting};
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

/// A store that is empty except for a header with a flipped bit in the last page: searching for
/// that bit takes the most stack.
fn damaged(store: &mut Option<Store<Flash>>) -> Option<()> {
    let mut flash = store.take()?.release();
    flash.erase(0, BYTES).ok()?;
    flash.write(BYTES - 1024, b"gnev").ok()?;
    *store = Store::new(flash, 0..BYTES).ok();
    Some(())
}

/// Counts everything; returns whether all saves and loads succeeded.
fn count_all() -> Option<bool> {
    let mut store = Store::new(Flash::take()?, 0..BYTES).ok();
    let (mut net, mut trainer) = (black_box(Net::ZERO), black_box(Learner::new()));
    let nothing: (Save, Load) = black_box((|_, _, _| true, |_, _, _| true));
    let ways: [(_, _, Save, Load); 2] = [
        ("saving", "loading", save, load),
        ("saving with state", "loading with state", save_training, load_training),
    ];
    let well = Cell::new(true);
    let note = |went_well| well.set(well.get() && went_well);
    for (saving, loading, save, load) in ways {
        damaged(&mut store)?;
        let store = store.as_mut()?;
        let save_by = |f: Save, store: &mut _, net: &_, trainer: &_| {
            note(f(black_box(store), black_box(net), black_box(trainer)));
        };
        let deepest = stack(|| save_by(black_box(save), store, &net, &trainer))
            - stack(|| save_by(nothing.0, store, &net, &trainer));
        let mut load_by = |f: Load, store: &mut _| {
            note(f(black_box(store), black_box(&mut net), black_box(&mut trainer)));
        };
        let deepest_load =
            stack(|| load_by(black_box(load), store)) - stack(|| load_by(nothing.1, store));
        let (instructions, _) = count(black_box(save), nothing.0, |f, _| {
            save_by(f, store, &Net::ZERO, &Learner::new())
        });
        defmt::println!("{=str} {=u32} instructions, stack {=u32}", saving, instructions, deepest);
        // By now the pages are full of saves.
        let (instructions, _) = count(black_box(load), nothing.1, |f, _| load_by(f, store));
        defmt::println!(
            "{=str} {=u32} instructions, stack {=u32}",
            loading,
            instructions,
            deepest_load
        );
    }
    Some(well.get())
}

#[gradlet_firmware::entry]
fn main() -> ! {
    gradlet_firmware::start();
    start_counting();
    gradlet_firmware::exit(i32::from(count_all() != Some(true)))
}
