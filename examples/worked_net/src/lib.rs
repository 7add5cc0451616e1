//! The worked 2-2-2 network: every number of one training step, and its training. Prints nothing.
#![allow(clippy::arithmetic_side_effects, reason = "only floats are added and multiplied here")]

pub mod own;

use gradlet::{kernel, prelude::*};

/// Two inputs, two hidden units and two outputs, with sigmoid activations.
pub type Net<T> = Mlp<2, 2, 2, Sigmoid, Sigmoid, T>;

/// Which biases the network starts with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Biases {
    /// Those listed in the text.
    #[default]
    Declared,
    /// Those with which the text computes.
    Printed,
}

impl Biases {
    /// b1 .. b4.
    pub const fn values(self) -> [f64; 4] {
        match self {
            Self::Declared => [0.55, 0.56, 0.66, 0.67],
            Self::Printed => [0.55, 0.55, 0.66, 0.66],
        }
    }
}

/// The number of type `T` nearest to each of `values`.
pub fn nearest<T: Scalar>(values: [f64; 2]) -> [T; 2] {
    values.map(T::from_f64)
}

/// The network before the first update, and the sample that it learns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Numbers {
    /// i1 and i2.
    pub inputs: [f64; 2],
    /// o1 and o2: what the outputs should be.
    pub targets: [f64; 2],
    /// w1 .. w8, in the rows of h1, h2, o1 and o2.
    pub weights: [[f64; 2]; 4],
    /// b1 .. b4.
    pub biases: [f64; 4],
}

impl Numbers {
    /// Those of the text.
    pub const fn of_text(biases: Biases) -> Self {
        Self {
            inputs: [0.1, 0.2],
            targets: [0.01, 0.99],
            weights: [[0.1, 0.2], [0.3, 0.4], [0.5, 0.6], [0.7, 0.8]],
            biases: biases.values(),
        }
    }

    /// The network before the first update.
    pub fn network<T: Scalar>(&self) -> Net<T> {
        let [h1, h2, o1, o2] = self.weights.map(nearest);
        let [b1, b2, b3, b4] = self.biases;
        Net::new(
            Dense::from_rows([h1, h2], nearest([b1, b2])),
            Dense::from_rows([o1, o2], nearest([b3, b4])),
        )
    }

    /// Inputs and targets.
    fn sample<T: Scalar>(&self) -> ([T; 2], [T; 2]) {
        (nearest(self.inputs), nearest(self.targets))
    }
}

/// One number per parameter, in the order of the text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameters<T> {
    /// w1 .. w8.
    pub weights: [T; 8],
    /// b1 .. b4.
    pub biases: [T; 4],
}

impl<T: Scalar> Parameters<T> {
    /// From the two layers of a network, or of a gradient.
    fn of(hidden: &Dense<2, 2, Sigmoid, T>, output: &Dense<2, 2, Sigmoid, T>) -> Self {
        let ([[w1, w2], [w3, w4]], [[w5, w6], [w7, w8]]) = (hidden.rows(), output.rows());
        let (&[b1, b2], &[b3, b4]) = (hidden.bias(), output.bias());
        Self { weights: [w1, w2, w3, w4, w5, w6, w7, w8], biases: [b1, b2, b3, b4] }
    }

    /// The parameters of `net`.
    pub fn of_net(net: &Net<T>) -> Self {
        Self::of(net.first(), net.rest())
    }
}

/// Every number of one step of gradient descent. Pairs are for h1 and h2, or for o1 and o2.
#[derive(Clone, Debug, PartialEq)]
pub struct Step<T> {
    /// Weighted sums of the hidden units.
    pub in_h: [T; 2],
    /// Their sigmoids.
    pub out_h: [T; 2],
    /// Weighted sums of the output units.
    pub in_o: [T; 2],
    /// Their sigmoids: the outputs of the network.
    pub out_o: [T; 2],
    /// `E_o1` and `E_o2`: half the squared error of each output.
    pub errors: [T; 2],
    /// Their sum, the loss.
    pub error: T,
    /// dE/dout of the outputs.
    pub error_by_out_o: [T; 2],
    /// dout/din of the outputs: derivative of the sigmoid.
    pub slope_o: [T; 2],
    /// dE/din of the outputs.
    pub delta_o: [T; 2],
    /// `dE_o1/dout_h` and `dE_o2/dout_h`: the contribution of each output, for h1 and h2.
    pub shares: [[T; 2]; 2],
    /// dE/dout of the hidden units: the sum of these contributions.
    pub error_by_out_h: [T; 2],
    /// dout/din of the hidden units.
    pub slope_h: [T; 2],
    /// dE/din of the hidden units.
    pub delta_h: [T; 2],
    /// The parameters before the update.
    pub before: Parameters<T>,
    /// dE/dw and dE/db.
    pub gradient: Parameters<T>,
    /// The parameters after the update.
    pub after: Parameters<T>,
    /// The loss after the update.
    pub error_after: T,
}

/// Numbers with names: `#` in the pattern is 1, 2 ..
fn named(pattern: &str, values: &[f64]) -> impl Iterator<Item = (String, f64)> {
    (1_u32..).zip(values).map(|(at, &value)| (pattern.replace('#', &at.to_string()), value))
}

impl Step<f64> {
    /// All numbers, in the names of the text.
    pub fn named(&self) -> Vec<(String, f64)> {
        let [of_o1, of_o2] = &self.shares;
        let lists: [(&str, &[f64]); 18] = [
            ("in_h#", &self.in_h),
            ("out_h#", &self.out_h),
            ("in_o#", &self.in_o),
            ("out_o#", &self.out_o),
            ("E_o#", &self.errors),
            ("dE/dout_o#", &self.error_by_out_o),
            ("dout_o#/din_o#", &self.slope_o),
            ("delta_o#", &self.delta_o),
            ("dE_o1/dout_h#", of_o1),
            ("dE_o2/dout_h#", of_o2),
            ("dE/dout_h#", &self.error_by_out_h),
            ("dout_h#/din_h#", &self.slope_h),
            ("delta_h#", &self.delta_h),
            ("w#", &self.before.weights),
            ("dE/dw#", &self.gradient.weights),
            ("dE/db#", &self.gradient.biases),
            ("w#+", &self.after.weights),
            ("b#+", &self.after.biases),
        ];
        let ends = [("E".to_owned(), self.error), ("E after".to_owned(), self.error_after)];
        lists.into_iter().flat_map(|(pattern, values)| named(pattern, values)).chain(ends).collect()
    }
}

/// The learning rate that the text announces, and the one with which it updates w1.
pub const RATE: f64 = 0.5;
pub const RATE_OF_W1: f64 = 0.1;

/// What the text gets for its numbers, by its slips: `NAME (SLIPS)`.
pub fn retraced() -> Vec<(String, f64)> {
    let numbers = Numbers::of_text(Biases::Printed);
    let text = step(&numbers.network(), &numbers, RATE);
    let ten = |value: f64| (value * 1e10).round() / 1e10;
    let ([in_o1, _], [out_o1, out_o2], [e_o1, e_o2]) = (text.in_o, text.out_o, text.errors);
    let ([_, out_h2], [slope_o1, _], [slope_h1, _]) = (text.out_h, text.slope_o, text.slope_h);
    let ([by_out_o1, _], [_, [share_o2, _]]) = (text.error_by_out_o, text.shares);
    let ([w1, _, _, _, w5, ..], [i1, _]) = (text.before.weights, numbers.inputs);
    let [_, _, _, _, by_w5, ..] = text.gradient.weights;
    // The output in the place of the output minus the target.
    let delta_o1 = out_o1 * slope_o1;
    let by_out_h1 = delta_o1 * w5 + share_o2;
    let by_w1 = by_out_h1 * slope_h1 * i1;
    let share_o1 = ten(delta_o1) * w5;
    let all = [
        ("out_h2 (bias)", out_h2),
        ("in_o1 (bias)", in_o1),
        ("out_o1 (bias)", out_o1),
        ("out_o2 (bias)", out_o2),
        ("E_o1 (bias, swapped)", e_o2),
        ("E_o2 (bias, swapped)", e_o1),
        ("E (bias)", text.error),
        ("dE/dout_o1 (bias)", by_out_o1),
        ("dout_o1/din_o1 (bias)", slope_o1),
        ("dE/dw5 (bias)", by_w5),
        ("delta_o1 (bias, target)", delta_o1),
        ("dE_o1/dout_h1 (bias, target, rounded)", share_o1),
        ("dE_o2/dout_h1 (bias)", share_o2),
        ("dE/dout_h1 (bias, target, rounded)", share_o1 + ten(share_o2)),
        ("dE/dw1 (bias, target)", by_w1),
        ("w1+ (bias, target, rate)", w1 - RATE_OF_W1 * by_w1),
        ("w5+ (bias, your rate, rounded)", w5 - RATE * 0.081_866_705_1),
    ];
    all.map(|(name, value)| (name.to_owned(), value)).to_vec()
}

/// Takes one step from `net` and keeps every number on the way.
pub fn step<T: Scalar>(net: &Net<T>, numbers: &Numbers, learning_rate: T) -> Step<T> {
    let (x, t) = numbers.sample();
    let (hidden, output) = (net.first(), net.rest());

    let (mut in_h, mut in_o) = ([T::ZERO; 2], [T::ZERO; 2]);
    hidden.logits(&x, &mut in_h);
    let out_h = hidden.forward(&x);
    output.logits(&out_h, &mut in_o);
    let out_o = net.forward(&x);

    // The exact gradient; that of a bias is the delta of its unit.
    let mut batch = BatchTrainer::<Net<T>, HalfSquaredError, Sgd<T>>::new();
    let error = batch.accumulate(net, &x, &t);
    let (hidden_gradient, output_gradient) = (batch.gradient().first(), batch.gradient().rest());
    let (delta_h, delta_o) = (*hidden_gradient.bias(), *output_gradient.bias());
    let gradient = Parameters::of(hidden_gradient, output_gradient);

    // The factors of the deltas.
    let mut error_by_out_o = [T::ZERO; 2];
    <HalfSquaredError as Loss<Sigmoid, T>>::delta(&out_o, &t, &mut error_by_out_o, &mut ());
    let mut error_by_out_h = [T::ZERO; 2];
    kernel::input_gradient::<T, 2, 2, 1>(output.weights(), [&delta_o], [&mut error_by_out_h]);
    let ([d1, d2], [to_o1, to_o2]) = (delta_o, output.rows());

    let mut trained = net.clone();
    let mut trainer = Trainer::<Net<T>, HalfSquaredError, Sgd<T>>::new();
    trainer.step(&mut trained, &Sgd { learning_rate }, &x, &t);

    Step {
        in_h,
        out_h,
        in_o,
        out_o,
        errors: errors(out_o, t),
        error,
        error_by_out_o,
        slope_o: out_o.map(Sigmoid::derivative),
        delta_o,
        shares: [to_o1.map(|w| d1 * w), to_o2.map(|w| d2 * w)],
        error_by_out_h,
        slope_h: out_h.map(Sigmoid::derivative),
        delta_h,
        before: Parameters::of_net(net),
        gradient,
        after: Parameters::of_net(&trained),
        error_after: trainer.evaluate(&trained, &x, &t),
    }
}

/// Half the squared error of each output.
fn errors<T: Scalar>([y1, y2]: [T; 2], [t1, t2]: [T; 2]) -> [T; 2] {
    // Under `Identity` a loss takes its values as they are.
    let error = |y, t| <HalfSquaredError as Loss<Identity, T>>::evaluate(&mut [y], &[t]);
    [error(y1, t1), error(y2, t2)]
}

/// The cross-entropy of `net`, the other loss that the text mentions.
pub fn cross_entropy<T: Scalar>(net: &Net<T>, numbers: &Numbers) -> T {
    let (x, t) = numbers.sample();
    Trainer::<Net<T>, BinaryCrossEntropy, Sgd<T>>::new().evaluate(net, &x, &t)
}

/// Its derivatives by the outputs and by their weighted sums.
pub fn cross_entropy_derivatives(net: &Net<f64>, numbers: &Numbers) -> [[f64; 2]; 2] {
    let (x, t) = numbers.sample();
    let outputs = net.forward(&x);
    let mut by_in = [0.0; 2];
    <BinaryCrossEntropy as Loss<Sigmoid, f64>>::delta(&outputs, &t, &mut by_in, &mut ());
    let slopes = outputs.map(Sigmoid::derivative);
    let ([d1, d2], [s1, s2]) = (by_in, slopes);
    [[d1 / s1, d2 / s2], by_in]
}

/// State of the training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment<T> {
    /// Number of updates done.
    pub updates: u32,
    /// The loss after them.
    pub loss: T,
    /// The outputs after them.
    pub outputs: [T; 2],
}

/// How training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// After all updates.
    Complete,
    /// The loss is NaN or infinite after this many updates.
    NotFinite(u32),
    /// After this many updates, the loss is not zero, but all its derivatives are: training cannot
    /// continue.
    Saturated(u32),
}

/// Trains `net`, and passes each state with a finite loss to `observe`: `steps + 1` states, if
/// nothing goes wrong.
pub fn train<T: Scalar>(
    net: &mut Net<T>,
    numbers: &Numbers,
    learning_rate: T,
    steps: u32,
    mut observe: impl FnMut(Moment<T>),
) -> Ending {
    let (x, t) = numbers.sample();
    let sgd = Sgd { learning_rate };
    let mut trainer = Trainer::<Net<T>, HalfSquaredError, Sgd<T>>::new();
    let mut moves = true;
    for updates in 0..steps {
        let before = moves.then(|| net.clone());
        let loss = trainer.step(net, &sgd, &x, &t);
        if !loss.is_finite() {
            return Ending::NotFinite(updates);
        }
        observe(Moment { updates, loss, outputs: *trainer.output() });
        // After an update without effect, all others have none. With a zero gradient, training
        // ends; otherwise the steps have become smaller than a rounding error.
        if before.is_some_and(|before| before == *net) {
            moves = false;
            if loss > T::ZERO && is_flat(net, numbers) {
                return Ending::Saturated(updates);
            }
        }
    }
    let loss = trainer.evaluate(net, &x, &t);
    if !loss.is_finite() {
        return Ending::NotFinite(steps);
    }
    observe(Moment { updates: steps, loss, outputs: *trainer.output() });
    Ending::Complete
}

/// Whether the gradient of `net` is exactly zero.
fn is_flat<T: Scalar>(net: &Net<T>, numbers: &Numbers) -> bool {
    let (x, t) = numbers.sample();
    let mut batch = BatchTrainer::<Net<T>, HalfSquaredError, Sgd<T>>::new();
    batch.accumulate(net, &x, &t);
    let gradient = Parameters::of(batch.gradient().first(), batch.gradient().rest());
    gradient.weights.iter().chain(&gradient.biases).all(|&g| g == T::ZERO)
}
