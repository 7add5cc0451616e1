//! The output of the script, and its errors.

use std::io::{self, Write};

use super::compute::learning::{cross_entropy, half_squared_error, list, train};
use super::compute::script::{self, START, losses_of_passes};
use super::compute::{neuron, sigmoid_slope};

/// `v` before the update of each point, to ten decimals.
pub const V_BEFORE: [&str; 10] = [
    "0.7310585786",
    "0.7309553512",
    "0.2688382189",
    "0.2687350415",
    "0.7306455185",
    "0.4993437905",
    "0.2683741180",
    "0.4991469279",
    "0.8803554262",
    "0.1188176338",
];
/// The derivative that it uses for every point.
pub const SLOPE: &str = "0.1049935854";
/// What it adds to `b1` at every point.
pub const ADDED_TO_B: &str = "-0.0005249679";

/// Number of epochs of the script in section 10.
const PASSES: u32 = 1000;

/// Explanation of the words in the verdicts.
pub fn explain(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "\n10. Where the text errs")?;
    explain_label(out)?;
    explain_slope(out)?;
    explain_sign(out)?;
    write!(
        out,
        "  Besides: section 5, a linear function has no minimum; section 8, no single neuron can learn these
          points, however well it is trained; section 9, a hidden layer can.
"
    )
}

fn explain_label(out: &mut impl Write) -> io::Result<()> {
    let [first, .., ninth, _] = &script::pass(START)[..] else { return Ok(()) };
    let (start, own) = (neuron(), ninth.v_with_own_label());
    write!(
        out,
        "  label   The label is inside the sigmoid, where it only shifts z. A sigmoid is positive, so |..|
          does nothing, and v is small where z is very negative, whatever the label. A loss has to
          compare the answer with the label: |a - label| is {:.10} at point 1. Over all points
          1/2 (a - label)^2 sums to {:.10} at the start; the mean cross-entropy is {:.10}.
  fifth   From the sixth point on, the script reads the label of the fifth, which is 1. Points 6 to
          8 have that label too. Points 9 and 10 have 0: even by its own rule v(9) is {own:.10}.
",
        first.distance(),
        half_squared_error(&start),
        cross_entropy(&start),
    )
}

fn explain_slope(out: &mut impl Write) -> io::Result<()> {
    write!(
        out,
        "  slope   g is sigmoid'(2) = {:.10}: the slope at w1 + b1 = 2, where point 1 would stand without
          its label. With it the argument is 1 and the slope {:.10}. A slope belongs to one
          place: it has to be taken anew for each point and after each update.
",
        sigmoid_slope(2.0),
        sigmoid_slope(1.0)
    )
}

fn explain_sign(out: &mut impl Write) -> io::Result<()> {
    let rate = 0.5;
    let run = train(neuron(), rate, 1, |_| true);
    let Some(first) = run.after(1) else { return Ok(()) };
    let [w1, _, b] = list(&first.net);
    let losses = losses_of_passes(PASSES);
    let (start, end) = (losses.first().unwrap_or(&0.0), losses.last().unwrap_or(&0.0));
    write!(
        out,
        "  sign    The derivative of sigmoid(z) by w is +sigmoid'(z) x. The script stores it with a minus,
          and adds it: that is descent on v, so every update lowers the answer. Eight points of ten
          have label 1, and their answers should rise. The derivative of the cross-entropy by w is
          (a - label) x, negative for them: a first update on all points (rate {rate}) gives
          w1 = w2 = {w1:.10}, b = {b:.10}. In one pass of the script what it adds to w1 and w2
          cancels out, and b falls by {:.10}: after {PASSES} passes the cross-entropy has risen
          from {start:.4} to {end:.4}.
  size    At points 9 and 10, whose label is 0, lowering the answer happens to be right. But how far
          depends on the error as well: (a - label) sigmoid'(z), not a constant.
",
        10.0 * script::STEP * script::slope()
    )
}
