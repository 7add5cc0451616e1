//! Counts the instructions of the loops over the weights of one network, layer by layer.
//!
//! While this is compiled, `NET` names the network.
#![no_std]
#![no_main]

use core::hint::black_box;

use gradlet::{GradientVisitor, Gradients, Hidden, LayerTrace, Takes, Zero, prelude::*};
use gradlet_firmware::chosen_network;
use gradlet_firmware::count::{count, fill, start_counting, weight};
use gradlet_firmware::measured::Measured;

/// Instructions of all layers, and how many weights they went through.
#[derive(Default)]
struct Counts {
    forward: u32,
    input_gradient: u32,
    update: u32,
    weights: u32,
    /// Without the first layer, which computes no input gradient.
    weights_behind: u32,
}

trait Loops {
    fn add_to(counts: &mut Counts, is_first: bool);
}

impl<F: Loops + Layer<Activation: Hidden>, R: Loops + Takes<F::Output>> Loops for Chain<F, R> {
    fn add_to(counts: &mut Counts, is_first: bool) {
        F::add_to(counts, is_first);
        R::add_to(counts, false);
    }
}

type Kept<const OUT: usize, A> = LayerTrace<[f32; OUT], A>;

struct Sample<'a, const IN: usize, const OUT: usize, A: Activation> {
    x: &'a [f32; IN],
    trace: &'a Kept<OUT, A>,
    delta: &'a [f32; OUT],
}

impl<const IN: usize, const OUT: usize, A: Activation> Gradients<Dense<IN, OUT, A>>
    for Sample<'_, IN, OUT, A>
{
    fn visit<const P: usize, const S: usize>(
        &self,
        nets: [&mut Dense<IN, OUT, A>; P],
        state: [&mut Dense<IN, OUT, A>; S],
        visitor: &mut impl GradientVisitor<f32, P, S>,
    ) {
        Dense::gradient(nets, state, self.x, self.trace, self.delta, visitor);
    }
}

impl<const IN: usize, const OUT: usize, A: Activation> Loops for Dense<IN, OUT, A> {
    fn add_to(counts: &mut Counts, is_first: bool) {
        type Forward<L, const IN: usize, T> = fn(&L, &[f32; IN], &mut T);
        type InputGradient<L, const IN: usize, T, const OUT: usize> =
            fn(&L, &[f32; IN], &T, &[f32; OUT], &mut [f32; IN]);
        type Update<L, const IN: usize, T, const OUT: usize> =
            fn(&mut L, &[f32; IN], &T, &[f32; OUT], f32);
        let forward: Forward<Self, IN, Kept<OUT, A>> = |layer, x, trace| {
            layer.forward_trace(x, trace);
        };
        let input_gradient: InputGradient<Self, IN, Kept<OUT, A>, OUT> =
            |layer, x, trace, delta, gradient| layer.input_gradient(x, trace, delta, gradient);
        let update: Update<Self, IN, Kept<OUT, A>, OUT> = |layer, x, trace, delta, rate| {
            let sample = Sample { x, trace, delta };
            Sgd { learning_rate: rate }.update(layer, &mut (), &sample, 1.0);
        };
        let (mut layer, mut trace) = (Self::ZERO, Kept::ZERO);
        for (i, row) in layer.weights_mut().iter_mut().enumerate() {
            row.iter_mut().enumerate().for_each(|(o, w)| *w = weight(i, o));
        }
        let (mut x, mut delta, mut gradient) = ([0.0; IN], [0.0; OUT], [-0.0; IN]);
        fill(&mut delta, Some(0));
        let (layer, trace) = (black_box(&mut layer), black_box(&mut trace));
        counts.forward += count(
            black_box(forward),
            black_box((|_, _, _| ()) as Forward<Self, IN, Kept<OUT, A>>),
            |f, time| {
                fill(&mut x, time);
                f(layer, &x, trace);
            },
        )
        .0;
        counts.update += count(
            black_box(update),
            black_box((|_, _, _, _, _| ()) as Update<Self, IN, Kept<OUT, A>, OUT>),
            |f, time| {
                fill(&mut x, time);
                f(layer, &x, trace, &delta, 1.0 / 1024.0);
            },
        )
        .0;
        let weights = (IN * OUT) as u32;
        counts.weights += weights;
        if is_first {
            return;
        }
        counts.weights_behind += weights;
        counts.input_gradient += count(
            black_box(input_gradient),
            black_box((|_, _, _, _, _| ()) as InputGradient<Self, IN, Kept<OUT, A>, OUT>),
            |f, time| {
                fill(&mut delta, time);
                f(layer, &x, trace, &delta, &mut gradient);
            },
        )
        .0;
    }
}

macro_rules! loops {
    ($measured:ty) => {{
        let mut counts = Counts::default();
        <$measured as Measured>::Net::add_to(&mut counts, true);
        let Counts { forward, input_gradient, update, weights, weights_behind } = counts;
        defmt::println!("forward {=u32} {=u32}", forward, weights);
        defmt::println!("input gradient {=u32} {=u32}", input_gradient, weights_behind);
        defmt::println!("update {=u32} {=u32}", update, weights);
    }};
}

#[gradlet_firmware::entry]
fn main() -> ! {
    gradlet_firmware::start();
    start_counting();
    chosen_network!(loops, {
        defmt::error!("no network: compile this with NET=2-2-2, for instance");
        gradlet_firmware::exit(1)
    });
    gradlet_firmware::exit(0)
}
