//! The four equations of backpropagation on a 2-3-2 network, with every number.

use gradlet::prelude::*;

type Net = Mlp<2, 3, 2, Sigmoid, Sigmoid, f64>;

const INPUT: [f64; 2] = [0.5, -1.25];
const TARGET: [f64; 2] = [0.1, 0.9];

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

/// The numbers of a forward and a backward pass, by name: the deltas by equations 1 and 2, the
/// derivatives by biases and weights by gradlet, to compare with equations 3 and 4. `off` is the
/// largest difference between any derivative and its central difference quotient.
pub fn pass() -> Vec<(&'static str, Vec<f64>)> {
    let net = network();
    let mut trainer = BatchTrainer::<Net, HalfSquaredError>::new();
    let cost = trainer.accumulate(&net, &INPUT, &TARGET);
    let gradient = trainer.gradient();
    let (mut z1, mut z2) = ([0.0; 3], [0.0; 2]);
    net.first().logits(&INPUT, &mut z1);
    net.logits(&INPUT, &mut z2);
    let (a1, a2) = (net.first().forward(&INPUT), net.forward(&INPUT));

    let slope = |a: f64| a * (1.0 - a);
    let last = |(a, t): (&f64, f64)| (a - t) * slope(*a);
    let delta2: Vec<_> = a2.iter().zip(TARGET).map(last).collect();
    // Row i of gradlet's weights is column i of W: the weights from hidden unit i.
    let back = |to: &[f64; 2]| to.iter().zip(&delta2).map(|(w, delta)| w * delta).sum::<f64>();
    let hidden = net.rest().weights().iter().zip(a1);
    let delta1 = hidden.map(|(to, a)| back(to) * slope(a)).collect();
    let mut double = BatchTrainer::<Net, MeanSquaredError>::new();
    double.accumulate(&net, &INPUT, &TARGET);
    vec![
        ("z1", z1.to_vec()),
        ("a1", a1.to_vec()),
        ("z2", z2.to_vec()),
        ("a2", a2.to_vec()),
        ("C", vec![cost]),
        ("delta2", delta2),
        // The mean of two squares is half their sum.
        ("without half", double.gradient().rest().bias().map(|delta| 2.0 * delta).to_vec()),
        ("delta1", delta1),
        ("db1", gradient.first().bias().to_vec()),
        ("db2", gradient.rest().bias().to_vec()),
        ("dW1", gradient.first().rows().as_flattened().to_vec()),
        ("dW2", gradient.rest().rows().as_flattened().to_vec()),
        ("off", vec![largest_difference(&net, gradient)]),
    ]
}

/// The largest difference between the gradient and central difference quotients of the cost.
fn largest_difference(net: &Net, gradient: &<Net as Layer>::Gradient) -> f64 {
    const STEP: f64 = 1e-5;
    let mut derivatives = vec![];
    Net::walk([], [], [gradient], [], &mut |_, [], [], [tensor], []| {
        derivatives.extend_from_slice(tensor);
    });
    let mut judge = Trainer::<Net, HalfSquaredError>::new();
    let mut cost = |place, by| {
        let (mut net, mut at) = (net.clone(), 0_usize);
        net.visit_mut(|_, tensor| {
            for parameter in tensor {
                *parameter += if at == place { by } else { 0.0 };
                at = at.saturating_add(1);
            }
        });
        judge.evaluate(&net, &INPUT, &TARGET)
    };
    let differences = derivatives.iter().enumerate().map(|(place, derivative)| {
        ((cost(place, STEP) - cost(place, -STEP)) / (2.0 * STEP) - derivative).abs()
    });
    differences.fold(0.0, f64::max)
}
