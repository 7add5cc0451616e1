//! On-device training of a convolutional network: learns the shapes of MNIST-1D signal by signal,
//! from random weights. The host example `signals` trains the same network, with bit-identical
//! results.
#![no_std]
#![no_main]

use core::hint::black_box;

use defmt::println;
use gradlet_firmware::signals::{FIRMWARE, Learner, Signals};

static mut LEARNER: Learner = Learner::ZERO;

#[gradlet_firmware::entry]
fn main() -> ! {
    gradlet_firmware::start();
    // SAFETY: the only reference to it.
    let learner = unsafe { &mut *black_box(&raw mut LEARNER) };
    let [training, test] = Signals::all();
    println!(
        "a learner of {=usize} bytes with {=usize} parameters",
        Learner::BYTES,
        Learner::PARAMETERS
    );
    let tell = |steps: usize, learner: &Learner| {
        let (count, right) = (test.count(), test.right(learner));
        println!("after {=usize} steps: right of {=usize} {=usize}", steps, count, right);
    };
    learner.start(FIRMWARE.seed);
    tell(0, learner);
    let mut steps = 0;
    for (number, rate) in FIRMWARE.steps() {
        if let Some((signal, shape)) = training.get(number) {
            learner.learn(&signal, shape, rate);
            steps += 1;
        }
    }
    tell(steps, learner);
    println!("hash of the parameters {=u64:016x}", learner.hash());
    gradlet_firmware::exit(0)
}
