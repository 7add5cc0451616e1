//! Output of the program.

use std::io::{self, Write};

use super::compute::{
    self, Curves, Ending, Parameters, RATE, TARGET_OF_SUM, UPDATES, by_inversion, contraction,
    gain, law_of_loss, on_square, residual_after,
};
use super::text;
use shared::rows::{Row, Rows};

/// Whether the table of the curves has a line for this number of updates.
pub fn is_mark(updates: u32) -> bool {
    updates <= 4
        || [UPDATES, 20, 50].contains(&updates)
        || shared::thinning::is_power_of_ten(updates)
}

/// The task, and how to read what follows.
pub fn introduce(out: &mut impl Write) -> io::Result<()> {
    write!(
        out,
        "One tanh neuron, one sample: x = (1, 2), target 1.

  f = w1 x1 + w2 x2 + b        w1 = 0.2, w2 = 0.3, b = 0.1
  out = tanh f                 loss L = (1 - out)^2

The text does not take the derivative of its loss. It asks which f would give the answer 0.9999,
finds f* = {TARGET_OF_SUM} (atanh 0.9999 = {:.10}), and moves f there: p -= {RATE} (df/dp) (f - f*).
That is a neuron without activation, a linear one, on the loss 1/2 (f - f*)^2, and as such it is
trained here. The text shows the script without its results; they are quoted as the script gives
them when it is run (in Python), to ten decimals where there are more.
\"agrees\": rounds to these digits. \"differs\" gives the reason in a word, found by computing with
the slip; section 7 explains the words. \"-\": not in the text.
",
        0.9999_f64.atanh()
    )
}

/// Every number that the script prints.
pub fn prints(out: &mut impl Write) -> io::Result<()> {
    let run = by_inversion(RATE, UPDATES, |_| true);
    let mut rows = Rows::new(out, "here");
    for (updates, printed) in text::INFO {
        let Some(moment) = run.after(updates) else { continue };
        rows.heading(&format!("1. What the script prints, after {updates} updates"))?;
        let parameters = moment.parameters;
        let values = [
            ("w1", parameters.w1),
            ("w2", parameters.w2),
            ("b", parameters.b),
            ("f", moment.sum),
            ("out = tanh f", moment.out),
            ("(1 - out)^2", moment.loss()),
        ];
        for ((name, value), printed) in values.into_iter().zip(printed) {
            rows.line(&Row::new(name, value).printed(printed))?;
        }
    }
    rows.heading("2. The script's \"loss\": L = (1 - out)^2")?;
    for (moment, printed) in run.moments.iter().zip(text::LOSSES) {
        let name = format!("L after update {}", moment.updates);
        let row = Row::new(name, moment.loss());
        rows.line(&row.printed(printed).slip("residual", moment.residual()))?;
    }
    Ok(())
}

/// The first step by backpropagation, compared with the script's.
pub fn first_step(out: &mut impl Write) -> io::Result<()> {
    let (right, text) = (on_square(RATE, 1, |_| true), by_inversion(RATE, 1, |_| true));
    let ([before, after], [text_before, text_after]) = (&right.moments[..], &text.moments[..])
    else {
        return Ok(());
    };
    let mut rows = Rows::new(out, "here");
    rows.heading("3. The first step by backpropagation")?;
    rows.line(&Row::new("dL/dout = 2 (out - 1)", 2.0 * (before.out - 1.0)))?;
    rows.line(&Row::new("dout/df = 1 - out^2", before.slope()))?;
    let (new, slip) = (after.parameters, text_after.parameters);
    for (name, value, printed, slip) in [
        ("dL/df, their product", before.delta(), "-4.0517", text_before.residual()),
        ("w1 - 0.01 dL/df x1", new.w1, "0.240517", slip.w1),
        ("w2 - 0.01 dL/df x2", new.w2, "0.381034", slip.w2),
        ("b - 0.01 dL/df", new.b, "0.140517", slip.b),
    ] {
        rows.line(&Row::new(name, value).printed(printed).slip("inverse", slip))?;
    }
    rows.line(&Row::new("L before", before.loss()))?;
    rows.line(&Row::new("L after", after.loss()))
}

/// Output and loss of the three methods.
pub fn curves(out: &mut impl Write, curves: &Curves) -> io::Result<()> {
    let Curves { rate, inversion, square, half } = curves;
    write!(
        out,
        "
4. Three ways, with the loss L = (1 - out)^2 along each
  text: the way of the text, rate {}. square: backpropagation on L, the same rate. half: on L / 2
  with ten times the rate, that is the way of \"square\" with five times the step.

  {:>8}  text: out    L           square: out  L           half: out    L
",
        plain(*rate),
        "updates"
    )?;
    for updates in marks(curves) {
        let mut line = format!("  {updates:>8}");
        for run in [inversion, square, half] {
            match run.after(updates) {
                Some(moment) => {
                    line += &format!("  {:.8}   {:<10.4e}", moment.out, moment.loss());
                }
                None => line += &format!("  {:<23}", "diverged"),
            }
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    for (name, run) in [("text", inversion), ("square", square), ("half", half)] {
        if let Ending::NotFinite(updates) = run.ending {
            writeln!(
                out,
                "  {name}: diverged, the loss after update {updates} is NaN or infinite. Try a smaller \
                 --learning-rate."
            )?;
        } else if run.moments.last().is_some_and(|last| last.slope() <= 0.0) {
            writeln!(
                out,
                "  {name}: saturated, out is 1 or -1 to the last digit and the slope of tanh exactly 0."
            )?;
        }
    }
    Ok(())
}

/// The updates of the table: those of a complete run, if there is one.
fn marks(Curves { inversion, square, half, .. }: &Curves) -> Vec<u32> {
    let longest = [inversion, square, half].into_iter().max_by_key(|run| run.moments.len());
    let moments = longest.map_or(&[][..], |run| &run.moments);
    let last = moments.last().map(|moment| moment.updates);
    let all = moments.iter().map(|moment| moment.updates);
    all.filter(|&updates| is_mark(updates) || Some(updates) == last).collect()
}

/// Why backpropagation is slow here.
pub fn saturation(out: &mut impl Write, curves: &Curves) -> io::Result<()> {
    write!(
        out,
        "
5. Why: saturation
  One update moves f by -rate (x1^2 + x2^2 + 1) dE/df, here -{} rate dE/df.
  text    dE/df is f - f*, so one factor, 1 - {} * {} = {:.2}, is left of it each time: after {UPDATES}
          updates f - f* is {:.4} * {:.2}^{UPDATES} = {:.10}. Its loss ends at (1 - tanh f*)^2, which
          is {:.4e}: f* belongs to the target 0.9999, not to 1.
  square  dE/df = 2 (out - 1) (1 - out^2) has the slope of tanh in it. The nearer the answer is
          to 1, the flatter tanh: with e = 1 - out the slope is 2 e, and one update takes
          {} rate e^3 from e. In the long run L = e^2 falls as 1 / ({} rate updates).
",
        gain(),
        RATE,
        gain(),
        contraction(RATE),
        residual_after(RATE, 0),
        contraction(RATE),
        residual_after(RATE, UPDATES),
        (1.0 - TARGET_OF_SUM.tanh()).powi(2),
        8.0 * gain(),
        16.0 * gain(),
    )?;
    let late: Vec<_> =
        curves.square.moments.iter().filter(|m| m.updates >= 10 && is_mark(m.updates)).collect();
    if !late.is_empty() {
        let law = format!("1 / ({} rate updates)", 16.0 * gain());
        writeln!(out, "\n   updates  slope 1 - out^2  L             {law}")?;
    }
    for moment in late {
        writeln!(
            out,
            "  {:>8}  {:<15.4e}  {:<12.4e}  {:.4e}",
            moment.updates,
            moment.slope(),
            moment.loss(),
            law_of_loss(curves.rate, moment.updates)
        )?;
    }
    Ok(())
}

/// A learning rate, with as few digits as necessary.
fn plain(rate: f64) -> String {
    if (1e-4..1e6).contains(&rate) { rate.to_string() } else { format!("{rate:e}") }
}

/// Outputs of the text's neuron for other inputs, compared with two others that fit as well.
pub fn other_inputs(out: &mut impl Write) -> io::Result<()> {
    let run = by_inversion(RATE, UPDATES, |_| false);
    let Some(end) = run.moments.last() else { return Ok(()) };
    let zero = Parameters { w1: 0.0, w2: 0.0, b: 0.0 };
    write!(
        out,
        "
6. What has been learned
  One sample is too little to learn anything about inputs: every w1, w2, b with w1 + 2 w2 + b = f*
  answers the same to (1, 2). Elsewhere they answer as they like:

  neuron                   out(1, 2)     out(0, 0)     out(-1, -2)
"
    )?;
    for (name, neuron) in [
        ("the text's", end.parameters),
        ("w1 = f*, w2 = b = 0", Parameters { w1: TARGET_OF_SUM, ..zero }),
        ("b = f*, w1 = w2 = 0", Parameters { b: TARGET_OF_SUM, ..zero }),
    ] {
        write!(out, "  {name:<22}")?;
        for input in [compute::INPUT, [0.0, 0.0], [-1.0, -2.0]] {
            write!(out, " {:>13.10}", neuron.out_at(input))?;
        }
        writeln!(out)?;
    }
    Ok(())
}
