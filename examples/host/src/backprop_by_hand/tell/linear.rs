//! The chain z = (2 w + 3 b) (2 b + 1).

use std::io::{self, Write};

use super::super::compute::{
    self, B, CHANGES, Change, Ending, FACTORS, Factors, Partials, Plan, Run, THRESHOLDS, W, forward,
};
use crate::gradient_descent::descent::{Ending as DescentEnding, Visit};
use shared::rows::{Row, Rows};

/// Section 1.
pub fn derivatives(out: &mut impl Write) -> io::Result<()> {
    let start = forward(W, B);
    let partials = start.partials();
    let mut rows = Rows::new(out, "here");
    rows.heading("1. Forward, and the derivatives backward")?;
    rows.line(&Row::new("x = 2 w + 3 b", start.x).printed("18"))?;
    rows.line(&Row::new("y = 2 b + 1", start.y).printed("9"))?;
    rows.line(&Row::new("z = x y", start.z).printed("162"))?;
    rows.line(&Row::new("dz/dw = y * 2", partials.by_w).printed("18"))?;
    rows.line(&Row::new("dz/db = y * 3 + x * 2", partials.by_b).printed("63"))?;
    // dx/db alone: the change of x with b.
    let by_x = forward(W, B + 1.0).x - start.x;
    rows.line(
        &Row::new("\"the last partial\", dz/db", partials.by_b).printed("3").slip("path", by_x),
    )
}

/// Truncates to three decimals, as the text does.
fn cut(value: f64) -> f64 {
    (value * 1000.0).floor() / 1000.0
}

/// Section 2.
pub fn by_hand(out: &mut impl Write) -> io::Result<()> {
    let step = compute::hand_step();
    let mut rows = Rows::new(out, "here");
    rows.heading("2. One step for b alone, by hand")?;
    rows.line(&Row::new("delta z = z - 150", forward(W, B).z - compute::TARGET).printed("12"))?;
    rows.line(&Row::new("delta b = delta z / (dz/db) = 12/63", step.delta_b))?;
    let b = Row::new("b+ = b - delta b, \"12/63\"", step.b).printed("0.190476");
    rows.line(&b.slip("delta", step.delta_b))?;
    rows.line(&Row::new("b+ with two decimals", step.b_rounded).printed("3.81"))?;
    let cut = cut(step.z_rounded);
    rows.line(&Row::new("z at 3.81", step.z_rounded))?;
    rows.line(&Row::new("z at 3.81", step.z_rounded).printed("150.246").slip("cut", cut))?;
    rows.line(&Row::new("z at b+", step.z).printed("150.246").slip("rounded", cut))?;
    if let Some(root) = compute::root_b(compute::TARGET) {
        rows.line(&Row::new("b where z is 150: 6 b^2 + 15 b + 6 = 150", root))?;
    }
    let threshold = "the threshold \"e^-4\", 1e-4 in numbers";
    rows.line(&Row::new(threshold, libm::exp(-4.0)).printed("0.0001").slip("e", 1e-4))
}

/// How a run ended, in a few words.
fn words(ending: Ending) -> String {
    match ending {
        Ending::Reached => "near enough".to_owned(),
        Ending::Cycle(1) => "stands still, never near enough".to_owned(),
        Ending::Cycle(updates) => format!("goes round in {updates} updates, never near enough"),
        Ending::Limit => "not near enough at the limit".to_owned(),
        Ending::NotFinite => "left the range of the numbers".to_owned(),
    }
}

/// Section 3: the table of runs.
pub fn runs(out: &mut impl Write, plan: &Plan) -> io::Result<()> {
    writeln!(
        out,
        "
3. Step after step, until |z - {target}| is below a threshold (at most {} updates)
  frozen: divides by the derivatives of the start, always (\"not new\"); recomputed: by those of the
  place (\"new\"). w and b: each removes half of the error.

  {:<9}{:<13}{:<10}{:>6}{:>5}   {:<16}{:<16}{:<18}in f64",
        plan.limit,
        "changed",
        "derivatives",
        "threshold",
        "f64",
        "f32",
        "w",
        "b",
        "z",
        target = plan.target,
    )?;
    for (change, name) in CHANGES {
        for (factors, factors_name) in FACTORS {
            for threshold in THRESHOLDS {
                let run: Run = plan.run(change, factors, threshold);
                let in_f32: Run<f32> = plan.run(change, factors, threshold);
                let Some(last) = run.states.last() else { continue };
                writeln!(
                    out,
                    "  {name:<9}{factors_name:<13}{:<10}{:>6}{:>5}   {:<16.10}{:<16.10}{:<18.10}{}",
                    format!("{threshold:e}"),
                    run.updates(),
                    in_f32.updates(),
                    last.w,
                    last.b,
                    last.forward.z,
                    words(run.ending)
                )?;
            }
        }
    }
    match compute::root_b(plan.target) {
        Some(root) => writeln!(out, "  For w = 3 the root is b = {root:.16}.")?,
        None => writeln!(out, "  For w = 3 there is no b with this z.")?,
    }
    write!(
        out,
        "  To 150, b alone ends at this root both ways. With w and b there are many roots, a curve of
  them, and the two ways end at different ones. w alone is exact at once: z is linear in w.
"
    )
}

/// The distances of four runs, side by side.
pub fn distances(out: &mut impl Write, plan: &Plan) -> io::Result<()> {
    let mut columns = vec![];
    for change in [Change::B, Change::Both] {
        for factors in [Factors::Frozen, Factors::Recomputed] {
            columns.push(plan.run::<f64>(change, factors, 1e-5).distances());
        }
    }
    writeln!(
        out,
        "\n  |z - {}| {:>12}{:>18}{:>18}{:>18}",
        plan.target, "b, frozen", "b, recomputed", "w, b, frozen", "w, b, recomputed"
    )?;
    for update in 0..columns.iter().map(Vec::len).max().unwrap_or(0).min(8) {
        let mut line = format!("  {update:>7}");
        for column in &columns {
            line += &column.get(update).map_or_else(String::new, |d| format!("{d:>18.3e}"));
            if column.get(update).is_none() {
                line += &" ".repeat(18);
            }
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    write!(
        out,
        "  Near a root, frozen, every update leaves about the same share of the error: linear convergence.
  Recomputed, it leaves about the square, times a constant: quadratic convergence, unless dz/db is 0
  there. This is Newton's method for a root; that is why so few updates are enough.
"
    )
}

/// Section 4.
pub fn gradient_descent(out: &mut impl Write, plan: &Plan) -> io::Result<()> {
    let descent = compute::gradient_descent(plan.target, compute::RATE, 200);
    writeln!(
        out,
        "
4. Gradient descent on E = (z - {})^2 / 2, learning rate {}
  It multiplies by the derivatives: w+ = w - rate * (z - target) * dz/dw, and b likewise. gradlet
  takes the steps; the bias of a layer is the place (w, b).

  {:>7}  {:<22}{:<22}{:<22}E",
        plan.target,
        compute::RATE,
        "updates",
        "w",
        "b",
        "z"
    )?;
    let marks = [0, 1, 2, 3, 5, 10, 50, 100, 200];
    for mark in marks {
        let Some(Visit { place: [w, b], value, .. }) = descent.visits.get(mark) else { break };
        let z = forward(*w, *b).z;
        writeln!(out, "  {mark:>7}  {w:<22.16}{b:<22.16}{z:<22.12}{value:.3e}")?;
    }
    if descent.ending == DescentEnding::Diverged {
        return writeln!(
            out,
            "  E is infinite after {} updates: the rate is too large for this target.",
            descent.updates()
        );
    }
    let near = |v: &Visit<2>| (2.0 * v.value).sqrt() < 1e-5;
    let when = descent.visits.iter().position(near).map_or_else(
        || format!("not within {} updates", descent.updates()),
        |updates| format!("after {updates} updates"),
    );
    let Partials { by_w, by_b } = forward(W, B).partials();
    writeln!(
        out,
        "  |z - {}| < 0.00001 {when}. The first one moves b {:.2} times as far as w, as
  63 / 18; half each would move it {:.2} times as far, as 18 / 63. So the ends differ as well.",
        plan.target,
        by_b / by_w,
        by_w / by_b
    )
}
