//! Whole numbers as text, in const functions.

/// The decimal digits of a number.
#[derive(Clone, Copy)]
pub(super) struct Digits {
    /// From the right; `u64::MAX` has 20 digits.
    bytes: [u8; 20],
    length: usize,
}

impl Digits {
    #[allow(clippy::cast_possible_truncation, reason = "digits fit into a byte")]
    pub(super) const fn of(number: usize) -> Self {
        let mut digits = Self { bytes: [0; 20], length: 0 };
        let (mut places, mut rest): (&mut [u8], _) = (&mut digits.bytes, number);
        while let [others @ .., place] = places {
            *place = b'0' | (rest % 10) as u8;
            rest /= 10;
            digits.length = digits.length.wrapping_add(1);
            if rest == 0 {
                break;
            }
            places = others;
        }
        digits
    }

    pub(super) const fn len(&self) -> usize {
        self.length
    }

    pub(super) const fn as_str(&self) -> &str {
        let from = self.bytes.len().wrapping_sub(self.length);
        let Some((_, digits)) = self.bytes.split_at_checked(from) else { return "" };
        match core::str::from_utf8(digits) {
            Ok(digits) => digits,
            Err(_) => "",
        }
    }
}
