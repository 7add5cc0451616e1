//! Minimal firmware that trains one network, to measure the flash that a network adds.
//!
//! The environment variable `NET` chooses the network at compile time; `BY_HAND=yes` chooses the
//! version written by hand.
#![no_std]
#![no_main]

use core::hint::black_box;

use gradlet::prelude::*;
use gradlet_firmware::chosen_network;
use gradlet_firmware::measured::{ByHand, Gradlet, Measured};
use gradlet_firmware::reference::Reference;

// Expanded for each network, as in real firmware: the compiler inlines more than in a generic
// function.
macro_rules! learn {
    ($measured:ty) => {{
        let rate = black_box(0.5);
        if option_env!("BY_HAND").is_some() {
            static mut MEMORY: ByHand<$measured> = <$measured>::BY_HAND;
            // SAFETY: the only reference to this static.
            let ByHand { net, x, t } = unsafe { &mut *black_box(&raw mut MEMORY) };
            loop {
                black_box(net.step(x, t, rate, <$measured>::FACTOR));
            }
        } else {
            static mut MEMORY: Gradlet<$measured> = <$measured>::GRADLET;
            // SAFETY: the only reference to this static.
            let Gradlet { net, trainer, x, t } = unsafe { &mut *black_box(&raw mut MEMORY) };
            loop {
                black_box(trainer.step(net, &Sgd { learning_rate: rate }, x, t));
            }
        }
    }};
}

#[gradlet_firmware::entry]
fn main() -> ! {
    #[cfg(feature = "panic-on-purpose")]
    black_box(black_box(&[0; 4])[black_box(4_usize)]);
    chosen_network!(
        learn,
        loop {
            black_box(());
        }
    )
}
