//! Trains a network with one hidden layer on the sixty points, and evaluates it over the whole
//! plane.

mod data;
mod fresh;

use gradlet::metrics::Accuracy;
use gradlet::prelude::*;

pub use data::{DEVIATES, POINTS};
pub use fresh::{best_share, moons};

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
    /// The target: a 1 for the output of the class (one-hot).
    pub const fn target(self) -> [f64; 2] {
        if self.class == 0 { [1.0, 0.0] } else { [0.0, 1.0] }
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
    /// Cross-entropy: summed over both outputs, averaged over the points.
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
    pub hidden: u32,
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

/// The network of the text: tanh, then one sigmoid for each class.
pub type Net<const HIDDEN: usize> = Mlp<2, HIDDEN, 2, Tanh, Sigmoid, f64>;

/// Initialises as the text does: each weight is a standard normal number divided by the square root
/// of the number of the layer's inputs, each bias 0.
pub fn network<const HIDDEN: usize>() -> Net<HIDDEN> {
    let mut deviates = DEVIATES.iter().copied();
    let mut next = |inputs: f64| deviates.next().unwrap_or_default() / inputs.sqrt();
    let first = core::array::from_fn(|_| core::array::from_fn(|_| next(2.0)));
    let inputs = f64::from(u32::try_from(HIDDEN).unwrap_or(u32::MAX));
    let second = core::array::from_fn(|_| core::array::from_fn(|_| next(inputs)));
    Net::new(Dense::from_rows(first, [0.0; HIDDEN]), Dense::from_rows(second, [0.0; 2]))
}

/// Trains by the plan. `keeps` chooses the numbers of updates that go into the curve.
pub fn train<const HIDDEN: usize>(plan: &Plan<'_>, keeps: &mut dyn FnMut(u32) -> bool) -> Run {
    let (points, mut net) = (points(), network::<HIDDEN>());
    let mut trainer = BatchTrainer::<Net<HIDDEN>, BinaryCrossEntropy, Sgd<f64>>::new();
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
    Run {
        hidden: u32::try_from(HIDDEN).unwrap_or(u32::MAX),
        parameters: Net::<HIDDEN>::PARAMS,
        curve,
        ending,
        exactly_one,
        fresh: (ending == Ending::Complete).then(|| accuracy_of(&net, plan.fresh)).flatten(),
        map: map_of(&net, plan),
    }
}

fn accuracy_of<const HIDDEN: usize>(net: &Net<HIDDEN>, points: &[Point]) -> Option<f64> {
    let mut accuracy = Accuracy::new();
    for point in points {
        accuracy.observe(&net.forward(&point.at), &point.target());
    }
    accuracy.ratio().map(f64::from)
}

/// The logits tell which class has the larger output, even where both outputs are exactly 0 or 1.
fn map_of<const HIDDEN: usize>(net: &Net<HIDDEN>, plan: &Plan<'_>) -> Vec<Vec<f64>> {
    let difference = |x: f64, y: f64| {
        let mut logits = [0.0; 2];
        net.logits(&[x, y], &mut logits);
        let [upper, lower] = logits;
        lower - upper
    };
    nodes(plan.y, plan.nodes)
        .map(|y| nodes(plan.x, plan.nodes).map(|x| difference(x, y)).collect())
        .collect()
}

/// Evenly spaced numbers from one end to the other, both included.
pub fn nodes((low, high): (f64, f64), count: u32) -> impl Iterator<Item = f64> {
    let steps = f64::from(count.saturating_sub(1).max(1));
    (0..count).map(move |number| low + (high - low) * f64::from(number) / steps)
}

macro_rules! sizes {
    ($($hidden:literal)+) => {
        /// Available numbers of hidden units.
        pub const SIZES: &[u32] = &[$($hidden),+];

        /// [`train`] for a number of hidden units that is known only at run time; `None` if it is
        /// not one of [`SIZES`].
        pub fn train_with(
            hidden: u32,
            plan: &Plan<'_>,
            keeps: &mut dyn FnMut(u32) -> bool,
        ) -> Option<Run> {
            match hidden {
                $($hidden => Some(train::<$hidden>(plan, keeps)),)+
                _ => None,
            }
        }
    };
}
sizes!(1 2 3 4 5 6 8 10 15 20 30 50);
