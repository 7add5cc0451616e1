//! Networks on the sixty points of two moons, and a neuron between two clouds.

mod data;
mod fresh;

use gradlet::metrics::Accuracy;
use gradlet::prelude::*;
use gradlet::{Hidden, Kind, Layer, Loss};

pub use data::{DEVIATES, POINTS};
pub use fresh::{best_share, clouds, moons, ring};

/// Training and evaluation of each network.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// Number of full-batch updates, by the mean gradient of all points.
    pub iterations: u32,
    pub learning_rate: f64,
    /// Held-out points.
    pub fresh: &'a [Point],
    /// Ends of the map, and its number of nodes in each direction.
    pub x: (f64, f64),
    pub y: (f64, f64),
    pub nodes: u32,
}

/// A point in the plane and its label, 0 or 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub at: [f64; 2],
    pub class: usize,
}

impl Point {
    /// The target: a 1 for the output of the class (one-hot); of one output, the label itself.
    pub fn target<const OUT: usize>(self) -> [f64; OUT] {
        let of_output = |output| if OUT == 1 { self.class == 1 } else { self.class == output };
        core::array::from_fn(|output| f64::from(u8::from(of_output(output))))
    }
}

/// The sixty points of the text.
pub fn points() -> Vec<Point> {
    POINTS.iter().map(|&(x, y, class)| Point { at: [x, y], class }).collect()
}

/// A network after a number of updates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    pub updates: u32,
    /// The loss: summed over the outputs, averaged over the points.
    pub cost: f64,
    /// Number of correct predictions on the sixty points.
    pub right: u32,
}

/// How training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Complete,
    /// A loss was NaN or infinite after this many updates.
    Diverged(u32),
}

/// A trained network.
#[derive(Clone, Debug)]
pub struct Run {
    /// Inputs, hidden units of each layer, outputs.
    pub layers: Vec<u32>,
    pub parameters: usize,
    /// The learning curve: the requested updates, and the last one.
    pub curve: Vec<Mark>,
    pub ending: Ending,
    /// The first number of updates after which an output is exactly 1.
    pub exactly_one: Option<u32>,
    /// Accuracy on held-out points.
    pub fresh: Option<f64>,
    /// Difference of the logits of class 1 and class 0: rows from low `y` to high.
    pub map: Vec<Vec<f64>>,
}

impl Run {
    /// Number of hidden units in all layers.
    pub fn hidden(&self) -> u32 {
        let inner = self.layers.split_last().map_or(&[][..], |(_, rest)| rest);
        inner.iter().skip(1).sum()
    }
}

/// A network that classifies points: one sigmoid for each class, or one for both.
pub trait Classifier<const OUT: usize>:
    Layer<Format = f64, Input = [f64; 2], Output = [f64; OUT], Activation = Sigmoid> + Zero + Clone
{
}

impl<const OUT: usize, N> Classifier<OUT> for N where
    N: Layer<Format = f64, Input = [f64; 2], Output = [f64; OUT], Activation = Sigmoid>
        + Zero
        + Clone
{
}

/// The network of the text: one hidden layer, then one sigmoid for each class.
pub type Net<const HIDDEN: usize, A = Tanh> = Mlp<2, HIDDEN, 2, A, Sigmoid, f64>;

/// Initialises as the text does: each weight is a standard normal number divided by the square root
/// of the number of the layer's inputs, unit after unit; each bias is 0.
pub fn network<N: Layer<Format = f64> + Zero>() -> N {
    let mut net = N::ZERO;
    let mut deviates = DEVIATES.iter().copied();
    net.visit_mut(|tensor, weights| {
        let (inputs, outputs) = tensor.fans();
        if tensor.kind != Kind::Weight {
            return;
        }
        let scale = f64::from(u32::try_from(inputs).unwrap_or(u32::MAX)).sqrt();
        for unit in 0..outputs {
            for weight in weights.iter_mut().skip(unit).step_by(outputs) {
                *weight = deviates.next().unwrap_or_default() / scale;
            }
        }
    });
    net
}

/// Trains by the plan, from the weights of the text. `keeps` chooses the numbers of updates that go
/// into the curve.
pub fn train<N: Classifier<OUT>, L: Loss<Sigmoid, f64>, const OUT: usize>(
    plan: &Plan<'_>,
    keeps: &mut dyn FnMut(u32) -> bool,
) -> (N, Run) {
    let (points, mut net) = (points(), network::<N>());
    let mut trainer = BatchTrainer::<N, L, Sgd<f64>>::new();
    let sgd = Sgd { learning_rate: plan.learning_rate };
    let (mut curve, mut ending, mut exactly_one) = (vec![], Ending::Complete, None);
    for updates in 0..=plan.iterations {
        let (mut cost, mut accuracy) = (0.0, Accuracy::new());
        for point in &points {
            cost += trainer.accumulate(&net, &point.at, &point.target());
            accuracy.observe(trainer.output(), &point.target());
            if exactly_one.is_none() && trainer.output().iter().any(|y| *y >= 1.0) {
                exactly_one = Some(updates);
            }
        }
        if !cost.is_finite() {
            ending = Ending::Diverged(updates);
            break;
        }
        if keeps(updates) || updates == plan.iterations {
            let cost = cost / f64::from(accuracy.count());
            curve.push(Mark { updates, cost, right: accuracy.correct() });
        }
        if updates < plan.iterations {
            trainer.apply(&mut net, &sgd);
        }
    }
    let fresh = (ending == Ending::Complete).then(|| accuracy_of(&net, plan.fresh)).flatten();
    let (layers, map) = (vec![], map_of(&net, plan));
    let run = Run { layers, parameters: N::PARAMS, curve, ending, exactly_one, fresh, map };
    (net, run)
}

fn accuracy_of<N: Classifier<OUT>, const OUT: usize>(net: &N, points: &[Point]) -> Option<f64> {
    let mut accuracy = Accuracy::new();
    for point in points {
        accuracy.observe(&net.forward(&point.at), &point.target());
    }
    accuracy.ratio().map(f64::from)
}

/// How much larger the logit of class 1 is than that of class 0, which is 0 with one output. Logits
/// tell it even where outputs are exactly 0 or 1.
pub fn preference<N: Classifier<OUT>, const OUT: usize>(net: &N, at: [f64; 2]) -> f64 {
    let mut logits = [0.0; OUT];
    net.logits(&at, &mut logits);
    match logits.as_slice() {
        [both] => *both,
        [upper, lower, ..] => lower - upper,
        [] => f64::NAN,
    }
}

fn map_of<N: Classifier<OUT>, const OUT: usize>(net: &N, plan: &Plan<'_>) -> Vec<Vec<f64>> {
    let row = |y| nodes(plan.x, plan.nodes).map(|x| preference(net, [x, y])).collect();
    nodes(plan.y, plan.nodes).map(row).collect()
}

/// Evenly spaced numbers from one end to the other, both included.
pub fn nodes((low, high): (f64, f64), count: u32) -> impl Iterator<Item = f64> {
    let steps = f64::from(count.saturating_sub(1).max(1));
    (0..count).map(move |number| low + (high - low) * f64::from(number) / steps)
}

/// The activation of the hidden units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bend {
    #[default]
    Tanh,
    Sigmoid,
    Relu,
}

macro_rules! sizes {
    ($($hidden:literal)+; $([$($size:literal),+] $net:ty, $out:literal;)+) => {
        /// Available numbers of hidden units, in one layer.
        pub const SIZES: &[u32] = &[$($hidden),+];
        /// Available networks with more layers: inputs, hidden units, outputs.
        pub const DEEP: &[&[u32]] = &[$(&[$($size),+]),+];

        fn train_as<A: Activation<f64> + Hidden>(
            layers: &[u32],
            plan: &Plan<'_>,
            keeps: &mut dyn FnMut(u32) -> bool,
        ) -> Option<Run> {
            let run = match layers {
                $([2, $hidden, 2] => train::<Net<$hidden, A>, BinaryCrossEntropy, 2>(plan, keeps).1,)+
                $([$($size),+] => train::<$net, BinaryCrossEntropy, $out>(plan, keeps).1,)+
                _ => return None,
            };
            Some(Run { layers: layers.to_vec(), ..run })
        }
    };
}
sizes!(1 2 3 4 5 6 8 10 15 20 30 50;
    [2, 4, 3, 1] net![f64; 2 => 4 A => 3 A => 1 Sigmoid], 1;
    [2, 4, 3, 2] net![f64; 2 => 4 A => 3 A => 2 Sigmoid], 2;
    [2, 10, 10, 2] net![f64; 2 => 10 A => 10 A => 2 Sigmoid], 2;
    [2, 6, 6, 6, 2] net![f64; 2 => 6 A => 6 A => 6 A => 2 Sigmoid], 2;
);

/// [`train`] on the cross-entropy for layers that are known only at run time; `None` if they are
/// neither 2, one of [`SIZES`], 2 nor among [`DEEP`].
pub fn train_with(
    layers: &[u32],
    bend: Bend,
    plan: &Plan<'_>,
    keeps: &mut dyn FnMut(u32) -> bool,
) -> Option<Run> {
    match bend {
        Bend::Tanh => train_as::<Tanh>(layers, plan, keeps),
        Bend::Sigmoid => train_as::<Sigmoid>(layers, plan, keeps),
        Bend::Relu => train_as::<Relu>(layers, plan, keeps),
    }
}

/// A neuron without an activation between the two clouds, and its outputs for their points: trained
/// on the squared error, with the targets 0 and 1.
pub fn between_clouds() -> (Dense<2, 1, Identity, f64>, Vec<(Point, f64)>) {
    let points = clouds(20, 2018);
    let mut net = Dense::<2, 1, Identity, f64>::ZERO;
    let mut trainer = BatchTrainer::<_, HalfSquaredError, Sgd<f64>>::new();
    let samples: Vec<_> = points.iter().map(|point| (point.at, point.target::<1>())).collect();
    for _ in 0..1000 {
        trainer.accumulate_all(&net, &samples);
        trainer.apply(&mut net, &Sgd { learning_rate: 0.05 });
    }
    let output = |point: &Point| {
        let [output] = net.forward(&point.at);
        (*point, output)
    };
    let outputs = points.iter().map(output).collect();
    (net, outputs)
}

/// A network with three hidden units that has learned to tell the middle from the ring around it, and
/// the points.
pub fn within_a_ring() -> (Net<3>, Vec<Point>) {
    let (points, mut net) = (ring(30, 2018), network::<Net<3>>());
    let mut trainer = BatchTrainer::<Net<3>, BinaryCrossEntropy, Sgd<f64>>::new();
    let samples: Vec<_> = points.iter().map(|point| (point.at, point.target::<2>())).collect();
    for _ in 0..5000 {
        trainer.accumulate_all(&net, &samples);
        trainer.apply(&mut net, &Sgd { learning_rate: 0.2 });
    }
    (net, points)
}

/// The hidden units of a point as seen along the boundary: how far beyond it, and how far to its side.
pub fn beside_the_boundary(net: &Net<3>, at: [f64; 2]) -> [f64; 2] {
    let (h, [a, b], [c0, c1]) = (net.first().forward(&at), net.rest().rows(), *net.rest().bias());
    let dot = |x: &[f64; 3], y: &[f64; 3]| -> f64 { x.iter().zip(y).map(|(x, y)| x * y).sum() };
    // Both outputs are equal where this direction times h is minus the difference of the biases.
    let [n0, n1, n2] =
        core::array::from_fn(|at| b.get(at).zip(a.get(at)).map_or(0.0, |(b, a)| b - a));
    let (across, along) = ([n0, n1, n2], [n1, -n0, 0.0]);
    let length = |x: &[f64; 3]| dot(x, x).sqrt();
    [(dot(&across, &h) + c1 - c0) / length(&across), dot(&along, &h) / length(&along)]
}
