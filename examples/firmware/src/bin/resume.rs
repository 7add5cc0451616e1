//! Resumes training after resets: trains for some steps, saves the network and the optimizer's
//! state to flash, and resets. In the end the weights are bit-identical to those of an
//! uninterrupted training.
#![no_std]
#![no_main]

use defmt::println;
use gradlet::prelude::*;
use gradlet::store::{Store, StoreError};
use gradlet_firmware::flash::{BYTES, Flash};
use gradlet_firmware::small::{Hash, WORKED_INPUT, WORKED_NET, WORKED_STEPS, WORKED_TARGET};

type Net = Mlp<2, 2, 2>;
/// The state of Adam, two numbers per parameter, must survive as well.
type Learner = Trainer<Net, HalfSquaredError, Adam>;
type Error = StoreError<<Flash as embedded_storage::nor_flash::ErrorType>::Error>;

/// Training steps between resets.
const STEPS: u32 = 2_500;
const STARTS: u32 = WORKED_STEPS / STEPS;

#[gradlet_firmware::entry]
fn main() -> ! {
    gradlet_firmware::start();
    gradlet_firmware::reset_or_exit(run())
}

fn train(net: &mut Net, trainer: &mut Learner, steps: u32) {
    let adam = Adam::new(0.01);
    for _ in 0..steps {
        trainer.step(net, &adam, &WORKED_INPUT, &WORKED_TARGET);
    }
}

/// Runs from one reset to the next; returns whether to reset again.
fn run() -> Result<bool, Error> {
    let Some(flash) = Flash::take() else { return Ok(false) };
    let mut store = Store::<_>::new(flash, 0..BYTES)?;
    let (mut net, mut trainer) = (WORKED_NET, Learner::new());
    match store.load_training(&mut net, &mut trainer) {
        Ok(_) => {}
        // The first start, or power was cut during the first save: there is none to load.
        Err(StoreError::Empty | StoreError::Damaged) => {}
        Err(error) => return Err(error),
    }
    let saves = store.saves()?;
    println!("{=u32} steps done, hash {=u64:016x}", saves * STEPS, Hash::of(&net).0);
    train(&mut net, &mut trainer, STEPS);
    store.save_training(&net, &trainer)?;
    if saves + 1 < STARTS {
        println!("{=u32} steps done and saved: reset", (saves + 1) * STEPS);
        return Ok(true);
    }
    let (mut whole, mut trainer) = (WORKED_NET, Learner::new());
    train(&mut whole, &mut trainer, WORKED_STEPS);
    println!("hash of all parameters      {=u64:016x}", Hash::of(&net).0);
    println!("the same without any reset  {=u64:016x}", Hash::of(&whole).0);
    store.erase()?;
    Ok(false)
}
