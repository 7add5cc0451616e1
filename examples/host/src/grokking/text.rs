//! The computations of the text, section by section: its numbers, and how it arrived at them.

use super::compute::forward::{self, predictions};
use super::compute::one_weight::{
    self, HOT_COLD_STEP, LARGE_INPUT, SMALL_ALPHA, SMALL_INPUT, WARM_UP, from_zero, until_learned,
};
use super::compute::run::never;
use super::compute::several;
use shared::rows::Row;

/// A section of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// Predictions: one weight, weighted sum, several outputs, two layers
    Forward,
    /// The vector operations behind them
    Vectors,
    /// Measuring the error, trying both directions, hot and cold
    HotCold,
    /// The error-based rule: direction and amount from the error
    ErrorBased,
    /// Steps that are too large, and alpha
    Alpha,
    /// Several inputs, with the text's rule beside the right one
    Inputs,
    /// Several outputs, and several of both
    Outputs,
}

impl Section {
    /// All sections, and their names on the command line.
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::Forward, "forward"),
        (Self::Vectors, "vectors"),
        (Self::HotCold, "hot-cold"),
        (Self::ErrorBased, "error-based"),
        (Self::Alpha, "alpha"),
        (Self::Inputs, "inputs"),
        (Self::Outputs, "outputs"),
    ];

    /// The section of that name.
    pub fn named(name: &str) -> Result<Self, String> {
        let section = Self::ALL.into_iter().find(|(_, other)| *other == name);
        section
            .map(|(section, _)| section)
            .ok_or_else(|| format!("must be one of {}", Self::ALL.map(|(_, name)| name).join(", ")))
    }

    pub const fn title(self) -> &'static str {
        match self {
            Self::Forward => "Forward passes",
            Self::Vectors => "Vector operations",
            Self::HotCold => "Error, hot and cold",
            Self::ErrorBased => "Error-based learning",
            Self::Alpha => "Divergence and alpha",
            Self::Inputs => "Several inputs",
            Self::Outputs => "Several outputs",
        }
    }

    pub fn rows(self) -> Vec<Row<'static>> {
        match self {
            Self::Forward => forward_rows(),
            Self::Vectors => vector_rows(),
            Self::HotCold => hot_cold_rows(),
            Self::ErrorBased => error_based_rows(),
            Self::Alpha => alpha_rows(),
            Self::Inputs => input_rows(),
            Self::Outputs => output_rows(),
        }
    }
}

/// One row for each value, numbered from 1.
fn each<const N: usize>(
    what: &str,
    values: [f64; N],
    printed: [&'static str; N],
) -> impl Iterator<Item = Row<'static>> {
    let row =
        |((number, value), digits)| Row::new(format!("{what}_{number}"), value).printed(digits);
    (1..).zip(values).zip(printed).map(row).collect::<Vec<_>>().into_iter()
}

/// The same, without numbers of the text.
fn each_unprinted<const N: usize>(
    what: &str,
    values: [f64; N],
) -> impl Iterator<Item = Row<'static>> {
    let row = |(number, value): (i32, f64)| Row::new(format!("{what}_{number}"), value);
    (1..).zip(values).map(row).collect::<Vec<_>>().into_iter()
}

#[allow(clippy::cast_precision_loss, reason = "small counts")]
const fn count(number: usize) -> f64 {
    number as f64
}

fn forward_rows() -> Vec<Row<'static>> {
    let p = predictions();
    let mut rows = vec![
        Row::new("one weight: 8.5 * 0.1", p.one_weight).printed("0.8500000000000001"),
        Row::new("three inputs, weights 0.1, 0.2, 0", p.weighted_sum).printed("0.9800000000000001"),
    ];
    let one = ["0.195", "0.13", "0.5850000000000001"];
    rows.extend(each("0.65 to three outputs: y", p.one_to_three, one));
    let three = ["0.555", "0.9800000000000001", "0.9650000000000001"];
    rows.extend(each("three to three: y", p.three_to_three, three));
    rows.extend(each_unprinted("two layers, hidden: h", p.hidden));
    rows.extend(each("two layers: y", p.stacked, ["0.2135", "0.145", "0.5065"]));
    rows.extend(each_unprinted("as one layer: y", p.as_one_layer));
    rows
}

fn vector_rows() -> Vec<Row<'static>> {
    let vector = |values: Vec<f64>| values.try_into().unwrap_or([f64::NAN; 3]);
    let (a, b) = ([1.0, 2.0, 3.0], [10.0, 20.0, 30.0]);
    let mut rows = vec![];
    let product = vector(forward::multiply(&a, &b));
    rows.extend(each("(1, 2, 3) times (10, 20, 30): product", product, ["10", "40", "90"]));
    let sum = vector(forward::add(&a, &b));
    rows.extend(each("(1, 2, 3) plus (10, 20, 30): sum", sum, ["11", "22", "33"]));
    rows.push(Row::new("sum of (10, 20, 30)", forward::sum(&b)).printed("60"));
    rows.push(Row::new("mean of (10, 20, 60)", forward::mean(&[10.0, 20.0, 60.0])).printed("30.0"));
    let scaled = vector(forward::scale(0.65, &[0.3, 0.2, 0.9]));
    rows.extend(each(
        "0.65 times (0.3, 0.2, 0.9): product",
        scaled,
        ["0.195", "0.13", "0.5850000000000001"],
    ));
    rows
}

fn hot_cold_rows() -> Vec<Row<'static>> {
    let ([[weight]], [input], [goal]) = (WARM_UP.weights, WARM_UP.input, WARM_UP.goal);
    let (probe, run) = (one_weight::probe(), one_weight::hot_and_cold());
    let ([[last]], [prediction]) = (run.last.weights, run.last.predictions);
    vec![
        Row::new("error at w = 0.5, x = 0.5, goal 0.8", one_weight::error(weight, input, goal))
            .printed("0.30250000000000005"),
        Row::new("error at w = 0.1, x = 8.5, goal 1", probe.error).printed("0.022499999999999975"),
        Row::new("error at w + 0.01", probe.up).printed("0.004224999999999993"),
        Row::new("error at w - 0.01", probe.down).printed("0.05522499999999994"),
        Row::new("so the next w is", probe.weight).printed("0.11"),
        Row::new(format!("hot and cold, steps of {HOT_COLD_STEP}: moves"), count(run.updates()))
            .printed("1100"),
        Row::new("last w", last).printed("1.5999999999999344"),
        Row::new("last prediction", prediction).printed("0.7999999999999672"),
        Row::new("last error", run.last.error()).printed("1.0799505792475652e-27"),
    ]
}

fn error_based_rows() -> Vec<Row<'static>> {
    let run = one_weight::error_based();
    let ([[last]], [[first]]) = (run.last.weights, run.after(1).weights);
    let (slope, weight_delta) = one_weight::slope_and_weight_delta();
    vec![
        Row::new("w after one update, from w = 0.5", first),
        Row::new("factor of delta, 1 - x^2", WARM_UP.factor()),
        Row::new("iteration that stops at an error below 1e-20", count(run.updates()) + 1.0)
            .printed("79"),
        Row::new("last w", last).printed("1.5999999998022254"),
        Row::new("weight delta at w = 0.5", weight_delta),
        Row::new("slope of the error there, by differences", slope),
    ]
}

fn alpha_rows() -> Vec<Row<'static>> {
    let small = until_learned(&from_zero(SMALL_INPUT, 1.0), 1000);
    let large = from_zero(LARGE_INPUT, 1.0);
    let wild = large.learn(1000, never);
    let mended = until_learned(&from_zero(LARGE_INPUT, SMALL_ALPHA), 1000);
    let weight = |run: &super::compute::run::Run<1, 1>, updates| {
        let [[weight]] = run.after(updates).weights;
        weight
    };
    vec![
        Row::new("x = 1.1: factor of delta", from_zero(SMALL_INPUT, 1.0).factor()),
        Row::new("w after 1 update", weight(&small, 1)).printed("0.88"),
        Row::new("w after 2 updates", weight(&small, 2)).printed("0.6952"),
        Row::new("w after 3 updates", weight(&small, 3)).printed("0.734008"),
        Row::new("last w", weight(&small, usize::MAX)).printed("0.7272727272727264"),
        Row::new("x = 6.6: factor of delta", large.factor()),
        Row::new("error at first", wild.after(0).error()).printed("0.64"),
        Row::new("error after 1 update", wild.after(1).error()).printed("1159.2663"),
        Row::new("error after 2 updates", wild.after(2).error()).printed("2099841.19"),
        Row::new("x = 6.6: alpha must be below 2 / x^2", large.alpha_limit()),
        Row::new("alpha = 0.1, between 0 and 1: factor", from_zero(LARGE_INPUT, 0.1).factor()),
        Row::new("alpha = 0.01: factor", from_zero(LARGE_INPUT, SMALL_ALPHA).factor()),
        Row::new("w after 1 update", weight(&mended, 1)).printed("0.0528"),
        Row::new("w after 2 updates", weight(&mended, 2)).printed("0.0826"),
        Row::new("updates until learned", count(mended.updates())).printed("61"),
        Row::new("last w", weight(&mended, usize::MAX)).printed("0.12121212121212112"),
        Row::new("best w, 0.8 / 6.6", 0.8 / LARGE_INPUT),
    ]
}

fn input_rows() -> Vec<Row<'static>> {
    let task = several::THREE_TO_ONE;
    let [right_deltas, wrong_deltas] = several::first_deltas(&task);
    let (right, wrong) = (several::right_rule(&task, 1000), several::wrong_rule(&task, 1000));
    let [prediction] = several::OTHER_RECORD.learn(0, never).last.predictions;
    let [of_text] = right.after(0).predictions;
    let mut rows = vec![
        Row::new("prediction, win record 0.65 as elsewhere", prediction)
            .printed("1.06")
            .slip("record", of_text),
        Row::new("error, win record 1.65 from here on", right.after(0).error()).printed("0.0036"),
    ];
    let pairs = |what: &str, right: [f64; 3], wrong: [f64; 3], printed: [&'static str; 3]| {
        let row = |((row, wrong), _): ((Row<'static>, f64), i32)| row.slip("rule", wrong);
        each(what, right, printed).zip(wrong).zip(1..).map(row).collect::<Vec<_>>()
    };
    rows.extend(each_unprinted("weight delta, delta * input: d", right_deltas));
    rows.extend(each_unprinted("delta * weight, as in the text: d", wrong_deltas));
    let ([right_1], [wrong_1]) = (right.after(1).weights, wrong.after(1).weights);
    rows.extend(pairs("w after 1 update: w", right_1, wrong_1, ["0.09988", "0.19976", "-0.09988"]));
    rows.push(
        Row::new("error after 1 update", right.after(1).error())
            .printed("0.003448977984")
            .slip("rule", wrong.after(1).error()),
    );
    rows.push(
        Row::new("updates until the error is below 1e-5", count(right.updates()))
            .printed("143")
            .slip("rule", count(wrong.updates())),
    );
    let ([right_w], [wrong_w]) = (right.last.weights, wrong.last.weights);
    rows.extend(each_unprinted("last w", right_w));
    rows.extend(each_unprinted("last w, by delta * weight: w", wrong_w));
    rows.push(Row::new("factor of delta, 1 - alpha x . x", task.factor()));
    let from_zero = |run: super::compute::run::Run<3, 1>| {
        let [[first, ..]] = run.last.weights;
        first
    };
    let zero = several::WITH_A_ZERO;
    let right = from_zero(several::right_rule(&zero, 1000));
    rows.push(Row::new("from w_1 = 0, right rule: last w_1", right));
    let wrong = from_zero(several::wrong_rule(&zero, 1000));
    rows.push(Row::new("from w_1 = 0, rule of the text: last w_1", wrong));
    rows
}

fn output_rows() -> Vec<Row<'static>> {
    let run = several::one_to_three();
    let mut rows = vec![];
    let column = run.last.weights.map(|[weight]| weight);
    let printed = ["0.155417555180", "1.524070810457", "0.161868571182"];
    rows.extend(each("one to three, after 105 updates: w", column, printed));
    rows.extend(each_unprinted("prediction", run.last.predictions));
    rows.push(Row::new("factor of delta", several::ONE_TO_THREE.factor()));
    let (run, stale) = (several::three_to_three(), several::wrong_index());
    rows.push(Row::new("three to three: factor of delta", several::THREE_TO_THREE.factor()));
    rows.push(
        Row::new("updates until every error is below 1e-6", count(run.updates())).printed("7"),
    );
    let printed = [["-0.043961352657"; 3], ["0.001880692475"; 3], ["-0.083490325514"; 3]];
    let moved = several::moved(&run).into_iter().zip(several::moved(&stale));
    for ((output, (right, wrong)), printed) in (1..).zip(moved).zip(printed) {
        let what = format!("by how much w has moved: w_{output}");
        let slips = each(&what, right, printed).zip(wrong);
        rows.extend(slips.map(|(row, wrong)| row.slip("index", wrong)));
    }
    for (output, row) in (1..).zip(run.last.weights) {
        rows.extend(each_unprinted(&format!("last w_{output}"), row));
    }
    rows
}
