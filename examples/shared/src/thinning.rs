//! Thinning of long curves.

/// Keeps the points that can be distinguished on a logarithmic axis: the first 40, then about 90
/// per decade; always 0 and the powers of ten.
#[derive(Debug, Default)]
pub struct Thinning {
    next: u32,
}

impl Thinning {
    /// Whether to keep the point with this number; to be called in increasing order.
    pub fn keeps(&mut self, number: u32) -> bool {
        let due = number >= self.next;
        if due {
            self.next = number.saturating_add((number / 40).max(1));
        }
        due || is_power_of_ten(number)
    }
}

/// 1, 10, 100 ..
pub fn is_power_of_ten(number: u32) -> bool {
    number.checked_ilog10().is_some_and(|exponent| 10_u32.pow(exponent) == number)
}
