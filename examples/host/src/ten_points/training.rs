//! Output of the program: training by the correct rules.

use std::io::{self, Write};

use gradlet::Layer;

use super::compute::learning::{
    Classifier, Ending, Moment, Run, correct, cross_entropy, distance_of_line, half_squared_error,
    list, pass_over_samples,
};
use super::compute::lines::{NINE, SHARES, search};
use super::compute::{Net, Neuron, POINTS, neuron as start, script};

/// Whether the tables have a line for this number of updates.
pub fn is_mark(updates: u32) -> bool {
    let unit = 10_u32.pow(updates.checked_ilog10().unwrap_or(0));
    [0, 1, 2, 5].iter().any(|factor| unit.saturating_mul(*factor) == updates)
}

/// The neuron, trained on the half squared error, sample by sample.
pub fn samples(out: &mut impl Write) -> io::Result<()> {
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
    let before = half_squared_error(&start());
    let after = steps.last().map_or(before, |step| half_squared_error(&step.after));
    writeln!(out, "  Sum of the ten losses: {before:.10} before, {after:.10} after this pass.")
}

/// The neuron, trained on the cross-entropy.
pub fn neuron(out: &mut impl Write, rate: f64, run: &Run<Neuron>) -> io::Result<()> {
    write!(
        out,
        "
7. The neuron on the mean cross-entropy, all ten points in each update, learning rate {}
  delta = a - t: no factor a (1 - a), so a wrong answer that is sure of itself learns fast.
  \"distance\": from the origin to the line z = 0, on which the answer changes.

  {:>7}  loss          w1             w2             b             distance  right
",
        plain(rate),
        "updates"
    )?;
    for moment in marks(run) {
        let [w1, w2, b] = list(&moment.net);
        writeln!(
            out,
            "  {:>7}  {:<12}  {:>13}  {:>13}  {:>13}  {:>8}  {:>2} of 10",
            moment.updates,
            ten(moment.loss),
            ten(w1),
            ten(w2),
            ten(b),
            short(distance_of_line(&moment.net)),
            moment.correct
        )?;
    }
    tell(out, run.ending)?;
    let best = Neuron::from_rows([[0.0, 0.0]], [4.0_f64.ln()]);
    write!(
        out,
        "  With every point (x1, x2) the set has (-x1, -x2), with the same label. So w1 = w2 = 0 is best,
  and a = 8/10 for every point: b = ln 4 = {:.10}, loss {:.10}.
",
        4.0_f64.ln(),
        cross_entropy(&best)
    )?;
    let far = |last: &Moment<Neuron>| distance_of_line(&last.net) > 2.0 && last.correct == 8;
    if run.last().is_some_and(far) {
        writeln!(
            out,
            "  The line has left the points behind, and the neuron says yes to all of them."
        )?;
    }
    if run.moments.iter().any(|moment| moment.correct == 9) {
        write!(
            out,
            "  On its way it had nine right for a while: the lowest cross-entropy and the most right
  answers are different goals.
"
        )?;
    }
    Ok(())
}

/// The search over all lines, and an explanation of its result.
pub fn lines(out: &mut impl Write) -> io::Result<()> {
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
  Nor can there be a better one. (0.5, 0.5) is {share} (1, 1) + {rest} (-1, -1), and z of a mixture
  is the same mixture of the two z; for this neuron {share} * {} + {rest} * {} = {}. Were both
  negative, as their label 0 demands, z would be negative at (0.5, 0.5) as well, whose label is 1.
  In other words: each side of a line is convex; what lies between two of its points is on it too.
",
        found.best(),
        correct(&nine),
        z(one),
        z(other),
        z(between),
    )
}

/// The small network.
pub fn net(out: &mut impl Write, rate: f64, run: &Run<Net>) -> io::Result<()> {
    write!(
        out,
        "
9. A hidden layer of four tanh units before the sigmoid (2-4-1), the same loss, learning rate {}

  {:>7}  loss          right
",
        plain(rate),
        "updates"
    )?;
    for moment in marks(run) {
        let Moment { updates, loss, correct, .. } = moment;
        writeln!(out, "  {updates:>7}  {:<12}  {correct:>2} of 10", ten(*loss))?;
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

/// The states for a table.
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

/// Ten decimals, while that is not too long.
fn ten(value: f64) -> String {
    if value.abs() < 100.0 { format!("{value:.10}") } else { format!("{value:.6e}") }
}

/// A learning rate, with as few digits as necessary.
fn plain(rate: f64) -> String {
    if (1e-4..1e6).contains(&rate) { rate.to_string() } else { format!("{rate:e}") }
}
