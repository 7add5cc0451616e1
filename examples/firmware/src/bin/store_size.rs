//! The flash that a store takes: this program with one, over that without.
//!
//! While this is compiled, `STORE` is `save` for a store that is written and read, `training` for one
//! that keeps the state of Adam too. Without it, only the driver is there.
#![no_std]
#![no_main]

use core::hint::black_box;

use embedded_storage::nor_flash::{NorFlash, ReadNorFlash};
use gradlet::prelude::*;
use gradlet::store::Store;
use gradlet_firmware::flash::{BYTES, Flash};

type Net = Mlp<2, 4, 2>;
type Learner = Trainer<Net, HalfSquaredError, Adam>;

#[gradlet_firmware::entry]
fn main() -> ! {
    let Some(mut flash) = Flash::take() else { gradlet_firmware::exit(1) };
    let place = black_box(0);
    let mut word = black_box([0; 4]);
    let _ = black_box((flash.erase(place, BYTES), flash.write(place, &word)));
    let _ = black_box((flash.read(place, &mut word), word));
    let (mut net, mut trainer) = (black_box(Net::ZERO), black_box(Learner::new()));
    let store = Store::<_>::new(flash, 0..black_box(BYTES));
    match (option_env!("STORE"), store) {
        (Some("save"), Ok(mut store)) => {
            let _ = black_box((store.save(&net), store.load(&mut net)));
        }
        (Some("training"), Ok(mut store)) => {
            let _ = black_box(store.save_training(&net, &trainer));
            let _ = black_box(store.load_training(&mut net, &mut trainer));
        }
        _ => {}
    }
    black_box((net, trainer));
    gradlet_firmware::exit(0)
}
