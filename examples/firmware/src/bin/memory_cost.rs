//! Counts the memory and the instructions of a training step, by which parameters are trained and
//! whether values are kept for the backward pass or computed again.
#![no_std]
#![no_main]

use core::hint::black_box;

use gradlet::preprocess::one_hot;
use gradlet::{BiasOnly, Recompute, Zero, prelude::*};
use gradlet_firmware::count::{count, fill, start_counting};
use gradlet_firmware::transfer::{
    Biases, Blocks, Classifies, Everything, First, HeadAlone, Recomputed, Second, Upper,
};

type Learns<N> = Trainer<N, CrossEntropy, Sgd>;
type Step<N> = fn(&mut N, &mut Learns<N>, &<N as Layer>::Input, &<N as Layer>::Output) -> f32;

#[inline(never)]
fn step<N: Classifies>(
    net: &mut N,
    trainer: &mut Learns<N>,
    x: &N::Input,
    target: &N::Output,
) -> f32 {
    trainer.step(net, &Sgd { learning_rate: 1.0 / 1024.0 }, x, target)
}

/// Not inlined: each network and its trainer are on the stack of its own call.
#[inline(never)]
fn measure<N: Classifies>(name: &str, mut net: N) {
    let mut trainer = Learns::<N>::new();
    let mut x = N::Input::ZERO;
    fill(x.as_flattened_mut(), Some(1));
    let target = one_hot(0).unwrap_or_default();
    let (instructions, stack) =
        count(black_box(step as Step<N>), black_box((|_, _, _, _| 0.0) as Step<N>), |f, _| {
            black_box(f(
                black_box(&mut net),
                black_box(&mut trainer),
                black_box(&x),
                black_box(&target),
            ));
        });
    defmt::println!(
        "{=str} | network {=usize}, trainer {=usize}, stack {=u32}, Adam {=usize}, {=u32} instructions",
        name,
        size_of::<N>(),
        size_of::<Learns<N>>(),
        stack,
        size_of::<<Adam as Optimizer<N>>::State>(),
        instructions
    );
}

#[gradlet_firmware::entry]
fn main() -> ! {
    gradlet_firmware::start();
    start_counting();
    let mut net = Everything::ZERO;
    let mut number = 0;
    net.visit_mut(|tensor, values| {
        number += 1;
        fill(values, Some(number));
        let scale = libm::sqrtf(6.0 / tensor.fans().0 as f32) * 2.0;
        values.iter_mut().for_each(|value| *value *= scale);
    });
    let (first, second) = (net.first(), net.rest().first());
    let head = || net.rest().rest().clone();
    measure::<Everything>("everything", net.clone());
    measure::<Recomputed<First, Second>>("everything, recomputed", {
        let second = Recompute::new(second.clone());
        Blocks::new(Recompute::new(first.clone()), Chain::new(second, head()))
    });
    measure::<Upper<'_>>(
        "second block and head",
        Blocks::new(Frozen::new(first), net.rest().clone()),
    );
    measure::<Recomputed<Frozen<&First>, Second>>("second block and head, recomputed", {
        let second = Recompute::new(second.clone());
        Blocks::new(Recompute::new(Frozen::new(first)), Chain::new(second, head()))
    });
    measure::<Biases<'_>>("biases and head", {
        Blocks::new(BiasOnly::new(first), Chain::new(BiasOnly::new(second), head()))
    });
    measure::<Recomputed<BiasOnly<&First>, BiasOnly<&Second>>>("biases and head, recomputed", {
        let second = Recompute::new(BiasOnly::new(second));
        Blocks::new(Recompute::new(BiasOnly::new(first)), Chain::new(second, head()))
    });
    measure::<HeadAlone<'_>>("head", {
        Blocks::new(Frozen::new(first), Chain::new(Frozen::new(second), head()))
    });
    measure::<Recomputed<Frozen<&First>, Frozen<&Second>>>("head, recomputed", {
        let second = Recompute::new(Frozen::new(second));
        Blocks::new(Recompute::new(Frozen::new(first)), Chain::new(second, head()))
    });
    gradlet_firmware::exit(0)
}
