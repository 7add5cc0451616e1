//! The four equations of backpropagation on a 2-3-2 network, with every number.
//!
//! ```text
//! 1  delta_L = dC/da * s'(z_L)
//! 2  delta_l = (W_(l+1)^T delta_(l+1)) * s'(z_l)
//! 3  dC/db   = delta
//! 4  dC/dW   = delta a^T, with a of the layer before
//! ```

use gradlet::prelude::*;

type Net = Mlp<2, 3, 2, Sigmoid, Sigmoid, f64>;

const INPUT: [f64; 2] = [0.5, -1.25];
const TARGET: [f64; 2] = [0.1, 0.9];

/// `C = sum (a - t)^2`, without the 1/2 that cancels in its derivative.
struct SquaredError;

impl<T: Scalar, A: Activation<T>> Loss<A, T> for SquaredError {
    fn evaluate(values: &mut [T], target: &[T]) -> T {
        A::activate(values);
        values.iter().zip(target).map(|(&a, &t)| (a - t) * (a - t)).sum()
    }
    fn delta(output: &[T], target: &[T], delta: &mut [T], (): &mut ()) {
        for ((delta, &a), &t) in delta.iter_mut().zip(output).zip(target) {
            *delta = T::from_u32(2) * (a - t);
        }
    }
}

fn network() -> Net {
    Net::new(
        Dense::from_rows(
            [[-0.527904, -0.793668], [-0.207884, -0.690055], [-0.86697, -0.196818]],
            [0.417955, 0.300452, 0.265163],
        ),
        Dense::from_rows(
            [[-0.556144, 0.07336, -0.446635], [-0.654671, -0.787633, -0.571199]],
            [0.427476, 0.32892],
        ),
    )
}

/// Forward and backward pass of one sample.
#[derive(Clone, Debug)]
pub struct Pass {
    /// Weighted sums and outputs of the hidden layer and of the last one.
    pub z1: [f64; 3],
    pub a1: [f64; 3],
    pub z2: [f64; 2],
    pub a2: [f64; 2],
    /// `C = sum (a - t)^2 / 2`.
    pub cost: f64,
    /// Deltas by equations 1 and 2.
    pub delta2: [f64; 2],
    pub delta1: [f64; 3],
    /// The gradient by gradlet's backpropagation, to compare with equation 3 and equation 4.
    pub by_bias1: [f64; 3],
    pub by_bias2: [f64; 2],
    pub by_weight1: [[f64; 2]; 3],
    pub by_weight2: [[f64; 3]; 2],
    /// The same for a cost without the 1/2, `C = sum (a - t)^2`.
    pub delta2_without_half: [f64; 2],
    /// The largest difference between any derivative and its central difference quotient.
    pub off: f64,
}

/// All numbers of one pass: the deltas by the equations, the gradient by gradlet.
pub fn pass() -> Pass {
    let net = network();
    let mut trainer = BatchTrainer::<Net, HalfSquaredError>::new();
    let cost = trainer.accumulate(&net, &INPUT, &TARGET);
    let gradient = trainer.gradient();
    let (mut z1, mut z2) = ([0.0; 3], [0.0; 2]);
    net.first().logits(&INPUT, &mut z1);
    net.logits(&INPUT, &mut z2);
    let (a1, a2) = (net.first().forward(&INPUT), net.forward(&INPUT));

    let slope = |a: f64| a * (1.0 - a);
    let ([a_1, a_2], [t_1, t_2]) = (a2, TARGET);
    let delta2 = [(a_1 - t_1) * slope(a_1), (a_2 - t_2) * slope(a_2)];
    // Row i of gradlet's weights is column i of W: the weights from hidden unit i.
    let back = net.rest().weights().map(|[to_1, to_2]| {
        let [delta_1, delta_2] = delta2;
        to_1 * delta_1 + to_2 * delta_2
    });
    let mut delta1 = back;
    for (delta, a) in delta1.iter_mut().zip(a1) {
        *delta *= slope(a);
    }
    Pass {
        z1,
        a1,
        z2,
        a2,
        cost,
        delta2,
        delta1,
        by_bias1: *gradient.first().bias(),
        by_bias2: *gradient.rest().bias(),
        by_weight1: gradient.first().rows(),
        by_weight2: gradient.rest().rows(),
        delta2_without_half: without_half(&net),
        off: largest_difference(&net, gradient),
    }
}

/// The deltas of the last layer if the cost is [`SquaredError`].
fn without_half(net: &Net) -> [f64; 2] {
    let mut trainer = BatchTrainer::<Net, SquaredError>::new();
    trainer.accumulate(net, &INPUT, &TARGET);
    *trainer.gradient().rest().bias()
}

/// The largest difference between the gradient and central difference quotients of the cost.
fn largest_difference(net: &Net, gradient: &<Net as Layer>::Gradient) -> f64 {
    const STEP: f64 = 1e-5;
    let mut derivatives = vec![];
    Net::walk([], [], [gradient], [], &mut |_, [], [], [tensor], []| {
        derivatives.extend_from_slice(tensor);
    });
    let mut judge = Trainer::<Net, HalfSquaredError>::new();
    let mut cost = |place, by| judge.evaluate(&moved(net, place, by), &INPUT, &TARGET);
    let quotients =
        (0..derivatives.len()).map(|place| (cost(place, STEP) - cost(place, -STEP)) / (2.0 * STEP));
    quotients.zip(&derivatives).map(|(q, d)| (q - d).abs()).fold(0.0, f64::max)
}

/// The network with one parameter changed, by its index in the flat order.
fn moved(net: &Net, place: usize, by: f64) -> Net {
    let (mut net, mut left) = (net.clone(), Some(place));
    net.visit_mut(|_, tensor| {
        for parameter in tensor {
            if left == Some(0) {
                *parameter += by;
            }
            left = left.and_then(|left| left.checked_sub(1));
        }
    });
    net
}
