//! Gradients against difference quotients, in place and in tiles, for random parameters and samples.

use gradlet::prelude::*;
use gradlet::{Delta, EndsIn, Kind, Samples, Shape};
use support::{Random, Rng, tolerance};

const SEEDS: u64 = if cfg!(debug_assertions) { 3 } else { 12 };

/// The derivative of `f` at 0, or `None` at a kink.
fn derivative(f: &mut dyn FnMut(f64) -> f64) -> Option<f64> {
    let mut quotient = |h: f64| {
        let (near, far) = ([f(-h), f(h)], [f(-2.0 * h), f(2.0 * h)]);
        (8.0 * (near[1] - near[0]) - (far[1] - far[0])) / (12.0 * h)
    };
    let (wide, narrow) = (quotient(1e-4), quotient(5e-5));
    let middle = f(0.0);
    let scale = wide.abs().max(narrow.abs()).max(1e-3 * middle.abs());
    ((wide - narrow).abs() <= tolerance::KINK * scale).then_some(narrow)
}

/// Compares derivatives of a loss with difference quotients, but for kinks; returns how many there are.
fn compare(what: &str, gradient: &[f64], slopes: &[Option<f64>], loss: f64) -> usize {
    assert_eq!(gradient.len(), slopes.len(), "{what}");
    let largest = slopes.iter().flatten().fold(0.0_f64, |max, slope| slope.abs().max(max));
    assert!(largest > 1e-9, "{what}: nothing to compare");
    let floor = tolerance::GRADIENT_FLOOR * largest;
    let rounding = tolerance::QUOTIENT * loss.abs().max(1.0);
    for (i, (&got, want)) in gradient.iter().zip(slopes).enumerate() {
        let Some(want) = *want else { continue };
        let allowed = tolerance::GRADIENT * got.abs().max(want.abs()).max(floor) + rounding;
        let close = (got - want).abs() <= allowed;
        assert!(close, "{what} [{i}]: got {got:e}, want {want:e}");
    }
    slopes.iter().filter(|slope| slope.is_none()).count()
}

/// The loss of a network on a sample.
#[inline(never)]
fn loss<N: Layer<Format = f64>, L: Loss<N::Activation, f64>>(
    net: &N,
    x: &N::Input,
    t: &N::Output,
) -> f64 {
    Trainer::<N, L, Sgd<f64>>::new().evaluate(net, x, t)
}

/// The gradient by the input, through the public parts of a training step.
fn input_gradient<N: Layer<Format = f64>, L: Loss<N::Activation, f64>>(
    net: &N,
    x: &N::Input,
    t: &N::Output,
) -> Vec<f64> {
    let mut trace = N::Trace::ZERO;
    net.forward_trace([x], [&mut trace]);
    let mut output = trace.last().output().clone();
    let logits = output.clone();
    L::evaluate(output.as_mut_slice(), t.as_slice());
    let (delta, scale) = trace.last_mut().parts().1.parts();
    L::delta(output.as_slice(), t.as_slice(), delta, scale);
    if !L::FUSED {
        let (output, logits) = (output.as_slice(), logits.as_slice());
        <N::Activation as Activation<f64>>::backpropagate(output, logits, delta, scale);
    }
    trace.last_mut().output_mut().clone_from(&output);
    net.backward::<true, 1>([x], [&mut trace]);
    let mut gradient = Delta::ZERO;
    net.input_gradient(Samples { inputs: [x], traces: [&trace] }, [&mut gradient]);
    gradient.values.as_slice().to_vec()
}

/// Random values of a shape.
pub(crate) fn random<Y: Shape<Element = f64>>(rng: &mut Rng, low: f64, high: f64) -> Y {
    let mut values = Y::ZERO;
    for value in values.as_mut_slice() {
        *value = rng.range(low, high);
    }
    values
}

/// The parameters that are learned, in order.
fn learned<N: Layer<Format = f64>>(net: &N) -> Vec<f64> {
    let mut list = vec![];
    net.visit(|tensor, values| {
        if tensor.kind != Kind::Buffer {
            list.extend_from_slice(values);
        }
    });
    list
}

/// Adds to one of the parameters that are learned.
fn nudge<N: Layer<Format = f64>>(net: &mut N, index: usize, step: f64) {
    let mut at = 0;
    net.visit_mut(|tensor, values| {
        if tensor.kind != Kind::Buffer {
            if let Some(value) = index.checked_sub(at).and_then(|i| values.get_mut(i)) {
                *value += step;
            }
            at += values.len();
        }
    });
}

fn flat_gradient<N: Layer<Format = f64>>(gradient: &N::Gradient) -> Vec<f64> {
    support::flat_gradient::<N>(gradient)
}

/// Compares the gradients by all parameters, accumulated, in place and in a tile, and those by the inputs,
/// of which the first ones are `left_out`: they have no effect. Returns how many there are, and how many of
/// them are at kinks.
pub(crate) fn compare_sample<N, L>(
    net: &N,
    (x, t): &(N::Input, N::Output),
    left_out: usize,
) -> (usize, usize)
where
    N: Layer<Format = f64> + Clone,
    L: Loss<N::Activation, f64>,
{
    let name = core::any::type_name::<(N, L)>().replace("gradlet::", "");
    let before = learned(net);
    let middle = loss::<N, L>(net, x, t);
    let slopes: Vec<_> = (0..before.len())
        .map(|i| {
            derivative(&mut |step| {
                let mut net = net.clone();
                nudge(&mut net, i, step);
                loss::<N, L>(&net, x, t)
            })
        })
        .collect();
    let by_input: Vec<_> = (left_out..N::Input::LEN)
        .map(|i| {
            derivative(&mut |step| {
                let mut x = x.clone();
                x.as_mut_slice()[i] += step;
                loss::<N, L>(net, &x, t)
            })
        })
        .collect();
    let mut skipped = 0;
    let gradient = input_gradient::<N, L>(net, x, t);
    let (none, gradient) = gradient.split_at(left_out);
    assert!(none.iter().all(|&g| g == 0.0), "{name} by input");
    if !gradient.is_empty() {
        skipped += compare(&format!("{name} by input"), gradient, &by_input, middle);
    }
    if !before.is_empty() {
        let mut batch = BatchTrainer::<N, L, Sgd<f64>>::new();
        batch.accumulate(net, x, t);
        skipped += compare(&name, &flat_gradient::<N>(batch.gradient()), &slopes, middle);
        let learning_rate = 1.0 / 128.0;
        let mut moved = net.clone();
        Trainer::<N, L, _>::new().step(&mut moved, &Sgd { learning_rate }, x, t);
        let moves = before.iter().zip(learned(&moved)).map(|(a, b)| (a - b) / learning_rate);
        compare(&format!("{name} in place"), &moves.collect::<Vec<_>>(), &slopes, middle);
        // A tile of the same sample.
        let mut tiles = BatchTrainer::<N, L, Sgd<f64>, 4>::new();
        tiles.accumulate_all(net, &[(); 4].map(|()| (x.clone(), t.clone())));
        let mut quarter = flat_gradient::<N>(tiles.gradient());
        quarter.iter_mut().for_each(|g| *g /= 4.0);
        compare(&format!("{name} in a tile"), &quarter, &slopes, middle);
    }
    (before.len() + by_input.len(), skipped)
}

/// Checks the gradients of a network with random parameters on random samples: by all parameters,
/// accumulated, in place and in tiles, and by the inputs. `fix` turns random targets into valid ones.
pub(crate) fn check<N, L>(fix: fn(&mut N::Output))
where
    N: Layer<Format = f64> + Random + Clone,
    L: Loss<N::Activation, f64>,
{
    let name = core::any::type_name::<(N, L)>().replace("gradlet::", "");
    let (mut compared, mut skipped) = (0, 0);
    for seed in 0..SEEDS {
        let mut rng = Rng(seed);
        let net = N::random(&mut rng);
        let samples: [_; 7] = core::array::from_fn(|_| {
            let (x, mut t) = (random::<N::Input>(&mut rng, -1.0, 1.0), random(&mut rng, 0.1, 0.9));
            fix(&mut t);
            (x, t)
        });
        let (counted, kinks) = compare_sample::<N, L>(&net, &samples[0], 0);
        compared += counted;
        skipped += kinks;

        // Tiles, and what is left over, have the bits of one after the other.
        let (mut one, mut tiles) =
            (BatchTrainer::<N, L, Sgd<f64>>::new(), BatchTrainer::<N, L, Sgd<f64>, 4>::new());
        let losses = [one.accumulate_all(&net, &samples), tiles.accumulate_all(&net, &samples)];
        assert_eq!(losses[0].unwrap().to_bits(), losses[1].unwrap().to_bits(), "{name}");
        let [one, tiles] = [one.gradient(), tiles.gradient()].map(flat_gradient::<N>);
        assert!(one.iter().map(|g| g.to_bits()).eq(tiles.iter().map(|g| g.to_bits())), "{name}");

        // Inference gives what training does, one by one and together.
        let outputs = net.forward_all(samples.each_ref().map(|(x, _)| x));
        let mut trainer = Trainer::<N, L, Sgd<f64>>::new();
        for ((x, t), output) in samples.iter().zip(&outputs) {
            trainer.evaluate(&net, x, t);
            assert_eq!(net.forward(x).as_slice(), trainer.output().as_slice(), "{name}");
            assert_eq!(output.as_slice(), trainer.output().as_slice(), "{name}");
        }
    }
    assert!(skipped as f64 <= tolerance::KINKS_SKIPPED * compared as f64, "{name}: {skipped}");
}

/// Any target will do.
pub(crate) fn any<Y>(_: &mut Y) {}

/// A target of classes, which sums to 1.
pub(crate) fn classes<Y: Shape<Element = f64>>(target: &mut Y) {
    let sum: f64 = target.as_slice().iter().sum();
    target.as_mut_slice().iter_mut().for_each(|t| *t /= sum);
}
