//! The chain c = sqrt(ln(x^2)).

use std::io::{self, Write};

use super::super::chain::{self, Run, State, TARGET, TARGET_OF_COURSE};
use super::super::compute::Plan;
use super::count;
use crate::gradient_descent::descent::{Ending, Visit};
use shared::rows::{Row, Rows, of_updates};

/// Section 7.
pub fn newton(out: &mut impl Write, plan: &Plan) -> io::Result<()> {
    let text = chain::run(chain::START, TARGET, chain::THRESHOLD, chain::LIMIT);
    let mut rows = Rows::new(out, "here");
    rows.heading("7. x^2, ln, sqrt: one step to c = 2.14")?;
    if let [first, second, ..] = text.states.as_slice() {
        let State { forward, deltas, .. } = first;
        rows.line(&Row::new("a = x^2", forward.a))?;
        rows.line(&Row::new("b = ln a", forward.b))?;
        rows.line(&Row::new("c = sqrt b", forward.c))?;
        rows.line(&Row::new("delta c = c - 2.14", deltas.c).printed("-0.963"))?;
        rows.line(&Row::new("delta b = delta c * 2 sqrt b", deltas.b).printed("-2.267"))?;
        let product = forward.a * (deltas.b * 1e3).round() / 1e3;
        let row = Row::new("delta a = delta b * a", deltas.a).printed("-9.068");
        rows.line(&row.slip("product", product))?;
        rows.line(&Row::new("delta x = delta a / (2 x)", deltas.x).printed("-2.267"))?;
        rows.line(&Row::new("x+ = x - delta x", second.x).printed("4.267"))?;
    }
    writeln!(
        out,
        "  Each line divides by one derivative (dc/db = 1 / (2 sqrt b), db/da = 1 / a, da/dx = 2 x), so
  delta x = delta c / (dc/dx), dc/dx = 1 / (x sqrt(ln x^2)): Newton's method once more.

  Until |c - {}| < {}, at most {} updates; where x would fall to 1 or below, x = 1.1.",
        plan.chain_target,
        chain::THRESHOLD,
        plan.limit
    )?;
    table(out, &plan.chain())?;
    let (in_f32, root) = (plan.chain::<f32>(), chain::root(plan.chain_target));
    if let Some(last) = in_f32.states.last() {
        writeln!(out, "  In f32: {} updates, x = {:?}.", in_f32.updates(), last.x)?;
    }
    writeln!(out, "  Closed form: x = exp({}^2 / 2) = {root:.15}", plan.chain_target)
}

fn table(out: &mut impl Write, run: &Run) -> io::Result<()> {
    writeln!(out, "\n  {:>7}  {:<15}{:<15}{:<15}{:<15}delta x", "updates", "x", "a", "b", "c")?;
    for (state, updates) in run.states.iter().zip(0..) {
        let State { x, forward: chain::Forward { a, b, c }, deltas, guarded } = state;
        let guard = if *guarded { "  (x was set to 1.1)" } else { "" };
        writeln!(
            out,
            "  {updates:>7}  {x:<15.8}{a:<15.8}{b:<15.8}{c:<15.8}{:.8}{guard}",
            deltas.x
        )?;
    }
    if run.reached { Ok(()) } else { writeln!(out, "  Not near enough at the limit.") }
}

/// Section 8.
pub fn course(out: &mut impl Write) -> io::Result<()> {
    let run = chain::run(chain::START, TARGET_OF_COURSE, chain::THRESHOLD, chain::LIMIT);
    let mut rows = Rows::new(out, "here");
    rows.heading("8. To c = 2.13, with the digits of the course")?;
    let printed = ["4.243178", "7.343950", "9.295386", "9.655706"];
    for ((state, updates), digits) in run.states.iter().skip(1).zip(1..).zip(printed) {
        rows.line(&Row::new(format!("x after {}", of_updates(updates)), state.x).printed(digits))?;
    }
    let exchanged = libm::exp(2.26854);
    let root = Row::new("exp(2.13^2 / 2) = exp(2.26845)", chain::root(TARGET_OF_COURSE));
    rows.line(&root.printed("9.6653").slip("order", exchanged))?;
    rows.line(&Row::new("the same, more digits", chain::root(TARGET_OF_COURSE)))?;
    rows.line(&Row::new("updates", count(run.updates())))
}

/// Section 9.
pub fn gradient_descent(out: &mut impl Write, plan: &Plan) -> io::Result<()> {
    let (start, target) = (plan.chain_start, plan.chain_target);
    writeln!(
        out,
        "
9. Gradient descent on E = (c - target)^2 / 2, learning rate {}: x+ = x - rate * delta c * dc/dx

  {:>7}  {:<20}{:<20}{:<20}{:<20}c",
        chain::RATE,
        "updates",
        format!("x, target {target}"),
        "c",
        format!("x, target {TARGET_OF_COURSE}"),
        "c"
    )?;
    let descents = [target, TARGET_OF_COURSE]
        .map(|target| chain::gradient_descent(start, target, chain::RATE, 2000));
    for mark in [0, 1, 2, 10, 100, 1000, 2000] {
        let places = descents.each_ref().map(|descent| {
            descent.visits.get(mark).map_or_else(
                || format!("{:<40}", "-"),
                |Visit { place: [x], .. }| format!("{x:<20.12}{:<20.12}", chain::forward(*x).c),
            )
        });
        writeln!(out, "  {mark:>7}  {}", places.concat().trim_end())?;
    }
    if descents.iter().any(|descent| descent.ending == Ending::Diverged) {
        writeln!(out, "  Where a \"-\" stands, x fell below 1, where c does not exist.")?;
    }
    let [descent, _] = &descents;
    let near = |v: &Visit<1>| (2.0 * v.value).sqrt() < chain::THRESHOLD;
    if let Some(updates) = descent.visits.iter().position(near) {
        writeln!(out, "  |c - {target}| < {} after {updates} updates.", chain::THRESHOLD)?;
    }
    write!(
        out,
        "  The slope stands in place of 1 / slope: where c is flat, as here at the end with dc/dx = {:.3},
  Newton's steps are long and those of gradient descent short.
",
        chain::slope(chain::root(target))
    )
}
