//! The topic of each section of the text, with the numbers that are in sentences, not in rows.

use super::compute::forward::{self, GAME};
use super::compute::one_weight::{self, LARGE_INPUT};
use super::compute::several;
use super::text::Section;

impl Section {
    /// The topic of the section.
    pub fn idea(self) -> String {
        match self {
            Self::Forward => "A linear neuron has no bias here and no activation: prediction = \
                 sum of w_i x_i.\n\
                 Two such layers in a row are one, whose weights are the matrix product."
                .to_owned(),
            Self::Vectors => vectors_idea(),
            Self::HotCold => hot_cold_idea(),
            Self::ErrorBased => error_based_idea(),
            Self::Alpha => alpha_idea(),
            Self::Inputs => inputs_idea(),
            Self::Outputs => {
                "Each output has its own delta: weight delta_oi = delta_o * x_i.".to_owned()
            }
        }
    }
}

fn vectors_idea() -> String {
    let two_rows = vec![vec![0.1, 0.1, -0.3], vec![0.1, 0.2, 0.0]];
    let outputs = |result: Option<Vec<f64>>| match result {
        Some(outputs) => format!("gives {} outputs", outputs.len()),
        None => "is refused".to_owned(),
    };
    format!(
        "A weighted sum is an elementwise product, then a sum. A 2 x 3 matrix times three inputs\n\
         {}; with the text's check it {}.",
        outputs(forward::vector_by_matrix(&GAME, &two_rows)),
        outputs(forward::vector_by_matrix_of_text(&GAME, &two_rows))
    )
}

fn hot_cold_idea() -> String {
    let moves = one_weight::hot_and_cold().updates();
    format!(
        "error = (prediction - goal)^2 is never negative, and large misses count more.\n\
         Hot and cold tries a step up and a step down, and takes the better one: three predictions\n\
         for each of {moves} moves. Steps of fixed size may end half a step off."
    )
}

fn error_based_idea() -> String {
    let run = one_weight::error_based();
    let within = run.moments.iter().take_while(|moment| moment.error() >= 1e-6).count();
    format!(
        "delta = prediction - goal, weight delta = delta * x, w = w - weight delta: direction and\n\
         amount at once. After {within} updates the error is below 1e-6. Times x does three things:\n\
         no learning at x = 0 (stopping), the right direction at x < 0 (sign flip), larger steps\n\
         for larger inputs (scaling). The weight delta is half the slope of the error."
    )
}

fn alpha_idea() -> String {
    let (double, single) = (one_weight::overflow::<f64>(), one_weight::overflow::<f32>());
    let word = |learns: bool| if learns { "learns" } else { "diverges" };
    let [below, above] = one_weight::around_the_limit(LARGE_INPUT);
    format!(
        "w = w - alpha * weight delta. An update multiplies delta by 1 - alpha x^2, so learning\n\
         converges if 0 < alpha < 2 / x^2. Tried: 0.1 % below the limit it {}, 0.1 % above it\n\
         {}. With x = 6.6 and alpha = 1, counted from 0, the error of the bare rule is\n\
         \x20 in f64 infinite from iteration {}, not a number from iteration {};\n\
         \x20 in f32 infinite from iteration {}, not a number from iteration {}.\n\
         gradlet refuses to learn from iteration {} (f64) and {} (f32) on, and keeps the weight.",
        word(below),
        word(above),
        double.infinite,
        double.nan,
        single.infinite,
        single.nan,
        double.refused,
        single.refused
    )
}

fn inputs_idea() -> String {
    let task = several::OTHER_SIGN;
    let (right, wrong) = (several::right_rule(&task, 1000), several::wrong_rule(&task, 1000));
    format!(
        "Each weight has its own input: weight delta_i = delta * x_i. The text multiplies by the\n\
         weights instead. From the same weights with the other sign, the right rule learns in {}\n\
         updates; by the rule of the text the error is infinite after {}.",
        right.updates(),
        wrong.updates()
    )
}
