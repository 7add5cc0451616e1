//! The checksum of what is kept and sent.

/// CRC-32 of IEEE 802.3 (ISO-HDLC), bit by bit: a table would take 1 KB of flash.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crc(u32);

impl Crc {
    /// Of no bytes.
    pub(crate) const fn new() -> Self {
        Self(u32::MAX)
    }

    /// Takes in what follows.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 ^= u32::from(byte);
            for _ in 0..u8::BITS {
                let odd = self.0 & 1 != 0;
                self.0 >>= 1;
                if odd {
                    self.0 ^= 0xedb8_8320;
                }
            }
        }
    }

    /// Of all bytes so far.
    pub(crate) const fn value(self) -> u32 {
        !self.0
    }

    /// Of these bytes.
    pub(crate) fn of(bytes: &[u8]) -> u32 {
        let mut crc = Self::new();
        crc.update(bytes);
        crc.value()
    }
}

#[cfg(test)]
mod tests {
    use super::Crc;

    /// The value that catalogues of CRCs give for this one.
    #[test]
    fn check_value_is_that_of_iso_hdlc() {
        assert_eq!(Crc::of(b"123456789"), 0xcbf4_3926);
        let mut crc = Crc::new();
        crc.update(b"1234");
        crc.update(b"56789");
        assert_eq!(crc.value(), 0xcbf4_3926);
    }
}
