//! Trains the worked 2-2-2 network and prints its loss curve.
#![no_std]
#![no_main]

use gradlet::prelude::*;
use gradlet_avr::serial::{decimal, fraction, hex, print};
use gradlet_avr::small::{Hash, WORKED_INPUT, WORKED_NET, WORKED_SGD, WORKED_STEPS, WORKED_TARGET};

/// Numbers of steps after which the loss is printed.
const MARKS: [u16; 14] =
    [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, WORKED_STEPS as u16];

#[unsafe(no_mangle)]
extern "C" fn main() -> ! {
    gradlet_avr::serial::start();

    let mut net = WORKED_NET;
    let mut trainer = Trainer::<_, HalfSquaredError, Sgd>::new();
    print("step loss\n");
    let mut step = 0;
    for mark in MARKS {
        while step < mark {
            trainer.step(&mut net, &WORKED_SGD, &WORKED_INPUT, &WORKED_TARGET);
            step += 1;
        }
        decimal(step.into());
        print(" ");
        fraction(trainer.evaluate(&net, &WORKED_INPUT, &WORKED_TARGET));
        print("\n");
    }

    print("answer");
    for y in net.forward(&WORKED_INPUT) {
        print(" ");
        fraction(y);
    }
    print("\nhash of all parameters ");
    hex(Hash::of(&net).0);
    print("\n");
    gradlet_avr::exit()
}
