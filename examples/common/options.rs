//! Pieces of command lines.

/// Reads a number that is finite and greater than zero.
pub(crate) fn positive(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if value.is_finite() && value > 0.0 {
        Ok(value)
    } else {
        Err("must be finite and greater than 0".to_owned())
    }
}
