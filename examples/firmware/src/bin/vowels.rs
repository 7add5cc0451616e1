//! On-device training of a recurrent network: learns to identify speakers utterance by utterance,
//! from random weights, then listens to one of them frame by frame. The host example `vowels`
//! trains the same network, with bit-identical results.
#![no_std]
#![no_main]

use core::hint::black_box;

use defmt::println;
use gradlet::{Streaming, metrics::argmax, prelude::*};
use gradlet_firmware::training::hash;
use gradlet_firmware::vowels::{FRAMES, Learner, Live, Net, PLAN, Utterance, Utterances};

/// The utterance of the test set that is listened to.
const SPOKEN: usize = 157;

static mut LEARNER: Learner = Learner::ZERO;

/// Whether the answers frame by frame end in that to the whole utterance, bit for bit.
fn ends_alike(learner: &Learner, listener: &mut Streaming<Live>, spoken: Utterance<'_>) -> bool {
    listener.reset();
    let last = spoken.frames().map(|frame| listener.step(&frame)).last();
    last == spoken.input(FRAMES).map(|input| learner.net().forward(&input))
}

#[gradlet_firmware::entry]
fn main() -> ! {
    gradlet_firmware::start();
    // SAFETY: the only reference to it.
    let learner = unsafe { &mut *black_box(&raw mut LEARNER) };
    let [training, test] = Utterances::all();
    println!(
        "a learner of {=usize} bytes with {=usize} parameters",
        Learner::<Net>::BYTES,
        Net::PARAMS
    );
    let tell = |steps: u32, learner: &Learner| {
        let (count, right) = (test.iter().count(), learner.right(test));
        println!("after {=u32} utterances: right of {=usize} {=usize}", steps, count, right);
    };
    let mut rng = learner.start(PLAN.seed);
    tell(0, learner);
    for ((number, rate), steps) in PLAN.steps().zip(1..) {
        let Some(utterance) = training.iter().nth(number) else { continue };
        if let Some(input) = utterance.varied(&mut rng) {
            learner.learn(&input, utterance.speaker, rate);
        }
        let epochs = steps / PLAN.samples;
        let is_epoch = steps % PLAN.samples == 0;
        if is_epoch && (epochs.is_power_of_two() || epochs == PLAN.epochs) {
            tell(steps, learner);
        }
    }
    println!("hash of the parameters {=u64:016x}", hash(learner.net()));

    let mut listener = learner.listener();
    let alike = test.iter().filter(|spoken| ends_alike(learner, &mut listener, *spoken)).count();
    println!(
        "frame by frame, with a state of {=usize} bytes: the same bits for {=usize}",
        Streaming::<Live>::STATE_BYTES,
        alike
    );
    if let Some(spoken) = test.iter().nth(SPOKEN) {
        println!("speaker {=usize} speaks", spoken.speaker);
        listener.reset();
        let mut before = None;
        for (frame, number) in spoken.frames().zip(1_u32..) {
            let shares = listener.step(&frame);
            let answer = argmax(&shares);
            let share = answer.and_then(|speaker| shares.get(speaker)).unwrap_or(&0.0);
            if answer != before {
                let (speaker, percent) = (answer.unwrap_or(0), (100.0 * share) as u32);
                println!("frame {=u32}: speaker {=usize}, {=u32} %", number, speaker, percent);
            }
            before = answer;
        }
    }
    gradlet_firmware::exit(0)
}
