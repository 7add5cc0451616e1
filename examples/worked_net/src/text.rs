//! The numbers that the text prints for the worked network, and the reasons for differences.
//!
//! Each number is computed a second time in the way of the text, slips included, so that a reason
//! for a difference is demonstrated, not only stated.

use super::{Biases, Numbers, Step, step};

/// The numbers that the text computes with.
const NUMBERS: Numbers = Numbers::of_text(Biases::Printed);
/// The learning rate that the text announces.
pub const RATE: f64 = 0.5;
/// The learning rate with which the text updates w1.
pub const RATE_OF_W1: f64 = 0.1;

/// The text rounds or truncates to ten decimals: it may be off by one in the tenth.
pub const LAST_DIGIT: f64 = 1e-10;

/// A slip of the text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Slip {
    /// It computes with b1 instead of b2, and with b3 instead of b4.
    Bias,
    /// The errors of the two outputs are swapped.
    Swapped,
    /// It multiplies by the output instead of the output minus the target.
    Target,
    /// It updates with this learning rate, which for w1 is not the one for w5.
    Rate(f64),
}

impl Slip {
    /// Its word in the verdict column.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Bias => "bias",
            Self::Swapped => "swapped",
            Self::Target => "target",
            Self::Rate(_) => "rate",
        }
    }
}

/// A number printed in the text.
#[derive(Clone, Copy, Debug)]
pub struct Printed {
    /// Its digits.
    pub digits: &'static str,
    /// The same number, computed in the way of the text.
    pub retraced: f64,
    /// The slips in that computation.
    pub slips: &'static [Slip],
}

/// A number of the derivation.
#[derive(Clone, Debug)]
pub struct Row {
    /// `name = formula`, in the names of the text.
    pub formula: String,
    /// Its value.
    pub value: f64,
    /// Its value in the text.
    pub printed: Option<Printed>,
}

/// A section of the derivation.
#[derive(Clone, Debug)]
pub struct Section {
    /// Title.
    pub title: &'static str,
    /// Explanation.
    pub idea: &'static str,
    /// The numbers.
    pub rows: Vec<Row>,
}

/// How a number compares with the printed one.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The text does not print it.
    NotPrinted,
    /// The same digits, except for the last one.
    Agrees,
    /// Different digits, and the slips that explain them.
    Differs(Vec<Slip>),
    /// Different digits, which the slips do not explain.
    Unexplained,
}

impl Row {
    /// Compares with the text, in a run with these biases and this learning rate.
    pub fn verdict(&self, biases: Biases, rate: f64) -> Verdict {
        let Some(printed) = self.printed else { return Verdict::NotPrinted };
        let close =
            |value: f64| printed.digits.parse().is_ok_and(|p: f64| (value - p).abs() <= LAST_DIGIT);
        if close(self.value) {
            return Verdict::Agrees;
        }
        let mut slips = printed.slips.to_vec();
        slips.retain(|slip| match slip {
            Slip::Bias => biases == Biases::Declared,
            Slip::Rate(of_text) => (rate - of_text).abs() > 0.0,
            Slip::Swapped | Slip::Target => true,
        });
        let explained = close(printed.retraced) && !slips.is_empty();
        if explained { Verdict::Differs(slips) } else { Verdict::Unexplained }
    }
}

/// A row for a number that the text does not print.
fn row(formula: impl Into<String>, value: f64) -> Row {
    Row { formula: formula.into(), value, printed: None }
}

impl Row {
    /// A row with a number that the text prints.
    fn printed(self, digits: &'static str, retraced: f64, slips: &'static [Slip]) -> Self {
        Self { printed: Some(Printed { digits, retraced, slips }), ..self }
    }
}

/// The numbers of the text, computed in its way.
struct Retraced {
    /// One step from the biases with which it computes, at the learning rate that it states.
    step: Step<f64>,
    /// dE/din of o1 on the way to h1: with the output instead of the output minus the target.
    delta_o1: f64,
}

impl Retraced {
    fn new() -> Self {
        let step = step(&NUMBERS.network(), &NUMBERS, RATE);
        let ([out_o1, _], [slope_o1, _]) = (step.out_o, step.slope_o);
        Self { step, delta_o1: out_o1 * slope_o1 }
    }

    /// `dE_o1/dout_h1`.
    fn share_of_o1(&self) -> f64 {
        let [_, _, _, _, w5, ..] = self.step.before.weights;
        self.delta_o1 * w5
    }

    /// `dE/dout_h1`.
    fn error_by_out_h1(&self) -> f64 {
        let [_, [share_of_o2, _]] = self.step.shares;
        self.share_of_o1() + share_of_o2
    }

    /// dE/dw1.
    fn gradient_of_w1(&self) -> f64 {
        let ([i1, _], [slope_h1, _]) = (NUMBERS.inputs, self.step.slope_h);
        self.error_by_out_h1() * slope_h1 * i1
    }

    /// w1 after the update.
    fn w1_after(&self) -> f64 {
        let [w1, ..] = self.step.before.weights;
        w1 - RATE_OF_W1 * self.gradient_of_w1()
    }
}

/// The whole derivation, compared with the text.
pub fn derivation(step: &Step<f64>, rate: f64) -> Vec<Section> {
    let text = Retraced::new();
    vec![
        hidden_forward(step, &text),
        output_forward(step, &text),
        error(step, &text),
        output_backward(step, &text),
        hidden_backward(step, &text),
        update(step, &text, rate),
    ]
}

/// A number in few characters: `0.5`, `1e30`.
pub fn short(value: f64) -> String {
    if (1e-4..1e6).contains(&value) { value.to_string() } else { format!("{value:e}") }
}

fn hidden_forward(step: &Step<f64>, text: &Retraced) -> Section {
    let ([in_h1, in_h2], [out_h1, out_h2]) = (step.in_h, step.out_h);
    let ([t_in_h1, _], [t_out_h1, t_out_h2]) = (text.step.in_h, text.step.out_h);
    Section {
        title: "Forward: the hidden units",
        idea: "Each unit adds its weighted inputs and its bias (in), then takes the sigmoid of it (out).",
        rows: vec![
            row("in_h1 = w1*i1 + w2*i2 + b1", in_h1).printed("0.6", t_in_h1, &[]),
            row("in_h2 = w3*i1 + w4*i2 + b2", in_h2),
            row("out_h1 = 1 / (1 + e^-in_h1)", out_h1).printed("0.6456563062", t_out_h1, &[]),
            row("out_h2 = 1 / (1 + e^-in_h2)", out_h2).printed(
                "0.6592603884",
                t_out_h2,
                &[Slip::Bias],
            ),
        ],
    }
}

fn output_forward(step: &Step<f64>, text: &Retraced) -> Section {
    let ([in_o1, in_o2], [out_o1, out_o2]) = (step.in_o, step.out_o);
    let ([t_in_o1, _], [t_out_o1, t_out_o2]) = (text.step.in_o, text.step.out_o);
    let slips = &[Slip::Bias];
    Section {
        title: "Forward: the output units",
        idea: "The same again; the outputs of the hidden units are the inputs.",
        rows: vec![
            row("in_o1 = w5*out_h1 + w6*out_h2 + b3", in_o1).printed(
                "1.3783843861",
                t_in_o1,
                slips,
            ),
            row("in_o2 = w7*out_h1 + w8*out_h2 + b4", in_o2),
            row("out_o1 = 1 / (1 + e^-in_o1)", out_o1).printed("0.7987314002", t_out_o1, slips),
            row("out_o2 = 1 / (1 + e^-in_o2)", out_o2).printed("0.8374488853", t_out_o2, slips),
        ],
    }
}

fn error(step: &Step<f64>, text: &Retraced) -> Section {
    let ([e1, e2], [t1, t2]) = (step.errors, text.step.errors);
    let slips = &[Slip::Bias, Slip::Swapped];
    Section {
        title: "The error",
        idea: "How far the outputs are from the targets o1 and o2. Training makes this number small.",
        rows: vec![
            row("E_o1 = (o1 - out_o1)^2 / 2", e1).printed("0.0116359213", t2, slips),
            row("E_o2 = (o2 - out_o2)^2 / 2", e2).printed("0.3110486109", t1, slips),
            row("E = E_o1 + E_o2", step.error).printed(
                "0.3226845322",
                text.step.error,
                &[Slip::Bias],
            ),
        ],
    }
}

fn output_backward(step: &Step<f64>, text: &Retraced) -> Section {
    let ([by_out1, by_out2], [slope1, slope2]) = (step.error_by_out_o, step.slope_o);
    let ([delta1, delta2], [.., w5, w6, w7, w8]) = (step.delta_o, step.gradient.weights);
    let [.., b3, b4] = step.gradient.biases;
    let ([t_by_out1, _], [t_slope1, _]) = (text.step.error_by_out_o, text.step.slope_o);
    let [_, _, _, _, t_w5, ..] = text.step.gradient.weights;
    let slips = &[Slip::Bias];
    Section {
        title: "Backward: the output units",
        idea: "The chain rule, from E back to each weight. delta is dE/din of a unit; the derivative by a\n\
               weight is the delta where the weight ends times the number that enters the weight.",
        rows: vec![
            row("dE/dout_o1 = -(o1 - out_o1)", by_out1).printed("0.7887314002", t_by_out1, slips),
            row("dE/dout_o2 = -(o2 - out_o2)", by_out2),
            row("dout_o1/din_o1 = out_o1 * (1 - out_o1)", slope1).printed(
                "0.1607595505",
                t_slope1,
                slips,
            ),
            row("dout_o2/din_o2 = out_o2 * (1 - out_o2)", slope2),
            row("delta_o1 = dE/dout_o1 * dout_o1/din_o1", delta1),
            row("delta_o2 = dE/dout_o2 * dout_o2/din_o2", delta2),
            row("dE/dw5 = delta_o1 * out_h1", w5).printed("0.0818667051", t_w5, slips),
            row("dE/dw6 = delta_o1 * out_h2", w6),
            row("dE/dw7 = delta_o2 * out_h1", w7),
            row("dE/dw8 = delta_o2 * out_h2", w8),
            row("dE/db3 = delta_o1", b3),
            row("dE/db4 = delta_o2", b4),
        ],
    }
}

fn hidden_backward(step: &Step<f64>, text: &Retraced) -> Section {
    let [[o1_h1, o1_h2], [o2_h1, o2_h2]] = step.shares;
    let ([by_out1, by_out2], [slope1, slope2]) = (step.error_by_out_h, step.slope_h);
    let ([delta1, delta2], [delta_o1, _]) = (step.delta_h, step.delta_o);
    let ([w1, w2, w3, w4, ..], [b1, b2, ..]) = (step.gradient.weights, step.gradient.biases);
    let ([_, [t_o2_h1, _]], [t_slope1, _]) = (text.step.shares, text.step.slope_h);
    let (bias, target) = (&[Slip::Bias], &[Slip::Bias, Slip::Target]);
    Section {
        title: "Backward: the hidden units",
        idea: "A hidden unit acts on E through both outputs, so that two shares add up.",
        rows: vec![
            row("delta_o1, as in section 4", delta_o1).printed(
                "0.1284037009",
                text.delta_o1,
                target,
            ),
            row("dE_o1/dout_h1 = delta_o1 * w5", o1_h1).printed(
                "0.06420185045",
                text.share_of_o1(),
                target,
            ),
            row("dE_o2/dout_h1 = delta_o2 * w7", o2_h1).printed("-0.0145365614", t_o2_h1, bias),
            row("dE/dout_h1 = the sum of these two", by_out1).printed(
                "0.04966528905",
                text.error_by_out_h1(),
                target,
            ),
            row("dE_o1/dout_h2 = delta_o1 * w6", o1_h2),
            row("dE_o2/dout_h2 = delta_o2 * w8", o2_h2),
            row("dE/dout_h2 = the sum of these two", by_out2),
            row("dout_h1/din_h1 = out_h1 * (1 - out_h1)", slope1).printed(
                "0.2287842405",
                t_slope1,
                &[],
            ),
            row("dout_h2/din_h2 = out_h2 * (1 - out_h2)", slope2),
            row("delta_h1 = dE/dout_h1 * dout_h1/din_h1", delta1),
            row("delta_h2 = dE/dout_h2 * dout_h2/din_h2", delta2),
            row("dE/dw1 = delta_h1 * i1", w1).printed(
                "0.0011362635",
                text.gradient_of_w1(),
                target,
            ),
            row("dE/dw2 = delta_h1 * i2", w2),
            row("dE/dw3 = delta_h2 * i1", w3),
            row("dE/dw4 = delta_h2 * i2", w4),
            row("dE/db1 = delta_h1", b1),
            row("dE/db2 = delta_h2", b2),
        ],
    }
}

fn update(step: &Step<f64>, text: &Retraced, rate: f64) -> Section {
    let name = |letter: char, index: usize| {
        let name = format!("{letter}{}", index.saturating_add(1));
        format!("{name}+ = {name} - {} * dE/d{name}", short(rate))
    };
    let weights = step.after.weights.iter().enumerate().map(|(i, &w)| (name('w', i), w));
    let biases = step.after.biases.iter().enumerate().map(|(i, &b)| (name('b', i), b));
    let [_, _, _, _, w5, ..] = text.step.after.weights;
    let rows = weights.chain(biases).map(|(formula, value)| match formula.get(..2) {
        Some("w1") => row(formula, value).printed(
            "0.0998863737",
            text.w1_after(),
            &[Slip::Bias, Slip::Target, Slip::Rate(RATE_OF_W1)],
        ),
        Some("w5") => {
            row(formula, value).printed("0.45906664745", w5, &[Slip::Bias, Slip::Rate(RATE)])
        }
        _ => row(formula, value),
    });
    Section {
        title: "The update",
        idea: "Each parameter moves against its derivative; the learning rate says how far.",
        rows: rows.chain([row("E with the new parameters", step.error_after)]).collect(),
    }
}
