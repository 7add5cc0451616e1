//! Single numbers of the example, compared with those of the text.

use super::compute::equations::Pass;
use super::compute::least_squares::LeastSquares;
use super::compute::{QUOTED_FIT, QUOTED_SGD, Sample, loss};
use shared::rows::Row;

/// Number of servers in the text's question, in thousands: 346.
pub const QUERY: f64 = 0.346;

/// Least squares in each form.
pub fn closed_form(samples: &[Sample], query: f64) -> Vec<Row<'static>> {
    let fit = LeastSquares::of(samples);
    vec![
        Row::new("w = (m Sxy - Sx Sy) / (m Sxx - Sx^2)", fit.w_by_sums),
        Row::new("w = sum y (x - mx) / (Sxx - Sx^2 / m)", fit.w_by_mean_x),
        Row::new("w = sum x (y - my) / (Sxx - mx Sx)", fit.w_by_mean_y),
        Row::new("b = sum (y - w x) / m", fit.b_by_sum),
        Row::new("b = my - w mx", fit.b_by_means),
        Row::new("m b = Sy - w Sx", fit.m_times_b),
        Row::new("J, the least there is", loss(samples, fit.line())),
        Row::new(format!("kW for x = {query}"), fit.line().at(query)),
    ]
}

/// What follows from the numbers in the course that the text follows.
pub fn quoted() -> Vec<Row<'static>> {
    let kilowatts = QUOTED_SGD.at(QUERY);
    vec![
        Row::new("kW for x = 0.346, least squares", QUOTED_FIT.at(QUERY)),
        Row::new("kW for x = 0.346, one pass", kilowatts).printed("3.79067723"),
        Row::new("  the same in a sentence", kilowatts).printed("3.74"),
    ]
}

/// The four equations of backpropagation, row by row.
pub fn four_equations(pass: &Pass) -> Vec<(&'static str, Vec<Row<'static>>)> {
    let [w_1, w_2, w_3] = pass.by_weight1;
    let [v_1, v_2] = pass.by_weight2;
    let [twice_1, twice_2] = pass.delta2_without_half;
    let mut forward = numbered("z1", &pass.z1);
    forward.extend(numbered("a1", &pass.a1));
    forward.extend(numbered("z2", &pass.z2));
    forward.extend(numbered("a2", &pass.a2));
    forward.push(Row::new("C = sum (a2 - t)^2 / 2", pass.cost));
    let mut last = numbered("delta2", &pass.delta2);
    last.push(Row::new("  without the 1/2 in C: delta2 1", twice_1));
    last.push(Row::new("  without the 1/2 in C: delta2 2", twice_2));
    let mut biases = numbered("dC/db1", &pass.by_bias1);
    biases.extend(numbered("dC/db2", &pass.by_bias2));
    let mut weights = vec![];
    for (unit, row) in (1..).zip([w_1, w_2, w_3]) {
        weights.extend(numbered(&format!("dC/dW1 {unit}"), &row));
    }
    for (unit, row) in (1..).zip([v_1, v_2]) {
        weights.extend(numbered(&format!("dC/dW2 {unit}"), &row));
    }
    vec![
        ("0  z = W a + b, a = s(z)", forward),
        ("1  delta2 = (a2 - t) * s'(z2)", last),
        ("2  delta1 = (W2^T delta2) * s'(z1)", numbered("delta1", &pass.delta1)),
        ("3  dC/db = delta, here by gradlet", biases),
        ("4  dC/dW = delta a^T, here by gradlet", weights),
    ]
}

/// One row per number of a list, counted from 1.
fn numbered(name: &str, values: &[f64]) -> Vec<Row<'static>> {
    (1..).zip(values).map(|(number, &value)| Row::new(format!("{name} {number}"), value)).collect()
}
