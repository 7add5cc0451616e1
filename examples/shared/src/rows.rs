//! Rows that compare a text with a computation: "what, in the text, computed, verdict".
//!
//! ```text
//! let mut rows = Rows::new(&mut out, "1. Forward pass")?;
//! rows.line(&Row::new("z = w x + b", 0.98).printed("0.9800"))?;
//! rows.line(&Row::new("delta", 0.51).printed("0.01").slip("rule", 0.0101))?;
//! ```

use core::fmt;
use std::io::{self, Write};

/// Verdict on a number of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// The text does not print it.
    NotPrinted,
    /// The computed value rounds to the digits of the text.
    Agrees,
    /// The text has its first digits, and has not rounded them.
    Cut,
    /// The last of many digits is off by one.
    LastDigit,
    /// It does not, but does if it is computed with this slip of the text.
    Differs(&'a str),
    /// It does not, for an unknown reason.
    Unexplained,
}

impl fmt::Display for Verdict<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotPrinted => Ok(()),
            Self::Agrees => f.write_str("agrees"),
            Self::Cut => f.write_str("agrees, cut off"),
            Self::LastDigit => f.write_str("agrees but for the last digit"),
            Self::Differs(word) => write!(f, "differs: {word}"),
            Self::Unexplained => f.write_str("differs"),
        }
    }
}

/// A number: its name, its value, the digits in the text, and how the text arrived at them.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    what: String,
    value: f64,
    printed: Option<&'a str>,
    slips: Vec<(&'a str, f64)>,
}

impl<'a> Row<'a> {
    pub fn new(what: impl Into<String>, value: f64) -> Self {
        Self { what: what.into(), value, printed: None, slips: vec![] }
    }

    /// The digits of the text.
    pub fn printed(self, digits: &'a str) -> Self {
        Self { printed: Some(digits), ..self }
    }

    /// A word for a slip of the text, and the number that results from it.
    pub fn slip(mut self, word: &'a str, retraced: f64) -> Self {
        self.slips.push((word, retraced));
        self
    }

    pub fn verdict(&self) -> Verdict<'a> {
        let Some(printed) = self.printed else { return Verdict::NotPrinted };
        verdict(self.value, printed, &self.slips)
    }
}

/// The verdict on digits that stand for `value`, or for what a slip makes of it.
pub fn verdict<'a>(value: f64, digits: &str, slips: &[(&'a str, f64)]) -> Verdict<'a> {
    if rounds_to(value, digits) {
        Verdict::Agrees
    } else if is_cut_to(value, digits) {
        Verdict::Cut
    } else if is_next_to(value, digits) {
        Verdict::LastDigit
    } else {
        let is_retraced = |number| {
            rounds_to(number, digits) || is_cut_to(number, digits) || is_next_to(number, digits)
        };
        let slip = slips.iter().find(|(_, retraced)| is_retraced(*retraced));
        slip.map_or(Verdict::Unexplained, |(word, _)| Verdict::Differs(word))
    }
}

/// Whether the digits are the first ones of the value, not rounded.
fn is_cut_to(value: f64, digits: &str) -> bool {
    // Seventeen digits identify any `f64`.
    !digits.contains(['e', 'E']) && format!("{value:.17}").starts_with(digits)
}

/// Whether the last of eight or more digits is off by one.
fn is_next_to(value: f64, digits: &str) -> bool {
    let places = i32::try_from(decimals(digits)).unwrap_or(0);
    let many =
        digits.trim_start_matches(['-', '0', '.']).len() >= 8 && !digits.contains(['e', 'E']);
    many && digits
        .parse()
        .is_ok_and(|printed: f64| (value - printed).abs() < 1.01 * 0.1_f64.powi(places))
}

/// The value with as many digits as these.
pub fn as_precise(value: f64, digits: &str) -> String {
    let places = decimals(digits);
    if digits.contains(['e', 'E']) {
        format!("{value:.places$e}")
    } else {
        format!("{value:.places$}")
    }
}

/// Whether the value rounds to these digits, to as many decimals as they have.
fn rounds_to(value: f64, digits: &str) -> bool {
    let places = decimals(digits);
    let of = |number: f64| format!("{number:.places$}");
    match digits.parse() {
        Ok(printed) if digits.contains(['e', 'E']) => {
            let places = digits.split(['e', 'E']).next().map_or(0, decimals);
            format!("{value:.places$e}") == format!("{printed:.places$e}")
        }
        Ok(printed) => of(value) == of(printed),
        Err(_) => false,
    }
}

/// `1 update`, `2 updates`.
pub fn of_updates(number: u32) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} update{ending}")
}

/// Number of decimals.
fn decimals(digits: &str) -> usize {
    let digits = digits.split(['e', 'E']).next().unwrap_or(digits);
    digits.split_once('.').map_or(0, |(_, decimals)| decimals.len())
}

/// Writes rows under headings.
#[derive(Debug)]
pub struct Rows<'a, W> {
    out: &'a mut W,
    title: &'a str,
}

/// Width of the first column, and of the two with numbers.
const WHAT: usize = 44;
const NUMBER: usize = 24;

impl<'a, W: Write> Rows<'a, W> {
    /// `title` is the heading of the computed column: `here`, for instance.
    pub fn new(out: &'a mut W, title: &'a str) -> Self {
        Self { out, title }
    }

    pub fn heading(&mut self, text: &str) -> io::Result<()> {
        let width = WHAT.saturating_add(2);
        writeln!(
            self.out,
            "\n{text:<width$}{:<NUMBER$}{:<NUMBER$}verdict",
            self.title, "in the text"
        )
    }

    pub fn line(&mut self, row: &Row<'_>) -> io::Result<()> {
        let value = match row.printed {
            Some(digits) if digits.contains(['e', 'E']) => {
                format!("{:.*e}", decimals(digits), row.value)
            }
            Some(digits) => format!("{:.*}", decimals(digits), row.value),
            // Usually a count.
            None if row.value.fract() == 0.0 && row.value.abs() < 1e7 => row.value.to_string(),
            None if (1e-4..1e7).contains(&row.value.abs()) => format!("{:.10}", row.value),
            None => format!("{:.9e}", row.value),
        };
        // Room for a sign aligns the decimal points.
        let signed = |text: &str| match text {
            text if text.starts_with('-') && text.len() > 1 => text.to_owned(),
            text => format!(" {text}"),
        };
        let printed = signed(row.printed.unwrap_or("-"));
        let line = format!(
            "  {:<WHAT$}{:<NUMBER$}{printed:<NUMBER$}{}",
            row.what,
            signed(&value),
            row.verdict()
        );
        writeln!(self.out, "{}", line.trim_end())
    }
}
