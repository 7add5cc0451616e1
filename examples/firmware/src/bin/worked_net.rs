//! Trains the worked 2-2-2 network and prints its loss curve.
#![no_std]
#![no_main]

use defmt::println;
use gradlet::prelude::*;
use gradlet_firmware::small::{
    Hash, WORKED_INPUT, WORKED_NET, WORKED_SGD, WORKED_STEPS, WORKED_TARGET,
};

/// Numbers of steps after which the loss is printed.
const MARKS: [u32; 14] = [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, WORKED_STEPS];

#[gradlet_firmware::entry]
fn main() -> ! {
    gradlet_firmware::start();

    let mut net = WORKED_NET;
    let mut trainer = Trainer::<_, HalfSquaredError, Sgd>::new();
    println!("A network of 2 inputs, 2 hidden units and 2 outputs learns to answer");
    println!("{} with {}.", WORKED_INPUT, WORKED_TARGET);
    println!("");
    println!("step   loss, and how often it can be halved before it is below 0.000001");
    let mut step = 0;
    for mark in MARKS {
        while step < mark {
            trainer.step(&mut net, &WORKED_SGD, &WORKED_INPUT, &WORKED_TARGET);
            step += 1;
        }
        let loss = trainer.evaluate(&net, &WORKED_INPUT, &WORKED_TARGET);
        println!("{=u32} {=f32} {=str}", step, loss, bar(loss));
    }

    println!("");
    println!("hidden weights {} biases {}", net.first().rows(), net.first().bias());
    println!("output weights {} biases {}", net.rest().rows(), net.rest().bias());
    println!("answer {}", net.forward(&WORKED_INPUT));
    println!("hash of all parameters {=u64:016x}", Hash::of(&net).0);
    gradlet_firmware::exit(0)
}

/// One `#` for each time that the loss can be halved.
fn bar(loss: f32) -> &'static str {
    let mut rest = loss;
    let mut length = 0;
    while rest > 1e-6 {
        rest *= 0.5;
        length += 1;
    }
    "########################".get(..length).unwrap_or("########################")
}
