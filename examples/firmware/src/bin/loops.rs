//! Counts the instructions of the loops over the weights of a network, layer by layer.
//!
//! The environment variable `NET` chooses the network at compile time.
#![no_std]
#![no_main]

use core::hint::black_box;

use gradlet::{Delta, Hidden, Samples, Takes, prelude::*};
use gradlet_firmware::chosen_network;
use gradlet_firmware::count::{count, fill, start_counting, weight};
use gradlet_firmware::measured::Measured;

/// Instructions of all layers, and the number of weights that they processed.
#[derive(Default)]
struct Counts {
    forward: u32,
    input_gradient: u32,
    update: u32,
    weights: u32,
    /// Weights without those of the first layer, which computes no input gradient.
    weights_behind: u32,
}

trait Loops {
    fn add_to(counts: &mut Counts, is_first: bool);
}

impl<F, R> Loops for Chain<F, R>
where
    F: Loops + Layer<Format = f32, Activation: Hidden>,
    R: Loops + Takes<F::Output>,
{
    fn add_to(counts: &mut Counts, is_first: bool) {
        F::add_to(counts, is_first);
        R::add_to(counts, false);
    }
}

type Forward<L> = fn(&L, &<L as Layer>::Input, &mut <L as Layer>::Trace);
type InputGradient<L> =
    fn(&L, &<L as Layer>::Input, &<L as Layer>::Trace, &mut Delta<f32, <L as Layer>::Input>);
type Update<L> = fn(&mut L, &<L as Layer>::Input, &<L as Layer>::Trace, f32);

impl<const IN: usize, const OUT: usize, A: Activation> Loops for Dense<IN, OUT, A> {
    fn add_to(counts: &mut Counts, is_first: bool) {
        let forward: Forward<Self> = |layer, x, trace| {
            layer.forward_trace([x], [trace]);
        };
        let input_gradient: InputGradient<Self> = |layer, x, trace, gradient| {
            let sample = Samples { inputs: [x], traces: [trace] };
            layer.input_gradient(sample, [gradient]);
        };
        let update: Update<Self> = |layer, x, trace, rate| {
            let sample = Samples::<Self, 1> { inputs: [x], traces: [trace] };
            Sgd { learning_rate: rate }.update(layer, &mut (), &sample, 1.0);
        };
        let (mut layer, mut trace) = (Self::ZERO, <Self as Layer>::Trace::ZERO);
        for (i, row) in layer.weights_mut().iter_mut().enumerate() {
            row.iter_mut().enumerate().for_each(|(o, w)| *w = weight(i, o));
        }
        let (mut x, mut gradient) = ([0.0; IN], Delta::ZERO);
        fill(&mut trace.parts().1.values, Some(0));
        let (layer, trace) = (black_box(&mut layer), black_box(&mut trace));
        counts.forward +=
            count(black_box(forward), black_box((|_, _, _| ()) as Forward<Self>), |f, time| {
                fill(&mut x, time);
                f(layer, &x, trace);
            })
            .0;
        counts.update +=
            count(black_box(update), black_box((|_, _, _, _| ()) as Update<Self>), |f, time| {
                fill(&mut x, time);
                f(layer, &x, trace, 1.0 / 1024.0);
            })
            .0;
        let weights = (IN * OUT) as u32;
        counts.weights += weights;
        if is_first {
            return;
        }
        counts.weights_behind += weights;
        counts.input_gradient += count(
            black_box(input_gradient),
            black_box((|_, _, _, _| ()) as InputGradient<Self>),
            |f, time| {
                fill(&mut trace.parts().1.values, time);
                f(layer, &x, trace, &mut gradient);
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
