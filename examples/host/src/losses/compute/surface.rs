//! The loss surface of a line over its slope and offset, and the shape of its contours.

use gradlet::prelude::*;
use gradlet::preprocess::Standardize;

/// The line `z = w x + b` as a network: one neuron without an activation.
type Neuron = Dense<1, 1, Identity, f64>;
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

    const fn neuron(self) -> Neuron {
        Neuron::new([[self.w]], [self.b])
    }
}

/// `J(w, b) = sum (w x + b - y)^2 / (2 m)` over `m` points.
#[derive(Clone, Debug)]
pub struct Surface {
    samples: Vec<([f64; 1], [f64; 1])>,
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

    /// The surface for standardised `x` (mean 0, variance 1); also returns the mean and the
    /// standard deviation of `x`.
    pub fn standardised(&self) -> (Self, f64, f64) {
        let mut statistics = Standardize::<1, f64>::new();
        for (x, _) in &self.samples {
            statistics.observe(x);
        }
        let scaling = statistics.scaling();
        let samples = self.samples.iter().map(|(x, y)| (scaling.transform(x), *y)).collect();
        let ([mean], [deviation]) = (*scaling.offset(), *scaling.scale());
        (Self { samples }, mean, deviation)
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
