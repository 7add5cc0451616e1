//! Verdicts on the digits of a text.

use core::fmt;

use super::{Quote, Source};

/// Verdict on a number of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict<'a> {
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
            Self::Agrees => f.write_str("agrees"),
            Self::Cut => f.write_str("agrees, cut off"),
            Self::LastDigit => f.write_str("agrees but for the last digit"),
            Self::Differs(word) => write!(f, "differs: {word}"),
            Self::Unexplained => f.write_str("differs"),
        }
    }
}

/// The verdict on a quote that stands for `value`, or for what a slip makes of it.
pub fn verdict<'a>(value: f64, quote: &Quote, slips: &[(&'a str, f64)]) -> Verdict<'a> {
    agreement(value, quote).unwrap_or_else(|| {
        let slip = slips.iter().find(|(_, retraced)| agreement(*retraced, quote).is_some());
        slip.map_or(Verdict::Unexplained, |(word, _)| Verdict::Differs(word))
    })
}

/// How a number agrees with a quote, if it does.
fn agreement(value: f64, Quote { digits, source, .. }: &Quote) -> Option<Verdict<'static>> {
    // Code prints all digits.
    let is_exact = *source == Source::Run;
    if is_exact && digits.parse() == Ok(value) || !is_exact && rounds_to(value, digits) {
        Some(Verdict::Agrees)
    } else if !is_exact && is_cut_to(value, digits) {
        Some(Verdict::Cut)
    } else {
        is_next_to(value, digits).then_some(Verdict::LastDigit)
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
    let many = significant(digits) >= 8 && !digits.contains(['e', 'E']);
    many && digits
        .parse()
        .is_ok_and(|printed: f64| (value - printed).abs() < 1.01 * 0.1_f64.powi(places))
}

/// The value with as many digits as these, but no more than identify it.
pub fn shown(value: f64, digits: &str) -> String {
    let (precise, shortest) = (as_precise(value, digits), value.to_string());
    let is_beyond = significant(&precise) > 15 && shortest.len() < precise.len();
    if is_beyond { shortest } else { precise }
}

/// The value with as many digits as these.
fn as_precise(value: f64, digits: &str) -> String {
    let places = decimals(digits);
    if digits.contains(['e', 'E']) {
        format!("{value:.places$e}")
    } else {
        format!("{value:.places$}")
    }
}

/// Number of digits from the first that is not 0, and the point between them.
fn significant(digits: &str) -> usize {
    digits.trim_start_matches(['-', '0', '.']).len()
}

/// Whether the value rounds to these digits, to as many decimals as they have. -0 is 0.
fn rounds_to(value: f64, digits: &str) -> bool {
    let rounded = |number: f64| as_precise(number, digits).parse::<f64>();
    digits.parse().is_ok_and(|printed| rounded(value) == rounded(printed))
}

/// Number of decimals.
fn decimals(digits: &str) -> usize {
    let digits = digits.split(['e', 'E']).next().unwrap_or(digits);
    digits.split_once('.').map_or(0, |(_, decimals)| decimals.len())
}
