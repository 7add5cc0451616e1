//! The script of the text, computed literally, and the linear function from which it is derived.

use super::{COUNT, Neuron, POINTS, Point, learning, sigmoid, sigmoid_slope};

/// Step size of each update.
pub const STEP: f64 = 0.005;

/// The derivative that the script uses for all points, `e^2 / (e^4 + 2 e^2 + 1)`.
pub fn slope() -> f64 {
    let e2 = 2.0_f64.exp();
    e2 / (4.0_f64.exp() + 2.0 * e2 + 1.0)
}

/// `w1`, `w2`, `b1`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameters {
    pub w1: f64,
    pub w2: f64,
    pub b1: f64,
}

/// The initial parameters.
pub const START: Parameters = Parameters { w1: 1.0, w2: 1.0, b1: 1.0 };

impl Parameters {
    /// `w1 x1 + w2 x2 + b1`.
    pub fn sum(self, [x1, x2]: [f64; 2]) -> f64 {
        x1 * self.w1 + x2 * self.w2 + self.b1
    }

    fn plus(self, [d1, d2, d3]: [f64; 3]) -> Self {
        Self { w1: self.w1 + d1, w2: self.w2 + d2, b1: self.b1 + d3 }
    }

    /// The neuron with these parameters.
    pub const fn neuron(self) -> Neuron {
        Neuron::from_rows([[self.w1, self.w2]], [self.b1])
    }
}

/// An update of the script, for one point.
#[derive(Clone, Debug)]
pub struct Visit {
    pub point: Point,
    /// The label that the script uses.
    pub label: f64,
    pub before: Parameters,
    /// `v = |sigmoid(w1 x1 + w2 x2 + b1 - label)|`.
    pub v_before: f64,
    /// Its negative derivatives of `v` with respect to `w1`, `w2`, `b1`.
    pub partials: [f64; 3],
    /// What it adds to `w1`, `w2`, `b1`.
    pub deltas: [f64; 3],
    pub after: Parameters,
    pub v_after: f64,
}

impl Visit {
    /// The derivative of the sigmoid at the script's argument: the sum minus the label.
    pub fn own_slope(&self) -> f64 {
        let (x, _) = self.point;
        sigmoid_slope(self.before.sum(x) - self.label)
    }

    /// Whether the script reads the label of another point, and it is different.
    pub fn reads_another_label(&self) -> bool {
        let (_, [label]) = self.point;
        (label - self.label).abs() > 0.5
    }

    /// Distance of the neuron's output from the label: what `v` was meant to be.
    pub fn distance(&self) -> f64 {
        let (x, [label]) = self.point;
        (sigmoid(self.before.sum(x)) - label).abs()
    }

    /// `v` with the label of this point.
    pub fn v_with_own_label(&self) -> f64 {
        let (x, [label]) = self.point;
        v(self.before, x, label)
    }

    /// What gradient descent on the half squared error adds to `b1`, with the script's step size.
    pub fn right_delta(&self) -> f64 {
        let (x, [label]) = self.point;
        let sum = self.before.sum(x);
        -STEP * (sigmoid(sum) - label) * sigmoid_slope(sum)
    }
}

/// The quantity that the script prints before and after each update.
fn v(parameters: Parameters, x: [f64; 2], label: f64) -> f64 {
    sigmoid(parameters.sum(x) - label).abs()
}

/// One epoch of the script.
pub fn pass(start: Parameters) -> Vec<Visit> {
    let [.., fifth, _, _, _, _, _] = POINTS;
    let (mut parameters, mut visits) = (start, vec![]);
    for (number, point) in POINTS.into_iter().enumerate() {
        let (x, [own]) = point;
        let (_, [label_of_fifth]) = fifth;
        // From the sixth point on, the script still reads the label of the fifth.
        let label = if number < 5 { own } else { label_of_fifth };
        let [x1, x2] = x;
        let partials = [x1, x2, 1.0].map(|factor| 0.0 - slope() * factor);
        let deltas = partials.map(|partial| STEP * partial);
        let after = parameters.plus(deltas);
        visits.push(Visit {
            point,
            label,
            before: parameters,
            v_before: v(parameters, x, label),
            partials,
            deltas,
            after,
            v_after: v(after, x, label),
        });
        parameters = after;
    }
    visits
}

/// Mean cross-entropy of the neuron before the first epoch of the script and after each, for up to
/// `passes` epochs.
pub fn losses_of_passes(passes: u32) -> Vec<f64> {
    let (mut parameters, mut losses) = (START, vec![]);
    for _ in 0..=passes {
        losses.push(learning::cross_entropy(&parameters.neuron()));
        parameters = pass(parameters).last().map_or(parameters, |visit| visit.after);
    }
    losses
}

/// What the text wants to minimise: `|-15 w1 - 5 w2 + b1 - 10|`.
pub fn absolute(Parameters { w1, w2, b1 }: Parameters) -> f64 {
    (-15.0 * w1 - 5.0 * w2 + b1 - 10.0).abs()
}

/// What the text turns it into: `15 w1 + 5 w2 - b1 + 10`.
pub fn linear(Parameters { w1, w2, b1 }: Parameters) -> f64 {
    15.0 * w1 + 5.0 * w2 - b1 + 10.0
}

/// The sum of the neuron's `w1 x1 + w2 x2 + b1 - label` over all points, as coefficients of `w1`,
/// `w2`, `b1` and a constant.
pub fn sum_over_points() -> [f64; 4] {
    let sums = POINTS
        .iter()
        .fold([0.0; 3], |[s1, s2, labels], ([x1, x2], [label])| [s1 + x1, s2 + x2, labels - label]);
    let [s1, s2, labels] = sums;
    [s1, s2, COUNT, labels]
}
