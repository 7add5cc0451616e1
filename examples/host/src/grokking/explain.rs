//! Explanation of the verdicts, and training with a given alpha.

use std::io::{self, Write};

use super::compute::one_weight::{LARGE_INPUT, from_zero};
use super::compute::run::Ending;
use super::compute::several;
use super::text::Section;
use shared::plot::three_digits;
use shared::rows::Verdict;

/// Number of updates with a given alpha.
const MOST: u32 = 100_000;

/// Outcome of training with this alpha.
pub fn own_alpha(out: &mut impl Write, alpha: f64) -> io::Result<()> {
    let task = from_zero(LARGE_INPUT, alpha);
    // Close to the limit, rounding prevents the error from becoming as small as in other runs.
    let run = task.learn(MOST, |moment| moment.error() < 1e-24);
    let [[weight]] = run.last.weights;
    let factor = three_digits(task.factor());
    write!(out, "\n  alpha = {alpha}: the factor is {factor}; ")?;
    match run.ending {
        Ending::Learned => {
            writeln!(out, "learned after {} updates, w = {weight}.", run.updates())
        }
        Ending::StepsDone => writeln!(
            out,
            "after {MOST} updates the error is {}, w = {weight}.",
            three_digits(run.last.error())
        ),
        Ending::Overflow => {
            writeln!(out, "it diverges: after {} updates the error is infinite.", run.updates())
        }
    }
}

/// The words of the verdicts in these sections, each once.
pub fn words(sections: impl Iterator<Item = Section>) -> Vec<String> {
    let mut words = vec![];
    for row in sections.flat_map(Section::rows) {
        if let Verdict::Differs(word) = row.verdict()
            && !words.iter().any(|known| known == word)
        {
            words.push(word.to_owned());
        }
    }
    words
}

/// The last section.
pub fn explain(out: &mut impl Write, words: &[String]) -> io::Result<()> {
    if !words.is_empty() {
        writeln!(out, "\nWhere the text differs")?;
    }
    for word in words {
        let meaning = meaning(word);
        for (number, line) in meaning.lines().enumerate() {
            let word = if number == 0 { word } else { "" };
            writeln!(out, "  {word:<8} {line}")?;
        }
    }
    write!(
        out,
        "\nWhat the text says in words\n\
         \x20 Its product of vector and matrix demands as many inputs as rows, which is right only for\n\
         \x20 square matrices: it refuses two outputs of three inputs. Each row must be as long as the\n\
         \x20 input.\n\
         \x20 It calls the weight delta the derivative of the error. That is 2 x (w x - goal), twice as\n\
         \x20 much; the weight delta is the derivative of half the error. With the full derivative the\n\
         \x20 safe range of alpha would be half as wide, up to 1 / x^2.\n\
         \x20 It says that alpha lies between 0 and 1, and to try 10, 1, 0.1 ..: what is safe depends on\n\
         \x20 the inputs alone, 0 < alpha < 2 / (x . x).\n\
         \x20 Its overflow is an exception of Python. IEEE arithmetic has none: the error becomes\n\
         \x20 infinite, later not a number. gradlet leaves the weights alone from the first infinite\n\
         \x20 error on, and says so.\n"
    )
}

fn meaning(word: &str) -> String {
    match word {
        "record" => "Its win record is 1.65 in this cell and 0.65 in all others.".to_owned(),
        "rule" => {
            let [[first, ..], _] = several::first_deltas(&several::THREE_TO_ONE);
            format!(
                "Its weight deltas are delta * weight instead of delta * input, so all weights are\n\
                 scaled by the same factor: their ratios never change, and a weight of 0 never\n\
                 learns. It gets there at all because prediction and goal have the same sign; with\n\
                 the other sign it runs away. The right first weight delta is {first:.3}."
            )
        }
        "index" => {
            let updates = several::wrong_index().updates();
            format!(
                "All weights of an output have moved by the same amount, which the rule that it\n\
                 shows cannot do. Its numbers come out, to the last digit, when output o has x_o,\n\
                 the input with its own number, for all of its weights, and learns for {updates}\n\
                 updates. They come from other code than what is shown."
            )
        }
        _ => String::new(),
    }
}
