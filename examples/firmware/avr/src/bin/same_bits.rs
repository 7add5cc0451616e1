//! Trains one network; prints a hash of its bits, which is the same on every core, and the bytes of stack that
//! it took, with network and trainer.
//!
//! The environment variable `RUN` chooses the network at compile time: all together do not fit in the flash.
#![no_std]
#![no_main]

use gradlet::prelude::*;
use gradlet_avr::count::stack;
use gradlet_avr::serial::{decimal, hex, print};
use gradlet_avr::small::{Gestures, GesturesTrainer, RUNS, Run, Xor, XorTrainer};

// The budgets of network and trainer. Those with the stack are asserted by a test, which runs this.
const _: () = {
    assert!(size_of::<(Xor<f32>, XorTrainer<f32>)>() <= 192);
    assert!(size_of::<(Xor<Fixed>, XorTrainer<Fixed>)>() <= 208);
    assert!(size_of::<(Gestures<f32>, GesturesTrainer<f32>)>() <= 432);
    assert!(size_of::<(Gestures<Fixed>, GesturesTrainer<Fixed>)>() <= 448);
};

/// In a constant, so that the program has no other.
const RUN: Run = {
    let name = option_env!("RUN");
    let mut place = 0;
    loop {
        match name {
            Some(name) if !are_equal(name.as_bytes(), RUNS[place].name.as_bytes()) => place += 1,
            _ => break RUNS[place],
        }
    }
};

const fn are_equal(mut a: &[u8], mut b: &[u8]) -> bool {
    while let ([first, others @ ..], [second, rest @ ..]) = (a, b) {
        if *first != *second {
            return false;
        }
        (a, b) = (others, rest);
    }
    a.len() == b.len()
}

#[unsafe(no_mangle)]
extern "C" fn main() -> ! {
    gradlet_avr::serial::start();
    let mut hash = 0;
    let stack = stack(|| hash = (RUN.train)(RUN.steps).hash.0);
    hex(hash);
    print(" ");
    decimal(stack);
    print("\n");
    gradlet_avr::exit()
}
