//! Templates: `{name}` and `{name:.4}` in a text.

use core::fmt::Write as _;

use super::Values;
use crate::run::Failure;

/// The template with its values. `{name}` is a number in as few digits as identify it, or a block
/// of text; `{name:.4}` is a number with four decimals, `{name:.4e}` in scientific notation.
pub fn fill(template: &str, values: &Values) -> Result<String, Failure> {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text += before;
        let Some((field, after)) = after.split_once('}') else {
            return Err(Failure::because(format!("a brace is not closed in `{template}`")));
        };
        rest = after;
        let (name, digits) = field.split_once(":.").unwrap_or((field, ""));
        if let Some(block) = values.text(name) {
            text += block;
            continue;
        }
        let value = values.number(name)?;
        _ = match (
            digits.strip_suffix('e').unwrap_or(digits).parse::<usize>(),
            digits.ends_with('e'),
        ) {
            (Ok(digits), false) => write!(text, "{value:.digits$}"),
            (Ok(digits), true) => write!(text, "{value:.digits$e}"),
            (Err(_), _) => write!(text, "{}", shortest(value)),
        };
    }
    Ok(text + rest)
}

/// As few digits as identify the number, as `0.045` or `1e-7`.
pub fn shortest(value: f64) -> String {
    format!("{value:?}").trim_end_matches(".0").to_owned()
}
