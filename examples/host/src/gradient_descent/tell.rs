//! Output of the program.

use std::io::{self, Write};

use super::compute::{self, Behaviour, Results, STUDY_CURVATURE, Study};
use super::descent::{Descent, Ending, Visit};
use shared::rows::{Row, Rows, of_updates};

/// Prints all sections.
pub fn all(out: &mut impl Write, results: &Results) -> io::Result<()> {
    introduce(out)?;
    concept(out, &results.concept)?;
    single(out, &results.single)?;
    bowl(out, &results.bowl, results.bowl_rate)?;
    study(out, &results.studies)?;
    condition(out)?;
    slips(out)
}

fn introduce(out: &mut impl Write) -> io::Result<()> {
    write!(
        out,
        "Gradient descent: from a place theta, go against the gradient of J, again and again.

  theta+ = theta - eta * grad J(theta)

Three things make a step: where it starts (theta), its direction (downhill, against the gradient),
and its length (the learning rate eta times the slope, so that steps shrink where it gets flat).
gradlet takes the steps: theta is the bias of a linear layer whose input is zero, J is its loss.

\"agrees\": the computed number rounds to the digits of the text. \"differs\" gives the reason in a
word, which section 6 explains. \"-\": not in the text.
"
    )
}

fn concept(out: &mut impl Write, descent: &Descent<1>) -> io::Result<()> {
    let mut rows = Rows::new(out, "here");
    rows.heading("1. The first step on J = (x - 2)^2")?;
    if let [first, second, ..] = descent.visits.as_slice() {
        let (Visit { place: [x], gradient: [slope], value }, next) = (first, second);
        let Visit { place: [next_x], value: next_value, .. } = next;
        rows.line(&Row::new("x", *x).printed("1.4"))?;
        rows.line(&Row::new("dJ/dx = 2 (x - 2)", *slope).printed("-1.2"))?;
        rows.line(&Row::new("x+ = x - 0.1 * dJ/dx", *next_x).printed("1.52"))?;
        rows.line(&Row::new("J at x", *value))?;
        rows.line(&Row::new("J at x+", *next_value))?;
    }
    if let Some(Visit { place: [x], .. }) = descent.visits.last() {
        let what = format!("x after {} updates, where J < 0.000001", descent.updates());
        rows.line(&Row::new(what, *x))?;
    }
    writeln!(out, "  The slope is negative, so x grows: downhill is to the right.")
}

/// A count, for a row.
fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::INFINITY, f64::from)
}

fn single(out: &mut impl Write, descent: &Descent<1>) -> io::Result<()> {
    let mut rows = Rows::new(out, "here");
    rows.heading("2. One variable: J = x^2, eta = 0.3")?;
    for (Visit { place: [x], .. }, updates) in descent.visits.iter().zip(0..) {
        rows.line(&Row::new(format!("x after {}", of_updates(updates)), *x))?;
    }
    let (strict, loose) = (descent.updates(), compute::single_variable(0.01).updates());
    let row = Row::new("updates until J <= 0.001", count(strict)).printed("4");
    rows.line(&row)?;
    let row = Row::new("updates until J <= 0.01", count(loose)).printed("4");
    rows.line(&row.slip("limit", count(strict)))?;
    if let Some(Visit { place: [x], gradient: [slope], .. }) = descent.visits.first() {
        rows.line(&Row::new(format!("2 x at x = {x}: the slope there"), *slope))?;
    }
    if let Some(Visit { place: [x], gradient: [slope], .. }) =
        compute::single_variable(1e-40).visits.last()
    {
        rows.line(&Row::new("x where J <= 1e-40: as good as the minimum", *x))?;
        rows.line(&Row::new("2 x there", *slope))?;
    }
    writeln!(out, "  Each update multiplies x by 1 - 2 * 0.3 = 0.4.")
}

fn bowl(out: &mut impl Write, descent: &Descent<2>, rate: f64) -> io::Result<()> {
    let title = format!("3. Two variables: J = x^2 + sin^2 y, eta = {}", short(rate));
    writeln!(out, "\n{title}")?;
    writeln!(
        out,
        "  The gradient has two parts, dJ/dx = 2 x and dJ/dy = 2 sin y cos y = sin 2y.\n"
    )?;
    writeln!(out, "{:>9}  {:<16}{:<16}{:<16}{:<16}dJ/dy", "updates", " x", " y", " J", " dJ/dx")?;
    let (last, many) = (descent.updates(), descent.updates() > 40);
    for (visit, updates) in descent.visits.iter().zip(0_usize..) {
        if many && updates > 10 && updates != last && !updates.is_power_of_two() {
            continue;
        }
        let Visit { place: [x, y], gradient: [by_x, by_y], value } = visit;
        let [x, y, value, by_x, by_y] = [x, y, value, by_x, by_y].map(|number| fixed(*number));
        writeln!(out, "{updates:>9}  {x:<16}{y:<16}{value:<16}{by_x:<16}{by_y}")?;
    }
    match descent.ending {
        Ending::Reached => writeln!(
            out,
            "  J < {} after {last} updates: {} places with the start.",
            compute::BOWL_ENOUGH,
            descent.visits.len()
        ),
        Ending::Limit => {
            writeln!(out, "  J is not below {} after {last} updates.", compute::BOWL_ENOUGH)
        }
        Ending::Diverged => writeln!(out, "  After that J is infinite: it diverged."),
    }
}

/// Ten digits, with room for a sign.
fn fixed(value: f64) -> String {
    let (small, large) = (format!("{value: >13.10}"), format!("{value: >13.6e}"));
    if value == 0.0 || (1e-4..100.0).contains(&value.abs()) { small } else { large }
}

fn study(out: &mut impl Write, studies: &[Study]) -> io::Result<()> {
    writeln!(
        out,
        "
4. The learning rate: J = (x - 1)^2 + 0.1, ten points for each
  An update multiplies the distance from the minimum by the same factor, 1 - 2 eta.
  \"foretold\" comes from the factor, \"seen\" from the places alone.

  {:<9}{:<9}{:<31}{:<21}{:<21}{:<21}verdict",
        "eta", "factor", "x after 0, 1, 2 and 9 updates", "foretold", "seen", "in the text"
    )?;
    for Study { rate, factor, points, observed } in studies {
        let at = |index: usize| points.get(index).map_or_else(|| "-".to_owned(), |p| three(p.0));
        let places = [0, 1, 2, 9].map(at).map(|place| format!("{place:>7}")).concat();
        let foretold = Behaviour::of_factor(*factor);
        let of_text = |&(x, _): &(f64, f64)| (x - compute::STUDY_START).abs() < 1e-12;
        let text = points.first().filter(|at| of_text(at)).and(Behaviour::of_text(*rate));
        let verdict = match text {
            Some(text) if text == *observed => "agrees",
            Some(_) => "differs",
            None => "",
        };
        let line = format!(
            "  {:<8} {:<8} {places:<31}{:<21}{:<21}{:<21}{verdict}",
            short(*rate),
            three(*factor),
            foretold.words(),
            observed.words(),
            text.map_or("-", Behaviour::words)
        );
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Three decimals at most.
fn three(value: f64) -> String {
    if value.abs() < 1e3 {
        // Rounding may leave -0.
        ((value * 1e3).round() / 1e3 + 0.0).to_string()
    } else {
        format!("{value:.0e}")
    }
}

fn condition(out: &mut impl Write) -> io::Result<()> {
    let greatest = compute::greatest_rate(STUDY_CURVATURE);
    let hill = 2.0 * libm::cos(2.0 * compute::BOWL_START[1]);
    write!(
        out,
        "
5. Which learning rates converge
  Near a minimum m with second derivative J'' the slope is J'' (x - m), so an update multiplies the
  distance x - m by 1 - eta J''. That is nearer only if the factor is between -1 and 1:

      0 < eta < 2 / J''

  On x^2, (x - 1)^2 + 0.1 and at the minimum of the bowl, J'' = {STUDY_CURVATURE} in every direction: eta < {greatest}.
  At eta = 1 / J'' = {} the first update lands on the minimum; above it x jumps from side to side;
  at 2 / J'' = {greatest} it comes no nearer; beyond that every jump is wider.
  J'' can vary: along y the bowl has 2 cos 2y, at y = 1 it is {hill:.3}. There it is a hill, not a
  valley: on the way down from there, |dJ/dy| grows before it shrinks.
",
        greatest / 2.0,
    )
}

fn slips(out: &mut impl Write) -> io::Result<()> {
    write!(
        out,
        "
6. Where the text differs
  limit    The text counts 4 steps on x^2. The course that it follows says in words that it stops
           below 0.01, but computes with 0.001. 4 belongs to 0.001; 0.01 takes 3.
  2x       The text calls 2x the minimum. 2x is the slope of x^2; the minimum is where it is 0, at
           x = 0, and J = 0 there.
  rows     The course's table of the descent in section 3 numbers its first places from 1 and its
           last ones from 0. Here the number is that of the updates made: 0 at the start.
"
    )
}

/// A number in few characters: `0.5`, `1e30`.
pub fn short(value: f64) -> String {
    if value == 0.0 || (1e-4..1e6).contains(&value.abs()) {
        value.to_string()
    } else {
        format!("{value:e}")
    }
}
