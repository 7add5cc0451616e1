//! Forward passes, and their vector operations.

use gradlet::{Chain, Layer};

use super::run::Linear;

/// Toes, win record, fans: the first game of the text's season.
pub const GAME: [f64; 3] = [8.5, 0.65, 1.2];
/// Weights of the three outputs, one row each.
pub const THREE_ROWS: [[f64; 3]; 3] = [[0.1, 0.1, -0.3], [0.1, 0.2, 0.0], [0.0, 1.3, 0.1]];
/// Weights of the hidden units of the stacked network.
pub const HIDDEN_ROWS: [[f64; 3]; 3] = [[0.1, 0.2, -0.1], [-0.1, 0.1, 0.9], [0.1, 0.4, 0.1]];
/// Weights of its outputs.
pub const OUTPUT_ROWS: [[f64; 3]; 3] = [[0.3, 1.1, -0.3], [0.1, 0.2, 0.0], [0.0, 1.3, 0.1]];

/// Every prediction of the section.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Predictions {
    pub one_weight: f64,
    pub weighted_sum: f64,
    pub one_to_three: [f64; 3],
    pub three_to_three: [f64; 3],
    pub hidden: [f64; 3],
    pub stacked: [f64; 3],
    /// The same by a single layer, whose weights are the product of both matrices.
    pub as_one_layer: [f64; 3],
}

pub fn predictions() -> Predictions {
    let [toes, wins, _] = GAME;
    let none = [0.0; 3];
    let [one_weight] = Linear::<1, 1>::from_rows([[0.1]], [0.0]).forward(&[toes]);
    let [weighted_sum] = Linear::<3, 1>::from_rows([[0.1, 0.2, 0.0]], [0.0]).forward(&GAME);
    let hidden = Linear::<3, 3>::from_rows(HIDDEN_ROWS, none);
    let outputs = Linear::<3, 3>::from_rows(OUTPUT_ROWS, none);
    let as_one_layer = Linear::<3, 3>::from_rows(product(&OUTPUT_ROWS, &HIDDEN_ROWS), none);
    Predictions {
        one_weight,
        weighted_sum,
        one_to_three: Linear::<1, 3>::from_rows([[0.3], [0.2], [0.9]], none).forward(&[wins]),
        three_to_three: Linear::<3, 3>::from_rows(THREE_ROWS, none).forward(&GAME),
        hidden: hidden.forward(&GAME),
        stacked: Chain::new(hidden, outputs).forward(&GAME),
        as_one_layer: as_one_layer.forward(&GAME),
    }
}

/// The matrix product `a b`.
fn product(a: &[[f64; 3]; 3], b: &[[f64; 3]; 3]) -> [[f64; 3]; 3] {
    a.map(|row| {
        let mut sums = [0.0; 3];
        for (factor, terms) in row.iter().zip(b) {
            for (sum, term) in sums.iter_mut().zip(terms) {
                *sum += factor * term;
            }
        }
        sums
    })
}

/// `a_i b_i` for each `i`.
pub fn multiply(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a * b).collect()
}

/// `a_i + b_i` for each `i`.
pub fn add(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

/// The sum of all elements.
pub fn sum(a: &[f64]) -> f64 {
    a.iter().sum()
}

/// The sum divided by the number of elements.
#[allow(clippy::cast_precision_loss, reason = "few elements")]
pub fn mean(a: &[f64]) -> f64 {
    sum(a) / a.len() as f64
}

/// Scalar multiplication of a vector.
pub fn scale(factor: f64, a: &[f64]) -> Vec<f64> {
    a.iter().map(|a| factor * a).collect()
}

/// One weighted sum per row; `None` unless each row has the length of the input.
pub fn vector_by_matrix(input: &[f64], rows: &[Vec<f64>]) -> Option<Vec<f64>> {
    let fits = rows.iter().all(|row| row.len() == input.len());
    fits.then(|| rows.iter().map(|row| sum(&multiply(input, row))).collect())
}

/// The text's version, which compares the number of inputs with the number of rows.
pub fn vector_by_matrix_of_text(input: &[f64], rows: &[Vec<f64>]) -> Option<Vec<f64>> {
    if input.len() == rows.len() { vector_by_matrix(input, rows) } else { None }
}
