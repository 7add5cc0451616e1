//! What the program prints.

use std::io::{self, Write};

use super::common::rows::{Row, Rows};
use super::compute::learning::{
    Classifier, Ending, Moment, Run, correct, cross_entropy, distance_of_line, half_squared_error,
    list, pass_over_samples,
};
use super::compute::lines::{NINE, SHARES, search};
use super::compute::script::{self, Parameters, START, Visit};
use super::compute::{Net, Neuron, POINTS, neuron as start_of_neuron, sigmoid_slope};
use super::text;

use gradlet::Layer;

/// Whether the tables have a line for so many updates.
pub(crate) fn is_mark(updates: u32) -> bool {
    let unit = 10_u32.pow(updates.checked_ilog10().unwrap_or(0));
    [0, 1, 2, 5].iter().any(|factor| unit.saturating_mul(*factor) == updates)
}

/// The task, and how to read what follows.
pub(crate) fn introduce(out: &mut impl Write) -> io::Result<()> {
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
the slip; section 10 explains the words.
"
    )
}

/// Everything that the script prints.
pub(crate) fn script(out: &mut impl Write) -> io::Result<()> {
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
pub(crate) fn verdicts(out: &mut impl Write) -> io::Result<()> {
    let visits = script::pass(START);
    let mut rows = Rows::new(out, "the script");
    rows.heading("2. How far off is the answer? |a - label|, at the script's own parameters")?;
    for ((visit, printed), number) in visits.iter().zip(text::V_BEFORE).zip(1_u32..) {
        let word = if visit.reads_another_label() { "label, fifth" } else { "label" };
        let row = Row::new(&format!("|a - label| of point {number}"), visit.distance());
        rows.line(&row.printed(printed).slip(word, visit.v_before))?;
    }
    for ((visit, printed), number) in visits.iter().zip(text::V_BEFORE).zip(1_u32..) {
        if visit.reads_another_label() {
            let row = Row::new(&format!("v of point {number}"), visit.v_with_own_label());
            rows.line(&row.printed(printed).slip("fifth", visit.v_before))?;
        }
    }
    rows.heading("3. The slope of v: sigmoid'(z - label)")?;
    for (visit, number) in visits.iter().zip(1_u32..) {
        let row = Row::new(&format!("slope at point {number}"), visit.own_slope());
        rows.line(&row.printed(text::SLOPE).slip("slope", sigmoid_slope(2.0)))?;
    }
    rows.heading("4. What a step on 1/2 (a - label)^2 adds to b: -0.005 (a - label) sigmoid'(z)")?;
    for (visit, number) in visits.iter().zip(1_u32..) {
        let row = Row::new(&format!("added to b at point {number}"), visit.right_delta());
        rows.line(&row.printed(text::ADDED_TO_B).slip(word_of_update(visit), added(visit)))?;
    }
    Ok(())
}

/// What the script adds to `b1`.
fn added(visit: &Visit) -> f64 {
    let [_, _, added] = visit.deltas;
    added
}

/// Why the update of the script is not the right one.
fn word_of_update(visit: &Visit) -> &'static str {
    if added(visit) * visit.right_delta() < 0.0 { "sign" } else { "size" }
}

/// The linear function of the text.
pub(crate) fn linear_function(out: &mut impl Write) -> io::Result<()> {
    let zero = Parameters { w1: 0.0, w2: 0.0, b1: 10.0 };
    let beyond = Parameters { b1: 1000.0, ..zero };
    let mut rows = Rows::new(out, "the script");
    rows.heading("5. The function that the text wants to drive to 0")?;
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

/// The neuron on the half squared error of one sample after the other.
pub(crate) fn samples(out: &mut impl Write) -> io::Result<()> {
    write!(
        out,
        "
6. The neuron with the right derivatives, one sample after the other
  Loss 1/2 (a - t)^2 of each sample; delta = (a - t) a (1 - a); w -= {} delta x, b -= {} delta.

  point  a             loss          delta           w1            w2            b
",
        script::STEP,
        script::STEP
    )?;
    let steps = pass_over_samples(script::STEP);
    for (step, number) in steps.iter().zip(1_u32..) {
        let ([_, _, delta], [w1, w2, b]) = (step.gradient, list(&step.after));
        writeln!(
            out,
            "  {number:>5}  {:.10}  {:.10}  {delta:>13.10}   {w1:.10}  {w2:.10}  {b:.10}",
            step.answer, step.loss
        )?;
    }
    let before = half_squared_error(&start_of_neuron());
    let after = steps.last().map_or(before, |step| half_squared_error(&step.after));
    writeln!(out, "  Sum of the ten losses: {before:.10} before, {after:.10} after this pass.")
}

/// The neuron on the cross-entropy.
pub(crate) fn neuron(out: &mut impl Write, rate: f64, run: &Run<Neuron>) -> io::Result<()> {
    write!(
        out,
        "
7. The neuron on the mean cross-entropy, all ten points in each update, learning rate {rate}
  delta = a - t: no factor a (1 - a), so a wrong answer that is sure of itself learns fast.
  \"distance\": from the origin to the line z = 0, on which the answer changes.

  {:>7}  loss          w1             w2             b             distance  right
",
        "updates"
    )?;
    for moment in marks(run) {
        let [w1, w2, b] = list(&moment.net);
        writeln!(
            out,
            "  {:>7}  {:.10}  {w1:>13.10}  {w2:>13.10}  {b:>13.10}  {:>8}  {:>2} of 10",
            moment.updates,
            moment.loss,
            short(distance_of_line(&moment.net)),
            moment.correct
        )?;
    }
    tell(out, run.ending)?;
    let best = Neuron::from_rows([[0.0, 0.0]], [4.0_f64.ln()]);
    write!(
        out,
        "  With every point (x1, x2) the set has (-x1, -x2), with the same label. So w1 = w2 = 0 is best,
  and a = 8/10 for every point: b = ln 4 = {:.10}, loss {:.10}. The line leaves the points
  behind, and the neuron says yes to all of them. On its way it has nine right for a while: the
  lowest cross-entropy and the most right answers are different goals.
",
        4.0_f64.ln(),
        cross_entropy(&best)
    )
}

/// The search over all lines, and the reason for what it finds.
pub(crate) fn lines(out: &mut impl Write) -> io::Result<()> {
    let found = search();
    let [w1, w2, b] = NINE;
    let nine = Neuron::from_rows([[w1, w2]], [b]);
    let z = |[x1, x2]: [f64; 2]| w1 * x1 + w2 * x2 + b;
    let [_, _, _, _, (between, _), _, _, _, (one, _), (other, _)] = POINTS;
    let [share, rest] = SHARES;
    write!(
        out,
        "
8. Why one neuron cannot do it
  It answers 1/2 on a straight line. Every line that parts the points can be moved until it almost
  goes through two of them: {} lines, each turned a little and moved a little to either side, part
  the points in {} ways. So many of these get so many points right:

  right",
        found.lines,
        found.splits.len()
    )?;
    let counts = found.by_correct();
    (0..counts.len()).try_for_each(|right| write!(out, "{right:>5}"))?;
    write!(out, "\n  ways ")?;
    counts.iter().try_for_each(|count| write!(out, "{count:>5}"))?;
    write!(
        out,
        "

  The best is {} of 10; the neuron w1 = {w1}, w2 = {w2}, b = {b} gets {}: it cuts off (1, 1) alone.
  Nor can there be a better one. (0.5, 0.5) is {share} (1, 1) + {rest} (-1, -1), and z of a mixture is
  the same mixture of the two z; for this neuron {share} * {} + {rest} * {} = {}. Were both negative,
  as their label 0 demands, z would be negative at (0.5, 0.5) as well, whose label is 1. In other
  words: each side of a line is convex, and what lies between two points is on the side of both.
",
        found.best(),
        correct(&nine),
        z(one),
        z(other),
        z(between),
    )
}

/// The small network.
pub(crate) fn net(out: &mut impl Write, rate: f64, run: &Run<Net>) -> io::Result<()> {
    write!(
        out,
        "
9. A hidden layer of four tanh units before the sigmoid (2-4-1), the same loss, learning rate {rate}

  {:>7}  loss          right
",
        "updates"
    )?;
    for moment in marks(run) {
        let Moment { updates, loss, correct, .. } = moment;
        writeln!(out, "  {updates:>7}  {loss:.10}  {correct:>2} of 10")?;
    }
    tell(out, run.ending)?;
    if let Some(last) = run.last() {
        write!(out, "  Its answers:")?;
        POINTS.iter().try_for_each(|(x, _)| {
            let [answer] = last.net.forward(x);
            write!(out, " {answer:.4}")
        })?;
        writeln!(out)?;
    }
    Ok(())
}

/// The moments for a table.
fn marks<N: Classifier>(run: &Run<N>) -> impl Iterator<Item = &Moment<N>> {
    let last = run.last().map(|moment| moment.updates);
    run.moments.iter().filter(move |m| is_mark(m.updates) || Some(m.updates) == last)
}

/// A line on training that ended early.
fn tell(out: &mut impl Write, ending: Ending) -> io::Result<()> {
    match ending {
        Ending::Complete => Ok(()),
        Ending::NotFinite(updates) => writeln!(
            out,
            "  Training diverged: the loss after update {updates} is NaN or infinite. Try a smaller \
             --learning-rate."
        ),
    }
}

/// A length in few digits.
fn short(value: f64) -> String {
    if value < 1e4 { format!("{value:.3}") } else { format!("{value:.0e}") }
}
