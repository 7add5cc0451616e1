//! Output of the program: the script.

use std::io::{self, Write};

use super::compute::learning::cross_entropy;
use super::compute::script::{self, Parameters, START, Visit};
use super::compute::sigmoid_slope;
use super::text;
use shared::rows::{Row, Rows};

/// The task, and how to read what follows.
pub fn introduce(out: &mut impl Write) -> io::Result<()> {
    write!(
        out,
        "Ten points, one neuron, and a script that trains it by hand.

  x2
   1 |         1     0        Eight points have the label 1, two the label 0. The neuron answers
  .5 |      1     1           a = sigmoid(z) with z = w1 x1 + w2 x2 + b, and starts from
   0 |   1           1        w1 = w2 = b = 1. It says yes where a > 1/2, that is where z > 0.
 -.5 |      1     1
  -1 |   0     1              The text shows the script without its results. They are quoted to
     +------------------      ten decimals as the script gives them when it is run (in Python).
        -1     0     1   x1

\"agrees\": rounds to these digits. \"differs\" gives the reason in a word, found by computing with
the slip; section 10 explains the words. \"-\": not in the text.
"
    )
}

/// Everything that the script prints.
pub fn script(out: &mut impl Write) -> io::Result<()> {
    write!(
        out,
        "
1. The script as it is written
  One pass over the points. At each it prints v = |sigmoid(z - label)|, adds
  {} times a \"partial derivative\" to each parameter, and prints v again. Every partial
  derivative is -g x with the same slope g = e^2 / (e^4 + 2 e^2 + 1) = {:.10}.

  point  label used  v before       w1            w2            b1            v after
",
        script::STEP,
        script::slope()
    )?;
    for (visit, number) in script::pass(START).iter().zip(1_u32..) {
        let Parameters { w1, w2, b1 } = visit.after;
        writeln!(
            out,
            "  {number:>5}  {:>10}  {:.10}   {w1:.10}  {w2:.10}  {b1:.10}  {:.10}",
            visit.label, visit.v_before, visit.v_after
        )?;
    }
    Ok(())
}

/// What the numbers of the script should be.
pub fn verdicts(out: &mut impl Write) -> io::Result<()> {
    let visits = script::pass(START);
    let mut rows = Rows::new(out, "here");
    rows.heading("2. |a - label|, at the script's parameters")?;
    for ((visit, printed), number) in visits.iter().zip(text::V_BEFORE).zip(1_u32..) {
        let word = if visit.reads_another_label() { "label, fifth" } else { "label" };
        let row = Row::new(format!("|a - label| of point {number}"), visit.distance());
        rows.line(&row.printed(printed).slip(word, visit.v_before))?;
    }
    for ((visit, printed), number) in visits.iter().zip(text::V_BEFORE).zip(1_u32..) {
        if visit.reads_another_label() {
            let row = Row::new(format!("v of point {number}"), visit.v_with_own_label());
            rows.line(&row.printed(printed).slip("fifth", visit.v_before))?;
        }
    }
    rows.heading("3. Slope of v: sigmoid'(z - label)")?;
    for (visit, number) in visits.iter().zip(1_u32..) {
        let row = Row::new(format!("slope at point {number}"), visit.own_slope());
        rows.line(&row.printed(text::SLOPE).slip("slope", sigmoid_slope(2.0)))?;
    }
    rows.heading("4. To b: -0.005 (a - label) sigmoid'(z)")?;
    for (visit, number) in visits.iter().zip(1_u32..) {
        let row = Row::new(format!("added to b at point {number}"), visit.right_delta());
        rows.line(&row.printed(text::ADDED_TO_B).slip(word_of_update(visit), added(visit)))?;
    }
    Ok(())
}

/// What the script adds to `b1`.
fn added(visit: &Visit) -> f64 {
    let [_, _, added] = visit.deltas;
    added
}

/// Why the update of the script is wrong.
fn word_of_update(visit: &Visit) -> &'static str {
    if added(visit) * visit.right_delta() < 0.0 { "sign" } else { "size" }
}

/// The linear function of the text.
pub fn linear_function(out: &mut impl Write) -> io::Result<()> {
    let zero = Parameters { w1: 0.0, w2: 0.0, b1: 10.0 };
    let beyond = Parameters { b1: 1000.0, ..zero };
    let mut rows = Rows::new(out, "here");
    rows.heading("5. The function to be driven to 0")?;
    for (name, value) in [
        ("|-15 w1 - 5 w2 + b - 10| at the start", script::absolute(START)),
        ("15 w1 + 5 w2 - b + 10 at the start", script::linear(START)),
        ("|..| with w1 = w2 = 0, b = 10", script::absolute(zero)),
        ("cross-entropy of that neuron", cross_entropy(&zero.neuron())),
        ("|..| with w1 = w2 = 0, b = 1000", script::absolute(beyond)),
        ("15 w1 + 5 w2 - b + 10 there", script::linear(beyond)),
    ] {
        rows.line(&Row::new(name, value))?;
    }
    let [s1, s2, count, constant] = script::sum_over_points();
    write!(
        out,
        "  The two are equal only while 15 w1 + 5 w2 - b + 10 is positive. Below 0 it goes on falling
  without end: it has no minimum, and at 0 the neuron says yes to everything. Nor do its factors
  come from the points: the sum of z - label over all ten is {s1} w1 + {s2} w2 + {count} b - {}.
",
        -constant
    )
}
