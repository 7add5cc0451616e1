//! Counts the instructions that the learner of `vowels` takes for the longest utterance: to identify
//! its speaker, to learn it, and to listen to one of its frames.
#![no_std]
#![no_main]

use core::hint::black_box;

use gradlet::{Streaming, Zero};
use gradlet_firmware::count::{count, start_counting};
use gradlet_firmware::vowels::{
    FRAMES, Frame, Learner, Net, Padded, SPEAKERS, Utterance, Utterances,
};

type Identify = fn(&Learner, Utterance<'_>) -> Option<usize>;
type Learn = fn(&mut Learner, &Padded) -> Option<f32>;
type Listen = fn(&mut Streaming<&Net>, &Frame, &mut [f32; SPEAKERS]);

#[inline(never)]
fn identify(learner: &Learner, utterance: Utterance<'_>) -> Option<usize> {
    learner.identify(utterance, FRAMES)
}

#[inline(never)]
fn learn(learner: &mut Learner, input: &Padded) -> Option<f32> {
    learner.learn(input, 3, 0.001)
}

#[inline(never)]
fn listen(listener: &mut Streaming<&Net>, frame: &Frame, answer: &mut [f32; SPEAKERS]) {
    *answer = listener.step(frame);
}

static mut LEARNER: Learner = Learner::ZERO;

#[gradlet_firmware::entry]
fn main() -> ! {
    gradlet_firmware::start();
    start_counting();
    // SAFETY: the only reference to it.
    let learner = unsafe { &mut *black_box(&raw mut LEARNER) };
    learner.start(1);
    let [_, test] = Utterances::all();
    let Some(longest) = test.iter().max_by_key(|utterance| utterance.count()) else {
        gradlet_firmware::exit(1)
    };
    let (instructions, stack) =
        count(black_box(identify as Identify), black_box((|_, _| None) as Identify), |f, _| {
            black_box(f(black_box(learner), black_box(longest)));
        });
    defmt::println!("identifying {=u32} instructions, stack {=u32}", instructions, stack);
    let input = longest.input(FRAMES).unwrap_or(Padded::ZERO);
    let (instructions, stack) =
        count(black_box(learn as Learn), black_box((|_, _| None) as Learn), |f, _| {
            black_box(f(black_box(learner), black_box(&input)));
        });
    defmt::println!("learning {=u32} instructions, stack {=u32}", instructions, stack);
    let (mut listener, mut answer) = (Streaming::new(learner.net()), [0.0; SPEAKERS]);
    let [.., frame] = input;
    let (instructions, stack) =
        count(black_box(listen as Listen), black_box((|_, _, _| ()) as Listen), |f, _| {
            f(black_box(&mut listener), black_box(&frame), black_box(&mut answer));
        });
    defmt::println!("listening {=u32} instructions, stack {=u32}", instructions, stack);
    gradlet_firmware::exit(0)
}
