//! Losses of single answers, and the loss of a line as a surface over its slope and offset.

use gradlet::prelude::*;
use gradlet::preprocess::{Scaling, Standardize};

/// Losses of three answers `a` with targets `t`: `sum |a - t|`, `sum (a - t)^2`, that by `2 m`, which
/// is the mean squared error of the text, and that by `m`.
pub fn errors(t: [f64; 3], a: [f64; 3]) -> [f64; 4] {
    let half = loss::<HalfSquaredError, Identity, 3>(a, t);
    let absolute = loss::<AbsoluteError, Identity, 3>(a, t);
    [absolute, 2.0 * half, half / 3.0, loss::<MeanSquaredError, Identity, 3>(a, t)]
}

/// The binary cross-entropy `L` of the predicted probability `a` with label `y`, `dL/da`, and
/// `dL/dz = a - y`, where `a` is the sigmoid of `z`.
pub fn binary(y: f64, a: f64) -> [f64; 3] {
    let mut delta = [0.0];
    <BinaryCrossEntropy as Loss<Sigmoid, f64>>::delta(&[a], &[y], &mut delta, &mut ());
    let [by_logit] = delta;
    let value = loss::<BinaryCrossEntropy, Sigmoid, 1>([logit(a)], [y]);
    [value, by_logit / (a * (1.0 - a)), by_logit]
}

/// The cross-entropy `L` of the predicted probabilities `a` with the one-hot label `y`, and
/// `dL/dz = a - y`, where `a = softmax(z)`.
pub fn multiclass(y: [f64; 3], a: [f64; 3]) -> (f64, [f64; 3]) {
    let mut by_logit = [0.0; 3];
    <CrossEntropy as Loss<Softmax, f64>>::delta(&a, &y, &mut by_logit, &mut ());
    (cross_entropy(y, a), by_logit)
}

/// The information `I = -ln p` of an event with probability `p`, in nats.
pub fn information(p: [f64; 3]) -> [f64; 3] {
    p.map(|p| -p.ln())
}

/// The entropy `sum p I` of terms first rounded to two decimals, as the course adds it up.
pub fn entropy_of_rounded(p: [f64; 3]) -> f64 {
    p.iter().zip(information(p)).map(|(p, i)| p * (i * 100.0).round() / 100.0).sum()
}

/// Cross-entropy `-sum p ln q` of a prediction `q` with true probabilities `p`.
pub fn cross_entropy(p: [f64; 3], q: [f64; 3]) -> f64 {
    // The softmax of log-probabilities is the probabilities themselves.
    loss::<CrossEntropy, Softmax, 3>(q.map(f64::ln), p)
}

/// Kullback-Leibler divergence `KL(p, q) = sum p ln(p / q)`: the part of the cross-entropy that a
/// better `q` would save.
pub fn divergence(p: [f64; 3], q: [f64; 3]) -> f64 {
    cross_entropy(p, q) - cross_entropy(p, p)
}

/// The two curves of the binary cross-entropy at 50 predictions from 0.01 to 0.99: each with
/// the loss if `y` is 0 and if it is 1.
pub fn curves() -> Vec<(f64, [f64; 2])> {
    let answers = (0..50).map(|k| 0.01 + 0.98 * f64::from(k) / 49.0);
    let losses = |a| {
        [0.0, 1.0].map(|y| {
            let [loss, ..] = binary(y, a);
            loss
        })
    };
    answers.map(|a| (a, losses(a))).collect()
}

/// A sigmoid neuron that answers 0.01 where 1 is right: `dL/dz` at first, and the number of updates,
/// at a learning rate of 1, until it answers more than 0.9.
pub fn recovery<L: Loss<Sigmoid, f64>>() -> (f64, u32) {
    type Neuron = Dense<1, 1, Sigmoid, f64>;
    // With an input of 0, the logit is the bias.
    let mut net = Neuron::new([[0.0]], [logit(0.01)]);
    let mut batch = BatchTrainer::<Neuron, L>::new();
    batch.accumulate(&net, &[0.0], &[1.0]);
    let [slope] = *batch.gradient().bias();
    let (mut trainer, mut updates) = (Trainer::<Neuron, L>::new(), 0_u32);
    while net.forward(&[0.0]) <= [0.9] && updates < 100_000 {
        trainer.step(&mut net, &Sgd { learning_rate: 1.0 }, &[0.0], &[1.0]);
        updates = updates.saturating_add(1);
    }
    (slope, updates)
}

/// The prediction of a line above a point, before and after one step of gradient descent.
pub fn step_above(y: f64, a: f64) -> (f64, f64) {
    let mut net = Dense::<1, 1, Identity, f64>::new([[0.0]], [a]);
    let mut trainer = Trainer::<_, HalfSquaredError>::new();
    trainer.step(&mut net, &Sgd { learning_rate: 0.5 }, &[0.0], &[y]);
    let [after] = net.forward(&[0.0]);
    (a - y, after)
}

/// The loss of logits.
fn loss<L: Loss<A, f64>, A: Activation<f64>, const N: usize>(
    mut logits: [f64; N],
    t: [f64; N],
) -> f64 {
    L::evaluate(&mut logits, &t)
}

/// The logit `z` of a probability: the sigmoid of `z` is `a`.
fn logit(a: f64) -> f64 {
    (a / (1.0 - a)).ln()
}

/// `y` of the 50 points, generated as `3 x + 1` with noise between -0.5 and 0.5.
const Y: [f64; 50] = [
    1.036934, 0.730506, 1.282372, 0.970375, 1.118974, 1.351145, 1.262913, 1.615531, 1.505545,
    2.043533, 1.960351, 1.816979, 1.571721, 2.036358, 1.388164, 1.694103, 1.774683, 1.783118,
    1.917813, 2.30349, 2.660724, 1.826872, 2.755357, 2.016831, 2.256311, 2.891724, 2.247404,
    2.467322, 3.158415, 2.862166, 2.393586, 2.504503, 2.552987, 2.939446, 2.793614, 2.83537,
    3.468906, 2.971483, 3.101796, 3.076493, 3.515995, 3.291242, 3.435502, 4.030849, 3.956651,
    3.374328, 4.291419, 3.441014, 3.647507, 4.401413,
];

/// The 50 points `(x, y)`: `x` goes from 0 to 1 in equal steps.
pub fn points() -> Vec<(f64, f64)> {
    (0_u32..).zip(Y).map(|(k, y)| (f64::from(k) / 49.0, y)).collect()
}

/// The line `z = w x + b` as a network: one neuron without an activation.
pub type Neuron = Dense<1, 1, Identity, f64>;
/// An input and its target.
pub type Sample = ([f64; 1], [f64; 1]);
type Judge = BatchTrainer<Neuron, HalfSquaredError>;

/// The line `z = w x + b`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    pub w: f64,
    pub b: f64,
}

impl Line {
    pub const fn new(w: f64, b: f64) -> Self {
        Self { w, b }
    }

    pub fn at(self, x: f64) -> f64 {
        self.w * x + self.b
    }

    /// The line of a neuron.
    pub const fn of(net: &Neuron) -> Self {
        let ([[w]], [b]) = (*net.weights(), *net.bias());
        Self { w, b }
    }

    const fn neuron(self) -> Neuron {
        Neuron::new([[self.w]], [self.b])
    }
}

/// `J(w, b) = sum (w x + b - y)^2 / (2 m)` over `m` points.
#[derive(Clone, Debug)]
pub struct Surface {
    pub samples: Vec<Sample>,
}

impl Surface {
    /// Over the points `(x, y)`.
    pub fn over(points: &[(f64, f64)]) -> Self {
        Self { samples: points.iter().map(|&(x, y)| ([x], [y])).collect() }
    }

    pub fn loss(&self, line: Line) -> f64 {
        Judge::new().mean_loss(&line.neuron(), &self.samples).unwrap_or(f64::NAN)
    }

    /// `[dJ/dw, dJ/db]`, by backpropagation.
    pub fn gradient(&self, line: Line) -> [f64; 2] {
        let (net, mut trainer) = (line.neuron(), Judge::new());
        for (x, t) in &self.samples {
            trainer.accumulate(&net, x, t);
        }
        let count = f64::from(trainer.count());
        let ([[w]], [b]) = (*trainer.gradient().weights(), *trainer.gradient().bias());
        [w / count, b / count]
    }

    /// The second derivatives, `[[d2J/dw2, d2J/dw db], [d2J/db dw, d2J/db2]]`.
    ///
    /// `J` is quadratic, so its gradient is linear and differences of gradients are exact.
    pub fn hessian(&self) -> [[f64; 2]; 2] {
        let [w, b] = self.gradient(Line::new(0.0, 0.0));
        let difference = |line| {
            let [to_w, to_b] = self.gradient(line);
            [to_w - w, to_b - b]
        };
        [difference(Line::new(1.0, 0.0)), difference(Line::new(0.0, 1.0))]
    }

    /// The minimum of `J`, where the gradient is zero, by one Newton step from (0, 0).
    pub fn minimum(&self) -> Line {
        let ([w, b], [[ww, wb], [bw, bb]]) = (self.gradient(Line::new(0.0, 0.0)), self.hessian());
        let determinant = ww * bb - wb * bw;
        Line::new((wb * b - bb * w) / determinant, (bw * w - ww * b) / determinant)
    }

    /// The losses on a grid of `steps + 1` values in each direction: one row per `b`, upwards.
    pub fn grid(&self, w: (f64, f64), b: (f64, f64), steps: u32) -> Vec<Vec<f64>> {
        let row = |b| spread(w, steps).map(move |w| self.loss(Line::new(w, b))).collect();
        spread(b, steps).map(row).collect()
    }

    /// The grid points whose loss, rounded to two decimals, is within 2 % of `level`: a contour, as
    /// the text draws it.
    pub fn near(&self, w: (f64, f64), b: (f64, f64), steps: u32, level: f64) -> Vec<(f64, f64)> {
        let grid = self.grid(w, b, steps);
        let rows = spread(b, steps).zip(&grid);
        let places = rows.flat_map(|(b, row)| spread(w, steps).zip(row).map(move |p| (p, b)));
        let rounded = |loss: f64| (loss * 100.0).round() / 100.0;
        let close = places.filter(|((_, loss), _)| (rounded(**loss) - level).abs() <= 0.02 * level);
        close.map(|((w, _), b)| (w, b)).collect()
    }

    /// The scaling that standardises `x`: to mean 0 and variance 1.
    pub fn scaling(&self) -> Scaling<1, f64> {
        let mut statistics = Standardize::<1, f64>::new();
        for (x, _) in &self.samples {
            statistics.observe(x);
        }
        statistics.scaling()
    }

    /// The surface for scaled `x`.
    pub fn scaled(&self, scaling: &Scaling<1, f64>) -> Self {
        let scaled = |(x, y): &Sample| (scaling.transform(x), *y);
        Self { samples: self.samples.iter().map(scaled).collect() }
    }

    /// The surface for standardised `x`.
    pub fn standardised(&self) -> Self {
        self.scaled(&self.scaling())
    }
}

/// `steps + 1` values from the first to the last.
pub fn spread((first, last): (f64, f64), steps: u32) -> impl Iterator<Item = f64> {
    let share = move |k| f64::from(k) / f64::from(steps.max(1));
    (0..=steps).map(move |k| first + (last - first) * share(k))
}

/// The shape of the contours of a quadratic surface: ellipses around its minimum.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Curvature across the valley, the larger eigenvalue of the Hessian.
    pub steep: f64,
    /// Curvature along the valley, the smaller eigenvalue.
    pub shallow: f64,
    /// Angle of the steepest direction, the short axis of the ellipses, to the axis of `w`, in
    /// radians.
    pub angle: f64,
}

impl Shape {
    /// The shape that follows from a symmetric Hessian.
    pub fn of([[ww, wb], [_, bb]]: [[f64; 2]; 2]) -> Self {
        let (middle, half) = ((ww + bb) / 2.0, (ww - bb) / 2.0);
        let radius = half.hypot(wb);
        Self { steep: middle + radius, shallow: middle - radius, angle: wb.atan2(half) / 2.0 }
    }

    /// Ratio of the long axis of an ellipse to its short axis.
    pub fn ratio(self) -> f64 {
        (self.steep / self.shallow).sqrt()
    }

    /// Ends of the short axis and of the long axis of the ellipse that lies `rise` above `minimum`.
    pub fn axes(self, minimum: Line, rise: f64) -> [[(f64, f64); 2]; 2] {
        let (sine, cosine) = self.angle.sin_cos();
        let ends = |curvature: f64, (w, b): (f64, f64)| {
            // Along an axis, J rises by curvature * distance^2 / 2.
            let reach = (2.0 * rise / curvature).sqrt();
            [-reach, reach].map(|reach| (minimum.w + reach * w, minimum.b + reach * b))
        };
        [ends(self.steep, (cosine, sine)), ends(self.shallow, (-sine, cosine))]
    }
}
